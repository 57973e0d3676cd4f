//! What is played: three households, two days.

use super::{ADA, BO, CY, HOUR_MS, MINUTE_MS, Played, Stage, unexpected, wrapped};
use std::path::PathBuf;
use weft_api::{ApiError, PeerRow, Request, Response};
use weft_model::task::{Importance, TaskSpec};

/// Logs of real systems, the first that is there is digested.
const LOGS: [&str; 5] = [
    "/var/log/dpkg.log",
    "/var/log/syslog",
    "/var/log/messages",
    "/var/log/system.log",
    "/var/log/install.log",
];
/// Tasks that a free member may submit in a day.
const FREE_TASKS: usize = 10;

/// Plays all of it.
pub fn play(mut stage: Stage<'_>) -> Result<Played, ApiError> {
    stage.say("Three households share their devices. The inputs and the clock are scripted;\nevery verdict is what a plugin answered just now.\n")?;
    rules(&stage)?;
    households(&stage)?;
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

fn households(stage: &Stage<'_>) -> Result<(), ApiError> {
    for user in [BO, CY] {
        stage.ask(Request::MemberAdd {
            user: user.into(),
            did: None,
            role: "member".into(),
        })?;
    }
    stage.ask(Request::UserSet {
        user: ADA.into(),
        idle_minutes: Some(0),
        timezone: Some("Europe/Berlin".into()),
        critical_any_hour: None,
        critical_any_idle: None,
    })?;
    stage.ask(Request::EnergySet {
        kind: "coal".into(),
        percent: 18.0,
        grid: Some(720.0),
    })?;
    peer(stage, "helios", "solar", 60.0, 210.0)?;
    peer(stage, "zephyr", "wind", 55.0, 260.0)?;
    peer(stage, "accu", "battery", 40.0, 301.0)?;
    stage.ask(Request::PermitAdd {
        user: "*".into(),
        task: "*".into(),
        peer: None,
    })?;
    stage.say("Thursday 22:00 in Berlin: ada is on coal; helios (solar), zephyr (wind) and\naccu (battery) are her neighbours' devices, rows of a table for now.\n")
}

fn peer(stage: &Stage<'_>, id: &str, energy: &str, clean: f64, grid: f64) -> Result<(), ApiError> {
    let peer = PeerRow {
        peer: id.into(),
        energy_type: Some(energy.into()),
        percent_clean: Some(clean),
        grid_g_per_kwh: Some(grid),
        cpu_free: Some(4.0),
        memory_free_mb: Some(4_000.0),
        timezone: Some("Europe/Berlin".into()),
        ..PeerRow::default()
    };
    stage.ask(Request::PeerAdd { peer }).map(drop)
}

fn evening(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    stage.say("Three keys vote: how important is it to sort the family's photos?")?;
    let all = |i| [(ADA, i), (BO, i), (CY, i)];
    stage.vote("sort-photos", &all(Importance::Normal))?;
    stage.say("\nNormal tasks wait for clean energy")?;
    let photos = stage.submit(task("sort-photos"), "deferred")?;
    stage.say("\nA hospital's task overrides, a firewall's does not")?;
    stage.submit(task("hospital-backup"), "delegated")?;
    stage.submit(task("firewall-update"), "deferred")?;
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
    stage.submit(task("crypto-mining"), "blocked")?;
    stage.say("\nFriday 12:00: the sun is on helios, and the photos go there by themselves")?;
    peer(stage, "helios", "solar", 97.0, 45.0)?;
    stage.later(14 * HOUR_MS)?;
    stage.later(MINUTE_MS)?;
    stage.show(&photos.task, "delegated").map(drop)
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
    stage.submit(task("sort-photos"), "deferred")?;
    stage
        .ask(Request::HoursRemove {
            user: ADA.into(),
            id: "night".into(),
        })
        .map(drop)
}

fn quota(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    stage.say("\nDee has the free tier: ten tasks a day, the eleventh waits for midnight")?;
    let dee = "dee@example.com";
    let all = |i| [(ADA, i), (BO, i), (CY, i)];
    stage.vote("thumbnails", &all(Importance::Low))?;
    let thumbnails = TaskSpec {
        user: dee.into(),
        ..task("thumbnails")
    };
    for _ in 0..FREE_TASKS {
        stage.ask(Request::TaskSubmit {
            spec: thumbnails.clone(),
            wait: false,
        })?;
    }
    let eleventh = stage.submit(thumbnails, "queued")?;
    stage.later(14 * HOUR_MS)?;
    stage.say("  Saturday 02:01: after the reset the node took it up by itself")?;
    stage.show(&eleventh.task, "delegated").map(drop)
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
    stage.swap_under_load("voting", &stake.cid, &task("sort-photos"))?;
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
    stage
        .say("\nA workload runs here, in its sandbox, on a real log; ada's own roof has sun now")?;
    stage.ask(Request::EnergySet {
        kind: "solar".into(),
        percent: 96.0,
        grid: Some(45.0),
    })?;
    let log = match LOGS.iter().map(PathBuf::from).find(|p| p.is_file()) {
        Some(log) => log,
        None => return stage.say("  no readable log in /var/log; try `weft task submit --name log-digest --input FILE --wait`"),
    };
    stage.say(&format!("  {}", log.display()))?;
    let spec = TaskSpec {
        workload: Some("log-digest".into()),
        input: Some(log.display().to_string()),
        cores: 0.0,
        ..task("log-digest")
    };
    // The neighbours may not have it: it is to run here.
    stage.ask(Request::PermitRemove {
        user: "*".into(),
        task: "*".into(),
        peer: None,
    })?;
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

fn carbon(stage: &mut Stage<'_>) -> Result<(), ApiError> {
    let Response::Carbon(report) = stage.ask(Request::CarbonReport { month: None })? else {
        return Err(unexpected("carbon report"));
    };
    stage.say("\nCarbon, modelled from declared figures")?;
    stage.say(&format!(
        "  {} tasks emitted {:.2} g and saved {:.2} g; {:.0} % renewable on average",
        report.tasks,
        report.emitted_g,
        report.saved_g,
        report.average_renewable_percent.unwrap_or(0.0)
    ))?;
    stage.say(&wrapped(&report.advice, 2))?;
    stage.played.carbon = Some(report);
    Ok(())
}

/// A task of ada's: ten minutes at 60 W.
fn task(name: &str) -> TaskSpec {
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
        cores: 1.0,
        fee: 0,
        workload: None,
        input: None,
        params: None,
    }
}
