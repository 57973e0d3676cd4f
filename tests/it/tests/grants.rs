//! Directories that an owner grants for reading: the same content gives the same output, whoever made it and when; and
//! a job can neither write there nor leave.

mod world;

use flate2::read::GzDecoder;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};
use weft_api::Request;
use weft_api::report::TaskReport;
use weft_model::task::TaskSpec;
use weft_node::receipt::{Claim, Receipt};
use world::{World, task};

/// The files of a granted directory.
const FILES: [(&str, &str); 4] = [
    ("a.txt", "first"),
    ("B.txt", "second"),
    ("sub/c.txt", ""),
    ("sub/deep/\u{e4}.txt", "umlaut"),
];

/// Fills a folder, and puts a secret beside it. `order` gives the order and the age of the files.
fn fill(folder: &Path, order: &[usize]) {
    std::fs::create_dir(folder).expect("a folder");
    std::fs::write(folder.with_file_name("secret"), "secret").expect("a secret");
    for (age, i) in order.iter().enumerate() {
        let (name, text) = FILES[*i];
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("its folder");
        std::fs::write(&path, text).expect("a file");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 * (age as u64 + 1));
        let file = std::fs::File::options().write(true).open(&path);
        file.and_then(|f| f.set_modified(at)).expect("its age");
    }
    for (name, target) in [("out", "../secret"), ("root", "/"), ("in", "a.txt")] {
        symlink(target, folder.join(name)).expect("a link");
    }
}

/// Binds the tasks `look` to their workload.
fn bind(world: &World) {
    let bound = Request::WorkloadUse {
        name: "look".into(),
        target: world.add("workload-lists"),
        grant: false,
    };
    world.client.call(bound).expect("it is bound");
}

/// A world whose tasks `look` may read a folder, and what such a task said.
fn look(order: &[usize], input: Option<&str>) -> (World, TaskReport, String) {
    let granted = tempfile::tempdir().expect("a folder").keep();
    fill(&granted.join("model"), order);
    let model = granted.join("model").display().to_string();
    let world = World::with_settings(&format!("reads = \"look={model}\"\n"));
    world.clean();
    let input = input.map(|text| {
        let path = world.home.path().join("input");
        std::fs::write(&path, text).expect("an input");
        path.display().to_string()
    });
    bind(&world);
    let done = world.submit(TaskSpec {
        input,
        ..task("look")
    });
    std::fs::remove_dir_all(granted).expect("it was ours");
    assert_eq!(done.status, "done", "{done:?}");
    let output = done.output.as_ref().expect("an output");
    let text = std::fs::read_to_string(output).expect("text");
    (world, done, text)
}

/// The claim of a task's receipt.
fn claim(world: &World, task: &TaskReport) -> Claim {
    let receipt = task.receipt.as_ref().expect("a receipt");
    let bytes: Vec<u8> = world
        .database()
        .query_row("SELECT bytes FROM blocks WHERE cid = ?1", [receipt], |r| {
            r.get(0)
        })
        .expect("the receipt");
    Receipt::open(&bytes).expect("it holds").claim
}

#[test]
fn the_same_content_gives_the_same_output_bytes_and_the_same_claim() {
    let (one_world, one, one_text) = look(&[0, 1, 2, 3], None);
    let (other_world, other, other_text) = look(&[3, 2, 1, 0], None);
    assert_eq!(one_text, other_text);
    let (a, b) = (claim(&one_world, &one), claim(&other_world, &other));
    assert_eq!(a, b);
    assert!(a.verifiable);
    assert_eq!(a.models.len(), 1);
    assert!(one_text.starts_with("now 0ns\n"), "{one_text}");
    let names: Vec<&str> = one_text
        .lines()
        .filter_map(|l| l.strip_prefix("/read/")?.split(' ').next())
        .collect();
    assert_eq!(
        names,
        [
            "B.txt",
            "a.txt",
            "in",
            "out",
            "root",
            "sub",
            "sub/c.txt",
            "sub/deep",
            "sub/deep/\u{e4}.txt"
        ],
        "sorted, each folder where it stands"
    );
    for line in one_text.lines().filter(|l| l.contains("modified")) {
        assert!(line.contains("modified Ok(0ns) accessed Ok(0ns)"), "{line}");
    }
    assert!(one_text.contains("holds \"umlaut\", Ok(0ns)"));
    assert_eq!(one.summary.as_deref(), Some("9 entries"));
}

#[test]
fn a_job_can_neither_write_what_it_may_read_nor_leave_it() {
    let (_world, _, text) = look(&[0, 1, 2, 3], None);
    let tries = [
        "create",
        "append",
        "remove",
        "mkdir",
        "rename",
        "hard link",
        "times",
        "parent",
        "deep parent",
        "absolute",
        "link out",
        "link to root",
    ];
    for name in tries {
        let line = text.lines().find(|l| l.starts_with(&format!("{name}: ")));
        let line = line.unwrap_or_else(|| panic!("no try `{name}` in {text}"));
        assert!(line.contains("refused"), "{line}");
    }
    assert!(!text.contains("secret\n"), "{text}");
}

#[test]
fn randomness_is_of_the_input_and_of_what_may_be_read() {
    let random = |order: &[usize], input: &str| {
        let (_world, _, text) = look(order, Some(input));
        let line = text.lines().find(|l| l.starts_with("random "));
        line.expect("it says").to_owned()
    };
    let first = random(&[0, 1, 2, 3], "one input");
    assert_eq!(first, random(&[0, 1, 2, 3], "one input"));
    assert_ne!(first, random(&[0, 1, 2, 3], "another input"));
    assert_ne!(first, random(&[0, 1, 2], "one input"), "a file less");
}

#[test]
fn a_directory_that_is_gone_fails_the_task_and_is_named() {
    let world = World::with_settings("reads = \"look=/nowhere/at/all\"\n");
    world.clean();
    bind(&world);
    let failed = world.submit(task("look"));
    assert_eq!(failed.status, "failed");
    let reason = failed.reason.unwrap_or_default();
    assert!(reason.contains("/nowhere/at/all"), "{reason}");
}

#[test]
fn a_task_that_was_granted_nothing_sees_nothing() {
    let world = World::new();
    world.clean();
    let failed = world.submit(TaskSpec {
        workload: Some(world.add("workload-lists")),
        ..task("look")
    });
    assert_eq!(failed.status, "failed");
    assert_eq!(
        failed.reason.as_deref(),
        Some("missing: nothing to read"),
        "{failed:?}"
    );
}

#[test]
fn log_rotation_packs_the_logs_of_the_granted_directory_and_of_no_other() {
    const LINE: &str = "08:00:00 service answers\n";
    let granted = tempfile::tempdir().expect("a folder");
    let beside = tempfile::tempdir().expect("a folder");
    for folder in [&granted, &beside] {
        for name in ["app.log", "web.log", "notes.txt"] {
            std::fs::write(folder.path().join(name), LINE.repeat(1000)).expect("a log");
        }
    }
    symlink(
        beside.path().join("app.log"),
        granted.path().join("link.log"),
    )
    .expect("a link");
    let rotate = |world: &World| world.submit(task("log-rotation"));

    let world = World::with_settings("");
    world.clean();
    let refused = rotate(&world);
    assert_eq!(refused.status, "failed", "{refused:?}");
    let why = refused.reason.clone().unwrap_or_default();
    assert!(why.contains("grant"), "{refused:?}");

    let folder = granted.path().display();
    let world = world.reopened(&format!("grants = \"log-rotation={folder}\"\n"));
    for round in 1..=2 {
        // What ran before rests.
        world.clock.advance(world::HOUR);
        let done = rotate(&world);
        assert_eq!(done.status, "done", "{done:?}");
        assert!(!claim(&world, &done).verifiable, "times are real");
        for log in ["app.log", "web.log"] {
            let path = granted.path().join(log);
            assert_eq!(std::fs::read(&path).expect("the log"), b"", "{log}");
            // The first one moves up.
            let archive = granted.path().join(format!("{log}.{round}.gz"));
            let file = std::fs::File::open(&archive).expect("an archive");
            let text = std::io::read_to_string(GzDecoder::new(file)).expect("gzip");
            assert_eq!(text, LINE.repeat(1000), "{}", archive.display());
            std::fs::write(&path, "more\n").expect("the log grows");
        }
    }
    let others = |folder: &Path| {
        let size = |name: &str| std::fs::metadata(folder.join(name)).map(|m| m.len()).ok();
        ["app.log", "web.log", "notes.txt", "app.log.1.gz"].map(size)
    };
    let whole = Some(LINE.len() as u64 * 1000);
    assert_eq!(others(beside.path()), [whole, whole, whole, None]);
    assert_eq!(others(granted.path())[2], whole, "no log by its name");
}
