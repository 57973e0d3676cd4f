//! `weft init`.

use crate::ctx::{Ctx, Outcome};
use crate::render;
use std::sync::Arc;
use weft_api::{InitOptions, Node, SystemClock};

/// Make a home: keys, database, settings, and the default plugins in service
///
/// A home that is there stays as it is. The owner's name is how tasks, rules and votes of this home are signed; it
/// can't be changed later.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft init --user alice@example.com")]
pub struct Init {
    /// The home's owner; `owner@localhost` unless given
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl Init {
    /// Makes the home, in this process.
    ///
    /// # Errors
    /// When it can't be written, or another process has it.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let report = Node::init(&InitOptions {
            home: ctx.home().to_owned(),
            owner: self.user,
            bundle: ctx.bundle(),
            clock: Arc::new(SystemClock),
            compile_worker: ctx.compile_worker(),
        })?;
        ctx.show_value(&report, &render::init(&report))
    }
}
