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

# The next kernel runs, which may be much slower.
test_bench__tells_kernels_that_failed() {
    bench_small --device cpu
    ! grep -q 'refused: ' "$OUT" || flunk "$(cat "$OUT")"
    bench_small --device cpu --json
    tr -d ' \n\t' <"$OUT" | grep -q '"refused":\[\]' || flunk "$(cat "$OUT")"
    break_first_row
    reason='failed [0-9]* of [0-9]* self-tests*: self-test: '
    bench_small --device opencl
    grep -q "^  refused: cl-cpu-shaped ($reason" "$OUT" || flunk "$(cat "$OUT")"
    [ "$(grep -c '^  refused: ' "$OUT")" -eq 1 ] || flunk "kernels of other devices: $(cat "$OUT")"
    bench_small --device opencl --csv --html page.html
    head -n 1 "$OUT" | grep -q ',verdict$' || flunk "$(cat "$OUT")"
    ! grep -q cl-cpu-shaped "$OUT" || flunk "$(cat "$OUT")"
    grep -q "^opencl:.*: refused: cl-cpu-shaped ($reason" "$ERR" || flunk "$(cat "$ERR")"
    grep -q "Refused: cl-cpu-shaped ($reason" page.html || flunk "not in the page"
    bench_small --device opencl --json
    tr -d '\n\t' <"$OUT" |
        grep -q "\"refused\": *\[{\"kernel\": *\"cl-cpu-shaped\", *\"reason\": *\"$reason" ||
        flunk "$(cat "$OUT")"
    cp "$OUT" before.json
    bench_small --device opencl --baseline before.json
    grep -q '^Baseline before.json: .* 0 not in it' "$OUT" || flunk "$(cat "$OUT")"
}
