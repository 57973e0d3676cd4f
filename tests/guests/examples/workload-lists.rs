//! Says all that it can see of the directory that it may read, and what comes of its tries to write and to leave.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use weft_sdk::workload::{Description, JobError, Workload};

/// The guest.
pub struct Guest;

const READ: &str = "/read";

impl Workload for Guest {
    fn describe() -> Description {
        Description {
            name: "workload-lists".into(),
            summary: "A guest of the tests".into(),
            params_schema: "{}".into(),
            accepts: "application/octet-stream".into(),
            returns: "text/plain".into(),
            models: Vec::new(),
        }
    }

    fn run(_: &str, _: &mut dyn BufRead, output: &mut dyn Write) -> Result<String, JobError> {
        writeln!(output, "now {:?}", since(SystemTime::now()))?;
        // The seed of a map's hashes is randomness that every program meets.
        let random = std::collections::hash_map::RandomState::new();
        writeln!(
            output,
            "random {:x}",
            std::hash::BuildHasher::hash_one(&random, 7)
        )?;
        if !Path::new(READ).exists() {
            return Err(JobError::Missing("nothing to read".into()));
        }
        let entries = list(Path::new(READ), output)?;
        let tries: [(&str, io::Result<String>); 12] = [
            ("create", File::create("/read/new").map(|_| "made".into())),
            ("append", append("/read/a.txt")),
            (
                "remove",
                fs::remove_file("/read/a.txt").map(|()| "gone".into()),
            ),
            ("mkdir", fs::create_dir("/read/d").map(|()| "made".into())),
            (
                "rename",
                fs::rename("/read/a.txt", "/read/z").map(|()| "moved".into()),
            ),
            (
                "hard link",
                fs::hard_link("/read/a.txt", "/read/h").map(|()| "made".into()),
            ),
            ("times", times("/read/a.txt")),
            ("parent", fs::read_to_string("/read/../secret")),
            ("deep parent", fs::read_to_string("/read/sub/../../secret")),
            ("absolute", fs::read_to_string("/etc/passwd")),
            ("link out", fs::read_to_string("/read/out")),
            ("link to root", fs::read_to_string("/read/root/etc/passwd")),
        ];
        for (name, result) in tries {
            match result {
                Ok(text) => writeln!(output, "{name}: {text}")?,
                Err(e) => writeln!(output, "{name}: refused, {:?}", e.kind())?,
            }
        }
        Ok(format!("{entries} entries"))
    }
}

/// One line per entry, in the order in which they come.
fn list(folder: &Path, output: &mut dyn Write) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let seen = fs::symlink_metadata(&path)?;
        writeln!(
            output,
            "{} {:?} {} modified {:?} accessed {:?}",
            path.display(),
            seen.file_type(),
            seen.len(),
            time(seen.modified()),
            time(seen.accessed()),
        )?;
        count += 1;
        if seen.is_dir() {
            count += list(&path, output)?;
        } else if seen.is_file() {
            let mut text = String::new();
            let mut file = File::open(&path)?;
            let open = file.metadata()?;
            file.read_to_string(&mut text)?;
            writeln!(output, "  holds {text:?}, {:?}", time(open.modified()))?;
        }
    }
    Ok(count)
}

fn append(path: &str) -> io::Result<String> {
    OpenOptions::new()
        .append(true)
        .open(path)?
        .write_all(b"x")?;
    Ok("written".into())
}

fn times(path: &str) -> io::Result<String> {
    let file = File::open(path)?;
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1))?;
    Ok("set".into())
}

fn time(at: io::Result<SystemTime>) -> impl Debug {
    at.map(since).map_err(|e| e.kind())
}

fn since(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap_or_default()
}

weft_sdk::export_workload!(Guest);
