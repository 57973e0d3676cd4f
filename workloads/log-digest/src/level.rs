//! Finds the level of a line: `ERROR`, `[warn]`, `error:`, `level=info`.
//!
//! Looked for in the first tokens only. A word counts when it is all capitals, in brackets, before a colon, or the
//! value of `level`, `lvl` or `severity`; so "no error found" has no level.

use crate::class::{LETTER, PATH, is_at, run_end};

/// The levels, the mildest first.
pub const NAMES: [&str; 7] = [
    "trace", "debug", "info", "notice", "warning", "error", "critical",
];

/// Words and the index of their level in [`NAMES`].
const WORDS: [(&[u8], usize); 16] = [
    (b"TRACE", 0),
    (b"DEBUG", 1),
    (b"INFO", 2),
    (b"INFORMATION", 2),
    (b"NOTICE", 3),
    (b"WARN", 4),
    (b"WARNING", 4),
    (b"ERR", 5),
    (b"ERROR", 5),
    (b"SEVERE", 5),
    (b"CRIT", 6),
    (b"CRITICAL", 6),
    (b"FATAL", 6),
    (b"ALERT", 6),
    (b"EMERG", 6),
    (b"PANIC", 6),
];

/// Keys whose value is a level.
const KEYS: [&[u8]; 3] = [b"level", b"lvl", b"severity"];

/// The index in [`NAMES`] of the level that a token states.
#[inline]
pub fn of(token: &[u8]) -> Option<usize> {
    let opened = token.iter().take_while(|c| b"[(<{\"'".contains(c)).count();
    let mut begin = opened;
    // Most tokens end here: no level and no key begins like them.
    match token.get(begin).map(u8::to_ascii_lowercase) {
        Some(b't' | b'd' | b'i' | b'n' | b'w' | b'e' | b's' | b'c' | b'f' | b'a' | b'p' | b'l') => {
        }
        _ => return None,
    }
    let mut end = run_end(token, begin, LETTER);
    let keyed = KEYS
        .iter()
        .any(|key| token[begin..end].eq_ignore_ascii_case(key));
    if keyed {
        begin = end
            + token[end..]
                .iter()
                .take_while(|c| b"\"':=".contains(c))
                .count();
        if begin == end {
            return None;
        }
        end = run_end(token, begin, LETTER);
    }
    let word = &token[begin..end];
    if is_at(token, end, PATH) {
        return None;
    }
    let level = WORDS.iter().find(|w| word.eq_ignore_ascii_case(w.0))?.1;
    let closing = token.get(end);
    let marked = word.iter().all(u8::is_ascii_uppercase)
        || keyed
        || opened > 0 && matches!(closing, Some(b']' | b')' | b'>' | b'}'))
        || matches!(closing, Some(b':' | b'['));
    marked.then_some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_levels_that_are_marked() {
        let cases = [
            ("ERROR", Some("error")),
            ("[warn]", Some("warning")),
            ("error:", Some("error")),
            ("error[E0425]:", Some("error")),
            ("ERR!", Some("error")),
            ("level=info", Some("info")),
            ("\"level\":\"debug\",", Some("debug")),
            ("<notice>", Some("notice")),
            ("FATAL:", Some("critical")),
            ("error", None),
            ("errors:", None),
            ("ERROR_CODE", None),
            ("INFO/x", None),
            ("level", None),
            ("level=<NUM>", None),
            ("[", None),
            ("", None),
        ];
        for (token, expected) in cases {
            assert_eq!(
                of(token.as_bytes()).map(|i| NAMES[i]),
                expected,
                "of `{token}`"
            );
        }
    }
}
