#!/usr/bin/env bash
# tests/cli/test_startup.sh REPRISE - what computing, MPI, a disk or a page want is loaded by who wants it: no
# other command waits for it, needs it or fails with it.
set -u
. "$(dirname "$0")/../checks.sh"
reprise=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

unwanted='openblas|gfortran|libmpi|open-rte|libcuda|cublas|reprise-|stdc\+\+|uring|microhttpd|gnutls'
# The files that the loader opens for a command, however deep.
loaded() { # COMMAND...
    LD_DEBUG=files LD_DEBUG_OUTPUT=$folder/loader "$@" >out 2>err
    cat loader.* | sed -n 's/.*calling init: //p' | sort -u
    rm -f loader.*
}
loads_none() { ! loaded "$@" | grep -E "$unwanted"; }
loads() { # LIBRARY COMMAND...
    loaded "${@:2}" | grep -F "$1" >/dev/null
}

if grep -aq __asan_init "$reprise"; then
    unwanted=${unwanted/|stdc\\+\\+/} # the sanitizers' own
fi
needs_none() { ! readelf -d "$reprise" | grep NEEDED | grep -E "$unwanted"; }
check "the program needs none of them" needs_none
small=(--set workload.sessions=4 --set warmup_turns=0)
check "--version loads none" loads_none "$reprise" --version
check "sim loads none" loads_none "$reprise" sim "${small[@]}" --db sim.db
check "and has run" grep -q '[0-9]' out
check "sweep loads none" loads_none "$reprise" sweep "${small[@]}" --vary gpus=1,2 --db sim.db
check "size loads none" loads_none "$reprise" size "${small[@]}" --vary gpus=1,2 --db sim.db
check "models loads none" loads_none "$reprise" models
# The same look at who wants them finds them.
check "doctor loads OpenBLAS" loads libopenblas "$reprise" doctor
check "and tells it" grep -q '^backend host  *yes: host, fp32, OpenBLAS' out
if grep -q '^MPI  *[^n]' out; then
    check "doctor loads MPI by its module" loads reprise-mpi.so "$reprise" doctor
fi
all_passed 9
