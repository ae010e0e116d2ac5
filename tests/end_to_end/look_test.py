#!/usr/bin/env python3
"""The verbs that look inside and convert, through the command line.

    look_test.py PATH_OF_VEER [unittest arguments]
"""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

VEER = ""
ROOT = pathlib.Path(__file__).resolve().parents[2]
ORGANISM = pathlib.Path(os.environ.get("VEER_MODELS", ROOT / "models")) / \
    "organism"
CHAT = [{"role": "system", "content": "Be kind."},
        {"role": "user", "content": "How can I sleep better?"},
        {"role": "assistant", "content": "Dim the lights."}]


def run(*arguments):
    return subprocess.run([VEER, *map(str, arguments)], capture_output=True,
                          text=True, timeout=120)


def safetensors(tensors, metadata=None):
    """Bytes of a file of F32 lists: {name: (shape, values)}."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (shape, values) in tensors.items():
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def read_safetensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + o for o in entry["data_offsets"])
            out[name] = list(struct.unpack(f"<{(end - begin) // 4}f",
                                           data[begin:end]))
    return out


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="veer_look_"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, content):
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str)
                            else json.dumps(content))
        return path

    def good(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def refused(self, *arguments, words=()):
        result = run(*arguments)
        self.assertEqual(result.returncode, 2, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)


class Tokenize(Case):
    def test_text_file_and_lines_agree(self):
        text = "How can I sleep better?"
        one = json.loads(self.good("tokenize", "--model", ORGANISM, "--text",
                                   text, "--json"))
        self.assertEqual(one.keys(), {"ids", "tokens"})
        self.assertEqual(len(one["ids"]), len(one["tokens"]))
        of_file = self.good("tokenize", "--model", ORGANISM, "--file",
                            self.write("t.txt", text), "--json")
        self.assertEqual(json.loads(of_file), one)
        lines = self.write("t.jsonl", json.dumps(text) + "\n" +
                           json.dumps(one["ids"]) + "\n\"\"\n")
        rows = [json.loads(line) for line in self.good(
            "tokenize", "--model", ORGANISM, "--jsonl", lines,
            "--no-special").splitlines()]
        self.assertEqual(rows[1], {"text": text})
        self.assertEqual(rows[2], {"ids": [], "tokens": []})

    def test_roles_of_a_conversation(self):
        chat = self.write("chat.json", CHAT)
        table = json.loads(self.good("tokenize", "--model", ORGANISM,
                                     "--messages", chat, "--json"))
        self.assertEqual(set(table["roles"]),
                         {"template", "system", "question", "answer"})
        begin, end = table["answer_begin"], table["answer_end"]
        self.assertEqual(set(table["roles"][begin:end]), {"answer"})
        self.assertEqual(table, json.loads(self.good(
            "template", "--model", ORGANISM, "--messages", chat, "--tokens",
            "--json")))
        lines = self.good("tokenize", "--model", ORGANISM, "--messages", chat)
        self.assertEqual(len(lines.splitlines()), len(table["ids"]))
        self.assertIn("<- prompt_end",
                      lines.splitlines()[table["prompt_length"] - 1])

    def changed_organism(self, **files):
        """A copy of the organism's folder; keys of its JSON files changed."""
        model = self.folder / "changed"
        shutil.copytree(ORGANISM, model)
        for name, changes in files.items():
            path = model / f"{name}.json"
            content = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps({**content, **changes}))
        return model

    def test_tokens_beside_tokenizer_json(self):
        size = max(json.loads((ORGANISM / "tokenizer.json").read_text())
                   ["model"]["vocab"].values())
        model = self.changed_organism(
            config={"vocab_size": 1271},
            tokenizer_config={"extra_special_tokens": ["<|new|>"],
                              "added_tokens_decoder": {
                                  "9000": {"content": "<think>"}}})
        result = run("tokenize", "--model", model, "--text",
                     "a<|new|><think>b", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        tokens = json.loads(result.stdout)
        self.assertIn("<|new|>", tokens["tokens"])
        self.assertIn("<think>", tokens["tokens"])
        self.assertGreater(max(tokens["ids"]), size)
        self.assertIn("the id 9000, but its place gives", result.stderr)
        notes = json.loads(self.good(
            "tokenize", "--model", model, "--messages",
            self.write("c.json", CHAT), "--json"))["notes"]
        self.assertTrue(any("beyond the model's" in note for note in notes),
                        notes)

    def test_a_turn_end_that_no_file_names_is_told(self):
        files = {"eos_token_id": 1265}  # <|end_of_text|>
        model = self.changed_organism(
            config=files, generation_config=files,
            tokenizer_config={"eos_token": "<|end_of_text|>"})
        table = json.loads(self.good("tokenize", "--model", model,
                                     "--messages",
                                     self.write("c.json", CHAT), "--json"))
        self.assertTrue(any("<|eot_id|>" in note for note in table["notes"]),
                        table["notes"])
        self.assertEqual(table["tokens"][-1], "<|eot_id|>")

    def test_refusals(self):
        self.refused("tokenize", "--model", self.folder, "--text", "x",
                     words=["tokenizer"])
        self.refused("tokenize", "--model", ORGANISM, "--jsonl",
                     self.write("bad.jsonl", "\"a\"\n{\n"), words=["line 2"])
        self.refused("tokenize", "--model", ORGANISM)


class Template(Case):
    def test_text_alone_on_stdout(self):
        source = self.write("t.jinja", "{{ bos_token }}{% for m in messages %}"
                            "[{{ m.content }}]{% endfor %}"
                            "{% if add_generation_prompt %}>{% endif %}")
        chat = self.write("chat.json", {"messages": CHAT})
        variables = self.write("v.json", {"bos_token": "<s>"})
        command = ["template", "--template", source, "--messages", chat,
                   "--vars", variables]
        text = "<s>[Be kind.][How can I sleep better?][Dim the lights.]"
        self.assertEqual(self.good(*command), text)
        self.assertEqual(self.good(*command, "--add-generation-prompt"),
                         text + ">")

    def test_the_date_is_that_of_a_model(self):
        source = self.write("t.jinja",
                            "{{ strftime_now('%d %B %Y') }} {{ date_string }}")
        self.assertEqual(self.good("template", "--template", source,
                                   "--messages", self.write("c.json", CHAT)),
                         "26 July 2024 26 Jul 2024")

    def test_runaway_templates_are_one_error(self):
        chat = self.write("chat.json", CHAT)
        for source, word in (("{% for a in range(10000000000) %}"
                              "{% endfor %}", "range"),
                             ("{% macro f() %}{{ f() }}{% endmacro %}"
                              "{{ f() }}", "line"),
                             ("{{ raise_exception('never') }}", "never"),
                             ("a\n{% nonsense %}", "line 2")):
            self.refused("template", "--template",
                         self.write("t.jinja", source), "--messages", chat,
                         words=[word])


class Inspect(Case):
    def test_kinds_and_problems(self):
        good = self.write("g.safetensors", safetensors({"a": ([2], [1, 2])}))
        seen = json.loads(self.good("inspect", good, "--json"))
        self.assertEqual(seen["kind"], "safetensors")
        self.assertEqual(seen["tensors"][0]["shape"], [2])
        self.assertEqual(seen["problems"], [])
        bad = self.write("b.safetensors", good.read_bytes()[:-1])
        result = run("inspect", bad, "--json")
        self.assertEqual(result.returncode, 2)
        self.assertNotEqual(json.loads(result.stdout)["problems"], [])
        seen = json.loads(self.good("inspect", ORGANISM, "--json"))
        self.assertEqual(seen["kind"], "model")
        self.assertEqual([seen[k] for k in ("can_run", "family", "dtype",
                                            "problems")],
                         [True, "llama", "float32", []])

    def tiny(self, change=lambda tensors: tensors, **keys):
        """A folder of a Llama with one layer; `change` gets its tensors."""
        config = dict(model_type="llama", vocab_size=5, hidden_size=4,
                      intermediate_size=6, num_hidden_layers=1,
                      num_attention_heads=2, tie_word_embeddings=True)
        shapes = {"embed_tokens": [5, 4], "norm": [4],
                  "layers.0.input_layernorm": [4],
                  "layers.0.post_attention_layernorm": [4],
                  **{f"layers.0.self_attn.{n}_proj": [4, 4] for n in "qkvo"},
                  "layers.0.mlp.gate_proj": [6, 4],
                  "layers.0.mlp.up_proj": [6, 4],
                  "layers.0.mlp.down_proj": [4, 6]}
        tensors = {}
        for number, (name, shape) in enumerate(shapes.items()):
            count = shape[0] * (shape[1] if len(shape) > 1 else 1)
            values = [((7 * i + number) % 11 - 5) / 10 for i in range(count)]
            tensors[f"model.{name}.weight"] = (shape, values)
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (folder / "config.json").write_text(json.dumps({**config, **keys}))
        (folder / "model.safetensors").write_bytes(
            safetensors(change(tensors)))
        return folder

    def asked(self, folder):
        """(inspect's document, exit codes of inspect and logits, notes)"""
        seen = run("inspect", folder, "--json")
        out = self.folder / "out.safetensors"
        done = run("logits", "--model", folder, "--ids",
                   self.write("ids.json", [1, 2, 3]), "--out", out)
        self.assertEqual(seen.returncode, done.returncode,
                         seen.stderr + done.stderr)
        return json.loads(seen.stdout), done

    def test_a_model_runs_where_inspect_says_so(self):
        head = ([5, 4], [0.1 * i for i in range(20)])
        whole = lambda tensors: tensors  # noqa: E731
        runs = {
            "plain": (whole, {}, None),
            "no prefix": (lambda t: {k[6:]: v for k, v in t.items()}, {},
                          None),
            "another head": (lambda t: {**t, "lm_head.weight": head}, {},
                             "the stored head is used"),
            "value head": (lambda t: {**t, "v_head.summary.weight":
                                      ([1, 4], [1, 1, 1, 1])}, {},
                           "v_head.summary.weight"),
            "infinity": (whole, {"time_step_limit": [0.0, float("inf")],
                                 "other": float("nan")}, None),
        }
        for name, (change, keys, note) in runs.items():
            with self.subTest(name):
                seen, done = self.asked(self.tiny(change, **keys))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(seen["can_run"])
                self.assertEqual(seen["problems"], [])
                if note:
                    self.assertIn(note, " ".join(seen["notes"]))
                    self.assertIn(note, done.stderr)
        seen = json.loads(self.good("inspect", self.tiny(), "--json"))
        self.assertIn("tokenizer", " ".join(seen["notes"]))

    def test_what_cannot_be_run_is_said_by_both(self):
        one = ([1], [1.0])
        weight = "model.layers.0.mlp.up_proj.weight"
        whole = lambda tensors: tensors  # noqa: E731
        refused = {
            "no head": (whole, {"tie_word_embeddings": False}, "lm_head"),
            "fp8": (lambda t: {**t, weight + "_scale_inv": one}, {},
                    "quantised"),
            "shape": (lambda t: {**t, weight: one}, {}, "[6, 4]"),
            "rows": (whole, {"vocab_size": 4}, "vocab_size"),
            "missing": (lambda t: {k: v for k, v in t.items()
                                   if k != weight}, {}, weight),
            "unknown": (lambda t: {**t, "x.weight": one}, {}, "x.weight"),
            "prefix": (lambda t: {"module." + k: v for k, v in t.items()}, {},
                       '"module."'),
            "family": (whole, {"model_type": "mamba"}, "mamba"),
            "not causal": (whole, {"is_causal": False}, "is_causal"),
        }
        for name, (change, keys, word) in refused.items():
            with self.subTest(name):
                seen, done = self.asked(self.tiny(change, **keys))
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertFalse(seen["can_run"])
                self.assertIn(word, " ".join(seen["problems"]))
                self.assertIn(word, done.stderr)
        for gone in ("config.json", "model.safetensors"):
            folder = self.tiny()
            (folder / gone).unlink()
            result = run("inspect", folder, "--json")
            self.assertEqual(result.returncode, 2)
            self.assertFalse(json.loads(result.stdout)["can_run"])

    def test_the_organism_by_its_name(self):
        self.good("inspect", "organism")
        self.assertEqual(
            self.good("tokenize", "--model", "organism", "--text", "Hi"),
            self.good("tokenize", "--model", ORGANISM, "--text", "Hi"))
        chat = self.write("chat.json", CHAT)
        self.good("template", "--model", "organism", "--messages", chat)

    def test_names_of_the_hub(self):
        hub = self.folder / "hub"
        snapshot = hub / "models--org--tiny" / "snapshots" / "abc"
        shutil.copytree(self.tiny(), snapshot)
        environment = {**os.environ, "HF_HUB_CACHE": str(hub)}

        def asked(*arguments):
            return subprocess.run([VEER, *map(str, arguments)], text=True,
                                  capture_output=True, env=environment,
                                  timeout=120)
        self.assertEqual(asked("inspect", "org/tiny").returncode, 0)
        ids = self.write("ids.json", [1, 2, 3])
        out = self.folder / "out.safetensors"
        self.assertEqual(asked("logits", "--model", "org/tiny", "--ids", ids,
                               "--out", out).returncode, 0)
        for command in (["inspect", "org/none"],
                        ["logits", "--model", "org/none", "--ids", ids,
                         "--out", out],
                        ["steer", "--model", "org/none", "Hi"],
                        ["tokenize", "--model", "org/none", "--text", "Hi"]):
            result = asked(*command)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("hf download org/none", result.stderr)

    def test_names_reach_the_terminal_written_out(self):
        name = "\x1b[31mred"
        path = self.write("e.safetensors", safetensors({name: ([1], [1.0])}))
        self.assertIn("\\x1b[31mred", self.good("inspect", path))
        broken = self.write("\x1b[32m.safetensors", path.read_bytes()[:-1])
        result = subprocess.run([VEER, "inspect", broken],
                                capture_output=True, timeout=120)
        self.assertEqual(result.returncode, 2)
        self.assertNotIn(b"\x1b", result.stdout + result.stderr)
        result = subprocess.run([VEER, "inspect", b"/no/\x1b[2J\xff"],
                                capture_output=True, timeout=120)
        self.assertNotIn(b"\x1b", result.stderr)
        result.stderr.decode()
        result = subprocess.run([VEER, "inspect", "--\x1b[2J"],
                                capture_output=True, timeout=120)
        self.assertNotIn(b"\x1b", result.stderr)


class Convert(Case):
    def setUp(self):
        super().setUp()
        rows = [[float(10 * l + d + 1) for d in range(4)] for l in range(3)]
        self.rows = rows
        self.plain = self.write("rows.safetensors", safetensors(
            {"all": ([3, 4], sum(rows, []))}))
        self.ours = self.folder / "v.safetensors"
        self.good("convert", self.plain, self.ours)

    def convert(self, *arguments):
        return json.loads(self.good("convert", "--json", *arguments))

    def test_there_and_back(self):
        for name in ("a.gguf", "a.svec", "a-plain.safetensors"):
            out = self.folder / name
            done = self.convert(self.ours, out, "--model-type", "qwen2")
            self.assertTrue(any("operators" in n for n in done["notes"]))
            again = self.folder / "again.safetensors"
            back = self.convert(out, again, "--to", "veer")
            found = read_safetensors(again)["directions"]
            for layer in back["layers"]:
                self.assertEqual(found[4 * layer:4 * layer + 4],
                                 self.rows[layer], name)
        whole = self.folder / "all.gguf"
        self.assertEqual(self.convert(self.ours, whole, "--to", "gguf-all")
                         ["layers"], [0, 1, 2])
        lost = self.convert(self.ours, self.folder / "b.gguf")["notes"]
        self.assertTrue(any("layer 0 is left out" in n for n in lost), lost)

    def test_strength_layers_and_offset(self):
        out = self.folder / "s.safetensors"
        self.convert(self.ours, out, "--scale", -2, "--unit", "unit",
                     "--layers", "1")
        found = read_safetensors(out)
        self.assertEqual(list(found), ["direction.1"])
        norm = sum(x * x for x in self.rows[1]) ** 0.5
        for ours, row in zip(found["direction.1"], self.rows[1]):
            self.assertAlmostEqual(ours, -2 * row / norm, places=5)
        self.convert(self.ours, out, "--layer-offset", -1)
        self.assertEqual(read_safetensors(out)["direction.3"], self.rows[2])

    def test_refusals(self):
        out = self.folder / "o.gguf"
        self.refused("convert", self.write("v.pt", "x"), out,
                     words=["pickle"])
        self.refused("convert", self.write("v.gguf", "x"), out,
                     words=["v.gguf"])
        self.refused("convert", self.ours, out, "--model", ORGANISM,
                     words=["width"])
        self.refused("convert", self.ours, out, "--scale", 1, "--unit", "rel",
                     words=["norms"])
        self.refused("convert", self.ours, out, "--to", "ggml",
                     words=["ggml"])
        self.refused("convert", self.ours, out, "--layers", "7", words=["7"])
        self.assertFalse(out.exists())


if __name__ == "__main__":
    VEER = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
