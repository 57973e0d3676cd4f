//! Bitswap's messages as they lie on the wire (protocol buffers), for 1.2.0 and its predecessors.
//! Source: <https://specs.ipfs.tech/bitswap-protocol/>

use prost::Message as _;
use prost::bytes::Bytes;
use weft_model::Cid;

/// One message.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Message {
    /// What the sender wants, or wants no more.
    #[prost(message, optional, tag = "1")]
    pub wantlist: Option<Wantlist>,
    /// Blocks without a CID: sha2-256 of DAG-PB, as `/ipfs/bitswap` names them.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub blocks: Vec<Bytes>,
    /// Blocks with the prefix of their CID.
    #[prost(message, repeated, tag = "3")]
    pub payload: Vec<Block>,
    /// What the sender has or has not.
    #[prost(message, repeated, tag = "4")]
    pub presences: Vec<Presence>,
    /// Bytes that the sender will still send.
    #[prost(int32, tag = "5")]
    pub pending_bytes: i32,
}

/// What the sender wants.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Wantlist {
    /// The wants.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<Entry>,
    /// Whether they replace what was wanted before.
    #[prost(bool, tag = "2")]
    pub full: bool,
}

/// One want.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Entry {
    /// The CID.
    #[prost(bytes = "bytes", tag = "1")]
    pub cid: Bytes,
    /// Higher comes first.
    #[prost(int32, tag = "2")]
    pub priority: i32,
    /// Whether it is wanted no more.
    #[prost(bool, tag = "3")]
    pub cancel: bool,
    /// The block, or whether it is there.
    #[prost(enumeration = "WantType", tag = "4")]
    pub want_type: i32,
    /// Whether to say so when it is not there.
    #[prost(bool, tag = "5")]
    pub send_dont_have: bool,
}

/// A block.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Block {
    /// Version, codec, hash and its length: a CID without the digest.
    #[prost(bytes = "bytes", tag = "1")]
    pub prefix: Bytes,
    /// Its bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: Bytes,
}

/// Whether a block is there.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Presence {
    /// The CID.
    #[prost(bytes = "bytes", tag = "1")]
    pub cid: Bytes,
    /// There or not.
    #[prost(enumeration = "PresenceType", tag = "2")]
    pub presence: i32,
}

/// What is wanted of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum WantType {
    /// The block.
    Block = 0,
    /// Whether it is there.
    Have = 1,
}

/// Whether a block is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum PresenceType {
    /// It is.
    Have = 0,
    /// It is not.
    DontHave = 1,
}

impl Message {
    /// A message that asks for these blocks, and to be told of those that are not there.
    pub fn wants(cids: &[Cid]) -> Self {
        let entries = cids
            .iter()
            .zip((1..=i32::MAX).rev())
            .map(|(cid, priority)| Entry {
                cid: cid.to_bytes().into(),
                priority,
                cancel: false,
                want_type: WantType::Block.into(),
                send_dont_have: true,
            });
        Self::of_entries(entries.collect())
    }

    /// A message that these blocks are wanted no more.
    pub fn cancels(cids: &[Cid]) -> Self {
        let entries = cids.iter().map(|cid| Entry {
            cid: cid.to_bytes().into(),
            cancel: true,
            ..Entry::default()
        });
        Self::of_entries(entries.collect())
    }

    /// The message as frames' bytes: its length, then itself. `legacy`: as `/ipfs/bitswap` knows it.
    pub fn frame(mut self, legacy: bool) -> Vec<u8> {
        if legacy {
            self.blocks = self.payload.drain(..).map(|block| block.data).collect();
            self.presences.clear();
        }
        self.encode_length_delimited_to_vec()
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of_entries(entries: Vec<Entry>) -> Self {
        let wantlist = Some(Wantlist {
            entries,
            full: false,
        });
        Self {
            wantlist,
            ..Self::default()
        }
    }
}

impl Block {
    /// A block under this CID.
    pub fn new(cid: &Cid, data: Bytes) -> Self {
        Self {
            prefix: prefix(cid),
            data,
        }
    }

    /// Codec of the CID that the prefix announces. None: not a prefix of a sha2-256 CID.
    pub fn codec(&self) -> Option<u64> {
        let (version, rest) = unsigned_varint::decode::u64(&self.prefix).ok()?;
        let (codec, rest) = unsigned_varint::decode::u64(rest).ok()?;
        let (hash, rest) = unsigned_varint::decode::u64(rest).ok()?;
        let (length, rest) = unsigned_varint::decode::u64(rest).ok()?;
        let known = version <= 1
            && hash == weft_model::content::SHA2_256
            && length == u64::from(weft_model::content::DIGEST_BYTES)
            && rest.is_empty();
        known.then_some(codec)
    }
}

impl Presence {
    /// Whether this block is there.
    pub fn new(cid: &Cid, presence: PresenceType) -> Self {
        Self {
            cid: cid.to_bytes().into(),
            presence: presence.into(),
        }
    }
}

fn prefix(cid: &Cid) -> Bytes {
    let mut bytes = Vec::with_capacity(8);
    let mut buffer = unsigned_varint::encode::u64_buffer();
    let hash = cid.hash();
    for part in [
        u64::from(cid.version()),
        cid.codec(),
        hash.code(),
        u64::from(hash.size()),
    ] {
        bytes.extend_from_slice(unsigned_varint::encode::u64(part, &mut buffer));
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_model::content::{RAW, raw_cid};

    /// Bytes as go-bitswap and js-libp2p write them: field by field from the specification, by hand.
    #[test]
    fn a_want_lies_on_the_wire_as_specified() {
        let cid = raw_cid(b"weft");
        let entry = [
            &[0x0a, 36][..],
            &cid.to_bytes(),
            &[0x10],
            &[0xff, 0xff, 0xff, 0xff, 0x07],
            &[0x28, 1],
        ]
        .concat();
        let list = [&[0x0a, entry.len() as u8][..], &entry].concat();
        let message = [&[0x0a, list.len() as u8][..], &list].concat();
        let frame = [&[message.len() as u8][..], &message].concat();
        assert_eq!(Message::wants(&[cid]).frame(false), frame);
    }

    #[test]
    fn a_block_carries_the_prefix_of_its_cid() {
        let block = Block::new(&raw_cid(b"weft"), Bytes::from_static(b"weft"));
        assert_eq!(block.prefix[..], [1, 0x55, 0x12, 32]);
        assert_eq!(block.codec(), Some(RAW));
        let v0 = Cid::try_from("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n").unwrap();
        assert_eq!(prefix(&v0)[..], [0, 0x70, 0x12, 32]);
        let hostile: [&'static [u8]; 5] = [
            &[],
            &[1, 0x55, 0x12],
            &[1, 0x55, 0x13, 64],
            &[1, 0x55, 0x12, 32, 0],
            &[0xff; 20],
        ];
        for prefix in hostile {
            let block = Block {
                prefix: Bytes::from_static(prefix),
                data: Bytes::new(),
            };
            assert_eq!(block.codec(), None, "{prefix:?}");
        }
    }

    #[test]
    fn the_old_protocol_has_blocks_without_a_prefix() {
        let payload = vec![Block::new(&raw_cid(b"weft"), Bytes::from_static(b"weft"))];
        let presences = vec![Presence::new(&raw_cid(b"x"), PresenceType::DontHave)];
        let frame = Message {
            payload,
            presences,
            ..Message::default()
        }
        .frame(true);
        assert_eq!(frame, [&[6, 0x12, 4][..], b"weft"].concat());
    }
}
