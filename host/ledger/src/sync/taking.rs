//! Taking events from peers: read, checked, applied with what waited for them, and noticed.

use super::service::{Outbox, Sync};
use super::{Effect, Kept, Misbehaviour};
use crate::event::{EventError, SignedEvent, Verified};
use crate::fold::{InboxError, Outcome};
use crate::limits::{EVENT_BYTES, SKEW_MS};
use serde_bytes::ByteBuf;
use weft_model::{Cid, Did, Instant, content};

/// What a page brought.
#[derive(Default)]
pub(super) struct News {
    /// Whether an event of it was not here yet.
    pub fresh: bool,
    /// Its last event.
    pub last: Option<Cid>,
}

impl Sync {
    /// An event by gossip: whoever passed it on may lack its ancestors, and is not to blame for its links.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        from: Did,
        bytes: Vec<u8>,
        out: &mut Outbox,
    ) -> Result<(), Misbehaviour> {
        let cid = content::record_cid(&bytes);
        if self.state.contains(&cid) || self.waiting.contains(&cid) {
            self.counts.known += 1;
            return Ok(());
        }
        let event = self.read(&bytes)?;
        if !self.state.lacks_ancestors(event.event()) {
            if self.apply(now, event, bytes, out).is_err() {
                self.counts.refused += 1;
            }
        } else if self.waiting.has_room(&from, bytes.len())
            && self.inbox.offer(&mut self.state, event).is_ok()
        {
            self.waiting.add(cid, from, now, bytes);
        } else {
            self.counts.let_go += 1;
        }
        Ok(())
    }

    /// Applies a page up to the first thing that is wrong with it.
    pub(super) fn take_page(
        &mut self,
        now: Instant,
        events: Vec<ByteBuf>,
        out: &mut Outbox,
    ) -> Result<News, Misbehaviour> {
        let mut news = News::default();
        for bytes in events {
            let cid = content::record_cid(&bytes);
            news.last = Some(cid);
            if self.state.contains(&cid) {
                continue;
            }
            let event = self.read(&bytes)?;
            if self.state.lacks_ancestors(event.event()) {
                return Err(Misbehaviour::Incomplete);
            }
            self.apply(now, event, bytes.into_vec(), out)
                .map_err(|_| Misbehaviour::BrokenChain)?;
            news.fresh = true;
        }
        Ok(news)
    }

    fn read(&self, bytes: &[u8]) -> Result<Verified, Misbehaviour> {
        let undecodable = |e| match e {
            EventError::TooLarge { found } => Misbehaviour::Oversize {
                found,
                max: EVENT_BYTES,
            },
            EventError::BadSignature { .. } => Misbehaviour::BadSignature,
            _ => Misbehaviour::Undecodable,
        };
        let signed = SignedEvent::decode(bytes).map_err(undecodable)?;
        if signed.event.network != self.state.network() {
            return Err(Misbehaviour::WrongNetwork);
        }
        signed.verify().map_err(undecodable)
    }

    /// Applies an event whose ancestors are here, and what waited for it.
    fn apply(
        &mut self,
        now: Instant,
        event: Verified,
        bytes: Vec<u8>,
        out: &mut Outbox,
    ) -> Result<(), InboxError> {
        if self.waiting.take(&event.cid()).is_some() {
            self.inbox.forget(&event.cid());
        }
        let mut first = Some(bytes);
        for (event, outcome) in self.inbox.offer(&mut self.state, event)? {
            let bytes = first.take().or_else(|| self.waiting.take(&event.cid()));
            let Some(bytes) = bytes.filter(|_| outcome != Outcome::Known) else {
                continue;
            };
            self.notice(now, &event, &outcome, out);
            out.kept.push(Kept {
                event,
                bytes,
                outcome,
            });
        }
        Ok(())
    }

    /// What became of an event now that all of its page are judged.
    pub(super) fn outcome(&self, event: &Cid, at_first: &Outcome) -> Outcome {
        match (at_first, self.state.void(event)) {
            (Outcome::Equivocation { .. }, _) => at_first.clone(),
            (_, Some(void)) => Outcome::Void(void.clone()),
            (_, None) => Outcome::Counted,
        }
    }

    pub(super) fn notice(
        &mut self,
        now: Instant,
        applied: &Verified,
        outcome: &Outcome,
        out: &mut Outbox,
    ) {
        let event = applied.event();
        let ahead = event.at.saturating_sub(now);
        if ahead > SKEW_MS {
            out.noticed.push(Effect::Skewed {
                author: event.author,
                event: applied.cid(),
                ms: ahead,
            });
        }
        if let Outcome::Equivocation { other } = outcome
            && self.proved.insert(event.author)
        {
            out.noticed.push(Effect::Proof {
                device: event.author,
                first: *other,
                second: applied.cid(),
            });
        }
    }
}
