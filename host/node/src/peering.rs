//! This node among others: starts the mesh, tells it who may come in, and hands what comes to the room that knows it.
//!
//! The swarm calls from threads of its own ([`Door`]); it holds the node weakly, so that a node that is closed is gone.
//! Without a mesh everything here is a no-op: the same calls are made where nobody listens.

mod adverts;
mod comparing;
mod errands;
mod find;
mod leasing;
mod lending;
mod mirror;
mod results;
mod returning;
mod tick;
mod watching;
mod work;

pub(crate) use adverts::{ADVERT, forget_peers};
pub(crate) use leasing::{failed_before, last_failure};
pub(crate) use work::{REASON_BYTES, WorkerEnergy, wrapped_for};

use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::report::{MeshPeerReport, MeshReport};
use adverts::Adverts;
use errands::Errands;
use lending::Wanted;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use watching::Watched;
use weft_ledger::sync::{Input, Misbehaviour};
use weft_mesh::{
    Blocks, Change, Config, Heard, Host, Mesh, MeshError, Path, PeerId, Protocol, Topic,
};
use weft_model::{Cid, Did, Instant};
use weft_store::devices;

/// A mesh that runs.
pub(crate) struct Peering {
    pub mesh: Mesh,
    /// How each connected device is reached, and its round trip in milliseconds.
    pub paths: Mutex<BTreeMap<Did, (Path, Option<f64>)>>,
    pub adverts: Adverts,
    /// When it started.
    pub begun: std::time::Instant,
    /// Whether another device has told what it knows of the log, or there is none.
    pub compared: AtomicBool,
    /// What peers did wrong with the log and with tasks, by kind.
    misdeeds: Mutex<BTreeMap<String, u64>>,
    /// Something changed that others should hear of at once.
    pub advertise: AtomicBool,
    /// When this device said last what it is, and the energy that it named.
    advertised: Mutex<Option<(Instant, String)>>,
    /// When this device said last which contents are here.
    provided: Mutex<Option<Instant>>,
    /// Conversations about tasks.
    errands: Errands,
    /// What is known of this device's tasks that are with others.
    watched: Mutex<BTreeMap<String, Watched>>,
    /// Tasks whose next peer is asked from then on.
    pauses: Mutex<BTreeMap<String, Instant>>,
    /// When each peer was asked last how far its tasks are.
    asked: Mutex<BTreeMap<Did, Instant>>,
    /// Inputs of others' tasks that are on their way.
    inputs: Mutex<BTreeMap<String, Wanted>>,
}

impl Peering {
    /// Counts what a peer did wrong.
    pub fn note_misdeed(&self, why: &Misbehaviour) {
        self.note(kind(why));
    }

    /// Counts something that a peer should not have done.
    pub fn note(&self, kind: &str) {
        let mut misdeeds = self.misdeeds.lock().unwrap_or_else(PoisonError::into_inner);
        *misdeeds.entry(kind.to_owned()).or_default() += 1;
    }

    /// Devices that are connected now.
    fn connected(&self) -> Vec<Did> {
        let paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        paths.keys().copied().collect()
    }

    /// How a device is reached now.
    pub fn path(&self, device: &Did) -> Option<(Path, Option<f64>)> {
        let paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        paths.get(device).copied()
    }
}

/// The counter's name of a misdeed.
fn kind(why: &Misbehaviour) -> &'static str {
    match why {
        Misbehaviour::Undecodable => "log-undecodable",
        Misbehaviour::Oversize { .. } => "log-oversize",
        Misbehaviour::WrongNetwork => "log-wrong-network",
        Misbehaviour::BadSignature => "log-bad-signature",
        Misbehaviour::BrokenChain => "log-broken-chain",
        Misbehaviour::Incomplete => "log-incomplete",
        Misbehaviour::NotAsked => "log-not-asked",
        Misbehaviour::EmptyPage => "log-empty-page",
        Misbehaviour::Flood => "log-flood",
    }
}

impl Node {
    /// The mesh, if it runs.
    pub(crate) fn peering(&self) -> Option<Arc<Peering>> {
        self.peering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The mesh, for what can't be done without.
    pub(crate) fn need_peering(&self) -> Result<Arc<Peering>> {
        self.peering().ok_or_else(|| {
            NodeError::new(
                Code::Unavailable,
                "this node is not connected to its network",
            )
            .try_this("weft start")
        })
    }

    /// Whether this home is meant to be part of a mesh: it made or joined a network, or its settings say so.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn is_meshed(&self) -> Result<bool> {
        let joined = self
            .store
            .read(|tx| weft_store::meta::get(tx, crate::network::MESHED))?;
        Ok(joined.is_some() || self.settings.flag("mesh_enabled"))
    }

    /// Starts the mesh on these addresses, or on those of the settings where none is given. One that runs goes on.
    ///
    /// # Errors
    /// When an address is none, or can't be listened on.
    pub fn start_mesh(self: &Arc<Self>, listen: &[String]) -> Result<()> {
        let mut running = self.peering.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() {
            return Ok(());
        }
        let list = |name| words(self.settings.text(name));
        let listen = if listen.is_empty() {
            list("listen")
        } else {
            listen.to_vec()
        };
        *self.listen.lock().unwrap_or_else(PoisonError::into_inner) = listen.clone();
        let network = self.store.read(|tx| self.network_cid(tx))?;
        let config = Config {
            secret: self.device_key.to_bytes(),
            network: network.to_string(),
            listen,
            external: list("external_addresses"),
            mdns: self.settings.flag("mdns"),
            upnp: self.settings.flag("upnp"),
            relay: self.settings.flag("relay"),
        };
        // A run that was killed could not say that it meets nobody any more.
        self.note_all_gone()?;
        let alone = self.with_state(|state| state.allowed_devices().len() <= 1)?;
        let door = Arc::new(Door(Arc::downgrade(self)));
        let mesh = Mesh::start(&config, Arc::clone(&door) as _, door)?;
        mesh.cap(self.settings.cap_bandwidth_bytes());
        *running = Some(Arc::new(Peering {
            mesh,
            paths: Mutex::default(),
            adverts: Adverts::default(),
            begun: std::time::Instant::now(),
            compared: AtomicBool::new(alone),
            misdeeds: Mutex::default(),
            advertise: AtomicBool::new(true),
            advertised: Mutex::default(),
            provided: Mutex::default(),
            errands: Errands::default(),
            watched: Mutex::default(),
            pauses: Mutex::default(),
            asked: Mutex::default(),
            inputs: Mutex::default(),
        }));
        drop(running);
        self.open_door()?;
        self.resume_inputs()?;
        if let Some(peering) = self.peering() {
            for address in list("bootstrap") {
                peering.mesh.dial(&address)?;
            }
        }
        self.changed();
        Ok(())
    }

    /// Where the mesh listens, or listened last; nothing: as the settings say.
    pub(crate) fn listening_on(&self) -> Vec<String> {
        self.listen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets nobody wait any more for a job or the mesh, as this process ends; [`Self::stop_mesh`] follows.
    pub fn hang_up(&self) {
        self.stopping.store(true, Ordering::Release);
        self.changed();
        if let Some(peering) = self.peering() {
            peering.mesh.stop();
        }
    }

    /// Stops the mesh; connections are closed.
    pub fn stop_mesh(&self) {
        let running = self
            .peering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let ran = running.is_some();
        drop(running);
        if ran && let Err(e) = self.note_all_gone() {
            tracing::error!("{e}");
        }
    }

    /// Tells the mesh who may come in.
    pub(crate) fn open_door(&self) -> Result<()> {
        let Some(peering) = self.peering() else {
            return Ok(());
        };
        let own = crate::keys::did(&self.device_key);
        let mut allowed = self.with_state(|state| state.allowed_devices())?;
        // Until the log is here, the device that let this one in is the only one to get it from.
        if let Some(inviter) = self.inviter()? {
            allowed.entry(inviter).or_insert(inviter);
        }
        let known: BTreeMap<String, Vec<String>> = self
            .store
            .read(devices::list)?
            .into_iter()
            .map(|d| (d.did, d.addresses))
            .collect();
        let members = allowed
            .into_keys()
            .filter(|device| *device != own)
            .map(|device| {
                let addresses = known.get(&device.to_string()).cloned();
                (device, addresses.unwrap_or_default())
            })
            .collect();
        peering.mesh.members(members);
        Ok(())
    }

    /// How the mesh stands.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn mesh_status(&self) -> Result<MeshReport> {
        let (name, members) =
            self.with_state(|state| (state.name().to_owned(), state.members().len()))?;
        let network = self.store.read(|tx| self.network_cid(tx))?;
        let Some(peering) = self.peering() else {
            return Ok(MeshReport {
                running: false,
                network: network.to_string(),
                name,
                members: members as u64,
                public: self.public_status(),
                ..MeshReport::default()
            });
        };
        let status = peering.mesh.status();
        let mut dropped: BTreeMap<String, u64> = status
            .counts
            .dropped
            .iter()
            .map(|(why, count)| {
                let word = serde_json::to_value(why).ok();
                let word = word.and_then(|w| w.as_str().map(ToOwned::to_owned));
                (word.unwrap_or_default(), *count)
            })
            .collect();
        dropped.extend(
            peering
                .misdeeds
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        );
        dropped.extend(peering.adverts.dropped());
        Ok(MeshReport {
            running: true,
            network: network.to_string(),
            name,
            members: members as u64,
            peer_id: status.peer_id,
            listening: status.listening,
            lobby: status.lobby,
            external: status.external,
            connected: status.peers.iter().filter(|p| p.connected).count() as u64,
            peers: status
                .peers
                .into_iter()
                .map(|p| MeshPeerReport {
                    device: p.device,
                    peer_id: p.peer_id,
                    connected: p.connected,
                    path: p.path.to_owned(),
                    rtt_ms: p.rtt_ms,
                    addresses: p.addresses,
                    agent: p.agent,
                })
                .collect(),
            dropped,
            gossip_in: status.counts.gossip_in,
            gossip_out: status.counts.gossip_out,
            requests_in: status.counts.requests_in,
            requests_out: status.counts.requests_out,
            hole_punched: status.counts.hole_punched,
            reservations: status.counts.reservations,
            ports_mapped: status.counts.ports_mapped,
            public: self.public_status(),
        })
    }
}

/// Words separated by commas.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

/// The swarm's way to the node.
struct Door(Weak<Node>);

impl Host for Door {
    fn now(&self) -> i64 {
        self.0.upgrade().map_or(0, |node| node.now())
    }

    fn answer(&self, from: &Did, protocol: Protocol, request: &[u8]) -> Option<Vec<u8>> {
        let node = self.0.upgrade()?;
        match protocol {
            Protocol::Log => node.answer_pull(*from, request),
            Protocol::Task => node.answer_task(from, request),
            Protocol::Find => node.answer_find(request),
        }
    }

    fn heard(&self, author: &Did, via: &Did, topic: Topic, bytes: &[u8]) -> Heard {
        let Some(node) = self.0.upgrade() else {
            return Heard::Ignore;
        };
        match topic {
            Topic::Log => node.hear_log(*via, bytes),
            Topic::Adverts => node.hear_advert(author, bytes),
        }
    }

    fn lobby_closed(&self, why: &'static str) {
        if let Some(peering) = self.0.upgrade().and_then(|node| node.peering()) {
            peering.note(why);
        }
    }

    fn changed(&self, peer: &Did, change: Change) {
        let (Some(node), peer) = (self.0.upgrade(), *peer) else {
            return;
        };
        let Some(peering) = node.peering() else {
            return;
        };
        let mut paths = peering.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let input = match change {
            Change::Connected(path) => {
                paths.insert(peer, (path, None));
                Some(Input::Connected { peer })
            }
            Change::Path(path) => {
                paths.entry(peer).or_insert((path, None)).0 = path;
                None
            }
            Change::Gone => {
                paths.remove(&peer);
                Some(Input::Disconnected { peer })
            }
            Change::Rtt(rtt) => {
                if let Some(known) = paths.get_mut(&peer) {
                    known.1 = Some(rtt);
                }
                return;
            }
        };
        drop(paths);
        peering.advertise.store(true, Ordering::Release);
        if change == Change::Gone
            && let Err(e) = node.note_gone(&peer)
        {
            tracing::error!("{e}");
        }
        if let Some(input) = input
            && let Err(e) = node.log_step(input)
        {
            tracing::error!("{e}");
        }
        node.changed();
    }

    fn lobby(&self, newcomer: &Did, request: &[u8]) -> Option<Vec<u8>> {
        self.0.upgrade()?.answer_lobby(newcomer, request)
    }
}

impl Blocks for Door {
    fn block(&self, _: &PeerId, cid: &Cid) -> Option<Vec<u8>> {
        let node = self.0.upgrade()?;
        match node.content.block(cid) {
            Ok(block) => block,
            Err(e) => {
                tracing::warn!("a block is not served: {e}");
                None
            }
        }
    }

    fn size(&self, peer: &PeerId, cid: &Cid) -> Option<u64> {
        self.block(peer, cid).map(|bytes| bytes.len() as u64)
    }
}

impl From<MeshError> for NodeError {
    fn from(e: MeshError) -> Self {
        let code = match &e {
            MeshError::Address { .. } | MeshError::TooLarge { .. } => Code::Invalid,
            MeshError::Start(_) => Code::Io,
            MeshError::Listen { .. }
            | MeshError::Stopped
            | MeshError::Unreachable { .. }
            | MeshError::Timeout { .. }
            | MeshError::NoAnswer { .. } => Code::Unavailable,
        };
        let remedy = match &e {
            MeshError::Listen { .. } => {
                "choose another address with `--listen`, or stop who has it"
            }
            MeshError::Unreachable { .. } | MeshError::Timeout { .. } => {
                "see that the other side runs and can be reached: weft mesh status"
            }
            _ => "",
        };
        Self::new(code, e.to_string()).try_this(remedy)
    }
}
