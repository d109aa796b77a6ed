#!/usr/bin/env python3
"""Samplers and pruning on a real job: MNIST's first 3,000 images (of the training
file, else of the test file), eight knobs with conditions, 40 trials, 9 epochs each.

For each seed, random search gives the mark: the best value of its 40 trials. Then: after how many trials do GP and TPE
reach it, and after how many epochs, of random's 360, does successive halving? Medians over the seeds stand in the last
line of each. Everything goes through the command line; studies lie in a folder of their own.

usage: real_job.py [--seeds N] [--trials N] [--epochs N] [--count N] [--dir DIR] [--vaetop PROGRAM] [--mnist DIR]
"""
import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time

PRESET = """# The real job of the benchmark: eight knobs with conditions
study:
  slots: 2
  keep: 1
data:
  source: {images}
  count: {count}
model:
  depth: 1 .. 2
  width: 48 .. 192 log
  latent: 2 .. 32 log
  activation: relu | tanh | silu
loss:
  beta_schedule: constant | linear
  beta_warmup: 0.25 .. 1 if beta_schedule = linear
optimizer:
  kind: adam | sgd
  lr:
    - 1e-4 .. 1e-2 log if kind = adam
    - 1e-5 .. 1e-2 log if kind = sgd
  momentum: 0.5 .. 0.95 if kind = sgd
  clip: 200
train:
  epochs: {epochs}
  batch: 64
"""


def run(o, name, *words):
    """Runs a study to its end; seconds it took."""
    start = time.monotonic()
    command = [o.vaetop, "run", os.path.join(o.dir, "real-job.yaml"), "--dir", o.dir, "--name", name, "--no-tui", "--quiet",
               *words]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def rows(o, name, sql):
    with sqlite3.connect("file:%s?mode=ro" % os.path.join(o.dir, name, "study.db"), uri=True) as db:
        return db.execute(sql).fetchall()


def values_in_order(o, name):
    """Values of trials in the order in which they ended; None where one failed."""
    return [v for (v,) in rows(o, name, "SELECT v.value FROM vaetop_order o JOIN vaetop_trial v USING (number)"
                                        " WHERE o.epoch = 0 ORDER BY o.seq")]


def trials_to(values, mark):
    """Trials until one is as good as the mark; None: never."""
    for i, v in enumerate(values):
        if v is not None and v <= mark:
            return i + 1
    return None


def epochs_to(o, name, mark):
    """Epochs trained by all trials when one was as good as the mark, and in all. A trial's epochs count once it is held
    or has ended."""
    trained, total, found = {}, 0, None
    best = {}
    for number, epoch, value in rows(o, name, "SELECT number, epoch, value FROM vaetop_epoch ORDER BY number, epoch"):
        best.setdefault(number, []).append((epoch, value))
    last = dict(rows(o, name, "SELECT number, last_epoch FROM vaetop_trial"))
    for number, epoch in rows(o, name, "SELECT number, epoch FROM vaetop_order ORDER BY seq"):
        upto = epoch or last[number] or 0
        total += upto - trained.get(number, 0)
        trained[number] = upto
        if found is None and any(e <= upto and v is not None and v <= mark for e, v in best.get(number, [])):
            found = total
    return found, total


def median(values):
    return statistics.median(float("inf") if v is None else v for v in values)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    p = argparse.ArgumentParser()
    p.add_argument("--seeds", type=int, default=5)
    p.add_argument("--trials", type=int, default=40)
    p.add_argument("--epochs", type=int, default=9)
    p.add_argument("--count", type=int, default=3000)
    p.add_argument("--dir", default=None)
    p.add_argument("--vaetop", default=os.path.join(os.environ.get("VAETOP_BUILD", os.path.join(root, "build")), "vaetop"))
    p.add_argument("--mnist", default=os.environ.get("VAETOP_MNIST", os.path.join(root, "..", "shared", "data", "mnist")))
    o = p.parse_args()
    if o.dir is None:
        import tempfile
        o.dir = tempfile.mkdtemp(prefix="real-job-")
    os.makedirs(o.dir, exist_ok=True)
    images = next((os.path.join(o.mnist, n) for n in ("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz",
                                                           "t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz")
                   if os.path.exists(os.path.join(o.mnist, n))), None)
    if images is None:
        sys.exit("real_job.py: no train-images-idx3-ubyte or t10k-images-idx3-ubyte, plain or .gz, in %s" % o.mnist)
    with open(os.path.join(o.dir, "real-job.yaml"), "w") as f:
        f.write(PRESET.format(images=os.path.abspath(images), count=o.count, epochs=o.epochs))
    common = ["--trials", str(o.trials)]
    results = {"gp": [], "tpe": [], "asha": []}
    start = time.monotonic()
    print("seed  random's best  at trial     gp    tpe  (trials to it, of %d)   asha (epochs to it, of %d)" %
          (o.trials, o.trials * o.epochs), flush=True)
    for seed in range(o.seeds):
        s = ["--seed", str(seed)]
        run(o, "random-%d" % seed, *common, *s)
        values = values_in_order(o, "random-%d" % seed)
        mark = min(v for v in values if v is not None)
        for sampler in ("gp", "tpe"):
            name = "%s-%d" % (sampler, seed)
            run(o, name, *common, *s, "--set", "study.sampler=" + sampler, "--set", "study.startup=8")
            results[sampler].append(trials_to(values_in_order(o, name), mark))
        # The same points as random's and some more: it may train a third of random's epochs.
        run(o, "asha-%d" % seed, "--trials", str(o.trials * 13 // 10), *s, "--set", "study.pruner=asha")
        found, total = epochs_to(o, "asha-%d" % seed, mark)
        results["asha"].append(found)
        print("%4d %14.2f %9d %6s %6s %30s (%d in all)" %
              (seed, mark, trials_to(values, mark), results["gp"][-1], results["tpe"][-1], found, total), flush=True)
    m = {k: median(v) for k, v in results.items()}
    print("median %35g %6g %30g" % (m["gp"], m["tpe"], m["asha"]))
    goal = {"gp": o.trials / 2, "tpe": o.trials / 2, "asha": o.trials * o.epochs / 3}
    print("bar    %35g %6g %30g" % (goal["gp"], goal["tpe"], goal["asha"]))
    print("%.0f s; studies in %s" % (time.monotonic() - start, o.dir))
    print(json.dumps({"median": m, "bar": goal, "seeds": o.seeds}))
    return 0 if all(m[k] <= goal[k] for k in m) else 1


if __name__ == "__main__":
    sys.exit(main())
