# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What `sparsed bench` says of the kernels that it runs, and of those that it cannot.

# shellcheck disable=SC2154 # run.sh sets it
kernels=$(dirname "$cases")/../../../cl/kernels

# One small problem, once; then words of its own.
bench_small() {
    accept bench --heads 1 --dim 32 --dtype f32 --length 64 --rounds 1 "$@"
}

# Kernels of which cl-cpu-shaped, the first that an OpenCL device of the processor takes, stores wrong
# numbers.
break_first_row() {
    "$SPARSED" devices --device opencl >"$OUT" 2>/dev/null || skip_case "no OpenCL device"
    grep -q '^kernel for f32: cl-cpu-shaped;' "$OUT" || skip_case "cl-cpu-shaped does not run here"
    mkdir kernels
    cp "$kernels"/* kernels
    sed 's/column\[i \* VECTORS\] \* inverse/& + 1.0f/' "$kernels/cpu_attend.cl" >kernels/cpu_attend.cl
    cmp -s kernels/cpu_attend.cl "$kernels/cpu_attend.cl" && flunk "nothing was changed"
    export SPARSED_KERNEL_DIR="$PWD/kernels"
}

test_bench__verbose_tells_the_kernel() {
    for device in cpu opencl; do
        "$SPARSED" devices --device $device >/dev/null 2>&1 || continue
        bench_small --device $device --verbose
        kernel=$(sed -n 's/^  128x32, ratio 0.3: \([^;]*\);.*/\1/p' "$OUT")
        grep -qE "^sparsed: kernel $kernel for f32, head_dim 32, .*; reason: " "$ERR" ||
            flunk "no kernel of $device: $(cat "$ERR")"
    done
}

test_bench__verbose_tells_what_is_refused() {
    break_first_row
    bench_small --device opencl --verbose
    grep -q '^sparsed: kernel cl-generic for f32, .*; refused: .*cl-cpu-shaped (self-test: ' "$ERR" ||
        flunk "$(cat "$ERR")"
}
