//! Networks for tests: an internet, routers with NAT and the networks behind them, as network namespaces of this machine;
//! and nodes that run in them.
//!
//! It needs root, `ip` and `nft`; [`ready`] says whether they are here. A [`Lab`] removes its namespaces when it is
//! dropped, also after a panic; those of a test process that was killed are removed by the next one.
//! Addresses of the internet are ordinary ones, as software on routers refuses those for documentation; nothing here is
//! connected to the machine's own network.

mod lab;
mod node;

pub use lab::{Lab, Nat, Space};
pub use node::Node;

/// Set where networks must be there, as `.ci/run` does wherever the system lets it make one.
const REQUIRED_VARIABLE: &str = "WEFT_TEST_NET";

/// Whether networks can be made here. Where they can't, the test that asks says so and ends, unless `WEFT_TEST_NET` is
/// set.
///
/// # Panics
/// When they can't and `WEFT_TEST_NET` is set.
pub fn ready() -> bool {
    let tools: [(&str, &[&str]); 3] = [
        ("ip", &["netns", "list"]),
        ("nft", &["--version"]),
        ("unshare", &["--net", "nft", "add", "table", "ip", "nat"]),
    ];
    tools
        .iter()
        .all(|(program, args)| weft_kit::has_tool_for(REQUIRED_VARIABLE, program, args))
}
