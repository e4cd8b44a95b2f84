/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Two records of one case: errors planted in the second one are caught, and called what they are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compare/case_mismatch.h"
#include "compare/case_pair.h"
#include "compare/faults.h"
#include "support/made_record.h"

typedef struct two_records {
    record a, b;
    case_pair pair;
} two_records;

static void setup(two_records *t) {
    *t = (two_records){.a = made_record("a"), .b = made_record("b")};
}

static void compare(two_records *t, size_t index) {
    tool_error error;
    char differs[MISMATCH_BYTES];
    made_record_digest(&t->b);
    t->pair = (case_pair){0};
    assert_false(case_mismatch(&t->a.cases[index], &t->b.cases[index], differs));
    assert_true(case_pair_compare(&t->pair, &t->a.cases[index], &t->b.cases[index], 1e-3, &error));
}

static void teardown(two_records *t) {
    record_free(&t->a);
    record_free(&t->b);
}

/* The only finding. */
static const finding *only(const two_records *t, finding_kind kind, finding_part part) {
    const finding *f = &t->pair.found.list[0];
    assert_int_equal(t->pair.found.count, 1);
    assert_int_equal(t->pair.found.more, 0);
    assert_string_equal(finding_kind_name(f->kind), finding_kind_name(kind));
    assert_string_equal(finding_part_name(f->part), finding_part_name(part));
    return f;
}

static void assert_place(const finding *f, record_op op, uint64_t batch, uint64_t head,
                         uint64_t q_block) {
    assert_string_equal(f->run, record_op_name(op));
    assert_int_equal(f->batch, batch);
    assert_int_equal(f->head, head);
    assert_int_equal(f->q_block, q_block);
}

/* ---- nothing, or next to nothing, planted ---- */

static void test_case_pair_compare__equal_records(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    compare(&t, 0);
    assert_int_equal(t.pair.all, VERDICT_PASS);
    assert_int_equal(t.pair.found.count, 0);
    for (int op = 0; op < RECORD_OPS; op++) {
        assert_true(t.pair.runs[op].bitwise);
        assert_int_equal(t.pair.runs[op].out.unequal, 0);
        assert_int_equal(t.pair.runs[op].rows, MADE_BATCH * MADE_HEADS * MADE_LENGTH);
    }
    assert_true(pattern_agreement_jaccard(&t.pair.pattern) == 1.0);
    teardown(&t);
}

static void test_case_pair_compare__rounding_passes_and_more_warns(void **state) {
    static const struct {
        float relative;
        verdict v;
    } rows[] = {{1e-6f, VERDICT_PASS}, {8e-6f, VERDICT_WARN}, {1e-4f, VERDICT_FAIL}};
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        two_records t;
        setup(&t);
        float *out = made_out(&t.b, 0, RECORD_DENSE, 0, 0);
        for (size_t i = 0; i < (size_t)MADE_BATCH * MADE_HEADS * MADE_LENGTH * MADE_DIM; i++)
            out[i] *= 1.0f + (i % 2 ? rows[k].relative : -rows[k].relative);
        compare(&t, 0);
        assert_int_equal(t.pair.runs[RECORD_DENSE].out_verdict, rows[k].v);
        assert_int_equal(t.pair.all, rows[k].v);
        assert_false(t.pair.runs[RECORD_DENSE].bitwise);
        assert_true(t.pair.runs[RECORD_BUILD].bitwise);
        assert_true(fabs(t.pair.runs[RECORD_DENSE].out.relative / (double)rows[k].relative - 1.0) <
                    0.1);
        teardown(&t);
    }
}

/* Nothing is beyond what one element may be, and still it is told where, and what the bound is. */
static void test_case_pair_compare__a_warning_names_place_and_bound(void **state) {
    two_records t;
    char text[FINDING_TEXT_BYTES], bound[64];
    (void)state;
    setup(&t);
    *made_lse(&t.b, 0, RECORD_DENSE, 4, 37) += 5e-5f;
    compare(&t, 0);
    const finding *f = only(&t, FINDING_OVERALL, FINDING_LSE);
    assert_place(f, RECORD_DENSE, 1, 1, 2);
    assert_int_equal(f->row, 37);
    assert_int_equal(f->count, 1);
    assert_int_equal(case_pair_finding_verdict(&t.pair, f), VERDICT_WARN);
    assert_int_equal(t.pair.all, VERDICT_WARN);
    finding_describe(f, 'C', 'D', text);
    assert_non_null(
        strstr(text, "dense lse, batch 1, head 1, query block 2: overall: difference 5"));
    snprintf(bound, sizeof bound,
             ", above %.3g; largest at row 37: ", 2.0 * t.a.cases[0].bounds.lse.warn);
    assert_non_null(strstr(text, bound));
    teardown(&t);
}

static void test_case_pair_compare__a_warning_names_the_element_furthest_apart(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    float *out = made_out(&t.b, 0, RECORD_BUILD, 0, 0);
    for (size_t i = 0; i < (size_t)MADE_BATCH * MADE_HEADS * MADE_LENGTH * MADE_DIM; i++)
        out[i] *= 1.0f + 6e-6f;
    made_out(&t.b, 0, RECORD_BUILD, 2, 69)[5] += 1e-5f;
    compare(&t, 0);
    assert_place(only(&t, FINDING_OVERALL, FINDING_OUT), RECORD_BUILD, 0, 2, 4);
    assert_int_equal(t.pair.found.list[0].row, 69);
    assert_int_equal(t.pair.found.list[0].element, 5);
    teardown(&t);
}

static out_distance distance_of(const two_records *t) {
    return case_pair_out_distance(&t->pair, &t->a.cases[0], &t->b.cases[0]);
}

/* Denormals that one device flushes are not equal, and no share of what fails either. */
static void test_case_pair_out_distance__tells_equal_from_within_the_absolute_bound(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    compare(&t, 0);
    assert_true(distance_of(&t).equal && !distance_of(&t).absolute);
    teardown(&t);

    setup(&t);
    t.a.cases[0].bounds.out_absolute = t.b.cases[0].bounds.out_absolute = 1e-3;
    made_out(&t.b, 0, RECORD_DENSE, 0, 0)[0] += 1e-3f;
    compare(&t, 0);
    assert_true(!distance_of(&t).equal && distance_of(&t).absolute);
    assert_true(distance_of(&t).share == 0.0);
    assert_int_equal(t.pair.all, VERDICT_PASS);
    teardown(&t);

    setup(&t);
    made_out(&t.b, 0, RECORD_DENSE, 0, 0)[0] += 1e-5f;
    compare(&t, 0);
    assert_true(!distance_of(&t).equal && !distance_of(&t).absolute);
    assert_true(distance_of(&t).share > 0.0);
    teardown(&t);
}

/* ---- outputs ---- */

static void test_case_pair_compare__one_wrong_element(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    made_out(&t.b, 0, RECORD_SPARSE_FIXED, 4, 37)[5] += 0.01f;
    compare(&t, 0);
    const finding *f = only(&t, FINDING_ELEMENT, FINDING_OUT);
    assert_place(f, RECORD_SPARSE_FIXED, 1, 1, 2);
    assert_int_equal(f->row, 37);
    assert_int_equal(f->element, 5);
    assert_true(f->b - f->a > 0.009);
    assert_int_equal(t.pair.all, VERDICT_FAIL);
    teardown(&t);
}

static void test_case_pair_compare__one_wrong_element_of_each_tensor(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    *made_lse(&t.b, 0, RECORD_DENSE, 3, 69) += 0.01f;
    compare(&t, 0);
    assert_place(only(&t, FINDING_ELEMENT, FINDING_LSE), RECORD_DENSE, 1, 0, 4);
    assert_int_equal(t.pair.found.list[0].row, 69);
    teardown(&t);

    setup(&t);
    made_scores(&t.b, 0, 1, 2, 3)[4] *= 1.01f; /* the one generation block, which is kept still */
    compare(&t, 0);
    const finding *f = only(&t, FINDING_ELEMENT, FINDING_SCORES);
    assert_place(f, RECORD_BUILD, 0, 2, 3);
    assert_int_equal(f->ranking, 1);
    assert_int_equal(f->element, 4);
    teardown(&t);
}

static void test_case_pair_compare__one_wrong_row(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    for (int i = 0; i < MADE_DIM; i++)
        made_out(&t.b, 0, RECORD_BUILD, 0, 16)[i] *= -1.0f;
    compare(&t, 0);
    const finding *f = only(&t, FINDING_ROW, FINDING_OUT);
    assert_place(f, RECORD_BUILD, 0, 0, 1);
    assert_int_equal(f->row, 16);
    assert_int_equal(f->count, MADE_DIM);
    teardown(&t);
}

static void test_case_pair_compare__a_wrong_block(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    for (int i = 0; i < MADE_BLOCK * MADE_DIM; i++)
        made_out(&t.b, 0, RECORD_DENSE, 5, 48)[i] *= 0.5f;
    compare(&t, 0);
    assert_place(only(&t, FINDING_BLOCK, FINDING_OUT), RECORD_DENSE, 1, 2, 3);
    assert_int_equal(t.pair.found.list[0].count, MADE_BLOCK * MADE_DIM);
    teardown(&t);
}

static void test_case_pair_compare__a_shifted_block(void **state) {
    static const int shifts[] = {MADE_BLOCK, -MADE_BLOCK, 1, -3};
    (void)state;
    for (size_t k = 0; k < sizeof shifts / sizeof *shifts; k++)
        for (int in_a = 0; in_a < 2; in_a++) {
            two_records t;
            setup(&t);
            const uint64_t from = (uint64_t)(32 + shifts[k]);
            memcpy(made_out(in_a ? &t.a : &t.b, 0, RECORD_DENSE, 1, 32),
                   made_out(in_a ? &t.b : &t.a, 0, RECORD_DENSE, 1, from),
                   MADE_BLOCK * MADE_DIM * sizeof(float));
            compare(&t, 0);
            const finding *f = only(&t, FINDING_SHIFTED, FINDING_OUT);
            assert_place(f, RECORD_DENSE, 0, 1, 2);
            assert_int_equal(f->from, shifts[k]);
            assert_int_equal(f->in_a, in_a);
            teardown(&t);
        }
}

/* Of the last block's six rows only the first ones have a row `shift` further on: that they agree is
 * chance, unless they are two, and half of the block. */
static void test_case_pair_compare__few_rows_make_no_shifted_block(void **state) {
    static const struct {
        uint64_t shift;
        finding_kind kind;
    } rows[] = {{5, FINDING_BLOCK}, {4, FINDING_BLOCK}, {3, FINDING_SHIFTED}};
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        two_records t;
        setup(&t);
        float *block = made_out(&t.b, 0, RECORD_DENSE, 1, 64);
        for (int i = 0; i < 6 * MADE_DIM; i++)
            block[i] += 1.0f;
        memcpy(block, made_out(&t.a, 0, RECORD_DENSE, 1, 64 + rows[k].shift),
               (6 - rows[k].shift) * MADE_DIM * sizeof(float));
        compare(&t, 0);
        assert_place(only(&t, rows[k].kind, FINDING_OUT), RECORD_DENSE, 0, 1, 4);
        teardown(&t);
    }
}

/* A large value in one record does not widen what its head's other elements may be off by. */
static void test_case_pair_compare__beside_a_large_element(void **state) {
    (void)state;
    for (int in_a = 0; in_a < 2; in_a++) {
        two_records t;
        setup(&t);
        *made_out(in_a ? &t.a : &t.b, 0, RECORD_DENSE, 4, 0) = 1e4f;
        *made_out(&t.b, 0, RECORD_DENSE, 4, 37) += 0.01f;
        compare(&t, 0);
        assert_int_equal(t.pair.found.count, 2);
        assert_place(&t.pair.found.list[1], RECORD_DENSE, 1, 1, 2);
        teardown(&t);
    }
}

/* Each record's own bound counts. */
static void test_case_pair_compare__the_bounds_of_both(void **state) {
    (void)state;
    for (int part = 0; part < 3; part++)
        for (int of_b = 0; of_b < 2; of_b++) {
            two_records t;
            setup(&t);
            record_bounds *bounds = &(of_b ? &t.b : &t.a)->cases[0].bounds;
            record_bound *bound = part == 0   ? &bounds->out
                                  : part == 1 ? &bounds->lse
                                              : &bounds->scores;
            float *element = part == 0   ? made_out(&t.b, 0, RECORD_DENSE, 4, 37)
                             : part == 1 ? made_lse(&t.b, 0, RECORD_DENSE, 4, 37)
                                         : made_scores(&t.b, 0, 1, 2, 3) + MADE_BLOCKS - 1;
            *element += 0.01f;
            compare(&t, 0);
            assert_int_equal(t.pair.all, VERDICT_FAIL);
            bound->warn = bound->fail = 0.1;
            compare(&t, 0);
            assert_int_equal(t.pair.all, VERDICT_PASS);
            teardown(&t);
        }
}

static void test_case_pair_compare__swapped_heads(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    made_swap(made_out(&t.b, 0, RECORD_DENSE, 3, 0), made_out(&t.b, 0, RECORD_DENSE, 5, 0),
              sizeof(float) * MADE_LENGTH * MADE_DIM);
    compare(&t, 0);
    assert_place(only(&t, FINDING_SWAPPED, FINDING_OUT), RECORD_DENSE, 1, 0, 0);
    assert_int_equal(t.pair.found.list[0].from, 2);
    teardown(&t);
}

static void test_case_pair_compare__a_head_that_holds_another_one(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    memcpy(made_out(&t.b, 0, RECORD_DENSE, 2, 0), made_out(&t.a, 0, RECORD_DENSE, 0, 0),
           sizeof(float) * MADE_LENGTH * MADE_DIM);
    compare(&t, 0);
    const finding *f = only(&t, FINDING_OTHER_HEAD, FINDING_OUT);
    assert_place(f, RECORD_DENSE, 0, 2, 0);
    assert_int_equal(f->from, 0);
    assert_false(f->in_a);
    teardown(&t);
}

static void test_case_pair_compare__a_wrong_head(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    for (int i = 0; i < MADE_LENGTH * MADE_DIM; i++)
        made_out(&t.b, 0, RECORD_DENSE, 4, 0)[i] *= 1.5f;
    compare(&t, 0);
    assert_place(only(&t, FINDING_HEAD, FINDING_OUT), RECORD_DENSE, 1, 1, 0);
    teardown(&t);
}

static void test_case_pair_compare__a_nan(void **state) {
    static const float values[] = {NAN, INFINITY};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        two_records t;
        setup(&t);
        made_out(&t.b, 0, RECORD_SPARSE_OWN, 0, 20)[3] = values[k];
        compare(&t, 0);
        const finding *f = only(&t, FINDING_NOT_FINITE, FINDING_OUT);
        assert_place(f, RECORD_SPARSE_OWN, 0, 0, 1);
        assert_int_equal(f->row, 20);
        assert_int_equal(f->element, 3);
        assert_int_equal(f->count, 1);
        assert_int_equal(t.pair.all, VERDICT_FAIL);
        teardown(&t);
    }
}

static void test_case_pair_compare__a_nan_in_both_is_no_difference(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    made_out(&t.a, 0, RECORD_DENSE, 0, 20)[3] = NAN;
    made_out(&t.b, 0, RECORD_DENSE, 0, 20)[3] = NAN;
    *made_lse(&t.a, 0, RECORD_DENSE, 0, 20) = -INFINITY;
    *made_lse(&t.b, 0, RECORD_DENSE, 0, 20) = -INFINITY;
    compare(&t, 0);
    assert_int_equal(t.pair.all, VERDICT_PASS);
    teardown(&t);
}

static void test_case_pair_compare__padded_rows(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    made_out(&t.b, 1, RECORD_DENSE, 4, 1)[0] += 1.0f; /* valid rows are 3 to 60 */
    compare(&t, 1);
    assert_place(only(&t, FINDING_ELEMENT, FINDING_OUT), RECORD_DENSE, 1, 1, FINDING_PADDING);
    teardown(&t);

    setup(&t);
    made_out(&t.b, 1, RECORD_DENSE, 4, 3 + MADE_BLOCK)[0] += 1.0f;
    compare(&t, 1);
    assert_place(only(&t, FINDING_ELEMENT, FINDING_OUT), RECORD_DENSE, 1, 1, 1);
    teardown(&t);
}

static void test_case_pair_compare__counts_findings_past_its_room(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    for (uint64_t head = 0; head < 6; head++)
        for (uint64_t block = 0; block < 2; block++)
            made_out(&t.b, 0, RECORD_DENSE, head, block * MADE_BLOCK)[0] += 1.0f;
    compare(&t, 0);
    assert_int_equal(t.pair.found.count, FINDINGS_ROOM);
    assert_int_equal(t.pair.found.more, 12 - FINDINGS_ROOM);
    teardown(&t);
}

/* ---- patterns ---- */

/* The highest key block of the row's prompt that is kept, or not. */
static unsigned prompt_block(two_records *t, uint64_t head, uint64_t q_block, bool kept) {
    const uint8_t row = *made_pattern_row(&t->b, 0, head, q_block);
    for (unsigned j = MADE_BLOCKS - 1; j-- > 0;)
        if ((row >> j & 1) == kept)
            return j;
    fail_msg("head %d, query block %d", (int)head, (int)q_block);
    return 0;
}

static void test_pattern_agreement_measure__a_real_difference(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    const unsigned dropped = prompt_block(&t, 4, 2, true);
    *made_pattern_row(&t.b, 0, 4, 2) ^= (uint8_t)(1u << dropped);
    made_scores(&t.a, 0, 0, 4, 2)[dropped] = made_scores(&t.b, 0, 0, 4, 2)[dropped] = 50.0f;
    compare(&t, 0);
    assert_int_equal(t.pair.pattern.only_a, 1);
    assert_int_equal(t.pair.pattern.only_b, 0);
    assert_int_equal(t.pair.pattern.real, 1);
    assert_int_equal(t.pair.pattern.ties, 0);
    const finding *f = only(&t, FINDING_KEPT, FINDING_PATTERN);
    assert_place(f, RECORD_BUILD, 1, 1, 2);
    assert_int_equal(f->element, dropped);
    char text[FINDING_TEXT_BYTES], first[32];
    finding_describe(f, 'A', 'B', text);
    snprintf(first, sizeof first, ", first key block %u", dropped);
    assert_non_null(strstr(text, first));
    assert_int_equal(t.pair.pattern_verdict, VERDICT_FAIL);
    teardown(&t);
}

/* A block in, another one out, whose scores are apart by a share of themselves; the one that A keeps
 * is its row's threshold, the third of all scores. */
static void exchange(two_records *t, uint64_t head, uint64_t q_block, float apart) {
    const unsigned out = prompt_block(t, head, q_block, true);
    const unsigned in = prompt_block(t, head, q_block, false);
    float *of_a = made_scores(&t->a, 0, 0, head, q_block);
    float *of_b = made_scores(&t->b, 0, 0, head, q_block);
    unsigned higher = 0;
    for (unsigned j = 0; j < MADE_BLOCKS; j++) {
        const bool kept = *made_pattern_row(&t->a, 0, head, q_block) >> j & 1;
        const bool high = kept && j != out && higher < 2;
        higher += high;
        of_a[j] = high ? 200.0f : j == out ? 100.0f : j == in ? 100.0f * (1.0f - apart) : 1.0f;
        of_b[j] = of_a[j];
    }
    assert_int_equal(higher, 2);
    *made_pattern_row(&t->b, 0, head, q_block) ^= (uint8_t)(1u << in | 1u << out);
}

static void test_pattern_agreement_measure__ties_pass_near_ones_warn(void **state) {
    static const struct {
        float apart;
        uint64_t ties, real;
        verdict v;
    } rows[] = {
        {5e-4f, 2, 0, VERDICT_PASS}, {5e-3f, 1, 1, VERDICT_WARN}, {0.1f, 1, 1, VERDICT_FAIL}};
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        two_records t;
        setup(&t);
        exchange(&t, 1, 1, rows[k].apart);
        compare(&t, 0);
        assert_int_equal(t.pair.pattern.ties, rows[k].ties);
        assert_int_equal(t.pair.pattern.real, rows[k].real);
        assert_int_equal(t.pair.pattern_verdict, rows[k].v);
        /* Rows of that query block are no longer comparable over the own pattern. */
        assert_int_equal(t.pair.runs[RECORD_SPARSE_OWN].left_out, MADE_BLOCK);
        assert_int_equal(t.pair.runs[RECORD_DENSE].left_out, 0);
        teardown(&t);
    }
}

static void test_pattern_agreement_measure__a_tie_by_either_record(void **state) {
    (void)state;
    for (int by_a = 0; by_a < 2; by_a++) {
        two_records t;
        setup(&t);
        exchange(&t, 1, 1, 0.1f);
        /* By one record's scores the two are a tie; that scores differ so is another finding. */
        float *scores = made_scores(by_a ? &t.a : &t.b, 0, 0, 1, 1);
        for (unsigned j = 0; j < MADE_BLOCKS; j++)
            if (scores[j] > 89.0f && scores[j] < 101.0f)
                scores[j] = 95.0f;
        compare(&t, 0);
        assert_int_equal(t.pair.pattern.ties, 2);
        assert_int_equal(t.pair.pattern.real, 0);
        assert_int_equal(t.pair.pattern_verdict, VERDICT_PASS);
        assert_int_equal(t.pair.runs[RECORD_BUILD].scores_verdict, VERDICT_FAIL);
        teardown(&t);
    }
}

static void test_pattern_agreement_measure__undecided_without_scores(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    exchange(&t, 1, 1, 0.5f);
    exchange(&t, 1, 4, 0.5f);
    made_record_sample_blocks(&t.a);
    made_record_sample_blocks(&t.b);
    compare(&t, 0);
    assert_int_equal(t.pair.pattern.undecided, 2); /* query block 1; block 4 has scores */
    assert_int_equal(t.pair.pattern.ties, 1);
    assert_int_equal(t.pair.pattern.real, 1);
    teardown(&t);
}

static void test_pattern_agreement_measure__swapped_heads(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    made_swap(made_pattern_row(&t.b, 0, 0, 0), made_pattern_row(&t.b, 0, 1, 0), MADE_BLOCKS);
    compare(&t, 0);
    assert_place(only(&t, FINDING_SWAPPED, FINDING_PATTERN), RECORD_BUILD, 0, 0, 0);
    assert_int_equal(t.pair.found.list[0].from, 1);
    assert_int_equal(t.pair.pattern_verdict, VERDICT_FAIL);
    teardown(&t);
}

/* The scores of query block 2 are not in the files: only its form tells. */
static void test_pattern_agreement_measure__a_shifted_block(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    *made_pattern_row(&t.a, 0, 1, 2) = 0x07;
    *made_pattern_row(&t.b, 0, 1, 2) = 0x1c;
    made_record_sample_blocks(&t.a);
    made_record_sample_blocks(&t.b);
    made_record_digest(&t.a);
    compare(&t, 0);
    const finding *f = only(&t, FINDING_SHIFTED, FINDING_PATTERN);
    assert_place(f, RECORD_BUILD, 0, 1, 2);
    assert_int_equal(f->from, 2);
    assert_int_equal(t.pair.pattern_verdict, VERDICT_FAIL);
    teardown(&t);
}

static void test_pattern_agreement_measure__a_block_that_keeps_anothers(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    *made_pattern_row(&t.a, 0, 1, 2) = 0x03;
    *made_pattern_row(&t.a, 0, 1, 3) = *made_pattern_row(&t.b, 0, 1, 3) = 0x1c;
    *made_pattern_row(&t.b, 0, 1, 2) = 0x1c;
    made_record_sample_blocks(&t.a);
    made_record_sample_blocks(&t.b);
    compare(&t, 0);
    const finding *f = only(&t, FINDING_OTHER_BLOCK, FINDING_PATTERN);
    assert_place(f, RECORD_BUILD, 0, 1, 2);
    assert_int_equal(f->from, 3);
    assert_false(f->in_a);
    teardown(&t);
}

/* Scores that differ by less than their rounding: real if no tolerance is left, and no shift. */
static void test_pattern_agreement_measure__rounding_makes_no_shifted_block(void **state) {
    static const struct {
        float apart; /* of a score of 1 */
        finding_kind kind;
        verdict v;
    } rows[] = {{2e-7f, FINDING_KEPT, VERDICT_WARN}, {2e-3f, FINDING_SHIFTED, VERDICT_FAIL}};
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        two_records t;
        tool_error error;
        setup(&t);
        *made_pattern_row(&t.a, 0, 1, 2) = 0x07;
        *made_pattern_row(&t.b, 0, 1, 2) = 0x1c;
        for (unsigned j = 0; j < MADE_BLOCKS; j++)
            for (uint64_t r = 0; r < 2; r++)
                made_scores(&t.a, 0, r, 1, 2)[j] = made_scores(&t.b, 0, r, 1, 2)[j] =
                    1.0f + rows[k].apart * (float)(1 + j);
        made_record_digest(&t.a);
        made_record_digest(&t.b);
        t.pair = (case_pair){0};
        assert_true(case_pair_compare(&t.pair, &t.a.cases[0], &t.b.cases[0], 0.0, &error));
        assert_true(t.pair.pattern.real > 0);
        only(&t, rows[k].kind, FINDING_PATTERN);
        assert_int_equal(t.pair.pattern_verdict, rows[k].v);
        teardown(&t);
    }
}

/* ---- in words, and what does not belong together ---- */

static void take_text(void *context, verdict v, const finding *place, const char *text) {
    assert_non_null(place);
    assert_int_equal(v, VERDICT_FAIL);
    assert_true(strlen(text) < FAULT_BYTES);
    strcpy(context, text);
}

static void test_faults_of_pair__say_which_head_block_and_kind(void **state) {
    two_records t;
    char text[FAULT_BYTES];
    (void)state;
    setup(&t);
    made_swap(made_out(&t.b, 0, RECORD_DENSE, 3, 0), made_out(&t.b, 0, RECORD_DENSE, 4, 0),
              sizeof(float) * MADE_LENGTH * MADE_DIM);
    compare(&t, 0);
    faults_of_pair(&t.pair, 'C', 'D', take_text, text);
    assert_string_equal(text, "dense out, batch 1, head 0: swapped heads: this and head 1 are the "
                              "other way round");
    teardown(&t);

    setup(&t);
    *made_out(&t.b, 0, RECORD_BUILD, 3, 17) = NAN;
    *made_out(&t.a, 0, RECORD_BUILD, 3, 17) = 0.5f;
    compare(&t, 0);
    faults_of_pair(&t.pair, 'C', 'D', take_text, text);
    assert_string_equal(text, "build out, batch 1, head 0, query block 1: one element is not "
                              "finite, row 17, column 0: 0.5 in C, nan in D");
    teardown(&t);
}

static void assert_mismatch(const two_records *t, const char *text) {
    char differs[MISMATCH_BYTES];
    assert_true(case_mismatch(&t->a.cases[0], &t->b.cases[0], differs));
    assert_string_equal(differs, text);
}

static void test_case_mismatch__names_what_differs_with_both_values(void **state) {
    two_records t;
    char differs[MISMATCH_BYTES];
    (void)state;
    setup(&t);
    record_case *c = &t.b.cases[0];
    c->desc.kv_heads = 1;
    assert_mismatch(&t, "kv_heads is 3 and 1");
    c->desc.kv_heads = MADE_HEADS;
    c->desc.out_dtype = SPARSED_F16;
    assert_mismatch(&t, "out_dtype is f32 and f16");
    c->desc.out_dtype = SPARSED_F32;
    c->select.ratio = 0.5;
    assert_mismatch(&t, "ratio is 0.4 and 0.5");
    c->select.ratio = 0.4;
    c->v_digest = (sparsed_fingerprint){.low = 1, .high = 2};
    t.a.cases[0].v_digest = (sparsed_fingerprint){.low = 0xab, .high = 2};
    assert_mismatch(&t, "the digest of v is 000000000000000200000000000000ab and "
                        "00000000000000020000000000000001");
    c->v_digest.low = 0xab;
    assert_false(case_mismatch(&t.a.cases[0], c, differs));
    made_record_sample_blocks(&t.b);
    assert_mismatch(&t, "query_blocks is 1 and 4");
    teardown(&t);
}

/* A field's least bit changed is a mismatch of that name. */
static void assert_named(const two_records *t, void *field, const char *name) {
    char differs[MISMATCH_BYTES] = "", wanted[64];
    unsigned char *byte = field;
    snprintf(wanted, sizeof wanted, "%s is ", name);
    *byte ^= 1;
    if (!case_mismatch(&t->a.cases[0], &t->b.cases[0], differs) ||
        strncmp(differs, wanted, strlen(wanted)) != 0)
        fail_msg("%s: \"%s\"", name, differs);
    *byte ^= 1;
}

static void test_case_mismatch__names_each_field(void **state) {
    two_records t;
    (void)state;
    setup(&t);
    record_case *c = &t.b.cases[0];
    sparsed_pattern_range ranges[MADE_BATCH] = {c->ranges[0], c->ranges[1]};
    c->ranges = ranges;
    sparsed_desc *d = &c->desc;
    sparsed_select *s = &c->select;
    const struct {
        void *field;
        const char *name;
    } fields[] = {{&d->batch, "batch"},
                  {&d->heads, "heads"},
                  {&d->kv_heads, "kv_heads"},
                  {&d->head_dim, "head_dim"},
                  {&d->score_heads, "score_heads"},
                  {&d->q_len, "q_len"},
                  {&d->kv_len, "kv_len"},
                  {&d->q_start, "q_start"},
                  {&d->scale, "scale"},
                  {&s->flags, "flags"},
                  {&s->block_q, "block_q"},
                  {&s->block_k, "block_k"},
                  {&s->always_first, "always_first"},
                  {&s->gen_len, "gen_len"},
                  {&s->ratio, "ratio"},
                  {&s->score_scale, "score_scale"},
                  {&c->q_digest, "the digest of q"},
                  {&c->k_digest, "the digest of k"},
                  {&c->v_digest, "the digest of v"},
                  {&c->fixed_digest, "the digest of fixed_pattern"},
                  {&ranges[1].key_start, "key_start"},
                  {&ranges[1].keys, "keys"},
                  {&ranges[1].query_start, "query_start"},
                  {&ranges[1].queries, "queries"},
                  {&ranges[1].query_position, "query_position"},
                  {&ranges[1].q_blocks, "q_blocks"},
                  {&ranges[1].k_blocks, "k_blocks"},
                  {&ranges[1].split, "split"},
                  {&c->rankings, "rankings"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert_named(&t, fields[i].field, fields[i].name);
    teardown(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_pair_compare__equal_records),
        cmocka_unit_test(test_case_pair_compare__rounding_passes_and_more_warns),
        cmocka_unit_test(test_case_pair_compare__a_warning_names_place_and_bound),
        cmocka_unit_test(test_case_pair_compare__a_warning_names_the_element_furthest_apart),
        cmocka_unit_test(test_case_pair_out_distance__tells_equal_from_within_the_absolute_bound),
        cmocka_unit_test(test_case_pair_compare__one_wrong_element),
        cmocka_unit_test(test_case_pair_compare__one_wrong_element_of_each_tensor),
        cmocka_unit_test(test_case_pair_compare__one_wrong_row),
        cmocka_unit_test(test_case_pair_compare__a_wrong_block),
        cmocka_unit_test(test_case_pair_compare__a_shifted_block),
        cmocka_unit_test(test_case_pair_compare__few_rows_make_no_shifted_block),
        cmocka_unit_test(test_case_pair_compare__beside_a_large_element),
        cmocka_unit_test(test_case_pair_compare__the_bounds_of_both),
        cmocka_unit_test(test_case_pair_compare__swapped_heads),
        cmocka_unit_test(test_case_pair_compare__a_head_that_holds_another_one),
        cmocka_unit_test(test_case_pair_compare__a_wrong_head),
        cmocka_unit_test(test_case_pair_compare__a_nan),
        cmocka_unit_test(test_case_pair_compare__a_nan_in_both_is_no_difference),
        cmocka_unit_test(test_case_pair_compare__padded_rows),
        cmocka_unit_test(test_case_pair_compare__counts_findings_past_its_room),
        cmocka_unit_test(test_pattern_agreement_measure__a_real_difference),
        cmocka_unit_test(test_pattern_agreement_measure__ties_pass_near_ones_warn),
        cmocka_unit_test(test_pattern_agreement_measure__a_tie_by_either_record),
        cmocka_unit_test(test_pattern_agreement_measure__undecided_without_scores),
        cmocka_unit_test(test_pattern_agreement_measure__swapped_heads),
        cmocka_unit_test(test_pattern_agreement_measure__a_shifted_block),
        cmocka_unit_test(test_pattern_agreement_measure__a_block_that_keeps_anothers),
        cmocka_unit_test(test_pattern_agreement_measure__rounding_makes_no_shifted_block),
        cmocka_unit_test(test_faults_of_pair__say_which_head_block_and_kind),
        cmocka_unit_test(test_case_mismatch__names_what_differs_with_both_values),
        cmocka_unit_test(test_case_mismatch__names_each_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
