//! Peers, their ranking, permits.

use super::style::{DIM, HEAD, count, known, number, paint, short};
use super::table::{Rows, pairs, plain, styled};
use std::collections::BTreeSet;
use std::iter;
use weft_api::report::{BestReport, PeerReport, PermitReport, RankedReport};

/// Candidates side by side; more make a table wider than a terminal.
const CANDIDATES_PER_TABLE: usize = 4;

/// Peers.
pub fn list(peers: &[PeerReport]) -> String {
    if peers.is_empty() {
        return "no peers; `weft peer add` registers one\n".into();
    }
    let mut rows = Rows::new(&[
        "PEER", "ENERGY", ">CLEAN %", ">G/KWH", ">CORES", ">MEM MB", "UP", "KNOWN",
    ]);
    for peer in peers {
        let name = match &peer.alias {
            Some(alias) if *alias != peer.peer => format!("{alias} ({})", peer.peer),
            _ => peer.peer.clone(),
        };
        rows.push(vec![
            plain(name),
            plain(&peer.energy_type),
            plain(known(peer.percent_clean, 1)),
            plain(known(peer.grid_g_per_kwh, 0)),
            plain(known(peer.cpu_free, 1)),
            plain(known(peer.memory_free_mb, 0)),
            plain(if peer.online { "yes" } else { "no" }),
            styled(DIM, &peer.known),
        ]);
    }
    rows.text()
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
