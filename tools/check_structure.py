#!/usr/bin/env python3
"""Holds the structure of the source tree.

Errors: an include against the order of the folders, a heavy torch header in a
header, a library file that prints or ends the process, open work without an
issue number, two types of one name. Report only: files longer than the target.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# One string per rank; folders of one rank do not know each other.
ORDER = ["base", "gguf jinja results", "tensors", "text model", "data",
         "capture train", "vectors", "interventions", "settings", "generation",
         "metrics", "organism", "claims", "run", "sweep", "steer", "study",
         "report"]
RANK = {name: i for i, names in enumerate(ORDER) for name in names.split()}
INCLUDE = re.compile(r'^\s*#\s*include\s*"veer/(\w+)/', re.MULTILINE)
HEAVY = re.compile(r'#\s*include\s*<torch/torch\.h>')
ENDS_OR_PRINTS = re.compile(
    r'\bstd::(?:cout|cerr|exit|abort|terminate)\b|(?<![\w.])(?:printf|puts|abort|exit)\s*\('
    r'|\bfmt::print\b')
OPEN_WORK = re.compile(r'\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))')
# A type at the margin of a file, as all of ours in a named namespace are.
TYPE = re.compile(r'^(?:struct|class|enum class) (\w+)\b(?!::)[^;]*?\{', re.MULTILINE)
FILE_TARGET = 500


def code_only(text):
    text = re.sub(r'//[^\n]*', '', text)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


def check(path, errors):
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT)
    own = path.relative_to(ROOT / "src" / "veer").parts[0]
    if own not in RANK:
        errors.append(f"{name}: folder {own} has no place in the order")
        return
    for other in INCLUDE.findall(text):
        if other != own and RANK.get(other, 99) >= RANK[own]:
            errors.append(f"{name}: {own} must not include {other}")
    if path.suffix == ".h" and HEAVY.search(text):
        errors.append(f"{name}: torch/torch.h in a header")
    if ENDS_OR_PRINTS.search(code_only(text)):
        errors.append(f"{name}: the library never prints, exits or aborts")


def check_types(files, errors):
    """Two types of one name in one namespace are one to the linker."""
    seen = {}
    for path in files:
        if path.suffix != ".h":
            continue
        text = code_only(path.read_text(encoding="utf-8"))
        space = re.findall(r"^namespace ([\w:]+)", text, re.MULTILINE)
        for name in TYPE.findall(text):
            key = (space[0] if space else "", name)
            other = seen.setdefault(key, path)
            if other != path:
                errors.append(f"{path.relative_to(ROOT)}: {'::'.join(key)} is "
                              f"in {other.relative_to(ROOT)} too")


def main():
    errors = []
    files = sorted(p for p in (ROOT / "src" / "veer").rglob("*")
                   if p.suffix in {".h", ".cpp"})
    for path in files:
        check(path, errors)
    check_types(files, errors)
    for path in sorted(ROOT.glob("src/**/*.[ch]*")) + sorted(
            ROOT.glob("cli/*.[ch]*")) + sorted(ROOT.glob("tests/**/*.[ch]*")):
        if path.is_file() and OPEN_WORK.search(
                path.read_text(encoding="utf-8", errors="replace")):
            errors.append(f"{path.relative_to(ROOT)}: open work without an "
                          "issue number")
    long_files = [(len(p.read_text(encoding="utf-8").splitlines()), p)
                  for p in files]
    for lines, path in sorted(long_files, reverse=True):
        if lines > FILE_TARGET:
            print(f"long: {path.relative_to(ROOT)} has {lines} lines "
                  f"(target {FILE_TARGET})")
    for error in errors:
        print("error:", error)
    print(f"structure: {len(files)} library files, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
