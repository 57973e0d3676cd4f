//! The last step of an install: the release is kept and put into what it is to serve, in one transaction.

use super::Going;
use super::target::Target;
use crate::error::{NodeError, Result};
use crate::node::Node;
use weft_model::Cid;
use weft_release::envelope::Opened;
use weft_release::install::Input;
use weft_release::{Envelope, Release};
use weft_store::bound::{SKILLS, WORKLOADS};
use weft_store::installs as rows;
use weft_store::slots::{Binding, Change, Mode};
use weft_store::{Write, releases, slots};

impl Node {
    /// Keeps the release and puts it into its target: one transaction.
    pub(super) fn activate_install(&self, going: &mut Going) -> Result<()> {
        let opened = self.envelope_of(&going.row)?;
        let release = &opened.release;
        let now = self.now();
        // What was true when it was verified may not be any more: it may have waited for days.
        self.check_again(going, &opened)?;
        let target = match &going.row.target {
            Some(text) => Some(Target::of_kind(
                text,
                release
                    .kind()
                    .map_err(|e| NodeError::refused(e.to_string()))?,
            )?),
            None => None,
        };
        if let (Some(Target::Slot(slot)), true) = (&target, release.slot().is_some()) {
            // Loaded before it serves.
            self.policy(&opened.cid, *slot, release)?;
        }
        going.machine = going.machine.clone().step(now, Input::Passed);
        self.take_over(going);
        let row = going.row.clone();
        let why = format!(
            "{}: {} {}",
            row.target.as_deref().unwrap_or("installed"),
            release.name,
            release.version
        );
        let keep = |tx: &Write| -> Result<()> {
            self.keep_release(tx, &opened, &row.envelope)?;
            self.forget_import(tx, &opened.cid)?;
            rows::set(tx, &row)?;
            if let Some(target) = &target {
                self.bind(tx, target, &opened.cid, release, &row.cause)?;
                if let (Target::Workload(name), true) = (target, row.consented) {
                    self.grant(tx, name, release, true)?;
                }
            }
            self.feed(
                tx,
                "release.installed",
                Some(&row.release_cid),
                &format!(
                    "`{}` {} (revision {}) is installed",
                    release.name, release.version, release.revision
                ),
            )
        };
        let serves = match &target {
            Some(target) => self
                .store
                .read(|tx| target.serving(tx))?
                .contains(&opened.cid),
            None => false,
        };
        match target {
            Some(Target::Slot(_) | Target::Workload(_)) if !serves => self.reconstitute(&why, keep),
            _ => self.store.write(keep),
        }
    }

    /// Puts a release into a target, in place of what served it.
    fn bind(
        &self,
        tx: &Write,
        target: &Target,
        cid: &Cid,
        release: &Release,
        cause: &str,
    ) -> Result<()> {
        let now = self.now();
        let origin = match cause {
            "update" => "update",
            _ => "owner",
        };
        let change = Change {
            action: if cause == "update" { "update" } else { "use" }.into(),
            actor: (cause != "update").then(|| self.owner.clone()),
            reason: None,
            at: now,
        };
        let text = cid.to_string();
        match target {
            Target::Slot(slot) => {
                let mut bindings = slots::get(tx, slot.name())?;
                if bindings
                    .iter()
                    .any(|b| b.release_cid == text && b.mode == Mode::Enforce)
                {
                    return Ok(());
                }
                // Its predecessor of the same name, or all where the slot holds one; what is on trial stays on trial.
                let mut config = Vec::new();
                let mut kept = Vec::new();
                for binding in bindings.drain(..) {
                    if binding.mode != Mode::Enforce {
                        if binding.release_cid != text {
                            kept.push(binding);
                        }
                        continue;
                    }
                    let (_, old) = self.find_release(tx, &binding.release_cid)?;
                    let same = old.name == release.name && old.publisher == release.publisher;
                    if same {
                        config.clone_from(&binding.config);
                    }
                    if slot.is_chain() && !same {
                        kept.push(binding);
                    }
                }
                kept.push(Binding {
                    release_cid: text,
                    config: self.config_kept(release, config)?,
                    mode: Mode::Enforce,
                    origin: origin.into(),
                    activated_at: now,
                });
                slots::set(tx, slot.name(), &kept, &change)?;
            }
            Target::Workload(name) => {
                WORKLOADS.set(tx, name, Some(&text), origin, &change)?;
            }
            Target::Skill(name) => {
                SKILLS.set(tx, name, Some(&text), origin, &change)?;
            }
        }
        Ok(())
    }

    /// A predecessor's config, where it fits the new release's schema too.
    fn config_kept(&self, release: &Release, config: Vec<u8>) -> Result<Vec<u8>> {
        if config.is_empty() {
            return Ok(config);
        }
        let json: serde_json::Value = weft_model::cbor::decode(&config)?;
        release.config(&json).map_err(|e| {
            NodeError::coded(
                "config",
                format!(
                    "the config that its predecessor has does not fit `{}` {}: {e}",
                    release.name, release.version
                ),
            )
            .try_this(format!(
                "install it without a target, then `weft plugin use SLOT {} --config …`",
                release.name
            ))
        })
    }

    /// Adds what an envelope has been signed by to what is kept of its release.
    fn add_signatures(&self, tx: &Write, cid: &str, envelope: &[u8]) -> Result<()> {
        let Some(kept) = releases::get(tx, cid)? else {
            return Ok(());
        };
        let (mut all, more) = (decoded(&kept.envelope)?, decoded(envelope)?);
        if all.join(&more) {
            let all = all.encode();
            let all = all.map_err(|e| NodeError::refused(e.to_string()))?;
            releases::set_envelope(tx, cid, &all)?;
        }
        Ok(())
    }

    /// Adds the release's row and raises the high-water mark.
    pub(crate) fn keep_release(&self, tx: &Write, opened: &Opened, envelope: &[u8]) -> Result<()> {
        let release = &opened.release;
        let now = self.now();
        let cid = opened.cid.to_string();
        let publisher = release.publisher.to_string();
        let kind = release
            .kind()
            .map_err(|e| NodeError::refused(e.to_string()))?;
        let row = releases::Release {
            cid: cid.clone(),
            name: release.name.clone(),
            publisher: publisher.clone(),
            version: release.version.to_string(),
            revision: release.revision,
            kind: kind.word().into(),
            world: release.world.clone(),
            slot: release.slot().map(|s| s.name().to_owned()),
            record: decoded(envelope)?.payload,
            envelope: envelope.to_vec(),
            component_cid: release.component.cid.to_string(),
            imports: release.imports.clone(),
            features: release.features.clone(),
            description: Some(release.description.clone()),
            state: crate::releases::VERIFIED.into(),
            note: None,
            added_at: now,
            updated_at: now,
        };
        if !releases::add(tx, &row)? {
            self.add_signatures(tx, &cid, envelope)?;
        }
        let high = releases::HighWater {
            revision: release.revision,
            release_cid: cid.clone(),
        };
        releases::raise_high_water(tx, &publisher, &release.name, &high, now)?;
        weft_store::content::pin(tx, &release.component.cid.to_string(), &cid, now)?;
        Ok(())
    }
}

fn decoded(envelope: &[u8]) -> Result<Envelope> {
    Envelope::decode(envelope).map_err(|e| NodeError::internal(e.to_string()))
}
