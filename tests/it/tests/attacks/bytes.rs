//! Endless data: components and CAR files that are longer than was said, and trees that unfold without end.

use crate::lab::{Ask, Draft, Lab, Publisher, draft};
use std::io::Write;
use std::path::Path;
use weft_api::{PackageRequest, Request};
use weft_model::content::{self, DAG_PB};
use weft_model::{Cid, cbor};
use weft_release::limits::{LEAF_BYTES, NODE_LINKS};
use weft_release::unixfs::{Link, Node, encode_node};

/// Levels of nodes above one leaf, each node with as many links as it may have to the one below: 2^40 leaves.
const LEVELS: u32 = 4;
/// Bytes that no file of a release of some kilobytes may have beside its component.
const TOO_MUCH: usize = 8 << 20;

/// Leaves of a mebibyte, each another one.
fn leaves(count: usize) -> Vec<(Cid, Vec<u8>)> {
    (0..count)
        .map(|i| {
            let mut bytes = vec![0; LEAF_BYTES];
            bytes[..8].copy_from_slice(&(i as u64).to_le_bytes());
            (content::raw_cid(&bytes), bytes)
        })
        .collect()
}

/// The CAR file of a signed draft with these blocks, and these bytes at its end.
fn file(lab: &Lab, draft: &Draft, by: &Publisher, blocks: &[(Cid, Vec<u8>)], end: &[u8]) -> Ask {
    let path = lab.path("release.car");
    let envelope = cbor::encode(&by.signs(draft)).expect("DAG-CBOR");
    draft.car_of(&envelope, blocks, &path);
    append(&path, end);
    Ask::of(path.display())
}

fn append(path: &Path, bytes: &[u8]) {
    let file = std::fs::File::options().append(true).open(path);
    file.and_then(|mut f| f.write_all(bytes)).expect("written");
}

fn component(draft: &Draft) -> (Cid, Vec<u8>) {
    (content::raw_cid(&draft.component), draft.component.clone())
}

#[test]
fn a_component_longer_than_declared() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let size = good.component.len() as u64;
    for declared in [1, size - 1, size + 1] {
        let lies = alice.makes(&good, |r| r.component.size = declared);
        let (is, said) = (size.to_string(), declared.to_string());
        lab.refuses_draft(&lies, &alice, "wrong-size", &[&is, &said]);
    }
    // And one that goes on for mebibytes where some bytes were declared.
    let blocks = leaves(TOO_MUCH / LEAF_BYTES);
    let lies = alice.makes(&good, |r| r.component.cid = blocks[0].0);
    lab.refuses(
        file(&lab, &lies, &alice, &blocks, &[]),
        "bad-car",
        &["limit"],
    );
}

#[test]
fn a_car_file_longer_than_declared() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let mut blocks = vec![component(&good)];
    blocks.extend(leaves(TOO_MUCH / LEAF_BYTES));
    lab.refuses(
        file(&lab, &good, &alice, &blocks, &[]),
        "bad-car",
        &["goes on after", "limit"],
    );

    let mut many = vec![component(&good)];
    many.extend((0_u32..1_000).map(|i| {
        let bytes = i.to_le_bytes().to_vec();
        (content::raw_cid(&bytes), bytes)
    }));
    lab.refuses(
        file(&lab, &good, &alice, &many, &[]),
        "bad-car",
        &["blocks, the limit"],
    );

    let one = [component(&good)];
    // A block that says that it has 2^62 bytes, one that is cut off, and a length that never ends.
    let huge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];
    for (end, says) in [
        (&huge[..], "over the limit"),
        (&[0x90, 0x01, 1, 2, 3][..], "in the middle of"),
        (&[0xff; 64][..], "length"),
    ] {
        lab.refuses(file(&lab, &good, &alice, &one, end), "bad-car", &[says]);
    }
}

#[test]
fn a_car_file_with_less_or_other_than_declared() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let other = content::raw_cid(b"something else");
    for blocks in [vec![], vec![(other, b"something else".to_vec())]] {
        lab.refuses(
            file(&lab, &good, &alice, &blocks, &[]),
            "incomplete",
            &["component"],
        );
    }
    let blind = Draft {
        vectors: None,
        ..good.clone()
    };
    let blocks = [component(&good)];
    lab.refuses(
        file(&lab, &blind, &alice, &blocks, &[]),
        "incomplete",
        &["golden vectors"],
    );
    let mut forged = component(&good);
    forged.1[0] ^= 1;
    lab.refuses(
        file(&lab, &good, &alice, &[forged], &[]),
        "bad-car",
        &["not what it names"],
    );
}

#[test]
fn what_a_car_file_brings_beside_its_release_is_not_kept() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let stray = leaves(1).remove(0);
    let blocks = [component(&good), stray.clone()];
    let report = lab.install(file(&lab, &good, &alice, &blocks, &[]));
    assert_eq!(report.state, "done");
    let kept = lab.world.rows("SELECT cid FROM content");
    assert!(kept.contains(&good.release.component.cid.to_string()));
    assert!(!kept.contains(&stray.0.to_string()), "nobody asked for it");
}

#[test]
fn a_car_file_with_a_tree_that_unfolds_without_end() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    for (levels, leaf) in [(LEVELS, vec![7; 1]), (2, vec![7; LEAF_BYTES])] {
        let mut below = (content::raw_cid(&leaf), leaf.len() as u64);
        let mut blocks = vec![(below.0, leaf)];
        for _ in 0..levels {
            let link = Link {
                cid: below.0,
                file_bytes: below.1,
                dag_bytes: below.1,
            };
            let bytes = encode_node(&Node {
                links: vec![link; NODE_LINKS],
            });
            below = (
                content::block_cid(DAG_PB, &bytes),
                below.1 * NODE_LINKS as u64,
            );
            blocks.push((below.0, bytes));
        }
        blocks.reverse();
        let held: usize = blocks.iter().map(|(_, b)| b.len()).sum();
        assert!(
            held < 2 << 20,
            "a small file of {held} bytes that unfolds into {}",
            below.1
        );
        let endless = alice.makes(&draft("good-v1"), |r| r.component.cid = below.0);
        lab.refuses(
            file(&lab, &endless, &alice, &blocks, &[]),
            "bad-car",
            &["limit"],
        );
    }
}

#[test]
fn looking_at_a_file_keeps_nothing_of_it() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let lies = alice.makes(&draft("good-v2"), |r| r.component.size -= 1);
    let (good, lies) = (lab.car(&good, &alice), lab.car(&lies, &alice));
    let ask = |request| lab.world.client.call(Request::Package(request));
    lab.unchanged(|| {
        for (reference, holds) in [(&good, true), (&lies, false)] {
            let reference = reference.clone();
            ask(PackageRequest::Inspect {
                reference: reference.clone(),
            })
            .expect("it can be looked at");
            let verified = ask(PackageRequest::Verify { reference });
            assert_eq!(verified.is_ok(), holds, "{verified:?}");
        }
        ask(PackageRequest::Diff {
            a: good.clone(),
            b: lies.clone(),
        })
        .expect("a difference");
        let imported = ask(PackageRequest::Import { path: lies.clone() });
        assert_eq!(imported.expect_err("it lies").code, "wrong-size");
    });
}
