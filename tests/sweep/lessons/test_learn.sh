#!/usr/bin/env bash
# tests/sweep/lessons/test_learn.sh REPRISE SOURCE_FOLDER MADE_FOLDER - docs/learn is true: each page is what the program
# makes of its lesson now, every claim in it holds, its commands can be pasted, and the list has it. What is made stays
# in MADE_FOLDER, for test_learn_pictures.sh.
set -u
reprise=$1 source=$2 made=$3
learn=$source/docs/learn
said=$(mktemp) ended=$(mktemp)
trap 'rm -f "$said" "$ended"' EXIT
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
# A turn's picture is drawn from its run's timeline, the page's numbers come from its row: they are the same.
for page in 2-loading 3-saving; do
    waits="waiting for KV"
    [ $page = 2-loading ] || waits="then waiting to save"
    expect "$page shows a turn" grep -qF "]($page-turn.svg)" "$learn/$page.md"
    [ -z "$pictures" ] || continue
    expect "$page-turn.svg tells who waits" grep -qF "$waits" "$made/$page-turn.svg"
    expect "a panel each" test "$(grep -c '>prefill ' "$made/$page-turn.svg")" -ge 2
    while IFS= read -r number; do
        expect "$number of $page-turn.svg is in the page" grep -E "(^|[^0-9.])$number" <(tr '\n' ' ' <"$made/$page.md")
    done < <(grep '>prefill ' "$made/$page-turn.svg" | grep -oE '[0-9.]+ ms')
    expect "$page-turn.svg is below 60 kB" test "$(stat -c %s "$made/$page-turn.svg")" -lt 60000
done
expect "a page for each of eight lessons" test "$(ls "$learn"/[0-9]*.md "$learn"/[0-9]*.yaml | wc -l)" = 16

# What a page or the list lets its reader paste is taken, from the clone's folder; on few sessions, for time.
cd "$source" || exit 1
while IFS= read -r line; do
    case $line in *lesson*[0-9]*) line="$line --no-picture" ;; esac
    case $line in *"lesson "[0-9]*|*sim*) line="$line --set workload.sessions=30" ;; esac
    expect "$line" env PATH="$(dirname "$reprise"):$PATH" bash -c "$line"
done < <(sed -nE 's/^ *(reprise (sim|lesson)( [^#]*)?)( *#.*)?$/\1/p' "$learn"/*.md | grep -v -- --pages | sort -u)

# One by hand gives what the page has of it: the last row's second number, in whole ms.
page=$learn/7-not-paying.md
number=$(sed -nE 's/^\| 4 \| [^|]* \| ([0-9]+) ms \| .*/\1/p' "$page")
expect "lesson 7 by hand: $number ms" env PATH="$(dirname "$reprise"):$PATH" \
    bash -c "$(sed -n 's/^reprise sim .*/& --json/p' "$page") | grep -E '\"ttft_mean_ns\": ${number:-none}[0-9]{6}\.'"

# How it ends: exit code, and a text on either stream.
ends() { # WHAT CODE TEXT COMMAND...
    local what=$1 code=$2 text=$3
    shift 3
    "$@" >"$ended" 2>&1
    echo "exit code $?" >>"$ended"
    expect "$what: \"$text\"" grep -F -- "$text" "$ended"
    expect "$what: exit code $code" grep -x "exit code $code" "$ended"
}
small=(--set workload.sessions=20)
ends "no such lesson" 2 "lists them" "$reprise" lesson 99
ends "no number" 2 "lists them" "$reprise" lesson first
ends "a key that the picture goes along" 2 "--set: gpus" "$reprise" lesson 7 --set gpus=2
ends "no gnuplot: the words are there" 3 "## Exercise" env GNUPLOT=/nonexistent "$reprise" lesson 7 "${small[@]}" -o /tmp/reprise-lesson.png
ends "a picture of another kind" 2 ".png or .svg" "$reprise" lesson 7 "${small[@]}" -o /tmp/reprise-lesson.pdf
# Words that are not true: a failed check, but where the reader changed the experiment.
false=$(mktemp -d)
cp "$learn"/chat.yaml "$learn"/7-*.yaml "$false"
sed -i 's/^  four_gpus: .*/  four_gpus: ttft_mean_ns loaded@4 < ttft_mean_ns computed@4/' "$false"/7-*.yaml
ends "a claim that does not hold" 1 "  ttft_mean_ns loaded@4 < ttft_mean_ns computed@4" env REPRISE_LEARN="$false" "$reprise" lesson 7 --no-picture
ends "the same on the reader's own experiment" 0 "  ttft_mean_ns loaded@4 < ttft_mean_ns computed@4" env REPRISE_LEARN="$false" "$reprise" lesson 7 --no-picture "${small[@]}"
# The turn that a lesson shows: a claim on it, and what its file may not say.
of_turn() { # WHAT CODE TEXT SED
    cp "$learn"/3-*.yaml "$false"
    sed -i "$4" "$false"/3-*.yaml
    ends "$1" "$2" "$3" env REPRISE_LEARN="$false" "$reprise" lesson 3 --no-picture
}
of_turn "a claim on the turn" 1 "  gpu_save_wait_ns turn.beside > gpu_save_wait_ns turn.after" 's/\(gpu_save_wait_ns turn.beside\) </\1 >/'
of_turn "a turn that no run has: what is claimed of it does not hold" 1 "prefill_ns turn.beside ~" 's/of_session: .*/of_session: 999/'
of_turn "no such panel" 2 "a panel of the turn that is shown" 's/prefill_ns turn.beside/prefill_ns turn.nobody/'
of_turn "no such quantity" 2 "a number of docs/turns.md" 's/{prefill_ns turn.beside/{hit_rate turn.beside/'
of_turn "a panel of another run" 2 "a run of the picture" 's/run: beside@0.3/run: no_buffer/'
of_turn "a turn's number" 2 "a number from 1 on" 's/of_session: .*/of_session: 0/'
of_turn "a word that nobody reads" 2 "session of_session panel" 's/of_session: .*/turn: 3/'
rm -rf "$false"
if [ -z "$pictures" ]; then
    there=$(mktemp -d)
    ends "a turn that the reader's runs lack" 0 "No picture of turn 21 of conversation 256" "$reprise" lesson 2 "${small[@]}" -o "$there/a.png"
    ends "the second picture stands beside the first" 0 "$there/b-turn.svg" "$reprise" lesson 3 -o "$there/b.svg"
    expect "which is there" test -s "$there/b-turn.svg"
    rm -rf "$there"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 30 ]
