/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "serve.h"

#include <stdio.h>
#include <string.h>

#include "need.h"
#include "rows.h"

static bool find_pass(const char *name, sparsed_op *op, tool_error *error) {
    for (int i = SPARSED_DENSE; i <= SPARSED_SPARSE; i++)
        if (strcmp(name, bench_pass_name((sparsed_op)i)) == 0) {
            *op = (sparsed_op)i;
            return true;
        }
    return tool_fail(
        error, "a line of standard input is '%s', not dense, dense+build, build or sparse", name);
}

static bool serve_passes(const bench_device *device, const bench_layer *layer,
                         const bench_tensors *tensors, tool_error *error) {
    double ms, density;
    char line[64];
    if (!bench_layer_run(device, layer, tensors, SPARSED_BUILD, &ms, error) ||
        !bench_layer_density(device, layer, &density, error))
        return false;
    printf("ready %s %.6f %llu\n", layer->info.kernel, density,
           (unsigned long long)layer->info.scratch_bytes);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        sparsed_op op = SPARSED_DENSE;
        line[strcspn(line, "\n")] = '\0';
        if (!find_pass(line, &op, error) ||
            !bench_layer_run(device, layer, tensors, op, &ms, error))
            return false;
        printf("%.4f\n", ms);
        fflush(stdout);
    }
    return true;
}

bool bench_serve(const bench_options *options, tool_error *error) {
    const bench_shape *shape = &options->shapes[0];
    const uint64_t length = options->lengths.numbers[0];
    const sparsed_desc desc = bench_desc(shape, options->dtypes[0], length);
    const sparsed_select select = bench_select(options, shape, length, 0);
    bench_device device;
    bench_layer layer = {.plan = NULL};
    bench_tensors tensors = {.size_bytes = 0};
    if (!bench_device_open(&options->device, options->host_tensors, &device, error))
        return false;
    const uint64_t left_bytes = bench_memory_left(&device);
    const uint64_t kept_bytes = bench_layer_bytes(&desc, &select, options->pattern);
    bool done = bench_check_need(&desc, 0, kept_bytes, left_bytes, error) &&
                bench_layer_open(&device, &desc, &select, &layer, error);
    done = done &&
           bench_check_need(&desc, layer.info.scratch_bytes, kept_bytes, left_bytes, error) &&
           bench_layer_keep(&device, &desc, &select, options->pattern, &layer, error);
    if (done && bench_tensors_create(&device, &desc, &tensors, error)) {
        done = serve_passes(&device, &layer, &tensors, error);
        bench_tensors_release(&device, &tensors);
    } else {
        done = false;
    }
    bench_layer_close(&layer);
    bench_device_close(&device);
    return done;
}
