//! Trust: what each rule lets in, and everything that must not get in.

mod common;

use common::{did, key, scorer, workload};
use proptest::prelude::*;
use weft_model::{Cid, Did, Instant};
use weft_release::envelope::Opened;
use weft_release::trust::{Known, Rule, Successor, Target};
use weft_release::{Envelope, Release, Role, Trust, Verdict};

const AUTHOR: u8 = 1;
const OWNER: u8 = 9;

/// What the home knows, for one case.
#[derive(Clone, Default)]
struct Home {
    revoked: Vec<(Did, Instant)>,
    rotated: Vec<(Did, Did, Instant)>,
    first_seen: Option<Instant>,
    bundled: Vec<Cid>,
}

impl Home {
    fn ask<T>(&self, ask: impl FnOnce(&Known<'_>) -> T) -> T {
        let revoked = |did: &Did| self.revoked.iter().find(|r| r.0 == *did).map(|r| r.1);
        let rotated = |did: &Did| {
            let found = self.rotated.iter().find(|r| r.0 == *did);
            found.map(|r| Successor {
                key: r.1,
                seen_at: r.2,
            })
        };
        ask(&Known {
            revoked: &revoked,
            rotated: &rotated,
            first_seen: self.first_seen,
            bundled: &self.bundled,
            owner: did(OWNER),
        })
    }

    fn judge(&self, trust: &str, opened: &Opened) -> Verdict {
        self.ask(|known| Trust::parse(trust).unwrap().judge(opened, known))
    }

    fn trusts(&self, trust: &str, opened: &Opened) -> bool {
        self.judge(trust, opened).is_trusted()
    }

    fn vouched(&self, trust: &str, opened: &Opened) -> Option<Did> {
        self.ask(|known| Trust::parse(trust).unwrap().vouches_security(opened, known))
    }
}

fn signed(release: &Release, roles: &[(Role, u8)]) -> Opened {
    let mut envelope = Envelope::new(release.encode().unwrap().0);
    for (role, n) in roles {
        envelope.sign(*role, &key(*n)).unwrap();
    }
    envelope.open().unwrap()
}

fn by(roles: &[(Role, u8)]) -> Opened {
    signed(&scorer(), roles)
}

fn entry(role: &str, n: u8) -> String {
    format!("{{ role = \"{role}\", key = \"{}\" }}", did(n))
}

fn rule(names: &str, targets: &str, rest: &str) -> String {
    format!("[[rule]]\nnames = [{names}]\ntargets = [{targets}]\n{rest}\n")
}

/// A rule for every name and target.
fn all(rest: &str) -> String {
    rule("\"*\"", "\"*\"", rest)
}

fn author_rule() -> String {
    all(&format!("all_of = [{}]", entry("author", AUTHOR)))
}

fn refusal(verdict: Verdict) -> String {
    match verdict {
        Verdict::Refused(refusal) => refusal.to_string(),
        Verdict::Trusted { by, .. } => panic!("trusted by {by}"),
    }
}

#[test]
fn an_empty_file_trusts_what_the_binary_holds_and_what_the_owner_signed() {
    let home = Home::default();
    let stranger = by(&[(Role::Author, AUTHOR)]);
    let text = refusal(home.judge("", &stranger));
    assert!(text.contains(&did(AUTHOR).to_string()), "{text}");
    assert!(text.contains("no rule"), "{text}");

    let bundled = Home {
        bundled: vec![stranger.cid],
        ..Home::default()
    };
    assert!(bundled.trusts("", &stranger));
    // Another record around the same component did not come with the program.
    let mut other = scorer();
    other.features.reverse();
    assert!(!bundled.trusts("", &signed(&other, &[(Role::Author, AUTHOR)])));

    assert!(home.trusts("", &by(&[(Role::Author, AUTHOR), (Role::Owner, OWNER)])));
    let mut own = scorer();
    own.publisher = did(OWNER);
    assert!(home.trusts("", &signed(&own, &[(Role::Author, OWNER)])));
    for role in [Role::Validator, Role::Security] {
        assert!(!home.trusts("", &by(&[(Role::Author, AUTHOR), (role, OWNER)])));
    }
    assert!(!home.trusts("", &by(&[(Role::Author, AUTHOR), (Role::Owner, 3)])));
}

#[test]
fn a_rule_is_for_its_names_and_targets_alone() {
    let keys = format!("all_of = [{}]", entry("author", AUTHOR));
    let (home, policy) = (Home::default(), by(&[(Role::Author, AUTHOR)]));
    let work = signed(&workload(), &[(Role::Author, AUTHOR)]);
    for (names, targets, policy_in, work_in) in [
        (r#""*""#, r#""*""#, true, true),
        (r#""scorer-*""#, r#""*""#, true, false),
        (r#""scorer-clean-energy""#, r#""scorer""#, true, false),
        (r#""scorer-clean""#, r#""*""#, false, false),
        (r#""scorer-clean-energy-*""#, r#""*""#, false, false),
        (r#""*""#, r#""ethics", "workload""#, false, true),
        (r#""*""#, r#""skill""#, false, false),
        (r#""*""#, r#""voting""#, false, false),
    ] {
        let trust = rule(names, targets, &keys);
        assert_eq!(home.trusts(&trust, &policy), policy_in, "{trust}");
        assert_eq!(home.trusts(&trust, &work), work_in, "{trust}");
    }
}

#[test]
fn the_right_key_in_the_wrong_role_does_not_count() {
    let trust = all(&format!(
        "all_of = [{}, {}]",
        entry("author", AUTHOR),
        entry("validator", 2)
    ));
    let home = Home::default();
    assert!(home.trusts(&trust, &by(&[(Role::Author, AUTHOR), (Role::Validator, 2)])));
    for role in [Role::Author, Role::Owner, Role::Security] {
        let found = by(&[(Role::Author, AUTHOR), (role, 2)]);
        let text = refusal(home.judge(&trust, &found));
        assert!(
            text.contains(&format!("lacks validator `{}`", did(2))),
            "{text}"
        );
    }
    assert!(!home.trusts(&trust, &by(&[(Role::Author, AUTHOR)])));
}

#[test]
fn a_stripped_signature_list_is_trusted_by_no_rule() {
    // `verify` refuses such an envelope; should a caller not ask it, nothing counts here either.
    let mut stripped = by(&[(Role::Author, AUTHOR)]);
    stripped.signers.clear();
    for trust in ["", &author_rule()] {
        let text = refusal(Home::default().judge(trust, &stripped));
        assert!(text.contains("signed by nobody"), "{text}");
    }
    // The author's signature stripped, the validator's left.
    let mut stripped = by(&[(Role::Author, AUTHOR), (Role::Validator, 2)]);
    stripped.signers.retain(|s| s.0 == Role::Validator);
    let trust = all(&format!("all_of = [{}]", entry("validator", 2)));
    assert!(!Home::default().trusts(&trust, &stripped));
}

#[test]
fn thresholds_count_distinct_keys() {
    let trust = all(&format!(
        "[rule.any_of]\nminimum = 2\nkeys = [{}, {}, {}]",
        entry("validator", 2),
        entry("validator", 3),
        entry("validator", 4)
    ));
    let home = Home::default();
    let one = by(&[(Role::Author, AUTHOR), (Role::Validator, 2)]);
    let text = refusal(home.judge(&trust, &one));
    assert!(text.contains("lacks 1 more of"), "{text}");
    assert!(home.trusts(
        &trust,
        &by(&[
            (Role::Author, AUTHOR),
            (Role::Validator, 2),
            (Role::Validator, 4)
        ])
    ));
    // One key twice, should a caller not have asked `verify`.
    let mut twice = one.clone();
    twice.signers.push((Role::Validator, did(2)));
    assert!(!home.trusts(&trust, &twice));
    // One key under two names: 3 took 2's place, and both signed.
    let rotated = Home {
        rotated: vec![(did(2), did(3), 50)],
        first_seen: Some(10),
        ..Home::default()
    };
    let both = by(&[
        (Role::Author, AUTHOR),
        (Role::Validator, 2),
        (Role::Validator, 3),
    ]);
    assert!(home.trusts(&trust, &both));
    assert!(!rotated.trusts(&trust, &both));
    let all_of = all(&format!(
        "all_of = [{}, {}]",
        entry("validator", 2),
        entry("validator", 3)
    ));
    assert!(home.trusts(&all_of, &both));
    assert!(!rotated.trusts(&all_of, &both));
}

#[test]
fn a_revoked_key_counts_for_what_was_seen_before_and_for_no_date_of_its_own() {
    // `created` says long ago, as a thief would write.
    let mut release = scorer();
    release.created = 1;
    let stolen = signed(&release, &[(Role::Author, AUTHOR)]);
    for (first_seen, trusted) in [
        (Some(99), true),
        (Some(100), false),
        (Some(101), false),
        (None, false),
    ] {
        let home = Home {
            revoked: vec![(did(AUTHOR), 100)],
            first_seen,
            ..Home::default()
        };
        assert_eq!(
            home.trusts(&author_rule(), &stolen),
            trusted,
            "{first_seen:?}"
        );
    }
    // Nor does somebody else's signature help a release whose publisher's key is gone.
    let home = Home {
        revoked: vec![(did(AUTHOR), 100)],
        ..Home::default()
    };
    let trust = all(&format!("all_of = [{}]", entry("validator", 2)));
    let vouched = signed(&release, &[(Role::Author, AUTHOR), (Role::Validator, 2)]);
    let text = refusal(home.judge(&trust, &vouched));
    assert!(text.contains("revoked before"), "{text}");
}

#[test]
fn a_revoked_key_can_not_vouch_for_a_release_that_was_seen_long_ago() {
    // The record and its publisher's signature were seen before; the thief of the validator's key adds the rest.
    let trust = all(&format!(
        "all_of = [{}, {}]\nsecurity = [{{ key = \"{}\" }}]",
        entry("author", AUTHOR),
        entry("validator", 2),
        did(5)
    ));
    let opened = by(&[
        (Role::Author, AUTHOR),
        (Role::Validator, 2),
        (Role::Security, 5),
    ]);
    let home = |revoked: u8| Home {
        revoked: vec![(did(revoked), 100)],
        first_seen: Some(1),
        ..Home::default()
    };
    assert!(home(7).trusts(&trust, &opened));
    assert_eq!(home(7).vouched(&trust, &opened), Some(did(5)));
    let text = refusal(home(2).judge(&trust, &opened));
    assert!(text.contains("may have signed since"), "{text}");
    assert_eq!(home(5).vouched(&trust, &opened), None);
    // Nor can the owner's, on another's release.
    let owned = by(&[(Role::Author, AUTHOR), (Role::Owner, OWNER)]);
    assert!(home(7).trusts("", &owned));
    assert!(!home(OWNER).trusts("", &owned));
}

#[test]
fn a_rotation_moves_trust_and_leaves_earlier_releases_valid() {
    let old = by(&[(Role::Author, AUTHOR)]);
    let mut next = scorer();
    next.publisher = did(2);
    let new = signed(&next, &[(Role::Author, 2)]);
    let home = |first_seen, revoked: Option<Instant>| Home {
        rotated: vec![(did(AUTHOR), did(2), 100)],
        revoked: revoked.map(|at| (did(AUTHOR), at)).into_iter().collect(),
        first_seen,
        ..Home::default()
    };
    let trust = author_rule();
    assert!(!Home::default().trusts(&trust, &new));
    assert!(home(None, None).trusts(&trust, &new));
    assert!(home(Some(50), None).trusts(&trust, &old));
    assert!(!home(Some(150), None).trusts(&trust, &old));
    assert!(!home(None, None).trusts(&trust, &old));
    // Revoked afterwards: the heir stays. Revoked before: a thief gave it away.
    assert!(home(None, Some(101)).trusts(&trust, &new));
    for at in [99, 100] {
        assert!(!home(None, Some(at)).trusts(&trust, &new));
    }
    // The new key listed does not bring the old one back.
    let listed = all(&format!("all_of = [{}]", entry("author", 2)));
    assert!(!home(Some(50), None).trusts(&listed, &old));
}

#[test]
fn rotations_in_a_circle_come_to_an_end() {
    let home = Home {
        rotated: vec![(did(1), did(2), 1), (did(2), did(1), 2)],
        first_seen: Some(0),
        ..Home::default()
    };
    assert!(home.trusts(&author_rule(), &by(&[(Role::Author, AUTHOR)])));
    let long = Home {
        rotated: (1..40).map(|n| (did(n), did(n + 1), 0)).collect(),
        ..Home::default()
    };
    let mut release = scorer();
    release.publisher = did(40);
    assert!(!long.trusts(&author_rule(), &signed(&release, &[(Role::Author, 40)])));
}

#[test]
fn the_owner_who_rotated_is_still_the_owner() {
    let mut own = scorer();
    own.publisher = did(8);
    let opened = signed(&own, &[(Role::Author, 8)]);
    let home = |first_seen| Home {
        rotated: vec![(did(8), did(OWNER), 100)],
        first_seen,
        ..Home::default()
    };
    assert!(home(Some(50)).trusts("", &opened));
    assert!(!home(Some(150)).trusts("", &opened));
}

#[test]
fn security_is_vouched_for_by_a_listed_key_that_is_not_the_authors() {
    let trust = all(&format!(
        "all_of = [{}]\nsecurity = [{{ key = \"{}\" }}, {{ key = \"{}\" }}]",
        entry("author", AUTHOR),
        did(AUTHOR),
        did(5)
    ));
    let home = Home::default();
    let vouched = by(&[(Role::Author, AUTHOR), (Role::Security, 5)]);
    assert_eq!(home.vouched(&trust, &vouched), Some(did(5)));
    for not in [
        by(&[(Role::Author, AUTHOR)]),
        by(&[(Role::Author, AUTHOR), (Role::Security, 6)]),
        by(&[(Role::Author, AUTHOR), (Role::Validator, 5)]),
    ] {
        assert_eq!(home.vouched(&trust, &not), None);
    }
    // A key in the author's place is the author's.
    let rotated = Home {
        rotated: vec![(did(AUTHOR), did(5), 100)],
        first_seen: Some(1),
        ..Home::default()
    };
    assert_eq!(rotated.vouched(&trust, &vouched), None);
    let revoked = Home {
        revoked: vec![(did(5), 1)],
        ..Home::default()
    };
    assert_eq!(revoked.vouched(&trust, &vouched), None);
    // Under a rule that does not trust the release, the vote is worth nothing.
    let other = trust.replace(&entry("author", AUTHOR), &entry("validator", 7));
    assert_eq!(home.vouched(&other, &vouched), None);
}

#[test]
fn what_is_wrong_in_the_file_is_named_with_its_line() {
    let author = entry("author", AUTHOR);
    let good = format!("all_of = [{author}]");
    for (text, line, says) in [
        ("[[rule]\n".to_owned(), 1, "expected"),
        ("x = 1\n".to_owned(), 1, "unknown field `x`"),
        (
            format!("\n{}any = 1\n", all(&good)),
            6,
            "unknown field `any`",
        ),
        (rule(r#""*""#, r#""*""#, ""), 1, "no signature"),
        (all("all_of = []"), 1, "no signature"),
        (
            all("[rule.any_of]\nminimum = 0\nkeys = []"),
            5,
            "`minimum` is 0",
        ),
        (
            all(&format!("[rule.any_of]\nminimum = 0\nkeys = [{author}]")),
            5,
            "`minimum` is 0",
        ),
        (
            all(&format!("[rule.any_of]\nminimum = 2\nkeys = [{author}]")),
            5,
            "`minimum` is 2 of 1",
        ),
        (
            all(&format!("[rule.any_of]\nkeys = [{author}]")),
            4,
            "missing field `minimum`",
        ),
        (rule("", r#""*""#, &good), 1, "`names` is empty"),
        (rule(r#""*""#, "", &good), 1, "`targets` is empty"),
        (
            format!("[[rule]]\ntargets = [\"*\"]\n{good}\n"),
            1,
            "missing field `names`",
        ),
        (
            format!("[[rule]]\nnames = [\"*\"]\n{good}\n"),
            1,
            "missing field `targets`",
        ),
        (rule(r#""a*b""#, r#""*""#, &good), 2, "no name"),
        (rule(r#""*a""#, r#""*""#, &good), 2, "no name"),
        (rule(r#""""#, r#""*""#, &good), 2, "no name"),
        (rule(r#""A""#, r#""*""#, &good), 2, "no name"),
        (rule(r#""*""#, r#""score""#, &good), 3, "no target"),
        (
            all(&format!("all_of = [{author}, {author}]")),
            1,
            "listed twice",
        ),
        (
            all(&format!(
                "{good}\n[rule.any_of]\nminimum = 1\nkeys = [{}]",
                entry("validator", AUTHOR)
            )),
            1,
            "listed twice",
        ),
        (
            all(&format!("all_of = [{}]", entry("king", 1))),
            4,
            "no role",
        ),
        (
            all(&format!("all_of = [{}]", entry("security", 1))),
            4,
            "`security` list",
        ),
        (
            all("all_of = [{ role = \"author\", key = \"did:key:zzz\" }]"),
            4,
            "did:key",
        ),
        (
            all("all_of = [{ role = \"author\", key = \"x\", mail = \"y\" }]"),
            4,
            "unknown field `mail`",
        ),
        (
            all(&format!("{good}\ncomment = \"a\\u001B[2J\"")),
            5,
            "U+001B",
        ),
    ] {
        let error = Trust::parse(&text).expect_err(&text);
        assert_eq!(error.line, Some(line), "{text}\n{error}");
        assert!(error.to_string().contains(says), "{text}\n{error}");
        assert!(!error.to_string().contains(['\u{1b}', '\n']), "{error}");
    }
}

#[test]
fn edits_leave_the_rest_as_a_person_wrote_it() {
    let text = format!(
        "# whom we trust\n\n# the energy group\n{}  # odd   spacing\n\n# last words\n",
        author_rule()
    );
    let mut trust = Trust::parse(&text).unwrap();
    assert_eq!(trust.to_toml(), text);
    let mut added = trust.rules()[0].clone();
    added.targets = vec![Target::Skill, Target::Workload];
    added.comment = Some("the \"ocr\" people".into());
    added.security = added.all_of.drain(..).collect();
    added.security[0].role = Role::Security;
    // Without a signature it is refused, and nothing changes.
    assert!(trust.add(&added).is_err());
    assert_eq!(trust.to_toml(), text);
    added.all_of = trust.rules()[0].all_of.clone();
    added.any_of = Some(weft_release::trust::AnyOf {
        minimum: 1,
        keys: vec![weft_release::trust::Listed {
            role: Role::Validator,
            key: did(2),
            comment: Some("Bob".into()),
        }],
    });
    trust.add(&added).unwrap();
    let written = trust.to_toml();
    for kept in [
        "# whom we trust",
        "# the energy group",
        "# odd   spacing",
        "# last words",
    ] {
        assert!(written.contains(kept), "{written}");
    }
    let read = Trust::parse(&written).unwrap();
    let rules: Vec<&Rule> = read.rules().iter().collect();
    assert_eq!(rules, [&trust.rules()[0], &added]);

    assert!(trust.remove(0).is_err());
    assert!(trust.remove(3).is_err());
    assert_eq!(trust.remove(1).unwrap(), rules[0].clone());
    assert_eq!(Trust::parse(&trust.to_toml()).unwrap().rules(), [added]);
}

#[test]
fn a_rule_comes_after_all_that_is_there() {
    let one = Trust::parse(&author_rule()).unwrap().rules()[0].clone();
    for text in [
        "",
        "# only a comment\n",
        "# no line end",
        &format!("{}# last words\n", author_rule()),
    ] {
        let mut trust = Trust::parse(text).unwrap();
        let before = trust.rules().len();
        trust.add(&one).unwrap();
        assert!(trust.to_toml().starts_with(text), "{}", trust.to_toml());
        assert_eq!(trust.rules().len(), before + 1);
        assert_eq!(trust.rules().last(), Some(&one));
    }
}

#[test]
fn rules_written_inline_are_edited_too() {
    let one = format!(
        "{{ names = [\"a\"], targets = [\"*\"], all_of = [{}] }}",
        entry("author", 1)
    );
    let mut trust = Trust::parse(&format!("rule = [{one}, {one}]\n")).unwrap();
    trust.remove(2).unwrap();
    let rule = trust.rules()[0].clone();
    trust.add(&rule).unwrap();
    assert_eq!(
        Trust::parse(&trust.to_toml()).unwrap().rules(),
        [rule.clone(), rule]
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = Trust::parse(&text);
    }

    /// Whatever the rules: a release whose only signer is listed nowhere is not trusted.
    #[test]
    fn nobody_unlisted_gets_in(n in 10_u8..40, minimum in 1_usize..4, listed in proptest::collection::btree_set(10_u8..40, 4)) {
        let keys: Vec<String> = listed.iter().map(|k| entry("author", *k)).collect();
        let trust = all(&format!("[rule.any_of]\nminimum = {minimum}\nkeys = [{}]", keys.join(", ")));
        let mut release = scorer();
        release.publisher = did(n);
        let opened = signed(&release, &[(Role::Author, n)]);
        let expected = listed.contains(&n) && minimum == 1;
        prop_assert_eq!(Home::default().trusts(&trust, &opened), expected);
    }
}
