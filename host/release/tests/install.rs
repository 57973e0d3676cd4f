//! The install state machine: every order of inputs keeps its promises, and the checks of a series hold.

mod common;

use common::{did, key, scorer};
use proptest::prelude::*;
use weft_model::Cid;
use weft_release::install::{Asked, Cause, Effect, Input, Install, Known, Refusal, State, check};
use weft_release::{Envelope, Kind, Release, Role};

/// A release that key 1 signed as its author.
fn seal(release: &Release) -> Envelope {
    Envelope::seal(release, Role::Author, &key(1)).expect("a valid release")
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => Just(Input::Passed),
        3 => (any::<bool>(), proptest::option::of(0_i64..100)).prop_map(|(grows, not_before)| {
            Input::Verified {
                growth: grows.then(|| "imports `x`".to_owned()).into_iter().collect(),
                not_before,
            }
        }),
        1 => Just(Input::Refused("no".into())),
        1 => Just(Input::Consented),
        2 => Just(Input::Tick),
    ]
}

proptest! {
    #[test]
    fn nothing_serves_before_it_was_checked_agreed_to_and_its_time_came(
        inputs in proptest::collection::vec((input(), 0_i64..10), 0..40),
    ) {
        let mut install = Install::new(Cause::Update);
        let mut now = 0;
        let mut seen = vec![State::Fetched];
        for (input, later) in inputs {
            now += later;
            let before = install.clone();
            install = install.step(now, input.clone());
            if before.state.is_end() {
                prop_assert_eq!(&install, &before);
                continue;
            }
            if install.state == State::Done {
                // The effect that was answered was the activation, and it was due.
                prop_assert_eq!(before.effect(now), Some(Effect::Activate));
                prop_assert_eq!(input, Input::Passed);
                prop_assert!(before.growth.is_empty() || before.consented);
                prop_assert!(before.not_before.is_none_or(|at| at <= now));
                prop_assert!(seen.contains(&State::Verified) && seen.contains(&State::Compiled));
                prop_assert!(seen.contains(&State::Tested));
            }
            // Before the checks are through, no step goes back.
            if before.state < State::Tested && install.state != State::Refused {
                prop_assert!(install.state >= before.state);
            }
            seen.push(install.state);
            seen.dedup();
            if install.state == State::Waiting || install.state == State::Cooling {
                seen.push(State::Tested);
            }
        }
    }

    #[test]
    fn an_install_that_is_answered_comes_to_its_end(
        grows in any::<bool>(),
        not_before in proptest::option::of(0_i64..1_000),
    ) {
        let mut install = Install::new(Cause::Update);
        let mut now = 0;
        let mut asked = 0;
        while let Some(effect) = install.effect(now) {
            asked += 1;
            prop_assert!(asked < 10);
            install = match effect {
                Effect::Verify => install.step(now, Input::Verified {
                    growth: grows.then(|| "reads `x`".to_owned()).into_iter().collect(),
                    not_before,
                }),
                Effect::Compile | Effect::Test | Effect::Activate => install.step(now, Input::Passed),
                Effect::Ask => install.step(now, Input::Consented),
                Effect::Sleep(at) => {
                    now = at;
                    install.step(now, Input::Tick)
                }
            };
        }
        prop_assert_eq!(install.state, State::Done);
        // Who agreed at the keyboard has ended the delay, too.
        prop_assert!(grows || not_before.is_none_or(|at| now >= at));
    }
}

#[test]
fn a_wait_says_what_for() {
    let verified = |growth: &[&str], not_before| {
        Install::new(Cause::Update)
            .step(
                0,
                Input::Verified {
                    growth: growth.iter().map(|g| (*g).to_owned()).collect(),
                    not_before,
                },
            )
            .step(0, Input::Passed)
            .step(0, Input::Passed)
    };
    let waits = verified(&["imports `x`", "reads `y`"], Some(10));
    assert_eq!(waits.state, State::Waiting);
    assert_eq!(waits.reason, "imports `x`; reads `y`");
    let agreed = waits.step(1, Input::Consented);
    assert_eq!(agreed.effect(1), Some(Effect::Activate));
    let cools = verified(&[], Some(10));
    assert_eq!(cools.state, State::Cooling);
    assert_eq!(cools.effect(9), Some(Effect::Sleep(10)));
    assert_eq!(cools.effect(10), Some(Effect::Activate));
    let refused = cools.step(3, Input::Refused("bob said no".into()));
    assert_eq!(
        (refused.state, refused.reason.as_str()),
        (State::Refused, "bob said no")
    );
}

#[test]
fn words_and_states_are_each_others() {
    for state in State::ALL {
        assert_eq!(State::parse(state.word()), Some(state));
    }
    for cause in [Cause::Person, Cause::Update] {
        assert_eq!(Cause::parse(cause.word()), Some(cause));
    }
    assert_eq!(State::parse("active"), None);
}

/// What a check says of a release with this revision; empty: nothing is wrong.
fn said(revision: u64, asked: &Asked, known: &Known, change: impl Fn(&mut Release)) -> String {
    let mut release = scorer();
    release.revision = revision;
    change(&mut release);
    let opened = seal(&release).open().expect("it opens");
    match check(&opened, asked, known, 2_000_000_000_000) {
        Ok(()) => String::new(),
        Err(refusal) => {
            assert!(!refusal.remedy().is_empty(), "{refusal}");
            refusal.code().to_owned()
        }
    }
}

#[test]
fn a_series_only_rises_and_has_one_release_a_number() {
    let other: Cid = "bafyreigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
        .parse()
        .expect("a CID");
    let any = Asked::default();
    let high = |revision| Known {
        high: Some((revision, other)),
        ..Known::default()
    };
    let fine = |_: &mut Release| {};
    for (revision, known, expected) in [
        (7, Known::default(), ""),
        (7, high(6), ""),
        (7, high(7), "equivocation"),
        (7, high(8), "rollback"),
        (
            7,
            Known {
                same_revision: Some(other),
                ..Known::default()
            },
            "equivocation",
        ),
        (
            7,
            Known {
                installed: true,
                ..high(8)
            },
            "rollback",
        ),
        (
            7,
            Known {
                installed: true,
                ..high(7)
            },
            "",
        ),
    ] {
        assert_eq!(said(revision, &any, &known, fine), expected, "{known:?}");
    }
    let back = Asked {
        going_back: true,
        ..Asked::default()
    };
    let before = Known {
        installed: true,
        ..high(8)
    };
    assert_eq!(said(7, &back, &before, fine), "");
    assert_eq!(said(7, &back, &high(8), fine), "rollback", "never accepted");
    let over = |r: &mut Release| r.expires = Some(1_999_999_999_999);
    assert_eq!(said(1, &any, &Known::default(), over), "expired");
    let asked = |asked: Asked| said(1, &asked, &Known::default(), fine);
    let wrong = Asked {
        release: Some(other),
        ..Asked::default()
    };
    assert_eq!(asked(wrong), "other-release");
    for wrong in [
        Asked {
            name: Some("other\u{1b}".into()),
            ..Asked::default()
        },
        Asked {
            kind: Some(Kind::Workload),
            ..Asked::default()
        },
        Asked {
            publisher: Some(did(2)),
            ..Asked::default()
        },
    ] {
        assert_eq!(asked(wrong), "wrong-software");
    }
}

#[test]
fn no_refusal_carries_a_strangers_control_characters() {
    let opened = seal(&scorer()).open().expect("it opens");
    let asked = Asked {
        name: Some("x\u{1b}[2J".into()),
        ..Asked::default()
    };
    let refusal: Refusal = check(&opened, &asked, &Known::default(), 0).expect_err("refused");
    assert!(!refusal.to_string().contains('\u{1b}'), "{refusal}");
    assert_eq!(opened.signers[0].0, Role::Author);
}
