#!/usr/bin/env python3
"""Writes the Vega-Lite script that the report carries: one file, no network.

Usage: make_vega_bundle.py OUT.js
"""
import pathlib
import sys

import vl_convert


def main():
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    if "</script" in bundle:
        sys.exit("the bundle holds </script and cannot be put inline")
    pathlib.Path(sys.argv[1]).write_text(bundle, encoding="utf-8")


if __name__ == "__main__":
    main()
