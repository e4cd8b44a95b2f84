/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The products of attention on AMX tiles of bf16: 2 x 2 tiles of 16 x 16 float sums at a time. A
 * tile of the left operand (K, V transposed) is 16 rows of 32 elements where they lie, one of the
 * right (q_t, p_t) 16 pairs of 16 query rows.
 *
 * Scores of 32 keys can become weights at once, by AVX-512, while they are in the nearest cache:
 * under the running maxima as they stand, unless a score is too far above them.
 */
#include "avx512.h"

#include <string.h>

enum {
    TILE = 16,       /* rows of a tile; columns of one of sums */
    DEPTH = 32,      /* elements of a row of a bf16 tile */
    TILE_BYTES = 64, /* of a row */
    MAX_DIM = 256,
    KEYS_AT_ONCE = 32 /* become weights while their scores are near: a multiple of DEPTH */
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

/* The 16 dimensions from d on, or 8: then the tile's other rows are the next group's. */
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
    for (uint32_t i = 0; i < TILE && d + i < dim; i++)
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

/* 16 rows whose scores become weights. */
typedef struct weighed {
    __m512 top, scale, most, sum;
} weighed;

/* The weights of two keys, or of one and of none. */
ALWAYS_INLINE void weigh_pair(weighed *w, const float *s, ptrdiff_t rows, bool both, uint32_t *p) {
    const __m512 score = _mm512_load_ps(s), first = spd_weight(score, w->top, w->scale, 4);
    __m512 second = _mm512_setzero_ps();
    w->most = _mm512_max_ps(score, w->most); /* the second one if either is NaN */
    if (both) {
        const __m512 next = _mm512_load_ps(s + rows);
        w->most = _mm512_max_ps(next, w->most);
        second = spd_weight(next, w->top, w->scale, 4);
    }
    w->sum = _mm512_add_ps(w->sum, _mm512_add_ps(first, second));
    _mm512_store_si512(p, spd_pair_up(first, second));
}

/* The weights of 32 keys or fewer and 16 rows of a strip; adds to their sums. False: a score is too
 * large. */
ALWAYS_INLINE bool weigh_keys(uint32_t keys, ptrdiff_t rows, const float *s, const float *top,
                              const spd_weighing *w, uint32_t *p, float *sum) {
    const __m512 running = _mm512_load_ps(top);
    const __m512 bound = _mm512_add_ps(running, _mm512_set1_ps(w->slack));
    weighed at = {running, _mm512_set1_ps(w->scale_log2), running, _mm512_load_ps(sum)};
    if (keys == DEPTH) {
        UNROLL
        for (int i = 0; i < DEPTH / 2; i++, s += 2 * rows, p += rows)
            weigh_pair(&at, s, rows, true, p);
        keys = 0;
    }
    for (uint32_t key = 0; key < keys; key += 2, s += 2 * rows, p += rows)
        weigh_pair(&at, s, rows, key + 1 < keys, p);
    _mm512_store_ps(sum, at.sum);
    return _mm512_cmp_ps_mask(at.most, bound, _CMP_GT_OQ) == 0;
}

/* The weights of KEYS_AT_ONCE keys or fewer, the tile's from `key` on, whose scores are in s_t. */
ALWAYS_INLINE bool weigh_scores(int vectors, uint32_t key, uint32_t keys, const spd_weighing *w) {
    const ptrdiff_t rows = (ptrdiff_t)vectors * TILE;
    const float *s = w->s_t;
    for (uint32_t end = key + keys; key < end; key += DEPTH, s += DEPTH * rows) {
        uint32_t *p = (uint32_t *)w->p_t + key / 2 * rows;
        float *sum = w->sums + key / w->sum_keys * rows;
        for (int v = 0; v < vectors; v++)
            if (!weigh_keys(end - key < DEPTH ? end - key : DEPTH, rows, s + v * TILE,
                            w->top + v * TILE, w, p + v * TILE, sum + v * TILE))
                return false;
    }
    return true;
}

ALWAYS_INLINE bool weigh_tile(int vectors, const spd_tile *k, uint32_t dim, const uint32_t *q_t,
                              const spd_weighing *w) {
    const uint32_t rows = (uint32_t)vectors * TILE;
    uint32_t key = 0;
    memset(w->sums, 0, (k->keys + w->sum_keys - 1) / w->sum_keys * rows * sizeof *w->sums);
    for (uint32_t i = 0; i < k->runs; i++) {
        spd_run next = k->run[i];
        for (uint32_t left = next.keys; left > 0; left -= next.keys, key += next.keys) {
            next.keys = left < KEYS_AT_ONCE ? left : KEYS_AT_ONCE;
            order_memory();
            score_run(vectors, &next, k->stride_bytes, dim, q_t, w->s_t, rows);
            if (!weigh_scores(vectors, key, next.keys, w))
                return false;
            next.first = (const char *)next.first + next.keys * k->stride_bytes;
        }
    }
    return true;
}

static bool score_and_weigh(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows,
                            const spd_weighing *w) {
    return rows == SPD_STRIP_ROWS ? weigh_tile(2, k, dim, q_t, w) : weigh_tile(1, k, dim, q_t, w);
}

const spd_level spd_level_amx = {.pairs = true,
                                 .group_pairs = DEPTH / 2,
                                 .tile_keys = SPD_TILE_KEYS_MAX,
                                 .unit_rows = 256,
                                 .loops = &spd_loops_pairs,
                                 .scores = scores,
                                 .output = output,
                                 .score_and_weigh = score_and_weigh,
                                 .enter = enter,
                                 .leave = leave};
