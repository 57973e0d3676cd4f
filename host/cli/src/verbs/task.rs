//! `weft task`.

use crate::ctx::{Ctx, Outcome};
use crate::exit::Exit;
use crate::parse;
use crate::verbs::spec::Needs;
use weft_api::{Request, Response};
use weft_model::Instant;
use weft_model::task::Status;

/// Tasks.
#[derive(Debug, clap::Subcommand)]
pub enum Task {
    Submit(Box<Submit>),
    Check(Box<Check>),
    List(List),
    /// Show one task: where it stands and why
    #[command(after_help = "Example:\n  weft task show TASK")]
    Show {
        /// The task's id, as `weft task list` shows it
        task: String,
    },
    /// Take a task back; one that runs is told to stop
    #[command(after_help = "Example:\n  weft task cancel TASK")]
    Cancel {
        /// The task's id, as `weft task list` shows it
        task: String,
    },
}

/// Submit a task: it is decided at once, and runs, is delegated, waits or is refused
///
/// The answer says why. What waits is resumed by `weft start`, unaided. Where no daemon runs, this command runs the
/// task itself and answers at its end; cut off, the task is queued again. With --wait the answer comes when the task
/// has ended or waits for a moment, and the exit code is 6 when it was blocked, failed or was taken
/// back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft task submit --name log-digest --input /var/log/syslog --wait
  weft task submit --name nightly-train --watts 300 --duration-ms 3600000 --sla eco
  weft task submit --name hospital-backup --tag health --importance critical")]
pub struct Submit {
    /// The task's name, 1 to 256 bytes; finds its vote, its permits and its workload
    #[arg(long, value_name = "NAME")]
    name: String,

    #[command(flatten)]
    needs: Needs,

    /// Answer when it has ended, or waits for a moment; Ctrl-C ends the waiting, not a task that a daemon runs
    #[arg(long)]
    wait: bool,
}

/// Say what would become of a task, now or at another moment; nothing is stored
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  weft task check --name nightly-train --watts 300 --at 2026-11-21T23:00:00Z"
)]
pub struct Check {
    /// The task's name, 1 to 256 bytes
    #[arg(long, value_name = "NAME")]
    name: String,

    #[command(flatten)]
    needs: Needs,

    /// The moment to decide for, in RFC 3339 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = parse::instant)]
    at: Option<Instant>,
}

/// List tasks, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft task list --status deferred --limit 50")]
pub struct List {
    /// Only those of this user [default: all]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Only those that stand so
    #[arg(long, value_name = "STATUS", value_parser = Status::ALL.iter().map(|s| s.word()).collect::<Vec<_>>())]
    status: Option<String>,

    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

impl Task {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::Submit(verb) => verb.run(ctx),
            Self::Check(verb) => ctx.tell(Request::TaskCheck {
                spec: verb.needs.spec(verb.name)?,
                at: verb.at,
            }),
            Self::List(verb) => verb.run(ctx),
            Self::Show { task } => ctx.tell(Request::TaskShow { task }),
            Self::Cancel { task } => ctx.tell(Request::TaskCancel { task }),
        }
    }
}

impl List {
    fn run(self, ctx: &Ctx) -> Outcome {
        let response = ctx.ask(Request::TaskList {
            user: self.user,
            status: self.status,
            limit: self.limit,
        })?;
        let exit = ctx.show(&response)?;
        if let Response::Tasks(tasks) = &response {
            ctx.note_waiting(tasks.iter().map(|task| task.status.as_str()));
        }
        Ok(exit)
    }
}

impl Submit {
    fn run(self, ctx: &Ctx) -> Outcome {
        let wait = self.wait;
        let request = Request::TaskSubmit {
            spec: self.needs.spec(self.name)?,
            wait,
        };
        let response = if wait {
            ctx.ask_slowly("waiting for the task", request)?
        } else {
            ctx.ask(request)?
        };
        let exit = ctx.show(&response)?;
        if let Response::Task(task) = &response {
            ctx.note_waiting([task.status.as_str()]);
        }
        Ok(match &response {
            Response::Task(task) if wait && ended_badly(&task.status) => Exit::Task,
            _ => exit,
        })
    }
}

fn ended_badly(status: &str) -> bool {
    [Status::Blocked, Status::Failed, Status::Cancelled]
        .iter()
        .any(|s| s.word() == status)
}
