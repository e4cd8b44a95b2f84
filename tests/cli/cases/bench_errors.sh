# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What `sparsed bench` refuses, before it measures anything.

test_bench__names_what_is_no_list_or_out_of_range() {
    refuse 2 "--shape names 'gpt', not llada-8b, dream-7b or tiny" bench --shape tiny,gpt
    refuse 2 "--shape is 'tiny,'" bench --shape tiny,
    refuse 2 "--dtype is 'f64'" bench --dtype f32,f64
    refuse 2 "--length is '1024;2048', not a list such as 1024,4096" bench --length '1024;2048'
    refuse 2 "--length names 0 rows" bench --length 0,64
    refuse 2 "--length is 'all'" bench --length all
    refuse 2 "--length is '64-128', not a list such as 1024,4096" bench --length 64-128
    refuse 2 "--length names 101 lengths, more than 64" bench --length "$(seq -s , 100 200)"
    refuse 2 "--select is '0.3,'" bench --select 0.3,
    refuse 2 "--select is 1.5, not in (0, 1]" bench --select 0.3,1.5
    refuse 2 "--select is 0, not in (0, 1]" bench --select 0
    refuse 2 "--block-size names '48'" bench --block-size 32,48
    refuse 2 "--block-size names '32x'" bench --block-size 32x
    refuse 2 "--mode is 'best'" bench --mode best
    refuse 2 "--pattern is 'none', not built, random or shared" bench --pattern none
    refuse 2 "--rounds is 0, not 1 to 256" bench --rounds 0
    refuse 2 "--warm-up is 0" bench --warm-up 0
    refuse 2 "--seconds is -1, below 0" bench --seconds -1
    refuse 2 "--steps is 0" bench --steps 0
    refuse 2 "--gen-length is 200, above the shortest --length 128" bench --gen-length 200 --length 128,256
    refuse 2 "--rest-ms is -1, below 0" bench --rest-ms -1
    refuse 2 "--rest-ms has 2 numbers, not 1 or one for each of the 3 lengths" bench --rest-ms 1,2
    refuse 2 "--length is '512,256', which must rise where --rest-ms has a number for each" \
        bench --length 512,256 --rest-ms 7,1
}

test_bench__names_what_is_twice_in_a_list() {
    refuse 2 "--shape names tiny twice" bench --shape tiny,dream-7b,tiny
    refuse 2 "--dtype names f32 twice" bench --dtype f32,f32
    refuse 2 "--length names 64 twice" bench --length 64,128,064
    refuse 2 "--select names 0.3 twice" bench --select 0.3,0.5,0.30 --block-size 32,64
    refuse 2 "--block-size names 32x32 twice" bench --select 0.3,0.5 --block-size 32,64,32x32
}

test_bench__names_a_shape_by_hand_that_is_none() {
    refuse 2 "--heads, --kv-heads and --dim go without --shape" bench --shape tiny --heads 4
    refuse 2 "--heads is missing" bench --dim 64
    refuse 2 "--heads is 0, not 1 to 4096" bench --heads 0
    refuse 2 "--heads is 5, no multiple of --kv-heads 2" bench --heads 5 --kv-heads 2
    refuse 2 "--dim is 60, no multiple of 8" bench --heads 4 --dim 60
    refuse 2 "--dim is 512, not 8 to 256" bench --heads 4 --dim 512
    refuse 2 "--layers is 0" bench --heads 4 --layers 0
}

test_bench__names_words_that_do_not_go_together() {
    refuse 2 "--json and --csv both go to standard output" bench --json --csv
    refuse 2 "--kernel goes with one device, not --device all" bench --device all --kernel cpu-plain
    refuse 2 "--limit-steps goes with --run-schedule" bench --limit-steps 3
    refuse 2 "--serve goes without reports" bench --serve --json
    refuse 2 "--serve takes one device" bench --serve
    refuse 2 "--serve takes one device" bench --serve --length 64 --device all
}

# Not to speak of a run.
test_bench__names_a_page_before_a_device_is_opened() {
    refuse 1 "no/such/folder/page.html" bench --html no/such/folder/page.html --device opencl:9:9
}

test_bench__names_a_schedule_or_device_that_is_none() {
    refuse 2 "--schedule 'sideways" bench --schedule sideways --length 64
    refuse 2 "--skip is 2, not in [0, 1]" bench --skip 2 --length 64
    refuse 2 "--device is 'gpu'; known are: all, auto, cpu, opencl[:PLATFORM[:DEVICE]]" \
        bench --device gpu --length 64
    SPARSED_DEVICE=all refuse 2 "SPARSED_DEVICE is 'all'; known are: auto, cpu, " bench --length 64
    refuse 1 "opencl:9:9" bench --device opencl:9:9 --length 64
    refuse 2 "--kernel is 'cpu-sideways'; cpu has: cpu-" bench --device cpu --kernel cpu-sideways --length 64
}

# A file that is not what the option takes is a fault of the command line; one that cannot be read is not.
test_bench__names_files_that_cannot_be_read_or_written() {
    echo '{"sparsed_bench": 7, "rows": []}' >base.json
    echo '{"rows": []}' >peers.json
    echo 'PASS MS' >text.txt
    prints="--baseline is not what \`sparsed bench --json\` prints: "
    writes="--peers is not what a script of tools/peers writes: "
    refuse 2 "${prints}base.json: \"sparsed_bench\": 7, this command reads 1" bench --baseline base.json
    refuse 2 "${prints}peers.json: \"sparsed_bench\" is missing" bench --baseline peers.json
    refuse 2 "${prints}text.txt: not valid JSON at byte 0" bench --baseline text.txt
    refuse 2 "${writes}peers.json: \"sparsed_peers\" is missing" bench --peers peers.json
    refuse 2 "${writes}text.txt: not valid JSON at byte 0" bench --peers text.txt
    for option in --baseline --peers; do
        refuse 1 "$option: missing.json: cannot open" bench $option missing.json
        refuse 1 "$option: .: not a regular file" bench $option .
    done
    refuse 1 "no/such/folder/page.html" bench --html no/such/folder/page.html
    cp base.json before.json
    refuse 2 "--html is 'before.json', which does not end in .html" bench --html before.json
    cmp base.json before.json || flunk "overwritten"
}

# A problem that cannot be run is told with the others, and the exit code says so.
test_bench__a_problem_that_fails_is_in_the_report() {
    status=0
    "$SPARSED" bench --device cpu --kernel cpu-avx512-bf16 --dtype f32 --heads 1 --length 64 \
        --rounds 1 >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status"
    one_line "1 of the measurements failed"
    grep -q "64 rows: failed: " "$OUT" || flunk "no reason: $(cat "$OUT")"
}

# A level that there is not is a fault of the CPU, and of nothing else.
test_bench__other_devices_do_without_the_cpu() {
    export SPARSED_CPU_ISA=avx9
    status=0
    "$SPARSED" bench --device all --heads 1 --dim 32 --dtype f32 --length 64 --rounds 1 --json \
        >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status"
    one_line "1 of the measurements failed"
    grep -q "\"failure\":.*\"SPARSED_CPU_ISA is 'avx9'; known are: " "$OUT" || flunk "$(cat "$OUT")"
    "$SPARSED" devices | grep -q '^opencl:0:0 .* usable$' || skip_case "there is no OpenCL device"
    accept bench --device opencl --heads 1 --dim 32 --dtype f32 --length 64 --rounds 1
    grep -q '^by hand, 64 rows: ' "$OUT" || flunk "$(cat "$OUT")"
}

# A problem without memory for it is told before it takes any; the others are measured.
test_bench__a_problem_without_memory_is_in_the_report() {
    status=0
    "$SPARSED" bench --device cpu --kernel cpu-plain --dtype f32 --heads 4096 --kv-heads 1 --dim 256 \
        --length 16,16777215 --rounds 1 --seconds 0 >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status"
    one_line "1 of the measurements failed"
    grep -q "16777215 rows: failed: it needs .* TiB (192.0 TiB for q, k, v, out and a copy of one, .* for kept blocks), and .* are left$" "$OUT" ||
        flunk "no reason: $(cat "$OUT")"
    grep -q "by hand, 16 rows: " "$OUT" || flunk "the other was not measured: $(cat "$OUT")"
    # Which cpu-plain does without.
    ! grep -q OpenBLAS "$OUT" || flunk "$(head -n 1 "$OUT")"
}

test_bench_serve__a_line_that_names_no_pass_ends_it() {
    status=0
    printf 'dense\nsideways\n' | "$SPARSED" bench --serve --device cpu --heads 1 --dim 16 \
        --length 64 >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status"
    one_line "'sideways', not dense, dense+build, build or sparse"
    [ "$(wc -l <"$OUT")" -eq 2 ] || flunk "not ready and one time: $(cat "$OUT")"
}
