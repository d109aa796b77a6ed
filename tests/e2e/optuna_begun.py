"""Optuna's side of optuna_begun.sh. optuna_begun.py begin FILE | bad DIR | extend STUDY_DIR FILE | check STUDY_DIR SHOWN"""
import json
import sqlite3
import sys
import warnings

import optuna

WHAT, WHERE = sys.argv[1:3]
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")
LR = (1e-4, 1e-2)


def check(condition, *what):
    if not condition:
        sys.exit("FAILED: " + " ".join(str(w) for w in what))


def objective(trial, choices):
    trial.suggest_int("model.latent", 2, 32, log=True)
    trial.suggest_categorical("model.activation", choices)
    lr = trial.suggest_float("optimizer.lr", *LR, log=True)
    trial.report(400.0, 1)
    if trial.number == 3:
        raise optuna.TrialPruned()
    return 500 + 1000 * abs(lr - 3e-3)


def opened(path):
    return optuna.load_study(study_name=None, storage=f"sqlite:///{path}")


def of_optuna(trial):
    return (trial.number, trial.state, trial.values, trial.params, trial.intermediate_values, trial.datetime_start,
            trial.user_attrs)


if WHAT == "begin":
    study = optuna.create_study(study_name="theirs", storage=f"sqlite:///{WHERE}",
                                sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(lambda t: objective(t, ["tanh", "relu"]), n_trials=9)  # the choices in another order than ours
    other = study.ask()
    other.suggest_float("of.another", 0, 1)  # no knob of ours
    other.set_user_attr("note", "kept")
    study.tell(other, 700.0)
    study.ask()  # still running there
    study.enqueue_trial({"model.latent": 5, "model.activation": "relu", "optimizer.lr": 0.002})
elif WHAT == "bad":
    for name, kwargs in (("up", {"direction": "maximize"}), ("two", {}), ("none", {})):
        study = optuna.create_study(study_name="a", storage=f"sqlite:///{WHERE}/{name}.db", **kwargs)
        study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=1)
    optuna.create_study(study_name="b", storage=f"sqlite:///{WHERE}/two.db")
elif WHAT == "extend":
    study, theirs = opened(f"{WHERE}/study.db"), opened(sys.argv[3])
    for old, now in zip(theirs.trials, study.trials):
        if old.state.is_finished():
            check(of_optuna(old) == of_optuna(now), "trial", old, "is now", now)
    check(study.trials[10].state.name == "FAIL", "what ran there", study.trials[10])
    waited = study.trials[11]
    check(waited.state.name == "COMPLETE", "what waited there", waited)
    check(waited.params == {"model.latent": 5, "model.activation": "relu", "optimizer.lr": 0.002}, "its values", waited)
    study.sampler = optuna.samplers.TPESampler(seed=2, multivariate=True)
    study.optimize(lambda t: objective(t, ["relu", "tanh"]), n_trials=3)  # refused if a distribution had changed
    db = sqlite3.connect(f"{WHERE}/study.db")
    check(db.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,), "Optuna left no mark")
    check(db.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",), "journal mode")
    db.close()
    print(len(study.trials))
elif WHAT == "check":
    with open(sys.argv[3], encoding="utf-8") as f:
        shown = sorted(json.load(f)["trials"], key=lambda t: t["number"])
    trials = opened(f"{WHERE}/study.db").trials
    check([t["number"] for t in shown] == list(range(len(trials))) == [t.number for t in trials], "numbers", shown)
    for t, ours in zip(trials, shown):
        check(ours["state"] == t.state.name, t.number, ours["state"], t.state)
        check(t.state.name != "COMPLETE" or ours["value_nats"] == t.value, t.number, ours["value_nats"], t.value)
        for name, value in t.params.items():
            check(name == "of.another" or ours["params"].get(name) == value, t.number, name, ours["params"], value)
    print(f"Optuna {optuna.__version__}: {len(trials)} trials, begun there, continued here, there and here")
