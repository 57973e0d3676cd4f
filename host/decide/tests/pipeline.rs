//! The pipeline on canned answers: the order of the calls, and what each failure means.

use weft_decide::{
    Answer, Candidates, Decision, Energy, Failed, OwnerRules, Permission, Pipeline, QuotaState,
    Record, Snapshot, Step, Verdict, VoteState,
};
use weft_model::slots::economy::{Contribution, QuotaVerdict, Reservation};
use weft_model::slots::placement::Score;
use weft_model::slots::time::{
    ConsentVerdict, Deferral, OverrideVerdict, Plan, Role, Source, Standing,
};
use weft_model::task::{Importance, TaskSpec};
use weft_model::{Columns, Slot, SlotCall, SlotReply, content};

const NOW: i64 = 1_781_784_000_000;

fn snapshot() -> Snapshot {
    let ids: Vec<String> = ["self", "roof", "barn"].map(String::from).to_vec();
    let clean = [10.0, 95.0, 95.0];
    Snapshot {
        task: "t1".into(),
        spec: serde_spec(),
        attempt: 1,
        now: NOW,
        submitted: NOW,
        standing: Standing::Member,
        overrides_used: 0,
        vote: VoteState::Undecided,
        energy: Energy {
            percent_clean: Some(10.0),
            source: Source::Coal,
            forecast: Vec::new(),
        },
        submitter: Ok(OwnerRules {
            user: "a".into(),
            hours_set: false,
            windows: Vec::new(),
            last_run: None,
            idle_ms: 0,
            critical_any_hour: true,
            critical_any_idle: false,
            rules: Vec::new(),
            utc_offset_minutes: 0,
        }),
        executor: None,
        quota: QuotaState {
            contribution: Contribution {
                tasks: 0,
                votes: 0,
                since: 0,
                donated: None,
                granted: None,
            },
            used: 0,
            in_flight: 0,
            reset: NOW + 1,
        },
        candidates: Candidates {
            permissions: vec![Permission::Allowed; 3],
            scored: 0,
            features: Candidates::features_for(&[]),
            table: Columns::build(3, 3, |f, r| (f == 0).then_some(clean[r])),
            ids,
        },
        workload_bound: true,
        off_peak: Some(NOW + 7),
        guest: false,
        last_resort: false,
    }
}

fn serde_spec() -> TaskSpec {
    TaskSpec {
        name: "photos".into(),
        user: "a".into(),
        tags: Vec::new(),
        importance: Some(Importance::Normal),
        urgency: None,
        sla: None,
        deadline: None,
        watts: None,
        duration_ms: 1_000,
        memory_mb: 0,
        cores: 0.0,
        fee: 0,
        workload: None,
        input: None,
        params: None,
        private: false,
    }
}

/// The answers of well-behaved plugins.
fn usual(call: &SlotCall) -> SlotReply {
    match call {
        SlotCall::Override(_) => SlotReply::Override(vec![OverrideVerdict {
            emergency: false,
            word: None,
            until: None,
            reason: String::new(),
        }]),
        SlotCall::Sla(requests) => SlotReply::Sla(
            requests
                .iter()
                .map(|_| Plan {
                    latest_start: None,
                    clean: 90.0,
                    source: None,
                    peak: None,
                    delegate: true,
                    interrupt: true,
                    waiting_breaks: false,
                    reason: String::new(),
                })
                .collect(),
        ),
        SlotCall::Consent(requests) => {
            SlotReply::Consent(vec![ConsentVerdict::Allow; requests.len()])
        }
        SlotCall::Ethics(call) => SlotReply::Ethics(vec![Vec::new(); call.tasks.len()]),
        SlotCall::Tiers(_) => SlotReply::Tiers(vec!["free".into()]),
        SlotCall::Admit(_) => SlotReply::Admit(vec![QuotaVerdict::Admit(Reservation {
            tasks: 1,
            duration: 1,
            memory_mb: 0,
        })]),
        SlotCall::Rank(rank) => {
            SlotReply::Rank(vec![Score::Score(1.0); rank.candidates.rows as usize])
        }
        other => panic!("not asked in a decision: {other:?}"),
    }
}

fn answer(outcome: Result<SlotReply, &str>) -> Answer {
    Answer {
        release: content::raw_cid(b"plugin"),
        name: "plugin".into(),
        config: None,
        outcome: outcome.map_err(|why| Failed {
            why: why.into(),
            replayable: true,
        }),
        instead_of: None,
    }
}

fn decide(
    snapshot: &Snapshot,
    mut plugins: impl FnMut(&SlotCall) -> Vec<Answer>,
) -> (Vec<Slot>, Decision) {
    let (mut pipeline, mut step) = Pipeline::start(snapshot);
    let mut asked = Vec::new();
    loop {
        match step {
            Step::Done(decision) => return (asked, *decision),
            Step::Ask(call) => {
                asked.push(call.slot());
                step = pipeline.resume(&plugins(&call));
            }
        }
    }
}

#[test]
fn the_slots_are_asked_in_the_designs_order_and_the_best_clean_peer_is_picked() {
    let (asked, decision) = decide(&snapshot(), |call| vec![answer(Ok(usual(call)))]);
    assert_eq!(
        asked,
        [
            Slot::Override,
            Slot::Sla,
            Slot::Consent,
            Slot::Ethics,
            Slot::Quota,
            Slot::Quota,
            Slot::Scorer
        ]
    );
    let Verdict::Delegate { peer } = &decision.verdict else {
        panic!("{decision:?}")
    };
    assert!(
        ["roof", "barn"].contains(&peer.as_str()),
        "self is not clean enough"
    );
    let (_, again) = decide(&snapshot(), |call| vec![answer(Ok(usual(call)))]);
    assert_eq!(
        decision, again,
        "same snapshot, same answers, same decision"
    );
}

#[test]
fn equals_are_ordered_by_task_and_not_always_the_same_peer_wins() {
    let mut winners = std::collections::BTreeSet::new();
    for i in 0..32 {
        let snapshot = Snapshot {
            task: format!("t{i}"),
            ..snapshot()
        };
        let (_, decision) = decide(&snapshot, |call| vec![answer(Ok(usual(call)))]);
        if let Verdict::Delegate { peer } = decision.verdict {
            winners.insert(peer);
        }
    }
    assert_eq!(winners.len(), 2, "{winners:?}");
}

#[test]
fn a_failing_plugin_means_what_its_slot_says() {
    let broken = |slot: Slot| {
        decide(&snapshot(), move |call| {
            vec![if call.slot() == slot {
                answer(Err("it trapped"))
            } else {
                answer(Ok(usual(call)))
            }]
        })
        .1
    };
    let none = broken(Slot::Override);
    assert!(none.override_word.is_none() && none.warnings.iter().any(|w| w.contains("it trapped")));
    assert!(matches!(none.verdict, Verdict::Delegate { .. }));
    assert_eq!(broken(Slot::Sla).verdict, Verdict::Fail);
    assert_eq!(
        broken(Slot::Consent).verdict,
        Verdict::Defer { until: None }
    );
    assert_eq!(broken(Slot::Ethics).verdict, Verdict::Block);
    assert!(matches!(broken(Slot::Quota).verdict, Verdict::Queue { .. }));
    let first = broken(Slot::Scorer);
    assert!(
        matches!(first.verdict, Verdict::Delegate { .. }),
        "first fit"
    );
    assert!(first.warnings.iter().any(|w| w.starts_with("first fit")));
}

#[test]
fn a_slot_that_nothing_serves_is_closed_where_it_guards() {
    let empty = |slot: Slot| {
        decide(&snapshot(), move |call| {
            if call.slot() == slot {
                Vec::new()
            } else {
                vec![answer(Ok(usual(call)))]
            }
        })
        .1
        .verdict
    };
    assert_eq!(empty(Slot::Consent), Verdict::Defer { until: None });
    assert_eq!(empty(Slot::Ethics), Verdict::Block);
    assert!(matches!(empty(Slot::Quota), Verdict::Queue { .. }));
    assert_eq!(empty(Slot::Sla), Verdict::Fail);
}

#[test]
fn of_a_chain_the_strictest_wins() {
    let defer = |until| {
        SlotReply::Consent(vec![ConsentVerdict::Defer(Deferral {
            until,
            reason: "no".into(),
            idle_left: 0,
        })])
    };
    for (first, second, want) in [
        (Some(NOW + 5), Some(NOW + 9), Some(NOW + 9)),
        (Some(NOW + 9), Some(NOW + 5), Some(NOW + 9)),
        (Some(NOW + 5), None, None),
    ] {
        let (_, decision) = decide(&snapshot(), |call| match call {
            SlotCall::Consent(_) => vec![answer(Ok(defer(first))), answer(Ok(defer(second)))],
            other => vec![answer(Ok(usual(other)))],
        });
        assert_eq!(decision.verdict, Verdict::Defer { until: want });
    }
}

#[test]
fn one_owners_bad_row_closes_that_owners_door_alone() {
    let with_owner = Snapshot {
        executor: Some(snapshot().submitter),
        energy: Energy {
            percent_clean: Some(95.0),
            source: Source::Solar,
            forecast: Vec::new(),
        },
        ..snapshot()
    };
    let bad = |role: Role| {
        decide(&with_owner, move |call| {
            vec![match call {
                SlotCall::Consent(rows) if rows.iter().any(|r| r.role == role) => {
                    answer(Err("input: a row of the other kind"))
                }
                other => answer(Ok(usual(other))),
            }]
        })
    };
    let consents = |asked: &[Slot]| asked.iter().filter(|s| **s == Slot::Consent).count();
    let (asked, decision) = bad(Role::Executor);
    assert_eq!(consents(&asked), 3, "both, then each alone");
    assert!(
        matches!(&decision.verdict, Verdict::Delegate { peer } if peer != "self"),
        "{decision:?}"
    );
    let (asked, decision) = bad(Role::Submitter);
    assert_eq!(consents(&asked), 2, "who is closed has the last word");
    assert_eq!(decision.verdict, Verdict::Defer { until: None });
    assert!(decision.reason.contains("a row of the other kind"));
    let (asked, _) = decide(&with_owner, |call| vec![answer(Ok(usual(call)))]);
    assert_eq!(consents(&asked), 1, "one call where nothing is wrong");
}

#[test]
fn malformed_rows_close_their_owners_rules() {
    let snapshot = Snapshot {
        submitter: Err("table `delegation_hours` …".into()),
        ..snapshot()
    };
    let (asked, decision) = decide(&snapshot, |call| vec![answer(Ok(usual(call)))]);
    assert_eq!(decision.verdict, Verdict::Defer { until: None });
    assert!(decision.reason.contains("delegation_hours"));
    assert!(!asked.contains(&Slot::Scorer));
}

#[test]
fn a_record_runs_again_and_notices_another_answer() {
    let snapshot = snapshot();
    let mut answers = Vec::new();
    let (_, decision) = decide(&snapshot, |call| {
        answers.push(vec![answer(Ok(usual(call)))]);
        answers.last().expect("just pushed").clone()
    });
    let record = Record::new(None, "test", snapshot, answers, decision.clone());
    let (cid, bytes) = record.encode().expect("it encodes");
    let read = Record::decode(&bytes).expect("it decodes");
    assert_eq!(read, record);
    assert_eq!(read.encode().expect("again").0, cid);
    let (calls, again) = read.rerun();
    assert_eq!((calls.len(), again), (7, Some(decision.clone())));
    let mut other = read;
    other.answers[2][0].outcome = Err(Failed {
        why: "it trapped".into(),
        replayable: false,
    });
    assert_ne!(other.rerun().1, Some(decision));
}

#[test]
fn every_reason_survives_the_record() {
    use weft_decide::{Out, Ranked};
    use weft_model::slots::placement::Exclusion;
    let snapshot = snapshot();
    let (_, mut decision) = decide(&snapshot, |call| vec![answer(Ok(usual(call)))]);
    let exclusions = [
        Exclusion::Offline,
        Exclusion::Unreachable,
        Exclusion::TooLittleCpu,
        Exclusion::TooLittleMemory,
        Exclusion::TooLittleDisk,
        Exclusion::BatteryLow,
        Exclusion::TooHot,
        Exclusion::TooDear,
        Exclusion::TooSlow,
        Exclusion::NotTrusted,
        Exclusion::NotFree,
        Exclusion::Other,
    ];
    let own = [
        Out::NoPermit,
        Out::NotInAllowedTasks,
        Out::NotCleanEnough,
        Out::OtherSource,
        Out::OffPeak,
        Out::MustStayHome,
        Out::NoWorkload,
        Out::OwnerRules,
        Out::FailedBefore,
        Out::TooLong,
    ];
    let outs = exclusions.map(Out::Scorer).into_iter().chain(own).map(Some);
    decision.ranking = (0_u32..)
        .zip(outs.chain([None]))
        .map(|(row, out)| Ranked {
            row,
            score: (row % 3 == 0).then_some(f64::from(row) - 4.5),
            out,
        })
        .collect();
    let rank = exclusions.map(Score::Excluded).into_iter();
    let rank = rank
        .chain([Score::Score(-1.25), Score::Score(0.0)])
        .collect();
    let answers = vec![vec![answer(Ok(SlotReply::Rank(rank)))]];
    let record = Record::new(None, "test", snapshot, answers, decision);
    let (_, bytes) = record.encode().expect("it encodes");
    assert_eq!(Record::decode(&bytes).expect("it decodes"), record);
}

#[test]
fn a_record_of_another_format_is_refused_by_its_number() {
    let snapshot = snapshot();
    let (_, decision) = decide(&snapshot, |call| vec![answer(Ok(usual(call)))]);
    let mut record = Record::new(None, "test", snapshot, Vec::new(), decision);
    record.format = 1;
    let (_, bytes) = record.encode().expect("it encodes");
    let error = Record::decode(&bytes).expect_err("it is of another format");
    assert!(error.to_string().contains("format 1"), "{error}");
}

#[test]
fn a_record_whose_columns_disagree_is_refused() {
    let snapshot = snapshot();
    let (_, decision) = decide(&snapshot, |call| vec![answer(Ok(usual(call)))]);
    let mut record = Record::new(None, "test", snapshot, Vec::new(), decision);
    record.snapshot.candidates.permissions.pop();
    let (_, bytes) = record.encode().expect("it encodes");
    assert!(Record::decode(&bytes).is_err());
}
