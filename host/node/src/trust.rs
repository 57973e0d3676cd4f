//! Whom this home trusts: `trust.toml`, read anew at each use, and what the home knows of keys.
//!
//! The file is the truth: what a person writes there counts at once. A file that can't be read or understood closes
//! everything but an error that names the line.

use crate::error::{Code, NodeError, Result};
use crate::home::write_whole;
use crate::key_report::{KeyReport, TrustKeyReport, TrustReport, TrustRuleReport, TrustTestReport};
use crate::keys;
use crate::node::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::PoisonError;
use weft_model::{Cid, Did, Instant};
use weft_release::envelope::Opened;
use weft_release::limits::{ENVELOPE_BYTES, STATEMENT_BYTES, TRUST_BYTES};
use weft_release::names::{self, fingerprint};
use weft_release::statement::{Revocation, Rotation, open};
use weft_release::trust::{AnyOf, Known, Listed, Rule, Successor};
use weft_release::{Envelope, Release, Role, Trust, Verdict};
use weft_store::{Read, Write, keys as rows, meta, publishers, releases};

/// Key in `meta` of the releases that the binary brought: a JSON object from component CID to release CID.
const BUNDLED: &str = "bundled";
/// First lines of a new `trust.toml`.
const HEADER: &str = "\
# Whom this home trusts. Read anew at each use; an empty file trusts only what came with Weft, and what this home's
# owner signed. `weft trust add --help` writes rules, and so may you:
#
#   [[rule]]
#   names = [\"scorer-*\"]                 # one name, or its beginning and one *
#   targets = [\"scorer\", \"workload\"]     # slots, workload, skill, or *
#   all_of = [{ role = \"author\", key = \"did:key:…\", comment = \"whose it is\" }]
#   security = [{ key = \"did:key:…\" }]   # may say that an update should not wait
#   [rule.any_of]                        # and so many distinct keys of these
#   minimum = 2
#   keys = [{ role = \"validator\", key = \"did:key:…\" }, { role = \"validator\", key = \"did:key:…\" }]
";

/// A rule as a person says it; read and checked when it is added.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RuleSpec {
    /// Names, or beginnings of names with a trailing `*`.
    pub names: Vec<String>,
    /// Slots, `workload`, `skill`, or `*`.
    pub targets: Vec<String>,
    /// As what the keys must sign: `author`, `validator` or `owner`.
    pub role: String,
    /// Their DIDs.
    pub keys: Vec<String>,
    /// So many of the keys are enough; none: all of them.
    pub minimum: Option<u32>,
    /// DIDs that may say that an update should not wait.
    pub security: Vec<String>,
    /// What it is for.
    pub comment: Option<String>,
}

impl RuleSpec {
    fn read(&self) -> Result<Rule> {
        fn all<T: FromStr<Err = String>>(texts: &[String]) -> Result<Vec<T>> {
            texts
                .iter()
                .map(|t| t.parse().map_err(NodeError::invalid))
                .collect()
        }
        let role = Role::parse(&self.role).ok_or_else(|| {
            NodeError::invalid("a key signs as author, validator or owner".to_owned())
        })?;
        let listed = |role: Role, dids: &[String]| -> Result<Vec<Listed>> {
            let one = |did: &String| {
                let key = did.parse::<Did>();
                let key = key.map_err(|e| NodeError::invalid(e.to_string()))?;
                Ok(Listed {
                    role,
                    key,
                    comment: None,
                })
            };
            dids.iter().map(one).collect()
        };
        let keys = listed(role, &self.keys)?;
        let (all_of, any_of) = match self.minimum {
            None => (keys, None),
            Some(minimum) => {
                let minimum = minimum as usize;
                (Vec::new(), Some(AnyOf { minimum, keys }))
            }
        };
        Ok(Rule {
            names: all(&self.names)?,
            targets: all(&self.targets)?,
            all_of,
            any_of,
            security: listed(Role::Security, &self.security)?,
            comment: self.comment.clone(),
        })
    }
}

/// What the home knows of keys, in one moment.
struct Keys {
    revoked: BTreeMap<Did, Instant>,
    rotated: BTreeMap<Did, Successor>,
    bundled: Vec<Cid>,
}

impl Node {
    /// The rules in force now.
    ///
    /// # Errors
    /// When the file can't be read or understood: nothing is trusted then.
    pub(crate) fn trust(&self) -> Result<Trust> {
        let path = self.trust_file();
        let Some(text) = self.trust_text()? else {
            return Ok(Trust::default());
        };
        Trust::parse(&text).map_err(|e| {
            NodeError::refused(format!(
                "`{}` {e}; until then nothing is trusted",
                path.display()
            ))
            .try_this("correct that line, or move the file away to trust only what came with Weft")
        })
    }

    /// What the rules say of a release whose envelope was opened.
    ///
    /// # Errors
    /// When the file is broken, or the database.
    pub(crate) fn judge_release(&self, tx: &Read, opened: &Opened) -> Result<Verdict> {
        let trust = self.trust()?;
        self.knowing(tx, opened, |known| trust.judge(opened, known))
    }

    /// The key that says that a trusted release closes a hole and should not wait.
    ///
    /// # Errors
    /// As [`Node::judge_release`].
    pub(crate) fn security_voucher(&self, tx: &Read, opened: &Opened) -> Result<Option<Did>> {
        let trust = self.trust()?;
        self.knowing(tx, opened, |known| trust.vouches_security(opened, known))
    }

    /// Names among the releases here that this one could be taken for.
    ///
    /// # Errors
    /// When the database can't be read.
    pub(crate) fn name_warnings(
        &self,
        tx: &Read,
        release: &Release,
    ) -> Result<Vec<names::Warning>> {
        let known: BTreeSet<(Did, String)> = releases::list(tx, None)?
            .into_iter()
            .filter_map(|r| Some((r.publisher.parse().ok()?, r.name)))
            .collect();
        let known = known.iter().map(|(did, name)| (did, name.as_str()));
        Ok(names::check(&release.publisher, &release.name, known))
    }

    /// The rules, for people.
    ///
    /// # Errors
    /// When the file is broken.
    pub fn trust_list(&self) -> Result<TrustReport> {
        let trust = self.trust()?;
        let bundled = self.store.read(bundled)?.len();
        Ok(TrustReport {
            path: self.trust_file().display().to_string(),
            rules: trust.rules().iter().zip(1..).map(rule_report).collect(),
            owner: keys::did(&self.owner_key()).to_string(),
            bundled: bundled as u64,
        })
    }

    /// Adds a rule at the end of the file; the rest of it stays as a person wrote it.
    ///
    /// # Errors
    /// When the file or the rule is broken; nothing is written then.
    pub fn trust_add(&self, rule: &RuleSpec) -> Result<TrustReport> {
        let rule = rule.read()?;
        let _turn = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trust = match self.trust_text()? {
            Some(_) => self.trust()?,
            None => Trust::parse(HEADER).map_err(NodeError::internal)?,
        };
        trust.add(&rule).map_err(|e| {
            NodeError::invalid(format!("the rule is refused: {}", e.problem))
                .try_this("weft trust add --help")
        })?;
        self.write_trust(&trust)?;
        self.trust_list()
    }

    /// Removes the rule at a place, from 1.
    ///
    /// # Errors
    /// When there is none there, or the file is broken.
    pub fn trust_remove(&self, place: usize) -> Result<TrustReport> {
        let _turn = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trust = self.trust()?;
        trust.remove(place).map_err(|e| {
            NodeError::not_found(e.problem).try_this("weft trust list shows the rules' numbers")
        })?;
        self.write_trust(&trust)?;
        self.trust_list()
    }

    /// Whether a release is trusted: a stored one by CID or name, or an envelope's file by its absolute path.
    ///
    /// # Errors
    /// When there is none, its signatures do not hold, or `trust.toml` is broken.
    pub fn trust_test(&self, target: &str) -> Result<TrustTestReport> {
        let bytes = if Path::new(target).is_absolute() {
            read_bounded(Path::new(target), ENVELOPE_BYTES)?
        } else {
            self.store.read(|tx| -> Result<_> {
                let (cid, _) = self.find_release(tx, target)?;
                let row = releases::get(tx, &cid.to_string())?;
                Ok(row.map(|row| row.envelope).unwrap_or_default())
            })?
        };
        let opened = opened(&bytes)?;
        let (verdict, security, warnings) = self.store.read(|tx| -> Result<_> {
            Ok((
                self.judge_release(tx, &opened)?,
                self.security_voucher(tx, &opened)?,
                self.name_warnings(tx, &opened.release)?,
            ))
        })?;
        let publisher = &opened.release.publisher;
        let (because, lacks) = match &verdict {
            Verdict::Trusted { by, .. } => (by.clone(), Vec::new()),
            Verdict::Refused(refusal) => (
                refusal.signed_by(),
                refusal.rules.iter().map(ToString::to_string).collect(),
            ),
        };
        Ok(TrustTestReport {
            release: opened.cid.to_string(),
            name: opened.release.name.clone(),
            publisher: publisher.to_string(),
            fingerprint: fingerprint(publisher),
            trusted: verdict.is_trusted(),
            because,
            lacks,
            security: security.map(|did| did.to_string()),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        })
    }

    /// Takes in another's statement that a key took the place of one.
    ///
    /// # Errors
    /// When it is none, or the old key gave its place to a third one.
    pub fn trust_rotation(&self, file: &Path) -> Result<KeyReport> {
        let bytes = read_bounded(file, STATEMENT_BYTES)?;
        let rotation: Rotation = open(&bytes).map_err(|e| NodeError::refused(e.to_string()))?;
        let row = rows::Rotation {
            old_did: rotation.old.to_string(),
            new_did: rotation.new.to_string(),
            seen_at: self.now(),
            statement: bytes,
        };
        self.keep_rotation(&row, &rotation.old, &rotation.new, None)?;
        self.key_of(&rotation.old)
    }

    /// Takes in another's statement that its key no longer counts.
    ///
    /// # Errors
    /// When it is none, or known already.
    pub fn trust_revocation(&self, file: &Path) -> Result<KeyReport> {
        let bytes = read_bounded(file, STATEMENT_BYTES)?;
        let revocation: Revocation = open(&bytes).map_err(|e| NodeError::refused(e.to_string()))?;
        self.keep_revocation(&revocation.key, &revocation.reason, Some(bytes))?;
        self.key_of(&revocation.key)
    }

    fn trust_file(&self) -> PathBuf {
        self.home.root().join("trust.toml")
    }

    /// The file's text; none: there is no file.
    fn trust_text(&self) -> Result<Option<String>> {
        let path = self.trust_file();
        match read_bounded(&path, TRUST_BYTES) {
            Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| {
                NodeError::refused(format!(
                    "`{}` is no UTF-8; until then nothing is trusted",
                    path.display()
                ))
                .try_this("correct the file, or move it away")
            }),
            Err(e) if e.code == Code::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn write_trust(&self, trust: &Trust) -> Result<()> {
        write_whole(&self.trust_file(), trust.to_toml().as_bytes(), 0o600)?;
        self.changed();
        Ok(())
    }

    /// Asks with what the home knows of this release's keys.
    fn knowing<T>(
        &self,
        tx: &Read,
        opened: &Opened,
        ask: impl FnOnce(&Known<'_>) -> T,
    ) -> Result<T> {
        let keys = Keys::read(tx)?;
        Ok(ask(&Known {
            revoked: &|did| keys.revoked.get(did).copied(),
            rotated: &|did| keys.rotated.get(did).copied(),
            first_seen: publishers::first_seen(tx, &opened.cid.to_string())?,
            bundled: &keys.bundled,
            owner: keys::did(&self.owner_key()),
        }))
    }
}

impl Keys {
    /// A row that can't be read is an error: it could be the revocation that matters.
    fn read(tx: &Read) -> Result<Self> {
        let did = |text: &str| {
            text.parse::<Did>().map_err(|e| {
                NodeError::invalid(format!("tables `revocations` and `rotations`: {e}"))
                    .try_this("correct the row with `sqlite3`, or remove it")
            })
        };
        let mut revoked = BTreeMap::new();
        for row in rows::revocations(tx)? {
            revoked.insert(did(&row.did)?, row.seen_at);
        }
        let mut rotated = BTreeMap::new();
        for row in rows::rotations(tx)? {
            let key = did(&row.new_did)?;
            let seen_at = row.seen_at;
            rotated.insert(did(&row.old_did)?, Successor { key, seen_at });
        }
        Ok(Self {
            revoked,
            rotated,
            bundled: bundled(tx)?.into_values().collect(),
        })
    }
}

/// An envelope, verified and read. One that the home's owner signed alone, as `weft plugin add` does, opens too.
fn opened(bytes: &[u8]) -> Result<Opened> {
    let refused = |e: weft_release::EnvelopeError| {
        NodeError::refused(e.to_string()).try_this("give a release, or the file of its envelope")
    };
    let envelope = Envelope::decode(bytes).map_err(refused)?;
    let signers = envelope.verify().map_err(refused)?;
    let release =
        Release::decode(&envelope.payload).map_err(|e| NodeError::refused(e.to_string()))?;
    Ok(Opened {
        release,
        cid: envelope.release_cid(),
        signers,
    })
}

/// Notes which releases came with the binary, by their components.
pub(crate) fn note_bundled(tx: &Write, added: impl Iterator<Item = (Cid, Cid)>) -> Result<()> {
    let mut all = bundled(tx)?;
    all.extend(added);
    let text: BTreeMap<String, String> = all
        .iter()
        .map(|(component, release)| (component.to_string(), release.to_string()))
        .collect();
    let text = serde_json::to_string(&text).map_err(NodeError::internal)?;
    Ok(meta::set(tx, BUNDLED, &text)?)
}

/// The releases that came with the binary, by their components.
pub(crate) fn bundled(tx: &Read) -> Result<BTreeMap<Cid, Cid>> {
    let Some(text) = meta::get(tx, BUNDLED)? else {
        return Ok(BTreeMap::new());
    };
    let broken = |why: &dyn std::fmt::Display| {
        NodeError::invalid(format!("table `meta` row `{BUNDLED}`: {why}"))
            .try_this("remove the row; it is made again when the home is opened")
    };
    let map: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|e| broken(&e))?;
    map.iter()
        .map(|(component, release)| {
            let cid = |text: &str| text.parse::<Cid>().map_err(|e| broken(&e));
            Ok((cid(component)?, cid(release)?))
        })
        .collect()
}

/// Reads a file of at most `max` bytes.
fn read_bounded(path: &Path, max: usize) -> Result<Vec<u8>> {
    let io = |e: std::io::Error| NodeError::file(path, &e);
    // Looked at before it is opened: opening a pipe waits for its writer.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(NodeError::invalid(format!(
            "`{}` is no file",
            path.display()
        )));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    if file
        .take(max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?
        > max
    {
        return Err(NodeError::invalid(format!(
            "`{}` has more than {max} bytes",
            path.display()
        )));
    }
    Ok(bytes)
}

fn rule_report((rule, place): (&Rule, u64)) -> TrustRuleReport {
    let keys = |keys: &[Listed]| keys.iter().map(key_report).collect::<Vec<_>>();
    let any = rule.any_of.as_ref();
    TrustRuleReport {
        place,
        names: rule.names.iter().map(ToString::to_string).collect(),
        targets: rule.targets.iter().map(ToString::to_string).collect(),
        all_of: keys(&rule.all_of),
        minimum: any.map_or(0, |any| any.minimum as u64),
        any_of: any.map(|any| keys(&any.keys)).unwrap_or_default(),
        security: keys(&rule.security),
        comment: rule.comment.clone(),
    }
}

fn key_report(listed: &Listed) -> TrustKeyReport {
    TrustKeyReport {
        role: listed.role.word().to_owned(),
        key: listed.key.to_string(),
        fingerprint: fingerprint(&listed.key),
        comment: listed.comment.clone(),
    }
}
