//! Others' implementations: Helia (IPFS in JavaScript) and js-libp2p, of the versions that `tests/interop/helia` pins,
//! against real nodes on loopback. Needs npm, and its registry the first time, which also gives the Node.js that they
//! want; where there is no npm, it says so.

#[path = "helia/member.rs"]
mod member;
#[path = "helia/public.rs"]
mod public;
#[path = "helia/script.rs"]
mod script;
mod world;
