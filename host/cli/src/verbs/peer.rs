//! `weft peer`.

use crate::ctx::{Ctx, Outcome};
use crate::parse;
use crate::verbs::spec::Needs;
use weft_api::{PeerRow, Request};

/// Peers.
#[derive(Debug, clap::Subcommand)]
pub enum Peer {
    Add(Box<Add>),
    /// List the peers that are registered here
    #[command(after_help = "Example:\n  weft peer list")]
    List,
    Best(Box<Best>),
}

/// Register a peer, or change what is known of it; what is not given stays as it is
///
/// A peer that is registered by hand is a row of the `peers` table: its figures are declared, and shown as such. It
/// runs nothing before `weft permit add`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  weft peer add solar-roof --type solar --percent 95 --grid 45 --cpu-free 4 --memory-free-mb 8000
  weft permit add --task log-digest --peer solar-roof")]
pub struct Add {
    /// Its id
    peer: String,

    /// A name that people use
    #[arg(long, value_name = "NAME")]
    alias: Option<String>,

    /// Energy there: solar, wind, hydro, nuclear, biomass, gas, oil, coal, battery or unknown
    #[arg(long = "type", value_name = "SOURCE")]
    energy_type: Option<String>,

    /// Clean share of the energy there, in per cent
    #[arg(long, value_name = "PERCENT", value_parser = parse::percent)]
    percent: Option<f64>,

    /// Carbon intensity of the grid there, in g/kWh
    #[arg(long, value_name = "G_PER_KWH", value_parser = parse::amount)]
    grid: Option<f64>,

    /// Idle cores
    #[arg(long, value_name = "CORES", value_parser = parse::amount)]
    cpu_free: Option<f64>,

    /// Free memory, in MB
    #[arg(long, value_name = "MB", value_parser = parse::amount)]
    memory_free_mb: Option<f64>,

    /// Free disk, in MB
    #[arg(long, value_name = "MB", value_parser = parse::amount)]
    disk_free_mb: Option<f64>,

    /// Charge of its battery, in per cent
    #[arg(long, value_name = "PERCENT", value_parser = parse::percent)]
    battery_percent: Option<f64>,

    /// Whether it is on mains
    #[arg(long, value_name = "true|false")]
    plugged_in: Option<bool>,

    /// How cool it is, 0 (throttling) to 1 (cold)
    #[arg(long, value_name = "SHARE", value_parser = parse::share)]
    thermal_headroom: Option<f64>,

    /// How idle it is, 0 to 1
    #[arg(long, value_name = "SHARE", value_parser = parse::share)]
    idle: Option<f64>,

    /// Round trip, in milliseconds
    #[arg(long, value_name = "MS", value_parser = parse::amount)]
    rtt_ms: Option<f64>,

    /// How it is reached
    #[arg(long, value_name = "CLASS", value_parser = ["lan", "direct", "relayed", "unreachable"])]
    path_class: Option<String>,

    /// What it asks for a task, in credits
    #[arg(long, value_name = "CREDITS", value_parser = parse::amount)]
    cost: Option<f64>,

    /// Its reputation, 0 to 1
    #[arg(long, value_name = "SHARE", value_parser = parse::share)]
    reputation: Option<f64>,

    /// Its zone, as an IANA name such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,

    /// Where it stands, for people
    #[arg(long, value_name = "TEXT")]
    location: Option<String>,

    /// It is off now
    #[arg(long, conflicts_with = "online")]
    offline: bool,

    /// It is there again; a new peer is
    #[arg(long)]
    online: bool,
}

/// Rank the candidates for a task, and show what the scorer saw of each; nothing is stored
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft peer best --name log-digest --cores 1 --memory-mb 512")]
pub struct Best {
    /// The task's name; permits, allowed tasks and what is bound here are looked up by it [default: any task]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    needs: Needs,
}

impl Peer {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::Add(add) => Request::PeerAdd { peer: add.row() },
            Self::List => Request::PeerList,
            Self::Best(best) => Request::PeerBest {
                any: best.name.is_none(),
                spec: best
                    .needs
                    .spec(best.name.unwrap_or_else(|| "task".into()))?,
            },
        })
    }
}

impl Add {
    fn row(self) -> PeerRow {
        PeerRow {
            peer: self.peer,
            alias: self.alias,
            energy_type: self.energy_type,
            percent_clean: self.percent,
            grid_g_per_kwh: self.grid,
            cpu_free: self.cpu_free,
            memory_free_mb: self.memory_free_mb,
            disk_free_mb: self.disk_free_mb,
            battery_percent: self.battery_percent,
            plugged_in: self.plugged_in,
            thermal_headroom: self.thermal_headroom,
            idle: self.idle,
            rtt_ms: self.rtt_ms,
            path_class: self.path_class,
            cost: self.cost,
            reputation: self.reputation,
            timezone: self.timezone,
            location: self.location,
            offline: self.offline,
            online: self.online,
        }
    }
}
