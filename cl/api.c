/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* libOpenCL, opened at run time. */
#include "api.h"

#include "../src/error.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct api_function {
    const char *name;
    size_t offset;
} api_function;

static const api_function functions[] = {
    {"clGetPlatformIDs", offsetof(spd_cl_api, GetPlatformIDs)},
    {"clGetPlatformInfo", offsetof(spd_cl_api, GetPlatformInfo)},
    {"clGetDeviceIDs", offsetof(spd_cl_api, GetDeviceIDs)},
    {"clGetDeviceInfo", offsetof(spd_cl_api, GetDeviceInfo)},
    {"clCreateContext", offsetof(spd_cl_api, CreateContext)},
    {"clRetainContext", offsetof(spd_cl_api, RetainContext)},
    {"clGetContextInfo", offsetof(spd_cl_api, GetContextInfo)},
    {"clReleaseContext", offsetof(spd_cl_api, ReleaseContext)},
    {"clCreateCommandQueue", offsetof(spd_cl_api, CreateCommandQueue)},
    {"clRetainCommandQueue", offsetof(spd_cl_api, RetainCommandQueue)},
    {"clReleaseCommandQueue", offsetof(spd_cl_api, ReleaseCommandQueue)},
    {"clGetCommandQueueInfo", offsetof(spd_cl_api, GetCommandQueueInfo)},
    {"clCreateBuffer", offsetof(spd_cl_api, CreateBuffer)},
    {"clReleaseMemObject", offsetof(spd_cl_api, ReleaseMemObject)},
    {"clGetMemObjectInfo", offsetof(spd_cl_api, GetMemObjectInfo)},
    {"clCreateProgramWithSource", offsetof(spd_cl_api, CreateProgramWithSource)},
    {"clCreateProgramWithBinary", offsetof(spd_cl_api, CreateProgramWithBinary)},
    {"clBuildProgram", offsetof(spd_cl_api, BuildProgram)},
    {"clGetProgramInfo", offsetof(spd_cl_api, GetProgramInfo)},
    {"clGetProgramBuildInfo", offsetof(spd_cl_api, GetProgramBuildInfo)},
    {"clReleaseProgram", offsetof(spd_cl_api, ReleaseProgram)},
    {"clCreateKernel", offsetof(spd_cl_api, CreateKernel)},
    {"clReleaseKernel", offsetof(spd_cl_api, ReleaseKernel)},
    {"clSetKernelArg", offsetof(spd_cl_api, SetKernelArg)},
    {"clGetKernelWorkGroupInfo", offsetof(spd_cl_api, GetKernelWorkGroupInfo)},
    {"clEnqueueNDRangeKernel", offsetof(spd_cl_api, EnqueueNDRangeKernel)},
    {"clEnqueueFillBuffer", offsetof(spd_cl_api, EnqueueFillBuffer)},
    {"clEnqueueReadBuffer", offsetof(spd_cl_api, EnqueueReadBuffer)},
    {"clEnqueueWriteBuffer", offsetof(spd_cl_api, EnqueueWriteBuffer)},
    {"clEnqueueReadBufferRect", offsetof(spd_cl_api, EnqueueReadBufferRect)},
    {"clEnqueueWriteBufferRect", offsetof(spd_cl_api, EnqueueWriteBufferRect)},
    {"clEnqueueCopyBufferRect", offsetof(spd_cl_api, EnqueueCopyBufferRect)},
    {"clEnqueueBarrierWithWaitList", offsetof(spd_cl_api, EnqueueBarrierWithWaitList)},
    {"clEnqueueMarkerWithWaitList", offsetof(spd_cl_api, EnqueueMarkerWithWaitList)},
    {"clFlush", offsetof(spd_cl_api, Flush)},
    {"clFinish", offsetof(spd_cl_api, Finish)},
    {"clGetEventInfo", offsetof(spd_cl_api, GetEventInfo)},
    {"clGetEventProfilingInfo", offsetof(spd_cl_api, GetEventProfilingInfo)},
    {"clRetainEvent", offsetof(spd_cl_api, RetainEvent)},
    {"clReleaseEvent", offsetof(spd_cl_api, ReleaseEvent)},
};

/* Every entry of the table is a function pointer of the size of a data pointer, as POSIX has it. */
static bool fill(spd_cl_api *api, const char **missing) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *address = dlsym(api->library, functions[i].name);
        if (!address) {
            *missing = functions[i].name;
            return false;
        }
        memcpy((char *)api + functions[i].offset, &address, sizeof address);
    }
    return true;
}

sparsed_status spd_cl_api_open_file(spd_cl_api *api, const char *file, sparsed_message *message) {
    const char *missing = "";
    *api = (spd_cl_api){.library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)};
    if (!api->library) {
        const char *why = dlerror();
        return spd_fail(message, SPARSED_E_NO_DEVICE, "%.400s", why ? why : file);
    }
    if (fill(api, &missing))
        return SPARSED_OK;
    spd_cl_api_close(api);
    return spd_fail(message, SPARSED_E_NO_DEVICE, "%.300s has no %s: older than OpenCL 1.2", file,
                    missing);
}

sparsed_status spd_cl_api_open(spd_cl_api *api, sparsed_message *message) {
    const char *own = getenv("SPARSED_OPENCL_LIBRARY");
    if (own && own[0])
        return spd_cl_api_open_file(api, own, message);
    sparsed_status status = spd_cl_api_open_file(api, "libOpenCL.so.1", message);
    /* The first name is the usual one: its message stays. */
    if (status != SPARSED_OK && spd_cl_api_open_file(api, "libOpenCL.so", NULL) == SPARSED_OK) {
        spd_message_clear(message);
        status = SPARSED_OK;
    }
    return status;
}

void spd_cl_api_close(spd_cl_api *api) {
    if (api->library)
        dlclose(api->library);
    *api = (spd_cl_api){.library = NULL};
}

typedef struct error_name {
    cl_int error;
    const char *name;
} error_name;

static const error_name error_names[] = {
    {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND"},
    {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE"},
    {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE"},
    {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
    {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES"},
    {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY"},
    {CL_MEM_COPY_OVERLAP, "CL_MEM_COPY_OVERLAP"},
    {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE"},
    {CL_MISALIGNED_SUB_BUFFER_OFFSET, "CL_MISALIGNED_SUB_BUFFER_OFFSET"},
    {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
    {CL_INVALID_VALUE, "CL_INVALID_VALUE"},
    {CL_INVALID_PLATFORM, "CL_INVALID_PLATFORM"},
    {CL_INVALID_DEVICE, "CL_INVALID_DEVICE"},
    {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT"},
    {CL_INVALID_QUEUE_PROPERTIES, "CL_INVALID_QUEUE_PROPERTIES"},
    {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE"},
    {CL_INVALID_HOST_PTR, "CL_INVALID_HOST_PTR"},
    {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT"},
    {CL_INVALID_BINARY, "CL_INVALID_BINARY"},
    {CL_INVALID_BUILD_OPTIONS, "CL_INVALID_BUILD_OPTIONS"},
    {CL_INVALID_PROGRAM, "CL_INVALID_PROGRAM"},
    {CL_INVALID_PROGRAM_EXECUTABLE, "CL_INVALID_PROGRAM_EXECUTABLE"},
    {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME"},
    {CL_INVALID_KERNEL_DEFINITION, "CL_INVALID_KERNEL_DEFINITION"},
    {CL_INVALID_KERNEL, "CL_INVALID_KERNEL"},
    {CL_INVALID_ARG_INDEX, "CL_INVALID_ARG_INDEX"},
    {CL_INVALID_ARG_VALUE, "CL_INVALID_ARG_VALUE"},
    {CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE"},
    {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS"},
    {CL_INVALID_WORK_DIMENSION, "CL_INVALID_WORK_DIMENSION"},
    {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE"},
    {CL_INVALID_WORK_ITEM_SIZE, "CL_INVALID_WORK_ITEM_SIZE"},
    {CL_INVALID_GLOBAL_OFFSET, "CL_INVALID_GLOBAL_OFFSET"},
    {CL_INVALID_EVENT_WAIT_LIST, "CL_INVALID_EVENT_WAIT_LIST"},
    {CL_INVALID_EVENT, "CL_INVALID_EVENT"},
    {CL_INVALID_OPERATION, "CL_INVALID_OPERATION"},
    {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE"},
    {CL_INVALID_GLOBAL_WORK_SIZE, "CL_INVALID_GLOBAL_WORK_SIZE"},
    {CL_INVALID_PROPERTY, "CL_INVALID_PROPERTY"},
    {CL_PLATFORM_NOT_FOUND_KHR, "CL_PLATFORM_NOT_FOUND_KHR"},
};

const char *spd_cl_error_string(cl_int error, char room[32]) {
    for (size_t i = 0; i < sizeof error_names / sizeof *error_names; i++)
        if (error_names[i].error == error)
            return error_names[i].name;
    snprintf(room, 32, "error %d", error);
    return room;
}
