#!/usr/bin/env python3
"""Opens a report in headless Chromium and checks that a reader sees it whole.

Usage: report_in_browser.py REPORT.html [SCREENSHOT.png]
Checks: every chart drew, nothing was logged as an error, nothing was fetched,
the answer browser shows rows, the page is no wider than a phone's screen.
Exit status 77 when there is no Chromium (ctest counts it as skipped).
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--enable-logging=stderr", "--v=0", "--virtual-time-budget=20000"]


def chromium(report, *options, width=1280, height=900):
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    if not binary:
        print("skipped: no Chromium on this machine")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [binary, *FLAGS, f"--user-data-dir={profile}",
             f"--window-size={width},{height}", *options,
             report.resolve().as_uri()],
            capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def attribute(dom, name):
    found = re.search(rf'data-{name}="(\d+)"', dom)
    return int(found.group(1)) if found else None


def problems(report):
    dom, log = chromium(report, "--dump-dom")
    charts, drawn = attribute(dom, "charts"), attribute(dom, "drawn")
    if not charts:
        yield "the page holds no chart"
    if charts != drawn:
        yield f"{drawn} of {charts} charts drew"
    # A page whose script died has no charts; one whose chart is empty has no
    # marks.
    empty = len(re.findall(r'<svg[^>]*class="marks"', dom))
    if empty != charts:
        yield f"{empty} drawings for {charts} charts"
    for line in log.splitlines():
        if "CONSOLE" in line and ("rror" in line or "refused" in line.lower()):
            yield "logged: " + line.strip()
    if re.search(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', dom):
        yield "the page asks the network for something"
    if 'id="answers"' in dom and not re.search(r'\d+ answers of \d+', dom):
        yield "the answer browser is empty"


def main():
    report = pathlib.Path(sys.argv[1])
    found = list(problems(report))
    for problem in found:
        print("problem:", problem)
    if len(sys.argv) > 2:
        chromium(report, f"--screenshot={pathlib.Path(sys.argv[2]).resolve()}",
                 height=6000)
    print(f"{report.name}: {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
