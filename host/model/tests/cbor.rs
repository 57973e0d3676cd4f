//! Our DAG-CBOR is that of `serde_ipld_dagcbor`, byte for byte.

use cid::Cid;
use ipld_core::ipld::Ipld;
use proptest::prelude::*;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use weft_model::{cbor, content};

fn same<T: Serialize>(value: &T) -> Result<(), TestCaseError> {
    let theirs = serde_ipld_dagcbor::to_vec(value).ok();
    prop_assert_eq!(cbor::encode(value).ok(), theirs);
    Ok(())
}

fn any_ipld() -> impl Strategy<Value = Ipld> {
    let leaf = prop_oneof![
        Just(Ipld::Null),
        any::<bool>().prop_map(Ipld::Bool),
        any::<i64>().prop_map(|i| Ipld::Integer(i.into())),
        any::<i128>().prop_map(Ipld::Integer),
        (0_i128..0x1_0002).prop_map(Ipld::Integer),
        any::<f64>().prop_map(Ipld::Float),
        Just(Ipld::Float(-0.0)),
        "\\PC{0,40}".prop_map(Ipld::String),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Ipld::Bytes),
        any::<[u8; 4]>().prop_map(|b| Ipld::Link(content::raw_cid(&b))),
    ];
    leaf.prop_recursive(4, 200, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..40).prop_map(Ipld::List),
            prop::collection::btree_map("[a-z]{0,30}", inner, 0..40).prop_map(Ipld::Map),
        ]
    })
}

/// Every kind of item that serde has, fields out of canonical order.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kind {
    Unit,
    New(Cid),
    Tuple(u8, i16, char),
    Struct {
        zebra: Option<u64>,
        b: f32,
        aa: BTreeMap<String, Kind>,
    },
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::Unit),
        any::<[u8; 3]>().prop_map(|b| Kind::New(content::record_cid(&b))),
        any::<(u8, i16, char)>().prop_map(|(a, b, c)| Kind::Tuple(a, b, c)),
    ];
    leaf.prop_recursive(3, 60, 30, |inner| {
        (
            any::<Option<u64>>(),
            any::<f32>(),
            prop::collection::btree_map("\\PC{0,4}", inner, 0..30),
        )
            .prop_map(|(zebra, b, aa)| Kind::Struct { zebra, b, aa })
    })
}

proptest! {
    #[test]
    fn any_ipld_is_written_as_theirs(value in any_ipld()) {
        same(&value)?;
        if let Ok(bytes) = cbor::encode(&value) {
            let back: Ipld = cbor::decode(&bytes).expect("what was written reads");
            prop_assert_eq!(cbor::encode(&back).expect("again"), bytes);
        }
    }

    #[test]
    fn any_shape_is_written_as_theirs(value in any_kind()) {
        same(&value)?;
        same(&(value.clone(), [value]))?;
    }
}

/// An iterator that does not know its length.
struct Endless(u32);

impl Serialize for Endless {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq((0..self.0).filter(|n| n % 2 == 0))
    }
}

#[test]
fn a_list_of_unknown_length_gets_its_length() {
    for n in [0, 1, 46, 48, 600, 140_000] {
        let theirs = serde_ipld_dagcbor::to_vec(&(1, Endless(n), "x")).expect("integers");
        assert_eq!(
            cbor::encode(&(1, Endless(n), "x")).expect("ours"),
            theirs,
            "{n}"
        );
    }
}

#[test]
fn what_has_no_form_is_refused() {
    assert!(cbor::encode(&f64::NAN).is_err());
    assert!(cbor::encode(&vec![f64::INFINITY]).is_err());
    assert!(cbor::encode(&BTreeMap::from([(1, 2)])).is_err());
    assert!(cbor::encode(&u128::MAX).is_err());
}
