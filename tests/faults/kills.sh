#!/bin/sh
# kills.sh KILLS [SEED]: random SIGKILLs of worker, advisor, engine and client over a running study of small trials.
# Ends with nothing lost, doubled or corrupted, and with the numbers of a study that nobody disturbed, to the last bit.
kills=${1:-20}
seed=${2:-$(date +%s)}
. "$(dirname "$0")/../e2e/lib.sh"
trials=${TRIALS:-16}
epochs=${EPOCHS:-6}
export VAETOP_IDLE_S=1

start() { # NAME TRIALS
    run_it 0 run quickstart --name "$1" --trials "$2" --slots 2 --set study.sampler=random \
        --set study.keep="$2" --set data.count=600 --set train.epochs="$epochs" --set model.width="16 .. 32" --detach
}
phase_of() { "$vaetop" show "$1" --json 2>/dev/null | jq -r .phase; }
ended() { [ "$(phase_of "$1")" = finished ]; }
random() { # N: $drawn is 0 .. N-1
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    drawn=$((seed / 65536 % $1))
}
# runs PID: it is a process, not one that waits for its parent's word.
runs() {
    state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) && [ -n "$state" ] && [ "$state" != Z ]
}
# One process of a role, or nothing.
victim() { # ROLE
    case $1 in
    client) echo "$client" ;;
    engine) engine_of struck ;;
    *) runs "$(engine_of struck)" && pgrep -P "$(engine_of struck)" -f "vaetop-$1" | head -n 1 ;;
    esac
}
client=
watch() {
    "$vaetop" attach struck --no-tui >/dev/null 2>&1 </dev/null &
    client=$!
}

start calm "$trials"
start struck "$trials"
until_true 900 ended calm
watch
killed=0
worker=0 advisor=0 engine=0 viewer=0
rounds=0
total=$trials
while [ $killed -lt "$kills" ]; do
    rounds=$((rounds + 1))
    [ $rounds -lt $((kills * 40)) ] || {
        tail -n 30 "$XDG_DATA_HOME/vaetop/struck/log" >&2
        fail "only $killed of $kills kills found someone to kill"
    }
    if ended struck; then # more trials for the rest of the kills
        total=$((total + trials))
        until_true 60 sh -c "! '$vaetop' show struck --json | jq -e .engine_running >/dev/null" 2>/dev/null || true
        start calm "$total"
        start struck "$total"
        watch
    fi
    random 8
    case $drawn in
    0 | 1 | 2 | 3) role=worker ;;
    4 | 5) role=engine ;;
    6) role=advisor ;;
    *) role=client ;;
    esac
    random 6
    sleep "0.$drawn" # so that a kill comes at any point of an epoch
    pid=$(victim $role) || true
    if [ -n "$pid" ] && runs "$pid" && kill -KILL "$pid" 2>/dev/null; then
        killed=$((killed + 1))
        case $role in
        worker) worker=$((worker + 1)) ;;
        advisor) advisor=$((advisor + 1)) ;;
        engine) engine=$((engine + 1)) ;;
        client)
            viewer=$((viewer + 1))
            wait "$client" 2>/dev/null || true
            watch
            ;;
        esac
    fi
    run_it 0 fsck struck
done
until_true 1800 ended calm
until_true 1800 ended struck
stopped() { [ "$("$vaetop" show "$1" --json | jq .engine_running)" = false ]; }
[ -z "$client" ] || kill "$client" 2>/dev/null || true
until_true 60 stopped struck
run_it 0 fsck struck --json
[ "$(jq -c '[.lost, .duplicated, .corrupted]' "$T/out")" = "[0,0,0]" ] || fail "$(cat "$T/out")"
# Numbers, without what only time gives.
numbers_of() { # NAME
    trial=0
    while [ $trial -lt "$total" ]; do
        "$vaetop" show "$1" --trial $trial --json |
            jq -cS '{number, phase, value_nats, params, series: [.series[] | del(.images_per_s, .time_s, .seconds)]}'
        trial=$((trial + 1))
    done
}
numbers_of calm >"$T/calm"
numbers_of struck >"$T/struck"
cmp -s "$T/calm" "$T/struck" || {
    diff "$T/calm" "$T/struck" | cut -c1-300 >&2 || true
    fail "the numbers differ"
}
[ "$(grep -c '"phase":"done"' "$T/struck")" = "$total" ] || fail "not all trials are done"
echo "$killed kills (worker $worker, engine $engine, advisor $advisor, client $viewer), $total trials:" \
    "lost: 0, duplicated: 0, corrupted: 0, values as undisturbed"
