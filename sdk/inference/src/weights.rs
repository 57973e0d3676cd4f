//! Tensors out of safetensors files, one at a time: a file itself is never held in memory.

use crate::error::ModelError;
use crate::files;
use crate::limits::{HEADER_BYTES, TENSOR_ELEMENTS, WEIGHT_FILES};
use crate::linear::Linear;
use crate::matrix::Matrix;
use crate::quant::Format;
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// The file of a model's weights.
const WEIGHTS: &str = "model.safetensors";
/// What stands there instead where there are several, as `transformers` writes it.
const INDEX: &str = "model.safetensors.index.json";

/// Values that are read at once.
const CHUNK_VALUES: usize = 16 * 1024;

/// What a safetensors file is read from.
trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// Which file has which tensor.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The open safetensors files of a model, mostly one.
pub struct Weights {
    files: Vec<Opened>,
}

/// One of them.
struct Opened {
    name: String,
    file: Box<dyn Source>,
    header: Metadata,
    /// Where the values begin, in bytes.
    start: u64,
}

impl Weights {
    /// Reads the headers of a model's weights: of `model.safetensors`, or else of the files that
    /// `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// When there is neither, a file is missing or damaged, or lacks a tensor that the index says is in it.
    pub fn open(dir: &Path) -> Result<Self, ModelError> {
        match files::open(dir, WEIGHTS) {
            Err(missing @ ModelError::Missing(_)) => match files::json_if_there(dir, INDEX)? {
                Some(index) => Self::open_all(dir, &index),
                None => Err(missing),
            },
            file => Ok(Self {
                files: vec![Opened::read(Box::new(file?), WEIGHTS)?],
            }),
        }
    }

    fn open_all(dir: &Path, index: &Index) -> Result<Self, ModelError> {
        let refuse = |why: String| Err(ModelError::malformed(INDEX, why));
        let names: BTreeSet<&String> = index.weight_map.values().collect();
        if names.is_empty() || names.len() > WEIGHT_FILES {
            return refuse(format!(
                "it names {} files, 1 to {WEIGHT_FILES} are taken",
                names.len()
            ));
        }
        let mut opened = BTreeMap::new();
        for name in names {
            if Path::new(name).file_name() != Some(name.as_ref()) {
                return refuse(format!("`{}` is no file beside it", name.escape_debug()));
            }
            let file = Box::new(files::open(dir, name)?);
            opened.insert(name, Opened::read(file, name)?);
        }
        for (tensor, name) in &index.weight_map {
            if opened[name].header.info(tensor).is_none() {
                return refuse(format!(
                    "`{}` is not in `{name}`, where it says that it is",
                    tensor.escape_debug()
                ));
            }
        }
        Ok(Self {
            files: opened.into_values().collect(),
        })
    }

    /// A file that is in memory already.
    ///
    /// # Errors
    /// When it is no safetensors file, or not all of one.
    pub fn of_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, ModelError> {
        Ok(Self {
            files: vec![Opened::read(Box::new(Cursor::new(bytes)), name)?],
        })
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, tensor: &str) -> bool {
        self.files.iter().any(|f| f.header.info(tensor).is_some())
    }

    /// The shape of a tensor.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn shape(&self, tensor: &str) -> Result<&[usize], ModelError> {
        let found = self.files.iter().find_map(|f| f.header.info(tensor));
        match found {
            Some(info) => Ok(&info.shape),
            None => Err(self.lacks(tensor)),
        }
    }

    fn lacks(&self, tensor: &str) -> ModelError {
        let names: Vec<&str> = self.files.iter().map(|f| f.name.as_str()).collect();
        ModelError::malformed(&names.join(", "), format!("it has no tensor `{tensor}`"))
    }

    /// The file that has a tensor, and what its header says of it.
    fn find(&mut self, tensor: &str) -> Result<(&mut Opened, TensorInfo), ModelError> {
        let mut files = self.files.iter().enumerate();
        match files.find_map(|(at, f)| Some((at, f.header.info(tensor)?.clone()))) {
            Some((at, info)) => Ok((&mut self.files[at], info)),
            None => Err(self.lacks(tensor)),
        }
    }

    /// The names of all tensors.
    pub fn names(&self) -> Vec<String> {
        let all = self
            .files
            .iter()
            .flat_map(|f| f.header.tensors().into_keys());
        let mut names: Vec<String> = all.collect();
        names.sort_unstable();
        names
    }

    /// A matrix of `outputs` rows and `inputs` columns, kept as the file has it.
    pub(crate) fn matrix(
        &mut self,
        tensor: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Matrix, ModelError> {
        let (file, info) = self.find(tensor)?;
        let format = match info.dtype {
            Dtype::F32 => Format::F32,
            Dtype::F16 => Format::F16,
            Dtype::BF16 => Format::Bf16,
            other => {
                let why = format!("`{tensor}` is of {other:?}; F32, F16 and BF16 are known");
                return Err(ModelError::malformed(&file.name, why));
            }
        };
        if info.shape != [outputs, inputs] {
            let why = format!(
                "`{tensor}` has the shape {:?}, [{outputs}, {inputs}] is wanted",
                info.shape
            );
            return Err(ModelError::malformed(&file.name, why));
        }
        let (from, to) = info.data_offsets;
        file.seek(from)?;
        let mut bytes = vec![0; to - from];
        file.fill(&mut bytes)?;
        if !format.is_finite(&bytes) {
            return Err(ModelError::not_finite(&file.name, tensor));
        }
        Ok(Matrix::new(bytes, format, outputs, inputs))
    }

    /// Hands the values of a tensor to `take`, in order, in pieces.
    fn stream(
        &mut self,
        tensor: &str,
        shape: &[usize],
        mut take: impl FnMut(&[f32]),
    ) -> Result<(), ModelError> {
        let (file, info) = self.find(tensor)?;
        let wrong = |why: String| {
            Err(ModelError::malformed(
                &file.name,
                format!("`{tensor}` {why}"),
            ))
        };
        if info.shape != shape {
            return wrong(format!(
                "has the shape {:?}, {shape:?} is wanted",
                info.shape
            ));
        }
        let kind = info.dtype;
        let width = match kind {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            Dtype::I8 => 1,
            other => return wrong(format!("is of {other:?}; F32, F16, BF16 and I8 are known")),
        };
        let (from, to) = info.data_offsets;
        let mut left = (to - from) / width;
        if left as u64 > TENSOR_ELEMENTS {
            return wrong(format!(
                "has {left} elements, {TENSOR_ELEMENTS} are taken at most"
            ));
        }
        file.seek(from)?;
        let mut bytes = vec![0; CHUNK_VALUES * width];
        let mut values = Vec::with_capacity(CHUNK_VALUES);
        while left > 0 {
            let count = left.min(CHUNK_VALUES);
            let bytes = &mut bytes[..count * width];
            file.fill(bytes)?;
            values.clear();
            decode(kind, bytes, &mut values);
            if values.iter().any(|value| !value.is_finite()) {
                return Err(ModelError::not_finite(&file.name, tensor));
            }
            take(&values);
            left -= count;
        }
        Ok(())
    }

    /// All values of a tensor.
    ///
    /// # Errors
    /// When there is none of that name, or it has another shape or an unknown type.
    pub fn values(&mut self, tensor: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let mut all = Vec::new();
        if self.shape(tensor)? == shape {
            // As large as the file says, which is as large as the file is. A vector that grows would leave its smaller
            // selves in a memory that is kept.
            all.reserve_exact(shape.iter().product());
        }
        self.stream(tensor, shape, |values| all.extend_from_slice(values))?;
        Ok(all)
    }

    /// A matrix of `outputs` rows and `inputs` columns as a linear layer, without or with a bias.
    ///
    /// # Errors
    /// As [`Self::values`].
    pub fn linear(
        &mut self,
        weight: &str,
        bias: Option<&str>,
        outputs: usize,
        inputs: usize,
    ) -> Result<Linear, ModelError> {
        // The shape is compared with the file before anything of that size is reserved.
        if self.shape(weight)? != [outputs, inputs] {
            self.stream(weight, &[outputs, inputs], |_| {})?;
        }
        let mut linear = Linear::zeros(outputs, inputs);
        let mut at = 0;
        self.stream(weight, &[outputs, inputs], |values| {
            linear.fill(at, values);
            at += values.len();
        })?;
        if let Some(bias) = bias {
            linear.set_bias(self.values(bias, &[outputs])?);
        }
        Ok(linear)
    }
}

impl Opened {
    /// Reads the header and compares it with the file's size.
    fn read(mut file: Box<dyn Source>, name: &str) -> Result<Self, ModelError> {
        let io = |e: std::io::Error| files::unreadable(name, &e);
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(io)?;
        let length = u64::from_le_bytes(length);
        if length > HEADER_BYTES {
            let why = format!("its header claims {length} bytes, {HEADER_BYTES} are taken at most");
            return Err(ModelError::malformed(name, why));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(io)?;
        let header: Metadata = serde_json::from_slice(&header)
            .map_err(|e| ModelError::malformed(name, format!("its header does not read: {e}")))?;
        let start = 8 + length;
        let wanted = start.saturating_add(header.data_len() as u64);
        let found = file.seek(SeekFrom::End(0)).map_err(io)?;
        if found != wanted {
            let why = format!("its header wants {wanted} bytes, it has {found}");
            return Err(ModelError::malformed(name, why));
        }
        Ok(Self {
            name: name.to_owned(),
            file,
            header,
            start,
        })
    }

    /// Goes to where a value lies, so many bytes after the header.
    fn seek(&mut self, offset: usize) -> Result<(), ModelError> {
        let at = SeekFrom::Start(self.start + offset as u64);
        let done = self.file.seek(at);
        done.map(drop)
            .map_err(|e| files::unreadable(&self.name, &e))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ModelError> {
        let done = self.file.read_exact(bytes);
        done.map_err(|e| files::unreadable(&self.name, &e))
    }
}

fn decode(kind: Dtype, bytes: &[u8], values: &mut Vec<f32>) {
    let pair = |b: &[u8]| [b[0], b[1]];
    match kind {
        Dtype::F32 => values.extend(
            bytes
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        ),
        Dtype::F16 => values.extend(
            bytes
                .chunks_exact(2)
                .map(|b| f16::from_le_bytes(pair(b)).to_f32()),
        ),
        Dtype::BF16 => values.extend(
            bytes
                .chunks_exact(2)
                .map(|b| bf16::from_le_bytes(pair(b)).to_f32()),
        ),
        _ => values.extend(bytes.iter().map(|b| f32::from(b.cast_signed()))),
    }
}
