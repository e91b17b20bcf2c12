#!/usr/bin/env bash
# tests/security/test_names.sh REPRISE HOSTILE_NAMES SOURCE_FOLDER - names of strangers (tests/hostile.h) as names of everything
# that has one, through what every command prints and writes: no command in them runs, nothing that a terminal would obey
# comes out, in pages they are text. test_shown.c, test_gnuplot_text.c and test_csv_cell.c try each name at each escaping.
set -u
reprise=$1 hostile=$2 source=$3
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
[ -n "${REPRISE_KEEP:-}" ] && echo "$folder" || trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export REPRISE_MODELS=$source/models REPRISE_PLOTS=$source/plots
mkdir names out said
count=$("$hostile" write names)
check "the names are there" [ "$count" -gt 40 ]
# Under sanitizers, where a command takes five times as long, every sixth of them as a word, a file and a model.
each=1
! grep -aq __asan_init "$reprise" || each=6
small=(--set workload.sessions=20 --set warmup_turns=0 --set max_turns=40)
drawing=yes
command -v "${GNUPLOT:-gnuplot}" >/dev/null || drawing=

nothing_ran() { [ -z "$(find . -name 'CANARY*')" ]; }
# Whatever it answers, it is no crash; what it says is looked at with what all others said.
asked=0
survives() { # WHAT COMMAND...
    local what=$1
    shift
    asked=$((asked + 1))
    "$@" >"said/$asked" 2>&1 </dev/null
    got=$?
    [ "$got" -le 3 ] || check "$what: exit $got" false
}
works() { # WHAT COMMAND...
    survives "$@"
    check "$1: $(head -c 300 "said/$asked")" [ "$got" -eq 0 ]
}
refused() { # WHAT TEXT COMMAND...
    local text=$2
    survives "$1" "${@:3}"
    check "$1: exit $got" [ "$got" -eq 2 ]
    check "$1: no \"$text\"" grep -qF -- "$text" "said/$asked"
}

# ---- runs of a database, and what is found of them ----
policies=lru,fifo,lfu,mru,none,sieve,arc,s3-fifo,2q,gdsf,lru+on-demand
works "runs" "$reprise" sim "${small[@]}" -p $policies --db runs.db --timeline timeline.json
runs=$(sqlite3 runs.db "select count(*) from run")
check "of 11 policies" [ "$runs" -eq 11 ]
rename() { # FIRST STEP
    local i
    for ((i = 0; i < runs; i++)); do
        echo "update run set name = $(cat "names/$((($1 + $2 * i) % count)).sql") where id = $((i + 1));"
    done | sqlite3 runs.db
    sqlite3 runs.db "update finding set sentence = sentence || (select group_concat(name) from run)"
}
# Each name that a shell or a page would take, then each fourth.
for names_at in "0 1" "11 1" "3 4"; do
    # shellcheck disable=SC2086
    rename $names_at
    [ -z "$drawing" ] || works "a report of names from $names_at" "$reprise" report --db runs.db -o "out/${names_at% *}.html"
done
if [ -n "$drawing" ]; then
    check "names are text in reports" "$hostile" page out/*.html
    works "pictures" "$reprise" plot --db runs.db -o pictures
    check "pictures are plain" "$hostile" plain pictures/*.svg
    check "pictures hold no scripts" bash -c '! grep -qi "<script" pictures/*.svg'
fi
works "db dump" "$reprise" db dump runs.db
works "db list" "$reprise" db list runs.db
works "db merge" "$reprise" db merge merged.db runs.db
check "SQL in names did nothing" [ "$(sqlite3 merged.db "select count(*) from run")" -eq 11 ]
survives "explain" "$reprise" explain --db runs.db

# ---- axes, values, commands and failures of a sweep ----
works "a sweep" "$reprise" sweep "${small[@]}" --vary policy=$policies --vary tiers.dram.capacity=0,32GB --db sweep.db
cp sweep.db keys.db
all=
for ((i = 0; i < count; i++)); do
    echo "update sweep_value set value = $(cat names/$i.sql) where axis = 0 and point = $i;"
    all="$all${all:+||}$(cat names/$i.sql)"
done >values.sql
sqlite3 sweep.db <values.sql
check "values are names" [ "$(sqlite3 sweep.db "select count(*) from sweep_value where value like '%CANARY%'")" -gt 10 ]
sqlite3 keys.db "update sweep_axis set key = $all where axis = 0; update sweep set command = $all"
for db in sweep keys; do
    works "the list of $db" "$reprise" db list $db.db
    works "the dump of $db" "$reprise" db dump $db.db
    works "the live page of $db" "$reprise" report --live --db $db.db -o $db-live.html
    [ -n "$drawing" ] || continue
    works "the report of $db" "$reprise" report --db $db.db -o $db.html
    works "the pictures of $db" "$reprise" plot --db $db.db -o $db-pictures
    check "pictures of $db are plain" "$hostile" plain $db-pictures/*.svg
done
check "names are text in sweeps' pages" "$hostile" page ./*.html
survives "it as CSV" "$reprise" sweep "${small[@]}" --vary "policy=lru,'=1+1" --db csv.db --csv

# ---- names of models, keys of experiments, fields of a config.json ----
model_named() { # NUMBER
    printf 'name: %s\n' "$(cat "names/$1.yaml")"
    grep -v '^name:' "$source/models/llm/llama-13b.yaml"
}
for ((i = 0; i < count; i += 3)); do
    model_named $i >model.yaml
    if [ -n "$drawing" ] && [ $((i % 2)) -eq 0 ]; then
        survives "a picture of model $i" "$reprise" models show ./model.yaml --plot "model-$i.svg"
    else
        survives "model $i" "$reprise" models show ./model.yaml
    fi
done
[ -z "$drawing" ] || check "their pictures are plain" "$hostile" plain model-*.svg
model_named 0 >lines.yaml
refused "a name of two lines" 'lines.yaml:1: name: expected a text in one line' "$reprise" models show ./lines.yaml
{
    echo '{"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,'
    echo '"intermediate_size": 128, "vocab_size": 256, "max_position_embeddings": 128, "torch_dtype": "float16",'
    for i in 0 2 5 9 12 14 19 23 28 31 32 33 34; do
        echo "$(sed 's/"$/ '$i'"/' names/$i.json): $(cat names/$i.json),"
    done
    echo '"model_type": "llama"}'
} >config.json
survives "a config.json of such fields" "$reprise" models show ./config.json
survives "and imported" "$reprise" models import ./config.json
sed 's/"model_type": "llama"/"model_type": "\\u001b[31mx\\n- y: \&a *b"/; s/LlamaForCausalLM/\\u001b]0;x\\u0007/' config.json >family.json
survives "a family so named" "$reprise" models import ./family.json
for i in 0 5 31 34; do
    printf '%s: 1\n' "$(cat names/$i.yaml)" >keys.yaml
    survives "a key of an experiment, $i" "$reprise" sim -c keys.yaml --no-db
done
printf 'policy: ../../../etc/passwd\n' >up.yaml
refused "a policy that leads elsewhere" "below the current folder" "$reprise" sim --no-db -c up.yaml --set policy=../../x.yaml
refused "a version that does" "below the current folder" "$reprise" sim --no-db --set engine.version=/etc/passwd

# ---- words of the command line, and names of files ----
for i in 0 5 11 31 34 39; do
    name=$(cat names/$i.raw)
    file=${name//\//_}
    survives "--set $i" "$reprise" sim --no-db --set "model=$name"
    survives "policy $i" "$reprise" sim --no-db -p "$name"
    cp "$source/traces/samples/example.jsonl" "./$file"
    survives "a trace in file $i" "$reprise" trace info "./$file"
    survives "converted to file $i" "$reprise" trace convert "./$file" "./$file.jsonl" --to mooncake
    rm -f -- "./$file" "./$file.jsonl"
    [ -z "$drawing" ] || works "a picture in folder $i" "$reprise" models show llama-13b --plot "$file.svg"
done
survives "a command" "$reprise" "$(cat names/33.raw)"

# ---- traces, tables, timelines ----
for i in 0 31 34; do
    name=$(cat names/$i.json)
    printf '{"timestamp": 0, "input_length": 64, "output_length": 4, "hash_ids": [1], "tenant": %s, %s: 1}\n' "$name" "$name" >tenant.jsonl
    survives "a tenant named $i" "$reprise" trace info tenant.jsonl
    mkdir -p tables
    printf 'session,%s,prompt_tokens\na,1,2\n' "$(cat names/$i.raw)" >tables/aic_h100_sxm_vllm0.24.0_gemm.csv
    survives "a column named $i" "$reprise" trace info tables/aic_h100_sxm_vllm0.24.0_gemm.csv
    survives "a table's column named $i" "$reprise" calibrate --from-profile tables --hardware h100
    survives "and so in accuracy" "$reprise" accuracy tables
done
timeline=$(echo timeline*lru.json)
sed -E 's/"policy": "[^"]*"/"policy": "a\\nsystem(\\"touch CANARY\\")\\u001b[31m"/; s/"name": "[^"]*turn/"name": "\\u001b[31m`touch CANARY`turn/' \
    "${timeline%% *}" >named.json
if [ -n "$drawing" ]; then
    survives "a timeline of a policy so named" "$reprise" plot --timeline named.json -o timeline-pictures
    [ ! -e timeline-pictures/timeline.svg ] || check "its picture is plain" "$hostile" plain timeline-pictures/timeline.svg
fi

# ---- files that are written: never through a link ----
echo precious >precious
for link in link.html turns.csv lru.json gen.jsonl link.svg; do ln -s precious $link; done
works "a page over a link" "$reprise" report --live --db keys.db -o link.html
works "turns over a link" "$reprise" sim "${small[@]}" --no-db -p lru --turns turns.csv --timeline lru.json
works "a trace over a link" "$reprise" trace gen gen.jsonl --set workload.sessions=5
check "a page is a file now" [ ! -L link.html ]
check "and turns are" [ ! -L turns.csv ]
if [ -n "$drawing" ]; then
    works "a picture over a link" "$reprise" models show llama-13b --plot link.svg
    check "a picture is a file now" [ ! -L link.svg ]
fi
check "what they led to is as it was" grep -qx precious precious

# ---- all of it ----
check "nothing that a terminal would obey was said" "$hostile" plain said/*
check "no command in a name ran" nothing_ran
all_passed 30 || exit 1
[ -n "$drawing" ] || { echo "no gnuplot: no picture was drawn" && exit 77; }
