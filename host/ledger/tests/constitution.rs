//! Constitutions: defaults, versions, and plugins that don't go together.

mod common;

use common::cid;
use proptest::prelude::*;
use weft_ledger::constitution::ConstitutionError;
use weft_ledger::{Assignment, Constitution, MeshPolicy, Mode};
use weft_model::Slot;

fn plugin(name: &str, mode: Mode) -> Assignment {
    Assignment {
        mode,
        ..Assignment::enforce(cid(name))
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let mesh = MeshPolicy::default();
    assert_eq!(
        mesh.importance.options,
        ["critical", "high", "normal", "low", "non-critical"]
    );
    assert_eq!(
        (mesh.importance.voting, mesh.importance.window_ms),
        (true, 300_000)
    );
    assert_eq!(mesh.zone, "UTC");
    let votes = &mesh.policy_votes;
    assert_eq!(
        (
            votes.turnout_percent,
            votes.approve_above_percent,
            votes.loosen_percent,
            votes.loosen_delay_ms
        ),
        (60, 50, 66, 259_200_000)
    );
    let constitution = Constitution::default();
    let (bytes, cid) = constitution.encode().unwrap();
    assert_eq!(Constitution::decode(&bytes).unwrap(), constitution);
    assert_eq!(cid, weft_model::content::record_cid(&bytes));
}

#[test]
fn each_change_is_the_next_version() {
    let first = Constitution::default();
    let second = first
        .with_slot(Slot::Scorer, plugin("a", Mode::Enforce))
        .unwrap();
    assert_eq!(
        (second.version, second.previous),
        (2, Some(first.encode().unwrap().1))
    );
    let third = second
        .with_slot(Slot::Scorer, plugin("b", Mode::Shadow))
        .unwrap();
    assert_eq!(third.slot(Slot::Scorer).len(), 2);
    let fourth = third
        .with_slot(Slot::Scorer, plugin("c", Mode::Canary(10)))
        .unwrap();
    assert_eq!(
        fourth.slot(Slot::Scorer),
        [plugin("a", Mode::Enforce), plugin("c", Mode::Canary(10))]
    );
    let fifth = fourth
        .with_slot(Slot::Scorer, plugin("c", Mode::Enforce))
        .unwrap();
    assert_eq!(fifth.slot(Slot::Scorer), [plugin("c", Mode::Enforce)]);
    let sixth = fifth.with_workload("backup", cid("w")).unwrap();
    assert_eq!(sixth.workloads["backup"], cid("w"));
    let (bytes, _) = sixth.encode().unwrap();
    assert_eq!(Constitution::decode(&bytes).unwrap(), sixth);
    assert!(sixth.without_slot(Slot::Scorer).unwrap().slots.is_empty());
}

#[test]
fn lists_grow_and_single_slots_do_not() {
    let one = Constitution::default()
        .with_slot(Slot::Ethics, plugin("a", Mode::Enforce))
        .unwrap();
    let two = one
        .with_added(Slot::Ethics, plugin("b", Mode::Enforce))
        .unwrap();
    assert_eq!(two.slot(Slot::Ethics).len(), 2);
    let two = Constitution::default()
        .with_slot(Slot::Quota, plugin("a", Mode::Enforce))
        .unwrap()
        .with_added(Slot::Quota, plugin("b", Mode::Enforce));
    assert!(matches!(
        two,
        Err(ConstitutionError::Slot {
            slot: Slot::Quota,
            ..
        })
    ));
}

#[test]
fn plugins_that_do_not_go_together_are_refused() {
    let enforce = |name| plugin(name, Mode::Enforce);
    let many: Vec<_> = (0..17).map(|i| enforce(["a", "b"][i % 2])).collect();
    let large = Assignment {
        config: vec![0; 70_000],
        ..enforce("a")
    };
    for (slot, plugins) in [
        (Slot::Scorer, vec![]),
        (Slot::Scorer, vec![enforce("a"), enforce("b")]),
        (Slot::Scorer, vec![plugin("a", Mode::Shadow)]),
        (Slot::Scorer, vec![plugin("a", Mode::Canary(10))]),
        (
            Slot::Scorer,
            vec![enforce("a"), plugin("b", Mode::Canary(0))],
        ),
        (
            Slot::Scorer,
            vec![enforce("a"), plugin("b", Mode::Canary(100))],
        ),
        (
            Slot::Scorer,
            vec![
                enforce("a"),
                plugin("b", Mode::Canary(1)),
                plugin("c", Mode::Canary(1)),
            ],
        ),
        (Slot::Scorer, vec![enforce("a"), plugin("a", Mode::Shadow)]),
        (
            Slot::Voting,
            vec![enforce("a"), plugin("b", Mode::Canary(10))],
        ),
        (Slot::Ethics, vec![enforce("a"), enforce("a")]),
        (
            Slot::Ethics,
            vec![enforce("a"), plugin("b", Mode::Canary(10))],
        ),
        (Slot::Ethics, many),
        (Slot::Scorer, vec![large]),
    ] {
        let mut constitution = Constitution::default();
        constitution.slots.insert(slot, plugins);
        assert!(
            matches!(constitution.encode(), Err(ConstitutionError::Slot { .. })),
            "{:?}",
            constitution.slots
        );
    }
}

#[test]
fn each_broken_field_is_named() {
    type Break = (&'static str, fn(&mut Constitution));
    let breaks: &[Break] = &[
        ("version", |c| c.version = 0),
        ("previous", |c| c.version = 2),
        ("previous", |c| c.previous = Some(cid("x"))),
        ("workloads", |c| {
            c.workloads.insert("a\nb".into(), cid("x"));
        }),
        ("witnesses", |c| c.witnesses = vec![common::did(1); 2]),
        ("mesh.importance.options", |c| {
            c.mesh.importance.options.truncate(1)
        }),
        ("mesh.importance.options", |c| {
            c.mesh.importance.options[0] = "low".into()
        }),
        ("mesh.importance.window_ms", |c| {
            c.mesh.importance.window_ms = u64::MAX
        }),
        ("mesh.zone", |c| c.mesh.zone = String::new()),
        ("mesh.policy_votes.loosen_percent", |c| {
            c.mesh.policy_votes.loosen_percent = 50
        }),
        ("mesh.verification.assigned", |c| {
            c.mesh.verification.assigned = (5, 3)
        }),
        ("mesh.scheduling.boost", |c| {
            c.mesh.scheduling.boost = f64::NAN
        }),
        ("mesh.skills.trust_new", |c| c.mesh.skills.trust_new = 1.1),
    ];
    for (field, change) in breaks {
        let mut constitution = Constitution::default();
        change(&mut constitution);
        match constitution.encode() {
            Err(ConstitutionError::Field { field: found, .. }) => assert_eq!(found, *field),
            other => panic!("{field}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Constitution::decode(&bytes).is_err());
        prop_assert!(weft_ledger::Genesis::decode(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_is_another_constitution_or_none(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (mut bytes, cid) = Constitution::default().encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = Constitution::decode(&bytes) {
            prop_assert_ne!(other.encode().unwrap().1, cid);
        }
    }
}
