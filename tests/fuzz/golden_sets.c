/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See golden_sets.h. */
#include "golden_sets.h"

#include "fuzz_target.h"

#include <stdio.h>

/* Inputs of the corpus refer to these by number: new ones go to the end. */
static const char *const names[] = {
    "all_records", "head_ratios",   "later_additions", "llada_padded",       "minimal",
    "paper_shard", "several_steps", "streaming",       "upstream_dream_f16", "upstream_dream_f32"};
enum { NAMES = sizeof names / sizeof names[0] };

const sparsed_pattern_set *golden_set(unsigned index) {
    static sparsed_pattern_set *sets[NAMES];
    sparsed_pattern_set **set = &sets[index % NAMES];
    if (!*set) {
        char path[512];
        snprintf(path, sizeof path, PATTERNS_DIR "/v1/%s.spdp", names[index % NAMES]);
        sparsed_message message;
        if (sparsed_pattern_set_load(path, NULL, set, &message) != SPARSED_OK) {
            fprintf(stderr, "%s\n", message.text);
            fuzz_require(false, "golden files are accepted");
        }
    }
    return *set;
}
