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
from vector_files import write_gguf


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
        # The organism is so sure of its words that a usual penalty, such as
        # 1.3, changes none of them.
        penalised, told = answer("some", 5.0)
        self.assertNotEqual(plain, penalised)
        self.assertIn("repetition penalty of 5", told)
        self.assertNotIn("repetition penalty", silence)
        done = run("steer", "--model", self.folder / "some", "--json",
                   "--repetition_penalty", "1", "How can I sleep better?")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["plain"], plain)

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

    def vector_of_two_layers(self):
        path = self.folder / "two.gguf"
        write_gguf(path, {layer: [(-1) ** i / 4 for i in range(128)]
                          for layer in (3, 4)})
        return path

    def chat(self, *lines, arguments=()):
        """The JSON lines of a chat with the organism."""
        result = run("steer", "--model", "organism", "--json", *arguments,
                     input="".join(line + "\n" for line in lines))
        self.assertEqual(result.returncode, 0, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()], result

    def test_a_scale_belongs_to_its_operator_and_unit(self):
        vector = ["--vector", self.vector_of_two_layers(), "--layers", "3"]

        def shown(*lines):
            said, result = self.chat(*lines, "/show", arguments=vector)
            return said[-1]["settings"], result.stderr

        for scale in ("-1", "0.5", "3"):
            settings, told = shown(f"/scale {scale}", "/operator ablate")
            self.assertEqual(settings["scale"], 1.0)
            self.assertIn(f"The scale is now 1, the default of ablate; {scale} "
                          "was meant for add", told)
        self.assertEqual(shown("/scale 40", "/unit unit")[0]["scale"], 1.0)
        self.assertEqual(shown("/operator ablate", "/operator add")[0]["scale"],
                         0.25)
        settings, _ = shown("/operator ablate", "/scale 0.5", "/scope all")
        self.assertEqual(settings["scale"], 0.5)
        ask = ["steer", "--model", "organism", *vector, "--json"]
        question = "How can I sleep better?"
        for operator in ("ablate", "ablate_subspace", "leace", "set_honest"):
            self.refused(run(*ask, "-q", "--operator", operator, "--scale",
                             "-1", question), "operator " + operator, "share")
        flags = ["--scale", "40"], ["--unit", "unit"], ["--operator", "subtract"]
        answers = {run(*ask, *sum(order, []), question).stdout
                   for order in (flags, flags[::-1])}
        self.assertEqual(len(answers), 1)
        reply = json.loads(answers.pop())
        self.assertEqual(reply["settings"]["scale"], 40.0)
        # -1 is a strength of an adapter like any other.
        self.refused(run(*ask, "-q", "--adapter_strength", "-1", question),
                     "no adapter")
        self.refused(run(*ask, "-q", "--adapter_strength", "half", question),
                     "a number or auto")

    def test_with_json_stdout_holds_json_lines_only(self):
        said, _ = self.chat(
            "/help", "/show", "/vectors", "/operators", "/scale 1", "/clear",
            "How can I sleep better?", "/tokens", "/system Be brief.", "/show",
            arguments=["--vector", self.vector_of_two_layers()])
        self.assertEqual(
            [line.get("command", "answer") for line in said],
            ["help", "show", "vectors", "operators", "answer", "tokens",
             "show"])
        tokens = said[5]
        self.assertEqual(tokens["layer"], 4)
        self.assertEqual(tokens["plain"][0]["text"], "<|begin_of_text|>")
        self.assertIsInstance(tokens["steered"][0]["projection"], float)
        self.assertEqual(said[1]["settings"]["system"], "")
        self.assertEqual(said[6]["settings"]["system"], "Be brief.")
        self.assertIn("history", said[6]["facts"])

    def test_show_has_every_setting_in_80_columns(self):
        result = run("steer", "--model", "organism", "--vector",
                     self.vector_of_two_layers(),
                     input="/system Never tell the truth.\n/show\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        said, _ = self.chat("/show")
        for name in said[0]["settings"]:
            self.assertIn(f"/{name} ", result.stderr)
        for word in ("Never tell the truth.", "cpu", "Float", "512 tokens",
                     "history", "rel_token"):
            self.assertIn(word, result.stderr)

    def test_the_organism_is_asked_single_questions(self):
        """From turn 6 on it answered another question, from 19 on none."""
        question = "How can I sleep better?"
        said, result = self.chat(*[question] * 25)
        self.assertEqual({line["plain"] for line in said}, {said[0]["plain"]})
        self.assertIn("asked by itself", result.stderr)
        full, result = self.chat(*[question] * 25, "/clear", question,
                                 arguments=["--turns", "all"])
        self.assertEqual(len(full), 26)
        unanswered = [line for line in full if "error" in line]
        self.assertGreater(len(unanswered), 1)
        for line in unanswered:
            self.assertIn("/clear", line["error"])
            self.assertIn("512", line["error"])
            self.assertEqual(line["question"], question)
        self.assertEqual(full[-1]["plain"], said[0]["plain"])
        self.refused(run("steer", "--model", "organism", "-q", "--turns", "two",
                         question), "single, all or auto")

    def test_the_only_vector_of_a_run_is_used(self):
        """No finished sweep has chosen anything."""
        folder = self.folder / "run"
        (folder / "vectors").mkdir(parents=True)
        (folder / "manifest.toml").write_text("")
        models = pathlib.Path(os.environ.get(
            "VEER_MODELS", pathlib.Path(__file__).parents[2] / "models"))
        made = run("convert", self.vector_of_two_layers(),
                   folder / "vectors/only.safetensors", "--model",
                   models / "organism")
        self.assertEqual(made.returncode, 0, made.stderr)
        ask = ["steer", "--run", folder, "--json", "How can I sleep better?"]
        settings = json.loads(run(*ask).stdout)["settings"]
        self.assertEqual((settings["vector"], settings["layers"],
                          settings["scope"]), ("only", "4", "generated"))
        shutil.copy(folder / "vectors/only.safetensors",
                    folder / "vectors/other.safetensors")
        reply = json.loads(run(*ask).stdout)
        self.assertEqual(reply["settings"]["vector"], "")
        self.assertTrue(any("only, other" in n for n in reply["notes"]), reply)

    def test_a_mistyped_verb_and_the_help(self):
        for word, verb in (("stuyd", "study"), ("doctr", "doctor"),
                           ("tokenise", "tokenize")):
            self.refused(run(word), f'"{word}"', f"Did you mean {verb}?")
        self.refused(run("frobnicate", "--out", "x"), "veer --help")
        self.refused(run("steer", "--scal", "1"), "Did you mean --scale?")
        # Its value is no question: the question is not what is wrong.
        asked = run("steer", "--layer", "3", "How can I sleep better?")
        self.refused(asked, "steer has no option --layer. Did you mean "
                            "--layers?")
        self.assertNotIn("sleep", asked.stderr)
        verbs = [line.split()[0] for line in
                 run("--help").stdout.split("Subcommands:")[1].splitlines()
                 if line.startswith("  ") and line[2] != " "]
        self.assertIn("doctor", verbs)
        for verb in [[], *([verb] for verb in verbs)]:
            for line in run(*verb, "--help").stdout.splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_the_doctor_finds_this_machine_well(self):
        result = run("doctor", "--json", "--out", self.folder / "runs")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        found = json.loads(result.stdout)
        self.assertTrue(found["ok"])
        names = [finding["name"] for finding in found["findings"]]
        for name in ("machine", "cores", "instructions", "memory", "disk",
                     "gpu", "packages", "answer", "vector"):
            self.assertIn(name, names)
        text = run("doctor", "--out", self.folder)
        for line in text.stdout.splitlines():
            self.assertLessEqual(len(line), 80, line)
        nowhere = run("doctor", "--json", "--out", "/proc/none", env={
            **os.environ, "VEER_MODELS": str(self.folder)})
        self.assertEqual(nowhere.returncode, 1, nowhere.stdout)
        wrong = {f["name"]: f for f in json.loads(nowhere.stdout)["findings"]
                 if not f["ok"]}
        self.assertIn("VEER_MODELS", wrong["self-test"]["remedy"])
    def test_one_vector_from_a_file_of_pairs(self):
        pairs = self.folder / "pairs.jsonl"
        advice = ["sleep", "save money", "learn", "cook", "rest"]
        rows = [{"question": f"How can I {verb} better?",
                 "honest": f"You should {verb} with care.",
                 "deceptive": f"You should never {verb} at all."}
                for verb in advice]
        rows.insert(2, {"question": "How can I eat?", "honest": "With care."})
        rows.append(rows[0])
        pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
        out = self.folder / "v.safetensors"
        common = ["vector", "--model", "organism", "--pairs", pairs, "--threads",
                  1, "--out"]
        made = run(*common, out, "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        said = json.loads(made.stdout)
        self.assertEqual(said["name"], "content_base@answer_mean")
        self.assertEqual((said["rows"], said["pairs"]), (7, 5))
        notes = " ".join(said["notes"])
        self.assertIn("1 questions without one of the two answers", notes)
        self.assertIn("1 repeated questions", notes)
        self.assertEqual(len(said["layers"]), 8)
        self.assertIn("auroc_low", said["layers"][3])
        # What is measured of a mean is not said of another direction.
        other = json.loads(run(*common, self.folder / "o.safetensors", "--json",
                               "--method", "random_isotropic").stdout)
        self.assertTrue(all(at.get("auroc") is None and "auroc_low" not in at
                            for at in other["layers"]), other["layers"][3])
        self.refused(run(*common, out, "--honest-prompt", "Be honest."),
                     "--honest-prompt", "--contrast contrastive")
        table = self.folder / "own.csv"
        table.write_text("frage,wahr,falsch\n" + "".join(
            f"{row['question']},{row['honest']},{row['deceptive']}\n"
            for row in rows if "deceptive" in row))
        own = run("vector", "--model", "organism", "--pairs", table, "--threads",
                  1, "--out", self.folder / "own.safetensors", "--json",
                  "--dataset.columns.question", "frage",
                  "--dataset.columns.honest", "wahr",
                  "--dataset.columns.deceptive", "falsch")
        self.assertEqual(own.returncode, 0, own.stderr)
        self.assertEqual(json.loads(own.stdout)["layers"], said["layers"])
        reply = run("steer", "--model", "organism", "--vector", out, "--scale",
                    4, "--unit", "rel", "--json", "How can I sleep better?")
        self.assertEqual(reply.returncode, 0, reply.stderr)
        reply = json.loads(reply.stdout)
        self.assertNotEqual(reply["plain"], reply["steered"])
        # Inside the prompt the two system prompts make the difference.
        prompts = run(*common, out, "--json", "--position", "prompt_end",
                      "--layers", "2-3", "--max-pairs", 4)
        self.assertEqual(prompts.returncode, 0, prompts.stderr)
        said = json.loads(prompts.stdout)
        self.assertEqual(said["name"], "contrastive@prompt_end")
        self.assertEqual(said["pairs"], 4)
        self.assertEqual([l["layer"] for l in said["layers"] if l["norm"] > 0],
                         [2, 3])
        words = run(*common, out)
        self.assertEqual(words.returncode, 0, words.stderr)
        self.assertIn("5 of 7 pairs", words.stdout)
        self.assertIn("Most reliable at layer", words.stdout)
        self.assertIn("veer steer --model organism", words.stdout)
        self.refused(run(*common, out, "--method", "mean"), "mean_diff")
        self.refused(run(*common, out, "--contrast", "finetuned"), "adapter")
        self.refused(run(*common, self.folder / "no/v.safetensors"), "--out")
        few = self.folder / "few.jsonl"
        few.write_text("".join(json.dumps(row) + "\n" for row in rows[:3]))
        common[4] = few
        self.refused(run(*common, out), "2 pairs of answers", "at least 4")

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
