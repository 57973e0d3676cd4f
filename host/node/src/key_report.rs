//! What the node tells of keys and of whom it trusts.

use serde::{Deserialize, Serialize};

/// A key of this home, or a key that it knows something about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyReport {
    /// Its name here; empty: another's key.
    pub name: String,
    /// `device`, `owner`, `member`, `publisher`, or `foreign` for another's.
    pub purpose: String,
    /// Its public half; none when its file can't be read.
    pub did: Option<String>,
    /// That, short enough for people to compare.
    pub fingerprint: Option<String>,
    /// Whether a passphrase opens it.
    pub encrypted: bool,
    /// `in use`, `replaced`, `revoked` or `unreadable`.
    pub state: String,
    /// The key in its place.
    pub replaced_by: Option<String>,
    /// When this home learned that it does not count any more.
    pub ended_at: Option<String>,
    /// Why it was revoked, or can't be read.
    pub reason: Option<String>,
    /// Whether a statement of its own about that is kept, to be given to others.
    pub statement: bool,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFileReport {
    /// The key.
    pub key: String,
    /// What of it: `public`, `secret`, `rotation` or `revocation`.
    pub what: String,
    /// The file.
    pub path: String,
}

/// The rules of `trust.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustReport {
    /// The file.
    pub path: String,
    /// Its rules, in its order.
    pub rules: Vec<TrustRuleReport>,
    /// The key of this home's owner, trusted without a rule.
    pub owner: String,
    /// Releases that came with this program, trusted without a rule.
    pub bundled: u64,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRuleReport {
    /// Its place, from 1.
    pub place: u64,
    /// For which names.
    pub names: Vec<String>,
    /// For which slots and kinds.
    pub targets: Vec<String>,
    /// Keys that must all have signed.
    pub all_of: Vec<TrustKeyReport>,
    /// How many of `any_of` must have; 0: there is no such choice.
    pub minimum: u64,
    /// The choice.
    pub any_of: Vec<TrustKeyReport>,
    /// Keys that may say that a release should not wait.
    pub security: Vec<TrustKeyReport>,
    /// What it is for.
    pub comment: Option<String>,
}

/// A key that a rule lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustKeyReport {
    /// As what it must sign.
    pub role: String,
    /// The key.
    pub key: String,
    /// That, short enough for people to compare.
    pub fingerprint: String,
    /// Whose it is.
    pub comment: Option<String>,
}

/// Whether a release is trusted, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustTestReport {
    /// The release.
    pub release: String,
    /// Its name.
    pub name: String,
    /// Its publisher.
    pub publisher: String,
    /// That, short enough for people to compare.
    pub fingerprint: String,
    /// Whether it may be installed.
    pub trusted: bool,
    /// By what; or what was found.
    pub because: String,
    /// What each rule for its name and target lacks.
    pub lacks: Vec<String>,
    /// The key that says that it closes a hole and should not wait.
    pub security: Option<String>,
    /// Names that it could be taken for.
    pub warnings: Vec<String>,
}
