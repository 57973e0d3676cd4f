//! Words of a task's name: split on what is no letter and no digit, and where `camelCase` starts a new one.
//!
//! Words come in lower case. Digits belong to the word that they stand in; plurals and spelling are left alone.

use std::borrow::Cow;

/// The words of a text, in order, in lower case. Copies nothing where the text is plain.
pub fn split(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let plain = is_plain(text);
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|run| !run.is_empty())
        .flat_map(move |run| match plain {
            true => Words::One(Some(run)),
            false => Words::Several(camel(run).into_iter()),
        })
}

/// A text in lower case. Copies nothing where it is plain.
pub fn lower(text: &str) -> Cow<'_, str> {
    match is_plain(text) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.to_lowercase()),
    }
}

/// Whether a part stands anywhere in a text. Both are short, so that looking everywhere costs less than the preparation
/// of `str::contains`.
pub fn occurs(part: &str, text: &str) -> bool {
    let (part, text) = (part.as_bytes(), text.as_bytes());
    let Some(first) = part.first() else {
        return true;
    };
    text.windows(part.len())
        .any(|run| run[0] == *first && run == part)
}

/// Whether a text is ASCII without capitals: then it is its own lower case, and no word begins inside a run of letters.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
}

/// The words of one run of letters and digits.
enum Words<'a> {
    One(Option<&'a str>),
    Several(std::vec::IntoIter<String>),
}

impl<'a> Iterator for Words<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::One(word) => word.take().map(Cow::Borrowed),
            Self::Several(words) => words.find(|word| !word.is_empty()).map(Cow::Owned),
        }
    }
}

/// Whether a text is exactly one word, so that it can be compared with one.
pub fn is_one(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_alphanumeric)
}

/// `mlTraining` is `ml`, `training`; `MLTraining` too; `XMLParser` is `xml`, `parser`.
fn camel(run: &str) -> Vec<String> {
    let letters: Vec<char> = run.chars().collect();
    let starts = |i: usize| {
        i > 0
            && letters[i].is_uppercase()
            && (!letters[i - 1].is_uppercase()
                || letters.get(i + 1).is_some_and(|next| next.is_lowercase()))
    };
    let mut words = Vec::new();
    let mut word = String::new();
    for (i, letter) in letters.iter().enumerate() {
        if starts(i) {
            words.push(std::mem::take(&mut word));
        }
        word.extend(letter.to_lowercase());
    }
    words.push(word);
    words
}
