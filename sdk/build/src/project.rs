//! New projects: a template, the SDK and the contracts, so that the result builds outside of any other repository.
//!
//! Layout: the project's own files, and beside them `weft/sdk/rust` and `weft/wit` in the places that the SDK
//! expects. It does not ask which SDK is newest: a project has the one of the `weft` that made it.

use crate::error::BuildError;
use crate::limits::NAME_BYTES;
use crate::manifest::{Kind, SLOTS};
use include_dir::{Dir, include_dir};
use std::path::{Path, PathBuf};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../templates");
/// The sources alone: a target folder beside them must not get in.
static SDK_SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../rust/src");
static SDK_MANIFEST: &str = include_str!("../../rust/Cargo.toml");
static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");
/// Cargo keeps the versions that a project needs and drops the rest, so that a new project starts with what was tested.
static LOCK: &str = include_str!("../../../Cargo.lock");

/// The template folder with the files that all projects have.
const COMMON: &str = "common";
/// The template folder of workloads.
const WORKLOAD: &str = "workload";
/// A template file whose name must not mean anything to cargo or git where it lies ends so.
const INERT_SUFFIX: &str = ".in";

/// Rust's reserved words and the names that cargo keeps for itself; a crate can't be called so.
const RESERVED: [&str; 64] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "weft-sdk",
    "wasm",
    "weft",
    "where",
    "while",
    "yield",
    "macro-rules",
];

/// Writes the project of a policy for `slot` into `dir`, which must not exist or be empty.
///
/// # Errors
/// When the slot or the name is not one, the folder is in use, or a file can't be written.
pub fn new_plugin(dir: &Path, slot: &str, name: &str) -> Result<(), BuildError> {
    if !SLOTS.iter().any(|(known, _)| *known == slot) {
        return Err(BuildError::BadSlot { slot: slot.into() });
    }
    let kind = Kind::Policy { slot: slot.into() };
    write_project(dir, slot, name, &kind)
}

/// Writes the project of a workload into `dir`, which must not exist or be empty.
///
/// # Errors
/// When the name is none, the folder is in use, or a file can't be written.
pub fn new_workload(dir: &Path, name: &str) -> Result<(), BuildError> {
    let kind = Kind::Workload {
        world: WORKLOAD.into(),
    };
    write_project(dir, WORKLOAD, name, &kind)
}

fn write_project(dir: &Path, template: &str, name: &str, kind: &Kind) -> Result<(), BuildError> {
    check_name(name)?;
    check_empty(dir)?;
    let (metadata, description) = match kind {
        Kind::Policy { slot } => (
            format!("slot = \"{slot}\""),
            format!("A policy for the {slot} slot"),
        ),
        Kind::Workload { world } => (
            format!("world = \"{world}\""),
            "A workload for Weft".to_owned(),
        ),
    };
    let about = text_of(&format!("{template}/README.md"));
    let places = [
        ("{{about}}", about.trim_end()),
        ("{{name}}", name),
        ("{{metadata}}", &metadata),
        ("{{description}}", &description),
    ];
    // The template first: the common README takes the place of the template's, which it contains.
    for folder in [template, COMMON] {
        let folder = TEMPLATES
            .get_dir(folder)
            .unwrap_or_else(|| panic!("there is a template for `{folder}`; a test makes each"));
        for (path, bytes) in files(folder) {
            let text = std::str::from_utf8(bytes).expect("templates are text");
            let text = places.iter().fold(text.to_owned(), |text, (place, value)| {
                text.replace(place, value)
            });
            let path = place_of(&path).replace("{{name}}", name);
            write(&dir.join(path), text.as_bytes())?;
        }
    }
    let vendored = dir.join("weft");
    write(
        &vendored.join("sdk/rust/Cargo.toml"),
        SDK_MANIFEST.as_bytes(),
    )?;
    for (path, bytes) in files(&SDK_SOURCES) {
        write(&vendored.join("sdk/rust/src").join(path), bytes)?;
    }
    for (path, bytes) in files(&WIT) {
        write(&vendored.join("wit").join(path), bytes)?;
    }
    write(&dir.join("Cargo.lock"), LOCK.as_bytes())
}

fn text_of(path: &str) -> &'static str {
    TEMPLATES
        .get_file(path)
        .and_then(include_dir::File::contents_utf8)
        .unwrap_or_else(|| panic!("there is a template file `{path}`; a test makes each"))
}

/// All files below a folder, by their path in it.
fn files(dir: &Dir<'static>) -> Vec<(PathBuf, &'static [u8])> {
    fn collect(dir: &Dir<'static>, root: &Path, into: &mut Vec<(PathBuf, &'static [u8])>) {
        for file in dir.files() {
            let path = file.path().strip_prefix(root).unwrap_or(file.path());
            into.push((path.to_owned(), file.contents()));
        }
        for dir in dir.dirs() {
            collect(dir, root, into);
        }
    }
    let mut all = Vec::new();
    collect(dir, dir.path(), &mut all);
    all
}

/// Where a template's file goes.
fn place_of(path: &Path) -> String {
    let path = path.to_string_lossy();
    match path.strip_suffix(INERT_SUFFIX) {
        Some("gitignore") => ".gitignore".into(),
        Some(name) => name.into(),
        None => path.into_owned(),
    }
}

fn check_name(name: &str) -> Result<(), BuildError> {
    let fits = name.len() <= NAME_BYTES
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
        && !RESERVED.contains(&name);
    if fits {
        Ok(())
    } else {
        Err(BuildError::BadName { name: name.into() })
    }
}

fn check_empty(dir: &Path) -> Result<(), BuildError> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(BuildError::NotEmpty { path: dir.into() }),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(BuildError::io("list", dir)(e)),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(BuildError::io("create", parent))?;
    }
    std::fs::write(path, bytes).map_err(BuildError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "scorer-greenest", "v2", "a-1"] {
            check_name(good).unwrap_or_else(|e| panic!("{e}"));
        }
        let long = "a".repeat(NAME_BYTES + 1);
        for bad in [
            "", "-a", "a-", "a--b", "A", "1a", "a_b", "a b", "../a", "ü", "fn", "test", &long,
        ] {
            assert!(check_name(bad).is_err(), "`{bad}` was taken");
        }
    }

    #[test]
    fn every_slot_has_a_whole_template() {
        let templates = SLOTS.map(|(slot, _)| slot);
        for template in templates.into_iter().chain([WORKLOAD]) {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let made = match template {
                WORKLOAD => new_workload(dir.path(), "try-me"),
                slot => new_plugin(dir.path(), slot, "try-me"),
            };
            made.unwrap_or_else(|e| panic!("{template}: {e}"));
            for file in [
                "Cargo.toml",
                ".gitignore",
                "README.md",
                "src/lib.rs",
                "weft/wit/features.md",
            ] {
                let text = std::fs::read_to_string(dir.path().join(file));
                let text = text.unwrap_or_else(|e| panic!("{template}: {file}: {e}"));
                for place in ["{{name}}", "{{about}}", "{{metadata}}", "{{description}}"] {
                    assert!(
                        !text.contains(place),
                        "{template}: {file} still holds {place}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_folder_in_use_is_left_alone() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("mine"), "kept").expect("a file");
        let refused = new_plugin(dir.path(), "scorer", "try-me");
        assert!(
            matches!(refused, Err(BuildError::NotEmpty { .. })),
            "{refused:?}"
        );
        assert_eq!(std::fs::read_dir(dir.path()).expect("a list").count(), 1);
    }

    #[test]
    fn an_unknown_slot_is_named_with_those_there_are() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let refused =
            new_plugin(&dir.path().join("x"), "weather", "try-me").expect_err("no such slot");
        let text = refused.to_string();
        assert!(
            text.contains("weather") && text.contains("override, voting"),
            "{text}"
        );
        assert!(!dir.path().join("x").exists());
    }
}
