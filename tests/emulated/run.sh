#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs tests of kernels on the emulated device of NVIDIA (opencl.h), on each of the rows for it alone. Fails if a
# test fails, or a row cannot be used. FOLDER/log.txt has what the programs print, in the form of CTest's log.
#   usage: bash tests/emulated/run.sh BUILD FOLDER
# BUILD: a build folder. FOLDER/ptx is kept from run to run.
# Environment: CLANG_ROOT        an absolute path; see tests/opencl/ptx.sh
#              OCL_ICD_VENDORS   with PoCL among the drivers
#              JOBS              programs at a time (2)
set -euo pipefail

rows=(cl-nv-wgmma cl-nv-mma)
programs=(test_kernels test_kernels_extreme test_properties test_cl_self_test) # the longest first

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# $1 build folder, $2 folder, $3 program, $4 row. Says whether the row was usable and all tests passed.
run_one() {
    local log=$2/runs/$3-$4.txt start=$SECONDS outcome=Passed
    SPARSED_OPENCL_LIBRARY=$1/tests/emulated/libemulated_nvidia.so SPARSED_DEVICE=opencl \
        SPARSED_TEST_ROW=$4 SPARSED_CACHE_DIR=$2/runs/$3-$4 SPARSED_EMULATED_CACHE=$2/ptx \
        OMP_WAIT_POLICY=passive "$1/tests/$3" >"$log" 2>&1 || outcome=Failed
    if ! grep -qE "^kernel row [^ ]+ $4\$" "$log"; then
        echo "error: the row was not run" >>"$log"
        outcome=Failed
    elif grep -qF "kernel row $4 of " "$log"; then # ... cannot be used here
        outcome=Failed
    elif ! grep -q '^\[       OK ' "$log"; then
        echo "error: no test passed" >>"$log"
        outcome=Failed
    fi
    [[ $outcome == Passed ]] ||
        grep -E '^(emulated_nvidia|ERROR|error): |cannot be used here' "$log" | sort -u | head -n 20 || true
    echo "Test $outcome." >>"$log"
    echo "$3 on $4: $(grep -c '^\[       OK ' "$log" || true) passed," \
        "$(grep '^\[  SKIPPED \] test_' "$log" | sort -u | wc -l || true) skipped, $((SECONDS - start)) s: $outcome"
}

if [[ ${1:-} == --one ]]; then
    run_one "${@:2}"
    exit
fi
[[ $# -eq 2 ]] || fail "usage: run.sh BUILD FOLDER"
mkdir -p "$2"
build=$(cd "$1" && pwd)
work=$(cd "$2" && pwd)
rm -rf "$work/runs" "$work/log.txt"
mkdir "$work/runs"
for program in "${programs[@]}"; do
    for row in "${rows[@]}"; do
        echo "$build $work $program $row"
    done
done >"$work/jobs.txt"
xargs -P "${JOBS:-2}" -L 1 bash "$0" --one <"$work/jobs.txt" || fail "a program was not run"

number=0 failed=0
while read -r _ _ program row; do
    log=$work/runs/$program-$row.txt
    number=$((number + 1))
    echo "$number/$((${#programs[@]} * ${#rows[@]})) Testing: $program:$row"
    cat "$log"
    [[ $(tail -n 1 "$log") == 'Test Passed.' ]] || failed=$((failed + 1))
done <"$work/jobs.txt" >"$work/log.txt"
[[ $failed -eq 0 ]] || fail "$failed programs failed; see $work/log.txt"
