//! A workload that indexes the texts of a directory by meaning, and searches the index. What it does in words: README.md.
//!
//! [`folder`] finds files, [`passages`] cuts texts, [`index`] is the format; this file puts them together. Vectors are
//! another component's work: the host links it in, and [`Embeds`] stands for it here. An index is a function of the
//! directory, the earlier index and the model; hits are one of index, query and model.

pub mod folder;
pub mod index;
pub mod limits;
pub mod params;
pub mod passages;

use folder::Folder;
use index::{Entry, Header, PROBE, Reader};
use limits::{BATCH, PASSAGES};
use params::Params;
use serde::Serialize;
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::Path;
use weft_sdk::embedder::{self, ModelError};
use weft_sdk::workload::{Description, JobError, Workload};

/// Where the host mounts the directory that was granted for reading.
pub const READ: &str = "/read";

/// Turns texts into vectors of one length.
pub trait Embeds {
    /// One vector for each text, at most [`BATCH`] of them, in order.
    ///
    /// # Errors
    /// What a caller can act on.
    fn embed(&mut self, texts: &[String]) -> Result<Vec<Vec<f32>>, JobError>;
}

/// The component that the host linked in.
struct Linked;

impl Embeds for Linked {
    fn embed(&mut self, texts: &[String]) -> Result<Vec<Vec<f32>>, JobError> {
        let found = embedder::embed(texts).map_err(|e| match e {
            ModelError::Missing(why) => JobError::Missing(why),
            ModelError::BadInput(why) => JobError::BadInput(why),
            ModelError::BadModel(why) | ModelError::Failed(why) => JobError::Failed(why),
        })?;
        Ok(found.into_iter().map(|one| one.vector).collect())
    }
}

/// The workload.
pub struct TextIndex;

impl Workload for TextIndex {
    fn describe() -> Description {
        Description {
            name: "text-index".into(),
            summary: "Indexes the texts of a directory by meaning, and searches the index".into(),
            params_schema: params::SCHEMA.into(),
            accepts: "application/x-ndjson".into(),
            returns: "application/x-ndjson".into(),
            models: Vec::new(),
        }
    }

    fn run(
        params: &str,
        input: &mut dyn BufRead,
        output: &mut dyn Write,
    ) -> Result<String, JobError> {
        run_in(Path::new(READ), &mut Linked, params, input, output)
    }
}

/// The workload's work with any directory and model.
///
/// # Errors
/// [`JobError::BadParams`] names the field; [`JobError::BadInput`] the line of the index that is none, or says that
/// another model made it; [`JobError::Missing`] says what to grant.
pub fn run_in(
    root: &Path,
    model: &mut dyn Embeds,
    params: &str,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<String, JobError> {
    let params = Params::parse(params)?;
    match &params.query {
        Some(query) => search(model, query, params.top as usize, input, output),
        None => update(root, model, input, output),
    }
}

/// Brings an index up to date with a directory. A passage that the index held already, under whatever path, keeps its
/// vector.
fn update(
    root: &Path,
    model: &mut dyn Embeds,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<String, JobError> {
    let folder = Folder::open(root)?;
    let header = Header::new(one(model, PROBE)?);
    let mut known = HashMap::new();
    let mut by_another = false;
    if let Some((mut reader, before)) = Reader::open(input)? {
        by_another = before != header;
        while let Some(entry) = reader.entry()? {
            known.insert(entry.text, entry.vector);
            if known.len() > PASSAGES {
                return Err(JobError::BadInput(format!(
                    "the index has more than {PASSAGES} passages"
                )));
            }
        }
    }
    if by_another {
        known.clear();
    }
    index::write(output, &header)?;
    let mut writer = Writer {
        model,
        output,
        known,
        waiting: Vec::new(),
        fresh: 0,
        kept: 0,
    };
    let (mut files, mut left_out) = (0, 0);
    for path in folder.files() {
        let Some(text) = folder.text(path)? else {
            left_out += 1;
            continue;
        };
        files += 1;
        for passage in passages::passages(&text) {
            writer.add(Entry {
                path: path.clone(),
                line: passage.line,
                text: passage.text,
                vector: Vec::new(),
            })?;
        }
    }
    writer.flush()?;
    let (fresh, kept) = (writer.fresh, writer.kept);
    let mut said = format!(
        "{files} files, {} passages: {fresh} embedded, {kept} as they were",
        fresh + kept
    );
    if left_out > 0 {
        said += &format!("; {left_out} files are no text or too large");
    }
    if by_another {
        said += "; another model had made the index, so it was made anew";
    }
    Ok(said)
}

/// Writes entries in order, and has those embedded whose text is new.
struct Writer<'a> {
    model: &'a mut dyn Embeds,
    output: &'a mut dyn Write,
    known: HashMap<String, Vec<f32>>,
    /// Entries in order; those without a vector are to be embedded.
    waiting: Vec<Entry>,
    fresh: usize,
    kept: usize,
}

impl Writer<'_> {
    fn add(&mut self, mut entry: Entry) -> Result<(), JobError> {
        if self.fresh + self.kept == PASSAGES {
            return Err(JobError::Failed(format!(
                "the directory has more than {PASSAGES} passages: grant one of its folders"
            )));
        }
        match self.known.get(&entry.text) {
            Some(vector) => {
                entry.vector.clone_from(vector);
                self.kept += 1;
            }
            None => self.fresh += 1,
        }
        self.waiting.push(entry);
        let new = self.waiting.iter().filter(|entry| entry.vector.is_empty());
        if self.waiting.len() >= 2 * BATCH || new.count() == BATCH {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), JobError> {
        let new = self.waiting.iter().filter(|entry| entry.vector.is_empty());
        let texts: Vec<String> = new.map(|entry| entry.text.clone()).collect();
        let mut vectors = match texts.is_empty() {
            true => Vec::new(),
            false => self.model.embed(&texts)?,
        }
        .into_iter();
        for mut entry in self.waiting.drain(..) {
            if entry.vector.is_empty() {
                entry.vector = vectors.next().ok_or_else(too_few)?;
            }
            index::write(self.output, &entry)?;
        }
        Ok(())
    }
}

/// What a search gives.
#[derive(Debug, Serialize)]
struct Hit<'a> {
    /// Cosine of the passage's vector and the query's, -1 to 1.
    score: f64,
    path: &'a str,
    line: u64,
    text: &'a str,
}

fn search(
    model: &mut dyn Embeds,
    query: &str,
    top: usize,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<String, JobError> {
    let nothing = || JobError::BadInput("there is no index yet: run without `query` first".into());
    let (mut reader, header) = Reader::open(input)?.ok_or_else(nothing)?;
    if header != Header::new(one(model, PROBE)?) {
        return Err(JobError::BadInput(
            "another model made this index: name that one as `model`, or make the index anew"
                .into(),
        ));
    }
    let wanted = one(model, query)?;
    let mut best: Vec<(f64, Entry)> = Vec::new();
    let mut passages = 0_u64;
    while let Some(entry) = reader.entry()? {
        passages += 1;
        let score = cosine(&wanted, &entry.vector);
        // The first of equals stays first.
        let at = best.partition_point(|(other, _)| *other >= score);
        if at < top {
            best.insert(at, (score, entry));
            best.truncate(top);
        }
    }
    for (score, entry) in &best {
        let hit = Hit {
            score: (score * 1e4).round() / 1e4,
            path: &entry.path,
            line: entry.line,
            text: &entry.text,
        };
        index::write(output, &hit)?;
    }
    Ok(format!("{} of {passages} passages", best.len()))
}

fn one(model: &mut dyn Embeds, text: &str) -> Result<Vec<f32>, JobError> {
    let found = model.embed(&[text.to_owned()])?;
    found.into_iter().next().ok_or_else(too_few)
}

fn too_few() -> JobError {
    JobError::Failed("the model gave fewer vectors than it was given texts".into())
}

/// Cosine of two vectors; 0 where one has no direction.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y));
        products.sum()
    };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 {
        dot(a, b) / lengths
    } else {
        0.0
    }
}

weft_sdk::export_workload!(TextIndex);
