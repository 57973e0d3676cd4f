//! The three classes of failure: a file that is refused, a call that ended by a trap or limit, and what a guest said.

use weft_model::slots::PolicyError;

/// Why a file is not accepted as a component. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Too large to be looked at.
    #[error(
        "has {found} bytes, at most {max} are accepted; make it smaller, or pass data as input"
    )]
    TooLarge {
        /// Its size in bytes.
        found: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// No WebAssembly at all.
    #[error("is no WebAssembly: it begins with {found}; build one with `weft plugin build`")]
    NotWasm {
        /// What the file begins with.
        found: String,
    },
    /// A core module.
    #[error(
        "is a core WebAssembly module, not a component; `weft plugin build` encodes a component from it"
    )]
    CoreModule,
    /// Native code offered as a component.
    #[error(
        "is native code for one engine; only WebAssembly components are accepted, build it from source"
    )]
    Native,
    /// Cut off or corrupt.
    #[error("is damaged or not a valid component: {0}; fetch or build it again")]
    Invalid(String),
    /// The wrong contract.
    #[error("exports {found}, wanted is {wanted}; build it for that world")]
    WrongWorld {
        /// What it exports.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// Imports that it may not have.
    #[error("imports {}, which {kind} may not; remove what needs them", imports.join(", "))]
    Imports {
        /// All that are too much.
        imports: Vec<String>,
        /// `a policy` or `a workload`.
        kind: &'static str,
    },
    /// Code that would take too long to compile.
    #[error("has {what}, at most {max} are accepted; split it up")]
    TooComplex {
        /// What is too much.
        what: String,
        /// The limit.
        max: u64,
    },
    /// Compilation did not end in time.
    #[error("took longer than {limit_ms} ms to compile; make it smaller")]
    CompileTime {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// Compilation took too much memory.
    #[error("compiling takes more than {limit_mib} MiB; make it smaller, or its functions simpler")]
    CompileMemory {
        /// The limit in mebibytes.
        limit_mib: u64,
    },
    /// Compilation took too much processor time.
    #[error("compiling takes more than {limit_s} s of processor time; make it smaller")]
    CompileCpu {
        /// The limit in seconds.
        limit_s: u64,
    },
    /// Compilation gave too much code.
    #[error("compiles to more than {limit_mib} MiB of native code; make it smaller")]
    CompileOutput {
        /// The limit in mebibytes.
        limit_mib: u64,
    },
    /// The process that compiles could not do its work.
    #[error(
        "was not compiled: the compile worker can't be used ({0}); is this `weft` still the file that was started? \
         Restart the node"
    )]
    Worker(String),
    /// The compiler or linker refused it.
    #[error("can't be compiled: {0}")]
    Compile(String),
}

/// Which limit ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// The work that a call may do.
    Fuel,
    /// The time that it may take.
    Deadline,
    /// The memory that it may have.
    Memory,
    /// The depth of its calls.
    Stack,
    /// The bytes that it may hand over.
    Output,
}

/// Why a call gave no answer that counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallError {
    /// The policy says that it can't judge.
    #[error("the plugin refuses to judge: {0}")]
    Policy(PolicyError),
    /// It ran into a limit.
    #[error("the plugin went over its {} limit", .0.word())]
    Limit(Limit),
    /// It trapped.
    #[error("the plugin trapped: {0}")]
    Trap(String),
    /// It answered, but not as its contract says.
    #[error("the plugin broke its contract: {0}")]
    Contract(String),
}

impl Limit {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Deadline => "time",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Output => "output",
        }
    }
}

impl CallError {
    /// One word for its kind.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Policy(_) => "refusal",
            Self::Limit(limit) => limit.word(),
            Self::Trap(_) => "trap",
            Self::Contract(_) => "contract",
        }
    }

    /// Whether the breaker counts it. A policy that says why it can't judge does what it should.
    pub fn counts(&self) -> bool {
        !matches!(self, Self::Policy(_))
    }

    /// Whether running it again elsewhere must end the same way.
    pub fn is_replayable(&self) -> bool {
        match self {
            Self::Policy(_) | Self::Contract(_) | Self::Limit(Limit::Fuel) => true,
            Self::Limit(_) | Self::Trap(_) => false,
        }
    }
}

/// Classifies what ended a wasm call.
pub(crate) fn ended(error: &wasmtime::Error, memory_denied: bool) -> CallError {
    if memory_denied {
        return CallError::Limit(Limit::Memory);
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::OutOfFuel) => CallError::Limit(Limit::Fuel),
        Some(wasmtime::Trap::Interrupt) => CallError::Limit(Limit::Deadline),
        Some(wasmtime::Trap::StackOverflow) => CallError::Limit(Limit::Stack),
        Some(trap) => CallError::Trap(trap.to_string()),
        None => {
            let text = error.root_cause().to_string();
            if text.contains("fuel allocated for hostcalls") {
                CallError::Limit(Limit::Output)
            } else {
                CallError::Trap(weft_model::text::printable(&text, limits::MESSAGE_BYTES))
            }
        }
    }
}

use crate::limits;
