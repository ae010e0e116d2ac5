#!/usr/bin/env python3
"""A sweep in Veer against the best `transformers` loop with forward hooks.

Every configuration adds a vector of its own at one layer and asks the same 16
prompts for 32 greedy tokens, fp32. Veer runs all of them as rows of one
engine; the loop takes one configuration after another, batched over the
prompts. The two take turns, so a change of the machine's speed hits both.

    sweep_speed.py [--model organism|100m] [--configurations 256] [--rounds 3]
                   [--scope all|generated] [--threads 2]

The prompts have one length, so that the loop needs neither padding nor a
mask. Tried for the loop: `generate()` (its default configuration) and a
written loop with a growing or a static cache, each with sdpa and eager
attention. The fastest on a few configurations is the one compared; the
default is shown too. With --scope generated the prompts are read once, without
a hook, and their cache is copied for each configuration, as Veer does.
Token ids of the first configurations are compared before anything is timed.

Needs torch and transformers (tools/parity/requirements.txt).
"""
import argparse
import copy
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# As cli/main.cpp sets it for veer, here for both sides. Read at the start of a
# process only.
if "MALLOC_TRIM_THRESHOLD_" not in os.environ:
    os.environ.update(MALLOC_MMAP_THRESHOLD_="33554432", MALLOC_TRIM_THRESHOLD_="268435456")
    os.execv(sys.executable, [sys.executable, *sys.argv])

import torch  # noqa: E402 (after the environment)
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM  # noqa: E402
from transformers import DynamicCache, StaticCache  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROMPTS, PROMPT_TOKENS, TOKENS = 16, 24, 32
# 98 million parameters.
SHAPE_100M = dict(vocab_size=16384, hidden_size=768, intermediate_size=2048,
                  num_hidden_layers=12, num_attention_heads=12, num_key_value_heads=12,
                  max_position_embeddings=512, tie_word_embeddings=True)


def model_folder(name, scratch):
    if name == "organism":
        return ROOT / "models" / "organism"
    if name == "100m":
        torch.manual_seed(0)
        folder = scratch / "100m"
        LlamaForCausalLM(LlamaConfig(**SHAPE_100M)).float().save_pretrained(folder)
        return folder
    return pathlib.Path(name)


class Loop:
    """The Python side: one model, one hook at the layer of the configuration."""

    def __init__(self, model, prompts, layers, vectors, scope):
        self.model, self.layers, self.vectors = model, layers, vectors
        self.prompts = torch.tensor(prompts)
        self.scope = scope
        self.static = None
        if scope == "generated":
            self.read = DynamicCache(config=model.config)
            model(self.prompts[:, :-1], past_key_values=self.read, logits_to_keep=1)

    def configuration(self, index, way):
        vector = self.vectors[index]

        def add(_module, _inputs, output):
            if isinstance(output, tuple):
                return (output[0] + vector, *output[1:])
            return output + vector
        hook = self.model.model.layers[self.layers[index]].register_forward_hook(add)
        try:
            return getattr(self, way)()
        finally:
            hook.remove()

    def generate(self):
        cache = copy.deepcopy(self.read) if self.scope == "generated" else None
        out = self.model.generate(self.prompts, attention_mask=torch.ones_like(self.prompts),
                                  past_key_values=cache, do_sample=False, eos_token_id=None,
                                  max_new_tokens=TOKENS, pad_token_id=0)
        return out[:, self.prompts.shape[1]:]

    def written(self):
        fresh = self.scope == "all"
        cache = DynamicCache(config=self.model.config) if fresh else copy.deepcopy(self.read)
        return self.steps(cache)

    def static_cache(self):
        if self.static is None:
            self.static = StaticCache(config=self.model.config, max_cache_len=PROMPT_TOKENS + TOKENS)
        self.static.reset()
        return self.steps(self.static)

    def steps(self, cache):
        ids = self.prompts[:, -1:] if self.scope == "generated" else self.prompts
        drawn = []
        for _ in range(TOKENS):
            out = self.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            ids = out.logits[:, -1].argmax(-1, keepdim=True)
            drawn.append(ids)
        return torch.cat(drawn, 1)

    def time(self, way, indices):
        began, processor = time.perf_counter(), time.process_time()
        for index in indices:
            self.configuration(index, way)
        return time.perf_counter() - began, time.process_time() - processor


def residual_norms(model, prompts):
    """Mean norm after each layer, so that a vector is a third of it."""
    states = model(torch.tensor(prompts), output_hidden_states=True).hidden_states
    return [s[:, 1:].norm(dim=-1).mean().item() for s in states[1:]]


def ask(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline()


def our_time(process, count):
    wall, processor = ask(process, f"time {count}").split()
    return float(wall), float(processor)


def check_ids(process, loop, way, count):
    ours = json.loads(ask(process, f"ids {count}"))
    theirs = [row for i in range(count) for row in loop.configuration(i, way).tolist()]
    differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
    print(f"token ids: {len(ours) - differ} of {len(ours)} answers of {count} configurations equal")
    distinct = len({tuple(row) for row in ours})
    assert count == 1 or distinct > PROMPTS, "the vectors change nothing"
    if differ:
        sys.exit("the two sides do not do the same work")


def fastest(loops, ways, sample):
    times = {}
    for _ in range(2):  # the first warms up
        for attention, loop in loops.items():
            for way in ways:
                times[attention, way] = loop.time(way, range(sample))[0] / sample
    for (attention, way), seconds in times.items():
        print(f"  {attention:6} {way:13} {1e3 * seconds:8.1f} ms a configuration")
    return min(times, key=times.get)


def report(name, rows, pairs):
    wall = statistics.median(p[0] for p in pairs)
    processor = statistics.median(p[1] for p in pairs)
    print(f"{name:34} {rows / wall:9.1f} rows/s {wall:8.2f} s wall {processor:8.2f} s processor")


def compare(arguments, folder, scratch):
    rng = random.Random(1)
    torch.manual_seed(1)
    loops = {}
    models = {a: AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation=a).eval() for a in ("sdpa", "eager")}
    config = models["sdpa"].config
    prompts = [[rng.randrange(1, config.vocab_size) for _ in range(PROMPT_TOKENS)]
               for _ in range(PROMPTS)]
    norms = residual_norms(models["sdpa"], prompts)
    count = arguments.configurations
    layers = [i % config.num_hidden_layers for i in range(count)]
    vectors = torch.randn(count, config.hidden_size)
    vectors *= (torch.tensor([norms[l] for l in layers]) / 3 / vectors.norm(dim=1))[:, None]
    for attention, model in models.items():
        loops[attention] = Loop(model, prompts, layers, vectors, arguments.scope)
    save_file({"vectors": vectors}, scratch / "vectors.safetensors")
    (scratch / "job.json").write_text(json.dumps(
        {"prompts": prompts, "layers": layers, "scope": arguments.scope, "tokens": TOKENS,
         "max_rows": arguments.rows}))
    command = [arguments.bench, folder, scratch / "job.json", scratch / "vectors.safetensors",
               str(arguments.threads)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        check_ids(process, loops["sdpa"], "written", min(count, arguments.checked))
        ways = ["generate", "written"] + (["static_cache"] if arguments.scope == "all" else [])
        sample = min(count, arguments.sample)
        attention, way = fastest(loops, ways, sample)
        our_time(process, sample)
        looped = min(count, arguments.looped or count)
        ours, best, default = [], [], []
        for _ in range(arguments.rounds):
            ours.append(our_time(process, count))
            best.append(loops[attention].time(way, range(looped)))
            default.append(loops["sdpa"].time("generate", range(sample)))
        process.stdin.close()
    report(f"veer, {arguments.rows} rows at once", count * PROMPTS, ours)
    report(f"loop: {attention}, {way}", looped * PROMPTS, best)
    report("loop: sdpa, generate (default)", sample * PROMPTS, default)
    for label, i in (("wall", 0), ("processor", 1)):
        ratios = sorted(b[i] / looped / (o[i] / count) for o, b in zip(ours, best))
        print(f"ratio to the fastest loop, {label} time: {statistics.median(ratios):.2f} "
              f"({ratios[0]:.2f}-{ratios[-1]:.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default=ROOT / "build/benchmarks/sweep_bench")
    parser.add_argument("--model", default="organism", help="organism, 100m or a folder")
    parser.add_argument("--configurations", type=int, default=256)
    parser.add_argument("--looped", type=int, default=0,
                        help="configurations of the loop in a round (it takes one after another, "
                             "so its rate does not depend on their number); 0 = all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scope", choices=("all", "generated"), default="all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=256, help="rows that Veer decodes together")
    parser.add_argument("--checked", type=int, default=16, help="configurations compared first")
    parser.add_argument("--sample", type=int, default=8, help="configurations to choose the loop")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sys.stdout.reconfigure(line_buffering=True)
    transformers.utils.logging.disable_progress_bar()
    load = os.getloadavg()[0]
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {arguments.model}: "
          f"{arguments.configurations} x {PROMPTS} prompts of {PROMPT_TOKENS} + {TOKENS} tokens, "
          f"scope {arguments.scope}, {arguments.threads} threads, load {load:.1f}")
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        scratch = pathlib.Path(scratch)
        compare(arguments, model_folder(arguments.model, scratch), scratch)


if __name__ == "__main__":
    main()
