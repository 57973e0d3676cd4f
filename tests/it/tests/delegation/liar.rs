//! A member's device without a node behind it: it is let in by its key, says what it likes about itself, and answers about
//! tasks as a test tells it to. Its messages are written down here once more, so that a change of the wire fails.

use super::lab::{energy, text};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use weft_kit::{Device, wait};
use weft_mesh::{Blocks, Change, Config, Heard, Host, Mesh, MeshError, PeerId, Protocol, Topic};
use weft_model::task::TaskSpec;
use weft_model::{Cid, Did, cbor, content};
use weft_node::receipt::{Account, Claim, Receipt};
use weft_node::{Node, OpenOptions, SystemClock};

#[allow(clippy::large_enum_variant, reason = "a test holds a few of them")]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    Offer(Offer),
    Cancel(String),
    Result(Outcome),
    State(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Say {
    Accepted,
    Refused(SignedRefusal),
    Taken,
    Later,
    States(Vec<Option<u64>>),
    Unknown,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Offer {
    pub task: String,
    pub attempt: u32,
    pub spec: TaskSpec,
    pub release: Cid,
    pub input: Option<Blob>,
    pub decision: String,
    pub private: Option<ByteBuf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Blob {
    pub cid: Cid,
    pub size: u64,
    pub bytes: Option<ByteBuf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub task: String,
    pub attempt: u32,
    pub done: Option<Done>,
    pub failed: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    pub receipt: ByteBuf,
    pub output: Blob,
    pub read: u64,
    pub summary: String,
    pub energy: WorkerEnergy,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerEnergy {
    pub kind: String,
    pub percent_clean: Option<f64>,
    pub grid_g_per_kwh: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignedRefusal {
    pub refusal: Refusal,
    pub signature: ByteBuf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    pub task: String,
    pub submitter: Did,
    pub worker: Did,
    pub code: String,
    pub reason: String,
    pub next_window: Option<i64>,
    pub at: i64,
}

/// How long it keeps a block back.
const HELD_BACK: Duration = Duration::from_secs(5);

/// What is gossiped of an advert.
#[derive(Serialize)]
struct Beacon {
    advert: ByteBuf,
    addresses: Vec<String>,
}

/// How it answers about tasks: whole messages.
type Answer = Box<dyn Fn(&Ask) -> Option<Vec<u8>> + Send>;

/// What it was asked, and how it answers.
struct Mouth {
    asked: Mutex<Vec<Ask>>,
    answer: Mutex<Answer>,
    held_back: (Mutex<()>, Condvar),
}

impl Host for Mouth {
    fn lobby_closed(&self, _: &'static str) {}

    fn now(&self) -> i64 {
        now()
    }

    fn answer(&self, _: &Did, protocol: Protocol, request: &[u8]) -> Option<Vec<u8>> {
        let ask: Ask = match protocol {
            Protocol::Task => {
                cbor::decode(request).expect("the messages are as they are written here")
            }
            Protocol::Log | Protocol::Find => return None,
        };
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner)(&ask);
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ask);
        answer
    }

    fn heard(&self, _: &Did, _: &Did, _: Topic, _: &[u8]) -> Heard {
        Heard::Accept
    }

    fn changed(&self, _: &Did, _: Change) {}

    fn lobby(&self, _: &Did, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

impl Blocks for Mouth {
    /// It says that it has all, and then keeps whoever asks waiting.
    fn block(&self, _: &PeerId, _: &Cid) -> Option<Vec<u8>> {
        let (never, signal) = &self.held_back;
        let never = never.lock().unwrap_or_else(PoisonError::into_inner);
        drop(signal.wait_timeout(never, HELD_BACK));
        None
    }

    fn size(&self, _: &PeerId, _: &Cid) -> Option<u64> {
        Some(1)
    }
}

/// The device.
pub struct Liar {
    pub key: SigningKey,
    pub did: Did,
    node: Arc<Node>,
    mesh: Mesh,
    mouth: Arc<Mouth>,
    host: Did,
    _device: Device,
}

impl Liar {
    /// Joins the network of a device, whose daemon runs, as this user, and is connected to it.
    pub fn join(host: &Device, user: &str, options: &[&str]) -> Self {
        let device = Device::new();
        device
            .weft(["join", &host.invite(options), "--as", user])
            .ok();
        energy(&device, "solar", 100, 0);
        let hex = std::fs::read_to_string(device.home().join("keys/device.key")).expect("a key");
        let secret = data(hex.trim());
        let key = SigningKey::from_bytes(&secret);
        let network = device.network("network");
        let node = Node::open(&OpenOptions {
            home: device.home().path().to_owned(),
            bundle: super::world::bundle(),
            clock: Arc::new(SystemClock),
            compile_worker: None,
        });
        let mouth = Arc::new(Mouth {
            asked: Mutex::default(),
            answer: Mutex::new(Box::new(|_| None)),
            held_back: (Mutex::default(), Condvar::new()),
        });
        let config = Config {
            secret,
            network,
            listen: vec!["/ip4/127.0.0.1/tcp/0".into()],
            external: Vec::new(),
            mdns: false,
            upnp: false,
            relay: false,
        };
        let mesh = Mesh::start(&config, Arc::clone(&mouth) as _, Arc::clone(&mouth) as _);
        let host_did: Did = host.network("device").parse().expect("a key");
        let status = host.json(["mesh", "status"]);
        let address = status["listening"][0].as_str().expect("an address");
        let liar = Self {
            did: weft_ledger::sign::did(&key),
            key,
            node: node.expect("a home"),
            mesh: mesh.expect("a mesh"),
            mouth,
            host: host_did,
            _device: device,
        };
        liar.mesh.members(BTreeMap::from([(host_did, Vec::new())]));
        let dialled = liar
            .mesh
            .dial(&format!("{address}/p2p/{}", text(&status, "peer_id")));
        dialled.expect("an address");
        wait("the liar is connected", || {
            liar.mesh
                .status()
                .peers
                .iter()
                .any(|p| p.connected)
                .then_some(())
        });
        liar
    }

    /// How it answers from now on.
    pub fn answers(&self, answer: impl Fn(&Ask) -> Option<Vec<u8>> + Send + 'static) {
        *self
            .mouth
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Box::new(answer);
    }

    /// Says what it is, in the words of its home.
    pub fn advertise(&self) {
        let advert = self.node.advert().expect("an advert");
        let beacon = Beacon {
            advert: ByteBuf::from(advert.encode().expect("it is valid")),
            addresses: Vec::new(),
        };
        self.mesh.publish(Topic::Adverts, encoded(&beacon));
    }

    /// Advertises until a device has it among its peers.
    #[track_caller]
    pub fn is_seen_by(&self, device: &Device) {
        let id = self.did.to_string();
        wait("the liar is a peer that is there", || {
            self.advertise();
            let peers = device.json(["peers"]);
            let there = |p: &serde_json::Value| p["peer"] == *id && p["online"] == true;
            peers.as_array()?.iter().any(there).then_some(())
        });
    }

    /// The offer of a task, once it has come.
    #[track_caller]
    pub fn offered(&self, task: &str) -> Offer {
        wait("the offer comes", || {
            let asked = self
                .mouth
                .asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            asked.iter().find_map(|ask| match ask {
                Ask::Offer(offer) if offer.task == task => Some(offer.clone()),
                _ => None,
            })
        })
    }

    /// How often a task was offered.
    pub fn offers(&self, task: &str) -> usize {
        let asked = self
            .mouth
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let of_task = |ask: &&Ask| matches!(ask, Ask::Offer(o) if o.task == task);
        asked.iter().filter(of_task).count()
    }

    /// Sends something about tasks to its host.
    pub fn tell(&self, ask: &Ask) -> Result<Say, MeshError> {
        let answer = self.tell_bytes(encoded(ask))?;
        Ok(cbor::decode(&answer).expect("the answers are as they are written here"))
    }

    /// Sends anything by any protocol.
    pub fn ask(&self, protocol: Protocol, bytes: Vec<u8>) -> Result<Vec<u8>, MeshError> {
        self.mesh.request(&self.host, protocol, bytes)
    }

    pub fn tell_bytes(&self, bytes: Vec<u8>) -> Result<Vec<u8>, MeshError> {
        self.mesh.request(&self.host, Protocol::Task, bytes)
    }

    /// What an honest device without fuel would bring for an offer: an output of these bytes.
    pub fn result(&self, host: &Device, offer: &Offer, output: &[u8]) -> Honest {
        let list = host.json(["workload", "list"]);
        let release = offer.release.to_string();
        let list = list.as_array().expect("a list");
        let row = list
            .iter()
            .find(|r| r["cid"] == *release)
            .expect("it is there");
        Honest {
            claim: Claim {
                seed: None,
                release: offer.release,
                component: text(row, "component").parse().expect("a CID"),
                input: content::raw_cid(b"").to_string(),
                params: content::raw_cid(b""),
                models: Vec::new(),
                output: content::raw_cid(output).to_string(),
                fuel: 1,
                profile: "none".into(),
                verifiable: true,
            },
            account: Account {
                task: offer.task.clone(),
                decision: String::new(),
                peak_memory_bytes: 1,
                wall_ms: 1,
                energy_wh: 0.001,
                energy_known: "modelled".into(),
                worker: self.did,
                ended: now(),
            },
            key: self.key.clone(),
            output: output.to_vec(),
            read: 0,
            energy: WorkerEnergy {
                kind: "solar".into(),
                percent_clean: Some(100.0),
                grid_g_per_kwh: Some(0.0),
            },
            attempt: offer.attempt,
            task: offer.task.clone(),
        }
    }
}

/// A result, before it is signed: a test makes a lie of it.
pub struct Honest {
    pub claim: Claim,
    pub account: Account,
    pub key: SigningKey,
    pub output: Vec<u8>,
    pub read: u64,
    pub energy: WorkerEnergy,
    pub attempt: u32,
    pub task: String,
}

impl Honest {
    pub fn sent(self) -> Ask {
        let signed = Receipt::sign(self.claim, self.account, &self.key);
        let (_, receipt) = signed.expect("it has a form");
        Ask::Result(Outcome {
            task: self.task,
            attempt: self.attempt,
            done: Some(Done {
                receipt: ByteBuf::from(receipt),
                output: Blob {
                    cid: content::raw_cid(&self.output),
                    size: self.output.len() as u64,
                    bytes: Some(ByteBuf::from(self.output)),
                },
                read: self.read,
                summary: "done".into(),
                energy: self.energy,
            }),
            failed: None,
        })
    }
}

/// Accepts what is offered, and says that it runs.
pub fn accepts(ask: &Ask) -> Option<Vec<u8>> {
    Some(encoded(&match ask {
        Ask::Offer(_) => Say::Accepted,
        Ask::State(tasks) => Say::States(vec![Some(0); tasks.len()]),
        Ask::Cancel(_) | Ask::Result(_) => Say::Taken,
    }))
}

pub fn encoded(value: &impl Serialize) -> Vec<u8> {
    cbor::encode(value).expect("it has a form")
}

fn now() -> i64 {
    weft_node::Clock::now(&SystemClock)
}

fn data(hex: &str) -> [u8; 32] {
    let byte = |i: usize| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex");
    std::array::from_fn(byte)
}
