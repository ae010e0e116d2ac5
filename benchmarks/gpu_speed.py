#!/usr/bin/env python3
"""How fast Veer is on one device, beside transformers and vLLM; a page of it.

    gpu_speed.py --out PAGE.md [--device cuda] [--shape 3b] [--seconds 400]

On random weights of the exact shape of Llama-3.2-3B, so that no model need be
there. First both sides show that they do the same work (logits, states, loss,
texts), then they take turns for a few rounds; a ratio is the median of the
rounds' ratios. What there was no time for is said on the page. `--device cpu
--shape tiny` tries the script itself.

Needs torch; transformers and peft for the rivals, and VEER_VLLM_PYTHON, a
Python with vLLM, for that one.
"""
import argparse
import importlib.util
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch  # noqa: E402 (after the environment)
from gpu_work import SHAPES, WORK, parameters, write_model  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
HERE = pathlib.Path(__file__).resolve().parent


class Veer:
    ways = dict.fromkeys(("decode", "prefill", "extract", "lora", "sweep"),
                         ["veer"])

    def __init__(self, bench, folder, device, dtype, threads):
        self.process = subprocess.Popen(
            [bench, folder, device, dtype, str(threads)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def timed(self, job, _way):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"gpu_bench ended at {job}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def apart(ours, theirs):
    """|a - b| / |b| of two lists of numbers."""
    ours, theirs = torch.tensor(ours), torch.tensor(theirs)
    return ((ours - theirs).norm() / theirs.norm()).item()


class Measuring:
    """Both sides, what was measured of them, and how much time is left."""

    def __init__(self, arguments, veer, rival, dtype):
        self.arguments, self.veer, self.rival = arguments, veer, rival
        self.shape = SHAPES[arguments.shape]
        self.work = WORK[arguments.shape]
        self.ends = time.monotonic() + arguments.seconds
        # Of states and logits; of float32 the rounding of sums alone.
        self.tolerance = 1e-3 if dtype == torch.float32 else 5e-2
        self.checks, self.rows, self.left_out = [], [], []

    def sides(self, kind):
        found = [("veer", self.veer, "veer")]
        if self.rival:
            found += [(f"transformers, {way}", self.rival, way)
                      for way in self.rival.ways[kind]]
        return found

    def check(self, name, job, close):
        if not self.rival:
            return
        ours = self.veer.timed(job, "veer")["result"]
        for way in self.rival.ways[job["work"]]:
            theirs = self.rival.timed(job, way)["result"]
            text, ok = close(ours, theirs)
            self.checks.append((name, way, text, ok))
            print(f"check {name}, {way}: {text}", flush=True)

    def check_all(self):
        w = self.work
        near = lambda a, b: (f"apart by {apart(a, b):.1e}",  # noqa: E731
                             apart(a, b) <= self.tolerance)

        def alike(a, b):
            same = sum(x == y for s, t in zip(a, b) for x, y in zip(s, t))
            total = sum(map(len, b))
            # In 16 bit a greedy choice between equals turns on the last bit.
            exact = self.tolerance < 1e-2
            return (f"{same} of {total} tokens equal",
                    same == total if exact else same > 0)
        texts, tokens = w["check"]
        self.check("logits", dict(work="prefill", texts=texts, tokens=tokens,
                                  whole=True), near)
        texts, tokens, answer = w["extract"]
        self.check("states", dict(work="extract", texts=texts, tokens=tokens,
                                  answer=answer), near)
        texts, tokens, rank = w["lora"]
        self.check("loss", dict(work="lora", texts=texts, tokens=tokens,
                                rank=rank, steps=1),
                   lambda a, b: near([a], [b]))
        self.check("texts", dict(work="decode", rows=4, prompt=w["prompt"],
                                 tokens=w["few"]), alike)
        _, prompts, prompt, tokens = w["sweep"]
        self.check("steered texts",
                   dict(work="sweep", configurations=1, prompts=prompts,
                        prompt=prompt, tokens=min(tokens, 8), rows=256), alike)
        return all(ok for *_, ok in self.checks)

    def compare(self, name, unit, kind, jobs, amount):
        """jobs(side) = (job, job that is subtracted or None, share of it)."""
        took = {}
        for label, side, way in self.sides(kind):
            began = time.monotonic()
            if time.monotonic() > self.ends:
                self.left_out.append(f"{name}, {label}")
                continue
            try:
                for job in jobs(side)[:2]:
                    if job:
                        side.timed(job, way)  # warms up, compiles
            except (RuntimeError, ImportError) as error:
                self.left_out.append(
                    f"{name}, {label}: {str(error).splitlines()[0][:120]}")
                continue
            took[label] = time.monotonic() - began
        seconds, peaks = {label: [] for label in took}, {}
        for _ in range(self.arguments.rounds):
            for label, side, way in self.sides(kind):
                if label not in took or time.monotonic() > self.ends:
                    continue
                job, less, share = jobs(side)
                measured = side.timed(job, way)
                spent = measured["seconds"]
                if less:
                    spent -= side.timed(less, way)["seconds"]
                # A machine that others use may take longer for less: no figure.
                seconds[label].append(spent / share if spent > 0 else None)
                peaks[label] = measured["peak"]
        self.add(name, unit, seconds, peaks, amount)

    def add(self, name, unit, seconds, peaks, amount):
        ours = seconds.get("veer", [])
        for label, times in seconds.items():
            pairs = [(t, o) for t, o in zip(times, ours) if t and o]
            if not pairs:
                self.left_out.append(f"{name}, {label}")
                continue
            ratios = sorted(t / o for t, o in pairs)
            took = statistics.median(t for t, _ in pairs)
            self.rows.append(dict(
                name=name, side=label, rate=amount / took, unit=unit,
                peak=peaks[label], ratio=statistics.median(ratios),
                low=ratios[0], high=ratios[-1]))
            print(f"{name:28} {label:38} {self.rows[-1]['rate']:10.4g} {unit}",
                  flush=True)

    def measure(self):
        w = self.work
        for rows in w["rows"]:
            job = lambda tokens: dict(  # noqa: E731
                work="decode", rows=rows, prompt=w["prompt"], tokens=tokens)
            self.compare(f"decoding, {rows} rows", "tokens/s", "decode",
                         lambda _: (job(w["many"]), job(w["few"]), 1),
                         rows * (w["many"] - w["few"]))
        texts, tokens = w["read"]
        read = dict(work="prefill", texts=texts, tokens=tokens)
        self.compare(f"reading {texts} x {tokens}", "tokens/s", "prefill",
                     lambda _: (read, None, 1), texts * tokens)
        texts, tokens, answer = w["extract"]
        extract = dict(work="extract", texts=texts, tokens=tokens,
                       answer=answer)
        self.compare(f"extraction, {texts} x {tokens}", "tokens/s", "extract",
                     lambda _: (extract, None, 1), texts * tokens)
        texts, tokens, rank = w["lora"]
        few, many = w["steps"]
        step = lambda steps: dict(  # noqa: E731
            work="lora", texts=texts, tokens=tokens, rank=rank, steps=steps)
        self.compare(f"LoRA step, {texts} x {tokens}, rank {rank}", "tokens/s",
                     "lora", lambda _: (step(many), step(few), many - few),
                     texts * tokens)
        self.sweep()

    def sweep(self):
        """Their rate does not depend on how many configurations they take."""
        count, prompts, prompt, tokens = self.work["sweep"]

        def jobs(side):
            taken = count if side is self.veer else self.work["looped"]
            return (dict(work="sweep", configurations=taken, prompts=prompts,
                         prompt=prompt, tokens=tokens, rows=256), None,
                    taken / count)
        self.compare(f"sweep, {count} x {prompts} texts", "texts/s", "sweep",
                     jobs, count * prompts)


def roofs(device, dtype, size):
    """Bytes/s of a copy and FLOP/s of a product, the best of five."""
    def best(work):
        times = []
        for _ in range(6):
            if device == "cuda":
                torch.cuda.synchronize()
            began = time.perf_counter()
            work()
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)
        return min(times[1:])
    a = torch.randn(size, size, device=device).to(dtype)
    data = torch.empty(16 * size * size, dtype=torch.uint8, device=device)
    copy = torch.empty_like(data)
    return (2 * data.nbytes / best(lambda: copy.copy_(data)),
            2 * size ** 3 / best(lambda: a @ a))


def vllm_rows(measuring, folder, dtype):
    python = os.environ.get("VEER_VLLM_PYTHON")
    left = measuring.ends - time.monotonic()
    if not python or left < 60:
        measuring.left_out.append(
            "vLLM: " + ("no time left" if python else
                        "VEER_VLLM_PYTHON names no Python that has it"))
        return
    w = measuring.work
    try:
        done = subprocess.run(
            [python, HERE / "gpu_vllm.py", folder, dtype,
             *map(str, (w["prompt"], w["few"], w["many"], *w["rows"]))],
            capture_output=True, text=True, timeout=left)
        rates = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
        measuring.left_out.append(f"vLLM: {type(error).__name__}")
        return
    for rows, rate in rates.items():
        ours = [r for r in measuring.rows if r["side"] == "veer" and
                r["name"] == f"decoding, {rows} rows"]
        ratio = ours[0]["rate"] / rate if ours else math.nan
        measuring.rows.append(dict(
            name=f"decoding, {rows} rows", side="vLLM (not in turns)",
            rate=rate, unit="tokens/s", peak=0, ratio=ratio, low=ratio,
            high=ratio))


def goals(measuring, shape, bandwidth, flops, item):
    """What is aimed at, each with what was measured."""
    of = {(r["name"], r["side"]): r for r in measuring.rows}
    found = []
    size = parameters(shape)
    texts, tokens, _ = measuring.work["extract"]
    row = of.get((f"extraction, {texts} x {tokens}", "veer"))
    if row:
        share = 2 * size * row["rate"] / flops
        found.append(("extraction: 60 % of the matrix rate", f"{share:.0%}",
                      share >= 0.6))
    rows = 64 if 64 in measuring.work["rows"] else measuring.work["rows"][-1]
    row = of.get((f"decoding, {rows} rows", "veer"))
    if row:
        cached = 4 * shape["num_hidden_layers"] * shape["head_dim"] * \
            shape["num_key_value_heads"] * item / 2
        mean = measuring.work["prompt"] + measuring.work["many"] / 2
        moved = size * item + rows * mean * cached
        share = moved * row["rate"] / rows / bandwidth
        found.append((f"decoding, {rows} rows: 50 % of the bandwidth",
                      f"{share:.0%}", share >= 0.5))
    rivals = [r for r in measuring.rows
              if r["name"].startswith("sweep") and r["side"] != "veer"]
    if rivals:
        ratio = min(r["ratio"] for r in rivals)
        found.append(("sweep: 5 x a batched transformers loop",
                      f"{ratio:.1f} x the fastest", ratio >= 5))
    return found


def page(measuring, facts, found):
    out = ["# Measured on one device", "",
           "By `benchmarks/gpu.sh`. Random weights; rates are medians, a ratio "
           "is the median of the rounds' ratios (range).", ""]
    out += [f"- {key}: {value}" for key, value in facts.items()]
    out += ["", "| goal | measured | met |", "|---|--:|---|"]
    out += [f"| {name} | {value} | {'yes' if met else '**no**'} |"
            for name, value, met in found]
    out += ["", "| work | side | rate | Veer is faster by | peak, GB |",
            "|---|---|--:|--:|--:|"]
    for r in measuring.rows:
        ratio = "" if r["side"] == "veer" else \
            f"{r['ratio']:.2f} x ({r['low']:.2f}-{r['high']:.2f})"
        peak = f"{r['peak'] / 1e9:.2f}" if r["peak"] else "not known"
        out.append(f"| {r['name']} | {r['side']} | {r['rate']:.4g} "
                   f"{r['unit']} | {ratio} | {peak} |")
    out += ["", "Same work, checked first:", ""]
    out += [f"- {name}, {way}: {text}{'' if ok else ' **too far**'}"
            for name, way, text, ok in measuring.checks] or ["- no rival here"]
    if measuring.left_out:
        out += ["", "Not measured:", ""]
        out += [f"- {text}" for text in measuring.left_out]
    return "\n".join(out) + "\n"


def rival_of(arguments, folder, dtype):
    if arguments.no_rivals or not importlib.util.find_spec("transformers"):
        return None
    from gpu_rivals import Transformers
    return Transformers(folder, arguments.device, dtype)


def describe(arguments, dtype, rival, bandwidth, flops):
    name = torch.cuda.get_device_name() if arguments.device == "cuda" else \
        f"CPU, {arguments.threads} threads, load {os.getloadavg()[0]:.1f}"
    packages = f"torch {torch.__version__}"
    if rival:
        import transformers
        packages += f", transformers {transformers.__version__}"
    return {"device": name, "packages": packages,
            "shape": f"{arguments.shape}, "
                     f"{parameters(SHAPES[arguments.shape]) / 1e9:.3g} billion "
                     f"parameters, {str(dtype).removeprefix('torch.')}",
            "measured roofs": f"{bandwidth / 1e9:.0f} GB/s by a copy, "
                              f"{flops / 1e12:.3g} TFLOP/s by a product",
            "time": time.strftime("%d %B %Y")}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default=ROOT / "build/benchmarks/gpu_bench")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="3b")
    parser.add_argument("--dtype", default="auto", choices=(
        "auto", "float32", "bfloat16", "float16"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=400,
                        help="time for all of it; what does not fit is named")
    parser.add_argument("--no-rivals", action="store_true")
    return parser.parse_args()


def dtype_of(arguments):
    if arguments.dtype != "auto":
        return getattr(torch, arguments.dtype)
    if arguments.device == "cpu":
        return torch.float32
    return (torch.bfloat16 if torch.cuda.get_device_capability()[0] >= 8
            else torch.float16)


def main():
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    dtype = dtype_of(arguments)
    shape = SHAPES[arguments.shape]
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "model"
        bandwidth, flops = roofs(arguments.device, dtype,
                                 8192 if arguments.device == "cuda" else 512)
        write_model(folder, shape, dtype, arguments.device)
        if arguments.device == "cuda":
            torch.cuda.empty_cache()
        rival = rival_of(arguments, folder, dtype)
        name = str(dtype).removeprefix("torch.")
        veer = Veer(arguments.bench, folder, arguments.device, name,
                    arguments.threads)
        measuring = Measuring(arguments, veer, rival, dtype)
        same = measuring.check_all()
        measuring.measure()
        veer.close()
        measuring.rival = measuring.veer = None
        del rival, veer
        vllm_rows(measuring, folder, name)
    facts = describe(arguments, dtype, measuring.checks, bandwidth, flops)
    arguments.out.write_text(page(measuring, facts, goals(
        measuring, shape, bandwidth, flops, dtype.itemsize)))
    print(f"page: {arguments.out}")
    if not same:
        sys.exit("the two sides do not do the same work")


if __name__ == "__main__":
    main()
