# Help for tests in a real terminal: tmux with a socket of its own, polled until the screen shows what is expected.
# Sourced after lib.sh.
export TMUX_TMPDIR="$T" LC_ALL=C.UTF-8
unset NO_COLOR SSH_CONNECTION TMUX LINES COLUMNS || true
screens=0
tm() {
    tmux -u -L "tui$screens" -f /dev/null "$@"
}
trap 'tui_status=$?; set +e; tm kill-server >/dev/null 2>&1 || true; (exit $tui_status); cleanup' EXIT

# screen_start W H COMMAND: a terminal of this size running COMMAND, which stays open after it; ends what ran before. Each has
# a server of its own: one that is ending still takes calls, and fails them.
screen_start() {
    tm kill-server >/dev/null 2>&1 || true
    until_true 5 screen_gone
    screens=$((screens + 1))
    tm new-session -d -x "$1" -y "$2" -s tui "$3
exec sleep 600"
}
screen_gone() {
    ! tm has-session -t tui 2>/dev/null
}
screen() {
    tm capture-pane -p -t tui
}
screen_pid() {
    tm display-message -p -t tui '#{pane_pid}'
}
key() {
    tm send-keys -t tui "$@"
}
screen_size() {
    tm resize-window -t tui -x "$1" -y "$2"
}
shown() {
    screen | grep -qF -- "$1"
}
not_shown() {
    ! shown "$1"
}
# sees TEXT / misses TEXT: within 15 s. On failure the screen is printed.
sees() {
    sees_until=$(($(date +%s) + ${2:-15}))
    until shown "$1"; do
        [ "$(date +%s)" -lt $sees_until ] || {
            screen >&2
            fail "the screen does not show \"$1\""
        }
        sleep 0.05
    done
}
misses() {
    misses_until=$(($(date +%s) + 15))
    while shown "$1"; do
        [ "$(date +%s)" -lt $misses_until ] || {
            screen >&2
            fail "the screen still shows \"$1\""
        }
        sleep 0.05
    done
}
gone() {
    ! kill -0 "$1" 2>/dev/null
}
