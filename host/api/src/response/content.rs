//! What a node answers about content.

use serde::{Deserialize, Serialize};
use weft_node::report::{
    ContentGcReport, ContentGetReport, ContentProgress, ContentReport, ContentUnpublishReport,
    ContentVerifyReport,
};

/// One answer about content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", content = "value", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is named for its report")]
pub enum ContentResponse {
    One(ContentReport),
    List(Vec<ContentReport>),
    Got(ContentGetReport),
    Unpublished(ContentUnpublishReport),
    Freed(ContentGcReport),
    Verified(ContentVerifyReport),
    Progress(ContentProgress),
}
