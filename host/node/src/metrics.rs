//! The node in figures, for a time series. Each is read when it is asked for; what can't be read is left out, said in the
//! log, and counted in `weft_figures_missing`.
//!
//! Names, units and labels are a contract with people's dashboards: they are added to, and not renamed.

use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::Figure;
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use weft_model::Instant;
use weft_model::task::Status;
use weft_store::{carbon, decisions, events, leases, tasks};

/// Ways to reach a peer, as figures name them.
const PATHS: [&str; 4] = ["lan", "direct", "relayed", "unreachable"];
/// Where Linux says what this process takes.
const OWN_STATUS: &str = "/proc/self/status";
/// Milligrams in a gram.
const MG: f64 = 1_000.0;

/// Figures as they are collected.
#[derive(Default)]
struct Figures {
    all: Vec<Figure>,
    missing: u32,
}

impl Figures {
    fn add(
        &mut self,
        name: &'static str,
        about: &'static str,
        rises: bool,
        label: Option<&'static str>,
        values: Result<Vec<(String, f64)>>,
    ) {
        match values {
            Ok(values) => self.all.push(Figure {
                name,
                about,
                rises,
                label,
                values,
            }),
            Err(e) => {
                tracing::warn!(name, "a figure is left out: {e}");
                self.missing += 1;
            }
        }
    }

    /// A figure that is there or is not known.
    fn gauge(&mut self, name: &'static str, about: &'static str, value: Option<f64>) {
        self.add(name, about, false, None, Ok(one(value)));
    }

    fn counter(&mut self, name: &'static str, about: &'static str, value: u64) {
        self.add(name, about, true, None, Ok(one(Some(value as f64))));
    }
}

impl Node {
    /// Where the figures are shown over HTTP: the setting `http_listen`. None: nowhere.
    pub fn http_listen(&self) -> Option<SocketAddr> {
        self.settings.text("http_listen").parse().ok()
    }

    /// Where OpenAI's clients are answered: the setting `openai_listen`. None: nowhere.
    pub fn openai_listen(&self) -> Option<SocketAddr> {
        self.settings.text("openai_listen").parse().ok()
    }

    /// The key that they must have. None: any.
    pub fn openai_key(&self) -> Option<String> {
        let key = self.settings.text("openai_key");
        (!key.is_empty()).then(|| key.to_owned())
    }

    /// The node in figures.
    pub fn figures(&self) -> Vec<Figure> {
        let mut figures = Figures::default();
        let build = vec![(env!("CARGO_PKG_VERSION").to_owned(), 1.0)];
        figures.add(
            "weft_build_info",
            "The version that runs; always 1",
            false,
            Some("version"),
            Ok(build),
        );
        self.task_figures(&mut figures);
        self.log_figures(&mut figures);
        self.energy_figures(&mut figures);
        self.mesh_figures(&mut figures);
        own_figures(&mut figures);
        let missing = figures.missing;
        figures.gauge(
            "weft_figures_missing",
            "Figures that could not be read now; the log says why",
            Some(f64::from(missing)),
        );
        figures.all
    }

    fn task_figures(&self, figures: &mut Figures) {
        let by_status = self.store.read(|tx| -> Result<Vec<_>> {
            let count = |s: &Status| Ok((s.word().to_owned(), tasks::count(tx, s.word())? as f64));
            Status::ALL.iter().map(count).collect()
        });
        let waits = |status: &str| matches!(status, "queued" | "deferred");
        let depth = by_status.as_ref().map_err(NodeError::clone).map(|all| {
            let waiting = all.iter().filter(|(status, _)| waits(status));
            one(Some(waiting.map(|(_, count)| count).sum()))
        });
        figures.add(
            "weft_tasks",
            "Tasks in this home by status",
            false,
            Some("status"),
            by_status,
        );
        figures.add(
            "weft_queue_depth",
            "Tasks that wait: queued and deferred",
            false,
            None,
            depth,
        );
        let decided = self.store.read(|tx| Ok(labelled(decisions::counts(tx)?)));
        figures.add(
            "weft_decisions",
            "Decisions that are kept, by what the task became",
            false,
            Some("verdict"),
            decided,
        );
        let (jobs, memory) = self.places.taken();
        figures.gauge("weft_jobs", "Jobs that run now", Some(jobs as f64));
        figures.gauge(
            "weft_jobs_memory_limit_bytes",
            "Memory that they may use together",
            Some(memory as f64),
        );
        let given = self.store.read(|tx| {
            let rows = tasks::delegation_counts(tx)?.strict()?;
            Ok(labelled(rows))
        });
        figures.add(
            "weft_leases_given",
            "Leases of other devices for tasks of this home, by what became of them",
            false,
            Some("state"),
            given,
        );
        let taken = self.store.read(|tx| {
            let counts = leases::counts(tx)?;
            Ok(labelled(counts.map(|(state, n)| (state.to_owned(), n))))
        });
        figures.add(
            "weft_leases_taken",
            "Tasks of other devices that were taken here: open, finished, delivered",
            false,
            Some("state"),
            taken,
        );
    }

    fn log_figures(&self, figures: &mut Figures) {
        let events = self.store.read(events::len).map_err(NodeError::from);
        figures.add(
            "weft_log_events",
            "Events in the community's log",
            false,
            None,
            events.map(|n| one(Some(n as f64))),
        );
        let state = self.with_state(|s| (s.void_count(), s.frozen().len()));
        let (void, frozen) = match state {
            Ok((void, frozen)) => (Ok(void), Ok(frozen)),
            Err(e) => (Err(e.clone()), Err(e)),
        };
        figures.add(
            "weft_log_void_events",
            "Events without effect",
            false,
            None,
            void.map(|n| one(Some(n as f64))),
        );
        figures.add(
            "weft_log_frozen_devices",
            "Devices that told two stories",
            false,
            None,
            frozen.map(|n| one(Some(n as f64))),
        );
    }

    fn energy_figures(&self, figures: &mut Figures) {
        let power = self.store.read(|tx| self.power(tx));
        let (clean, grid) = match power {
            Ok(power) => (Ok(one(power.percent_clean)), Ok(one(power.grid))),
            Err(e) => (Err(e.clone()), Err(e)),
        };
        figures.add(
            "weft_energy_clean_percent",
            "Clean share of the energy here, per cent; absent: unknown",
            false,
            None,
            clean,
        );
        figures.add(
            "weft_energy_grid_grams_per_kwh",
            "Carbon of the grid here; absent: unknown",
            false,
            None,
            grid,
        );
        let ever = (Instant::MIN / 2, Instant::MAX / 2);
        let sums = self
            .store
            .read(|tx| carbon::report(tx, ever.0, ever.1))
            .map_err(NodeError::from);
        let by_quality = |of: fn(&carbon::Report) -> i64| {
            sums.as_ref().map_err(NodeError::clone).map(|sums| {
                let grams = |r: &carbon::Report| (r.quality.clone(), of(r) as f64 / MG);
                sums.iter().map(grams).collect()
            })
        };
        figures.add(
            "weft_carbon_emitted_grams",
            "Carbon emitted by tasks, by how it is known",
            false,
            Some("quality"),
            by_quality(|r| r.emitted_mg),
        );
        figures.add(
            "weft_carbon_avoided_grams",
            "Carbon avoided by delegating, negative when it made it worse, by how it is known",
            false,
            Some("quality"),
            by_quality(|r| r.avoided_mg),
        );
    }

    fn mesh_figures(&self, figures: &mut Figures) {
        let bytes = self.content.bytes().map_err(NodeError::from);
        figures.add(
            "weft_content_bytes",
            "Content that is kept here",
            false,
            None,
            bytes.map(|n| one(Some(n as f64))),
        );
        let mesh = match self.mesh_status() {
            Ok(mesh) => mesh,
            Err(e) => {
                tracing::warn!("figures of the mesh are missing: {e}");
                figures.missing += 1;
                return;
            }
        };
        let mut paths: BTreeMap<&str, u64> = PATHS.into_iter().map(|p| (p, 0)).collect();
        for peer in &mesh.peers {
            *paths.entry(peer.path.as_str()).or_default() += 1;
        }
        let paths = paths.into_iter().map(|(p, n)| (p.to_owned(), n));
        figures.add(
            "weft_peers",
            "Other devices of the network, by how they are reached",
            false,
            Some("path"),
            Ok(labelled(paths)),
        );
        if !mesh.running {
            return;
        }
        let ways = |inward: u64, outward: u64| {
            let ways = [("in", inward), ("out", outward)];
            Ok(labelled(ways.map(|(way, n)| (way.to_owned(), n))))
        };
        figures.add(
            "weft_gossip",
            "Gossip taken and sent",
            true,
            Some("way"),
            ways(mesh.gossip_in, mesh.gossip_out),
        );
        figures.add(
            "weft_requests",
            "Requests answered and asked",
            true,
            Some("way"),
            ways(mesh.requests_in, mesh.requests_out),
        );
        figures.add(
            "weft_dropped",
            "What others sent and was dropped, by reason",
            true,
            Some("reason"),
            Ok(labelled(mesh.dropped)),
        );
        figures.counter(
            "weft_holes_punched",
            "Direct connections that hole punching made",
            mesh.hole_punched,
        );
        self.exchange_figures(figures);
    }

    fn exchange_figures(&self, figures: &mut Figures) {
        let Some(peering) = self.peering() else {
            return;
        };
        let counted = peering.mesh.exchange().counters().all();
        let count = |name: &str| counted.get(name).copied().unwrap_or_default();
        let ways = |what: &str| {
            let ways = ["in", "out"].map(|way| (way.to_owned(), count(&format!("{what} {way}"))));
            Ok(labelled(ways))
        };
        let reasons = |kind: &str| {
            let named = counted
                .iter()
                .filter_map(|(name, n)| Some((name.strip_prefix(kind)?.to_owned(), *n)));
            Ok(labelled(named))
        };
        figures.add(
            "weft_exchange_bytes",
            "Bytes of content that came and were given out",
            true,
            Some("way"),
            ways("bytes"),
        );
        figures.add(
            "weft_exchange_blocks",
            "Blocks of content that came and were given out",
            true,
            Some("way"),
            ways("blocks"),
        );
        figures.add(
            "weft_exchange_refused",
            "Streams and messages that were not served, by reason",
            true,
            Some("reason"),
            reasons("refused: "),
        );
        figures.add(
            "weft_exchange_seeders_dropped",
            "Devices that content was fetched from no more, by reason",
            true,
            Some("reason"),
            reasons("dropped: "),
        );
        figures.counter(
            "weft_exchange_wrong_blocks",
            "Blocks that were not what their CID names",
            count("wrong blocks"),
        );
    }
}

/// What this process takes.
fn own_figures(figures: &mut Figures) {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    figures.add(
        "weft_process_cpu_seconds",
        "Processor time of the daemon, its jobs included",
        true,
        None,
        Ok(one(Some(seconds))),
    );
    figures.gauge(
        "weft_process_resident_memory_bytes",
        "Memory of the daemon, its jobs included; absent where the system does not say",
        resident_bytes(&std::fs::read_to_string(OWN_STATUS).unwrap_or_default()),
    );
}

fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}

fn one(value: Option<f64>) -> Vec<(String, f64)> {
    value.map(|v| (String::new(), v)).into_iter().collect()
}

fn labelled(values: impl IntoIterator<Item = (String, u64)>) -> Vec<(String, f64)> {
    values.into_iter().map(|(k, n)| (k, n as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_the_system_says() {
        let status = "Name:\tweft\nVmPeak:\t 9 kB\nVmRSS:\t    2048 kB\nThreads:\t3\n";
        assert_eq!(resident_bytes(status), Some(2_097_152.0));
        for none in ["", "VmRSS:\n", "VmRSS:\tmuch kB\n"] {
            assert_eq!(resident_bytes(none), None, "{none:?}");
        }
    }
}
