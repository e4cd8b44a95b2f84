/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "levels.h"

#include "blas/gemm.h"

#include <stdio.h>

const spd_level_row spd_level_rows[SPD_LEVELS] = {
#if defined(SPD_X86_LEVELS)
    [SPD_LEVEL_AMX] = {SPD_ISA_AMX, &spd_level_amx},
    [SPD_LEVEL_AVX512_BF16] = {SPD_ISA_AVX512_BF16, &spd_level_avx512_bf16},
    [SPD_LEVEL_AVX512] = {SPD_ISA_AVX512, &spd_level_avx512},
    [SPD_LEVEL_AVX2] = {SPD_ISA_AVX2, &spd_level_avx2},
#elif defined(SPD_ARM_LEVELS)
    [SPD_LEVEL_NEON] = {SPD_ISA_NEON, &spd_level_neon},
#endif
    [SPD_LEVEL_BLAS] = {SPD_ISA_BASELINE, &spd_level_blas},
    [SPD_LEVEL_PLAIN] = {SPD_ISA_BASELINE, &spd_level_plain},
};

const char *spd_level_row_name(size_t row) {
    if (row == SPD_LEVEL_BLAS)
        return "blas";
    return row == SPD_LEVEL_PLAIN ? "plain" : spd_isa_name(spd_level_rows[row].isa);
}

bool spd_level_row_runs(size_t row, char *why_not, size_t size) {
    const spd_level_row *r = &spd_level_rows[row];
    if (!spd_isa_runs(r->isa, why_not, size))
        return false;
    if (row != SPD_LEVEL_BLAS || spd_gemm_openblas())
        return true;
    if (why_not)
        snprintf(why_not, size, "libopenblas.so.0 was not found");
    return false;
}

const spd_level *spd_level_best(bool pairs) {
    for (size_t row = 0; row < SPD_LEVELS; row++)
        if (spd_level_rows[row].level->pairs == pairs && spd_level_row_runs(row, NULL, 0))
            return spd_level_rows[row].level;
    return NULL;
}

spd_isa spd_level_isa(const spd_level *level) {
    size_t row = 0;
    while (row < SPD_LEVEL_PLAIN && spd_level_rows[row].level != level)
        row++;
    return spd_level_rows[row].isa;
}
