/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "need.h"

#include "../src/size.h"
#include "memory.h"
#include "report.h"

/* Of q or out, and of q, k, v and out together. false: more than can be counted. */
static bool tensor_bytes(const sparsed_desc *desc, uint64_t *one_bytes, uint64_t *all_bytes) {
    const uint64_t element_bytes = desc->dtype == SPARSED_F32 ? 4 : 2;
    uint64_t row;
    return spd_mul(desc->head_dim, element_bytes, &row) && spd_mul(row, desc->kv_len, &row) &&
           spd_mul(row, desc->heads, one_bytes) &&
           spd_mul(row, 2 * ((uint64_t)desc->heads + desc->kv_heads), all_bytes);
}

bool bench_check_need(const sparsed_desc *desc, uint64_t scratch_bytes, uint64_t kept_bytes,
                      uint64_t left_bytes, tool_error *error) {
    const uint64_t plan_bytes = bench_add_bytes(scratch_bytes, kept_bytes);
    uint64_t one_bytes, all_bytes, need_bytes;
    bench_number need, left;
    if (!tensor_bytes(desc, &one_bytes, &all_bytes) || !spd_add(one_bytes, all_bytes, &all_bytes) ||
        !spd_add(all_bytes, plan_bytes, &need_bytes))
        return tool_fail(error, "%llu rows of %u heads are more than can be counted",
                         (unsigned long long)desc->kv_len, desc->heads);
    if (need_bytes <= left_bytes)
        return true;
    bench_bytes_apart((double)need_bytes, (double)left_bytes, &need, &left);
    if (plan_bytes == 0)
        return tool_fail(
            error, "it needs %s for q, k, v, out and a copy of one, and %s of memory are left",
            need.text, left.text);
    return tool_fail(error,
                     "it needs %s (%s for q, k, v, out and a copy of one, %s for %skept blocks), "
                     "and %s of memory are left",
                     need.text, bench_bytes_of((double)all_bytes).text,
                     bench_bytes_of((double)plan_bytes).text,
                     scratch_bytes > 0 ? "scratch memory and " : "", left.text);
}

uint64_t bench_memory_left(const bench_device *device) {
    if (device->info.kind != SPARSED_DEVICE_GPU || !device->resident)
        return memory_available();
    return device->info.memory_bytes > 0 ? device->info.memory_bytes : UINT64_MAX;
}

uint64_t bench_add_bytes(uint64_t a, uint64_t b) {
    uint64_t sum;
    return spd_add(a, b, &sum) ? sum : UINT64_MAX;
}

/* A bit a block, each row of them in whole words. */
uint64_t bench_kept_bytes(const sparsed_desc *desc, const sparsed_select *select) {
    const uint64_t rows = spd_ceil_div(desc->q_len, select->block_q);
    const uint64_t words = spd_ceil_div(spd_ceil_div(desc->kv_len, select->block_k), 64);
    uint64_t bytes;
    return spd_mul(rows, words * sizeof(uint64_t), &bytes) &&
                   spd_mul(bytes, (uint64_t)desc->batch * desc->heads, &bytes)
               ? bytes
               : UINT64_MAX;
}

uint64_t bench_layer_bytes(const sparsed_desc *desc, const sparsed_select *select,
                           bench_pattern pattern) {
    uint64_t bytes;
    return spd_mul(bench_kept_bytes(desc, select), pattern == BENCH_BUILT ? 2 : 3, &bytes)
               ? bytes
               : UINT64_MAX;
}
