//! What a byte can be part of, looked up in a table.

/// White space of ASCII: separates tokens.
pub const SPACE: u8 = 1;
/// `0` to `9`.
pub const DIGIT: u8 = 2;
/// A hexadecimal digit.
pub const HEX: u8 = 4;
/// An ASCII letter.
pub const LETTER: u8 = 8;
/// Part of a word: an ASCII letter or digit, or any byte of a character beyond ASCII.
pub const WORD: u8 = 16;
/// Part of a file's path: a word, or one of `_ . + @ % ~ - /`.
pub const PATH: u8 = 32;
/// Ends a URL: white space, a quote, a bracket, or one of `, ; |` and the backslash.
pub const URL_END: u8 = 64;

const TABLE: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let c = i as u8;
        let mut class = 0;
        if matches!(c, b' ' | 9..=13) {
            class |= SPACE | URL_END;
        }
        if c.is_ascii_digit() {
            class |= DIGIT;
        }
        if c.is_ascii_hexdigit() {
            class |= HEX;
        }
        if c.is_ascii_alphabetic() {
            class |= LETTER;
        }
        if c.is_ascii_alphanumeric() || c >= 0x80 {
            class |= WORD | PATH;
        }
        if matches!(c, b'_' | b'.' | b'+' | b'@' | b'%' | b'~' | b'-' | b'/') {
            class |= PATH;
        }
        if matches!(
            c,
            b'"' | b'\''
                | b'<'
                | b'>'
                | b'('
                | b')'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b','
                | b';'
                | b'|'
                | b'\\'
        ) {
            class |= URL_END;
        }
        table[i] = class;
        i += 1;
    }
    table
}

/// Whether the byte is of one of the classes.
#[inline(always)]
pub fn is(c: u8, classes: u8) -> bool {
    TABLE[c as usize] & classes != 0
}

/// Whether there is a byte at `at` and it is of one of the classes.
#[inline(always)]
pub fn is_at(bytes: &[u8], at: usize, classes: u8) -> bool {
    bytes.get(at).is_some_and(|&c| is(c, classes))
}

/// The first index from `at` on whose byte is not of the classes, at most the length.
#[inline(always)]
pub fn run_end(bytes: &[u8], at: usize, classes: u8) -> usize {
    let mut end = at;
    while end < bytes.len() && is(bytes[end], classes) {
        end += 1;
    }
    end
}
