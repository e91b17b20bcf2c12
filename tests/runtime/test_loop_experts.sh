#!/usr/bin/env bash
# tests/runtime/test_loop_experts.sh REPRISE - calibrate, simulate and run a tiny mixture of experts. Times are
# not judged here: other processes share the machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
reprise=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
. "$here/calibrate.sh"

fail() {
    echo "failed: $1" >&2
    exit 1
}
expect_code() {
    local code=0
    "${@:2}" >out.txt 2>err.txt || code=$?
    [ "$code" -eq "$1" ] || { cat err.txt; fail "exit code $code, not $1: ${*:2}"; }
}
one() {
    sqlite3 loop.db "$1"
}

calibrated -m mixtral-8x7b --layers 2 --hidden 128 --vocabulary 64 --window 128 --batch 4 \
    --repeats 2 --h2d 200MB/s --d2h 200MB/s --ssd-read 100MB/s --ssd-write 100MB/s --hbm 16MB --dram 1MB --ssd 16MB --no-db
grep -q '^experts,8,2,0,448,0$' calibration/here-times.csv || fail "the times do not say whose experts they are of"
grep -q '^experts: 8$' calibration/here-model.yaml || fail "the scaled model has other experts"

server=(-m calibration/here-model.yaml -H calibration/here.yaml -g 1 --set warmup_turns=0)
work=(--set workload.sessions=6 --set workload.mean_turns=3 --set workload.prompt_tokens.mean=16
    --set workload.reply_tokens.mean=4 --set workload.think_time.mean=50ms --set engine.reuse=always
    --set workload.sessions_per_s=20 --set engine.batch=4)
expect_code 0 "$reprise" sim "${server[@]}" "${work[@]}" --db loop.db
[ "$(one "SELECT count(*) FROM run WHERE timing_source = 'measured (calibration)'")" -eq 1 ] ||
    fail "sim does not take the measured times"
expect_code 0 "$reprise" run "${server[@]}" "${work[@]}" -p lru --db loop.db
[ "$(one "SELECT count(DISTINCT value) FROM run_metric WHERE metric = 'wanted_tokens'")" -eq 1 ] ||
    fail "run and sim were not asked the same"
[ "$(one "SELECT max(value) > 0 FROM run_metric WHERE metric = 'hit_tokens_dram'")" -eq 1 ] || fail "nothing was reused"

# The same shape without experts is another model: its times are not these.
sed -e '/^experts,/d' calibration/here-times.csv >calibration/dense-times.csv
sed -e "s/here-times.csv/dense-times.csv/" calibration/here.yaml >calibration/dense.yaml
expect_code 0 "$reprise" sim -m calibration/here-model.yaml -H calibration/dense.yaml -g 1 --set warmup_turns=0 "${work[@]}" --db loop.db
[ "$(one "SELECT count(*) FROM run WHERE timing_source LIKE 'measured%'")" -eq 2 ] ||
    fail "a mixture takes a dense model's times"
echo ok
