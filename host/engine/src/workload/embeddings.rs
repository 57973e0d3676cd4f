//! Jobs of `weft:embeddings`: lines of text in, lines of JSON out.
//!
//! Every [`EMBED_TEXTS`] texts are one call of a fresh instance, whatever computes beside it: so output and fuel are functions
//! of the input alone, and calls can be spread over threads.

use crate::bindings::embeddings::{Description, Embedding, Embeddings, EmbeddingsPre, ModelError};
use crate::error::{CallError, Limit};
use crate::limits::{EMBED_BYTES, EMBED_TEXTS};
use crate::workload::{
    Finished, Job, JobFailure, JobLimits, JobState, WorkloadEngine, state_error,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant as Clock;
use wasmtime::Store;

/// JSON Schema of the params.
pub(super) const PARAMS_SCHEMA: &str = r#"{"type":"object","properties":{"model":{"type":"string","description":"name or CID of the model"},"input":{"enum":["lines","json"],"default":"lines","description":"lines: each line is a text; json: each line is a JSON string, or an object with the string `text`"}},"additionalProperties":false}"#;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The host's: which model was loaded.
    #[serde(default, rename = "model")]
    _model: Option<String>,
    #[serde(default)]
    input: Lines,
}

/// What a line of the input is.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Lines {
    #[default]
    Lines,
    Json,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Text(String),
    Object { text: String },
}

/// A line of the output.
#[derive(Serialize)]
struct Said<'a> {
    index: u64,
    tokens: u32,
    truncated: bool,
    embedding: &'a [f32],
}

/// Said of a component whose vectors can't be compared.
const LENGTHS: &str = "vectors of different lengths";

/// What has been done of a job.
struct Done {
    fuel: u64,
    peak_memory: usize,
    texts: u64,
    tokens: u64,
    truncated: u64,
    dimensions: usize,
    bytes_out: u64,
    written: Sha256,
}

/// Runs a job.
pub(super) fn run(
    engine: &WorkloadEngine,
    pre: &EmbeddingsPre<JobState>,
    job: Job,
) -> Result<Finished, CallError> {
    let started = Clock::now();
    let mut input = Input {
        reader: BufReader::new(Hashed {
            inner: job.input,
            bytes: 0,
            hash: Sha256::new(),
        }),
        line: 0,
    };
    let mut output = job.output;
    let mut done = Done {
        fuel: 0,
        peak_memory: 0,
        texts: 0,
        tokens: 0,
        truncated: 0,
        dimensions: 0,
        bytes_out: 0,
        written: Sha256::new(),
    };
    let calls = Calls {
        engine,
        pre,
        limits: job.limits,
        cancel: &job.cancel,
        started,
    };
    let ended = match params(&job.params) {
        Ok(params) => embed_all(
            &calls,
            &mut input,
            params.input,
            &mut output,
            job.threads.max(1),
            &mut done,
        ),
        Err(failure) => Err(Ended::Failed(failure)),
    };
    let of = |count: u64, what: &str| match count {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    };
    let result = match ended {
        Ok(()) if done.texts == 0 => Err(JobFailure::BadInput(
            "there is no text in the input".to_owned(),
        )),
        Ok(()) => Ok(format!(
            "{}, {}, {} dimensions{}",
            of(done.texts, "text"),
            of(done.tokens, "token"),
            done.dimensions,
            match done.truncated {
                0 => String::new(),
                some => format!(
                    "; {} had more tokens than the model reads",
                    of(some, "text")
                ),
            }
        )),
        Err(Ended::Failed(failure)) => Err(failure),
        Err(Ended::Stopped(_)) if job.cancel.load(Ordering::Acquire) => Err(JobFailure::Cancelled),
        Err(Ended::Stopped(error)) => return Err(error),
    };
    let read = input.reader.into_inner();
    Ok(Finished {
        result,
        fuel: done.fuel,
        peak_memory_bytes: done.peak_memory as u64,
        wall_ms: started.elapsed().as_millis() as u64,
        bytes_in: read.bytes,
        bytes_out: done.bytes_out,
        input_digest: read.hash.finalize().into(),
        output_digest: done.written.finalize().into(),
    })
}

/// What ended a job before its end: what it reports, or a limit or trap.
enum Ended {
    Failed(JobFailure),
    Stopped(CallError),
}

impl From<CallError> for Ended {
    fn from(e: CallError) -> Self {
        Self::Stopped(e)
    }
}

fn params(text: &str) -> Result<Params, JobFailure> {
    if text.is_empty() {
        return Ok(Params::default());
    }
    serde_json::from_str(text).map_err(|e| JobFailure::BadParams(e.to_string()))
}

fn embed_all(
    calls: &Calls<'_>,
    input: &mut Input,
    lines: Lines,
    output: &mut dyn Write,
    threads: usize,
    done: &mut Done,
) -> Result<(), Ended> {
    loop {
        let mut batches = Vec::new();
        while batches.len() < threads {
            match input.batch(lines)? {
                some if some.is_empty() => break,
                some => batches.push(some),
            }
        }
        if batches.is_empty() {
            return Ok(());
        }
        let answers: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = batches
                .iter()
                .map(|texts| scope.spawn(|| calls.embed(texts)))
                .collect();
            let panicked = || Err(CallError::Trap("the host panicked".into()));
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| panicked()))
                .collect()
        });
        for answer in answers {
            let answer = answer?;
            let embeddings = answer.said.map_err(|e| Ended::Failed(e.into()))?;
            done.fuel += answer.fuel;
            if done.fuel > calls.limits.fuel {
                return Err(CallError::Limit(Limit::Fuel).into());
            }
            done.peak_memory = done.peak_memory.max(answer.peak_memory);
            for embedding in embeddings {
                done.write(&embedding, output, calls.limits.output_bytes)?;
            }
        }
    }
}

impl Done {
    fn write(
        &mut self,
        embedding: &Embedding,
        output: &mut dyn Write,
        most: u64,
    ) -> Result<(), Ended> {
        let said = Said {
            index: self.texts,
            tokens: embedding.tokens,
            truncated: embedding.truncated,
            embedding: &embedding.vector,
        };
        if self.texts > 0 && embedding.vector.len() != self.dimensions {
            return Err(CallError::Contract(LENGTHS.into()).into());
        }
        let mut line = serde_json::to_vec(&said).map_err(|e| CallError::Contract(e.to_string()))?;
        line.push(b'\n');
        if self.bytes_out + line.len() as u64 > most {
            return Err(CallError::Limit(Limit::Output).into());
        }
        output.write_all(&line).map_err(|e| {
            Ended::Stopped(CallError::Trap(format!("its output can't be written: {e}")))
        })?;
        self.written.update(&line);
        self.bytes_out += line.len() as u64;
        self.dimensions = embedding.vector.len();
        self.texts += 1;
        self.tokens += u64::from(embedding.tokens);
        self.truncated += u64::from(embedding.truncated);
        Ok(())
    }
}

/// What calls have in common.
pub(super) struct Calls<'a> {
    pub engine: &'a WorkloadEngine,
    pub pre: &'a EmbeddingsPre<JobState>,
    pub limits: JobLimits,
    pub cancel: &'a Arc<AtomicBool>,
    pub started: Clock,
}

/// What one call said, and what it used.
pub(super) struct Answer<T> {
    pub said: T,
    pub fuel: u64,
    pub peak_memory: usize,
}

impl Calls<'_> {
    /// One vector for each text, as the component gives them.
    pub fn embed(
        &self,
        texts: &[String],
    ) -> Result<Answer<Result<Vec<Embedding>, ModelError>>, CallError> {
        let answer =
            self.call(|store, instance| instance.weft_embeddings_model().call_embed(store, texts))?;
        if let Ok(said) = &answer.said {
            check(said, texts.len()).map_err(CallError::Contract)?;
        }
        Ok(answer)
    }

    /// What the component and its model are.
    pub fn describe(&self) -> Result<Answer<Description>, CallError> {
        self.call(|store, instance| instance.weft_embeddings_model().call_describe(store))
    }

    /// A call of a fresh instance.
    fn call<T>(
        &self,
        call: impl FnOnce(&mut Store<JobState>, &Embeddings) -> wasmtime::Result<T>,
    ) -> Result<Answer<T>, CallError> {
        let passed = self.started.elapsed().as_millis() as u64;
        let limits = JobLimits {
            deadline_ms: self.limits.deadline_ms.saturating_sub(passed),
            ..self.limits
        };
        let (mut store, _) = self
            .engine
            .store(Job::bare(limits, Arc::clone(self.cancel)))?;
        let said = self
            .pre
            .instantiate(&mut store)
            .and_then(|instance| call(&mut store, &instance))
            .map_err(|e| state_error(&e, store.data()))?;
        Ok(Answer {
            said,
            fuel: limits.fuel - store.get_fuel().unwrap_or(0),
            peak_memory: store.data().peak_memory,
        })
    }
}

/// Whether there are so many vectors, of one length, of numbers.
fn check(said: &[Embedding], texts: usize) -> Result<(), String> {
    if said.len() != texts {
        return Err(format!("{} vectors for {texts} texts", said.len()));
    }
    let first = said.first().map_or(0, |first| first.vector.len());
    if said.iter().any(|one| one.vector.len() != first) {
        return Err(LENGTHS.into());
    }
    let mut values = said.iter().flat_map(|one| &one.vector);
    if values.any(|value| !value.is_finite()) {
        return Err("a vector with a value that is no number".into());
    }
    Ok(())
}

/// The input, line by line.
struct Input {
    reader: BufReader<Hashed>,
    line: u64,
}

impl Input {
    /// The next texts, as many as one call takes; none at the end.
    fn batch(&mut self, lines: Lines) -> Result<Vec<String>, Ended> {
        let mut texts = Vec::new();
        let mut bytes = 0;
        while texts.len() < EMBED_TEXTS && bytes < EMBED_BYTES / 2 {
            let Some(text) = self.text(lines)? else {
                break;
            };
            bytes += text.len();
            texts.push(text);
        }
        Ok(texts)
    }

    fn text(&mut self, lines: Lines) -> Result<Option<String>, Ended> {
        let most = EMBED_BYTES / 2;
        let mut line = Vec::new();
        let read = (&mut self.reader)
            .take(most as u64 + 1)
            .read_until(b'\n', &mut line)
            .map_err(|e| CallError::Trap(format!("its input can't be read: {e}")))?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        let bad =
            |why: String| Ended::Failed(JobFailure::BadInput(format!("line {}: {why}", self.line)));
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        if line.len() > most {
            return Err(bad(format!(
                "it has more than {most} bytes; cut it into several texts"
            )));
        }
        let text = String::from_utf8(line).map_err(|_| bad("it is not UTF-8".into()))?;
        Ok(Some(match lines {
            Lines::Lines => text,
            Lines::Json => match serde_json::from_str(&text) {
                Ok(Line::Text(text) | Line::Object { text }) => text,
                Err(_) => {
                    let why = "it is neither a JSON string nor an object with the string `text`";
                    return Err(bad(why.into()));
                }
            },
        }))
    }
}

/// Counts and hashes what is read.
struct Hashed {
    inner: Box<dyn Read + Send>,
    bytes: u64,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
