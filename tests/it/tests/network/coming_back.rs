//! After a power cut, and out of a backup.

use super::lab::{BOB, agree, founder, joined, meet, members, rows, three, two};
use weft_kit::{Device, Home, wait};

#[test]
fn a_killed_node_comes_back_and_catches_up() {
    let [alice, mut bob, carol] = three();
    let before = agree(&[&alice, &bob, &carol]);
    bob.kill();
    for other in [&alice, &carol] {
        let device = bob.network("device");
        wait("the others see that he is gone", || {
            let peers = other.json(["peers"]);
            let up = rows(&peers)
                .iter()
                .any(|p| p["peer"] == *device && p["online"] == true);
            (other.connected() == 1 && !up).then_some(())
        });
    }
    assert_eq!(bob.network("digest"), before, "what was known is kept");
    assert_eq!(bob.json(["log", "verify"])["ok"], true);

    alice.weft(["vote", "open", "ocr", "--minutes", "30"]).ok();
    wait("Carol knows of the vote", || {
        (carol.weft(["vote", "show", "ocr"]).code == 0).then_some(())
    });
    carol.weft(["vote", "cast", "ocr", "high"]).ok();
    agree(&[&alice, &carol]);
    assert_eq!(bob.network("digest"), before);

    bob.start();
    meet(&[&alice, &bob, &carol]);
    assert_eq!(bob.json(["vote", "show", "ocr"])["cast"], 1);
    // His chain goes on where it ended.
    bob.weft(["vote", "cast", "ocr", "low"]).ok();
    agree(&[&alice, &bob, &carol]);
    let stats = alice.json(["log", "stats"]);
    assert_eq!(stats["frozen"], serde_json::json!([]), "{stats}");
    assert_eq!(stats["void"], 0, "{stats}");
}

#[test]
fn a_node_that_is_killed_while_others_speak_loses_nothing_it_said() {
    let [alice, mut bob, carol] = three();
    for round in 0..3 {
        let name = format!("task-{round}");
        bob.weft(["vote", "open", &name, "--minutes", "30"]).ok();
        // Before anybody can have heard of it for sure.
        bob.kill();
        bob.start();
        wait("the others hear of it all the same", || {
            let all = [&alice, &carol];
            let known = |d: &&Device| d.weft(["vote", "show", &name]).code == 0;
            all.iter().all(known).then_some(())
        });
    }
    agree(&[&alice, &bob, &carol]);
    assert_eq!(
        alice.json(["log", "stats"])["frozen"],
        serde_json::json!([])
    );
}

#[test]
fn a_restored_home_is_another_device_and_comes_in_by_an_invite() {
    let alice = founder();
    let mut bob = joined(&alice, BOB, &[]);
    bob.start();
    meet(&[&alice, &bob]);
    let people = members(&alice);
    let old = bob.network("device");
    bob.weft(["backup", "bob.tgz"]).ok();
    let archive = bob.home().join("bob.tgz").display().to_string();
    bob.kill();

    let mut restored = Device::of(Home::absent());
    restored.weft(["restore", &archive]).ok();
    let new = restored.network("device");
    assert_ne!(new, old);
    assert_eq!(restored.network("network"), alice.network("network"));
    assert_eq!(restored.network("user"), BOB);

    // Only this home knows of that device: to all others it is a stranger.
    let strangers = alice.dropped("stranger");
    restored.start();
    wait("the restored home is a stranger", || {
        (alice.dropped("stranger") > strangers).then_some(())
    });
    assert_eq!(restored.connected(), 0);

    // An invite by any admin makes it known; the member stays who they are, whatever the invite is for.
    let invite = alice.invite(&["--role", "guest"]);
    let back = restored.json(["join", &invite]);
    assert_eq!(
        (back["user"].as_str(), back["role"].as_str()),
        (Some(BOB), Some("member"))
    );
    meet(&[&alice, &restored]);
    assert_eq!(members(&alice), people);
    let devices = alice.json(["devices", "list"]);
    let active = |device: &str| {
        let mut all = rows(&devices).iter();
        all.any(|d| d["device"] == device && d["member"] == BOB && d["state"] == "active")
    };
    assert!(active(&new) && active(&old), "{devices}");

    // It holds the member's key: it votes, and takes the lost device its place.
    alice.weft(["vote", "open", "ocr", "--minutes", "30"]).ok();
    agree(&[&alice, &restored]);
    restored.weft(["vote", "cast", "ocr", "high"]).ok();
    restored.weft(["devices", "revoke", &old]).ok();
    agree(&[&alice, &restored]);
    let strangers = alice.dropped("stranger");
    bob.start();
    wait("the lost device is a stranger now", || {
        (alice.dropped("stranger") > strangers).then_some(())
    });
    assert_eq!(bob.connected(), 0);
    assert_eq!(alice.json(["log", "stats"])["void"], 0);

    let again = restored.refused(["join", &alice.invite(&[])]);
    assert_eq!(
        (again.exit, again.code.as_str()),
        (4, "already-member"),
        "{again:?}"
    );
}

#[test]
fn a_home_that_was_put_back_tells_no_second_story() {
    let [alice, mut bob] = two();
    bob.stop();
    let mut put_back = bob.copied();
    bob.start();
    meet(&[&alice, &bob]);
    for name in ["one", "two", "three"] {
        bob.weft(["vote", "open", name]).ok();
    }
    agree(&[&alice, &bob]);
    bob.stop();
    put_back.start();
    // At once, before it has looked around.
    put_back.weft(["vote", "open", "four"]).ok();
    meet(&[&alice, &put_back]);
    let stats = alice.json(["log", "stats"]);
    assert_eq!(stats["frozen"], serde_json::json!([]), "{stats}");
    for name in ["one", "two", "three", "four"] {
        assert_eq!(alice.json(["vote", "show", name])["name"], name);
    }
}
