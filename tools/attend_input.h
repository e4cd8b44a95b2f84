/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What `sparsed attend` reads: q, k, v and optional valid ranges of a safetensors file, checked
 * against each other and in the storage type asked for.
 */
#ifndef TOOLS_ATTEND_INPUT_H
#define TOOLS_ATTEND_INPUT_H

#include <sparsed/sparsed.h>

#include "safetensors.h"

typedef struct attend_input {
    safetensors_file *file;
    sparsed_desc desc;                 /* shapes and dtype; out is f32 */
    const void *q, *k, *v;             /* packed, in desc.dtype */
    void *converted[3];                /* owned copies, where the file stores another type */
    uint64_t *valid_start, *valid_end; /* [batch] or NULL */
} attend_input;

/* dtype 0 = as the file stores q, k and v. */
bool attend_input_open(const char *path, uint32_t dtype, attend_input *input, tool_error *error);
void attend_input_close(attend_input *input);

#endif
