#!/bin/sh
# A table of text with a label column as data: refused with its place before anything is made, then trained on.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN {
    print "kind,a,b,c,d"
    for (i = 0; i < 120; i++) printf "%s,%d,%d,%d,%d\n", i % 2 ? "odd" : "even", i % 2 * 200, i, 100, 255 - i
}' >"$T/table.csv"
set -- run quickstart --no-tui --name table --trials 1 --slots 1 --seed 1 --set data.count=0 --set "data.source=$T/table.csv" \
    --set model.latent=2 --set model.width=8 --set train.epochs=1 --set train.batch=16

refused() { # TEXT WORDS...: behind the words above
    text=$1
    shift
    "$vaetop" "$@" >"$T/out" 2>"$T/err" </dev/null && fail "it was not refused"
    one_line
    says "$T/err" "$text"
    [ ! -e "$XDG_DATA_HOME/vaetop/table" ] || fail "a study was made"
}
refused "line 2, column 1: found even, expected a number such as 0.5; if the column has labels: data.labels: column 1" "$@"
refused "set data.scale to 255 or unit" "$@" --set "data.labels=column kind"
refused "expected a shape of 4 values" "$@" --set "data.labels=column kind" --set data.scale=255 --set data.shape=3x3
refused "data.validation" "$@" --set "data.labels=column kind" --set data.scale=255 --set data.test=119

run_it 0 "$@" --set "data.labels=column kind" --set data.scale=255 --set data.shape=2x2 --set data.test=20
says "$T/out" "done"
"$vaetop" show table --json | jq -e '.trials[0].phase == "done" and (.trials[0].value_nats | isnormal)' >/dev/null || {
    "$vaetop" show table --json
    fail "the trial on the table has no value"
}
