"""What src/abilities/fit.rs is compared with: the maximum of the same marginal posterior by scipy's BFGS on the plain formula,
with Gauss-Legendre quadrature, its errors from second differences. Shares no line with the Rust.

    python ability.py > ability.json        # numpy 2, scipy 1.1x
"""

import json

import numpy as np
from scipy.optimize import minimize

# Abilities are N(0, 1): sixteen panels of 30 nodes from -8 to 8, with that density.
PANEL, WEIGHT = np.polynomial.legendre.leggauss(30)
NODES = np.concatenate([middle + PANEL / 2 for middle in np.arange(-7.5, 8)])
LN_WEIGHTS = np.log(np.tile(WEIGHT, 16)) - NODES**2 / 2
LN_WEIGHTS -= np.log(np.exp(LN_WEIGHTS).sum())


def of_experts(x, experts, clusters, cells):
    """ln of (experts, nodes): each expert's answers at each ability, with the density."""
    b, ln_a = x[:clusters], x[clusters:]
    logit = np.exp(ln_a)[:, None] * (NODES[None, :] - b[:, None])
    right, wrong = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    rows = np.tile(LN_WEIGHTS, (experts, 1))
    for e, c, r, n in cells:
        rows[e] += r * right[c] + (n - r) * wrong[c]
    return rows


def height(x, *of):
    clusters = of[1]
    rows = of_experts(x, *of)
    top = rows.max(axis=1)
    likely = np.sum(top + np.log(np.exp(rows - top[:, None]).sum(axis=1)))
    return likely - np.sum((x[:clusters] / 2) ** 2) / 2 - np.sum((x[clusters:] / 0.5) ** 2) / 2


def differences(f, x, h):
    steps = np.eye(len(x)) * h
    return np.array([(8 * (f(x + s) - f(x - s)) - (f(x + 2 * s) - f(x - 2 * s))) / (12 * h) for s in steps])


def abilities(x, *of):
    rows = of_experts(x, *of)
    odds = np.exp(rows - rows.max(axis=1)[:, None])
    odds /= odds.sum(axis=1)[:, None]
    mean = odds @ NODES
    return mean, odds @ NODES**2 - mean**2


def of(name, experts, clusters, cells, truth=()):
    where = (experts, clusters, cells)
    f = lambda x: height(x, *where)
    gradient = lambda x: differences(f, x, 1e-3)
    x = minimize(lambda x: -f(x), np.zeros(2 * clusters), jac=lambda x: -gradient(x), method="BFGS",
                 options={"gtol": 1e-5, "maxiter": 10000}).x
    for _ in range(4):  # Newton's last steps, on the differences
        curvature = differences(gradient, x, 1e-3)
        x = x - np.linalg.solve((curvature + curvature.T) / 2, gradient(x))
    curvature = differences(gradient, x, 1e-3)
    covariance = np.linalg.inv(-(curvature + curvature.T) / 2)
    mean, variance = abilities(x, *where)
    # What is not known of the questions is not known of the experts either (delta method).
    slopes = differences(lambda x: abilities(x, *where)[0], x, 1e-3)
    variance = variance + np.einsum("pe,pq,qe->e", slopes, covariance, slopes)
    values, errors = [*mean, *x], [*np.sqrt(variance), *np.sqrt(np.diag(covariance))]
    return {"name": name, "experts": experts, "clusters": clusters, "cells": [list(cell) for cell in cells],
            "values": [round(float(v), 8) for v in values], "errors": [round(float(v), 7) for v in errors],
            "truth": [round(float(v), 6) for v in truth]}


def drawn(name, seed, experts, clusters, n):
    random = np.random.default_rng(seed)
    theta = random.normal(0, 1, experts)
    b = random.normal(0, 1, clusters)
    ln_a = random.normal(0, 0.4, clusters)
    cells = []
    for e in range(experts):
        for c in range(clusters):
            p = 1 / (1 + np.exp(-np.exp(ln_a[c]) * (theta[e] - b[c])))
            cells.append((e, c, int(random.binomial(n, p)), n))
    return of(name, experts, clusters, cells, [*theta, *b, *ln_a])


if __name__ == "__main__":
    sets = [
        of("one expert, one cluster", 1, 1, [(0, 0, 14, 20)]),
        of("all right", 2, 2, [(0, 0, 30, 30), (1, 0, 12, 30), (1, 1, 3, 25)]),
        drawn("few answers", 1, 4, 5, 12),
        drawn("many answers", 2, 8, 5, 100),
        drawn("many experts", 3, 24, 5, 30),
    ]
    print(json.dumps({"sets": sets}))
