//! Models from a hub, by the `hf-hub` crate: into the cache that other clients of the hub share, and from there into the home.

use hf_hub::api::sync::{ApiBuilder, ApiError as HubError, ApiRepo};
use hf_hub::{Repo, RepoType};
use std::collections::BTreeSet;
use std::path::Path;
use weft_api::ApiError;

/// Files beside weights that are asked for.
const BESIDE: [&str; 5] = ["json", "txt", "model", "jinja", "md"];
/// Kinds of weights, the first that there are is taken.
const WEIGHTS: [&str; 2] = ["safetensors", "onnx"];
/// Files of a model at most.
const FILES: usize = 64;
/// How often a file is asked for again where the connection breaks.
const RETRIES: usize = 3;

/// What was downloaded.
pub(super) struct Downloaded {
    /// The folder or file of the model.
    pub path: String,
    /// Where it came from: repository and commit.
    pub source: String,
}

/// Downloads a repository's model: the file that is named, or its weights with what belongs to them.
///
/// # Errors
/// When the hub has no such repository, revision or file, can't be reached, or names files as no hub would.
pub(super) fn download(
    repository: &str,
    revision: &str,
    file: Option<&str>,
) -> Result<Downloaded, ApiError> {
    let failed = |e: HubError| {
        let why = format!("`{repository}` at `{revision}` can't be fetched from the hub: {e}");
        let remedy = "check its name and --revision; HF_ENDPOINT names another hub, HF_TOKEN_PATH a token for what is not public";
        ApiError::new("unavailable", why, remedy)
    };
    let api = ApiBuilder::from_env()
        .with_progress(true)
        .with_retries(RETRIES)
        .build()
        .map_err(failed)?;
    let repo = Repo::with_revision(repository.to_owned(), RepoType::Model, revision.to_owned());
    let repo = api.repo(repo);
    let info = repo.info().map_err(failed)?;
    // The commit names a folder, and so do the files.
    let commit = plain(&info.sha)?;
    let names: BTreeSet<&str> = info.siblings.iter().map(|s| s.rfilename.as_str()).collect();
    for name in &names {
        plain(name)?;
    }
    let fetch = |name: &str| fetch(&repo, name).map_err(failed);
    let source = format!("{repository} at {commit}");
    if let Some(name) = file {
        if !names.contains(name) {
            return Err(choose(repository, &format!("has no file `{name}`"), &names));
        }
        let path = fetch(name)?;
        return Ok(Downloaded { path, source });
    }
    let wanted = wanted(repository, &names)?;
    let mut folder = None;
    for name in wanted {
        let path = fetch(name)?;
        if !name.contains('/') {
            folder = Path::new(&path).parent().map(|p| p.display().to_string());
        }
    }
    let path = folder.ok_or_else(|| choose(repository, "has no weights", &names))?;
    Ok(Downloaded { path, source })
}

fn fetch(repo: &ApiRepo, name: &str) -> Result<String, HubError> {
    Ok(repo.get(name)?.display().to_string())
}

/// Weights of one kind from the repository's own folder, and what a model says of itself there and one folder below.
fn wanted<'a>(repository: &str, names: &BTreeSet<&'a str>) -> Result<Vec<&'a str>, ApiError> {
    let of_kind = |kind: &str| -> Vec<&'a str> {
        let own = names.iter().filter(|name| !name.contains('/'));
        own.filter(|name| ending(name) == kind).copied().collect()
    };
    let Some(weights) = WEIGHTS
        .into_iter()
        .map(of_kind)
        .find(|found| !found.is_empty())
    else {
        let why = "has no `.safetensors` or `.onnx` in its own folder";
        return Err(choose(repository, why, names));
    };
    let mut wanted: Vec<&str> = names
        .iter()
        .filter(|name| name.matches('/').count() <= 1 && BESIDE.contains(&ending(name)))
        .copied()
        .collect();
    wanted.extend(weights);
    if wanted.len() > FILES {
        let why = format!(
            "has {} files that a model may be of, {FILES} are taken",
            wanted.len()
        );
        return Err(choose(repository, &why, names));
    }
    Ok(wanted)
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, end)| end)
}

/// A name that stays within the folder that it is put into.
fn plain(name: &str) -> Result<&str, ApiError> {
    let parts = name.split('/');
    let fine = name.len() <= 255
        && !name.is_empty()
        && !name.contains(['\\', ':'])
        && !name.chars().any(char::is_control)
        && parts
            .into_iter()
            .all(|part| !matches!(part, "" | "." | ".."));
    match fine {
        true => Ok(name),
        false => {
            let shown = weft_model::text::printable(name, 80);
            let why = format!("the hub names `{shown}`, which is no name of a file");
            Err(ApiError::new(
                "refused",
                why,
                "do not use this hub: nothing was added",
            ))
        }
    }
}

fn choose(repository: &str, why: &str, names: &BTreeSet<&str>) -> ApiError {
    let found: Vec<String> = names
        .iter()
        .filter(|name| ["safetensors", "gguf", "onnx"].contains(&ending(name)))
        .take(12)
        .map(|name| format!("`{}`", weft_model::text::printable(name, 80)))
        .collect();
    let remedy = match &found[..] {
        [] => "name a repository with weights as safetensors, GGUF or ONNX".to_owned(),
        some => format!("name one file with --file: {}", some.join(", ")),
    };
    ApiError::new("refused", format!("`{repository}` {why}"), remedy)
}
