#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A smoke set on one OpenCL runtime: the kernel rows pass their self-tests, and `sparsed attend` gives
# what the CPU backend gives, on golden cases that have each storage type, grouped heads and padding.
#   usage: bash tests/opencl/runtimes.sh BUILD FOLDER PLATFORM ROW...
# BUILD: a build folder. PLATFORM: part of the platform's name. ROW: rows that have to pass.
# The caller's environment says which runtime the loader finds (OCL_ICD_VENDORS).
set -euo pipefail

bound=2e-6 # of relative errors; attend writes f32, whatever its inputs are stored in
golden=$(cd "$(dirname "$0")/../golden/attend_small" && pwd)

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Lines "row usable verdict" of the device's kernels after their self-tests.
list_rows() {
    tr -d '\n\t' <"$1" | sed 's/.*"kernels": *//' | grep -oE '"name": *"[^}]*' |
        sed -E 's/"name": *"([^"]*)".*"usable": *(true|false).*"verdict": *"(.*)"$/\1 \2 \3/'
}

self_test() {
    local row status=0 start=$SECONDS
    "$sparsed" devices --device "$device" --self-test --json >"$work/devices.json" || status=$?
    list_rows "$work/devices.json" >"$work/rows.txt"
    for row in "${rows[@]}"; do
        grep -q "^$row true passed" "$work/rows.txt" || {
            cat "$work/rows.txt"
            fail "$platform: $row does not run"
        }
    done
    sed "s/^/$platform: /" "$work/rows.txt"
    [[ $status -eq 0 ]] || fail "$platform: exit code $status of the self-tests"
    echo "$platform: self-tests took $((SECONDS - start)) s"
}

# $1 case, then options of attend.
compare() {
    local name=$1 row
    "$sparsed" attend --input "$golden/$name.safetensors" --device cpu \
        --output "$work/reference.safetensors" "${@:2}"
    for row in "${rows[@]}"; do
        "$sparsed" attend --input "$golden/$name.safetensors" --device "$device" --kernel "$row" \
            --output "$work/result.safetensors" "${@:2}"
        echo "$platform, $row, $name:$("$compare_attend" "$work/result.safetensors" \
            "$work/reference.safetensors" "$bound")" || fail "$platform, $row, $name"
    done
}

[[ $# -ge 4 ]] || fail "usage: runtimes.sh BUILD FOLDER PLATFORM ROW..."
sparsed=$1/tools/sparsed
compare_attend=$1/tests/opencl/compare_attend
platform=$3
rows=("${@:4}")
device=opencl:$platform
rm -rf "$2"
mkdir -p "$2"
work=$(cd "$2" && pwd)
export SPARSED_CACHE_DIR=$work/built # what one process has built, the next one loads
self_test
compare a2_llada_b16 --mode upstream-llada --gen-length 70 --block-size 16 --select 0.25
compare a10_padded --mode upstream-dream --gen-length 60 --select 0.3 --dtype f16
compare a8_bf16 --mode paper --gen-length 128 --block-size 16 --select 0.3
compare a7_rectangular --attention dense
