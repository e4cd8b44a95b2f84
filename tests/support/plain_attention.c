/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See plain_attention.h. */
#include "support/plain_attention.h"

#include <math.h>
#include <stdlib.h>

#include "cpu/blas/gemm.h"

enum { TILE_ROWS = 64 };

/* One layer's problem. */
typedef struct problem {
    const plain_attention *options;
    const uint8_t *mask; /* [heads][blocks][blocks] or NULL */
    const float *q, *k, *v;
    float *out;
    uint32_t len, blocks;
} problem;

plain_attention plain_attention_for(const dlm_config *config) {
    return (plain_attention){.heads = config->heads,
                             .kv_heads = config->kv_heads,
                             .head_dim = config->head_dim,
                             .block = 1};
}

static bool is_kept(const problem *p, uint32_t head, uint32_t row, uint32_t key) {
    if (!p->mask) {
        return true;
    }
    const uint32_t block = p->options->block;
    return p->mask[((size_t)head * p->blocks + row / block) * p->blocks + key / block];
}

/* Scores to probabilities, in place. */
static void softmax_row(const problem *p, uint32_t head, uint32_t row, float *scores) {
    const float scale = 1.0f / sqrtf((float)p->options->head_dim);
    float maximum = -INFINITY;
    double sum = 0.0;
    for (uint32_t j = 0; j < p->len; j++) {
        scores[j] = is_kept(p, head, row, j) ? scores[j] * scale : -INFINITY;
        maximum = fmaxf(maximum, scores[j]);
    }
    for (uint32_t j = 0; j < p->len; j++) {
        scores[j] = expf(scores[j] - maximum);
        sum += (double)scores[j];
    }
    for (uint32_t j = 0; j < p->len; j++) {
        scores[j] = (float)((double)scores[j] / sum);
    }
}

static bool attend_tile(const problem *p, uint32_t head, uint32_t first) {
    const plain_attention *o = p->options;
    spd_gemm_fn *gemm = spd_gemm_openblas() ? spd_gemm_openblas() : spd_gemm_plain;
    const uint32_t rows = p->len - first < TILE_ROWS ? p->len - first : TILE_ROWS;
    const uint32_t kv_head = head / (o->heads / o->kv_heads);
    const int dim = (int)o->head_dim, len = (int)p->len;
    const int q_stride = (int)o->heads * dim, kv_stride = (int)o->kv_heads * dim;
    const size_t q_offset = (size_t)first * (size_t)q_stride + (size_t)head * o->head_dim;
    float *scores = malloc((size_t)rows * p->len * sizeof *scores);
    if (!scores) {
        return false;
    }
    gemm(false, true, (int)rows, len, dim, p->q + q_offset, q_stride,
         p->k + (size_t)kv_head * o->head_dim, kv_stride, 0.0f, scores, len);
    for (uint32_t r = 0; r < rows; r++) {
        softmax_row(p, head, first + r, scores + (size_t)r * p->len);
    }
    gemm(false, false, (int)rows, dim, len, scores, len, p->v + (size_t)kv_head * o->head_dim,
         kv_stride, 0.0f, p->out + q_offset, q_stride);
    free(scores);
    return true;
}

bool plain_attend(void *user, uint32_t layer, const void *q, const void *k, const void *v,
                  void *out, uint32_t len, tool_error *error) {
    const plain_attention *o = user;
    const uint32_t blocks = (len + o->block - 1) / o->block;
    const size_t layer_mask = (size_t)layer * o->heads * blocks * blocks;
    problem p = {.options = o,
                 .mask = o->mask ? o->mask + layer_mask : NULL,
                 .q = q,
                 .k = k,
                 .v = v,
                 .out = out,
                 .len = len,
                 .blocks = blocks};
    bool ok = true;
#pragma omp parallel for collapse(2) schedule(dynamic) reduction(&& : ok)
    for (uint32_t head = 0; head < o->heads; head++) {
        for (uint32_t first = 0; first < len; first += TILE_ROWS) {
            ok = attend_tile(&p, head, first) && ok;
        }
    }
    return ok || tool_fail(error, "out of memory for the scores of %u tokens", len);
}
