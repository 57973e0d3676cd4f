//! The network: members' devices, invites, the mesh, the log.

use super::style::{BAD, DIM, GOOD, HEAD, WARN, bytes, count, known, paint, short};
use super::table::{Rows, heading, pairs, plain, styled};
use super::user;
use weft_api::report::{
    DeviceReport, EventReport, FoundReport, InviteReport, JoinReport, LogReport, LogVerifyReport,
    MeshReport, NetworkReport, OutsiderReport,
};
use weft_api::{ApiError, NetworkResponse};

/// What a person sees of an answer about the network.
pub fn text(answer: &NetworkResponse) -> String {
    match answer {
        NetworkResponse::Network(network) => self::network(network),
        NetworkResponse::Invite(invite) => self::invite(invite),
        NetworkResponse::Invites(invites) => self::invites(invites),
        NetworkResponse::Joined(joined) => self::joined(joined),
        NetworkResponse::Members(members) => user::members(members),
        NetworkResponse::Devices(devices) => self::devices(devices),
        NetworkResponse::Mesh(mesh) => self::mesh(mesh),
        NetworkResponse::Events(events) => self::events(events),
        NetworkResponse::Event(event) => self::event(event),
        NetworkResponse::Log(log) => self::log(log),
        NetworkResponse::LogVerified(verified) => self::verified(verified),
        NetworkResponse::Found(found) => self::found(found),
    }
}

fn network(n: &NetworkReport) -> String {
    let role = n.role.as_deref().unwrap_or("no member");
    let up = if n.running {
        paint(GOOD, "connected")
    } else {
        paint(WARN, "not connected: weft start")
    };
    format!("{}\n", paint(HEAD, &n.name))
        + &pairs(&[
            ("network", n.network.clone()),
            ("you", format!("{} ({role})", n.user)),
            ("device", n.device.clone()),
            ("members", n.members.to_string()),
            ("devices", n.devices.to_string()),
            ("mesh", up),
            ("founded", format!("{} by {}", n.created, n.founder)),
            ("log", count(n.events as usize, "event")),
            ("digest", n.digest.clone()),
        ])
}

fn invite(i: &InviteReport) -> String {
    let whom = match &i.member {
        Some(_) => "a further device of yours".to_owned(),
        None => format!("{} as {}", count(i.uses as usize, "newcomer"), i.role),
    };
    let text = i.invite.clone().unwrap_or_default();
    format!(
        "{text}\n\n{}\n",
        paint(
            DIM,
            &format!(
                "It lets in {whom} until {}; they type: weft join STRING",
                i.expires_at
            )
        )
    )
}

fn invites(all: &[InviteReport]) -> String {
    if all.is_empty() {
        return "no invites; `weft invite` makes one\n".into();
    }
    let mut rows = Rows::new(&["INVITE", "LETS IN", ">USED", "EXPIRES", "STATE"]);
    for i in all {
        let style = if i.state == "open" { GOOD } else { DIM };
        let whom = i.member.as_ref().map_or(i.role.as_str(), |_| "own device");
        rows.push(vec![
            plain(short(&i.key)),
            plain(whom),
            plain(format!("{}/{}", i.used, i.uses)),
            plain(&i.expires_at),
            styled(style, &i.state),
        ]);
    }
    rows.text()
}

fn joined(j: &JoinReport) -> String {
    let note = if j.events == 0 {
        paint(
            WARN,
            "its log is not here yet; it comes when `weft start` reaches a member",
        )
    } else {
        count(j.events as usize, "event")
    };
    format!("{}\n", paint(HEAD, &format!("joined {}", j.name)))
        + &pairs(&[
            ("as", format!("{} ({})", j.user, j.role)),
            ("network", j.network.clone()),
            ("device", j.device.clone()),
            ("let in by", j.by.clone()),
            ("log", note),
        ])
}

fn devices(all: &[DeviceReport]) -> String {
    let mut rows = Rows::new(&["DEVICE", "MEMBER", "STATE", "UP", "SEEN"]);
    for d in all {
        let style = if d.state == "active" { GOOD } else { BAD };
        let up = match (d.is_self, d.connected) {
            (true, _) => "here",
            (false, true) => "yes",
            (false, false) => "no",
        };
        rows.push(vec![
            plain(&d.device),
            plain(&d.member),
            styled(style, &d.state),
            plain(up),
            styled(DIM, d.seen_at.as_deref().unwrap_or("")),
        ]);
    }
    rows.text()
}

fn mesh(m: &MeshReport) -> String {
    if !m.running {
        return format!(
            "{}\n{}",
            paint(WARN, "not connected; `weft start` connects this home"),
            pairs(&[
                ("network", m.name.clone()),
                ("members", m.members.to_string()),
            ])
        ) + &outsiders(m.public.as_ref());
    }
    let mut text = format!("{}\n", paint(HEAD, &m.name))
        + &pairs(&[
            ("members", m.members.to_string()),
            ("connected", m.connected.to_string()),
            ("peer id", m.peer_id.clone()),
            ("listening", m.listening.join("\n")),
            ("lobby", m.lobby.join("\n")),
            ("external", m.external.join("\n")),
            (
                "gossip",
                format!("{} in, {} out", m.gossip_in, m.gossip_out),
            ),
            (
                "requests",
                format!("{} in, {} out", m.requests_in, m.requests_out),
            ),
            (
                "paths",
                format!(
                    "{} hole-punched, {} relay reservations, {} ports mapped",
                    m.hole_punched, m.reservations, m.ports_mapped
                ),
            ),
        ]);
    if !m.peers.is_empty() {
        text.push_str(&heading("Devices"));
        let mut rows = Rows::new(&["DEVICE", "PATH", ">MS", "AT"]);
        for p in &m.peers {
            let style = if p.connected { GOOD } else { DIM };
            rows.push(vec![
                plain(short(&p.device)),
                styled(style, &p.path),
                plain(known(p.rtt_ms, 1)),
                plain(p.addresses.first().map_or("", String::as_str)),
            ]);
        }
        text.push_str(&rows.text());
    }
    if !m.dropped.is_empty() {
        text.push_str(&heading("Dropped"));
        let mut rows = Rows::new(&["WHY", ">TIMES"]);
        for (why, times) in &m.dropped {
            rows.push(vec![plain(why), plain(times)]);
        }
        text.push_str(&rows.text());
    }
    text + &outsiders(m.public.as_ref())
}

/// The listener for outsiders, and what it counted.
fn outsiders(public: Option<&OutsiderReport>) -> String {
    let Some(public) = public else {
        return String::new();
    };
    let mut text = heading("Outsiders")
        + &pairs(&[
            ("peer id", public.peer_id.clone()),
            ("listening", public.listening.join("\n")),
            ("connected", public.connected.to_string()),
        ]);
    let counted: Vec<_> = public.counts.iter().filter(|(_, n)| **n > 0).collect();
    if !counted.is_empty() {
        let mut rows = Rows::new(&["WHAT", ">TIMES"]);
        for (what, times) in counted {
            rows.push(vec![plain(what), plain(times)]);
        }
        text.push_str(&rows.text());
    }
    text
}

fn events(all: &[EventReport]) -> String {
    if all.is_empty() {
        return "no events yet\n".into();
    }
    let mut rows = Rows::new(&["AT", "KIND", "BY", ">SEQ", "EVENT"]);
    for e in all {
        let kind = match &e.void {
            Some(_) => styled(DIM, format!("{} (void)", e.kind)),
            None => plain(&e.kind),
        };
        rows.push(vec![
            plain(&e.at),
            kind,
            plain(e.user.clone().unwrap_or_else(|| short(&e.author))),
            plain(e.seq),
            styled(DIM, short(&e.event)),
        ]);
    }
    rows.text()
}

fn event(e: &EventReport) -> String {
    let body = e
        .body
        .as_ref()
        .and_then(|b| serde_json::to_string_pretty(b).ok());
    format!("{}\n", paint(HEAD, &e.event))
        + &pairs(&[
            ("kind", e.kind.clone()),
            ("by", e.user.clone().unwrap_or_default()),
            ("device", e.author.clone()),
            ("place", e.seq.to_string()),
            ("at", e.at.clone()),
            (
                "void",
                e.void
                    .as_deref()
                    .map_or_else(String::new, |v| paint(BAD, v)),
            ),
            ("says", body.unwrap_or_default()),
        ])
}

fn log(l: &LogReport) -> String {
    let mut text = pairs(&[
        ("events", l.events.to_string()),
        ("without effect", l.void.to_string()),
        ("devices", l.devices.to_string()),
        ("size", bytes(l.bytes)),
        ("frozen", l.frozen.join("\n")),
        ("digest", l.digest.clone()),
    ]);
    let mut rows = Rows::new(&["KIND", ">EVENTS"]);
    for (kind, events) in &l.kinds {
        rows.push(vec![plain(kind), plain(events)]);
    }
    text.push_str(&heading("Kinds"));
    text + &rows.text()
}

fn verified(v: &LogVerifyReport) -> String {
    if v.ok {
        return format!(
            "{} {}, digest {}\n",
            paint(GOOD, "sound:"),
            count(v.events as usize, "event"),
            v.digest
        );
    }
    let mut text = format!("{}\n", paint(BAD, "the log does not hold"));
    for problem in &v.problems {
        text.push_str(&format!("  {problem}\n"));
    }
    text
}

fn found(all: &[FoundReport]) -> String {
    if all.is_empty() {
        return "no member has such a release\n".into();
    }
    let mut rows = Rows::new(&["NAME", "VERSION", "KIND", ">SEEDERS", "HERE", "RELEASE"]);
    for f in all {
        rows.push(vec![
            plain(&f.name),
            plain(&f.version),
            plain(&f.kind),
            plain(f.seeders),
            plain(if f.here { "yes" } else { "no" }),
            plain(&f.release),
        ]);
    }
    rows.text()
}

/// A string as a QR code that a terminal can show.
///
/// # Errors
/// When it is too long for one.
pub fn qr(text: &str) -> Result<String, ApiError> {
    // Capitals alone make a code with half the dots; an invite reads the same.
    let code = qrcode::QrCode::with_error_correction_level(text.to_uppercase(), qrcode::EcLevel::L)
        .map_err(|e| ApiError::new("invalid", format!("no QR code: {e}"), "leave out --qr"))?;
    let image = code
        .render::<qrcode::render::unicode::Dense1x2>()
        .dark_color(qrcode::render::unicode::Dense1x2::Light)
        .light_color(qrcode::render::unicode::Dense1x2::Dark)
        .build();
    Ok(format!("{image}\n"))
}
