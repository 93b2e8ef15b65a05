#!/usr/bin/env python3
"""Reference logits of small random models of every family, by transformers in float32 on the CPU.

    python3 families.py [NAME ...]

writes NAME.json beside this file: the metadata and the tensors as a GGUF file has them, and logits at some positions of
a text. Weights are not stored: each number follows from its tensor's name by integers alone, so that
tests/runtime_families.rs makes the same file bit for bit. The mapping from the file's tensors to those of transformers
is what llama.cpp's converter does, backwards; that converter, given these models, writes the same keys and tensors.

Needs torch, numpy and transformers 4.57; 5 for mistral3 alone.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import transformers

from noise import noise


def numbers(name, count, scale, offset):
    """offset + scale · multiples of 2^-24 in [-0.5, 0.5), rounded once to float32."""
    uniform = (noise(name, count) >> np.uint64(40)).astype(np.float64) / 2**24 - 0.5
    return (offset + scale * uniform).astype(np.float32)


def mxfp4(name, count):
    """Blocks of 32 numbers: 17 bytes of noise, of which the first chooses one of four exponents, the others have two
    numbers each (low four bits: the first half). Source: OCP Microscaling Formats 1.0, and ggml's order of the numbers."""
    raw = (noise(name, count // 32 * 17) >> np.uint64(56)).astype(np.uint8).reshape(-1, 17)
    exponents = 123 + raw[:, :1].astype(np.int32) % 4
    codes = np.concatenate([raw[:, 1:] & 15, raw[:, 1:] >> 4], 1)
    levels = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], dtype=np.float32)
    return (np.where(codes < 8, 1, -1) * levels[codes % 8] * 2.0 ** (exponents - 127)).astype(np.float32)


class File:
    """A GGUF file that is being described, and the state of the model in transformers that it stands for."""

    def __init__(self, name, architecture, config, model, **metadata):
        self.name, self.architecture, self.config, self.model = name, architecture, config, model
        self.metadata, self.tensors, self.state = {}, [], {}
        # Matrices in 16 bits; experts in blocks of 4 bits.
        self.halves, self.blocks = False, False
        self.set(
            block_count=config.num_hidden_layers,
            context_length=config.max_position_embeddings,
            embedding_length=config.hidden_size,
            feed_forward_length=config.intermediate_size,
            vocab_size=config.vocab_size,
        )
        self.set(**{"attention.head_count": config.num_attention_heads,
                    "attention.head_count_kv": config.num_key_value_heads})
        if getattr(config, "rope_theta", None):
            self.set(**{"rope.freq_base": float(config.rope_theta)})
        if getattr(config, "rms_norm_eps", None):
            self.set(**{"attention.layer_norm_rms_epsilon": config.rms_norm_eps})
        self.set(**metadata)
        self.shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}

    def set(self, **values):
        for key, value in values.items():
            self.metadata[f"{self.architecture}.{key}"] = value

    def tensor(self, name, shape, scale=None, offset=0.0):
        """Adds a tensor of random numbers, `shape` as numpy has it, and gives it. The scale of a matrix is the power of
        two with which it keeps the size of what it multiplies, about."""
        if len(shape) == 2 and self.halves:
            array = numbers(f"{self.name}/{name}", math.prod(shape), scale or 1.0, offset).astype(np.float16)
            self.tensors.append([name, list(reversed(shape)), scale or 1.0, offset, "F16"])
            return array.astype(np.float32).reshape(shape)
        if len(shape) == 3 and self.blocks:
            self.tensors.append([name, list(reversed(shape)), None, None, "MXFP4"])
            return mxfp4(f"{self.name}/{name}", math.prod(shape)).reshape(shape)
        if scale is None:
            scale = 2.0 ** round(math.log2(math.sqrt(12.0 / shape[-1])))
        self.tensors.append([name, list(reversed(shape)), scale, offset])
        return numbers(f"{self.name}/{name}", math.prod(shape), scale, offset).reshape(shape)

    def values(self, name, values):
        """Adds a tensor whose numbers are written out."""
        self.tensors.append([name, [len(values)], [float(f"{value:.9g}") for value in values]])

    def put(self, theirs, array):
        assert self.shapes[theirs] == array.shape, (theirs, self.shapes[theirs], array.shape)
        assert theirs not in self.state, theirs
        self.state[theirs] = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))

    def both(self, ours, theirs, change=lambda array: array, **how):
        """A tensor that both have; `change` from ours to theirs keeps the shape."""
        self.put(theirs, change(self.tensor(ours, self.shapes[theirs], **how)))

    def gain(self, ours, theirs, change=lambda array: array):
        self.both(ours, theirs, change, scale=0.5, offset=1.0)

    def linear(self, ours, theirs, change=lambda array: array):
        self.both(f"{ours}.weight", f"{theirs}.weight", change)
        if f"{theirs}.bias" in self.shapes:
            self.both(f"{ours}.bias", f"{theirs}.bias", change, scale=0.5)

    def ends(self, gain=None):
        self.both("token_embd.weight", "model.embed_tokens.weight")
        (gain or self.gain)("output_norm.weight", "model.norm.weight")
        if not self.config.tie_word_embeddings:
            self.both("output.weight", "lm_head.weight")

    def write(self, tokens, positions, matters):
        missing = set(self.shapes) - set(self.state) - ({"lm_head.weight"} if self.config.tie_word_embeddings else set())
        assert not missing, missing
        self.model.load_state_dict(self.state, strict=not self.config.tie_word_embeddings)
        self.model.eval()
        ids = (noise(f"{self.name}/tokens", tokens) % np.uint64(self.config.vocab_size)).astype(np.int64)
        with torch.no_grad():
            logits = self.model(torch.from_numpy(ids)[None], use_cache=False).logits[0].float().numpy()
        metadata = {"general.architecture": self.architecture, **self.metadata}
        parts = {
            "name": self.name,
            "made_by": f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float32",
            "metadata": metadata,
            "tensors": self.tensors,
            "matters": [f"{self.architecture}.{key}" for key in matters],
            "tokens": tokens,
            "positions": positions,
            "logits": [[float(f"{value:.7g}") for value in logits[position]] for position in positions],
        }
        lines = [f"{json.dumps(key)}: {rows(key, value)}" for key, value in parts.items()]
        path = pathlib.Path(__file__).with_name(f"{self.name}.json")
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        print(f"{path.name}: {path.stat().st_size} bytes, spread {np.std(logits):.3f}")


def rows(key, value):
    if key in ("tensors", "logits"):
        return "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]"
    return json.dumps(value)


# ---- What the converter changes, backwards.

def unpermute(heads):
    """Rows of each head from neighbours to halves."""
    def change(array):
        split = array.reshape(heads, array.shape[0] // heads // 2, 2, *array.shape[1:])
        return split.swapaxes(1, 2).reshape(array.shape)
    return change


def less_one(array):
    return array - np.float32(1.0)


# ---- Parts of models.

def projections(file, layer, permuted=False):
    ours, theirs, config = f"blk.{layer}.", f"model.layers.{layer}.self_attn.", file.config
    q, k = (unpermute(config.num_attention_heads), unpermute(config.num_key_value_heads)) if permuted else (np.array, np.array)
    file.linear(ours + "attn_q", theirs + "q_proj", q)
    file.linear(ours + "attn_k", theirs + "k_proj", k)
    file.linear(ours + "attn_v", theirs + "v_proj")
    file.linear(ours + "attn_output", theirs + "o_proj")


def network(file, ours, theirs, end=""):
    for part in ("gate", "up", "down"):
        file.linear(f"{ours}ffn_{part}{end}", f"{theirs}{part}_proj")


def experts(file, layer, theirs, count, names=("gate_proj", "up_proj", "down_proj")):
    for part, name in zip(("gate", "up", "down"), names):
        shape = file.shapes[f"{theirs}0.{name}.weight"]
        array = file.tensor(f"blk.{layer}.ffn_{part}_exps.weight", (count, *shape))
        for expert in range(count):
            file.put(f"{theirs}{expert}.{name}.weight", array[expert])


def norms(file, layer, pairs, gain=None):
    for ours, theirs in pairs:
        (gain or file.gain)(f"blk.{layer}.{ours}.weight", f"model.layers.{layer}.{theirs}.weight")


BEFORE = [("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm")]

SMALL = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=4096, rms_norm_eps=1e-5, tie_word_embeddings=False,
    pad_token_id=None, bos_token_id=None, eos_token_id=None,
)


def build(model, config):
    config._attn_implementation = "eager"
    return model(config)


def head_keys(width, rope=None):
    keys = {"attention.key_length": width, "attention.value_length": width}
    return keys | ({"rope.dimension_count": rope} if rope else {})


def yarn_keys(scaling):
    keys = {"rope.scaling.type": "yarn", "rope.scaling.factor": float(scaling["factor"]),
            "rope.scaling.original_context_length": scaling["original_max_position_embeddings"]}
    return keys | {f"rope.scaling.yarn_{key}": float(scaling[key]) for key in ("beta_fast", "beta_slow") if key in scaling}


LONG = dict(tokens=2200, positions=[0, 7, 100, 1023, 2199])


# ---- The families.

def llama(name, scaling=None, halves=False, **changes):
    config = transformers.LlamaConfig(**{**SMALL, "head_dim": 16, "rope_theta": 10000.0, "rope_scaling": scaling, **changes})
    file = File(name, "llama", config, build(transformers.LlamaForCausalLM, config), **head_keys(16, 16))
    file.halves = halves
    for layer in range(config.num_hidden_layers):
        norms(file, layer, BEFORE)
        projections(file, layer, permuted=True)
        network(file, f"blk.{layer}.", f"model.layers.{layer}.mlp.")
    file.ends()
    return file


def llama3():
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 256}
    file = llama("llama3", scaling, rope_theta=500.0, tie_word_embeddings=True)
    # The factors that the converter writes are the plain speeds over the scaled ones.
    plain = 1.0 / 500.0 ** (torch.arange(0, 16, 2, dtype=torch.float32) / 16)
    scaled, _ = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](file.config, "cpu")
    file.values("rope_freqs.weight", (plain / scaled).tolist())
    file.write(**LONG, matters=["rope.freq_base"])


def llama_halves():
    llama("llama-f16", halves=True).write(**LONG, matters=[])


def llama_linear():
    file = llama("llama-linear", {"rope_type": "linear", "factor": 4.0})
    file.set(**{"rope.scaling.type": "linear", "rope.scaling.factor": 4.0})
    file.write(**LONG, matters=["rope.scaling.factor"])


def llama_yarn():
    scaling = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 256, "beta_fast": 8.0, "beta_slow": 2.0}
    file = llama("llama-yarn", scaling)
    file.set(**yarn_keys(scaling))
    file.write(**LONG, matters=["rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length",
                                "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow"])


def mistral3():
    """Ministral 3. Needs transformers 5."""
    beta, original = 0.3, 60
    scaling = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": original,
               "beta_fast": 8.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": beta}
    config = transformers.Ministral3Config(**SMALL, head_dim=16, sliding_window=None, rope_parameters=scaling)
    file = File("mistral3", "mistral3", config, build(transformers.Ministral3ForCausalLM, config), **head_keys(16, 16),
                **yarn_keys(scaling))
    file.set(**{"rope.freq_base": 10000.0, "rope.scaling.yarn_log_multiplier": 1.0, "attention.temperature_scale": beta})
    for layer in range(2):
        norms(file, layer, BEFORE)
        projections(file, layer, permuted=True)
        network(file, f"blk.{layer}.", f"model.layers.{layer}.mlp.")
    file.ends()
    file.write(**LONG, matters=["attention.temperature_scale", "rope.scaling.yarn_log_multiplier"])


def mixtral():
    config = transformers.MixtralConfig(**SMALL, head_dim=8, rope_theta=10000.0, num_local_experts=6,
                                        num_experts_per_tok=2, sliding_window=None)
    file = File("mixtral", "llama", config, build(transformers.MixtralForCausalLM, config), **head_keys(8, 8),
                expert_count=6, expert_used_count=2)
    for layer in range(2):
        norms(file, layer, BEFORE)
        projections(file, layer, permuted=True)
        file.linear(f"blk.{layer}.ffn_gate_inp", f"model.layers.{layer}.block_sparse_moe.gate")
        experts(file, layer, f"model.layers.{layer}.block_sparse_moe.experts.", 6, ("w1", "w3", "w2"))
    file.ends()
    file.write(**LONG, matters=["expert_used_count"])


def qwen2():
    config = transformers.Qwen2Config(**SMALL, rope_theta=1000000.0, use_sliding_window=False)
    file = File("qwen2", "qwen2", config, build(transformers.Qwen2ForCausalLM, config))
    for layer in range(2):
        norms(file, layer, BEFORE)
        projections(file, layer)
        network(file, f"blk.{layer}.", f"model.layers.{layer}.mlp.")
    file.ends()
    file.write(**LONG, matters=["rope.freq_base"])


def qwen3():
    config = transformers.Qwen3Config(**SMALL, head_dim=16, rope_theta=1000000.0, use_sliding_window=False)
    file = File("qwen3", "qwen3", config, build(transformers.Qwen3ForCausalLM, config), **head_keys(16))
    for layer in range(2):
        norms(file, layer, BEFORE + [("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm")])
        projections(file, layer)
        network(file, f"blk.{layer}.", f"model.layers.{layer}.mlp.")
    file.ends()
    file.write(**LONG, matters=["rope.freq_base", "attention.key_length"])


def qwen3moe():
    config = transformers.Qwen3MoeConfig(**SMALL, head_dim=16, rope_theta=1000000.0, num_experts=8, num_experts_per_tok=3,
                                         moe_intermediate_size=24, norm_topk_prob=True, decoder_sparse_step=1,
                                         mlp_only_layers=[], use_sliding_window=False)
    file = File("qwen3moe", "qwen3moe", config, build(transformers.Qwen3MoeForCausalLM, config), **head_keys(16),
                expert_count=8, expert_used_count=3, expert_feed_forward_length=24)
    for layer in range(2):
        norms(file, layer, BEFORE + [("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm")])
        projections(file, layer)
        file.linear(f"blk.{layer}.ffn_gate_inp", f"model.layers.{layer}.mlp.gate")
        experts(file, layer, f"model.layers.{layer}.mlp.experts.", 8)
    file.ends()
    file.write(**LONG, matters=["rope.freq_base", "expert_feed_forward_length"])


def gemma(name, architecture, config, model, pairs):
    file = File(name, architecture, config, build(model, config), **head_keys(16))
    gain = lambda ours, theirs: file.gain(ours, theirs, less_one)
    for layer in range(config.num_hidden_layers):
        norms(file, layer, pairs, gain)
        projections(file, layer)
        network(file, f"blk.{layer}.", f"model.layers.{layer}.mlp.")
    file.ends(gain)
    return file


AROUND = [("attn_norm", "input_layernorm"), ("post_attention_norm", "post_attention_layernorm"),
          ("ffn_norm", "pre_feedforward_layernorm"), ("post_ffw_norm", "post_feedforward_layernorm")]


def gemma2():
    config = transformers.Gemma2Config(**{**SMALL, "num_hidden_layers": 3, "tie_word_embeddings": True}, head_dim=16,
                                       query_pre_attn_scalar=16, sliding_window=60, attn_logit_softcapping=2.0,
                                       final_logit_softcapping=1.5, hidden_activation="gelu_pytorch_tanh")
    file = gemma("gemma2", "gemma2", config, transformers.Gemma2ForCausalLM, AROUND)
    keys = {"attention.sliding_window": 60, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 1.5}
    file.set(**keys)
    # The converter leaves the base out.
    del file.metadata["gemma2.rope.freq_base"]
    file.write(**LONG, matters=list(keys))


def gemma3():
    config = transformers.Gemma3TextConfig(**{**SMALL, "num_hidden_layers": 7, "tie_word_embeddings": True}, head_dim=16,
                                           query_pre_attn_scalar=16, sliding_window=60, rope_theta=1000000.0,
                                           rope_local_base_freq=10000.0, rope_scaling={"rope_type": "linear", "factor": 8.0},
                                           hidden_activation="gelu_pytorch_tanh")
    assert config.layer_types.count("full_attention") == 1
    pairs = AROUND + [("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm")]
    file = gemma("gemma3", "gemma3", config, transformers.Gemma3ForCausalLM, pairs)
    file.set(**{"attention.sliding_window": 60, "rope.scaling.type": "linear", "rope.scaling.factor": 8.0})
    file.write(**LONG, matters=["attention.sliding_window", "rope.scaling.factor", "rope.freq_base"])


def phi3(name, tokens, positions, **changes):
    config = transformers.Phi3Config(**{**SMALL, "hidden_size": 64, "rope_theta": 10000.0, "sliding_window": None, **changes})
    file = File(name, "phi3", config, build(transformers.Phi3ForCausalLM, config),
                **{"rope.dimension_count": int(16 * config.partial_rotary_factor)})
    original = getattr(config, "original_max_position_embeddings", 4096)
    file.set(**{"rope.scaling.original_context_length": original, "attention.sliding_window": config.sliding_window or 0})
    for layer in range(2):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}."
        norms(file, layer, BEFORE)
        file.linear(ours + "attn_qkv", theirs + "self_attn.qkv_proj")
        file.linear(ours + "attn_output", theirs + "self_attn.o_proj")
        file.linear(ours + "ffn_up", theirs + "mlp.gate_up_proj")
        file.linear(ours + "ffn_down", theirs + "mlp.down_proj")
    file.ends()
    matters = ["rope.dimension_count"] + ["attention.sliding_window"] * bool(config.sliding_window)
    if scaling := config.rope_scaling:
        factor = config.max_position_embeddings / original
        magnitude = math.sqrt(1 + math.log(factor) / math.log(original))
        file.set(**{"rope.scaling.attn_factor": magnitude})
        file.values("rope_factors_long.weight", scaling["long_factor"])
        file.values("rope_factors_short.weight", scaling["short_factor"])
        matters = ["rope.scaling.attn_factor", "rope.scaling.original_context_length"][: 1 + (tokens > original)]
    file.write(tokens=tokens, positions=positions, matters=matters)


# A pair of long and short factors for 6 of 8 pairs: Phi 4 mini turns three quarters of a head.
FACTORS = {"type": "longrope", "long_factor": [1.0, 1.5, 3.0, 8.0, 20.0, 40.0], "short_factor": [1.0, 1.0, 1.1, 1.3, 1.7, 2.0]}
LONG_ROPE = dict(original_max_position_embeddings=512, rope_scaling=FACTORS, partial_rotary_factor=0.75)


def phi3_window():
    phi3("phi3", **LONG, sliding_window=60, partial_rotary_factor=0.5)


def phi3_long():
    phi3("phi3-long", **LONG, **LONG_ROPE)


def phi3_short():
    phi3("phi3-short", tokens=512, positions=[0, 7, 100, 511], **LONG_ROPE)


def olmoe():
    config = transformers.OlmoeConfig(**SMALL, rope_theta=10000.0, num_experts=8, num_experts_per_tok=3, norm_topk_prob=False)
    file = File("olmoe", "olmoe", config, build(transformers.OlmoeForCausalLM, config), expert_count=8, expert_used_count=3)
    for layer in range(2):
        norms(file, layer, BEFORE + [("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm")])
        projections(file, layer)
        file.linear(f"blk.{layer}.ffn_gate_inp", f"model.layers.{layer}.mlp.gate")
        experts(file, layer, f"model.layers.{layer}.mlp.experts.", 8)
    file.ends()
    file.write(**LONG, matters=["expert_used_count"])


def qwen2moe():
    config = transformers.Qwen2MoeConfig(**SMALL, rope_theta=1000000.0, num_experts=8, num_experts_per_tok=3,
                                         moe_intermediate_size=24, shared_expert_intermediate_size=40,
                                         norm_topk_prob=False, decoder_sparse_step=1, mlp_only_layers=[],
                                         use_sliding_window=False)
    file = File("qwen2moe", "qwen2moe", config, build(transformers.Qwen2MoeForCausalLM, config), expert_count=8,
                expert_used_count=3, expert_feed_forward_length=24, expert_shared_feed_forward_length=40)
    for layer in range(2):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}.mlp."
        norms(file, layer, BEFORE)
        projections(file, layer)
        file.linear(ours + "ffn_gate_inp", theirs + "gate")
        experts(file, layer, theirs + "experts.", 8)
        network(file, ours, theirs + "shared_expert.", "_shexp")
        file.put(theirs + "shared_expert_gate.weight", file.tensor(ours + "ffn_gate_inp_shexp.weight", (32,)).reshape(1, 32))
    file.ends()
    file.write(**LONG, matters=["expert_used_count"])


def gpt_oss(name, blocks=False):
    scaling = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 256, "beta_fast": 32.0,
               "beta_slow": 1.0, "truncate": False}
    feed = 64 if blocks else 48
    config = transformers.GptOssConfig(**{**SMALL, "num_hidden_layers": 3, "intermediate_size": feed}, head_dim=16, rope_theta=15000.0,
                                       rope_scaling=scaling, sliding_window=60, num_local_experts=8,
                                       num_experts_per_tok=3)
    assert config.layer_types == ["sliding_attention", "full_attention", "sliding_attention"]
    file = File(name, "gpt-oss", config, build(transformers.GptOssForCausalLM, config), **head_keys(16),
                expert_count=8, expert_used_count=3, expert_feed_forward_length=feed, **yarn_keys(scaling))
    file.blocks = blocks
    file.set(**{"attention.sliding_window": 60})
    for layer in range(3):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}."
        norms(file, layer, [("attn_norm", "input_layernorm"), ("post_attention_norm", "post_attention_layernorm")])
        projections(file, layer)
        file.both(ours + "attn_sinks.weight", theirs + "self_attn.sinks", scale=4.0, offset=1.0)
        file.linear(ours + "ffn_gate_inp", theirs + "mlp.router")
        gate = file.tensor(ours + "ffn_gate_exps.weight", (8, feed, 32), scale=4.0)
        up = file.tensor(ours + "ffn_up_exps.weight", (8, feed, 32), scale=4.0)
        down = file.tensor(ours + "ffn_down_exps.weight", (8, 32, feed))
        # Theirs has columns first, and gate and up in turns.
        file.put(theirs + "mlp.experts.gate_up_proj", np.stack([gate, up], 2).reshape(8, 2 * feed, 32).swapaxes(1, 2))
        file.put(theirs + "mlp.experts.down_proj", down.swapaxes(1, 2))
        gate = file.tensor(ours + "ffn_gate_exps.bias", (8, feed), scale=0.5)
        up = file.tensor(ours + "ffn_up_exps.bias", (8, feed), scale=0.5)
        file.put(theirs + "mlp.experts.gate_up_proj_bias", np.stack([gate, up], 2).reshape(8, 2 * feed))
        file.both(ours + "ffn_down_exps.bias", theirs + "mlp.experts.down_proj_bias", scale=0.5)
    file.ends()
    file.write(**LONG, matters=["attention.sliding_window", "rope.scaling.factor", "rope.freq_base"])


def smollm3():
    config = transformers.SmolLM3Config(**{**SMALL, "num_hidden_layers": 4, "tie_word_embeddings": True},
                                        rope_theta=5000.0, use_sliding_window=False)
    assert config.no_rope_layers == [1, 1, 1, 0]
    file = File("smollm3", "smollm3", config, build(transformers.SmolLM3ForCausalLM, config), **{"rope.dimension_count": 8})
    for layer in range(4):
        norms(file, layer, BEFORE)
        projections(file, layer, permuted=True)
        network(file, f"blk.{layer}.", f"model.layers.{layer}.mlp.")
    file.ends()
    file.write(**LONG, matters=["rope.freq_base"])


SCALES = {"attention.scale": 0.2, "embedding_scale": 3.0, "residual_scale": 0.4, "logit_scale": 0.5}
MULTIPLIERS = dict(attention_multiplier=0.2, embedding_multiplier=3.0, residual_multiplier=0.4, logits_scaling=0.5)


def granite():
    config = transformers.GraniteConfig(**{**SMALL, "tie_word_embeddings": True}, rope_theta=10000.0, **MULTIPLIERS)
    file = File("granite", "granite", config, build(transformers.GraniteForCausalLM, config), **SCALES)
    file.set(**{"rope.dimension_count": 8})
    for layer in range(2):
        norms(file, layer, BEFORE)
        projections(file, layer, permuted=True)
        network(file, f"blk.{layer}.", f"model.layers.{layer}.mlp.")
    file.ends()
    file.write(**LONG, matters=list(SCALES))


def granitemoe():
    config = transformers.GraniteMoeSharedConfig(**{**SMALL, "tie_word_embeddings": True}, rope_theta=10000.0,
                                                 **MULTIPLIERS, num_local_experts=6, num_experts_per_tok=2,
                                                 shared_intermediate_size=40)
    file = File("granitemoe", "granitemoe", config, build(transformers.GraniteMoeSharedForCausalLM, config), **SCALES,
                expert_count=6, expert_used_count=2, expert_shared_feed_forward_length=40)
    file.set(**{"rope.dimension_count": 8})
    for layer in range(2):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}."
        norms(file, layer, BEFORE)
        projections(file, layer, permuted=True)
        file.linear(ours + "ffn_gate_inp", theirs + "block_sparse_moe.router.layer")
        gate, up = (file.tensor(f"{ours}ffn_{part}_exps.weight", (6, 48, 32)) for part in ("gate", "up"))
        file.put(theirs + "block_sparse_moe.input_linear.weight", np.concatenate([gate, up], 1))
        file.both(ours + "ffn_down_exps.weight", theirs + "block_sparse_moe.output_linear.weight")
        gate, up = (file.tensor(f"{ours}ffn_{part}_shexp.weight", (40, 32)) for part in ("gate", "up"))
        file.put(theirs + "shared_mlp.input_linear.weight", np.concatenate([gate, up], 0))
        file.both(ours + "ffn_down_shexp.weight", theirs + "shared_mlp.output_linear.weight")
    file.ends()
    file.write(**LONG, matters=list(SCALES))


OLMO = [("post_attention_norm", "post_attention_layernorm"), ("post_ffw_norm", "post_feedforward_layernorm"),
        ("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm")]


def olmo(name, config, model, **keys):
    file = File(name, "olmo2", config, build(model, config), **keys)
    for layer in range(config.num_hidden_layers):
        norms(file, layer, OLMO)
        projections(file, layer)
        network(file, f"blk.{layer}.", f"model.layers.{layer}.mlp.")
    file.ends()
    return file


def olmo2():
    config = transformers.Olmo2Config(**SMALL, rope_theta=500000.0)
    olmo("olmo2", config, transformers.Olmo2ForCausalLM).write(**LONG, matters=["rope.freq_base"])


def olmo3():
    scaling = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 256, "beta_fast": 32.0,
               "beta_slow": 1.0}
    config = transformers.Olmo3Config(**{**SMALL, "num_hidden_layers": 4}, rope_theta=5000.0, sliding_window=60,
                                      rope_scaling=scaling)
    local = [kind == "sliding_attention" for kind in config.layer_types]
    keys = {"attention.sliding_window": 60, "attention.sliding_window_pattern": local, **yarn_keys(scaling)}
    file = olmo("olmo3", config, transformers.Olmo3ForCausalLM, **keys)
    file.write(**LONG, matters=["attention.sliding_window", "rope.scaling.factor", "rope.freq_base"])


def glm4():
    config = transformers.Glm4Config(**SMALL, head_dim=16, rope_theta=10000.0, partial_rotary_factor=0.5, attention_bias=True)
    file = File("glm4", "glm4", config, build(transformers.Glm4ForCausalLM, config), **head_keys(16, 8))
    pairs = [("attn_norm", "input_layernorm"), ("post_attention_norm", "post_self_attn_layernorm"),
             ("ffn_norm", "post_attention_layernorm"), ("post_ffw_norm", "post_mlp_layernorm")]
    for layer in range(2):
        norms(file, layer, pairs)
        projections(file, layer)
        file.linear(f"blk.{layer}.ffn_up", f"model.layers.{layer}.mlp.gate_up_proj")
        file.linear(f"blk.{layer}.ffn_down", f"model.layers.{layer}.mlp.down_proj")
    file.ends()
    file.write(**LONG, matters=["rope.dimension_count"])


def deepseek2(name, joined=False, **changes):
    """`joined`: as files before 2025 have it."""
    weight, rank, plain, turned, value = 0.707, 24, 16, 8, 12
    scaling = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 256, "beta_fast": 32.0,
               "beta_slow": 1.0, "mscale": weight, "mscale_all_dim": weight}
    settings = dict(num_hidden_layers=3, num_key_value_heads=4, first_k_dense_replace=1, kv_lora_rank=rank, q_lora_rank=None,
                    qk_nope_head_dim=plain, qk_rope_head_dim=turned, v_head_dim=value, head_dim=turned,
                    n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=2, moe_intermediate_size=24, n_group=1,
                    topk_group=1, topk_method="greedy", norm_topk_prob=False, routed_scaling_factor=1.5)
    config = transformers.DeepseekV2Config(**{**SMALL, **settings, **changes}, rope_theta=10000.0, rope_scaling=scaling)
    model = build(transformers.DeepseekV2ForCausalLM, config)
    # DeepSeek's own code, and DeepSeek V3 in transformers, scale scores by the square of this; V2 in transformers forgets it.
    for layer in model.model.layers:
        layer.self_attn.scaling *= (0.1 * weight * math.log(8.0) + 1.0) ** 2
    mixture = dict(expert_count=8, expert_used_count=3, expert_feed_forward_length=24, expert_shared_count=2,
                   expert_weights_scale=1.5, leading_dense_block_count=1)
    file = File(name, "deepseek2", config, model, **mixture, **yarn_keys(scaling))
    file.set(**{"attention.kv_lora_rank": rank, "rope.dimension_count": turned,
                "rope.scaling.yarn_log_multiplier": 0.1 * weight})
    if config.q_lora_rank:
        file.set(**{"attention.q_lora_rank": config.q_lora_rank})
    if joined:
        file.set(**{"attention.key_length": plain + turned, "attention.value_length": value})
    else:
        file.set(**{"attention.key_length": rank + turned, "attention.value_length": rank, "attention.head_count_kv": 1,
                    "attention.key_length_mla": plain + turned, "attention.value_length_mla": value})
    for layer in range(3):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}."
        norms(file, layer, BEFORE + [("attn_kv_a_norm", "self_attn.kv_a_layernorm")])
        if config.q_lora_rank:
            norms(file, layer, [("attn_q_a_norm", "self_attn.q_a_layernorm")])
            file.linear(ours + "attn_q_a", theirs + "self_attn.q_a_proj")
            file.linear(ours + "attn_q_b", theirs + "self_attn.q_b_proj")
        else:
            file.linear(ours + "attn_q", theirs + "self_attn.q_proj")
        file.linear(ours + "attn_kv_a_mqa", theirs + "self_attn.kv_a_proj_with_mqa")
        if joined:
            file.linear(ours + "attn_kv_b", theirs + "self_attn.kv_b_proj")
        else:
            keys = file.tensor(ours + "attn_k_b.weight", (4, rank, plain), scale=1.0)
            values = file.tensor(ours + "attn_v_b.weight", (4, value, rank))
            both = np.concatenate([keys.swapaxes(1, 2), values], 1)
            file.put(theirs + "self_attn.kv_b_proj.weight", both.reshape(4 * (plain + value), rank))
        file.linear(ours + "attn_output", theirs + "self_attn.o_proj")
        if layer == 0:
            network(file, ours, theirs + "mlp.")
            continue
        file.linear(ours + "ffn_gate_inp", theirs + "mlp.gate")
        experts(file, layer, theirs + "mlp.experts.", 8)
        network(file, ours, theirs + "mlp.shared_experts.", "_shexp")
    file.ends()
    file.write(**LONG, matters=["expert_weights_scale", "rope.scaling.factor", "rope.scaling.yarn_log_multiplier"])


def stablelm(name, **changes):
    settings = {**SMALL, "hidden_size": 64, "rope_theta": 10000.0, "partial_rotary_factor": 0.25, "layer_norm_eps": 1e-5}
    del settings["rms_norm_eps"]
    config = transformers.StableLmConfig(**{**settings, **changes})
    # Its first numbers are never used, and making them fails for norms without a bias.
    transformers.StableLmPreTrainedModel._init_weights = lambda self, module: None
    file = File(name, "stablelm", config, build(transformers.StableLmForCausalLM, config),
                **{"rope.dimension_count": 4, "attention.layer_norm_epsilon": 1e-5,
                   "use_parallel_residual": config.use_parallel_residual})
    for layer in range(2):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}."
        for our, their in BEFORE[: 1 if config.use_parallel_residual else 2]:
            file.gain(f"{ours}{our}.weight", f"{theirs}{their}.weight")
            file.both(f"{ours}{our}.bias", f"{theirs}{their}.bias", scale=0.5)
        projections(file, layer)
        if config.qk_layernorm:
            for part, heads in (("q", 4), ("k", 2)):
                gains = file.tensor(f"{ours}attn_{part}_norm.weight", (heads, 16), scale=0.5, offset=1.0)
                for head in range(heads):
                    file.put(f"{theirs}self_attn.{part}_layernorm.norms.{head}.weight", gains[head])
        network(file, ours, theirs + "mlp.")
    file.ends()
    file.both("output_norm.bias", "model.norm.bias", scale=0.5)
    file.write(**LONG, matters=["rope.dimension_count"])


MODELS = {
    "llama3": llama3, "llama-f16": llama_halves, "llama-linear": llama_linear, "llama-yarn": llama_yarn, "mistral3": mistral3, "mixtral": mixtral, "qwen2": qwen2,
    "qwen3": qwen3, "qwen3moe": qwen3moe, "gemma2": gemma2, "gemma3": gemma3, "phi3": phi3_window, "phi3-long": phi3_long,
    "phi3-short": phi3_short, "olmoe": olmoe, "qwen2moe": qwen2moe, "gpt-oss": lambda: gpt_oss("gpt-oss"),
    "gpt-oss-mxfp4": lambda: gpt_oss("gpt-oss-mxfp4", blocks=True), "smollm3": smollm3,
    "granite": granite, "granitemoe": granitemoe, "olmo2": olmo2, "olmo3": olmo3, "glm4": glm4,
    "deepseek2": lambda: deepseek2("deepseek2"), "deepseek2-joined": lambda: deepseek2("deepseek2-joined", joined=True),
    "deepseek2-short": lambda: deepseek2("deepseek2-short", q_lora_rank=20),
    "stablelm": lambda: stablelm("stablelm", use_qkv_bias=True),
    "stablelm-parallel": lambda: stablelm("stablelm-parallel", use_parallel_residual=True, qk_layernorm=True),
}

if __name__ == "__main__":
    for name in sys.argv[1:] or MODELS:
        MODELS[name]()
