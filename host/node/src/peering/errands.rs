//! Conversations about tasks that may wait for a peer: each on a thread of its own, few at a time, fewer with one peer.
//!
//! What finds no place is not lost: leases, results and inputs stand in the tables, and the daemon's next look begins
//! them. An errand that ends wakes that look.

use super::Peering;
use crate::error::Result;
use crate::node::Node;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use weft_model::Did;

/// Errands at a time.
const ERRANDS: usize = 64;
/// Errands at a time with one peer: half of the requests that a peer takes at once, so that the log has its share.
const ERRANDS_PER_PEER: usize = 4;

/// The errands that are under way: by name, with whom.
#[derive(Default)]
pub(crate) struct Errands(Mutex<BTreeMap<String, Did>>);

impl Errands {
    fn begin(&self, name: &str, with: &Did) -> bool {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let with_peer = running.values().filter(|peer| *peer == with).count();
        if running.contains_key(name) || running.len() >= ERRANDS || with_peer >= ERRANDS_PER_PEER {
            return false;
        }
        running.insert(name.to_owned(), *with);
        true
    }

    fn end(&self, name: &str) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(name);
    }
}

/// Frees the place, however the errand ends.
struct Place {
    node: Arc<Node>,
    peering: Arc<Peering>,
    name: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.peering.errands.end(&self.name);
        self.node.changed();
    }
}

impl Node {
    /// Begins an errand with a peer, unless one of this name is under way or there is no place. Returns whether it began.
    pub(super) fn errand(
        self: &Arc<Self>,
        peering: &Arc<Peering>,
        name: String,
        with: &Did,
        work: impl FnOnce(&Arc<Self>) -> Result<()> + Send + 'static,
    ) -> bool {
        if !peering.errands.begin(&name, with) {
            return false;
        }
        let place = Place {
            node: Arc::clone(self),
            peering: Arc::clone(peering),
            name,
        };
        let spawned = std::thread::Builder::new()
            .name("weft-errand".into())
            .spawn(move || {
                if let Err(e) = work(&place.node) {
                    tracing::error!(errand = place.name, "{e}");
                }
            });
        if let Err(e) = &spawned {
            tracing::error!("an errand waits for the next look: {e}");
        }
        spawned.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(n: u8) -> Did {
        Did::from_public([n; 32])
    }

    #[test]
    fn one_peer_takes_few_places_and_all_together_no_more_than_there_are() {
        let errands = Errands::default();
        assert!(errands.begin("offer:a", &did(1)));
        assert!(!errands.begin("offer:a", &did(1)), "it is under way");
        for n in 1..ERRANDS_PER_PEER {
            assert!(errands.begin(&format!("offer:{n}"), &did(1)));
        }
        assert!(
            !errands.begin("offer:b", &did(1)),
            "this peer has its share"
        );
        assert!(errands.begin("offer:b", &did(2)), "others are not held up");
        errands.end("offer:a");
        assert!(errands.begin("offer:c", &did(1)));
        let mut begun = ERRANDS_PER_PEER + 1;
        for n in 3..=255 {
            begun += usize::from(errands.begin(&format!("offer:of-{n}"), &did(n)));
        }
        assert_eq!(begun, ERRANDS);
    }
}
