//! A further device of one person.

use super::lab::{BOB, agree, meet, members, rows, text, two};
use weft_kit::{Device, wait};

#[test]
fn a_second_device_joins_signs_no_ballots_and_is_revoked() {
    let [alice, mut bob] = two();
    let people = members(&alice);
    let invite = bob.json(["devices", "add"]);
    assert_eq!(invite["role"], "member", "{invite}");
    assert_eq!(invite["uses"], 1, "{invite}");
    let mut laptop = Device::new();
    let joined = laptop.json(["join", invite["invite"].as_str().expect("a string")]);
    assert_eq!(
        (joined["user"].as_str(), joined["role"].as_str()),
        (Some(BOB), Some("member"))
    );
    laptop.start();
    meet(&[&alice, &bob, &laptop]);
    assert_eq!(members(&laptop), people, "a device is no member");
    let (own, first) = (laptop.network("device"), bob.network("device"));
    for device in [&alice, &bob, &laptop] {
        let devices = device.json(["devices", "list"]);
        assert_eq!(rows(&devices).len(), 3, "{devices}");
        let of_bob: Vec<String> = rows(&devices)
            .iter()
            .filter(|d| d["member"] == BOB)
            .map(|d| text(d, "device"))
            .collect();
        assert!(
            of_bob.contains(&own) && of_bob.contains(&first),
            "{devices}"
        );
        assert!(
            rows(&devices).iter().all(|d| d["state"] == "active"),
            "{devices}"
        );
    }

    // The key that votes is on the first one.
    alice.weft(["vote", "open", "ocr", "--minutes", "30"]).ok();
    wait("the laptop sees the vote", || {
        (laptop.weft(["vote", "show", "ocr"]).code == 0).then_some(())
    });
    let refusal = laptop.refused(["vote", "cast", "ocr", "high"]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (4, "refused"));
    assert_eq!(
        refusal.message,
        format!("the key of `{BOB}` is not in this home")
    );
    assert_eq!(refusal.remedy, "vote from the device that holds it");
    let refusal = laptop.refused(["devices", "add"]);
    assert_eq!(
        refusal.message,
        format!("the key of `{BOB}` is not on this device")
    );
    assert_eq!(
        refusal.remedy,
        "add devices on the device that holds the key"
    );
    bob.weft(["vote", "cast", "ocr", "high"]).ok();

    let itself = bob.refused(["devices", "revoke", &first]);
    assert_eq!(itself.message, "a device does not revoke itself");
    bob.weft(["devices", "revoke", &own]).ok();
    wait("the laptop is connected to nobody", || {
        (laptop.connected() == 0).then_some(())
    });
    agree(&[&alice, &bob]);
    for device in [&alice, &bob] {
        let devices = device.json(["devices", "list"]);
        let row = rows(&devices).iter().find(|d| d["device"] == *own);
        assert_eq!(row.expect("its row")["state"], "revoked", "{devices}");
    }
    assert_eq!(members(&alice), people, "Bob is a member still");
    assert_eq!(bob.connected(), 1);
    let gone = bob.refused(["devices", "revoke", &own]);
    assert_eq!((gone.exit, gone.code.as_str()), (3, "not-found"));

    // Bob is a member with one device, who may go; so is the laptop, which is nobody's.
    laptop.weft(["network", "leave"]).ok();
    assert_eq!(laptop.network("role"), "admin");
    bob.kill();
}
