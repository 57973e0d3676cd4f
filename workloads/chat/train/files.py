"""What is written: the model as GGUF with weights of Q8_0, and skills as PEFT writes them."""

import json
from pathlib import Path

import gguf
import jax
import jax.numpy as jnp
import numpy as np
from gguf import GGMLQuantizationType as Q
from safetensors.numpy import save

import words
from decoder import PROJECTIONS


def rounded(weights):
    """The weights as they are after being rounded to bytes."""

    def one(value):
        value = np.asarray(value)
        return jnp.asarray(gguf.quants.dequantize(gguf.quants.quantize(value, Q.Q8_0), Q.Q8_0) if value.ndim == 2 else value)

    return jax.tree.map(one, weights)


def paired(matrix, heads):
    """Rows as GGUF has them for llama: halves of each head, `i` and `i + head / 2`, beside each other."""
    head = len(matrix) // heads
    return matrix.reshape(heads, 2, head // 2, -1).swapaxes(1, 2).reshape(matrix.shape)


def write_model(path, shape, weights, tokenizer, about):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in about.items():
        writer.add_string(f"general.{key}", value)
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["hidden"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["wide"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["groups"])
    writer.add_layer_norm_rms_eps(shape["epsilon"])
    writer.add_rope_freq_base(shape["theta"])
    write_tokens(writer, tokenizer)

    def add(name, value):
        value = np.ascontiguousarray(value, np.float32)
        if value.ndim == 2:
            writer.add_tensor(f"{name}.weight", gguf.quants.quantize(value, Q.Q8_0), raw_dtype=Q.Q8_0)
        else:
            writer.add_tensor(f"{name}.weight", value)

    add("token_embd", weights["token_embd"])
    add("output_norm", weights["output_norm"])
    for number, layer in enumerate(weights["layers"]):
        for name, value in layer.items():
            value = np.asarray(value)
            if name in ("attn_q", "attn_k"):
                value = paired(value, shape["heads"] if name == "attn_q" else shape["groups"])
            add(f"blk.{number}.{name}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_tokens(writer, tokenizer):
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.get)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if t in words.SPECIAL else gguf.TokenType.NORMAL for t in tokens])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_eos_token_id(vocabulary[words.END])
    writer.add_add_bos_token(False)
    writer.add_chat_template(words.TEMPLATE)


def write_skill(folder, model, skill, rank, alpha):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for number, layer in enumerate(skill):
        for name, halves in layer.items():
            for half, value in halves.items():
                place = f"base_model.model.model.layers.{number}.{PROJECTIONS[name]}.lora_{half}.weight"
                tensors[place] = np.ascontiguousarray(value, np.float16)
    (folder / "adapter_model.safetensors").write_bytes(save(tensors))
    config = {
        "base_model_name_or_path": model,
        "bias": "none",
        "lora_alpha": alpha,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": sorted(name.split(".")[1] for name in PROJECTIONS.values()),
        "task_type": "CAUSAL_LM",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
