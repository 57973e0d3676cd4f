//! The same work done by several sides in turn, and what it took each of them.

use crate::side::Side;
use crate::work::Reply;
use weft_bench::{Report, of_samples};

/// Has all sides do the work in turn, round by round, after a first round that is thrown away.
pub fn rounds(sides: &mut [Side], work: &str, times: usize) -> Vec<Vec<Reply>> {
    let mut all = vec![Vec::new(); sides.len()];
    for round in 0..=times {
        for (side, replies) in sides.iter_mut().zip(&mut all) {
            let reply = side.ask(work);
            if round > 0 {
                replies.push(reply);
            }
        }
    }
    all
}

/// The middle one.
pub fn median(replies: &[Reply], of: fn(&Reply) -> u64) -> u64 {
    of_samples(replies.iter().map(of).collect()).median_ns
}

/// What was compared.
pub struct Compared {
    /// The work.
    pub what: &'static str,
    /// What is counted a second, and how many of them a piece of work is.
    pub unit: &'static str,
    pub units: f64,
}

impl Compared {
    /// A row for each side; the last one is that of the first side, with its processor time to that of the others.
    pub fn add(&self, report: &mut Report, sides: &[Side], replies: &[Vec<Reply>]) {
        for (side, replies) in sides.iter().zip(replies).rev() {
            let wall = of_samples(replies.iter().map(|reply| reply.ns).collect());
            let cpu = median(replies, |reply| reply.cpu_ns);
            let ms = |ns: u64| ns as f64 / 1e6;
            report.values(
                &format!("{}, {}", self.what, side.name),
                &[
                    ("median_ms", ms(wall.median_ns)),
                    ("cpu_ms", ms(cpu)),
                    ("min_ms", ms(wall.min_ns)),
                    ("max_ms", ms(wall.max_ns)),
                    (self.unit, self.units / wall.median_ns as f64 * 1e9),
                    ("per_cpu_s", self.units / cpu as f64 * 1e9),
                    ("rounds", replies.len() as f64),
                ],
            );
        }
        let own = median(&replies[0], |reply| reply.cpu_ns) as f64;
        for (side, replies) in sides.iter().zip(replies).skip(1) {
            let other = median(replies, |reply| reply.cpu_ns) as f64;
            report.and(side.ratio, own / other);
        }
    }
}
