/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "device.h"

#include "quirks.h"

#include "../src/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PLATFORMS = 64,
    MAX_DEVICES = 64,
    MAX_TEXT_BYTES = 16384, /* the longest lists of extensions have some thousands */
    MIN_LOCAL_BYTES = 32768,
    MIN_GROUP_ITEMS = 128
};

/* Of cl_nv_device_attribute_query. */
enum { COMPUTE_CAPABILITY_MAJOR = 0x4000, COMPUTE_CAPABILITY_MINOR = 0x4001 };

bool spd_cl_device_at(const spd_cl_api *api, size_t index, spd_cl_device *device) {
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint platform_count = 0;
    if (api->GetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count) != CL_SUCCESS)
        return false;
    for (cl_uint p = 0; p < platform_count && p < MAX_PLATFORMS; p++) {
        cl_device_id devices[MAX_DEVICES];
        cl_uint count = 0;
        if (api->GetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &count) !=
            CL_SUCCESS)
            continue;
        count = count < MAX_DEVICES ? count : MAX_DEVICES;
        if (index < count) {
            *device = (spd_cl_device){platforms[p], devices[index], p, (cl_uint)index};
            return true;
        }
        index -= count;
    }
    return false;
}

sparsed_status spd_cl_device_missing(const spd_cl_api *api, sparsed_message *message) {
    cl_uint platforms = 0;
    spd_cl_device any;
    cl_int error = api->GetPlatformIDs(0, NULL, &platforms);
    char room[32];
    if (error == CL_PLATFORM_NOT_FOUND_KHR || (error == CL_SUCCESS && platforms == 0))
        return spd_fail(message, SPARSED_E_NO_DEVICE,
                        "libOpenCL finds no driver (is there a file in /etc/OpenCL/vendors?)");
    if (error != CL_SUCCESS)
        return spd_fail(message, SPARSED_E_NO_DEVICE, "clGetPlatformIDs: %s",
                        spd_cl_error_string(error, room));
    if (spd_cl_device_at(api, 0, &any))
        return spd_fail(message, SPARSED_E_NO_DEVICE, "there are fewer OpenCL devices than before");
    return spd_fail(message, SPARSED_E_NO_DEVICE, "no OpenCL driver has a device (drivers: %u)",
                    platforms);
}

void spd_cl_device_find(const spd_cl_api *api, cl_device_id id, spd_cl_device *device) {
    for (size_t i = 0; spd_cl_device_at(api, i, device); i++)
        if (device->device == id)
            return;
    *device = (spd_cl_device){NULL, id, CL_UINT_MAX, CL_UINT_MAX};
    api->GetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof device->platform, &device->platform, NULL);
}

/* Drivers pad names with spaces on both sides. */
static void trim(const char *text, char *to, size_t size) {
    text += strspn(text, " ");
    snprintf(to, size, "%s", text);
    for (size_t length = strlen(to); length > 0 && to[length - 1] == ' '; length--)
        to[length - 1] = '\0';
}

void spd_cl_device_text(const spd_cl_api *api, cl_device_id device, cl_device_info what, char *to,
                        size_t size) {
    char text[MAX_TEXT_BYTES + 1] = "";
    size_t bytes = 0;
    if (api->GetDeviceInfo(device, what, 0, NULL, &bytes) != CL_SUCCESS || bytes > MAX_TEXT_BYTES ||
        api->GetDeviceInfo(device, what, bytes, text, NULL) != CL_SUCCESS)
        bytes = 0;
    text[bytes] = '\0';
    trim(text, to, size);
}

void spd_cl_platform_text(const spd_cl_api *api, cl_platform_id platform, cl_platform_info what,
                          char *to, size_t size) {
    char text[MAX_TEXT_BYTES + 1] = "";
    size_t bytes = 0;
    if (api->GetPlatformInfo(platform, what, 0, NULL, &bytes) != CL_SUCCESS ||
        bytes > MAX_TEXT_BYTES ||
        api->GetPlatformInfo(platform, what, bytes, text, NULL) != CL_SUCCESS)
        bytes = 0;
    text[bytes] = '\0';
    trim(text, to, size);
}

static cl_ulong number(const spd_cl_api *api, cl_device_id device, cl_device_info what,
                       size_t size) {
    union {
        cl_ulong wide;
        cl_uint narrow;
        size_t count;
    } value = {0};
    if (api->GetDeviceInfo(device, what, size, &value, NULL) != CL_SUCCESS)
        return 0;
    return size == sizeof(cl_uint) ? value.narrow : value.wide;
}

/* Whether "OpenCL C MAJOR.MINOR ..." is 1.2 or above. */
static bool has_opencl_c(const char *version) {
    static const char prefix[] = "OpenCL C ";
    char *end;
    if (strncmp(version, prefix, sizeof prefix - 1) != 0)
        return false;
    unsigned long major = strtoul(version + sizeof prefix - 1, &end, 10);
    return *end == '.' && (major > 1 || (major == 1 && strtoul(end + 1, NULL, 10) >= 2));
}

/* Why the device cannot run the kernels; "" if it can. */
static void judge(const spd_cl_api *api, cl_device_id d, char *why, size_t size) {
    char version[64];
    spd_cl_device_text(api, d, CL_DEVICE_OPENCL_C_VERSION, version, sizeof version);
    unsigned long long local = number(api, d, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong));
    unsigned long long group = number(api, d, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(size_t));
    why[0] = '\0';
    if (!number(api, d, CL_DEVICE_AVAILABLE, sizeof(cl_bool)))
        snprintf(why, size, "the driver says that it is not available");
    else if (!number(api, d, CL_DEVICE_COMPILER_AVAILABLE, sizeof(cl_bool)))
        snprintf(why, size, "it has no compiler");
    else if (!has_opencl_c(version))
        snprintf(why, size, "it offers '%.40s', and OpenCL C 1.2 is needed", version);
    else if (!number(api, d, CL_DEVICE_ENDIAN_LITTLE, sizeof(cl_bool)))
        snprintf(why, size, "it is big-endian");
    else if (local < MIN_LOCAL_BYTES)
        snprintf(why, size, "it has %llu bytes of local memory, and %d are needed", local,
                 MIN_LOCAL_BYTES);
    else if (group < MIN_GROUP_ITEMS)
        snprintf(why, size, "its work-groups have at most %llu items, and %d are needed", group,
                 MIN_GROUP_ITEMS);
}

static void describe_capabilities(const spd_cl_api *api, cl_device_id d, char *to, size_t size) {
    static const char *const extensions[] = {"cl_khr_fp16",
                                             "cl_khr_fp64",
                                             "cl_khr_subgroups",
                                             "cl_intel_subgroups",
                                             "cl_amd_device_attribute_query",
                                             "cl_nv_device_attribute_query"};
    char all[MAX_TEXT_BYTES], version[64];
    spd_cl_device_text(api, d, CL_DEVICE_EXTENSIONS, all, sizeof all);
    spd_cl_device_text(api, d, CL_DEVICE_OPENCL_C_VERSION, version, sizeof version);
    snprintf(to, size, "%s", version);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        size_t used = strlen(to);
        if (strstr(all, extensions[i]))
            snprintf(to + used, size - used, " %s", extensions[i]);
    }
}

/* A simulator claims to be all of them, and runs on the processor. */
static uint32_t kind_of(cl_ulong type) {
    return type & CL_DEVICE_TYPE_CPU   ? SPARSED_DEVICE_CPU_OPENCL
           : type & CL_DEVICE_TYPE_GPU ? SPARSED_DEVICE_GPU
                                       : SPARSED_DEVICE_OTHER;
}

static void describe_selector(const spd_cl_device *device, char *to, size_t size) {
    if (device->platform_index == CL_UINT_MAX)
        snprintf(to, size, "opencl:caller");
    else
        snprintf(to, size, "opencl:%u:%u", device->platform_index, device->device_index);
}

/* "OpenCL 3.0 PoCL HSTR: pthread-x86_64-..." up to the details. */
static void describe_driver(const spd_cl_api *api, const spd_cl_device *device, char *to,
                            size_t size) {
    char platform[128], version[96], driver[64];
    spd_cl_platform_text(api, device->platform, CL_PLATFORM_NAME, platform, sizeof platform);
    spd_cl_device_text(api, device->device, CL_DEVICE_VERSION, version, sizeof version);
    spd_cl_device_text(api, device->device, CL_DRIVER_VERSION, driver, sizeof driver);
    size_t length = strcspn(version, ":(");
    while (length > 0 && version[length - 1] == ' ')
        length--;
    version[length] = '\0';
    snprintf(to, size, "%.36s, %.24s, driver %.22s", platform, version, driver);
}

unsigned spd_cl_device_quirks(const spd_cl_api *api, const spd_cl_device *device,
                              const sparsed_device_info *info, const char **why) {
    char platform[128], driver[64];
    spd_cl_platform_text(api, device->platform, CL_PLATFORM_NAME, platform, sizeof platform);
    spd_cl_device_text(api, device->device, CL_DRIVER_VERSION, driver, sizeof driver);
    const spd_cl_names names = {platform, info->vendor, info->name, driver};
    return spd_cl_quirks(&names, why);
}

uint32_t spd_cl_device_capability(const spd_cl_api *api, const spd_cl_device *device,
                                  const sparsed_device_info *info) {
    if (!strstr(info->capabilities, "cl_nv_device_attribute_query"))
        return 0;
    cl_ulong major = number(api, device->device, COMPUTE_CAPABILITY_MAJOR, sizeof(cl_uint));
    return (uint32_t)(10 * major +
                      number(api, device->device, COMPUTE_CAPABILITY_MINOR, sizeof(cl_uint)));
}

/* The reason why not; of a usable device, its quirk. */
static void describe_verdict(const spd_cl_api *api, const spd_cl_device *device,
                             sparsed_device_info *info) {
    const char *quirk;
    judge(api, device->device, info->note, sizeof info->note);
    info->usable = info->note[0] == '\0';
    if (!info->usable)
        return;
    spd_cl_device_quirks(api, device, info, &quirk);
    snprintf(info->note, sizeof info->note, "%s", quirk);
}

void spd_cl_device_describe(const spd_cl_api *api, const spd_cl_device *device,
                            sparsed_device_info *info) {
    cl_device_id d = device->device;
    *info = (sparsed_device_info){.struct_size = sizeof *info};
    describe_selector(device, info->selector, sizeof info->selector);
    spd_cl_device_text(api, d, CL_DEVICE_NAME, info->name, sizeof info->name);
    spd_cl_device_text(api, d, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    describe_driver(api, device, info->driver, sizeof info->driver);
    describe_capabilities(api, d, info->capabilities, sizeof info->capabilities);
    info->kind = kind_of(number(api, d, CL_DEVICE_TYPE, sizeof(cl_device_type)));
    info->compute_units = (uint32_t)number(api, d, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint));
    info->memory_bytes = number(api, d, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong));
    describe_verdict(api, device, info);
}
