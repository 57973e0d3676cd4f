//! A vote that is opened on one device, cast on all and decided everywhere.

use super::lab::{ALICE, BOB, CAROL, agree, three};
use serde_json::Value;
use weft_kit::wait;

fn ballots(poll: &Value) -> Vec<(String, String)> {
    let list = poll["ballots"].as_array().expect("a list");
    let text = |b: &Value, field: &str| b[field].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = list
        .iter()
        .map(|b| (text(b, "member"), text(b, "choice")))
        .collect();
    all.sort();
    all
}

#[test]
fn a_vote_is_opened_here_cast_there_and_decided_everywhere() {
    let [alice, bob, carol] = three();
    let open = ["vote", "open", "backup-photos", "--minutes", "30"];
    let opened = alice.json(open);
    assert_eq!(opened["eligible"], 3, "{opened}");
    let id = opened["poll"].as_str().expect("an id");
    for (device, choice) in [(&bob, "high"), (&carol, "low")] {
        wait("the vote is known", || {
            (device.weft(["vote", "show", id]).code == 0).then_some(())
        });
        device.weft(["vote", "cast", id, choice]).ok();
    }
    // Who changes their mind casts again; the later one counts.
    carol.weft(["vote", "cast", id, "high"]).ok();
    let both = [
        (BOB.to_owned(), "high".to_owned()),
        (CAROL.to_owned(), "high".to_owned()),
    ];
    wait("Alice sees both ballots", || {
        (ballots(&alice.json(["vote", "show", id])) == both).then_some(())
    });
    assert_eq!(alice.json(["vote", "show", id])["status"], "open");

    // The opener's own is the last one: nobody is waited for.
    let closed = alice.json(["vote", "cast", id, "low"]);
    assert_eq!(closed["status"], "decided", "{closed}");
    assert_eq!(closed["consensus"], "high", "{closed}");
    for device in [&alice, &bob, &carol] {
        let shown = wait("the vote is decided here, too", || {
            let shown = device.json(["vote", "show", id]);
            (shown["status"] == "decided").then_some(shown)
        });
        assert_eq!(shown["consensus"], "high", "{shown}");
        assert_eq!(shown["confidence"], closed["confidence"], "{shown}");
        assert_eq!(shown["method_cid"], closed["method_cid"], "{shown}");
        assert_eq!(shown["cast"], 3, "{shown}");
        let expected = [(ALICE, "low"), (BOB, "high"), (CAROL, "high")];
        let expected = expected.map(|(m, c)| (m.to_owned(), c.to_owned()));
        assert_eq!(ballots(&shown), expected);
        let over = device.refused(["vote", "cast", id, "critical"]);
        assert_eq!((over.exit, over.code.as_str()), (4, "conflict"));
    }
    agree(&[&alice, &bob, &carol]);
}

#[test]
fn a_ballot_of_who_is_away_comes_with_them() {
    let [alice, mut bob, carol] = three();
    alice.weft(["vote", "open", "ocr", "--minutes", "30"]).ok();
    wait("Bob knows of the vote", || {
        (bob.weft(["vote", "show", "ocr"]).code == 0).then_some(())
    });
    bob.stop();
    // Without a daemon it is signed and kept.
    bob.weft(["vote", "cast", "ocr", "critical"]).ok();
    assert_eq!(alice.json(["vote", "show", "ocr"])["cast"], 0);
    bob.start();
    for device in [&alice, &carol] {
        wait("Bob's ballot is there", || {
            let cast = ballots(&device.json(["vote", "show", "ocr"]));
            (cast == [(BOB.to_owned(), "critical".to_owned())]).then_some(())
        });
    }
    agree(&[&alice, &bob, &carol]);
}
