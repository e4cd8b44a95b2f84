/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Patterns on their way into a set; see collection.h. */
#include "pattern/collection.h"

#include <stdlib.h>

#include "pattern/load.h"

static bool grow(pattern_collection *c, tool_error *error) {
    size_t room = c->room > 0 ? 2 * c->room : 16;
    sparsed_pattern **patterns = realloc(c->patterns, room * sizeof *patterns);
    if (patterns)
        c->patterns = patterns;
    uint32_t *layers = realloc(c->layers, room * sizeof *layers);
    if (layers)
        c->layers = layers;
    if (!patterns || !layers)
        return tool_fail(error, "out of memory for %zu patterns", room);
    c->room = room;
    return true;
}

bool pattern_collection_add(pattern_collection *collection, sparsed_pattern *pattern,
                            uint32_t layer, tool_error *error) {
    if (!pattern)
        return false;
    if (collection->count == collection->room && !grow(collection, error)) {
        sparsed_pattern_release(pattern);
        return false;
    }
    collection->patterns[collection->count] = pattern;
    collection->layers[collection->count++] = layer;
    return true;
}

sparsed_pattern_set *pattern_collection_make(const pattern_collection *collection,
                                             const sparsed_pattern_set_info *info,
                                             tool_error *error) {
    sparsed_pattern_set *set = NULL;
    sparsed_message message = {""};
    pattern_check(sparsed_pattern_set_create(info, collection->patterns, collection->layers,
                                             (uint32_t)collection->count, NULL, &set, &message),
                  &message, error);
    return set;
}

void pattern_collection_free(pattern_collection *collection) {
    for (size_t i = 0; i < collection->count; i++)
        sparsed_pattern_release(collection->patterns[i]);
    free(collection->patterns);
    free(collection->layers);
    *collection = (pattern_collection){.patterns = NULL};
}
