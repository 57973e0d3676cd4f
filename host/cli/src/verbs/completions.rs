//! `weft completions`.

use crate::args::Cli;
use crate::ctx::{Ctx, Outcome};
use crate::exit::Exit;
use crate::render;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a shell's completions
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  weft completions bash > ~/.local/share/bash-completion/completions/weft"
)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints them, whatever --json says: they are a script.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn run(self, _ctx: &Ctx) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "weft", &mut script);
        render::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Ok)
    }
}
