//! Who may ask a device to run something, for whom, and how much.

use super::lab::{ALICE, becomes, coal, open, rows};
use super::liar::{Ask, Blob, Liar, Offer, Say, encoded};
use serde_bytes::ByteBuf;
use weft_kit::{Device, wait};
use weft_model::{Cid, content};

const MALLORY: &str = "mallory@example.com";

/// Leases that a device holds at a time.
const LEASES: usize = 256;

/// Alice, whose device takes anything, and a member's.
fn street(options: &[&str]) -> (Device, Liar) {
    let mut alice = coal(&[]);
    open(&mut alice);
    let liar = Liar::join(&alice, MALLORY, options);
    (alice, liar)
}

pub fn offer(alice: &Device, task: &str, user: &str) -> Offer {
    let list = alice.json(["workload", "list"]);
    let list = list.as_array().expect("a list").clone();
    let digest = list.into_iter().find(|r| r["name"] == "log-digest");
    let spec = serde_json::json!({"name": "log-digest", "user": user});
    Offer {
        task: task.into(),
        attempt: 1,
        spec: serde_json::from_value(spec).expect("a task"),
        release: super::lab::text(&digest.expect("it is there"), "cid")
            .parse()
            .expect("a CID"),
        input: None,
        decision: String::new(),
        private: None,
    }
}

/// Code and reason of the refusal.
#[track_caller]
pub fn refused(liar: &Liar, offer: Offer) -> (String, String) {
    let task = offer.task.clone();
    match liar.tell(&Ask::Offer(offer)).expect("an answer") {
        Say::Refused(signed) => {
            assert_eq!(signed.refusal.task, weft_model::text::printable(&task, 64));
            assert_eq!(signed.refusal.submitter, liar.did);
            (signed.refusal.code, signed.refusal.reason)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_offer_that_breaks_a_rule_is_refused_by_its_name() {
    let (alice, liar) = street(&[]);
    let good = |task: &str| offer(&alice, task, MALLORY);
    let not_member = "the task's user is not the member whose device asks";
    assert_eq!(
        refused(&liar, offer(&alice, "t0001", ALICE)),
        ("not-a-member".into(), not_member.into())
    );
    let mut with_path = good("t0002");
    with_path.spec.input = Some("/etc/passwd".into());
    let why = "an input is named by its CID, not by a file";
    assert_eq!(refused(&liar, with_path), ("invalid".into(), why.into()));
    for id in ["", "t1", "../../x", "t0003\u{1b}[31m", &"t".repeat(65)] {
        let why = "a task's id is 4 to 64 letters and digits";
        assert_eq!(refused(&liar, good(id)), ("invalid".into(), why.into()));
    }
    let mut long = good("t0004");
    long.spec.duration_ms = 1_800_001;
    let why = "this device runs no task for so long";
    assert_eq!(refused(&liar, long), ("too-long".into(), why.into()));
    let mut policy = good("t0005");
    policy.release = content::raw_cid(b"nothing");
    let why = "that release is not installed on this device";
    assert_eq!(refused(&liar, policy), ("no-workload".into(), why.into()));
    let blob = |cid: Cid, size, bytes: Option<&[u8]>| Blob {
        cid,
        size,
        bytes: bytes.map(ByteBuf::from),
    };
    let mut wrong = good("t0006");
    wrong.input = Some(blob(content::raw_cid(b"this"), 4, Some(b"that")));
    assert_eq!(refused(&liar, wrong).0, "wrong-bytes");
    let mut huge = good("t0007");
    huge.input = Some(blob(content::raw_cid(b"much"), (1 << 30) + 1, None));
    assert_eq!(refused(&liar, huge).0, "too-large");
    assert_eq!(rows::<1>(&alice, "SELECT count(*) FROM tasks"), [["0"]]);

    // And a good one runs, once, however often it comes.
    for _ in 0..3 {
        let said = liar.tell(&Ask::Offer(good("t0008"))).expect("an answer");
        assert_eq!(said, Say::Accepted);
    }
    becomes(&alice, "t0008", "done");
    assert_eq!(
        rows::<1>(&alice, "SELECT count(*) FROM carbon_impact"),
        [["1"]]
    );
    // One of her own is not touched by an offer of its name.
    let own = super::lab::submit(&alice, &["--name", "nothing-of-this-name"]);
    let why = "a task of this id is here already";
    assert_eq!(
        refused(&liar, good(&own)),
        ("task-known".into(), why.into())
    );
    // Nor can it be taken back by somebody else.
    assert_eq!(
        liar.tell(&Ask::Cancel(own)).expect("an answer"),
        Say::Unknown
    );
}

#[test]
fn a_task_says_critical_and_is_not_believed() {
    let (alice, liar) = street(&[]);
    let hour = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let hour = hour.expect("a clock").as_secs() / 3_600 % 24;
    let clock = |ahead: u64| format!("{:02}:00", (hour + ahead) % 24);
    let (from, until) = (clock(2), clock(3));
    alice
        .weft([
            "user", "hours", "add", "--from", &from, "--until", &until, "--id", "later",
        ])
        .ok();
    let mut urgent = offer(&alice, "t0001", MALLORY);
    urgent.spec.importance = Some(weft_model::task::Importance::Critical);
    let no = (
        "owner-rules".to_owned(),
        "Outside delegation hours".to_owned(),
    );
    assert_eq!(refused(&liar, urgent), no);
}

#[test]
fn a_guest_may_submit_and_who_was_removed_may_not_even_speak() {
    let (alice, guest) = street(&["--role", "guest"]);
    let said = guest.tell(&Ask::Offer(offer(&alice, "t0001", MALLORY)));
    assert_eq!(said.expect("an answer"), Say::Accepted, "guests submit");
    becomes(&alice, "t0001", "done");
    alice.weft(["members", "remove", MALLORY]).ok();
    wait("the door is closed", || {
        guest
            .tell(&Ask::Offer(offer(&alice, "t0002", MALLORY)))
            .err()
    });
    assert!(super::lab::show(&alice, "t0002").is_none());
}

#[test]
fn a_device_takes_so_many_leases_and_no_more() {
    let (alice, liar) = street(&[]);
    let any = offer(&alice, "t0000", MALLORY);
    // Inputs that are kept back: a lease each, and no job.
    let nth = |n: usize| Offer {
        task: format!("t{n:04}"),
        input: Some(Blob {
            cid: content::raw_cid(&n.to_le_bytes()),
            size: 300_000,
            bytes: None,
        }),
        ..any.clone()
    };
    for n in 0..LEASES {
        let said = liar.tell(&Ask::Offer(nth(n))).expect("an answer");
        assert_eq!(said, Say::Accepted, "lease {n}");
    }
    let why = "this device has as many tasks of others as it takes";
    assert_eq!(
        refused(&liar, nth(LEASES)),
        ("queue-full".into(), why.into())
    );
    let half = encoded(&Ask::Offer(nth(9_999)));
    assert!(liar.tell_bytes(half[..half.len() / 2].to_vec()).is_err());
    assert_eq!(
        liar.tell(&Ask::Cancel("t0200".into())).expect("an answer"),
        Say::Taken
    );
    let said = liar.tell(&Ask::Offer(nth(9_999))).expect("an answer");
    assert_eq!(said, Say::Accepted, "there is room again");
}
