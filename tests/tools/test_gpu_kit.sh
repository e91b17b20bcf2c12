#!/usr/bin/env bash
# tests/tools/test_gpu_kit.sh SOURCE BUILD - the kit for a bare GPU machine: made from this build, unpacked elsewhere
# and run with an empty environment; then its driver alone, with steps that do what steps can do to it.
set -euo pipefail
source=$1 build=$2
folder=$(mktemp -d)
trap 'umount "$folder/tiny" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "failed: $1" >&2
    [ ! -e out.txt ] || tail -n 40 out.txt >&2
    exit 1
}
expect_code() { # CODE COMMAND...
    local code=0
    "${@:2}" >out.txt 2>&1 </dev/null || code=$?
    [ $code -eq "$1" ] || fail "exit code $code, not $1: ${*:2}"
}
bare() { env -i "$(command -v bash)" "$@"; }

# ---- made ----
expect_code 0 "$source/tools/gpu-kit" "$build" kit.tar.gz
grep -o '[0-9]* MB.*' out.txt
[ "$(stat -c %s kit.tar.gz)" -le 40000000 ] || fail "over 40 MB"
expect_code 2 "$source/tools/gpu-kit" "$folder"
expect_code 2 "$source/tools/gpu-kit" --no-such
tar xzf kit.tar.gz
kit=$folder/reprise-gpu-kit

# Opened, not linked: the program would start without them and compute nothing.
[ -e "$kit/lib/libopenblas.so.0" ] || fail "the kit has no OpenBLAS"
grep -q '^cuda no' "$kit/KIT" || [ -e "$kit/bin/reprise-cuda.so" ] || fail "the kit has no CUDA backend"

# ---- run, with nothing set ----
since=$SECONDS
if ! grep '^backend cuda *yes' <("$build/cli/reprise" doctor) >/dev/null; then
    expect_code 77 bare "$kit/run" -o none
    [ $((SECONDS - since)) -lt 30 ] || fail "no GPU is told after $((SECONDS - since)) s"
    grep -q '^no GPU: ' none/summary.txt || fail "it does not say that there is no GPU"
fi
mkdir "a disk" # named from here, while steps run elsewhere
expect_code 0 bare "$kit/run" -o cpu -d "a disk" cpu
cat cpu/summary.txt
! grep -E 'EXIT CODE|FAILED|missed|STOPPED|left out' cpu/summary.txt || fail "not all steps of the processor are well"
tar xzf cpu/results.tar.gz
for file in summary.txt host-numerics.txt steps.tsv calibration/here.yaml host-loop.csv measured.db; do
    [ -s "$file" ] || fail "no $file in the results"
done
expect_code 0 bare "$kit/reprise" sim -m llama-3-8b --no-db -p lru
expect_code 0 bare "$kit/reprise" lesson 7 --no-picture # of which the kit has files, but no gnuplot
expect_code 0 bash -c "cd / && ln -s $kit/reprise $folder/link && env -i $folder/link --help"

# ---- what is written ----
expect_code 2 bare "$kit/run" -o cpu facts
grep -q 'holds the results of an earlier run' out.txt || fail "results of an earlier run are written over"
expect_code 0 bash -c "cd '$folder' && env -i bash '$kit/run' facts && env -i bash '$kit/run' facts"
[ -s reprise-gpu/results.tar.gz ] && [ -s reprise-gpu-2/results.tar.gz ] || fail "a second run has no folder of its own"
if [ "$(id -u)" -eq 0 ] && mkdir tiny && mount -t tmpfs -o size=16k none tiny 2>/dev/null; then
    dd if=/dev/zero of=tiny/filler bs=1k count=12 2>/dev/null
    expect_code 3 bare "$kit/run" -o tiny/out facts
    left=$(sed -n 's/.*the results are left in //p' out.txt)
    [ -s "$left/facts.txt" ] || fail "results that cannot be written are lost"
    rm -rf "${left%/results}"
    expect_code 3 "$source/tools/gpu-kit" "$build" tiny/kit.tar.gz
    [ ! -e tiny/kit.tar.gz.part ] || fail "half an archive is left"
    umount tiny
fi

# ---- usage ----
expect_code 2 bare "$kit/run" -o bad no-such-step
grep -q 'gpu, sanitizers, profiles, cpu or a step' out.txt || fail "plans are not named"
expect_code 2 bare "$kit/run" validate-nowhere-50
expect_code 2 bare "$kit/run" -t soon
expect_code 2 bare "$kit/run" -d /no/such/folder
expect_code 3 bare "$kit/run" -o /proc/no facts
expect_code 0 bare "$kit/run" list
grep -qx calibrate out.txt || fail "steps are not listed"
expect_code 0 bare "$kit/run" --help
expect_code 0 sh "$kit/run" -h
grep -q 'results.tar.gz' out.txt || fail "results are not explained"

# ---- a machine that cannot ----
sed -i.kept 's/^glibc .*/glibc 9.99/' "$kit/KIT"
expect_code 3 bare "$kit/run" -o old cpu
grep -q 'wants glibc 9.99 or later, here is 2' out.txt || fail "an older glibc is not told"
mv "$kit/KIT.kept" "$kit/KIT"
mkdir blas && touch blas/libcublasLt.so.12
facts() { # SETTING...: what the kit says of the machine
    local code=0
    env -i "$@" bash "$kit/step" facts >out.txt 2>&1 || code=$?
    [ $code -eq 0 ] || [ $code -eq 77 ] || fail "facts end with exit code $code"
}
facts LD_LIBRARY_PATH="$folder/blas"
grep -q '^cuda no' "$kit/KIT" || grep -q "cuBLAS $folder/blas" out.txt || fail "cuBLAS 12 is not found where the loader looks"
if grep -q '^cuda yes' "$kit/KIT"; then
    touch "$kit/lib/libcublasLt.so.12"
    facts
    grep -q "cuBLAS $kit/lib" out.txt || fail "cuBLAS is not found in the kit's own folder"
    rm "$kit/lib/libcublasLt.so.12"
fi

# What the loader lists is looked through to its end, however long that takes: nothing ends in a broken pipe.
mkdir loader
printf '#!/bin/sh\necho "libcuda.so.1 => /there/libcuda.so.1"\nsleep 0.2\nexec seq 20000\n' >loader/ldconfig
chmod +x loader/ldconfig
expect_code 0 env -i PATH="$folder/loader:$PATH" bash -o pipefail -c "kit=$kit; . $kit/libraries; loader_has libcuda.so.1"
expect_code 1 env -i PATH="$folder/loader:$PATH" bash -o pipefail -c "kit=$kit; . $kit/libraries; loader_has libnone.so.1"

# ---- the driver, with steps of our own ----
mv "$kit/step" "$kit/step.kept"
printf '#!/bin/sh\necho "backend cuda no: a driver that is too old"\n[ "$1" != facts ]\n' >"$kit/step"
chmod +x "$kit/step"
expect_code 3 bare "$kit/run" -o unusable calibrate
grep -q '^unusable GPU: ' unusable/summary.txt || fail "a GPU that cannot be used is not told"
expect_code 0 bare "$kit/run" -o unusable-cpu sim
cat >"$kit/step" <<'end'
#!/usr/bin/env bash
echo "$1 ran"
case $1 in
test-large) bash -c 'trap "" TERM; sleep NAP' & sleep NAP ;;
calibrate) echo "kept" >written; exit 1 ;;
bench) exit 77 ;;
bench-hang) touch "$TMPDIR/../begun"; bash -c 'trap "" TERM INT; sleep NAP' & sleep NAP ;;
validate-dram-50) kill -SEGV $$ ;;
validate-ssd-30) exit 1 ;;
esac
end
nap=61.$$ # of this test alone
sed -i "s/NAP/$nap/g" "$kit/step"
touch "$kit/bin/test_runtime_cuda_large_gpu" && chmod +x "$kit/bin/test_runtime_cuda_large_gpu"
sed -i 's/45 5 3"/2 1 3"/' "$kit/run"
since=$SECONDS
expect_code 1 bare "$kit/run" -o gpu
[ $((SECONDS - since)) -lt 30 ] || fail "a step took longer than its limit"
grep -q '^== test-large: STOPPED: 2 s' gpu/summary.txt || fail "a step that hangs is not stopped"
grep -q '^== calibrate: FAILED' gpu/summary.txt || fail "a failure is not told"
grep -q '^== bench: skipped' gpu/summary.txt || fail "what is skipped is not told"
grep -q '^== validate-ssd-50: well' gpu/summary.txt || fail "what comes behind a failure was not run"
grep -q '^== validate-dram-50: EXIT CODE 139' gpu/summary.txt || fail "a crash is not told"
grep -q '^== validate-ssd-30: missed a goal' gpu/summary.txt || fail "a goal that was missed is told as a failure"
tar tzf gpu/results.tar.gz | grep '^./written' >/dev/null || fail "what a step wrote is not kept"
[ "$(find gpu -type f | wc -l)" -le 3 ] || fail "more than three files come back"
expect_code 1 bare "$kit/run" -t 12 -o short validate-ssd-50
grep -q '^-- left out, for want of time (-t 12): calibrate validate-ssd-50' short/summary.txt ||
    fail "a step begins that cannot come to its end, or a validation without its calibration"

# Interrupted: what finished is kept, and nothing runs on. In a folder of its own: /var/tmp is others' as well.
set -m # or a shell's background hears no SIGINT
bash "$kit/run" -o stopped -d "a disk" test-operators bench-hang >out.txt 2>&1 &
running=$!
set +m
for _ in {1..600}; do
    [ ! -e "a disk/begun" ] || break
    sleep 0.05
done
kill -INT -$running # as Ctrl-C does: to all of them
code=0
wait $running || code=$?
[ $code -eq 130 ] || fail "exit code $code when interrupted"
tar tzf stopped/results.tar.gz | grep test-operators >/dev/null || fail "what finished is lost"
lines=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ') || true # some end meanwhile: no "not found" by pipefail
[[ $lines != *"sleep $nap"* ]] || fail "a program of a step runs on"
[ -z "$(find "a disk" -name 'reprise-gpu.*')" ] || fail "scratch is left"
echo ok
