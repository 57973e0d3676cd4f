"""What the teacher says: its vectors of the corpus, of single tokens and of made-up word lists, kept in a cache."""

import hashlib
import sys
import time
from pathlib import Path

import numpy as np


BLOCK = 5000


def log(*words):
    print(time.strftime("%H:%M:%S"), *words, file=sys.stderr, flush=True)


class Cache:
    """The teacher's vectors, a file for each block of inputs, named by what is in it."""

    def __init__(self, teacher, folder):
        self.teacher = teacher
        self.folder = Path(folder) / "vectors"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.computed_seconds = 0.0

    def vectors(self, name, ids):
        out = []
        for at in range(0, len(ids), BLOCK):
            block = ids[at : at + BLOCK]
            key = hashlib.sha256(repr(block).encode()).hexdigest()[:24]
            path = self.folder / f"{key}.npy"
            if not path.exists():
                begun = time.time()
                found = self.teacher.vectors(block)
                np.save(path.with_suffix(".part.npy"), found)
                path.with_suffix(".part.npy").rename(path)
                self.computed_seconds += time.time() - begun
                log(f"teacher: {name} {at + len(block)} of {len(ids)}, {time.time() - begun:.0f} s")
            out.append(np.load(path))
        return np.concatenate(out)

    def texts(self, name, texts):
        return self.vectors(name, self.teacher.ids(texts))


def general(path):
    """Sections of `general.txt`: each a list of sentences."""
    found, section = {}, None
    for line in Path(path).read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            found[section] = []
        elif line and not line.startswith("#"):
            found[section].append(line.split("\t")[1])
    return found


SMALL_WORDS = (
    "the a an of in on at to for from with by and or but not is are was were be been has have had will would can could "
    "do does did this that these those it its he she they we you i his her their our my your who which when as than so"
).split()


def made_up(words, vectors, count, seed):
    """Lists of 2 to 8 words, common ones more often, some with small words in between. They show words in some company.

    In a third of the lists the words have nothing to do with each other, in a third all are related to the first one,
    in the last third about half of them are. Related are those whose own vectors are near."""
    rng = np.random.default_rng(seed)
    share = np.cumsum(1.0 / np.sqrt(np.arange(len(words)) + 200.0))
    share /= share[-1]
    vectors = vectors - vectors.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = []
    for at in range(count):
        length = rng.integers(2, 9)
        chosen = np.searchsorted(share, rng.random(length))
        if at % 3:
            near = np.argpartition(vectors @ vectors[chosen[0]], -60)[-60:]
            # In an order that does not depend on the partition's.
            near.sort()
            related = rng.random(length) < (1.0 if at % 3 == 1 else 0.5)
            related[0] = False
            chosen[related] = rng.choice(near, size=int(related.sum()))
        small = rng.random(length) < (0.0 if rng.random() < 0.4 else 0.5)
        text = []
        for word, with_small in zip(chosen, small):
            if with_small:
                text.append(SMALL_WORDS[rng.integers(len(SMALL_WORDS))])
            text.append(words[word])
        texts.append(" ".join(text))
    return texts
