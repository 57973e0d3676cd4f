"""Makes `minilm.json` and `minilm.f16`: 200 texts, and their vectors by sentence-transformers.

    pip install -r requirements.txt
    python3 minilm.py PATH_OF_ALL_MINILM_L6_V2

The vectors are 384 half-precision numbers each, little-endian, one text after the other.
"""

import json
import pathlib
import random
import sys

import numpy
from sentence_transformers import SentenceTransformer

SEED = 20261122
WORDS = (
    "river stone market winter engine garden letter music doctor bridge energy village solar cloud child teacher "
    "window bread ocean signal memory forest train paper question silver morning danger history planet kitchen "
    "runs sleeps builds breaks sings carries opens closes measures forgets the a every some no under over between"
).split()
FIXED = [
    "",
    " ",
    "\U0001f600",
    "\U0001f468‍\U0001f469‍\U0001f467 family \U0001f1ea\U0001f1fa",
    "שלום עולם, מה שלומך היום?",
    "مرحبا بالعالم",
    "你好，世界",
    "naïve café, Ünïcödé, coöperate",
    "UPPER CASE and lower case",
    "a\tb\nc\r\nd",
    "no\u0000null and \u200bzero width",
    "http://example.org/path?query=1&other=2#part",
    "def f(x): return x ** 2  # code",
    "1234567890 3.14159 1e-9 0xdeadbeef",
    "!!! ??? ... --- ***",
    "x" * 300,
    "supercalifragilisticexpialidocious " * 3,
    "word " * 10000,
    "the quick brown fox jumps over the lazy dog " * 60,
]


def texts():
    rng = random.Random(SEED)
    made = list(FIXED)
    while len(made) < 200:
        made.append(" ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 60))))
    return made


def main():
    here = pathlib.Path(__file__).parent
    model = SentenceTransformer(sys.argv[1], device="cpu")
    made = texts()
    vectors = numpy.stack([model.encode(text) for text in made])
    here.joinpath("minilm.json").write_text(json.dumps(made, ensure_ascii=True, indent=0) + "\n")
    here.joinpath("minilm.f16").write_bytes(vectors.astype("<f2").tobytes())
    print(vectors.shape, "length", numpy.linalg.norm(vectors, axis=1).min())


main()
