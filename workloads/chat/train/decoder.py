"""A decoder of Llama's kind in JAX: RMSNorm, rotary positions, grouped attention, SwiGLU, tied embeddings; and LoRA on it."""

import jax
import jax.numpy as jnp
import numpy as np

SHAPE = {
    "hidden": 192,
    "wide": 576,
    "layers": 6,
    "heads": 6,
    "groups": 2,
    "context": 256,
    "theta": 10000.0,
    "epsilon": 1e-5,
}
# Projections by the names that GGUF and Hugging Face have for them.
PROJECTIONS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def sizes(shape):
    """Rows and columns of each projection: outputs, inputs."""
    hidden, wide = shape["hidden"], shape["wide"]
    grouped = hidden // shape["heads"] * shape["groups"]
    return {
        "attn_q": (hidden, hidden),
        "attn_k": (grouped, hidden),
        "attn_v": (grouped, hidden),
        "attn_output": (hidden, hidden),
        "ffn_gate": (wide, hidden),
        "ffn_up": (wide, hidden),
        "ffn_down": (hidden, wide),
    }


def begin(shape, vocabulary, seed):
    """Random weights to begin with."""
    chance = np.random.default_rng(seed)

    def matrix(rows, columns, spread):
        return jnp.asarray(chance.standard_normal((rows, columns)) * spread, jnp.float32)

    def layer():
        out = {name: matrix(*size, size[1] ** -0.5) for name, size in sizes(shape).items()}
        for last in ("attn_output", "ffn_down"):
            out[last] *= (2 * shape["layers"]) ** -0.5
        return out | {"attn_norm": jnp.ones(shape["hidden"]), "ffn_norm": jnp.ones(shape["hidden"])}

    return {
        "token_embd": matrix(vocabulary, shape["hidden"], 0.02),
        "output_norm": jnp.ones(shape["hidden"]),
        "layers": [layer() for _ in range(shape["layers"])],
    }


def begin_skill(shape, rank, seed):
    """A LoRA that adds nothing yet: its half that goes up is zero."""
    chance = np.random.default_rng(seed)
    return [
        {
            name: {
                "A": jnp.asarray(chance.uniform(-1, 1, (rank, inputs)) * inputs**-0.5, jnp.float32),
                "B": jnp.zeros((outputs, rank)),
            }
            for name, (outputs, inputs) in sizes(shape).items()
        }
        for _ in range(shape["layers"])
    ]


def norm(x, weight, epsilon):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + epsilon) * weight


def turned(x, cos, sin):
    """Rotary positions as Hugging Face has them: `i` with `i + head / 2`."""
    first, second = jnp.split(x, 2, -1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], -1)


def scores(shape, weights, skill, scale, tokens, documents):
    """Scores of the next token at each place: [rows, length, vocabulary]. A token sees those before it of its own document."""
    rows, length = tokens.shape
    head = shape["hidden"] // shape["heads"]
    frequencies = shape["theta"] ** (-np.arange(0, head, 2) / head)
    angles = np.arange(length)[:, None] * frequencies
    cos, sin = (jnp.asarray(f(angles), jnp.float32)[None, :, None, :] for f in (np.cos, np.sin))
    seen = (documents[:, :, None] == documents[:, None, :]) & jnp.tril(jnp.ones((length, length), bool))
    unseen = jnp.where(seen, 0.0, -1e9)[:, None]

    x = weights["token_embd"][tokens]
    for number, layer in enumerate(weights["layers"]):

        def project(name, y):
            out = y @ layer[name].T
            if skill is not None:
                added = skill[number][name]
                out += scale * (y @ added["A"].T) @ added["B"].T
            return out

        y = norm(x, layer["attn_norm"], shape["epsilon"])
        q = turned(project("attn_q", y).reshape(rows, length, shape["heads"], head), cos, sin)
        k = turned(project("attn_k", y).reshape(rows, length, shape["groups"], head), cos, sin)
        v = project("attn_v", y).reshape(rows, length, shape["groups"], head)
        times = shape["heads"] // shape["groups"]
        k, v = (jnp.repeat(part, times, 2) for part in (k, v))
        attention = jnp.einsum("rqhd,rkhd->rhqk", q, k) * head**-0.5 + unseen
        mixed = jnp.einsum("rhqk,rkhd->rqhd", jax.nn.softmax(attention, -1), v)
        x = x + project("attn_output", mixed.reshape(rows, length, -1))
        y = norm(x, layer["ffn_norm"], shape["epsilon"])
        x = x + project("ffn_down", jax.nn.silu(project("ffn_gate", y)) * project("ffn_up", y))
    x = norm(x, weights["output_norm"], shape["epsilon"])
    return x @ weights["token_embd"].T


def surprise(shape, weights, skill, scale, batch):
    """The negative logarithm of each target's likelihood, and what each counts."""
    tokens, documents, counts = batch
    out = scores(shape, weights, skill, scale, tokens[:, :-1], documents[:, :-1])
    targets = tokens[:, 1:]
    same = documents[:, :-1] == documents[:, 1:]
    lost = jax.nn.logsumexp(out, -1) - jnp.take_along_axis(out, targets[..., None], -1)[..., 0]
    return lost, counts[:, 1:] * same
