//! What members ask each other about releases and content: who has what, and the records of a release.
//!
//! Records travel in answers, bounded; bytes of components travel as content. Nothing of an answer is believed: a record
//! is compared with its CID, an envelope is opened by the installation.

use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::FoundReport;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use weft_mesh::Protocol;
use weft_model::{Cid, Did, cbor};
use weft_store::releases::Release;
use weft_store::{blocks, publishers, releases};

/// Most releases in an answer.
const FOUND: usize = 64;
/// Most contents that are asked about at once.
const ASKED: usize = 64;
/// Longest text that is searched for, in bytes.
const TEXT_BYTES: usize = 256;

/// A question.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Question {
    /// Releases whose name or description has these words; empty: all.
    Search(String),
    /// The records of a release.
    Release(Cid),
    /// The signed heads of releases of this name.
    Heads(String),
    /// Which of these contents are here.
    Have(Vec<Cid>),
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Answer {
    Search(Vec<FoundRelease>),
    Release(Option<ReleaseRecords>),
    Heads(Vec<ByteBuf>),
    Have(Vec<bool>),
}

/// A release that a member has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FoundRelease {
    /// Its name.
    name: String,
    /// Its publisher.
    publisher: String,
    /// Semver.
    version: String,
    /// Rises per (publisher, name).
    revision: u64,
    /// Its CID.
    release: String,
    /// `policy`, `workload` or `skill`.
    kind: String,
    /// For a person.
    description: String,
}

/// What a release is installed from, beside its component's bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseRecords {
    /// The record with its signatures.
    pub envelope: ByteBuf,
    /// Its golden vectors, where it has some.
    pub vectors: Option<ByteBuf>,
}

impl Node {
    /// Answers a member.
    pub(super) fn answer_find(&self, request: &[u8]) -> Option<Vec<u8>> {
        let question: Question = cbor::decode(request).ok()?;
        let answer = self.find(question);
        match answer {
            Ok(answer) => cbor::encode(&answer).ok(),
            Err(e) => {
                tracing::warn!("a question is not answered: {e}");
                None
            }
        }
    }

    fn find(&self, question: Question) -> Result<Answer> {
        Ok(match question {
            Question::Search(text) => {
                let text: String = text.to_lowercase().chars().take(TEXT_BYTES).collect();
                let rows = self.store.read(|tx| releases::list(tx, None))?;
                let found = rows.iter().filter(|r| speaks_of(r, &text)).take(FOUND);
                Answer::Search(found.map(found_of).collect())
            }
            Question::Release(cid) => Answer::Release(self.records_of(&cid)?),
            Question::Heads(name) => {
                let heads = self.store.read(publishers::heads)?;
                let named = heads.into_iter().filter(|h| h.name == name).take(FOUND);
                Answer::Heads(named.map(|h| ByteBuf::from(h.envelope)).collect())
            }
            Question::Have(cids) => {
                let have = cids.iter().take(ASKED).map(|cid| self.content.has(cid));
                Answer::Have(have.collect::<Result<_, _>>()?)
            }
        })
    }

    fn records_of(&self, cid: &Cid) -> Result<Option<ReleaseRecords>> {
        self.store.read(|tx| {
            let Some(row) = releases::get(tx, &cid.to_string())? else {
                return Ok(None);
            };
            let record = weft_release::Release::decode(&row.record)
                .map_err(|e| NodeError::internal(e.to_string()))?;
            let vectors = match record.vectors {
                Some(vectors) => blocks::get(tx, &vectors.to_string())?,
                None => None,
            };
            Ok(Some(ReleaseRecords {
                envelope: ByteBuf::from(row.envelope),
                vectors: vectors.map(ByteBuf::from),
            }))
        })
    }

    /// Releases that connected members have, by name, the newest first.
    ///
    /// # Errors
    /// `unavailable` without a mesh.
    pub fn search(&self, text: &str) -> Result<Vec<FoundReport>> {
        let mut found: BTreeMap<String, (FoundRelease, u64)> = BTreeMap::new();
        for (_, answer) in self.ask_all(&Question::Search(text.to_owned()))? {
            let Answer::Search(list) = answer else {
                continue;
            };
            for release in list.into_iter().take(FOUND).filter_map(cleaned) {
                let entry = found.entry(release.release.clone());
                entry.or_insert((release, 0)).1 += 1;
            }
        }
        let mut all: Vec<_> = found.into_values().collect();
        all.sort_by(|(a, _), (b, _)| {
            (&a.name, b.revision, &a.release).cmp(&(&b.name, a.revision, &b.release))
        });
        self.store.read(|tx| {
            let report = |(found, seeders): (FoundRelease, u64)| {
                Ok(FoundReport {
                    here: releases::get(tx, &found.release)?.is_some(),
                    name: found.name,
                    version: found.version,
                    revision: found.revision,
                    kind: found.kind,
                    release: found.release,
                    publisher: found.publisher,
                    description: found.description,
                    seeders,
                })
            };
            all.into_iter().map(report).collect()
        })
    }

    /// The signed heads that members know of a name.
    pub(crate) fn heads_in_mesh(&self, name: &str) -> Result<Vec<Vec<u8>>> {
        let mut heads = Vec::new();
        for (_, answer) in self.ask_all(&Question::Heads(name.to_owned()))? {
            if let Answer::Heads(list) = answer {
                heads.extend(list.into_iter().take(FOUND).map(ByteBuf::into_vec));
            }
        }
        heads.sort();
        heads.dedup();
        Ok(heads)
    }

    /// The records of a release, from every member that says it has it.
    pub(crate) fn records_in_mesh(&self, cid: &Cid) -> Result<Vec<ReleaseRecords>> {
        let found = self.ask_all(&Question::Release(*cid))?;
        let records = found.into_iter().filter_map(|(_, answer)| match answer {
            Answer::Release(records) => records,
            _ => None,
        });
        Ok(records.collect())
    }

    /// Connected members that have a content.
    pub(crate) fn holders(&self, cid: &Cid) -> Result<Vec<Did>> {
        let found = self.ask_all(&Question::Have(vec![*cid]))?;
        Ok(found
            .into_iter()
            .filter(|(_, answer)| matches!(answer, Answer::Have(have) if have == &[true]))
            .map(|(device, _)| device)
            .collect())
    }

    /// Asks all connected members side by side; who does not answer is left out.
    fn ask_all(&self, question: &Question) -> Result<Vec<(Did, Answer)>> {
        let peering = self.need_peering()?;
        let bytes = cbor::encode(question).map_err(NodeError::internal)?;
        let devices: Vec<Did> = {
            let paths = peering.paths.lock();
            let paths = paths.unwrap_or_else(std::sync::PoisonError::into_inner);
            paths.keys().copied().collect()
        };
        let mesh = &peering.mesh;
        Ok(std::thread::scope(|scope| {
            let asked: Vec<_> = devices
                .iter()
                .map(|device| {
                    let bytes = bytes.clone();
                    scope.spawn(move || {
                        let answer = mesh.request(device, Protocol::Find, bytes).ok()?;
                        Some((*device, cbor::decode(&answer).ok()?))
                    })
                })
                .collect();
            asked
                .into_iter()
                .filter_map(|thread| thread.join().ok().flatten())
                .collect()
        }))
    }
}

fn speaks_of(release: &Release, text: &str) -> bool {
    text.is_empty()
        || release.name.to_lowercase().contains(text)
        || release
            .description
            .as_ref()
            .is_some_and(|d| d.to_lowercase().contains(text))
}

fn found_of(row: &Release) -> FoundRelease {
    FoundRelease {
        name: row.name.clone(),
        publisher: row.publisher.clone(),
        version: row.version.clone(),
        revision: row.revision,
        release: row.cid.clone(),
        kind: row.kind.clone(),
        description: row.description.clone().unwrap_or_default(),
    }
}

/// A stranger's words, fit to be shown; none where the CID is none.
fn cleaned(found: FoundRelease) -> Option<FoundRelease> {
    let text = |t: &str| weft_model::text::printable(t, TEXT_BYTES);
    found.release.parse::<Cid>().ok()?;
    Some(FoundRelease {
        name: text(&found.name),
        publisher: text(&found.publisher),
        version: text(&found.version),
        revision: found.revision,
        release: found.release,
        kind: text(&found.kind),
        description: text(&found.description),
    })
}
