//! Scores NaN.

use weft_sdk::scorer::Outcome;

weft_guests::scorer!(|_, _, _| Ok(Outcome::Score(f64::NAN)));
