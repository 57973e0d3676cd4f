//! Runs that are killed while they work: the log's content is then whole in the log, in its archive, or in both, and
//! the next run goes on from there.
//!
//! The run is this program again in a process of its own. It is killed with no warning at the moment at which a file
//! appears: its archive in the making, the finished archive, the emptied log. How far it got meanwhile is the
//! system's business; what holds must hold wherever it was.

#![cfg(target_os = "linux")]

use flate2::read::MultiGzDecoder;
use log_rotation::{name, run_in};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Names the directory of the process that is killed.
const DIRECTORY: &str = "WEFT_TEST_ROTATE";
/// How long a run may take to come to where it is killed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Lines of the log: enough that compressing them takes a while.
const LINES: u32 = 60_000;
/// Names how many times more rounds are wanted; `.ci/full` sets it.
const BUDGET: &str = "WEFT_TEST_BUDGET";
/// Times that each moment is tried, usually.
const ROUNDS: u32 = 6;
/// The log.
const LOG: &str = "a.log";
/// Its first archive.
const ARCHIVE: &str = "a.log.1.gz";
/// The one after it.
const SECOND: &str = "a.log.2.gz";

/// The process that is killed; alone it has nothing to do and says so.
#[test]
#[ignore = "it is run, and killed, by the other test"]
fn rotates() {
    let directory = std::env::var_os(DIRECTORY).expect("the directory to work on");
    run_in(Path::new(&directory), "", &mut Vec::new()).expect("it rotates");
}

/// A moment at which a run is killed: its name, and whether it has come.
type Moment<'a> = (&'a str, &'a dyn Fn(&Path) -> bool);

fn start(directory: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "rotates", "--ignored"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// What a file holds, unpacked; none where it is not there or not whole.
fn whole(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "gz") {
        MultiGzDecoder::new(file).read_to_string(&mut text).ok()?;
    } else {
        { file }.read_to_string(&mut text).ok()?;
    }
    Some(text)
}

#[test]
fn a_run_that_is_killed_leaves_the_old_or_the_new_and_never_neither() {
    let text: String = (0..LINES)
        .map(|i| format!("line {i}, {:x}\n", i * 7_919))
        .collect();
    let part = name::part(LOG);
    let moments: [Moment<'_>; 3] = [
        ("the part is there", &|dir| dir.join(&part).exists()),
        ("the old archive has moved", &|dir| {
            dir.join(SECOND).exists()
        }),
        ("the log is empty", &|dir| {
            fs::metadata(dir.join(LOG)).is_ok_and(|m| m.len() == 0)
        }),
    ];
    let budget: u32 = std::env::var(BUDGET).map_or(1, |n| n.parse().expect("a number"));
    let mut left_whole = 0;
    for (moment, has_come) in moments {
        for round in 0..ROUNDS * budget {
            let directory = tempfile::tempdir().expect("a directory");
            let dir = directory.path();
            // The archive of the run before, which moves up.
            fs::write(dir.join(LOG), "older\n").expect("a log");
            run_in(dir, "", &mut Vec::new()).expect("a run that nothing breaks off");
            fs::write(dir.join(LOG), &text).expect("a log");

            let mut child = start(dir);
            let give_up = Instant::now() + PATIENCE;
            while !has_come(dir) {
                let ended = child.try_wait().expect("its state");
                assert!(
                    ended.is_none_or(|status| status.success()) && Instant::now() < give_up,
                    "{moment}: it does not come to that"
                );
            }
            // Ended already is as good: nothing is left to break.
            let _ = child.kill();
            child.wait().expect("it is gone");

            let what = format!("killed once {moment}, round {round}");
            let (log, first) = (whole(&dir.join(LOG)), whole(&dir.join(ARCHIVE)));
            let in_log = log.as_ref() == Some(&text);
            let in_archive = first.as_ref() == Some(&text);
            assert!(in_log || in_archive, "{what}: the content is nowhere whole");
            left_whole += u32::from(in_log);
            let older = [ARCHIVE, SECOND].map(|name| whole(&dir.join(name)));
            assert!(
                older.contains(&Some("older\n".into())),
                "{what}: the older archive is gone"
            );

            run_in(dir, "", &mut Vec::new()).unwrap_or_else(|e| panic!("{what}: {e:?}"));
            assert!(!dir.join(&part).exists(), "{what}: the part stays");
            assert_eq!(whole(&dir.join(LOG)).as_deref(), Some(""), "{what}");
            let archives: Vec<Option<String>> = (1..=3)
                .map(|slot| whole(&dir.join(name::archive(LOG, slot, true))))
                .collect();
            for wanted in [text.as_str(), "older\n"] {
                assert!(
                    archives.iter().flatten().any(|found| found == wanted),
                    "{what}: lost by the run after it"
                );
            }
        }
    }
    assert!(
        left_whole > 0,
        "every run had done its work before it was killed"
    );
}
