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
}

/// Why a node did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NodeError {
    /// For programs.
    pub code: Code,
    /// What happened, and why.
    pub message: String,
    /// What to do; empty when the message says it.
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
            .try_this("report this with the log")
    }

    /// A file that can't be used.
    pub fn file(path: &Path, error: &std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => Code::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::DiskFull,
            _ => Code::Io,
        };
        let error = Self::new(code, format!("`{}`: {error}", path.display()));
        match code {
            Code::DiskFull => error.try_this(MAKE_ROOM),
            _ => error,
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
            return Self::new(Code::DiskFull, "the disk is full, nothing of this was kept")
                .try_this(MAKE_ROOM);
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
