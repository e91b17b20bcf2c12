#!/usr/bin/env bash
# tests/cli/test_turns.sh REPRISE SAMPLE_TRACE EXAMPLES - rows of turns, timelines and `explain` as a user meets them: the same bytes however
# many threads, files that are whole or not there, a turn's story from what is kept and from what is made again.
set -u
reprise=$1 sample=$2 examples=$3
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
small=(--set workload.sessions=80 --set warmup_turns=50 --set tiers.dram.capacity=8GB --set tiers.ssd.capacity=20GB)

says() { # WHAT EXIT_CODE TEXT COMMAND...
    local what=$1 code=$2 text=$3 got
    shift 3
    "$@" >said 2>&1
    got=$?
    check "$what: exit $got, expected $code" [ "$got" -eq "$code" ]
    check "$what: no \"$text\"" grep -qF -- "$text" said
}

for threads in 1 2; do
    "$reprise" sim "${small[@]}" -j $threads -p lru,scheduler-aware --db $threads.db --keep-turns \
        --turns $threads.csv --timeline $threads.json >/dev/null 2>&1
    check "sim with $threads threads" [ $? -eq 0 ]
done
for policy in lru scheduler-aware; do
    check "rows of $policy differ by threads" cmp 1-$policy.csv 2-$policy.csv
    check "timelines of $policy differ by threads" cmp 1-$policy.json 2-$policy.json
done
turns=$(($(wc -l <1-lru.csv) - 1))
check "the store has not all turns" [ "$(sqlite3 1.db "select count(*) from turn where run_id = 1")" -eq "$turns" ]
check "and of the warm-up" [ "$(sqlite3 1.db "select count(*) from turn where run_id = 1 and measured = 0")" -eq 50 ]

# One policy: the file has the name that was given, compressed or not, as JSON too.
"$reprise" sim "${small[@]}" -p lru --no-db --turns one.jsonl --timeline one.json.gz >/dev/null 2>&1
check "one policy's rows" [ "$(wc -l <one.jsonl)" -eq "$turns" ]
check "a compressed timeline" [ "$(gzip -dc one.json.gz | cksum)" = "$(cksum <1-lru.json)" ]

# Several seeds: a file each.
"$reprise" sim "${small[@]}" -p lru -r 2 --no-db --turns seed.csv >/dev/null 2>&1
check "one file a seed" [ "$(ls seed*.csv | tr '\n' ' ')" = "seed-lru-1.csv seed-lru-2.csv " ]
check "the first seed's rows" [ "$(tail -n +2 seed-lru-1.csv | cut -d, -f2- | cksum)" = "$(tail -n +2 1-lru.csv | cut -d, -f2- | cksum)" ]

# Requests of a replay: rows of each run, which sum to its hits, and by why to what it lacked.
sum() { # FILE COLUMN...: the sum of those columns
    local file=$1
    shift
    awk -F, -v names="$*" 'NR == 1 { count = split(names, want, " "); for (i = 1; i <= NF; i++) at[$i] = i; next }
        { for (i = 1; i <= count; i++) total += $at[want[i]] } END { printf "%d\n", total }' "$file"
}
for threads in 1 2; do
    "$reprise" replay "$sample" --blocks 40,100 --ssd-blocks 60 -p lru,s3-fifo --json -j $threads \
        --turns replay$threads.csv >replay.json 2>/dev/null
    check "replay with $threads threads" [ $? -eq 0 ]
done
hits=$(grep -o '"hit_tokens": [0-9]*' replay.json | grep -o '[0-9]*$' | sort -n | tr '\n' ' ')
check "requests' rows sum to the hits" [ "$hits" = "$(for f in replay1-*.csv; do sum $f reused_tokens; done | sort -n | tr '\n' ' ')" ]
for file in replay1-*.csv; do
    check "rows of $file differ by threads" cmp "$file" "${file/1/2}"
    check "$file: computed tokens by why" [ "$(sum $file computed_tokens)" -eq \
        "$(sum $file new_tokens never_stored_tokens evicted_tokens behind_gap_tokens)" ]
    check "$file: nothing was evicted" grep -q ",evicted,SSD," "$file"
done
check "a file each run" [ "$(ls replay1-*.csv | wc -l)" -eq 4 ]

cp "$sample" input.jsonl
says "a trace is not written over" 2 "other than that of --trace" "$reprise" sim -t input.jsonl --set warmup_turns=0 -p lru --no-db --turns ./input.jsonl
ln -s input.jsonl link.jsonl
says "nor by another name" 2 "other than what is read" "$reprise" replay link.jsonl --blocks 50 -p lru --turns input.jsonl
check "the trace was written over" cmp "$sample" input.jsonl
config=$examples/../../tests/models/configs/gpt-oss-20b.json
cp "$config" own.json
says "a model's file is not written over" 2 "other than the model's" "$reprise" sim "${small[@]}" --set model=./own.json -H h100 -g 1 --no-db --timeline own.json
check "the model was written over" cmp own.json "$config"
says "nor a database by rows" 2 "other than that of --turns" "$reprise" sim "${small[@]}" --db ./rows.csv --turns rows.csv
"$reprise" sim "${small[@]}" -p lru --db kept.db >/dev/null 2>&1 && cp kept.db kept.copy
says "nor by a report of itself" 2 "other than that of --db" "$reprise" report --db kept.db -o ./kept.db
says "nor by one of another" 3 "and a database" "$reprise" report --db kept.copy -o kept.db
says "nor what a shell led there" 3 "standard" "$reprise" models import own.json -o said
check "the database was written over" cmp kept.db kept.copy
says "two files of one name" 2 "other than that of --turns" "$reprise" sim "${small[@]}" --no-db --turns b.jsonl --timeline b.jsonl

says "another ending" 2 "a name that ends in .csv or .jsonl" "$reprise" sim "${small[@]}" --no-db --turns t.txt
says "Parquet" 2 "write as Parquet" "$reprise" sim "${small[@]}" --no-db --turns t.parquet
says "a timeline's ending" 2 "ends in .json" "$reprise" sim "${small[@]}" --no-db --timeline t.txt
says "a span without a timeline" 2 "--timeline FILE" "$reprise" sim "${small[@]}" --no-db --timeline-span 0s..1s
says "a span behind the run" 0 "nothing of the run lies within" "$reprise" sim "${small[@]}" --no-db --timeline behind.json --timeline-span 900h..901h
says "a span that is none" 2 "0s..2min" "$reprise" sim "${small[@]}" --no-db --timeline t.json --timeline-span 5s..1s
# What a request is the first to ask for is new, whoever tells of it; what it wants again without a cache was never stored.
"$reprise" replay "$sample" --blocks unlimited -p lru --turns new-replay.csv >/dev/null 2>&1
"$reprise" sim --trace "$sample" -m llama-3.1-70b -g 4 --set warmup_turns=0 -p none --no-db --turns new-sim.csv >/dev/null 2>&1
check "nothing is new" [ "$(sum new-replay.csv new_tokens)" -gt 0 ]
check "new in a replay and in a run" [ "$(sum new-sim.csv new_tokens)" -eq "$(sum new-replay.csv new_tokens)" ]
check "wanted again" [ "$(sum new-sim.csv never_stored_tokens)" -eq "$(sum new-replay.csv reused_tokens)" ]

says "no folder" 3 "no/t.csv" "$reprise" sim "${small[@]}" --no-db --turns no/t.csv
check "something was left of what failed" [ -z "$(ls t* no* 2>/dev/null)" ]

# A turn whose KV was evicted: its story names the tier, and the turn that it made room for.
evicted=$(sqlite3 1.db "select turn from turn where run_id = 1 and lost_why = 'evicted' and lost_for_turn is not null limit 1")
check "no turn's KV was evicted" [ -n "$evicted" ]
says "an evicted turn" 0 "computed: they had been stored, and were evicted" "$reprise" explain --db 1.db lru "$evicted"
for_turn=$(sqlite3 1.db "select lost_for_turn from turn where run_id = 1 and turn = $evicted")
check "for whom it was evicted" grep -q "turn $for_turn\b\|for the turn itself" said
cp said kept
# Whoever it was evicted for had been asked by then, and had not ended long before.
misnamed=$(sqlite3 1.db "select count(*) from turn a join turn b on b.run_id = a.run_id and b.turn = a.lost_for_turn
    where a.lost_ns < b.asked_ns or a.lost_ns > b.end_ns + 60e9")
check "KV was evicted for a turn that was not there" [ "$misnamed" -eq 0 ]
check "nothing was evicted for another turn" [ "$(sqlite3 1.db "select count(*) from turn where lost_for_turn <> turn")" -gt 3 ]
# A run that kept none is simulated again, and comes out the same.
sqlite3 1.db "delete from turn"
says "made again" 0 "Turn $evicted:" "$reprise" explain --db 1.db 1 "$evicted"
check "its story differs" cmp -s said kept
session=$(sqlite3 2.db "select session || ':' || turn_of_session from turn where run_id = 1 and turn = $evicted")
says "by session" 0 "Turn $evicted:" "$reprise" explain --db 2.db lru "$session"
says "what is worth a look" 0 "longest time to first token" "$reprise" explain --db 2.db
# A turn that was pushed out of HBM after its first token waits for KV only as it is prefilled again: that is no part of its prefill.
"$reprise" sim -c "$examples/first.yaml" -p scheduler-aware --set workload.sessions=300 --set warmup_turns=0 --set tiers.dram.capacity=16GB \
    --set tiers.ssd.capacity=0 --set engine.context_window=16384 --set engine.hbm_tokens=60000 --set workload.sessions_per_s=0.5 \
    --db again.db --keep-turns --timeline again.json --timeline-span 0..10h >/dev/null 2>&1
again=$(sqlite3 again.db "select turn from turn where preemptions > 0 and load_wait_ns > 0 and reused_tokens = 0 limit 1")
check "no turn waited only as it was prefilled again" [ -n "$again" ]
says "a turn prefilled again" 0 "in all its prefills together layers waited" "$reprise" explain --db again.db 1 "$again"
check "its prefill waited" grep -qE "^Its prefill took [0-9.]+ [a-z]+\. " said
once=$(sqlite3 again.db "select turn from turn where preemptions = 0 and load_wait_ns > 0 limit 1")
says "a turn prefilled once" 0 ", of which layers waited " "$reprise" explain --db again.db 1 "$once"
waited=$(sed -nE 's/.*layers waited (.*) for their KV.*/\1/p' said)
says "no such turn" 2 "the number of one of the run's turns" "$reprise" explain --db 2.db lru 999999
says "no such run" 2 "a policy of the latest comparison" "$reprise" explain --db 2.db no-such-policy
sqlite3 1.db "update metric set value = value + 1 where run_id = 1"
says "a run that comes out otherwise" 2 "--keep-turns" "$reprise" explain --db 1.db 1 "$evicted"

# One turn's layers as a picture; of two timelines, one below the other.
if command -v gnuplot >/dev/null; then
    says "a turn is drawn" 0 "pictures/timeline.svg" "$reprise" plot --timeline 1-lru.json --timeline 1-scheduler-aware.json --out pictures
    check "both policies are in it" grep -q "scheduler-aware: session" pictures/timeline.svg
    check "layers are in it" grep -q ">35<" pictures/timeline.svg
    says "a compressed one" 0 "timeline.png" "$reprise" plot --timeline one.json.gz --turn "$evicted" --out pictures
    session=${session%:*}
    check "the turn that was asked for" grep -q "session $session's turn" pictures/timeline.svg
    # Where a turn's number differs between runs, the same turn of the same session is drawn beside it.
    "$reprise" sim --set workload.sessions=80 --set workload.sessions_per_s=4 --set warmup_turns=0 -p none,lru --db busy.db \
        --keep-turns --timeline busy.json --timeline-span 0s..1min >/dev/null 2>&1
    "$reprise" sim "${small[@]}" -p lru --no-db --timeline short.json --timeline-span 0s..1s >/dev/null 2>&1
    read -r number session of_session < <(sqlite3 -separator ' ' busy.db "select a.turn, a.session, a.turn_of_session from turn a
        join turn b using (session, turn_of_session) where a.run_id = 1 and b.run_id = 2 and a.turn <> b.turn and a.end_ns < 60e9 and b.end_ns < 60e9 limit 1")
    check "each turn has the same number in both runs" [ -n "${number:-}" ]
    says "the same turn of two runs" 0 "timeline.svg" "$reprise" plot --timeline busy-none.json --timeline busy-lru.json --turn "$number" --out pictures
    check "another turn is drawn beside it" [ "$(grep -c "session $session's turn $of_session," pictures/timeline.svg)" -eq 2 ]
    says "a turn that the second lacks" 2 "no turn $of_session of session $session" "$reprise" plot --timeline busy-none.json --timeline short.json --turn "$number"
    says "a turn that is not told" 2 "--timeline-span tells more" "$reprise" plot --timeline 1-lru.json --turn 999999
    # Without --turn one is drawn that can be: the one that loads most has none of its iteration's layers.
    row='{"ph": "X", "pid": 0, "tid": 1, "ts": 0, "dur": 9, "cat": "turn", "name": "x", "args": {"turn": %d, "session": %d, "turn_of_session": 1, "reused_tokens": 9, "reused_dram_tokens": %d, "first_token_ns": 9000}},'
    layer='{"ph": "X", "pid": 1, "tid": 2, "ts": 1, "dur": 2, "cat": "layer", "name": "layer 0", "args": {"turn": 1, "layer": 0}}'
    printf "{\"otherData\": {\"policy\": \"lru\"}, \"traceEvents\": [$row$row$layer]}" 1 71 5 2 72 9 >batched.json
    says "a turn that can be drawn" 0 "timeline.svg" "$reprise" plot --timeline batched.json --out pictures
    check "another turn is drawn" grep -q "session 71's turn" pictures/timeline.svg
    # What the title says of waiting is what stands before the first token: here of a turn prefilled again behind it,
    says "a turn prefilled again is drawn" 0 "timeline.svg" "$reprise" plot --timeline again.json --turn "$again" --out pictures
    check "its title tells of waiting" [ "$(grep -c "waiting for KV" pictures/timeline.svg)" -eq 0 ]
    says "a turn prefilled once is drawn" 0 "timeline.svg" "$reprise" plot --timeline again.json --turn "$once" --out pictures
    check "it waited as explain tells" grep -q "waiting for KV $waited" pictures/timeline.svg
    # and of one that waits in both: 1 us before each of two layers, in an iteration that is not the first of its prefill.
    row='{"ph": "X", "pid": 0, "tid": 1, "ts": 1, "dur": 40, "cat": "turn", "name": "x", "args": {"turn": 1, "session": 71, "turn_of_session": 1,
        "server": 0, "reused_tokens": 9, "load_wait_ns": 5000, "prefill_start_ns": 1000, "first_token_ns": 9000}}'
    iteration='{"ph": "X", "pid": 1, "tid": 1, "ts": %d, "dur": %d, "cat": "iteration", "name": "prefill", "args": {"wait_ns": %d}}'
    layer='{"ph": "X", "pid": 1, "tid": 2, "ts": %d, "dur": %d, "cat": "layer", "name": "layer", "args": {"turn": 1, "layer": %d}}'
    printf "{\"otherData\": {\"policy\": \"lru\"}, \"traceEvents\": [$row, $layer, $layer, $iteration, $layer, $layer, $iteration]}" \
        5 1 0 7 2 1 4 5 2000 23 1 0 24 2 1 20 6 3000 >both.json
    says "a turn that waits in both" 0 "timeline.svg" "$reprise" plot --timeline both.json --out pictures
    check "another wait in its title" grep -q "prefill 8.00 us, waiting for KV 2.00 us<" pictures/timeline.svg
    # Each wait as wide as the other, and one more block of the colour in the legend.
    check "other waits are drawn" [ "$(sed -nE "s/.*rgb\( *90, *90, *90\)' points = '([0-9.]+),[0-9.]+ ([0-9.]+),.*/\1 \2/p" pictures/timeline.svg |
        awk 'NR > 1 { printf "%d ", $2 - $1 }')" = "174 174 " ]
    echo '{"a": 1}' >other.json
    says "other JSON" 2 "a timeline that" "$reprise" plot --timeline other.json
    says "no JSON" 2 "a timeline that" "$reprise" plot --timeline 1-lru.csv
    says "no file" 3 "no.json" "$reprise" plot --timeline no.json
    says "a turn without a timeline" 2 "--timeline FILE" "$reprise" plot --turn 3
else
    echo "no gnuplot: pictures are not looked at"
fi

all_passed
