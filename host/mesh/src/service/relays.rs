//! When this device asks relays for a place, and which: so that others reach it through them while it can't be reached
//! itself. Relays are connected members that volunteer.
//!
//! A place is kept until it is lost: the protocol has no word for giving one back, and libp2p renews it by itself.

use crate::addresses::{is_circuit, tellable};
use crate::limits::{PRIVATE_AFTER_MS, RELAYS_HELD, RESERVE_AGAIN_MS};
use crate::peer::Path;
use crate::service::Effect;
use crate::service::member::Member;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use weft_model::Did;

/// Whether this device can be reached, and where it has a place.
#[derive(Debug, Default)]
pub(super) struct Relays {
    /// Nothing is asked for: the owner named addresses, or this device relays for others.
    exempt: bool,
    volunteers: BTreeSet<Did>,
    /// Addresses at which others reach this device straight.
    confirmed: BTreeSet<Multiaddr>,
    /// Since when it has no such address.
    without_since: Option<i64>,
    /// Somebody tried one, in vain.
    private: bool,
    /// Relays that were asked, and whether they said yes.
    places: BTreeMap<PeerId, bool>,
    /// Relays that were dialled by a second transport, or have no address for one.
    doubled: BTreeSet<PeerId>,
    /// Relays that said no or were lost: when they may be asked again, and the pause after the next no.
    refused: BTreeMap<PeerId, (i64, i64)>,
}

impl Relays {
    pub fn new(exempt: bool) -> Self {
        Self {
            exempt,
            ..Self::default()
        }
    }

    /// These members' devices relay for others.
    pub fn set_volunteers(&mut self, volunteers: BTreeSet<Did>) {
        self.volunteers = volunteers;
    }

    /// Others reach this device at this address.
    pub fn confirmed(&mut self, address: Multiaddr) {
        // An address of the local network says nothing about those outside.
        if !is_circuit(&address) && Path::of(&address) == Path::Direct {
            self.confirmed.insert(address);
            self.private = false;
        }
    }

    /// Others no longer reach it there.
    pub fn expired(&mut self, now: i64, address: &Multiaddr) {
        if self.confirmed.remove(address) && self.confirmed.is_empty() {
            self.without_since = Some(now);
        }
    }

    /// Somebody tried to reach this device at this address, in vain.
    pub fn failed(&mut self, address: &Multiaddr) {
        self.private |= self.confirmed.is_empty() && Path::of(address) == Path::Direct;
    }

    /// Addresses that were confirmed while this device was elsewhere: those of the IP versions that moved.
    pub fn moved(&mut self, now: i64, gone: &BTreeSet<Multiaddr>) -> Vec<Multiaddr> {
        let version = |address: &Multiaddr| address.iter().next().map(|part| part.tag());
        let moved: BTreeSet<_> = gone.iter().map(version).collect();
        let stale: Vec<Multiaddr> = self
            .confirmed
            .iter()
            .filter(|address| moved.contains(&version(address)))
            .cloned()
            .collect();
        stale.iter().for_each(|address| self.expired(now, address));
        self.private = false;
        self.doubled.clear();
        stale
    }

    /// A relay said yes.
    pub fn reserved(&mut self, relay: PeerId) {
        self.places.insert(relay, true);
        self.refused.remove(&relay);
    }

    /// A relay said no, or is lost.
    pub fn lost(&mut self, now: i64, relay: PeerId) {
        self.places.remove(&relay);
        let first = *RESERVE_AGAIN_MS.start();
        let (at, pause) = self.refused.entry(relay).or_insert((now, first));
        *at = now + *pause;
        *pause = (*pause * 2).min(*RESERVE_AGAIN_MS.end());
    }

    /// A device is no member's any more.
    pub fn forget(&mut self, relay: &PeerId) {
        self.refused.remove(relay);
        self.doubled.remove(relay);
    }

    /// Dials relays by the transport that is not open yet: a router gives this device another address for each, and two
    /// who punch holes must try the same one. They know only addresses that somebody saw.
    pub fn double(&mut self, members: &mut BTreeMap<PeerId, Member>, out: &mut Vec<Effect>) {
        if self.exempt || !self.confirmed.is_empty() {
            return;
        }
        for (peer, member) in members {
            if self.volunteers.contains(&member.device)
                && !self.doubled.contains(peer)
                && let Some(addresses) = member.dial_other_transport()
            {
                self.doubled.insert(*peer);
                out.push(Effect::Dial(*peer, addresses));
            }
        }
    }

    /// Asks for places, as many as are missing, at those that answer fastest.
    pub fn plan(&mut self, now: i64, members: &BTreeMap<PeerId, Member>, out: &mut Vec<Effect>) {
        if self.exempt || !self.confirmed.is_empty() {
            return;
        }
        let since = *self.without_since.get_or_insert(now);
        if !self.private && now - since < PRIVATE_AFTER_MS {
            return;
        }
        let missing = RELAYS_HELD.saturating_sub(self.places.len());
        let mut able: Vec<_> = members
            .iter()
            .filter(|(peer, member)| {
                let waits = self.refused.get(*peer).is_some_and(|(at, _)| *at > now);
                self.volunteers.contains(&member.device)
                    && !waits
                    && !self.places.contains_key(*peer)
            })
            .filter_map(|(peer, member)| Some((member.rtt_ms, *peer, address(member)?)))
            .collect();
        able.sort_by(|a, b| faster(a.0, b.0).then(a.1.cmp(&b.1)));
        for (_, peer, address) in able.into_iter().take(missing) {
            self.places.insert(peer, false);
            out.push(Effect::Reserve(peer, address));
        }
    }
}

/// Where a relay that is connected straight is dialled by others, without its id.
fn address(relay: &Member) -> Option<Multiaddr> {
    let mut straight = relay
        .connections
        .values()
        .filter(|c| c.path != Path::Relayed);
    let any = straight.clone().next()?;
    let dialled = straight.find(|c| c.dialled).map(|c| c.address.clone());
    let told = || {
        let mut told = tellable(&relay.addresses).into_iter();
        told.find(|a| !is_circuit(a))
    };
    let mut address = dialled.or_else(told).unwrap_or_else(|| any.address.clone());
    // What was dialled says whom.
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    Some(address)
}

/// Measured before unmeasured, then the shorter round trip.
fn faster(a: Option<f64>, b: Option<f64>) -> Ordering {
    let ms = |rtt: Option<f64>| rtt.unwrap_or(f64::INFINITY);
    ms(a).total_cmp(&ms(b))
}
