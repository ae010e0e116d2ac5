"""The normal forms and lower case of every code point that has one, and of
random runs of letters and combining marks of all scripts, as `tokenizers`
makes them. Used by tokenizer_parity.py."""
import json
import subprocess
import unicodedata

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

FORMS = ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")
# Beyond are neither decompositions nor marks.
POINTS = [chr(c) for a, b in ((0, 0xD800), (0xE000, 0x20000), (0x2F800, 0x2FA20), (0xE0000, 0xE0200))
          for c in range(a, b)]
MARKS = [c for c in POINTS if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Mc", "Cn")]
LETTERS = [c for c in POINTS if unicodedata.decomposition(c)]
JAMO = [chr(c) for c in (*range(0x1100, 0x1200), *range(0xAC00, 0xD7A4, 14))]
SECOND = [c for c in MARKS if unicodedata.category(c) == "Mc"]


def bytes_of(form):
    """A tokenizer whose ids are the bytes of the normalised text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(alphabet)}, []))
    tokenizer.normalizer = getattr(normalizers, form)()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def run_of_marks(rng):
    pools = (MARKS, MARKS, LETTERS, JAMO, SECOND, "aeobc", POINTS)
    return "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 9)))


def compare_forms(veer, workdir, rng, count):
    """Differences over all code points, 200 a string, and `count` runs of marks."""
    chunks = ["\n".join(POINTS[i:i + 200]) for i in range(0, len(POINTS), 200)]
    wrong = 0
    for form in FORMS:
        tokenizer = bytes_of(form)
        path = workdir / f"{form}.json"
        path.write_text(tokenizer.to_str(), encoding="utf-8")
        runs = [run_of_marks(rng) for _ in range(count // len(FORMS))]
        lines = workdir / f"{form}.jsonl"
        lines.write_text("".join(json.dumps(s) + "\n" for s in chunks + runs), encoding="utf-8")
        done = subprocess.run([veer, "tokenize", "--model", path, "--jsonl", lines, "--json"],
                              capture_output=True, check=False)
        if done.returncode:
            print(f"{form}: {done.stderr.decode()}")
            return wrong + 1
        for given, line in zip(chunks + runs, done.stdout.decode().split("\n")[:-1], strict=True):
            if json.loads(line)["ids"] != tokenizer.encode(given).ids:
                wrong += 1
                if wrong <= 5:
                    print(f"{form}: {given.encode('unicode_escape')[:100]}")
    print(f"normal forms: {len(POINTS)} code points in {len(FORMS)} forms, {count} runs of marks, "
          f"{wrong} differ")
    return wrong
