//! What a job reports when it can't do its work, whatever its world calls it.

use crate::bindings::workload::JobError;
use crate::limits::MESSAGE_BYTES;

/// What a job reports when it can't do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobFailure {
    /// The params don't fit.
    #[error("params: {0}")]
    BadParams(String),
    /// The input is not what it takes.
    #[error("input: {0}")]
    BadInput(String),
    /// Something was not granted.
    #[error("missing: {0}")]
    Missing(String),
    /// The model is damaged, or of a kind that the component does not compute.
    #[error("model: {0}")]
    BadModel(String),
    /// A skill is damaged, of another kind, or for another model.
    #[error("skill: {0}")]
    BadSkill(String),
    /// It was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<JobError> for JobFailure {
    fn from(e: JobError) -> Self {
        let cut = |m: String| weft_model::text::printable(&m, MESSAGE_BYTES);
        match e {
            JobError::BadParams(m) => Self::BadParams(cut(m)),
            JobError::BadInput(m) => Self::BadInput(cut(m)),
            JobError::Missing(m) => Self::Missing(cut(m)),
            JobError::Cancelled => Self::Cancelled,
            JobError::Failed(m) => Self::Failed(cut(m)),
        }
    }
}

/// Each world has errors of a model of its own; what more than the others it has comes after its name.
macro_rules! model_error {
    ($world:ident $(, $own:ident => $failure:ident)*) => {
        impl From<crate::bindings::$world::ModelError> for JobFailure {
            fn from(e: crate::bindings::$world::ModelError) -> Self {
                use crate::bindings::$world::ModelError as E;
                let cut = |m: String| weft_model::text::printable(&m, MESSAGE_BYTES);
                match e {
                    E::Missing(m) => Self::Missing(cut(m)),
                    E::BadModel(m) => Self::BadModel(cut(m)),
                    E::BadInput(m) => Self::BadInput(cut(m)),
                    E::Failed(m) => Self::Failed(cut(m)),
                    $(E::$own(m) => Self::$failure(cut(m)),)*
                }
            }
        }
    };
}

model_error!(chat, BadSkill => BadSkill, TooLong => BadInput);
model_error!(embeddings);
model_error!(ocr);
