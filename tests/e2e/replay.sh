#!/bin/sh
# Every suggestion can be made again from the store, and killing the advisor changes no result.
. "$(dirname "$0")/lib.sh"
replay=$VAETOP_BUILD/tests/replay

finished() { [ "$(json "$1" | jq -r .phase)" = finished ]; }
study() { # NAME SAMPLER SLOTS TRIALS WORDS...: started
    name=$1 sampler=$2 slots=$3 trials=$4
    shift 4
    run_it 0 run bayes --name "$name" --slots "$slots" --trials "$trials" --set study.sampler="$sampler" \
        --set data.count=2000 --set train.epochs=2 --set train.batch=64 --set loss.beta_warmup=1 \
        --set loss.beta_schedule=constant "$@" --detach
}
advisor_of() { pgrep -P "$(engine_of "$1")" -f vaetop-advisor; }
count() { sqlite3 -cmd ".timeout 20000" "$XDG_DATA_HOME/vaetop/$1/study.db" "SELECT count(*) FROM trials $2"; } # NAME [WHERE]
# Nothing is left to train, so that it is the advisor that the study waits for; or all its 18 trials have ended.
starves() { [ "$(count "$1" "WHERE state = 'RUNNING'")" = 0 ]; } # NAME
grew() { [ "$(count "$1" '')" -gt "$2" ]; }                        # NAME TRIALS
# Kills the study's advisors over their questions until it has ended: one is stopped, what it had answered is trained, and
# when nothing is left but the open question it dies of it; the next one lives until it has answered. The count in $kills.
kill_over_questions() { # NAME
    kills=0
    until [ "$(count "$1" '')" = 18 ]; do
        victim=$(advisor_of "$1") || true
        if [ -n "$victim" ] && kill -STOP $victim 2>/dev/null; then
            until_true 60 starves "$1"
            had=$(count "$1" '')
            kill -KILL $victim 2>/dev/null || true
            [ "$had" = 18 ] && break
            kills=$((kills + 1))
            until_true 60 grew "$1" "$had"
        fi
    done
    until_true 60 finished "$1"
}
# Kills the study's advisors until it has ended; the count in $kills.
kill_advisors() { # NAME
    kills=0
    until finished "$1"; do
        victim=$(pgrep -P "$(engine_of "$1")" -f vaetop-advisor) || true
        if [ -n "$victim" ] && kill -KILL $victim 2>/dev/null; then
            kills=$((kills + 1))
        fi
        sleep 0.0$((kills * 37 % 90 + 10)) # at any moment of its life
    done
}
results() { json "$1" | jq -cS '[.trials[] | {number, phase, value_nats, params}] | sort_by(.number)'; }

# One slot: the question is the same whenever the answer comes, so the whole study is.
study calm gp 1 18
until_true 200 finished calm
for sampler in gp tpe; do
    study "killed-$sampler" $sampler 1 18
    kill_over_questions "killed-$sampler"
    [ $kills -ge 3 ] || fail "only $kills advisors of $sampler were killed over a question"
    echo "$sampler: $kills advisors killed over their questions in a study of 18 trials"
done
results calm >"$T/calm"
results killed-gp >"$T/killed"
cmp -s "$T/calm" "$T/killed" || {
    diff "$T/calm" "$T/killed" | cut -c1-400 >&2
    fail "killing the advisor changed a result"
}

# Several at once, one of them stopped by hand, one changed, and the engine killed in between.
study together auto 4 30
"$vaetop" stop together --trial 2 --quiet >/dev/null 2>&1 || true
"$vaetop" set together --trial 3 optimizer.lr=1e-3 >/dev/null 2>&1 || true
half() { [ "$(json together | jq '[.trials[] | select(.phase == "done")] | length')" -ge 12 ]; }
until_true 200 half
kill -KILL "$(engine_of together)" 2>/dev/null || true
kill_advisors together
for name in calm killed-gp killed-tpe together; do
    "$replay" "$XDG_DATA_HOME/vaetop/$name" >"$T/replayed" 2>"$T/err" || {
        cat "$T/replayed" "$T/err" >&2
        fail "$name is not the same again"
    }
    echo "$name: $(cat "$T/replayed")"
    trials=$(json $name | jq '.trials | length')
    says "$T/replayed" "$trials suggestions of $trials trials"
done
case $(cat "$T/replayed") in
*" 0 with several"*) fail "no two trials ran at once" ;;
esac
