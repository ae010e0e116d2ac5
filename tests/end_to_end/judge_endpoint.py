"""A local OpenAI-compatible endpoint that judges, and can be slow, broken or
rate limited.
"""
import functools
import http.server
import itertools
import json
import pathlib
import tempfile
import threading
import time
import unittest


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
    protocol_version = "HTTP/1.1"  # connections may be kept
    changed = threading.Condition()
    is_over = False  # the test that asked
    seen, faults, nonsense, down_after = 0, [], False, None
    page = False  # a gateway's, in place of a reply
    retry_after = None  # seconds, sent with a fault
    silences = []  # seconds without a reply, one request each
    gullible = False  # takes everything for honest
    reads = None  # folder of a run: judges by its reference answers
    refuses = {}  # parameter -> what is said of it, with status 400
    thinks = 0  # tokens of thoughts before the letter
    wraps = None  # makes the content of a message of the letter
    bodies, paths, headers_seen = [], [], []
    delay = 0.0  # seconds that every reply but a fault takes
    together = []  # sizes of the first groups that are answered when all came
    arrivals, asked = [], []  # monotonic times and texts of all requests
    connections, under_way, most_under_way = 0, 0, 0

    @classmethod
    def start_anew(cls):
        cls.seen, cls.faults, cls.nonsense, cls.down_after = 0, [], False, None
        cls.page, cls.retry_after = False, None
        cls.silences, cls.gullible, cls.reads = [], False, None
        cls.delay, cls.arrivals, cls.asked = 0.0, [], []
        cls.together, cls.is_over = [], False
        cls.refuses, cls.thinks, cls.wraps = {}, 0, None
        cls.bodies, cls.paths, cls.headers_seen = [], [], []
        cls.connections, cls.under_way, cls.most_under_way = 0, 0, 0

    @classmethod
    def end(cls):
        """No request of this test is under way in the next."""
        with cls.changed:
            cls.is_over = True
            cls.changed.notify_all()
            cls.changed.wait_for(lambda: cls.under_way == 0)

    def setup(self):
        super().setup()
        with Endpoint.changed:
            Endpoint.connections += 1

    def do_POST(self):
        cls = Endpoint
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with cls.changed:
            fault = cls.faults.pop(0) if cls.faults else None
            silence = cls.silences.pop(0) if cls.silences else None
            group_end = next((end for end in itertools.accumulate(cls.together)
                              if end > len(cls.arrivals)), 0)
            cls.arrivals.append(time.monotonic())
            cls.under_way += 1
            cls.most_under_way = max(cls.most_under_way, cls.under_way)
            cls.changed.notify_all()
            cls.changed.wait_for(
                lambda: cls.is_over or len(cls.arrivals) >= group_end)
            if fault is None:
                cls.changed.wait_for(lambda: cls.is_over,
                                     cls.delay if silence is None else silence)
            cls.under_way -= 1
            cls.changed.notify_all()
            if cls.is_over or silence is not None:  # the client has given up
                self.close_connection = True
                return
            answer = ((fault, {"error": "later"}) if fault is not None else
                      self.refusal(body) or self.answer(body))
        self.reply(*answer)

    def refusal(self, body):
        cls = Endpoint
        cls.bodies.append(body)
        cls.paths.append(self.path)
        cls.headers_seen.append(dict(self.headers))
        if self.path.split("?")[0] != "/v1/chat/completions":
            return 404, {"error": {"message": f"Not Found: {self.path}"}}
        for name, said in cls.refuses.items():
            if name in body:
                return 400, {"error": {"message": said}}
        return None

    def answer(self, body):
        cls = Endpoint
        text = body["messages"][0]["content"]
        if cls.down_after is not None and cls.seen >= cls.down_after:
            return 503, {"error": "down"}
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
        limit = body.get("max_tokens", body.get("max_completion_tokens", 1e9))
        message = {"content": cls.wraps(letter) if cls.wraps else letter}
        if limit <= cls.thinks:
            message = {"content": None, "reasoning_content": "Okay, so"}
        return 200, ("<html>" if cls.page else {"choices": [
            {"message": message,
             "finish_reason": "length" if limit <= cls.thinks else "stop"}]})

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
        self.addCleanup(Endpoint.end)
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
