# tests/runtime/calibrate.sh - for scripts that source it, with expect_code: calibrate refuses to fit what others on
# the machine disturbed, as it should; tests run beside each other, so it is asked again, a few times.
calibrated() { # OPTION...
    for _ in 1 2 3 4; do
        "$reprise" calibrate "$@" >out.txt 2>err.txt && return
        grep -q 'the machine was busy with something else' err.txt || break
    done
    expect_code 0 "$reprise" calibrate "$@"
}
