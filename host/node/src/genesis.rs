//! The genesis of a home: the default components become releases, and the default slots a constitution.
//!
//! Default components are trusted because the binary holds them. Their releases are the same on every machine: made
//! by one key that is derived from the bundle itself and speaks for nothing else, with a fixed date.

use crate::error::{NodeError, Result};
use crate::home::write_whole;
use crate::log::NETWORK;
use crate::node::{BundleComponent, Node};
use crate::policies::CONSTITUTION;
use crate::releases::sign;
use crate::trust::{bundled, note_bundled};
use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};
use weft_ledger::Genesis;
use weft_model::{Cid, Instant, Slot};
use weft_release::unixfs::file_cid;
use weft_release::{Release, Role};
use weft_store::slots::{Binding, Change, Mode};
use weft_store::{Write, blocks, bound::WORKLOADS, meta, slots};

/// File that says that a home is complete.
pub const MARKER: &str = "genesis";
/// The date of default releases: 2026-11-01T00:00:00Z.
const CREATED: Instant = 1_793_491_200_000;

/// What serves each slot in a new home.
pub const DEFAULTS: [(Slot, &str); 11] = [
    (Slot::Override, "health-override"),
    (Slot::Voting, "voting-equal"),
    (Slot::Sla, "sla-patience"),
    (Slot::Consent, "consent-hours"),
    (Slot::Ethics, "ethics-rules"),
    (Slot::Quota, "quota-tiers"),
    (Slot::Scorer, "scorer-clean-energy"),
    (Slot::Reward, "reward-split"),
    (Slot::Reputation, "reputation-decay"),
    (Slot::Carbon, "carbon-grams"),
    (Slot::Demand, "demand-halflife"),
];

/// Installs the bundle, puts the defaults into their slots, and marks the home complete.
pub fn install(node: &Node, bundle: &[BundleComponent]) -> Result<()> {
    let added = add(node, bundle)?;
    let now = node.now();
    let change = || Change {
        action: "genesis".into(),
        actor: None,
        reason: None,
        at: now,
    };
    node.store.write(|tx| -> Result<()> {
        for (slot, name) in DEFAULTS {
            if let Some((_, cid, _)) = added.iter().find(|(n, _, _)| n == name)
                && slots::get(tx, slot.name())?.is_empty()
            {
                let binding = Binding {
                    release_cid: cid.to_string(),
                    config: Vec::new(),
                    mode: Mode::Enforce,
                    origin: "genesis".into(),
                    activated_at: now,
                };
                slots::set(tx, slot.name(), &[binding], &change())?;
            }
        }
        bind_workloads(node, tx, &added)
    })?;
    node.reload_slots()?;
    let (bytes, constitution) = node.store.read(|tx| node.constitution_now(tx))?;
    let (record, network) = found(node, constitution)?;
    node.store.write(|tx| -> Result<()> {
        blocks::put(tx, &constitution.to_string(), &bytes, now)?;
        blocks::put(tx, &network.to_string(), &record, now)?;
        meta::set(tx, CONSTITUTION, &constitution.to_string())?;
        meta::set(tx, NETWORK, &network.to_string())?;
        Ok(())
    })?;
    node.write_lock();
    let path = node.home.root().join(MARKER);
    write_whole(&path, format!("{network}\n").as_bytes(), 0o600)
}

/// The record that a network of this home's own begins with, and its CID: the network.
pub(crate) fn found(node: &Node, constitution: Cid) -> Result<(Vec<u8>, Cid)> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(NodeError::internal)?;
    let genesis = Genesis {
        name: format!("home of {}", node.owner),
        created: node.now(),
        nonce: nonce.into(),
        user: node.owner.clone(),
        founder: crate::keys::did(&node.owner_key()),
        device: crate::keys::did(&node.device_key),
        constitution,
    };
    genesis
        .encode()
        .map_err(|e| NodeError::internal(e.to_string()))
}

/// Binds workloads to their names, where those are free.
fn bind_workloads(node: &Node, tx: &Write, added: &[(String, Cid, Release)]) -> Result<()> {
    let change = Change {
        action: "genesis".into(),
        actor: None,
        reason: None,
        at: node.now(),
    };
    for (name, cid, release) in added {
        if release.slot().is_none() && WORKLOADS.get(tx, name)?.is_none() {
            WORKLOADS.set(tx, name, Some(&cid.to_string()), "genesis", &change)?;
        }
    }
    Ok(())
}

/// Adds default components that this home does not have yet, as after an upgrade. What serves a slot stays.
pub fn add_missing(node: &Node, bundle: &[BundleComponent]) -> Result<()> {
    let missing: Vec<BundleComponent> = node.store.read(|tx| -> Result<_> {
        let known = bundled(tx)?;
        let mut missing = Vec::new();
        for component in bundle {
            let cid = file_cid(component.bytes).map_err(NodeError::internal)?;
            if !known.contains_key(&cid) {
                missing.push(*component);
            }
        }
        Ok(missing)
    })?;
    if missing.is_empty() {
        return Ok(());
    }
    let added = add(node, &missing)?;
    node.store.write(|tx| bind_workloads(node, tx, &added))
}

fn add(node: &Node, bundle: &[BundleComponent]) -> Result<Vec<(String, Cid, Release)>> {
    let added: Vec<(String, Cid, Release)> = bundle
        .iter()
        .map(|component| {
            let key = bundle_key(component);
            let named = |e: NodeError| NodeError {
                message: format!("default component `{}` {}", component.name, e.message),
                ..e
            };
            let prepared = node
                .compile_default(component.bytes)
                .and_then(|compiled| {
                    node.prepare_compiled(component.bytes, compiled, &key, CREATED, Some(1))
                })
                .map_err(named)?;
            let envelope = sign(&prepared.release, Role::Author, &key)?;
            let cid = node
                .keep(component.bytes, &prepared, &envelope)
                .map_err(named)?;
            Ok((component.name.to_owned(), cid, prepared.release))
        })
        .collect::<Result<_>>()?;
    let noted = added.iter().map(|(_, cid, r)| (r.component.cid, *cid));
    node.store.write(|tx| note_bundled(tx, noted))?;
    Ok(added)
}

/// The key that a default component's release is signed by. Anyone can derive it, so it proves nothing beyond what
/// the binary already does: that this very component came with it.
fn bundle_key(component: &BundleComponent) -> SigningKey {
    let mut hash = Sha256::new();
    hash.update(b"weft bundle");
    hash.update(component.bytes);
    SigningKey::from_bytes(&hash.finalize().into())
}
