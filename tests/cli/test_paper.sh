#!/usr/bin/env bash
# tests/cli/test_paper.sh REPRISE SOURCE - `reprise paper` as a user meets it: table, pictures, a page that
# needs nothing else, exit codes; the same numbers on one thread and on two.
set -u
reprise=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failed=0

holds() { # WHAT COMMAND...
    local what=$1
    shift
    if ! "$@" >/dev/null; then
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}

"$reprise" paper 19 20 reference --out out >stdout 2>stderr
holds "ends well" [ $? -eq 0 ]
holds "a published number beside ours" grep -qE '19 +prefill time saved, read buffer of 15 layers +61.0 % +[0-9.]+ %' stdout
holds "a range" grep -q '13-15 %' stdout
for file in figure19.png figure19.svg figure20.png figure20.svg index.html paper.db; do
    holds "out/$file" [ -s "out/$file" ]
done
holds "no script, style, picture or font from elsewhere" \
    bash -c "! grep -qE '(src|href|url)[=(]\"?.?(https?:|//)|<script|<link|<img' out/index.html"
holds "both pictures are in the page" [ "$(grep -c '</svg>' out/index.html)" -eq 2 ]
missed=$(grep -c '<tr class=miss>' out/index.html)
holds "misses are counted on top and marked, as in the table" \
    bash -c "grep -q '^<p class=count>$missed of [0-9]* published numbers are missed' out/index.html && \
        grep -q '^$missed of [0-9]* published numbers are missed' stdout && \
        [ \$(grep -cE ' (NO|\(NO\))\$' stdout) -eq $missed ]"
holds "what is open is on the page" grep -q 'think_time.mean' out/index.html

"$reprise" paper 19 20 reference --jobs 1 --out out >one 2>stderr
"$reprise" paper 19 20 reference --jobs 2 --out out >two 2>stderr
holds "the same on one thread and on two" cmp -s one two
"$reprise" paper 19 --out out --db five.db >stdout 2>stderr
holds "runs are in the database" "$reprise" plot --db five.db --out plots

"$reprise" paper 18 --out out >stdout 2>stderr
holds "an unknown figure is refused with 2" [ $? -eq 2 ]
holds "and named" grep -q 'found "18"' stderr
"$reprise" paper 19 --out "$folder/stdout/sub" >/dev/null 2>stderr
holds "a folder that cannot be made is told with 3" [ $? -eq 3 ]
"$reprise" paper --list >stdout 2>stderr
holds "parts are listed" grep -q '^controls' stdout

# One session has no history to find: that each tier adds hits cannot hold.
mkdir data && sed 's/sessions: 9000/sessions: 1/; s/warmup_turns: 10000/warmup_turns: 0/' \
    "$source/validate/paper/paper.yaml" >data/paper.yaml
REPRISE_PAPER=data "$reprise" paper 24 --out out >stdout 2>stderr
holds "a check that fails gives 1" [ $? -eq 1 ]
holds "and is shown" grep -q '^FAIL' stdout
sed -i 's/falcon-40b: 90}/falcon-40b: high}/' data/paper.yaml
REPRISE_PAPER=data "$reprise" paper 13 --out out >stdout 2>stderr
holds "a faulty paper.yaml is refused with 2" [ $? -eq 2 ]
holds "by its line" grep -qE 'paper.yaml:[0-9]+: figure13.hit_rate.falcon-40b' stderr

[ "$failed" -eq 0 ] && echo "all held"
exit "$failed"
