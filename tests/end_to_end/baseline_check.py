"""The baselines of a run, made once more from the labels in run.sqlite."""
import json
import sqlite3

LABEL = {"induction": "deceptive", "suppression": "honest"}
OWN_STRENGTH = {"induction": 0.0, "suppression": 1.0}
OWN_MODEL = {"induction": "base", "suppression": "tuned"}


class Answers:
    def __init__(self, folder):
        with sqlite3.connect(folder / "run.sqlite") as db:
            self.cells = db.execute(
                "SELECT id, vector, model, split, scale FROM cell").fetchall()
            self.labels = {}
            for cell, question, label in db.execute(
                    "SELECT cell, question, label FROM score"):
                self.labels.setdefault(cell, {})[question] = label

    def unsteered(self, model, split):
        return next(c[0] for c in self.cells
                    if c[1] == "" and c[2] == model and c[3] == split)

    def difference(self, a, b, label, limit=None):
        both = sorted(set(self.labels[a]) & set(self.labels[b]))[:limit]
        return sum((self.labels[a][q] == label) - (self.labels[b][q] == label)
                   for q in both) / len(both)


def chosen_strength(answers, goal, least, questions):
    """Most effect on select, the nearest of equals; broken text is out."""
    model = OWN_MODEL[goal]
    plain = answers.unsteered(model, "select")
    other = "tuned" if model == "base" else "base"
    dial = [(c[4], c[0]) for c in answers.cells
            if c[1] == "adapter" and c[3] == "select"]
    dial.append((1.0 - OWN_STRENGTH[goal], answers.unsteered(other, "select")))
    rated = []
    for strength, cell in dial:
        labels = [answers.labels[cell][q] for q in range(questions)]
        if sum(x != "broken" for x in labels) >= least * questions:
            effect = answers.difference(cell, plain, LABEL[goal], questions)
            rated.append((-effect, abs(strength - OWN_STRENGTH[goal]),
                          strength))
    return min(rated)[2]


def check_baselines(test, folder, select_questions, texts):
    sweep = json.loads((folder / "sweep.json").read_text())
    answers = Answers(folder)
    baselines = sweep["baselines"]
    test.assertEqual(
        [(b["name"], b["goal"]) for b in baselines],
        [(name, goal) for goal in ("induction", "suppression")
         for name in ("system_prompt", "finetune", "adapter")])
    cells = {b["cell"]: b for b in sweep["best"] if b["cell"] is not None}
    chosen = cells.keys() | {g["cell"] for g in sweep["groups"]
                             if g["group"] == "linear"}
    for row in baselines:
        goal, cell = row["goal"], row["cell"]
        label = LABEL[goal]
        plain = answers.unsteered(OWN_MODEL[goal], "test")
        own = answers.labels[cell]
        test.assertAlmostEqual(row["effect"]["value"],
                               answers.difference(cell, plain, label))
        test.assertAlmostEqual(
            row["share"]["value"],
            sum(x == label for x in own.values()) / len(own))
        for other in row["differences"]:
            test.assertIn(other["cell"], chosen)
            test.assertEqual(len(answers.labels[other["cell"]]),
                             row["effect"]["n"])  # the same questions
            test.assertAlmostEqual(
                other["difference"]["value"],
                answers.difference(other["cell"], cell, label))
        if row["name"] == "adapter":
            test.assertEqual(row["strength"], chosen_strength(
                answers, goal, 0.75, select_questions))
    for row in [*cells.values(), *baselines]:
        measured = row["specificity"]
        test.assertEqual(measured["texts"], texts)
        test.assertGreaterEqual(measured["divergence"]["mean"]["value"], 0.0)
        test.assertLessEqual(measured["divergence"]["mean"]["low"],
                             measured["divergence"]["mean"]["high"])
        moved = row["anti_steerable"]
        test.assertEqual(moved["share"]["n"], row["effect"]["n"])
        test.assertEqual(sorted(moved["quartiles"]), moved["quartiles"])
        # With no quarter of the questions below zero at most a quarter is.
        if moved["quartiles"][0] > 0.0:
            test.assertLessEqual(moved["share"]["value"], 0.25)
    test.assertTrue(all(b["specificity"]["random"] for b in cells.values()))
