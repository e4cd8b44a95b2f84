/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The CPU backend's table: host memory, synchronous launches, one row per way to multiply matrices.
 */
#include "../src/backend.h"
#include "../src/alloc.h"
#include "../src/error.h"
#include "blas/gemm.h"
#include "cpu_info.h"
#include "kernel.h"

#include <omp.h>
#include <string.h>

enum { ROW_AMX, ROW_AVX512_BF16, ROW_AVX512, ROW_AVX2, ROW_BLAS, ROW_PLAIN, ROWS };

static const spd_kernel_row rows[ROWS] = {
    [ROW_AMX] = {"cpu-amx", "bf16 products on AMX tiles"},
    [ROW_AVX512_BF16] = {"cpu-avx512-bf16", "bf16 products by AVX-512's dot products"},
    [ROW_AVX512] = {"cpu-avx512", "products in float with AVX-512"},
    [ROW_AVX2] = {"cpu-avx2", "products in float with AVX2"},
    [ROW_BLAS] = {"cpu-blas", "products in float by OpenBLAS"},
    [ROW_PLAIN] = {"cpu-plain", "products in float in plain C"},
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

static const spd_level *const levels[ROWS] = {
#if defined(SPD_X86_LEVELS)
    [ROW_AMX] = &spd_level_amx,       [ROW_AVX512_BF16] = &spd_level_avx512_bf16,
    [ROW_AVX512] = &spd_level_avx512, [ROW_AVX2] = &spd_level_avx2,
#endif
    [ROW_BLAS] = &spd_level_blas,     [ROW_PLAIN] = &spd_level_plain,
};

static sparsed_status accept(void *state, size_t row, const spd_problem *problem,
                             sparsed_message *message) {
    (void)state;
    if (row == ROW_AMX || !levels[row])
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "this processor does not have it");
    if (row == ROW_BLAS && !spd_gemm_openblas())
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "libopenblas.so.0 was not found");
    if (problem && levels[row]->pairs && problem->desc.dtype != SPARSED_BF16)
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "it is for bf16");
    if (problem && row == ROW_AMX && (problem->desc.head_dim % 32 != 0 || (problem->has_select && problem->select.block_k < 32)))
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "AMX");
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
    k->level = levels[row];
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
    .row_count = ROWS,
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
