/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Block scores of a pattern, and choosing anew from them: as a direct build would have chosen. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/half.h"
#include "src/pattern.h"
#include "src/select.h"
#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/pattern_case.h"
#include "support/random.h"

static const uint32_t scored_modes[] = {SPARSED_MODE_PAPER, SPARSED_MODE_UPSTREAM_DREAM,
                                        SPARSED_MODE_UPSTREAM_LLADA, SPARSED_MODE_JOINT};

enum { MODES = 4, LEN = 333 };

/* ---- builds ---- */

/* A case with a plan and kept blocks. */
typedef struct fixture {
    attention_case c;
    sparsed_plan *plan;
    sparsed_kept *kept;
} fixture;

static void set_up(fixture *f, sparsed_context *context, const attention_case *c) {
    f->c = *c;
    case_prepare(&f->c, 3);
    f->plan = case_plan(&f->c, context);
    f->kept = case_kept(f->plan);
}

static void tear_down(fixture *f) {
    sparsed_kept_destroy(f->kept);
    sparsed_plan_destroy(f->plan);
    case_free(&f->c);
}

static sparsed_pattern *build(fixture *f, double ratio) {
    sparsed_pattern *pattern;
    f->c.io.ratio = ratio;
    assert_int_equal(sparsed_plan_run(f->plan, SPARSED_BUILD, &f->c.io, f->kept), SPARSED_OK);
    assert_int_equal(sparsed_kept_get(f->kept, &pattern), SPARSED_OK);
    return pattern;
}

/* The pattern with the scores of the last build. */
static sparsed_pattern *with_scores(fixture *f, const sparsed_pattern *pattern, uint32_t dtype) {
    sparsed_pattern *result;
    sparsed_message message;
    if (sparsed_pattern_with_scores(pattern, f->c.io.scores.mem, dtype, &result, &message) !=
        SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    return result;
}

static sparsed_pattern *rethreshold(const sparsed_pattern *pattern, const double *ratios,
                                    uint32_t count) {
    sparsed_pattern *result;
    sparsed_message message;
    if (sparsed_pattern_rethreshold(pattern, ratios, count, &result, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    return result;
}

static attention_case square_case(uint32_t mode) {
    return (attention_case){.desc = case_desc(1, 2, 2, 16, LEN),
                            .select = case_select(mode, 32, 16, 100, 0.3)};
}

/* Grouped heads, padding on both sides, one batch without rows. */
static attention_case padded_case(uint32_t mode) {
    return (attention_case){.desc = case_desc(3, 4, 2, 16, LEN),
                            .select = case_select(mode, 64, 16, 70, 0.3),
                            .has_valid = true,
                            .valid_start = {0, 61, 90},
                            .valid_end = {250, 333, 90}};
}

/* Fewer query rows than keys, somewhere in the middle. */
static attention_case rectangular_case(uint32_t mode) {
    attention_case c = {.desc = case_desc(2, 2, 1, 16, LEN),
                        .select = case_select(mode, 16, 32, 100, 0.3)};
    c.desc.q_len = 120;
    c.desc.flags = SPARSED_DESC_Q_START;
    c.desc.q_start = 170;
    return c;
}

/* ---- what is stored ---- */

static void check_stored(fixture *f, uint32_t dtype) {
    const sparsed_desc *d = &f->c.problem.desc;
    const uint64_t nq = f->c.problem.q_blocks, nk = f->c.problem.k_blocks;
    const bool upstream = spd_mode_is_upstream(f->c.select.mode);
    sparsed_pattern *plain = build(f, 0.3), *scored = with_scores(f, plain, dtype);
    const float *given = f->c.io.scores.mem;
    float *row = malloc(nk * sizeof *row);
    assert_same_blocks(plain, scored);
    assert_int_equal(describe(scored).score_dtype, dtype);
    for (uint32_t ranking = 0; ranking < (upstream ? 2u : 1u); ranking++)
        for (uint32_t b = 0; b < d->batch; b++)
            for (uint32_t h = 0; h < d->heads; h++)
                for (uint64_t i = 0; i < nq; i++, given += nk) {
                    assert_int_equal(sparsed_pattern_scores(scored, ranking, b, h, i, row),
                                     SPARSED_OK);
                    for (uint64_t j = 0; j < nk; j++) {
                        float expected = dtype == SPARSED_F32
                                             ? given[j]
                                             : spd_float_from_f16(spd_f16_from_float(given[j]));
                        assert_true(row[j] == expected);
                    }
                }
    free(row);
    sparsed_pattern_release(plain);
    sparsed_pattern_release(scored);
}

static void test_pattern_scores__are_those_of_the_build(void **state) {
    for (int m = 0; m < MODES; m++)
        for (int shape = 0; shape < 3; shape++) {
            const attention_case c = shape == 0   ? square_case(scored_modes[m])
                                     : shape == 1 ? padded_case(scored_modes[m])
                                                  : rectangular_case(scored_modes[m]);
            fixture f;
            set_up(&f, *state, &c);
            check_stored(&f, SPARSED_F32);
            check_stored(&f, SPARSED_F16);
            tear_down(&f);
        }
}

/* The second ranking is stored from each batch's split on, as wide as the widest needs. */
static void test_pattern_with_scores__generation_scores_are_compact(void **state) {
    const attention_case c = padded_case(SPARSED_MODE_UPSTREAM_LLADA);
    fixture f;
    set_up(&f, *state, &c);
    sparsed_pattern *plain = build(&f, 0.3), *scored = with_scores(&f, plain, SPARSED_F32);
    uint64_t widest = 0;
    for (uint32_t b = 0; b < 3; b++) {
        const uint64_t columns = f.c.extents[b].k_blocks - f.c.extents[b].split;
        widest = columns > widest ? columns : widest;
    }
    assert_int_equal(scored->generation_blocks, widest);
    const uint64_t blocks = case_block_count(&f.c), nk = f.c.problem.k_blocks;
    const float *given = (const float *)f.c.io.scores.mem + blocks;
    const float *stored = scored->generation_scores;
    assert_true(stored[0] == given[f.c.extents[0].split]);
    const uint64_t rows = f.c.problem.q_blocks; /* the second head's first row */
    assert_true(stored[rows * widest + 1] == given[rows * nk + f.c.extents[0].split + 1]);
    sparsed_pattern_release(plain);
    sparsed_pattern_release(scored);
    tear_down(&f);
}

/* What lies past a batch's own blocks is stored as 0, whatever the caller has there. */
static void test_pattern_with_scores__padding_is_zero(void **state) {
    const attention_case c = padded_case(SPARSED_MODE_UPSTREAM_DREAM);
    fixture f;
    set_up(&f, *state, &c);
    sparsed_pattern *plain = build(&f, 0.3);
    const uint64_t blocks = case_block_count(&f.c), nk = f.c.problem.k_blocks;
    const uint64_t nq = f.c.problem.q_blocks;
    float *ones = malloc(2 * blocks * sizeof *ones), *row = malloc(nk * sizeof *row);
    sparsed_pattern *scored;
    for (uint64_t i = 0; i < 2 * blocks; i++)
        ones[i] = 1.0f;
    assert_int_equal(sparsed_pattern_with_scores(plain, ones, SPARSED_F16, &scored, NULL),
                     SPARSED_OK);
    for (uint32_t i = 0; i < 2 * 3 * 4 * nq; i++) {
        const uint32_t ranking = i / (uint32_t)(12 * nq), b = i / (uint32_t)(4 * nq) % 3;
        const spd_extent *e = &f.c.extents[b];
        assert_int_equal(
            sparsed_pattern_scores(scored, ranking, b, i / (uint32_t)nq % 4, i % nq, row),
            SPARSED_OK);
        for (uint64_t j = 0; j < nk; j++) {
            const bool own = i % nq < e->q_blocks && j < e->k_blocks;
            assert_true(row[j] == (own && (ranking == 0 || j >= e->split) ? 1.0f : 0.0f));
        }
    }
    free(ones);
    free(row);
    sparsed_pattern_release(plain);
    sparsed_pattern_release(scored);
    tear_down(&f);
}

static void test_pattern_with_scores__null_takes_them_away(void **state) {
    const attention_case c = square_case(SPARSED_MODE_PAPER);
    fixture f;
    float row[LEN];
    set_up(&f, *state, &c);
    sparsed_pattern *plain = build(&f, 0.3), *scored = with_scores(&f, plain, SPARSED_F32),
                    *without;
    assert_int_equal(sparsed_pattern_with_scores(scored, NULL, 99, &without, NULL), SPARSED_OK);
    const sparsed_pattern_info first = describe(plain), last = describe(without);
    assert_memory_equal(&first, &last, sizeof first);
    assert_same_blocks(plain, without);
    assert_int_equal(sparsed_pattern_scores(without, 0, 0, 0, 0, row), SPARSED_E_STATE);
    sparsed_pattern_release(plain);
    sparsed_pattern_release(scored);
    sparsed_pattern_release(without);
    tear_down(&f);
}

/* ---- ties ---- */

static int falling(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* Whether block j ties in f16 with the last block that a ranking keeps. */
static bool ties(const float *scores, uint64_t first, uint64_t end, uint64_t keep, uint64_t j) {
    const uint64_t n = end - first;
    if (j < first || j >= end || keep == 0 || keep >= n)
        return false;
    float *sorted = malloc(n * sizeof *sorted);
    memcpy(sorted, scores + first, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, falling);
    const bool tie = spd_f16_from_float(scores[j]) == spd_f16_from_float(sorted[keep - 1]);
    free(sorted);
    return tie;
}

/* The rankings of a mode, docs/algorithm.md. */
static bool ties_in_mode(const sparsed_pattern *p, const spd_extent *e, const float *scores,
                         const float *generation, uint64_t j) {
    const uint64_t n = e->k_blocks;
    uint64_t prompt, rest;
    spd_budgets(p->info.mode, p->info.ratio, n, e->split, &prompt, &rest);
    if (p->info.mode == SPARSED_MODE_PAPER)
        return ties(scores, 0, e->split, prompt, j) || ties(scores, e->split, n, rest, j);
    if (spd_mode_is_upstream(p->info.mode))
        return (j < e->split && ties(scores, 0, n, prompt, j)) ||
               ties(generation, e->split, n, rest, j);
    return ties(scores, 0, n, prompt, j);
}

/* Fails if the two differ in a block that is no f16 tie; returns in how many they differ. The first
 * holds f32 scores. */
static uint64_t check_ties(const sparsed_pattern *exact, const sparsed_pattern *rounded) {
    const sparsed_pattern_info *info = &exact->info;
    float *scores = calloc(2 * info->k_blocks, sizeof *scores);
    float *generation = scores + info->k_blocks;
    uint64_t differ = 0;
    for (uint64_t r = 0; r < spd_pattern_row_count(info); r++) {
        const uint32_t b = (uint32_t)(r / info->q_blocks / info->heads);
        const uint32_t h = (uint32_t)(r / info->q_blocks % info->heads);
        const uint64_t i = r % info->q_blocks;
        assert_int_equal(sparsed_pattern_scores(exact, 0, b, h, i, scores), SPARSED_OK);
        if (exact->generation_scores)
            assert_int_equal(sparsed_pattern_scores(exact, 1, b, h, i, generation), SPARSED_OK);
        for (uint64_t j = 0; j < info->k_blocks; j++) {
            const uint64_t *row = exact->bits + r * exact->row_words;
            const uint64_t *other = rounded->bits + r * rounded->row_words;
            if (spd_bit_get(row, j) == spd_bit_get(other, j))
                continue;
            differ++;
            assert_true(ties_in_mode(exact, &exact->extents[b], scores, generation, j));
        }
    }
    free(scores);
    return differ;
}

/* ---- other ratios ---- */

/* From a build with 0.3, as direct builds with other ratios. */
static void check_rethreshold(fixture *f) {
    static const double ratios[] = {1e-9, 0.05, 0.3, 0.55, 0.9999, 1.0};
    sparsed_pattern *plain = build(f, 0.3);
    sparsed_pattern *f32 = with_scores(f, plain, SPARSED_F32);
    sparsed_pattern *f16 = with_scores(f, plain, SPARSED_F16);
    for (int i = 0; i < 6; i++) {
        sparsed_pattern *direct = build(f, ratios[i]);
        sparsed_pattern *exact = rethreshold(f32, &ratios[i], 1);
        sparsed_pattern *rounded = rethreshold(f16, &ratios[i], 1);
        sparsed_pattern_info expected = describe(direct), info = describe(exact);
        assert_memory_equal(exact->bits, direct->bits, spd_pattern_words(&info) * 8);
        assert_true(spd_pattern_bits_fit(exact));
        assert_memory_equal(exact->extents, direct->extents, info.batch * sizeof *direct->extents);
        assert_int_equal(info.score_dtype, SPARSED_F32);
        expected.score_dtype = SPARSED_F32;
        assert_memory_equal(&info, &expected, sizeof info);
        check_ties(exact, rounded);
        sparsed_pattern_release(direct);
        sparsed_pattern_release(exact);
        sparsed_pattern_release(rounded);
    }
    sparsed_pattern_release(plain);
    sparsed_pattern_release(f32);
    sparsed_pattern_release(f16);
}

static void check_options(sparsed_context *context, attention_case c) {
    for (uint32_t flags = 0; flags < 8; flags++)
        for (uint32_t reduce = SPARSED_REDUCE_SUM; reduce <= SPARSED_REDUCE_MAX; reduce++) {
            fixture f;
            c.select.flags = flags;
            c.select.score_reduce = reduce;
            c.select.always_first = flags % 3;
            set_up(&f, context, &c);
            check_rethreshold(&f);
            tear_down(&f);
        }
}

static void test_pattern_rethreshold__equals_a_direct_build(void **state) {
    for (int m = 0; m < MODES; m++)
        check_options(*state, square_case(scored_modes[m]));
}

static void test_pattern_rethreshold__grouped_heads_and_padding(void **state) {
    for (int m = 0; m < MODES; m++)
        check_options(*state, padded_case(scored_modes[m]));
}

static void test_pattern_rethreshold__rectangular(void **state) {
    for (int m = 0; m < MODES; m++)
        check_options(*state, rectangular_case(scored_modes[m]));
}

/* A generation region of nothing, and of everything. */
static void test_pattern_rethreshold__no_prompt_or_no_generation(void **state) {
    for (int m = 0; m < MODES; m++)
        for (uint64_t gen_len = 0; gen_len <= LEN; gen_len += LEN) {
            attention_case c = square_case(scored_modes[m]);
            fixture f;
            c.select.gen_len = gen_len;
            set_up(&f, *state, &c);
            check_rethreshold(&f);
            tear_down(&f);
        }
}

/* NaN scores rank last in a build, and so they do later. */
static void test_pattern_rethreshold__nan_scores(void **state) {
    for (int m = 0; m < MODES; m++) {
        const attention_case c = square_case(scored_modes[m]);
        fixture f;
        set_up(&f, *state, &c);
        case_q_row(&f.c, 0, 1, 40)[3] = NAN;
        case_store(&f.c);
        check_rethreshold(&f);
        tear_down(&f);
    }
}

/* Scores closer to each other than f16 tells apart: the two differ, among ties alone. */
static void test_pattern_rethreshold__f16_differs_among_ties_only(void **state) {
    (void)state;
    for (int m = 0; m < MODES; m++) {
        const double ratio = 0.4;
        sparsed_pattern_info info = small_info();
        float scores[2 * SMALL_MASK];
        uint8_t mask[SMALL_MASK] = {0};
        uint64_t random = 7;
        info.mode = scored_modes[m];
        info.gen_len = 500;
        info.ratio = 0.1;
        for (int i = 0; i < 2 * SMALL_MASK; i++)
            scores[i] = (float)(random_bits(&random) % 4) + random_float(&random) * 1e-5f + 1.0f;
        sparsed_pattern *plain = mask_pattern(&info, mask), *f32, *f16;
        assert_int_equal(sparsed_pattern_with_scores(plain, scores, SPARSED_F32, &f32, NULL),
                         SPARSED_OK);
        assert_int_equal(sparsed_pattern_with_scores(plain, scores, SPARSED_F16, &f16, NULL),
                         SPARSED_OK);
        sparsed_pattern *exact = rethreshold(f32, &ratio, 1);
        sparsed_pattern *rounded = rethreshold(f16, &ratio, 1);
        assert_true(check_ties(exact, rounded) > 0);
        sparsed_pattern_release(plain);
        sparsed_pattern_release(f32);
        sparsed_pattern_release(f16);
        sparsed_pattern_release(exact);
        sparsed_pattern_release(rounded);
    }
}

/* ---- ratios of heads ---- */

static void check_heads(fixture *f, const double *ratios, uint32_t heads) {
    sparsed_pattern *plain = build(f, 0.3), *scored = with_scores(f, plain, SPARSED_F32);
    sparsed_pattern *result = rethreshold(scored, ratios, heads);
    const sparsed_pattern_info info = describe(result);
    const uint64_t head_words = info.q_blocks * result->row_words;
    double mean = 0.0;
    for (uint32_t h = 0; h < heads; h++) {
        sparsed_pattern *direct = build(f, ratios[h]);
        for (uint32_t b = 0; b < info.batch; b++) {
            const uint64_t first = ((uint64_t)b * heads + h) * head_words;
            assert_memory_equal(result->bits + first, direct->bits + first, head_words * 8);
        }
        mean += ratios[h] / heads;
        sparsed_pattern_release(direct);
    }
    assert_true(fabs(info.ratio - mean) < 1e-15);
    assert_int_equal(info.pattern_flags, SPARSED_PATTERN_Q_START | SPARSED_PATTERN_HEAD_RATIOS);
    assert_memory_equal(result->ratios, ratios, heads * sizeof *ratios);
    sparsed_pattern_release(plain);
    sparsed_pattern_release(scored);
    sparsed_pattern_release(result);
}

static void test_pattern_rethreshold__a_ratio_per_head(void **state) {
    static const double ratios[] = {0.1, 0.7, 0.2, 1.0};
    for (int m = 0; m < MODES; m++) {
        const attention_case c = padded_case(scored_modes[m]);
        fixture f;
        set_up(&f, *state, &c);
        check_heads(&f, ratios, 4);
        tear_down(&f);
    }
}

/* The same ratio for each is that ratio, to the bit; a later single one ends those of the heads. */
static void test_pattern_rethreshold__one_ratio_again(void **state) {
    static const double same[] = {0.1, 0.1, 0.1}, other[] = {0.1, 0.2, 0.1};
    attention_case c = padded_case(SPARSED_MODE_JOINT);
    fixture f;
    c.desc.heads = c.desc.kv_heads = 3;
    set_up(&f, *state, &c);
    sparsed_pattern *plain = build(&f, 0.3), *scored = with_scores(&f, plain, SPARSED_F32);
    sparsed_pattern *one = rethreshold(scored, same, 1), *each = rethreshold(scored, same, 3);
    sparsed_pattern *heads = rethreshold(scored, other, 3), *again = rethreshold(heads, same, 1);
    const sparsed_pattern_info first = describe(one), second = describe(each),
                               third = describe(again);
    assert_memory_equal(&first, &second, sizeof first);
    assert_memory_equal(&first, &third, sizeof first);
    assert_same_blocks(one, each);
    assert_same_blocks(one, again);
    sparsed_pattern_release(plain);
    sparsed_pattern_release(scored);
    sparsed_pattern_release(one);
    sparsed_pattern_release(each);
    sparsed_pattern_release(heads);
    sparsed_pattern_release(again);
    tear_down(&f);
}

/* ---- memory ---- */

/* The result holds the same scores, not a copy, and needs nothing of what it was made from. */
static void test_pattern_rethreshold__outlives_its_source(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const double ratios[] = {0.2, 0.5};
    sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK] = {0};
    float scores[SMALL_MASK], row[SMALL_K_BLOCKS];
    sparsed_pattern *plain, *scored;
    info.mode = SPARSED_MODE_JOINT;
    info.ratio = 0.3;
    for (int i = 0; i < SMALL_MASK; i++)
        scores[i] = (float)i;
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, &allocator, &plain, NULL), SPARSED_OK);
    assert_int_equal(sparsed_pattern_with_scores(plain, scores, SPARSED_F32, &scored, NULL),
                     SPARSED_OK);
    sparsed_pattern_release(plain);
    sparsed_pattern *first = rethreshold(scored, &ratios[0], 1);
    assert_ptr_equal(first->scores, scored->scores);
    sparsed_pattern_release(scored);
    sparsed_pattern *second = rethreshold(first, &ratios[1], 1);
    assert_ptr_equal(second->lender, first->lender); /* and so the one between may go */
    sparsed_pattern_release(first);
    assert_int_equal(sparsed_pattern_scores(second, 0, 1, 2, 1, row), SPARSED_OK);
    assert_memory_equal(row, scores + (SMALL_ROWS - 2) * SMALL_K_BLOCKS, sizeof row);
    sparsed_pattern_release(second);
    assert_int_equal(counter.live, 0);
}

static float many_scores[2 * SMALL_MASK];

static sparsed_status make_with_scores(void *argument, sparsed_pattern **pattern,
                                       sparsed_message *message) {
    return sparsed_pattern_with_scores(argument, many_scores, SPARSED_F16, pattern, message);
}

static sparsed_status make_rethreshold(void *argument, sparsed_pattern **pattern,
                                       sparsed_message *message) {
    static const double ratios[SMALL_HEADS] = {0.2, 0.5, 0.9};
    return sparsed_pattern_rethreshold(argument, ratios, SMALL_HEADS, pattern, message);
}

static void test_pattern_rethreshold__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern *plain, *scored;
    info.mode = SPARSED_MODE_UPSTREAM_DREAM;
    info.gen_len = 300;
    info.ratio = 0.3;
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, &allocator, &plain, NULL), SPARSED_OK);
    assert_survives_failed_allocations(&counter, make_with_scores, plain);
    assert_int_equal(sparsed_pattern_with_scores(plain, many_scores, SPARSED_F32, &scored, NULL),
                     SPARSED_OK);
    assert_survives_failed_allocations(&counter, make_rethreshold, scored);
    sparsed_pattern *heads;
    assert_int_equal(make_rethreshold(scored, &heads, NULL), SPARSED_OK);
    assert_survives_failed_allocations(&counter, make_with_scores, heads); /* with its ratios */
    sparsed_pattern_release(plain);
    sparsed_pattern_release(scored);
    sparsed_pattern_release(heads);
    assert_int_equal(counter.live, 0);
}

/* ---- refusals ---- */

static void test_pattern_with_scores__refuses(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern *own = mask_pattern(&info, mask), *result = own;
    sparsed_message message;
    info.mode = SPARSED_MODE_JOINT;
    info.ratio = 0.5;
    sparsed_pattern *built = mask_pattern(&info, mask);
    sparsed_status status =
        sparsed_pattern_with_scores(own, many_scores, SPARSED_F32, &result, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "the pattern's mode is 0");
    assert_null(result);
    status = sparsed_pattern_with_scores(built, many_scores, SPARSED_BF16, &result, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "dtype is 3");
    status = sparsed_pattern_with_scores(NULL, many_scores, SPARSED_F32, &result, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "pattern is NULL");
    status = sparsed_pattern_with_scores(built, many_scores, SPARSED_F32, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "result is NULL");
    sparsed_pattern_release(own);
    sparsed_pattern_release(built);
}

static sparsed_pattern *joint_pattern(bool scored) {
    sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK] = {0};
    info.mode = SPARSED_MODE_JOINT;
    info.ratio = 0.5;
    sparsed_pattern *plain = mask_pattern(&info, mask), *result;
    if (!scored)
        return plain;
    assert_int_equal(sparsed_pattern_with_scores(plain, many_scores, SPARSED_F32, &result, NULL),
                     SPARSED_OK);
    sparsed_pattern_release(plain);
    return result;
}

static void test_pattern_scores__refuses(void **state) {
    (void)state;
    float row[SMALL_K_BLOCKS];
    sparsed_pattern *p = joint_pattern(true), *plain = joint_pattern(false);
    assert_int_equal(sparsed_pattern_scores(p, 0, 0, 0, 0, row), SPARSED_OK);
    assert_int_equal(sparsed_pattern_scores(NULL, 0, 0, 0, 0, row), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_scores(p, 0, 0, 0, 0, NULL), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_scores(p, 2, 0, 0, 0, row), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_scores(p, 0, SMALL_BATCH, 0, 0, row), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_scores(p, 0, 0, SMALL_HEADS, 0, row), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_scores(p, 0, 0, 0, SMALL_Q_BLOCKS, row), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_scores(p, 1, 0, 0, 0, row), SPARSED_E_STATE);
    assert_int_equal(sparsed_pattern_scores(plain, 0, 0, 0, 0, row), SPARSED_E_STATE);
    sparsed_pattern_release(p);
    sparsed_pattern_release(plain);
}

static void refuse_ratios(const sparsed_pattern *pattern, const double *ratios, uint32_t count,
                          sparsed_status expected, const char *named) {
    sparsed_pattern *result = (sparsed_pattern *)(void *)&result;
    sparsed_message message;
    sparsed_status status = sparsed_pattern_rethreshold(pattern, ratios, count, &result, &message);
    assert_error_text(message.text, status, expected, named);
    assert_null(result);
}

static void test_pattern_rethreshold__refuses(void **state) {
    (void)state;
    const double good[] = {0.1, 0.2, 0.3}, zero[] = {0.1, 0.0, 0.3}, large = 1.01, nan = NAN;
    sparsed_pattern *p = joint_pattern(true), *plain = joint_pattern(false);
    sparsed_message message;
    refuse_ratios(NULL, good, 1, SPARSED_E_INVALID, "pattern is NULL");
    refuse_ratios(p, NULL, 1, SPARSED_E_INVALID, "ratios is NULL");
    refuse_ratios(p, good, 0, SPARSED_E_INVALID, "count is 0, neither 1 nor the heads, 3");
    refuse_ratios(p, good, 2, SPARSED_E_INVALID, "count is 2, neither 1 nor the heads, 3");
    refuse_ratios(p, zero, 3, SPARSED_E_INVALID, "ratios[1] is 0, not in (0, 1]");
    refuse_ratios(p, &large, 1, SPARSED_E_INVALID, "ratios[0] is 1.01, not in (0, 1]");
    refuse_ratios(p, &nan, 1, SPARSED_E_INVALID, "ratios[0] is nan, not in (0, 1]");
    refuse_ratios(plain, good, 1, SPARSED_E_STATE, "no block scores");
    sparsed_status status = sparsed_pattern_rethreshold(p, good, 1, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "result is NULL");
    sparsed_pattern_release(p);
    sparsed_pattern_release(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_scores__are_those_of_the_build),
        cmocka_unit_test(test_pattern_with_scores__generation_scores_are_compact),
        cmocka_unit_test(test_pattern_with_scores__padding_is_zero),
        cmocka_unit_test(test_pattern_with_scores__null_takes_them_away),
        cmocka_unit_test(test_pattern_rethreshold__equals_a_direct_build),
        cmocka_unit_test(test_pattern_rethreshold__grouped_heads_and_padding),
        cmocka_unit_test(test_pattern_rethreshold__rectangular),
        cmocka_unit_test(test_pattern_rethreshold__no_prompt_or_no_generation),
        cmocka_unit_test(test_pattern_rethreshold__nan_scores),
        cmocka_unit_test(test_pattern_rethreshold__f16_differs_among_ties_only),
        cmocka_unit_test(test_pattern_rethreshold__a_ratio_per_head),
        cmocka_unit_test(test_pattern_rethreshold__one_ratio_again),
        cmocka_unit_test(test_pattern_rethreshold__outlives_its_source),
        cmocka_unit_test(test_pattern_rethreshold__every_failing_allocation),
        cmocka_unit_test(test_pattern_with_scores__refuses),
        cmocka_unit_test(test_pattern_scores__refuses),
        cmocka_unit_test(test_pattern_rethreshold__refuses),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
