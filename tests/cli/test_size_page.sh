#!/usr/bin/env bash
# tests/cli/test_size_page.sh REPRISE SOURCE_FOLDER - the page of a search: it says what the text says, needs
# nothing but itself, and nothing of a user's is run in it.
set -u
reprise=$1 source=$2
command -v gnuplot >/dev/null || exit 77
. "$(dirname "$0")/../checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
size=(size -m llama-3-8b -H h100 --set workload.sessions=200 --set warmup_turns=0 --set policy=lru
    --vary cluster.replicas=1,2 --vary gpus=1,2 --vary tiers.dram.capacity=0,128GB
    --vary tiers.ssd.capacity=0,32TB --db size.db)

says() { grep -qF -- "$2" "$1"; } # FILE TEXT
silent() { ! grep -qF -- "$2" "$1"; }
# Names of XML's own spaces are no addresses that a browser asks.
asks_nobody() { ! grep -qE "(src|href)=[\"']?(https?:)?//|url\((https?:)?//|@import|<script|<link|<iframe" "$1"; }
each_id_once() { [ -z "$(grep -oE " id=[\"'][^\"']*" "$1" | sort | uniq -d)" ]; }
each_reference_met() { # every #name that the page refers to is one of its ids
    local name
    for name in $(grep -oE "(href=[\"']|url\()#[^\"')]*" "$1" | sed 's/.*#//' | sort -u); do
        grep -qE " id=[\"']$name[\"']" "$1" || return 1
    done
}
whole() { # PAGE
    check "$1: needs no network" asks_nobody "$1"
    check "$1: each id once" each_id_once "$1"
    check "$1: refers to what it has" each_reference_met "$1"
    check "$1: what is not modelled" says "$1" "<h2>Not modelled"
    check "$1: what it rests on" says "$1" "<h2>Assumptions and sources"
    check "$1: the command" says "$1" "reprise size --"
    check "$1: ends" says "$1" "</html>"
}

# ---- a recommendation ----
check "a size is found" "$reprise" "${size[@]}" --slo ttft_p99=1s --today gpus=2 --report best.html >text 2>stderr
whole best.html
recommended=$(sed -n '/^recommended/{n;s/^ *//;p}' text)
month=$(sed -nE 's/^  (.*) a month, .* per million tokens \(owned\)$/\1/p' text)
mtok=$(sed -nE 's/^  .* a month, (.*) per million tokens \(owned\)$/\1/p' text)
check "the text has a recommendation" [ -n "$recommended" ]
check "its servers" says best.html "<b>$recommended</b>"
check "its month" says best.html "</b>: $month a month"
check "its tokens" says best.html "$mtok per million tokens (owned)"
check "its saving" says best.html "$(grep -iE "keeping KV" text | head -1)"
check "today" says best.html "$(grep -E "^(Against t|T)oday's servers" text)"
check "the bill's sum" says best.html "<tr class=sum><td>sum</td>"
check "the promise in words" says best.html "99 in 100 are no slower"
check "the promise as a line" says best.html "promised: at most 1.00 s"
for title in "Cost against speed" "The same servers under other loads" "If a price changes"; do
    check "a picture: $title" says best.html "$title"
done
check "no map with holes" silent best.html "crossed out"
"$reprise" "${size[@]}" --slo ttft_p99=1s --today gpus=2 --report again.html >/dev/null 2>&1
check "the same again" [ "$(sed 's/again.html/best.html/; s/as sweep [0-9]*//' again.html)" = "$(sed 's/as sweep [0-9]*//' best.html)" ]

# ---- all cells run ----
"$reprise" "${size[@]}" --slo ttft_p99=1s --exhaustive --report heat.html >text 2>stderr
whole heat.html
keeps=$(sed -n '/^recommended/{n;p}' text)
case $keeps in
*"no KV kept"* | *"HBM only"*) ;;
*) check "a map of all cells" says heat.html "crossed out" ;;
esac

# ---- nothing keeps it; another metric; another currency ----
"$reprise" "${size[@]}" --slo ttft_p99=1us --report none.html >text 2>stderr
check "nothing keeps it" [ $? -eq 1 ]
whole none.html
check "it says so" says none.html "NO POINT KEEPS THE PROMISES"
check "and buys nothing" silent none.html "<p class=answer>Buy"
check "with the nearest" says none.html "$(sed -n '/^NO POINT/{n;s/^ *//;p}' text)"
check "and what is left to do" says none.html "server"
check "another metric" "$reprise" "${size[@]}" --slo tbt_p99=10s --price currency=EUR --price per_usd=0.92 \
    --report other.html >text 2>stderr
whole other.html
check "is the line" says other.html "promised: at most 10.0 s"
check "and the axis" says other.html "TBT P99"
check "sums in euros" says other.html "EUR a month"
check "and in no dollars" silent other.html '$'

check "a share" "$reprise" "${size[@]}" --slo goodput=10% --objective usd_per_month --report share.html >text 2>stderr
whole share.html
check "is the line too" says share.html "promised: at least 10.00 %"
check "with its ticks" says share.html ">100 %<"
check "the cheapest a month" says share.html "The cheapest in \$ a month"

# ---- no reuse to be told of ----
printf 'TIMESTAMP,ContextTokens,GeneratedTokens\n' >azure.csv
for i in $(seq 0 59); do printf '2023-11-16 18:%02d:00.0000000,800,100\n' "$i" >>azure.csv; done
check "a trace without sessions" "$reprise" size -m llama-3-8b -H h100 -t azure.csv --slo ttft_p99=5s \
    --vary cluster.replicas=1,2 --vary gpus=1 --db azure.db --report azure.html >text 2>stderr
whole azure.html
check "cannot tell" says azure.html "Whether keeping KV pays cannot be told from this file"
check "and does not" silent azure.html "DOES NOT PAY"

# ---- hostile names ----
name="x<script>alert(1)<!--'\"&"
cp "$source/models/llm/llama-3-8b.yaml" "$name.yaml"
check "a hostile name" "$reprise" "${size[@]}" -m "./$name.yaml" --slo ttft_p99=1s \
    --price "currency=<b onclick='x'>\`touch broken\`" --report hostile.html >/dev/null 2>stderr
whole hostile.html
check "is no element" silent hostile.html "<script"
check "nor its currency" silent hostile.html "<b onclick"
check "nor run" [ ! -e broken ]
check "but is there" says hostile.html "x&lt;script&gt;alert(1)&lt;!--'&quot;&amp;"

# ---- what cannot be written ----
"$reprise" "${size[@]}" --slo ttft_p99=1s --report no/such/folder.html >/dev/null 2>stderr
check "no such folder" [ $? -eq 3 ]
GNUPLOT=no-such-program "$reprise" "${size[@]}" --slo ttft_p99=1s --report half.html >/dev/null 2>stderr
check "no gnuplot" [ $? -eq 3 ]
check "leaves no half page" [ ! -e half.html ]

all_passed
