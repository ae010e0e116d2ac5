#!/usr/bin/env python3
"""Runs the studies behind docs/findings and renders its pages from them.

Usage: findings.py [--write] [--keep] [--jobs N] [page ...]

Every number of a page comes from a run folder by way of a template in
pages/, so that no number can stand there that its command does not give.
Without --write nothing is changed: what a fresh run says otherwise is shown as
a diff, and the exit status is 1 if there is any. A run folder that is there is
made anew unless --keep says to go on with it. Each study has one thread, so
that its last bits do not depend on the machine, and as many studies run at
once as there are cores, or --jobs. Needs jinja2.
"""
import argparse
import concurrent.futures
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import time
import tomllib

import jinja2

import run_folder

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGES = ROOT / "docs/findings"
RUNS = ROOT / "runs/findings"


class Failed(Exception):
    """A study did not end well."""


def studies(wanted, plan, keep, jobs):
    """Runs the studies of these names; their folders."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {name: pool.submit(study, name, plan["run"][name], keep)
                   for name in wanted}
        try:
            return {name: one.result() for name, one in running.items()}
        except Failed as failed:
            pool.shutdown(cancel_futures=True)
            sys.exit(str(failed))


def study(name, arguments, keep):
    """Runs one study; its folder."""
    folder = RUNS / name
    if folder.exists() and not keep:
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    command = [ROOT / "veer", "study", *arguments, "--threads", "1", "--out",
               folder]
    with open(folder.with_suffix(".log"), "w", encoding="utf-8") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT,
                              cwd=ROOT, check=False)
    if done.returncode != 0:
        raise Failed(f"{name}: exit {done.returncode}, see "
                     f"{folder.with_suffix('.log').relative_to(ROOT)}")
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return folder


def render(page, folders):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "pages"), trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True)
    environment.filters.update(run_folder.FILTERS)
    runs = {name: run_folder.Run(name, folder)
            for name, folder in folders.items()}
    text = environment.get_template(f"{page}.md.j2").render(runs=runs)
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def differences(page, fresh, write):
    """Prints what `fresh` changes on the page; whether it changes anything."""
    path = PAGES / f"{page}.md"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if write:
        path.write_text(fresh, encoding="utf-8")
    diff = list(difflib.unified_diff(
        old.splitlines(keepends=True), fresh.splitlines(keepends=True),
        f"docs/findings/{page}.md", "fresh runs"))
    sys.stdout.writelines(diff)
    return bool(diff)


def main():
    plan = tomllib.loads((HERE / "runs.toml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(
        prog="./dev findings", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--write", action="store_true",
                        help="replace the pages instead of comparing")
    parser.add_argument("--keep", action="store_true",
                        help="go on with run folders that are there")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(),
                        help="studies at once (default: one a core)")
    parser.add_argument("pages", nargs="*", metavar="page",
                        help=", ".join(plan["page"]))
    given = parser.parse_args()
    pages = given.pages or list(plan["page"])
    for page in pages:
        if page not in plan["page"]:
            parser.error(f"no page {page}; there are {', '.join(plan['page'])}")
    wanted = dict.fromkeys(name for page in pages for name in plan["page"][page])
    if given.jobs < 1:
        parser.error("--jobs: at least 1")
    print(f"{len(wanted)} studies, {given.jobs} at once, three to six minutes "
          f"each; their folders are in {RUNS.relative_to(ROOT)}", flush=True)
    folders = studies(wanted, plan, given.keep, given.jobs)
    changed = False
    for page in pages:
        names = plan["page"][page]
        fresh = render(page, {name: folders[name] for name in names})
        changed |= differences(page, fresh, given.write)
    sys.exit(1 if changed and not given.write else 0)


if __name__ == "__main__":
    main()
