//! Files as trees: known CIDs, plans that cover their file, and strangers' trees that unfold without end.

use proptest::prelude::*;
use std::collections::HashMap;
use weft_model::content::DAG_PB;
use weft_model::{Cid, content};
use weft_release::limits::{FILE_BYTES, LEAF_BYTES, NODE_BYTES, NODE_LINKS};
use weft_release::unixfs::{
    Builder, Found, Link, Node, Plan, UnixfsError, decode_node, encode_node, file_cid, walk,
};

/// What npm's ipfs-car 3.1.0 makes of as many zeros, but for the second, which is the letter `a`.
const KNOWN: [(usize, &str); 5] = [
    (
        0,
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    ),
    (
        1,
        "bafkreigks6arfsq3xxfpvqrrwonchxcnu6do76auprhhfomao6c273sixm",
    ),
    (
        LEAF_BYTES,
        "bafkreibq4fevl27rgurgnxbp7adh42aqiyd6ouflxhj3gzmcxcxzbh6lla",
    ),
    (
        LEAF_BYTES + 1,
        "bafybeihd4yzq7n5umhjngdum4r6k2to7egxfkf2jz6thvwzf6djus22cmq",
    ),
    (
        5 * LEAF_BYTES,
        "bafybeiakykiwgk2qsjglssicrhh5ekrm44xdd34qdo56ll2ejysdyhbtzy",
    ),
];

fn plan_of(bytes: &[u8]) -> Plan {
    let mut builder = Builder::new();
    for leaf in bytes.chunks(LEAF_BYTES) {
        builder.push(leaf).expect("a leaf");
    }
    builder.finish()
}

/// The plan of a file of so many full leaves, made up from their numbers.
fn plan_of_leaves(count: u32) -> Plan {
    let mut builder = Builder::new();
    for number in 0..count {
        builder
            .push_hashed(content::raw_cid(&number.to_be_bytes()), LEAF_BYTES)
            .expect("a leaf");
    }
    builder.finish()
}

fn blocks_of(plan: &Plan) -> HashMap<Cid, Found> {
    let nodes = plan.nodes.iter().cloned().map(|(c, b)| (c, Found::Node(b)));
    let leaves = plan.leaves.iter().map(|l| (l.cid, Found::Leaf(l.len)));
    nodes.chain(leaves).collect()
}

fn walked(root: &Cid, blocks: &HashMap<Cid, Found>) -> Result<Plan, UnixfsError> {
    walk(root, FILE_BYTES, |cid| blocks.get(cid).cloned())
}

fn cid_of(node: &[u8]) -> Cid {
    content::block_cid(DAG_PB, node)
}

#[test]
fn cids_are_those_of_ipfs_tools() {
    for (len, cid) in KNOWN {
        let bytes = if len == 1 {
            b"a".to_vec()
        } else {
            vec![0; len]
        };
        assert_eq!(plan_of(&bytes).root.to_string(), cid, "{len} bytes");
        assert_eq!(file_cid(&bytes).expect("small").to_string(), cid);
    }
}

#[test]
fn one_leaf_has_no_node_and_a_full_row_has_one() {
    assert!(plan_of(&[1; 7]).nodes.is_empty());
    let links = NODE_LINKS as u32;
    for (leaves, nodes) in [
        (2, 1),
        (links, 1),
        (links + 1, 3),
        (2 * links, 3),
        (2 * links + 1, 4),
    ] {
        let plan = plan_of_leaves(leaves);
        assert_eq!(plan.nodes.len(), nodes, "{leaves} leaves");
        assert_eq!(plan.nodes.last().expect("a root").0, plan.root);
        assert!(
            plan.nodes
                .iter()
                .all(|(_, bytes)| bytes.len() <= NODE_BYTES)
        );
        assert_eq!(walked(&plan.root, &blocks_of(&plan)), Ok(plan));
    }
}

#[test]
fn leaves_are_full_but_for_the_last() {
    let mut builder = Builder::new();
    builder.push(&[0; 3]).expect("the first may be short");
    let refused = builder
        .push(&[0; 3])
        .expect_err("nothing follows a short one");
    assert!(
        matches!(refused, UnixfsError::LeafLength { found: 3, .. }),
        "{refused}"
    );
    let refused = Builder::new()
        .push(&vec![0; LEAF_BYTES + 1])
        .expect_err("too long");
    assert!(
        matches!(refused, UnixfsError::LeafLength { .. }),
        "{refused}"
    );
}

/// Five nodes, each linking the one below 1,024 times: 1024^5 leaves in 300 kB.
#[test]
fn a_tree_that_unfolds_without_end_is_refused() {
    let mut blocks = HashMap::new();
    let leaf = content::raw_cid(b"x");
    blocks.insert(leaf, Found::Leaf(1));
    let mut below = Link {
        cid: leaf,
        file_bytes: 1,
        dag_bytes: 1,
    };
    for depth in 1..=5 {
        let bytes = encode_node(&Node {
            links: vec![below; NODE_LINKS],
        });
        let cid = cid_of(&bytes);
        below = Link {
            cid,
            file_bytes: below.file_bytes.saturating_mul(NODE_LINKS as u64),
            dag_bytes: 1,
        };
        blocks.insert(cid, Found::Node(bytes));
        let mut asked = 0;
        let result = walk(&cid, FILE_BYTES, |cid| {
            asked += 1;
            blocks.get(cid).cloned()
        });
        assert!(asked <= depth + 1, "each block is asked for once");
        match (depth, result) {
            (1 | 2, Ok(plan)) => assert_eq!(plan.size, below.file_bytes),
            (3 | 4, Err(UnixfsError::TooManyBlocks)) => {}
            (5, Err(UnixfsError::TooLarge { .. } | UnixfsError::TooDeep)) => {}
            (_, other) => panic!("depth {depth}: {other:?}"),
        }
    }
}

/// No node can hold its own CID, but a forged lookup can give one.
#[test]
fn a_node_that_links_to_itself_is_refused() {
    let own = cid_of(b"not its bytes");
    let bytes = encode_node(&Node {
        links: vec![Link {
            cid: own,
            file_bytes: 7,
            dag_bytes: 7,
        }],
    });
    let refused =
        walk(&own, FILE_BYTES, |_| Some(Found::Node(bytes.clone()))).expect_err("endless");
    assert_eq!(refused, UnixfsError::TooDeep);
}

#[test]
fn sizes_must_agree_at_every_level() {
    let plan = plan_of(&vec![7; 2 * LEAF_BYTES + 5]);
    let mut blocks = blocks_of(&plan);
    let last = plan.leaves.last().expect("a leaf");
    blocks.insert(last.cid, Found::Leaf(6));
    let refused = walked(&plan.root, &blocks).expect_err("one byte more than declared");
    assert!(
        matches!(
            refused,
            UnixfsError::SizeDiffers {
                declared: 5,
                found: 6,
                ..
            }
        ),
        "{refused}"
    );
    let refused = walk(&plan.root, plan.size - 1, |cid| blocks.get(cid).cloned())
        .expect_err("over the limit");
    assert!(matches!(refused, UnixfsError::TooLarge { .. }), "{refused}");
    blocks.remove(&plan.leaves[0].cid);
    assert_eq!(
        walked(&plan.root, &blocks),
        Err(UnixfsError::Missing {
            cid: plan.leaves[0].cid
        })
    );
}

/// A node whose UnixFS message is written by hand: type, filesize, blocksizes.
fn node_with(message: &[u8], links: usize) -> Vec<u8> {
    let link = ipld_dagpb::PbLink {
        cid: content::raw_cid(b"x"),
        name: Some(String::new()),
        size: Some(1),
    };
    ipld_dagpb::PbNode {
        links: vec![link; links],
        data: Some(message.to_vec().into()),
    }
    .into_bytes()
}

#[test]
fn what_is_no_file_is_refused() {
    let good = node_with(&[8, 2, 24, 1, 32, 1], 1);
    assert_eq!(decode_node(&good).expect("a file").size(), 1);
    for (what, bytes) in [
        ("a directory", node_with(&[8, 1], 0)),
        ("a sharded directory", node_with(&[8, 5, 24, 1, 32, 1], 1)),
        ("a symbolic link", node_with(&[8, 4, 18, 1, b'x'], 0)),
        (
            "inline bytes",
            node_with(&[8, 2, 18, 1, b'x', 24, 2, 32, 1], 1),
        ),
        ("a size too few", node_with(&[8, 2, 24, 1, 32, 1], 2)),
        ("no links", node_with(&[8, 2, 24, 0], 0)),
        ("an empty part", node_with(&[8, 2, 24, 1, 32, 1, 32, 0], 2)),
        ("no type", node_with(&[24, 1, 32, 1], 1)),
        ("no message", ipld_dagpb::PbNode::default().into_bytes()),
        ("no DAG-PB", vec![255; 20]),
    ] {
        let refused = decode_node(&bytes).expect_err(what);
        assert!(
            matches!(refused, UnixfsError::NotAFile { .. }),
            "{what}: {refused}"
        );
    }
    let refused = decode_node(&node_with(&[8, 2, 24, 9, 32, 1], 1)).expect_err("another sum");
    assert!(
        matches!(
            refused,
            UnixfsError::SizeDiffers {
                declared: 9,
                found: 1,
                ..
            }
        ),
        "{refused}"
    );
    let refused = decode_node(&vec![0; NODE_BYTES + 1]).expect_err("too large");
    assert!(
        matches!(refused, UnixfsError::NodeTooLarge { .. }),
        "{refused}"
    );
    let mut message = vec![8, 2, 24];
    message.extend([129, 8]);
    message.extend([32, 1].repeat(NODE_LINKS + 1));
    let refused = decode_node(&node_with(&message, NODE_LINKS + 1)).expect_err("too many");
    assert!(
        matches!(refused, UnixfsError::TooManyLinks { .. }),
        "{refused}"
    );
    let mut message = vec![8, 2, 24, 1];
    for _ in 0..2 {
        message.push(32);
        message.extend([255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    }
    let refused = decode_node(&node_with(&message, 2)).expect_err("the sum overflows");
    assert!(matches!(refused, UnixfsError::TooLarge { .. }), "{refused}");
}

proptest! {
    #[test]
    fn a_plan_covers_its_file_and_comes_back(leaves in 1_u32..3_000, last in 1..=LEAF_BYTES) {
        let mut builder = Builder::new();
        for number in 0..leaves - 1 {
            builder.push_hashed(content::raw_cid(&number.to_be_bytes()), LEAF_BYTES).unwrap();
        }
        builder.push_hashed(content::raw_cid(b"the last"), last).unwrap();
        let plan = builder.finish();
        let mut at = 0;
        for leaf in &plan.leaves {
            prop_assert_eq!(leaf.offset, at);
            at += leaf.len;
        }
        prop_assert_eq!(at, plan.size);
        prop_assert_eq!(walked(&plan.root, &blocks_of(&plan)), Ok(plan));
    }

    #[test]
    fn hostile_nodes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(node) = decode_node(&bytes) {
            prop_assert!(!node.links.is_empty());
        }
    }

    #[test]
    fn damaged_nodes_never_panic(leaves in 2_u32..40, at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let plan = plan_of_leaves(leaves);
        let mut bytes = plan.nodes[0].1.clone();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(node) = decode_node(&bytes) {
            prop_assert!(node.links.len() <= NODE_LINKS);
        }
        let blocks = HashMap::from([(plan.root, Found::Node(bytes))]);
        prop_assert!(walked(&plan.root, &blocks).is_err(), "its leaves are not there");
    }
}
