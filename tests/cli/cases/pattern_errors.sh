# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# `sparsed pattern`: its help, what it refuses, and that it leaves nothing behind.

# shellcheck disable=SC2154 # run.sh sets it
V1=${cases%/cli/cases/*}/patterns/v1
DREAM_F32=$V1/upstream_dream_f32.spdp
STEPS=$V1/several_steps.spdp
MINIMAL=$V1/minimal.spdp

check_help() {
    accept pattern "$1" --help
    [ ! -s "$ERR" ] || flunk "words on stderr: $(cat "$ERR")"
    grep -q "^usage: sparsed pattern $1 " "$OUT" || flunk "no usage: $(head -n 1 "$OUT")"
    sed -n 's/^  \(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' "$OUT" | sort >listed
    # shellcheck disable=SC2086 # words
    printf '%s\n' $2 | sort >expected
    cmp -s listed expected || flunk "listed or expected only: $(sort listed expected | uniq -u)"
    awk 'length($0) > 100' "$OUT" >long
    [ ! -s long ] || flunk "longer than 100: $(cat long)"
}

test_help__lists_the_subcommands() {
    for word in --help -h; do
        accept pattern "$word"
        for name in info show diff convert rethreshold analyze; do
            grep -q "^  $name " "$OUT" || flunk "$word does not list $name"
        done
    done
}

test_help__of_each_subcommand() {
    check_help info "layers step summary json"
    check_help diff "layers step tolerance summary json"
    check_help convert "output scores layers steps tag length query-length gen-length block-size
        block-size-q block-size-k"
    check_help rethreshold "output select"
}

test_pattern__names_the_subcommand_that_is_missing_or_unknown() {
    refuse 2 "which subcommand?" pattern
    refuse 2 "'inof' is not a subcommand" pattern inof
    refuse 2 "'--json' is not a subcommand" pattern --json
}

test_pattern__names_operands_too_few_or_too_many() {
    refuse 2 "FILE is missing" pattern info
    refuse 2 "FILE is missing" pattern convert -o x.spdp
    refuse 2 "FILE is missing" pattern rethreshold -o x.spdp --select 0.5
    refuse 2 "A is missing" pattern diff
    refuse 2 "B is missing" pattern diff "$MINIMAL"
    refuse 2 "'x' is one word too many" pattern info "$MINIMAL" x
    refuse 2 "FILE is ''" pattern info ""
    refuse 2 "unknown option '--nothing'" pattern info "$MINIMAL" --nothing
}

# $1 exit code, $2 text, $3 FILE: refused by all that read it.
refuse_file() {
    refuse "$1" "$2" pattern info "$3"
    refuse "$1" "$2" pattern info "$3" --json
    refuse "$1" "$2" pattern diff "$3" "$DREAM_F32"
    refuse "$1" "$2" pattern diff "$DREAM_F32" "$3"
    refuse "$1" "$2" pattern convert "$3" -o out.spdp
    refuse "$1" "$2" pattern rethreshold "$3" -o out.spdp --select 0.5
}

test_pattern__names_what_is_no_pattern_file() {
    need_file "$DREAM_F32"
    refuse_file 1 "absent.spdp" absent.spdp
    mkdir folder
    refuse_file 1 "folder" folder
    : >empty
    refuse_file 1 "empty" empty
    printf 'this is text, and no pattern file' >text
    refuse_file 1 "text" text
    mkfifo pipe
    refuse_file 1 "pipe" pipe
}

# A section that is read late too: nothing is on stdout before it is.
test_pattern__names_a_damaged_file() {
    need_file "$DREAM_F32"
    size=$(wc -c <"$DREAM_F32")
    for bytes in 1 8 255 300 900 $((size - 1)); do
        head -c "$bytes" "$DREAM_F32" >part
        refuse_file 1 "part" part
    done
    { cat "$DREAM_F32" && printf x; } >long
    refuse_file 1 "long" long
    for place in 20 300 600 1000 1200 1500 $((size - 1)); do
        head -c "$place" "$DREAM_F32" >bad
        printf '\252' >>bad
        tail -c "+$((place + 2))" "$DREAM_F32" >>bad
        cmp -s bad "$DREAM_F32" || refuse_file 1 "bad" bad
    done
}

test_pattern__names_layers_and_steps_that_are_not_there() {
    need_file "$STEPS"
    refuse 2 "--layers is 'x', not a list" pattern info "$STEPS" --layers x
    refuse 2 "--layers is '65536', not a list" pattern info "$STEPS" --layers 65536
    refuse 1 "layer 7" pattern info "$STEPS" --layers 0,7
    refuse 1 "--step is 4, but" pattern info "$STEPS" --step 4
    refuse 2 "--step is 'x'" pattern info "$STEPS" --step x
    refuse 1 "--steps: FILE holds no pattern of step 4" pattern convert "$STEPS" -o o.spdp \
        --steps 3-5
    refuse 2 "--steps is '1048576', not a list" pattern convert "$STEPS" -o o.spdp --steps 1048576
    refuse 1 "no layer 2" pattern convert "$STEPS" -o o.spdp --layers 0-7
}

test_diff__names_files_that_do_not_compare() {
    need_file "$DREAM_F32"
    accept pattern convert "$STEPS" -o two.spdp --steps 5
    accept pattern convert "$STEPS" -o three.spdp --steps 3,9
    refuse 1 "heads is 2, the other's is 1" pattern diff "$DREAM_F32" "$MINIMAL"
    grep -qF "$DREAM_F32 and $MINIMAL: " "$ERR" || flunk "no file is named: $(cat "$ERR")"
    refuse 1 "no layer of one step in common" pattern diff two.spdp three.spdp
    refuse 2 "--tolerance is -1, below 0" pattern diff "$MINIMAL" "$MINIMAL" --tolerance -1
}

# That files differ is no failure.
test_diff__is_well_whether_or_not_files_differ() {
    need_file "$DREAM_F32"
    accept pattern diff "$DREAM_F32" "$DREAM_F32"
    grep -q 'The kept blocks are the same' "$OUT" || flunk "$(cat "$OUT")"
    accept pattern rethreshold "$DREAM_F32" -o other.spdp --select 0.9
    accept pattern diff "$DREAM_F32" other.spdp
    grep -q 'The kept blocks differ' "$OUT" || flunk "$(cat "$OUT")"
}

test_convert__names_what_is_wrong_in_the_words() {
    need_file "$DREAM_F32"
    refuse 2 "--output is missing" pattern convert "$DREAM_F32"
    refuse 2 "--output is 'out.bin', which ends in none of" pattern convert "$DREAM_F32" -o out.bin
    refuse 2 "--output is '.spdp', which ends in none of" pattern convert "$DREAM_F32" -o .spdp
    refuse 2 "--output is 'f/.json', which ends in none of" pattern convert "$DREAM_F32" -o f/.json
    refuse 2 "--scores is 'f64', not none, f16 or f32" pattern convert "$DREAM_F32" -o o.spdp \
        --scores f64
    refuse 2 "--length goes with a .safetensors FILE" pattern convert "$DREAM_F32" -o o.spdp \
        --length 128
    refuse 1 "absent/o.spdp" pattern convert "$DREAM_F32" -o absent/o.spdp
    refuse 1 "absent/o.json" pattern convert "$DREAM_F32" -o absent/o.json
    refuse 1 "absent/o.safetensors" pattern convert "$DREAM_F32" -o absent/o.safetensors
}

test_convert__keeps_its_input() {
    need_file "$DREAM_F32"
    cp "$DREAM_F32" in.spdp
    ln -s in.spdp alias.spdp
    for output in in.spdp ./in.spdp alias.spdp; do
        refuse 2 "is the file that is read" pattern convert in.spdp -o "$output" --scores none
        refuse 2 "is the file that is read" pattern rethreshold in.spdp -o "$output" --select 0.5
    done
    cmp -s in.spdp "$DREAM_F32" || flunk "the input was changed"
}

test_convert__names_scores_that_cannot_be_had() {
    need_file "$DREAM_F32"
    refuse 1 "has f16 scores: widening" pattern convert "$V1/upstream_dream_f16.spdp" -o o.spdp \
        --scores f32
    refuse 1 "has no block scores" pattern convert "$V1/paper_shard.spdp" -o o.spdp --scores f16
    refuse 1 "has no block scores" pattern convert "$MINIMAL" -o o.spdp --scores f32
}

test_convert__names_patterns_that_cannot_be_read_back() {
    need_file "$V1/streaming.spdp"
    for name in streaming head_ratios llada_padded; do
        accept pattern convert "$V1/$name.spdp" -o "$name.safetensors"
        refuse 1 "$name.safetensors" pattern convert "$name.safetensors" -o o.spdp
    done
}

# $1 exit code, $2 text, then options that follow those of a good mask.
refuse_mask() {
    code=$1
    text=$2
    shift 2
    refuse "$code" "$text" pattern convert mask.safetensors -o o.spdp "$@"
}

test_convert__names_what_a_mask_leaves_open() {
    make_safetensors mask.safetensors \
        '{"block_mask":{"dtype":"U8","shape":[1,2,4,4],"data_offsets":[0,32]}}' 32
    refuse_mask 2 "--length is missing"
    refuse_mask 2 "--gen-length is missing" --length 64
    refuse_mask 2 "--block-size is missing" --length 64 --gen-length 16
    refuse_mask 2 "--block-size is missing" --length 64 --gen-length 16 --block-size-q 16
    refuse_mask 2 "--block-size is 17," --length 64 --gen-length 16 --block-size 17
    refuse_mask 2 "--block-size-k is 0," --length 64 --gen-length 16 --block-size 16 \
        --block-size-k 0
    refuse_mask 2 "--gen-length is 65, more than --length 64" --length 64 --gen-length 65 \
        --block-size 16
    refuse_mask 2 "--query-length is 80, more than" --length 64 --gen-length 16 --block-size 16 \
        --query-length 80
    refuse_mask 1 '"block_mask" has 4 x 4 blocks, but 65 query' --length 65 --gen-length 16 \
        --block-size 16
    refuse_mask 1 'are 3 x 4' --length 64 --query-length 48 --gen-length 16 --block-size 16
    accept pattern convert mask.safetensors -o o.spdp --length 64 --gen-length 16 --block-size 16
    accept pattern convert o.spdp -o own.safetensors
    refuse 2 "--length goes with masks of other programs" pattern convert own.safetensors \
        -o p.spdp --length 64
}

# $1 what is said, $2 name, type and shape of the one tensor of 32 bytes, as JSON has them.
refuse_tensor() {
    make_safetensors mask.safetensors "{$2,\"data_offsets\":[0,32]}}" 32
    refuse_mask 1 "$1" --length 64 --gen-length 16 --block-size 16
}

test_convert__names_masks_that_make_no_sense() {
    refuse_tensor 'no tensor "step.S.layer.N.block_mask"' '"mask":{"dtype":"U8","shape":[2,4,4]'
    refuse_tensor "is F32, not U8" '"block_mask":{"dtype":"F32","shape":[2,2,2]'
    refuse_tensor "has 1 dimensions" '"block_mask":{"dtype":"U8","shape":[32]'
    refuse_tensor "has 5 dimensions" '"block_mask":{"dtype":"U8","shape":[1,2,4,2,2]'
    refuse_tensor "no tensor" '"step.1.layer.65536.block_mask":{"dtype":"U8","shape":[2,4,4]'
    refuse_tensor "no tensor" '"step.1048576.layer.0.block_mask":{"dtype":"U8","shape":[2,4,4]'
    refuse_tensor "no tensor" '"step.1.layer..block_mask":{"dtype":"U8","shape":[2,4,4]'
}

# $1 what is said, $2 a key of the metadata, $3 its value there, $4 another one of that length.
refuse_metadata() {
    accept pattern convert "$DREAM_F32" -o good.safetensors
    sed "s/\"$2\":\"$3\"/\"$2\":\"$4\"/" good.safetensors >bad.safetensors
    cmp -s good.safetensors bad.safetensors && flunk "there is no $2 $3"
    refuse 1 "$1" pattern convert bad.safetensors -o o.spdp
}

test_convert__names_metadata_that_makes_no_sense() {
    need_file "$DREAM_F32"
    refuse_metadata 'metadata "mode" is '"'upstream-drxxm'" mode upstream-dream upstream-drxxm
    refuse_metadata 'metadata "block_size_k" is '"'xx'" block_size_k 16 xx
    refuse_metadata '"block_size_q" and "block_size_k" are 32 and 17' block_size_k 16 17
    refuse_metadata '"block_size_q" and "block_size_k" are 32 and 0' block_size_k 16 00
    refuse_metadata 'the metadata 1 and 9' heads 2 9
    refuse_metadata 'the metadata 0 and 2' batch 1 0
    refuse_metadata 'metadata "keep_diagonal" is '"'xx'" keep_diagonal no xx
    refuse_metadata 'metadata "dtype" is '"'f3x'" dtype f32 f3x
    refuse_metadata 'metadata "ratio" is '"'0.x'" ratio 0.3 0.x
}

test_rethreshold__names_what_is_wrong() {
    need_file "$DREAM_F32"
    refuse 2 "--output is missing" pattern rethreshold "$DREAM_F32" --select 0.5
    for name in o.json o.png o .spdp; do
        refuse 2 "--output is '$name', which does not end in .spdp" \
            pattern rethreshold "$DREAM_F32" -o "$name" --select 0.5
    done
    refuse 2 "--select is missing" pattern rethreshold "$DREAM_F32" -o o.spdp
    refuse 2 "--select is 0," pattern rethreshold "$DREAM_F32" -o o.spdp --select 0
    refuse 2 "--select is 1.5," pattern rethreshold "$DREAM_F32" -o o.spdp --select 1.5
    refuse 1 "has no block scores; \`sparsed generate --pattern-out FILE --pattern-scores f16\`" \
        pattern rethreshold "$V1/paper_shard.spdp" -o o.spdp --select 0.5
    refuse 1 "has no block scores" pattern rethreshold "$V1/streaming.spdp" -o o.spdp --select 0.5
}

# Also in a build that writes no pictures.
test_show__and_analyze_write_png_alone() {
    need_file "$DREAM_F32"
    for name in o.jpg o.spdp o .png folder/.png; do
        for subcommand in show analyze; do
            refuse 2 "--output is '$name', which does not end in .png" \
                pattern "$subcommand" "$DREAM_F32" -o "$name"
        done
    done
}

test_stdout__full() {
    [ -c /dev/full ] || skip_case "there is no /dev/full"
    need_file "$MINIMAL"
    for words in "info $MINIMAL" "info --json $MINIMAL" "diff $MINIMAL $MINIMAL" \
        "diff --json $MINIMAL $MINIMAL"; do
        status=0
        # shellcheck disable=SC2086 # words
        "$SPARSED" pattern $words >/dev/full 2>"$ERR" || status=$?
        [ "$status" -eq 1 ] || flunk "exit code $status: $words"
        one_line "standard output"
    done
}
