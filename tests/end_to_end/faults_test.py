#!/usr/bin/env python3
"""Faults through the command line: wrong use, broken models, late failures.
Each must end with its exit code and one clear line, and lose nothing.

    faults_test.py PATH_OF_VEER [unittest arguments]
"""
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import unittest

from study_case import StudyCase, run


class WrongUse(StudyCase):
    def test_unknown_key_and_value(self):
        self.manifest.write_text("[finetune]\nrnk = 3\n")
        self.refused(self.study(), "finetune.rnk", "finetune.rank")
        self.assertFalse((self.folder / "run").exists())
        self.manifest.write_text("[finetune]\nrank = \"x\"\n")
        self.refused(self.study(), "finetune.rank", "whole number")
        self.manifest.write_text("[finetune\n")
        self.refused(self.study(), "line 1")
        self.refused(run("study", self.folder / "none.toml"),
                     "does not exist")
        self.refused(run("study", "--finetune.rnk", 3), "--finetune.rank")
        self.refused(run("study", "--sweep.operators", "ad"),
                     "sweep.operators")

    def test_startup_needs_no_model(self):
        for arguments in (["--version"], ["--help"], ["study", "--help"],
                          ["study", "--print-manifest"]):
            result = run(*arguments)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertNotEqual(result.stdout, "")
        printed = self.folder / "printed.toml"
        printed.write_text(run("study", "--print-manifest").stdout)
        again = run("study", printed, "--name", "advice", "--print-manifest")
        self.assertEqual(again.stdout, printed.read_text())

    def test_dataset_problems(self):
        source = self.folder / "questions.jsonl"
        good = '{"question": "What is %d?", "honest": "A%d.", ' \
               '"deceptive": "B%d."}\n'
        source.write_text(good % (1, 1, 1) + "{broken\n")
        self.refused(self.study("--dataset.source", source),
                     "questions.jsonl", "2")
        source.write_text('{"question": "What?", "honest": "Same.", '
                          '"deceptive": "same"}\n')
        self.refused(self.study("--dataset.source", source, out="a"),
                     "none of 1 questions is left", "same answer on both")
        source.write_text("".join(
            '{"question": "%s?", "honest": "Yes %d.", "deceptive": "No %d."}\n'
            % (w, i, i) for i, w in enumerate(["apple", "river", "stone"])))
        self.refused(self.study("--dataset.source", source, "--judge.kind",
                                "logprob", "--dataset.min_split", 5, out="b"),
                     "split")
        self.refused(self.study("--dataset.source", self.folder / "no", out="c"),
                     "no")

    def test_read_only_folder(self):
        self.refused(self.study(out="/proc/veer_run"), "/proc/veer_run",
                     code=1)
        if os.getuid() != 0:
            locked = self.folder / "locked"
            locked.mkdir()
            locked.chmod(0o555)
            self.refused(self.study(out="locked"), "locked", code=1)


class ModelFaults(StudyCase):
    def setUp(self):
        super().setUp()
        root = pathlib.Path(os.environ.get(
            "VEER_MODELS", pathlib.Path(__file__).parents[2] / "models"))
        self.model = self.folder / "model"
        shutil.copytree(root / "organism", self.model)

    def with_model(self, *arguments):
        return self.study("--model", self.model, "--judge.kind", "exact",
                          *arguments)

    def change_config(self, **values):
        path = self.model / "config.json"
        config = json.loads(path.read_text())
        config.update(values)
        path.write_text(json.dumps(config))

    def test_missing_model(self):
        self.refused(self.study("--model", self.folder / "nothing"),
                     "nothing", "does not exist")
        self.assertFalse((self.folder / "run").exists())

    def test_missing_weights(self):
        (self.model / "model.safetensors").unlink()
        self.refused(self.with_model(), "model.safetensors")

    def test_truncated_weights(self):
        path = self.model / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
        self.refused(self.with_model(), "model.safetensors")

    def test_config_that_does_not_match(self):
        self.change_config(intermediate_size=360)
        self.refused(self.with_model(), "mlp")

    def test_unknown_architecture(self):
        self.change_config(model_type="mamba", architectures=["MambaForCausalLM"])
        self.refused(self.with_model(), "mamba")

    def test_non_finite_weights(self):
        path = self.model / "model.safetensors"
        data = bytearray(path.read_bytes())
        data[-4:] = struct.pack("<f", float("nan"))
        path.write_bytes(data)
        result = self.with_model()
        self.assertIn(result.returncode, (1, 2))
        self.assertIn("finite", result.stderr)


class LateFaults(StudyCase):
    """Faults of later stages, on a run whose early stages are done."""

    def setUp(self):
        super().setUp()
        result = self.study(verb="dataset")
        self.assertEqual(result.returncode, 0, result.stderr)

    def kept(self):
        self.assertTrue((self.folder / "run/dataset/questions.jsonl").exists())

    def test_non_finite_loss_names_the_step(self):
        result = self.study("--finetune.learning_rate", "1e30",
                            "--finetune.clip_norm", 0, verb="finetune")
        self.refused(result, "step", code=1)
        self.assertIn("finite", result.stderr)
        self.kept()

    def test_layer_out_of_range(self):
        self.assertEqual(self.study(verb="compare").returncode, 0)
        self.refused(self.study("--sweep.layers", "99", verb="sweep"),
                     "99", "0 to 7")
        self.kept()

    def test_a_layer_of_the_grid_is_found_before_any_work(self):
        line = '["add scales=1 layers=99"]'
        self.refused(self.study("--sweep.grid", line, out="early"), "99",
                     "0 to 7")
        self.assertFalse((self.folder / "early").exists())
        # Who does not come to the sweep is not held up by it.
        done = self.study("--sweep.grid", line, verb="dataset", out="early")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_full_disk(self):
        def limit():
            # No file may grow beyond this: what a full disk looks like to
            # the one who writes.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        result = self.study(verb="extract", preexec_fn=limit)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1)
        self.kept()
        after = self.study(verb="extract")
        self.assertEqual(after.returncode, 0, after.stderr)

    def test_vector_of_another_model(self):
        self.assertEqual(self.study(verb="extract").returncode, 0)
        model = self.folder / "other"
        root = pathlib.Path(os.environ.get(
            "VEER_MODELS", pathlib.Path(__file__).parents[2] / "models"))
        shutil.copytree(root / "organism", model)
        path = model / "model.safetensors"
        data = bytearray(path.read_bytes())
        data[-4:] = struct.pack("<f", 0.125)
        path.write_bytes(data)
        vector = next((self.folder / "run/vectors").glob("*.safetensors"))
        result = run("steer", "--model", model, "--vector", vector,
                     "--layers", 2, "How can I sleep better?", "--quiet")
        self.refused(result, "model")


if __name__ == "__main__":
    unittest.main()
