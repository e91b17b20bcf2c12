#!/usr/bin/env bash
# tests/failures/test_streams.sh REPRISE SAMPLES - standard output that is full or closed is told by exit code 3, in every
# command; closed standard streams crash nothing, and no file is opened in their place. $REPRISE_CAMPAIGN: those of every
# command, too.
set -u
reprise=$1 samples=$2
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
tiny=(--set workload.sessions=6 --set warmup_turns=0)

# One line a command: something that it prints; what is behind a # is drawn, and skipped without gnuplot.
"$reprise" sim "${tiny[@]}" -p lru,none --db runs.db --keep-turns >/dev/null 2>&1
"$reprise" sweep "${tiny[@]}" -v policy=lru,none --db sweep.db >/dev/null 2>&1
mkdir kernels
{
    echo kernel_source,backend,num_gpus,message_size,latency
    for size in 128 256 512 1024 2048; do echo "x,vllm_graph,4,$size,1.0"; done
} >kernels/aic_h200_sxm_vllm0.24.0_custom_allreduce.csv
cat >commands <<EOF
--version
--help
sim ${tiny[*]} --no-db
sim ${tiny[*]} --no-db --json
sim --help-config
sweep ${tiny[*]} -v policy=lru,none --db sweep.db
sweep ${tiny[*]} -v policy=lru,none --db sweep.db --csv
size -m llama-3-8b -H h100 ${tiny[*]} --slo ttft_p99=10s --vary cluster.replicas=1 --vary gpus=1 --vary tiers.dram.capacity=0 --vary ssd.drives=0 --db size.db
replay $samples/example.jsonl --blocks 50 -p lru
explain --db runs.db
explain --db runs.db lru 3
lesson
lesson 1 --no-picture
trace info $samples/example.jsonl
trace info $samples/example.jsonl --json
trace gen --shapes
db list sweep.db
db dump sweep.db
db merge merged.db sweep.db
models
models show llama-65b
models show llama-65b --json
models import $(dirname "$samples")/../tests/models/configs/llama-3-8b.json
paper --list
accuracy kernels
doctor
plot --db runs.db -o drawn #
report --db runs.db -o r.html #
EOF
for command in $("$reprise" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
    case $command in
    run | calibrate | validate | explore) ;; # seconds each; the campaign's, and --help's, below
    *) check "$command is tried" grep -q "^$command" commands ;;
    esac
    echo "$command --help" >>commands
done

told() { # CODE: it ended so, and said that standard output was not written
    [ "$1" -eq 3 ] && grep -q '^reprise: standard output: cannot write: ' err
}
number=0
while IFS= read -r line; do
    number=$((number + 1))
    case $line in *'#') command -v gnuplot >/dev/null || continue ;; esac
    read -ra words <<<"${line%#}"
    "$reprise" "${words[@]}" >/dev/full 2>err
    check "full: $line" told $?
    [ -n "${REPRISE_CAMPAIGN:-}" ] || [ $((number % 5)) -eq 0 ] || continue # what follows differs little by command
    "$reprise" "${words[@]}" >&- 2>err
    check "closed: $line" told $?
    "$reprise" "${words[@]}" <&- >&- 2>&-
    check "all closed: $line" [ $? -eq 3 ]
done <commands

# What the first file to be opened would be given is the number of a closed stream.
"$reprise" sim "${tiny[@]}" --db late.db <&- >&- 2>&-
check "the database is one" "$reprise" db list late.db >/dev/null
check "and holds no message" eval "! grep -q 'reprise: ' late.db"
check "a closed standard input is no reason" eval '"$reprise" models <&- >out 2>err && [ -s out ]'
check "a trace from a closed standard input is refused" eval '! "$reprise" trace info /dev/stdin <&- >out 2>err && [ -s err ]'
check "closed errors hide a failure from nobody" eval '"$reprise" sim -c nowhere.yaml >out 2>&-; [ $? -eq 3 ]'

all_passed 60
