#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles every OpenCL kernel for GPUs that are not here: each storage type and several head
# dimensions, as the library would. Fails on a compiler's error or warning, an undefined symbol, a
# spill, a stack frame, more local memory than the 32 KiB that every device has; offline_allowances.txt
# has the exceptions. Kernels that must fail prove first that the checks can.
#   usage: bash tests/opencl/offline.sh FOLDER
# Environment: CLANG_ROOT, INTEL_ROOT  folders with clang-22, llvm-22 and libclc-22, and
#                                      intel-opencl-icd, unpacked; unset = installed
#              SPARSED_KERNEL_DIR      folder of the kernels (cl/kernels)
#              JOBS                    compilers at a time (2)
# Without ptxas (CUDA's; on PATH or in /usr/local/cuda/bin) NVIDIA's part ends with PTX, and says so.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kernels=${SPARSED_KERNEL_DIR:-$here/../../cl/kernels}
families=$here/../../cl/families.c
targets=(gfx90a gfx942 gfx1100 gfx1201 dg2 pvc sm_80 sm_90a)
dims=(40 64 128)         # with every storage type
more_dims=(24 32 96 256) # with f32 alone: what is unrolled differs
most_local_bytes=32768

clang_root=${CLANG_ROOT:-}
intel_root=${INTEL_ROOT:-}
clang=$clang_root/usr/lib/llvm-22/bin/clang
llvm_nm=$clang_root/usr/lib/llvm-22/bin/llvm-nm
libclc=$clang_root/usr/lib/clc
ocloc=$intel_root/usr/bin/ocloc
clang_flags=(-x cl -cl-std=CL1.2 -O3 -nogpulib -Wall -Wextra -Xclang -finclude-default-header)
nvidia_flags=(-target nvptx64-nvidia-nvcl -Xclang -target-feature -Xclang +ptx80 -Wno-linker-warnings)

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

find_ptxas() {
    command -v ptxas || { [[ -x /usr/local/cuda/bin/ptxas ]] && echo /usr/local/cuda/bin/ptxas; } ||
        true
}

with_libraries() {
    local library=$1/usr/lib
    LD_LIBRARY_PATH=$library/x86_64-linux-gnu:$library/llvm-22/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "${@:2}"
}

# ---- one compilation: figures and faults go to the log --------------------------------------

# Clang also makes a function of each kernel, which nothing calls, and warns of its local memory.
compile_amd() {
    with_libraries "$clang_root" "$clang" "${clang_flags[@]}" -target amdgcn-amd-amdhsa \
        -mcpu="$1" -Xclang -mlink-builtin-bitcode -Xclang "$libclc/amdgcn-amd-amdhsa.bc" \
        -Rpass-analysis=kernel-resource-usage -I"$kernels" "${@:3}" -c "$2" -o amd.o 2>&1 |
        grep -v 'local memory global used by non-kernel function' || true
    if [[ -s amd.o ]]; then
        with_libraries "$clang_root" "$llvm_nm" -u amd.o | sed 's/^ *U /fault: undefined symbol /'
    else
        echo "fault: no object"
    fi
}

compile_nvidia() {
    local ptxas
    with_libraries "$clang_root" "$clang" "${clang_flags[@]}" "${nvidia_flags[@]}" \
        -Xclang -target-cpu -Xclang "$1" \
        -Xclang -mlink-builtin-bitcode -Xclang "$libclc/nvptx64--nvidiacl.bc" \
        -Xclang -mlink-builtin-bitcode -Xclang "$work/libdevice.bc" \
        -I"$kernels" "${@:3}" -S "$2" -o nvidia.ptx 2>&1 || true
    if [[ ! -s nvidia.ptx ]]; then
        echo "fault: no PTX"
        return
    fi
    perl -e 'local $/; $_ = <STDIN>;
        my %here = map { $_ => 1 } /\.func\s*(?:\([^)]*\)\s*)?(\w+)\s*\([^)]*\)\s*\{/g;
        my @named = /\.func\s*(?:\([^)]*\)\s*)?(\w+)\s*\([^)]*\)\s*;/g;
        print "fault: undefined symbol $_\n" for grep { !$here{$_} } @named;' <nvidia.ptx
    ptxas=$(find_ptxas)
    [[ -n $ptxas ]] || return 0
    "$ptxas" -arch="$1" -v nvidia.ptx -o nvidia.cubin 2>&1 || true
    [[ -s nvidia.cubin ]] || echo "fault: no cubin"
}

# This compiler takes one file.
compile_intel() {
    cat "$kernels/common.clh" "$2" >intel.cl
    with_libraries "$intel_root" "$ocloc" compile -file intel.cl -device "$1" \
        -options "-cl-std=CL1.2 ${*:3}" -output intel -out_dir . 2>&1 || true
    compgen -G 'intel_*.bin' >/dev/null || echo "fault: no binary"
    # It leaves undefined symbols alone; its SPIR-V says what is imported (OpDecorate, 71,
    # LinkageAttributes, 41, ... Import, 1).
    perl -e 'binmode STDIN; local $/; my @w = unpack("V*", <STDIN>);
        for (my $i = 5; $i < @w && $w[$i] >> 16; $i += $w[$i] >> 16) {
            my $last = $i + ($w[$i] >> 16) - 1;
            next if ($w[$i] & 0xffff) != 71 || $w[$i + 2] != 41 || $w[$last] != 1;
            my $name = unpack("Z*", pack("V*", @w[$i + 3 .. $last - 1]));
            print "fault: undefined symbol $name\n" if $name !~ /^__spirv_BuiltIn/;
        }' <"$(compgen -G 'intel_*.spv' || echo /dev/null)"
}

# From a compiler's words to lines "fault: ...".
find_faults() {
    awk -v most="$most_local_bytes" '
        /^fault: / { print; next }
        /spilled around/ { print "fault: spills: " $0; next }
        /remark:.*(ScratchSize|VGPRs Spill).*: [1-9]/ {
            sub(/.*remark: +/, ""); sub(/ \[-R.*/, ""); print "fault: spills: " $0; next }
        /remark:.*Dynamic Stack: True/ { print "fault: spills: a dynamic stack"; next }
        /remark:.*LDS Size/ {
            sub(/.*: /, ""); if ($1 > most) print "fault: local memory: " $1 " bytes"; next }
        /bytes stack frame/ && !/ 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads/ {
            print "fault: spills:" $0; next }
        / bytes smem/ {
            sub(/ bytes smem.*/, ""); sub(/.* /, "");
            if ($0 > most + 0) print "fault: local memory: " $0 " bytes"; next }
        /INVALID|[Ee]rror|[Ww]arning|fatal/ && !/^[0-9]+ warnings? generated/ {
            print "fault: compiler: " $0 }' "$1"
}

# $1 target, $2 file, then options: one line for the results.
compile() {
    local target=$1 file=$2 name folder
    name=$(basename "$file" .cl)
    folder=$(mktemp -d "$work/job-XXXXXX")
    cd "$folder"
    case $target in
    gfx*) compile_amd "$@" ;;
    sm_*) compile_nvidia "$@" ;;
    *) compile_intel "$@" ;;
    esac >log
    find_faults log >faults
    if [[ -s faults ]]; then
        sed "s/^fault: /$name $target ${*:3} | /" faults
    else
        echo "$name $target ${*:3} | clean"
    fi
    rm -rf "$folder"
}

# ---- what is compiled -------------------------------------------------------------------------

# Query rows of a unit, as cl/families.c has them: $1 kernel, $2 head dimension.
unit_rows() {
    tr -d ' \n' <"$families" | grep -oE "source=\"$1\"[^}]*max_rows=\{[0-9,]*" | sed 's/.*{//' |
        awk -F , -v dim="$2" '{ print dim <= 64 ? $1 : dim <= 128 ? $2 : $3 }'
}

# Option sets of a kernel, one a line: a kernel that does not mention a macro does not vary with it.
list_options() {
    local file=$1 name dtype dim dtypes=("") own_dims=("") rows
    name=$(basename "$file" .cl)
    ! grep -qE 'spd_stored|spd_out' "$file" || dtypes=(1 2 3)
    ! grep -q 'SPD_D\b' "$file" || own_dims=("${dims[@]}" "${more_dims[@]}")
    for dtype in "${dtypes[@]}"; do
        for dim in "${own_dims[@]}"; do
            [[ ${dtype:-1} -eq 1 || " ${more_dims[*]} " != *" $dim "* ]] || continue
            rows=
            ! grep -q 'SPD_ROWS' "$file" || rows=$(unit_rows "$name" "$dim")
            echo "${dtype:+ -DSPD_DTYPE=$dtype}${dim:+ -DSPD_D=$dim}${rows:+ -DSPD_ROWS=$rows}"
        done
    done
}

# $1 kernel, $2 target, $3 what: whether the table has it.
allowed() {
    awk -v kernel="$1" -v target="$2" -v what="$3" '
        !/^#/ && $1 == kernel && ($2 == target || $2 == "*") && $3 == what { found = 1 }
        END { exit !found }' "$here/offline_allowances.txt"
}

list_jobs() {
    local file target options
    for file in "$kernels"/*.cl; do
        while read -r options; do
            for target in "${targets[@]}"; do
                allowed "$(basename "$file" .cl)" "$target" left_out ||
                    echo "$target $file${options:+ $options}" # a blank at the end joins lines
            done
        done < <(list_options "$file")
    done
}

run_jobs() {
    xargs -P "${JOBS:-2}" -L 1 bash "$here/offline.sh" --one "$work" <"$1" >"$2" ||
        fail "a compilation was not judged: $1"
}

# ---- kernels that must fail -------------------------------------------------------------------

plant() {
    mkdir -p "$work/planted"
    cat >"$work/planted/undefined.cl" <<'KERNEL'
float sparsed_missing(float x);
__kernel void undefined(__global float *x) {
    x[get_global_id(0)] = sparsed_missing(x[get_global_id(0)]);
}
KERNEL
    cat >"$work/planted/stack.cl" <<'KERNEL'
__kernel void stack(__global float *x, const uint n) {
    float kept[64];
    for (uint i = 0; i < n; i++)
        kept[i * 7 % 64] = x[i];
    for (uint i = 0; i < n; i++)
        x[i] = kept[i * 5 % 64];
}
KERNEL
    cat >"$work/planted/local_memory.cl" <<'KERNEL'
__kernel void local_memory(__global float *x) {
    __local float tile[9000];
    for (uint i = get_local_id(0); i < 9000; i += get_local_size(0))
        tile[i] = x[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    x[get_global_id(0)] = tile[8999 - get_local_id(0)];
}
KERNEL
    # More rows than registers.
    cp "$kernels/generic_attend.cl" "$work/planted/too_many_rows.cl"
}

# Each planted fault has to be found as what it is.
check_planted() {
    local target kernel rest want lines=0
    plant
    for target in "${targets[@]}"; do
        echo "$target $work/planted/undefined.cl"
        case $target in
        dg2) echo "$target $work/planted/too_many_rows.cl -DSPD_D=128 -DSPD_ROWS=64" ;;
        gfx*)
            echo "$target $work/planted/stack.cl"
            echo "$target $work/planted/local_memory.cl"
            ;;
        sm_*)
            [[ -z $(find_ptxas) ]] || echo "$target $work/planted/stack.cl"
            [[ -z $(find_ptxas) ]] || echo "$target $work/planted/local_memory.cl"
            ;;
        esac
    done >"$work/planted.txt"
    run_jobs "$work/planted.txt" "$work/planted-results.txt"
    while read -r target kernel rest; do
        kernel=$(basename "$kernel" .cl)
        case $kernel in
        undefined) want='undefined symbol sparsed_missing' ;;
        local_memory) want='local memory: 36000' ;;
        *) want='spills: ' ;;
        esac
        grep -q "^$kernel $target .*| $want" "$work/planted-results.txt" ||
            fail "a planted fault was not found: $kernel on $target"
        lines=$((lines + 1))
    done <"$work/planted.txt"
    echo "$lines planted faults were found"
}

check_kernels() {
    local kernel target rest what bad=0
    list_jobs >"$work/jobs.txt"
    run_jobs "$work/jobs.txt" "$work/results.txt"
    while read -r kernel target rest; do
        [[ $rest != *'| clean' && $rest != '| clean' ]] || continue
        what=${rest#*| }
        if allowed "$kernel" "$target" "${what%%:*}"; then
            echo "$kernel on $target: ${what%%:*}" >>"$work/allowed.txt"
        else
            echo "fault: $kernel $target $rest"
            bad=1
        fi
    done < <(sort "$work/results.txt")
    [[ ! -e $work/allowed.txt ]] || sort "$work/allowed.txt" | uniq -c |
        awk '{ count = $1; sub(/^ *[0-9]+ /, ""); print "allowed, see offline_allowances.txt: " $0 ", " count " times" }'
    for target in "${targets[@]}"; do
        echo "$target: $(grep -c "^$target " "$work/jobs.txt") compilations," \
            "$(grep -cE "^[a-z_]+ $target .*\| clean$" "$work/results.txt") clean"
    done
    return "$bad"
}

if [[ ${1:-} == --one ]]; then
    work=$2
    compile "${@:3}"
    exit
fi
[[ $# -eq 1 ]] || fail "usage: offline.sh FOLDER"
rm -rf "$1"
mkdir -p "$1"
work=$(cd "$1" && pwd)
[[ -x $clang && -x $llvm_nm && -d $libclc ]] || fail "no clang-22, llvm-22 and libclc-22"
[[ -x $ocloc ]] || fail "no ocloc (intel-opencl-icd)"
ptxas=$(find_ptxas)
echo "clang: $(with_libraries "$clang_root" "$clang" --version | head -n 1)"
echo "ptxas: ${ptxas:-none here: registers and spills on NVIDIA are not checked}"
with_libraries "$clang_root" "$clang" "${clang_flags[@]}" "${nvidia_flags[@]}" \
    -Xclang -mlink-builtin-bitcode -Xclang "$libclc/nvptx64--nvidiacl.bc" \
    -c -emit-llvm "$here/libdevice.cl" -o "$work/libdevice.bc"
check_planted
check_kernels
