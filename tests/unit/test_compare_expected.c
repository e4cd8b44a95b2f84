/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* compare/expected.c: single rows and query blocks are those of the oracle's whole head. */
#include "compare/expected.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/oracle.h"
#include "src/select.h"

/* One case of the suite, and the oracle's results of every head of it. */
typedef struct whole {
    case_input in;
    double *out, *lse, *scores, *generation;
} whole;

static void *room(uint64_t count, size_t size) {
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

static void find_whole(const uint8_t *mask, whole *w) {
    const spd_problem *p = &w->in.problem;
    uint64_t rows = p->desc.q_len, dim = p->desc.head_dim, blocks = p->q_blocks * p->k_blocks;
    uint64_t heads = case_input_heads(&w->in);
    double *row_scores = room(p->desc.kv_len, sizeof *row_scores);
    uint64_t *bits = room(p->q_blocks * p->row_words, sizeof *bits);
    w->out = room(heads * rows * dim, sizeof(double));
    w->lse = room(heads * rows, sizeof(double));
    w->scores = room(heads * blocks, sizeof(double));
    w->generation = room(heads * blocks, sizeof(double));
    for (uint64_t h = 0; h < heads; h++) {
        uint32_t batch = (uint32_t)(h / p->desc.heads);
        for (uint64_t i = 0; i < p->q_blocks * p->row_words; i++)
            bits[i] = 0;
        for (uint64_t i = 0; mask && i < blocks; i++)
            if (mask[h * blocks + i])
                spd_bit_set(bits + i / p->k_blocks * p->row_words, i % p->k_blocks);
        const spd_oracle_head head = {w->out + h * rows * dim, w->lse + h * rows,
                                      w->scores + h * blocks, w->generation + h * blocks};
        spd_oracle_attend(p, &w->in.extents[batch], batch, (uint32_t)h % p->desc.heads, w->in.q,
                          w->in.k, w->in.v, mask ? bits : NULL, row_scores, &head);
    }
    free(row_scores);
    free(bits);
}

static void free_whole(whole *w) {
    free(w->out);
    free(w->lse);
    free(w->scores);
    free(w->generation);
}

/* The first case of a kind, and rows of it that lie in several query blocks. */
static void make(generator_kind kind, whole *w) {
    tool_error error;
    size_t i = 0;
    while (suite_at(i)->kind != kind)
        i++;
    if (!case_input_generate(suite_at(i), SUITE_SEED, &w->in, &error))
        fail_msg("%s", error.text);
}

static void check_rows(whole *w, const uint8_t *mask) {
    const uint64_t rows[] = {0, 1, 13, 31, 32, 71, 100, w->in.problem.desc.q_len - 1};
    enum { COUNT = sizeof rows / sizeof *rows };
    uint64_t heads = case_input_heads(&w->in), dim = w->in.problem.desc.head_dim;
    double *out = room(heads * COUNT * dim, sizeof *out), *lse = room(heads * COUNT, sizeof *lse);
    tool_error error;
    find_whole(mask, w);
    assert_true(expected_rows(&w->in, mask, rows, COUNT, out, lse, &error));
    for (uint64_t i = 0; i < heads * COUNT; i++) {
        uint64_t row = i / COUNT * w->in.problem.desc.q_len + rows[i % COUNT];
        assert_memory_equal(out + i * dim, w->out + row * dim, dim * sizeof *out);
        assert_memory_equal(lse + i, w->lse + row, sizeof *lse);
    }
    free(out);
    free(lse);
    free_whole(w);
}

static void test_expected_rows__are_the_oracles(void **state) {
    (void)state;
    const generator_kind kinds[] = {GENERATOR_NORMAL, GENERATOR_PADDED};
    for (int i = 0; i < 2; i++) {
        whole w;
        make(kinds[i], &w);
        check_rows(&w, NULL);
        check_rows(&w, w.in.fixed);
        case_input_free(&w.in);
    }
}

static void test_expected_scores__are_the_oracles(void **state) {
    (void)state;
    const generator_kind kinds[] = {GENERATOR_NORMAL, GENERATOR_PADDED};
    for (int i = 0; i < 2; i++) {
        whole w;
        make(kinds[i], &w);
        const spd_problem *p = &w.in.problem;
        const uint64_t blocks[2] = {1, p->q_blocks - 1};
        uint64_t n = case_input_heads(&w.in) * 2;
        double *scores = room(2 * n * p->k_blocks, sizeof *scores);
        tool_error error;
        find_whole(NULL, &w);
        assert_true(expected_scores(&w.in, blocks, 2, scores, &error));
        for (uint64_t j = 0; j < n; j++) {
            uint64_t row = (j / 2 * p->q_blocks + blocks[j % 2]) * p->k_blocks;
            assert_memory_equal(scores + j * p->k_blocks, w.scores + row,
                                p->k_blocks * sizeof *scores);
            assert_memory_equal(scores + (n + j) * p->k_blocks, w.generation + row,
                                p->k_blocks * sizeof *scores);
        }
        free(scores);
        free_whole(&w);
        case_input_free(&w.in);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected_rows__are_the_oracles),
        cmocka_unit_test(test_expected_scores__are_the_oracles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
