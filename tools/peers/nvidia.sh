#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
# Builds, checks and times everything on a machine with an NVIDIA GPU, in one run, and prints the tables
# last. docs/performance.md says what it needs, and what the sections run.
#   usage: bash tools/peers/nvidia.sh [--binaries FOLDER] [--device NAME] [--out FOLDER] [SECTION...]
#   --binaries  build nothing; sparsed, test_kernels, test_kernels_extreme, test_properties and long_run,
#               as far as the sections need them, lie in FOLDER or up to three folders below
#   --device    as for the library (opencl:NVIDIA)
#   --out       where the logs and the cache of built programs go (build/nvidia of the repository)
#   SECTION     build devices kernels extreme properties long peers schedule; no SECTION: all of them.
#               Besides: quick, the peers in less than a minute
# Checks (kernels, extreme, properties, long) run side by side, timings alone. A section that fails does not
# stop the later ones. Exit code 0: all passed; 1: a section failed; 2: an argument or the device is wrong.
set -uo pipefail

repository=$(realpath "$(dirname "$0")/../..") || exit 2
binaries=
device=opencl:NVIDIA
out=$repository/build/nvidia
sections=()
all_sections=(build devices kernels extreme properties long peers schedule)
# Seconds after which a program of a section is ended, with exit code 124.
declare -A limits=([build]=900 [devices]=120 [kernels]=900 [extreme]=600 [properties]=600 [long]=600
    [peers]=300 [quick]=120 [schedule]=400)

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 2
}

while [[ $# -gt 0 ]]; do
    case $1 in
    -h | --help)
        sed -n '/^# Builds/,/^[^#]/s/^# //p' "$0"
        exit 0
        ;;
    --binaries=* | --device=* | --out=*)
        set -- "${1%%=*}" "${1#*=}" "${@:2}"
        continue
        ;;
    --binaries | --device | --out)
        [[ -n ${2:-} ]] || fail "$1 needs a value"
        printf -v "${1#--}" %s "$2"
        shift
        ;;
    -*) fail "$1 is no option; --help tells them" ;;
    build | devices | kernels | extreme | properties | long | peers | quick | schedule)
        [[ " ${sections[*]} " != *" $1 "* ]] || fail "$1 is named twice"
        sections+=("$1")
        ;;
    *) fail "'$1' is no section: ${all_sections[*]} quick" ;;
    esac
    shift
done
if [[ ${#sections[@]} -eq 0 ]]; then
    sections=("${all_sections[@]}")
    [[ -z $binaries ]] || sections=("${all_sections[@]:1}")
fi
# Before the folder changes.
if [[ -n $binaries ]]; then
    [[ -d $binaries ]] || fail "--binaries $binaries: there is no such folder"
    binaries=$(realpath -- "$binaries")
fi
mkdir -p -- "$out" || fail "--out $out cannot be made"
out=$(realpath -- "$out")
cd "$repository" || exit 2
# What one program has built, later ones load; checks that run side by side build some of it each.
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
    echo "note: no file in $vendors names NVIDIA's driver; for this run OCL_ICD_VENDORS=$OCL_ICD_VENDORS" \
        "(docs/building.md has more)"
}

program() {
    local folder=${binaries:-$repository/build/release} found
    found=$(find -L "$folder" -maxdepth 3 -type f -name "$1" -perm -u+x -exec realpath {} + | sort -u)
    [[ -n $found ]] || fail "there is no program $1 in $folder"
    [[ $found != *$'\n'* ]] || fail "--binaries $folder has more than one $1:"$'\n'"$found"
    printf '%s\n' "$found"
}

# What is wrong with the device, would be so in each section.
check_device() {
    local sparsed listing
    sparsed=$(program sparsed) || exit 2
    listing=$(timeout --foreground -k 15 "${limits[devices]}" \
        "$sparsed" devices --device "$device" 2>&1) ||
        fail "no section can run on --device $device (exit code $?):"$'\n'"$listing"
    grep -E '^(chosen|kernel for)' <<<"$listing"
}

# A program of ours, by its name, or another command, for no longer than the section's limit; in this
# script's process group, where the end of the whole run reaches it.
limited() { timeout --foreground -k 15 "${limits[$section]}" "$@"; }
ours() {
    local file
    file=$(program "$1") && limited "$file" "${@:2}"
}

# A test program, on every row of the device.
test_device() { SPARSED_DEVICE=$device ours "$1"; }

# The most memory of the GPU that all programs had while the command ran.
watching_memory() {
    local watch status=0
    if ! command -v nvidia-smi >/dev/null; then
        echo "memory of the GPU in use: not measured (there is no nvidia-smi)"
        "$@"
        return
    fi
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

# Not through `cmake --build`, which leaves Ninja behind when it is ended.
section_build() {
    limited cmake --preset release && limited ninja -C build/release -j "$(nproc)"
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

# Ends what runs, too: in the background ^C does not reach it. The process group is the script's own where
# a shell's prompt or setsid started it; else whoever started it ends with it.
stop_all() {
    trap '' INT TERM
    kill -TERM 0
    wait
    exit "$1"
}

# And keeps how long it took and its exit code.
run_section() {
    section=$1
    local start=$SECONDS status
    rm -f "$out/$section.status"
    "section_$section" 2>&1
    status=$?
    echo "$((SECONDS - start)) $status" >"$out/$section.status"
}

# How many tests passed, were skipped and failed, over all rows of a test program.
test_counts() {
    awk '$1 == "[" && $5 ~ /^test\(s\)/ { tests[$2] += $4; any = 1 }
        END { if (any) printf "; tests: %d passed, %d skipped, %d failed",
            tests["PASSED"], tests["SKIPPED"], tests["FAILED"] }' "$out/$1.txt"
}

# `failed` and `lines` get a section's outcome.
note_outcome() {
    local seconds=0 status=1 note=
    read -r seconds status <"$out/$1.status" || true # not there if the section's own shell was ended
    ((status == 0)) || failed=1
    ((status != 124)) || note="; a program was ended after ${limits[$1]} s"
    note+=$(test_counts "$1")
    lines+=("$(printf '%-12s %4d s, exit code %d%s' "$1" "$seconds" "$status" "$note")")
}

# Checks, whose time is mostly the processor's, run side by side, and before anything is timed.
show_checks() {
    local check
    ((${#running[@]} > 0)) || return
    echo "== running: ${running[*]}"
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
device_checked=
trap 'stop_all 130' INT
trap 'stop_all 143' TERM
find_driver
for name in "${sections[@]}"; do
    if [[ $name != build && -z $device_checked ]]; then
        check_device
        device_checked=yes
    fi
    case $name in
    kernels | extreme | properties | long)
        run_section "$name" >"$out/$name.txt" &
        running+=("$name")
        ;;
    *)
        show_checks
        echo "== $name"
        run_section "$name" | tee "$out/$name.txt" &
        wait $! # not in the foreground, where a signal would have to wait for its end
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
