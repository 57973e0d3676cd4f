//! The rotation of the logs of one directory.
//!
//! A log's content is at every moment whole in the log, in its archive, or in both: the archive is made under a
//! passing name, synced, and only then does it take its place; the log is emptied last. So a run that is broken off
//! loses nothing; at worst the next one archives the same lines again. A gap in the slots, which such a run may
//! leave, is filled first. One run at a time may work on a directory.

use crate::folder::{self, Folder};
use crate::limits;
use crate::params::Params;
use crate::report::{Action, Report};
use crate::{copy, name};
use std::io::{self, Seek, SeekFrom};
use std::time::SystemTime;
use weft_sdk::workload::JobError;

/// Rotates every log that fits the params and says what was done with each file.
///
/// # Errors
/// [`JobError::Missing`] when the directory can't be listed or dated at all; a single file's trouble is in the report.
pub fn rotate(folder: &Folder, params: &Params) -> Result<Report, JobError> {
    let listing = folder.list()?;
    let oldest = match params.max_age_days {
        Some(days) => Some((folder.now()?, days)),
        None => None,
    };
    let mut report = Report::default();
    for name in &listing.odd {
        if name::matches(&params.pattern, name) {
            report.add(name, Action::Skipped, 0, 0, "its name is not UTF-8");
        }
    }
    for name in &listing.names {
        if name::log_of_part(name).is_some_and(|log| name::matches(&params.pattern, log)) {
            remove(
                folder,
                name,
                "left by a run that was broken off",
                &mut report,
            );
        }
    }
    let archives = folder::archives(&listing.names);
    for log in &listing.names {
        // `*` fits archives too.
        if !name::matches(&params.pattern, log) || name::is_archive(log) {
            continue;
        }
        let mut slots = archives.get(log.as_str()).cloned().unwrap_or_default();
        if due(folder, log, params, &mut report)
            && let Err(e) = rotate_one(folder, log, &mut slots, params.compress, &mut report)
        {
            let bytes = folder.look(log).map_or(0, |meta| meta.len());
            report.add(log, Action::Failed, bytes, bytes, folder::explain(&e));
        }
        prune(folder, log, &slots, params.keep, oldest, &mut report);
    }
    Ok(report)
}

/// Whether a log is to be rotated; if not, the report says why.
fn due(folder: &Folder, log: &str, params: &Params, report: &mut Report) -> bool {
    match folder.regular(log) {
        Ok(bytes) if bytes >= params.min_bytes.max(1) => true,
        Ok(bytes) => {
            let why = if bytes == 0 {
                "empty".to_owned()
            } else {
                format!("smaller than {} bytes", params.min_bytes)
            };
            report.add(log, Action::Skipped, bytes, bytes, why);
            false
        }
        Err(e) => {
            report.add(log, Action::Skipped, 0, 0, e.to_string());
            false
        }
    }
}

/// Rotates one log; `slots` are its archives before and after.
fn rotate_one(
    folder: &Folder,
    log: &str,
    slots: &mut Vec<(u32, bool)>,
    compress: bool,
    report: &mut Report,
) -> io::Result<()> {
    let mut file = folder.edit(log)?;
    let part = name::part(log);
    let archive = name::archive(log, 1, compress);
    let placed = folder
        .create(&part, Some(log))
        .and_then(|made| copy::to_end(&mut file, made, compress))
        .and_then(|copied| {
            shift(folder, log, slots)?;
            folder.rename(&part, &archive).map(|()| copied)
        });
    let mut copied = match placed {
        Ok(copied) => copied,
        Err(e) => {
            // The error that counts is the first one; a part that stays is removed by the next run.
            let _ = folder.remove(&part);
            return Err(e);
        }
    };
    slots.insert(0, (1, compress));
    folder.sync()?;

    let mut rounds = 0;
    loop {
        let bytes = file.metadata()?.len();
        if bytes == copied {
            break;
        }
        if bytes < copied {
            let why = "something else cut it while it was copied; its archive is whole, the log was left as it is";
            report.add(log, Action::Failed, copied, bytes, why);
            return Ok(());
        }
        if rounds == limits::CATCH_UPS {
            return Err(io::Error::other(format!(
                "it grows faster than it is copied; `{archive}` has its first {copied} bytes, the log was left whole"
            )));
        }
        rounds += 1;
        file.seek(SeekFrom::Start(copied))?;
        copied += copy::to_end(&mut file, folder.append(&archive)?, compress)?;
    }
    file.set_len(0)?;
    file.sync_all()?;
    let after = folder.regular(&archive)?;
    let why = format!("now in `{archive}`");
    report.add(log, Action::Rotated, copied, after, why);
    Ok(())
}

/// Frees slot 1: every archive before the first free slot moves up by one, the last first.
fn shift(folder: &Folder, log: &str, slots: &mut [(u32, bool)]) -> io::Result<()> {
    let mut free = 1;
    for &(slot, _) in slots.iter() {
        if slot == free {
            free += 1;
        } else if slot > free {
            break;
        }
    }
    for place in slots.iter_mut().rev().filter(|place| place.0 < free) {
        let (slot, compressed) = *place;
        folder.rename(
            &name::archive(log, slot, compressed),
            &name::archive(log, slot + 1, compressed),
        )?;
        place.0 = slot + 1;
    }
    Ok(())
}

/// Removes a log's archives that are beyond the number kept or too old.
fn prune(
    folder: &Folder,
    log: &str,
    slots: &[(u32, bool)],
    keep: u32,
    oldest: Option<(SystemTime, u32)>,
    report: &mut Report,
) {
    for &(slot, compressed) in slots {
        let archive = name::archive(log, slot, compressed);
        if slot > keep {
            remove(folder, &archive, &format!("beyond the {keep} kept"), report);
            continue;
        }
        let Some((now, days)) = oldest else {
            continue;
        };
        match folder.look(&archive).and_then(|meta| meta.modified()) {
            // A time ahead of the clock is no age.
            Ok(time) => {
                let age = now.duration_since(time).unwrap_or_default().as_millis();
                if age > u128::from(days) * limits::DAY_MS {
                    let why = format!("older than {days} days");
                    remove(folder, &archive, &why, report);
                }
            }
            Err(e) => report.add(
                &archive,
                Action::Failed,
                0,
                0,
                format!("its age is not known: {e}"),
            ),
        }
    }
}

fn remove(folder: &Folder, name: &str, why: &str, report: &mut Report) {
    match folder.remove(name) {
        Ok(bytes) => report.add(name, Action::Removed, bytes, 0, why),
        Err(e) => report.add(
            name,
            Action::Failed,
            0,
            0,
            format!("to be removed ({why}), but {}", folder::explain(&e)),
        ),
    }
}
