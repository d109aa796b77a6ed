"""Optuna opens a study whose space has changed: one distribution for each choice, values as they were, states as given;
then it goes on with it. Run by living.sh."""
import sqlite3
import sys
import warnings

import optuna

STUDY, *WANTED = sys.argv[1:]
URL = f"sqlite:///{STUDY}/study.db"
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore")


def check(condition, *what):
    if not condition:
        sys.exit("FAILED: " + " ".join(str(w) for w in what))


name = sqlite3.connect(f"{STUDY}/study.db").execute("SELECT study_name FROM studies").fetchone()[0]
study = optuna.load_study(study_name=name, storage=URL)
trials = study.get_trials(deepcopy=False)
for want in WANTED:
    number, state = want.split(":")
    check(trials[int(number)].state.name == state, "trial", number, "is", trials[int(number)].state.name)
seen = {}
for trial in trials:
    for param, distribution in trial.distributions.items():
        check(distribution._contains(distribution.to_internal_repr(trial.params[param])), trial.number, param,
              trial.params[param], "outside", distribution)
        seen.setdefault(param, set()).add(str(distribution))
check(len(seen.get("optimizer.kind", {0})) == 1, "kind has several choice lists", seen)
check(len(seen.get("model.latent", {0})) == 1, "latent has several ranges", seen)
check(study.best_value == min(t.value for t in trials if t.state.name == "COMPLETE"), "another best trial")

# A sampler of Optuna's takes the space as it finds it.
space = optuna.samplers.intersection_search_space(study)
check(set(space) >= {"model.latent", "optimizer.kind"}, "Optuna sees another space", space)
