//! Release records: what is refused, and that a record has one encoding.

mod common;

use common::{scorer, workload};
use ipld_core::ipld::Ipld;
use proptest::prelude::*;
use weft_model::slot::Failure;
use weft_model::{Slot, cbor, content};
use weft_release::{Effectiveness, Kind, Known, Model, Release, ReleaseError};

#[test]
fn a_valid_release_comes_back_as_it_was() {
    for release in [scorer(), workload()] {
        let (bytes, cid) = release.encode().unwrap();
        assert_eq!(cid, content::record_cid(&bytes));
        assert_eq!(Release::decode(&bytes).unwrap(), release);
    }
    assert_eq!(scorer().kind().unwrap(), Kind::Policy(Slot::Scorer));
    assert_eq!(workload().kind().unwrap(), Kind::Workload);
}

#[test]
fn the_record_has_exactly_the_fields_of_the_contract() {
    let (bytes, _) = scorer().encode().unwrap();
    let Ipld::Map(map) = cbor::decode(&bytes).unwrap() else {
        panic!("a release is a map");
    };
    let mut fields: Vec<&str> = map.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields.join(" "),
        "component config_schema created description domain effectiveness expires failure features \
         imports license limits models name publisher revision source supersedes vectors version world"
    );
}

/// One change that makes a release invalid, and the field that the error must name.
type Break = (&'static str, fn(&mut Release));

#[test]
fn each_broken_field_is_named() {
    let breaks: &[Break] = &[
        ("name", |r| r.name = String::new()),
        ("name", |r| r.name = "x".repeat(65)),
        ("name", |r| r.name = "Scorer".into()),
        ("name", |r| r.name = "-x".into()),
        ("name", |r| r.name = "a\u{1b}[2J".into()),
        ("revision", |r| r.revision = 0),
        ("revision", |r| r.revision = 1 << 53),
        ("world", |r| r.world = "weft:scorer/voting@0.1.0".into()),
        ("world", |r| r.world = "weft:scorer/scorer@0.1.0".repeat(9)),
        ("component", |r| r.component.size = 0),
        ("component", |r| r.component.size = 1 << 40),
        ("component", |r| r.component.cid = content::record_cid(b"x")),
        ("imports", |r| {
            r.imports = vec!["wasi:clocks/wall-clock@0.2.0".into()]
        }),
        ("imports", |r| {
            r.imports = vec!["weft:workload/output@0.1.0".into()]
        }),
        ("imports", |r| {
            r.imports = vec!["weft:model/types@0.1.0".into(); 2]
        }),
        ("features", |r| r.features = vec!["voter.tasks".into()]),
        ("features", |r| r.features = vec!["peer.online".into(); 2]),
        ("limits", |r| r.limits.fuel = 0),
        ("limits", |r| r.limits.fuel += 1),
        ("limits", |r| r.limits.memory_bytes += 1),
        ("limits", |r| r.limits.deadline_ms += 1),
        ("limits", |r| r.limits.output_bytes += 1),
        ("failure", |r| r.failure = None),
        ("failure", |r| r.failure = Some(Failure::KeepSeeding)),
        ("config_schema", |r| r.config_schema = Some("[]".into())),
        ("config_schema", |r| {
            r.config_schema = Some("{\"type\":7}".into())
        }),
        ("config_schema", |r| {
            r.config_schema = Some(r#"{"$ref":"https://example.org/s"}"#.into())
        }),
        ("config_schema", |r| {
            r.config_schema = Some(r#"{"description":"\u001b[2J"}"#.into())
        }),
        ("config_schema", |r| {
            r.config_schema = Some(" ".repeat(70_000))
        }),
        ("models", |r| {
            r.models = vec![Model {
                name: "m.gguf".into(),
                cid: content::raw_cid(b"m"),
                size: 1,
            }];
        }),
        ("vectors", |r| r.vectors = Some(content::raw_cid(b"x"))),
        ("supersedes", |r| {
            r.supersedes = Some(content::raw_cid(b"x"))
        }),
        ("expires", |r| r.expires = Some(r.created)),
        ("description", |r| r.description = "a\u{202e}b".into()),
        ("description", |r| r.description = "a\u{9b}31m".into()),
        ("description", |r| r.description = "a\nb".into()),
        ("source", |r| r.source = Some(String::new())),
        ("license", |r| r.license = Some("x".repeat(513))),
        ("domain", |r| r.domain = Some("\0".into())),
        ("effectiveness", |r| {
            r.effectiveness = Some(Effectiveness {
                value: 1.5,
                known: Known::Declared,
            });
        }),
    ];
    for (field, change) in breaks {
        let mut release = scorer();
        change(&mut release);
        let error = release.validate().unwrap_err();
        assert_eq!(error.field, *field, "{error}");
        let text = error.to_string();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(release.encode().is_err());
    }
}

#[test]
fn a_workload_has_its_own_rules() {
    let breaks: &[Break] = &[
        ("features", |r| r.features = vec!["peer.online".into()]),
        ("failure", |r| r.failure = Some(Failure::Closed)),
        ("limits", |r| r.limits.fuel += 1),
        ("models", |r| {
            let model = Model {
                name: "m.gguf".into(),
                cid: content::raw_cid(b"m"),
                size: 1,
            };
            r.models = vec![model.clone(), model];
        }),
        ("models", |r| {
            r.models = vec![Model {
                name: "../m".into(),
                cid: content::raw_cid(b"m"),
                size: 1,
            }];
        }),
    ];
    for (field, change) in breaks {
        let mut release = workload();
        change(&mut release);
        assert_eq!(release.validate().unwrap_err().field, *field);
    }
    let mut release = workload();
    release.models = vec![Model {
        name: "tokenizer_v2.json".into(),
        cid: content::raw_cid(b"m"),
        size: 1,
    }];
    release.validate().unwrap();
}

#[test]
fn another_encoding_of_the_same_record_is_refused() {
    let (bytes, _) = scorer().encode().unwrap();
    // A field left out reads as none, but is not how the record is written.
    let Ipld::Map(mut map) = cbor::decode::<Ipld>(&bytes).unwrap() else {
        panic!("a release is a map");
    };
    map.remove("domain");
    let short = cbor::encode(&Ipld::Map(map.clone())).unwrap();
    assert!(matches!(
        Release::decode(&short),
        Err(ReleaseError::NotCanonical)
    ));
    // A field that is not one.
    map.insert("domain".into(), Ipld::Null);
    map.insert("extra".into(), Ipld::Null);
    let long = cbor::encode(&Ipld::Map(map)).unwrap();
    assert!(matches!(Release::decode(&long), Err(ReleaseError::Cbor(_))));
    // Bytes after the end.
    let mut tail = bytes.clone();
    tail.push(0);
    assert!(Release::decode(&tail).is_err());
    assert!(matches!(
        Release::decode(&vec![0; 300_000]),
        Err(ReleaseError::TooLarge { found: 300_000 })
    ));
}

#[test]
fn an_expired_release_says_so() {
    let mut release = scorer();
    assert!(!release.is_expired(i64::MAX));
    release.expires = Some(release.created + 1);
    assert!(!release.is_expired(release.created));
    assert!(release.is_expired(release.created + 1));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Release::decode(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_is_another_release_or_none(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (mut bytes, cid) = scorer().encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(release) = Release::decode(&bytes) {
            prop_assert_ne!(release.encode().unwrap().1, cid);
        }
    }

    #[test]
    fn any_text_is_refused_or_safe_to_print(text in ".{0,200}") {
        let mut release = scorer();
        release.description = text.clone();
        match release.validate() {
            Ok(()) => prop_assert!(!text.chars().any(char::is_control)),
            Err(e) => prop_assert!(!e.to_string().chars().any(char::is_control)),
        }
    }
}
