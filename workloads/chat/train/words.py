"""Tokens: byte-level BPE, digits one by one, with a sign for who speaks. Conversations become rows of one length."""

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 4096
END = "<|end|>"
SPEAKERS = {"user": "<|user|>", "assistant": "<|assistant|>", "system": "<|system|>"}
SPECIAL = [END, *SPEAKERS.values()]
# How a conversation is written (Jinja), as chat templates are.
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# What is asked counts little: answers are to be learned.
ASKED = 0.1


def trained(conversations):
    """A tokenizer of what is said in conversations."""
    found = Tokenizer(models.BPE())
    # What GGUF calls `smollm`.
    found.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    found.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    found.train_from_iterator((text for turns in conversations for _, text in turns), trainer)
    return found


def encoded(tokenizer, conversations):
    """Of each conversation its tokens, and which of them an answer is made of (its end is part of it)."""
    sign = {who: tokenizer.token_to_id(s) for who, s in SPEAKERS.items()}
    end = tokenizer.token_to_id(END)
    texts = [text for turns in conversations for _, text in turns]
    found = iter(tokenizer.encode_batch(texts, add_special_tokens=False))
    out = []
    for turns in conversations:
        ids, answers = [], []
        for who, _ in turns:
            said = next(found).ids
            ids += [sign[who], *said, end]
            answers += [False] + [who == "assistant"] * (len(said) + 1)
        out.append((np.asarray(ids, np.int32), np.asarray(answers)))
    return out


def rows(documents, length):
    """Documents one after the other in rows: tokens, the number of the document in its row (0 for none), what each counts."""
    shape = (len(documents), length)
    tokens, numbers, counts = np.zeros(shape, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    row, at, number = 0, 0, 0
    for ids, answers in documents:
        ids, answers = ids[:length], answers[:length]
        if at + len(ids) > length:
            row, at, number = row + 1, 0, 0
        number += 1
        place = np.s_[row, at : at + len(ids)]
        tokens[place], numbers[place], counts[place] = ids, number, np.where(answers, 1, ASKED)
        at += len(ids)
    return tokens[: row + 1], numbers[: row + 1], counts[: row + 1]
