/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "crossover.h"

const sparsed_crossover_row spd_crossover_shipped[] = {
    {"", "cpu-avx512", SPARSED_F32, 64, 32, 32, SPARSED_CROSSOVER_SHIPPED, 0, 0.3, 64, 128},
};

const size_t spd_crossover_shipped_count =
    sizeof spd_crossover_shipped / sizeof *spd_crossover_shipped;
