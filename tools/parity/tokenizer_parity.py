#!/usr/bin/env python3
"""Compares `veer tokenize` with the PyPI package `tokenizers`.

Draws strings from every script of Unicode, emoji sequences, control
characters, special tokens and their parts, very long runs, and damaged
UTF-8, and compares the ids, and the text of random ids, on every tokenizer at
hand: the full-size files
of the test data and small ones made here that hold the components those
lack. Then the normal forms of all of Unicode (tokenizer_forms.py), and model
folders with tokens beside tokenizer.json against AutoTokenizer
(tokenizer_folders.py). Prints the first differences; the exit code is 1 when
there are any.

    tokenizer_parity.py [--strings N] [--folders N] [--seed S] [--only NAME]
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unicodedata

from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.trainers import BpeTrainer

from tokenizer_folders import compare_folders
from tokenizer_forms import compare_forms

ROOT = pathlib.Path(__file__).resolve().parents[2]
VEER = pathlib.Path(os.environ.get("VEER_PROGRAM", ROOT / "build/bin/veer"))
DATA = pathlib.Path(os.environ.get("VEER_TEST_DATA", ROOT.parent / "shared/data"))

# Characters of Unicode 15 and later: PCRE2 10.42 knows 14, Python's own table
# may be newer. A known deviation (docs/formats/tokenizer.md).
LATER = [(0x0CF3, 0x0CF3), (0x0ECE, 0x0ECE), (0x10EC2, 0x10EFF),
         (0x11240, 0x11241), (0x11B00, 0x11B09), (0x11F00, 0x11F5F),
         (0x13430, 0x1345F), (0x1B132, 0x1B132), (0x1B155, 0x1B155),
         (0x1D2C0, 0x1D2D3), (0x1DF25, 0x1DF2A), (0x1E030, 0x1E08F),
         (0x1E4D0, 0x1E4F9), (0x1F6DC, 0x1F6DC), (0x1F774, 0x1F77F),
         (0x1F7D9, 0x1F7D9), (0x1FA75, 0x1FA77), (0x1FA87, 0x1FA88),
         (0x1FAAD, 0x1FAAF), (0x1FABB, 0x1FABF), (0x1FACE, 0x1FACF),
         (0x1FADA, 0x1FADB), (0x1FAE8, 0x1FAE8), (0x1FAF7, 0x1FAF8),
         (0x31350, 0x323AF), (0x2EBF0, 0x2EE5D), (0x2FFC, 0x2FFF),
         (0x31EF, 0x31EF)]


def known_characters():
    out = []
    for c in range(0x110000):
        if 0xD800 <= c <= 0xDFFF or any(a <= c <= b for a, b in LATER):
            continue
        if unicodedata.category(chr(c)) not in ("Cn", "Co"):
            out.append(chr(c))
    return out


CHARACTERS = known_characters()
BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x52F),
          (0x530, 0x5FF), (0x600, 0x77F), (0x900, 0xDFF), (0xE00, 0x109F),
          (0x10A0, 0x13FF), (0x1780, 0x18AF), (0x1E00, 0x1FFF),
          (0x2000, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF),
          (0xA000, 0xABFF), (0xAC00, 0xD7A3), (0xF900, 0xFFEF),
          (0x10000, 0x10FFF), (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF),
          (0x300, 0x36F), (0x1100, 0x11FF)]
KNOWN = set(CHARACTERS)
SPACES = " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u180e\u2000\u2003\u200a\u200b" \
         "\u2028\u2029\u202f\u205f\u3000\ufeff"
EMOJI = ["\U0001F468\u200D\U0001F469\u200D\U0001F467\u200D\U0001F466",
         "\U0001F3F3\uFE0F\u200D\U0001F308", "\U0001F44D\U0001F3FD", "1\uFE0F\u20E3",
         "\U0001F1E9\U0001F1EA", "\u2764\uFE0F", "\U0001F9D1\U0001F3FF\u200D\U0001F680",
         "\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F"]
WORDS = """the and I'm you're WE'LL don't it'd they've 's 'S 'T 'll 'LL 're x'y
'\u017f \u017f \u212a don\u2019t 3.14159 1,000,000 1234567 \u00bd \u0663\u0664 \u2167 \u4e00\u4e8c
e\u0301 \u00e9 \u1ebf a\u0323\u0302 \u1100\u1161\u11a8 \uac01 \ufb01 \ufdfa \u0130 \u0131 \u00df \u01c5 _x_ __init__ #define
http://a.b/c?d=e&f=%20 a@b.c (x+y)*z != === => // /* */ <div> </div> \\n \\u0041
caf\u00e9 na\u00efve \u041f\u0440\u0438\u0432\u0435\u0442 \u3053\u3093\u306b\u3061\u306f \u4f60\u597d \uc548\ub155 \u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35
\u2581 \u2581\u2581 a\u2581b <unk> <s> </s> <0x0A> <0xZZ> [INST] <| |> <|im_ start|>""".split()


def damaged(rng):
    raw = bytes(rng.choice([rng.randrange(256), rng.randrange(0x80, 0x100),
                            0x20, 0x61]) for _ in range(rng.randrange(1, 12)))
    return raw.decode("utf-8", errors="replace")


class Generator:
    def __init__(self, rng, specials):
        self.rng = rng
        self.specials = specials
        self.parts = [self.block, self.block, self.anything, self.spaces, self.word,
                      self.word, self.word, self.emoji, self.control, self.special,
                      self.number, self.run, self.marks, lambda: damaged(rng)]

    def block(self):
        low, high = self.rng.choice(BLOCKS)
        chosen = (chr(self.rng.randint(low, high)) for _ in range(self.rng.randrange(1, 12)))
        return "".join(c for c in chosen if c in KNOWN)

    def anything(self):
        return "".join(self.rng.choices(CHARACTERS, k=self.rng.randrange(1, 8)))

    def spaces(self):
        return "".join(self.rng.choices(SPACES, k=self.rng.randrange(1, 6)))

    def word(self):
        word = self.rng.choice(WORDS)
        return word + self.rng.choice(["", " ", " ", "  ", "\n", "\r\n", ", "])

    def emoji(self):
        return self.rng.choice(EMOJI)

    def control(self):
        return "".join(chr(self.rng.choice([self.rng.randrange(32), 0x7F, 0x80, 0x9F, 0xAD,
                                            0x200D, 0x202E, 0xFFFE, 0xFFFF, 0x10FFFF]))
                       for _ in range(self.rng.randrange(1, 4)))

    def special(self):
        if not self.specials:
            return "<s>"
        token = self.rng.choice(self.specials)
        cut = self.rng.random()
        return token if cut < 0.7 else token[:self.rng.randrange(len(token) + 1)]

    def number(self):
        return str(self.rng.randrange(10 ** self.rng.randrange(1, 15)))

    def run(self):
        unit = self.rng.choice([" ", "\n", "a", "=", "-", "9", "\u3000", "\u4e2d", "\t ", "ab",
                                "\u0301", "\U0001F600", "\u2581"])
        return unit * self.rng.randrange(2, 60)

    def marks(self):
        chosen = "".join(chr(self.rng.randint(0x300, 0x36F)) for _ in range(self.rng.randrange(1, 5)))
        return self.rng.choice("aeiouAEIOUcnsz\u0915\u05d0") + chosen

    def string(self):
        return "".join(self.rng.choice(self.parts)()
                       for _ in range(self.rng.choice([1, 1, 2, 3, 5, 8, 13])))

    def id_lists(self, size, count):
        for _ in range(count):
            yield [self.rng.randrange(size) for _ in range(self.rng.randrange(12))]

    def long_strings(self):
        yield from (u * n for u, n in [(" ", 100_000), ("a", 20_000), ("\n", 50_000),
                                       ("\u4f60\u597d", 10_000), ("ab ", 20_000), ("!", 20_000),
                                       ("a" + "\u0301", 5_000), ("\u0301\u0323", 3_000),
                                       ("1", 10_000), ("\u2581", 5_000), ("\u3000", 5_000)])
        for _ in range(5):
            yield "".join(self.string() for _ in range(400))


def trained(normalizer, pre_tokenizer, decoder, post, added=(), **options):
    """A small tokenizer with the given components, vocabulary learnt here."""
    rng = random.Random(7)
    maker = Generator(rng, [])
    text = [" ".join(rng.choices(WORDS, k=30)) for _ in range(300)]
    text += [maker.block() for _ in range(200)]
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
             "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
             "post_processor": None, "decoder": decoder,
             "model": {"type": "BPE", "dropout": None, "unk_token": None,
                       "continuing_subword_prefix": None, "end_of_word_suffix": None,
                       "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                       "vocab": {}, "merges": []}}
    tokenizer = Tokenizer.from_str(json.dumps(whole))
    byte_level = "ByteLevel" in json.dumps(pre_tokenizer)
    fallback = [f"<0x{b:02X}>" for b in range(256)] if options.get("byte_fallback") else []
    trainer = BpeTrainer(vocab_size=900, show_progress=False, limit_alphabet=150,
                         special_tokens=["<unk>", "<s>", "</s>"] + fallback,
                         initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if byte_level else [])
    tokenizer.train_from_iterator(text, trainer)
    out = json.loads(tokenizer.to_str())
    out["model"].update(options)
    out["post_processor"] = post
    vocabulary = out["model"]["vocab"]
    free = len(vocabulary)
    keep = [t for t in out["added_tokens"] if not t["content"].startswith("<0x")]
    for token in added:
        known = vocabulary.get(token["content"])
        keep.append({"id": free if known is None else known, "single_word": False,
                     "lstrip": False, "rstrip": False, "normalized": False,
                     "special": False, **token})
        free += known is None
    out["added_tokens"] = keep
    return json.dumps(out)


def small_tokenizers():
    metaspace = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    llama_decoder = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    template = {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                           {"Sequence": {"id": "A", "type_id": 0}},
                           {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                         {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]},
                                   "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": False}
    spm = dict(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    flags = [{"content": "[L]", "lstrip": True}, {"content": "[R]", "rstrip": True},
             {"content": "[LR]", "lstrip": True, "rstrip": True, "special": True},
             {"content": "word", "single_word": True}, {"content": "\n\n"},
             {"content": "na\u00efve", "normalized": True}, {"content": "the end", "normalized": True}]

    def split(pattern, behavior, invert=False):
        kind = "Regex" if pattern != " " else "String"
        return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}

    def sequence(*steps):
        return {"type": "Sequence", "pretokenizers": list(steps)}

    o200k = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
             r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
             r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    byte_decoder = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}
    made = {
        "llama2": ({"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"}, metaspace]}, None, llama_decoder, template, [], spm),
        "gemma": (metaspace, split(" ", "MergedWithPrevious"), {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}]}, template, flags, spm),
        "metaspace": (None, {"type": "Metaspace", "replacement": "\u2581",
                             "prepend_scheme": "first", "split": False}, llama_decoder, template, flags, spm),
        "metaspace_split": (None, {"type": "Metaspace", "replacement": "\u2581",
                                   "prepend_scheme": "always", "split": True},
                            {"type": "Metaspace", "replacement": "\u2581",
                             "prepend_scheme": "always", "split": True}, None, flags,
                            dict(unk_token="<unk>", fuse_unk=False)),
        "nemo": (None, sequence(split(o200k, "Isolated"), byte_level), byte_decoder, template, flags,
                 dict(ignore_merges=True)),
        "smollm": (None, sequence({"type": "Digits", "individual_digits": True},
                                  {"type": "ByteLevel", "add_prefix_space": False,
                                   "trim_offsets": True, "use_regex": True}), byte_decoder, None, flags, {}),
        "prefix_space": ({"type": "NFKC"}, {"type": "ByteLevel", "add_prefix_space": True,
                                            "trim_offsets": True, "use_regex": True},
                         byte_decoder, None, flags, {}),
        "lower_strip": ({"type": "Sequence", "normalizers": [
            {"type": "NFD"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": True, "strip_right": True}]},
            sequence({"type": "Whitespace"}, {"type": "Punctuation", "behavior": "Isolated"}),
            None, None, [], dict(unk_token="<unk>")),
        "white_split": ({"type": "NFKD"}, sequence({"type": "WhitespaceSplit"},
                                                  {"type": "Digits", "individual_digits": False}),
                        None, None, [], dict(unk_token="<unk>", fuse_unk=True)),
        "regex_replace": ({"type": "Replace", "pattern": {"Regex": r"\s{2,}|\bx\w+"}, "content": " "},
                          sequence(split(r"\w+|[^\w\s]", "MergedWithNext"), byte_level),
                          byte_decoder, None, flags, {}),
        "contiguous": (None, sequence(split(r"\d", "Contiguous"), split(r"[aeiou]", "Removed", True),
                                      byte_level), byte_decoder, None, [], {}),
        "inverted": (None, sequence(split(r"^.+$", "MergedWithPrevious", True), byte_level),
                     byte_decoder, None, [], {}),
    }
    for name, (normalizer, pre, decoder, post, added, options) in made.items():
        yield name, trained(normalizer, pre, decoder, post, added, **options)


def compare(name, path, text, count, seed, workdir):
    reference = Tokenizer.from_str(text)
    specials = [t["content"] for t in json.loads(text)["added_tokens"]][:40]
    maker = Generator(random.Random(f"{name} {seed}"), specials)
    strings = [maker.string() for _ in range(count)] + list(maker.long_strings()) + [""]
    lines = workdir / f"{name}.jsonl"
    ids = [reference.encode(s).ids for s in strings]
    lists = list(maker.id_lists(reference.get_vocab_size(), count // 4)) + ids[:count // 4]
    lines.write_text("".join(json.dumps(s) + "\n" for s in strings + lists), encoding="utf-8")
    began = time.time()
    done = subprocess.run([VEER, "tokenize", "--model", path, "--jsonl", lines, "--json"],
                          capture_output=True, check=False)
    seconds = time.time() - began
    if done.returncode != 0:
        print(f"{name}: {done.stderr.decode()}")
        return 1
    got = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    wrong = 0
    expected = ids + [reference.decode(l, skip_special_tokens=False) for l in lists]
    for given, ours, theirs in zip(strings + lists, got, expected, strict=True):
        ours = ours["ids"] if "ids" in ours else ours["text"]
        if ours != theirs:
            wrong += 1
            if wrong <= 3:
                print(f"{name}: {str(given)[:80]!r}\n  veer       {ours[:40]!r}\n"
                      f"  tokenizers {theirs[:40]!r}")
    print(f"{name}: {len(strings)} strings and {len(lists)} lists of ids, {wrong} differ, "
          f"{seconds:.1f} s")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strings", type=int, default=2000, help="for each tokenizer")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6))
    parser.add_argument("--folders", type=int, default=200, help="with further tokens")
    parser.add_argument("--only", help="one tokenizer, or forms or folders")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    files = [(n, DATA / "tokenizers" / n) for n in ("llama3", "qwen2", "gpt2")]
    files.append(("stories260K", DATA / "models/stories260K"))
    wrong = total = 0
    with tempfile.TemporaryDirectory() as folder:
        workdir = pathlib.Path(folder)
        sources = [(name, path / "tokenizer.json", (path / "tokenizer.json").read_text(encoding="utf-8"))
                   for name, path in files if path.is_dir()]
        if not sources:
            print(f"no tokenizers in {DATA}: only the small ones made here")
        for name, text in small_tokenizers():
            path = workdir / f"{name}.json"
            path.write_text(text, encoding="utf-8")
            sources.append((name, path, text))
        for name, path, text in sources:
            if arguments.only in (None, name):
                wrong += compare(name, path, text, arguments.strings, arguments.seed, workdir)
                total += arguments.strings
        rng = random.Random(arguments.seed)
        if arguments.only in (None, "forms"):
            wrong += compare_forms(VEER, workdir, rng, 100_000)
        if arguments.only in (None, "folders"):
            wrong += compare_folders(VEER, workdir, rng, arguments.folders)
    print(f"{total} strings, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
