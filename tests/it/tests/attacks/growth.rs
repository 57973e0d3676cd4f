//! What a new version may not take without being given it: capabilities, and directories of its name.

use crate::lab::{Lab, Publisher, draft};
use crate::world::{HOUR, task};
use weft_api::Request;
use weft_model::content;
use weft_model::task::TaskSpec;
use weft_release::Model;

#[test]
fn capability_growth_of_a_policy() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let small = alice.makes(&draft("good-v1"), |r| {
        r.limits.fuel /= 2;
        r.limits.memory_bytes /= 2;
    });
    let serving = lab.puts(&small, &alice, "scorer").release;
    let fuel = alice.makes(&draft("good-v2"), |r| {
        r.revision = 2;
        r.limits.memory_bytes /= 2;
    });
    let before = lab.world.rows("SELECT cid FROM releases");
    let waits = lab.installs(&fuel, &alice, None);
    assert_eq!(
        (waits.state.as_str(), waits.target.as_deref()),
        ("waiting", Some("scorer"))
    );
    let [growth] = waits.growth.as_slice() else {
        panic!("{waits:?}");
    };
    let (old, new) = (small.release.limits.fuel, fuel.release.limits.fuel);
    assert_eq!(*growth, format!("wants fuel {new} instead of {old}"));
    assert_eq!(
        lab.slot("scorer"),
        std::slice::from_ref(&serving),
        "the old version serves"
    );
    assert_eq!(lab.world.rows("SELECT cid FROM releases"), before);
    let told = lab
        .world
        .rows("SELECT message FROM mesh_events WHERE kind = 'release.waiting'");
    assert!(told[0].contains(growth), "{told:?}");

    assert_eq!(lab.answers(&fuel.cid(), true).state, "done");
    assert_eq!(lab.slot("scorer"), [fuel.cid().to_string()]);

    // A no leaves nothing, and the same is asked again.
    let memory = alice.makes(&draft("good-v1"), |r| r.revision = 3);
    lab.unchanged(|| {
        for _ in 0..2 {
            assert_eq!(lab.installs(&memory, &alice, None).state, "waiting");
            let no = lab.answers(&memory.cid(), false);
            assert_eq!(no.state, "refused");
            assert!(no.reason.is_some_and(|r| r.contains("said no")));
        }
    });
    assert_eq!(lab.slot("scorer"), [fuel.cid().to_string()]);
}

#[test]
fn capability_growth_of_a_workload() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let name = "echo";
    let plain = alice.makes(&draft("workload-echo"), |r| r.name = name.into());
    let serving = lab.puts(&plain, &alice, "workload/echo").release;
    let weights = content::raw_cid(b"weights");
    let grown = [
        alice.makes(&draft("workload-lists"), |r| r.name = name.into()),
        alice.makes(&plain, |r| {
            r.models.push(Model {
                name: "weights".into(),
                cid: weights,
                size: 7,
            });
        }),
    ];
    for (mut more, says) in grown
        .into_iter()
        .zip(["imports `wasi:", "is given the model `weights`"])
    {
        more.release.revision = 2;
        lab.unchanged(|| {
            let waits = lab.installs(&more, &alice, None);
            assert_eq!(waits.state, "waiting", "{waits:?}");
            assert!(
                waits.growth.iter().any(|g| g.starts_with(says)),
                "{waits:?}"
            );
            assert_eq!(lab.workload(name), std::slice::from_ref(&serving));
            lab.answers(&more.cid(), false);
        });
    }
}

#[test]
fn grant_reuse() {
    let alice = Publisher::new(1);
    let given = tempfile::tempdir().expect("a folder");
    let path = given.path().display().to_string();
    let settings = format!("grants = \"echo={path}\"\n");
    let lab = Lab::with_settings(&settings, &[&alice]);
    lab.world.clean();
    let first = alice.makes(&draft("workload-echo"), |r| r.name = "echo".into());
    let waits = lab.installs(&first, &alice, Some("workload/echo"));
    assert_eq!(
        waits.state, "waiting",
        "the owner never saw this binary: {waits:?}"
    );
    assert!(waits.growth.iter().any(|g| g.contains(&path)), "{waits:?}");
    lab.answers(&first.cid(), true);
    let done = lab.world.submit(task("echo"));
    assert_eq!(done.status, "done", "{done:?}");

    // The same name, another binary: its install asks and names the directory.
    let mut bytes = first.component.clone();
    bytes.extend([0, 2, 1, b'x']);
    let changed = alice
        .makes(&first, |r| r.revision = 2)
        .with_component(&bytes);
    let waits = lab.installs(&changed, &alice, None);
    assert_eq!(waits.state, "waiting", "{waits:?}");
    let [growth] = waits.growth.as_slice() else {
        panic!("{waits:?}");
    };
    assert_eq!(*growth, format!("is given the directory `{path}`"));
    lab.answers(&changed.cid(), false);
    assert_eq!(lab.workload("echo"), [first.cid().to_string()]);

    // Put there by another way, it gets no directory.
    let elsewhere = lab.installs(&changed, &alice, Some("workload/elsewhere"));
    assert_eq!(elsewhere.state, "done", "{elsewhere:?}");
    lab.world.ask(Request::WorkloadUse {
        name: "echo".into(),
        target: changed.cid().to_string(),
        grant: false,
    });
    for spec in [
        task("echo"),
        TaskSpec {
            workload: Some(changed.cid().to_string()),
            ..task("echo")
        },
    ] {
        lab.world.clock.advance(HOUR);
        let refused = lab.world.submit(spec);
        assert_eq!(refused.status, "failed", "{refused:?}");
        let why = refused.reason.expect("a reason");
        assert!(
            why.contains(&path) && why.contains("inherits nothing"),
            "{why}"
        );
    }
    lab.world.ask(Request::WorkloadUse {
        name: "echo".into(),
        target: changed.cid().to_string(),
        grant: true,
    });
    lab.world.clock.advance(HOUR);
    assert_eq!(
        lab.world.submit(task("echo")).status,
        "done",
        "given by a person"
    );
}

#[test]
fn an_install_does_not_promote_what_is_on_trial() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let first = alice.makes(&draft("good-v1"), |_| {});
    let tried = lab.installs(&first, &alice, None).release;
    lab.world.ask(Request::Trial(weft_api::TrialRequest::Use {
        slot: "scorer".into(),
        target: tried.clone(),
        config: None,
        mode: "shadow".into(),
        add: false,
    }));
    let both = || {
        lab.world
            .rows("SELECT mode || ' ' || release_cid FROM slots WHERE slot = 'scorer' ORDER BY 1")
    };
    let before = both();
    assert_eq!(before.len(), 2, "{before:?}");
    // The same again, and the next one of its name: nothing of that name serves.
    let next = alice.makes(&draft("good-v2"), |r| r.revision = 2);
    for draft in [&first, &next] {
        let done = lab.installs(draft, &alice, None);
        assert_eq!((done.state.as_str(), done.target), ("done", None));
        assert_eq!(both(), before);
    }
    // Another one that is put into the slot is another publisher's there, and ends no trial.
    let waits = lab.installs(&next, &alice, Some("scorer"));
    assert_eq!(waits.state, "waiting", "{waits:?}");
    lab.answers(&next.cid(), true);
    let after = both();
    assert!(after.contains(&format!("shadow {tried}")), "{after:?}");
    assert!(
        after.contains(&format!("enforce {}", next.cid())),
        "{after:?}"
    );
}
