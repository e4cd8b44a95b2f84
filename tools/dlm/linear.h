/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Linear layers, y = x W^T + bias, over many rows: the first product of attention (cpu/level.h)
 * with rows of x for keys and a strip of 32 outputs for query rows. A layer's weights are packed
 * strip by strip, a panel at a time; OpenMP threads then share tiles of rows and outputs of a fixed
 * size, so results do not depend on the number of threads. Sums never lie in memory as a matrix of
 * their own: each tile of them is handed to the function that goes on with it.
 */
#ifndef TOOLS_DLM_LINEAR_H
#define TOOLS_DLM_LINEAR_H

#include "../../cpu/level.h"
#include "../safetensors.h"
#include "elementwise.h"

enum {
    DLM_MAX_LINEARS = 2, /* of one job */
    DLM_MAX_GROUP = 256, /* outputs that finish together, over all layers of a group */
    DLM_ROWS_STEP = 16 /* rows of x are multiplied in whole steps */,
    DLM_CACHE_LINE_BYTES = 64
};

typedef struct dlm_linear {
    uint32_t in, out;
    safetensors_dtype dtype; /* bf16, f16 or f32 */
    const void *weight;      /* [out][in]; any alignment; not owned */
    float *bias;             /* [out] or NULL */
} dlm_linear;

/* What all linear layers of a model share. */
typedef struct dlm_linear_engine {
    const spd_level *floats, *pairs; /* pairs: NULL if bf16 is not multiplied as such */
    const dlm_elementwise *elementwise;
    int threads;
    size_t panel_words;
    uint32_t *panel; /* packed weights */
    float *sums;     /* [threads] tiles */
    void *memory;    /* of both */
} dlm_linear_engine;

/* Sums of rows [row, row + rows) and outputs [output, output + outputs) of a job's layer. Row r is
 * at sums + r * stride; the function may overwrite them. Of layers that finish together the second
 * one's sums begin `next` floats behind. */
typedef struct dlm_sums {
    uint32_t linear, rows, outputs;
    size_t row, output;
    float *sums;
    size_t stride, next;
} dlm_sums;

/* Layers with the same input. */
typedef struct dlm_job {
    const dlm_linear *linear[DLM_MAX_LINEARS];
    uint32_t linears;
    bool together;  /* the same outputs of all of them finish together */
    uint32_t group; /* outputs of a layer that finish together */
    bool pairs;     /* x and all weights are bf16, and are multiplied as such; else x is float */
    void (*finish)(void *user, const dlm_sums *sums); /* on any of the threads */
    void *user;
} dlm_job;

/* pairs may be NULL. widest_in: the largest `in` of the layers to come. False: out of memory. */
bool dlm_linear_engine_init(dlm_linear_engine *engine, const spd_level *floats,
                            const spd_level *pairs, int threads, uint32_t widest_in);
void dlm_linear_engine_free(dlm_linear_engine *engine);

/* How many elements rows of `in` elements of x should be apart: a whole number of cache lines, and
 * not one at which neighbouring rows fall into the same few sets of a cache, which halves
 * the speed. */
static inline size_t dlm_linear_stride(size_t in, size_t element_bytes) {
    const size_t line_bytes = DLM_CACHE_LINE_BYTES, few = 8;
    size_t lines = (in * element_bytes + line_bytes - 1) / line_bytes;
    return (lines % few == 0 ? lines + 1 : lines) * line_bytes / element_bytes;
}

/* Does the job for x[rows][in], whose rows are x_stride elements apart. What lies behind the last
 * row up to a whole DLM_ROWS_STEP is read, whatever it is. */
void dlm_linear_run(dlm_linear_engine *engine, const dlm_job *job, const void *x, size_t x_stride,
                    size_t rows);

/* y[rows][out] = x[rows][in] * weight^T + bias, x as above; with `accumulate`, that is
 * added to y. */
void dlm_linear_apply(dlm_linear_engine *engine, const dlm_linear *linear, bool pairs,
                      const void *x, size_t x_stride, size_t rows, bool accumulate, float *y);

#endif
