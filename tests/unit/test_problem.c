/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What a caller describes: defaults, refusals that name the field, sizes that would wrap, structs
 * of other versions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/problem.h"
#include "support/api_check.h"
#include "support/attention_case.h"

static sparsed_desc good_desc(void) {
    return case_desc(2, 4, 2, 64, 100);
}

static sparsed_select good_select(void) {
    return case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 16, 30, 0.3);
}

static spd_problem create(const sparsed_desc *desc, const sparsed_select *select) {
    spd_problem problem;
    sparsed_message message = {""};
    if (spd_problem_create(desc, select, &problem, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    return problem;
}

static void refuse_desc(const sparsed_desc *desc, const char *named) {
    spd_problem problem;
    sparsed_message message = {""};
    const sparsed_select select = good_select();
    sparsed_status status = spd_problem_create(desc, NULL, &problem, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, named);
    status = spd_problem_create(desc, &select, &problem, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, named);
}

static void refuse_select(const sparsed_select *select, const char *named) {
    spd_problem problem;
    sparsed_message message = {""};
    const sparsed_desc desc = good_desc();
    sparsed_status status = spd_problem_create(&desc, select, &problem, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, named);
}

/* ---- defaults ---- */

static void test_problem_create__fills_in_defaults(void **state) {
    (void)state;
    sparsed_desc desc = good_desc();
    sparsed_select select = good_select();
    desc.dtype = SPARSED_F16;
    desc.q_len = 60;
    spd_problem p = create(&desc, &select);
    assert_int_equal(p.desc.out_dtype, SPARSED_F16);
    assert_int_equal(p.desc.score_heads, 4);
    assert_int_equal(p.desc.q_start, 40);
    assert_true(p.desc.scale == 1.0 / sqrt(64.0));
    assert_true(p.select.score_scale == 1.0 / sqrt(64.0));
    assert_int_equal(p.q_blocks, 2);
    assert_int_equal(p.k_blocks, 7);
    assert_int_equal(p.row_words, 1);
}

static void test_problem_create__score_scale_of_each_mode(void **state) {
    (void)state;
    sparsed_desc desc = good_desc();
    sparsed_select select = good_select();
    desc.scale = 0.25; /* does not change the score scale */
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_JOINT; mode++) {
        select.mode = mode;
        spd_problem p = create(&desc, &select);
        assert_true(p.desc.scale == 0.25);
        assert_true(p.select.score_scale ==
                    1.0 / sqrt(mode == SPARSED_MODE_UPSTREAM_LLADA ? 4.0 : 64.0));
    }
    select.mode = SPARSED_MODE_UPSTREAM_LLADA;
    desc.score_heads = 32; /* a shard of a model with 32 heads */
    assert_true(create(&desc, &select).select.score_scale == 1.0 / sqrt(32.0));
    select.score_scale = 0.5;
    assert_true(create(&desc, &select).select.score_scale == 0.5);
}

static void test_problem_create__limits_are_legal(void **state) {
    (void)state;
    sparsed_desc desc = case_desc(1, 1, 1, 8, 1);
    sparsed_select select = case_select(SPARSED_MODE_JOINT, 128, 128, 0, 1.0);
    create(&desc, &select);
    select.gen_len = 1; /* all rows */
    create(&desc, &select);
    desc = case_desc(1, 1, 1, 256, 2147483647);
    create(&desc, &select);
    desc = case_desc(65536, 65536, 65536, 8, 1);
    create(&desc, &select);
    desc = good_desc();
    desc.scale = 1e-30;
    create(&desc, NULL);
    desc.scale = 1e30;
    create(&desc, NULL);
    desc.flags = SPARSED_DESC_Q_START;
    desc.q_len = 99;
    desc.q_start = 1;
    create(&desc, NULL);
}

/* ---- refusals ---- */

static void test_problem_create__refuses_shapes(void **state) {
    (void)state;
    sparsed_desc d = good_desc();
    d.batch = 0;
    refuse_desc(&d, "desc.batch is 0");
    d.batch = 65537;
    refuse_desc(&d, "desc.batch is 65537");
    d = good_desc();
    d.heads = 0;
    refuse_desc(&d, "desc.heads is 0");
    d.heads = 65537;
    refuse_desc(&d, "desc.heads is 65537");
    d = good_desc();
    d.kv_heads = 0;
    refuse_desc(&d, "desc.kv_heads is 0");
    d.kv_heads = 3;
    refuse_desc(&d, "desc.kv_heads is 3");
    d.kv_heads = 8;
    refuse_desc(&d, "desc.kv_heads is 8");
    static const uint32_t dims[] = {0, 4, 12, 65, 264, UINT32_MAX};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        d = good_desc();
        d.head_dim = dims[i];
        refuse_desc(&d, "desc.head_dim is");
    }
    d = good_desc();
    d.kv_len = 0;
    refuse_desc(&d, "desc.kv_len is 0");
    d.kv_len = 2147483648u;
    refuse_desc(&d, "desc.kv_len is 2147483648");
    d = good_desc();
    d.q_len = 0;
    refuse_desc(&d, "desc.q_len is 0");
    d.q_len = 101;
    refuse_desc(&d, "desc.q_len is 101");
}

static void test_problem_create__refuses_types_flags_and_scales(void **state) {
    (void)state;
    sparsed_desc d = good_desc();
    d.flags = 2;
    refuse_desc(&d, "desc.flags is 0x2");
    d = good_desc();
    d.reserved = 7;
    refuse_desc(&d, "reserved 7");
    d = good_desc();
    d.dtype = 0;
    refuse_desc(&d, "desc.dtype is 0");
    d.dtype = 4;
    refuse_desc(&d, "desc.dtype is 4");
    d = good_desc();
    d.out_dtype = SPARSED_F16;
    refuse_desc(&d, "desc.out_dtype is 2");
    d.dtype = SPARSED_BF16;
    refuse_desc(&d, "desc.out_dtype is 2");
    static const double scales[] = {-1.0, 1.01e30, 0.99e-30, 1e308};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        d = good_desc();
        d.scale = scales[i];
        refuse_desc(&d, "desc.scale is");
    }
    d.scale = (double)NAN;
    refuse_desc(&d, "desc.scale is");
    d.scale = (double)INFINITY;
    refuse_desc(&d, "desc.scale is");
}

static void test_problem_create__refuses_query_rows_outside(void **state) {
    (void)state;
    sparsed_desc d = good_desc();
    d.q_start = 5;
    refuse_desc(&d, "desc.q_start is 5 without the flag");
    d.flags = SPARSED_DESC_Q_START;
    d.q_len = 96;
    refuse_desc(&d, "desc.q_start is 5");
    d.q_start = UINT64_MAX;
    refuse_desc(&d, "desc.q_start is 18446744073709551615");
}

static void test_problem_create__refuses_selections(void **state) {
    (void)state;
    sparsed_select s = good_select();
    s.flags = 8;
    refuse_select(&s, "select.flags is 0x8");
    s = good_select();
    s.reserved = 1;
    refuse_select(&s, "select.reserved 1");
    s = good_select();
    s.mode = 0;
    refuse_select(&s, "select.mode is 0");
    s.mode = 7;
    refuse_select(&s, "select.mode is 7");
    s = good_select();
    s.score_reduce = 2;
    refuse_select(&s, "select.score_reduce is 2");
    static const uint32_t blocks[] = {0, 1, 8, 24, 256, UINT32_MAX};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        s = good_select();
        s.block_q = blocks[i];
        refuse_select(&s, "block_q");
        s = good_select();
        s.block_k = blocks[i];
        refuse_select(&s, "block_k");
    }
    s = good_select();
    s.gen_len = 101;
    refuse_select(&s, "select.gen_len is 101");
    static const double ratios[] = {0.0, -0.5, 1.0000001, (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        s = good_select();
        s.ratio = ratios[i];
        refuse_select(&s, "select.ratio is");
    }
    static const double scales[] = {-1.0, 1.01e30, 0.99e-30, (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        s = good_select();
        s.score_scale = scales[i];
        refuse_select(&s, "select.score_scale is");
    }
}

static void test_problem_create__fixed_modes_need_no_ratio(void **state) {
    (void)state;
    sparsed_desc desc = good_desc();
    for (uint32_t mode = SPARSED_MODE_WINDOW; mode <= SPARSED_MODE_STREAMING; mode++) {
        sparsed_select select = case_select(mode, 32, 32, 0, 0.0);
        select.window = select.sinks = UINT64_MAX;
        create(&desc, &select);
    }
}

/* ---- strides and sizes ---- */

static void test_problem_create__refuses_rows_of_out_that_overlap(void **state) {
    (void)state;
    static const sparsed_strides overlapping[] = {
        {25600, 6400, 63}, /* a row ends in the next */
        {25600, 64, 64},   /* heads and rows on top of each other */
        {25599, 6400, 64}, /* batches */
        {0, 6400, 64},     {6400, 6400, 64},
        {25600, 6400, 0},  {64, 128, 300}, /* [L,H,B,D] with rows too near */
    };
    sparsed_desc d = good_desc();
    for (size_t i = 0; i < sizeof overlapping / sizeof *overlapping; i++) {
        d.out = overlapping[i];
        refuse_desc(&d, "desc.out strides");
    }
    static const sparsed_strides fine[] = {
        {25600, 6400, 64}, {25600, 64, 256}, {64, 128, 512}, {6400, 12800, 64}, {99999, 7000, 70}};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        d.out = fine[i];
        create(&d, NULL);
    }
}

static void test_problem_create__strides_of_dimensions_of_one_do_not_matter(void **state) {
    (void)state;
    sparsed_desc d = case_desc(1, 1, 1, 64, 100);
    d.out = (sparsed_strides){0, 3, 64};
    create(&d, NULL);
}

static void test_problem_create__overlapping_keys_are_legal(void **state) {
    (void)state;
    sparsed_desc d = good_desc();
    d.k = (sparsed_strides){64, 0, 0};
    d.v = (sparsed_strides){1, 1, 1};
    create(&d, NULL);
}

static void test_problem_create__refuses_sizes_without_an_address(void **state) {
    (void)state;
    sparsed_desc d = good_desc();
    static const sparsed_strides huge[] = {{UINT64_MAX, 6400, 64},
                                           {25600, UINT64_MAX / 2, 64},
                                           {25600, 6400, UINT64_MAX / 64},
                                           {UINT64_MAX / 2, UINT64_MAX / 2, UINT64_MAX / 2},
                                           {(uint64_t)1 << 60, 6400, 64}};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        sparsed_strides *which[] = {&d.q, &d.k, &d.v, &d.out};
        for (int t = 0; t < 4; t++) {
            d = good_desc();
            *which[t] = huge[i];
            refuse_desc(&d, "2^60 elements");
        }
    }
    d = case_desc(65536, 65536, 65536, 256, 2147483647);
    refuse_desc(&d, "2^60 elements");
}

/* All tensors have an address, but the bit rows of all heads would not. */
static void test_problem_create__refuses_patterns_without_an_address(void **state) {
    (void)state;
    sparsed_desc d = case_desc(1024, 65536, 1, 8, 2147483647);
    sparsed_select s = case_select(SPARSED_MODE_WINDOW, 16, 128, 0, 0.0);
    spd_problem problem;
    sparsed_message message;
    sparsed_status status = spd_problem_create(&d, &s, &problem, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "blocks");
    s.block_k = 16;
    status = spd_problem_create(&d, &s, &problem, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "batch 1024");
    create(&d, NULL);
}

/* ---- runs ---- */

static sparsed_status run_of(const spd_problem *plan, const sparsed_io *io, spd_problem *run,
                             spd_extent *extents, const char **text) {
    static sparsed_message message;
    message.text[0] = '\0';
    *text = message.text;
    return spd_problem_of_run(plan, io, run, extents, &message);
}

static void refuse_io(const sparsed_io *io, const char *named) {
    const sparsed_desc desc = good_desc();
    const sparsed_select select = good_select();
    const spd_problem plan = create(&desc, &select);
    spd_problem run;
    spd_extent extents[2];
    const char *text;
    sparsed_status status = run_of(&plan, io, &run, extents, &text);
    assert_error_text(text, status, SPARSED_E_INVALID, named);
}

static void test_problem_of_run__refuses_lengths_flags_and_ratios(void **state) {
    (void)state;
    const sparsed_io good = {.struct_size = sizeof good};
    sparsed_io io = good;
    io.flags = 4;
    refuse_io(&io, "io.flags is 0x4");
    io = good;
    io.q_len = 101;
    refuse_io(&io, "io.q_len is 101");
    io = good;
    io.kv_len = 101;
    refuse_io(&io, "io.kv_len 101");
    io = good;
    io.kv_len = 60; /* q_len is the plan's 100 */
    refuse_io(&io, "io.q_len is 100 and io.kv_len 60");
    static const double ratios[] = {-0.1, 1.5, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        io = good;
        io.ratio = ratios[i];
        refuse_io(&io, "io.ratio is");
    }
}

static void test_check_generation__a_build_needs_the_whole_region(void **state) {
    (void)state;
    const sparsed_desc desc = good_desc();
    const sparsed_select select = good_select();
    const spd_problem plan = create(&desc, &select);
    sparsed_io io = {.struct_size = sizeof io, .q_len = 20, .kv_len = 30};
    spd_problem run;
    spd_extent extents[2];
    sparsed_message message = {""};
    const char *text;
    assert_int_equal(run_of(&plan, &io, &run, extents, &text), SPARSED_OK);
    assert_int_equal(spd_check_generation(&run, extents, &message), SPARSED_OK);
    io.kv_len = 29; /* below gen_len: only a build minds */
    assert_int_equal(run_of(&plan, &io, &run, extents, &text), SPARSED_OK);
    assert_error_text(message.text, spd_check_generation(&run, extents, &message),
                      SPARSED_E_INVALID, "select.gen_len is 30");
}

static void test_problem_of_run__refuses_ranges(void **state) {
    (void)state;
    sparsed_io io = {.struct_size = sizeof io};
    uint64_t start[2] = {0, 0}, end[2] = {100, 101};
    io.valid_start = start;
    refuse_io(&io, "io.valid_start and io.valid_end");
    io.valid_end = end;
    refuse_io(&io, "io.valid_start[1], valid_end are 0, 101");
    end[1] = 50;
    start[1] = 51;
    refuse_io(&io, "io.valid_start[1], valid_end are 51, 50");
    start[1] = UINT64_MAX;
    refuse_io(&io, "io.valid_start[1]");
    io.valid_start = NULL;
    refuse_io(&io, "io.valid_start and io.valid_end");
}

static void test_problem_of_run__extents(void **state) {
    (void)state;
    sparsed_desc desc = good_desc();
    const sparsed_select select = good_select();
    const uint64_t start[2] = {10, 70}, end[2] = {90, 70};
    const sparsed_io io = {.struct_size = sizeof io, .valid_start = start, .valid_end = end};
    desc.q_len = 40; /* rows 60 .. 99 of the sequence */
    const spd_problem plan = create(&desc, &select);
    spd_problem run;
    spd_extent e[2];
    const char *text;
    assert_int_equal(run_of(&plan, &io, &run, e, &text), SPARSED_OK);
    assert_int_equal(e[0].key_start, 10);
    assert_int_equal(e[0].keys, 80);
    assert_int_equal(e[0].query_start, 0);
    assert_int_equal(e[0].queries, 30);
    assert_int_equal(e[0].query_position, 50);
    assert_int_equal(e[0].q_blocks, 1);
    assert_int_equal(e[0].k_blocks, 5);
    assert_int_equal(e[0].split, 4); /* 80 - 64 <= 30 */
    assert_int_equal(e[0].generation_position, 50);
    assert_int_equal(e[0].keep_prompt, 2);
    assert_int_equal(e[0].keep_generation, 1);
    assert_int_equal(e[1].keys, 0);
    assert_int_equal(e[1].queries, 0);
    assert_int_equal(e[1].q_blocks, 0);
}

static void test_problem_of_run__packed_strides_follow_the_lengths(void **state) {
    (void)state;
    const sparsed_desc desc = good_desc();
    const spd_problem plan = create(&desc, NULL);
    const sparsed_io io = {.struct_size = sizeof io, .q_len = 7, .kv_len = 50};
    spd_problem run;
    spd_extent e[2];
    const char *text;
    assert_int_equal(run_of(&plan, &io, &run, e, &text), SPARSED_OK);
    assert_int_equal(run.desc.q.batch, 4 * 7 * 64);
    assert_int_equal(run.desc.q.head, 7 * 64);
    assert_int_equal(run.desc.k.batch, 2 * 50 * 64);
    assert_int_equal(run.desc.out.row, 64);
    assert_int_equal(run.desc.q_start, 43);
}

/* ---- structs of other versions ---- */

typedef struct newer_desc {
    sparsed_desc desc;
    unsigned char unknown[24];
} newer_desc;

static void test_copy_struct__larger_with_a_tail_of_zeros(void **state) {
    (void)state;
    newer_desc newer = {.desc = good_desc()};
    newer.desc.struct_size = sizeof newer;
    create(&newer.desc, NULL);
    for (size_t i = 0; i < sizeof newer.unknown; i++) {
        memset(newer.unknown, 0, sizeof newer.unknown);
        newer.unknown[i] = 1;
        refuse_desc(&newer.desc, "desc has a field");
    }
}

static void test_copy_struct__smaller_means_zeros(void **state) {
    (void)state;
    const sparsed_desc desc = good_desc();
    sparsed_select select = good_select();
    select.score_scale = 123.0;
    select.struct_size = offsetof(sparsed_select, score_scale);
    assert_true(create(&desc, &select).select.score_scale == 0.125);
    assert_true(create(&desc, &select).select.ratio == 0.3);
    select.struct_size = offsetof(sparsed_select, mode); /* mode is 0 then */
    refuse_select(&select, "select.mode is 0");
}

static void test_copy_struct__sizes_that_are_none(void **state) {
    (void)state;
    static const uint32_t sizes[] = {0, 1, 3, 65537, UINT32_MAX};
    sparsed_desc desc = good_desc();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        desc.struct_size = sizes[i];
        refuse_desc(&desc, "desc.struct_size is");
    }
    refuse_desc(NULL, "desc is NULL");
}

static void test_copy_struct_out__keeps_to_the_caller_s_size(void **state) {
    (void)state;
    const uint32_t known[4] = {sizeof known, 11, 12, 13};
    uint32_t to[6] = {12, 9, 9, 9, 9, 9};
    assert_int_equal(spd_copy_struct_out(to, known, sizeof known, "info", NULL), SPARSED_OK);
    const uint32_t smaller[6] = {12, 11, 12, 9, 9, 9};
    assert_memory_equal(to, smaller, sizeof to);
    to[0] = 20;
    assert_int_equal(spd_copy_struct_out(to, known, sizeof known, "info", NULL), SPARSED_OK);
    const uint32_t larger[6] = {20, 11, 12, 13, 0, 9};
    assert_memory_equal(to, larger, sizeof to);
    to[0] = 3;
    assert_int_equal(spd_copy_struct_out(to, known, sizeof known, "info", NULL), SPARSED_E_INVALID);
    assert_int_equal(spd_copy_struct_out(NULL, known, sizeof known, "info", NULL),
                     SPARSED_E_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem_create__fills_in_defaults),
        cmocka_unit_test(test_problem_create__score_scale_of_each_mode),
        cmocka_unit_test(test_problem_create__limits_are_legal),
        cmocka_unit_test(test_problem_create__refuses_shapes),
        cmocka_unit_test(test_problem_create__refuses_types_flags_and_scales),
        cmocka_unit_test(test_problem_create__refuses_query_rows_outside),
        cmocka_unit_test(test_problem_create__refuses_selections),
        cmocka_unit_test(test_problem_create__fixed_modes_need_no_ratio),
        cmocka_unit_test(test_problem_create__refuses_rows_of_out_that_overlap),
        cmocka_unit_test(test_problem_create__strides_of_dimensions_of_one_do_not_matter),
        cmocka_unit_test(test_problem_create__overlapping_keys_are_legal),
        cmocka_unit_test(test_problem_create__refuses_sizes_without_an_address),
        cmocka_unit_test(test_problem_create__refuses_patterns_without_an_address),
        cmocka_unit_test(test_problem_of_run__refuses_lengths_flags_and_ratios),
        cmocka_unit_test(test_check_generation__a_build_needs_the_whole_region),
        cmocka_unit_test(test_problem_of_run__refuses_ranges),
        cmocka_unit_test(test_problem_of_run__extents),
        cmocka_unit_test(test_problem_of_run__packed_strides_follow_the_lengths),
        cmocka_unit_test(test_copy_struct__larger_with_a_tail_of_zeros),
        cmocka_unit_test(test_copy_struct__smaller_means_zeros),
        cmocka_unit_test(test_copy_struct__sizes_that_are_none),
        cmocka_unit_test(test_copy_struct_out__keeps_to_the_caller_s_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
