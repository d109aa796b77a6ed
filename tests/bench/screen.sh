#!/bin/sh
# What the screen costs on this machine; run by hand, nothing is asserted: screen.sh BUILD
set -eu
build=${1:?usage: screen.sh BUILD}
T=$(mktemp -d)
export XDG_DATA_HOME="$T/data" XDG_CONFIG_HOME="$T/config" VAETOP_RUN_DIR="$T/run"
trap '"$build/vaetop" stop ten --quiet >/dev/null 2>&1 || true; rm -rf "$T"' EXIT

"$build/vaetop" run quickstart --name ten --slots 10 --trials 40 --set train.epochs=400 --set data.count=2000 \
    --detach --quiet
sleep 8
echo "10 running trials, 160 x 48 (wanted: 30 ms, 12 kB, 50 ms, 0.5 %, 12 MiB)"
"$build/tests/bench_screen" 160x48 20 "$build/vaetop" attach ten
"$build/vaetop" stop ten --quiet || true

for n in 10000 100000; do
    "$build/tests/bench_screen" make "$XDG_DATA_HOME/vaetop/n$n" $n
    du -sh "$XDG_DATA_HOME/vaetop/n$n"
    echo "$n finished trials, 160 x 48"
    "$build/tests/bench_screen" 160x48 5 "$build/vaetop" attach n$n
done
