//! The registry of features: what a scorer or a voting plugin may name. The table for people is wit/features.md;
//! a test compares the two.

use crate::Slot;

/// One feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feature {
    /// Its id, as a release names it.
    pub id: &'static str,
    /// The slot whose plugins can read it.
    pub slot: Slot,
    /// Lowest and highest value.
    pub range: (f64, f64),
}

const fn scorer(id: &'static str, max: f64) -> Feature {
    Feature {
        id,
        slot: Slot::Scorer,
        range: (0.0, max),
    }
}

const fn voter(id: &'static str, max: f64) -> Feature {
    Feature {
        id,
        slot: Slot::Voting,
        range: (0.0, max),
    }
}

/// 2^53, the largest integer that every float around it still tells apart.
const MAX_CREDITS: f64 = 9_007_199_254_740_992.0;

/// All features, in the order of wit/features.md.
pub const ALL: &[Feature] = &[
    scorer("energy.percent_clean", 100.0),
    scorer("energy.source", 9.0),
    scorer("energy.grid_g_per_kwh", 2000.0),
    scorer("energy.battery_percent", 100.0),
    scorer("energy.plugged_in", 1.0),
    scorer("capacity.cpu_free", 4096.0),
    scorer("capacity.memory_free_mb", 1e9),
    scorer("capacity.disk_free_mb", 1e12),
    scorer("capacity.thermal_headroom", 1.0),
    scorer("capacity.idle", 1.0),
    scorer("peer.online", 1.0),
    scorer("peer.is_self", 1.0),
    scorer("peer.queue_depth", 256.0),
    scorer("peer.reputation", 1.0),
    scorer("peer.local_minute", 1439.0),
    scorer("path.class", 3.0),
    scorer("path.rtt_ms", 60_000.0),
    scorer("path.mbit", 1e6),
    scorer("offer.cost", MAX_CREDITS),
    scorer("offer.credit_efficiency", 1.0),
    scorer("offer.eta_ms", 1e12),
    voter("voter.reputation", 100.0),
    voter("voter.donations", MAX_CREDITS),
    voter("voter.contribution", MAX_CREDITS),
    voter("voter.tenure_ms", 1e13),
    voter("voter.tasks", MAX_CREDITS),
];

/// The feature of that id, if a plugin of the slot may read it.
pub fn find(slot: Slot, id: &str) -> Option<&'static Feature> {
    ALL.iter().find(|f| f.slot == slot && f.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_for_people_lists_the_same_ids_in_the_same_order() {
        let page = include_str!("../../../wit/features.md");
        let ids: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let ours: Vec<&str> = ALL.iter().map(|f| f.id).collect();
        assert_eq!(ids, ours);
    }
}
