#!/usr/bin/env bash
# tests/cli/explore/test_explore_page.sh REPRISE SOURCE_FOLDER PICTURES - the page in a browser, as a person uses it.
# Screenshots are for looking at.
set -u
reprise=$1 source=$2 pictures=$3
for program in node chromium chromedriver; do
    command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
folder=$(mktemp -d)
trap '[ -n "${server:-}" ] && kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
unset DISPLAY WAYLAND_DISPLAY
# Small, so that a run takes milliseconds: what is waited for is the page.
"$reprise" explore --no-browser --set workload.sessions=60 --set workload.sessions_per_s=0.3 --set warmup_turns=20 \
    -t "$source/traces/samples/example.jsonl" >"$folder/address" 2>"$folder/log" &
server=$!
for _ in $(seq 200); do
    [ -s "$folder/address" ] && break
    sleep 0.05
done
node "$(dirname "$0")/test_explore_page.mjs" "$(cat "$folder/address")" "$pictures" "$reprise"
