#!/usr/bin/env bash
# The store is SQLite and zstd alone: a program of it and nothing else holds nothing of the runtime, and
# asks the loader for none of its libraries. The same look at reprise itself finds them: it can see.
#   test_alone.sh STORE_ALONE REPRISE
set -u
unwanted='openblas|uring|libcuda|libcublas|libmpi|libgsl'
linked() { ldd "$1" | grep -Eo "$unwanted" | sort -u; }
# Names of the backends' v-tables and of CUDA's runtime, which is linked statically.
held() { nm "$1" | grep -E ' [TtDdRrBb] (backend_|serve_run|cuda[A-Z]|executor_)' | head -3; }

if [ -n "$(linked "$1")" ] || [ -n "$(held "$1")" ]; then
    echo "the store alone links: $(linked "$1") $(held "$1")"
    exit 1
fi
if [ -z "$(linked "$2")" ] || [ -z "$(held "$2")" ]; then
    echo "this test sees nothing in $2 either"
    exit 1
fi
