//! What an update wants more, and how it reads.

mod common;

use common::{scorer, workload};
use weft_model::content;
use weft_model::slot::Failure;
use weft_release::{Model, Release, diff, growth};

fn wants(old: &Release, new: &Release) -> Vec<String> {
    growth(old, new).iter().map(ToString::to_string).collect()
}

#[test]
fn the_same_or_less_needs_no_consent() {
    let old = scorer();
    let mut new = scorer();
    new.revision = 1_001;
    new.limits.fuel -= 1;
    new.features.pop();
    new.imports.clear();
    new.failure = Some(Failure::LastGoodElseClosed);
    assert_eq!(wants(&old, &new), Vec::<String>::new());
}

#[test]
fn everything_more_is_listed() {
    let mut old = scorer();
    let mut new = scorer();
    new.revision = 1_002;
    old.imports.clear();
    new.features.push("offer.cost".into());
    old.limits.memory_bytes = 1_024;
    old.failure = Some(Failure::LastGoodElseClosed);
    assert_eq!(
        wants(&old, &new),
        [
            "jumps from revision 1 to 1002",
            "imports `weft:model/types@0.1.0`",
            "reads `offer.cost`",
            "wants memory_bytes 33554432 instead of 1024",
            "fails as `last-good-else-first-fit` instead of `last-good-else-closed`",
        ]
    );
    assert_eq!(
        wants(&scorer(), &workload())[0],
        "serves `weft:workload/workload@0.1.0` instead of `weft:scorer/scorer@0.1.0`"
    );
}

#[test]
fn another_file_under_the_same_name_is_a_new_model() {
    let model = |bytes: &[u8]| Model {
        name: "weights".into(),
        cid: content::raw_cid(bytes),
        size: 1,
    };
    let (mut old, mut new) = (workload(), workload());
    old.models = vec![model(b"a")];
    new.models = vec![model(b"a")];
    assert!(growth(&old, &new).is_empty());
    new.models = vec![model(b"b")];
    assert_eq!(wants(&old, &new), ["is given the model `weights`"]);
}

#[test]
fn a_difference_reads_line_by_line() {
    let old = scorer();
    let mut new = scorer();
    new.version = "0.2.0".parse().unwrap();
    new.features = vec!["energy.percent_clean".into(), "offer.cost".into()];
    new.config_schema = Some(
        r#"{"type":"object","properties":{"energy":{"type":"integer"},"x":{}},"additionalProperties":false}"#
            .into(),
    );
    new.license = None;
    assert_eq!(
        diff(&old, &new),
        [
            "~ version: 0.1.0 -> 0.2.0",
            "- features peer.online",
            r#"~ config.energy: {"type":"number"} -> {"type":"integer"}"#,
            "- license: MIT",
            "+ features offer.cost",
            "+ config.x: {}",
        ]
    );
    assert!(diff(&old, &old).is_empty());
}
