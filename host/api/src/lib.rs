//! The local API: one [`Request`] and one [`Response`], in-process or over a home's Unix socket.
//!
//! Without a daemon [`Client::open`] hosts the node in this process under the home's lock; with one it talks to its
//! socket. Either way a verb is one request and one response. The API holds no rules: it names what a node can be
//! asked.

mod client;
mod dispatch;
mod frame;
pub mod http;
pub mod lines;
mod request;
mod response;
pub mod server;
mod trial;

pub use client::{CLOCK, Client};
pub use request::{
    ContentRequest, KeyRequest, ModelRequest, NetworkRequest, PackageRequest, PeerRow, Request,
    SkillRow, TrustRequest,
};
pub use response::{
    ApiError, ContentResponse, ModelResponse, NetworkResponse, PackageResponse, Response,
};
pub use trial::TrialRequest;
pub use weft_node::key_report;
pub use weft_node::report;
pub use weft_node::{
    Bundle, BundleComponent, BundleModel, COMPILE_WORKER, Clock, InitOptions, KeyPart, ManualClock,
    Node, OpenOptions, Passphrase, RestoreOptions, RuleSpec, SteeredClock, SystemClock,
    compile_worker, file_cid,
};
