/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The angles of rotary position embedding in its rotate-half form. Frequencies, angles, sines and
 * cosines are float32, as the models' published code computes them: at thousands of positions the
 * rounding of an angle is visible in the results, so more precision would be less exact.
 */
#ifndef TOOLS_DLM_ROPE_H
#define TOOLS_DLM_ROPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dlm_rope {
    uint32_t head_dim; /* even */
    float theta;
    size_t positions;
    float *table; /* [positions][head_dim]: the cosines, then the sines */
} dlm_rope;

/* Extends the table to `positions`; false: out of memory, and the table is as it was. */
bool dlm_rope_reserve(dlm_rope *rope, size_t positions);
void dlm_rope_free(dlm_rope *rope);

#endif
