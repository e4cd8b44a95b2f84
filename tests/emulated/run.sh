#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs tests of kernels on the emulated device of NVIDIA (opencl.h), on each of the rows for it alone. Fails if a
# test fails, or a row cannot be used. FOLDER/log.txt has what the programs print, in the form of CTest's log.
#   usage: bash tests/emulated/run.sh BUILD FOLDER [PROGRAM [ROW]]
# BUILD: a build folder, built. FOLDER/ptx is kept from run to run. PROGRAM, ROW: that one alone.
# Environment: CLANG_ROOT        see tests/opencl/ptx.sh
#              SPARSED_KERNEL_DIR  kernels other than those of the build (docs/kernels.md)
#              OCL_ICD_VENDORS   with PoCL among the drivers
#              JOBS              programs at a time (2)
set -euo pipefail

rows=(cl-nv-wgmma cl-nv-mma)
# The longest first. test_properties, which passes too, is mostly about what changes from run to run: nothing here.
programs=(test_kernels test_kernels_extreme test_cl_self_test)

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
        grep -E '^(emulated_nvidia|ERROR|error): |cannot be used here' "$log" | awk '!seen[$0]++' | head -n 20 || true
    echo "Test $outcome." >>"$log"
    echo "$3 on $4: $(grep -c '^\[       OK ' "$log" || true) passed," \
        "$(grep '^\[  SKIPPED \] test_' "$log" | sort -u | wc -l || true) skipped, $((SECONDS - start)) s: $outcome"
}

# $1 what is asked for, then what there is. Nothing asked for: all.
choose() {
    local name
    for name in "${@:2}"; do
        [[ -n $1 && $name != "$1" ]] || echo "$name"
    done
}

if [[ ${1:-} == --one ]]; then
    run_one "${@:2}"
    exit
fi
[[ $# -ge 2 && $# -le 4 ]] || fail "usage: run.sh BUILD FOLDER [PROGRAM [ROW]]"
known="programs: ${programs[*]}; rows: ${rows[*]}"
mapfile -t programs < <(choose "${3:-}" "${programs[@]}")
mapfile -t rows < <(choose "${4:-}" "${rows[@]}")
[[ ${#programs[@]} -gt 0 && ${#rows[@]} -gt 0 ]] || fail "no program or row of that name; $known"

# What would otherwise be said by each of the programs, in other words.
[[ -d $1 ]] || fail "no folder '$1'"
build=$(cd "$1" && pwd)
for file in emulated/libemulated_nvidia.so "${programs[@]}"; do
    [[ -e $build/tests/$file ]] ||
        fail "'$1' has no tests/$file: a build with the tests and the OpenCL backend is needed"
done
[[ -z ${CLANG_ROOT:-} ]] || CLANG_ROOT=$(realpath -m "$CLANG_ROOT") # programs and compilers run elsewhere
export CLANG_ROOT
# shellcheck source=tests/opencl/ptx.sh
source "$(dirname "$0")/../opencl/ptx.sh"
[[ -x $clang && -d $libclc ]] ||
    fail "no clang 22 ($clang) or libclc 22 ($libclc); CLANG_ROOT names where they are unpacked"
mkdir -p "$2"
work=$(cd "$2" && pwd)
rm -rf "$work/runs" "$work/log.txt" "$work"/ptx/fault-*.ptx
mkdir "$work/runs"
for program in "${programs[@]}"; do
    for row in "${rows[@]}"; do
        echo "$program $row"
    done
done >"$work/jobs.txt"
xargs -P "${JOBS:-2}" -L 1 bash "$0" --one "$build" "$work" <"$work/jobs.txt" || fail "a program was not run"

number=0 failed=0
while read -r program row; do
    log=$work/runs/$program-$row.txt
    number=$((number + 1))
    echo "$number/$((${#programs[@]} * ${#rows[@]})) Testing: $program:$row"
    cat "$log"
    [[ $(tail -n 1 "$log") == 'Test Passed.' ]] || failed=$((failed + 1))
done <"$work/jobs.txt" >"$work/log.txt"
[[ $failed -eq 0 ]] || fail "$failed programs failed; see $work/log.txt"
