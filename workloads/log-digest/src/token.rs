//! Cuts a line into tokens at white space, with the varying parts replaced, in buffers that are used again.

use crate::class::{DIGIT, SPACE, is, is_at, run_end};
use crate::mask::{self, Found};
use crate::stamp;

/// Where a token's bytes are.
#[derive(Clone, Copy)]
struct Span {
    from: usize,
    to: usize,
    /// In the buffer of replaced text, not in the line.
    replaced: bool,
}

/// The tokens of the line that was split last.
#[derive(Default)]
pub struct Tokens {
    spans: Vec<Span>,
    /// The bytes of tokens in which something was replaced.
    text: Vec<u8>,
    stamp: Option<(usize, usize)>,
    cut: bool,
}

impl Tokens {
    /// Splits a line into at most `cap` tokens.
    ///
    /// A timestamp that leads the line is left out, so that lines are grouped by what they say; it may stand in
    /// brackets and be followed by a colon or comma; in brackets it may also be a kernel's seconds since boot. A line
    /// that holds nothing else is the one token `<TIME>`.
    pub fn split(&mut self, line: &[u8], cap: usize) {
        self.spans.clear();
        self.text.clear();
        self.stamp = None;
        self.cut = false;
        let last_slash = memchr::memrchr(b'/', line).unwrap_or(0);
        let begin = run_end(line, 0, SPACE);
        let mut at = run_end(line, self.leading_stamp(line, begin), SPACE);
        if at == line.len() {
            at = begin;
        }
        while at < line.len() {
            if self.spans.len() == cap {
                self.cut = true;
                return;
            }
            at = run_end(line, self.token(line, at, last_slash), SPACE);
        }
    }

    /// How many tokens there are.
    pub fn count(&self) -> usize {
        self.spans.len()
    }

    /// The tokens' bytes, in order.
    pub fn iter<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.spans.iter().map(move |span| {
            let source = if span.replaced { &self.text } else { line };
            &source[span.from..span.to]
        })
    }

    /// The first timestamp of the line, as it stands.
    pub fn stamp<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        self.stamp.map(|(from, to)| &line[from..to])
    }

    /// Whether the line had more tokens than the cap.
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// The index after the timestamp that leads the line, `begin` if there is none.
    fn leading_stamp(&mut self, line: &[u8], begin: usize) -> usize {
        let bracket = line.get(begin) == Some(&b'[');
        let from = begin + usize::from(bracket);
        if from >= line.len() {
            return begin;
        }
        let (from, to) = match stamp::end_of(line, from) {
            Some(to) => (from, to),
            None if bracket => match since_boot(line, from) {
                Some(found) => found,
                None => return begin,
            },
            None => return begin,
        };
        let mut end = to;
        if bracket {
            if line.get(end) != Some(&b']') {
                return begin;
            }
            end += 1;
        }
        end += usize::from(matches!(line.get(end), Some(b':' | b',')));
        if end < line.len() && !is_at(line, end, SPACE) {
            return begin;
        }
        self.stamp = Some((from, to));
        end
    }

    /// Takes the token that begins at `begin` and returns the index after it. A timestamp's spaces don't end it.
    fn token(&mut self, line: &[u8], begin: usize, last_slash: usize) -> usize {
        let text_begin = self.text.len();
        let mut copied = begin;
        let mut at = begin;
        while at < line.len() && !is(line[at], SPACE) {
            let hit = match mask::find(line, at, last_slash) {
                Found::Hit(hit) => hit,
                Found::Next(next) => {
                    at = next;
                    continue;
                }
            };
            if hit.name == mask::TIME && self.stamp.is_none() {
                self.stamp = Some((hit.from, hit.to));
            }
            self.text
                .extend_from_slice(&line[copied..hit.from.max(copied)]);
            self.text.extend_from_slice(hit.name.as_bytes());
            copied = hit.to;
            at = hit.next;
        }
        if copied == begin {
            self.spans.push(Span {
                from: begin,
                to: at,
                replaced: false,
            });
        } else {
            self.text.extend_from_slice(&line[copied..at]);
            self.spans.push(Span {
                from: text_begin,
                to: self.text.len(),
                replaced: true,
            });
        }
        at
    }
}

/// A kernel's seconds since it booted, `   12.345678`, up to the bracket that must follow.
fn since_boot(line: &[u8], at: usize) -> Option<(usize, usize)> {
    let from = run_end(line, at, SPACE);
    let dot = run_end(line, from, DIGIT);
    if dot == from || line.get(dot) != Some(&b'.') {
        return None;
    }
    let to = run_end(line, dot + 1, DIGIT);
    (to > dot + 1 && line.get(to) == Some(&b']')).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line after masking, tokens joined by one space.
    fn masked(line: &str) -> String {
        let mut tokens = Tokens::default();
        tokens.split(line.as_bytes(), 100);
        let parts: Vec<_> = tokens
            .iter(line.as_bytes())
            .map(|token| String::from_utf8_lossy(token).into_owned())
            .collect();
        parts.join(" ")
    }

    #[test]
    fn masks_by_rule() {
        let cases = [
            // Numbers, their signs and units.
            ("took 12 of 3.5, or 1,024", "took <NUM> of <NUM>, or <NUM>"),
            (
                "-5 +7 a-5 x=-5 2.36-9",
                "<NUM> <NUM> a-<NUM> x=<NUM> <NUM>-<NUM>",
            ),
            (
                "12ms 3.21s 64MiB 10µs 50%",
                "<NUM>ms <NUM>s <NUM>MiB <NUM>µs <NUM>%",
            ),
            (
                "eth0 vlan_12 4th 1.5rc2 v2",
                "eth0 vlan_<NUM> 4th <NUM>.5rc2 v2",
            ),
            ("sshd[123]: (4/7)", "sshd[<NUM>]: (<NUM>/<NUM>)"),
            // Hexadecimal.
            (
                "0x1f 0xZZ 5f3e1c2 deadbeef 1234567",
                "<HEX> 0xZZ <HEX> deadbeef <NUM>",
            ),
            ("libfoo-5f3e1c2d3a4b5c6d.rlib", "libfoo-<HEX>.rlib"),
            ("550e8400-e29b-41d4-a716-446655440000,", "<UUID>,"),
            // Addresses.
            (
                "10.0.0.1:80 10.0.0.0/8 1.2.3.4.5",
                "<IP>:<NUM> <IP>/<NUM> <NUM>",
            ),
            (
                "fe80::1%eth0 ::1 2001:db8:0:0:0:0:0:1",
                "<IP>%eth0 <IP> <IP>",
            ),
            (
                "00:1a:2b:3c:4d:5e a::b f64::abs std::fmt",
                "<MAC> a::b f64::abs std::fmt",
            ),
            (
                "foo::12 é::12 (::12) --10.0.0.1",
                "foo::<NUM> é::<NUM> (<IP>) --<IP>",
            ),
            // Paths and URLs.
            ("-/x --/x -I/x -Ix/y/z", "-<PATH> --<PATH> -I<PATH> -<PATH>"),
            (
                "/etc/passwd:12: ./a ../b ~/c",
                "<PATH>:<NUM>: <PATH> <PATH> <PATH>",
            ),
            (
                "src/main.rs a/b/c and/or I/O 5/10",
                "<PATH> <PATH> and/or I/O <NUM>/<NUM>",
            ),
            ("HTTP/1.1 text/html / //", "HTTP/<NUM> text/html / //"),
            (
                "-I/usr/include --out=/tmp/x -L dependency=/a",
                "-I<PATH> --out=<PATH> -L dependency=<PATH>",
            ),
            ("3rdparty/lib/x.c 'a/b.c'", "<PATH> '<PATH>'"),
            ("get https://x.org/a?b=1, ok", "get <URL>, ok"),
            ("registry+https://x.org#a@1", "registry+<URL>"),
            // Timestamps.
            ("2026-01-31 12:00:00 status ok", "status ok"),
            ("[2026-01-31T12:00:00Z] ok", "ok"),
            ("[2026-01-31T12:00:00Z INFO a] ok", "[<TIME> INFO a] ok"),
            ("Jan  1 12:00:00 host x", "host x"),
            ("[    0.000000] Linux", "Linux"),
            ("[   12.345] [7.x] [9]", "[<NUM>.x] [<NUM>]"),
            ("[7.] a", "[<NUM>.] a"),
            ("Start-Date: 2026-01-31  12:00:00", "Start-Date: <TIME>"),
            ("2026-01-31 12:00:00", "<TIME>"),
            ("a 12:00:00 b", "a <TIME> b"),
            // Nothing to mask, and odd shapes.
            ("", ""),
            (" \t ", ""),
            ("été 5é <*>", "été 5é <*>"),
            (": :: [ - -- . ~", ": :: [ - -- . ~"),
        ];
        for (line, expected) in cases {
            assert_eq!(masked(line), expected, "of `{line}`");
        }
    }

    #[test]
    fn keeps_the_first_timestamp_as_it_stands() {
        let cases = [
            (
                "2026-01-31 12:00:00 at 13:00:00",
                Some("2026-01-31 12:00:00"),
            ),
            ("from 13:00:00 to 14:00:00", Some("13:00:00")),
            ("[Jan  1 12:00:00]: x", Some("Jan  1 12:00:00")),
            ("[    1.500000] x", Some("1.500000")),
            ("none", None),
        ];
        for (line, expected) in cases {
            let mut tokens = Tokens::default();
            tokens.split(line.as_bytes(), 100);
            assert_eq!(tokens.stamp(line.as_bytes()), expected.map(str::as_bytes));
        }
    }

    #[test]
    fn stops_at_the_cap() {
        let mut tokens = Tokens::default();
        tokens.split(b"a b c d", 3);
        assert_eq!((tokens.count(), tokens.cut()), (3, true));
        tokens.split(b"a b c  ", 3);
        assert_eq!((tokens.count(), tokens.cut()), (3, false));
    }
}
