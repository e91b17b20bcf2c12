#!/usr/bin/env bash
# tests/sim/placement/test_check_floors.sh CHECK_FLOORS COMPILER - tools/check-floors lets calls downwards pass
# and refuses all others, and files that are on no floor.
set -u
check=$1 compiler=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failed=0

echo 'int low(void); int low(void) { return 1; }' >low.c
echo 'int low(void); int mid_a(void); int mid_a(void) { return low(); }' >mid_a.c
echo 'extern const int table; int mid_b(void); int mid_b(void) { return table; }' >mid_b.c
echo 'int mid_a(void); int mid_b(void); int top(void); int top(void) { return mid_a() + mid_b(); }' >top.c
echo 'extern const int table; const int table = 3;' >table.c
for file in low mid_a mid_b top table; do "$compiler" -c $file.c -o $file.c.o || exit 1; done
ar rc all.a low.c.o mid_a.c.o mid_b.c.o top.c.o table.c.o

# expect CODE TEXT LINE...: check-floors of a header with these lines ends so and says that.
expect() {
    local code=0 want=$1 text=$2
    shift 2
    printf ' *   %s\n' "$@" >floors.h
    "$check" floors.h all.a >said 2>&1 || code=$?
    if [ $code -ne "$want" ] || [[ $(<said) != *"$text"* ]]; then
        failed=1
        echo "FAILED: exit code $code, not $want, or not \"$text\", of:"
        cat floors.h said
    fi
}

expect 0 '' '3. top.c what is called by the driver' '2. mid_*.c' '1. low.c table.c'
expect 1 'mid_a.c (floor 1) uses low of low.c (floor 2)' '3. top.c' '2. low.c mid_b.c' '1. mid_a.c table.c'
expect 1 'top.c (floor 2) uses mid_a of mid_a.c (floor 2)' '2. top.c mid_a.c mid_b.c' '1. low.c table.c'
expect 1 'mid_b.c (floor 2) uses table of table.c (floor 3)' '3. top.c table.c' '2. mid_*.c' '1. low.c'
expect 1 'table.c is on no floor' '3. top.c' '2. mid_*.c' '1. low.c'
expect 1 'matches no file' '3. top.c' '2. mid_*.c' '1. low.c table.c gone.c'
exit $failed
