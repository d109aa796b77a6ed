#!/bin/sh
# Fuzzes the readers of foreign bytes. Usage: run.sh BUILD_DIR build | TARGET [libFuzzer's options]
#   run.sh build/fuzz build             builds all targets with clang, in a build folder of their own
#   run.sh build/fuzz csv -runs=20000   runs the seeds, then that many inputs made from them
#   run.sh build/fuzz csv -max_total_time=900    a long run; what it finds is kept in build/fuzz/corpus/csv
# A finding is left in BUILD_DIR/findings; run the program on it again: BUILD_DIR/tests/fuzz/fuzz_csv FILE
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
what=$2
shift 2
if [ "$what" = build ]; then
    mkdir -p "$build"
    CC=clang cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DVAETOP_FUZZ=ON \
        >"$build/configure.log" 2>&1 || {
        cat "$build/configure.log" >&2
        exit 1
    }
    exec cmake --build "$build" --target fuzz
fi
seeds=$build/seeds
corpus=$build/corpus/$what
"$source/tests/fuzz/seeds.py" "$source" "$seeds.$what.tmp"
rm -rf "$seeds/$what"
mkdir -p "$seeds" "$corpus" "$build/findings" "$build/tmp"
mv "$seeds.$what.tmp/$what" "$seeds/$what"
rm -rf "$seeds.$what.tmp"
# Short runs begin at the seeds alone, so that they are the same every time.
case " $* " in
*" -runs="*) set -- "$@" "$seeds/$what" ;;
*) set -- "$@" "$corpus" "$seeds/$what" ;;
esac
# A run of the store costs milliseconds, and its inputs are short lists of changes.
case $what in
store) lengths="-max_len=128 -len_control=0" ;;
*) lengths=-max_len=4096 ;;
esac
# shellcheck disable=SC2086
TMPDIR=$build/tmp exec "$build/tests/fuzz/fuzz_$what" -seed=1 $lengths -timeout=20 -rss_limit_mb=1024 -close_fd_mask=1 \
    -artifact_prefix="$build/findings/$what-" "$@"
