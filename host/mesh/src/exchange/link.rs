//! One seeder of one fetch: opens a stream of `/weft/blocks/1`, else joins Bitswap; asks, receives, verifies.
//!
//! The task owns the stream. It reads a block's bytes only when the fetch has room for them, and hands a block on after
//! its bytes were compared with the CID, on a thread for blocking work, while the next one is being received.
//! It decides nothing: what to ask, and whom to drop, is the queue's.

use super::Shared;
use super::bitswap::{Reply, Swap};
use super::limits::{HASH_INLINE_BYTES, OPEN_MS};
use super::pace::DRAW_BYTES;
use super::queue::{Answer, Dropped};
use super::wire::{self, Broken};
use futures::io::BufReader;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{PeerId, Stream, StreamProtocol};
use libp2p_stream::{Control, OpenStreamError};
use prost::bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use weft_model::{Cid, content};

/// Bytes that are read at once while heads are read; larger reads pass by.
const HEAD_BUFFER_BYTES: usize = 8 * 1024;
/// Bytes of a block between two looks at how much came.
const HEARD_BYTES: usize = 64 * 1024;

/// What a link tells its fetch.
pub(super) enum Event {
    /// The seeder can be asked.
    Ready,
    /// What it said to a block; the block's bytes when they are right.
    Answer(Cid, Answer, Option<Block>),
    /// The link has ended.
    Lost(Dropped),
}

/// A verified block with the room that it takes in the fetch.
pub(super) struct Block {
    pub bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// What a fetch reads of a link without asking it.
#[derive(Default)]
pub(super) struct Heard {
    /// Bytes that came, as they came.
    pub bytes: AtomicU64,
    /// Whether the link waits for room, and not for the seeder.
    pub waits: AtomicBool,
}

/// One seeder's side of a fetch.
pub(super) struct Link {
    /// Number of this link in the fetch, so that late events of an earlier one are known.
    pub id: u64,
    pub peer: PeerId,
    pub shared: Arc<Shared>,
    pub control: Control,
    pub swap: Swap,
    /// Bytes of blocks that the fetch may hold.
    pub room: Arc<Semaphore>,
    pub heard: Arc<Heard>,
    /// Whether the seeder's stream gave any answer.
    pub answered: AtomicBool,
    pub events: mpsc::Sender<(u64, PeerId, Event)>,
}

impl Link {
    /// Asks what comes through `asks`, until that closes or the seeder is lost.
    pub async fn run(self, asks: mpsc::Receiver<Vec<Cid>>) {
        let protocol = StreamProtocol::new(wire::PROTOCOL);
        let mut control = self.control.clone();
        let opened = timeout(
            Duration::from_millis(OPEN_MS),
            control.open_stream(self.peer, protocol),
        )
        .await;
        let why = match opened {
            Ok(Ok(stream)) => self.run_stream(stream, asks).await,
            Ok(Err(OpenStreamError::UnsupportedProtocol(_))) => {
                self.run_bitswap(asks, Vec::new()).await
            }
            Ok(Err(_)) | Err(_) => Dropped::Unreachable,
        };
        self.tell(Event::Lost(why)).await;
    }

    async fn run_stream(&self, stream: Stream, mut asks: mpsc::Receiver<Vec<Cid>>) -> Dropped {
        self.tell(Event::Ready).await;
        let (reader, writer) = stream.split();
        let owed = Mutex::default();
        let why = tokio::select! {
            why = self.ask(writer, &mut asks, &owed) => why,
            why = self.receive(reader, &owed) => why,
        };
        // A seeder that has no place for one stream more closes it unanswered, and has a turn for us in Bitswap.
        if why == Dropped::Closed && !self.answered.load(Ordering::Relaxed) {
            let owed = owed.into_inner().unwrap_or_else(PoisonError::into_inner);
            return self.run_bitswap(asks, owed.into()).await;
        }
        why
    }

    async fn ask(
        &self,
        mut writer: impl AsyncWrite + Unpin,
        asks: &mut mpsc::Receiver<Vec<Cid>>,
        owed: &Mutex<VecDeque<Cid>>,
    ) -> Dropped {
        while let Some(cids) = asks.recv().await {
            owed.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(&cids);
            let frames = wire::wants(&cids);
            if writer.write_all(&frames).await.is_err() || writer.flush().await.is_err() {
                break;
            }
        }
        Dropped::Closed
    }

    async fn receive(
        &self,
        reader: impl AsyncRead + Unpin,
        owed: &Mutex<VecDeque<Cid>>,
    ) -> Dropped {
        let mut reader = BufReader::with_capacity(HEAD_BUFFER_BYTES, reader);
        loop {
            match self.receive_one(&mut reader, owed).await {
                Ok(true) => {}
                Ok(false) | Err(Broken::Io(_)) => return Dropped::Closed,
                Err(Broken::Oversize(_) | Broken::Garbled) => return Dropped::Garbled,
            }
        }
    }

    /// Receives one answer. False: the seeder has closed its side.
    async fn receive_one(
        &self,
        reader: &mut (impl AsyncRead + Unpin),
        owed: &Mutex<VecDeque<Cid>>,
    ) -> Result<bool, Broken> {
        let Some(length) = wire::read_length(reader).await? else {
            return Ok(false);
        };
        self.answered.store(true, Ordering::Relaxed);
        let head = wire::read_answer_head(reader, length).await?;
        let asked = owed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        if asked != Some(head.cid) {
            return Err(Broken::Garbled);
        }
        if head.here {
            let room = self.room_for(head.bytes).await;
            let bytes = self.read_bytes(reader, head.bytes).await?;
            self.verify(head.cid, bytes, room).await;
        } else {
            self.tell(Event::Answer(head.cid, Answer::NotHere, None))
                .await;
        }
        Ok(true)
    }

    async fn read_bytes(
        &self,
        reader: &mut (impl AsyncRead + Unpin),
        length: usize,
    ) -> io::Result<Bytes> {
        let mut bytes = vec![0; length];
        let down = &self.shared.down;
        let part = if down.is_set() {
            DRAW_BYTES
        } else {
            HEARD_BYTES
        };
        for part in bytes.chunks_mut(part) {
            self.at_pace(part.len()).await;
            reader.read_exact(part).await?;
            self.heard
                .bytes
                .fetch_add(part.len() as u64, Ordering::Relaxed);
        }
        Ok(bytes.into())
    }

    /// Waits until the owner's cap lets so many bytes in; the seeder is not blamed for it.
    async fn at_pace(&self, bytes: usize) {
        let down = &self.shared.down;
        if down.is_set() {
            self.heard.waits.store(true, Ordering::Relaxed);
            down.draw_all(bytes).await;
            self.heard.waits.store(false, Ordering::Relaxed);
        }
    }

    async fn room_for(&self, bytes: usize) -> OwnedSemaphorePermit {
        let room = self.room.clone();
        let bytes = bytes as u32;
        if let Ok(room) = room.clone().try_acquire_many_owned(bytes) {
            return room;
        }
        self.heard.waits.store(true, Ordering::Relaxed);
        let room = room.acquire_many_owned(bytes).await;
        self.heard.waits.store(false, Ordering::Relaxed);
        room.expect("the fetch never closes its room")
    }

    /// Compares the bytes with the CID and tells the fetch. Large blocks are hashed elsewhere while this goes on.
    async fn verify(&self, cid: Cid, bytes: Bytes, room: OwnedSemaphorePermit) {
        if bytes.len() <= HASH_INLINE_BYTES {
            let event = self.judge(cid, bytes, room);
            return self.tell(event).await;
        }
        let Ok(turn) = self.shared.hashers.clone().acquire_owned().await else {
            return;
        };
        let (id, peer, shared, events) =
            (self.id, self.peer, self.shared.clone(), self.events.clone());
        tokio::task::spawn_blocking(move || {
            let event = judge(&shared, cid, bytes, room);
            drop(turn);
            // The fetch reads all the time; when it is gone, so is who wanted the block.
            events.blocking_send((id, peer, event)).ok();
        });
    }

    fn judge(&self, cid: Cid, bytes: Bytes, room: OwnedSemaphorePermit) -> Event {
        judge(&self.shared, cid, bytes, room)
    }

    async fn run_bitswap(&self, mut asks: mpsc::Receiver<Vec<Cid>>, owed: Vec<Cid>) -> Dropped {
        let Some(mut joined) = self.swap.join(self.peer).await else {
            return Dropped::Unreachable;
        };
        if !owed.is_empty() {
            joined.ask(owed).await;
        }
        loop {
            tokio::select! {
                cids = asks.recv() => match cids {
                    Some(cids) => joined.ask(cids).await,
                    None => return Dropped::Closed,
                },
                reply = joined.next() => match reply {
                    Some(Reply::Ready) => self.tell(Event::Ready).await,
                    Some(Reply::Block(cid, bytes)) => {
                        self.heard.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                        self.at_pace(bytes.len()).await;
                        let room = self.room_for(bytes.len()).await;
                        // Bitswap names a block by its hash, so it was compared already.
                        let answer = Answer::Block(bytes.len() as u64);
                        self.tell(Event::Answer(cid, answer, Some(Block { bytes, _room: room }))).await;
                    }
                    Some(Reply::NotHere(cid)) => self.tell(Event::Answer(cid, Answer::NotHere, None)).await,
                    Some(Reply::Gone(why)) => return why,
                    None => return Dropped::Closed,
                },
            }
        }
    }

    async fn tell(&self, event: Event) {
        // It fails only when the fetch is gone, and then this task is about to end, too.
        self.events.send((self.id, self.peer, event)).await.ok();
    }
}

fn judge(shared: &Shared, cid: Cid, bytes: Bytes, room: OwnedSemaphorePermit) -> Event {
    let right = content::matches(&cid, &bytes);
    shared.counters.received(bytes.len(), right);
    match right {
        true => Event::Answer(
            cid,
            Answer::Block(bytes.len() as u64),
            Some(Block { bytes, _room: room }),
        ),
        false => Event::Answer(cid, Answer::Wrong, None),
    }
}
