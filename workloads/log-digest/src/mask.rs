//! Finds the parts of a line that vary by nature: timestamps, URLs, UUIDs, addresses, paths, hexadecimal and numbers.
//!
//! Every rule is a few byte comparisons at the start of a word, in the order of [`find`]; the first that fits wins.
//! A word is a run of ASCII letters, digits and bytes beyond ASCII, so `_` and `-` separate words: `eth0` stays,
//! `vlan_12` becomes `vlan_<NUM>`. It knows nothing of templates; what it misses, Drain turns into `<*>`.

use crate::class::{DIGIT, HEX, LETTER, PATH, URL_END, WORD, is, is_at, run_end};
use crate::stamp;

/// Stands for a timestamp.
pub const TIME: &str = "<TIME>";
/// Stands for a URL.
pub const URL: &str = "<URL>";
/// Stands for a UUID.
pub const UUID: &str = "<UUID>";
/// Stands for a hardware address.
pub const MAC: &str = "<MAC>";
/// Stands for an IPv4 or IPv6 address.
pub const IP: &str = "<IP>";
/// Stands for the path of a file.
pub const FILE: &str = "<PATH>";
/// Stands for hexadecimal digits: after `0x`, or seven or more with a digit and a letter among them.
pub const HEXADECIMAL: &str = "<HEX>";
/// Stands for a decimal number.
pub const NUMBER: &str = "<NUM>";

/// Bare hexadecimal shorter than this is a word, in bytes: the length of an abbreviated commit id.
const HEX_LEAST: usize = 7;

/// Units that may stick to a number and stay in the template.
const UNITS: [&str; 38] = [
    "B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "b", "kb", "Kb", "Mb", "Gb",
    "k", "K", "M", "G", "T", "ns", "us", "µs", "ms", "s", "sec", "secs", "m", "min", "mins", "h",
    "d", "Hz", "kHz", "MHz", "GHz", "x", "px",
];

/// A part to be replaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Where it begins; a number's sign may stand before the index that was asked about.
    pub from: usize,
    /// The index after it.
    pub to: usize,
    /// Where to look next: after the unit of a number.
    pub next: usize,
    /// What stands for it.
    pub name: &'static str,
}

impl Hit {
    fn new(from: usize, to: usize, name: &'static str) -> Self {
        Self {
            from,
            to,
            next: to,
            name,
        }
    }
}

/// What is at an index.
pub enum Found {
    /// A part to be replaced.
    Hit(Hit),
    /// None; where to look next.
    Next(usize),
}

/// What is at `at`, which is not inside a word; `last_slash` is the index of the line's last `/`, 0 if it has none.
#[inline]
pub fn find(line: &[u8], at: usize, last_slash: usize) -> Found {
    let c = line[at];
    if !is(c, WORD) {
        let hit = match c {
            b':' => colon_address(line, at).map(|(to, name)| Hit::new(at, to, name)),
            b'/' | b'.' | b'~' if at <= last_slash => path(line, at),
            b'_' | b'@' | b'%' | b'+' if at < last_slash => path(line, at),
            _ => None,
        };
        return hit.map_or(Found::Next(at + 1), Found::Hit);
    }
    // The first two cost one look at a byte each for most words.
    let end = run_end(line, at, WORD);
    let hit = time(line, at)
        .or_else(|| joined(line, at, end))
        .or_else(|| {
            if at < last_slash {
                path(line, at)
            } else {
                None
            }
        })
        .or_else(|| plain(line, at, end));
    hit.map_or(Found::Next(end), Found::Hit)
}

#[inline]
fn time(line: &[u8], at: usize) -> Option<Hit> {
    let end = stamp::end_of(line, at)?;
    Some(Hit::new(at, end, TIME))
}

/// What is told by the byte after the word that begins it: a UUID, an address with colons, a URL.
#[inline]
fn joined(line: &[u8], at: usize, end: usize) -> Option<Hit> {
    match line.get(end)? {
        b'-' if end - at == 8 => Some(Hit::new(at, uuid(line, at)?, UUID)),
        b':' if line[end..].starts_with(b"://") => Some(Hit::new(at, url(line, at, end)?, URL)),
        b':' if end - at <= 4 => {
            let (to, name) = colon_address(line, at)?;
            Some(Hit::new(at, to, name))
        }
        _ => None,
    }
}

/// What is a word, or words with dots: an IPv4 address, hexadecimal, a number.
#[inline]
fn plain(line: &[u8], at: usize, end: usize) -> Option<Hit> {
    let digit = is(line[at], DIGIT);
    if digit
        && line.get(end) == Some(&b'.')
        && let Some(to) = ipv4(line, at)
    {
        return Some(Hit::new(at, to, IP));
    }
    if is(line[at], HEX) && is_hexadecimal(&line[at..end]) {
        return Some(Hit::new(at, end, HEXADECIMAL));
    }
    if digit { number(line, at) } else { None }
}

fn uuid(line: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    for (group, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if group > 0 {
            if line.get(end) != Some(&b'-') {
                return None;
            }
            end += 1;
        }
        if run_end(line, end, HEX) - end != length {
            return None;
        }
        end += length;
    }
    (!is_at(line, end, WORD)).then_some(end)
}

/// A hardware address (six pairs), or an IPv6 address: eight groups, or one `::` and a digit somewhere.
fn colon_address(line: &[u8], at: usize) -> Option<(usize, &'static str)> {
    if at > 0 && (line[at - 1] == b':' || is(line[at - 1], WORD))
        || line[at] == b':' && line.get(at + 1) != Some(&b':')
    {
        return None;
    }
    let mut end = at;
    let (mut groups, mut pairs, mut gaps, mut digit) = (0, 0, 0, false);
    loop {
        let stop = run_end(line, end, HEX);
        let length = stop - end;
        if length > 4 {
            return None;
        }
        if length > 0 {
            groups += 1;
            pairs += usize::from(length == 2);
            digit |= line[end..stop].iter().any(u8::is_ascii_digit);
        }
        end = stop;
        if line.get(end) != Some(&b':') {
            break;
        }
        if line.get(end + 1) == Some(&b':') {
            gaps += 1;
            end += 2;
        } else if is_at(line, end + 1, HEX) {
            end += 1;
        } else {
            break;
        }
    }
    if is_at(line, end, WORD) || !digit {
        return None;
    }
    match (gaps, groups) {
        (0, 6) if pairs == 6 => Some((end, MAC)),
        (0, 8) | (1, 1..=7) => Some((end, IP)),
        _ => None,
    }
}

/// The end of the URL whose scheme is the word from `at` to `colon`.
fn url(line: &[u8], at: usize, colon: usize) -> Option<usize> {
    if run_end(line, at, LETTER) != colon {
        return None;
    }
    let host = colon + 3;
    let length = line[host..]
        .iter()
        .take_while(|&&c| !is(c, URL_END))
        .count();
    (length > 0).then_some(host + length)
}

/// A path: has a letter, and is rooted (`/`, `./`, `../`, `~/`), or has two slashes, or one and a suffix
/// (`src/main.rs`); so `and/or`, `5/10` and `HTTP/1.1` are none. Dashes before it are an option's, and so is one
/// letter after one dash (`-I/usr/include`).
fn path(line: &[u8], at: usize) -> Option<Hit> {
    if !begins_path(line, at) {
        return None;
    }
    let mut slashes = 0;
    let mut letter = false;
    let mut suffix = false;
    let mut end = at;
    while end < line.len() && is(line[end], PATH) {
        let c = line[end];
        if c == b'/' {
            slashes += 1;
            suffix = false;
        } else if is(c, WORD) && !is(c, DIGIT) {
            letter = true;
            suffix |= end > at && line[end - 1] == b'.';
        }
        end += 1;
    }
    if !letter || slashes == 0 {
        return None;
    }
    let is_path = slashes >= 2
        || suffix
        || [&b"/"[..], b"./", b"../", b"~/"]
            .iter()
            .any(|root| line[at..end].starts_with(root));
    is_path.then(|| Hit::new(at, end, FILE))
}

/// Whether a path may begin here: nothing of a path stands before, but for an option's dashes or dash and letter.
fn begins_path(line: &[u8], at: usize) -> bool {
    let free = |i: usize| i == 0 || !is(line[i - 1], PATH);
    if free(at) {
        // The letter of `-I/usr/include` is no part of the path, the dash was seen before it.
        return true;
    }
    if line[at - 1] != b'-' {
        let option = at >= 2 && is(line[at - 1], LETTER) && line[at - 2] == b'-' && free(at - 2);
        return option && line[at] == b'/';
    }
    let mut dash = at - 1;
    while dash > 0 && line[dash - 1] == b'-' {
        dash -= 1;
    }
    let option_letter = dash == at - 1 && is(line[at], LETTER) && line.get(at + 1) == Some(&b'/');
    free(dash) && !option_letter
}

fn ipv4(line: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    for group in 0..4 {
        if group > 0 {
            if line.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        let stop = run_end(line, end, DIGIT);
        if !(1..=3).contains(&(stop - end)) {
            return None;
        }
        end = stop;
    }
    let more = line.get(end) == Some(&b'.') && is_at(line, end + 1, DIGIT);
    (!more && !is_at(line, end, WORD)).then_some(end)
}

fn is_hexadecimal(word: &[u8]) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(|&c| is(c, HEX));
    if let [b'0', b'x', digits @ ..] = word {
        return !digits.is_empty() && hex(digits);
    }
    word.len() >= HEX_LEAST
        && hex(word)
        && word.iter().any(u8::is_ascii_digit)
        && word.iter().any(|&c| is(c, LETTER))
}

/// Digits, then further groups after dots or commas (`2.36.1`, `1,024`), the last with a unit if it has one. A sign
/// belongs to it if no word is before the sign.
fn number(line: &[u8], at: usize) -> Option<Hit> {
    let mut to = run_end(line, at, DIGIT);
    let mut next = unit_end(line, to)?;
    while next == to && matches!(line.get(to), Some(b'.' | b',')) && is_at(line, to + 1, DIGIT) {
        let stop = run_end(line, to + 1, DIGIT);
        let Some(end) = unit_end(line, stop) else {
            break;
        };
        (to, next) = (stop, end);
    }
    let signed =
        at > 0 && matches!(line[at - 1], b'-' | b'+') && (at == 1 || !is(line[at - 2], WORD));
    Some(Hit {
        from: at - usize::from(signed),
        to,
        next,
        name: NUMBER,
    })
}

/// The index after the unit at `at`, `at` itself if the word ends there; none if something else follows the number.
fn unit_end(line: &[u8], at: usize) -> Option<usize> {
    if !is_at(line, at, WORD) {
        return Some(at);
    }
    let end = run_end(line, at, WORD);
    UNITS
        .iter()
        .any(|unit| unit.as_bytes() == &line[at..end])
        .then_some(end)
}
