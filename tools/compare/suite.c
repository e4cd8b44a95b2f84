/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/suite.h"

#include <inttypes.h>
#include <stdio.h>

#include "storage_convert.h"

/* On a GPU each of these compiles for seconds: cases vary lengths and data rather than shapes. */
typedef enum shape_index {
    F32_D64_32X32,
    F32_D64_16X64,
    F32_D128_128X32,
    F16_D64_32X32,
    F16_D128_128X128,
    BF16_D64_64X64,
    BF16_D128_32X32,
    BF16_D128_128X32,
    SHAPES
} shape_index;

static const suite_shape shapes[SHAPES] = {
    [F32_D64_32X32] = {SPARSED_F32, 64, 32, 32, SPARSED_MODE_UPSTREAM_DREAM, SPARSED_REDUCE_SUM},
    [F32_D64_16X64] = {SPARSED_F32, 64, 16, 64, SPARSED_MODE_JOINT, SPARSED_REDUCE_MAX},
    [F32_D128_128X32] = {SPARSED_F32, 128, 128, 32, SPARSED_MODE_PAPER, SPARSED_REDUCE_SUM},
    [F16_D64_32X32] = {SPARSED_F16, 64, 32, 32, SPARSED_MODE_UPSTREAM_DREAM, SPARSED_REDUCE_SUM},
    [F16_D128_128X128] = {SPARSED_F16, 128, 128, 128, SPARSED_MODE_UPSTREAM_LLADA,
                          SPARSED_REDUCE_SUM},
    [BF16_D64_64X64] = {SPARSED_BF16, 64, 64, 64, SPARSED_MODE_PAPER, SPARSED_REDUCE_MAX},
    [BF16_D128_32X32] = {SPARSED_BF16, 128, 32, 32, SPARSED_MODE_UPSTREAM_DREAM,
                         SPARSED_REDUCE_SUM},
    [BF16_D128_128X32] = {SPARSED_BF16, 128, 128, 32, SPARSED_MODE_UPSTREAM_DREAM,
                          SPARSED_REDUCE_SUM},
};

/* Two lines a case: what it is, and {low, high} of its digest. */
/* clang-format off */
static const suite_case cases[] = {
    {&shapes[F32_D64_32X32], GENERATOR_NORMAL, 1, 1, 4, 2, 200, 200, 70, 5, true,
     {0x0, 0x0}},
    {&shapes[F32_D64_32X32], GENERATOR_LARGE, 2, 1, 2, 1, 200, 200, 64, 5, true,
     {0x0, 0x0}},
    {&shapes[F32_D64_32X32], GENERATOR_TINY, 3, 1, 2, 1, 231, 231, 70, 5, false,
     {0x0, 0x0}},
    {&shapes[F32_D64_32X32], GENERATOR_TIES, 4, 1, 2, 1, 203, 203, 33, 5, false,
     {0x0, 0x0}},
    {&shapes[F32_D64_32X32], GENERATOR_DOMINANT, 5, 1, 2, 1, 250, 250, 50, 5, false,
     {0x0, 0x0}},
    {&shapes[F32_D64_32X32], GENERATOR_EQUAL, 6, 1, 2, 1, 257, 257, 97, 5, false,
     {0x0, 0x0}},
    {&shapes[F32_D64_32X32], GENERATOR_DENORMALS, 7, 1, 2, 1, 192, 192, 40, 5, false,
     {0x0, 0x0}},
    {&shapes[F32_D64_32X32], GENERATOR_PADDED, 8, 2, 2, 2, 211, 211, 45, 5, true,
     {0x0, 0x0}},
    {&shapes[F32_D64_32X32], GENERATOR_CLUSTERS, 9, 1, 4, 2, 1025, 1025, 128, 5, false,
     {0x0, 0x0}},
    {&shapes[F32_D64_16X64], GENERATOR_CLUSTERS, 10, 1, 2, 2, 700, 700, 90, 7, false,
     {0x0, 0x0}},
    {&shapes[F32_D128_128X32], GENERATOR_NORMAL, 11, 1, 2, 1, 333, 333, 100, 5, false,
     {0x0, 0x0}},
    {&shapes[F32_D128_128X32], GENERATOR_CLUSTERS, 12, 1, 4, 1, 2048, 2048, 256, 5, false,
     {0x0, 0x0}},
    {&shapes[F16_D64_32X32], GENERATOR_NORMAL, 13, 1, 4, 2, 200, 200, 70, 5, true,
     {0x0, 0x0}},
    {&shapes[F16_D64_32X32], GENERATOR_LARGE, 14, 1, 2, 1, 200, 200, 64, 5, false,
     {0x0, 0x0}},
    {&shapes[F16_D64_32X32], GENERATOR_TINY, 15, 1, 2, 1, 231, 231, 70, 5, false,
     {0x0, 0x0}},
    {&shapes[F16_D64_32X32], GENERATOR_TIES, 16, 1, 2, 1, 203, 203, 33, 5, true,
     {0x0, 0x0}},
    {&shapes[F16_D64_32X32], GENERATOR_DOMINANT, 17, 1, 2, 1, 250, 250, 50, 5, false,
     {0x0, 0x0}},
    {&shapes[F16_D64_32X32], GENERATOR_EQUAL, 18, 1, 2, 1, 257, 257, 97, 5, false,
     {0x0, 0x0}},
    {&shapes[F16_D64_32X32], GENERATOR_DENORMALS, 19, 1, 2, 1, 192, 192, 40, 5, false,
     {0x0, 0x0}},
    {&shapes[F16_D64_32X32], GENERATOR_PADDED, 20, 2, 2, 2, 211, 211, 45, 5, false,
     {0x0, 0x0}},
    {&shapes[F16_D128_128X128], GENERATOR_NORMAL, 21, 1, 4, 4, 400, 400, 130, 8, false,
     {0x0, 0x0}},
    {&shapes[F16_D128_128X128], GENERATOR_CLUSTERS, 22, 1, 4, 2, 2049, 2049, 512, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D64_64X64], GENERATOR_NORMAL, 23, 1, 3, 1, 300, 300, 80, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D64_64X64], GENERATOR_CLUSTERS, 24, 1, 4, 4, 1536, 1536, 300, 3, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_NORMAL, 25, 1, 4, 2, 200, 200, 70, 5, true,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_LARGE, 26, 1, 2, 1, 200, 200, 64, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_TINY, 27, 1, 2, 1, 231, 231, 70, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_TIES, 28, 1, 2, 1, 203, 203, 33, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_DOMINANT, 29, 1, 2, 1, 250, 250, 50, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_EQUAL, 30, 1, 2, 1, 257, 257, 97, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_DENORMALS, 31, 1, 2, 1, 192, 192, 40, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_PADDED, 32, 2, 2, 2, 211, 211, 45, 5, true,
     {0x0, 0x0}},
    {&shapes[BF16_D128_32X32], GENERATOR_CLUSTERS, 33, 1, 4, 2, 2047, 2047, 256, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_128X32], GENERATOR_NORMAL, 34, 1, 4, 1, 40, 1000, 64, 5, false,
     {0x0, 0x0}},
    {&shapes[BF16_D128_128X32], GENERATOR_CLUSTERS, 35, 1, 4, 1, 4096, 4096, 512, 5, false,
     {0x0, 0x0}},
};
/* clang-format on */

size_t suite_count(void) {
    return sizeof cases / sizeof *cases;
}

const suite_case *suite_at(size_t index) {
    return &cases[index];
}

void suite_name(const suite_case *c, char name[SUITE_NAME_BYTES]) {
    const suite_shape *s = c->shape;
    int used = snprintf(name, SUITE_NAME_BYTES, "%s-d%u-b%ux%u-%s-%" PRIu64,
                        storage_name((sparsed_dtype)s->dtype), s->head_dim, s->block_q, s->block_k,
                        generator_kind_name(c->kind), c->q_len);
    if (c->kv_len > c->q_len)
        snprintf(name + used, SUITE_NAME_BYTES - (size_t)used, "of%" PRIu64, c->kv_len);
}

sparsed_desc suite_desc(const suite_case *c) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    desc.dtype = desc.out_dtype = c->shape->dtype;
    desc.batch = c->batch;
    desc.heads = c->heads;
    desc.kv_heads = c->kv_heads;
    desc.head_dim = c->shape->head_dim;
    desc.q_len = c->q_len;
    desc.kv_len = c->kv_len;
    return desc;
}

sparsed_select suite_select(const suite_case *c) {
    sparsed_select select = SPARSED_SELECT_INIT;
    select.mode = c->shape->mode;
    select.score_reduce = c->shape->score_reduce;
    select.block_q = c->shape->block_q;
    select.block_k = c->shape->block_k;
    select.gen_len = c->gen_len;
    select.ratio = (double)c->sixteenths / 16.0;
    return select;
}

void suite_range(const suite_case *c, uint32_t batch, uint64_t *start, uint64_t *end) {
    bool padded = c->kind == GENERATOR_PADDED && batch > 0;
    *start = padded ? SUITE_PADDED_START : 0;
    *end = padded ? c->kv_len / 5 * 3 : c->kv_len;
}
