#!/bin/sh
# A stream of JSON lines from a study that runs: each line parses, it ends when the study rests, and the last word on
# every trial is its end.
. "$(dirname "$0")/lib.sh"

run_it 0 run quickstart --detach --quiet --trials 3 --slots 2 --set train.epochs=3 --set data.count=300
run_it 0 show quickstart --json-lines
/usr/bin/python3 - "$T/out" <<'PY' || fail "the stream is not as expected: $(cat "$T/out")"
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
last = {row["number"]: row for row in rows}
assert sorted(last) == [0, 1, 2], last.keys()
assert all(row["state"] == "COMPLETE" or row.get("phase") == "done" for row in last.values()), last
assert all(isinstance(row["value_nats"], float) for row in last.values()), last
PY
