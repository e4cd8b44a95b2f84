/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A strip of 32 outputs of a linear layer as a level's product reads it: q_t of cpu/level.h for the
 * inputs up to the last multiple that all levels take, then floats [inputs left over][32]. Outputs
 * that the strip lacks are zeros.
 */
#ifndef TOOLS_DLM_LINEAR_PACK_H
#define TOOLS_DLM_LINEAR_PACK_H

#include "linear.h"
#include "widen.h"

enum { DLM_PACK_MULTIPLE = 32 };

/* Inputs that the level's product sums. */
static inline uint32_t dlm_pack_main(uint32_t in) {
    return in / DLM_PACK_MULTIPLE * DLM_PACK_MULTIPLE;
}

/* Words of 32 bits that their weights take, and all of the strip's. */
static inline size_t dlm_pack_main_words(const spd_level *level, uint32_t in) {
    return (size_t)dlm_pack_main(in) / (level->pairs ? 2 : 1) * SPD_STRIP_ROWS;
}

static inline size_t dlm_pack_words(const spd_level *level, uint32_t in) {
    return dlm_pack_main_words(level, in) + (size_t)(in - dlm_pack_main(in)) * SPD_STRIP_ROWS;
}

/* Packs outputs [first, first + count), at most 32. With pairs the weights are bf16. */
void dlm_pack_strip(const spd_level *level, const dlm_linear *linear, size_t first, uint32_t count,
                    uint32_t *to);

#endif
