#!/usr/bin/env bash
# tests/failures/test_signals.sh REPRISE - SIGINT, SIGTERM and SIGKILL at random moments of everything that writes:
# the database is whole, the same command goes on to the same content, files are whole or absent, and a second Ctrl-C ends
# it at once. $REPRISE_SIGNALS: how often each signal to
# each command (without: one signal to each); $REPRISE_SEED: which moments.
set -u
reprise=$1
. "$(dirname "$0")/../checks.sh"
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
times=${REPRISE_SIGNALS:-0} seed=${REPRISE_SEED:-7}
RANDOM=$seed
signals=(INT TERM KILL)
echo "seed $seed, $times of each"
load=(--set workload.sessions=400 --set warmup_turns=0)
content() { "$reprise" db dump "$1" | sha256sum; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

mkdir stock own
export TMPDIR=$folder/own
"$reprise" sweep "${load[@]}" --vary tiers.dram.capacity=0,32GB,64GB,128GB --vary policy=lru,none --db stock/sweep.db >/dev/null 2>&1
"$reprise" sim "${load[@]}" -p lru,none --keep-turns --db stock/runs.db >/dev/null 2>&1
"$reprise" trace gen stock/trace.jsonl --documents --set documents.requests=30000 >/dev/null 2>&1

# name | whether its database is the same to the byte of its dump | what is run
tried() {
    cat <<EOF
sweep|same|sweep ${load[*]} --vary tiers.dram.capacity=0,32GB,64GB,128GB --vary policy=lru,none -j 2 --db r.db
size|same|size -m llama-3-8b -H h100 ${load[*]} --slo ttft_p99=1s --vary cluster.replicas=1,2 --vary gpus=1,2 --vary tiers.dram.capacity=0,128GB --vary ssd.drives=0 --db r.db
sim|whole|sim ${load[*]} -p lru,fifo,none -j 2 --db r.db --turns t.csv --timeline l.json
merge|same|db merge r.db ../stock/sweep.db
convert|none|trace convert ../stock/trace.jsonl c.jsonl.zst --to mooncake
EOF
    command -v gnuplot >/dev/null && echo "report|none|report --db ../stock/runs.db -o r.html"
    # In real time, on a model that is made here once.
    [ -d stock/calibration ] && cat <<EOF
run|whole|run -m ../stock/calibration/here-model.yaml -H ../stock/calibration/here.yaml -g 1 --set warmup_turns=0 --set workload.sessions=6 --set workload.mean_turns=3 --set workload.prompt_tokens.mean=24 --set workload.reply_tokens.mean=6 --set workload.think_time.mean=20ms --set engine.reuse=always --set workload.sessions_per_s=20 --set engine.batch=4 -p lru,none --db r.db --turns t.csv
EOF
}
if [ "$times" -gt 0 ]; then # seconds, for the campaign alone
    . "$here/../runtime/calibrate.sh"
    expect_code() { "${@:2}"; }
    (cd stock && calibrated --layers 2 --hidden 128 --vocabulary 64 --window 128 --batch 4 --repeats 2 --h2d 200MB/s \
        --d2h 200MB/s --ssd-read 100MB/s --ssd-write 100MB/s --hbm 16MB --dram 1MB --ssd 16MB --no-db) >/dev/null 2>&1
fi

fresh() { rm -rf work && mkdir work && cd work || exit 1; }
whole_database() { # FILE
    [ -e "$1" ] || return 0
    if command -v sqlite3 >/dev/null; then
        [ "$(sqlite3 "$1" 'PRAGMA integrity_check; PRAGMA foreign_key_check')" = ok ]
    else
        "$reprise" db list "$1" >/dev/null 2>&1 || ! [ -s "$1" ]
    fi
}
# Files by their names: of runs in real time and of what was interrupted, each ends as it does when undisturbed.
left() { ls -A | grep -vE '^r\.db(-wal|-shm|-journal)?$'; }
whole_files() { # SIGNAL
    local file
    for file in $(left); do
        if [ ! -e "../whole/$file" ]; then
            [ "$1" = KILL ] || return 1
        else
            [ "$(tail -c1 "$file" | od -An -tx1)" = "$(tail -c1 "../whole/$file" | od -An -tx1)" ] || return 1
        fi
    done
}

disturb() { # NAME KIND SIGNAL AFTER_MS COMMAND...
    local name=$1 kind=$2 signal=$3 after=$4 what="$1, $3 after $4 ms" process code
    shift 4
    fresh
    "$reprise" "$@" >/dev/null 2>../err &
    process=$!
    sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
    kill "-$signal" $process 2>/dev/null
    wait $process 2>/dev/null
    code=$?
    case $signal:$code in
    *:0 | INT:130 | TERM:130 | TERM:143 | KILL:137) ;;
    *) check "$what: exit code $code" false ;;
    esac
    check "$what: its database is whole" whole_database r.db
    check "$what: its files are whole or absent" whole_files "$signal"
    [ "$signal" = KILL ] || check "$what: no temporary file stays" [ -z "$(ls -A ../own)" ]
    "$reprise" "$@" >/dev/null 2>../err
    check "$what: the same command again" [ $? -eq 0 ]
    [ "$kind" = same ] && check "$what: comes to the same content" [ "$(content r.db)" = "$expected" ]
    check "$what: its database is whole then" whole_database r.db
    rm -rf ../own/*
    cd ..
}

number=0
while IFS='|' read -r name kind words <&3; do
    read -ra command <<<"$words"
    fresh
    begin=$(milliseconds)
    check "$name runs" "$reprise" "${command[@]}" >/dev/null 2>../err
    takes=$(($(milliseconds) - begin))
    [ "$kind" = same ] && expected=$(content r.db)
    cd .. && rm -rf whole && mv work whole
    [ "$times" -gt 0 ] || disturb "$name" "$kind" ${signals[$((number++ % 3))]} $((RANDOM % (takes + 1))) "${command[@]}"
    for _ in $(seq "$times"); do
        for signal in "${signals[@]}"; do
            disturb "$name" "$kind" $signal $((RANDOM % (takes + 1))) "${command[@]}"
        done
    done
done 3< <(tried)

# Twice: at once, although the first asked a run of minutes to come to an end.
fresh
"$reprise" sim --set workload.sessions=4000000 --no-db >/dev/null 2>../err &
process=$!
sleep 0.3
begin=$(milliseconds)
kill -INT $process
kill -INT $process 2>/dev/null
wait $process 2>/dev/null
check "a second Ctrl-C ends it, not $?" [ $? -eq 130 ]
check "at once" [ $(($(milliseconds) - begin)) -lt 2000 ]
# nohup: who started it wants it to outlive the terminal.
(trap '' HUP; exec "$reprise" sim "${load[@]}" --no-db >../out 2>../err) &
sleep 0.05
kill -HUP $!
wait $!
check "an ignored SIGHUP stays ignored" [ $? -eq 0 ]

all_passed 30
