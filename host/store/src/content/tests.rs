//! What is left after a crash at each step, what damage does, and what `gc` and pins do to one another.

use super::*;
use std::fs;
use std::io::{Read, Write};
use tempfile::TempDir;
use weft_model::content::raw_cid;

const NOW: i64 = 1_793_491_200_000;
/// Bytes of a leaf in these tests.
const LEAF: usize = 1000;

struct Home {
    dir: TempDir,
}

/// A file of the given leaves, as a caller would have cut it; its root is made up.
struct File {
    cid: Cid,
    bytes: Vec<u8>,
    leaves: Vec<Leaf>,
    nodes: Vec<(Cid, Vec<u8>)>,
}

impl Home {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn open(&self) -> ContentStore {
        let store = Store::open(self.dir.path().join("weft.db")).unwrap();
        ContentStore::open(&self.dir.path().join("content"), store).unwrap()
    }

    /// Names in the folder, those in `tmp` among them.
    fn files(&self) -> Vec<String> {
        let folder = self.dir.path().join("content");
        let mut all = files::names(&folder).unwrap();
        all.extend(files::names(&folder.join(files::TMP)).unwrap());
        all
    }
}

impl File {
    fn of(seed: u8, leaves: usize) -> Self {
        let bytes: Vec<u8> = (0..leaves)
            .flat_map(|n| vec![seed.wrapping_add(n as u8); LEAF])
            .collect();
        let leaves = bytes
            .chunks(LEAF)
            .enumerate()
            .map(|(n, part)| Leaf {
                cid: raw_cid(part),
                offset: (n * LEAF) as u64,
                len: part.len() as u64,
            })
            .collect::<Vec<_>>();
        let node = vec![seed; 50];
        let root = raw_cid(&node);
        Self {
            cid: root,
            bytes,
            leaves,
            nodes: vec![(root, node)],
        }
    }

    fn layout(&self) -> Layout<'_> {
        Layout {
            cid: &self.cid,
            size: self.bytes.len() as u64,
            leaves: &self.leaves,
            nodes: &self.nodes,
        }
    }

    fn draft(&self, content: &ContentStore) -> Draft {
        let mut draft = content.begin().unwrap();
        draft.write_all(&self.bytes).unwrap();
        draft
    }

    fn add(&self, content: &ContentStore, holder: Option<&str>) -> bool {
        let draft = self.draft(content);
        content.commit(draft, &self.layout(), holder, NOW).unwrap()
    }

    fn read(&self, content: &ContentStore) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut reader = content.read(&self.cid).map_err(std::io::Error::other)?;
        reader.read_to_end(&mut bytes).map(|_| bytes)
    }
}

fn unpin_owner(content: &ContentStore, file: &File) {
    let unpin = |tx: &crate::Write| unpin(tx, &file.cid.to_string(), "owner");
    assert!(content.store.write(unpin).unwrap());
}

fn damage(content: &ContentStore, file: &File, at: usize) {
    let mut bytes = file.bytes.clone();
    bytes[at] ^= 1;
    fs::write(content.path(&file.cid), bytes).unwrap();
}

#[test]
fn what_is_added_is_read_and_adding_it_again_does_nothing() {
    let (home, file) = (Home::new(), File::of(1, 5));
    let content = home.open();
    assert!(file.add(&content, None));
    assert!(!file.add(&content, Some("owner")));
    assert_eq!(file.read(&content).unwrap(), file.bytes);
    for leaf in &file.leaves {
        let block = content.block(&leaf.cid).unwrap().unwrap();
        let at = leaf.offset as usize;
        assert_eq!(block, &file.bytes[at..at + leaf.len as usize]);
    }
    let (node, bytes) = &file.nodes[0];
    assert_eq!(content.block(node).unwrap().as_ref(), Some(bytes));
    assert_eq!(content.block(&raw_cid(b"nothing")).unwrap(), None);
    let stat = content.stat(&file.cid).unwrap();
    assert_eq!((stat.size, stat.leaves, stat.nodes), (5000, 5, 1));
    assert_eq!(stat.pins, ["owner"]);
    assert_eq!(content.list().unwrap(), [stat]);
    assert_eq!(home.files(), [file.cid.to_string()]);
    drop(content);
    assert_eq!(file.read(&home.open()).unwrap(), file.bytes);
}

#[test]
fn an_empty_file_is_content_too() {
    let home = Home::new();
    let content = home.open();
    let cid = raw_cid(&[]);
    let leaves = [Leaf {
        cid,
        offset: 0,
        len: 0,
    }];
    let layout = Layout {
        cid: &cid,
        size: 0,
        leaves: &leaves,
        nodes: &[],
    };
    content
        .commit(content.begin().unwrap(), &layout, None, NOW)
        .unwrap();
    let mut reader = content.read(&cid).unwrap();
    assert_eq!(reader.next_leaf().unwrap(), Some((cid, &[][..])));
    assert_eq!(reader.next_leaf().unwrap(), None);
    assert_eq!(content.block(&cid).unwrap(), Some(Vec::new()));
    assert_eq!(content.verify(&cid, NOW, &|_| ()).unwrap(), Finding::Whole);
}

/// The process ends after each step of adding: nothing, or all of it, is there afterwards, and no file is left over.
#[test]
fn a_crash_while_adding_leaves_nothing_or_everything() {
    for steps in 0..=4 {
        let (home, file) = (Home::new(), File::of(7, 3));
        let content = home.open();
        let draft = file.draft(&content);
        if steps == 0 {
            // As after a kill: nothing is dropped in good order.
            std::mem::forget(draft);
        } else {
            draft.sync(file.bytes.len() as u64).unwrap();
            match steps {
                1 => std::mem::forget(draft),
                2 => draft.rename(&content.path(&file.cid)).unwrap(),
                _ => content.place(draft, &file.cid).unwrap(),
            }
        }
        if steps == 4 {
            content.record(&file.layout(), true, None, NOW).unwrap();
        }
        assert_eq!(home.files().len(), 1, "after step {steps}");
        drop(content);
        let content = home.open();
        if steps == 4 {
            assert_eq!(file.read(&content).unwrap(), file.bytes);
            continue;
        }
        assert!(home.files().is_empty(), "after step {steps}");
        assert!(content.list().unwrap().is_empty());
        assert!(file.add(&content, None), "after step {steps}");
        assert_eq!(file.read(&content).unwrap(), file.bytes);
    }
}

/// `gc` ends after its rows are gone and before its files are: the next one takes them.
#[test]
fn a_crash_while_collecting_leaves_a_file_for_the_next_time() {
    let (home, file) = (Home::new(), File::of(7, 3));
    let content = home.open();
    file.add(&content, None);
    content.store.write(rows::remove_unheld).unwrap();
    assert_eq!(home.files().len(), 1);
    let freed = content.gc().unwrap();
    assert_eq!(
        freed,
        Freed {
            contents: 0,
            leftovers: 1,
            bytes: 3000
        }
    );
    assert!(home.files().is_empty());
}

#[test]
fn a_draft_of_another_length_is_refused() {
    let (home, file) = (Home::new(), File::of(1, 2));
    let content = home.open();
    let mut draft = file.draft(&content);
    draft.write_all(b"more").unwrap();
    let refused = content
        .commit(draft, &file.layout(), None, NOW)
        .unwrap_err();
    assert!(matches!(refused, Error::File { .. }), "{refused}");
    assert!(home.files().is_empty());
}

#[test]
fn a_damaged_leaf_is_named_and_never_given_out() {
    let (home, file) = (Home::new(), File::of(1, 4));
    let content = home.open();
    file.add(&content, Some("owner"));
    damage(&content, &file, 2 * LEAF + 17);
    let mut reader = content.read(&file.cid).unwrap();
    let mut bytes = Vec::new();
    let error = reader.read_to_end(&mut bytes).unwrap_err().to_string();
    assert_eq!(bytes, &file.bytes[..2 * LEAF], "the leaves before it");
    for part in [&file.cid, &file.leaves[2].cid] {
        assert!(error.contains(&part.to_string()), "{error}");
    }
    assert!(error.contains("weft content add"), "{error}");
    let error = content.block(&file.leaves[2].cid).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(content.block(&file.leaves[1].cid).unwrap().is_some());

    let Finding::Damaged(what) = content.verify(&file.cid, NOW + 1000, &|_| ()).unwrap() else {
        panic!("it is damaged");
    };
    assert!(what.contains(&file.leaves[2].cid.to_string()), "{what}");
    let stat = content.stat(&file.cid).unwrap();
    assert_eq!((stat.problem, stat.verified_at), (Some(what), NOW + 1000));
    // Adding it again heals it; who held it still does.
    assert!(file.add(&content, None));
    assert_eq!(file.read(&content).unwrap(), file.bytes);
    let stat = content.stat(&file.cid).unwrap();
    assert_eq!((stat.problem, stat.pins), (None, vec!["owner".to_owned()]));
}

#[test]
fn a_missing_or_cut_file_is_found_and_healed() {
    let (home, file) = (Home::new(), File::of(1, 2));
    let content = home.open();
    file.add(&content, None);
    let path = content.path(&file.cid);
    fs::write(&path, &file.bytes[..LEAF + 1]).unwrap();
    let found = content.verify(&file.cid, NOW, &|_| ()).unwrap();
    assert!(matches!(found, Finding::Damaged(_)), "{found:?}");
    assert!(file.read(&content).is_err());
    fs::remove_file(&path).unwrap();
    assert_eq!(
        content.verify(&file.cid, NOW, &|_| ()).unwrap(),
        Finding::Missing
    );
    let gone = content.read(&file.cid).err().unwrap();
    assert!(matches!(gone, Error::Damaged { .. }), "{gone}");
    assert!(!content.has(&file.cid).unwrap());
    assert!(file.add(&content, None));
    assert_eq!(
        content.verify(&file.cid, NOW, &|_| ()).unwrap(),
        Finding::Whole
    );
}

#[test]
fn a_leaf_that_lies_twice_is_served_from_the_whole_copy() {
    let home = Home::new();
    let content = home.open();
    let (one, mut two) = (File::of(1, 3), File::of(1, 2));
    two.cid = raw_cid(b"another root");
    two.nodes.clear();
    one.add(&content, None);
    two.add(&content, None);
    damage(&content, &one, 0);
    let block = content.block(&one.leaves[0].cid).unwrap().unwrap();
    assert_eq!(block, &one.bytes[..LEAF]);
}

#[test]
fn rows_that_do_not_cover_the_file_are_damage() {
    let (home, file) = (Home::new(), File::of(1, 3));
    let content = home.open();
    file.add(&content, None);
    let cut = |tx: &crate::Write| tx.run("DELETE FROM content_leaves WHERE offset = 1000", []);
    content.store.write(cut).unwrap();
    let error = file.read(&content).unwrap_err().to_string();
    assert!(error.contains("no leaf begins at byte 1000"), "{error}");
    let found = content.verify(&file.cid, NOW, &|_| ()).unwrap();
    assert!(matches!(found, Finding::Damaged(_)), "{found:?}");
}

#[test]
fn what_nobody_holds_is_collected_and_the_rest_stays() {
    let home = Home::new();
    let content = home.open();
    let (held, twice, free) = (File::of(1, 1), File::of(50, 2), File::of(100, 3));
    held.add(&content, Some("owner"));
    twice.add(&content, Some("owner"));
    twice.add(&content, Some("a release"));
    free.add(&content, Some("owner"));
    fs::write(content.folder().join("README"), "a person's").unwrap();
    unpin_owner(&content, &twice);
    unpin_owner(&content, &free);
    let freed = content.gc().unwrap();
    assert_eq!(
        freed,
        Freed {
            contents: 1,
            leftovers: 0,
            bytes: 3000
        }
    );
    assert_eq!(content.gc().unwrap(), Freed::default());
    assert!(held.read(&content).is_ok() && twice.read(&content).is_ok());
    assert!(matches!(
        content.stat(&free.cid),
        Err(Error::Missing { .. })
    ));
    assert!(content.folder().join("README").exists());
    assert_eq!(content.remove(&held.cid).unwrap(), Some(1000));
    assert_eq!(content.remove(&held.cid).unwrap(), None);
    assert_eq!(home.files().len(), 2);
}

/// Threads add, pin, read and collect the same contents: a pin that was taken holds, and no wrong byte is read.
#[test]
fn collecting_never_takes_what_was_pinned_before() {
    let home = Home::new();
    let content = home.open();
    let files: Vec<File> = (0..4).map(|n| File::of(n * 50, 3)).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                content.gc().unwrap();
            }
        });
        let adders: Vec<_> = files
            .iter()
            .map(|file| {
                let content = &content;
                scope.spawn(move || {
                    for round in 0..20 {
                        if round % 2 == 0 {
                            file.add(content, Some("owner"));
                        } else {
                            file.add(content, None);
                            let pin =
                                |tx: &crate::Write| pin(tx, &file.cid.to_string(), "owner", NOW);
                            match content.store.write(pin) {
                                Ok(()) => {}
                                // It was collected before it was pinned, and the pin says so.
                                Err(Error::Missing { .. }) => continue,
                                Err(e) => panic!("{e}"),
                            }
                        }
                        assert_eq!(file.read(content).unwrap(), file.bytes);
                        assert_eq!(
                            content.verify(&file.cid, NOW, &|_| ()).unwrap(),
                            Finding::Whole
                        );
                        unpin_owner(content, file);
                    }
                })
            })
            .collect();
        let ended: Vec<_> = adders.into_iter().map(|adder| adder.join()).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for end in ended {
            end.unwrap();
        }
    });
    content.gc().unwrap();
    assert!(home.files().is_empty());
}
