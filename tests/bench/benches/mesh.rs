//! The mesh on loopback: content from one and three seeders over TCP and QUIC beside raw TCP with a hash, the log among
//! fifty nodes and into a new one, and tasks that go to another node and come back.

#[path = "mesh/exchange.rs"]
mod exchange;
#[path = "mesh/log.rs"]
mod log;
#[path = "mesh/tasks.rs"]
mod tasks;

use weft_bench::Report;

fn main() {
    let mut report = Report::new("mesh");
    exchange::run(&mut report);
    log::run(&mut report);
    tasks::run(&mut report);
    report.finish();
}
