//! `weft restore`.

use crate::ctx::{Ctx, Outcome, absolute};
use std::path::PathBuf;
use std::sync::Arc;
use weft_api::{Node, Response, RestoreOptions, SystemClock};

/// Make a home from a backup
///
/// The restored home gets a device key of its own. A home that is there is refused; with --force it is moved aside,
/// and is there still.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft restore /mnt/usb/weft.tar.gz\n  weft --home /tmp/copy restore /mnt/usb/weft.tar.gz"
)]
pub struct Restore {
    /// The backup
    file: PathBuf,

    /// Move a home that is there aside
    #[arg(long)]
    force: bool,
}

impl Restore {
    /// Restores, in this process.
    ///
    /// # Errors
    /// When the file is no backup, or a home is in the way.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let report = Node::restore(&RestoreOptions {
            home: ctx.home().to_owned(),
            archive: absolute(&self.file)?,
            force: self.force,
            bundle: ctx.bundle(),
            clock: Arc::new(SystemClock),
            compile_worker: ctx.compile_worker(),
        })?;
        ctx.show(&Response::Backup(report))
    }
}
