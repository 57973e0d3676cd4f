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
    /// One vector for each text, at most [`BATCH`] of them, in order, each with whether the text had more than was read.
    ///
    /// # Errors
    /// What a caller can act on.
    fn embed(&mut self, texts: &[String]) -> Result<Vec<(Vec<f32>, bool)>, JobError>;
}

/// The component that the host linked in.
struct Linked;

impl Embeds for Linked {
    fn embed(&mut self, texts: &[String]) -> Result<Vec<(Vec<f32>, bool)>, JobError> {
        let found = embedder::embed(texts).map_err(|e| match e {
            ModelError::Missing(why) => JobError::Missing(why),
            ModelError::BadInput(why) => JobError::BadInput(why),
            ModelError::BadModel(why) | ModelError::Failed(why) => JobError::Failed(why),
        })?;
        let found = found.into_iter();
        Ok(found.map(|one| (one.vector, one.truncated)).collect())
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
        None => update(root, model, params.at_most as usize, input, output),
    }
}

/// Brings an index up to date with a directory: a passage that the index held already, under whatever path, keeps its
/// vector, and of the others at most so many are embedded.
fn update(
    root: &Path,
    model: &mut dyn Embeds,
    at_most: usize,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<String, JobError> {
    let folder = Folder::open(root)?;
    let probe = one(model, PROBE)?;
    let (known, by_another) = known(input, &probe)?;
    let (mut entries, mut files, mut left_out) = (Vec::new(), 0, 0);
    for path in folder.files() {
        let Some(text) = folder.text(path)? else {
            left_out += 1;
            continue;
        };
        files += 1;
        for passage in passages::passages(&text) {
            if entries.len() == PASSAGES {
                return Err(JobError::Failed(format!(
                    "the directory has more than {PASSAGES} passages: grant one of its folders"
                )));
            }
            entries.push(Entry {
                path: path.clone(),
                line: passage.line,
                vector: known.get(&passage.text).cloned().unwrap_or_default(),
                text: passage.text,
            });
        }
    }
    let passages = entries.len();
    let new = entries.iter().filter(|entry| entry.is_new()).count();
    let embedded = new.min(at_most);
    let left = new - embedded;
    index::write(output, &Header::new(probe, left as u64))?;
    let truncated = write_all(entries, embedded, model, output)?;
    let mut said = format!(
        "{files} files, {passages} passages: {embedded} embedded, {} as they were",
        passages - new
    );
    for (count, what) in [
        (left, "passages are left for the next run"),
        (truncated, "passages have more tokens than the model reads"),
        (left_out, "files are no text or too large"),
    ] {
        if count > 0 {
            said += &format!("; {count} {what}");
        }
    }
    if by_another {
        said += "; another model had made the index, so it was made anew";
    }
    Ok(said)
}

/// The vectors of an earlier index by their texts, and whether another model had made it: then there are none.
fn known(
    input: &mut dyn BufRead,
    probe: &[f32],
) -> Result<(HashMap<String, Vec<f32>>, bool), JobError> {
    let mut known = HashMap::new();
    let Some((mut reader, before)) = Reader::open(input)? else {
        return Ok((known, false));
    };
    while let Some(entry) = reader.entry()? {
        known.insert(entry.text, entry.vector);
        if known.len() > PASSAGES {
            return Err(JobError::BadInput(format!(
                "the index has more than {PASSAGES} passages"
            )));
        }
    }
    let by_another = before.probe != probe;
    if by_another {
        known.clear();
    }
    Ok((known, by_another))
}

/// Writes entries in order; so many of the new ones are embedded first, the rest is left out. Returns how many had more
/// than the model reads.
fn write_all(
    entries: Vec<Entry>,
    embedded: usize,
    model: &mut dyn Embeds,
    output: &mut dyn Write,
) -> Result<usize, JobError> {
    let (mut taken, mut truncated) = (0, 0);
    let mut waiting: Vec<Entry> = Vec::new();
    let mut last = entries.into_iter().filter(|entry| {
        let takes = !entry.is_new() || taken < embedded;
        taken += usize::from(entry.is_new() && takes);
        takes
    });
    loop {
        let next = last.next();
        let is_end = next.is_none();
        waiting.extend(next);
        let new = waiting.iter().filter(|entry| entry.is_new());
        if !is_end && waiting.len() < 2 * BATCH && new.clone().count() < BATCH {
            continue;
        }
        let texts: Vec<String> = new.map(|entry| entry.text.clone()).collect();
        let mut vectors = match texts.is_empty() {
            true => Vec::new(),
            false => model.embed(&texts)?,
        }
        .into_iter();
        for mut entry in waiting.drain(..) {
            if entry.is_new() {
                let (vector, cut) = vectors.next().ok_or_else(too_few)?;
                entry.vector = vector;
                truncated += usize::from(cut);
            }
            index::write(output, &entry)?;
        }
        if is_end {
            return Ok(truncated);
        }
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
    if header.probe != one(model, PROBE)? {
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
    let (vector, _) = found.into_iter().next().ok_or_else(too_few)?;
    Ok(vector)
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
