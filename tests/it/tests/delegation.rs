//! Tasks that travel: real nodes on loopback give each other work, refuse it, die in the middle of it, lie about it.

#[path = "delegation/cancelling.rs"]
mod cancelling;
#[path = "delegation/garbage.rs"]
mod garbage;
#[path = "delegation/lab.rs"]
mod lab;
#[path = "delegation/large.rs"]
mod large;
#[path = "delegation/last_resort.rs"]
mod last_resort;
#[path = "delegation/liar.rs"]
mod liar;
#[path = "delegation/lies.rs"]
mod lies;
#[path = "delegation/many.rs"]
mod many;
#[path = "delegation/power_cuts.rs"]
mod power_cuts;
#[path = "delegation/private.rs"]
mod private;
#[path = "delegation/refusals.rs"]
mod refusals;
#[path = "delegation/sunny.rs"]
mod sunny;
#[path = "delegation/trespassers.rs"]
mod trespassers;
mod world;
