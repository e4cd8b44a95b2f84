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
options_compare_record="$common output self-check label seed input gen-length dtype mode select
    block-size block-size-q block-size-k score-reduce"
options_bench="$common shape heads kv-heads dim layers dtype length gen-length select block-size mode
    pattern schedule steps skip rest-ms run-schedule limit-steps rounds warm-up seconds host-tensors
    tune baseline peers serve html csv"

# $1 command (and subcommand), $2 its options: the help lists these, and no other.
check_help() {
    # shellcheck disable=SC2086 # words
    accept $1 --help
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
        # shellcheck disable=SC2086 # words
        refuse 2 "--$option " $1 "--$option=1" "--$option=1"
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

test_help__of_compare_record() {
    check_help "compare record" "$options_compare_record"
    check_known "compare record" "$options_compare_record"
}

test_help__of_bench() {
    check_help bench "$options_bench"
    check_known bench "$options_bench"
}

test_help__of_generate() {
    check_help generate "$options_generate"
    check_known generate "$options_generate"
}

test_help__lists_every_command() {
    for word in --help -h help; do
        accept "$word"
        [ ! -s "$ERR" ] || flunk "words on stderr"
        for name in generate attend pattern bench compare devices; do
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
