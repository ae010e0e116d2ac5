#!/usr/bin/env python3
"""Directions from the same activations against the Python tools: |cosine| with
theirs at least 0.9999.

mean_diff      steering-vectors' mean_aggregator
pca_uncentred  steering-vectors' pca_aggregator
pca_diff       repeng's method of that name
pca_center     repeng's method of that name, and scikit-learn's PCA
logistic       scikit-learn's LogisticRegression on standardised rows
mass_mean      the formula with scikit-learn's Ledoit-Wolf covariance
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

np.float_ = np.float64  # repeng 0.4 names it; NumPy 2 dropped it
import repeng.extract
import torch
from safetensors.numpy import load_file, save_file
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from steering_vectors.aggregators import mean_aggregator, pca_aggregator

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VEER_BUILD", ROOT / "build"))
PROGRAM = BUILD / "tools" / "parity" / "parity_directions"
METHODS = ["mean_diff", "pca_uncentred", "pca_diff", "pca_center", "logistic",
           "mass_mean"]
L2 = 0.01  # MethodOptions' default
LIMIT = 0.9999


def activations(seed, n, width):
    """Pairs around a direction, spectrum j^-1/2, one massive dimension."""
    rng = np.random.default_rng(seed)
    scale = 1.0 / np.sqrt(np.arange(1, width + 1))
    shared = rng.normal(size=(n, width)) * scale * 3.0
    shared[:, 3] += 60.0
    direction = rng.normal(size=width) * scale
    spread = rng.normal(size=(n, 1))
    d = (1.0 + 0.8 * spread) * direction + rng.normal(size=(n, width)) * scale * 0.2
    return ((shared + d).astype(np.float32), shared.astype(np.float32))


def repeng_direction(positive, negative, method):
    """repeng reads its rows from a model; here from the given activations."""
    rows = np.empty((2 * len(positive), positive.shape[1]), np.float32)
    rows[::2], rows[1::2] = positive, negative
    repeng.extract.batched_get_hiddens = lambda *_, **__: {0: rows.copy()}
    repeng.extract.model_layer_list = lambda _: [None]

    class Model:
        class config:
            num_hidden_layers = 1

    entries = [repeng.extract.DatasetEntry("a", "b")] * len(positive)
    return repeng.extract.read_representations(
        Model(), None, entries, [0], method=method)[0]


def theirs(positive, negative):
    p, n = torch.tensor(positive), torch.tensor(negative)
    yield "mean_diff", "steering-vectors", mean_aggregator()(p, n).numpy()
    yield "pca_uncentred", "steering-vectors", pca_aggregator()(p, n).numpy()
    for method in ("pca_diff", "pca_center"):
        yield method, "repeng", repeng_direction(positive, negative, method)
    half = (positive - negative).astype(np.float64) / 2.0
    yield ("pca_center", "scikit-learn",
           PCA(1).fit(np.concatenate([half, -half])).components_[0])
    rows = np.concatenate([positive, negative]).astype(np.float64)
    labels = np.repeat([1, 0], len(positive))
    sd = rows.std(0)
    probe = LogisticRegression(C=1.0 / (2.0 * L2 * len(rows)), tol=1e-10,
                               max_iter=20000)
    probe.fit((rows - rows.mean(0)) / sd, labels)
    yield "logistic", "scikit-learn", probe.coef_[0] / sd
    within = np.concatenate([positive - positive.mean(0),
                             negative - negative.mean(0)]).astype(np.float64)
    covariance = LedoitWolf(assume_centered=True).fit(within).covariance_
    yield ("mass_mean", "scikit-learn",
           np.linalg.solve(covariance, (positive - negative).mean(0)))


def main():
    subprocess.run(["cmake", "--build", BUILD, "--target", PROGRAM.name],
                   check=True, stdout=subprocess.DEVNULL)
    seed = int.from_bytes(os.urandom(4), "little")
    failed = 0
    for n, width in ((40, 256), (300, 64)):
        positive, negative = activations(seed, n, width)
        with tempfile.TemporaryDirectory() as folder:
            rows, out = (os.path.join(folder, f) for f in ("rows", "out"))
            save_file({"positive": positive, "negative": negative}, rows)
            subprocess.run([PROGRAM, rows, out, *METHODS], check=True)
            ours = load_file(out)
        for method, tool, direction in theirs(positive, negative):
            a = ours[method].astype(np.float64)
            b = np.asarray(direction, np.float64)
            cosine = abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
            ok = cosine >= LIMIT
            failed += not ok
            print(f"  {'ok  ' if ok else 'FAIL'} {method} and {tool}, {n} x "
                  f"{width}: |cosine| {cosine:.7f}")
    print(f"seed {seed}, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
