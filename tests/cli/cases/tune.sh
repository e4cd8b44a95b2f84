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
    grep -qF "at most 0.9 of the dense time" "$OUT" || flunk "$(tail -n 4 "$OUT")"
    [ "$(grep -c 'ratio 0.3: sparse .*measured: 32 to 64)$' "$OUT")" -eq 2 ] ||
        flunk "$(tail -n 4 "$OUT")"
}

# Rows of other problems stay, those of the same are replaced, but by one of fewer lengths.
test_bench_tune__keeps_other_rows() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 32,64 --block-size 16 --select 0.3,0.5
    tune --length 48 --block-size 16 --select 0.5,0.7
    rows | cut -d ' ' -f 6-8 | sort >stored
    printf '%s\n' '0.3000 32 64' '0.5000 32 64' '0.7000 48 48' | cmp - stored ||
        flunk "$(cat crossover.txt)"
    grep -q "ratio 0.5: not stored: the table's row of 32 to 64 rows is wider" "$OUT" ||
        flunk "$(tail -n 4 "$OUT")"
    tune --length 64,80 --block-size 16 --select 0.3,0.7
    rows | cut -d ' ' -f 6-8 | sort >stored
    printf '%s\n' '0.3000 64 80' '0.5000 32 64' '0.7000 64 80' | cmp - stored ||
        flunk "$(cat crossover.txt)"
    grep -q "ratio 0.3: sparse .*; replaces the table's row of 32 to 64 rows$" "$OUT" ||
        flunk "$(tail -n 4 "$OUT")"
}

# None loses what another has stored meanwhile.
test_bench_tune__several_at_once() {
    export SPARSED_CACHE_DIR="$PWD"
    for dim in 16 24 32 40; do
        "$SPARSED" bench --tune --device cpu --kernel cpu-plain --heads 1 --dim "$dim" --dtype f32 \
            --rounds 1 --seconds 0 --length 32 --block-size 16 --select 0.3 >"$dim.txt" 2>&1 &
    done
    wait
    rows | cut -d ' ' -f 3 | sort >stored
    printf '%s\n' 16 24 32 40 | cmp - stored || flunk "$(cat crossover.txt)"
}

# Nothing new: a failure, and the table is as it was.
test_bench_tune__says_that_nothing_was_stored() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 32,64 --block-size 16 --select 0.3
    cp crossover.txt before
    status=0
    "$SPARSED" bench --tune --device cpu --kernel cpu-plain --heads 2 --dim 32 --dtype f32 \
        --rounds 1 --seconds 0 --length 48 --block-size 16 --select 0.3 >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status"
    one_line "--tune: no row was stored"
    grep -q "^Nothing was stored" "$OUT" || flunk "$(tail -n 4 "$OUT")"
    cmp before crossover.txt || flunk "$(cat crossover.txt)"
}

# One key block, which is kept: as fast as dense attention, but for noise.
test_bench_tune__nothing_left_out_does_not_pay() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 16 --block-size 16 --select 0.3
    rows | cut -d ' ' -f 9 | grep -qx 0 || flunk "$(cat crossover.txt)"
    grep -q 'a sparse step: not up to 16 rows' "$OUT" || flunk "$(cat "$OUT")"
    grep -q 'the schedule: *not up to 16 rows' "$OUT" || flunk "$(cat "$OUT")"
}

test_bench_tune__is_what_auto_goes_by() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 250 --block-size 16 --select 0.3
    accept attend --device cpu --kernel cpu-plain --input "$ATTEND" --output out --attention auto \
        --gen-length 70 --mode upstream-llada --block-size 16 --select 0.3
    grep -q 'measured here)$' "$ERR" || flunk "$(cat "$ERR")"
}

# The report is one object or one table, whatever was stored.
test_bench_tune__is_in_every_report() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 32,64 --block-size 16 --select 0.3 --json --html page.html
    [ ! -s "$ERR" ] || flunk "$(cat "$ERR")"
    grep -qF "\"file\":	\"$PWD/crossover.txt\"" "$OUT" || flunk "$(cat "$OUT")"
    grep -q '"outcome":.*"stored"' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '"table_longest":.*null' "$OUT" || flunk "$(cat "$OUT")"
    grep -qF "<li>cpu: cpu-plain, f32, head dimension 32, blocks 16 x 16, ratio 0.3: sparse" page.html ||
        flunk "$(grep -A 9 'Stored for' page.html)"
    tune --length 64,80 --block-size 16 --select 0.3,0.5 --json
    grep -q '"outcome":.*"replaced"' "$OUT" || flunk "$(cat "$OUT")"
    tune --length 80 --block-size 16 --select 0.3,0.7 --json
    grep -q '"outcome":.*"kept"' "$OUT" || flunk "$(cat "$OUT")"
    grep -q '"table_longest":.*80' "$OUT" || flunk "$(cat "$OUT")"
    tune --length 32 --block-size 32 --select 0.3 --csv
    grep -q crossover.txt "$ERR" || flunk "$(cat "$ERR")"
    ! grep -q crossover.txt "$OUT" || flunk "$(cat "$OUT")"
}

# With several devices each line says whose it is.
test_bench_tune__names_the_device() {
    export SPARSED_CACHE_DIR="$PWD"
    tune --length 32,64 --block-size 16 --select 0.3
    tune --length 64 --block-size 16 --select 0.3,0.5
    grep -q "^  cpu: cpu-plain, f32, .*: not stored: the table's row" "$OUT" || flunk "$(cat "$OUT")"
    grep -q "^  cpu: cpu-plain, f32, .*, ratio 0.5: sparse" "$OUT" || flunk "$(cat "$OUT")"
}

# Before anything is measured.
test_bench_tune__names_a_table_that_cannot_be() {
    SPARSED_CACHE_DIR=off refuse 1 "--tune: there is no folder" bench --tune
    echo nonsense >crossover.txt
    SPARSED_CACHE_DIR=$PWD refuse 1 "crossover.txt: line 1" bench --tune
    grep -q "mend that file or delete it" "$ERR" || flunk "$(cat "$ERR")"
    grep -qx nonsense crossover.txt || flunk "overwritten"
    SPARSED_CACHE_DIR=$PWD/crossover.txt/in \
        refuse 1 "crossover.txt/in/crossover.txt: its folder cannot be made" bench --tune
    mkdir folder folder/crossover.txt
    SPARSED_CACHE_DIR=$PWD/folder refuse 1 "folder/crossover.txt: no file" bench --tune
}

test_bench_tune__names_words_that_do_not_go_with_it() {
    refuse 2 "--tune goes with --pattern built" bench --tune --pattern random
    refuse 2 "--tune goes with --pattern built" bench --tune --host-tensors
    refuse 2 "--tune goes with --pattern built" bench --tune --serve
}
