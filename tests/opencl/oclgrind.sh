#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs small_run under the simulator Oclgrind: a data race, an access out of bounds, a barrier that not
# all items reach is a line of its log, and any line fails. Its exit status says nothing. Bugs planted
# in copies of the kernels (planted_bugs.txt) prove that the log shows them.
#   usage: bash tests/opencl/oclgrind.sh SMALL_RUN FOLDER
# Environment: SPARSED_KERNEL_DIR  folder of the kernels (cl/kernels)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kernels=${SPARSED_KERNEL_DIR:-$here/../../cl/kernels}
rows=(cl-generic cl-cpu-shaped)

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# $1 kernels, $2 log, $3 output, then small_run's arguments. The simulator is opened as libOpenCL; its
# own command would only set these variables.
simulate() {
    SPARSED_OPENCL_LIBRARY=$library SPARSED_DEVICE=opencl SPARSED_CACHE_DIR=off \
        SPARSED_KERNEL_DIR=$1 OCLGRIND_LOG=$2 OCLGRIND_LOCAL_MEM_SIZE=65536 \
        OCLGRIND_DATA_RACES=1 "$small_run" "${@:4}" >"$3" 2>&1
}

check_row() {
    local start=$SECONDS
    simulate "$kernels" "$work/$1.log" "$work/$1.txt" "$1" || {
        grep -vE '^\[ RUN|^\[  +OK' "$work/$1.txt" | head -n 40
        fail "$1: a test failed under the simulator"
    }
    [[ -e $work/$1.log ]] || fail "$1: the simulator wrote no log"
    [[ ! -s $work/$1.log ]] || {
        head -n 40 "$work/$1.log"
        fail "$1: the simulator has findings"
    }
    grep -qE '^\[  PASSED  \] [1-9]' "$work/$1.txt" || fail "$1: no test ran"
    echo "$1: $(sed -nE 's/^\[  PASSED  \] ([0-9]+) .*/\1/p' "$work/$1.txt") tests, nothing found," \
        "$((SECONDS - start)) s"
}

check_bug() {
    local row=$1 test=$2 kernel=$3 edit=$4 want=$5 folder=$work/planted-$6
    cp -r "$kernels" "$folder"
    sed -i -e "$edit" "$folder/$kernel.cl"
    ! cmp -s "$kernels/$kernel.cl" "$folder/$kernel.cl" ||
        fail "planted_bugs.txt: $kernel.cl has nothing that this changes: $edit"
    simulate "$folder" "$folder/log" "$folder/text" "$row" "$test" || true
    grep -qi "$want" "$folder/log" || {
        head -n 20 "$folder/text" "$folder/log"
        fail "a planted bug was not found: $kernel: $edit"
    }
    echo "found in $kernel: $want, $(grep -ci "$want" "$folder/log") times: $edit"
}

[[ $# -eq 2 && -x $1 ]] || fail "usage: oclgrind.sh SMALL_RUN FOLDER"
command -v oclgrind >/dev/null || fail "no oclgrind"
library=$(dirname "$(dirname "$(readlink -f "$(command -v oclgrind)")")")/lib/oclgrind/liboclgrind-rt.so
[[ -e $library ]] || fail "no $library"
small_run=$(readlink -f "$1")
rm -rf "$2"
mkdir -p "$2"
work=$(cd "$2" && pwd)
# The rows, and beside them the planted bugs.
for row in "${rows[@]}"; do
    check_row "$row"
done &
rows_checked=$!
bugs=0
while IFS='|' read -r row test kernel edit want; do
    read -r row <<<"$row"
    [[ -n $row && $row != '#'* ]] || continue
    read -r test <<<"$test"
    read -r kernel <<<"$kernel"
    read -r edit <<<"$edit"
    read -r want <<<"$want"
    bugs=$((bugs + 1))
    check_bug "$row" "$test" "$kernel" "$edit" "$want" "$bugs"
done <"$here/planted_bugs.txt"
wait "$rows_checked"
