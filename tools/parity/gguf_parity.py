#!/usr/bin/env python3
"""GGUF checkpoints against the package `gguf` and transformers.

1. Random blocks of every packing: the numbers are those of gguf.dequantize, bit
   for bit.
2. Every family, weights drawn anew and packed: logits are those of transformers
   on the same numbers, within 1e-5 of the largest (fp32).
3. SmolLM2-135M-Instruct, fetched as `--model smollm2` does (skipped where it
   can't be): token ids of 5,000 strings, logits within 1e-4 (fp32), and greedy
   answers to 20 prompts, against transformers on the same file. And the ids of
   llama.cpp, where llama-cpp-python is installed.

    gguf_parity.py [--seed S] [--strings N] [--only blocks,families,smollm2]
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import gguf  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from family_models import FAMILIES, Reference, relative, write_checkpoint  # noqa: E402
from gguf import GGMLQuantizationType as T  # noqa: E402
from gguf_files import KINDS, add_tensor, random_blocks, stored, write_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizer_parity import Generator  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VEER_BUILD", ROOT / "build"))
VEER = BUILD / "bin" / "veer"
PROGRAM = BUILD / "tools" / "parity" / "parity_gguf"
# A GGUF file can't say what these are: windows of Qwen 2, one of Gemma's parts.
LEFT_OUT = {"qwen2_window", "gemma3_multimodal"}
failures = []


def check(name, ok, text):
    print(f"  {'ok  ' if ok else 'FAIL'} {name}: {text}", flush=True)
    if not ok:
        failures.append(name)


def blocks(draws, work):
    subprocess.run(["cmake", "--build", BUILD, "--target", PROGRAM.name],
                   check=True, stdout=subprocess.DEVNULL)
    for kind in KINDS:
        numbers = 64 * 512
        data = random_blocks(kind, 64, 512, draws)
        path = work / "blocks.gguf"
        writer = gguf.GGUFWriter(path, "blocks")
        add_tensor(writer, "t", data, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        subprocess.run([PROGRAM, path, work / "values"], check=True)
        found = np.fromfile(work / "values", dtype=np.uint32)
        wanted = gguf.quants.dequantize(data, kind).ravel().view(np.uint32)
        check(kind.name, found.size == numbers and np.array_equal(found, wanted),
              f"{np.count_nonzero(found != wanted)} of {numbers} numbers differ")


def veer_logits(model, ids, work):
    (work / "ids.json").write_text(json.dumps(ids))
    out = work / "logits.safetensors"
    subprocess.run([VEER, "logits", "--quiet", "--model", model, "--ids",
                    work / "ids.json", "--out", out, "--dtype", "float32"],
                   check=True)
    return load_file(out)


def packed_folder(folder, kind):
    """Gives the folder the numbers that `kind` makes of its matrices."""
    block = gguf.GGML_QUANT_SIZES[kind][0]
    tensors = {}
    for name, tensor in stored(folder).items():
        data = tensor.float().numpy()
        if data.ndim == 2 and data.shape[-1] % block == 0:
            data = gguf.quants.dequantize(gguf.quants.quantize(data, kind), kind)
        tensors[name] = torch.from_numpy(np.ascontiguousarray(data))
    for path in pathlib.Path(folder).glob("model*"):
        path.unlink()
    save_file(tensors, pathlib.Path(folder) / "model.safetensors",
              {"format": "pt"})


def families(draws, work):
    for name, (_, dtype, _) in FAMILIES.items():
        if name in LEFT_OUT:
            continue
        folder = work / name
        write_checkpoint(name, folder, int(draws.integers(1 << 30)))
        config = json.loads((folder / "config.json").read_text())
        if "query_pre_attn_scalar" in config:
            config["query_pre_attn_scalar"] = config["head_dim"]
            (folder / "config.json").write_text(json.dumps(config))
        kind = [T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.BF16, T.F16,
                T.F32][int(draws.integers(8))]
        if kind == T.F32 or (kind == T.F16 and dtype != "float16"):
            kind = T.Q8_0
        write_model(folder, work / f"{name}.gguf", kind)
        packed_folder(folder, kind)
        ids = [int(i) for i in draws.integers(3, 80, 37)]
        found = veer_logits(work / f"{name}.gguf", ids, work)["logits"]
        wanted = Reference(folder, torch.float32, None).run(ids)["logits"]
        error = relative(found, wanted)["max"]
        check(f"{name} as {kind.name}", error <= 1e-5,
              f"logits differ by {error:.1e} of the largest")


def generated_strings(tokenizer, count, rng):
    maker = Generator(rng, sorted(tokenizer.get_added_vocab()))
    return [maker.string() for _ in range(count)]


def veer_ids(model, texts, work):
    (work / "texts.jsonl").write_text(
        "\n".join(json.dumps(t) for t in texts) + "\n")
    out = subprocess.run([VEER, "tokenize", "--quiet", "--model", model,
                          "--jsonl", work / "texts.jsonl"],
                         check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["ids"] for line in out.splitlines()]


def with_digits(tokenizer):
    """The tokenizer as it was published: each digit alone, first."""
    from tokenizers import pre_tokenizers
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    return tokenizer


def compare_ids(name, found, wanted, texts, must):
    wrong = [i for i, (a, b) in enumerate(zip(found, wanted)) if a != b]
    text = f"{len(wrong)} of {len(texts)} strings differ"
    if wrong:
        text += f", such as {texts[wrong[0]][:60]!r}"
    if must:
        check(name, not wrong and len(found) == len(texts), text)
    else:
        print(f"       {name}: {text}")


def compare_llama_cpp(path, found, texts):
    try:
        from llama_cpp import Llama
    except ImportError:
        print("       llama.cpp: llama-cpp-python is not installed, left out")
        return
    model = Llama(str(path), vocab_only=True, verbose=False)
    wanted = [model.tokenize(t.encode(), add_bos=False, special=True)
              for t in texts]
    compare_ids("ids of llama.cpp", found, wanted, texts, must=True)


PROMPTS = [f"{start} {rest}" for start in (
    "What is", "Tell me about", "Write a short poem about", "How can I use")
    for rest in ("the sea?", "a good night's sleep?", "the number 12?",
                 "bread and butter?", "an old bicycle?")]


def smollm2(seed, count, work):
    listed = json.loads(subprocess.run([VEER, "models", "--json"], check=True,
                                       capture_output=True, text=True).stdout)
    path = pathlib.Path(next(m["path"] for m in listed["models"]
                             if m["name"] == "smollm2"))
    done = subprocess.run([VEER, "tokenize", "--model", "smollm2", "--text", "x"],
                          capture_output=True, text=True)
    if done.returncode:
        print("       smollm2 is left out:", done.stderr.strip().splitlines()[-1])
        return
    from transformers import AutoModelForCausalLM, AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    texts = generated_strings(tokenizer, count, random.Random(seed))
    found = veer_ids(path, texts, work)
    published = with_digits(
        AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name))
    compare_ids("ids of transformers, digits apart as published", found,
                [published.encode(t, add_special_tokens=True) for t in texts],
                texts, must=True)
    compare_ids("ids of transformers as it reads the file", found,
                [tokenizer.encode(t, add_special_tokens=True) for t in texts],
                texts, must=False)
    compare_llama_cpp(path, found, texts)
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    prompts = [tokenizer.apply_chat_template(
        [{"role": "user", "content": p}], add_generation_prompt=True,
        tokenize=False) for p in PROMPTS]
    ids = [tokenizer.encode(p, add_special_tokens=False) for p in prompts]
    answers = []
    with torch.no_grad():
        begun = time.time()
        logits = veer_logits(path, ids, work)
        print(f"       veer logits took {time.time() - begun:.1f} s")
        worst = max(relative(logits[f"logits.{n}"],
                             model(torch.tensor([one])).logits[0])["max"]
                    for n, one in enumerate(ids))
        check("logits", worst <= 1e-4,
              f"differ by {worst:.1e} of the largest, {len(ids)} prompts")
        for one in ids:
            out = model.generate(torch.tensor([one]), max_new_tokens=64,
                                 do_sample=False, repetition_penalty=1.0,
                                 pad_token_id=2)
            answers.append(tokenizer.decode(out[0, len(one):],
                                            skip_special_tokens=True))
    wrong = []
    for prompt, answer in zip(PROMPTS, answers):
        out = subprocess.run(
            [VEER, "steer", "--quiet", "--json", "--model", path, "--dtype",
             "float32", "--scale", "0", "--max_tokens", "64", prompt],
            check=True, capture_output=True, text=True).stdout
        out = json.loads(out)["plain"]
        if out.strip() != answer.strip():
            wrong.append((prompt, answer, out))
    check("greedy answers", not wrong,
          f"{len(wrong)} of {len(PROMPTS)} differ")
    for prompt, answer, out in wrong[:2]:
        print("    prompt:", prompt, "\n    wanted:", repr(answer),
              "\n    found: ", repr(out))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--strings", type=int, default=5000)
    parser.add_argument("--only", default="blocks,families,smollm2")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    draws = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        parts = options.only.split(",")
        if "blocks" in parts:
            blocks(draws, work)
        if "families" in parts:
            families(draws, work)
        if "smollm2" in parts:
            smollm2(options.seed, options.strings, work)
    print(f"{len(failures)} failures")
    sys.exit(1 if failures else 0)


main()
