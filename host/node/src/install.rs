//! Installs: carries the effects of the install state machine ([`weft_release::install`]), writes down every state
//! before the next effect, and takes up at open what a crash cut off.
//!
//! Until the last step nothing that serves is touched: an install that fails, or is killed, leaves the old version
//! serving and no more than its own row. That last step, activation, is one transaction.

mod activate;
pub mod faults;
mod leftovers;
pub(crate) mod lists;
pub(crate) mod source;
pub(crate) mod target;
mod updates;
pub(crate) mod verify;

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::report::InstallReport;
use faults::point;
use source::Fetched;
use std::sync::PoisonError;
use target::{Locked, Target};
use verify::envelope_error;
use weft_engine::inspect::Kind as EngineKind;
use weft_release::install::{Cause, Effect, Input, Install, State};
use weft_release::{Envelope, Kind, Release};
use weft_store::Write;
use weft_store::bound::{SKILLS, WORKLOADS};
use weft_store::installs::{self as rows, Install as Row};

/// Characters of what was asked for that a note of its refusal has.
const REFERENCE_CHARS: usize = 200;
/// Ended installs that are kept for people to look at.
const KEPT: u32 = 1_000;

/// What somebody asks to be installed.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A release's CID, a name, or a CAR file.
    pub reference: String,
    /// A folder or CAR file to take it from.
    pub from: Option<String>,
    /// What it is to serve. None: what a release of this name by this publisher serves now.
    pub target: Option<String>,
    /// Whether a person agrees in advance to whatever it wants more.
    pub consent: bool,
    /// Whether it came by itself.
    pub by_itself: bool,
    /// Whether it may be older than what was accepted since: whoever asks names the very release and its target.
    pub going_back: bool,
    /// What a lock file calls it.
    pub locked: Option<Locked>,
}

/// An install with its row.
struct Going {
    row: Row,
    machine: Install,
    /// As [`Wanted::going_back`]; an install that was cut off asks again.
    going_back: bool,
}

impl Node {
    /// Installs a release: fetches, verifies, compiles, tests and activates it, as far as nobody has to be asked.
    ///
    /// # Errors
    /// The check that it failed, with a code of its own. Then nothing of it is left but a row in `installs`.
    pub fn install(&self, wanted: &Wanted) -> Result<InstallReport> {
        let fetched = self
            .fetch_release(wanted)
            .inspect_err(|e| self.note_refusal(wanted, e))?;
        if let Some(locked) = &wanted.locked {
            locked.check(&fetched.opened.release).inspect_err(|e| {
                self.forget_fetched_or_say(&fetched.opened.cid);
                self.note_refusal(wanted, e);
            })?;
        }
        let id = self.stage(&fetched, wanted).inspect_err(|e| {
            self.forget_fetched_or_say(&fetched.opened.cid);
            self.note_refusal(wanted, e);
        })?;
        point("fetched");
        self.carry_out(id, wanted.consent, wanted.going_back)?;
        let mut report = self.install_report(id)?;
        report.warnings.extend(fetched.warnings);
        Ok(report)
    }

    /// Notes what was refused before it had a row of its own.
    fn note_refusal(&self, wanted: &Wanted, e: &NodeError) {
        if is_of_the_machine(e.code) {
            return;
        }
        let subject = weft_model::text::printable(&wanted.reference, REFERENCE_CHARS);
        let message = format!("`{subject}` was refused: {}", e.message);
        let noted = self.store.write(|tx| match e.code {
            Code::Check(_) | Code::Refused => {
                self.alarm_answered(tx, "release.refused", &subject, &message)
            }
            // A slip of whoever asked, such as a name that nobody has.
            _ => self.feed(tx, "release.refused", Some(&subject), &message),
        });
        if let Err(e) = noted {
            tracing::error!("the refusal of `{subject}` could not be noted: {e}");
        }
    }

    /// Agrees to what a waiting release wants more, or to its serving before its delay is over.
    ///
    /// # Errors
    /// When no such release waits, or it fails a check by now.
    pub fn install_consent(&self, reference: &str) -> Result<InstallReport> {
        let waiting = self.find_waiting(reference)?;
        self.go_on(waiting.id, true)?;
        self.install_report(waiting.id)
    }

    /// Says no to a waiting release: nothing of it is left but its row.
    ///
    /// # Errors
    /// When no such release waits.
    pub fn install_decline(&self, reference: &str) -> Result<InstallReport> {
        let waiting = self.find_waiting(reference)?;
        let _turn = self
            .installing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut going = self.going(waiting.id)?;
        let why = Input::Refused(format!("{} said no", self.owner));
        going.machine = going.machine.step(self.now(), why);
        self.note(&mut going)?;
        self.unstage(&going.row)?;
        self.install_report(waiting.id)
    }

    /// The installs that wait: for a person, or for the end of their delay.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn install_pending(&self) -> Result<Vec<InstallReport>> {
        let states = [State::Waiting.word(), State::Cooling.word()];
        let waiting = self.store.read(|tx| rows::in_states(tx, &states))?;
        waiting
            .iter()
            .map(|row| self.install_report(row.id))
            .collect()
    }

    fn find_waiting(&self, reference: &str) -> Result<Row> {
        let states = [State::Waiting.word(), State::Cooling.word()];
        let waiting = self.store.read(|tx| rows::in_states(tx, &states))?;
        let mut found = waiting.into_iter().filter(|row| {
            row.release_cid == reference
                || Envelope::decode(&row.envelope)
                    .ok()
                    .and_then(|e| Release::decode(&e.payload).ok())
                    .is_some_and(|r| r.name == reference)
        });
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(NodeError::invalid(format!(
                "several releases named `{reference}` wait"
            ))
            .try_this("name one by its CID; `weft pending` lists them")),
            (None, _) => Err(NodeError::not_found(format!(
                "no release `{reference}` waits for anybody"
            ))
            .try_this("weft pending")),
        }
    }

    /// Takes up what a crash cut off. Who waits, for a person or for a moment, goes on waiting.
    pub(crate) fn resume_installs(&self) -> Result<()> {
        let cut_off: Vec<&str> = State::ALL
            .into_iter()
            .filter(|s| !s.is_end() && *s != State::Waiting && *s != State::Cooling)
            .map(State::word)
            .collect();
        let cut_off = self.store.read(|tx| rows::in_states(tx, &cut_off))?;
        for row in &cut_off {
            if let Err(e) = self.go_on(row.id, false) {
                tracing::warn!(release = row.release_cid, "its install ended: {e}");
            }
        }
        if !cut_off.is_empty() {
            self.store.write(|tx| rows::prune(tx, KEPT))?;
        }
        self.forget_staged()?;
        Ok(())
    }

    /// Writes down that a release's bytes are here. One that is on its way already goes on instead.
    fn stage(&self, fetched: &Fetched, wanted: &Wanted) -> Result<i64> {
        let release = &fetched.opened.release;
        let cid = fetched.opened.cid;
        let kind = release
            .kind()
            .map_err(|e| NodeError::refused(e.to_string()))?;
        let now = self.now();
        self.store.write(|tx| -> Result<i64> {
            weft_store::publishers::see(tx, &cid.to_string(), now)?;
            let target = match &wanted.target {
                Some(text) => Some(Target::of_kind(text, kind)?),
                None => self.default_target(tx, release, kind)?,
            };
            let cause = match wanted.by_itself {
                true => Cause::Update,
                false => Cause::Person,
            };
            let under_way = rows::of_release(tx, &cid.to_string())?
                .into_iter()
                .find(|row| State::parse(&row.state).is_some_and(|s| !s.is_end()));
            if let Some(mut row) = under_way {
                if cause == Cause::Person && row.cause != cause.word() {
                    // A person asks for what came by itself: the delay is theirs to end, the question stays.
                    row.cause = cause.word().into();
                    row.not_before = None;
                }
                row.target = target.map(|t| t.to_string()).or(row.target);
                // It may have been signed by more since; a second role may say that it should not wait.
                let decode = |bytes: &[u8]| Envelope::decode(bytes).map_err(|e| envelope_error(&e));
                let mut all = decode(&row.envelope)?;
                if all.join(&decode(&fetched.envelope)?) {
                    row.envelope = all.encode().map_err(|e| envelope_error(&e))?;
                    row.state = State::Fetched.word().into();
                }
                rows::set(tx, &row)?;
                return Ok(row.id);
            }
            let id = rows::add(
                tx,
                &Row {
                    id: 0,
                    release_cid: cid.to_string(),
                    target: target.map(|t| t.to_string()),
                    cause: cause.word().into(),
                    state: State::Fetched.word().into(),
                    reason: None,
                    source: fetched.source.clone(),
                    envelope: fetched.envelope.clone(),
                    growth: Vec::new(),
                    consented: false,
                    not_before: None,
                    created_at: now,
                    updated_at: now,
                },
            )?;
            Ok(id)
        })
    }

    /// What a release of this name by this publisher serves now; a workload's or skill's own name where that is free.
    fn default_target(&self, tx: &Write, release: &Release, kind: Kind) -> Result<Option<Target>> {
        let serves = self
            .targets(tx)?
            .into_iter()
            .find(|(_, _, r)| r.name == release.name && r.publisher == release.publisher)
            .map(|(target, _, _)| target);
        if serves.is_some() {
            return Ok(serves);
        }
        Ok(match kind {
            Kind::Policy(_) => None,
            Kind::Workload => WORKLOADS
                .get(tx, &release.name)?
                .is_none()
                .then(|| Target::Workload(release.name.clone())),
            Kind::Skill => SKILLS
                .get(tx, &release.name)?
                .is_none()
                .then(|| Target::Skill(release.name.clone())),
        })
    }

    fn go_on(&self, id: i64, consent: bool) -> Result<()> {
        self.carry_out(id, consent, false)
    }

    /// Carries effects until there is nothing to do now.
    fn carry_out(&self, id: i64, consent: bool, going_back: bool) -> Result<()> {
        let _turn = self
            .installing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut going = self.going(id)?;
        going.going_back = going_back;
        if consent {
            going.machine = going.machine.step(self.now(), Input::Consented);
            self.note(&mut going)?;
        }
        while let Some(effect) = going.machine.effect(self.now()) {
            let done = match effect {
                Effect::Verify => self.verify_install(&going),
                Effect::Compile => self.compile_install(&going.row).map(|()| Input::Passed),
                Effect::Test => self.test_install(&going.row).map(|()| Input::Passed),
                Effect::Ask | Effect::Sleep(_) => {
                    going.machine = going.machine.step(self.now(), Input::Tick);
                    return self.note(&mut going);
                }
                Effect::Activate => {
                    let done = self.activate_install(&mut going);
                    if done.is_ok() {
                        point("activated");
                        self.unstage(&going.row)?;
                        self.write_lock();
                        point("locked");
                        return Ok(());
                    }
                    done.map(|()| Input::Passed)
                }
            };
            match done {
                Ok(input) => {
                    going.machine = going.machine.step(self.now(), input);
                    self.note(&mut going)?;
                    match going.machine.state {
                        State::Verified => point("verified"),
                        State::Compiled => point("compiled"),
                        State::Tested => point("tested"),
                        _ => {}
                    }
                }
                // The machine failed, not the release: it goes on from here another time.
                Err(e) if is_of_the_machine(e.code) => return Err(e),
                Err(e) => {
                    let why = Input::Refused(e.message.clone());
                    going.machine = going.machine.step(self.now(), why);
                    self.note(&mut going)?;
                    self.unstage(&going.row)?;
                    return Err(e);
                }
            }
        }
        Ok(())
    }

    fn going(&self, id: i64) -> Result<Going> {
        let row = self
            .store
            .read(|tx| rows::get(tx, id))?
            .ok_or_else(|| NodeError::not_found(format!("there is no install {id}")))?;
        let unreadable =
            || NodeError::internal(format!("install {id} is in the state `{}`", row.state));
        let machine = Install {
            state: State::parse(&row.state).ok_or_else(unreadable)?,
            cause: Cause::parse(&row.cause).ok_or_else(unreadable)?,
            growth: row.growth.clone(),
            consented: row.consented,
            not_before: row.not_before,
            reason: row.reason.clone().unwrap_or_default(),
        };
        Ok(Going {
            row,
            machine,
            going_back: false,
        })
    }

    /// Writes an install's state down, and tells people what they should know.
    fn note(&self, going: &mut Going) -> Result<()> {
        let before = going.row.state.clone();
        self.take_over(going);
        let Going { row, machine, .. } = &*going;
        self.store.write(|tx| -> Result<()> {
            rows::set(tx, row)?;
            if row.state == before {
                return Ok(());
            }
            let cid = &row.release_cid;
            match machine.state {
                State::Refused => {
                    weft_store::publishers::unsee(tx, cid, row.created_at)?;
                    self.alarm_answered(
                        tx,
                        "release.refused",
                        cid,
                        &format!("release {cid} was refused: {}", machine.reason),
                    )
                }
                State::Waiting => self.alarm_answered(
                    tx,
                    "release.waiting",
                    cid,
                    &format!("release {cid} waits for consent: {}", machine.reason),
                ),
                State::Cooling => self.feed(
                    tx,
                    "release.cooling",
                    Some(cid),
                    &format!("release {cid} is checked and waits for the end of its delay"),
                ),
                _ => Ok(()),
            }
        })
    }

    fn take_over(&self, going: &mut Going) {
        let Going { row, machine, .. } = going;
        row.state = machine.state.word().into();
        row.reason = (!machine.reason.is_empty()).then(|| machine.reason.clone());
        row.growth.clone_from(&machine.growth);
        row.consented = machine.consented;
        row.not_before = machine.not_before;
        row.updated_at = self.now();
    }

    fn compile_install(&self, row: &Row) -> Result<()> {
        let release = self.envelope_of(row)?.release;
        let Some(kind) = engine_kind(&release)? else {
            return Ok(());
        };
        // The very bytes that were hashed: they are compared with their CID as they are read.
        self.native_code(&release, kind).map(|_| ())
    }

    fn test_install(&self, row: &Row) -> Result<()> {
        let release = self.envelope_of(row)?.release;
        let Some(kind) = engine_kind(&release)? else {
            return Ok(());
        };
        let vectors = self.stored_vectors(&release)?;
        if vectors.is_empty() {
            // A policy without was refused before.
            return Ok(());
        }
        let code = self.native_code(&release, kind)?;
        let failed = self.failed_vectors(&release, kind, &code, &vectors)?;
        match failed.first() {
            None => Ok(()),
            Some(first) => Err(NodeError::coded(
                "vectors-failed",
                format!(
                    "`{}` fails {} of its {} golden vectors: {first}",
                    release.name,
                    failed.len(),
                    vectors.len()
                ),
            )
            .try_this("it does not do what its publisher recorded; ask the publisher for a corrected release")),
        }
    }

    pub(crate) fn envelope_of(&self, row: &Row) -> Result<weft_release::envelope::Opened> {
        Envelope::decode(&row.envelope)
            .and_then(|e| e.open())
            .map_err(|e| NodeError::internal(format!("install {} is damaged: {e}", row.id)))
    }

    fn install_report(&self, id: i64) -> Result<InstallReport> {
        let row = self.going(id)?.row;
        let envelope =
            Envelope::decode(&row.envelope).map_err(|e| NodeError::internal(e.to_string()))?;
        let release =
            Release::decode(&envelope.payload).map_err(|e| NodeError::internal(e.to_string()))?;
        let serving = self.store.read(|tx| self.replaced_by(tx, &row, &release))?;
        let changes = serving
            .filter(|old| *old != release)
            .map(|old| weft_release::diff(&old, &release))
            .unwrap_or_default();
        let trusted_by = match envelope.open() {
            Ok(opened) => self.trusted_by(&opened)?.ok(),
            Err(_) => None,
        };
        Ok(InstallReport {
            release: row.release_cid.clone(),
            name: release.name.clone(),
            version: release.version.to_string(),
            revision: release.revision,
            kind: release
                .kind()
                .map_or_else(|_| String::new(), |k| k.word().to_owned()),
            publisher: release.publisher.to_string(),
            fingerprint: weft_release::names::fingerprint(&release.publisher),
            target: row.target.clone(),
            state: row.state.clone(),
            reason: row.reason.clone(),
            growth: row.growth.clone(),
            changes,
            warnings: self.release_warnings(&release)?,
            not_before: row.not_before.map(rfc3339),
            cause: row.cause.clone(),
            trusted_by,
            source: row.source.clone(),
        })
    }
}

/// The engine's kind of a release; none for a skill, which runs nothing.
pub(crate) fn engine_kind(release: &Release) -> Result<Option<EngineKind>> {
    Ok(match release.kind() {
        Ok(Kind::Policy(slot)) => Some(EngineKind::Policy(slot)),
        Ok(Kind::Workload) => Some(EngineKind::of_world(&release.world).ok_or_else(|| {
            NodeError::refused(format!(
                "`{}` is a world that this Weft does not run",
                release.world
            ))
        })?),
        Ok(Kind::Skill) => None,
        Err(e) => return Err(NodeError::refused(e.to_string())),
    })
}

/// Whether an error says nothing of the release.
fn is_of_the_machine(code: Code) -> bool {
    matches!(
        code,
        Code::Io
            | Code::DiskFull
            | Code::Busy
            | Code::Internal
            | Code::Unavailable
            | Code::NewerDatabase
    )
}
