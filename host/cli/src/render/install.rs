//! Releases on their way: packages, installs, pins, what is out of date.

use super::slot;
use super::style::{BAD, DIM, GOOD, HEAD, bytes, of_status, paint};
use super::table::pairs;
use weft_api::PackageResponse;
use weft_api::report::{InstallReport, OutdatedReport, PackageReport, PinReport, QuarantineReport};

/// Fields of a record that a person sees elsewhere, or that are long.
const HIDDEN: [&str; 1] = ["config_schema"];

/// What a person sees of an answer about releases.
pub fn text(response: &PackageResponse) -> String {
    match response {
        PackageResponse::Package(package) => one_package(package),
        PackageResponse::Diff(lines) if lines.is_empty() => "no difference\n".into(),
        PackageResponse::Diff(lines) => lines.iter().map(|l| format!("{}\n", change(l))).collect(),
        PackageResponse::Install(install) => one(install),
        PackageResponse::Installs(installs) if installs.is_empty() => "nothing waits\n".into(),
        PackageResponse::Installs(installs) => installs.iter().map(one).collect(),
        PackageResponse::Pin(pin) => pins(std::slice::from_ref(pin)),
        PackageResponse::Pins(list) => pins(list),
        PackageResponse::Changes(changes) => slot::changes(changes),
        PackageResponse::Quarantine(list) => quarantine(list),
        PackageResponse::Outdated(report) => outdated(report),
    }
}

fn one_package(package: &PackageReport) -> String {
    let trust = match package.trusted {
        true => paint(GOOD, "trusted"),
        false => paint(BAD, "not trusted"),
    };
    let mut text = format!("{trust}: {}\n", package.trust);
    let mut rows = vec![("release", package.release.clone())];
    rows.extend(
        package
            .fields
            .iter()
            .filter(|(name, _)| !HIDDEN.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.clone())),
    );
    for (role, key) in &package.signatures {
        rows.push(("signed", format!("{role} {key}")));
    }
    if let Some(file) = &package.file {
        let size = package.bytes.map(|b| format!(" ({})", bytes(b)));
        rows.push(("file", format!("{file}{}", size.unwrap_or_default())));
    }
    rows.extend(package.public.iter().map(|cid| ("public", cid.clone())));
    text.push_str(&pairs(&rows));
    text.push_str(&warnings(&package.warnings));
    text
}

fn one(install: &InstallReport) -> String {
    let mut text = format!(
        "{} {} (revision {})  {}, {}\n",
        paint(HEAD, &install.name),
        install.version,
        install.revision,
        install.kind,
        paint(of_status(&install.state), &install.state)
    );
    text.push_str(&pairs(&[
        ("release", install.release.clone()),
        (
            "serves",
            match (&install.target, install.state.as_str()) {
                (Some(target), "done") => target.clone(),
                (Some(target), _) => format!("{target}, when it is done"),
                (None, _) => "nothing yet: weft pin TARGET CID".into(),
            },
        ),
        (
            "publisher",
            format!("{} ({})", install.publisher, install.fingerprint),
        ),
        ("trusted", install.trusted_by.clone().unwrap_or_default()),
        ("from", install.source.clone().unwrap_or_default()),
        ("not before", install.not_before.clone().unwrap_or_default()),
    ]));
    if install.state == "waiting" {
        text.push_str("  it wants more than what serves:\n");
        for line in &install.growth {
            text.push_str(&format!("    {}\n", paint(BAD, line)));
        }
        for line in &install.changes {
            text.push_str(&format!("    {}\n", change(line)));
        }
        text.push_str(&format!(
            "  agree with `weft consent {}`, refuse with `--no`\n",
            install.name
        ));
    } else if let Some(reason) = &install.reason {
        text.push_str(&format!("  {reason}\n"));
    }
    text.push_str(&warnings(&install.warnings));
    text
}

fn warnings(warnings: &[String]) -> String {
    let line = |w: &String| format!("{}: {w}\n", paint(BAD, "look"));
    warnings.iter().map(line).collect()
}

fn change(line: &str) -> String {
    match line.as_bytes().first() {
        Some(b'+') => paint(GOOD, line),
        Some(b'-') => paint(BAD, line),
        _ => line.to_owned(),
    }
}

fn pins(pins: &[PinReport]) -> String {
    if pins.is_empty() {
        return "nothing is pinned\n".into();
    }
    let line = |p: &PinReport| {
        format!(
            "{} stays at {}  {}\n",
            paint(HEAD, &p.target),
            p.name,
            paint(DIM, &p.release)
        )
    };
    pins.iter().map(line).collect()
}

fn quarantine(list: &[QuarantineReport]) -> String {
    if list.is_empty() {
        return "no release is out of service\n".into();
    }
    let line = |q: &QuarantineReport| {
        format!(
            "{} since {}: {}\n  {}\n",
            paint(HEAD, &q.name),
            q.at,
            q.reason,
            paint(DIM, &q.release)
        )
    };
    list.iter().map(line).collect()
}

fn outdated(report: &OutdatedReport) -> String {
    let mut text = String::new();
    for line in &report.targets {
        let newest = match line.newest {
            Some(newest) if newest > line.revision => format!(", newest is {newest}"),
            _ => String::new(),
        };
        let state = match line.state.as_str() {
            "behind" => paint(BAD, "behind"),
            "stale" => paint(BAD, "stale: nothing newer was heard for long"),
            "unverified" => "freshness unverified".into(),
            "bundled" => "comes with this program".into(),
            state => paint(GOOD, state),
        };
        let pinned = if line.pinned { ", pinned" } else { "" };
        text.push_str(&format!(
            "{}  {} (revision {}{newest}): {state}{pinned}\n",
            paint(HEAD, &line.target),
            line.name,
            line.revision
        ));
        if line.state == "behind"
            && let Some(cid) = &line.newest_release
        {
            text.push_str(&format!("  {}\n", paint(DIM, cid)));
        }
    }
    text.push_str(&warnings(&report.warnings));
    text
}
