#!/bin/sh
# run.sh SECONDS [SEED]: tiny trials for that long, a random role killed every few seconds; then what was lost, and how
# memory and open files of the engine went. Needs VAETOP_BUILD and VAETOP_SOURCE as CTest sets them.
seconds=${1:?run.sh SECONDS [SEED]}
seed=${2:-$(date +%s)}
. "$(dirname "$0")/../e2e/lib.sh"
gap=${GAP:-5}

random() { # N: $drawn is 0 .. N-1
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    drawn=$((seed / 65536 % $1))
}
begin() { # TRIALS
    run_it 0 run quickstart --name soak --trials "$1" --slots 2 --set data.count=400 --set train.epochs=2 \
        --set model.width=16 --set study.sampler=random --detach
}
running() { [ "$("$vaetop" show soak --json | jq .engine_running)" = true ]; }
stopped() { ! running; }

total=100000
begin $total
end=$(($(date +%s) + seconds))
killed=0
faults=0
: >"$T/memory"
while [ "$(date +%s)" -lt "$end" ]; do
    sleep "$gap"
    engine=$(engine_of soak)
    rss=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) .*/\1/p' "/proc/$engine/status" 2>/dev/null) || true
    files=$(ls "/proc/$engine/fd" 2>/dev/null | wc -l)
    [ -z "$rss" ] || echo "$(date +%s) $engine $rss $files" >>"$T/memory"
    random 8
    case $drawn in
    0 | 1 | 2 | 3 | 4) victim=$(pgrep -P "$engine" -f vaetop-worker | head -n 1) || true ;;
    5) victim=$(pgrep -P "$engine" -f vaetop-advisor | head -n 1) || true ;;
    6) victim=$engine ;;
    *) victim= ;;
    esac
    if [ -n "$victim" ] && kill -KILL "$victim" 2>/dev/null; then
        killed=$((killed + 1))
    fi
    "$vaetop" fsck soak >"$T/out" 2>/dev/null || faults=$((faults + 1))
done
until_true 120 running # its last engine may have been killed a moment ago
run_it 0 stop soak
until_true 60 stopped
run_it 0 fsck soak
done_trials=$("$vaetop" show soak --json | jq '[.trials[] | select(.phase == "done")] | length')
failed=$("$vaetop" show soak --json | jq '[.trials[] | select(.phase == "failed")] | length')
echo "$seconds s, $killed kills, $done_trials trials done, $failed failed, $faults bad checks; $(tail -n 1 "$T/out")"
# The longest-lived engine's memory, as a line through its samples.
awk '{ n[$2]++; if (n[$2] == 1) { t0[$2] = $1; r0[$2] = $3; f0[$2] = $4 } t[$2] = $1; r[$2] = $3; f[$2] = $4
       x = $1 - t0[$2]; sx[$2] += x; sy[$2] += $3; sxx[$2] += x * x; sxy[$2] += x * $3 }
     END { for (e in n) if (n[e] > n[best]) best = e
           d = n[best] * sxx[best] - sx[best] ^ 2
           slope = d > 0 ? (n[best] * sxy[best] - sx[best] * sy[best]) / d : 0
           printf "engine of %d s: %d KiB at first, %d at last, slope %.2f KiB/s; open files %d, then %d\n",
                  t[best] - t0[best], r0[best], r[best], slope, f0[best], f[best] }' "$T/memory"
[ "$faults" = 0 ] || fail "a check found damage"
[ "$failed" = 0 ] || fail "trials failed"
