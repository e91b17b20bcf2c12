#!/usr/bin/env bash
# tests/cli/test_private.sh REPRISE SAMPLES - what people wrote is counted and forgotten: a text that stands in every
# prompt and message of a log comes into no output, message, database, compressed curve, report, picture or temporary
# file, whatever is done with the log, and whether it is whole or damaged.
set -u
reprise=$1 samples=$2
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
mkdir logs tmp
export TMPDIR=$folder/tmp
word=Zqx9secret

# Texts of each kind of log that holds some. The word stands early: what is cut short would still show it.
for sample in openai.jsonl openai_batch.jsonl sharegpt.json wildchat.jsonl mooncake_texts.jsonl copilot.jsonl; do
    sed -E 's/("(content|value|text_input|prompt|text|input|instructions)": ")/\1'$word' /g' "$samples/$sample" >logs/$sample
done
sed -E 's/"generated_texts": \["/&'$word' /; s/"timeout"/"'$word'"/' "$samples/vllm_bench.json" >logs/vllm_bench.json
for log in logs/*; do
    case $log in *copilot*) continue ;; esac # which holds no texts but in fields of other names
    check "$log has the word" grep -q $word "$log"
done

# Damaged: cut within a text, a quote too many, another role, a text where another type stands, the word alone.
for log in logs/*; do
    name=${log#logs/}
    head -c "$(($(grep -abo $word "$log" | tail -1 | cut -d: -f1) + 8))" "$log" >"logs/cut-$name" 2>/dev/null
    sed "0,/$word /s//$word \" $word /" "$log" >"logs/quote-$name"
    sed -E 's/("(role|from)": ")[a-z]+/\1'$word'/' "$log" >"logs/role-$name"
    sed -E 's/("(timestamp|usage|tokens|output_length)": )/\1"'$word'", "x": /' "$log" >"logs/type-$name"
    { echo "$word, and \"$word\" said: {"; cat "$log"; } >"logs/first-$name"
    { cat "$log"; echo "$word and then"; } >"logs/last-$name"
done

number=0 refused=0
read_it() { # LOG OUT: what reads a log, and keeps what it says
    "$reprise" trace info "$1" >"$2/info" 2>&1 || refused=$((refused + 1))
    "$reprise" sim -t "$1" --set warmup_turns=0 --db "$2/all.db" --keep-turns --turns "$2/turns.csv" \
        --timeline "$2/timeline.json" -p lru,scheduler-aware >"$2/sim" 2>&1
}
make_more() { # LOG OUT: whole logs go further
    local db=$2/all.db
    "$reprise" trace info "$1" --json >"$2/info.json" 2>&1
    "$reprise" trace info "$1" --format azure >"$2/as" 2>&1
    "$reprise" trace info "$1" --format mooncake >>"$2/as" 2>&1
    "$reprise" trace convert "$1" "$2/converted.csv" --to session-csv --lossy >"$2/convert" 2>&1
    "$reprise" trace convert "$1" "$2/converted.jsonl" --to mooncake >>"$2/convert" 2>&1
    "$reprise" sweep -t "$1" --set warmup_turns=0 --db "$db" --vary tiers.dram.capacity=1GB,2GB >"$2/sweep" 2>&1
    "$reprise" replay "$1" --blocks 10,20 --turns "$2/replay.csv" >"$2/replay" 2>&1
    check "explain $1" exits 0 "$reprise" explain --db "$db" 1 1
    cat out err >"$2/explain"
    check "dump and merge $1" exits 0 sh -c "'$reprise' db dump '$db' >$2/dump && '$reprise' db merge $2/merged.db '$db'"
    # Blobs too, unpacked.
    if command -v sqlite3 >/dev/null && command -v zstd >/dev/null; then
        sqlite3 "$db" "SELECT writefile('$2/curve-' || run_id || name, xy_zstd) FROM series" >/dev/null
        zstd -dcq "$2"/curve-* >"$2/curves"
        check "curves are unpacked" [ -s "$2/curves" ]
    fi
}
for log in logs/*; do
    number=$((number + 1))
    last=results/$number
    mkdir -p $last
    read_it "$log" $last
    case $log in logs/*-*) ;; *) make_more "$log" $last ;; esac
done
if command -v gnuplot >/dev/null; then
    check "report" exits 0 "$reprise" report --db $last/all.db 1 --out $last/report.html
    check "plot" exits 0 "$reprise" plot --db $last/all.db -r 1 --out $last/plots
fi
check "logs are read" [ "$(ls results/*/turns-lru.csv 2>/dev/null | wc -l)" -ge 6 ]
check "damaged logs are refused" [ "$refused" -ge 12 ]
check "databases are there" [ "$(ls results/*/all.db | wc -l)" -ge 6 ]

check "the word is nowhere: $(grep -rlaiF $word results tmp 2>/dev/null | head -5 | tr '\n' ' ')" \
    [ -z "$(grep -rlaiF $word results tmp 2>/dev/null)" ]
check "temporary files stay: $(ls tmp)" [ -z "$(ls tmp)" ]
# That the search finds what it searches.
cp logs/openai.jsonl results/there
check "the search finds the word" [ "$(grep -rlaiF $word results | wc -l)" -eq 1 ]
all_passed 30
