#!/bin/sh
# The daily round from the Studies screen on: start a preset, sort, filter, open a trial, scrub, pause, edit, resume, tag
# three and stop them, undo one, clone one, switch the device off and on, change slots, detach, attach, quit; the demo; and
# what there is without a terminal.
. "${VAETOP_SOURCE:?run through ctest}/tests/e2e/lib.sh"
. "$VAETOP_SOURCE/tests/e2e/lib_tui.sh"

screen_start 80 24 "'$vaetop'; echo status \$?"
sees 'No studies yet. Enter twice starts quickstart'
key Enter
sees 'Start this study'
# The devices of this machine, to tick.
key j j Enter
sees 'default: every usable GPU' 30
key j Space Enter
sees 'devices                 0'
key Enter
sees '[x] 0' 30
key k Space Enter
sees 'devices                 default'
key g
# Long epochs, so that no trial ends during the round.
key j j j j j j j j Enter
sees 'train.epochs'
key C-u
key -l '100000'
key Enter
misses '= 100000'
key g Enter
sees 'LIVE' 60
sees '4R' 120
sees 'latent #' 120

key 2
sees 'KL per dimension e' 120
key ,
key v
sees 'input, output e' 30
key v
sees 'samples e'
key v
sees 'latent #'
key 1
sees '[1 Dash]'

# Sorted by the column to the right, and back.
sees '↑VALUE'
key '>'
sees '↑REC'
key '<'
sees '↑VALUE'

key '\'
key -l 'number <= 1'
key Enter
sees 'match number <= 1'
key Escape
misses 'match'

key g p
sees '1P' 60
key e
key -l 'lr=1e-5'
key Enter
sees 'once it goes on'
sees 'P+' 60
key p
misses '1P'

key g Space Space Space
sees '3 tagged'
key x
sees 'Stop 3 trials'
key e
sees '3 stopping'
key u
sees '2 stopping'
sees '2K' 60
key U

# A clone with another learning rate: it waits, and starts before what is suggested.
key g C
sees 'clone of #'
key Escape
misses 'clone of #'
key -l ':clone lr=2e-3'
key Enter
sees 'waits for a slot'

key 3
sees 'SLOTS'
key Space
sees 'Switch off'
key n
sees 'not used by this study' 30
key Space
sees 'ready' 60
sees 'epoch' 60
key +
sees 'trials at once'
key 5
sees 'stopped' 30
key 0
sees 'running'
key d
sees 'trains on'
sees 'status 0'
run_it 0 show quickstart --once
says "$T/out" 'quickstart'
run_it 0 show quickstart --json-lines --once
says "$T/out" '"number":0'

# Back again, and to the end: quit asks, and stopping ends study and screen.
screen_start 80 24 "'$vaetop' attach quickstart; echo status \$?"
sees 'LIVE' 30
key q
sees 'Leave?'
key s
sees 'status 0' 60

# The demo needs no device and leaves nothing behind.
screen_start 80 24 "TMPDIR='$T' OCL_ICD_VENDORS=/nonexistent '$vaetop' --demo --theme colour-blind; echo status \$?"
sees 'Scripted GPU'
sees '4R'
key : 'trials 64' Enter # however slow this machine is, it is not over at the end of this
key p
sees '1P'
key C
sees 'clone of #'
key Enter
sees 'waits for a slot'
key E
sees 'a trial of your own'
key Enter
sees 'waits for a slot'
key : 'space latent=4 .. 8 log' Enter
sees 'suggested from now on: latent'
key 3 Space
sees 'Switch off Scripted GPU'
key n
sees 'not used by this study'
key j t
sees 'there is nothing to test'
key k Space
misses 'not used by this study'
key q
sees 'Leave?'
key Enter
sees 'status 0'
[ -z "$(ls -d "$T"/vaetop-demo-* 2>/dev/null)" ] || fail "the demo left its folder"
run_it 2 --theme nonsense
says "$T/err" 'there are default|light|mono|colour-blind'
