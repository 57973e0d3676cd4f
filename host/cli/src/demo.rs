//! The demo: two days of three households, played on the production paths.
//!
//! Scripted are the inputs (members, peers, rules, tasks, ballots) and the clock, nothing else: every verdict below is
//! what a plugin answered, and each `expect` fails the demo when it is another one than told.

use crate::ctx::{Ctx, Outcome};
use crate::exit::Exit;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use weft_api::report::{CarbonReport, PollReport, TaskReport};
use weft_api::{ApiError, Client, InitOptions, ManualClock, Node, Request, Response};
use weft_model::task::{Importance, TaskSpec};

mod story;

/// Thursday, 18 June 2026, 20:00 UTC.
const EVENING: i64 = 1_781_812_800_000;
/// Milliseconds in an hour and a minute.
const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a minute.
const MINUTE_MS: i64 = 60_000;
/// Who owns the demo's device.
const ADA: &str = "ada@example.com";
/// Her neighbours.
const BO: &str = "bo@example.com";
/// Her neighbours.
const CY: &str = "cy@example.com";

/// What the demo showed, for `--json`.
#[derive(Debug, Default, Serialize)]
pub struct Played {
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

/// Plays the story; `keep`: the home to play it in, and to leave for a look.
pub fn run(ctx: &Ctx, keep: Option<PathBuf>) -> Outcome {
    let temporary = tempfile::tempdir().map_err(|e| io("a temporary folder", &e))?;
    let home = keep
        .clone()
        .unwrap_or_else(|| temporary.path().join("demo"));
    if keep.is_some() && home.exists() {
        return Err(ApiError::new(
            "conflict",
            format!("`{}` is there already", home.display()),
            "choose another folder",
        ));
    }
    let clock = Arc::new(ManualClock::at(EVENING));
    let stage = Stage::open(ctx, &home, clock)?;
    let played = story::play(stage)?;
    if ctx.json() {
        return ctx.show_value(&played, "");
    }
    match keep {
        Some(home) => ctx.show_value(
            &(),
            &format!(
                "\nThe home is kept: weft --home {} status\n",
                home.display()
            ),
        ),
        None => Ok(Exit::Ok),
    }
}

/// The node of the story, its clock, and the way to tell what happens.
struct Stage<'a> {
    ctx: &'a Ctx,
    client: Client,
    clock: Arc<ManualClock>,
    played: Played,
}

impl<'a> Stage<'a> {
    fn open(ctx: &'a Ctx, home: &Path, clock: Arc<ManualClock>) -> Result<Self, ApiError> {
        let bundle = ctx.bundle();
        Node::init(&InitOptions {
            home: home.to_owned(),
            owner: Some(ADA.into()),
            bundle: bundle.clone(),
            clock: clock.clone(),
            compile_worker: ctx.compile_worker(),
        })?;
        let client = Client::hosted(home, &bundle, clock.clone())?;
        Ok(Self {
            ctx,
            client,
            clock,
            played: Played::default(),
        })
    }

    /// Prints a line for people; JSON has the values alone.
    fn say(&self, text: &str) -> Result<(), ApiError> {
        if self.ctx.json() {
            Ok(())
        } else {
            crate::render::print(&format!("{text}\n"))
        }
    }

    fn ask(&self, request: Request) -> Result<Response, ApiError> {
        self.client.call(request)
    }

    /// Submits a task and tells what was decided; fails when it is not what the story says.
    fn submit(&mut self, spec: TaskSpec, expect: &str) -> Result<TaskReport, ApiError> {
        let Response::Task(task) = self.ask(Request::TaskSubmit { spec, wait: true })? else {
            return Err(unexpected("a task"));
        };
        self.tell(&task, expect)?;
        Ok(*task)
    }

    fn show(&mut self, id: &str, expect: &str) -> Result<TaskReport, ApiError> {
        let Response::Task(task) = self.ask(Request::TaskShow { task: id.into() })? else {
            return Err(unexpected("a task"));
        };
        self.tell(&task, expect)?;
        Ok(*task)
    }

    fn tell(&mut self, task: &TaskReport, expect: &str) -> Result<(), ApiError> {
        let place = task
            .peer
            .as_deref()
            .map_or(String::new(), |p| format!(" on {p}"));
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

    /// All keys vote, which closes the vote.
    fn vote(&mut self, name: &str, ballots: &[(&str, Importance)]) -> Result<PollReport, ApiError> {
        let open = matches!(self.ask(Request::VoteShow { poll: Some(name.into()) }),
            Ok(Response::Poll(p)) if p.status == "open");
        if !open {
            self.ask(Request::VoteOpen {
                name: name.into(),
                minutes: None,
            })?;
        }
        let mut last = None;
        for (voter, choice) in ballots {
            let cast = Request::VoteCast {
                poll: name.into(),
                choice: choice.word().into(),
                voter: Some((*voter).into()),
            };
            if let Response::Poll(poll) = self.ask(cast)? {
                last = Some(poll);
            }
        }
        let poll = last.ok_or_else(|| unexpected("a vote"))?;
        let method = poll.method.clone().unwrap_or_default();
        let result = poll.consensus.clone().unwrap_or_else(|| "undecided".into());
        let weights: Vec<String> = poll
            .ballots
            .iter()
            .map(|b| {
                let who = b.member.split('@').next().unwrap_or_default();
                format!("{who} {} x{:.0}", b.choice, b.weight.unwrap_or(0.0))
            })
            .collect();
        self.say(&format!(
            "  {name:<18} {result} with {:.0} % by {method}",
            poll.confidence * 100.0
        ))?;
        self.say(&wrapped(&weights.join(", "), 21))?;
        self.played.votes.push(poll.clone());
        Ok(poll)
    }

    /// Moves the clock and lets the node do what is due.
    fn later(&self, ms: i64) -> Result<(), ApiError> {
        self.clock.advance(ms);
        self.client.step()?;
        Ok(())
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
                        match self.client.call(check) {
                            Ok(_) => decided.fetch_add(1, Ordering::Relaxed),
                            Err(_) => failed.fetch_add(1, Ordering::Relaxed),
                        };
                    }
                });
            }
            let before = decided.load(Ordering::Relaxed);
            let swap = self.client.call(Request::SlotUse {
                slot: slot.into(),
                target: cid.into(),
                config: None,
                add: false,
            });
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
