//! Releases as their publishers and validators make them: built from a file, signed, looked at, compared, published
//! into a folder, carried in a CAR file. Nothing here installs anything.

use crate::clock::rfc3339;
use crate::content::open_file;
use crate::error::{Code, NodeError, Result};
use crate::install::source::{Fetched, Preamble, preamble, staged};
use crate::install::verify::{envelope_error, open_envelope};
use crate::node::Node;
use crate::passphrase::Passphrase;
use crate::releases::read_component;
use crate::report::PackageReport;
use semver::Version;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use weft_ledger::Body;
use weft_model::{Cid, Instant, content};
use weft_release::diff::fields;
use weft_release::install::{Asked, Refusal};
use weft_release::kind::SKILL_WORLD;
use weft_release::record::{Component, Limits, Model};
use weft_release::{Envelope, Head, Kind, Release, Role, diff, statement};
use weft_store::publishers;
use weft_store::{Read, Write, meta, releases};

/// How long a head says what is newest, in milliseconds: 90 days. Publishing again renews it.
const HEAD_MS: i64 = 90 * 24 * 3_600_000;

/// How to make a release.
#[derive(Clone, Debug, Default)]
pub struct BuildWanted {
    /// The component file, or a skill's adapter.
    pub path: PathBuf,
    /// Which of the home's keys publishes. None: the owner's.
    pub key: Option<String>,
    /// What opens that key.
    pub passphrase: Option<Passphrase>,
    /// Its revision. None: one more than the last.
    pub revision: Option<u64>,
    /// When it is no longer installed.
    pub expires: Option<Instant>,
    /// Where its sources are.
    pub source: Option<String>,
    /// What the file does not say of itself, for a skill.
    pub skill: Option<SkillWanted>,
}

/// What a skill's file does not say of itself.
#[derive(Clone, Debug)]
pub struct SkillWanted {
    /// The skill's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The base model's CID; it must be content of this home, so that its size is known.
    pub base: String,
    /// For a person.
    pub description: String,
    /// Its field of knowledge.
    pub domain: Option<String>,
}

impl Node {
    /// Makes a release of a file, runs its golden vectors, signs it as author and keeps it. It serves nothing by that.
    ///
    /// # Errors
    /// What `weft plugin add` refuses, too.
    pub fn package_build(&self, wanted: &BuildWanted) -> Result<PackageReport> {
        let name = wanted.key.as_deref().unwrap_or(crate::keys::OWNER);
        let key = self.signing_key(name, wanted.passphrase.as_ref())?;
        let cid = match &wanted.skill {
            Some(skill) => self.build_skill(wanted, skill, &key)?,
            None => {
                let named = |e: NodeError| NodeError {
                    message: format!("`{}` {}", wanted.path.display(), e.message),
                    ..e
                };
                let bytes = read_component(&wanted.path)?;
                let mut prepared = self
                    .prepare(&bytes, &key, self.now(), wanted.revision)
                    .map_err(named)?;
                prepared.release.expires = wanted.expires;
                prepared.release.source.clone_from(&wanted.source);
                prepared
                    .release
                    .validate()
                    .map_err(|e| NodeError::refused(format!("it makes no valid release: {e}")))?;
                self.run_vectors(&prepared).map_err(named)?;
                let envelope = crate::releases::sign(&prepared.release, Role::Author, &key)?;
                self.keep(&bytes, &prepared, &envelope)?
            }
        };
        self.package_report(&self.stored_package(&cid.to_string())?)
    }

    fn build_skill(
        &self,
        wanted: &BuildWanted,
        skill: &SkillWanted,
        key: &ed25519_dalek::SigningKey,
    ) -> Result<Cid> {
        let base: Cid = skill.base.parse()?;
        let base_size = self
            .open_content(&base)
            .map_err(|e| e.try_this("add the base model first: weft content add FILE"))?
            .size();
        let (file, _) = open_file(&wanted.path)?;
        let (adapter, _) = match config_beside(&wanted.path)? {
            Some(config) => {
                let whole = crate::models::with_config(file, &config)?;
                self.put_stream(whole, Some(crate::keys::OWNER))?
            }
            None => self.put_stream(file, Some(crate::keys::OWNER))?,
        };
        let size = self.open_content(&adapter)?.size();
        let publisher = crate::keys::did(key);
        let now = self.now();
        let revision = match wanted.revision {
            Some(revision) => revision,
            None => self.store.read(|tx| -> Result<u64> {
                Ok(
                    releases::high_water(tx, &publisher.to_string(), &skill.name)?
                        .map_or(1, |h| h.revision + 1),
                )
            })?,
        };
        let release = Release {
            name: skill.name.clone(),
            publisher,
            version: Version::parse(&skill.version)
                .map_err(|e| NodeError::invalid(format!("version `{}`: {e}", skill.version)))?,
            revision,
            world: SKILL_WORLD.into(),
            component: Component { cid: adapter, size },
            imports: Vec::new(),
            features: Vec::new(),
            limits: Limits::most(Kind::Skill),
            failure: None,
            config_schema: None,
            models: vec![Model {
                name: "base".into(),
                cid: base,
                size: base_size,
            }],
            vectors: None,
            created: now,
            expires: wanted.expires,
            source: wanted.source.clone(),
            license: None,
            description: skill.description.clone(),
            domain: skill.domain.clone(),
            effectiveness: None,
            supersedes: None,
        };
        self.check_skill(&release)?;
        let envelope = crate::releases::sign(&release, Role::Author, key)?;
        let bytes = envelope
            .encode()
            .map_err(|e| NodeError::internal(e.to_string()))?;
        let opened = open_envelope(&bytes)?;
        self.store
            .write(|tx| self.keep_release(tx, &opened, &bytes))?;
        self.content_unpin(&adapter.to_string())?;
        Ok(opened.cid)
    }

    /// Adds a signature to a release: of this home, or of a CAR file, which is then written anew to `out`.
    ///
    /// # Errors
    /// When the key signed already, or the file is there.
    pub fn package_sign(
        &self,
        reference: &str,
        role: &str,
        key: Option<&str>,
        passphrase: Option<&Passphrase>,
        out: Option<&Path>,
    ) -> Result<PackageReport> {
        let role = parse_role(role)?;
        let key = self.signing_key(key.unwrap_or(crate::keys::OWNER), passphrase)?;
        self.look_at(reference, |package| self.signed(package, role, &key, out))
    }

    fn signed(
        &self,
        package: &Fetched,
        role: Role,
        key: &ed25519_dalek::SigningKey,
        out: Option<&Path>,
    ) -> Result<PackageReport> {
        let mut envelope = Envelope::decode(&package.envelope).map_err(|e| envelope_error(&e))?;
        envelope.sign(role, key).map_err(|e| envelope_error(&e))?;
        let signed = Fetched {
            envelope: envelope
                .encode()
                .map_err(|e| NodeError::refused(e.to_string()))?,
            opened: envelope.open().map_err(|e| envelope_error(&e))?,
            source: package.source.clone(),
            warnings: Vec::new(),
        };
        let cid = signed.opened.cid.to_string();
        self.store.write(|tx| -> Result<()> {
            if releases::get(tx, &cid)?.is_some() {
                releases::set_envelope(tx, &cid, &signed.envelope)?;
            }
            Ok(())
        })?;
        match out {
            Some(out) => self.write_car(&signed, out),
            None if package.source.is_some() => Err(NodeError::invalid(
                "a CAR file's new signature must be written somewhere",
            )
            .try_this("-o FILE.car")),
            None => self.package_report(&signed),
        }
    }

    /// A release and what this home makes of it; nothing is kept. What takes a compiler, its golden vectors, is left to the
    /// install.
    ///
    /// # Errors
    /// When its signatures do not hold, its bytes are not what its record says, it is over, older than what was accepted,
    /// or not the only one of its number.
    pub fn package_verify(&self, reference: &str) -> Result<PackageReport> {
        self.look_at(reference, |package| {
            let asked = Asked {
                going_back: true,
                ..Asked::default()
            };
            self.series(&package.opened, &asked)??;
            self.check_bytes(&package.opened.release)?;
            self.package_report(package)
        })
    }

    /// A release's fields and signatures.
    ///
    /// # Errors
    /// When there is no such release.
    pub fn package_inspect(&self, reference: &str) -> Result<PackageReport> {
        self.look_at(reference, |package| self.package_report(package))
    }

    /// What changes from one release to another, a line per field.
    ///
    /// # Errors
    /// When there is no such release.
    pub fn package_diff(&self, a: &str, b: &str) -> Result<Vec<String>> {
        self.look_at(a, |a| {
            self.look_at(b, |b| Ok(diff(&a.opened.release, &b.opened.release)))
        })
    }

    /// Signs a release into its publisher's log as the newest of its name and, where a folder is given, puts it there
    /// for others: the CAR file, then the head that names it. The head holds for 90 days, and no longer than the release;
    /// publishing the same release again renews it.
    ///
    /// # Errors
    /// When the key is not the publisher's, or a newer or other release of that revision is published already.
    pub fn package_publish(
        &self,
        reference: &str,
        to: Option<&Path>,
        key: Option<&str>,
        passphrase: Option<&Passphrase>,
    ) -> Result<PackageReport> {
        let package = self.stored_package(reference)?;
        let release = &package.opened.release;
        let name = key.unwrap_or(crate::keys::OWNER);
        let signer = self.signing_key(name, passphrase)?;
        if crate::keys::did(&signer) != release.publisher {
            return Err(NodeError::refused(format!(
                "the key `{name}` is not that of the publisher `{}`",
                release.publisher
            ))
            .try_this("name the publisher's key with --key; `weft key list` shows yours"));
        }
        let publisher = release.publisher.to_string();
        let known = self
            .store
            .read(|tx| publishers::head(tx, &publisher, &release.name))?;
        if let Some(known) = &known
            && (known.revision > release.revision
                || (known.revision == release.revision
                    && known.release_cid != package.opened.cid.to_string()))
        {
            return Err(NodeError::new(
                Code::Conflict,
                format!(
                    "revision {} of `{}` is published already",
                    known.revision, release.name
                ),
            )
            .try_this("build it with a higher --revision"));
        }
        let now = self.now();
        let head = Head {
            publisher: release.publisher,
            name: release.name.clone(),
            revision: release.revision,
            release: package.opened.cid,
            published: now,
            expires: Some(
                release
                    .expires
                    .map_or(now + HEAD_MS, |end| end.min(now + HEAD_MS)),
            ),
        };
        let sealed =
            statement::seal(&head, &[&signer]).map_err(|e| NodeError::refused(e.to_string()))?;
        let mut report = self.package_report(&package)?;
        if let Some(folder) = to {
            let heads = folder.join("heads").join(&publisher);
            std::fs::create_dir_all(&heads).map_err(|e| NodeError::file(&heads, &e))?;
            let car = folder.join(format!("{}.car", package.opened.cid));
            if !car.exists() {
                report = self.write_car(&package, &car)?;
            }
            // The head last: who sees it finds the file that it names.
            let path = heads.join(format!("{}.head", release.name));
            crate::home::write_whole(&path, &sealed, 0o644)?;
            report.file = Some(folder.display().to_string());
        }
        let source = to.map_or_else(String::new, |f| f.display().to_string());
        let row = publishers::Head {
            publisher: publisher.clone(),
            name: release.name.clone(),
            revision: release.revision,
            release_cid: package.opened.cid.to_string(),
            published_at: now,
            seen_at: now,
            checked_at: now,
            source,
            envelope: sealed,
        };
        if known.is_some_and(|k| k.revision == release.revision) {
            // Said again: the head is renewed, the log has it already.
            self.store.write(|tx| publishers::put_head(tx, &row))?;
            return Ok(report);
        }
        self.append(
            |tx| {
                publishers::put_head(tx, &row)?;
                self.feed(
                    tx,
                    "release.published",
                    Some(&row.release_cid),
                    &format!(
                        "`{}` {} (revision {}) is published",
                        release.name, release.version, release.revision
                    ),
                )
            },
            || Body::ReleasePublished {
                publisher: release.publisher,
                name: release.name.clone(),
                revision: release.revision,
                release: package.opened.cid,
            },
        )?;
        Ok(report)
    }

    /// Writes a release with its bytes as a CAR file.
    ///
    /// # Errors
    /// When it is not here, or the file is.
    pub fn package_export(&self, reference: &str, out: &Path) -> Result<PackageReport> {
        self.write_car(&self.stored_package(reference)?, out)
    }

    /// Brings a CAR file's release into this home, so that it can be installed without the file. It serves nothing by
    /// that, and nobody has to trust it for that.
    ///
    /// # Errors
    /// When its signatures do not hold, or its bytes are not what its record says.
    pub fn package_import(&self, path: &Path) -> Result<PackageReport> {
        let package = self.fetch_car(path, None)?;
        let cid = package.opened.cid;
        self.check_bytes(&package.opened.release)
            .inspect_err(|_| self.forget_fetched_or_say(&cid))?;
        if let Err(refusal @ Refusal::Equivocation { .. }) =
            self.series(&package.opened, &Asked::default())?
        {
            if let Refusal::Equivocation { first, .. } = &refusal {
                self.keep_proof(&first.to_string(), &package.envelope, &package.opened)?;
            }
            self.forget_fetched_or_say(&cid);
            return Err(refusal.into());
        }
        let now = self.now();
        self.store.write(|tx| -> Result<()> {
            publishers::see(tx, &cid.to_string(), now)?;
            weft_store::content::pin(
                tx,
                &package.opened.release.component.cid.to_string(),
                &imported(&cid),
                now,
            )?;
            let envelope = content::record_cid(&package.envelope).to_string();
            weft_store::blocks::put(tx, &envelope, &package.envelope, now)?;
            meta::set(tx, &imported(&cid), &envelope)?;
            weft_store::content::unpin_all(tx, &staged(&cid))?;
            meta::remove(tx, &staged(&cid))?;
            Ok(())
        })?;
        self.package_report(&package)
    }

    /// An imported release that is not installed yet.
    pub(crate) fn imported_package(&self, cid: &Cid) -> Result<Option<Fetched>> {
        let found = self.store.read(|tx| -> Result<Option<Vec<u8>>> {
            Ok(match meta::get(tx, &imported(cid))? {
                Some(envelope) => weft_store::blocks::get(tx, &envelope)?,
                None => None,
            })
        })?;
        found
            .map(|envelope| {
                Ok(Fetched {
                    opened: open_envelope(&envelope)?,
                    envelope,
                    source: Some("imported".into()),
                    warnings: Vec::new(),
                })
            })
            .transpose()
    }

    /// Forgets that a release was imported: it is installed now.
    pub(crate) fn forget_import(&self, tx: &Write, cid: &Cid) -> Result<()> {
        let key = imported(cid);
        if let Some(envelope) = meta::get(tx, &key)? {
            weft_store::blocks::remove(tx, &envelope)?;
            meta::remove(tx, &key)?;
            weft_store::content::unpin_all(tx, &key)?;
        }
        Ok(())
    }

    fn write_car(&self, package: &Fetched, out: &Path) -> Result<PackageReport> {
        if out.exists() {
            return Err(NodeError::new(
                Code::Conflict,
                format!("`{}` is there already", out.display()),
            )
            .try_this("name another file, or remove that one"));
        }
        let release = &package.opened.release;
        let vectors = match &release.vectors {
            Some(cid) => self
                .store
                .read(|tx| weft_store::blocks::get(tx, &cid.to_string()))?,
            None => None,
        };
        let Preamble { roots, records } = preamble(release, &package.envelope, vectors)?;
        let folder = out.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let io = |e: std::io::Error| NodeError::file(out, &e);
        // For others, as far as the process's mask lets them.
        let mut file = tempfile::Builder::new()
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(io)?;
        let mut writer = BufWriter::new(file.as_file_mut());
        let bytes = self.export_car(&roots, &records, &[release.component.cid], &mut writer)?;
        writer.flush().map_err(io)?;
        drop(writer);
        file.as_file().sync_all().map_err(io)?;
        file.persist_noclobber(out).map_err(|e| io(e.error))?;
        let mut report = self.package_report(package)?;
        report.file = Some(out.display().to_string());
        report.bytes = Some(bytes);
        Ok(report)
    }

    /// Looks at a release of this home, or of a CAR file, of which nothing is kept.
    fn look_at<T>(&self, reference: &str, look: impl FnOnce(&Fetched) -> Result<T>) -> Result<T> {
        if !reference.contains('/') && !reference.ends_with(".car") {
            return look(&self.stored_package(reference)?);
        }
        let package = self.fetch_car(Path::new(reference), None)?;
        let seen = look(&package);
        self.forget_fetched(&package.opened.cid)?;
        seen
    }

    pub(crate) fn stored_package(&self, reference: &str) -> Result<Fetched> {
        if let Ok(cid) = reference.parse()
            && let Some(imported) = self.imported_package(&cid)?
        {
            return Ok(imported);
        }
        let envelope = self.store.read(|tx: &Read| -> Result<Vec<u8>> {
            let (cid, _) = self.find_release(tx, reference)?;
            releases::get(tx, &cid.to_string())?
                .map(|row| row.envelope)
                .ok_or_else(|| NodeError::not_found(format!("no release `{cid}` is here")))
        })?;
        Ok(Fetched {
            opened: open_envelope(&envelope)?,
            envelope,
            source: None,
            warnings: Vec::new(),
        })
    }

    /// What a person should look at: names that resemble this one, an end that is over, files that are not here.
    pub(crate) fn release_warnings(&self, release: &Release) -> Result<Vec<String>> {
        let mut warnings: Vec<String> = self
            .store
            .read(|tx| self.name_warnings(tx, release))?
            .iter()
            .map(ToString::to_string)
            .collect();
        if release.is_expired(self.now()) {
            warnings.push(format!(
                "it expired at {}",
                release.expires.map(rfc3339).unwrap_or_default()
            ));
        }
        for model in &release.models {
            if !self.content.has(&model.cid)? {
                warnings.push(format!(
                    "its model `{}` ({}) is not here; add it with `weft content add`",
                    model.name, model.cid
                ));
            }
        }
        Ok(warnings)
    }

    pub(crate) fn package_report(&self, package: &Fetched) -> Result<PackageReport> {
        let release = &package.opened.release;
        let trust = self.trusted_by(&package.opened)?;
        let warnings = self.release_warnings(release)?;
        Ok(PackageReport {
            release: package.opened.cid.to_string(),
            fields: fields(release)
                .into_iter()
                .map(|(name, value)| match (name.as_str(), value.parse()) {
                    ("created" | "expires", Ok(at)) => (name, rfc3339(at)),
                    _ => (name, value),
                })
                .collect(),
            signatures: package
                .opened
                .signers
                .iter()
                .map(|(role, key)| (role.to_string(), key.to_string()))
                .collect(),
            trusted: trust.is_ok(),
            trust: match trust {
                Ok(by) => by,
                Err(why) => why,
            },
            warnings,
            file: package.source.clone(),
            bytes: None,
            public: Vec::new(),
        })
    }
}

/// Who holds the content of an imported release, and the key of its envelope's CID in `meta`.
fn imported(release: &Cid) -> String {
    format!("import {release}")
}

fn parse_role(word: &str) -> Result<Role> {
    Role::parse(word).ok_or_else(|| {
        let words = Role::ALL.map(Role::word).join(", ");
        NodeError::invalid(format!("`{word}` is no role; allowed are {words}"))
    })
}

/// The `adapter_config.json` beside a skill's file, which the file is to carry.
fn config_beside(path: &Path) -> Result<Option<String>> {
    let path = path.with_file_name("adapter_config.json");
    match std::fs::read_to_string(&path) {
        Ok(config) if config.len() as u64 <= crate::models::CONFIG_BYTES => Ok(Some(config)),
        Ok(_) => Err(NodeError::refused(format!(
            "`{}` has more than {} bytes",
            path.display(),
            crate::models::CONFIG_BYTES
        ))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(NodeError::file(&path, &e)),
    }
}
