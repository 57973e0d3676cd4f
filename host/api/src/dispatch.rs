//! From a request to the node's method, and back.

mod content;
mod keys;
mod model;
mod network;
mod release;

use crate::request::{PeerRow, Request};
use crate::response::{ApiError, Response};
use std::path::Path;
use std::sync::Arc;
use weft_node::{Node, Peer};

/// Asks a node. In this process the answer comes when all that was begun is kept.
pub(crate) fn dispatch(node: &Arc<Node>, request: Request) -> Result<Response, ApiError> {
    Ok(match request {
        Request::Status => Response::Status(Box::new(node.status()?)),
        Request::Doctor => Response::Doctor(node.doctor()?),
        Request::Stop => Response::Done("stopping".into()),
        Request::Happened { after, last } => Response::Happened(node.happened(after, last)?),
        Request::ClockForward { ms } => {
            node.clock_forward(ms)?;
            Response::Done("the clock was moved".into())
        }

        Request::ReleaseAdd {
            path,
            kind,
            revision,
        } => Response::Release(Box::new(node.release_add(
            Path::new(&path),
            &kind,
            revision,
        )?)),
        Request::ReleaseList { kind } => Response::Releases(node.release_list(kind.as_deref())?),
        Request::ReleaseInspect { target } => {
            Response::Release(Box::new(node.release_inspect(&target)?))
        }
        Request::SlotUse {
            slot,
            target,
            config,
            add,
        } => Response::Slot(node.slot_use(&slot, &target, config.as_ref(), add)?),
        Request::SlotRollback { slot } => Response::Slot(node.slot_rollback(&slot)?),
        Request::SlotHistory { slot } => Response::Changes(node.slot_history(&slot)?),
        Request::Trial(request) => crate::trial::dispatch(node, request)?,
        Request::SlotList => Response::Slots(node.slot_list()?),
        Request::PluginRun {
            target,
            call,
            config,
            at,
        } => Response::Run(node.plugin_run(&target, &call, config.as_ref(), at)?),
        Request::PluginBench { target, calls } => {
            Response::Bench(node.plugin_bench(&target, calls)?)
        }
        Request::PluginTest { target } => Response::Release(Box::new(node.plugin_test(&target)?)),
        Request::WorkloadUse {
            name,
            target,
            grant,
        } => Response::Release(Box::new(node.workload_use(&name, &target, grant)?)),
        Request::WorkloadRollback { name } => Response::Changes(node.workload_rollback(&name)?),
        Request::WorkloadHistory { name } => Response::Changes(node.workload_history(&name)?),
        Request::Package(request) => Response::Package(release::dispatch(node, request)?),
        Request::Content(request) => Response::Content(content::dispatch(node, &request)?),
        Request::Model(request) => Response::Model(model::dispatch(node, &request)?),
        Request::Run { spec, text } => {
            Response::Task(Box::new(node.run_at_once(&spec, text.as_deref())?))
        }
        Request::RunStart { spec, text } => {
            Response::Task(Box::new(node.start_at_once(&spec, text.as_deref())?))
        }
        Request::TaskTail { task, from } => Response::Tail(node.task_tail(&task, from)?),
        Request::ReceiptShow { cid } => Response::Receipt(Box::new(node.receipt_show(&cid)?)),
        Request::ReceiptVerify { cid, input, params } => Response::Receipt(Box::new(
            node.receipt_verify(&cid, input.as_deref().map(Path::new), params.as_deref())?,
        )),

        Request::TaskSubmit { spec, wait } => {
            let report = node.task_submit(&spec)?;
            let report = if wait {
                node.task_wait(&report.task)?
            } else {
                report
            };
            Response::Task(Box::new(report))
        }
        Request::TaskCheck { spec, at } => Response::Task(Box::new(node.task_check(&spec, at)?)),
        Request::TaskList {
            user,
            status,
            limit,
        } => Response::Tasks(node.task_list(user.as_deref(), status.as_deref(), limit)?),
        Request::TaskShow { task } => Response::Task(Box::new(node.task_show(&task)?)),
        Request::TaskCancel { task } => Response::Task(Box::new(node.task_cancel(&task)?)),
        Request::Why { task } => Response::Why(Box::new(node.why(&task)?)),
        Request::DecisionShow { cid } => Response::Decision(node.decision_show(&cid)?),
        Request::DecisionVerify { cid } => Response::Verify(node.decision_verify(&cid)?),

        Request::VoteOpen { name, minutes } => Response::Poll(node.vote_open(&name, minutes)?),
        Request::VoteCast {
            poll,
            choice,
            voter,
        } => Response::Poll(node.vote_cast(&poll, &choice, voter.as_deref())?),
        Request::VoteShow { poll: Some(poll) } => Response::Poll(node.vote_show(&poll)?),
        Request::VoteShow { poll: None } => Response::Polls(node.vote_list()?),
        Request::MemberAdd { user, did, role } => {
            Response::Member(node.member_add(&user, did.as_deref(), &role)?)
        }
        Request::Network(request) => network::dispatch(node, request)?,
        Request::Key(request) => keys::key(node, request)?,
        Request::Trust(request) => keys::trust(node, request)?,
        Request::MemberList => Response::Members(node.member_list()?),
        Request::TierShow { user } => Response::Tiers(node.tier_show(user.as_deref())?),
        Request::TierDonate { user, amount, by } => {
            Response::Tiers(node.donate(&user, amount, by.as_deref())?)
        }

        Request::UserSet {
            user,
            idle_minutes,
            timezone,
            critical_any_hour,
            critical_any_idle,
        } => Response::User(node.user_set(
            &user,
            idle_minutes,
            timezone,
            critical_any_hour,
            critical_any_idle,
        )?),
        Request::UserShow { user } => Response::User(node.user_show(&user)?),
        Request::HoursAdd {
            user,
            id,
            day,
            from,
            until,
            description,
        } => Response::Hours(node.hours_add(&user, id, day, &from, &until, description)?),
        Request::HoursList { user } => Response::Hours(node.hours_list(&user)?),
        Request::HoursRemove { user, id } => Response::Hours(node.hours_remove(&user, &id)?),
        Request::RulesAdd {
            user,
            id,
            kind,
            value,
            level,
            reasoning,
        } => Response::Rules(node.rules_add(&user, id, &kind, value, &level, reasoning)?),
        Request::RulesList { user } => Response::Rules(node.rules_list(&user)?),
        Request::RulesRemove { user, id } => Response::Rules(node.rules_remove(&user, &id)?),
        Request::RulesCheck { user } => Response::RulesCheck(node.rules_check(&user)?),

        Request::PeerAdd { peer } => {
            let added = node.peer_add(&peer.peer.clone(), |row| change(row, peer))?;
            Response::Peer(Box::new(added))
        }
        Request::PeerList => Response::Peers(node.peer_list()?),
        Request::PeerBest { spec, any } => Response::Best(node.peer_best(&spec, any)?),
        Request::PermitAdd { user, task, peer } => {
            Response::Permits(node.permit_add(&user, &task, peer.as_deref())?)
        }
        Request::PermitList => Response::Permits(node.permit_list()?),
        Request::PermitRemove { user, task, peer } => {
            Response::Permits(node.permit_remove(&user, &task, peer.as_deref())?)
        }
        Request::EnergySet {
            kind,
            percent,
            grid,
        } => Response::Energy(node.energy_set(&kind, percent, grid)?),
        Request::EnergyClear => Response::Energy(node.energy_clear()?),
        Request::EnergyShow => Response::Energy(node.energy_show()?),
        Request::CarbonReport { month } => Response::Carbon(node.carbon_report(month.as_deref())?),
        Request::Backup { path } => Response::Backup(node.backup(Path::new(&path))?),
    })
}

/// Takes over what is given; the rest stays as it was.
fn change(row: &mut Peer, given: PeerRow) {
    fn set<T>(field: &mut Option<T>, value: Option<T>) {
        if value.is_some() {
            *field = value;
        }
    }
    if let Some(energy) = given.energy_type {
        row.energy_type = energy;
    }
    set(&mut row.alias, given.alias);
    set(&mut row.location, given.location);
    set(&mut row.percent_clean, given.percent_clean);
    set(&mut row.grid_g_per_kwh, given.grid_g_per_kwh);
    set(&mut row.cpu_free, given.cpu_free);
    set(&mut row.memory_free_mb, given.memory_free_mb);
    set(&mut row.disk_free_mb, given.disk_free_mb);
    set(&mut row.battery_percent, given.battery_percent);
    set(&mut row.plugged_in, given.plugged_in);
    set(&mut row.thermal_headroom, given.thermal_headroom);
    set(&mut row.idle, given.idle);
    set(&mut row.rtt_ms, given.rtt_ms);
    set(&mut row.path_class, given.path_class);
    set(&mut row.cost, given.cost);
    set(&mut row.reputation, given.reputation);
    set(&mut row.timezone, given.timezone);
    row.online = (row.online && !given.offline) || given.online;
}
