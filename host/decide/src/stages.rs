//! The stages: what each asks, and what its answer or its failure means.

pub(crate) mod admission;
pub(crate) mod choice;
pub(crate) mod urgency;

use weft_model::task::{Importance, TaskSpec, Urgency};

/// The importance that a submitter proposes.
pub(crate) fn proposed(spec: &TaskSpec) -> Importance {
    spec.importance.unwrap_or(match spec.urgency {
        Some(Urgency::Critical) => Importance::Critical,
        Some(Urgency::High) => Importance::High,
        Some(Urgency::Low) => Importance::Low,
        Some(Urgency::Normal) | None => Importance::Normal,
    })
}
