//! `weft members`, `weft devices`.

use crate::ctx::{Ctx, Outcome};
use crate::parse;
use crate::verbs::network::make;
use weft_api::{NetworkRequest, Request};

/// Members of the network.
#[derive(Debug, clap::Subcommand)]
pub enum Members {
    /// List the members and their keys
    #[command(after_help = "Example:\n  weft members list")]
    List,
    /// Give a member another role
    #[command(after_help = "Example:\n  weft members role bob@example.com admin")]
    Role {
        /// The member's name or key
        #[arg(value_name = "NAME")]
        user: String,
        /// What the member may do
        #[arg(value_parser = ["admin", "member", "guest"])]
        role: String,
    },
    /// Remove a member: all their devices are closed wherever this is heard
    #[command(after_help = "Example:\n  weft members remove eve@example.com")]
    Remove {
        /// The member's name or key
        #[arg(value_name = "NAME")]
        user: String,
    },
    /// Let another key speak for a member whose own is lost: ask for it on a device of theirs, then most admins agree
    #[command(
        after_help = "On a device of the member:\n  weft members rekey\nOn those of more than half of the admins:\n  weft members rekey bob@example.com\nA key that is not lost is replaced by itself: weft key rotate owner\nAfter a theft, remove the member and admit them anew"
    )]
    Rekey {
        /// Whose new key you vouch for [default: this home's key asks to speak for its own member]
        #[arg(value_name = "NAME")]
        user: Option<String>,
    },
    /// Give a member another name
    #[command(after_help = "Example:\n  weft members rename bob@example.com rob@example.com")]
    Rename {
        /// The member's name or key
        #[arg(value_name = "NAME")]
        user: String,
        /// The new name
        to: String,
    },
}

/// Devices of the members.
#[derive(Debug, clap::Subcommand)]
pub enum Devices {
    /// List all devices, and whose they are
    #[command(after_help = "Example:\n  weft devices list")]
    List,
    /// Make an invite for a further device of your own
    #[command(
        after_help = "Example:\n  weft devices add\nThen, on the other device:\n  weft init\n  weft join weft1…"
    )]
    Add {
        /// How long it stands, such as 2h or 7d
        #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse::life)]
        expires: u64,
        /// Show it as a QR code, too
        #[arg(long)]
        qr: bool,
    },
    /// Take a device its place, as when it was lost
    #[command(after_help = "Example:\n  weft devices revoke did:key:z6Mk…")]
    Revoke {
        /// The device's key, or the beginning of it
        device: String,
    },
}

impl Members {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::List => Request::MemberList,
            Self::Role { user, role } => {
                Request::Network(NetworkRequest::MemberRole { user, role })
            }
            Self::Remove { user } => Request::Network(NetworkRequest::MemberRemove { user }),
            Self::Rekey { user } => Request::Network(NetworkRequest::MemberRekey { user }),
            Self::Rename { user, to } => {
                Request::Network(NetworkRequest::MemberRename { user, to })
            }
        })
    }
}

impl Devices {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::List => ctx.tell(Request::Network(NetworkRequest::DeviceList)),
            Self::Add { expires, qr } => make(ctx, "member".into(), expires, 1, true, qr),
            Self::Revoke { device } => {
                ctx.tell(Request::Network(NetworkRequest::DeviceRevoke { device }))
            }
        }
    }
}
