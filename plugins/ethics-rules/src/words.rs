//! Words of a task's name: split on what is no letter and no digit, and where `camelCase` starts a new one.
//!
//! Words come in lower case. Digits belong to the word that they stand in; plurals and spelling are left alone.

/// The words of a text, in order, in lower case.
pub fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .flat_map(camel)
        .filter(|word| !word.is_empty())
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
