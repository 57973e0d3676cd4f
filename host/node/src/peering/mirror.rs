//! Releases from the mesh: what members have of one is put into a folder of this home as a publisher's folder has it, and
//! installed from there. So every check of an installation is the same, wherever a release came from.

use crate::error::{Code, NodeError, Result};
use crate::home::write_whole;
use crate::install::source::{Preamble, Source, preamble};
use crate::install::verify::open_envelope;
use crate::node::Node;
use serde_bytes::ByteBuf;
use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use weft_model::limits::RECORD_BYTES;
use weft_model::{Cid, content};
use weft_release::limits::{ENVELOPE_BYTES, SKILL_BYTES, STATEMENT_BYTES};

/// The folder in the home.
const FOLDER: &str = "mirror";
/// Where heads lie in it; whose they are is read from them.
const HEADS: &str = "heads/mesh";

impl Node {
    /// Brings a release that members have into the mirror; the source to install it from. None without a mesh.
    ///
    /// # Errors
    /// `not-found` when no connected member has it.
    pub(crate) fn mirror_release(&self, cid: &Cid) -> Result<Option<Source>> {
        if self.peering().is_none() {
            return Ok(None);
        }
        let folder = self.mirror()?;
        let path = folder.join(format!("{cid}.car"));
        if path.is_file() {
            return Ok(Some(Source::Folder(folder)));
        }
        let found = self.records_in_mesh(cid)?;
        let said = found.len();
        // One member's wrong answer does not stand before another one's right one.
        let right = found.into_iter().find_map(|records| {
            let small = records.envelope.len() <= ENVELOPE_BYTES;
            let opened = open_envelope(&records.envelope).ok().filter(|_| small)?;
            (opened.cid == *cid).then_some((records, opened))
        });
        let Some((records, opened)) = right else {
            let error = match said {
                0 => NodeError::not_found(format!("no connected member has the release `{cid}`")),
                _ => NodeError::coded(
                    "wrong-software",
                    format!("what members gave for the release `{cid}` is another one, or none"),
                ),
            };
            return Err(error.try_this(
                "search what they have with `weft search`, or see who is connected: weft mesh status",
            ));
        };
        let release = &opened.release;
        if release.component.size > SKILL_BYTES {
            return Err(NodeError::refused(format!(
                "its component has {} bytes, at most {SKILL_BYTES} are fetched",
                release.component.size
            )));
        }
        let component = release.component.cid;
        let seeders = self.holders(&component)?;
        let holder = format!("mirror:{cid}");
        self.fetch_content(&component, &seeders, Some(&holder))?;
        let vectors = records.vectors.map(ByteBuf::into_vec);
        let written = match vectors {
            Some(v) if v.len() > RECORD_BYTES => Err(NodeError::refused(
                "the release's golden vectors are too large",
            )),
            vectors => preamble(release, &records.envelope, vectors)
                .and_then(|begin| self.write_mirror(&path, &begin, &component)),
        };
        self.store
            .write(|tx| weft_store::content::unpin(tx, &component.to_string(), &holder))?;
        written?;
        Ok(Some(Source::Folder(folder)))
    }

    /// Brings a release that members have into a CAR file that is not there yet, and installs nothing. Returns its bytes.
    ///
    /// # Errors
    /// `not-found` when no connected member has it, `conflict` when the file is there.
    pub fn download(&self, reference: &str, path: &Path) -> Result<u64> {
        self.need_peering()?;
        let cid = match reference.parse::<Cid>() {
            Ok(cid) => cid,
            Err(_) => {
                if let Some(mirror) = self.mirror_heads(reference)? {
                    for warning in self.take_heads(&mirror)? {
                        tracing::warn!("{warning}");
                    }
                }
                self.newest_of(reference)?.release
            }
        };
        let source = self.mirror_release(&cid)?;
        let Some(Source::Folder(folder)) = source else {
            return Err(NodeError::not_found(format!("there is no release `{cid}`")));
        };
        let from = folder.join(format!("{cid}.car"));
        let io = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::AlreadyExists => NodeError::new(
                Code::Conflict,
                format!("`{}` is there already", path.display()),
            )
            .try_this("choose another name with `-o FILE`"),
            _ => NodeError::file(path, &e),
        };
        let mut out = fs::File::options()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(io)?;
        let mut from = fs::File::open(&from).map_err(|e| NodeError::file(&from, &e))?;
        std::io::copy(&mut from, &mut out).map_err(io)
    }

    fn write_mirror(&self, path: &Path, begin: &Preamble, component: &Cid) -> Result<()> {
        let io = |e: std::io::Error| NodeError::file(path, &e);
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        let mut writer = BufWriter::new(file.as_file_mut());
        self.export_car(&begin.roots, &begin.records, &[*component], &mut writer)?;
        writer.flush().map_err(io)?;
        drop(writer);
        file.persist(path).map_err(|e| io(e.error))?;
        Ok(())
    }

    /// Brings the signed heads of a name that members know into the mirror. None without a mesh.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub(crate) fn mirror_heads(&self, name: &str) -> Result<Option<Source>> {
        if self.peering().is_none() {
            return Ok(None);
        }
        let folder = self.mirror()?;
        let heads = folder.join(HEADS);
        if heads.exists() {
            // What was mirrored before was taken then; only what members say now counts.
            fs::remove_dir_all(&heads).map_err(|e| NodeError::file(&heads, &e))?;
        }
        make(&heads)?;
        for head in self.heads_in_mesh(name)? {
            if head.len() <= STATEMENT_BYTES {
                let file = heads.join(format!("{}.head", content::raw_cid(&head)));
                write_whole(&file, &head, 0o600)?;
            }
        }
        Ok(Some(Source::Folder(folder)))
    }

    fn mirror(&self) -> Result<PathBuf> {
        let folder = self.home.root().join(FOLDER);
        make(&folder)?;
        Ok(folder)
    }
}

fn make(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| NodeError::file(folder, &e))
}
