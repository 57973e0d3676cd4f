//! Damaged messages of every protocol, over real connections to a real node: it takes them or drops them, stays what it
//! was, and holds no more memory than before. The seed is printed; `WEFT_TEST_SEED` repeats one.

#[path = "../fuzz/mutate.rs"]
mod mutate;

use super::lab::{coal, open, submit};
use super::liar::{Ask, Liar, Offer, Say, encoded};
use super::trespassers::offer;
use mutate::{Rng, damaged};
use serde::Serialize;
use serde_bytes::{ByteArray, ByteBuf};
use serde_json::Value;
use weft_kit::Device;
use weft_ledger::sync::Pull;
use weft_mesh::Protocol;
use weft_model::{Cid, Did, content};

const MALLORY: &str = "mallory@example.com";
/// Messages per protocol, and requests in the lobby, each over a connection of its own.
const MESSAGES: u64 = 300;
const REQUESTS: u64 = 30;
/// What the daemon may hold beyond what it held before, in kB: 64 MiB.
const GROWTH_KB: u64 = 64 << 10;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Question {
    Search(String),
    Release(Cid),
    Heads(String),
    Have(Vec<Cid>),
}

#[derive(Serialize)]
struct Claim {
    invite: Did,
    network: Cid,
    user: String,
    member: Did,
    device: Did,
    certificate: ByteArray<64>,
    at: i64,
}

#[derive(Serialize)]
struct Join {
    claim: Claim,
    proof: ByteArray<64>,
}

fn rng() -> Rng {
    let seed =
        std::env::var("WEFT_TEST_SEED").map_or(0x5EED_9A4B, |text| text.parse().expect("a number"));
    println!("WEFT_TEST_SEED={seed}");
    Rng(seed)
}

/// Who belongs and what may run here, which strangers do not change. An offer that is whole enough is decided, so the log
/// goes on.
fn standing(device: &Device) -> [Value; 2] {
    [["members", "list"], ["workload", "list"]].map(|list| device.json(list))
}

#[test]
fn damaged_messages_change_nothing_and_cost_nothing() {
    let mut rng = rng();
    let mut alice = coal(&[]);
    open(&mut alice);
    let liar = Liar::join(&alice, MALLORY, &[]);
    let cid = content::raw_cid(b"a content");
    let good = offer(&alice, "t0001", MALLORY);
    let with = |task: &str| Offer {
        task: task.into(),
        ..good.clone()
    };
    let input = super::liar::Blob {
        cid,
        size: 9,
        bytes: Some(ByteBuf::from(b"a content".to_vec())),
    };
    let result = liar.result(&alice, &good, b"an output");
    let task: Vec<Vec<u8>> = [
        Ask::Offer(with("t0002")),
        Ask::Offer(Offer {
            input: Some(input),
            ..with("t0003")
        }),
        Ask::Offer(Offer {
            private: Some(ByteBuf::from(vec![7; 300])),
            ..with("t0004")
        }),
        Ask::Cancel("t0002".into()),
        Ask::State(vec!["t0002".into(), "t0003".into()]),
        result.sent(),
    ]
    .iter()
    .map(encoded)
    .collect();
    let find: Vec<Vec<u8>> = [
        Question::Search("scorer".into()),
        Question::Release(cid),
        Question::Heads("scorer".into()),
        Question::Have(vec![cid, cid]),
    ]
    .iter()
    .map(encoded)
    .collect();
    let log = [Pull {
        heads: vec![cid],
        after: Some(cid),
    }
    .encode()];
    let before = standing(&alice);
    let held = alice.memory_kb();
    for (protocol, samples) in [
        (Protocol::Task, &task[..]),
        (Protocol::Find, &find[..]),
        (Protocol::Log, &log[..]),
    ] {
        let mut answered = 0;
        for _ in 0..MESSAGES {
            let bytes = damaged(&mut rng, samples);
            // What is longer than a message is refused on this side already.
            answered += u64::from(liar.ask(protocol, bytes).is_ok());
        }
        println!("{protocol:?}: {answered} of {MESSAGES} answered");
        assert!(answered < MESSAGES, "{protocol:?}: nothing was dropped");
    }

    let status = alice.json(["mesh", "status"]);
    let lobby: Vec<String> = serde_json::from_value(status["lobby"].clone()).expect("addresses");
    let host: Did = alice.network("device").parse().expect("a key");
    let stranger = Did::from_public([9; 32]);
    let join = Join {
        claim: Claim {
            invite: stranger,
            network: alice.network("network").parse().expect("a CID"),
            user: "eve@example.com".into(),
            member: stranger,
            device: stranger,
            certificate: [1; 64].into(),
            at: 0,
        },
        proof: [2; 64].into(),
    };
    let join = [encoded(&join)];
    for n in 0..REQUESTS {
        let secret = [u8::try_from(n % 200).expect("small") + 1; 32];
        let _ = weft_mesh::ask_lobby(secret, &host, &lobby, damaged(&mut rng, &join));
    }

    assert_eq!(standing(&alice), before);
    let now = alice.memory_kb();
    assert!(now < held + GROWTH_KB, "{held} kB before, {now} kB now");
    // Whoever wrote garbage about the log three times is kept out for a while; everybody else is served.
    let other = Liar::join(&alice, "carol@example.com", &[]);
    let answer = other.tell(&Ask::State(vec!["t0009".into()]));
    assert_eq!(answer.expect("an answer"), Say::States(vec![None]));
    submit(&alice, &["--name", "log-digest"]);
}
