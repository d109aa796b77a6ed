#!/bin/sh
# A tour through a real run in a real terminal: start, move, help, pause, resume, stop, detach, attach, hang up, quit.
. "${VAETOP_SOURCE:?run through ctest}/tests/e2e/lib.sh"
. "$VAETOP_SOURCE/tests/e2e/lib_tui.sh"

# Long enough that no trial ends during the tour, small enough that epochs come quickly.
screen_start 100 30 "'$vaetop' run quickstart --name tour --set train.epochs=100000 --set data.count=600; echo status \$?"
sees 'LIVE' 60
sees 'latent #' 120
sees '4R'

key '?'
sees 'take a stop back'
key Escape
misses 'take a stop back'

# The second row: pause it, see it paused, resume it, stop it gently.
key g j
key p
sees '1P' 30
key p
misses '1P'
key x
sees 'after this epoch'
key e
sees '1K' 60

# A stop is taken back: the trial goes on though 5 s have passed (the log says what happened).
key g
key x
sees 'after this epoch'
key n
sees '1 stopping, u undoes'
key u
sees 'is not stopped'
misses '1 stopping'

# The device goes off: its trials write checkpoints and wait. Then it is used again.
key 3
sees 'OUR BUSY SHARE'
key Space
sees 'Switch off'
key n
sees 'not used by this study'
key k
sees 'every device is switched off' 60
run_it 0 devices tour
says "$T/out" ' off '
key Space
sees 'ready' 60
key 1
sees '4R' 60
key 3 t
sees 'self-test passed in' 120
key 1

# Detach: the terminal is given back and training goes on.
key d
sees 'vaetop attach tour shows it again'
sees 'status 0'
run_it 0 show tour --json
says "$T/out" '"running"'

# Attach again; drop the connection: the client goes, the trials go on.
screen_start 80 24 "exec '$vaetop' attach tour"
sees 'LIVE'
sees '1K'
sees 'latent #'
pid=$(screen_pid)
epochs() { "$vaetop" show tour --json | jq '[.trials[].epoch] | add'; }
further() { [ "$(epochs)" -gt "$at" ]; }
tm kill-server
dropped=$(date +%s%N)
until_true 10 gone "$pid"
echo "the client was gone $((($(date +%s%N) - dropped) / 1000000)) ms after its connection"
at=$(epochs)
until_true 60 further
screen_start 80 24 "'$vaetop' attach tour --ascii; echo status \$?"
sees 'LIVE'
sees 'latent #'

# The engine dies: the screen stays, says so, and finds the next one.
engine=$(pgrep -f "__engine $T/" | head -n 1)
[ -n "$engine" ] || fail "no engine process found"
kill -KILL "$engine"
sees 'RECONNECTING' 30
sees 'LIVE' 60

# Quit asks; stopping the study ends the screen when every trial has its checkpoint.
sees '4R' 60
key q
sees 'Leave?'
key Escape
misses 'Leave?'
key q
sees 'Leave?'
key s
sees 'status 0' 60
rests() { # the client leaves at once, the checkpoints take their time
    "$vaetop" ls | grep -q stopped
}
until_true 60 rests
