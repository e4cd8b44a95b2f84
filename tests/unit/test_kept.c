/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Kept blocks: to and from host patterns, refusals, memory, density. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/pattern.h"
#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/counting_allocator.h"
#include "support/kernel_rows.h"
#include "support/pattern_case.h"

/* A case with a plan and kept blocks. */
typedef struct fixture {
    attention_case c;
    sparsed_context *context;
    sparsed_plan *plan;
    sparsed_kept *kept;
} fixture;

static void set_up(fixture *f, sparsed_context *context) {
    f->c = (attention_case){.desc = case_desc(2, 2, 1, 16, 100),
                            .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3)};
    f->context = context;
    case_prepare(&f->c, 3);
    f->plan = case_plan(&f->c, context);
    f->kept = case_kept(f->plan);
}

static void tear_down(fixture *f) {
    sparsed_kept_destroy(f->kept);
    sparsed_plan_destroy(f->plan);
    case_free(&f->c);
}

static void build(fixture *f) {
    assert_int_equal(sparsed_plan_run(f->plan, SPARSED_BUILD, &f->c.io, f->kept), SPARSED_OK);
}

static sparsed_pattern *get(fixture *f) {
    sparsed_pattern *pattern;
    assert_int_equal(sparsed_kept_get(f->kept, &pattern), SPARSED_OK);
    return pattern;
}

static sparsed_pattern_info info_of(fixture *f) {
    return (sparsed_pattern_info){.struct_size = sizeof(sparsed_pattern_info),
                                  .batch = f->c.desc.batch,
                                  .heads = f->c.desc.heads,
                                  .block_q = f->c.select.block_q,
                                  .block_k = f->c.select.block_k,
                                  .q_len = f->c.desc.q_len,
                                  .kv_len = f->c.desc.kv_len};
}

static sparsed_pattern *pattern_of(const sparsed_pattern_info *info) {
    uint8_t *mask = malloc(1 << 16);
    sparsed_pattern *pattern;
    assert_non_null(mask);
    memset(mask, 1, 1 << 16);
    assert_int_equal(sparsed_pattern_from_mask(info, mask, NULL, &pattern, NULL), SPARSED_OK);
    free(mask);
    return pattern;
}

/* ---- there and back ---- */

static void test_kept_get__says_what_it_was_built_with(void **state) {
    fixture f;
    set_up(&f, *state);
    f.c.io.ratio = 0.7;
    build(&f);
    sparsed_pattern *pattern = get(&f);
    const sparsed_pattern_info info = describe(pattern);
    assert_int_equal(info.batch, 2);
    assert_int_equal(info.heads, 2);
    assert_int_equal(info.block_q, 32);
    assert_int_equal(info.block_k, 16);
    assert_int_equal(info.mode, SPARSED_MODE_PAPER);
    assert_int_equal(info.q_len, 100);
    assert_int_equal(info.kv_len, 100);
    assert_int_equal(info.gen_len, 30);
    assert_true(info.ratio == 0.7); /* the run's */
    assert_true(info.score_scale == 0.25);
    assert_int_equal(info.q_blocks, 4);
    assert_int_equal(info.k_blocks, 7);
    /* ceil(0.7 * 5) + ceil(0.7 * 2) of each row */
    assert_int_equal(info.kept_blocks, 2 * 2 * 4 * (4 + 2));
    assert_int_equal(info.q_start, 0);
    assert_int_equal(info.pattern_flags, SPARSED_PATTERN_Q_START);
    assert_int_equal(info.kv_heads, 1);
    assert_int_equal(info.head_dim, 16);
    assert_int_equal(info.score_heads, 2);
    assert_int_equal(info.dtype, SPARSED_F32);
    assert_int_equal(info.step, 0);
    assert_int_equal(info.score_dtype, 0);
    sparsed_pattern_release(pattern);
    tear_down(&f);
}

/* Fewer query rows than keys, of a shard of a model's heads, in half precision. */
static void test_kept_get__says_of_what_problem(void **state) {
    attention_case c = {.desc = case_desc(1, 2, 2, 8, 100),
                        .select = case_select(SPARSED_MODE_UPSTREAM_LLADA, 32, 16, 30, 0.3)};
    c.desc.q_len = 40;
    c.desc.flags = SPARSED_DESC_Q_START;
    c.desc.q_start = 13;
    c.desc.score_heads = 32;
    c.desc.dtype = SPARSED_F16;
    case_prepare(&c, 3);
    sparsed_plan *plan = case_plan(&c, *state);
    sparsed_kept *kept = case_kept(plan);
    sparsed_pattern *pattern;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &c.io, kept), SPARSED_OK);
    assert_int_equal(sparsed_kept_get(kept, &pattern), SPARSED_OK);
    const sparsed_pattern_info info = describe(pattern);
    assert_int_equal(info.q_len, 40);
    assert_int_equal(info.q_start, 13);
    assert_int_equal(info.kv_heads, 2);
    assert_int_equal(info.head_dim, 8);
    assert_int_equal(info.score_heads, 32);
    assert_int_equal(info.dtype, SPARSED_F16);
    sparsed_pattern_release(pattern);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* Valid rows of each batch, in the pattern as in the run. */
static void test_kept_get__says_of_what_rows(void **state) {
    attention_case c = {.desc = case_desc(2, 1, 1, 8, 100),
                        .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3),
                        .has_valid = true,
                        .valid_start = {0, 7},
                        .valid_end = {60, 100}};
    case_prepare(&c, 3);
    sparsed_plan *plan = case_plan(&c, *state);
    sparsed_kept *kept = case_kept(plan);
    sparsed_pattern *pattern;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &c.io, kept), SPARSED_OK);
    assert_int_equal(sparsed_kept_get(kept, &pattern), SPARSED_OK);
    for (uint32_t b = 0; b < 2; b++) {
        const spd_extent *e = &c.extents[b];
        sparsed_pattern_range range = {.struct_size = sizeof range};
        const sparsed_pattern_range expected = {.struct_size = sizeof range,
                                                .key_start = e->key_start,
                                                .keys = e->keys,
                                                .query_start = e->query_start,
                                                .queries = e->queries,
                                                .query_position = e->query_position,
                                                .q_blocks = e->q_blocks,
                                                .k_blocks = e->k_blocks,
                                                .split = e->split};
        assert_int_equal(sparsed_pattern_batch(pattern, b, &range), SPARSED_OK);
        assert_memory_equal(&range, &expected, sizeof range);
    }
    sparsed_pattern_release(pattern);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

static void test_kept_set__gives_back_what_was_got(void **state) {
    fixture f, other;
    sparsed_pattern_info first_info = {.struct_size = sizeof first_info}, second_info = first_info;
    set_up(&f, *state);
    set_up(&other, *state);
    build(&f);
    attention_result first = case_run(&f.c, f.plan, SPARSED_SPARSE, f.kept);
    sparsed_pattern *pattern = get(&f);
    assert_int_equal(sparsed_kept_set(other.kept, pattern), SPARSED_OK);
    assert_int_equal(sparsed_pattern_describe(pattern, &first_info), SPARSED_OK);
    sparsed_pattern_release(pattern);
    pattern = get(&other);
    assert_int_equal(sparsed_pattern_describe(pattern, &second_info), SPARSED_OK);
    assert_memory_equal(&first_info, &second_info, sizeof first_info);
    sparsed_pattern_release(pattern);
    attention_result second = case_run(&f.c, other.plan, SPARSED_SPARSE, other.kept);
    assert_memory_equal(first.mask, second.mask, case_block_count(&f.c));
    assert_memory_equal(first.out, second.out, case_out_count(&f.c) * sizeof(double));
    result_free(&first);
    result_free(&second);
    tear_down(&other);
    tear_down(&f);
}

/* The pattern is a copy: it outlives kept blocks and context, and a later build leaves it alone. */
static void test_kept_get__pattern_is_a_copy(void **state) {
    (void)state;
    fixture f;
    uint8_t before[64], after[64];
    set_up(&f, open_context(NULL, 1));
    f.c.io.ratio = 0.2;
    build(&f);
    sparsed_pattern *pattern = get(&f);
    assert_true(case_block_count(&f.c) > sizeof before);
    uint8_t *mask = malloc(case_block_count(&f.c));
    assert_int_equal(sparsed_pattern_to_mask(pattern, mask), SPARSED_OK);
    memcpy(before, mask, sizeof before);
    f.c.io.ratio = 1.0;
    build(&f);
    sparsed_context *context = f.context;
    tear_down(&f);
    sparsed_context_destroy(context);
    assert_int_equal(sparsed_pattern_to_mask(pattern, mask), SPARSED_OK);
    memcpy(after, mask, sizeof after);
    assert_memory_equal(before, after, sizeof before);
    free(mask);
    sparsed_pattern_release(pattern);
}

static void test_kept__outlives_its_plan(void **state) {
    fixture f;
    set_up(&f, *state);
    build(&f);
    sparsed_plan_destroy(f.plan);
    f.plan = case_plan(&f.c, f.context);
    attention_result result = case_run(&f.c, f.plan, SPARSED_SPARSE, f.kept);
    result_free(&result);
    tear_down(&f);
}

static void test_kept_set__caller_s_mask(void **state) {
    fixture f;
    set_up(&f, *state);
    const sparsed_pattern_info info = info_of(&f);
    sparsed_pattern *all = pattern_of(&info);
    attention_result dense = case_run(&f.c, f.plan, SPARSED_DENSE, NULL);
    assert_int_equal(sparsed_kept_set(f.kept, all), SPARSED_OK);
    attention_result sparse = case_run(&f.c, f.plan, SPARSED_SPARSE, f.kept);
    for (uint64_t i = 0; i < case_out_count(&f.c); i++)
        assert_true(fabs(sparse.out[i] - dense.out[i]) < 1e-5);
    result_free(&dense);
    result_free(&sparse);
    sparsed_pattern_release(all);
    tear_down(&f);
}

/* Ratios of heads go through; scores stay with the pattern. */
static void test_kept_set__ratios_of_heads(void **state) {
    static const double ratios[] = {0.2, 0.9};
    fixture f;
    sparsed_pattern *scored, *heads;
    set_up(&f, *state);
    build(&f);
    sparsed_pattern *built = get(&f);
    assert_int_equal(
        sparsed_pattern_with_scores(built, f.c.io.scores.mem, SPARSED_F32, &scored, NULL),
        SPARSED_OK);
    assert_int_equal(sparsed_pattern_rethreshold(scored, ratios, 2, &heads, NULL), SPARSED_OK);
    assert_int_equal(sparsed_kept_set(f.kept, heads), SPARSED_OK);
    sparsed_pattern *back = get(&f);
    sparsed_pattern_info expected = describe(heads);
    const sparsed_pattern_info info = describe(back);
    expected.score_dtype = 0;
    assert_memory_equal(&info, &expected, sizeof info);
    assert_true(info.pattern_flags & SPARSED_PATTERN_HEAD_RATIOS);
    assert_memory_equal(back->ratios, ratios, sizeof ratios);
    assert_same_blocks(back, heads);
    sparsed_pattern_release(back);
    build(&f); /* one ratio for all again */
    back = get(&f);
    assert_null(back->ratios);
    assert_int_equal(describe(back).pattern_flags, SPARSED_PATTERN_Q_START);
    sparsed_pattern_release(back);
    sparsed_pattern_release(built);
    sparsed_pattern_release(scored);
    sparsed_pattern_release(heads);
    tear_down(&f);
}

/* Rows whose block keeps nothing: zeros, and no log-sum-exp. */
static void test_kept_set__rows_that_keep_nothing(void **state) {
    fixture f;
    set_up(&f, *state);
    const sparsed_pattern_info info = info_of(&f);
    uint8_t *mask = calloc(case_block_count(&f.c), 1);
    sparsed_pattern *pattern;
    mask[7 + 2] = 1; /* head 0, query block 1, key block 2 */
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, NULL, &pattern, NULL), SPARSED_OK);
    assert_int_equal(sparsed_kept_set(f.kept, pattern), SPARSED_OK);
    attention_result result = case_run(&f.c, f.plan, SPARSED_SPARSE, f.kept);
    for (uint64_t i = 0; i < case_lse_count(&f.c); i++) {
        bool kept = i >= 32 && i < 64;
        assert_int_equal(result.lse[i] > -INFINITY, kept);
        for (uint64_t d = 0; d < 16 && !kept; d++)
            assert_true(result.out[i * 16 + d] == 0.0);
    }
    result_free(&result);
    sparsed_pattern_release(pattern);
    free(mask);
    tear_down(&f);
}

/* A pattern of shorter lengths than the plan's serves runs of those lengths. */
static void test_kept_set__shorter_pattern(void **state) {
    fixture f;
    set_up(&f, *state);
    sparsed_pattern_info info = info_of(&f);
    info.q_len = info.kv_len = 90;
    sparsed_pattern *pattern = pattern_of(&info);
    assert_int_equal(sparsed_kept_set(f.kept, pattern), SPARSED_OK);
    assert_context_error(f.context, sparsed_plan_run(f.plan, SPARSED_SPARSE, &f.c.io, f.kept),
                         SPARSED_E_MISMATCH, "q_len is 90");
    f.c.io.q_len = f.c.io.kv_len = 90;
    assert_int_equal(sparsed_plan_run(f.plan, SPARSED_SPARSE, &f.c.io, f.kept), SPARSED_OK);
    sparsed_pattern_release(pattern);
    tear_down(&f);
}

/* ---- refusals ---- */

static void refuse_set(fixture *f, sparsed_pattern_info info, const char *named) {
    sparsed_pattern *pattern = pattern_of(&info);
    assert_context_error(f->context, sparsed_kept_set(f->kept, pattern), SPARSED_E_MISMATCH, named);
    sparsed_pattern_release(pattern);
}

static void test_kept_set__names_the_field_that_differs(void **state) {
    fixture f;
    set_up(&f, *state);
    sparsed_pattern_info info = info_of(&f);
    info.batch = 1;
    refuse_set(&f, info, "the pattern's batch is 1, the problem's is 2");
    info = info_of(&f);
    info.heads = 4;
    refuse_set(&f, info, "the pattern's heads is 4, the problem's is 2");
    info = info_of(&f);
    info.block_q = 128;
    refuse_set(&f, info, "the pattern's block_q is 128, the problem's is 32");
    info = info_of(&f);
    info.block_k = 32;
    refuse_set(&f, info, "the pattern's block_k is 32, the problem's is 16");
    info = info_of(&f);
    info.kv_len = 101;
    refuse_set(&f, info, "the pattern's kv_len is 101, the problem's is 100");
    info.q_len = 101;
    refuse_set(&f, info, "the pattern's q_len is 101, the problem's is 100");
    assert_context_error(f.context, sparsed_kept_set(f.kept, NULL), SPARSED_E_INVALID,
                         "pattern is NULL");
    tear_down(&f);
}

/* ---- valid rows ---- */

static void refuse_rows(fixture *f, const uint64_t *start, const uint64_t *end, const char *named) {
    sparsed_io io = f->c.io;
    io.valid_start = start;
    io.valid_end = end;
    assert_context_error(f->context, sparsed_plan_run(f->plan, SPARSED_SPARSE, &io, f->kept),
                         SPARSED_E_MISMATCH, named);
}

static void test_plan_run__pattern_of_other_rows(void **state) {
    static const uint64_t start[] = {0, 20}, end[] = {100, 80};
    static const uint64_t moved_start[] = {0, 40}, longer_end[] = {100, 81};
    static const uint64_t shifted_start[] = {0, 30}, shifted_end[] = {100, 90};
    fixture f;
    set_up(&f, *state);
    f.c.io.valid_start = start;
    f.c.io.valid_end = end;
    build(&f);
    refuse_rows(&f, NULL, NULL, "the pattern's keys of batch 1 is 60, the run's is 100");
    refuse_rows(&f, start, longer_end, "the pattern's keys of batch 1 is 60, the run's is 61");
    refuse_rows(&f, moved_start, end, "the pattern's keys of batch 1 is 60, the run's is 40");
    sparsed_pattern *pattern = get(&f);
    f.c.io.valid_start = f.c.io.valid_end = NULL;
    build(&f);
    refuse_rows(&f, start, end, "the pattern's keys of batch 1 is 100, the run's is 60");
    assert_int_equal(sparsed_kept_set(f.kept, pattern), SPARSED_OK);
    refuse_rows(&f, NULL, NULL, "the pattern's keys of batch 1 is 60, the run's is 100");
    f.c.io.valid_start = start;
    f.c.io.valid_end = end;
    assert_int_equal(sparsed_plan_run(f.plan, SPARSED_SPARSE, &f.c.io, f.kept), SPARSED_OK);
    f.c.io.valid_start = shifted_start; /* the same rows at another place */
    f.c.io.valid_end = shifted_end;
    assert_int_equal(sparsed_plan_run(f.plan, SPARSED_SPARSE, &f.c.io, f.kept), SPARSED_OK);
    sparsed_pattern_release(pattern);
    tear_down(&f);
}

/* The same number of keys, other query rows. */
static void test_plan_run__pattern_of_other_query_rows(void **state) {
    static const uint64_t start[] = {40, 40}, end[] = {90, 90};
    static const uint64_t earlier_start[] = {0, 30}, earlier_end[] = {50, 80};
    static const uint64_t later_start[] = {49, 49}, later_end[] = {99, 99};
    attention_case c = {.desc = case_desc(2, 2, 1, 16, 100),
                        .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3)};
    fixture f = {.c = c, .context = *state};
    f.c.desc.q_len = 50; /* rows 50 to 99 */
    case_prepare(&f.c, 3);
    f.plan = case_plan(&f.c, *state);
    f.kept = case_kept(f.plan);
    f.c.io.valid_start = start;
    f.c.io.valid_end = end;
    build(&f);
    refuse_rows(&f, earlier_start, earlier_end,
                "the pattern's queries of batch 0 is 40, the run's is 0");
    refuse_rows(&f, later_start, later_end,
                "the pattern's queries of batch 0 is 40, the run's is 49");
    tear_down(&f);
}

static void test_plan_run__pattern_of_other_query_position(void **state) {
    attention_case c = {.desc = case_desc(1, 2, 1, 16, 100),
                        .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3)};
    fixture f = {.c = c, .context = *state};
    f.c.desc.q_len = 50;
    case_prepare(&f.c, 3);
    f.plan = case_plan(&f.c, *state);
    f.kept = case_kept(f.plan);
    build(&f);
    sparsed_pattern *pattern = get(&f);
    tear_down(&f);
    f = (fixture){.c = c, .context = *state};
    f.c.desc.q_len = 50;
    f.c.desc.flags = SPARSED_DESC_Q_START;
    f.c.desc.q_start = 20;
    case_prepare(&f.c, 3);
    f.plan = case_plan(&f.c, *state);
    f.kept = case_kept(f.plan);
    assert_int_equal(sparsed_kept_set(f.kept, pattern), SPARSED_OK);
    refuse_rows(&f, NULL, NULL, "the pattern's query_position of batch 0 is 50, the run's is 20");
    sparsed_pattern_release(pattern);
    tear_down(&f);
}

/* A caller's own mask knows of no padding: it serves any rows of its lengths. */
static void test_plan_run__caller_s_mask_of_any_rows(void **state) {
    static const uint64_t start[] = {0, 20}, end[] = {100, 80};
    fixture f;
    set_up(&f, *state);
    const sparsed_pattern_info info = info_of(&f);
    sparsed_pattern *all = pattern_of(&info);
    assert_int_equal(sparsed_kept_set(f.kept, all), SPARSED_OK);
    f.c.io.valid_start = start;
    f.c.io.valid_end = end;
    assert_int_equal(sparsed_plan_run(f.plan, SPARSED_SPARSE, &f.c.io, f.kept), SPARSED_OK);
    sparsed_pattern_release(all);
    tear_down(&f);
}

/* Of two ratios, so that the union has no mode of its own; but it has the rows of both. */
static void test_plan_run__union_of_padded_patterns(void **state) {
    static const uint64_t start[] = {0, 20}, end[] = {100, 80};
    fixture f;
    sparsed_pattern *parts[2], *both;
    set_up(&f, *state);
    f.c.io.valid_start = start;
    f.c.io.valid_end = end;
    for (int i = 0; i < 2; i++) {
        f.c.io.ratio = i == 0 ? 0.3 : 0.6;
        build(&f);
        parts[i] = get(&f);
    }
    assert_int_equal(sparsed_pattern_union(parts[0], parts[1], &both, NULL), SPARSED_OK);
    assert_int_equal(describe(both).mode, 0);
    assert_int_equal(sparsed_kept_set(f.kept, both), SPARSED_OK);
    refuse_rows(&f, NULL, NULL, "the pattern's keys of batch 1 is 60, the run's is 100");
    assert_int_equal(sparsed_plan_run(f.plan, SPARSED_SPARSE, &f.c.io, f.kept), SPARSED_OK);
    sparsed_pattern_release(parts[0]);
    sparsed_pattern_release(parts[1]);
    sparsed_pattern_release(both);
    tear_down(&f);
}

/* A refused pattern leaves what was there. */
static void test_kept_set__refusal_changes_nothing(void **state) {
    fixture f;
    set_up(&f, *state);
    build(&f);
    attention_result before = case_run(&f.c, f.plan, SPARSED_SPARSE, f.kept);
    sparsed_pattern_info info = info_of(&f);
    info.heads = 4;
    refuse_set(&f, info, "heads");
    attention_result after = case_run(&f.c, f.plan, SPARSED_SPARSE, f.kept);
    assert_memory_equal(before.mask, after.mask, case_block_count(&f.c));
    result_free(&before);
    result_free(&after);
    tear_down(&f);
}

static void test_kept__refuses(void **state) {
    fixture f;
    set_up(&f, *state);
    sparsed_pattern *pattern = (sparsed_pattern *)(void *)&f;
    sparsed_kept *kept = (sparsed_kept *)(void *)&f;
    assert_context_error(f.context, sparsed_kept_get(f.kept, &pattern), SPARSED_E_STATE,
                         "no pattern");
    assert_null(pattern);
    build(&f);
    assert_context_error(f.context, sparsed_kept_get(f.kept, NULL), SPARSED_E_INVALID,
                         "pattern is NULL");
    assert_context_error(f.context, sparsed_kept_create(f.plan, NULL), SPARSED_E_INVALID,
                         "kept is NULL");
    assert_int_equal(sparsed_kept_create(NULL, &kept), SPARSED_E_INVALID);
    assert_null(kept);
    pattern = (sparsed_pattern *)(void *)&f;
    assert_int_equal(sparsed_kept_get(NULL, &pattern), SPARSED_E_INVALID);
    assert_null(pattern);
    assert_int_equal(sparsed_kept_set(NULL, NULL), SPARSED_E_INVALID);
    sparsed_kept_destroy(NULL);
    tear_down(&f);
}

/* A refused build leaves the pattern; the state is the run's that came last. */
static void test_kept__refused_run_keeps_the_pattern(void **state) {
    fixture f;
    set_up(&f, *state);
    build(&f);
    sparsed_io bad = f.c.io;
    bad.ratio = 7.0;
    assert_int_equal(sparsed_plan_run(f.plan, SPARSED_BUILD, &bad, f.kept), SPARSED_E_INVALID);
    assert_int_equal(sparsed_plan_run(f.plan, SPARSED_SPARSE, &f.c.io, f.kept), SPARSED_OK);
    tear_down(&f);
}

/* ---- fixed modes ---- */

static void test_kept_set__fixed_patterns_must_agree(void **state) {
    fixture f, other;
    set_up(&f, *state);
    set_up(&other, *state);
    other.c.select.mode = SPARSED_MODE_STREAMING;
    other.c.select.window = 10;
    other.c.select.sinks = 3;
    sparsed_plan *fixed = case_plan(&other.c, *state);
    sparsed_kept *fixed_kept = case_kept(fixed);
    assert_int_equal(sparsed_plan_run(fixed, SPARSED_BUILD, &f.c.io, fixed_kept), SPARSED_OK);
    sparsed_pattern *pattern;
    assert_int_equal(sparsed_kept_get(fixed_kept, &pattern), SPARSED_OK);
    assert_context_error(f.context, sparsed_kept_set(f.kept, pattern), SPARSED_E_MISMATCH,
                         "mode is 6");
    assert_int_equal(sparsed_kept_set(fixed_kept, pattern), SPARSED_OK);
    sparsed_pattern_release(pattern);
    build(&f);
    pattern = get(&f);
    assert_context_error(f.context, sparsed_kept_set(fixed_kept, pattern), SPARSED_E_MISMATCH,
                         "mode is 1");
    sparsed_pattern_release(pattern);
    sparsed_kept_destroy(fixed_kept);
    sparsed_plan_destroy(fixed);
    tear_down(&other);
    tear_down(&f);
}

/* Of a selection, a fixed mode uses and records block sizes, window and, streaming, sinks. */
static void test_kept_get__fixed_modes_say_what_they_use(void **state) {
    for (uint32_t mode = SPARSED_MODE_WINDOW; mode <= SPARSED_MODE_STREAMING; mode++) {
        fixture f;
        sparsed_kept *kept;
        sparsed_pattern *pattern;
        set_up(&f, *state);
        f.c.select.mode = mode;
        f.c.select.window = 10;
        f.c.select.sinks = 3;
        f.c.select.ratio = 7.0;
        f.c.select.score_scale = -1.0;
        f.c.select.always_first = 5;
        f.c.select.flags = SPARSED_SELECT_KEEP_DIAGONAL;
        sparsed_plan *plan = case_plan(&f.c, *state);
        kept = case_kept(plan);
        assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &f.c.io, kept), SPARSED_OK);
        assert_int_equal(sparsed_kept_get(kept, &pattern), SPARSED_OK);
        const sparsed_pattern_info info = describe(pattern);
        assert_int_equal(info.mode, mode);
        assert_int_equal(info.window, 10);
        assert_int_equal(info.sinks, mode == SPARSED_MODE_STREAMING ? 3 : 0);
        assert_int_equal(info.gen_len, 30);
        assert_int_equal(info.always_first, 0);
        assert_int_equal(info.flags, 0);
        assert_true(info.ratio == 0.0 && info.score_scale == 0.0);
        assert_int_equal(sparsed_kept_set(kept, pattern), SPARSED_OK);
        assert_int_equal(sparsed_plan_run(plan, SPARSED_SPARSE, &f.c.io, kept), SPARSED_OK);
        sparsed_pattern_info checked = info;
        assert_int_equal(spd_pattern_check_info(&checked, NULL), SPARSED_OK);
        sparsed_pattern_release(pattern);
        sparsed_kept_destroy(kept);
        sparsed_plan_destroy(plan);
        tear_down(&f);
    }
}

/* The density of a fixed pattern counts elements, over valid rows. */
static void check_fixed_density(sparsed_context *context, uint64_t window, uint64_t sinks,
                                bool padded) {
    attention_case c = {.desc = case_desc(2, 2, 1, 8, 90),
                        .select = case_select(SPARSED_MODE_STREAMING, 32, 16, 0, 0.0),
                        .has_valid = padded,
                        .valid_start = {0, 13},
                        .valid_end = {70, 80}};
    c.select.window = window;
    c.select.sinks = sinks;
    case_prepare(&c, 1);
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan);
    sparsed_pattern *pattern;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &c.io, kept), SPARSED_OK);
    assert_int_equal(sparsed_kept_get(kept, &pattern), SPARSED_OK);
    uint64_t pairs = 0, total = 0;
    for (int b = 0; b < 2; b++) {
        uint64_t rows = padded ? c.valid_end[b] - c.valid_start[b] : 90;
        total += rows * rows;
        for (uint64_t r = 0; r < rows; r++)
            for (uint64_t k = 0; k < rows; k++)
                pairs += (r > k ? r - k : k - r) <= window || k < sinks;
    }
    const double expected = (double)pairs / (double)total;
    assert_true(fabs(sparsed_pattern_density(pattern, UINT32_MAX) - expected) < 1e-12);
    assert_true(fabs(sparsed_pattern_density(pattern, 1) - expected) < 1e-12);
    if (!padded)
        assert_true(fabs(sparsed_fixed_density(90, window, sinks) - expected) < 1e-12);
    sparsed_pattern_release(pattern);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

static void test_pattern_density__fixed_modes(void **state) {
    static const uint64_t windows[] = {0, 1, 17, 89, 1000}, sinks[] = {0, 1, 16, 40, 1000};
    for (size_t w = 0; w < 5; w++)
        for (size_t s = 0; s < 5; s++) {
            check_fixed_density(*state, windows[w], sinks[s], false);
            check_fixed_density(*state, windows[w], sinks[s], true);
        }
}

/* ---- memory ---- */

static void test_kept__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    fixture f;
    options.allocator = &allocator;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    set_up(&f, context);
    build(&f);
    static const double ratios[] = {0.2, 0.9};
    sparsed_pattern *heads = get(&f); /* its ratios are an allocation more */
    assert_int_equal(spd_pattern_set_ratios(heads, ratios, NULL), SPARSED_OK);
    assert_int_equal(sparsed_kept_set(f.kept, heads), SPARSED_OK);
    sparsed_pattern_release(heads);
    const size_t live = counter.live;
    sparsed_status status = SPARSED_E_NOMEM;
    for (size_t n = 0; status != SPARSED_OK; n++) {
        sparsed_kept *kept = (sparsed_kept *)&counter;
        counter.fail_at = counter.calls + n;
        status = sparsed_kept_create(f.plan, &kept);
        if (status != SPARSED_OK) {
            assert_context_error(context, status, SPARSED_E_NOMEM, "no memory for kept blocks");
            assert_null(kept);
        }
        sparsed_kept_destroy(kept);
        assert_int_equal(counter.live, live);
    }
    status = SPARSED_E_NOMEM;
    for (size_t n = 0; status != SPARSED_OK; n++) {
        sparsed_pattern *pattern = (sparsed_pattern *)&counter;
        counter.fail_at = counter.calls + n;
        status = sparsed_kept_get(f.kept, &pattern);
        if (status != SPARSED_OK) {
            assert_context_error(context, status, SPARSED_E_NOMEM, "no memory for a pattern");
            assert_null(pattern);
        }
        sparsed_pattern_release(pattern);
        assert_int_equal(counter.live, live);
    }
    tear_down(&f);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_get__says_what_it_was_built_with),
        cmocka_unit_test(test_kept_get__says_of_what_problem),
        cmocka_unit_test(test_kept_get__says_of_what_rows),
        cmocka_unit_test(test_kept_set__gives_back_what_was_got),
        cmocka_unit_test(test_kept_get__pattern_is_a_copy),
        cmocka_unit_test(test_kept__outlives_its_plan),
        cmocka_unit_test(test_kept_set__caller_s_mask),
        cmocka_unit_test(test_kept_set__ratios_of_heads),
        cmocka_unit_test(test_kept_set__rows_that_keep_nothing),
        cmocka_unit_test(test_kept_set__shorter_pattern),
        cmocka_unit_test(test_kept_set__names_the_field_that_differs),
        cmocka_unit_test(test_plan_run__pattern_of_other_rows),
        cmocka_unit_test(test_plan_run__pattern_of_other_query_rows),
        cmocka_unit_test(test_plan_run__pattern_of_other_query_position),
        cmocka_unit_test(test_plan_run__caller_s_mask_of_any_rows),
        cmocka_unit_test(test_plan_run__union_of_padded_patterns),
        cmocka_unit_test(test_kept_set__refusal_changes_nothing),
        cmocka_unit_test(test_kept__refuses),
        cmocka_unit_test(test_kept__refused_run_keeps_the_pattern),
        cmocka_unit_test(test_kept_set__fixed_patterns_must_agree),
        cmocka_unit_test(test_kept_get__fixed_modes_say_what_they_use),
        cmocka_unit_test(test_pattern_density__fixed_modes),
        cmocka_unit_test(test_kept__every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
