//! Networks of real nodes: processes of their own, sockets on loopback. They meet by invites, keep one log, close who
//! was removed, and come back after a power cut.

#[path = "network/coming_back.rs"]
mod coming_back;
#[path = "network/devices.rs"]
mod devices;
#[path = "network/invites.rs"]
mod invites;
#[path = "network/joining.rs"]
mod joining;
#[path = "network/keys.rs"]
mod keys;
#[path = "network/lab.rs"]
mod lab;
#[path = "network/leaving.rs"]
mod leaving;
#[path = "network/log.rs"]
mod log;
#[path = "network/removal.rs"]
mod removal;
#[path = "network/roles.rs"]
mod roles;
#[path = "network/strangers.rs"]
mod strangers;
#[path = "network/votes.rs"]
mod votes;
mod world;
