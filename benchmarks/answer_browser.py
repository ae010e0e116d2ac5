#!/usr/bin/env python3
"""Does the report's answer browser stay usable with many answers?

    answer_browser.py REPORT.html [--answers 50000]

Repeats the answers of a real report until there are so many, opens the page in
headless Chromium and times, in the page, from a change of a filter (or a
letter typed into the search) to the new table. Prints the median and the
slowest in milliseconds. Needs Chromium.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

DATA = re.compile(
    r'(<script type="application/json" id="answers-data">)(.*?)(</script>)',
    re.DOTALL)
TIMER = """<script>
addEventListener("load", function () {
  const ms = { filter: [], search: [] };
  function timed(list, element, kind, value) {
    element.value = value;
    const begin = performance.now();
    element.dispatchEvent(new Event(kind));
    document.getElementById("answers").getBoundingClientRect();
    list.push(performance.now() - begin);
  }
  document.querySelectorAll("#answers select").forEach(function (select) {
    Array.from(select.options).slice(0, 8).forEach(function (option) {
      timed(ms.filter, select, "change", option.value);
    });
    timed(ms.filter, select, "change", "");
  });
  const search = document.querySelector("#answers input[type=search]");
  ["h", "he", "hel", "help", "water", "zzz", ""].forEach(function (word) {
    timed(ms.search, search, "input", word);
  });
  document.body.dataset.ms = JSON.stringify(ms);
});
</script></body>"""


def enlarged(page, count):
    found = DATA.search(page)
    data = json.loads(found.group(2))
    rows = data["rows"]
    data["rows"] = [rows[i % len(rows)] for i in range(count)]
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    page = page[:found.start(2)] + text + page[found.end(2):]
    return page.replace("</body>", TIMER)


def timings(page):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "large.html"
        path.write_text(page, encoding="utf-8")
        dom = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={folder}/profile", "--timeout=20000",
             "--dump-dom", path.as_uri()],
            capture_output=True, text=True, timeout=300, check=True).stdout
    found = re.search(r'data-ms="([^"]*)"', dom)
    return json.loads(found.group(1).replace("&quot;", '"'))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--answers", type=int, default=50_000)
    options = parser.parse_args()
    page = enlarged(options.report.read_text(encoding="utf-8"), options.answers)
    print(f"{options.answers} answers, page of {len(page) / 1e6:.1f} MB")
    for kind, ms in timings(page).items():
        ms.sort()
        print(f"{kind}: median {ms[len(ms) // 2]:.0f} ms, slowest "
              f"{ms[-1]:.0f} ms of {len(ms)}")


if __name__ == "__main__":
    main()
