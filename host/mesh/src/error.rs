//! What can go wrong with the mesh.

/// An error of the mesh.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeshError {
    /// The swarm has stopped.
    #[error("the mesh has stopped")]
    Stopped,
    /// Not an address.
    #[error(
        "`{text}` is no address: {why}; write one such as /ip4/192.168.1.10/tcp/9001 or /ip4/192.168.1.10/udp/9001/quic-v1"
    )]
    Address {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// An address that can't be listened on.
    #[error("can't listen on `{address}`: {why}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        why: String,
    },
    /// A peer that is not connected and could not be reached.
    #[error("`{peer}` can't be reached: {why}")]
    Unreachable {
        /// The peer.
        peer: String,
        /// Why not.
        why: String,
    },
    /// No answer in time.
    #[error("`{peer}` did not answer in time")]
    Timeout {
        /// The peer.
        peer: String,
    },
    /// The peer closed without an answer: it does not understand the request, or refuses to work on it.
    #[error("`{peer}` gave no answer: {why}")]
    NoAnswer {
        /// The peer.
        peer: String,
        /// What was seen.
        why: String,
    },
    /// Larger than [`crate::limits::MESSAGE_BYTES`].
    #[error("a message of {found} bytes is over the limit of {max} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The system refuses what a swarm needs.
    #[error("the mesh can't start: {0}")]
    Start(String),
}
