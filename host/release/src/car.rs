//! CAR files, version 1: roots and blocks in one stream, for nodes without a connection.
//!
//! Reading is bounded in every direction ([`Limits`]) before memory is taken, and each block is compared with its CID
//! before it is handed out: what [`CarReader::next_block`] returns is what its CID names. The memory used is that of
//! one block.
//!
//! What it does not do: it keeps no blocks, does not say whether all blocks of a tree are there ([`crate::unixfs::walk`]
//! does, for files), and opens no file; reader and writer are passed in.

use crate::limits::{CAR_BLOCK_BYTES, CAR_BLOCKS, CAR_HEADER_BYTES, CAR_ROOTS, FILE_BYTES};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use weft_model::Cid;
use weft_model::cbor;
use weft_model::content::{self, DAG_CBOR, DAG_PB, DIGEST_BYTES, RAW, SHA2_256};

/// The one version of CAR files that is read and written.
const VERSION: u64 = 1;
/// Bytes of a CIDv1 with a sha2-256 digest and a codec of one byte.
const CID_BYTES: usize = 36;

/// What a CAR file may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Its bytes in all.
    pub total_bytes: u64,
    /// Bytes of one block.
    pub block_bytes: usize,
    /// Its blocks.
    pub blocks: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total_bytes: FILE_BYTES,
            block_bytes: CAR_BLOCK_BYTES,
            blocks: CAR_BLOCKS,
        }
    }
}

/// Why a CAR file is not read any further.
#[derive(Debug, thiserror::Error)]
pub enum CarError {
    /// The stream failed.
    #[error("the CAR file can't be read: {0}")]
    Io(#[from] io::Error),
    /// It ends in the middle of something.
    #[error("the CAR file ends in the middle of {what}; get the whole file")]
    CutOff {
        /// Of what.
        what: &'static str,
    },
    /// A length that is no length.
    #[error("the length of {what} does not read; this is no CAR file, or it is damaged")]
    BadLength {
        /// Of what.
        what: &'static str,
    },
    /// A header that is too long.
    #[error(
        "a header of {found} bytes is over the limit of {CAR_HEADER_BYTES} bytes; this is no CAR file, or it has too many roots"
    )]
    HeaderTooLarge {
        /// Bytes announced.
        found: u64,
    },
    /// A header of another shape.
    #[error("the header does not read ({why}); this is no CAR file, or it is damaged")]
    BadHeader {
        /// What is wrong.
        why: String,
    },
    /// Another version.
    #[error("this is a CAR file of version {found}; write it as version {VERSION}")]
    WrongVersion {
        /// The version found.
        found: u64,
    },
    /// Too many roots.
    #[error("{found} roots are over the limit of {CAR_ROOTS}; write several CAR files")]
    TooManyRoots {
        /// How many.
        found: usize,
    },
    /// A block that is too large.
    #[error(
        "a block of {found} bytes is over the limit of {max} bytes; make the tree with leaves of 1 MiB"
    )]
    BlockTooLarge {
        /// Bytes announced.
        found: u64,
        /// What is allowed.
        max: usize,
    },
    /// More bytes than allowed.
    #[error(
        "the CAR file goes on after {max} bytes, the limit; take the content from another source, or raise the limit"
    )]
    TooLarge {
        /// What is allowed.
        max: u64,
    },
    /// More blocks than allowed.
    #[error("the CAR file goes on after {max} blocks, the limit; write several CAR files")]
    TooManyBlocks {
        /// What is allowed.
        max: u64,
    },
    /// A CID that does not read, or of version 0.
    #[error("the CID of block {number} does not read as CIDv1; write the CAR file with CIDv1")]
    BadCid {
        /// Which block, from 1.
        number: u64,
    },
    /// A hash other than sha2-256, such as the identity, which proves nothing about size.
    #[error(
        "`{cid}` is hashed with {code:#x}, only sha2-256 is taken; add the content with sha2-256"
    )]
    WrongHash {
        /// The CID.
        cid: Cid,
        /// Its multihash code.
        code: u64,
    },
    /// A codec that no block here has.
    #[error("`{cid}` has codec {codec:#x}; taken are raw leaves, DAG-PB and DAG-CBOR")]
    WrongCodec {
        /// The CID.
        cid: Cid,
        /// Its multicodec.
        codec: u64,
    },
    /// Bytes that are not what their CID names.
    #[error(
        "the bytes of `{cid}` are not what it names; the CAR file is damaged or forged, get it from another source"
    )]
    Mismatch {
        /// The CID.
        cid: Cid,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    roots: Vec<Cid>,
    version: u64,
}

/// Only the version, of whatever header.
#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

/// Reads a CAR file block by block.
#[derive(Debug)]
pub struct CarReader<R> {
    input: R,
    limits: Limits,
    roots: Vec<Cid>,
    read: u64,
    blocks: u64,
    section: Vec<u8>,
}

impl<R: Read> CarReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is too long, cut off, of another version, or names CIDs that are not taken.
    pub fn new(mut input: R, limits: Limits) -> Result<Self, CarError> {
        let what = "its header";
        let (length, mut read) = read_length(&mut input, what)?.ok_or(CarError::CutOff { what })?;
        if length > CAR_HEADER_BYTES as u64 {
            return Err(CarError::HeaderTooLarge { found: length });
        }
        let mut bytes = Vec::new();
        fill(&mut input, length, &mut bytes, what)?;
        read += length;
        let roots = roots_of(&bytes)?;
        if read > limits.total_bytes {
            return Err(CarError::TooLarge {
                max: limits.total_bytes,
            });
        }
        Ok(Self {
            input,
            limits,
            roots,
            read,
            blocks: 0,
            section: bytes,
        })
    }

    /// What the file says it is about. Whether their blocks are in it is not known before all are read.
    pub fn roots(&self) -> &[Cid] {
        &self.roots
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// The next block, compared with its CID. None: the file is at its end.
    ///
    /// # Errors
    /// When the block breaks a limit, is cut off, or is not what its CID names; nothing may be read after that.
    pub fn next_block(&mut self) -> Result<Option<(Cid, &[u8])>, CarError> {
        let what = "a block";
        let Some((length, prefix)) = read_length(&mut self.input, what)? else {
            return Ok(None);
        };
        self.blocks += 1;
        let Limits {
            total_bytes,
            block_bytes,
            blocks,
        } = self.limits;
        if self.blocks > blocks {
            return Err(CarError::TooManyBlocks { max: blocks });
        }
        if length > (block_bytes + CID_BYTES) as u64 {
            return Err(CarError::BlockTooLarge {
                found: length,
                max: block_bytes,
            });
        }
        self.read += prefix + length;
        if self.read > total_bytes {
            return Err(CarError::TooLarge { max: total_bytes });
        }
        self.section.clear();
        fill(&mut self.input, length, &mut self.section, what)?;
        let mut rest = self.section.as_slice();
        let cid = Cid::read_bytes(&mut rest).map_err(|_| CarError::BadCid {
            number: self.blocks,
        })?;
        check_cid(&cid, self.blocks)?;
        if !content::matches(&cid, rest) {
            return Err(CarError::Mismatch { cid });
        }
        Ok(Some((cid, rest)))
    }
}

/// Writes a CAR file block by block.
#[derive(Debug)]
pub struct CarWriter<W> {
    output: W,
    written: u64,
}

impl<W: Write> CarWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When there are more than [`CAR_ROOTS`] roots, or the stream fails.
    pub fn new(mut output: W, roots: &[Cid]) -> Result<Self, CarError> {
        if roots.len() > CAR_ROOTS {
            return Err(CarError::TooManyRoots { found: roots.len() });
        }
        let header = Header {
            roots: roots.to_vec(),
            version: VERSION,
        };
        let bytes =
            cbor::encode(&header).map_err(|e| CarError::BadHeader { why: e.to_string() })?;
        let written = write_section(&mut output, &[&bytes])?;
        Ok(Self { output, written })
    }

    /// Writes a block; its bytes are what the CID names, which the caller knows.
    ///
    /// # Errors
    /// When the stream fails.
    pub fn block(&mut self, cid: &Cid, bytes: &[u8]) -> Result<(), CarError> {
        self.written += write_section(&mut self.output, &[&cid.to_bytes(), bytes])?;
        Ok(())
    }

    /// Flushes, and gives the stream back with the count of bytes that were written to it.
    ///
    /// # Errors
    /// When the stream fails.
    pub fn finish(mut self) -> Result<(W, u64), CarError> {
        self.output.flush()?;
        Ok((self.output, self.written))
    }
}

fn write_section(output: &mut impl Write, parts: &[&[u8]]) -> io::Result<u64> {
    let length = parts.iter().map(|p| p.len() as u64).sum();
    let mut buffer = unsigned_varint::encode::u64_buffer();
    let prefix = unsigned_varint::encode::u64(length, &mut buffer);
    output.write_all(prefix)?;
    for part in parts {
        output.write_all(part)?;
    }
    Ok(prefix.len() as u64 + length)
}

/// A length that is not 0, and how many bytes it took. None: the stream ended before it.
fn read_length(input: &mut impl Read, what: &'static str) -> Result<Option<(u64, u64)>, CarError> {
    let mut first = Vec::new();
    if input.take(1).read_to_end(&mut first)? == 0 {
        return Ok(None);
    }
    match unsigned_varint::io::read_u64(first.as_slice().chain(input)) {
        Ok(0) => Err(CarError::BadLength { what }),
        Ok(length) => {
            let mut buffer = unsigned_varint::encode::u64_buffer();
            let prefix = unsigned_varint::encode::u64(length, &mut buffer).len();
            Ok(Some((length, prefix as u64)))
        }
        Err(unsigned_varint::io::ReadError::Io(e)) if e.kind() == io::ErrorKind::UnexpectedEof => {
            Err(CarError::CutOff { what })
        }
        Err(unsigned_varint::io::ReadError::Io(e)) => Err(e.into()),
        Err(_) => Err(CarError::BadLength { what }),
    }
}

/// Reads exactly `length` bytes; memory grows with what comes, not with what was announced.
fn fill(
    input: &mut impl Read,
    length: u64,
    into: &mut Vec<u8>,
    what: &'static str,
) -> Result<(), CarError> {
    let came = input.take(length).read_to_end(into)?;
    if (came as u64) < length {
        return Err(CarError::CutOff { what });
    }
    Ok(())
}

fn roots_of(header: &[u8]) -> Result<Vec<Cid>, CarError> {
    let bad = |e: cbor::CborError| CarError::BadHeader { why: e.to_string() };
    let header: Header = match cbor::decode(header) {
        Ok(header) => header,
        // A version 2 has another shape, but says so.
        Err(e) => match cbor::decode::<AnyVersion>(header) {
            Ok(AnyVersion { version }) if version != VERSION => {
                return Err(CarError::WrongVersion { found: version });
            }
            _ => return Err(bad(e)),
        },
    };
    if header.version != VERSION {
        return Err(CarError::WrongVersion {
            found: header.version,
        });
    }
    if header.roots.len() > CAR_ROOTS {
        return Err(CarError::TooManyRoots {
            found: header.roots.len(),
        });
    }
    for root in &header.roots {
        check_cid(root, 0)?;
    }
    Ok(header.roots)
}

/// Whether a CID is of the kind that is taken here.
fn check_cid(cid: &Cid, number: u64) -> Result<(), CarError> {
    let hash = cid.hash();
    if hash.code() != SHA2_256 || hash.size() != DIGEST_BYTES {
        return Err(CarError::WrongHash {
            cid: *cid,
            code: hash.code(),
        });
    }
    if cid.version() != cid::Version::V1 {
        return Err(CarError::BadCid { number });
    }
    if ![RAW, DAG_PB, DAG_CBOR].contains(&cid.codec()) {
        return Err(CarError::WrongCodec {
            cid: *cid,
            codec: cid.codec(),
        });
    }
    Ok(())
}
