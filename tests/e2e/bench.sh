#!/bin/sh
# `vaetop bench` on networks so small that it takes moments: what it reports is whole and agrees with itself. How fast
# anything was is not asked.
. "$(dirname "$0")/lib.sh"

run_it 0 bench --json --rounds 2 --networks "20-16-2:16 40-32-16-4:32"
says "$T/err" "step 20-16-2:16, chain, 16 lanes"
jq -e '.schema_version == 1 and .rounds == 2 and .plan_table == "built-in" and .device.compute_units >= 1' "$T/out" \
    >/dev/null || fail "$(cat "$T/out")"
jq -e '[.products[] | select(.by == "tiles") | [.op, .m, .n, .k]] ==
    [["nn", 16, 16, 32], ["nn", 16, 32, 16], ["tn", 32, 16, 16], ["nt", 16, 16, 32]]' "$T/out" >/dev/null ||
    fail "products: $(jq -c .products "$T/out")"
jq -e '.products + .steps | all(.peak_gflops > 0 and .share_of_peak > 0 and
        (((.gflops_median // .useful_gflops) / .peak_gflops - .share_of_peak) / .share_of_peak | fabs < 1e-3))' \
    "$T/out" >/dev/null || fail "shares of the peak: $(cat "$T/out")"
jq -e '.products | all(0 < .gflops_lower_quartile and .gflops_lower_quartile <= .gflops_median and
                       .gflops_median <= .gflops_upper_quartile)' "$T/out" >/dev/null || fail "quartiles of products"
jq -e '.steps | all(0 < .step_ms_lower_quartile and .step_ms_lower_quartile <= .step_ms_median and
                    .step_ms_median <= .step_ms_upper_quartile)' "$T/out" >/dev/null || fail "quartiles of steps"
jq -e '[.steps[] | [.network, .batch, .lanes]] ==
    [(["20-16-2:16", 16], ["40-32-16-4:32", 32]) | . + ([1], [2], [4], [8], [16])]' "$T/out" >/dev/null ||
    fail "steps: $(jq -c .steps "$T/out")"
# Rates follow from times; the memory of a pack grows by one lane's for each lane and is what the buffers take.
jq -e '.steps | all((.lanes / .step_ms_median * 1e3 / .steps_per_s - 1 | fabs < 1e-3) and
                    (.samples_per_s / .steps_per_s - .batch | fabs < 1e-2) and
                    ((.predicted_bytes - .buffer_bytes | fabs) <= 0.1 * .buffer_bytes))' "$T/out" >/dev/null ||
    fail "rates and bytes: $(jq -c .steps "$T/out")"

run_it 0 bench --quiet --rounds 1 --networks 20-16-2:16
says "$T/out" "of peak"
says "$T/out" "20-16-2:16 (chain plan)"
[ ! -s "$T/err" ] || fail "--quiet is not: $(cat "$T/err")"

for wrong in 784 20-16:4 20-x-2:16 0-16-2:16 20-16-2: 20-16-2:0 20-16-2:16:1; do
    run_it 2 bench --networks "$wrong"
    one_line
    says "$T/err" "network '"
done
run_it 2 bench --rounds 0
one_line

# --tune writes the only thing that changes a default: a table for this device, which bench names and training obeys.
run_it 0 bench --tune --json --quiet --rounds 1 --networks 20-16-2:16
table=$(jq -r .plan_table "$T/out")
[ "$(sed -n 1p "$table")" = "vaetop plans 1" ] || fail "no table at $table"
jq -e '[.steps[5:][] | .plan] == ["chain", "plain"]' "$T/out" >/dev/null || fail "not every plan was measured: $(cat "$T/out")"
grep -qE '^[0-9]+ (chain|plain) tiles$' "$table" || fail "the table has no row: $(cat "$table")"
run_it 0 bench --json --quiet --rounds 1 --networks 20-16-2:16
jq -e --arg table "$table" '.plan_table == $table and (.steps | length == 5)' "$T/out" >/dev/null || fail "the table is not used"
printf 'vaetop plans 1\n1000 plain tiles\n' >"$table"
run_it 0 bench --json --quiet --rounds 1 --networks 20-16-2:16
jq -e '.steps | all(.plan == "plain")' "$T/out" >/dev/null || fail "the table's plan is not taken"
printf 'vaetop plans 1\n1000 chain clblast\n' >"$table"
run_it 1 bench --rounds 1 --quiet --networks 20-16-2:16
one_line
says "$T/err" "$table:2"
