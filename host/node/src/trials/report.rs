//! What a trial found, for people and as a record that this device signs.

use crate::clock::rfc3339;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::policies::parse_slot;
use serde::{Deserialize, Serialize};
use std::path::Path;
use weft_model::{Cid, Did};
use weft_release::trial::{EXAMPLES, FORMAT};
use weft_release::{TrialExample, TrialRecord};
use weft_store::{blocks, trials};

/// What a trial found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialReport {
    /// The slot.
    pub slot: String,
    /// CID of the release on trial.
    pub release: String,
    /// Its name; its CID again where it is not in this home.
    pub name: String,
    /// `shadow` or `canary N%`.
    pub mode: String,
    /// Decisions that it took part in.
    pub decisions: u64,
    /// Of those: both versions said the same.
    pub agreed: u64,
    /// Of those: it answered otherwise than the serving version.
    pub differed: u64,
    /// Of those: it trapped, went over a limit, or broke its contract.
    pub failed: u64,
    /// Of those that agreed or differed: it refused where the serving version did not.
    pub refused: u64,
    /// When it began.
    pub started_at: String,
    /// When it ended. None: it goes on.
    pub ended_at: Option<String>,
    /// Why it ended: `enforced`, `returned`, `quarantined` or `replaced`.
    pub outcome: Option<String>,
    /// The newest differences and failures, newest first.
    pub examples: Vec<TrialDifference>,
    /// CID of the signed report, which is a block of this home.
    pub report: String,
    /// Who signed it.
    pub signed_by: String,
}

/// A decision in which the two versions differed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialDifference {
    /// CID of the decision's record.
    pub decision: String,
    /// The task's name.
    pub task: String,
    /// What the serving version said.
    pub serving: String,
    /// What the one on trial said.
    pub trial: String,
    /// When.
    pub at: String,
}

impl Node {
    /// Reports on the newest trial of a slot, signs the report with the device's key and keeps it as a block.
    ///
    /// # Errors
    /// When there was no trial in the slot.
    pub fn trial_report(&self, slot: &str) -> Result<TrialReport> {
        let slot = parse_slot(slot)?;
        let (record, bytes, cid) = self.store.write(|tx| -> Result<_> {
            let trial = trials::last(tx, slot.name())?.ok_or_else(|| {
                NodeError::not_found(format!("there was no trial in `{slot}` yet"))
                    .try_this(format!("weft plugin use {slot} REF --mode shadow"))
            })?;
            let examples = trials::differences(tx, trial.id, EXAMPLES as u32)?
                .into_iter()
                .map(|d| {
                    Ok(TrialExample {
                        decision: d.decision_cid.parse()?,
                        task: d.task,
                        serving: d.serving,
                        trial: d.trial_answer,
                        at: d.at,
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            let record = TrialRecord {
                format: FORMAT,
                slot,
                release: trial.release_cid.parse()?,
                mode: trial.mode,
                decisions: trial.decisions,
                agreed: trial
                    .decisions
                    .saturating_sub(trial.differed)
                    .saturating_sub(trial.failed),
                differed: trial.differed,
                failed: trial.failed,
                refused: trial.refused,
                started: trial.started_at,
                ended: trial.ended_at,
                outcome: trial.outcome,
                examples,
            };
            let (bytes, cid) = record
                .seal(&self.device_key)
                .map_err(|e| NodeError::invalid(format!("tables `trials`: {e}")))?;
            blocks::put(tx, &cid.to_string(), &bytes, self.now())?;
            Ok((record, bytes, cid))
        })?;
        let (_, signer) =
            TrialRecord::open(&bytes).map_err(|e| NodeError::internal(e.to_string()))?;
        Ok(self.told(record, &cid, signer))
    }

    /// Checks a signed report: a file, or a block of this home by its CID.
    ///
    /// # Errors
    /// When there is none, or its signature does not hold.
    pub fn trial_verify(&self, target: &str) -> Result<TrialReport> {
        let bytes = match target.parse::<Cid>() {
            Ok(cid) => self
                .store
                .read(|tx| blocks::get(tx, &cid.to_string()))?
                .ok_or_else(|| NodeError::not_found(format!("no block `{cid}` is in this home")))?,
            Err(_) => crate::releases::read_component(Path::new(target))?,
        };
        let (record, signer) = TrialRecord::open(&bytes).map_err(|e| {
            NodeError::refused(format!(
                "`{}`: {e}",
                weft_model::text::printable(target, 200)
            ))
        })?;
        let cid = weft_model::content::record_cid(&bytes);
        Ok(self.told(record, &cid, signer))
    }

    fn told(&self, record: TrialRecord, cid: &Cid, signer: Did) -> TrialReport {
        let release = record.release.to_string();
        let name = self
            .store
            .read(|tx| self.find_release(tx, &release))
            .map_or_else(|_| release.clone(), |(_, r)| r.name);
        TrialReport {
            slot: record.slot.name().to_owned(),
            release,
            name,
            mode: record.mode,
            decisions: record.decisions,
            agreed: record.agreed,
            differed: record.differed,
            failed: record.failed,
            refused: record.refused,
            started_at: rfc3339(record.started),
            ended_at: record.ended.map(rfc3339),
            outcome: record.outcome,
            examples: record
                .examples
                .into_iter()
                .map(|e| TrialDifference {
                    decision: e.decision.to_string(),
                    task: e.task,
                    serving: e.serving,
                    trial: e.trial,
                    at: rfc3339(e.at),
                })
                .collect(),
            report: cid.to_string(),
            signed_by: signer.to_string(),
        }
    }
}
