//! `weft network`, `weft invite`, `weft join`.

use crate::ctx::{Ctx, Outcome};
use crate::{parse, render};
use weft_api::{NetworkRequest, NetworkResponse, Request, Response};

/// The network of this home.
#[derive(Debug, clap::Subcommand)]
pub enum Network {
    /// Open this home's network to others, and name it
    #[command(
        after_help = "Example:\n  weft network create our-street\n  weft start &\n  weft invite"
    )]
    Create {
        /// What people call it
        name: String,
    },
    /// Show the network: its name, members, log, digest
    #[command(after_help = "Example:\n  weft network show")]
    Show,
    /// Leave the network; this home then has one of its own
    ///
    /// The others see it in the log. Tasks, rules, plugins and keys stay; a copy of the database is taken first.
    #[command(after_help = "Example:\n  weft network leave")]
    Leave,
}

/// Make an invite: one string that lets somebody in, or list and take back the invites of this device
///
/// Needs the daemon, in whose lobby the newcomer knocks. Whoever has the string can come in until it expires: send it
/// as you would a key.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  weft invite\n  weft invite --role guest --expires 2h --uses 5\n  weft invite --qr\n  weft invite list"
)]
pub struct Invite {
    #[command(subcommand)]
    other: Option<Other>,
    /// What the newcomer may do
    #[arg(long, default_value = "member", value_parser = ["admin", "member", "guest"])]
    role: String,
    /// How long it stands, such as 2h or 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse::life)]
    expires: u64,
    /// How many it lets in; several come in as guests
    #[arg(long, value_name = "N", default_value_t = 1)]
    uses: u64,
    /// Show it as a QR code, too
    #[arg(long)]
    qr: bool,
}

/// Other things to do with invites.
#[derive(Debug, clap::Subcommand)]
enum Other {
    /// List the invites of this device
    #[command(after_help = "Example:\n  weft invite list")]
    List,
    /// Take an invite back: its string, or its key from the list
    #[command(after_help = "Example:\n  weft invite revoke did:key:z6Mk…")]
    Revoke {
        /// The invite
        invite: String,
    },
}

/// Join a network by an invite
///
/// This home goes over to that network: its log takes the place of the one here, of which a copy is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft join weft1pmqe… --as bob@example.com")]
pub struct Join {
    /// The string that `weft invite` printed
    invite: String,
    /// Your name in the network [default: this home's owner]
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

impl Network {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(Request::Network(match self {
            Self::Create { name } => NetworkRequest::Create { name },
            Self::Show => NetworkRequest::Show,
            Self::Leave => NetworkRequest::Leave,
        }))
    }
}

impl Invite {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self.other {
            Some(Other::List) => ctx.tell(Request::Network(NetworkRequest::InviteList)),
            Some(Other::Revoke { invite }) => {
                ctx.tell(Request::Network(NetworkRequest::InviteRevoke { invite }))
            }
            None => make(ctx, self.role, self.expires, self.uses, false, self.qr),
        }
    }
}

/// Makes an invite and shows it.
pub fn make(ctx: &Ctx, role: String, life_ms: u64, uses: u64, device: bool, qr: bool) -> Outcome {
    let response = ctx.ask(Request::Network(NetworkRequest::Invite {
        role,
        life_ms,
        uses,
        device,
    }))?;
    let shown = ctx.show(&response)?;
    if let (true, false, Response::Network(NetworkResponse::Invite(invite))) =
        (qr, ctx.json(), &response)
        && let Some(text) = &invite.invite
    {
        render::print(&render::qr(text)?)?;
    }
    Ok(shown)
}

impl Join {
    /// Asks for it.
    ///
    /// # Errors
    /// What the inviter or the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell_slowly(
            "joining",
            Request::Network(NetworkRequest::Join {
                invite: self.invite,
                name: self.name,
            }),
        )
    }
}
