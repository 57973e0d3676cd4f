//! Feeds lines to Drain and keeps what is reported of each template, within the memory that the params allow.

use crate::drain::Drain;
use crate::level;
use crate::limits::{LEVEL_TOKENS, STAMP_BYTES, TEMPLATE_OVERHEAD_BYTES};
use crate::lines::Line;
use crate::params::Params;
use crate::report::{OutlierRule, Overflow, Report, Template};
use crate::symbols::Symbols;
use crate::token::Tokens;

/// A timestamp as it stands in the log.
#[derive(Clone, Copy)]
struct Stamp {
    bytes: [u8; STAMP_BYTES],
    length: u8,
}

impl Stamp {
    const NONE: Self = Self {
        bytes: [0; STAMP_BYTES],
        length: 0,
    };

    fn set(&mut self, stamp: &[u8]) {
        let length = stamp.len().min(STAMP_BYTES);
        self.bytes[..length].copy_from_slice(&stamp[..length]);
        self.length = length as u8;
    }

    fn text(&self) -> Option<String> {
        (self.length > 0).then(|| lossy(&self.bytes[..self.length.into()]))
    }
}

/// What is known of a template's lines.
struct Tally {
    count: u64,
    first_line: u64,
    last_line: u64,
    first_seen: Stamp,
    last_seen: Stamp,
    example: Box<[u8]>,
}

/// The state of a run.
pub struct Digest {
    params: Params,
    tokens: Tokens,
    symbols: Symbols,
    drain: Drain,
    tallies: Vec<Tally>,
    /// The line's symbols; used again for every line.
    line: Vec<u32>,
    memory_bytes: usize,
    lines: u64,
    blank: u64,
    truncated: u64,
    token_capped: u64,
    invalid_utf8: u64,
    levels: [u64; level::NAMES.len()],
    overflow: Option<Overflow>,
}

impl Digest {
    /// A run before its first line.
    pub fn new(params: Params) -> Self {
        Self {
            tokens: Tokens::default(),
            symbols: Symbols::default(),
            drain: Drain::new(params.depth, params.similarity, params.max_children),
            tallies: Vec::new(),
            line: Vec::new(),
            memory_bytes: 0,
            lines: 0,
            blank: 0,
            truncated: 0,
            token_capped: 0,
            invalid_utf8: 0,
            levels: [0; level::NAMES.len()],
            overflow: None,
            params,
        }
    }

    /// Takes the next line and returns its template's id; 0 for a blank line and for one without room.
    pub fn add(&mut self, line: Line<'_>) -> u64 {
        self.lines += 1;
        self.truncated += u64::from(line.truncated);
        if let Err(e) = std::str::from_utf8(line.bytes) {
            // A character that the cap cut through is no fault of the line.
            if !(line.truncated && e.error_len().is_none()) {
                self.invalid_utf8 += 1;
            }
        }
        self.tokens.split(line.bytes, self.params.max_tokens);
        self.token_capped += u64::from(self.tokens.cut());
        if self.tokens.count() == 0 {
            self.blank += 1;
            return 0;
        }
        self.line.clear();
        for token in self.tokens.iter(line.bytes) {
            self.line.push(self.symbols.find(token));
        }
        let found = self
            .tokens
            .iter(line.bytes)
            .take(LEVEL_TOKENS)
            .find_map(level::of);
        if let Some(level) = found {
            self.levels[level] += 1;
        }
        let Some(template) = self
            .drain
            .join(&self.line)
            .or_else(|| self.insert(line.bytes))
        else {
            self.overflowed(line.bytes);
            return 0;
        };
        let tally = &mut self.tallies[template];
        tally.count += 1;
        tally.last_line = self.lines;
        if let Some(stamp) = self.tokens.stamp(line.bytes) {
            if tally.first_seen.length == 0 {
                tally.first_seen.set(stamp);
            }
            tally.last_seen.set(stamp);
        }
        template as u64 + 1
    }

    /// Makes a template of the line, if there is room.
    fn insert(&mut self, line: &[u8]) -> Option<usize> {
        let example = &line[..line.len().min(self.params.max_example_bytes)];
        // New words cost their text and their places in the table, known ones only their number.
        let tokens: usize = self.tokens.iter(line).map(|token| token.len() + 32).sum();
        let bytes = TEMPLATE_OVERHEAD_BYTES + example.len() + tokens;
        if self.drain.count() == self.params.max_templates
            || self.memory_bytes + bytes > self.params.max_memory_bytes
        {
            return None;
        }
        self.memory_bytes += bytes;
        self.line.clear();
        for token in self.tokens.iter(line) {
            self.line.push(self.symbols.intern(token));
        }
        self.tallies.push(Tally {
            count: 0,
            first_line: self.lines,
            last_line: self.lines,
            first_seen: Stamp::NONE,
            last_seen: Stamp::NONE,
            example: example.into(),
        });
        Some(self.drain.insert(&self.line, &self.symbols))
    }

    fn overflowed(&mut self, line: &[u8]) {
        let number = self.lines;
        let most = self.params.max_example_bytes;
        let overflow = self.overflow.get_or_insert_with(|| Overflow {
            lines: 0,
            first_line: number,
            last_line: number,
            example: lossy(&line[..line.len().min(most)]),
        });
        overflow.lines += 1;
        overflow.last_line = number;
    }

    /// Ends the run; `bytes` is what was read.
    pub fn report(self, bytes: u64) -> Report {
        let text = |template: usize| {
            let mut text = Vec::new();
            for (i, &symbol) in self.drain.tokens(template).iter().enumerate() {
                if i > 0 {
                    text.push(b' ');
                }
                text.extend_from_slice(self.symbols.text(symbol));
            }
            lossy(&text)
        };
        let templates = self.tallies.iter().enumerate().map(|(i, tally)| Template {
            id: i as u64 + 1,
            template: text(i).into(),
            count: tally.count,
            first_line: tally.first_line,
            last_line: tally.last_line,
            first_seen: tally.first_seen.text(),
            last_seen: tally.last_seen.text(),
            example: lossy(&tally.example),
        });
        let levels = level::NAMES.into_iter().zip(self.levels);
        let mut report = Report {
            lines: self.lines,
            bytes,
            blank_lines: self.blank,
            truncated_lines: self.truncated,
            token_capped_lines: self.token_capped,
            invalid_utf8_lines: self.invalid_utf8,
            levels: (self.levels.iter().any(|&n| n > 0))
                .then(|| levels.filter(|&(_, n)| n > 0).collect()),
            overflow: self.overflow.clone(),
            outlier_rule: OutlierRule::new(self.params.outlier_share, self.lines - self.blank),
            template_count: 0,
            templates: templates.collect(),
            outliers: Vec::new(),
            params: self.params.clone(),
        };
        report.arrange();
        report
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
