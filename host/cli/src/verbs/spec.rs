//! What a task needs, as options: shared by `task submit`, `task check` and `peer best`.

use crate::ctx::absolute_text;
use crate::parse;
use std::path::PathBuf;
use weft_api::ApiError;
use weft_model::Instant;
use weft_model::task::{DEFAULT_DURATION_MS, Importance, TaskSpec, Urgency};

/// What a task needs, but for its name.
#[derive(Debug, clap::Args)]
pub struct Needs {
    /// Who submits [default: the home's owner]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// A free word for the plugins to read; may be given several times
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,

    /// How much it matters, as you see it; critical counts only by an override or a vote
    #[arg(long, value_name = "WORD", value_parser = parse::importance())]
    importance: Option<Importance>,

    /// Class for waiting and energy: urgent, high, normal, eco, solar_only or wind_only [default: the importance's];
    /// it may be more patient than that, never less
    #[arg(long, value_name = "CLASS")]
    sla: Option<String>,

    /// How much hurry it is in; critical passes your own hours
    #[arg(long, value_name = "WORD", value_parser = parse::urgency())]
    urgency: Option<Urgency>,

    /// The latest moment to finish, in RFC 3339, such as 2026-11-21T22:30:00Z
    #[arg(long, value_name = "INSTANT", value_parser = parse::instant)]
    deadline: Option<Instant>,

    /// Power that it draws, in watts; undeclared counts as too much under a strict limit
    #[arg(long, value_name = "W", value_parser = parse::amount)]
    watts: Option<f64>,

    /// How long it runs, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = DEFAULT_DURATION_MS)]
    duration_ms: u64,

    /// Memory that it needs, in MB
    #[arg(long, value_name = "MB", default_value_t = 0)]
    memory_mb: u64,

    /// Cores that it needs, such as 0.5
    #[arg(long, value_name = "N", default_value_t = 0.0, value_parser = parse::amount)]
    cores: f64,

    /// Credits that it offers
    #[arg(long, value_name = "CREDITS", default_value_t = 0)]
    fee: u64,

    /// The workload to run, by name or release CID [default: the one bound to the task's name]
    #[arg(long, value_name = "NAME|CID")]
    workload: Option<String>,

    /// The file that it reads, on this machine [default: empty input]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Params for the workload: a JSON object, or @FILE with one in it
    #[arg(long, value_name = "JSON|@FILE", value_parser = parse::object)]
    params: Option<String>,

    /// Encrypt input, params and output: only this device and those that it asks to run it can read them, so nobody
    /// can verify the result
    #[arg(long)]
    private: bool,
}

impl Needs {
    /// The task of that name.
    ///
    /// # Errors
    /// When the input's path is no UTF-8.
    pub fn spec(self, name: String) -> Result<TaskSpec, ApiError> {
        Ok(TaskSpec {
            name,
            // The node takes the owner for an empty name.
            user: self.user.unwrap_or_default(),
            tags: self.tags,
            importance: self.importance,
            urgency: self.urgency,
            sla: self.sla,
            deadline: self.deadline,
            watts: self.watts,
            duration_ms: self.duration_ms,
            memory_mb: self.memory_mb,
            cores: self.cores,
            fee: self.fee,
            workload: self.workload,
            input: self.input.map(|path| absolute_text(&path)).transpose()?,
            params: self.params,
            private: self.private,
        })
    }
}
