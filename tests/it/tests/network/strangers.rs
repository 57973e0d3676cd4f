//! Who belongs to another network is closed at the door.

use super::lab::{founder, two};
use weft_kit::{Device, wait};

#[test]
fn a_device_of_another_network_is_closed_before_any_protocol() {
    let alice = founder();
    let status = alice.json(["mesh", "status"]);
    let address = status["listening"][0].as_str().expect("an address");
    let peer = status["peer_id"].as_str().expect("a peer id");
    let alices = format!("{address}/p2p/{peer}");

    let mut eve = Device::new();
    eve.weft(["network", "create", "her-street"]).ok();
    // A node dials nobody but its own members: told where Alice is, it leaves her alone.
    eve.start_with(&[("MESH_BOOTSTRAP", &alices)]);
    assert_eq!(eve.json(["mesh", "status"])["peers"], serde_json::json!([]));
    eve.stop();
    // So Eve makes hers believe that Alice's device let it in.
    let database = rusqlite::Connection::open(eve.home().join("weft.db")).expect("the database");
    let sql = "INSERT INTO meta (key, value) VALUES ('inviter', ?1)";
    let told = database.execute(sql, [alice.network("device")]);
    assert_eq!(told.expect("a row"), 1);
    drop(database);
    assert_eq!(alice.dropped("stranger"), 0);
    eve.start_with(&[("MESH_BOOTSTRAP", &alices)]);

    let after = wait("Eve is counted as a stranger", || {
        let status = alice.json(["mesh", "status"]);
        (status["dropped"]["stranger"].as_u64() > Some(0)).then_some(status)
    });
    for count in ["connected", "gossip_in", "requests_in"] {
        assert_eq!(after[count], 0, "{after}");
    }
    assert_eq!(
        after["peers"],
        serde_json::json!([]),
        "nothing is known of her"
    );
    assert_eq!(alice.json(["peers"]), serde_json::json!([]));
    wait("Eve's side is closed, too", || {
        (eve.connected() == 0).then_some(())
    });
    let hers = eve.json(["mesh", "status"]);
    let agents: Vec<_> = hers["peers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| &p["agent"])
        .collect();
    assert!(
        agents.iter().all(|a| a.is_null()),
        "not even Identify ran: {hers}"
    );
}

#[test]
fn two_networks_beside_each_other_stay_two() {
    let [alice, bob] = two();
    let [eve, mallory] = two();
    assert_ne!(alice.network("network"), eve.network("network"));
    assert_ne!(alice.network("digest"), eve.network("digest"));
    for device in [&alice, &bob, &eve, &mallory] {
        assert_eq!(device.connected(), 1);
    }
}
