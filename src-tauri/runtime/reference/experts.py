#!/usr/bin/env python3
"""What the experts of small random mixtures do with a text: reference scores, in float64.

    python3 experts.py

writes experts.json beside this file, of the first TOKENS tokens of the models that families.py describes. The models are
computed here by numpy alone; their logits must be those that transformers has given for them (NAME.json), and then the
scores are those of transformers too. The last model is DeepSeek's with the routing of DeepSeek V3: sigmoid scores, a bias
that chooses, shares that add up to 1 and are scaled (arXiv:2412.19437, eq. 12 to 16).

Needs numpy.
"""

import json
import math
import pathlib

import numpy as np

from noise import noise

TOKENS = 120
FOLDER = pathlib.Path(__file__).parent


def numbers(name, shape, scale, offset):
    uniform = (noise(name, math.prod(shape)) >> np.uint64(40)).astype(np.float64) / 2**24 - 0.5
    return (offset + scale * uniform).astype(np.float32).astype(np.float64).reshape(shape)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def silu(x):
    return x / (1 + np.exp(-x))


class Model:
    def __init__(self, name, **more):
        self.json = json.loads((FOLDER / f"{name}.json").read_text())
        self.architecture = self.json["metadata"]["general.architecture"]
        self.keys = {key.removeprefix(self.architecture + "."): value for key, value in self.json["metadata"].items()}
        self.keys |= more
        self.tensors = {tensor[0]: numbers(f"{name}/{tensor[0]}", tuple(reversed(tensor[1])), tensor[2], tensor[3])
                        for tensor in self.json["tensors"]}
        if more:
            for layer in range(self.keys["leading_dense_block_count"], self.keys["block_count"]):
                tensor = f"blk.{layer}.exp_probs_b.bias"
                self.tensors[tensor] = numbers(f"{name}/{tensor}", (self.keys["expert_count"],), 0.5, 0.0)
        ids = noise(f"{name}/tokens", self.json["tokens"])[:TOKENS] % np.uint64(self.keys["vocab_size"])
        self.ids = ids.astype(np.int64)
        self.layers = []

    def get(self, layer, part):
        return self.tensors.get(f"blk.{layer}.{part}")

    def linear(self, layer, part, x):
        bias = self.get(layer, f"{part}.bias")
        return x @ self.get(layer, f"{part}.weight").T + (0 if bias is None else bias)

    def norm(self, x, weight):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.keys["attention.layer_norm_rms_epsilon"]) * weight

    def turn(self, x):
        """x: (tokens, heads, dims)."""
        dims = x.shape[-1]
        speeds = self.keys["rope.freq_base"] ** (-np.arange(0, dims, 2) / dims)
        if self.keys.get("rope.scaling.type") == "yarn":
            wave = self.keys["rope.scaling.original_context_length"] / (2 * math.pi)
            pair = lambda turns: dims / 2 * math.log(wave / turns) / math.log(self.keys["rope.freq_base"])
            low = max(math.floor(pair(self.keys["rope.scaling.yarn_beta_fast"])), 0)
            high = min(math.ceil(pair(self.keys["rope.scaling.yarn_beta_slow"])), dims - 1)
            squeezed = np.clip((np.arange(dims // 2) - low) / (high - low), 0, 1)
            speeds = speeds / self.keys["rope.scaling.factor"] * squeezed + speeds * (1 - squeezed)
        angles = np.arange(len(x))[:, None, None] * speeds
        out = np.empty_like(x)
        halves = self.architecture in ("qwen2moe", "qwen3moe", "olmoe")
        a, b = (np.s_[..., : dims // 2], np.s_[..., dims // 2:]) if halves else (np.s_[..., 0::2], np.s_[..., 1::2])
        out[a] = x[a] * np.cos(angles) - x[b] * np.sin(angles)
        out[b] = x[a] * np.sin(angles) + x[b] * np.cos(angles)
        return out

    def attend(self, q, k, v, scale):
        """(tokens, heads, width) each, as many heads."""
        scores = np.einsum("qhd,khd->hqk", q, k) * scale
        scores += np.triu(np.full(scores.shape[1:], -np.inf), 1)
        return np.einsum("hqk,khd->qhd", softmax(scores), v).reshape(len(q), -1)

    def attention(self, layer, x):
        heads, count = self.keys["attention.head_count"], len(x)
        if "attention.kv_lora_rank" in self.keys:
            turned, rank = self.keys["rope.dimension_count"], self.keys["attention.kv_lora_rank"]
            width, value = self.keys["attention.key_length_mla"], self.keys["attention.value_length_mla"]
            q = self.linear(layer, "attn_q", x).reshape(count, heads, width)
            q = np.concatenate([q[..., :-turned], self.turn(q[..., -turned:])], -1)
            down = self.linear(layer, "attn_kv_a_mqa", x)
            short = self.norm(down[:, :rank], self.get(layer, "attn_kv_a_norm.weight"))
            # (heads, rank, plain) and (heads, value, rank)
            keys = np.einsum("tr,hrp->thp", short, self.get(layer, "attn_k_b.weight"))
            values = np.einsum("tr,hvr->thv", short, self.get(layer, "attn_v_b.weight"))
            shared = np.repeat(self.turn(down[:, None, rank:]), heads, 1)
            both = 1 + self.keys["rope.scaling.yarn_log_multiplier"] * math.log(self.keys["rope.scaling.factor"])
            scale = both**2 / math.sqrt(width)
            return self.attend(q, np.concatenate([keys, shared], -1), values, scale)
        q, k, v = (self.linear(layer, f"attn_{part}", x) for part in "qkv")
        norms = [self.get(layer, f"attn_{part}_norm.weight") for part in "qk"]
        if norms[0] is not None and self.architecture == "olmoe":
            q, k = self.norm(q, norms[0]), self.norm(k, norms[1])
        groups = self.keys["attention.head_count_kv"]
        q, k, v = q.reshape(count, heads, -1), k.reshape(count, groups, -1), v.reshape(count, groups, -1)
        if norms[0] is not None and self.architecture == "qwen3moe":
            q, k = self.norm(q, norms[0]), self.norm(k, norms[1])
        q, k = self.turn(q), self.turn(k)
        k, v = (np.repeat(part, heads // groups, 1) for part in (k, v))
        return self.attend(q, k, v, self.keys.get("attention.scale", 1 / math.sqrt(q.shape[-1])))

    def network(self, layer, end, x):
        return self.linear(layer, "ffn_down" + end,
                           silu(self.linear(layer, "ffn_gate" + end, x)) * self.linear(layer, "ffn_up" + end, x))

    def route(self, layer, x):
        """Experts and shares, (tokens, used) each."""
        logits = self.linear(layer, "ffn_gate_inp", x)
        sigmoid = self.keys.get("expert_gating_func") == 2
        scores = 1 / (1 + np.exp(-logits)) if sigmoid else softmax(logits)
        bias = self.get(layer, "exp_probs_b.bias")
        rank = scores if bias is None else scores + bias
        chosen = np.argsort(-rank, -1, kind="stable")[:, : self.keys["expert_used_count"]]
        shares = np.take_along_axis(scores, chosen, -1)
        if self.keys.get("expert_weights_norm", self.architecture in ("llama", "qwen3moe", "granitemoe")):
            shares = shares / shares.sum(-1, keepdims=True)
        return chosen, shares * self.keys.get("expert_weights_scale", 1.0)

    def mixture(self, layer, x, stream, scale):
        chosen, shares = self.route(layer, x)
        gate, up, down = (self.get(layer, f"ffn_{part}_exps.weight") for part in ("gate", "up", "down"))
        outputs = np.stack([(silu(x @ g.T) * (x @ u.T)) @ d.T for g, u, d in zip(gate, up, down)], 1)
        picked = np.take_along_axis(outputs, chosen[..., None], 1)
        routed = (shares[..., None] * picked).sum(1)
        norms = np.linalg.norm(picked, axis=-1)
        after = stream + scale * routed
        cosine = (stream * after).sum(-1) / np.linalg.norm(stream, axis=-1) / np.linalg.norm(after, axis=-1)
        turned = np.maximum(0, 1 - cosine)[:, None]
        own = shares / shares.sum(-1, keepdims=True)
        experts = []
        for expert in range(len(gate)):
            here = chosen == expert
            count = int(here.sum())
            mean = lambda values: float(values[here].sum()) / max(count, 1)
            weights = np.concatenate([part[expert].ravel() for part in (gate, up, down)])
            experts.append({
                "count": count,
                "gate": float(shares[here].sum()),
                "norm_mean": mean(norms),
                "norm_sum": float(norms[here].sum()),
                "norm_squared": mean(norms**2),
                "reap": mean(own * norms),
                "easy_ep": float((shares * norms * turned)[here].sum()),
                "aimer": float(np.abs(weights).mean() / np.sqrt((weights**2).mean())),
            })
        self.layers.append({"layer": layer, "experts": experts})
        if self.get(layer, "ffn_up_shexp.weight") is None:
            return routed
        shared = self.network(layer, "_shexp", x)
        opening = self.get(layer, "ffn_gate_inp_shexp.weight")
        if opening is not None:
            shared = shared / (1 + np.exp(-(x @ opening)))[:, None]
        return routed + shared

    def logits(self):
        x = self.tensors["token_embd.weight"][self.ids] * self.keys.get("embedding_scale", 1.0)
        scale = self.keys.get("residual_scale", 1.0)
        for layer in range(self.keys["block_count"]):
            before = self.norm(x, self.get(layer, "attn_norm.weight"))
            x = x + scale * self.linear(layer, "attn_output", self.attention(layer, before))
            before = self.norm(x, self.get(layer, "ffn_norm.weight"))
            if self.get(layer, "ffn_gate_inp.weight") is None:
                x = x + scale * self.network(layer, "", before)
            else:
                x = x + scale * self.mixture(layer, before, x, scale)
        x = self.norm(x, self.tensors["output_norm.weight"])
        head = self.tensors.get("output.weight", self.tensors["token_embd.weight"])
        return x @ head.T / self.keys.get("logit_scale", 1.0)


def main():
    models = {}
    for name in ("mixtral", "olmoe", "qwen2moe", "qwen3moe", "granitemoe", "deepseek2"):
        model = Model(name)
        logits = model.logits()
        rows = [(at, row) for at, row in zip(model.json["positions"], model.json["logits"]) if at < TOKENS]
        off = max(np.abs(logits[at] - row).max() for at, row in rows) / logits.std()
        print(f"{name}: off by {off:.1e} of the spread at {[at for at, _ in rows]}")
        # transformers norms DeepSeek's short vector with 1e-6 where the file says 1e-5.
        assert off < 1e-4, "these are not the logits of transformers"
        models[name] = model.layers
    model = Model("deepseek2", expert_gating_func=2, expert_weights_norm=True, expert_weights_scale=2.5)
    model.logits()
    models["deepseek2 routed as DeepSeek V3"] = model.layers
    parts = [f'"tokens": {TOKENS}', f'"made_by": "numpy {np.__version__}, float64"', '"models": {\n' + ",\n".join(
        f'{json.dumps(name)}: [\n' + ",\n".join(json.dumps(layer) for layer in layers) + "\n]"
        for name, layers in models.items()) + "\n}"]
    (FOLDER / "experts.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
