#!/usr/bin/env bash
# tests/lessons/test_learn.sh REPRISE SOURCE_FOLDER MADE_FOLDER - docs/learn is true: each page is what the program
# makes of its lesson now, every claim in it holds, its commands can be pasted, and the list has it. What is made stays
# in MADE_FOLDER, for test_learn_pictures.sh.
set -u
reprise=$1 source=$2 made=$3
learn=$source/docs/learn
said=$(mktemp)
trap 'rm -f "$said"' EXIT
passed=0 failed=0
expect() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$said" 2>&1; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/    /' "$said" | head -20
    fi
}

rm -rf "$made"
pictures=--no-picture
command -v gnuplot >/dev/null && pictures=
# Exit code 1 where a claim is broken.
expect "all lessons run, and what they claim holds" "$reprise" lesson --pages "$made" $pictures
for page in "$learn"/[0-9]*.md; do
    name=$(basename "$page")
    expect "$name is what reprise lesson --pages docs/learn makes now" diff "$page" "$made/$name"
    expect "README.md links $name" grep -qF "]($name)" "$learn/README.md"
done
expect "a page for each of eight lessons" test "$(ls "$learn"/[0-9]*.md "$learn"/[0-9]*.yaml | wc -l)" = 16

# What a page or the list lets its reader paste is taken, from the clone's folder; on few sessions, for time.
cd "$source" || exit 1
while IFS= read -r line; do
    case $line in *lesson*[0-9]*) line="$line --no-picture" ;; esac
    case $line in *"lesson "[0-9]*|*sim*) line="$line --set workload.sessions=30" ;; esac
    expect "$line" env PATH="$(dirname "$reprise"):$PATH" bash -c "$line"
done < <(sed -nE 's/^ *(reprise (sim|lesson)( [^#]*)?)( *#.*)?$/\1/p' "$learn"/*.md | grep -v -- --pages | sort -u)

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 30 ]
