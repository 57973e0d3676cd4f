//! `weft workload`.

use crate::ctx::{Ctx, Outcome, absolute_text, target};
use crate::render;
use crate::verbs::project;
use std::path::PathBuf;
use weft_api::Request;

/// What `ReleaseAdd` and `ReleaseList` call these.
const KIND: &str = "workload";

/// Workloads.
#[derive(Debug, clap::Subcommand)]
pub enum Workload {
    /// Write a new workload's project: source and a README with the next steps
    #[command(after_help = "Example:\n  weft workload new word-count")]
    New {
        /// Its name: lower-case letters, digits and single hyphens
        name: String,
        /// The project's folder, which must not be there or be empty [default: ./NAME]
        #[arg(long, value_name = "DIR")]
        path: Option<PathBuf>,
    },
    Build(project::Build),
    /// Look at a release or a component file: world, imports, limits; nothing is stored
    #[command(after_help = "Example:\n  weft workload inspect log-digest")]
    Inspect {
        /// A release's CID or name, or a component file
        #[arg(value_name = "CID|NAME|FILE")]
        target: String,
    },
    /// Check a component, make and sign its release, and store it; it runs nothing before `workload use`
    #[command(after_help = "Example:\n  weft workload add target/weft/word-count.wasm")]
    Add {
        /// The component
        file: PathBuf,
        /// Its revision, which must rise [default: one more than the last]
        #[arg(long, value_name = "N")]
        revision: Option<u64>,
    },
    /// List the workloads that this home holds, with their release CIDs
    #[command(after_help = "Example:\n  weft workload list")]
    List,
    /// Bind a workload to a task's name: from now on that name runs it
    #[command(after_help = "Example:\n  weft workload use nightly-count word-count")]
    Use {
        /// The task's name
        name: String,
        /// A release's CID or name
        #[arg(value_name = "CID|NAME")]
        target: String,
        /// Give it the directories that the name was granted in weft.toml: another binary inherits none by itself
        #[arg(long)]
        grant: bool,
    },
    /// Bind what was bound to a task's name before
    #[command(after_help = "Example:\n  weft workload rollback nightly-count")]
    Rollback {
        /// The task's name
        name: String,
    },
    /// Show what was bound to a task's name, and since when
    #[command(after_help = "Example:\n  weft workload history nightly-count")]
    History {
        /// The task's name
        name: String,
    },
}

impl Workload {
    /// Does it.
    ///
    /// # Errors
    /// What the node or the build refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::New { name, path } => project::new_workload(ctx, &name, path),
            Self::Build(verb) => verb.run(ctx, KIND),
            Self::Inspect { target: text } => {
                let target = target(&text)?;
                ctx.tell_as(Request::ReleaseInspect { target }, render::inspected)
            }
            Self::Add { file, revision } => ctx.tell(Request::ReleaseAdd {
                path: absolute_text(&file)?,
                kind: KIND.into(),
                revision,
            }),
            Self::List => ctx.tell(Request::ReleaseList {
                kind: Some(KIND.into()),
            }),
            Self::Use {
                name,
                target: text,
                grant,
            } => ctx.tell(Request::WorkloadUse {
                name,
                target: target(&text)?,
                grant,
            }),
            Self::Rollback { name } => ctx.tell(Request::WorkloadRollback { name }),
            Self::History { name } => ctx.tell(Request::WorkloadHistory { name }),
        }
    }
}
