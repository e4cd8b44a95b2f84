/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The products of attention on AMX tiles of bf16: 2 x 2 tiles of 16 x 16 float sums at a time. A
 * tile of the left operand (K, V transposed) is 16 rows of 32 elements where they lie, one of the
 * right (q_t, p_t) 16 pairs of 16 query rows.
 */
#include "avx512.h"

#include <string.h>

enum {
    TILE = 16,       /* rows of a tile; columns of one of sums */
    DEPTH = 32,      /* elements of a row of a bf16 tile */
    TILE_BYTES = 64, /* of a row */
    MAX_DIM = 256
};

/* Tile registers; their numbers must be literals. */
#define SUM_00 0
#define SUM_01 1
#define SUM_10 2
#define SUM_11 3
#define LEFT_0 4
#define LEFT_1 5
#define RIGHT_0 6
#define RIGHT_1 7

/* Some compilers do not know that tile instructions touch memory. */
ALWAYS_INLINE void order_memory(void) {
    __asm__ volatile("" ::: "memory");
}

static void enter(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = SUM_00; i <= RIGHT_1; i++) {
        config.row_bytes[i] = TILE_BYTES;
        config.rows[i] = TILE;
    }
    order_memory();
    _tile_loadconfig(&config);
}

static void leave(void) {
    _tile_release();
}

ALWAYS_INLINE void clear_sums(void) {
    _tile_zero(SUM_00);
    _tile_zero(SUM_01);
    _tile_zero(SUM_10);
    _tile_zero(SUM_11);
}

/* sums[left tile][right tile] += left * right over one depth of 32; `lefts` and `rights` are 1 or 2
 * and constants where this is called, strides in bytes. */
ALWAYS_INLINE void multiply(int lefts, int rights, const char *left, ptrdiff_t left_stride,
                            ptrdiff_t left_distance, const uint32_t *right,
                            ptrdiff_t right_stride) {
    _tile_loadd(LEFT_0, left, left_stride);
    _tile_loadd(RIGHT_0, right, right_stride);
    _tile_dpbf16ps(SUM_00, LEFT_0, RIGHT_0);
    if (rights == 2) {
        _tile_loadd(RIGHT_1, right + TILE, right_stride);
        _tile_dpbf16ps(SUM_01, LEFT_0, RIGHT_1);
    }
    if (lefts == 2) {
        _tile_loadd(LEFT_1, left + left_distance, left_stride);
        _tile_dpbf16ps(SUM_10, LEFT_1, RIGHT_0);
        if (rights == 2)
            _tile_dpbf16ps(SUM_11, LEFT_1, RIGHT_1);
    }
}

/* The sums from `from`, whose rows are `stride` floats apart. */
ALWAYS_INLINE void load_sums(int lefts, int rights, const float *from, ptrdiff_t stride) {
    const ptrdiff_t bytes = stride * (ptrdiff_t)sizeof *from;
    _tile_loadd(SUM_00, from, bytes);
    if (rights == 2)
        _tile_loadd(SUM_01, from + TILE, bytes);
    if (lefts == 2) {
        _tile_loadd(SUM_10, from + TILE * stride, bytes);
        if (rights == 2)
            _tile_loadd(SUM_11, from + TILE * stride + TILE, bytes);
    }
}

/* The sums to `to`, whose rows are `stride` floats apart. */
ALWAYS_INLINE void store_sums(int lefts, int rights, float *to, ptrdiff_t stride) {
    const ptrdiff_t bytes = stride * (ptrdiff_t)sizeof *to;
    _tile_stored(SUM_00, to, bytes);
    if (rights == 2)
        _tile_stored(SUM_01, to + TILE, bytes);
    if (lefts == 2) {
        _tile_stored(SUM_10, to + TILE * stride, bytes);
        if (rights == 2)
            _tile_stored(SUM_11, to + TILE * stride + TILE, bytes);
    }
    order_memory();
}

/* Scores of 16 (lefts 1) or 32 keys. */
ALWAYS_INLINE void score_block(int lefts, int rights, const char *k, ptrdiff_t k_stride,
                               uint32_t dim, const uint32_t *q_t, float *s_t, ptrdiff_t s_stride) {
    const ptrdiff_t rows = (ptrdiff_t)rights * TILE;
    clear_sums();
    for (uint32_t d = 0; d < dim; d += DEPTH)
        multiply(lefts, rights, k + d * sizeof(uint16_t), k_stride, TILE * k_stride,
                 q_t + d / 2 * rows, rows * (ptrdiff_t)sizeof *q_t);
    store_sums(lefts, rights, s_t, s_stride);
}

/* 16 keys or fewer, or rows that end within a tile: copied, with zeros around them, so that nothing
 * is read that is not there. */
static void score_copies(uint32_t rows, const char *k, ptrdiff_t k_stride, uint32_t keys,
                         uint32_t dim, const uint32_t *q_t, float *s_t, ptrdiff_t s_stride) {
    uint16_t copies[TILE][MAX_DIM] = {{0}};
    float sums[TILE][SPD_STRIP_ROWS];
    for (uint32_t i = 0; i < keys; i++)
        memcpy(copies[i], k + i * k_stride, dim * sizeof copies[0][0]);
    order_memory();
    if (rows == SPD_STRIP_ROWS)
        score_block(1, 2, (const char *)copies, sizeof copies[0], dim, q_t, sums[0],
                    SPD_STRIP_ROWS);
    else
        score_block(1, 1, (const char *)copies, sizeof copies[0], dim, q_t, sums[0],
                    SPD_STRIP_ROWS);
    for (uint32_t i = 0; i < keys; i++)
        memcpy(s_t + i * s_stride, sums[i], rows * sizeof(float));
}

ALWAYS_INLINE void score_run(int rights, const spd_run *run, ptrdiff_t k_stride, uint32_t dim,
                             const uint32_t *q_t, float *s_t, ptrdiff_t s_stride) {
    const char *k = run->first;
    uint32_t left = run->keys;
    while (left > 0) {
        uint32_t keys = left >= 2 * TILE ? 2 * TILE : left >= TILE ? TILE : left;
        if (dim % DEPTH != 0 || keys < TILE) {
            keys = keys < TILE ? keys : TILE;
            score_copies((uint32_t)rights * TILE, k, k_stride, keys, dim, q_t, s_t, s_stride);
        } else if (keys == TILE) {
            score_block(1, rights, k, k_stride, dim, q_t, s_t, s_stride);
        } else {
            score_block(2, rights, k, k_stride, dim, q_t, s_t, s_stride);
        }
        left -= keys;
        k += keys * k_stride;
        s_t += keys * s_stride;
    }
}

static void scores(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows, float *s_t,
                   ptrdiff_t s_stride, float *top) {
    float *to = s_t;
    order_memory();
    for (uint32_t i = 0; i < k->runs; to += k->run[i++].keys * s_stride)
        if (rows == SPD_STRIP_ROWS)
            score_run(2, &k->run[i], k->stride_bytes, dim, q_t, to, s_stride);
        else
            score_run(1, &k->run[i], k->stride_bytes, dim, q_t, to, s_stride);
    if (top)
        spd_avx512_raise_top(s_t, k->keys, rows, top);
}

/* o_t *= factor. */
static void scale_output(uint32_t dim, uint32_t rows, const float *factor, float *o_t) {
    for (uint32_t r = 0; r < rows; r += TILE) {
        const __m512 weight = _mm512_load_ps(factor + r);
        for (uint32_t d = 0; d < dim; d++) {
            float *to = o_t + (ptrdiff_t)d * rows + r;
            _mm512_store_ps(to, _mm512_mul_ps(_mm512_load_ps(to), weight));
        }
    }
}

/* sums += v p for the dimensions [d, d + 16 or 32). */
ALWAYS_INLINE void multiply_groups(int lefts, int rights, const spd_tile *v, uint32_t dim,
                                   uint32_t d, const uint32_t *p_t) {
    const ptrdiff_t rows = (ptrdiff_t)rights * TILE;
    for (uint32_t i = 0; i < v->runs; i++) {
        const char *group = (const char *)v->run[i].first + d * TILE_BYTES;
        for (uint32_t key = 0; key < v->run[i].keys; key += v->group_keys) {
            multiply(lefts, rights, group, TILE_BYTES, TILE * TILE_BYTES, p_t,
                     rows * (ptrdiff_t)sizeof *p_t);
            group += dim * TILE_BYTES;
            p_t += DEPTH / 2 * rows;
        }
    }
}

/* The last 8 dimensions, of a tile whose other rows are the next group's. */
static void output_rest(uint32_t rows, const spd_tile *v, uint32_t dim, uint32_t d,
                        const uint32_t *p_t, float *o_t) {
    _Alignas(64) float sums[TILE][SPD_STRIP_ROWS];
    clear_sums();
    if (rows == SPD_STRIP_ROWS) {
        multiply_groups(1, 2, v, dim, d, p_t);
        store_sums(1, 2, sums[0], SPD_STRIP_ROWS);
    } else {
        multiply_groups(1, 1, v, dim, d, p_t);
        store_sums(1, 1, sums[0], SPD_STRIP_ROWS);
    }
    for (uint32_t i = 0; d + i < dim; i++)
        for (uint32_t r = 0; r < rows; r++)
            o_t[(d + i) * rows + r] += sums[i][r];
}

ALWAYS_INLINE void output_tile(int rights, const spd_tile *v, uint32_t dim, const uint32_t *p_t,
                               float *o_t) {
    const ptrdiff_t rows = (ptrdiff_t)rights * TILE;
    uint32_t d = 0;
    for (; d + 2 * TILE <= dim; d += 2 * TILE) {
        load_sums(2, rights, o_t + d * rows, rows);
        multiply_groups(2, rights, v, dim, d, p_t);
        store_sums(2, rights, o_t + d * rows, rows);
    }
    for (; d < dim; d += TILE)
        output_rest((uint32_t)rows, v, dim, d, p_t, o_t);
}

static void output(const spd_tile *v, uint32_t dim, const void *p_t, uint32_t rows,
                   const float *factor, float *o_t) {
    if (factor)
        scale_output(dim, rows, factor, o_t);
    order_memory();
    if (rows == SPD_STRIP_ROWS)
        output_tile(2, v, dim, p_t, o_t);
    else
        output_tile(1, v, dim, p_t, o_t);
}

/* Where a strip of 32 rows is in its weighing. */
typedef struct progress {
    const spd_weighing *of;
    uint32_t key;
    __m512 top[2], total[2];
} progress;

/* Weighs two keys. */
ALWAYS_INLINE void weigh_pair(progress *at) {
    const spd_weighing *w = at->of;
    const __m512 scale = _mm512_set1_ps(w->scale_log2);
    const float *s = w->s_t + (size_t)at->key * SPD_STRIP_ROWS;
    uint32_t *p = (uint32_t *)w->p_t + (size_t)at->key / 2 * SPD_STRIP_ROWS;
    for (int v = 0; v < 2; v++, s += TILE, p += TILE) {
        const __m512 first = spd_weight(_mm512_load_ps(s), at->top[v], scale, 4);
        __m512 second = _mm512_setzero_ps();
        if (at->key + 1 < w->keys)
            second = spd_weight(_mm512_load_ps(s + SPD_STRIP_ROWS), at->top[v], scale, 4);
        at->total[v] = _mm512_add_ps(at->total[v], _mm512_add_ps(first, second));
        _mm512_store_si512(p, spd_pair_up(first, second));
    }
    at->key += 2;
    if (at->key % w->sum_keys != 0 && at->key < w->keys)
        return;
    float *sums = w->sums + (size_t)((at->key - 1) / w->sum_keys) * SPD_STRIP_ROWS;
    for (int v = 0; v < 2; v++) {
        _mm512_store_ps(sums + v * TILE, at->total[v]);
        at->total[v] = _mm512_setzero_ps();
    }
}

/* Weighs so many pairs of keys, or as many as are left. */
ALWAYS_INLINE void weigh_pairs(progress *at, uint32_t pairs) {
    for (; pairs > 0 && at->key < at->of->keys; pairs--)
        weigh_pair(at);
}

/* Both for 32 rows: after every 32 keys of 32 dimensions of the output, some weights. */
static void weigh_in_between(const spd_weighing *w, const spd_output *o) {
    const spd_tile *v = &o->v;
    uint32_t dim = o->dim / (2 * TILE) * (2 * TILE),
             steps = dim / (2 * TILE) * ((v->keys + DEPTH - 1) / DEPTH);
    uint32_t pairs_a_step = steps ? ((w->keys + 1) / 2 + steps - 1) / steps : 0;
    progress at = {w, 0, {_mm512_load_ps(w->top), _mm512_load_ps(w->top + TILE)}, {{0.0f}, {0.0f}}};
    for (uint32_t d = 0; d < dim; d += 2 * TILE) {
        const uint32_t *p = o->p_t;
        load_sums(2, 2, o->o_t + (size_t)d * SPD_STRIP_ROWS, SPD_STRIP_ROWS);
        for (uint32_t i = 0; i < v->runs; i++) {
            const char *group = (const char *)v->run[i].first + d * TILE_BYTES;
            for (uint32_t key = 0; key < v->run[i].keys; key += DEPTH) {
                multiply(2, 2, group, TILE_BYTES, TILE * TILE_BYTES, p,
                         SPD_STRIP_ROWS * (ptrdiff_t)sizeof *p);
                weigh_pairs(&at, pairs_a_step);
                group += o->dim * TILE_BYTES;
                p += DEPTH / 2 * SPD_STRIP_ROWS;
            }
        }
        store_sums(2, 2, o->o_t + (size_t)d * SPD_STRIP_ROWS, SPD_STRIP_ROWS);
    }
    for (uint32_t d = dim; d < o->dim; d += TILE)
        output_rest(SPD_STRIP_ROWS, v, o->dim, d, o->p_t, o->o_t);
    weigh_pairs(&at, SPD_TILE_KEYS);
}

static void weigh_beside_output(const spd_weighing *w, const spd_output *o) {
    if (w->rows == SPD_STRIP_ROWS && o->rows == SPD_STRIP_ROWS) {
        if (o->factor)
            scale_output(o->dim, o->rows, o->factor, o->o_t);
        order_memory();
        weigh_in_between(w, o);
        return;
    }
    output(&o->v, o->dim, o->p_t, o->rows, o->factor, o->o_t);
    for (uint32_t key = 0; key < w->keys; key += w->sum_keys)
        spd_loops_pairs.exponentiate(w->s_t + (size_t)key * w->rows,
                                     w->keys - key < w->sum_keys ? w->keys - key : w->sum_keys,
                                     w->rows, w->top, w->scale_log2,
                                     (uint32_t *)w->p_t + (size_t)key / 2 * w->rows,
                                     w->sums + (size_t)(key / w->sum_keys) * w->rows);
}

const spd_level spd_level_amx = {.pairs = true,
                                 .group_pairs = DEPTH / 2,
                                 .loops = &spd_loops_pairs,
                                 .scores = scores,
                                 .output = output,
                                 .weigh_beside_output = weigh_beside_output,
                                 .enter = enter,
                                 .leave = leave};
