//! Every known attack on the way of a release into a home, one test each, named after it: a hostile publisher signs
//! what no builder would make, and the home refuses it with a stable code and stays as it was.

#[path = "attacks/bytes.rs"]
mod bytes;
#[path = "attacks/code.rs"]
mod code;
#[path = "attacks/growth.rs"]
mod growth;
#[path = "attacks/lab.rs"]
mod lab;
#[path = "attacks/names.rs"]
mod names;
#[path = "attacks/series.rs"]
mod series;
#[path = "attacks/signatures.rs"]
mod signatures;
#[path = "attacks/texts.rs"]
mod texts;
#[path = "attacks/updates.rs"]
mod updates;
mod world;
