//! Python packages that tests read: each in an environment of its own in the target folder.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

/// The Python of an environment that holds this package, such as `name==1.0`, and nothing that it depends on; the first
/// test that wants it installs it.
///
/// # Panics
/// When Python or pip can't do it.
pub fn python_with(package: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let target = own
        .ancestors()
        .nth(3)
        .expect("a test lies in a target folder");
    let folder = target.join("python").join(package);
    fs::create_dir_all(&folder).expect("a folder");
    let lock = File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("its turn");
    let python = folder.join("bin/python");
    let done = folder.join("installed");
    if !done.is_file() {
        let at = folder.to_str().expect("UTF-8");
        for (program, args) in [
            ("python3", vec!["-m", "venv", at]),
            (
                python.to_str().expect("UTF-8"),
                vec!["-m", "pip", "install", "--quiet", "--no-deps", package],
            ),
        ] {
            let ran = Command::new(program).args(&args).output();
            let ran = ran.unwrap_or_else(|e| panic!("`{program}` does not run: {e}"));
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(ran.status.success(), "{program} {args:?}: {said}");
        }
        fs::write(&done, "").expect("a note");
    }
    python
}
