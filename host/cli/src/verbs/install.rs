//! `weft install`, and what follows from it: `pending`, `consent`, `pin`, `unpin`, `rollback`, `history`,
//! `quarantine`, `outdated`, `sync`.

use super::release::{reference, tell};
use crate::ctx::{Ctx, Outcome, absolute_text, waits};
use crate::exit::Exit;
use std::io::{BufRead, IsTerminal, Write as _};
use std::path::PathBuf;
use weft_api::{PackageRequest, PackageResponse, Request, Response};

/// Install a release: check it, compile it, run its golden vectors, and let it replace what it updates
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft install my-scorer.car
  weft install bafyrei… --from /srv/releases
  weft install my-scorer --from /srv/releases --yes")]
pub struct Install {
    /// A release's CID or name, or a CAR file
    #[arg(value_name = "CID|NAME|FILE.car")]
    reference: String,
    /// The folder or CAR file to take it from
    #[arg(long, value_name = "DIR|FILE.car")]
    from: Option<PathBuf>,
    /// What it is to serve: its slot, a task's name, a skill's name
    /// [default: what a release of this name by this publisher serves now]
    #[arg(long = "as", value_name = "TARGET")]
    target: Option<String>,
    /// Agree to whatever it wants more than what serves
    #[arg(long)]
    yes: bool,
}

/// Show the releases that wait: for your consent, or for the end of their delay
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft pending")]
pub struct Pending {}

/// Agree to what a waiting release wants more, or to its serving now
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  weft consent my-scorer\n  weft consent my-scorer --no")]
pub struct Consent {
    /// A waiting release's CID or name
    #[arg(value_name = "CID|NAME")]
    reference: String,
    /// Say no: it is taken back
    #[arg(long)]
    no: bool,
}

/// Keep a slot, task or skill at a release: no update changes it by itself
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  weft pin scorer scorer-latency\n  weft pin --list")]
pub struct Pin {
    /// A slot, `workload/NAME` or `skill/NAME`
    #[arg(required_unless_present = "list")]
    target: Option<String>,
    /// A release's CID or name
    #[arg(value_name = "CID|NAME", required_unless_present = "list")]
    reference: Option<String>,
    /// Show what is pinned
    #[arg(long, conflicts_with_all = ["target", "reference"])]
    list: bool,
}

/// Let a slot, task or skill follow its publisher again
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft unpin scorer")]
pub struct Unpin {
    /// What was pinned
    target: String,
}

/// Put back what served a slot, task or skill before
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft rollback scorer")]
pub struct Rollback {
    /// A slot, `workload/NAME` or `skill/NAME`
    target: String,
}

/// Show what served a slot, task or skill, and since when
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft history scorer")]
pub struct History {
    /// A slot, `workload/NAME` or `skill/NAME`
    target: String,
}

/// Releases out of service
#[derive(Debug, clap::Subcommand)]
pub enum Quarantine {
    /// Show the releases that are out of service, and why
    #[command(after_help = "Example:\n  weft quarantine list")]
    List,
    /// Let a release serve again
    #[command(after_help = "Example:\n  weft quarantine lift my-scorer")]
    Lift {
        /// A release's CID or name
        #[arg(value_name = "CID|NAME")]
        reference: String,
    },
}

/// Show what serves beside the newest that is known of it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft outdated --from /srv/releases")]
pub struct Outdated {
    /// The folder to ask first
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

/// Install what a lock file says, each into its place: another home's `weft.lock`, to be as that one is
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft sync weft.lock --from /srv/releases")]
pub struct Sync {
    /// The lock file [default: this home's own]
    lock: Option<PathBuf>,
    /// The folder or CAR file to take releases from
    #[arg(long, value_name = "DIR|FILE.car")]
    from: Option<PathBuf>,
    /// Agree to whatever they want more than what serves
    #[arg(long)]
    yes: bool,
}

impl Install {
    /// Does it. Where a person can be asked, they are; else the release waits.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let request = PackageRequest::Install {
            reference: reference(&self.reference)?,
            from: self.from.as_deref().map(absolute_text).transpose()?,
            target: self.target,
            consent: self.yes,
        };
        let answer = ctx.ask_slowly("installing", Request::Package(request))?;
        let Response::Package(PackageResponse::Install(report)) = &answer else {
            return ctx.show(&answer);
        };
        let may_ask = !ctx.json() && std::io::stdin().is_terminal();
        if report.state != "waiting" || !may_ask {
            return ctx.show(&answer);
        }
        ctx.show(&answer)?;
        let cid = report.release.clone();
        match ask("install it? [y/N] ")? {
            true => tell(ctx, PackageRequest::Consent { reference: cid }),
            false => {
                ctx.note("it waits: `weft consent` installs it, `weft consent --no` takes it back");
                Ok(Exit::Ok)
            }
        }
    }
}

/// A yes or no from the terminal.
fn ask(question: &str) -> Result<bool, weft_api::ApiError> {
    let io = |e: std::io::Error| weft_api::ApiError::new("io", e.to_string(), "");
    let mut out = std::io::stderr().lock();
    out.write_all(question.as_bytes()).map_err(io)?;
    out.flush().map_err(io)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(io)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

impl Pending {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        tell(ctx, PackageRequest::Pending)
    }
}

impl Consent {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let reference = self.reference;
        tell(
            ctx,
            match self.no {
                true => PackageRequest::Decline { reference },
                false => PackageRequest::Consent { reference },
            },
        )
    }
}

impl Pin {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        tell(
            ctx,
            match (self.target, self.reference) {
                (Some(target), Some(reference)) => PackageRequest::Pin { target, reference },
                _ => PackageRequest::Pins,
            },
        )
    }
}

impl Unpin {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        tell(
            ctx,
            PackageRequest::Unpin {
                target: self.target,
            },
        )
    }
}

impl Rollback {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        tell(
            ctx,
            PackageRequest::Rollback {
                target: self.target,
            },
        )
    }
}

impl History {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        tell(
            ctx,
            PackageRequest::History {
                target: self.target,
            },
        )
    }
}

impl Quarantine {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        tell(
            ctx,
            match self {
                Self::List => PackageRequest::QuarantineList,
                Self::Lift { reference } => PackageRequest::QuarantineLift { reference },
            },
        )
    }
}

impl Outdated {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let from = self.from.as_deref().map(absolute_text).transpose()?;
        tell(ctx, PackageRequest::Outdated { from })
    }
}

impl Sync {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let lock = self.lock.unwrap_or_else(|| ctx.home().join("weft.lock"));
        let request = PackageRequest::Sync {
            lock: absolute_text(&lock)?,
            from: self.from.as_deref().map(absolute_text).transpose()?,
            consent: self.yes,
        };
        let answer = ctx.ask_slowly("installing", Request::Package(request))?;
        ctx.show(&answer)?;
        Ok(match answer {
            Response::Package(PackageResponse::Installs(all))
                if all.iter().any(|install| waits(&install.state)) =>
            {
                Exit::Waits
            }
            _ => Exit::Ok,
        })
    }
}
