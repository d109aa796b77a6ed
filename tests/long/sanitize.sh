#!/bin/sh
# The suite once more, faults included, built with the address and undefined-behaviour sanitizers, in a build folder of
# its own. Left out are tests that run nothing of ours or that another build of ours runs already (fuzz). The thread
# sanitizer has nothing to see: a driver's threads are not ours to instrument.
set -eu
: "${VAETOP_BUILD:?run through ctest}" "${VAETOP_SOURCE:?run through ctest}"
build=$VAETOP_BUILD/sanitize
mkdir -p "$build"
cmake -S "$VAETOP_SOURCE" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DVAETOP_SANITIZE=ON -DVAETOP_WERROR=ON \
    -DVAETOP_POCL_CACHE="$POCL_CACHE_DIR" >"$build/configure.log" 2>&1 || {
    cat "$build/configure.log" >&2
    exit 1
}
cmake --build "$build" >"$build/build.log" 2>&1 || {
    tail -n 40 "$build/build.log" >&2
    exit 1
}
unset LD_PRELOAD VAETOP_BUILD
exec ctest --test-dir "$build" -j 2 -LE 'mnist|long' \
    -E '^(fuzz_.*|kernel_check|include_check|e2e_docs|e2e_install|e2e_quickstart|e2e_learn)$' --output-on-failure \
    --no-tests=error
