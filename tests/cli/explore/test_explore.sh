#!/usr/bin/env bash
# tests/cli/explore/test_explore.sh REPRISE - the command itself: its address, a run as `sim` runs it, its end.
set -u
reprise=$1
. "$(dirname "$0")/../../checks.sh"
folder=$(mktemp -d)
trap '[ -n "${server:-}" ] && kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset DISPLAY WAYLAND_DISPLAY # no browser opens

# SIGINT is ignored in jobs that a script starts: a shell of their own takes that back.
start() { # OPTION...
    : >address
    set -m
    "$reprise" explore "$@" >address 2>log &
    server=$!
    set +m
    for _ in $(seq 200); do
        [ -s address ] && break
        sleep 0.05
    done
    url=$(cat address)
    port=$(sed -E 's|http://127.0.0.1:([0-9]+)/.*|\1|' address)
}
ask() { # METHOD PATH BODY: the answer's body
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf '%s /%s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
        "$1" "${url#*//*/}$2" "$port" "${#3}" "$3" >&3
    sed '1,/^\r$/d' <&3
    exec 3<&-
}
metrics() { tr -d ' \n' | grep -oE '"metrics":\{[^}]*\}' | head -1; }

# ---- what is refused before anything is served ----
check "a port is a number up to 65535" exits 2 "$reprise" explore --port 70000
check "an experiment that is wrong" exits 2 "$reprise" explore --set gpus=0
check "is told by its key" grep -q gpus err
check "a file that is not there" exits 3 "$reprise" explore -c no.yaml
check "an argument" exits 2 "$reprise" explore here

# ---- a run is sim's, in the same bytes ----
cat >mine.yaml <<'YAML'
workload: {sessions: 300, sessions_per_s: 0.4}
warmup_turns: 50
YAML
start --no-browser -c mine.yaml --set policy=lru
check "an address with a token" grep -qE '^http://127\.0\.0\.1:[0-9]+/[0-9a-f]{32}/$' address
check "a word on its end" grep -q "Ctrl-C" log
check "the experiment is what it begins with" grep -qF '"set":{"warmup_turns":"50","policy":"lru","workload.sessions":"300","workload.sessions_per_s":"0.4"}' <(ask GET api/start "")
ask POST api/run '{"slot":"a","curves":true,"set":{"warmup_turns":"50","policy":"lru","workload.sessions":"300","workload.sessions_per_s":"0.4"}}' >page.json
"$reprise" sim -c mine.yaml --policy lru --no-db --json >sim.json 2>/dev/null
check "there are metrics" [ "$(metrics <page.json | wc -c)" -gt 2000 ]
check "and they are sim's, byte for byte" [ "$(metrics <page.json)" = "$(metrics <sim.json)" ]

# ---- and so are its words, and those of two beside each other ----
all_said_in() { # FILE: every sentence of the JSON on stdin stands in it
    tr -s ' \n' ' ' <"$1" >said
    grep -oE '"sentence":"([^"\\]|\\.)*"' | sed -E 's/^"sentence":"(.*)"$/\1/; s/\\"/"/g' >sentences
    while IFS= read -r sentence; do
        grep -qF -- "$sentence" said || { echo "not said: $sentence"; return 1; }
    done <sentences
}
"$reprise" sim -c mine.yaml --policy lru --no-db >sim.txt 2>/dev/null
check "a run's words are sim's" all_said_in sim.txt <page.json
check "and there are some" grep -qF "the first token comes after" sentences
ask POST api/compare '{"sets":[{"warmup_turns":"50","policy":"lru","workload.sessions":"300","workload.sessions_per_s":"0.4"},{"warmup_turns":"50","policy":"none","workload.sessions":"300","workload.sessions_per_s":"0.4"}]}' >two.json
"$reprise" sim -c mine.yaml --policy lru,none --no-db >sim.txt 2>/dev/null
check "two's words are sim's" all_said_in sim.txt <two.json
check "with a verdict" grep -qE "^(lru|none) is (best|lowest)" sentences
check "a second one on its port" exits 3 "$reprise" explore --no-browser --port "$port"
check "is told why" grep -q "127.0.0.1:$port: cannot listen" err

# ---- without options: what ./setup runs ----
kill -INT "$server"
wait "$server"
start --no-browser
check "without options it begins with the first example" grep -qF '"workload.sessions":"12000"' <(ask GET api/start "")

# ---- its end, with a run under way that would take minutes ----
exec 4<>"/dev/tcp/127.0.0.1/$port"
long='{"slot":"a","set":{"workload.sessions":"9000000","warmup_turns":"0"}}'
printf 'POST /%sapi/run HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
    "${url#*//*/}" "$port" "${#long}" "$long" >&4
for _ in $(seq 200); do
    ask POST api/progress "{}" | grep -q '"a":{"running":true' && break
    sleep 0.05
done
check "a long run is under way" grep -q '"a":{"running":true' <(ask POST api/progress "{}")
began=$SECONDS
kill -INT "$server"
wait "$server"
check "Ctrl-C ends it with 0" [ $? -eq 0 ]
check "at once" [ $((SECONDS - began)) -le 5 ]
server=

# ---- a browser, where there is a screen ----
mkdir bin
cat >bin/xdg-open <<'SH'
#!/bin/sh
echo "$1" >"$OPENED.argument"
stat -c %a "$(dirname "$1")" >"$OPENED.mode"
cp "$1" "$OPENED"
SH
chmod +x bin/xdg-open
export OPENED=$folder/opened
PATH="$folder/bin:$PATH" DISPLAY=:9 start -c mine.yaml
for _ in $(seq 100); do
    [ -s opened ] && break
    sleep 0.05
done
check "a browser is opened" [ -s opened ]
check "with a file that leads to the address" grep -qF "$url" opened
check "which is nobody else's" grep -qx 700 opened.mode
check "and not with the token, which others could read" bash -c '! grep -q "[0-9a-f]\{32\}" opened.argument'
kill -INT "$server"
wait "$server"
server=
check "the file is gone at the end" [ ! -e "$(cat opened.argument)" ]
rm opened*
PATH="$folder/bin:$PATH" DISPLAY=:9 start -c mine.yaml --no-browser
sleep 0.3
check "nor is one opened when not wanted" [ ! -e opened.argument ]
kill -INT "$server"
wait "$server"
server=

all_passed
