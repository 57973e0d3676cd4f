//! What is played: three households, three nodes, two days.

use super::household::Household;
use super::{ADA, BO, CY, HOUR_MS, MINUTE_MS, Played, Stage, unexpected, until, wrapped};
use std::path::{Path, PathBuf};
use weft_api::{ApiError, NetworkRequest, NetworkResponse, Request, Response};
use weft_model::task::{Importance, TaskSpec};

/// How often the log is repeated for a task that takes a moment.
const REPEATS: usize = 40;
/// Tasks that a free member may submit in a day.
const FREE_TASKS: usize = 10;

/// Plays all of it.
pub fn play(mut stage: Stage<'_>) -> Result<Played, ApiError> {
    stage.say("Three households share their devices: three nodes, each a process of its own,\nconnected over loopback. The inputs and the clocks are scripted; every verdict\nis what a plugin answered just now, and every task really goes where it says.\n")?;
    rules(&stage)?;
    households(&mut stage)?;
    evening(&mut stage)?;
    morning(&mut stage)?;
    quota(&mut stage)?;
    swap(&mut stage)?;
    digest(&mut stage)?;
    carbon(&mut stage)?;
    Ok(stage.played)
}

fn rules(stage: &Stage<'_>) -> Result<(), ApiError> {
    stage.say("The community's rules, each a WebAssembly component with a CID")?;
    let Response::Slots(slots) = stage.ask(Request::SlotList)? else {
        return Err(unexpected("list of slots"));
    };
    for slot in &slots {
        for plugin in &slot.plugins {
            stage.say(&format!(
                "  {:<11} {:<20} {}",
                slot.slot,
                plugin.name,
                weft_model::content::short(&plugin.cid)
            ))?;
        }
    }
    let constitution = slots
        .iter()
        .find_map(|s| s.constitution.clone())
        .unwrap_or_default();
    stage.say(&format!("  constitution {constitution}\n"))
}

fn households(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    stage.ask(Request::Network(NetworkRequest::Create {
        name: "our-street".into(),
    }))?;
    stage.say("Ada opens a network; bo and cy join it, each by one string")?;
    for household in [&stage.bo, &stage.cy] {
        let invited = stage.ask(Request::Network(NetworkRequest::Invite {
            role: "member".into(),
            life_ms: 3_600_000,
            uses: 1,
            device: false,
        }))?;
        let Response::Network(NetworkResponse::Invite(invite)) = invited else {
            return Err(unexpected("invite"));
        };
        let invite = invite.invite.unwrap_or_default();
        let begins = &invite[..52.min(invite.len())];
        stage.say(&format!("  weft join {begins}…"))?;
        let name = None;
        household.ask(Request::Network(NetworkRequest::Join { invite, name }))?;
    }
    for household in stage.households() {
        household.ask(Request::UserSet {
            user: household.user.into(),
            idle_minutes: Some(0),
            timezone: Some("Europe/Berlin".into()),
            critical_any_hour: None,
            critical_any_idle: None,
        })?;
        household.ask(Request::PermitAdd {
            user: "*".into(),
            task: "*".into(),
            peer: None,
        })?;
    }
    energy(&stage.ada, "coal", 18.0, 720.0)?;
    energy(&stage.bo, "solar", 60.0, 210.0)?;
    energy(&stage.cy, "wind", 55.0, 260.0)?;
    stage.neighbours_are_up()?;
    heard(stage, &stage.bo, 60.0)?;
    heard(stage, &stage.cy, 55.0)?;
    let digest = stage.digest()?;
    stage.say(&format!(
        "  3 members, and all three nodes fold the log to\n  {digest}\n"
    ))?;
    stage.played.devices = stage
        .households()
        .iter()
        .map(|h| h.device.clone())
        .collect();
    stage.played.digest = digest;
    stage.say("Thursday 22:00 in Berlin: ada is on coal; bo has solar panels, cy a turbine.\n")
}

/// Says what a household runs on.
fn energy(household: &Household, kind: &str, percent: f64, grid: f64) -> Result<(), ApiError> {
    household
        .ask(Request::EnergySet {
            kind: kind.into(),
            percent,
            grid: Some(grid),
        })
        .map(drop)
}

/// Waits until ada's node has heard what a neighbour runs on.
fn heard(stage: &Stage<'_>, household: &Household, percent: f64) -> Result<(), ApiError> {
    until("the neighbour's energy is heard", || {
        let Response::Peers(peers) = stage.ask(Request::PeerList)? else {
            return Err(unexpected("list of peers"));
        };
        Ok(peers
            .iter()
            .any(|p| p.peer == household.device && p.percent_clean == Some(percent)))
    })
}

fn evening(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    stage.say("Three keys vote: how important is it to sort the family's photos?")?;
    let all = |i| [(ADA, i), (BO, i), (CY, i)];
    stage.vote("sort-photos", &all(Importance::Normal))?;
    stage.say("\nNormal tasks wait for clean energy")?;
    let photos = stage.submit(task(stage, "sort-photos"), "deferred")?;
    stage.say("\nA hospital's task overrides, a firewall's does not")?;
    stage.submit(task(stage, "hospital-backup"), "done")?;
    stage.submit(task(stage, "firewall-update"), "deferred")?;
    stage.say("\nAda's rules: never anything that smells of mining, and no more than 300 W")?;
    for (kind, value) in [
        ("task_type_blacklist", "mining"),
        ("max_power_watts", "300"),
    ] {
        stage.ask(Request::RulesAdd {
            user: ADA.into(),
            id: None,
            kind: kind.into(),
            value: Some(value.into()),
            level: "strict".into(),
            reasoning: Some("the electricity is for the neighbours".into()),
        })?;
    }
    stage.submit(task(stage, "crypto-mining"), "blocked")?;
    stage.say("\nFriday 12:00: the sun is on bo's roof, and the photos go there by themselves")?;
    stage.later(14 * HOUR_MS)?;
    energy(&stage.bo, "solar", 97.0, 45.0)?;
    heard(stage, &stage.bo, 97.0)?;
    stage.show(ADA, &photos.task, "done").map(drop)
}

fn morning(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    stage.say("\nAda gives hours: 22:00 to 07:00, her own time")?;
    stage.ask(Request::HoursAdd {
        user: ADA.into(),
        id: Some("night".into()),
        day: None,
        from: "22:00".into(),
        until: "07:00".into(),
        description: Some("while we sleep".into()),
    })?;
    stage.submit(task(stage, "sort-photos"), "deferred")?;
    stage
        .ask(Request::HoursRemove {
            user: ADA.into(),
            id: "night".into(),
        })
        .map(drop)
}

fn quota(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    stage.say("\nCy has the free tier: ten tasks a day, the eleventh waits for midnight")?;
    let all = |i| [(ADA, i), (BO, i), (CY, i)];
    stage.vote("thumbnails", &all(Importance::Low))?;
    let thumbnails = TaskSpec {
        user: CY.into(),
        ..task(stage, "thumbnails")
    };
    energy(&stage.cy, "wind", 93.0, 11.0)?;
    for _ in 0..FREE_TASKS {
        stage.cy.ask(Request::TaskSubmit {
            spec: thumbnails.clone(),
            wait: false,
        })?;
    }
    let eleventh = stage.submit(thumbnails, "queued")?;
    stage.later(14 * HOUR_MS)?;
    stage.say("  Saturday 02:01: after the reset her node took it up by itself")?;
    stage.show(CY, &eleventh.task, "done").map(drop)
}

fn swap(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    stage.say("\nHow important is the weather model? Bo says high, Ada and Cy say low")?;
    let ballots = [
        (ADA, Importance::Low),
        (BO, Importance::High),
        (CY, Importance::Low),
    ];
    let before = stage.vote("weather-model", &ballots)?;
    for (user, amount) in [(BO, 900.0), (CY, 50.0)] {
        stage.ask(Request::TierDonate {
            user: user.into(),
            amount,
            by: None,
        })?;
    }
    let Response::Releases(releases) = stage.ask(Request::ReleaseList {
        kind: Some("policy".into()),
    })?
    else {
        return Err(unexpected("list of plugins"));
    };
    let stake = releases
        .into_iter()
        .find(|r| r.name == "voting-stake")
        .ok_or_else(|| unexpected("plugin `voting-stake`"))?;
    stage.say("  the voting method is swapped for one by stake, while tasks flow:")?;
    stage.say(&wrapped(
        &format!("weft plugin use voting {}", stake.cid),
        4,
    ))?;
    let load = task(stage, "sort-photos");
    stage.swap_under_load("voting", &stake.cid, &load)?;
    let (decided, failed) = (
        stage.played.decided_during_swap,
        stage.played.failed_during_swap,
    );
    stage.say(&format!(
        "    {decided} decisions meanwhile, {failed} failed"
    ))?;
    stage.later(MINUTE_MS)?;
    let after = stage.vote("weather-model", &ballots)?;
    if before.consensus == after.consensus || failed > 0 {
        return Err(unexpected("other outcome after the swap"));
    }
    Ok(())
}

fn digest(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    let what = match stage.log.of {
        Some(path) => format!("A real log, {path},"),
        None => "A log that is made up, for none of this machine can be read,".into(),
    };
    stage.say(&format!(
        "\n{what}\nis digested in a neighbour's sandbox, and the receipt comes back"
    ))?;
    let log = stage.log.path.clone();
    let spec = TaskSpec {
        input: Some(repeated(&log)?.display().to_string()),
        ..task(stage, "log-digest")
    };
    stage.say(&format!("  {}, {REPEATS} times over", log.display()))?;
    let done = stage.submit(spec, "done")?;
    if let Some(decision) = &done.decision {
        let Response::Verify(verify) = stage.ask(Request::DecisionVerify {
            cid: decision.clone(),
        })?
        else {
            return Err(unexpected("verification"));
        };
        stage.say(&wrapped(
            &format!(
                "its decision, run again: {} calls, {}",
                verify.calls,
                if verify.equal {
                    "every answer the same"
                } else {
                    "different!"
                }
            ),
            21,
        ))?;
        if !verify.equal {
            return Err(unexpected("equal decision"));
        }
    }
    stage.say(&wrapped(
        &format!("receipt {}", done.receipt.as_deref().unwrap_or("none")),
        2,
    ))
}

/// The log, many times over, in a file beside the homes.
fn repeated(log: &Path) -> Result<PathBuf, ApiError> {
    let failed = |e| super::io(&log.display().to_string(), &e);
    let bytes = std::fs::read(log).map_err(failed)?;
    let path = log.with_extension("long");
    std::fs::write(&path, bytes.repeat(REPEATS)).map_err(failed)?;
    Ok(path)
}

fn carbon(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    let Response::Carbon(report) = stage.ask(Request::CarbonReport { month: None })? else {
        return Err(unexpected("carbon report"));
    };
    stage.say("\nCarbon, modelled from declared figures")?;
    stage.say(&format!(
        "  {} tasks emitted {:.1} mg and saved {:.1} mg; {:.0} % renewable on average",
        report.tasks,
        report.emitted_g * 1_000.0,
        report.saved_g * 1_000.0,
        report.average_renewable_percent.unwrap_or(0.0)
    ))?;
    stage.say(&wrapped(&report.advice, 2))?;
    stage.played.carbon = Some(report);
    Ok(())
}

/// A task of ada's, ten minutes at 60 W: whatever its name, it reads a log.
fn task(stage: &Stage<'_>, name: &str) -> TaskSpec {
    TaskSpec {
        name: name.into(),
        user: ADA.into(),
        tags: Vec::new(),
        importance: None,
        urgency: None,
        sla: None,
        deadline: None,
        watts: Some(60.0),
        duration_ms: 600_000,
        memory_mb: 100,
        cores: 0.0,
        fee: 0,
        workload: Some("log-digest".into()),
        input: Some(stage.log.path.display().to_string()),
        params: None,
        private: false,
    }
}
