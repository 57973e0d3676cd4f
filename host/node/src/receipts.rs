//! Receipts of this home: shown, and compared with another run.

use crate::clock::rfc3339;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::receipt::{Claim, Receipt, name_of_file};
use crate::report::{AgainReport, ReceiptReport};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use weft_engine::{Finished, Job, JobLimits};
use weft_model::task::TaskSpec;
use weft_model::{Cid, content};
use weft_release::Release;
use weft_store::blocks;
use weft_store::tasks::{self, Task};

impl Node {
    /// What a receipt says, once its signature holds.
    ///
    /// # Errors
    /// `not-found`; when it is no receipt, or does not hold.
    pub fn receipt_show(&self, cid: &str) -> Result<ReceiptReport> {
        let (cid, receipt) = self.find_receipt(cid)?;
        Ok(report(&cid, &receipt))
    }

    /// Runs what a receipt is of again, here, and compares. `input` and `params` are those of the task where they are not
    /// given.
    ///
    /// # Errors
    /// When there is no such receipt, it says itself that nobody can verify it, or release, model, input or params are not
    /// here. What differs is in the report.
    pub fn receipt_verify(
        &self,
        cid: &str,
        input: Option<&Path>,
        params: Option<&str>,
    ) -> Result<ReceiptReport> {
        let (cid, receipt) = self.find_receipt(cid)?;
        let claim = &receipt.claim;
        if !claim.verifiable {
            return Err(NodeError::refused(
                "nobody can verify this receipt: the job wrote a directory, or its input and output are named as they are encrypted",
            ));
        }
        let task = self
            .store
            .read(|tx| tasks::of_receipt(tx, &cid.to_string()))?;
        let mut spec = spec_of(task.as_ref());
        if let Some(path) = input {
            spec.input = Some(path.display().to_string());
        } else if spec
            .input
            .as_ref()
            .is_some_and(|path| !Path::new(path).is_file())
        {
            // A worker lets go of what it was sent, and people remove files.
            return Err(NodeError::not_found(format!(
                "the input of the receipt, `{}`, is not here any more",
                claim.input
            ))
            .try_this("give it: --input FILE"));
        }
        if let Some(params) = params {
            spec.params = Some(params.to_owned());
        }
        let params = spec.params.clone().unwrap_or_default();
        if content::raw_cid(params.as_bytes()) != claim.params {
            return Err(NodeError::refused(format!(
                "these are not the params of the receipt, which have the CID `{}`",
                claim.params
            ))
            .try_this("give them as they were: --params JSON"));
        }
        let (release_cid, release) = self
            .store
            .read(|tx| self.find_release(tx, &claim.release.to_string()))
            .map_err(|e| e.try_this(format!("install it first: weft install {}", claim.release)))?;
        let mut report = report(&cid, &receipt);
        let scratch = tempfile::NamedTempFile::new_in(self.home.outputs())
            .map_err(|e| NodeError::file(&self.home.outputs(), &e))?;
        let (finished, found) = self.again(claim, &spec, &release, release_cid, &scratch)?;
        let mut differences = differences(claim, &found);
        if found.output != claim.output
            && let Some(at) = self.first_difference(task.as_ref(), scratch.path())
        {
            differences.push(at);
        }
        report.again = Some(AgainReport {
            equal: differences.is_empty(),
            differences,
            wall_ms: finished.wall_ms,
        });
        Ok(report)
    }

    fn find_receipt(&self, cid: &str) -> Result<(Cid, Receipt)> {
        let cid: Cid = cid.parse()?;
        let bytes = self.store.read(|tx| blocks::get(tx, &cid.to_string()))?;
        let bytes = bytes.ok_or_else(|| {
            NodeError::not_found(format!("no receipt `{cid}` is in this home"))
                .try_this("`weft task show TASK` names the receipt of a task")
        })?;
        if !content::matches(&cid, &bytes) {
            return Err(NodeError::refused(
                "the receipt's bytes are not what its CID names",
            ));
        }
        Ok((cid, Receipt::open(&bytes)?))
    }

    /// Another run of the same, and the claim that it makes.
    fn again(
        &self,
        claim: &Claim,
        spec: &TaskSpec,
        release: &Release,
        release_cid: Cid,
        output: &tempfile::NamedTempFile,
    ) -> Result<(Finished, Claim)> {
        let params = spec.params.clone().unwrap_or_default();
        let mut named = crate::models::named(release, &params)?;
        // What it was then, whatever has that name now.
        let mut cids = claim.models.iter().map(Cid::to_string);
        named.model = cids.next();
        if crate::models::imports_embeddings(release) {
            named.embedder = cids.next();
        }
        for (skill, cid) in named.skills.iter_mut().zip(cids) {
            skill.skill = cid;
        }
        let ready = self.ready(release, &named)?;
        let given = self.given(spec, release, &params, ready.models, None)?;
        let io = |e| NodeError::file(output.path(), &e);
        let job = Job {
            seed: given.seed,
            params: params.clone(),
            input: given.input,
            output: Box::new(output.reopen().map_err(io)?),
            limits: JobLimits {
                fuel: release.limits.fuel,
                memory_bytes: release.limits.memory_bytes,
                deadline_ms: release.limits.deadline_ms,
                output_bytes: release.limits.output_bytes,
            },
            dirs: given.dirs,
            cancel: Arc::default(),
            threads: crate::caps::threads(&self.settings),
            skills: ready.skills,
            embedder: ready.embedder,
        };
        let engine = self.workloads()?;
        let finished = engine
            .run(&ready.workload, job)
            .map_err(|e| NodeError::refused(format!("it does not come to its end here: {e}")))?;
        if let Err(why) = &finished.result {
            return Err(NodeError::refused(format!("it fails here: {why}")));
        }
        let input = given.named.input(&finished)?;
        if input != claim.input {
            return Err(NodeError::refused(format!(
                "this is not the input of the receipt, which is `{}`; it is `{input}`",
                claim.input
            ))
            .try_this("give the file as it was: --input FILE"));
        }
        let (_, name) = name_of_file(output.path(), u64::MAX)?;
        let found = Claim {
            release: release_cid,
            component: release.component.cid,
            input,
            params: content::raw_cid(params.as_bytes()),
            seed: crate::models::sampling_seed(release, &params),
            models: given.named.models,
            output: name,
            fuel: finished.fuel,
            profile: engine.profile().to_owned(),
            verifiable: given.named.verifiable,
        };
        Ok((finished, found))
    }

    /// Where two outputs differ first, if the one that the receipt is of is still here.
    fn first_difference(&self, task: Option<&Task>, found: &Path) -> Option<String> {
        let kept = task?.output_path.as_ref()?;
        let (mut kept, mut found) = (
            BufReader::new(File::open(kept).ok()?).bytes(),
            BufReader::new(File::open(found).ok()?).bytes(),
        );
        let mut at: u64 = 0;
        loop {
            match (kept.next(), found.next()) {
                (Some(Ok(a)), Some(Ok(b))) if a == b => at += 1,
                (None, None) => return None,
                _ => return Some(format!("the outputs differ from byte {at} on")),
            }
        }
    }
}

/// What a task was asked to do; of one that is not here, nothing but what the caller adds.
fn spec_of(task: Option<&Task>) -> TaskSpec {
    task.and_then(|task| serde_json::from_str(&task.spec).ok())
        .unwrap_or_else(|| TaskSpec::new("verify", "verify"))
}

fn differences(claim: &Claim, found: &Claim) -> Vec<String> {
    let joined = |cids: &[Cid]| {
        cids.iter()
            .map(Cid::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let rows = [
        (
            "component",
            claim.component.to_string(),
            found.component.to_string(),
        ),
        ("models", joined(&claim.models), joined(&found.models)),
        (
            "seed",
            format!("{:?}", claim.seed),
            format!("{:?}", found.seed),
        ),
        ("output", claim.output.clone(), found.output.clone()),
        ("fuel", claim.fuel.to_string(), found.fuel.to_string()),
        ("profile", claim.profile.clone(), found.profile.clone()),
    ];
    rows.into_iter()
        .filter(|(_, claimed, found)| claimed != found)
        .map(|(what, claimed, found)| format!("{what}: claimed `{claimed}`, found `{found}`"))
        .collect()
}

fn report(cid: &Cid, receipt: &Receipt) -> ReceiptReport {
    let Receipt { claim, account, .. } = receipt;
    ReceiptReport {
        cid: cid.to_string(),
        claim_cid: receipt.claim_cid.to_string(),
        release: claim.release.to_string(),
        component: claim.component.to_string(),
        input: claim.input.clone(),
        params: claim.params.to_string(),
        models: claim.models.iter().map(Cid::to_string).collect(),
        seed: claim.seed,
        output: claim.output.clone(),
        fuel: claim.fuel,
        profile: claim.profile.clone(),
        verifiable: claim.verifiable,
        task: account.task.clone(),
        decision: Some(account.decision.clone()).filter(|cid| !cid.is_empty()),
        peak_memory_bytes: account.peak_memory_bytes,
        wall_ms: account.wall_ms,
        energy_wh: account.energy_wh,
        energy_known: account.energy_known.clone(),
        worker: account.worker.to_string(),
        ended: rfc3339(account.ended),
        again: None,
    }
}
