//! What its owner runs by hand: here and now, without asking the community's rules, which are about what devices do for
//! others. It is a task like any other afterwards, with its output, its receipt and its carbon, but without a decision.

use crate::caps::NoPlace;
use crate::error::{Code, NodeError, Result};
use crate::gather::SELF;
use crate::home::write_whole;
use crate::node::Node;
use crate::report::TaskReport;
use crate::tasks::{new_id, note};
use std::sync::Arc;
use weft_model::task::{Status, TaskSpec};
use weft_store::tasks::{self, Task};

/// Why such a task runs.
const BY_HAND: &str = "Run at once by the owner of this device";

impl Node {
    /// Starts a workload now, and answers when it runs. `text` is its input, where that is no file.
    ///
    /// # Errors
    /// When a field breaks a limit, there is no such workload or model, or the device's caps leave no place for it now.
    /// Nothing is kept then.
    pub fn start_at_once(
        self: &Arc<Self>,
        spec: &TaskSpec,
        text: Option<&str>,
    ) -> Result<TaskReport> {
        let mut spec = self.complete(spec)?;
        let bound = self.store.read(|tx| -> Result<_> {
            let bound = self.bound_workload(tx, &spec)?;
            bound.map(|cid| self.find_release(tx, &cid)).transpose()
        })?;
        let (_, release) = bound.ok_or_else(|| {
            NodeError::not_found(format!("no workload is bound to `{}`", spec.name))
                .try_this("see what there is: weft workload list")
        })?;
        let named = crate::models::named(&release, spec.params.as_deref().unwrap_or_default())?;
        self.ready(&release, &named)?;
        let id = new_id()?;
        if let Some(text) = text {
            let path = self.home.outputs().join(format!("{id}.in"));
            write_whole(&path, text.as_bytes(), 0o600)?;
            spec.input = Some(path.display().to_string());
        }
        let now = self.now();
        let mut task = Task::new(&id, &spec.user, &spec.name, now);
        task.spec = serde_json::to_string(&spec).map_err(NodeError::internal)?;
        task.tags.clone_from(&spec.tags);
        task.status = Status::Running.word().into();
        task.reason = Some(BY_HAND.into());
        task.duration_ms = spec.duration_ms;
        task.memory_mb = spec.memory_mb;
        task.peer = Some(SELF.into());
        task.submitted_at = now;
        task.started_at = Some(now);
        task.updated_at = now;
        let kept = self.store.write(|tx| -> Result<()> {
            if let Err(no) = self.take_place(tx, &id, &spec)? {
                return Err(no_place(&no));
            }
            tasks::insert(tx, &task)?;
            note(tx, &task, now)
        });
        if let Err(e) = kept {
            self.places.free(&id);
            if text.is_some() {
                // Left behind it would be collected at the next start.
                let _ = std::fs::remove_file(self.home.outputs().join(format!("{id}.in")));
            }
            return Err(e);
        }
        self.start_job(&id)?;
        self.task_show(&id)
    }

    /// The same, answered at its end.
    ///
    /// # Errors
    /// As [`Self::start_at_once`].
    pub fn run_at_once(
        self: &Arc<Self>,
        spec: &TaskSpec,
        text: Option<&str>,
    ) -> Result<TaskReport> {
        let started = self.start_at_once(spec, text)?;
        self.task_wait(&started.task)
    }
}

fn no_place(no: &NoPlace) -> NodeError {
    NodeError::new(Code::Unavailable, no.reason())
        .try_this("wait for what runs, or raise this device's caps in weft.toml")
}
