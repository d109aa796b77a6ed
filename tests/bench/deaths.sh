#!/bin/sh
# How soon the death of each role is noticed on this machine; run by hand, nothing is asserted: deaths.sh BUILD [ROUNDS]
# Worker and advisor: until the engine's word in the log. Engine: until its supervisor's, and until its workers are gone.
# Client: until the engine has closed its end.
set -eu
build=${1:?usage: deaths.sh BUILD [ROUNDS]}
rounds=${2:-5} # the supervisor waits longer before each engine, up to 30 s
T=$(mktemp -d)
export XDG_DATA_HOME="$T/data" XDG_CONFIG_HOME="$T/config" VAETOP_RUN_DIR="$T/run" VAETOP_IDLE_S=1
log=$XDG_DATA_HOME/vaetop/deaths/log
cleanup() { # the supervisor may be waiting to start its next engine
    "$build/vaetop" stop deaths --quiet >/dev/null 2>&1 || true
    pkill -KILL -f "__(supervise|engine) $T/" || true
    rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

engine() { sed -n 's/^process \([0-9]*\) .*/\1/p' "${log%/*}/lock"; }
child() { # PATTERN: of the engine's, or nothing
    of=$(engine)
    [ -z "$of" ] || pgrep -P "$of" -f "$1" | head -n 1
}
lines() { grep -c "$1" "$log" || true; }              # TEXT
stamp() { date -d "$(grep "$1" "$log" | tail -n 1 | cut -d' ' -f1)" +%s.%N; } # TEXT: when the last such line was written
open_files() { ls "/proc/$1/fd" 2>/dev/null | wc -l; }
gone() { # PID: or only not yet waited for
    state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || true
    [ -z "$state" ] || [ "$state" = Z ]
}
wait_for() { # COMMAND...
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 12000 ] || { echo "never: $*" >&2; exit 1; }
        sleep 0.005
    done
}
since() { awk "BEGIN { printf \"%.1f\\n\", ($2 - $1) * 1000 }"; }
newer() { [ "$(lines "$1")" -gt "$2" ]; }
struck() { # PID TEXT: kills it; the time until the log has another such line
    before=$(lines "$2")
    at=$(date +%s.%N)
    kill -KILL "$1"
    wait_for newer "$2" "$before"
    since "$at" "$(stamp "$2")"
}
training() { # a worker is ready and the advisor there
    [ -n "$(child 'vaetop-worker serve')" ] && [ -n "$(child vaetop-advisor)" ] && newer "ready on" "$1"
}
fewer() { [ "$(open_files "$1")" -lt "$2" ]; }
report() { # NAME
    sort -n "$T/$1" | awk -v name="$1" '{ v[NR] = $1 } END { printf "%-22s median %6.1f ms, most %6.1f ms of %d\n", name, v[int((NR + 1) / 2)], v[NR], NR }'
}

"$build/vaetop" run quickstart --name deaths --trials 100000 --slots 1 --set data.count=400 --set train.epochs=1000000 \
    --set study.sampler=random --detach --quiet
ready=0
for round in $(seq "$rounds"); do
    wait_for training "$ready"
    ready=$(lines "ready on")
    struck "$(child 'vaetop-worker serve')" "worker 0 .* ended: signal 9" >>"$T/worker"
    wait_for training "$ready"
    struck "$(child vaetop-advisor)" "the advisor was killed" >>"$T/advisor"
    "$build/vaetop" attach deaths --no-tui >/dev/null 2>&1 </dev/null &
    client=$!
    sleep 1
    e=$(engine)
    files=$(open_files "$e")
    at=$(date +%s.%N)
    kill -KILL $client
    wait_for fewer "$e" "$files"
    since "$at" "$(date +%s.%N)" >>"$T/client"
    wait $client 2>/dev/null || true
    ready=$(lines "ready on")
    worker=$(child 'vaetop-worker serve')
    at=$(date +%s.%N)
    struck "$e" "the engine died of signal 9" >>"$T/engine"
    wait_for gone "$worker"
    since "$at" "$(date +%s.%N)" >>"$T/engine-worker-gone"
done
for role in worker advisor client engine engine-worker-gone; do
    report $role
done
