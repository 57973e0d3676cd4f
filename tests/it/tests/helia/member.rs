//! js-libp2p as a member's device: it is let in by its key, identified, and gossips in both directions. With another key
//! it is closed at the door.

use crate::script::Script;
use crate::world::bundle;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use weft_kit::{Device, has_tool, wait};
use weft_model::advert::Advert;
use weft_model::cbor;
use weft_node::{Node, OpenOptions, SystemClock};

/// Whose device speaks by js-libp2p.
const CAROL: &str = "carol@example.com";
/// What its advert calls it.
const NAME: &str = "javascript";

/// What is gossiped of a device.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beacon {
    advert: ByteBuf,
    addresses: Vec<String>,
}

#[test]
fn a_members_device_may_speak_by_js_libp2p() {
    if !has_tool("npm", &["--version"]) {
        return;
    }
    let mut alice = Device::new();
    alice.weft(["network", "create", "our-street"]).ok();
    alice.start();
    let carol = Device::new();
    let invite = alice.invite(&[]);
    carol.json(["join", &invite, "--as", CAROL]);
    let (topic, address) = (adverts(&alice), mesh_address(&alice));
    let secret = fs::read_to_string(carol.home().join("keys/device.key")).expect("its key");

    let mut member = Script::start("member.mjs", &[secret.trim(), &topic, &address]);
    let node = member.says("identified");
    assert!(address.ends_with(node["identified"].as_str().expect("a peer")));
    let agent = node["agent"].as_str().unwrap_or_default();
    assert!(agent.starts_with("weft/"), "{node}");
    member.says("grafted");
    assert_eq!(alice.connected(), 1);

    let heard = member.says("heard");
    assert_eq!(heard["topic"], topic);
    let beacon: Beacon = cbor::decode(&unhex(&heard["heard"])).expect("a beacon");
    let advert = Advert::decode(&beacon.advert).expect("an advert");
    assert_eq!(advert.device.to_string(), alice.network("device"));
    assert_eq!(heard["from"], node["identified"], "signed by its device");

    let before = gossip_in(&alice);
    member.tell(&hex(&beacon_of(&carol)));
    let sent = member.says("sent");
    assert_eq!(sent["sent"][0], node["identified"], "{sent}");
    wait("Alice takes the advert", || {
        (gossip_in(&alice) > before).then_some(())
    });
    wait("Alice sees the peer", || {
        let peers = alice.json(["peers"]).to_string();
        peers.contains(NAME).then_some(())
    });
    assert_eq!(alice.dropped("gossip-rejected"), 0);
    member.tell("00");
    wait("Alice refuses what is no advert", || {
        (alice.dropped("gossip-rejected") == 1).then_some(())
    });
    assert_eq!(alice.dropped("advert-undecodable"), 1);
    drop(member);
    wait("Alice notices that it is gone", || {
        (alice.connected() == 0).then_some(())
    });

    let stranger = "5a".repeat(32);
    let mut stranger = Script::start("member.mjs", &[&stranger, &topic, &address]);
    stranger.says("closed");
    let told = |line: &Value| !line["identified"].is_null() || !line["heard"].is_null();
    assert!(!stranger.said().iter().any(told), "{:?}", stranger.said());
    assert_eq!(alice.dropped("stranger"), 1);
}

/// What a device would say of itself.
fn beacon_of(device: &Device) -> Vec<u8> {
    let settings = device.home().join("weft.toml");
    fs::write(settings, format!("peer_name = '{NAME}'\n")).expect("its settings");
    let node = Node::open(&OpenOptions {
        home: device.home().path().to_owned(),
        bundle: bundle(),
        clock: Arc::new(SystemClock),
        compile_worker: None,
    });
    let advert = node.expect("it opens").advert().expect("an advert");
    let beacon = Beacon {
        advert: ByteBuf::from(advert.encode().expect("it is valid")),
        addresses: Vec::new(),
    };
    cbor::encode(&beacon).expect("it encodes")
}

fn adverts(device: &Device) -> String {
    format!("/weft/{}/adverts", device.network("network"))
}

fn mesh_address(device: &Device) -> String {
    let status = device.json(["mesh", "status"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    format!(
        "{}/p2p/{}",
        text(&status["listening"][0]),
        text(&status["peer_id"])
    )
}

fn gossip_in(device: &Device) -> u64 {
    let status = device.json(["mesh", "status"]);
    status["gossip_in"].as_u64().expect("a number")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("a text");
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digits).collect()
}
