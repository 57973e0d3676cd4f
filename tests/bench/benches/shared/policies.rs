//! The committed components, compiled, and made-up peers for them to judge.

use std::sync::Arc;
use weft_engine::policy::PolicyLimits;
use weft_engine::{Active, Policy, PolicyEngine};
use weft_model::content;

/// The bytes of a committed component.
pub fn component(name: &str) -> &'static [u8] {
    weft_bundle::component(name)
        .unwrap_or_else(|| panic!("the bundle holds no `{name}`"))
        .bytes
}

/// A committed policy, compiled.
#[allow(dead_code, reason = "a benchmark that shares this may use none of it")]
pub fn policy(engine: &PolicyEngine, name: &str) -> Arc<Policy> {
    let policy = engine.compile(component(name), PolicyLimits::default());
    Arc::new(policy.unwrap_or_else(|e| panic!("`{name}` does not compile: {e}")))
}

/// A policy as a slot's table holds it. `version` goes into its name.
#[allow(dead_code, reason = "not every benchmark makes a table")]
pub fn active(name: &str, version: &str, features: &[&str], policy: Arc<Policy>) -> Arc<Active> {
    Arc::new(Active {
        release: content::raw_cid(component(name)),
        name: version.to_owned(),
        config: Vec::new(),
        features: features.iter().map(|f| (*f).to_owned()).collect(),
        policy,
    })
}

/// A number from 0 to 1 that depends on its arguments alone.
pub fn unit(seed: u64, row: u64) -> f64 {
    // Steele, Lea and Flood 2014: splitmix64.
    let mut x = (seed << 40 ^ row).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ x >> 31) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A made-up peer's value of a feature; what a peer does not say is unknown. Most peers can take a task, some can't.
#[allow(dead_code, reason = "not every benchmark has peers")]
pub fn peer(feature: &str, row: usize) -> Option<f64> {
    let seed = feature.bytes().map(u64::from).sum();
    let x = unit(seed, row as u64);
    Some(match feature {
        "peer.online" => f64::from(u8::from(x > 0.05)),
        "path.class" => (x * 4.0).floor(),
        "path.rtt_ms" => x * 200.0,
        "capacity.cpu_free" => (x * 16.0).floor(),
        "capacity.memory_free_mb" => x * 16_000.0,
        "capacity.thermal_headroom" | "peer.reputation" => x,
        "energy.percent_clean" | "energy.battery_percent" => x * 100.0,
        "energy.source" => (x * 10.0).floor(),
        "energy.plugged_in" => f64::from(u8::from(x > 0.2)),
        "peer.local_minute" => (x * 1440.0).floor(),
        "peer.queue_depth" => (x * 20.0).floor(),
        "offer.cost" => (x * 30.0).floor(),
        _ => return None,
    })
}
