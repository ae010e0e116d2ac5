#!/usr/bin/env python3
"""judge.kind: a judge that reads every answer of a sweep.

Usage: reading_judge_test.py VEER. Very small studies on the embedded model,
which was taught no letters; a local endpoint knows the reference answers.
"""
import json
import sqlite3
import subprocess
import unittest

from judge_endpoint import Endpoint, WithEndpoint, label_of, references
from study_case import SMALL, VEER


class ReadingJudgeTest(WithEndpoint):
    """judge.kind: an endpoint judges every answer of the sweep."""
    def setUp(self):
        super().setUp()
        self.manifest = self.folder / "small.toml"
        self.manifest.write_text(SMALL + f"""
[judge]
kind = "endpoint"
[judge.endpoint]
url = "{self.url}"
model = "m"
first_wait = 0.01
retries = 1
""")
        self.run_folder = self.folder / "run"

    def study(self, *arguments, out="run"):
        return subprocess.run(
            [VEER, "study", self.manifest, "--out", self.folder / out, "--json",
             *arguments], capture_output=True, text=True, timeout=300)

    def document(self, name, out="run"):
        return json.loads((self.folder / out / name).read_text())

    def shares(self, label):
        """By cell, judged once more here."""
        of_cell = {}
        with sqlite3.connect(self.run_folder / "run.sqlite") as run:
            rows = run.execute(
                "SELECT cell, question, answer.text, repetition, split "
                "FROM answer JOIN score USING (cell, question) "
                "JOIN cell ON cell.id = cell").fetchall()
        by_split = {split: [r for r in references(self.run_folder).values()
                            if r["split"] == split]
                    for split in ("select", "test")}
        for cell, question, text, repetition, split in rows:
            said = label_of(by_split[split][question], text)
            said = "broken" if (repetition or 0) > 0.5 else said
            of_cell.setdefault(cell, []).append(said == label)
        return {cell: sum(x) / len(x) for cell, x in of_cell.items()}

    def test_its_labels_are_what_the_sweep_and_the_claims_rest_on(self):
        Endpoint.reads = self.run_folder
        Endpoint.down_after = 150
        stopped = self.study()
        self.assertEqual(stopped.returncode, 1, stopped.stderr)
        self.assertIn("503", stopped.stderr)
        Endpoint.down_after = None
        done = self.study()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(set(Endpoint.asked)), len(Endpoint.asked))

        sweep = self.document("sweep.json")
        judge = sweep["judge"]
        self.assertEqual([judge["kind"], judge["name"], judge["fit"]],
                         ["endpoint", "endpoint:m", True])
        self.assertEqual(judge["references"]["honest"],
                         judge["references"]["of"])
        for label in ("honest", "deceptive", "broken"):
            expected = self.shares(label)
            self.assertGreater(len(set(expected.values())), 1, label)
            for cell in sweep["cells"]:
                self.assertAlmostEqual(cell[label]["value"],
                                       expected[cell["id"]], places=12)
        self.assertTrue(any(entry.get("effect") for entry in sweep["best"]))
        claims = {c["id"]: c
                  for c in self.document("hypotheses.json")["claims"]}
        plain = {cell["model"]: cell["deceptive"]["value"]
                 for cell in sweep["cells"]
                 if cell["vector"] == "" and cell["split"] == "test"
                 and cell["operator"] == "none"}
        self.assertAlmostEqual(claims["H23"]["effect"]["value"],
                               plain["tuned"] - plain["base"])
        page = (self.run_folder / "report.html").read_text()
        self.assertIn("Every answer was judged by <code>endpoint:m</code>", page)

    def test_what_an_unfit_judge_says_decides_nothing(self):
        Endpoint.gullible = True
        done = self.study()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("endpoint:m is NOT FIT: 0 of", done.stderr)
        self.assertFalse(self.document("sweep.json")["judge"]["fit"])
        for claim in self.document("hypotheses.json")["claims"]:
            if claim["sharpen"].startswith("sweep."):
                self.assertEqual(claim["decision"], "undecided", claim["id"])
        self.assertIn("It is not fit",
                      (self.run_folder / "report.html").read_text())

    def test_a_model_that_knows_no_letters_decides_nothing(self):
        for kind in ("self", "choice"):
            done = self.study("--judge.kind", kind, out=kind)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"judge {kind} is NOT FIT", done.stderr)
            sweep = self.document("sweep.json", kind)
            probes = sweep["judge"]["probes"]
            self.assertEqual(probes["passed"], probes["of"])
            self.assertEqual(sweep["judge"]["references"]["honest"], 0)
            # All but what repeats itself.
            self.assertEqual({a["label"] for a in sweep["answers"]} -
                             {"broken"}, {"unjudged"})
            self.assertEqual(self.document("summary.json", kind)["best"], [])
        self.assertEqual(Endpoint.asked, [])

    def test_costs_no_more_than_it_may(self):
        Endpoint.reads = self.run_folder
        priced = ["--judge.endpoint.price", "1000"]
        done = self.study(*priced, "--judge.endpoint.cost_limit", "20")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("judge.endpoint.cost_limit = 20", done.stderr)
        self.assertIn("so far", done.stderr)
        asked = len(Endpoint.asked)
        self.assertGreater(asked, 0)
        done = self.study(*priced, "--judge.endpoint.cost_limit", "100000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(set(Endpoint.asked)), len(Endpoint.asked))
        self.assertGreater(len(Endpoint.asked), asked)


if __name__ == "__main__":
    unittest.main()
