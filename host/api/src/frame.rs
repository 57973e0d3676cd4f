//! Frames on the socket: a length (u32, big-endian), then that many bytes of JSON.
//!
//! One request and one answer per connection. A frame over [`FRAME_BYTES`] is refused before its bytes are read. The
//! JSON's meaning is not this module's business.

use crate::response::{ApiError, Response};
use serde::Serialize;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

/// The longest frame: 16 MiB, in bytes.
pub const FRAME_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of the length before a frame.
const HEADER_BYTES: usize = 4;

/// Bytes read from a socket at a time.
const READ_BYTES: usize = 64 * 1024;

/// What a frame from the server holds.
pub(crate) type Answer = Result<Response, ApiError>;

/// Where a home's daemon listens.
pub fn socket_path(home: &Path) -> PathBuf {
    home.join("weft.sock")
}

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .big_endian()
        .length_field_length(HEADER_BYTES)
        .max_frame_length(FRAME_BYTES)
        .new_codec()
}

/// The frame of a value.
///
/// # Errors
/// `InvalidInput` when the frame would be longer than [`FRAME_BYTES`].
pub(crate) fn encode(value: &impl Serialize) -> io::Result<BytesMut> {
    let json = serde_json::to_vec(value)?;
    let mut frame = BytesMut::with_capacity(HEADER_BYTES + json.len());
    codec().encode(Bytes::from(json), &mut frame)?;
    Ok(frame)
}

/// Writes a frame that [`encode`] made.
///
/// # Errors
/// When the other side is gone.
pub(crate) fn write(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    to.write_all(frame)?;
    to.flush()
}

/// The bytes of one frame. None: the other side closed before it sent a whole one.
///
/// # Errors
/// `InvalidData` for a frame that is too long; else the socket's error.
pub(crate) fn read(from: &mut impl Read) -> io::Result<Option<BytesMut>> {
    let (mut codec, mut buffer) = (codec(), BytesMut::new());
    let mut chunk = vec![0; READ_BYTES];
    loop {
        if let Some(frame) = codec.decode(&mut buffer)? {
            return Ok(Some(frame));
        }
        match from.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(count) => buffer.extend_from_slice(&chunk[..count]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// [`read`], for the server.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_async(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<BytesMut>> {
    let (mut codec, mut buffer) = (codec(), BytesMut::new());
    loop {
        if let Some(frame) = codec.decode(&mut buffer)? {
            return Ok(Some(frame));
        }
        if from.read_buf(&mut buffer).await? == 0 {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let frame = encode(&serde_json::json!({"do": "status"})).expect("short");
        assert_eq!(&frame[..HEADER_BYTES], &[0, 0, 0, 15]);
        let read = read(&mut &frame[..]).expect("whole").expect("a frame");
        assert_eq!(&read[..], br#"{"do":"status"}"#);
    }

    #[test]
    fn a_frame_that_ends_early_is_none() {
        let frame = encode(&"abc").expect("short");
        for cut in 0..frame.len() {
            assert_eq!(
                read(&mut &frame[..cut]).expect("no error"),
                None,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_length_alone() {
        let length = u32::try_from(FRAME_BYTES + 1).expect("fits").to_be_bytes();
        let error = read(&mut &length[..]).expect_err("too long");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn nothing_too_long_is_written() {
        let error = encode(&"x".repeat(FRAME_BYTES)).expect_err("too long");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
