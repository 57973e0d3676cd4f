//! Workloads with their models loaded: made once for each pair of component and model, kept as native code, and mapped.

use super::List;
use super::skills::Wanted;
use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use weft_engine::Workload;
use weft_engine::inspect::{EMBEDDINGS, Kind, World};
use weft_engine::workload::{Embedder, LoadError, Skill};
use weft_model::Cid;
use weft_model::limits::COMPONENT_BYTES;
use weft_release::Release;
use weft_store::bound::WORKLOADS;
use weft_store::{Read, releases};

/// Models that a process keeps mapped at a time; the one that was used longest ago goes first.
const KEPT: usize = 4;
/// The model that a world computes with where nobody says, and how to add it where the binary does not carry it.
const DEFAULTS: [(World, &str, &str); 3] = [
    (World::Chat, "smalltalk", ""),
    (World::Embeddings, "mini", ""),
    (
        World::Ocr,
        "ppocr",
        "pip install --no-deps rapidocr-onnxruntime, then: weft model add ppocr --from-python rapidocr-onnxruntime",
    ),
];

/// The workload that embeds texts for others, by the name that its owner bound.
const EMBEDDER: &str = "embeddings";

/// What this process has mapped, or is about to, the last used last.
#[derive(Default)]
pub(crate) struct Loaded(Mutex<Vec<Kept>>);

/// A component with a model, once it is there.
struct Kept {
    component: Cid,
    model: Cid,
    slot: Arc<Mutex<Option<Arc<Workload>>>>,
}

impl Kept {
    fn is_of(&self, component: &Cid, model: &Cid) -> bool {
        (&self.component, &self.model) == (component, model)
    }
}

/// What params name for a workload of a world with models.
#[derive(Default, Deserialize)]
pub(crate) struct Named {
    /// The model, by name or CID; none: its world's default.
    pub model: Option<String>,
    /// What is added to it.
    #[serde(default)]
    pub skills: Vec<Wanted>,
    /// CID of the release that embeds texts for it; none: what is bound to [`EMBEDDER`]. A receipt says it, params don't.
    #[serde(skip)]
    pub embedder: Option<String>,
}

/// What params name where they are otherwise the workload's own.
#[derive(Deserialize)]
struct OfImport {
    model: Option<String>,
}

/// A workload that can run.
pub(crate) struct Ready {
    pub workload: Arc<Workload>,
    /// What it computes with: its model, then each skill, or the release that embeds texts for it.
    pub models: Vec<Cid>,
    pub skills: Vec<Skill>,
    pub embedder: Option<Embedder>,
}

/// What params name, where the release computes with a model: elsewhere they are the workload's own.
pub(crate) fn named(release: &Release, params: &str) -> Result<Named> {
    let kind = Kind::of_world(&release.world);
    let has_model = matches!(kind, Some(Kind::Workload(world)) if world.has_model());
    let wrong = |e| NodeError::invalid(format!("params: {e}"));
    if params.is_empty() {
        return Ok(Named::default());
    }
    if has_model {
        return serde_json::from_str(params).map_err(wrong);
    }
    if imports_embeddings(release) {
        let OfImport { model } = serde_json::from_str(params).map_err(wrong)?;
        return Ok(Named {
            model,
            ..Named::default()
        });
    }
    Ok(Named::default())
}

/// The seed that params name for a world that samples; what it is where they name none.
pub(crate) fn sampling_seed(release: &Release, params: &str) -> Option<u64> {
    #[derive(Default, Deserialize)]
    struct Seed {
        #[serde(default)]
        seed: u64,
    }
    if release.world != World::Chat.name() {
        return None;
    }
    // What is no JSON the workload refuses itself.
    let seed: Seed = serde_json::from_str(params).unwrap_or_default();
    Some(seed.seed)
}

/// Whether another workload embeds texts for this one.
pub(crate) fn imports_embeddings(release: &Release) -> bool {
    release.imports.iter().any(|import| import == EMBEDDINGS)
}

impl Node {
    /// The workload of a release, ready to run with the model and the skills that are named. One that computes without a
    /// model is given none.
    ///
    /// # Errors
    /// When it does not compile, or a model or skill is not here or is refused.
    pub(crate) fn ready(&self, release: &Release, named: &Named) -> Result<Ready> {
        let Some(Kind::Workload(world)) = Kind::of_world(&release.world) else {
            let why = format!("`{}` is no world of a workload", release.world);
            return Err(NodeError::refused(why));
        };
        if !world.has_model() {
            let code = self.native_code(release, Kind::Workload(world))?;
            let workload = self.workloads()?.load(&code);
            let workload = Arc::new(workload.map_err(crate::releases::refused)?);
            let (models, embedder) = match imports_embeddings(release) {
                true => self.embedder(named)?,
                false => (Vec::new(), None),
            };
            return Ok(Ready {
                workload,
                models,
                skills: Vec::new(),
                embedder,
            });
        }
        let default = DEFAULTS.iter().find(|(of, ..)| *of == world);
        let name = default.map(|(_, name, _)| *name);
        let target = named.model.as_deref().or(name).ok_or_else(|| {
            let why = format!(
                "`{}` computes with a model, and none is named",
                release.name
            );
            NodeError::invalid(why).try_this(
                "add one with `weft model add NAME FOLDER`, and name it in the params as `model`",
            )
        })?;
        let found = self.find_model(target);
        let found = match default {
            Some((_, name, add)) if *name == target && !add.is_empty() => {
                found.map_err(|e| match e.code {
                    Code::NotFound => e.try_this(*add),
                    _ => e,
                })
            }
            _ => found,
        };
        let model: Cid = found?.cid.parse()?;
        let workload = self.holding(release, model)?;
        let found = self.skills(&named.skills, &model)?;
        let (cids, skills): (Vec<_>, _) = found.into_iter().unzip();
        Ok(Ready {
            workload,
            models: [vec![model], cids].concat(),
            skills,
            embedder: None,
        })
    }

    /// The release that embeds texts for others.
    pub(crate) fn bound_embedder(&self, tx: &Read) -> Result<Option<String>> {
        Ok(WORKLOADS.get(tx, EMBEDDER)?.map(|bound| bound.release_cid))
    }

    /// What embeds texts for another workload, and the CIDs of its model and of its release.
    fn embedder(&self, named: &Named) -> Result<(Vec<Cid>, Option<Embedder>)> {
        let (cid, release) = self.store.read(|tx| {
            let bound = match &named.embedder {
                Some(cid) => Some(cid.clone()),
                None => self.bound_embedder(tx)?,
            };
            let bound = bound.ok_or_else(|| {
                NodeError::not_found(format!("no workload is bound to `{EMBEDDER}`"))
                    .try_this(format!("weft workload use {EMBEDDER} {EMBEDDER}"))
            })?;
            self.find_release(tx, &bound)
        })?;
        let of_model = Named {
            model: named.model.clone(),
            ..Named::default()
        };
        // Only a world with a model comes here again.
        let wrong = || {
            let why = format!(
                "`{}` {} turns no texts into vectors",
                release.name, release.version
            );
            NodeError::refused(why).try_this(format!("weft workload use {EMBEDDER} {EMBEDDER}"))
        };
        if release.world != World::Embeddings.name() {
            return Err(wrong());
        }
        let mut ready = self.ready(&release, &of_model)?;
        ready.models.push(cid);
        let memory = release.limits.memory_bytes;
        let embedder = Embedder::new(self.workloads()?, ready.workload, memory);
        Ok((ready.models, Some(embedder.ok_or_else(wrong)?)))
    }

    /// The workload of a release with a model loaded. Whoever wants the same meanwhile waits, and does not do it again; who
    /// wants another one does not wait.
    fn holding(&self, release: &Release, model: Cid) -> Result<Arc<Workload>> {
        let component = release.component.cid;
        let slot = {
            let mut kept = self.models.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = kept.iter().position(|k| k.is_of(&component, &model));
            let one = match known {
                Some(at) => kept.remove(at),
                None => Kept {
                    component,
                    model,
                    slot: Arc::default(),
                },
            };
            if kept.len() >= KEPT {
                kept.remove(0);
            }
            let slot = Arc::clone(&one.slot);
            kept.push(one);
            slot
        };
        let mut workload = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workload) = &*workload {
            return Ok(Arc::clone(workload));
        }
        let made = Arc::new(self.with_model(release, &model)?);
        *workload = Some(Arc::clone(&made));
        Ok(made)
    }

    /// From the cache, or made and cached.
    fn with_model(&self, release: &Release, model: &Cid) -> Result<Workload> {
        let engine = self.workloads()?;
        let component = release.component.cid;
        let profile = profile(&engine.cache_key(), model);
        let row = self
            .store
            .read(|tx| releases::native(tx, &component.to_string(), &profile))?;
        let digest = row.and_then(|n| HEXLOWER.decode(n.digest.as_bytes()).ok()?.try_into().ok());
        if let Some(digest) = digest
            && let Some(file) = self.cache.open_code(&component, &profile, &digest)
        {
            return engine.load_file(&file).map_err(crate::releases::refused);
        }
        tracing::info!(name = release.name, %model, "loading a model for the first time");
        let folder = tempfile::Builder::new()
            .prefix(crate::jobs::UNFINISHED)
            .tempdir_in(self.home.outputs())
            .map_err(|e| NodeError::file(&self.home.outputs(), &e))?;
        self.unfold(&self.model_files(&model.to_string())?, folder.path())?;
        let bytes = self.bytes_of(&component, COMPONENT_BYTES)?;
        let code = engine
            .load_model(&bytes, folder.path(), release.limits.memory_bytes)
            .map_err(|e| refused(&e))?;
        let digest = self
            .cache
            .store(&component, &profile, &code)
            .map_err(|e| NodeError::file(&self.home.cache(), &e))?;
        drop(code);
        let now = self.now();
        self.store.write(|tx| {
            let digest = HEXLOWER.encode(&digest);
            releases::put_native(tx, &component.to_string(), &profile, &digest, now)
        })?;
        let file = self.cache.open_code(&component, &profile, &digest);
        let file = file.ok_or_else(|| NodeError::internal("the native cache lost a file"))?;
        engine.load_file(&file).map_err(crate::releases::refused)
    }

    /// Writes a model's files into a folder, each leaf compared with its CID.
    fn unfold(&self, list: &List, folder: &Path) -> Result<()> {
        for entry in &list.files {
            let path = folder.join(&entry.path);
            let io = |e: std::io::Error| NodeError::file(&path, &e);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(io)?;
            }
            let mut file = fs::File::create(&path).map_err(io)?;
            let mut reader = self.open_content(&entry.cid)?;
            while let Some((_, leaf)) = reader.next_leaf()? {
                file.write_all(leaf).map_err(io)?;
            }
        }
        Ok(())
    }

    /// Lets go what was loaded of a model that is not here any more.
    pub(super) fn forget_loaded(&self, model: &str) -> Result<()> {
        let model: Cid = model.parse()?;
        let mut loaded = self.models.0.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|kept| kept.model != model);
        self.cache
            .remove_all(&model.to_string())
            .map_err(|e| NodeError::file(&self.home.cache(), &e))
    }
}

/// Names native code of a component that holds a model.
fn profile(engine: &str, model: &Cid) -> String {
    format!("{engine}.{model}")
}

fn refused(e: &LoadError) -> NodeError {
    match e {
        LoadError::Refused(why) => {
            NodeError::coded("bad-model", format!("the model is refused: {why}"))
        }
        LoadError::Check(why) => NodeError::refused(why.to_string()),
        LoadError::Call(why) => NodeError::refused(format!("the model could not be loaded: {why}")),
    }
}
