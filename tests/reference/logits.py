#!/usr/bin/env python3
"""Reference logits of small random models, in float64, from the formulas of the papers.

Writes logits.json beside this file. The models are made by a recipe that recipe.rs repeats bit for bit, so no weights
are stored. Needs numpy alone:  python3 tests/reference/logits.py

Sources: Llama (arXiv:2302.13971), RMSNorm (arXiv:1910.07467), RoFormer section 3.2.2 (arXiv:2104.09864), grouped-query
attention (arXiv:2305.13245), SwiGLU (arXiv:2002.05202), Mixtral section 2.1 (arXiv:2401.04088).
"""

import json
import pathlib

import numpy as np

MASK = (1 << 64) - 1


def seed_of(name):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def noise(name, count):
    """SplitMix64 from the name's seed: `count` integers of 64 bits."""
    with np.errstate(over="ignore"):
        step = np.uint64(0x9E3779B97F4A7C15)
        z = np.uint64(seed_of(name)) + step * (np.arange(count, dtype=np.uint64) + np.uint64(1))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, count):
    """Multiples of 2^-24 in [-0.5, 0.5): exact in float32."""
    return (noise(name, count) >> np.uint64(40)).astype(np.float64) / 2**24 - 0.5


def matrix(model, name, *shape):
    """Rows that keep the size of what they multiply, about: scale is the power of two near sqrt(12 / columns)."""
    scale = 2.0 ** round(np.log2(np.sqrt(12.0 / shape[-1])))
    return (uniform(f"{model['name']}/{name}", int(np.prod(shape))) * scale).reshape(shape)


def gains(model, name, count):
    return 1.0 + uniform(f"{model['name']}/{name}", count) * 0.5


def rms_norm(x, gain):
    epsilon = float(np.float32(1e-5))
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon) * gain


def rotate(model, x):
    """x: (positions, heads, head width). Neighbours form complex numbers that are turned by position times speed."""
    dims = model["rope_dims"]
    speed = model["rope_base"] ** (-2.0 * np.arange(dims // 2) / dims)
    if model["rope_factors"]:
        speed = speed / factors(model)
    angle = np.arange(x.shape[0])[:, None] * speed[None, :] / model["rope_scale"]
    pairs = x[..., 0:dims:2] + 1j * x[..., 1:dims:2]
    pairs = pairs * np.exp(1j * angle)[:, None, :]
    out = x.copy()
    out[..., 0:dims:2] = pairs.real
    out[..., 1:dims:2] = pairs.imag
    return out


def factors(model):
    """1, 1.5, 2, 2.5, 1, ..."""
    return 1.0 + 0.5 * (np.arange(model["rope_dims"] // 2) % 4)


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def network(x, gate, up, down):
    g = x @ gate.T
    return (g / (1.0 + np.exp(-g)) * (x @ up.T)) @ down.T


def attention(model, layer, x):
    heads, kv, width = model["heads"], model["kv_heads"], model["head_width"]
    n = x.shape[0]
    weights = lambda part, rows: matrix(model, f"blk.{layer}.{part}.weight", rows, x.shape[1])
    q = rotate(model, (x @ weights("attn_q", heads * width).T).reshape(n, heads, width))
    k = rotate(model, (x @ weights("attn_k", kv * width).T).reshape(n, kv, width))
    v = (x @ weights("attn_v", kv * width).T).reshape(n, kv, width)
    mask = np.triu(np.full((n, n), -np.inf), 1)
    out = np.empty((n, heads, width))
    for head in range(heads):
        group = head // (heads // kv)
        scores = q[:, head] @ k[:, group].T / np.sqrt(width) + mask
        out[:, head] = softmax(scores) @ v[:, group]
    o = matrix(model, f"blk.{layer}.attn_output.weight", x.shape[1], heads * width)
    return out.reshape(n, heads * width) @ o.T


def feed(model, layer, x):
    width, inner, experts = x.shape[1], model["feed"], model["experts"]
    name = lambda part: f"blk.{layer}.{part}.weight"
    if experts == 0:
        return network(
            x,
            matrix(model, name("ffn_gate"), inner, width),
            matrix(model, name("ffn_up"), inner, width),
            matrix(model, name("ffn_down"), width, inner),
        )
    gate = matrix(model, name("ffn_gate_exps"), experts, inner, width)
    up = matrix(model, name("ffn_up_exps"), experts, inner, width)
    down = matrix(model, name("ffn_down_exps"), experts, width, inner)
    router = x @ matrix(model, name("ffn_gate_inp"), experts, width).T
    out = np.zeros_like(x)
    for token in range(x.shape[0]):
        chosen = np.argsort(-router[token], kind="stable")[: model["experts_used"]]
        for expert, share in zip(chosen, softmax(router[token][chosen])):
            out[token] += share * network(x[token], gate[expert], up[expert], down[expert])
    return out


def logits(model, tokens):
    embedding = matrix(model, "token_embd.weight", model["vocabulary"], model["width"])
    x = embedding[tokens]
    for layer in range(model["layers"]):
        x = x + attention(model, layer, rms_norm(x, gains(model, f"blk.{layer}.attn_norm.weight", model["width"])))
        x = x + feed(model, layer, rms_norm(x, gains(model, f"blk.{layer}.ffn_norm.weight", model["width"])))
    x = rms_norm(x, gains(model, "output_norm.weight", model["width"]))
    output = embedding if model["tied"] else matrix(model, "output.weight", model["vocabulary"], model["width"])
    return x @ output.T


BASE = {
    "layers": 2, "width": 32, "heads": 4, "kv_heads": 2, "head_width": 8, "feed": 48, "vocabulary": 40,
    "experts": 0, "experts_used": 0, "rope_dims": 8, "rope_base": 10000.0, "rope_scale": 1.0,
    "rope_factors": False, "tied": False, "tokens": 24, "positions": [0, 1, 7, 23],
}
MODELS = [
    {**BASE, "name": "dense"},
    {**BASE, "name": "mixture", "experts": 6, "experts_used": 2, "tokens": 70, "positions": [0, 5, 42, 69]},
    {**BASE, "name": "factors", "rope_factors": True, "rope_base": 500000.0, "tied": True, "tokens": 300,
     "positions": [0, 17, 150, 299]},
    {**BASE, "name": "scaled", "rope_scale": 4.0, "rope_dims": 4, "head_width": 12},
    {**BASE, "name": "long", "layers": 1, "width": 16, "heads": 2, "kv_heads": 1, "feed": 32, "vocabulary": 24,
     "tokens": 2000, "positions": [0, 511, 1023, 1999]},
]

if __name__ == "__main__":
    for model in MODELS:
        tokens = (noise(f"{model['name']}/tokens", model["tokens"]) % np.uint64(model["vocabulary"])).astype(int)
        rows = logits(model, tokens)
        model["logits"] = [[float(f"{value:.9g}") for value in rows[position]] for position in model["positions"]]
    lines = [json.dumps(model) for model in MODELS]
    text = '{"made_by": "tests/reference/logits.py", "models": [\n' + ",\n".join(lines) + "\n]}\n"
    pathlib.Path(__file__).with_name("logits.json").write_text(text)
