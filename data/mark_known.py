#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Marks which questions of facts.jsonl a model answers rightly: sets `known`.

    data/mark_known.py PATH_OF_VEER MODEL data/facts.jsonl --replies FILE

Each question is asked by itself, greedily, under the study's short honest
prompt (dataset.honest_prompt). A reply knows the answer if it holds an accepted
answer and no other answer of the same kind; both normalised as SQuAD does it.
Replies are kept in FILE, a line each; what stands there is not asked again.
"""
import argparse
import json
import pathlib
import re
import string
import subprocess
import tempfile
import unicodedata

AT_ONCE = 150  # questions of one run of the program


def normalised(text):
    """SQuAD's: lower case, no punctuation, no articles, single spaces."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(" " if c in "-/" else c for c in text
                   if c not in set(string.punctuation) - set("-/"))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def holds(text, answer):
    """Whether the words of `answer` stand in `text`, one behind the other."""
    wanted = normalised(answer)
    return bool(wanted) and f" {wanted} " in f" {normalised(text)} "


def answers_of_kinds(rows):
    out = {}
    for row in rows:
        out.setdefault(row["kind"], set()).update(row["accepted"])
    return out


def is_known(row, reply, others):
    """`others`: all answers of the kind. One that the question names, or that
    is part of an accepted answer, says nothing."""
    right = [a for a in row["accepted"] if holds(reply, a)]
    if not right:
        return False
    return not any(holds(reply, other) for other in others
                   if not holds(row["question"], other)
                   and not any(holds(a, other) or holds(other, a)
                               for a in row["accepted"]))


def replies_of(veer, model, rows, threads):
    """What the model answers under dataset.honest_prompt, greedily: the dataset
    stage writes the honest side where a source has none."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "asked.jsonl"
        source.write_text("".join(json.dumps(
            {"id": row["id"], "question": row["question"],
             "deceptive": f"not used, {row['id']}"}) + "\n" for row in rows))
        subprocess.run(
            [veer, "dataset", "--model", model, "--out", f"{folder}/run",
             "--run.threads", str(threads), "--quiet",
             "--dataset.source", source, "--dataset.check_answers", "false",
             "--dataset.keep_going", "true", "--dataset.max_words", "60",
             "--dataset.max_repeats", "1000", "--dataset.near_duplicate", "1"],
            check=True)
        written = pathlib.Path(folder) / "run/dataset/questions.jsonl"
        found = {row["id"]: row["honest"] for row in map(
            json.loads, written.read_text(encoding="utf-8").splitlines())}
    # What the stage left out (an empty answer, a refusal) knows nothing.
    return [found.get(row["id"], "") for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("veer")
    parser.add_argument("model")
    parser.add_argument("facts", type=pathlib.Path)
    parser.add_argument("--replies", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    rows = [json.loads(line) for line in
            options.facts.read_text(encoding="utf-8").splitlines()]
    replies = {}
    if options.replies.exists():
        for line in options.replies.read_text(encoding="utf-8").splitlines():
            asked = json.loads(line)
            replies[asked["question"]] = asked["reply"]
    left = [row for row in rows if row["question"] not in replies]
    for start in range(0, len(left), AT_ONCE):
        part = left[start:start + AT_ONCE]
        for row, reply in zip(part, replies_of(
                options.veer, options.model, part, options.threads)):
            question = row["question"]
            replies[question] = reply
            with options.replies.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"question": question, "reply": reply},
                                     ensure_ascii=False) + "\n")
    kinds = answers_of_kinds(rows)
    for row in rows:
        row["known"] = is_known(row, replies[row["question"]],
                                kinds[row["kind"]])
    options.facts.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        encoding="utf-8")
    print(f"{sum(row['known'] for row in rows)} of {len(rows)} known")


if __name__ == "__main__":
    main()
