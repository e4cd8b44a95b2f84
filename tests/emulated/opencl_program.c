/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Programs: OpenCL C that is compiled to PTX, or PTX; as of NVIDIA's driver, their binaries are PTX. */
#include "emulated/opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *emulated_allocate(size_t bytes) {
    void *memory = calloc(bytes, 1);
    if (!memory)
        abort();
    return memory;
}

static cl_program new_program(char *source, char *ptx, cl_int *error_out) {
    cl_program program = emulated_allocate(sizeof *program);
    atomic_init(&program->references, 1);
    program->source = source;
    program->ptx = ptx;
    if (error_out)
        *error_out = CL_SUCCESS;
    return program;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint number, const char **texts,
                                     const size_t *lengths, cl_int *error_out) {
    size_t bytes = 0;
    (void)context;
    for (cl_uint i = 0; i < number; i++)
        bytes += lengths && lengths[i] ? lengths[i] : strlen(texts[i]);
    char *source = emulated_allocate(bytes + 1);
    for (cl_uint i = 0, at = 0; i < number; i++) {
        const size_t length = lengths && lengths[i] ? lengths[i] : strlen(texts[i]);
        memcpy(source + at, texts[i], length);
        at += (cl_uint)length;
    }
    return new_program(source, NULL, error_out);
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint number,
                                     const cl_device_id *devices, const size_t *lengths,
                                     const unsigned char **binaries, cl_int *taken,
                                     cl_int *error_out) {
    (void)context;
    (void)devices;
    if (number != 1) {
        if (error_out)
            *error_out = CL_INVALID_VALUE;
        return NULL;
    }
    char *ptx = emulated_allocate(lengths[0] + 1);
    memcpy(ptx, binaries[0], lengths[0]);
    if (taken)
        *taken = CL_SUCCESS;
    return new_program(NULL, ptx, error_out);
}

cl_int clBuildProgram(cl_program program, cl_uint number, const cl_device_id *devices,
                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                      void *user) {
    ptx_message message = {""};
    (void)number;
    (void)devices;
    (void)user;
    if (notify || program->built)
        return CL_INVALID_OPERATION;
    if (program->source && !program->ptx) {
        free(program->log);
        program->ptx = emulated_compile(program->source, options ? options : "", &program->log);
    }
    if (!program->ptx)
        return CL_BUILD_PROGRAM_FAILURE;
    program->built = ptx_parse(program->ptx, &message);
    if (program->built)
        return CL_SUCCESS;
    free(program->log);
    program->log = emulated_allocate(sizeof message.text + 32);
    snprintf(program->log, sizeof message.text + 32, "error: %s", message.text);
    return CL_BUILD_PROGRAM_FAILURE;
}

cl_int clGetProgramInfo(cl_program program, cl_program_info what, size_t size, void *value,
                        size_t *size_out) {
    const cl_uint one = 1;
    const cl_device_id device = emulated_device();
    const size_t bytes = program->ptx ? strlen(program->ptx) : 0;
    switch (what) {
    case CL_PROGRAM_NUM_DEVICES:
        return emulated_answer(&one, sizeof one, size, value, size_out);
    case CL_PROGRAM_DEVICES:
        return emulated_answer(&device, sizeof(device), size, value, size_out);
    case CL_PROGRAM_BINARY_SIZES:
        return emulated_answer(&bytes, sizeof bytes, size, value, size_out);
    case CL_PROGRAM_BINARIES:
        if (!value || size < sizeof(unsigned char *))
            return CL_INVALID_VALUE;
        memcpy(*(unsigned char **)value, program->ptx, bytes);
        return CL_SUCCESS;
    default:
        return CL_INVALID_VALUE;
    }
}

cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what,
                             size_t size, void *value, size_t *size_out) {
    const char *log = program->log ? program->log : "";
    (void)device;
    if (what != CL_PROGRAM_BUILD_LOG)
        return CL_INVALID_VALUE;
    return emulated_answer(log, strlen(log) + 1, size, value, size_out);
}

cl_int clReleaseProgram(cl_program program) {
    if (atomic_fetch_sub(&program->references, 1) > 1)
        return CL_SUCCESS;
    ptx_free(program->built);
    free(program->source);
    free(program->ptx);
    free(program->log);
    free(program);
    return CL_SUCCESS;
}
