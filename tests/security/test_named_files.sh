#!/usr/bin/env bash
# tests/security/test_named_files.sh REPRISE SOURCE_FOLDER - what a stranger's file names, or a stranger's folder holds, is read
# only if that can end: a pipe in its place is told at once, and not waited for. What the user names may be a pipe.
set -u
reprise=$1 source=$2
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export REPRISE_MODELS=$source/models
mkfifo pipe.yaml
small=(--set workload.sessions=4 --set warmup_turns=0)

# A pipe that is waited for is ended by timeout.
refused() { # WHAT CODE COMMAND...
    local what=$1 expected=$2
    shift 2
    timeout -k 1 20 "$reprise" "$@" >out 2>err </dev/null
    code=$?
    check "$what: exit code $code: $(head -c 200 err)" [ $code -eq "$expected" ]
    check "$what: says that it is a pipe: $(head -c 200 err)" grep -q "pipe\|no file of bytes" err
}

for key in model hardware trace policy engine.version ssd.drive; do
    echo "$key: pipe.yaml" >experiment.yaml
    refused "$key of an experiment" 2 sim -c experiment.yaml --no-db "${small[@]}"
    check "$key is named" grep -q "$key: expected a plain file, not a pipe, found \"pipe.yaml\"" err
done

# Each in the place of what the server's file says, all keys in full.
flat() { sed -n '/^ *#/!p' "$source/models/hardware/h100.yaml" | grep -v "^ *$1:"; }
for key in gpu.timing gpu.attention allreduce.timing engine.version ssd.drive prices; do
    { flat "${key#*.}"; echo "$key: pipe.yaml"; } >server.yaml
    refused "$key of a server" 2 sim -H ./server.yaml --no-db "${small[@]}"
done
mkdir far # from where it names what lies beside it
mkfifo far/times
{ flat none; echo "timing.measured: times"; } >far/server.yaml
refused "measured times" 3 sim -H far/server.yaml --no-db "${small[@]}"

# A database: of a run, asked for a turn that it did not keep, and for a report.
"$reprise" sim "${small[@]}" -p lru --db runs.db >out 2>err
check "a database is there" [ $? -eq 0 ]
for key in trace model hardware ssd.drive; do
    cp runs.db stranger.db
    said=$(sqlite3 stranger.db "SELECT config_yaml FROM run" | grep -m1 "^$key:")
    sqlite3 stranger.db "UPDATE run SET config_yaml = replace(config_yaml, '$said', '$key: \"pipe.yaml\"')"
    refused "explain of a database whose $key is a pipe" 2 explain --db stranger.db lru 1
    [ $key = trace ] || # which a report does not read
        refused "report of a database whose $key is a pipe" 2 report --db stranger.db -o page.html
done
for ending in -wal -journal -shm; do
    mkfifo "runs.db$ending"
    refused "a pipe as runs.db$ending, read" 3 db list runs.db
    refused "a pipe as runs.db$ending, written" 3 sim "${small[@]}" -p lru --db runs.db
    rm "runs.db$ending"
done

# Folders.
mkdir model tables
cp "$source/tests/models/configs/llama-3-8b.json" model/config.json
for name in hf_quant_config.json quantize_config.json; do
    mkfifo "model/$name"
    refused "$name of a model" 3 models import model -o m.yaml
    rm "model/$name"
done
rm model/config.json
mkfifo model/config.json tables/h100_gemm.csv tables/aic_h200_sxm_vllm0.24.0_custom_allreduce.csv
refused "a model's config.json" 3 models import model -o m.yaml
refused "a folder of a profile" 3 calibrate --from-profile tables -H h100 -o fit.yaml
refused "a folder of measurements" 3 accuracy tables

# The user's own.
check "a user's pipe is read" "$reprise" sim -c <(echo "warmup_turns: 0") --set workload.sessions=4 --no-db >out
check "a user's trace, too" eval 'cat "$source/traces/samples/example.jsonl" | "$reprise" trace info /dev/stdin >out'
check "what he piped in is reported" eval '"$reprise" sim -t /dev/stdin -m mistral-7b -g 1 --set warmup_turns=0 -p lru \
    --db own.db <"$source/traces/samples/example.jsonl" >out && echo | "$reprise" report --db own.db -o page.html >out'
check "and a model" eval '"$reprise" models import /dev/stdin -o m.yaml <"$source/tests/models/configs/llama-3-8b.json" >out'
all_passed 60
