//! Peers as rows, what they may run, and the ranking explained.

use crate::error::{NodeError, Result};
use crate::gather::Wanted;
use crate::node::Node;
use crate::report::{BestReport, PeerReport, PermitReport, RankedReport};
use crate::settings::source_of;
use jiff::tz::TimeZone;
use weft_model::Slot;
use weft_model::limits::NAME_BYTES;
use weft_model::task::TaskSpec;
use weft_store::owner::permissions::{self, Permit};
use weft_store::peers::{self, Peer};

impl Node {
    /// Registers a peer, or changes the figures of one.
    ///
    /// # Errors
    /// When a figure is out of range; names it.
    pub fn peer_add(&self, id: &str, change: impl FnOnce(&mut Peer)) -> Result<PeerReport> {
        if id.trim().is_empty() || id.len() > NAME_BYTES || id == crate::gather::SELF || id == "*" {
            return Err(NodeError::invalid(format!(
                "a peer's id has 1 to {NAME_BYTES} bytes and is neither `self` nor `*`"
            )));
        }
        let now = self.now();
        let mut peer = self
            .store
            .read(|tx| peers::get(tx, id))?
            .unwrap_or_else(|| Peer {
                online: true,
                ..Peer::new(id)
            });
        change(&mut peer);
        check_peer(&peer)?;
        peer.last_seen = Some(now);
        self.store.write(|tx| peers::put(tx, &peer, now))?;
        self.changed();
        Ok(peer_report(&peer))
    }

    /// All peers whose rows can be read; `weft doctor` names the others.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn peer_list(&self) -> Result<Vec<PeerReport>> {
        let peers = self.store.read(peers::list)?;
        for malformed in &peers.malformed {
            tracing::warn!("a peer is left out: {malformed}");
        }
        let peering = self.peering();
        let with_advert = |peer: &Peer| {
            let device = peer.did.as_deref().and_then(|did| did.parse().ok());
            let advert = peering.as_ref().zip(device);
            PeerReport {
                advert: advert.and_then(|(peering, device)| peering.adverts.of(&device)),
                ..peer_report(peer)
            }
        };
        Ok(peers.rows.iter().map(with_advert).collect())
    }

    /// Ranks the candidates for a task as a decision would, and shows what the scorer read. `any`: no task of a name is
    /// meant, so something is taken to be bound to it here.
    ///
    /// # Errors
    /// When no scorer serves, or the task is none.
    pub fn peer_best(&self, spec: &TaskSpec, any: bool) -> Result<BestReport> {
        let mut spec = spec.clone();
        spec.user = self.user(&spec.user)?;
        spec.validate()
            .map_err(|e| NodeError::invalid(e.to_string()))?;
        self.refresh_energy();
        let now = self.now();
        let table = self.slots.table();
        let wanted = Wanted {
            task: "dry-run",
            spec: &spec,
            attempt: 1,
            submitted: now,
            now,
            guest: false,
        };
        let mut snapshot = self.store.read(|tx| self.gather(tx, &table, &wanted))?;
        // The ranking alone is asked for: what comes before the scorer is taken as a yes.
        snapshot.workload_bound |= any;
        if let Ok(rules) = &mut snapshot.submitter {
            rules.hours_set = false;
            rules.windows.clear();
            rules.last_run = None;
            rules.rules.clear();
        }
        snapshot.executor = None;
        snapshot.quota.used = 0;
        let candidates = snapshot.candidates.clone();
        let decided = self.decide(&table, snapshot)?;
        let scorer = table
            .active
            .get(&Slot::Scorer)
            .and_then(|a| a.first())
            .ok_or_else(|| NodeError::not_found("no plugin serves the `scorer` slot"))?;
        if decided.decision.ranking.is_empty() {
            return Err(NodeError::refused(decided.decision.reason));
        }
        let ranking = decided
            .decision
            .ranking
            .into_iter()
            .map(|ranked| {
                let row = ranked.row as usize;
                let features = scorer
                    .features
                    .iter()
                    .filter_map(|f| Some((f.clone(), candidates.value(row, f)?)))
                    .collect();
                RankedReport {
                    peer: candidates.ids.get(row).cloned().unwrap_or_default(),
                    score: ranked.score,
                    out: ranked.out.map(|o| o.words().to_owned()),
                    features,
                }
            })
            .collect();
        Ok(BestReport {
            scorer: scorer.name.clone(),
            scorer_cid: scorer.release.to_string(),
            ranking,
        })
    }

    /// Permits a task.
    ///
    /// # Errors
    /// When a name is empty or too long.
    pub fn permit_add(
        &self,
        user: &str,
        task: &str,
        peer: Option<&str>,
    ) -> Result<Vec<PermitReport>> {
        let permit = permit(&self.user(user)?, task, peer)?;
        let now = self.now();
        self.store.write(|tx| permissions::set(tx, &permit, now))?;
        self.changed();
        self.permit_list()
    }

    /// Takes a permission back.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn permit_remove(
        &self,
        user: &str,
        task: &str,
        peer: Option<&str>,
    ) -> Result<Vec<PermitReport>> {
        let permit = permit(&self.user(user)?, task, peer)?;
        self.store
            .write(|tx| permissions::remove(tx, &permit.peer_id, &permit.user_id, &permit.task))?;
        self.changed();
        self.permit_list()
    }

    /// All permissions.
    ///
    /// # Errors
    /// When a row is malformed.
    pub fn permit_list(&self) -> Result<Vec<PermitReport>> {
        Ok(self
            .store
            .read(permissions::list)?
            .strict()?
            .into_iter()
            .map(|p| PermitReport {
                peer: p.peer_id,
                user: p.user_id,
                task: p.task,
            })
            .collect())
    }
}

fn permit(user: &str, task: &str, peer: Option<&str>) -> Result<Permit> {
    let peer = peer.unwrap_or(permissions::ANY);
    for (what, text) in [("user", user), ("task", task), ("peer", peer)] {
        if text.trim().is_empty() || text.len() > NAME_BYTES {
            return Err(NodeError::invalid(format!(
                "{what}: 1 to {NAME_BYTES} bytes, or `*` for any"
            )));
        }
    }
    Ok(Permit {
        peer_id: peer.to_owned(),
        user_id: user.to_owned(),
        task: task.to_owned(),
    })
}

fn check_peer(peer: &Peer) -> Result<()> {
    if source_of(&peer.energy_type).is_none() {
        return Err(NodeError::invalid(format!(
            "`{}` is no energy source; known are solar, wind, hydro, nuclear, biomass, gas, oil, coal, battery, unknown",
            weft_model::text::printable(&peer.energy_type, 40)
        )));
    }
    let ranges = [
        ("percent-clean", peer.percent_clean, 100.0),
        ("grid", peer.grid_g_per_kwh, 2_000.0),
        ("cpu-free", peer.cpu_free, 4_096.0),
        ("memory-free-mb", peer.memory_free_mb, 1e9),
        ("disk-free-mb", peer.disk_free_mb, 1e12),
        ("battery-percent", peer.battery_percent, 100.0),
        ("thermal-headroom", peer.thermal_headroom, 1.0),
        ("rtt-ms", peer.rtt_ms, 60_000.0),
        ("cost", peer.cost, 9e15),
        ("reputation", peer.reputation, 1.0),
    ];
    for (name, value, max) in ranges {
        if let Some(v) = value
            && !(0.0..=max).contains(&v)
        {
            return Err(NodeError::invalid(format!(
                "{name} is {v}, allowed is 0 to {max}"
            )));
        }
    }
    if let Some(zone) = &peer.timezone
        && TimeZone::get(zone).is_err()
    {
        return Err(NodeError::invalid(format!(
            "`{}` is no time zone",
            weft_model::text::printable(zone, 80)
        ))
        .try_this("use an IANA name such as Europe/Berlin"));
    }
    if let Some(class) = &peer.path_class
        && !["lan", "direct", "relayed", "unreachable"].contains(&class.as_str())
    {
        return Err(NodeError::invalid(
            "a path class is lan, direct, relayed or unreachable",
        ));
    }
    Ok(())
}

fn peer_report(peer: &Peer) -> PeerReport {
    PeerReport {
        peer: peer.peer_id.clone(),
        alias: peer.alias.clone(),
        name: peer.name.clone(),
        user: peer.user_id.clone(),
        path: peer.path_class.clone(),
        rtt_ms: peer.rtt_ms,
        battery_percent: peer.battery_percent,
        last_seen: peer.last_seen.map(crate::clock::rfc3339),
        energy_type: peer.energy_type.clone(),
        percent_clean: peer.percent_clean,
        grid_g_per_kwh: peer.grid_g_per_kwh,
        cpu_free: peer.cpu_free,
        memory_free_mb: peer.memory_free_mb,
        timezone: peer.timezone.clone(),
        disk_free_mb: peer.disk_free_mb,
        plugged_in: peer.plugged_in,
        thermal_headroom: peer.thermal_headroom,
        idle: peer.idle,
        cost: peer.cost,
        advert: None,
        online: peer.online,
        known: "declared".into(),
    }
}
