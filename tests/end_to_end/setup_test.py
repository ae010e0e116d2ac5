#!/usr/bin/env python3
"""Which torch the set-up takes, and what is said where it does not fit.

    setup_test.py PATH_OF_VEER PATH_OF_LIBCUDA [unittest arguments]

No GPU: nvidia-smi is a script with the answers of real ones, libcuda.so.1 is
tests/device/fake/driver.cpp.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

VEER, DRIVER = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(2))
ROOT = pathlib.Path(__file__).resolve().parents[2]
NO_DRIVER = ("NVIDIA-SMI has failed because it couldn't communicate with the "
             "NVIDIA driver. Make sure that the latest NVIDIA driver is "
             "installed and running.")


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/usr/bin/env bash\n" + text)
    path.chmod(0o755)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="veer_setup_"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def with_smi(self, text):
        """The environment in which nvidia-smi does that."""
        write_program(self.folder / "bin" / "nvidia-smi", text)
        return {**os.environ,
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}

    def cards(self, *cards):
        """nvidia-smi of cards, each a driver and a compute capability."""
        text = "case $1 in\n"
        for column, query in enumerate(("driver_version", "compute_cap")):
            lines = " ".join(f"'{card[column]}'" for card in cards)
            text += (f"  --query-gpu={query})"
                     f" printf '%s\\n' {lines} ;;\n")
        return self.with_smi(text + "  *) exit 3 ;;\nesac\n")


class Wheel(Case):
    def wheel(self, env):
        done = subprocess.run([ROOT / "tools/torch_wheel.sh"], env=env,
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip(), done.stderr

    def test_no_card_no_word(self):
        env = {**os.environ, "PATH": "/usr/bin:/bin"}
        if not shutil.which("nvidia-smi", path=env["PATH"]):
            self.assertEqual(self.wheel(env), ("cpu", ""))

    def test_by_driver_and_card(self):
        for driver, capability, wheel in (
                ("580.65.06", "7.5", "cu130"),    # T4
                ("581.57", "8.9", "cu130"),       # of Windows, seen from WSL
                ("595.10.01", "12.0", "cu130"),
                ("550.54.15", "7.5", "cu126"),    # Colab's of 2025
                ("570.124.06", "8.0", "cu126"),
                ("525.60.13", "9.0", "cu126"),
                ("580.65.06", "7.0", "cu126"),    # V100
                ("580.65.06", "6.0", "cu126")):
            with self.subTest(driver=driver, capability=capability):
                self.assertEqual(self.wheel(self.cards((driver, capability))),
                                 (wheel, ""))

    def test_what_no_wheel_fits_is_told_of(self):
        for driver, capability, found in (
                ("470.256.02", "7.5", "NVIDIA driver 470.256.02"),
                ("570.124.06", "10.0", "capability 10.0 and NVIDIA driver 570"),
                ("470.256.02", "3.7", "driver 470")):
            with self.subTest(driver=driver):
                wheel, said = self.wheel(self.cards((driver, capability)))
                self.assertEqual(wheel, "cpu")
                for part in ("found: ", found, "expected: ", "remedy: "):
                    self.assertIn(part, said)

    def test_several_cards(self):
        both = self.cards(("580.65.06", "7.0"), ("580.65.06", "9.0"))
        self.assertEqual(self.wheel(both), ("cu126", ""))
        far = self.cards(("580.65.06", "7.0"), ("580.65.06", "12.0"))
        wheel, said = self.wheel(far)
        self.assertEqual(wheel, "cu130")
        self.assertIn("unused", said)

    def test_an_nvidia_smi_that_fails(self):
        wheel, said = self.wheel(self.with_smi(f'echo "{NO_DRIVER}"; exit 9'))
        self.assertEqual(wheel, "cpu")
        self.assertIn("couldn't communicate", said)
        # Some answer with an error and exit code 0.
        wheel, said = self.wheel(self.with_smi('echo "No devices were found"'))
        self.assertEqual(wheel, "cpu")
        self.assertIn("No devices were found", said)

    def test_one_that_does_not_know_capabilities(self):
        env = self.with_smi(
            'case $1 in *driver_version) echo 550.54.15 ;;\n'
            '*) echo \'Field "compute_cap" is not a valid field to query.\';'
            ' exit 2 ;; esac')
        wheel, said = self.wheel(env)
        self.assertEqual(wheel, "cu126")
        self.assertIn("assumed", said)


class Install(Case):
    """tools/setup.sh itself, with a .venv whose pip writes down its calls."""

    def setUp(self):
        super().setUp()
        self.tree = self.folder / "tree"
        shutil.copytree(ROOT / "tools", self.tree / "tools")
        (self.tree / "tools/apt-packages.txt").write_text("[build]\n")
        site = self.tree / ".venv/lib/python3.12/site-packages"
        (site / "vl_convert").mkdir(parents=True)
        self.torch = site / "torch"
        write_program(self.folder / "bin" / "ninja", "exit 0\n")
        write_program(self.folder / "bin" / "cmake",
                      "echo cmake version 3.28.3\n")
        (self.tree / "build").mkdir()
        (self.tree / "build/build.ninja").touch()

    def set_up(self, env, offered):
        """Calls of pip, of an index with these versions and a second one."""
        calls = self.folder / "calls"
        calls.write_text("")
        write_program(
            self.tree / ".venv/bin/python",
            f'echo "$@" >>{calls}\n'
            'for last; do [[ $last == torch==* ]] && wanted=$last; done\n'
            f'for got in {" ".join(offered)}; do\n'
            '  if [[ "$*" == *"$got"* ]]; then\n'
            f'    mkdir -p {self.torch}/lib\n'
            f'    touch {self.torch}/lib/libtorch_cpu.so\n'
            '    exit 0\n  fi\ndone\nexit 1\n')
        done = subprocess.run(["tools/setup.sh"], cwd=self.tree, env=env,
                              capture_output=True, text=True, timeout=30)
        return done, [line.split("check ", 1)[1]
                      for line in calls.read_text().splitlines()]

    def test_the_usual_index_has_cuda_13(self):
        done, calls = self.set_up(self.cards(("580.65.06", "7.5")),
                                  ["torch===2.13.0"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(calls, ["torch==2.13.0+cu130", "torch===2.13.0"])

    def test_an_older_driver_takes_torchs_own_index(self):
        env = {**self.cards(("550.54.15", "7.5")),
               "VEER_TORCH_INDEX": "file:///no/index"}
        done, calls = self.set_up(env, ["file:///no/index/cu126"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(calls[-1], "torch==2.13.0+cu126 --retries 1 "
                         "--extra-index-url file:///no/index/cu126")
        # Never another one in silence: it would not run.
        shutil.rmtree(self.torch)
        done, calls = self.set_up(env, [])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("remedy: VEER_TORCH_INDEX", done.stderr)

    def test_without_a_card_any_torch_will_do(self):
        env = {**os.environ, "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
               "VEER_TORCH_INDEX": "file:///no/index"}
        done, calls = self.set_up(env, ["torch===2.13.0"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(calls), 3)

    def test_a_python_that_cannot_make_a_venv_is_passed_over(self):
        shutil.rmtree(self.tree / ".venv")
        write_program(self.folder / "bin" / "python3", "exit 1\n")
        env = {**os.environ, "VEER_TORCH": "/there",
               "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        site = ".venv/lib/python3.12/site-packages/vl_convert"
        (self.tree / site).mkdir(parents=True)
        done = subprocess.run(["tools/setup.sh"], cwd=self.tree, env=env,
                              capture_output=True, text=True, timeout=120)
        self.assertTrue((self.tree / ".venv/bin/python").exists(), done.stderr)

    def test_an_old_distribution_is_told_of(self):
        write_program(self.folder / "bin" / "cmake",
                      "echo cmake version 3.22.1\n")
        done, calls = self.set_up(self.cards(("580.65.06", "7.5")), [])
        self.assertEqual((done.returncode, calls), (1, []))
        for part in ("found: cmake 3.22.1", "expected: 3.25", "remedy: "):
            self.assertIn(part, done.stderr)

    def test_a_card_that_came_later(self):
        (self.torch / "lib").mkdir(parents=True)
        (self.torch / "lib/libtorch_cpu.so").touch()
        for have, driver, says in (("cpu", "550.54.15", "cu126"),
                                   ("cu130", "550.54.15", "cu126"),
                                   ("cu126", "580.65.06", None),
                                   ("cu130", "580.65.06", None)):
            (self.torch / "version.py").write_text(
                f"__all__ = ['__version__']\n__version__ = '2.13.0+{have}'\n")
            done, calls = self.set_up(self.cards((driver, "7.5")), [])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(calls, [])
            if says:
                self.assertIn(f"built for {have}", done.stderr)
                self.assertIn(f"expected: {says}", done.stderr)
                self.assertIn("rm -rf .venv", done.stderr)
            else:
                self.assertEqual(done.stderr, "")


class AtTheStart(Case):
    """The program itself, whose torch may be one for CPUs."""

    def run_veer(self, driver, *arguments):
        env = {**os.environ, "LD_LIBRARY_PATH": str(DRIVER.parent),
               "VEER_FAKE_DRIVER": driver}
        return subprocess.run([VEER, *map(str, arguments)], env=env,
                              capture_output=True, text=True, timeout=120)

    def setUp(self):
        super().setUp()
        if list((ROOT / ".venv").glob("lib/*/site-packages/torch/lib/"
                                      "libtorch_cuda.so")):
            self.skipTest("torch here is built for CUDA: it asks the driver")
        self.ids = self.folder / "ids.json"
        self.ids.write_text("[[3, 1, 4]]")

    def logits(self, driver, device):
        return self.run_veer(driver, "logits", "--model", "organism", "--ids",
                             self.ids, "--out", self.folder / "o.safetensors",
                             "--device", device)

    def test_device_cuda_says_why_not(self):
        done = self.logits("12040 0 1 75", "cuda")
        self.assertEqual(done.returncode, 2, done.stderr)
        for part in ("up to CUDA 12.4", "built for CPUs", "expected torch for "
                     "CUDA, or --device cpu", "Remedy: delete .venv"):
            self.assertIn(part, " ".join(done.stderr.split()))

    def test_device_auto_does_not_leave_a_card_in_silence(self):
        done = self.logits("12040 0 1 75", "auto")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("runs on the CPU: there is an NVIDIA card",
                      " ".join(done.stderr.split()))

    def test_the_doctor_marks_it(self):
        done = self.run_veer("12040 0 1 75", "doctor", "--json")
        gpu = [finding for finding in json.loads(done.stdout)["findings"]
               if finding["name"] == "gpu"][0]
        self.assertFalse(gpu["ok"])
        self.assertIn("CUDA 12.4", gpu["text"])
        self.assertIn(".venv", gpu["remedy"])



class CloudPage(unittest.TestCase):
    """What docs/cloud.md has people paste: nothing of it is run here."""

    def setUp(self):
        blocks = (ROOT / "docs/cloud.md").read_text().split("```\n")[1::2]
        shells = [b.removeprefix("%%bash\n") for b in blocks
                  if re.match(r"%%bash|git |cd |wsl ", b)]
        self.assertGreaterEqual(len(shells), 6)
        self.text = "\n".join(shells)

    def test_it_is_shell_without_blanks_to_fill(self):
        done = subprocess.run(["bash", "-n"], input=self.text, text=True,
                              capture_output=True)
        self.assertEqual(done.stderr, "")
        self.assertNotRegex(self.text, r"\bURL\b|<[a-z]+>|\.\.\.")

    def test_its_commands_are_there(self):
        lines = self.text.replace("\\\n", " ").splitlines()
        studies = [line.split("#")[0].split() for line in lines
                   if line.startswith("./veer study")]
        self.assertGreaterEqual(len(studies), 4)
        for _, *words in studies:
            done = subprocess.run(
                [VEER, *words, "--print-manifest"], cwd=ROOT, text=True,
                capture_output=True)
            self.assertEqual(done.returncode, 0, f"{words}: {done.stderr}")
        verbs = {word for line in lines for word in
                 re.findall(r"\./veer ([a-z]+)", line)}
        self.assertEqual(verbs, {"doctor", "study"})
        usage = (ROOT / "benchmarks/gpu.sh").read_text()
        for line in lines:
            if line.startswith("benchmarks/gpu.sh"):
                for option in re.findall(r"--[a-z]+", line.split("#")[0]):
                    self.assertIn(f"{option})", usage)


if __name__ == "__main__":
    unittest.main()
