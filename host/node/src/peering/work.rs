//! Tasks between members (to come with delegation).
use crate::node::Node;
use crate::peering::Peering;
use weft_model::Did;

impl Node {
    pub(super) fn answer_task(&self, _from: &Did, _request: &[u8]) -> Option<Vec<u8>> {
        None
    }

    pub(super) fn deliver_results(&self, _peering: &Peering) {}
}
