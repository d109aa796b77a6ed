"""Compares a study of vaetop with what Optuna reads from it, then lets Optuna add to it. Run by optuna_reads.sh."""
import collections
import datetime
import json
import math
import sqlite3
import subprocess
import sys
import warnings

import optuna
from optuna.distributions import CategoricalDistribution as Choice
from optuna.distributions import FloatDistribution as Float
from optuna.distributions import IntDistribution as Int

STUDY, WRITTEN, READER, COPY = sys.argv[1:]
URL = f"sqlite:///{STUDY}/study.db"

# The space of tests/store/fixture.c, as Optuna would have it.
LR_FAST = Float(1e-4, 1e-2, log=True)
LR_SGD = Float(1e-5, 1e-3, log=True)
SPACE = {
    "model.depth": Int(1, 3),
    "model.width": Int(64, 1024, log=True),
    "model.latent": Choice([2, 8, 32]),
    "model.activation": Choice(["relu", "tanh"]),
    "loss.beta": Float(0.5, 2.0, step=0.1),
    "loss.beta_schedule": Choice(["constant", "linear"]),
    "loss.beta_warmup": Float(1.0, 4.0),
    "optimizer.kind": Choice(["adam", "rmsprop", "sgd"]),
    "train.batch": Int(32, 256, step=32),
}


def same(a, b):
    """Equal, NaN equal to NaN, no rounding."""
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def check(condition, *what):
    if not condition:
        sys.exit("FAILED: " + " ".join(str(w) for w in what))


def load_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def distribution_of(name, params):
    if name == "optimizer.lr":
        return LR_SGD if params["optimizer.kind"] == "sgd" else LR_FAST
    return SPACE[name]


def check_params(trial, want):
    n = want["number"]
    if want["state"] == "WAITING":
        check(trial.params == {}, n, "a waiting trial has parameters", trial.params)
        got = trial.system_attrs["fixed_params"]
    else:
        got = trial.params
        for name in got:
            check(trial.distributions[name] == distribution_of(name, got), n, name, trial.distributions[name])
    check(set(got) == set(want["params"]), n, "parameters", got)
    for name, value in want["params"].items():
        kind = distribution_of(name, got)
        if name == "model.latent":  # choices of a whole-numbered knob are whole numbers, not words
            value = int(value)
        check(got[name] == value, n, name, got[name], value)
        check(type(got[name]) is (int if isinstance(kind, Int) else float if isinstance(kind, Float) else type(value)),
              n, name, "type", type(got[name]))


def check_trial(trial, want, now):
    n = want["number"]
    check(trial.number == n, "number", trial.number, n)
    check(trial.state.name == want["state"], n, "state", trial.state, want["state"])
    check_params(trial, want)
    steps = {int(k): v for k, v in want["epochs"].items()}
    check(set(trial.intermediate_values) == set(steps), n, "steps", trial.intermediate_values)
    for step, value in steps.items():
        check(same(trial.intermediate_values[step], float(value)), n, "step", step, trial.intermediate_values[step], value)
    if math.isnan(want["value"]):
        check(trial.values is None, n, "value", trial.values)
    else:
        check(trial.values == [want["value"]], n, "value", trial.values, want["value"])
    check((trial.datetime_start is None) == (want["state"] == "WAITING"), n, "datetime_start", trial.datetime_start)
    check((trial.datetime_complete is None) == (want["state"] in ("WAITING", "RUNNING")), n, "datetime_complete")
    for stamp in (trial.datetime_start, trial.datetime_complete):
        check(stamp is None or abs(now - stamp) < datetime.timedelta(minutes=5), n, "time is not UTC", stamp, now)
    if trial.datetime_complete:
        check(datetime.timedelta(0) <= trial.duration < datetime.timedelta(minutes=5), n, "duration", trial.duration)
    check(trial.user_attrs["phase"] == want["phase"], n, "phase", trial.user_attrs)
    if steps:
        check(trial.user_attrs["device"] == 'a "quoted" device', n, "device", trial.user_attrs)
    if trial.state.is_finished():
        check(trial.user_attrs["reason"] == "why it ended", n, "reason", trial.user_attrs)
        check({"rec", "kl"} <= set(trial.user_attrs), n, "parts", trial.user_attrs)


def check_file(written):
    """What no version of Optuna shows but some depend on."""
    db = sqlite3.connect(f"{STUDY}/study.db")
    tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    check(("alembic_version",) not in tables, "the file must not be stamped")
    for want in written:
        rows = db.execute("SELECT param_name FROM trial_params p JOIN trials t ON t.trial_id = p.trial_id"
                          " WHERE number = ? ORDER BY param_id", (want["number"],)).fetchall()
        check([r[0] for r in rows] == ([] if want["state"] == "WAITING" else list(want["params"])), "order", rows)
    texts = db.execute("SELECT count(DISTINCT distribution_json) FROM trial_params GROUP BY param_name"
                       " HAVING param_name <> 'optimizer.lr'").fetchall()
    check(set(texts) == {(1,)}, "a distribution differs between trials", texts)
    db.close()


def first_look(written):
    study = optuna.load_study(study_name=None, storage=URL)
    check(study.study_name == "from-vaetop", "name", study.study_name)
    check(study.direction == optuna.study.StudyDirection.MINIMIZE, "direction", study.direction)
    check("width: 64 .. 1024 log" in study.user_attrs["vaetop_preset"], "preset", study.user_attrs)
    check(study.user_attrs["vaetop_version"], "version")
    trials = study.trials
    check(len(trials) == len(written), "trials", len(trials), len(written))
    now = datetime.datetime.utcnow()
    for trial, want in zip(trials, written):
        check_trial(trial, want, now)
    seen = collections.Counter(t.state.name for t in trials)
    check(set(seen) == {"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"}, "states", seen)
    check(len({t.params["optimizer.kind"] for t in trials if t.params}) == 3, "kinds")
    best = min(w["value"] for w in written if w["state"] == "COMPLETE")
    check(study.best_value == best, "best", study.best_value, best)
    return study


def suggest(trial):
    """The space as a program of Optuna's would ask for it."""
    kind = trial.suggest_categorical("optimizer.kind", ["adam", "rmsprop", "sgd"])
    low, high = (1e-5, 1e-3) if kind == "sgd" else (1e-4, 1e-2)
    trial.suggest_float("optimizer.lr", low, high, log=True)
    trial.suggest_int("model.depth", 1, 3)
    trial.suggest_categorical("model.latent", [2, 8, 32])
    trial.suggest_float("loss.beta", 0.5, 2.0, step=0.1)
    return 77.25


def optuna_goes_on(study, written):
    """The waiting trial is taken first, with the values it was given; then one of Optuna's own; then optimize()."""
    waiting = next(w for w in written if w["state"] == "WAITING")
    taken = study.ask()
    check(taken.number == waiting["number"], "ask() took", taken.number)
    check(suggest(taken) == 77.25 and taken.params["optimizer.kind"] == waiting["params"]["optimizer.kind"],
          "fixed parameters", taken.params)
    study.tell(taken, 11.5)
    own = study.ask()
    check(own.number == len(written), "number of a new trial", own.number)
    suggest(own)
    own.report(3.0, 1)
    study.tell(own, 12.5)
    study.optimize(suggest, n_trials=2)
    study.ask()  # left running
    return taken.number, own.number


def our_reader(written, taken, own, own_params):
    rows = load_lines(subprocess.run([READER, "read-study", STUDY], check=True, stdout=subprocess.PIPE, text=True).stdout)
    check([r["number"] for r in rows] == list(range(len(written) + 4)), "our numbers", [r["number"] for r in rows])
    for row, want in zip(rows, written):
        if row["number"] == taken:
            check(row["foreign"] and row["state"] == "COMPLETE" and row["value"] == 11.5, "taken trial", row)
            continue
        check(not row["foreign"] and row["phase"] == want["phase"], "our trial changed", row)
        check(row["params"] == want["params"], "our parameters changed", row)
        if want["state"] in ("COMPLETE", "PRUNED", "FAIL"):
            check(same(row["value"], want["value"]), "our value changed", row)
    new = rows[own]
    check(new["foreign"] and new["state"] == "COMPLETE" and new["value"] == 12.5, "Optuna's trial", new)
    for name, value in own_params.items():
        got = new["params"][name]
        check(got == value or got == str(value), "Optuna's parameter", name, got, value)
    check(rows[-1]["state"] == "RUNNING" and rows[-1]["foreign"], "Optuna's running trial", rows[-1])


def check_copy(study):
    """Optuna takes the mark for its own, finds the same trials, and goes on in the copy alone."""
    with open(COPY, "rb") as f:
        check(f.read(20)[18:] == b"\1\1", "the copy needs a write-ahead log, which some readers lack")
    db = sqlite3.connect(COPY)
    check(db.execute("SELECT version_num FROM alembic_version").fetchall() == [("v3.0.0.d",)], "the copy's mark")
    db.close()
    storage = optuna.storages.RDBStorage(f"sqlite:///{COPY}")
    check(storage.get_current_version() == "v3.0.0.d", "current version", storage.get_current_version())
    copy = optuna.load_study(study_name="from-vaetop", storage=storage)
    check(len(copy.trials) == len(study.trials), "trials in the copy", len(copy.trials))
    for mine, theirs in zip(study.trials, copy.trials):
        check(repr(mine) == repr(theirs), "the copy's trial", theirs, "is not", mine)  # NaN is NaN here
    check(copy.user_attrs == study.user_attrs and copy.direction == study.direction, "the copy's study")
    copy.optimize(suggest, n_trials=2)
    check(len(copy.trials) == len(study.trials) + 1, "trials in the copy", len(copy.trials))  # one was waiting


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("error", category=UserWarning, module="optuna.distributions")
    with open(WRITTEN, encoding="utf-8") as f:
        written = load_lines(f.read())
    check_file(written)
    study = first_look(written)
    check_copy(study)
    taken, own = optuna_goes_on(study, written)
    again = optuna.load_study(study_name="from-vaetop", storage=URL)
    check(len(again.trials) == len(written) + 4, "trials in the end", len(again.trials))
    our_reader(written, taken, own, again.trials[own].params)
    print(f"Optuna {optuna.__version__}: {len(written)} trials read, {len(again.trials) - len(written)} added")


main()
