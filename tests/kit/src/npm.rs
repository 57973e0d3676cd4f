//! Programs of npm that tests compare with: the folders of `tests/interop`, each with pinned versions and a lock.

use crate::workspace;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// How npm installs exactly what the lock names, and runs nothing of it.
const INSTALL: [&str; 5] = [
    "ci",
    "--legacy-peer-deps",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
];

/// A folder of `tests/interop`, with what its `package-lock.json` pins, in the target folder; the first test that wants
/// it installs it. Scripts of the folder lie beside `node_modules`.
///
/// # Panics
/// When npm can't install it.
pub fn npm_folder(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let target = own
        .ancestors()
        .nth(3)
        .expect("a test lies in a target folder");
    let (folder, pinned) = (
        target.join(name),
        workspace().join("tests/interop").join(name),
    );
    fs::create_dir_all(&folder).expect("a folder");
    let lock = File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("its turn");
    for entry in fs::read_dir(&pinned).expect("the pinned versions") {
        renew(&entry.expect("an entry").path(), &folder);
    }
    let done = folder.join("installed");
    let wanted = fs::read(pinned.join("package-lock.json")).expect("the pinned versions");
    if fs::read(&done).ok().as_ref() != Some(&wanted) {
        let npm = Command::new("npm")
            .args(INSTALL)
            .current_dir(&folder)
            .output()
            .expect("npm runs; install Node 20");
        assert!(
            npm.status.success(),
            "npm {INSTALL:?}: {}",
            String::from_utf8_lossy(&npm.stderr)
        );
        fs::write(&done, wanted).expect("a note");
    }
    folder
}

/// Copies a file where it differs: another test may run a script this moment.
pub(crate) fn renew(file: &Path, folder: &Path) {
    let copy = folder.join(file.file_name().expect("a name"));
    let wanted = fs::read(file).expect("a file");
    if fs::read(&copy).ok().as_ref() != Some(&wanted) {
        fs::write(copy, wanted).expect("a copy");
    }
}
