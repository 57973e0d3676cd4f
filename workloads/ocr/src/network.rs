//! A network of a model: an ONNX file, computed by rten.

use crate::error::Wrong;
use crate::limits::NETWORK_BYTES;
use image::RgbImage;
use rten::{Model, ModelOptions, OpRegistry, op_types as op};
use rten_onnx::onnx::{DataType, ModelProto, TensorProto};
use rten_onnx::protobuf::{DecodeMessage, ValueReader};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;
use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What networks of PP-OCR and their like are made of; others would only make the component larger.
fn operators() -> OpRegistry {
    OpRegistry::with_ops(&[
        &op::Add,
        &op::AveragePool,
        &op::BatchNormalization,
        &op::Cast,
        &op::Clip,
        &op::Concat,
        &op::Conv,
        &op::ConvTranspose,
        &op::Div,
        &op::Erf,
        &op::Exp,
        &op::Expand,
        &op::Flatten,
        &op::Gather,
        &op::Gemm,
        &op::GlobalAveragePool,
        &op::HardSigmoid,
        &op::HardSwish,
        &op::Identity,
        &op::LayerNormalization,
        &op::LeakyRelu,
        &op::MatMul,
        &op::MaxPool,
        &op::Mul,
        &op::Pad,
        &op::Pow,
        &op::ReduceMean,
        &op::Relu,
        &op::Reshape,
        &op::Resize,
        &op::Shape,
        &op::Sigmoid,
        &op::Slice,
        &op::Softmax,
        &op::Split,
        &op::Sqrt,
        &op::Squeeze,
        &op::Sub,
        &op::Tanh,
        &op::Transpose,
        &op::Unsqueeze,
    ])
}

/// A loaded network.
pub struct Network {
    file: String,
    model: Model,
}

/// What a network gives: values in the order of its sides, the last one fastest.
pub struct Output {
    /// How many values there are along each side.
    pub sides: Vec<usize>,
    /// All finite.
    pub values: Vec<f32>,
}

impl Network {
    /// Reads a file of a model's directory.
    ///
    /// # Errors
    /// When it is too large, damaged, or has what is not computed here.
    pub fn load(dir: &Path, file: &str) -> Result<Self, Wrong> {
        let wrong = |why: String| Wrong::model(file, why);
        let mut bytes = Vec::new();
        File::open(dir.join(file))
            .and_then(|open| open.take(NETWORK_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|e| wrong(format!("it can't be read: {e}")))?;
        if bytes.len() as u64 > NETWORK_BYTES {
            return Err(wrong(format!("it has more than {NETWORK_BYTES} bytes")));
        }
        if let Some(weights) = not_numbers(&bytes) {
            return Err(wrong(format!(
                "`{weights}` holds what is no number; the weights are damaged"
            )));
        }
        let mut options = ModelOptions::with_ops(operators());
        options.prepack_weights(true);
        let model = options
            .load(bytes)
            .map_err(|e| wrong(format!("it is no ONNX network that can be computed: {e}")))?;
        Ok(Self {
            file: file.to_owned(),
            model,
        })
    }

    /// A note that whoever made the file left in it.
    pub fn note(&self, name: &str) -> Option<&str> {
        self.model.metadata().get(name)
    }

    /// Computes with an image, which stands at the left of an input of this width; what is beside it is zero.
    ///
    /// # Errors
    /// When the network is made for something else, or gives what is no number.
    pub fn run(&self, image: &RgbImage, width: u32) -> Result<Output, Wrong> {
        let sides = [1, 3, image.height() as usize, width as usize];
        let input = Tensor::from_data(&sides, planes(image, sides[3]));
        let output = self
            .model
            .run_one(input.into(), None)
            .map_err(|e| self.wrong(format!("it does not compute: {e}")))?;
        let output: Tensor<f32> = output
            .try_into()
            .map_err(|_| self.wrong("it gives no numbers of 32 bits"))?;
        let sides = output.shape().to_vec();
        let values = output.into_data();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(self.wrong("it gives numbers that are not finite; its weights are damaged"));
        }
        Ok(Output { sides, values })
    }

    /// What is wrong with it.
    pub fn wrong(&self, why: impl ToString) -> Wrong {
        Wrong::model(&self.file, why)
    }
}

/// The first weights that hold what is no number, if there are any: what computes with them may hide it, as the larger of it and
/// zero is zero. A file that does not read is told by whoever computes it.
fn not_numbers(file: &[u8]) -> Option<String> {
    let model = ModelProto::decode(ValueReader::from_buf(file)).ok()?;
    let damaged = |tensor: &TensorProto| {
        let raw = tensor.raw_data.as_ref().map(RefCell::borrow);
        let mut raw = raw.iter().flat_map(|raw| raw.as_chunks::<4>().0);
        tensor.data_type == Some(DataType::FLOAT)
            && (raw.any(|value| f32::from_le_bytes(*value).is_nan())
                || tensor.float_data.iter().any(|value| value.is_nan()))
    };
    let graph = model.graph?;
    let held = graph.node.iter().flat_map(|node| &node.attribute);
    let held = held.filter_map(|attribute| attribute.t.as_ref());
    let mut all = graph.initializer.iter().chain(held);
    all.find(|tensor| damaged(tensor)).map(|tensor| {
        tensor
            .name
            .clone()
            .unwrap_or_else(|| "a constant".to_owned())
    })
}

/// Blue, green and red, as these networks were trained, each from -1 to 1.
fn planes(image: &RgbImage, width: usize) -> Vec<f32> {
    let plane = image.height() as usize * width;
    let mut values = vec![0.0; 3 * plane];
    for (x, y, pixel) in image.enumerate_pixels() {
        let at = y as usize * width + x as usize;
        for (channel, value) in pixel.0.iter().rev().enumerate() {
            values[channel * plane + at] = f32::from(*value) / 127.5 - 1.0;
        }
    }
    values
}
