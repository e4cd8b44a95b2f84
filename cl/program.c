/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "program.h"

#include "program_cache.h"
#include "quirks.h"

#include "../src/alloc.h"
#include "../src/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SOURCE_BYTES = 1 << 20, MAX_LOG_BYTES = 1 << 20, TEXTS = 3 };

static const char common[] = "common.clh";

/* A kernel being built: the text of common.clh, a line that names the kernel's file, its text. */
typedef struct build {
    spd_cl_state *state;
    const char *name;
    char options[256];
    char *own[2]; /* read from SPARSED_KERNEL_DIR; NULL = embedded */
    char line[80];
    const char *texts[TEXTS];
    cl_program program;
    sparsed_message *message;
} build;

static sparsed_status read_text(build *b, const char *folder, const char *file, char **own,
                                const char **text) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = length > 0 && (size_t)length < sizeof path ? fopen(path, "rb") : NULL;
    if (!stream)
        return spd_fail(b->message, SPARSED_E_IO, "SPARSED_KERNEL_DIR: cannot open %.300s/%s",
                        folder, file);
    *own = spd_allocate(&b->state->allocator, MAX_SOURCE_BYTES, 1);
    size_t bytes = *own ? fread(*own, 1, MAX_SOURCE_BYTES - 1, stream) : 0;
    bool whole = *own && feof(stream) && !ferror(stream);
    fclose(stream);
    if (!whole)
        return spd_fail(b->message, SPARSED_E_IO, "SPARSED_KERNEL_DIR: cannot read %.300s/%s",
                        folder, file);
    (*own)[bytes] = '\0';
    *text = *own;
    return SPARSED_OK;
}

static sparsed_status find_texts(build *b) {
    char file[64];
    const char *folder = getenv("SPARSED_KERNEL_DIR");
    snprintf(file, sizeof file, "%s.cl", b->name);
    b->texts[0] = spd_cl_source(common);
    snprintf(b->line, sizeof b->line, "#line 1 \"%s\"\n", file);
    b->texts[1] = b->line;
    b->texts[2] = spd_cl_source(file);
    if (!folder || !folder[0])
        return SPARSED_OK;
    sparsed_status status = read_text(b, folder, common, &b->own[0], &b->texts[0]);
    return status == SPARSED_OK ? read_text(b, folder, file, &b->own[1], &b->texts[2]) : status;
}

/* The compiler's log, from the state's allocator; NULL if it cannot be had. */
static char *build_log(build *b) {
    const spd_cl_api *api = &b->state->api;
    cl_device_id device = b->state->device.device;
    size_t bytes = 0;
    if (api->GetProgramBuildInfo(b->program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) !=
            CL_SUCCESS ||
        bytes > MAX_LOG_BYTES)
        return NULL;
    char *log = spd_allocate(&b->state->allocator, bytes + 1, 1);
    if (log && api->GetProgramBuildInfo(b->program, device, CL_PROGRAM_BUILD_LOG, bytes, log,
                                        NULL) != CL_SUCCESS)
        log[0] = '\0';
    return log;
}

/* The log's first line with an error, or else its first, cut out of it. */
static const char *first_error(char *log) {
    char *error = strstr(log, "error");
    char *line = error ? error : log + strspn(log, "\n");
    while (line > log && line[-1] != '\n')
        line--;
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static sparsed_status compile_failure(build *b, cl_int error) {
    if (error != CL_BUILD_PROGRAM_FAILURE)
        return spd_cl_check(b->state, error, "clBuildProgram", b->message);
    char *log = build_log(b);
    sparsed_status status =
        spd_fail(b->message, SPARSED_E_COMPILE, "%s does not build on %s: %.380s", b->name,
                 b->state->info.selector, log ? first_error(log) : "the driver gives no reason");
    spd_release(&b->state->allocator, log);
    return status;
}

static sparsed_status build_from_source(build *b) {
    const spd_cl_api *api = &b->state->api;
    cl_int error;
    b->program = api->CreateProgramWithSource(b->state->context, TEXTS, b->texts, NULL, &error);
    if (error != CL_SUCCESS)
        return spd_cl_check(b->state, error, "clCreateProgramWithSource", b->message);
    error = api->BuildProgram(b->program, 1, &b->state->device.device, b->options, NULL, NULL);
    return error == CL_SUCCESS ? SPARSED_OK : compile_failure(b, error);
}

/* False if there is no binary, or the driver does not take it. */
static bool build_from_binary(build *b, sparsed_fingerprint key) {
    const spd_cl_api *api = &b->state->api;
    size_t size_bytes;
    cl_int error, taken;
    unsigned char *binary = spd_cl_cache_load(b->state, key, &size_bytes);
    if (!binary)
        return false;
    const unsigned char *bytes = binary;
    b->program = api->CreateProgramWithBinary(b->state->context, 1, &b->state->device.device,
                                              &size_bytes, &bytes, &taken, &error);
    spd_release(&b->state->allocator, binary);
    if (error == CL_SUCCESS && taken == CL_SUCCESS)
        error = api->BuildProgram(b->program, 1, &b->state->device.device, b->options, NULL, NULL);
    if (error == CL_SUCCESS && taken == CL_SUCCESS)
        return true;
    if (b->program)
        api->ReleaseProgram(b->program);
    b->program = NULL;
    return false;
}

/* The program has one device. */
static void keep_binary(build *b, sparsed_fingerprint key) {
    const spd_cl_api *api = &b->state->api;
    size_t size_bytes = 0;
    if (api->GetProgramInfo(b->program, CL_PROGRAM_BINARY_SIZES, sizeof size_bytes, &size_bytes,
                            NULL) != CL_SUCCESS ||
        size_bytes == 0)
        return;
    unsigned char *binary = spd_allocate(&b->state->allocator, size_bytes, 1);
    if (binary && api->GetProgramInfo(b->program, CL_PROGRAM_BINARIES, sizeof binary, &binary,
                                      NULL) == CL_SUCCESS)
        spd_cl_cache_store(key, binary, size_bytes);
    spd_release(&b->state->allocator, binary);
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
    sparsed_status status = find_texts(b);
    if (status != SPARSED_OK)
        return status;
    sparsed_fingerprint key = spd_cl_cache_key_of(b->state, b->texts, TEXTS, b->options);
    b->program = find_built(b->state, key);
    if (b->program)
        return SPARSED_OK;
    if (!build_from_binary(b, key)) {
        status = build_from_source(b);
        if (status == SPARSED_OK && spd_cl_cache_is_on())
            keep_binary(b, key);
    }
    if (status == SPARSED_OK) {
        keep_built(b->state, key, b->program);
    } else if (b->program) {
        b->state->api.ReleaseProgram(b->program);
        b->program = NULL;
    }
    return status;
}

/* Most items of a work-group. */
static cl_int group_limit(const spd_cl_state *s, cl_kernel kernel, size_t *items) {
    if (s->quirks & SPD_QUIRK_NO_GROUP_LIMIT)
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
                                   cl_kernel *kernel, sparsed_message *message) {
    build b = {.state = state, .name = name, .message = message};
    cl_int error;
    *kernel = NULL;
    snprintf(b.options, sizeof b.options, "-cl-std=CL1.2 %s", options);
    sparsed_status status = build_program(&b);
    if (status == SPARSED_OK) {
        cl_kernel made = state->api.CreateKernel(b.program, name, &error);
        status = spd_cl_check(state, error, "clCreateKernel", message);
        if (status == SPARSED_OK) {
            status = check_group(state, made, name, message);
            if (status == SPARSED_OK)
                *kernel = made;
            else
                state->api.ReleaseKernel(made);
        }
    }
    spd_release(&state->allocator, b.own[0]);
    spd_release(&state->allocator, b.own[1]);
    return status;
}
