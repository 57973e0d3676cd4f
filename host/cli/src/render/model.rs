//! Models, receipts, and what was computed.

use super::style::{BAD, DIM, GOOD, HEAD, WARN, bytes, count, paint};
use super::table::pairs;
use crate::verbs::{Indexed, Read, Vectors};
use weft_api::ModelResponse;
use weft_api::report::{ModelReport, ReceiptReport};
use weft_model::text::is_unsafe;

/// Vectors that are shown, and values of each.
const SHOWN: (usize, usize) = (20, 6);

/// Lines of a passage that are shown, and characters of each.
const LINES: usize = 4;
const COLUMNS: usize = 76;

/// What a person sees of an answer about models.
pub fn text(answer: &ModelResponse) -> String {
    match answer {
        ModelResponse::One(model) => one(model),
        ModelResponse::List(models) => models.iter().map(line).collect(),
        ModelResponse::Verified(verified) => super::content::verified(verified),
    }
}

fn one(model: &ModelReport) -> String {
    let files: Vec<String> = model
        .files
        .iter()
        .map(|file| format!("{} ({})\n{}", file.path, bytes(file.size), file.cid))
        .collect();
    format!("{}\n", paint(HEAD, &model.name))
        + &pairs(&[
            ("cid", model.cid.clone()),
            ("size", bytes(model.size)),
            ("licence", license(model)),
            ("source", model.source.clone()),
            ("added", model.added_at.clone()),
            ("files", files.join("\n")),
        ])
}

fn line(model: &ModelReport) -> String {
    format!(
        "{}  {}, {}{}\n  {}\n",
        paint(HEAD, &model.name),
        bytes(model.size),
        license(model),
        if model.bundled {
            ", came with Weft"
        } else {
            ""
        },
        model.cid
    )
}

fn license(model: &ModelReport) -> String {
    match model.license.as_str() {
        "" => paint(WARN, "licence unknown"),
        known => known.to_owned(),
    }
}

/// A receipt, and what running it again gave.
pub fn receipt(receipt: &ReceiptReport) -> String {
    let mut text = match &receipt.again {
        None => String::new(),
        Some(again) if again.equal => format!(
            "{}: run again in {} ms, same output, same fuel\n",
            paint(GOOD, "equal"),
            again.wall_ms
        ),
        Some(again) => {
            let lines = again.differences.iter().map(|d| format!("  {d}\n"));
            format!("{}:\n{}", paint(BAD, "differs"), lines.collect::<String>())
        }
    };
    text += &format!("{}\n", paint(HEAD, &receipt.cid));
    text += &pairs(&[
        ("task", receipt.task.clone()),
        ("release", receipt.release.clone()),
        ("input", receipt.input.clone()),
        ("params", receipt.params.clone()),
        ("models", receipt.models.join("\n")),
        ("output", receipt.output.clone()),
        (
            "seed",
            receipt
                .seed
                .map_or_else(String::new, |seed| seed.to_string()),
        ),
        ("fuel", receipt.fuel.to_string()),
        ("profile", receipt.profile.clone()),
        (
            "memory",
            format!("{} at most", bytes(receipt.peak_memory_bytes)),
        ),
        ("time", format!("{} ms", receipt.wall_ms)),
        (
            "energy",
            format!("{:.4} Wh, {}", receipt.energy_wh, receipt.energy_known),
        ),
        ("worker", receipt.worker.clone()),
        ("ended", receipt.ended.clone()),
        (
            "verifiable",
            if receipt.verifiable { "yes" } else { "no" }.to_owned(),
        ),
    ]);
    text
}

/// Vectors: the beginning of each, and where the rest is.
pub fn embeddings(found: &Vectors) -> String {
    let vectors = found.embeddings.as_deref().unwrap_or_default();
    let (most, values) = SHOWN;
    let mut text = String::new();
    for vector in vectors.iter().take(most) {
        let begin: Vec<String> = vector
            .embedding
            .iter()
            .take(values)
            .map(|v| format!("{v:>7.4}"))
            .collect();
        let cut = if vector.truncated { " (cut)" } else { "" };
        let tokens = count(vector.tokens as usize, "token");
        text += &format!(
            "{:>4}  {} …  {tokens}{cut}\n",
            vector.index,
            begin.join(" ")
        );
    }
    if vectors.len() > most {
        text += &format!("      and {} more\n", vectors.len() - most);
    }
    text += &format!("{}\n", found.summary.as_deref().unwrap_or_default());
    text + &pairs(&[
        ("output", found.output.clone().unwrap_or_default()),
        ("receipt", found.receipt.clone().unwrap_or_default()),
    ])
}

/// What was read in an image; under the name of its file where there are several.
pub fn page(read: &Read, alone: bool) -> String {
    let mut text = match alone {
        true => String::new(),
        false => format!(
            "{}\n",
            paint(HEAD, &read.file.replace(is_unsafe, "\u{fffd}"))
        ),
    };
    let lines = read.found.iter().flat_map(|found| &found.page.lines);
    for line in lines {
        text += &format!("{}\n", line.text.replace(is_unsafe, "\u{fffd}"));
    }
    text
}

/// What a search found, or that an index is up to date.
pub fn indexed(found: &Indexed) -> String {
    let mut text = String::new();
    for hit in found.hits.iter().flatten() {
        let place = format!("{}:{}", hit.path, hit.line).replace(is_unsafe, "\u{fffd}");
        text += &format!(
            "{} {}\n",
            paint(HEAD, &place),
            paint(DIM, &format!("{:.2}", hit.score))
        );
        let said = hit.text.lines().filter(|line| !line.trim().is_empty());
        for line in said.take(LINES) {
            let line: String = line.chars().take(COLUMNS).collect();
            text += &format!("    {}\n", line.replace(is_unsafe, "\u{fffd}"));
        }
    }
    text += &format!("{}\n", found.summary.as_deref().unwrap_or_default());
    let mut rows = vec![("receipt", found.receipt.clone().unwrap_or_default())];
    if found.hits.is_none() {
        rows.insert(0, ("index", found.index.clone()));
    }
    text + &pairs(&rows)
}
