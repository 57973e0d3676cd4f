//! Configs: the bytes that each schema gives, and what a person is told about one that does not fit.

mod common;

use ipld_core::ipld::Ipld;
use proptest::prelude::*;
use serde_json::{Value, json};
use weft_model::cbor;
use weft_release::{ConfigError, canonical_config};

/// A schema as the SDK writes them.
fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Config",
        "type": "object",
        "properties": {
            "energy": {"description": "Weight.", "type": "number", "format": "double", "minimum": 0.0, "maximum": 1.0, "default": 0.5},
            "days": {"type": "integer", "format": "uint32", "minimum": 0, "maximum": 366},
            "big": {"type": "integer", "format": "uint64", "minimum": 0},
            "words": {"type": "array", "items": {"type": "string", "maxLength": 8}},
            "shares": {"type": "object", "additionalProperties": {"type": "number"}},
            "limit": {"type": ["number", "null"]},
            "tier": {"$ref": "#/$defs/Tier"},
            "maybe": {"anyOf": [{"$ref": "#/$defs/Tier"}, {"type": "null"}]},
            "tiers": {"type": "array", "items": {"$ref": "#/$defs/Tier"}},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "number"}], "minItems": 2, "maxItems": 2},
            "shape": {"oneOf": [
                {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "number"}}, "required": ["kind", "x"]},
                {"type": "object", "properties": {"kind": {"const": "b"}, "x": {"type": "integer"}}, "required": ["kind", "x"]},
            ]},
            "color": {"enum": ["red", "green"]},
            "free": {},
        },
        "additionalProperties": false,
        "$defs": {
            "Tier": {
                "type": "object",
                "properties": {"ratio": {"type": "number"}, "tasks": {"type": "integer"}},
                "required": ["ratio"],
                "additionalProperties": false,
            },
        },
    })
}

fn map(fields: &[(&str, Ipld)]) -> Ipld {
    Ipld::Map(
        fields
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.clone()))
            .collect(),
    )
}

#[test]
fn each_number_is_written_as_its_schema_says() {
    let f = Ipld::Float;
    let i = |n: i128| Ipld::Integer(n);
    for (config, expected) in [
        (json!({"energy": 1}), map(&[("energy", f(1.0))])),
        (json!({"energy": 0.25}), map(&[("energy", f(0.25))])),
        (json!({"days": 1}), map(&[("days", i(1))])),
        (json!({"days": 1.0}), map(&[("days", i(1))])),
        (
            json!({"big": u64::MAX}),
            map(&[("big", i(u64::MAX.into()))]),
        ),
        (
            json!({"shares": {"b": 1, "a": 2}}),
            map(&[("shares", map(&[("a", f(2.0)), ("b", f(1.0))]))]),
        ),
        (json!({"limit": 3}), map(&[("limit", f(3.0))])),
        (json!({"limit": null}), map(&[("limit", Ipld::Null)])),
        (
            json!({"tier": {"ratio": 1, "tasks": 2}}),
            map(&[("tier", map(&[("ratio", f(1.0)), ("tasks", i(2))]))]),
        ),
        (
            json!({"maybe": {"ratio": 1}}),
            map(&[("maybe", map(&[("ratio", f(1.0))]))]),
        ),
        (json!({"maybe": null}), map(&[("maybe", Ipld::Null)])),
        (
            json!({"tiers": [{"ratio": 1}, {"ratio": 2}]}),
            map(&[(
                "tiers",
                Ipld::List(vec![map(&[("ratio", f(1.0))]), map(&[("ratio", f(2.0))])]),
            )]),
        ),
        (
            json!({"pair": [1, 1]}),
            map(&[("pair", Ipld::List(vec![i(1), f(1.0)]))]),
        ),
        (
            json!({"shape": {"kind": "a", "x": 1}}),
            map(&[("shape", map(&[("kind", "a".into()), ("x", f(1.0))]))]),
        ),
        (
            json!({"shape": {"kind": "b", "x": 1}}),
            map(&[("shape", map(&[("kind", "b".into()), ("x", i(1))]))]),
        ),
        (
            json!({"free": [1, 1.5]}),
            map(&[("free", Ipld::List(vec![i(1), f(1.5)]))]),
        ),
        (
            json!({"words": ["ml"], "color": "red"}),
            map(&[
                ("color", "red".into()),
                ("words", Ipld::List(vec!["ml".into()])),
            ]),
        ),
    ] {
        let bytes =
            canonical_config(&schema(), &config).unwrap_or_else(|e| panic!("{config}: {e}"));
        assert_eq!(cbor::decode::<Ipld>(&bytes).unwrap(), expected, "{config}");
        assert_eq!(cbor::encode(&expected).unwrap(), bytes, "{config}");
    }
}

#[test]
fn the_bytes_are_canonical_dag_cbor() {
    let bytes = canonical_config(&schema(), &json!({"energy": 1, "days": 2})).unwrap();
    let mut expected = vec![0xa2, 0x64];
    expected.extend(b"days");
    expected.extend([0x02, 0x66]);
    expected.extend(b"energy");
    expected.extend([0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes, expected);
}

#[test]
fn no_field_set_means_all_defaults() {
    assert!(canonical_config(&schema(), &json!({})).unwrap().is_empty());
    let required = json!({"type": "object", "required": ["a"]});
    let error = canonical_config(&required, &json!({}))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`a`") && error.contains("required"),
        "{error}"
    );
}

#[test]
fn a_release_reads_configs_by_its_own_schema() {
    let scorer = common::scorer();
    assert_eq!(
        scorer.config(&json!({"energy": 1})).unwrap(),
        canonical_config(&schema(), &json!({"energy": 1})).unwrap()
    );
    let fixed = common::workload();
    assert!(fixed.config(&json!({})).unwrap().is_empty());
    assert!(fixed.config(&json!({"energy": 1})).is_err());
}

#[test]
fn a_person_is_told_the_field_what_was_found_and_what_is_allowed() {
    for (config, path, found, allowed) in [
        (
            json!({"energy": 2}),
            "energy",
            "`2`",
            "a number from 0.0 to 1.0",
        ),
        (
            json!({"energy": "x"}),
            "energy",
            "`\"x\"`",
            "a number from 0.0 to 1.0",
        ),
        (
            json!({"days": 1.5}),
            "days",
            "`1.5`",
            "an integer from 0 to 366",
        ),
        (
            json!({"days": 1e30}),
            "days",
            "`1e+30`",
            "an integer from 0 to 366",
        ),
        (
            json!({"enrgy": 1}),
            "enrgy",
            "a field that is not known",
            "energy",
        ),
        (
            json!({"words": ["a", "123456789"]}),
            "words.1",
            "`\"123456789\"`",
            "a text",
        ),
        (json!({"tier": {}}), "tier.ratio", "nothing", "required"),
        (
            json!({"tier": {"ratio": 1, "x": 1}}),
            "tier.x",
            "not known",
            "ratio, tasks",
        ),
        (
            json!({"tiers": [{"ratio": "1"}]}),
            "tiers.0.ratio",
            "`\"1\"`",
            "a number",
        ),
        (
            json!({"color": "blue"}),
            "color",
            "`\"blue\"`",
            "one of \"red\", \"green\"",
        ),
        (
            json!({"limit": true}),
            "limit",
            "`true`",
            "a number or null",
        ),
        (json!(7), "(all)", "`7`", "an object"),
        (json!([]), "(all)", "a list of 0", "an object"),
        (
            json!({"e\u{1b}[2J": 1}),
            "e\\u{1b}[2J",
            "not known",
            "energy",
        ),
    ] {
        match canonical_config(&schema(), &config) {
            Err(ConfigError::Invalid {
                path: p,
                found: f,
                allowed: a,
            }) => {
                assert_eq!(p, path, "{config}");
                assert!(f.contains(found), "{config}: found {f}");
                assert!(a.contains(allowed), "{config}: allowed {a}");
            }
            other => panic!("{config}: {other:?}"),
        }
    }
}

#[test]
fn a_schema_that_can_not_be_followed_is_refused() {
    for schema in [
        json!({"$ref": "https://example.org/schema.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"$ref": "#/$defs/Nothing"}),
        json!({"$ref": "#"}),
        json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}}),
        json!({"if": {"type": "object"}, "then": {}}),
        json!({"properties": {"a": {"patternProperties": {"x": {"type": "number"}}}}}),
        json!({"properties": {"a": {"pattern": "("}}}),
        json!({"type": 5}),
    ] {
        let result = canonical_config(&schema, &json!({"a": 1}));
        assert!(
            matches!(result, Err(ConfigError::Schema(_))),
            "{schema}: {result:?}"
        );
    }
}

#[test]
fn a_hostile_pattern_is_linear() {
    let schema = json!({"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}});
    let config = json!({"a": "a".repeat(50_000) + "b"});
    assert!(matches!(
        canonical_config(&schema, &config),
        Err(ConfigError::Invalid { .. })
    ));
}

#[test]
fn depth_and_size_are_bounded() {
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!({"a": deep});
    }
    assert!(matches!(
        canonical_config(&json!({}), &deep),
        Err(ConfigError::TooDeep { .. })
    ));
    assert!(matches!(
        canonical_config(&json!({}), &json!({"a": "x".repeat(70_000)})),
        Err(ConfigError::TooLarge { .. })
    ));
}

/// Any small JSON value.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        "[a-z]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(
                "energy|days|tier|maybe|shares|limit|ratio|tasks|type|items|properties|[$]ref|anyOf|x",
                inner,
                0..4
            )
            .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_config_gives_canonical_bytes_or_an_error(config in any_json()) {
        if let Ok(bytes) = canonical_config(&schema(), &config)
            && !bytes.is_empty()
        {
            let back: Ipld = cbor::decode(&bytes).unwrap();
            prop_assert_eq!(cbor::encode(&back).unwrap(), bytes);
        }
    }

    #[test]
    fn any_schema_is_used_or_refused(schema in any_json(), config in any_json()) {
        if let Err(e) = canonical_config(&schema, &config) {
            prop_assert!(!e.to_string().is_empty());
        }
    }
}
