#!/usr/bin/env bash
# tests/sweep/lessons/test_learn.sh REPRISE SOURCE_FOLDER MADE_FOLDER - docs/learn is true: each page is what the program
# makes of its lesson now, every claim in it holds, its commands can be pasted, and the list has it. What is made stays
# in MADE_FOLDER, for test_learn_pictures.sh. Texts are compared here rather than by a process each, for time.
set -u
. "$(dirname "$0")/../../checks.sh"
reprise=$1 source=$2 made=$3
learn=$source/docs/learn

same() { [[ $(<"$1") == "$(<"$2")" ]] || { diff "$1" "$2" | head -20; false; }; } # FILE FILE
holds() { [[ $1 == *"$2"* ]] || { head -20 <<<"$1"; false; }; }                   # TEXT PART
below() { [ "$(stat -c %s "$1")" -lt "$2" ]; }                                    # FILE BYTES

rm -rf "$made"
pictures=--no-picture
command -v gnuplot >/dev/null && pictures=
# Exit code 1 where a claim is broken.
said=$("$reprise" lesson --pages "$made" $pictures 2>&1) || {
    echo "$said"
    check "all lessons run, and what they claim holds" false
}
list=$(<"$learn/README.md") pages=0
for page in "$learn"/[0-9]*.md; do
    name=${page##*/} pages=$((pages + 1))
    check "$name is what reprise lesson --pages docs/learn makes now" same "$page" "$made/$name"
    check "README.md links $name" holds "$list" "]($name)"
done
check "a page for each of eight lessons" [ $pages -eq 8 ]
# A turn's picture is drawn from its run's timeline, the page's numbers come from its row: they are the same.
for page in 2-loading 3-saving; do
    words=$(<"$made/$page.md") waits="waiting for KV"
    words=${words//$'\n'/ }
    [ $page = 2-loading ] || waits="then waiting to save"
    check "$page shows a turn" holds "$words" "]($page-turn.svg)"
    [ -z "$pictures" ] || continue
    drawn=$(<"$made/$page-turn.svg")
    check "$page-turn.svg tells who waits" holds "$drawn" "$waits"
    facts=$(grep '>prefill ' "$made/$page-turn.svg")
    check "a panel each" [ "$(wc -l <<<"$facts")" -ge 2 ]
    while IFS= read -r number; do
        check "$number of $page-turn.svg is in the page" holds "$words" " $number"
    done < <(grep -oE '[0-9.]+ ms' <<<"$facts")
    check "$page-turn.svg is below 60 kB" below "$made/$page-turn.svg" 60000
done
# What a server is made of stands in its files: words that say it again would outlive a change of it.
check "no bandwidth or size of KV is typed in a lesson's words" [ -z \
    "$(grep -nE '[0-9] ?([kMG]i?B/s|[kM]B[^a-z]|GB a second)' "$learn"/[0-9]*.yaml)" ]
check "no count is cut to three digits" [ -z "$(grep -nE '(^|[^0-9.])[0-9.]+[kM] ' "$learn"/[0-9]*.md)" ]
# Points that are not equally far apart are not drawn so: the step between two ticks is so many times that before it.
steps() { # SVG LABEL LABEL LABEL TIMES
    awk -v a=">$2<" -v b=">$3<" -v c=">$4<" -v times="$5" '
        /translate\(/ { x = $0; sub(/.*translate\(/, "", x); x += 0 }
        index($0, a) { at_a = x } index($0, b) { at_b = x } index($0, c) { at_c = x }
        END { far = (at_c - at_b) / (at_b - at_a); exit !(far > 0.97 * times && far < 1.03 * times) }' "$made/$1.svg"
}
if [ -z "$pictures" ]; then
    check "0.3 to 0.4 is twice as far as 0.25 to 0.3" steps 4-fetching 0.25 0.3 0.4 2
    check "what doubles is evenly spaced" steps 5-eviction 64GB 128GB 256GB 1
fi

# What a page or the list lets its reader paste is taken, from the clone's folder; on few sessions, for time.
cd "$source" || exit 1
PATH="$(dirname "$reprise"):$PATH"
pastes() { eval "$1" >"$made/said" 2>&1 || { cat "$made/said"; false; }; } # COMMAND
while IFS= read -r line; do
    case $line in *lesson*[0-9]*) line="$line --no-picture" ;; esac
    case $line in *--answer*) ;; *"lesson "[0-9]*|*sim*) line="$line --set workload.sessions=30" ;; esac
    check "$line" pastes "$line"
done < <(sed -nE 's/^ *(reprise (sim|lesson)( [^#]*)?)( *#.*)?$/\1/p' "$learn"/*.md | grep -v -- --pages | sort -u)

# One by hand gives what the page has of it: the last row's second number, in whole ms.
page=$learn/7-not-paying.md
number=$(sed -nE 's/^\| 4 \| [^|]* \| ([0-9]+) ms \| .*/\1/p' "$page")
check "lesson 7 by hand" pastes "$(sed -n 's/^reprise sim .*/& --json/p' "$page")"
check "lesson 7 by hand: $number ms" grep -qE "\"ttft_mean_ns\": ${number:-none}[0-9]{6}\." "$made/said"

# How it ends: exit code, and a text on either stream.
ends() { # WHAT CODE TEXT COMMAND...
    local what=$1 code=$2 text=$3 told
    shift 3
    told=$("$@" 2>&1)
    check "$what: exit code $code" [ $? -eq "$code" ]
    check "$what: \"$text\"" holds "$told" "$text"
}
small=(--set workload.sessions=20)
ends "no such lesson" 2 "lists them" "$reprise" lesson 99
ends "no number" 2 "lists them" "$reprise" lesson first
ends "the list names where words are explained" 0 "docs/learn/README.md" "$reprise" lesson
ends "a key that the picture goes along" 2 "--set: gpus" "$reprise" lesson 7 --set gpus=2
ends "a changed lesson's answer" 2 "--answer: expected to stand without --set" "$reprise" lesson 7 "${small[@]}" --answer
ends "no gnuplot: the numbers are there" 3 "**Mean time to first token**" env GNUPLOT=/nonexistent "$reprise" lesson 7 "${small[@]}" -o "$made/a.png"
ends "a picture of another kind" 2 ".png or .svg" "$reprise" lesson 7 "${small[@]}" -o "$made/a.pdf"
ends "nowhere to draw" 3 "--no-picture draws none" "$reprise" lesson 7 "${small[@]}" -o /proc/nowhere/a.png
# Words that are not true: a failed check, but where the reader changed the experiment. On few sessions, for time.
false=$(mktemp -d)
cp "$learn"/chat.yaml "$learn"/7-*.yaml "$false"
sed -i 's/sessions: 600/sessions: 60 /' "$false"/chat.yaml
sed -i 's/if: ttft_mean_ns loaded@4 > /if: ttft_mean_ns loaded@4 < /' "$false"/7-*.yaml
export REPRISE_LEARN="$false"
ends "a claim that does not hold" 1 "  On four GPUs always loading from SSD makes turns wait longer than computing: " "$reprise" lesson 7 --no-picture
ends "the same on the reader's own experiment" 0 "These do NOT hold for this run:" "$reprise" lesson 7 --no-picture "${small[@]}"
# The turn that a lesson shows: a claim on it, and what its file may not say.
of_turn() { # WHAT CODE TEXT SED
    cp "$learn"/3-*.yaml "$false"
    sed -i "$4" "$false"/3-*.yaml
    ends "$1" "$2" "$3" "$reprise" lesson 3 --no-picture
}
of_turn "a claim on the turn" 1 "  Behind the prefill of that turn the GPUs stand still for less where KV is saved beside computing: 0 ns" 's/\(gpu_save_wait_ns turn.beside\) </\1 >/'
of_turn "a turn that no run has: what is claimed of it does not hold" 1 "  The prefill of the turn in the second picture takes as long either way: - and -" 's/of_session: .*/of_session: 999/'
of_turn "no such panel" 2 "a panel of the turn that is shown" 's/prefill_ns turn.beside/prefill_ns turn.nobody/'
of_turn "no such quantity" 2 "a number of docs/turns.md" 's/{prefill_ns turn.beside/{hit_rate turn.beside/'
of_turn "a panel of another run" 2 "a run of the picture" 's/run: beside@0.3/run: no_buffer/'
of_turn "a turn's number" 2 "a number from 1 on" 's/of_session: .*/of_session: 0/'
of_turn "a word that nobody reads" 2 "session of_session panel" 's/of_session: .*/turn: 3/'
unset REPRISE_LEARN
rm -rf "$false"
if [ -z "$pictures" ]; then
    there=$(mktemp -d)
    ends "a turn that the reader's runs lack" 0 "Nothing is said of turn 21 of conversation 256" "$reprise" lesson 2 "${small[@]}" -o "$there/a.png"
    ends "the second picture stands beside the first" 0 "$there/b-turn.svg" "$reprise" lesson 3 --set engine.write_buffer=9GB -o "$there/b.svg"
    check "which is there" [ -s "$there/b-turn.svg" ]
    rm -rf "$there"
fi

all_passed 80
