#!/usr/bin/env bash
# tests/sweep/lessons/test_learn_seeds.sh REPRISE - what lessons say is not one seed's luck: with others, which draw other
# conversations, no sentence is wrong. (The first seed is the test learn's.) Of the turn that a lesson looks at nothing
# is said there, and it must be said so.
set -u
reprise=$1
failed=0 asked=0
for seed in 2 3 4; do
    for lesson in 1 2 3 4 5 6 7 8; do
        said=$("$reprise" lesson $lesson --set workload.seed=$seed --no-picture) || { echo "FAILED: lesson $lesson: exit code"; failed=1; }
        asked=$((asked + $(grep -c '^- ' <<<"$said")))
        grep -q "None of its sentences is wrong for this run" <<<"$said" || {
            failed=1
            echo "FAILED: lesson $lesson, seed $seed:"
            sed -n '/NOT hold/,/These sentences/p' <<<"$said"
        }
    done
done
echo "$asked sentences"
[ $failed -eq 0 ] && [ $asked -gt 200 ]
