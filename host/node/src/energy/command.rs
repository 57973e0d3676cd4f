//! A reading that a program prints.
//!
//! It runs without a shell, in `/`, with `PATH` as its only variable, without input, in a process group of its own that
//! ends at the deadline. What it says on its standard error is shown when it fails.

use super::limits::{COMMAND_DEADLINE, TEXT_BYTES};
use super::reading::Reading;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use weft_model::text::printable;

/// Between two looks at a program that closed its output and has not ended.
const PAUSE: Duration = Duration::from_millis(10);
/// How much of its standard error is shown, in bytes.
const COMPLAINT_BYTES: usize = 200;

/// Runs it.
///
/// # Errors
/// When it can't be run, fails, takes too long, prints too much, or prints no reading.
pub fn read(program: &str, args: &[String]) -> Result<Reading, String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let ended = follow(&mut child, Instant::now() + COMMAND_DEADLINE);
    if ended.is_err() {
        kill(&mut child);
    }
    let (status, text, complaint) = ended?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint);
        let complaint = complaint.trim().replace('\n', "; ");
        return Err(format!(
            "it ended with {status}: {}",
            printable(&complaint, COMPLAINT_BYTES)
        ));
    }
    Reading::of_json(&text)
}

/// What it printed and complained, once it has ended.
fn follow(child: &mut Child, until: Instant) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), String> {
    let mut text = Vec::new();
    let mut complaint = Vec::new();
    let mut out = child.stdout.take();
    let mut err = child.stderr.take();
    while out.is_some() || err.is_some() {
        let left = left(until)?;
        let (from_out, from_err) = {
            let mut watched = Vec::with_capacity(2);
            watched.extend(out.as_ref().map(|p| PollFd::new(p, PollFlags::IN)));
            watched.extend(err.as_ref().map(|p| PollFd::new(p, PollFlags::IN)));
            match poll(&mut watched, Some(&left)) {
                Ok(_) => {}
                Err(e) if e == rustix::io::Errno::INTR => continue,
                Err(e) => return Err(e.to_string()),
            }
            let mut ready = watched.iter().map(|p| !p.revents().is_empty());
            let from_out = out.is_some() && ready.next().unwrap_or(false);
            (from_out, err.is_some() && ready.next().unwrap_or(false))
        };
        if from_out && !take(&mut out, &mut text)? {
            out = None;
        }
        if from_err && !take(&mut err, &mut complaint)? {
            err = None;
        }
    }
    loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return Ok((status, text, complaint));
        }
        left(until)?;
        std::thread::sleep(PAUSE);
    }
}

/// Takes what is there; no: the pipe has ended.
fn take(pipe: &mut Option<impl Read>, kept: &mut Vec<u8>) -> Result<bool, String> {
    let Some(pipe) = pipe else {
        return Ok(false);
    };
    let mut part = [0; 4096];
    let read = pipe.read(&mut part).map_err(|e| e.to_string())?;
    kept.extend_from_slice(&part[..read]);
    if kept.len() as u64 > TEXT_BYTES {
        return Err(format!("it printed more than {TEXT_BYTES} bytes"));
    }
    Ok(read > 0)
}

fn left(until: Instant) -> Result<Timespec, String> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        let seconds = COMMAND_DEADLINE.as_secs();
        return Err(format!("it took longer than {seconds} s and was ended"));
    }
    Timespec::try_from(left).map_err(|e| e.to_string())
}

/// Ends it and what it started.
fn kill(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let ended = group.map(|group| kill_process_group(group, Signal::KILL));
    if !matches!(ended, Some(Ok(()))) {
        let _ = child.kill();
    }
    let _ = child.wait();
}
