//! Words in a name: how a text is split and when a word is one of a list.
//!
//! The comparison is of whole words, without regard to case. It knows no language: regular English plurals count,
//! other inflections have to be listed. Letters are compared as they are encoded (composed, NFC).

use std::borrow::Cow;

/// The words of a text, case-folded: split where it is not alphanumeric, in camelCase, and between letters and
/// digits. Copies no letter where the text is plain.
pub fn split(text: &str) -> Vec<Cow<'_, str>> {
    if is_plain(text) {
        return text
            .split(|c: char| !c.is_ascii_lowercase())
            .filter(|word| !word.is_empty())
            .map(Cow::Borrowed)
            .collect();
    }
    folded(text).into_iter().map(Cow::Owned).collect()
}

/// Whether a text is ASCII without capitals and digits: then its words are its runs of letters, as they stand there.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase() && !b.is_ascii_digit())
}

/// [`split`] of any text.
fn folded(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let breaks = before.is_some_and(|before| boundary(before, c, chars.get(i + 1).copied()));
        if !c.is_alphanumeric() || breaks {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            fold(c, &mut word);
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a word begins at `c`: `fireAlarm`, the last capital of `HTTPServer`, `ward7`, `7ward`.
fn boundary(before: char, c: char, after: Option<char>) -> bool {
    let lower_follows = after.is_some_and(char::is_lowercase);
    before.is_numeric() != c.is_numeric()
        || (c.is_uppercase() && (!before.is_uppercase() || lower_follows))
}

/// Folds case by way of the capital, so that `ß` equals `SS` and both small sigmas are one.
fn fold(c: char, into: &mut String) {
    if c.is_ascii() {
        into.push(c.to_ascii_lowercase());
        return;
    }
    into.extend(c.to_uppercase().flat_map(char::to_lowercase));
}

/// Whether a text has a word at all.
pub fn has_one(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Whether `wanted` (one word, or several in a row as in `power-grid`) stands in `words`. Its last word may be a
/// regular plural.
pub fn holds(words: &[Cow<'_, str>], wanted: &str) -> bool {
    // Nearly every listed word is one word of small letters, which is its own folding; and every form of a word begins
    // as it does, so most are told apart by one byte.
    if wanted.bytes().all(|b| b.is_ascii_lowercase()) {
        let first = wanted.as_bytes().first();
        return first.is_some()
            && words
                .iter()
                .any(|word| word.as_bytes().first() == first && is_form(word, wanted));
    }
    let wanted = split(wanted);
    let Some((last, head)) = wanted.split_last() else {
        return false;
    };
    words
        .windows(wanted.len())
        .any(|run| run[..head.len()] == *head && is_form(&run[head.len()], last))
}

/// Whether `word` is `singular` or its regular plural: `fires`, `viruses`, `emergencies`.
fn is_form(word: &str, singular: &str) -> bool {
    if let Some(ending) = word.strip_prefix(singular) {
        let hisses = ["s", "x", "z", "ch", "sh"]
            .iter()
            .any(|end| singular.ends_with(end));
        return match ending {
            "" => true,
            "es" => hisses,
            "s" => !hisses && !ends_in_consonant_y(singular),
            _ => false,
        };
    }
    let stem = singular
        .strip_suffix('y')
        .filter(|_| ends_in_consonant_y(singular));
    stem.is_some_and(|stem| word.strip_prefix(stem) == Some("ies"))
}

fn ends_in_consonant_y(word: &str) -> bool {
    let mut back = word.chars().rev();
    back.next() == Some('y') && back.next().is_some_and(|c| !"aeiou".contains(c))
}
