//! A worker lies: its lease has failed, people are told why, and somebody else does the task.

use super::lab::{CAROL, coal, did, leases, open, rows, sees, submit, sunny};
use super::liar::{Ask, Honest, Liar, Outcome, Say, accepts, encoded};
use ed25519_dalek::SigningKey;
use weft_kit::Device;
use weft_model::content;

/// The largest message, and one more.
const OVER: usize = 2 * 1024 * 1024 + 1;

struct Street {
    alice: Device,
    carol: Device,
    liar: Liar,
}

/// Alice on coal, honest Carol, and a liar who seems to have more sun than her.
fn street() -> Street {
    let mut alice = coal(&[]);
    let like = alice.like();
    open(&mut alice);
    let carol = sunny(&alice, like, CAROL, 80);
    let liar = Liar::join(&alice, "mallory@example.com", &[]);
    liar.answers(accepts);
    sees(&alice, &carol, 80.0);
    Street { alice, carol, liar }
}

impl Street {
    /// Alice's next task, which the liar is offered first.
    #[track_caller]
    fn task(&self) -> String {
        self.liar.is_seen_by(&self.alice);
        submit(&self.alice, &["--name", "log-digest"])
    }

    fn alarms(&self) -> Vec<String> {
        let sql = "SELECT message FROM mesh_events WHERE severity = 'alarm' ORDER BY id";
        rows::<1>(&self.alice, sql)
            .into_iter()
            .map(|[m]| m)
            .collect()
    }

    /// The task was done by Carol, and the liar's lease failed for this reason.
    #[track_caller]
    fn carol_did(&self, task: &str, status: &str, reason: &str) {
        super::lab::becomes(&self.alice, task, "done");
        let expected = [
            [
                self.liar.did.to_string(),
                status.to_owned(),
                reason.to_owned(),
            ],
            [did(&self.carol), "done".to_owned(), String::new()],
        ];
        assert_eq!(leases(&self.alice, task), expected);
    }
}

/// What makes a lie of an honest result, and what it is called.
type Lie = (&'static str, fn(&mut Honest));

#[test]
fn a_result_that_does_not_hold_is_an_alarm_and_somebody_else_does_it() {
    let street = street();
    let lies: [Lie; 9] = [
        (
            "its receipt is of another output than the one that came",
            |r| {
                r.output = b"quite another one".to_vec();
            },
        ),
        ("the receipt is not what its worker signed", |r| {
            r.key = SigningKey::from_bytes(&[7; 32]);
        }),
        ("its receipt is of another worker", |r| {
            r.key = SigningKey::from_bytes(&[7; 32]);
            r.account.worker = weft_ledger::sign::did(&r.key);
        }),
        ("its receipt is of another task", |r| {
            r.account.task = "tffffffffffffffff".into()
        }),
        ("its receipt is of another input", |r| {
            r.claim.input = content::raw_cid(b"x").to_string();
            r.read = 1;
        }),
        ("its receipt is of another params", |r| {
            r.claim.params = content::raw_cid(b"{}")
        }),
        ("its receipt is of another release", |r| {
            r.claim.component = content::raw_cid(b"x")
        }),
        (
            "its receipt is of another time or energy than a device can have",
            |r| {
                r.account.wall_ms = u64::MAX;
            },
        ),
        ("its energy is none that there is", |r| {
            r.energy.grid_g_per_kwh = Some(f64::MAX);
        }),
    ];
    for (n, (reason, lie)) in lies.into_iter().enumerate() {
        let task = street.task();
        let offer = street.liar.offered(&task);
        let mut result = street.liar.result(&street.alice, &offer, b"out");
        lie(&mut result);
        let said = street.liar.tell(&result.sent());
        assert_eq!(said.expect("an answer"), Say::Taken, "{reason}");
        street.carol_did(&task, "failed", reason);
        let alarms = street.alarms();
        assert_eq!(alarms.len(), n + 1, "{alarms:?}");
        let expected = format!("brought a result that does not hold: {reason}");
        assert!(alarms[n].ends_with(&expected), "{}", alarms[n]);
    }
    // Carbon is of Carol's runs alone, and can be read.
    street.alice.weft(["carbon", "report"]).ok();
    let workers = rows::<1>(
        &street.alice,
        "SELECT DISTINCT to_device FROM carbon_impact",
    );
    assert_eq!(workers, [[did(&street.carol)]]);
}

#[test]
fn a_true_result_of_such_a_device_would_have_been_taken() {
    let street = street();
    let task = street.task();
    let offer = street.liar.offered(&task);
    let result = street.liar.result(&street.alice, &offer, b"out");
    assert_eq!(
        street.liar.tell(&result.sent()).expect("an answer"),
        Say::Taken
    );
    let done = super::lab::becomes(&street.alice, &task, "done");
    assert_eq!(done["peer"], *street.liar.did.to_string(), "{done}");
    assert_eq!(street.alarms(), Vec::<String>::new());
}

#[test]
fn a_result_that_nobody_asked_for_is_counted_and_changes_nothing() {
    let street = street();
    let done = street.task();
    let offer = street.liar.offered(&done);
    let result = |attempt| {
        let mut result = street.liar.result(&street.alice, &offer, b"out");
        result.attempt = attempt;
        result
    };
    // Of another attempt: not this one's.
    assert_eq!(
        street.liar.tell(&result(2).sent()).expect("an answer"),
        Say::Taken
    );
    super::lab::becomes(&street.alice, &done, "delegated");
    assert_eq!(
        street.liar.tell(&result(1).sent()).expect("an answer"),
        Say::Taken
    );
    super::lab::becomes(&street.alice, &done, "done");
    let before = rows::<1>(&street.alice, "SELECT count(*) FROM execution_history");
    for task in ["tffffffffffffffff", "", "no such task"] {
        let mut result = result(1);
        result.task = task.into();
        result.account.task = task.into();
        assert_eq!(
            street.liar.tell(&result.sent()).expect("an answer"),
            Say::Taken
        );
        let failed = Ask::Result(Outcome {
            task: task.into(),
            attempt: 1,
            done: None,
            failed: Some("no".into()),
        });
        assert_eq!(street.liar.tell(&failed).expect("an answer"), Say::Taken);
    }
    assert_eq!(street.alice.dropped("result-not-asked"), 6);
    assert_eq!(
        rows::<1>(&street.alice, "SELECT count(*) FROM execution_history"),
        before
    );
    assert_eq!(street.alarms(), Vec::<String>::new());
}

#[test]
fn garbage_for_an_answer_is_a_failure_and_silence_a_loss() {
    let street = street();
    street.liar.answers(|_| Some(vec![0xff; 100_000]));
    let task = street.task();
    street.carol_did(&task, "failed", "it answered an offer with something else");
    street.liar.answers(|_| Some(vec![0xff; OVER]));
    let task = street.task();
    street.carol_did(&task, "failed", "it closed without an answer");
    assert_eq!(street.liar.offers(&task), 3);
    street
        .liar
        .answers(|_| Some(encoded(&Say::Accepted)[..3].to_vec()));
    let task = street.task();
    street.carol_did(&task, "failed", "it answered an offer with something else");
    street.liar.answers(|_| None);
    let task = street.task();
    street.carol_did(&task, "failed", "it closed without an answer");
    // A refusal that it did not sign.
    street.liar.answers(|ask| match ask {
        Ask::Offer(offer) => Some(encoded(&Say::Refused(forged(&offer.task)))),
        other => accepts(other),
    });
    let task = street.task();
    street.carol_did(&task, "refused", "it refused, and did not sign why");
    // Accepted, and then nothing: not a word about it.
    street.liar.answers(|ask| match ask {
        Ask::Offer(_) => accepts(ask),
        _ => None,
    });
    let task = street.task();
    street.carol_did(&task, "lost", "it was not heard of for too long");
    // Accepted, and then it never heard of it.
    street.liar.answers(|ask| match ask {
        Ask::State(tasks) => Some(encoded(&Say::States(vec![None; tasks.len()]))),
        other => accepts(other),
    });
    let task = street.task();
    street.carol_did(&task, "failed", "it knows nothing of the task");

    // To the requests of its own, too, garbage is no answer, and is counted. So is what honest members ask before their
    // membership is known, as they may have.
    let before = street.alice.dropped("request-garbage");
    for garbage in [
        vec![0xff; 2 * 1024 * 1024],
        encoded(&Ask::Cancel("x".into()))[..4].to_vec(),
    ] {
        assert!(street.liar.tell_bytes(garbage).is_err());
    }
    assert!(street.alice.dropped("request-garbage") >= before + 2);
}

fn forged(task: &str) -> super::liar::SignedRefusal {
    let nobody = weft_model::Did::from_public([0; 32]);
    super::liar::SignedRefusal {
        refusal: super::liar::Refusal {
            task: task.to_owned(),
            submitter: nobody,
            worker: nobody,
            code: "no".into(),
            reason: "because".into(),
            next_window: None,
            at: 0,
        },
        signature: serde_bytes::ByteBuf::from(vec![0; 64]),
    }
}
