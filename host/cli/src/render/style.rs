//! Colours, and short forms of what is long.

use anstyle::{AnsiColor, Style};

/// A heading.
pub const HEAD: Style = Style::new().bold();
/// What stands back.
pub const DIM: Style = Style::new().dimmed();
/// Good news.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What deserves a look.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Bad news.
pub const BAD: Style = AnsiColor::Red.on_default().bold();

/// Characters of a shortened CID before and after the dots.
const SHORT: (usize, usize) = (4, 8);

/// Text in a style.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a task's status, a check's result or a release's state.
pub fn of_status(status: &str) -> Style {
    match status {
        "done" | "delegated" | "active" | "ok" | "decided" => GOOD,
        "deferred" | "queued" | "warning" | "undecided" => WARN,
        "blocked" | "failed" | "broken" | "quarantined" => BAD,
        _ => Style::new(),
    }
}

/// A CID that nobody copies: `bafy…y55fbzdi`. Its beginning says little, its end tells it from others.
pub fn short(cid: &str) -> String {
    let (before, after) = SHORT;
    let length = cid.chars().count();
    if length <= before + after + 1 {
        return cid.to_owned();
    }
    let head: String = cid.chars().take(before).collect();
    let tail: String = cid.chars().skip(length - after).collect();
    format!("{head}…{tail}")
}

/// A number without a tail of zeros, at most `digits` after the point.
pub fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A number that may be unknown.
pub fn known(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "?".to_owned(), |v| number(v, digits))
}

/// A count with its noun.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

/// A size in bytes for a person.
pub fn bytes(size: u64) -> String {
    indicatif::BinaryBytes(size).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms() {
        let cid = "bafyreigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
        assert_eq!(short(cid), "bafy…y55fbzdi");
        assert_eq!(short("self"), "self");
        assert_eq!(number(12.500, 2), "12.5");
        assert_eq!(number(100.0, 1), "100");
        assert_eq!(number(-0.001, 1), "0");
        assert_eq!(known(None, 1), "?");
        assert_eq!(count(1, "ballot"), "1 ballot");
        assert_eq!(count(0, "ballot"), "0 ballots");
    }
}
