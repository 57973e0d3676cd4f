//! Bitswap between two nodes of ours, and with a peer that speaks it frame by frame.

use crate::net::{MIB, Node, Over, PATIENCE, Shelf, blocks, cids, shelf};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::StreamProtocol;
use prost::Message as _;
use std::sync::Arc;
use weft_mesh::exchange::bitswap::PROTOCOLS;
use weft_mesh::exchange::bitswap::message::{Message, PresenceType};
use weft_mesh::exchange::{Dropped, Speaks};
use weft_model::{Cid, content};

async fn pair(over: Over, ours: Shelf, theirs: Shelf) -> (Node, Node) {
    let a = Node::start(over, Speaks::BitswapOnly, Arc::new(ours)).await;
    let b = Node::start(over, Speaks::BitswapOnly, Arc::new(theirs)).await;
    a.connect(&b, None).await;
    (a, b)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_at_once() {
    for over in [Over::Tcp, Over::Quic] {
        let (mine, yours) = (blocks(20, MIB), blocks(300, 5_000));
        let node = (
            content::block_cid(content::DAG_PB, b"a node"),
            b"a node".to_vec(),
        );
        let largest = blocks(1, 2 * MIB);
        let mine: Vec<(Cid, Vec<u8>)> = mine.into_iter().chain([node]).chain(largest).collect();
        let (a, b) = pair(over, shelf(&mine), shelf(&yours)).await;
        let (wanted, offered) = (cids(&yours), cids(&mine));
        let (from_a, from_b) = ([&a], [&b]);
        let (to_a, to_b) = tokio::join!(a.fetch(&wanted, &from_b), b.fetch(&offered, &from_a));
        assert_eq!((to_a.0.len(), to_b.0.len()), (300, 22));
        assert!(mine.iter().all(|(cid, bytes)| to_b.0[cid] == bytes[..]));
        assert_eq!(a.bytes_out(), 22 * MIB as u64 + 6, "nothing is sent twice");
        assert_eq!(a.counted("blocks in"), 300);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_is_dropped() {
    let file = blocks(8, 50_000);
    let (client, liar) = pair(
        Over::Tcp,
        Shelf::default(),
        Shelf {
            lies: 3,
            ..shelf(&file)
        },
    )
    .await;
    let honest = Node::start(Over::Tcp, Speaks::BitswapOnly, Arc::new(shelf(&file))).await;
    client.connect(&honest, None).await;
    let (came, report) = client.fetch(&cids(&file), &[&liar, &honest]).await;
    assert_eq!(came.len(), 8);
    let liar = &report.unwrap().seeders[0];
    assert_eq!(liar.dropped(), Some(Dropped::WrongBlock));
    assert_eq!(client.counted("wrong blocks"), 1);
}

/// Asks by hand on one stream, reads the answers on the stream that the node opens.
#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_the_protocol_is_answered_in_its_own_way() {
    for protocol in PROTOCOLS {
        let file = blocks(2, 1000);
        let node = Node::start(Over::Tcp, Speaks::All, Arc::new(shelf(&file))).await;
        let stranger = Bare::connected_to(&node, protocol).await;
        let missing = content::raw_cid(b"not here");
        let mut control = stranger.control.clone();
        let mut stream = control
            .open_stream(node.id, StreamProtocol::new(protocol))
            .await
            .unwrap();
        let message = Message::wants(&[file[0].0, missing, file[1].0]);
        stream
            .write_all(&message.encode_length_delimited_to_vec())
            .await
            .unwrap();
        stream.flush().await.unwrap();
        let is_legacy = protocol == "/ipfs/bitswap";
        let (mut blocks, mut missing_told) = (Vec::new(), 0);
        let mut answers = stranger.incoming;
        let (_, mut answer) = tokio::time::timeout(PATIENCE, answers.next())
            .await
            .unwrap()
            .unwrap();
        while blocks.len() < 2 || missing_told < usize::from(!is_legacy) {
            let message = read(&mut answer).await;
            assert!(message.payload.is_empty() || !is_legacy);
            blocks.extend(message.blocks);
            blocks.extend(message.payload.into_iter().map(|block| block.data));
            missing_told += message
                .presences
                .iter()
                .filter(|p| p.presence == i32::from(PresenceType::DontHave))
                .count();
        }
        blocks.sort_unstable_by_key(|block| *block != file[0].1[..]);
        assert_eq!(blocks, [&file[0].1[..], &file[1].1[..]]);
        assert_eq!(missing_told, usize::from(!is_legacy));
    }
}

/// A swarm without an exchange that takes streams of one protocol.
struct Bare {
    control: libp2p_stream::Control,
    incoming: libp2p_stream::IncomingStreams,
}

impl Bare {
    async fn connected_to(node: &Node, protocol: &'static str) -> Self {
        let (_, mut control) = crate::hostile::bare(node).await;
        let incoming = control.accept(StreamProtocol::new(protocol)).unwrap();
        Self { control, incoming }
    }
}

async fn read(stream: &mut libp2p::Stream) -> Message {
    let reading = async {
        let length = unsigned_varint::aio::read_usize(&mut *stream)
            .await
            .unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        Message::decode(&body[..]).unwrap()
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}
