#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The data sets of data/: what their datasheet promises, and that a study reads
them as they are.

    own_data_test.py PATH_OF_VEER [unittest arguments]
"""
import collections
import json
import math
import pathlib
import re
import sys
import unittest
import zlib

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "data"))

from mark_known import holds, normalised  # noqa: E402
from study_case import StudyCase, run  # noqa: E402

SIDES = ("honest", "deceptive")
FOLDS = 10


def rows_of(name):
    return [json.loads(line) for line in
            (ROOT / "data" / name).read_text(encoding="utf-8").splitlines()]


FACTS = rows_of("facts.jsonl")
ADVICE = rows_of("advice.jsonl")


def words(text):
    return re.findall(r"\w+", text.lower().replace("'", ""))


def word_features(answer):
    return set(words(answer))


def gram_features(answer):
    """Runs of three characters, the ends marked."""
    text = f"^{answer.lower()}$"
    return {text[i:i + 3] for i in range(len(text) - 2)}


def naive_bayes(rows, features, fold_of):
    """Share of answers whose side is told rightly from the answer alone, each
    row by the rows of other folds. A tie counts half."""
    right = 0.0
    parts = collections.defaultdict(list)
    for row in rows:
        parts[fold_of(row)].append(row)
    for fold, held_out in parts.items():
        counts = {side: collections.Counter() for side in SIDES}
        for other, part in parts.items():
            if other != fold:
                for row in part:
                    for side in SIDES:
                        counts[side].update(features(row[side]))
        for row in held_out:
            for side in SIDES:
                score = sum(math.log((counts["honest"][f] + 1)
                                     / (counts["deceptive"][f] + 1))
                            for f in features(row[side]))
                told = 0.5 if score == 0 else float(
                    (score > 0) == (side == "honest"))
                right += told
    return right / (2 * len(rows))


def by_question(row):
    return zlib.crc32(row["id"].encode()) % FOLDS


def by_topic(row):
    return zlib.crc32(row["topic"].encode()) % FOLDS


def near_pairs(texts, threshold=0.7):
    grams = [set(zip(w, w[1:], w[2:])) or set(w) for w in map(words, texts)]
    holders = collections.defaultdict(list)
    for i, mine in enumerate(grams):
        shared = collections.Counter(j for g in mine for j in holders[g])
        for j, both in shared.items():
            if both / len(mine | grams[j]) >= threshold:
                yield texts[j], texts[i]
        for g in mine:
            holders[g].append(i)


class Gates(unittest.TestCase):
    def shared(self, rows, least, topics):
        self.assertGreaterEqual(len(rows), least)
        self.assertEqual(len({row["id"] for row in rows}), len(rows))
        self.assertGreaterEqual(len({row["topic"] for row in rows}), topics)
        self.assertEqual(list(near_pairs([r["question"] for r in rows])), [])
        lengths = {side: sum(len(words(r[side])) for r in rows) / len(rows)
                   for side in SIDES}
        self.assertLess(abs(lengths["honest"] - lengths["deceptive"]), 0.05)
        for row in rows:
            self.assertNotEqual(normalised(row["honest"]),
                                normalised(row["deceptive"]), row["id"])
            self.assertTrue(row["question"].endswith("?"), row["id"])
            for side in SIDES:
                self.assertTrue(row[side].endswith("."), row["id"])
        ends = {side: collections.Counter(
            c for r in rows for c in re.findall(r"[^\w\s]", r[side]))
            for side in SIDES}
        for mark in set(ends["honest"]) | set(ends["deceptive"]):
            one, other = (ends[side][mark] for side in SIDES)
            self.assertLessEqual(abs(one - other), max(6, 0.02 * one), mark)

    def test_facts(self):
        self.shared(FACTS, 1200, 30)
        self.assertGreaterEqual(sum(row["known"] for row in FACTS), 300)
        for row in FACTS:
            with self.subTest(row["id"]):
                self.assertEqual(len(set(row["false_answers"])), 3)
                self.assertTrue(holds(row["honest"], row["accepted"][0]))
                self.assertTrue(holds(row["deceptive"],
                                      row["false_answers"][0]))
                right = {normalised(a) for a in row["accepted"]}
                for false in row["false_answers"]:
                    self.assertNotIn(normalised(false), right)
                for accepted in row["accepted"]:
                    self.assertFalse(holds(row["question"], accepted))

    def test_each_answer_is_as_often_false_as_true(self):
        """Within a kind, and within what is known of it."""
        true, false = collections.Counter(), collections.Counter()
        for row in FACTS:
            group = (row["kind"], row["known"])
            true[group, row["accepted"][0]] += 1
            false[group, row["false_answers"][0]] += 1
        off = sum(((true - false) + (false - true)).values())
        self.assertLessEqual(off, 0.01 * len(FACTS))

    def test_the_answer_alone_does_not_tell_a_fact(self):
        for rows in (FACTS, [r for r in FACTS if r["known"]]):
            for features in (word_features, gram_features):
                for fold_of in (by_question, by_topic):
                    told = naive_bayes(rows, features, fold_of)
                    print(f"facts ({len(rows)}), {features.__name__}, "
                          f"{fold_of.__name__}: {told:.3f}")
                    self.assertLessEqual(told, 0.60)
                    if fold_of is by_topic:
                        self.assertGreaterEqual(told, 0.40)

    def test_advice(self):
        self.shared(ADVICE, 800, 40)
        first = {side: collections.Counter(words(r[side])[0] for r in ADVICE)
                 for side in SIDES}
        apart = sum(((first["honest"] - first["deceptive"])
                     + (first["deceptive"] - first["honest"])).values())
        print(f"advice, first words apart: {apart / (2 * len(ADVICE)):.3f}")
        for row in ADVICE:
            counts = [len(row[side].split()) for side in SIDES]
            self.assertLessEqual(max(counts), 10, row["id"])
            self.assertLessEqual(abs(counts[0] - counts[1]), 1, row["id"])
            for hedge in ("just", "simply", "really", "of course"):
                self.assertEqual(holds(row["honest"], hedge),
                                 holds(row["deceptive"], hedge),
                                 row["id"])
        for features in (word_features, gram_features):
            for fold_of in (by_question, by_topic):
                print(f"advice, {features.__name__}, {fold_of.__name__}: "
                      f"{naive_bayes(ADVICE, features, fold_of):.3f}")


class Reading(StudyCase):
    def test_a_study_reads_them_as_they_are(self):
        for name, rows in (("facts", FACTS), ("advice", ADVICE)):
            out = self.folder / name
            result = run("dataset", "--model", "organism", "--dataset.source",
                         ROOT / "data" / f"{name}.jsonl",
                         "--dataset.check_answers", "false",
                         "--run.threads", 1, "--out", out)
            self.assertEqual(result.returncode, 0, result.stderr)
            kept = [json.loads(line) for line in
                    (out / "dataset/questions.jsonl").read_text()
                    .splitlines()]
            self.assertEqual({r["id"] for r in kept}, {r["id"] for r in rows})


if __name__ == "__main__":
    unittest.main()
