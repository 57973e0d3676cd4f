//! What a job is given: its input, its directories, and the seed of its randomness.
//!
//! The seed is a function of what the job runs on: component, params, the input's content and the content of the
//! directories that it may read. The input is a stream, so its content is known only at its end; a component that
//! imports randomness has its input read once beforehand for its name. The others are spared that: no seed reaches
//! them.

use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::private::Secret;
use crate::receipt::content_name;
use crate::tree;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use weft_engine::{Dir, Finished, GRANTED, READ};
use weft_model::task::TaskSpec;
use weft_model::{Cid, content};
use weft_release::Release;

/// How the imports that give randomness begin.
const RANDOM: &str = "wasi:random/";

/// What a job is given.
pub(crate) struct Given {
    /// What it reads.
    pub input: Box<dyn Read + Send>,
    /// The owner's directories.
    pub dirs: Vec<Dir>,
    /// The seed of its randomness.
    pub seed: [u8; 32],
    /// What of this its receipt names.
    pub named: Named,
}

/// What a receipt says of a job's surroundings.
pub(crate) struct Named {
    /// Length and sha2-256 of the whole input, where it was read beforehand.
    whole: Option<(u64, [u8; 32])>,
    /// Whether that is of ciphertext, of which the job read the plain text.
    sealed: bool,
    /// The model that it computes with, its skills, and the content of the directories that it may read.
    pub models: Vec<Cid>,
    /// Whether another run with the same content gives the same.
    pub verifiable: bool,
}

impl Node {
    /// Opens and names what a task's job is given.
    ///
    /// # Errors
    /// When the input or a directory can't be read, or a directory was granted to another binary.
    pub(crate) fn given(
        &self,
        spec: &TaskSpec,
        release: &Release,
        params: &str,
        mut models: Vec<Cid>,
        secret: Option<&Secret>,
    ) -> Result<Given> {
        let random = release.imports.iter().any(|i| i.starts_with(RANDOM));
        let mut whole = None;
        let input: Box<dyn Read + Send> = match &spec.input {
            Some(path) => {
                let path = Path::new(path);
                let io = |e| NodeError::file(path, &e);
                let mut file = File::open(path).map_err(io)?;
                if random || secret.is_some() {
                    whole = Some(tree::digest(&mut file).map_err(io)?);
                    file.rewind().map_err(io)?;
                }
                match secret {
                    Some(secret) => Box::new(secret.reader(file)?),
                    None => Box::new(BufReader::new(file)),
                }
            }
            None => Box::new(std::io::empty()),
        };
        let mut dirs = Vec::new();
        if let Some(host) = self.settings.readable(&spec.name) {
            self.check_granted(&spec.name, &host, release)?;
            models.push(tree::cid(&host)?);
            dirs.push(Dir {
                host,
                guest: READ.into(),
                writable: false,
            });
        }
        if let Some(host) = self.settings.granted(&spec.name) {
            self.check_granted(&spec.name, &host, release)?;
            dirs.push(Dir {
                host,
                guest: GRANTED.into(),
                writable: true,
            });
        }
        let named = Named {
            whole,
            models,
            sealed: secret.is_some(),
            verifiable: secret.is_none() && !dirs.iter().any(|dir| dir.writable),
        };
        Ok(Given {
            input,
            dirs,
            seed: seed(&release.component.cid, params, &named),
            named,
        })
    }
}

impl Named {
    /// The input's name: of all of it where that is known, else of what the job read.
    ///
    /// # Errors
    /// When the job read to the end of another input than the one that was named.
    pub fn input(&self, finished: &Finished) -> Result<String> {
        let read = (finished.bytes_in, finished.input_digest);
        let (bytes, digest) = self.whole.unwrap_or(read);
        if self.sealed {
            return Ok(content_name(bytes, &digest));
        }
        if bytes < read.0 || (bytes == read.0 && digest != read.1) {
            return Err(NodeError::refused(
                "its input changed while it ran, so its result is not kept",
            )
            .try_this("submit it again when nothing writes the file"));
        }
        Ok(content_name(bytes, &digest))
    }
}

impl Named {
    /// Of how many bytes, from the input's beginning, [`Self::input`] is the name.
    pub fn bytes(&self, finished: &Finished) -> u64 {
        self.whole.map_or(finished.bytes_in, |(bytes, _)| bytes)
    }
}

/// The seed of a job's randomness. Each part has a length that the part before it fixes or that it ends by itself.
fn seed(component: &Cid, params: &str, named: &Named) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(component.to_bytes());
    hash.update(content::raw_cid(params.as_bytes()).to_bytes());
    let (bytes, digest) = named
        .whole
        .unwrap_or_else(|| (0, Sha256::digest(b"").into()));
    hash.update(bytes.to_le_bytes());
    hash.update(digest);
    for model in &named.models {
        hash.update(model.to_bytes());
    }
    hash.finalize().into()
}
