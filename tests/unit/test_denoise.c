/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Free runs of the small model against the golden ones, and the limits of the options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dlm/denoise.h"
#include "support/denoise_twin.h"
#include "support/model_golden.h"
#include "support/plain_attention.h"

#define LLADA_DIR GOLDEN_DIR "/llada-tiny"
#define LLADA_GOLDEN "llada-tiny/golden.safetensors"

static void test_dlm_denoise__low_confidence_of_llada_tiny(void **state) {
    (void)state;
    denoise_check_twin(
        &(denoise_twin){LLADA_DIR, LLADA_GOLDEN, "full", DLM_LOW_CONFIDENCE, 0, false, true});
}

static void test_dlm_denoise__sparse_steps_of_llada_tiny(void **state) {
    (void)state;
    denoise_check_twin(
        &(denoise_twin){LLADA_DIR, LLADA_GOLDEN, "sparsed", DLM_LOW_CONFIDENCE, 0, true, true});
}

static void test_dlm_denoise__maskgit_plus_of_llada_tiny(void **state) {
    (void)state;
    denoise_check_twin(
        &(denoise_twin){LLADA_DIR, LLADA_GOLDEN, "maskgit_plus", DLM_MASKGIT_PLUS, 0, false, true});
}

static void test_dlm_denoise__entropy_of_llada_tiny(void **state) {
    (void)state;
    denoise_check_twin(
        &(denoise_twin){LLADA_DIR, LLADA_GOLDEN, "entropy", DLM_ENTROPY, 0, false, true});
}

static void test_dlm_denoise__generation_blocks_of_llada_tiny(void **state) {
    (void)state;
    denoise_check_twin(&(denoise_twin){LLADA_DIR, LLADA_GOLDEN, "blockwise_full",
                                       DLM_LOW_CONFIDENCE, 20, false, true});
}

/* Watches that a filled position is never changed. */
typedef struct watch {
    uint32_t mask_token, steps_seen, stop_at;
    uint32_t before[16];
    uint32_t gen_length;
} watch;

static bool watch_step(void *user, uint32_t step, const uint32_t *generated, tool_error *error) {
    watch *w = user;
    for (uint32_t i = 0; i < w->gen_length; i++) {
        if (step > 0 && w->before[i] != w->mask_token) {
            assert_int_equal(generated[i], w->before[i]);
        }
        assert_true(step > 0 || generated[i] == w->mask_token);
        w->before[i] = generated[i];
    }
    w->steps_seen++;
    if (step == w->stop_at) {
        return tool_fail(error, "stopped before step %u", step);
    }
    return true;
}

/* A short run of llada-tiny on prompt[]; true unless it failed with *error. */
static bool short_run(dlm_denoise_options options, const uint32_t *prompt, size_t prompt_length,
                      watch *w, tool_error *error) {
    dlm_model *model = golden_load_model(LLADA_DIR);
    plain_attention plain = plain_attention_for(dlm_model_config(model));
    const dlm_attention attention = {plain_attend, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    uint32_t generated[16];
    assert_true(options.gen_length <= 16);
    w->mask_token = dlm_model_config(model)->mask_token;
    w->gen_length = options.gen_length;
    options.before_step = watch_step;
    options.user = w;
    bool ok = dlm_denoise(model, prompt, prompt_length, &options, &attention, generated, error);
    for (uint32_t i = 0; ok && i < options.gen_length; i++) {
        assert_int_not_equal(generated[i], w->mask_token);
    }
    dlm_model_free(model);
    return ok;
}

static void test_dlm_denoise__fills_all_in_any_number_of_steps(void **state) {
    (void)state;
    const uint32_t prompt[] = {2, 3, 100, 4};
    const uint32_t steps[] = {1, 2, 5, 6, 7, 12};
    const dlm_sampler samplers[] = {DLM_LOW_CONFIDENCE, DLM_MASKGIT_PLUS, DLM_ENTROPY};
    for (size_t i = 0; i < 18; i++) {
        const dlm_denoise_options options = {
            .sampler = samplers[i % 3], .gen_length = 6, .steps = steps[i / 3]};
        watch w = {.stop_at = UINT32_MAX};
        tool_error error;
        assert_true(short_run(options, prompt, 4, &w, &error));
        assert_int_equal(w.steps_seen, options.steps);
    }
}

static void test_dlm_denoise__generates_without_a_prompt(void **state) {
    (void)state;
    const dlm_denoise_options options = {.gen_length = 4, .steps = 4, .block_length = 2};
    watch w = {.stop_at = UINT32_MAX};
    tool_error error;
    assert_true(short_run(options, NULL, 0, &w, &error));
}

static void test_dlm_denoise__stops_when_the_caller_says_so(void **state) {
    (void)state;
    const uint32_t prompt[] = {2, 3, 100, 4};
    const dlm_denoise_options options = {.gen_length = 6, .steps = 6};
    watch w = {.stop_at = 3};
    tool_error error;
    assert_false(short_run(options, prompt, 4, &w, &error));
    assert_string_equal(error.text, "stopped before step 3");
    assert_int_equal(w.steps_seen, 4);
}

static void test_dlm_denoise__names_a_token_out_of_range(void **state) {
    (void)state;
    const uint32_t prompt[] = {2, 3, 512, 4};
    const dlm_denoise_options options = {.gen_length = 6, .steps = 6};
    watch w = {.stop_at = UINT32_MAX};
    tool_error error;
    assert_false(short_run(options, prompt, 4, &w, &error));
    assert_non_null(strstr(error.text, "token 512 at position 2"));
}

static void assert_refused(dlm_denoise_options options, size_t prompt_length, const char *words) {
    const dlm_config config = {.max_position = 4096, .vocab = 10};
    tool_error error = {0};
    assert_false(dlm_denoise_check(&config, &options, prompt_length, &error));
    assert_true(error.usage);
    if (!strstr(error.text, words)) {
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    }
}

static void test_dlm_denoise_check__names_the_option(void **state) {
    (void)state;
    assert_refused((dlm_denoise_options){.gen_length = 0, .steps = 4}, 9, "--gen-length 0");
    assert_refused((dlm_denoise_options){.gen_length = 8, .steps = 0}, 9, "--steps 0");
    assert_refused((dlm_denoise_options){.gen_length = 8, .steps = 4, .block_length = 3}, 9,
                   "--gen-block-length 3 does not divide --gen-length 8");
    assert_refused((dlm_denoise_options){.gen_length = 8, .steps = 4, .block_length = 16}, 9,
                   "--gen-block-length 16 does not divide --gen-length 8");
    assert_refused((dlm_denoise_options){.gen_length = 8, .steps = 3, .block_length = 4}, 9,
                   "--steps 3");
    assert_refused(
        (dlm_denoise_options){
            .sampler = DLM_ENTROPY, .gen_length = 8, .steps = 4, .block_length = 8},
        9, "entropy");
}

static void test_dlm_denoise_check__takes_max_position_and_no_more(void **state) {
    (void)state;
    const dlm_config config = {.max_position = 4096, .vocab = 10};
    const dlm_denoise_options options = {.gen_length = 96, .steps = 4};
    tool_error error;
    assert_true(dlm_denoise_check(&config, &options, 4000, &error));
    assert_refused(options, 4001, "4001");
    assert_refused(options, SIZE_MAX, "--gen-length 96");
    assert_refused((dlm_denoise_options){.gen_length = 4097, .steps = 4}, 0, "--gen-length 4097");
    assert_refused((dlm_denoise_options){.gen_length = UINT32_MAX, .steps = 4}, 9, "4096");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_denoise_check__names_the_option),
        cmocka_unit_test(test_dlm_denoise_check__takes_max_position_and_no_more),
        cmocka_unit_test(test_dlm_denoise__low_confidence_of_llada_tiny),
        cmocka_unit_test(test_dlm_denoise__sparse_steps_of_llada_tiny),
        cmocka_unit_test(test_dlm_denoise__maskgit_plus_of_llada_tiny),
        cmocka_unit_test(test_dlm_denoise__entropy_of_llada_tiny),
        cmocka_unit_test(test_dlm_denoise__generation_blocks_of_llada_tiny),
        cmocka_unit_test(test_dlm_denoise__fills_all_in_any_number_of_steps),
        cmocka_unit_test(test_dlm_denoise__generates_without_a_prompt),
        cmocka_unit_test(test_dlm_denoise__stops_when_the_caller_says_so),
        cmocka_unit_test(test_dlm_denoise__names_a_token_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
