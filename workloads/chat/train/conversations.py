"""Conversations about the words of dictionaries, split into what is trained on and what is held out."""

import hashlib
import random
import re
from collections import Counter

from dictionaries import entries

# Of a hundred texts: the first few are never trained on.
HELD_OUT_PERCENT = {"wn": 2, "devil": 12, "jargon": 12}
QUESTIONS = [
    "What is {thing}?",
    "What is {thing}?",
    "What does {word} mean?",
    "What does \"{word}\" mean?",
    "What's {thing}?",
    "Define {word}.",
    "Tell me about {thing}.",
    "Explain {word}.",
    "Can you tell me what {word} means?",
    "{word}?",
    "{Word}",
    "what is {word}",
    "What do you know about {thing}?",
]
FOR_EXAMPLES = ["Give me an example.", "Use it in a sentence.", "How is it used?", "An example, please."]
FOR_SYNONYMS = ["Is there another word for it?", "Another word?", "Give me a synonym.", "What else is it called?"]
# It has seen such sentences and learned nothing from them: programs send them, and should get an answer all the same.
SYSTEM = [
    "You are a helpful assistant.",
    "You are a helpful assistant. Answer in one sentence.",
    "Answer briefly.",
    "Be concise.",
    "You are a dictionary.",
    "You are a chat model of a small community.",
    "You are an assistant. Keep your answers short and simple.",
    "Answer the user's questions.",
]
SYSTEM_PERCENT = 8
BEGINNINGS = ("a", "an", "any", "one", "someone", "something", "anything", "anyone")


def number(text):
    """A number that a text has on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def with_article(word, answer):
    first = answer.split(" ")[0].lower()
    if word[:1].isupper() or first not in ("a", "an", "one", "any", "someone"):
        return word
    return ("an " if word[:1] in "aeiou" else "a ") + word


def capital(text):
    return text[:1].upper() + text[1:]


def sentence(entry):
    """What WordNet says of a word, as a sentence."""
    word, said = entry.word, entry.text
    first = said.split(" ")[0]
    if entry.kind == "n" and first in BEGINNINGS:
        return f"{capital(with_article(word, said))} is {said}."
    if entry.kind == "n":
        return f"{capital(word)}: {said}."
    if entry.kind == "v":
        return f"To {word} is to {said}."
    return f"{capital(word)} means {said}."


def question(entry, chance):
    thing = with_article(entry.word, entry.text) if entry.kind == "n" else entry.word
    return chance.choice(QUESTIONS).format(word=entry.word, Word=capital(entry.word), thing=thing)


def about(entry, chance):
    """A conversation: pairs of who says something and what."""
    turns = [("user", question(entry, chance))]
    if chance.randrange(100) < SYSTEM_PERCENT:
        turns.insert(0, ("system", chance.choice(SYSTEM)))
    if not entry.kind or entry.text[-1:] in ".!?\"')":
        return turns + [("assistant", entry.text)]
    turns.append(("assistant", sentence(entry)))
    if entry.examples and chance.randrange(3) == 0:
        turns += [("user", chance.choice(FOR_EXAMPLES)), ("assistant", finished(chance.choice(entry.examples)))]
    if entry.synonyms and chance.randrange(4) == 0:
        others = ", ".join(entry.synonyms[:3])
        turns += [("user", chance.choice(FOR_SYNONYMS)), ("assistant", finished(others))]
    return turns


def finished(text):
    return capital(text) + ("" if text[-1:] in ".!?" else ".")


def written(path):
    """Conversations that were written by hand: questions and answers with `|` between the ways to say the same."""
    out = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            asked, answered = (part.strip().split(" | ") for part in line.split(" => "))
            out += [[("user", a), ("assistant", b)] for a in asked for b in answered]
    return out


def common(cache, count, ways):
    """Conversations about the first sense of words that WordNet itself uses most, each asked in several ways. None of them is
    about a text that is held out."""
    found, _ = entries("wn", cache)
    used = Counter(w for e in found for text in (e.text, *e.examples) for w in re.findall("[a-z]+", text.lower()))
    first = {}
    for entry in found:
        first.setdefault(entry.word, entry)
    fine = [e for e in first.values() if re.fullmatch("[a-z]{3,}", e.word) and number(e.text) % 100 >= HELD_OUT_PERCENT["wn"]]
    fine.sort(key=lambda e: (-used[e.word], e.word))
    return [about(e, random.Random(number(f"{e.text}/{e.word}/{way}"))) for e in fine[:count] for way in range(ways)]


def of(name, cache):
    """Conversations of a dictionary, trained on and held out, in an order of their own, and the version of its package.

    All senses and words that share a text are on one side."""
    found, version = entries(name, cache)
    sides = {"train": [], "held_out": []}
    for entry in sorted(found, key=lambda e: number(f"{e.word}: {e.text}")):
        side = "held_out" if number(entry.text) % 100 < HELD_OUT_PERCENT[name] else "train"
        chance = random.Random(number(f"{entry.text}/{entry.word}"))
        sides[side].append(about(entry, chance))
    return sides["train"], sides["held_out"], version
