"""Makes sampling.json: what is left of a distribution after the steps of sampling, by transformers' own processors.

    pip install torch transformers && python sampling.py > sampling.json

The processors are called in llama.cpp's order (bias, penalties, top-k, typical, top-p, min-p, temperature), each on the
scores that the one before has left. Presence and frequency penalty, which transformers does not have, are written out.
"""

import json
import math

import torch
from transformers import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

VOCABULARY = 48
MASK = (1 << 64) - 1

CASES = [
    {"temperature": 1.0},
    {"temperature": 0.7},
    {"temperature": 1.6},
    {"temperature": 1.0, "top_k": 5},
    {"temperature": 0.8, "top_k": 48},
    {"temperature": 1.0, "top_p": 0.5},
    {"temperature": 1.0, "top_p": 0.95},
    {"temperature": 1.0, "top_p": 0.01},
    {"temperature": 1.0, "min_p": 0.05},
    {"temperature": 2.0, "min_p": 0.3},
    {"temperature": 1.0, "typical_p": 0.2},
    {"temperature": 1.0, "typical_p": 0.9},
    {"temperature": 1.0, "repeat_penalty": 1.3},
    {"temperature": 1.0, "repeat_penalty": 0.8, "penalty_window": 4},
    {"temperature": 1.0, "presence_penalty": 1.5},
    {"temperature": 1.0, "frequency_penalty": -0.6},
    {"temperature": 0.9, "logit_bias": [[3, 4.0], [7, -2.5], [40, -100.0]]},
    {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05},
    {"temperature": 0.6, "top_k": 20, "top_p": 0.9, "typical_p": 0.8, "repeat_penalty": 1.1},
    {
        "temperature": 1.2, "top_k": 30, "top_p": 0.8, "min_p": 0.02, "typical_p": 0.95, "repeat_penalty": 1.2,
        "presence_penalty": 0.4, "frequency_penalty": 0.3, "penalty_window": 8, "logit_bias": [[11, 1.25]],
    },
]


def noise(seed, count):
    """SplitMix64 as numbers from 0 to 1."""
    numbers = []
    for number in range(1, count + 1):
        z = (seed + number * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        numbers.append(((z ^ (z >> 31)) >> 40) / (1 << 24))
    return numbers


def left(logits, text, case):
    scores = torch.tensor([logits], dtype=torch.float64)
    for token, bias in case.get("logit_bias", []):
        scores[0, token] += bias
    recent = text[-case.get("penalty_window", 64):]
    ids = torch.tensor([recent])
    if "repeat_penalty" in case:
        scores = RepetitionPenaltyLogitsProcessor(case["repeat_penalty"])(ids, scores)
    for token in set(recent):
        scores[0, token] -= recent.count(token) * case.get("frequency_penalty", 0.0)
        scores[0, token] -= case.get("presence_penalty", 0.0)
    if "top_k" in case:
        scores = TopKLogitsWarper(case["top_k"])(ids, scores)
    if "typical_p" in case:
        scores = TypicalLogitsWarper(case["typical_p"])(ids, scores)
    if "top_p" in case:
        scores = TopPLogitsWarper(case["top_p"])(ids, scores)
    if "min_p" in case:
        scores = MinPLogitsWarper(case["min_p"])(ids, scores)
    scores = TemperatureLogitsWarper(case["temperature"])(ids, scores)
    return scores.softmax(-1)[0].tolist()


def main():
    records = []
    for number, case in enumerate(CASES):
        # Normal numbers by Box and Muller, as 32-bit floats.
        a, b = noise(2 * number + 1, VOCABULARY), noise(2 * number + 2, VOCABULARY)
        normal = [1.7 * math.sqrt(-2 * math.log(x + 1e-9)) * math.cos(2 * math.pi * y) for x, y in zip(a, b)]
        logits = torch.tensor(normal, dtype=torch.float32).tolist()
        text = [int(x * VOCABULARY) for x in noise(1000 + number, 20)]
        # What is less than 1e-30 cannot be told from nothing in 32 bits.
        probabilities = {i: p for i, p in enumerate(left(logits, text, case)) if p > 1e-30}
        records.append({"sampling": case, "logits": logits, "text": text, "probabilities": probabilities})
    print(json.dumps(records))


main()
