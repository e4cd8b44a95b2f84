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

bool bench_check_need(const sparsed_desc *desc, uint64_t plan_bytes, uint64_t left_bytes,
                      tool_error *error) {
    uint64_t one_bytes, all_bytes, need_bytes;
    if (!tensor_bytes(desc, &one_bytes, &all_bytes) ||
        !spd_add(one_bytes, all_bytes, &need_bytes) ||
        !spd_add(need_bytes, plan_bytes, &need_bytes))
        return tool_fail(error, "%llu rows of %u heads are more than can be counted",
                         (unsigned long long)desc->kv_len, desc->heads);
    if (need_bytes <= left_bytes)
        return true;
    if (plan_bytes == 0)
        return tool_fail(
            error, "it needs %s for q, k, v, out and a copy of one, and %s of memory are left",
            bench_bytes_of((double)need_bytes).text, bench_bytes_of((double)left_bytes).text);
    return tool_fail(
        error,
        "it needs %s for q, k, v, out and a copy of one and %s for scratch memory and kept blocks, "
        "and %s of memory are left",
        bench_bytes_of((double)(need_bytes - plan_bytes)).text,
        bench_bytes_of((double)plan_bytes).text, bench_bytes_of((double)left_bytes).text);
}

uint64_t bench_memory_left(const bench_device *device) {
    if (device->info.kind != SPARSED_DEVICE_GPU || !device->resident)
        return memory_available();
    return device->info.memory_bytes > 0 ? device->info.memory_bytes : UINT64_MAX;
}

uint64_t bench_layer_bytes(const bench_layer *layer) {
    const uint64_t copies = layer->attended == layer->built ? 2 : 3;
    uint64_t kept_bytes, bytes;
    return spd_mul(layer->info.kept_bytes, copies, &kept_bytes) &&
                   spd_add(layer->info.scratch_bytes, kept_bytes, &bytes)
               ? bytes
               : UINT64_MAX;
}
