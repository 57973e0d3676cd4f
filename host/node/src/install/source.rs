//! Where releases come from: a folder that a publisher filled, or a CAR file.
//!
//! A folder holds one CAR file per release, `CID.car`, and the signed heads of its publishers,
//! `heads/DID/NAME.head`. It is read as hostile: files are bounded, names of files are not believed, and what does
//! not verify is said and left out.

use super::Wanted;
use super::verify::{check_vectors, envelope_error, open_envelope};
use crate::content::{Imported, open_file};
use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use weft_model::limits::RECORD_BYTES;
use weft_model::{Cid, Did, content};
use weft_release::car::{CarReader, Limits};
use weft_release::envelope::{Envelope, Opened};
use weft_release::growth::REVISION_JUMP;
use weft_release::install::{Asked, is_asked_for};
use weft_release::limits::{ENVELOPE_BYTES, LEAF_BYTES};
use weft_release::{Head, Release, statement};
use weft_store::{publishers, releases};

/// Blocks among which a release's CAR file must hold its envelope.
const ENVELOPE_WITHIN: usize = 4;
/// Most heads that are read of one folder.
const HEADS: usize = 10_000;
/// Largest head, in bytes.
const HEAD_BYTES: u64 = 16 * 1024;
/// Bytes that a CAR file of a release may have beside its component and records: lengths, CIDs, inner nodes.
const CAR_OVERHEAD_BYTES: u64 = 64 * 1024;

/// A release whose bytes are here.
pub(crate) struct Fetched {
    pub opened: Opened,
    pub envelope: Vec<u8>,
    pub source: Option<String>,
    /// What was wrong with the source that was asked for its newest.
    pub warnings: Vec<String>,
}

/// The heads of a source.
#[derive(Default)]
pub(crate) struct Heads {
    /// Those that verify, each with its signed bytes.
    pub found: Vec<(Head, Vec<u8>)>,
    /// What was wrong with others.
    pub wrong: Vec<String>,
}

/// What a release's CAR file begins with.
pub(crate) struct Preamble {
    /// The release and its envelope.
    pub roots: Vec<Cid>,
    /// Envelope, record and golden vectors.
    pub records: Vec<(Cid, Vec<u8>)>,
}

/// What is newest of a name, as far as this home knows.
pub(crate) struct Newest {
    pub release: Cid,
    /// Who says so, and of which revision; none: nobody does, it is the one that is here.
    pub publisher: Option<Did>,
    pub revision: Option<u64>,
}

/// A place that releases come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A publisher's folder.
    Folder(PathBuf),
    /// One CAR file.
    Car(PathBuf),
}

impl Source {
    /// The source that a path names.
    pub(crate) fn at(path: &str) -> Result<Self> {
        let path = PathBuf::from(path);
        let meta = fs::metadata(&path).map_err(|e| NodeError::file(&path, &e))?;
        if meta.is_dir() {
            Ok(Self::Folder(path))
        } else if meta.is_file() {
            Ok(Self::Car(path))
        } else {
            Err(NodeError::refused(format!(
                "`{}` is neither a folder nor a file",
                path.display()
            )))
        }
    }

    fn car_of(&self, cid: &Cid) -> Result<PathBuf> {
        match self {
            Self::Car(path) => Ok(path.clone()),
            Self::Folder(folder) => {
                let path = folder.join(format!("{cid}.car"));
                if path.is_file() {
                    return Ok(path);
                }
                Err(
                    NodeError::not_found(format!("`{}` has no release `{cid}`", folder.display()))
                        .try_this(
                            "list what it has with `weft outdated --from`, or name another source",
                        ),
                )
            }
        }
    }

    /// The heads that the source has, verified; and what was wrong with others.
    pub(crate) fn heads(&self) -> Result<Heads> {
        let mut heads = Heads::default();
        let Self::Folder(folder) = self else {
            return Ok(heads);
        };
        for publisher in sorted(&folder.join("heads"))? {
            if !publisher.is_dir() {
                continue;
            }
            for path in sorted(&publisher)? {
                if heads.found.len() + heads.wrong.len() >= HEADS {
                    heads.wrong.push(format!(
                        "it has more than {HEADS} heads; the rest was not read"
                    ));
                    return Ok(heads);
                }
                match read_head(&path) {
                    Ok(head) => heads.found.push(head),
                    Err(e) => heads.wrong.push(e.message),
                }
            }
        }
        Ok(heads)
    }
}

impl Node {
    /// Finds what a person means, brings its bytes into the content store, and opens its envelope.
    pub(super) fn fetch_release(&self, wanted: &Wanted) -> Result<Fetched> {
        let reference = &wanted.reference;
        let path = Path::new(reference);
        if let Ok(cid) = reference.parse::<Cid>() {
            let here = match self.installed_package(&cid)? {
                Some(here) => Some(here),
                None => self.imported_package(&cid)?,
            };
            if let Some(here) = here {
                return self.signed_since(here, wanted);
            }
            let Some(from) = &wanted.from else {
                if let Some(mirror) = self.mirror_release(&cid)? {
                    return self.fetch_car(&mirror.car_of(&cid)?, Some(cid));
                }
                return Err(NodeError::not_found(format!(
                    "the release `{cid}` is not in this home"
                ))
                .try_this("say where to take it from: --from FOLDER or --from FILE.car; or connect to your network: weft start"));
            };
            return self.fetch_car(&Source::at(from)?.car_of(&cid)?, Some(cid));
        }
        if reference.contains('/') || reference.ends_with(".car") {
            return self.fetch_car(path, None);
        }
        let warnings = match &wanted.from {
            Some(from) => self.take_heads(&Source::at(from)?)?,
            None => match self.mirror_heads(reference)? {
                Some(mirror) => self.take_heads(&mirror)?,
                None => Vec::new(),
            },
        };
        let newest = self.newest_of(reference)?;
        let cid = newest.release;
        let mut fetched = self.fetch_named(reference, &cid, wanted)?;
        fetched.warnings = warnings;
        // A head can name any release; this one must be of the name, publisher and revision that it says.
        let asked = Asked {
            name: Some(reference.clone()),
            publisher: newest.publisher,
            revision: newest.revision,
            ..Asked::default()
        };
        is_asked_for(&fetched.opened.release, &asked)
            .inspect_err(|_| self.forget_fetched_or_say(&cid))?;
        Ok(fetched)
    }

    /// A release that is here, with what a source has it signed by beside what is known.
    fn signed_since(&self, mut here: Fetched, wanted: &Wanted) -> Result<Fetched> {
        let Some(from) = &wanted.from else {
            return Ok(here);
        };
        let cid = here.opened.cid;
        let there = match Source::at(from)?.car_of(&cid) {
            Ok(car) => read_envelope(&car, Some(cid))?,
            Err(e) if e.code == Code::NotFound => return Ok(here),
            Err(e) => return Err(e),
        };
        open_envelope(&there)?;
        let decode = |bytes: &[u8]| Envelope::decode(bytes).map_err(|e| envelope_error(&e));
        let mut all = decode(&here.envelope)?;
        if all.join(&decode(&there)?) {
            here.envelope = all.encode().map_err(|e| envelope_error(&e))?;
            here.opened = all.open().map_err(|e| envelope_error(&e))?;
        }
        Ok(here)
    }

    fn fetch_named(&self, reference: &str, cid: &Cid, wanted: &Wanted) -> Result<Fetched> {
        if let Some(here) = self.installed_package(cid)? {
            return self.signed_since(here, wanted);
        }
        let source = match &wanted.from {
            Some(from) => Source::at(from)?,
            None => match self.mirror_release(cid) {
                Ok(Some(mirror)) => mirror,
                Err(e) if e.code != Code::NotFound => return Err(e),
                // Nobody in the mesh has it, or there is none: the folder where its head was found.
                Ok(None) | Err(_) => Source::at(&self.source_of(reference)?)?,
            },
        };
        self.fetch_car(&source.car_of(cid)?, Some(*cid))
    }

    /// A release that is in this home already.
    fn installed_package(&self, cid: &Cid) -> Result<Option<Fetched>> {
        let Some(row) = self.store.read(|tx| releases::get(tx, &cid.to_string()))? else {
            return Ok(None);
        };
        Ok(Some(Fetched {
            opened: open_envelope(&row.envelope)?,
            envelope: row.envelope,
            source: None,
            warnings: Vec::new(),
        }))
    }

    /// The newest release of a name: of the publisher whose release of that name is in use here, else of the only one.
    pub(crate) fn newest_of(&self, name: &str) -> Result<Newest> {
        let known: Vec<publishers::Head> = self
            .store
            .read(publishers::heads)?
            .into_iter()
            .filter(|h| h.name == name)
            .collect();
        let in_use: Vec<String> = self.store.read(|tx| -> Result<_> {
            Ok(self
                .targets(tx)?
                .into_iter()
                .filter(|(_, _, r)| r.name == name)
                .map(|(_, _, r)| r.publisher.to_string())
                .collect())
        })?;
        let chosen: Vec<&publishers::Head> = match in_use.is_empty() {
            true => known.iter().collect(),
            false => known
                .iter()
                .filter(|h| in_use.contains(&h.publisher))
                .collect(),
        };
        match chosen.as_slice() {
            [one] => {
                if super::lists::head_is_over(&one.envelope, self.now()) {
                    let why = format!(
                        "what is known of `{name}` is over: revision {} was its newest, and its publisher has not said so since",
                        one.revision
                    );
                    return Err(NodeError::coded("stale", why).try_this(format!(
                        "ask its publisher to publish again; if you mean that one: weft install {}",
                        one.release_cid
                    )));
                }
                Ok(Newest {
                    release: one.release_cid.parse()?,
                    publisher: Some(one.publisher.parse().map_err(NodeError::internal)?),
                    revision: Some(one.revision),
                })
            }
            [] if !known.is_empty() => Err(NodeError::coded(
                "other-publisher",
                format!(
                    "`{name}` in this home is by {}; the source has it by {} only",
                    in_use.join(", "),
                    known[0].publisher
                ),
            )
            .try_this("if you mean that one, name its CID; the same name does not make it the same software")),
            [] => {
                // Not published as far as is known; a release that is here may be meant.
                let (cid, _) = self
                    .store
                    .read(|tx| self.find_release(tx, name))
                    .map_err(|e| match e.code {
                        Code::NotFound => e.try_this("name its CID, or a source with --from FOLDER"),
                        _ => e,
                    })?;
                Ok(Newest {
                    release: cid,
                    publisher: None,
                    revision: None,
                })
            }
            several => Err(NodeError::coded(
                "ambiguous",
                format!(
                    "`{name}` is published by several: {}",
                    several
                        .iter()
                        .map(|h| format!("{} ({})", h.publisher, h.release_cid))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            )
            .try_this("name the one that you mean by its CID")),
        }
    }

    fn source_of(&self, name: &str) -> Result<String> {
        self.store
            .read(publishers::heads)?
            .into_iter()
            .find(|h| h.name == name)
            .map(|h| h.source)
            .ok_or_else(|| {
                NodeError::not_found(format!("no source is known for `{name}`"))
                    .try_this("weft install NAME --from FOLDER")
            })
    }

    /// Reads a release's CAR file: first its envelope, which says how large the rest may be, then the rest.
    pub(crate) fn fetch_car(&self, path: &Path, asked: Option<Cid>) -> Result<Fetched> {
        let named = |e: NodeError| match e.message.starts_with(&format!("`{}`", path.display())) {
            true => e,
            false => NodeError {
                message: format!("`{}`: {}", path.display(), e.message),
                ..e
            },
        };
        let envelope = read_envelope(path, asked).map_err(named)?;
        let opened = open_envelope(&envelope).map_err(named)?;
        let release = &opened.release;
        let limits = Limits {
            total_bytes: declared_bytes(release),
            blocks: release.component.size.div_ceil(LEAF_BYTES as u64) * 2 + 64,
            ..Limits::default()
        };
        let (file, _) = open_file(path)?;
        let imported = self
            .import_car(BufReader::new(file), limits, Some(&staged(&opened.cid)))
            .map_err(|e| match e.code {
                Code::Refused => bad_car(&e.message),
                _ => e,
            })
            .map_err(named)?;
        self.take_parts(&opened, &imported)
            .map_err(named)
            .inspect_err(|_| self.forget_fetched_or_say(&opened.cid))?;
        super::faults::point("staged");
        Ok(Fetched {
            opened,
            envelope,
            source: Some(path.display().to_string()),
            warnings: Vec::new(),
        })
    }

    /// Keeps a release's golden vectors, and nothing of its CAR file that is no part of it.
    fn take_parts(&self, opened: &Opened, imported: &Imported) -> Result<()> {
        let release = &opened.release;
        let missing = |what: &str| {
            NodeError::coded("incomplete", format!("the file lacks the release's {what}"))
                .try_this("get the whole file")
        };
        for stray in &imported.files {
            if *stray != release.component.cid {
                self.forget_stray(&opened.cid, stray)?;
            }
        }
        if !imported.files.contains(&release.component.cid) {
            return Err(missing("component"));
        }
        if let Some(cid) = &release.vectors {
            let (_, bytes) = imported
                .records
                .iter()
                .find(|(found, _)| found == cid)
                .ok_or_else(|| missing("golden vectors"))?;
            check_vectors(release, bytes)?;
            let now = self.now();
            self.store.write(|tx| -> Result<()> {
                weft_store::blocks::put(tx, &cid.to_string(), bytes, now)?;
                // So that it is known whose they are when nothing comes of it.
                weft_store::meta::set(tx, &staged(&opened.cid), &cid.to_string())?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Takes in the heads of a source. What contradicts what is known is said and left out.
    pub(crate) fn take_heads(&self, source: &Source) -> Result<Vec<String>> {
        let Heads { found, mut wrong } = source.heads()?;
        let now = self.now();
        let source = match source {
            Source::Folder(path) | Source::Car(path) => path.display().to_string(),
        };
        for (head, envelope) in found {
            let publisher = head.publisher.to_string();
            if head.is_expired(now) {
                wrong.push(format!(
                    "expired: revision {} of `{}` was the newest, and its publisher has not said so since",
                    head.revision, head.name
                ));
                continue;
            }
            let (known, high) = self.store.read(|tx| -> Result<_> {
                Ok((
                    publishers::head(tx, &publisher, &head.name)?,
                    releases::high_water(tx, &publisher, &head.name)?,
                ))
            })?;
            let high = high.map_or(0, |high| high.revision);
            let most = known
                .as_ref()
                .map_or(high, |known| known.revision.max(high));
            if most > 0 && head.revision.saturating_sub(most) > REVISION_JUMP {
                wrong.push(format!(
                    "not believed: a head jumps from revision {most} of `{}` to {}; if its publisher says so elsewhere: weft \
                     install {}",
                    head.name, head.revision, head.release
                ));
                continue;
            }
            if let Some(known) = known {
                if head.revision < known.revision {
                    wrong.push(format!(
                        "stale: the source says that revision {} of `{}` is the newest, {} was published",
                        head.revision, head.name, known.revision
                    ));
                    continue;
                }
                if head.revision == known.revision && head.release.to_string() != known.release_cid
                {
                    let message = format!(
                        "`{}` by {publisher} has two releases of revision {}: {} and {}",
                        head.name, head.revision, known.release_cid, head.release
                    );
                    // Both heads are signed: together they prove it.
                    let proof = publishers::Equivocation {
                        publisher,
                        name: head.name,
                        revision: head.revision,
                        first_cid: known.release_cid,
                        second_cid: head.release.to_string(),
                        first: known.envelope,
                        second: envelope,
                        seen_at: now,
                    };
                    self.store.write(|tx| self.keep_equivocation(tx, &proof))?;
                    wrong.push(message);
                    continue;
                }
            }
            self.store.write(|tx| -> Result<()> {
                publishers::see(tx, &head.release.to_string(), now)?;
                publishers::put_head(
                    tx,
                    &publishers::Head {
                        publisher,
                        name: head.name.clone(),
                        revision: head.revision,
                        release_cid: head.release.to_string(),
                        published_at: head.published,
                        seen_at: now,
                        checked_at: now,
                        source: source.clone(),
                        envelope,
                    },
                )?;
                Ok(())
            })?;
        }
        Ok(wrong)
    }
}

/// Who holds content for an install that is under way.
pub(crate) fn staged(release: &Cid) -> String {
    format!("install {release}")
}

/// The most bytes that a release's CAR file may have.
fn declared_bytes(release: &Release) -> u64 {
    let records = (ENVELOPE_BYTES * 2 + RECORD_BYTES) as u64;
    // A leaf's prefix and its link take about 150 bytes of a mebibyte; one in a thousand is more than that.
    release.component.size + release.component.size / 1_000 + records + CAR_OVERHEAD_BYTES
}

/// The envelope of a CAR file: its second root. Nothing behind the first few blocks is read.
fn read_envelope(path: &Path, asked: Option<Cid>) -> Result<Vec<u8>> {
    let (file, _) = open_file(path)?;
    let mut car = CarReader::new(BufReader::new(file), Limits::default()).map_err(car_error)?;
    let not = |what: &str| {
        NodeError::coded(
            "bad-release",
            format!("it is no release's CAR file: {what}"),
        )
        .try_this("make it with `weft release export`")
    };
    let [release, envelope] = car.roots() else {
        return Err(not(
            "it must name the release and its envelope as its roots",
        ));
    };
    let (release, envelope) = (*release, *envelope);
    if let Some(asked) = asked.filter(|asked| *asked != release) {
        return Err(weft_release::install::Refusal::OtherRelease {
            asked: asked.into(),
            found: release.into(),
        }
        .into());
    }
    for _ in 0..ENVELOPE_WITHIN {
        let Some((cid, bytes)) = car.next_block().map_err(car_error)? else {
            break;
        };
        if cid == envelope {
            let decoded = Envelope::decode(bytes).map_err(|e| envelope_error(&e))?;
            if decoded.release_cid() != release {
                return Err(not("its envelope is of another release"));
            }
            return Ok(bytes.to_vec());
        }
    }
    Err(not("its envelope is not among its first blocks"))
}

/// What a release's CAR file begins with: envelope and records come first, so that a reader knows what comes.
pub(crate) fn preamble(
    release: &Release,
    envelope: &[u8],
    vectors: Option<Vec<u8>>,
) -> Result<Preamble> {
    let (record, cid) = release
        .encode()
        .map_err(|e| NodeError::refused(e.to_string()))?;
    let envelope_cid = content::record_cid(envelope);
    let mut records = vec![(envelope_cid, envelope.to_vec()), (cid, record)];
    if let (Some(cid), Some(bytes)) = (release.vectors, vectors) {
        records.push((cid, bytes));
    }
    Ok(Preamble {
        roots: vec![cid, envelope_cid],
        records,
    })
}

pub(crate) fn car_error(e: weft_release::car::CarError) -> NodeError {
    bad_car(&e.to_string())
}

fn bad_car(why: &str) -> NodeError {
    NodeError::coded("bad-car", why).try_this("get the file again, from its publisher")
}

fn read_head(path: &Path) -> Result<(Head, Vec<u8>)> {
    let io = |e: std::io::Error| NodeError::file(path, &e);
    let mut bytes = Vec::new();
    open_file(path)?
        .0
        .take(HEAD_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > HEAD_BYTES {
        return Err(NodeError::refused(format!(
            "`{}` is over {HEAD_BYTES} bytes, no head is",
            path.display()
        )));
    }
    let head = statement::open::<Head>(&bytes)
        .map_err(|e| NodeError::refused(format!("`{}`: {e}", path.display())))?;
    Ok((head, bytes))
}

/// The entries of a folder by name; none when there is no such folder.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let io = |e: std::io::Error| NodeError::file(folder, &e);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io(e)),
    };
    let mut paths = entries
        .take(HEADS)
        .map(|e| Ok(e.map_err(io)?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
