#!/usr/bin/env python3
"""Reference vectors of encoders, by transformers in float32 on the CPU.

    python3 embed.py            writes embed.json: a small random BERT, its words, texts, their tokens and vectors
    python3 embed.py FOLDER     writes embed-minilm.json: the vectors of the all-MiniLM-L6-v2 in FOLDER

Weights of the small one are not stored: each number follows from its tensor's name by integers alone, as in families.py,
so that tests/embed.rs makes the same file bit for bit.

Needs jax, flax, safetensors, numpy and transformers 4.49.
"""

import json
import pathlib
import sys

import jax
import numpy as np
from safetensors.numpy import load_file
from transformers import BertConfig, BertTokenizer, FlaxBertModel

from noise import noise

HERE = pathlib.Path(__file__).parent
WORDS = """[PAD] [unused0] [UNK] [CLS] [SEP] [MASK] ! ' , - . ? 1 2 3 a b c d e i n o r s t u the of to and in is it
question answer water engine mill ##s ##ing ##ed ##er ##o ##n ##a ##e ##t ##r cafe ##1 ##2 how do you 漢 字 ß ##ß""".split()

TEXTS = [
    "How do you do?",
    "the water mills, and the engine is in it",
    "Café in the mill",
    "the 漢字 of it",
    "xyzzy water",
    "",
    "  to\tthe\n\n mill\u200b-engine  ",
    "STRASSE straße İstanbul",
    "water " * 40,
]

SENTENCES = [
    "How do I reset my password?",
    "I forgot my login credentials and need new ones.",
    "The capital of France is Paris.",
    "What is 384 + 97?",
    "def area(r):\n    return 3.14159 * r ** 2",
    "Überraschung: das Café in Zürich hat heute geschlossen.",
    "日本の首都は東京です。",
    "",
    "It was the best of times, it was the worst of times, it was the age of wisdom. " * 30,
]


def numbers(name, shape):
    """Multiples of 2^-24 in [-0.5, 0.5), rounded once to float32; norms around 1."""
    uniform = (noise(name, int(np.prod(shape))) >> np.uint64(40)).astype(np.float64) / 2**24 - 0.5
    return (float(name.endswith("LayerNorm.weight")) + uniform).astype(np.float32).reshape(shape)


def tensors(config):
    """Names and shapes as model.safetensors has them."""
    width, inner = config.hidden_size, config.intermediate_size
    shapes = {
        "embeddings.word_embeddings.weight": (config.vocab_size, width),
        "embeddings.position_embeddings.weight": (config.max_position_embeddings, width),
        "embeddings.token_type_embeddings.weight": (config.type_vocab_size, width),
    }

    def both(name, rows, columns=None):
        shapes[f"{name}.weight"] = (rows, columns) if columns else (rows,)
        shapes[f"{name}.bias"] = (rows,)

    both("embeddings.LayerNorm", width)
    for layer in range(config.num_hidden_layers):
        at = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            both(f"{at}.attention.self.{part}", width, width)
        both(f"{at}.attention.output.dense", width, width)
        both(f"{at}.attention.output.LayerNorm", width)
        both(f"{at}.intermediate.dense", inner, width)
        both(f"{at}.output.dense", width, inner)
        both(f"{at}.output.LayerNorm", width)
    return shapes


def model(config, state):
    """The model of transformers with these tensors."""
    model = FlaxBertModel(config, add_pooling_layer=False)
    params = {}
    for name in tensors(config):
        value = state[name]
        *path, last = name.split(".")
        if "embeddings" in path[-1]:
            last = "embedding"
        elif path[-1] == "LayerNorm":
            last = {"weight": "scale", "bias": "bias"}[last]
        elif last == "weight":
            last, value = "kernel", value.T
        node = params
        for part in path:
            node = node.setdefault(part, {})
        node[last] = jax.numpy.asarray(value)
    assert jax.tree_util.tree_structure(params) == jax.tree_util.tree_structure(dict(model.params)), "every tensor has a place"
    model.params = params
    return model


def unit(vector):
    return vector / np.linalg.norm(vector.astype(np.float64))


def vectors(model, tokenizer, text, most):
    ids = tokenizer(text, truncation=True, max_length=most)["input_ids"]
    states = np.asarray(model(np.array([ids])).last_hidden_state)[0]
    rounded = lambda vector: [round(float(x), 7) for x in unit(vector)]
    return {"text": text, "ids": ids, "mean": rounded(states.mean(0)), "first": rounded(states[0])}


def write(name, whole):
    (HERE / name).write_text(json.dumps(whole, ensure_ascii=False, indent=0) + "\n")


if len(sys.argv) > 1:
    folder = pathlib.Path(sys.argv[1])
    config = BertConfig.from_pretrained(folder)
    full = model(config, load_file(folder / "model.safetensors"))
    tokenizer = BertTokenizer(folder / "vocab.txt")
    texts = [vectors(full, tokenizer, text, 256) for text in SENTENCES]
    write("embed-minilm.json", [{key: text[key] for key in ("text", "ids", "mean")} for text in texts])
else:
    config = BertConfig(vocab_size=len(WORDS), hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
                        intermediate_size=40, max_position_embeddings=32, type_vocab_size=2)
    state = {name: numbers(name, shape) for name, shape in tensors(config).items()}
    small = model(config, state)
    vocabulary = HERE / "embed-vocab.txt"
    vocabulary.write_text("".join(f"{word}\n" for word in WORDS))
    tokenizer = BertTokenizer(vocabulary)
    texts = [vectors(small, tokenizer, text, 32) for text in TEXTS]
    vocabulary.unlink()
    keys = ("vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size "
            "max_position_embeddings type_vocab_size").split()
    shapes = {name: list(shape) for name, shape in tensors(config).items()}
    write("embed.json", {"config": {key: getattr(config, key) for key in keys}, "words": WORDS, "tensors": shapes,
                         "texts": texts})
