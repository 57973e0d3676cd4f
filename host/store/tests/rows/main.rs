//! Every kind of row goes in and comes back, and the questions that the node asks of them are answered.

use weft_store::members::{Member, Role};
use weft_store::polls::Vote;
use weft_store::slots::Change;
use weft_store::tasks::Task;
use weft_store::{Error, Store, Write};

mod community;
mod installs;
mod keys;
mod log;
mod owner;
mod peers;
mod publishers;
mod records;
mod releases;
mod slots;
mod tasks;
mod trials;

const A: &str = "a@example.com";
const B: &str = "b@example.com";
const DAY_MS: i64 = 86_400_000;

/// Runs `f` in one transaction of a new database.
fn check(f: impl FnOnce(&Write) -> Result<(), Error>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("weft.db")).unwrap();
    store.write(f).unwrap();
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn task(id: &str, user: &str, at: i64) -> Task {
    Task::new(id, user, "ocr", at)
}

fn member(user: &str, did: Option<&str>, role: Role, joined_at: i64) -> Member {
    Member {
        user_id: user.to_owned(),
        did: did.map(str::to_owned),
        role,
        device_did: None,
        is_self: false,
        joined_at,
        removed_at: None,
    }
}

fn vote(member: &str, choice: &str, counter: u64, cid: &str) -> Vote {
    Vote {
        poll_id: "v1".into(),
        member: member.into(),
        user_id: None,
        choice: choice.into(),
        counter,
        weight: None,
        cast_at: 0,
        event_cid: text(cid),
    }
}

fn change(action: &str) -> Change {
    Change {
        action: action.into(),
        actor: text(A),
        reason: None,
        at: 1_000,
    }
}
