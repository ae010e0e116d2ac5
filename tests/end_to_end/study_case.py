"""What the tests of whole studies share: a very small manifest on the embedded
organism, and the program, PATH_OF_VEER of the command line.
"""
import hashlib
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

VEER = str(pathlib.Path(sys.argv.pop(1)).resolve())
SMALL = """
[run]
threads = 1
[dataset]
questions = 45
min_split = 2
train = 0.4
extract = 0.25
select = 0.15
test = 0.2
[finetune]
rank = 4
steps = 6
batch = 4
evaluate_every = 3
checkpoint_every = 2
[compare]
random_draws = 50
split_halves = 10
[sweep]
layers = ["2", "all"]
rel_scales = [0.5, 2.0]
unit_scales = [4.0]
raw_scales = []
questions = 3
select_questions = 2
best_questions = 4
best_random = 20
best_covariance = 2
random_questions = 2
max_tokens = 10
"""
# Bytes that must not depend on how often a run was killed.
STABLE = ["dataset/questions.jsonl", "dataset/rejected.jsonl",
          "dataset/check.json", "adapter/adapter_config.json",
          "adapter/adapter_model.safetensors", "comparison.json",
          "sweep.json", "hypotheses.json", "manifest.toml"]


def run(*arguments, timeout=600, **options):
    return subprocess.run([VEER, *map(str, arguments)], capture_output=True,
                          text=True, timeout=timeout, **options)


def contents(folder):
    """What a run folder ends with: hashes of files, rows of tables."""
    names = STABLE + sorted(
        str(p.relative_to(folder))
        for part in ("vectors", "adapter/seeds", "adapter/controls")
        for p in (folder / part).rglob("*.safetensors"))
    found = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest()
             for n in names}
    with sqlite3.connect(folder / "run.sqlite") as db:
        for table in ("cell", "answer", "score"):
            found[table] = db.execute(
                f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    return found


class StudyCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="veer_e2e_"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.manifest = self.folder / "small.toml"
        self.manifest.write_text(SMALL)

    def study(self, *arguments, out="run", verb="study", **options):
        return run(verb, self.manifest, "--out", self.folder / out,
                   "--quiet", *arguments, **options)

    def refused(self, result, *words, code=2):
        self.assertEqual(result.returncode, code, result.stderr)
        lines = result.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("veer: "), lines[0])
        for word in words:
            self.assertIn(word, lines[0])
