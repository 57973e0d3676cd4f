//! Colours, and short forms of what is long.

use anstyle::{AnsiColor, Style};
pub use weft_model::content::short;

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

/// A name as a shell reads it, for commands that a person copies.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Words with commas between, in lines of at most `width` characters.
pub fn lines_of(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() + 3 <= width => {
                line.push_str(&format!(", {word}"));
            }
            Some(line) => {
                line.push(',');
                lines.push(word.clone());
            }
            None => lines.push(word.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_counts_are_short() {
        assert_eq!(number(12.500, 2), "12.5");
        assert_eq!(number(100.0, 1), "100");
        assert_eq!(number(-0.001, 1), "0");
        assert_eq!(known(None, 1), "?");
        assert_eq!(count(1, "ballot"), "1 ballot");
        assert_eq!(count(0, "ballot"), "0 ballots");
    }

    #[test]
    fn names_in_commands_are_one_word_to_a_shell() {
        for plain in ["nightly-train", "alice@example.com"] {
            assert_eq!(word(plain), plain);
        }
        assert_eq!(word("two words"), "'two words'");
        assert_eq!(word("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn long_lists_are_broken_between_words() {
        let words = ["aaaa", "bbbb", "cc"].map(str::to_owned);
        assert_eq!(lines_of(&words, 12), ["aaaa, bbbb,", "cc"]);
        assert_eq!(lines_of(&words, 80), ["aaaa, bbbb, cc"]);
        assert_eq!(lines_of(&words, 1), ["aaaa,", "bbbb,", "cc"]);
    }
}
