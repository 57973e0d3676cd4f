//! The release record: what people publish, install and pin by its CID (DESIGN 4).

mod validate;

pub(crate) use validate::is_link;
pub use validate::is_types_only;

use crate::config::ConfigError;
use crate::kind::{Kind, WorldError};
use crate::limits::RELEASE_BYTES;
use crate::text::TextError;
use semver::Version;
use serde::{Deserialize, Serialize};
use weft_model::cbor::{self, CborError};
use weft_model::slot::Failure;
use weft_model::{Cid, Did, Instant, Slot, content, limits as host};

/// A policy, workload or skill of one version. Its CID is over its canonical DAG-CBOR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its name under the publisher: 1 to 64 lowercase letters, digits and dashes.
    pub name: String,
    /// Who publishes; its key signs as author.
    pub publisher: Did,
    /// For people.
    pub version: Version,
    /// For machines: 1 to 2^53 - 1, strictly rising per (publisher, name).
    pub revision: u64,
    /// What it implements, such as `weft:scorer/scorer@0.1.0`.
    pub world: String,
    /// The component.
    pub component: Component,
    /// Exactly what the component imports, sorted.
    pub imports: Vec<String>,
    /// The features that it reads, in the order of its columns.
    pub features: Vec<String>,
    /// What one call of it may use.
    pub limits: Limits,
    /// What happens when a policy can't answer. None for a workload.
    pub failure: Option<Failure>,
    /// JSON Schema of its config, as text. None: nothing can be set.
    pub config_schema: Option<String>,
    /// Files that it is given, such as weights.
    pub models: Vec<Model>,
    /// Golden vectors, a DAG-CBOR list.
    pub vectors: Option<Cid>,
    /// When it was made.
    pub created: Instant,
    /// When it is no longer installed.
    pub expires: Option<Instant>,
    /// Where its sources are.
    pub source: Option<String>,
    /// SPDX expression.
    pub license: Option<String>,
    /// One line for a person; may be empty.
    pub description: String,
    /// Field of knowledge of a skill, such as `medicine`.
    pub domain: Option<String>,
    /// How well a skill does.
    pub effectiveness: Option<Effectiveness>,
    /// The release that this one replaces.
    pub supersedes: Option<Cid>,
}

/// The bytes that a release runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// CID of the file.
    pub cid: Cid,
    /// Its size in bytes.
    pub size: u64,
}

/// A file that a release is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name in the model directory, like a release's name but also with dots and underscores inside.
    pub name: String,
    /// CID of the file.
    pub cid: Cid,
    /// Its size in bytes.
    pub size: u64,
}

/// What one call may use. Each is at least 1 and at most what the host gives a call of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Fuel, roughly instructions.
    pub fuel: u64,
    /// Linear memory, in bytes.
    pub memory_bytes: u64,
    /// Wall time, in milliseconds.
    pub deadline_ms: u64,
    /// Bytes copied to the host.
    pub output_bytes: u64,
}

/// How well a skill does, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effectiveness {
    /// 0 to 1.
    pub value: f64,
    /// Where the value comes from.
    pub known: Known,
}

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// Measured.
    Measured,
    /// Computed from a model.
    Modelled,
    /// Said by its publisher.
    Declared,
}

/// What is wrong with a field of a release.
#[derive(Debug, thiserror::Error)]
#[error("release field `{field}`: {problem}")]
pub struct RecordError {
    /// The field.
    pub field: &'static str,
    /// What was found and what is allowed.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A world.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A config schema.
    #[error(transparent)]
    Schema(#[from] ConfigError),
    /// Anything else, as what was found and what is allowed.
    #[error("found {found}, allowed is {allowed}")]
    Value {
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
}

/// Bytes that are no release.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Not DAG-CBOR of this shape.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// Too many bytes.
    #[error("a release of {found} bytes is over the limit of {RELEASE_BYTES} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Another encoding of what it says; the same record must have one CID.
    #[error("the release is not in canonical DAG-CBOR; encode it again and publish that")]
    NotCanonical,
    /// A field breaks its rule.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Release {
    /// What it is.
    ///
    /// # Errors
    /// When its world is none that a release can have.
    pub fn kind(&self) -> Result<Kind, WorldError> {
        Kind::of_world(&self.world)
    }

    /// The slot that it can serve; none for a workload.
    pub fn slot(&self) -> Option<Slot> {
        match self.kind() {
            Ok(Kind::Policy(slot)) => Some(slot),
            _ => None,
        }
    }

    /// Whether tasks can run it.
    pub fn is_workload(&self) -> bool {
        self.kind() == Ok(Kind::Workload)
    }

    /// Whether it may no longer be installed at `now`.
    pub fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// A JSON config as this release's policy receives it; see [`crate::canonical_config`]. Without a schema nothing can
    /// be set.
    ///
    /// # Errors
    /// The field that does not fit, with what was found and what is allowed.
    pub fn config(&self, config: &serde_json::Value) -> Result<Vec<u8>, ConfigError> {
        let schema = match &self.config_schema {
            Some(schema) => crate::config::parse_schema(schema)?,
            None => serde_json::json!({"type": "object", "additionalProperties": false}),
        };
        crate::config::canonical_config(&schema, config)
    }

    /// Its canonical bytes and their CID, if it is valid.
    ///
    /// # Errors
    /// The field that is not.
    pub fn encode(&self) -> Result<(Vec<u8>, Cid), ReleaseError> {
        self.validate()?;
        let bytes = cbor::encode(self)?;
        if bytes.len() > RELEASE_BYTES {
            return Err(ReleaseError::TooLarge { found: bytes.len() });
        }
        let cid = content::record_cid(&bytes);
        Ok((bytes, cid))
    }

    /// Reads canonical bytes and checks every field.
    ///
    /// # Errors
    /// When they are too many, no release, not canonical, or break a rule.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReleaseError> {
        if bytes.len() > RELEASE_BYTES {
            return Err(ReleaseError::TooLarge { found: bytes.len() });
        }
        let release: Self = cbor::decode(bytes)?;
        if cbor::encode(&release)? != bytes {
            return Err(ReleaseError::NotCanonical);
        }
        release.validate()?;
        Ok(release)
    }
}

impl Limits {
    /// The most that a release of this kind may ask for, which is what the host gives.
    pub fn most(kind: Kind) -> Self {
        match kind {
            Kind::Policy(_) => Self {
                fuel: host::POLICY_FUEL,
                memory_bytes: host::POLICY_MEMORY_BYTES,
                deadline_ms: host::POLICY_DEADLINE_MS,
                output_bytes: host::POLICY_OUTPUT_BYTES,
            },
            // A skill runs inside a workload, under that one's limits.
            Kind::Workload | Kind::Skill => Self {
                fuel: host::WORKLOAD_FUEL,
                memory_bytes: host::WORKLOAD_MEMORY_BYTES,
                deadline_ms: host::WORKLOAD_DEADLINE_MS,
                output_bytes: host::WORKLOAD_OUTPUT_BYTES,
            },
        }
    }

    /// Its four figures with their names, in the record's order.
    pub fn figures(&self) -> [(&'static str, u64); 4] {
        [
            ("fuel", self.fuel),
            ("memory_bytes", self.memory_bytes),
            ("deadline_ms", self.deadline_ms),
            ("output_bytes", self.output_bytes),
        ]
    }
}

/// The failure modes that a slot's release may name, the slot's own first, then stricter ones.
pub fn allowed_failures(slot: Slot) -> &'static [Failure] {
    match slot {
        Slot::Override => &[Failure::NoOverride],
        Slot::Voting => &[Failure::AbortTally],
        Slot::Sla => &[Failure::LastGood],
        Slot::Consent | Slot::Ethics => &[Failure::Closed],
        Slot::Quota => &[Failure::LastGoodElseClosed, Failure::Closed],
        Slot::Scorer => &[Failure::LastGoodElseFirstFit, Failure::LastGoodElseClosed],
        Slot::Reward => &[Failure::HoldEscrow],
        Slot::Reputation => &[Failure::KeepLast],
        Slot::Carbon => &[Failure::Unknown],
        Slot::Demand => &[Failure::KeepSeeding],
    }
}

/// The word for a failure mode, as the record has it.
pub fn failure_word(mode: Failure) -> &'static str {
    match mode {
        Failure::NoOverride => "no-override",
        Failure::AbortTally => "abort-tally",
        Failure::LastGood => "last-good",
        Failure::LastGoodElseClosed => "last-good-else-closed",
        Failure::LastGoodElseFirstFit => "last-good-else-first-fit",
        Failure::Closed => "closed",
        Failure::HoldEscrow => "hold-escrow",
        Failure::KeepLast => "keep-last",
        Failure::Unknown => "unknown",
        Failure::KeepSeeding => "keep-seeding",
    }
}
