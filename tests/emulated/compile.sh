#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The emulated device's compiler: OpenCL C to PTX, in which each kernel is one function.
#   usage: bash tests/emulated/compile.sh SOURCE PTX PROCESSOR OPTIONS
# PTX: the file to write. PROCESSOR: sm_80, sm_90. OPTIONS: those of clBuildProgram, one argument.
# Environment: CLANG_ROOT               see tests/opencl/ptx.sh
#              SPARSED_EMULATED_CACHE   folder that keeps what was compiled; unset = none
set -euo pipefail

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 2
}

# Of all that a result depends on: the file $1, options $2, and what makes it.
key_of() {
    {
        printf '%s\n' "$2"
        stat -c '%s %Y' "$clang"
        cat "$here/compile.sh" "$tools/ptx.sh" "$tools/libdevice.cl" "$1"
    } | sha256sum | cut -d ' ' -f 1
}

# Whole or not at all: others may write the same file.
put() {
    cp "$1" "$2.$$"
    mv "$2.$$" "$2"
}

[[ $# -eq 4 ]] || fail "usage: compile.sh SOURCE PTX PROCESSOR OPTIONS"
here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../opencl
# shellcheck source=tests/opencl/ptx.sh
source "$tools/ptx.sh"
[[ -x $clang && -d $libclc ]] || fail "no clang-22 and libclc-22"
text=$(realpath "$1")
ptx=$(realpath "$2")
read -ra options <<<"$4"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$(realpath -m "${SPARSED_EMULATED_CACHE:-$work/cache}")
mkdir -p "$cache"
cd "$work"

library=$cache/$(key_of /dev/null '').bc
if [[ ! -s $library ]]; then
    make_libdevice "$tools/libdevice.cl" made.bc
    put made.bc "$library"
fi
made=$cache/$(key_of "$text" "$3 $4").ptx
if [[ ! -s $made ]]; then
    make_ptx "$library" "$3" "$text" 1 "${options[@]}"
    [[ -s nvidia.ptx ]] || exit 1
    put nvidia.ptx "$made"
fi
cp "$made" "$ptx"
