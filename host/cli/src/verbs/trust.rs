//! `weft trust`.

use crate::ctx::{Ctx, Outcome, absolute_text};
use std::path::{Path, PathBuf};
use weft_api::{Request, RuleSpec, TrustRequest};

/// Trust.
#[derive(Debug, clap::Subcommand)]
pub enum Trust {
    /// Add a rule to trust.toml: which keys must have signed which releases. Or take in what somebody states of
    /// their key
    #[command(
        after_help = "Example:\n  weft trust add --name scorer-* --target scorer --key did:key:z6Mk…\n  weft trust add --name ocr --target workload --role validator --key did:key:z6MkA… --key did:key:z6MkB… --minimum 1\n  weft trust add --rotation publisher.rotation"
    )]
    Add {
        /// For releases of this name, or of all that begin with what stands before a trailing `*`; may repeat
        #[arg(long = "name", value_name = "PATTERN", required_unless_present_any = ["rotation", "revocation"])]
        names: Vec<String>,
        /// For this slot, `workload`, `skill`, or `*`; may repeat
        #[arg(long = "target", value_name = "TARGET", required_unless_present_any = ["rotation", "revocation"])]
        targets: Vec<String>,
        /// As what the keys must sign
        #[arg(long, default_value = "author", value_parser = ["author", "validator", "owner"])]
        role: String,
        /// A key that must have signed; may repeat
        #[arg(long = "key", value_name = "DID", required_unless_present_any = ["rotation", "revocation"])]
        keys: Vec<String>,
        /// So many of the keys are enough [default: all of them]
        #[arg(long, value_name = "N", requires = "keys")]
        minimum: Option<u32>,
        /// A key that may say that an update closes a hole and should not wait; may repeat
        #[arg(long, value_name = "DID", requires = "keys")]
        security: Vec<String>,
        /// What the rule is for
        #[arg(long, value_name = "TEXT", requires = "keys")]
        comment: Option<String>,
        /// A statement that one key took another one's place, signed by both
        #[arg(long, value_name = "FILE", conflicts_with_all = ["keys", "names", "targets", "revocation"])]
        rotation: Option<PathBuf>,
        /// A statement that a key no longer counts, signed by it
        #[arg(long, value_name = "FILE", conflicts_with_all = ["keys", "names", "targets"])]
        revocation: Option<PathBuf>,
    },
    /// List the rules
    #[command(after_help = "Example:\n  weft trust list")]
    List,
    /// Remove a rule
    #[command(after_help = "Example:\n  weft trust remove 2")]
    Remove {
        /// The rule's number in `weft trust list`
        #[arg(value_name = "N")]
        place: u32,
    },
    /// Say whether a release is trusted: by which rule, or what each rule lacks
    #[command(
        after_help = "Example:\n  weft trust test scorer-latency\n  weft trust test ./release.envelope"
    )]
    Test {
        /// A release's CID or name, or the file of its envelope (a path with a `/`)
        #[arg(value_name = "REF")]
        target: String,
    },
}

impl Trust {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(Request::Trust(match self {
            Self::Add {
                rotation: Some(file),
                ..
            } => TrustRequest::AddRotation {
                path: absolute_text(&file)?,
            },
            Self::Add {
                revocation: Some(file),
                ..
            } => TrustRequest::AddRevocation {
                path: absolute_text(&file)?,
            },
            Self::Add {
                names,
                targets,
                role,
                keys,
                minimum,
                security,
                comment,
                ..
            } => TrustRequest::Add {
                rule: RuleSpec {
                    names,
                    targets,
                    role,
                    keys,
                    minimum,
                    security,
                    comment,
                },
            },
            Self::List => TrustRequest::List,
            Self::Remove { place } => TrustRequest::Remove { place },
            Self::Test { target } if target.contains('/') => TrustRequest::Test {
                target: absolute_text(Path::new(&target))?,
            },
            Self::Test { target } => TrustRequest::Test { target },
        }))
    }
}
