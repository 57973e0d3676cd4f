//! Jobs of `weft:chat`: a conversation in, lines of JSON out, one for each piece of the answer and a last one that says
//! what it took.

use crate::bindings::chat::{ChatPre, End, ModelError, Options, Role, Skill, Turn, Usage, sink};
use crate::error::CallError;
use crate::limits::{CHAT_BYTES, CHAT_TOKENS};
use crate::workload::{Finished, Job, JobFailure, JobState, WorkloadEngine, state_error};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use std::time::Instant as Clock;

/// JSON Schema of the params.
pub(super) const PARAMS_SCHEMA: &str = r#"{"type":"object","properties":{"model":{"type":"string","description":"name or CID of the model"},"skills":{"type":"array","maxItems":8,"items":{"type":"object","properties":{"skill":{"type":"string","description":"name or CID of the skill"},"weight":{"type":"number","default":1}},"required":["skill"],"additionalProperties":false}},"input":{"enum":["text","json"],"default":"text","description":"text: what the user says; json: a list of objects with `role` (system, user, assistant) and `content`"},"system":{"type":"string","description":"what is said before the conversation"},"seed":{"type":"integer","minimum":0,"default":0},"max_tokens":{"type":"integer","minimum":1,"maximum":1048576,"default":512},"temperature":{"type":"number","minimum":0,"maximum":10,"default":0.7},"top_k":{"type":"integer","minimum":0,"default":40},"top_p":{"type":"number","exclusiveMinimum":0,"maximum":1,"default":0.95},"repetition_penalty":{"type":"number","minimum":0.1,"maximum":10,"default":1.1},"stop":{"type":"array","maxItems":16,"items":{"type":"string","minLength":1}},"forget":{"type":"boolean","default":false,"description":"leave out the oldest turns where the conversation leaves less than a quarter of the context"}},"additionalProperties":false}"#;

/// Bytes of the answer in one line.
const PIECE_BYTES: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// The host's: which model was loaded, and with which skills the job came.
    #[serde(rename = "model")]
    _model: Option<String>,
    #[serde(rename = "skills")]
    _skills: serde::de::IgnoredAny,
    input: Input,
    system: Option<String>,
    seed: u64,
    max_tokens: u32,
    temperature: f32,
    top_k: u32,
    top_p: f32,
    repetition_penalty: f32,
    stop: Vec<String>,
    forget: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            _model: None,
            _skills: serde::de::IgnoredAny,
            input: Input::default(),
            system: None,
            seed: 0,
            max_tokens: 512,
            temperature: 0.7,
            top_k: 40,
            top_p: 0.95,
            repetition_penalty: 1.1,
            stop: Vec::new(),
            forget: false,
        }
    }
}

/// What the input is.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Input {
    #[default]
    Text,
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: Speaker,
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    System,
    User,
    Assistant,
}

/// A line of the output.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Piece {
        piece: &'a str,
    },
    Usage {
        prompt_tokens: u32,
        answer_tokens: u32,
        forgotten_turns: u32,
        end: &'static str,
    },
}

/// Runs a job.
pub(super) fn run(
    engine: &WorkloadEngine,
    pre: &ChatPre<JobState>,
    mut job: Job,
) -> Result<Finished, CallError> {
    let started = Clock::now();
    let fuel = job.limits.fuel;
    let skills = std::mem::take(&mut job.skills);
    let (mut store, params) = engine.store(job)?;
    let said = store.data_mut().take(CHAT_BYTES + 1);
    let said = said.map_err(|e| state_error(&e, store.data()))?;
    let asked = asked(&params, &said);
    let result = match asked {
        Err(failure) => Err(failure),
        Ok((turns, options)) => {
            let called = answer(&mut store, pre, &skills, &turns, &options);
            match called.map_err(|e| state_error(&e, store.data())) {
                // The node stops, or the task was taken back: what is there of an answer is none.
                Ok(Ok(usage)) if usage.end == End::Cancelled => Err(JobFailure::Cancelled),
                Ok(Ok(usage)) => {
                    let line = usage_line(usage);
                    let written = store.data_mut().say(&line);
                    written.map_err(|e| state_error(&e, store.data()))?;
                    Ok(summary(usage))
                }
                Ok(Err(wrong)) => Err(wrong.into()),
                Err(_) if store.data().cancel.load(Ordering::Acquire) => Err(JobFailure::Cancelled),
                Err(error) => return Err(error),
            }
        }
    };
    let used = fuel - store.get_fuel().unwrap_or(0);
    store.into_data().finished(result, used, started)
}

fn answer(
    store: &mut wasmtime::Store<JobState>,
    pre: &ChatPre<JobState>,
    skills: &[Skill],
    turns: &[Turn],
    options: &Options,
) -> wasmtime::Result<Result<Usage, ModelError>> {
    let instance = pre.instantiate(&mut *store)?;
    let model = instance.weft_chat_model();
    for skill in skills {
        if let Err(wrong) = model.call_add_skill(&mut *store, skill)? {
            return Ok(Err(wrong));
        }
    }
    model.call_answer(&mut *store, turns, options)
}

/// The conversation, and how it is to be answered.
fn asked(params: &str, said: &[u8]) -> Result<(Vec<Turn>, Options), JobFailure> {
    let params: Params = match params {
        "" => Params::default(),
        text => serde_json::from_str(text).map_err(|e| JobFailure::BadParams(e.to_string()))?,
    };
    if params.max_tokens > CHAT_TOKENS {
        let why = format!(
            "`max_tokens` is {}, at most {CHAT_TOKENS}",
            params.max_tokens
        );
        return Err(JobFailure::BadParams(why));
    }
    let bad = |why: &str| JobFailure::BadInput(why.into());
    if said.len() > CHAT_BYTES {
        return Err(bad(&format!("it has more than {CHAT_BYTES} bytes")));
    }
    let said = std::str::from_utf8(said).map_err(|_| bad("it is not UTF-8"))?;
    let turn = |role, text: String| Turn { role, text };
    let mut turns = Vec::new();
    turns.extend(params.system.map(|text| turn(Role::System, text)));
    match params.input {
        Input::Text => turns.push(turn(Role::User, said.to_owned())),
        Input::Json => {
            let messages: Vec<Message> =
                serde_json::from_str(said).map_err(|e| bad(&e.to_string()))?;
            turns.extend(messages.into_iter().map(|message| {
                let role = match message.role {
                    Speaker::System => Role::System,
                    Speaker::User => Role::User,
                    Speaker::Assistant => Role::Assistant,
                };
                turn(role, message.content)
            }));
        }
    }
    if turns.iter().all(|turn| turn.role == Role::System) {
        return Err(bad("nobody says anything"));
    }
    let options = Options {
        seed: params.seed,
        max_tokens: params.max_tokens,
        temperature: params.temperature,
        top_k: params.top_k,
        top_p: params.top_p,
        repetition_penalty: params.repetition_penalty,
        stop: params.stop,
        forget: params.forget,
    };
    Ok((turns, options))
}

fn usage_line(usage: Usage) -> Line<'static> {
    Line::Usage {
        prompt_tokens: usage.prompt_tokens,
        answer_tokens: usage.answer_tokens,
        forgotten_turns: usage.forgotten_turns,
        end: word(usage.end),
    }
}

fn word(end: End) -> &'static str {
    match end {
        End::Stop => "stop",
        End::Length => "length",
        End::Cancelled => "cancelled",
    }
}

fn summary(usage: Usage) -> String {
    format!(
        "{} tokens read, {} made, ended by {}",
        usage.prompt_tokens,
        usage.answer_tokens,
        match usage.end {
            End::Stop => "the model",
            End::Length => "the limit",
            End::Cancelled => "who listens",
        }
    )
}

impl JobState {
    /// Writes a line of the output.
    fn say(&mut self, line: &Line<'_>) -> wasmtime::Result<bool> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.put(&bytes)
    }
}

impl sink::Host for JobState {
    /// A long piece becomes several lines, so that each can be read at one look.
    fn piece(&mut self, text: String) -> wasmtime::Result<bool> {
        let mut rest = text.as_str();
        loop {
            let (piece, more) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
            let go_on = self.say(&Line::Piece { piece })?;
            if more.is_empty() || !go_on {
                return Ok(go_on);
            }
            rest = more;
        }
    }
}
