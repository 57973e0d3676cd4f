//! What serves each slot: read from the store, loaded, and put in place as one table.

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::releases::{policy_limits, refused};
use crate::report::{BenchReport, ChangeReport, RunReport, SlotPlugin, SlotReport};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Instant as Clock;
use weft_engine::inspect::Kind;
use weft_engine::{Active, Policy, Table};
use weft_ledger::Body;
use weft_ledger::constitution::{Assignment, Constitution, Mode as LedgerMode};
use weft_model::vector::Vectors;
use weft_model::{Cid, Instant, Slot, SlotCall};
use weft_release::Release;
use weft_store::slots::{Binding, Change, Mode};
use weft_store::{Read, Write, releases, slots, trials};

/// Most calls of one benchmark.
const BENCH_CALLS_MAX: usize = 1_000_000;
/// Rows of history that are shown.
const HISTORY_ROWS: u32 = 100;

impl Node {
    /// Reads what serves each slot and swaps the table. Quarantined releases are left out.
    ///
    /// # Errors
    /// When the database can't be read. A release that can't be loaded is left out, and said so.
    pub(crate) fn reload_slots(&self) -> Result<()> {
        // One at a time: what was read first must not be put in place last.
        let _turn = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (bindings, constitution) = self.store.read(|tx| -> Result<_> {
            let mut bindings: Vec<(Slot, Binding, Release, bool)> = Vec::new();
            for (slot, binding) in slots::all(tx)? {
                let Ok(slot) = slot.parse::<Slot>() else {
                    continue;
                };
                let (_, release) = self.find_release(tx, &binding.release_cid)?;
                let out = releases::quarantined(tx, &binding.release_cid)?.is_some();
                bindings.push((slot, binding, release, out));
            }
            Ok((bindings, weft_store::meta::get(tx, CONSTITUTION)?))
        })?;
        let mut table = Table {
            constitution: constitution.and_then(|c| c.parse().ok()),
            ..Table::default()
        };
        let mut trials: Vec<(Slot, Binding, Release)> = Vec::new();
        for (slot, binding, release, quarantined) in bindings {
            if quarantined {
                continue;
            }
            if binding.mode != Mode::Enforce {
                trials.push((slot, binding, release));
                continue;
            }
            match self.activate(slot, &binding, &release) {
                Ok(active) => table.active.entry(slot).or_default().push(Arc::new(active)),
                Err(e) => {
                    tracing::error!(%slot, release = binding.release_cid, "not in service: {e}")
                }
            }
        }
        table.trials = self.trials_in_table(&trials)?;
        for slot in Slot::ALL {
            if let Some(last) = self.last_good(slot, &table)? {
                if !slot.is_chain() && !table.active.contains_key(&slot) {
                    tracing::warn!(%slot, plugin = last.name, "the last good version serves");
                    table.active.insert(slot, vec![Arc::clone(&last)]);
                } else {
                    table.last_good.insert(slot, last);
                }
            }
        }
        self.slots.swap(table);
        Ok(())
    }

    /// The version that served a slot before the one that serves now, and was never put out of service.
    fn last_good(&self, slot: Slot, table: &Table) -> Result<Option<Arc<Active>>> {
        let mut serving: Vec<Cid> = table
            .active
            .get(&slot)
            .map_or_else(Vec::new, |a| a.iter().map(|a| a.release).collect());
        // What is on trial, or went back from one, stands in for nobody.
        serving.extend(table.trials.get(&slot).map(|t| t.active.release));
        let earlier = self.store.read(|tx| -> Result<_> {
            let mut earlier: Vec<(Binding, Release)> = Vec::new();
            for change in slots::history(tx, slot.name(), HISTORY_ROWS)? {
                for binding in change.bindings {
                    let cid: Cid = binding.release_cid.parse()?;
                    if binding.mode == Mode::Enforce
                        && !serving.contains(&cid)
                        && trials::outcome(tx, slot.name(), &binding.release_cid)?.as_deref()
                            != Some(crate::trials::RETURNED)
                        && releases::quarantined(tx, &binding.release_cid)?.is_none()
                        && earlier
                            .iter()
                            .all(|(b, _)| b.release_cid != binding.release_cid)
                        && let Ok((_, release)) = self.find_release(tx, &binding.release_cid)
                    {
                        earlier.push((binding, release));
                    }
                }
            }
            Ok(earlier)
        })?;
        for (binding, release) in earlier {
            match self.activate(slot, &binding, &release) {
                Ok(active) => return Ok(Some(Arc::new(active))),
                // Damaged: the one before it stands in.
                Err(e) => {
                    tracing::warn!(%slot, plugin = release.name, "not the last good version: {e}")
                }
            }
        }
        Ok(None)
    }

    pub(crate) fn activate(
        &self,
        slot: Slot,
        binding: &Binding,
        release: &Release,
    ) -> Result<Active> {
        let cid: Cid = binding.release_cid.parse()?;
        Ok(Active {
            release: cid,
            name: release.name.clone(),
            config: binding.config.clone(),
            features: release.features.clone(),
            policy: self.policy(&cid, slot, release)?,
        })
    }

    /// A loaded policy; loaded once per release.
    pub(crate) fn policy(&self, cid: &Cid, slot: Slot, release: &Release) -> Result<Arc<Policy>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = loaded.get(cid) {
            return Ok(Arc::clone(policy));
        }
        let code = self.native_code(release, Kind::Policy(slot))?;
        let policy = Arc::new(
            self.policies
                .load(slot, &code, policy_limits(release))
                .map_err(refused)?,
        );
        loaded.insert(*cid, Arc::clone(&policy));
        Ok(policy)
    }

    /// Puts a release into a slot: in place of what serves it, or behind it where the slot is a chain.
    ///
    /// # Errors
    /// When the release is of another slot or quarantined, its config does not fit, or the slot is no chain.
    pub fn slot_use(
        &self,
        slot: &str,
        target: &str,
        config: Option<&Value>,
        add: bool,
    ) -> Result<SlotReport> {
        let slot = parse_slot(slot)?;
        if add && !slot.is_chain() {
            return Err(
                NodeError::invalid(format!("the `{slot}` slot holds one plugin"))
                    .try_this(format!("weft plugin use {slot} {target}")),
            );
        }
        let (binding, name) = self.binding(slot, target, config, Mode::Enforce)?;
        let now = binding.activated_at;
        self.reconstitute(&format!("{slot}: {name}"), |tx| {
            let mut bindings = if add {
                slots::get(tx, slot.name())?
            } else {
                Vec::new()
            };
            bindings.retain(|b| b.release_cid != binding.release_cid);
            bindings.push(binding);
            let change = Change {
                action: if add { "add" } else { "use" }.into(),
                actor: Some(self.owner.clone()),
                reason: None,
                at: now,
            };
            slots::set(tx, slot.name(), &bindings, &change)?;
            Ok(())
        })?;
        self.slot_report(slot)
    }

    /// A release as it is to stand in a slot, with its name; loaded, so that what can't run is refused here.
    pub(crate) fn binding(
        &self,
        slot: Slot,
        target: &str,
        config: Option<&Value>,
        mode: Mode,
    ) -> Result<(Binding, String)> {
        let (cid, release) = self.store.read(|tx| self.find_release(tx, target))?;
        if release.slot() != Some(slot) {
            let found = release.slot().map_or("a workload".to_owned(), |s| {
                format!("a plugin of the `{s}` slot")
            });
            return Err(NodeError::invalid(format!(
                "`{}` is {found}, not of `{slot}`",
                release.name
            )));
        }
        if let Some(out) = self
            .store
            .read(|tx| releases::quarantined(tx, &cid.to_string()))?
        {
            return Err(NodeError::new(
                Code::Conflict,
                format!(
                    "`{}` is out of service since {}: {}",
                    release.name,
                    rfc3339(out.at),
                    out.reason
                ),
            )
            .try_this("use another version; a person must lift the quarantine first"));
        }
        let config = self.config_bytes(&release, config)?;
        // Loaded before it serves: what can't run is refused while the old version goes on.
        self.policy(&cid, slot, &release)?;
        let binding = Binding {
            release_cid: cid.to_string(),
            config,
            mode,
            origin: "owner".into(),
            activated_at: self.now(),
        };
        Ok((binding, release.name))
    }

    /// Goes back to what served a slot before the last change.
    ///
    /// # Errors
    /// When there was nothing before.
    pub fn slot_rollback(&self, slot: &str) -> Result<SlotReport> {
        let slot = parse_slot(slot)?;
        let change = Change {
            action: "rollback".into(),
            actor: Some(self.owner.clone()),
            reason: None,
            at: self.now(),
        };
        self.reconstitute(&format!("{slot}: rolled back"), |tx| {
            Ok(slots::rollback(tx, slot.name(), &change)?)
        })?;
        self.slot_report(slot)
    }

    /// What served a slot, newest first.
    ///
    /// # Errors
    /// When there is no such slot.
    pub fn slot_history(&self, slot: &str) -> Result<Vec<ChangeReport>> {
        let slot = parse_slot(slot)?;
        self.store.read(|tx| {
            slots::history(tx, slot.name(), HISTORY_ROWS)?
                .into_iter()
                .map(|change| {
                    let releases: Vec<String> = change
                        .bindings
                        .iter()
                        .map(|b| b.release_cid.clone())
                        .collect();
                    let names = releases.iter().map(|cid| self.name_of(tx, cid)).collect();
                    Ok(ChangeReport {
                        at: rfc3339(change.at),
                        action: change.action,
                        releases,
                        names,
                        reason: change.reason,
                    })
                })
                .collect()
        })
    }

    pub(crate) fn name_of(&self, tx: &Read, cid: &str) -> String {
        self.find_release(tx, cid)
            .map_or_else(|_| cid.to_owned(), |(_, r)| r.name)
    }

    /// What serves every slot.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn slot_list(&self) -> Result<Vec<SlotReport>> {
        Slot::ALL
            .into_iter()
            .map(|slot| self.slot_report(slot))
            .collect()
    }

    pub(crate) fn slot_report(&self, slot: Slot) -> Result<SlotReport> {
        let table = self.slots.table();
        self.store.read(|tx| {
            let plugins = slots::get(tx, slot.name())?
                .into_iter()
                .map(|binding| {
                    let (cid, release) = self.find_release(tx, &binding.release_cid)?;
                    let config = if binding.config.is_empty() {
                        Value::Object(Map::new())
                    } else {
                        weft_model::cbor::decode(&binding.config)?
                    };
                    let mode = match releases::quarantined(tx, &binding.release_cid)? {
                        Some(_) => "quarantined".to_owned(),
                        None => binding.mode.to_string(),
                    };
                    Ok(SlotPlugin {
                        cid: cid.to_string(),
                        name: release.name,
                        version: release.version.to_string(),
                        mode,
                        config,
                        since: rfc3339(binding.activated_at),
                    })
                })
                .collect::<Result<_>>()?;
            Ok(SlotReport {
                slot: slot.name().into(),
                plugins,
                constitution: table.constitution.map(|c| c.to_string()),
            })
        })
    }

    /// Changes what serves, writes the constitution that follows and notes it in the log: all or nothing. The table is
    /// swapped when that is on the disk.
    pub(crate) fn reconstitute<T>(
        &self,
        why: &str,
        change: impl FnOnce(&Write) -> Result<T>,
    ) -> Result<T> {
        self.before_signing();
        let turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = self.store.write(|tx| -> Result<T> {
            let changed = change(tx)?;
            self.constitute_in(tx, why)?;
            Ok(changed)
        })?;
        drop(turn);
        self.reload_slots()?;
        self.write_lock();
        self.changed();
        Ok(changed)
    }

    /// Writes the constitution that the slots of this transaction make, and appends its activation to the log. The
    /// caller holds `self.log` and reloads the slots.
    pub(crate) fn constitute_in(&self, tx: &Write, why: &str) -> Result<Cid> {
        let base: Cid = weft_store::meta::get(tx, CONSTITUTION)?
            .ok_or_else(|| NodeError::internal("the home has no constitution"))?
            .parse()?;
        let (bytes, cid) = self.constitution_now(tx)?;
        weft_store::blocks::put(tx, &cid.to_string(), &bytes, self.now())?;
        weft_store::meta::set(tx, CONSTITUTION, &cid.to_string())?;
        self.feed(
            tx,
            "policy.activated",
            None,
            &format!("constitution {cid} is in force ({why})"),
        )?;
        self.append_in(
            tx,
            Body::ConstitutionActivated {
                base,
                constitution: cid,
                votes: Vec::new(),
            },
        )?;
        Ok(cid)
    }

    /// The constitution that the slots and workloads of this transaction make: the one after that in force, or the
    /// first.
    pub(crate) fn constitution_now(&self, tx: &Read) -> Result<(Vec<u8>, Cid)> {
        let invalid =
            |e: weft_ledger::constitution::ConstitutionError| NodeError::invalid(e.to_string());
        let mut slots: BTreeMap<Slot, Vec<Assignment>> = BTreeMap::new();
        for (slot, binding) in slots::all(tx)? {
            let mode = match binding.mode {
                Mode::Enforce => LedgerMode::Enforce,
                Mode::Shadow => LedgerMode::Shadow,
                Mode::Canary(percent) => LedgerMode::Canary(percent),
            };
            let release = binding.release_cid.parse()?;
            slots
                .entry(parse_slot(&slot)?)
                .or_default()
                .push(Assignment {
                    release,
                    config: binding.config,
                    mode,
                });
        }
        let mut workloads = BTreeMap::new();
        for row in weft_store::bound::WORKLOADS.list(tx)?.rows {
            workloads.insert(row.name, row.release_cid.parse()?);
        }
        let own = weft_store::members::owner(tx)?.and_then(|m| m.did);
        let witness = match own {
            Some(did) => did.parse()?,
            None => crate::keys::did(&self.owner_key()),
        };
        let constitution = match weft_store::meta::get(tx, CONSTITUTION)? {
            Some(cid) => {
                let bytes = weft_store::blocks::get(tx, &cid)?.ok_or_else(|| {
                    NodeError::internal(format!("the constitution `{cid}` is not here"))
                })?;
                let before = Constitution::decode(&bytes).map_err(invalid)?;
                before
                    .next(|c| {
                        c.slots = slots;
                        c.workloads = workloads;
                    })
                    .map_err(invalid)?
            }
            None => Constitution {
                slots,
                workloads,
                witnesses: vec![witness],
                ..Constitution::default()
            },
        };
        constitution.encode().map_err(invalid)
    }

    /// A config as JSON, checked against the release's schema, in canonical CBOR.
    fn config_bytes(&self, release: &Release, config: Option<&Value>) -> Result<Vec<u8>> {
        let Some(config) = config else {
            return Ok(Vec::new());
        };
        release
            .config(config)
            .map_err(|e| NodeError::invalid(format!("config of `{}`: {e}", release.name)))
    }

    /// Calls a plugin by hand.
    ///
    /// # Errors
    /// When the call is of another slot, or what ended it.
    pub fn plugin_run(
        &self,
        target: &str,
        call: &Value,
        config: Option<&Value>,
        at: Option<Instant>,
    ) -> Result<RunReport> {
        let Callable {
            cid,
            release,
            slot,
            policy,
            ..
        } = self.callable(target)?;
        let call: SlotCall = serde_json::from_value(call.clone()).map_err(|e| {
            NodeError::invalid(format!("the call does not fit: {e}")).try_this(
                "give it as in a golden vector: {\"rank\": {…}}, {\"sla\": […]}, {\"ethics\": {…}}",
            )
        })?;
        if call.slot() != slot {
            return Err(NodeError::invalid(format!(
                "`{}` serves `{slot}`, the call is for `{}`",
                release.name,
                call.slot()
            )));
        }
        let config = self.config_bytes(&release, config)?;
        let started = Clock::now();
        let called = self
            .policies
            .call(&policy, at.unwrap_or_else(|| self.now()), &config, &call)
            .map_err(|e| NodeError::refused(format!("`{}`: {e}", release.name)))?;
        Ok(RunReport {
            cid,
            name: release.name,
            reply: serde_json::to_value(&called.reply).map_err(NodeError::internal)?,
            fuel: called.fuel,
            us: started.elapsed().as_micros() as u64,
        })
    }

    /// A plugin to call by hand: a release, or a component file of which nothing is kept.
    fn callable(&self, target: &str) -> Result<Callable> {
        if let Some(prepared) = self.prepare_file(target)? {
            let release = prepared.release;
            let slot = slot_of(&release)?;
            let code = prepared.code.unwrap_or_default();
            let policy = self.policies.load(slot, &code, policy_limits(&release));
            return Ok(Callable {
                cid: String::new(),
                slot,
                policy: Arc::new(policy.map_err(refused)?),
                vectors: prepared.vectors,
                release,
            });
        }
        let (cid, release) = self.store.read(|tx| self.find_release(tx, target))?;
        let slot = slot_of(&release)?;
        Ok(Callable {
            cid: cid.to_string(),
            slot,
            policy: self.policy(&cid, slot, &release)?,
            vectors: self.stored_vectors(&release)?,
            release,
        })
    }

    /// Times a plugin on its golden vectors, each on a fresh instance.
    ///
    /// # Errors
    /// When it has no vectors, or one fails.
    pub fn plugin_bench(&self, target: &str, calls: usize) -> Result<BenchReport> {
        let Callable {
            cid,
            release,
            policy,
            vectors,
            ..
        } = self.callable(target)?;
        let vectors = match vectors {
            Vectors::Policy(vectors) if !vectors.is_empty() => vectors,
            _ => {
                return Err(NodeError::invalid(format!(
                    "`{}` has no golden vectors to call",
                    release.name
                )));
            }
        };
        let calls = calls.clamp(vectors.len(), BENCH_CALLS_MAX);
        let mut times = Vec::with_capacity(calls);
        let mut fuels = Vec::with_capacity(calls);
        for vector in vectors.iter().cycle().take(calls) {
            let started = Clock::now();
            let called = self
                .policies
                .call(&policy, vector.now, &vector.config, &vector.input);
            times.push(started.elapsed().as_secs_f64() * 1e6);
            if let Ok(called) = called {
                fuels.push(called.fuel);
            }
        }
        times.sort_by(f64::total_cmp);
        fuels.sort_unstable();
        Ok(BenchReport {
            cid,
            name: release.name,
            cases: vectors.len(),
            calls,
            min_us: times[0],
            median_us: times[calls / 2],
            p99_us: times[(calls * 99 / 100).min(calls - 1)],
            median_fuel: fuels.get(fuels.len() / 2).copied().unwrap_or(0),
        })
    }
}

/// A plugin that is called by hand.
struct Callable {
    /// The release's CID; empty for a file, which is none.
    cid: String,
    release: Release,
    slot: Slot,
    policy: Arc<Policy>,
    vectors: Vectors,
}

/// Key of the constitution in force in `meta`.
pub(crate) const CONSTITUTION: &str = "constitution";

pub(crate) fn parse_slot(name: &str) -> Result<Slot> {
    name.parse()
        .map_err(|e: weft_model::slot::UnknownSlot| NodeError::invalid(e.to_string()))
}

fn slot_of(release: &Release) -> Result<Slot> {
    release.slot().ok_or_else(|| {
        NodeError::invalid(format!("`{}` is a workload, not a plugin", release.name))
    })
}
