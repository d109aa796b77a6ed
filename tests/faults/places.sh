#!/bin/sh
# Other times and places: everything stopped for a while, a wall clock that jumps, a network file system, another host,
# another user, a logout that would end the study. The shim (shim.c) makes up what this machine is not.
. "$(dirname "$0")/../e2e/lib.sh"
shim=$VAETOP_BUILD/tests/faults/libfault_shim.so
D=$XDG_DATA_HOME/vaetop
export VAETOP_IDLE_S=1

start() { # NAME
    run_it 0 run quickstart --name "$1" --trials 2 --slots 2 --set data.count=400 --set train.epochs=1000 \
        --set model.width=16 --detach
}
shimmed() {
    ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$shim VAETOP_FAULT_FAST=1 VAETOP_FAULT_DIR=$D "$@"
}
numbers() { json "$1" | jq -cS '[.trials[] | [.number, .phase, .value_nats, .attempts]]'; }
as_calm() { # NAME: the same numbers, and nobody was started twice
    until_true 250 over "$1"
    [ "$(numbers "$1")" = "$(numbers calm)" ] || fail "$1: $(numbers "$1"), want $(numbers calm)"
    run_it 0 fsck "$1"
}
log_says() { # NAME TEXT
    grep -qF -- "$2" "$D/$1/log" || fail "$1: the log does not say: $2"
}
start calm
until_true 250 over calm

# Everything is stopped for longer than the watchdog bears, a client with it; then goes on as if nothing had been.
VAETOP_QUIET_S=3
export VAETOP_QUIET_S
start stopped
until_true 200 begun stopped
"$vaetop" attach stopped --no-tui >/dev/null 2>&1 </dev/null &
client=$!
engine=$(engine_of stopped)
all="$engine $(pgrep -P "$engine")"
# shellcheck disable=SC2086
kill -STOP $all $client
sleep 8
# shellcheck disable=SC2086
kill -CONT $all
as_calm stopped # the client is still stopped: nobody waits for it
kill -CONT $client
wait $client || true
unset VAETOP_QUIET_S

# The wall clock jumps a day on, and two back.
VAETOP_FAULT_CLOCK=$T/clock shimmed start jumps
until_true 200 begun jumps
echo 86400 >"$T/clock"
sleep 1
echo -86400 >"$T/clock"
as_calm jumps

# A home on NFS, then on Lustre: no WAL, and a word about it.
for type in 6969:NFS 0bd00bd3:Lustre; do
    name=${type#*:}
    VAETOP_FAULT_FS=${type%:*} shimmed start "$name"
    until_true 200 begun "$name"
    [ ! -e "$D/$name/study.db-wal" ] || fail "$name: there is a WAL"
    as_calm "$name"
    [ "$(db "$D/$name/study.db" "PRAGMA journal_mode")" = delete ] || fail "$name: wrong journal"
    db "$D/$name/study.db" "SELECT text FROM vaetop_log" | grep -qF "lies on $name" || fail "$name: not a word"
done

# Its engine is on another host: attach, and whoever would steer it, are told which.
forever="run quickstart --name far --trials 2 --slots 2 --set data.count=400 --set train.epochs=1000000"
# shellcheck disable=SC2086
VAETOP_FAULT_HOST=elsewhere shimmed run_it 0 $forever --detach
until_true 200 begun far
far() { VAETOP_FAULT_ALONE=1 shimmed run_it "$@"; }
far 0 attach far --no-tui
says "$T/err" "on elsewhere, which does not answer here"
# shellcheck disable=SC2086
far 5 $forever
says "$T/err" "on elsewhere"
run_it 0 stop far

# Another user's process on the engine's socket gets no word.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && [ -x /usr/bin/python3 ]; then
    start mine
    until_true 200 begun mine
    name=$(sed -n 's/.* @\(vaetop-0-.*\)$/\1/p' /proc/net/unix | grep -F "$(printf %x "$(stat -c %i "$D/mine")")" | head -n 1)
    [ -n "$name" ] || fail "no socket of the engine's"
    setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/python3 - "$name" <<'PY' || fail "another user was heard"
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect("\0" + sys.argv[1])
try:
    got = s.recv(1)
except ConnectionResetError:
    got = b""
sys.exit(got != b"")
PY
    as_calm mine
else
    echo "not tested: another user (needs root, setpriv and /usr/bin/python3)"
fi

# What a logout, or a job's end, would do to it.
R=$T/root
mkdir -p "$R/etc/systemd/logind.conf.d" "$R/proc/self" "$R/var/lib/systemd/linger"
echo "0::/user.slice/user-0.slice/session-3.scope" >"$R/proc/self/cgroup"
hints() { # TEXT, or nothing when none is expected
    rm -rf "$D/hint"
    VAETOP_SYSROOT=$R run_it 0 run quickstart --name hint --trials 1 --no-tui --set data.count=400 --set train.epochs=0
    if [ -n "$1" ]; then
        one_line
        says "$T/err" "$1"
    else
        [ ! -s "$T/err" ] || fail "a note too many: $(cat "$T/err")"
    fi
}
unset SLURM_JOB_ID PBS_JOBID LSB_JOBID
hints ""
printf '[Login]\nKillUserProcesses=no\nKillExcludeUsers=\n' >"$R/etc/systemd/logind.conf"
hints ""
printf '[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\n' >"$R/etc/systemd/logind.conf.d/kill.conf"
hints "loginctl enable-linger; systemd-run"
: >"$R/var/lib/systemd/linger/$(id -un)"
hints "\`systemd-run --user --scope"
echo "0::/user.slice/user-0.slice/user@0.service/app.slice" >"$R/proc/self/cgroup"
hints ""
SLURM_JOB_ID=77
export SLURM_JOB_ID
hints "Slurm job 77"
