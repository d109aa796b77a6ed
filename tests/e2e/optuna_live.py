"""Optuna beside a study that runs. optuna_live.py STUDY_DIR enqueue|work|check [SHOWN]"""
import json
import sqlite3
import sys
import time
import warnings

import optuna

STUDY, WHAT = sys.argv[1:3]
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")
study = optuna.load_study(study_name=None, storage=f"sqlite:///{STUDY}/study.db")


def check(condition, *what):
    if not condition:
        sys.exit("FAILED: " + " ".join(str(w) for w in what))


def objective(trial):
    """The study's space as a program of Optuna's would ask for it."""
    trial.suggest_int("model.latent", 2, 32, log=True)
    trial.suggest_categorical("model.activation", ["relu", "tanh"])
    lr = trial.suggest_float("optimizer.lr", 1e-4, 1e-2, log=True)
    time.sleep(0.05)
    return 300 + 1000 * abs(lr - 3e-3)


if WHAT == "enqueue":
    study.enqueue_trial({"model.latent": 7, "model.activation": "tanh", "optimizer.lr": 0.00125})
    study.enqueue_trial({"model.latent": 9})  # the rest is for the taker to choose
    study.enqueue_trial({"model.latent": 99})  # outside the space: not for us
    print(*[t.number for t in study.trials if "fixed_params" in t.system_attrs])
elif WHAT == "work":
    own = optuna.samplers.RandomSampler(seed=3)
    study.sampler = own
    for _ in range(6):
        trial = study.ask()
        while trial.number in [t.number for t in study.trials if "fixed_params" in t.system_attrs]:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)  # it takes what waits, too
            trial = study.ask()
        study.tell(trial, objective(trial))
elif WHAT == "check":
    with open(sys.argv[3], encoding="utf-8") as f:
        shown = {t["number"]: t for t in json.load(f)["trials"]}
    trials = study.trials
    check([t.number for t in trials] == list(range(len(trials))), "numbers", [t.number for t in trials])
    check(set(shown) == set(range(len(trials))), "shown", sorted(shown))
    for t in trials:
        ours = shown[t.number]
        check(ours["state"] == t.state.name, t.number, ours["state"], t.state)
        if t.state.name == "COMPLETE":
            check(ours["value_nats"] == t.value, t.number, ours["value_nats"], t.value)
        for name, value in t.params.items():
            check(ours["params"].get(name) == value, t.number, name, ours["params"], value)
    db = sqlite3.connect(f"{STUDY}/study.db")
    order = [r[0] for r in db.execute("SELECT number FROM vaetop_order ORDER BY seq")]
    ended = [t.number for t in trials if t.state.is_finished()]
    check(sorted(order) == ended, "order", order, ended)
    check(study.best_value == min(t.value for t in trials if t.state.name == "COMPLETE"), "best", study.best_value)
    print(f"Optuna {optuna.__version__}: {len(trials)} trials, {len(ended)} ended")
