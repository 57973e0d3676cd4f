//! `weft key`.

use crate::ctx::{Ctx, Outcome, absolute_text};
use crate::passphrase::Source;
use std::path::PathBuf;
use weft_api::{KeyPart, KeyRequest, Request};

/// Keys.
#[derive(Debug, clap::Subcommand)]
pub enum Key {
    /// Make a key to publish with; given a passphrase, it is kept encrypted
    #[command(
        after_help = "Example:\n  weft key new publisher --passphrase\n  weft key new robot --passphrase-file FILE"
    )]
    New {
        /// The key's name: lowercase letters, digits and dashes
        name: String,
        /// Ask for a passphrase and keep the key encrypted, as the `age` command reads it
        #[arg(long)]
        passphrase: bool,
        #[command(flatten)]
        source: Source,
    },
    /// List the keys of this home
    #[command(after_help = "Example:\n  weft key list")]
    List,
    /// Show a key's public half, its fingerprint, and what became of it
    #[command(after_help = "Example:\n  weft key show publisher")]
    Show {
        /// The key's name
        name: String,
    },
    /// Write a key's public half to a file; or the key itself, encrypted; or what it signed when it was replaced or
    /// revoked
    #[command(
        after_help = "Example:\n  weft key export publisher -o publisher.did\n  weft key export publisher -o publisher.key.age --secret"
    )]
    Export {
        /// The key's name
        name: String,
        /// The file; it must not be there yet
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// The key itself, encrypted by its own passphrase, or by the one given now
        #[arg(long, group = "part")]
        secret: bool,
        /// The statement that both keys signed when one took the other's place
        #[arg(long, group = "part")]
        rotation: bool,
        /// The statement that the key signed when it was revoked
        #[arg(long, group = "part")]
        revocation: bool,
        #[command(flatten)]
        source: Source,
    },
    /// Take in a key from a file: an encrypted one as it is, a plain one encrypted where a passphrase is given
    #[command(after_help = "Example:\n  weft key import publisher publisher.key.age")]
    Import {
        /// The name that it gets
        name: String,
        /// The file
        file: PathBuf,
        #[command(flatten)]
        source: Source,
    },
    /// Put a new key in a key's place; both sign that, and the old one stays as NAME.1
    #[command(
        after_help = "Example:\n  weft key rotate publisher\n  weft key export publisher --rotation -o publisher.rotation"
    )]
    Rotate {
        /// The key's name
        name: String,
        #[command(flatten)]
        source: Source,
    },
    /// Say that a key no longer counts: releases seen before still do. There is no way back
    #[command(
        after_help = "Example:\n  weft key revoke publisher --reason \"the laptop was stolen\"\n  weft key revoke did:key:z6Mk…"
    )]
    Revoke {
        /// A key of this home, which signs that, or anybody's DID, which is this home's word alone
        #[arg(value_name = "NAME|DID")]
        key: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        source: Source,
    },
}

impl Key {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let answer = match self {
            Self::List => ctx.ask(Request::Key(KeyRequest::List)),
            Self::Show { name } => ctx.ask(Request::Key(KeyRequest::Show { name })),
            Self::New {
                name,
                passphrase,
                source,
            } => {
                let passphrase = if passphrase {
                    Some(source.new_passphrase()?)
                } else {
                    source.given()?
                };
                ctx.ask(Request::Key(KeyRequest::New { name, passphrase }))
            }
            Self::Export {
                name,
                output,
                secret,
                rotation,
                revocation,
                source,
            } => {
                let part = match (secret, rotation, revocation) {
                    (true, _, _) => KeyPart::Secret,
                    (_, true, _) => KeyPart::Rotation,
                    (_, _, true) => KeyPart::Revocation,
                    _ => KeyPart::Public,
                };
                let path = absolute_text(&output)?;
                source.ask(ctx, |passphrase| {
                    Request::Key(KeyRequest::Export {
                        name: name.clone(),
                        part,
                        path: path.clone(),
                        passphrase,
                    })
                })
            }
            Self::Import { name, file, source } => {
                let path = absolute_text(&file)?;
                source.ask(ctx, |passphrase| {
                    Request::Key(KeyRequest::Import {
                        name: name.clone(),
                        path: path.clone(),
                        passphrase,
                    })
                })
            }
            Self::Rotate { name, source } => source.ask(ctx, |passphrase| {
                Request::Key(KeyRequest::Rotate {
                    name: name.clone(),
                    passphrase,
                })
            }),
            Self::Revoke {
                key,
                reason,
                source,
            } => source.ask(ctx, |passphrase| {
                Request::Key(KeyRequest::Revoke {
                    key: key.clone(),
                    reason: reason.clone(),
                    passphrase,
                })
            }),
        }?;
        ctx.show(&answer)
    }
}
