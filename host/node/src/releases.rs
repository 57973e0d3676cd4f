//! Releases of this node: made from component files, checked, signed, kept, looked at.

use crate::compiling::Compiled;
use crate::descriptor::{descriptor_of, vectors_of};
use crate::error::{Code, NodeError, Result};
use crate::install::source::staged;
use crate::install::verify::open_envelope;
use crate::node::Node;
use crate::report::ReleaseReport;
use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use std::io::Read as _;
use std::path::Path;
use weft_engine::inspect::Kind;
use weft_engine::{CheckError, Inspected};
use weft_model::limits::COMPONENT_BYTES;
use weft_model::vector::Vectors;
use weft_model::{Cid, Instant, content};
use weft_release::record::{Component, Limits};
use weft_release::unixfs::file_cid;
use weft_release::{Envelope, Release, Role};
use weft_store::{Read, Write, releases};

/// State of a release that passed every check and may serve.
pub const VERIFIED: &str = "verified";

/// A component that was checked, with the release made of it.
pub(crate) struct Prepared {
    pub release: Release,
    pub vectors: Vectors,
    pub vector_bytes: Vec<u8>,
    /// Native code; none where it is compiled later.
    pub code: Option<Vec<u8>>,
    pub inspected: Inspected,
}

impl Node {
    /// Checks a component file, makes its release, signs it with the owner's key, runs its golden vectors, and keeps
    /// it. Nothing is kept when a check fails.
    ///
    /// # Errors
    /// What was found, what is allowed, and what to do; the message names the file.
    pub fn release_add(
        &self,
        path: &Path,
        wanted: &str,
        revision: Option<u64>,
    ) -> Result<ReleaseReport> {
        let bytes = read_component(path)?;
        let named = |e: NodeError| NodeError {
            message: format!("`{}` {}", path.display(), e.message),
            ..e
        };
        let prepared = self
            .prepare(&bytes, &self.owner_key(), self.now(), revision)
            .map_err(named)?;
        let kind = kind_word(prepared.inspected.kind);
        if kind != wanted {
            return Err(
                named(NodeError::refused(format!("is a {kind}, not a {wanted}"))).try_this(
                    format!(
                        "add it with `weft {}`",
                        if kind == "policy" {
                            "plugin add"
                        } else {
                            "workload add"
                        }
                    ),
                ),
            );
        }
        if let Some(same) = self.added_before(&prepared.release)? {
            return self.release_report(&same);
        }
        self.run_vectors(&prepared).map_err(named)?;
        let envelope = sign(&prepared.release, Role::Author, &self.owner_key())?;
        let cid = self.keep(&bytes, &prepared, &envelope)?;
        self.release_report(&cid)
    }

    /// Checks bytes and makes a release of them, without keeping anything.
    pub(crate) fn prepare(
        &self,
        bytes: &[u8],
        publisher: &SigningKey,
        created: Instant,
        revision: Option<u64>,
    ) -> Result<Prepared> {
        self.prepare_compiled(bytes, self.compile(bytes)?, publisher, created, revision)
    }

    /// As [`Self::prepare`], of bytes that are compiled already.
    pub(crate) fn prepare_compiled(
        &self,
        bytes: &[u8],
        (inspected, code): Compiled,
        publisher: &SigningKey,
        created: Instant,
        revision: Option<u64>,
    ) -> Result<Prepared> {
        let descriptor = descriptor_of(&inspected)?;
        if let (Some(said), Kind::Policy(slot)) = (&descriptor.slot, inspected.kind)
            && said != slot.name()
        {
            return Err(NodeError::refused(format!(
                "says that it is a plugin of `{}` but exports `{}`",
                weft_model::text::printable(said, 80),
                slot.interface()
            ))
            .try_this("build it again for the slot that it is meant for"));
        }
        let schema = match &descriptor.config_schema {
            Some(schema) => Some(serde_json::to_string(schema).map_err(NodeError::internal)?),
            None => None,
        };
        let vectors = vectors_of(&descriptor, inspected.kind)?;
        let vector_bytes = vectors.encode()?;
        let world = inspected.kind.world();
        let kind =
            weft_release::Kind::of_world(&world).map_err(|e| NodeError::refused(e.to_string()))?;
        let mut limits = Limits::most(kind);
        let asked = descriptor.limits.unwrap_or_default();
        limits.fuel = asked.fuel.unwrap_or(limits.fuel);
        limits.memory_bytes = asked.memory_bytes.unwrap_or(limits.memory_bytes);
        limits.deadline_ms = asked.deadline_ms.unwrap_or(limits.deadline_ms);
        limits.output_bytes = asked.output_bytes.unwrap_or(limits.output_bytes);
        let publisher = crate::keys::did(publisher);
        let component = file_cid(bytes).map_err(|e| NodeError::refused(e.to_string()))?;
        let revision = match revision {
            Some(revision) => revision,
            None => self.next_revision(&publisher.to_string(), &descriptor.name, &component)?,
        };
        let release = Release {
            name: descriptor.name,
            publisher,
            version: semver::Version::parse(&descriptor.version).map_err(|e| {
                NodeError::refused(format!("has version `{}`: {e}", descriptor.version))
            })?,
            revision,
            world,
            component: Component {
                cid: component,
                size: bytes.len() as u64,
            },
            imports: inspected.imports.clone(),
            features: descriptor.features,
            limits,
            failure: match inspected.kind {
                Kind::Policy(slot) => Some(slot.failure()),
                Kind::Workload(_) => None,
            },
            config_schema: schema,
            models: Vec::new(),
            vectors: (!vectors.is_empty()).then(|| content::record_cid(&vector_bytes)),
            created,
            expires: None,
            source: None,
            license: descriptor.license,
            description: descriptor.description,
            domain: None,
            effectiveness: None,
            supersedes: None,
        };
        release
            .validate()
            .map_err(|e| NodeError::refused(format!("makes no valid release: {e}")))?;
        Ok(Prepared {
            release,
            vectors,
            vector_bytes,
            code,
            inspected,
        })
    }

    /// The release that was made of the same component under the same number: when it was made is all that differs.
    fn added_before(&self, release: &Release) -> Result<Option<Cid>> {
        let rows = self.store.read(|tx| releases::named(tx, &release.name))?;
        for row in rows {
            let kept = Release::decode(&row.record).map_err(NodeError::internal)?;
            let again = Release {
                created: kept.created,
                ..release.clone()
            };
            if kept == again {
                return Ok(Some(row.cid.parse()?));
            }
        }
        Ok(None)
    }

    /// The same component keeps its revision, so that adding it twice is the same release.
    fn next_revision(&self, publisher: &str, name: &str, component: &Cid) -> Result<u64> {
        self.store.read(|tx| {
            let same = releases::named(tx, name)?
                .into_iter()
                .find(|r| r.publisher == publisher && r.component_cid == component.to_string());
            if let Some(same) = same {
                return Ok(same.revision);
            }
            Ok(releases::high_water(tx, publisher, name)?.map_or(1, |high| high.revision + 1))
        })
    }

    /// Keeps a prepared release: component, record, vectors and native code.
    pub(crate) fn keep(
        &self,
        bytes: &[u8],
        prepared: &Prepared,
        envelope: &Envelope,
    ) -> Result<Cid> {
        let release = &prepared.release;
        let signed = envelope
            .encode()
            .map_err(|e| NodeError::internal(e.to_string()))?;
        let opened = open_envelope(&signed)?;
        let cid = opened.cid;
        let component = release.component.cid;
        let holder = staged(&cid);
        self.put_stream(bytes, Some(&holder))?;
        let now = self.now();
        let vectors = (!prepared.vectors.is_empty()).then(|| {
            (
                content::record_cid(&prepared.vector_bytes),
                &prepared.vector_bytes,
            )
        });
        let key = self.cache_key(prepared.inspected.kind)?;
        let digest = match &prepared.code {
            Some(code) => Some(
                self.cache
                    .store(&component, &key, code)
                    .map_err(|e| NodeError::file(&self.home.cache(), &e))?,
            ),
            None => None,
        };
        let kept = self.store.write(|tx: &Write| -> Result<()> {
            if releases::get(tx, &cid.to_string())?.is_none() {
                let publisher = release.publisher.to_string();
                let high = releases::high_water(tx, &publisher, &release.name)?;
                if let Some(high) = high.filter(|h| release.revision <= h.revision) {
                    return Err(NodeError::new(
                        Code::Conflict,
                        format!(
                            "revision {} of `{}` is not above {}, the highest that this home has seen",
                            release.revision, release.name, high.revision
                        ),
                    )
                    .try_this("leave `--revision` out, or give a higher one"));
                }
                self.keep_release(tx, &opened, &signed)?;
            } else {
                weft_store::content::pin(tx, &component.to_string(), &cid.to_string(), now)?;
            }
            weft_store::content::unpin_all(tx, &holder)?;
            if let Some((cid, bytes)) = vectors {
                weft_store::blocks::put(tx, &cid.to_string(), bytes, now)?;
            }
            if let Some(digest) = &digest {
                let digest = HEXLOWER.encode(digest);
                releases::put_native(tx, &component.to_string(), &key, &digest, now)?;
            }
            Ok(())
        });
        if kept.is_err() {
            self.forget_fetched_or_say(&cid);
        }
        kept.map(|()| cid)
    }

    /// The native code of a stored component: from the cache when its digest is right, else compiled again.
    pub(crate) fn native_code(&self, release: &Release, kind: Kind) -> Result<Vec<u8>> {
        let component = release.component.cid;
        let key = self.cache_key(kind)?;
        let known = self
            .store
            .read(|tx| releases::native(tx, &component.to_string(), &key))?;
        if let Some(digest) =
            known.and_then(|n| HEXLOWER.decode(n.digest.as_bytes()).ok()?.try_into().ok())
            && let Some(code) = self.cache.load(&component, &key, &digest)
        {
            return Ok(code);
        }
        tracing::info!(
            name = release.name,
            "compiling: the native cache has no valid code for it"
        );
        let bytes = self.bytes_of(&component, COMPONENT_BYTES)?;
        let (_, code) = self.compile(&bytes)?;
        let code = code.unwrap_or_default();
        let digest = self
            .cache
            .store(&component, &key, &code)
            .map_err(|e| NodeError::file(&self.home.cache(), &e))?;
        crate::install::faults::point("cached");
        let now = self.now();
        self.store.write(|tx| {
            releases::put_native(
                tx,
                &component.to_string(),
                &key,
                &HEXLOWER.encode(&digest),
                now,
            )
        })?;
        Ok(code)
    }

    fn cache_key(&self, kind: Kind) -> Result<String> {
        Ok(match kind {
            Kind::Policy(_) => self.policies.cache_key(),
            Kind::Workload(_) => self.workloads()?.cache_key(),
        })
    }

    /// A stored release by CID, or the one that a name means.
    pub(crate) fn find_release(&self, tx: &Read, target: &str) -> Result<(Cid, Release)> {
        let row = match target.parse::<Cid>() {
            Ok(cid) => releases::get(tx, &cid.to_string())?,
            Err(_) => self.release_named(tx, target)?,
        };
        let row = row.ok_or_else(|| {
            NodeError::not_found(format!("no release `{target}` is in this home"))
                .try_this("list them with `weft plugin list` and `weft workload list`; add one with `weft plugin add FILE`")
        })?;
        let release =
            Release::decode(&row.record).map_err(|e| NodeError::internal(e.to_string()))?;
        Ok((row.cid.parse()?, release))
    }

    /// All releases of a kind, or of every kind.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn release_list(&self, kind: Option<&str>) -> Result<Vec<ReleaseReport>> {
        let cids = self.store.read(|tx| {
            Ok::<_, NodeError>(
                releases::list(tx, kind)?
                    .into_iter()
                    .map(|r| r.cid)
                    .collect::<Vec<_>>(),
            )
        })?;
        cids.iter()
            .map(|cid| self.release_report(&cid.parse()?))
            .collect()
    }

    /// A stored release, or a component file that is not stored.
    ///
    /// # Errors
    /// When there is neither.
    pub fn release_inspect(&self, target: &str) -> Result<ReleaseReport> {
        let path = Path::new(target);
        if target.parse::<Cid>().is_err() && path.is_file() {
            let bytes = read_component(path)?;
            let named = |e: NodeError| NodeError {
                message: format!("`{}` {}", path.display(), e.message),
                ..e
            };
            let prepared = self
                .prepare(&bytes, &self.owner_key(), self.now(), None)
                .map_err(named)?;
            return Ok(self.report_of(None, &prepared.release, "not stored", None));
        }
        let cid = self
            .store
            .read(|tx| self.find_release(tx, target).map(|(cid, _)| cid))?;
        self.release_report(&cid)
    }

    pub(crate) fn release_report(&self, cid: &Cid) -> Result<ReleaseReport> {
        self.store.read(|tx| {
            let (_, release) = self.find_release(tx, &cid.to_string())?;
            let row = releases::get(tx, &cid.to_string())?;
            let state = match releases::quarantined(tx, &cid.to_string())? {
                Some(_) => "quarantined".to_owned(),
                None => row.map_or_else(String::new, |r| r.state),
            };
            let vectors = match &release.vectors {
                Some(vectors) => weft_store::blocks::get(tx, &vectors.to_string())?
                    .and_then(|b| Vectors::decode(&b, release.is_workload()).ok())
                    .map(|v| v.len()),
                None => None,
            };
            let mut report = self.report_of(Some(cid), &release, &state, vectors);
            for (slot, binding) in weft_store::slots::all(tx)? {
                if binding.release_cid != cid.to_string() {
                    continue;
                }
                if binding.mode == weft_store::slots::Mode::Enforce {
                    report.serves.push(slot);
                } else if report.state == VERIFIED {
                    report.state = binding.mode.to_string();
                }
            }
            for bound in weft_store::bound::WORKLOADS.list(tx)?.rows {
                if bound.release_cid == cid.to_string() {
                    report.serves.push(bound.name);
                }
            }
            for bound in weft_store::bound::SKILLS.list(tx)?.rows {
                if bound.release_cid == cid.to_string() {
                    report.serves.push(format!("skill/{}", bound.name));
                }
            }
            if report.state == VERIFIED && !report.serves.is_empty() {
                report.state = "active".into();
            }
            Ok(report)
        })
    }

    fn report_of(
        &self,
        cid: Option<&Cid>,
        release: &Release,
        state: &str,
        vectors: Option<usize>,
    ) -> ReleaseReport {
        ReleaseReport {
            cid: cid.map(Cid::to_string).unwrap_or_default(),
            name: release.name.clone(),
            version: release.version.to_string(),
            revision: release.revision,
            kind: release
                .kind()
                .map_or_else(|_| String::new(), |k| k.word().to_owned()),
            slot: release.slot().map(|s| s.name().to_owned()),
            world: release.world.clone(),
            component: release.component.cid.to_string(),
            size: release.component.size,
            publisher: release.publisher.to_string(),
            imports: release.imports.clone(),
            features: release.features.clone(),
            description: release.description.clone(),
            serves: Vec::new(),
            state: state.to_owned(),
            vectors,
            config_schema: release
                .config_schema
                .as_deref()
                .and_then(|text| weft_release::config::parse_schema(text).ok()),
        }
    }

    /// Runs a component's golden vectors: a stored release or a file.
    ///
    /// # Errors
    /// When one fails, naming it.
    pub fn plugin_test(&self, target: &str) -> Result<ReleaseReport> {
        if let Some(prepared) = self.prepare_file(target)? {
            self.run_vectors(&prepared)
                .map_err(|e| of_file(target, e))?;
            let count = Some(prepared.vectors.len());
            return Ok(self.report_of(None, &prepared.release, "tested", count));
        }
        let (cid, release) = self.store.read(|tx| self.find_release(tx, target))?;
        let bytes = self.bytes_of(&release.component.cid, COMPONENT_BYTES)?;
        let prepared = self.prepare(&bytes, &self.owner_key(), self.now(), None)?;
        self.run_vectors(&prepared)?;
        let count = Some(prepared.vectors.len());
        Ok(self.report_of(Some(&cid), &release, "tested", count))
    }

    /// What a file holds, where a target is one and no release's CID: checked, and nothing of it kept.
    pub(crate) fn prepare_file(&self, target: &str) -> Result<Option<Prepared>> {
        let path = Path::new(target);
        if target.parse::<Cid>().is_ok() || !path.is_file() {
            return Ok(None);
        }
        let bytes = read_component(path)?;
        let prepared = self.prepare(&bytes, &self.owner_key(), self.now(), None);
        prepared.map(Some).map_err(|e| of_file(target, e))
    }
}

/// Signs a release with one role.
pub(crate) fn sign(release: &Release, role: Role, key: &SigningKey) -> Result<Envelope> {
    let (bytes, _) = release
        .encode()
        .map_err(|e| NodeError::refused(e.to_string()))?;
    let mut envelope = Envelope::new(bytes);
    envelope
        .sign(role, key)
        .map_err(|e| NodeError::internal(e.to_string()))?;
    Ok(envelope)
}

/// An error about what a file holds, naming it.
fn of_file(path: &str, e: NodeError) -> NodeError {
    NodeError {
        message: format!("`{path}` {}", e.message),
        ..e
    }
}

/// Reads a component file of bounded size.
pub(crate) fn read_component(path: &Path) -> Result<Vec<u8>> {
    let io = |e: std::io::Error| NodeError::file(path, &e);
    // Looked at before it is opened: opening a pipe waits for its writer.
    let meta = std::fs::metadata(path).map_err(io)?;
    if !meta.is_file() {
        return Err(NodeError::refused(format!(
            "`{}` is no file",
            path.display()
        )));
    }
    if meta.len() > COMPONENT_BYTES {
        let error = CheckError::TooLarge {
            found: meta.len(),
            max: COMPONENT_BYTES,
        };
        return Err(NodeError::refused(format!("`{}` {error}", path.display())));
    }
    let file = std::fs::File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(COMPONENT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    Ok(bytes)
}

pub(crate) fn refused(e: CheckError) -> NodeError {
    NodeError::refused(e.to_string())
}

pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Policy(_) => "policy",
        Kind::Workload(_) => "workload",
    }
}

pub(crate) fn policy_limits(release: &Release) -> weft_engine::policy::PolicyLimits {
    weft_engine::policy::PolicyLimits {
        fuel: release.limits.fuel,
        memory_bytes: release.limits.memory_bytes,
        deadline_ms: release.limits.deadline_ms,
        output_bytes: release.limits.output_bytes,
    }
}
