//! A text cut into passages: short enough for a model to read whole, long enough to mean something.
//!
//! Paragraphs stay whole where they fit, and short ones that follow each other are taken together; a heading begins a
//! passage. What is longer is cut between lines, then between sentences, then between words.

use crate::limits::PASSAGE_BYTES;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The line that it begins on, from 1.
    pub line: u64,
    /// What it says, without blank lines at its ends.
    pub text: String,
}

/// The passages of a text, in order. Every character that is not white space is in just one of them.
pub fn passages(text: &str) -> Vec<Passage> {
    let mut found = Vec::new();
    let mut open: Option<Passage> = None;
    for paragraph in paragraphs(text) {
        let follows = open.as_ref().is_some_and(|before| {
            !is_heading(&paragraph.text)
                && before.text.len() + 2 + paragraph.text.len() <= PASSAGE_BYTES
        });
        match &mut open {
            Some(before) if follows => {
                before.text.push_str("\n\n");
                before.text.push_str(&paragraph.text);
            }
            _ => {
                found.extend(open.take());
                let mut pieces = cut(paragraph);
                open = pieces.pop();
                found.append(&mut pieces);
            }
        }
    }
    found.extend(open);
    found
}

/// Lines between blank ones.
fn paragraphs(text: &str) -> Vec<Passage> {
    let mut found: Vec<Passage> = Vec::new();
    let mut inside = false;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim_end();
        match found.last_mut() {
            _ if line.is_empty() => inside = false,
            Some(paragraph) if inside && !is_heading(line) => {
                paragraph.text.push('\n');
                paragraph.text.push_str(line);
            }
            _ => {
                inside = true;
                found.push(Passage {
                    line: number,
                    text: line.to_owned(),
                });
            }
        }
    }
    found
}

/// As Markdown and its kin have them.
fn is_heading(text: &str) -> bool {
    let marks = text.chars().take_while(|c| *c == '#').count();
    (1..=6).contains(&marks) && text[marks..].starts_with(' ')
}

/// The pieces of a paragraph; at least one.
fn cut(paragraph: Passage) -> Vec<Passage> {
    let mut pieces = Vec::new();
    // What is indented far is cut at its words, not before the first.
    let (mut rest, mut line) = (paragraph.text.trim_start(), paragraph.line);
    while rest.len() > PASSAGE_BYTES {
        let (piece, after) = rest.split_at(place(rest));
        let (said, gap) = piece.split_at(piece.trim_end().len());
        pieces.push(Passage {
            line,
            text: said.to_owned(),
        });
        let skipped = after.len() - after.trim_start().len();
        let lines = |text: &str| text.matches('\n').count() as u64;
        line += lines(said) + lines(gap) + lines(&after[..skipped]);
        rest = &after[skipped..];
    }
    pieces.push(Passage {
        line,
        text: rest.to_owned(),
    });
    pieces
}

/// Where a text that is too long is cut: the last end of a line, of a sentence or of a word in the later half of what
/// fits, else the last character that fits.
fn place(text: &str) -> usize {
    let fits = text.floor_char_boundary(PASSAGE_BYTES);
    let window = &text[..fits];
    let late = |at: &usize| *at > PASSAGE_BYTES / 2;
    let sentence = |window: &str| {
        let ends = [". ", "! ", "? ", "\u{3002}", "\u{ff01}", "\u{ff1f}"];
        let last = |end: &&str| window.rfind(*end).map(|at| at + end.trim_end().len());
        ends.iter().filter_map(last).max()
    };
    window
        .rfind('\n')
        .filter(late)
        .or_else(|| sentence(window).filter(late))
        .or_else(|| window.rfind(char::is_whitespace).filter(late))
        .unwrap_or(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<(u64, String)> {
        let all = passages(text).into_iter();
        all.map(|passage| (passage.line, passage.text)).collect()
    }

    #[test]
    fn short_paragraphs_are_taken_together_and_a_heading_begins_anew() {
        let text = "# Bread\n\nFlour and water.\n\n\nSalt.\n## Oven\nHot.\n";
        let expected = [
            (1, "# Bread\n\nFlour and water.\n\nSalt."),
            (7, "## Oven\nHot."),
        ];
        assert_eq!(
            shown(text),
            expected.map(|(at, text)| (at, text.to_owned()))
        );
        assert_eq!(shown(" \n\n\t\n"), []);
    }

    #[test]
    fn what_is_too_long_is_cut_at_lines_then_sentences_then_words_then_anywhere() {
        let line = "a line of it ".repeat(30);
        let lines = format!("{line}\n{line}\n{line}");
        let starts: Vec<u64> = passages(&lines).iter().map(|p| p.line).collect();
        assert_eq!(starts, [1, 3], "two lines of 389 bytes fit");
        let sentences = "One says so. ".repeat(100);
        for passage in passages(&sentences) {
            assert!(passage.text.ends_with('.'), "{passage:?}");
        }
        let words = "word ".repeat(400);
        for passage in passages(&words) {
            assert!(passage.text.ends_with("word"), "{passage:?}");
        }
        let one = "\u{e9}".repeat(1000);
        assert_eq!(passages(&one).len(), 3);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_doubled_or_too_long(
            pad in 0..2000_usize,
            text in "[a-z .\n#\u{e9}\u{3002}]{0,5000}",
        ) {
            let text = " ".repeat(pad) + &text;
            let found = passages(&text);
            let dense = |text: &str| text.split_whitespace().collect::<String>();
            let all: String = found.iter().map(|p| dense(&p.text)).collect();
            prop_assert_eq!(all, dense(&text));
            for passage in &found {
                prop_assert!(passage.text.len() <= PASSAGE_BYTES);
                prop_assert!(!passage.text.trim().is_empty());
                let first = passage.text.lines().next().unwrap_or_default();
                let there = text.lines().nth(passage.line as usize - 1).unwrap_or_default();
                prop_assert!(there.contains(first.trim()), "{first:?} is not on line {}", passage.line);
            }
        }
    }
}
