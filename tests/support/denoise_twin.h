/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Free runs of a model against the golden ones, attended plainly. */
#ifndef TESTS_SUPPORT_DENOISE_TWIN_H
#define TESTS_SUPPORT_DENOISE_TWIN_H

#include "dlm/denoise.h"

typedef struct denoise_twin {
    const char *model_dir, *golden, *name; /* of the run: "full" */
    dlm_sampler sampler;
    uint32_t block_length;
    bool sparse;     /* with the stored pattern after the pattern step */
    bool every_step; /* tokens are compared before each step; else at the end alone */
} denoise_twin;

/* Runs it and demands the tokens of its golden twin. */
void denoise_check_twin(const denoise_twin *c);

#endif
