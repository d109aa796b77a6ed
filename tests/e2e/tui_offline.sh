#!/bin/sh
# The dashboard in a real terminal, on a stored study without an engine: keys, sizes, locales, signals.
. "${VAETOP_SOURCE:?run through ctest}/tests/e2e/lib.sh"
. "$VAETOP_SOURCE/tests/e2e/lib_tui.sh"
ui=$VAETOP_BUILD/tests/test_ui
"$ui" study "$T/study" 2

# A walk: move, sort, zoom, help, leave.
screen_start 80 24 "'$ui' attach '$T/study'; stty -a; echo status \$?"
sees 'OFFLINE'
sees 'best #1 93.90'
sees 'loss #1'
key j
sees 'loss #0'
sees 'latent #0 e18'
key k k k
sees 'loss #1'
key G
sees '#11 failed: its worker was killed'
key g '?'
sees 'take a stop back'
key Escape
misses 'take a stop back'
key p
sees 'no engine runs this study'
key Enter
misses '#8'
screen_size 40 10
sees '? help'
screen_size 160 48
sees 'reconstruction'
screen_size 80 24
sees 'loss #1'
key q
sees 'ended 0'
sees ' icanon'
sees ' echo '
sees 'status 0'

# Without UTF-8 and with --ascii nothing above ASCII is drawn.
for start in "LC_ALL=C '$ui' attach '$T/study'" "'$ui' attach '$T/study' ascii"; do
    screen_start 80 24 "$start"
    sees 'best #1'
    screen >"$T/picture"
    LC_ALL=C grep -q '[^ -~]' "$T/picture" && fail "bytes above ASCII with: $start"
done

# An unknown terminal falls back and says so; one without cursor movement is refused in one line.
screen_start 120 30 "TERM=no-such-terminal '$ui' attach '$T/study'"
sees 'TERM=no-such-terminal is not known here'
screen_start 120 30 "TERM=dumb '$ui' attach '$T/study'"
sees 'cannot place its cursor'

# Suspend and come back; a crash gives the terminal back.
screen_start 80 24 "env PS1='ready ' sh -im"
sees 'ready'
key "'$ui' attach '$T/study'" Enter
sees 'OFFLINE'
key C-z
sees 'Stopped'
key 'clear; fg' Enter
sees 'OFFLINE'
pid=$(pgrep -f "^$ui attach $T/study")
kill -SEGV "$pid"
until_true 10 gone "$pid"
key 'stty -a' Enter
sees ' icanon'
misses 'OFFLINE'

# A connection that drops takes the client with it, at once and without a spin.
screen_start 80 24 "exec '$ui' attach '$T/study'"
sees 'OFFLINE'
pid=$(screen_pid)
tm kill-server
until_true 10 gone "$pid"
