//! What the queue knows of one seeder: what it owes, what it lacks, and its pace.

use super::report::{Dropped, SeederReport, SeederState};
use crate::exchange::limits::{
    PACE_PERIOD_MS, REASK_MS, SILENT_MS, WINDOW_MAX, WINDOW_MIN, WINDOW_MS,
};
use libp2p::PeerId;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// An answer more than this many times as long as the other seeder's is late.
const LATE_FACTOR: u32 = 3;
/// A new gap between answers counts one part in this many.
const GAP_PARTS: u32 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Ready,
    Dropped(Dropped),
}

#[derive(Debug)]
pub(super) struct Seeder {
    pub peer: PeerId,
    pub phase: Phase,
    /// What it owes, and since when.
    pub asked: BTreeMap<u32, Duration>,
    /// What it said "not here" to.
    pub lacks: HashSet<u32>,
    /// No block before this one waits that it could be asked for.
    pub cursor: u32,
    /// When it was asked last, in turns of the queue.
    pub last_turn: u64,
    pub blocks: u64,
    pub bytes: u64,
    pub spare_bytes: u64,
    /// Bytes per second in the last full period of work.
    pub pace: Option<u64>,
    window: usize,
    /// The usual time from one answer to the next while it has work.
    gap: Option<Duration>,
    /// Since when it works on the answer that comes next.
    working_since: Duration,
    /// When the last byte of it came, or when it was asked after it owed nothing.
    heard_at: Duration,
    heard_bytes: u64,
    period: Period,
}

/// Bytes and time of work since the pace was last measured.
#[derive(Debug, Default)]
struct Period {
    worked: Duration,
    bytes: u64,
    seen_at: Duration,
}

impl Seeder {
    pub fn new(peer: PeerId) -> Self {
        Self {
            peer,
            phase: Phase::Connecting,
            asked: BTreeMap::new(),
            lacks: HashSet::new(),
            cursor: 0,
            last_turn: 0,
            blocks: 0,
            bytes: 0,
            spare_bytes: 0,
            pace: None,
            window: WINDOW_MIN,
            gap: None,
            working_since: Duration::ZERO,
            heard_at: Duration::ZERO,
            heard_bytes: 0,
            period: Period::default(),
        }
    }

    /// Whether a dropped seeder may try again; then it connects anew.
    pub fn rejoin(&mut self) -> bool {
        let may = matches!(self.phase, Phase::Dropped(why) if why != Dropped::WrongBlock);
        if may {
            self.phase = Phase::Connecting;
            self.window = WINDOW_MIN;
            (self.gap, self.pace, self.heard_bytes) = (None, None, 0);
            self.period = Period::default();
        }
        may
    }

    pub fn ready(&mut self, now: Duration) {
        self.phase = Phase::Ready;
        self.heard_at = now;
        self.period.seen_at = now;
    }

    pub fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Dropped(_))
    }

    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    pub fn has_room(&self) -> bool {
        self.is_ready() && self.asked.len() < self.window
    }

    /// When one more block would come, from now on; zero for an idle one.
    pub fn next_answer(&self) -> Duration {
        let before = self.asked.len() as u32;
        let gap = self
            .gap
            .unwrap_or(Duration::from_millis(WINDOW_MS / WINDOW_MIN as u64));
        if before == 0 {
            Duration::ZERO
        } else {
            gap * (before + 1)
        }
    }

    pub fn ask(&mut self, now: Duration, place: u32, turn: u64) {
        if self.asked.is_empty() {
            self.measure(now);
            self.working_since = now;
            self.heard_at = now;
        }
        self.asked.insert(place, now);
        self.last_turn = turn;
    }

    /// It gave a block; `first` when nobody else had.
    pub fn give(&mut self, now: Duration, bytes: u64, first: bool) {
        if first {
            self.blocks += 1;
            self.bytes += bytes;
        } else {
            self.spare_bytes += bytes;
        }
        let gap = now.saturating_sub(self.working_since);
        let gap = self
            .gap
            .map_or(gap, |usual| (usual * (GAP_PARTS - 1) + gap) / GAP_PARTS);
        self.gap = Some(gap);
        self.answered(now);
        let fits = Duration::from_millis(WINDOW_MS).as_micros() / gap.as_micros().max(1);
        let wanted = (fits as usize).clamp(WINDOW_MIN, WINDOW_MAX);
        // One step at a time: a single late answer is no verdict.
        self.window = match self.window {
            window if window < wanted => window + 1,
            window if window > wanted => window - 1,
            window => window,
        };
    }

    pub fn lack(&mut self, now: Duration, place: u32) {
        self.lacks.insert(place);
        self.answered(now);
    }

    pub fn hear(&mut self, now: Duration, total: u64) {
        self.measure(now);
        self.period.bytes += total.saturating_sub(self.heard_bytes);
        self.heard_bytes = self.heard_bytes.max(total);
        self.heard_at = now;
    }

    /// Brings the time of work up to now, and the pace when a period is full.
    pub fn measure(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.period.seen_at);
        self.period.seen_at = now;
        if !self.asked.is_empty() {
            self.period.worked += passed;
        }
        if self.period.worked >= Duration::from_millis(PACE_PERIOD_MS) {
            let worked = std::mem::take(&mut self.period.worked).as_millis() as u64;
            self.pace = Some(std::mem::take(&mut self.period.bytes) * 1000 / worked);
        }
    }

    pub fn is_silent(&self, now: Duration) -> bool {
        !self.asked.is_empty()
            && now.saturating_sub(self.heard_at) >= Duration::from_millis(SILENT_MS)
    }

    /// Whether what it owes since then would come far sooner from the idle one.
    pub fn is_late(&self, now: Duration, since: Duration, idle: &Self) -> bool {
        let reask = Duration::from_millis(REASK_MS);
        // The answer that is being worked on may take longer than usual already.
        let working = now.saturating_sub(self.working_since);
        let left = self.gap.unwrap_or_default().max(working) * self.asked.len() as u32;
        now.saturating_sub(since) >= reask
            && idle.gap.is_some_and(|gap| left > reask + gap * LATE_FACTOR)
    }

    pub fn report(&self) -> SeederReport {
        SeederReport {
            peer: self.peer,
            state: match self.phase {
                Phase::Connecting => SeederState::Connecting,
                Phase::Ready => SeederState::Ready,
                Phase::Dropped(why) => SeederState::Dropped(why),
            },
            blocks: self.blocks,
            bytes: self.bytes,
            spare_bytes: self.spare_bytes,
            window: self.window,
        }
    }

    fn answered(&mut self, now: Duration) {
        self.measure(now);
        self.working_since = now;
        self.heard_at = now;
    }
}
