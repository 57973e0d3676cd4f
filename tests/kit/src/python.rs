//! Python packages that tests read: each in an environment of its own in the target folder.

use crate::workspace;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

/// The Python of an environment that holds this package, such as `name==1.0`, and nothing that it depends on; the first
/// test that wants it installs it.
///
/// # Panics
/// When Python or pip can't do it.
pub fn python_with(package: &str) -> PathBuf {
    environment(package, &["--no-deps", package]).join("bin/python")
}

/// An environment with what `requirements.txt` of a folder of `tests/interop` pins; the folder's scripts lie in it, beside
/// `bin/python`. The first test that wants it installs it.
///
/// # Panics
/// When Python or pip can't do it.
pub fn python_folder(name: &str) -> PathBuf {
    let pinned = workspace().join("tests/interop").join(name);
    let requirements = pinned.join("requirements.txt");
    let wanted = fs::read(&requirements).expect("the pinned versions");
    let at = requirements.to_str().expect("UTF-8");
    let digest = Sha256::digest(&wanted);
    let folder = environment(
        &format!("{name}-{}", &HEXLOWER.encode(&digest)[..16]),
        &["--no-deps", "--requirement", at],
    );
    for entry in fs::read_dir(&pinned).expect("the scripts") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|kind| kind == "py") {
            crate::npm::renew(&path, &folder);
        }
    }
    folder
}

fn environment(name: &str, wanted: &[&str]) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let target = own
        .ancestors()
        .nth(3)
        .expect("a test lies in a target folder");
    let folder = target.join("python").join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let lock = File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("its turn");
    let done = folder.join("installed");
    if !done.is_file() {
        let at = folder.to_str().expect("UTF-8");
        let python = folder.join("bin/python");
        let install = [&["-m", "pip", "install", "--quiet"], wanted].concat();
        for (program, args) in [
            ("python3", vec!["-m", "venv", at]),
            (python.to_str().expect("UTF-8"), install),
        ] {
            let ran = Command::new(program).args(&args).output();
            let ran = ran.unwrap_or_else(|e| panic!("`{program}` does not run: {e}"));
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(ran.status.success(), "{program} {args:?}: {said}");
        }
        fs::write(&done, "").expect("a note");
    }
    folder
}
