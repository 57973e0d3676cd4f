//! The node itself: what it holds, how it opens and how a home is made.

use crate::caps::Places;
use crate::clock::{Clock, SystemClock};
use crate::content::Progress;
use crate::energy::meter::Meter;
use crate::energy::origin::Origin;
use crate::error::{NodeError, Result};
use crate::home::{Home, Lock, write_whole};
use crate::mesh::Mesh;
use crate::models::{BundleModel, Loaded};
use crate::name::Name;
use crate::peering::Peering;
use crate::report::InitReport;
use crate::settings::Settings;
use crate::sync::Community;
use crate::tasks::tail::Tail;
use crate::{genesis, keys};
use ed25519_dalek::SigningKey;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use weft_engine::cache::Cache;
use weft_engine::{Compiler, Policy, PolicyEngine, Slots, Table, WorkloadEngine};
use weft_model::{Cid, Instant};
use weft_scheduler::Scheduler;
use weft_store::content::ContentStore;
use weft_store::{Store, members, meta};

/// A default component that the binary carries.
#[derive(Clone, Copy, Debug)]
pub struct BundleComponent {
    /// Its name.
    pub name: &'static str,
    /// The component.
    pub bytes: &'static [u8],
}

/// What the binary carries.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// The default components.
    pub components: Vec<BundleComponent>,
    /// The models that they compute with.
    pub models: Vec<BundleModel>,
}

/// How to make a home.
pub struct InitOptions {
    /// Where.
    pub home: PathBuf,
    /// Its owner, such as `alice@example.com`.
    pub owner: Option<String>,
    /// What the binary carries.
    pub bundle: Bundle,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The `weft` program, to compile strangers' components in a process of their own with a cap on memory. None: in
    /// this process, with limits on size and time alone.
    pub compile_worker: Option<PathBuf>,
}

/// How to open a home.
pub struct OpenOptions {
    /// Where.
    pub home: PathBuf,
    /// What the binary carries.
    pub bundle: Bundle,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The `weft` program, to compile strangers' components in a process of their own with a cap on memory. None: in
    /// this process, with limits on size and time alone.
    pub compile_worker: Option<PathBuf>,
}

/// A node: one home, held by this process.
pub struct Node {
    pub(crate) home: Home,
    pub(crate) store: Store,
    pub(crate) content: ContentStore,
    pub(crate) progress: Progress,
    pub(crate) settings: Settings,
    pub(crate) energy: Arc<Meter>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) zone: TimeZone,
    pub(crate) owner: Name,
    pub(crate) device_key: SigningKey,
    /// What signs for the owner; replaced by [`Node::key_rotate`].
    owner_key: RwLock<SigningKey>,
    pub(crate) policies: Arc<PolicyEngine>,
    compiler: Compiler,
    workloads: OnceLock<Arc<WorkloadEngine>>,
    pub(crate) slots: Slots,
    pub(crate) reloading: Mutex<()>,
    pub(crate) installing: Mutex<()>,
    pub(crate) looked_for_updates: Mutex<Option<Instant>>,
    pub(crate) loaded: Mutex<HashMap<Cid, Arc<Policy>>>,
    /// The models that the binary carries.
    pub(crate) bundled_models: Vec<BundleModel>,
    /// Workloads with their models.
    pub(crate) models: Loaded,
    pub(crate) cache: Cache,
    pub(crate) jobs: Mutex<HashMap<String, Arc<AtomicBool>>>,
    pub(crate) places: Places,
    /// Content is kept one after the other, where its size is capped.
    pub(crate) keeping: Mutex<()>,
    /// What the jobs of the moment have written, by task.
    pub(crate) tails: Mutex<HashMap<String, Arc<Tail>>>,
    /// Tasks whose jobs ended without their end being kept, and why.
    pub(crate) unkept: Mutex<HashMap<String, NodeError>>,
    pub(crate) log: Mutex<()>,
    pub(crate) community: Mutex<Option<Community>>,
    pub(crate) peering: Mutex<Option<Arc<Peering>>>,
    /// The listener for outsiders, while it runs.
    pub(crate) public: Mutex<Option<weft_mesh::Public>>,
    /// Where the mesh listens, where a person said so.
    pub(crate) listen: Mutex<Vec<String>>,
    pub(crate) keyring: Mutex<()>,
    pub(crate) mesh: Mutex<Option<Arc<Mesh>>>,
    pub(crate) scheduler: Mutex<Scheduler>,
    pub(crate) wake: (Mutex<u64>, Condvar),
    /// This process ends: nobody waits for what will not come to its end in it.
    pub(crate) stopping: AtomicBool,
    _lock: Lock,
}

/// Name of the owner in a home that was made without one.
pub const DEFAULT_OWNER: &str = "owner@localhost";
/// Key of the owner's name in `meta`.
pub(crate) const OWNER: &str = "owner";

impl Node {
    /// Makes a home; one that is there stays as it is.
    ///
    /// # Errors
    /// When it can't be written, or another process has it.
    pub fn init(options: &InitOptions) -> Result<InitReport> {
        let home = Home::at(&options.home);
        let created = !home.exists() || !is_complete(&home)?;
        if created {
            home.create()?;
            let lock = home.lock()?;
            if !home.settings().exists() {
                write_whole(&home.settings(), Settings::template().as_bytes(), 0o600)?;
            }
            for name in [keys::DEVICE, keys::OWNER] {
                if keys::load(&home, name).is_err() {
                    keys::create(&home, name)?;
                }
            }
            let owner = options
                .owner
                .clone()
                .unwrap_or_else(|| DEFAULT_OWNER.to_owned());
            check_user(&owner)?;
            drop(lock);
            let compiler = compiler(options.compile_worker.as_ref());
            let clock = options.clock.clone();
            let node = Self::assemble(home, &options.bundle, clock, compiler, Some(owner))?;
            genesis::install(&node, &options.bundle.components)?;
        }
        let node = Self::open(&OpenOptions {
            home: options.home.clone(),
            bundle: options.bundle.clone(),
            clock: options.clock.clone(),
            compile_worker: options.compile_worker.clone(),
        })?;
        let table = node.slots.table();
        Ok(InitReport {
            home: options.home.display().to_string(),
            created,
            device: keys::did(&node.device_key).to_string(),
            owner: node.owner.clone(),
            constitution: table
                .constitution
                .map(|c| c.to_string())
                .unwrap_or_default(),
            plugins: table.active.values().map(Vec::len).sum(),
        })
    }

    /// The key that signs for the owner.
    pub(crate) fn owner_key(&self) -> SigningKey {
        let key = self.owner_key.read();
        key.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_owner_key(&self, key: SigningKey) {
        let held = self.owner_key.write();
        *held.unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// Opens a home with the system's clock and environment.
    ///
    /// # Errors
    /// `busy` when another process has it, `not-found` when there is none, `newer-database` when a newer Weft wrote
    /// it.
    pub fn open(options: &OpenOptions) -> Result<Arc<Self>> {
        let home = Home::at(&options.home);
        if !home.exists() || !is_complete(&home)? {
            return Err(NodeError::not_found(format!(
                "there is no node in `{}`",
                options.home.display()
            ))
            .try_this(format!("weft --home {} init", options.home.display())));
        }
        let compiler = compiler(options.compile_worker.as_ref());
        let clock = options.clock.clone();
        let node = Self::assemble(home, &options.bundle, clock, compiler, None)?;
        node.adopt_components()?;
        genesis::add_missing(&node, &options.bundle.components)?;
        node.reload_slots()?;
        node.recover_keys()?;
        node.recover()?;
        node.note_grants()?;
        node.resume_installs()?;
        node.store.write(|tx| node.revert_facts(tx))?;
        Ok(Arc::new(node))
    }

    fn assemble(
        home: Home,
        bundle: &Bundle,
        clock: Arc<dyn Clock>,
        compiler: Compiler,
        new_owner: Option<String>,
    ) -> Result<Self> {
        let lock = home.lock()?;
        let store = Store::open(home.database())?;
        let content = ContentStore::open(&home.content(), store.clone())?;
        let device_key = keys::load(&home, keys::DEVICE)?;
        let owner_key = keys::load(&home, keys::OWNER)?;
        let settings = Settings::load(&home, &|name| std::env::var(name).ok())?;
        let refresh = settings.whole("energy_refresh_seconds");
        let energy = Arc::new(Meter::new(
            Origin::of(&settings),
            refresh.unwrap_or_default(),
        ));
        let policies = PolicyEngine::new().map_err(NodeError::internal)?;
        let policies = Arc::new(policies.compiling(compiler.clone()));
        let cache = Cache::open(&home.cache()).map_err(|e| NodeError::file(&home.cache(), &e))?;
        let owner = match new_owner {
            Some(owner) => {
                let now = clock.now();
                store.write(|tx| -> Result<()> {
                    meta::set(tx, OWNER, &owner)?;
                    members::put(
                        tx,
                        &members::Member {
                            user_id: owner.clone(),
                            did: Some(keys::did(&owner_key).to_string()),
                            role: members::Role::Admin,
                            device_did: Some(keys::did(&device_key).to_string()),
                            is_self: true,
                            joined_at: now,
                            removed_at: None,
                        },
                    )?;
                    Ok(())
                })?;
                owner
            }
            None => store
                .read(|tx| meta::get(tx, OWNER))?
                .ok_or_else(|| NodeError::internal("the home has no owner"))?,
        };
        Ok(Self {
            slots: Slots::new(Arc::clone(&policies)),
            reloading: Mutex::default(),
            installing: Mutex::default(),
            looked_for_updates: Mutex::default(),
            home,
            store,
            content,
            progress: Progress::default(),
            settings,
            energy,
            clock,
            zone: TimeZone::system(),
            owner: Name::new(owner),
            device_key,
            owner_key: RwLock::new(owner_key),
            policies,
            compiler,
            workloads: OnceLock::new(),
            loaded: Mutex::default(),
            bundled_models: bundle.models.clone(),
            models: Loaded::default(),
            cache,
            jobs: Mutex::default(),
            places: Places::default(),
            keeping: Mutex::default(),
            tails: Mutex::default(),
            unkept: Mutex::default(),
            log: Mutex::default(),
            community: Mutex::default(),
            peering: Mutex::default(),
            public: Mutex::default(),
            listen: Mutex::default(),
            keyring: Mutex::default(),
            mesh: Mutex::default(),
            scheduler: Mutex::default(),
            wake: (Mutex::default(), Condvar::new()),
            stopping: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// The node's clock.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Moves the clock forward, where it is one that can be moved, and looks at once at what is due.
    ///
    /// # Errors
    /// `refused` where it is the system's.
    pub fn clock_forward(&self, ms: i64) -> Result<()> {
        if !self.clock.forward(ms) {
            return Err(NodeError::refused("this node goes by the system's clock"));
        }
        self.changed();
        Ok(())
    }

    /// The home's folder.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The home's owner.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// What this device is called in tables.
    pub fn alias(&self) -> &str {
        self.settings.text("peer_id")
    }

    /// What serves each slot now, and what is on trial.
    pub fn table(&self) -> Arc<Table> {
        self.slots.table()
    }

    /// The engine for workloads, made when it is first needed.
    pub(crate) fn workloads(&self) -> Result<&Arc<WorkloadEngine>> {
        if let Some(engine) = self.workloads.get() {
            return Ok(engine);
        }
        let engine = WorkloadEngine::new()
            .map_err(NodeError::internal)?
            .compiling(self.compiler.clone());
        Ok(self.workloads.get_or_init(|| Arc::new(engine)))
    }

    /// A user named in a request; the empty name is the owner.
    pub(crate) fn user(&self, name: &str) -> Result<String> {
        if name.is_empty() {
            return Ok(self.owner.clone());
        }
        check_user(name)?;
        Ok(name.to_owned())
    }

    /// Wakes the daemon's loop: something changed that waiting tasks may care about.
    pub(crate) fn changed(&self) {
        let (count, signal) = &self.wake;
        *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        signal.notify_all();
    }
}

fn compiler(worker: Option<&PathBuf>) -> Compiler {
    worker.map_or(Compiler::Here, |program| Compiler::Worker(program.clone()))
}

fn is_complete(home: &Home) -> Result<bool> {
    // `init` sets the marker last, so a home whose making was cut off is made again.
    Ok(home.root().join(genesis::MARKER).is_file())
}

pub(crate) fn check_user(name: &str) -> Result<()> {
    let max = weft_model::limits::NAME_BYTES;
    if name.trim().is_empty() || name.len() > max || name.chars().any(weft_model::text::is_unsafe) {
        return Err(NodeError::invalid(format!(
            "a user is named by 1 to {max} bytes without control characters, such as `alice@example.com`"
        )));
    }
    Ok(())
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            home: PathBuf::new(),
            bundle: Bundle::default(),
            clock: Arc::new(SystemClock),
            compile_worker: None,
        }
    }
}
