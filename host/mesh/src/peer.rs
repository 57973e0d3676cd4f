//! One identity, two spellings: a device's `did:key` and its libp2p peer id are the same Ed25519 key.

use crate::error::MeshError;
use crate::limits::PORT_PATIENCE;
use libp2p::identity::{Keypair, PublicKey, ed25519};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use std::net::{IpAddr, TcpListener, UdpSocket};
use weft_model::Did;

/// The peer id of a device.
pub fn peer_id(did: &Did) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(did.public()).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// The device of a peer id; none where its key is no Ed25519 key.
pub fn did(peer: &PeerId) -> Option<Did> {
    // An Ed25519 peer id holds the whole key: an identity multihash over its protobuf form.
    let hash = peer.as_ref();
    let key = PublicKey::try_decode_protobuf(hash.digest()).ok()?;
    let key = key.try_into_ed25519().ok()?;
    Some(Did::from_public(key.to_bytes()))
}

/// The key pair of a device from its secret bytes.
pub(crate) fn keypair(mut secret: [u8; 32]) -> Result<Keypair, MeshError> {
    Keypair::ed25519_from_bytes(&mut secret).map_err(|e| MeshError::Start(e.to_string()))
}

/// Reads an address.
///
/// # Errors
/// [`MeshError::Address`].
pub(crate) fn address(text: &str) -> Result<Multiaddr, MeshError> {
    text.parse()
        .map_err(|e: libp2p::multiaddr::Error| MeshError::Address {
            text: text.to_owned(),
            why: e.to_string(),
        })
}

/// Tries the port of an address and gives it back. None: the address says no port of its own, or a host by name.
pub fn try_listen(address: &str) -> Option<std::io::Result<()>> {
    let address: Multiaddr = address.parse().ok()?;
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(TcpListener::bind((ip, port)).map(drop)),
        Protocol::Udp(port) => Some(UdpSocket::bind((ip, port)).map(drop)),
        _ => None,
    }
}

/// Waits until nobody listens at an IPv4 address, such as this process a moment ago: libp2p would share the port with them,
/// and each of the two would get a part of what comes. An IPv6 address may lie beside an IPv4 one on the same port.
///
/// # Errors
/// [`MeshError::Listen`] when somebody still does after [`PORT_PATIENCE`].
pub(crate) async fn free(address: &Multiaddr) -> Result<(), MeshError> {
    if !matches!(address.iter().next(), Some(Protocol::Ip4(_))) {
        return Ok(());
    }
    let address = address.to_string();
    let since = tokio::time::Instant::now();
    while let Some(Err(e)) = try_listen(&address) {
        if since.elapsed() >= PORT_PATIENCE {
            let why = e.to_string();
            return Err(MeshError::Listen { address, why });
        }
        tokio::time::sleep(PORT_PATIENCE / 20).await;
    }
    Ok(())
}

/// Checks an address and gives its usual spelling.
///
/// # Errors
/// [`MeshError::Address`].
pub fn check_address(text: &str) -> Result<String, MeshError> {
    Ok(address(text)?.to_string())
}

/// The address of a lobby beside this one: the same interface, the port above; an unset port stays unset. None for
/// anything but TCP.
pub fn lobby_beside(text: &str) -> Option<String> {
    let mut beside = Multiaddr::empty();
    let mut tcp = false;
    for part in address(text).ok()?.iter() {
        match part {
            Protocol::Tcp(0) => {
                tcp = true;
                beside.push(Protocol::Tcp(0));
            }
            Protocol::Tcp(port) => {
                tcp = true;
                beside.push(Protocol::Tcp(port.checked_add(1)?));
            }
            Protocol::P2p(_) => {}
            other => beside.push(other),
        }
    }
    tcp.then(|| beside.to_string())
}

/// How a connection's address reaches the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// In the same network: a private, link-local or loopback address.
    Lan,
    /// Over the internet, straight.
    Direct,
    /// Through a member that relays.
    Relayed,
}

impl Path {
    /// The word in `peers.path_class`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Direct => "direct",
            Self::Relayed => "relayed",
        }
    }

    /// What an address says.
    pub fn of(address: &Multiaddr) -> Self {
        if address.iter().any(|p| p == Protocol::P2pCircuit) {
            return Self::Relayed;
        }
        let lan = address.iter().any(|part| match part {
            Protocol::Ip4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
            Protocol::Ip6(ip) => {
                ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
            }
            _ => false,
        });
        if lan { Self::Lan } else { Self::Direct }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_found_and_one_that_is_free_stays_free() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let address = format!("/ip4/127.0.0.1/tcp/{port}");
        assert!(try_listen(&address).is_some_and(|tried| tried.is_err()));
        drop(taken);
        for _ in 0..2 {
            assert!(try_listen(&address).is_some_and(|tried| tried.is_ok()));
        }
        let quic = "/ip4/127.0.0.1/udp/0/quic-v1";
        assert!(try_listen(quic).is_some_and(|tried| tried.is_ok()));
        for not_tried in [
            "",
            "/dns4/example.org/tcp/1",
            "/ip4/127.0.0.1/tcp/x",
            "9001",
        ] {
            assert!(try_listen(not_tried).is_none(), "{not_tried}");
        }
    }

    #[test]
    fn one_key_two_spellings() {
        let pair = keypair([7; 32]).unwrap();
        let peer = pair.public().to_peer_id();
        let device = did(&peer).unwrap();
        assert_eq!(peer_id(&device), Some(peer));
    }

    #[test]
    fn paths_by_address() {
        for (text, path) in [
            ("/ip4/192.168.1.4/tcp/9001", Path::Lan),
            ("/ip4/127.0.0.1/udp/9001/quic-v1", Path::Lan),
            ("/ip6/fe80::1/tcp/9001", Path::Lan),
            ("/ip4/203.0.113.9/tcp/9001", Path::Direct),
            (
                "/ip4/192.168.1.4/tcp/9001/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X/p2p-circuit",
                Path::Relayed,
            ),
        ] {
            assert_eq!(Path::of(&address(text).unwrap()), path, "{text}");
        }
    }

    #[test]
    fn the_lobby_stands_beside() {
        assert_eq!(
            lobby_beside("/ip4/0.0.0.0/tcp/9001").as_deref(),
            Some("/ip4/0.0.0.0/tcp/9002")
        );
        assert_eq!(
            lobby_beside("/ip4/127.0.0.1/tcp/0").as_deref(),
            Some("/ip4/127.0.0.1/tcp/0")
        );
        assert_eq!(lobby_beside("/ip4/0.0.0.0/udp/9001/quic-v1"), None);
        assert_eq!(lobby_beside("/ip4/0.0.0.0/tcp/65535"), None);
    }
}
