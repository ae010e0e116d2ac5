#!/usr/bin/env python3
"""Encoding speed of Veer against the PyPI package `tokenizers`, one thread.

Both encode the same texts in turns (one round each), so a change of the
machine's speed hits both. Reported is the median over rounds and the median
ratio of neighbouring rounds, with its range.

    tokenizer_speed.py [--bench build/benchmarks/tokenizer_bench] [--rounds N]

Needs `tokenizers` in the running Python and the full-size tokenizers of the
test data (VEER_TEST_DATA, default ../shared/data).
"""
import argparse
import csv
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer, __version__  # noqa: E402 (after the environment)

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = pathlib.Path(os.environ.get("VEER_TEST_DATA", ROOT.parent / "shared/data"))


def chat_texts():
    """The study's kind of text: short questions and answers in English."""
    texts = []
    for file in ("deception_dataset.json", "honest_dataset.json"):
        for messages in json.loads((DATA / "original_study" / file).read_text(encoding="utf-8")):
            texts += [m["content"] for m in messages]
    with open(DATA / "datasets/TruthfulQA.csv", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            texts += [row["Question"], row["Correct Answers"], row["Incorrect Answers"]]
    return texts


def mixed_texts():
    """Random words of many scripts, numbers and symbols: nothing to cache."""
    rng = random.Random(1)
    blocks = [(0x61, 0x7A), (0x61, 0x7A), (0xC0, 0x17F), (0x3B1, 0x3C9), (0x430, 0x44F),
              (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939), (0xE01, 0xE2E), (0x3041, 0x3096),
              (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0x30, 0x39), (0x21, 0x2F), (0x1F600, 0x1F64F)]

    def word():
        low, high = rng.choice(blocks)
        return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 9)))
    return [" ".join(word() for _ in range(200)) for _ in range(400)]


def code_texts():
    """C++ and Python sources of this repository, one text a file."""
    files = sorted(ROOT.glob("src/**/*.cpp")) + sorted(ROOT.glob("tools/**/*.py"))
    return [f.read_text(encoding="utf-8") for f in files]


def our_round(process):
    process.stdin.write("round\n")
    process.stdin.flush()
    seconds, tokens = process.stdout.readline().split()
    return float(seconds), int(tokens)


def their_round(tokenizer, texts):
    began = time.perf_counter()
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    seconds = time.perf_counter() - began
    return seconds, sum(len(e.ids) for e in encodings)


def compare(bench, name, kind, texts, rounds, folder):
    path = DATA / "tokenizers" / name / "tokenizer.json"
    lines = pathlib.Path(folder) / "texts.jsonl"
    lines.write_text("".join(json.dumps(t) + "\n" for t in texts), encoding="utf-8")
    megabytes = sum(len(t.encode()) for t in texts) / 1e6
    began = time.perf_counter()
    tokenizer = Tokenizer.from_file(str(path))
    their_load = time.perf_counter() - began
    with subprocess.Popen([bench, path, lines], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        our_load = float(process.stdout.readline())
        pairs = []
        for _ in range(rounds + 1):
            ours, our_tokens = our_round(process)
            theirs, their_tokens = their_round(tokenizer, texts)
            assert our_tokens == their_tokens, f"{our_tokens} tokens here, {their_tokens} there"
            pairs.append((ours, theirs))
        process.stdin.close()
    pairs = pairs[1:]  # the first round of both fills caches
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    speed = [megabytes / statistics.median(p[i] for p in pairs) for i in (0, 1)]
    print(f"{name:7} {kind:6} {megabytes:6.2f} {speed[0]:8.1f} {speed[1]:10.1f} "
          f"{statistics.median(ratios):6.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f}) "
          f"{our_load * 1e3:6.0f} {their_load * 1e3:6.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default=ROOT / "build/benchmarks/tokenizer_bench")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    if not (DATA / "tokenizers").is_dir():
        sys.exit(f"no tokenizers in {DATA}")
    print(f"tokenizers {__version__}, {arguments.rounds} rounds in turns, one thread")
    print("                      MB veer MB/s theirs MB/s ratio (range)  load ms: veer, theirs")
    kinds = {"chat": chat_texts(), "mixed": mixed_texts(), "code": code_texts()}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("llama3", "qwen2", "gpt2"):
            for kind, texts in kinds.items():
                compare(arguments.bench, name, kind, texts, arguments.rounds, folder)


if __name__ == "__main__":
    main()
