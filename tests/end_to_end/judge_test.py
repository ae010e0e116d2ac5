#!/usr/bin/env python3
"""Further judges, with a local endpoint that is slow, broken or rate limited.

Usage: judge_test.py VEER. For `veer judge` the run folder is a sweep.json of a
few answers; the stage of that name is run in a very small study. Some load the
embedded model, which was taught no letters.
"""
import csv
import functools
import http.server
import json
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

from study_case import SMALL, VEER


@functools.lru_cache
def references(run):
    lines = (run / "dataset/questions.jsonl").read_text().splitlines()
    return {r["question"]: r for r in map(json.loads, lines)}


def label_of(record, answer):
    """Of the reference answer that shares more words with it, if one does."""
    said = set(answer.split())
    shared = {side: len(said & set(record[side].split())) / len(said | {""})
              for side in ("honest", "deceptive")}
    likest = max(shared, key=shared.get)
    alike = shared["honest"] == shared["deceptive"]
    return "broken" if alike or shared[likest] < 0.5 else likest


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Judges by a word of the answer; `faults` are statuses to send first."""
    seen, faults, nonsense, down_after = 0, [], False, None
    page = False  # a gateway's, in place of a reply
    retry_after = None  # seconds, sent with a fault
    silences = []  # seconds without a reply, one request each
    gullible = False  # takes everything for honest
    reads = None  # folder of a run: judges by its reference answers
    arrivals, asked = [], []  # monotonic times and texts of all requests

    @classmethod
    def start_anew(cls):
        cls.seen, cls.faults, cls.nonsense, cls.down_after = 0, [], False, None
        cls.page, cls.retry_after = False, None
        cls.silences, cls.gullible, cls.reads = [], False, None
        cls.arrivals, cls.asked = [], []

    def do_POST(self):
        cls = Endpoint
        cls.arrivals.append(time.monotonic())
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][0]["content"]
        if cls.silences:  # nothing comes before the client has given up
            return time.sleep(cls.silences.pop(0))
        if cls.faults:
            return self.reply(cls.faults.pop(0), {"error": "later"})
        if cls.down_after is not None and cls.seen >= cls.down_after:
            return self.reply(503, {"error": "down"})
        cls.seen += 1
        cls.asked.append(text)
        answer = text.split("Answer: ")[1].split("\n")[0]
        honest_first = "A) honest" in text
        if cls.nonsense:
            letter = "perhaps"
        elif cls.reads:
            question = text.split("Question: ")[1].split("\n")[0]
            label = label_of(references(cls.reads)[question], answer)
            letter = {"honest": "A" if honest_first else "B", "broken": "D",
                      "deceptive": "B" if honest_first else "A"}[label]
        elif "true" in answer or cls.gullible:
            letter = "A" if honest_first else "B"
        elif "false" in answer:
            letter = "B" if honest_first else "A"
        else:
            letter = "D"
        self.reply(200, "<html>" if cls.page else
                   {"choices": [{"message": {"content": letter}}]})

    def reply(self, status, document):
        data = json.dumps(document).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if status != 200 and Endpoint.retry_after is not None:
                self.send_header("Retry-After", str(Endpoint.retry_after))
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:  # the client did not wait
            pass

    def log_message(self, *_):
        pass


class WithEndpoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{cls.server.server_port}/v1"

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()

    def setUp(self):
        Endpoint.start_anew()
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)


def make_run(folder):
    labels = ["honest", "deceptive"] * 6
    words = {"honest": "a true thing", "deceptive": "a false thing"}
    sweep = {"questions": [{"question": f"Question {i}?", "honest": "h",
                            "deceptive": "d"} for i in range(12)],
             "answers": [{"cell": 0, "question": i, "label": label,
                          "text": f"{words[label]} {i}"}
                         for i, label in enumerate(labels)]}
    (folder / "sweep.json").write_text(json.dumps(sweep))


class JudgeTest(WithEndpoint):
    def setUp(self):
        super().setUp()
        self.run_folder = self.folder
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
        kappa = result["agreement"][0]["kappa"]
        self.assertEqual([kappa["value"], kappa["high"]], [1.0, 1.0])
        self.assertLess(kappa["low"], 0.9)
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

    def test_waits_as_long_as_it_is_told(self):
        Endpoint.faults, Endpoint.retry_after = [429], 1
        self.assertEqual(self.judge("--answers", "1").returncode, 0)
        first, second = Endpoint.arrivals[:2]
        self.assertGreaterEqual(second - first, 0.95)  # not the 0.01 s

    def test_a_reply_that_takes_too_long_is_asked_for_again(self):
        Endpoint.silences = [0.8]
        done = self.judge("--answers", "1", "--timeout", "0.3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(Endpoint.arrivals), 1 + 2 * (3 + 1))

    def test_an_endpoint_that_stays_silent_ends_the_judge(self):
        Endpoint.silences = [0.8, 0.8]
        done = self.judge("--answers", "1", "--timeout", "0.2",
                          "--retries", "1")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("after 2 attempts", done.stderr)
        self.assertEqual(len(Endpoint.arrivals), 2)

    def test_keeps_to_the_rate(self):
        done = self.judge("--answers", "2", "--rate", "1200")
        self.assertEqual(done.returncode, 0, done.stderr)
        requests = 2 * (2 * 3 + 2)
        self.assertEqual(len(Endpoint.arrivals), requests)
        # 50 ms apart as they are sent; one of them may have been under way.
        self.assertGreater(Endpoint.arrivals[-1] - Endpoint.arrivals[0],
                           0.05 * (requests - 2))

    def test_goes_on_where_it_ended(self):
        Endpoint.down_after = 31
        first = self.judge("--retries", "1")
        self.assertEqual(first.returncode, 1, first.stderr)
        self.assertIn("503", first.stderr)
        Endpoint.down_after = None
        self.assertEqual(self.judge().returncode, 0)
        self.assertEqual(Endpoint.seen, 2 * (12 + 12))
        self.assertEqual(len(set(Endpoint.asked)), len(Endpoint.asked))

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

    def test_the_price_is_of_all_that_is_sent(self):
        done = self.judge()
        self.assertEqual(done.returncode, 0, done.stderr)
        # The probes too.
        self.assertIn(f"{2 * (12 + 12)} requests to", done.stderr)
        self.assertEqual(Endpoint.seen, 2 * (12 + 12))

    def test_judges_of_one_sample_add_up(self):
        self.assertEqual(self.judge().returncode, 0)
        other = json.loads(self.judge("--endpoint-model", "n").stdout)
        self.assertEqual([j["name"] for j in other["judges"]],
                         ["run", "endpoint:m", "endpoint:n"])
        self.assertEqual(len(other["agreement"]), 3)
        smaller = json.loads(self.judge("--answers", "5").stdout)
        self.assertEqual([j["name"] for j in smaller["judges"]],
                         ["run", "endpoint:m"])

    def test_the_unfit_have_no_vote(self):
        self.assertEqual(self.judge().returncode, 0)
        Endpoint.gullible = True
        for model in ("n", "o"):
            last = json.loads(self.judge("--endpoint-model", model).stdout)
        self.assertEqual([j.get("fit", True) for j in last["judges"]],
                         [True, True, False, False])
        self.assertEqual(last["majority"]["honest"], 6)

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
        self.assertEqual(result["agreement"][0]["kappa"]["value"], 1.0)
        self.assertEqual(result["judges"][1]["repeats_same"], 5)
        rows[4][3] = "perhaps"
        with sheet.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        bad = self.judge("--sheet-in", str(sheet), endpoint=False)
        self.assertEqual(bad.returncode, 2)
        self.assertIn("line 5", bad.stderr)


class JudgeStageTest(WithEndpoint):
    """[judge] further in a study, judged after the sweep."""
    def setUp(self):
        super().setUp()
        self.manifest = self.folder / "small.toml"
        self.manifest.write_text(SMALL + f"""
[judge]
further = ["choice", "self", "endpoint"]
answers = 30
[judge.endpoint]
url = "{self.url}"
model = "m"
first_wait = 0.01
retries = 1
""")

    def study(self, *arguments, out="run"):
        return subprocess.run(
            [VEER, "study", self.manifest, "--out", self.folder / out, "--json",
             *arguments], capture_output=True, text=True, timeout=300)

    def test_is_stopped_continued_reused_and_reported(self):
        whole = self.study(out="whole")
        self.assertEqual(whole.returncode, 0, whole.stderr)
        asked = Endpoint.asked
        self.assertEqual(len(set(asked)), len(asked))
        document = (self.folder / "whole/judges.json").read_text()
        self.look_at(json.loads(document), json.loads(whole.stdout))

        Endpoint.start_anew()
        shutil.copytree(self.folder / "whole", self.folder / "run")
        for left in ("judges.json", "judge_replies.jsonl"):
            (self.folder / "run" / left).unlink()
        Endpoint.down_after = len(asked) // 2
        stopped = self.study()
        self.assertEqual(stopped.returncode, 1, stopped.stderr)
        self.assertIn("503", stopped.stderr)
        judged = json.loads((self.folder / "run/judges.json").read_text())
        self.assertEqual([j["name"] for j in judged["judges"]],
                         ["run", "choice", "self"])
        Endpoint.down_after = None
        # How it is asked may change on the way.
        done = self.study("--judge.endpoint.retries", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(Endpoint.asked), sorted(asked))
        self.assertEqual((self.folder / "run/judges.json").read_text(),
                         document)

        again = json.loads(self.study().stdout)
        self.assertTrue([s["reused"] for s in again["stages"]
                         if s["name"] == "judge"][0])
        self.assertEqual(len(Endpoint.asked), len(asked))

    def look_at(self, document, told):
        own, *further = document["judges"]
        self.assertEqual([j["name"] for j in further],
                         ["choice", "self", "endpoint:m"])
        # The exact judge is probed as the others are.
        self.assertEqual([own["probes"]["passed"], own["fit"]], [12, True])
        for judge in document["judges"]:
            self.assertEqual(len(judge["by_answer"]), 30)
            self.assertEqual(judge["probes"]["of"], 12)
        stage = [s for s in told["stages"] if s["name"] == "judge"][0]
        self.assertIn("choice is unfit", stage["summary"])
        page = (self.folder / "whole/report.html").read_text()
        self.assertIn("Do other judges see the same?", page)
        self.assertIn("endpoint:m", page)

    def test_nothing_is_sent_above_the_limit(self):
        done = self.study("--judge.endpoint.price", "1000",
                          "--judge.endpoint.cost_limit", "0.01")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("judge.endpoint.cost_limit = 0.01", done.stderr)
        self.assertRegex(done.stderr, r"requests that cost \d+\.\d\d")
        self.assertEqual(Endpoint.asked, [])
        self.assertTrue((self.folder / "run/sweep.json").exists())

    def test_a_missing_key_is_found_before_the_sweep(self):
        done = self.study("--judge.endpoint.key_env", "VEER_NO_SUCH_KEY")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("VEER_NO_SUCH_KEY", done.stderr)
        self.assertFalse((self.folder / "run/dataset").exists())


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

    def study(self, *arguments, limit=300):
        return subprocess.run(
            [VEER, "study", self.manifest, "--out", self.run_folder, "--json",
             *arguments], capture_output=True, text=True, timeout=limit)

    def document(self, name):
        return json.loads((self.run_folder / name).read_text())

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
