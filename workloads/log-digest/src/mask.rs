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

/// The part that begins at `at`, if one does. `at` is not inside a word; `last_slash` is the index of the line's last
/// `/`, 0 if it has none.
#[inline]
pub fn find(line: &[u8], at: usize, last_slash: usize) -> Option<Hit> {
    let c = line[at];
    if !is(c, WORD) {
        return match c {
            b':' => colon_address(line, at).map(|(to, name)| Hit::new(at, to, name)),
            b'/' | b'.' | b'~' if at <= last_slash => path(line, at),
            b'_' | b'@' | b'%' | b'+' if at < last_slash => path(line, at),
            _ => None,
        };
    }
    if (is(c, DIGIT) || c.is_ascii_uppercase())
        && let Some(to) = stamp::end_of(line, at)
    {
        return Some(Hit::new(at, to, TIME));
    }
    if is(c, HEX) {
        let end = run_end(line, at, HEX);
        let next = line.get(end);
        if end - at == 8
            && next == Some(&b'-')
            && let Some(to) = uuid(line, at)
        {
            return Some(Hit::new(at, to, UUID));
        }
        if end - at <= 4
            && next == Some(&b':')
            && let Some((to, name)) = colon_address(line, at)
        {
            return Some(Hit::new(at, to, name));
        }
    }
    if is(c, LETTER)
        && let Some(to) = url(line, at)
    {
        return Some(Hit::new(at, to, URL));
    }
    if at < last_slash
        && let Some(hit) = path(line, at)
    {
        return Some(hit);
    }
    if is(c, DIGIT)
        && let Some(to) = ipv4(line, at)
    {
        return Some(Hit::new(at, to, IP));
    }
    if is(c, HEX)
        && let Some(to) = hexadecimal(line, at)
    {
        return Some(Hit::new(at, to, HEXADECIMAL));
    }
    if is(c, DIGIT) {
        return number(line, at);
    }
    None
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
    if at > 0 && line[at - 1] == b':' || line[at] == b':' && line.get(at + 1) != Some(&b':') {
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

fn url(line: &[u8], at: usize) -> Option<usize> {
    let scheme = run_end(line, at, LETTER);
    if line.get(scheme) != Some(&b':') || !line[scheme..].starts_with(b"://") {
        return None;
    }
    let host = scheme + 3;
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
    let end = run_end(line, at, PATH);
    let run = &line[at..end];
    let mut slashes = 0;
    let mut letter = false;
    let mut suffix = false;
    for (i, &c) in run.iter().enumerate() {
        if c == b'/' {
            slashes += 1;
            suffix = false;
        } else if is(c, WORD) && !is(c, DIGIT) {
            letter = true;
            suffix |= i > 0 && run[i - 1] == b'.';
        }
    }
    let rooted = [&b"/"[..], b"./", b"../", b"~/"]
        .iter()
        .any(|root| run.starts_with(root));
    let is_path = letter && (slashes >= 2 || slashes == 1 && (rooted || suffix));
    is_path.then(|| Hit::new(at, end, FILE))
}

/// Whether a path may begin here: nothing of a path stands before, but for an option's dashes or dash and letter.
fn begins_path(line: &[u8], at: usize) -> bool {
    let free = |i: usize| i == 0 || !is(line[i - 1], PATH);
    if free(at) {
        // The letter of `-I/usr/include` is no part of the path, the dash was seen before it.
        return true;
    }
    if line[at] == b'/' {
        return at >= 2 && is(line[at - 1], LETTER) && line[at - 2] == b'-' && free(at - 2);
    }
    if line[at - 1] != b'-' {
        return false;
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

fn hexadecimal(line: &[u8], at: usize) -> Option<usize> {
    if line[at] == b'0' && line.get(at + 1) == Some(&b'x') {
        let end = run_end(line, at + 2, HEX);
        return (end > at + 2 && !is_at(line, end, WORD)).then_some(end);
    }
    let end = run_end(line, at, HEX);
    if end - at < HEX_LEAST || is_at(line, end, WORD) {
        return None;
    }
    let word = &line[at..end];
    let mixed = word.iter().any(u8::is_ascii_digit) && word.iter().any(|&c| is(c, LETTER));
    mixed.then_some(end)
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
