#!/usr/bin/env bash
# tests/cli/test_sweep.sh REPRISE - sweeps as a user meets them: stopped by Ctrl-C or killed outright they
# go on where they stopped; on 1, 2 and 4 ranks, with one of them killed, and in shards they come to the
# same content.
set -u
reprise=$1
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
vary=(--set workload.sessions=400 --set warmup_turns=0 --vary tiers.dram.capacity=0,32GB..1TB:log7
    --vary policy=scheduler-aware,lru,none)
runs=24

content() { "$reprise" db dump "$1" | sha256sum; }
same_content() { [ "$(content "$1")" = "$(content "$2")" ]; }
# Starts the command, waits until some but not all runs are stored, sends it the signal; sets `code`.
stop_midway() { # SIGNAL DATABASE COMMAND...
    local signal=$1 db=$2 process
    shift 2
    "$@" >stdout 2>stderr &
    process=$!
    for _ in $(seq 400); do
        [ "$(stored "$db")" -ge 2 ] && break
        sleep 0.01
    done
    kill "-$signal" "$process" 2>/dev/null
    wait "$process"
    code=$?
}
stored() { "$reprise" db list "$1" 2>/dev/null | awk '{ done = $2 } END { print done + 0 }'; }

check "a sweep runs" "$reprise" sweep "${vary[@]}" --db whole.db -j2 >stdout 2>stderr
check "and says what it did" grep -q "$runs runs: 0 found in the database, $runs done now" stderr
check "its table has a row for each point" [ "$(wc -l <stdout)" -eq $((runs + 1)) ]
check "a second time nothing is run" "$reprise" sweep "${vary[@]}" --db whole.db >/dev/null 2>stderr
check "and it says so" grep -q "$runs found in the database, 0 done now" stderr
check "as CSV each run is a line" \
    [ "$("$reprise" sweep "${vary[@]}" --db whole.db --csv 2>/dev/null | wc -l)" -eq $((runs + 1)) ]

stop_midway INT int.db "$reprise" sweep "${vary[@]}" --db int.db -j1
check "Ctrl-C ends with 130, not $code" [ "$code" -eq 130 ]
check "what finished is kept" [ "$(stored int.db)" -ge 2 ]
check "not all had finished" [ "$(stored int.db)" -lt $runs ]
"$reprise" sweep "${vary[@]}" --db int.db >/dev/null 2>stderr
check "the same command goes on" [ "$(stored int.db)" -eq $runs ]
check "without doing again what was done" grep -qv " 0 found" stderr
check "to the same content" same_content whole.db int.db

stop_midway KILL kill.db "$reprise" sweep "${vary[@]}" --db kill.db -j1
check "killed, what finished is kept" [ "$(stored kill.db)" -ge 2 ]
"$reprise" sweep "${vary[@]}" --db kill.db >/dev/null 2>&1
check "killed and resumed: the same content" same_content whole.db kill.db

for i in 1 2 3; do "$reprise" sweep "${vary[@]}" --shard $i/3 --db part$i.db >/dev/null 2>&1; done
check "shards merge" "$reprise" db merge merged.db part1.db part2.db part3.db >/dev/null
check "into the same content" same_content whole.db merged.db
echo "no database" >text.db
"$reprise" db merge none.db part1.db text.db >/dev/null 2>stderr
check "what cannot be merged is refused" [ $? -eq 3 ]
check "and leaves no database in which nothing is" [ ! -e none.db ]
"$reprise" sweep "${vary[@]}" --shard 4/3 --db part4.db >/dev/null 2>stderr
check "a shard beyond the last is refused" grep -q -- "--shard: expected i/n" stderr

"$reprise" sweep --vary gpus=2,99 --db whole.db >/dev/null 2>stderr
check "a value out of range is refused before any run" [ $? -eq 2 ]

for wrong in policy=lru,lruu placement.eviction=lru,lruu import.format=mooncake,no-such tenants.priority=80/20,80/x \
    tenants.dram_quota=0.5/0.5,2 workload.tenants=1/2,a=1/2 engine.version=none,no-such model=llama-13b,no-such; do
    check "no point can run: $wrong is refused before any run" \
        exits 2 "$reprise" sweep "${vary[@]:0:4}" --vary "$wrong" --db none.db
    check "$wrong: nothing was begun" [ ! -e none.db ]
done
check "values that cannot run together are points that cannot run" \
    exits 0 "$reprise" sweep "${vary[@]:0:4}" --vary gpus=1,2 --vary tiers.hbm.cache=0,1GB --vary placement.save=lacking,nodes --db some.db
check "and are counted" grep -q ", 4 cannot run" err

"$reprise" sweep "${vary[@]}" --db more.db --replications 3 -m llama-3-8b -H h100 -g 1 \
    --metrics ttft_p99_ns >stdout 2>/dev/null
check "replications show confidence intervals" grep -q "±" stdout
"$reprise" sweep "${vary[@]}" --db more.db --metrics no_such >/dev/null 2>stderr
check "an unknown metric is refused" grep -q -- "--metrics: expected a metric" stderr

size=(size -m llama-3-8b -H h100 --set workload.sessions=200 --set warmup_turns=0 --slo ttft_p99=1s
    --vary cluster.replicas=1,2 --vary gpus=1,2 --vary tiers.dram.capacity=0,128GB --vary ssd.drives=0 --db size.db)
check "a size is found" "$reprise" "${size[@]}" >stdout 2>stderr

if command -v gnuplot >/dev/null; then
    check "a sweep is drawn" "$reprise" plot --db whole.db --sweep 1 --out pictures >stdout
    for picture in hits ttft cost pareto tornado; do
        check "its $picture" [ -s pictures/sweep_$picture.svg ]
    done
    check "the tornado's title takes two lines, to fit" grep -q '>What each key alone<' pictures/sweep_tornado.svg
    check "a search is reported" "$reprise" report --db size.db -o size.html >stdout
    "$reprise" sweep --set workload.sessions=60 --set warmup_turns=0 --vary tiers.dram.capacity=0,64GB --replications 2 --db names.db >/dev/null 2>&1
    check "a sweep is reported" "$reprise" report --db names.db -o names.html >stdout
    check "with the cheapest point in words" grep -q '<p class=answer>Cheapest: .* at DRAM capacity <b>' names.html
    check "its axes are named" grep -q '<th title="tiers.dram.capacity">DRAM capacity</th>' names.html
    check "in pictures too" grep -q '>DRAM capacity<' names.html
    check "rows say under which seed" grep -q '<th>seed, by number</th>' names.html
    "$reprise" sim --set workload.sessions=60 --set warmup_turns=0 --policy lru,none --db sim.db >/dev/null
    check "a comparison is reported" "$reprise" report --db sim.db -o sim.html >stdout
    for page in size sim; do
        check "$page.html says what is not modelled" grep -q "<h2>Not modelled" $page.html
        check "$page.html has pictures" grep -q "<svg" $page.html
        # Names of XML's own spaces are no addresses that a browser asks.
        check "$page.html needs no network" [ -z "$(grep -oE "(src|href)=[\"']?(https?:)?//[^\"' >]*|url\((https?:)?//[^)]*|@import" $page.html)" ]
        check "$page.html has each id once" [ -z "$(grep -oE " id=[\"'][^\"']*" $page.html | sort | uniq -d)" ]
    done
    "$reprise" report --db sim.db 99 -o none.html >/dev/null 2>stderr
    check "an unknown run is refused" [ $? -eq 2 ]
    check "and leaves no page" [ ! -e none.html ]
fi

if "$reprise" doctor 2>/dev/null | grep -q "^MPI.*Open MPI" && command -v mpirun >/dev/null; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
    export ASAN_OPTIONS=detect_leaks=0 # Open MPI's own
    for ranks in 1 2 4; do
        check "$ranks ranks" mpirun -n $ranks "$reprise" sweep "${vary[@]}" --db ranks$ranks.db \
            >/dev/null 2>stderr
        check "$ranks ranks: the same content" same_content whole.db ranks$ranks.db
    done
    # One rank of four is killed; mpirun then ends the others. A second start runs what is missing.
    long=("${vary[@]}" --set workload.sessions=2000)
    "$reprise" sweep "${long[@]}" --db long.db >/dev/null 2>&1
    mpirun -n 4 "$reprise" sweep "${long[@]}" --db dead.db >/dev/null 2>&1 &
    process=$!
    for _ in $(seq 400); do
        [ "$(stored dead.db)" -ge 2 ] && break
        sleep 0.01
    done
    kill -KILL "$(pgrep -P "$process" | tail -1)"
    wait "$process"
    check "a killed rank ends the sweep with an error" [ $? -ne 0 ]
    check "before its end" [ "$(stored dead.db)" -lt $runs ]
    mpirun -n 4 "$reprise" sweep "${long[@]}" --db dead.db >/dev/null 2>&1
    check "and its points are run by the next start" same_content long.db dead.db
    mpirun -n 2 "$reprise" sweep --vary gpus=nonsense --db whole.db >/dev/null 2>stderr
    check "a refused sweep ends all ranks with code 2" [ $? -eq 2 ]
else
    echo "skipped: ranks (no MPI here)"
fi
all_passed
