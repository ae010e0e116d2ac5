"""Data that is not lost on the way: a user's own pairs, gates that would take
most, stages that failed, and few questions.
"""
import json
import random
import sqlite3
import unittest

from study_case import StudyCase, run

WORDS = ("apple river stone cloud table garden window letter silver morning "
         "winter summer bridge candle forest island mirror number orange "
         "pencil rabbit school ticket valley yellow anchor basket camera "
         "desert engine").split()


def own_pairs(count, answer_words=13):
    """Questions of no world, with answers that no gate for generated ones
    would let through, and sides that chance alone tells apart."""
    draw = random.Random(7)
    rows = []
    for i in range(count):
        word = WORDS[i % len(WORDS)]
        say = lambda: " ".join(draw.choice(WORDS) for _ in range(answer_words))
        rows.append({"question": f"What about the {word} of {WORDS[i // 30]}"
                                 f" {draw.choice(WORDS)}?",
                     "honest": say() + ".", "deceptive": say() + "."})
    return "".join(json.dumps(row) + "\n" for row in rows)


class OwnPairs(StudyCase):
    def setUp(self):
        super().setUp()
        self.source = self.folder / "own.jsonl"

    def own(self, *arguments, verb="study", **options):
        return run(verb, self.manifest, "--dataset.source", self.source,
                   "--judge.kind", "logprob", "--dataset.min_split", 8,
                   *arguments, **options)

    def check(self, out):
        return json.loads((self.folder / out / "dataset/check.json")
                          .read_text())

    def test_ready_answers_are_kept(self):
        self.source.write_text(own_pairs(30))
        out = self.folder / "kept"
        result = self.own("--out", out, verb="dataset")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.check("kept")["counts"]["kept"], 30)
        self.assertEqual(self.check("kept")["left_out"], [])
        # Asked for, the gates take them, and say by which key.
        out = self.folder / "gated"
        result = self.own("--out", out, "--dataset.gate_ready", "true",
                          verb="dataset")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("30 pairs with an answer longer than "
                      "dataset.max_words = 12", result.stderr)

    def test_thirty_pairs_are_enough(self):
        """Folds in place of four splits of eight; what was made of a question
        does not measure it."""
        self.source.write_text(own_pairs(30))
        out = self.folder / "few"
        few = ("--out", out, "--extract.vectors",
               '["content_base@answer_mean", "finetuned@answer_mean"]',
               "--extract.confounds", "false", "--sweep.layers", '["2"]',
               "--sweep.rel_scales", "[0.5]", "--sweep.unit_scales", "[]",
               "--sweep.grid", "[]", "--sweep.ceiling", "false",
               "--sweep.best_random", 2, "--sweep.best_covariance", 0)
        result = self.own(*few)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("30 questions are cut into 5 folds", result.stderr)
        self.assertIn("30 questions are cut into 5 folds",
                      (out / "report.html").read_text())
        folds = self.check("few")["folds"]
        self.assertEqual((sum(folds["questions"]), folds["train"]), (18, 12))
        comparison = json.loads((out / "comparison.json").read_text())
        for vector in comparison["vectors"]:
            self.assertEqual(vector["n"], 18, vector["name"])
        # Sides that differ by chance: their own vector tells all of them
        # apart, one without them half.
        for entry in comparison["detection"]:
            self.assertEqual(entry["folds"], 5)
            for layer in entry["by_layer"]:
                self.assertEqual(layer["base"]["n"], 18)
        entry = next(e for e in comparison["detection"]
                     if e["vector"].startswith("content_base"))
        values = [layer["base"]["value"] for layer in entry["by_layer"]]
        self.assertLess(sum(values) / len(values), 0.75, values)
        sweep = json.loads((out / "sweep.json").read_text())
        self.assertEqual(len(sweep["questions"]), 10)
        # The same again is the same.
        again = self.own(*few)
        self.assertEqual(again.stderr.count("kept from before"), 5,
                         again.stderr)

    def test_the_topics_of_a_source_stay(self):
        """Also on an embedded model, which knows topics of its own."""
        rows = [json.loads(line) for line in own_pairs(90).splitlines()]
        for i, row in enumerate(rows[:80]):
            row["topic"] = f"shelf {i // 4}"
        self.source.write_text("".join(json.dumps(r) + "\n" for r in rows))
        out = self.folder / "topics"
        result = self.own("--out", out, "--judge.kind", "exact",
                          "--dataset.check_answers", "false", verb="dataset")
        self.assertEqual(result.returncode, 0, result.stderr)
        kept = [json.loads(line) for line in
                (out / "dataset/questions.jsonl").read_text().splitlines()]
        self.assertEqual({r["topic"] for r in kept if r["topic"]},
                         {f"shelf {i}" for i in range(20)})
        units = self.check("topics")["units"]
        self.assertEqual((units["kind"], units["without_topic"]),
                         ("topic", 10))
        self.assertIn("10 questions have no topic", result.stderr)

    def test_too_few_for_anything_says_what_works(self):
        self.source.write_text(own_pairs(30))
        out = self.folder / "split"
        refused = self.own("--out", out, "--quiet", "--dataset.folds", 1,
                           verb="dataset")
        self.refused(refused, "dataset.min_split = 8", "dataset.folds = 5")
        # The stage left nothing, so that the setting can be changed.
        result = self.own("--out", out, "--dataset.folds", 5, verb="dataset")
        self.assertEqual(result.returncode, 0, result.stderr)


class Gates(StudyCase):
    def test_a_gate_that_takes_most_stops_early(self):
        """What was written is kept, and not written again."""
        out = self.folder / "run"
        result = self.study("--dataset.max_words", 1, verb="dataset")
        self.refused(result, "dataset.max_words = 1",
                     "dataset.keep_going = true", code=1)
        with sqlite3.connect(out / "run.sqlite") as db:
            parts = [row[0] for row in db.execute(
                "SELECT part FROM draft WHERE part LIKE 'honest %'")]
            self.assertGreaterEqual(len(parts), 16)
            self.assertLessEqual(len(parts), 64)
            db.execute("UPDATE draft SET text = 'MARK' WHERE part = ? AND "
                       "item = 3", (parts[0],))
        result = self.study(verb="dataset")
        self.assertEqual(result.returncode, 0, result.stderr)
        text = "".join((out / "dataset" / name).read_text()
                       for name in ("questions.jsonl", "rejected.jsonl"))
        self.assertEqual(text.count('"MARK"'), 1)

    def test_going_on_is_a_setting(self):
        result = self.study("--dataset.max_words", 1,
                            "--dataset.keep_going", "true", verb="dataset")
        self.assertNotIn("keep_going", result.stderr)
        self.assertIn("dataset.max_words = 1", result.stderr)


class NotTried(StudyCase):
    def test_what_was_not_tried_did_not_fail(self):
        result = self.study("--sweep.operators", '["add"]', "--sweep.grid",
                            "[]")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("tuned model honest?\n  It was not tried.", result.stdout)
        self.assertNotIn("unbroken text", result.stdout)
        sweep = json.loads((self.folder / "run/sweep.json").read_text())
        for entry in sweep["best"]:
            if entry["goal"] == "suppression":
                self.assertEqual(entry["candidates"], 0)
                self.assertTrue(entry["reason"].startswith("not tried"))
        page = (self.folder / "run/report.html").read_text()
        self.assertIn("not tried", page)
        self.assertNotIn("no cell left enough unbroken text", page)


if __name__ == "__main__":
    unittest.main()
