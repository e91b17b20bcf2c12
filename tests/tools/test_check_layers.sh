#!/usr/bin/env bash
# tools/check-layers: the tree passes, and each include that may not be is told by its line.
#   test_check_layers.sh SOURCE
set -u
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tree=$folder/tree
passed=0 failed=0
report() { # STATUS WHAT
    if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $2"; fi
}

# The headers alone, so that what the table names is there; planted files go beside them.
mkdir -p "$tree/tools"
(cd "$source" && find . -name build -prune -o -name .git -prune -o -name '*.h' -exec cp --parents {} "$tree" \;)
cp "$source/tools/layers" "$source/tools/check-layers" "$tree/tools/"

"$source/tools/check-layers" "$source" >"$folder/out"
report $? "the tree does not pass: $(head -3 "$folder/out")"
"$tree/tools/check-layers" >"$folder/out"
report $? "the copy does not pass: $(head -3 "$folder/out")"

# All are planted, then asked for at once: each of the second kind has one line of the answer, those of the first none.
planted=0 expected=
plant() { # FILE INCLUDED: the file's name gets a number of its own
    planted=$((planted + 1))
    file=${1%/*}/${planted}_${1##*/}
    mkdir -p "$tree/$(dirname "$file")"
    printf '/* planted */\n#include "base/error.h"\n#include "%s"\n' "$2" >"$tree/$file"
}
takes() { # FILE INCLUDED
    plant "$@"
}
refuses() { # FILE INCLUDED SENTENCE
    plant "$1" "$2"
    expected+="$file:3: includes $2: $3"$'\n'
}

refuses sim/engine/x.c sim/links.h "sim/engine may not know virtual time"
refuses sim/engine/x.h runtime/serve.h "sim/engine may not know real time"
refuses sim/engine/x.c base/clock.h "not for sim/engine"
refuses sim/placement/x.c sim/sim.h "sim/placement may not know virtual time"
refuses sim/placement/x.c base/clock.h "not for sim/placement"
refuses sim/x.c sim/placement/core.h "private to sim/placement"
refuses sim/x.c runtime/backend.h "sim may not know real time"
refuses validate/store/x.c runtime/iterations.h "validate/store may not know real time"
refuses validate/store/x.c validate/comparison.h "validate/store may not know the simulator beside real runs"
refuses validate/store/x.c sim/links.h "validate/store may not know virtual time"
refuses validate/paper/x.c runtime/executor.h "validate/paper may not know real time"
refuses sweep/x.c validate/store/sql.h "private to validate/store"
refuses plots/x.c validate/comparison.h "plots may not know the simulator beside real runs"
refuses runtime/cuda/x.cu sweep/sweep.h "runtime may not know sweeps and searches"
refuses base/x.c models/models.h "base may not know models and hardware"
refuses cli/x.c sim/links.h "private to sim"
refuses cli/x.c nowhere/x.h "a folder without a row in tools/layers"

takes sim/engine/x.c sim/placement/placement.h
takes runtime/cuda/x.cu runtime/host/host.h
takes runtime/x.c base/clock.h
takes tests/sim/x.c sim/placement/core.h

"$tree/tools/check-layers" >"$folder/out"
[ $? -eq 1 ] && [ "$(sort "$folder/out")" = "$(printf %s "$expected" | sort)" ]
report $? "of $planted files another answer: $(diff <(sort "$folder/out") <(printf %s "$expected" | sort) | head -20)"
find "$tree" -name '[0-9]*_x.*' -delete

# No permission outlives its header.
rm "$tree/sim/replay/bound.h"
"$tree/tools/check-layers" >"$folder/out"
[ $? -eq 1 ] && grep -qE '^tools/layers:[0-9]+: sim/replay/bound.h is not there$' "$folder/out"
report $? "a header that is gone may be included: $(cat "$folder/out")"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
