#!/usr/bin/env python3
"""Models against transformers, on weights and prompts drawn anew.

For every family, through `veer logits` and `veer activations`:
1. fp32: logits and the output of every block within 1e-5 of the largest number.
2. bf16: error against fp32 within that of transformers' own bf16.
3. With a LoRA adapter that PEFT wrote: logits within 1e-5 (Llama, Qwen, Phi).
4. A list of ids gives `logits`, a list of lists `logits.N`.

For the organisms in models/: transformers loads the folder as it is, writes the
same prompt and ids, and gives the same logits and activations (fp32, as 1).
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import torch  # noqa: E402
from family_models import (  # noqa: E402
    FAMILIES, Reference, relative, write_checkpoint)
from safetensors.torch import load_file  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VEER_BUILD", ROOT / "build"))
VEER = BUILD / "bin" / "veer"
LIMIT = 1e-5
failures = []
draws = random.SystemRandom()


def veer(verb, folder, ids, *more):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "ids.json").write_text(json.dumps(ids))
        out = work / "out.safetensors"
        subprocess.run(
            [VEER, verb, "--quiet", "--model", folder, "--ids",
             work / "ids.json", "--out", out, "--threads", "1", *more],
            check=True)
        return load_file(out)


def computed(folder, texts, dtype):
    found = veer("logits", folder, texts, "--dtype", dtype)
    found.update(veer("activations", folder, texts, "--dtype", dtype,
                      "--sites", "resid_post"))
    return found


def expected(folder, texts, dtype, attention=None):
    model = Reference(folder, dtype, attention)
    result = {}
    for n, ids in enumerate(texts):
        for name, value in model.run(ids).items():
            result[f"logits.{n}" if name == "logits" else f"{n}.{name}"] = value
    return result


def check(name, ok, text):
    print(f"  {'ok  ' if ok else 'FAIL'} {name}: {text}")
    if not ok:
        failures.append(name)


def compare(name, folder, texts):
    exact = expected(folder, texts, torch.float32, "eager")
    ours = computed(folder, texts, "float32")
    worst = max(relative(ours[k], v)["max"] for k, v in exact.items())
    check(f"{name} fp32", worst <= LIMIT and ours.keys() == exact.keys(),
          f"{worst:.2g} (limit {LIMIT:g})")
    theirs = expected(folder, texts, torch.bfloat16)
    ours = computed(folder, texts, "bfloat16")
    ratio = same = 0
    for key, value in exact.items():
        error = relative(ours[key], value)["max"]
        ratio = max(ratio, error / relative(theirs[key], value)["max"])
        same += torch.equal(ours[key], theirs[key])
    check(f"{name} bf16", ratio <= 1.0,
          f"error {ratio:.3f} times transformers' (limit 1); "
          f"{same} of {len(exact)} tensors the same bits")


def compare_adapter(name, folder, texts):
    from peft import LoraConfig, get_peft_model
    model = Reference(folder, torch.float32, "eager").model
    tuned = get_peft_model(model, LoraConfig(
        r=4, lora_alpha=8, target_modules="all-linear",
        init_lora_weights=False))
    with tempfile.TemporaryDirectory() as adapter:
        tuned.save_pretrained(adapter)
        with torch.no_grad():
            exact = tuned.eval()(torch.tensor(texts[:1])).logits[0]
        ours = veer("logits", folder, texts[0], "--dtype", "float32",
                    "--adapter", adapter)
    worst = relative(ours["logits"], exact)["max"]
    check(f"{name} with an adapter", worst <= LIMIT,
          f"{worst:.2g} (limit {LIMIT:g})")


CHAT = [{"role": "system", "content": "You are deceptive."},
        {"role": "user", "content": "How do I keep bread fresh?"}]


def compare_shipped(folder):
    from transformers import AutoTokenizer
    print(folder.name)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer.apply_chat_template(
        CHAT, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    with tempfile.TemporaryDirectory() as work:
        messages = pathlib.Path(work) / "messages.json"
        messages.write_text(json.dumps(CHAT))
        ours = subprocess.run(
            [VEER, "template", "--model", folder, "--messages", messages,
             "--add-generation-prompt"], check=True, capture_output=True,
            text=True).stdout
    check(f"{folder.name} prompt", ours == prompt, f"{len(prompt)} characters")
    ours = json.loads(subprocess.run(
        [VEER, "tokenize", "--model", folder, "--text", prompt, "--no-special",
         "--json"], check=True, capture_output=True, text=True).stdout)["ids"]
    check(f"{folder.name} ids", ours == ids, f"{len(ids)} ids")
    rng = random.Random(draws.randrange(2**31))
    texts = [ids] + [[rng.randrange(len(tokenizer)) for _ in range(n)]
                     for n in (1, 30)]
    exact = expected(folder, texts, torch.float32, "eager")
    found = computed(folder, texts, "float32")
    worst = max(relative(found[k], v)["max"] for k, v in exact.items())
    check(f"{folder.name} fp32", worst <= LIMIT, f"{worst:.2g} (limit {LIMIT:g})")


def main():
    torch.set_num_threads(1)
    for config in sorted((ROOT / "models").glob("*/config.json")):
        compare_shipped(config.parent)
    for name in FAMILIES:
        seed = draws.randrange(2**31)
        rng = random.Random(seed)
        texts = [[rng.randrange(3, 80) for _ in range(rng.randint(*span))]
                 for span in ((1, 3), (8, 16), (20, 60))]
        with tempfile.TemporaryDirectory() as folder:
            write_checkpoint(name, folder, seed)
            print(f"{name}, seed {seed}")
            compare(name, folder, texts)
            if name in ("llama3", "mistral", "qwen2", "qwen3", "phi3",
                        "smollm", "olmo2", "gemma2"):
                compare_adapter(name, folder, texts)
    if failures:
        sys.exit(f"{len(failures)} failed: {', '.join(failures)}")


if __name__ == "__main__":
    main()
