/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "pattern_cache.h"
#include "../src/number_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"

/* A new meaning of a key needs a new text here. */
static const char key_version[] = "sparsed pattern cache 1";

/* Makes the folder that the first `length` bytes of dir name, unless something is there. */
static bool make_folder(const char *dir, size_t length, mode_t mode, tool_error *error) {
    char *part = malloc(length + 1);
    bool done = false;
    if (!part)
        return tool_fail(error, "--pattern-cache %s: out of memory", dir);
    memcpy(part, dir, length);
    part[length] = '\0';
    if (mkdir(part, mode) == 0 || errno == EEXIST)
        done = true;
    else
        tool_fail(error, "--pattern-cache %s: cannot make %s: %s", dir, part, strerror(errno));
    free(part);
    return done;
}

bool pattern_cache_open(const char *dir, tool_error *error) {
    enum { OWN = 0700, AS_THE_UMASK_SAYS = 0777 };
    struct stat info;
    size_t length = strlen(dir);
    while (length > 1 && dir[length - 1] == '/')
        length--;
    for (size_t i = 1; i < length; i++)
        if (dir[i] == '/' && dir[i - 1] != '/' && !make_folder(dir, i, OWN, error))
            return false;
    if (!make_folder(dir, length, AS_THE_UMASK_SAYS, error))
        return false;
    return (stat(dir, &info) == 0 && S_ISDIR(info.st_mode)) ||
           tool_fail(error, "--pattern-cache %s: is there, but is no folder", dir);
}

static sparsed_fingerprint key_of(const pattern_cache_run *run) {
    const sparsed_select *s = &run->plan->select;
    const dlm_denoise_options *d = run->denoise;
    const uint64_t fingerprints[] = {run->model.low, run->model.high, run->prompt.low,
                                     run->prompt.high};
    const uint64_t numbers[] = {s->mode,
                                s->score_reduce,
                                s->flags,
                                s->always_first,
                                s->block_q,
                                s->block_k,
                                (uint64_t)run->plan->dtype,
                                (uint64_t)d->sampler,
                                d->gen_length,
                                d->steps,
                                d->block_length,
                                run->mask_token};
    const double reals[] = {s->ratio, s->score_scale, run->plan->skip};
    sparsed_fingerprint key = {0, 0};
    key = sparsed_fingerprint_add(key, key_version, sizeof key_version);
    key = sparsed_fingerprint_add(key, fingerprints, sizeof fingerprints);
    key = sparsed_fingerprint_add(key, numbers, sizeof numbers);
    key = sparsed_fingerprint_add(key, reals, sizeof reals);
    return sparsed_fingerprint_add(key, run->plan->schedule, strlen(run->plan->schedule));
}

char *pattern_cache_path(const char *dir, const pattern_cache_run *run, tool_error *error) {
    char name[sizeof "0123456789abcdef0123456789abcdef.spdp"];
    sparsed_fingerprint key = key_of(run);
    snprintf(name, sizeof name, "%016llx%016llx.spdp", (unsigned long long)key.high,
             (unsigned long long)key.low);
    return file_join(dir, name, error);
}

static bool fail_skip(const char *path, double files, double runs, tool_error *error) {
    return tool_fail(error, "%s: skip is %s, the run's is %s", path, spd_number_text_of(files).text,
                     spd_number_text_of(runs).text);
}

/* What matching leaves out, because it makes no difference to a pattern's use. */
static bool same_run(const sparsed_pattern_set *set, const char *path, const pattern_cache_run *run,
                     tool_error *error) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern_set_describe(set, &info, NULL);
    if (info.steps != run->denoise->steps)
        return tool_fail(error, "%s: steps is %u, the run's is %u", path, info.steps,
                         run->denoise->steps);
    if (info.skip != run->plan->skip)
        return fail_skip(path, info.skip, run->plan->skip, error);
    if (strcmp(info.schedule, run->plan->schedule) != 0)
        return tool_fail(error, "%s: schedule is '%s', the run's is '%s'", path, info.schedule,
                         run->plan->schedule);
    return true;
}

sparsed_pattern_set *pattern_cache_find(const char *path, const pattern_cache_run *run,
                                        const sparsed_desc *desc, uint32_t layers, uint32_t step,
                                        tool_error *error) {
    sparsed_select select = run->plan->select;
    sparsed_pattern_set *set = NULL;
    sparsed_message message;
    select.gen_len = run->denoise->gen_length;
    const sparsed_pattern_match match = {.struct_size = sizeof match,
                                         .flags = SPARSED_MATCH_SELECTION,
                                         .layers = layers,
                                         .step = step,
                                         .desc = desc,
                                         .select = &select,
                                         .model = run->model,
                                         .prompt = run->prompt};
    error->text[0] = '\0';
    if (!file_exists(path))
        return NULL;
    bool found = sparsed_pattern_set_load(path, NULL, &set, &message) == SPARSED_OK;
    if (!found)
        tool_fail(error, "%s", message.text);
    else if (sparsed_pattern_set_match(set, &match, &message) != SPARSED_OK)
        found = tool_fail(error, "%s: %s", path, message.text);
    if (found && same_run(set, path, run, error))
        return set;
    sparsed_pattern_set_release(set);
    return NULL;
}

void pattern_cache_leave_out_builds(sparsed_schedule_entry *entries, uint32_t steps) {
    for (uint32_t i = 0; i < steps; i++)
        if (entries[i].op == SPARSED_DENSE_BUILD)
            entries[i].op = SPARSED_DENSE;
        else if (entries[i].op == SPARSED_BUILD_SPARSE)
            entries[i].op = SPARSED_SPARSE;
}
