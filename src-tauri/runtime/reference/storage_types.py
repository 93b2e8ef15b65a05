"""Makes storage_types.json: blocks of every quantised type of GGUF, and the numbers in them.

Reference: the Python package `gguf` 0.19.0 (`gguf.quants.dequantize`, numpy, float32), by the authors of ggml.
Run: pip install gguf==0.19.0 && python storage_types.py > storage_types.json

The bytes are random (seed 7), so every bit of a block is met; the 16-bit floats among them are set to numbers of an
ordinary size. Numbers are written as the hexadecimal bytes of little-endian 32-bit floats.
"""

import json

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

BLOCKS = 3
# type: where its 16-bit floats lie
HALVES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
    T.IQ4_NL: [0], T.IQ4_XS: [0], T.MXFP4: [],
}

random = np.random.default_rng(7)
cases = []
for kind, halves in HALVES.items():
    _, size = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    for at in halves:
        scales = random.uniform(-0.02, 0.02, BLOCKS).astype(np.float16)
        blocks[:, at:at + 2] = scales.view(np.uint8).reshape(BLOCKS, 2)
    if kind == T.MXFP4:
        # 2^-126 (a subnormal scale), 2^-6, 2^3.
        blocks[:, 0] = [1, 121, 130]
    numbers = dequantize(blocks.reshape(-1), kind).astype("<f4")
    cases.append({"type": kind.name, "bytes": blocks.tobytes().hex(), "numbers": numbers.tobytes().hex()})
print("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")
