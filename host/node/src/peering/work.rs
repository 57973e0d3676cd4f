//! What members say to each other about tasks: offers, results, cancellations; and the refusal, which is signed.

use crate::error::{NodeError, Result};
use crate::node::Node;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::sync::Arc;
use weft_ledger::sign;
use weft_mesh::{MeshError, Protocol};
use weft_model::task::TaskSpec;
use weft_model::{Cid, Did, Instant, cbor, content};

/// Largest input and output that travel inside a message, in bytes; larger ones are fetched as content.
pub(super) const INLINE_BYTES: usize = 256 * 1024;
/// Longest reason, in bytes.
pub(crate) const REASON_BYTES: usize = 1_024;
/// Payload type of a refusal's signature.
const REFUSAL_TYPE: &str = "application/vnd.weft.refusal+dag-cbor";

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Ask {
    /// Run this.
    Offer(Box<Offer>),
    /// Forget it.
    Cancel(String),
    /// Here is what came of it.
    Result(Box<Outcome>),
    /// How far are these?
    State(Vec<String>),
}

/// What is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Say {
    /// It will be run.
    Accepted,
    /// It won't, and why.
    Refused(Box<SignedRefusal>),
    /// It is kept, send it no more.
    Taken,
    /// It is being fetched; ask again.
    Later,
    /// For each task that was asked about: the bytes of its output so far; none: there is no such task here.
    States(Vec<Option<u64>>),
    /// There is no such task here.
    Unknown,
    /// Not on the wire: what came is no answer.
    #[serde(skip)]
    Unreadable,
}

/// A task for another device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offer {
    /// Its id, chosen by the submitter.
    pub task: String,
    /// Which try of the submitter's, from 1.
    pub attempt: u32,
    /// What is asked for; without an input, which follows.
    pub spec: TaskSpec,
    /// The release to run.
    pub release: Cid,
    /// What it reads; none: nothing.
    pub input: Option<Blob>,
    /// The submitter's decision.
    pub decision: String,
    /// What a private task's worker must know, wrapped for it (`crate::private`).
    #[serde(default)]
    pub private: Option<ByteBuf>,
}

/// The wrapped secret of an offer as it came.
pub(crate) fn wrapped_for(offer: &[u8]) -> Option<ByteBuf> {
    match cbor::decode::<Ask>(offer) {
        Ok(Ask::Offer(offer)) => offer.private,
        _ => None,
    }
}

/// Bytes by CID, and the bytes themselves where they are few.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Blob {
    /// Their CID.
    pub cid: Cid,
    /// How many.
    pub size: u64,
    /// They, if at most [`INLINE_BYTES`].
    pub bytes: Option<ByteBuf>,
}

impl Blob {
    /// The bytes that came along, compared with their CID.
    ///
    /// # Errors
    /// When they are not what the CID names.
    pub fn inline(&self) -> Result<Option<&[u8]>> {
        let Some(bytes) = &self.bytes else {
            return Ok(None);
        };
        if bytes.len() as u64 != self.size || content::raw_cid(bytes) != self.cid {
            return Err(NodeError::coded(
                "wrong-bytes",
                format!("the bytes are not what `{}` names", self.cid),
            ));
        }
        Ok(Some(bytes))
    }
}

/// What came of a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcome {
    /// The task.
    pub task: String,
    /// The submitter's try that it answers.
    pub attempt: u32,
    /// Whether it was done.
    pub done: Option<Done>,
    /// Why not.
    pub failed: Option<String>,
}

/// What a task that was done gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    /// The receipt, signed by the worker.
    pub receipt: ByteBuf,
    /// The output.
    pub output: Blob,
    /// Of how many bytes of the input, from its beginning, the receipt's claim is.
    pub read: u64,
    /// One line that the workload returned.
    pub summary: String,
    /// The worker's energy while it ran.
    pub energy: WorkerEnergy,
}

/// What a worker ran on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkerEnergy {
    /// The word for its source.
    pub kind: String,
    /// Clean share, per cent.
    pub percent_clean: Option<f64>,
    /// Grid in g/kWh.
    pub grid_g_per_kwh: Option<f64>,
}

/// That a device won't run a task: a fact that it signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusal {
    /// The task.
    pub task: String,
    /// Who asked.
    pub submitter: Did,
    /// Who refuses.
    pub worker: Did,
    /// The reason's name, for programs.
    pub code: String,
    /// The reason.
    pub reason: String,
    /// When it may be asked again.
    pub next_window: Option<Instant>,
    /// When it was signed.
    pub at: Instant,
}

/// A refusal and its worker's signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedRefusal {
    /// What is said.
    pub refusal: Refusal,
    /// By the worker.
    pub signature: sign::Signature,
}

impl Refusal {
    pub fn sign(self, key: &SigningKey) -> Result<SignedRefusal> {
        let bytes = cbor::encode(&self).map_err(NodeError::internal)?;
        Ok(SignedRefusal {
            signature: sign::sign(key, REFUSAL_TYPE, &bytes),
            refusal: self,
        })
    }
}

impl SignedRefusal {
    /// Whether this worker signed it about this task for this submitter.
    pub fn holds(&self, task: &str, submitter: &Did, worker: &Did) -> bool {
        let r = &self.refusal;
        r.task == task
            && r.submitter == *submitter
            && r.worker == *worker
            && r.reason.len() <= REASON_BYTES
            && cbor::encode(r)
                .is_ok_and(|bytes| sign::holds(worker, REFUSAL_TYPE, &bytes, &self.signature))
    }
}

impl Node {
    /// Asks a device about tasks. What the mesh says when no answer came is the inner error.
    pub(super) fn ask_about_task(
        &self,
        device: &Did,
        ask: &Ask,
    ) -> Result<std::result::Result<Say, MeshError>> {
        let peering = self.need_peering()?;
        let bytes = cbor::encode(ask).map_err(NodeError::internal)?;
        Ok(peering
            .mesh
            .request(device, Protocol::Task, bytes)
            .map(|answer| cbor::decode(&answer).unwrap_or(Say::Unreadable)))
    }

    /// Answers a member's device.
    pub(super) fn answer_task(self: &Arc<Self>, from: &Did, request: &[u8]) -> Option<Vec<u8>> {
        let ask: Ask = cbor::decode(request).ok()?;
        let said = match ask {
            Ask::Offer(offer) => self.offered(from, request, &offer),
            Ask::Cancel(task) => self.called_off(from, &task),
            Ask::Result(outcome) => self.brought(from, &outcome),
            Ask::State(tasks) => self.states_of(from, &tasks),
        };
        match said {
            Ok(say) => cbor::encode(&say).ok(),
            Err(e) => {
                tracing::error!(%from, "a message about a task could not be handled: {e}");
                None
            }
        }
    }
}
