//! Content exchange between real swarms on loopback, over TCP and QUIC: whole, verified, shared, and unharmed by others.

#[path = "exchange/hostile.rs"]
mod hostile;
#[path = "exchange/net.rs"]
mod net;
#[path = "exchange/swap.rs"]
mod swap;

use libp2p::PeerId;
use net::{MIB, Node, Over, PATIENCE, Proxy, Shelf, blocks, cids, shelf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, watch};
use weft_mesh::exchange::{Bytes, Dropped, FetchError, More, Report, Speaks};
use weft_model::{Cid, content};

const BOTH: [Over; 2] = [Over::Tcp, Over::Quic];

async fn seeder(over: Over, shelf: Shelf) -> Node {
    Node::start(over, Speaks::All, Arc::new(shelf)).await
}

async fn client(over: Over, seeders: &[&Node]) -> Node {
    let client = seeder(over, Shelf::default()).await;
    for seeder in seeders {
        client.connect(seeder, None).await;
    }
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_mebibytes_from_one_seeder() {
    for over in BOTH {
        let file = blocks(64, MIB);
        let source = seeder(over, shelf(&file)).await;
        let client = client(over, &[&source]).await;
        let (came, report) = client.fetch(&cids(&file), &[&source]).await;
        assert_eq!(report.unwrap().blocks, 64);
        assert!(file.iter().all(|(cid, bytes)| came[cid] == bytes[..]));
        assert_eq!(source.bytes_out(), 64 * MIB as u64);
        assert_eq!(
            (client.counted("blocks in"), client.counted("wrong blocks")),
            (64, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_seeders_share_the_work_and_little_is_sent_twice() {
    let file = blocks(64, MIB);
    let mut sources = Vec::new();
    for _ in 0..3 {
        sources.push(seeder(Over::Tcp, shelf(&file)).await);
    }
    let client = client(Over::Tcp, &[]).await;
    let mut proxies = Vec::new();
    for source in &sources {
        let proxy = Proxy::to(source).await;
        client.connect(source, Some(proxy.address.clone())).await;
        proxies.push(proxy);
    }
    let (came, report) = client
        .fetch(&cids(&file), &sources.iter().collect::<Vec<_>>())
        .await;
    assert_eq!((came.len(), report.unwrap().blocks), (64, 64));
    let wire: u64 = proxies
        .iter()
        .map(|proxy| proxy.carried.load(Ordering::Relaxed))
        .sum();
    let share = wire as f64 / (64 * MIB) as f64;
    println!("bytes on the wire: {share:.4} of the content");
    assert!(share <= 1.05, "{share}");
    assert!(
        sources
            .iter()
            .all(|source| source.counted("blocks out") >= 5)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_seeders_share_the_work_over_quic() {
    let file = blocks(64, MIB);
    let mut sources = Vec::new();
    for _ in 0..3 {
        sources.push(seeder(Over::Quic, shelf(&file)).await);
    }
    let all: Vec<&Node> = sources.iter().collect();
    let (came, report) = client(Over::Quic, &all)
        .await
        .fetch(&cids(&file), &all)
        .await;
    assert_eq!((came.len(), report.unwrap().blocks), (64, 64));
    assert!(
        sources
            .iter()
            .all(|source| source.counted("blocks out") >= 5)
    );
    assert!(sources.iter().map(Node::bytes_out).sum::<u64>() as f64 <= 1.05 * (64 * MIB) as f64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_is_dropped_and_the_file_is_whole() {
    for over in BOTH {
        let file = blocks(24, MIB);
        let liar = seeder(
            over,
            Shelf {
                lies: 2,
                ..shelf(&file)
            },
        )
        .await;
        let honest = seeder(over, shelf(&file)).await;
        let client = client(over, &[&liar, &honest]).await;
        let (came, report) = client.fetch(&cids(&file), &[&liar, &honest]).await;
        assert_eq!(came.len(), 24);
        assert_eq!(
            report.unwrap().seeders[0].dropped(),
            Some(Dropped::WrongBlock)
        );
        assert!(client.counted("wrong blocks") >= 1);
        assert_eq!(client.counted("dropped: wrong block"), 1);
        let (_, alone) = client.fetch(&cids(&file), &[&liar]).await;
        let error = alone.unwrap_err();
        assert!(matches!(error, FetchError::NoSeeders { .. }), "{error}");
        assert!(error.to_string().contains("wrong block"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_seeder_holds_nothing_up() {
    let file = blocks(24, MIB);
    let silent = shelf(&file);
    let gate = silent.gate.clone();
    let silent = seeder(Over::Tcp, silent).await;
    let other = seeder(Over::Tcp, shelf(&file)).await;
    let client = client(Over::Tcp, &[&silent, &other]).await;
    let closed = gate.write().await;
    let (came, report) = client.fetch(&cids(&file), &[&silent, &other]).await;
    assert_eq!((came.len(), report.unwrap().seeders[0].blocks), (24, 0));
    let (_, alone) = client.fetch(&cids(&file), &[&silent]).await;
    let error = alone.unwrap_err().to_string();
    assert!(
        error.contains("silent") && error.contains(&file[0].0.to_string()),
        "{error}"
    );
    assert_eq!(client.counted("dropped: silent"), 1);
    drop(closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seeder_killed_in_the_middle_costs_only_its_blocks() {
    for over in BOTH {
        let file = blocks(48, MIB);
        let mut dies = seeder(over, shelf(&file)).await;
        let stays = seeder(over, shelf(&file)).await;
        let client = client(over, &[&dies, &stays]).await;
        let id = dies.id;
        let (more, wants) = mpsc::channel(1);
        more.send(More::Blocks(cids(&file))).await.unwrap();
        drop(more);
        let (out, mut taken) = mpsc::channel::<(Cid, Bytes)>(1);
        let progress = watch::channel(Report::default()).0;
        let seeders = vec![id, stays.id];
        let taking = async {
            let mut n = 0;
            while taken.recv().await.is_some() {
                n += 1;
                if n == 10 {
                    dies.kill();
                }
            }
            n
        };
        let both = async {
            tokio::join!(
                client.exchange.fetch(wants, seeders, out, &progress),
                taking
            )
        };
        let (report, taken) = tokio::time::timeout(PATIENCE, both).await.unwrap();
        assert_eq!((report.unwrap().blocks, taken), (48, 48));
        assert!(
            stays.counted("blocks out") < 48,
            "the other one gave some before it died"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_found_where_they_are_and_a_missing_one_is_named() {
    let file = blocks(40, 64 * 1024);
    let (even, odd): (Vec<_>, Vec<_>) = file
        .iter()
        .cloned()
        .enumerate()
        .partition(|(i, _)| i % 2 == 0);
    let part = |half: Vec<(usize, _)>| half.into_iter().map(|(_, block)| block).collect::<Vec<_>>();
    let even = seeder(Over::Tcp, shelf(&part(even))).await;
    let odd = seeder(Over::Tcp, shelf(&part(odd))).await;
    let client = client(Over::Tcp, &[&even, &odd]).await;
    let (came, report) = client.fetch(&cids(&file), &[&even, &odd]).await;
    assert_eq!((came.len(), report.unwrap().blocks), (40, 40));
    let missing = content::raw_cid(b"nobody has this");
    let (_, result) = client.fetch(&[file[0].0, missing], &[&even, &odd]).await;
    match result {
        Err(FetchError::NotFound { cid, report }) => {
            assert_eq!(cid, missing);
            assert!(
                report
                    .seeders
                    .iter()
                    .all(|seeder| seeder.dropped().is_none())
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wants_and_seeders_are_added_while_it_runs() {
    let file = blocks(30, 128 * 1024);
    let first = seeder(Over::Quic, shelf(&file[..1])).await;
    let second = seeder(Over::Quic, shelf(&file)).await;
    let client = client(Over::Quic, &[&first, &second]).await;
    let (more, wants) = mpsc::channel(1);
    let (out, mut taken) = mpsc::channel::<(Cid, Bytes)>(1);
    let progress = watch::channel(Report::default()).0;
    let walking = async {
        more.send(More::Blocks(vec![file[0].0])).await.unwrap();
        assert_eq!(taken.recv().await.unwrap().0, file[0].0);
        more.send(More::Seeders(vec![second.id])).await.unwrap();
        more.send(More::Blocks(cids(&file))).await.unwrap();
        drop(more);
        let mut n = 1;
        while taken.recv().await.is_some() {
            n += 1;
        }
        n
    };
    let both = async {
        tokio::join!(
            client.exchange.fetch(wants, vec![first.id], out, &progress),
            walking
        )
    };
    let (report, taken) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert_eq!(
        (report.unwrap().wanted, taken),
        (30, 30),
        "what was wanted twice comes once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_given_nothing_and_told_nothing() {
    for speaks in [Speaks::All, Speaks::BitswapOnly] {
        let file = blocks(4, 1000);
        let shelf = Arc::new(shelf(&file));
        let source = Node::start(Over::Tcp, speaks, shelf.clone()).await;
        let (friend, stranger) = (
            client(Over::Tcp, &[&source]).await,
            client(Over::Tcp, &[&source]).await,
        );
        shelf.banned.lock().unwrap().insert(stranger.id);
        let (came, result) = stranger.fetch(&cids(&file), &[&source]).await;
        assert!(came.is_empty());
        assert!(
            matches!(result, Err(FetchError::NotFound { .. })),
            "{result:?}"
        );
        assert_eq!(source.bytes_out(), 0);
        assert_eq!(friend.fetch(&cids(&file), &[&source]).await.0.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_fetch_leaves_nothing_behind() {
    let file = blocks(64, MIB);
    let source = seeder(Over::Tcp, shelf(&file)).await;
    let client = client(Over::Tcp, &[&source]).await;
    for _ in 0..5 {
        let (more, wants) = mpsc::channel(1);
        more.send(More::Blocks(cids(&file))).await.unwrap();
        let (out, mut taken) = mpsc::channel::<(Cid, Bytes)>(1);
        let progress = watch::channel(Report::default()).0;
        let fetching = client
            .exchange
            .fetch(wants, vec![source.id], out, &progress);
        tokio::select! {
            ended = fetching => panic!("{ended:?}"),
            first = taken.recv() => assert!(first.is_some()),
        }
    }
    let (came, _) = client.fetch(&cids(&file), &[&source]).await;
    assert_eq!(came.len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_fetches_than_streams_all_end() {
    let file = blocks(60, 100_000);
    let source = seeder(Over::Tcp, shelf(&file)).await;
    let client = client(Over::Tcp, &[&source]).await;
    let fetch = |part: usize| {
        let wanted = cids(&file[part * 10..(part + 1) * 10]);
        let (client, source) = (&client, &source);
        async move { client.fetch(&wanted, &[source]).await.0.len() }
    };
    let done = futures::future::join_all((0..6).map(fetch)).await;
    assert_eq!(done, [10; 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_nowhere_ends_the_fetch() {
    let client = client(Over::Tcp, &[]).await;
    let (_, result) = client
        .fetch_from(&[content::raw_cid(b"x")], vec![PeerId::random()])
        .await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("unreachable"), "{error}");
}
