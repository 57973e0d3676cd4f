//! Peers that write what is no protocol: each loses its stream, is counted, and disturbs nobody.

use crate::net::{MIB, Node, Over, PATIENCE, Shelf, blocks, cids, shelf};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{PeerId, StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use libp2p_stream::Control;
use std::sync::Arc;
use std::time::Duration;
use weft_mesh::exchange::{Dropped, Speaks, bitswap, wire};

/// A swarm without an exchange, connected to this node.
pub async fn bare(node: &Node) -> (PeerId, Control) {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            tcp::Config::default(),
            noise::Config::new,
            yamux::Config::default,
        )
        .unwrap()
        .with_quic()
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .unwrap()
        .with_swarm_config(|c| c.with_idle_connection_timeout(PATIENCE))
        .build();
    let (id, control) = (*swarm.local_peer_id(), swarm.behaviour().new_control());
    swarm
        .dial(node.address.clone().with(Protocol::P2p(node.id)))
        .unwrap();
    while !matches!(
        swarm.select_next_some().await,
        SwarmEvent::ConnectionEstablished { .. }
    ) {}
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    node.until_connected(id).await;
    (id, control)
}

/// A length as the protocols write it.
fn length(n: usize) -> Vec<u8> {
    unsigned_varint::encode::usize(n, &mut unsigned_varint::encode::usize_buffer()).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_oversize_and_half_frames_leave_the_server_serving() {
    let file = blocks(8, MIB);
    let weft = wire::PROTOCOL;
    let cases: [(&'static str, Vec<u8>, bool, &str); 9] = [
        (weft, vec![0xff; 400], true, "refused: garbled"),
        (
            weft,
            [length(5), vec![9, 9, 9, 9, 9]].concat(),
            true,
            "refused: garbled",
        ),
        (weft, length(100 * MIB), true, "refused: oversize"),
        (
            weft,
            [length(50), vec![36, 1, 0x55]].concat(),
            true,
            "refused: garbled",
        ),
        (
            weft,
            [length(50), vec![36, 1, 0x55]].concat(),
            false,
            "refused: stalled",
        ),
        (
            bitswap::PROTOCOLS[0],
            vec![0xff; 400],
            true,
            "refused: garbled",
        ),
        (
            bitswap::PROTOCOLS[0],
            [length(5), vec![0xff; 5]].concat(),
            true,
            "refused: garbled",
        ),
        (
            bitswap::PROTOCOLS[1],
            length(5 * MIB),
            true,
            "refused: oversize",
        ),
        (
            bitswap::PROTOCOLS[2],
            [length(50), vec![0x0a, 48]].concat(),
            true,
            "refused: garbled",
        ),
    ];
    for over in [Over::Tcp, Over::Quic] {
        let source = Node::start(over, Speaks::All, Arc::new(shelf(&file))).await;
        let client = Node::start(over, Speaks::All, Arc::new(Shelf::default())).await;
        client.connect(&source, None).await;
        for (protocol, bytes, closes, counted) in &cases {
            // The slow case once is enough.
            if !closes && over == Over::Quic {
                continue;
            }
            let before = source.counted(counted);
            let (_, mut control) = bare(&source).await;
            let mut stream = control
                .open_stream(source.id, StreamProtocol::new(protocol))
                .await
                .unwrap();
            stream.write_all(bytes).await.unwrap();
            stream.flush().await.unwrap();
            if *closes {
                stream.close().await.ok();
            }
            source.until_counted(counted, before + 1).await;
            // The stream ends for the peer, too.
            let ended = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 8]))
                .await
                .expect("closed in time");
            assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
        }
        assert_eq!(client.fetch(&cids(&file), &[&source]).await.0.len(), 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_peer_are_bounded_and_others_are_served_beside_them() {
    let file = blocks(8, MIB);
    let source = Node::start(Over::Tcp, Speaks::All, Arc::new(shelf(&file))).await;
    let client = Node::start(Over::Tcp, Speaks::All, Arc::new(Shelf::default())).await;
    client.connect(&source, None).await;
    let (_, mut control) = bare(&source).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        // It asks for everything and reads nothing.
        let mut stream = control
            .open_stream(source.id, StreamProtocol::new(wire::PROTOCOL))
            .await
            .unwrap();
        stream.write_all(&wire::wants(&cids(&file))).await.ok();
        stream.flush().await.ok();
        streams.push(stream);
    }
    source
        .until_counted("refused: too many streams of one peer", 5)
        .await;
    let (wanted, seeders) = (cids(&file), [&source]);
    let fetch = client.fetch(&wanted, &seeders);
    let fetch = tokio::time::timeout(Duration::from_secs(30), fetch);
    assert_eq!(
        fetch
            .await
            .expect("no waiting for who reads nothing")
            .0
            .len(),
        8
    );
}

/// A seeder that answers with what is no frame, or with what was not asked, is dropped; the others do its work.
#[tokio::test(flavor = "multi_thread")]
async fn a_seeder_that_breaks_the_protocol_is_dropped() {
    // So many that the honest one is not done before the other has answered at all.
    let file = blocks(400, 10_000);
    let other = blocks(20, 5);
    let answers = [
        vec![0xff; 400],
        length(100 * MIB),
        [wire::answer_head(&other[9].0, Some(5)), other[9].1.clone()].concat(),
    ];
    for (case, answer) in answers.into_iter().enumerate() {
        let source = Node::start(Over::Tcp, Speaks::All, Arc::new(shelf(&file))).await;
        let client = Node::start(Over::Tcp, Speaks::All, Arc::new(Shelf::default())).await;
        client.connect(&source, None).await;
        let (id, mut breaker) = bare(&client).await;
        let mut incoming = breaker.accept(StreamProtocol::new(wire::PROTOCOL)).unwrap();
        let breaking = tokio::spawn(async move {
            let (_, mut stream) = incoming.next().await.unwrap();
            stream.write_all(&answer).await.unwrap();
            stream.flush().await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.ok();
        });
        let (came, report) = client.fetch_from(&cids(&file), vec![id, source.id]).await;
        assert_eq!(came.len(), file.len());
        let dropped = report.unwrap().seeders[0].dropped();
        assert_eq!(dropped, Some(Dropped::Garbled), "case {case}");
        breaking.abort();
    }
}
