/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Cuts text into the pieces that BPE works on, by regular expressions one after another: each match
 * is a piece of its own, and so is what lies between two matches.
 */
#ifndef TOOLS_DLM_PRE_SPLIT_H
#define TOOLS_DLM_PRE_SPLIT_H

#include <stddef.h>

#include "../error.h"

typedef struct dlm_pre_split dlm_pre_split;

dlm_pre_split *dlm_pre_split_create(void);     /* NULL if out of memory */
void dlm_pre_split_free(dlm_pre_split *split); /* NULL is ignored */

/* Adds a step: a regular expression, or a literal string. Errors name the path it came from. */
bool dlm_pre_split_add(dlm_pre_split *split, const char *pattern, bool literal, const char *path,
                       tool_error *error);

/* Calls piece for each piece of text, from the left; they are not empty and cover it all. Bytes
 * that are not valid UTF-8 become pieces of their own. Stops when piece returns false. */
typedef bool dlm_piece_fn(void *user, const char *piece, size_t size_bytes, tool_error *error);
bool dlm_pre_split_run(const dlm_pre_split *split, const char *text, size_t size_bytes,
                       dlm_piece_fn *piece, void *user, tool_error *error);

#endif
