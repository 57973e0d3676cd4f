//! The CIDs and CAR files of IPFS tools: npm's ipfs-car, of the version that `tests/interop/ipfs-car` pins, and `weft`
//! name the same bytes alike and read each other's files. Needs Node 20 with npm, and its registry the first time;
//! where there is no npm, it says so.

mod world;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use weft_kit::{Home, has_tool, npm_folder};
use weft_node::CarLimits;
use world::World;

/// Names the seed of a run that is to be repeated.
const SEED_VARIABLE: &str = "WEFT_TEST_SEED";
/// Bytes of a MiB.
const MIB: usize = 1 << 20;
/// The sizes that are compared, in bytes.
const SIZES: [usize; 7] = [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB, 300_000_000];

/// The installed tool.
fn ipfs_car() -> PathBuf {
    npm_folder("ipfs-car").join("node_modules/.bin/ipfs-car")
}

/// Runs the tool; returns what it says.
fn run(tool: &Path, args: &[&str]) -> String {
    let output = Command::new(tool)
        .args(args)
        .output()
        .expect("ipfs-car runs");
    assert!(
        output.status.success(),
        "ipfs-car {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .trim()
        .to_owned()
}

/// Writes a file: a MiB of pseudo-random bytes (splitmix64 from a seed) again and again, numbered so that each is another.
fn write_random(path: &Path, mut state: u64, size: usize) {
    let mut file = File::create(path).expect("a file");
    let mut chunk = vec![0; MIB];
    for word in chunk.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    for at in (0..size).step_by(MIB) {
        chunk[..8].copy_from_slice(&(at as u64 ^ state).to_le_bytes());
        let count = MIB.min(size - at);
        file.write_all(&chunk[..count]).expect("room on the disk");
    }
}

fn seed() -> u64 {
    let seed = std::env::var(SEED_VARIABLE)
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| {
            use std::hash::{BuildHasher, RandomState};
            RandomState::new().hash_one("ipfs-car")
        });
    println!("{SEED_VARIABLE}={seed}");
    seed
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn cids_are_equal_from_no_byte_to_300_mb() {
    if !has_tool("npm", &["--version"]) {
        return;
    }
    let (tool, seed, home) = (ipfs_car(), seed(), Home::new());
    home.weft(["init"]).ok();
    let (file, car) = (home.join("file"), home.join("file.car"));
    for size in SIZES {
        write_random(&file, seed, size);
        let theirs = run(
            &tool,
            &["pack", "--no-wrap", text(&file), "--output", text(&car)],
        );
        let ours = home
            .weft(["content", "add", text(&file), "--json"])
            .ok()
            .json();
        assert_eq!(ours["cid"], theirs, "{size} bytes, seed {seed}");
        assert_eq!(ours["size"], size, "{size} bytes, seed {seed}");
    }
}

#[test]
fn each_reads_the_others_car_files() {
    if !has_tool("npm", &["--version"]) {
        return;
    }
    let (tool, seed, world) = (ipfs_car(), seed(), World::new());
    let folder = world.home.path().to_owned();
    let _home = world.home;
    let node = world.client.into_node().expect("it is hosted here");
    for size in [0, 1, MIB, 5 * MIB + 1] {
        let (file, theirs) = (folder.join("file"), folder.join("theirs.car"));
        write_random(&file, seed, size);
        let cid = run(
            &tool,
            &["pack", "--no-wrap", text(&file), "--output", text(&theirs)],
        );
        let car = File::open(&theirs).expect("their file");
        let read = node.import_car(car, CarLimits::default(), Some("owner"));
        let read = read.unwrap_or_else(|e| panic!("{size} bytes, seed {seed}: {e}"));
        let root = cid.parse().expect("a CID");
        assert_eq!((&read.roots, &read.files), (&vec![root], &vec![root]));
        let got = folder.join(format!("got-{size}"));
        node.content_get(&cid, &got).expect("it is content");
        assert_eq!(
            fs::read(&got).expect("a copy"),
            fs::read(&file).expect("the file")
        );

        let ours = folder.join("ours.car");
        let mut car = File::create(&ours).expect("a file");
        node.export_car(&[root], &[], &[root], &mut car)
            .expect("it is written");
        assert_eq!(run(&tool, &["roots", text(&ours)]), cid);
        let unpacked = folder.join(format!("unpacked-{size}"));
        run(&tool, &["unpack", text(&ours), "--output", text(&unpacked)]);
        assert_eq!(
            fs::read(&unpacked).expect("a copy"),
            fs::read(&file).expect("the file")
        );
    }
}
