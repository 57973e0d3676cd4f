//! Whatever a stranger may send, every decoder on the way of a release, an event or an advert answers: it takes the bytes or refuses them, it
//! does not panic, and it holds no more memory than a bound and a multiple of what it was given.
//!
//! Inputs are valid samples with damage, from a seed that is printed; `WEFT_TEST_SEED` repeats one. All targets together
//! take `WEFT_FUZZ_SECONDS` of one processor (60 unless told, times the tests' budget, which `.ci/full` raises): a
//! budget, not a measure, so each target has a least number of inputs as well.

#[path = "fuzz/mesh.rs"]
mod mesh;
#[path = "fuzz/meter.rs"]
mod meter;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/samples.rs"]
mod samples;

use ed25519_dalek::SigningKey;
use mutate::{Rng, damaged};
use samples::{NOW, SCHEMA, descriptors, did, key, release, tree};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use weft_model::content::{self, DAG_PB, RAW};
use weft_model::vector::{Expected, JobExpected, JobVector, Vector, Vectors};
use weft_model::{Cid, SlotCall, SlotReply, cbor, limits};
use weft_release::car::{self, CarReader, CarWriter};
use weft_release::config::{canonical_config, check_schema, parse_schema};
use weft_release::statement::{self, Statement};
use weft_release::unixfs::{self, Found, decode_node};
use weft_release::{Envelope, Head, Release, Revocation, Role, Rotation, Trust};

/// Seconds of all targets together, unless told.
const SECONDS: u64 = 60;
/// How many tests share them.
const TARGETS: u32 = 18;
/// Inputs that each target gets, however long they take.
const LEAST: u64 = 300;
/// Where the random numbers begin, unless told.
const SEED: u64 = 0x5EED_F022;
/// Memory that any one input may take, in bytes: 64 MiB.
const MOST_BYTES: usize = 64 << 20;
/// Memory that an input of no bytes may take, in bytes.
const FLOOR_BYTES: usize = 2 << 20;
/// Memory that each byte of an input may take beyond that, in bytes.
const TIMES_INPUT: usize = 256;

fn of_environment(name: &str, else_: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is `{text}`, a whole number is wanted")),
        Err(_) => else_,
    }
}

/// Feeds a decoder. `accepts` says whether it took the bytes; it takes every sample.
fn fuzz(target: &str, samples: &[Vec<u8>], accepts: impl Fn(&[u8]) -> bool) {
    fuzz_within(FLOOR_BYTES, target, samples, accepts);
}

/// The same with `floor` instead of [`FLOOR_BYTES`].
fn fuzz_within(floor: usize, target: &str, samples: &[Vec<u8>], accepts: impl Fn(&[u8]) -> bool) {
    let seed = of_environment("WEFT_TEST_SEED", SEED);
    println!("{target}: WEFT_TEST_SEED={seed}");
    assert!(!samples.is_empty());
    for (i, sample) in samples.iter().enumerate() {
        assert!(accepts(sample), "{target}: sample {i} is refused");
    }
    let seconds = of_environment("WEFT_FUZZ_SECONDS", SECONDS);
    let budget = Duration::from_secs(seconds) * weft_kit::budget() / TARGETS;
    let started = Instant::now();
    let mut rng = Rng(seed);
    let (mut inputs, mut taken, mut most) = (0_u64, 0_u64, 0);
    while inputs < LEAST || started.elapsed() < budget {
        let bytes = damaged(&mut rng, samples);
        let (answer, held) = meter::peak_of(|| catch_unwind(AssertUnwindSafe(|| accepts(&bytes))));
        let allowed = (floor + TIMES_INPUT * bytes.len()).min(MOST_BYTES);
        let shown = || {
            let hex: String = bytes
                .iter()
                .take(4_096)
                .map(|b| format!("{b:02x}"))
                .collect();
            format!("{target}: input {inputs} of {} bytes: {hex}", bytes.len())
        };
        assert!(answer.is_ok(), "a panic, at {}", shown());
        assert!(
            held <= allowed,
            "{held} bytes, {allowed} allowed, at {}",
            shown()
        );
        taken += u64::from(answer.unwrap_or(false));
        most = most.max(held);
        inputs += 1;
    }
    println!("{target}: {inputs} inputs, {taken} taken, {most} bytes held at most");
    assert!(taken < inputs, "{target}: nothing was refused");
}

#[test]
fn envelopes() {
    let record = release().encode().expect("a record").0;
    let mut sealed = Envelope::seal(&release(), Role::Author, &key(1)).expect("an envelope");
    let one = sealed.encode().expect("few bytes");
    for (n, role) in [(2, Role::Validator), (3, Role::Owner)] {
        sealed.sign(role, &key(n)).expect("a signature");
    }
    let samples = [one, sealed.encode().expect("few bytes")];
    fuzz("envelope", &samples, |bytes| {
        Envelope::decode(bytes).is_ok_and(|e| e.open().is_ok())
    });
    // Whoever signs can put anything under a signature that holds.
    let payloads = [record];
    fuzz("signed payload", &payloads, |bytes| {
        let mut envelope = Envelope::new(bytes.to_vec());
        envelope.sign(Role::Author, &key(1)).expect("a signature");
        let encoded = envelope.encode();
        encoded.is_ok_and(|e| Envelope::decode(&e).is_ok_and(|e| e.open().is_ok()))
    });
}

#[test]
fn release_records() {
    let workload = Release {
        name: "word-count".into(),
        world: "weft:workload/workload@0.1.0".into(),
        features: vec![],
        failure: None,
        config_schema: None,
        vectors: None,
        ..release()
    };
    let samples = [release(), workload].map(|r| r.encode().expect("a record").0);
    fuzz("record", &samples, |bytes| {
        let Ok(release) = Release::decode(bytes) else {
            return false;
        };
        // What was decoded has exactly one encoding.
        assert_eq!(release.encode().expect("it was decoded").0, bytes);
        true
    });
}

fn sealed<S: Statement>(statement: &S, keys: &[u8]) -> Vec<u8> {
    let keys: Vec<SigningKey> = keys.iter().map(|n| key(*n)).collect();
    let keys: Vec<&SigningKey> = keys.iter().collect();
    statement::seal(statement, &keys).expect("a statement")
}

#[test]
fn statements() {
    let head = Head {
        publisher: did(1),
        name: "scorer-clean-energy".into(),
        revision: 7,
        release: content::record_cid(b"release"),
        published: NOW,
        expires: Some(NOW + 1),
    };
    let revocation = Revocation {
        key: did(1),
        at: NOW,
        reason: "lost".into(),
    };
    let rotation = Rotation {
        old: did(1),
        new: did(2),
        at: NOW,
    };
    let samples = [
        sealed(&head, &[1]),
        sealed(&revocation, &[1]),
        sealed(&rotation, &[1, 2]),
    ];
    fuzz("statement", &samples, |bytes| {
        let all = [
            statement::open::<Head>(bytes).is_ok(),
            statement::open::<Revocation>(bytes).is_ok(),
            statement::open::<Rotation>(bytes).is_ok(),
        ];
        let taken = all.into_iter().filter(|taken| *taken).count();
        assert!(taken < 2, "bytes that state two things");
        taken == 1
    });
}

/// Reads a CAR file to its end, as a home does, and follows every root.
fn read_car(bytes: &[u8]) -> bool {
    let Ok(mut reader) = CarReader::new(bytes, car::Limits::default()) else {
        return false;
    };
    let mut blocks = HashMap::new();
    loop {
        match reader.next_block() {
            Ok(Some((cid, bytes))) => drop(blocks.insert(cid, bytes.to_vec())),
            Ok(None) => break,
            Err(_) => return false,
        }
    }
    let roots = reader.roots().iter();
    let whole = roots.map(|root| follow(root, &blocks));
    // Each of them, also behind one that is refused.
    whole.fold(true, |all, one| all & one)
}

fn follow(root: &Cid, blocks: &HashMap<Cid, Vec<u8>>) -> bool {
    let found = unixfs::walk(root, limits::COMPONENT_BYTES, |cid| {
        let bytes = blocks.get(cid)?;
        Some(match cid.codec() {
            RAW => Found::Leaf(bytes.len() as u64),
            _ => Found::Node(bytes.clone()),
        })
    });
    found.is_ok()
}

#[test]
fn car_files() {
    let blocks = tree();
    let write = |roots: &[Cid], blocks: &[(Cid, Vec<u8>)]| {
        let mut writer = CarWriter::new(Vec::new(), roots).expect("few roots");
        for (cid, bytes) in blocks {
            writer.block(cid, bytes).expect("memory");
        }
        writer.finish().expect("memory").0
    };
    let samples = [
        write(&[blocks[0].0], &blocks),
        write(&[blocks[0].0, blocks[1].0], &blocks),
        write(&[blocks[2].0], &blocks[2..3]),
    ];
    fuzz("CAR", &samples, read_car);
}

#[test]
fn nodes_of_files() {
    let blocks = tree();
    let samples: Vec<Vec<u8>> = blocks[..2].iter().map(|(_, bytes)| bytes.clone()).collect();
    let below: HashMap<Cid, Vec<u8>> = blocks.into_iter().collect();
    fuzz("node", &samples, |bytes| {
        // Whoever makes a node gives it its own CID.
        let cid = content::block_cid(DAG_PB, bytes);
        let mut blocks = below.clone();
        blocks.insert(cid, bytes.to_vec());
        let walks = follow(&cid, &blocks);
        let decodes = decode_node(bytes).is_ok();
        assert!(decodes || !walks, "a walk through what is no node");
        decodes
    });
}

#[test]
fn rules_of_trust() {
    let (one, two) = (did(1), did(2));
    let samples = [
        format!(
            "# mine\n[[rule]]\nnames = [\"scorer-*\", \"ocr\"]\ntargets = [\"scorer\", \"workload\"]\ncomment = \"Ann\"\nall_of = [{{ role = \"author\", key = \"{one}\" }}]\n"
        ),
        format!(
            "[[rule]]\nnames = [\"*\"]\ntargets = [\"*\"]\n[rule.any_of]\nminimum = 1\nkeys = [{{ role = \"validator\", key = \"{one}\" }}, {{ role = \"owner\", key = \"{two}\" }}]\n"
        ),
    ]
    .map(String::into_bytes);
    fuzz("trust", &samples, |bytes| {
        Trust::parse(&String::from_utf8_lossy(bytes)).is_ok_and(|trust| {
            // What it writes, it reads.
            let again = Trust::parse(&trust.to_toml()).expect("its own text");
            again.rules() == trust.rules()
        })
    });
}

#[test]
fn schemas_and_configs() {
    let mut schemas: Vec<Vec<u8>> = descriptors()
        .iter()
        .map(|d| &d["config_schema"])
        .filter(|schema| schema.is_object())
        .map(|schema| schema.to_string().into_bytes())
        .collect();
    schemas.push(SCHEMA.into());
    let config = json!({});
    fuzz("schema", &schemas, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let Ok(schema) = parse_schema(&text) else {
            return false;
        };
        let _ = canonical_config(&schema, &config);
        check_schema(&text).is_ok()
    });
    let schema = parse_schema(SCHEMA).expect("a schema");
    let configs = [
        json!({}),
        json!({"energy": 0.25, "names": ["a", "b"], "on": true}),
    ]
    .map(|c| c.to_string().into_bytes());
    fuzz("config", &configs, |bytes| {
        serde_json::from_slice(bytes).is_ok_and(|config| canonical_config(&schema, &config).is_ok())
    });
}

#[test]
fn components() {
    let mut samples: Vec<Vec<u8>> = ["good-v1", "workload-echo"]
        .iter()
        .map(|name| weft_kit::guest_bytes(name))
        .collect();
    samples.push(weft_kit::huge_function(10_000));
    // wasmparser makes room for as many types, functions or exports as a section says that it has, up to its own limit of
    // a million.
    fuzz_within(MOST_BYTES, "component", &samples, |bytes| {
        weft_engine::inspect(bytes).is_ok()
    });
}

#[test]
fn values_of_calls() {
    let tagged =
        |call: &str, value: &Value| Value::from(Map::from_iter([(call.to_owned(), value.clone())]));
    let (mut calls, mut replies, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
    for descriptor in descriptors() {
        for vector in descriptor["vectors"].as_array().into_iter().flatten() {
            let named = vector["call"].as_str().filter(|call| !call.is_empty());
            let Some(call) = named.or(descriptor["slot"].as_str()) else {
                // Of a workload.
                continue;
            };
            let input = tagged(call, &vector["input"]);
            let (Ok(call_of), false) = (
                serde_json::from_value::<SlotCall>(input.clone()),
                vector["output"].is_null(),
            ) else {
                continue;
            };
            let output = tagged(call, &vector["output"]);
            let reply: SlotReply = serde_json::from_value(output.clone()).expect("a reply");
            calls.push(input.to_string().into_bytes());
            replies.push(output.to_string().into_bytes());
            let vector = Vector {
                case: "a case".into(),
                now: NOW,
                config: vec![],
                input: call_of,
                output: Expected::Reply(reply),
            };
            vectors.push(cbor::encode(&[vector]).expect("a list"));
        }
    }
    let slots: std::collections::BTreeSet<_> = calls
        .iter()
        .filter_map(|c| serde_json::from_slice::<SlotCall>(c).ok())
        .map(|c| c.slot())
        .collect();
    assert_eq!(slots.len(), weft_model::Slot::ALL.len(), "{slots:?}");
    fuzz("golden vectors", &vectors, |bytes| {
        cbor::decode::<Vec<Vector>>(bytes).is_ok()
    });
    let job = JobVector {
        case: "a case".into(),
        params: "{}".into(),
        input: "one\n".into(),
        output: JobExpected::Output("two\n".into()),
    };
    let jobs = Vectors::Job(vec![job]).encode().expect("a list");
    fuzz("golden vectors of a workload", &[jobs], |bytes| {
        Vectors::decode(bytes, true).is_ok()
    });
    fuzz("calls as JSON", &calls, |bytes| {
        serde_json::from_slice::<SlotCall>(bytes).is_ok()
    });
    fuzz("replies as JSON", &replies, |bytes| {
        serde_json::from_slice::<SlotReply>(bytes).is_ok()
    });
}
