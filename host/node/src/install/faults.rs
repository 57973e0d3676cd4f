//! Points at which a test ends the process as `kill -9` would. In a release build they are nothing.

/// The points of an install, in the order in which it passes them.
pub const POINTS: [&str; 8] = [
    "staged",
    "fetched",
    "verified",
    "cached",
    "compiled",
    "tested",
    "activated",
    "locked",
];

/// Ends the process here when `WEFT_FAULT` names this point.
pub(crate) fn point(name: &str) {
    debug_assert!(POINTS.contains(&name), "`{name}` is no fault point");
    #[cfg(debug_assertions)]
    if std::env::var("WEFT_FAULT").is_ok_and(|wanted| wanted == name) {
        // What can fail here is that the signal is not sent; then the test sees a process that goes on.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
