/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The schedules against the golden runs' counts, and the choice among equals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dlm/sampler.h"
#include "support/model_golden.h"

enum { MAX_STEPS = 64 };

static void assert_schedule(dlm_sampler sampler, const uint32_t *expected, uint32_t gen_length,
                            uint32_t steps) {
    uint32_t left = gen_length;
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t count = dlm_sampler_fill_count(sampler, gen_length, steps, step, left);
        if (count != expected[step]) {
            fail_msg("%s, %u tokens in %u steps: %u at step %u, not %u", dlm_sampler_name(sampler),
                     gen_length, steps, count, step, expected[step]);
        }
        left -= count;
    }
    assert_int_equal(left, 0);
}

static void check_golden_schedule(const char *name, const char *fact, dlm_sampler sampler) {
    uint32_t expected[MAX_STEPS];
    model_golden golden = golden_open(name);
    assert_in_range(golden.steps, 1, MAX_STEPS);
    golden_fact_list(&golden, fact, expected, golden.steps);
    assert_schedule(sampler, expected, golden.gen_length, golden.steps);
    golden_close(&golden);
}

static void test_dlm_sampler_parse__knows_its_names(void **state) {
    (void)state;
    const dlm_sampler all[] = {DLM_LOW_CONFIDENCE, DLM_MASKGIT_PLUS, DLM_ENTROPY};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        dlm_sampler parsed;
        assert_true(dlm_sampler_parse(dlm_sampler_name(all[i]), &parsed));
        assert_int_equal(parsed, all[i]);
    }
    dlm_sampler parsed = DLM_ENTROPY;
    assert_false(dlm_sampler_parse("Entropy", &parsed));
    assert_false(dlm_sampler_parse("", &parsed));
}

static void test_dlm_sampler_fill_count__low_confidence_of_llada_tiny(void **state) {
    (void)state;
    check_golden_schedule("llada-tiny/golden.safetensors", "reveal_per_step", DLM_LOW_CONFIDENCE);
}

static void test_dlm_sampler_fill_count__dream_schedule_of_llada_tiny(void **state) {
    (void)state;
    check_golden_schedule("llada-tiny/golden.safetensors", "reveal_per_step_dream",
                          DLM_MASKGIT_PLUS);
    check_golden_schedule("llada-tiny/golden.safetensors", "reveal_per_step_dream", DLM_ENTROPY);
}

static void test_dlm_sampler_fill_count__dream_schedule_of_e2e_maskgit(void **state) {
    (void)state;
    check_golden_schedule("e2e_maskgit.safetensors", "reveal_per_step", DLM_MASKGIT_PLUS);
}

static void test_dlm_sampler_fill_count__low_confidence_of_golden_e2e(void **state) {
    (void)state;
    check_golden_schedule("golden_e2e.safetensors", "reveal_per_step", DLM_LOW_CONFIDENCE);
}

/* Counts of PyTorch's where another rounding (plain or double products, every point from the start)
 * gives one more or less. */
static void test_dlm_sampler_fill_count__rounds_as_pytorch_does(void **state) {
    (void)state;
    static const struct {
        uint32_t steps, gen_length, step, left, count;
    } cases[] = {
        {9, 993, 7, 223, 111},   {9, 994, 6, 334, 110},   {9, 996, 4, 556, 110},
        {27, 976, 24, 112, 37},  {27, 977, 23, 149, 36},  {27, 995, 5, 815, 37},
        {27, 995, 6, 778, 36},   {37, 967, 33, 109, 27},  {37, 967, 34, 82, 27},
        {37, 967, 35, 55, 27},   {37, 970, 30, 190, 26},  {100, 977, 24, 761, 10},
        {200, 858, 143, 286, 5}, {200, 858, 144, 281, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(dlm_sampler_fill_count(DLM_MASKGIT_PLUS, cases[i].gen_length,
                                                cases[i].steps, cases[i].step, cases[i].left),
                         cases[i].count);
    }
}

static void test_dlm_sampler_fill_count__first_step_may_fill_none(void **state) {
    (void)state;
    assert_int_equal(dlm_sampler_fill_count(DLM_MASKGIT_PLUS, 64, 64, 0, 64), 0);
    assert_int_equal(dlm_sampler_fill_count(DLM_MASKGIT_PLUS, 64, 64, 1, 64), 1);
}

static void test_dlm_sampler_fill_count__more_steps_than_tokens(void **state) {
    (void)state;
    const uint32_t low_confidence[] = {1, 1, 1, 0, 0};
    assert_schedule(DLM_LOW_CONFIDENCE, low_confidence, 3, 5);
    const uint32_t dream[] = {0, 0, 0, 1, 2}; /* 3 x 0.1998, 0.2497, 0.3328, 0.4988, all */
    assert_schedule(DLM_ENTROPY, dream, 3, 5);
}

static void test_dlm_sampler_fill_count__never_exceeds_what_is_left(void **state) {
    (void)state;
    assert_int_equal(dlm_sampler_fill_count(DLM_LOW_CONFIDENCE, 40, 16, 0, 2), 2);
    assert_int_equal(dlm_sampler_fill_count(DLM_LOW_CONFIDENCE, 40, 1, 0, 40), 40);
    assert_int_equal(dlm_sampler_fill_count(DLM_ENTROPY, 40, 1, 0, 40), 40);
    assert_int_equal(dlm_sampler_fill_count(DLM_ENTROPY, 40, 16, 15, 0), 0);
}

static void test_dlm_sampler_score__probability_of_the_best(void **state) {
    (void)state;
    const float logits[] = {logf(0.2f), logf(0.5f), logf(0.3f)};
    uint32_t token;
    float confidence;
    dlm_sampler_score(DLM_LOW_CONFIDENCE, logits, 3, &token, &confidence);
    assert_int_equal(token, 1);
    assert_true(fabsf(confidence - 0.5f) < 1e-6f);
    dlm_sampler_score(DLM_MASKGIT_PLUS, logits, 3, &token, &confidence);
    assert_int_equal(token, 1);
    assert_true(fabsf(confidence - 0.5f) < 1e-6f);
}

static void test_dlm_sampler_score__negative_entropy(void **state) {
    (void)state;
    const float logits[] = {logf(0.2f), logf(0.5f), logf(0.3f)};
    const double expected = 0.2 * log(0.2) + 0.5 * log(0.5) + 0.3 * log(0.3);
    const float certain[] = {0.0f, 200.0f};
    uint32_t token;
    float confidence;
    dlm_sampler_score(DLM_ENTROPY, logits, 3, &token, &confidence);
    assert_int_equal(token, 1);
    assert_true(fabs((double)confidence - expected) < 1e-6);
    dlm_sampler_score(DLM_ENTROPY, certain, 2, &token, &confidence);
    assert_int_equal(token, 1);
    assert_true(confidence == 0.0f);
}

static void test_dlm_sampler_score__ties_take_the_lower_token(void **state) {
    (void)state;
    const float logits[] = {-3.0f, 5.0f, 5.0f, 5.0f};
    uint32_t token;
    float confidence;
    dlm_sampler_score(DLM_LOW_CONFIDENCE, logits, 4, &token, &confidence);
    assert_int_equal(token, 1);
}

static void test_dlm_sampler_score__large_logits_stay_finite(void **state) {
    (void)state;
    const float logits[] = {-1e30f, 3e4f, 2.9e4f};
    uint32_t token;
    float confidence;
    dlm_sampler_score(DLM_LOW_CONFIDENCE, logits, 3, &token, &confidence);
    assert_int_equal(token, 1);
    assert_true(confidence == 1.0f);
}

static void test_dlm_sampler_score__nan_gives_no_confidence(void **state) {
    (void)state;
    const float logits[] = {1.0f, NAN, 2.0f};
    uint32_t token;
    float confidence;
    dlm_sampler_score(DLM_LOW_CONFIDENCE, logits, 3, &token, &confidence);
    assert_in_range(token, 0, 2);
    assert_true(isnan(confidence));
    dlm_sampler_score(DLM_ENTROPY, logits, 3, &token, &confidence);
    assert_true(isnan(confidence));
}

static void test_dlm_sampler_choose__largest_of_the_masked(void **state) {
    (void)state;
    const float confidence[] = {0.9f, 0.1f, 0.8f, 0.7f, 0.95f};
    const bool masked[] = {true, true, true, true, false};
    const bool expected[] = {true, false, true, false, false};
    bool chosen[] = {true, true, true, true, true};
    dlm_sampler_choose(confidence, masked, 5, 2, chosen);
    assert_memory_equal(chosen, expected, sizeof expected);
}

static void test_dlm_sampler_choose__ties_take_the_lower_position(void **state) {
    (void)state;
    const float confidence[] = {0.5f, 1.0f, 1.0f, 1.0f};
    const bool masked[] = {true, true, true, true};
    const bool expected[] = {false, true, true, false};
    bool chosen[4];
    dlm_sampler_choose(confidence, masked, 4, 2, chosen);
    assert_memory_equal(chosen, expected, sizeof expected);
}

static void test_dlm_sampler_choose__nan_ranks_last(void **state) {
    (void)state;
    const float confidence[] = {NAN, -INFINITY, NAN, -5.0f};
    const bool masked[] = {true, true, true, true};
    const bool two[] = {false, true, false, true}, three[] = {true, true, false, true};
    bool chosen[4];
    dlm_sampler_choose(confidence, masked, 4, 2, chosen);
    assert_memory_equal(chosen, two, sizeof two);
    dlm_sampler_choose(confidence, masked, 4, 3, chosen);
    assert_memory_equal(chosen, three, sizeof three);
}

static void test_dlm_sampler_choose__no_more_than_there_are(void **state) {
    (void)state;
    const float confidence[] = {0.1f, 0.2f};
    const bool masked[] = {false, true};
    bool chosen[2];
    dlm_sampler_choose(confidence, masked, 2, 9, chosen);
    assert_true(!chosen[0] && chosen[1]);
    dlm_sampler_choose(confidence, masked, 2, 0, chosen);
    assert_true(!chosen[0] && !chosen[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_sampler_parse__knows_its_names),
        cmocka_unit_test(test_dlm_sampler_fill_count__low_confidence_of_llada_tiny),
        cmocka_unit_test(test_dlm_sampler_fill_count__dream_schedule_of_llada_tiny),
        cmocka_unit_test(test_dlm_sampler_fill_count__dream_schedule_of_e2e_maskgit),
        cmocka_unit_test(test_dlm_sampler_fill_count__low_confidence_of_golden_e2e),
        cmocka_unit_test(test_dlm_sampler_fill_count__rounds_as_pytorch_does),
        cmocka_unit_test(test_dlm_sampler_fill_count__first_step_may_fill_none),
        cmocka_unit_test(test_dlm_sampler_fill_count__more_steps_than_tokens),
        cmocka_unit_test(test_dlm_sampler_fill_count__never_exceeds_what_is_left),
        cmocka_unit_test(test_dlm_sampler_score__probability_of_the_best),
        cmocka_unit_test(test_dlm_sampler_score__negative_entropy),
        cmocka_unit_test(test_dlm_sampler_score__ties_take_the_lower_token),
        cmocka_unit_test(test_dlm_sampler_score__large_logits_stay_finite),
        cmocka_unit_test(test_dlm_sampler_score__nan_gives_no_confidence),
        cmocka_unit_test(test_dlm_sampler_choose__largest_of_the_masked),
        cmocka_unit_test(test_dlm_sampler_choose__ties_take_the_lower_position),
        cmocka_unit_test(test_dlm_sampler_choose__nan_ranks_last),
        cmocka_unit_test(test_dlm_sampler_choose__no_more_than_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
