//! Cuts a stream of bytes into lines without holding more than one of them.
//!
//! A line ends at `\n`; one `\r` before it belongs to the ending. The last line needs no ending. Bytes beyond the
//! cap are read past, so memory does not depend on the input. It doesn't look inside a line.

use std::io::{self, BufRead, ErrorKind};

/// One line without its ending.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line<'a> {
    /// At most the cap's bytes.
    pub bytes: &'a [u8],
    /// Whether the line was longer.
    pub truncated: bool,
}

/// Calls `each` for every line, in order, and returns the bytes read, endings included.
///
/// # Errors
/// The reader's error, or the one that `each` returned.
pub fn for_each_line<E: From<io::Error>>(
    input: &mut dyn BufRead,
    cap: usize,
    mut each: impl FnMut(Line<'_>) -> Result<(), E>,
) -> Result<u64, E> {
    let mut total = 0_u64;
    let mut carry = Carry::default();
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        if chunk.is_empty() {
            break;
        }
        let length = chunk.len();
        total += length as u64;
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = (&rest[..end], &rest[end + 1..]);
            if carry.begun {
                carry.push(head, cap);
                each(carry.line(cap))?;
                carry.clear();
            } else {
                each(cut(head, false, cap))?;
            }
            rest = tail;
        }
        if !rest.is_empty() {
            carry.push(rest, cap);
        }
        input.consume(length);
    }
    if carry.begun {
        each(carry.line(cap))?;
    }
    Ok(total)
}

/// The line's kept bytes, less the `\r` of its ending where the whole line is at hand.
fn cut(bytes: &[u8], dropped: bool, cap: usize) -> Line<'_> {
    let whole = match bytes {
        [head @ .., b'\r'] if !dropped => head,
        _ => bytes,
    };
    Line {
        bytes: &whole[..whole.len().min(cap)],
        truncated: dropped || whole.len() > cap,
    }
}

/// The part of a line that earlier chunks held: one byte more than the cap, so that a `\r` there is not a cut.
#[derive(Default)]
struct Carry {
    bytes: Vec<u8>,
    dropped: bool,
    begun: bool,
}

impl Carry {
    fn push(&mut self, part: &[u8], cap: usize) {
        let room = (cap + 1 - self.bytes.len()).min(part.len());
        self.bytes.extend_from_slice(&part[..room]);
        self.dropped |= room < part.len();
        self.begun = true;
    }

    fn line(&self, cap: usize) -> Line<'_> {
        cut(&self.bytes, self.dropped, cap)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.dropped = false;
        self.begun = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor};

    /// Every buffer size must give the same lines.
    fn check(input: &[u8], cap: usize, expected: &[(&[u8], bool)]) {
        for buffer in [1, 2, 3, 7, 4096] {
            let mut reader = BufReader::with_capacity(buffer, Cursor::new(input));
            let mut lines = Vec::new();
            let total = for_each_line::<io::Error>(&mut reader, cap, |line| {
                lines.push((line.bytes.to_vec(), line.truncated));
                Ok(())
            })
            .unwrap();
            let lines: Vec<_> = lines.iter().map(|(b, t)| (b.as_slice(), *t)).collect();
            assert_eq!(lines, expected, "with a buffer of {buffer} bytes");
            assert_eq!(total, input.len() as u64);
        }
    }

    #[test]
    fn cuts_at_line_feeds() {
        check(b"", 9, &[]);
        check(b"a", 9, &[(b"a", false)]);
        check(b"a\n", 9, &[(b"a", false)]);
        check(b"a\n\nb", 9, &[(b"a", false), (b"", false), (b"b", false)]);
        check(
            b"a\r\nb\r\r\n\r\n",
            9,
            &[(b"a", false), (b"b\r", false), (b"", false)],
        );
    }

    #[test]
    fn cuts_long_lines_at_the_cap() {
        check(
            b"abcd\nabcde\nx",
            4,
            &[(b"abcd", false), (b"abcd", true), (b"x", false)],
        );
        check(
            b"abcd\r\nabcde\r\n",
            4,
            &[(b"abcd", false), (b"abcd", true)],
        );
        check(b"abcd\rx\n", 4, &[(b"abcd", true)]);
    }
}
