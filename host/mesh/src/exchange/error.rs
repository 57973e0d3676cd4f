//! How the exchange fails.

use super::queue::{Dropped, Report};
use weft_model::Cid;

/// Why a fetch ended without all that was wanted. What it gave out by then is verified and stays so.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Every seeder was asked and answered "not here".
    #[error("no seeder has `{cid}`; find another seeder and fetch again")]
    NotFound {
        /// The block.
        cid: Cid,
        /// What there was until then.
        report: Box<Report>,
    },
    /// Nobody is left that could be asked.
    #[error(
        "no seeder is left for `{cid}`{}; find another seeder and fetch again",
        dropped(report)
    )]
    NoSeeders {
        /// The first block that is missing.
        cid: Cid,
        /// What there was until then.
        report: Box<Report>,
    },
    /// More blocks than one fetch may want.
    #[error("more than {max} blocks are wanted at once; fetch the parts of it one by one")]
    TooManyBlocks {
        /// The limit.
        max: usize,
    },
    /// A hash that this node can't check.
    #[error("`{0}` is named by another hash than sha2-256 and can't be verified here")]
    OtherHash(Cid),
    /// The one who wanted the blocks takes no more.
    #[error("the fetch was given up by the one who wanted it")]
    GivenUp,
}

fn dropped(report: &Report) -> String {
    let reasons: Vec<String> = report
        .seeders
        .iter()
        .filter_map(|s| Some(format!("{}: {}", s.peer, s.dropped().map(Dropped::name)?)))
        .collect();
    match reasons.is_empty() {
        true => String::new(),
        false => format!(" ({})", reasons.join(", ")),
    }
}
