//! Installs, pins, grants and skills.

use super::{change, check};
use weft_store::bound::SKILLS;
use weft_store::grants::{self, Grant};
use weft_store::installs::{self, Install, Pin};

fn install(release: &str, state: &str) -> Install {
    Install {
        id: 0,
        release_cid: release.into(),
        target: Some("scorer".into()),
        cause: "update".into(),
        state: state.into(),
        reason: None,
        source: Some("/srv/releases".into()),
        envelope: vec![1, 2],
        growth: vec!["imports `x`".into()],
        consented: false,
        not_before: Some(7_000),
        created_at: 1_000,
        updated_at: 1_000,
    }
}

#[test]
fn an_install_is_found_by_its_state_and_its_release() {
    check(|tx| {
        let first = installs::add(tx, &install("a", "fetched"))?;
        let second = installs::add(tx, &install("a", "refused"))?;
        installs::add(tx, &install("b", "waiting"))?;
        let mut row = installs::get(tx, first)?.expect("it is there");
        assert_eq!(
            row,
            Install {
                id: first,
                ..install("a", "fetched")
            }
        );
        row.state = "done".into();
        row.consented = true;
        row.not_before = None;
        row.reason = Some("because".into());
        installs::set(tx, &row)?;
        assert_eq!(installs::get(tx, first)?.as_ref(), Some(&row));
        let ids = |rows: Vec<Install>| {
            rows.iter()
                .map(|r| r.release_cid.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ids(installs::in_states(tx, &["waiting", "cooling"])?),
            ["b"]
        );
        assert_eq!(installs::of_release(tx, "a")?[0].id, second);
        assert!(installs::in_states(tx, &[])?.is_empty());
        assert_eq!(installs::prune(tx, 1)?, 1);
        assert_eq!(installs::of_release(tx, "a")?.len(), 1);
        Ok(())
    });
}

#[test]
fn a_pin_moves_and_goes() {
    check(|tx| {
        let pin = |release: &str| Pin {
            target: "scorer".into(),
            release_cid: release.into(),
            by: "a@example.com".into(),
            at: 1_000,
        };
        installs::pin(tx, &pin("a"))?;
        installs::pin(tx, &pin("b"))?;
        assert_eq!(installs::pins(tx)?, [pin("b")]);
        assert!(installs::unpin(tx, "scorer")?);
        assert!(!installs::unpin(tx, "scorer")?);
        Ok(())
    });
}

#[test]
fn a_grant_is_to_one_binary() {
    check(|tx| {
        let grant = |component: &str| Grant {
            name: "log-rotation".into(),
            directory: "/var/log/app".into(),
            component_cid: component.into(),
            by: "a@example.com".into(),
            at: 1_000,
        };
        assert!(grants::add(tx, &grant("a"))?);
        assert!(!grants::add(tx, &grant("a"))?);
        assert!(grants::add(tx, &grant("b"))?);
        assert_eq!(grants::list(tx)?, [grant("a"), grant("b")]);
        Ok(())
    });
}

#[test]
fn a_skill_is_chosen_and_goes_back() {
    check(|tx| {
        SKILLS.set(tx, "first-aid", Some("a"), "owner", &change("use"))?;
        SKILLS.set(tx, "first-aid", Some("b"), "update", &change("update"))?;
        assert_eq!(SKILLS.get(tx, "first-aid")?.expect("it").origin, "update");
        let back = SKILLS.rollback(tx, "first-aid", &change("rollback"))?;
        assert_eq!(back.as_deref(), Some("a"));
        assert_eq!(SKILLS.history(tx, "first-aid", 10)?.len(), 3);
        Ok(())
    });
}
