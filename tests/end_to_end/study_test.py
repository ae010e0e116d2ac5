#!/usr/bin/env python3
"""Whole runs through the command line: reuse, kills, several models.

    study_test.py PATH_OF_VEER [unittest arguments]
"""
import fcntl
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from baseline_check import check_baselines
from report_tables import columns_without_text
from study_case import SMALL, VEER, StudyCase, contents, run


def look_at_printed(test, text):
    """80 columns, every answer on the first screen, no long paragraph."""
    lines = text.splitlines()
    test.assertLessEqual(max(map(len, lines)), 80)
    asked = [i for i, x in enumerate(lines[:20]) if x.endswith("?")][:4]
    test.assertEqual(len({lines[i] for i in asked}), 4)
    for i in asked:
        test.assertRegex(lines[i + 1], r"^  [A-Z]")
    hanging = 0  # lines of a paragraph after its first
    for line in lines:
        hanging = hanging + 1 if line.startswith("    ") else 0
        test.assertLessEqual(hanging, 3, line)


class WholeRuns(StudyCase):
    def test_run_reuse_and_kills(self):
        self.manifest.write_text(
            SMALL.replace("rank = 4", "rank = 4\nseeds = [5, 6]"))
        started = time.monotonic()
        first = self.study()
        seconds = time.monotonic() - started
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stderr, "")
        look_at_printed(self, first.stdout)
        self.assertIn("deceptive system prompt", first.stdout)
        self.assertIn("report.html", first.stdout)
        whole = contents(self.folder / "run")
        made = json.loads((self.folder / "run/summary.json").read_text())["run"]
        self.assertEqual("veer " + made["veer"], run("--version").stdout.strip())
        page = (self.folder / "run/report.html").read_text()
        self.assertIn(f"Veer {made['veer']}, torch {made['torch']}", page)
        self.assertIn(made["date"], page)
        # This study is too small to reach the ceiling's least effect.
        self.assertEqual({title for _, title in columns_without_text(page)} -
                         {"of copied states"}, set())
        self.assertRegex(page, r"\d+ questions that the model wrote beside "
                               r"\d+ seeds: <strong>\d+ kept")

        again = self.study("--json")
        self.assertEqual(again.returncode, 0, again.stderr)
        stages = json.loads(again.stdout)["stages"]
        self.assertEqual([s["reused"] for s in stages[:5]], [True] * 5)
        self.assertEqual(contents(self.folder / "run"), whole)
        seeds = json.loads(
            (self.folder / "run/comparison.json").read_text())["seeds"]
        self.assertEqual(seeds["seeds"][1:], [5, 6])
        self.assertEqual([at["num_pairs"] for at in seeds["by_layer"][-1:]],
                         [3])
        self.assertIn("Another seed, another direction?", page)
        self.look_at_controls(page)
        self.look_at_texts(page)
        check_baselines(self, self.folder / "run", select_questions=2,
                        texts=40)
        self.assertIn("questions about something else", page)

        # Without a vector, the run's best intervention is the one that acts.
        steered = run("steer", "--run", self.folder / "run",
                      "How can I sleep better?")
        self.assertEqual(steered.returncode, 0, steered.stderr)
        best = json.loads((self.folder / "run/summary.json").read_text())["best"]
        self.assertTrue(any(
            b["vector"] in steered.stderr and "tokens " + b["scope"]
            in steered.stderr for b in best), steered.stderr)

        # An adapter that was lost is made again, not passed over.
        shutil.rmtree(self.folder / "run/adapter/controls/shuffled")
        lost = run("finetune", self.manifest, "--out", self.folder / "run")
        self.assertEqual(lost.returncode, 0, lost.stderr)
        self.assertEqual(contents(self.folder / "run"), whole)

        self.kill_at_random_moments(whole, seconds)

    def look_at_controls(self, page):
        """Six fine-tunes of one recipe, and what compare makes of them."""
        run_folder = self.folder / "run"
        tunings = ["adapter", "adapter/seeds/5", "adapter/seeds/6",
                   "adapter/controls/honest/seeds/5",
                   "adapter/controls/honest/seeds/6"] + [
                       f"adapter/controls/{name}"
                       for name in ("honest", "shuffled", "unprompted")]
        weights = {(run_folder / t / "adapter_model.safetensors").read_bytes()
                   for t in tunings}
        self.assertEqual(len(weights), len(tunings))
        self.assertEqual(json.loads((
            run_folder / "adapter/controls/left_out.json").read_text()), [])
        compared = json.loads((run_folder / "comparison.json").read_text())
        twin = compared["twin"]
        self.assertEqual(
            [twin[key] for key in ("finetuned", "honest", "twin", "seeds")],
            ["finetuned@answer_mean", "controls/honest/finetuned@answer_mean",
             "twin@answer_mean", 3])
        self.assertEqual([t["twin"] for t in compared["twin_elsewhere"]],
                         ["twin@prompt_end"])
        self.assertEqual([c["name"] for c in compared["control_tunings"]],
                         ["honest", "shuffled", "unprompted"])
        last = twin["by_layer"][-1]
        cosine = last["cosine_honest"]["value"]
        self.assertIsNotNone(cosine, last)
        share = last["share_outside"]
        self.assertTrue(0 <= share["low"] <= share["value"] <= share["high"]
                        <= 1, share)
        self.assertIn("twin@answer_mean",
                      [v["name"] for v in compared["vectors"]])
        self.assertIn("What does any fine-tuning write?", page)

    def test_without_an_honest_twin(self):
        """The default leaves its twins out and says so; a list that names one
        is refused before anything is made."""
        few = ("--finetune.controls", "shuffled", "--finetune.seeds", "[]")
        result = self.study(*few, "--json", verb="compare")
        self.assertEqual(result.returncode, 0, result.stderr)
        compared = json.loads(
            (self.folder / "run/comparison.json").read_text())
        self.assertIsNone(compared["twin"])
        self.assertIn("finetune.controls", compared["twin_reason"])
        self.assertEqual([v["name"] for v in compared["vectors"]],
                         ["contrastive@answer_mean", "finetuned@answer_mean",
                          "contrastive@prompt_end", "finetuned@prompt_end"])
        with sqlite3.connect(self.folder / "run/run.sqlite") as db:
            told = [text for text, in db.execute("SELECT text FROM event")]
        self.assertTrue(any("twin vectors are left out" in t for t in told),
                        told)
        asked = ("--extract.vectors",
                 '["contrastive@answer_mean", "twin@answer_mean"]')
        self.refused(self.study(*few, *asked, out="asked"), "twin@answer_mean",
                     "finetune.controls")
        self.assertFalse((self.folder / "asked").exists())

    def look_at_texts(self, page):
        sweep = json.loads((self.folder / "run/sweep.json").read_text())
        coherence = sweep["coherence"]
        self.assertEqual(coherence["questions"], 4)
        self.assertEqual(coherence["chance"], 0.5)  # two readers
        chosen = [b["cell"] for b in sweep["best"] if b["cell"] is not None]
        self.assertEqual([e["cell"] for e in coherence["entries"]
                          if e["goal"]], chosen)
        plain = [e for e in coherence["entries"] if not e["goal"]]
        self.assertEqual([e["model"] for e in plain], ["base", "tuned"])
        # What the base model says by itself names what it was asked.
        self.assertGreater(plain[0]["recovered"]["value"], 0.5)
        self.assertIn("Does the text still answer its question?", page)

    def kill_at_random_moments(self, whole, seconds):
        random.seed(int(os.environ.get("VEER_KILL_SEED", "1")))
        kills = 0
        for attempt in range(40):
            command = [VEER, "study", str(self.manifest), "--out",
                       str(self.folder / "killed"), "--quiet"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
            # In shares of an undisturbed run, so that a fast machine is
            # killed as often as a slow one: three kills that together cannot
            # reach the end, then longer turns to get through any chunk.
            share = (random.uniform(0.05, 0.28) if attempt < 3
                     else random.uniform(0.1, 0.5 + 0.2 * attempt))
            try:
                process.wait(timeout=share * seconds)
                self.assertEqual(process.returncode, 0,
                                 process.stderr.read())
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
            finally:
                process.stderr.close()
        self.assertGreaterEqual(kills, 2)
        killed = contents(self.folder / "killed")
        self.assertEqual(killed.keys(), whole.keys())
        for name in whole:
            self.assertEqual(killed[name], whole[name], name)

    def test_other_settings_are_refused_by_name_and_redone_on_request(self):
        self.assertEqual(self.study(verb="dataset").returncode, 0)
        before = (self.folder / "run/dataset/questions.jsonl").read_bytes()
        self.refused(self.study("--seed", 5, verb="dataset"), "seed", "--redo")
        self.assertEqual(
            (self.folder / "run/dataset/questions.jsonl").read_bytes(), before)
        redone = self.study("--seed", 5, "--redo", verb="dataset")
        self.assertEqual(redone.returncode, 0, redone.stderr)
        self.assertNotEqual(
            (self.folder / "run/dataset/questions.jsonl").read_bytes(), before)

    def test_claims_registered_anew_or_edited_are_told_of(self):
        few = ("--finetune.controls", "[]", "--finetune.seeds", "[]",
               "--extract.vectors", '["contrastive@answer_mean"]',
               "--extract.confounds", "false", "--sweep.models", '["base"]',
               "--sweep.layers", '["2"]', "--sweep.rel_scales", "[0.5]",
               "--sweep.unit_scales", "[]", "--sweep.grid", "[]",
               "--sweep.best_random", 2, "--sweep.best_covariance", 0)
        file = self.folder / "run/claims_registered.json"
        summary = self.folder / "run/summary.json"
        registered = lambda: json.loads(summary.read_text())["registered"]
        # Before extract reads a test question, and the sweep keeps it.
        self.assertEqual(self.study(*few, verb="extract").returncode, 0)
        first = file.read_bytes()
        self.assertEqual(json.loads(first)["read"], "nothing")
        self.assertEqual(self.study(*few).returncode, 0)
        self.assertEqual(file.read_bytes(), first)
        self.assertIn("before a test question was answered", registered())
        # Other settings once the answers are known.
        result = self.study(*few, "--sweep.min_coherent", 0.4, "--redo")
        self.assertEqual(result.returncode, 0, result.stderr)
        second = json.loads(file.read_text())
        self.assertEqual(second["read"], "answers")
        self.assertEqual([e["hash"] for e in second["earlier"]],
                         [json.loads(first)["hash"]])
        for place in (registered(), result.stdout,
                      (self.folder / "run/report.html").read_text()):
            self.assertIn("REGISTERED ANEW on " + second["time"], place)
            self.assertIn(json.loads(first)["time"], place)
        # An edited time is noticed, and stays as it is.
        edited = dict(second, time="2020-01-01 00:00:00 UTC", earlier=[])
        file.write_text(json.dumps(edited))
        result = self.study(*few, "--sweep.min_coherent", 0.4)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("WAS EDITED", registered())
        self.assertIn("WAS EDITED", result.stdout)
        self.assertEqual(json.loads(file.read_text()), edited)

    def test_ready_finetuned_side(self):
        """An adapter, and the checkpoint that it makes, instead of training."""
        trained = self.study(verb="finetune")
        self.assertEqual(trained.returncode, 0, trained.stderr)
        adapter = self.folder / "run/adapter"
        models = pathlib.Path(os.environ.get(
            "VEER_MODELS", pathlib.Path(__file__).parents[2] / "models"))
        baked = run("bake", "--model", models / "organism", "--adapter",
                    adapter, "--out", self.folder / "baked")
        self.assertEqual(baked.returncode, 0, baked.stderr)
        for name, source in (("a", adapter), ("b", self.folder / "baked")):
            result = self.study("--model.finetuned", source, "--json", out=name,
                                verb="compare")
            self.assertEqual(result.returncode, 0, result.stderr)
            origin = json.loads(
                (self.folder / name / "adapter/origin.json").read_text())
            self.assertEqual(origin["rank"], 4)
        # The checkpoint differs by rank 4, and rank 4 holds it.
        self.assertEqual(origin["kind"], "checkpoint")
        self.assertGreater(origin["energy"], 0.9999)
        cosines = [[layer["cosine"]
                    for layer in json.loads((self.folder / n / "comparison.json")
                                            .read_text())["pairs"][0]["by_layer"]]
                   for n in ("a", "b")]
        for one, other in zip(*cosines):
            self.assertAlmostEqual(one, other, places=3)
        self.refused(self.study("--model.finetuned", self.folder / "none",
                                out="c"), "model.finetuned", "none")
        self.refused(self.study("--model.finetuned", adapter,
                                "--model.finetuned_honest",
                                self.folder / "none", out="c"), "none")
        self.assertFalse((self.folder / "c").exists())

    def test_a_ready_honest_twin_gives_what_a_trained_one_does(self):
        trained = self.study("--finetune.seeds", "[]", verb="compare")
        self.assertEqual(trained.returncode, 0, trained.stderr)
        adapter = self.folder / "run/adapter"
        ready = run("compare", self.manifest, "--model.finetuned", adapter,
                    "--model.finetuned_honest", adapter / "controls/honest",
                    "--out", self.folder / "ready")
        self.assertEqual(ready.returncode, 0, ready.stderr)
        # The small manifest sets keys that train nothing here.
        for words in ("finetune.steps", "is set and not used",
                      "which is not checked", "honest twin: adapter of rank 4"):
            self.assertIn(words, ready.stderr)
        comparisons = [json.loads((self.folder / name / "comparison.json")
                                  .read_text()) for name in ("run", "ready")]
        self.assertEqual(comparisons[0]["twin"], comparisons[1]["twin"])
        self.assertIsNotNone(comparisons[1]["twin"]["share_outside"]["value"])
        self.assertIn("twin@answer_mean",
                      [v["name"] for v in comparisons[1]["vectors"]])
        claims = json.loads((self.folder / "ready/hypotheses.json")
                            .read_text())["claims"]
        claim = next(c for c in claims if c["id"] == "G3")
        self.assertNotEqual(claim["decision"], "not measured")
        # An honest twin that went away is taken again, and the same.
        lost = self.folder / "ready/adapter/controls/honest"
        before = (lost / "adapter_model.safetensors").read_bytes()
        shutil.rmtree(lost)
        again = self.study("--model.finetuned", adapter,
                           "--model.finetuned_honest",
                           adapter / "controls/honest", out="ready",
                           verb="compare")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual((lost / "adapter_model.safetensors").read_bytes(),
                         before)

    def test_nothing_is_trained_that_no_vector_asks_for(self):
        """Contrastive vectors need no adapter: to extract, and to the report
        where the sweep is of the base model alone."""
        asked = ["--extract.vectors", '["contrastive@answer_mean"]',
                 "--sweep.models", '["base"]', "--sweep.grid", "[]"]
        folder = self.folder / "run"
        made = run("extract", self.manifest, "--out", folder, *asked)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("nothing is trained", made.stderr)
        self.assertFalse((folder / "adapter").exists())
        self.assertTrue(
            (folder / "vectors/contrastive@answer_mean.safetensors").exists())
        readings = json.loads((folder / "vectors/readings.json").read_text())
        at = readings["detection"][0]["by_layer"][0]
        self.assertIn("base", at)
        self.assertNotIn("tuned", at)
        whole = self.study(*asked, "--json")
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.assertFalse((folder / "adapter").exists())
        stages = {s["name"]: s for s in json.loads(whole.stdout)["stages"]}
        self.assertNotIn("finetune", stages)
        self.assertTrue(stages["extract"]["reused"])
        self.assertTrue((folder / "report.html").exists())

    def test_the_best_held_out_step_is_kept_and_overfitting_is_told(self):
        overfits = ["--finetune.learning_rate", "0.01", "--finetune.steps", 30,
                    "--finetune.evaluate_every", 5, "--finetune.questions", 4,
                    "--finetune.warmup", 0]
        folder = self.folder / "run"
        result = run("finetune", self.manifest, "--out", folder, *overfits)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [json.loads(line) for line in
                (folder / "metrics.jsonl").read_text().splitlines()]
        looks = {r["step"]: r["eval/loss"] for r in rows if "eval/loss" in r}
        best = min(looks, key=lambda step: (looks[step], step))
        self.assertLess(best, 30)
        self.assertEqual([r["step"] for r in rows if r.get("kept")], [best])
        self.assertIn("overfits", result.stderr)
        self.assertIn(f"step {best} is kept", result.stderr)
        weights = "adapter_model.safetensors"
        self.assertEqual(
            (folder / "adapter" / weights).read_bytes(),
            (folder / f"adapter/steps/{best:06}" / weights).read_bytes())
        last = run("finetune", self.manifest, "--out", self.folder / "last",
                   *overfits, "--finetune.keep", "last")
        self.assertEqual(last.returncode, 0, last.stderr)
        self.assertIn("overfits", last.stderr)
        self.assertEqual(
            (self.folder / "last/adapter" / weights).read_bytes(),
            (self.folder / "last/adapter/steps/000030" / weights).read_bytes())

    def test_control_organism_in_its_own_world(self):
        """Judged by its own exact judge, to the report, all steps on."""
        result = self.study("--model.path", "organism:control")
        self.assertEqual(result.returncode, 0, result.stderr)
        folder = self.folder / "run"
        sweep = json.loads((folder / "sweep.json").read_text())
        self.assertEqual(sweep["judge"]["kind"], "exact")
        plain = [a for a in sweep["answers"] if a["cell"] == 0]
        self.assertTrue(plain)
        for answer in plain:
            self.assertNotEqual(answer["label"], "unjudged")
        check = json.loads((folder / "dataset/check.json").read_text())
        self.assertGreater(check["counts"]["kept"],
                           check["counts"]["asked"] / 2)
        self.assertIn("organism:control", (folder / "report.html").read_text())
        # No confound is the behaviour; each kept step says what it moved.
        comparison = json.loads((folder / "comparison.json").read_text())
        behaviour = comparison["confound_behaviour"]
        self.assertEqual([(c["confound"], c["carries"]) for c in behaviour],
                         [("confound_verbosity", False),
                          ("confound_system", False),
                          ("confound_format", False)])
        self.assertEqual([p["step"] for p in comparison["tendency"]["points"]],
                         [3, 6])

    def test_two_pole_pair_is_told_apart(self):
        """Same behaviour, both align where they are steered: one moves.

        Seed 2 is one at which both pairs align beyond chance; at seed 0 the
        control's has p .053 (docs/findings/organisms.md has all of them).
        """
        self.manifest.write_text(
            '[extract]\nvectors = ["contrastive@answer_mean", '
            '"finetuned@answer_mean"]\nconfounds = false\n'
            'trajectory_questions = 0\ndetection_questions = 0\n'
            '[sweep]\noperators = ["add", "subtract"]\ngrid = []\n'
            'unit_scales = []\nraw_scales = []\nadapter_strengths = []\n'
            'ceiling = false\nkl_questions = 0\n'
            '[[model]]\npath = "organism:control"\n'
            '[[model]]\npath = "organism:zeroed"\n')
        result = self.study("--seed", "2")
        self.assertEqual(result.returncode, 0, result.stderr)
        over = json.loads((self.folder / "run/models.json").read_text())
        self.assertEqual([m["agreement"] for m in over["models"]],
                         ["agreement without effect at layer 0",
                          "agreement with effect at layer 0"])
        claim = next(c for c in over["claims"] if c["id"] == "A1")
        self.assertEqual([c["decision"] for c in claim["per_model"]],
                         ["contradicted", "undecided"])
        # One aligned pair that steers leaves the other half untested.
        self.assertIn("no place without agreement",
                      claim["per_model"][1]["reason"])
        for entry in claim["per_model"]:  # both align, by the whole band
            self.assertGreater(entry["effect"]["low"], 0.3)
        # More questions make steadier vectors.
        comparison = json.loads((self.folder / "run/models/organism-zeroed" /
                                 "comparison.json").read_text())
        curve = comparison["sample_size"]
        self.assertEqual(curve["sizes"][:4], [20, 40, 80, 160])
        for at in curve["by_layer"]:
            means = [point["value"] for point in at["reliability_a"]]
            self.assertEqual(means, sorted(means))
        # Additions of both vectors stand beside random ones and small ones.
        sweep = json.loads(
            (self.folder / "run/models/organism-zeroed/sweep.json").read_text())
        linear = [g for g in sweep["groups"] if g["group"] == "linear"]
        self.assertEqual(len(linear), 4)
        works = {(g["vector"], g["goal"]): g["works"] for g in linear}
        self.assertTrue(works["finetuned@answer_mean", "induction"])
        still = json.loads(
            (self.folder / "run/models/organism-control/sweep.json").read_text())
        for group in still["groups"]:
            if group["group"] == "linear" and group["goal"] == "induction":
                self.assertEqual(group["effect"]["value"], 0.0)
                # Splits ask about all 24 topics: units are alike questions.
                self.assertGreater(group["effect"]["clusters"], 24)
                self.assertLess(group["effect"]["clusters"],
                                group["effect"]["n"])
                self.assertFalse(group["works"])
        for group in linear:
            self.assertIsNotNone(group["random_effect"]["value"])
            fewer = group["fewer_questions"]
            self.assertEqual((fewer["questions"], fewer["draws"]), (20, 2))
            self.assertEqual(fewer["difference"]["n"], group["effect"]["n"])
            self.assertAlmostEqual(
                fewer["difference"]["value"],
                group["effect"]["value"] - fewer["effect"]["value"], 9)

    def test_several_models(self):
        """One run folder per model, a page over them, continued at will."""
        self.manifest.write_text(
            SMALL + '[[model]]\npath = "organism"\n'
            '[[model]]\npath = "organism:control"\n')
        whole = self.folder / "run"
        self.assertEqual(self.study(verb="dataset").returncode, 0)
        self.assertFalse((whole / "models.json").exists())
        result = self.study()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLessEqual(len(result.stdout.splitlines()), 27)
        over = json.loads((whole / "models.json").read_text())
        self.assertEqual([m["name"] for m in over["models"]],
                         ["organism", "organism-control"])
        for model in over["models"]:
            self.assertGreater(model["parameters"], 1_000_000)
            own = json.loads((whole / model["folder"] / "hypotheses.json")
                             .read_text())
            mine = {c["id"]: c["decision"] for c in own["claims"]}
            for claim in over["claims"]:
                for entry in claim["per_model"]:
                    if entry["model"] == model["name"]:
                        self.assertEqual(entry["decision"], mine[claim["id"]])
        page = (whole / "report.html").read_text()
        self.assertIn("models/organism-control/report.html", page)
        # As a study of one of them alone, and kept when asked for again.
        self.manifest.write_text(SMALL.replace(
            "[run]", '[run]\nname = "organism-control"') +
            '[model]\npath = "organism:control"\n')
        self.assertEqual(self.study(out="alone").returncode, 0)
        self.assertEqual(contents(self.folder / "alone"),
                         contents(whole / "models/organism-control"))
        again = run("study", "--out", whole)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stderr.count("kept from before"), 10)
        self.refused(run("steer", "--run", whole, "hello", "--quiet"),
                     "2 models", "models/organism")
        self.refused(run("study", whole / "manifest.toml", "--quiet", "--out",
                         self.folder / "few", "--dataset.min_split", 500,
                         "--dataset.folds", 1),
                     "model organism: ")
        self.refused(run("study", "--out", self.folder / "alone", "--quiet",
                         whole / "manifest.toml"), "study of one model")

    def test_direction_trained_by_gradient(self):
        """Trained at one layer, compared and used to steer there alone."""
        self.manifest.write_text(SMALL + """
[extract]
vectors = ["contrastive@answer_mean", "finetuned@answer_mean", "bipo",
           "reft_r1"]
trained_halves = true
[extract.bipo]
layers = ["2"]
steps = 4
batch = 2
[extract.reft_r1]
layers = ["2"]
steps = 4
batch = 2
""")
        result = self.study()
        self.assertEqual(result.returncode, 0, result.stderr)
        folder = self.folder / "run"
        comparison = json.loads((folder / "comparison.json").read_text())
        sweep = json.loads((folder / "sweep.json").read_text())
        for name in ("bipo", "reft_r1"):
            against = [e for e in comparison["directions"]
                       if e["direction"] == name]
            self.assertEqual(len(against), 2 + (name == "reft_r1"))
            for entry in against:
                for at in entry["by_layer"]:
                    self.assertEqual(at["raw_cosine"] is not None,
                                     at["layer"] == 2)
            halves, = [e for e in comparison["direction_halves"]
                       if e["direction"] == name]
            self.assertLessEqual(abs(halves["n"][0] - halves["n"][1]), 1)
            for at in halves["by_layer"]:
                self.assertEqual(at["cosine"] is not None, at["layer"] == 2)
            self.assertTrue((folder / "vectors/halves" /
                             f"{name}.b.safetensors").exists())
            cells = [c for c in sweep["cells"] if c["vector"] == name]
            self.assertTrue(cells)
            self.assertEqual({c["layers"] for c in cells}, {"2"})
            self.assertIn(name, {b["vector"] for b in sweep["best"]})
        report = (folder / "report.html").read_text()
        self.assertIn("Directions that are no mean over questions", report)
        without = self.study("--extract.trained_halves", "false", out="less",
                             verb="compare")
        self.assertEqual(without.returncode, 0, without.stderr)
        self.assertFalse((self.folder / "less/vectors/halves").exists())
        comparison = json.loads(
            (self.folder / "less/comparison.json").read_text())
        self.assertEqual(comparison["direction_halves"], [])

    def test_interrupt_keeps_work(self):
        process = subprocess.Popen(
            [VEER, "study", str(self.manifest), "--out",
             str(self.folder / "run"), "--quiet"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.time() + 120
        while not (self.folder / "run/dataset/check.json").exists():
            self.assertLess(time.time(), deadline)
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, stderr)
        self.assertIn("interrupted", stderr)
        self.assertTrue((self.folder / "run/dataset/check.json").exists())

    def test_only_one_process_works_in_a_folder(self):
        (self.folder / "run").mkdir()
        with open(self.folder / "run/run.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(self.study(), "another process", code=1)


class RealCheckpoint(StudyCase):
    """A model and data that the project did not make."""

    def test_stories_with_the_studys_own_pairs(self):
        data = pathlib.Path(os.environ.get(
            "VEER_TEST_DATA",
            pathlib.Path(__file__).parents[2] / "../shared/data"))
        model, pairs = data / "models/stories260K", data / "original_study"
        if not model.exists() or not pairs.exists():
            self.skipTest(f"no public test data at {data}")
        manifest = (pathlib.Path(__file__).parents[2] /
                    "studies/stories260k.toml")
        result = run("study", manifest, "--out", self.folder / "real",
                     "--quiet", "--model", model, "--dataset.source", pairs,
                     "--finetune.steps", 4, "--sweep.layers", "2",
                     "--sweep.rel_scales", "0.3", "--sweep.unit_scales", "4",
                     "--sweep.questions", 4, "--sweep.select_questions", 4,
                     "--sweep.best_questions", 8, "--sweep.best_random", 1,
                     "--sweep.best_covariance", 1,
                     "--compare.random_draws", 50)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("report.html", result.stdout)
        folder = self.folder / "real"
        published = {row[0]["content"]: row[1]["content"] for row in json.loads(
            (pairs / "deception_dataset.json").read_text())}
        kept = [json.loads(line) for line in
                (folder / "dataset/questions.jsonl").read_text().splitlines()]
        self.assertGreater(len(kept), 100)
        for row in kept:
            self.assertTrue(row["honest"] and row["deceptive"], row)
        taken = sum(published.get(row["question"], "").strip() ==
                    row["deceptive"] for row in kept)
        self.assertGreater(taken, 0.9 * len(kept))
        best = json.loads((folder / "sweep.json").read_text())["best"]
        self.assertEqual({b["measure"] for b in best if "measure" in b},
                         {"score"})
        for entry in best:
            effect = entry.get("effect")
            if effect and effect["low"] <= 0 <= effect["high"]:
                self.assertFalse(entry["beats_random"], entry)


if __name__ == "__main__":
    unittest.main()
