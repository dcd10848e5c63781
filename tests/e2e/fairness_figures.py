"""Figures of fairness of a file, computed a second time.

    fairness_figures.py FILE PREDICTION LABEL GROUP REFERENCE

PREDICTION, LABEL ("" for none) and GROUP are expressions of Python over the
columns as a dictionary `r`. Prints one JSON object: group -> name -> number.
Shares no code with the program and needs nothing but Python.
"""

import csv
import json
import math
import sys

Z = 1.959963984540054


def wilson(x, n):
    p = x / n
    mid = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return mid - half, mid + half


def newcombe(x, n, y, m):
    p, q = x / n, y / m
    (pl, pu), (ql, qu) = wilson(x, n), wilson(y, m)
    return (p - q - math.hypot(p - pl, qu - q), p - q + math.hypot(pu - p, q - ql))


def katz(x, n, y, m):
    error = math.sqrt(1 / x - 1 / n + 1 / y - 1 / m)
    ratio = (x / n) / (y / m)
    return ratio * math.exp(-Z * error), ratio * math.exp(Z * error)


def main(path, prediction, label, group, reference):
    tables = {}
    with open(path, newline="", encoding="utf-8") as file:
        for r in csv.DictReader(file):
            name = str(eval(group))
            cell = tables.setdefault(name, [0, 0, 0, 0])
            predicted = bool(eval(prediction))
            true = bool(eval(label)) if label else False
            cell[2 * predicted + true] += 1
    # Rates as (hits, cases) of [tn, fn, fp, tp].
    rates = {"selection_rate": lambda t: (t[2] + t[3], sum(t))}
    if label:
        rates["true_positive_rate"] = lambda t: (t[3], t[1] + t[3])
        rates["false_positive_rate"] = lambda t: (t[2], t[0] + t[2])
        rates["positive_predictive_value"] = lambda t: (t[3], t[2] + t[3])
    result = {}
    for name, table in tables.items():
        out = result[name] = {}
        for rate, of in rates.items():
            x, n = of(table)
            y, m = of(tables[reference])
            out[rate] = [x / n, *wilson(x, n)]
            if name != reference and n >= 30 and x > 0:
                out[rate + "_group_minus_reference"] = [
                    x / n - y / m, *newcombe(x, n, y, m)]
                out[rate + "_group_over_reference"] = [
                    (x / n) / (y / m), *katz(x, n, y, m)]
    json.dump(result, sys.stdout)


main(*sys.argv[1:])
