//! Which block is asked of which seeder: one queue for all of a fetch's seeders. Pure: `step(now, input) -> effects`.
//!
//! The queue owns what is wanted, who was asked for what and since when, and what is known of each seeder. `now` is
//! the time since the fetch began. The caller carries out the effects in order and says what came of them.
//!
//! Invariants:
//! - A block is given out once, by the first right answer.
//! - A block is asked of one seeder at a time. Only when nothing waits that an idle seeder could be asked for, it is
//!   asked for a block that a far slower one owes; never more than [`ASKERS_MAX`].
//! - A seeder that said "not here" to a block is not asked for it again; one that gave wrong bytes is asked for nothing
//!   again, and does not return.
//! - What a dropped seeder owed waits again. A block that no seeder left has ends the fetch.
//! - What is expected and what is held stays within [`IN_FLIGHT_BYTES_MAX`], one block excepted.
//!
//! What it does not do: it sees no bytes (the caller compares them with the CID) and opens no stream.

mod report;
mod seeder;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use report::{Dropped, Report, SeederReport, SeederState};

use super::limits::{
    ASKERS_MAX, BLOCK_BYTES_EXPECTED, BLOCK_BYTES_EXPECTED_MIN, BLOCKS_PER_FETCH_MAX,
    IN_FLIGHT_BYTES_MAX, SEEDERS_MAX, SLOWER_THAN_MEDIAN,
};
use libp2p::PeerId;
use seeder::{Phase, Seeder};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use weft_model::{Cid, content};

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// These blocks are wanted too; those that were wanted before stay wanted once.
    Want(Vec<Cid>),
    /// Nothing more will be wanted.
    NoMoreWants,
    /// This peer may have them. It is ignored while it is in use, and for good after wrong bytes.
    Seeder(PeerId),
    /// The seeder can be asked now.
    Ready(PeerId),
    /// What the seeder said to a block.
    Answer(PeerId, Cid, Answer),
    /// The seeder gave so many bytes since the fetch began, counted as they came. The same number as before says that
    /// it is known to be alive (it waits for us).
    Heard(PeerId, u64),
    /// The seeder is gone.
    Lost(PeerId, Dropped),
    /// So many bytes of what was given out are held no more.
    Taken(u64),
    /// Time went by.
    Tick,
}

/// What a seeder said to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is here, has so many bytes, and is what its CID names.
    Block(u64),
    /// Not here.
    NotHere,
    /// Bytes that are not what its CID names.
    Wrong,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a stream to this seeder, then say `Ready` or `Lost`.
    Connect(PeerId),
    /// Ask for these.
    Ask(PeerId, Vec<Cid>),
    /// Give out this block, which just came. It is the first time.
    Give(Cid),
    /// Close the stream; the seeder was dropped.
    Drop(PeerId, Dropped),
    /// All is there.
    Finished,
    /// No seeder has this block. Nothing follows.
    NotFound(Cid),
    /// No seeder is left, and this block is missing. Nothing follows.
    NoSeeders(Cid),
    /// Too many blocks are wanted. Nothing follows.
    TooMany,
}

/// The queue of one fetch.
#[derive(Debug, Default)]
pub struct Queue {
    blocks: Vec<Block>,
    places: HashMap<Cid, u32>,
    waiting: BTreeSet<u32>,
    seeders: Vec<Seeder>,
    peers: HashMap<PeerId, usize>,
    /// Blocks that are not there yet.
    missing: usize,
    wants_ended: bool,
    ended: bool,
    /// What is under way, as expected, in bytes.
    expected: u64,
    /// What was given out and is not taken yet, in bytes.
    held: u64,
    /// The largest leaf and the largest other block so far.
    largest: [Option<u64>; 2],
    turn: u64,
}

#[derive(Debug)]
struct Block {
    cid: Cid,
    done: bool,
    /// Who was asked and has not answered.
    askers: Vec<usize>,
    /// What it counts in `expected`, while somebody was asked.
    expected: u64,
}

impl Queue {
    /// Takes in what happened and says what is to be done. `now` must not go backwards.
    pub fn step(&mut self, now: Duration, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.ended {
            return effects;
        }
        match input {
            Input::Want(cids) => self.want(cids, &mut effects),
            Input::NoMoreWants => self.wants_ended = true,
            Input::Seeder(peer) => self.join(peer, &mut effects),
            Input::Ready(peer) => {
                if let Some(seeder) = self.live(&peer) {
                    self.seeders[seeder].ready(now);
                }
            }
            Input::Answer(peer, cid, answer) => self.answer(now, &peer, &cid, answer, &mut effects),
            Input::Heard(peer, total) => {
                if let Some(seeder) = self.live(&peer) {
                    self.seeders[seeder].hear(now, total);
                }
            }
            Input::Lost(peer, why) => {
                if let Some(seeder) = self.live(&peer) {
                    self.drop_seeder(seeder, why, &mut effects);
                }
            }
            Input::Taken(bytes) => self.held = self.held.saturating_sub(bytes),
            Input::Tick => self.judge(now, &mut effects),
        }
        if !self.ended {
            self.fill(now, &mut effects);
            if self.wants_ended && self.missing == 0 {
                self.end(Effect::Finished, &mut effects);
            }
        }
        effects
    }

    /// Blocks that wait to be asked for.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What there is so far.
    pub fn report(&self) -> Report {
        Report {
            wanted: self.blocks.len(),
            blocks: self.blocks.len() - self.missing,
            bytes: self.seeders.iter().map(|s| s.bytes).sum(),
            spare_bytes: self.seeders.iter().map(|s| s.spare_bytes).sum(),
            seeders: self.seeders.iter().map(Seeder::report).collect(),
        }
    }

    fn want(&mut self, cids: Vec<Cid>, effects: &mut Vec<Effect>) {
        for cid in cids {
            if self.places.contains_key(&cid) {
                continue;
            }
            if self.blocks.len() == BLOCKS_PER_FETCH_MAX {
                return self.end(Effect::TooMany, effects);
            }
            let place = self.blocks.len() as u32;
            self.places.insert(cid, place);
            self.blocks.push(Block {
                cid,
                done: false,
                askers: Vec::new(),
                expected: 0,
            });
            self.waiting.insert(place);
            self.missing += 1;
        }
        self.give_up_if_alone(effects);
    }

    fn join(&mut self, peer: PeerId, effects: &mut Vec<Effect>) {
        match self.peers.get(&peer) {
            Some(&known) => {
                if !self.seeders[known].rejoin() {
                    return;
                }
            }
            None if self.seeders.len() == SEEDERS_MAX => return,
            None => {
                self.peers.insert(peer, self.seeders.len());
                self.seeders.push(Seeder::new(peer));
            }
        }
        effects.push(Effect::Connect(peer));
    }

    fn answer(
        &mut self,
        now: Duration,
        peer: &PeerId,
        cid: &Cid,
        answer: Answer,
        effects: &mut Vec<Effect>,
    ) {
        let (Some(&seeder), Some(&place)) = (self.peers.get(peer), self.places.get(cid)) else {
            return;
        };
        if answer == Answer::Wrong {
            // Also of one that was dropped for something milder: it must not come back.
            return self.drop_seeder(seeder, Dropped::WrongBlock, effects);
        }
        self.release(seeder, place);
        match answer {
            Answer::Block(bytes) => self.take(now, seeder, place, bytes, effects),
            Answer::NotHere | Answer::Wrong => {
                self.seeders[seeder].lack(now, place);
                self.wait_again(place);
                self.give_up_on(place, effects);
            }
        }
    }

    fn take(
        &mut self,
        now: Duration,
        seeder: usize,
        place: u32,
        bytes: u64,
        effects: &mut Vec<Effect>,
    ) {
        let block = &mut self.blocks[place as usize];
        let is_first = !block.done;
        block.done = true;
        let kind = usize::from(block.cid.codec() == content::RAW);
        self.largest[kind] = self.largest[kind].max(Some(bytes));
        self.seeders[seeder].give(now, bytes, is_first);
        if is_first {
            self.waiting.remove(&place);
            self.missing -= 1;
            self.held += bytes;
            effects.push(Effect::Give(block.cid));
        }
    }

    /// The seeder owes this block no more.
    fn release(&mut self, seeder: usize, place: u32) {
        if self.seeders[seeder].asked.remove(&place).is_none() {
            return;
        }
        let block = &mut self.blocks[place as usize];
        block.askers.retain(|&asker| asker != seeder);
        if block.askers.is_empty() {
            self.expected -= std::mem::take(&mut block.expected);
        }
    }

    fn wait_again(&mut self, place: u32) {
        let block = &self.blocks[place as usize];
        if !block.done && block.askers.is_empty() && self.waiting.insert(place) {
            for seeder in &mut self.seeders {
                seeder.cursor = seeder.cursor.min(place);
            }
        }
    }

    fn drop_seeder(&mut self, seeder: usize, why: Dropped, effects: &mut Vec<Effect>) {
        let was_live = self.seeders[seeder].is_live();
        let owed: Vec<u32> = self.seeders[seeder].asked.keys().copied().collect();
        for place in owed {
            self.release(seeder, place);
            self.wait_again(place);
        }
        self.seeders[seeder].phase = Phase::Dropped(why);
        if was_live {
            effects.push(Effect::Drop(self.seeders[seeder].peer, why));
        }
        self.give_up_if_alone(effects);
        if self
            .seeders
            .iter()
            .any(|s| s.is_live() && s.lacks.is_empty())
        {
            return;
        }
        let waiting: Vec<u32> = self.waiting.iter().copied().collect();
        for place in waiting {
            self.give_up_on(place, effects);
        }
    }

    /// Ends the fetch if nobody could still give this block.
    fn give_up_on(&mut self, place: u32, effects: &mut Vec<Effect>) {
        let waits = self.waiting.contains(&place);
        let hope = self
            .seeders
            .iter()
            .any(|s| s.is_live() && !s.lacks.contains(&place));
        if waits && !hope && !self.ended {
            self.end(Effect::NotFound(self.blocks[place as usize].cid), effects);
        }
    }

    fn give_up_if_alone(&mut self, effects: &mut Vec<Effect>) {
        if self.ended || self.seeders.iter().any(Seeder::is_live) {
            return;
        }
        if let Some(&place) = self.waiting.first() {
            self.end(Effect::NoSeeders(self.blocks[place as usize].cid), effects);
        }
    }

    fn end(&mut self, effect: Effect, effects: &mut Vec<Effect>) {
        self.ended = true;
        effects.push(effect);
    }

    /// Drops who is silent, and who is far slower than the others while they could do its work.
    fn judge(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let mut paces: Vec<u64> = self
            .seeders
            .iter()
            .filter(|s| s.is_ready())
            .filter_map(|s| s.pace)
            .collect();
        paces.sort_unstable();
        let median = paces
            .get(paces.len() / 2)
            .copied()
            .filter(|_| paces.len() > 1);
        for seeder in 0..self.seeders.len() {
            let s = &mut self.seeders[seeder];
            if self.ended || !s.is_ready() {
                continue;
            }
            s.measure(now);
            let far_behind = s
                .pace
                .zip(median)
                .is_some_and(|(pace, median)| pace < median / SLOWER_THAN_MEDIAN);
            if s.is_silent(now) {
                self.drop_seeder(seeder, Dropped::Silent, effects);
            } else if far_behind && !self.is_needed(seeder) {
                self.drop_seeder(seeder, Dropped::Slow, effects);
            }
        }
    }

    /// Whether it owes a block that everybody else lacks.
    fn is_needed(&self, seeder: usize) -> bool {
        let others = || {
            self.seeders
                .iter()
                .enumerate()
                .filter(|(i, s)| *i != seeder && s.is_ready())
        };
        let owed = &self.seeders[seeder].asked;
        owed.keys()
            .any(|place| others().all(|(_, s)| s.lacks.contains(place)))
    }

    /// Asks for what waits, then for what is late.
    fn fill(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let mut asks: Vec<Vec<Cid>> = vec![Vec::new(); self.seeders.len()];
        let mut dry = vec![false; self.seeders.len()];
        while let Some(seeder) = self.next_seeder(&dry) {
            let place = self
                .next_waiting(seeder)
                .or_else(|| self.next_late(now, seeder));
            let Some(place) = place else {
                dry[seeder] = true;
                continue;
            };
            if !self.ask(now, seeder, place) {
                break;
            }
            asks[seeder].push(self.blocks[place as usize].cid);
        }
        let asks = asks
            .into_iter()
            .enumerate()
            .filter(|(_, cids)| !cids.is_empty());
        effects.extend(asks.map(|(seeder, cids)| Effect::Ask(self.seeders[seeder].peer, cids)));
    }

    /// Who would give one more block first; an idle one before all others, so that each pace stays known.
    fn next_seeder(&self, dry: &[bool]) -> Option<usize> {
        (0..self.seeders.len())
            .filter(|&i| !dry[i] && self.seeders[i].has_room())
            .min_by_key(|&i| (self.seeders[i].next_answer(), self.seeders[i].last_turn))
    }

    fn next_waiting(&mut self, seeder: usize) -> Option<u32> {
        let seeder = &mut self.seeders[seeder];
        let found = self
            .waiting
            .range(seeder.cursor..)
            .find(|place| !seeder.lacks.contains(place))
            .copied();
        seeder.cursor = found.unwrap_or(self.blocks.len() as u32);
        found
    }

    /// A block that a slower seeder owes and this idle one could give far sooner.
    fn next_late(&self, now: Duration, seeder: usize) -> Option<u32> {
        let idle = &self.seeders[seeder];
        if !idle.asked.is_empty() {
            return None;
        }
        let late = self.seeders.iter().filter(|s| s.is_ready());
        let owed = late.flat_map(|s| {
            s.asked
                .iter()
                .map(move |(place, since)| (s, *place, *since))
        });
        owed.filter(|(s, place, since)| {
            let block = &self.blocks[*place as usize];
            block.askers.len() < ASKERS_MAX
                && !block.done
                && !idle.lacks.contains(place)
                && s.is_late(now, *since, idle)
        })
        .min_by_key(|(_, _, since)| *since)
        .map(|(_, place, _)| place)
    }

    /// False: there is no room for it now.
    fn ask(&mut self, now: Duration, seeder: usize, place: u32) -> bool {
        let block = &mut self.blocks[place as usize];
        if block.askers.is_empty() {
            let kind = usize::from(block.cid.codec() == content::RAW);
            let bytes = self.largest[kind]
                .unwrap_or(BLOCK_BYTES_EXPECTED)
                .max(BLOCK_BYTES_EXPECTED_MIN);
            let under_way = self.expected + self.held;
            if under_way > 0 && under_way + bytes > IN_FLIGHT_BYTES_MAX {
                return false;
            }
            block.expected = bytes;
            self.expected += bytes;
        }
        block.askers.push(seeder);
        self.waiting.remove(&place);
        self.turn += 1;
        self.seeders[seeder].ask(now, place, self.turn);
        true
    }

    fn live(&self, peer: &PeerId) -> Option<usize> {
        self.peers
            .get(peer)
            .copied()
            .filter(|&i| self.seeders[i].is_live())
    }
}
