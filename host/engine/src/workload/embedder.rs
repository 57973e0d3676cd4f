//! What a job is given where it imports `weft:embeddings/model`: another workload with its model, linked in by the host.
//!
//! Every call is a fresh instance of that one, as in a job of its own: so what a job says stays a function of what it is
//! given, and the fuel of its calls is the job's.

use super::embeddings::{Answer, Calls};
use super::{JobLimits, JobState, Linked, Workload, WorkloadEngine};
use crate::bindings::embeddings::{Description, Embedding, EmbeddingsPre, ModelError};
use crate::error::CallError;
use crate::inspect::EMBEDDINGS;
use crate::limits::{EMBED_BYTES, EMBED_TEXTS_ASKED};
use std::sync::Arc;
use std::time::Instant as Clock;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

/// A workload that turns texts into vectors, with its model loaded.
#[derive(Clone)]
pub struct Embedder {
    engine: Arc<WorkloadEngine>,
    workload: Arc<Workload>,
    memory_bytes: u64,
}

impl Embedder {
    /// The workload as what others import; none where it is of another world. `memory_bytes`: what a call may use.
    pub fn new(
        engine: &Arc<WorkloadEngine>,
        workload: Arc<Workload>,
        memory_bytes: u64,
    ) -> Option<Self> {
        matches!(workload.0, Linked::Embeddings(_)).then(|| Self {
            engine: Arc::clone(engine),
            workload,
            memory_bytes,
        })
    }

    fn pre(&self) -> Option<&EmbeddingsPre<JobState>> {
        match &self.workload.0 {
            Linked::Embeddings(pre) => Some(pre),
            _ => None,
        }
    }
}

/// Adds the interface as jobs import it.
pub(super) fn add_to_linker(linker: &mut Linker<JobState>) -> wasmtime::Result<()> {
    let mut model = linker.instance(EMBEDDINGS)?;
    model.func_wrap(
        "describe",
        |mut store: StoreContextMut<'_, JobState>, (): ()| Ok((describe(&mut store)?,)),
    )?;
    // Done before the job began.
    model.func_wrap("load", |store: StoreContextMut<'_, JobState>, (): ()| {
        let there = store.data().embedder.is_some();
        Ok((if there { Ok(()) } else { Err(missing()) },))
    })?;
    model.func_wrap(
        "embed",
        |mut store: StoreContextMut<'_, JobState>, (texts,): (Vec<String>,)| {
            Ok((embed(&mut store, &texts)?,))
        },
    )
}

fn missing() -> ModelError {
    ModelError::Missing("no workload that turns texts into vectors is linked in".into())
}

fn describe(store: &mut StoreContextMut<'_, JobState>) -> wasmtime::Result<Description> {
    let Some(embedder) = store.data().embedder.clone() else {
        return Ok(Description {
            name: String::new(),
            summary: String::new(),
            formats: Vec::new(),
            loaded: None,
        });
    };
    spend(store, &embedder, |calls| calls.describe())
}

fn embed(
    store: &mut StoreContextMut<'_, JobState>,
    texts: &[String],
) -> wasmtime::Result<Result<Vec<Embedding>, ModelError>> {
    let Some(embedder) = store.data().embedder.clone() else {
        return Ok(Err(missing()));
    };
    let bytes: usize = texts.iter().map(String::len).sum();
    if texts.len() > EMBED_TEXTS_ASKED || bytes > EMBED_BYTES {
        return Ok(Err(ModelError::BadInput(format!(
            "{} texts of {bytes} bytes in one call: at most {EMBED_TEXTS_ASKED}, together of {EMBED_BYTES} bytes",
            texts.len()
        ))));
    }
    spend(store, &embedder, |calls| calls.embed(texts))
}

/// A call in a fresh instance, with what the job has left; what it used is the job's.
fn spend<T: Send>(
    store: &mut StoreContextMut<'_, JobState>,
    embedder: &Embedder,
    call: impl FnOnce(&Calls<'_>) -> Result<Answer<T>, CallError> + Send,
) -> wasmtime::Result<T> {
    let left = store.get_fuel()?;
    let state = store.data();
    let pre = embedder
        .pre()
        .ok_or_else(|| wasmtime::Error::msg("another world"))?;
    let until = state.deadline.saturating_duration_since(Clock::now());
    let calls = Calls {
        engine: &embedder.engine,
        pre,
        limits: JobLimits {
            fuel: left,
            memory_bytes: embedder.memory_bytes,
            deadline_ms: until.as_millis() as u64,
            ..state.limits
        },
        cancel: &state.cancel,
        started: Clock::now(),
    };
    // On a stack of its own: the job's may be used up by the job.
    let panicked = || Err(CallError::Trap("the host panicked".into()));
    let said = std::thread::scope(|scope| {
        let running = scope.spawn(|| call(&calls));
        running.join().unwrap_or_else(|_| panicked())
    });
    match said {
        Ok(answer) => {
            let state = store.data_mut();
            state.linked_memory = state.linked_memory.max(answer.peak_memory);
            store.set_fuel(left.saturating_sub(answer.fuel))?;
            Ok(answer.said)
        }
        Err(error) => {
            let message = error.to_string();
            store.data_mut().linked_error = Some(error);
            Err(wasmtime::Error::msg(message))
        }
    }
}
