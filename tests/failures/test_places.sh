#!/usr/bin/env bash
# tests/failures/test_places.sh REPRISE ROOT - where files cannot be written, or not to their end: a disk that is full, a
# folder that is read-only, a reader that goes away, a missing $TMPDIR. Each is told, with exit code 3, and leaves nothing
# half written; with room again the same command goes on. Full and read-only disks are mounted, where this user may.
set -u
reprise=$1 root=$2
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'cd /; umount "$folder"/disk "$folder"/fixed 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder" || exit 1
tiny=(--set workload.sessions=6 --set warmup_turns=0)
axes=(-v policy=lru,none -v tiers.dram.capacity=0,64GB)
content() { "$reprise" db dump "$1" | sha256sum; }
refused() { # WHAT COMMAND...: with 3, a reason, and no file but those that were there
    local what=$1 before
    shift
    before=$(ls -A "$place")
    check "$what: exit code 3" exits 3 "$@"
    check "$what: it is told" grep -qE "^reprise: .*(No space left|is full|Read-only|read-only|readonly|disk I/O|unable to open)" err
    check "$what: nothing is left" [ "$(ls -A "$place" | grep -vE -- '-(wal|shm|journal)$')" = "$before" ]
}

# ---- a reader that goes away ----

"$reprise" sweep "${tiny[@]}" "${axes[@]}" --db whole.db >/dev/null 2>&1
gone() { # COMMAND...: its first line is read, no more
    { "$@" 2>err; echo $? >code; } | head -1 >/dev/null
    [ "$(cat code)" -eq 3 ] && grep -q '^reprise: standard output: cannot write: Broken pipe' err
}
# More than a pipe holds, so that all of it cannot be written before the reader is gone.
big() { "$reprise" sweep "${tiny[@]}" -v "workload.seed=$(seq -s, 60)" --db big.db "$@"; }
big >/dev/null 2>&1
check "more is printed than a pipe holds" [ "$("$reprise" db dump big.db | wc -c)" -gt 100000 ]
check "a reader that goes away is told" gone "$reprise" db dump big.db
check "in JSON too" gone big --json
check "and the database is whole" eval 'big >/dev/null 2>err && grep -q "60 found" err'

# ---- the folder for temporary files ----

if command -v gnuplot >/dev/null; then
    "$reprise" sim "${tiny[@]}" --db runs.db >/dev/null 2>&1
    check "without a temporary folder nothing is drawn" exits 3 env TMPDIR="$folder/none" "$reprise" report --db runs.db -o r.html
    check "which is told" grep -q "none/reprise-report-.*: cannot create folder: No such file" err
    check "and no page is there" [ ! -e r.html ]
    mkdir own
    check "\$TMPDIR is where it draws" exits 0 env TMPDIR="$folder/own" "$reprise" report --db runs.db -o r.html
    check "and leaves nothing there" [ -z "$(ls -A own)" ]
    check "a drawing that fails" exits 3 env TMPDIR="$folder/own" GNUPLOT=false "$reprise" models show llama-65b -p p.svg
    check "leaves nothing there either" [ -z "$(ls -A own)" ]
    printf '#!/bin/sh\n: >drawing\nwhile :; do :; done\n' >slow-gnuplot # which may start no program
    chmod +x slow-gnuplot
    TMPDIR=$folder/own GNUPLOT=$folder/slow-gnuplot "$reprise" models show llama-65b -p p.svg >/dev/null 2>&1 &
    for _ in $(seq 200); do [ -e own/*/drawing ] && break || sleep 0.05; done
    kill -TERM $!
    check "what is ended while it draws" eval 'wait $! 2>/dev/null; [ $? -eq 143 ]'
    pkill -f "$folder/slow-gnuplot" # by its path, which nobody else has
    check "leaves nothing there" [ -z "$(ls -A own)" ]
fi

# ---- disks ----

mkdir disk fixed
if ! mount -t tmpfs -o size=192k none disk 2>/dev/null || ! mount -t tmpfs -o size=1m none fixed 2>/dev/null; then
    echo "skipped: full and read-only disks (no mounting here)"
    all_passed 5
    exit
fi
cp whole.db fixed
mount -o remount,ro fixed
place=fixed
refused "a read-only disk, sim" "$reprise" sim "${tiny[@]}" --db fixed/r.db
refused "a read-only disk, sweep" "$reprise" sweep "${tiny[@]}" "${axes[@]}" --db fixed/whole.db
refused "a read-only disk, trace gen" "$reprise" trace gen fixed/t.csv.gz "${tiny[@]}"
refused "a read-only disk, turns" "$reprise" sim "${tiny[@]}" --no-db --turns fixed/t.csv
refused "a read-only disk, db merge" "$reprise" db merge fixed/whole.db big.db
refused "a read-only disk, models import" "$reprise" models import "$root/tests/models/configs/llama-3-8b.json" -o fixed/m.yaml
check "a database on a read-only disk is read" eval '[ "$(content fixed/whole.db)" = "$(content whole.db)" ]'

# From an empty disk to one without a byte: each command meets the end somewhere else.
place=disk
fill() { # KILOBYTES that are left
    head -c 1m /dev/zero >disk/filler 2>/dev/null
    truncate -s $(($(stat -c %s disk/filler) - $1 * 1024)) disk/filler
}
for left in 0 8 24 64; do
    fill $left
    refused "$left kB left, trace gen" "$reprise" trace gen disk/t.csv --set workload.sessions=4000
    refused "$left kB left, timeline" "$reprise" sim --set workload.sessions=60 --set warmup_turns=0 --no-db --timeline disk/l.json
    check "$left kB left, sweep: exit code 3" exits 3 "$reprise" sweep "${tiny[@]}" "${axes[@]}" --db disk/s.db
    check "$left kB left, sweep: it is told" grep -qE "^reprise: .*(is full|disk I/O|unable to open)" err
    rm disk/filler
    mount -o remount,size=4m disk
    check "$left kB left, sweep: goes on with room" exits 0 "$reprise" sweep "${tiny[@]}" "${axes[@]}" --db disk/s.db
    check "$left kB left, sweep: to the same content" [ "$(content disk/s.db)" = "$(content whole.db)" ]
    rm -f disk/s.db*
    mount -o remount,size=192k disk
done
mount -o remount,size=256k disk
fill 100
"$reprise" sweep "${tiny[@]}" -v "workload.seed=$(seq -s, 60)" --db disk/big.db >/dev/null 2>err
check "a sweep that a full disk stops" [ $? -eq 3 ]
rm disk/filler
mount -o remount,size=4m disk
"$reprise" sweep "${tiny[@]}" -v "workload.seed=$(seq -s, 60)" --db disk/big.db >/dev/null 2>err
check "goes on with room" [ $? -eq 0 ]
check "to the same content" [ "$(content disk/big.db)" = "$(content big.db)" ]

all_passed 30
