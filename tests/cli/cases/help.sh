# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# --help and --version, and what the command says without or with wrong words.

common="device kernel threads verbose json"
selection="mode select block-size block-size-q block-size-k score-reduce dense-generation-rows
    keep-first keep-diagonal keep-generation score-scale window sinks"
options_devices="$common self-test"
options_attend="$common $selection input output attention gen-length scale dtype"
options_generate="$common $selection model prompt prompt-file example raw-prompt gen-length steps
    sampler gen-block-length attention compare skip schedule dtype
    pattern-in pattern-out pattern-out-steps pattern-scores pattern-tag pattern-cache"

# $1 command, $2 its options: the help lists these, and no other.
check_help() {
    accept "$1" --help
    [ ! -s "$ERR" ] || flunk "words on stderr: $(cat "$ERR")"
    head -n 1 "$OUT" | grep -q "^usage: sparsed $1 " || flunk "no usage line: $(head -n 1 "$OUT")"
    sed -n 's/^  \(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' "$OUT" | sort >listed
    # shellcheck disable=SC2086 # words
    printf '%s\n' $2 | sort >expected
    cmp -s listed expected || flunk "listed or expected only: $(sort listed expected | uniq -u)"
    awk 'length($0) > 100' "$OUT" >long
    [ ! -s long ] || flunk "longer than 100: $(cat long)"
}

# Each option is known to the parser: given twice it is refused for that, or, a switch, for its
# value.
check_known() {
    for option in $2; do
        refuse 2 "--$option " "$1" "--$option=1" "--$option=1"
        grep -qE 'is given twice|takes no value' "$ERR" || flunk "$(cat "$ERR")"
    done
}

test_help__of_devices() {
    check_help devices "$options_devices"
    check_known devices "$options_devices"
}

test_help__of_attend() {
    check_help attend "$options_attend"
    check_known attend "$options_attend"
}

test_help__of_generate() {
    check_help generate "$options_generate"
    check_known generate "$options_generate"
}

test_help__lists_every_command() {
    for word in --help -h help; do
        accept "$word"
        [ ! -s "$ERR" ] || flunk "words on stderr"
        for name in generate attend pattern devices; do
            grep -q "^  $name " "$OUT" || flunk "$word does not list $name"
        done
    done
}

test_help__short_form() {
    accept attend -h
    cp "$OUT" short
    accept attend --help
    cmp -s short "$OUT" || flunk "-h and --help differ"
}

test_version__is_three_numbers() {
    accept --version
    grep -qxE 'sparsed [0-9]+\.[0-9]+\.[0-9]+' "$OUT" || flunk "$(cat "$OUT")"
    [ "$(wc -l <"$OUT")" -eq 1 ] || flunk "more than a line"
}

test_command__unknown_is_named() {
    refuse 2 "'genrate'" genrate
    refuse 2 "'--json'" --json
    refuse 2 "'Generate'" Generate
    refuse 2 "'attend '" 'attend '
}

test_command__none_prints_the_help_on_stderr() {
    status=0
    "$SPARSED" >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 2 ] || flunk "exit code $status"
    [ ! -s "$OUT" ] || flunk "words on stdout"
    grep -q '^usage: sparsed COMMAND' "$ERR" || flunk "no usage on stderr"
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
        usable=$(grep -c ' usable: ' "$OUT")
        passed=$(grep -c ' usable: passed' "$OUT")
        [ "$usable" -ge 1 ] || flunk "no kernel is usable: $(cat "$OUT")"
        [ "$usable" -eq "$passed" ] || flunk "a self-test failed: $(cat "$OUT")"
    done
}

test_devices__refuses_unknown_ones() {
    refuse 2 "--nothing" devices --nothing
    refuse 1 "--device is 'gpu'; known are: auto" devices --device gpu
    refuse 1 "--device is 'opencl:99'" devices --device opencl:99
    refuse 1 "--device is 'opencl:no such maker'" devices --device "opencl:no such maker"
    refuse 1 "--device is 'opencl:0:99'" devices --device opencl:0:99
    refuse 2 "'cpu-fast'" devices --kernel cpu-fast
    refuse 2 "--threads is 1025" devices --threads 1025
    SPARSED_DEVICE=opencl:99 refuse 1 "SPARSED_DEVICE is 'opencl:99'" devices
    SPARSED_DEVICE=gpu refuse 1 "SPARSED_DEVICE" devices
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
    refuse 1 "no opencl: /nonexistent/libOpenCL.so.1: cannot open" devices --device opencl
    refuse 1 "no opencl: /nonexistent/libOpenCL.so.1: cannot open" devices --device opencl:0:1
    SPARSED_DEVICE=opencl refuse 1 "SPARSED_DEVICE is 'opencl'" devices
    unset SPARSED_OPENCL_LIBRARY
    mkdir none
    export OCL_ICD_VENDORS="$PWD/none"
    accept devices
    grep -q '^opencl *not available: ' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '^chosen: cpu, ' "$OUT" || flunk "$(cat "$OUT")"
    refuse 1 "--device is 'opencl'; known are: auto, cpu; no opencl: " devices --device opencl
}

# The option goes before the variable; an empty variable is none.
test_devices__option_before_the_environment() {
    export SPARSED_DEVICE=gpu
    accept devices --device cpu
    SPARSED_DEVICE=
    accept devices
}
