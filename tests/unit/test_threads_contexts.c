/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Contexts on all rows of the CPU at once, each in a thread of its own and with threads of its own:
 * what each computes is what it computes alone. */
#include <omp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/attention_case.h"

enum { MAX_ROWS = 16, ROUNDS = 3, RUNS = 3 };

static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_BF16, SPARSED_F16};

/* One thread's problem; the thread only calls the library, and the test looks at what it left. */
typedef struct worker {
    pthread_t thread;
    const sparsed_kernel_info *row;
    uint32_t threads;
    attention_case c;
    unsigned char *expected[RUNS]; /* of out, alone */
    sparsed_status status;
    bool same;
} worker;

static sparsed_context *open_kernel(const char *kernel, uint32_t threads) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context = NULL;
    options.device = "cpu";
    options.kernel = kernel;
    options.threads = threads;
    sparsed_context_create(&options, &context, NULL);
    return context;
}

/* The rows that this machine runs. */
static size_t list_usable(sparsed_kernel_info rows[MAX_ROWS]) {
    size_t count = MAX_ROWS, usable = 0;
    sparsed_context *context = open_kernel(NULL, 1);
    assert_non_null(context);
    for (size_t i = 0; i < MAX_ROWS; i++)
        rows[i] = (sparsed_kernel_info){.struct_size = sizeof rows[i]};
    assert_int_equal(sparsed_kernel_list(context, rows, &count), SPARSED_OK);
    assert_true(count <= MAX_ROWS);
    sparsed_context_destroy(context);
    for (size_t i = 0; i < count; i++)
        if (rows[i].usable)
            rows[usable++] = rows[i];
    return usable;
}

/* Dense, dense + build, sparse in turn, each with what out holds after it. */
static sparsed_status run_all(worker *w, sparsed_plan *plan, sparsed_kept *kept, bool records) {
    static const sparsed_op ops[RUNS] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_SPARSE};
    case_buffer *out = &w->c.out;
    for (int i = 0; i < RUNS; i++) {
        memset(out->memory, 0, out->size_bytes);
        sparsed_status status =
            sparsed_plan_run(plan, ops[i], &w->c.io, ops[i] == SPARSED_DENSE ? NULL : kept);
        if (status != SPARSED_OK)
            return status;
        if (records)
            memcpy(w->expected[i], out->memory, out->size_bytes);
        else
            w->same = w->same && memcmp(w->expected[i], out->memory, out->size_bytes) == 0;
    }
    return SPARSED_OK;
}

static sparsed_status use_context(worker *w, uint32_t threads, bool records) {
    sparsed_plan *plan = NULL;
    sparsed_kept *kept = NULL;
    sparsed_context *context = open_kernel(w->row->name, threads);
    if (!context)
        return SPARSED_E_NO_DEVICE;
    sparsed_status status = sparsed_plan_create(context, &w->c.desc, &w->c.select, &plan);
    if (status == SPARSED_OK)
        status = sparsed_kept_create(plan, &kept);
    for (int i = 0; i < (records ? 1 : ROUNDS) && status == SPARSED_OK; i++)
        status = run_all(w, plan, kept, records);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    return status;
}

static void *work(void *argument) {
    worker *w = argument;
    w->same = true;
    w->status = use_context(w, w->threads, false);
    return NULL;
}

/* One that the row takes; the next ones in turn. */
static uint32_t dtype_of(const sparsed_kernel_info *row, unsigned number) {
    while (!(row->dtypes >> dtypes[number % 3] & 1))
        number++;
    return dtypes[number % 3];
}

static void prepare(worker *w, const sparsed_kernel_info *row, unsigned number) {
    *w = (worker){.row = row,
                  .threads = 1 + number % 3,
                  .c = {.desc = case_desc(1, 3, 1, number % 2 ? 64 : 128, 300),
                        .select = case_select(SPARSED_MODE_UPSTREAM_LLADA, 128, 32, 70, 0.3)}};
    w->c.desc.dtype = dtype_of(row, number);
    case_prepare(&w->c, number);
    for (int i = 0; i < RUNS; i++) {
        w->expected[i] = test_malloc(w->c.out.size_bytes);
        assert_non_null(w->expected[i]);
    }
    assert_int_equal(use_context(w, 1, true), SPARSED_OK);
}

static void finish(worker *w) {
    if (w->status != SPARSED_OK || !w->same)
        fail_msg("%s, %u threads, dtype %u: status %d, bits %s", w->row->name, w->threads,
                 w->c.desc.dtype, (int)w->status, w->same ? "the same" : "others than alone");
    for (int i = 0; i < RUNS; i++)
        test_free(w->expected[i]);
    case_free(&w->c);
}

static void run_at_once(worker *workers, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (size_t i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < count; i++)
        finish(&workers[i]);
}

static void test_contexts__all_rows_at_once(void **state) {
    (void)state;
    sparsed_kernel_info rows[MAX_ROWS];
    worker workers[MAX_ROWS];
    size_t count = list_usable(rows);
    for (unsigned shift = 0; shift < 3; shift++) {
        for (size_t i = 0; i < count; i++)
            prepare(&workers[i], &rows[i], (unsigned)i + shift);
        run_at_once(workers, count);
    }
    print_message("%zu rows at once\n", count);
}

static void test_contexts__one_row_several_times(void **state) {
    (void)state;
    sparsed_kernel_info rows[MAX_ROWS];
    worker workers[4];
    size_t count = list_usable(rows);
    for (size_t r = 0; r < count; r++) {
        for (unsigned i = 0; i < 4; i++)
            prepare(&workers[i], &rows[r], i);
        run_at_once(workers, 4);
    }
}

/* An application's own settings of OpenMP, and calls from inside its parallel regions: with fewer
 * threads than asked for, or with one, the bits are the same. */
static void test_contexts__whatever_openmp_is_told(void **state) {
    (void)state;
    sparsed_kernel_info rows[MAX_ROWS];
    const size_t count = list_usable(rows);
    const int levels = omp_get_max_active_levels(), dynamic = omp_get_dynamic();
    for (size_t i = 0; i < count; i++)
        for (unsigned setting = 0; setting < 3; setting++) {
            worker w;
            prepare(&w, &rows[i], setting + 1); /* for 2, 3 and 1 threads */
            omp_set_dynamic(setting == 1);
            omp_set_max_active_levels(setting == 2 ? 2 : 1);
#pragma omp parallel num_threads(2)
            {
#pragma omp single
                work(&w);
            }
            omp_set_dynamic(dynamic);
            omp_set_max_active_levels(levels);
            finish(&w);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contexts__all_rows_at_once),
        cmocka_unit_test(test_contexts__whatever_openmp_is_told),
        cmocka_unit_test(test_contexts__one_row_several_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
