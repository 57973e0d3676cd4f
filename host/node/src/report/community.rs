//! Votes, members, tiers.

use serde::{Deserialize, Serialize};

/// A vote on a task's importance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PollReport {
    /// Its id.
    pub poll: String,
    /// The task's name.
    pub name: String,
    /// `open`, `decided` or `undecided`.
    pub status: String,
    /// When it opened and closes.
    pub opened_at: String,
    /// When it closes, or closed.
    pub closes_at: String,
    /// Options in order, with what they collected.
    pub options: Vec<PollOption>,
    /// How many may vote.
    pub eligible: u32,
    /// How many did.
    pub cast: u32,
    /// The winner.
    pub consensus: Option<String>,
    /// The leader's share of the weight, 0 to 1.
    pub confidence: f64,
    /// The voting method: plugin name and release CID.
    pub method: Option<String>,
    /// The method's release CID.
    pub method_cid: Option<String>,
    /// Who voted what.
    pub ballots: Vec<BallotReport>,
}

/// An option of a poll.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PollOption {
    /// Its name.
    pub option: String,
    /// Ballots.
    pub votes: u32,
    /// Weight; none while the poll is open.
    pub weight: Option<f64>,
}

/// One ballot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BallotReport {
    /// Who.
    pub member: String,
    /// What.
    pub choice: String,
    /// Weight; none while the poll is open.
    pub weight: Option<f64>,
    /// When.
    pub at: String,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberReport {
    /// Name.
    pub user: String,
    /// Their first key, which names them.
    pub did: Option<String>,
    /// The key that speaks for them now, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Keys that a device of theirs, or an admin, asks to speak for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<String>,
    /// `admin`, `member` or `guest`.
    pub role: String,
    /// When they joined.
    pub joined_at: String,
    /// Whether it is this home's owner.
    pub is_self: bool,
}

/// A member's tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierReport {
    /// Who.
    pub user: String,
    /// `free`, `supporter`, `contributor`, or what the quota plugin says.
    pub tier: String,
    /// Finished tasks, ballots cast, donations in all.
    pub tasks: u64,
    /// Ballots cast.
    pub votes: u64,
    /// Donations in all.
    pub donations: f64,
    /// The last donation.
    pub donated_at: Option<String>,
    /// Tasks admitted today.
    pub used_today: u32,
    /// When the count starts again.
    pub resets_at: String,
}
