//! What this node may take of its machine: places for jobs, and room for content. The owner's caps are settings; 0 there
//! is no cap.
//!
//! [`Places`] holds what the jobs of the moment take. A place is taken before the transaction that says a task runs, and is
//! free again when its job ends or that transaction fails; so no more run than may, whoever starts them. A task that was
//! decided to run here and finds no place is `queued` with this device as its peer: the next free place is the oldest's.
//!
//! It judges nothing: whether a task may run at all is the decision's.

use crate::error::{Code, NodeError, Result};
use crate::gather::SELF;
use crate::machine::Machine;
use crate::node::Node;
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use weft_model::task::{Status, TaskSpec};
use weft_store::Read;
use weft_store::tasks::Task;

/// How much nicer than others the threads of jobs are, where cores are capped.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// Bytes in a MB.
const MB: u64 = 1_000_000;

/// What jobs take now: memory in bytes by task.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<BTreeMap<String, u64>>);

/// Why there is no place for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// There will be one when another job ends.
    Wait(String),
    /// It takes more than this device gives all jobs together.
    Never(String),
}

impl NoPlace {
    /// The reason, for a person.
    pub fn reason(&self) -> &str {
        match self {
            Self::Wait(reason) | Self::Never(reason) => reason,
        }
    }
}

impl Places {
    /// Takes a place for a task's job that may use so much memory. One that has a place keeps it.
    pub fn take(&self, settings: &Settings, task: &str, memory: u64) -> Result<(), NoPlace> {
        let mut taken = self.lock();
        if let Some(no) = self.refusal(settings, &taken, task, memory) {
            return Err(no);
        }
        taken.entry(task.to_owned()).or_insert(memory);
        Ok(())
    }

    fn refusal(
        &self,
        settings: &Settings,
        taken: &BTreeMap<String, u64>,
        task: &str,
        memory: u64,
    ) -> Option<NoPlace> {
        if taken.contains_key(task) {
            return None;
        }
        if let Some(cap) = settings.cap_memory_bytes() {
            if memory > cap {
                return Some(NoPlace::Never(format!(
                    "it may use {} MB of memory, this device gives all jobs together {} MB (cap_memory_mb)",
                    memory.div_ceil(MB),
                    cap / MB
                )));
            }
            let used: u64 = taken.values().sum();
            if used.saturating_add(memory) > cap {
                return Some(NoPlace::Wait(format!(
                    "waits for memory: running jobs may use {} MB, it {} MB, together at most {} MB (cap_memory_mb)",
                    used.div_ceil(MB),
                    memory.div_ceil(MB),
                    cap / MB
                )));
            }
        }
        if let Some(cap) = settings.cap_jobs()
            && taken.len() as u64 >= cap
        {
            return Some(NoPlace::Wait(format!(
                "waits for a core: {} of {cap} jobs run (cap_cpu_cores)",
                taken.len()
            )));
        }
        None
    }

    /// Whether there is no place now, or never.
    pub fn lacks(&self, settings: &Settings, task: &str, memory: u64) -> Option<NoPlace> {
        self.refusal(settings, &self.lock(), task, memory)
    }

    /// The job has ended, or did not begin.
    pub fn free(&self, task: &str) {
        self.lock().remove(task);
    }

    /// How many jobs have a place, and what memory they may use together, in bytes.
    pub fn taken(&self) -> (u64, u64) {
        let taken = self.lock();
        (taken.len() as u64, taken.values().sum())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a task was decided to run here and waits for a place.
pub(crate) fn waits_for_place(task: &Task) -> bool {
    task.status == Status::Queued.word() && task.peer.as_deref() == Some(SELF)
}

/// Instances of a job that may compute at a time. A place is counted as one core, and as the memory of one instance, where
/// the owner capped either.
pub(crate) fn threads(settings: &Settings) -> usize {
    if settings.cap_jobs().is_some() || settings.cap_memory_bytes().is_some() {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Puts this thread behind what else the machine does, where its owner capped the cores.
pub(crate) fn step_back(settings: &Settings) {
    if settings.cap_jobs().is_none() {
        return;
    }
    // Elsewhere niceness is the whole process's.
    #[cfg(target_os = "linux")]
    if let Err(e) = rustix::process::nice(NICENESS) {
        tracing::debug!("a job runs with the usual priority: {e}");
    }
}

impl Node {
    /// A place for a task that is to run here.
    pub(crate) fn take_place(
        &self,
        tx: &Read,
        task: &str,
        spec: &TaskSpec,
    ) -> Result<Result<(), NoPlace>> {
        let memory = self.memory_of(tx, spec)?;
        Ok(self.places.take(&self.settings, task, memory))
    }

    /// Whether a task's job would have to wait for a place now. One that never gets one does not wait.
    pub(crate) fn lacks_place(&self, tx: &Read, task: &str, spec: &TaskSpec) -> Result<bool> {
        let memory = self.memory_of(tx, spec)?;
        let no = self.places.lacks(&self.settings, task, memory);
        Ok(matches!(no, Some(NoPlace::Wait(_))))
    }

    /// Why a task's job will never have a place here.
    pub(crate) fn never_fits(&self, tx: &Read, spec: &TaskSpec) -> Result<Option<String>> {
        let memory = self.memory_of(tx, spec)?;
        match self.places.lacks(&self.settings, "", memory) {
            Some(NoPlace::Never(reason)) => Ok(Some(reason)),
            _ => Ok(None),
        }
    }

    fn memory_of(&self, tx: &Read, spec: &TaskSpec) -> Result<u64> {
        // Its job will say that there is nothing to run.
        let Some(bound) = self.bound_workload(tx, spec)? else {
            return Ok(0);
        };
        let (_, release) = self.find_release(tx, &bound)?;
        let linked = match crate::models::imports_embeddings(&release) {
            true => self
                .bound_embedder(tx)?
                .map(|cid| self.find_release(tx, &cid)),
            false => None,
        };
        let linked = linked.transpose()?;
        let linked = linked.map_or(0, |(_, linked)| linked.limits.memory_bytes);
        Ok(release.limits.memory_bytes + linked)
    }

    /// This machine as far as the owner gives it: cores and memory up to their caps.
    pub(crate) fn machine_given(&self) -> Machine {
        let machine = crate::machine::read();
        let (jobs, memory) = (self.settings.cap_jobs(), self.settings.cap_memory_bytes());
        capped(machine, jobs.map(|n| n as f64), memory.map(megabytes))
    }

    /// What of it no job has a place in: for those who ask what they could have.
    pub(crate) fn machine_left(&self) -> Machine {
        let (running, used) = self.places.taken();
        let machine = crate::machine::read();
        let jobs = self.settings.cap_jobs();
        let memory = self.settings.cap_memory_bytes();
        capped(
            machine,
            jobs.map(|cap| cap.saturating_sub(running) as f64),
            memory.map(|cap| megabytes(cap.saturating_sub(used))),
        )
    }

    /// Bytes that content may still take here. None: no cap.
    pub(crate) fn content_room(&self) -> Result<Option<u64>> {
        let Some(cap) = self.settings.cap_disk_bytes() else {
            return Ok(None);
        };
        Ok(Some(cap.saturating_sub(self.content.bytes()?)))
    }

    /// Refuses content that there is no room for by the owner's cap.
    pub(crate) fn check_content_room(&self, bytes: u64) -> Result<()> {
        match self.content_room()? {
            Some(room) if bytes > room => Err(self.no_content_room(room)),
            _ => Ok(()),
        }
    }

    /// That there is no room for it.
    pub(crate) fn no_content_room(&self, room: u64) -> NodeError {
        let cap = self.settings.cap_disk_bytes().unwrap_or_default();
        NodeError::new(
            Code::DiskFull,
            format!(
                "content may take {} MB on this device (cap_disk_mb), {:.1} MB of them are free: too few for this",
                cap / MB,
                megabytes(room)
            ),
        )
        .try_this("let go what is not needed with `weft content unpin CID`, then `weft content gc`; or raise cap_disk_mb")
    }
}

fn capped(machine: Machine, cores: Option<f64>, memory_mb: Option<f64>) -> Machine {
    let least = |value: Option<f64>, cap: Option<f64>| match (value, cap) {
        (Some(value), Some(cap)) => Some(value.min(cap)),
        (value, cap) => value.or(cap),
    };
    Machine {
        cpu_free: least(machine.cpu_free, cores),
        memory_free_mb: least(machine.memory_free_mb, memory_mb),
        ..machine
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MB as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;

    fn settings(lines: &str) -> Settings {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path());
        std::fs::write(home.settings(), lines).expect("written");
        Settings::load(&home, &|_| None).expect("they load")
    }

    #[test]
    fn places_end_with_the_cap_and_come_back() {
        let settings = settings("cap_cpu_cores = 2");
        assert_eq!(threads(&settings), 1, "a place is one core");
        let places = Places::default();
        assert_eq!(places.take(&settings, "a", 1), Ok(()));
        assert_eq!(places.take(&settings, "b", 1), Ok(()));
        assert_eq!(places.take(&settings, "b", 1), Ok(()), "it has one");
        let full = places.take(&settings, "c", 1).expect_err("it is full");
        assert_eq!(
            full,
            NoPlace::Wait("waits for a core: 2 of 2 jobs run (cap_cpu_cores)".into())
        );
        places.free("a");
        assert_eq!(places.take(&settings, "c", 1), Ok(()));
        assert_eq!(places.taken(), (2, 2));
    }

    #[test]
    fn memory_is_summed_and_what_never_fits_is_told_from_what_waits() {
        let settings = settings("cap_memory_mb = 100");
        let places = Places::default();
        assert_eq!(places.take(&settings, "a", 60 * MB), Ok(()));
        assert!(matches!(
            places.take(&settings, "b", 41 * MB),
            Err(NoPlace::Wait(_))
        ));
        assert_eq!(places.take(&settings, "b", 40 * MB), Ok(()));
        assert!(matches!(
            places.take(&settings, "c", 101 * MB),
            Err(NoPlace::Never(_))
        ));
    }

    #[test]
    fn without_a_cap_there_is_always_a_place() {
        let (settings, places) = (settings(""), Places::default());
        for n in 0..1_000 {
            assert_eq!(
                places.take(&settings, &n.to_string(), u64::MAX / 2_000),
                Ok(())
            );
        }
    }

    #[test]
    fn what_is_announced_is_never_more_than_the_cap() {
        let machine = Machine {
            cpu_free: Some(7.5),
            memory_free_mb: None,
            ..Machine::default()
        };
        let given = capped(machine, Some(2.0), Some(512.0));
        assert_eq!(given.cpu_free, Some(2.0));
        assert_eq!(given.memory_free_mb, Some(512.0));
        assert_eq!(capped(machine, None, None), machine);
    }
}
