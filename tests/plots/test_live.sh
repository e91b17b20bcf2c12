#!/usr/bin/env bash
# tests/plots/test_live.sh REPRISE SOURCE_FOLDER PICTURES - `reprise report --live`: a sweep in one file, whose numbers are the
# database's. In a browser too, where node, chromium and chromedriver are there.
set -u
reprise=$1 source=$2 pictures=$3
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
asks_nobody() { ! grep -qE "(src|href)=[\"']?(https?:)?//|url\((https?:)?//|@import|<link|<iframe|fetch\(|XMLHttpRequest" "$1"; }
sweep=("$reprise" sweep --set workload.sessions=60 --set warmup_turns=0 --vary tiers.dram.capacity=0,32GB,64GB
    --vary policy=lru,none --db sweep.db)

check "a sweep" exits 0 "${sweep[@]}"
check "its page, without gnuplot" env GNUPLOT=no-such-program "$reprise" report --live --db sweep.db -o live.html
check "needs no network" asks_nobody live.html
check "has each axis" grep -q '"key":"tiers.dram.capacity"' live.html
check "and its name" grep -q '"name":"DRAM capacity"' live.html
check "has what is not modelled" grep -q "<h2>Not modelled" live.html
check "ends" grep -q "</html>" live.html
check "the same again" exits 0 "$reprise" report --live --db sweep.db -o again.html
check "byte for byte" cmp live.html again.html

# ---- hostile names stay data ----
name="x<script>alert(1)<!--"
cp "$source/models/llm/llama-13b.yaml" "$name.yaml"
check "a hostile name" exits 0 "${sweep[@]}" --vary "model=llama-13b,./$name.yaml"
check "and its page" exits 0 "$reprise" report --live --db sweep.db -o hostile.html
check "is in no element" bash -c '! grep -qF "<script>alert" hostile.html'
check "but is there" grep -qF 'x\u003cscript>alert' hostile.html

# ---- refusals ----
check "runs have no sliders" exits 2 "$reprise" report --live 1 --db sweep.db
check "a sweep that is not there" exits 2 "$reprise" report --live --sweep 99 --db sweep.db
check "nothing that varies" exits 0 "$reprise" sweep --set workload.sessions=60 --set warmup_turns=0 --vary gpus=2 --db one.db
check "is refused" exits 2 "$reprise" report --live --db one.db -o none.html
check "and leaves no page" [ ! -e none.html ]
check "a folder that is not there" exits 3 "$reprise" report --live --db sweep.db -o no/live.html

# ---- in a browser ----
for program in node chromium chromedriver; do
    command -v $program >/dev/null || { echo "no $program: the sliders were not moved"; missing=1; }
done
if [ -z "${missing:-}" ]; then
    # What the page is to show of lru with 64 GB, by the database.
    expected=$(sqlite3 sweep.db "select value from run_metric where metric = 'ttft_mean_ns' and
        policy = '64.0 GB, lru' limit 1")
    check "the database has that point" [ -n "$expected" ]
    node "$(dirname "$0")/test_live.mjs" "file://$folder/live.html" "$pictures" "$expected" || failed=$((failed + 1))
fi
all_passed
