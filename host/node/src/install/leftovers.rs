//! What an install has put into the home before it is done: content, golden vectors, native code. It is taken back when
//! the install is refused, and when a process ended before anything said what the bytes are for.

use super::source::staged;
use crate::error::Result;
use crate::node::Node;
use std::collections::BTreeSet;
use weft_model::Cid;
use weft_release::install::State;
use weft_release::{Envelope, Release};
use weft_store::{Read, installs, meta, releases};

/// What the holders of staged content begin with.
const STAGED: &str = "install ";

impl Node {
    /// Forgets what was staged for an install, unless something else holds it.
    pub(super) fn unstage(&self, row: &installs::Install) -> Result<()> {
        self.forget_holder(&staged(&row.release_cid.parse()?))?;
        if let Some(release) = release_of(&row.envelope) {
            self.forget_component(&release.component.cid)?;
            if let Some(vectors) = release.vectors {
                self.forget_vectors(&vectors)?;
            }
        }
        Ok(())
    }

    /// Forgets what was brought here for a release that nobody is installing.
    pub(crate) fn forget_fetched(&self, release: &Cid) -> Result<()> {
        let cid = release.to_string();
        if self
            .store
            .read(under_way)?
            .iter()
            .any(|row| row.release_cid == cid)
        {
            return Ok(());
        }
        let holder = staged(release);
        let mut brought = self.content.list()?;
        brought.retain(|content| content.pins.contains(&holder));
        let vectors = self.forget_holder(&holder)?;
        for content in brought {
            self.forget_component(&content.cid.parse()?)?;
        }
        if let Some(vectors) = vectors {
            self.forget_vectors(&vectors)?;
        }
        Ok(())
    }

    /// The same where another error is on its way to the caller.
    pub(crate) fn forget_fetched_or_say(&self, release: &Cid) {
        if let Err(e) = self.forget_fetched(release) {
            tracing::warn!(%release, "what was brought here for it stays until the next start: {e}");
        }
    }

    /// Forgets a file that came beside a release and is no part of it.
    pub(super) fn forget_stray(&self, release: &Cid, stray: &Cid) -> Result<()> {
        let holder = staged(release);
        let key = stray.to_string();
        self.store
            .write(|tx| weft_store::content::unpin(tx, &key, &holder))?;
        self.content.remove_unheld(stray)?;
        Ok(())
    }

    /// Forgets what was staged for installs that are over or were never written down: a process ended meanwhile.
    pub(super) fn forget_staged(&self) -> Result<()> {
        let running: BTreeSet<String> = self
            .store
            .read(under_way)?
            .into_iter()
            .map(|row| row.release_cid)
            .collect();
        let mut lock_is_old = false;
        for content in self.content.list()? {
            for holder in &content.pins {
                let Some(release) = holder.strip_prefix(STAGED) else {
                    continue;
                };
                if running.contains(release) {
                    continue;
                }
                lock_is_old = true;
                let vectors = self.forget_holder(holder)?;
                self.forget_component(&content.cid.parse()?)?;
                if let Some(vectors) = vectors {
                    self.forget_vectors(&vectors)?;
                }
            }
        }
        if lock_is_old {
            self.write_lock();
        }
        Ok(())
    }

    /// Lets go of what a holder staged. Returns the golden vectors that came with it.
    fn forget_holder(&self, holder: &str) -> Result<Option<Cid>> {
        self.store.write(|tx| -> Result<_> {
            weft_store::content::unpin_all(tx, holder)?;
            let vectors = meta::get(tx, holder)?;
            meta::remove(tx, holder)?;
            Ok(vectors.and_then(|cid| cid.parse().ok()))
        })
    }

    /// Removes a component that nobody holds, and its native code.
    fn forget_component(&self, component: &Cid) -> Result<()> {
        if !self.content.remove_unheld(component)? {
            return Ok(());
        }
        let key = component.to_string();
        self.store.write(|tx| releases::forget_native(tx, &key))?;
        let folder = self.home.cache();
        let io = |e: std::io::Error| crate::error::NodeError::file(&folder, &e);
        for entry in std::fs::read_dir(&folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name();
            if name.to_string_lossy().split('.').next() == Some(&key) {
                std::fs::remove_file(entry.path()).map_err(io)?;
            }
        }
        Ok(())
    }

    /// Removes golden vectors, unless a release that is here, on its way or imported has them.
    fn forget_vectors(&self, vectors: &Cid) -> Result<()> {
        let mut imported = Vec::new();
        for content in self.content.list()? {
            let cids = content
                .pins
                .iter()
                .filter_map(|h| h.strip_prefix("import "));
            for cid in cids {
                imported.extend(self.imported_package(&cid.parse()?)?);
            }
        }
        let has = |release: &Release| release.vectors == Some(*vectors);
        if imported.iter().any(|p| has(&p.opened.release)) {
            return Ok(());
        }
        self.store.write(|tx| -> Result<()> {
            let kept = releases::list(tx, None)?;
            let here = kept.iter().filter_map(|r| Release::decode(&r.record).ok());
            let coming = under_way(tx)?;
            let coming = coming.iter().filter_map(|row| release_of(&row.envelope));
            if !here.chain(coming).any(|r| has(&r)) {
                weft_store::blocks::remove(tx, &vectors.to_string())?;
            }
            Ok(())
        })
    }
}

pub(super) fn release_of(envelope: &[u8]) -> Option<Release> {
    Release::decode(&Envelope::decode(envelope).ok()?.payload).ok()
}

pub(super) fn under_way(tx: &Read) -> weft_store::Result<Vec<installs::Install>> {
    let states: Vec<&str> = State::ALL
        .into_iter()
        .filter(|s| !s.is_end())
        .map(State::word)
        .collect();
    installs::in_states(tx, &states)
}
