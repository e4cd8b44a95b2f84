/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See nvidia_driver.h. */
#include "support/nvidia_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PROGRAMS = 64, MAX_DEVICES = 16 };

typedef struct ptx {
    cl_program program;  /* NULL: free */
    cl_device_id device; /* that it was built for */
    char *text;          /* ends with a 0 that is no part of it */
    size_t bytes;
} ptx;

static struct {
    unsigned capability;
    bool drops_comments;
    cl_program failed;
    ptx programs[MAX_PROGRAMS];
} driver;

static const char head[] = ".version 8.7\n.target sm_%u%s, texmode_independent\n.entry any()\n"
                           ".reqntid 128, 1, 1\n%s{}\n// source\n";

void nvidia_simulate(unsigned capability, bool drops_comments) {
    driver.capability = capability;
    driver.drops_comments = drops_comments;
    driver.failed = NULL;
}

bool nvidia_is_simulated(void) {
    return driver.capability > 0;
}

static ptx *find(cl_program program) {
    for (size_t i = 0; i < MAX_PROGRAMS; i++)
        if (driver.programs[i].program == program)
            return &driver.programs[i];
    return NULL;
}

static void keep(cl_program program, char *text, size_t bytes) {
    ptx *room = find(NULL);
    if (!room)
        abort();
    *room = (ptx){program, NULL, text, bytes};
}

static char *allocate(size_t bytes) {
    char *text = calloc(bytes, 1);
    if (!text)
        abort();
    return text;
}

static bool answer(const void *from, size_t bytes, size_t size, void *value, size_t *size_out,
                   cl_int *error) {
    *error = value && size < bytes ? CL_INVALID_VALUE : CL_SUCCESS;
    if (size_out)
        *size_out = bytes;
    if (value && size >= bytes)
        memcpy(value, from, bytes);
    return true;
}

bool nvidia_device_info(cl_device_info what, size_t size, void *value, size_t *size_out,
                        cl_int *error) {
    static const char extensions[] = "cl_khr_fp64 cl_nv_device_attribute_query";
    const cl_uint major = driver.capability / 10, minor = driver.capability % 10;
    if (!nvidia_is_simulated())
        return false;
    switch (what) {
    case CL_DEVICE_EXTENSIONS:
        return answer(extensions, sizeof extensions, size, value, size_out, error);
    case 0x4000:
        return answer(&major, sizeof major, size, value, size_out, error);
    case 0x4001:
        return answer(&minor, sizeof minor, size, value, size_out, error);
    default:
        return false;
    }
}

bool nvidia_program_info(const spd_cl_api *real, cl_program program, cl_program_info what,
                         size_t size, void *value, size_t *size_out, cl_int *error) {
    const ptx *p = find(program);
    cl_device_id devices[MAX_DEVICES];
    size_t sizes[MAX_DEVICES], devices_bytes;
    if (!p || !nvidia_is_simulated() ||
        (what != CL_PROGRAM_BINARY_SIZES && what != CL_PROGRAM_BINARIES))
        return false;
    *error =
        real->GetProgramInfo(program, CL_PROGRAM_DEVICES, sizeof devices, devices, &devices_bytes);
    const size_t count = devices_bytes / sizeof *devices;
    for (size_t i = 0; i < count && *error == CL_SUCCESS; i++) {
        const bool own = devices[i] == p->device;
        sizes[i] = own ? p->bytes : 1;
        if (what == CL_PROGRAM_BINARIES)
            memcpy(((unsigned char **)value)[i], own ? p->text : "-", sizes[i]);
    }
    return *error != CL_SUCCESS || what == CL_PROGRAM_BINARIES ||
           answer(sizes, count * sizeof *sizes, size, value, size_out, error);
}

bool nvidia_build_log(cl_program program, cl_program_build_info what, size_t size, void *value,
                      size_t *size_out, cl_int *error) {
    static const char log[] = "\nptxas info\nptxas error   : as the test has it\nptxas fatal\n";
    return nvidia_is_simulated() && program == driver.failed && what == CL_PROGRAM_BUILD_LOG &&
           answer(log, sizeof log, size, value, size_out, error);
}

/* The source in a text of this driver's; NULL in another one. */
static const char *source_of(const char *text) {
    char own[256], promoted[256];
    snprintf(own, sizeof own, head, driver.capability, "", "");
    snprintf(promoted, sizeof promoted, head, driver.capability, "a", ".minnctapersm 1\n");
    if (strncmp(text, own, strlen(own)) == 0)
        return text + strlen(own);
    return strncmp(text, promoted, strlen(promoted)) == 0 ? text + strlen(promoted) : NULL;
}

cl_program nvidia_program_of_binary(const spd_cl_api *real, cl_context context,
                                    const unsigned char *binary, size_t bytes, cl_int *error) {
    char *text = allocate(bytes + 1);
    memcpy(text, binary, bytes);
    const char *source = source_of(text);
    cl_program made = NULL;
    *error = CL_INVALID_BINARY;
    if (source)
        made = real->CreateProgramWithSource(context, 1, &source, NULL, error);
    if (made)
        keep(made, text, bytes);
    else
        free(text);
    return made;
}

static void drop_markers(char *text) {
    static const char marker[] = "//@90a";
    while ((text = strstr(text, marker)))
        memset(text, ' ', sizeof marker - 1);
}

void nvidia_note_source(cl_program program, cl_uint number, const char **texts) {
    size_t room = 256;
    if (!nvidia_is_simulated())
        return;
    for (cl_uint i = 0; i < number; i++)
        room += strlen(texts[i]);
    char *text = allocate(room);
    snprintf(text, room, head, driver.capability, "", "");
    for (cl_uint i = 0; i < number; i++)
        strcat(text, texts[i]);
    if (driver.drops_comments)
        drop_markers(text);
    keep(program, text, strlen(text));
}

void nvidia_note_build(cl_program program, cl_device_id device) {
    ptx *p = find(program);
    if (p)
        p->device = device;
}

void nvidia_note_failed_build(cl_program program) {
    driver.failed = program;
}

void nvidia_note_release(cl_program program) {
    ptx *p = find(program);
    if (!p)
        return;
    free(p->text);
    *p = (ptx){NULL, NULL, NULL, 0};
}
