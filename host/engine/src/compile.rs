//! Compilation of strangers' components under caps: in a process of its own that has limits on memory and processor
//! time, is watched by the clock, and is ended when it goes over any of them.
//!
//! The parent gives the very bytes that it looked at and hashed to the worker's standard input, and takes native code
//! from its standard output, at most so much. The worker is the same program ([`serve`]), so its engine has the same
//! settings and its code the same compatibility key. It sets its own limits before it reads the first byte, inherits
//! no environment and no file, and writes nothing but code or one line of error.
//!
//! [`Compiler::Here`] compiles in this process, bounded by the sizes that are let through and by time alone: for
//! components that are trusted anyway, and for programs that are no such worker, as tests.

use crate::error::CheckError;
use crate::limits::{
    COMPILE_CPU_S, COMPILE_MS, COMPILE_OUTPUT_BYTES, COMPILE_THREADS, MESSAGE_BYTES, MIB,
    POLICY_COMPILE_BYTES, SNAPSHOT_BYTES, SNAPSHOT_COMPILE_BYTES, WORKLOAD_COMPILE_BYTES,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use wasmtime::Engine;
use weft_model::limits::COMPONENT_BYTES;

/// The verb, hidden from users, with which the program becomes a worker.
pub const VERB: &str = "compile-worker";
/// The worker's exit code for a component that the compiler refuses; its standard error says why.
const REFUSED: u8 = 3;
/// The worker's exit code when it is called wrongly, or can't set its limits.
const UNUSABLE: u8 = 4;
/// What Rust's runtime says when memory can't be had, before it aborts.
const OUT_OF_MEMORY: [&str; 3] = [
    "memory allocation of",
    "Cannot allocate memory",
    "out of memory",
];

/// Where components are compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, with limits on size and time.
    #[default]
    Here,
    /// By this program, called with [`VERB`], with limits on memory and processor time as well.
    Worker(PathBuf),
}

/// For which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The engine for policies.
    Policy,
    /// The engine for workloads.
    Workload,
    /// The engine for workloads, of one that loads its model, which it does once.
    Loader,
    /// The engine for workloads, of one that holds its model.
    Snapshot,
}

impl Target {
    const ALL: [Self; 4] = [Self::Policy, Self::Workload, Self::Loader, Self::Snapshot];

    fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Workload => "workload",
            Self::Loader => "loader",
            Self::Snapshot => "snapshot",
        }
    }

    fn memory_bytes(self) -> u64 {
        match self {
            Self::Policy => POLICY_COMPILE_BYTES,
            Self::Workload | Self::Loader => WORKLOAD_COMPILE_BYTES,
            Self::Snapshot => SNAPSHOT_COMPILE_BYTES,
        }
    }

    /// The most native code that is taken of it, in bytes.
    fn output_bytes(self) -> u64 {
        match self {
            Self::Policy | Self::Workload | Self::Loader => COMPILE_OUTPUT_BYTES,
            Self::Snapshot => COMPILE_OUTPUT_BYTES + SNAPSHOT_BYTES,
        }
    }

    /// The largest component that is compiled for it, in bytes.
    fn component_bytes(self) -> u64 {
        match self {
            Self::Policy | Self::Workload | Self::Loader => COMPONENT_BYTES,
            Self::Snapshot => SNAPSHOT_BYTES,
        }
    }
}

/// Compiles, and gives native code.
///
/// # Errors
/// Which limit was reached, or what the compiler said.
pub(crate) fn compile(
    engine: &Engine,
    compiler: &Compiler,
    target: Target,
    bytes: &[u8],
) -> Result<Vec<u8>, CheckError> {
    match compiler {
        Compiler::Here => here(engine, bytes),
        Compiler::Worker(program) => in_worker(program, target, bytes),
    }
}

/// On a thread of its own; one that takes too long is refused, and ends when the compiler does.
fn here(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, CheckError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let (engine, bytes): (Engine, Arc<[u8]>) = (engine.clone(), bytes.into());
    std::thread::spawn(move || {
        // The receiver is gone when the time was over.
        let _ = sender.send(engine.precompile_component(&bytes));
    });
    match receiver.recv_timeout(Duration::from_millis(COMPILE_MS)) {
        Ok(Ok(code)) => Ok(code),
        Ok(Err(e)) => Err(CheckError::Compile(one_line(&format!("{e:#}")))),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(CheckError::CompileTime {
            limit_ms: COMPILE_MS,
        }),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(CheckError::Compile("the compiler panicked".into()))
        }
    }
}

fn in_worker(program: &Path, target: Target, bytes: &[u8]) -> Result<Vec<u8>, CheckError> {
    let broken = |e: std::io::Error| CheckError::Worker(one_line(&e.to_string()));
    let mut child = Command::new(program)
        .args([VERB, target.word()])
        .env_clear()
        // As many threads as are counted for, and few heaps: each reserves address space.
        .env("RAYON_NUM_THREADS", threads().to_string())
        .env("MALLOC_ARENA_MAX", "2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    let ended = converse(&mut child, target, bytes);
    if ended.is_err() {
        // It may be gone by itself; then there is nothing to kill.
        let _ = child.kill();
    }
    let status = child.wait().map_err(broken)?;
    let (code, said) = ended?;
    if status.success() {
        return Ok(code);
    }
    Err(refusal(status, &said, target))
}

/// Gives the bytes and takes the answer, both within the time.
fn converse(
    child: &mut Child,
    target: Target,
    bytes: &[u8],
) -> Result<(Vec<u8>, String), CheckError> {
    let most = target.output_bytes();
    let gone = || CheckError::Worker("its streams are not open".into());
    let mut stdin = child.stdin.take().ok_or_else(gone)?;
    let stdout = child.stdout.take().ok_or_else(gone)?;
    let stderr = child.stderr.take().ok_or_else(gone)?;
    let given: Vec<u8> = bytes.to_vec();
    std::thread::spawn(move || {
        // A worker that ended early has said why.
        let _ = stdin.write_all(&given);
    });
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut code = Vec::new();
        let read = stdout.take(most + 1).read_to_end(&mut code).map(|_| code);
        // The receiver is gone when the time was over.
        let _ = sender.send(read);
    });
    let (words, told) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut said = Vec::new();
        // What can't be read is not said.
        let _ = stderr.take(MESSAGE_BYTES as u64).read_to_end(&mut said);
        let _ = words.send(String::from_utf8_lossy(&said).into_owned());
    });
    let time = Duration::from_millis(COMPILE_MS);
    let late = CheckError::CompileTime {
        limit_ms: COMPILE_MS,
    };
    match receiver.recv_timeout(time) {
        Ok(Ok(code)) if code.len() as u64 > most => Err(CheckError::CompileOutput {
            limit_mib: most / MIB,
        }),
        Ok(Ok(code)) => match told.recv_timeout(time) {
            Ok(said) => Ok((code, said)),
            Err(_) => Err(late),
        },
        Ok(Err(e)) => Err(CheckError::Worker(one_line(&e.to_string()))),
        Err(_) => Err(late),
    }
}

/// What a worker's end means.
fn refusal(status: ExitStatus, said: &str, target: Target) -> CheckError {
    let over_memory = OUT_OF_MEMORY.iter().any(|words| said.contains(words));
    if over_memory {
        return CheckError::CompileMemory {
            limit_mib: target.memory_bytes() / MIB,
        };
    }
    match (status.code(), status.signal()) {
        (Some(code), _) if code == i32::from(REFUSED) => CheckError::Compile(one_line(said)),
        (Some(code), _) if code == i32::from(UNUSABLE) => CheckError::Worker(one_line(said)),
        (_, Some(signal)) if signal == rustix::process::Signal::XCPU.as_raw() => {
            CheckError::CompileCpu {
                limit_s: COMPILE_CPU_S,
            }
        }
        (_, Some(signal)) => {
            CheckError::Compile(format!("the compiler was ended by signal {signal}"))
        }
        (code, None) => CheckError::Compile(format!(
            "the compiler ended with code {}: {}",
            code.unwrap_or(-1),
            one_line(said)
        )),
    }
}

/// Is the worker: sets its limits, reads a component, writes native code. Gives the process's exit code.
pub fn serve(target: &str) -> u8 {
    let Some(target) = Target::ALL.into_iter().find(|t| t.word() == target) else {
        let words = Target::ALL.map(|target| format!("`{}`", target.word()));
        eprintln!("a compile worker is for one of {}", words.join(", "));
        return UNUSABLE;
    };
    for (resource, most) in [
        (Resource::As, target.memory_bytes()),
        (Resource::Cpu, COMPILE_CPU_S),
        (Resource::Core, 0),
    ] {
        // A limit that is lower already stays.
        let most = getrlimit(resource)
            .maximum
            .map_or(most, |now| now.min(most));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        if let Err(e) = setrlimit(resource, limit) {
            eprintln!("can't set the limit of {resource:?}: {e}");
            return UNUSABLE;
        }
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin()
        .lock()
        .take(target.component_bytes() + 1)
        .read_to_end(&mut bytes);
    if let Err(e) = read {
        eprintln!("can't read the component: {e}");
        return UNUSABLE;
    }
    let config = match target {
        Target::Policy => crate::policy::config(),
        Target::Workload | Target::Snapshot => crate::workload::config(),
        Target::Loader => crate::workload::loading(crate::workload::config()),
    };
    let code = Engine::new(&config).and_then(|engine| engine.precompile_component(&bytes));
    let code = match code {
        Ok(code) => code,
        Err(e) => {
            eprintln!("{e:#}");
            return REFUSED;
        }
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(&code).and_then(|()| out.flush()) {
        Ok(()) => 0,
        Err(e) => {
            eprintln!("can't write the code: {e}");
            UNUSABLE
        }
    }
}

fn threads() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(COMPILE_THREADS)
}

fn one_line(text: &str) -> String {
    weft_model::text::printable(text.trim(), MESSAGE_BYTES)
}
