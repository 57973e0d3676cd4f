//! Homes of before content had one place: their components lie as `components/<cid>.wasm` and move into content when
//! the home is opened.

use super::{Leaf, pin};
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::releases::read_component;
use std::fs;
use std::io::Write;
use std::path::Path;
use weft_model::{Cid, content};
use weft_store::content::Layout;
use weft_store::releases;

/// What such a component's name ends in.
const SUFFIX: &str = ".wasm";

impl Node {
    /// Moves components of an older home into content, held by their releases. A file is removed only when its bytes
    /// are content; a damaged one stays where it is, and the log says so.
    pub(crate) fn adopt_components(&self) -> Result<()> {
        let folder = self.home.old_components();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(NodeError::file(&folder, &e)),
        };
        for entry in entries {
            let path = entry.map_err(|e| NodeError::file(&folder, &e))?.path();
            let named = path.file_name().and_then(|n| n.to_str());
            if let Some(cid) = named
                .and_then(|n| n.strip_suffix(SUFFIX))
                .and_then(|n| n.parse::<Cid>().ok())
            {
                self.adopt(&path, &cid)?;
            }
        }
        // It stays when something else lies in it.
        if let Err(e) = fs::remove_dir(&folder) {
            tracing::warn!(folder = %folder.display(), error = %e, "this folder is no longer used");
        }
        Ok(())
    }

    fn adopt(&self, path: &Path, cid: &Cid) -> Result<()> {
        let io = |e: std::io::Error| NodeError::file(path, &e);
        let bytes = read_component(path)?;
        if !content::matches(cid, &bytes) {
            tracing::warn!(file = %path.display(), "a component is damaged: its bytes are not what its name says; it is left where it is");
            return Ok(());
        }
        // Such a CID is that of one block, whatever its size.
        let leaf = Leaf {
            cid: *cid,
            offset: 0,
            len: bytes.len() as u64,
        };
        let layout = Layout {
            cid,
            size: leaf.len,
            leaves: std::slice::from_ref(&leaf),
            nodes: &[],
        };
        let mut draft = self.content.begin()?;
        draft.write_all(&bytes).map_err(io)?;
        let now = self.now();
        self.content.commit(draft, &layout, None, now)?;
        let key = cid.to_string();
        self.store.write(|tx| -> Result<()> {
            for release in releases::list(tx, None)? {
                if release.component_cid == key {
                    pin(tx, &key, &release.cid, now)?;
                }
            }
            Ok(())
        })?;
        fs::remove_file(path).map_err(io)
    }
}
