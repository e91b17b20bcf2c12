#!/usr/bin/env bash
# tests/cli/test_leaks.sh REPRISE SOURCE - each command once, of a build with AddressSanitizer: nothing that it allocated
# is left behind when it ends, nor when what it reads is wrong. The other scripts run without the search (reprise_script).
set -u
. "$(dirname "$0")/../checks.sh"
reprise=$1 source=$2
grep -aq __asan_init "$reprise" || { echo "only what AddressSanitizer is built into searches for leaks"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=1:exitcode=99
samples=$source/traces/samples
tiny=(--set workload.sessions=6 --set warmup_turns=0)
served=(-m here/here-model.yaml -H here/here.yaml -g 1 --set warmup_turns=0 --set workload.sessions=2
    --set workload.mean_turns=2 --set workload.prompt_tokens.mean=24 --set workload.reply_tokens.mean=3
    --set workload.think_time.mean=5ms --set engine.reuse=always --set workload.sessions_per_s=200 --set engine.batch=4
    --set tiers.dram.capacity=64kB -p lru)
machine=(--layers 2 --hidden 128 --vocabulary 64 --window 128 --batch 4 --repeats 1 --h2d 200MB/s --d2h 200MB/s
    --ssd-read 100MB/s --ssd-write 100MB/s --hbm 16MB --dram 1MB --ssd 16MB)
wide=(-v policy=lru,none -v tiers.dram.capacity=0,64GB)
search=(-m llama-3-8b -H h100 --slo ttft_p99=10s --vary cluster.replicas=1 --vary gpus=1,2 --vary tiers.dram.capacity=0
    --vary ssd.drives=0)
tried=" explore " # a page that waits for its reader: cli_explore asks it in a process of its own

told() { # STATUSES COMMAND...
    "${@:2}" >out 2>err
    local status=$?
    # shellcheck disable=SC2053 # a pattern
    [[ $status == $1 ]] || { echo "exit code $status" && tail -n 20 out err && false; }
}
clean() { # STATUSES COMMAND ARGUMENTS...
    tried="$tried$2 "
    check "$2 ${3:-} leaves no memory behind" told "$1" "$reprise" "${@:2}"
}
clean 0 sim "${tiny[@]}" -p lru,none --db r.db --keep-turns --turns t.csv --timeline l.json
printf '{"id": ' >broken.json
clean 2 sim "${tiny[@]}" -p lru,none --set tiers.dram.capacity=many
clean 3 sim -t nowhere.jsonl
clean 0 sweep "${tiny[@]}" "${wide[@]}" -j 2 --db s.db
clean 2 sweep "${tiny[@]}" -v tiers.dram.capacty=0,64GB --db s.db
clean 0 size "${tiny[@]}" "${search[@]}" --db z.db --report z.html
clean 0 calibrate "${machine[@]}" -o here --no-db
clean 0 run "${served[@]}" --db served.db --turns t.csv --iterations i.csv
# In real time: a busy machine may miss the load.
clean '[01]' validate "${served[@]}" --loads 50 --repeats 1 --tolerance 1000000 --csv v.csv --db v.db
clean 0 replay "$samples/example.jsonl" --blocks 50 -p lru,fifo --turns t.csv
clean 0 report --db r.db -o r.html
clean 0 report --db s.db --live -o s.html
clean 0 explain --db r.db lru 3
clean 2 explain --db r.db lru 3000
clean 0 db list s.db
clean 0 db dump s.db
clean 0 db merge m.db s.db
clean 3 db merge m.db broken.json
clean 0 trace info "$samples/example.jsonl"
clean 0 trace convert "$samples/example.jsonl" o.jsonl.zst --to mooncake
clean 0 trace gen g.csv.gz "${tiny[@]}"
clean 0 trace scale g.csv.gz h.csv --rate 2
clean 2 trace info broken.json
clean 0 models
clean 0 models show llama-3-8b
clean 2 models show broken.json
clean 0 lesson 1 --no-picture
clean 2 paper everything # its simulations are sweep's
clean 3 accuracy nowhere
clean 0 doctor
if command -v gnuplot >/dev/null; then clean 0 plot --db r.db -o pictures; else tried="$tried plot "; fi
commands=$("$reprise" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
for command in $commands; do
    check "$command was tried" test "${tried#* "$command" }" != "$tried"
done
all_passed 40
