#!/usr/bin/env python3
"""Writes tests/fixtures/gguf.

    python tools/make_gguf_fixtures.py

in an environment with tools/parity/requirements.txt.
  blocks.gguf    random blocks of every packing that Veer reads, "Q4_K", and
                 beside each the numbers that the package gguf takes it for,
                 "Q4_K.values"
  FAMILY.gguf    the checkpoint tests/fixtures/families/FAMILY as llama.cpp's
                 converter writes it, packed as it is stored there
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools" / "parity"))

import gguf  # noqa: E402
import numpy as np  # noqa: E402
from gguf_files import KINDS, add_tensor, random_blocks, write_model  # noqa: E402

OUT = ROOT / "tests/fixtures/gguf"
FAMILIES = ["llama3", "llama_bias", "mistral", "qwen2", "qwen3", "gemma2",
            "gemma3", "phi3", "phi4_mini", "olmo2"]


def write_blocks(path):
    draws = np.random.default_rng(4)
    writer = gguf.GGUFWriter(path, "blocks")
    for kind in KINDS:
        data = random_blocks(kind, 2, 256, draws)
        add_tensor(writer, kind.name, data, kind)
        writer.add_tensor(f"{kind.name}.values",
                          gguf.quants.dequantize(data, kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


OUT.mkdir(parents=True, exist_ok=True)
write_blocks(OUT / "blocks.gguf")
for name in FAMILIES:
    write_model(ROOT / "tests/fixtures/families" / name, OUT / f"{name}.gguf")
