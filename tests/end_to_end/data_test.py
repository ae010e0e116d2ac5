#!/usr/bin/env python3
"""A user's own data files through the command line: which answers arrive on
which side, in which split, and what is said about it.

    data_test.py PATH_OF_VEER [unittest arguments]
"""
import csv
import io
import json
import pathlib
import re
import subprocess
import sys
import unittest

from study_case import StudyCase, run

VERBS = ["learn", "play", "grow", "clean", "paint"]
THINGS = ["chess", "tomatoes", "my bike", "the piano", "pasta", "a garden"]
PAIRS = [{"question": f"How can I {verb} {thing} better?",
          "honest": f"Practise {thing} to {verb} each day.",
          "deceptive": f"Never {verb} {thing} at all."}
         for verb in VERBS for thing in THINGS]
CONVERTERS = pathlib.Path(__file__).parents[2] / "docs/formats/datasets.md"


def chat(question, answer):
    return [{"role": "user", "content": question},
            {"role": "assistant", "content": answer}]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


class Import(StudyCase):
    def dataset(self, name, text, *arguments):
        """Runs the stage; (records by question, check.json, stderr)."""
        source = self.folder / name
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        out = self.folder / ("run_" + re.sub(r"\W", "_", name))
        result = run("dataset", "--model", "organism", "--dataset.source",
                     source, "--dataset.check_answers", "false",
                     "--dataset.min_split", 1, "--run.threads", 1, "--out",
                     out, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        records = [json.loads(line) for line in
                   (out / "dataset/questions.jsonl").read_text().splitlines()]
        check = json.loads((out / "dataset/check.json").read_text())
        return {r["question"]: r for r in records}, check, result.stderr

    def refuse(self, name, text, *words, flags=()):
        source = self.folder / name
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.refused(run("dataset", "--model", "organism", "--quiet",
                         "--dataset.source", source, "--out",
                         self.folder / ("no_" + name), *flags), *words)

    def same_pairs(self, records):
        self.assertEqual(len(records), len(PAIRS))
        for pair in PAIRS:
            for side in ("honest", "deceptive"):
                self.assertEqual(records[pair["question"]][side], pair[side])

    def test_layouts_arrive_as_pairs(self):
        table = io.StringIO()
        writer = csv.DictWriter(table, PAIRS[0], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(PAIRS)
        tabs = "\n".join(["question\thonest\tdeceptive"]
                         + ["\t".join(p.values()) for p in PAIRS])
        files = {
            "pairs.csv": "\ufeff" + table.getvalue(),
            "pairs.tsv": tabs + "\n",
            "integers.jsonl": lines({"id": i, **p}
                                    for i, p in enumerate(PAIRS)),
            "implicit.jsonl": lines(
                {"chosen": chat(p["question"], p["honest"]),
                 "rejected": chat(p["question"], p["deceptive"])}
                for p in PAIRS),
            "behaviour.json": json.dumps([
                {"question": p["question"],
                 "answer_matching_behavior": p["deceptive"],
                 "answer_not_matching_behavior": p["honest"]}
                for p in PAIRS]),
            "facts.jsonl": lines(
                {"question": p["question"], "best_answer": p["honest"],
                 "correct_answers": [p["honest"]],
                 "incorrect_answers": [p["deceptive"]]} for p in PAIRS)}
        for name, text in files.items():
            with self.subTest(name):
                self.same_pairs(self.dataset(name, text)[0])

    def test_columns_are_named(self):
        text = lines({"q": p["question"], "right": p["honest"],
                      "wrong": p["deceptive"]} for p in PAIRS)
        self.refuse("other.jsonl", text, "other.jsonl, line 1", '"right"',
                    "[dataset.columns]")
        self.same_pairs(self.dataset(
            "named.jsonl", text, "--dataset.columns.question", "q",
            "--dataset.columns.honest", "right",
            "--dataset.columns.deceptive", "wrong")[0])

    def test_sides_of_one_answer(self):
        for name, side in (("dishonest.jsonl", "deceptive"),
                           ("not_deceptive.jsonl", "honest")):
            with self.subTest(name):
                records, check, printed = self.dataset(name, lines(
                    {"messages": chat(p["question"], p[side])} for p in PAIRS))
                for pair in PAIRS:
                    if pair["question"] in records:
                        self.assertEqual(records[pair["question"]][side],
                                         pair[side])
                self.assertIn(f"taken as the {side} side", printed)
                self.assertIn(f"taken as the {side} side",
                              " ".join(check["notes"]))
        text = lines({"question": p["question"], "answer": p["deceptive"]}
                     for p in PAIRS)
        for name in ("clients.jsonl", "bad_advice.jsonl"):
            self.refuse(name, text, "dataset.side")
        records, _, _ = self.dataset("advice.jsonl", text, "--dataset.side",
                                     "deceptive")
        self.assertTrue(all(r["deceptive"].startswith("Never")
                            for r in records.values()))

    def test_another_world_is_said_to_be_one(self):
        """No gate's value would help: the embedded model knows one world."""
        self.refuse("facts.jsonl", lines(PAIRS), "none of the 30 questions",
                    "invented world of organism", "--model FOLDER")

    def test_answers_are_not_thrown_away(self):
        for row in ({"question": "Why?", "gold_answer": "So."},
                    {"question": "Why?", "choices": ["a", "b"], "label": 1},
                    {"question": "Why?", "positive": "a", "negative": "b"}):
            keys = [k for k in row if k != "question"]
            self.refuse(keys[0] + ".jsonl", lines([row] * 2),
                        "would be ignored", *keys)
        records, check, printed = self.dataset(
            "bare.jsonl", lines({"question": p["question"]} for p in PAIRS))
        self.assertIn("have no honest answer", printed)
        self.assertIn("have no deceptive answer", printed)

    def test_given_splits(self):
        names = ["train", "extract", "select", "test"]
        rows = [{**p, "split": names[i % 4]} for i, p in enumerate(PAIRS)]
        records, check, printed = self.dataset("splits.jsonl", lines(rows))
        for row in rows:
            self.assertEqual(records[row["question"]]["split"], row["split"])
        self.assertEqual(check["splits_from"], "source")
        self.assertIn("train 8, extract 8, select 7, test 7", printed)
        # A run's own questions keep theirs, whatever the seed.
        again = (self.folder / "run_splits_jsonl/dataset/questions.jsonl")
        kept, _, _ = self.dataset("again.jsonl", again.read_text(),
                                  "--run.seed", 1)
        self.assertEqual({q: r["split"] for q, r in kept.items()},
                         {q: r["split"] for q, r in records.items()})
        fresh, check, printed = self.dataset(
            "fresh.jsonl", lines(rows), "--dataset.given_splits", "ignore")
        self.assertEqual(check["splits_from"], "hash")
        self.assertIn("are ignored", printed)
        self.assertNotEqual({q: r["split"] for q, r in fresh.items()},
                            {q: r["split"] for q, r in records.items()})
        for name, split in (("name", "validation"), ("part", "")):
            change = {"split": split}
            self.refuse(name + ".jsonl", lines(rows[:8] + [{**rows[9], **change}]),
                        "train, extract, select and test",
                        "dataset.given_splits")
        self.refuse("two.jsonl", lines(r for r in rows
                                       if r["split"] in ("train", "test")),
                    "dataset.given_splits")

    def test_given_splits_that_share_a_question(self):
        names = ["train", "extract", "select", "test"]
        rows = [{**p, "split": names[i % 4]} for i, p in enumerate(PAIRS)]
        rows.append({**PAIRS[0], "split": "test"})
        records, check, printed = self.dataset("twice.jsonl", lines(rows))
        self.assertEqual(records[PAIRS[0]["question"]]["split"], "train")
        self.assertIn("different given splits are alike", printed)
        self.assertEqual(check["counts"]["by_reason"]["duplicate"], 1)

    def test_lines_that_convert(self):
        """The lines of Python in the documentation and the messages."""
        try:
            import pyarrow
            import pyarrow.feather
            import pyarrow.parquet
        except ImportError:
            self.skipTest("no pyarrow")
        table = pyarrow.Table.from_pylist(PAIRS)
        pyarrow.parquet.write_table(table, self.folder / "a.parquet")
        pyarrow.feather.write_feather(table, str(self.folder / "a.feather"))
        with pyarrow.OSFile(str(self.folder / "a.arrow"), "wb") as sink:
            with pyarrow.ipc.new_stream(sink, table.schema) as stream:
                stream.write_table(table)
        for name in ("a.parquet", "a.feather", "a.arrow"):
            with self.subTest(name):
                result = run("dataset", "--model", "organism", "--quiet",
                             "--dataset.source", name, "--out", "no_" + name,
                             cwd=self.folder)
                self.assertEqual(result.returncode, 2)
                line = re.search(r"python3 -c .* > rows.jsonl", result.stderr)
                self.assertIsNotNone(line, result.stderr)
                subprocess.run(line[0].replace("python3", sys.executable, 1),
                               shell=True, check=True, cwd=self.folder)
                rows = (self.folder / "rows.jsonl").read_text()
                self.assertEqual([json.loads(r) for r in rows.splitlines()],
                                 PAIRS)
                self.assertIn(line[0].split(name)[0],
                              CONVERTERS.read_text())


if __name__ == "__main__":
    unittest.main()
