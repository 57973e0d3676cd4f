//! Every limit of the content exchange, with its unit.

/// The largest block that is served or taken, in bytes.
pub const BLOCK_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The largest binary CID that is read, in bytes.
pub const CID_BYTES_MAX: usize = 64;
/// The most blocks that one fetch may want (1 TiB of 1 MiB leaves).
pub const BLOCKS_PER_FETCH_MAX: usize = 1 << 20;
/// The most blocks that wait in a fetch before it stops reading further wants.
pub const WAITING_MAX: usize = 64 * 1024;
/// The most seeders that one fetch asks.
pub const SEEDERS_MAX: usize = 256;

/// The fewest blocks that may be under way from one seeder.
pub const WINDOW_MIN: usize = 4;
/// The most blocks that may be under way from one seeder.
pub const WINDOW_MAX: usize = 32;
/// How much work a seeder should have before it, in milliseconds: its window is what it gives in that time.
pub const WINDOW_MS: u64 = 500;
/// The most bytes that a fetch expects or holds at one moment.
pub const IN_FLIGHT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What a block is expected to take before the first of its kind came, in bytes.
pub const BLOCK_BYTES_EXPECTED: u64 = 1024 * 1024;
/// The least that a block is expected to take, in bytes.
pub const BLOCK_BYTES_EXPECTED_MIN: u64 = 64 * 1024;
/// The most seeders that are asked for one block at the same time.
pub const ASKERS_MAX: usize = 2;
/// How long a block is under way at least before it is asked of a second seeder, in milliseconds.
pub const REASK_MS: u64 = 500;
/// A seeder that was asked and gives no byte for so long is dropped, in milliseconds.
pub const SILENT_MS: u64 = 10_000;
/// How long a seeder works before its pace is judged, in milliseconds.
pub const PACE_PERIOD_MS: u64 = 5_000;
/// A seeder is dropped when its pace is less than the median's by this factor.
pub const SLOWER_THAN_MEDIAN: u64 = 10;
/// How often a fetch looks at its seeders, in milliseconds.
pub const TICK_MS: u64 = 250;
/// How long opening a stream to a seeder may take, in milliseconds. Dialling is part of it.
pub const OPEN_MS: u64 = 15_000;
/// Events of its seeders that a fetch has not read yet.
pub const EVENTS_QUEUED: usize = 256;
/// Blocks up to this size are hashed where they arrive, in bytes; larger ones on threads of their own.
pub const HASH_INLINE_BYTES: usize = 16 * 1024;

/// The most bytes of one frame of wants.
pub const WANT_FRAME_BYTES_MAX: usize = 4 * 1024;
/// Wants of one stream that are queued; what comes beyond waits in the stream.
pub const WANTS_QUEUED: usize = 32;
/// Blocks that are read ahead for one stream or peer while others are written.
pub const READ_AHEAD: usize = 2;
/// Block streams that one peer may have.
pub const STREAMS_PER_PEER: usize = 2;
/// Block streams that are served in all.
pub const STREAMS_MAX: usize = 32;
/// Blocks that are read from the disk at the same time, for all peers together; they take turns.
pub const DISK_READS: usize = 4;
/// How long a begun frame may take until its end, in milliseconds.
pub const FRAME_MS: u64 = 10_000;
/// Bytes that are written under one deadline.
pub const WRITE_CHUNK_BYTES: usize = 256 * 1024;
/// How long a peer may take for one such chunk, in milliseconds.
pub const WRITE_CHUNK_MS: u64 = 30_000;
/// How long a stream without any work is kept, in milliseconds.
pub const IDLE_MS: u64 = 60_000;

/// The largest Bitswap message that is read, in bytes.
pub const BITSWAP_INBOUND_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The largest Bitswap message that is read where peers only ask, in bytes.
pub const BITSWAP_WANTS_BYTES_MAX: usize = 512 * 1024;
/// Answers are split into messages of this size, in bytes; a single block may exceed it by its frame.
pub const BITSWAP_MESSAGE_BYTES: usize = 2 * 1024 * 1024;
/// How long one inbound message may take until its end, in milliseconds.
pub const BITSWAP_MESSAGE_MS: u64 = 30_000;
/// Wants of one peer that are queued; further ones are refused.
pub const BITSWAP_WANTS_QUEUED: usize = 1024;
/// Peers whose Bitswap state is kept; the state of those without work goes first.
pub const BITSWAP_PEERS_MAX: usize = 1024;
/// Inbound Bitswap streams of one peer (js-libp2p opens one per message).
pub const BITSWAP_STREAMS_PER_PEER: usize = 16;
/// Inbound Bitswap streams in all.
pub const BITSWAP_STREAMS_MAX: usize = 128;
/// Commands and messages that the Bitswap actor has not read yet.
pub const BITSWAP_INBOX: usize = 64;
/// Blocks asked of one peer whose late second copy is no offence, by Bitswap.
pub const BITSWAP_ANSWERED_KEPT: usize = 1024;
/// Entries of one wantlist that are read.
pub const BITSWAP_ENTRIES_MAX: usize = 2 * BITSWAP_WANTS_QUEUED;
/// Peers that are answered by Bitswap at the same time.
pub const BITSWAP_TURNS: usize = 32;
/// Wants of one peer that are looked for before another one that waits has its turn.
pub const BITSWAP_LOOKS_PER_TURN: usize = 32;
/// Looks and hashes under way at which the Bitswap actor reads no further message.
pub const BITSWAP_JOBS_MAX: usize = 128;
/// Replies that a fetch has not read: an answer to each block that it may ask for, and words about the peer.
pub const BITSWAP_REPLIES_QUEUED: usize = 2 * WINDOW_MAX;
