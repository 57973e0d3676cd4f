"""The student: a row for each token, a text is the mean of its tokens' rows. Vocabulary, training, files, figures."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save
from tokenizers import Tokenizer

UNKNOWN = "[UNK]"
CONTEXT = 512
# Beginnings of blocks of letters whose single characters are kept: Latin, Greek, Cyrillic, and signs.
KEPT_BELOW = 0x0530
SIGNS = range(0x2000, 0x2C00)


# Vocabulary


def characters(token):
    return token[2:] if token.startswith("##") and len(token) > 2 else token


def kept_script(token):
    return all(ord(c) < KEPT_BELOW or ord(c) in SIGNS for c in token)


def vocabulary(teacher, counts, added, size):
    """The student's tokens: all single characters, then those likeliest in a mix of the corpus and general English.

    `counts` says how often each token comes up in the corpus. For general English there are no counts; the teacher's
    vocabulary is sorted by frequency, and Zipf's law makes shares of that."""
    base = sorted(teacher, key=teacher.get)
    base = [t for t in base if not (t.startswith("[") and len(t) > 1) and kept_script(characters(t))]
    single = [t for t in base if len(characters(t)) == 1]
    rest = [t for t in base if len(characters(t)) > 1] + added
    rank = {t: i for i, t in enumerate(base)}
    everything = sum(counts.get(t, 0) for t in rest)
    zipf = sum(1.0 / (rank[t] + 10) for t in rest if t in rank)

    def share(t):
        return counts.get(t, 0) / everything + (1.0 / (rank[t] + 10) / zipf if t in rank else 0.0)

    shares = {t: share(t) for t in single + rest}
    chosen = set(single) | set(sorted(rest, key=lambda t: (-shares[t], t))[: size - 1 - len(single)])
    tokens = [UNKNOWN] + [t for t in base if t in chosen] + sorted(t for t in added if t in chosen)
    return tokens, np.array([1.0 if t == UNKNOWN else shares[t] for t in tokens]) / 2


def tokenizer_json(teacher_json, tokens):
    like = json.loads(teacher_json)
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {"id": tokens.index(UNKNOWN), "content": UNKNOWN, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
            ],
            "normalizer": like["normalizer"],
            "pre_tokenizer": like["pre_tokenizer"],
            "post_processor": None,
            "decoder": like["decoder"],
            "model": {
                "type": "WordPiece",
                "unk_token": UNKNOWN,
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {t: i for i, t in enumerate(tokens)},
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


class Bags:
    """Tokens of many texts, one after the other."""

    def __init__(self, tokenizer, texts):
        unknown = tokenizer.token_to_id(UNKNOWN)
        ids = [[i for i in e.ids[:CONTEXT] if i != unknown] for e in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        self.lengths = np.array([len(i) for i in ids])
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]]).astype(np.int64)
        self.ids = np.array([i for text in ids for i in text], np.int64)

    def take(self, which):
        """Tokens of some texts, and for each the place of its text among these."""
        lengths = self.lengths[which]
        owner = np.repeat(np.arange(len(which)), lengths)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return self.ids[np.repeat(self.starts[which], lengths) + offset], owner


def sums(values, owner, count):
    """Sums of the rows of each owner; owners are in order."""
    out = np.zeros((count, values.shape[1]), values.dtype)
    if len(owner):
        first = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        out[owner[first]] = np.add.reduceat(values, first, axis=0)
    return out


def encode(rows, bags):
    """Vectors of texts, as the reader makes them."""
    ids, owner = bags.take(np.arange(len(bags.lengths)))
    total = sums(rows[ids], owner, len(bags.lengths))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return total / np.maximum(length, 1e-12)


# Training


class Adam:
    def __init__(self, value, rate):
        self.value, self.rate = value, rate
        self.m, self.v, self.t = np.zeros_like(value), np.zeros_like(value), 0

    def step(self, gradient, factor):
        self.t += 1
        b1, b2 = np.float32(0.9), np.float32(0.99)
        self.m *= b1
        self.m += (1 - b1) * gradient
        self.v *= b2
        np.square(gradient, out=gradient)
        gradient *= 1 - b2
        self.v += gradient
        np.sqrt(self.v, out=gradient)
        gradient *= np.float32(1 / np.sqrt(1 - 0.99**self.t))
        gradient += np.float32(1e-9)
        np.divide(self.m, gradient, out=gradient)
        gradient *= np.float32(self.rate * factor / (1 - 0.9**self.t))
        self.value -= gradient


def loss(rows, ids, owner, target, groups, near):
    """How far the student's cosines of a batch are from the teacher's, and the slope by the row of each token that is in it.

    Pairs within a group of neighbours count `near` times."""
    count = len(target)
    total = sums(rows[ids], owner, count)
    length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), np.float32(1e-6))
    student = total / length
    off = student @ student.T
    off -= target @ target.T
    np.fill_diagonal(off, 0)
    weighed = off.copy()
    for start in range(0, count, groups):
        weighed[start : start + groups, start : start + groups] *= np.float32(near)
    value = float((off * weighed).mean())
    slope = weighed @ student
    slope *= np.float32(4.0 / count)
    slope -= student * (slope * student).sum(1, keepdims=True)
    slope /= length
    order = np.argsort(ids, kind="stable")
    tokens = ids[order]
    unique, place = np.unique(tokens, return_inverse=True)
    return value, unique, sums(slope[owner[order]], place, len(unique))


def batches(rng, nearest, count, size, groups):
    """Texts of one pass in batches; each is made of groups that have the nearest pivot in common."""
    order = rng.permutation(count)
    order = order[np.argsort(nearest[order], kind="stable")]
    blocks = order[: count // groups * groups].reshape(-1, groups)
    blocks = blocks[rng.permutation(len(blocks))]
    per = size // groups
    for at in range(0, len(blocks) - per + 1, per):
        yield blocks[at : at + per].reshape(-1)


def neighbourhoods(rng, vectors, pivots):
    chosen = vectors[np.sort(rng.choice(len(vectors), pivots, replace=False))]
    return np.concatenate([(vectors[at : at + 8192] @ chosen.T).argmax(1) for at in range(0, len(vectors), 8192)])


def train(bags, target, features, shares, s, log):
    """Rows of tokens. First one projection of the tokens' own vectors and a weight for each token; then each row freely,
    held to where it was by a spring, so that a token that is seen rarely stays there."""
    rng = np.random.default_rng(s["seed"])
    known = np.flatnonzero(bags.lengths > 0)
    scatter = target.T @ target / np.float32(len(target))
    _, directions = np.linalg.eigh(scatter.astype(np.float64))
    projection = np.zeros((features.shape[1], s["dimensions"]), np.float32)
    projection[: target.shape[1]] = directions[:, ::-1][:, : s["dimensions"]]
    weight = (s["sif"] / (s["sif"] + shares)).astype(np.float32)[:, None]
    free = np.zeros((len(features), s["dimensions"]), np.float32)
    log_weight = np.log(weight)
    first = [Adam(projection, s["rate_projection"]), Adam(log_weight, s["rate_weight"])]
    steps = s["passes_projection"] * (len(known) // s["batch"])
    step, mean = 0, 0.0
    for turn in range(s["passes_projection"]):
        nearest = neighbourhoods(rng, target[known], s["pivots"])
        for which in batches(rng, nearest, len(known), s["batch"], s["groups"]):
            which = known[which]
            ids, owner = bags.take(which)
            unique, place = np.unique(ids, return_inverse=True)
            plain = features[unique] @ projection
            factor = np.exp(log_weight[unique])
            rows = plain * factor
            value, within, slope = loss(rows, place, owner, target[which], s["groups"], s["near"])
            by_weight = np.zeros_like(log_weight)
            by_weight[unique[within]] = (slope * rows[within]).sum(1, keepdims=True)
            by_projection = features[unique[within]].T @ (slope * factor[within])
            decay = 0.5 * (1 + np.cos(np.pi * min(step / steps, 1.0)))
            first[0].step(by_projection, decay)
            first[1].step(by_weight, decay)
            step += 1
            mean += (value - mean) * 0.02 if step > 1 else value
    log(f"projection: {step} steps, loss {mean:.5f}")
    start = (features @ projection) * np.exp(log_weight)
    # Rows in units of their typical length, so that one rate fits them all.
    unit = np.float32(np.sqrt(np.mean(np.square(start))))
    start /= unit
    rows = start.copy()
    second = Adam(rows, s["rate_rows"])
    steps = s["passes_rows"] * (len(known) // s["batch"])
    step = 0
    for turn in range(s["passes_rows"]):
        nearest = neighbourhoods(rng, target[known], s["pivots"])
        for which in batches(rng, nearest, len(known), s["batch"], s["groups"]):
            which = known[which]
            ids, owner = bags.take(which)
            kept = rng.random(len(ids)) >= s["dropout"]
            ids, owner = ids[kept], owner[kept]
            value, unique, slope = loss(rows, ids, owner, target[which], s["groups"], s["near"])
            gradient = rows - start
            gradient *= np.float32(s["spring"])
            gradient[unique] += slope
            second.step(gradient, 0.5 * (1 + np.cos(np.pi * min(step / steps, 1.0))))
            step += 1
            mean += (value - mean) * 0.02
        if turn % 5 == 4 or turn + 1 == s["passes_rows"]:
            log(f"rows: pass {turn + 1} of {s['passes_rows']}, loss {mean:.5f}")
    return rows, start


# Files


def quantise(rows):
    """Bytes of each row and the factor that they are to be taken times, as a half-precision number."""
    scale = np.abs(rows).max(1) / 127
    scale = np.maximum(scale.astype(np.float16), np.float16(1e-6))
    return np.clip(np.rint(rows / scale.astype(np.float32)[:, None]), -127, 127).astype(np.int8), scale


def write(folder, rows, tokenizer, config):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    embeddings, weights = quantise(rows)
    (folder / "model.safetensors").write_bytes(save({"embeddings": embeddings, "weights": weights}))
    (folder / "tokenizer.json").write_text(tokenizer)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")


class Student:
    """The model as its files have it."""

    def __init__(self, folder):
        folder = Path(folder)
        tensors = load_file(str(folder / "model.safetensors"))
        self.rows = tensors["embeddings"].astype(np.float32) * tensors["weights"].astype(np.float32)[:, None]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def encode(self, texts):
        return encode(self.rows, Bags(self.tokenizer, texts))


# Figures


def ranks(values):
    """Ranks from 0, ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def spearman(a, b):
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def pairs(teacher, seed, random_pairs, neighbours):
    """Random pairs of different texts, and each text with its nearest ones by the teacher; no pair twice."""
    rng = np.random.default_rng(seed)
    count = len(teacher)
    drawn = rng.integers(0, count, size=(random_pairs * 2, 2))
    drawn = np.unique(np.sort(drawn[drawn[:, 0] != drawn[:, 1]], axis=1), axis=0)
    drawn = drawn[np.sort(rng.permutation(len(drawn))[:random_pairs])]
    cosines = teacher @ teacher.T
    np.fill_diagonal(cosines, -2)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :neighbours]
    near = np.stack([np.repeat(np.arange(count), neighbours), nearest.reshape(-1)], axis=1)
    return drawn, np.unique(np.sort(near, axis=1), axis=0)


def compare(teacher, student, seed, random_pairs=10000, neighbours=5):
    def cosine(vectors, which):
        return (vectors[which[:, 0]] * vectors[which[:, 1]]).sum(1)

    drawn, near = pairs(teacher, seed, random_pairs, neighbours)
    both = np.unique(np.concatenate([drawn, near]), axis=0)
    t, s = teacher @ teacher.T, student @ student.T
    np.fill_diagonal(t, -2)
    np.fill_diagonal(s, -2)
    ten_t = np.argsort(-t, axis=1, kind="stable")[:, :10]
    ten_s = np.argsort(-s, axis=1, kind="stable")[:, :10]
    return {
        "texts": len(teacher),
        "pairs": len(both),
        "spearman": spearman(cosine(teacher, both), cosine(student, both)),
        "random_pairs": len(drawn),
        "spearman_random_pairs": spearman(cosine(teacher, drawn), cosine(student, drawn)),
        "near_pairs": len(near),
        "spearman_near_pairs": spearman(cosine(teacher, near), cosine(student, near)),
        "ten_nearest_in_common": float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ten_t, ten_s)])),
    }


def compare_all(teacher, student):
    upper = np.triu_indices(len(teacher), 1)
    return {
        "texts": len(teacher),
        "pairs": len(upper[0]),
        "spearman": spearman((teacher @ teacher.T)[upper], (student @ student.T)[upper]),
    }
