//! Shared facts live in the log; `user_tiers` and what `importance_votes` says of an ended vote are projections of them. An
//! edit of them by hand (donations, a granted tier, a consensus) is reverted from the log, and said so. The other columns are
//! views that each decision renews.

use crate::error::{NodeError, Result};
use crate::node::Node;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use weft_ledger::{Body, SignedEvent, State};
use weft_model::task::Importance;
use weft_store::polls::{self, Poll};
use weft_store::tiers::{self, Tier};
use weft_store::{Read, Write, events, members, meta};

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

/// What the event that closed a vote says came out of it, and with how much of the weight; none where there is no such event.
fn outcome_of(tx: &Read, poll: &Poll) -> Result<Option<(Option<String>, f64)>> {
    let Some(event) = poll.event_cid.as_deref() else {
        return Ok(None);
    };
    let Some(event) = events::get(tx, event)? else {
        return Ok(None);
    };
    let signed = SignedEvent::decode(&event.bytes).map_err(NodeError::internal)?;
    Ok(match signed.event.body {
        Body::PollClosed {
            poll: closed,
            consensus,
            confidence,
            ..
        } if closed.to_string() == poll.id => {
            let word = |option: u32| {
                Importance::ALL
                    .get(option as usize)
                    .map(|i| i.word().to_owned())
            };
            Some((consensus.and_then(word), confidence))
        }
        _ => None,
    })
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

    /// Reverts what was edited by hand of the vote that decides about a task's name: its outcome is in the event that closed
    /// it.
    pub(crate) fn revert_consensus(&self, tx: &Write, name: &str) -> Result<()> {
        let since = self.now() - self.mesh(tx)?.consensus_ms();
        let Some(poll) = polls::consensus_for(tx, name, since)? else {
            return Ok(());
        };
        let said = outcome_of(tx, &poll)?;
        let (consensus, confidence) = match &said {
            Some((consensus, confidence)) => (consensus.clone(), Some(*confidence)),
            None => (None, None),
        };
        if (&poll.consensus, poll.confidence) == (&consensus, confidence) {
            return Ok(());
        }
        polls::correct(tx, &poll.id, consensus.as_deref(), confidence)?;
        let message = format!(
            "the outcome of the vote on `{name}` was edited by hand: it is a fact of the log, the edit was reverted; hold \
             another vote with `weft vote open {name}`"
        );
        self.alarm(tx, "facts.reverted", "importance_votes", &message)
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
