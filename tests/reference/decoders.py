"""What transformers, torch, peft and gguf make of small random decoders: the files of `decoders/`.

    pip install -r requirements.txt
    python3 decoders.py

Every model is written as its library writes it; `golden.json` holds tokens, scores (float32, base64) and the greedy
continuation of each. The seed is fixed; the weights are large, so that a wrong turn shows.
"""

import base64
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Q
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

HERE = Path(__file__).parent
OUT = HERE / "decoders"
SPECIAL = ["<|end|>", "<|start|>", "<|stop|>"]
TEMPLATE = (
    "{% for message in messages %}\n    {{- '<|start|>' + message['role'] + '\\n' + message['content'] | trim + '<|stop|>' }}\n"
    "{% endfor %}\n{% if add_generation_prompt %}\n    {{- '<|start|>assistant\\n' }}\n{% endif %}\n"
)
TEXTS = [
    "What is a mesh?",
    "A rule is a component: signed, known by its CID, swapped while the mesh runs.",
    "  two  spaces,\n\na line 12345 and naïve café 😀 مرحبا",
    "don't WON'T it's 3.14 <|stop|> end",
]
TURNS = [
    {"role": "system", "content": " Be brief. "},
    {"role": "user", "content": "What is a mesh?"},
    {"role": "assistant", "content": "Devices that share."},
    {"role": "user", "content": "And a rule?"},
]
golden = {}


def floats(values):
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def tokenizer():
    """Byte pairs trained on this repository's README, cut as SmolLM's are."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    trained.train([str(HERE / "../../README.md")], trainer)
    return trained


def scaled(model, seed):
    """Weights large enough that every part of the model shows in its scores."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            value.copy_(1 + 0.2 * noise if "norm" in name else noise * (0.6 / value.shape[-1] ** 0.5 if value.dim() > 1 else 0.2))
            if "embed" in name:
                value.copy_(noise * 0.3)
            # A last norm of any sign, or a model whose output is its embeddings would say each token again.
            if name == "model.norm.weight":
                value.copy_(noise)
    return model.eval()


def scores(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float().numpy()


def greedy(model, ids, count=64):
    ids = list(ids)
    for _ in range(count):
        ids.append(int(scores(model, ids)[-1].argmax()))
    return ids[-count:]


def record(name, model, ids, continued=True):
    golden[name] = {"tokens": ids, "scores": floats(scores(model, ids)[-4:])}
    if continued:
        golden[name]["greedy"] = greedy(model, ids)


def save(name, model, fast):
    model.generation_config.eos_token_id = fast.convert_tokens_to_ids("<|stop|>")
    model.save_pretrained(OUT / name, safe_serialization=True)
    fast.save_pretrained(OUT / name)
    for extra in ["special_tokens_map.json"]:
        (OUT / name / extra).unlink(missing_ok=True)


def random_blocks(kind, rows, columns, generator):
    """Random blocks of a K format: gguf reads these but does not write them."""
    values, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = generator.integers(0, 256, (rows * columns // values, size), dtype=np.uint8)
    scale = np.float16([0.0006]).view(np.uint8)
    at = 0 if kind == Q.Q4_K else size - 2
    blocks[:, at : at + 2] = scale
    if kind == Q.Q4_K:
        blocks[:, 2:4] = np.float16([0.004]).view(np.uint8)
    else:
        blocks[:, 192:208] = generator.integers(1, 60, (len(blocks), 16), dtype=np.uint8)
    return blocks.reshape(rows, -1)


def quantised(kind, rows, columns, generator):
    """Bytes in a format, and the numbers that gguf reads out of them."""
    if kind in (Q.Q4_K, Q.Q6_K):
        data = random_blocks(kind, rows, columns, generator)
    else:
        data = gguf.quants.quantize((generator.standard_normal((rows, columns)) * 0.06).astype(np.float32), kind)
    return data, gguf.quants.dequantize(data, kind)


def unpaired(values, heads):
    """Rows as Hugging Face has them, of rows as GGUF has them (llama)."""
    head = values.shape[0] // heads
    return values.reshape(heads, head // 2, 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def write_tokens(writer, fast):
    vocabulary = fast.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if t in SPECIAL else gguf.TokenType.NORMAL for t in tokens])
    merges = json.loads(fast.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_bos_token_id(vocabulary["<|start|>"])
    writer.add_eos_token_id(vocabulary["<|stop|>"])
    writer.add_chat_template(TEMPLATE)


def mixed(fast):
    """One GGUF file with a tensor in every format."""
    generator = np.random.default_rng(5)
    hidden, wide, heads, groups, layers = 256, 256, 4, 2, 1
    config = LlamaConfig(
        vocab_size=320, hidden_size=hidden, intermediate_size=wide, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=groups, max_position_embeddings=128, rope_theta=10000.0, tie_word_embeddings=True,
    )
    model = scaled(LlamaForCausalLM(config), 5)
    state = model.state_dict()
    path = OUT / "mixed.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(wide)
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    write_tokens(writer, fast)
    for theirs, ours, kind in [
        ("token_embd", "model.embed_tokens", Q.Q8_0),
        ("blk.0.attn_q", "model.layers.0.self_attn.q_proj", Q.Q4_K),
        ("blk.0.attn_k", "model.layers.0.self_attn.k_proj", Q.Q6_K),
        ("blk.0.attn_v", "model.layers.0.self_attn.v_proj", Q.Q4_0),
        ("blk.0.attn_output", "model.layers.0.self_attn.o_proj", Q.F16),
        ("blk.0.ffn_gate", "model.layers.0.mlp.gate_proj", Q.Q4_K),
        ("blk.0.ffn_up", "model.layers.0.mlp.up_proj", Q.Q6_K),
        ("blk.0.ffn_down", "model.layers.0.mlp.down_proj", Q.F32),
    ]:
        rows, columns = state[f"{ours}.weight"].shape
        data, values = quantised(kind, rows, columns, generator)
        writer.add_tensor(f"{theirs}.weight", data, raw_dtype=kind)
        if theirs.endswith(("attn_q", "attn_k")):
            values = unpaired(values, heads if theirs.endswith("q") else groups)
        state[f"{ours}.weight"].copy_(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)))
    for theirs, ours in [
        ("output_norm", "model.norm"),
        ("blk.0.attn_norm", "model.layers.0.input_layernorm"),
        ("blk.0.ffn_norm", "model.layers.0.post_attention_layernorm"),
    ]:
        writer.add_tensor(f"{theirs}.weight", state[f"{ours}.weight"].numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model.tie_weights()
    record("mixed", model, fast.encode(TEXTS[1]))


def formats():
    """Three blocks of each format and the numbers in them, as gguf has them."""
    generator = np.random.default_rng(9)
    golden["formats"] = {}
    for kind in [Q.F32, Q.F16, Q.BF16, Q.Q4_0, Q.Q8_0, Q.Q4_K, Q.Q6_K]:
        data, values = quantised(kind, 1, 768, generator)
        golden["formats"][kind.name] = {
            "bytes": base64.b64encode(np.ascontiguousarray(data).view(np.uint8).tobytes()).decode(),
            "values": floats(values),
        }


def pieces():
    """A vocabulary of pieces with scores, as SentencePiece has it, without a model."""
    trained = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    alphabet = sorted(set((HERE / "../../README.md").read_text()) - {" ", "\n"})[:90]
    first = ["<unk>", "<s>", "</s>"] + [f"<0x{n:02X}>" for n in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=first, initial_alphabet=alphabet + ["▁"], limit_alphabet=91, show_progress=False)
    words = (HERE / "../../README.md").read_text().split()
    trained.train_from_iterator(words, trainer)
    whole = json.loads(trained.to_str())
    whole["added_tokens"] = [t for t in whole["added_tokens"] if t["content"] in ("<unk>", "<s>", "</s>")]
    trained = Tokenizer.from_str(json.dumps(whole))
    vocabulary = trained.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.get)
    merges = ["".join(m if isinstance(m, list) else m.split(" ")) for m in whole["model"]["merges"]]
    ranks = {piece: rank for rank, piece in reversed(list(enumerate(merges)))}
    writer = gguf.GGUFWriter(OUT / "pieces.gguf", "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([float(-ranks.get(t, 1_000_000)) for t in tokens])
    kinds = {"<unk>": gguf.TokenType.UNKNOWN, "<s>": gguf.TokenType.CONTROL, "</s>": gguf.TokenType.CONTROL}
    writer.add_token_types([kinds.get(t, gguf.TokenType.BYTE if t.startswith("<0x") else gguf.TokenType.NORMAL) for t in tokens])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    golden["pieces"] = [{"text": t, "tokens": trained.encode(t, add_special_tokens=False).ids} for t in TEXTS[:3]]


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(), bos_token="<|start|>", eos_token="<|stop|>", chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    golden["texts"] = [{"text": t, "tokens": fast.encode(t, add_special_tokens=False)} for t in TEXTS]
    golden["chat"] = {"turns": TURNS, "tokens": fast.apply_chat_template(TURNS, add_generation_prompt=True)}
    ids = fast.encode(TEXTS[1])
    shared = dict(vocab_size=320, num_hidden_layers=2, max_position_embeddings=128, torch_dtype="float32")

    llama = scaled(LlamaForCausalLM(LlamaConfig(
        hidden_size=48, intermediate_size=80, num_attention_heads=4, num_key_value_heads=2, rope_theta=500000.0,
        rope_scaling={"type": "linear", "factor": 2.0}, tie_word_embeddings=False, rms_norm_eps=1e-5, **shared)), 2)
    save("llama", llama, fast)
    record("llama", llama, ids)

    qwen = scaled(Qwen2ForCausalLM(Qwen2Config(
        hidden_size=48, intermediate_size=80, num_attention_heads=4, num_key_value_heads=1, rope_theta=1000000.0,
        tie_word_embeddings=True, **shared)), 3)
    save("qwen2", qwen, fast)
    record("qwen2", qwen, ids)

    smol = scaled(LlamaForCausalLM(LlamaConfig(
        hidden_size=48, intermediate_size=96, num_attention_heads=3, num_key_value_heads=1, rope_theta=100000.0,
        tie_word_embeddings=True, rms_norm_eps=1e-5, **shared)), 4).bfloat16()
    save("smollm2", smol, fast)
    # Read again: `float()` would leave the turns of positions as bfloat16 rounded them.
    record("smollm2", LlamaForCausalLM.from_pretrained(OUT / "smollm2", torch_dtype=torch.float32), ids)

    def skill(base, name, seed, **settings):
        wrapped = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **settings))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for key, value in wrapped.named_parameters():
                if "lora_" in key:
                    value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
                elif key.endswith("bias") and settings.get("bias") != "none" and value.requires_grad:
                    value.add_(torch.randn(value.shape, generator=generator) * 0.2)
        wrapped.save_pretrained(OUT / name)
        (OUT / name / "README.md").unlink(missing_ok=True)
        return wrapped

    def fresh(name, kind):
        return kind.from_pretrained(OUT / name, torch_dtype=torch.float32)

    skill(fresh("smollm2", LlamaForCausalLM), "skill-a", 10, r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], bias="none")
    skill(fresh("smollm2", LlamaForCausalLM), "skill-b", 11, r=8, lora_alpha=4, use_rslora=True, bias="none",
          target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    skill(fresh("qwen2", Qwen2ForCausalLM), "skill-bias", 12, r=2, lora_alpha=2, target_modules=["q_proj", "down_proj"], bias="all")
    for name, base, kind, path in [
        ("smollm2+a", "smollm2", LlamaForCausalLM, "skill-a"),
        ("smollm2+b", "smollm2", LlamaForCausalLM, "skill-b"),
        ("qwen2+bias", "qwen2", Qwen2ForCausalLM, "skill-bias"),
    ]:
        record(name, PeftModel.from_pretrained(fresh(base, kind), OUT / path).eval(), ids)
    both = PeftModel.from_pretrained(fresh("smollm2", LlamaForCausalLM), OUT / "skill-a", adapter_name="a")
    both.load_adapter(OUT / "skill-b", adapter_name="b")
    both.add_weighted_adapter(["a", "b"], [0.5, 1.25], "both", combination_type="cat")
    both.set_adapter("both")
    record("smollm2+a*0.5+b*1.25", both.eval(), ids)

    mixed(fast)
    formats()
    pieces()
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
