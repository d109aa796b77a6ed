#!/bin/sh
# A study begun in Optuna over the same knobs goes on here, is extended there, and goes on here again.
. "$(dirname "$0")/lib.sh"
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1
"$python" -c 'import optuna' || fail "python3-optuna is missing"
theirs() { "$python" "$(dirname "$0")/optuna_begun.py" "$@"; }
study=$XDG_DATA_HOME/vaetop/here

cat >"$T/here.yaml" <<'YAML'
study:
  sampler: tpe
  startup: 4
  slots: 2
  trials: 15
data:
  source: builtin:digits
  count: 300
model:
  width: 32
  latent: 2 .. 32 log
  activation: relu | tanh
optimizer:
  lr: 1e-4 .. 1e-2 log
train:
  epochs: 1
YAML

# What cannot be gone on with is refused in one line, and nothing is left of it.
theirs bad "$T"
refused() { # FILE WORDS
    run_it "$3" run "$T/here.yaml" --name here --no-tui --continue "$T/$1"
    one_line
    says "$T/err" "$2"
    [ ! -e "$study" ] || fail "$1 left a study behind"
}
refused up.db "its direction is MAXIMIZE, study.objective asks for MINIMIZE" 2
refused two.db "holds 2 studies" 2
refused none.db "none of its 1 trials has a value in this space" 2
refused absent.db "No such file" 1
echo "not a data base, but long enough to be looked at for one" >"$T/text.db"
refused text.db "not an SQLite data base" 6
[ -z "$(ls -A "$XDG_DATA_HOME/vaetop")" ] || fail "left behind: $(ls -A "$XDG_DATA_HOME/vaetop")"

# 12 trials of theirs: one waits, one still ran. Ours follow, and theirs stand for the start-up phase.
theirs begin "$T/theirs.db"
before=$(cksum <"$T/theirs.db")
run_it 0 run "$T/here.yaml" --name here --no-tui --continue "$T/theirs.db"
says "$T/err" "goes on with 12 trials of an Optuna study"
[ "$(cksum <"$T/theirs.db")" = "$before" ] || fail "Optuna's file was written to"
"$vaetop" show here --json >"$T/shown"
[ "$(jq -c '[.trials[] | select(.attempts > 0) | .number] | sort' "$T/shown")" = "[11,12,13,14]" ] ||
    fail "ours: $(jq -c '[.trials[] | [.number, .phase, .attempts]]' "$T/shown")"
sampled=$(sqlite3 -readonly "$study/study.db" "SELECT DISTINCT sampler FROM vaetop_suggestion WHERE number > 11")
[ "$sampled" = tpe ] || fail "theirs did not inform the sampler, which was $sampled"
theirs check "$study" "$T/shown"
run_it 2 run "$T/here.yaml" --name here --no-tui --continue "$T/theirs.db"
says "$T/err" "--continue is for a new study"

# Extended there, stamped there, its journal changed there: it goes on here, with all of it known to the sampler.
[ "$(theirs extend "$study" "$T/theirs.db")" = 18 ] || fail "trials after Optuna"
run_it 0 run "$T/here.yaml" --name here --no-tui --trials 20
"$vaetop" show here --json >"$T/shown"
theirs check "$study" "$T/shown"
[ "$(jq '[.trials[] | select(.attempts > 0)] | length' "$T/shown")" = 6 ] || fail "two more of ours"
"$VAETOP_BUILD/tests/replay" "$study" >"$T/replayed" 2>&1 || fail "not the same again: $(cat "$T/replayed")"
cat "$T/replayed"
