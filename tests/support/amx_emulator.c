/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See amx_emulator.h. */
#include "support/amx_emulator.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/processor.h"

enum { TILES = 8, ROWS = 16, WORDS = 16, ROW_BYTES = 64, MAX_TILES = 16 };

/* What the instruction that loads it reads. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[MAX_TILES];
    uint8_t rows[MAX_TILES];
} tile_config;

static _Thread_local bool configured;
static _Thread_local uint32_t tiles[TILES][ROWS][WORDS];

static void require(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "AMX: %s\n", what);
    abort();
}

static void require_config(void) {
    require(configured, "a tile is used, but tiles are not configured");
}

void amx_load_config(const void *config) {
    tile_config c;
    memcpy(&c, config, sizeof c);
    require(!configured, "tiles are configured twice");
    require(c.palette == 1 && c.start_row == 0, "palette is not 1, or start row not 0");
    for (int i = 0; i < MAX_TILES; i++)
        require(c.rows[i] == (i < TILES ? ROWS : 0) &&
                    c.row_bytes[i] == (i < TILES ? ROW_BYTES : 0),
                "a tile is not of 16 rows of 64 bytes");
    for (size_t i = 0; i < sizeof c.reserved; i++)
        require(c.reserved[i] == 0, "reserved bytes of the configuration are not 0");
    configured = true;
    memset(tiles, 0, sizeof tiles);
}

void amx_release(void) {
    require(configured, "tiles are released, but not configured");
    configured = false;
}

void amx_zero(int tile) {
    require_config();
    memset(tiles[tile], 0, sizeof tiles[tile]);
}

void amx_load(int tile, const void *from, ptrdiff_t stride_bytes) {
    require_config();
    for (int row = 0; row < ROWS; row++)
        memcpy(tiles[tile][row], (const char *)from + row * stride_bytes, ROW_BYTES);
}

void amx_store(int tile, void *to, ptrdiff_t stride_bytes) {
    require_config();
    for (int row = 0; row < ROWS; row++)
        memcpy((char *)to + row * stride_bytes, tiles[tile][row], ROW_BYTES);
}

/* ---- products ---- */

/* The float of these bits, 0 if it is subnormal. */
static inline float flushed(uint32_t bits) {
    float value;
    bits = (bits & 0x7f800000) ? bits : bits & 0x80000000;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float flush(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return flushed(bits);
}

static void multiply_row(float *sums, const uint32_t *left, uint32_t (*right)[WORDS]) {
    float even[WORDS] = {0.0f}, odd[WORDS] = {0.0f};
    for (int k = 0; k < WORDS; k++) {
        const float left_even = flushed(left[k] << 16), left_odd = flushed(left[k] & 0xffff0000);
        for (int n = 0; n < WORDS; n++) { /* a product of two bf16 is exact */
            even[n] = flush(even[n] + left_even * flushed(right[k][n] << 16));
            odd[n] = flush(odd[n] + left_odd * flushed(right[k][n] & 0xffff0000));
        }
    }
    for (int n = 0; n < WORDS; n++)
        sums[n] = flush(flush(sums[n]) + flush(even[n] + odd[n]));
}

void amx_multiply(int sums, int left, int right) {
    require_config();
    for (int m = 0; m < ROWS; m++) {
        float row[WORDS];
        memcpy(row, tiles[sums][m], sizeof row);
        multiply_row(row, tiles[left][m], tiles[right]);
        memcpy(tiles[sums][m], row, sizeof row);
    }
}

/* ---- the processor ---- */

/* The processor's own answer: what the linker's option --wrap makes of the two names. */
const char *__real_spd_processor_lacks(spd_isa isa);
const char *__wrap_spd_processor_lacks(spd_isa isa);

/* Tiles are here: the AMX level lacks what the level below it lacks. */
const char *__wrap_spd_processor_lacks(spd_isa isa) {
    return __real_spd_processor_lacks(isa == SPD_ISA_AMX ? SPD_ISA_AVX512_BF16 : isa);
}
