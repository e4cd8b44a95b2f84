/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Every kernel row where a softmax goes wrong first: huge logits, ties, regions far apart, NaN. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/compare.h"
#include "support/kernel_check.h"
#include "support/kernel_rows.h"

static const uint32_t scored_modes[] = {SPARSED_MODE_PAPER, SPARSED_MODE_UPSTREAM_DREAM,
                                        SPARSED_MODE_UPSTREAM_LLADA, SPARSED_MODE_JOINT};
static const uint32_t blocks[][2] = {{32, 32}, {128, 32}, {16, 128}, {64, 16}};

enum { MODES = 4, SHAPES = 4 };

static void multiply(float *values, uint64_t count, float factor) {
    for (uint64_t i = 0; i < count; i++)
        values[i] *= factor;
}

static uint64_t q_count(const attention_case *c) {
    return case_out_count(c);
}

static uint64_t kv_count(const attention_case *c) {
    return (uint64_t)c->desc.batch * c->desc.kv_heads * c->problem.desc.kv_len * c->desc.head_dim;
}

/* Every other shape reduces by the maximum. */
static attention_case new_case(const kernel_row *row, uint32_t mode, int shape) {
    attention_case c = {.desc = case_desc(1, 2, 1, row_head_dim(row, 64), 203),
                        .select = case_select(mode, blocks[shape][0], blocks[shape][1], 70, 0.3)};
    c.select.score_reduce = (uint32_t)shape % 2;
    case_prepare(&c, (uint64_t)mode * 10 + (uint64_t)shape);
    return c;
}

/* Products of multiples of 1/16 stay exact in float at both factors, so that only the softmax is
 * tried. */
static void check_factor(void **state, float factor) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int mode = 0; mode < MODES; mode++)
        for (int shape = 0; shape < SHAPES; shape++) {
            attention_case c = new_case(row, scored_modes[mode], shape);
            multiply(c.q, q_count(&c), factor);
            case_store(&c);
            check_case(&c, row->context, check_bounds_of(c.desc.dtype), &errors);
            case_free(&c);
        }
    print_errors("large logits", &errors);
}

static void test_plan_run__logits_times_50(void **state) {
    check_factor(state, 50.0f);
}

static void test_plan_run__logits_times_1000(void **state) {
    check_factor(state, 1000.0f);
}

/* ---- regions far apart ---- */

/* Sets dimension 0 so that, in every other row, the logits of one region lie `distance` below the
 * other region's at both scales. The rest of the logits stays random and is small. */
static void part_regions(attention_case *c, bool generation_below, float distance) {
    const sparsed_desc *d = &c->problem.desc;
    uint64_t region = c->extents[0].split * c->select.block_k;
    multiply(c->q, q_count(c), 0.25f);
    for (uint64_t h = 0; h < d->heads; h++)
        for (uint64_t r = 0; r < d->q_len; r++)
            case_q_row(c, 0, h, r)[0] = r % 2 == 0 ? 1.0f : 0.0f;
    for (uint64_t r = 0; r < d->kv_len; r++)
        case_kv_row(c, c->k, 0, 0, r)[0] =
            (r >= region) == generation_below ? -4.0f * distance : 4.0f * distance;
    case_store(c);
}

/* Beside the ranking of the whole, the generation blocks have one of their own, by the softmax over
 * their keys alone: however far their logits lie below the prompt's, it must come out as
 * exactly. */
static void check_generation_below(void **state, uint32_t mode) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int shape = 0; shape < SHAPES; shape++) {
        attention_case c = new_case(row, mode, shape);
        part_regions(&c, true, 1000.0f);
        attention_result oracle = case_oracle(&c, NULL);
        const uint64_t first_generation = c.extents[0].split; /* of the first row of blocks */
        assert_true(oracle.scores_generation[first_generation] > 0.1);
        check_case(&c, row->context, check_bounds_of(c.desc.dtype), &errors);
        result_free(&oracle);
        case_free(&c);
    }
    print_errors("generation 1000 below the prompt", &errors);
}

static void test_plan_run__upstream_dream_generation_logits_1000_below(void **state) {
    check_generation_below(state, SPARSED_MODE_UPSTREAM_DREAM);
}

static void test_plan_run__upstream_llada_generation_logits_1000_below(void **state) {
    check_generation_below(state, SPARSED_MODE_UPSTREAM_LLADA);
}

static void test_plan_run__prompt_logits_1000_below(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int mode = 0; mode < MODES; mode++)
        for (int shape = 0; shape < SHAPES; shape++) {
            attention_case c = new_case(row, scored_modes[mode], shape);
            part_regions(&c, false, 1000.0f);
            check_case(&c, row->context, check_bounds_of(c.desc.dtype), &errors);
            case_free(&c);
        }
    print_errors("prompt 1000 below the generation", &errors);
}

/* In every third row each step_keys keys' products lie a step above those before them, or below:
 * maxima rise in the middle of a strip, tile and part. */
static void step_logits(attention_case *c, bool rise, uint64_t step_keys, float step) {
    const sparsed_desc *d = &c->problem.desc;
    multiply(c->q, q_count(c), 0.25f);
    for (uint64_t h = 0; h < d->heads; h++)
        for (uint64_t r = 0; r < d->q_len; r++)
            case_q_row(c, 0, h, r)[0] = r % 3 == 0 ? 1.0f : 0.0f;
    for (uint64_t r = 0; r < d->kv_len; r++) {
        const float steps = (float)((rise ? r : d->kv_len - 1 - r) / step_keys);
        case_kv_row(c, c->k, 0, 0, r)[0] = steps * step;
    }
    case_store(c);
}

static void test_plan_run__logits_in_steps(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int i = 0; i < 2 * SHAPES; i++) {
        const int shape = i / 2;
        attention_case c = {.desc = case_desc(1, 2, 1, row_head_dim(row, 64), 523),
                            .select = case_select(scored_modes[i % MODES], blocks[shape][0],
                                                  blocks[shape][1], 200, 0.4)};
        case_prepare(&c, (uint64_t)i);
        step_logits(&c, i % 2 == 0, 50, 8.0f / (float)c.problem.desc.scale);
        check_case(&c, row->context, check_bounds_of(c.desc.dtype), &errors);
        case_free(&c);
    }
    print_errors("logits in steps", &errors);
}

/* One step that the smaller scale hardly sees: no reason to raise a maximum. By the larger scale it
 * is a factor of 2^184, more than any sum holds. */
static void test_plan_run__logits_in_steps_at_two_scales(void **state) {
    enum { LEN = 512 };
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int i = 0; i < 4 * SHAPES; i++) {
        const int shape = i / 4;
        const bool rise = i % 2 == 0; /* a build begins with the generation's keys, the last */
        const double small = 0.125, large = 4.0;
        attention_case c = {.desc = case_desc(1, 2, 1, row_head_dim(row, 64), LEN),
                            .select = case_select(scored_modes[i / 2 % MODES], blocks[shape][0],
                                                  blocks[shape][1], rise ? 0 : 200, 0.4)};
        c.desc.q_len = 140;
        c.desc.scale = i % 4 < 2 ? small : large;
        c.select.score_scale = i % 4 < 2 ? large : small;
        case_prepare(&c, (uint64_t)i);
        step_logits(&c, rise, LEN / 2, 4.0f / (float)small);
        check_case(&c, row->context, check_bounds_of(c.desc.dtype), &errors);
        case_free(&c);
    }
    print_errors("logits in steps at two scales", &errors);
}

/* ---- ties ---- */

/* Runs a build of a case whose full blocks tie exactly, and demands the lower indices. */
static void check_exact_ties(attention_case *c, sparsed_context *context, check_errors *errors) {
    sparsed_plan *plan = case_plan(c, context);
    sparsed_kept *kept = case_kept(plan);
    attention_result oracle = case_oracle(c, NULL);
    attention_result result = case_run(c, plan, SPARSED_DENSE_BUILD, kept);
    uint8_t *choices = reference_select(c, &oracle, (reference_tie){0.0, 0.0});
    assert_mask_matches(c, choices, result.mask);
    check_result(c, "ties", &result, &oracle, check_bounds_of(c->desc.dtype), errors);
    errors->cases++;
    free(choices);
    result_free(&oracle);
    result_free(&result);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
}

static void test_plan_run__equal_keys_tie_and_the_lower_index_wins(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int mode = 0; mode < MODES; mode++)
        for (int shape = 0; shape < SHAPES; shape++) {
            attention_case c = new_case(row, scored_modes[mode], shape);
            for (uint64_t i = c.desc.head_dim; i < kv_count(&c); i++)
                c.k[i] = c.k[i - c.desc.head_dim];
            case_store(&c);
            check_exact_ties(&c, row->context, &errors);
            case_free(&c);
        }
    print_errors("equal keys", &errors);
}

static void test_plan_run__negative_zeros(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int mode = 0; mode < MODES; mode++) {
        attention_case c = new_case(row, scored_modes[mode], mode);
        multiply(c.q, q_count(&c), 0.0f);
        multiply(c.k, kv_count(&c), -0.0f);
        case_store(&c);
        check_exact_ties(&c, row->context, &errors);
        case_free(&c);
    }
    print_errors("zeros of both signs", &errors);
}

/* The largest part swallows the rest of each product: all are -2^100, or the
 * lowest power of two. */
static void test_plan_run__large_negative_logits(void **state) {
    static const float parts[][2] = {{0x1p50f, -0x1p50f}, {0x1p63f, -0x1p64f}};
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int mode = 0; mode < MODES; mode++)
        for (int part = 0; part < 2; part++) {
            attention_case c = new_case(row, scored_modes[mode], mode);
            for (uint64_t i = 0; i < q_count(&c); i += c.desc.head_dim)
                c.q[i] = parts[part][0];
            for (uint64_t i = 0; i < kv_count(&c); i += c.desc.head_dim)
                c.k[i] = parts[part][1];
            case_store(&c);
            check_exact_ties(&c, row->context, &errors);
            case_free(&c);
        }
    print_errors("products of -2^100 and -2^127", &errors);
}

static void test_plan_run__one_dominating_key(void **state) {
    enum { KEY = 77 };
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (int mode = 0; mode < MODES; mode++)
        for (int shape = 0; shape < SHAPES; shape++) {
            attention_case c = new_case(row, scored_modes[mode], shape);
            for (uint64_t i = 0; i < q_count(&c); i += c.desc.head_dim)
                c.q[i] = 1.0f;
            for (uint64_t r = 0; r < c.desc.kv_len; r++)
                case_kv_row(&c, c.k, 0, 0, r)[0] = r == KEY ? 4000.0f : 0.0f;
            case_store(&c);
            attention_result oracle = case_oracle(&c, NULL);
            for (uint64_t i = 0; i < c.desc.head_dim; i++)
                assert_true(fabs(oracle.out[i] - (double)case_kv_row(&c, c.v, 0, 0, KEY)[i]) <
                            1e-100);
            check_case(&c, row->context, check_bounds_of(c.desc.dtype), &errors);
            result_free(&oracle);
            case_free(&c);
        }
    print_errors("one dominating key", &errors);
}

/* ---- NaN ---- */

/* One query row of head 0 is NaN. Its own output is, and the scores of its query block: they tie as
 * zeros do, so the lower indices are kept. Nothing else changes. */
static void check_nan_row(kernel_row *row, uint32_t mode, uint32_t reduce, uint64_t nan_row) {
    attention_case c = {.desc = case_desc(1, 2, 1, 16, 96),
                        .select = case_select(mode, 32, 16, 40, 0.3)};
    c.select.score_reduce = reduce;
    case_prepare(&c, 7);
    sparsed_plan *plan = case_plan(&c, row->context);
    sparsed_kept *kept = case_kept(plan);
    attention_result clean = case_run(&c, plan, SPARSED_DENSE_BUILD, kept);
    case_q_row(&c, 0, 0, nan_row)[3] = NAN;
    case_store(&c);
    attention_result result = case_run(&c, plan, SPARSED_DENSE_BUILD, kept);
    for (uint64_t i = 0; i < case_out_count(&c); i++)
        if (i / c.desc.head_dim == nan_row)
            assert_true(isnan(result.out[i]));
        else
            assert_true(result.out[i] == clean.out[i]);
    const uint64_t nk = c.problem.k_blocks, q_block = nan_row / c.select.block_q;
    double *zeros = calloc(case_block_count(&c), sizeof *zeros);
    attention_result ranked = {.scores = zeros, .scores_generation = zeros};
    uint8_t *choices = reference_select(&c, &ranked, (reference_tie){0.0, 0.0});
    for (uint64_t i = 0; i < case_block_count(&c); i++)
        assert_int_equal(result.mask[i], i / nk == q_block ? choices[i] : clean.mask[i]);
    free(zeros);
    free(choices);
    result_free(&clean);
    result_free(&result);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

static void test_plan_run__nan_in_one_query_row(void **state) {
    static const uint64_t nan_rows[] = {32, 40, 63, 95};
    kernel_row *row = usable_row(state);
    for (int mode = 0; mode < MODES; mode++)
        for (size_t i = 0; i < sizeof nan_rows / sizeof *nan_rows; i++) {
            check_nan_row(row, scored_modes[mode], SPARSED_REDUCE_SUM, nan_rows[i]);
            check_nan_row(row, scored_modes[mode], SPARSED_REDUCE_MAX, nan_rows[i]);
        }
}

/* A key block that no row keeps may hold anything. */
static void test_plan_run__nan_in_a_dropped_block(void **state) {
    enum { DROPPED = 3 };
    kernel_row *row = usable_row(state);
    attention_case c = new_case(row, SPARSED_MODE_JOINT, 0);
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = c.desc.batch,
                                       .heads = c.desc.heads,
                                       .block_q = c.select.block_q,
                                       .block_k = c.select.block_k,
                                       .q_len = c.desc.q_len,
                                       .kv_len = c.desc.kv_len};
    const uint64_t nk = c.problem.k_blocks;
    sparsed_plan *plan = case_plan(&c, row->context);
    sparsed_kept *kept = case_kept(plan);
    sparsed_pattern *pattern;
    uint8_t *mask = malloc(case_block_count(&c));
    assert_non_null(mask);
    for (uint64_t i = 0; i < case_block_count(&c); i++)
        mask[i] = i % nk != DROPPED;
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, NULL, &pattern, NULL), SPARSED_OK);
    assert_int_equal(sparsed_kept_set(kept, pattern), SPARSED_OK);
    sparsed_pattern_release(pattern);
    for (uint64_t r = 0; r < c.select.block_k; r++) {
        case_kv_row(&c, c.k, 0, 0, DROPPED * c.select.block_k + r)[1] = NAN;
        case_kv_row(&c, c.v, 0, 0, DROPPED * c.select.block_k + r)[2] = INFINITY;
    }
    case_store(&c);
    check_errors errors = {.cases = 1};
    attention_result sparse = case_run(&c, plan, SPARSED_SPARSE, kept);
    attention_result oracle = case_oracle(&c, mask);
    check_result(&c, "sparse", &sparse, &oracle, check_bounds_of(c.desc.dtype), &errors);
    print_errors("NaN in a dropped block", &errors);
    result_free(&sparse);
    result_free(&oracle);
    free(mask);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* An infinite product makes a row NaN, and no other row. */
static void test_plan_run__infinite_query_row(void **state) {
    enum { ROW = 40 };
    kernel_row *row = usable_row(state);
    for (int mode = 0; mode < MODES; mode++) {
        attention_case c = new_case(row, scored_modes[mode], mode);
        sparsed_plan *plan = case_plan(&c, row->context);
        sparsed_kept *kept = case_kept(plan);
        attention_result clean = case_run(&c, plan, SPARSED_DENSE_BUILD, kept);
        case_q_row(&c, 0, 0, ROW)[0] = INFINITY;
        case_store(&c);
        attention_result result = case_run(&c, plan, SPARSED_DENSE_BUILD, kept);
        for (uint64_t i = 0; i < case_out_count(&c); i++)
            if (i / c.desc.head_dim == ROW)
                assert_true(isnan(result.out[i]));
            else
                assert_true(result.out[i] == clean.out[i]);
        result_free(&clean);
        result_free(&result);
        sparsed_kept_destroy(kept);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_run__logits_times_50),
        cmocka_unit_test(test_plan_run__logits_times_1000),
        cmocka_unit_test(test_plan_run__upstream_dream_generation_logits_1000_below),
        cmocka_unit_test(test_plan_run__upstream_llada_generation_logits_1000_below),
        cmocka_unit_test(test_plan_run__prompt_logits_1000_below),
        cmocka_unit_test(test_plan_run__logits_in_steps),
        cmocka_unit_test(test_plan_run__logits_in_steps_at_two_scales),
        cmocka_unit_test(test_plan_run__equal_keys_tie_and_the_lower_index_wins),
        cmocka_unit_test(test_plan_run__negative_zeros),
        cmocka_unit_test(test_plan_run__large_negative_logits),
        cmocka_unit_test(test_plan_run__one_dominating_key),
        cmocka_unit_test(test_plan_run__nan_in_one_query_row),
        cmocka_unit_test(test_plan_run__nan_in_a_dropped_block),
        cmocka_unit_test(test_plan_run__infinite_query_row),
    };
    return run_tests_on_all_rows(tests, sizeof tests / sizeof *tests);
}
