//! The log for people: its newest events, one event, figures, a check of all of it, a copy.

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::report::{EventReport, LogReport, LogVerifyReport};
use data_encoding::BASE64;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use weft_ledger::{SignedEvent, State};
use weft_model::Cid;
use weft_store::events;

/// Events read at a time.
const PAGE: u32 = 1_000;

impl Node {
    /// The newest events, oldest of them first.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn log_tail(&self, limit: u32) -> Result<Vec<EventReport>> {
        let mut rows = self.store.read(|tx| events::newest(tx, limit))?;
        rows.reverse();
        self.with_state(|state| {
            rows.iter()
                .map(|(id, e)| report(state, *id, e, false))
                .collect()
        })
    }

    /// One event with what it says.
    ///
    /// # Errors
    /// `not-found`.
    pub fn log_show(&self, event: &str) -> Result<EventReport> {
        let row = self
            .store
            .read(|tx| events::get(tx, event))?
            .ok_or_else(|| {
                NodeError::not_found(format!(
                    "there is no event `{}`",
                    weft_model::text::printable(event, 80)
                ))
                .try_this("weft log tail")
            })?;
        let id = self.store.read(|tx| events::number(tx, event))?;
        self.with_state(|state| report(state, id.unwrap_or_default(), &row, true))
    }

    /// The log in figures.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn log_stats(&self) -> Result<LogReport> {
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        let (mut count, mut bytes) = (0, 0);
        let mut authors = std::collections::BTreeSet::new();
        let mut cids = Vec::new();
        self.each_event(|_, event| {
            *kinds.entry(event.kind.clone()).or_default() += 1;
            count += 1;
            bytes += event.bytes.len() as u64;
            authors.insert(event.author.clone());
            cids.push(event.cid.clone());
            Ok(())
        })?;
        self.with_state(|state| LogReport {
            events: count,
            void: cids
                .iter()
                .filter(|cid| {
                    cid.parse::<Cid>()
                        .is_ok_and(|cid| state.void(&cid).is_some())
                })
                .count() as u64,
            devices: authors.len() as u64,
            frozen: state.frozen().keys().map(ToString::to_string).collect(),
            bytes,
            kinds,
            digest: state.state_digest().to_string(),
        })
    }

    /// Checks every event from its bytes: CID, signature, links; and folds them anew.
    ///
    /// # Errors
    /// When the log can't be read; what is wrong with it is no error but the answer.
    pub fn log_verify(&self) -> Result<LogVerifyReport> {
        let genesis = self.store.read(|tx| self.genesis(tx))?;
        let mut state = State::new(genesis).map_err(|e| NodeError::internal(e.to_string()))?;
        let mut problems = Vec::new();
        let mut count = 0;
        self.each_event(|id, row| {
            count += 1;
            let checked = SignedEvent::decode(&row.bytes)
                .map_err(|e| e.to_string())
                .and_then(|signed| {
                    let verified = signed.verify().map_err(|e| e.to_string())?;
                    if verified.cid().to_string() != row.cid {
                        return Err("its bytes are not what its CID names".to_owned());
                    }
                    state.insert(verified).map_err(|e| e.to_string())
                });
            if let Err(why) = checked {
                problems.push(format!("event {id} (`{}`): {why}", row.cid));
            }
            Ok(())
        })?;
        Ok(LogVerifyReport {
            ok: problems.is_empty(),
            events: count,
            problems,
            digest: state.state_digest().to_string(),
        })
    }

    /// Writes all events to a file that is not there yet, as JSON lines, ancestors first. Returns how many.
    ///
    /// # Errors
    /// `conflict` when the file is there; when it can't be written.
    pub fn log_export(&self, path: &Path) -> Result<u64> {
        let io = |e: std::io::Error| NodeError::file(path, &e);
        let file = std::fs::File::options()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|e| match e.kind() {
                std::io::ErrorKind::AlreadyExists => NodeError::new(
                    Code::Conflict,
                    format!("`{}` is there already", path.display()),
                )
                .try_this("choose another name"),
                _ => io(e),
            })?;
        let mut out = std::io::BufWriter::new(file);
        let mut rows = Vec::new();
        self.each_event(|id, row| {
            rows.push((id, row.clone()));
            Ok(())
        })?;
        let reports: Vec<EventReport> = self.with_state(|state| {
            rows.iter()
                .map(|(id, e)| report(state, *id, e, true))
                .collect()
        })?;
        for report in &reports {
            serde_json::to_writer(&mut out, report).map_err(|e| io(e.into()))?;
            out.write_all(b"\n").map_err(io)?;
        }
        out.flush().map_err(io)?;
        Ok(reports.len() as u64)
    }

    fn each_event(&self, mut look: impl FnMut(i64, &events::Event) -> Result<()>) -> Result<()> {
        let mut last = 0;
        loop {
            let page = self.store.read(|tx| events::since(tx, last, PAGE))?;
            for (id, event) in &page {
                look(*id, event)?;
                last = *id;
            }
            if page.len() < PAGE as usize {
                return Ok(());
            }
        }
    }
}

fn report(state: &State, id: i64, row: &events::Event, body: bool) -> EventReport {
    let device = row.author.parse().ok();
    let member = device.and_then(|d| state.member_of_device(&d));
    let cid: Option<Cid> = row.cid.parse().ok();
    let says = || {
        let signed = SignedEvent::decode(&row.bytes).ok()?;
        let ipld = ipld_core::serde::to_ipld(&signed.event.body).ok()?;
        Some(crate::verify::json(&ipld))
    };
    EventReport {
        id,
        event: row.cid.clone(),
        author: row.author.clone(),
        user: member.and_then(|m| state.member(&m)).map(|m| m.user),
        seq: row.seq,
        at: rfc3339(row.at),
        kind: row.kind.clone(),
        void: cid.and_then(|c| state.void(&c)).map(ToString::to_string),
        body: if body { says() } else { None },
        record: body.then(|| BASE64.encode(&row.bytes)),
    }
}
