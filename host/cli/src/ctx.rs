//! What every verb gets: the home, the way to its node, and how to show an answer.

use crate::exit::Exit;
use crate::render;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use weft_api::{
    ApiError, Bundle, BundleComponent, BundleModel, Client, ContentResponse, ModelResponse,
    NetworkResponse, PackageResponse, Request, Response,
};
use weft_model::task::Status;

/// What a verb ends with.
pub type Outcome = Result<Exit, ApiError>;

/// Name of the home in the user's own folder.
const DEFAULT_HOME: &str = ".weft";

/// The file of the running program, on Linux.
const RUNNING: &str = "/proc/self/exe";

/// How often a spinner moves.
pub const SPIN: Duration = Duration::from_millis(120);

/// What every verb gets.
pub struct Ctx {
    home: PathBuf,
    json: bool,
}

impl Ctx {
    /// Takes the options that every verb has.
    ///
    /// # Errors
    /// When no home is named and the user has no folder of their own.
    pub fn new(home: Option<PathBuf>, json: bool) -> Result<Self, ApiError> {
        let home = home
            .or_else(|| std::env::home_dir().map(|own| own.join(DEFAULT_HOME)))
            .ok_or_else(|| {
                ApiError::new(
                    "invalid",
                    "no home is named, and $HOME is not set",
                    "weft --home DIR …",
                )
            })?;
        Ok(Self {
            home: absolute(&home)?,
            json,
        })
    }

    /// The home's folder, absolute.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Whether to answer in JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// What this program carries.
    pub fn bundle(&self) -> Bundle {
        let component = |c: &weft_bundle::Component| BundleComponent {
            name: c.name,
            bytes: c.bytes,
        };
        let model = |m: &weft_bundle::Model| BundleModel {
            name: m.name,
            license: m.license,
            source: m.source,
            files: m.files,
        };
        Bundle {
            components: weft_bundle::COMPONENTS.iter().map(component).collect(),
            models: weft_bundle::MODELS.iter().map(model).collect(),
        }
    }

    /// This program, which compiles strangers' components in a process of its own. None where the system can't tell
    /// its path; then they are compiled here, and that is said.
    pub fn compile_worker(&self) -> Option<PathBuf> {
        // The very file that runs now, also when an upgrade has put another one in its place.
        if cfg!(target_os = "linux") {
            return Some(RUNNING.into());
        }
        std::env::current_exe()
            .inspect_err(|e| {
                tracing::warn!("components are compiled without a cap on memory: {e}");
            })
            .ok()
    }

    /// The way to the home's node.
    ///
    /// # Errors
    /// Those of [`Client::open`].
    pub fn client(&self) -> Result<Client, ApiError> {
        Client::open(&self.home, &self.bundle(), self.compile_worker().as_deref())
    }

    /// Asks the node.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn ask(&self, request: Request) -> Result<Response, ApiError> {
        self.client()?.call(request)
    }

    /// Asks the node and shows what it answers: most verbs are this.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn tell(&self, request: Request) -> Outcome {
        let response = self.ask(request)?;
        self.show(&response)
    }

    /// [`Ctx::ask`] with a sign of life on stderr, where that is a terminal, which is gone before the answer is shown.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn ask_slowly(&self, what: &str, request: Request) -> Result<Response, ApiError> {
        let client = self.client()?;
        let bar = sign_of_life(what);
        let answer = client.call(request);
        bar.finish_and_clear();
        answer
    }

    /// [`Ctx::tell`] for what takes its time.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn tell_slowly(&self, what: &str, request: Request) -> Outcome {
        let response = self.ask_slowly(what, request)?;
        self.show(&response)
    }

    /// [`Ctx::tell`] with a text of the verb's own.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn tell_as(
        &self,
        request: Request,
        text: fn(&Response) -> Result<String, ApiError>,
    ) -> Outcome {
        let response = self.ask(request)?;
        self.show_as(&response, text)
    }

    /// Shows an answer. Its exit is 0, unless the answer itself is bad news: a verification that differs, a doctor
    /// that found something broken, rules that forbid everything.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn show(&self, response: &Response) -> Outcome {
        self.show_as(response, render::text)
    }

    /// [`Ctx::show`] with a text of the verb's own.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn show_as(
        &self,
        response: &Response,
        text: fn(&Response) -> Result<String, ApiError>,
    ) -> Outcome {
        if self.json {
            self.print_json(&render::inner(response)?)?;
        } else {
            render::print(&text(response)?)?;
        }
        Ok(match response {
            Response::Verify(v) if v.equal => Exit::Ok,
            Response::Verify(v) if v.differences.is_empty() => Exit::Failed,
            Response::Verify(_) => Exit::Differs,
            Response::Package(PackageResponse::Install(i)) if waits(&i.state) => Exit::Waits,
            Response::Doctor(d) if !d.ok => Exit::Failed,
            Response::Network(NetworkResponse::LogVerified(v)) if !v.ok => Exit::Differs,
            Response::TrustTest(t) if !t.trusted => Exit::Refused,
            Response::RulesCheck(r) if !r.possible => Exit::Failed,
            Response::Content(ContentResponse::Verified(v))
            | Response::Model(ModelResponse::Verified(v))
                if !v.ok =>
            {
                Exit::Differs
            }
            Response::Receipt(r) if r.again.as_ref().is_some_and(|a| !a.equal) => Exit::Differs,
            _ => Exit::Ok,
        })
    }

    /// Shows a value that is no answer of the node's.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn show_value(&self, value: &impl Serialize, text: &str) -> Outcome {
        if self.json {
            self.print_json(value)?;
        } else {
            render::print(text)?;
        }
        Ok(Exit::Ok)
    }

    fn print_json(&self, value: &impl Serialize) -> Result<(), ApiError> {
        let json = serde_json::to_string_pretty(value)
            .map_err(|e| ApiError::new("internal", format!("internal: {e}"), "report this"))?;
        render::print(&format!("{json}\n"))
    }

    /// Says so where tasks wait and no daemon is there to take them up.
    pub fn note_waiting<'a>(&self, statuses: impl IntoIterator<Item = &'a str>) {
        let waits = [Status::Deferred.word(), Status::Queued.word()];
        let waiting = statuses.into_iter().filter(|s| waits.contains(s)).count();
        if !self.json && waiting > 0 && Client::of_daemon(&self.home).is_none() {
            self.note("no daemon: what is deferred or queued waits for `weft start`");
        }
    }

    /// Something to know beside the answer, on stderr.
    pub fn note(&self, text: &str) {
        // A note that can't be written is no reason to fail.
        let _ = render::print_error(&format!("{text}\n"));
    }
}

/// A sign of life on stderr, where that is a terminal; who began it finishes and clears it.
pub fn sign_of_life(what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(SPIN);
    bar
}

/// Whether an install is neither done nor refused.
pub fn waits(state: &str) -> bool {
    matches!(state, "waiting" | "cooling")
}

/// A path as this process sees it, fit for the daemon, which may stand elsewhere.
///
/// # Errors
/// When the current folder can't be told.
pub fn absolute(path: &Path) -> Result<PathBuf, ApiError> {
    std::path::absolute(path)
        .map_err(|e| ApiError::new("io", format!("`{}`: {e}", path.display()), ""))
}

/// [`absolute`], as text.
///
/// # Errors
/// Also when it is no UTF-8.
pub fn absolute_text(path: &Path) -> Result<String, ApiError> {
    absolute(path)?
        .into_os_string()
        .into_string()
        .map_err(|path| {
            ApiError::new(
                "invalid",
                format!("`{}` is no UTF-8", path.display()),
                "rename it",
            )
        })
}

/// A release's CID or name as it is; a path (it holds a `/` or ends in `.wasm`) made absolute.
///
/// # Errors
/// As [`absolute_text`].
pub fn target(text: &str) -> Result<String, ApiError> {
    if text.contains('/') || text.ends_with(".wasm") {
        absolute_text(Path::new(text))
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_cids_stay_and_paths_become_absolute() {
        for same in [
            "scorer-latency",
            "bafyreigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
        ] {
            assert_eq!(target(same).expect("a name"), same);
        }
        let here = std::env::current_dir().expect("a folder");
        for (path, at) in [("a.wasm", "a.wasm"), ("./a", "a"), ("b/a", "b/a")] {
            assert_eq!(
                Path::new(&target(path).expect("UTF-8")),
                here.join(at),
                "{path}"
            );
        }
        assert_eq!(target("/x/a.wasm").expect("UTF-8"), "/x/a.wasm");
    }
}
