//! A node in a temporary home with the real plugins, an injected clock, and a second connection to its database, as
//! a person with `sqlite3` has one.

#![allow(
    dead_code,
    reason = "each test program that shares this uses its own part of it"
)]

use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tempfile::TempDir;
use weft_api::report::{ReleaseReport, TaskReport};
use weft_api::{
    ApiError, Bundle, BundleComponent, BundleModel, Client, Clock, InitOptions, ManualClock, Node,
    PeerRow, Request, Response,
};
use weft_ledger::constitution::{Constitution, MeshPolicy};
use weft_model::task::TaskSpec;
use weft_store::{Store, blocks, meta};

/// The home's owner.
pub const ALICE: &str = "a@example.com";
/// Thursday, 18 June 2026, 12:00 UTC.
pub const NOON: i64 = 1_781_784_000_000;
/// Milliseconds in an hour.
pub const HOUR: i64 = 3_600_000;

/// A hosted node and what a test turns in it.
pub struct World {
    /// The folder that holds the home, gone when this is dropped.
    pub home: TempDir,
    /// The way to the node.
    pub client: Client,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    _template: Arc<TempDir>,
}

/// A home that is made once and copied for each test: making one compiles every plugin. It goes with the last world
/// that was copied from it.
fn template() -> Arc<TempDir> {
    static TEMPLATE: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
    let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = template.upgrade() {
        return made;
    }
    let made = tempfile::tempdir().expect("a folder");
    Node::init(&InitOptions {
        home: made.path().join("home"),
        owner: Some(ALICE.into()),
        bundle: bundle(),
        clock: Arc::new(ManualClock::at(NOON)),
        compile_worker: None,
    })
    .expect("a home");
    let made = Arc::new(made);
    *template = Arc::downgrade(&made);
    made
}

/// Copies a folder with its permissions.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().expect("a type").is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("a copy");
        }
    }
    let permissions = std::fs::metadata(from).expect("a folder").permissions();
    std::fs::set_permissions(to, permissions).expect("its permissions");
}

/// What the binary carries.
pub fn bundle() -> Bundle {
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

impl World {
    /// A home of Alice, at noon, in UTC.
    pub fn new() -> Self {
        Self::with_settings("")
    }

    /// The same, with these lines in its `weft.toml`.
    pub fn with_settings(toml: &str) -> Self {
        let template = template();
        let home = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::at(NOON));
        let path = home.path().join("home");
        copy(&template.path().join("home"), &path);
        std::fs::write(path.join("weft.toml"), toml).expect("settings");
        let client = Client::hosted(&path, &bundle(), clock.clone()).expect("a node");
        let world = Self {
            home,
            client,
            clock,
            _template: template,
        };
        world.sql(
            "INSERT INTO user_preferences (user_id, timezone) VALUES ('a@example.com', 'UTC')",
        );
        world
    }

    /// The same home after a restart, with these lines in its `weft.toml`.
    pub fn reopened(self, settings: &str) -> Self {
        let Self {
            home,
            client,
            clock,
            _template,
        } = self;
        drop(client);
        let path = home.path().join("home");
        std::fs::write(path.join("weft.toml"), settings).expect("the settings");
        let client = Client::hosted(&path, &bundle(), clock.clone()).expect("a node");
        Self {
            home,
            client,
            clock,
            _template,
        }
    }

    /// A second connection.
    pub fn database(&self) -> Connection {
        Connection::open(self.home.path().join("home/weft.db")).expect("the database")
    }

    /// Changes rows by hand.
    pub fn sql(&self, statement: &str) {
        self.database()
            .execute_batch(statement)
            .unwrap_or_else(|e| panic!("{statement}: {e}"));
    }

    /// Puts another mesh policy in force, as an activation does: the next version of the constitution.
    pub fn constitution(&self, change: impl FnOnce(&mut MeshPolicy)) {
        let store = Store::open(self.home.path().join("home/weft.db")).expect("the store");
        let changed = store.write(|tx| -> Result<(), weft_store::Error> {
            let cid = meta::get(tx, "constitution")?.expect("a constitution is in force");
            let bytes = blocks::get(tx, &cid)?.expect("and here");
            let next = Constitution::decode(&bytes)
                .and_then(|c| c.next(|c| change(&mut c.mesh)))
                .and_then(|c| c.encode());
            let (bytes, cid) = next.expect("the change is allowed");
            blocks::put(tx, &cid.to_string(), &bytes, self.clock.now())?;
            meta::set(tx, "constitution", &cid.to_string())
        });
        changed.expect("written");
    }

    /// The first column of all rows of a query.
    pub fn rows(&self, query: &str) -> Vec<String> {
        let database = self.database();
        let mut statement = database
            .prepare(query)
            .unwrap_or_else(|e| panic!("{query}: {e}"));
        let rows = statement.query_map([], |row| row.get(0));
        rows.and_then(Iterator::collect)
            .unwrap_or_else(|e| panic!("{query}: {e}"))
    }

    /// Asks for what must succeed.
    #[track_caller]
    pub fn ask(&self, request: Request) -> Response {
        self.client
            .call(request.clone())
            .unwrap_or_else(|e| panic!("{request:?}: {e}"))
    }

    /// Asks for what must be refused.
    #[track_caller]
    pub fn refused(&self, request: Request) -> ApiError {
        match self.client.call(request.clone()) {
            Err(e) => e,
            Ok(answer) => panic!("{request:?} was not refused: {answer:?}"),
        }
    }

    /// Submits a task and waits for it.
    #[track_caller]
    pub fn submit(&self, spec: TaskSpec) -> TaskReport {
        match self.ask(Request::TaskSubmit { spec, wait: true }) {
            Response::Task(task) => *task,
            other => panic!("{other:?}"),
        }
    }

    /// What would become of a task.
    #[track_caller]
    pub fn check(&self, spec: TaskSpec) -> TaskReport {
        match self.ask(Request::TaskCheck { spec, at: None }) {
            Response::Task(task) => *task,
            other => panic!("{other:?}"),
        }
    }

    /// A task as it stands.
    #[track_caller]
    pub fn show(&self, id: &str) -> TaskReport {
        match self.ask(Request::TaskShow { task: id.into() }) {
            Response::Task(task) => *task,
            other => panic!("{other:?}"),
        }
    }

    /// Releases of a kind.
    pub fn releases(&self, kind: &str) -> Vec<ReleaseReport> {
        match self.ask(Request::ReleaseList {
            kind: Some(kind.into()),
        }) {
            Response::Releases(releases) => releases,
            other => panic!("{other:?}"),
        }
    }

    /// Adds a guest of `tests/guests`: the release's CID.
    #[track_caller]
    pub fn add(&self, guest: &str) -> String {
        let kind = if guest.starts_with("workload-") {
            "workload"
        } else {
            "policy"
        };
        let path = weft_kit::guest(guest).display().to_string();
        match self.ask(Request::ReleaseAdd {
            path,
            kind: kind.into(),
            revision: None,
        }) {
            Response::Release(release) => release.cid,
            other => panic!("{other:?}"),
        }
    }

    /// Puts a release into a slot.
    #[track_caller]
    pub fn slot_use(&self, slot: &str, target: &str) {
        self.ask(slot_use(slot, target));
    }

    /// The energy here is clean.
    pub fn clean(&self) {
        self.ask(Request::EnergySet {
            kind: "solar".into(),
            percent: 95.0,
            grid: Some(45.0),
        });
    }

    /// Registers a row peer.
    pub fn peer(&self, id: &str, percent: f64) {
        let peer = PeerRow {
            peer: id.into(),
            energy_type: Some("solar".into()),
            percent_clean: Some(percent),
            cpu_free: Some(8.0),
            memory_free_mb: Some(8_000.0),
            ..PeerRow::default()
        };
        self.ask(Request::PeerAdd { peer });
    }

    /// Anybody's task may run anywhere.
    pub fn permit_all(&self) {
        self.ask(Request::PermitAdd {
            user: "*".into(),
            task: "*".into(),
            peer: None,
        });
    }
}

/// The request that puts a release into a slot, with its default config.
pub fn slot_use(slot: &str, target: &str) -> Request {
    Request::SlotUse {
        slot: slot.into(),
        target: target.into(),
        config: None,
        add: false,
    }
}

/// Alice's task of a name, with nothing else said.
pub fn task(name: &str) -> TaskSpec {
    serde_json::from_value(serde_json::json!({"name": name, "user": ALICE})).expect("a task")
}
