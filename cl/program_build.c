/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "program_build.h"

#include "promote.h"

#include "../src/alloc.h"
#include "../src/error.h"
#include "../src/size.h"

#include <string.h>

enum { MAX_LOG_BYTES = 1 << 20, MAX_DEVICES = 256 };

static void drop_program(spd_cl_build *b) {
    if (b->program)
        b->state->api.ReleaseProgram(b->program);
    b->program = NULL;
}

/* The compiler's log, from the state's allocator; NULL if it cannot be had. */
static char *build_log(const spd_cl_build *b) {
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

static sparsed_status compile_failure(const spd_cl_build *b, cl_int error, const char *what) {
    if (error != CL_BUILD_PROGRAM_FAILURE && error != CL_INVALID_BINARY)
        return spd_cl_check(b->state, error, "clBuildProgram", b->message);
    char *log = build_log(b);
    sparsed_status status =
        spd_fail(b->message, SPARSED_E_COMPILE, "%s%s does not build on %s: %.380s", b->name, what,
                 b->state->info.selector, log ? first_error(log) : "the driver gives no reason");
    spd_release(&b->state->allocator, log);
    return status;
}

static cl_int compile(const spd_cl_build *b) {
    return b->state->api.BuildProgram(b->program, 1, &b->state->device.device, b->options, NULL,
                                      NULL);
}

static cl_int create_from_binary(spd_cl_build *b, const unsigned char *binary, size_t size_bytes) {
    cl_int error, taken = CL_SUCCESS;
    b->program = b->state->api.CreateProgramWithBinary(
        b->state->context, 1, &b->state->device.device, &size_bytes, &binary, &taken, &error);
    return error == CL_SUCCESS ? taken : error;
}

bool spd_cl_build_binary(spd_cl_build *b, const unsigned char *binary, size_t size_bytes) {
    cl_int error = create_from_binary(b, binary, size_bytes);
    if (error == CL_SUCCESS)
        error = compile(b);
    if (error != CL_SUCCESS)
        drop_program(b);
    return error == CL_SUCCESS;
}

/* Where the state's device is among the program's, of which a caller's cl_context may have more. */
static cl_int find_device(const spd_cl_build *b, size_t *index, size_t *count) {
    cl_device_id devices[MAX_DEVICES];
    size_t bytes = 0;
    cl_int error = b->state->api.GetProgramInfo(b->program, CL_PROGRAM_DEVICES, sizeof devices,
                                                devices, &bytes);
    *count = bytes / sizeof *devices;
    for (*index = 0; error == CL_SUCCESS && *index < *count; ++*index)
        if (devices[*index] == b->state->device.device)
            return CL_SUCCESS;
    return error == CL_SUCCESS ? CL_INVALID_DEVICE : error;
}

/* Room for the binaries of all the program's devices, one behind another: some drivers crash where they
 * are given none for one. *room is from the state's allocator; NULL if there is no memory. */
static void lay_out(const spd_cl_build *b, const size_t *sizes, size_t count,
                    unsigned char **binaries, unsigned char **room) {
    uint64_t bytes = 0;
    bool fits = true;
    for (size_t i = 0; i < count; i++)
        fits = fits && spd_add(bytes, sizes[i], &bytes);
    *room = fits ? spd_allocate(&b->state->allocator, bytes, 1) : NULL;
    for (size_t i = 0, at = 0; *room && i < count; at += sizes[i++])
        binaries[i] = *room + at;
}

sparsed_status spd_cl_build_take_binary(const spd_cl_build *b, unsigned char **binary,
                                        size_t *size_bytes, sparsed_message *message) {
    const spd_cl_api *api = &b->state->api;
    size_t sizes[MAX_DEVICES] = {0}, index, count;
    unsigned char *binaries[MAX_DEVICES], *room;
    *binary = NULL;
    *size_bytes = 0;
    cl_int error = find_device(b, &index, &count);
    if (error == CL_SUCCESS)
        error = api->GetProgramInfo(b->program, CL_PROGRAM_BINARY_SIZES, count * sizeof *sizes,
                                    sizes, NULL);
    if (error != CL_SUCCESS)
        return spd_cl_check(b->state, error, "clGetProgramInfo", message);
    if (sizes[index] == 0)
        return spd_fail(message, SPARSED_E_COMPILE, "the driver gives no binary of %s", b->name);
    lay_out(b, sizes, count, binaries, &room);
    if (!room)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a binary of %zu bytes",
                        sizes[index]);
    error = api->GetProgramInfo(b->program, CL_PROGRAM_BINARIES, count * sizeof *binaries, binaries,
                                NULL);
    if (error != CL_SUCCESS) {
        spd_release(&b->state->allocator, room);
        return spd_cl_check(b->state, error, "clGetProgramInfo", message);
    }
    memmove(room, binaries[index], sizes[index]);
    *binary = room;
    *size_bytes = sizes[index];
    return SPARSED_OK;
}

/* The program's own text, promoted; from the state's allocator. */
static sparsed_status promoted_text(const spd_cl_build *b, char **text, size_t *size_bytes) {
    unsigned char *ptx;
    size_t ptx_bytes;
    sparsed_message why = {""};
    *text = NULL;
    sparsed_status status = spd_cl_build_take_binary(b, &ptx, &ptx_bytes, b->message);
    if (status != SPARSED_OK)
        return status;
    status =
        spd_cl_promote(&b->state->allocator, (const char *)ptx, ptx_bytes, text, size_bytes, &why);
    spd_release(&b->state->allocator, ptx);
    return status == SPARSED_OK
               ? status
               : spd_fail(b->message, status, "%s cannot be promoted on %s: %.380s", b->name,
                          b->state->info.selector, why.text);
}

/* A program that is built gives way to the one made of its promoted text. */
static sparsed_status promote(spd_cl_build *b) {
    char *text;
    size_t size_bytes;
    sparsed_status status = promoted_text(b, &text, &size_bytes);
    if (status != SPARSED_OK)
        return status;
    drop_program(b);
    cl_int error = create_from_binary(b, (const unsigned char *)text, size_bytes);
    spd_release(&b->state->allocator, text);
    if (error == CL_INVALID_BINARY)
        return spd_fail(b->message, SPARSED_E_COMPILE, "%s does not take the promoted PTX of %s",
                        b->state->info.selector, b->name);
    if (error != CL_SUCCESS)
        return spd_cl_check(b->state, error, "clCreateProgramWithBinary", b->message);
    error = compile(b);
    return error == CL_SUCCESS ? SPARSED_OK : compile_failure(b, error, ", promoted,");
}

sparsed_status spd_cl_build_source(spd_cl_build *b) {
    cl_int error;
    b->program = b->state->api.CreateProgramWithSource(b->state->context, b->text_count, b->texts,
                                                       NULL, &error);
    if (error != CL_SUCCESS)
        return spd_cl_check(b->state, error, "clCreateProgramWithSource", b->message);
    error = compile(b);
    sparsed_status status = error == CL_SUCCESS ? SPARSED_OK : compile_failure(b, error, "");
    if (status == SPARSED_OK && b->promoted)
        status = promote(b);
    if (status != SPARSED_OK)
        drop_program(b);
    return status;
}
