//! What a node answers about releases.

use serde::{Deserialize, Serialize};
use weft_node::report::{
    ChangeReport, InstallReport, OutdatedReport, PackageReport, PinReport, QuarantineReport,
};

/// One answer about releases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "release", content = "value", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is named for its report")]
pub enum PackageResponse {
    Package(Box<PackageReport>),
    Diff(Vec<String>),
    Install(Box<InstallReport>),
    Installs(Vec<InstallReport>),
    Pin(PinReport),
    Pins(Vec<PinReport>),
    Changes(Vec<ChangeReport>),
    Quarantine(Vec<QuarantineReport>),
    Outdated(OutdatedReport),
}
