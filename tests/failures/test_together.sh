#!/usr/bin/env bash
# tests/failures/test_together.sh REPRISE - several processes that write one database at once: all of their results
# are there, each once, and none is told that it is locked. A rank that is killed: the others end, with an exit code that
# says so, and the sweep goes on to the same content. $REPRISE_CAMPAIGN: eight, and ranks.
set -u
reprise=$1
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
tiny=(--set workload.sessions=30 --set warmup_turns=0)
axes=(--vary tiers.dram.capacity=0,32GB,64GB --vary policy=lru,none)
content() { "$reprise" db dump "$1" | sha256sum; }
"$reprise" sweep "${tiny[@]}" "${axes[@]}" --db whole.db >/dev/null 2>&1
expected=$(content whole.db)

# The database is made by whoever comes first, too.
at_once() { # COUNT COMMAND...: each with its number for @
    local count=$1 number
    shift
    pids=()
    for number in $(seq "$count"); do
        "$reprise" "${@//@/$number}" >"out$number" 2>"err$number" &
        pids+=($!)
    done
    failed_ones=0
    for number in "${pids[@]}"; do wait "$number" || failed_ones=$((failed_ones + 1)); done
}
[ -n "${REPRISE_CAMPAIGN:-}" ] && counts=(2 8) || counts=(4)
for count in "${counts[@]}"; do
    at_once $count sweep "${tiny[@]}" "${axes[@]}" -j 1 --db same$count.db
    check "$count of one sweep: all end well" [ $failed_ones -eq 0 ]
    check "$count of one sweep: the same content" [ "$(content same$count.db)" = "$expected" ]
    at_once $count sweep "${tiny[@]}" "${axes[@]}" -j 1 --shard @/$count --db parts$count.db
    check "$count shards in one database: all end well" [ $failed_ones -eq 0 ]
    check "$count shards in one database: the same content" [ "$(content parts$count.db)" = "$expected" ]
    at_once $count sim "${tiny[@]}" --set workload.seed=@ -p lru,none --db sims$count.db
    check "$count simulations: all end well" [ $failed_ones -eq 0 ]
    check "$count simulations: each is there" \
        [ "$(for run in $(seq $((2 * count))); do "$reprise" explain --db sims$count.db "$run" 2>&1 | grep -c 'no such'; done | grep -c 1)" -eq 0 ]
    at_once $count db merge merged$count.db whole.db
    check "$count merges into one: all end well" [ $failed_ones -eq 0 ]
    check "$count merges into one: the same content" [ "$(content merged$count.db)" = "$expected" ]
done
check "nobody is told that it is locked" eval '! grep -l locked err*'

# ---- ranks ----

if [ -z "${REPRISE_CAMPAIGN:-}" ]; then # tests/cli/test_sweep.sh kills one, too
    all_passed 9
    exit
fi
if ! command -v mpirun >/dev/null || ! "$reprise" doctor 2>/dev/null | grep -q '^MPI .*Open MPI'; then
    echo "skipped: ranks (no MPI here)"
    all_passed 17
    exit
fi
ranks=(mpirun -np 3 --oversubscribe --allow-run-as-root)
longer=(sweep --set workload.sessions=1500 --set warmup_turns=0 "${axes[@]}" --replications 2)
"$reprise" "${longer[@]}" --db longer.db >/dev/null 2>&1
for victim in 0 1 2; do
    "${ranks[@]}" "$reprise" "${longer[@]}" --db rank$victim.db >out 2>err &
    leader=$!
    for _ in $(seq 200); do
        [ "$("$reprise" db list rank$victim.db 2>/dev/null | awk '{ print $2 + 0 }')" -ge 1 ] 2>/dev/null && break
        sleep 0.05
    done
    for process in $(pgrep -P $leader; pgrep -P "$(pgrep -P $leader | head -1)" 2>/dev/null); do
        tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$victim" && kill -9 "$process"
    done
    wait $leader
    code=$?
    check "rank $victim killed: an exit code that says so, not 0" [ $code -ne 0 ]
    check "rank $victim killed: nobody is left" eval "! pgrep -f 'db rank$victim\.db'"
    check "rank $victim killed: goes on" exits 0 "${ranks[@]}" "$reprise" "${longer[@]}" --db rank$victim.db
    check "rank $victim killed: to the same content" [ "$(content rank$victim.db)" = "$(content longer.db)" ]
done
all_passed 25
