//! A running mesh, for threads that may block.

use crate::actor::{Actor, Command};
use crate::error::MeshError;
use crate::exchange::{Blocks, Exchange, FetchError, Report};
use crate::limits::{COMMANDS, MESSAGE_BYTES};
use crate::message::{Host, Protocol, Status, Topic};
use crate::swarm::Config;
use crate::{lobby, peer, swarm, threads};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use weft_model::{Cid, Did};

/// A running mesh: the swarm, its lobby, and the threads that both run on. Dropped, it stops. Its methods block, and
/// are not to be called from asynchronous code.
pub struct Mesh {
    commands: mpsc::Sender<Command>,
    exchange: Exchange,
    runtime: Option<Runtime>,
}

impl Mesh {
    /// Starts a mesh.
    ///
    /// # Errors
    /// When an address is none or can't be listened on, or the system refuses threads.
    pub fn start(
        config: &Config,
        host: Arc<dyn Host>,
        blocks: Arc<dyn Blocks>,
    ) -> Result<Self, MeshError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("weft-mesh")
            .enable_all()
            .build()
            .map_err(|e| MeshError::Start(e.to_string()))?;
        let (commands, received) = mpsc::channel(COMMANDS);
        let started = runtime.block_on(start(config, host, blocks, received));
        let exchange = match started {
            Ok(exchange) => exchange,
            Err(e) => {
                threads::end(runtime);
                return Err(e);
            }
        };
        Ok(Self {
            commands,
            exchange,
            runtime: Some(runtime),
        })
    }

    /// Lets exactly these devices in; addresses where they may be. Others are closed at once.
    pub fn members(&self, devices: BTreeMap<Did, Vec<String>>) {
        self.command(Command::Members(devices));
    }

    /// Says which devices relay for members. One that can't be reached asks those of them that are connected for a place.
    pub fn volunteers(&self, devices: BTreeSet<Did>) {
        self.command(Command::Volunteers(devices));
    }

    /// Tells all members; whoever is not connected learns of it otherwise.
    pub fn publish(&self, topic: Topic, bytes: Vec<u8>) {
        self.command(Command::Publish(topic, bytes));
    }

    /// Dials an address that ends with `/p2p/…`.
    ///
    /// # Errors
    /// [`MeshError::Address`].
    pub fn dial(&self, address: &str) -> Result<(), MeshError> {
        let address = peer::address(address)?;
        self.command(Command::Dial(address));
        Ok(())
    }

    /// Closes a member's connections and keeps it out for a minute.
    pub fn expel(&self, device: &Did) {
        self.command(Command::Expel(*device));
    }

    /// Asks a member and waits for the answer.
    ///
    /// # Errors
    /// When it is not connected, does not answer in time, or not at all.
    pub fn request(
        &self,
        peer: &Did,
        protocol: Protocol,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, MeshError> {
        if bytes.len() > MESSAGE_BYTES {
            return Err(MeshError::TooLarge {
                found: bytes.len(),
                max: MESSAGE_BYTES,
            });
        }
        let (reply, answer) = oneshot::channel();
        self.command(Command::Request(*peer, protocol, bytes, reply));
        answer.blocking_recv().unwrap_or(Err(MeshError::Stopped))
    }

    /// Says in the network's table that a content is here.
    pub fn provide(&self, content: &Cid) {
        self.command(Command::Provide(content.hash().to_bytes()));
    }

    /// Who said that a content is there.
    pub fn providers(&self, content: &Cid) -> Vec<Did> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Providers(content.hash().to_bytes(), reply));
        answer.blocking_recv().unwrap_or_default()
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Status(reply));
        answer.blocking_recv().unwrap_or_default()
    }

    /// Blocks of content, to and from members.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Fetches blocks from several devices at once. `take` gets each block as it comes, verified, in any order, on this
    /// thread; what it answers false to ends the fetch. `progress` is called now and then.
    ///
    /// # Errors
    /// [`FetchError`]; what was taken before is right.
    pub fn fetch(
        &self,
        blocks: Vec<Cid>,
        seeders: &[Did],
        take: impl FnMut(Cid, &[u8]) -> bool,
        progress: impl FnMut(&Report),
    ) -> Result<Report, FetchError> {
        let Some(runtime) = &self.runtime else {
            return Err(FetchError::GivenUp);
        };
        let seeders = seeders.iter().filter_map(peer::peer_id).collect();
        self.exchange
            .fetch_blocking(runtime, blocks, seeders, take, progress)
    }

    /// Caps how fast content goes out, and as much how fast it comes in, in bytes a second; none: no cap.
    pub fn cap(&self, bytes_per_s: Option<u64>) {
        self.exchange.cap(bytes_per_s);
    }

    /// Ends all that goes on: connections are closed, requests and fetches end with an error. The threads end when the
    /// mesh is dropped.
    pub fn stop(&self) {
        // Full of commands it is told by the drop.
        let _ = self.commands.try_send(Command::Stop);
    }

    fn command(&self, command: Command) {
        // A swarm that stopped has nobody to tell; requests see that their reply is gone.
        let _ = self.commands.blocking_send(command);
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        let _ = self.commands.try_send(Command::Stop);
        if let Some(runtime) = self.runtime.take() {
            threads::end(runtime);
        }
    }
}

async fn start(
    config: &Config,
    host: Arc<dyn Host>,
    blocks: Arc<dyn Blocks>,
    commands: mpsc::Receiver<Command>,
) -> Result<Exchange, MeshError> {
    let key = peer::keypair(config.secret)?;
    let mut swarm = swarm::build(&key, config)?;
    for text in &config.listen {
        let address = peer::address(text)?;
        peer::free(&address).await?;
        let listened = swarm.listen_on(address);
        listened.map_err(|e| MeshError::Listen {
            address: text.clone(),
            why: e.to_string(),
        })?;
    }
    for text in &config.external {
        swarm.add_external_address(peer::address(text)?);
    }
    let beside: Vec<String> = config
        .listen
        .iter()
        .filter_map(|a| peer::lobby_beside(a))
        .collect();
    let (addresses, lobby) = lobby::open(&key, &beside, Arc::clone(&host)).await?;
    tokio::spawn(lobby);
    let control = swarm.behaviour().streams.new_control();
    let (exchange, serving) = Exchange::new(control, blocks);
    tokio::spawn(serving);
    let (actor, channels) = Actor::new(swarm, host, config, addresses);
    tokio::spawn(actor.run(commands, channels));
    Ok(exchange)
}

/// Asks the lobby of a device, as a newcomer does who has no mesh yet.
///
/// # Errors
/// When it can't be reached or does not answer.
pub fn ask_lobby(
    secret: [u8; 32],
    device: &Did,
    addresses: &[String],
    request: Vec<u8>,
) -> Result<Vec<u8>, MeshError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| MeshError::Start(e.to_string()))?;
    let key = peer::keypair(secret)?;
    let answer = runtime.block_on(lobby::ask(&key, device, addresses, request));
    threads::end(runtime);
    answer
}
