//! Decision records: shown, and run again.

use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::report::{CandidateReport, DecisionReport, VerifyReport};
use data_encoding::HEXLOWER;
use ipld_core::ipld::Ipld;
use serde_json::Value;
use std::collections::BTreeMap;
use weft_decide::{Answer, Record};
use weft_model::vector::close;
use weft_model::{Cid, SlotCall, SlotReply, cbor, content};
use weft_store::blocks;

impl Node {
    fn record(&self, cid: &str) -> Result<(Cid, Vec<u8>, Record)> {
        let cid: Cid = cid.parse().map_err(|_| {
            NodeError::invalid(format!(
                "`{}` is no CID",
                weft_model::text::printable(cid, 80)
            ))
        })?;
        let bytes = self
            .store
            .read(|tx| blocks::get(tx, &cid.to_string()))?
            .ok_or_else(|| {
                NodeError::not_found(format!("no decision record `{cid}` is in this home"))
                    .try_this("`weft why TASK` names the record of a task's last decision")
            })?;
        let record = Record::decode(&bytes).map_err(|e| {
            NodeError::new(
                Code::Invalid,
                format!("`{cid}` is no decision record that can be read: {e}"),
            )
        })?;
        Ok((cid, bytes, record))
    }

    /// A decision record as JSON.
    ///
    /// # Errors
    /// When there is none of that CID.
    pub fn decision_show(&self, cid: &str) -> Result<DecisionReport> {
        let (cid, bytes, record) = self.record(cid)?;
        let mut shown = json(&cbor::decode::<Ipld>(&bytes)?);
        unpack(&mut shown, &record).map_err(NodeError::internal)?;
        Ok(DecisionReport {
            cid: cid.to_string(),
            record: shown,
        })
    }

    /// Runs a recorded decision again: the bytes must be what the CID names, every plugin must give the same answer,
    /// and the pipeline the same decision, bit for bit.
    ///
    /// # Errors
    /// When there is no record of that CID. What differs is in the report.
    pub fn decision_verify(&self, cid: &str) -> Result<VerifyReport> {
        let (cid, bytes, record) = self.record(cid)?;
        let mut differences = Vec::new();
        if !content::matches(&cid, &bytes) {
            differences.push("the record's bytes are not what its CID names".into());
        }
        let (calls, decision) = record.rerun();
        match decision {
            Some(decision) if decision == record.decision => {}
            Some(_) => {
                differences.push("the pipeline decides otherwise from the same answers".into())
            }
            None => differences.push("the record lacks answers".into()),
        }
        let mut asked = 0;
        for (call, answers) in calls.iter().zip(&record.answers) {
            for answer in answers {
                asked += 1;
                if let Err(why) = self.ask_again(&record, call, answer) {
                    differences.push(format!("{} `{}`: {why}", call.slot(), answer.name));
                }
            }
        }
        let unreplayable = (!record.replayable).then(|| {
            "a step ended by a trap, the clock or memory; such an end may differ".to_owned()
        });
        Ok(VerifyReport {
            cid: cid.to_string(),
            equal: differences.is_empty(),
            calls: asked,
            differences,
            unreplayable,
        })
    }

    fn ask_again(&self, record: &Record, call: &SlotCall, answer: &Answer) -> Result<(), String> {
        if answer.outcome.as_ref().is_err_and(|f| !f.replayable) {
            return Ok(());
        }
        let (release_cid, release) = self
            .store
            .read(|tx| self.find_release(tx, &answer.release.to_string()))
            .map_err(|e| e.to_string())?;
        let config = match &answer.config {
            None => Vec::new(),
            Some(cid) => self
                .store
                .read(|tx| blocks::get(tx, &cid.to_string()))
                .map_err(|e| e.to_string())?
                .ok_or_else(|| format!("its config `{cid}` is not here"))?,
        };
        let policy = self
            .policy(&release_cid, call.slot(), &release)
            .map_err(|e| e.to_string())?;
        let again = self
            .policies
            .call(&policy, record.snapshot.now, &config, call);
        match (&answer.outcome, again) {
            (Ok(reply), Ok(called)) if *reply == called.reply => Ok(()),
            (Ok(reply), Ok(called)) if close(reply, &called.reply) => {
                Err("the answer differs in the last bits of a number".into())
            }
            (Err(failed), Err(e)) if failed.why == e.to_string() => Ok(()),
            (_, Ok(_)) => Err("it answers otherwise now".into()),
            (_, Err(e)) => Err(format!("it fails now: {e}")),
        }
    }
}

/// Shows what a record holds as columns of bytes the way a person reads it.
fn unpack(shown: &mut Value, record: &Record) -> Result<(), serde_json::Error> {
    let candidates = &record.snapshot.candidates;
    let features: BTreeMap<&String, Vec<Option<f64>>> = candidates
        .features
        .iter()
        .enumerate()
        .map(|(f, name)| {
            let column = (0..candidates.ids.len()).map(|row| candidates.table.get(f, row));
            (name, column.collect())
        })
        .collect();
    let of = &mut shown["snapshot"]["candidates"];
    of["table"] = serde_json::to_value(features)?;
    of["permissions"] = serde_json::to_value(&candidates.permissions)?;
    shown["decision"]["ranking"] =
        serde_json::to_value(CandidateReport::of(&record.decision.ranking, candidates))?;
    for (i, answers) in record.answers.iter().enumerate() {
        for (j, answer) in answers.iter().enumerate() {
            if let Ok(reply @ SlotReply::Rank(_)) = &answer.outcome {
                shown["answers"][i][j]["outcome"]["Ok"] = serde_json::to_value(reply)?;
            }
        }
    }
    Ok(())
}

/// A record as JSON for people: CIDs as text, bytes as hex.
pub(crate) fn json(value: &Ipld) -> Value {
    match value {
        Ipld::Null => Value::Null,
        Ipld::Bool(b) => Value::from(*b),
        Ipld::Integer(i) => {
            i64::try_from(*i).map_or_else(|_| Value::from(i.to_string()), Value::from)
        }
        Ipld::Float(f) => Value::from(*f),
        Ipld::String(s) => Value::from(s.as_str()),
        Ipld::Bytes(b) => Value::from(HEXLOWER.encode(b)),
        Ipld::Link(cid) => Value::from(cid.to_string()),
        Ipld::List(items) => items.iter().map(json).collect(),
        Ipld::Map(fields) => fields.iter().map(|(k, v)| (k.clone(), json(v))).collect(),
    }
}
