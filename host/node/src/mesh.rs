//! The mesh policy in force: the community's figures that no plugin owns, read from the constitution.
//!
//! A decision reads which constitution is in force in its own transaction; what that one says never changes, so it is
//! decoded once and kept. Nothing stands in for a constitution that is missing or can't be read.

use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::policies::CONSTITUTION;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::sync::{Arc, PoisonError};
use weft_ledger::constitution::{Constitution, MeshPolicy};
use weft_model::Instant;
use weft_store::{Read, blocks, meta};

/// The mesh policy of one constitution, its zone resolved.
#[derive(Debug)]
pub(crate) struct Mesh {
    /// CID of the constitution.
    cid: String,
    /// Its figures.
    pub policy: MeshPolicy,
    /// The zone of the community's days.
    zone: TimeZone,
}

impl Node {
    /// The mesh policy of the constitution in force.
    ///
    /// # Errors
    /// When the constitution is not here or breaks a rule, or this system does not know its zone.
    pub(crate) fn mesh(&self, tx: &Read) -> Result<Arc<Mesh>> {
        let cid = meta::get(tx, CONSTITUTION)?
            .ok_or_else(|| NodeError::internal("the home has no constitution"))?;
        let mut kept = self.mesh.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mesh) = kept.as_ref().filter(|mesh| mesh.cid == cid) {
            return Ok(Arc::clone(mesh));
        }
        let bytes = blocks::get(tx, &cid)?
            .ok_or_else(|| NodeError::internal(format!("the constitution `{cid}` is not here")))?;
        let policy = Constitution::decode(&bytes)
            .map_err(|e| NodeError::internal(format!("the constitution `{cid}`: {e}")))?
            .mesh;
        let zone = TimeZone::get(&policy.zone).map_err(|_| {
            NodeError::invalid(format!(
                "the constitution's zone `{}` is not known to this system",
                weft_model::text::printable(&policy.zone, 80)
            ))
            .try_this(
                "use a newer Weft, which knows newer zones, or go back to the constitution before",
            )
        })?;
        let mesh = Arc::new(Mesh { cid, policy, zone });
        *kept = Some(Arc::clone(&mesh));
        Ok(mesh)
    }
}

impl Mesh {
    /// How long a vote is open, in milliseconds.
    pub fn vote_ms(&self) -> Instant {
        span(self.policy.importance.window_ms)
    }

    /// How long a consensus on a name counts, in milliseconds.
    pub fn consensus_ms(&self) -> Instant {
        span(self.policy.importance.consensus_ms)
    }

    /// Power of a task, in watts: what it declares, else what the community assumes.
    pub fn watts(&self, declared: Option<f64>) -> f64 {
        declared.unwrap_or(self.policy.energy.modelled_watts)
    }

    /// The community's day that holds `now`: its midnight, and the next one.
    ///
    /// # Errors
    /// When `now` is beyond what calendars hold.
    pub fn day(&self, now: Instant) -> Result<(Instant, Instant)> {
        let midnights = || -> Result<(Zoned, Zoned), jiff::Error> {
            let local = Timestamp::from_millisecond(now)?.to_zoned(self.zone.clone());
            Ok((local.start_of_day()?, local.tomorrow()?.start_of_day()?))
        };
        let (from, until) = midnights().map_err(NodeError::internal)?;
        let at = |z: Zoned| z.timestamp().as_millisecond();
        Ok((at(from), at(until)))
    }
}

/// Milliseconds that the constitution bounds to a year and less.
fn span(ms: u64) -> Instant {
    Instant::try_from(ms).unwrap_or(Instant::MAX)
}
