//! `weft plugin`.

use crate::ctx::{Ctx, Outcome, absolute_text, target};
use crate::parse;
use crate::render;
use crate::verbs::{project, trial};
use serde_json::Value;
use std::path::{Path, PathBuf};
use weft_api::{Request, TrialRequest};
use weft_model::Instant;

/// What `ReleaseAdd` and `ReleaseList` call these.
const KIND: &str = "policy";

/// The mode of a release that decides.
const ENFORCE: &str = "enforce";

/// Plugins.
#[derive(Debug, clap::Subcommand)]
pub enum Plugin {
    New(New),
    Build(project::Build),
    Test(Test),
    Bench(Bench),
    /// Look at a release or a component file: world, imports, features, config schema; nothing is stored
    #[command(
        after_help = "Example:\n  weft plugin inspect scorer-latency\n  weft plugin inspect target/weft/my-scorer.wasm"
    )]
    Inspect {
        /// A release's CID or name, or a component file
        #[arg(value_name = "CID|NAME|FILE")]
        target: String,
    },
    Run(Run),
    Add(Add),
    List(List),
    Use(Use),
    Mode(trial::Mode),
    Report(trial::Report),
    /// Put back what served a slot before
    #[command(after_help = "Example:\n  weft plugin rollback scorer")]
    Rollback {
        /// The slot
        slot: String,
    },
    /// Show what served a slot, and since when
    #[command(after_help = "Example:\n  weft plugin history scorer")]
    History {
        /// The slot
        slot: String,
    },
    Bundle(project::Bundle),
}

/// Write a new plugin's project: source, a golden vector, a README with the next steps
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft plugin new --slot scorer my-scorer")]
pub struct New {
    /// The slot that it is for: override, voting, sla, consent, ethics, quota, scorer, reward, reputation, carbon or
    /// demand
    #[arg(long)]
    slot: String,
    /// Its name: lower-case letters, digits and single hyphens
    name: String,
    /// The project's folder, which must not be there or be empty [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

/// Run a plugin's golden vectors
///
/// For a project's folder: its own tests natively, then the built component in the engine. For a component file or a
/// release: in the engine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft plugin test\n  weft plugin test scorer-latency")]
pub struct Test {
    /// A project's folder, a component file, or a release's CID or name
    #[arg(value_name = "DIR|FILE|CID|NAME", default_value = ".")]
    target: String,
    /// Only the project's own tests: no component is built, and no home is needed
    #[arg(long)]
    native: bool,
}

/// Time a plugin on its golden vectors; each call is served by a fresh instance, as in service
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft plugin bench scorer-clean-energy --calls 10000")]
pub struct Bench {
    /// A release's CID or name, or a component file
    #[arg(value_name = "CID|NAME|FILE")]
    target: String,
    /// Calls in all
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    calls: u32,
}

/// Call a plugin by hand; nothing is stored
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  weft plugin run health-override --call \\\n    '{\"override\": [{\"name\": \"hospital-backup\", \"tags\": [], \"standing\": \"Member\", \"used\": 0}]}'"
)]
pub struct Run {
    /// A release's CID or name, or a component file
    #[arg(value_name = "CID|NAME|FILE")]
    target: String,
    /// The call, as in a golden vector: {"rank": {…}}
    #[arg(long, value_name = "JSON|@FILE", value_parser = parse::json)]
    call: Value,
    /// Its config [default: every field's default]
    #[arg(long, value_name = "JSON|@FILE", value_parser = parse::json)]
    config: Option<Value>,
    /// The moment that it is told, in RFC 3339 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = parse::instant)]
    at: Option<Instant>,
}

/// Check a component, make and sign its release, and store it; it serves nothing before `plugin use`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft plugin add target/weft/my-scorer.wasm")]
pub struct Add {
    /// The component
    file: PathBuf,
    /// Its revision, which must rise [default: one more than the last]
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
}

/// List the plugins that this home holds, with their release CIDs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft plugin list\n  weft plugin list --slots")]
pub struct List {
    /// List by slot, with the configs, what serves it
    #[arg(long)]
    slots: bool,
}

/// Let a plugin serve a slot, from the next decision on; calls in flight end on the old one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft plugin use scorer scorer-latency
  weft plugin use scorer bafyrei… --config '{\"weight_energy\": 0.7}'
  weft plugin use ethics my-rules --add
  weft plugin use scorer scorer-latency --mode 'canary 10%'")]
pub struct Use {
    /// The slot
    slot: String,
    /// A release's CID or name
    #[arg(value_name = "CID|NAME")]
    target: String,
    /// Its config, checked against its schema [default: every field's default]
    #[arg(long, value_name = "JSON|@FILE", value_parser = parse::json)]
    config: Option<Value>,
    /// Add it to those that serve the slot (consent and ethics alone: the strictest wins)
    #[arg(long)]
    add: bool,
    /// On trial beside what serves the slot: `shadow` decides nothing, `canary N%` decides N % of the tasks and goes
    /// back by itself when it fails (`weft plugin mode` changes it, `weft plugin report` shows what it found)
    #[arg(long, value_name = "MODE", default_value = ENFORCE)]
    mode: String,
}

impl Plugin {
    /// Does it.
    ///
    /// # Errors
    /// What the node or the build refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::New(New { slot, name, path }) => project::new_plugin(ctx, &slot, &name, path),
            Self::Build(verb) => verb.run(ctx, KIND),
            Self::Test(verb) => verb.run(ctx),
            Self::Bench(verb) => {
                let target = target(&verb.target)?;
                let calls = verb.calls as usize;
                ctx.tell_slowly("measuring", Request::PluginBench { target, calls })
            }
            Self::Inspect { target: text } => {
                let target = target(&text)?;
                ctx.tell_as(Request::ReleaseInspect { target }, render::inspected)
            }
            Self::Run(Run {
                target: text,
                call,
                config,
                at,
            }) => ctx.tell(Request::PluginRun {
                target: target(&text)?,
                call,
                config,
                at,
            }),
            Self::Add(Add { file, revision }) => ctx.tell(Request::ReleaseAdd {
                path: absolute_text(&file)?,
                kind: KIND.into(),
                revision,
            }),
            Self::List(List { slots: true }) => ctx.tell(Request::SlotList),
            Self::List(List { slots: false }) => ctx.tell(Request::ReleaseList {
                kind: Some(KIND.into()),
            }),
            Self::Use(Use {
                slot,
                target: text,
                config,
                add,
                mode,
            }) => {
                let target = target(&text)?;
                ctx.tell(if mode == ENFORCE {
                    Request::SlotUse {
                        slot,
                        target,
                        config,
                        add,
                    }
                } else {
                    Request::Trial(TrialRequest::Use {
                        slot,
                        target,
                        config,
                        mode,
                        add,
                    })
                })
            }
            Self::Mode(verb) => verb.run(ctx),
            Self::Report(verb) => verb.run(ctx),
            Self::Rollback { slot } => ctx.tell(Request::SlotRollback { slot }),
            Self::History { slot } => ctx.tell(Request::SlotHistory { slot }),
            Self::Bundle(verb) => verb.run(ctx),
        }
    }
}

impl Test {
    fn run(self, ctx: &Ctx) -> Outcome {
        let dir = Path::new(&self.target);
        if dir.is_dir() {
            return project::test(ctx, dir, self.native);
        }
        let target = target(&self.target)?;
        ctx.tell_as(Request::PluginTest { target }, render::tested)
    }
}
