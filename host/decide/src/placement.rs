//! From scores to a pick: which candidates qualify for the plan's energy, and who of equals comes first.

use crate::outcome::{Out, Ranked};
use crate::snapshot::{Candidates, HostColumns, Permission};
use sha2::{Digest, Sha256};
use weft_model::Instant;
use weft_model::slots::placement::Score;
use weft_model::slots::time::{Plan, Source};

/// Places in [`Candidates::HOST_FEATURES`].
pub(crate) const CLEAN: usize = 0;
const SOURCE: usize = 1;
pub(crate) const MINUTE: usize = 2;

/// A plan as placement needs it.
#[derive(Clone, Debug)]
pub struct Needs<'a> {
    /// The SLA's plan.
    pub plan: &'a Plan,
    /// When it is decided.
    pub now: Instant,
    /// Critical tasks take any energy.
    pub critical: bool,
    /// This device takes it on any energy: the submitter judged that, or every peer failed.
    pub here_anyway: bool,
}

/// Why a candidate does not qualify for the plan's energy now; none when it does.
pub fn disqualified(needs: &Needs<'_>, host: &HostColumns<'_>, row: usize) -> Option<Out> {
    let plan = needs.plan;
    if row > 0 && !plan.delegate {
        return Some(Out::MustStayHome);
    }
    let anyway = needs.critical || (row == 0 && needs.here_anyway);
    if anyway || plan.latest_start.is_some_and(|latest| needs.now >= latest) {
        return None;
    }
    if let Some(source) = plan.source
        && host.value(row, SOURCE) != Some(source_code(source))
    {
        return Some(Out::OtherSource);
    }
    if plan.clean > 0.0
        && host
            .value(row, CLEAN)
            .is_none_or(|clean| clean < plan.clean)
    {
        return Some(Out::NotCleanEnough);
    }
    if let Some(peak) = &plan.peak {
        let minute = host.value(row, MINUTE);
        let inside = minute.is_some_and(|m| m >= f64::from(peak.from) && m < f64::from(peak.until));
        if !inside {
            return Some(Out::OffPeak);
        }
    }
    None
}

/// Why a candidate may not run the task at all.
pub fn forbidden(permission: Permission) -> Option<Out> {
    match permission {
        Permission::Allowed => None,
        Permission::NoPermit => Some(Out::NoPermit),
        Permission::NotInAllowedTasks => Some(Out::NotInAllowedTasks),
        Permission::TooLong => Some(Out::TooLong),
        Permission::FailedBefore => Some(Out::FailedBefore),
    }
}

/// All candidates, best first: those that qualify by score and then by a hash of (task, candidate), then the rest:
/// those with a score as before, those without in the order of the candidates.
///
/// `scores` and `barred` have one entry per candidate: none where the scorer was not asked about it, and why it may
/// not run the task at all.
pub fn rank(
    task: &str,
    needs: &Needs<'_>,
    candidates: &Candidates,
    scores: &[Option<Score>],
    barred: &[Option<Out>],
) -> Vec<Ranked> {
    let host = candidates.host();
    let mut ranking: Vec<Ranked> = (0_u32..)
        .zip(scores.iter().zip(barred))
        .map(|(row, (score, barred))| {
            let (score, excluded) = match score {
                Some(Score::Score(score)) => (Some(*score), None),
                Some(Score::Excluded(why)) => (None, Some(Out::Scorer(*why))),
                None => (None, None),
            };
            let out = barred
                .or(excluded)
                .or_else(|| disqualified(needs, &host, row as usize));
            Ranked { row, score, out }
        })
        .collect();
    ranking.sort_by(|a, b| {
        a.out
            .is_some()
            .cmp(&b.out.is_some())
            .then(match (a.score, b.score) {
                (Some(x), Some(y)) => y.total_cmp(&x),
                (x, y) => y.is_some().cmp(&x.is_some()),
            })
    });
    break_ties(task, &candidates.ids, &mut ranking);
    ranking
}

/// Orders each run of equal scores by a hash, so that no candidate is always first. Hashes only where there is a tie.
fn break_ties(task: &str, ids: &[String], ranking: &mut [Ranked]) {
    let equal = |a: &Ranked, b: &Ranked| a.score == b.score && a.out.is_some() == b.out.is_some();
    for run in ranking.chunk_by_mut(equal) {
        if run.len() > 1 && run[0].score.is_some() {
            run.sort_by_cached_key(|ranked| tie_hash(task, &ids[ranked.row as usize]));
        }
    }
}

/// The hash that orders equals.
fn tie_hash(task: &str, peer: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((task.len() as u64).to_be_bytes());
    hash.update(task);
    hash.update(peer);
    hash.finalize().into()
}

/// A seed for policies that spread load on purpose.
pub fn tie_seed(task: &str) -> u64 {
    let hash = tie_hash(task, "");
    u64::from_be_bytes([
        hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
    ])
}

/// The code of a source in wit/features.md.
pub fn source_code(source: Source) -> f64 {
    f64::from(source as u8)
}
