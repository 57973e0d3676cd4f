//! This device's chain of signed events, and the feed that people read. What other devices wrote comes by
//! [`crate::sync`].

use crate::error::{NodeError, Result};
use crate::node::Node;
use std::sync::PoisonError;
use weft_ledger::{Body, Chain, Head, SignedEvent};
use weft_model::Cid;
use weft_store::feed::{Entry, Severity};
use weft_store::{Read, Write, events, feed, meta};

/// Key of the genesis record's CID in `meta`.
pub(crate) const NETWORK: &str = "network";

impl Node {
    /// Signs an event, appends it to this device's chain, and makes the changes that follow from it: all or nothing.
    pub(crate) fn append(
        &self,
        changes: impl FnOnce(&Write) -> Result<()>,
        body: impl FnOnce() -> Body,
    ) -> Result<Cid> {
        self.before_signing();
        // One event after the other: the next one names the one before.
        let _turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.write(|tx| {
            changes(tx)?;
            self.append_in(tx, body())
        })
    }

    /// As [`Self::append`], inside a transaction that is open. The caller holds `self.log`.
    pub(crate) fn append_in(&self, tx: &Write, body: Body) -> Result<Cid> {
        let network: Cid = meta::get(tx, NETWORK)?
            .ok_or_else(|| NodeError::internal("the home has no genesis record"))?
            .parse()?;
        let author = crate::keys::did(&self.device_key);
        let head = self.chain_head(tx, &author.to_string())?;
        let mut chain = Chain::new(network, author, head);
        let seen = self.unseen(&author)?;
        let signed = chain
            .append(body, seen, self.now(), &self.device_key)
            .map_err(|e| NodeError::invalid(e.to_string()))?;
        let (bytes, cid) = signed
            .encode()
            .map_err(|e| NodeError::internal(e.to_string()))?;
        let event = &signed.event;
        events::append(
            tx,
            &events::Event {
                cid: cid.to_string(),
                author: author.to_string(),
                seq: event.seq,
                prev: event.prev.map(|p| p.to_string()),
                at: event.at,
                kind: event.body.kind().to_owned(),
                bytes,
            },
        )?;
        Ok(cid)
    }

    fn chain_head(&self, tx: &Read, author: &str) -> Result<Option<Head>> {
        let Some(head) = events::head(tx, author)? else {
            return Ok(None);
        };
        let last = events::get(tx, &head.cid)?
            .ok_or_else(|| NodeError::internal(format!("the log lacks its head `{}`", head.cid)))?;
        let signed =
            SignedEvent::decode(&last.bytes).map_err(|e| NodeError::internal(e.to_string()))?;
        Ok(Some(Head {
            seq: signed.event.seq,
            cid: head.cid.parse()?,
            at: signed.event.at,
        }))
    }

    /// Tells people that something happened.
    pub(crate) fn feed(
        &self,
        tx: &Write,
        kind: &str,
        subject: Option<&str>,
        message: &str,
    ) -> Result<()> {
        self.entry(tx, kind, Severity::Info, subject, message)
    }

    /// Tells people of a fallback, a downgrade or a failure that somebody else answered for.
    pub(crate) fn warning(
        &self,
        tx: &Write,
        kind: &str,
        subject: &str,
        message: &str,
    ) -> Result<()> {
        self.raise(tx, kind, Severity::Warning, subject, message)
    }

    /// Tells people of something that they should look at.
    pub(crate) fn alarm(&self, tx: &Write, kind: &str, subject: &str, message: &str) -> Result<()> {
        self.raise(tx, kind, Severity::Alarm, subject, message)
    }

    /// In the feed, and in the program's own log.
    fn raise(
        &self,
        tx: &Write,
        kind: &str,
        severity: Severity,
        subject: &str,
        message: &str,
    ) -> Result<()> {
        tracing::warn!(kind, subject, "{message}");
        self.entry(tx, kind, severity, Some(subject), message)
    }

    /// The same, where whoever asked is told by the answer, too.
    pub(crate) fn alarm_answered(
        &self,
        tx: &Write,
        kind: &str,
        subject: &str,
        message: &str,
    ) -> Result<()> {
        tracing::info!(kind, subject, "{message}");
        self.entry(tx, kind, Severity::Alarm, Some(subject), message)
    }

    fn entry(
        &self,
        tx: &Write,
        kind: &str,
        severity: Severity,
        subject: Option<&str>,
        message: &str,
    ) -> Result<()> {
        feed::add(
            tx,
            &Entry {
                id: 0,
                timestamp: self.now(),
                kind: kind.to_owned(),
                severity,
                subject: subject.map(ToOwned::to_owned),
                message: message.to_owned(),
                details: "{}".into(),
            },
        )?;
        Ok(())
    }
}
