//! Properties of the rules, over random tasks.

use super::*;
use proptest::prelude::*;

const KINDS: [(&str, &str); 5] = [
    ("max_power_watts", "100"),
    ("task_type_blacklist", "video"),
    ("task_type_whitelist", "ocr, embeddings"),
    ("no_heavy_computation", "true"),
    ("no_data_intensive", ""),
];

fn rule(kind: &str, value: &str, level: Level) -> Rule {
    Rule {
        id: ["rule-", kind].concat(),
        kind: kind.to_owned(),
        value: value.to_owned(),
        level,
    }
}

fn task(name: &str, tags: Vec<String>, watts: Option<f64>) -> Task {
    Task {
        name: name.to_owned(),
        tags,
        watts: watts.unwrap_or(0.0),
        watts_known: if watts.is_some() {
            Known::Measured
        } else {
            Known::Unknown
        },
        duration: 60_000,
        memory_mb: 100,
    }
}

fn judge(rules: &[Rule], task: &Task) -> Vec<Violation> {
    Rules::judge(0, &Config::default(), rules, task).expect("these rules are well formed")
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_ -]{0,20}",
        "(video|Render|ml|ML|analysis|backup|Sync|ocr)[-_ A-Z][a-z]{0,6}",
        "\\PC{0,12}",
    ]
}

fn any_task() -> impl Strategy<Value = Task> {
    let tags = prop::collection::vec(names(), 0..3);
    let watts = prop::option::of(0.0..300.0);
    (names(), tags, watts).prop_map(|(name, tags, watts)| task(&name, tags, watts))
}

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    let level = any::<bool>().prop_map(|strict| if strict { Level::Strict } else { Level::Warn });
    let one = (0..KINDS.len(), level).prop_map(|(k, level)| rule(KINDS[k].0, KINDS[k].1, level));
    prop::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn each_rule_counts_by_itself(rules in any_rules(), task in any_task()) {
        let one_by_one: Vec<Violation> =
            rules.iter().flat_map(|rule| judge(std::slice::from_ref(rule), &task)).collect();
        prop_assert_eq!(judge(&rules, &task), one_by_one);
    }

    #[test]
    fn only_the_level_makes_a_violation_hard(task in any_task()) {
        for (kind, value) in KINDS {
            let strict = judge(&[rule(kind, value, Level::Strict)], &task);
            let warn = judge(&[rule(kind, value, Level::Warn)], &task);
            prop_assert_eq!(strict.len(), warn.len());
            prop_assert!(strict.iter().all(|v| v.hard) && warn.iter().all(|v| !v.hard));
        }
    }

    #[test]
    fn more_power_never_helps(a in 0.0..300.0, b in 0.0..300.0) {
        let count = |watts| judge(&[rule("max_power_watts", "100", Level::Strict)], &task("x", vec![], Some(watts))).len();
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        prop_assert!(count(low) <= count(high));
        prop_assert_eq!(count(low), usize::from(low > 100.0));
    }

    #[test]
    fn a_tag_never_makes_a_task_welcome(task in any_task(), tag in names(), rules in any_rules()) {
        let before = judge(&rules, &task).len();
        let mut tagged = task;
        tagged.tags.push(tag);
        prop_assert!(judge(&rules, &tagged).len() >= before);
    }

    #[test]
    fn case_changes_nothing_on_the_blacklist(name in "[a-zA-Z]{0,8}(video|VIDEO|vIdEo)[a-zA-Z]{0,8}") {
        let rules = [rule("task_type_blacklist", "Video", Level::Strict)];
        prop_assert_eq!(judge(&rules, &task(&name, vec![], None)).len(), 1);
    }

    #[test]
    fn a_part_occurs_where_the_standard_library_finds_it(part in "[abé]{0,3}", text in "[abé]{0,12}") {
        prop_assert_eq!(words::occurs(&part, &text), text.contains(&part));
    }

    #[test]
    fn plain_words_are_those_of_the_long_way(name in "[a-z0-9 _-]{0,24}") {
        // A letter that is no ASCII takes the long way, and a separator keeps it apart.
        let accented = format!("{name} é");
        let mut long: Vec<_> = words::split(&accented).collect();
        let last = long.pop();
        prop_assert_eq!(last.as_deref(), Some("é"));
        prop_assert_eq!(words::split(&name).collect::<Vec<_>>(), long);
    }

    #[test]
    fn words_lose_no_letter(name in "\\PC{0,24}") {
        let letters: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        prop_assert_eq!(words::split(&name).collect::<String>(), letters);
    }

    #[test]
    fn an_unknown_kind_is_an_error_that_names_the_rule(kind in "[a-z_]{1,20}", task in any_task()) {
        prop_assume!(KINDS.iter().all(|(known, _)| *known != kind));
        let broken = rule(&kind, "1", Level::Warn);
        match Rules::judge(0, &Config::default(), std::slice::from_ref(&broken), &task) {
            Err(PolicyError::BadInput(what)) => prop_assert!(what.contains(&broken.id) && what.contains(&kind)),
            other => prop_assert!(false, "expected an error, got {:?}", other),
        }
    }
}

#[test]
fn camel_case_and_acronyms_are_split() {
    let words = |text| words::split(text).collect::<Vec<_>>();
    assert_eq!(words("MLTraining"), ["ml", "training"]);
    assert_eq!(words("XMLParser"), ["xml", "parser"]);
    assert_eq!(words("nightlyBackup2Sync"), ["nightly", "backup2", "sync"]);
    assert_eq!(words("html-to_pdf"), ["html", "to", "pdf"]);
    assert_eq!(words("  --  "), Vec::<String>::new());
}
