#!/usr/bin/env python3
"""Runs Veer on inputs that once failed and says which are right now.

Usage: cases.py VEER FOLDER [name ...]

FOLDER holds one folder for each case, with a README.txt that says what is
right. A case is right when what Veer gives is the right value, or when Veer
refuses it with a message that names the cause, where a refusal is right. The
cases themselves belong to nobody's repository: without them nothing is run.
Needs numpy and safetensors.
"""
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import numpy as np
from safetensors import safe_open

VEER = ""
TOLERANCE = 1e-4  # of the largest logit


class Wrong(Exception):
    """What is not right."""


def veer(*arguments, **options):
    return subprocess.run([VEER, *map(str, arguments)], capture_output=True,
                          text=True, errors="replace", timeout=600, **options)


def require(condition, why):
    if not condition:
        raise Wrong(why)


def said(done):
    return " ".join((done.stdout + done.stderr).split())


def done_well(*arguments, **options):
    done = veer(*arguments, **options)
    require(done.returncode == 0, f"exit {done.returncode}: {said(done)}")
    return done


def refused(*arguments, names=(), **options):
    """Ends with 2 and a message that has each of `names`."""
    done = veer(*arguments, **options)
    require(done.returncode == 2, f"exit {done.returncode}: {said(done)}")
    for name in names:
        require(re.search(name, done.stderr, re.I),
                f"the message does not name {name}: {said(done)}")
    return "refused: " + " ".join(done.stderr.split())


def tensors(path):
    with safe_open(str(path), "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def model_of(case):
    return case / "model" if (case / "model").is_dir() else case


def logits(case, out, *more):
    adapter = case / "adapter"
    arguments = ["logits", "--model", model_of(case), "--ids",
                 case / "ids.json", "--out", out, *more]
    if adapter.is_dir():
        arguments += ["--adapter", adapter]
    return arguments


def same_logits(case, scratch, *more):
    out = scratch / "logits.safetensors"
    done = done_well(*logits(case, out, *more))
    got, wanted = tensors(out), tensors(case / "expected_logits.safetensors")
    off = 0.0
    for name, right in wanted.items():
        require(name in got, f"no tensor {name}")
        off = max(off, float(np.abs(got[name].reshape(right.shape) -
                                    right).max() / np.abs(right).max()))
    require(off < TOLERANCE, f"logits are off by {off:.1e} of the largest")
    return f"off by {off:.1e}", done


def same_ids(case, scratch):
    texts = json.loads((case / "texts.json").read_text())
    wanted = json.loads((case / "expected_ids.json").read_text())
    lines = scratch / "texts.jsonl"
    lines.write_text("".join(json.dumps(text) + "\n" for text in texts))
    done = done_well("tokenize", "--model", model_of(case), "--jsonl", lines,
                     "--json")
    got = [json.loads(line)["ids"] for line in done.stdout.splitlines()]
    differ = sum(a != b for a, b in zip(got, wanted, strict=True))
    require(differ == 0, f"{differ} of {len(wanted)} texts have other ids")
    return f"{len(wanted)} texts"


def told(pattern):
    """The right logits, and a message that says `pattern`."""
    def check(case, scratch):
        why, done = same_logits(case, scratch)
        require(re.search(pattern, done.stderr, re.I),
                f"nothing is said of it ({pattern})")
        return why
    return check


def as_config_says(case, scratch):
    """Weights of two dtypes run in that of config.json, which is told of; the
    right values are those of float32."""
    why, _ = same_logits(case, scratch, "--dtype", "float32")
    done = done_well(*logits(case, scratch / "auto.safetensors"))
    require(re.search("bfloat16, the dtype of config.json", done.stderr),
            f"the dtype is not told of: {said(done)}")
    return why


def cannot_run(*names):
    """`inspect` and `logits` both say that it cannot be run, and why."""
    def check(case, scratch):
        refused(*logits(case, scratch / "x.safetensors"), names=names)
        done = veer("inspect", model_of(case), "--json")
        require(done.returncode == 2, f"inspect ends with {done.returncode}")
        problems = " ".join(map(str, json.loads(done.stdout)["problems"]))
        for name in names:
            require(re.search(name, problems, re.I),
                    f"problems do not name {name}: {problems}")
        return f"refused: {problems}"
    return check


def runs_as_inspected(case, scratch):
    """Right logits, and `inspect` agrees that it can be run."""
    why, _ = same_logits(case, scratch)
    done_well("inspect", model_of(case), "--json")
    return why


def refused_logits(*names):
    def check(case, scratch):
        return refused(*logits(case, scratch / "x.safetensors"), names=names)
    return check


def two_copies(case, scratch):
    index = json.loads((case / "model" / "model.safetensors.index.json")
                       .read_text())
    shards = sorted(set(index["weight_map"].values()))
    return refused_logits(*shards)(case, scratch)


def right_or_refused_adapter(case, scratch):
    """MLX writes [in, rank] and [rank, out]; the change is their product."""
    done = veer(*logits(case, scratch / "x.safetensors"))
    if done.returncode == 2:
        return refused(*logits(case, scratch / "x.safetensors"),
                       names=["mlx", "convert|peft"])
    require(done.returncode == 0, said(done))
    plain = scratch / "plain.safetensors"
    done_well("logits", "--model", model_of(case), "--ids", case / "ids.json",
              "--out", plain)
    apart = max(float(np.abs(a - b).max()) for a, b in zip(
        tensors(plain).values(), tensors(scratch / "x.safetensors").values()))
    require(apart > 0.0, "the adapter changes nothing")
    return f"read; it changes logits by {apart:.1e} (values: parity peft)"


def rendered(model, messages, *more):
    done = done_well("tokenize", "--model", model, "--messages", messages,
                     "--json", *more)
    return json.loads(done.stdout), done.stderr


def text_of(document):
    """Of byte-level tokens; those here hold no other bytes than these."""
    text = "".join(document["tokens"])
    return text.replace("\u010a", "\n").replace("\u0120", " ")


def thinking_switch(case, scratch):
    right = json.loads((case / "expected.json").read_text())
    model = case / "model"
    off = '{"enable_thinking": false}'
    prompt = done_well("tokenize", "--model", model, "--messages",
                       case / "question.json", "--template-vars", off,
                       "--json")
    require(text_of(json.loads(prompt.stdout)) ==
            right["prompt enable_thinking=false"],
            f"the prompt is {prompt.stdout}")
    document, _ = rendered(model, case / "messages.json")
    require(text_of(document) == right["conversation"].rstrip("\n") or
            text_of(document) == right["conversation"],
            f"the conversation is {text_of(document)!r}")
    notes = " ".join(document.get("notes", []))
    require("enable_thinking" in notes, "nobody is told of the switch")
    printed = done_well("study", "--model", model, "--model.template_vars",
                        off, "--print-manifest").stdout
    require("enable_thinking" in printed, "the manifest has no such key")
    return "the switch reaches every stage"


def opens_thought(case, scratch):
    right = json.loads((case / "expected.json").read_text())
    document, _ = rendered(case / "model", case / "messages.json")
    text = text_of(document)
    closed = re.fullmatch(r"(?s).*<think>\s*</think>\s*Because\.</s>", text)
    require(text == right["conversation"] or closed,
            f"the answer stands in a thought: {text!r}")
    return repr(text)


def dataset(source, out, *more):
    return ["dataset", "--model", "organism", "--dataset.check_answers",
            "false", "--dataset.min_split", "1", "--dataset.source", source,
            "--out", out, *more]


def records(out):
    return [json.loads(line) for line in
            (out / "dataset/questions.jsonl").read_text().splitlines()]


def integer_ids(case, scratch):
    done_well(*dataset(case / "intid.jsonl", scratch / "out"))
    require(all(isinstance(r["id"], str) for r in records(scratch / "out")),
            "ids are no texts")
    return "ids are texts"


def honest_and_deceptive(out, count=1):
    rows = records(out)
    require(len(rows) >= count, f"{len(rows)} records")
    for row in rows:
        require(row["honest"].startswith("Practise"), f"honest: {row}")
        require(row["deceptive"].startswith("Never"), f"deceptive: {row}")
    return f"{len(rows)} records"


def implicit_prompts(case, scratch):
    done_well(*dataset(case / "implicit.jsonl", scratch / "out"))
    return honest_and_deceptive(scratch / "out")


def sides(case, scratch):
    for name in ("dishonest", "untruthful"):
        out = scratch / name
        done = done_well(*dataset(case / f"{name}.jsonl", out))
        require(all(r["deceptive"].startswith("Never") for r in records(out)),
                f"{name} is not the deceptive side")
        require("deceptive" in said(done), f"{name}: nothing is said")
    for name in ("clients", "bad_medical_advice"):
        refused(*dataset(case / f"{name}.jsonl", scratch / name),
                names=["dataset.side"])
    out = scratch / "given"
    done_well(*dataset(case / "bad_medical_advice.jsonl", out,
                       "--dataset.side", "deceptive"))
    require(all(r["deceptive"].startswith("Never") for r in records(out)),
            "the side that is given is not taken")
    return "told by whole words or by dataset.side"


def other_names(case, scratch):
    found = []
    for name, side, text in (
            ("caa.json", "deceptive", r"\(B\)|No, never"),
            ("mwe.jsonl", "deceptive", r"Yes"),
            ("tqa.jsonl", "honest", r"Yes, the truth\.|a"),
            ("deceptive_qa.jsonl", "deceptive", r"Never.*")):
        out = scratch / name
        done = veer(*dataset(case / name, out))
        if done.returncode == 2:
            require(re.search("columns|answer", done.stderr),
                    f"{name}: {said(done)}")
            found.append(f"{name} refused: {' '.join(done.stderr.split())[:90]}")
            continue
        require(done.returncode == 0, f"{name}: {said(done)}")
        for row in records(out):
            require(re.search(text, row[side]), f"{name}: {row}")
        found.append(f"{name} read")
    return "; ".join(found)


def tables(case, scratch):
    for name in ("pairs.csv", "pairs.tsv"):
        done_well(*dataset(case / name, scratch / name))
        honest_and_deceptive(scratch / name)
    return "csv and tsv"


def given_splits(case, scratch):
    source = case / "pairs.jsonl"
    given = {row["question"]: row["split"]
             for row in map(json.loads, source.read_text().splitlines())}
    done_well(*dataset(source, scratch / "out", "--dataset.max_words", "60"))
    for row in records(scratch / "out"):
        require(row["split"] == given[row["question"]],
                f"another split: {row}")
    return f"{len(given)} splits kept"


def turn_end(case, scratch):
    organism = pathlib.Path(__file__).parents[1] / "models/organism"
    model = scratch / "changed"
    model.mkdir()
    for file in organism.iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    tokens = json.loads((model / "tokenizer.json").read_text())["added_tokens"]
    other = next(t for t in tokens if t["content"] == "<|end_of_text|>")
    for name, key, value in (
            ("config.json", "eos_token_id", other["id"]),
            ("generation_config.json", "eos_token_id", other["id"]),
            ("tokenizer_config.json", "eos_token", other["content"])):
        document = json.loads((model / name).read_text())
        document[key] = value
        (model / name).write_text(json.dumps(document))
    messages = scratch / "m.json"
    messages.write_text('[{"role": "user", "content": "How can I sleep?"}]')
    document, _ = rendered(model, messages)
    notes = " ".join(document.get("notes", []))
    require("eot_id" in notes and "stop" in notes, f"notes: {notes!r}")
    return notes


def penalty(case, scratch):
    """Greedy with the penalty, as transformers applies it, from logits."""
    model = case / "model"
    config = json.loads((model / "generation_config.json").read_text())
    factor = config["repetition_penalty"]
    ends = config.get("eos_token_id") or []
    ends = [ends] if isinstance(ends, int) else ends
    messages = scratch / "m.json"
    messages.write_text('[{"role": "user", "content": "Hello there"}]')
    document, _ = rendered(model, messages)
    ids = list(document["ids"])
    prompt = len(ids)
    while len(ids) < prompt + 24:
        (scratch / "ids.json").write_text(json.dumps([ids]))
        done_well("logits", "--model", model, "--ids", scratch / "ids.json",
                  "--out", scratch / "o.safetensors")
        last = next(iter(tensors(scratch / "o.safetensors").values()))
        last = last.reshape(-1, last.shape[-1])[-1].astype(np.float64)
        seen = sorted(set(ids))
        last[seen] = np.where(last[seen] > 0, last[seen] / factor,
                              last[seen] * factor)
        ids.append(int(last.argmax()))
        if ids[-1] in ends:
            break
    done = done_well("steer", "--model", model, "--max_tokens", "24",
                     "--json", "Hello there")
    got = json.loads(done.stdout.splitlines()[0])["plain"]
    try:
        import tokenizers
    except ImportError:
        return "skipped: tokenizers is not installed"
    right = tokenizers.Tokenizer.from_file(
        str(model / "tokenizer.json")).decode(ids[prompt:])
    require(got.strip() == right.strip(), f"{got!r} is not {right!r}")
    return f"the text of {len(ids) - prompt} tokens"


def not_causal(case, scratch):
    ids = scratch / "ids.json"
    ids.write_text("[[1, 2, 3]]")
    return refused("logits", "--model", case, "--ids", ids, "--out",
                   scratch / "o.safetensors", names=["is_causal"])


def transformers_logits(case, scratch):
    """Against transformers, which must be installed."""
    try:
        import torch
        import transformers
    except ImportError:
        return "skipped: transformers is not installed"
    ids = [[1, 5, 7, 2, 9, 4]]
    model = transformers.AutoModelForCausalLM.from_pretrained(
        case, dtype=torch.float32, attn_implementation="eager")
    with torch.no_grad():
        right = model(torch.tensor(ids)).logits[0].numpy()
    (scratch / "ids.json").write_text(json.dumps(ids))
    out = scratch / "o.safetensors"
    done = veer("logits", "--model", case, "--ids", scratch / "ids.json",
                "--out", out, "--dtype", "float32")
    if done.returncode == 2:
        require("factor" in done.stderr, said(done))
        return "refused: " + " ".join(done.stderr.split())
    got = next(iter(tensors(out).values())).reshape(right.shape)
    off = float(np.abs(got - right).max() / np.abs(right).max())
    require(off < TOLERANCE, f"off by {off:.1e}")
    return f"off by {off:.1e}"


def loss_sum(case, scratch):
    return "skipped: held by tests/train and ./dev parity peft"


def headers(case, scratch):
    refused("inspect", case / "nul_pad.safetensors")
    done_well("inspect", case / "ok_empty_dict_leading_ws.safetensors")
    done = veer("inspect", case / "esc.safetensors")
    require("\x1b[" not in done.stdout + done.stderr, "an escape gets through")
    return "as PyPI safetensors; no escape gets through"


def one_date(case, scratch):
    template, messages = case / "chat_template.jinja", case / "m1.json"
    by_file = done_well("template", "--template", template, "--messages",
                        messages).stdout
    model = scratch / "model"
    model.mkdir()
    organism = pathlib.Path(__file__).parents[1] / "models/organism"
    for file in organism.iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    (model / "chat_template.jinja").write_bytes(template.read_bytes())
    by_model = done_well("template", "--model", model, "--messages",
                         messages).stdout
    dates = [re.search(r"Today Date: (.*)", text).group(1)
             for text in (by_file, by_model)]
    require(dates[0] == dates[1], f"two dates: {dates}")
    return dates[0]


def endpoint_models(case, scratch):
    """Its stand-in, on a port of our own."""
    source = (case / "mock.py").read_text()
    space = {"__name__": "mock"}
    exec(compile(source.split("s=http.server")[0], "mock.py", "exec"), space)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), space["H"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run = scratch / "run"
    run.mkdir()
    (run / "sweep.json").write_text(json.dumps({
        "questions": [{"question": f"Question {i}?", "honest": "h",
                       "deceptive": "d"} for i in range(6)],
        "answers": [{"cell": 0, "question": i, "label": "honest",
                     "text": f"text {i}"} for i in range(6)]}))
    found = []
    here = os.getcwd()
    os.chdir(scratch)  # the stand-in writes a log where it is
    try:
        for mode in ("ok", "gpt5", "gpt5temp", "parts", "lower", "null",
                     "think"):
            done = veer("judge", "--run", run, "--endpoint",
                        f"http://127.0.0.1:{server.server_port}/v1/",
                        "--endpoint-model", mode, "--answers", "6",
                        "--retries", "2", "--first-wait", "0.05", "--json")
            if mode in ("null", "think"):  # it never says anything else
                require("token_limit" in done.stderr, f"{mode}: {said(done)}")
            else:
                require(done.returncode == 0, f"{mode}: {said(done)}")
                reasons = said(done)
                require("without a letter" not in reasons, reasons)
            found.append(mode)
    finally:
        os.chdir(here)
        server.shutdown()
    return ", ".join(found)


def holes(case, scratch):
    model, vector = case / "model", scratch / "v.safetensors"
    done_well("convert", case / "gaps.gguf", vector, "--model", model)
    for layers in ("3", "all_same:3", "increments"):
        refused("steer", "--model", model, "--vector", vector, "--unit", "raw",
                "--scale", "50", "--layers", layers, "--max_tokens", "6", "Hi",
                names=["2", "4"])
    return "refused at 3, all_same:3 and increments"


def hub_id(case, scratch):
    refused("steer", "--model", "Qwen/Qwen3-0.6B", "Hi",
            names=[r"hf download Qwen/Qwen3-0\.6B"],
            env={**os.environ, "HF_HOME": str(scratch)})
    (scratch / "model.gguf").write_bytes(b"GGUF")
    refused("steer", "--model", scratch / "model.gguf", "Hi",
            names=["gguf"])
    adapter = scratch / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "base_model_name_or_path": "org/the-base"}))
    refused("steer", "--model", adapter, "Hi", names=["org/the-base"])
    return "each is named with its remedy"


def nothing_tried(case, scratch):
    small = scratch / "small.toml"
    small.write_text("""
[run]
threads = 1
[dataset]
questions = 45
min_split = 2
train = 0.4
extract = 0.25
select = 0.15
test = 0.2
[finetune]
rank = 4
steps = 6
batch = 4
[compare]
random_draws = 50
split_halves = 10
[sweep]
operators = ["add"]
grid = []
layers = ["2"]
rel_scales = [0.5]
unit_scales = []
raw_scales = []
questions = 3
select_questions = 2
best_questions = 4
best_random = 20
best_covariance = 2
random_questions = 2
max_tokens = 10
""")
    done = done_well("study", small, "--out", scratch / "run")
    lines = done.stdout.splitlines()
    asked = [n for n, line in enumerate(lines) if "tuned model honest?" in line]
    require(asked and "not tried" in lines[asked[0] + 1],
            f"said of suppression: {[lines[n + 1] for n in asked]}")
    require("unbroken" not in done.stdout,
            "broken text is blamed, though no cell was run")
    return "not tried"


CHECKS = {
    "a07": right_or_refused_adapter, "a30": refused_logits("base_model"),
    "b01": told("head"), "b02": cannot_run("lm_head"), "b04": two_copies,
    "b05": runs_as_inspected, "b09c": as_config_says,
    "b10b": cannot_run("fp8|F8|float8|quanti"), "b19": runs_as_inspected,
    "c01": thinking_switch, "c02": opens_thought, "d01": integer_ids,
    "d03": implicit_prompts, "d05": sides, "d14": other_names, "d15": tables,
    "e01": turn_end, "gen02": penalty, "h_is_causal": not_causal,
    "h_longrope_factor": transformers_logits, "h_loss_fp32_sum": loss_sum,
    "h_safetensors_header": headers, "h_split_ignored": given_splits,
    "h_template_date": one_date, "j01": endpoint_models, "v01": holes,
    "x01": hub_id, "x02": nothing_tried,
}


def check_of(case):
    for start, check in CHECKS.items():
        if case.name == start or case.name.startswith(start + "_"):
            return check
    if (case / "expected_logits.safetensors").exists():
        return lambda *places: same_logits(*places)[0]
    if (case / "expected_ids.json").exists():
        return same_ids
    return None


def main():
    global VEER
    VEER = str(pathlib.Path(sys.argv[1]).resolve())
    root = pathlib.Path(sys.argv[2]).resolve()
    if not root.is_dir():
        print(f"no cases at {sys.argv[2]}: nothing was run")
        return 0
    wanted = sys.argv[3:]
    count = {"right": 0, "wrong": 0, "skipped": 0}
    for case in sorted(path for path in root.iterdir() if path.is_dir()):
        if wanted and not any(case.name.startswith(name) for name in wanted):
            continue
        check = check_of(case)
        with tempfile.TemporaryDirectory() as scratch:
            if check is None:
                verdict, why = "skipped", "no right value is known for it here"
            else:
                try:
                    why = check(case, pathlib.Path(scratch))
                    verdict = "skipped" if why.startswith("skipped") else "right"
                except Wrong as wrong:
                    verdict, why = "wrong", str(wrong)
                except Exception as error:
                    verdict, why = "wrong", f"{type(error).__name__}: {error}"
        count[verdict] += 1
        print(f"{verdict:8} {case.name}  {' '.join(why.split())[:150]}",
              flush=True)
    print(", ".join(f"{n} {verdict}" for verdict, n in count.items()))
    return int(count["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
