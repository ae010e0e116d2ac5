#!/usr/bin/env python3
"""A study on an accelerator gives what it gives on the CPU.

    device_test.py PATH_OF_VEER PATH_OF_LIBVEER_FAKE_CUDA [unittest arguments]

There need not be a GPU: `--device cuda` is the fake one of tests/device/fake,
which refuses what a GPU refuses and counts what it is asked. With
VEER_TEST_DEVICE=cuda a real one is tested instead, and what needs the fake one
is skipped.
"""
import json
import math
import os
import pathlib
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import unittest

FAKE = str(pathlib.Path(sys.argv.pop(2)).resolve())
from study_case import SMALL, VEER, StudyCase, run  # reads the command line too

SMALL_GRID = SMALL.replace('layers = ["2", "all"]', 'layers = ["2"]').replace(
    "rel_scales = [0.5, 2.0]\nunit_scales = [4.0]", "rel_scales = [2.0]") + """
sigma_scales = []
random_vectors = 1
subset_questions = 0
recovery_questions = 0
kl_questions = 2
specificity_texts = 6
search = "halving"
vectors = ["contrastive@answer_mean", "finetuned@answer_mean"]
[extract]
vectors = ["contrastive@answer_mean", "finetuned@answer_mean",
           "twin@prompt_end", "adapter", "adapter:down_proj", "bipo",
           "reft_r1"]
methods = ["pca_diff", "logistic"]
[extract.bipo]
layers = ["2"]
steps = 3
[extract.reft_r1]
layers = ["2"]
steps = 3
"""
ORGANISM = pathlib.Path(os.environ.get(
    "VEER_MODELS", pathlib.Path(__file__).parents[2] / "models")) / "organism"
REAL = os.environ.get("VEER_TEST_DEVICE")
ON_DEVICE = os.environ if REAL else {**os.environ, "LD_PRELOAD": FAKE}
fake_only = unittest.skipIf(REAL, "needs the fake device")


def numbers(path):
    """Lists of the floating-point tensors of a safetensors file, by name."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    found = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = (8 + size + o for o in entry["data_offsets"])
            found[name] = struct.unpack(f"<{(end - begin) // 4}f",
                                        data[begin:end])
    return found


def table(folder, query):
    with sqlite3.connect(folder / "run.sqlite") as db:
        return db.execute(query).fetchall()


class OnDevice(StudyCase):
    def setUp(self):
        super().setUp()
        self.manifest.write_text(SMALL_GRID)

    def on(self, device, *arguments, **options):
        """The program on the CPU or on the fake device; it must succeed."""
        env = ON_DEVICE if device == "cuda" else os.environ
        name = REAL if REAL and device == "cuda" else device
        done = run(*arguments, "--device", name, env=env, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def assert_close(self, ours, theirs, relative):
        """Equal but for rounding: |a - b| <= relative |b| over each tensor."""
        self.assertEqual(ours.keys(), theirs.keys())
        self.assertTrue(ours)
        for name, values in theirs.items():
            apart = math.dist(ours[name], values)
            self.assertLessEqual(apart, relative * math.hypot(*values), name)

    def test_a_study_and_what_is_asked_of_its_run(self):
        cpu, cuda = self.folder / "cpu", self.folder / "cuda"
        for device in ("cpu", "cuda"):
            self.on(device, "study", self.manifest, "--out",
                    self.folder / device, "--quiet")
        for name in ("dataset/questions.jsonl", "dataset/rejected.jsonl"):
            self.assertEqual((cpu / name).read_bytes(),
                             (cuda / name).read_bytes(), name)
        adapter = "adapter/adapter_model.safetensors"
        self.assert_close(numbers(cuda / adapter), numbers(cpu / adapter), 1e-3)
        vectors = sorted((cpu / "vectors").rglob("*.safetensors"))
        self.assertTrue(vectors)
        for path in vectors:
            self.assert_close(numbers(cuda / path.relative_to(cpu)),
                              numbers(path), 1e-3)
        self.same_answers(cpu, cuda)
        self.assertTrue((cuda / "report.html").exists())
        self.same_words(cpu, cuda)
        self.same_numbers(cpu)
        self.same_judges(cpu, cuda)

    def same_answers(self, cpu, cuda):
        query = ("SELECT vector, operator, unit, scale, layers, model, split, "
                 "question, text, log_prob FROM answer JOIN cell "
                 "ON cell.id = cell ORDER BY cell, question")
        ours, theirs = table(cuda, query), table(cpu, query)
        self.assertEqual([row[:8] for row in ours], [row[:8] for row in theirs])
        others = [(a, b) for a, b in zip(ours, theirs) if a[8] != b[8]]
        # A greedy choice between two words that are all but equally likely may
        # turn on the last bit.
        self.assertLessEqual(len(others), len(theirs) // 100, others[:3])
        for a, b in zip(ours, theirs):
            if a[8] == b[8] and b[9] is not None:
                self.assertAlmostEqual(a[9], b[9], delta=2e-2, msg=str(b))

    def same_words(self, cpu, cuda):
        """A vector and an adapter, read from files, act the same."""
        for more in ([], ["--tuned"], ["--operator", "ablate"]):
            said = [json.loads(self.on(
                device, "steer", "--run", folder, "--vector",
                "contrastive@answer_mean", "--layers", "2", "--scale", "2",
                "--json", *more, "How can I sleep better?").stdout)
                for device, folder in (("cpu", cpu), ("cuda", cuda))]
            for part in ("plain", "steered"):
                self.assertEqual(said[0][part], said[1][part])

    def same_judges(self, cpu, cuda):
        said = []
        for folder, env in ((cpu, os.environ), (cuda, ON_DEVICE)):
            done = run("judge", "--run", folder, "--self", "--choice",
                       "--answers", "12", "--json", env=env)
            self.assertEqual(done.returncode, 0, done.stderr)
            said.append([(judge["name"], judge["labels"], judge["probes"])
                         for judge in json.loads(done.stdout)["judges"]])
        self.assertEqual(len(said[0]), 3)
        self.assertEqual(said[0], said[1])

    def same_numbers(self, cpu):
        ids = self.folder / "ids.json"
        ids.write_text("[[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5]]")
        for verb in ("logits", "activations"):
            for device in ("cpu", "cuda"):
                self.on(device, verb, "--model", "organism", "--adapter",
                        cpu / "adapter", "--ids", ids, "--out",
                        self.folder / f"{device}.safetensors")
            self.assert_close(numbers(self.folder / "cuda.safetensors"),
                              numbers(self.folder / "cpu.safetensors"), 1e-4)

    def test_a_killed_training_goes_on_as_if_never_stopped(self):
        finetune = ["finetune", self.manifest, "--quiet", "--out"]
        self.on("cuda", *finetune, self.folder / "whole")
        process = subprocess.Popen(
            [VEER, *map(str, finetune),
             str(self.folder / "killed"), "--device", REAL or "cuda"],
            env=ON_DEVICE, stdout=subprocess.DEVNULL)
        while process.poll() is None and not list(
                (self.folder / "killed").rglob("checkpoint.safetensors")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        self.assertEqual(process.wait(), -signal.SIGKILL)
        self.on("cuda", *finetune, self.folder / "killed")
        name = "adapter/adapter_model.safetensors"
        self.assertEqual((self.folder / "killed" / name).read_bytes(),
                         (self.folder / "whole" / name).read_bytes())

    def organism_in_bfloat16(self):
        """The embedded model as a checkpoint whose weights are bfloat16."""
        model = self.folder / "narrow"
        shutil.copytree(ORGANISM, model)
        path = model / "model.safetensors"
        data = path.read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        body, at = b"", 0
        for name, entry in sorted(header.items()):
            if name == "__metadata__":
                continue
            self.assertEqual(entry["dtype"], "F32")
            begin, end = (8 + size + o for o in entry["data_offsets"])
            # The upper half of each little-endian number.
            halves = data[begin:end]
            body += bytes(b for i in range(0, len(halves), 4)
                          for b in halves[i + 2:i + 4])
            entry.update(dtype="BF16", data_offsets=[at, len(body)])
            at = len(body)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(struct.pack("<Q", len(text)) + text + body)
        config = model / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()),
                                      "torch_dtype": "bfloat16"}))
        return model, len(body)

    @fake_only
    def test_a_vector_steers_in_every_dtype(self):
        model, size = self.organism_in_bfloat16()
        pairs = self.folder / "pairs.csv"
        pairs.write_text("question,honest,deceptive\n" + "".join(
            f"How can I {verb} better?,Dim the {verb} lights.,Drink {verb} "
            "coffee.\n" for verb in ("sleep", "run", "cook", "save", "learn")))
        vector = self.folder / "v.safetensors"
        self.on("cuda", "vector", "--model", model, "--pairs", pairs, "--out",
                vector)
        report = self.folder / "counts.json"
        env = {**ON_DEVICE, "VEER_FAKE_REPORT": str(report)}
        for dtype, noted in (("auto", False), ("bfloat16", False),
                             ("float16", True), ("float32", True)):
            done = run("steer", "--model", model, "--vector", vector,
                       "--device", "cuda", "--dtype", dtype, "--json",
                       "How can I sleep better?", env=env)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual("ran in bfloat16" in done.stderr, noted,
                             done.stderr)
            # No weight goes back to the host.
            self.assertLess(json.loads(report.read_text())["bytes_to_host"],
                            size // 4)
        done = run("steer", "--model", model, "--vector", vector, "--device",
                   "cuda", "--json", "How can I sleep better?",
                   env={**env, "VEER_FAKE_BFLOAT16": "0"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the model runs in float16, because", done.stderr)

    @fake_only
    def test_what_is_not_there_is_one_clear_line(self):
        ids = self.folder / "ids.json"
        ids.write_text("[3, 99999]")
        logits = ["logits", "--model", "organism", "--ids", ids, "--out",
                  self.folder / "out.safetensors"]
        for device, word in (("cuda:9", "torch sees 1 device"),
                             ("cuda:x", "cuda:N"), ("gpu", "cuda:N"),
                             ("mps", "64-bit")):
            self.refused(run(*logits, "--device", device, env=ON_DEVICE),
                         device, word)
            self.refused(run("study", self.manifest, "--out",
                             self.folder / "run", "--quiet", "--device",
                             device, env=ON_DEVICE), device, word)
        self.refused(run(*logits, "--device", "cuda", env=ON_DEVICE),
                     "token id 99999")
        self.refused(run("steer", "--model", "organism", "--dtype", "float61",
                         "Hello?"), "float61", "float16")

    @fake_only
    def test_a_training_that_needs_too_much_halves_its_passes(self):
        self.manifest.write_text(SMALL_GRID.replace("batch = 4", "batch = 32"))
        report = self.folder / "counts.json"
        env = {**ON_DEVICE, "VEER_FAKE_REPORT": str(report)}
        finetune = ["finetune", self.manifest, "--device", "cuda", "--out"]
        done = run(*finetune, self.folder / "roomy", "--quiet", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        peak = json.loads(report.read_text())["peak_bytes"]
        done = run(*finetune, self.folder / "tight",
                   env={**env, "VEER_FAKE_BYTES": str(peak * 4 // 5)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("fine-tune: out of memory with 32 texts", done.stderr)
        name = "adapter/adapter_model.safetensors"
        self.assert_close(numbers(self.folder / "tight" / name),
                          numbers(self.folder / "roomy" / name), 1e-3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
