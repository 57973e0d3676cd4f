//! Texts that come from strangers and are shown to people: bounded, and unable to move a cursor or hide a word.

/// A text that can't be shown safely, or is too long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Too long, or empty where it must not be.
    #[error("has {found} bytes, allowed are {min} to {max}")]
    Length {
        /// Bytes found.
        found: usize,
        /// Fewest allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// A character that would control the reader's screen or be invisible.
    #[error("holds the control or invisible character U+{0:04X}; use plain text on one line")]
    Hidden(u32),
    /// A name with other characters than a name has.
    #[error(
        "is `{0}`; a name has 1 to 64 lowercase letters, digits and dashes, and no dash first or last"
    )]
    Name(String),
}

/// Checks that a text has `min..=max` bytes and no control, bidirectional-override or invisible character.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(text: &str, min: usize, max: usize) -> Result<(), TextError> {
    if !(min..=max).contains(&text.len()) {
        return Err(TextError::Length {
            found: text.len(),
            min,
            max,
        });
    }
    match text.chars().find(|c| is_hidden(*c)) {
        Some(c) => Err(TextError::Hidden(c as u32)),
        None => Ok(()),
    }
}

/// Checks a release's or model's name: 1 to 64 of `a-z`, `0-9`, `-`, with no dash at either end.
///
/// # Errors
/// [`TextError::Name`] with what was found, cut and escaped.
pub fn check_name(name: &str) -> Result<(), TextError> {
    let ok = (1..=crate::limits::NAME_CHARS).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if ok {
        Ok(())
    } else {
        Err(TextError::Name(shown(name, 80)))
    }
}

/// A stranger's text for an error message: at most `max` characters, hidden ones escaped.
pub fn shown(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == max {
            out.push('…');
            break;
        }
        if is_hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters of both ranges, line separators, bidirectional controls, zero-width spaces, tags. The joiners
/// U+200C and U+200D are kept: scripts and emoji need them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}
