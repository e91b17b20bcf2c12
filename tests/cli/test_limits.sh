#!/usr/bin/env bash
# tests/cli/test_limits.sh REPRISE SAMPLES - whatever the system allows too little of (ulimit), a command does all
# that it was asked, or says what it lacks and exits with 3: it neither dies of a signal, nor hangs, nor leaves half of
# anything.
set -u
. "$(dirname "$0")/../checks.sh"
reprise=$1
samples=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

small=(--set workload.sessions=6 --set warmup_turns=0)
sized=(size -m llama-3-8b -H h100 "${small[@]}" --slo ttft_p99=20s --vary gpus=1 --vary policy=lru
    --vary tiers.dram.capacity=0 --vary cluster.replicas=1 --vary ssd.drives=0 --db d.db)
measured=(calibrate --layers 1 --hidden 64 --vocabulary 64 --window 64 --batch 2 --repeats 2 --hbm 4MB --dram 1MB
    --ssd 4MB --ssd-read 0 --ssd-write 0 --db d.db)
starting=() # before the program: as another user
under() { # LIMITS ARGUMENT...
    rm -rf made && mkdir made && chmod 777 made && cp whole.db made/p.db
    got=$(cd made && ${starting[@]+"${starting[@]}"} timeout -k 5 60 bash -c "$1"'; exec "$@"' limited "$reprise" "${@:2}" 2>../err)
    code=$?
}
declare -A whole # what each says without limits; replay's last column is the time it took
said() { sed 's/ *[0-9.]*$//' <<<"$got"; }
# All of it, or a word: and a database that is whole. A file that was not finished has a name with a random end.
holds() { # LIMITS ARGUMENT...
    local left
    if [ -z "${whole[${*:2}]+known}" ]; then
        under : "${@:2}"
        whole[${*:2}]=$(said)
        [ $code -eq 0 ] || { echo "exit code $code: $(cat err)"; return 1; }
    fi
    under "$@"
    left=$(cd made && find . -type f ! -name '?.db' ! -name '?.db-wal' ! -name '?.db-shm')
    [ ! -e made/d.db ] || [ "$(sqlite3 made/d.db 'PRAGMA integrity_check')" = ok ] || return 1
    case $code in
    0) [ "$(said)" = "${whole[${*:2}]}" ] || { diff <(echo "${whole[${*:2}]}") <(said) | head -5; return 1; } ;;
    3) grep -q '^reprise: .*' err && [ -z "$left" ] || { echo "left: $left, said: $(cat err)"; return 1; } ;;
    127) grep -q 'error while loading shared libraries' err || return 1 ;; # the loader's, before the program began
    *) echo "exit code $code: $(cat err)"; return 1 ;;
    esac
}
ends() { # CODE WORDS LIMITS ARGUMENT...
    under "${@:3}"
    [ $code -eq "$1" ] && grep -q -e "$2" err || { echo "exit code $code: $(cat err)"; return 1; }
}
all() { # LIMITS
    check "$1: sim" holds "$1" sim "${small[@]}" -p lru,none --db d.db
    check "$1: sweep" holds "$1" sweep "${small[@]}" --vary gpus=1,2 --db d.db
    check "$1: size" holds "$1" "${sized[@]}"
    check "$1: replay" holds "$1" replay "$samples/mooncake_delta.jsonl" --blocks 100
    check "$1: trace gen" holds "$1" trace gen t.jsonl --set workload.sessions=200
    check "$1: trace convert" holds "$1" trace convert "$samples/example.jsonl" t.csv --to session-csv --lossy
    check "$1: trace info" holds "$1" trace info "$samples/example.jsonl"
}

"$reprise" sim "${small[@]}" -p lru,none --db whole.db >/dev/null 2>&1
chmod 666 whole.db
sanitized=$(grep -ac __asan_init "$reprise")

# ---- memory: a sanitizer wants terabytes of addresses ----
if [ "$sanitized" -eq 0 ]; then
    for kib in 16000 24000; do all "ulimit -v $kib"; done
    under "ulimit -v 120000" sim "${small[@]}" --db d.db
    check "a simulation runs in 120 MB of addresses" [ $code -eq 0 ]
    check "computing says that there is too little for OpenBLAS" \
        ends 3 'cannot start OpenBLAS with .*Cannot allocate memory' "ulimit -v 120000" "${measured[@]}"
    under "ulimit -v 120000" doctor
    check "doctor goes on" [ $code -eq 0 ]
    check "and says so" grep -q '^backend host *no: cannot start OpenBLAS' <<<"$got"
    # A trace that is held whole, and has no room: told before it is taken, with its file, how far it came, and the way on.
    awk 'BEGIN { print "TIMESTAMP,ContextTokens,GeneratedTokens"; for (i = 0; i < 600000; i++)
        printf "2023-11-16 %02d:%02d:%02d.%06d,9,9\n", i / 36000, i / 600 % 60, i / 10 % 60, i % 10 * 1e5 }' >many.csv
    check "a trace to be sorted that does not fit is told" ends 3 \
        'many.csv: cannot hold all of it in memory: .* after [1-9][0-9]* % of the file, .* needs no --sort' \
        "ulimit -v 100000" trace info ../many.csv --sort
    under "ulimit -v 100000" trace info ../many.csv
    check "and unsorted it is read" [ $code -eq 0 ]
fi

# ---- files: how large, how many ----
for kib in 8 100; do all "ulimit -f $kib"; done
check "a database that may not grow is told" ends 3 'd.db: cannot write' "ulimit -f 40" sim "${small[@]}" --db d.db
check "a trace that may not grow is told, and not there" holds "ulimit -f 8" trace gen t.jsonl --set workload.sessions=2000
check "with its reason" grep -q 't.jsonl: cannot write: File too large' err
check "an SSD tier that may not be as large is told" ends 3 'File too large' "ulimit -f 1000" "${measured[@]}"
for number in 4 6; do all "ulimit -n $number"; done

# ---- stacks ----
check "a stack that may be raised is: sim" holds "ulimit -Ss 64" sim "${small[@]}" -p lru,none --db d.db
check "a stack that is too small is told" ends 3 'cannot run with a stack of 128 KiB' "ulimit -s 128" sim "${small[@]}" --db d.db

# ---- time ----
check "CPU time that is used up is told" ends 3 'the CPU time that .* allows is used up' \
    "ulimit -St 1" sim --set workload.sessions=1000000 --no-db

# ---- threads: root may start as many as it likes ----
chmod 755 "$folder"
if [ "$(id -u)" -eq 0 ]; then
    starting=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # whose search is a thread
under : --version
if [ $code -eq 0 ]; then
    for command in "sim ${small[*]} --db d.db" "sweep ${small[*]} --vary gpus=1,2 --db d.db" "${measured[*]}"; do
        # shellcheck disable=SC2086
        check "no thread: ${command%% *}" ends 3 'cannot start .*Resource temporarily unavailable' "ulimit -u 1" $command
    done
else
    echo "skipped: threads (another user cannot start $reprise)"
fi
starting=()

# ---- pictures: gnuplot passes over failing writes ----
printf '#!/bin/sh\nexec printf "half a picture" >overview.png\n' >gnuplot
chmod +x gnuplot
export GNUPLOT=$folder/gnuplot
check "half a picture is none" ends 3 'cut short' : plot --db p.db -o pictures
check "and is not given" [ ! -e made/pictures/overview.png ]
unset GNUPLOT
if command -v gnuplot >/dev/null; then
    check "nor is one that may not grow" ends 3 'gnuplot: cannot draw: File size limit exceeded' \
        "ulimit -f 40" plot --db p.db -o pictures
    check "and none of them is given" [ -z "$(find made/pictures -type f)" ]
else
    echo "skipped: pictures (no gnuplot here)"
fi
all_passed 40
