//! What a node refuses, for a person and for a program: a stable code, what happened and why, and what to do.

use std::path::Path;

/// The stable codes, as `--json` shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// There is no such thing.
    NotFound,
    /// The request makes no sense.
    Invalid,
    /// A check failed: nothing was stored.
    Refused,
    /// A key is encrypted, and no passphrase came with the request.
    Passphrase,
    /// Another process has the home.
    Busy,
    /// Not possible now.
    Unavailable,
    /// It contradicts what is there.
    Conflict,
    /// Content whose bytes are not what its CID names, or are gone.
    Damaged,
    /// The system said no.
    Io,
    /// The disk is full.
    DiskFull,
    /// The database was written by a newer Weft.
    NewerDatabase,
    /// A mistake in Weft.
    Internal,
    /// A check that a release failed, by its own name, such as `untrusted` or `rollback`.
    Check(&'static str),
}

impl Code {
    /// The code as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Passphrase => "passphrase",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Conflict => "conflict",
            Self::Damaged => "damaged",
            Self::Io => "io",
            Self::DiskFull => "disk-full",
            Self::NewerDatabase => "newer-database",
            Self::Internal => "internal",
            Self::Check(name) => name,
        }
    }

    /// What to do where the refusal itself knows nothing better.
    fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => "check how it is written, and that it is of this home (`--home`)",
            Self::Invalid => "mend what is named, then try again; `--help` has an example",
            Self::Refused | Self::Check(_) => {
                "nothing of it was kept; get it anew, or ask who made it"
            }
            Self::Passphrase => "give the passphrase when asked, or by WEFT_PASSPHRASE",
            Self::Busy => "try again when the other process is done",
            Self::Unavailable => "`weft status` shows what there is; try again later",
            Self::Conflict => "look at what is there now, then decide again",
            Self::Damaged => "`weft content verify` finds what is damaged; fetch it again",
            Self::Io => "check the path and its permissions",
            Self::DiskFull => MAKE_ROOM,
            Self::NewerDatabase => {
                "use the Weft that wrote it, or restore a backup of before (`weft restore`)"
            }
            Self::Internal => "report this with the log",
        }
    }
}

/// Why a node did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NodeError {
    /// For programs.
    pub code: Code,
    /// What happened, and why.
    pub message: String,
    /// What to do; empty where nothing better is known than [`Self::advice`].
    pub remedy: String,
}

/// What to do about a full disk.
const MAKE_ROOM: &str = "free some space where the home is, then try again";

/// The result of a node's functions.
pub type Result<T, E = NodeError> = std::result::Result<T, E>;

impl NodeError {
    /// An error without a remedy of its own.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            remedy: String::new(),
        }
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// The request makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message)
    }

    /// A check failed.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Code::Refused, message)
    }

    /// A check that a release failed, by its own name.
    pub fn coded(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(Code::Check(name), message)
    }

    /// A mistake in Weft.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(Code::Internal, format!("internal: {message}"))
    }

    /// A file that can't be used.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => Code::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::DiskFull,
            _ => Code::Io,
        };
        Self::new(code, format!("`{}`: {error}", path.display()))
    }

    /// What to do: never empty.
    pub fn advice(&self) -> &str {
        match self.remedy.is_empty() {
            true => self.code.remedy(),
            false => &self.remedy,
        }
    }

    /// Adds what to do.
    pub fn try_this(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl From<weft_store::Error> for NodeError {
    fn from(e: weft_store::Error) -> Self {
        use weft_store::Error as E;
        if matches!(e, E::Full) {
            return Self::new(Code::DiskFull, "the disk is full, nothing of this was kept");
        }
        let code = match &e {
            E::Newer { .. } => Code::NewerDatabase,
            E::Busy => Code::Busy,
            E::Damaged { .. } => Code::Damaged,
            E::Missing { .. } => Code::NotFound,
            E::Exists { .. } | E::Gap { .. } | E::Fork { .. } => Code::Conflict,
            E::Malformed(_) | E::TooLarge { .. } => Code::Invalid,
            _ => Code::Io,
        };
        Self::new(code, e.to_string())
    }
}

impl From<weft_store::Malformed> for NodeError {
    fn from(e: weft_store::Malformed) -> Self {
        Self::new(Code::Invalid, e.to_string())
    }
}

impl From<weft_model::cbor::CborError> for NodeError {
    fn from(e: weft_model::cbor::CborError) -> Self {
        Self::invalid(e.to_string())
    }
}

impl From<weft_decide::RecordError> for NodeError {
    fn from(e: weft_decide::RecordError) -> Self {
        Self::invalid(e.to_string())
    }
}

impl From<weft_model::did::DidError> for NodeError {
    fn from(e: weft_model::did::DidError) -> Self {
        Self::invalid(e.to_string())
    }
}

impl From<cid::Error> for NodeError {
    fn from(e: cid::Error) -> Self {
        Self::invalid(format!("not a CID: {e}"))
    }
}
