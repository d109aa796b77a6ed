#!/bin/sh
# An installed vaetop finds its presets, helpers and page, and needs nothing of the source tree.
. "$(dirname "$0")/lib.sh"

cmake --install "$VAETOP_BUILD" --prefix "$T/usr" >"$T/log" 2>&1 || fail "$(cat "$T/log")"
vaetop=$T/usr/bin/vaetop
for file in bin/vaetop libexec/vaetop/vaetop-worker libexec/vaetop/vaetop-advisor share/man/man1/vaetop.1 \
    share/man/man5/vaetop-preset.5 share/bash-completion/completions/vaetop share/zsh/site-functions/_vaetop share/fish/vendor_completions.d/vaetop.fish; do
    [ -e "$T/usr/$file" ] || fail "$file is not installed"
done
run_it 0 presets
says "$T/out" "quickstart"
run_it 0 presets random
run_it 0 devices
run_it 0 run quickstart --no-tui --trials 1 --set train.epochs=1 --set data.count=300

# The client's executable loads neither OpenCL nor CLBlast.
ldd "$vaetop" >"$T/libraries"
if grep -iE 'opencl|clblast|blas' "$T/libraries"; then
    fail "vaetop is linked with the libraries above"
fi
