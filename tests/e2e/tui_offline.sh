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

# Typed ahead, as over a slow line: each key means the screen that the keys before it lead to, drawn or not.
key 1 g I g
sees 'loss #5'
key I g
sees 'loss #1'
key 4 Enter
sees '[2 Trial]'
key 1

# A note shows with its trial: nothing runs that would draw the screen again.
db "$T/study/study.db" "INSERT INTO vaetop_note VALUES(0, 'collapse', 4, 'posterior collapse: lower beta')"
key g 2
sees 'loss #1'
key '}'
sees 'loss #0'
sees ' ! posterior collapse: lower beta'
key '{'
sees 'loss #1'
misses 'posterior collapse'
key 1

# The mouse, as a terminal sends it: off, nothing is asked for and a click does nothing; on, a click chooses the row under
# it, a second one opens it, the wheel moves, a tab changes the screen; off again it is not asked for any more.
mouse_is() {
    [ "$(tm display-message -p -t tui '#{mouse_any_flag}')" = "$1" ]
}
mouse() { # BUTTON COLUMN LINE: from 1 on; 0 is the left one, 64 and 65 the wheel
    for mouse_event in "$1" 3; do
        key -l "$(printf "\\033[M\\$(printf '%03o' $((32 + mouse_event)))\\$(printf '%03o' $((32 + $2)))\\$(printf '%03o' $((32 + $3)))")"
        [ "$1" -lt 64 ] || return 0
    done
}
line_of() {
    screen | grep -nF -- "$1" | head -n 1 | cut -d: -f1
}
mouse_is 0 || fail "the mouse is asked for though it is off"
key 1 S j j l
until_true 10 mouse_is 1
sees 'characters of plots'
key Escape
sees '    0 R'
at=$(line_of '    0 R')
mouse 0 20 "$at"
sees 'loss #0'
mouse 0 20 "$at"
sees '[2 Trial]'
mouse 0 3 2
sees '[0 Studies]'
mouse 0 14 2
sees '[1 Dash]'
key g
sees 'loss #1'
mouse 65 20 "$at"
misses 'loss #1'
key S h
until_true 10 mouse_is 0
sees 'characters of plots'
key Escape
sees 'loss #' # a key right behind an Escape would be another key
key g
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
