//! GGUF files (versions 2 and 3): metadata, and tensors one at a time.
//!
//! Every count and length is compared with a limit and with what is left of the file before anything is reserved for it.

use crate::error::ModelError;
use crate::files;
use crate::limits::{
    GGUF_KEYS, GGUF_NAME_BYTES, GGUF_TENSORS, GGUF_TEXT_BYTES, TENSOR_ELEMENTS, VOCABULARY,
};
use crate::matrix::Matrix;
use crate::quant::Format;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

const MAGIC: [u8; 4] = *b"GGUF";
const DIMENSIONS: u32 = 4;
/// Where tensors begin, unless the file says otherwise.
const ALIGNMENT: u64 = 32;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Flag(bool),
    Text(String),
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

/// Where a tensor lies, and of what shape it is: the length of a row last, which GGUF has first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub shape: Vec<usize>,
    pub format: Format,
    offset: u64,
    bytes: u64,
}

/// An open file.
pub(crate) struct Gguf {
    name: String,
    file: File,
    metadata: BTreeMap<String, Value>,
    tensors: BTreeMap<String, Tensor>,
    start: u64,
}

struct Reader<'a> {
    name: &'a str,
    inner: BufReader<&'a mut File>,
    left: u64,
    read: u64,
}

impl Reader<'_> {
    fn bad(&self, why: impl ToString) -> ModelError {
        ModelError::malformed(self.name, why)
    }

    fn bytes(&mut self, count: u64, most: u64, what: &str) -> Result<Vec<u8>, ModelError> {
        if count > most || count > self.left {
            return Err(self.bad(format!("{what} claims {count} bytes")));
        }
        let mut bytes = vec![0; count as usize];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|e| files::unreadable(self.name, &e))?;
        self.left -= count;
        self.read += count;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let bytes = self.bytes(N as u64, N as u64, "a number")?;
        let mut array = [0; N];
        array.copy_from_slice(&bytes);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32, ModelError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, ModelError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn text(&mut self, most: u64, what: &str) -> Result<String, ModelError> {
        let length = self.u64()?;
        let bytes = self.bytes(length, most, what)?;
        String::from_utf8(bytes).map_err(|_| self.bad(format!("{what} is not UTF-8")))
    }

    fn value(&mut self, kind: u32) -> Result<Value, ModelError> {
        Ok(match kind {
            0 => Value::Unsigned(u64::from(self.array::<1>()?[0])),
            1 => Value::Signed(i64::from(self.array::<1>()?[0].cast_signed())),
            2 => Value::Unsigned(u64::from(u16::from_le_bytes(self.array()?))),
            3 => Value::Signed(i64::from(i16::from_le_bytes(self.array()?))),
            4 => Value::Unsigned(u64::from(self.u32()?)),
            5 => Value::Signed(i64::from(i32::from_le_bytes(self.array()?))),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.array()?))),
            7 => Value::Flag(self.array::<1>()?[0] != 0),
            8 => Value::Text(self.text(GGUF_TEXT_BYTES, "a text")?),
            9 => return self.list(),
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.array()?)),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            other => return Err(self.bad(format!("a value of the unknown type {other}"))),
        })
    }

    fn list(&mut self) -> Result<Value, ModelError> {
        let (kind, count) = (self.u32()?, self.u64()?);
        if count > VOCABULARY as u64 || count > self.left {
            return Err(self.bad(format!("a list claims {count} items")));
        }
        if kind == 8 {
            let texts = (0..count).map(|_| self.text(GGUF_TEXT_BYTES, "a text"));
            return texts.collect::<Result<_, _>>().map(Value::Texts);
        }
        if kind == 9 {
            return Err(self.bad("a list of lists"));
        }
        let mut numbers = Vec::new();
        for _ in 0..count {
            numbers.push(match self.value(kind)? {
                Value::Unsigned(n) => n as f64,
                Value::Signed(n) => n as f64,
                Value::Float(n) => n,
                Value::Flag(flag) => f64::from(u8::from(flag)),
                _ => return Err(self.bad("a list of what is no number")),
            });
        }
        Ok(Value::Numbers(numbers))
    }
}

impl Gguf {
    /// Reads the head of a file, and checks that every tensor lies in it.
    ///
    /// # Errors
    /// When it is no GGUF file, not all of one, or has a tensor in an unknown format.
    pub fn open(dir: &Path, name: &str) -> Result<Self, ModelError> {
        let mut file = files::open(dir, name)?;
        let io = |e: std::io::Error| files::unreadable(name, &e);
        let size = file.seek(SeekFrom::End(0)).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let mut reader = Reader {
            name,
            inner: BufReader::new(&mut file),
            left: size,
            read: 0,
        };
        if reader.array::<4>()? != MAGIC {
            return Err(reader.bad("it does not begin with `GGUF`"));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(reader.bad(format!("version {version}; 2 and 3 are known")));
        }
        let (tensors, keys) = (reader.u64()?, reader.u64()?);
        if tensors > GGUF_TENSORS || keys > GGUF_KEYS {
            return Err(reader.bad(format!("it claims {tensors} tensors and {keys} keys")));
        }
        let mut metadata = BTreeMap::new();
        for _ in 0..keys {
            let key = reader.text(GGUF_NAME_BYTES, "a key")?;
            let kind = reader.u32()?;
            let value = reader.value(kind)?;
            metadata.insert(key, value);
        }
        let mut found = BTreeMap::new();
        for _ in 0..tensors {
            let name = reader.text(GGUF_NAME_BYTES, "a tensor's name")?;
            let tensor = tensor(&mut reader, &name)?;
            found.insert(name, tensor);
        }
        let alignment = match metadata.get("general.alignment") {
            Some(Value::Unsigned(n)) if n.is_power_of_two() && *n <= 1 << 16 => *n,
            Some(_) => return Err(reader.bad("`general.alignment` is no small power of two")),
            None => ALIGNMENT,
        };
        let start = reader.read.next_multiple_of(alignment);
        drop(reader);
        for (tensor, at) in &found {
            let end = start
                .checked_add(at.offset)
                .and_then(|n| n.checked_add(at.bytes));
            if end.is_none_or(|end| end > size) {
                return Err(ModelError::malformed(
                    name,
                    format!("`{tensor}` lies outside of the file"),
                ));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            file,
            metadata,
            tensors: found,
            start,
        })
    }

    /// A text of the metadata.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A list of texts of the metadata.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.metadata.get(key) {
            Some(Value::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    /// A number of the metadata.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.metadata.get(key)? {
            Value::Unsigned(n) => Some(*n as f64),
            Value::Signed(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            _ => None,
        }
    }

    /// A list of numbers of the metadata.
    pub fn numbers(&self, key: &str) -> Option<&[f64]> {
        match self.metadata.get(key) {
            Some(Value::Numbers(numbers)) => Some(numbers),
            _ => None,
        }
    }

    /// A yes or no of the metadata.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.metadata.get(key) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// What is wrong with the file.
    pub fn bad(&self, why: impl ToString) -> ModelError {
        ModelError::malformed(&self.name, why)
    }

    /// Where a tensor lies.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn tensor(&self, name: &str) -> Result<&Tensor, ModelError> {
        let there = self.tensors.get(name);
        there.ok_or_else(|| self.bad(format!("it has no tensor `{name}`")))
    }

    /// A matrix of `outputs` rows and `inputs` columns, kept as the file has it.
    ///
    /// # Errors
    /// When there is none of that name, or it has another shape.
    pub fn matrix(
        &mut self,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Matrix, ModelError> {
        let format = self.of_shape(name, &[outputs, inputs])?;
        let bytes = self.bytes(name)?;
        if !format.is_finite(&bytes) {
            return Err(ModelError::not_finite(&self.name, name));
        }
        Ok(Matrix::new(bytes, format, outputs, inputs))
    }

    /// A row of `count` numbers.
    ///
    /// # Errors
    /// As [`Self::matrix`].
    pub fn values(&mut self, name: &str, count: usize) -> Result<Vec<f32>, ModelError> {
        let format = self.of_shape(name, &[count])?;
        let bytes = self.bytes(name)?;
        if !format.is_finite(&bytes) {
            return Err(ModelError::not_finite(&self.name, name));
        }
        let mut values = vec![0.0; count];
        format.decode(&bytes, &mut values);
        Ok(values)
    }

    fn of_shape(&self, name: &str, shape: &[usize]) -> Result<Format, ModelError> {
        let tensor = self.tensor(name)?;
        if tensor.shape == shape {
            return Ok(tensor.format);
        }
        let found = &tensor.shape;
        Err(self.bad(format!(
            "`{name}` has the shape {found:?}, {shape:?} is wanted"
        )))
    }

    /// The bytes of a tensor, as they are.
    ///
    /// # Errors
    /// When there is none of that name, or the file can't be read.
    fn bytes(&mut self, tensor: &str) -> Result<Vec<u8>, ModelError> {
        let at = self.tensor(tensor)?.clone();
        let io = |e: std::io::Error| files::unreadable(&self.name, &e);
        self.file
            .seek(SeekFrom::Start(self.start + at.offset))
            .map_err(io)?;
        let mut bytes = vec![0; at.bytes as usize];
        self.file.read_exact(&mut bytes).map_err(io)?;
        Ok(bytes)
    }
}

fn tensor(reader: &mut Reader<'_>, name: &str) -> Result<Tensor, ModelError> {
    let dimensions = reader.u32()?;
    if dimensions == 0 || dimensions > DIMENSIONS {
        return Err(reader.bad(format!("`{name}` has {dimensions} dimensions")));
    }
    let mut shape = Vec::new();
    let mut count: u64 = 1;
    for _ in 0..dimensions {
        let size = reader.u64()?;
        count = count
            .checked_mul(size)
            .filter(|n| *n <= TENSOR_ELEMENTS)
            .ok_or_else(|| reader.bad(format!("`{name}` has too many elements")))?;
        shape.push(size as usize);
    }
    shape.reverse();
    let number = reader.u32()?;
    let format = Format::of_ggml(number).ok_or_else(|| {
        let known = "F32, F16, BF16, Q4_0, Q8_0, Q4_K and Q6_K are known";
        ModelError::Unsupported(format!(
            "`{name}` is stored as ggml's type {number}; {known}"
        ))
    })?;
    let (values, bytes) = format.block();
    let row = shape.last().copied().unwrap_or_default();
    if row % values != 0 {
        return Err(reader.bad(format!(
            "a row of `{name}` has {row} values, no multiple of {values}"
        )));
    }
    Ok(Tensor {
        shape,
        format,
        offset: reader.u64()?,
        bytes: count / values as u64 * bytes as u64,
    })
}
