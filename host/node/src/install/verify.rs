//! What is checked before a release's code is compiled: its signatures and who trusts them, its place in its
//! publisher's series, and that its bytes are what the record says.

use super::target::Target;
use super::{Going, engine_kind};
use crate::error::{NodeError, Result};
use crate::models::safetensors;
use crate::node::Node;
use weft_engine::inspect::Kind as Code;
use weft_model::content;
use weft_model::vector::Vectors;
use weft_release::envelope::{Envelope, Opened};
use weft_release::growth::REVISION_JUMP;
use weft_release::install::{Asked, Cause, Input, Known, Refusal, check};
use weft_release::{Growth, Kind, Release, Verdict, growth, names};
use weft_store::installs::Install as Row;
use weft_store::publishers::Equivocation;
use weft_store::{Read, Write, publishers, releases};

impl Node {
    /// Checks a staged release; what it wants more than what serves, and until when it has to wait.
    pub(super) fn verify_install(&self, going: &Going) -> Result<Input> {
        let row = &going.row;
        let opened = self.envelope_of(row)?;
        let release = &opened.release;
        self.check_series(going, &opened)?;
        self.check_trust(&opened)?;
        self.check_bytes(release)?;
        let wants = self.wants(row, release)?;
        let not_before = match Cause::parse(&row.cause) {
            Some(Cause::Update) => {
                self.check_update(row, release)?;
                self.cool_down(&opened)?
            }
            _ => None,
        };
        Ok(Input::Verified {
            growth: wants,
            not_before,
        })
    }

    /// What a release wants more than what it would replace now, in words.
    fn wants(&self, row: &Row, release: &Release) -> Result<Vec<String>> {
        let target = match &row.target {
            Some(text) => Some(Target::of_kind(
                text,
                release
                    .kind()
                    .map_err(|e| NodeError::refused(e.to_string()))?,
            )?),
            None => None,
        };
        self.store.read(|tx| -> Result<Vec<String>> {
            let more = match self.replaced_by(tx, row, release)? {
                Some(old) => growth(&old, release),
                None => self.jump(tx, release)?.into_iter().collect(),
            };
            let mut wants: Vec<String> = more.iter().map(ToString::to_string).collect();
            if let Some(Target::Workload(name)) = &target {
                wants.extend(
                    self.not_granted(tx, name, release)?
                        .iter()
                        .map(|directory| format!("is given the directory `{directory}`")),
                );
            }
            Ok(wants)
        })
    }

    /// A jump over what this home has accepted of a name of which nothing serves.
    fn jump(&self, tx: &Read, release: &Release) -> Result<Option<Growth>> {
        let high = releases::high_water(tx, &release.publisher.to_string(), &release.name)?;
        Ok(high
            .filter(|high| release.revision.saturating_sub(high.revision) > REVISION_JUMP)
            .map(|high| Growth::Revision {
                old: high.revision,
                new: release.revision,
            }))
    }

    /// An update that came by itself replaces an older release of the same name and publisher, and nothing that
    /// somebody pinned.
    fn check_update(&self, row: &Row, release: &Release) -> Result<()> {
        let (replaced, pinned) = self.store.read(|tx| -> Result<_> {
            let pins = weft_store::installs::pins(tx)?;
            let pinned = pins.iter().any(|p| Some(&p.target) == row.target.as_ref());
            Ok((self.replaced_by(tx, row, release)?, pinned))
        })?;
        let target = row.target.as_deref().unwrap_or("nothing");
        if pinned {
            return Err(NodeError::coded(
                "pinned",
                format!("`{target}` is pinned: no update replaces it by itself"),
            )
            .try_this(format!(
                "to let it follow its publisher again: weft unpin {target}"
            )));
        }
        // That it was seen before is enough for what a person wants, and not for what comes by itself: it may be why the
        // key was revoked, and the delay is there for that.
        let publisher = release.publisher.to_string();
        let revocations = self.store.read(weft_store::keys::revocations)?;
        if revocations.iter().any(|r| r.did == publisher) {
            return Err(NodeError::coded(
                "untrusted",
                format!("the key of its publisher, {publisher}, was revoked: no update by it serves by itself"),
            )
            .try_this(format!(
                "if you know it to be good: weft install {}",
                row.release_cid
            )));
        }
        match replaced {
            Some(old) if old.name == release.name && old.publisher == release.publisher => Ok(()),
            old => Err(Refusal::WrongSoftware {
                asked: old.map_or_else(
                    || format!("an update of what serves `{target}`, where nothing does"),
                    |old| format!("an update of `{}` by {}", old.name, old.publisher),
                ),
                found: format!("`{}` by {}", release.name, release.publisher),
            }
            .into()),
        }
    }

    /// What may have changed while a release waited: revocations, trust, the series, its time, a quarantine, and what
    /// it would replace.
    pub(super) fn check_again(&self, going: &Going, opened: &Opened) -> Result<()> {
        let row = &going.row;
        self.check_series(going, opened)?;
        self.check_trust(opened)?;
        if Cause::parse(&row.cause) == Some(Cause::Update) {
            self.check_update(row, &opened.release)?;
        }
        let mut wants = self.wants(row, &opened.release)?;
        wants.retain(|want| !row.growth.contains(want));
        if !wants.is_empty() {
            return Err(NodeError::coded(
                "grown",
                format!(
                    "what serves changed since `{}` was checked, against which it {}",
                    opened.release.name,
                    wants.join(", ")
                ),
            )
            .try_this("install it again, to be asked about that"));
        }
        let cid = opened.cid.to_string();
        if let Some(out) = self.store.read(|tx| releases::quarantined(tx, &cid))? {
            return Err(NodeError::coded(
                "quarantined",
                format!(
                    "`{}` is out of service: {}",
                    opened.release.name, out.reason
                ),
            )
            .try_this(format!("weft quarantine lift {cid}")));
        }
        Ok(())
    }

    /// Is it the release that was asked for, above the high-water mark, in time, and the only one of its number?
    fn check_series(&self, going: &Going, opened: &Opened) -> Result<()> {
        let asked = Asked {
            release: Some(going.row.release_cid.parse()?),
            going_back: going.going_back,
            ..Asked::default()
        };
        let Err(refusal) = self.series(opened, &asked)? else {
            return Ok(());
        };
        if let Refusal::Equivocation { first, .. } = &refusal {
            self.keep_proof(&first.to_string(), &going.row.envelope, opened)?;
        }
        Err(refusal.into())
    }

    /// What its publisher's series says of a release, as far as it is known here.
    pub(crate) fn series(
        &self,
        opened: &Opened,
        asked: &Asked,
    ) -> Result<std::result::Result<(), Refusal>> {
        let release = &opened.release;
        let publisher = release.publisher.to_string();
        let cid = opened.cid.to_string();
        let known = self.store.read(|tx| -> Result<Known> {
            let high = releases::high_water(tx, &publisher, &release.name)?;
            let same_revision = releases::named(tx, &release.name)?
                .into_iter()
                .filter(|r| r.publisher == publisher && r.revision == release.revision)
                .map(|r| r.cid)
                .chain(
                    publishers::head(tx, &publisher, &release.name)?
                        .filter(|h| h.revision == release.revision)
                        .map(|h| h.release_cid),
                )
                .chain(on_their_way(tx, release)?)
                .find(|known| *known != cid);
            Ok(Known {
                high: match high {
                    Some(high) => Some((high.revision, high.release_cid.parse()?)),
                    None => None,
                },
                installed: releases::get(tx, &cid)?.is_some(),
                same_revision: match same_revision {
                    Some(cid) => Some(cid.parse()?),
                    None => None,
                },
            })
        })?;
        Ok(check(opened, asked, &known, self.now()))
    }

    /// Keeps both signed records: together they prove that their publisher used one number twice.
    pub(crate) fn keep_proof(&self, first: &str, envelope: &[u8], second: &Opened) -> Result<()> {
        let now = self.now();
        self.store.write(|tx| -> Result<()> {
            // The other one is here as a release, is on its way, or is known by its publisher's head alone.
            let coming = weft_store::installs::of_release(tx, first)?;
            let known = match (releases::get(tx, first)?, coming.into_iter().next()) {
                (Some(release), _) => Some(release.envelope),
                (None, Some(install)) => Some(install.envelope),
                (None, None) => publishers::head(
                    tx,
                    &second.release.publisher.to_string(),
                    &second.release.name,
                )?
                .map(|head| head.envelope),
            };
            let proof = Equivocation {
                publisher: second.release.publisher.to_string(),
                name: second.release.name.clone(),
                revision: second.release.revision,
                first_cid: first.to_owned(),
                second_cid: second.cid.to_string(),
                first: known.unwrap_or_default(),
                second: envelope.to_vec(),
                seen_at: now,
            };
            self.keep_equivocation(tx, &proof)
        })
    }

    /// Keeps what a publisher signed twice, and tells of it once.
    pub(super) fn keep_equivocation(&self, tx: &Write, proof: &Equivocation) -> Result<()> {
        if !publishers::add_equivocation(tx, proof)? {
            return Ok(());
        }
        self.alarm(
            tx,
            "release.equivocation",
            &proof.first_cid,
            &format!(
                "`{}` by {} has two releases of revision {}: {} and {}",
                proof.name, proof.publisher, proof.revision, proof.first_cid, proof.second_cid
            ),
        )
    }

    fn check_trust(&self, opened: &Opened) -> Result<()> {
        self.trusted_by(opened)?.map(|_| ()).map_err(|why| {
            let release = &opened.release;
            NodeError::coded(
                "untrusted",
                format!("no rule trusts `{}`: {why}", release.name),
            )
            .try_this(format!(
                "if you know the publisher ({}): weft trust add --name {} --target {} --role author --key {}",
                names::fingerprint(&release.publisher),
                release.name,
                match release.kind() {
                    Ok(Kind::Policy(slot)) => slot.name().to_owned(),
                    Ok(kind) => kind.word().to_owned(),
                    Err(_) => "*".into(),
                },
                release.publisher,
            ))
        })
    }

    /// By what a release is trusted, or why it is not.
    pub(crate) fn trusted_by(&self, opened: &Opened) -> Result<Result<String, String>> {
        Ok(
            match self.store.read(|tx| self.judge_release(tx, opened))? {
                Verdict::Trusted { by, .. } => Ok(by),
                Verdict::Refused(refusal) => Err(refusal.to_string()),
            },
        )
    }

    /// The bytes are of the declared size, of the declared kind, and import exactly what is declared.
    pub(crate) fn check_bytes(&self, release: &Release) -> Result<()> {
        let component = &release.component;
        let size = self.open_content(&component.cid)?.size();
        if size != component.size {
            return Err(NodeError::coded(
                "wrong-size",
                format!(
                    "the component has {size} bytes, its record says {}",
                    component.size
                ),
            )
            .try_this("ask its publisher for a correct release"));
        }
        let Some(kind) = engine_kind(release)? else {
            return self.check_skill(release);
        };
        let bytes = self.bytes_of(&component.cid, component.size)?;
        let found = weft_engine::inspect(&bytes).map_err(|e| {
            NodeError::coded("bad-component", format!("the component {e}"))
                .try_this("ask its publisher for a correct release")
        })?;
        let wrong = |what: &str, found: String, said: String| {
            Err(NodeError::coded(
                "hidden-import",
                format!("the component {what} {found}, its record says {said}"),
            )
            .try_this("do not install it: the record hides what the binary does"))
        };
        if found.kind != kind || found.kind.world() != release.world {
            return Err(NodeError::coded(
                "wrong-software",
                format!(
                    "the component is one of `{}`, its record says `{}`",
                    found.kind.world(),
                    release.world
                ),
            )
            .try_this("ask its publisher for a correct release"));
        }
        if found.imports != release.imports {
            return wrong("imports", list(&found.imports), list(&release.imports));
        }
        if let Code::Policy(_) = kind {
            let said = crate::descriptor::descriptor_of(&found)?.features;
            if said != release.features {
                return wrong("reads", list(&said), list(&release.features));
            }
        }
        let vectors = self.stored_vectors(release)?;
        if matches!(kind, Code::Policy(_)) && vectors.is_empty() {
            return Err(NodeError::coded(
                "no-vectors",
                format!(
                    "`{}` brings no golden vectors: nothing says what it must answer",
                    release.name
                ),
            )
            .try_this("ask its publisher for a release with vectors"));
        }
        Ok(())
    }

    /// A skill's payload is a safetensors file: a bounded header whose tensors are what follows it.
    pub(crate) fn check_skill(&self, release: &Release) -> Result<()> {
        let bad = |what: String| {
            NodeError::coded(
                "bad-skill",
                format!("the skill's payload is no safetensors file: {what}"),
            )
            .try_this("publish the `adapter_model.safetensors` that PEFT writes")
        };
        let mut reader = self.open_content(&release.component.cid)?;
        safetensors::check(&mut reader, release.component.size).map_err(bad)
    }

    /// Until when an update that came by itself waits; none when a second role says that it closes a hole.
    fn cool_down(&self, opened: &Opened) -> Result<Option<i64>> {
        if self
            .store
            .read(|tx| self.security_voucher(tx, opened))?
            .is_some()
        {
            return Ok(None);
        }
        let first = self
            .store
            .read(|tx| publishers::first_seen(tx, &opened.cid.to_string()))?
            .unwrap_or_else(|| self.now());
        Ok(Some(first.saturating_add(self.update_delay_ms())))
    }

    fn update_delay_ms(&self) -> i64 {
        let hours = self.settings.number("update_delay_hours").unwrap_or(48.0);
        (hours * 3_600_000.0) as i64
    }

    /// What an install replaces: what serves its target, of the same name where the slot is a chain.
    pub(super) fn replaced_by(
        &self,
        tx: &Read,
        row: &Row,
        release: &Release,
    ) -> Result<Option<Release>> {
        let Some(text) = &row.target else {
            return Ok(None);
        };
        let kind = release
            .kind()
            .map_err(|e| NodeError::refused(e.to_string()))?;
        let mut serving = Vec::new();
        for cid in Target::of_kind(text, kind)?.serving(tx)? {
            serving.push(self.find_release(tx, &cid.to_string())?.1);
        }
        let same = serving
            .iter()
            .position(|r| r.name == release.name && r.publisher == release.publisher);
        Ok(match same {
            Some(i) => Some(serving.swap_remove(i)),
            None => serving.pop(),
        })
    }
}

impl From<Refusal> for NodeError {
    fn from(refusal: Refusal) -> Self {
        let what = match &refusal {
            Refusal::Expired { at } => format!(
                "the release expired on {}; what it knows may be out of date",
                crate::clock::rfc3339(*at)
            ),
            other => other.to_string(),
        };
        Self::coded(refusal.code(), what).try_this(refusal.remedy())
    }
}

/// The releases of this name, publisher and revision whose installs wait or are under way.
fn on_their_way(tx: &Read, release: &Release) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for row in super::leftovers::under_way(tx)? {
        let other = super::leftovers::release_of(&row.envelope);
        let same = |o: &Release| {
            (&o.name, o.publisher, o.revision)
                == (&release.name, release.publisher, release.revision)
        };
        if other.is_some_and(|o| same(&o)) {
            out.push(row.release_cid);
        }
    }
    Ok(out)
}

/// What an envelope's failure is called.
pub(crate) fn envelope_error(e: &weft_release::EnvelopeError) -> NodeError {
    use weft_release::EnvelopeError as E;
    let (code, remedy) = match e {
        E::NoSignature => (
            "unsigned",
            "get it from its publisher, who signs what it publishes",
        ),
        E::SignedTwice { .. } | E::TooMany { .. } => (
            "bad-signature",
            "ask its publisher for a release that each key signed once",
        ),
        E::BadSignature { .. } => (
            "bad-signature",
            "fetch it again; if that does not help, do not trust the source",
        ),
        E::NotByPublisher { .. } => (
            "not-by-publisher",
            "ask the publisher that it names to sign it as author",
        ),
        _ => ("bad-release", "ask its publisher for a correct release"),
    };
    NodeError::coded(code, e.to_string()).try_this(remedy)
}

/// Opens an envelope: its signatures hold, and its publisher is among the authors.
pub(crate) fn open_envelope(bytes: &[u8]) -> Result<Opened> {
    Envelope::decode(bytes)
        .and_then(|e| e.open())
        .map_err(|e| envelope_error(&e))
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        return "nothing".into();
    }
    items
        .iter()
        .map(|i| format!("`{}`", weft_model::text::printable(i, 120)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Whether these are a record's golden vectors.
pub(crate) fn check_vectors(release: &Release, bytes: &[u8]) -> Result<()> {
    match &release.vectors {
        Some(cid) if content::record_cid(bytes) == *cid => {
            Vectors::decode(bytes, release.is_workload())
                .map(|_| ())
                .map_err(|e| {
                    NodeError::coded(
                        "bad-release",
                        format!("the release's golden vectors do not read: {e}"),
                    )
                    .try_this("ask its publisher for a correct release")
                })
        }
        _ => Err(
            NodeError::coded("incomplete", "the release's golden vectors are missing")
                .try_this("get the whole file"),
        ),
    }
}
