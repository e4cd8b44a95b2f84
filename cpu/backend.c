/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The CPU backend's table: host memory, synchronous launches, one row per level. */
#include "../src/backend.h"
#include "../src/alloc.h"
#include "../src/error.h"
#include "cpu_info.h"
#include "kernel.h"
#include "levels.h"

#include <omp.h>
#include <string.h>

static const spd_kernel_row rows[SPD_LEVELS] = {
#if defined(SPD_X86_LEVELS)
    [SPD_LEVEL_AMX] = {"cpu-amx", "products of bf16 on AMX tiles", 1 << SPARSED_BF16, {0, 0}},
    [SPD_LEVEL_AVX512_BF16] = {"cpu-avx512-bf16",
                               "products of bf16 with AVX-512",
                               1 << SPARSED_BF16,
                               {0, 0}},
    [SPD_LEVEL_AVX512] = {"cpu-avx512", "products of floats with AVX-512", SPD_ALL_DTYPES, {0, 0}},
    [SPD_LEVEL_AVX2] = {"cpu-avx2", "products of floats with AVX2", SPD_ALL_DTYPES, {0, 0}},
#elif defined(SPD_ARM_LEVELS)
    [SPD_LEVEL_NEON] = {"cpu-neon", "products of floats with NEON", SPD_ALL_DTYPES, {0, 0}},
#endif
    [SPD_LEVEL_BLAS] = {"cpu-blas", "products of floats by OpenBLAS", SPD_ALL_DTYPES, {0, 0}},
    [SPD_LEVEL_PLAIN] = {"cpu-plain", "products of floats in plain C", SPD_ALL_DTYPES, {0, 0}},
};

static bool device(size_t index, sparsed_device_info *info) {
    if (index > 0)
        return false;
    spd_cpu_describe(info);
    return true;
}

static sparsed_status open_cpu(size_t index, uint32_t threads, const sparsed_allocator *allocator,
                               void **state, sparsed_message *message) {
    (void)index;
    spd_cpu_state *s = spd_allocate(allocator, 1, sizeof *s);
    *state = s;
    if (!s)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a context");
    s->allocator = *allocator;
    s->threads = threads ? threads : (uint32_t)omp_get_max_threads();
    return SPARSED_OK;
}

static void close_cpu(void *state) {
    spd_cpu_state *s = state;
    sparsed_allocator allocator = s->allocator;
    spd_release(&allocator, s);
}

static uint32_t threads_of(const void *state) {
    return ((const spd_cpu_state *)state)->threads;
}

static sparsed_status accept(void *state, size_t row, const spd_problem *problem,
                             sparsed_message *message) {
    char why_not[160];
    (void)state;
    (void)problem;
    if (!spd_level_row_runs(row, why_not, sizeof why_not))
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "%s", why_not);
    return SPARSED_OK;
}

static void discard(void *state, void *kernel) {
    const spd_cpu_state *s = state;
    spd_cpu_scratch_destroy(kernel);
    spd_release(&s->allocator, kernel);
}

static sparsed_status prepare(void *state, size_t row, const spd_problem *problem, void **kernel,
                              uint64_t *scratch_bytes, sparsed_message *message) {
    const spd_cpu_state *s = state;
    spd_cpu_kernel *k = spd_allocate(&s->allocator, 1, sizeof *k);
    *kernel = NULL;
    if (!k)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a plan");
    k->state = s;
    k->level = spd_level_rows[row].level;
    sparsed_status status = spd_cpu_scratch_create(k, problem, scratch_bytes, message);
    if (status != SPARSED_OK) {
        discard(state, k);
        return status;
    }
    *kernel = k;
    return SPARSED_OK;
}

static sparsed_status enqueue(void *state, void *kernel, const spd_launch *launch,
                              sparsed_message *message) {
    (void)state;
    (void)message;
    spd_cpu_attend(kernel, launch);
    return SPARSED_OK;
}

/* Launches are done when enqueue returns, and a processor is never lost. */
static sparsed_status always_ready(void *state, sparsed_message *message) {
    (void)state;
    (void)message;
    return SPARSED_OK;
}

static void *allocate(void *state, uint64_t size_bytes) {
    return spd_allocate(&((const spd_cpu_state *)state)->allocator, size_bytes, 1);
}

static void release(void *state, void *memory) {
    spd_release(&((const spd_cpu_state *)state)->allocator, memory);
}

static sparsed_status copy(void *state, void *to, const void *from, uint64_t size_bytes,
                           sparsed_message *message) {
    (void)state;
    (void)message;
    memcpy(to, from, size_bytes);
    return SPARSED_OK;
}

const spd_backend spd_cpu_backend = {
    .name = "cpu",
    .device = device,
    .open = open_cpu,
    .close = close_cpu,
    .threads = threads_of,
    .rows = rows,
    .row_count = SPD_LEVELS,
    .accept = accept,
    .prepare = prepare,
    .discard = discard,
    .enqueue = enqueue,
    .wait = always_ready,
    .health = always_ready,
    .allocate = allocate,
    .release = release,
    .upload = copy,
    .download = copy,
};
