# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Model folders with one thing wrong: `sparsed generate` names it.

# A copy of llada-tiny in ./model whose files may be changed.
copy_model() {
    need_file "$LLADA/config.json"
    rm -rf model
    mkdir model
    for file in config.json generation_config.json tokenizer.json model.safetensors.index.json \
        model-00001-of-00001.safetensors; do
        cat "$LLADA/$file" >"model/$file"
    done
}

refuse_model() {
    refuse 1 "$1" generate --model model --prompt "One, two" --gen-length 4 --steps 2
}

# $1 key, $2 value as JSON, $3 text besides the key.
refuse_config() {
    copy_model
    grep -q "\"$1\"" model/config.json || flunk "config.json has no $1"
    sed "s/\"$1\": [^,]*/\"$1\": $2/" "$LLADA/config.json" >model/config.json
    refuse_model "$3"
}

test_model__copy_works() {
    copy_model
    accept generate --model model --prompt "One, two" --gen-length 4 --steps 2
}

test_model__config_out_of_range() {
    refuse_config n_heads 0 '"n_heads": 0 is not an integer in 1'
    refuse_config n_heads -4 '"n_heads": -4'
    refuse_config n_heads 1.5 '"n_heads": 1.5'
    refuse_config n_heads '"four"' '"n_heads"'
    refuse_config n_heads 1e30 '"n_heads"'
    refuse_config vocab_size 0 '"vocab_size": 0'
    refuse_config embedding_size 0 '"embedding_size": 0'
    refuse_config embedding_size 4000000000 '"embedding_size": 4000000000'
    refuse_config n_layers 0 '"n_layers": 0'
    refuse_config n_layers 1000000 '"n_layers": 1000000'
    refuse_config d_model 0 '"d_model": 0'
    refuse_config max_sequence_length 0 '"max_sequence_length": 0'
    refuse_config rope_theta 0 '"rope_theta": 0'
    refuse_config rms_norm_eps -1 '"rms_norm_eps": -1'
    refuse_config mask_token_id 512 '"mask_token_id": 512'
    refuse_config n_kv_heads 3 '4 heads are not a multiple of 3'
}

# 28 / 4 = 7; 120 / 4 = 30.
test_model__head_dimension_that_no_kernel_takes() {
    refuse_config d_model 28 'head dimension 7 '
    refuse_config d_model 120 'head dimension 30 '
    refuse_config d_model 130 '130 is not a multiple of 4 heads'
}

test_model__config_that_is_not_supported() {
    refuse_config model_type '"gpt2"' '"model_type": "gpt2"'
    refuse_config rope false '"rope": false'
    refuse_config alibi true '"alibi": true'
    refuse_config activation_type '"gelu"' '"activation_type": "gelu"'
    refuse_config include_qkv_bias true '"include_qkv_bias": true'
}

test_model__config_without_a_key() {
    for key in n_heads d_model n_layers vocab_size max_sequence_length rope_theta rms_norm_eps \
        mask_token_id eos_token_id model_type weight_tying; do
        copy_model
        sed "/\"$key\": /d" "$LLADA/config.json" | tr '\n' ' ' | sed 's/, *}/}/' >model/config.json
        if [ "$key" = eos_token_id ] || [ "$key" = mask_token_id ]; then
            rm model/generation_config.json
        fi
        refuse_model "\"$key\" is missing"
    done
}

# One number too many: the shapes in the file are others.
test_model__config_that_the_weights_contradict() {
    refuse_config n_layers 4 'blocks.3.'
    refuse_config d_model 256 '256'
    refuse_config mlp_hidden_size 400 '400'
    refuse_config embedding_size 513 '513'
    refuse_config n_kv_heads 2 'k_proj'
}

test_model__json_that_is_none() {
    for file in config.json generation_config.json tokenizer.json model.safetensors.index.json; do
        for bytes in 0 1 20 100; do
            copy_model
            head -c "$bytes" "$LLADA/$file" >"model/$file"
            refuse_model "model/$file"
        done
        rm -r "model/$file"
        mkdir "model/$file"
        refuse_model "model/$file"
    done
}

test_model__file_that_is_missing() {
    for file in config.json tokenizer.json model-00001-of-00001.safetensors; do
        copy_model
        rm "model/$file"
        refuse_model "model/$file"
    done
}

test_model__truncated_shard() {
    copy_model
    shard=model-00001-of-00001.safetensors
    size=$(wc -c <"$LLADA/$shard")
    for bytes in 0 4 8 50 2000 $((size / 2)) $((size - 2)) $((size - 1)); do
        head -c "$bytes" "$LLADA/$shard" >"model/$shard"
        refuse_model "model/$shard"
    done
    { cat "$LLADA/$shard" && printf x; } >"model/$shard"
    refuse_model "model/$shard"
}

test_model__shard_of_another_model() {
    copy_model
    make_safetensors model/model-00001-of-00001.safetensors \
        '{"lone":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' 8
    refuse_model "model"
}

test_model__index_that_names_a_path_outside() {
    copy_model
    sed 's/model-00001-of-00001/..\/model-00001-of-00001/g' \
        "$LLADA/model.safetensors.index.json" >model/model.safetensors.index.json
    cat "$LLADA/model-00001-of-00001.safetensors" >model-00001-of-00001.safetensors
    refuse_model "../model-00001-of-00001.safetensors"
}

test_model__sampler_of_the_config_unknown() {
    copy_model
    sed 's/low_confidence/greedy/' "$LLADA/generation_config.json" >model/generation_config.json
    refuse 2 "'greedy'" generate --model model --prompt "One, two"
}
