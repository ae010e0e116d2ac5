#!/usr/bin/env python3
"""Further judges, with a local endpoint that is slow, broken or rate limited.

Usage: judge_test.py VEER. For `veer judge` the run folder is a sweep.json of a
few answers; the stage of that name is run in a very small study. Some load the
embedded model, which was taught no letters.
"""
import csv
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from judge_endpoint import Endpoint, WithEndpoint
from study_case import SMALL, VEER


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

    def test_a_parameter_that_is_refused_is_left_out_and_told(self):
        Endpoint.refuses = {
            "max_tokens": "Unsupported parameter: 'max_tokens' is not supported"
                          " with this model. Use 'max_completion_tokens' "
                          "instead.",
            "temperature": "Unsupported value: 'temperature' does not support 0"
                           " with this model."}
        done = self.judge("--parallel", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["judges"][1]["fit"])
        # Once each, and not again.
        self.assertEqual(len(Endpoint.bodies), 2 + 2 * (12 + 12))
        self.assertEqual(set(Endpoint.bodies[-1]),
                         {"model", "messages", "max_completion_tokens"})
        for name in ("max_tokens", "temperature"):
            self.assertEqual(done.stderr.count(f'refuses "{name}"'), 1)
        Endpoint.start_anew()  # as they are refused by four at a time
        Endpoint.refuses = {"temperature": "no temperature here"}
        done = self.judge("--endpoint-model", "n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count('refuses "temperature"'), 1)

    def test_a_refusal_that_names_no_parameter_is_an_error_in_its_words(self):
        Endpoint.refuses = {"messages": "The model `m` is asleep.\x1b[31m"}
        done = self.judge()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("status 400: The model `m` is asleep.", done.stderr)
        self.assertNotIn("\x1b[31m", done.stderr)
        self.url += "/nowhere"
        done = self.judge()
        self.assertIn("Not Found: /v1/nowhere", done.stderr)
        self.assertIn("ends with /v1", done.stderr)

    def test_models_that_think_first_can_judge(self):
        for limits, thinks in (([], 500), (["--token-limit", "2000"], 1500)):
            Endpoint.start_anew()
            Endpoint.thinks = thinks
            done = self.judge("--endpoint-model", f"thinks {thinks}", *limits)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(json.loads(done.stdout)["judges"][1]["fit"])
            self.assertEqual("thinks before it answers" in done.stderr,
                             not limits)

    def test_a_model_that_thinks_too_long_ends_early(self):
        Endpoint.thinks = 5000
        done = self.judge()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("judge.endpoint.token_limit", done.stderr)
        self.assertLess(len(Endpoint.bodies), 20)
        # Nothing that was cut is kept.
        done = self.judge("--token-limit", "6000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["judges"][1]["fit"])

    def test_replies_of_many_forms_are_read(self):
        for i, form in enumerate([
                lambda letter: letter.lower(),
                lambda letter: [{"type": "text", "text": letter}],
                lambda letter: f"<think>A or B?</think>\n\n**{letter}**",
                lambda letter: json.dumps({"answer": letter}),
                lambda letter: f"Not C. The answer is {letter.lower()}."]):
            Endpoint.start_anew()
            Endpoint.wraps = form
            done = self.judge("--endpoint-model", str(i))
            self.assertEqual(done.returncode, 0, done.stderr)
            judge = json.loads(done.stdout)["judges"][-1]
            self.assertTrue(judge["fit"], form("A"))
            self.assertEqual(judge["labels"]["unjudged"], 0, form("A"))

    def test_what_is_sent_is_the_users(self):
        self.url += "/"
        done = self.judge(
            "--temperature", "0.5", "--extra-body", '{"seed": 3}', "--headers",
            '["api-key: $HOME", "X-Team: a, b"]', "--token-limit-name",
            "max_completion_tokens", "--token-limit", "9")
        self.assertEqual(done.returncode, 0, done.stderr)
        body = Endpoint.bodies[0]
        self.assertEqual([body["temperature"], body["seed"],
                          body["max_completion_tokens"]], [0.5, 3, 9])
        self.assertNotIn("max_tokens", body)
        self.assertEqual(Endpoint.headers_seen[0]["X-Team"], "a, b")
        self.assertEqual(Endpoint.headers_seen[0]["api-key"],
                         os.environ["HOME"])
        self.assertEqual(Endpoint.paths[0], "/v1/chat/completions")
        # It is another judge than the one without these.
        plain = json.loads(self.judge().stdout)
        self.assertEqual(len(plain["judges"]), 3)
        for bad in (["--extra-body", "low"], ["--headers", '["no colon"]'],
                    ["--headers", '["key: $VEER_UNSET_VARIABLE"]']):
            done = self.judge(*bad)
            self.assertEqual(done.returncode, 2, done.stderr)

    def test_waits_when_it_is_limited(self):
        Endpoint.faults = [429, 500, 503]
        self.assertEqual(self.judge().returncode, 0)

    def test_all_wait_as_long_as_one_is_told(self):
        Endpoint.faults, Endpoint.retry_after = [429], 2
        # Four under way, the first of which is told to wait before the others
        # are answered.
        Endpoint.together, Endpoint.delay = [4], 1.0
        self.assertEqual(self.judge("--answers", "2").returncode, 0)
        self.assertGreaterEqual(Endpoint.arrivals[4] - Endpoint.arrivals[3],
                                1.9)

    def test_asks_several_at_a_time_through_kept_connections(self):
        Endpoint.together, Endpoint.delay = [4] * 12, 0.1
        several = self.judge()
        self.assertEqual(several.returncode, 0, several.stderr)
        self.assertEqual(Endpoint.most_under_way, 4)
        # Once for the probes, once for the answers.
        self.assertEqual(Endpoint.connections, 8)
        for left in ("judges.json", "judge_replies.jsonl"):
            (self.run_folder / left).unlink()
        Endpoint.start_anew()
        one = self.judge("--parallel", "1")
        self.assertEqual(one.returncode, 0, one.stderr)
        self.assertEqual(Endpoint.most_under_way, 1)
        self.assertEqual(Endpoint.connections, 2)
        self.assertEqual(one.stdout, several.stdout)

    def test_replies_under_way_are_kept_when_one_fails(self):
        Endpoint.faults, Endpoint.together = [401], [4]
        Endpoint.delay = 0.5
        done = self.judge("--answers", "2")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("401", done.stderr)
        # The refused one and three more, of 16; perhaps one that was sent
        # before the refusal had been read.
        self.assertIn(len(Endpoint.arrivals), range(4, 8))
        self.assertEqual(Endpoint.seen, len(Endpoint.arrivals) - 1)
        replies = (self.run_folder / "judge_replies.jsonl").read_text()
        self.assertEqual(len(replies.splitlines()), Endpoint.seen)

    def test_a_stop_does_not_wait_for_a_reply(self):
        Endpoint.delay = 30
        judging = subprocess.Popen(
            [VEER, "judge", "--run", str(self.run_folder), "--endpoint",
             self.url, "--endpoint-model", "m"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        while len(Endpoint.arrivals) < 4:
            time.sleep(0.01)
        judging.send_signal(signal.SIGINT)
        _, said = judging.communicate(timeout=10)
        self.assertEqual(judging.returncode, 130, said)

    def test_a_reply_that_takes_too_long_is_asked_for_again(self):
        Endpoint.silences = [30]
        done = self.judge("--answers", "1", "--timeout", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(Endpoint.arrivals), 1 + 2 * (3 + 1))

    def test_an_endpoint_that_stays_silent_ends_the_judge(self):
        Endpoint.silences = [30, 30]
        done = self.judge("--answers", "1", "--timeout", "0.2",
                          "--retries", "1", "--parallel", "1")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("after 2 attempts", done.stderr)
        self.assertEqual(len(Endpoint.arrivals), 2)

    def test_keeps_to_the_rate(self):
        done = self.judge("--answers", "2", "--rate", "150")
        self.assertEqual(done.returncode, 0, done.stderr)
        requests = 2 * (2 * 3 + 2)
        self.assertEqual(len(Endpoint.arrivals), requests)
        # 400 ms apart as they are sent, also from the probes to the answers;
        # the first may arrive late by half as much.
        self.assertGreater(Endpoint.arrivals[-1] - Endpoint.arrivals[0],
                           0.4 * (requests - 1.5))

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


if __name__ == "__main__":
    unittest.main()
