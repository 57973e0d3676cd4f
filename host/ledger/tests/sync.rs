//! Log synchronisation: its rules one by one, and a random network of real services.

mod common;
mod sync {
    mod blame;
    pub mod network;
    mod rules;
    mod talk;
}

use common::Net;
use sync::network::{Hits, Network};
use weft_ledger::MemberRole::{Admin, Member};

/// Runs these seeds and says how often they met what is hard.
fn run(seeds: std::ops::Range<u64>) -> Hits {
    let start = Net::with(&[Admin, Member, Member]);
    let mut all = Hits::default();
    for seed in seeds {
        let result = std::panic::catch_unwind(|| {
            let mut network = Network::new(seed, &start);
            network.live(16);
            network.end();
            network.heal();
            network.check();
            network.hits
        });
        let hits = result.unwrap_or_else(|_| panic!("seed {seed}"));
        all.forks += hits.forks;
        all.proofs += hits.proofs;
        all.partitions += hits.partitions;
        all.losses += hits.losses;
        all.doubles += hits.doubles;
        all.restarts += hits.restarts;
        all.late_starts += hits.late_starts;
        all.waited += hits.waited;
        all.removals += hits.removals;
        all.revocations += hits.revocations;
        all.skews += hits.skews;
        all.unentangled += hits.unentangled;
    }
    all
}

#[test]
fn all_agree_after_any_trouble() {
    let hits = run(0..2_000);
    println!("{hits:?}");
    // The runs are worth something only if they met what is hard.
    assert!(hits.forks >= 500 && hits.proofs >= 2_000, "{hits:?}");
    assert!(
        hits.partitions >= 1_000 && hits.losses >= 10_000,
        "{hits:?}"
    );
    assert!(
        hits.restarts >= 1_000 && hits.late_starts >= 300,
        "{hits:?}"
    );
    assert!(hits.doubles >= 1_000 && hits.waited >= 5_000, "{hits:?}");
    assert!(hits.removals >= 30 && hits.revocations >= 100, "{hits:?}");
    assert!(hits.skews >= 1_000 && hits.unentangled >= 100, "{hits:?}");
}
