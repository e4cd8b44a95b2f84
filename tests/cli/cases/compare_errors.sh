# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What `sparsed compare` refuses, and that it leaves nothing behind.

# $1 exit code, $2 text, then options: a quick record with something wrong in the words.
refuse_record() {
    code=$1
    text=$2
    shift 2
    refuse "$code" "$text" compare record --self-check "$@"
}

# $1 exit code, $2 text, then options: a problem of the user's.
refuse_input() {
    code=$1
    text=$2
    shift 2
    refuse "$code" "$text" compare record -o out.safetensors --input "$@"
}

test_compare__names_its_subcommands() {
    refuse 2 "which subcommand?" compare
    refuse 2 "'recrod' is not a subcommand" compare recrod
    accept compare --help
    for name in record report; do
        grep -q "^  $name " "$OUT" || flunk "$name is not listed"
    done
}

test_compare_report__names_words_at_fault() {
    refuse 2 "FILE... is missing" compare report
    refuse 2 "one of FILE... is ''" compare report ''
    refuse 2 "--html is 'page.txt'" compare report r.safetensors --html page.txt
    refuse 2 "--tolerance is -1" compare report r.safetensors --tolerance=-1
    refuse 2 "--tolerance is 1," compare report r.safetensors --tolerance 1
    refuse 2 "absent.safetensors" compare report absent.safetensors
    need_file "$ATTEND"
    refuse 2 "is no record" compare report "$ATTEND"
    # shellcheck disable=SC2046 # words
    refuse 2 "'r26' is one too many, 26 are the most" compare report $(seq -f r%g 0 26)
}

# Exit code 1 would say that the verdict is fail.
test_compare_report__that_cannot_be_written_is_no_verdict() {
    accept compare record --self-check --device cpu -o r.safetensors
    refuse 2 "absent/page.html" compare report r.safetensors --html absent/page.html
    mkdir page.html
    refuse 2 "page.html" compare report r.safetensors --html page.html
    for words in "" --json; do
        status=0
        # shellcheck disable=SC2086 # words
        "$SPARSED" compare report r.safetensors $words >&- 2>"$ERR" || status=$?
        [ "$status" -eq 2 ] || flunk "exit code $status, stdout closed: $(cat "$ERR")"
        one_line "standard output"
        [ -c /dev/full ] || continue
        status=0
        # shellcheck disable=SC2086 # words
        "$SPARSED" compare report r.safetensors $words >/dev/full 2>"$ERR" || status=$?
        [ "$status" -eq 2 ] || flunk "exit code $status, stdout full: $(cat "$ERR")"
        one_line "standard output"
    done
}

test_compare_record__names_the_option_that_is_missing() {
    refuse 2 "--output is missing" compare record
    refuse 2 "--output is missing" compare record --device all --json
    refuse_input 2 "--gen-length is missing" "$ATTEND"
}

test_compare_record__names_words_that_do_not_go_together() {
    refuse_record 2 "--self-check runs the suite" --input "$ATTEND" --gen-length 9
    refuse_record 2 "--kernel goes with one device" --device all --kernel cl-generic
    for word in gen-length=9 dtype=f16 mode=paper select=0.3 block-size=32 block-size-q=32 \
        block-size-k=32 score-reduce=sum; do
        refuse_record 2 "--${word%%=*} goes with --input" "--$word"
    done
}

test_compare_record__names_values_out_of_range() {
    refuse_record 2 "--output is 'r.bin'" -o r.bin
    refuse_record 2 "--output is '.safetensors'" -o .safetensors
    refuse_record 2 "--label is not UTF-8, or has control" --label "$(printf 'a\033[2J')"
    refuse_record 2 "--label is not UTF-8, or has control" --label "$(printf 'a\nb')"
    refuse_record 2 "--label is ''" --label ''
    refuse_record 2 "--label is '123456789" \
        --label 1234567890123456789012345678901234567890123456789012345678901234
    refuse_record 2 "--seed is '-1'" --seed -1
    refuse_record 2 "--threads is 1025" --threads 1025
    refuse_record 2 "--threads is 1025" --device all --threads 1025
    refuse_input 2 "--mode is 'window'" "$ATTEND" --gen-length 9 --mode window
    refuse_input 2 "--select is 0," "$ATTEND" --gen-length 9 --select 0
    refuse_input 2 "--block-size is 33" "$ATTEND" --gen-length 9 --block-size 33
    refuse_input 2 "--score-reduce is 'mean'" "$ATTEND" --gen-length 9 --score-reduce mean
    refuse_input 2 "--dtype is 'fp8'" "$ATTEND" --gen-length 9 --dtype fp8
    need_file "$ATTEND"
    refuse_input 2 "--gen-length is 251," "$ATTEND" --gen-length 251
}

test_compare_record__names_devices_and_kernels_that_are_not_there() {
    refuse_record 2 "--device is 'gpu'; known are: all, auto, cpu, " --device gpu
    refuse_record 1 "--device is 'opencl:99'" --device opencl:99
    refuse_record 2 "--kernel is 'nv_mma'" --kernel nv_mma
}

# The CPU is left out because of the environment, which is a fault, and never without a word.
test_compare_record__names_a_device_that_it_leaves_out() {
    status=0
    SPARSED_CPU_ISA=avx9 "$SPARSED" compare record --device all --self-check --json \
        >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status: $(cat "$ERR")"
    grep -q "^sparsed compare: cpu (.*) is left out: SPARSED_CPU_ISA is 'avx9'" "$ERR" ||
        flunk "it is not named: $(cat "$ERR")"
    if [ ! -s "$OUT" ]; then
        grep -q "no device is usable" "$ERR" || flunk "nothing is recorded: $(cat "$ERR")"
    else
        grep -q "^sparsed compare: not all devices are recorded" "$ERR" || flunk "$(cat "$ERR")"
        tr -d ' \t\n' <"$OUT" | grep -q '"left_out":\[{"selector":"cpu","name":' ||
            flunk "--json does not name it"
    fi
}

test_compare_record__names_what_is_no_input_file() {
    refuse_input 1 "absent.safetensors" absent.safetensors --gen-length 9
    printf 'this is text' >text
    refuse_input 1 "text" text --gen-length 9
}

test_compare_record__keeps_its_input() {
    need_file "$ATTEND"
    cp "$ATTEND" in.safetensors
    ln -s in.safetensors alias.safetensors
    for output in in.safetensors ./in.safetensors alias.safetensors; do
        refuse 2 "is the --input file" compare record --input in.safetensors --gen-length 9 \
            -o "$output"
        cmp -s in.safetensors "$ATTEND" || flunk "the input was changed"
    done
}

# The name of the CPU's record is made of --output.
test_compare_record__keeps_its_input_of_all_devices() {
    need_file "$ATTEND"
    cp "$ATTEND" in.cpu.safetensors
    refuse 2 "in.cpu.safetensors is the --input file" compare record --input in.cpu.safetensors \
        --gen-length 9 --device all -o in.safetensors
    cmp -s in.cpu.safetensors "$ATTEND" || flunk "the input was changed"
}

# Before anything runs: the input, which is not there, is not yet looked for.
test_compare_record__writes_nothing_where_it_cannot() {
    mkdir r.safetensors all.cpu.safetensors
    for words in "-o absent/r.safetensors" "-o r.safetensors" \
        "-o absent/r.safetensors --device all" "-o all.safetensors --device all"; do
        # shellcheck disable=SC2086 # words
        refuse 1 safetensors compare record --input none --gen-length 9 $words
        grep -q "cannot" "$ERR" || flunk "$words: $(cat "$ERR")"
        if grep -q "none" "$ERR"; then flunk "$words: $(cat "$ERR")"; fi
    done
}

test_compare_record__fails_where_devices_could_not_be_recorded() {
    refuse 1 "devices could not be recorded: " compare record --input absent.safetensors \
        --gen-length 9 --device all --json -o r.safetensors
}

# A device whose kernels cannot be had: the record is written, and the exit code tells.
test_compare_record__fails_where_no_kernel_runs() {
    mkdir kernels
    status=0
    SPARSED_KERNEL_DIR=kernels SPARSED_CPU_ISA=baseline "$SPARSED" compare record --self-check \
        --device opencl -o r.safetensors >"$OUT" 2>"$ERR" || status=$?
    if grep -q 'no usable OpenCL\|--device is .opencl' "$ERR"; then
        skip_case "there is no OpenCL device"
    fi
    [ "$status" -eq 1 ] || flunk "exit code $status: $(cat "$ERR")"
    one_line "did not run: "
    grep -q '^fail ' "$OUT" || flunk "no case is told: $(cat "$OUT")"
    [ -s r.safetensors ] || flunk "there is no record"
}
