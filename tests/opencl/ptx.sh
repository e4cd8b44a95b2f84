# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# OpenCL C to PTX, with clang; for offline.sh and the emulated device, which source this.
# Environment: CLANG_ROOT  folder with clang-22, llvm-22 and libclc-22, unpacked; unset = installed

clang_root=${CLANG_ROOT:-}
clang=$clang_root/usr/lib/llvm-22/bin/clang
libclc=$clang_root/usr/lib/clc
clang_flags=(-x cl -cl-std=CL1.2 -O3 -nogpulib -Wall -Wextra -Xclang -finclude-default-header)
nvidia_target=(-target nvptx64-nvidia-nvcl -Xclang -target-feature -Xclang +ptx80 -Wno-linker-warnings)
nvidia_library=(-Xclang -mlink-builtin-bitcode -Xclang "$libclc/nvptx64--nvidiacl.bc")
# Some variants of a kernel nv_* do without a function or a parameter; a loop over registers that is not
# unrolled shows as a stack frame.
nvidia_warnings=(-Wno-unused-function -Wno-unused-parameter -Wno-pass-failed)

with_libraries() {
    local library=$1/usr/lib
    LD_LIBRARY_PATH=$library/x86_64-linux-gnu:$library/llvm-22/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "${@:2}"
}

run_clang() { with_libraries "$clang_root" "$clang" "$@"; }

# Since clang 21 a kernel calls a function of its own, which is not inlined: here it is.
inline_kernels() {
    perl -e 'local $/; $_ = <STDIN>;
        my %group = map { $_ => 1 } /^define [^\n]*\@__clang_ocl_kern_imp_[^\n]* #(\d+)/mg;
        s/^define dso_local (?=[^\n]*\@__clang_ocl_kern_imp_)/define internal /mg;
        s/^(attributes #(\d+) = [^\n]*) noinline /$1 . ($group{$2} ? " alwaysinline " : " noinline ")/mge;
        print;'
}

# To the PTX of stdin what the driver writes of reqd_work_group_size: $1, the same in LLVM's language.
state_group() {
    perl -e 'local $/; open my $ll, "<", $ARGV[0]; my $text = <$ll>; $_ = <STDIN>;
        while ($text =~ /^define [^\n]*ptx_kernel [^\n]*\@(\w+)\([^\n]*!reqd_work_group_size !(\d+)/mg) {
            my ($name, $size) = ($1, $2);
            $text =~ /^!$size = !\{i32 (\d+), i32 (\d+), i32 (\d+)\}/m or next;
            my $group = ".reqntid $1, $2, $3";
            s/(\.entry $name\b[^{]*\n)\{/$1$group\n{/;
        }
        print;' "$1"
}

# To $2: $1, libdevice.cl.
make_libdevice() {
    run_clang "${clang_flags[@]}" "${nvidia_target[@]}" "${nvidia_library[@]}" -c -emit-llvm "$1" -o "$2"
}

# To nvidia.ptx, from OpenCL C, with the bitcode $1: processor $2, file $3; $4 is 1 for a kernel that is to be
# one function with its group's size, as the driver's PTX has it; then options. What clang says goes to stdout.
make_ptx() {
    local flags=("${nvidia_target[@]}" -Xclang -target-cpu -Xclang "$2")
    local inline=cat state=(cat)
    if [[ $4 -eq 1 ]]; then
        flags+=("${nvidia_warnings[@]}")
        inline=inline_kernels
        state=(state_group nvidia.ll)
    fi
    run_clang "${clang_flags[@]}" "${flags[@]}" "${nvidia_library[@]}" \
        -Xclang -mlink-builtin-bitcode -Xclang "$1" -Xclang -disable-llvm-passes \
        "${@:5}" -S -emit-llvm "$3" -o clang.ll 2>&1 || true
    [[ -s clang.ll ]] || return 0
    "$inline" <clang.ll >nvidia.ll
    run_clang -x ir -O3 "${flags[@]}" -S nvidia.ll -o clang.ptx 2>&1 || true
    [[ ! -s clang.ptx ]] || "${state[@]}" <clang.ptx >nvidia.ptx
}
