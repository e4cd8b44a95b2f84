/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The OpenCL functions that the backend calls, and the command's benchmark, taken from libOpenCL at
 * run time: a machine without it runs everything else. Each open device holds a table of its own.
 */
#ifndef SPD_CL_API_H
#define SPD_CL_API_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_icd.h>

#include <sparsed/sparsed.h>

typedef struct spd_cl_api {
    void *library;
    cl_api_clGetPlatformIDs GetPlatformIDs;
    cl_api_clGetPlatformInfo GetPlatformInfo;
    cl_api_clGetDeviceIDs GetDeviceIDs;
    cl_api_clGetDeviceInfo GetDeviceInfo;
    cl_api_clCreateContext CreateContext;
    cl_api_clRetainContext RetainContext;
    cl_api_clGetContextInfo GetContextInfo;
    cl_api_clReleaseContext ReleaseContext;
    cl_api_clCreateCommandQueue CreateCommandQueue;
    cl_api_clRetainCommandQueue RetainCommandQueue;
    cl_api_clReleaseCommandQueue ReleaseCommandQueue;
    cl_api_clGetCommandQueueInfo GetCommandQueueInfo;
    cl_api_clCreateBuffer CreateBuffer;
    cl_api_clReleaseMemObject ReleaseMemObject;
    cl_api_clGetMemObjectInfo GetMemObjectInfo;
    cl_api_clCreateProgramWithSource CreateProgramWithSource;
    cl_api_clCreateProgramWithBinary CreateProgramWithBinary;
    cl_api_clBuildProgram BuildProgram;
    cl_api_clGetProgramInfo GetProgramInfo;
    cl_api_clGetProgramBuildInfo GetProgramBuildInfo;
    cl_api_clReleaseProgram ReleaseProgram;
    cl_api_clCreateKernel CreateKernel;
    cl_api_clReleaseKernel ReleaseKernel;
    cl_api_clSetKernelArg SetKernelArg;
    cl_api_clGetKernelWorkGroupInfo GetKernelWorkGroupInfo;
    cl_api_clEnqueueNDRangeKernel EnqueueNDRangeKernel;
    cl_api_clEnqueueFillBuffer EnqueueFillBuffer;
    cl_api_clEnqueueReadBuffer EnqueueReadBuffer;
    cl_api_clEnqueueWriteBuffer EnqueueWriteBuffer;
    cl_api_clEnqueueReadBufferRect EnqueueReadBufferRect;
    cl_api_clEnqueueWriteBufferRect EnqueueWriteBufferRect;
    cl_api_clEnqueueCopyBufferRect EnqueueCopyBufferRect;
    cl_api_clEnqueueBarrierWithWaitList EnqueueBarrierWithWaitList;
    cl_api_clEnqueueMarkerWithWaitList EnqueueMarkerWithWaitList;
    cl_api_clFlush Flush;
    cl_api_clFinish Finish;
    cl_api_clGetEventInfo GetEventInfo;
    cl_api_clGetEventProfilingInfo GetEventProfilingInfo;
    cl_api_clRetainEvent RetainEvent;
    cl_api_clReleaseEvent ReleaseEvent;
} spd_cl_api;

/* Opens libOpenCL (SPARSED_OPENCL_LIBRARY names another file) and fills the table.
 * SPARSED_E_NO_DEVICE: there is none, or a function is missing; the message says which. The library
 * stays in the process once it was opened: drivers leave threads behind that outlive any context,
 * and opening it again costs nothing. */
sparsed_status spd_cl_api_open(spd_cl_api *api, sparsed_message *message);
/* The same from a given file. */
sparsed_status spd_cl_api_open_file(spd_cl_api *api, const char *file, sparsed_message *message);
void spd_cl_api_close(spd_cl_api *api); /* twice is fine */

/* "CL_OUT_OF_RESOURCES"; "error -9999" if it has no name. The text may be in `room`. */
const char *spd_cl_error_string(cl_int error, char room[32]);

#endif
