"""Entries of three dictionaries that anyone may use, from Debian's packages: a word, what it is, and what is said of it."""

import gzip
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = {"wn": "dict-wn", "devil": "dict-devil", "jargon": "dict-jargon"}
# No answer is longer.
ANSWER_CHARACTERS = 420


@dataclass(frozen=True)
class Entry:
    word: str
    # One of n, v, adj and adv, or nothing.
    kind: str
    text: str
    examples: tuple = field(default=())
    synonyms: tuple = field(default=())


def source(name, cache):
    """The text of a dictionary, downloaded once, and its package's version."""
    folder = Path(cache) / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    package = PACKAGES[name]
    found = sorted(folder.glob(f"{package}_*.deb"))
    if not found:
        subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package], cwd=folder, check=True)
        found = sorted(folder.glob(f"{package}_*.deb"))
    unpacked = folder / package
    if not unpacked.exists():
        subprocess.run(["dpkg-deb", "-x", str(found[-1]), str(unpacked)], check=True)
    version = subprocess.run(["dpkg-deb", "-f", str(found[-1]), "Version"], check=True, capture_output=True, text=True).stdout.strip()
    return gzip.decompress((unpacked / f"usr/share/dictd/{name}.dict.dz").read_bytes()).decode("utf-8", "replace"), version


def blocks(text):
    """Each headword with the lines below it; headwords begin a line, all else is set in."""
    word, lines = None, []
    for line in text.splitlines():
        if line[:1].strip():
            if word and lines:
                yield word, lines
            word, lines = line.strip(), []
        else:
            lines.append(line)
    if word and lines:
        yield word, lines


def plain(text):
    """One line, without the signs of cross-references, in plain punctuation."""
    text = re.sub(r"[{}]", "", text)
    text = re.sub(r"\(\s+", "(", re.sub(r"\s+([),.;])", r"\1", text))
    for fancy, simple in {"“": '"', "”": '"', "‘": "'", "’": "'", "´": "'", "—": " - ", "–": "-", "…": "..."}.items():
        text = text.replace(fancy, simple)
    return " ".join(text.split())


def shortened(text):
    """Its first sentences that fit into an answer; none where the first one does not."""
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z\"'(])", text)
    out = ""
    for sentence in sentences:
        longer = f"{out} {sentence}".strip()
        if len(longer) > ANSWER_CHARACTERS:
            break
        out = longer
    # What announces a verse or a list that is not here.
    return re.sub(r"(?:^|(?<=[.!?]) )[^.!?]*:$", "", out).strip()


def wordnet(text):
    """The senses of WordNet's words."""
    for word, lines in blocks(text):
        if word.startswith("00-database"):
            continue
        kind, whole = "", " ".join(" ".join(lines).split())
        parts = re.split(r"(?:^|\s)(?:(n|v|adj|adv) )?(\d+): ", " " + whole)
        for at in range(1, len(parts) - 2, 3):
            kind = parts[at] or kind
            sense = parts[at + 2]
            synonyms = [s for found in re.findall(r"\[syn: ([^\]]*)\]", sense) for s in re.findall(r"\{([^}]*)\}", found)]
            sense = plain(re.sub(r"\[(?:syn|ant|also): [^\]]*\]", "", sense))
            examples = re.findall(r'"([^"]{8,160})"', sense)
            gloss = re.split(r'[;:]?\s*"', sense)[0].strip(" ;:")
            if len(gloss) > 3 and len(gloss) <= ANSWER_CHARACTERS:
                yield Entry(word, kind, gloss, tuple(examples), tuple(s for s in synonyms if s.lower() != word.lower()))


def devil(text):
    """Ambrose Bierce's Devil's Dictionary: the prose of each entry, without its verses."""
    parts = re.split(r"\n\n(?=[A-Z][A-Z' -]+, (?:n|v|adj|adv|pp|p)\b)", text)
    for part in parts:
        head = re.match(r"([A-Z][A-Z' -]+), ((?:n|v|adj|adv|pp|p)[a-z. ]*)\s+", part)
        if not head:
            continue
        prose = [p for p in part[head.end() :].split("\n\n") if p[:1].strip()]
        answer = shortened(plain(prose[0])) if prose else ""
        if len(answer) > 15:
            yield Entry(head[1].lower(), head[2].split(".")[0], answer)


def jargon(text):
    """The Jargon File: the first paragraph of each entry that is one."""
    for word, lines in blocks(text):
        whole = "\n".join(lines)
        paragraphs = [plain(p) for p in re.split(r"\n\s*\n", whole)]
        # The first line has how it is spoken and what it is.
        told = [p for p in paragraphs[1:] if len(p) > 30]
        if word.startswith("00-database") or not told or not re.search(r"\b(n|v|vt|vi|adj|adv|interj|excl|prov|suff|pref)\.", paragraphs[0]):
            continue
        answer = shortened(re.sub(r"^(\d+\. |\[[^\]]*\]\s*)+", "", told[0]))
        if len(answer) > 30:
            yield Entry(plain(word), "", answer[0].upper() + answer[1:])


READERS = {"wn": wordnet, "devil": devil, "jargon": jargon}


def entries(name, cache):
    """All entries of a dictionary, each once, and the version of the package that they are from."""
    text, version = source(name, cache)
    return list(dict.fromkeys(READERS[name](text))), version
