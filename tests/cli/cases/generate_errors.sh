# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What `sparsed generate` refuses in its words and prompts.

# $1 exit code, $2 text, then options.
refuse_llada() {
    code=$1
    text=$2
    shift 2
    refuse "$code" "$text" generate --model "$LLADA" "$@"
}

refuse_prompted() {
    code=$1
    text=$2
    shift 2
    refuse_llada "$code" "$text" --prompt "One, two" "$@"
}

test_generate__names_words_that_are_no_options() {
    refuse 2 "'--promt'" generate --promt x
    refuse 2 "'hello'" generate hello
    refuse 2 "--prompt needs a value" generate --prompt
    refuse 2 "--prompt is given twice" generate --prompt a --prompt b
    refuse 2 "--raw-prompt takes no value" generate --raw-prompt=1
    refuse 2 "--compare is given twice" generate --compare --compare
}

test_generate__names_lengths_out_of_range() {
    refuse_prompted 2 "--gen-length is 0," --gen-length 0
    refuse_prompted 2 "--steps is 0," --steps 0
    refuse_prompted 2 "--gen-length is 1048577," --gen-length 1048577
    refuse_prompted 2 "--steps is 1048577," --steps 1048577
    refuse_prompted 2 "--gen-length is '-4'" --gen-length -4
    refuse_prompted 2 "--gen-length is '1e2'" --gen-length 1e2
    refuse_prompted 2 "--skip is 1.5," --skip 1.5
    refuse_prompted 2 "--skip is -0.1," --skip -0.1
    refuse_prompted 2 "--skip is 'nan'" --skip nan
}

test_generate__names_generation_blocks_that_do_not_divide() {
    refuse_prompted 2 "--gen-block-length 3 does not divide --gen-length 40" --gen-block-length 3
    refuse_prompted 2 "--gen-block-length 80" --gen-block-length 80
    refuse_prompted 2 "--steps 15" --gen-block-length 20 --steps 15
    refuse_prompted 2 "entropy" --gen-block-length 20 --sampler entropy
    refuse_prompted 2 "--gen-block-length is 4294967316," --gen-block-length 4294967316
}

test_generate__names_a_selection_out_of_range() {
    refuse_prompted 2 "--select is 0," --select 0
    refuse_prompted 2 "--select is 1.5," --select 1.5
    refuse_prompted 2 "--select is 'nan'" --select nan
    refuse_prompted 2 "--block-size is 33," --block-size 33
    refuse_prompted 2 "--mode is 'llada'" --mode llada
    refuse_prompted 2 "--score-reduce is 'mean'" --score-reduce mean
}

test_generate__names_unknown_choices() {
    refuse_prompted 2 "--sampler is 'greedy'" --sampler greedy
    refuse_prompted 2 "--attention is 'sparse'" --attention sparse
    refuse_prompted 2 "--dtype is 'int8'" --dtype int8
    refuse_prompted 2 "'nonsense'" --compare nonsense
    refuse_prompted 2 "'nonsense'" --compare dense,nonsense
    refuse_prompted 2 "''" --compare window,,streaming
    refuse_prompted 2 "--schedule 'weekly'" --schedule weekly
    refuse_prompted 2 "window:9:3" --schedule window:9:3
    refuse_prompted 2 "window:3:17" --schedule window:3:17
    refuse_prompted 2 "window:3" --schedule window:3
}

test_generate__names_options_that_nothing_uses() {
    refuse_prompted 2 "--mode goes with" --attention dense --mode paper
    refuse_prompted 2 "--keep-first goes with" --attention window --keep-first 1
    refuse_prompted 2 "--dense-generation-rows goes with" --attention dense --dense-generation-rows
    refuse_prompted 2 "--window goes with" --window 9
    refuse_prompted 2 "--sinks goes with" --compare dense --sinks 9
}

test_generate__names_devices_and_kernels_that_are_not_there() {
    refuse_prompted 2 "--device is 'gpu'" --device gpu
    refuse_prompted 2 "--device is 'opencl:'" --device opencl:
    refuse_prompted 1 "--device is 'opencl:99'" --device opencl:99
    refuse_prompted 2 "--kernel is 'nv_mma'" --kernel nv_mma
    refuse_prompted 2 "--threads is 1025" --threads 1025
}

test_generate__names_an_example_that_is_not_there() {
    for name in niah_single niah_single- niah_single-512: -512 niah_single-512:x; do
        refuse 2 "'$name'" generate --model "$DREAM" --example "$name"
    done
    refuse 2 "tasks-513.jsonl" generate --model "$DREAM" --example niah_single-513
    refuse 2 "'haystack'" generate --model "$DREAM" --example haystack-512
    refuse 2 "no row 16" generate --model "$DREAM" --example niah_single-512:16
    # A model without examples.
    refuse_llada 2 "tasks-512.jsonl" --example niah_single-512
    refuse_llada 2 "give --prompt or --prompt-file"
}

test_generate__takes_one_prompt() {
    printf text >file
    refuse_llada 2 "give one of them, not 2" --prompt a --prompt-file file
    refuse_llada 2 "give one of them, not 2" --prompt a --example niah_single-512
    refuse_llada 2 "give one of them, not 3" --prompt a --prompt-file file --example niah_single-512
}

test_generate__refuses_an_empty_prompt() {
    : >empty
    refuse_llada 2 "empty" --prompt ""
    refuse_llada 2 "empty" --prompt=
    refuse_llada 2 "empty" --prompt "" --raw-prompt
    refuse_llada 2 "empty" --prompt-file empty
    echo >line
    refuse_llada 2 "empty" --prompt-file line
}

test_generate__names_what_is_no_prompt_file() {
    mkdir folder
    refuse_llada 1 "absent" --prompt-file absent
    refuse_llada 1 "folder: not a regular file" --prompt-file folder
    refuse_llada 1 "/dev/null: not a regular file" --prompt-file /dev/null
}

# llada-tiny has 1024 positions.
test_generate__names_prompt_and_limit_when_too_long() {
    refuse_prompted 2 "1024" --gen-length 1024
    grep -q -- "--gen-length 1024" "$ERR" || flunk "$(cat "$ERR")"
    awk 'BEGIN { for (i = 0; i < 3000; i++) printf "word%d ", i }' >long
    refuse_llada 2 "1024" --prompt-file long
    grep -qE "prompt of [0-9]+ tokens" "$ERR" || flunk "$(cat "$ERR")"
    head -c 2000000 /dev/zero | tr '\0' 'a' >huge
    refuse_llada 2 "1024" --prompt-file huge
}

test_generate__names_a_model_that_is_not_there() {
    refuse 1 "absent/config.json" generate --model absent --prompt x
    : >file
    refuse 1 "file/config.json" generate --model file --prompt x
    mkdir folder
    refuse 1 "folder/config.json" generate --model folder --prompt x
    SPARSED_MODEL=absent refuse 1 "absent/config.json" generate --prompt x
}

# ---- pattern files ----

test_generate__names_pattern_options_that_do_not_go_together() {
    refuse_prompted 2 "--pattern-scores goes with --pattern-out" --pattern-scores f16
    refuse_prompted 2 "--pattern-tag goes with --pattern-out" --pattern-tag x
    refuse_prompted 2 "--pattern-out-steps goes with --pattern-out" --pattern-out-steps all
    refuse_prompted 2 "--pattern-tag goes with --pattern-out" --pattern-cache c --pattern-tag x
    refuse_prompted 2 "builds no patterns" --pattern-in a --pattern-out b.spdp
    refuse_prompted 2 "--pattern-cache and --pattern-in" --pattern-in a --pattern-cache c
    refuse_prompted 2 "--pattern-cache and --pattern-out" --pattern-out a.spdp --pattern-cache c
    refuse_prompted 2 "with --pattern-in it is warm" --pattern-in a --schedule paper
    refuse_prompted 2 "--schedule warm needs --pattern-in" --schedule warm
    refuse_prompted 2 "--schedule warm needs --pattern-in" --schedule warm --pattern-out a.spdp
    refuse_prompted 2 "--skip does not go with --pattern-out-steps" \
        --pattern-out a.spdp --pattern-out-steps all --skip 0.2
    refuse_prompted 2 "--schedule does not go with --pattern-out-steps" \
        --pattern-out a.spdp --pattern-out-steps all --schedule upstream
}

test_generate__names_pattern_values_out_of_range() {
    refuse_prompted 2 "--pattern-out is empty" --pattern-out ""
    for name in a a.json .spdp folder/.spdp a.spdp.png; do
        refuse_prompted 2 "--pattern-out is '$name', which does not end in .spdp" \
            --pattern-out "$name"
    done
    refuse_prompted 2 "--pattern-in is empty" --pattern-in=
    refuse_prompted 2 "--pattern-cache is empty" --pattern-cache ""
    refuse_prompted 2 "--pattern-out-steps is empty" --pattern-out a.spdp --pattern-out-steps ""
    refuse_prompted 2 "--pattern-scores is 'bf16'" --pattern-out a.spdp --pattern-scores bf16
    refuse_prompted 2 "--pattern-tag has 4096 bytes" \
        --pattern-out a.spdp --pattern-tag "$(printf '%4096d' 1)"
    refuse_prompted 2 "--pattern-tag is not valid UTF-8 at byte 1" \
        --pattern-out a.spdp --pattern-tag "$(printf 'a\377')"
    for list in 16 3,99 8-4 x "1," ",1" 1--2 -1 1.5; do
        refuse_prompted 2 "--pattern-out-steps is '$list'" --pattern-out a.spdp --pattern-out-steps "$list"
    done
}

# Decided before the run: nothing would be in the file.
test_generate__names_a_run_that_builds_no_patterns() {
    refuse_prompted 2 "--pattern-out: schedule upstream with skip 0.95 builds no patterns in 16" \
        --pattern-out a.spdp --skip 0.95
    refuse_prompted 2 "--pattern-out: schedule dense" --pattern-out a.spdp --schedule dense
    refuse_prompted 2 "--pattern-out: --attention dense" --pattern-out a.spdp --attention dense
    refuse_prompted 2 "--pattern-out-steps goes with --attention sparsed" \
        --pattern-out a.spdp --pattern-out-steps all --attention dense
    refuse_prompted 2 "--pattern-cache: schedule upstream with skip 1 builds no patterns" \
        --pattern-cache c --skip 1
    refuse_prompted 2 "--pattern-scores is f32, but --attention window" \
        --pattern-out a.spdp --pattern-scores f32 --attention window
    refuse_prompted 2 "--schedule 'weekly'" --pattern-out a.spdp --schedule weekly
    refuse_prompted 2 "--schedule 'weekly'" --pattern-cache c --schedule weekly
}

test_generate__names_schedules_that_are_not_cached() {
    refuse_prompted 2 "--schedule rebuild: it builds anew" --pattern-cache c --schedule rebuild
    refuse_prompted 2 "--schedule window:2:9: it is" --pattern-cache c --schedule window:2:9
    refuse_prompted 2 "--schedule dense: it uses no" --pattern-cache c --schedule dense
    refuse_prompted 2 "--schedule warm: on the first run" --pattern-cache c --schedule warm
    refuse_prompted 2 "--pattern-cache goes with --attention sparsed, not window" \
        --pattern-cache c --attention window
    refuse_prompted 2 "--pattern-cache goes with --attention sparsed, not dense" \
        --pattern-cache c --attention dense
}

test_generate__names_files_that_cannot_be_read_or_written() {
    mkdir folder
    echo "no patterns" >text
    refuse_prompted 1 "absent" --pattern-in absent
    refuse_prompted 1 "folder" --pattern-in folder
    refuse_prompted 1 "text" --pattern-in text
    mkdir folder.spdp
    refuse_prompted 1 "absent/a.spdp" --pattern-out absent/a.spdp
    refuse_prompted 1 "folder.spdp" --pattern-out folder.spdp
    refuse_prompted 1 "text: is there, but is no folder" --pattern-cache text
    refuse_prompted 1 "--pattern-cache text/a/b: cannot make text/a: Not a directory" \
        --pattern-cache text/a/b
}

# Files may grow to 1 KiB, which an OpenMP runtime may need for itself: the run's answer is told,
# then what became of the file.
test_generate__answers_though_the_patterns_cannot_be_saved() {
    (
        trap '' XFSZ
        ulimit -f 2
        status=0
        "$SPARSED" generate --model "$LLADA" --prompt "One, two" --pattern-out a.spdp --json 2>&1 ||
            status=$?
        echo "exit code $status"
    ) | cat >told
    grep -q '^exit code 1$' told || flunk "$(cat told)"
    grep -q '"tokens":' told || flunk "no answer: $(cat told)"
    grep -q '^sparsed generate: a.spdp' told || flunk "no word about the file: $(cat told)"
    [ "$(echo *)" = told ] || flunk "left behind: $(ls -A)"
}

# $1 what the file says of it, then the options that contradict.
contradict() {
    text=$1
    shift
    refuse_prompted 2 "$text" --pattern-in a.spdp "$@"
}

test_generate__names_option_and_file_that_contradict() {
    accept generate --model "$LLADA" --prompt "One, two" --pattern-out a.spdp --schedule no-dense \
        --block-size-q 16 --block-size-k 64 --select 0.35 --score-reduce max --keep-first 1
    contradict "--block-size-q is 32, but a.spdp was built with 16" --block-size-q 32
    contradict "--block-size-k is 16, but a.spdp was built with 64" --block-size-k 16
    contradict "--block-size is 16, but a.spdp was built with 64" --block-size 16
    contradict "--block-size is 64, but a.spdp was built with 16" --block-size 64
    contradict "--mode is paper, but a.spdp was built with upstream-llada" --mode paper
    contradict "--select is 0.3, but layer 0 of a.spdp was built with 0.35" --select 0.3
    contradict "--score-reduce is sum, but a.spdp was built with max" --score-reduce sum
    contradict "--keep-first is 0, but a.spdp was built with 1" --keep-first 0
    contradict "--score-scale is 0.1, but a.spdp was built with" --score-scale 0.1
    contradict "--keep-diagonal is given, but a.spdp was built without" --keep-diagonal
    contradict "--keep-generation is given, but a.spdp was built without" --keep-generation
    contradict "--dense-generation-rows is given, but a.spdp" --dense-generation-rows
    contradict "--attention is window, but the patterns of a.spdp go with sparsed" \
        --attention window
    contradict "--pattern-in goes with --attention sparsed" --attention dense
    accept generate --model "$LLADA" --prompt "One, two" --pattern-in a.spdp --block-size-q 16 \
        --select 0.35 --score-reduce max --keep-first 1 --mode upstream-llada
}

test_generate__names_window_and_file_that_contradict() {
    accept generate --model "$LLADA" --prompt "One, two" --pattern-out a.spdp \
        --attention streaming --window 9 --sinks 3
    contradict "--window is 8, but a.spdp was built with 9" --attention streaming --window 8
    contradict "--sinks is 4, but a.spdp was built with 3" --attention streaming --sinks 4
    contradict "--attention is sparsed, but the patterns of a.spdp go with streaming"
    contradict "--attention is window, but the patterns of a.spdp go with streaming" \
        --attention window
}

test_generate__names_a_file_that_does_not_fit() {
    accept generate --model "$LLADA" --prompt "One, two" --pattern-out a.spdp
    refuse_llada 1 "a.spdp does not fit this run: q_len" --prompt "One, two, three" \
        --pattern-in a.spdp
    refuse_llada 1 "a.spdp does not fit this run: q_len" --prompt "One, two" --gen-length 39 \
        --pattern-in a.spdp
    refuse 1 "a.spdp does not fit this run: " generate --model "$DREAM" --prompt "One, two" \
        --gen-length 40 --pattern-in a.spdp
    # The same tokens; one weight's last bit differs, then the configuration.
    cp -r "$LLADA" model
    chmod -R u+w model
    shard=model-00001-of-00001.safetensors
    size=$(wc -c <"model/$shard")
    printf '\001' | dd of="model/$shard" bs=1 seek=$((size - 1)) conv=notrunc 2>"$ERR"
    refuse 1 "a.spdp does not fit this run: model" generate --model model --prompt "One, two" \
        --pattern-in a.spdp
    cp "$LLADA/$shard" model/
    accept generate --model model --prompt "One, two" --pattern-in a.spdp
    echo >>model/config.json
    refuse 1 "a.spdp does not fit this run: model" generate --model model --prompt "One, two" \
        --pattern-in a.spdp
    accept generate --model "$LLADA" --prompt "One, two" --pattern-out b.spdp --pattern-out-steps 3,5
    refuse_prompted 1 "b.spdp holds the patterns of steps 3,5" --pattern-in b.spdp
}
