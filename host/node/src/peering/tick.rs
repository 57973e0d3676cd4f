//! What the mesh needs again and again, from the daemon's loop.

use crate::error::Result;
use crate::node::Node;
use crate::peering::Peering;
use std::sync::{Arc, PoisonError};
use weft_ledger::sync::Input;
use weft_model::{Did, Instant};

/// How often the table of who has what is renewed, in milliseconds: before what is in it is forgotten.
const PROVIDE_EVERY_MS: Instant = 3_600_000;
/// Most contents that are named in it; the rest is found by asking the members that are connected.
const PROVIDED: usize = 512;

impl Node {
    /// One look: the log's turn, adverts out and in, results that wait for their submitters.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub(crate) fn tick_mesh(self: &Arc<Self>) -> Result<()> {
        let Some(peering) = self.peering() else {
            return Ok(());
        };
        self.log_step(Input::Tick)?;
        self.settle_in()?;
        self.keep_adverts(&peering)?;
        self.advertise(&peering)?;
        self.fetch_inputs(&peering);
        self.deliver_results(&peering)?;
        self.watch_leases(&peering)?;
        self.provide(&peering)
    }

    /// Says in the network's table what is here, when it is time: whoever looks for a content finds it without asking all.
    fn provide(&self, peering: &Peering) -> Result<()> {
        let now = self.now();
        let mut last = peering
            .provided
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| now >= at && now - at < PROVIDE_EVERY_MS) {
            return Ok(());
        }
        *last = Some(now);
        drop(last);
        for content in self.content.list()?.iter().take(PROVIDED) {
            peering.mesh.provide(&content.cid.parse()?);
        }
        Ok(())
    }

    /// An event of this device is ahead of this clock by so much: people are told once per device.
    pub(crate) fn note_skew(&self, author: &Did, ms: i64) -> Result<()> {
        let key = format!("skew:{author}");
        let minutes = ms / 60_000;
        self.store.write(|tx| {
            if weft_store::meta::get(tx, &key)?.is_some() {
                return Ok(());
            }
            weft_store::meta::set(tx, &key, &minutes.to_string())?;
            let message = format!(
                "the clock of {author} is {minutes} min ahead of this one; set both by NTP"
            );
            self.alarm(tx, "clock.skewed", &author.to_string(), &message)
        })
    }
}
