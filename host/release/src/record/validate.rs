//! The rule of each field of a release.

use super::{Limits, Problem, RecordError, Release, allowed_failures, failure_word};
use crate::kind::{Kind, World};
use crate::limits::{
    DESCRIPTION_BYTES, FEATURES, IMPORTS, MAX_INTEGER, MODEL_BYTES, MODELS, SKILL_BYTES,
    TEXT_BYTES, WORLD_BYTES,
};
use crate::text::{self, TextError};
use std::collections::BTreeSet;
use weft_model::{Cid, content, features, limits as host};

impl Release {
    /// Checks every field against its rule.
    ///
    /// # Errors
    /// The first that breaks one, with what was found and what is allowed.
    pub fn validate(&self) -> Result<(), RecordError> {
        let kind = in_field("world", || {
            text::check(&self.world, 1, WORLD_BYTES)?;
            Ok(self.kind()?)
        })?;
        in_field("name", || Ok(text::check_name(&self.name)?))?;
        in_field("version", || {
            Ok(text::check(&self.version.to_string(), 1, TEXT_BYTES)?)
        })?;
        in_field("revision", || integer(self.revision, 1, MAX_INTEGER))?;
        in_field("component", || {
            file(&self.component.cid)?;
            let most = match kind {
                Kind::Policy(_) | Kind::Workload => host::COMPONENT_BYTES,
                Kind::Skill => SKILL_BYTES,
            };
            integer(self.component.size, 1, most)
        })?;
        in_field("imports", || self.check_imports(kind))?;
        in_field("features", || self.check_features(kind))?;
        in_field("limits", || self.limits.check(kind))?;
        in_field("failure", || self.check_failure(kind))?;
        in_field("config_schema", || match &self.config_schema {
            Some(_) if kind == Kind::Skill => Err(value("one", "none for a skill")),
            Some(schema) => Ok(crate::config::check_schema(schema)?),
            None => Ok(()),
        })?;
        in_field("models", || self.check_models(kind))?;
        in_field("vectors", || self.vectors.iter().try_for_each(record_link))?;
        in_field("supersedes", || {
            self.supersedes.iter().try_for_each(record_link)
        })?;
        in_field("expires", || match self.expires {
            Some(end) if end <= self.created => Err(value(end, "an instant after `created`")),
            _ => Ok(()),
        })?;
        in_field("description", || {
            Ok(text::check(&self.description, 0, DESCRIPTION_BYTES)?)
        })?;
        for (field, text) in [
            ("source", &self.source),
            ("license", &self.license),
            ("domain", &self.domain),
        ] {
            if let Some(text) = text {
                in_field(field, || Ok(text::check(text, 1, TEXT_BYTES)?))?;
            }
        }
        in_field("effectiveness", || match self.effectiveness {
            Some(e) if !(0.0..=1.0).contains(&e.value) => Err(value(e.value, "0 to 1")),
            _ => Ok(()),
        })
    }

    fn check_imports(&self, kind: Kind) -> Result<(), Problem> {
        count(self.imports.len(), IMPORTS)?;
        if kind == Kind::Skill && !self.imports.is_empty() {
            return Err(value("an import", "none for a skill: it is data"));
        }
        for import in &self.imports {
            text::check(import, 1, WORLD_BYTES)?;
            if matches!(kind, Kind::Policy(_)) && !is_types_only(import) {
                return Err(value(
                    format!("`{}`", text::shown(import, 80)),
                    "`weft:model/types`: a policy has no functions to call",
                ));
            }
        }
        if !self.imports.windows(2).all(|w| w[0] < w[1]) {
            return Err(value(
                "a list out of order or with repeats",
                "a sorted list",
            ));
        }
        Ok(())
    }

    fn check_features(&self, kind: Kind) -> Result<(), Problem> {
        count(self.features.len(), FEATURES)?;
        let mut seen = BTreeSet::new();
        for id in &self.features {
            let known = match kind {
                Kind::Policy(slot) => features::find(slot, id).is_some(),
                Kind::Workload | Kind::Skill => false,
            };
            if !known {
                return Err(value(
                    format!("`{}`", text::shown(id, 80)),
                    match kind {
                        Kind::Policy(slot) => {
                            format!("the features of the slot `{slot}` in wit/features.md")
                        }
                        kind => format!("none for a {kind}"),
                    },
                ));
            }
            if !seen.insert(id) {
                return Err(value(format!("`{id}` twice"), "each feature once"));
            }
        }
        Ok(())
    }

    fn check_failure(&self, kind: Kind) -> Result<(), Problem> {
        match (kind, self.failure) {
            (Kind::Workload | Kind::Skill, None) => Ok(()),
            (Kind::Workload | Kind::Skill, Some(_)) => {
                Err(value("one", format!("none for a {kind}")))
            }
            (Kind::Policy(slot), found) => {
                let allowed = allowed_failures(slot);
                match found {
                    Some(mode) if allowed.contains(&mode) => Ok(()),
                    found => Err(value(
                        found.map_or_else(
                            || "none".to_owned(),
                            |m| format!("`{}`", failure_word(m)),
                        ),
                        format!(
                            "{} for the slot `{slot}`",
                            allowed
                                .iter()
                                .map(|m| format!("`{}`", failure_word(*m)))
                                .collect::<Vec<_>>()
                                .join(" or ")
                        ),
                    )),
                }
            }
        }
    }

    fn check_models(&self, kind: Kind) -> Result<(), Problem> {
        if matches!(kind, Kind::Policy(_)) && !self.models.is_empty() {
            return Err(value("a model", "none for a policy"));
        }
        if kind == Kind::Skill && !self.models.iter().any(|m| m.name == "base") {
            return Err(value(
                "no model `base`",
                "the base model that the skill is for",
            ));
        }
        count(self.models.len(), MODELS)?;
        let mut seen = BTreeSet::new();
        for model in &self.models {
            let name = &model.name;
            text::check_name(&name.to_ascii_lowercase().replace(['.', '_'], "-"))
                .map_err(|_| TextError::Name(text::shown(name, 80)))?;
            if !seen.insert(name) {
                return Err(value(format!("`{name}` twice"), "each name once"));
            }
            file(&model.cid)?;
            integer(model.size, 1, MODEL_BYTES)?;
        }
        Ok(())
    }
}

impl Limits {
    fn check(&self, kind: Kind) -> Result<(), Problem> {
        let most = Self::most(kind).figures();
        for ((name, found), (_, max)) in self.figures().into_iter().zip(most) {
            if !(1..=max).contains(&found) {
                return Err(value(format!("{name} {found}"), format!("1 to {max}")));
            }
        }
        Ok(())
    }
}

/// Whether an import is an instance that holds types alone. The engine checks the binary; this checks the claim.
pub fn is_types_only(import: &str) -> bool {
    World::parse(import).is_some_and(|w| w.package == "model" && w.name == "types")
}

fn in_field<T>(
    field: &'static str,
    check: impl FnOnce() -> Result<T, Problem>,
) -> Result<T, RecordError> {
    check().map_err(|problem| RecordError { field, problem })
}

fn value(found: impl ToString, allowed: impl ToString) -> Problem {
    Problem::Value {
        found: found.to_string(),
        allowed: allowed.to_string(),
    }
}

fn integer(found: u64, min: u64, max: u64) -> Result<(), Problem> {
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(value(found, format!("{min} to {max}")))
    }
}

fn count(found: usize, max: usize) -> Result<(), Problem> {
    if found <= max {
        Ok(())
    } else {
        Err(value(format!("{found} entries"), format!("at most {max}")))
    }
}

/// A file's CID: one raw block or a UnixFS tree.
fn file(cid: &Cid) -> Result<(), Problem> {
    link(
        cid,
        &[content::RAW, content::DAG_PB],
        "a CIDv1 of a file (raw or UnixFS, sha2-256)",
    )
}

/// A structured record's CID.
fn record_link(cid: &Cid) -> Result<(), Problem> {
    link(
        cid,
        &[content::DAG_CBOR],
        "a CIDv1 of a record (DAG-CBOR, sha2-256)",
    )
}

fn link(cid: &Cid, codecs: &[u64], allowed: &str) -> Result<(), Problem> {
    if is_link(cid, codecs) {
        Ok(())
    } else {
        Err(value(format!("`{cid}`"), allowed))
    }
}

/// Whether a CID is a CIDv1 of one of these codecs under sha2-256.
pub(crate) fn is_link(cid: &Cid, codecs: &[u64]) -> bool {
    cid.version() == cid::Version::V1
        && codecs.contains(&cid.codec())
        && cid.hash().code() == content::SHA2_256
        && cid.hash().size() == content::DIGEST_BYTES
}
