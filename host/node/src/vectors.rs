//! Golden vectors: what a release must answer before it may serve, run each on a fresh instance.
//!
//! A policy's are calls of its slot, compared up to a tolerance in floats. A workload's are texts that it reads and writes,
//! compared byte for byte; one that computes with a model has none, since a release does not bring the model along.

use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::releases::{Prepared, policy_limits, refused};
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Clock};
use weft_engine::inspect::Kind;
use weft_engine::policy::Policy;
use weft_engine::{CallError, Job, JobFailure, JobLimits, Workload};
use weft_model::limits::WORKLOAD_VECTORS_MS;
use weft_model::vector::{Expected, JobExpected, JobVector, Vector, Vectors, close};
use weft_release::Release;

impl Node {
    /// Runs every golden vector of what was made of a file, and compares.
    pub(crate) fn run_vectors(&self, prepared: &Prepared) -> Result<()> {
        let code = prepared.code.as_deref().unwrap_or_default();
        let kind = prepared.inspected.kind;
        let failed = self.failed_vectors(&prepared.release, kind, code, &prepared.vectors)?;
        if failed.is_empty() {
            return Ok(());
        }
        let first = failed.iter().take(3).cloned().collect::<Vec<_>>();
        let test = match kind {
            Kind::Policy(_) => "weft plugin test",
            Kind::Workload(_) => "cargo test",
        };
        Err(NodeError::refused(format!(
            "fails {} of its {} golden vectors: {}",
            failed.len(),
            prepared.vectors.len(),
            first.join("; ")
        ))
        .try_this(format!("run `{test}` on its sources, then build it again")))
    }

    /// The vectors that a component does not pass, each with what it gave.
    pub(crate) fn failed_vectors(
        &self,
        release: &Release,
        kind: Kind,
        code: &[u8],
        vectors: &Vectors,
    ) -> Result<Vec<String>> {
        match (kind, vectors) {
            (_, vectors) if vectors.is_empty() => Ok(Vec::new()),
            (Kind::Policy(slot), Vectors::Policy(vectors)) => {
                let limits = policy_limits(release);
                let policy = self.policies.load(slot, code, limits).map_err(refused)?;
                let failed = vectors.iter().filter_map(|v| self.failed_call(&policy, v));
                Ok(failed.collect())
            }
            (Kind::Workload(world), Vectors::Job(vectors)) if !world.has_model() => {
                let workload = self.workloads()?.load(code).map_err(refused)?;
                let until = Clock::now() + Duration::from_millis(WORKLOAD_VECTORS_MS);
                let mut failed = Vec::new();
                for vector in vectors {
                    let left = until.saturating_duration_since(Clock::now());
                    if left.is_zero() {
                        let seconds = WORKLOAD_VECTORS_MS / 1_000;
                        failed.push(format!("all together take more than {seconds} s"));
                        break;
                    }
                    let got = self.run_vector(release, &workload, vector, left);
                    failed.extend(failed_job(vector, got));
                }
                Ok(failed)
            }
            _ => Err(NodeError::refused(
                "brings golden vectors, which only policies and workloads without a model have",
            )
            .try_this("build it without its `vectors` folder")),
        }
    }

    fn failed_call(&self, policy: &Policy, vector: &Vector) -> Option<String> {
        let got = self
            .policies
            .call(policy, vector.now, &vector.config, &vector.input);
        let fine = match (&vector.output, &got) {
            (Expected::Reply(want), Ok(got)) => close(want, &got.reply),
            (Expected::Error(want), Err(CallError::Policy(e))) => want == error_name(e),
            _ => false,
        };
        (!fine).then(|| match got {
            Ok(_) => format!("`{}` gave another answer", vector.case),
            Err(e) => format!("`{}`: {e}", vector.case),
        })
    }

    /// What a job gives that reads a vector's input and sees nothing else.
    fn run_vector(
        &self,
        release: &Release,
        workload: &Workload,
        vector: &JobVector,
        left: Duration,
    ) -> Result<std::result::Result<Vec<u8>, JobFailure>> {
        let written = Written::default();
        let limits = &release.limits;
        let limits = JobLimits {
            fuel: limits.fuel,
            memory_bytes: limits.memory_bytes,
            deadline_ms: limits.deadline_ms.min(left.as_millis() as u64),
            output_bytes: limits.output_bytes.min(vector_bytes(vector)),
        };
        let job = Job {
            params: vector.params.clone(),
            input: Box::new(Cursor::new(vector.input.clone())),
            output: Box::new(written.clone()),
            ..Job::bare(limits, Arc::default())
        };
        let finished = self.workloads()?.run(workload, job);
        let finished = finished.map_err(|e| NodeError::refused(e.to_string()))?;
        Ok(finished.result.map(|_| written.take()))
    }

    /// The golden vectors of a stored release.
    pub(crate) fn stored_vectors(&self, release: &Release) -> Result<Vectors> {
        let is_workload = release.is_workload();
        let Some(cid) = &release.vectors else {
            return Ok(match is_workload {
                true => Vectors::Job(Vec::new()),
                false => Vectors::Policy(Vec::new()),
            });
        };
        let bytes = self
            .store
            .read(|tx| weft_store::blocks::get(tx, &cid.to_string()))?
            .ok_or_else(|| {
                NodeError::not_found(format!("the golden vectors `{cid}` are not here"))
            })?;
        Ok(Vectors::decode(&bytes, is_workload)?)
    }
}

/// More than the output that is expected is another one; how it fails is worth some bytes, too.
fn vector_bytes(vector: &JobVector) -> u64 {
    match &vector.output {
        JobExpected::Output(text) => text.len() as u64 + 1,
        JobExpected::Error(_) => 64 * 1024,
    }
}

fn failed_job(
    vector: &JobVector,
    got: Result<std::result::Result<Vec<u8>, JobFailure>>,
) -> Option<String> {
    let case = &vector.case;
    match (&vector.output, got) {
        (_, Err(e)) => Some(format!("`{case}`: {}", e.message)),
        (JobExpected::Output(want), Ok(Ok(got))) => {
            (got != want.as_bytes()).then(|| format!("`{case}` gave another output"))
        }
        (JobExpected::Error(want), Ok(Err(e))) => {
            (want != failure_name(&e)).then(|| format!("`{case}`: {e}"))
        }
        (JobExpected::Output(_), Ok(Err(e))) => Some(format!("`{case}`: {e}")),
        (JobExpected::Error(want), Ok(Ok(_))) => Some(format!("`{case}` did not fail as `{want}`")),
    }
}

fn error_name(error: &weft_model::slots::PolicyError) -> &'static str {
    use weft_model::slots::PolicyError as E;
    match error {
        E::BadConfig(_) => "BadConfig",
        E::BadInput(_) => "BadInput",
        E::Unsupported(_) => "Unsupported",
    }
}

fn failure_name(failure: &JobFailure) -> &'static str {
    match failure {
        JobFailure::BadParams(_) => "bad-params",
        JobFailure::BadInput(_) => "bad-input",
        JobFailure::Missing(_) => "missing",
        JobFailure::BadModel(_) => "bad-model",
        JobFailure::BadSkill(_) => "bad-skill",
        JobFailure::Cancelled => "cancelled",
        JobFailure::Failed(_) => "failed",
    }
}

/// What a job wrote, kept in memory.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
