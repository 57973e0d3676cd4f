//! Which addresses are worth telling others, and in which order. Pure.

use crate::limits::{ADDRESSES, ADDRESSES_PER_PATH};
use crate::peer::Path;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// Whether an address goes through a relay.
pub(crate) fn is_circuit(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// Whether an address is of QUIC, and not of TCP.
pub(crate) fn is_quic(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::QuicV1)
}

/// Whether an address begins with where a machine is, and not with what it is: observers of a relayed connection name the
/// peer alone.
pub(crate) fn has_place(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified(),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)) => {
            true
        }
        _ => false,
    }
}

/// Those of a device's addresses that others can use, each once: without those that name no place, and without loopback
/// where there is anything else (devices on one machine have nothing else). Straight ones over the internet first, then
/// those of the local network, then relayed ones; at most [`ADDRESSES_PER_PATH`] of each.
pub(crate) fn tellable<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> Vec<Multiaddr> {
    let mut all: Vec<&Multiaddr> = Vec::new();
    for address in addresses {
        if has_place(address) && !all.contains(&address) {
            all.push(address);
        }
    }
    if all.iter().any(|address| !is_loopback(address)) {
        all.retain(|address| !is_loopback(address));
    }
    let of = |path| {
        let some = all.iter().filter(move |a| Path::of(a) == path);
        some.take(ADDRESSES_PER_PATH).map(|a| (*a).clone())
    };
    let mut told: Vec<Multiaddr> = of(Path::Direct).chain(of(Path::Lan)).collect();
    told.extend(of(Path::Relayed));
    told.truncate(ADDRESSES);
    told
}

fn is_loopback(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: &str = "p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X/p2p-circuit";

    fn check(from: &[&str], to: &[&str]) {
        let from: Vec<Multiaddr> = from.iter().map(|a| a.parse().unwrap()).collect();
        let told: Vec<String> = tellable(&from).iter().map(ToString::to_string).collect();
        assert_eq!(told, to);
    }

    #[test]
    fn only_what_others_can_use_is_told() {
        let circuit = format!("/ip4/198.51.100.7/tcp/9001/{RELAY}");
        let nowhere = format!("/{RELAY}");
        check(
            &[
                "/ip4/127.0.0.1/tcp/9001",
                "/ip4/192.168.1.2/tcp/9001",
                &circuit,
                "/ip4/198.51.100.9/tcp/9001",
                "/ip4/198.51.100.9/tcp/9001",
                &nowhere,
                "/ip4/0.0.0.0/tcp/9001",
                "/ip6/::/tcp/9001",
                "/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X",
                "/dns4/weft.example.com/tcp/9001",
            ],
            &[
                "/ip4/198.51.100.9/tcp/9001",
                "/dns4/weft.example.com/tcp/9001",
                "/ip4/192.168.1.2/tcp/9001",
                &circuit,
            ],
        );
    }

    #[test]
    fn loopback_is_told_where_there_is_nothing_else() {
        let loopback = ["/ip4/127.0.0.1/tcp/9001", "/ip6/::1/tcp/9001"];
        check(&loopback, &loopback);
        check(
            &["/ip6/::1/tcp/9001", "/ip4/10.0.0.1/tcp/9001"],
            &["/ip4/10.0.0.1/tcp/9001"],
        );
    }

    #[test]
    fn many_interfaces_leave_room_for_relays() {
        let circuit = format!("/ip4/198.51.100.7/tcp/9001/{RELAY}");
        let many: Vec<String> = (0..99)
            .map(|n| format!("/ip4/10.0.0.{n}/tcp/9001"))
            .collect();
        let mut all: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut told = all[..ADDRESSES_PER_PATH].to_vec();
        all.push(&circuit);
        told.push(&circuit);
        check(&all, &told);
    }
}
