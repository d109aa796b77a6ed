#!/bin/sh
# vaetop fsck on a whole study, while it runs, and on damaged ones; --repair saves into a copy that runs on.
. "$(dirname "$0")/../e2e/lib.sh"

D=$XDG_DATA_HOME/vaetop
status_of() { sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$T/out"; }
ended() { [ "$("$vaetop" show "$1" --json | jq -r '"\(.phase) \(.engine_running)"')" = "finished false" ]; }
VAETOP_IDLE_S=1
export VAETOP_IDLE_S
run_it 0 run quickstart --name good --trials 4 --slots 2 --set data.count=400 --set train.epochs=4 \
    --set model.width=16 --detach
run_it 0 fsck good
says "$T/out" "lost: 0, duplicated: 0, corrupted: 0"
until_true 120 ended good
run_it 0 fsck good
[ "$(cat "$T/out")" = "lost: 0, duplicated: 0, corrupted: 0" ] || fail "not whole: $(cat "$T/out")"
run_it 0 fsck good --json
[ "$(jq -c '[.lost, .duplicated, .corrupted, .stray, .engine_running, .findings]' "$T/out")" = "[0,0,0,0,false,[]]" ] ||
    fail "JSON: $(cat "$T/out")"
run_it 1 fsck god
says "$T/err" "did you mean good"

# damaged NAME: a fresh copy of the good study.
damaged() {
    rm -rf "$D/bad" "$D/bad-saved"
    cp -r "$D/good" "$D/bad"
}
sql() { sqlite3 "$D/bad/study.db" "$1"; }
# finds COUNTS TEXT: fsck says so and ends with 6.
finds() {
    run_it 6 fsck bad
    one_line
    says "$T/out" "$1"
    says "$T/out" "$2"
}

damaged
sql "DELETE FROM vaetop_epoch WHERE number = 1 AND epoch = 2"
finds "lost: 1, duplicated: 0, corrupted: 0" "lost: trial 1: study.db: 1 of 4 epochs are missing"
damaged
sql "DELETE FROM trial_values WHERE trial_id = 1"
finds "lost: 1, duplicated: 0, corrupted: 0" "done, but without a value"
damaged
sql "UPDATE trial_values SET value = value + 1 WHERE trial_id = 2"
finds "lost: 0, duplicated: 0, corrupted: 1" "in trial_values"
damaged
sql "UPDATE trials SET number = 0 WHERE number = 1"
finds "duplicated: 1" "its number is there 2 times"
damaged
sql "UPDATE trials SET state = 'RUNNING' WHERE number = 3"
finds "corrupted: 1" "phase done and state RUNNING do not go together"
damaged
rm "$D/bad/checkpoints/2.safetensors"
finds "lost: 1" "the checkpoint is missing"
damaged
printf 'x' | dd of="$D/bad/checkpoints/2.safetensors" bs=1 seek=3000 conv=notrunc 2>/dev/null
finds "corrupted: 1" "trial 2: "
damaged
: >"$D/bad/checkpoints/0.safetensors.tmp.77"
run_it 0 fsck bad
says "$T/out" "stray: trial 0: checkpoints/0.safetensors.tmp.77"
damaged
printf 'not a data base' >"$D/bad/snapshots.db"
finds "corrupted: 1" "snapshots.db"
damaged
rm "$D/bad/study.db"
finds "lost: 1" "study.db is missing"

# Its trials' table is hit: the copy has all trials, names the lost ones, and takes more.
damaged
root=$(sqlite3 "$D/bad/study.db" "SELECT rootpage FROM sqlite_schema WHERE name = 'trial_intermediate_values'")
size=$(sqlite3 "$D/bad/study.db" "PRAGMA page_size")
dd if=/dev/urandom of="$D/bad/study.db" bs="$size" seek=$((root - 1)) count=1 conv=notrunc 2>/dev/null
cp "$D/bad/study.db" "$T/before.db"
run_it 6 fsck bad
run_it 6 fsck bad --repair
says "$T/out" "as study bad-saved (lost: 0, duplicated: 0, corrupted: 0); bad is as it was"
cmp -s "$D/bad/study.db" "$T/before.db" || fail "the damaged study was written to"
run_it 0 fsck bad-saved
value() { "$vaetop" show "$1" --json | jq -c '[.trials[] | [.number, .phase, .value_nats]]'; }
[ "$(value good)" = "$(value bad-saved)" ] || fail "values differ: $(value bad-saved)"
run_it 0 run quickstart --name bad-saved --trials 6 --slots 2 --set data.count=400 --set train.epochs=4 \
    --set model.width=16 --detach
until_true 120 ended bad-saved
run_it 0 fsck bad-saved
[ "$("$vaetop" show bad-saved --json | jq '[.trials[] | select(.phase == "done")] | length')" = 6 ] ||
    fail "the saved study did not go on"

# A trial is lost: one that failed stands in its place, so that the study can go on.
damaged
sql "DELETE FROM trials WHERE number = 1; DELETE FROM vaetop_trial WHERE number = 1"
run_it 6 fsck bad --repair
[ "$("$vaetop" show bad-saved --json | jq '.trials | length')" = 4 ] || fail "a number is missing"
