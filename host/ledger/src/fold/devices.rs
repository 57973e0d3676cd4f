//! Whose a device is, whether the others open their doors to it, and what ends that.

use super::State;
use super::past::Horizon;
use crate::body::{Body, LastEvent};
use std::collections::BTreeMap;
use weft_model::Did;

impl State {
    /// The member to whom a device belongs; they may have been removed since, and the device revoked.
    pub fn member_of_device(&self, device: &Did) -> Option<Did> {
        self.device_member(Horizon::All, device)
    }

    /// The devices of a member, without revoked ones.
    pub fn devices_of(&self, member: &Did) -> Vec<Did> {
        self.ever_devices_of(member)
            .filter(|device| !self.is_revoked(Horizon::All, device))
            .collect()
    }

    /// Devices that were revoked.
    pub fn revoked_devices(&self) -> impl Iterator<Item = &Did> {
        self.facts.revoked.keys()
    }

    /// Devices whose doors the others open, with their members: of present members, not revoked, and not frozen for
    /// having told two stories.
    pub fn allowed_devices(&self) -> BTreeMap<Did, Did> {
        self.all_devices()
            .filter(|device| !self.forks.contains_key(device))
            .filter(|device| !self.is_revoked(Horizon::All, device))
            .filter_map(|device| Some((device, self.device_member(Horizon::All, &device)?)))
            .filter(|(_, member)| self.role_at(Horizon::All, member).is_some())
            .collect()
    }

    /// Devices that told two stories, with the first place at which they did.
    pub fn frozen(&self) -> &BTreeMap<Did, u64> {
        &self.forks
    }

    /// The body of a device's revocation that keeps all that is known of it.
    pub fn revocation(&self, device: &Did) -> Body {
        Body::DeviceRevoked {
            device: *device,
            last: self.head(device).map(|head| head.cid),
        }
    }

    /// The body of a member's removal that keeps all that is known of their devices.
    pub fn removal(&self, member: &Did) -> Body {
        let last = self
            .ever_devices_of(member)
            .filter_map(|device| {
                let event = self.head(&device)?.cid;
                Some(LastEvent { device, event })
            })
            .collect();
        Body::MemberRemoved { did: *member, last }
    }

    fn ever_devices_of(&self, member: &Did) -> impl Iterator<Item = Did> {
        self.all_devices()
            .filter(|device| self.device_member(Horizon::All, device) == Some(*member))
    }

    pub(super) fn all_devices(&self) -> impl Iterator<Item = Did> {
        let first = self.genesis.device;
        let others = self
            .facts
            .devices
            .keys()
            .copied()
            .filter(move |d| *d != first);
        std::iter::once(first).chain(others)
    }
}
