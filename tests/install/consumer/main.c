/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A program that uses the installed library as an application would: a pipeline over two layers,
 * dense until the pattern is taken, sparse after it. Every output is compared with attention
 * written out in double precision over the keys that the pattern keeps. Exit code 0: all agree.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <sparsed/pattern.h>
#include <sparsed/sparsed.h>

enum {
    STEPS = 4,
    LAYERS = 2,
    HEADS = 4,
    KV_HEADS = 2,
    LEN = 200,
    DIM = 64,
    BLOCK = 32,
    BLOCKS = (LEN + BLOCK - 1) / BLOCK
};

static float q[HEADS * LEN * DIM], k[KV_HEADS * LEN * DIM], v[KV_HEADS * LEN * DIM];
static float out[HEADS * LEN * DIM];
static uint8_t mask[HEADS * BLOCKS * BLOCKS];

static void fill(float *values, size_t count, uint32_t seed) {
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)(seed >> 8) * 0x1p-22f - 2.0f;
    }
}

/* One output row over the keys of the blocks that `kept` marks, or over all keys without it. */
static void attend_row(size_t head, size_t row, const uint8_t *kept, double *result) {
    const float *query = q + (head * LEN + row) * DIM;
    const float *keys = k + head / (HEADS / KV_HEADS) * LEN * DIM;
    const float *values = v + head / (HEADS / KV_HEADS) * LEN * DIM;
    double logits[LEN], largest = -INFINITY, sum = 0.0;
    for (size_t j = 0; j < LEN; j++) {
        double dot = 0.0;
        for (size_t d = 0; d < DIM; d++)
            dot += (double)query[d] * keys[j * DIM + d];
        logits[j] = !kept || kept[j / BLOCK] ? dot / sqrt(DIM) : -INFINITY;
        largest = fmax(largest, logits[j]);
    }
    for (size_t d = 0; d < DIM; d++)
        result[d] = 0.0;
    for (size_t j = 0; j < LEN; j++) {
        double p = exp(logits[j] - largest);
        sum += p;
        for (size_t d = 0; d < DIM; d++)
            result[d] += p * values[j * DIM + d];
    }
    for (size_t d = 0; d < DIM; d++)
        result[d] /= sum;
}

/* Norm of the difference of `out` and the double-precision result, over the latter's norm. */
static double error_of_out(const uint8_t *kept) {
    double difference = 0.0, norm = 0.0, expected[DIM];
    for (size_t head = 0; head < HEADS; head++)
        for (size_t row = 0; row < LEN; row++) {
            size_t block_row = (head * BLOCKS + row / BLOCK) * BLOCKS;
            attend_row(head, row, kept ? kept + block_row : NULL, expected);
            for (size_t d = 0; d < DIM; d++) {
                double e = out[(head * LEN + row) * DIM + d] - expected[d];
                difference += e * e;
                norm += expected[d] * expected[d];
            }
        }
    return sqrt(difference / norm);
}

static void need(sparsed_status status, const char *what, const char *text) {
    if (status == SPARSED_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, sparsed_status_string(status), text);
    exit(1);
}

static sparsed_pipeline *new_pipeline(sparsed_context *context) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    desc.dtype = SPARSED_F32;
    desc.batch = 1;
    desc.heads = HEADS;
    desc.kv_heads = KV_HEADS;
    desc.head_dim = DIM;
    desc.q_len = desc.kv_len = LEN;
    sparsed_select select = SPARSED_SELECT_INIT;
    select.gen_len = 64;
    sparsed_schedule_entry entries[STEPS];
    sparsed_message message;
    need(sparsed_schedule_preset("upstream", 0.25, entries, STEPS, &message), "schedule",
         message.text);
    sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = STEPS, .entries = entries};
    sparsed_pipeline *pipeline;
    need(sparsed_pipeline_create(context, &desc, &select, &schedule, LAYERS, &pipeline), "pipeline",
         sparsed_context_error(context));
    return pipeline;
}

/* One layer in one step, on inputs of its own. Returns whether the output is right. */
static int check_step(sparsed_context *context, sparsed_pipeline *pipeline, uint32_t step,
                      uint32_t layer) {
    static const char *const names[] = {"dense", "dense + build", "build", "sparse"};
    sparsed_io io = {.struct_size = sizeof io, .q = {q, 0}, .k = {k, 0}, .v = {v, 0}};
    sparsed_op op;
    io.out.mem = out;
    fill(q, sizeof q / sizeof *q, 3u * (step * LAYERS + layer));
    fill(k, sizeof k / sizeof *k, 3u * (step * LAYERS + layer) + 1u);
    fill(v, sizeof v / sizeof *v, 3u * (step * LAYERS + layer) + 2u);
    need(sparsed_pipeline_attend(pipeline, step, layer, &io), "attend",
         sparsed_context_error(context));
    need(sparsed_pipeline_op(pipeline, step, &op), "op", sparsed_context_error(context));
    double density = 1.0;
    if (op == SPARSED_SPARSE) {
        sparsed_pattern *pattern;
        need(sparsed_pipeline_get_pattern(pipeline, layer, &pattern), "pattern",
             sparsed_context_error(context));
        need(sparsed_pattern_to_mask(pattern, mask), "mask", "");
        density = sparsed_pattern_density(pattern, UINT32_MAX);
        sparsed_pattern_release(pattern);
    }
    double error = error_of_out(op == SPARSED_SPARSE ? mask : NULL);
    printf("step %u, layer %u: %-13s density %.2f, error %.1e\n", step, layer, names[op], density,
           error);
    return error < 2e-6 && (op == SPARSED_SPARSE) == (step == STEPS - 1) &&
           (density < 0.9) == (op == SPARSED_SPARSE);
}

int main(void) {
    uint32_t version =
        SPARSED_VERSION_MAJOR << 16 | SPARSED_VERSION_MINOR << 8 | SPARSED_VERSION_PATCH;
    if (sparsed_version() != version) {
        fprintf(stderr, "library %06x, headers %06x\n", sparsed_version(), version);
        return 1;
    }
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    options.device = "cpu";
    need(sparsed_context_create(&options, &context, &message), "context", message.text);
    sparsed_pipeline *pipeline = new_pipeline(context);
    int right = 1;
    for (uint32_t step = 0; step < STEPS; step++)
        for (uint32_t layer = 0; layer < LAYERS; layer++)
            right &= check_step(context, pipeline, step, layer);
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(context);
    if (!right)
        fprintf(stderr, "an output is wrong\n");
    return !right;
}
