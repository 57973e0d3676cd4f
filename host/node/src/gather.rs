//! Gathers a decision's snapshot: one transaction over the tables, zones resolved, candidates as columns.

use crate::energy::Power;
use crate::error::{NodeError, Result};
use crate::mesh::Mesh;
use crate::node::Node;
use crate::settings::source_of;
use jiff::tz::TimeZone;
use std::path::Path;
use weft_decide::windows::{self, HoursRow};
use weft_decide::{Candidates, Consensus, OwnerRules, Permission, QuotaState, Snapshot, VoteState};
use weft_engine::Table;
use weft_model::slots::economy::Contribution;
use weft_model::slots::ethics::{Level, Rule};
use weft_model::slots::time::Standing;
use weft_model::task::{Importance, TaskSpec};
use weft_model::{Columns, Instant, Slot};
use weft_store::owner::{self, permissions};
use weft_store::peers::Peer;
use weft_store::{Read, bound::WORKLOADS, members, peers, polls, tasks, tiers};

/// How far back a user's overrides are counted: a day, in milliseconds.
const OVERRIDES_MS: Instant = 24 * 3_600_000;
/// How this device is called in rankings.
pub(crate) const SELF: &str = "self";

/// What a snapshot is gathered for.
pub(crate) struct Wanted<'a> {
    pub task: &'a str,
    pub spec: &'a TaskSpec,
    pub attempt: u32,
    pub submitted: Instant,
    pub now: Instant,
    /// Another device asks for it: its importance was decided there, and it runs here or not at all.
    pub guest: bool,
}

impl Node {
    /// Everything that a decision depends on, read in the transaction given.
    pub(crate) fn gather(&self, tx: &Read, table: &Table, wanted: &Wanted<'_>) -> Result<Snapshot> {
        let spec = wanted.spec;
        let now = wanted.now;
        let mesh = self.mesh(tx)?;
        let member = members::get(tx, &spec.user)?.filter(|m| m.removed_at.is_none());
        let standing = match member.as_ref().map(|m| m.role) {
            Some(members::Role::Admin) => Standing::Admin,
            Some(members::Role::Guest) => Standing::Guest,
            // A name without a key is one of this household: it stands behind its owner.
            Some(members::Role::Member) | None => Standing::Member,
        };
        let owner = &self.owner;
        // Read once: a new reading may come in at any moment.
        let power = self.power(tx)?;
        Ok(Snapshot {
            task: wanted.task.to_owned(),
            spec: spec.clone(),
            attempt: wanted.attempt,
            now,
            submitted: wanted.submitted,
            standing,
            overrides_used: self.overrides_used(tx, &spec.user, now - OVERRIDES_MS)?,
            vote: if wanted.guest {
                self.critical_by_vote(tx, &mesh, &spec.name, now)?
            } else {
                self.vote_state(tx, &mesh, &spec.name, now)?
            },
            guest: wanted.guest,
            last_resort: self.peers_are_spent(tx, &mesh, wanted)?,
            energy: power.energy(),
            submitter: self.owner_rules(tx, &spec.user, now)?,
            executor: if spec.user == **owner || !has_rules(tx, owner)? {
                None
            } else {
                Some(self.owner_rules(tx, owner, now)?)
            },
            quota: self.quota_state(tx, &spec.user, member.map_or(now, |m| m.joined_at), now)?,
            candidates: self.candidates_on(tx, table, wanted, &power)?,
            workload_bound: self.bound_workload(tx, spec)?.is_some(),
            off_peak: windows::next_local(mesh.policy.energy.off_peak_minute, &self.zone, now + 1),
        })
    }

    /// The release bound to a task: the one it names, or the one bound to its name.
    pub(crate) fn bound_workload(&self, tx: &Read, spec: &TaskSpec) -> Result<Option<String>> {
        if let Some(named) = &spec.workload {
            if let Some(bound) = WORKLOADS.get(tx, named)? {
                return Ok(Some(bound.release_cid));
            }
            let (cid, release) = self.find_release(tx, named)?;
            if !release.is_workload() {
                return Err(NodeError::invalid(format!(
                    "`{}` is no workload",
                    release.name
                )));
            }
            return Ok(Some(cid.to_string()));
        }
        Ok(WORKLOADS.get(tx, &spec.name)?.map(|w| w.release_cid))
    }

    fn overrides_used(&self, tx: &Read, user: &str, since: Instant) -> Result<u32> {
        let used = weft_store::feed::count(tx, OVERRIDE_USED, Some(user), since)?;
        Ok(u32::try_from(used).unwrap_or(u32::MAX))
    }

    fn vote_state(&self, tx: &Read, mesh: &Mesh, name: &str, now: Instant) -> Result<VoteState> {
        if !self.settings.flag("voting") || !mesh.policy.importance.voting {
            return Ok(VoteState::Off);
        }
        let (closes, since) = (now + mesh.vote_ms(), now - mesh.consensus_ms());
        if let Some(poll) = polls::consensus_for(tx, name, since)?
            && let Some(importance) = poll.consensus.as_deref().and_then(|w| w.parse().ok())
        {
            return Ok(VoteState::Decided(Consensus {
                importance,
                confidence: poll.confidence.unwrap_or(0.0),
                poll: poll.id,
            }));
        }
        if let Some(open) = polls::open_for(tx, name, now)? {
            return Ok(VoteState::Open(open.closes_at.unwrap_or(closes)));
        }
        let recent = polls::closed_since(tx, name, since)?;
        Ok(if recent {
            VoteState::Undecided
        } else {
            VoteState::Needed(closes)
        })
    }

    /// What another device's task may claim of a vote: that it is critical, where this device knows that consensus, too.
    fn critical_by_vote(
        &self,
        tx: &Read,
        mesh: &Mesh,
        name: &str,
        now: Instant,
    ) -> Result<VoteState> {
        let known = self.vote_state(tx, mesh, name, now)?;
        Ok(match known {
            VoteState::Decided(c) if c.importance == Importance::Critical => VoteState::Decided(c),
            _ => VoteState::Off,
        })
    }

    /// Whether peers failed at a task and off-peak hours have begun since.
    fn peers_are_spent(&self, tx: &Read, mesh: &Mesh, wanted: &Wanted<'_>) -> Result<bool> {
        if wanted.attempt <= 1 || wanted.guest {
            return Ok(false);
        }
        let last = crate::peering::last_failure(tx, wanted.task)?;
        let minute = mesh.policy.energy.off_peak_minute;
        let begun = last.and_then(|at| windows::next_local(minute, &self.zone, at + 1));
        Ok(begun.is_some_and(|at| at <= wanted.now))
    }

    /// An owner's zone: their own, else the system's. An unknown one is a malformed row.
    pub(crate) fn zone_of(&self, tx: &Read, user: &str) -> Result<Result<TimeZone, String>> {
        Ok(match owner::preferences::get(tx, user) {
            Ok(preferences) => match &preferences.timezone {
                None => Ok(self.zone.clone()),
                Some(name) => {
                    TimeZone::get(name).map_err(|_| preferences.unknown_zone(user).to_string())
                }
            },
            Err(weft_store::Error::Malformed(row)) => Err(row.to_string()),
            Err(e) => return Err(e.into()),
        })
    }

    /// One owner's rules; malformed rows give the message that names them, and the caller fails closed.
    pub(crate) fn owner_rules(
        &self,
        tx: &Read,
        user: &str,
        now: Instant,
    ) -> Result<Result<OwnerRules, String>> {
        let zone = match self.zone_of(tx, user)? {
            Ok(zone) => zone,
            Err(malformed) => return Ok(Err(malformed)),
        };
        let loaded = owner::load(tx, user)?;
        let read = || -> Result<OwnerRules, weft_store::Malformed> {
            let preferences = loaded.preferences?;
            let hours = loaded.hours?;
            let rules = loaded.rules?;
            let cooldown = loaded.cooldown?;
            let rows: Vec<HoursRow> = hours
                .iter()
                .filter(|h| h.start != h.end)
                .map(|h| HoursRow {
                    day: h.day,
                    from: h.start,
                    until: h.end,
                })
                .collect();
            let idle_ms = u64::from(preferences.min_idle_minutes) * 60_000;
            // A hand-written `idle_until` counts as it stands: the rest ends then.
            let last_run = cooldown.and_then(|c| match (c.idle_until, c.last_executed_at) {
                (Some(until), _) => Some(until - idle_ms as Instant),
                (None, last) => last,
            });
            Ok(OwnerRules {
                user: user.to_owned(),
                hours_set: !hours.is_empty(),
                windows: windows::intervals(&rows, &zone, now),
                last_run,
                idle_ms,
                critical_any_hour: preferences.critical_any_hour,
                critical_any_idle: preferences.critical_any_idle,
                rules: rules
                    .into_iter()
                    .map(|r| Rule {
                        id: r.id,
                        kind: r.kind,
                        value: r.value,
                        level: match r.level {
                            owner::Level::Warn => Level::Warn,
                            owner::Level::Strict => Level::Strict,
                        },
                    })
                    .collect(),
                utc_offset_minutes: windows::utc_offset_minutes(&zone, now),
            })
        };
        Ok(read().map_err(|malformed| malformed.to_string()))
    }

    pub(crate) fn quota_state(
        &self,
        tx: &Read,
        user: &str,
        since: Instant,
        now: Instant,
    ) -> Result<QuotaState> {
        let tier = tiers::get(tx, user)?;
        let work = tiers::work(tx, user)?;
        let (last_reset, reset) = self.mesh(tx)?.day(now)?;
        let usage = tasks::usage(tx, user, last_reset)?;
        let granted = self.settings.text("user_quota_tier");
        Ok(QuotaState {
            contribution: Contribution {
                tasks: work.tasks.max(tier.tasks),
                votes: work.votes.max(tier.votes),
                since,
                donated: tier.donated_at,
                granted: tier
                    .granted
                    .or_else(|| (!granted.is_empty()).then(|| granted.to_owned())),
            },
            used: usage.admitted,
            in_flight: usage.in_flight,
            reset,
        })
    }

    /// This device first, then every peer of the table, as columns of what the scorer reads.
    pub(crate) fn candidates(
        &self,
        tx: &Read,
        table: &Table,
        wanted: &Wanted<'_>,
    ) -> Result<Candidates> {
        self.candidates_on(tx, table, wanted, &self.power(tx)?)
    }

    fn candidates_on(
        &self,
        tx: &Read,
        table: &Table,
        wanted: &Wanted<'_>,
        power: &Power,
    ) -> Result<Candidates> {
        let (spec, now) = (wanted.spec, wanted.now);
        let peers = if wanted.guest {
            Vec::new()
        } else {
            self.peers_now(tx)?
        };
        let failed = if wanted.attempt > 1 {
            crate::peering::failed_before(tx, wanted.task)?
        } else {
            Vec::new()
        };
        let mut ids = vec![SELF.to_owned()];
        let longest = self.settings.number("max_task_duration_ms");
        let own = if !self.settings.allows_task(&spec.name) {
            Permission::NotInAllowedTasks
        } else if longest.is_some_and(|longest| spec.duration_ms as f64 > longest) {
            Permission::TooLong
        } else {
            Permission::Allowed
        };
        let mut permissions = vec![own];
        for peer in &peers {
            ids.push(peer.peer_id.clone());
            permissions.push(if failed.contains(&peer.peer_id) {
                Permission::FailedBefore
            } else {
                self.permission(tx, peer, spec)?
            });
        }
        let scored: &[String] = table
            .active
            .get(&Slot::Scorer)
            .and_then(|active| active.first())
            .map_or(&[], |active| &active.features);
        let features = Candidates::features_for(scored);
        let scored = scored.len() as u32;
        let here = Here {
            power,
            minute: windows::local_minute(&self.zone, now),
            machine: self.machine_given(),
            root: self.home.root(),
            queue: tasks::waiting_for_place(tx, SELF)?,
            duration_ms: spec.duration_ms,
        };
        let offers = Offers {
            cheapest: peers.iter().filter_map(|p| p.cost).reduce(f64::min),
            duration_ms: spec.duration_ms,
        };
        let zones: Vec<Option<u16>> = peers.iter().map(|p| local_minute(p, now)).collect();
        let table = Columns::build(ids.len(), features.len(), |f, row| {
            let feature = features[f].as_str();
            match row {
                0 => here.value(feature),
                _ => peer_value(&peers[row - 1], zones[row - 1], &offers, feature),
            }
        });
        Ok(Candidates {
            ids,
            table,
            scored,
            features,
            permissions,
        })
    }

    /// Peers as rows. One that is known by its own adverts is there only while this node hears them.
    fn peers_now(&self, tx: &Read) -> Result<Vec<Peer>> {
        let mut peers = peers::list(tx)?.rows;
        if self.peering().is_none() {
            for peer in &mut peers {
                peer.online &= peer.origin != crate::peering::ADVERT;
            }
        }
        Ok(peers)
    }

    /// A malformed permission is a no.
    fn permission(&self, tx: &Read, peer: &Peer, spec: &TaskSpec) -> Result<Permission> {
        match permissions::check(
            tx,
            &peer.peer_id,
            peer.alias.as_deref(),
            &spec.user,
            &spec.name,
        ) {
            Ok(found) if found.allowed => Ok(Permission::Allowed),
            Ok(_) | Err(weft_store::Error::Malformed(_)) => Ok(Permission::NoPermit),
            Err(e) => Err(e.into()),
        }
    }
}

/// Kind of the feed's entry for a used override.
pub(crate) const OVERRIDE_USED: &str = "override.used";

/// This device as a candidate.
struct Here<'a> {
    power: &'a Power,
    minute: Option<u16>,
    machine: crate::machine::Machine,
    /// Where this home is.
    root: &'a Path,
    /// Tasks that wait for a place here.
    queue: u64,
    duration_ms: u64,
}

/// What offers are compared with.
struct Offers {
    /// The lowest cost that a peer asks.
    cheapest: Option<f64>,
    duration_ms: u64,
}

impl Offers {
    /// The cheapest offer gives the most work per credit; one that is free can't be beaten.
    fn efficiency(&self, cost: f64) -> Option<f64> {
        let cheapest = self.cheapest?;
        Some(if cost <= cheapest {
            1.0
        } else {
            cheapest / cost
        })
    }
}

/// When a task would be done, in ms from now: modelled as if all that wait there took as long as it does.
fn eta_ms(duration_ms: u64, queue: u64, rtt_ms: f64) -> f64 {
    duration_ms as f64 * (1 + queue) as f64 + rtt_ms
}

impl Here<'_> {
    fn value(&self, feature: &str) -> Option<f64> {
        let power = self.power;
        let flag = |b: bool| f64::from(u8::from(b));
        match feature {
            "energy.percent_clean" => power.percent_clean,
            "energy.source" => Some(weft_decide::placement::source_code(power.kind)),
            "energy.grid_g_per_kwh" => power.grid,
            "energy.battery_percent" => power.battery_percent.or(self.machine.battery_percent),
            "energy.plugged_in" => power.plugged_in.or(self.machine.plugged_in).map(flag),
            "capacity.cpu_free" => self.machine.cpu_free,
            "capacity.memory_free_mb" => self.machine.memory_free_mb,
            "capacity.disk_free_mb" => {
                let bytes = fs4::available_space(self.root).ok();
                bytes.map(|bytes| bytes as f64 / 1e6)
            }
            "capacity.thermal_headroom" => crate::machine::thermal_headroom(),
            "capacity.idle" => self.machine.idle,
            "peer.online" | "peer.is_self" => Some(1.0),
            "peer.local_minute" => self.minute.map(f64::from),
            "peer.queue_depth" => Some(self.queue as f64),
            "path.class" | "path.rtt_ms" | "offer.cost" => Some(0.0),
            // It asks nothing of itself.
            "offer.credit_efficiency" => Some(1.0),
            "offer.eta_ms" => Some(eta_ms(self.duration_ms, self.queue, 0.0)),
            _ => None,
        }
    }
}

fn local_minute(peer: &Peer, now: Instant) -> Option<u16> {
    windows::local_minute(&TimeZone::get(peer.timezone.as_deref()?).ok()?, now)
}

/// Codes of `path.class` in wit/features.md.
const PATHS: [&str; 4] = ["lan", "direct", "relayed", "unreachable"];

fn peer_value(peer: &Peer, minute: Option<u16>, offers: &Offers, feature: &str) -> Option<f64> {
    let flag = |b: bool| f64::from(u8::from(b));
    match feature {
        "energy.percent_clean" => peer.percent_clean,
        "energy.source" => source_of(&peer.energy_type).map(weft_decide::placement::source_code),
        "energy.grid_g_per_kwh" => peer.grid_g_per_kwh,
        "energy.battery_percent" => peer.battery_percent,
        "energy.plugged_in" => peer.plugged_in.map(flag),
        "capacity.cpu_free" => peer.cpu_free,
        "capacity.memory_free_mb" => peer.memory_free_mb,
        "capacity.disk_free_mb" => peer.disk_free_mb,
        "capacity.thermal_headroom" => peer.thermal_headroom,
        "capacity.idle" => peer.idle,
        "peer.online" => Some(flag(peer.online)),
        "peer.is_self" => Some(0.0),
        "peer.reputation" => peer.reputation,
        "peer.local_minute" => minute.map(f64::from),
        "path.class" => {
            let class = peer.path_class.as_deref()?;
            PATHS.iter().position(|p| *p == class).map(|i| i as f64)
        }
        "path.rtt_ms" => peer.rtt_ms,
        "peer.queue_depth" => peer.queue_depth.map(f64::from),
        "offer.cost" => peer.cost,
        "offer.credit_efficiency" => offers.efficiency(peer.cost?),
        "offer.eta_ms" => {
            let (queue, rtt) = (peer.queue_depth?, peer.rtt_ms?);
            Some(eta_ms(offers.duration_ms, u64::from(queue), rtt))
        }
        _ => None,
    }
}

/// Whether an owner set anything that binds a guest of the device.
fn has_rules(tx: &Read, user: &str) -> Result<bool> {
    let hours = owner::hours::in_force(tx, user)?;
    let rules = owner::rules::in_force(tx, user)?;
    let rests = owner::cooldown::all(tx)?;
    let rests = rests.rows.iter().any(|r| r.user_id == user) || !rests.malformed.is_empty();
    let none = hours.rows.is_empty()
        && hours.malformed.is_empty()
        && rules.rows.is_empty()
        && rules.malformed.is_empty();
    Ok(rests || !none)
}
