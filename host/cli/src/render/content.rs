//! Content: what is here, who holds it, what a check found.

use super::style::{BAD, GOOD, HEAD, WARN, bytes, count, paint};
use super::table::pairs;
use weft_api::ContentResponse;
use weft_api::report::{ContentProgress, ContentReport, ContentVerifyReport, FetchReport};

/// What a person sees of an answer about content.
pub fn text(answer: &ContentResponse) -> String {
    match answer {
        ContentResponse::One(one) => self::one(one),
        ContentResponse::List(list) => self::list(list),
        ContentResponse::Got(got) => {
            let fetched = got.fetched.as_ref().map(fetched);
            format!(
                "{} in {}\n{}",
                bytes(got.bytes),
                got.path,
                fetched.unwrap_or_default()
            )
        }
        ContentResponse::Unpublished(back) => format!(
            "{} is private again ({})\n",
            back.cid,
            count(back.private.len(), "CID")
        ),
        ContentResponse::Freed(freed) => {
            let contents = count(
                usize::try_from(freed.contents).unwrap_or(usize::MAX),
                "content",
            );
            let left = match freed.leftovers {
                0 => String::new(),
                n => format!(" and {n} left by a crash"),
            };
            format!("removed {contents}{left}, {} freed\n", bytes(freed.bytes))
        }
        ContentResponse::Verified(verified) => self::verified(verified),
        ContentResponse::Progress(ContentProgress { done, total, .. }) => {
            format!("{} of {}\n", bytes(*done), bytes(*total))
        }
    }
}

/// Where it came from, how fast, and who gave how much of it.
fn fetched(fetch: &FetchReport) -> String {
    let came: u64 = fetch.seeders.iter().map(|s| s.bytes).sum();
    let rate = (came as f64 / (fetch.ms.max(1) as f64 / 1_000.0)) as u64;
    let asked = count(fetch.seeders.len(), "seeder");
    let mut text = format!("fetched {} from {asked}, {}/s\n", bytes(came), bytes(rate));
    for seeder in &fetch.seeders {
        let dropped = match &seeder.dropped {
            Some(why) => paint(WARN, &format!("; dropped: {why}")),
            None => String::new(),
        };
        text += &format!("  {} {}{dropped}\n", seeder.peer_id, bytes(seeder.bytes));
    }
    text
}

fn one(content: &ContentReport) -> String {
    let note = match content.new {
        Some(false) => " (was here already)",
        _ => "",
    };
    let pins = match content.pins.as_slice() {
        [] if content.public.is_empty() => {
            paint(WARN, "nobody: the next `weft content gc` removes it")
        }
        [] => "nobody; it stays while it is public".to_owned(),
        pins => pins.join("\n"),
    };
    format!("{}{note}\n", paint(HEAD, &content.cid))
        + &pairs(&[
            (
                "size",
                format!("{} ({} bytes)", bytes(content.size), content.size),
            ),
            ("leaves", content.leaves.to_string()),
            ("added", content.added_at.clone()),
            ("verified", content.verified_at.clone()),
            (
                "problem",
                content
                    .problem
                    .as_deref()
                    .map_or_else(String::new, |p| paint(BAD, p)),
            ),
            ("held by", pins),
            ("public by", content.public.join("\n")),
        ])
}

fn list(contents: &[ContentReport]) -> String {
    if contents.is_empty() {
        return "no content; add a file with `weft content add FILE`\n".to_owned();
    }
    // No table: a CID is copied, so it must not be broken into two lines.
    let line = |content: &ContentReport| {
        let size = bytes(content.size);
        let state = match (&content.problem, content.pins.as_slice()) {
            (Some(_), _) => paint(BAD, "damaged"),
            (None, []) if content.public.is_empty() => paint(WARN, "free"),
            (None, pins) => count(pins.len(), "pin"),
        };
        let public = match content.public.as_slice() {
            [] => "",
            _ => ", public",
        };
        format!("{}  {size:>10}  {state}{public}\n", content.cid)
    };
    contents.iter().map(line).collect()
}

/// What a check found.
pub fn verified(report: &ContentVerifyReport) -> String {
    let mut text = String::new();
    for finding in report.contents.iter().filter(|c| c.problem.is_some()) {
        text.push_str(&format!("{} {}\n", paint(BAD, &finding.state), finding.cid));
        text.push_str(&pairs(&[
            ("why", finding.problem.clone().unwrap_or_default()),
            (
                "try",
                "add it again from its file with `weft content add FILE`".to_owned(),
            ),
        ]));
    }
    let whole = report.contents.iter().filter(|c| c.problem.is_none());
    let size = whole.clone().map(|c| c.size).sum();
    let whole = count(whole.count(), "content");
    text.push_str(&format!(
        "{}, {}\n",
        paint(GOOD, &format!("{whole} whole")),
        bytes(size)
    ));
    text
}
