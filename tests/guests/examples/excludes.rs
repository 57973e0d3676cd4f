//! Excludes every candidate.

use weft_sdk::scorer::{Exclusion, Outcome};

weft_guests::scorer!(|_, _, _| Ok(Outcome::Excluded(Exclusion::Other)));
