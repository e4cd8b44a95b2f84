/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Kernels and their launches, which are over when the call that enqueues them returns. */
#include "emulated/opencl.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_GROUP_ITEMS = 1024, DIMENSIONS = 3 };

struct _cl_kernel {
    cl_program program;
    const ptx_kernel *code;
    ptx_parameter parameters[PTX_MAX_PARAMETERS];
    size_t count;
    bool set[PTX_MAX_PARAMETERS];
    unsigned char *block; /* of all parameters */
    char name[64];
};

static size_t block_bytes(const struct _cl_kernel *k) {
    return k->count > 0 ? k->parameters[k->count - 1].offset + k->parameters[k->count - 1].bytes
                        : 0;
}

cl_kernel clCreateKernel(cl_program program, const char *name, cl_int *error_out) {
    const ptx_kernel *code = program->built ? ptx_find_kernel(program->built, name) : NULL;
    if (error_out)
        *error_out = code             ? CL_SUCCESS
                     : program->built ? CL_INVALID_KERNEL_NAME
                                      : CL_INVALID_PROGRAM_EXECUTABLE;
    if (!code)
        return NULL;
    cl_kernel kernel = emulated_allocate(sizeof *kernel);
    kernel->program = program;
    atomic_fetch_add(&program->references, 1);
    kernel->code = code;
    kernel->count = ptx_parameters(code, kernel->parameters);
    kernel->block = emulated_allocate(block_bytes(kernel) + 1);
    snprintf(kernel->name, sizeof kernel->name, "%s", name);
    return kernel;
}

cl_int clReleaseKernel(cl_kernel kernel) {
    clReleaseProgram(kernel->program);
    free(kernel->block);
    free(kernel);
    return CL_SUCCESS;
}

/* A pointer's argument is a cl_mem, or NULL. */
static cl_int set_pointer(const void *value, unsigned char *to) {
    cl_mem memory = NULL;
    if (value)
        memcpy(&memory, value, sizeof(memory));
    const unsigned char *address = memory ? emulated_address(memory) : NULL;
    if (memory && !address)
        return CL_INVALID_MEM_OBJECT;
    memcpy(to, &address, sizeof address);
    return CL_SUCCESS;
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value) {
    if (index >= kernel->count)
        return CL_INVALID_ARG_INDEX;
    const ptx_parameter *p = &kernel->parameters[index];
    if (size != p->bytes)
        return CL_INVALID_ARG_SIZE;
    if (!value && !p->is_pointer)
        return CL_INVALID_ARG_VALUE;
    if (p->is_pointer) {
        cl_int error = set_pointer(value, kernel->block + p->offset);
        if (error != CL_SUCCESS)
            return error;
    } else {
        memcpy(kernel->block + p->offset, value, size);
    }
    kernel->set[index] = true;
    return CL_SUCCESS;
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device,
                                cl_kernel_work_group_info what, size_t size, void *value,
                                size_t *size_out) {
    const size_t most = MAX_GROUP_ITEMS;
    uint32_t items[DIMENSIONS];
    (void)device;
    if (what == CL_KERNEL_WORK_GROUP_SIZE)
        return emulated_answer(&most, sizeof most, size, value, size_out);
    if (what != CL_KERNEL_COMPILE_WORK_GROUP_SIZE)
        return CL_INVALID_VALUE;
    ptx_group_items(kernel->code, items);
    const size_t asked[DIMENSIONS] = {items[0], items[1], items[2]};
    return emulated_answer(asked, sizeof asked, size, value, size_out);
}

/* The launch's groups and items, if the kernel takes them. */
static cl_int shape(const struct _cl_kernel *k, cl_uint dimensions, const size_t *global,
                    const size_t *local, ptx_launch *launch) {
    uint32_t asked[DIMENSIONS];
    size_t all = 1;
    if (dimensions < 1 || dimensions > DIMENSIONS)
        return CL_INVALID_WORK_DIMENSION;
    ptx_group_items(k->code, asked);
    for (cl_uint i = 0; i < DIMENSIONS; i++) {
        const size_t items = i < dimensions && local ? local[i] : 1;
        const size_t of_all = i < dimensions ? global[i] : 1;
        if (items == 0 || of_all == 0 || of_all % items != 0 || of_all / items > UINT32_MAX ||
            items > MAX_GROUP_ITEMS || (asked[0] > 0 && items != asked[i]))
            return CL_INVALID_WORK_GROUP_SIZE;
        launch->items[i] = (uint32_t)items;
        launch->groups[i] = (uint32_t)(of_all / items);
        all *= items;
    }
    return all <= MAX_GROUP_ITEMS ? CL_SUCCESS : CL_INVALID_WORK_GROUP_SIZE;
}

/* Until all that the launch may use is there. */
static cl_int wait_for(cl_command_queue queue, cl_uint waits, const cl_event *wait) {
    const spd_cl_api *real = emulated_real();
    cl_int error = CL_SUCCESS;
    if (waits > 0)
        error = real->EnqueueBarrierWithWaitList(queue, waits, wait, NULL);
    return error == CL_SUCCESS ? real->Finish(queue) : error;
}

/* The text that the lines in a message are of: promoted, it is not the compiler's. */
static void keep_text(const struct _cl_kernel *k) {
    const char *folder = getenv("SPARSED_EMULATED_CACHE");
    static atomic_uint count;
    char path[400];
    if (!folder || !folder[0])
        return;
    snprintf(path, sizeof path, "%.250s/fault-%s-%ld-%u.ptx", folder, k->name, (long)getpid(),
             atomic_fetch_add(&count, 1));
    FILE *file = fopen(path, "w");
    if (!file)
        return;
    fputs(k->program->ptx, file);
    if (fclose(file) == 0)
        fprintf(stderr, "emulated_nvidia: its lines are those of %s\n", path);
}

static cl_int run(const struct _cl_kernel *k, ptx_launch *launch) {
    ptx_message message = {""};
    ptx_range *ranges = emulated_ranges(&launch->ranges);
    launch->memory = ranges;
    const bool done = ptx_run(k->code, launch, &message);
    free(ranges);
    if (done)
        return CL_SUCCESS;
    fprintf(stderr, "emulated_nvidia: %s\n",
            message.text); /* which begins with the kernel's name */
    keep_text(k);
    return CL_OUT_OF_RESOURCES;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint waits, const cl_event *wait, cl_event *event) {
    ptx_launch launch = {.parameters = kernel->block};
    if (offset)
        return CL_INVALID_GLOBAL_OFFSET;
    for (size_t i = 0; i < kernel->count; i++)
        if (!kernel->set[i])
            return CL_INVALID_KERNEL_ARGS;
    cl_int error = shape(kernel, dimensions, global, local, &launch);
    if (error == CL_SUCCESS)
        error = wait_for(queue, waits, wait);
    if (error == CL_SUCCESS)
        error = run(kernel, &launch);
    return error == CL_SUCCESS && event
               ? emulated_real()->EnqueueMarkerWithWaitList(queue, 0, NULL, event)
               : error;
}
