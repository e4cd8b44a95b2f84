/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Patterns that a subcommand gathers to make a set of them.
 */
#ifndef TOOLS_PATTERN_COLLECTION_H
#define TOOLS_PATTERN_COLLECTION_H

#include <stddef.h>

#include <sparsed/pattern.h>

#include "error.h"

typedef struct pattern_collection {
    sparsed_pattern **patterns; /* each with a reference that the collection holds */
    uint32_t *layers;
    size_t count, room;
} pattern_collection;

/* Takes the caller's reference over, also if it fails. A NULL pattern is what a failed call gave:
 * false, and the error stays as it is. */
bool pattern_collection_add(pattern_collection *collection, sparsed_pattern *pattern,
                            uint32_t layer, tool_error *error);

/* Makes the set; NULL on failure. info->creator NULL: this program. */
sparsed_pattern_set *pattern_collection_make(const pattern_collection *collection,
                                             const sparsed_pattern_set_info *info,
                                             tool_error *error);

void pattern_collection_free(pattern_collection *collection);

#endif
