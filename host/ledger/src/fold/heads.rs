//! What one node tells another about the events that it holds, and what the other lacks.
//!
//! A set of events that is closed under ancestors is known by its heads. Nothing here depends on what an event says.

use super::{NodeId, State};
use crate::event::Event;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use weft_model::Cid;

impl State {
    /// The CIDs of all events that their device has said nothing after, sorted; of a device that told two stories
    /// every story's end. Equal for all who hold the same events, and for no others.
    pub fn heads(&self) -> Vec<Cid> {
        let mut heads: Vec<Cid> = self.heads.iter().map(|id| self.node(*id).cid).collect();
        heads.sort_unstable();
        heads
    }

    /// The heads, then the events 1, 3, 7, 15, … places before each: whoever lacks the end of a story still finds
    /// how far they know it, and is not taken for one who knows none of it. At most `limit`, which may leave out
    /// heads; not sorted.
    pub fn landmarks(&self, limit: usize) -> Vec<Cid> {
        let mut marks = Vec::new();
        for step in 0..u64::BITS {
            let back = (1_u64 << step) - 1;
            let before = marks.len();
            for head in &self.heads {
                if marks.len() == limit {
                    return marks;
                }
                let head = self.node(*head);
                let Some(seq) = head.seq.checked_sub(back).filter(|seq| *seq > 0) else {
                    continue;
                };
                let place = &self.places[&(head.author, seq)];
                marks.extend(
                    place
                        .iter()
                        .map(|id| self.node(*id))
                        .find(|node| node.cid == head.cid || head.past.sees(&node.past))
                        .map(|node| node.cid),
                );
            }
            if marks.len() == before {
                break;
            }
        }
        marks
    }

    /// Events that whoever holds exactly these events and their ancestors lacks, ancestors first, at most `limit`;
    /// with `after`, only those that this node learned of later than that one. CIDs that are not known are ignored.
    ///
    /// Takes time for every branch and every event returned, not for every event held.
    pub fn unknown_to(&self, known: &[Cid], after: Option<&Cid>, limit: usize) -> Vec<Cid> {
        let known = self.known_places(known);
        let after = after.and_then(|cid| self.by_cid.get(cid));
        let rest = |branch: usize| {
            let ids = &self.branches[branch];
            let first = self.node(ids[0]).seq;
            let shared = (known[branch] + 1).saturating_sub(first);
            let unknown = &ids[usize::try_from(shared).unwrap_or(ids.len()).min(ids.len())..];
            let sent = after.map_or(0, |after| unknown.partition_point(|id| id <= after));
            &unknown[sent..]
        };
        // Within a branch places rise with the order of arrival, so that the branches are merged by it.
        let mut next: BinaryHeap<Reverse<(NodeId, usize)>> = (0..self.branches.len())
            .filter_map(|branch| Some(Reverse((*rest(branch).first()?, branch))))
            .collect();
        let mut lacking = Vec::new();
        while lacking.len() < limit {
            let Some(Reverse((id, branch))) = next.pop() else {
                break;
            };
            let node = self.node(id);
            lacking.push(node.cid);
            let ids = &self.branches[branch];
            let place = (node.seq + 1 - self.node(ids[0]).seq) as usize;
            next.extend(ids.get(place).map(|id| Reverse((*id, branch))));
        }
        lacking
    }

    /// Whether an ancestor of an event is not here.
    pub(crate) fn lacks_ancestors(&self, event: &Event) -> bool {
        let mut parents = event.prev.iter().chain(&event.seen);
        parents.any(|parent| !self.by_cid.contains_key(parent))
    }

    /// By branch, the highest place among these events and their ancestors; 0 for none.
    fn known_places(&self, events: &[Cid]) -> Vec<u64> {
        let mut ids: Vec<NodeId> = events
            .iter()
            .filter_map(|cid| self.by_cid.get(cid).copied())
            .collect();
        // The deepest first: what it has seen need not be looked at.
        ids.sort_unstable_by_key(|id| Reverse(self.node(*id).depth));
        let mut known = vec![0; self.branches.len()];
        for id in ids {
            let past = &self.node(id).past;
            if known[past.branch as usize] >= past.seq {
                continue;
            }
            let own = (past.branch, past.seq);
            for (branch, seq) in past.others.iter().map(|(b, s)| (*b, *s)).chain([own]) {
                let place = &mut known[branch as usize];
                *place = seq.max(*place);
            }
        }
        known
    }
}
