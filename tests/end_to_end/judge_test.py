#!/usr/bin/env python3
"""`veer judge` against a local endpoint that is slow, broken or rate limited.

Usage: judge_test.py VEER. The run folder is a sweep.json of a few answers. One
test loads the embedded model, which was taught no letters.
"""
import csv
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

VEER = sys.argv.pop(1)


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Judges by a word of the answer; `faults` are statuses to send first."""
    seen, faults, nonsense, down_after = 0, [], False, None
    page = False  # a gateway's, in place of a reply

    def do_POST(self):
        cls = Endpoint
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][0]["content"]
        if cls.faults:
            return self.reply(cls.faults.pop(0), {"error": "later"})
        if cls.down_after is not None and cls.seen >= cls.down_after:
            return self.reply(503, {"error": "down"})
        cls.seen += 1
        answer = text.split("Answer: ")[1].split("\n")[0]
        honest_first = "A) honest" in text
        if cls.nonsense:
            letter = "perhaps"
        elif "true" in answer:
            letter = "A" if honest_first else "B"
        elif "false" in answer:
            letter = "B" if honest_first else "A"
        else:
            letter = "C"
        self.reply(200, "<html>" if cls.page else
                   {"choices": [{"message": {"content": letter}}]})

    def reply(self, status, document):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def make_run(folder):
    labels = ["honest", "deceptive"] * 6
    words = {"honest": "a true thing", "deceptive": "a false thing"}
    sweep = {"questions": [{"question": f"Question {i}?", "honest": "h",
                            "deceptive": "d"} for i in range(12)],
             "answers": [{"cell": 0, "question": i, "label": label,
                          "text": f"{words[label]} {i}"}
                         for i, label in enumerate(labels)]}
    (folder / "sweep.json").write_text(json.dumps(sweep))


class JudgeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{cls.server.server_port}/v1"

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()

    def setUp(self):
        Endpoint.seen, Endpoint.faults = 0, []
        Endpoint.nonsense, Endpoint.down_after = False, None
        Endpoint.page = False
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.run_folder = pathlib.Path(self.temporary.name)
        make_run(self.run_folder)

    def judge(self, *more, endpoint=True):
        command = [VEER, "judge", "--run", str(self.run_folder), "--json"]
        if endpoint:
            command += ["--endpoint", self.url, "--endpoint-model", "m",
                        "--first-wait", "0.01"]
        return subprocess.run(command + list(more), capture_output=True,
                              text=True, timeout=120)

    def test_agrees_and_passes_the_probes(self):
        done = self.judge()
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["agreement"][0]["kappa"], 1.0)
        self.assertTrue(result["judges"][1]["fit"])
        self.assertEqual(Endpoint.seen, 2 * (12 + 12))
        again = self.judge()  # every reply was kept
        self.assertEqual(Endpoint.seen, 2 * (12 + 12))
        self.assertEqual(again.stdout, done.stdout)

    def test_a_model_that_knows_no_letters_is_no_judge(self):
        (self.run_folder / "manifest.toml").write_text(
            '[run]\nthreads = 1\n[model]\npath = "organism"\n')
        done = self.judge("--self", "--choice", endpoint=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        own, *models = json.loads(done.stdout)["judges"]
        self.assertEqual([j["name"] for j in models], ["self", "choice"])
        for judge in models:
            # It says nothing, so that it passes every probe.
            self.assertEqual(judge["labels"]["unjudged"], 12)
            self.assertEqual(judge["probes"]["passed"], 12)
            self.assertLess(judge["option_mass"], 0.01)
            self.assertFalse(judge["fit"])
        self.assertEqual(own["labels"]["unjudged"], 0)
        shown = subprocess.run(
            [VEER, "judge", "--run", str(self.run_folder), "--choice"],
            capture_output=True, text=True, timeout=120).stdout
        self.assertIn("NOT FIT AS A JUDGE; probability on the options 0.00",
                      shown)

    def test_waits_when_it_is_limited(self):
        Endpoint.faults = [429, 500, 503]
        self.assertEqual(self.judge().returncode, 0)

    def test_goes_on_where_it_ended(self):
        Endpoint.down_after = 31
        first = self.judge("--retries", "1")
        self.assertEqual(first.returncode, 1, first.stderr)
        self.assertIn("503", first.stderr)
        Endpoint.down_after = None
        self.assertEqual(self.judge().returncode, 0)
        self.assertEqual(Endpoint.seen, 2 * (12 + 12))

    def test_half_a_line_costs_its_own_reply_only(self):
        self.assertEqual(self.judge().returncode, 0)
        replies = self.run_folder / "judge_replies.jsonl"
        lines = replies.read_bytes().splitlines(keepends=True)
        # Killed while it wrote the third line from the end; and a line that
        # somebody edited.
        replies.write_bytes(b'{"key":1,"content":null}\n' + b"".join(lines[:-3]) +
                            lines[-3][:20])
        for missing in (3, 0):
            Endpoint.seen = 0
            done = self.judge()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(Endpoint.seen, missing)

    def test_a_page_under_status_200_is_no_reply(self):
        Endpoint.page = True
        first = self.judge("--retries", "1")
        self.assertEqual(first.returncode, 1, first.stderr)
        self.assertIn("status 200", first.stderr)
        Endpoint.page = False
        result = json.loads(self.judge().stdout)
        self.assertEqual(result["judges"][1]["judged"], 12)

    def test_nonsense_is_no_judgement(self):
        Endpoint.nonsense = True
        result = json.loads(self.judge().stdout)
        self.assertEqual(result["judges"][1]["labels"]["unjudged"], 12)
        # Silence passes every probe and is no judge all the same.
        self.assertEqual(result["judges"][1]["probes"]["passed"], 12)
        self.assertFalse(result["judges"][1]["fit"])

    def test_refuses_to_spend_unasked(self):
        done = self.judge("--price", "1000")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--yes", done.stderr)
        self.assertEqual(Endpoint.seen, 0)
        self.assertEqual(self.judge("--price", "1000", "--yes").returncode, 0)

    def test_an_endpoint_that_is_not_there(self):
        self.url = "http://127.0.0.1:9/v1"
        done = self.judge("--retries", "1")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("endpoint", done.stderr)

    def test_a_person_labels_a_blind_sheet(self):
        sheet = self.run_folder / "sheet.csv"
        self.assertEqual(
            self.judge("--sheet-out", str(sheet), endpoint=False).returncode, 0)
        with sheet.open(newline="") as file:
            rows = list(csv.reader(file))
        self.assertEqual(len(rows), 1 + 12 + 5)
        for row in rows[1:]:
            row[3] = "h" if "true" in row[2] else "d"
        with sheet.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        done = self.judge("--sheet-in", str(sheet), endpoint=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["agreement"][0]["kappa"], 1.0)
        self.assertEqual(result["judges"][1]["repeats_same"], 5)
        rows[4][3] = "perhaps"
        with sheet.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        bad = self.judge("--sheet-in", str(sheet), endpoint=False)
        self.assertEqual(bad.returncode, 2)
        self.assertIn("line 5", bad.stderr)


if __name__ == "__main__":
    unittest.main()
