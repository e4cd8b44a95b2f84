/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "elementwise.h"

const dlm_elementwise *dlm_elementwise_for(const spd_level *level) {
#if defined(SPD_X86_LEVELS)
    if (level == &spd_level_avx2) {
        return &dlm_elementwise_avx2;
    }
    if (level == &spd_level_avx512) {
        return &dlm_elementwise_avx512;
    }
#endif
    (void)level;
    return &dlm_elementwise_baseline;
}
