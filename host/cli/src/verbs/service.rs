//! `weft service`: what starts the daemon with the machine.

mod launchd;
mod systemd;

use crate::ctx::{Ctx, Outcome};
use crate::exit::Exit;
use crate::render;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use weft_api::report::SettingReport;
use weft_api::{ApiError, Request, Response};

/// What starts the daemon with the machine.
#[derive(Debug, clap::Subcommand)]
pub enum Service {
    /// Print a service file for this program and home; installs nothing
    ///
    /// The file for systemd keeps the daemon from everything but its home and the directories in `grants`, and gives it
    /// what the settings cap_cpu_cores and cap_memory_mb allow. The file for launchd is untested. Environment variables
    /// are not taken over: settings belong into weft.toml. Print it again after you moved the program or the home, or
    /// changed a cap or a grant.
    #[command(
        after_help = "Example:\n  weft service print systemd | sudo tee /etc/systemd/system/weft.service\n  sudo systemctl daemon-reload && sudo systemctl enable --now weft"
    )]
    Print {
        /// For whom
        manager: Manager,
    },
}

/// What starts services.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Manager {
    /// A system unit for Linux
    Systemd,
    /// A user agent for macOS; untested
    Launchd,
}

/// What a service file is made of.
#[derive(Debug)]
struct Facts {
    program: String,
    home: String,
    /// Who owns the home, and so runs the daemon.
    uid: u32,
    /// Most cores and MB of jobs, where they are capped.
    cores: Option<u64>,
    memory_mb: Option<u64>,
    /// Directories that tasks may write.
    grants: Vec<String>,
}

impl Service {
    /// Prints it, whatever --json says: it is a file.
    ///
    /// # Errors
    /// When there is no such home, or a path can't stand in such a file.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let Self::Print { manager } = self;
        let facts = facts(ctx)?;
        render::print(&match manager {
            Manager::Systemd => systemd::unit(&facts),
            Manager::Launchd => launchd::agent(&facts),
        })?;
        Ok(Exit::Ok)
    }
}

fn facts(ctx: &Ctx) -> Result<Facts, ApiError> {
    let Response::Status(status) = ctx.ask(Request::Status)? else {
        return Err(ApiError::new(
            "internal",
            "internal: another answer came",
            "report this",
        ));
    };
    let io = |path: &Path, e: std::io::Error| {
        ApiError::new("io", format!("`{}`: {e}", path.display()), "")
    };
    let program = std::env::current_exe().map_err(|e| io(Path::new("weft"), e))?;
    let home = ctx.home();
    let uid = std::fs::metadata(home).map_err(|e| io(home, e))?.uid();
    let cap = |name| {
        value(&status.settings, name)
            .and_then(serde_json::Value::as_u64)
            .filter(|cap| *cap > 0)
    };
    let grants = value(&status.settings, "grants").and_then(|v| v.as_str());
    let grants = grants.unwrap_or_default().split(',');
    Ok(Facts {
        program: plain(program)?,
        home: plain(home.to_owned())?,
        uid,
        cores: cap("cap_cpu_cores"),
        memory_mb: cap("cap_memory_mb"),
        grants: grants
            .filter_map(|pair| pair.split_once('='))
            .map(|(_, directory)| plain(directory.trim().into()))
            .collect::<Result<_, _>>()?,
    })
}

fn value<'a>(settings: &'a [SettingReport], name: &str) -> Option<&'a serde_json::Value> {
    settings.iter().find(|s| s.key == name).map(|s| &s.value)
}

/// A path that can stand in a file of lines.
fn plain(path: PathBuf) -> Result<String, ApiError> {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err(ApiError::new(
            "invalid",
            format!("`{}` can't be written into a service file", path.display()),
            "take a path of plain text",
        )),
    }
}

#[cfg(test)]
impl Facts {
    /// Facts whose paths hold what such files treat specially.
    fn odd() -> Self {
        Self {
            program: "/opt/we ft/100%/weft".into(),
            home: "/srv/a \"home\" & <more>/$HOME".into(),
            uid: 1000,
            cores: Some(2),
            memory_mb: Some(512),
            grants: vec!["/var/log/app".into()],
        }
    }
}
