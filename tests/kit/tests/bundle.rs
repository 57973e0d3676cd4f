//! The committed bundle holds together, and was built from the sources that lie beside it.

use std::path::PathBuf;
use weft_build::bundle::{COMPONENTS_DIR, Lock, name_of, stale};
use weft_bundle::COMPONENTS;
use weft_kit::workspace;

fn bundle() -> PathBuf {
    workspace().join("plugins/bundle")
}

#[test]
fn the_table_names_what_the_lock_names() {
    let lock = Lock::read(&bundle()).unwrap_or_else(|e| panic!("{e}"));
    let mut table: Vec<_> = COMPONENTS
        .iter()
        .map(|c| {
            let kind = c.slot.unwrap_or("workload").to_owned();
            (c.name.to_owned(), kind, name_of(c.bytes))
        })
        .collect();
    table.sort();
    let locked: Vec<_> = lock
        .components
        .into_iter()
        .map(|c| (c.name, c.kind, c.cid))
        .collect();
    assert_eq!(table, locked, "`src/lib.rs` and `bundle.lock` disagree");
}

#[test]
fn every_component_says_what_it_is() {
    for component in COMPONENTS {
        let descriptor = weft_build::read_descriptor(component.bytes)
            .unwrap_or_else(|e| panic!("{}: {e}", component.name))
            .unwrap_or_else(|| panic!("{} has no descriptor", component.name));
        assert_eq!(descriptor.name, component.name);
        assert_eq!(descriptor.slot.as_deref(), component.slot);
        assert!(!descriptor.description.is_empty(), "{}", component.name);
        if component.slot.is_some() {
            assert!(!descriptor.vectors.is_empty(), "{}", component.name);
            assert!(descriptor.config_schema.is_object(), "{}", component.name);
        }
    }
}

#[test]
fn no_file_is_left_over() {
    let files =
        std::fs::read_dir(bundle().join(COMPONENTS_DIR)).expect("the folder of the components");
    assert_eq!(files.count(), COMPONENTS.len());
}

#[test]
fn sources_and_lock_agree() {
    let differences = stale(workspace(), &bundle()).unwrap_or_else(|e| panic!("{e}"));
    assert!(
        differences.is_empty(),
        "run `weft plugin bundle` and commit what it writes:\n{differences:#?}"
    );
}
