#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles every OpenCL kernel for GPUs that are not here: each storage type and several head
# dimensions, as the library would. Fails on a compiler's error or warning, an undefined symbol, a
# spill, a stack frame, more local memory than the 32 KiB that every device has; offline_allowances.txt
# has the exceptions. Kernels nv_* are for NVIDIA's targets alone, and may have more local memory; those
# with deferred PTX are promoted, by the library's own code, for sm_90a alone. What they take of a
# multiprocessor is in FOLDER/figures.txt. Kernels that must fail prove first that the checks can.
#   usage: bash tests/opencl/offline.sh FOLDER
# Environment: CLANG_ROOT, INTEL_ROOT  folders with clang-22, llvm-22 and libclc-22, and
#                                      intel-opencl-icd, unpacked; unset = installed
#              SPARSED_KERNEL_DIR      folder of the kernels (cl/kernels)
#              JOBS                    compilers at a time (2)
#              CC                      for the program that promotes (cc)
# Without ptxas (CUDA's; on PATH or in /usr/local/cuda/bin) NVIDIA's part ends with PTX, and says so.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kernels=${SPARSED_KERNEL_DIR:-$here/../../cl/kernels}
families=$here/../../cl/families.c
marker='//@90a '
targets=(gfx90a gfx942 gfx1100 gfx1201 dg2 pvc sm_80 sm_90a)
dims=(40 64 128)         # with every storage type
more_dims=(24 32 96 256) # with f32 alone: what is unrolled differs
most_local_bytes=32768
# Of kernels nv_*, with what a launch does (SPD_FLAGS): block sizes, query x key, in bf16 at D = 128; at D = 64
# the first three; the first one in f16, too, and in f32 if the kernel takes it.
nvidia_flags=(1 5 4)
nvidia_blocks=(128x128 128x32 16x16 32x32 64x64 16x128 128x16)
# With SECOND, which makes scores of squares, these alone.
nvidia_square_flags=(37 36)
nvidia_square_blocks=(128x128 128x32 16x16 64x64)
# Local memory of a work-group at compute capability 8.6, the least from 8.0 on, and 9.0.
most_nvidia_bytes=101376
most_promoted_bytes=232448
# Of nv_mma_attend in bf16 and f16, of which two are to run at a time: half of the 164 KiB of a multiprocessor at
# compute capability 8.0, less the 1 KiB that each reserves.
most_pair_bytes=82944

# shellcheck source=tests/opencl/ptx.sh
source "$here/ptx.sh"
llvm_nm=$clang_root/usr/lib/llvm-22/bin/llvm-nm
intel_root=${INTEL_ROOT:-}
ocloc=$intel_root/usr/bin/ocloc

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

find_ptxas() {
    command -v ptxas || { [[ -x /usr/local/cuda/bin/ptxas ]] && echo /usr/local/cuda/bin/ptxas; } ||
        true
}

# ---- one compilation: figures and faults go to the log --------------------------------------

# Clang also makes a function of each kernel, which nothing calls, and warns of its local memory.
compile_amd() {
    run_clang "${clang_flags[@]}" -target amdgcn-amd-amdhsa \
        -mcpu="$1" -Xclang -mlink-builtin-bitcode -Xclang "$libclc/amdgcn-amd-amdhsa.bc" \
        -Rpass-analysis=kernel-resource-usage -I"$kernels" "${@:3}" -c "$2" -o amd.o 2>&1 |
        grep -v 'local memory global used by non-kernel function' || true
    if [[ -s amd.o ]]; then
        with_libraries "$clang_root" "$llvm_nm" -u amd.o | sed 's/^ *U /fault: undefined symbol /'
    else
        echo "fault: no object"
    fi
}

# Whether a kernel has deferred PTX.
is_promoted() { grep -qF "$marker" "$1"; }

# ptxas takes 48 KiB of local memory that the kernel sizes itself: more is declared without its size.
# The bytes go to stderr.
hide_local_memory() {
    perl -e 'local $/; $_ = <STDIN>; my $bytes = 0;
        my $array = qr/^\s*\.shared (\.align (\d+) \.b8 [\w\$.]+)\[(\d+)\];\n/m;
        while (/$array/g) { $bytes = int(($bytes + $2 - 1) / $2) * $2 + $3; }
        print STDERR $bytes;
        if ($bytes > 49152) {
            my $arrays = "";
            s/$array/$arrays .= ".extern .shared $1\[\];\n"; ""/ge;
            s/(^\.address_size.*\n)/$1$arrays/m;
        }
        print;'
}

# $1 kernel's name, $2 1 if it is promoted, then options.
most_nvidia_local_bytes() {
    if [[ $2 -eq 1 ]]; then
        echo "$most_promoted_bytes"
    elif [[ $1 == nv_mma_attend && " ${*:3} " != *' -DSPD_DTYPE=1 '* ]]; then
        echo "$most_pair_bytes"
    elif [[ $1 == nv_* ]]; then
        echo "$most_nvidia_bytes"
    else
        echo "$most_local_bytes"
    fi
}

compile_nvidia() {
    local ptxas promoted=0 one_function=0 bytes processor=$1
    if is_promoted "$2"; then
        promoted=1
        processor=${1%a} # as the driver compiles
    fi
    [[ ${2##*/} != nv_* ]] || one_function=1 # these set registers for their groups
    make_ptx "$work/libdevice.bc" "$processor" "$2" "$one_function" -I"$kernels" "${@:3}"
    if [[ ! -s nvidia.ptx ]]; then
        echo "fault: no PTX"
        return
    fi
    perl -e 'local $/; $_ = <STDIN>;
        my %here = map { $_ => 1 } /\.func\s*(?:\([^)]*\)\s*)?(\w+)\s*\([^)]*\)\s*\{/g;
        my @named = /\.func\s*(?:\([^)]*\)\s*)?(\w+)\s*\([^)]*\)\s*;/g;
        print "fault: undefined symbol $_\n" for grep { !$here{$_} } @named;' <nvidia.ptx
    if [[ $promoted -eq 1 ]]; then
        "$work/promote_ptx" <nvidia.ptx >promoted.ptx 2>promote.log ||
            echo "fault: compiler: not promoted: $(cat promote.log)"
        mv promoted.ptx nvidia.ptx
    fi
    hide_local_memory <nvidia.ptx >small.ptx 2>bytes
    bytes=$(cat bytes)
    [[ $bytes -le $(most_nvidia_local_bytes "$(basename "$2" .cl)" "$promoted" "${@:3}") ]] ||
        echo "fault: local memory: $bytes bytes"
    ptxas=$(find_ptxas)
    [[ -n $ptxas ]] || return 0
    "$ptxas" -arch="$1" -v small.ptx -o nvidia.cubin 2>&1 | sed "s/bytes smem/bytes seen/" || true
    echo "figures: $bytes bytes of local memory"
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
        /[Pp]otential [Pp]erformance [Ll]oss|serialized/ { print "fault: compiler: " $0; next }
        /INVALID|[Ee]rror|[Ww]arning|fatal/ && !/^[0-9]+ warnings? generated/ {
            print "fault: compiler: " $0 }' "$1"
}

# What a kernel takes of a multiprocessor, from the words of ptxas: one line.
find_figures() {
    awk '/^figures: / { sub(/^figures: /, ""); local_memory = $0 }
        /bytes stack frame/ { stack = $1; spilled = $5 + $9 }
        / Used [0-9]+ registers/ { sub(/.* Used /, ""); sub(/ registers.*/, ""); registers = $0 }
        END {
            if (registers)
                print registers " registers, " stack " bytes of stack, " spilled " spilled, " local_memory
        }' "$1"
}

# $1 target, $2 file, then options: a line for the results, or several; of nv_* one with figures.
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
    if [[ $name == nv_* ]]; then
        find_figures log | sed "s/^/$name $target ${*:3} | figures: /"
    fi
    if [[ -s faults ]]; then
        sed "s/^fault: /$name $target ${*:3} | /" faults
    else
        echo "$name $target ${*:3} | clean"
    fi
    rm -rf "$folder"
}

# ---- what is compiled -------------------------------------------------------------------------

# What cl/families.c says of the families whose field $1 is kernel $2, without blanks.
family_of() {
    tr -d ' \n' <"$families" | sed 's/{\.source=/\n&/g' | grep -F ".$1=\"$2\"" || true
}

# Query rows of a unit: $1 kernel, $2 head dimension.
unit_rows() {
    family_of source "$1" | sed 's/.*max_rows={\([0-9,]*\).*/\1/' |
        awk -F , -v dim="$2" '{ print dim <= 64 ? $1 : dim <= 128 ? $2 : $3 }'
}

# Of the attend kernel of a specialised family, $1.
list_specialised_options() {
    local flags blocks dim dtype more_dtypes=(2)
    ! grep -q 'SPD_DTYPE == 1' "$1" || more_dtypes=(1 2)
    for flags in "${nvidia_flags[@]}"; do
        for blocks in "${nvidia_blocks[@]}"; do
            echo " -DSPD_DTYPE=3 -DSPD_D=128 $(block_options "$blocks") -DSPD_FLAGS=$flags"
        done
        for blocks in "${nvidia_blocks[@]:0:3}"; do
            echo " -DSPD_DTYPE=3 -DSPD_D=64 $(block_options "$blocks") -DSPD_FLAGS=$flags"
        done
        for dtype in "${more_dtypes[@]}"; do
            for dim in 64 128; do
                echo " -DSPD_DTYPE=$dtype -DSPD_D=$dim $(block_options "${nvidia_blocks[0]}")" \
                    "-DSPD_FLAGS=$flags"
            done
        done
    done
    for flags in "${nvidia_square_flags[@]}"; do
        for blocks in "${nvidia_square_blocks[@]}"; do
            echo " -DSPD_DTYPE=3 -DSPD_D=128 $(block_options "$blocks") -DSPD_FLAGS=$flags"
        done
    done
    echo " -DSPD_DTYPE=3 -DSPD_OUT_DTYPE=1 -DSPD_D=128 $(block_options "${nvidia_blocks[0]}") -DSPD_FLAGS=1"
}

# $1 as in nvidia_blocks.
block_options() { echo "-DSPD_BLOCK_Q=${1%x*} -DSPD_BLOCK_K=${1#*x}"; }

list_specialised_score_options() {
    local blocks
    for blocks in "${nvidia_blocks[@]}"; do
        echo " $(block_options "$blocks")"
    done
}

# Option sets of a kernel, one a line: a kernel that does not mention a macro does not vary with it.
list_options() {
    local file=$1 name dtype dim dtypes=("") own_dims=("") rows
    name=$(basename "$file" .cl)
    if [[ $(family_of source "$name") == *.specialised=true* ]]; then
        list_specialised_options "$file"
        return
    elif [[ $(family_of score "$name") == *.specialised=true* ]]; then
        list_specialised_score_options
        return
    fi
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

# Whether a kernel is for a target: $1 file, $2 target.
is_for() {
    local name
    name=$(basename "$1" .cl)
    if is_promoted "$1"; then
        [[ $2 == sm_90a ]]
    elif [[ $name == nv_* ]]; then
        [[ $2 == sm_* ]]
    elif allowed "$name" "$2" left_out; then
        return 1
    fi
}

list_jobs() {
    local file target options
    for file in "$kernels"/*.cl; do
        for target in "${targets[@]}"; do
            is_for "$file" "$target" || continue
            while read -r options; do
                echo "$target $file${options:+ $options}" # a blank at the end joins lines
            done < <(list_options "$file")
        done
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
    # Faults of promoted PTX alone: not promoted, they are comments.
    cat >"$work/planted/nv_no_instruction.cl" <<'KERNEL'
__kernel __attribute__((reqd_work_group_size(128, 1, 1))) void nv_no_instruction(__global float *x) {
    __asm__ volatile("//@90a wgmma.no_instruction.sync.aligned;" ::: "memory");
    x[0] = 1.0f;
}
KERNEL
    cat >"$work/planted/nv_serialized.cl" <<'KERNEL'
#define PRODUCT                                                                                    \
    __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0, %1, %2, %3}, " \
                     "%4, %4, 1, 1, 1, 0, 0;"                                                      \
                     : "+f"(a), "+f"(b), "+f"(c), "+f"(d)                                          \
                     : "l"(tile))
__kernel __attribute__((reqd_work_group_size(128, 1, 1))) void nv_serialized(__global float *x,
                                                                            const ulong tile) {
    float a = x[0], b = x[1], c = x[2], d = x[3];
    __asm__ volatile("//@90a wgmma.fence.sync.aligned;" ::: "memory");
    PRODUCT;
    a *= 2.0f; /* before it is waited for */
    PRODUCT;
    __asm__ volatile("//@90a wgmma.commit_group.sync.aligned;" ::: "memory");
    __asm__ volatile("//@90a wgmma.wait_group.sync.aligned 0;" ::: "memory");
    x[get_local_id(0)] = a + b + c + d;
}
KERNEL
    cat >"$work/planted/nv_local_memory.cl" <<'KERNEL'
__kernel __attribute__((reqd_work_group_size(128, 1, 1))) void nv_local_memory(__global uchar *x) {
    __local uchar tiles[240000];
    __asm__ volatile("//@90a wgmma.fence.sync.aligned;" ::: "memory");
    tiles[get_local_id(0) * 1000] = x[get_local_id(0)];
    barrier(CLK_LOCAL_MEM_FENCE);
    x[get_local_id(0)] = tiles[x[0] * 100];
}
KERNEL
    # Two of them do not fit a multiprocessor of compute capability 8.0.
    cat >"$work/planted/nv_mma_attend.cl" <<'KERNEL'
__kernel __attribute__((reqd_work_group_size(128, 1, 1))) void nv_mma_attend(__global uchar *x) {
    __local uchar tiles[82945];
    tiles[get_local_id(0) * 600] = x[get_local_id(0)];
    barrier(CLK_LOCAL_MEM_FENCE);
    x[get_local_id(0)] = tiles[x[0] * 300];
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
            echo "$target $work/planted/local_memory.cl"
            echo "$target $work/planted/nv_mma_attend.cl -DSPD_DTYPE=3"
            [[ -z $(find_ptxas) ]] || echo "$target $work/planted/stack.cl"
            ;;
        esac
        [[ $target == sm_90a ]] || continue
        echo "$target $work/planted/nv_local_memory.cl"
        [[ -z $(find_ptxas) ]] || echo "$target $work/planted/nv_no_instruction.cl"
        [[ -z $(find_ptxas) ]] || echo "$target $work/planted/nv_serialized.cl"
    done >"$work/planted.txt"
    run_jobs "$work/planted.txt" "$work/planted-results.txt"
    while read -r target kernel rest; do
        kernel=$(basename "$kernel" .cl)
        case $kernel in
        undefined) want='undefined symbol sparsed_missing' ;;
        local_memory) want='local memory: 36000' ;;
        nv_mma_attend) want='local memory: 82945' ;;
        nv_local_memory) want='local memory: 240000' ;;
        nv_no_instruction) want='compiler: ptxas .*error' ;;
        nv_serialized) want='compiler: ptxas .*serialized' ;;
        *) want='spills: ' ;;
        esac
        grep -q "^$kernel $target .*| $want" "$work/planted-results.txt" ||
            fail "a planted fault was not found: $kernel on $target"
        lines=$((lines + 1))
    done <"$work/planted.txt"
    echo "$lines planted faults were found"
}

# The most of each figure, kernel by kernel.
summarize_figures() {
    awk '{ at = index($0, " | figures: "); key = $1 " on " $2; split(substr($0, at + 12), part, / [^0-9]*/)
            count[key]++
            for (i = 1; i <= 4; i++) if (part[i] + 0 > most[key, i]) most[key, i] = part[i] + 0 }
        END { for (key in count)
            print key ", " count[key] " variants: at most " most[key, 1] + 0 " registers, " \
                most[key, 2] + 0 " bytes of stack, " most[key, 3] + 0 " spilled, " \
                most[key, 4] + 0 " bytes of local memory" }' "$work/figures.txt" | sort
}

check_kernels() {
    local kernel target rest what bad=0
    list_jobs >"$work/jobs.txt"
    run_jobs "$work/jobs.txt" "$work/all-results.txt"
    grep -v ' | figures: ' "$work/all-results.txt" >"$work/results.txt"
    grep ' | figures: ' "$work/all-results.txt" | sort >"$work/figures.txt" || true
    summarize_figures
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
echo "clang: $(run_clang --version | head -n 1)"
echo "ptxas: ${ptxas:-none here: registers and spills on NVIDIA are not checked}"
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -I"$here/../.." -I"$here/../../include" \
    "$here/promote_ptx.c" "$here"/../../{cl/promote.c,src/alloc.c,src/error.c} -o "$work/promote_ptx"
make_libdevice "$here/libdevice.cl" "$work/libdevice.bc"
check_planted
check_kernels
