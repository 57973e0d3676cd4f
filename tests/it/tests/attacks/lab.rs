//! A home under attack, and everything in it that a refused release must not have changed.

pub use crate::forge::{Draft, Publisher, draft, draft_of};

use crate::world::World;
use std::path::{Path, PathBuf};
use weft_api::report::{InstallReport, OutdatedReport};
use weft_api::{
    ApiError, PackageRequest, PackageResponse, Request, Response, RuleSpec, TrustRequest,
};
use weft_model::Cid;

/// What somebody asks to be installed.
#[derive(Clone, Default)]
pub struct Ask {
    /// A CID, a name or a CAR file.
    pub reference: String,
    /// Where to take it from.
    pub from: Option<String>,
    /// What it is to serve.
    pub target: Option<String>,
}

impl Ask {
    /// A CAR file, or something in this home.
    pub fn of(reference: impl ToString) -> Self {
        Self {
            reference: reference.to_string(),
            ..Self::default()
        }
    }

    /// Taken from a folder.
    pub fn from(mut self, folder: &Path) -> Self {
        self.from = Some(folder.display().to_string());
        self
    }

    /// To serve this.
    pub fn serve(mut self, target: &str) -> Self {
        self.target = Some(target.into());
        self
    }

    fn request(self) -> Request {
        Request::Package(PackageRequest::Install {
            reference: self.reference,
            from: self.from,
            target: self.target,
            consent: false,
        })
    }
}

/// A home under attack.
pub struct Lab {
    /// The home.
    pub world: World,
    files: std::cell::Cell<u32>,
}

/// What a refused release must leave as it was.
#[derive(Debug, PartialEq)]
struct Kept(Vec<(String, Vec<String>)>);

impl Lab {
    /// A home that trusts these publishers for everything.
    pub fn trusting(publishers: &[&Publisher]) -> Self {
        Self::with_settings("", publishers)
    }

    /// The same with these lines in its `weft.toml`.
    pub fn with_settings(toml: &str, publishers: &[&Publisher]) -> Self {
        let lab = Self {
            world: World::with_settings(toml),
            files: std::cell::Cell::new(0),
        };
        for publisher in publishers {
            lab.trust(rule(publisher));
        }
        lab
    }

    /// The same home after a restart.
    pub fn reopened(self, toml: &str) -> Self {
        Self {
            world: self.world.reopened(toml),
            files: self.files,
        }
    }

    /// Adds a rule.
    pub fn trust(&self, rule: RuleSpec) {
        self.world.ask(Request::Trust(TrustRequest::Add { rule }));
    }

    /// A path of the attacker's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.files.set(self.files.get() + 1);
        let path = self
            .world
            .home
            .path()
            .join(format!("{}-{name}", self.files.get()));
        assert!(!path.exists());
        path
    }

    /// An empty folder of the attacker's.
    pub fn folder(&self) -> PathBuf {
        let folder = self.path("folder");
        std::fs::create_dir(&folder).expect("a folder");
        folder
    }

    /// The CAR file of a draft that its publisher signed.
    pub fn car(&self, draft: &Draft, by: &Publisher) -> String {
        let path = self.path("release.car");
        draft.car(&by.signs(draft), &path);
        path.display().to_string()
    }

    /// Puts a draft that its publisher signed into a target, as a person does who agrees to whatever it wants.
    #[track_caller]
    pub fn puts(&self, draft: &Draft, by: &Publisher, target: &str) -> InstallReport {
        let report = self.one(Request::Package(PackageRequest::Install {
            reference: self.car(draft, by),
            from: None,
            target: Some(target.into()),
            consent: true,
        }));
        assert_eq!(report.state, "done", "{report:?}");
        report
    }

    /// Installs a draft that its publisher signed.
    #[track_caller]
    pub fn installs(&self, draft: &Draft, by: &Publisher, target: Option<&str>) -> InstallReport {
        let ask = Ask {
            target: target.map(Into::into),
            ..Ask::of(self.car(draft, by))
        };
        self.install(ask)
    }

    /// Installs what must not be refused.
    #[track_caller]
    pub fn install(&self, ask: Ask) -> InstallReport {
        self.one(ask.request())
    }

    /// Installs what must fail.
    #[track_caller]
    pub fn fails(&self, ask: Ask) -> ApiError {
        self.world.refused(ask.request())
    }

    /// Agrees, or says no.
    #[track_caller]
    pub fn answers(&self, reference: &Cid, yes: bool) -> InstallReport {
        let reference = reference.to_string();
        self.one(Request::Package(if yes {
            PackageRequest::Consent { reference }
        } else {
            PackageRequest::Decline { reference }
        }))
    }

    #[track_caller]
    fn one(&self, request: Request) -> InstallReport {
        match self.world.ask(request) {
            Response::Package(PackageResponse::Install(report)) => *report,
            other => panic!("{other:?}"),
        }
    }

    /// What serves, and how old that is.
    #[track_caller]
    pub fn outdated(&self, from: Option<&Path>) -> OutdatedReport {
        let from = from.map(|f| f.display().to_string());
        match self
            .world
            .ask(Request::Package(PackageRequest::Outdated { from }))
        {
            Response::Package(PackageResponse::Outdated(report)) => report,
            other => panic!("{other:?}"),
        }
    }

    /// An install that must be refused with this code and a message that says these words, and must leave the home as
    /// it was but for a note.
    #[track_caller]
    pub fn refuses(&self, ask: Ask, code: &str, says: &[&str]) -> ApiError {
        self.refused(ask.request(), code, says)
    }

    /// The same for a signed draft.
    #[track_caller]
    pub fn refuses_draft(
        &self,
        draft: &Draft,
        by: &Publisher,
        code: &str,
        says: &[&str],
    ) -> ApiError {
        self.refuses(Ask::of(self.car(draft, by)), code, says)
    }

    /// A request that must be refused, as [`Lab::refuses`].
    #[track_caller]
    pub fn refused(&self, request: Request, code: &str, says: &[&str]) -> ApiError {
        let (before, noted) = (self.kept(), self.notes());
        let error = self.world.refused(request);
        assert_eq!(error.code, code, "{error:?}");
        for word in says {
            assert!(error.message.contains(word), "{word:?} in {error:?}");
        }
        for text in [&error.message, &error.remedy] {
            assert!(!text.trim().is_empty(), "{error:?}");
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
        self.is_as(&before);
        assert!(
            self.notes() > noted,
            "no note says that `{code}` was refused"
        );
        error
    }

    /// Does something after which the home must be as before.
    #[track_caller]
    pub fn unchanged<T>(&self, act: impl FnOnce() -> T) -> T {
        let before = self.kept();
        let done = act();
        self.is_as(&before);
        done
    }

    #[track_caller]
    fn is_as(&self, before: &Kept) {
        for (now, before) in self.kept().0.iter().zip(&before.0) {
            assert_eq!(now, before, "something was left behind");
        }
    }

    /// The releases that serve a slot.
    pub fn slot(&self, slot: &str) -> Vec<String> {
        self.world.rows(&format!(
            "SELECT release_cid FROM slots WHERE slot = '{slot}' ORDER BY 1"
        ))
    }

    /// The release that a task's name runs.
    pub fn workload(&self, name: &str) -> Vec<String> {
        self.world.rows(&format!(
            "SELECT release_cid FROM workloads WHERE name = '{name}'"
        ))
    }

    fn notes(&self) -> usize {
        ["installs WHERE state = 'refused'", "mesh_events"]
            .iter()
            .map(|t| {
                self.world
                    .rows(&format!("SELECT CAST(count(*) AS TEXT) FROM {t}"))
            })
            .map(|c| c[0].parse::<usize>().expect("a count"))
            .sum()
    }

    fn kept(&self) -> Kept {
        let queries = [
            "SELECT cid || state FROM releases ORDER BY 1",
            "SELECT publisher || name || revision || release_cid FROM high_water ORDER BY 1",
            "SELECT slot || release_cid || mode FROM slots ORDER BY 1",
            "SELECT name || coalesce(release_cid, '') FROM workloads ORDER BY 1",
            "SELECT name || coalesce(release_cid, '') FROM skills ORDER BY 1",
            "SELECT cid FROM content ORDER BY 1",
            "SELECT cid || root FROM content_leaves ORDER BY 1",
            "SELECT cid || holder FROM content_pins ORDER BY 1",
            "SELECT name || directory || component_cid FROM grants ORDER BY 1",
            "SELECT cid FROM blocks ORDER BY 1",
            "SELECT release_cid || at FROM first_seen WHERE release_cid NOT IN (SELECT release_cid FROM heads) ORDER BY 1",
            "SELECT key || value FROM meta WHERE key <> 'checkpoint' ORDER BY 1",
        ];
        let mut kept: Vec<(String, Vec<String>)> = queries
            .iter()
            .map(|q| ((*q).to_owned(), self.world.rows(q)))
            .collect();
        for folder in ["content", "content/tmp"] {
            let path = self.world.home.path().join("home").join(folder);
            kept.push((folder.to_owned(), files(&path)));
        }
        Kept(kept)
    }
}

/// A rule that trusts a publisher for everything.
pub fn rule(publisher: &Publisher) -> RuleSpec {
    RuleSpec {
        names: vec!["*".into()],
        targets: vec!["*".into()],
        role: "author".into(),
        keys: vec![publisher.did().to_string()],
        minimum: None,
        security: vec![],
        comment: None,
    }
}

/// The names of a folder's files.
pub fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|e| e.expect("an entry").file_name().display().to_string())
        .collect();
    names.sort();
    names
}
