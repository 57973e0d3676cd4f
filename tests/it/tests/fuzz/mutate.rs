//! Bytes that nobody wrote on purpose: valid ones, damaged in the ways that decoders trip over.

/// Most damages of one input.
const DAMAGES: u64 = 6;
/// Longest run of one byte that is put in: depth, for whatever nests.
const RUN_BYTES: u64 = 96 * 1024;

/// What means much to some decoder: huge lengths and counts, tags, indefinite lengths, opening brackets, limits of
/// integers, floats that are no numbers.
const WORDS: &[&[u8]] = &[
    // DAG-CBOR: byte and text strings, lists and maps of up to 2^64 - 1 items; links, breaks, NaN, 2^53, -2^63.
    b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x5a\x7f\xff\xff\xff",
    b"\x7b\x00\x00\x00\x01\x00\x00\x00\x00",
    b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x9a\x00\x10\x00\x00",
    b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\xba\x00\x10\x00\x00",
    b"\x9f\xff",
    b"\xbf\xff",
    b"\x5f\xff",
    b"\xd8\x2a\x58\x25\x00\x01\x71\x12\x20",
    b"\xd8\x2a\xd8\x2a",
    b"\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    b"\x1b\x00\x20\x00\x00\x00\x00\x00\x00",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\xf6",
    // Varints and LEB128: 2^32 - 1, 2^64 - 1, one that does not end, one padded with zeros.
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\x80\x80\x80\x00",
    // A component's head, a module's, and sections.
    b"\0asm\x0d\0\x01\0",
    b"\0asm\x01\0\0\0",
    b"\x04\x08\0asm\x0d\0\x01\0",
    b"\x07\xff\xff\xff\xff\x0f",
    // JSON and TOML.
    b"{\"$ref\":\"#\"}",
    b"\"pattern\":\"(a+)+$\",",
    b"\"maximum\":1e999,",
    b"18446744073709551616",
    b"-0.0",
    b"\\ud800",
    b"\xed\xa0\x80",
    b"[[rule]]\n",
    b"\"\"\"",
    b"\0",
];

/// Openings of something that may hold itself.
const OPENINGS: &[&[u8]] = &[
    b"\x81",
    b"\xa1\x61a",
    b"\xd8\x2a",
    b"[",
    b"{\"a\":",
    b"a.",
    b"a=[",
    b"{a=",
    b"\x0a\x02",
];

/// Numbers without a pattern, the same for the same seed (Steele, Lea and Flood 2014: splitmix64).
pub struct Rng(pub u64);

impl Rng {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// One below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// One of several.
    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }

    fn place(&mut self, bytes: &[u8]) -> usize {
        self.below(bytes.len() as u64 + 1) as usize
    }

    /// A part of the bytes; small ones are likelier.
    fn part(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let from = self.place(bytes);
        let most = (bytes.len() - from) as u64 >> self.below(8);
        from..from + self.below(most + 1) as usize
    }
}

/// One of the samples with some damage.
pub fn damaged(rng: &mut Rng, samples: &[Vec<u8>]) -> Vec<u8> {
    let any = |rng: &mut Rng| &samples[rng.below(samples.len() as u64) as usize];
    let mut bytes = any(rng).clone();
    for _ in 0..=rng.below(DAMAGES) {
        let at = rng.place(&bytes);
        match rng.below(10) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            2 if at < bytes.len() => bytes[at] = rng.next() as u8,
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(rng.part(&bytes))),
            5 => {
                let part = bytes[rng.part(&bytes)].to_vec();
                drop(bytes.splice(at..at, part));
            }
            6 => {
                let word = rng.one(WORDS).iter().copied();
                // Put in, or written over what is there.
                let end = match rng.below(2) {
                    0 => at,
                    _ => (at + word.len()).min(bytes.len()),
                };
                drop(bytes.splice(at..end, word));
            }
            7 => {
                let other = any(rng);
                let part = other[rng.part(other)].to_vec();
                let over = rng.part(&bytes);
                drop(bytes.splice(over, part));
            }
            8 if rng.below(8) == 0 => {
                let opening = rng.one(OPENINGS);
                let most = (RUN_BYTES / opening.len() as u64) >> rng.below(12);
                let run = opening.repeat(1 + rng.below(most) as usize);
                drop(bytes.splice(at..at, run));
            }
            // A number that says how much follows, changed a little.
            _ if at < bytes.len() => {
                bytes[at] = bytes[at].wrapping_add(rng.below(3) as u8).wrapping_sub(1)
            }
            _ => bytes.push(rng.next() as u8),
        }
    }
    bytes
}
