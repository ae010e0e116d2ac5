#!/usr/bin/env python3
"""Writes tests/fixtures/families: a tiny random checkpoint of every family
with what transformers computes on it.

    python tools/make_family_checkpoints.py [name ...]

in an environment with tools/parity/requirements.txt. Per folder, beside the
checkpoint:
  golden.safetensors  logits.N, N.resid_post.L of text N, fp32
  golden.json         ids of the texts; greedy: ids that follow text 0;
                      bf16: error of transformers' own bf16 against its fp32,
                      largest difference over largest number, by tensor: the
                      larger of what it has with and without AVX-512
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools" / "parity"))

import torch  # noqa: E402
from family_models import (  # noqa: E402
    FAMILIES, Reference, relative, save_file, write_checkpoint)

torch.set_num_threads(1)
LENGTHS = (37, 12)  # past the windows and on both sides of longrope's length
NEW_TOKENS = 10
# A winner's lead that rounding cannot overturn, in logits of spread 1.
CLEAR_LEAD = 0.02


def bf16_errors(folder, texts, exact):
    model = Reference(folder, torch.bfloat16, attention=None)
    return {name: relative(value, exact[name])["max"]
            for name, value in run_all(model, texts).items()}


def run_all(model, texts):
    result = {}
    for n, ids in enumerate(texts):
        for name, value in model.run(ids).items():
            key = f"logits.{n}" if name == "logits" else f"{n}.{name}"
            result[key] = value.contiguous()
    return result


def errors_without_avx512(folder):
    """The same in a process that may not use it."""
    env = dict(os.environ, ATEN_CPU_CAPABILITY="avx2",
               ONEDNN_MAX_CPU_ISA="AVX2", MKL_ENABLE_INSTRUCTIONS="AVX2")
    out = subprocess.run(
        [sys.executable, __file__, "--errors", str(folder)], env=env,
        check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def print_errors(folder):
    golden = json.loads((folder / "golden.json").read_text())
    exact = run_all(Reference(folder, torch.float32), golden["ids"])
    print(json.dumps(bf16_errors(folder, golden["ids"], exact)))


def draw(name, folder, seed):
    """Writes a checkpoint; its texts, what follows, how clearly."""
    shutil.rmtree(folder, ignore_errors=True)
    write_checkpoint(name, folder, seed)
    model = Reference(folder, torch.float32)
    rng = random.Random(seed)
    texts = [[rng.randrange(3, 80) for _ in range(n)] for n in LENGTHS]
    return model, texts, *model.greedy(texts[0], NEW_TOKENS)


def make(name, folder):
    """The first seed whose greedy text is decided clearly at every step and
    is not one word over and over."""
    for seed in range(1, 41):
        model, texts, greedy, lead = draw(name, folder, seed)
        if lead > CLEAR_LEAD and len(set(greedy)) > 3:
            break
    else:
        sys.exit(f"{name}: no clear greedy text in 40 draws")
    exact = run_all(model, texts)
    save_file(exact, folder / "golden.safetensors")
    golden = {"family": name, "seed": seed, "ids": texts, "greedy": greedy}
    path = folder / "golden.json"
    path.write_text(json.dumps(golden) + "\n")
    with_all = bf16_errors(folder, texts, exact)
    without = errors_without_avx512(folder)
    golden["bf16"] = {k: max(v, without[k]) for k, v in with_all.items()}
    path.write_text(json.dumps(golden) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name}: seed {seed}, {size} bytes, bf16 error of the logits "
          f"{with_all['logits.0']:.4f}, without AVX-512 "
          f"{without['logits.0']:.4f}")
    if size > 300_000:
        sys.exit(f"{name}: more than 300 KB")


def main(names):
    if names[:1] == ["--errors"]:
        return print_errors(pathlib.Path(names[1]))
    target = ROOT / "tests" / "fixtures" / "families"
    for name in names or FAMILIES:
        with tempfile.TemporaryDirectory() as work:
            make(name, pathlib.Path(work) / name)
            shutil.rmtree(target / name, ignore_errors=True)
            shutil.copytree(pathlib.Path(work) / name, target / name)


if __name__ == "__main__":
    main(sys.argv[1:])
