//! What is public goes to Helia and back, and nothing else does.

use crate::script::Script;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use weft_kit::{Device, Home, has_tool};

/// Where the listener for outsiders listens, as a setting.
const LISTEN: (&str, &str) = ("MESH_PUBLIC_LISTEN", "/ip4/127.0.0.1/tcp/0");
/// Bytes of the file that goes both ways: 64 MiB.
const LARGE: usize = 64 << 20;
/// How long Helia tries to get what it must get, and what it must not, in milliseconds.
const PATIENCE_MS: &str = "60000";
const SHORT_MS: &str = "3000";

#[test]
fn helia_fetches_what_is_public_and_nothing_else() {
    if !has_tool("npm", &["--version"]) {
        return;
    }
    let mut device = Device::new();
    let large = random_file(device.home(), "large", LARGE);
    let added = device.json(["content", "add", "--public", text(&large)]);
    assert_eq!(added["public"], serde_json::json!(["owner"]), "{added}");
    let private = random_file(device.home(), "private", LARGE / 16);
    let private = field(&device.json(["content", "add", text(&private)]), "cid");
    let component = weft_bundle::component("scorer-latency").expect("it is in the bundle");
    let file = device.home().join("component.wasm");
    fs::write(&file, component.bytes).expect("a file");
    let built = device.json(["release", "build", text(&file)]);
    let published = device.json(["publish", &field(&built, "release"), "--public"]);
    let blocks: Vec<&str> = published["public"]
        .as_array()
        .expect("what is public")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(blocks.contains(&component_cid(component.bytes).as_str()));
    assert_eq!(blocks[0], field(&published, "release"));
    device.start_with(&[LISTEN]);
    let address = public_address(&device);

    let mut wanted = vec![added["cid"].as_str().expect("a CID")];
    wanted.extend(&blocks);
    let mut helia = Script::start(
        "fetch.mjs",
        &[&[address.as_str(), PATIENCE_MS], &wanted[..]].concat(),
    );
    let node = helia.says("identified");
    let mut spoken: Vec<&str> = list(&node["protocols"]);
    spoken.sort_unstable();
    let known = [
        "/ipfs/bitswap",
        "/ipfs/bitswap/1.1.0",
        "/ipfs/bitswap/1.2.0",
        "/ipfs/id/1.0.0",
        "/ipfs/id/push/1.0.0",
        "/ipfs/ping/1.0.0",
    ];
    assert_eq!(spoken, known, "and nothing of the members' mesh");
    assert_eq!(list(&node["addresses"]), Vec::<&str>::new());
    let came = helia.says("cid");
    assert_eq!(came["bytes"], LARGE, "{came}");
    assert_eq!(came["sha256"], sha256(&large));
    show("Helia from Weft", &came);
    for cid in &blocks {
        let came = helia.says("cid");
        assert_eq!(came["cid"], *cid);
        assert!(came["bytes"].as_u64() > Some(0), "{came}");
        if *cid == component_cid(component.bytes) {
            assert_eq!(came["sha256"], sha256(&file));
        }
    }

    let other = Home::new();
    other.weft(["init"]).ok();
    let got = other.weft([
        "content", "get", wanted[0], "--from", &address, "-o", "got", "--json",
    ]);
    show(
        "Weft from Weft, both by Bitswap",
        &got.ok().json()["fetched"],
    );

    let unpublished = device.json(["content", "unpublish", &field(&published, "release")]);
    assert_eq!(list(&unpublished["private"]).len(), blocks.len());
    let closed = [private.as_str(), blocks[0], &component_cid(component.bytes)];
    let mut helia = Script::start(
        "fetch.mjs",
        &[&[address.as_str(), SHORT_MS], &closed[..]].concat(),
    );
    for cid in closed {
        let came = helia.says("cid");
        assert_eq!(came["cid"], cid);
        assert!(came["failed"].is_string(), "{came}");
    }
    // Outsiders can't ask members' listener either, and what was public stays here.
    let status = device.json(["mesh", "status"]);
    let members = field(&status["public"], "peer_id");
    assert_ne!(status["peer_id"], members);
    assert!(status["public"]["counts"]["blocks out"].as_u64() >= Some(65));
    device.weft(["content", "unpin", wanted[0]]).ok();
    device.weft(["content", "gc"]).ok();
    let stat = device.json(["content", "stat", wanted[0]]);
    assert_eq!(stat["public"], serde_json::json!(["owner"]));
}

#[test]
fn weft_fetches_from_helia_without_a_network() {
    if !has_tool("npm", &["--version"]) {
        return;
    }
    let home = Home::new();
    home.weft(["init"]).ok();
    let file = random_file(&home, "file", LARGE);
    let mut helia = Script::start("serve.mjs", &[text(&file)]);
    let said = helia.says("cid");
    let (cid, address) = (field(&said, "cid"), field(&said, "address"));
    let get = |cid: &str, from: &str, to: &str| {
        home.weft(["content", "get", cid, "--from", from, "-o", to, "--json"])
    };
    let got = get(&cid, &address, "got").ok().json();
    assert_eq!(sha256(&home.join("got")), sha256(&file));
    assert_eq!(got["fetched"]["bytes"], LARGE, "{got}");
    show("Weft from Helia", &got["fetched"]);
    let again = home.weft(["content", "add", text(&file), "--json"]).ok();
    assert_eq!(again.json()["cid"], cid, "both name the same bytes alike");
    let here = get(&cid, &address, "again").ok().json();
    assert!(here["fetched"].is_null(), "it was here: {here}");

    let missing = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
    let none = get(missing, &address, "none").code_is(3).json();
    assert_eq!(none["error"]["code"], "not-found", "{none}");
    let (nameless, _) = address.rsplit_once("/p2p/").expect("an address");
    let refused = get(missing, nameless, "none");
    assert_eq!(refused.json()["error"]["code"], "invalid");
    drop(helia);
    let gone = get(missing, &address, "none").json();
    assert_eq!(gone["error"]["code"], "unavailable", "{gone}");
}

/// The address of a device's listener for outsiders.
fn public_address(device: &Device) -> String {
    let status = device.json(["mesh", "status"]);
    let public = &status["public"];
    let listening = list(&public["listening"]);
    format!("{}/p2p/{}", listening[0], field(public, "peer_id"))
}

/// A figure, for whoever reads the test's output; no test of speed.
fn show(what: &str, came: &Value) {
    let (bytes, ms) = (came["bytes"].as_f64(), came["ms"].as_f64());
    let rate = bytes.unwrap_or_default() / 1e3 / ms.unwrap_or(f64::NAN);
    println!("{what}: {rate:.0} MB/s");
}

fn component_cid(bytes: &[u8]) -> String {
    weft_node::file_cid(bytes).expect("it is small").to_string()
}

fn random_file(home: &Home, name: &str, bytes: usize) -> PathBuf {
    let path = home.join(name);
    let mut random = File::open("/dev/urandom")
        .expect("random bytes")
        .take(bytes as u64);
    let mut file = File::create(&path).expect("a file");
    std::io::copy(&mut random, &mut file).expect("room on the disk");
    path
}

fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).expect("a file"));
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

fn field(value: &Value, name: &str) -> String {
    let text = value[name].as_str();
    text.unwrap_or_else(|| panic!("no `{name}`: {value}"))
        .to_owned()
}

fn list(value: &Value) -> Vec<&str> {
    let all = value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"));
    all.iter().filter_map(Value::as_str).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
