//! Content as people and programs use it: by the command line, through a daemon, in backups and CAR files; what is
//! damaged is named, and what a stranger's CAR file unfolds into is bounded.

mod world;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use weft_kit::Home;
use weft_model::content::{DAG_CBOR, DAG_PB, block_cid, raw_cid};
use weft_model::{Cid, cbor};
use weft_node::{CarLimits, Code, Node, OpenOptions, SystemClock};
use weft_release::car::CarWriter;
use weft_release::limits::{LEAF_BYTES, NODE_LINKS};
use weft_release::unixfs::{Link, Node as Inner, encode_node, file_cid};
use world::{World, bundle};

/// Bytes that repeat only after 2^64 of them, from a seed: splitmix64.
fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut out = Vec::with_capacity(count + 8);
    while out.len() < count {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        out.extend((z ^ (z >> 31)).to_le_bytes());
    }
    out.truncate(count);
    out
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The hosted node of a world's home, and its home, which goes with the folder.
fn node() -> (tempfile::TempDir, std::sync::Arc<Node>) {
    let World { home, client, .. } = World::new();
    (home, client.into_node().expect("it is hosted here"))
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// Flips one byte of a stored file.
fn damage(home: &Path, cid: &str, at: usize) {
    let path = home.join("content").join(cid);
    let mut bytes = fs::read(&path).expect("a content's file");
    bytes[at] ^= 1;
    write(&path, &bytes);
}

#[test]
fn the_command_line_adds_shows_gets_and_collects() {
    let home = Home::new();
    home.weft(["init"]).ok();
    let file = home.join("a file");
    let held = bytes(1, 3 * LEAF_BYTES + 17);
    write(&file, &held);
    let added = home
        .weft(["content", "add", text(&file), "--json"])
        .ok()
        .json();
    let cid = added["cid"].as_str().expect("a CID").to_owned();
    assert_eq!(cid, file_cid(&held).expect("small").to_string());
    assert_eq!((&added["leaves"], &added["new"]), (&4.into(), &true.into()));
    assert_eq!(added["pins"], serde_json::json!(["owner"]));
    let again = home
        .weft(["content", "add", text(&file), "--json"])
        .ok()
        .json();
    assert_eq!(again["new"], false);
    let free = home
        .weft_with(
            ["content", "add", "-", "--no-pin", "--json"],
            b"from a pipe",
        )
        .ok()
        .json();
    let free = free["cid"].as_str().expect("a CID");
    assert_eq!(free, raw_cid(b"from a pipe").to_string());

    let copy = home.join("copy");
    home.weft(["content", "get", &cid, "-o", text(&copy)]).ok();
    assert_eq!(fs::read(&copy).expect("the copy"), held);
    let said = home
        .weft(["content", "get", &cid, "-o", text(&copy), "--json"])
        .code_is(4)
        .json();
    assert_eq!(said["error"]["code"], "conflict");
    assert_eq!(
        home.weft(["content", "get", free, "-o", "-"]).ok().stdout,
        "from a pipe"
    );

    let stat = home.weft(["content", "stat", free]).ok().stdout;
    assert!(stat.contains("nobody"), "{stat}");
    let list = home.weft(["content", "list"]).ok().stdout;
    assert!(list.contains(&cid) && list.contains(free), "{list}");
    home.weft(["content", "unpin", &cid]).ok();
    home.weft(["content", "pin", free]).ok();
    let refused = home
        .weft(["content", "unpin", &cid, "--json"])
        .code_is(3)
        .json();
    assert_eq!(refused["error"]["code"], "not-found");
    let freed = home.weft(["content", "gc", "--json"]).ok().json();
    assert_eq!(
        (&freed["contents"], &freed["bytes"]),
        (&1.into(), &held.len().into())
    );
    let gone = home
        .weft(["content", "stat", &cid, "--json"])
        .code_is(3)
        .json();
    assert_eq!(gone["error"]["code"], "not-found");
    // The default components are held by their releases.
    let report = home.weft(["content", "verify", "--json"]).ok().json();
    assert_eq!(report["ok"], true);
    assert!(
        report["contents"].as_array().is_some_and(|c| c.len() > 10),
        "{report}"
    );
}

#[test]
fn what_is_no_file_is_refused() {
    let home = Home::new();
    home.weft(["init"]).ok();
    let before = fs::read_dir(home.join("content"))
        .expect("a folder")
        .count();
    let folder = home.join("folder");
    fs::create_dir(&folder).expect("a folder");
    for (path, exit, code) in [
        ("/nowhere/at-all", 3, "not-found"),
        (text(&folder), 4, "refused"),
    ] {
        let said = home
            .weft(["content", "add", path, "--json"])
            .code_is(exit)
            .json();
        assert_eq!(said["error"]["code"], code, "{path}");
        let message = said["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(path), "{message}");
    }
    let said = home
        .weft(["content", "stat", "nonsense", "--json"])
        .code_is(4)
        .json();
    assert_eq!(said["error"]["code"], "invalid");
    let after = fs::read_dir(home.join("content"))
        .expect("a folder")
        .count();
    assert_eq!(before, after);
    assert_eq!(
        fs::read_dir(home.join("content/tmp"))
            .expect("a folder")
            .count(),
        0
    );
}

#[test]
fn damage_is_named_with_a_remedy_and_healed_by_adding_again() {
    let home = Home::new();
    home.weft(["init"]).ok();
    let file = home.join("file");
    let held = bytes(2, 2 * LEAF_BYTES);
    write(&file, &held);
    let added = home
        .weft(["content", "add", text(&file), "--json"])
        .ok()
        .json();
    let cid = added["cid"].as_str().expect("a CID");
    damage(home.path(), cid, LEAF_BYTES + 5);
    let out = home.join("out");
    let said = home
        .weft(["content", "get", cid, "-o", text(&out), "--json"])
        .code_is(1)
        .json();
    assert_eq!(said["error"]["code"], "damaged");
    let message = said["error"]["message"].as_str().expect("a message");
    let leaf = raw_cid(&held[LEAF_BYTES..]).to_string();
    for part in [cid, &leaf, "weft content add"] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(!out.exists());
    let report = home
        .weft(["content", "verify", cid, "--json"])
        .code_is(7)
        .json();
    assert_eq!(report["contents"][0]["state"], "damaged");
    let told = home.weft(["content", "verify"]).code_is(7).stdout;
    assert!(told.contains(&leaf), "{told}");
    let doctor = home.weft(["doctor"]).code_is(1).stdout;
    assert!(doctor.contains(cid), "{doctor}");
    fs::remove_file(home.join("content").join(cid)).expect("its file");
    let report = home
        .weft(["content", "verify", cid, "--json"])
        .code_is(7)
        .json();
    assert_eq!(report["contents"][0]["state"], "missing");
    home.weft(["content", "add", text(&file)]).ok();
    home.weft(["content", "verify"]).ok();
    home.weft(["content", "get", cid, "-o", text(&out)]).ok();
    assert_eq!(fs::read(&out).expect("the copy"), held);
}

/// Leaves that are whole but in another order than the root names: only the tree tells.
#[test]
fn leaves_in_the_wrong_order_are_damage() {
    let (home, node) = node();
    let file = home.path().join("file");
    write(&file, &bytes(3, 2 * LEAF_BYTES));
    let cid = node.content_add(&file, true).expect("it is added").cid;
    let path = home.path().join("home/content").join(&cid);
    let stored = fs::read(&path).expect("its file");
    write(
        &path,
        &[&stored[LEAF_BYTES..], &stored[..LEAF_BYTES]].concat(),
    );
    let database =
        rusqlite::Connection::open(home.path().join("home/weft.db")).expect("the database");
    let swap = format!(
        "UPDATE content_leaves SET offset = -1 WHERE root = '{cid}' AND offset = 0;
        UPDATE content_leaves SET offset = 0 WHERE root = '{cid}' AND offset = {LEAF_BYTES};
        UPDATE content_leaves SET offset = {LEAF_BYTES} WHERE root = '{cid}' AND offset = -1;"
    );
    database.execute_batch(&swap).expect("rows");
    let found = node.content_verify(Some(&cid)).expect("it is looked at");
    assert!(!found.ok);
    assert!(
        found.contents[0]
            .problem
            .as_deref()
            .is_some_and(|p| p.contains("order")),
        "{found:?}"
    );
}

/// `weft content add` is killed while it writes: afterwards the content is not there, or whole, and no draft is left.
#[test]
fn a_killed_add_leaves_nothing_or_everything() {
    let home = Home::new();
    home.weft(["init"]).ok();
    let file = home.join("file");
    let held = bytes(8, 40 * LEAF_BYTES);
    write(&file, &held);
    let cid = file_cid(&held).expect("small").to_string();
    let tmp = home.join("content/tmp");
    let drafted = |least: u64| {
        let entries = fs::read_dir(&tmp).expect("a folder");
        let mut sizes = entries.filter_map(|e| e.ok()?.metadata().ok().map(|m| m.len()));
        sizes.any(|size| size >= least)
    };
    for least in [0, 1, (held.len() / 2) as u64, held.len() as u64] {
        let mut add = home
            .command(["content", "add", "--no-pin", text(&file)])
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("weft starts");
        while !drafted(least) && add.try_wait().expect("a status").is_none() {
            std::thread::yield_now();
        }
        add.kill().expect("it is this test's");
        add.wait().expect("it ended");
        let list = home.weft(["content", "list", "--json"]).ok().json();
        let list = list.as_array().expect("a list");
        if list.iter().any(|c| c["cid"] == cid.as_str()) {
            home.weft(["content", "verify", &cid]).ok();
        } else {
            assert!(
                !home.join("content").join(&cid).exists(),
                "killed at {least} bytes"
            );
        }
        assert_eq!(
            fs::read_dir(&tmp).expect("a folder").count(),
            0,
            "killed at {least} bytes"
        );
        home.weft(["content", "gc"]).ok();
    }
}

#[test]
fn an_older_homes_components_move_and_a_damaged_one_stays() {
    let (home, node) = node();
    let root = home.path().join("home");
    let old = root.join("components");
    // Such homes knew components of one block alone.
    let names: Vec<String> = bundle()
        .components
        .iter()
        .filter(|c| c.bytes.len() <= LEAF_BYTES)
        .map(|c| file_cid(c.bytes).expect("small").to_string())
        .collect();
    drop(node);
    // As such a home was: files in the old folder, no rows of content.
    fs::create_dir(&old).expect("a folder");
    for cid in &names {
        fs::rename(
            root.join("content").join(cid),
            old.join(format!("{cid}.wasm")),
        )
        .expect("a move");
    }
    let database = rusqlite::Connection::open(root.join("weft.db")).expect("the database");
    for cid in &names {
        for (table, column) in [
            ("content", "cid"),
            ("content_leaves", "root"),
            ("content_pins", "cid"),
        ] {
            let clear = format!("DELETE FROM {table} WHERE {column} = ?1");
            database.execute(&clear, [cid]).expect("no content");
        }
    }
    let broken = old.join(format!("{}.wasm", names[0]));
    write(&broken, b"not its bytes");
    let open = || {
        Node::open(&OpenOptions {
            home: root.clone(),
            bundle: bundle(),
            clock: std::sync::Arc::new(SystemClock),
            compile_worker: None,
        })
        .expect("a node")
    };
    let node = open();
    assert!(
        broken.exists(),
        "what is damaged is for a person to look at"
    );
    for cid in &names[1..] {
        assert!(!old.join(format!("{cid}.wasm")).exists());
        let stat = node.content_stat(cid).expect("it is content");
        assert_eq!(stat.pins.len(), 1, "its release holds it");
    }
    assert_eq!(node.content_gc().expect("a collection").contents, 0);
    drop(node);
    fs::remove_file(&broken).expect("a file");
    drop(open());
    assert!(!old.exists());
}

#[test]
fn a_backup_holds_content_and_a_restored_home_serves_it() {
    let home = Home::new();
    home.weft(["init"]).ok();
    let cid = home
        .weft_with(["content", "add", "-", "--json"], &bytes(4, LEAF_BYTES + 1))
        .ok()
        .json()["cid"]
        .as_str()
        .expect("a CID")
        .to_owned();
    let archive = home.join("backup.tar.gz");
    home.weft(["backup", text(&archive)]).ok();
    let other = Home::new();
    other.weft(["restore", text(&archive)]).ok();
    other.weft(["content", "verify", &cid]).ok();
    other.weft(["content", "verify"]).ok();
}

/// What a CAR file of one node holds, another node takes.
#[test]
fn a_car_file_carries_records_and_files() {
    let (home, from) = node();
    let add = |seed, count| {
        let file = home.path().join("file");
        write(&file, &bytes(seed, count));
        from.content_add(&file, true)
            .expect("it is added")
            .cid
            .parse::<Cid>()
            .expect("a CID")
    };
    let files = [add(5, 3 * LEAF_BYTES + 1), add(6, 100), add(7, 0)];
    let record = cbor::encode(&vec!["a", "record"]).expect("CBOR");
    let records = [(block_cid(DAG_CBOR, &record), record)];
    let roots = [records[0].0];
    let mut car = Vec::new();
    let written = from
        .export_car(&roots, &records, &files, &mut car)
        .expect("it is written");
    assert_eq!(written, car.len() as u64);
    let (_other, to) = node();
    let imported = to
        .import_car(&car[..], CarLimits::default(), Some("a release"))
        .expect("it is read");
    assert_eq!(imported.roots, roots);
    assert_eq!(imported.records, records);
    assert_eq!(imported.files.len(), files.len());
    for cid in files {
        assert!(imported.files.contains(&cid));
        let stat = to.content_stat(&cid.to_string()).expect("it is content");
        assert_eq!(stat.pins, ["a release"]);
        assert!(
            to.content_verify(Some(&cid.to_string()))
                .expect("a look")
                .ok
        );
    }
    // One file alone, as other tools write it: leaves first.
    let mut again = Vec::new();
    from.export_car(&files[..1], &[], &files[..1], &mut again)
        .expect("it is written");
    let (_third, to) = node();
    let imported = to
        .import_car(&again[..], CarLimits::default(), None)
        .expect("it is read");
    assert_eq!(imported.files, files[..1]);
    assert!(
        to.content_verify(Some(&files[0].to_string()))
            .expect("a look")
            .ok
    );
}

/// A CAR file of these blocks with the first as its root.
fn car(blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let mut writer = CarWriter::new(Vec::new(), &[blocks[0].0]).expect("one root");
    for (cid, bytes) in blocks {
        writer.block(cid, bytes).expect("memory");
    }
    writer.finish().expect("memory").0
}

fn inner(links: Vec<Link>) -> (Cid, Vec<u8>) {
    let bytes = encode_node(&Inner { links });
    (block_cid(DAG_PB, &bytes), bytes)
}

fn link(cid: Cid, file_bytes: u64) -> Link {
    Link {
        cid,
        file_bytes,
        dag_bytes: file_bytes,
    }
}

#[test]
fn hostile_car_files_leave_nothing_behind() {
    let (home, node) = node();
    let content = home.path().join("home/content");
    let before = node.content_list().expect("a list");
    let leaf = (raw_cid(b"x"), b"x".to_vec());
    // Four nodes and a leaf that unfold into 2^40 leaves.
    let mut endless = vec![leaf.clone()];
    for depth in 0..4_u32 {
        let below = endless[0].0;
        endless.insert(0, inner(vec![link(below, 1 << (10 * depth)); NODE_LINKS]));
    }
    // A MiB and a node that unfold into a GiB.
    let big = (raw_cid(&vec![0; LEAF_BYTES]), vec![0; LEAF_BYTES]);
    let bomb = [inner(vec![link(big.0, LEAF_BYTES as u64); NODE_LINKS]), big];
    let limits = CarLimits {
        total_bytes: 64 << 20,
        ..CarLimits::default()
    };
    let lying = [inner(vec![link(leaf.0, 2)]), leaf.clone()];
    let missing = [
        inner(vec![link(raw_cid(b"elsewhere"), 1), link(leaf.0, 1)]),
        leaf.clone(),
    ];
    let folder = ipld_dagpb_folder();
    let mut damaged = car(std::slice::from_ref(&leaf));
    *damaged.last_mut().expect("bytes") ^= 1;
    let cases: HashMap<&str, (Vec<u8>, &str)> = HashMap::from([
        (
            "unfolds without end",
            (car(&endless), "unfolds into more than"),
        ),
        (
            "unfolds beyond the limit",
            (car(&bomb), "is over the limit"),
        ),
        (
            "lies about a size",
            (car(&lying), "is declared with 2 bytes and has 1"),
        ),
        ("lacks a block", (car(&missing), "is missing")),
        (
            "lacks its root",
            (car(&[(raw_cid(b"gone"), vec![])])[..60].to_vec(), ""),
        ),
        ("holds a folder", (car(&[folder]), "no part of a file")),
        ("was damaged", (damaged, "not what it names")),
        (
            "is cut off",
            (car(&endless)[..500].to_vec(), "ends in the middle"),
        ),
        ("is no CAR file", (b"hello, this is text".to_vec(), "")),
        ("is empty", (Vec::new(), "ends in the middle")),
    ]);
    for (what, (bytes, why)) in cases {
        let limits = match what {
            "unfolds without end" => CarLimits::default(),
            _ => limits,
        };
        let refused = node
            .import_car(&bytes[..], limits, Some("a release"))
            .expect_err(what);
        assert_eq!(refused.code, Code::Refused, "{what}: {refused}");
        assert!(refused.message.contains(why), "{what}: {refused}");
        assert_eq!(node.content_list().expect("a list"), before, "{what}");
        assert_eq!(
            fs::read_dir(content.join("tmp")).expect("a folder").count(),
            0,
            "{what}"
        );
    }
}

/// An empty UnixFS directory, as IPFS tools wrap files in.
fn ipld_dagpb_folder() -> (Cid, Vec<u8>) {
    let bytes = vec![0x0a, 0x02, 0x08, 0x01];
    (block_cid(DAG_PB, &bytes), bytes)
}
