//! What the daemon does about releases by itself: it looks for updates, and lets those serve whose delay is over.

use super::Wanted;
use super::source::Source;
use crate::error::Result;
use crate::node::Node;
use std::sync::PoisonError;
use weft_release::install::State;
use weft_store::installs;

/// How often the owner's source of updates is looked at, in milliseconds: an hour.
const LOOK_MS: i64 = 3_600_000;

impl Node {
    /// Looks for updates when it is time to, and lets those serve whose delay is over. Returns how many installs went
    /// on. What goes wrong with one of them, or with the source, is said and ends nothing.
    ///
    /// # Errors
    /// When the database can't be read.
    pub(crate) fn step_installs(&self) -> Result<usize> {
        let now = self.now();
        let look = {
            let mut looked = self
                .looked_for_updates
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let due = looked.is_none_or(|at| now.saturating_sub(at) >= LOOK_MS);
            if due {
                *looked = Some(now);
            }
            due
        };
        if look && let Err(e) = self.update_by_itself() {
            tracing::warn!("no look for updates: {e}");
        }
        let cooling = self
            .store
            .read(|tx| installs::in_states(tx, &[State::Cooling.word()]))?;
        let due = cooling
            .into_iter()
            .filter(|row| row.not_before.is_none_or(|at| at <= now));
        let mut went_on = 0;
        for row in due {
            match self.go_on(row.id, false) {
                Ok(()) => went_on += 1,
                Err(e) => tracing::warn!(release = row.release_cid, "no update: {e}"),
            }
        }
        Ok(went_on)
    }

    /// Installs, by itself, newer releases of what serves from the owner's source of updates. Returns how many began.
    ///
    /// # Errors
    /// When the source can't be read.
    pub fn update_by_itself(&self) -> Result<usize> {
        let from = self.settings.text("updates_from").to_owned();
        if from.is_empty() {
            return Ok(0);
        }
        for warning in self.take_heads(&Source::at(&from)?)? {
            tracing::warn!("{from}: {warning}");
        }
        let mut begun = 0;
        for line in self.outdated(None)?.targets {
            let (Some(newest), false, "behind") =
                (line.newest_release, line.pinned, line.state.as_str())
            else {
                continue;
            };
            let before = self.store.read(|tx| installs::of_release(tx, &newest))?;
            let cooling = |row: &installs::Install| row.state == State::Cooling.word();
            // On its way, or refused: the same bytes are not tried again by themselves. One that waits out its delay may
            // have been signed by those who say that it should not.
            if !before.is_empty() && !before.iter().any(cooling) {
                continue;
            }
            begun += usize::from(before.is_empty());
            let wanted = Wanted {
                reference: newest.clone(),
                from: Some(from.clone()),
                target: Some(line.target.clone()),
                by_itself: true,
                ..Wanted::default()
            };
            if let Err(e) = self.install(&wanted) {
                tracing::warn!(target = line.target, release = newest, "no update: {e}");
            }
        }
        Ok(begun)
    }
}
