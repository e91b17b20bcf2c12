#!/usr/bin/env bash
# tests/cli/test_listed.sh REPRISE SOURCE_FOLDER - whatever the program lets a user name is in the page that
# says what it is: a new one comes with its row, and each command with its --help.
set -u
reprise=$1 docs=$2/docs readme=$2/README.md
passed=0 failed=0
listed() { # NAME FILE...: some cell or text of the file has it in backquotes, alone or behind "reprise"
    local name=$1
    shift
    if grep -qE "\`(reprise )?$name[ \`]" "$@"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $name is not in $*"
    fi
}

for command in $("$reprise" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
    listed "$command" "$readme"
    "$reprise" "$command" --help | grep -q "^Usage: reprise $command"
    if [ $? -eq 0 ]; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $command --help"
    fi
done
# A letter stands for one option: the first that has it would hide the other.
for command in $("$reprise" --help | sed -nE 's/^  ([a-z]+) .*/\1/p') $("$reprise" trace --help | sed -nE 's/^  ([a-z]+) .*/trace:\1/p'); do
    twice=$("$reprise" ${command/:/ } --help | grep -oE "^  -[a-zA-Z]" | sort | uniq -d)
    if [ -z "$twice" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: ${command/:/ } --help has two options$twice"
    fi
done
# Policies, then presets: both indented under their headings.
for policy in $("$reprise" models --policies | sed -nE 's/^  ([^ ]+) .*/\1/p'); do
    listed "$policy" "$docs/policies.md"
done
for format in $(sed -nE 's/^    X\(([a-z_]+)\).*/\1/p' "$2/traces/format.h" | tr _ -); do
    listed "$format" "$docs/workload.md"
done
for backend in $("$reprise" doctor | sed -nE 's/^backend ([a-z]+) .*/\1/p'); do
    grep -qi "^## The $backend backend" "$docs/runtime.md"
    if [ $? -eq 0 ]; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $backend has no chapter in $docs/runtime.md"
    fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 60 ]
