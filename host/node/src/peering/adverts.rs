//! What devices say about themselves: told every few seconds, heard, bounded, kept as rows of `peers`, forgotten when
//! they fall silent.

use super::Peering;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::{AdvertReport, PinnedReport};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use weft_mesh::{Heard, Topic};
use weft_model::advert::{Advert, Pin};
use weft_model::limits::NAME_BYTES;
use weft_model::text::printable;
use weft_model::{Did, Instant, cbor};
use weft_store::peers::{self, Peer};
use weft_store::{Write, devices, members};

/// How often this device says what it is, in milliseconds.
const EVERY_MS: Instant = 5_000;
/// An advert that is not followed by another one within this, in milliseconds, is stale: the peer is not there.
const STALE_MS: Instant = 20_000;
/// Least time between two adverts of one device that are looked at, in milliseconds.
const PACE_MS: Instant = 200;
/// Adverts of one device that may come faster than that, at once.
const BURST: u32 = 16;
/// Largest announcement, in bytes: an advert and where its device listens.
const BEACON_BYTES: usize = weft_model::advert::ADVERT_BYTES + 8 * 1024;
/// Most addresses in one.
const ADDRESSES: usize = 16;

/// What is gossiped.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beacon {
    advert: ByteBuf,
    addresses: Vec<String>,
}

/// The last that was heard of a device.
struct Last {
    at: Instant,
    seq: u64,
    peer: Peer,
    /// All that it said.
    advert: Advert,
    /// Whether it is in the table.
    kept: bool,
    /// How many may come at once.
    burst: u32,
}

/// What was heard.
#[derive(Default)]
pub(crate) struct Adverts {
    heard: Mutex<BTreeMap<Did, Last>>,
    dropped: Mutex<BTreeMap<&'static str, u64>>,
}

impl Adverts {
    /// Adverts that were dropped, by reason.
    pub fn dropped(&self) -> BTreeMap<String, u64> {
        let dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        dropped.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect()
    }

    /// What a device said last; none where it is silent.
    pub fn of(&self, device: &Did) -> Option<AdvertReport> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let advert = &heard.get(device)?.advert;
        let pin = |pin: &Pin| PinnedReport {
            serves: pin.serves,
            name: printable(&pin.name, NAME_BYTES),
            release: pin.release.to_string(),
        };
        Some(AdvertReport {
            at: crate::clock::rfc3339(advert.at),
            energy_known: advert.energy.known.clone(),
            hardware: advert.hardware.clone(),
            allowed_tasks: advert.allowed_tasks.clone(),
            max_task_duration_ms: advert.max_task_duration_ms,
            hours: advert.hours.clone(),
            pins: advert.pins.iter().map(pin).collect(),
            queue_depth: advert.queue_depth,
            running: advert.running,
            relay: advert.relay,
        })
    }

    fn drop_one(&self, why: &'static str) {
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        *dropped.entry(why).or_default() += 1;
    }
}

impl Node {
    /// Says what this device is, when it is time.
    pub(super) fn advertise(&self, peering: &Peering) -> Result<()> {
        let now = self.now();
        let wanted = peering.advertise.swap(false, Ordering::AcqRel);
        let mut last = peering
            .advertised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A change of the energy, or of what is permitted, is told at once.
        let power = self.store.read(|tx| self.power(tx))?;
        let says = format!("{:?} {:?}", power.energy(), power.grid);
        let due = last
            .as_ref()
            .is_none_or(|(at, said)| now < *at || now - at >= EVERY_MS || *said != says);
        if !wanted && !due {
            return Ok(());
        }
        *last = Some((now, says));
        drop(last);
        let advert = self.advert()?;
        let status = peering.mesh.status();
        let mut addresses = status.told;
        addresses.truncate(ADDRESSES);
        let bytes = advert.encode().map_err(NodeError::internal)?;
        let beacon = Beacon {
            advert: ByteBuf::from(bytes),
            addresses,
        };
        let bytes = cbor::encode(&beacon).map_err(NodeError::internal)?;
        peering.mesh.publish(Topic::Adverts, bytes);
        Ok(())
    }

    /// Takes what a device says about itself. Out-of-range adverts are dropped, plausible ones are labelled as they are:
    /// declared.
    pub(super) fn hear_advert(&self, author: &Did, bytes: &[u8]) -> Heard {
        let Some(peering) = self.peering() else {
            return Heard::Ignore;
        };
        let refuse = |why| {
            peering.adverts.drop_one(why);
            Heard::Reject
        };
        if bytes.len() > BEACON_BYTES {
            return refuse("advert-oversize");
        }
        let Ok(beacon) = cbor::decode::<Beacon>(bytes) else {
            return refuse("advert-undecodable");
        };
        let advert = match Advert::decode(&beacon.advert) {
            Ok(advert) => advert,
            Err(e) => {
                tracing::debug!(%author, "an advert is dropped: {e}");
                return refuse("advert-out-of-range");
            }
        };
        if advert.device != *author {
            return refuse("advert-of-another");
        }
        if beacon.addresses.len() > ADDRESSES {
            return refuse("advert-oversize");
        }
        let addresses: Vec<String> = beacon
            .addresses
            .iter()
            .filter_map(|a| weft_mesh::check_address(a).ok())
            .collect();
        let member = self.with_state(|state| {
            let member = state.allowed_devices().get(author).copied()?;
            Some((member, state.member(&member)?.user))
        });
        let Ok(Some((_, user))) = member else {
            // A newcomer whose admission has not come yet, or somebody removed: whoever passed it on may know better.
            peering.adverts.drop_one("advert-of-a-stranger");
            return Heard::Ignore;
        };
        let now = self.now();
        let mut heard = peering
            .adverts
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = heard.get(author);
        if before.is_some_and(|b| advert.seq <= b.seq) {
            drop(heard);
            peering.adverts.drop_one("advert-repeated");
            return Heard::Ignore;
        }
        let burst = match before {
            Some(b) if now >= b.at && now - b.at < PACE_MS => match b.burst.checked_sub(1) {
                Some(left) => left,
                None => {
                    drop(heard);
                    peering.adverts.drop_one("advert-flood");
                    return Heard::Ignore;
                }
            },
            _ => BURST,
        };
        let new = before.is_none();
        let peer = peer_of(author, &user, &advert, addresses, now);
        heard.insert(
            *author,
            Last {
                at: now,
                seq: advert.seq,
                peer,
                advert,
                kept: false,
                burst,
            },
        );
        drop(heard);
        if new {
            // Who was not heard before is told where this device is, and wakes what waits for a peer.
            peering.advertise.store(true, Ordering::Release);
            self.changed();
        }
        Heard::Accept
    }

    /// Keeps what was heard as rows, and notes who fell silent.
    pub(super) fn keep_adverts(&self, peering: &Peering) -> Result<()> {
        let now = self.now();
        let mut fresh = Vec::new();
        let mut silent = Vec::new();
        let mut volunteers = BTreeSet::new();
        {
            let mut heard = peering
                .adverts
                .heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            heard.retain(|device, h| {
                let stale = now >= h.at && now - h.at > STALE_MS;
                if stale {
                    silent.push(*device);
                } else if !h.kept {
                    h.kept = true;
                    fresh.push((*device, h.peer.clone()));
                }
                if h.advert.relay && !stale {
                    volunteers.insert(*device);
                }
                !stale
            });
        }
        peering.mesh.volunteers(volunteers);
        let allowed = self.with_state(|state| state.allowed_devices())?;
        fresh.retain(|(device, _)| allowed.contains_key(device));
        // Rows of an earlier run have nobody who could fall silent in this one.
        let left_over: Vec<Peer> = self
            .store
            .read(peers::list)?
            .rows
            .into_iter()
            .filter(|p| p.origin == ADVERT && p.online)
            .filter(|p| p.last_seen.is_none_or(|at| now - at > STALE_MS))
            .collect();
        if fresh.is_empty() && silent.is_empty() && left_over.is_empty() {
            return Ok(());
        }
        self.store.write(|tx: &Write| -> Result<()> {
            for (device, mut peer) in fresh {
                let path = peering.path(&device);
                peer.path_class = Some(path.map_or("unreachable", |(p, _)| p.word()).to_owned());
                peer.rtt_ms = path.and_then(|(_, rtt)| rtt);
                // Who can be heard through others only can't be given a task.
                peer.online = path.is_some();
                if let Some(before) = peers::get(tx, &peer.peer_id)? {
                    peer.alias = before.alias;
                    peer.reputation = before.reputation;
                }
                devices::seen(tx, &peer.peer_id, &peer.addresses, now)?;
                peers::put(tx, &peer, now)?;
            }
            let silent = silent.iter().map(ToString::to_string);
            for id in silent.chain(left_over.iter().map(|p| p.peer_id.clone())) {
                gone(tx, &id, now)?;
            }
            Ok(())
        })?;
        self.open_door()
    }

    /// Notes that a device is connected no more: nothing can be given to it, whatever it said last.
    pub(super) fn note_gone(&self, device: &Did) -> Result<()> {
        let (id, now) = (device.to_string(), self.now());
        self.store.write(|tx| {
            let row = peers::get(tx, &id)?;
            if row.is_some_and(|p| p.origin == ADVERT && p.peer_id == id && p.online) {
                gone(tx, &id, now)?;
            }
            Ok(())
        })
    }

    /// Notes that no device is connected, as before a mesh starts and after it stops.
    pub(super) fn note_all_gone(&self) -> Result<()> {
        let now = self.now();
        let up = self.store.read(peers::list)?.rows;
        let mut up = up.into_iter().filter(|p| p.origin == ADVERT && p.online);
        let Some(first) = up.next() else {
            return Ok(());
        };
        self.store.write(|tx| {
            std::iter::once(first)
                .chain(up)
                .try_for_each(|peer| gone(tx, &peer.peer_id, now))
        })
    }

    /// Whether a member with this name or key is known; for messages.
    pub(crate) fn user_of_device(&self, device: &Did) -> Result<Option<String>> {
        let member = self.with_state(|state| state.allowed_devices().get(device).copied())?;
        let Some(member) = member else {
            return Ok(None);
        };
        let row = self
            .store
            .read(|tx| members::by_did(tx, &member.to_string()))?;
        Ok(row.map(|m| m.user_id))
    }
}

/// Origin of a peer's row that its own adverts made.
pub(crate) const ADVERT: &str = "advert";

/// Forgets what devices said about themselves, as when the network that they are in is left.
pub(crate) fn forget_peers(tx: &Write) -> Result<()> {
    for peer in peers::list(tx)?.rows {
        if peer.origin == ADVERT {
            peers::remove(tx, &peer.peer_id)?;
        }
    }
    Ok(())
}

fn gone(tx: &Write, peer_id: &str, now: Instant) -> Result<()> {
    let Some(peer) = peers::get(tx, peer_id)? else {
        return Ok(());
    };
    let peer = Peer {
        online: false,
        path_class: Some("unreachable".into()),
        rtt_ms: None,
        ..peer
    };
    Ok(peers::put(tx, &peer, now)?)
}

fn peer_of(
    device: &Did,
    user: &str,
    advert: &Advert,
    addresses: Vec<String>,
    now: Instant,
) -> Peer {
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Peer {
        name: filled(&advert.name),
        user_id: Some(user.to_owned()),
        did: Some(device.to_string()),
        addresses,
        location: filled(&advert.location),
        energy_type: advert.energy.kind.clone(),
        percent_clean: advert.energy.percent_clean,
        grid_g_per_kwh: advert.energy.grid_g_per_kwh,
        cpu_free: advert.capacity.cpu_free,
        memory_free_mb: advert.capacity.memory_free_mb,
        disk_free_mb: advert.capacity.disk_free_mb,
        battery_percent: advert.energy.battery_percent,
        plugged_in: advert.energy.plugged_in,
        thermal_headroom: advert.capacity.thermal_headroom,
        idle: advert.capacity.idle,
        queue_depth: Some(advert.queue_depth),
        cost: advert.cost.map(|credits| credits as f64),
        timezone: advert.zone.clone(),
        online: true,
        origin: ADVERT.to_owned(),
        last_seen: Some(now),
        ..Peer::new(device.to_string())
    }
}
