//! Skills: what is added to a model for one job. One is a directory as PEFT writes it, among the models, or a release.

use super::safetensors::{self, METADATA};
use crate::error::{NodeError, Result};
use crate::node::Node;
use serde::Deserialize;
use serde_json::json;
use std::io::Read;
use weft_engine::workload::Skill;
use weft_model::Cid;
use weft_release::Kind;
use weft_store::bound::SKILLS;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// Where a release's safetensors file has its `adapter_config.json`: a text of its `__metadata__`.
const CONFIG_KEY: &str = "adapter_config";
pub(crate) const CONFIG_BYTES: u64 = 1024 * 1024;
/// Skills of a job at most, and their bytes together.
const SKILLS_OF_A_JOB: usize = 8;
const BYTES_OF_A_JOB: u64 = 512 * 1024 * 1024;

/// A skill that params name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Name or CID.
    pub skill: String,
    /// How much of it is added.
    #[serde(default = "whole")]
    pub weight: f32,
}

fn whole() -> f32 {
    1.0
}

/// A skill that is here.
struct Found {
    cid: Cid,
    config: Vec<u8>,
    weights: Vec<u8>,
}

impl Node {
    /// The skills that a job is given, and the CID of each.
    ///
    /// # Errors
    /// When one is not here, is none, or is for another model.
    pub(super) fn skills(&self, wanted: &[Wanted], model: &Cid) -> Result<Vec<(Cid, Skill)>> {
        if wanted.len() > SKILLS_OF_A_JOB {
            return Err(NodeError::invalid(format!(
                "{} skills; at most {SKILLS_OF_A_JOB} are added to a model",
                wanted.len()
            )));
        }
        let mut left = BYTES_OF_A_JOB;
        let one = |wanted: &Wanted| {
            let found = match self.skill_release(&wanted.skill, model, left)? {
                Some(found) => found,
                None => self.skill_folder(&wanted.skill, left)?,
            };
            left -= found.weights.len() as u64;
            let skill = Skill {
                config: found.config,
                weights: found.weights,
                weight: wanted.weight,
            };
            Ok((found.cid, skill))
        };
        wanted.iter().map(one).collect()
    }

    fn skill_folder(&self, target: &str, most: u64) -> Result<Found> {
        let model = self.find_model(target)?;
        let list = self.model_files(&model.cid)?;
        let file = |name: &str, most| {
            let entry = list.files.iter().find(|f| f.path == name).ok_or_else(|| {
                let why = format!("`{}` is no skill: it has no `{name}`", model.name);
                NodeError::refused(why)
                    .try_this("a skill is what PEFT's `save_pretrained` writes: add that folder")
            })?;
            self.bytes_of(&entry.cid, most)
        };
        Ok(Found {
            cid: model.cid.parse()?,
            config: file(CONFIG, CONFIG_BYTES)?,
            weights: file(WEIGHTS, most)?,
        })
    }

    /// A release by the name that it serves or by its CID, if there is one of a skill.
    fn skill_release(&self, target: &str, model: &Cid, most: u64) -> Result<Option<Found>> {
        let bound = self.store.read(|tx| SKILLS.get(tx, target))?;
        let reference = bound.map_or_else(|| target.to_owned(), |bound| bound.release_cid);
        if reference.parse::<Cid>().is_err() {
            return Ok(None);
        }
        let Ok((cid, release)) = self.store.read(|tx| self.find_release(tx, &reference)) else {
            return Ok(None);
        };
        if Kind::of_world(&release.world) != Ok(Kind::Skill) {
            return Ok(None);
        }
        let files = self.model_files(&model.to_string())?.files;
        let fits = |base: &Cid| base == model || files.iter().any(|f| f.cid == *base);
        if let Some(base) = release.models.iter().find(|m| m.name == "base")
            && !fits(&base.cid)
        {
            return Err(NodeError::refused(format!(
                "the skill `{}` is for the model `{}`, not for `{model}`",
                release.name, base.cid
            ))
            .try_this(format!("add that model: weft model add NAME {}", base.cid)));
        }
        let weights = self.bytes_of(&release.component.cid, most)?;
        let config = config_in(&weights).ok_or_else(|| {
            let why = format!(
                "the skill `{}` does not say how it is added: its safetensors file has no `{CONFIG_KEY}` in its metadata",
                release.name
            );
            NodeError::refused(why)
                .try_this("publish it anew with its `adapter_config.json` beside the file")
        })?;
        Ok(Some(Found {
            cid,
            config,
            weights,
        }))
    }
}

/// `adapter_config.json` in the header of a safetensors file.
fn config_in(mut file: &[u8]) -> Option<Vec<u8>> {
    let header = safetensors::header(&mut file).ok()?;
    let config = header.get(METADATA)?.get(CONFIG_KEY)?.as_str()?;
    Some(config.as_bytes().to_vec())
}

/// The same safetensors file with `adapter_config.json` in its header.
///
/// # Errors
/// When its header does not read.
pub(crate) fn with_config(mut file: impl Read, config: &str) -> Result<impl Read> {
    let bad = |why: String| NodeError::refused(format!("the file is no safetensors file: {why}"));
    let mut header = safetensors::header(&mut file).map_err(bad)?;
    let metadata = header.entry(METADATA).or_insert_with(|| json!({}));
    let metadata = metadata
        .as_object_mut()
        .ok_or_else(|| bad(format!("its `{METADATA}` is no object")))?;
    metadata.insert(CONFIG_KEY.into(), config.into());
    let mut header = serde_json::to_vec(&header).map_err(NodeError::internal)?;
    // Tensors begin at a multiple of eight, as they are written elsewhere.
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    Ok(std::io::Cursor::new([&length[..], &header].concat()).chain(file))
}
