"""What templates of docs/findings read from a run folder, and how they write it."""
import functools
import json
import math


class Missing(Exception):
    """A page names what its run does not hold."""


class Run:
    """The JSON documents of one run folder (docs/formats/run_folder.md)."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder

    def _document(self, name):
        path = self.folder / name
        if not path.exists():
            raise Missing(f"{self.name} has no {name}")
        return json.loads(path.read_text(encoding="utf-8"))

    comparison = functools.cached_property(
        lambda self: self._document("comparison.json"))
    sweep = functools.cached_property(lambda self: self._document("sweep.json"))
    hypotheses = functools.cached_property(
        lambda self: self._document("hypotheses.json"))
    summary = functools.cached_property(
        lambda self: self._document("summary.json"))
    check = functools.cached_property(
        lambda self: self._document("dataset/check.json"))

    @property
    def claims(self):
        return self.hypotheses["claims"]

    def claim(self, wanted):
        for claim in self.claims:
            if claim["id"] == wanted:
                return claim
        raise Missing(f"{self.name} has no claim {wanted}")

    def verdict(self, wanted):
        """"yes", "no", "open", "void", or "-" where it was not measured."""
        claim = self.claim(wanted)
        if claim["decision"] == "undecided" and claim["effect"]["value"] is None:
            return "-"
        return {"supported": "yes", "contradicted": "no", "void": "void",
                "undecided": "open"}[claim["decision"]]

    def pair(self, a, b):
        for pair in self.comparison["pairs"]:
            if {pair["a"], pair["b"]} == {a, b}:
                return pair
        raise Missing(f"{self.name} does not compare {a} and {b}")

    @property
    def primary(self):
        """The study's contrastive and fine-tuned vector."""
        primary = self.comparison["primary"]
        return primary["a"], primary["b"]

    def cosines(self, a, b):
        return [at["cosine"] for at in self.pair(a, b)["by_layer"]]

    @property
    def vectors(self):
        """Vectors that the sweep chose a cell for, in its order."""
        return list(dict.fromkeys(
            entry["vector"] for entry in self.sweep["best"]
            if entry.get("cell") is not None))

    def layers_beyond_chance(self):
        """"7 of 8": layers at which the primary pair aligns."""
        for pair in self.comparison["full"]["pairs"]:
            if {pair["a"], pair["b"]} == set(self.primary):
                verdicts = [at["verdict"] for at in pair["by_layer"]]
                there = sum(verdict in ("align", "same") for verdict in verdicts)
                return f"{there} of {len(verdicts)}"
        raise Missing(f"{self.name} does not compare its primary pair")

    def trained(self, direction, other):
        """By layer, a trained direction against another vector."""
        for row in self.comparison["directions"]:
            if {row["direction"], row["vector"]} == {direction, other}:
                return row["by_layer"]
        raise Missing(f"{self.name} does not compare {direction} and {other}")

    def halves(self, direction):
        for row in self.comparison["direction_halves"]:
            if row["direction"] == direction:
                return row
        raise Missing(f"{self.name} did not train halves of {direction}")

    @property
    def answer_leak(self):
        """"241 of 266": test questions with an answer that stands in train."""
        leak = self.check["leakage"]["answers"]
        return f"{leak['either_in_train']} of {leak['test']}"

    @property
    def twin_share(self):
        twin = self.comparison.get("twin")
        return twin["share_outside"] if twin else None

    def control_cosines(self, name, of="finetuned"):
        """By layer, of a control tuning's vector with the fine-tuned one."""
        for tuning in self.comparison["control_tunings"]:
            if tuning["name"] == name:
                return [at[of]["value"] for at in tuning["by_layer"]]
        return []

    def entry(self, vector, goal, group="any"):
        """The chosen cell of a vector and goal; None where none was chosen."""
        entries = self.sweep["best" if group == "any" else "groups"]
        for entry in entries:
            if (entry["vector"] == vector and entry["goal"] == goal
                    and entry.get("group", "any") == group
                    and entry.get("cell") is not None):
                return entry
        return None


def number(value, digits=2):
    """.94, -.06, 1.20: no zero before the point of what is below one."""
    if value is None or not math.isfinite(value):
        return "none"
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def percent(value, digits=0):
    return "none" if value is None else f"{100 * value:.{digits}f} %"


def points(estimate, interval=True):
    """+62 [54, 69], points of a share; "none" where it is not defined."""
    if not estimate or estimate.get("value") is None:
        return "none"
    rounded = [round(100 * estimate[key]) + 0 for key in ("value", "low", "high")]
    text = f"{rounded[0]:+d}"
    return f"{text} [{rounded[1]}, {rounded[2]}]" if interval else text


def measured(estimate, digits=2):
    """.69 [.68, .70]; "none" where it is not established."""
    if not estimate or estimate.get("value") is None:
        return "none"
    low, high = estimate.get("low"), estimate.get("high")
    text = number(estimate["value"], digits)
    return text if low is None else (
        f"{text} [{number(low, digits)}, {number(high, digits)}]")


def span(values, digits=2):
    """".18 to .94" of the values that there are."""
    there = [value for value in values if value is not None]
    if not there:
        return "none"
    return f"{number(min(there), digits)} to {number(max(there), digits)}"


def effect(entry):
    """"+62 [54, 69]", with an asterisk where it does not work."""
    if entry is None:
        return "nothing chosen"
    mark = "" if entry.get("works") else "*"
    return points(entry["effect"]) + mark


def place(entry):
    """"add 0.5 rel, layer 1"."""
    if entry is None:
        return "nothing chosen"
    layers = entry["layers"]
    where = "all layers" if layers == "all" else f"layer {layers}"
    return f"{entry['operator']} {entry['scale']:g} {entry['unit']}, {where}"


FILTERS = {"number": number, "percent": percent, "points": points,
           "measured": measured, "span": span, "place": place,
           "effect": effect}
