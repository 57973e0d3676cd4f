//! Jobs: a workload's component run on a stream of input, with its own engine settings and limits.
//!
//! A workload of a typed world is given calls instead of streams; what streams are to it is in `chat`, `embeddings` and `ocr`.

mod chat;
mod embedder;
mod embeddings;
mod failure;
mod ocr;
mod snapshot;

pub use crate::bindings::chat::Skill;
pub use embedder::Embedder;
pub use failure::JobFailure;
pub use snapshot::LoadError;

use crate::bindings::chat::{ChatPre, sink};
use crate::bindings::embeddings::EmbeddingsPre;
use crate::bindings::ocr::OcrPre;
use crate::bindings::workload::{Description, ModelWant, WorkloadPre, input, output};
use crate::compile::{Compiler, Target, compile};
use crate::error::{CallError, CheckError, Limit, ended};
use crate::inspect::{FEATURES, Inspected, Kind, World, inspect};
use crate::limits::{EPOCH_MS, JOB_COPY_BYTES, MESSAGE_BYTES, READ_BYTES, STACK_BYTES};
use crate::policy::{deserialize, deserialize_file};
use crate::ticker::Ticker;
use crate::wasi::frozen::{self, Frozen, Listings, View};
use crate::wasi::{self, Dir};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Clock};
use target_lexicon::Triple;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, OptLevel, ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use weft_model::limits as model_limits;

/// What a job may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLimits {
    /// Fuel.
    pub fuel: u64,
    /// Linear memory, in bytes.
    pub memory_bytes: u64,
    /// Wall time, in milliseconds.
    pub deadline_ms: u64,
    /// Bytes written, in all.
    pub output_bytes: u64,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self {
            fuel: model_limits::WORKLOAD_FUEL,
            memory_bytes: model_limits::WORKLOAD_MEMORY_BYTES,
            deadline_ms: model_limits::WORKLOAD_DEADLINE_MS,
            output_bytes: model_limits::WORKLOAD_OUTPUT_BYTES,
        }
    }
}

/// One run of a workload.
pub struct Job {
    /// A JSON object; empty for none.
    pub params: String,
    /// What it reads.
    pub input: Box<dyn Read + Send>,
    /// What it writes.
    pub output: Box<dyn Write + Send>,
    /// What it may use.
    pub limits: JobLimits,
    /// Directories that the owner granted, each at a place of its own.
    pub dirs: Vec<Dir>,
    /// Seed of its randomness: what it runs on gives it.
    pub seed: [u8; 32],
    /// Set from anywhere to stop it.
    pub cancel: Arc<AtomicBool>,
    /// Instances that may compute at a time, where its world lets them: at least 1.
    pub threads: usize,
    /// What is added to its model, where its world has skills.
    pub skills: Vec<Skill>,
    /// What turns texts into vectors for it, where it imports that.
    pub embedder: Option<Embedder>,
}

/// How a job that ended by itself did.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Its one-line summary, or the error that it reports.
    pub result: Result<String, JobFailure>,
    /// Fuel used.
    pub fuel: u64,
    /// Largest linear memory, in bytes.
    pub peak_memory_bytes: u64,
    /// Wall time, in milliseconds.
    pub wall_ms: u64,
    /// Bytes read and written.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Sha2-256 of what it read.
    pub input_digest: [u8; 32],
    /// Sha2-256 of what it wrote.
    pub output_digest: [u8; 32],
}

impl Job {
    /// One without params, input, output, directories, skills and what is linked in, on one thread.
    pub fn bare(limits: JobLimits, cancel: Arc<AtomicBool>) -> Self {
        Self {
            params: String::new(),
            input: Box::new(std::io::empty()),
            output: Box::new(std::io::sink()),
            limits,
            dirs: Vec::new(),
            seed: [0; 32],
            cancel,
            threads: 1,
            skills: Vec::new(),
            embedder: None,
        }
    }
}

/// The engine for workloads: copy-on-write memory images, no NaN canonicalisation, no relaxed SIMD.
pub struct WorkloadEngine {
    config: Config,
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<JobState>,
    pub(crate) ticker: Ticker,
    pub(crate) compiler: Compiler,
}

/// A compiled and linked workload.
pub struct Workload(Linked);

enum Linked {
    Job(WorkloadPre<JobState>),
    Embeddings(EmbeddingsPre<JobState>),
    Chat(ChatPre<JobState>),
    Ocr(OcrPre<JobState>),
}

/// What worlds take that are given texts.
const TEXT: &str = "text/plain; charset=utf-8";

/// What a component of a typed world says of itself, as every workload says it.
fn typed(name: &str, summary: &str, params_schema: &str, accepts: &str) -> Description {
    Description {
        name: name.into(),
        summary: summary.into(),
        params_schema: params_schema.into(),
        accepts: accepts.into(),
        returns: "application/x-ndjson".into(),
        models: vec![ModelWant {
            name: "model".into(),
            required: true,
        }],
    }
}

/// The settings of the engine; a compile worker has the same.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_features(FEATURES.complement(), false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(4 * STACK_BYTES)
        .wasm_backtrace_max_frames(None);
    config
}

/// The same for what runs once: it is compiled sooner, into code that is slower. The quicker register allocator is not for
/// strangers' code: wasmtime does not answer for its safety.
pub(crate) fn loading(mut config: Config) -> Config {
    config.cranelift_opt_level(OptLevel::None);
    config
}

impl WorkloadEngine {
    /// Makes the engine, its linker and its epoch thread.
    ///
    /// # Errors
    /// When this processor or system is not supported.
    pub fn new() -> wasmtime::Result<Self> {
        Self::of(config())
    }

    /// The same, but its code uses no instruction that only some processors of this architecture have, such as those of
    /// AVX2: so tests can compare what two processors give. A compile worker does not know of it.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn for_any_processor() -> wasmtime::Result<Self> {
        let mut config = config();
        // What this processor has is looked at only where no target is named.
        config.target(&Triple::host().to_string())?;
        Self::of(config)
    }

    /// The engine that loads models for this one.
    fn loader(&self) -> wasmtime::Result<Self> {
        let loader = Self::of(loading(self.config.clone()))?;
        Ok(loader.compiling(self.compiler.clone()))
    }

    fn of(config: Config) -> wasmtime::Result<Self> {
        let engine = Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        frozen::add_to_linker(&mut linker)?;
        input::add_to_linker::<_, HasSelf<JobState>>(&mut linker, |state| state)?;
        output::add_to_linker::<_, HasSelf<JobState>>(&mut linker, |state| state)?;
        sink::add_to_linker::<_, HasSelf<JobState>>(&mut linker, |state| state)?;
        embedder::add_to_linker(&mut linker)?;
        let ticker = Ticker::start(&engine);
        Ok(Self {
            config,
            engine,
            linker,
            ticker,
            compiler: Compiler::Here,
        })
    }

    /// The same engine with its components compiled there.
    #[must_use]
    pub fn compiling(self, compiler: Compiler) -> Self {
        Self { compiler, ..self }
    }

    /// Names everything of this engine that fuel depends on.
    pub fn profile(&self) -> &'static str {
        "workload-1 wasmtime-48 cow-memory"
    }

    /// Names this very engine for the native cache.
    pub fn cache_key(&self) -> String {
        compatibility(&self.engine)
    }

    /// Compiles within the time limit and gives native code for the cache.
    ///
    /// # Errors
    /// What [`inspect`] refuses, a compiler error, or too long a compilation.
    pub fn precompile(&self, bytes: &[u8]) -> Result<(Inspected, Vec<u8>), CheckError> {
        self.precompile_by(&self.compiler, bytes)
    }

    /// As [`Self::precompile`], in this process: for components that are trusted anyway.
    ///
    /// # Errors
    /// As [`Self::precompile`].
    pub fn precompile_here(&self, bytes: &[u8]) -> Result<(Inspected, Vec<u8>), CheckError> {
        self.precompile_by(&Compiler::Here, bytes)
    }

    fn precompile_by(
        &self,
        compiler: &Compiler,
        bytes: &[u8],
    ) -> Result<(Inspected, Vec<u8>), CheckError> {
        let inspected = inspect(bytes)?;
        if matches!(inspected.kind, Kind::Policy(_)) {
            return Err(CheckError::WrongWorld {
                found: format!("`{}`", inspected.kind.world()),
                wanted: format!("`{}`", World::Job.name()),
            });
        }
        let code = compile(&self.engine, compiler, Target::Workload, bytes)?;
        Ok((inspected, code))
    }

    /// Links native code that [`Self::precompile`] made and the cache gave back.
    ///
    /// # Errors
    /// When the code is of another engine, or the component wants an import that a workload does not get.
    pub fn load(&self, code: &[u8]) -> Result<Workload, CheckError> {
        self.link(&deserialize(&self.engine, code)?)
    }

    /// The same from a file, which is mapped and not read: instances share the pages that they don't write.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_file(&self, code: &File) -> Result<Workload, CheckError> {
        self.link(&deserialize_file(&self.engine, code)?)
    }

    fn link(&self, component: &Component) -> Result<Workload, CheckError> {
        let found = World::ALL.into_iter().find(|world| {
            component
                .get_export_index(None, world.interface())
                .is_some()
        });
        let world = found.unwrap_or(World::Job);
        let wrong = |e: wasmtime::Error| CheckError::WrongWorld {
            found: weft_model::text::printable(&format!("{e:#}"), MESSAGE_BYTES),
            wanted: world.name().into(),
        };
        let pre = self.linker.instantiate_pre(component).map_err(wrong)?;
        Ok(Workload(match world {
            World::Job => Linked::Job(WorkloadPre::new(pre).map_err(wrong)?),
            World::Embeddings => Linked::Embeddings(EmbeddingsPre::new(pre).map_err(wrong)?),
            World::Chat => Linked::Chat(ChatPre::new(pre).map_err(wrong)?),
            World::Ocr => Linked::Ocr(OcrPre::new(pre).map_err(wrong)?),
        }))
    }

    /// Asks a workload what it is.
    ///
    /// # Errors
    /// What ended the call.
    pub fn describe(&self, workload: &Workload) -> Result<Description, CallError> {
        let limits = JobLimits {
            fuel: model_limits::POLICY_FUEL,
            deadline_ms: model_limits::POLICY_DEADLINE_MS,
            ..JobLimits::default()
        };
        let _ticking = self.ticker.begin();
        let (mut store, _) = self.store(Job::bare(limits, Arc::default()))?;
        let outcome = match &workload.0 {
            Linked::Job(pre) => pre
                .instantiate(&mut store)
                .and_then(|instance| instance.weft_workload_job().call_describe(&mut store)),
            Linked::Embeddings(pre) => pre
                .instantiate(&mut store)
                .and_then(|instance| instance.weft_embeddings_model().call_describe(&mut store))
                .map(|said| typed(&said.name, &said.summary, embeddings::PARAMS_SCHEMA, TEXT)),
            Linked::Chat(pre) => pre
                .instantiate(&mut store)
                .and_then(|instance| instance.weft_chat_model().call_describe(&mut store))
                .map(|said| typed(&said.name, &said.summary, chat::PARAMS_SCHEMA, TEXT)),
            Linked::Ocr(pre) => pre
                .instantiate(&mut store)
                .and_then(|instance| instance.weft_ocr_model().call_describe(&mut store))
                .map(|said| {
                    let images = said.images.join(", ");
                    typed(&said.name, &said.summary, ocr::PARAMS_SCHEMA, &images)
                }),
        };
        outcome.map_err(|e| state_error(&e, store.data()))
    }

    /// Runs a job to its end on this thread.
    ///
    /// # Errors
    /// What ended it before its own end: a limit or a trap. What the job itself reports is in [`Finished`].
    pub fn run(&self, workload: &Workload, job: Job) -> Result<Finished, CallError> {
        let _ticking = self.ticker.begin();
        match &workload.0 {
            Linked::Job(pre) => self.run_job(pre, job),
            Linked::Embeddings(pre) => embeddings::run(self, pre, job),
            Linked::Chat(pre) => chat::run(self, pre, job),
            Linked::Ocr(pre) => ocr::run(self, pre, job),
        }
    }

    fn run_job(&self, pre: &WorkloadPre<JobState>, job: Job) -> Result<Finished, CallError> {
        let started = Clock::now();
        let fuel = job.limits.fuel;
        let (mut store, params) = self.store(job)?;
        let outcome = pre
            .instantiate(&mut store)
            .and_then(|instance| instance.weft_workload_job().call_run(&mut store, &params));
        let used = fuel - store.get_fuel().unwrap_or(0);
        let outcome = outcome.map_err(|e| state_error(&e, store.data()));
        let state = store.into_data();
        let result = match outcome {
            Ok(Ok(summary)) => Ok(weft_model::text::printable(&summary, MESSAGE_BYTES)),
            Ok(Err(failure)) => Err(failure.into()),
            Err(_) if state.cancel.load(Ordering::Acquire) => Err(JobFailure::Cancelled),
            Err(error) => return Err(error),
        };
        state.finished(result, used, started)
    }

    pub(crate) fn store(&self, job: Job) -> Result<(Store<JobState>, String), CallError> {
        let wasi = wasi::context(job.seed, &job.dirs).map_err(|e| {
            CallError::Trap(weft_model::text::printable(
                &format!("a granted directory can't be opened: {e:#}"),
                MESSAGE_BYTES,
            ))
        })?;
        let deadline = Clock::now() + Duration::from_millis(job.limits.deadline_ms);
        let state = JobState {
            input: job.input,
            output: job.output,
            cancel: job.cancel,
            limits: job.limits,
            deadline,
            wasi,
            table: ResourceTable::new(),
            listings: Listings::default(),
            memory_denied: false,
            output_denied: false,
            late: false,
            peak_memory: 0,
            bytes_in: 0,
            bytes_out: 0,
            read_hash: Sha256::new(),
            written_hash: Sha256::new(),
            io_error: None,
            embedder: job.embedder,
            linked_memory: 0,
            linked_error: None,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| state as &mut dyn ResourceLimiter);
        store.set_hostcall_fuel(JOB_COPY_BYTES);
        store
            .set_fuel(job.limits.fuel)
            .map_err(|e| ended(&e, false))?;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            if state.cancel.load(Ordering::Acquire) {
                return Err(wasmtime::Trap::Interrupt.into());
            }
            if Clock::now() >= state.deadline {
                state.late = true;
                return Err(wasmtime::Trap::Interrupt.into());
            }
            Ok(UpdateDeadline::Continue(CHECK_EPOCHS))
        });
        Ok((store, job.params))
    }
}

/// Epochs between two looks at the deadline and the cancel flag.
const CHECK_EPOCHS: u64 = 50 / EPOCH_MS;

/// What a job's store holds.
pub struct JobState {
    input: Box<dyn Read + Send>,
    output: Box<dyn Write + Send>,
    cancel: Arc<AtomicBool>,
    limits: JobLimits,
    deadline: Clock,
    wasi: WasiCtx,
    table: ResourceTable,
    listings: Listings,
    memory_denied: bool,
    output_denied: bool,
    late: bool,
    pub(crate) peak_memory: usize,
    bytes_in: u64,
    bytes_out: u64,
    read_hash: Sha256,
    written_hash: Sha256,
    io_error: Option<String>,
    embedder: Option<Embedder>,
    /// Largest memory of what is linked in, in bytes.
    linked_memory: usize,
    /// What ended a call of it.
    linked_error: Option<CallError>,
}

impl WasiView for JobState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl Frozen for JobState {
    fn frozen(&mut self) -> View<'_> {
        let files = WasiFilesystemCtxView {
            ctx: self.wasi.filesystem(),
            table: &mut self.table,
        };
        View::new(files, &mut self.listings)
    }
}

impl input::Host for JobState {
    fn read(&mut self, max: u32) -> wasmtime::Result<Vec<u8>> {
        self.take(max.clamp(1, READ_BYTES) as usize)
    }
}

impl JobState {
    /// What a job leaves that one store ran.
    fn finished(
        self,
        result: Result<String, JobFailure>,
        fuel: u64,
        started: Clock,
    ) -> Result<Finished, CallError> {
        if let Some(error) = self.io_error {
            return Err(CallError::Trap(error));
        }
        Ok(Finished {
            result,
            fuel,
            peak_memory_bytes: (self.peak_memory + self.linked_memory) as u64,
            wall_ms: started.elapsed().as_millis() as u64,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            input_digest: self.read_hash.finalize().into(),
            output_digest: self.written_hash.finalize().into(),
        })
    }

    /// The next bytes of the input, at most so many; fewer only at its end.
    fn take(&mut self, most: usize) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(most as u64).read_to_end(&mut bytes);
        if let Err(e) = read {
            self.io_error = Some(format!("its input can't be read: {e}"));
            return Err(wasmtime::Error::msg("input"));
        }
        self.bytes_in += bytes.len() as u64;
        self.read_hash.update(&bytes);
        Ok(bytes)
    }

    /// Appends to the output. False: it was told to stop.
    fn put(&mut self, bytes: &[u8]) -> wasmtime::Result<bool> {
        if self.bytes_out + bytes.len() as u64 > self.limits.output_bytes {
            self.output_denied = true;
            return Err(wasmtime::Error::msg("output limit"));
        }
        if let Err(e) = self.output.write_all(bytes) {
            self.io_error = Some(format!("its output can't be written: {e}"));
            return Err(wasmtime::Error::msg("output"));
        }
        self.bytes_out += bytes.len() as u64;
        self.written_hash.update(bytes);
        Ok(!self.cancel.load(Ordering::Acquire))
    }
}

impl output::Host for JobState {
    fn write(&mut self, bytes: Vec<u8>) -> wasmtime::Result<bool> {
        self.put(&bytes)
    }
}

impl ResourceLimiter for JobState {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired as u64 > self.limits.memory_bytes {
            self.memory_denied = true;
            return Err(wasmtime::Error::msg("memory limit"));
        }
        self.peak_memory = self.peak_memory.max(desired);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok((desired as u64).saturating_mul(size_of::<usize>() as u64) <= self.limits.memory_bytes)
    }
}

pub(crate) fn state_error(error: &wasmtime::Error, state: &JobState) -> CallError {
    if state.output_denied {
        return CallError::Limit(Limit::Output);
    }
    if let Some(error) = &state.linked_error {
        return error.clone();
    }
    if let Some(message) = &state.io_error {
        return CallError::Trap(message.clone());
    }
    ended(error, state.memory_denied)
}

/// A short hash of everything that makes native code fit an engine: version, target and settings.
pub(crate) fn compatibility(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
