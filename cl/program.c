/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "program.h"

#include "program_build.h"
#include "program_cache.h"
#include "promote.h"
#include "quirks.h"

#include "../src/alloc.h"
#include "../src/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SOURCE_BYTES = 1 << 20 };

/* The texts before a kernel's own: each where its name begins so. */
static const struct {
    const char *prefix, *file;
} headers[] = {{"", "common.clh"},
               {"nv_", "nv.clh"},
               {"nv_mma_", "nv_mma.clh"},
               {"nv_score", "nv_scores.clh"},
               {"nv_wgmma_", "nv_scores.clh"},
               {"nv_wgmma_", "nv_wgmma.clh"}};

/* A kernel being built: the texts of the files before it, a line that names its own, and that one. */
typedef struct build {
    spd_cl_build of;
    char *own[SPD_CL_MAX_TEXTS]; /* of texts read from SPARSED_KERNEL_DIR; NULL = embedded */
    char line[80];
} build;

static sparsed_status read_text(build *b, const char *folder, const char *file, char **own) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = length > 0 && (size_t)length < sizeof path ? fopen(path, "rb") : NULL;
    if (!stream)
        return spd_fail(b->of.message, SPARSED_E_IO, "SPARSED_KERNEL_DIR: cannot open %.300s/%s",
                        folder, file);
    *own = spd_allocate(&b->of.state->allocator, MAX_SOURCE_BYTES, 1);
    size_t bytes = *own ? fread(*own, 1, MAX_SOURCE_BYTES - 1, stream) : 0;
    bool whole = *own && feof(stream) && !ferror(stream);
    fclose(stream);
    if (!whole)
        return spd_fail(b->of.message, SPARSED_E_IO, "SPARSED_KERNEL_DIR: cannot read %.300s/%s",
                        folder, file);
    (*own)[bytes] = '\0';
    return SPARSED_OK;
}

/* The next text, that of a file. */
static sparsed_status add_file(build *b, const char *file) {
    const char *folder = getenv("SPARSED_KERNEL_DIR");
    char **own = &b->own[b->of.text_count];
    sparsed_status status = SPARSED_OK;
    if (folder && folder[0])
        status = read_text(b, folder, file, own);
    b->of.texts[b->of.text_count++] = *own ? *own : spd_cl_source(file);
    return status;
}

static sparsed_status find_texts(build *b) {
    char file[64];
    snprintf(file, sizeof file, "%s.cl", b->of.name);
    snprintf(b->line, sizeof b->line, "#line 1 \"%s\"\n", file);
    sparsed_status status = SPARSED_OK;
    for (size_t i = 0; i < sizeof headers / sizeof *headers && status == SPARSED_OK; i++)
        if (strncmp(b->of.name, headers[i].prefix, strlen(headers[i].prefix)) == 0)
            status = add_file(b, headers[i].file);
    b->of.texts[b->of.text_count++] = b->line;
    return status == SPARSED_OK ? add_file(b, file) : status;
}

/* Of a program that is promoted another one than of the same, not promoted. */
static sparsed_fingerprint key_of(const build *b) {
    const char *texts[SPD_CL_MAX_TEXTS + 1];
    size_t count = b->of.text_count;
    memcpy(texts, b->of.texts, count * sizeof *texts);
    if (b->of.promoted)
        texts[count++] = spd_cl_promotion;
    return spd_cl_cache_key_of(b->of.state, texts, count, b->of.options);
}

/* False if there is no binary, or the driver does not take it. */
static bool build_stored(build *b, sparsed_fingerprint key) {
    size_t size_bytes;
    unsigned char *binary = spd_cl_cache_load(b->of.state, key, &size_bytes);
    if (!binary)
        return false;
    bool taken = spd_cl_build_binary(&b->of, binary, size_bytes);
    spd_release(&b->of.state->allocator, binary);
    return taken;
}

static void store(build *b, sparsed_fingerprint key) {
    size_t size_bytes;
    unsigned char *binary;
    if (spd_cl_build_take_binary(&b->of, &binary, &size_bytes, NULL) != SPARSED_OK)
        return;
    spd_cl_cache_store(key, binary, size_bytes);
    spd_release(&b->of.state->allocator, binary);
}

/* The state's own reference to a program that it has built before. */
static cl_program find_built(const spd_cl_state *s, sparsed_fingerprint key) {
    for (size_t i = 0; i < s->built_count && i < SPD_CL_MAX_BUILT; i++)
        if (s->built[i].key.low == key.low && s->built[i].key.high == key.high)
            return s->built[i].program;
    return NULL;
}

static void keep_built(spd_cl_state *s, sparsed_fingerprint key, cl_program program) {
    spd_cl_built *oldest = &s->built[s->built_count++ % SPD_CL_MAX_BUILT];
    if (oldest->program)
        s->api.ReleaseProgram(oldest->program);
    *oldest = (spd_cl_built){key, program};
}

void spd_cl_programs_release(spd_cl_state *state) {
    for (size_t i = 0; i < SPD_CL_MAX_BUILT; i++)
        if (state->built[i].program)
            state->api.ReleaseProgram(state->built[i].program);
    memset(state->built, 0, sizeof state->built);
    state->built_count = 0;
}

/* From the state, the disk or the source. The program is the state's, once it is built. */
static sparsed_status build_program(build *b) {
    spd_cl_state *s = b->of.state;
    sparsed_status status = find_texts(b);
    if (status != SPARSED_OK)
        return status;
    sparsed_fingerprint key = key_of(b);
    b->of.program = find_built(s, key);
    if (b->of.program)
        return SPARSED_OK;
    if (!build_stored(b, key)) {
        status = spd_cl_build_source(&b->of);
        if (status == SPARSED_OK && spd_cl_cache_is_on())
            store(b, key);
    }
    if (status == SPARSED_OK)
        keep_built(s, key, b->of.program);
    return status;
}

/* Most items of a work-group. */
static cl_int group_limit(const spd_cl_state *s, cl_kernel kernel, size_t *items) {
    /* NVIDIA's driver rounds the limit down to a power of two, and gives a kernel as many registers as
     * the size that it asks for allows. */
    if (s->quirks & SPD_QUIRK_NO_GROUP_LIMIT || s->capability > 0)
        return s->api.GetDeviceInfo(s->device.device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof *items,
                                    items, NULL);
    return s->api.GetKernelWorkGroupInfo(kernel, s->device.device, CL_KERNEL_WORK_GROUP_SIZE,
                                         sizeof *items, items, NULL);
}

/* A kernel may take fewer items than its device: to run it loses the device on some drivers. */
static sparsed_status check_group(spd_cl_state *s, cl_kernel kernel, const char *name,
                                  sparsed_message *message) {
    size_t asked[3] = {0, 0, 0}, most = 0;
    cl_int error = s->api.GetKernelWorkGroupInfo(
        kernel, s->device.device, CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof asked, asked, NULL);
    if (error == CL_SUCCESS)
        error = group_limit(s, kernel, &most);
    if (error != CL_SUCCESS)
        return spd_cl_check(s, error, "clGetKernelWorkGroupInfo", message);
    size_t items = asked[0] * asked[1] * asked[2]; /* 0: it asks for none */
    if (items <= most)
        return SPARSED_OK;
    return spd_fail(message, SPARSED_E_UNSUPPORTED,
                    "%s has work-groups of %zu items, and %s takes %zu of it", name, items,
                    s->info.selector, most);
}

sparsed_status spd_cl_kernel_build(spd_cl_state *state, const char *name, const char *options,
                                   bool promoted, cl_kernel *kernel, sparsed_message *message) {
    build b = {.of = {.state = state, .name = name, .promoted = promoted, .message = message}};
    cl_int error;
    *kernel = NULL;
    snprintf(b.of.options, sizeof b.of.options, "-cl-std=CL1.2 %s", options);
    sparsed_status status = build_program(&b);
    if (status == SPARSED_OK) {
        cl_kernel made = state->api.CreateKernel(b.of.program, name, &error);
        status = spd_cl_check(state, error, "clCreateKernel", message);
        if (status == SPARSED_OK) {
            status = check_group(state, made, name, message);
            if (status == SPARSED_OK)
                *kernel = made;
            else
                state->api.ReleaseKernel(made);
        }
    }
    for (size_t i = 0; i < SPD_CL_MAX_TEXTS; i++)
        spd_release(&state->allocator, b.own[i]);
    return status;
}
