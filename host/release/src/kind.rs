//! What a release is, read from its world.

use semver::Version;
use std::fmt;
use weft_model::Slot;

/// What a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plugin of this slot.
    Policy(Slot),
    /// A piece of work.
    Workload,
    /// A LoRA adapter for a base model. It runs nothing by itself.
    Skill,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(slot) => write!(f, "policy ({slot})"),
            Self::Workload => f.write_str("workload"),
            Self::Skill => f.write_str("skill"),
        }
    }
}

/// A world that no release can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is no world of this host; a policy has its slot's, such as `{}`, a workload \
     `weft:workload/workload@0.1.0`, a skill `{SKILL_WORLD}`",
    Slot::Scorer.world()
)]
pub struct WorldError {
    found: String,
}

/// What a skill's record has as its world: its payload is a LoRA adapter as PEFT writes it, in safetensors.
pub const SKILL_WORLD: &str = "weft:skill/lora@0.1.0";

/// The packages of workloads' worlds.
const WORKLOADS: [&str; 4] = ["workload", "embeddings", "ocr", "chat"];

/// `weft:<package>/<world>@<version>`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// The package without its namespace, such as `scorer`.
    pub package: String,
    /// The world or interface, such as `scorer`.
    pub name: String,
    /// The package's version.
    pub version: Version,
}

impl World {
    /// Reads a name such as `weft:scorer/scorer@0.1.0`. Only the namespace `weft` is known.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, version) = text.strip_prefix("weft:")?.split_once('@')?;
        let (package, name) = path.split_once('/')?;
        crate::text::check_name(package).ok()?;
        crate::text::check_name(name).ok()?;
        Some(Self {
            package: package.to_owned(),
            name: name.to_owned(),
            version: Version::parse(version).ok()?,
        })
    }
}

impl Kind {
    /// The kind in one word: `policy`, `workload` or `skill`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Policy(_) => "policy",
            Self::Workload => "workload",
            Self::Skill => "skill",
        }
    }

    /// The kind of release that a world makes. Any version is taken; whether the engine can link it is the
    /// engine's to say.
    ///
    /// # Errors
    /// When it is none of a slot's world, a workload's, and a skill's.
    pub fn of_world(world: &str) -> Result<Self, WorldError> {
        let bad = || WorldError {
            found: crate::text::shown(world, 120),
        };
        let parsed = World::parse(world).ok_or_else(bad)?;
        if WORKLOADS.contains(&parsed.package.as_str()) {
            return Ok(Self::Workload);
        }
        if parsed.package == "skill" && parsed.name == "lora" {
            return Ok(Self::Skill);
        }
        Slot::ALL
            .into_iter()
            .find(|s| s.package() == parsed.package && s.package() == parsed.name)
            .map(Self::Policy)
            .ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slots_own_world_names_the_slot() {
        for slot in Slot::ALL {
            assert_eq!(Kind::of_world(&slot.world()), Ok(Kind::Policy(slot)));
        }
        assert_eq!(
            Kind::of_world("weft:workload/embeddings@0.2.0"),
            Ok(Kind::Workload)
        );
        assert_eq!(
            Kind::of_world("weft:embeddings/embeddings@0.1.0"),
            Ok(Kind::Workload)
        );
        assert_eq!(Kind::of_world(SKILL_WORLD), Ok(Kind::Skill));
    }

    #[test]
    fn other_worlds_are_refused() {
        for world in [
            "",
            "weft:scorer",
            "weft:scorer/scorer",
            "weft:scorer/scorer@1",
            "weft:scorer/voting@0.1.0",
            "weft:override/override@0.1.0",
            "weft:nothing/nothing@0.1.0",
            "other:scorer/scorer@0.1.0",
            "wasi:cli/command@0.2.0",
            "weft:scorer/scorer@0.1.0\u{1b}[2J",
        ] {
            let error = Kind::of_world(world).unwrap_err().to_string();
            assert!(!error.contains('\u{1b}'), "{error:?}");
        }
    }
}
