/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Every operation of every row of the CPU with tensors that end, or begin, at a page that cannot be
 * touched: nothing outside of them is read or written, and the results are those of
 * plain memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/guarded_memory.h"
#include "support/kernel_check.h"
#include "support/kernel_rows.h"

enum { BUFFERS = 6 };

static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16, SPARSED_BF16};
static const uint32_t dims[] = {64, 128, 40};

/* All small ones, then those around the edges of strips, tiles and two blocks of any size. */
static const uint64_t lengths[] = {
    1,  2,  3,  4,  5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18, 19,
    20, 21, 22, 23, 24,  25,  26,  27,  28,  29,  30,  31,  32,  33,  47,  48,  49,  63, 64,
    65, 95, 96, 97, 127, 128, 129, 144, 145, 159, 160, 161, 191, 192, 193, 255, 256, 257};

enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* ---- a case on guarded memory ---- */

typedef struct moved_case {
    unsigned char *plain[BUFFERS];
    guarded_memory guarded[BUFFERS];
} moved_case;

static void list_buffers(attention_case *c, case_buffer *buffers[BUFFERS],
                         sparsed_buffer *views[BUFFERS]) {
    case_buffer *const all[] = {&c->stored_q, &c->stored_k, &c->stored_v,
                                &c->out,      &c->lse,      &c->scores};
    sparsed_buffer *const in_io[] = {&c->io.q,   &c->io.k,   &c->io.v,
                                     &c->io.out, &c->io.lse, &c->io.scores};
    memcpy(buffers, all, sizeof all);
    memcpy(views, in_io, sizeof in_io);
}

static moved_case move_to_guarded(attention_case *c, bool at_end) {
    moved_case moved = {0};
    case_buffer *buffers[BUFFERS];
    sparsed_buffer *views[BUFFERS];
    list_buffers(c, buffers, views);
    for (int i = 0; i < BUFFERS; i++) {
        if (!buffers[i]->memory)
            continue;
        moved.plain[i] = buffers[i]->memory;
        moved.guarded[i] = guarded_allocate(buffers[i]->size_bytes, at_end);
        memcpy(moved.guarded[i].memory, buffers[i]->memory, buffers[i]->size_bytes);
        views[i]->mem = buffers[i]->memory = moved.guarded[i].memory;
    }
    return moved;
}

static void move_back(attention_case *c, moved_case *moved) {
    case_buffer *buffers[BUFFERS];
    sparsed_buffer *views[BUFFERS];
    list_buffers(c, buffers, views);
    for (int i = 0; i < BUFFERS; i++) {
        guarded_free(&moved->guarded[i]);
        views[i]->mem = buffers[i]->memory = moved->plain[i];
    }
}

/* ---- runs ---- */

enum { MAX_RUNS = 3 };

/* Dense where there is no selection; else dense + build, build, and sparse with its pattern. */
static int run_all(attention_case *c, sparsed_plan *plan, sparsed_kept *kept,
                   attention_result results[MAX_RUNS]) {
    if (!kept) {
        results[0] = case_run(c, plan, SPARSED_DENSE, NULL);
        return 1;
    }
    results[0] = case_run(c, plan, SPARSED_DENSE_BUILD, kept);
    results[1] = case_run(c, plan, SPARSED_BUILD, kept);
    results[2] = case_run(c, plan, SPARSED_SPARSE, kept);
    return 3;
}

/* Some rows run some storage types, dimensions and blocks alone. */
static bool is_taken(const attention_case *c, sparsed_context *context) {
    sparsed_plan *plan;
    sparsed_status status =
        sparsed_plan_create(context, &c->desc, c->select.mode ? &c->select : NULL, &plan);
    sparsed_plan_destroy(plan);
    return status != SPARSED_E_UNSUPPORTED;
}

static unsigned cases; /* checked in a test */

static void check_guarded(attention_case *c, sparsed_context *context, uint64_t seed) {
    if (!is_taken(c, context))
        return;
    cases++;
    attention_result plain[MAX_RUNS], guarded[MAX_RUNS];
    check_errors errors = {0};
    case_prepare(c, seed);
    sparsed_plan *plan = case_plan(c, context);
    sparsed_kept *kept = c->select.mode ? case_kept(plan) : NULL;
    int runs = run_all(c, plan, kept, plain);
    /* A sanitizer guards plain memory too, on both sides. */
    for (int at_end = SMALL_TESTS; at_end < 2; at_end++) {
        moved_case moved = move_to_guarded(c, at_end);
        run_all(c, plan, kept, guarded);
        for (int i = 0; i < runs; i++) {
            check_result(c, at_end ? "before a page" : "behind a page", &guarded[i], &plain[i],
                         check_bounds_of(c->desc.dtype), &errors);
            result_free(&guarded[i]);
        }
        move_back(c, &moved);
    }
    for (int i = 0; i < runs; i++)
        result_free(&plain[i]);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(c);
}

/* Rows `gap` elements apart; 0: packed. */
static void set_strides(sparsed_desc *d, uint64_t gap) {
    const uint64_t row = d->head_dim + gap;
    if (gap == 0)
        return;
    d->q = d->out = (sparsed_strides){d->heads * d->q_len * row, d->q_len * row, row};
    d->k = d->v = (sparsed_strides){d->kv_heads * d->kv_len * row, d->kv_len * row, row};
}

/* Only the CPU backend reads and writes callers' memory with its kernels. */
static kernel_row *cpu_row(void **state) {
    kernel_row *row = usable_row(state);
    if (row->compiles)
        skip();
    cases = 0;
    return row;
}

static void assert_cases(unsigned least) {
    print_message("%u cases\n", cases);
    assert_true(cases >= least);
}

/* ---- tests ---- */

/* Where tests are small, rows that take all types meet each length with another one in each test. */
static bool is_left_out(const kernel_row *row, int type, int number) {
    const uint32_t all = 1u << SPARSED_F32 | 1u << SPARSED_F16 | 1u << SPARSED_BF16;
    return SMALL_TESTS && (row->info.dtypes & all) == all && type != number % 3;
}

static void check_lengths(kernel_row *row, bool selects, uint64_t gap) {
    static const uint32_t blocks[][2] = {{128, 32}, {32, 32}, {128, 128}, {16, 16}, {64, 128}};
    static const uint32_t modes[] = {SPARSED_MODE_UPSTREAM_LLADA, SPARSED_MODE_JOINT};
    unsigned number = 0;
    for (int l = 0; l < LENGTHS; l++)
        for (int type = 0; type < 3; type++, number++) {
            if (is_left_out(row, type, l + selects + (int)gap))
                continue;
            attention_case c = {
                .desc = case_desc(1, 2, 1, dims[(number + number / 9) % 3], lengths[l])};
            c.desc.dtype = dtypes[type];
            set_strides(&c.desc, gap);
            if (selects)
                c.select = case_select(modes[number % 2], blocks[number % 5][0],
                                       blocks[number % 5][1], lengths[l] / 3, 0.4);
            check_guarded(&c, row->context, number);
        }
    assert_cases(LENGTHS / 2);
}

static void test_plan_run__dense_between_guard_pages(void **state) {
    kernel_row *row = cpu_row(state);
    check_lengths(row, false, 0);
}

static void test_plan_run__dense_with_strides_between_guard_pages(void **state) {
    kernel_row *row = cpu_row(state);
    check_lengths(row, false, 5);
}

static void test_plan_run__selections_between_guard_pages(void **state) {
    kernel_row *row = cpu_row(state);
    check_lengths(row, true, 0);
}

static void test_plan_run__selections_with_strides_between_guard_pages(void **state) {
    kernel_row *row = cpu_row(state);
    check_lengths(row, true, 3);
}

static void test_plan_run__few_rows_between_guard_pages(void **state) {
    static const uint64_t q_lens[] = {1, 2, 15, 16, 17, 31, 32, 33};
    static const uint64_t kv_lens[] = {33, 100, 129, 257, 700};
    kernel_row *row = cpu_row(state);
    unsigned number = 0;
    for (size_t q = 0; q < sizeof q_lens / sizeof *q_lens; q++)
        for (size_t k = 0; k < sizeof kv_lens / sizeof *kv_lens; k++, number++) {
            attention_case c = {.desc = case_desc(1, 2, 1, dims[number % 3], kv_lens[k])};
            c.desc.q_len = q_lens[q];
            c.desc.dtype = dtypes[(number + number / 3) % 3];
            set_strides(&c.desc, number % 4 == 3 ? 7 : 0);
            if (number % 2)
                c.select = case_select(SPARSED_MODE_PAPER, 128, 32, 10, 0.4);
            check_guarded(&c, row->context, number);
        }
    assert_cases(8);
}

static void test_plan_run__valid_ranges_between_guard_pages(void **state) {
    static const uint64_t ranges[][2] = {{0, 90}, {41, 150}, {33, 118}, {149, 150}};
    kernel_row *row = cpu_row(state);
    for (unsigned i = 0; i < 12; i++) {
        attention_case c = {.desc = case_desc(1, 2, 1, dims[i % 3], 150), .has_valid = true};
        c.desc.dtype = dtypes[i / 4];
        c.valid_start[0] = ranges[i % 4][0];
        c.valid_end[0] = ranges[i % 4][1];
        if (i % 2)
            c.select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 16, 1, 0.4);
        check_guarded(&c, row->context, i);
    }
    assert_cases(1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_run__dense_between_guard_pages),
        cmocka_unit_test(test_plan_run__dense_with_strides_between_guard_pages),
        cmocka_unit_test(test_plan_run__selections_between_guard_pages),
        cmocka_unit_test(test_plan_run__selections_with_strides_between_guard_pages),
        cmocka_unit_test(test_plan_run__few_rows_between_guard_pages),
        cmocka_unit_test(test_plan_run__valid_ranges_between_guard_pages),
    };
    return run_tests_on_all_rows(tests, sizeof tests / sizeof *tests);
}
