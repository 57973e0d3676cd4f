//! `weft chat`.

use crate::ctx::{Ctx, Outcome, sign_of_life};
use crate::exit::Exit;
use crate::render;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use serde::Serialize;
use serde_json::json;
use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use weft_api::lines::{ChatLine, Usage};
use weft_api::report::TaskReport;
use weft_api::{ApiError, Client, Request, Response};
use weft_model::task::{Status, TaskSpec};

/// The name of the workload, and of the tasks that run it by hand.
const CHAT: &str = "chat";
/// What begins the conversation anew.
const ANEW: &str = "/new";

/// Talk with a model that runs here
///
/// It computes in a sandbox that sees nothing but the model. `smalltalk` comes with Weft: it is very small, says what words
/// mean, and is often wrong. Add a Llama, SmolLM2 or Qwen2 in GGUF or safetensors with `weft model add NAME FOLDER`. A skill
/// is a small addition to a model's weights, as PEFT writes it, added in the same way.
///
/// Without MESSAGE each line of the input is a turn. Ctrl-C stops an answer, Ctrl-D ends the conversation, `/new` begins
/// it anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft chat
  weft chat --skill smalltalk-devil \"What is a bride?\"
  weft chat --model smollm2 --skill pirate:0.8 \"What is a mesh?\"
  weft chat --model smollm2 --seed 7 --json \"What is a mesh?\"")]
pub struct Chat {
    /// What to say; without it the conversation goes on line by line
    message: Option<String>,
    /// The model, by name or CID [default: smalltalk]
    #[arg(long, value_name = "NAME|CID")]
    model: Option<String>,
    /// A skill, by name or CID, and how much of it is added: 1 as it was trained; once or several times
    #[arg(long, value_name = "NAME|CID[:WEIGHT]")]
    skill: Vec<Skill>,
    /// What is said to the model before the conversation
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Where chance begins: the same seed, the same answer [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Tokens of an answer at most
    #[arg(long, value_name = "N", default_value_t = 512)]
    max_tokens: u32,
    /// How freely words are chosen, from 0, always the likeliest, to 10
    #[arg(long, value_name = "X", default_value_t = 0.7)]
    temperature: f32,
    /// Choose among so many of the likeliest tokens; 0: all
    #[arg(long, value_name = "N", default_value_t = 40)]
    top_k: u32,
    /// Choose among the likeliest tokens that have this share together
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    top_p: f32,
    /// How much less likely a token is that was there before; 1: not at all
    #[arg(long, value_name = "X", default_value_t = 1.1)]
    repetition_penalty: f32,
    /// End the answer before this text; once or several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
}

/// `NAME|CID[:WEIGHT]`.
#[derive(Clone, Debug)]
struct Skill {
    name: String,
    weight: f32,
}

impl FromStr for Skill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, weight) = match text.rsplit_once(':') {
            None => (text, 1.0),
            Some((name, weight)) => {
                let read: Result<f32, _> = weight.parse();
                (name, read.map_err(|_| format!("`{weight}` is no weight"))?)
            }
        };
        if name.is_empty() || !weight.is_finite() {
            return Err("a skill is NAME, CID, NAME:WEIGHT or CID:WEIGHT".into());
        }
        Ok(Self {
            name: name.to_owned(),
            weight,
        })
    }
}

/// A turn of the conversation.
#[derive(Clone, Serialize)]
struct Turn {
    role: &'static str,
    content: String,
}

/// What `--json` prints of each answer.
#[derive(Serialize)]
struct Answer {
    answer: String,
    seed: u32,
    #[serde(flatten)]
    usage: Option<Usage>,
    task: String,
    status: String,
    receipt: Option<String>,
}

impl Chat {
    /// Talks until there is nothing more to say.
    ///
    /// # Errors
    /// What the node or the workload refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let interrupted = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted))
            .map_err(|e| ApiError::new("io", format!("Ctrl-C can't be heard: {e}"), ""))?;
        let client = ctx.client()?;
        let talk = Talk {
            ctx,
            client: &client,
            interrupted: &interrupted,
            chat: &self,
        };
        if let Some(message) = &self.message {
            let answer = talk.answer(&[said("user", message)])?;
            return Ok(match answer.status == Status::Done.word() {
                true => Exit::Ok,
                // Stopped by whoever asked.
                false => Exit::Task,
            });
        }
        talk.go_on()
    }

    fn params(&self, seed: u32) -> serde_json::Value {
        let skills: Vec<_> = self
            .skill
            .iter()
            .map(|skill| json!({"skill": skill.name, "weight": skill.weight}))
            .collect();
        let mut params = json!({
            "input": "json",
            "skills": skills,
            "seed": seed,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            "repetition_penalty": self.repetition_penalty,
            "stop": self.stop,
            "forget": true,
        });
        if let Some(model) = &self.model {
            params["model"] = model.as_str().into();
        }
        if let Some(system) = &self.system {
            params["system"] = system.as_str().into();
        }
        params
    }
}

fn said(role: &'static str, content: &str) -> Turn {
    Turn {
        role,
        content: content.to_owned(),
    }
}

/// A conversation.
struct Talk<'a> {
    ctx: &'a Ctx,
    client: &'a Client,
    interrupted: &'a AtomicBool,
    chat: &'a Chat,
}

impl Talk<'_> {
    /// Each line is a turn, until there are no more.
    fn go_on(&self) -> Outcome {
        let io =
            |e: ReadlineError| ApiError::new("io", format!("what is said can't be read: {e}"), "");
        let mut editor = DefaultEditor::new().map_err(io)?;
        let by_hand = std::io::stdin().is_terminal() && !self.ctx.json();
        if by_hand {
            self.ctx.note(&format!(
                "Ctrl-C stops an answer, Ctrl-D ends the conversation, {ANEW} begins it anew."
            ));
        }
        let mut turns: Vec<Turn> = Vec::new();
        loop {
            let line = match editor.readline(if by_hand { "> " } else { "" }) {
                Ok(line) => line,
                Err(ReadlineError::Eof) => return Ok(Exit::Ok),
                // It stops an answer, which may just have ended, or takes a line back.
                Err(ReadlineError::Interrupted) => continue,
                Err(e) => return Err(io(e)),
            };
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            // A line that is not remembered can be typed again.
            let _ = editor.add_history_entry(line);
            if line == ANEW {
                turns.clear();
                continue;
            }
            turns.push(said("user", line));
            match self.answer(&turns) {
                Ok(answer) => {
                    let forgotten = answer.usage.map_or(0, |usage| usage.forgotten_turns);
                    turns.drain(..turns.len().min(forgotten as usize));
                    turns.push(said("assistant", &answer.answer));
                }
                // At the keyboard the next turn may do better.
                Err(e) if by_hand => {
                    turns.pop();
                    self.ctx.note(&render::error(&e));
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Shows an answer as it is made.
    fn answer(&self, turns: &[Turn]) -> Result<Answer, ApiError> {
        self.interrupted.store(false, Ordering::Release);
        let seed = match self.chat.seed {
            Some(seed) => seed,
            None => getrandom::u32().map_err(|e| {
                ApiError::new("io", format!("no seed can be drawn: {e}"), "--seed N")
            })?,
        };
        let mut spec = TaskSpec::new(CHAT, "");
        spec.params = Some(self.chat.params(seed).to_string());
        let text = serde_json::to_string(turns).map_err(odd)?;
        let text = Some(text);
        let waiting = sign_of_life("thinking");
        let Response::Task(started) = self.client.call(Request::RunStart { spec, text })? else {
            return Err(odd("another answer came"));
        };
        let mut answer = String::new();
        let mut usage = None;
        let task = self.follow(&started.task, |line| {
            match serde_json::from_str(line).map_err(odd)? {
                ChatLine::Usage(found) => usage = Some(found),
                ChatLine::Piece { piece } => {
                    waiting.finish_and_clear();
                    if !self.ctx.json() {
                        render::print(&visible(&piece))?;
                    }
                    answer.push_str(&piece);
                }
            }
            Ok(())
        })?;
        waiting.finish_and_clear();
        if task.status == Status::Failed.word() {
            return Err(ApiError::new(
                "task-failed",
                task.reason.unwrap_or(task.status),
                format!("weft task show {}", task.task),
            ));
        }
        let answer = Answer {
            answer,
            seed,
            usage,
            task: task.task,
            status: task.status,
            receipt: task.receipt,
        };
        match self.ctx.json() {
            true => drop(self.ctx.show_value(&answer, "")?),
            false => render::print("\n")?,
        }
        Ok(answer)
    }

    /// Hands each line of a task's output to `line`, until the task has ended; takes it back on Ctrl-C.
    fn follow(
        &self,
        task: &str,
        mut line: impl FnMut(&str) -> Result<(), ApiError>,
    ) -> Result<TaskReport, ApiError> {
        let mut from = 0;
        loop {
            if self.interrupted.swap(false, Ordering::AcqRel) {
                let task = task.to_owned();
                match self.client.call(Request::TaskCancel { task }) {
                    // It ended by itself meanwhile.
                    Err(e) if e.code == "conflict" => {}
                    said => drop(said?),
                }
            }
            let id = task.to_owned();
            let Response::Tail(tail) = self.client.call(Request::TaskTail { task: id, from })?
            else {
                return Err(odd("another answer came"));
            };
            if let Err(e) = tail.text.lines().try_for_each(&mut line) {
                // Nobody reads the rest, such as when a pipe was closed. One that ended by itself is no matter.
                let task = task.to_owned();
                let _ = self.client.call(Request::TaskCancel { task });
                return Err(e);
            }
            from = tail.next;
            if let Some(task) = tail.task {
                return Ok(*task);
            }
        }
    }
}

fn odd(why: impl ToString) -> ApiError {
    ApiError::new(
        "internal",
        format!("internal: {}", why.to_string()),
        "report this",
    )
}

/// What a model says is not to steer a terminal.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if weft_model::text::is_unsafe(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}
