//! Whom a home trusts: the rules of `trust.toml`, and what they say of one release.
//!
//! A release is trusted when the binary brought it, when this home's owner signed it, or when a rule for its name and
//! target has all the signatures that it demands. There is no permission by omission: a rule names its names, its
//! targets and at least one signature, and an empty file trusts nobody else.
//!
//! - Thresholds count distinct keys. A key and those that took its place by rotation are one.
//! - A key that was revoked, or gave its place to another, counts only for releases that this home saw before it saw
//!   that. What a release says of its own age is never looked at: a thief can write any date.
//! - What a home saw of a release is its record and its publisher's signature. Anybody else's could have been added
//!   since, so one by a key that was revoked never counts.
//! - A release whose publisher's own signature no longer counts is trusted by no rule, whoever else signed.
//!
//! What it doesn't do: it reads no file and no database; [`Known`] is what the caller found there.

mod file;

pub use file::TrustError;

use crate::envelope::{Opened, Role};
use crate::kind::Kind;
use crate::limits::ROTATIONS;
use std::collections::BTreeSet;
use std::fmt;
use weft_model::{Cid, Did, Instant, Slot};

/// The rules of a `trust.toml`, in its order.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    document: toml_edit::DocumentMut,
    rules: Vec<Rule>,
}

/// Names that a rule is for: one name, or all with the beginning before a trailing `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(String);

/// What a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Policies of a slot.
    Slot(Slot),
    /// Workloads.
    Workload,
    /// Skills.
    Skill,
    /// Everything.
    Any,
}

/// A key that a rule lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As what it must sign.
    pub role: Role,
    /// The key.
    pub key: Did,
    /// Whose it is, for a person.
    pub comment: Option<String>,
}

/// A choice of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyOf {
    /// How many distinct ones must sign: 1 to the number of keys.
    pub minimum: usize,
    /// Among these.
    pub keys: Vec<Listed>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For releases of these names; never empty.
    pub names: Vec<NamePattern>,
    /// That serve these; never empty.
    pub targets: Vec<Target>,
    /// All of these must have signed.
    pub all_of: Vec<Listed>,
    /// And so many of these.
    pub any_of: Option<AnyOf>,
    /// Keys that may say, as `security`, that a release should not wait. They trust nothing by themselves.
    pub security: Vec<Listed>,
    /// What it is for, for a person.
    pub comment: Option<String>,
}

/// A key in another one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    /// The new key.
    pub key: Did,
    /// When this home learned of it.
    pub seen_at: Instant,
}

/// What a home knows that a verdict depends on.
pub struct Known<'a> {
    /// When this home learned that a key was revoked; none: it was not.
    pub revoked: &'a dyn Fn(&Did) -> Option<Instant>,
    /// The key that took another one's place; none: no rotation is known.
    pub rotated: &'a dyn Fn(&Did) -> Option<Successor>,
    /// When this home first saw the release, as its own records have it; none: only now.
    pub first_seen: Option<Instant>,
    /// The *release* CIDs that the binary holds. A component's CID is not enough: another record around the same
    /// bytes could read other features or ask for other limits.
    pub bundled: &'a [Cid],
    /// The key of this home's owner.
    pub owner: Did,
}

/// What the rules say of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be installed.
    Trusted {
        /// By what, for a person.
        by: String,
        /// The rule's place in the file, from 1; none: not by a rule.
        rule: Option<usize>,
    },
    /// It may not.
    Refused(Refusal),
}

/// Why a release is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who signed, as what, and why that does not count where it doesn't.
    pub found: Vec<Found>,
    /// What each rule for this name and target wants and lacks; empty: there is no such rule.
    pub rules: Vec<Lack>,
}

/// A signature that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As what.
    pub role: Role,
    /// Whose.
    pub key: Did,
    /// Why it does not count; none: it does.
    pub void: Option<&'static str>,
}

/// What a rule lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The rule's place in the file, from 1.
    pub rule: usize,
    /// What it lacks, in one line.
    pub lacks: String,
}

impl Verdict {
    /// Whether it may be installed.
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted { .. })
    }
}

impl Refusal {
    /// Who signed, as what, and why that does not count where it doesn't.
    pub fn signed_by(&self) -> String {
        let signer = |found: &Found| match found.void {
            Some(why) => format!("{} `{}` ({why})", found.role, found.key),
            None => format!("{} `{}`", found.role, found.key),
        };
        if self.found.is_empty() {
            return "signed by nobody".to_owned();
        }
        let signers: Vec<String> = self.found.iter().map(signer).collect();
        format!("signed by {}", signers.join(", "))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signed_by())?;
        if self.rules.is_empty() {
            return f.write_str("; no rule of trust.toml is for this name and target");
        }
        for lack in &self.rules {
            write!(f, "; {lack}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} lacks {}", self.rule, self.lacks)
    }
}

impl Trust {
    /// The rules, in the file's order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What the rules say of a release whose signatures hold ([`crate::Envelope::verify`]).
    pub fn judge(&self, opened: &Opened, known: &Known<'_>) -> Verdict {
        if known.bundled.contains(&opened.cid) {
            return Verdict::Trusted {
                by: "it came with this program".to_owned(),
                rule: None,
            };
        }
        let signers = Signers::new(opened, known);
        let by_owner = [Role::Owner, Role::Author].into_iter().any(|role| {
            signers
                .counting()
                .any(|(r, key)| r == role && known.identity(&key) == known.identity(&known.owner))
        });
        if by_owner {
            return Verdict::Trusted {
                by: "this home's owner signed it".to_owned(),
                rule: None,
            };
        }
        let mut lacks = Vec::new();
        for (i, rule) in self.rules.iter().enumerate() {
            if !rule.is_for(opened) {
                continue;
            }
            match rule.lacks(&signers) {
                None => {
                    return Verdict::Trusted {
                        by: format!("rule {}: {rule}", i + 1),
                        rule: Some(i + 1),
                    };
                }
                Some(lack) => lacks.push(Lack {
                    rule: i + 1,
                    lacks: lack,
                }),
            }
        }
        Verdict::Refused(Refusal {
            found: signers.found,
            rules: lacks,
        })
    }

    /// The key that says that a release closes a hole and should not wait, if a rule that trusts the release lists
    /// it for that and it is none of the authors'.
    pub fn vouches_security(&self, opened: &Opened, known: &Known<'_>) -> Option<Did> {
        let signers = Signers::new(opened, known);
        let authors: BTreeSet<Did> = opened
            .signers
            .iter()
            .filter(|(role, _)| *role == Role::Author)
            .map(|(_, key)| known.identity(key))
            .chain([known.identity(&opened.release.publisher)])
            .collect();
        self.rules
            .iter()
            .filter(|rule| rule.is_for(opened) && rule.lacks(&signers).is_none())
            .flat_map(|rule| &rule.security)
            .filter_map(|listed| signers.counts(listed))
            .find(|key| !authors.contains(&known.identity(key)))
    }
}

/// The signatures of one release, and which of them count.
struct Signers<'a> {
    found: Vec<Found>,
    publisher: Did,
    known: &'a Known<'a>,
}

impl<'a> Signers<'a> {
    fn new(opened: &Opened, known: &'a Known<'a>) -> Self {
        let found = opened.signers.iter().map(|(role, key)| Found {
            role: *role,
            key: *key,
            void: known.void(
                key,
                (*role, *key) == (Role::Author, opened.release.publisher),
            ),
        });
        Self {
            found: found.collect(),
            publisher: opened.release.publisher,
            known,
        }
    }

    fn counting(&self) -> impl Iterator<Item = (Role, Did)> {
        let counts = self.found.iter().filter(|f| f.void.is_none());
        counts.map(|f| (f.role, f.key))
    }

    /// The signer that stands for a listed key: the key itself, or one that took its place.
    fn counts(&self, listed: &Listed) -> Option<Did> {
        let heirs = self.known.heirs(&listed.key);
        self.counting()
            .find(|(role, key)| *role == listed.role && heirs.contains(key))
            .map(|(_, key)| key)
    }

    fn publisher_counts(&self) -> bool {
        self.counting()
            .any(|signer| signer == (Role::Author, self.publisher))
    }
}

impl Known<'_> {
    /// Why a key's signature does not count for this release. `seen`: whether it is the publisher's, which was there
    /// when the release was first seen.
    fn void(&self, key: &Did, seen: bool) -> Option<&'static str> {
        // Instants come from tables in whole seconds: what was seen in the same second counts as seen later.
        let later = |at: Instant| self.first_seen.is_none_or(|seen| seen >= at);
        match (self.revoked)(key) {
            Some(_) if !seen => return Some("revoked; it may have signed since"),
            Some(at) if later(at) => {
                return Some("revoked before this release was first seen here");
            }
            _ => {}
        }
        match self.successor(key) {
            Some(new) if later(new.seen_at) => {
                Some("replaced by another key before this release was first seen here")
            }
            _ => None,
        }
    }

    /// The key in this one's place; a rotation that was seen after the old key's revocation gives nothing away.
    fn successor(&self, key: &Did) -> Option<Successor> {
        let new = (self.rotated)(key)?;
        match (self.revoked)(key) {
            Some(at) if at <= new.seen_at => None,
            _ => Some(new),
        }
    }

    /// A key and those that took its place, one after the other.
    fn heirs(&self, key: &Did) -> Vec<Did> {
        let mut out = vec![*key];
        while let Some(new) = out.last().and_then(|last| self.successor(last)) {
            if out.contains(&new.key) || out.len() > ROTATIONS {
                break;
            }
            out.push(new.key);
        }
        out
    }

    /// The key that is in this one's place now: equal for all that are one.
    fn identity(&self, key: &Did) -> Did {
        self.heirs(key).pop().unwrap_or(*key)
    }
}

impl Rule {
    /// Whether it is for this release's name and target.
    fn is_for(&self, opened: &Opened) -> bool {
        let release = &opened.release;
        let Ok(kind) = release.kind() else {
            return false;
        };
        self.names.iter().any(|n| n.matches(&release.name))
            && self.targets.iter().any(|t| t.covers(kind))
    }

    /// What it lacks; none: it trusts the release.
    fn lacks(&self, signers: &Signers<'_>) -> Option<String> {
        if !signers.publisher_counts() {
            return Some(format!(
                "a signature of the publisher `{}` that counts",
                signers.publisher
            ));
        }
        let known = signers.known;
        let mut lacks: Vec<String> = Vec::new();
        let mut used = BTreeSet::new();
        for listed in &self.all_of {
            match signers.counts(listed) {
                Some(key) if used.insert(known.identity(&key)) => {}
                Some(_) => lacks.push(format!("a key of its own for {listed}")),
                None => lacks.push(listed.to_string()),
            }
        }
        if let Some(any) = &self.any_of {
            let distinct: BTreeSet<Did> = any
                .keys
                .iter()
                .filter_map(|listed| signers.counts(listed))
                .map(|key| known.identity(&key))
                .filter(|identity| !used.contains(identity))
                .collect();
            if distinct.len() < any.minimum {
                let keys: Vec<String> = any.keys.iter().map(ToString::to_string).collect();
                lacks.push(format!(
                    "{} more of {}",
                    any.minimum - distinct.len(),
                    keys.join(" or ")
                ));
            }
        }
        (!lacks.is_empty()).then(|| lacks.join(" and "))
    }
}

impl NamePattern {
    /// Whether it is for this name.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => self.0 == name,
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Target {
    fn covers(self, kind: Kind) -> bool {
        let same = match kind {
            Kind::Policy(slot) => Self::Slot(slot),
            Kind::Workload => Self::Workload,
            Kind::Skill => Self::Skill,
        };
        self == Self::Any || self == same
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(slot) => f.write_str(slot.name()),
            Self::Workload => f.write_str("workload"),
            Self::Skill => f.write_str("skill"),
            Self::Any => f.write_str("*"),
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.role, self.key)?;
        match &self.comment {
            Some(comment) => write!(f, " ({comment})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn join<T: fmt::Display>(items: &[T], between: &str) -> String {
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            items.join(between)
        }
        let (names, targets) = (join(&self.names, ", "), join(&self.targets, ", "));
        write!(
            f,
            "{names} for {targets} by {}",
            join(&self.all_of, " and ")
        )?;
        if let Some(any) = &self.any_of {
            let and = if self.all_of.is_empty() { "" } else { " and " };
            let keys = join(&any.keys, ", ");
            write!(f, "{and}{} of [{keys}]", any.minimum)?;
        }
        if !self.security.is_empty() {
            write!(f, ", not waiting on {}", join(&self.security, " or "))?;
        }
        Ok(())
    }
}
