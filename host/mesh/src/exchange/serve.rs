//! Serving `/weft/blocks/1`: a peer writes what it wants and reads the answers in that order, while it writes more.
//!
//! Each stream is one task that owns its queue of wants. Fairness: a peer has few streams, each reads few blocks ahead,
//! and all reads pass one fair semaphore, so that streams take turns at the disk. What a peer may have is asked of
//! [`Blocks`] for every want anew.
//!
//! A breach, a stall or one stream too many closes that stream, is counted, and concerns nobody else.

use super::counters::{Counters, Refused};
use super::limits::{
    BLOCK_BYTES_MAX, FRAME_MS, IDLE_MS, READ_AHEAD, STREAMS_MAX, STREAMS_PER_PEER, WANTS_QUEUED,
    WRITE_CHUNK_BYTES, WRITE_CHUNK_MS,
};
use super::pace::DRAW_BYTES;
use super::wire::{self, Broken};
use super::{Blocks, Shared};
use futures::io::BufReader;
use futures::{AsyncReadExt, AsyncWrite, AsyncWriteExt, Stream as _, StreamExt, future};
use libp2p::{PeerId, Stream};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use weft_model::Cid;

/// Bytes that are read at once while heads are read.
const HEAD_BUFFER_BYTES: usize = 4 * 1024;

/// Serves each stream of `incoming` until that ends or the future is dropped.
pub(super) async fn serve(shared: Arc<Shared>, mut incoming: libp2p_stream::IncomingStreams) {
    let seats = Seats::new(STREAMS_PER_PEER, STREAMS_MAX);
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            next = incoming.next() => {
                let Some((peer, stream)) = next else { break };
                match seats.take(peer) {
                    Ok(seat) => {
                        let shared = shared.clone();
                        streams.spawn(async move {
                            let _seat = seat;
                            serve_stream(&shared, peer, stream).await;
                        });
                    }
                    Err(why) => refuse(&shared.counters, &peer, why),
                }
            }
            Some(_) = streams.join_next() => {}
        }
    }
}

/// Counts a refusal and names it in the log.
pub(super) fn refuse(counters: &Counters, peer: &PeerId, why: Refused) {
    counters.refuse(why);
    tracing::debug!(%peer, why = why.name(), "a stream for blocks was refused");
}

async fn serve_stream(shared: &Shared, peer: PeerId, stream: Stream) {
    let (reader, writer) = stream.split();
    let (queue, wants) = mpsc::channel(WANTS_QUEUED);
    let owed = AtomicUsize::new(0);
    let reading = read_wants(reader, queue, &owed);
    let writing = write_answers(shared, &peer, writer, wants, &owed);
    // When reading ends well, what is queued is still answered; when it fails, the stream is of no use.
    let outcome = future::try_join(reading, writing).await;
    if let Err(Some(why)) = outcome {
        refuse(&shared.counters, &peer, why);
    }
}

/// Reads wants into the queue until the peer closes its side. The error is None when the stream just went away.
async fn read_wants(
    reader: impl futures::AsyncRead + Unpin,
    queue: mpsc::Sender<Cid>,
    owed: &AtomicUsize,
) -> Result<(), Option<Refused>> {
    let mut reader = BufReader::with_capacity(HEAD_BUFFER_BYTES, reader);
    loop {
        let length = next_length(&mut reader, owed).await?;
        let Some(length) = length else {
            return Ok(());
        };
        let frame = timeout(
            Duration::from_millis(FRAME_MS),
            wire::read_wants(&mut reader, length),
        );
        let cids = frame
            .await
            .map_err(|_| Some(Refused::Stalled))?
            .map_err(refusal)?;
        for cid in cids {
            owed.fetch_add(1, Ordering::Relaxed);
            queue.send(cid).await.map_err(|_| None)?;
        }
    }
}

/// The next frame's length; waits without end only while answers are being written.
async fn next_length(
    reader: &mut (impl futures::AsyncRead + Unpin),
    owed: &AtomicUsize,
) -> Result<Option<usize>, Option<Refused>> {
    let mut length = std::pin::pin!(wire::read_length(reader));
    loop {
        match timeout(Duration::from_millis(IDLE_MS), &mut length).await {
            Ok(length) => return length.map_err(refusal),
            Err(_) if owed.load(Ordering::Relaxed) > 0 => {}
            Err(_) => return Err(Some(Refused::Stalled)),
        }
    }
}

async fn write_answers(
    shared: &Shared,
    peer: &PeerId,
    mut writer: impl AsyncWrite + Unpin,
    mut wants: mpsc::Receiver<Cid>,
    owed: &AtomicUsize,
) -> Result<(), Option<Refused>> {
    let wants = futures::stream::poll_fn(move |cx| wants.poll_recv(cx));
    let answers = wants.map(|cid| async move { (cid, shared.read_block(peer, cid).await) });
    let mut answers = std::pin::pin!(answers.buffered(READ_AHEAD));
    while let Some((cid, block)) = answers.next().await {
        let head = wire::answer_head(&cid, block.as_ref().map(Vec::len));
        write_in_time(&mut writer, &head).await?;
        match &block {
            Some(bytes) => {
                write_at_pace(shared, &mut writer, bytes).await?;
                shared.counters.gave(bytes.len());
            }
            None => shared.counters.gave_nothing(),
        }
        owed.fetch_sub(1, Ordering::Relaxed);
        let more_is_ready = answers.size_hint().0 > 0;
        if !more_is_ready {
            in_time(writer.flush()).await?;
        }
    }
    in_time(writer.close()).await
}

/// Writes a block no faster than the owner's cap allows; then each piece is on its way before the next one is drawn.
async fn write_at_pace(
    shared: &Shared,
    writer: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
) -> Result<(), Option<Refused>> {
    if !shared.up.is_set() {
        return write_in_time(writer, bytes).await;
    }
    for piece in bytes.chunks(DRAW_BYTES) {
        shared.up.draw(piece.len()).await;
        write_in_time(writer, piece).await?;
        in_time(writer.flush()).await?;
    }
    Ok(())
}

/// Writes all, chunk by chunk, each within its time.
async fn write_in_time(
    writer: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
) -> Result<(), Option<Refused>> {
    for chunk in bytes.chunks(WRITE_CHUNK_BYTES) {
        in_time(writer.write_all(chunk)).await?;
    }
    Ok(())
}

async fn in_time(work: impl Future<Output = io::Result<()>>) -> Result<(), Option<Refused>> {
    match timeout(Duration::from_millis(WRITE_CHUNK_MS), work).await {
        Ok(done) => done.map_err(|_| None),
        Err(_) => Err(Some(Refused::Stalled)),
    }
}

/// What a broken stream is counted as; one that ended in the middle of a frame is garbled, one that was reset nothing.
pub(super) fn refusal(broken: Broken) -> Option<Refused> {
    match broken {
        Broken::Oversize(_) => Some(Refused::Oversize),
        Broken::Garbled => Some(Refused::Garbled),
        Broken::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Some(Refused::Garbled),
        Broken::Io(_) => None,
    }
}

impl Shared {
    /// Reads a block for a peer, in its turn, on a thread for blocking work. None: not here, or not for this peer.
    pub(super) async fn read_block(&self, peer: &PeerId, cid: Cid) -> Option<Vec<u8>> {
        let block = self
            .ask_blocks(*peer, move |blocks, peer| blocks.block(peer, &cid))
            .await?;
        (block.len() <= BLOCK_BYTES_MAX).then_some(block)
    }

    /// A block's size for a peer, likewise.
    pub(super) async fn read_size(&self, peer: &PeerId, cid: Cid) -> Option<u64> {
        let size = self
            .ask_blocks(*peer, move |blocks, peer| blocks.size(peer, &cid))
            .await?;
        (size <= BLOCK_BYTES_MAX as u64).then_some(size)
    }

    async fn ask_blocks<T: Send + 'static>(
        &self,
        peer: PeerId,
        ask: impl FnOnce(&dyn Blocks, &PeerId) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let (disk, blocks) = (self.disk.clone(), self.blocks.clone());
        // A task of its own: a turn that came while the caller writes to a slow peer would hold up all others.
        let asked = tokio::spawn(async move {
            let turn = disk.acquire_owned().await.ok()?;
            let read = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                ask(&*blocks, &peer)
            });
            // A read that panicked gives this peer nothing; the panic itself is on the log.
            read.await.ok().flatten()
        });
        AbortOnDropHandle::new(asked).await.ok().flatten()
    }
}

/// How many streams each peer has, and all together.
pub(super) struct Seats {
    taken: Arc<Mutex<HashMap<PeerId, usize>>>,
    per_peer: usize,
    all: usize,
}

/// One stream's place; free again when dropped.
pub(super) struct Seat {
    peer: PeerId,
    taken: Arc<Mutex<HashMap<PeerId, usize>>>,
}

impl Seats {
    pub fn new(per_peer: usize, all: usize) -> Self {
        let taken = Arc::default();
        Self {
            taken,
            per_peer,
            all,
        }
    }

    pub fn take(&self, peer: PeerId) -> Result<Seat, Refused> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.get(&peer).is_some_and(|&n| n >= self.per_peer) {
            return Err(Refused::PeerStreams);
        }
        if taken.values().sum::<usize>() >= self.all {
            return Err(Refused::AllStreams);
        }
        *taken.entry(peer).or_default() += 1;
        let taken = self.taken.clone();
        Ok(Seat { peer, taken })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = taken.get_mut(&self.peer) {
            *n -= 1;
            if *n == 0 {
                taken.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_bounded_per_peer_and_in_all_and_come_back() {
        let (a, b, c) = (PeerId::random(), PeerId::random(), PeerId::random());
        let seats = Seats::new(2, 3);
        let first = seats.take(a).ok().unwrap();
        let _second = seats.take(a).ok().unwrap();
        assert_eq!(seats.take(a).err(), Some(Refused::PeerStreams));
        let _third = seats.take(b).ok().unwrap();
        assert_eq!(seats.take(c).err(), Some(Refused::AllStreams));
        drop(first);
        assert!(seats.take(c).is_ok());
    }
}
