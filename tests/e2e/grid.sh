#!/bin/sh
# A grid on the real engine: each cell once though the engine is killed over and over; cells whose trials fail come again,
# three times at most; trials by hand claim their cells; a space that narrows and extends; nothing is asked for ever.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_kill.sh"

cat >"$T/cells.yaml" <<'END'
# Six cells, two of which diverge.
study:
  sampler: grid
  trials: 6
  slots: 2
data:
  count: 300
model:
  width: 16
  latent: 2 | 3
optimizer:
  kind: sgd
  lr: 1e-3 | 1e-2 | 900
train:
  epochs: 2
END
study() { # NAME WORDS...
    name=$1
    shift
    run_it 0 run "$T/cells.yaml" --name "$name" --no-tui --quiet "$@"
    until_true 30 rests "$name"
}
rests() { [ "$(json "$1" | jq .engine_running)" = false ]; }
# How many trials each cell had, by its latent size and rate: "2/0.01" 1 ...
tries() { # NAME [FILTER]
    json "$1" | jq -c "[.trials[] | select(${2:-true}) | \"\(.params[\"model.latent\"])/\(.params[\"optimizer.lr\"])\"] | sort |
        group_by(.) | map({(.[0]): length}) | add"
}
logged() { # NAME TEXT: how often
    sqlite3 -cmd ".timeout 20000" "$XDG_DATA_HOME/vaetop/$1/study.db" "SELECT count(*) FROM vaetop_log WHERE instr(text, '$2') > 0"
}

# What fails comes again beyond `trials`, each cell with a value does not.
study fails
want='{"2/0.001":1,"2/0.01":1,"2/900":3,"3/0.001":1,"3/0.01":1,"3/900":3}'
[ "$(tries fails)" = "$want" ] || fail "tries of the cells: $(tries fails)"
[ "$(logged fails 'the grid has 6 cells, all of them given out; 2 failed 3 times')" = 1 ] || fail "the end is not said once"
[ "$(json fails | jq -r .phase)" = finished ] || fail "it is not finished"
[ "$(logged fails 'of 6 once more, for it failed: try 2 of 3')" = 2 ] || fail "it is not said what comes again"

# By hand: a cell is claimed, a clone of a cell that has a value is one trial more and takes nothing from the others.
study hand --trials 1 --set 'optimizer.lr=1e-3 | 1e-2'
run_it 0 enqueue hand --set model.latent=3 --set lr=1e-3
run_it 0 clone hand --trial 0
run_it 0 set hand --trials 10
study hand --set 'optimizer.lr=1e-3 | 1e-2'
[ "$(tries hand)" = '{"2/0.001":2,"2/0.01":1,"3/0.001":1,"3/0.01":1}' ] || fail "cells beside trials by hand: $(tries hand)"
# The finished study goes on when its grid grows; a cell that was cut off is not given out, one that is enqueued is extra.
run_it 0 space hand --set 'model.latent=3 | 4 | 5'
run_it 0 space hand --set 'optimizer.lr=1e-2 | 3e-3'
run_it 0 set hand --trials 20
run_it 0 enqueue hand --set model.latent=4 --set lr=1e-3
run_it 0 resume hand
until_true 60 ended hand
until_true 60 rests hand
[ "$(tries hand '.number > 4')" = '{"3/0.003":1,"4/0.001":1,"4/0.003":1,"4/0.01":1,"5/0.003":1,"5/0.01":1}' ] ||
    fail "cells of the changed grid: $(tries hand)"
run_it 0 fsck hand

# The same with an engine that is there, and killed whenever another cell was given out.
run_it 0 run "$T/cells.yaml" --name killed --detach --trials 12 --set 'optimizer.lr=1e-3 | 3e-3 | 1e-2' --set train.epochs=300 \
    --set 'model.latent=2 | 3 | 4 | 5'
kills=0
seen=0
while ! ended killed; do
    n=$(json killed | jq '.trials | length')
    if [ "$n" -gt "$seen" ] && [ $kills -lt 6 ]; then
        seen=$n
        engine=$(engine_of killed)
        kill -KILL "$(ps -o ppid= -p "$engine" | tr -d ' ')" "$engine" 2>/dev/null || true
        kills=$((kills + 1))
        until_true 30 rests killed
        run_it 0 resume killed
    fi
done
[ $kills -ge 4 ] || fail "the engine was killed $kills times only"
[ "$(tries killed | jq -c '[length, (map(. == 1) | all)]')" = '[12,true]' ] || fail "cells after $kills kills: $(tries killed)"
[ "$(json killed | jq '[.trials[] | select(.phase == "done")] | length')" = 12 ] || fail "not all are done"
echo "6 cells with 2 that fail: 10 trials; 4 cells by hand, extended and narrowed; 12 cells once each after $kills kills"
