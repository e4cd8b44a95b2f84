#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A smoke set on one OpenCL runtime: each kernel row passes the self-tests of what `sparsed attend` asks
# of it, and gives what the CPU backend gives, on golden cases that have each storage type, grouped heads
# and padding.
#   usage: bash tests/opencl/runtimes.sh BUILD FOLDER PLATFORM ROW...
# BUILD: a build folder. PLATFORM: part of the platform's name. ROW: rows that have to pass.
# The caller's environment says which runtime the loader finds (OCL_ICD_VENDORS).
set -euo pipefail

bound=2e-6 # of relative errors, to the CPU backend in floats; attend writes f32, whatever its inputs are
golden=$(cd "$(dirname "$0")/../golden/attend_small" && pwd)

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# $1 case, then options of attend.
compare() {
    local name=$1 row line verdict
    "$sparsed" attend --input "$golden/$name.safetensors" --device cpu --kernel cpu-plain \
        --output "$work/reference.safetensors" "${@:2}"
    for row in "${rows[@]}"; do
        "$sparsed" attend --input "$golden/$name.safetensors" --device "$device" --kernel "$row" \
            --output "$work/result.safetensors" "${@:2}"
        verdict=
        line=$("$compare_attend" "$work/result.safetensors" "$work/reference.safetensors" \
            "$bound") || verdict=bad
        echo "$platform, $row, $name:$line"
        [[ -z $verdict ]] || fail "$platform, $row, $name: too far from the CPU backend"
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
compare a2_llada_b16 --mode upstream-llada --gen-length 70 --block-size 16 --select 0.25
compare a10_padded --mode upstream-dream --gen-length 60 --select 0.3 --dtype f16
compare a8_bf16 --mode paper --gen-length 128 --block-size 16 --select 0.3
compare a7_rectangular --attention dense
