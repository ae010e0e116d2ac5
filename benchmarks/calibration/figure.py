#!/usr/bin/env python3
"""Draws what calibration_bench printed: coverage, false positives and bias.

Usage: figure.py RESULT.json OUT.svg    (needs vl-convert-python)
"""
import json
import pathlib
import sys

import vl_convert

# Measure, axis title, range that is the goal.
PANELS = [
    ("coverage", "coverage of the 95 % interval", (0.93, 0.97)),
    ("zero_rejected", "false positives at cosine 0", (0.04, 0.06)),
    ("bias", "bias of the cosine", (-0.01, 0.01)),
]


def points(result, measure):
    """Scenarios with the 2-sigma range that counting alone explains."""
    error = {"coverage": "coverage_error", "zero_rejected": "coverage_error",
             "bias": "bias_error"}[measure]
    floor = -1.0 if measure == "bias" else 0.0
    for row in result["cosine"]:
        if measure == "zero_rejected" and row["cosine"] != 0:
            continue
        if row["expected_reliability"] < 0.795:
            continue
        yield {"n": row["n"], "width": str(row["width"]),
               "spectrum": f"j^-{row['power']:g}" if row["power"] else "flat",
               "value": row[measure],
               "low": max(row[measure] - 2 * row[error], floor),
               "high": min(row[measure] + 2 * row[error], 1.0)}


def panel(result, measure, title, goal):
    x = {"field": "n", "type": "quantitative", "title": "questions",
         "scale": {"type": "log", "domain": [8, 600]},
         "axis": {"values": [10, 20, 50, 100, 200, 500]}}
    spectrum = {"field": "spectrum", "type": "nominal",
                "title": "spectrum"}
    shape = {"field": "width", "type": "nominal", "title": "dimensions",
             "sort": ["64", "256", "512", "3072"]}
    scale = {"zero": False}
    return {
        "width": 250, "height": 230,
        "data": {"values": list(points(result, measure))},
        "layer": [
            {"data": {"values": [{"low": goal[0], "high": goal[1]}]},
             "mark": {"type": "rect", "color": "#dddddd"},
             "encoding": {"y": {"field": "low", "type": "quantitative",
                                "scale": scale, "title": title},
                          "y2": {"field": "high"}}},
            {"mark": {"type": "rule", "opacity": 0.35},
             "encoding": {"x": x, "color": spectrum,
                          "y": {"field": "low", "type": "quantitative"},
                          "y2": {"field": "high"}}},
            {"mark": {"type": "point", "filled": True, "size": 45,
                      "opacity": 1},
             "encoding": {"x": x, "color": spectrum,
                          "shape": shape,
                          "y": {"field": "value", "type": "quantitative",
                                "scale": scale}}},
        ],
    }


def main():
    result = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    chart = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "config": {"range": {"category": [
            "#0072B2", "#E69F00", "#009E73", "#CC79A7",
            "#5B636E"]}},
        "hconcat": [panel(result, *p) for p in PANELS],
    }
    svg = vl_convert.vegalite_to_svg(json.dumps(chart))
    pathlib.Path(sys.argv[2]).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
