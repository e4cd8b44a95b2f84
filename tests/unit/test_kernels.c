/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Every kernel row against the double-precision oracle, over the shapes that it must accept. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/pattern.h"
#include "support/kernel_check.h"
#include "support/kernel_rows.h"

static const uint32_t scored_modes[] = {SPARSED_MODE_PAPER, SPARSED_MODE_UPSTREAM_DREAM,
                                        SPARSED_MODE_UPSTREAM_LLADA, SPARSED_MODE_JOINT};
static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16, SPARSED_BF16};

enum { MODES = 4, DTYPES = 3 };

/* ---- lengths and blocks ---- */

/* All modes at one length; the generation region and the reduction change from case to case. */
static void check_length(sparsed_context *context, uint32_t block_q, uint32_t block_k, uint64_t len,
                         unsigned *number, check_errors *errors) {
    for (int mode = 0; mode < MODES; mode++, (*number)++) {
        const uint64_t gen_lens[] = {len / 3, 0, (len + 1) / 2, len, len < 5 ? len : 5};
        attention_case c = {.desc = case_desc(1, 2, 1, 16, len),
                            .select = case_select(scored_modes[mode], block_q, block_k,
                                                  gen_lens[*number % 5], 0.3)};
        c.select.score_reduce = *number / 5 % 2;
        check_new_case(&c, context, *number + 1, errors);
    }
}

static void check_block_q(void **state, uint32_t block_q) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    unsigned number = block_q;
    for (uint32_t block_k = 16; block_k <= 128; block_k *= SMALL_TESTS ? 4 : 2) {
        const uint64_t block = block_q > block_k ? block_q : block_k;
        const uint64_t lens[] = {1, block - 1, block, block + 1, 131, 2 * block + 3};
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
            check_length(row->context, block_q, block_k, lens[i], &number, &errors);
    }
    print_errors("lengths and blocks", &errors);
}

static void test_plan_run__query_block_16(void **state) {
    check_block_q(state, 16);
}

static void test_plan_run__query_block_32(void **state) {
    check_block_q(state, 32);
}

static void test_plan_run__query_block_64(void **state) {
    check_block_q(state, 64);
}

static void test_plan_run__query_block_128(void **state) {
    check_block_q(state, 128);
}

/* ---- storage types and head dimensions ---- */

/* Where variants are compiled: each dimension in f32, and each pair of types at a small and a large
 * dimension. */
static bool is_tested(const kernel_row *row, uint32_t dim, uint32_t dtype, int single_out) {
    if (!row->compiles)
        return true;
    return dtype == SPARSED_F32 ? !single_out : dim == 40 || (dim == 128 && single_out);
}

static void test_plan_run__storage_types_and_head_dimensions(void **state) {
    static const uint32_t dims[] = {8, 40, 64, 128, 256};
    kernel_row *row = usable_row(state);
    check_errors errors[DTYPES] = {{0}};
    unsigned number = 0;
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++)
        for (int type = 0; type < DTYPES; type++)
            for (int single_out = 0; single_out < 2; single_out++, number++) {
                if (!is_tested(row, dims[d], dtypes[type], single_out))
                    continue;
                const bool wide = row->compiles ? dims[d] == 64 : number % 3 != 0;
                const uint32_t block_q = wide ? 128 : 32; /* small units compile faster */
                attention_case c = {
                    .desc = case_desc(1, 2, 1, dims[d], 131),
                    .select = case_select(scored_modes[number % MODES], block_q, 32, 40, 0.4)};
                c.desc.dtype = dtypes[type];
                c.desc.out_dtype = single_out ? SPARSED_F32 : 0;
                c.fine = true;
                check_new_case(&c, row->context, number, &errors[type]);
            }
    print_errors("f32", &errors[0]);
    print_errors("f16", &errors[1]);
    print_errors("bf16", &errors[2]);
}

static void test_plan_run__dense_without_selection(void **state) {
    static const uint64_t lens[] = {1, 127, 128, 129, 131, 260};
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
        for (int type = 0; type < DTYPES; type++) {
            attention_case c = {.desc = case_desc(2, 4, 2, row_head_dim(row, 64), lens[i])};
            c.desc.dtype = dtypes[type];
            c.desc.scale = i % 2 ? 0.05 : 0.0;
            check_new_case(&c, row->context, i, &errors);
        }
    print_errors("dense", &errors);
}

static void test_plan_run__grouped_query_heads(void **state) {
    static const uint32_t heads[][2] = {{1, 1}, {3, 3}, {4, 2}, {6, 2}, {7, 1}};
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        attention_case c = {.desc =
                                case_desc(2, heads[i][0], heads[i][1], row_head_dim(row, 24), 99),
                            .select = case_select(scored_modes[i % MODES], 32, 16, 30, 0.3)};
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("grouped heads", &errors);
}

static void test_plan_run__score_scales(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    /* Some kernels make scores of twice the scale with attention, in one pass. */
    const double scales[][2] = {{0.3, 0.0}, {0.0, 0.07}, {0.15, 0.3}};
    for (int i = 0; i < 3 * MODES; i++) {
        attention_case c = {.desc = case_desc(1, 2, 1, row_head_dim(row, 32), 131),
                            .select = case_select(scored_modes[i % MODES], 32, 16, 40, 0.3)};
        c.desc.scale = scales[i / MODES][0];
        c.desc.score_heads = 9;
        c.select.score_scale = scales[i / MODES][1];
        check_new_case(&c, row->context, (uint64_t)i, &errors);
    }
    print_errors("scales", &errors);
}

static void test_plan_run__selection_options(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 2 * 2 * 2 * 3; i++) {
        attention_case c = {.desc = case_desc(1, 1, 1, 16, 200),
                            .select = case_select(scored_modes[i % MODES], 32, 16, 45, 0.2)};
        c.select.flags = i % 8;
        c.select.always_first = i / 8;
        c.select.score_reduce = i % 2;
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("options", &errors);
}

/* ---- valid ranges, rectangles, strides ---- */

/* Rows that are not valid hold NaN: nothing may come of them. */
static void spoil_padding(attention_case *c) {
    const sparsed_desc *d = &c->problem.desc;
    for (uint64_t b = 0; b < d->batch; b++)
        for (uint64_t r = 0; r < d->kv_len; r++) {
            if (r >= c->valid_start[b] && r < c->valid_end[b])
                continue;
            for (uint64_t h = 0; h < d->kv_heads; h++)
                case_kv_row(c, c->k, b, h, r)[0] = case_kv_row(c, c->v, b, h, r)[0] = NAN;
            for (uint64_t h = 0; h < d->heads && r >= d->q_start && r < d->q_start + d->q_len; h++)
                case_q_row(c, b, h, r - d->q_start)[0] = NAN;
        }
    case_store(c);
}

static void set_ranges(attention_case *c, const uint64_t ranges[][2]) {
    c->has_valid = true;
    for (uint32_t b = 0; b < c->desc.batch; b++) {
        c->valid_start[b] = ranges[b][0];
        c->valid_end[b] = ranges[b][1];
    }
}

static void check_padded(attention_case *c, sparsed_context *context, uint64_t seed,
                         check_errors *errors) {
    case_prepare(c, seed);
    spoil_padding(c);
    check_case(c, context, check_bounds_of(c->desc.dtype), errors);
    case_free(c);
}

static void test_plan_run__valid_ranges(void **state) {
    /* padded on the right, on the left, on both sides, and empty */
    static const uint64_t ranges[][2] = {{0, 90}, {41, 150}, {33, 118}, {70, 70}};
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 2 * MODES; i++) {
        attention_case c = {.desc = case_desc(4, 2, 1, row_head_dim(row, 24), 150),
                            .select = case_select(scored_modes[i % MODES], i < MODES ? 32 : 128,
                                                  i < MODES ? 16 : 32, 30, 0.3)};
        set_ranges(&c, ranges);
        c.select.flags = i;
        check_padded(&c, row->context, i, &errors);
    }
    attention_case dense = {.desc = case_desc(4, 2, 1, row_head_dim(row, 24), 150)};
    set_ranges(&dense, ranges);
    check_padded(&dense, row->context, 9, &errors);
    print_errors("valid ranges", &errors);
}

static void test_plan_run__fewer_query_rows_than_keys(void **state) {
    static const uint64_t starts[] = {UINT64_MAX, 0, 70, 130}; /* the first: not given */
    static const uint64_t ranges[][2] = {{0, 170}, {20, 140}, {100, 160}};
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 4 * MODES; i++) {
        attention_case c = {.desc = case_desc(3, 2, 2, 16, 170),
                            .select = case_select(scored_modes[i / 4], 32, 16, 50, 0.25)};
        c.desc.q_len = 37;
        if (starts[i % 4] != UINT64_MAX) {
            c.desc.flags = SPARSED_DESC_Q_START;
            c.desc.q_start = starts[i % 4];
        }
        c.select.flags = i % 8;
        set_ranges(&c, ranges);
        check_padded(&c, row->context, i, &errors);
        c.has_valid = false;
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("rectangles", &errors);
}

static void test_plan_run__strides(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    const uint64_t len = 70, dim = row_head_dim(row, 24), heads = 4, kv_heads = 2;
    for (uint32_t i = 0; i < 9; i++) {
        attention_case c = {
            .desc = case_desc(2, (uint32_t)heads, (uint32_t)kv_heads, (uint32_t)dim, len),
            .select = case_select(scored_modes[i % MODES], 32, 16, 20, 0.3)};
        /* [B,L,H,D]; the second time rows are apart, the third time those of v alone */
        const uint64_t gap = i / 3 == 1 ? 3 : 0, v_dim = dim + (i < 3 ? 0 : 3);
        c.desc.dtype = dtypes[i % 3];
        c.desc.q = c.desc.out =
            (sparsed_strides){len * heads * (dim + gap) + gap, dim + gap, heads * (dim + gap)};
        c.desc.k =
            (sparsed_strides){len * kv_heads * (dim + gap), dim + gap, kv_heads * (dim + gap)};
        c.desc.v = (sparsed_strides){len * kv_heads * v_dim, v_dim, kv_heads * v_dim};
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("strides", &errors);
}

static void test_plan_run__key_rows_that_overlap(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 2 * DTYPES; i++) {
        attention_case c = {.desc = case_desc(1, 2, 1, 16, 50),
                            .select = case_select(SPARSED_MODE_JOINT, 16, 16, 0, 0.5)};
        c.desc.dtype = dtypes[i % DTYPES];
        c.desc.v = (sparsed_strides){1000, 1000, 8};
        c.desc.k = i < DTYPES ? c.desc.v : (sparsed_strides){16, 16, 0}; /* one key for all */
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("overlapping keys", &errors);
}

static void test_plan_run__misaligned_buffers(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < DTYPES * MODES; i++) {
        attention_case c = {.desc = case_desc(1, 2, 1, row_head_dim(row, 40), 75),
                            .select = case_select(scored_modes[i % MODES], 32, 16, 20, 0.3),
                            .offset_bytes = 1 + 2 * (i % 4)};
        c.desc.dtype = dtypes[i / MODES];
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("misaligned", &errors);
}

/* ---- runs that differ from the plan ---- */

static void test_plan_run__shorter_than_the_plan(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 2 * MODES; i++) {
        attention_case c = {.desc = case_desc(2, 2, 1, 16, 300),
                            .select = case_select(scored_modes[i % MODES], 32, 32, 33, 0.3),
                            .q_len = i < MODES ? 131 : 40,
                            .kv_len = 131,
                            .ratio = 0.6};
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("shorter runs", &errors);
}

static void test_plan_run__build_sparse_is_both_in_turn(void **state) {
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < MODES; i++) {
        attention_case c = {.desc = case_desc(1, 2, 1, 16, 131),
                            .select = case_select(scored_modes[i], 32, 16, 33, 0.3)};
        case_prepare(&c, i);
        sparsed_plan *plan = case_plan(&c, row->context);
        sparsed_kept *kept = case_kept(plan);
        attention_result built = case_run(&c, plan, SPARSED_BUILD, kept);
        attention_result sparse = case_run(&c, plan, SPARSED_SPARSE, kept);
        attention_result both = case_run(&c, plan, SPARSED_BUILD_SPARSE, kept);
        assert_memory_equal(both.mask, built.mask, case_block_count(&c));
        assert_memory_equal(both.out, sparse.out, case_out_count(&c) * sizeof(double));
        assert_memory_equal(both.lse, sparse.lse, case_lse_count(&c) * sizeof(double));
        assert_memory_equal(both.scores, built.scores, case_block_count(&c) * sizeof(double));
        result_free(&built);
        result_free(&sparse);
        result_free(&both);
        sparsed_kept_destroy(kept);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
}

/* ---- bit rows as they lie ---- */

/* Builds into kept; bits lie in each batch's own blocks only. */
static sparsed_pattern *build_rows(attention_case *c, sparsed_plan *plan, sparsed_kept *kept) {
    sparsed_pattern *pattern;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &c->io, kept), SPARSED_OK);
    assert_int_equal(sparsed_kept_get(kept, &pattern), SPARSED_OK);
    assert_true(spd_pattern_bits_fit(pattern));
    return pattern;
}

/* Rows are written to their ends, whatever is there: in a run of fewer keys than the last one, whose rows
 * have fewer words, and in one of fewer valid keys, whose rows have more words than blocks for them. */
static void test_plan_run__shorter_than_the_last_build(void **state) {
    enum { WINDOW = MODES };
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < 2 * (MODES + 1); i++) {
        const uint32_t mode = i / 2 == WINDOW ? SPARSED_MODE_WINDOW : scored_modes[i / 2];
        attention_case all = {.desc = case_desc(1, 2, 1, 16, 1100),
                              .select = case_select(mode, 16, 16, 33, 1.0)};
        all.select.window = i / 2 == WINDOW ? 1100 : 0;
        all.desc.q_len = 40;
        all.desc.flags = SPARSED_DESC_Q_START;
        attention_case c = all;
        c.ratio = i / 2 == WINDOW ? 0 : 0.3;
        c.kv_len = i % 2 ? 131 : 0;
        c.has_valid = i % 2 == 0;
        c.valid_end[0] = 131;
        case_prepare(&all, i);
        case_prepare(&c, i);
        sparsed_plan *plan = case_plan(&c, row->context);
        sparsed_kept *used = case_kept(plan), *fresh = case_kept(plan);
        sparsed_pattern_release(build_rows(&all, plan, used));
        sparsed_pattern *second = build_rows(&c, plan, used), *first = build_rows(&c, plan, fresh);
        assert_memory_equal(second->bits, first->bits,
                            spd_pattern_words(&first->info) * sizeof *first->bits);
        sparsed_pattern_release(first);
        sparsed_pattern_release(second);
        sparsed_kept_destroy(fresh);
        sparsed_kept_destroy(used);
        sparsed_plan_destroy(plan);
        case_free(&c);
        case_free(&all);
    }
}

static void test_plan_run__more_first_blocks_than_there_are(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 2 * MODES; i++) {
        attention_case c = {.desc = case_desc(2, 2, 1, 16, 200),
                            .select = case_select(scored_modes[i % MODES], 32, 16, 45, 0.2),
                            .has_valid = true,
                            .valid_end = {200, 77}};
        c.select.always_first = i < MODES ? 14 : 1000;
        case_prepare(&c, i);
        check_case(&c, row->context, check_bounds_of(c.desc.dtype), &errors);
        sparsed_plan *plan = case_plan(&c, row->context);
        sparsed_kept *kept = case_kept(plan);
        sparsed_pattern_release(build_rows(&c, plan, kept));
        sparsed_kept_destroy(kept);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
    print_errors("first blocks", &errors);
}

/* ---- fixed modes ---- */

static void check_fixed(sparsed_context *context, attention_case *c, uint64_t seed,
                        check_errors *errors) {
    static const uint64_t windows[] = {0, 1, 17, 60, 1000000, UINT64_MAX};
    static const uint64_t sinks[] = {0, 1, 20, UINT64_MAX};
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        for (size_t s = 0; s < sizeof sinks / sizeof *sinks; s++) {
            c->select.mode = s == 0 ? SPARSED_MODE_WINDOW : SPARSED_MODE_STREAMING;
            c->select.window = windows[w];
            c->select.sinks = sinks[s];
            if (c->has_valid)
                check_padded(c, context, seed, errors);
            else
                check_new_case(c, context, seed, errors);
        }
}

static void test_plan_run__fixed_modes(void **state) {
    static const uint64_t ranges[][2] = {{0, 90}, {41, 131}};
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 6; i++) {
        attention_case c = {
            .desc = case_desc(2, 2, 1, 16, 131),
            .select = case_select(SPARSED_MODE_WINDOW, i % 2 ? 128 : 16, i % 3 ? 32 : 16, 0, 1.0)};
        c.desc.dtype = dtypes[i % 3];
        c.desc.q_len = i < 3 ? 131 : 50;
        if (i % 2)
            set_ranges(&c, ranges);
        check_fixed(row->context, &c, i, &errors);
    }
    print_errors("fixed modes", &errors);
}

/* Keys of several tiles, of any kernel: masks in the last one, where the first has set the maxima. */
static void test_plan_run__fixed_modes_of_several_tiles(void **state) {
    static const uint32_t blocks[][2] = {{128, 32}, {32, 128}};
    static const uint64_t windows[] = {60, 300}, sinks[] = {0, 290};
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 2 * 2 * 2; i++) {
        attention_case c = {
            .desc = case_desc(1, 1, 1, row_head_dim(row, 64), 1100),
            .select = case_select(SPARSED_MODE_WINDOW, blocks[i / 4][0], blocks[i / 4][1], 0, 1.0)};
        c.desc.q_len = 200;
        c.desc.flags = SPARSED_DESC_Q_START;
        c.desc.q_start = 450;
        c.select.window = windows[i % 2];
        c.select.sinks = sinks[i / 2 % 2];
        if (c.select.sinks)
            c.select.mode = SPARSED_MODE_STREAMING;
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("fixed modes, several tiles", &errors);
}

/* ---- many keys ---- */

/* Three tiles of the largest size, and an odd rest, in a dense pass, a build and a sparse one. */
static void test_plan_run__several_tiles(void **state) {
    static const uint32_t blocks[][2] = {{128, 32}, {32, 128}, {64, 16}, {16, 64}};
    enum { LEN = 3 * 256 + 77 };
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 2 * MODES; i++) {
        attention_case c = {.desc = case_desc(1, 2, 1, row_head_dim(row, 64), LEN),
                            .select = case_select(scored_modes[i % MODES], blocks[i % 4][0],
                                                  blocks[i % 4][1], i < MODES ? 0 : 300, 0.97)};
        c.desc.q_len = 140;
        check_new_case(&c, row->context, i, &errors);
    }
    attention_case dense = {.desc = case_desc(1, 2, 1, row_head_dim(row, 64), LEN)};
    check_new_case(&dense, row->context, 0, &errors);
    print_errors("several tiles", &errors);
}

/* Heads of few rows: work-groups that take units in turn take many, and have the scores of one to make beside the
 * next ones. */
static void test_plan_run__many_units(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < MODES; i++) {
        attention_case c = {.desc = case_desc(1, 24, 1, row_head_dim(row, 64), i % 2 ? 140 : 70),
                            .select = case_select(scored_modes[i], 16, i < 2 ? 16 : 64, 30, 0.5)};
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("many units", &errors);
}

/* More key blocks than eight for each item of a selection, and than a pass plans at a time. */
static void test_plan_run__many_key_blocks(void **state) {
    static const uint32_t blocks[][2] = {{128, 16}, {32, 32}, {64, 64}, {16, 128}};
    enum { LEN = 16 * 520 + 5 };
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 2 * MODES; i += SMALL_TESTS ? 7 : 1) { /* those of the most blocks */
        const uint32_t *b = blocks[(i + i / MODES) % 4];
        attention_case c = {.desc = case_desc(1, 1, 1, row_head_dim(row, 64), LEN),
                            .select = case_select(scored_modes[i % MODES], b[0], b[1],
                                                  i < MODES ? 0 : 3001, i % 2 ? 0.97 : 0.3)};
        c.desc.q_len = 40;
        check_new_case(&c, row->context, i, &errors);
    }
    print_errors("many key blocks", &errors);
}

/* As many units as may be larger on one thread, all with parts: these fill their memory. */
static void test_plan_run__keys_in_parts(void **state) {
    static const uint64_t q_lens[] = {100, 128, 200, 256};
    kernel_row *row = usable_row(state);
    sparsed_context *context = open_row(row, 1);
    check_errors errors = {0};
    assert_non_null(context);
    for (size_t i = 0; i < sizeof q_lens / sizeof *q_lens; i++) {
        attention_case c = {.desc = case_desc(1, 4, 1, row_head_dim(row, 16), 2100)};
        c.desc.q_len = q_lens[i];
        check_new_case(&c, context, i, &errors);
    }
    sparsed_context_destroy(context);
    print_errors("keys in parts", &errors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_run__query_block_16),
        cmocka_unit_test(test_plan_run__query_block_32),
        cmocka_unit_test(test_plan_run__query_block_64),
        cmocka_unit_test(test_plan_run__query_block_128),
        cmocka_unit_test(test_plan_run__storage_types_and_head_dimensions),
        cmocka_unit_test(test_plan_run__dense_without_selection),
        cmocka_unit_test(test_plan_run__grouped_query_heads),
        cmocka_unit_test(test_plan_run__score_scales),
        cmocka_unit_test(test_plan_run__selection_options),
        cmocka_unit_test(test_plan_run__valid_ranges),
        cmocka_unit_test(test_plan_run__fewer_query_rows_than_keys),
        cmocka_unit_test(test_plan_run__strides),
        cmocka_unit_test(test_plan_run__key_rows_that_overlap),
        cmocka_unit_test(test_plan_run__misaligned_buffers),
        cmocka_unit_test(test_plan_run__shorter_than_the_plan),
        cmocka_unit_test(test_plan_run__build_sparse_is_both_in_turn),
        cmocka_unit_test(test_plan_run__shorter_than_the_last_build),
        cmocka_unit_test(test_plan_run__more_first_blocks_than_there_are),
        cmocka_unit_test(test_plan_run__fixed_modes),
        cmocka_unit_test(test_plan_run__fixed_modes_of_several_tiles),
        cmocka_unit_test(test_plan_run__several_tiles),
        cmocka_unit_test(test_plan_run__many_units),
        cmocka_unit_test(test_plan_run__many_key_blocks),
        cmocka_unit_test(test_plan_run__keys_in_parts),
    };
    return run_tests_on_all_rows(tests, sizeof tests / sizeof *tests);
}
