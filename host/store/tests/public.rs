//! What outsiders may have: which blocks are public, by whose word, and what keeps them here.

use std::io::Write as _;
use tempfile::TempDir;
use weft_model::content::{DAG_PB, block_cid, raw_cid, record_cid};
use weft_model::{Cid, content::RAW};
use weft_store::content::{
    ContentStore, Layout, Leaf, pin, public_for, public_of, publish, unpublish,
};
use weft_store::{Error, Store, blocks};

const NOW: i64 = 1_793_491_200_000;
const OWNER: &str = "owner";

struct Home {
    _dir: TempDir,
    store: Store,
    content: ContentStore,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("weft.db")).unwrap();
        let content = ContentStore::open(&dir.path().join("content"), store.clone()).unwrap();
        Self {
            _dir: dir,
            store,
            content,
        }
    }

    /// Adds a file of these leaves below one node, and returns its root.
    fn add(&self, leaves: &[&[u8]], held: bool) -> Cid {
        let node = [b"the node of ".as_slice(), &leaves.concat()].concat();
        let cid = block_cid(DAG_PB, &node);
        let mut draft = self.content.begin().unwrap();
        let mut rows = Vec::new();
        for leaf in leaves {
            let offset = rows.last().map_or(0, |l: &Leaf| l.offset + l.len);
            draft.write_all(leaf).unwrap();
            rows.push(Leaf {
                cid: raw_cid(leaf),
                offset,
                len: leaf.len() as u64,
            });
        }
        let layout = Layout {
            cid: &cid,
            size: leaves.concat().len() as u64,
            leaves: &rows,
            nodes: &[(cid, node)],
        };
        let holder = held.then_some(OWNER);
        self.content.commit(draft, &layout, holder, NOW).unwrap();
        cid
    }

    fn publish(&self, cid: &Cid, sake: &str) -> Result<bool, Error> {
        self.store
            .write(|tx| publish(tx, &cid.to_string(), sake, NOW))
    }

    fn unpublish(&self, cid: &Cid, sake: &str) -> bool {
        let cid = cid.to_string();
        self.store.write(|tx| unpublish(tx, &cid, sake)).unwrap()
    }

    fn is_public(&self, cid: &Cid) -> bool {
        let block = self.content.public_block(cid).unwrap();
        let size = self.content.public_size(cid).unwrap();
        assert_eq!(block.as_ref().map(|b| b.len() as u64), size);
        block.is_some()
    }
}

#[test]
fn a_block_is_public_while_any_public_content_holds_it() {
    let home = Home::new();
    let shared = b"shared".as_slice();
    // The private file comes first in every order: by time, and its leaf in many places.
    let private = home.add(&[shared, shared, b"private", shared], true);
    let public = home.add(&[b"public", shared, shared], true);
    let other = home.add(&[shared, b"other"], true);
    let cids = [shared, b"private", b"public", b"other"].map(raw_cid);
    assert!(
        cids.iter()
            .all(|cid| cid.codec() == RAW && !home.is_public(cid))
    );
    assert!(home.publish(&public, OWNER).unwrap());
    assert!(!home.publish(&public, OWNER).unwrap(), "it was before");
    assert_eq!(
        cids.map(|cid| home.is_public(&cid)),
        [true, false, true, false]
    );
    assert_eq!(
        [private, public, other].map(|cid| home.is_public(&cid)),
        [false, true, false]
    );
    home.publish(&other, OWNER).unwrap();
    assert!(home.unpublish(&public, OWNER));
    assert!(!home.unpublish(&public, OWNER));
    assert_eq!(
        cids.map(|cid| home.is_public(&cid)),
        [true, false, false, true]
    );
    let stat = home.content.stat(&other).unwrap();
    assert_eq!(stat.public, [OWNER]);
    let listed = home.content.list().unwrap();
    let public: Vec<&str> = listed
        .iter()
        .filter(|s| !s.public.is_empty())
        .map(|s| s.cid.as_str())
        .collect();
    assert_eq!(public, [other.to_string()]);
}

#[test]
fn a_record_is_public_by_name_alone_and_what_is_not_here_can_t_be() {
    let home = Home::new();
    let (record, secret) = (b"a release".as_slice(), b"a decision".as_slice());
    let [record_cid, secret_cid] = [record, secret].map(record_cid);
    for (cid, bytes) in [(record_cid, record), (secret_cid, secret)] {
        home.store
            .write(|tx| blocks::put(tx, &cid.to_string(), bytes, NOW))
            .unwrap();
    }
    home.publish(&record_cid, "a release").unwrap();
    assert!(home.is_public(&record_cid));
    assert!(!home.is_public(&secret_cid));
    let missing = home.publish(&raw_cid(b"missing"), OWNER);
    assert!(matches!(missing, Err(Error::Missing { .. })), "{missing:?}");
}

#[test]
fn what_is_public_for_two_sakes_stays_so_until_both_are_gone() {
    let home = Home::new();
    let component = home.add(&[b"component"], true);
    home.publish(&component, "release one").unwrap();
    home.publish(&component, "release two").unwrap();
    let key = component.to_string();
    let sakes = home.store.read(|tx| public_for(tx, &key)).unwrap();
    assert_eq!(sakes, ["release one", "release two"]);
    let of_two = home.store.read(|tx| public_of(tx, "release two")).unwrap();
    assert_eq!(of_two, [key]);
    assert!(home.unpublish(&component, "release one"));
    assert!(home.is_public(&component));
    assert!(home.unpublish(&component, "release two"));
    assert!(!home.is_public(&component));
}

#[test]
fn no_collection_takes_what_is_public_and_removal_takes_its_word_along() {
    let home = Home::new();
    let (public, free) = (home.add(&[b"public"], false), home.add(&[b"free"], false));
    home.publish(&public, OWNER).unwrap();
    assert!(!home.content.remove_unheld(&public).unwrap());
    assert_eq!(home.content.gc().unwrap().contents, 1);
    assert!(home.content.has(&public).unwrap() && !home.content.has(&free).unwrap());
    home.unpublish(&public, OWNER);
    assert_eq!(home.content.gc().unwrap().contents, 1);

    let again = home.add(&[b"public"], false);
    home.publish(&again, OWNER).unwrap();
    home.content.remove(&again).unwrap();
    let anew = home.add(&[b"public"], false);
    assert_eq!(anew, again);
    assert!(!home.is_public(&anew), "it came back without a word");
    let key = anew.to_string();
    home.store.write(|tx| pin(tx, &key, OWNER, NOW)).unwrap();
}
