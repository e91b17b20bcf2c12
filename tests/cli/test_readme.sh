#!/usr/bin/env bash
# tests/cli/test_readme.sh REPRISE SOURCE_FOLDER - a reader may paste what the README shows: every `reprise`
# line of its sh blocks ends with exit code 0, in order, beside the README's own my.yaml.
set -u
reprise=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
ln -s "$source/traces" traces && ln -s "$source/tests" tests && ln -s "$source/docs" docs
mkdir bin && ln -s "$reprise" bin/reprise
PATH="$folder/bin:$PATH"
sed -n '/^```yaml$/,/^```$/p' "$source/README.md" | grep -v '^```' >my.yaml
# "tag:slow" in a line's comment: shown, but too long for a test.
sed -n '/^```sh$/,/^```$/p' "$source/README.md" | grep -E '^(reprise|sqlite3) ' | grep -v 'tag:slow' >lines
passed=0 failed=0
while IFS= read -r line; do
    case $line in sqlite3*) command -v sqlite3 >/dev/null || continue ;; *plot*) command -v gnuplot >/dev/null || continue ;; esac
    if bash -c "$line" >stdout 2>stderr </dev/null; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $line"
        sed 's/^/    /' stderr | head -5
    fi
done <lines
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 5 ]
