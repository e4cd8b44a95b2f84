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
     {0xf505a16f9885b4bf, 0x7b91fa9c2fffc714}},
    {&shapes[F32_D64_32X32], GENERATOR_LARGE, 2, 1, 2, 1, 200, 200, 64, 5, true,
     {0x7806e1b23ff4d736, 0xdab0bcf310a3e94c}},
    {&shapes[F32_D64_32X32], GENERATOR_TINY, 3, 1, 2, 1, 231, 231, 70, 5, false,
     {0x60b9ba0c52442d5c, 0x2a00456153f5b0a1}},
    {&shapes[F32_D64_32X32], GENERATOR_TIES, 4, 1, 2, 1, 203, 203, 33, 5, false,
     {0x2375721a69c00b0e, 0x0b9469f60fce82a5}},
    {&shapes[F32_D64_32X32], GENERATOR_NEAR_TIES, 36, 1, 2, 1, 240, 240, 80, 5, false,
     {0xbb3f370cef660640, 0xaaf709b43ef1951b}},
    {&shapes[F32_D64_32X32], GENERATOR_DOMINANT, 5, 1, 2, 1, 250, 250, 50, 5, false,
     {0x8c75f833e5480d8d, 0x182a79b8aab739e2}},
    {&shapes[F32_D64_32X32], GENERATOR_EQUAL, 6, 1, 2, 1, 249, 249, 97, 5, false,
     {0xbe3a8cb908c9bf9e, 0x830075380fbcb085}},
    {&shapes[F32_D64_32X32], GENERATOR_DENORMALS, 7, 1, 2, 1, 192, 192, 40, 5, false,
     {0xa614d720e03ee7c8, 0x4df6e4abbed28660}},
    {&shapes[F32_D64_32X32], GENERATOR_PADDED, 8, 2, 2, 2, 123, 123, 45, 5, true,
     {0x68c48f84f39e9c46, 0x81b2ffa061eb2ddb}},
    {&shapes[F32_D64_32X32], GENERATOR_CLUSTERS, 9, 1, 4, 2, 1025, 1025, 128, 5, false,
     {0x196e2cbe109c16c9, 0x2c45751cfe7c0964}},
    {&shapes[F32_D64_16X64], GENERATOR_CLUSTERS, 10, 1, 2, 2, 700, 700, 90, 7, false,
     {0x1433fe2f60e7ab38, 0xf343f30945091486}},
    {&shapes[F32_D128_128X32], GENERATOR_NORMAL, 11, 1, 2, 1, 253, 253, 100, 5, false,
     {0x056333c1a39bdf0d, 0xa22ae633c254b9fd}},
    {&shapes[F32_D128_128X32], GENERATOR_CLUSTERS, 12, 1, 4, 1, 4096, 4096, 256, 5, false,
     {0x3474ff7102170781, 0xeadc0d9a278ed25d}},
    {&shapes[F16_D64_32X32], GENERATOR_NORMAL, 13, 1, 4, 2, 200, 200, 70, 5, true,
     {0xf6735371d7394600, 0xafad8bf089209620}},
    {&shapes[F16_D64_32X32], GENERATOR_LARGE, 14, 1, 2, 1, 200, 200, 64, 5, false,
     {0x7e6e8aa3cfd30012, 0xbcd5258dd5ab5fb3}},
    {&shapes[F16_D64_32X32], GENERATOR_TINY, 15, 1, 2, 1, 231, 231, 70, 5, false,
     {0x68a6e77d87090adf, 0xec440c176ab26239}},
    {&shapes[F16_D64_32X32], GENERATOR_TIES, 16, 1, 2, 1, 203, 203, 33, 5, true,
     {0x817e56796754b002, 0x8d5da853d2df4c74}},
    {&shapes[F16_D64_32X32], GENERATOR_NEAR_TIES, 37, 1, 2, 1, 240, 240, 80, 5, false,
     {0xb2b8b93ed2c1792b, 0xd050d98352d977e8}},
    {&shapes[F16_D64_32X32], GENERATOR_DOMINANT, 17, 1, 2, 1, 250, 250, 50, 5, false,
     {0x4f1b51e0e704e850, 0x1d4acdafea4a3e88}},
    {&shapes[F16_D64_32X32], GENERATOR_EQUAL, 18, 1, 2, 1, 249, 249, 97, 5, false,
     {0xb9455fd004f1e5ba, 0x61cc0c52ede5998c}},
    {&shapes[F16_D64_32X32], GENERATOR_DENORMALS, 19, 1, 2, 1, 192, 192, 40, 5, false,
     {0x60fb41c842892197, 0x439f3f6a78b81eb1}},
    {&shapes[F16_D64_32X32], GENERATOR_PADDED, 20, 2, 2, 2, 123, 123, 45, 5, false,
     {0x8f10a3d3d5a887f5, 0xf108067b2b0036f0}},
    {&shapes[F16_D128_128X128], GENERATOR_NORMAL, 21, 1, 4, 4, 400, 400, 130, 8, false,
     {0x2e43fe6bb3441f43, 0x6a23e85673b10654}},
    {&shapes[F16_D128_128X128], GENERATOR_CLUSTERS, 22, 1, 4, 2, 2049, 2049, 512, 5, false,
     {0x9eb66f183cf53d9e, 0x82b6a0d778f3ef20}},
    {&shapes[BF16_D64_64X64], GENERATOR_NORMAL, 23, 1, 3, 1, 300, 300, 80, 5, false,
     {0xb5bd9b2eaf1ebec4, 0x107d0ddeaa6d0b89}},
    {&shapes[BF16_D64_64X64], GENERATOR_CLUSTERS, 24, 1, 4, 4, 1536, 1536, 300, 3, false,
     {0xc8c2f146c4c0b705, 0x9006d3efa34e5567}},
    {&shapes[BF16_D128_32X32], GENERATOR_NORMAL, 25, 1, 4, 2, 125, 125, 40, 5, true,
     {0x6b716665347fa111, 0xbc7eb325a8ab3e4d}},
    {&shapes[BF16_D128_32X32], GENERATOR_LARGE, 26, 1, 2, 1, 200, 200, 64, 5, false,
     {0x282c98b410f2e4e6, 0xe06e542722fb0f98}},
    {&shapes[BF16_D128_32X32], GENERATOR_TINY, 27, 1, 2, 1, 231, 231, 70, 5, false,
     {0xf5abd9dcba4a988c, 0x6cbd8c628898d7e3}},
    {&shapes[BF16_D128_32X32], GENERATOR_TIES, 28, 1, 2, 1, 203, 203, 33, 5, false,
     {0xef8ed3217f6887d0, 0xe566f3c30be9feb7}},
    {&shapes[BF16_D128_32X32], GENERATOR_NEAR_TIES, 38, 1, 2, 1, 240, 240, 80, 5, false,
     {0x7222597330881d27, 0x27b5bf2b557c3171}},
    {&shapes[BF16_D128_32X32], GENERATOR_DOMINANT, 29, 1, 2, 1, 250, 250, 50, 5, false,
     {0x8b56add69ba066fa, 0xf8b0166fd2b9eb5b}},
    {&shapes[BF16_D128_32X32], GENERATOR_EQUAL, 30, 1, 2, 1, 249, 249, 97, 5, false,
     {0xb25eeb3cca0539b6, 0xe1b2a0c019c1176a}},
    {&shapes[BF16_D128_32X32], GENERATOR_DENORMALS, 31, 1, 2, 1, 192, 192, 40, 5, false,
     {0x8df3e4fab8110a57, 0x9b912a5ac04cdfd7}},
    {&shapes[BF16_D128_32X32], GENERATOR_PADDED, 32, 2, 2, 2, 123, 123, 45, 5, true,
     {0x2027a4e88b89d89c, 0x74988d1ed4363447}},
    {&shapes[BF16_D128_32X32], GENERATOR_CLUSTERS, 33, 1, 4, 2, 2047, 2047, 256, 5, false,
     {0x6e63b1d91a42913c, 0xccb8dde822f218fd}},
    {&shapes[BF16_D128_128X32], GENERATOR_NORMAL, 34, 1, 4, 1, 40, 1000, 64, 5, false,
     {0x7c537bd9980711e0, 0xb69086c498c50e76}},
    {&shapes[BF16_D128_128X32], GENERATOR_CLUSTERS, 35, 1, 4, 1, 8192, 8192, 512, 5, false,
     {0x8a97cdf73fa2404f, 0x80e625f247fee118}},
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
