#!/usr/bin/env bash
# tests/cli/test_size.sh REPRISE SAMPLES - sizing as a buyer meets it: the answer, its invoice added up, what
# is said where there is none, and what a trace lacks.
set -u
reprise=$1
samples=$2
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

ends_with() { # CODE COMMAND...
    local code=$1 found
    shift
    "$@" >stdout 2>stderr
    found=$?
    [ $found -eq "$code" ] || echo "exit code $found, not $code: $*" >&2
    [ $found -eq "$code" ]
}
says() { grep -qF -- "$1" stdout || { echo "stdout does not say: $1" >&2; false; }; }
complains() { grep -qF -- "$1" stderr || { echo "stderr does not say: $1" >&2; cat stderr >&2; false; }; }
silent_of() { ! grep -qiF -- "$1" stdout; }
# The first number of that key behind the line that holds the other.
number() { # KEY BEHIND
    awk -v key="\"$1\":" -v behind="\"$2\"" '
        index($0, behind) { on = 1 }
        on && index($0, key) { sub(/.*: /, ""); sub(/,.*/, ""); print; exit }' stdout
}

chat=(size -m llama-3-8b -H h100 --set workload.sessions=300 --set workload.sessions_per_s=4
    --set workload.prompt_tokens.mean=1500 --set warmup_turns=200 --vary gpus=1,2 --vary policy=lru
    --vary tiers.dram.capacity=0,128GB,1TB --vary cluster.replicas=1,2,3,4 --vary ssd.drives=0,2 --db size.db)

# ---- an answer ----
check "a size is found" ends_with 0 "$reprise" "${chat[@]}" --slo ttft_p99=1s
for word in recommended "invoice (owned)" "a month" "per million tokens" "one step from it" "what binds:" \
    "nothing kept below HBM" "no prefix cache at all" "servers needed" "x 0.5" "x 2" "billed as" rented \
    "Electricity is of GPUs" "keep a margin"; do
    check "it says $word" says "$word"
done
cp stdout first
check "the same again from the database" ends_with 0 "$reprise" "${chat[@]}" --slo ttft_p99=1s -j1
check "to the letter" cmp -s first stdout

# ---- as JSON, whose invoice adds up ----
check "as JSON" ends_with 0 "$reprise" "${chat[@]}" --slo ttft_p99=1s --json
for key in servers gpus dram_bytes ssd_bytes drive drives policy usd_per_month usd_per_mtok; do
    check "the recommendation has $key" [ -n "$(number $key recommendation)" ]
done
month=$(number usd_per_month recommendation)
sum=$(awk '/"invoice"/ { on = 1 } /^  \]/ { on = 0 }
    on && /"usd_per_month"/ { sub(/.*: /, ""); sub(/,.*/, ""); sum += $0 } END { printf "%.9g", sum }' stdout)
check "its lines sum to its month ($sum, $month)" awk -v a="$sum" -v b="$month" \
    'BEGIN { exit !(a > 0 && (a - b) ^ 2 < (1e-6 * b) ^ 2) }'
gpus=$(awk '/"item": "GPUs"/ { on = 1 } on && /"count"/ { sub(/.*: /, ""); sub(/,.*/, ""); print $0 + 0; exit }' stdout)
check "all servers' GPUs are billed" [ "$gpus" -eq $(($(number servers recommendation) * $(number gpus recommendation))) ]

# ---- every server is billed, the same by sim ----
one=(-m llama-3-8b -H h100 -g 1 --set workload.sessions=60 --set warmup_turns=0 --set policy=none)
for servers in 1 8; do
    "$reprise" size "${one[@]}" --vary cluster.replicas=$servers --slo ttft_p99=100s --json --db bill.db >stdout
    eval "size$servers=$(number usd_per_month recommendation) mtok$servers=$(number usd_per_mtok recommendation)"
    "$reprise" sim "${one[@]}" --set cluster.replicas=$servers --no-db --json >stdout
    eval "sim$servers=$(number owned_usd_per_month metrics) simtok$servers=$(number owned_usd_per_mtok metrics)"
done
# shellcheck disable=SC2154 # set by eval
check "a run's dollars are the search's ($size8, $sim8; $mtok8, $simtok8)" \
    awk -v a="$size8" -v b="$sim8" -v c="$mtok8" -v d="$simtok8" \
    'BEGIN { exit !(a > 0 && (a - b) ^ 2 < (1e-6 * b) ^ 2 && (c - d) ^ 2 < (1e-6 * d) ^ 2) }'
# shellcheck disable=SC2154
check "eight servers cost about eight times ($size1, $size8)" awk -v a="$size1" -v b="$size8" \
    'BEGIN { exit !(b > 6.5 * a && b < 8.01 * a) }'

# ---- three drives differ as their sheets do ----
for drive in samsung-990-pro-2tb samsung-pm9d3a-7.68tb micron-9550-pro-7.68tb; do
    "$reprise" sim -m llama-3-8b -H h100 -g 1 --set workload.sessions=300 --set warmup_turns=0 --set policy=lru \
        --set tiers.dram.capacity=8GB --set ssd.drive=$drive --set ssd.drives=2 --set tiers.hbm.cache=0 \
        --no-db --json >stdout
    name=${drive//[^a-z0-9]/_}
    eval "month_$name=$(number owned_usd_per_month metrics) years_$name=$(number ssd_years metrics)"
done
# shellcheck disable=SC2154
check "the dearer drives cost more" awk -v a="$month_samsung_990_pro_2tb" -v b="$month_samsung_pm9d3a_7_68tb" \
    'BEGIN { exit !(b > a) }'
# shellcheck disable=SC2154
check "and last longer" awk -v a="$years_samsung_990_pro_2tb" -v b="$years_samsung_pm9d3a_7_68tb" \
    -v c="$years_micron_9550_pro_7_68tb" 'BEGIN { exit !(a > 0 && b > 4 * a && c > b) }'

# ---- where nothing keeps the promise ----
check "no point is exit code 1" ends_with 1 "$reprise" "${chat[@]}" --slo ttft_p99=1ms
check "it says so" says "NO POINT KEEPS THE PROMISES"
check "and that no number of servers helps" says "No number of servers helps"
check "with what a request alone reaches" says "one request at a time on"
check "as JSON too" ends_with 1 "$reprise" "${chat[@]}" --slo ttft_p99=1ms --json
check "whose recommendation is null" grep -q '"recommendation": null' stdout

# ---- what is refused ----
check "a time without its unit" ends_with 2 "$reprise" size --slo ttft_p99=2
check "by name" complains "a time with its unit"
check "a promise that is no time" ends_with 2 "$reprise" size --slo ttft_p99=soon
check "no promise" ends_with 2 "$reprise" size
check "by name" complains "--slo: expected one to eight"
check "what cannot be bought" ends_with 2 "$reprise" "${chat[@]}" --slo ttft_p99=1s --prices paper --billing owned
check "by name" complains "--billing: expected busy or rented"
check "a number of servers by its old name" ends_with 2 "$reprise" size --slo ttft_p99=1s --vary replicas=1,2
check "is told the new one" complains "cluster.replicas"

# ---- a trace that cannot hit ----
azure=(size -m llama-3-8b -H h100 -g 1 -t "$samples/azure_2023.csv" --vary cluster.replicas=1,2 --db azure.db)
check "a trace without prefixes" ends_with 0 "$reprise" "${azure[@]}" --slo ttft_p99=10s
check "is never told that keeping KV does not pay" silent_of "not pay"
check "but what it lacks" says "it says neither which requests are turns of one"
check "and which sessions would fill it" says "--set workload.mean_turns=5"

# ---- several servers, a split, a pool, today ----
check "a split" ends_with 0 "$reprise" size -m llama-3-8b -H h100 -g 1 --set workload.sessions=200 \
    --set warmup_turns=0 --set policy=lru --set tiers.dram.capacity=128GB --set ssd.drives=0 \
    --vary cluster.replicas=2,4 --vary cluster.prefill_replicas=0,1,2 --vary tiers.remote.capacity=0,1TB \
    --slo ttft_p99=10s --today cluster.replicas=4 --db split.db
check "is compared with today" says "Against today's servers"
check "in another currency" ends_with 0 "$reprise" "${chat[@]}" --slo ttft_p99=1s --price currency=EUR --price per_usd=0.9
check "which it says" says "EUR "
check "side by side" ends_with 0 "$reprise" size -m llama-3-8b -t "$samples/example.jsonl" \
    --vary gpus=1 --vary cluster.replicas=1,2 --vary ssd.drives=0 --slo ttft_p99=30s --db side.db
for server in h100 h200 b200; do
    check "it tells of $server" says "x $server"
done

# ---- interrupted: what is known by then ----
"$reprise" "${chat[@]}" --slo ttft_p99=1s --set workload.sessions=3000 --exhaustive --db long.db >stdout 2>stderr &
process=$!
for _ in $(seq 400); do
    [ "$("$reprise" db list long.db 2>/dev/null | awk '{ done = $2 } END { print done + 0 }')" -ge 3 ] && break
    sleep 0.05
done
kill -INT $process
wait $process
check "interrupted it ends with 130" [ $? -eq 130 ]
check "and tells the best so far" says "INTERRUPTED: this is the best so far"

all_passed
