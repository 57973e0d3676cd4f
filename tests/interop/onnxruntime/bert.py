"""A BERT of sentence-transformers as an ONNX graph, with mean pooling and vectors of length 1.

The graph is for texts of the same number of tokens: it has no mask.
"""

import json
from pathlib import Path

import numpy
from onnx import TensorProto, helper, numpy_helper

OPSET = 20


def tensors(path):
    """The tensors of a safetensors file, by name."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    found = {}
    for name, at in json.loads(data[8:start]).items():
        if at.get("dtype") == "F32":
            first, last = at["data_offsets"]
            values = numpy.frombuffer(data[start + first : start + last], dtype="<f4")
            found[name] = values.reshape(at["shape"])
    return found


class Graph:
    """Nodes and constants, as they come."""

    def __init__(self):
        self.nodes = []
        self.constants = []

    def constant(self, values):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(values), name))
        return name

    def sizes(self, *values):
        return self.constant(numpy.array(values, dtype=numpy.int64))

    def __call__(self, kind, *inputs, **settings):
        output = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **settings))
        return output

    def linear(self, x, weights, name):
        product = self("MatMul", x, self.constant(weights[f"{name}.weight"].T))
        return self("Add", product, self.constant(weights[f"{name}.bias"]))

    def norm(self, x, weights, name, epsilon):
        scale = self.constant(weights[f"{name}.weight"])
        shift = self.constant(weights[f"{name}.bias"])
        return self("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)


def attention(graph, x, weights, at, heads, width):
    def split(name, order):
        all_heads = graph.linear(x, weights, f"{at}.attention.self.{name}")
        apart = graph("Reshape", all_heads, graph.sizes(0, 0, heads, width))
        return graph("Transpose", apart, perm=order)

    scores = graph("MatMul", split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]))
    scale = graph.constant(numpy.array(numpy.sqrt(width), dtype=numpy.float32))
    shares = graph("Softmax", graph("Div", scores, scale), axis=-1)
    mixed = graph("MatMul", shares, split("value", [0, 2, 1, 3]))
    together = graph("Transpose", mixed, perm=[0, 2, 1, 3])
    joined = graph("Reshape", together, graph.sizes(0, 0, heads * width))
    return graph.linear(joined, weights, f"{at}.attention.output.dense")


def model(folder):
    """The bytes of the ONNX model: `ids` of texts by tokens, to `vectors`."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    weights = tensors(folder / "model.safetensors")
    heads, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    width = config["hidden_size"] // heads
    graph = Graph()
    words = graph.constant(weights["embeddings.word_embeddings.weight"])
    positions = weights["embeddings.position_embeddings.weight"]
    kinds = weights["embeddings.token_type_embeddings.weight"][0]
    tokens = graph("Shape", "ids", start=1, end=2)
    places = graph("Slice", graph.constant(positions + kinds), graph.sizes(0), tokens, graph.sizes(0))
    x = graph("Add", graph("Gather", words, "ids"), places)
    x = graph.norm(x, weights, "embeddings.LayerNorm", epsilon)
    for number in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{number}"
        attended = attention(graph, x, weights, at, heads, width)
        x = graph.norm(graph("Add", attended, x), weights, f"{at}.attention.output.LayerNorm", epsilon)
        wide = graph("Gelu", graph.linear(x, weights, f"{at}.intermediate.dense"))
        narrow = graph.linear(wide, weights, f"{at}.output.dense")
        x = graph.norm(graph("Add", narrow, x), weights, f"{at}.output.LayerNorm", epsilon)
    mean = graph("ReduceMean", x, graph.sizes(1), keepdims=0)
    graph("LpNormalization", mean, axis=-1, p=2)
    graph.nodes[-1].output[0] = "vectors"
    made = helper.make_graph(
        graph.nodes,
        "bert",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", config["hidden_size"]])],
        graph.constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opset, ir_version=10).SerializeToString()
