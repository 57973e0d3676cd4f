//! The energy here: what its owner said by hand, else what a source says, else what the settings say.
//!
//! A source (`origin`) is read outside of transactions into the `meter`, by the daemon's loop and before a decision;
//! decisions see the last reading and record its values. A decision waits for a source only where that costs next to
//! nothing, or where it was not read since the node was opened, or not for [`limits::STALE_MS`]. A source that fails is
//! told of once; its last reading counts until it is [`limits::STALE_MS`] old, then the energy here is unknown.

pub mod battery;
mod command;
mod file;
mod http;
pub mod limits;
pub(crate) mod meter;
pub(crate) mod origin;
mod reading;

use crate::clock::rfc3339;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::EnergyReport;
use crate::settings::{source_of, word_of};
use meter::Standing;
use origin::{Origin, of_settings};
use std::sync::{Arc, PoisonError};
use weft_decide::Energy;
use weft_model::Instant;
use weft_model::advert::{ENERGY_KINDS, GRID_MAX};
use weft_model::slots::time::Source;
use weft_store::feed::{self, Entry, Severity};
use weft_store::owner::energy;
use weft_store::{Read, Write};

/// Whom the feed's entries about a source concern.
const SUBJECT: &str = "energy";
/// Kinds of the feed's entries about a source.
const KINDS: [(&str, Standing); 3] = [
    ("energy.read", Standing::Fine),
    ("energy.failed", Standing::Failing),
    ("energy.unknown", Standing::Lost),
];

/// The energy here, as it counts now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Power {
    /// What kind it is.
    pub kind: Source,
    /// Clean share, per cent.
    pub percent_clean: Option<f64>,
    /// Grid in g/kWh.
    pub grid: Option<f64>,
    /// Charge as the source says it; none: ask the machine.
    pub battery_percent: Option<f64>,
    /// On mains as the source says it; none: ask the machine.
    pub plugged_in: Option<bool>,
    /// `measured`, `modelled`, `declared` or `unknown`.
    pub known: String,
    /// Said by `weft energy set`, or in the table.
    pub by_hand: bool,
}

impl Power {
    /// What a decision records of it.
    pub fn energy(&self) -> Energy {
        Energy {
            percent_clean: self.percent_clean,
            source: self.kind,
            forecast: Vec::new(),
        }
    }
}

impl Node {
    /// The energy here.
    pub(crate) fn power(&self, tx: &Read) -> Result<Power> {
        let row = energy::get(tx)?;
        if let Some(row) = row.as_ref().filter(|row| row.source != "unknown") {
            return Ok(Power {
                kind: source_of(&row.energy_type).unwrap_or(Source::Unknown),
                percent_clean: row.percent_clean,
                grid: row.grid_g_per_kwh,
                battery_percent: None,
                plugged_in: None,
                known: row.source.clone(),
                by_hand: true,
            });
        }
        let reading = match self.energy.origin() {
            Origin::Static => of_settings(&self.settings),
            _ => self
                .energy
                .current(self.now())
                .map(|(_, reading)| reading)
                .unwrap_or_default(),
        };
        Ok(Power {
            kind: reading.kind,
            percent_clean: reading.percent_clean,
            grid: row
                .and_then(|row| row.grid_g_per_kwh)
                .or(reading.grid_g_per_kwh),
            battery_percent: reading.battery_percent,
            plugged_in: reading.plugged_in,
            known: reading.known.to_owned(),
            by_hand: false,
        })
    }

    /// Reads the source if it is time, where that is cheap or nothing of it counts that went well. Before a decision,
    /// outside of its transaction.
    pub(crate) fn refresh_energy(&self) {
        let meter = &self.energy;
        if !meter.origin().is_cheap() && meter.is_unread(self.now()) {
            meter.read(&*self.clock);
        }
        self.refresh_cheap_energy();
    }

    /// Reads the source if it is time and that is cheap: for who can't wait.
    pub(crate) fn refresh_cheap_energy(&self) {
        let meter = &self.energy;
        if *meter.origin() == Origin::Static {
            return;
        }
        if meter.origin().is_cheap() && meter.is_due(self.now()) {
            meter.read(&*self.clock);
        }
        self.tell_of_energy();
    }

    /// The same for the daemon's loop, which never waits: a dear source is read by a thread, which wakes the loop.
    pub(crate) fn refresh_energy_aside(self: &Arc<Self>) {
        let meter = &self.energy;
        if !meter.origin().is_cheap() && meter.is_due(self.now()) && !meter.is_busy() {
            let (meter, clock) = (Arc::clone(meter), Arc::clone(&self.clock));
            // The home must be free to close while a source is slow.
            let node = Arc::downgrade(self);
            let reader = std::thread::Builder::new().name("energy".into());
            let started = reader.spawn(move || {
                meter.read(&*clock);
                if let Some(node) = node.upgrade() {
                    node.changed();
                }
            });
            if let Err(e) = started {
                tracing::warn!("the energy source is not read: {e}");
            }
        }
        self.refresh_cheap_energy();
    }

    /// Tells people when a source begins to fail, when its last reading no longer counts, and when it works again.
    fn tell_of_energy(&self) {
        let now = self.now();
        let Some(standing) = self.energy.standing(now) else {
            return;
        };
        let mut told = self
            .energy
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *told == Some(standing) {
            return;
        }
        match self.store.write(|tx| self.tell_in(tx, standing, now)) {
            Ok(()) => *told = Some(standing),
            Err(e) => tracing::error!("the feed does not say how the energy source stands: {e}"),
        }
    }

    /// The feed remembers over restarts what was told last; a source that always worked is not worth an entry.
    fn tell_in(&self, tx: &Write, standing: Standing, now: Instant) -> Result<()> {
        let last = feed::last(tx, Some(SUBJECT), 1)?.rows.into_iter().next();
        let told = last.and_then(|entry| KINDS.iter().find(|(kind, _)| *kind == entry.kind));
        if told.map_or(Standing::Fine, |(_, told)| *told) == standing {
            return Ok(());
        }
        let source = self.energy.origin().shown();
        let state = self.energy.state();
        let problem = state.problem.unwrap_or_default();
        let message = match (standing, state.last) {
            (Standing::Fine, _) => format!("the energy source `{source}` is read again"),
            (Standing::Failing, Some((at, _))) => format!(
                "the energy source `{source}` can't be read: {problem}; its reading of {} counts until {}",
                rfc3339(at),
                rfc3339(at + limits::STALE_MS)
            ),
            (Standing::Failing | Standing::Lost, _) => format!(
                "the energy source `{source}` can't be read: {problem}; no reading of it counts"
            ),
        };
        let kind = KINDS.iter().find(|(_, of)| *of == standing);
        let severity = match standing {
            Standing::Fine => Severity::Info,
            Standing::Failing | Standing::Lost => Severity::Warning,
        };
        tracing::info!("{message}");
        feed::add(
            tx,
            &Entry {
                id: 0,
                timestamp: now,
                kind: kind.map_or(SUBJECT, |(kind, _)| kind).to_owned(),
                severity,
                subject: Some(SUBJECT.into()),
                message,
                details: "{}".into(),
            },
        )?;
        Ok(())
    }

    /// Says what the energy here is. It goes before the source until [`Self::energy_clear`].
    ///
    /// # Errors
    /// When the source is none, or a figure is out of range.
    pub fn energy_set(&self, kind: &str, percent: f64, grid: Option<f64>) -> Result<EnergyReport> {
        if source_of(kind).is_none() {
            return Err(NodeError::invalid(format!(
                "`{}` is no energy source; known are {}",
                weft_model::text::printable(kind, 40),
                ENERGY_KINDS.join(", ")
            )));
        }
        if !(0.0..=100.0).contains(&percent) {
            return Err(NodeError::invalid(format!(
                "percent is {percent}, allowed is 0 to 100"
            )));
        }
        if grid.is_some_and(|g| !(0.0..=GRID_MAX).contains(&g)) {
            return Err(NodeError::invalid(format!(
                "grid must be from 0 to {GRID_MAX} g per kWh"
            )));
        }
        self.put_energy(&energy::Energy {
            energy_type: kind.to_owned(),
            percent_clean: Some(percent),
            grid_g_per_kwh: grid,
            source: "declared".into(),
            updated_at: None,
        })
    }

    /// Forgets what was said by hand: the source counts again, or the settings.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn energy_clear(&self) -> Result<EnergyReport> {
        self.put_energy(&energy::Energy {
            energy_type: "unknown".into(),
            percent_clean: None,
            grid_g_per_kwh: None,
            source: "unknown".into(),
            updated_at: None,
        })
    }

    fn put_energy(&self, row: &energy::Energy) -> Result<EnergyReport> {
        let now = self.now();
        self.store.write(|tx| energy::set(tx, row, now))?;
        self.changed();
        self.energy_show()
    }

    /// The energy here, how it is known, and how its source stands.
    ///
    /// # Errors
    /// When the row is malformed.
    pub fn energy_show(&self) -> Result<EnergyReport> {
        self.refresh_energy();
        let (power, row) = self
            .store
            .read(|tx| Ok::<_, NodeError>((self.power(tx)?, energy::get(tx)?)))?;
        let state = self.energy.state();
        let read_at = state.last.map(|(at, _)| rfc3339(at));
        Ok(EnergyReport {
            kind: word_of(power.kind).to_owned(),
            percent_clean: power.percent_clean,
            grid_g_per_kwh: power.grid,
            battery_percent: power.battery_percent,
            plugged_in: power.plugged_in,
            known: power.known,
            updated_at: match power.by_hand {
                true => row.and_then(|row| row.updated_at).map(rfc3339),
                false => self.energy.current(self.now()).map(|(at, _)| rfc3339(at)),
            },
            by_hand: power.by_hand,
            source: self.settings.text("energy_source").to_owned(),
            read_at,
            problem: state.problem,
        })
    }
}
