//! What is wrong around the node: ports, the way in from outside, clocks, other devices, room. What to do stands beside it.
//!
//! It looks and changes nothing; a port is tried only where no daemon of this home listens on it.

use crate::error::Result;
use crate::node::Node;
use crate::report::{CheckReport, DeviceReport, MeshReport};
use crate::status::{check, warning};
use weft_ledger::limits::SKEW_MS;
use weft_mesh::try_listen;
use weft_model::text::printable;
use weft_store::events;

/// Free space under which doctor warns, in bytes: 1 GiB.
const FREE_BYTES: u64 = 1 << 30;
/// Share of the cap on content from which on doctor warns, per cent.
const NEARLY_FULL_PERCENT: u64 = 90;
/// Most devices that are named.
const NAMED: usize = 8;
/// Bytes in a MB.
const MB: u64 = 1_000_000;
/// The state of a device that has its place.
const ACTIVE: &str = "active";
/// What paths through others are called.
const RELAYED: &str = "relayed";

impl Node {
    /// The checks of what is around the node.
    pub(crate) fn check_surroundings(&self) -> Result<Vec<CheckReport>> {
        let mesh = self.mesh_status()?;
        let devices = self.device_list()?;
        Ok(vec![
            self.check_standing()?,
            self.check_ports(&mesh)?,
            check_way_in(&mesh),
            self.check_clocks()?,
            check_peers(&mesh, &devices),
            self.check_disk()?,
        ])
    }

    /// Whether the network still knows this device, as far as this home has heard.
    fn check_standing(&self) -> Result<CheckReport> {
        let own = crate::keys::did(&self.device_key);
        let (member, frozen) = self.with_state(|state| {
            let frozen = state.frozen().contains_key(&own);
            (state.allowed_devices().contains_key(&own), frozen)
        })?;
        let found = match (member, frozen) {
            (true, _) => "this device belongs to the network",
            (false, true) => {
                "this device told two stories and is frozen: others close it, and nothing of it counts"
            }
            (false, false) => {
                "this device was removed: others close it, and its tasks run here alone"
            }
        };
        let remedy =
            "ask an admin for a new invite, then `weft network leave` and `weft join` with it";
        Ok(check("membership", member, found.to_owned(), remedy))
    }

    /// Whether the mesh listens, or could.
    fn check_ports(&self, mesh: &MeshReport) -> Result<CheckReport> {
        let remedy = "choose other addresses with the setting listen, or stop who has the port";
        if mesh.running {
            let found = match mesh.listening.is_empty() {
                true => "the mesh listens nowhere: nobody can connect to this device".to_owned(),
                false => format!("listens on {}", mesh.listening.join(", ")),
            };
            return Ok(check("ports", !mesh.listening.is_empty(), found, remedy));
        }
        if !self.is_meshed()? {
            let found = "none is needed: this home is in no mesh".to_owned();
            return Ok(check("ports", true, found, remedy));
        }
        let listen = self.settings.text("listen");
        let refused: Vec<String> = listen
            .split(',')
            .map(str::trim)
            .filter_map(|address| Some((address, try_listen(address)?)))
            .filter_map(|(address, tried)| Some(format!("`{address}`: {}", tried.err()?)))
            .collect();
        let found = match &refused[..] {
            [] => format!("free for the next `weft start`: {listen}"),
            refused => refused.join("; "),
        };
        Ok(check("ports", refused.is_empty(), found, remedy))
    }

    /// Whether devices write of a time that has not come yet here.
    fn check_clocks(&self) -> Result<CheckReport> {
        let now = self.now();
        let ahead = self.store.read(|tx| -> Result<_> {
            let mut ahead = Vec::new();
            for head in events::heads(tx)? {
                let at = events::get(tx, &head.cid)?.map_or(now, |event| event.at);
                if at - now > SKEW_MS {
                    ahead.push(format!("{} by {} min", head.author, (at - now) / 60_000));
                }
            }
            Ok(ahead)
        })?;
        let found = match ahead.len() {
            0 => "no device writes of a time that has not come".to_owned(),
            _ => format!("ahead of this clock: {}", named(&ahead)),
        };
        Ok(warning(
            "clock",
            ahead.is_empty(),
            found,
            "set the clocks of both sides by NTP; if all others are ahead it is this one",
        ))
    }

    fn check_disk(&self) -> Result<CheckReport> {
        let remedy = "let go what is not needed with `weft content unpin CID` and `weft content gc`, free space where the \
                      home is, or raise cap_disk_mb";
        let free = match fs4::available_space(self.home.root()) {
            Ok(free) => free,
            Err(e) => {
                let remedy = "check how the home is mounted";
                return Ok(warning("disk", false, e.to_string(), remedy));
            }
        };
        let mut found = format!("{} MB free", free / MB);
        let mut fine = free >= FREE_BYTES;
        if let Some(cap) = self.settings.cap_disk_bytes() {
            let used = self.content.bytes()?;
            found.push_str(&format!(
                "; content takes {} of {} MB (cap_disk_mb)",
                used.div_ceil(MB),
                cap / MB
            ));
            fine &= used / (cap / 100).max(1) < NEARLY_FULL_PERCENT;
        }
        Ok(warning("disk", fine, found, remedy))
    }
}

/// How others reach this device.
fn check_way_in(mesh: &MeshReport) -> CheckReport {
    let connected: Vec<_> = mesh.peers.iter().filter(|p| p.connected).collect();
    let relayed = connected.iter().filter(|p| p.path == RELAYED).count();
    let only_relayed = relayed > 0 && relayed == connected.len();
    let (fine, found) = if !mesh.running {
        (true, "known while a daemon runs in a mesh".to_owned())
    } else if only_relayed {
        let found =
            format!("all {relayed} connections go through relays: slow, and at their mercy");
        (false, found)
    } else if !mesh.external.is_empty() {
        let relayed = match relayed {
            0 => String::new(),
            n => format!("; {n} of {} connections go through relays", connected.len()),
        };
        let found = format!("others reach it at {}{relayed}", mesh.external.join(", "));
        (true, found)
    } else {
        let found =
            "no address outside is known: devices of other local networks can't call it".to_owned();
        // Whoever is connected came in another way, and whoever is alone misses nobody.
        (mesh.peers.len() == connected.len(), found)
    };
    warning(
        "way in",
        fine,
        found,
        "open the port of the setting listen in the router, or turn on its UPnP; then name the address in \
         external_addresses, or let a member with a public address set relay = true",
    )
}

/// Devices that are members' and were never there, or can't be reached now.
fn check_peers(mesh: &MeshReport, devices: &[DeviceReport]) -> CheckReport {
    let others: Vec<&DeviceReport> = devices
        .iter()
        .filter(|d| !d.is_self && d.state == ACTIVE)
        .collect();
    let list = |wanted: &dyn Fn(&&&DeviceReport) -> bool| -> Vec<String> {
        let named = others.iter().filter(wanted);
        named
            .map(|d| format!("{} ({})", printable(&d.member, 80), d.device))
            .collect()
    };
    let never = list(&|d| d.seen_at.is_none() && !d.connected);
    let away = match mesh.running {
        true => list(&|d| d.seen_at.is_some() && !d.connected),
        false => Vec::new(),
    };
    let mut parts = vec![match (others.len(), mesh.running) {
        (0, _) => "no other device is in the network".to_owned(),
        (n, true) => format!("{} of {n} other devices connected", mesh.connected),
        (n, false) => format!("{n} other devices, none connected without a daemon"),
    }];
    if !never.is_empty() {
        parts.push(format!("never seen: {}", named(&never)));
    }
    if !away.is_empty() {
        parts.push(format!("not reached: {}", named(&away)));
    }
    warning(
        "peers",
        never.is_empty() && away.is_empty(),
        parts.join("; "),
        "see that they run, and where they were looked for: weft mesh status; who is gone for good: weft devices revoke \
         DEVICE",
    )
}

/// The first few of them.
fn named(all: &[String]) -> String {
    let more = match all.len().checked_sub(NAMED) {
        None | Some(0) => String::new(),
        Some(n) => format!(" and {n} more"),
    };
    format!("{}{more}", all[..all.len().min(NAMED)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::MeshPeerReport;

    fn mesh(paths: &[&str], external: &[&str]) -> MeshReport {
        let peer = |path: &&str| MeshPeerReport {
            connected: *path != "unreachable",
            path: (*path).to_owned(),
            ..MeshPeerReport::default()
        };
        MeshReport {
            running: true,
            external: external.iter().map(ToString::to_string).collect(),
            peers: paths.iter().map(peer).collect(),
            ..MeshReport::default()
        }
    }

    #[test]
    fn relays_alone_and_no_address_outside_are_told() {
        let result =
            |paths: &[&str], external: &[&str]| check_way_in(&mesh(paths, external)).result;
        assert_eq!(
            result(&["relayed", "relayed"], &["/ip4/1.2.3.4/tcp/1"]),
            "warning"
        );
        assert_eq!(result(&["relayed", "lan"], &["/ip4/1.2.3.4/tcp/1"]), "ok");
        assert_eq!(result(&["lan", "unreachable"], &[]), "warning");
        assert_eq!(result(&["lan"], &[]), "ok");
        assert_eq!(result(&[], &[]), "ok");
    }

    #[test]
    fn devices_that_are_missed_are_named_and_revoked_ones_are_not() {
        let device = |name: &str, state: &str, seen: bool| DeviceReport {
            device: name.into(),
            peer_id: String::new(),
            member: "bob".into(),
            is_self: false,
            state: state.into(),
            connected: false,
            seen_at: seen.then(|| "2026-01-01T00:00:00Z".into()),
        };
        let all = [
            device("d-never", "active", false),
            device("d-away", "active", true),
            device("d-gone", "revoked", false),
        ];
        let report = check_peers(&mesh(&["unreachable"], &[]), &all);
        assert_eq!(report.result, "warning");
        assert_eq!(
            report.found,
            "0 of 2 other devices connected; never seen: bob (d-never); not reached: bob (d-away)"
        );
        assert_eq!(check_peers(&mesh(&[], &[]), &[]).result, "ok");
    }
}
