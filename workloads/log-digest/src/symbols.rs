//! Numbers for the words of templates, so that comparing tokens is comparing integers.
//!
//! Only words of templates get a number; a line's other words are all [`UNKNOWN`], which equals none of them. So the
//! table grows with the templates, not with the log. Numbers are given in order of arrival; hashing decides nothing
//! that can be seen.

/// The wildcard `<*>`.
pub const WILDCARD: u32 = 0;
/// A word that no template has.
pub const UNKNOWN: u32 = u32::MAX;
/// The wildcard's text.
pub const WILDCARD_TEXT: &[u8] = b"<*>";

const SLOTS_AT_FIRST: usize = 1024;
/// A slot's content when it is free.
const FREE: u32 = u32::MAX;
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The table: open addressing over word numbers.
pub struct Symbols {
    text: Vec<u8>,
    /// The end of each word in `text`; a word begins where the one before it ends.
    ends: Vec<usize>,
    hashes: Vec<u32>,
    slots: Vec<u32>,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Self {
            text: Vec::new(),
            ends: Vec::new(),
            hashes: Vec::new(),
            slots: vec![FREE; SLOTS_AT_FIRST],
        };
        symbols.intern(WILDCARD_TEXT);
        symbols
    }
}

impl Symbols {
    /// The number of a word, [`UNKNOWN`] if it has none. A line's own `<*>` is not the wildcard.
    #[inline]
    pub fn find(&self, word: &[u8]) -> u32 {
        match self.slots[self.slot(word, hash(word))] {
            FREE | WILDCARD => UNKNOWN,
            symbol => symbol,
        }
    }

    /// The number of a word, a new one if it has none.
    pub fn intern(&mut self, word: &[u8]) -> u32 {
        let hash = hash(word);
        let slot = self.slot(word, hash);
        if self.slots[slot] != FREE {
            return self.slots[slot];
        }
        let symbol = self.ends.len() as u32;
        self.text.extend_from_slice(word);
        self.ends.push(self.text.len());
        self.hashes.push(hash);
        self.slots[slot] = symbol;
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        symbol
    }

    /// A word's text.
    pub fn text(&self, symbol: u32) -> &[u8] {
        let at = symbol as usize;
        let begin = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[begin..self.ends[at]]
    }

    /// The slot that holds the word, or the free one where it belongs.
    #[inline]
    fn slot(&self, word: &[u8], hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let symbol = self.slots[slot];
            if symbol == FREE || self.hashes[symbol as usize] == hash && self.text(symbol) == word {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        self.slots.clear();
        self.slots.resize(size, FREE);
        for (symbol, &hash) in self.hashes.iter().enumerate() {
            let mut slot = hash as usize & (size - 1);
            while self.slots[slot] != FREE {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = symbol as u32;
        }
    }
}

/// Eight bytes at a time, multiplied and rotated; well mixed in its upper half, which is what is kept.
#[inline]
fn hash(word: &[u8]) -> u32 {
    let mix = |state: u64, part: u64| (state.rotate_left(5) ^ part).wrapping_mul(MULTIPLIER);
    let mut state = word.len() as u64;
    let mut chunks = word.chunks_exact(8);
    for chunk in &mut chunks {
        state = mix(state, number::<8>(chunk));
    }
    let rest = chunks.remainder();
    let last = if word.len() >= 8 {
        // The last eight bytes, some of them for the second time.
        number::<8>(&word[word.len() - 8..])
    } else if rest.len() >= 4 {
        number::<4>(rest) << 32 | number::<4>(&rest[rest.len() - 4..])
    } else {
        rest.iter().fold(0, |last, &c| last << 8 | u64::from(c))
    };
    state = mix(state, last);
    ((state ^ state >> 29).wrapping_mul(MULTIPLIER) >> 32) as u32
}

/// The first `N` bytes, at most eight, as a number.
#[inline]
fn number<const N: usize>(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight[..N].copy_from_slice(&bytes[..N]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_words_once() {
        let mut symbols = Symbols::default();
        let words: Vec<String> = (0..5000).map(|i| format!("word-{i}")).collect();
        let first: Vec<u32> = words.iter().map(|w| symbols.intern(w.as_bytes())).collect();
        let again: Vec<u32> = words.iter().map(|w| symbols.find(w.as_bytes())).collect();
        assert_eq!(first, again);
        assert_eq!(first, (1..=5000).collect::<Vec<u32>>());
        for (word, &symbol) in words.iter().zip(&first) {
            assert_eq!(symbols.text(symbol), word.as_bytes());
        }
    }

    #[test]
    fn a_lines_own_wildcard_is_unknown() {
        let symbols = Symbols::default();
        assert_eq!(symbols.find(WILDCARD_TEXT), UNKNOWN);
        assert_eq!(symbols.find(b"never seen"), UNKNOWN);
    }
}
