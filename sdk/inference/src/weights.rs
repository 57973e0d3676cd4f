//! Tensors out of a safetensors file, one at a time: the file itself is never held in memory.

use crate::error::ModelError;
use crate::files;
use crate::limits::{HEADER_BYTES, TENSOR_ELEMENTS};
use crate::linear::Linear;
use crate::matrix::Matrix;
use crate::quant::Format;
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// Values that are read at once.
const CHUNK_VALUES: usize = 16 * 1024;

/// What a safetensors file is read from.
trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// An open safetensors file.
pub struct Weights {
    name: String,
    file: Box<dyn Source>,
    header: Metadata,
    /// Where the values begin, in bytes.
    start: u64,
}

impl Weights {
    /// Reads the header of a file in a model's directory and compares it with the file's size.
    ///
    /// # Errors
    /// When there is no such file, or it is no safetensors file, or not all of one.
    pub fn open(dir: &Path, name: &str) -> Result<Self, ModelError> {
        Self::read(Box::new(files::open(dir, name)?), name)
    }

    /// The same of a file that is in memory already.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, ModelError> {
        Self::read(Box::new(Cursor::new(bytes)), name)
    }

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
        let wanted = start + header.data_len() as u64;
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

    /// Whether there is a tensor of that name.
    pub fn has(&self, tensor: &str) -> bool {
        self.header.info(tensor).is_some()
    }

    /// The shape of a tensor.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn shape(&self, tensor: &str) -> Result<&[usize], ModelError> {
        Ok(&self.info(tensor)?.shape)
    }

    fn info(&self, tensor: &str) -> Result<&TensorInfo, ModelError> {
        self.header.info(tensor).ok_or_else(|| {
            ModelError::malformed(&self.name, format!("it has no tensor `{tensor}`"))
        })
    }

    /// The names of all tensors.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.header.tensors().into_keys().collect();
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
        let info = self.info(tensor)?;
        let format = match info.dtype {
            Dtype::F32 => Format::F32,
            Dtype::F16 => Format::F16,
            Dtype::BF16 => Format::Bf16,
            other => {
                let why = format!("`{tensor}` is of {other:?}; F32, F16 and BF16 are known");
                return Err(ModelError::malformed(&self.name, why));
            }
        };
        if info.shape != [outputs, inputs] {
            let why = format!(
                "`{tensor}` has the shape {:?}, [{outputs}, {inputs}] is wanted",
                info.shape
            );
            return Err(ModelError::malformed(&self.name, why));
        }
        let (from, to) = info.data_offsets;
        let io = |e: std::io::Error| files::unreadable(&self.name, &e);
        let at = self.start + from as u64;
        self.file.seek(SeekFrom::Start(at)).map_err(io)?;
        let mut bytes = vec![0; to - from];
        self.file.read_exact(&mut bytes).map_err(io)?;
        Ok(Matrix::new(bytes, format, outputs, inputs))
    }

    /// Hands the values of a tensor to `take`, in order, in pieces.
    fn stream(
        &mut self,
        tensor: &str,
        shape: &[usize],
        mut take: impl FnMut(&[f32]),
    ) -> Result<(), ModelError> {
        let info = self.info(tensor)?;
        let wrong = |why: String| {
            Err(ModelError::malformed(
                &self.name,
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
        let at = self.start + from as u64;
        let io = |e: std::io::Error| files::unreadable(&self.name, &e);
        self.file.seek(SeekFrom::Start(at)).map_err(io)?;
        let mut bytes = vec![0; CHUNK_VALUES * width];
        let mut values = Vec::with_capacity(CHUNK_VALUES);
        while left > 0 {
            let count = left.min(CHUNK_VALUES);
            let bytes = &mut bytes[..count * width];
            self.file.read_exact(bytes).map_err(io)?;
            values.clear();
            decode(kind, bytes, &mut values);
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
