/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The tile instructions of AMX-BF16 in C, so that cpu/x86/amx.c runs on any processor with the
 * level below it: that file is compiled with this header included first. Tiles
 * are of 16 rows of 64 bytes.
 *
 * A thread that uses a tile outside of a configuration, or configures or releases tiles twice,
 * aborts the test. Sanitizers see what tiles read and write.
 */
#ifndef TESTS_SUPPORT_AMX_EMULATOR_H
#define TESTS_SUPPORT_AMX_EMULATOR_H

#include <immintrin.h>
#include <stddef.h>

void amx_load_config(const void *config);
void amx_release(void);
void amx_zero(int tile);
void amx_load(int tile, const void *from, ptrdiff_t stride_bytes);
void amx_store(int tile, void *to, ptrdiff_t stride_bytes);

/* sums[m][n] += left[m][2k] * right[k][2n] + left[m][2k + 1] * right[k][2n + 1] over all k, rounded
 * as the processor does: elements of even and of odd place are summed as floats, one k after the
 * other, then all is added; subnormal numbers count as 0. */
void amx_multiply(int sums, int left, int right);

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig amx_load_config
#define _tile_release amx_release
#define _tile_zero amx_zero
#define _tile_loadd amx_load
#define _tile_stored amx_store
#define _tile_dpbf16ps amx_multiply

#endif
