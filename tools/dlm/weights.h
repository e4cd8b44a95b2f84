/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The safetensors shards of a model folder: by model.safetensors.index.json, or the one file
 * model.safetensors. Everything stays mapped and as stored.
 */
#ifndef TOOLS_DLM_WEIGHTS_H
#define TOOLS_DLM_WEIGHTS_H

#include "../safetensors.h"

typedef struct dlm_weights dlm_weights;

/* Opens all shards of DIR; checks that every tensor of the index is in the shard it names and that
 * a shard is named by a plain file name, so that none lies outside the folder. NULL on failure. */
dlm_weights *dlm_weights_open(const char *dir, tool_error *error);
void dlm_weights_close(dlm_weights *weights); /* NULL is ignored */

/* The tensor of that name; NULL, with an error that names it and the folder, unless it exists, is
 * f32, f16 or bf16, and has exactly this shape (cols 0: one-dimensional, rows elements). Its data
 * may have any alignment. */
const safetensors_tensor *dlm_weights_get(const dlm_weights *weights, const char *name,
                                          uint64_t rows, uint64_t cols, tool_error *error);

#endif
