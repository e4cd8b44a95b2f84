/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "../peaks.h"

#include <immintrin.h>

enum { ROW_BYTES = 64, TILE_BYTES = 16 * ROW_BYTES, OPERATIONS = 2 * 16 * 16 * 32 };

/* Four sums of two left and two right tiles, each loaded for every turn, as a kernel must. */
double bench_peak_amx(const void *data, uint64_t turns, float *sink) {
    const char *tiles = data;
    float sums[16 * 16] = {0.0f};
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (uint64_t n = 0; n < turns; n++) {
        const char *at = tiles + n % 2 * (4 * TILE_BYTES);
        _tile_loadd(4, at, ROW_BYTES);
        _tile_loadd(6, at + TILE_BYTES, ROW_BYTES);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, at + 2 * TILE_BYTES, ROW_BYTES);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, at + 3 * TILE_BYTES, ROW_BYTES);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(3, sums, ROW_BYTES);
    __asm__ volatile("" ::: "memory"); /* the store is one */
    *sink += sums[0];
    return 4.0 * OPERATIONS * (double)turns;
}
