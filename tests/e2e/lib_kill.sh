# Help for tests that kill what runs a study and compare with an undisturbed run. Sourced after lib.sh.

# One setting for all: long enough to be hit on a fast machine too, several shapes at once.
set_study() { # NAME
    set -- --name "$1" --trials 4 --slots 2 --set data.count=1500 --set train.epochs=400 --set model.width="48 .. 80"
    run_it 0 run quickstart "$@" --detach
}
epochs_of() { # NAME: trained by all trials together
    json "$1" | jq '[.trials[].epoch] | add // 0'
}
past() { # NAME EPOCHS
    [ "$(epochs_of "$1")" -gt "$2" ]
}
ended() { # NAME
    [ "$(json "$1" | jq -r .phase)" = finished ]
}
workers_of() { # NAME
    pgrep -P "$(engine_of "$1")" -f 'vaetop-worker serve'
}
# What training gave, without what time gave: every epoch's numbers of every trial.
numbers_of() { # NAME
    for trial in 0 1 2 3; do
        "$vaetop" show "$1" --trial $trial --json |
            jq -cS '{number, phase, value_nats, params, series: [.series[] | del(.images_per_s, .time_s, .seconds)]}'
    done
}
# check_whole NAME: all trials done, each with epochs 1 .. 400 once.
check_whole() {
    [ "$(json "$1" | jq '[.trials[] | select(.phase == "done")] | length')" = 4 ] || fail "not all trials are done: $(json "$1")"
    for trial in 0 1 2 3; do
        [ "$("$vaetop" show "$1" --trial $trial --json | jq -c '[.series[].epoch] == [range(1; 401)]')" = true ] ||
            fail "trial $trial has a gap or a double"
    done
}
# check_same NAME OTHER: the same bits.
check_same() {
    numbers_of "$1" >"$T/numbers.$1"
    numbers_of "$2" >"$T/numbers.$2"
    cmp -s "$T/numbers.$1" "$T/numbers.$2" || {
        diff "$T/numbers.$1" "$T/numbers.$2" | cut -c1-300 >&2 || true
        fail "numbers of $1 and $2 differ"
    }
}
