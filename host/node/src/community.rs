//! Members and their tiers.

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::keys;
use crate::node::{Node, check_user};
use crate::report::{MemberReport, TierReport};
use std::collections::BTreeSet;
use weft_ledger::{Body, MemberRole, State};
use weft_model::{Did, SlotCall, SlotReply};
use weft_store::members::{Member, Role};
use weft_store::{members, tiers};

/// Largest donation that is recorded, in credits.
const DONATION_MAX: f64 = 1e12;

impl Node {
    /// Adds a member to the local roster. Without a key, one is made and kept in this home.
    ///
    /// # Errors
    /// When the name or the key is taken, or is none.
    pub fn member_add(&self, user: &str, did: Option<&str>, role: &str) -> Result<MemberReport> {
        check_user(user)?;
        let Some(store_role) = Role::parse(role) else {
            return Err(NodeError::invalid(format!(
                "`{role}` is no role; known are admin, member, guest"
            )));
        };
        let taken = self.store.read(|tx| members::get(tx, user))?;
        if taken.is_some_and(|m| m.removed_at.is_none()) {
            return Err(NodeError::new(
                Code::Conflict,
                format!("`{user}` is a member already"),
            ));
        }
        let did: Did = match did {
            Some(text) => text.parse()?,
            None => {
                let name = keys::member(user);
                let key = match keys::load(&self.home, &name) {
                    Ok(key) => key,
                    Err(e) if e.code == Code::NotFound => keys::create(&self.home, &name)?,
                    Err(e) => return Err(e),
                };
                keys::did(&key)
            }
        };
        let role = match store_role {
            Role::Admin => MemberRole::Admin,
            Role::Member => MemberRole::Member,
            Role::Guest => MemberRole::Guest,
        };
        let row = Member {
            user_id: user.to_owned(),
            did: Some(did.to_string()),
            role: store_role,
            device_did: None,
            is_self: false,
            joined_at: self.now(),
            removed_at: None,
        };
        self.append(
            |tx| {
                if let Some(other) = members::by_did(tx, &did.to_string())? {
                    return Err(NodeError::new(
                        Code::Conflict,
                        format!("the key `{did}` is `{}`'s already", other.user_id),
                    ));
                }
                members::put(tx, &row)?;
                self.feed(
                    tx,
                    "member.added",
                    Some(user),
                    &format!("`{user}` is {}", row.role.as_str()),
                )
            },
            || Body::MemberAdded {
                user: user.to_owned(),
                did,
                role,
            },
        )?;
        self.with_state(|state| member_report(&row, state))
    }

    /// The roster.
    ///
    /// # Errors
    /// When a row is malformed.
    pub fn member_list(&self) -> Result<Vec<MemberReport>> {
        let rows = self.store.read(members::list)?.strict()?;
        self.with_state(|state| {
            let present = rows.iter().filter(|m| m.removed_at.is_none());
            present.map(|m| member_report(m, state)).collect()
        })
    }

    /// The tier of one user, or of all that have a row or are members; judged now by the `quota` slot.
    ///
    /// # Errors
    /// When the plugin can't judge.
    pub fn tier_show(&self, user: Option<&str>) -> Result<Vec<TierReport>> {
        let users: Vec<String> = match user {
            Some(user) => vec![self.user(user)?],
            None => self.store.read(|tx| -> Result<Vec<String>> {
                let mut users: Vec<String> = members::list(tx)?
                    .rows
                    .into_iter()
                    .map(|m| m.user_id)
                    .collect();
                users.extend(tiers::list(tx)?.rows.into_iter().map(|t| t.user_id));
                users.sort();
                users.dedup();
                Ok(users)
            })?,
        };
        let now = self.now();
        users
            .into_iter()
            .map(|user| {
                let (quota, row) = self.store.read(|tx| -> Result<_> {
                    let since = members::get(tx, &user)?.map_or(now, |m| m.joined_at);
                    Ok((
                        self.quota_state(tx, &user, since, now)?,
                        tiers::get(tx, &user)?,
                    ))
                })?;
                let call = SlotCall::Tiers(vec![quota.contribution.clone()]);
                let answers = self.ask(&self.slots.table(), now, &call, &mut Vec::new());
                self.count_faults()?;
                let tier = match answers.into_iter().next().map(|a| a.outcome) {
                    Some(Ok(SlotReply::Tiers(tiers))) if !tiers.is_empty() => tiers[0].clone(),
                    Some(Err(failed)) => return Err(NodeError::new(Code::Unavailable, failed.why)),
                    _ => {
                        return Err(NodeError::new(
                            Code::Unavailable,
                            "no plugin serves the `quota` slot",
                        ));
                    }
                };
                Ok(TierReport {
                    user,
                    tier,
                    tasks: quota.contribution.tasks,
                    votes: quota.contribution.votes,
                    donations: row.donations,
                    donated_at: row.donated_at.map(rfc3339),
                    used_today: quota.used,
                    resets_at: rfc3339(quota.reset),
                })
            })
            .collect()
    }

    /// Records a donation, by an admin, never for oneself.
    ///
    /// # Errors
    /// When the one who records is no admin, gives to themselves, or the amount is none.
    pub fn donate(&self, user: &str, amount: f64, by: Option<&str>) -> Result<Vec<TierReport>> {
        let user = self.user(user)?;
        let by = self.user(by.unwrap_or_default())?;
        if !(1.0..=DONATION_MAX).contains(&amount) || amount.fract() != 0.0 {
            return Err(NodeError::invalid(format!(
                "a donation is a whole number of credits from 1 to {DONATION_MAX:.0}"
            )));
        }
        if user == by {
            return Err(
                NodeError::refused("nobody records a donation for themselves")
                    .try_this("ask another admin to record it with `--by`"),
            );
        }
        let (giver, admin) = self
            .store
            .read(|tx| -> Result<_> { Ok((members::get(tx, &user)?, members::get(tx, &by)?)) })?;
        let admin = admin
            .filter(|m| m.role == Role::Admin && m.removed_at.is_none())
            .ok_or_else(|| {
                NodeError::refused(format!("`{by}` is no admin; donations are recorded by one"))
            })?;
        if !admin.is_self {
            return Err(NodeError::refused(format!(
                "this device is `{}`'s, and signs for nobody else",
                self.owner
            ))
            .try_this(format!("have `{by}` record it on a device of their own")));
        }
        let giver = giver.and_then(|m| m.did).ok_or_else(|| {
            NodeError::not_found(format!("`{user}` is no member"))
                .try_this(format!("weft member add {user}"))
        })?;
        let giver: Did = giver.parse()?;
        let now = self.now();
        let by = self.own_did()?;
        self.append(
            |tx| {
                self.revert_facts(tx)?;
                tiers::donate(tx, &user, amount, now)?;
                crate::facts::seal(tx)?;
                self.feed(
                    tx,
                    "donation.recorded",
                    Some(&user),
                    &format!("`{user}` gave {amount} credits"),
                )
            },
            || Body::Donation {
                member: giver,
                amount: amount as u64,
                by,
            },
        )?;
        self.tier_show(Some(&user))
    }
}

fn member_report(m: &Member, state: &State) -> MemberReport {
    let did: Option<Did> = m.did.as_ref().and_then(|did| did.parse().ok());
    let key = did.map(|did| state.key_of(&did));
    let asked: BTreeSet<String> = did
        .iter()
        .flat_map(|did| state.rekeys_asked(did))
        .filter_map(|body| match body {
            Body::MemberRekeyed { new, .. } => Some(new.to_string()),
            _ => None,
        })
        .collect();
    MemberReport {
        user: m.user_id.clone(),
        did: m.did.clone(),
        key: key
            .filter(|key| Some(*key) != did)
            .map(|key| key.to_string()),
        asked: asked.into_iter().collect(),
        role: m.role.as_str().into(),
        joined_at: rfc3339(m.joined_at),
        is_self: m.is_self,
    }
}
