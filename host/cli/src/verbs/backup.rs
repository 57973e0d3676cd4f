//! `weft backup`.

use crate::ctx::{Ctx, Outcome, absolute_text};
use std::path::PathBuf;
use weft_api::Request;

/// Write the home into one file, with a daemon running or not
///
/// The file holds the home's private keys: keep it as you keep those. Native code and the lock are left out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  weft backup /mnt/usb/weft.tar.gz\n  weft --home /tmp/copy restore /mnt/usb/weft.tar.gz"
)]
pub struct Backup {
    /// The file to write; it must not be there yet [default: weft-YYYYMMDDTHHMMSSZ.tar.gz, here]
    path: Option<PathBuf>,
}

impl Backup {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let named_by_time = || {
            jiff::Timestamp::now()
                .strftime("weft-%Y%m%dT%H%M%SZ.tar.gz")
                .to_string()
                .into()
        };
        let path = absolute_text(&self.path.unwrap_or_else(named_by_time))?;
        ctx.tell_slowly("writing", Request::Backup { path })
    }
}
