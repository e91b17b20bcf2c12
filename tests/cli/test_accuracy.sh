#!/usr/bin/env bash
# tests/cli/test_accuracy.sh REPRISE - `reprise accuracy` as a user meets it: exit codes, what is printed
# where, a folder that holds no table, a goal that is missed.
set -u
reprise=$1
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

ends_with() { # CODE COMMAND...
    local code=$1
    shift
    "$@" >"$folder/stdout" 2>"$folder/stderr"
    [ $? -eq "$code" ]
}
printed() { grep -q "$1" "$folder/stdout"; }
complained() { grep -q "$1" "$folder/stderr"; }

mkdir "$folder/empty" "$folder/data"
check "no folder is bad input" ends_with 2 "$reprise" accuracy
check "a folder that is not there is an I/O error" ends_with 3 "$reprise" accuracy "$folder/none"
check "a folder without tables is bad input" ends_with 2 "$reprise" accuracy "$folder/empty"
check "what a table's name is like is said" complained "aic_silicon_e2e"

# All-reduces of 1 ms, which none is that small: the goal is missed by far.
{
    echo kernel_source,backend,num_gpus,message_size,latency
    for size in 128 256 512 1024 2048; do echo "x,vllm_graph,4,$size,1.0"; done
} >"$folder/data/aic_h200_sxm_vllm0.24.0_custom_allreduce.csv"
echo "not a table" >"$folder/data/notes.txt"
check "a missed goal is no error" ends_with 0 "$reprise" accuracy "$folder/data"
check "the missed goal is told" printed "all-reduce .*missed"
check "a goal without data is told" printed "KV capacity .*no data"
check "an unknown file is passed over with a note" printed "notes.txt"
check "a missing table is told" printed "no table of experts"
check "--check ends with 1" ends_with 1 "$reprise" accuracy --check "$folder/data"
check "markdown has tables" ends_with 0 "$reprise" accuracy --markdown "$folder/data"
check "markdown's rows" printed "^| all-reduce "
check "JSON" ends_with 0 "$reprise" accuracy --json "$folder/data"
check "JSON has the goals" printed '"verdict": "missed"'
check "JSON says what is unseen" printed '"origin": "unseen"'

echo "x,vllm_graph,4,soon,1.0" >>"$folder/data/aic_h200_sxm_vllm0.24.0_custom_allreduce.csv"
check "a malformed table is bad input" ends_with 2 "$reprise" accuracy "$folder/data"
check "its line is told" complained "custom_allreduce.csv:7:"

# What an engine printed: its words become an experiment's, whole.
capacity() { # MODEL SETTINGS
    rm -rf "$folder/data"/*
    printf '%s\n' set,model,hbm_gib,device,collectives,gpus,version,utilisation,settings,tokens,kv_gib \
        "aside,$1,80,H100,1GiB,1,vllm-0.12,0.9,$2,,40" >"$folder/data/capacity_cases.csv"
}
capacity llama-3-8b ""
check "what is left for KV is compared" ends_with 0 "$reprise" accuracy "$folder/data"
check "with what was printed" printed "kept aside"
capacity "llama-3-8b, policy: lru" ""
check "a word that YAML would read as more is bad input" ends_with 2 "$reprise" accuracy "$folder/data"
capacity llama-3-8b "$(for i in {1..40}; do printf 'engine.batch=%d ' "$i"; done)engine.bach=1"
check "settings are read to their end" ends_with 2 "$reprise" accuracy "$folder/data"
check "a wrong one is told" complained "engine.bach"

all_passed 22
