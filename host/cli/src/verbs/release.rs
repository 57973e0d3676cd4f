//! `weft release`, and `publish`, `export` and `import`, which stand at the top, too.

use crate::ctx::{Ctx, Outcome, absolute_text};
use crate::exit::Exit;
use crate::parse;
use crate::passphrase::Source;
use std::path::{Path, PathBuf};
use weft_api::{PackageRequest, PackageResponse, Passphrase, Request, Response, SkillRow};
use weft_model::Instant;

/// Releases.
#[derive(Debug, clap::Subcommand)]
pub enum Release {
    Build(Build),
    Sign(Sign),
    Countersign(Countersign),
    /// List the releases of this home: policies, workloads and skills
    #[command(after_help = "Example:\n  weft release list --kind skill")]
    List {
        /// Only of this kind: policy, workload or skill
        #[arg(long, value_name = "KIND", value_parser = ["policy", "workload", "skill"])]
        kind: Option<String>,
    },
    /// Show a release's fields, who signed it, and whether this home trusts it
    #[command(after_help = "Example:\n  weft release inspect scorer-latency")]
    Inspect {
        /// A release's CID or name, or a CAR file
        #[arg(value_name = "CID|NAME|FILE.car")]
        reference: String,
    },
    /// Check a release as an install would, without compiling it: signatures, trust, its place in its series, bytes, imports;
    /// exit code 4 when nobody trusts it
    #[command(after_help = "Example:\n  weft release verify scorer-latency.car")]
    Verify {
        /// A release's CID or name, or a CAR file
        #[arg(value_name = "CID|NAME|FILE.car")]
        reference: String,
    },
    /// Show what changes from one release to another
    #[command(after_help = "Example:\n  weft release diff scorer-clean-energy scorer-latency")]
    Diff {
        /// The one, as a CID, name or CAR file
        a: String,
        /// The other
        b: String,
    },
    Publish(Publish),
    Export(Export),
    Import(Import),
    Reproduce(super::reproduce::Reproduce),
}

/// Whose signature it is.
#[derive(Debug, clap::Args)]
pub struct Signer {
    /// The key that signs, one of `weft key list` [default: the owner's]
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    #[command(flatten)]
    source: Source,
}

impl Signer {
    /// Asks the node for something that is signed, with a passphrase where the key needs one.
    fn tell(
        &self,
        ctx: &Ctx,
        request: impl Fn(Option<String>, Option<Passphrase>) -> PackageRequest,
    ) -> Outcome {
        let answer = self.source.ask(ctx, |passphrase| {
            Request::Package(request(self.key.clone(), passphrase))
        })?;
        ctx.show(&answer)
    }
}

/// Make a release of a component or a skill's adapter, and sign it as its author; it serves nothing by that
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft release build target/weft/my-scorer.wasm
  weft release build target/weft/my-scorer.wasm --key acme --expires 2027-06-01T00:00:00Z
  weft release build adapter_model.safetensors --skill first-aid \\
    --skill-version 1.0.0 --base bafybei…")]
pub struct Build {
    /// The component file, or a skill's adapter
    file: PathBuf,
    #[command(flatten)]
    key: Signer,
    /// Its revision, which must rise [default: one more than the last]
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// When it is no longer installed, in RFC 3339
    #[arg(long, value_name = "INSTANT", value_parser = parse::instant)]
    expires: Option<Instant>,
    /// Where its sources are
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// The file is a skill's adapter (safetensors, as PEFT writes it): the skill's name
    #[arg(long, value_name = "NAME", requires_all = ["skill_version", "base"])]
    skill: Option<String>,
    /// The skill's version
    #[arg(long, value_name = "SEMVER", requires = "skill")]
    skill_version: Option<String>,
    /// The CID of the skill's base model
    #[arg(long, value_name = "CID", requires = "skill")]
    base: Option<String>,
    /// What the skill is good for
    #[arg(long, value_name = "TEXT", requires = "skill", default_value = "")]
    description: String,
    /// The skill's field of knowledge, such as `medicine`
    #[arg(long, value_name = "WORD", requires = "skill")]
    domain: Option<String>,
}

/// Add your signature to a release, as its author or as this home's owner
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft release sign my-scorer --role owner")]
pub struct Sign {
    /// A release's CID or name, or a CAR file
    #[arg(value_name = "CID|NAME|FILE.car")]
    reference: String,
    /// As what: author or owner
    #[arg(long, value_name = "ROLE", default_value = "author", value_parser = ["author", "owner"])]
    role: String,
    #[command(flatten)]
    key: Signer,
    /// Where to write a CAR file with the new signature
    #[arg(short, long, value_name = "FILE.car")]
    out: Option<PathBuf>,
}

/// Vouch for somebody's release, as a validator, or as `security`: that it closes a hole and should not wait
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  weft release countersign my-scorer.car --key reviewer -o signed.car"
)]
pub struct Countersign {
    /// A release's CID or name, or a CAR file
    #[arg(value_name = "CID|NAME|FILE.car")]
    reference: String,
    /// As what: validator or security
    #[arg(long, value_name = "ROLE", default_value = "validator", value_parser = ["validator", "security"])]
    role: String,
    #[command(flatten)]
    key: Signer,
    /// Where to write a CAR file with the new signature
    #[arg(short, long, value_name = "FILE.car")]
    out: Option<PathBuf>,
}

/// Sign a release into your log as the newest of its name, and put it into a folder for others
///
/// What is said to be the newest holds for 90 days; publish it again to renew that.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft release publish my-scorer --to /srv/releases\n  weft publish my-scorer --to /srv/releases"
)]
pub struct Publish {
    /// A release's CID or name
    #[arg(value_name = "CID|NAME")]
    reference: String,
    /// The folder that others install from: CAR files and signed heads
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Let anybody fetch it by Bitswap, member or not: its record, its envelope and its component
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    key: Signer,
}

/// Write a release with all that it needs as one CAR file, for nodes without a network
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft release export scorer-latency -o scorer-latency.car\n  weft export scorer-latency -o scorer-latency.car"
)]
pub struct Export {
    /// A release's CID or name
    #[arg(value_name = "CID|NAME")]
    reference: String,
    /// The file; it must not be there yet
    #[arg(short, long, value_name = "FILE.car")]
    out: PathBuf,
}

/// Bring a CAR file's release into this home, to install it later by its CID; nobody has to trust it for that
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft release import scorer-latency.car\n  weft import scorer-latency.car"
)]
pub struct Import {
    /// The CAR file
    #[arg(value_name = "FILE.car")]
    file: PathBuf,
}

impl Release {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::Build(verb) => verb.run(ctx),
            Self::Sign(Sign {
                reference: text,
                role,
                key,
                out,
            })
            | Self::Countersign(Countersign {
                reference: text,
                role,
                key,
                out,
            }) => {
                let reference = reference(&text)?;
                let out = out.as_deref().map(absolute_text).transpose()?;
                key.tell(ctx, |key, passphrase| PackageRequest::Sign {
                    reference: reference.clone(),
                    role: role.clone(),
                    key,
                    passphrase,
                    out: out.clone(),
                })
            }
            Self::List { kind } => ctx.tell(Request::ReleaseList { kind }),
            Self::Inspect { reference: text } => tell(
                ctx,
                PackageRequest::Inspect {
                    reference: reference(&text)?,
                },
            ),
            Self::Verify { reference: text } => {
                let reference = reference(&text)?;
                let answer = ctx.ask(Request::Package(PackageRequest::Verify { reference }))?;
                ctx.show(&answer)?;
                Ok(match answer {
                    Response::Package(PackageResponse::Package(p)) if !p.trusted => Exit::Refused,
                    _ => Exit::Ok,
                })
            }
            Self::Diff { a, b } => tell(
                ctx,
                PackageRequest::Diff {
                    a: reference(&a)?,
                    b: reference(&b)?,
                },
            ),
            Self::Publish(verb) => verb.run(ctx),
            Self::Export(verb) => verb.run(ctx),
            Self::Import(verb) => verb.run(ctx),
            Self::Reproduce(verb) => verb.run(ctx),
        }
    }
}

impl Build {
    fn run(self, ctx: &Ctx) -> Outcome {
        let path = absolute_text(&self.file)?;
        let skill = match (self.skill, self.skill_version, self.base) {
            (Some(name), Some(version), Some(base)) => Some(SkillRow {
                name,
                version,
                base,
                description: self.description,
                domain: self.domain,
            }),
            _ => None,
        };
        let (revision, expires, source) = (self.revision, self.expires, self.source);
        self.key.tell(ctx, |key, passphrase| PackageRequest::Build {
            path: path.clone(),
            key,
            passphrase,
            revision,
            expires,
            source: source.clone(),
            skill: skill.clone(),
        })
    }
}

impl Publish {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let reference = reference(&self.reference)?;
        let to = self.to.as_deref().map(absolute_text).transpose()?;
        let public = self.public;
        self.key
            .tell(ctx, |key, passphrase| PackageRequest::Publish {
                reference: reference.clone(),
                to: to.clone(),
                public,
                key,
                passphrase,
            })
    }
}

impl Export {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        tell(
            ctx,
            PackageRequest::Export {
                reference: reference(&self.reference)?,
                out: absolute_text(&self.out)?,
            },
        )
    }
}

impl Import {
    /// Does it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        tell(
            ctx,
            PackageRequest::Import {
                path: absolute_text(&self.file)?,
            },
        )
    }
}

/// Asks the node about a release and shows what it answers.
///
/// # Errors
/// What the node refuses.
pub fn tell(ctx: &Ctx, request: PackageRequest) -> Outcome {
    ctx.tell(Request::Package(request))
}

/// A CID or name as it is; a path (it holds a `/` or ends in `.car`) made absolute.
///
/// # Errors
/// When the current folder can't be told, or the path is no UTF-8.
pub fn reference(text: &str) -> Result<String, weft_api::ApiError> {
    if text.contains('/') || text.ends_with(".car") {
        absolute_text(Path::new(text))
    } else {
        Ok(text.to_owned())
    }
}
