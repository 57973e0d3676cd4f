//! `weft energy`.

use crate::ctx::{Ctx, Outcome};
use crate::parse;
use weft_api::Request;

/// The energy here; alone it shows it
#[derive(Debug, clap::Args)]
pub struct Energy {
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// What to do about it.
#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Declare the energy that this device runs on now; it counts until `weft energy clear`
    #[command(after_help = "Example:\n  weft energy set --type solar --percent 95 --grid 45")]
    Set {
        /// Source: solar, wind, hydro, nuclear, biomass, gas, oil, coal, battery or unknown
        #[arg(long = "type", value_name = "SOURCE")]
        kind: String,
        /// Clean share, in per cent
        #[arg(long, value_parser = parse::percent)]
        percent: f64,
        /// Carbon intensity of the grid, in g/kWh [default: that of the source]
        #[arg(long, value_name = "G_PER_KWH", value_parser = parse::amount)]
        grid: Option<f64>,
    },
    /// Forget what was declared: the setting `energy_source` counts again
    #[command(after_help = "Example:\n  weft energy clear")]
    Clear,
    /// Show the energy here, how it is known, and how its source stands
    #[command(after_help = "Example:\n  weft energy show")]
    Show,
}

impl Energy {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self.verb.unwrap_or(Verb::Show) {
            Verb::Set {
                kind,
                percent,
                grid,
            } => Request::EnergySet {
                kind,
                percent,
                grid,
            },
            Verb::Clear => Request::EnergyClear,
            Verb::Show => Request::EnergyShow,
        })
    }
}
