#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
# Builds, checks and times everything on a machine with an NVIDIA GPU, in one run, and prints the table
# last. docs/performance.md says what it needs.
#   usage: bash tools/peers/nvidia.sh [--binaries FOLDER] [--device NAME] [--out FOLDER] [SECTION...]
#   --binaries  take the programs that lie in FOLDER, or up to three folders below, and build nothing
#   --device    as for the library (opencl:NVIDIA)
#   --out       where the logs and the cache of built programs go (build/nvidia)
#   SECTION     build devices kernels extreme properties long peers schedule; no SECTION: all of them.
#               Besides: quick, the peers in less than a minute
# Checks (kernels, extreme, properties, long) run side by side, timings alone. A section that fails does not
# stop the later ones. Exit code 0: all passed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

binaries=
device=opencl:NVIDIA
out=build/nvidia
sections=()
all_sections=(build devices kernels extreme properties long peers schedule)
# Seconds after which a program of a section is ended, with exit code 124.
declare -A limits=([build]=900 [devices]=120 [kernels]=400 [extreme]=300 [properties]=300 [long]=240
    [peers]=300 [quick]=120 [schedule]=400)

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 2
}

while [[ $# -gt 0 ]]; do
    case $1 in
    --binaries | --device | --out)
        [[ $# -ge 2 ]] || fail "$1 needs a value"
        printf -v "${1#--}" %s "$2"
        shift
        ;;
    -*) fail "$1 is no option" ;;
    *)
        [[ -n ${limits[$1]:-} ]] || fail "$1 is no section: ${all_sections[*]} quick"
        sections+=("$1")
        ;;
    esac
    shift
done
if [[ ${#sections[@]} -eq 0 ]]; then
    sections=("${all_sections[@]}")
    [[ -z $binaries ]] || sections=("${all_sections[@]:1}")
fi
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
# What one program has built, the next one loads.
export SPARSED_CACHE_DIR=${SPARSED_CACHE_DIR:-$out/built} OMP_WAIT_POLICY=passive

# Some machines have NVIDIA's OpenCL library, but not the file by which the loader finds it.
find_driver() {
    local vendors=/etc/OpenCL/vendors
    [[ -z ${OCL_ICD_VENDORS:-} ]] || return 0
    ! grep -qs libnvidia-opencl "$vendors"/*.icd || return 0
    mkdir -p "$out/vendors"
    cp "$vendors"/*.icd "$out/vendors/" 2>/dev/null
    echo libnvidia-opencl.so.1 >"$out/vendors/nvidia.icd"
    export OCL_ICD_VENDORS=$out/vendors
}

program() {
    local found
    found=$(find "${binaries:-build/release}" -maxdepth 3 -type f -name "$1" -perm -u+x | head -n 1)
    [[ -n $found ]] || fail "there is no program $1 in ${binaries:-build/release}"
    printf '%s\n' "$found"
}

# A program of ours, by its name, or another command, for no longer than the section's limit.
limited() { timeout -k 15 "${limits[$section]}" "$@"; }
ours() {
    local file
    file=$(program "$1") && limited "$file" "${@:2}"
}

# A test program, on every row of the device.
test_device() { SPARSED_DEVICE=$device ours "$1"; }

# The most memory of the GPU that all programs had while the command ran.
watching_memory() {
    local watch status=0
    nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 500 >"$out/memory.txt" &
    watch=$!
    "$@" || status=$?
    kill "$watch"
    wait "$watch"
    echo "memory of the GPU in use: $(head -n 1 "$out/memory.txt") MiB before," \
        "at most $(sort -n "$out/memory.txt" | tail -n 1) MiB"
    return "$status"
}

# ---- sections: one function each ------------------------------------------------------------

section_build() {
    limited cmake --preset release && limited cmake --build --preset release -j "$(nproc)"
}

section_devices() { ours sparsed devices --device "$device" --self-test; }
section_kernels() { test_device test_kernels; }
section_extreme() { test_device test_kernels_extreme; }
section_properties() { test_device test_properties; }

section_long() {
    local status=0
    local common=(--device "$device" --dtype bf16 --heads 32 --kv-heads 32 --dim 128 --rows 32)
    ours long_run "${common[@]}" --length 65536 --mode upstream-llada --block-size-q 128 \
        --block-size-k 32 || status=$?
    ours long_run "${common[@]}" --length 65537 --mode upstream-dream --block-size 128 || status=$?
    return "$status"
}

peers() {
    local sparsed
    sparsed=$(program sparsed) &&
        limited python3 -u tools/peers/attention_torch_gpu.py "$sparsed" --device "$device" \
            --json "$out/peers.json" "$@"
}
section_peers() { peers; }
section_quick() { peers --quick; }

# The whole schedule with the blocks to recommend; with the larger ones a few steps of each kind.
section_schedule() {
    local run=(sparsed bench --device "$device" --length 65536 --rounds 3 --run-schedule)
    watching_memory ours "${run[@]}" --block-size 128x32 &&
        ours "${run[@]}" --block-size 128 --limit-steps 3
}

# ---- running and the table ------------------------------------------------------------------

# And keeps how long it took and its exit code.
run_section() {
    section=$1
    local start=$SECONDS status
    "section_$section" 2>&1
    status=$?
    echo "$((SECONDS - start)) $status" >"$out/$section.status"
}

# `failed` and `lines` get a section's outcome.
note_outcome() {
    local seconds status
    read -r seconds status <"$out/$1.status"
    ((status == 0)) || failed=1
    lines+=("$(printf '%-12s %4d s, exit code %d' "$1" "$seconds" "$status")")
}

# Checks, whose time is mostly the processor's, run side by side, and before anything is timed.
show_checks() {
    local check
    wait
    for check in "${running[@]}"; do
        echo "== $check"
        cat "$out/$check.txt"
        note_outcome "$check"
    done
    running=()
}

lines=()
running=()
failed=0
find_driver
for name in "${sections[@]}"; do
    case $name in
    kernels | extreme | properties | long)
        run_section "$name" >"$out/$name.txt" &
        running+=("$name")
        ;;
    *)
        show_checks
        echo "== $name"
        run_section "$name" | tee "$out/$name.txt"
        note_outcome "$name"
        ;;
    esac
done
show_checks
printf '\n== sections\n'
printf '%s\n' "${lines[@]}"
for name in schedule quick peers; do
    if [[ " ${sections[*]} " == *" $name "* ]]; then
        printf '\n== table: %s\n' "$name"
        cat "$out/$name.txt"
    fi
done
((failed == 0))
