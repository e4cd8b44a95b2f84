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
    {"clWaitForEvents", offsetof(spd_cl_api, WaitForEvents)},
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

sparsed_status spd_cl_api_open(spd_cl_api *api, sparsed_message *message) {
    static const char *const names[] = {"libOpenCL.so.1", "libOpenCL.so"};
    const char *own = getenv("SPARSED_OPENCL_LIBRARY"), *missing = "";
    *api = (spd_cl_api){.library = NULL};
    if (own && own[0])
        api->library = dlopen(own, RTLD_NOW | RTLD_LOCAL);
    else
        for (size_t i = 0; i < 2 && !api->library; i++)
            api->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!api->library)
        return spd_fail(message, SPARSED_E_NO_DEVICE, "%s cannot be opened",
                        own && own[0] ? own : names[0]);
    if (fill(api, &missing))
        return SPARSED_OK;
    spd_cl_api_close(api);
    return spd_fail(message, SPARSED_E_NO_DEVICE, "libOpenCL has no %s: older than OpenCL 1.2",
                    missing);
}

void spd_cl_api_close(spd_cl_api *api) {
    if (api->library)
        dlclose(api->library);
    *api = (spd_cl_api){.library = NULL};
}

const char *spd_cl_error_string(cl_int error, char room[32]) {
    switch (error) {
    case CL_DEVICE_NOT_FOUND:
        return "CL_DEVICE_NOT_FOUND";
    case CL_DEVICE_NOT_AVAILABLE:
        return "CL_DEVICE_NOT_AVAILABLE";
    case CL_COMPILER_NOT_AVAILABLE:
        return "CL_COMPILER_NOT_AVAILABLE";
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
        return "CL_MEM_OBJECT_ALLOCATION_FAILURE";
    case CL_OUT_OF_RESOURCES:
        return "CL_OUT_OF_RESOURCES";
    case CL_OUT_OF_HOST_MEMORY:
        return "CL_OUT_OF_HOST_MEMORY";
    case CL_BUILD_PROGRAM_FAILURE:
        return "CL_BUILD_PROGRAM_FAILURE";
    case CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST:
        return "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST";
    case CL_INVALID_VALUE:
        return "CL_INVALID_VALUE";
    case CL_INVALID_BUFFER_SIZE:
        return "CL_INVALID_BUFFER_SIZE";
    case CL_INVALID_COMMAND_QUEUE:
        return "CL_INVALID_COMMAND_QUEUE";
    case CL_INVALID_CONTEXT:
        return "CL_INVALID_CONTEXT";
    case CL_INVALID_EVENT_WAIT_LIST:
        return "CL_INVALID_EVENT_WAIT_LIST";
    case CL_INVALID_KERNEL_ARGS:
        return "CL_INVALID_KERNEL_ARGS";
    case CL_INVALID_MEM_OBJECT:
        return "CL_INVALID_MEM_OBJECT";
    case CL_INVALID_WORK_GROUP_SIZE:
        return "CL_INVALID_WORK_GROUP_SIZE";
    default:
        snprintf(room, 32, "error %d", error);
        return room;
    }
}
