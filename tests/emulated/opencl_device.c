/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* One platform and its device. */
#include "emulated/opencl.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PLATFORMS = 64, MAX_NAME_BYTES = 256 };

/* Of cl_nv_device_attribute_query. */
enum { COMPUTE_CAPABILITY_MAJOR = 0x4000, COMPUTE_CAPABILITY_MINOR = 0x4001 };

static struct {
    spd_cl_api api;
    cl_platform_id platform;
    cl_device_id device;
} real;

static void find_device(void) {
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = 0;
    sparsed_message message;
    if (spd_cl_api_open_file(&real.api, "libOpenCL.so.1", &message) != SPARSED_OK) {
        fprintf(stderr, "emulated_nvidia: %s\n", message.text);
        abort();
    }
    if (real.api.GetPlatformIDs(MAX_PLATFORMS, platforms, &count) != CL_SUCCESS)
        count = 0;
    for (cl_uint i = 0; i < count && i < MAX_PLATFORMS && !real.device; i++) {
        char name[MAX_NAME_BYTES] = "";
        real.platform = platforms[i];
        real.api.GetPlatformInfo(real.platform, CL_PLATFORM_NAME, sizeof name - 1, name, NULL);
        if (strcmp(name, "Portable Computing Language") == 0)
            real.api.GetDeviceIDs(real.platform, CL_DEVICE_TYPE_CPU, 1, &real.device, NULL);
    }
    if (!real.device)
        fprintf(
            stderr,
            "emulated_nvidia: PoCL, which it needs, is not among the drivers, or has no processor\n");
}

static void begin(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_device);
}

const spd_cl_api *emulated_real(void) {
    begin();
    return &real.api;
}

cl_device_id emulated_device(void) {
    begin();
    return real.device;
}

unsigned emulated_capability(void) {
    const char *own = getenv("SPARSED_EMULATED_CAPABILITY");
    if (!own || !own[0])
        return 90;
    const size_t digits = strspn(own, "0123456789");
    if (own[digits] || digits < 2 || digits > 3) {
        fprintf(stderr,
                "emulated_nvidia: SPARSED_EMULATED_CAPABILITY is '%.40s': not 80, 90 or the like\n",
                own);
        exit(EXIT_FAILURE);
    }
    return (unsigned)strtoul(own, NULL, 10);
}

cl_int emulated_answer(const void *from, size_t bytes, size_t size, void *value, size_t *size_out) {
    if (size_out)
        *size_out = bytes;
    if (value && size < bytes)
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, from, bytes);
    return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t size, void *value, size_t *size_out) {
    return emulated_answer(text, strlen(text) + 1, size, value, size_out);
}

cl_int clGetPlatformIDs(cl_uint room, cl_platform_id *platforms, cl_uint *number) {
    if (!emulated_device())
        return CL_PLATFORM_NOT_FOUND_KHR;
    if (number)
        *number = 1;
    if (platforms && room > 0)
        platforms[0] = real.platform;
    return CL_SUCCESS;
}

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t size, void *value,
                         size_t *size_out) {
    switch (what) {
    case CL_PLATFORM_NAME:
        return answer_text("emulated NVIDIA", size, value, size_out);
    case CL_PLATFORM_VENDOR:
        return answer_text("NVIDIA Corporation", size, value, size_out);
    case CL_PLATFORM_VERSION:
        return answer_text("OpenCL 1.2", size, value, size_out);
    default:
        return emulated_real()->GetPlatformInfo(platform, what, size, value, size_out);
    }
}

cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint room,
                      cl_device_id *devices, cl_uint *number) {
    (void)platform;
    if (!emulated_device() || !(type & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_DEFAULT)))
        return CL_DEVICE_NOT_FOUND;
    if (number)
        *number = 1;
    if (devices && room > 0)
        devices[0] = real.device;
    return CL_SUCCESS;
}

/* Of the device, little-endian. Few units: kernels that loop have one work-group for each. */
static const struct {
    cl_device_info what;
    size_t bytes;
    cl_ulong value;
} numbers[] = {
    {CL_DEVICE_TYPE, sizeof(cl_device_type), CL_DEVICE_TYPE_GPU},
    {CL_DEVICE_VENDOR_ID, sizeof(cl_uint), 0x10de},
    /* So few that work-groups take many units each, and enough that three share one. */
    {CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint), 3},
    {CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(size_t), 1024},
    {CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong), 49152},
    {CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof(cl_bool), CL_FALSE},
};

static const struct {
    cl_device_info what;
    const char *text;
} texts[] = {
    {CL_DEVICE_VENDOR, "NVIDIA Corporation"},
    {CL_DEVICE_VERSION, "OpenCL 1.2"},
    {CL_DRIVER_VERSION, "emulated"},
    {CL_DEVICE_OPENCL_C_VERSION, "OpenCL C 1.2 "},
    {CL_DEVICE_EXTENSIONS,
     "cl_khr_global_int32_base_atomics cl_khr_global_int32_extended_atomics "
     "cl_khr_local_int32_base_atomics cl_khr_local_int32_extended_atomics cl_khr_fp64 "
     "cl_khr_byte_addressable_store cl_nv_compiler_options cl_nv_device_attribute_query "
     "cl_nv_pragma_unroll"},
};

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size, void *value,
                       size_t *size_out) {
    const cl_uint major = emulated_capability() / 10, minor = emulated_capability() % 10;
    char name[32];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].what == what)
            return emulated_answer(&numbers[i].value, numbers[i].bytes, size, value, size_out);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].what == what)
            return answer_text(texts[i].text, size, value, size_out);
    switch (what) {
    case CL_DEVICE_NAME:
        snprintf(name, sizeof name, "emulated sm_%u%u", major, minor);
        return answer_text(name, size, value, size_out);
    case COMPUTE_CAPABILITY_MAJOR:
        return emulated_answer(&major, sizeof major, size, value, size_out);
    case COMPUTE_CAPABILITY_MINOR:
        return emulated_answer(&minor, sizeof minor, size, value, size_out);
    default:
        return emulated_real()->GetDeviceInfo(device, what, size, value, size_out);
    }
}
