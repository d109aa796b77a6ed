#!/bin/sh
# Every mistake a person makes at a start: one clear line, the right exit status, nothing half-made.
. "$(dirname "$0")/lib.sh"

nothing_made() {
    [ ! -e "$XDG_DATA_HOME/vaetop" ] || [ -z "$(ls -A "$XDG_DATA_HOME/vaetop")" ] || fail "something was made: $(ls -A "$XDG_DATA_HOME/vaetop")"
}
refused() { # STATUS TEXT WORDS...
    want=$1 text=$2
    shift 2
    run_it "$want" "$@"
    one_line
    says "$T/err" "$text"
    nothing_made
}

refused 2 "did you mean model.latent" run quickstart --no-tui --set model.latnet=3
refused 2 "model.latent" run quickstart --no-tui --set "model.latent=32 .. 4"
refused 2 "study.trials" run quickstart --no-tui --set "study.trials=1 .. 4"
refused 2 "did you mean quickstart" run quikstart --no-tui
refused 2 "no such command" rnu
refused 2 "did you mean --detach" run quickstart --detatch
refused 2 "usage: vaetop run" run
refused 2 "no name for a study" run quickstart --no-tui --name ../x
refused 1 "/nonexistent/images-idx3-ubyte" run mnist --no-tui --set data.source=/nonexistent/images-idx3-ubyte
refused 3 "no-such-device" run quickstart --no-tui --device no-such-device
refused 1 "no such study" show quickstart

# A preset file with mistakes is named with line and column.
printf 'model:\n  depth: 1\n  widht: 3\n' >"$T/bad.yaml"
refused 2 "bad.yaml:3:3" run "$T/bad.yaml" --no-tui
printf 'optimizer:\n  lr: 1e-2 .. 1e-4 log\n' >"$T/bad.yaml"
refused 2 "bad.yaml:2:7" run "$T/bad.yaml" --no-tui

# A truncated IDX file: file, offset, found, expected.
printf '\000\000\010\003\000\000\000\012\000\000\000\034\000\000\000\034abc' >"$T/short-images-idx3-ubyte"
refused 1 "short-images-idx3-ubyte" run mnist --no-tui --set "data.source=$T/short-images-idx3-ubyte" --set data.labels=none
says "$T/err" "7840"

# A folder that cannot be written: root writes anywhere, so a file stands in the way.
: >"$T/file"
refused 1 "$T/file" run quickstart --no-tui --dir "$T/file/below"
if [ "$(id -u)" != 0 ]; then
    mkdir -m 0500 "$T/ro"
    refused 1 "$T/ro" run quickstart --no-tui --dir "$T/ro"
fi

# --dry-run makes nothing either, and prints ten suggestions.
run_it 0 run quickstart --dry-run
[ "$(grep -c '^ *[0-9]  ' "$T/out")" = 10 ] || fail "ten suggestions were expected: $(cat "$T/out")"
nothing_made
for command in run attach ls show stop pause resume set rm presets devices export; do
    run_it 0 "$command" --help
    says "$T/out" "examples:"
done

# Another preset under the name of an existing study names the knob; the study is untouched.
set -- --no-tui --quiet --trials 1 --set train.epochs=1 --set data.count=300 --set model.width=16
run_it 0 run quickstart --name taken "$@"
before=$("$vaetop" show taken --json)
run_it 2 run quickstart --name taken "$@" --set train.batch=32
one_line
says "$T/err" "train.batch"
[ "$before" = "$("$vaetop" show taken --json)" ] || fail "the existing study was changed"
run_it 0 run quickstart --name taken "$@"
says "$T/out" "finished"
