"""The teacher, all-MiniLM-L6-v2, computed with numpy alone: six layers of BERT, mean pooling, length 1."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

LONGEST = 256
TOKENS_AT_ONCE = 2048
ROWS_AT_ONCE = 64


def erf(x):
    """The error function by formula 7.1.26 of Abramowitz and Stegun, within 2e-7."""
    a = np.abs(x)
    t = 1.0 / (1.0 + np.float32(0.3275911) * a)
    p = np.float32(1.061405429) * t
    p += np.float32(-1.453152027)
    for c in (1.421413741, -0.284496736, 0.254829592):
        p *= t
        p += np.float32(c)
    p *= t
    np.square(a, out=a)
    np.negative(a, out=a)
    np.exp(a, out=a)
    p *= a
    np.subtract(np.float32(1), p, out=p)
    return np.copysign(p, x, out=p)


def gelu(x):
    """In place, a few rows at a time so that they stay in the processor's cache."""
    half = np.float32(0.5)
    root = np.float32(1 / np.sqrt(2))
    for at in range(0, len(x), ROWS_AT_ONCE):
        rows = x[at : at + ROWS_AT_ONCE]
        e = erf(rows * root)
        e += 1
        e *= half
        rows *= e
    return x


class Teacher:
    def __init__(self, directory):
        directory = Path(directory)
        config = json.loads((directory / "config.json").read_text())
        self.heads = config["num_attention_heads"]
        self.layers = config["num_hidden_layers"]
        self.epsilon = np.float32(config["layer_norm_eps"])
        weights = load_file(str(directory / "model.safetensors"))
        self.w = {name.removeprefix("bert."): value.astype(np.float32) for name, value in weights.items() if value.dtype.kind == "f"}
        self.tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)
        self.vocabulary = self.tokenizer.get_vocab()

    def _norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt(np.square(x).mean(-1, keepdims=True) + self.epsilon)
        x *= self.w[name + ".weight"]
        x += self.w[name + ".bias"]
        return x

    def _linear(self, x, name):
        x = x @ self.w[name + ".weight"].T
        x += self.w[name + ".bias"]
        return x

    def _batch(self, ids):
        """Vectors of texts that have the same number of tokens, so nothing is padded."""
        count, length = ids.shape
        table = self.w["embeddings.word_embeddings.weight"]
        x = table[ids] + self.w["embeddings.position_embeddings.weight"][:length]
        x += self.w["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm").reshape(count * length, -1)
        width = x.shape[1] // self.heads
        scale = np.float32(1 / np.sqrt(width))

        def heads(y):
            return y.reshape(count, length, self.heads, width).transpose(0, 2, 1, 3)

        for layer in range(self.layers):
            at = f"encoder.layer.{layer}."
            q = heads(self._linear(x, at + "attention.self.query"))
            k = heads(self._linear(x, at + "attention.self.key"))
            v = heads(self._linear(x, at + "attention.self.value"))
            scores = q @ k.transpose(0, 1, 3, 2)
            scores *= scale
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(-1, keepdims=True)
            mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(count * length, -1)
            x = self._norm(self._linear(mixed, at + "attention.output.dense") + x, at + "attention.output.LayerNorm")
            inner = gelu(self._linear(x, at + "intermediate.dense"))
            x = self._norm(self._linear(inner, at + "output.dense") + x, at + "output.LayerNorm")
        x = x.reshape(count, length, -1).mean(1)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    def ids(self, texts):
        return [e.ids for e in self.tokenizer.encode_batch(list(texts))]

    def vectors(self, ids, say=None):
        """Vectors of texts given as lists of ids with [CLS] and [SEP]."""
        out = np.empty((len(ids), self.w["embeddings.word_embeddings.weight"].shape[1]), np.float32)
        order = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
        at = 0
        while at < len(order):
            length = len(ids[order[at]])
            end = at
            while end < len(order) and len(ids[order[end]]) == length and (end - at) * length < TOKENS_AT_ONCE:
                end += 1
            batch = order[at:end]
            out[batch] = self._batch(np.array([ids[i] for i in batch]))
            at = end
            if say:
                say(at, len(order))
        return out

    def encode(self, texts, say=None):
        return self.vectors(self.ids(texts), say)
