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
    refuse_prompted 1 "--device is 'gpu'" --device gpu
    refuse_prompted 1 "OpenCL" --device opencl
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
