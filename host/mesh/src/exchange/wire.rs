//! The frames of `/weft/blocks/1`. Asking: frames of CIDs. Answering: one frame per CID, in the order of asking.
//!
//! ```text
//! wants  = varint(length) { varint(n) cid[n] }*
//! answer = varint(length) status:u8 varint(n) cid[n] bytes     status 0: here, 1: not here
//! ```
//!
//! Lengths are compared with their limits before anything is read. It knows nothing of queues and time.

use super::limits::{BLOCK_BYTES_MAX, CID_BYTES_MAX, WANT_FRAME_BYTES_MAX};
use futures::{AsyncRead, AsyncReadExt};
use std::io;
use unsigned_varint::{aio, decode, encode};
use weft_model::Cid;

/// The protocol's name.
pub const PROTOCOL: &str = "/weft/blocks/1";

const HERE: u8 = 0;
const NOT_HERE: u8 = 1;
/// Status and the length of a CID, which is one byte long.
const ANSWER_HEAD_BYTES: usize = 2;

/// Why a stream is closed.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A frame above its limit.
    #[error("a frame of {0} bytes is larger than allowed")]
    Oversize(usize),
    /// Bytes that are no frame.
    #[error("bytes that are no frame of the protocol")]
    Garbled,
    /// The stream ended or failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<unsigned_varint::io::ReadError> for Broken {
    fn from(error: unsigned_varint::io::ReadError) -> Self {
        match error {
            unsigned_varint::io::ReadError::Io(error) => Self::Io(error),
            _ => Self::Garbled,
        }
    }
}

/// An answer's head; `bytes` of the block follow in the stream.
#[derive(Debug, PartialEq, Eq)]
pub struct AnswerHead {
    /// Which block.
    pub cid: Cid,
    /// Whether it is here.
    pub here: bool,
    /// Bytes that follow; 0 when it is not here.
    pub bytes: usize,
}

/// Frames that ask for these blocks, in order.
pub fn wants(cids: &[Cid]) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut body = Vec::new();
    for cid in cids {
        if body.len() + cid.encoded_len() + 2 > WANT_FRAME_BYTES_MAX {
            push_frame(&mut frames, &body);
            body.clear();
        }
        push_frame(&mut body, &cid.to_bytes());
    }
    push_frame(&mut frames, &body);
    frames
}

/// An answer's frame without the block's bytes.
pub fn answer_head(cid: &Cid, block: Option<usize>) -> Vec<u8> {
    let cid = cid.to_bytes();
    let mut head = vec![if block.is_some() { HERE } else { NOT_HERE }];
    push_frame(&mut head, &cid);
    let mut buffer = encode::usize_buffer();
    let length = encode::usize(head.len() + block.unwrap_or(0), &mut buffer);
    [length, &head].concat()
}

/// The length of the next frame. None: the peer has closed its side between two frames.
pub async fn read_length(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<usize>, Broken> {
    let mut first = [0];
    if stream.read(&mut first).await? == 0 {
        return Ok(None);
    }
    Ok(Some(aio::read_usize((&first[..]).chain(stream)).await?))
}

/// The CIDs of a frame of wants, whose length was read.
pub async fn read_wants(
    stream: &mut (impl AsyncRead + Unpin),
    length: usize,
) -> Result<Vec<Cid>, Broken> {
    if length > WANT_FRAME_BYTES_MAX {
        return Err(Broken::Oversize(length));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let mut rest = &body[..];
    let mut cids = Vec::new();
    while !rest.is_empty() {
        let (bytes, after) = decode::usize(rest).map_err(|_| Broken::Garbled)?;
        let (cid, after) = after.split_at_checked(bytes).ok_or(Broken::Garbled)?;
        cids.push(read_cid(cid)?);
        rest = after;
    }
    Ok(cids)
}

/// An answer's head, whose frame's length was read.
pub async fn read_answer_head(
    stream: &mut (impl AsyncRead + Unpin),
    length: usize,
) -> Result<AnswerHead, Broken> {
    if length > BLOCK_BYTES_MAX + CID_BYTES_MAX + ANSWER_HEAD_BYTES {
        return Err(Broken::Oversize(length));
    }
    let mut head = [0; ANSWER_HEAD_BYTES];
    stream.read_exact(&mut head).await?;
    let cid_bytes = usize::from(head[1]);
    let mut cid = [0; CID_BYTES_MAX];
    let cid = cid.get_mut(..cid_bytes).ok_or(Broken::Garbled)?;
    stream.read_exact(cid).await?;
    let bytes = length
        .checked_sub(ANSWER_HEAD_BYTES + cid_bytes)
        .ok_or(Broken::Garbled)?;
    let here = match head[0] {
        HERE => true,
        NOT_HERE if bytes == 0 => false,
        _ => return Err(Broken::Garbled),
    };
    if bytes > BLOCK_BYTES_MAX {
        return Err(Broken::Oversize(bytes));
    }
    Ok(AnswerHead {
        cid: read_cid(cid)?,
        here,
        bytes,
    })
}

/// A CID out of exactly these bytes.
pub fn read_cid(bytes: &[u8]) -> Result<Cid, Broken> {
    let mut rest = bytes;
    let cid = Cid::read_bytes(&mut rest).map_err(|_| Broken::Garbled)?;
    match rest.is_empty() && bytes.len() <= CID_BYTES_MAX {
        true => Ok(cid),
        false => Err(Broken::Garbled),
    }
}

fn push_frame(to: &mut Vec<u8>, body: &[u8]) {
    let mut buffer = encode::usize_buffer();
    to.extend_from_slice(encode::usize(body.len(), &mut buffer));
    to.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use weft_model::content::raw_cid;

    #[test]
    fn wants_come_back_in_order_over_several_frames() {
        let cids: Vec<Cid> = (0..300u32).map(|i| raw_cid(&i.to_le_bytes())).collect();
        let frames = wants(&cids);
        let mut stream = &frames[..];
        let mut read = Vec::new();
        while let Some(length) = block_on(read_length(&mut stream)).unwrap() {
            assert!(length <= WANT_FRAME_BYTES_MAX);
            read.extend(block_on(read_wants(&mut stream, length)).unwrap());
        }
        assert_eq!(read, cids);
    }

    #[test]
    fn an_answer_comes_back() {
        let cid = raw_cid(b"x");
        for block in [Some(0), Some(1), Some(BLOCK_BYTES_MAX), None] {
            let head = answer_head(&cid, block);
            let mut stream = &head[..];
            let length = block_on(read_length(&mut stream)).unwrap().unwrap();
            let read = block_on(read_answer_head(&mut stream, length)).unwrap();
            let (here, bytes) = (block.is_some(), block.unwrap_or(0));
            assert_eq!(read, AnswerHead { cid, here, bytes });
        }
    }

    #[test]
    fn hostile_frames_are_named_and_not_allocated() {
        let cid = raw_cid(b"x").to_bytes();
        let v0 = [&[0x12, 0x20][..], &[7; 32]].concat();
        let answers: [(&[u8], usize, &str); 7] = [
            (&[], usize::MAX, "Oversize"),
            (&[], BLOCK_BYTES_MAX + 200, "Oversize"),
            (&[0, 200], 300, "Garbled"),
            (&[0, 3, 1, 2, 3], 100, "Garbled"),
            (&[9, 0], 2, "Garbled"),
            (&[0, 36], 10, "Io"),
            (&[1, 34], 34, "Io"),
        ];
        for (bytes, length, expected) in answers {
            let error = block_on(read_answer_head(&mut &bytes[..], length)).unwrap_err();
            assert!(
                format!("{error:?}").starts_with(expected),
                "{bytes:?}: {error:?}"
            );
        }
        let with_bytes = [&[NOT_HERE, 36][..], &cid, &[0; 5]].concat();
        assert!(block_on(read_answer_head(&mut &with_bytes[..], with_bytes.len())).is_err());
        let wants: [&[u8]; 3] = [&[200], &[2, 1, 1], &[255; 12]];
        for bytes in wants {
            assert!(
                block_on(read_wants(&mut &bytes[..], bytes.len())).is_err(),
                "{bytes:?}"
            );
        }
        assert!(read_cid(&v0).is_ok(), "a CIDv0 is a CID, too");
        assert!(block_on(read_length(&mut &[0xff; 20][..])).is_err());
    }
}
