/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The oracle against tiny problems worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/half.h"
#include "src/oracle.h"
#include "src/select.h"

enum { DIM = 8, KEYS = 32, BLOCK = 16 };

static const double ln2 = 0.69314718055994530942;

/* One head: only dimension 0 of q and k, and dimensions 0 and 1 of v, are not 0. With scale ln 2
 * (score scale too) a product of n weighs 2^n. */
typedef struct tiny {
    sparsed_desc desc;
    sparsed_select select;
    sparsed_io io;
    spd_problem problem;
    spd_extent extent;
    float q[KEYS * DIM], k[KEYS * DIM], v[KEYS * DIM];
    double out[KEYS * DIM], lse[KEYS], scores[8], generation[8], row_scores[KEYS];
} tiny;

static tiny new_tiny(uint64_t q_len, uint64_t kv_len) {
    tiny t = {.desc = SPARSED_DESC_INIT, .select = SPARSED_SELECT_INIT};
    t.desc.dtype = SPARSED_F32;
    t.desc.batch = t.desc.heads = t.desc.kv_heads = 1;
    t.desc.head_dim = DIM;
    t.desc.q_len = q_len;
    t.desc.kv_len = kv_len;
    t.desc.scale = ln2;
    t.select.mode = SPARSED_MODE_JOINT;
    t.select.block_q = t.select.block_k = BLOCK;
    t.select.ratio = 0.5;
    t.select.score_scale = ln2;
    t.io.struct_size = sizeof t.io;
    return t;
}

static void attend(tiny *t, const uint64_t *bits) {
    spd_problem plan;
    sparsed_message message = {""};
    if (spd_problem_create(&t->desc, &t->select, &plan, &message) != SPARSED_OK ||
        spd_problem_of_run(&plan, &t->io, &t->problem, &t->extent, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    const spd_oracle_head result = {t->out, t->lse, t->scores, t->generation};
    spd_oracle_attend(&t->problem, &t->extent, 0, 0, t->q, t->k, t->v, bits, t->row_scores,
                      &result);
}

static void assert_close(double actual, double expected) {
    if (actual == expected)
        return;
    if (!(fabs(actual - expected) <= 1e-14 * fabs(expected)))
        fail_msg("%.17g, not %.17g", actual, expected);
}

/* Two keys of products 0 and 1: weights 1 and 2 of 3. */
static void test_oracle__two_keys(void **state) {
    (void)state;
    tiny t = new_tiny(1, 2);
    t.q[0] = 1.0f;
    t.k[DIM] = 1.0f;
    t.v[0] = 3.0f;
    t.v[DIM] = 6.0f;
    t.v[DIM + 1] = -3.0f;
    attend(&t, NULL);
    assert_close(t.out[0], (1 * 3.0 + 2 * 6.0) / 3); /* 5 */
    assert_close(t.out[1], (2 * -3.0) / 3);
    assert_close(t.out[2], 0.0);
    assert_close(t.lse[0], log(3.0));
    assert_close(t.scores[0], 1.0); /* both keys are in one block */
}

/* Products 0, 1, 2, 3: weights 1, 2, 4, 8 of 15. Two query rows, the second of the double length:
 * products 0, 2, 4, 6, weights 1, 4, 16, 64 of 85. */
static void test_oracle__four_keys_two_rows(void **state) {
    (void)state;
    tiny t = new_tiny(2, 4);
    t.q[0] = 1.0f;
    t.q[DIM] = 2.0f;
    for (int i = 0; i < 4; i++) {
        t.k[i * DIM] = (float)i;
        t.v[i * DIM] = i == 3 ? 30.0f : 0.0f;
        t.v[i * DIM + 1] = i == 1 ? 17.0f : 0.0f;
    }
    attend(&t, NULL);
    assert_close(t.out[0], 30.0 * 8 / 15); /* 16 */
    assert_close(t.out[1], 17.0 * 2 / 15);
    assert_close(t.out[DIM], 30.0 * 64 / 85);
    assert_close(t.out[DIM + 1], 17.0 * 4 / 85); /* 0.8 */
    assert_close(t.lse[0], log(15.0));
    assert_close(t.lse[1], log(85.0));
    assert_close(t.scores[0], 2.0); /* a sum over two rows of mass 1 */
}

/* 19 keys, blocks of 16: keys 0 .. 15 of product 0 have weight 1 each, keys 16, 17, 18 of products
 * 1, 2, 3 have 2, 4, 8: together 30. */
static tiny two_blocks(uint32_t mode) {
    tiny t = new_tiny(1, 19);
    t.select.mode = mode;
    t.select.gen_len = 3;
    t.q[0] = 1.0f;
    for (int i = 0; i < 3; i++)
        t.k[(16 + i) * DIM] = (float)(i + 1);
    for (int i = 0; i < 19; i++)
        t.v[i * DIM] = i < 16 ? 1.0f : 15.0f;
    return t;
}

static void test_oracle__scores_of_each_mode(void **state) {
    (void)state;
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_JOINT; mode++) {
        tiny t = two_blocks(mode);
        attend(&t, NULL);
        assert_close(t.scores[0], 16.0 / 30);
        assert_close(t.scores[1], 14.0 / 30);
        /* The generation keys alone: all of their mass is in block 1. */
        assert_close(t.generation[0], 0.0);
        assert_close(t.generation[1], 1.0);
        assert_close(t.out[0], (16 * 1.0 + 14 * 15.0) / 30);
        assert_close(t.lse[0], log(30.0));
    }
}

/* Score scales of the modes: 1/sqrt(D) of D = 8, and 1/sqrt(H) of the given H = 4 in llada.
 * Products of 16 keys in block 0 are 0, the one key of block 1 has product 10. */
static void test_oracle__score_scale_of_each_mode(void **state) {
    (void)state;
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_JOINT; mode++) {
        tiny t = new_tiny(1, 17);
        t.select.mode = mode;
        t.select.score_scale = 0.0;
        t.desc.score_heads = 4;
        t.q[0] = 1.0f;
        t.k[16 * DIM] = 10.0f;
        attend(&t, NULL);
        double weight = exp(10.0 * (mode == SPARSED_MODE_UPSTREAM_LLADA ? 0.5 : 1.0 / sqrt(8.0)));
        assert_close(t.scores[0], 16.0 / (16.0 + weight));
        assert_close(t.scores[1], weight / (16.0 + weight));
        assert_close(t.lse[0], log(16.0 + 1024.0)); /* the attention keeps its own scale */
    }
}

/* Two rows. Row 0 as in two_blocks; row 1 of length 0: all 19 keys weigh the same. */
static void test_oracle__sum_and_maximum_over_rows(void **state) {
    (void)state;
    tiny t = two_blocks(SPARSED_MODE_UPSTREAM_DREAM);
    t.desc.q_len = 2;
    attend(&t, NULL);
    assert_close(t.scores[0], 16.0 / 30 + 16.0 / 19);
    assert_close(t.scores[1], 14.0 / 30 + 3.0 / 19);
    assert_close(t.generation[1], 2.0);
    t.select.score_reduce = SPARSED_REDUCE_MAX;
    attend(&t, NULL);
    assert_close(t.scores[0], 16.0 / 19);
    assert_close(t.scores[1], 14.0 / 30);
    assert_close(t.generation[1], 1.0);
}

/* Two equal rows over a block of prompt keys, which weigh 32 each, and one of generation keys, 1.
 */
static void test_oracle__generation_is_renormalised_row_by_row(void **state) {
    (void)state;
    tiny t = new_tiny(2, 32);
    t.select.mode = SPARSED_MODE_UPSTREAM_DREAM;
    t.select.block_k = 16;
    t.select.gen_len = 16;
    t.q[0] = 1.0f;
    t.q[DIM] = 1.0f;
    for (int i = 0; i < 16; i++)
        t.k[i * DIM] = 5.0f;
    attend(&t, NULL);
    assert_close(t.scores[0], 2 * 512.0 / 528);
    assert_close(t.scores[1], 2 * 16.0 / 528);
    assert_close(t.generation[1], 2.0);
    t.select.gen_len = 32; /* both blocks: the same numbers twice */
    attend(&t, NULL);
    assert_close(t.generation[0], t.scores[0]);
    assert_close(t.generation[1], t.scores[1]);
}

/* Only block 1 is kept: weights 2, 4, 8 of 14. */
static void test_oracle__kept_blocks(void **state) {
    (void)state;
    tiny t = two_blocks(SPARSED_MODE_PAPER);
    const uint64_t second = 2, none = 0, both = 3;
    t.v[18 * DIM] = 1.0f;
    attend(&t, &second);
    assert_close(t.out[0], (2 * 15.0 + 4 * 15.0 + 8 * 1.0) / 14);
    assert_close(t.lse[0], log(14.0));
    attend(&t, &none);
    assert_close(t.out[0], 0.0);
    assert_true(t.lse[0] == -INFINITY);
    attend(&t, &both);
    assert_close(t.lse[0], log(30.0));
}

/* Keys weigh 1, 2, 4, 8, 16 by their position; the window of the row at 2 is 1 .. 3. */
static void test_oracle__fixed_modes_are_exact_to_the_element(void **state) {
    (void)state;
    tiny t = new_tiny(5, 5);
    const uint64_t all = 1;
    t.select.mode = SPARSED_MODE_WINDOW;
    t.select.window = 1;
    for (int i = 0; i < 5; i++) {
        t.q[i * DIM] = 1.0f;
        t.k[i * DIM] = (float)i;
        t.v[i * DIM + i] = 1.0f;
    }
    attend(&t, &all);
    assert_close(t.lse[0], log(3.0));
    assert_close(t.lse[2], log(14.0));
    assert_close(t.lse[4], log(24.0));
    assert_close(t.out[2 * DIM + 3], 8.0 / 14);
    assert_close(t.out[2 * DIM + 4], 0.0);
    t.select.mode = SPARSED_MODE_STREAMING;
    t.select.sinks = 2;
    attend(&t, &all);
    assert_close(t.lse[0], log(3.0));
    assert_close(t.lse[3], log(1.0 + 2 + 4 + 8 + 16));
    assert_close(t.lse[4], log(1.0 + 2 + 8 + 16));
    assert_close(t.out[4 * DIM], 1.0 / 27);
}

/* Valid rows 1 .. 3 of 5: as the same three rows alone; the others give nothing. */
static void test_oracle__valid_range(void **state) {
    (void)state;
    tiny t = new_tiny(5, 5);
    const uint64_t start = 1, end = 4;
    t.io.valid_start = &start;
    t.io.valid_end = &end;
    for (int i = 0; i < 5; i++) {
        t.q[i * DIM] = i == 0 || i == 4 ? NAN : 1.0f;
        t.k[i * DIM] = i == 0 || i == 4 ? NAN : (float)(i - 1);
        t.v[i * DIM] = (float)i;
    }
    attend(&t, NULL);
    assert_true(t.lse[0] == -INFINITY && t.lse[4] == -INFINITY);
    assert_close(t.out[0], 0.0);
    assert_close(t.out[4 * DIM], 0.0);
    for (int r = 1; r < 4; r++) {
        assert_close(t.lse[r], log(7.0));
        assert_close(t.out[r * DIM], (1 * 1.0 + 2 * 2.0 + 4 * 3.0) / 7);
    }
    assert_close(t.scores[0], 3.0);
}

/* Two query heads on one key head; two batches. Head h of batch b has q = h + 1 and keys 0, b + 1.
 */
static void test_oracle__heads_and_batches(void **state) {
    (void)state;
    tiny t = new_tiny(1, 2);
    t.desc.batch = t.desc.heads = 2;
    for (int i = 0; i < 4; i++)
        t.q[i * DIM] = (float)(i % 2 + 1);
    for (int b = 0; b < 2; b++)
        t.k[(2 * b + 1) * DIM] = (float)(b + 1);
    spd_problem plan, run;
    spd_extent extents[2];
    assert_int_equal(spd_problem_create(&t.desc, NULL, &plan, NULL), SPARSED_OK);
    assert_int_equal(spd_problem_of_run(&plan, &t.io, &run, extents, NULL), SPARSED_OK);
    const spd_oracle_head result = {.lse = t.lse};
    for (uint32_t b = 0; b < 2; b++)
        for (uint32_t h = 0; h < 2; h++) {
            spd_oracle_attend(&run, &extents[b], b, h, t.q, t.k, NULL, NULL, t.row_scores, &result);
            assert_close(t.lse[0], log(1.0 + ldexp(1.0, (int)((h + 1) * (b + 1)))));
        }
}

/* Of a query that is no number nothing is one; not so of its neighbour. */
static void test_oracle__a_query_that_is_no_number(void **state) {
    (void)state;
    tiny t = new_tiny(2, 4);
    t.q[0] = NAN;
    t.v[0] = 2.0f;
    attend(&t, NULL);
    assert_true(isnan(t.out[0]) && isnan(t.out[1]) && isnan(t.lse[0]) && isnan(t.scores[0]));
    assert_close(t.out[DIM], 0.5);
    assert_close(t.lse[1], log(4.0));
}

static void test_oracle_load__reads_every_storage_type(void **state) {
    (void)state;
    unsigned char bytes[16] = {0};
    const float single = -1.5f;
    const uint16_t half = spd_f16_from_float(0.25f), brain = spd_bf16_from_float(3.0f);
    memcpy(bytes + 1 + 4, &single, sizeof single); /* misaligned, element 1 */
    assert_close(spd_oracle_load(bytes + 1, SPARSED_F32, 1), -1.5);
    memcpy(bytes + 1 + 6, &half, sizeof half);
    assert_close(spd_oracle_load(bytes + 1, SPARSED_F16, 3), 0.25);
    memcpy(bytes + 1 + 6, &brain, sizeof brain);
    assert_close(spd_oracle_load(bytes + 1, SPARSED_BF16, 3), 3.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle__two_keys),
        cmocka_unit_test(test_oracle__four_keys_two_rows),
        cmocka_unit_test(test_oracle__scores_of_each_mode),
        cmocka_unit_test(test_oracle__score_scale_of_each_mode),
        cmocka_unit_test(test_oracle__sum_and_maximum_over_rows),
        cmocka_unit_test(test_oracle__generation_is_renormalised_row_by_row),
        cmocka_unit_test(test_oracle__kept_blocks),
        cmocka_unit_test(test_oracle__fixed_modes_are_exact_to_the_element),
        cmocka_unit_test(test_oracle__valid_range),
        cmocka_unit_test(test_oracle__heads_and_batches),
        cmocka_unit_test(test_oracle__a_query_that_is_no_number),
        cmocka_unit_test(test_oracle_load__reads_every_storage_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
