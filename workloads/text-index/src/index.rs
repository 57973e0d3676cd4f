//! An index as it is written: a line of JSON for itself, and one for each passage with its vector.
//!
//! A model is known by what it makes of one fixed text: two indexes whose probes are equal, bit for bit, were made by the
//! same model, since it gives the same bits on any machine.

use crate::limits::{DIMENSIONS, LINE_BYTES};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read, Write};
use weft_sdk::workload::JobError;

/// The version of the format.
const FORMAT: u32 = 1;
/// The text that tells models apart.
pub const PROBE: &str = "what tells models apart";

/// The first line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    text_index: u32,
    /// What the model makes of [`PROBE`].
    #[serde(with = "vector")]
    pub probe: Vec<f32>,
    /// Passages of the directory that it lacks: those were left for the next run.
    #[serde(default)]
    pub left: u64,
}

/// A line for a passage.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The file's path from the top of its directory.
    pub path: String,
    /// The line that it begins on, from 1.
    pub line: u64,
    /// What it says.
    pub text: String,
    /// Its vector, as long as the probe.
    #[serde(with = "vector")]
    pub vector: Vec<f32>,
}

impl Header {
    /// The header of an index by the model that makes this of the probe.
    pub fn new(probe: Vec<f32>, left: u64) -> Self {
        Self {
            text_index: FORMAT,
            probe,
            left,
        }
    }
}

impl Entry {
    /// Whether it has no vector yet.
    pub fn is_new(&self) -> bool {
        self.vector.is_empty()
    }
}

/// Reads an index line by line.
pub struct Reader<'a> {
    input: &'a mut dyn BufRead,
    line: u64,
    dimensions: usize,
}

impl<'a> Reader<'a> {
    /// Reads the first line; none where there is not a byte.
    ///
    /// # Errors
    /// [`JobError::BadInput`] where that is no index, or one of a later format.
    pub fn open(input: &'a mut dyn BufRead) -> Result<Option<(Self, Header)>, JobError> {
        let mut reader = Self {
            input,
            line: 0,
            dimensions: 0,
        };
        let Some(header) = reader.next::<Header>()? else {
            return Ok(None);
        };
        if header.text_index != FORMAT {
            let found = header.text_index;
            return Err(reader.bad(&format!("the format is {found}, only {FORMAT} is known")));
        }
        reader.check(&header.probe)?;
        reader.dimensions = header.probe.len();
        Ok(Some((reader, header)))
    }

    /// The next passage; none at the end.
    ///
    /// # Errors
    /// [`JobError::BadInput`] where the line is none.
    pub fn entry(&mut self) -> Result<Option<Entry>, JobError> {
        let Some(entry) = self.next::<Entry>()? else {
            return Ok(None);
        };
        self.check(&entry.vector)?;
        if entry.vector.len() != self.dimensions {
            let (found, expected) = (entry.vector.len(), self.dimensions);
            return Err(self.bad(&format!(
                "a vector of {found} values among such of {expected}"
            )));
        }
        Ok(Some(entry))
    }

    fn next<T: for<'de> Deserialize<'de>>(&mut self) -> Result<Option<T>, JobError> {
        let mut line = Vec::new();
        let mut window = (&mut *self.input).take(LINE_BYTES as u64 + 1);
        let read = window.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if read > LINE_BYTES {
            return Err(self.bad(&format!("it has more than {LINE_BYTES} bytes")));
        }
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|e| self.bad(&e.to_string()))
    }

    fn check(&self, vector: &[f32]) -> Result<(), JobError> {
        if !(1..=DIMENSIONS).contains(&vector.len()) {
            let found = vector.len();
            return Err(self.bad(&format!(
                "a vector of {found} values, not 1 to {DIMENSIONS}"
            )));
        }
        if vector.iter().any(|value| !value.is_finite()) {
            return Err(self.bad("a vector with a value that is no number"));
        }
        Ok(())
    }

    fn bad(&self, why: &str) -> JobError {
        let line = self.line;
        JobError::BadInput(format!(
            "not an index that text-index wrote: line {line}: {why}"
        ))
    }
}

/// Writes a line.
///
/// # Errors
/// The output's.
pub fn write(output: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, line)?;
    output.write_all(b"\n")
}

/// A vector as text: Base64 of its values' bytes, little-endian.
mod vector {
    use super::BASE64;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(vector: &[f32], to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = vector
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        to.serialize_str(&BASE64.encode(&bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let (values, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(D::Error::custom("a vector's bytes come in fours"));
        }
        Ok(values
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect())
    }
}
