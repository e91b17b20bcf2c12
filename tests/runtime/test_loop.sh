#!/usr/bin/env bash
# tests/runtime/test_loop.sh REPRISE [FAILING_DISK] - calibrate, simulate, run and validate on a tiny model: the whole
# loop as a user goes through it. Times are not judged here: other processes share the machine.
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
    [ "$code" -eq "$1" ] || { tail -30 out.txt; cat err.txt; fail "exit code $code, not $1: ${*:2}"; }
}
one() {
    sqlite3 loop.db "$1"
}

calibrated --layers 2 --hidden 128 --vocabulary 64 --window 128 --batch 4 \
    --repeats 2 --h2d 200MB/s --d2h 200MB/s --ssd-read 100MB/s --ssd-write 100MB/s --hbm 16MB --dram 1MB \
    --ssd 16MB --db loop.db
grep -q 'copy_h2d' out.txt || fail "no fit of the link is shown"
[ "$(one "SELECT count(*) FROM fit WHERE what = 'copy_h2d'")" -eq 2 ] || fail "the fit is not stored"
[ "$(one 'SELECT count(*) > 100 FROM sample')" -eq 1 ] || fail "raw samples are not stored"
# Slices of 8 tokens of 1 KiB: from one on; the disk by slices and pages of two layers; beside copies.
[ "$(one "SELECT min(x) = max(y) AND max(x) > 64 * min(x) FROM sample WHERE what = 'copy_h2d_both'")" -eq 1 ] ||
    fail "copies are not of slices, from one on"
[ "$(one "SELECT count(DISTINCT x) = 2 AND count(DISTINCT y) = 3 AND max(x) = 2 * min(x) FROM sample WHERE what = 'ssd_read'")" -eq 1 ] ||
    fail "the disk is not read by slices and pages"
# 16 slices, and pages of 2 of as many bytes. Held to rates, they do not disturb each other.
[ "$(one "SELECT count(DISTINCT what) = 2 AND min(y) = 8 AND max(y) = 16 AND count(*) = 4 FROM sample WHERE what LIKE 'ssd_%_both'")" -eq 1 ] ||
    fail "the disk is not read and written at once"
grep -q '^ssd.both_bytes_per_s: ' calibration/here.yaml || fail "the disk's sum is not written"
! grep -q '^disk,free' calibration/here-times.csv || fail "a held disk is said not to be held"
grep -q 'a prefill behind a pause of 50 ms takes' out.txt || fail "a prefill behind a pause is not shown"
grep -q 'a layer that prefills and decodes in one launch takes .* in the mean of 6)' out.txt ||
    fail "launches that prefill and decode are not held against the simulator"
grep -q 'a layer of prefill while both links copy takes' out.txt || fail "prefill beside copies is not shown"
grep -q '^pcie.both_bytes_per_s: ' calibration/here.yaml || fail "the sum of both directions is not written"
grep -q 'measured by reprise calibrate' calibration/here.yaml || fail "the profile has no source"

server=(-m calibration/here-model.yaml -H calibration/here.yaml -g 1 --set warmup_turns=0)
work=(--set workload.sessions=6 --set workload.mean_turns=3 --set workload.prompt_tokens.mean=24
    --set workload.reply_tokens.mean=6 --set workload.think_time.mean=50ms --set engine.reuse=always
    --set workload.sessions_per_s=20 --set engine.batch=4)
expect_code 0 "$reprise" sim "${server[@]}" "${work[@]}" --json --db loop.db
grep -q '"measured (calibration)"' out.txt ||
    [ "$(one "SELECT count(*) FROM run WHERE timing_source = 'measured (calibration)'")" -eq 1 ] ||
    fail "sim does not take the measured times"
sim_wanted=$(one "SELECT value FROM run_metric WHERE metric = 'wanted_tokens'")
expect_code 0 "$reprise" run "${server[@]}" "${work[@]}" -p lru,none --db loop.db
[ "$(one "SELECT count(*) FROM run_metric WHERE metric = 'wanted_tokens' AND value = $sim_wanted")" -eq 3 ] ||
    fail "run and sim were not asked the same"
grep -q 'lru against recomputing' out.txt || fail "run does not compare policies as sim does"
turns=$(one "SELECT max(value) FROM run_metric WHERE metric = 'turns'")
grep -qE "^turns paired +${turns%.*}\$" out.txt || fail "run does not pair its policies' turns"
[ -z "$(find . -name '*ssd*')" ] || fail "the SSD tier's file is left"

# The same experiment has the same keys in JSON, and the same rows in the table, whoever did it.
keys() {
    grep -oE '^ *"[^"]+":' "$1"
}
expect_code 0 "$reprise" sim "${server[@]}" "${work[@]}" -p lru,none --no-db --json
mv out.txt sim.json
expect_code 0 "$reprise" run "${server[@]}" "${work[@]}" -p lru,none --no-db --json
cmp <(keys sim.json) <(keys out.txt) || fail "run and sim do not tell the same"
[ "$(keys out.txt | wc -l)" -gt 150 ] || fail "there are no metrics in JSON"

# Stopped by the user: what has finished is kept.
before=$(one 'SELECT count(*) FROM run')
"$reprise" run "${server[@]}" "${work[@]}" --set workload.sessions_per_s=5 -p lru,none --db loop.db >out.txt 2>err.txt &
running=$!
for _ in {1..400}; do # the second run takes a second and more
    grep -q '^lru: ' out.txt && break
    sleep 0.05
done
kill -INT "$running"
code=0
wait "$running" || code=$?
[ "$code" -eq 130 ] || fail "exit code $code of a run that the user stopped"
[ "$(one 'SELECT count(*) FROM run')" -eq $((before + 1)) ] || fail "what had finished is lost, or more is kept"
grep -q 'TTFT mean' out.txt || fail "what had finished is not shown"

validated() { # OPTION...
    "$reprise" validate "${server[@]}" "${work[@]}" --repeats 1 --tolerance 10000 "$@"
}
expect_code 0 "$reprise" validate "${server[@]}" "${work[@]}" --loads 30,40 --repeats 1 -p lru,none \
    --tolerance 10000 --csv loop.csv --plot loop.svg --db loop.db
[ "$(one "SELECT count(*) FROM validation_metric WHERE metric = 'ttft_p50_ns'")" -eq 4 ] ||
    fail "the validation is not stored"
[ "$(one "SELECT count(*) FROM validation_difference WHERE policy = 'none' AND minus = 'lru'")" -eq 4 ] ||
    fail "what one policy has over another is not stored"
[ "$(one "SELECT count(*) FROM validation_load WHERE reached")" -eq 2 ] || fail "loads are not stored"
grep -q '<svg' loop.svg || fail "no picture"
grep -q '^lru,40,ttft_p99_ns,,' loop.csv || fail "no table for other programs"
grep -q '^none,30,hit_rate_tokens,lru,-' loop.csv || fail "no differences in it"
grep -qE '^  none - lru +40 % TTFT mean' out.txt || fail "no differences are shown"
grep -qE '^lru: [0-2] of 2 points within tolerance' out.txt || fail "no line on a policy"
expect_code 1 "$reprise" validate "${server[@]}" "${work[@]}" --loads 20 --repeats 1 -p lru \
    --tolerance 0.000001 --no-db
expect_code 1 validated --loads 99 -p lru --no-db --csv none.csv --plot none.svg
grep -q '^load 99 %: not reached, and not run' out.txt || fail "a load that is not reached is not told"
grep -q '^lru, load' out.txt && fail "what is not reached was run all the same"

# A trace, whose load is that of its times, a low one: how busy computing can be with it is the machine's affair.
# Experiments of a file.
expect_code 0 "$reprise" trace gen turns.csv "${work[@]}"
printf 'small: {policy: fifo, tiers.dram.capacity: 200kB}\nlarge:\n  policy: lru\n' >experiments.yaml
expect_code 0 validated --loads 15 -t turns.csv --experiments experiments.yaml --csv loop.csv --no-db
grep -q 'import.rate' out.txt || fail "the trace's rate is not set"
grep -q '^large,15,ttft_mean_ns,small,' loop.csv || fail "the file's experiments are not compared"
printf 'small: {tiers.dram.capactiy: 1MB}\n' >experiments.yaml
expect_code 2 validated --experiments experiments.yaml --no-db
grep -q 'experiments.yaml: tiers.dram.capactiy: expected a known key' err.txt || fail "a wrong key of the file is not named"
printf 'lru: {}\n' >experiments.yaml
expect_code 2 validated -p lru --experiments experiments.yaml --no-db
grep -q 'each policy once, found "lru"' err.txt || fail "two of one name are not refused"
printf 'other: {trace: ""}\n' >experiments.yaml
expect_code 2 validated -p lru -t turns.csv --experiments experiments.yaml --no-db
grep -q 'trace: expected the same' err.txt || fail "experiments of two traces are compared"

# At fixed concurrency the one load is what so many in flight give.
expect_code 0 validated -p lru,none --set workload.concurrency=2 --csv closed.csv --no-db
grep -q 'workload.concurrency' out.txt || fail "the key of the load is not told"
[ "$(cut -d, -f2 closed.csv | sort -u | wc -l)" -eq 2 ] || fail "there is not one load at fixed concurrency"
expect_code 2 validated -p lru --set workload.concurrency=2 --loads 20 --no-db
printf 'more: {workload.concurrency: 3}\n' >experiments.yaml
expect_code 2 validated -p lru --set workload.concurrency=2 --experiments experiments.yaml --no-db
grep -q 'workload.concurrency: expected the same' err.txt || fail "two concurrencies are compared"

# Killed in the middle: the database is as it was, and the next run starts anew.
before=$(one 'SELECT count(*) FROM run')
timeout -s KILL 0.5 "$reprise" run "${server[@]}" "${work[@]}" --set workload.sessions_per_s=1 --db loop.db \
    >/dev/null 2>&1 || true
[ "$(one 'PRAGMA integrity_check')" = ok ] || fail "the database is damaged"
[ "$(one 'SELECT count(*) FROM run')" -eq "$before" ] || fail "half a run is stored"
expect_code 0 "$reprise" run "${server[@]}" "${work[@]}" --no-db

expect_code 2 "$reprise" run "${server[@]}" "${work[@]}" --set placement.s3_fifo.max_uses=1 --no-db
grep -q 'placement.s3_fifo.promote_uses: expected placement.s3_fifo.max_uses (1) or less' err.txt ||
    fail "a run takes constants that contradict each other"
expect_code 2 "$reprise" run "${server[@]}" -b no-such --no-db
grep -q 'expected host' err.txt || fail "known backends are not named"
expect_code 2 "$reprise" calibrate -m jamba-v0.1 --no-db
grep -q 'states' err.txt || fail "states are not refused by their name"
expect_code 3 "$reprise" run "${server[@]}" --ssd-file /no/such/folder/file --no-db
mkfifo pipe # as a device's node would be
expect_code 3 "$reprise" run "${server[@]}" --ssd-file pipe --no-db
[ -p pipe ] || fail "what is no file was removed as the SSD tier's"
echo mine >kept && ln -s kept link
for path in kept link; do
    expect_code 3 "$reprise" run "${server[@]}" --ssd-file $path --no-db
    [ "$(cat kept)" = mine ] || fail "a file in the SSD tier's way was written over, by its name $path"
done

# A disk that breaks (failing_disk.c, loaded before the program): what ran on it is no result, and kept by nobody.
if [ -n "${2:-}" ]; then
    broken=(env LD_PRELOAD="$2" "$reprise")
    with_disk=("${server[@]}" "${work[@]}" --set tiers.dram.capacity=300kB --posix-io --db loop.db)
    rows=$(one 'SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM validation), (SELECT count(*) FROM calibration)')
    expect_code 3 "${broken[@]}" run "${with_disk[@]}" -p lru
    grep -q 'the disk refused [0-9]* requests (Input/output error).*is no result' err.txt || fail "a broken disk is not told"
    ! grep -q 'TTFT' out.txt || fail "a run on a broken disk is told as a result"
    expect_code 3 "${broken[@]}" validate "${with_disk[@]}" -p lru --loads 20 --repeats 1
    expect_code 3 "${broken[@]}" calibrate --layers 2 --hidden 128 --vocabulary 64 --window 128 --batch 4 --repeats 1 \
        --hbm 16MB --dram 1MB --ssd 16MB --posix-io -o broken --db loop.db
    [ ! -e broken ] || fail "a calibration on a broken disk is written"
    [ "$(one 'SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM validation), (SELECT count(*) FROM calibration)')" = "$rows" ] ||
        fail "what ran on a broken disk is in the database"
    expect_code 3 "${broken[@]}" run "${with_disk[@]}" -p none,lru
    grep -q '^none: the first token' out.txt || fail "what needed no disk is not told"
    [ "$(one 'SELECT name FROM run ORDER BY id DESC LIMIT 1')" = none ] || fail "what needed no disk is not kept"
fi
for wrong in --layers=0 --hidden=0 --vocabulary=0 --window=4294967360 --batch=257; do
    expect_code 2 "$reprise" calibrate "$wrong" --no-db
    grep -q -e "${wrong%=*}: expected" err.txt || fail "${wrong%=*} is not refused by its name"
done
# Latent attention. Its KV is one plane of 32 + 16 values a token.
cat >latent.yaml <<'end'
name: latent
source: "this test: DeepSeek-V3's ratios, dense"
layers: 4
hidden: 1024
attention: latent
heads: 8
kv_heads: 8
head_dim: 128
latent_dim: 256
rope_dim: 64
query_latent_dim: 512
ffn: 2048
gated_ffn: true
vocabulary: 64
context_window_tokens: 4096
end
calibrated -m ./latent.yaml --layers 2 --hidden 128 --vocabulary 64 --window 128 --batch 4 \
    --repeats 2 --h2d 200MB/s --d2h 200MB/s --ssd-read 100MB/s --ssd-write 100MB/s --hbm 16MB --dram 1MB \
    --ssd 16MB --out latent --no-db
expect_code 0 "$reprise" run -m latent/here-model.yaml -H latent/here.yaml -g 1 --set warmup_turns=0 "${work[@]}" \
    -p lru --no-db
grep -q 'KV 384 B a token' out.txt || fail "latent KV is not 48 values of 4 bytes a token and layer"
# More sequences than the window has tokens.
calibrated --layers 1 --hidden 64 --vocabulary 64 --window 64 --batch 256 --repeats 2 \
    --flops 0 --memory 0 --h2d 0 --d2h 0 --ssd-read 0 --ssd-write 0 --hbm 16MB --dram 1MB --ssd 16MB --out wide --no-db
echo ok
