//! What an attacker has: keys, genuine releases to start from, and CAR files and folders made by hand. And what a home
//! is held against: everything in it that a refused release must not have changed.

use crate::world::World;
use ed25519_dalek::SigningKey;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use weft_api::report::{InstallReport, OutdatedReport};
use weft_api::{
    ApiError, PackageRequest, PackageResponse, Request, Response, RuleSpec, TrustRequest,
};
use weft_model::{Cid, Did, cbor, content};
use weft_release::car::{CarReader, CarWriter, Limits};
use weft_release::envelope::{Envelope, Role};
use weft_release::{Head, Release, statement};

/// A publisher, hostile or not.
pub struct Publisher {
    /// Its key.
    pub key: SigningKey,
}

impl Publisher {
    /// The same for the same seed.
    pub fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    /// Who it is.
    pub fn did(&self) -> Did {
        Did::from_public(self.key.verifying_key().to_bytes())
    }

    /// A release of its own like this one.
    pub fn makes(&self, draft: &Draft, change: impl FnOnce(&mut Release)) -> Draft {
        let mut draft = draft.clone();
        draft.release.publisher = self.did();
        change(&mut draft.release);
        draft
    }

    /// Signs a draft as its author, whatever it says.
    pub fn signs(&self, draft: &Draft) -> Envelope {
        let mut envelope = Envelope::new(draft.payload());
        envelope.sign(Role::Author, &self.key).expect("a signature");
        envelope
    }

    /// Puts a release into a folder as `publish` does: the CAR file, and the head that names it.
    pub fn publishes(&self, draft: &Draft, folder: &Path) {
        let release = &draft.release;
        draft.car(
            &self.signs(draft),
            &folder.join(format!("{}.car", draft.cid())),
        );
        self.heads(folder, &release.name, release.revision, draft.cid(), |_| {});
    }

    /// Puts a head into a folder.
    pub fn heads(
        &self,
        folder: &Path,
        name: &str,
        revision: u64,
        release: Cid,
        change: impl FnOnce(&mut Head),
    ) {
        let mut head = Head {
            publisher: self.did(),
            name: name.into(),
            revision,
            release,
            published: crate::world::NOON,
            expires: None,
        };
        change(&mut head);
        let sealed = statement::seal(&head, &[&self.key]).expect("a head");
        let dir = folder.join("heads").join(self.did().to_string());
        std::fs::create_dir_all(&dir).expect("a folder");
        std::fs::write(dir.join(format!("{name}.head")), sealed).expect("the head");
    }
}

/// A record with what it names.
#[derive(Clone)]
pub struct Draft {
    /// The record.
    pub release: Release,
    /// The bytes that go into the CAR file as its component.
    pub component: Vec<u8>,
    /// The bytes that go in as its golden vectors.
    pub vectors: Option<Vec<u8>>,
}

impl Draft {
    /// The record's bytes; its rules are not looked at.
    pub fn payload(&self) -> Vec<u8> {
        cbor::encode(&self.release).expect("DAG-CBOR")
    }

    /// The record's CID.
    pub fn cid(&self) -> Cid {
        content::record_cid(&self.payload())
    }

    /// Puts other bytes in as its component, which the record names.
    pub fn with_component(mut self, bytes: &[u8]) -> Self {
        self.component = bytes.to_vec();
        self.release.component.cid = content::raw_cid(bytes);
        self.release.component.size = bytes.len() as u64;
        self
    }

    /// Writes its CAR file.
    pub fn car(&self, envelope: &Envelope, path: &Path) {
        let bytes = cbor::encode(envelope).expect("DAG-CBOR");
        let component = content::raw_cid(&self.component);
        self.car_of(&bytes, &[(component, self.component.clone())], path);
    }

    /// Writes a CAR file with these bytes as its envelope, and these blocks behind the records.
    pub fn car_of(&self, envelope: &[u8], blocks: &[(Cid, Vec<u8>)], path: &Path) {
        let named = content::record_cid(envelope);
        let file = File::create(path).expect("a file");
        let mut car = CarWriter::new(file, &[self.cid(), named]).expect("a header");
        car.block(&named, envelope).expect("the envelope");
        car.block(&self.cid(), &self.payload()).expect("the record");
        if let Some(vectors) = &self.vectors {
            let cid = content::record_cid(vectors);
            car.block(&cid, vectors).expect("the vectors");
        }
        for (cid, bytes) in blocks {
            car.block(cid, bytes).expect("a block");
        }
        car.finish().expect("the file");
    }
}

/// A genuine release of a guest, made as its publisher would.
pub fn draft(guest: &str) -> Draft {
    draft_of(guest, &weft_kit::guest(guest))
}

/// A genuine release of a component's file.
pub fn draft_of(name: &str, path: &Path) -> Draft {
    static MADE: Mutex<Option<HashMap<String, Draft>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    if let Some(draft) = made.get(name) {
        return draft.clone();
    }
    let world = World::new();
    let request = PackageRequest::Build {
        path: path.display().to_string(),
        key: None,
        passphrase: None,
        revision: None,
        expires: None,
        source: None,
        skill: None,
    };
    let Response::Package(PackageResponse::Package(built)) = world.ask(Request::Package(request))
    else {
        panic!("another answer");
    };
    let out = world.home.path().join("genuine.car");
    world.ask(Request::Package(PackageRequest::Export {
        reference: built.release,
        out: out.display().to_string(),
    }));
    let file = File::open(out).expect("the CAR file");
    let mut car = CarReader::new(file, Limits::default()).expect("a header");
    let [cid, _] = *car.roots() else {
        panic!("two roots");
    };
    let mut blocks = HashMap::new();
    while let Some((cid, bytes)) = car.next_block().expect("a block") {
        blocks.insert(cid, bytes.to_vec());
    }
    let release = Release::decode(&blocks[&cid]).expect("a record");
    let draft = Draft {
        component: blocks
            .get(&release.component.cid)
            .expect("guests are of one leaf")
            .clone(),
        vectors: release.vectors.map(|cid| blocks[&cid].clone()),
        release,
    };
    made.insert(name.into(), draft.clone());
    draft
}

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
