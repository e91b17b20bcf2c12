# tests/checks.sh - for scripts that source it: counts what holds and what does not.
#   . "$(dirname "$0")/../checks.sh"
passed=0 failed=0

check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}
# What it prints is in out and err, here.
exits() { # STATUS COMMAND...
    local status=$1
    shift
    "$@" >out 2>err
    [ $? -eq "$status" ]
}
# The script's last word: how many; whether all, of which there must be at least so many.
all_passed() { # [LEAST]
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -ge "${1:-1}" ]
}
