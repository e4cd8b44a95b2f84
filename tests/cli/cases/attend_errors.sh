# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What `sparsed attend` refuses, and that it leaves nothing behind.

# $1 exit code, $2 text, then options: a good problem with something wrong in the words.
refuse_words() {
    code=$1
    text=$2
    shift 2
    refuse "$code" "$text" attend --input "$ATTEND" --output out.safetensors "$@"
}

# The same with a selection that is complete.
refuse_selection() {
    code=$1
    text=$2
    shift 2
    refuse_words "$code" "$text" --mode paper --gen-length 70 "$@"
}

# $1 text, $2 input: refused as a run that failed.
refuse_input() {
    refuse 1 "$1" attend --input "$2" --output out.safetensors --attention dense
}

test_attend__names_the_option_that_is_missing() {
    refuse 2 "--input is missing" attend
    refuse 2 "--input is missing" attend --output out.safetensors
    refuse 2 "--output is missing" attend --input "$ATTEND"
    refuse_words 2 "--mode is missing"
    refuse_words 2 "--mode is missing" --gen-length 70
    refuse_words 2 "--gen-length is missing" --mode paper
}

test_attend__names_words_that_are_no_options() {
    refuse 2 "'--inptu'" attend --inptu x
    refuse 2 "'$ATTEND'" attend "$ATTEND"
    refuse 2 "--input needs a value" attend --output x --input
    refuse 2 "--input is given twice" attend --input x --input x
    refuse 2 "--json takes no value" attend --json=yes
}

test_attend__names_a_ratio_out_of_range() {
    refuse_selection 2 "--select is 0," --select 0
    refuse_selection 2 "--select is 1.5," --select 1.5
    refuse_selection 2 "--select is -0.3," --select -0.3
    refuse_selection 2 "--select is 'nan'" --select nan
    refuse_selection 2 "--select is 'inf'" --select inf
    refuse_selection 2 "--select is ''" --select=
}

test_attend__names_numbers_out_of_range() {
    refuse_selection 2 "--block-size is 33," --block-size 33
    refuse_selection 2 "--block-size-q is 0," --block-size-q 0
    refuse_selection 2 "--block-size-k is 4294967328," --block-size-k 4294967328
    refuse_selection 2 "--scale is -1," --scale -1
    refuse_selection 2 "--scale is 0," --scale 0
    refuse_selection 2 "--scale is 1e+300" --scale 1e300
    refuse_selection 2 "--scale is 1e-300" --scale 1e-300
    refuse_selection 2 "--score-scale is 0," --score-scale 0
    refuse_selection 2 "--score-scale is 1e+300" --score-scale 1e300
    refuse_selection 2 "--threads is 1025" --threads 1025
    refuse_selection 2 "--threads is '-1'" --threads -1
    refuse_selection 2 "--threads is '2x'" --threads 2x
    refuse_words 2 "--gen-length is 251, but there are 250" --mode paper --gen-length 251
    refuse_words 2 "--gen-length is 18446744073709551615" --mode paper \
        --gen-length 18446744073709551615
}

test_attend__names_unknown_choices() {
    refuse_selection 2 "--attention is 'full'" --attention full
    refuse_selection 2 "--score-reduce is 'mean'" --score-reduce mean
    refuse_selection 2 "--dtype is 'fp8'" --dtype fp8
    refuse_words 2 "--mode is 'dream'" --mode dream --gen-length 70
    refuse_words 2 "--mode goes with --attention sparsed" --mode paper --attention window
}

test_attend__names_options_that_nothing_uses() {
    refuse_words 2 "--keep-first goes with" --attention window --keep-first 1
    refuse_words 2 "--keep-diagonal goes with" --attention streaming --keep-diagonal
    refuse_words 2 "--score-scale goes with" --attention dense --score-scale 1
    refuse_words 2 "--score-reduce goes with" --attention dense --score-reduce max
    refuse_selection 2 "--window goes with" --window 9
    refuse_selection 2 "--sinks goes with" --sinks 9
}

# Written in place, the problem would be lost.
test_attend__keeps_its_input() {
    need_file "$ATTEND"
    cp "$ATTEND" input
    ln -s input alias
    for output in input ./input alias; do
        refuse 2 "is the --input file" attend --input input --output "$output" --attention dense
        cmp -s input "$ATTEND" || flunk "the input was changed"
    done
}

test_attend__names_devices_and_kernels_that_are_not_there() {
    refuse_selection 2 "--device is 'gpu'" --device gpu
    refuse_selection 2 "--device is 'opencl:'" --device opencl:
    refuse_selection 1 "--device is 'opencl:99'" --device opencl:99
    refuse_selection 1 "--device is 'opencl:0:99'" --device opencl:0:99
    refuse_selection 2 "--kernel is 'nv_mma'" --kernel nv_mma
    SPARSED_DEVICE=opencl:99 refuse_selection 1 "SPARSED_DEVICE is 'opencl:99'"
}

test_attend__names_what_is_no_input_file() {
    refuse_input "absent.safetensors" absent.safetensors
    refuse_input "absent/input.safetensors" absent/input.safetensors
    mkdir folder
    refuse_input "folder: not a regular file" folder
    refuse_input "/dev/null: not a regular file" /dev/null
    : >empty
    refuse_input "empty" empty
    printf 'this is text, and no safetensors file' >text
    refuse_input "text" text
    mkfifo pipe
    refuse_input "pipe: not a regular file" pipe
}

test_attend__names_a_truncated_file() {
    need_file "$ATTEND"
    size=$(wc -c <"$ATTEND")
    for bytes in 1 7 8 9 100 1000 4000 $((size / 2)) $((size - 1)); do
        head -c "$bytes" "$ATTEND" >part
        refuse_input "part" part
    done
    cp "$ATTEND" long
    chmod u+w long
    printf x >>long
    refuse_input "long" long
}

f32='"dtype":"F32","shape":[1,2,4,8],"data_offsets"'

test_attend__names_a_tensor_that_is_missing_or_of_no_use() {
    make_safetensors a "{\"q\":{$f32:[0,256]},\"k\":{$f32:[256,512]}}" 512
    refuse_input "no tensor 'v'" a
    make_safetensors b "{\"q\":{\"dtype\":\"F64\",\"shape\":[1,1,4,8],\"data_offsets\":[0,256]},\
\"k\":{$f32:[256,512]},\"v\":{$f32:[512,768]}}" 768
    refuse_input "'q' is F64" b
    make_safetensors c "{\"q\":{$f32:[0,256]},\"k\":{$f32:[256,512]},\
\"v\":{\"dtype\":\"BF16\",\"shape\":[1,2,4,8],\"data_offsets\":[512,640]}}" 640
    refuse_input "v BF16" c
}

test_attend__names_shapes_that_do_not_fit() {
    make_safetensors a "{\"q\":{$f32:[0,256]},\"k\":{$f32:[256,512]},\
\"v\":{\"dtype\":\"F32\",\"shape\":[1,1,8,8],\"data_offsets\":[512,768]}}" 768
    refuse_input "v is [1,1,8,8]" a
    make_safetensors b "{\"q\":{\"dtype\":\"F32\",\"shape\":[64],\"data_offsets\":[0,256]},\
\"k\":{$f32:[256,512]},\"v\":{$f32:[512,768]}}" 768
    refuse_input "'q' has 1 dimensions" b
    # Head dimension 7: the file is sound, but no kernel takes it.
    shape='"dtype":"F32","shape":[1,1,2,7],"data_offsets"'
    make_safetensors c "{\"q\":{$shape:[0,56]},\"k\":{$shape:[56,112]},\
\"v\":{$shape:[112,168]}}" 168
    refuse_input "'q' has a head dimension of 7" c
}

test_attend__names_valid_ranges_that_make_no_sense() {
    range='"dtype":"I64","shape":[1],"data_offsets"'
    make_safetensors a "{\"q\":{$f32:[0,256]},\"k\":{$f32:[256,512]},\"v\":{$f32:[512,768]},\
\"valid_start\":{$range:[768,776]}}" 776
    refuse_input "'valid_start' without the other end" a
    # valid_start is 0x0101010101010101.
    make_safetensors b "{\"q\":{$f32:[0,256]},\"k\":{$f32:[256,512]},\"v\":{$f32:[512,768]},\
\"valid_end\":{$range:[768,776]},\"valid_start\":{$range:[776,784]}}" 776
    printf '\001\001\001\001\001\001\001\001' >>b
    refuse_input "valid_start[0] is 72340172838076673" b
}

test_attend__writes_nothing_where_it_cannot() {
    refuse 1 "absent/out" attend --input "$ATTEND" --output absent/out --attention dense
    mkdir folder
    refuse 1 "folder" attend --input "$ATTEND" --output folder --attention dense
    : >file
    refuse 1 "file/out" attend --input "$ATTEND" --output file/out --attention dense
    refuse 1 "/dev/full" attend --input "$ATTEND" --output /dev/full --attention dense
    [ ! -s file ] || flunk "the file was written to"
}

test_attend__writes_nothing_where_it_may_not() {
    [ "$(id -u)" -ne 0 ] || skip_case "the superuser may write everywhere"
    mkdir folder
    chmod a-w folder
    refuse 1 "folder/out" attend --input "$ATTEND" --output folder/out --attention dense
}

# A full disk, as far as one can be had without mounting: a limit on the size of files.
test_attend__removes_what_it_could_not_finish() {
    need_file "$ATTEND"
    mkdir folder
    status=0
    (
        trap '' XFSZ
        ulimit -f 8
        "$SPARSED" attend --input "$ATTEND" --output folder/out --attention dense
    ) >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq 1 ] || flunk "exit code $status: $(cat "$ERR")"
    one_line "folder/out"
    [ -z "$(ls -A folder)" ] || flunk "left behind: $(ls -A folder)"
    printf older >folder/out
    (
        trap '' XFSZ
        ulimit -f 8
        "$SPARSED" attend --input "$ATTEND" --output folder/out --attention dense
    ) >"$OUT" 2>"$ERR" && flunk "the output fits a limit of 4 KiB"
    [ "$(cat folder/out)" = older ] || flunk "the older output is gone"
    [ "$(ls -A folder)" = out ] || flunk "left behind: $(ls -A folder)"
}
