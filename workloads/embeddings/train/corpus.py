"""Descriptions of Debian packages as texts, split by source package so that siblings are on the same side."""

import hashlib
import re
import subprocess
from pathlib import Path

# Of a hundred source packages: the first few are never trained on, the next few choose settings.
HELD_OUT_PERCENT = 7
TUNING_PERCENT = 3
SENTENCE_CHARACTERS = (25, 400)
APT_HELPER = "/usr/lib/apt/apt-helper"


def number(text):
    """A number that a text has on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def lists(cache):
    """Has apt read the package lists with their English texts into a folder of its own. Changes nothing else."""
    folder = Path(cache) / "lists"
    if not list(folder.glob("*_Translation-en*")):
        (folder / "partial").mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                "apt-get", "update", "-q",
                "-o", "Acquire::Languages=en",
                "-o", f"Dir::State::lists={folder}",
                "-o", f"Dir::Cache={folder}",
                "-o", "APT::Sandbox::User=root",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return folder


def stanzas(folder, pattern):
    """Fields of each entry of the Debian release's own lists; security updates change daily and are left out."""
    for path in sorted(folder.glob(pattern)):
        if "_debian_dists_" not in path.name or "-updates_" in path.name:
            continue
        text = subprocess.run([APT_HELPER, "cat-file", str(path)], check=True, capture_output=True).stdout.decode()
        for stanza in text.split("\n\n"):
            fields, name = {}, None
            for line in stanza.split("\n"):
                if line[:1] in (" ", "\t"):
                    fields[name] += "\n" + line
                elif ": " in line:
                    name, value = line.split(": ", 1)
                    fields[name] = value
            if fields:
                yield fields


def sentences(long):
    """Sentences of a long description; lines set apart by a second blank are lists or code and are taken as they are."""
    parts, current = [], []
    for line in long + [" ."]:
        apart = line.startswith("  ") or line.strip() == "."
        item = re.match(r"\s*[-*+o•]\s+(.*)", line)
        if apart or item:
            if current:
                parts.append(" ".join(current))
                current = []
            if item:
                current = [item.group(1).strip()]
            elif line.strip() != ".":
                current = [line.strip()]
        else:
            current.append(line.strip())
    for part in parts:
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", part):
            sentence = " ".join(sentence.split())
            if SENTENCE_CHARACTERS[0] <= len(sentence) <= SENTENCE_CHARACTERS[1] and sum(c.isalpha() for c in sentence) > len(sentence) / 2:
                yield sentence


def read(cache):
    """For each side its short descriptions and its sentences, without repetition, in the order of their hashes.

    Also the digest of all of it. A text that is on two sides stays on the one that is not trained on."""
    folder = lists(cache)
    source = {f["Package"]: f.get("Source", f["Package"]).split(" ")[0] for f in stanzas(folder, "*_binary-*_Packages*")}
    sides = {side: {"short": set(), "sentence": set()} for side in ("held_out", "tuning", "train")}
    words = {}
    for fields in stanzas(folder, "*_Translation-en*"):
        if fields["Package"] not in source or "Description-en" not in fields:
            continue
        name = source[fields["Package"]]
        share = number("source:" + name) % 100
        side = "held_out" if share < HELD_OUT_PERCENT else "tuning" if share < HELD_OUT_PERCENT + TUNING_PERCENT else "train"
        short, *long = fields["Description-en"].split("\n")
        short = short.strip()
        if len(short) > 2 and "transitional" not in short.lower():
            sides[side]["short"].add(short)
        found = list(sentences(long))
        sides[side]["sentence"].update(found)
        if side == "train":
            for word in set(re.findall(r"[a-z]+", " ".join([short, *found]).lower())):
                words.setdefault(word, set()).add(name)
    seen, out = set(), {}
    for side in ("held_out", "tuning", "train"):
        out[side] = {}
        for kind in ("short", "sentence"):
            fresh = sides[side][kind] - seen
            seen |= fresh
            out[side][kind] = sorted(fresh, key=lambda t: (number(t), t))
    digest = hashlib.sha256()
    for side in out.values():
        for texts in side.values():
            for text in texts:
                digest.update(text.encode() + b"\n")
    return out, {word: len(names) for word, names in words.items()}, digest.hexdigest()
