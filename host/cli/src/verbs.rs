//! The verbs, one file each: a clap struct and a `run` that makes one request and shows one answer.

mod backup;
mod carbon;
mod chat;
mod completions;
mod content;
mod decision;
mod demo;
mod doctor;
mod energy;
mod init;
mod install;
mod key;
mod log;
mod member;
mod members;
mod mesh;
mod model;
mod network;
mod peer;
mod permit;
mod plugin;
mod project;
mod receipt;
mod release;
mod reproduce;
mod restore;
mod run;
mod service;
mod spec;
mod start;
mod status;
mod stop;
mod task;
mod tier;
mod trial;
mod trust;
mod user;
mod vote;
mod watch;
mod why;
mod workload;

pub use run::{Indexed, Read, Vectors};

use crate::ctx::{Ctx, Outcome};
use clap::Subcommand;

/// What `weft` does.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Init(init::Init),
    Start(start::Start),
    Stop(stop::Stop),
    Demo(demo::Demo),
    Status(status::Status),
    Doctor(doctor::Doctor),
    Watch(watch::Watch),
    /// A service that starts the daemon with the machine
    #[command(subcommand)]
    Service(service::Service),
    /// Plugins: write, check, install and swap the rules
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Workloads: write, check, install and bind what tasks run
    #[command(subcommand)]
    Workload(workload::Workload),
    /// Releases: make, sign, look at, compare, publish and carry
    #[command(subcommand)]
    Release(release::Release),
    Publish(release::Publish),
    Export(release::Export),
    Import(release::Import),
    Install(install::Install),
    Pending(install::Pending),
    Consent(install::Consent),
    Pin(install::Pin),
    Unpin(install::Unpin),
    Rollback(install::Rollback),
    History(install::History),
    /// Releases that put themselves out of service
    #[command(subcommand)]
    Quarantine(install::Quarantine),
    Outdated(install::Outdated),
    Sync(install::Sync),
    /// Content: files by CID, as components and models are kept
    #[command(subcommand)]
    Content(content::Content),
    /// Models: what workloads compute with
    #[command(subcommand)]
    Model(model::Model),
    Chat(chat::Chat),
    /// Run a workload here and now
    #[command(subcommand)]
    Run(run::Run),
    /// Receipts: what was computed, and running it again
    #[command(subcommand)]
    Receipt(receipt::Receipt),
    /// Tasks: submit, try, look at and take back
    #[command(subcommand)]
    Task(task::Task),
    Why(why::Why),
    /// Decisions: their records, and running them again
    #[command(subcommand)]
    Decision(decision::Decision),
    /// Votes on how important a task is
    #[command(subcommand)]
    Vote(vote::Vote),
    /// An owner's rules: rest, hours, ethics
    #[command(subcommand)]
    User(user::User),
    /// The network: open it to others, look at it, leave it
    #[command(subcommand)]
    Network(network::Network),
    Invite(network::Invite),
    Join(network::Join),
    /// Members of the network: roles, names, removal
    #[command(subcommand)]
    Members(members::Members),
    /// Devices of the members: list, add, revoke
    #[command(subcommand)]
    Devices(members::Devices),
    /// The mesh: connections, addresses, counters, what members have
    #[command(subcommand)]
    Mesh(mesh::Mesh),
    #[command(alias = "list-peers")]
    Peers(mesh::Peers),
    Search(mesh::Search),
    /// The community's log of signed events
    #[command(subcommand)]
    Log(log::Log),
    /// Members of the community
    #[command(subcommand)]
    Member(member::Member),
    /// Tiers and donations: what each member may use
    #[command(subcommand)]
    Tier(tier::Tier),
    /// Keys that publish and vouch for releases
    #[command(subcommand)]
    Key(key::Key),
    /// Whose releases this home takes: the rules of trust.toml
    #[command(subcommand)]
    Trust(trust::Trust),
    /// Peers that could run a task
    #[command(subcommand)]
    Peer(peer::Peer),
    /// Permits: which peer may run which task
    #[command(subcommand)]
    Permit(permit::Permit),
    /// Carbon emitted and avoided
    #[command(subcommand)]
    Carbon(carbon::Carbon),
    /// The energy here
    Energy(energy::Energy),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Completions(completions::Completions),
}

impl Verb {
    /// What the log holds when nobody says: more for the daemon, which nobody watches; of the libraries below it what is
    /// wrong alone. That Kademlia has nobody to ask yet is the usual state of a small network.
    pub fn log_level(&self) -> &'static str {
        match self {
            Self::Start(_) => "warn,weft=info,libp2p_kad=error",
            _ => "warn,libp2p_kad=error",
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// What the node refuses, or the system.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::Init(verb) => verb.run(ctx),
            Self::Start(verb) => verb.run(ctx),
            Self::Stop(verb) => verb.run(ctx),
            Self::Demo(verb) => verb.run(ctx),
            Self::Status(verb) => verb.run(ctx),
            Self::Doctor(verb) => verb.run(ctx),
            Self::Watch(verb) => verb.run(ctx),
            Self::Service(verb) => verb.run(ctx),
            Self::Plugin(verb) => verb.run(ctx),
            Self::Workload(verb) => verb.run(ctx),
            Self::Release(verb) => verb.run(ctx),
            Self::Publish(verb) => verb.run(ctx),
            Self::Export(verb) => verb.run(ctx),
            Self::Import(verb) => verb.run(ctx),
            Self::Install(verb) => verb.run(ctx),
            Self::Pending(verb) => verb.run(ctx),
            Self::Consent(verb) => verb.run(ctx),
            Self::Pin(verb) => verb.run(ctx),
            Self::Unpin(verb) => verb.run(ctx),
            Self::Rollback(verb) => verb.run(ctx),
            Self::History(verb) => verb.run(ctx),
            Self::Quarantine(verb) => verb.run(ctx),
            Self::Outdated(verb) => verb.run(ctx),
            Self::Sync(verb) => verb.run(ctx),
            Self::Content(verb) => verb.run(ctx),
            Self::Model(verb) => verb.run(ctx),
            Self::Chat(verb) => verb.run(ctx),
            Self::Run(verb) => verb.run(ctx),
            Self::Receipt(verb) => verb.run(ctx),
            Self::Task(verb) => verb.run(ctx),
            Self::Why(verb) => verb.run(ctx),
            Self::Decision(verb) => verb.run(ctx),
            Self::Vote(verb) => verb.run(ctx),
            Self::User(verb) => verb.run(ctx),
            Self::Network(verb) => verb.run(ctx),
            Self::Invite(verb) => verb.run(ctx),
            Self::Join(verb) => verb.run(ctx),
            Self::Members(verb) => verb.run(ctx),
            Self::Devices(verb) => verb.run(ctx),
            Self::Mesh(verb) => verb.run(ctx),
            Self::Peers(verb) => verb.run(ctx),
            Self::Search(verb) => verb.run(ctx),
            Self::Log(verb) => verb.run(ctx),
            Self::Member(verb) => verb.run(ctx),
            Self::Tier(verb) => verb.run(ctx),
            Self::Key(verb) => verb.run(ctx),
            Self::Trust(verb) => verb.run(ctx),
            Self::Peer(verb) => verb.run(ctx),
            Self::Permit(verb) => verb.run(ctx),
            Self::Carbon(verb) => verb.run(ctx),
            Self::Energy(verb) => verb.run(ctx),
            Self::Backup(verb) => verb.run(ctx),
            Self::Restore(verb) => verb.run(ctx),
            Self::Completions(verb) => verb.run(ctx),
        }
    }
}
