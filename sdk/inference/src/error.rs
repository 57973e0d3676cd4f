//! What is wrong with a model or with what it was given.

/// Why a model can't be loaded or used. Each names the file or value at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A file that the model needs is not there.
    #[error("the model has no `{0}`")]
    Missing(String),
    /// A file can't be read.
    #[error("`{file}` of the model can't be read: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
    /// A file is not what it should be.
    #[error("`{file}` of the model: {why}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong, and what was expected.
        why: String,
    },
    /// The model is of a kind, or has a setting, that this crate does not compute.
    #[error("this model can't be used: {0}")]
    Unsupported(String),
    /// More tokens than the model reads.
    #[error("it is too long: {0}")]
    TooLong(String),
    /// What it was given can't be computed.
    #[error("{0}")]
    BadInput(String),
    /// A number that came out is not finite: the weights are damaged.
    #[error("the model gives numbers that are not finite; its weights are damaged")]
    NotFinite,
}

impl ModelError {
    pub(crate) fn not_finite(file: &str, tensor: &str) -> Self {
        let why = format!("`{tensor}` holds what is no finite number; the weights are damaged");
        Self::malformed(file, why)
    }

    pub(crate) fn malformed(file: &str, why: impl ToString) -> Self {
        Self::Malformed {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}
