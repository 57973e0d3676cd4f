//! What is wrong with a model or with an image.

use weft_sdk::ocr::ModelError;

/// Why a model can't be loaded, or an image can't be read. Each says what would do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A file that the model needs is not there.
    #[error("the model has no file `{0}`")]
    Missing(&'static str),
    /// A file of the model is damaged, or of a kind that is not computed here.
    #[error("`{file}` of the model: {why}")]
    Model {
        /// The file, relative to the model's directory.
        file: String,
        /// What is wrong, and what was expected.
        why: String,
    },
    /// The image or the options can't be used.
    #[error("{0}")]
    Input(String),
}

impl Wrong {
    pub(crate) fn model(file: &str, why: impl ToString) -> Self {
        Self::Model {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}

impl From<Wrong> for ModelError {
    fn from(wrong: Wrong) -> Self {
        let said = wrong.to_string();
        match wrong {
            Wrong::Missing(_) => Self::Missing(said),
            Wrong::Model { .. } => Self::BadModel(said),
            Wrong::Input(_) => Self::BadInput(said),
        }
    }
}
