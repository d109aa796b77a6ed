#!/usr/bin/env python3
"""Is one sampler better than another, seed by seed?

    paired.py OURS THEIRS

reads the lines "# FUNCTION SAMPLER SEED QUARTER HALF ALL" that bench_tune each=1 and optuna_compare.py --each print, and
for every function and every pair of samplers prints the medians at the end, on how many seeds ours was better, and the
one-sided p of the sign test that theirs is better: "no worse" is p > 0.05. Seeds stand for themselves: both sides start
from other points, so the test asks which one to pick, not which one learns more from the same start."""
import collections
import math
import statistics
import sys


def read(path):
    runs = collections.defaultdict(dict)
    with open(path, encoding="utf-8") as f:
        for line in f:
            w = line.split()
            if len(w) == 7 and w[:2] != ["#", "Optuna"] and w[0] == "#" and w[3].isdigit():
                runs[w[1], w[2]][int(w[3])] = float(w[6])
    return runs


def sign_p(wins, losses):
    """Chance of so many losses or more if both were alike."""
    n = wins + losses
    return sum(math.comb(n, k) for k in range(losses, n + 1)) / 2**n if n else 1.0


ours, theirs = read(sys.argv[1]), read(sys.argv[2])
print(f"{'function':12} {'ours':6} {'theirs':10} {'median':>10} {'median':>10} {'better':>9}  p that theirs is better")
for (function, mine), a in sorted(ours.items()):
    for (other_function, other), b in sorted(theirs.items()):
        seeds = sorted(a.keys() & b.keys())
        if function != other_function or not seeds:
            continue
        wins = sum(a[s] < b[s] for s in seeds)
        losses = sum(a[s] > b[s] for s in seeds)
        p = sign_p(wins, losses)
        print(f"{function:12} {mine:6} {other:10} {statistics.median(a[s] for s in seeds):10.3g} "
              f"{statistics.median(b[s] for s in seeds):10.3g} {wins:4}/{len(seeds):<4}  {p:.3f}{'' if p > 0.05 else '  WORSE'}")
