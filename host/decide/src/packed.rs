//! How a record holds what there is once for every candidate: as columns in byte strings, not as a map for each.
//!
//! | what | byte strings |
//! |---|---|
//! | a table of features | `values`: 8 bytes each, `present`: 8 bytes a word, both as in [`Columns`] |
//! | permissions | one byte each: 0 allowed, 1 no permit, 2 not in the node's allowed tasks |
//! | a scorer's answer | `scores`: 8 bytes each, 0 where excluded; `excluded`: one byte each, 0 where scored |
//! | a ranking | `rows`: 4 bytes each; `scores`: 8 bytes each, 0 without; `scored`: a bit each, lowest first; `out`: one byte each, 0 without |
//!
//! Numbers are little-endian. A byte for an exclusion is its place in `weft:scorer`'s list, counted from 1;
//! [`OUT_CODES`] has the host's own reasons. Bytes of a wrong length, unknown codes and numbers that are not finite are
//! refused.

use crate::outcome::{Out, Ranked};
use crate::pipeline::Failed;
use crate::snapshot::Permission;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::{ByteBuf, Bytes};
use weft_model::slots::placement::{Exclusion, Score};
use weft_model::{Columns, SlotReply};

/// Exclusions in the order of the contract; the code of one is its place here, counted from 1.
const EXCLUSIONS: [Exclusion; 12] = [
    Exclusion::Offline,
    Exclusion::Unreachable,
    Exclusion::TooLittleCpu,
    Exclusion::TooLittleMemory,
    Exclusion::TooLittleDisk,
    Exclusion::BatteryLow,
    Exclusion::TooHot,
    Exclusion::TooDear,
    Exclusion::TooSlow,
    Exclusion::NotTrusted,
    Exclusion::NotFree,
    Exclusion::Other,
];
/// Codes of the host's own reasons.
const OUT_CODES: [(u8, Out); 10] = [
    (32, Out::NoPermit),
    (33, Out::NotInAllowedTasks),
    (34, Out::NotCleanEnough),
    (35, Out::OtherSource),
    (36, Out::OffPeak),
    (37, Out::MustStayHome),
    (38, Out::NoWorkload),
    (39, Out::OwnerRules),
    (40, Out::FailedBefore),
    (41, Out::TooLong),
];

fn exclusion_code(why: Exclusion) -> u8 {
    // The enum has the contract's order.
    why as u8 + 1
}

fn exclusion(code: u8) -> Result<Exclusion, String> {
    let place = usize::from(code).checked_sub(1);
    place
        .and_then(|place| EXCLUSIONS.get(place).copied())
        .ok_or_else(|| format!("there is no exclusion {code}"))
}

fn out_code(out: Option<Out>) -> u8 {
    match out {
        None => 0,
        Some(Out::Scorer(why)) => exclusion_code(why),
        Some(out) => OUT_CODES
            .iter()
            .find(|(_, known)| *known == out)
            .map_or(0, |(code, _)| *code),
    }
}

fn out(code: u8) -> Result<Option<Out>, String> {
    if code == 0 {
        return Ok(None);
    }
    match OUT_CODES.iter().find(|(known, _)| *known == code) {
        Some((_, out)) => Ok(Some(*out)),
        None => exclusion(code).map(|why| Some(Out::Scorer(why))),
    }
}

fn bytes_of<const N: usize, T>(
    items: impl ExactSizeIterator<Item = T>,
    bytes: fn(T) -> [u8; N],
) -> Vec<u8> {
    let mut all = vec![0; items.len() * N];
    for (to, item) in all.chunks_exact_mut(N).zip(items) {
        to.copy_from_slice(&bytes(item));
    }
    all
}

fn items_of<const N: usize, T>(bytes: &[u8], item: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    if rest.is_empty() {
        Ok(chunks.iter().map(|chunk| item(*chunk)).collect())
    } else {
        Err(format!("{} bytes are no items of {N}", bytes.len()))
    }
}

fn floats_of(bytes: &[u8]) -> Result<Vec<f64>, String> {
    let floats = items_of(bytes, f64::from_le_bytes)?;
    match floats.iter().all(|x| x.is_finite()) {
        true => Ok(floats),
        false => Err("a number is not finite".into()),
    }
}

/// Refuses columns of different lengths.
fn same_length(what: &str, lengths: &[usize]) -> Result<(), String> {
    match lengths.windows(2).all(|pair| pair[0] == pair[1]) {
        true => Ok(()),
        false => Err(format!("the columns of the {what} have different lengths")),
    }
}

/// The candidates' features.
pub(crate) mod table {
    use super::*;

    #[derive(Serialize)]
    struct To<'a> {
        rows: u32,
        values: &'a Bytes,
        present: &'a Bytes,
    }

    #[derive(Deserialize)]
    struct From {
        rows: u32,
        values: ByteBuf,
        present: ByteBuf,
    }

    pub(crate) fn serialize<S: Serializer>(table: &Columns, to: S) -> Result<S::Ok, S::Error> {
        To {
            rows: table.rows,
            values: Bytes::new(&bytes_of(table.values.iter().copied(), f64::to_le_bytes)),
            present: Bytes::new(&bytes_of(table.present.iter().copied(), u64::to_le_bytes)),
        }
        .serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Columns, D::Error> {
        let packed = From::deserialize(from)?;
        Ok(Columns {
            rows: packed.rows,
            values: floats_of(&packed.values).map_err(D::Error::custom)?,
            present: items_of(&packed.present, u64::from_le_bytes).map_err(D::Error::custom)?,
        })
    }
}

/// Whether each candidate may run the task.
pub(crate) mod permissions {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        permissions: &[Permission],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let codes: Vec<u8> = permissions.iter().map(|p| *p as u8).collect();
        Bytes::new(&codes).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Permission>, D::Error> {
        ByteBuf::deserialize(from)?
            .iter()
            .map(|code| match code {
                0 => Ok(Permission::Allowed),
                1 => Ok(Permission::NoPermit),
                2 => Ok(Permission::NotInAllowedTasks),
                3 => Ok(Permission::FailedBefore),
                4 => Ok(Permission::TooLong),
                _ => Err(D::Error::custom(format!("there is no permission {code}"))),
            })
            .collect()
    }
}

/// The candidates in order.
pub(crate) mod ranking {
    use super::*;

    #[derive(Serialize)]
    struct To<'a> {
        out: &'a Bytes,
        rows: &'a Bytes,
        scored: &'a Bytes,
        scores: &'a Bytes,
    }

    #[derive(Deserialize)]
    struct From {
        out: ByteBuf,
        rows: ByteBuf,
        scored: ByteBuf,
        scores: ByteBuf,
    }

    pub(crate) fn serialize<S: Serializer>(ranking: &[Ranked], to: S) -> Result<S::Ok, S::Error> {
        let mut scored = vec![0_u8; ranking.len().div_ceil(8)];
        for (i, _) in ranking
            .iter()
            .enumerate()
            .filter(|(_, r)| r.score.is_some())
        {
            scored[i / 8] |= 1 << (i % 8);
        }
        let scores = ranking.iter().map(|r| r.score.unwrap_or(0.0));
        To {
            out: Bytes::new(&bytes_of(ranking.iter(), |r| [out_code(r.out)])),
            rows: Bytes::new(&bytes_of(ranking.iter(), |r| r.row.to_le_bytes())),
            scored: Bytes::new(&scored),
            scores: Bytes::new(&bytes_of(scores, f64::to_le_bytes)),
        }
        .serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Ranked>, D::Error> {
        unpack(&From::deserialize(from)?).map_err(D::Error::custom)
    }

    fn unpack(packed: &From) -> Result<Vec<Ranked>, String> {
        let rows = items_of(&packed.rows, u32::from_le_bytes)?;
        let scores = floats_of(&packed.scores)?;
        same_length("ranking", &[rows.len(), scores.len(), packed.out.len()])?;
        same_length("ranking", &[rows.len().div_ceil(8), packed.scored.len()])?;
        let scored = |i: usize| packed.scored[i / 8] >> (i % 8) & 1 == 1;
        rows.into_iter()
            .zip(scores)
            .enumerate()
            .map(|(i, (row, score))| {
                Ok(Ranked {
                    row,
                    score: scored(i).then_some(score),
                    out: out(packed.out[i])?,
                })
            })
            .collect()
    }
}

/// A plugin's answer: that of a scorer as columns, every other as it is.
pub(crate) mod outcome {
    use super::*;

    #[derive(Serialize)]
    enum To<'a> {
        #[serde(rename = "rank")]
        Rank {
            excluded: &'a Bytes,
            scores: &'a Bytes,
        },
        #[serde(untagged)]
        Other(&'a SlotReply),
    }

    #[derive(Deserialize)]
    enum From {
        #[serde(rename = "rank")]
        Rank { excluded: ByteBuf, scores: ByteBuf },
        #[serde(untagged)]
        Other(SlotReply),
    }

    pub(crate) fn serialize<S: Serializer>(
        outcome: &Result<SlotReply, Failed>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let reply = match outcome {
            Ok(SlotReply::Rank(rows)) => rows,
            Ok(other) => return Ok::<_, &Failed>(To::Other(other)).serialize(to),
            Err(failed) => return Err::<To<'_>, _>(failed).serialize(to),
        };
        let excluded = bytes_of(reply.iter(), |row| match row {
            Score::Score(_) => [0],
            Score::Excluded(why) => [exclusion_code(*why)],
        });
        let scores = bytes_of(reply.iter(), |row| match row {
            Score::Score(score) => score.to_le_bytes(),
            Score::Excluded(_) => [0; 8],
        });
        Ok::<_, &Failed>(To::Rank {
            excluded: Bytes::new(&excluded),
            scores: Bytes::new(&scores),
        })
        .serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Result<SlotReply, Failed>, D::Error> {
        Result::<From, Failed>::deserialize(from)?
            .map_or_else(|failed| Ok(Err(failed)), |reply| unpack(reply).map(Ok))
            .map_err(D::Error::custom)
    }

    fn unpack(reply: From) -> Result<SlotReply, String> {
        let (excluded, scores) = match reply {
            From::Other(reply) => return Ok(reply),
            From::Rank { excluded, scores } => (excluded, floats_of(&scores)?),
        };
        same_length("scorer's answer", &[excluded.len(), scores.len()])?;
        excluded
            .iter()
            .zip(scores)
            .map(|(code, score)| match code {
                0 => Ok(Score::Score(score)),
                _ => exclusion(*code).map(Score::Excluded),
            })
            .collect::<Result<_, String>>()
            .map(SlotReply::Rank)
    }
}
