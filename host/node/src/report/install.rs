//! Reports on what is installed, pinned, waiting, out of date or out of service.

use serde::{Deserialize, Serialize};

/// One install, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InstallReport {
    /// The release's CID.
    pub release: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its revision.
    pub revision: u64,
    /// `policy`, `workload` or `skill`.
    pub kind: String,
    /// The publisher's DID.
    pub publisher: String,
    /// A short form of the publisher's key, for people to compare.
    pub fingerprint: String,
    /// What it serves or is to serve: a slot, `workload/NAME` or `skill/NAME`. None: nothing yet.
    pub target: Option<String>,
    /// fetched, verified, compiled, tested, waiting, cooling, done or refused.
    pub state: String,
    /// Why it is there, and what to do.
    pub reason: Option<String>,
    /// What it wants more than what serves.
    pub growth: Vec<String>,
    /// What changes against what serves, a line per field.
    pub changes: Vec<String>,
    /// What a person should look at: a name like another, a stale source.
    pub warnings: Vec<String>,
    /// It does not serve before, in RFC 3339.
    pub not_before: Option<String>,
    /// Who wants it: `person`, or `update`.
    pub cause: String,
    /// Why it is trusted.
    pub trusted_by: Option<String>,
    /// Where its bytes came from.
    pub source: Option<String>,
}

/// A pinned target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PinReport {
    /// A slot, `workload/NAME` or `skill/NAME`.
    pub target: String,
    /// What it stays at.
    pub release: String,
    /// That release's name.
    pub name: String,
    /// Who pinned it.
    pub by: String,
    /// When, in RFC 3339.
    pub at: String,
}

/// What serves, beside the newest that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutdatedReport {
    /// One line per target.
    pub targets: Vec<OutdatedLine>,
    /// What was wrong with the source.
    pub warnings: Vec<String>,
}

/// One target beside the newest that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutdatedLine {
    /// A slot, `workload/NAME` or `skill/NAME`.
    pub target: String,
    /// The release's name.
    pub name: String,
    /// The release that serves.
    pub release: String,
    /// Its revision.
    pub revision: u64,
    /// The newest revision that its publisher signed, as far as is known.
    pub newest: Option<u64>,
    /// That release.
    pub newest_release: Option<String>,
    /// When that was last heard from a source, in RFC 3339.
    pub checked: Option<String>,
    /// `current`, `behind`, `stale` (nothing was heard for long, or the head expired), `unverified` (no head is known)
    /// or `bundled` (it comes with the program).
    pub state: String,
    /// Whether it is pinned: then it stays.
    pub pinned: bool,
}

/// A release out of service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuarantineReport {
    /// The release.
    pub release: String,
    /// Its name.
    pub name: String,
    /// What it did.
    pub reason: String,
    /// Since when, in RFC 3339.
    pub at: String,
}

/// Releases in an envelope, file or source, checked without being installed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PackageReport {
    /// The release's CID.
    pub release: String,
    /// Its fields, as name and value.
    pub fields: Vec<(String, String)>,
    /// Who signed: role and DID.
    pub signatures: Vec<(String, String)>,
    /// Whether this home would trust it.
    pub trusted: bool,
    /// By what, or what is lacking.
    pub trust: String,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// The file that was written or read.
    pub file: Option<String>,
    /// Bytes of that file.
    pub bytes: Option<u64>,
    /// What outsiders may fetch of it from now on: the CIDs of its record, its envelope, its component and the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public: Vec<String>,
}
