//! Real nodes in networks as people have them: behind routers that translate addresses, cut off, offline, without an
//! address. What is asserted is what `weft mesh status` and `weft peers` say.

#[path = "net/cuts.rs"]
mod cuts;
#[path = "net/jobs.rs"]
mod jobs;
#[path = "net/nat.rs"]
mod nat;
#[path = "net/router.rs"]
mod router;

use weft_net::Node;

const BOB: &str = "bob@example.com";
const CAROL: &str = "carol@example.com";

/// Waits until each is connected to all others.
#[track_caller]
fn meet(nodes: &[&Node]) {
    let others = nodes.len() as u64 - 1;
    for node in nodes {
        weft_kit::wait("each node is connected to all others", || {
            (node.count("connected") == others).then_some(())
        });
    }
}

/// Waits until all have the same log.
#[track_caller]
fn agree(nodes: &[&Node]) {
    weft_kit::wait("all nodes have the same log", || {
        let mut digests = nodes.iter().map(|node| node.digest());
        let first = digests.next();
        digests.all(|digest| Some(digest) == first).then_some(())
    });
}

/// Makes an event of the log.
#[track_caller]
fn speak(node: &Node, name: &str) {
    node.json(["vote", "open", name, "--minutes", "30"]);
}
