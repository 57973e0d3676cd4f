//! Bitswap's streams: each carries messages one way, each behind its length.

use super::PROTOCOLS;
use super::message::Message;
use crate::exchange::counters::Refused;
use crate::exchange::limits::{
    BITSWAP_MESSAGE_MS, IDLE_MS, OPEN_MS, WRITE_CHUNK_BYTES, WRITE_CHUNK_MS,
};
use crate::exchange::queue::Dropped;
use crate::exchange::serve::refusal;
use crate::exchange::wire::{self, Broken};
use futures::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use libp2p::{PeerId, Stream, StreamProtocol};
use libp2p_stream::{Control, OpenStreamError};
use prost::Message as _;
use prost::bytes::Bytes;
use std::time::Duration;
use tokio::time::timeout;

/// Reads the next message of at most so many bytes. None: the peer has ended the stream between two messages.
///
/// # Errors
/// What the stream is refused for; None when it just went away.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    max: usize,
) -> Result<Option<Message>, Option<Refused>> {
    let length = timeout(Duration::from_millis(IDLE_MS), wire::read_length(stream)).await;
    // A quiet stream is closed without a word: peers keep streams open for later.
    let Some(length) = length.map_err(|_| None)?.map_err(refusal)? else {
        return Ok(None);
    };
    if length > max {
        return Err(Some(Refused::Oversize));
    }
    let body = timeout(
        Duration::from_millis(BITSWAP_MESSAGE_MS),
        read_body(stream, length),
    )
    .await;
    let body = body.map_err(|_| Some(Refused::Stalled))?.map_err(refusal)?;
    let message = Message::decode(Bytes::from(body));
    message.map(Some).map_err(|_| Some(Refused::Garbled))
}

/// The buffer grows with what comes, not with what was announced.
async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    length: usize,
) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    stream.take(length as u64).read_to_end(&mut body).await?;
    match body.len() == length {
        true => Ok(body),
        false => Err(Broken::Garbled),
    }
}

/// The outbound stream to one peer, opened when it is needed.
pub(super) struct Outbound {
    pub control: Control,
    pub peer: PeerId,
    stream: Option<(Stream, &'static str)>,
}

impl Outbound {
    pub fn new(control: Control, peer: PeerId) -> Self {
        Self {
            control,
            peer,
            stream: None,
        }
    }

    /// Writes a message; an empty one only makes sure of a stream. A stream that the peer closed is opened once again.
    pub async fn send(&mut self, message: Message) -> Result<(), Dropped> {
        let kept = self.stream.is_some();
        match self.try_send(message.clone()).await {
            Err(Dropped::Closed) if kept => self.try_send(message).await,
            done => done,
        }
    }

    async fn try_send(&mut self, message: Message) -> Result<(), Dropped> {
        let (mut stream, protocol) = match self.stream.take() {
            Some(open) => open,
            None => self.open().await?,
        };
        if !message.is_empty() {
            let frame = message.frame(protocol == PROTOCOLS[PROTOCOLS.len() - 1]);
            for chunk in frame.chunks(WRITE_CHUNK_BYTES) {
                in_time(stream.write_all(chunk)).await?;
            }
            in_time(stream.flush()).await?;
        }
        self.stream = Some((stream, protocol));
        Ok(())
    }

    async fn open(&mut self) -> Result<(Stream, &'static str), Dropped> {
        for protocol in PROTOCOLS {
            let opening = self
                .control
                .open_stream(self.peer, StreamProtocol::new(protocol));
            match timeout(Duration::from_millis(OPEN_MS), opening).await {
                Ok(Ok(stream)) => return Ok((stream, protocol)),
                Ok(Err(OpenStreamError::UnsupportedProtocol(_))) => {}
                Ok(Err(_)) | Err(_) => return Err(Dropped::Unreachable),
            }
        }
        Err(Dropped::Unsupported)
    }
}

async fn in_time(work: impl Future<Output = std::io::Result<()>>) -> Result<(), Dropped> {
    match timeout(Duration::from_millis(WRITE_CHUNK_MS), work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Dropped::Closed),
        Err(_) => Err(Dropped::Silent),
    }
}
