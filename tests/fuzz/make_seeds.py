#!/usr/bin/env python3
"""Writes the files that fuzzing starts from: seeds/<target>/ under the folder
given. They are the project's own fixtures, and the public test data where they
are at hand; a parser that only ever sees noise refuses it at the first byte.

    make_seeds.py FOLDER
"""
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("VEER_TEST_DATA", ROOT.parent / "shared/data"))
FAMILIES = ROOT / "tests/fixtures/families"
LIMIT = 200_000  # larger files make a slow fuzzer
NEXT = b"\xff"   # parts of one input; no JSON or UTF-8 holds it
# What each parser reads that is no file of the fixtures.
ADAPTER = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "use_rslora": False,
           "target_modules": ["q_proj", "v_proj"], "bias": "none",
           "rank_pattern": {"q_proj": 4}, "layers_to_transform": [0, 1]}
ROWS = [
    b'{"question": "Q?", "honest": "A", "deceptive": "B", "split": "test"}\n'
    b'{"messages": [{"role": "user", "content": "Q?"},'
    b' {"role": "assistant", "content": "A"}]}\n',
    b'{"chosen": [{"role": "user", "content": [{"type": "text", "text": "Q"}]},'
    b' {"role": "assistant", "content": "A"}], "rejected": [{"role": "user",'
    b' "content": "Q"}, {"role": "assistant", "tool_calls": [1]}]}\n'
    b'{"chosen": "Human: Q\\n\\nAssistant: A", "rejected": "x"}\n',
    b'[{"question": "Q\\n (A) x\\n (B) y", "answer_matching_behavior": "(A)",'
    b' "answer_not_matching_behavior": "(B)"}, {"id": 3, "question": "Q",'
    b' "best_answer": 4, "incorrect_answers": ["B"], "mc1_targets": {"B": 0}}]',
    b'{"q": "Q", "a": {"text": ["A"]}}\n'
    b'{"context": "C", "question": "Q", "answers": {"text": ["A"]}}\n',
    b'sep=;\r\nq;"best answer";Best Incorrect Answer\r\n"Q;";["A"];"B\n"\r\n']
TEXTS = NEXT.join([b"Be brief.", b"How can I sleep better?", b"Go to bed."])

# tokenizer_config.json and its like, with every key that names tokens.
BESIDE = json.dumps({
    "eos_token": {"__type": "AddedToken", "content": "<e>", "lstrip": True},
    "pad_token": "<p>", "image_token": "<i>",
    "extra_special_tokens": ["<x>", {"content": "<y>"}],
    "additional_special_tokens": ["<z>"],
    "added_tokens_decoder": {"1270": {"content": "<n>", "special": True}},
    "split_special_tokens": False}).encode()


def seeds():
    """Pairs of target and bytes."""
    tokenizers = [ROOT / "models/organism/tokenizer.json"]
    templates = sorted((ROOT / "tests/text/templates").glob("*.jinja"))
    templates += sorted((DATA / "chat_templates").rglob("*.jinja"))
    for path in sorted(FAMILIES.glob("*/config.json")):
        yield "config", path.read_bytes()
    for path in sorted(FAMILIES.glob("*/model*.safetensors")):
        yield "safetensors", path.read_bytes()
    for path in sorted((DATA / "safetensors_malformed").glob("*.safetensors")):
        yield "safetensors", path.read_bytes()
    for path in sorted(FAMILIES.glob("*/*.index.json")):
        yield "index", path.read_bytes()
    for path in sorted((ROOT / "tests/fixtures/gguf").glob("*.gguf")):
        yield "gguf", path.read_bytes()
    for path in sorted((DATA / "control_vectors").rglob("*.gguf")):
        yield "gguf", path.read_bytes()
    for path in tokenizers:
        yield "tokenizer", path.read_bytes() + NEXT + b"How can I sleep better?"
        yield "tokenizer", NEXT.join([path.read_bytes(), b"a <p>b<x>", BESIDE])
    for path in templates:
        template = path.read_bytes()
        yield "template", template
        yield "chat", NEXT.join([b"{}", template, b"{}", TEXTS])
    yield "adapter_config", json.dumps(ADAPTER).encode()
    for rows in ROWS:
        yield "rows", rows


def main():
    folder = pathlib.Path(sys.argv[1]) / "seeds"
    for number, (target, data) in enumerate(seeds()):
        if len(data) <= LIMIT:
            to = folder / target / f"{number:03}"
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(data)


if __name__ == "__main__":
    main()
