# SPDX-License-Identifier: MIT
"""Compares `veer template` with jinja2 in the environment that Hugging Face's
apply_chat_template builds: a table of constructs, the real templates with many
conversations, and randomly drawn expressions. Both must give the same bytes,
or both must refuse.

Usage: template_parity.py [number of random expressions] [seed]
Environment: VEER (the program, default build/bin/veer), VEER_TEST_DATA.
"""
import copy
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings

import jinja2
import jinja2.ext
import jinja2.sandbox

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
VEER = os.environ.get("VEER", os.path.join(ROOT, "build", "bin", "veer"))
DATA = os.environ.get(
    "VEER_TEST_DATA", os.path.join(ROOT, "..", "shared", "data"))


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_support")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    @jinja2.pass_eval_context
    def _support(self, context, caller):
        return caller()


warnings.simplefilter("ignore", SyntaxWarning)


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None,
               sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent,
                          separators=separators, sort_keys=sort_keys)

    def strftime_now(format):
        return datetime.datetime.fromtimestamp(
            0, datetime.timezone.utc).strftime(format)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True,
        extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = strftime_now
    return env


def reference(cases):
    env = environment()
    out = []
    for case in cases:
        try:
            text = env.from_string(case["template"]).render(
                **copy.deepcopy(case["variables"]))
            out.append(("text", text))
        except Exception as error:  # any refusal counts
            out.append(("error", f"{type(error).__name__}: {error}"))
    return out


def ours(cases):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as f:
        for case in cases:
            f.write(json.dumps(case) + "\n")
    try:
        run = subprocess.run([VEER, "template", "--cases", f.name],
                             capture_output=True, text=True, check=False)
    finally:
        os.unlink(f.name)
    rows = [json.loads(line) for line in run.stdout.split("\n") if line]
    if len(rows) != len(cases):
        sys.exit(f"veer gave {len(rows)} of {len(cases)} rows: {run.stderr}")
    return [("text", r["text"]) if "text" in r else ("error", r["error"])
            for r in rows]


# What jinja2 has and Veer refuses by name.
UNSUPPORTED = ("is not supported", "are not supported", "beyond 64 bits",
               "a generator is printed", "> is printed", "a complex number")


def compare(name, cases):
    unequal = unsupported = refused = 0
    for case, want, got in zip(cases, reference(cases), ours(cases)):
        if want[0] == "error" and got[0] == "error":
            refused += 1
            continue
        if want == got:
            continue
        if got[0] == "error" and any(u in got[1] for u in UNSUPPORTED):
            unsupported += 1
            continue
        unequal += 1
        if unequal <= 15:
            print(f"  {case['template'][:300]!r}\n    jinja2 {want}\n"
                  f"    veer   {got}")
    print(f"{name}: {len(cases)} cases, {unequal} unequal, {refused} refused "
          f"by both, {unsupported} refused by name by veer alone")
    return unequal


VALUES = {
    "n": None, "t": True, "f": False, "i": 7, "neg": -3, "z": 0, "x": 2.5,
    "big": 1e20, "tiny": 1e-7, "s": "Hello World", "e": "", "u": "héllo wörld ß",
    "ws": "  pad\n", "l": [3, 1, 2], "m": ["b", "A", "c"], "le": [],
    "d": {"b": 1, "A": [1, "x", None], "items": 5}, "de": {},
    "ld": [{"k": 2, "v": "x"}, {"k": 1, "v": "Y"}, {"k": 2}],
    "nest": {"a": {"b": [10, {"c": "deep"}]}}, "q": "it's", "dq": 'a"b',
    "multi": "one\ntwo\n\nthree", "html": "<a href='x'>&\"</a>",
    "digits": "42", "fl": "3.7", "uni": "日本語 テキスト\u00a0x\u2028y",
    "ctl": "a\x00\x1f\x7f\u200bz\\",
}


def expression_cases():
    here = os.path.join(os.path.dirname(__file__), "template_expressions.txt")
    with open(here, encoding="utf-8") as file:
        lines = [l.rstrip("\n").replace("\\N", "\n") for l in file]
    return [{"template": l if "{%" in l or "{{" in l or "{#" in l
             else "{{ " + l + " }}", "variables": VALUES}
            for l in lines if l and not l.startswith("//")]


def conversations():
    system = {"role": "system", "content": "Be brief. "}
    user = {"role": "user", "content": " What is 2+2? \n"}
    answer = {"role": "assistant", "content": "  It's four.\n\n"}
    think = {"role": "assistant",
             "content": "<think>\nhm\n</think>\n\nFour."}
    call = {"role": "assistant", "content": "", "tool_calls": [
        {"id": "abcdef123", "type": "function", "function": {
            "name": "add", "arguments": {"a": 2, "b": [1.5, None, "ü\n"]}}}]}
    result = {"role": "tool", "name": "add", "content": '{"sum": 4}',
              "tool_call_id": "abcdef123"}
    parts = {"role": "user", "content": [{"type": "text", "text": "Hi "},
                                         {"type": "text", "text": "you"}]}
    tools = [{"type": "function", "function": {
        "name": "add", "description": "Adds \"numbers\" & more <b>",
        "parameters": {"type": "object", "properties": {
            "a": {"type": "number", "description": "é"},
            "b": {"type": "array", "items": {"type": "string",
                                             "enum": ["x", "y"]}}},
            "required": ["a"]},
        "return": {"type": "number"}}}]
    lists = [[user], [system, user], [user, answer], [system, user, answer],
             [system, user, answer, user], [user, think, user, answer],
             [user, call, result], [user, call, result, answer, user],
             [parts], [system, parts, answer], [answer], [system], [],
             [user, user], [{"role": "judge", "content": "x"}],
             [{"role": "user", "content": None}]]
    for messages in lists:
        for tool_list in (None, tools):
            for prompt in (False, True):
                for extra in ({}, {"date_string": "26 Jul 2024"},
                              {"enable_thinking": False},
                              {"tools_in_user_message": False}):
                    yield dict(messages=messages, tools=tool_list,
                               documents=None, add_generation_prompt=prompt,
                               bos_token="<s>", eos_token="</s>", **extra)


def template_cases():
    folder = os.path.join(DATA, "chat_templates")
    templates = []
    own = os.path.join(ROOT, "tests", "text", "templates")
    more = [p for p in [os.environ.get("VEER_MORE_TEMPLATES")] if p]
    for place in (folder, own, *more):
        if not os.path.isdir(place):
            print(f"no {place}: its templates are left out")
            continue
        for name in sorted(os.listdir(place)):
            with open(os.path.join(place, name), encoding="utf-8") as file:
                if name.endswith(".jinja"):
                    templates.append(file.read())
                elif name.endswith(".jsonl"):
                    templates += [json.loads(l)["chat_template"] for l in file]
    return [{"template": t, "variables": v}
            for t in templates for v in conversations()]


class Drawer:
    """Random templates that are mostly well formed."""

    NAMES = list(VALUES) + ["missing"]
    BINARY = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">",
              ">=", "and", "or", "in", "not in", "**"]
    FILTERS = ["upper", "lower", "trim", "title", "capitalize", "length",
               "list", "first", "last", "join(', ')", "join", "sort", "unique|list",
               "reverse|list", "string", "int", "float", "abs", "round",
               "round(1)", "tojson", "tojson(indent=2)", "default('D')",
               "default('D', true)", "replace('l', 'LL')", "indent", "e",
               "map('upper')|list", "select|list", "reject('none')|list",
               "sum", "min", "max", "dictsort", "items|list", "batch(2)|list",
               "wordcount", "sort(reverse=true)", "string|length",
               "selectattr('k')|list", "map(attribute='k')|list",
               "indent(2, true)", "center(20)", "truncate(8)", "float|int",
               "selectattr('k', 'equalto', 2)|list", "safe", "slice(2)|list"]
    TESTS = ["defined", "undefined", "none", "string", "number", "integer",
             "float", "boolean", "mapping", "sequence", "iterable", "odd",
             "even", "true", "false", "lower", "upper", "callable",
             "divisibleby(2)", "eq(7)", "in([7, 'a'])", "gt 1", "lt(3)"]
    METHODS = ["upper()", "strip()", "lstrip()", "rstrip('d')", "split()",
               "split('l')", "split('o', 1)", "startswith('H')",
               "endswith(('d', 'x'))", "title()", "capitalize()",
               "replace('o', '0')", "replace('', '-', 2)", "find('o')",
               "count('l')", "items()|list", "keys()|list", "values()|list",
               "get('b')", "get('zz', 3)", "index(1)", "isdigit()",
               "rsplit(' ', 1)", "splitlines()", "format(1, a=2)", "append(1)",
               "partition(' ')", "zfill(9)", "center(15, '*')", "rfind('o')",
               "a", "b", "items", "__class__", "isalpha()", "swapcase()"]
    INDEX = ["0", "-1", "1:", ":2", "::-1", "'b'", "'A'", "5", "1:-1:2",
             "none", "-2:", "1.0", "true", "10:0:-3", "'upper'"]

    def __init__(self, seed):
        self.random = random.Random(seed)

    def constant(self):
        return self.random.choice(
            ["1", "0", "-2", "2.0", "0.5", "'a'", "'Hello'", "none", "true",
             "false", "[1, 2]", "[]", "{'a': 1}", "{}", "(1,)", "('a', 2)",
             "range(3)", "''", "1e3", "'%s-%d'", "'{}:{a}'", "[[1, 2], [0]]"])

    def expression(self, depth):
        pick = self.random
        if depth == 0 or pick.random() < 0.15:
            return (pick.choice(self.NAMES) if pick.random() < 0.7
                    else self.constant())
        inner = self.expression(depth - 1)
        kind = pick.randrange(9)
        if kind <= 1:
            other = self.expression(depth - 1)
            return f"({inner} {pick.choice(self.BINARY)} {other})"
        if kind <= 4:
            return f"({inner})|{pick.choice(self.FILTERS)}"
        if kind == 5:
            word = pick.choice(["is", "is not"])
            return f"({inner} {word} {pick.choice(self.TESTS)})"
        if kind == 6:
            return f"({inner}).{pick.choice(self.METHODS)}"
        if kind == 7:
            index = pick.choice(self.INDEX)
            # A slice that fails within a constant prints empty in jinja2.
            return (f"{pick.choice(list(VALUES))}[{index}]" if ":" in index
                    else f"({inner})[{index}]")
        return pick.choice([f"(not {inner})", f"(-{inner})",
                            f"({inner} if {self.expression(depth - 1)} else "
                            f"{self.expression(depth - 1)})",
                            f"[{inner}, {self.expression(depth - 1)}]",
                            f"'%s' % ({inner})", f"{{'k': {inner}}}"])

    def space(self):
        return self.random.choice(["", " ", "\n", "  ", "\n  ", " \n", "\t",
                                   "\r\n", "\n\n"])

    def statement(self, depth):
        pick = self.random
        text = pick.choice(["", "x", " y ", "\n", "a\n  b"])
        if depth == 0:
            return text + "{{ " + self.expression(1) + " }}"
        open_, close = (pick.choice(["{%", "{%-", "{%+"]),
                        pick.choice(["%}", "-%}", "+%}"]))

        def tag(body):
            return (self.space() + open_ + " " + body + " " + close +
                    self.space())

        inner = self.block(depth - 1)
        value = self.expression(2)
        kind = pick.randrange(11)
        if kind == 0:
            return (tag(f"if {value}") + inner + tag("else") +
                    self.block(depth - 1) + tag("endif"))
        if kind in (1, 2):
            condition = pick.choice(["", " if v", " if loop is defined",
                                     " if v is string"])
            extra = pick.choice(
                ["{{ loop.index }}", "{{ loop.last }}", "{{ loop.length }}",
                 "{{ v }}", "{{ loop.previtem }}", "{{ loop.nextitem }}",
                 "{{ loop.cycle('a', 'b') }}", "{{ loop.changed(v) }}",
                 "{{ loop.revindex0 }}{{ loop.first }}",
                 "{% if loop.index == 2 %}{% break %}{% endif %}",
                 "{% if v == 1 %}{% continue %}{% endif %}{{ v }}",
                 "{% set s = v %}{{ s }}", "{% set ns.a = v %}"])
            return (tag(f"for v in {value}{condition}") + extra + inner +
                    pick.choice(["", tag("else") + "none"]) + tag("endfor"))
        if kind == 3:
            return tag(f"set s = {value}") + "{{ s }}"
        if kind == 4:
            return tag("set s") + inner + tag("endset") + "[{{ s }}]"
        if kind == 5:
            return (tag("macro mac(a, b=2)") + "{{ a }}{{ b }}" + inner +
                    tag("endmacro") + f"{{{{ mac({value}) }}}}")
        if kind == 6:
            return (tag("filter upper") + inner + tag("endfilter"))
        if kind == 7:
            return tag("raw") + "{{ x }}" + tag("endraw")
        if kind == 8:
            return self.space() + "{#" + pick.choice(["", "-", "+"]) + " c " + \
                pick.choice(["", "-", "+"]) + "#}" + self.space() + inner
        if kind == 9:
            return (tag(f"with s = {value}") + "{{ s }}" + inner +
                    tag("endwith") + "{{ s }}")
        return tag("generation") + inner + tag("endgeneration")

    def block(self, depth):
        return "".join(self.statement(depth)
                       for _ in range(self.random.randrange(1, 3)))

    def case(self):
        if self.random.random() < 0.6:
            template = "{{ " + self.expression(3) + " }}"
        else:
            template = ("{% set ns = namespace(a=0) %}" + self.block(2) +
                        "{{ ns.a }}" + self.space())
        return {"template": template, "variables": VALUES}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    print(f"jinja2 {jinja2.__version__}, seed {seed}")
    drawer = Drawer(seed)
    unequal = compare("constructs", expression_cases())
    unequal += compare("real templates", template_cases())
    unequal += compare("random", [drawer.case() for _ in range(count)])
    sys.exit(1 if unequal else 0)


if __name__ == "__main__":
    main()
