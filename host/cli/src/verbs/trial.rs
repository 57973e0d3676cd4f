//! `weft plugin mode` and `weft plugin report`: releases on trial.

use crate::ctx::{Ctx, Outcome, target};
use weft_api::{Request, TrialRequest};

/// Try the newest version of a slot before it decides everything
///
/// `shadow`: it decides nothing, and what it would have answered otherwise is recorded. `canary N%`: it decides N % of
/// the tasks, the same ones at every attempt; where it fails, the version before answers, and after too many failures
/// or refusals that one decides everything again (settings canary_failures, canary_refusals, canary_decisions).
/// `enforce`: the trial is over, it decides. Until then the version that served before goes on. In consent and ethics
/// a release on trial joins the others when it is enforced: there the strictest wins.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft plugin mode scorer shadow
  weft plugin mode scorer canary 10%
  weft plugin mode scorer enforce")]
pub struct Mode {
    /// The slot
    slot: String,
    /// `shadow`, `canary N%` with N from 1 to 99, or `enforce`
    #[arg(value_name = "MODE", num_args = 1..=2, required = true)]
    mode: Vec<String>,
}

/// Show what the trial in a slot found, and sign it: decisions, differences with examples, failures, refusals
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft plugin report scorer\n  weft plugin report --verify bafyrei…"
)]
pub struct Report {
    /// The slot
    #[arg(required_unless_present = "verify")]
    slot: Option<String>,
    /// Check a signed report instead of making one: its CID, or a file
    #[arg(long, value_name = "CID|FILE", conflicts_with = "slot")]
    verify: Option<String>,
}

impl Mode {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let (slot, mode) = (self.slot, self.mode.join(" "));
        ctx.tell(Request::Trial(TrialRequest::Mode { slot, mode }))
    }
}

impl Report {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let request = match self.verify {
            Some(text) if std::path::Path::new(&text).is_file() => TrialRequest::Verify {
                target: crate::ctx::absolute_text(std::path::Path::new(&text))?,
            },
            Some(text) => TrialRequest::Verify {
                target: target(&text)?,
            },
            None => TrialRequest::Report {
                slot: self.slot.unwrap_or_default(),
            },
        };
        ctx.tell(Request::Trial(request))
    }
}
