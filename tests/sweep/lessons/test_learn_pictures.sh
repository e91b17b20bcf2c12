#!/usr/bin/env bash
# tests/sweep/lessons/test_learn_pictures.sh SOURCE_FOLDER MADE_FOLDER - the pictures of docs/learn are what the program
# drew now, into MADE_FOLDER (test_learn.sh). Of another gnuplot than drew those the bytes differ: then it is skipped,
# and says so. The numbers behind them are in the pages, which the test learn compares on every machine.
set -u
learn=$1/docs/learn made=$2
command -v gnuplot >/dev/null || { echo "skipped: no gnuplot"; exit 77; }
drawn_by() { sed -nE 's/.*Produced by (GNUPLOT [^<]*[0-9]).*/\1/p' "$1"; }
here=$(drawn_by "$made/1-recomputing.svg") there=$(drawn_by "$learn/1-recomputing.svg")
[ -n "$here" ] || { echo "FAILED: the picture does not say who drew it"; exit 1; }
[ "$here" = "$there" ] || { echo "skipped: pictures by $there, this is $here"; exit 77; }
failed=0
for lesson in "$learn"/[0-9]*.yaml; do
    name=$(basename "$lesson" .yaml)
    cmp "$learn/$name.svg" "$made/$name.svg" || failed=1
    if grep -q '^turn:' "$lesson"; then
        cmp "$learn/$name-turn.svg" "$made/$name-turn.svg" || failed=1
    fi
done
exit $failed
