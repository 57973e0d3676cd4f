//! The demo: two days of three households, played by three nodes that are processes of their own, connected over
//! loopback, on the production paths.
//!
//! Scripted are the inputs (members, energy, rules, tasks, ballots) and the clocks, nothing else: every verdict below is
//! what a plugin answered, and each `expect` fails the demo when it is another one than told.

use crate::ctx::{Ctx, Outcome};
use crate::exit::Exit;
use serde::Serialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use weft_api::report::{CarbonReport, PollReport, TaskReport};
use weft_api::{ApiError, NetworkRequest, NetworkResponse, Request, Response};
use weft_model::task::{Importance, TaskSpec};

mod household;
mod story;

use household::Household;

/// Thursday, 18 June 2026, 20:00 UTC.
const EVENING: i64 = 1_781_812_800_000;
/// Milliseconds in an hour and a minute.
const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a minute.
const MINUTE_MS: i64 = 60_000;
/// Who founds the network; her grid burns coal.
const ADA: &str = "ada@example.com";
/// Her neighbour with a solar roof.
const BO: &str = "bo@example.com";
/// Her neighbour with a wind turbine.
const CY: &str = "cy@example.com";
/// Logs of real systems; the first that can be read is taken.
const LOGS: [&str; 5] = [
    "/var/log/dpkg.log",
    "/var/log/syslog",
    "/var/log/messages",
    "/var/log/system.log",
    "/var/log/install.log",
];
/// Most of it that is read, in bytes.
const LOG_BYTES: u64 = 1 << 20;
/// Lines of the one that is made up.
const LOG_LINES: usize = 5_000;
/// How long anything may take to go from one node to the others.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// What the demo showed, for `--json`.
#[derive(Debug, Default, Serialize)]
pub struct Played {
    /// The three devices, and the digest of the log that they agree on.
    devices: Vec<String>,
    digest: String,
    /// Every task with its outcome.
    tasks: Vec<TaskReport>,
    /// Every vote.
    votes: Vec<PollReport>,
    /// Decisions made by other threads while the voting method was swapped, and how many of them failed.
    decided_during_swap: usize,
    failed_during_swap: usize,
    /// The carbon report at the end.
    carbon: Option<CarbonReport>,
}

/// Plays the story; `keep`: the folder for the three homes, to leave for a look.
pub fn run(ctx: &Ctx, keep: Option<PathBuf>) -> Outcome {
    let temporary = tempfile::tempdir().map_err(|e| io("a temporary folder", &e))?;
    let folder = keep
        .clone()
        .unwrap_or_else(|| temporary.path().join("demo"));
    if keep.is_some() && folder.exists() {
        return Err(ApiError::new(
            "conflict",
            format!("`{}` is there already", folder.display()),
            "choose another folder",
        ));
    }
    let played = story::play(Stage::open(ctx, &folder)?)?;
    if ctx.json() {
        return ctx.show_value(&played, "");
    }
    match keep {
        Some(folder) => ctx.show_value(
            &(),
            &format!(
                "\nThe homes are kept: weft --home {} status\n",
                folder.join("ada").display()
            ),
        ),
        None => Ok(Exit::Ok),
    }
}

/// A log, beside the homes.
struct Log {
    path: PathBuf,
    /// Which log of this machine it is the beginning of; none: it is made up, for none can be read.
    of: Option<&'static str>,
}

/// The three nodes of the story, and the way to tell what happens.
struct Stage<'a> {
    ctx: &'a Ctx,
    ada: Household,
    bo: Household,
    cy: Household,
    /// What tasks read.
    log: Log,
    played: Played,
}

impl<'a> Stage<'a> {
    fn open(ctx: &'a Ctx, folder: &Path) -> Result<Self, ApiError> {
        let open = |name, user| Household::open(ctx, &folder.join(name), user, EVENING);
        Ok(Self {
            ctx,
            ada: open("ada", ADA)?,
            bo: open("bo", BO)?,
            cy: open("cy", CY)?,
            log: log(folder)?,
            played: Played::default(),
        })
    }

    fn households(&self) -> [&Household; 3] {
        [&self.ada, &self.bo, &self.cy]
    }

    fn household(&self, user: &str) -> &Household {
        let found = self.households().into_iter().find(|h| h.user == user);
        found.unwrap_or(&self.ada)
    }

    /// Prints a line for people; JSON has the values alone.
    fn say(&self, text: &str) -> Result<(), ApiError> {
        if self.ctx.json() {
            Ok(())
        } else {
            crate::render::print(&format!("{text}\n"))
        }
    }

    /// Asks ada's node.
    fn ask(&self, request: Request) -> Result<Response, ApiError> {
        self.ada.ask(request)
    }

    /// Submits a task at its user's node and tells what became of it; fails when it is not what the story says.
    fn submit(&mut self, spec: TaskSpec, expect: &str) -> Result<TaskReport, ApiError> {
        let user = spec.user.clone();
        let submit = Request::TaskSubmit { spec, wait: true };
        let Response::Task(task) = self.household(&user).ask(submit)? else {
            return Err(unexpected("a task"));
        };
        self.tell(&task, expect)?;
        Ok(*task)
    }

    /// Waits until a task has come to this status at its user's node, and tells it.
    fn show(&mut self, user: &str, id: &str, expect: &str) -> Result<TaskReport, ApiError> {
        let household = self.household(user);
        let begun = Instant::now();
        let task = loop {
            let Response::Task(task) = household.ask(Request::TaskShow { task: id.into() })? else {
                return Err(unexpected("a task"));
            };
            if task.status == expect || begun.elapsed() > PATIENCE {
                break *task;
            }
            std::thread::sleep(LOOK);
        };
        self.tell(&task, expect)?;
        Ok(task)
    }

    fn tell(&mut self, task: &TaskReport, expect: &str) -> Result<(), ApiError> {
        let place = match task.peer.as_deref() {
            None => String::new(),
            Some("self") => " at home".into(),
            Some(peer) => format!(" on {}'s node", self.owner_of(peer)),
        };
        self.say(&format!("  {:<18} {}{place}", task.name, task.status))?;
        if let Some(reason) = &task.reason {
            self.say(&wrapped(reason, 21))?;
        }
        if let Some(next) = task
            .next_window_start
            .as_ref()
            .filter(|_| task.status == "deferred")
        {
            self.say(&wrapped(&format!("next window {next}"), 21))?;
        }
        if let Some(summary) = &task.summary {
            self.say(&wrapped(summary, 21))?;
        }
        self.played.tasks.push(task.clone());
        if task.status == expect {
            return Ok(());
        }
        Err(ApiError::new(
            "internal",
            format!(
                "`{}` is {}, the story says {expect}: {}",
                task.name,
                task.status,
                task.reason.as_deref().unwrap_or("")
            ),
            "report this with the demo's output",
        ))
    }

    /// Whose device that is, for people.
    fn owner_of(&self, device: &str) -> String {
        let found = self.households().into_iter().find(|h| h.device == device);
        let user = found.map_or(device, |h| h.user);
        user.split('@').next().unwrap_or_default().to_owned()
    }

    /// Everybody votes on their own node; ada's node, where the vote was opened, closes it.
    fn vote(&mut self, name: &str, ballots: &[(&str, Importance)]) -> Result<PollReport, ApiError> {
        let show = || Request::VoteShow {
            poll: Some(name.into()),
        };
        let open = matches!(self.ask(show()), Ok(Response::Poll(p)) if p.status == "open");
        if !open {
            self.ask(Request::VoteOpen {
                name: name.into(),
                minutes: None,
            })?;
        }
        let Response::Poll(poll) = self.ask(show())? else {
            return Err(unexpected("a vote"));
        };
        for (voter, choice) in ballots {
            let household = self.household(voter);
            until("the vote is known to all", || {
                let known = household.ask(Request::VoteShow {
                    poll: Some(poll.poll.clone()),
                });
                Ok(known.is_ok())
            })?;
            household.ask(Request::VoteCast {
                poll: poll.poll.clone(),
                choice: choice.word().into(),
                voter: None,
            })?;
        }
        let mut closed = None;
        until("the vote is closed", || {
            let found = self.ask(Request::VoteShow {
                poll: Some(poll.poll.clone()),
            })?;
            closed = match found {
                Response::Poll(p) if p.status != "open" => Some(p),
                _ => None,
            };
            Ok(closed.is_some())
        })?;
        let poll = closed.ok_or_else(|| unexpected("a vote"))?;
        let method = poll.method.clone().unwrap_or_default();
        let result = poll.consensus.clone().unwrap_or_else(|| "undecided".into());
        let mut weights: Vec<String> = poll
            .ballots
            .iter()
            .map(|b| {
                let who = b.member.split('@').next().unwrap_or_default();
                format!("{who} {} x{:.0}", b.choice, b.weight.unwrap_or(0.0))
            })
            .collect();
        // They come in the order in which they arrived.
        weights.sort_unstable();
        self.say(&format!(
            "  {name:<18} {result} with {:.0} % by {method}",
            poll.confidence * 100.0
        ))?;
        self.say(&wrapped(&weights.join(", "), 21))?;
        self.played.votes.push(poll.clone());
        Ok(poll)
    }

    /// Moves all clocks, ada's last, and waits until she hears her neighbours again.
    fn later(&self, ms: i64) -> Result<(), ApiError> {
        for household in [&self.cy, &self.bo, &self.ada] {
            household.ask(Request::ClockForward { ms })?;
        }
        self.neighbours_are_up()
    }

    /// Waits until every node hears both others.
    fn neighbours_are_up(&self) -> Result<(), ApiError> {
        for household in self.households() {
            until("the neighbours are heard", || {
                let Response::Peers(peers) = household.ask(Request::PeerList)? else {
                    return Err(unexpected("list of peers"));
                };
                Ok(peers.iter().filter(|p| p.online).count() == 2)
            })?;
        }
        Ok(())
    }

    /// The digest of the log, once all three nodes have the same.
    fn digest(&self) -> Result<String, ApiError> {
        let mut digest = String::new();
        until("the logs are the same", || {
            let mut digests = Vec::new();
            for household in self.households() {
                let shown = household.ask(Request::Network(NetworkRequest::Show))?;
                let Response::Network(NetworkResponse::Network(network)) = shown else {
                    return Err(unexpected("network"));
                };
                digests.push((network.members, network.digest));
            }
            digest.clone_from(&digests[0].1);
            Ok(digests[0].0 == 3 && digests.windows(2).all(|w| w[0] == w[1]))
        })?;
        Ok(digest)
    }

    /// Swaps the plugin of a slot while other threads keep deciding.
    fn swap_under_load(&mut self, slot: &str, cid: &str, load: &TaskSpec) -> Result<(), ApiError> {
        let stop = AtomicBool::new(false);
        let decided = AtomicUsize::new(0);
        let failed = AtomicUsize::new(0);
        let swapped = std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Acquire) {
                        let check = Request::TaskCheck {
                            spec: load.clone(),
                            at: None,
                        };
                        match self.ada.ask(check) {
                            Ok(_) => decided.fetch_add(1, Ordering::Relaxed),
                            Err(_) => failed.fetch_add(1, Ordering::Relaxed),
                        };
                    }
                });
            }
            let swap = self.ada.ask(Request::SlotUse {
                slot: slot.into(),
                target: cid.into(),
                config: None,
                add: false,
            });
            let before = decided.load(Ordering::Relaxed);
            // The story goes on when decisions were made by the new table too.
            while swap.is_ok()
                && failed.load(Ordering::Relaxed) == 0
                && decided.load(Ordering::Relaxed) < before + 20
            {
                std::thread::yield_now();
            }
            stop.store(true, Ordering::Release);
            swap
        });
        swapped?;
        self.played.decided_during_swap = decided.into_inner();
        self.played.failed_during_swap = failed.into_inner();
        Ok(())
    }
}

/// The beginning of a log of this machine, copied beside the homes; one made up where none can be read.
fn log(folder: &Path) -> Result<Log, ApiError> {
    let beginning = |path: &&'static str| {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).ok()?;
        file.take(LOG_BYTES).read_to_end(&mut bytes).ok()?;
        (!bytes.is_empty()).then_some((Some(*path), bytes))
    };
    let (of, bytes) = LOGS.iter().find_map(beginning).unwrap_or_else(|| {
        let line = |n| {
            format!(
                "2026-06-18 20:00:{:02} host app[{n}]: request served\n",
                n % 60
            )
        };
        (None, (0..LOG_LINES).map(line).collect::<String>().into())
    });
    let path = folder.join("machine.log");
    std::fs::write(&path, bytes).map_err(|e| io(&path.display().to_string(), &e))?;
    Ok(Log { path, of })
}

/// Waits until something is so.
fn until(what: &str, mut so: impl FnMut() -> Result<bool, ApiError>) -> Result<(), ApiError> {
    let begun = Instant::now();
    while !so()? {
        if begun.elapsed() > PATIENCE {
            let s = PATIENCE.as_secs();
            return Err(ApiError::new(
                "unavailable",
                format!("not within {s} s: {what}"),
                "try again when the machine has less to do",
            ));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Text broken at 79 columns behind an indent.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty()
            && indent + lines[last].chars().count() + 1 + word.chars().count() > 79
        {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
        .iter()
        .map(|l| format!("{:indent$}{l}", ""))
        .collect::<Vec<_>>()
        .join("\n")
}

fn unexpected(wanted: &str) -> ApiError {
    ApiError::new(
        "internal",
        format!("the node's answer is no {wanted}"),
        "report this with the demo's output",
    )
}

fn io(what: &str, e: &std::io::Error) -> ApiError {
    ApiError::new("io", format!("{what}: {e}"), "")
}
