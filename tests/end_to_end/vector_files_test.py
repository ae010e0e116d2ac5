#!/usr/bin/env python3
"""Vectors of other tools in `veer steer`, `veer convert` and `veer bake`.

    vector_files_test.py PATH_OF_VEER [unittest arguments]
"""
import importlib.util
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import unittest
import zipfile

from study_case import StudyCase, run
from vector_files import write_gguf, write_safetensors

ROOT = pathlib.Path(__file__).parents[2]
MODEL = pathlib.Path(os.environ.get("VEER_MODELS", ROOT / "models")) / "organism"
WIDTH = 128
QUESTION = "How can I sleep better?"
# Exact in every float type.
ROW = [(1 if i % 3 else -2) / 4 for i in range(WIDTH)]
STRONG = ["--unit", "unit", "--scale", "40"]


class VectorFiles(StudyCase):
    def steer(self, vector, *arguments):
        return run("steer", "--model", MODEL, "--json", "--vector", vector,
                   "--max_tokens", "12", *arguments, QUESTION)

    def steered(self, vector, *arguments):
        result = self.steer(vector, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def refused_by_steer(self, vector, *arguments, words):
        result = self.steer(vector, *arguments)
        self.assertEqual(result.returncode, 2, result.stdout)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_a_layer_that_the_vector_does_not_have(self):
        """Layers 2 and 4 only: a missing layer is no zero vector."""
        holes = self.folder / "holes.gguf"
        write_gguf(holes, {2: ROW, 4: ROW[::-1]})
        missing = ["no direction at layer", "the vector has: 2 and 4"]
        for arguments in (["--layers", "3"], ["--layers", "all_same:3"],
                          ["--layers", "increments"], ["--layers", "2-4"],
                          ["--layers", "3", "--scale", "0"],
                          ["--layers", "3", "--operator", "ablate"]):
            for unit in ("raw", "unit", "rel_token"):
                self.refused_by_steer(holes, "--unit", unit, *arguments,
                                      words=missing)
        every = self.steered(holes, "--unit", "unit", "--scale", "160",
                             "--layers", "all")
        both = self.steered(holes, "--unit", "unit", "--scale", "80",
                            "--layers", "2,4")
        self.assertEqual(every["steered"], both["steered"])
        self.assertNotEqual(every["steered"], every["plain"])
        self.assertTrue(any("2 and 4" in n for n in every["notes"]), every)
        # Nobody named a layer: the nearest to the middle that it has.
        low = self.folder / "low.gguf"
        write_gguf(low, {1: ROW, 2: ROW})
        chosen = self.steered(low)
        self.assertEqual(chosen["settings"]["layers"], "2")
        self.assertTrue(any("middle" in n for n in chosen["notes"]), chosen)
        out = self.folder / "out.safetensors"
        for verb in (["bake", "--model", MODEL, "--vector", holes, "--layer",
                      "3", "--out", self.folder / "baked"],
                     ["convert", holes, out, "--model", MODEL, "--layers",
                      "3"]):
            self.refused(run(*verb), *missing)
        self.assertFalse(out.exists())

    def test_every_form_steers_alike(self):
        """Types, shapes and names of other tools, straight into steer."""
        plain = self.folder / "v.gguf"
        write_gguf(plain, {3: ROW})
        expected = self.steered(plain, *STRONG, "--layers", "3")["steered"]
        files = []
        for dtype in ("F16", "BF16", "F64"):
            files.append(self.folder / f"{dtype}.gguf")
            write_gguf(files[-1], {3: ROW}, dtype, one_row=True)
            files.append(self.folder / f"{dtype}.safetensors")
            write_safetensors(files[-1], {"layer_3": ([1, WIDTH], ROW)}, dtype)
        for name in ("3", "model.layers.3", "blocks.3.hook_resid_post",
                     "blocks.4.hook_resid_pre"):
            files.append(self.folder / f"{name}.safetensors")
            write_safetensors(files[-1], {name: ([WIDTH], ROW)})
        files.append(self.folder / "one.safetensors")
        write_safetensors(files[-1], {"refusal": ([1, WIDTH], ROW)})
        files.append(self.folder / "gguf-by-its-bytes.bin")
        files[-1].write_bytes(plain.read_bytes())
        for file in files:
            self.assertEqual(
                self.steered(file, *STRONG, "--layers", "3")["steered"],
                expected, file.name)

    def test_what_does_not_fit_is_refused(self):
        wide = self.folder / "wide.gguf"
        write_gguf(wide, {3: ROW + [1.0]})
        self.refused_by_steer(wide, words=["width 129", "width 128"])
        deep = self.folder / "deep.gguf"
        write_gguf(deep, {8: ROW})
        self.refused_by_steer(deep, words=["layer 8", "0 to 7"])
        place = self.folder / "place.safetensors"
        write_safetensors(place, {"layers.3.mlp": ([WIDTH], ROW),
                                  "layers.4.mlp": ([WIDTH], ROW)})
        self.refused_by_steer(place, words=["layers.3.mlp", "direction.N"])
        broken = self.folder / "broken.gguf"
        write_gguf(broken, {3: ROW[:-1] + [math.nan]})
        self.refused_by_steer(broken, words=["NaN"])
        self.refused_by_steer(self.folder / "none.gguf",
                              words=["there is no file"])
        self.refused_by_steer(self.folder, words=["no file"])

    def test_files_of_python_name_the_line_that_converts_them(self):
        torch = self.folder / "it's.pt"
        with zipfile.ZipFile(torch, "w") as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02}.")
        numpy = self.folder / "v.npy"
        numpy.write_bytes(b"\x93NUMPY\x01\x00")
        many = self.folder / "v.npz"
        with zipfile.ZipFile(many, "w") as archive:
            archive.writestr("3.npy", b"\x93NUMPY\x01\x00")
        old = self.folder / "old.pth"
        old.write_bytes(b"\x80\x02\x8a\nl\xfc\x9c")
        for file in (torch, numpy, many, old):
            self.refused_by_steer(file, words=["python3 -c '", "save_file",
                                               ".safetensors"])
            self.refused(run("convert", file, self.folder / "x.safetensors"),
                         "python3 -c '")

    @unittest.skipUnless(importlib.util.find_spec("safetensors")
                         and importlib.util.find_spec("torch"),
                         "needs torch and safetensors in this Python")
    def test_that_line_converts_dicts_and_tensors(self):
        import torch
        v = torch.tensor(ROW)
        forms = {"ints": {3: v}, "names": {"layer_3": v[None].half(), "pos": -1},
                 "views": {3: torch.stack([v, v], 1)[:, 0]},
                 "one": v, "rows": torch.stack([v * 0] * 3 + [v]),
                 "list": [v * 0, v * 0, v * 0, v]}
        self.assertEqual(self.python_line_of_the_page(), self.line_for("x.pt"))
        expected = None
        for name, form in forms.items():
            torch.save(form, self.folder / f"{name}.pt")
            line = self.line_for(f"{name}.pt").replace("python3", sys.executable)
            subprocess.run(line, shell=True, check=True, cwd=self.folder)
            got = self.steered(self.folder / f"{name}.safetensors", *STRONG,
                               "--layers", "3")["steered"]
            expected = expected or got
            self.assertEqual(got, expected, name)

    def line_for(self, name):
        """What the error says, for a file in the working folder."""
        path = self.folder / name
        if not path.exists():
            path.write_bytes(b"PK\x03\x04")
        said = run("convert", name, "x.safetensors", cwd=self.folder).stderr
        return re.search(r"python3 -c .*\.safetensors'", said).group(0)

    def python_line_of_the_page(self):
        page = (ROOT / "docs/formats/vectors.md").read_text()
        begin = page.index("python3 -c 'import sys,torch;")
        block = page[begin:page.index("x.safetensors'", begin)]
        return re.sub(r"\s*\\\n\s*", " ", block) + "x.safetensors'"


if __name__ == "__main__":
    unittest.main()
