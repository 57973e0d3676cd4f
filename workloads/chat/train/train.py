#!/usr/bin/env python3
"""Trains the small chat model and its two skills, and measures them. See README.md."""

import argparse
import hashlib
import json
import pickle
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

sys.dont_write_bytecode = True

import conversations
import decoder
import files
import words
from trigram import Trigram

HERE = Path(__file__).resolve().parent
MODELS = HERE.parents[2] / "plugins/bundle/models"
NAME = "smalltalk"
SKILLS = {"devil": f"{NAME}-devil", "jargon": f"{NAME}-jargon"}
SETTINGS = {
    "seed": 20261122,
    "rows": 16,
    "steps": 1500,
    "warm_up": 60,
    # Where the rate begins to fall, to a twentieth in the end.
    "steady_until": 500,
    # Then words that are common, so that it knows some well: their number, in how many ways each is asked for, how many of a
    # hundred conversations are about them, and the rate's share to begin with.
    "common_steps": 800,
    "common_words": 4000,
    "common_ways": 3,
    "common_percent": 70,
    "common_rate": 0.5,
    "rate": 0.02,
    "rate_of_tokens": 4e-3,
    # Conversations that were written by hand are there so many times; of dictionaries' ones so many have another one after them.
    "by_hand": 12,
    "followed_percent": 20,
    "skill_rank": 8,
    "skill_alpha": 16,
    "skill_steps": {"devil": 110, "jargon": 260},
    "skill_rate": 3e-3,
}
CHECKPOINT_EVERY = 100


def log(*said):
    print(time.strftime("%H:%M:%S"), *said, file=sys.stderr, flush=True)


def once(documents, settings, chance):
    """Batches of rows of documents in a random order."""
    length = decoder.SHAPE["context"] + 1
    order = chance.permutation(len(documents))
    # Some at a time: rows of all would be large.
    for part in np.array_split(order, max(1, len(order) // 20000)):
        found = words.rows([documents[i] for i in part], length)
        order_of_rows = chance.permutation(len(found[0]))
        for at in range(0, len(order_of_rows) - settings["rows"] + 1, settings["rows"]):
            yield tuple(values[order_of_rows[at : at + settings["rows"]]] for values in found)


def batches(documents, settings, seed):
    """The same without end, in a new order each time."""
    chance = np.random.default_rng(seed)
    while True:
        yield from once(documents, settings, chance)


def falling(rate, settings):
    return optax.join_schedules(
        [
            optax.linear_schedule(0, rate, settings["warm_up"]),
            optax.constant_schedule(rate),
            optax.linear_schedule(rate, rate / 20, settings["steps"] - settings["steady_until"]),
            optax.linear_schedule(rate * settings["common_rate"], rate / 50, settings["common_steps"]),
        ],
        [settings["warm_up"], settings["steady_until"], settings["steps"]],
    )


def optimiser(settings):
    """Muon (Jordan, 2024) for the projections, Adam for tokens and norms."""

    def kinds(weights):
        return {
            "token_embd": "adam",
            "output_norm": "adam",
            "layers": [{n: "muon" if n in decoder.PROJECTIONS else "adam" for n in layer} for layer in weights["layers"]],
        }

    muon = optax.contrib.muon(falling(settings["rate"], settings), weight_decay=0.05)
    adam = optax.adam(falling(settings["rate_of_tokens"], settings), b1=0.9, b2=0.95)
    return optax.chain(optax.clip_by_global_norm(1.0), optax.partition({"muon": muon, "adam": adam}, kinds))


def mean(shape, weights, skill, scale, batch):
    lost, counts = decoder.surprise(shape, weights, skill, scale, batch)
    return (lost * counts).sum() / counts.sum()


def mixed(common, documents, settings):
    """Rounds of conversations about common words, each with others of all in their share."""
    others = len(common) * (100 - settings["common_percent"]) // settings["common_percent"]
    chance = np.random.default_rng(settings["seed"] + 1)
    while True:
        chosen = chance.choice(len(documents), others, replace=False)
        yield common + [documents[i] for i in chosen]


def train_model(documents, common, settings, kept):
    shape = decoder.SHAPE
    weights = decoder.begin(shape, words.VOCABULARY, settings["seed"])
    rule = optimiser(settings)
    state, done = rule.init(weights), 0
    if kept.exists():
        done, leaves = pickle.loads(kept.read_bytes())
        weights, state = jax.tree.unflatten(jax.tree.structure((weights, state)), leaves)

    @jax.jit
    def step(weights, state, batch):
        value, slope = jax.value_and_grad(lambda w: mean(shape, w, None, 0.0, batch))(weights)
        change, state = rule.update(slope, state, weights)
        return optax.apply_updates(weights, change), state, value

    chance = np.random.default_rng(settings["seed"] + 2)
    rounds = (batch for part in mixed(common, documents, settings) for batch in once(part, settings, chance))
    all_steps = settings["steps"] + settings["common_steps"]
    source, average = batches(documents, settings, settings["seed"]), None
    for number in range(all_steps):
        batch = next(source if number < settings["steps"] else rounds)
        if number < done:
            continue
        weights, state, value = step(weights, state, batch)
        average = float(value) if average is None else average + 0.02 * (float(value) - average)
        if (number + 1) % 50 == 0:
            log(f"step {number + 1} of {all_steps}: {average:.3f}")
        if (number + 1) % CHECKPOINT_EVERY == 0:
            kept.with_suffix(".part").write_bytes(pickle.dumps((number + 1, [np.asarray(v) for v in jax.tree.leaves((weights, state))])))
            kept.with_suffix(".part").rename(kept)
    return weights


def train_skill(documents, weights, name, settings):
    shape, scale = decoder.SHAPE, settings["skill_alpha"] / settings["skill_rank"]
    skill = decoder.begin_skill(shape, settings["skill_rank"], settings["seed"])
    steps = settings["skill_steps"][name]
    rule = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(optax.cosine_decay_schedule(settings["skill_rate"], steps), weight_decay=0.01))
    state = rule.init(skill)

    @jax.jit
    def step(skill, state, batch):
        value, slope = jax.value_and_grad(lambda s: mean(shape, weights, s, scale, batch))(skill)
        change, state = rule.update(slope, state, skill)
        return optax.apply_updates(skill, change), state, value

    source = batches(documents, settings, settings["seed"])
    for number in range(steps):
        skill, state, value = step(skill, state, next(source))
        if (number + 1) % 20 == 0:
            log(f"{name}: step {number + 1} of {steps}: {float(value):.3f}")
    return jax.tree.map(lambda v: np.asarray(v).astype(np.float16).astype(np.float32), skill)


def perplexity(documents, weights, skill, settings):
    """Of the tokens of answers, each document for itself."""
    shape, scale = decoder.SHAPE, settings["skill_alpha"] / settings["skill_rank"]

    @jax.jit
    def lost(batch):
        values, counts = decoder.surprise(shape, weights, skill, scale, batch)
        answers = counts == 1
        return (values * answers).sum(), answers.sum()

    found = words.rows(documents, shape["context"] + 1)
    total, count = 0.0, 0
    for at in range(0, len(found[0]), settings["rows"]):
        batch = tuple(values[at : at + settings["rows"]] for values in found)
        part, some = lost(batch)
        total, count = total + float(part), count + int(some)
    return float(np.exp(total / count))


def trigram_perplexity(model, documents):
    length = decoder.SHAPE["context"] + 1
    found = [model.surprise(ids[:length])[answers[:length]] for ids, answers in documents]
    return float(np.exp(np.concatenate(found).mean()))


def followed(found, settings):
    """Some of the conversations with another one after them, so that it learns to go on."""
    chance, out, index = np.random.default_rng(settings["seed"]), [], 0
    found = [found[i] for i in chance.permutation(len(found))]
    while index < len(found):
        turns = found[index]
        index += 1
        if index < len(found) and chance.integers(100) < settings["followed_percent"]:
            turns = turns + [turn for turn in found[index] if turn[0] != "system"]
            index += 1
        out.append(turns)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", default=Path(tempfile.gettempdir()) / "smalltalk", type=Path)
    parser.add_argument("--out", default=MODELS, type=Path, help="folder of the models' folders")
    parser.add_argument("--quality", default=HERE / "quality.json", type=Path)
    parser.add_argument("--steps", default=SETTINGS["steps"], type=int)
    arguments = parser.parse_args()
    settings = SETTINGS | {"steps": arguments.steps}
    arguments.cache.mkdir(parents=True, exist_ok=True)

    sides = {name: conversations.of(name, arguments.cache) for name in ("wn", "devil", "jargon")}
    by_hand = conversations.written(HERE / "smalltalk.txt")
    texts = followed(sides["wn"][0] + by_hand * settings["by_hand"], settings)
    tokenizer = words.trained(texts)
    digest = hashlib.sha256(json.dumps([sides, by_hand, settings, decoder.SHAPE]).encode()).hexdigest()
    documents = words.encoded(tokenizer, texts)
    held_out = {name: words.encoded(tokenizer, side[1]) for name, side in sides.items()}
    log(f"{len(documents)} conversations, {sum(len(d[0]) for d in documents)} tokens")

    common = conversations.common(arguments.cache, settings["common_words"], settings["common_ways"])
    common = words.encoded(tokenizer, common + by_hand * settings["by_hand"])
    weights = train_model(documents, common, settings, arguments.cache / f"model-{digest[:16]}.pickle")
    about = {
        "name": NAME,
        "license": "MIT AND LicenseRef-WordNet-3.0",
        "description": "Says what English words mean; small and often wrong.",
    }
    files.write_model(arguments.out / NAME / f"{NAME}.gguf", decoder.SHAPE, weights, tokenizer, about)
    weights = files.rounded(weights)

    log("trigrams")
    trigram = Trigram([ids for ids, _ in documents], words.VOCABULARY)
    quality = {
        "data_sha256": digest,
        "packages": {name: side[2] for name, side in sides.items()},
        "settings": settings,
        "shape": decoder.SHAPE,
        "conversations": len(documents),
        "tokens": int(sum(len(ids) for ids, _ in documents)),
        "tokens_seen": (settings["steps"] + settings["common_steps"]) * settings["rows"] * decoder.SHAPE["context"],
        "held_out": {
            name: {
                "conversations": len(found),
                "perplexity": perplexity(found, weights, None, settings),
                "perplexity_trigram": trigram_perplexity(trigram, found),
            }
            for name, found in held_out.items()
        },
    }
    log(json.dumps(quality["held_out"]))
    for name, folder in SKILLS.items():
        skill = train_skill(words.encoded(tokenizer, sides[name][0]), weights, name, settings)
        files.write_skill(arguments.out / folder, NAME, skill, settings["skill_rank"], settings["skill_alpha"])
        for text, found in held_out.items():
            quality["held_out"][text][f"perplexity_with_{name}"] = perplexity(found, weights, skill, settings)
        log(name, json.dumps(quality["held_out"][name]))
    arguments.quality.write_text(json.dumps(quality, indent=1) + "\n")


if __name__ == "__main__":
    main()
