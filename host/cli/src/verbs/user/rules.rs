//! `weft user rules`.

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// An owner's ethical rules.
#[derive(Debug, clap::Subcommand)]
pub enum Rules {
    Add(Add),
    /// List the rules
    #[command(after_help = "Example:\n  weft user rules list")]
    List {
        /// Whose [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Remove a rule
    #[command(after_help = "Example:\n  weft user rules remove power")]
    Remove {
        /// The rule's id, as `weft user rules list` shows it
        id: String,
        /// Whose [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Say whether the rules together can ever allow a task; exit code 1 when they can't
    #[command(after_help = "Example:\n  weft user rules check")]
    Check {
        /// Whose [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
}

/// Add an ethical rule
///
/// Types that the default plugin knows:
///   max_power_watts       blocks tasks over VALUE watts, and those that declare none
///   task_type_blacklist   blocks names that contain VALUE
///   task_type_whitelist   blocks all names but those in VALUE, separated by commas
///   no_heavy_computation  blocks training, rendering, analysis
///   no_data_intensive     blocks backup, sync, transfer
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  weft user rules add --type max_power_watts --value 50
  weft user rules add --type task_type_blacklist --value mining --reasoning \"not on my power\""
)]
pub struct Add {
    /// Whose [default: the home's owner]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// The rule's type
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,

    /// The rule's value, where its type takes one
    #[arg(long)]
    value: Option<String>,

    /// Strict blocks, warn only says so
    #[arg(long, default_value = "strict", value_parser = ["strict", "warn"])]
    level: String,

    /// Why it is there
    #[arg(long, value_name = "TEXT")]
    reasoning: Option<String>,

    /// Its id, unique among the owner's [default: one is made]
    #[arg(long)]
    id: Option<String>,
}

impl Rules {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::Add(add) => Request::RulesAdd {
                user: add.user.unwrap_or_default(),
                id: add.id,
                kind: add.kind,
                value: add.value,
                level: add.level,
                reasoning: add.reasoning,
            },
            Self::List { user } => Request::RulesList {
                user: user.unwrap_or_default(),
            },
            Self::Remove { id, user } => Request::RulesRemove {
                user: user.unwrap_or_default(),
                id,
            },
            Self::Check { user } => Request::RulesCheck {
                user: user.unwrap_or_default(),
            },
        })
    }
}
