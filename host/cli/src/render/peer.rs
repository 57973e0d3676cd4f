//! Peers, their ranking, permits.

use super::style::{DIM, GOOD, HEAD, count, known, number, paint, short};
use super::table::{Rows, pairs, plain, styled};
use std::collections::BTreeSet;
use std::iter;
use weft_api::report::{BestReport, PeerReport, PermitReport, RankedReport};

/// Candidates side by side; more make a table wider than a terminal.
const CANDIDATES_PER_TABLE: usize = 4;
/// Characters of a key that tell it from another one.
const TAIL_CHARS: usize = 6;

/// Peers.
pub fn list(peers: &[PeerReport]) -> String {
    if peers.is_empty() {
        return "no peers; `weft peer add` registers one\n".into();
    }
    let mut rows = Rows::new(&[
        "PEER", "ENERGY", ">CLEAN %", ">G/KWH", ">CORES", ">MEM MB", "UP", ">MS",
    ]);
    for (peer, called) in peers.iter().zip(names(peers)) {
        let battery = peer.battery_percent.map(|b| format!(" {}%", number(b, 0)));
        rows.push(vec![
            plain(called),
            plain(format!(
                "{}{}",
                peer.energy_type,
                battery.unwrap_or_default()
            )),
            plain(known(peer.percent_clean, 1)),
            plain(known(peer.grid_g_per_kwh, 0)),
            plain(known(peer.cpu_free, 1)),
            plain(known(peer.memory_free_mb, 0)),
            match peer.path.as_deref() {
                _ if !peer.online => styled(DIM, "no"),
                path => styled(GOOD, path.unwrap_or("yes")),
            },
            plain(known(peer.rtt_ms.filter(|_| peer.online), 0)),
        ]);
    }
    let known: BTreeSet<&str> = peers.iter().map(|p| p.known.as_str()).collect();
    let known: Vec<&str> = known.into_iter().collect();
    let note = format!("energy and capacity: {}", known.join(", "));
    rows.text() + &format!("{}\n", paint(DIM, &note))
}

/// What people call each peer; JSON has their whole ids. Two that would be called the same are told apart by their keys.
fn names(peers: &[PeerReport]) -> Vec<String> {
    let names: Vec<String> = peers.iter().map(name).collect();
    let twice = |name: &String| names.iter().filter(|n| *n == name).count() > 1;
    let tell_apart = |(peer, name): (&PeerReport, &String)| {
        if twice(name) {
            format!("{name} {}", tail(&peer.peer))
        } else {
            name.clone()
        }
    };
    peers.iter().zip(&names).map(tell_apart).collect()
}

/// A peer's alias, else whose device it is and what it calls itself, else the end of its key.
fn name(peer: &PeerReport) -> String {
    match (&peer.alias, &peer.user) {
        (Some(alias), _) => alias.clone(),
        (None, Some(user)) => {
            let device = peer.name.as_deref().unwrap_or_else(|| tail(&peer.peer));
            format!("{user} {device}")
        }
        (None, None) => short(&peer.peer),
    }
}

/// The end of a key, by which `weft devices revoke` knows it, too.
fn tail(id: &str) -> &str {
    let at = id.char_indices().rev().nth(TAIL_CHARS - 1);
    at.map_or(id, |(at, _)| &id[at..])
}

/// A ranking, and what the scorer saw.
pub fn best(best: &BestReport) -> String {
    if best.ranking.is_empty() {
        return "no candidates\n".into();
    }
    let mut text = match best
        .ranking
        .iter()
        .find(|r| r.out.is_none() && r.score.is_some())
    {
        Some(first) => format!("best is {}\n", paint(HEAD, &first.peer)),
        None => "no candidate can run it now\n".into(),
    };
    text.push_str(&pairs(&[(
        "by",
        format!(
            "{} {} ({})",
            best.scorer,
            short(&best.scorer_cid),
            count(best.ranking.len(), "candidate")
        ),
    )]));
    let mut rows = Rows::new(&[">#", "CANDIDATE", ">SCORE", "NOT PICKED BECAUSE IT"]);
    for (at, candidate) in best.ranking.iter().enumerate() {
        rows.push(vec![
            plain(at + 1),
            plain(&candidate.peer),
            plain(candidate.score.map_or_else(|| "-".into(), |s| number(s, 2))),
            styled(DIM, candidate.out.as_deref().unwrap_or_default()),
        ]);
    }
    text.push('\n');
    text.push_str(&rows.text());
    text.push_str(&features(&best.ranking));
    text
}

/// What the scorer read: a row per feature, a column per candidate; `?` is unknown to it.
fn features(ranking: &[RankedReport]) -> String {
    let names: BTreeSet<&String> = ranking.iter().flat_map(|r| r.features.keys()).collect();
    if names.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for some in ranking.chunks(CANDIDATES_PER_TABLE) {
        let heads: Vec<String> = some.iter().map(|r| format!(">{}", r.peer)).collect();
        let heads: Vec<&str> = iter::once("SEEN")
            .chain(heads.iter().map(String::as_str))
            .collect();
        let mut rows = Rows::new(&heads);
        for name in &names {
            let value = |r: &RankedReport| plain(known(r.features.get(*name).copied(), 2));
            rows.push(
                iter::once(plain(name))
                    .chain(some.iter().map(value))
                    .collect(),
            );
        }
        text.push('\n');
        text.push_str(&rows.text());
    }
    text
}

/// Permits.
pub fn permits(permits: &[PermitReport]) -> String {
    if permits.is_empty() {
        return "no permits: no peer may run a task; `weft permit add` grants one\n".into();
    }
    let mut rows = Rows::new(&["PEER", "USER", "TASK"]);
    for permit in permits {
        rows.push(vec![
            plain(&permit.peer),
            plain(&permit.user),
            plain(&permit.task),
        ]);
    }
    rows.text()
}
