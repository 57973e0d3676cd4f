//! The daemon as a person runs it at home: real processes that keep their owner's caps, show figures, tell what happens,
//! say what is wrong, and stop at once.

#[path = "daemon/caps.rs"]
mod caps;
#[path = "daemon/doctor.rs"]
mod doctor;
#[path = "daemon/figures.rs"]
mod figures;
#[path = "daemon/lab.rs"]
mod lab;
#[path = "daemon/logs.rs"]
mod logs;
#[path = "daemon/service.rs"]
mod service;
#[path = "daemon/stopping.rs"]
mod stopping;
#[path = "daemon/watching.rs"]
mod watching;
