//! What a node answers about models.

use serde::{Deserialize, Serialize};
use weft_node::report::{ContentVerifyReport, ModelReport};

/// One answer about models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", content = "value", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is named for its report")]
pub enum ModelResponse {
    One(ModelReport),
    List(Vec<ModelReport>),
    Verified(ContentVerifyReport),
}
