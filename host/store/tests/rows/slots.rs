//! What slots and task names are bound to, forth and back.

use weft_store::slots::{self, Binding, Mode};
use weft_store::{Error, Store, Write, bound::WORKLOADS};

use crate::{change, check};

fn binding(cid: &str) -> Binding {
    Binding {
        release_cid: cid.into(),
        config: vec![0xa0],
        mode: Mode::Enforce,
        origin: "owner".into(),
        activated_at: 1_500,
    }
}

#[test]
fn a_slot_goes_forth_and_back() {
    check(|tx| {
        let served = |tx: &Write| -> Result<Vec<String>, Error> {
            Ok(slots::get(tx, "scorer")?
                .into_iter()
                .map(|binding| binding.release_cid)
                .collect())
        };
        let missing = slots::rollback(tx, "scorer", &change("rollback"));
        assert!(matches!(missing, Err(Error::Missing { .. })));
        slots::set(tx, "scorer", &[binding("a")], &change("genesis"))?;
        assert!(matches!(
            slots::rollback(tx, "scorer", &change("rollback")),
            Err(Error::Missing { .. })
        ));
        slots::set(tx, "scorer", &[binding("b")], &change("use"))?;
        let canary = Binding {
            mode: Mode::Canary(10),
            ..binding("c")
        };
        slots::set(tx, "scorer", &[binding("b"), canary], &change("add"))?;
        assert_eq!(served(tx)?, ["b", "c"]);
        slots::rollback(tx, "scorer", &change("rollback"))?;
        assert_eq!(served(tx)?, ["b"]);
        slots::rollback(tx, "scorer", &change("rollback"))?;
        assert_eq!(served(tx)?, ["a"]);
        assert!(matches!(
            slots::rollback(tx, "scorer", &change("rollback")),
            Err(Error::Missing { .. })
        ));
        // After going back, a new change can be undone, too.
        slots::set(tx, "scorer", &[binding("d")], &change("use"))?;
        slots::rollback(tx, "scorer", &change("rollback"))?;
        assert_eq!(served(tx)?, ["a"]);
        let actions: Vec<_> = slots::history(tx, "scorer", 3)?
            .into_iter()
            .map(|change| change.action)
            .collect();
        assert_eq!(actions, ["rollback", "use", "rollback"]);
        slots::set(tx, "ethics", &[binding("e")], &change("use"))?;
        let all: Vec<_> = slots::all(tx)?
            .into_iter()
            .map(|(slot, binding)| (slot, binding.release_cid))
            .collect();
        assert_eq!(
            all,
            [
                ("ethics".to_owned(), "e".to_owned()),
                ("scorer".to_owned(), "a".to_owned())
            ]
        );
        Ok(())
    });
}

#[test]
fn a_slot_pinned_by_hand_goes_back_to_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weft.db");
    let store = Store::open(&path).unwrap();
    store
        .write(|tx| slots::set(tx, "scorer", &[binding("a")], &change("genesis")))
        .unwrap();
    let hand = rusqlite::Connection::open(&path).unwrap();
    hand.execute(
        "UPDATE slots SET release_cid = 'mine', mode = 'shadow' WHERE slot = 'scorer'",
        [],
    )
    .unwrap();
    let pinned = store.read(|tx| slots::get(tx, "scorer")).unwrap();
    assert_eq!(
        (pinned[0].release_cid.as_str(), pinned[0].mode),
        ("mine", Mode::Shadow)
    );
    hand.execute("UPDATE slots SET mode = 'often' WHERE slot = 'scorer'", [])
        .unwrap();
    let back = store
        .write(|tx| slots::rollback(tx, "scorer", &change("rollback")))
        .unwrap();
    assert_eq!(back[0].release_cid, "a");
}

#[test]
fn modes_by_word() {
    for (word, mode) in [
        ("enforce", Some(Mode::Enforce)),
        ("shadow", Some(Mode::Shadow)),
        ("canary 1%", Some(Mode::Canary(1))),
        ("canary 99%", Some(Mode::Canary(99))),
        ("canary 0%", None),
        ("canary 100%", None),
        ("canary 300%", None),
        ("canary", None),
        ("Enforce", None),
        ("", None),
    ] {
        assert_eq!(Mode::parse(word), mode, "{word:?}");
        if let Some(mode) = mode {
            assert_eq!(mode.to_string(), word);
        }
    }
}

#[test]
fn a_workload_goes_forth_and_back() {
    check(|tx| {
        let bound = |tx: &Write| -> Result<Option<String>, Error> {
            Ok(WORKLOADS
                .get(tx, "ocr")?
                .map(|workload| workload.release_cid))
        };
        assert_eq!(bound(tx)?, None);
        WORKLOADS.set(tx, "ocr", Some("a"), "genesis", &change("genesis"))?;
        WORKLOADS.set(tx, "ocr", Some("b"), "owner", &change("use"))?;
        WORKLOADS.set(tx, "ocr", None, "owner", &change("remove"))?;
        assert_eq!(bound(tx)?, None);
        assert_eq!(
            WORKLOADS
                .rollback(tx, "ocr", &change("rollback"))?
                .as_deref(),
            Some("b")
        );
        assert_eq!(
            WORKLOADS
                .rollback(tx, "ocr", &change("rollback"))?
                .as_deref(),
            Some("a")
        );
        assert_eq!(bound(tx)?.as_deref(), Some("a"));
        assert!(matches!(
            WORKLOADS.rollback(tx, "ocr", &change("rollback")),
            Err(Error::Missing { .. })
        ));
        assert_eq!(WORKLOADS.history(tx, "ocr", 10)?.len(), 5);
        assert_eq!(WORKLOADS.list(tx)?.rows.len(), 1);
        Ok(())
    });
}
