/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/generator.h"

#include <stdbool.h>

#include "../src/half.h"

enum {
    COARSE_BITS = 6, /* of each of four summands: 7 bits and a sign in all */
    F16_BITS = 9,    /* 10 */
    F32_BITS = 16,   /* 17 */
    GROUP_ROWS = 32, /* of a cluster */
    CENTRES = 8,
    TIE_ROWS = 16,    /* the smallest block */
    TIE_TURN = 5,     /* rows by which each is turned against the one before */
    STREAM_KEYS = 16, /* independent sequences of a stream */
    CENTRE_KEY = 8,   /* sequences 0 to 2 are the tensors' */
    CHOICE_KEY,
    DOMINANT_KEY,
    PATTERN_KEY,
    SAMPLE_KEY
};

static const char *const names[GENERATOR_KINDS] = {
    [GENERATOR_NORMAL] = "normal",       [GENERATOR_CLUSTERS] = "clusters",
    [GENERATOR_LARGE] = "large",         [GENERATOR_TINY] = "tiny",
    [GENERATOR_TIES] = "ties",           [GENERATOR_NEAR_TIES] = "near-ties",
    [GENERATOR_DOMINANT] = "dominant",   [GENERATOR_EQUAL] = "equal",
    [GENERATOR_DENORMALS] = "denormals", [GENERATOR_PADDED] = "padded"};

const char *generator_kind_name(generator_kind kind) {
    return names[kind];
}

static uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 64 bits of position `index` in one of a stream's sequences. */
static uint64_t bits_at(const generator *g, uint64_t sequence, uint64_t index) {
    uint64_t key = mix(mix(g->seed + 1) + g->stream * STREAM_KEYS + sequence);
    return mix(key + index * 0x9e3779b97f4a7c15u);
}

/* A sum of four uniform integers of `bits` bits, less its mean: at most 2^(bits + 1) - 2 in size. */
static int32_t near_normal(uint64_t random, uint32_t bits) {
    int32_t most = (int32_t)(1u << bits) - 1, sum = -2 * most;
    for (int i = 0; i < 4; i++)
        sum += (int32_t)(random >> 16 * i & (uint64_t)most);
    return sum;
}

/* 2^exponent, a normal float. */
static float power_of_two(int exponent) {
    return spd_float_from_bits((uint32_t)(127 + exponent) << 23);
}

static void store_bits(uint32_t dtype, uint32_t bits, uint64_t at, void *data) {
    if (dtype == SPARSED_F32)
        ((uint32_t *)data)[at] = bits;
    else
        ((uint16_t *)data)[at] = (uint16_t)bits;
}

/* n * 2^exponent, which the type holds. */
static void store(uint32_t dtype, int32_t n, int exponent, uint64_t at, void *data) {
    float value = (float)n * power_of_two(exponent);
    store_bits(dtype,
               dtype == SPARSED_F32   ? spd_float_bits(value)
               : dtype == SPARSED_F16 ? spd_f16_from_float(value)
                                      : spd_bf16_from_float(value),
               at, data);
}

/* A denormal: n of at most 7 bits, in the upper part of the type's mantissa. */
static void store_denormal(uint32_t dtype, int32_t n, uint64_t at, void *data) {
    uint32_t size = (uint32_t)(n < 0 ? -n : n), sign = n < 0;
    store_bits(dtype,
               dtype == SPARSED_F32   ? sign << 31 | size << 15
               : dtype == SPARSED_F16 ? sign << 15 | size << 3
                                      : sign << 15 | size,
               at, data);
}

static uint32_t summand_bits(const generator *g) {
    if (g->kind != GENERATOR_NORMAL && g->kind != GENERATOR_CLUSTERS && g->kind != GENERATOR_PADDED)
        return COARSE_BITS;
    return g->dtype == SPARSED_F32 ? F32_BITS : g->dtype == SPARSED_F16 ? F16_BITS : COARSE_BITS;
}

/* One element's place. */
typedef struct place {
    generator_tensor tensor;
    uint64_t head, rows, row;
    uint32_t dim, column;
} place;

/* The centre that a group of rows is near, in one column: 3/4 or -3/4. */
static int32_t centre(const generator *g, const place *p, uint32_t bits) {
    uint64_t group = (p->head << 32) + p->row / GROUP_ROWS;
    uint64_t chosen = bits_at(g, CHOICE_KEY, 2 * group + (p->tensor == GENERATOR_Q)) % CENTRES;
    uint64_t sign = bits_at(g, CENTRE_KEY, chosen * p->dim + p->column) & 1;
    int32_t size = 3 << (bits - 3);
    return sign ? -size : size;
}

static bool is_dominant(const generator *g, const place *p) {
    return p->row == bits_at(g, DOMINANT_KEY, p->head) % p->rows;
}

/* The row whose numbers a row holds. */
static uint64_t source_row(const generator *g, const place *p) {
    if (p->tensor == GENERATOR_K && g->kind == GENERATOR_TIES)
        return p->row % TIE_ROWS;
    if (p->tensor == GENERATOR_K && g->kind == GENERATOR_NEAR_TIES)
        return (p->row + p->row / TIE_ROWS * TIE_TURN) % TIE_ROWS;
    return p->row;
}

static void fill_element(const generator *g, const place *p, uint64_t at, void *data) {
    uint32_t bits = summand_bits(g);
    uint64_t index = (p->head * p->rows + source_row(g, p)) * p->dim + p->column;
    int32_t n = near_normal(bits_at(g, p->tensor, index), bits);
    int exponent = 1 - (int)bits;
    bool q = p->tensor == GENERATOR_Q, k = p->tensor == GENERATOR_K, v = p->tensor == GENERATOR_V;
    if (g->kind == GENERATOR_CLUSTERS && !v)
        n += centre(g, p, bits);
    if (g->kind == GENERATOR_LARGE)
        exponent += q ? 5 : k ? 3 : 0;
    if (g->kind == GENERATOR_TINY && q)
        exponent -= 10;
    if (g->kind == GENERATOR_DOMINANT && !v && p->column == 0) {
        n = q ? 8 : is_dominant(g, p) ? 64 : 0;
        exponent = 0;
    }
    if (g->kind == GENERATOR_EQUAL && !v) {
        n = 1;
        exponent = 0;
    }
    if (g->kind == GENERATOR_DENORMALS && (v || p->column % 2 == 1))
        store_denormal(g->dtype, n, at, data);
    else
        store(g->dtype, n, exponent, at, data);
}

void generator_fill(const generator *g, generator_tensor tensor, uint64_t heads, uint64_t rows,
                    uint32_t dim, void *data) {
    for (uint64_t h = 0; h < heads; h++)
        for (uint64_t r = 0; r < rows; r++)
            for (uint32_t c = 0; c < dim; c++) {
                const place p = {tensor, h, rows, r, dim, c};
                fill_element(g, &p, (h * rows + r) * dim + c, data);
            }
}

void generator_poison(uint32_t dtype, uint64_t head, uint64_t rows, uint32_t dim, uint64_t first,
                      uint64_t end, void *data) {
    for (uint64_t at = (head * rows + first) * dim; at < (head * rows + end) * dim; at++)
        store_bits(dtype, UINT32_MAX, at, data);
}

void generator_pattern(const generator *g, uint64_t head, uint64_t q_blocks, uint64_t k_blocks,
                       uint64_t row_stride, uint32_t sixteenths, uint8_t *mask) {
    for (uint64_t i = 0; i < q_blocks; i++)
        for (uint64_t j = 0; j < k_blocks; j++) {
            uint64_t random = bits_at(g, PATTERN_KEY, ((head << 24) + i) * ((uint64_t)1 << 24) + j);
            mask[i * row_stride + j] = random % 16 < sixteenths || j == i % k_blocks;
        }
}

uint64_t generator_choice(const generator *g, uint64_t index, uint64_t below) {
    return bits_at(g, SAMPLE_KEY, index) % below;
}
