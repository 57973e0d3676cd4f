//! Votes on a task's importance: opened, cast by members' keys, closed by the `voting` slot.

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::keys;
use crate::node::Node;
use crate::report::{BallotReport, PollOption, PollReport};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use weft_engine::{Active, Table};
use weft_ledger::limits::CLOSE_GRACE_MS;
use weft_ledger::{Body, SignedBallot, Tally};
use weft_model::limits::ROWS_PER_CALL;
use weft_model::slots::votes::{Outcome, Statistic, Tally as TallyRow, Weigh};
use weft_model::task::Importance;
use weft_model::{Cid, Columns, Instant, Slot, SlotCall, SlotReply};
use weft_store::members::Member;
use weft_store::polls::{Closing, Poll, Vote};
use weft_store::{Read, Write, members, polls, tiers};

/// Longest vote, in minutes: 30 days.
const VOTE_MINUTES_MAX: u32 = 30 * 24 * 60;
/// Most polls that are listed.
const LIST: u32 = 100;

impl Node {
    /// Opens a vote on a task's name.
    ///
    /// # Errors
    /// When one is open.
    pub fn vote_open(&self, name: &str, minutes: Option<u32>) -> Result<PollReport> {
        self.before_signing();
        let max = weft_model::limits::NAME_BYTES;
        if name.trim().is_empty() || name.len() > max {
            return Err(NodeError::invalid(format!(
                "a task's name has 1 to {max} bytes"
            )));
        }
        let open_ms = match minutes {
            Some(m) if !(1..=VOTE_MINUTES_MAX).contains(&m) => {
                return Err(NodeError::invalid(format!(
                    "minutes must be from 1 to {VOTE_MINUTES_MAX}"
                )));
            }
            Some(m) => Some(Instant::from(m) * 60_000),
            None => None,
        };
        let _turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let id = self.store.write(|tx| -> Result<String> {
            if let Some(open) = polls::open_for(tx, name, now)? {
                return Err(NodeError::new(
                    Code::Conflict,
                    format!("a vote on `{name}` is open already: {}", open.id),
                )
                .try_this(format!("weft vote cast {name} high")));
            }
            let open_ms = match open_ms {
                Some(ms) => ms,
                None => self.mesh(tx)?.vote_ms(),
            };
            self.open_poll_in(tx, name, &self.owner, now + open_ms)
        })?;
        self.changed();
        self.vote_show(&id)
    }

    /// Opens a poll inside a transaction; its id is its event's CID.
    pub(crate) fn open_poll_in(
        &self,
        tx: &Write,
        name: &str,
        opener: &str,
        closes_at: Instant,
    ) -> Result<String> {
        let options: Vec<String> = Importance::ALL
            .iter()
            .map(|i| i.word().to_owned())
            .collect();
        let cid = self.append_in(
            tx,
            Body::PollOpened {
                task_name: name.to_owned(),
                options,
                closes_at,
            },
        )?;
        polls::open(
            tx,
            &Poll {
                id: cid.to_string(),
                task_name: name.to_owned(),
                opener: Some(opener.to_owned()),
                opened_at: self.now(),
                closes_at: Some(closes_at),
                status: polls::OPEN.into(),
                method: None,
                consensus: None,
                confidence: None,
                closed_at: None,
                event_cid: Some(cid.to_string()),
            },
        )?;
        Ok(cid.to_string())
    }

    /// Casts a member's ballot, signed by the member's key. A later ballot replaces an earlier one.
    ///
    /// # Errors
    /// When there is no such poll or choice, it is over, the voter is no member, or their key is not in this home.
    pub fn vote_cast(&self, poll: &str, choice: &str, voter: Option<&str>) -> Result<PollReport> {
        let importance: Importance = choice
            .parse()
            .map_err(|e: weft_model::task::UnknownWord| NodeError::invalid(e.to_string()))?;
        let option = Importance::ALL
            .iter()
            .position(|i| *i == importance)
            .unwrap_or(0) as u32;
        let user = self.user(voter.unwrap_or_default())?;
        self.before_signing();
        self.close_due_polls()?;
        let _turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let id = self.store.write(|tx| -> Result<String> {
            let poll = self.find_poll(tx, poll)?;
            let over = poll.status != polls::OPEN || poll.closes_at.is_some_and(|at| at <= now);
            if over {
                return Err(NodeError::new(
                    Code::Conflict,
                    format!("the vote on `{}` is over", poll.task_name),
                )
                .try_this(format!("weft vote show {}", poll.id)));
            }
            let member = members::get(tx, &user)?
                .filter(|m| m.removed_at.is_none() && m.role != members::Role::Guest)
                .ok_or_else(|| {
                    NodeError::refused(format!("`{user}` may not vote: only members and admins do"))
                        .try_this(format!(
                            "weft members role {user} member, or weft member add {user}"
                        ))
                })?;
            let key = self.member_key(&member)?;
            // Whoever was never in the log is named by the key itself.
            let voter = match &member.did {
                Some(did) => did.parse()?,
                None => keys::did(&key),
            };
            let counter = polls::counter(tx, &poll.id, &voter.to_string())? + 1;
            let poll_cid: Cid = poll.id.parse()?;
            let ballot = SignedBallot::cast_for(voter, poll_cid, option, counter, now, &key);
            // A closing names ballots, not the events that carry them: any device may carry one.
            let ballot_cid = ballot.cid();
            self.append_in(tx, Body::Ballot(ballot))?;
            polls::cast(
                tx,
                &Vote {
                    poll_id: poll.id.clone(),
                    member: voter.to_string(),
                    user_id: Some(user.clone()),
                    choice: importance.word().into(),
                    counter,
                    weight: None,
                    cast_at: now,
                    event_cid: Some(ballot_cid.to_string()),
                },
            )?;
            Ok(poll.id)
        })?;
        drop(_turn);
        if self.everyone_voted(&id)? {
            self.close_poll(&id)?;
        }
        self.changed();
        self.vote_show(&id)
    }

    /// Whether a vote of this member's may close early.
    fn everyone_voted(&self, id: &str) -> Result<bool> {
        self.store.read(|tx| {
            let own = polls::get(tx, id)?.is_some_and(|p| self.opened(&p));
            let votes = polls::votes(tx, id)?.rows.len();
            Ok(own && votes >= electorate(tx)?.len())
        })
    }

    /// Whether a vote is this member's.
    fn opened(&self, poll: &Poll) -> bool {
        poll.opener
            .as_deref()
            .is_none_or(|o| o == self.owner.as_str())
    }

    /// The signing key of a member of this home.
    pub(crate) fn member_key(&self, member: &Member) -> Result<ed25519_dalek::SigningKey> {
        // On a further device of one person their key stays on the first.
        let own = self.owner_key();
        let speaks = match &member.did {
            Some(did) => {
                let did = did.parse()?;
                self.with_state(|state| state.key_of(&did))? == keys::did(&own)
            }
            None => true,
        };
        if member.is_self && speaks {
            return Ok(own);
        }
        keys::load(&self.home, &keys::member(&member.user_id)).map_err(|_| {
            NodeError::refused(format!(
                "the key of `{}` is not in this home",
                member.user_id
            ))
            .try_this("vote from the device that holds it")
        })
    }

    /// A poll by id, or the open one on a name, or the last one on it.
    fn find_poll(&self, tx: &Read, poll: &str) -> Result<Poll> {
        if let Some(found) = polls::get(tx, poll)? {
            return Ok(found);
        }
        if let Some(open) = polls::open_for(tx, poll, self.now())? {
            return Ok(open);
        }
        polls::list(tx, None, weft_store::limits::LIST_ROWS_MAX)?
            .rows
            .into_iter()
            .find(|p| p.task_name == poll)
            .ok_or_else(|| {
                NodeError::not_found(format!(
                    "there is no vote `{}`",
                    weft_model::text::printable(poll, 80)
                ))
                .try_this("open one by `weft vote open NAME`, or list them by `weft vote show`")
            })
    }

    /// Closes every vote whose time is over, and those of this member in which everybody voted. Returns how many.
    pub(crate) fn close_due_polls(&self) -> Result<usize> {
        if !self.may_sign() {
            return Ok(0);
        }
        let now = self.now();
        let open = self
            .store
            .read(|tx| polls::list(tx, Some(polls::OPEN), LIST))?
            .rows;
        for poll in open {
            // Ballots from other devices come without a command that could close it.
            if self.everyone_voted(&poll.id)? {
                self.close_poll(&poll.id)?;
            }
        }
        let due = self.store.read(|tx| polls::due(tx, now))?.rows;
        let mut closed = 0;
        for poll in &due {
            // Another member's vote is theirs to close for a while; then it is anybody's.
            let own = self.opened(poll);
            let left = poll.closes_at.is_some_and(|at| now >= at + CLOSE_GRACE_MS);
            if own || left {
                self.close_poll(&poll.id)?;
                closed += 1;
            }
        }
        Ok(closed)
    }

    /// Weighs the voters and concludes. Where the voting plugin can't answer the tally is aborted, never guessed.
    pub(crate) fn close_poll(&self, id: &str) -> Result<PollReport> {
        let table = self.slots.table();
        let now = self.now();
        let (poll, votes, voters) = self.store.read(|tx| -> Result<_> {
            let poll = self.find_poll(tx, id)?;
            let votes = polls::votes(tx, &poll.id)?.strict()?;
            let voters = self.voters(tx)?;
            Ok((poll, votes, voters))
        })?;
        let method = table
            .active
            .get(&Slot::Voting)
            .and_then(|a| a.first())
            .cloned();
        let tally = match &method {
            Some(method) => self.tally(&table, method, &votes, &voters, now),
            None => Err("no plugin serves the `voting` slot".into()),
        };
        let _turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.write(|tx| -> Result<()> {
            let closing = match &tally {
                Ok(tally) => {
                    let method = method.as_ref().map(|m| m.release);
                    let event = self.append_in(
                        tx,
                        Body::PollClosed {
                            poll: poll.id.parse()?,
                            ballots: votes
                                .iter()
                                .filter_map(|v| v.event_cid.as_deref()?.parse().ok())
                                .collect(),
                            totals: tally.totals.clone(),
                            consensus: tally.outcome.consensus,
                            confidence: tally.outcome.confidence,
                            method: method.unwrap_or(self.network_cid(tx)?),
                        },
                    )?;
                    let winner = tally
                        .outcome
                        .consensus
                        .and_then(|i| Importance::ALL.get(i as usize))
                        .map(|i| i.word().to_owned());
                    let said = winner.clone().unwrap_or_else(|| "undecided".into());
                    self.feed(
                        tx,
                        "vote.closed",
                        Some(&poll.id),
                        &format!("`{}`: {said}", poll.task_name),
                    )?;
                    Closing {
                        status: polls::CLOSED.into(),
                        method: method.map(|m| m.to_string()),
                        consensus: winner,
                        confidence: Some(tally.outcome.confidence),
                        weights: tally.weights.clone(),
                        event_cid: Some(event.to_string()),
                    }
                }
                Err(why) => {
                    self.alarm(
                        tx,
                        "vote.aborted",
                        &poll.id,
                        &format!("`{}`: {why}", poll.task_name),
                    )?;
                    Closing {
                        status: polls::ABORTED.into(),
                        method: method.as_ref().map(|m| m.release.to_string()),
                        consensus: None,
                        confidence: None,
                        weights: Vec::new(),
                        event_cid: None,
                    }
                }
            };
            polls::close(tx, &poll.id, &closing, now)?;
            Ok(())
        })?;
        drop(_turn);
        self.count_faults()?;
        self.changed();
        self.poll_report(id)
    }

    /// Weights of all who voted, totals per option, and what the method concludes from them.
    fn tally(
        &self,
        table: &Table,
        method: &Arc<Active>,
        votes: &[Vote],
        voters: &[Voter],
        now: Instant,
    ) -> Result<Tallied, String> {
        let features = &method.features;
        let statistics: Vec<Statistic> = features.iter().map(|f| statistic(voters, f)).collect();
        let by_did: BTreeMap<&str, &Voter> = voters.iter().map(|v| (v.did.as_str(), v)).collect();
        let counted: Vec<(&Vote, &Voter, u32)> = votes
            .iter()
            .filter_map(|v| {
                let option = Importance::ALL.iter().position(|i| i.word() == v.choice)? as u32;
                Some((v, *by_did.get(v.member.as_str())?, option))
            })
            .collect();
        let mut tally = Tally::new(Importance::ALL.len());
        let mut weights = Vec::with_capacity(counted.len());
        for part in counted.chunks(ROWS_PER_CALL) {
            let columns = Columns::build(part.len(), features.len(), |f, r| {
                part[r].1.value(&features[f])
            });
            let call = SlotCall::Weigh(Weigh {
                voters: columns,
                statistics: statistics.clone(),
            });
            match self.slots.ask(table, method, now, &call).outcome {
                Ok(called) => match called.reply {
                    SlotReply::Weigh(given) => {
                        for ((vote, _, option), weight) in part.iter().zip(given) {
                            tally.add(*option, weight).map_err(|e| e.to_string())?;
                            weights.push((vote.member.clone(), weight));
                        }
                    }
                    _ => return Err("the voting plugin gave an answer of another slot".into()),
                },
                Err(e) => return Err(format!("`{}`: {e}", method.name)),
            }
        }
        let totals = tally.totals().map_err(|e| e.to_string())?;
        let row = TallyRow {
            totals: totals.clone(),
            eligible: voters.len() as u32,
            cast: counted.len() as u32,
            closed: true,
        };
        match self
            .slots
            .ask(table, method, now, &SlotCall::Conclude(vec![row]))
            .outcome
        {
            Ok(called) => match called.reply {
                SlotReply::Conclude(mut rows) if !rows.is_empty() => Ok(Tallied {
                    weights,
                    totals,
                    outcome: rows.remove(0),
                }),
                _ => Err("the voting plugin concluded nothing".into()),
            },
            Err(e) => Err(format!("`{}`: {e}", method.name)),
        }
    }

    /// All who may vote, with what voting methods can read of them.
    fn voters(&self, tx: &Read) -> Result<Vec<Voter>> {
        let now = self.now();
        electorate(tx)?
            .into_iter()
            .map(|member| {
                let tier = tiers::get(tx, &member.user_id)?;
                let work = tiers::work(tx, &member.user_id)?;
                Ok(Voter {
                    did: member.did.unwrap_or(member.user_id),
                    donations: tier.donations,
                    tenure_ms: (now - member.joined_at).max(0) as f64,
                    tasks: work.tasks.max(tier.tasks) as f64,
                })
            })
            .collect()
    }

    /// One vote, or all open ones where none is named.
    ///
    /// # Errors
    /// When there is no such vote.
    pub fn vote_list(&self) -> Result<Vec<PollReport>> {
        let ids = self.store.read(|tx| -> Result<Vec<String>> {
            Ok(polls::list(tx, Some(polls::OPEN), LIST)?
                .rows
                .into_iter()
                .map(|p| p.id)
                .collect())
        })?;
        ids.iter().map(|id| self.vote_show(id)).collect()
    }

    /// One vote.
    ///
    /// # Errors
    /// When there is none.
    pub fn vote_show(&self, poll: &str) -> Result<PollReport> {
        self.close_due_polls()?;
        self.poll_report(poll)
    }

    fn poll_report(&self, poll: &str) -> Result<PollReport> {
        self.store.read(|tx| {
            let poll = self.find_poll(tx, poll)?;
            let votes = polls::votes(tx, &poll.id)?.strict()?;
            let options = Importance::ALL
                .iter()
                .map(|option| {
                    let of: Vec<&Vote> =
                        votes.iter().filter(|v| v.choice == option.word()).collect();
                    PollOption {
                        option: option.word().into(),
                        votes: of.len() as u32,
                        // The sum of nothing is -0.0.
                        weight: (poll.status == polls::CLOSED)
                            .then(|| of.iter().filter_map(|v| v.weight).fold(0.0, |a, b| a + b)),
                    }
                })
                .collect();
            let status = match (poll.status.as_str(), &poll.consensus) {
                (polls::OPEN, _) => "open",
                (polls::CLOSED, Some(_)) => "decided",
                (polls::CLOSED, None) => "undecided",
                _ => "aborted",
            };
            Ok(PollReport {
                poll: poll.id,
                name: poll.task_name,
                status: status.into(),
                opened_at: rfc3339(poll.opened_at),
                closes_at: poll
                    .closed_at
                    .or(poll.closes_at)
                    .map(rfc3339)
                    .unwrap_or_default(),
                options,
                eligible: electorate(tx)?.len() as u32,
                cast: votes.len() as u32,
                consensus: poll.consensus,
                confidence: poll.confidence.unwrap_or(0.0),
                method: poll.method.as_deref().map(|cid| self.name_of(tx, cid)),
                method_cid: poll.method,
                ballots: votes
                    .into_iter()
                    .map(|v| BallotReport {
                        member: v.user_id.unwrap_or(v.member),
                        choice: v.choice,
                        weight: v.weight,
                        at: rfc3339(v.cast_at),
                    })
                    .collect(),
            })
        })
    }

    pub(crate) fn network_cid(&self, tx: &Read) -> Result<Cid> {
        Ok(weft_store::meta::get(tx, crate::log::NETWORK)?
            .unwrap_or_default()
            .parse()?)
    }
}

/// A closed tally.
struct Tallied {
    weights: Vec<(String, f64)>,
    totals: Vec<f64>,
    outcome: Outcome,
}

/// What voting methods can read of a member.
struct Voter {
    did: String,
    donations: f64,
    tenure_ms: f64,
    tasks: f64,
}

impl Voter {
    fn value(&self, feature: &str) -> Option<f64> {
        match feature {
            "voter.donations" => Some(self.donations),
            "voter.tenure_ms" => Some(self.tenure_ms),
            "voter.tasks" | "voter.contribution" => Some(self.tasks),
            _ => None,
        }
    }
}

fn statistic(voters: &[Voter], feature: &str) -> Statistic {
    let mut known = voters.iter().filter_map(|v| v.value(feature)).peekable();
    if known.peek().is_none() {
        return Statistic {
            min: 0.0,
            max: 0.0,
            sum: 0.0,
            count: 0,
        };
    }
    known.fold(
        Statistic {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            count: 0,
        },
        |s, x| Statistic {
            min: s.min.min(x),
            max: s.max.max(x),
            sum: s.sum + x,
            count: s.count + 1,
        },
    )
}

/// Members with a key who may vote.
fn electorate(tx: &Read) -> Result<Vec<Member>> {
    Ok(members::electorate(tx)?.rows)
}
