//! Shared facts live in the log; `user_tiers` is a projection of them. An edit of its facts by hand (donations, a
//! granted tier) is reverted from the log, and said so. Its other columns are views that each decision renews.

use crate::error::Result;
use crate::node::Node;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use weft_ledger::State;
use weft_store::tiers::{self, Tier};
use weft_store::{Read, Write, members, meta};

/// Key of the projection's digest in `meta`.
const DIGEST: &str = "facts:user_tiers";

/// Notes that the projection is as the log has it: after every change that goes with an event.
pub(crate) fn seal(tx: &Write) -> Result<()> {
    let digest = digest(tx)?;
    Ok(meta::set(tx, DIGEST, &digest)?)
}

fn digest(tx: &Read) -> Result<String> {
    let mut hash = Sha256::new();
    let rows = tiers::list(tx)?;
    for t in rows
        .rows
        .iter()
        .filter(|t| t.donations != 0.0 || t.donated_at.is_some() || t.granted.is_some())
    {
        hash.update(format!(
            "{:?}\n",
            (&t.user_id, t.donations, t.donated_at, &t.granted)
        ));
    }
    hash.update(format!("{:?}", rows.malformed));
    Ok(HEXLOWER.encode(&hash.finalize()))
}

impl Node {
    /// Reverts what was edited by hand. Costs one small query while nothing was.
    pub(crate) fn revert_facts(&self, tx: &Write) -> Result<()> {
        let now_digest = digest(tx)?;
        match meta::get(tx, DIGEST)? {
            Some(sealed) if sealed == now_digest => return Ok(()),
            Some(_) => {}
            // A home whose projection was never sealed has no donation yet.
            None if tiers::list(tx)?.rows.is_empty() => return seal(tx),
            None => {}
        }
        let state = self.fold(tx)?;
        let rows = tiers::list(tx)?.rows;
        let edited = self.project_tiers(tx, &state, rows)?;
        seal(tx)?;
        if !edited.is_empty() {
            let message = format!(
                "`user_tiers` was edited by hand for {}: donations and granted tiers are facts of the log, the edit \
                 was reverted; record them with `weft tier donate`",
                edited.join(", ")
            );
            self.alarm(tx, "facts.reverted", "user_tiers", &message)?;
        }
        Ok(())
    }

    /// Writes what the log says of these rows; returns whose differed.
    pub(crate) fn project_tiers(
        &self,
        tx: &Write,
        state: &State,
        rows: Vec<Tier>,
    ) -> Result<Vec<String>> {
        let donations = state.donations();
        let mut changed = Vec::new();
        for row in rows {
            let did = members::get(tx, &row.user_id)?.and_then(|m| m.did?.parse().ok());
            let given: Vec<_> = donations.iter().filter(|d| Some(d.member) == did).collect();
            let fact = Tier {
                donations: given.iter().map(|d| d.amount as f64).sum(),
                // The table keeps whole seconds.
                donated_at: given.iter().map(|d| d.at - d.at.rem_euclid(1_000)).max(),
                granted: did
                    .and_then(|d| state.tier(&d))
                    .map(|(tier, _)| tier.to_owned()),
                ..row.clone()
            };
            if fact != row {
                changed.push(row.user_id.clone());
                tiers::put(tx, &fact, self.now())?;
            }
        }
        Ok(changed)
    }
}
