#!/bin/sh
# The terminal goes away while the dashboard is open: training goes on, another terminal shows it further on, and the
# curve has no gap.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_tui.sh"
. "$(dirname "$0")/lib_kill.sh"

# A study started from within the terminal that will vanish: its engine must not go with it.
screen_start 100 30 "'$vaetop' run quickstart --name hit --trials 4 --slots 2 --set data.count=1500 \
    --set train.epochs=400 --set 'model.width=48 .. 80'"
there() {
    [ -e "$XDG_DATA_HOME/vaetop/hit/study.db" ] && past hit 3
}
until_true 60 there
client=$(screen_pid)
tm kill-server
gone() {
    ! kill -0 "$client" 2>/dev/null
}
until_true 20 gone
at=$(epochs_of hit)
until_true 60 past hit "$at"

screen_start 100 30 "'$vaetop' attach hit"
sees 'hit'
until_true 180 ended hit
check_whole hit
