//! The named keys of a home: making, showing, taking in and out, replacing and revoking them.
//!
//! A key counts from the moment its file is whole; a replacement from the moment it is in the log. What was cut off in
//! between is finished, or undone, when the home is opened. The device's key signs the log and is never replaced;
//! the owner's speaks for them in the log, which follows it to the next one.

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::key_report::{KeyFileReport, KeyReport};
use crate::keys::{self, DEVICE, LISTENER, MEMBER, OWNER};
use crate::node::Node;
use crate::passphrase::Passphrase;
use ed25519_dalek::SigningKey;
use std::path::Path;
use std::sync::PoisonError;
use weft_ledger::{Body, Rekey};
use weft_model::Did;
use weft_release::names::fingerprint;
use weft_release::statement::{Revocation, Rotation, seal};
use weft_release::text;
use weft_store::Read;
use weft_store::keys as rows;

/// End of the name of a key that is about to take another one's place.
const NEXT: &str = ".next";
/// Longest reason of a revocation, in bytes.
const REASON_BYTES: usize = weft_release::limits::TEXT_BYTES;

/// What of a key goes into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyPart {
    /// Its DID, one line.
    Public,
    /// The key itself, encrypted.
    Secret,
    /// What both keys signed when it took or gave its place.
    Rotation,
    /// What it signed when it was revoked.
    Revocation,
}

impl KeyPart {
    fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Secret => "secret",
            Self::Rotation => "rotation",
            Self::Revocation => "revocation",
        }
    }
}

impl Node {
    /// The key to sign a release with: the owner's, or one made by [`Node::key_new`].
    ///
    /// # Errors
    /// `not-found`, `passphrase` when it is encrypted and none is given, `refused` when the passphrase is another one,
    /// the key was revoked, or it is not for releases.
    pub fn signing_key(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<SigningKey> {
        if name != OWNER {
            self.own(name)?;
        }
        let did = keys::public_of(&self.home, name)?;
        if self
            .store
            .read(|tx| rows::revocation(tx, &did.to_string()))?
            .is_some()
        {
            return Err(NodeError::refused(format!("the key `{name}` was revoked"))
                .try_this("weft key list shows the others, weft key new makes one"));
        }
        keys::unlock(&self.home, name, passphrase)
    }

    /// Makes a key for publishing.
    ///
    /// # Errors
    /// When the name is none for a key, or taken, or the passphrase is short.
    pub fn key_new(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<KeyReport> {
        let _turn = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        check_new_name(name)?;
        keys::store(&self.home, name, &keys::generate()?, passphrase)?;
        self.key_show(name)
    }

    /// Takes in a key from a file, plain or encrypted; an encrypted one stays so.
    ///
    /// # Errors
    /// As [`Node::key_new`]; also when the file is open to others or holds no key, or the key is here already or was
    /// revoked.
    pub fn key_import(
        &self,
        name: &str,
        file: &Path,
        passphrase: Option<&Passphrase>,
    ) -> Result<KeyReport> {
        let _turn = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        check_new_name(name)?;
        keys::import(&self.home, name, file, passphrase, |did| {
            let same = |k: &keys::KeyFile| k.did.as_ref().is_ok_and(|d| d == did);
            if let Some(other) = keys::list(&self.home)?.into_iter().find(same) {
                return Err(NodeError::new(
                    Code::Conflict,
                    format!("this key is here already, as `{}`", other.name),
                ));
            }
            match self
                .store
                .read(|tx| rows::revocation(tx, &did.to_string()))?
            {
                Some(_) => Err(NodeError::refused("this key was revoked")
                    .try_this("weft key new makes one that counts")),
                None => Ok(()),
            }
        })?;
        self.key_show(name)
    }

    /// All keys of this home.
    ///
    /// # Errors
    /// When the folder or the database can't be read.
    pub fn key_list(&self) -> Result<Vec<KeyReport>> {
        let files = keys::list(&self.home)?;
        self.store
            .read(|tx| files.into_iter().map(|file| report(tx, file)).collect())
    }

    /// One key, by its name.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn key_show(&self, name: &str) -> Result<KeyReport> {
        let found = self.key_list()?.into_iter().find(|k| k.name == name);
        found.ok_or_else(|| no_key(name))
    }

    /// Writes a part of a key to a new file: what is public, or the key itself, encrypted.
    ///
    /// # Errors
    /// When the file is there, the key is the device's and the part is secret, there is no such statement, or a
    /// passphrase is needed.
    pub fn key_export(
        &self,
        name: &str,
        part: KeyPart,
        file: &Path,
        passphrase: Option<&Passphrase>,
    ) -> Result<KeyFileReport> {
        let did = keys::public_of(&self.home, &self.known(name)?)?;
        let none = || {
            NodeError::not_found(format!("there is no {} of the key `{name}`", part.word()))
                .try_this("weft key show tells what became of it")
        };
        let bytes = match part {
            KeyPart::Public => format!("{did}\n").into_bytes(),
            KeyPart::Secret if name == DEVICE => {
                return Err(NodeError::refused(
                    "the device's key stays on its device: two devices with one key would write two histories",
                )
                .try_this("move a home with `weft backup` and `weft restore`, which makes a new one"));
            }
            KeyPart::Secret => keys::export(&self.home, name, passphrase)?,
            KeyPart::Rotation => {
                let rotations = self.store.read(rows::rotations)?;
                let did = did.to_string();
                let taken = rotations.iter().find(|r| r.new_did == did);
                let given = || rotations.iter().find(|r| r.old_did == did);
                taken.or_else(given).ok_or_else(none)?.statement.clone()
            }
            KeyPart::Revocation => self
                .store
                .read(|tx| rows::revocation(tx, &did.to_string()))?
                .and_then(|r| r.statement)
                .ok_or_else(none)?,
        };
        if file.exists() {
            return Err(NodeError::new(
                Code::Conflict,
                format!("`{}` is there already", file.display()),
            )
            .try_this("choose another name"));
        }
        let mode = if part == KeyPart::Secret {
            0o600
        } else {
            0o644
        };
        crate::home::write_whole(file, &bytes, mode)?;
        Ok(KeyFileReport {
            key: name.to_owned(),
            what: part.word().to_owned(),
            path: file.display().to_string(),
        })
    }

    /// Puts a new key in the place of one: both sign that, the log tells of it, and the old one stays as `NAME.N`. The
    /// owner's new key speaks for them in the network, too, where the old one did.
    ///
    /// # Errors
    /// When the key is the device's or a member's, was revoked, or its passphrase is another one.
    pub fn key_rotate(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<KeyReport> {
        let _turn = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        self.own(name)?;
        let old = self.signing_key(name, passphrase)?;
        let new = keys::generate()?;
        let (old_did, new_did) = (keys::did(&old), keys::did(&new));
        let now = self.now();
        let statement = seal(
            &Rotation {
                old: old_did,
                new: new_did,
                at: now,
            },
            &[&old, &new],
        )
        .map_err(NodeError::internal)?;
        let encrypted = keys::is_encrypted(&self.home, name);
        let next = format!("{name}{NEXT}");
        let row = rows::Rotation {
            old_did: old_did.to_string(),
            new_did: new_did.to_string(),
            seen_at: now,
            statement,
        };
        let retired = self.retired_name(name)?;
        let rekey = match name {
            OWNER => self.rekey_to(&old, &new)?,
            _ => None,
        };
        let replace = || {
            keys::store(&self.home, &next, &new, passphrase.filter(|_| encrypted))?;
            keys::copy(&self.home, name, &retired)?;
            self.keep_rotation(&row, &old_did, &new_did, rekey.clone())?;
            keys::replace(&self.home, &next, name)
        };
        if let Err(why) = replace() {
            self.recover_keys()?;
            return Err(why);
        }
        self.reload_owner_key()?;
        self.key_show(name)
    }

    /// What the log must say for a member's next key; none where the old one speaks for nobody.
    fn rekey_to(&self, old: &SigningKey, new: &SigningKey) -> Result<Option<Body>> {
        let (old_did, new_did) = (keys::did(old), keys::did(new));
        let network = self.store.read(|tx| self.network_cid(tx))?;
        let device = keys::did(&self.device_key);
        let member = self.with_state(|state| {
            let member = *state.allowed_devices().get(&device)?;
            (state.key_of(&member) == old_did).then_some(member)
        })?;
        Ok(member.map(|member| {
            let rekey = Rekey {
                network,
                member,
                old: old_did,
                new: new_did,
            };
            Body::MemberRekeyed {
                member,
                old: old_did,
                new: new_did,
                accepted: rekey.sign(new),
                given: Some(rekey.sign(old)),
            }
        }))
    }

    fn reload_owner_key(&self) -> Result<()> {
        self.set_owner_key(keys::load(&self.home, OWNER)?);
        Ok(())
    }

    /// Says that a key no longer counts: one of this home's by its own signature, another's by the owner's word.
    ///
    /// # Errors
    /// When it is the device's, was revoked before, or its passphrase is another one.
    pub fn key_revoke(
        &self,
        key: &str,
        reason: &str,
        passphrase: Option<&Passphrase>,
    ) -> Result<KeyReport> {
        let _turn = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        text::check(reason, 0, REASON_BYTES)
            .map_err(|e| NodeError::invalid(format!("the reason {e}")))?;
        let now = self.now();
        let own = match key.parse::<Did>() {
            Ok(did) => {
                let same = |k: &keys::KeyFile| k.did.as_ref().is_ok_and(|d| *d == did);
                keys::list(&self.home)?
                    .into_iter()
                    .find(same)
                    .map(|k| k.name)
            }
            Err(_) => Some(self.known(key)?),
        };
        let (did, statement) = match &own {
            None => (
                key.parse::<Did>()
                    .map_err(|e| NodeError::invalid(e.to_string()))?,
                None,
            ),
            Some(name) => {
                if name == DEVICE || name == LISTENER || name.starts_with(MEMBER) {
                    return Err(
                        NodeError::refused(format!("the key `{name}` signs no releases"))
                            .try_this("after a theft, make a new home and be admitted with it"),
                    );
                }
                let signing = keys::unlock(&self.home, name, passphrase)?;
                let did = keys::did(&signing);
                let revocation = Revocation {
                    key: did,
                    at: now,
                    reason: reason.to_owned(),
                };
                let bytes = seal(&revocation, &[&signing]).map_err(NodeError::internal)?;
                (did, Some(bytes))
            }
        };
        self.keep_revocation(&did, reason, statement)?;
        match own {
            Some(name) => self.key_show(&name),
            None => self.key_of(&did),
        }
    }

    /// What is known of a key, whosever it is.
    pub(crate) fn key_of(&self, did: &Did) -> Result<KeyReport> {
        let same = |k: &keys::KeyFile| k.did.as_ref().is_ok_and(|d| d == did);
        let own = keys::list(&self.home)?.into_iter().find(same);
        let file = own.unwrap_or_else(|| keys::KeyFile {
            name: String::new(),
            encrypted: false,
            did: Ok(*did),
        });
        self.store.read(|tx| report(tx, file))
    }

    /// Notes a revocation and tells of it. One that adds nothing is refused.
    pub(crate) fn keep_revocation(
        &self,
        did: &Did,
        reason: &str,
        statement: Option<Vec<u8>>,
    ) -> Result<()> {
        let row = rows::Revocation {
            did: did.to_string(),
            seen_at: self.now(),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            statement,
        };
        self.append(
            |tx| {
                if !rows::revoke(tx, &row)? {
                    return Err(NodeError::new(
                        Code::Conflict,
                        format!("the key `{did}` was revoked before"),
                    ));
                }
                let message = format!("the key {did} no longer counts");
                self.alarm(tx, "key.revoked", &row.did, &message)
            },
            || Body::KeyRevoked {
                key: *did,
                reason: reason.to_owned(),
            },
        )?;
        self.changed();
        Ok(())
    }

    /// Notes a rotation and tells of it; one that is known already changes nothing.
    /// `rekey` is what the log says before, where the key speaks for a member.
    pub(crate) fn keep_rotation(
        &self,
        row: &rows::Rotation,
        old: &Did,
        new: &Did,
        rekey: Option<Body>,
    ) -> Result<()> {
        let known = self.store.read(|tx| rows::rotation(tx, &row.old_did))?;
        if known.is_some_and(|known| known.new_did == row.new_did) {
            return Ok(());
        }
        self.append(
            |tx| {
                rows::rotate(tx, row)?;
                if let Some(body) = rekey {
                    self.append_in(tx, body)?;
                }
                let message = format!("the key {new} takes the place of {old}");
                self.feed(tx, "key.rotated", Some(&row.old_did), &message)
            },
            || Body::KeyRotated {
                old: *old,
                new: *new,
            },
        )?;
        self.changed();
        Ok(())
    }

    /// Finishes replacements that are in the log, and undoes those that are not.
    pub(crate) fn recover_keys(&self) -> Result<()> {
        for next in keys::unfinished(&self.home, NEXT)? {
            let name = next.trim_end_matches(NEXT);
            let new = keys::public_or_key(&self.home, &next).map(|did| did.to_string());
            let rotations = self.store.read(rows::rotations)?;
            let is_logged = new.is_ok_and(|new| rotations.iter().any(|r| r.new_did == new));
            if is_logged {
                keys::replace(&self.home, &next, name)?;
                if name == OWNER {
                    self.reload_owner_key()?;
                }
                tracing::warn!(
                    name,
                    "the replacement of a key was cut off, and is finished now"
                );
            } else {
                keys::remove(&self.home, &next)?;
                let current = keys::public_of(&self.home, name)?;
                let retired = |k: &keys::KeyFile| retired_of(&k.name, name).is_some();
                for copy in keys::list(&self.home)?.into_iter().filter(retired) {
                    if copy.did.is_ok_and(|did| did == current) {
                        keys::remove(&self.home, &copy.name)?;
                    }
                }
                tracing::warn!(name, "the replacement of a key was cut off, and is undone");
            }
        }
        Ok(())
    }

    /// A name of a key that is here.
    fn known(&self, name: &str) -> Result<String> {
        let (base, number) = match name.split_once('.') {
            Some((base, number)) => (base, Some(number)),
            None => (name, None),
        };
        let valid = text::check_name(base).is_ok()
            && number.is_none_or(|n| n.parse::<u32>().is_ok_and(|n| n > 0));
        if valid && keys::exists(&self.home, name) {
            Ok(name.to_owned())
        } else {
            Err(no_key(name))
        }
    }

    /// A key that is here and publishes.
    fn own(&self, name: &str) -> Result<()> {
        let why = match name {
            DEVICE => {
                "the device's key signs this home's log, which can't follow it to another key"
            }
            LISTENER => {
                "the public listener's key names that listener to outsiders, and signs nothing"
            }
            name if name.starts_with(MEMBER) => {
                "a key that this home made for a member is theirs for good"
            }
            OWNER => return Ok(()),
            name => {
                text::check_name(name)
                    .map_err(|e| NodeError::invalid(format!("a key's name {e}")))?;
                return self.known(name).map(|_| ());
            }
        };
        Err(NodeError::refused(why).try_this("publish with a key of its own: weft key new NAME"))
    }

    /// `NAME.N` with the first number that is free.
    fn retired_name(&self, name: &str) -> Result<String> {
        let used = keys::list(&self.home)?
            .iter()
            .filter_map(|k| retired_of(&k.name, name))
            .max();
        Ok(format!("{name}.{}", used.unwrap_or(0) + 1))
    }
}

/// The number of a replaced key of that name.
fn retired_of(file: &str, name: &str) -> Option<u32> {
    file.strip_prefix(name)?.strip_prefix('.')?.parse().ok()
}

fn check_new_name(name: &str) -> Result<()> {
    text::check_name(name).map_err(|e| NodeError::invalid(format!("a key's name {e}")))?;
    if [DEVICE, OWNER, LISTENER].contains(&name) || name.starts_with(MEMBER) {
        return Err(NodeError::invalid(format!(
            "`{name}` is the name of a key that a home makes itself"
        ))
        .try_this("choose another name, such as `publisher`"));
    }
    Ok(())
}

fn no_key(name: &str) -> NodeError {
    NodeError::not_found(format!("there is no key `{}`", text::shown(name, 80)))
        .try_this("weft key list")
}

fn report(tx: &Read, file: keys::KeyFile) -> Result<KeyReport> {
    let purpose = match file.name.as_str() {
        "" => "foreign",
        DEVICE => DEVICE,
        OWNER => OWNER,
        LISTENER => "listener",
        name if name.starts_with(MEMBER) => "member",
        _ => "publisher",
    };
    let mut out = KeyReport {
        purpose: purpose.to_owned(),
        name: file.name,
        did: None,
        fingerprint: None,
        encrypted: file.encrypted,
        state: "in use".to_owned(),
        replaced_by: None,
        ended_at: None,
        reason: None,
        statement: false,
    };
    let did = match file.did {
        Ok(did) => did,
        Err(why) => {
            out.state = "unreadable".to_owned();
            let remedy = if why.remedy.is_empty() {
                String::new()
            } else {
                format!("; {}", why.remedy)
            };
            out.reason = Some(format!("{}{remedy}", why.message));
            return Ok(out);
        }
    };
    out.fingerprint = Some(fingerprint(&did));
    let did = did.to_string();
    if let Some(rotation) = rows::rotation(tx, &did)? {
        out.state = "replaced".to_owned();
        out.replaced_by = Some(rotation.new_did);
        out.ended_at = Some(rfc3339(rotation.seen_at));
        out.statement = true;
    }
    if let Some(revocation) = rows::revocation(tx, &did)? {
        out.state = "revoked".to_owned();
        out.ended_at = Some(rfc3339(revocation.seen_at));
        out.reason = revocation.reason;
        out.statement = revocation.statement.is_some();
    }
    out.did = Some(did);
    Ok(out)
}
