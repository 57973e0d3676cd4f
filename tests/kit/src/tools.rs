//! Programs that some tests need beside Rust and a C compiler.

use std::process::{Command, Stdio};

/// Set where such a program must be there, as `.ci/run` does: then its absence fails the test.
const REQUIRED_VARIABLE: &str = "WEFT_TEST_TOOLS";

/// Whether a program can be run with these arguments. Where it can't, the test that asks has nothing to compare with: it
/// says so and ends, unless `WEFT_TEST_TOOLS` is set.
///
/// # Panics
/// When it can't and `WEFT_TEST_TOOLS` is set.
pub fn has_tool(program: &str, args: &[&str]) -> bool {
    has_tool_for(REQUIRED_VARIABLE, program, args)
}

/// [`has_tool`] for tests that another variable requires.
///
/// # Panics
/// When it can't be run and that variable is set.
pub fn has_tool_for(variable: &str, program: &str, args: &[&str]) -> bool {
    let runs = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !runs {
        let message = format!("`{program} {}` does not run here", args.join(" "));
        assert!(std::env::var_os(variable).is_none(), "{message}");
        eprintln!("not tested: {message}");
    }
    runs
}

/// A field of `/proc/PID/status` in kB, such as `VmRSS` or `VmHWM`; none where there is no such process or field.
pub fn memory_kb(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| {
        let rest = line.strip_prefix(field)?.strip_prefix(':')?;
        rest.split_whitespace().next()?.parse().ok()
    })
}
