#!/usr/bin/env python3
"""Median simple regret of Optuna's samplers on the functions of bench_tune, in its format.

    /usr/bin/python3 tests/bench/optuna_compare.py [--seeds 20] [--evals 100] [--sampler tpe,tpe-group,gp] [--first 0]
        [--each]

Uses whatever Optuna this Python has; samplers it lacks are left out. Not part of the tests: it takes minutes. With
--each every seed's regret is printed as bench_tune each=1 prints it, for a paired test."""
import argparse
import math
import statistics
import time

import optuna


def branin(t):
    x, y = t.suggest_float("x", -5, 10), t.suggest_float("y", 0, 15)
    return (y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
C = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]


def hartmann6(t):
    x = [t.suggest_float(f"x{i}", 0, 1) for i in range(6)]
    return -sum(
        al * math.exp(-sum(a * (v - c) ** 2 for a, v, c in zip(ra, x, rc))) for al, ra, rc in zip([1, 1.2, 3, 3.2], A, C)
    )


def sphere10(t):
    return sum(t.suggest_float(f"x{i}", -5, 5) ** 2 for i in range(10))


def tree(t):
    kind = t.suggest_categorical("opt", ["sgd", "momentum", "adam"])
    c, d = {"sgd": (-1.5, 0.3), "momentum": (-2.5, 0.1), "adam": (-3, 0)}[kind]
    f = (math.log10(t.suggest_float("lr_" + kind, 1e-5, 1e-1, log=True)) - c) ** 2 + d
    if kind == "momentum":
        f += 10 * (t.suggest_float("m", 0.5, 0.999) - 0.9) ** 2
    elif kind == "adam":
        f += 10 * (t.suggest_float("b1", 0.5, 0.999) - 0.9) ** 2 + 50 * (t.suggest_float("b2", 0.9, 0.9999) - 0.99) ** 2
    return f


def mixed(t):
    kind = t.suggest_categorical("kind", ["a", "b", "c"])
    flag = t.suggest_categorical("flag", ["relu", "tanh"])
    k, n = t.suggest_int("k", 1, 8), t.suggest_int("n", 8, 512, log=True)
    u, lr = t.suggest_float("u", 0, 1), t.suggest_float("lr", 1e-5, 1e-1, log=True)
    f = {"a": 0.4, "b": 0, "c": 0.15}[kind] + (0 if flag == "tanh" else 0.2)
    f += 0.02 * (k - (3 if flag == "tanh" else 6)) ** 2 + 0.05 * math.log2(n / 128) ** 2 + (u - 0.25) ** 2
    return f + 0.2 * (math.log10(lr) + (2 if kind == "a" else 3.5)) ** 2


def styblinski5(t):
    x = [t.suggest_float(f"x{i}", -5, 5) for i in range(5)]
    return sum((v**4 - 16 * v * v + 5 * v) / 2 for v in x)


SHEKEL = [([4] * 4, 0.1), ([1] * 4, 0.2), ([8] * 4, 0.2), ([6] * 4, 0.4), ([3, 7, 3, 7], 0.4), ([2, 9, 2, 9], 0.6),
          ([5, 5, 3, 3], 0.3)]


def shekel7(t):
    x = [t.suggest_float(f"x{i}", 0, 10) for i in range(4)]
    return -sum(1 / (b + sum((v - w) ** 2 for v, w in zip(x, c))) for c, b in SHEKEL)


def tree2(t):
    kind = t.suggest_categorical("opt", ["sgd", "rmsprop", "adam"])
    c, d = {"sgd": (-2, 0), "rmsprop": (-4, 0.15), "adam": (-3.5, 0.25)}[kind]
    f = 0.5 * (math.log10(t.suggest_float("lr_" + kind, 1e-5, 1e-1, log=True)) - c) ** 2 + d
    if kind == "sgd":
        f += 0.03 * (t.suggest_int("k", 1, 9) - 7) ** 2 + 2 * (t.suggest_float("m", 0, 1) - 0.35) ** 2
    return f


FUNCTIONS = {
    "branin": (branin, 0.39788735772973816),
    "hartmann6": (hartmann6, -3.322368011415512),
    "sphere10": (sphere10, 0),
    "tree": (tree, 0),
    "mixed": (mixed, 0),
    "styblinski5": (styblinski5, -195.83082850898),
    "shekel7": (shekel7, -10.402915336777745),
    "tree2": (tree2, 0),
}
SAMPLERS = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe-group": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}


def run(function, least, sampler, evals):
    study = optuna.create_study(sampler=sampler)
    best, at, asking = math.inf, [], []
    for i in range(evals):
        began = time.process_time()
        trial = study.ask()
        value = function(trial)
        asking.append(time.process_time() - began)
        study.tell(trial, value)
        best = min(best, value)
        if i + 1 in (evals // 4, evals // 2, evals):
            at.append(best - least)
    return at, asking


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seeds", type=int, default=20)
    p.add_argument("--first", type=int, default=0, help="the first seed")
    p.add_argument("--evals", type=int, default=100)
    p.add_argument("--sampler", default="random,tpe,tpe-group,cmaes,gp")
    p.add_argument("--function", default=",".join(FUNCTIONS))
    p.add_argument("--each", action="store_true")
    o = p.parse_args()
    import warnings

    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(f"# Optuna {optuna.__version__}, {o.seeds} seeds, {o.evals} evaluations")
    for name in o.function.split(","):
        function, least = FUNCTIONS[name]
        for which in o.sampler.split(","):
            try:
                SAMPLERS[which](0)
            except (AttributeError, ImportError, ModuleNotFoundError):
                continue
            runs = []
            for seed in range(o.first, o.first + o.seeds):
                at, asking = run(function, least, SAMPLERS[which](seed), o.evals)
                runs.append((at, asking))
                if o.each:
                    print(f"# {name} {which} {seed} {at[0]:.6g} {at[1]:.6g} {at[2]:.6g}", flush=True)
            mid = [statistics.median(r[0][k] for r in runs) for k in range(3)]
            ms = 1000 * statistics.median(t for r in runs for t in r[1])
            print(f"{name:12} {which:10} {mid[0]:10.4g} {mid[1]:10.4g} {mid[2]:10.4g}   {ms:8.2f} ms", flush=True)


if __name__ == "__main__":
    main()
