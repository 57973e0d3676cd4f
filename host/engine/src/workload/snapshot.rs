//! A component with its model loaded: what it has in memory after `load`, kept as native code that every job begins with.
//!
//! The component is instrumented, so that its state can be read (wasmtime-wizer), and given the model's directory for one
//! call of `load`. What memories and globals then hold becomes the initial state of a new component. That one is compiled
//! and mapped copy-on-write: a fresh instance costs no loading, and instances share what they don't write. Files that were
//! open are gone in it: a job of such a component is given no directory, so there is nothing to open.

use crate::bindings::chat::Chat;
use crate::bindings::embeddings::Embeddings;
use crate::bindings::ocr::Ocr;
use crate::compile::{Target, compile};
use crate::error::{CallError, CheckError};
use crate::inspect::{Kind, World, inspect};
use crate::limits::{LOAD_FUEL, LOAD_MS, MESSAGE_BYTES};
use crate::policy::deserialize;
use crate::wasi::Dir;
use crate::workload::{Job, JobFailure, JobLimits, JobState, WorkloadEngine, state_error};
use futures::FutureExt;
use std::path::Path;
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance, Lift, WasmList};
use wasmtime_wizer::{ComponentInstanceState, Wizer};
use weft_model::text::printable;

/// Where the model is granted.
const MODEL: &str = "/model";

/// Why a model is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The component can't be used with models.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Loading was ended.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The component refuses the model.
    #[error(transparent)]
    Refused(JobFailure),
}

impl WorkloadEngine {
    /// Loads the model in a directory and gives native code of the component that holds it. `memory_bytes`: what it may
    /// use.
    ///
    /// # Errors
    /// When the component is of no world with a model, can't be kept with its state, or refuses the model.
    pub fn load_model(
        &self,
        component: &[u8],
        model: &Path,
        memory_bytes: u64,
    ) -> Result<Vec<u8>, LoadError> {
        let world = match inspect(component)?.kind {
            Kind::Workload(world) if world.has_model() => world,
            other => {
                return Err(LoadError::Check(CheckError::WrongWorld {
                    found: format!("`{}`", other.world()),
                    wanted: "a world with a model".into(),
                }));
            }
        };
        let snapshot = self.snapshot(component, world, model, memory_bytes)?;
        Ok(compile(
            &self.engine,
            &self.compiler,
            Target::Snapshot,
            &snapshot,
        )?)
    }

    fn snapshot(
        &self,
        component: &[u8],
        world: World,
        model: &Path,
        memory_bytes: u64,
    ) -> Result<Vec<u8>, LoadError> {
        let wizer = Wizer::new();
        let (context, instrumented) = uncaught(|| wizer.instrument_component(component))?;
        let loader = self
            .loader()
            .map_err(|e| CheckError::Compile(printable(&format!("{e:#}"), MESSAGE_BYTES)))?;
        let code = compile(
            &loader.engine,
            &loader.compiler,
            Target::Loader,
            &instrumented,
        )?;
        let linked = deserialize(&loader.engine, &code)?;
        let mut job = Job::bare(
            JobLimits {
                fuel: LOAD_FUEL,
                memory_bytes,
                deadline_ms: LOAD_MS,
                ..JobLimits::default()
            },
            Arc::default(),
        );
        job.dirs.push(Dir {
            host: model.to_owned(),
            guest: MODEL.into(),
            writable: false,
        });
        let _ticking = loader.ticker.begin();
        let (mut store, _) = loader.store(job)?;
        let loaded = loader
            .linker
            .instantiate(&mut store, &linked)
            .and_then(|instance| {
                let said = call_load(&mut store, &instance, world)?;
                Ok((instance, said))
            });
        let (instance, said) = loaded.map_err(|e| state_error(&e, store.data()))?;
        said.map_err(LoadError::Refused)?;
        // The state is read by calls, which are not the guest's to pay for.
        store.set_hostcall_fuel(usize::MAX);
        store
            .set_fuel(u64::MAX)
            .map_err(|e| state_error(&e, store.data()))?;
        let mut state = State { store, instance };
        let taken = uncaught(|| {
            wizer
                .snapshot_component(&context, &mut state)
                .now_or_never()
                .ok_or_else(|| wasmtime::Error::msg("its state can't be read at once"))?
        });
        Ok(taken?)
    }
}

fn call_load(
    store: &mut Store<JobState>,
    instance: &Instance,
    world: World,
) -> wasmtime::Result<Result<(), JobFailure>> {
    match world {
        World::Job => Err(wasmtime::Error::msg("a world without a model")),
        World::Embeddings => {
            let said = Embeddings::new(&mut *store, instance)?
                .weft_embeddings_model()
                .call_load(&mut *store)?;
            Ok(said.map_err(JobFailure::from))
        }
        World::Chat => {
            let said = Chat::new(&mut *store, instance)?
                .weft_chat_model()
                .call_load(&mut *store)?;
            Ok(said.map_err(JobFailure::from))
        }
        World::Ocr => {
            let said = Ocr::new(&mut *store, instance)?
                .weft_ocr_model()
                .call_load(&mut *store)?;
            Ok(said.map_err(JobFailure::from))
        }
    }
}

/// What the tool says or panics with is a component that can't be kept with its state: it knows only what compilers emit.
fn uncaught<T>(work: impl FnOnce() -> wasmtime::Result<T>) -> Result<T, CheckError> {
    let refused = |why: &str| CheckError::Compile(printable(why, MESSAGE_BYTES));
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(refused(&format!("its state can't be kept: {e:#}"))),
        Err(_) => Err(refused(
            "its state can't be kept: it is made in a way that is not known",
        )),
    }
}

/// The instrumented instance, of which the state is read.
struct State {
    store: Store<JobState>,
    instance: Instance,
}

impl State {
    /// Calls a function that instrumentation added.
    fn call<R, T>(
        &mut self,
        instance: &str,
        func: &str,
        take: impl FnOnce(&Store<JobState>, R) -> T,
    ) -> T
    where
        R: Lift + 'static,
        (R,): ComponentNamedList,
    {
        let store = &mut self.store;
        let read = self
            .instance
            .get_export_index(&mut *store, None, instance)
            .and_then(|at| self.instance.get_export_index(&mut *store, Some(&at), func))
            .ok_or_else(|| wasmtime::Error::msg("instrumentation is not there"))
            .and_then(|at| self.instance.get_typed_func::<(), (R,)>(&mut *store, at))
            .and_then(|func| func.call(&mut *store, ()));
        match read {
            Ok((value,)) => take(store, value),
            // The trait has no other way; the caller catches it.
            Err(e) => panic!("{e:#}"),
        }
    }
}

impl ComponentInstanceState for State {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        self.call(instance, func, |store, list: WasmList<u8>| {
            contents(list.as_le_slice(store));
        });
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.call(instance, func, |_, value| value)
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.call(instance, func, |_, value| value)
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.call(instance, func, |_, value: f32| value.to_bits())
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.call(instance, func, |_, value: f64| value.to_bits())
    }
}
