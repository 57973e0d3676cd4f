//! Answers with an error.

use weft_sdk::PolicyError;

weft_guests::scorer!(|_, _, _| Err(PolicyError::Unsupported("not on a Sunday".into())));
