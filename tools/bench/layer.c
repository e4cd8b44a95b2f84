/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "layer.h"

#include <sparsed/pattern.h>

#include <stdint.h>
#include <stdlib.h>

#include "../src/size.h"
#include "random_data.h"
#include "random_pattern.h"

/* ---- tensors ---- */

/* Random from the seed, or zeros if that is 0. */
static bool create_tensor(const bench_device *device, const sparsed_desc *desc, uint32_t heads,
                          uint32_t seed, bench_tensors *tensors, sparsed_buffer *buffer,
                          tool_error *error) {
    const uint64_t element_bytes = desc->dtype == SPARSED_F32 ? 4 : 2;
    uint64_t count, size_bytes;
    if (!spd_mul(desc->kv_len, (uint64_t)heads * desc->head_dim, &count) ||
        !spd_mul(count, element_bytes, &size_bytes) || size_bytes > SIZE_MAX ||
        !spd_add(tensors->size_bytes, size_bytes, &tensors->size_bytes))
        return tool_fail(error, "%llu rows of %u heads are more than this machine can address",
                         (unsigned long long)desc->kv_len, heads);
    void *data = seed ? bench_random((size_t)count, seed, desc->dtype) : NULL;
    if (seed && !data)
        return tool_fail(error, "no memory for a tensor of %llu bytes",
                         (unsigned long long)size_bytes);
    buffer->mem = bench_device_tensor(device, data, (size_t)size_bytes, error);
    free(data);
    return buffer->mem != NULL;
}

bool bench_tensors_create(const bench_device *device, const sparsed_desc *desc,
                          bench_tensors *tensors, tool_error *error) {
    *tensors = (bench_tensors){.io = {.struct_size = sizeof tensors->io}};
    const bool done =
        create_tensor(device, desc, desc->heads, 1, tensors, &tensors->io.q, error) &&
        create_tensor(device, desc, desc->kv_heads, 2, tensors, &tensors->io.k, error) &&
        create_tensor(device, desc, desc->kv_heads, 3, tensors, &tensors->io.v, error) &&
        create_tensor(device, desc, desc->heads, 0, tensors, &tensors->io.out, error);
    if (!done)
        bench_tensors_release(device, tensors);
    return done;
}

void bench_tensors_release(const bench_device *device, bench_tensors *tensors) {
    bench_device_release(device, tensors->io.q.mem);
    bench_device_release(device, tensors->io.k.mem);
    bench_device_release(device, tensors->io.v.mem);
    bench_device_release(device, tensors->io.out.mem);
    *tensors = (bench_tensors){.size_bytes = 0};
}

/* ---- layers ---- */

static bool set_random_pattern(const bench_device *device, const sparsed_desc *desc,
                               const sparsed_select *select, bench_pattern pattern,
                               bench_layer *layer, tool_error *error) {
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = desc->heads,
                                       .block_q = select->block_q,
                                       .block_k = select->block_k,
                                       .q_len = desc->q_len,
                                       .kv_len = desc->kv_len};
    sparsed_message message;
    sparsed_pattern *random =
        random_pattern(&info, select->ratio, pattern == BENCH_SHARED ? 128 : 0, &message);
    if (!random)
        return tool_fail(error, "%s", message.text);
    const bool done =
        device_check(device->context, sparsed_kept_create(layer->plan, &layer->attended), error) &&
        device_check(device->context, sparsed_kept_set(layer->attended, random), error);
    sparsed_pattern_release(random);
    return done;
}

bool bench_layer_open(const bench_device *device, const sparsed_desc *desc,
                      const sparsed_select *select, bench_layer *layer, tool_error *error) {
    sparsed_context *context = device->context;
    *layer = (bench_layer){.info = {.struct_size = sizeof layer->info}};
    const bool done =
        device_check(context, sparsed_plan_create(context, desc, select, &layer->plan), error) &&
        device_check(context, sparsed_plan_describe(layer->plan, &layer->info), error);
    if (!done)
        bench_layer_close(layer);
    return done;
}

bool bench_layer_keep(const bench_device *device, const sparsed_desc *desc,
                      const sparsed_select *select, bench_pattern pattern, bench_layer *layer,
                      tool_error *error) {
    if (!device_check(device->context, sparsed_kept_create(layer->plan, &layer->built), error))
        return false;
    if (pattern != BENCH_BUILT)
        return set_random_pattern(device, desc, select, pattern, layer, error);
    layer->attended = layer->built;
    return true;
}

void bench_layer_close(bench_layer *layer) {
    if (layer->attended != layer->built)
        sparsed_kept_destroy(layer->attended);
    sparsed_kept_destroy(layer->built);
    sparsed_plan_destroy(layer->plan);
    *layer = (bench_layer){.plan = NULL};
}

bool bench_layer_run(const bench_device *device, const bench_layer *layer,
                     const bench_tensors *tensors, sparsed_op op, double *ms, tool_error *error) {
    sparsed_kept *kept = op == SPARSED_DENSE    ? NULL
                         : op == SPARSED_SPARSE ? layer->attended
                                                : layer->built;
    return bench_device_run(device, layer->plan, op, &tensors->io, kept, ms, error);
}

bool bench_layer_density(const bench_device *device, const bench_layer *layer, double *density,
                         tool_error *error) {
    sparsed_pattern *pattern;
    if (!device_check(device->context, sparsed_kept_get(layer->attended, &pattern), error))
        return false;
    *density = sparsed_pattern_density(pattern, UINT32_MAX);
    sparsed_pattern_release(pattern);
    return true;
}
