# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# --attention auto: which row decides, what runs then, and what is said of it.

# The user's table is a file here. $1: from how many keys on attention of both models pays.
table() {
    export SPARSED_CACHE_DIR="$PWD"
    printf 'sparsed crossover 1\n%s\n%s\n' "cpu-plain f32 32 16 16 0.3000 16 2000 $1 " \
        "cpu-plain f32 32 32 32 0.3000 16 2000 $1 " >crossover.txt
}

# $1 output file, $2 method, then more words.
attend() {
    output=$1
    method=$2
    shift 2
    selection="--mode upstream-llada --block-size 16 --select 0.25"
    [ "$method" != dense ] || selection=
    # shellcheck disable=SC2086 # words
    accept attend --device cpu --kernel cpu-plain --input "$ATTEND" --output "$output" \
        --attention "$method" --gen-length 70 $selection "$@"
}

test_attend_auto__stays_dense_below_the_row() {
    table 251
    attend auto.safetensors auto
    grep -qx 'auto: dense: 250 keys, and sparse pays from 251 on (cpu-plain, f32, head dimension 32, blocks 16 x 16, density 0.3; measured here)' \
        "$ERR" || flunk "$(cat "$ERR")"
    attend dense.safetensors dense
    cmp auto.safetensors dense.safetensors || flunk "not what dense attention gives"
}

test_attend_auto__is_sparse_from_the_row_on() {
    table 250
    attend auto.safetensors auto
    grep -q '^auto: sparse: 250 keys, and sparse pays from 250 on' "$ERR" || flunk "$(cat "$ERR")"
    attend sparsed.safetensors sparsed
    cmp auto.safetensors sparsed.safetensors || flunk "not what sparsed gives"
}

test_attend_auto__tells_row_and_reason_in_json() {
    table 251
    attend auto.safetensors auto --json
    grep -q '"attention":.*"auto"' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '"runs":.*"dense"' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '"row":.*"measured here"' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '"pays_from":.*251' "$OUT" || flunk "$(cat "$OUT")"
    [ ! -s "$ERR" ] || flunk "words on stderr"
}

# Nothing is known of cpu-plain without a table: sparse, and it says so.
test_attend_auto__without_a_row_is_sparse() {
    export SPARSED_CACHE_DIR=off
    attend auto.safetensors auto --json
    grep -q '"runs":.*"sparsed"' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '"row":.*"none"' "$OUT" || flunk "$(cat "$OUT")"
    grep -q 'nothing was measured for 250 keys on cpu-plain' "$OUT" || flunk "$(cat "$OUT")"
}

test_generate_auto__shipped_row() {
    export SPARSED_CACHE_DIR=off
    grep -qs ' avx2 ' /proc/cpuinfo || skip_case "not a processor with AVX2"
    accept generate --model "$DREAM" --device cpu --kernel cpu-avx2 --prompt "The boat" \
        --gen-length 8 --attention auto --json
    grep -q '"row":.*"none"' "$OUT" || flunk "$(cat "$OUT")" # less than was measured
    accept generate --model "$DREAM" --device cpu --kernel cpu-avx2 --example niah_single-512 \
        --steps 4 --skip 0 --attention auto --json
    grep -q '"row":.*"shipped default"' "$OUT" || flunk "$(cat "$OUT")"
}

test_attend_auto__names_a_damaged_table() {
    table 250
    echo nonsense >>crossover.txt
    refuse 1 "crossover.txt: line 4" attend --device cpu --input "$ATTEND" --output out \
        --attention auto --gen-length 70 --mode upstream-llada
    refuse 1 "crossover.txt: line 4" generate --model "$LLADA" --prompt One --attention auto
}

# $1 method, then more words; 8 tokens after the prompt.
generate() {
    method=$1
    shift
    accept generate --model "$LLADA" --device cpu --kernel cpu-plain --prompt "One, two" \
        --gen-length 24 --attention "$method" "$@"
}

test_generate_auto__stays_dense_below_the_row() {
    table 1000
    generate auto
    cp "$OUT" answer
    grep -q '^auto: dense: .* from 1000 on .*; measured here)$' "$ERR" || flunk "$(cat "$ERR")"
    grep -q '^steps dense+build+sparse  *24+0+0$' "$ERR" || flunk "$(cat "$ERR")"
    grep -q 'auto stayed dense' "$ERR" || flunk "$(cat "$ERR")"
    generate dense
    cmp answer "$OUT" || flunk "another answer than dense attention's"
}

test_generate_auto__is_sparse_from_the_row_on() {
    table 20
    generate auto --json
    grep -q '"runs":.*"sparsed"' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '"sparse":.*18' "$OUT" || flunk "$(cat "$OUT")"
    grep '"text"' "$OUT" >answer
    generate sparsed --json
    grep '"text"' "$OUT" | cmp - answer || flunk "another answer than sparsed's"
}

test_generate_auto__compares_with_dense() {
    table 1000
    generate auto --compare
    grep -qE '^ +auto +dense$' "$ERR" || flunk "$(cat "$ERR")"
    grep -q '^tokens equal to dense  *24/24$' "$ERR" || flunk "$(cat "$ERR")"
}

test_generate_auto__goes_without_pattern_files() {
    for file in in out cache; do
        refuse 2 "--pattern-$file goes with --attention sparsed, not auto" generate \
            --model "$LLADA" --prompt One --attention auto "--pattern-$file" x.spdp
    done
    refuse 2 "--compare names sparsed" generate --model "$LLADA" --prompt One --attention auto \
        --compare=sparsed
}
