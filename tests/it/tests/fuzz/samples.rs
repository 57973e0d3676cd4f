//! What a stranger sends when all is well.

use ed25519_dalek::SigningKey;
use serde_json::Value;
use weft_model::content::{self, DAG_PB, RAW};
use weft_model::{Cid, Did, limits, slot};
use weft_release::unixfs::{Link, Node, encode_node};
use weft_release::{Component, Limits, Release};

/// An instant for records.
pub const NOW: i64 = 1_790_000_000_000;

/// A key that anybody can make.
pub fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// Its DID.
pub fn did(n: u8) -> Did {
    Did::from_public(key(n).verifying_key().to_bytes())
}

/// A scorer's record, by key 1.
pub fn release() -> Release {
    Release {
        name: "scorer-clean-energy".into(),
        publisher: did(1),
        version: "0.1.0".parse().expect("a version"),
        revision: 1,
        world: "weft:scorer/scorer@0.1.0".into(),
        component: Component {
            cid: content::raw_cid(b"component"),
            size: 9,
        },
        imports: vec![],
        features: vec!["peer.online".into(), "energy.percent_clean".into()],
        limits: Limits {
            fuel: limits::POLICY_FUEL,
            memory_bytes: limits::POLICY_MEMORY_BYTES,
            deadline_ms: limits::POLICY_DEADLINE_MS,
            output_bytes: limits::POLICY_OUTPUT_BYTES,
        },
        failure: Some(slot::Failure::LastGoodElseFirstFit),
        config_schema: Some(SCHEMA.into()),
        models: vec![],
        vectors: Some(content::record_cid(b"vectors")),
        created: NOW,
        expires: Some(NOW + 1),
        source: Some("https://example.org/weft".into()),
        license: Some("MIT".into()),
        description: "Prefers clean energy.".into(),
        domain: None,
        effectiveness: None,
        supersedes: None,
    }
}

/// A schema with most of what schemas may hold.
pub const SCHEMA: &str = r##"{"$defs":{"share":{"type":"number","minimum":0,"maximum":1}},"type":"object","properties":{"energy":{"$ref":"#/$defs/share","default":0.5},"names":{"type":"array","items":{"type":"string"}},"on":{"type":"boolean"}},"additionalProperties":false}"##;

/// The `weft` sections of the default components.
pub fn descriptors() -> Vec<Value> {
    let all = weft_bundle::COMPONENTS.iter().filter_map(|component| {
        let inspected = weft_engine::inspect(component.bytes).expect("a sound component");
        serde_json::from_slice(&inspected.descriptor?).ok()
    });
    all.collect()
}

/// Two levels of nodes over three small leaves, one of which occurs twice: root first.
pub fn tree() -> Vec<(Cid, Vec<u8>)> {
    let leaf = |text: &[u8]| (content::block_cid(RAW, text), text.to_vec());
    let (one, two, three) = (leaf(b"one"), leaf(b"two and"), leaf(b"three"));
    let node = |parts: &[(Cid, u64)]| {
        let links = parts.iter().map(|(cid, file_bytes)| Link {
            cid: *cid,
            file_bytes: *file_bytes,
            dag_bytes: *file_bytes,
        });
        let bytes = encode_node(&Node {
            links: links.collect(),
        });
        (content::block_cid(DAG_PB, &bytes), bytes)
    };
    let below = node(&[(one.0, 3), (two.0, 7), (one.0, 3)]);
    let root = node(&[(below.0, 13), (three.0, 5)]);
    vec![root, below, one, two, three]
}

/// A network's beginning, and a few signed events that follow: a member, their device, their words.
pub fn tree_of_events() -> (weft_ledger::Genesis, Vec<Vec<u8>>) {
    use weft_ledger::{Body, Chain, Genesis, MemberRole, State, ballot};
    let genesis = Genesis {
        name: "fuzz".into(),
        created: NOW,
        nonce: [7; 16].into(),
        user: "alice@example.com".into(),
        founder: did(1),
        device: did(1),
        constitution: content::record_cid(b"rules"),
    };
    let network = State::new(genesis.clone()).expect("a genesis").network();
    let mut chain = Chain::new(network, did(1), None);
    let bodies = [
        Body::MemberAdded {
            user: "bob@example.com".into(),
            did: did(2),
            role: MemberRole::Member,
        },
        Body::DeviceCertified {
            device: did(3),
            member: did(2),
            signature: ballot::certify(network, did(3), &key(2)),
        },
        Body::PollOpened {
            task_name: "sort-photos".into(),
            options: vec!["high".into(), "low".into()],
            closes_at: NOW + 300_000,
        },
        Body::DecisionCommitted {
            commitment: [9; 32].into(),
        },
    ];
    let events = bodies.into_iter().map(|body| {
        let event = chain.append(body, Vec::new(), NOW + 1, &key(1));
        event.and_then(|e| e.encode()).expect("an event").0
    });
    (genesis, events.collect())
}
