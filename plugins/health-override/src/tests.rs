//! Properties that hold for every name.

use super::*;
use proptest::prelude::*;

fn request(name: String) -> Request {
    Request {
        name,
        tags: Vec::new(),
        standing: Standing::Member,
        used: 0,
    }
}

fn word(name: impl Into<String>) -> Option<String> {
    let verdict = HealthOverride::judge(0, &Config::default(), &request(name.into()));
    verdict.expect("the request is well formed").word
}

fn listed() -> impl Strategy<Value = String> {
    prop::sample::select(default_words())
}

proptest! {
    #[test]
    fn any_text_is_judged_and_the_verdict_is_consistent(name in "\\PC{0,60}", used in 0_u32..200, now: i64) {
        let asked = Request { used, ..request(name) };
        let verdict = HealthOverride::judge(now, &Config::default(), &asked).expect("the name is short");
        prop_assert_eq!(verdict.emergency, verdict.word.is_some());
        prop_assert_eq!(verdict.emergency, verdict.until.is_some());
        prop_assert!(verdict.until.is_none_or(|until| until >= now));
        prop_assert!(!verdict.emergency || verdict.reason.ends_with(&asked.name));
    }

    #[test]
    fn a_listed_word_between_separators_is_found(w in listed(), before in "[a-z]{0,5}[-_. /]", after in "[-_. /][a-z]{0,5}") {
        let found = word(format!("{before}{w}{after}"));
        prop_assert!(found.is_some(), "in {before}{w}{after}");
    }

    #[test]
    fn a_listed_word_inside_a_longer_one_is_not(w in listed(), before in "[b-z]{1,4}q", after in "[a-z]{0,4}q") {
        prop_assert_eq!(word(format!("{before}{w}")).filter(|found| *found == w), None);
        prop_assert_eq!(word(format!("{w}{after}")).filter(|found| *found == w), None);
    }

    #[test]
    fn plain_words_are_those_of_the_long_way(name in "[a-z _./-]{0,24}") {
        // A letter that is no ASCII takes the long way, and a separator keeps it apart.
        let accented = format!("{name} é");
        let mut long = words::split(&accented);
        let last = long.pop();
        prop_assert_eq!(last.as_deref(), Some("é"));
        prop_assert_eq!(words::split(&name), long);
    }

    #[test]
    fn case_does_not_matter_between_separators(name in "[a-z]{1,8}([-_ ][a-z]{1,8}){0,3}", w in listed()) {
        let text = format!("{name}-{w}");
        prop_assert_eq!(word(text.clone()), word(text.to_uppercase()));
    }

    #[test]
    fn camel_case_and_separators_say_the_same(parts in prop::collection::vec("[a-z]{2,8}|fire|blood|hospital", 1..5)) {
        let camel: String = parts.iter().map(|p| p[..1].to_uppercase() + &p[1..]).collect();
        prop_assert_eq!(word(camel), word(parts.join("-")));
    }

    #[test]
    fn a_tag_counts_as_a_name_does(name in "[a-z]{1,10}", tag in "[ -~]{0,30}") {
        let plain = request(format!("x{name}"));
        prop_assume!(word(plain.name.clone()).is_none());
        let tagged = Request { tags: vec![tag.clone()], ..plain };
        let verdict = HealthOverride::judge(0, &Config::default(), &tagged).expect("the request is well formed");
        prop_assert_eq!(verdict.word, word(tag));
    }

    #[test]
    fn an_allowance_is_used_up_exactly(allowed in 1_u32..50, used in 0_u32..60) {
        let config = Config { member_per_day: allowed, ..Config::default() };
        let asked = Request { used, ..request("hospital".into()) };
        let verdict = HealthOverride::judge(0, &config, &asked).expect("the request is well formed");
        prop_assert_eq!(verdict.emergency, used < allowed);
        prop_assert!(!verdict.reason.is_empty());
    }
}
