#!/usr/bin/env python3
"""Reference of the built-in vectors, in numpy: the way of lab/src/vectors.rs and embed/table.rs, in float32 and without the
eight bits.

    python3 vectors.py FOLDER PUBLIC    writes vectors.json: the vectors of some texts, by the all-MiniLM-L6-v2 in FOLDER and
                                        the frequencies of the lab's requests and the public texts in PUBLIC

Needs numpy, scipy, safetensors and tokenizers.
"""

import json
import pathlib
import sys

import numpy as np
import safetensors
import scipy
import tokenizers
from safetensors.numpy import load_file
from scipy.special import erf

HERE = pathlib.Path(__file__).parent
WIDTH, HALF = 128, 1e-3
TEXTS = [
    "How do I reset my password?",
    "I forgot my login credentials and need new ones.",
    "def area(r):\n    return 3.14159 * r ** 2",
    "Überraschung: das Café in Zürich hat heute geschlossen.",
]


def encode(weights, ids):
    """(texts, tokens) of one length -> means of the last layer at length 1, (texts, 384)."""
    texts, tokens = ids.shape

    def linear(x, name):
        return (x.reshape(texts * tokens, -1) @ weights[name + ".weight"].T + weights[name + ".bias"]).reshape(texts, tokens, -1)

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-12) * weights[name + ".weight"] + weights[name + ".bias"]

    def heads(x):
        return x.reshape(texts, tokens, 12, 32).transpose(0, 2, 1, 3)

    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][:tokens]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(6):
        at = f"encoder.layer.{layer}."
        q, k, v = (heads(linear(x, at + "attention.self." + name)) for name in ("query", "key", "value"))
        look = np.exp(q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(32)))
        look = look / look.sum(-1, keepdims=True)
        seen = (look @ v).transpose(0, 2, 1, 3).reshape(texts, tokens, 384)
        x = norm(x + linear(seen, at + "attention.output.dense"), at + "attention.output.LayerNorm")
        up = linear(x, at + "intermediate.dense")
        up = up * np.float32(0.5) * (1 + erf(up / np.float32(np.sqrt(2))))
        x = norm(x + linear(up, at + "output.dense"), at + "output.LayerNorm")
    mean = x.mean(1)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def texts(public):
    """Those of lab/src/data/requests.rs and public.rs."""
    for file in sorted((HERE / "../../lab/src/data/requests").glob("*.txt")):
        yield from (line.strip() for line in file.read_text().splitlines() if line.strip())
    yield from (json.loads(line)["text"] for line in (public / "mbpp.jsonl").read_text().splitlines())
    for name in ["atkins", "chemmc", "quan", "matter", "fund", "thermo"]:
        yield from (case["problem_text"] for case in json.loads((public / f"scibench/{name}.json").read_text()))
    bbh = json.loads((public / "bbh/salient_translation_error_detection.json").read_text())
    yield from (case["input"] for case in bbh["examples"][:20])
    yield from (text for text, _ in json.loads((public / "clinc150.json").read_text())["train"][::3])


def main(folder, public):
    pieces = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    pieces.no_padding()
    pieces.no_truncation()
    weights = load_file(folder / "model.safetensors")
    words = (folder / "vocab.txt").read_text().splitlines()
    # What no text becomes goes; [UNK] stays.
    kept = [i for i, w in enumerate(words) if not (w.startswith("[unused") or w in ("[PAD]", "[CLS]", "[SEP]", "[MASK]"))]
    ends = [pieces.token_to_id("[CLS]"), pieces.token_to_id("[SEP]")]
    alone = np.array([[ends[0], piece, ends[1]] for piece in kept])
    rows = np.concatenate([encode(weights, some) for some in np.array_split(alone, 200)]).astype(np.float64)

    counts = np.zeros(len(words))
    for encoded in pieces.encode_batch(list(texts(public)), add_special_tokens=False):
        # The encoder reads 256 tokens with its ends.
        np.add.at(counts, encoded.ids[:254], 1)
    weight = HALF / (HALF + counts[kept] / counts.sum())

    centred = rows - rows.mean(0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, np.argsort(-values)[:WIDTH]]
    # An axis has no sign: its largest number is positive.
    axes *= np.sign(axes[np.abs(axes).argmax(0), np.arange(WIDTH)])
    table = np.zeros((len(words), WIDTH))
    table[kept] = centred @ axes * weight[:, None]

    def vector(text):
        sum = table[pieces.encode(text, add_special_tokens=False).ids].sum(0)
        return [round(float(x), 6) for x in sum / np.linalg.norm(sum)]

    made = {
        "by": f"numpy {np.__version__}, scipy {scipy.__version__}, tokenizers {tokenizers.__version__}, "
        f"safetensors {safetensors.__version__}, all-MiniLM-L6-v2",
        "counted": int(counts.sum()),
        "texts": [{"text": text, "vector": vector(text)} for text in TEXTS],
    }
    (HERE / "vectors.json").write_text(json.dumps(made, indent=0, ensure_ascii=False) + "\n")
    return rows, kept, counts


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
