//! Models: directories of files that workloads compute with, kept as content.
//!
//! A model's CID is that of its list of files (DAG-CBOR: path, CID and size of each, by path), which is a content as its
//! files are: so equal files are one model wherever they came from, and members fetch a model by one CID. Its name, its
//! licence and its source are notes of this home.

mod files;
mod loaded;
pub(crate) mod safetensors;
mod skills;

pub(crate) use loaded::{Loaded, imports_embeddings, named, sampling_seed};
pub(crate) use skills::{CONFIG_BYTES, with_config};

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::report::{ContentVerifyReport, ModelFileReport, ModelReport};
use serde::{Deserialize, Serialize};
use std::path::Path;
use weft_model::{Cid, cbor};
use weft_store::content::{pin, unpin_all};
use weft_store::models::{self, Model};

/// Files of a model at most.
const FILES: usize = 256;
/// Bytes of a model's list of files at most.
const LIST_BYTES: u64 = 128 * 1024;
/// Bytes of a licence or of a source that is kept.
const NOTE_BYTES: usize = 400;

/// A model that the binary carries.
#[derive(Clone, Copy, Debug)]
pub struct BundleModel {
    /// Its name.
    pub name: &'static str,
    /// Its licence, an SPDX expression.
    pub license: &'static str,
    /// Where it came from.
    pub source: &'static str,
    /// Its files: path and bytes, by path.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// What a model's CID is of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    files: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    cid: Cid,
    size: u64,
}

impl List {
    fn size(&self) -> u64 {
        self.files.iter().map(|f| f.size).sum()
    }

    /// Reads what may come from a stranger.
    fn decode(bytes: &[u8]) -> Result<Self> {
        let refuse =
            |why: String| NodeError::refused(format!("it is no list of a model's files: {why}"));
        let list: Self = cbor::decode(bytes).map_err(|e| refuse(e.to_string()))?;
        if list.files.is_empty() || list.files.len() > FILES {
            return Err(refuse(format!(
                "{} files, 1 to {FILES} are taken",
                list.files.len()
            )));
        }
        if let Some(entry) = list.files.iter().find(|f| !files::is_path(&f.path)) {
            let path = weft_model::text::printable(&entry.path, 80);
            return Err(refuse(format!("`{path}` is no path within a model")));
        }
        if !list.files.is_sorted_by(|a, b| a.path < b.path) {
            return Err(refuse("its paths are not in order".into()));
        }
        Ok(list)
    }
}

impl Node {
    /// Adds the model in a directory, or a single file, under a name that is free. Adding the same again changes nothing.
    ///
    /// # Errors
    /// When there is no model, the name is taken by another one, or the disk is full.
    pub fn model_add(
        &self,
        name: &str,
        path: &Path,
        license: Option<&str>,
        source: Option<&str>,
    ) -> Result<ModelReport> {
        check_name(name)?;
        // So that nobody takes the name of one that is still to come.
        self.adopt_models()?;
        let found = files::find(path)?;
        let source = source.map_or_else(|| path.display().to_string(), ToOwned::to_owned);
        let mut list = List { files: Vec::new() };
        let holder = format!("model {name}, being added");
        let added = found.into_iter().try_for_each(|(path, file)| {
            let (open, size) = crate::content::open_file(&file)?;
            let (cid, _) = self.put_stream(open, Some(&holder))?;
            list.files.push(Entry { path, cid, size });
            Ok(())
        });
        let kept = added.and_then(|()| self.keep_model(name, &list, license, &source));
        self.store.write(|tx| unpin_all(tx, &holder))?;
        kept
    }

    /// Adds a model by its CID: its files are fetched from members where they are not here.
    ///
    /// # Errors
    /// When nobody has it, it is no model, or the name is taken by another one.
    pub fn model_fetch(
        &self,
        name: &str,
        cid: &str,
        license: Option<&str>,
        source: Option<&str>,
    ) -> Result<ModelReport> {
        check_name(name)?;
        self.adopt_models()?;
        let cid: Cid = cid.parse()?;
        self.fetch_if_needed(&cid)?;
        let list = List::decode(&self.bytes_of(&cid, LIST_BYTES)?)?;
        for entry in &list.files {
            self.fetch_if_needed(&entry.cid)?;
            let size = self.open_content(&entry.cid)?.size();
            if size != entry.size {
                return Err(NodeError::refused(format!(
                    "`{}` of the model has {size} bytes, its list says {}",
                    entry.path, entry.size
                )));
            }
        }
        let source = source.unwrap_or("members of the network");
        self.keep_model(name, &list, license, source)
    }

    /// What the card of a model says of its licence; empty where there is none, or it says nothing.
    fn license_in(&self, list: &List) -> Result<String> {
        let Some(card) = list.files.iter().find(|f| f.path == "README.md") else {
            return Ok(String::new());
        };
        // The front matter is at the beginning, in the first leaf.
        let mut reader = self.open_content(&card.cid)?;
        let first = reader.next_leaf()?;
        Ok(first.map_or_else(String::new, |(_, leaf)| files::license(leaf)))
    }

    /// One transaction: the row, and what it holds.
    fn keep_model(
        &self,
        name: &str,
        list: &List,
        license: Option<&str>,
        source: &str,
    ) -> Result<ModelReport> {
        let license = match license {
            Some(said) => said.to_owned(),
            None => self.license_in(list)?,
        };
        let bytes = cbor::encode(list)?;
        let holder = format!("model {name}, being added");
        let (cid, _) = self.put_stream(&bytes[..], Some(&holder))?;
        let note = |text: &str| weft_model::text::printable(text.trim(), NOTE_BYTES);
        let model = Model {
            name: name.to_owned(),
            cid: cid.to_string(),
            size: list.size(),
            license: note(&license),
            source: note(source),
            added_at: self.now(),
        };
        let kept = self.store.write(|tx| -> Result<()> {
            if let Some(there) = models::list(tx)?.into_iter().find(|m| m.name == name) {
                return match there.cid == model.cid {
                    true => Ok(()),
                    false => Err(NodeError::new(
                        Code::Conflict,
                        format!("`{name}` is another model already, `{}`", there.cid),
                    )
                    .try_this(format!(
                        "choose another name, or first: weft model remove {name}"
                    ))),
                };
            }
            models::add(tx, &model)?;
            for held in list.files.iter().map(|f| f.cid).chain([cid]) {
                pin(tx, &held.to_string(), &holds(&model.cid), model.added_at)?;
            }
            Ok(())
        });
        // Kept or not, nothing is being added any more.
        self.store.write(|tx| unpin_all(tx, &holder))?;
        kept?;
        self.model_show(name)
    }

    /// All models, by name; those that the binary carries are among them.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn model_list(&self) -> Result<Vec<ModelReport>> {
        self.adopt_models()?;
        let models = self.store.read(models::list)?;
        models
            .into_iter()
            .map(|model| self.model_report(model))
            .collect()
    }

    /// One model, with its files.
    ///
    /// # Errors
    /// `not-found`.
    pub fn model_show(&self, target: &str) -> Result<ModelReport> {
        let model = self.find_model(target)?;
        self.model_report(model)
    }

    /// Rehashes a model's files.
    ///
    /// # Errors
    /// `not-found`; what is wrong with a file is no error but the answer.
    pub fn model_verify(&self, target: &str) -> Result<ContentVerifyReport> {
        let model = self.find_model(target)?;
        let list = self.model_files(&model.cid)?;
        let mut all = self.content_verify(Some(&model.cid))?;
        for entry in list.files {
            let one = self.content_verify(Some(&entry.cid.to_string()))?;
            all.ok &= one.ok;
            all.contents.extend(one.contents);
        }
        Ok(all)
    }

    /// Forgets a model: its files go with the next collection, unless somebody else holds them.
    ///
    /// # Errors
    /// `not-found`; one that the binary carries stays.
    pub fn model_remove(&self, name: &str) -> Result<ModelReport> {
        let model = self.find_model(name)?;
        if self.bundled_models.iter().any(|m| m.name == model.name) {
            let why = format!("`{}` came with Weft and stays", model.name);
            return Err(
                NodeError::refused(why).try_this("weft model list shows which came with Weft")
            );
        }
        let report = self.model_report(model.clone())?;
        self.store.write(|tx| -> Result<()> {
            models::remove(tx, &model.name)?;
            if models::find(tx, &model.cid)?.is_none() {
                unpin_all(tx, &holds(&model.cid))?;
            }
            Ok(())
        })?;
        self.forget_loaded(&model.cid)?;
        Ok(report)
    }

    /// The model of a name or CID.
    pub(crate) fn find_model(&self, target: &str) -> Result<Model> {
        self.adopt_models()?;
        self.store
            .read(|tx| models::find(tx, target))?
            .ok_or_else(|| {
                let shown = weft_model::text::printable(target, 80);
                NodeError::not_found(format!("no model `{shown}` is in this home")).try_this(
                    "list them with `weft model list`; add one with `weft model add NAME FOLDER`",
                )
            })
    }

    fn model_files(&self, cid: &str) -> Result<List> {
        List::decode(&self.bytes_of(&cid.parse()?, LIST_BYTES)?)
    }

    fn model_report(&self, model: Model) -> Result<ModelReport> {
        let list = self.model_files(&model.cid)?;
        let file = |f: Entry| ModelFileReport {
            path: f.path,
            cid: f.cid.to_string(),
            size: f.size,
        };
        Ok(ModelReport {
            bundled: self.bundled_models.iter().any(|m| m.name == model.name),
            name: model.name,
            cid: model.cid,
            size: model.size,
            license: model.license,
            source: model.source,
            added_at: rfc3339(model.added_at),
            files: list.files.into_iter().map(file).collect(),
        })
    }

    /// Puts what the binary carries among the models, where it is not there yet.
    fn adopt_models(&self) -> Result<()> {
        for bundled in &self.bundled_models {
            let name = bundled.name;
            if self.store.read(|tx| models::find(tx, name))?.is_some() {
                continue;
            }
            let mut list = List { files: Vec::new() };
            let holder = format!("model {name}, being added");
            for (path, bytes) in bundled.files {
                let (cid, _) = self.put_stream(*bytes, Some(&holder))?;
                list.files.push(Entry {
                    path: (*path).to_owned(),
                    cid,
                    size: bytes.len() as u64,
                });
            }
            self.keep_model(name, &list, Some(bundled.license), bundled.source)?;
        }
        Ok(())
    }
}

/// Who holds a model's files.
fn holds(cid: &str) -> String {
    format!("model {cid}")
}

fn check_name(name: &str) -> Result<()> {
    let fits = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if fits && name.parse::<Cid>().is_err() {
        return Ok(());
    }
    let shown = weft_model::text::printable(name, 80);
    Err(NodeError::invalid(format!(
        "`{shown}` is no name of a model: take up to 64 letters, digits, dots, hyphens and underscores"
    )))
}
