//! What outsiders get of this home: which contents and releases are public, and the listener that serves them.
//!
//! The listener has a key of its own (`keys/public.key`), so that nobody outside can tell it from the device by its peer
//! id, and calls from threads of its own; it holds the node weakly. Whether a block is public is asked of the database
//! for each want, so what is private again is served no more from then on.

use crate::content::OWNER;
use crate::error::{NodeError, Result};
use crate::keys;
use crate::node::Node;
use crate::report::{ContentReport, ContentUnpublishReport, OutsiderReport, PackageReport};
use std::sync::{Arc, PoisonError, Weak};
use weft_mesh::{Blocks, PeerId, Public, PublicConfig};
use weft_model::content::{DAG_PB, record_cid};
use weft_model::{Cid, content};
use weft_release::Envelope;
use weft_store::content::{public_for, public_of, publish, unpublish};
use weft_store::{Write, blocks};

impl Node {
    /// Starts the listener for outsiders where the setting `public_listen` names an address. One that runs goes on.
    ///
    /// # Errors
    /// When an address can't be listened on, or the key can't be read or made.
    pub fn start_public(self: &Arc<Self>) -> Result<()> {
        let mut running = self.public.lock().unwrap_or_else(PoisonError::into_inner);
        let listen = crate::peering::words(self.settings.text("public_listen"));
        if running.is_some() || listen.is_empty() {
            return Ok(());
        }
        let key = if keys::exists(&self.home, keys::LISTENER) {
            keys::load(&self.home, keys::LISTENER)?
        } else {
            keys::create(&self.home, keys::LISTENER)?
        };
        let config = PublicConfig {
            secret: key.to_bytes(),
            listen,
            bytes_per_s: self.settings.cap_bandwidth_bytes(),
        };
        let shelf = Arc::new(Shelf(Arc::downgrade(self)));
        *running = Some(Public::start(&config, shelf)?);
        Ok(())
    }

    /// Stops the listener for outsiders; connections are closed.
    pub fn stop_public(&self) {
        let running = self
            .public
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(running);
    }

    /// How the listener for outsiders stands. None: there is none.
    pub(crate) fn public_status(&self) -> Option<OutsiderReport> {
        let running = self.public.lock().unwrap_or_else(PoisonError::into_inner);
        let status = running.as_ref()?.status();
        Some(OutsiderReport {
            peer_id: status.peer_id,
            listening: status.listening,
            connected: status.connected,
            counts: status.counts,
        })
    }

    /// Makes a content public: whoever asks the listener for outsiders gets it, and it stays until it is private again.
    ///
    /// # Errors
    /// `not-found`.
    pub fn content_publish(&self, cid: &str) -> Result<ContentReport> {
        let cid: Cid = cid.parse()?;
        self.content.stat(&cid)?;
        let now = self.now();
        self.store
            .write(|tx| publish(tx, &cid.to_string(), OWNER, now))?;
        self.content_stat(&cid.to_string())
    }

    /// Makes a content private again, or a release with all that it made public. Who has it already keeps it.
    ///
    /// # Errors
    /// `not-found` when neither is public by the owner's word.
    pub fn content_unpublish(&self, cid: &str) -> Result<ContentUnpublishReport> {
        let cid = cid.parse::<Cid>()?.to_string();
        let (private, sakes) = self.store.write(|tx| -> Result<_> {
            let mut taken = public_of(tx, &cid)?;
            for of_release in &taken {
                unpublish(tx, of_release, &cid)?;
            }
            if unpublish(tx, &cid, OWNER)? {
                taken.push(cid.clone());
            }
            let mut private = Vec::new();
            for was in taken {
                if public_for(tx, &was)?.is_empty() && !private.contains(&was) {
                    private.push(was);
                }
            }
            Ok((private, public_for(tx, &cid)?))
        })?;
        if private.is_empty() {
            let why = match sakes.as_slice() {
                [] => format!("`{cid}` is not public"),
                sakes => format!("`{cid}` is public by the release {}", sakes.join(", ")),
            };
            return Err(NodeError::not_found(why)
                .try_this("weft content unpublish RELEASE takes a release back"));
        }
        Ok(ContentUnpublishReport { cid, private })
    }

    /// Makes a release public: its record, its envelope, its golden vectors and its component.
    ///
    /// # Errors
    /// When it is not here.
    pub fn package_make_public(&self, reference: &str) -> Result<PackageReport> {
        let package = self.stored_package(reference)?;
        let release = &package.opened.release;
        let record = Envelope::decode(&package.envelope)
            .map_err(|e| NodeError::internal(e.to_string()))?
            .payload;
        let now = self.now();
        let sake = package.opened.cid.to_string();
        let public = self.store.write(|tx| -> Result<Vec<String>> {
            let mut public = vec![
                keep_record(tx, &record, now)?,
                keep_record(tx, &package.envelope, now)?,
                release.component.cid.to_string(),
            ];
            public.extend(release.vectors.map(|cid| cid.to_string()));
            for cid in &public {
                publish(tx, cid, &sake, now)?;
            }
            Ok(public)
        })?;
        let mut report = self.package_report(&package)?;
        report.public = public;
        Ok(report)
    }
}

/// Keeps a record as a block, and returns its CID.
fn keep_record(tx: &Write, bytes: &[u8], now: weft_model::Instant) -> Result<String> {
    let cid = record_cid(bytes).to_string();
    blocks::put(tx, &cid, bytes, now)?;
    Ok(cid)
}

/// The listener's way to what is public.
struct Shelf(Weak<Node>);

impl Shelf {
    fn look<T>(
        &self,
        cid: &Cid,
        look: impl FnOnce(&Node, &Cid) -> weft_store::Result<Option<T>>,
    ) -> Option<T> {
        let node = self.0.upgrade()?;
        let named = if cid.codec() == DAG_PB && cid.hash().code() == content::SHA2_256 {
            // Older tools name a node by its hash alone.
            Cid::new_v1(DAG_PB, *cid.hash())
        } else {
            *cid
        };
        look(&node, &named).unwrap_or_else(|e| {
            tracing::warn!("a public block is not served: {e}");
            None
        })
    }
}

impl Blocks for Shelf {
    fn block(&self, _: &PeerId, cid: &Cid) -> Option<Vec<u8>> {
        self.look(cid, |node, cid| node.content.public_block(cid))
    }

    fn size(&self, _: &PeerId, cid: &Cid) -> Option<u64> {
        self.look(cid, |node, cid| node.content.public_size(cid))
    }
}
