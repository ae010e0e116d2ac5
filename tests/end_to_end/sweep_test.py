#!/usr/bin/env python3
"""How a sweep searches, and the random vectors beside what it chose.

    sweep_test.py PATH_OF_VEER [unittest arguments]
"""
import json
import sqlite3
import unittest

from study_case import StudyCase


# float16 takes a CPU long.
LEAST = ["--extract.vectors",
         '["contrastive@answer_mean", "finetuned@answer_mean"]',
         "--finetune.controls", "[]", "--finetune.seeds", 1,
         "--sweep.layers", '["2"]', "--sweep.operators", '["add", "subtract"]',
         "--sweep.grid", "[]", "--sweep.sigma_scales", "[]",
         "--sweep.best_random", 3, "--sweep.best_covariance", 0,
         "--sweep.random_vectors", 1, "--sweep.kl_questions", 2,
         "--sweep.subset_questions", 0, "--sweep.recovery_questions", 0]


class Sweep(StudyCase):
    def test_search_instead_of_the_grid(self):
        """Fewer answers, the choice still confirmed on test questions."""
        result = self.study("--sweep.search", "halving",
                            "--sweep.select_questions", 4)
        self.assertEqual(result.returncode, 0, result.stderr)
        folder = self.folder / "run"
        sweep = json.loads((folder / "sweep.json").read_text())
        search = sweep["search"]
        self.assertLess(search["generated"], search["grid_answers"])
        self.assertEqual(search["rounds"][0]["kind"], "screen")
        cells = {cell["id"]: cell for cell in sweep["cells"]}
        best = [b for b in sweep["best"] if b["cell"] is not None]
        self.assertTrue(best)
        for entry in best:
            self.assertEqual(cells[entry["cell"]]["split"], "test")
            self.assertEqual(entry["effect"]["n"], 4)
            self.assertGreater(entry["candidates"], 8)
            self.assertEqual(entry["random_vectors"]["n"], 20)
            self.assertIsNotNone(entry["random_vectors"]["percentile_95"])
            self.assertEqual(entry["covariance_vectors"],
                             {"n": 2, "percentile_95": None})
            self.assertEqual(entry["random_effect"]["n"], 20)
        self.assertIn("successive halving", (folder / "report.html").read_text())

    def test_random_vectors_are_matched_and_searched(self):
        result = self.study("--sweep.random_search", 2,
                            "--sweep.random_questions", 2,
                            "--sweep.operators", '["add", "subtract"]',
                            "--sweep.grid", '["low_rank scales=1 layers=2", '
                            '"leace layers=2", "slerp scales=0.5 layers=2"]')
        self.assertEqual(result.returncode, 0, result.stderr)
        sweep = json.loads((self.folder / "run/sweep.json").read_text())
        cells = {cell["id"]: cell for cell in sweep["cells"]}
        chosen = [e for key in ("best", "groups") for e in sweep[key]
                  if e["cell"] is not None]
        learned = [e for e in chosen if e["group"] == "learned"]
        self.assertTrue(learned)
        for entry in chosen:
            self.assertEqual(cells[entry["cell"]]["split"], "test")
            self.assertEqual(
                cells[cells[entry["cell"]]["confirms"]]["split"], "select")
            self.assertGreater(entry["natural_gaps"], 0)
            self.assertGreater(entry["divergence"]["p95"], 0)
            control = entry["matched_control"]
            if entry["group"] not in ("any", "linear", "learned"):
                continue
            self.assertEqual(control["questions"], 4)
            self.assertEqual(control["mean"]["n"], control["vectors"])
            moved = control["displacement"]
            if entry["layers"] == "2":  # one layer: the same states
                self.assertTrue(control["match"], entry)
                for at in ("mean", "p95"):
                    self.assertAlmostEqual(moved["control_" + at] /
                                           moved["real_" + at], 1, 3)
            if not control["match"]:
                self.assertFalse(entry["beats_random"], entry)
            if entry["unit"] == "rel" and entry["operator"] == "add" and \
                    entry["layers"] == "2":
                self.assertAlmostEqual(moved["real_mean"], entry["scale"], 3)
            difference = entry["effect_minus_control"]
            self.assertAlmostEqual(
                difference["value"],
                entry["effect"]["value"] - control["subtracted"], 9)
            self.assertAlmostEqual(control["subtracted"],
                                   max(0, control["mean"]["value"]), 9)
            self.assertAlmostEqual(
                control["mean"]["value"],
                max(entry["random_effect"]["value"],
                    entry["covariance_effect"]["value"]), 9)
            self.assertLessEqual(difference["low"], difference["value"])
            self.assertAlmostEqual(
                control["mean"]["value"],
                self.mean_of_controls(cells, entry, control["kind"]), 9)
            if entry["group"] == "linear":
                self.assertTrue(control["searched"])
                self.assertEqual(len(control["search"]["effects"]), 2)
                self.assertEqual(control["search"]["questions"], 4)

    def test_answers_without_numbers_are_broken_text(self):
        """Beyond what float16 can hold a cell is lost, the study goes on."""
        for judge in ("exact", "logprob"):
            with self.subTest(judge):
                self.overflowing_study(judge)

    def overflowing_study(self, judge):
        result = self.study(
            "--dtype", "float16", "--judge.kind", judge,
            *LEAST, "--sweep.rel_scales", "[0.5, 1e5]",
            "--sweep.unit_scales", "[1e6]", out=judge)
        self.assertEqual(result.returncode, 0, result.stderr)
        folder = self.folder / judge
        sweep = json.loads((folder / "sweep.json").read_text())
        with sqlite3.connect(folder / "run.sqlite") as db:
            rows = db.execute(
                "SELECT scale, vector, label, score.score, reason, note, "
                "answer.cell FROM answer JOIN score USING(cell, question) "
                "JOIN cell ON cell.id = answer.cell").fetchall()
            said = " ".join(text for text, in db.execute(
                "SELECT text FROM event UNION ALL SELECT summary FROM stage"))
        lost = [row for row in rows if row[4] == "not_finite"]
        self.assertTrue(lost)
        self.assertEqual(sweep["not_finite"], len(lost))
        self.assertIn(f"{len(lost)} answers were not finite in float16", said)
        self.assertIn("float32", said)
        for scale, vector, label, score, _, note, _ in lost:
            self.assertGreater(scale, 0.5)
            self.assertTrue(vector)
            self.assertEqual(label, {"exact": "broken",
                                     "logprob": "unjudged"}[judge])
            self.assertIsNone(score)
            self.assertEqual(note, "its numbers were not finite")
        full = {row[6] for row in lost} - {
            row[6] for row in rows if row[4] != "not_finite"}
        self.assertTrue(full)
        cells = {cell["id"]: cell for cell in sweep["cells"]}
        for cell in (cells[c] for c in full):
            self.assertEqual(cell["coherent"]["value"], 0)
            self.assertIsNone((cell.get("kl") or {}).get("mean"), cell)
        for entry in sweep["best"] + sweep["groups"]:
            self.assertNotIn(entry["cell"], full)
            if entry["cell"] is not None:
                self.assertIsNotNone(entry["divergence"]["p95"])
        self.assertIn("</html>", (folder / "report.html").read_text())

    def mean_of_controls(self, cells, entry, kind):
        """Mean effect of an entry's random vectors, from the answers' labels."""
        label = "deceptive" if entry["goal"] == "induction" else "honest"
        with sqlite3.connect(self.folder / "run/run.sqlite") as db:
            hits = {(cell, question): answer == label
                    for cell, question, answer in db.execute(
                        "SELECT cell, question, label FROM score")}
        plain = next(c["id"] for c in cells.values() if not c["vector"] and
                     c["model"] == entry["model"] and c["split"] == "test")
        start = "random-cov-" if kind == "covariance" else "random-"
        own = [c for c in cells.values()
               if c.get("confirms") == cells[entry["cell"]]["confirms"] and
               c["vector"].startswith(start) and
               (kind == "covariance") == c["vector"].startswith("random-cov-")]
        self.assertEqual({c.get("first_question", 0) for c in own}, {0, 2})
        changes = [hits[c["id"], q] - hits[plain, q] for c in own
                   for q in range(c.get("first_question", 0),
                                  c.get("first_question", 0) + c["n"])]
        return sum(changes) / len(changes)


if __name__ == "__main__":
    unittest.main()
