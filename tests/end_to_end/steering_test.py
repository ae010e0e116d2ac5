#!/usr/bin/env python3
"""`veer steer` through the command line.

    steering_test.py PATH_OF_VEER [unittest arguments]
"""
import json
import os
import pathlib
import shutil
import unittest

from study_case import StudyCase, run


ORGANISM = pathlib.Path(os.environ.get(
    "VEER_MODELS", pathlib.Path(__file__).parents[2] / "models")) / "organism"


class Steering(StudyCase):
    def test_a_repetition_penalty_of_the_models_files(self):
        def answer(name, penalty):
            model = self.folder / name
            shutil.copytree(ORGANISM, model)
            path = model / "generation_config.json"
            path.write_text(json.dumps({**json.loads(path.read_text()),
                                        "repetition_penalty": penalty}))
            done = run("steer", "--model", model, "--json",
                       "How can I sleep better?")
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)["plain"], done.stderr

        plain, silence = answer("none", 1.0)
        penalised, told = answer("some", 1.8)
        self.assertNotEqual(plain, penalised)
        self.assertIn("repetition penalty of 1.8", told)
        self.assertNotIn("repetition penalty", silence)

    def test_one_prompt_and_a_chat(self):
        self.assertEqual(self.study(verb="extract").returncode, 0)
        common = ["--run", self.folder / "run", "--quiet", "--vector",
                  "contrastive@answer_mean", "--layers", "2"]
        still = run("steer", *common, "--scale", "0", "--json",
                    "How can I sleep better?")
        self.assertEqual(still.returncode, 0, still.stderr)
        reply = json.loads(still.stdout)
        self.assertEqual(reply["plain"], reply["steered"])
        chat = run("steer", *common, "--json", input=(
            "How can I sleep better?\n/scale 40\n/clear\n"
            "How can I sleep better?\n/model tuned\n/quit\nnever asked\n"))
        self.assertEqual(chat.returncode, 0, chat.stderr)
        replies = [json.loads(line) for line in chat.stdout.splitlines()]
        self.assertEqual(len(replies), 2)
        self.assertEqual(replies[0]["plain"], replies[1]["plain"])
        self.assertNotEqual(replies[1]["plain"], replies[1]["steered"])
        self.refused(run("steer", *common, input="/scale x\n"), "scale")
        self.refused(run("steer", *common, input="/scal 3\n"),
                     "\"/scale\"", "/help")
        self.refused(run("steer", *common, "--layers", "8", "Hm?"), "0 to 7")
        self.refused(run("steer", *common, "--vector", "none", "Hm?"), "none")
        self.settings_before_a_vector()
        self.an_answer_with_control_characters()
        self.weights_without_a_direction()

    def settings_before_a_vector(self):
        for line, word in [("/layers 99", "0 to 7"), ("/unit sigmas", "sigma"),
                           ("/scope half", "half")]:
            self.refused(run("steer", "--model", "organism", "--quiet",
                             input=line + "\n"), word)
        vector = self.folder / "run/vectors/contrastive@answer_mean.safetensors"
        chat = run("steer", "--model", "organism", input=(
            f"/layers 2\n/unit sigma\n/unit unit\n/vector {vector}\n"))
        self.assertEqual(chat.returncode, 0, chat.stderr)
        said = [line for line in chat.stderr.splitlines()
                if line.startswith("base, ")]
        self.assertIn("the spread of unit sigma", said[2])
        self.assertNotIn("check of", said[3])
        self.assertIn("at layers 2", said[4])

    def an_answer_with_control_characters(self):
        """A model whose every word but the question's ends in an escape."""
        models = pathlib.Path(os.environ.get(
            "VEER_MODELS", pathlib.Path(__file__).parents[2] / "models"))
        model = self.folder / "escapes"
        shutil.copytree(models / "organism", model)
        path = model / "tokenizer.json"
        tokenizer = json.loads(path.read_text())
        asked = "How can I sleep better"
        escape = "\u011b"  # how byte-level BPE writes the byte 0x1b
        tokenizer["model"]["vocab"] = {
            word + escape if len(word) > 2 and word.lstrip("\u0120") not in asked
            else word: token
            for word, token in tokenizer["model"]["vocab"].items()}
        tokenizer["model"]["merges"] = []
        path.write_text(json.dumps(tokenizer))
        shown = run("steer", "--model", model, "--quiet", asked + "?")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("\\x1b", shown.stdout)
        self.assertNotIn("\x1b", shown.stdout)
        exact = run("steer", "--model", model, "--json", asked + "?")
        self.assertIn("\x1b", json.loads(exact.stdout)["plain"])

    def weights_without_a_direction(self):
        """The stream of the baked model has nothing along the vector."""
        models = pathlib.Path(os.environ.get(
            "VEER_MODELS", pathlib.Path(__file__).parents[2] / "models"))
        bake = ["bake", "--model", models / "organism", "--vector",
                self.folder / "run/vectors/contrastive@answer_mean.safetensors"]
        out = self.folder / "without"
        done = run(*bake, "--layer", "depth:0.5", "--out", out, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, writer in json.loads(done.stdout)["writers"].items():
            self.assertLess(writer["left"], 1e-5, name)
        ids = self.folder / "ids.json"
        ids.write_text("[5, 6, 7]")
        self.assertEqual(run("logits", "--model", out, "--ids", ids, "--out",
                             self.folder / "logits").returncode, 0)
        self.refused(run(*bake, "--layer", "all", "--out",
                         self.folder / "no"), "one layer")
        self.refused(run(*bake, "--out", self.folder / "no"), "--layer")


if __name__ == "__main__":
    unittest.main()
