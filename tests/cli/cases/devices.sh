# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# `sparsed devices`, and what the other commands say of a device. Cases that need an OpenCL device
# are skipped where there is none.

# shellcheck disable=SC2154 # run.sh sets it
kernels=$(dirname "$cases")/../../../cl/kernels

# Leaves the selector of the first OpenCL device in $opencl.
need_opencl() {
    "$SPARSED" devices --device opencl >"$OUT" 2>/dev/null || skip_case "no OpenCL device"
    opencl=$(sed -n 's/^chosen: \([^,]*\),.*/\1/p' "$OUT")
}

# Kernels of which cl-generic stores wrong numbers.
break_generic_row() {
    mkdir kernels
    cp "$kernels"/* kernels
    sed 's/acc\[r\]\[c\] \* inverse/& + 1.0f/' \
        "$kernels/generic_attend.cl" >kernels/generic_attend.cl
    cmp -s kernels/generic_attend.cl "$kernels/generic_attend.cl" && flunk "nothing was changed"
    export SPARSED_KERNEL_DIR="$PWD/kernels"
}

# $1 exit code, $2 text of stderr's one line, then the words: a listing on stdout all the same.
list_and_fail() {
    code=$1
    text=$2
    shift 2
    status=0
    "$SPARSED" devices "$@" >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq "$code" ] || flunk "exit code $status, not $code: $* ($(cat "$ERR"))"
    one_line "$text"
    [ -s "$OUT" ] || flunk "nothing on stdout"
}

test_devices__tells_the_kernels() {
    accept devices --device cpu
    grep -q '^chosen: cpu, ' "$OUT" || flunk "no device chosen: $(cat "$OUT")"
    grep -q '^  cpu-plain ' "$OUT" || flunk "no cpu-plain: $(cat "$OUT")"
    accept devices --device cpu --threads 2 --json
    grep -q '"chosen":.*"cpu"' "$OUT" || flunk "no device chosen: $(cat "$OUT")"
    grep -q '"threads":.*2' "$OUT" || flunk "not 2 threads: $(cat "$OUT")"
}

# A line for each device: selector, kind, units, memory, verdict.
test_devices__lists_them() {
    accept devices
    grep -qE '^cpu +cpu +[0-9]+ threads? +[0-9.]+ GiB +usable$' "$OUT" || flunk "$(cat "$OUT")"
    accept devices --json
    for key in selector kind name vendor driver capabilities usable verdict note; do
        grep -q "\"$key\":" "$OUT" || flunk "no $key: $(cat "$OUT")"
    done
    grep -q '"kind":.*"cpu"' "$OUT" || flunk "no cpu: $(cat "$OUT")"
}

# The CPU's, and those of the first OpenCL device if there is one.
test_devices__self_test_passes_where_a_kernel_is_usable() {
    for device in cpu opencl; do
        "$SPARSED" devices --device $device >"$OUT" 2>/dev/null || continue
        accept devices --device $device --self-test
        [ ! -s "$ERR" ] || flunk "words on stderr, which is no terminal: $(cat "$ERR")"
        usable=$(grep -c '^ *usable: ' "$OUT")
        passed=$(grep -c '^ *usable: passed' "$OUT")
        [ "$usable" -ge 1 ] || flunk "no kernel is usable: $(cat "$OUT")"
        [ "$usable" -eq "$passed" ] || flunk "a self-test failed: $(cat "$OUT")"
    done
}

test_devices__refuses_unknown_ones() {
    refuse 2 "--nothing" devices --nothing
    refuse 2 "--device is 'gpu'; known are: auto, cpu, opencl[:PLATFORM[:DEVICE]]" \
        devices --device gpu
    refuse 2 ", such as opencl:NVIDIA" devices --device nvidia
    refuse 2 "--device is ''; known are" devices --device ''
    refuse 2 "--device is 'cpu:0'; known are" devices --device cpu:0
    refuse 2 "--device is 'opencl:': PLATFORM is empty" devices --device opencl:
    refuse 2 "--device is 'opencl::0': PLATFORM is empty" devices --device opencl::0
    refuse 2 "--device is 'opencl:0:': DEVICE is empty" devices --device opencl:0:
    list_and_fail 1 "--device is 'opencl:99'; there are: " --device opencl:99
    list_and_fail 1 "--device is 'opencl:no such maker'" --device "opencl:no such maker"
    list_and_fail 1 "--device is 'opencl:0:99'" --device opencl:0:99
    refuse 2 "'cpu-fast'" devices --kernel cpu-fast
    refuse 2 "--threads is 1025" devices --threads 1025
    SPARSED_DEVICE=opencl:99 list_and_fail 1 "SPARSED_DEVICE is 'opencl:99'"
    SPARSED_DEVICE=gpu refuse 2 "SPARSED_DEVICE is 'gpu'; known are" devices
}

# A machine without libOpenCL, and one without drivers: a line says so, and the CPU does all.
test_devices__without_opencl() {
    export SPARSED_OPENCL_LIBRARY=/nonexistent/libOpenCL.so.1
    accept devices
    grep -q '^opencl' "$OUT" || skip_case "built without OpenCL"
    grep -q '^opencl *not available: /nonexistent/libOpenCL.so.1: cannot open' "$OUT" ||
        flunk "$(cat "$OUT")"
    grep -q '^chosen: cpu, ' "$OUT" || flunk "$(cat "$OUT")"
    accept devices --json
    grep -q '"verdict":.*"/nonexistent/libOpenCL.so.1: cannot open' "$OUT" || flunk "$(cat "$OUT")"
    list_and_fail 1 "no opencl: /nonexistent/libOpenCL.so.1: cannot open" --device opencl
    list_and_fail 1 "no opencl: /nonexistent/libOpenCL.so.1: cannot open" --device opencl:0:1
    SPARSED_DEVICE=opencl list_and_fail 1 "SPARSED_DEVICE is 'opencl'"
    unset SPARSED_OPENCL_LIBRARY
    mkdir none
    export OCL_ICD_VENDORS="$PWD/none"
    accept devices
    grep -q '^opencl *not available: ' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^chosen: cpu, ' "$OUT" || flunk "$(cat "$OUT")"
    list_and_fail 1 "--device is 'opencl'; there are: cpu (" --device opencl
    grep -qF '); no opencl: ' "$ERR" || flunk "$(cat "$ERR")"
}

# The option goes before the variable; an empty variable is none.
test_devices__option_before_the_environment() {
    export SPARSED_DEVICE=gpu
    accept devices --device cpu
    SPARSED_DEVICE=
    accept devices
}

# The highest level in use, and none in place of one that cannot be had.
test_devices__tells_the_level() {
    export SPARSED_CPU_ISA=baseline
    accept devices --device cpu
    grep -q '^ *level: baseline$' "$OUT" || flunk "$(cat "$OUT")"
    accept devices --device cpu --json
    grep -q '"isa":.*"baseline"' "$OUT" || flunk "$(cat "$OUT")"
    SPARSED_CPU_ISA=avx1024
    list_and_fail 1 "SPARSED_CPU_ISA is 'avx1024'; known are: baseline, avx2, " --device cpu
    grep -q "^cpu .* not usable: SPARSED_CPU_ISA is 'avx1024'; known are: " "$OUT" ||
        flunk "$(cat "$OUT")"
    grep -q '^chosen: none$' "$OUT" || flunk "$(cat "$OUT")"
    list_and_fail 1 "SPARSED_CPU_ISA is 'avx1024'" --json
    grep -q '"chosen":.*""' "$OUT" || flunk "$(cat "$OUT")"
    refuse 1 "SPARSED_CPU_ISA is 'avx1024'" attend --input "$ATTEND" --output out \
        --attention dense --device cpu
    SPARSED_CPU_ISA=
    accept devices --device cpu
}

# OpenBLAS matters at the level baseline alone.
test_devices__warns_of_openblas_at_baseline_alone() {
    mkdir fake
    echo "not a library" | tee fake/libopenblas.so >fake/libopenblas.so.0
    LD_LIBRARY_PATH="$PWD/fake${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export LD_LIBRARY_PATH OPENBLAS_CORETYPE=Haswell
    SPARSED_CPU_ISA=baseline accept devices --device cpu
    grep -q '^ *note: libopenblas.so.0 was not found' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^ *OPENBLAS_CORETYPE is Haswell' "$OUT" || flunk "$(cat "$OUT")"
    unset SPARSED_CPU_ISA
    accept devices --device cpu
    ! grep -q '^ *level: baseline$' "$OUT" || skip_case "no level above baseline"
    ! grep -qE '^ *(note: libopenblas|OPENBLAS_CORETYPE)' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^ *no OpenBLAS, which cpu-blas alone needs$' "$OUT" || flunk "$(cat "$OUT")"
}

# The kernel for each storage type, and what each kernel takes.
test_devices__tells_the_storage_types() {
    accept devices --device cpu
    grep -q '^  cpu-plain .*; takes f32, f16, bf16$' "$OUT" || flunk "$(cat "$OUT")"
    accept devices --device cpu --json
    tr -d '\n\t' <"$OUT" | grep -q '"name":"cpu-plain"[^}]*"dtypes":\["f32",[^]]*"bf16"\]' ||
        flunk "$(cat "$OUT")"
    tr -d '\n\t' <"$OUT" | grep -q '"kernel":{"f32":"cpu-[^"]*","f16":"cpu-[^"]*","bf16":"cpu-' ||
        flunk "$(cat "$OUT")"
    for device in cpu opencl; do
        "$SPARSED" devices --device $device >"$OUT" 2>/dev/null || continue
        for type in f32 f16 bf16; do
            grep -q "^kernel for $type: c[pl]" "$OUT" || flunk "no $type: $(cat "$OUT")"
        done
    done
    export SPARSED_CPU_ISA=avx512-bf16
    "$SPARSED" devices --device cpu >"$OUT" 2>/dev/null || skip_case "no level avx512-bf16"
    grep -q '^  cpu-avx512-bf16 .*; takes bf16$' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^kernel for f32: cpu-avx512; ' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^kernel for bf16: cpu-avx512-bf16; ' "$OUT" || flunk "$(cat "$OUT")"
    grep -q ' usable: passed 1 self-test (bf16: error at most ' "$OUT" || flunk "$(cat "$OUT")"
    accept devices --device cpu --kernel cpu-avx512-bf16
    [ "$(grep '^kernel' "$OUT" | head -n 1)" = \
        "kernel for bf16: cpu-avx512-bf16; reason: asked for" ] || flunk "$(cat "$OUT")"
}

# Why this device and this kernel, in the table and in the object.
test_devices__says_why() {
    accept devices --device cpu
    grep -qE '^chosen: cpu, [0-9]+ threads?; runner-up: none; reason: asked for as cpu$' "$OUT" ||
        flunk "$(cat "$OUT")"
    grep -q '^kernel for f32: cpu-.*; reason: the first that is usable and passed its self-test$' "$OUT" ||
        flunk "$(cat "$OUT")"
    grep -qE ' usable: passed [1-3] self-tests? \(' "$OUT" || flunk "$(cat "$OUT")"
    accept devices --device CPU --kernel cpu-plain --verbose
    grep -q '^kernel for f32: cpu-plain; reason: asked for$' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^sparsed: kernel cpu-plain, f32, head_dim 64, dense: self-test passed$' "$ERR" ||
        flunk "$(cat "$ERR")"
    grep -q '^sparsed: kernel cpu-plain for f32, head_dim 64, dense; reason: asked for$' "$ERR" ||
        flunk "$(cat "$ERR")"
    accept devices --device CPU --kernel cpu-plain --json
    for text in '"reason":.*"asked for as CPU"' '"runner_up":.*""' \
        '"kernel_reason":.*"asked for"'; do
        grep -q "$text" "$OUT" || flunk "no $text: $(cat "$OUT")"
    done
    accept devices
    chosen=$(sed -n 's/^chosen: \([^,]*\),.*/\1/p' "$OUT")
    ! grep '^chosen:' "$OUT" | grep -q 'asked for' || flunk "nobody asked: $(cat "$OUT")"
    grep -q "^kernels of $chosen, best first:" "$OUT" || flunk "$(cat "$OUT")"
}

# Names of kernels fit their column.
test_devices__names_do_not_touch_the_next_column() {
    for device in cpu opencl; do
        "$SPARSED" devices --device $device >"$OUT" 2>/dev/null || continue
        ! grep -qE '^  c[pl][a-z0-9-]+ [^ ]' "$OUT" || flunk "$(cat "$OUT")"
    done
}

test_devices__a_kernel_that_fails_its_self_test() {
    need_opencl
    break_generic_row
    list_and_fail 1 "self-tests on $opencl failed: cl-generic" --device opencl --self-test
    grep -q '^  *not usable: failed [0-9]* of [0-9]* self-tests: self-test: dense output' "$OUT" ||
        flunk "$(cat "$OUT")"
    ! grep -q '^  *usable: failed' "$OUT" || flunk "$(cat "$OUT")"
    list_and_fail 1 "cl-generic" --device opencl --self-test --json
    tr -d '\n\t' <"$OUT" | grep -q '"name":"cl-generic"[^}]*"usable":false,"verdict":"failed ' ||
        flunk "$(cat "$OUT")"
}

# Then nothing was tested.
test_devices__a_kernel_that_does_not_build() {
    need_opencl
    mkdir kernels
    cp "$kernels"/* kernels
    echo '#error as the test has it' >kernels/generic_attend.cl
    export SPARSED_KERNEL_DIR="$PWD/kernels"
    # A driver's compiler may have words of its own on stderr.
    ! "$SPARSED" devices --device opencl --self-test >"$OUT" 2>"$ERR" || flunk "no failure"
    grep -q "^sparsed devices: self-tests on $opencl failed: cl-generic$" "$ERR" || flunk "$(cat "$ERR")"
    grep -q "^  *not usable: generic_attend does not build on $opencl: " "$OUT" ||
        flunk "$(cat "$OUT")"
}

# None that runs does not hide what is known of them all.
test_devices__no_kernel_at_all() {
    need_opencl
    break_generic_row
    list_and_fail 1 "kernel cl-generic, which was asked for, does not run this problem: self-test: dense" \
        --device opencl --kernel cl-generic
    grep -q '^kernel for f32: none$' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^  *not usable: failed 3 of 3 self-tests: ' "$OUT" || flunk "$(cat "$OUT")"
}

# A row that does not apply here is no failure.
test_devices__self_test_without_openblas() {
    mkdir fake
    echo "not a library" | tee fake/libopenblas.so >fake/libopenblas.so.0
    LD_LIBRARY_PATH="$PWD/fake${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export LD_LIBRARY_PATH
    accept devices --device cpu --self-test
    grep -q '^  *not usable: libopenblas' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^  *usable: passed [1-9][0-9]* self-tests' "$OUT" || flunk "$(cat "$OUT")"
}

# What a terminal sees while the tests run: a line for each kernel, before its own.
test_devices__self_test_tells_its_progress() {
    accept devices --device cpu --self-test --verbose
    grep -q '^sparsed: kernel cpu-plain: self-tests$' "$ERR" || flunk "$(cat "$ERR")"
    grep -q '^sparsed: kernel cpu-plain, f16, head_dim 128, upstream-dream, ' "$ERR" ||
        flunk "$(cat "$ERR")"
    command -v script >/dev/null || skip_case "no script(1) to make a terminal"
    script -qec "'$SPARSED' devices --device cpu --self-test >out" typescript >/dev/null
    grep -q 'sparsed: kernel cpu-plain: self-tests' typescript || flunk "$(cat typescript)"
    ! grep -q 'kernel cpu-plain, f16' typescript || flunk "too many lines: $(cat typescript)"
    script -qec "'$SPARSED' devices --device cpu >out" typescript >/dev/null
    ! grep -q 'sparsed:' typescript || flunk "$(cat typescript)"
}

# Compute units are no threads.
test_devices__units_in_the_other_commands() {
    for device in cpu opencl; do
        "$SPARSED" devices --device $device --json >"$OUT" 2>/dev/null || continue
        chosen=$(sed -n 's/^.*"chosen":.*"\(.*\)",$/\1/p' "$OUT")
        accept attend --input "$ATTEND" --output out --attention dense --device $device --json
        cp "$OUT" attend.json
        accept generate --model "$LLADA" --prompt hello --gen-length 8 --steps 2 --attention dense \
            --device $device --json
        cp "$OUT" generate.json
        for file in attend.json generate.json; do
            grep -q "\"device\":.*\"$chosen\"" $file || flunk "not on $chosen: $(cat $file)"
            grep -q '"compute_units":' $file || flunk "no compute_units: $(cat $file)"
            if [ $device = cpu ]; then
                grep -q '"threads":' $file || flunk "no threads: $(cat $file)"
            else
                ! grep -q '"threads":' $file || flunk "threads: $(cat $file)"
            fi
        done
        accept generate --model "$LLADA" --prompt hello --gen-length 8 --steps 2 --attention dense \
            --device $device
        units=thread
        [ $device = cpu ] || units="compute unit"
        grep -qE "; kernel c[pl][a-z0-9-]+ on $chosen, [0-9]+ ${units}s?\$" "$ERR" ||
            flunk "$(cat "$ERR")"
    done
}
