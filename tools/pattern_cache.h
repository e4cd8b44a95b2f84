/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A folder of pattern files, found by what their patterns depend on. Each file is DIR/KEY.spdp, KEY
 * 32 hexadecimal digits. Files appear whole (sparsed_pattern_set_save), so any number of processes
 * may use a folder at once; two that miss the same key both save, and the last one stays.
 */
#ifndef TOOLS_PATTERN_CACHE_H
#define TOOLS_PATTERN_CACHE_H

#include "method_run.h"

/* What the patterns of a run depend on. */
typedef struct pattern_cache_run {
    sparsed_fingerprint model, prompt;
    const method_plan *plan;
    const dlm_denoise_options *denoise;
    uint32_t mask_token; /* may come from a file that the model's fingerprint leaves out */
} pattern_cache_run;

/* Makes the folder, unless it is there, and what is missing above it, for its owner alone. */
bool pattern_cache_open(const char *dir, tool_error *error);

/* DIR/KEY.spdp, malloc'd; NULL if out of memory. */
char *pattern_cache_path(const char *dir, const pattern_cache_run *run, tool_error *error);

/* The set in that file, of the step that builds, if it is what such a run would save: read,
 * verified and compared. NULL with error->text "" if there is no file, else with what is
 * wrong with it. */
sparsed_pattern_set *pattern_cache_find(const char *path, const pattern_cache_run *run,
                                        const sparsed_desc *desc, uint32_t layers, uint32_t step,
                                        tool_error *error);

/* The same schedule for a run that has the patterns already. */
void pattern_cache_leave_out_builds(sparsed_schedule_entry *entries, uint32_t steps);

#endif
