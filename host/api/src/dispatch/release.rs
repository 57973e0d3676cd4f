//! Requests about releases.

use crate::request::{PackageRequest as Request, SkillRow};
use crate::response::{ApiError, PackageResponse as Response};
use std::path::Path;
use weft_node::{BuildWanted, Node, SkillWanted, Wanted};

pub(super) fn dispatch(node: &Node, request: Request) -> Result<Response, ApiError> {
    let package = |p| Response::Package(Box::new(p));
    let install = |i| Response::Install(Box::new(i));
    Ok(match request {
        Request::Build {
            path,
            key,
            passphrase,
            revision,
            expires,
            source,
            skill,
        } => package(node.package_build(&BuildWanted {
            path: path.into(),
            key,
            passphrase,
            revision,
            expires,
            source,
            skill: skill.map(skill_of),
        })?),
        Request::Sign {
            reference,
            role,
            key,
            passphrase,
            out,
        } => package(node.package_sign(
            &reference,
            &role,
            key.as_deref(),
            passphrase.as_ref(),
            out.as_deref().map(Path::new),
        )?),
        Request::Inspect { reference } => package(node.package_inspect(&reference)?),
        Request::Verify { reference } => package(node.package_verify(&reference)?),
        Request::Diff { a, b } => Response::Diff(node.package_diff(&a, &b)?),
        Request::Publish {
            reference,
            to,
            public,
            key,
            passphrase,
        } => {
            let mut published = node.package_publish(
                &reference,
                to.as_deref().map(Path::new),
                key.as_deref(),
                passphrase.as_ref(),
            )?;
            if public {
                published.public = node.package_make_public(&reference)?.public;
            }
            package(published)
        }
        Request::Export { reference, out } => {
            package(node.package_export(&reference, Path::new(&out))?)
        }
        Request::Import { path } => package(node.package_import(Path::new(&path))?),

        Request::Install {
            reference,
            from,
            target,
            consent,
        } => install(node.install(&Wanted {
            reference,
            from,
            target,
            consent,
            ..Wanted::default()
        })?),
        Request::Pending => Response::Installs(node.install_pending()?),
        Request::Consent { reference } => install(node.install_consent(&reference)?),
        Request::Decline { reference } => install(node.install_decline(&reference)?),
        Request::Pin { target, reference } => Response::Pin(node.pin(&target, &reference)?),
        Request::Pins => Response::Pins(node.pins()?),
        Request::Unpin { target } => Response::Pins(node.unpin(&target)?),
        Request::Rollback { target } => Response::Changes(node.target_rollback(&target)?),
        Request::History { target } => Response::Changes(node.target_history(&target)?),
        Request::QuarantineList => Response::Quarantine(node.quarantine_list()?),
        Request::QuarantineLift { reference } => {
            Response::Quarantine(node.quarantine_lift(&reference)?)
        }
        Request::Outdated { from } => Response::Outdated(node.outdated(from.as_deref())?),
        Request::Sync {
            lock,
            from,
            consent,
        } => Response::Installs(node.sync(Path::new(&lock), from.as_deref(), consent)?),
    })
}

fn skill_of(row: SkillRow) -> SkillWanted {
    SkillWanted {
        name: row.name,
        version: row.version,
        base: row.base,
        description: row.description,
        domain: row.domain,
    }
}
