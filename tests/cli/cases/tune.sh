# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# sparsed bench --tune: what it stores, and that --attention auto goes by it.

# Then more words. Short runs: which lengths pay is not looked at.
tune() {
    accept bench --tune --device cpu --kernel cpu-plain --heads 2 --dim 32 --dtype f32 --rounds 1 \
        --seconds 0 "$@"
}

rows() {
    grep -v '^#' crossover.txt | tail -n +2
}

test_bench_tune__stores_rows() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 32,64 --block-size 16,32x16 --select 0.3
    [ "$(head -n 1 crossover.txt)" = "sparsed crossover 1" ] || flunk "$(cat crossover.txt)"
    rows | cut -d ' ' -f 1-8 >stored
    printf 'cpu-plain f32 32 %s 16 0.3000 32 64\n' 16 32 | cmp - stored || flunk "$(cat stored)"
    rows | cut -d ' ' -f 9 | grep -vxE '0|32|64' && flunk "a length that was not measured"
    grep -qF "in $PWD/crossover.txt:" "$OUT" || flunk "$(tail -n 4 "$OUT")"
    [ "$(grep -c 'density up to 0.3: sparse .*measured: 32 to 64)$' "$OUT")" -eq 2 ] ||
        flunk "$(tail -n 4 "$OUT")"
}

# Rows of other problems stay, those of the same are replaced.
test_bench_tune__keeps_other_rows() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 32,64 --block-size 16 --select 0.3,0.5
    tune --length 48 --block-size 16 --select 0.5,0.7
    rows | cut -d ' ' -f 6-8 | sort >stored
    printf '%s\n' '0.3000 32 64' '0.5000 48 48' '0.7000 48 48' | cmp - stored ||
        flunk "$(cat crossover.txt)"
}

test_bench_tune__is_what_auto_goes_by() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 250 --block-size 16 --select 0.3
    accept attend --device cpu --kernel cpu-plain --input "$ATTEND" --output out --attention auto \
        --gen-length 70 --mode upstream-llada --block-size 16 --select 0.3
    grep -q 'measured here)$' "$ERR" || flunk "$(cat "$ERR")"
}

# Nothing but JSON on stdout.
test_bench_tune__tells_json_apart() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 32 --block-size 16 --select 0.3 --json
    grep -q crossover.txt "$ERR" || flunk "$(cat "$ERR")"
    ! grep -q crossover.txt "$OUT" || flunk "$(cat "$OUT")"
}

# Before anything is measured.
test_bench_tune__names_a_table_that_cannot_be() {
    SPARSED_CACHE_DIR=off refuse 1 "--tune: there is no folder" bench --tune
    echo nonsense >crossover.txt
    SPARSED_CACHE_DIR=$PWD refuse 1 "crossover.txt: line 1" bench --tune
}

test_bench_tune__names_words_that_do_not_go_with_it() {
    refuse 2 "--tune goes with --pattern built" bench --tune --pattern random
    refuse 2 "--tune goes with --pattern built" bench --tune --host-tensors
    refuse 2 "--tune goes with --pattern built" bench --tune --serve
}
