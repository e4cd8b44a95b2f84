/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* OpenCL devices found, described and judged: those of a driver of this file's own,
 * and real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cl/device.h"
#include "cl/quirks.h"
#include "cl/state.h"
#include "support/api_check.h"

/* ---- a driver ---- */

/* What a device answers; 0 and NULL: the property cannot be had. */
typedef struct fake_device {
    const char *name, *vendor, *version, *driver, *c_version, *extensions;
    cl_device_type type;
    cl_ulong memory, local;
    size_t group;
    cl_uint units;
    cl_bool available, compiler, little;
} fake_device;

enum { PLATFORMS = 3, DEVICES = 4 };

static const fake_device good_device = {.name = "  Fast GPU  ",
                                        .vendor = "Maker",
                                        .version = "OpenCL 3.0 XY HSTR: cpu-x86_64-pc-linux",
                                        .driver = "1.2.3",
                                        .c_version = "OpenCL C 1.2 ",
                                        .extensions = "cl_khr_fp64 cl_khr_fp16 cl_other",
                                        .type = CL_DEVICE_TYPE_GPU,
                                        .memory = (cl_ulong)8 << 30,
                                        .local = 65536,
                                        .group = 1024,
                                        .units = 108,
                                        .available = CL_TRUE,
                                        .compiler = CL_TRUE,
                                        .little = CL_TRUE};

static fake_device devices[DEVICES];
static const char *platform_name;
static cl_int platforms_error;
static cl_uint per_platform[PLATFORMS], platform_count;

/* Handles are opaque: numbers from 1 serve. */
static cl_platform_id platform_of(uintptr_t number) {
    return (cl_platform_id)(number + 1);
}

static const fake_device *device_of(cl_device_id id) {
    return &devices[(uintptr_t)id - 1];
}

static cl_int CL_API_CALL get_platforms(cl_uint room, cl_platform_id *to, cl_uint *number) {
    if (platforms_error)
        return platforms_error;
    for (cl_uint i = 0; i < room && i < platform_count && to; i++)
        to[i] = platform_of(i);
    if (number)
        *number = platform_count;
    return CL_SUCCESS;
}

static cl_int give(const void *value, size_t bytes, size_t size, void *to, size_t *size_out) {
    if (!value || (to && size < bytes))
        return CL_INVALID_VALUE;
    if (to)
        memcpy(to, value, bytes);
    if (size_out)
        *size_out = bytes;
    return CL_SUCCESS;
}

static cl_int give_text(const char *text, size_t size, void *to, size_t *size_out) {
    return give(text, text ? strlen(text) + 1 : 0, size, to, size_out);
}

static cl_int CL_API_CALL get_platform(cl_platform_id platform, cl_platform_info what, size_t size,
                                       void *to, size_t *size_out) {
    (void)platform;
    return what == CL_PLATFORM_NAME ? give_text(platform_name, size, to, size_out)
                                    : CL_INVALID_VALUE;
}

/* The devices of all platforms are one array. */
static cl_int CL_API_CALL get_devices(cl_platform_id platform, cl_device_type type, cl_uint room,
                                      cl_device_id *to, cl_uint *number) {
    size_t index = (uintptr_t)platform - 1, first = 0;
    assert_true(type == CL_DEVICE_TYPE_ALL);
    for (size_t i = 0; i < index; i++)
        first += per_platform[i];
    if (per_platform[index] == 0)
        return CL_DEVICE_NOT_FOUND;
    for (cl_uint i = 0; i < room && i < per_platform[index]; i++)
        to[i] = (cl_device_id)(uintptr_t)(first + i + 1);
    *number = per_platform[index];
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_device(cl_device_id id, cl_device_info what, size_t size, void *to,
                                     size_t *size_out) {
    const fake_device *d = device_of(id);
    switch (what) {
    case CL_DEVICE_NAME:
        return give_text(d->name, size, to, size_out);
    case CL_DEVICE_VENDOR:
        return give_text(d->vendor, size, to, size_out);
    case CL_DEVICE_VERSION:
        return give_text(d->version, size, to, size_out);
    case CL_DRIVER_VERSION:
        return give_text(d->driver, size, to, size_out);
    case CL_DEVICE_OPENCL_C_VERSION:
        return give_text(d->c_version, size, to, size_out);
    case CL_DEVICE_EXTENSIONS:
        return give_text(d->extensions, size, to, size_out);
    case CL_DEVICE_TYPE:
        return give(&d->type, sizeof d->type, size, to, size_out);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
        return give(&d->memory, sizeof d->memory, size, to, size_out);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return give(&d->local, sizeof d->local, size, to, size_out);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return give(&d->group, sizeof d->group, size, to, size_out);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return give(&d->units, sizeof d->units, size, to, size_out);
    case CL_DEVICE_AVAILABLE:
        return give(&d->available, sizeof d->available, size, to, size_out);
    case CL_DEVICE_COMPILER_AVAILABLE:
        return give(&d->compiler, sizeof d->compiler, size, to, size_out);
    case CL_DEVICE_ENDIAN_LITTLE:
        return give(&d->little, sizeof d->little, size, to, size_out);
    default:
        return CL_INVALID_VALUE;
    }
}

static spd_cl_api fake_api(void) {
    return (spd_cl_api){.GetPlatformIDs = get_platforms,
                        .GetPlatformInfo = get_platform,
                        .GetDeviceIDs = get_devices,
                        .GetDeviceInfo = get_device};
}

/* Three platforms: two devices, none, one. */
static int reset(void **state) {
    (void)state;
    for (size_t i = 0; i < DEVICES; i++)
        devices[i] = good_device;
    platform_name = "Big Platform";
    platforms_error = CL_SUCCESS;
    platform_count = PLATFORMS;
    per_platform[0] = 2;
    per_platform[1] = 0;
    per_platform[2] = 1;
    return 0;
}

static sparsed_device_info describe(void) {
    const spd_cl_api api = fake_api();
    spd_cl_device device;
    sparsed_device_info info;
    assert_true(spd_cl_device_at(&api, 0, &device));
    spd_cl_device_describe(&api, &device, &info);
    return info;
}

/* ---- finding ---- */

static void test_device_at__counts_over_platforms(void **state) {
    (void)state;
    static const cl_uint expected[3][2] = {{0, 0}, {0, 1}, {2, 0}};
    const spd_cl_api api = fake_api();
    spd_cl_device device;
    for (size_t i = 0; i < 3; i++) {
        assert_true(spd_cl_device_at(&api, i, &device));
        assert_int_equal(device.platform_index, expected[i][0]);
        assert_int_equal(device.device_index, expected[i][1]);
        assert_ptr_equal(device.platform, platform_of(expected[i][0]));
    }
    assert_false(spd_cl_device_at(&api, 3, &device));
    platforms_error = CL_PLATFORM_NOT_FOUND_KHR;
    assert_false(spd_cl_device_at(&api, 0, &device));
}

static void test_device_find__knows_the_listed_ones(void **state) {
    (void)state;
    const spd_cl_api api = fake_api();
    spd_cl_device device;
    sparsed_device_info info;
    spd_cl_device_find(&api, (cl_device_id)(uintptr_t)3, &device);
    spd_cl_device_describe(&api, &device, &info);
    assert_string_equal(info.selector, "opencl:2:0");
    spd_cl_device_find(&api, (cl_device_id)(uintptr_t)4, &device); /* in no list: a sub-device */
    spd_cl_device_describe(&api, &device, &info);
    assert_string_equal(info.selector, "opencl:caller");
    assert_int_equal(info.usable, 1);
}

static void test_device_missing__says_what_is_missing(void **state) {
    (void)state;
    const spd_cl_api api = fake_api();
    sparsed_message message;
    platforms_error = CL_PLATFORM_NOT_FOUND_KHR;
    assert_error_text(message.text, spd_cl_device_missing(&api, &message), SPARSED_E_NO_DEVICE,
                      "no driver");
    platforms_error = CL_OUT_OF_HOST_MEMORY;
    assert_error_text(message.text, spd_cl_device_missing(&api, &message), SPARSED_E_NO_DEVICE,
                      "clGetPlatformIDs: CL_OUT_OF_HOST_MEMORY");
    platforms_error = CL_SUCCESS;
    platform_count = 0;
    assert_error_text(message.text, spd_cl_device_missing(&api, &message), SPARSED_E_NO_DEVICE,
                      "no driver");
    platform_count = 2;
    per_platform[0] = 0;
    assert_error_text(message.text, spd_cl_device_missing(&api, &message), SPARSED_E_NO_DEVICE,
                      "no OpenCL driver has a device (drivers: 2)");
    per_platform[0] = 1;
    assert_error_text(message.text, spd_cl_device_missing(&api, &message), SPARSED_E_NO_DEVICE,
                      "fewer");
}

/* ---- describing ---- */

static void test_device_describe__texts_and_numbers(void **state) {
    (void)state;
    const sparsed_device_info info = describe();
    assert_string_equal(info.selector, "opencl:0:0");
    assert_string_equal(info.name, "Fast GPU");
    assert_string_equal(info.vendor, "Maker");
    assert_string_equal(info.driver, "Big Platform, OpenCL 3.0 XY HSTR, driver 1.2.3");
    assert_string_equal(info.capabilities, "OpenCL C 1.2 cl_khr_fp16 cl_khr_fp64");
    assert_string_equal(info.note, "");
    assert_int_equal(info.usable, 1);
    assert_int_equal(info.compute_units, 108);
    assert_true(info.memory_bytes == (uint64_t)8 << 30);
}

static void test_device_describe__kinds(void **state) {
    (void)state;
    static const struct {
        cl_device_type type;
        uint32_t kind;
    } cases[] = {{CL_DEVICE_TYPE_GPU, SPARSED_DEVICE_GPU},
                 {CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_DEFAULT, SPARSED_DEVICE_GPU},
                 {CL_DEVICE_TYPE_CPU, SPARSED_DEVICE_CPU_OPENCL},
                 {CL_DEVICE_TYPE_ACCELERATOR, SPARSED_DEVICE_OTHER},
                 {CL_DEVICE_TYPE_CUSTOM, SPARSED_DEVICE_OTHER},
                 /* Oclgrind's: a simulator must not pass for a GPU. */
                 {CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR |
                      CL_DEVICE_TYPE_DEFAULT,
                  SPARSED_DEVICE_CPU_OPENCL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        devices[0].type = cases[i].type;
        assert_int_equal(describe().kind, cases[i].kind);
    }
}

/* Long texts are cut, absent ones empty; nothing is written past the end. */
static void test_device_describe__odd_texts(void **state) {
    (void)state;
    static char endless[20000], long_text[3000];
    memset(endless, 'e', sizeof endless - 1);
    memset(long_text, 'n', sizeof long_text - 1);
    devices[0].name = long_text;
    devices[0].vendor = NULL;
    devices[0].extensions = endless; /* longer than any that is real: taken for none */
    devices[0].driver = "";
    devices[0].version = "";
    platform_name = NULL;
    const sparsed_device_info info = describe();
    assert_int_equal(strlen(info.name), sizeof info.name - 1);
    assert_string_equal(info.vendor, "");
    assert_string_equal(info.capabilities, "OpenCL C 1.2");
    assert_int_equal(info.usable, 1);
}

static void refuse(const char *named) {
    const sparsed_device_info info = describe();
    assert_int_equal(info.usable, 0);
    if (!strstr(info.note, named))
        fail_msg("'%s' does not say '%s'", info.note, named);
    devices[0] = good_device;
}

static void test_device_describe__says_why_not(void **state) {
    (void)state;
    devices[0].available = CL_FALSE;
    refuse("not available");
    devices[0].compiler = CL_FALSE;
    refuse("no compiler");
    devices[0].c_version = "OpenCL C 1.1 Clover";
    refuse("'OpenCL C 1.1 Clover', and OpenCL C 1.2 is needed");
    devices[0].c_version = NULL;
    refuse("OpenCL C 1.2 is needed");
    devices[0].c_version = "garbage";
    refuse("'garbage'");
    devices[0].little = CL_FALSE;
    refuse("big-endian");
    devices[0].local = 16384;
    refuse("16384 bytes of local memory, and 32768 are needed");
    devices[0].group = 64;
    refuse("at most 64 items, and 128 are needed");
    devices[0].c_version = "OpenCL C 3.0";
    assert_int_equal(describe().usable, 1);
}

/* A quirk of a usable device is its note. */
static void test_device_describe__tells_the_quirk(void **state) {
    (void)state;
    devices[0].name = "llvmpipe (LLVM 15.0.6, 256 bits)";
    platform_name = "rusticl";
    const sparsed_device_info info = describe();
    assert_int_equal(info.usable, 1);
    assert_non_null(strstr(info.note, "llvmpipe"));
}

/* A long name, with spaces around it as drivers write them. */
static void test_device_quirks__are_those_of_the_note(void **state) {
    (void)state;
    const spd_cl_api api = fake_api();
    spd_cl_device device;
    static char padded[400];
    const char *why;
    snprintf(padded, sizeof padded, "%300srusticl ", "");
    devices[0].name = "llvmpipe (LLVM 15.0.6, 256 bits)";
    devices[0].driver = " 22.3.6 ";
    platform_name = padded;
    const sparsed_device_info info = describe();
    assert_true(spd_cl_device_at(&api, 0, &device));
    assert_int_equal(spd_cl_device_quirks(&api, &device, &info, &why),
                     SPD_QUIRK_NO_CPU_SHAPED | SPD_QUIRK_FEW_KEYS | SPD_QUIRK_NO_GROUP_LIMIT);
    assert_string_equal(info.note, why);
}

/* ---- statuses ---- */

static void test_check__statuses_and_losses(void **state) {
    (void)state;
    static const struct {
        cl_int error;
        const char *call;
        sparsed_status status;
        bool lost;
    } cases[] = {{CL_SUCCESS, "clFinish", SPARSED_OK, false},
                 {CL_OUT_OF_RESOURCES, "clEnqueueNDRangeKernel", SPARSED_E_DEVICE, true},
                 {CL_OUT_OF_RESOURCES, "clEnqueueReadBuffer of a result", SPARSED_E_DEVICE, true},
                 {CL_OUT_OF_RESOURCES, "clFinish", SPARSED_E_DEVICE, true},
                 {CL_OUT_OF_RESOURCES, "clFlush", SPARSED_E_DEVICE, true},
                 {CL_OUT_OF_RESOURCES, "clCreateBuffer", SPARSED_E_NOMEM, false},
                 {CL_OUT_OF_RESOURCES, "clCreateKernel", SPARSED_E_DEVICE, false},
                 {CL_OUT_OF_RESOURCES, "clBuildProgram", SPARSED_E_DEVICE, false},
                 {CL_DEVICE_NOT_AVAILABLE, "clBuildProgram", SPARSED_E_DEVICE, true},
                 {CL_INVALID_CONTEXT, "clCreateBuffer", SPARSED_E_DEVICE, true},
                 {CL_INVALID_COMMAND_QUEUE, "clFinish", SPARSED_E_DEVICE, true},
                 {-9999, "clEnqueueReadBuffer", SPARSED_E_DEVICE, true},
                 {CL_OUT_OF_HOST_MEMORY, "clEnqueueReadBuffer", SPARSED_E_NOMEM, false},
                 {CL_MEM_OBJECT_ALLOCATION_FAILURE, "clCreateBuffer", SPARSED_E_NOMEM, false},
                 {CL_INVALID_KERNEL_ARGS, "clEnqueueNDRangeKernel", SPARSED_E_DEVICE, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spd_cl_state s = {.info.selector = "opencl:4:2"};
        sparsed_message message = {""};
        assert_int_equal(spd_cl_check(&s, cases[i].error, cases[i].call, &message),
                         cases[i].status);
        assert_int_equal(s.lost != 0, cases[i].lost);
        if (cases[i].error != CL_SUCCESS) {
            assert_non_null(strstr(message.text, cases[i].call));
            assert_non_null(strstr(message.text, " on opencl:4:2: "));
        }
        assert_int_equal(strstr(message.text, "counts as lost") != NULL, cases[i].lost);
    }
}

static void test_check__the_first_loss_stays(void **state) {
    (void)state;
    spd_cl_state s = {.info.selector = "opencl:0:0"};
    spd_cl_check(&s, CL_OUT_OF_RESOURCES, "clFinish", NULL);
    spd_cl_check(&s, CL_INVALID_COMMAND_QUEUE, "clFlush", NULL);
    assert_int_equal(s.lost, CL_OUT_OF_RESOURCES);
    assert_string_equal(s.lost_call, "clFinish");
}

static void test_error_string__names(void **state) {
    (void)state;
    char room[32];
    assert_string_equal(spd_cl_error_string(CL_OUT_OF_RESOURCES, room), "CL_OUT_OF_RESOURCES");
    assert_string_equal(spd_cl_error_string(CL_INVALID_BINARY, room), "CL_INVALID_BINARY");
    assert_string_equal(spd_cl_error_string(-1001, room), "CL_PLATFORM_NOT_FOUND_KHR");
    assert_string_equal(spd_cl_error_string(-9999, room), "error -9999");
    assert_string_equal(spd_cl_error_string(INT32_MIN, room), "error -2147483648");
}

/* ---- the library ---- */

static void test_api_open__says_what_is_wrong(void **state) {
    (void)state;
    spd_cl_api api;
    sparsed_message message;
    assert_error_text(message.text,
                      spd_cl_api_open_file(&api, "/nonexistent/libOpenCL.so", &message),
                      SPARSED_E_NO_DEVICE, "/nonexistent/libOpenCL.so: cannot open");
    assert_null(api.library);
    spd_cl_api_close(&api);
    assert_int_equal(spd_cl_api_open_file(&api, "/nonexistent/libOpenCL.so", NULL),
                     SPARSED_E_NO_DEVICE);
    /* A library, but of something else. */
    assert_error_text(message.text, spd_cl_api_open_file(&api, "libc.so.6", &message),
                      SPARSED_E_NO_DEVICE, "libc.so.6 has no clGetPlatformIDs");
    assert_null(api.library);
    setenv("SPARSED_OPENCL_LIBRARY", "/nonexistent/other.so", 1);
    assert_error_text(message.text, spd_cl_api_open(&api, &message), SPARSED_E_NO_DEVICE,
                      "/nonexistent/other.so");
    unsetenv("SPARSED_OPENCL_LIBRARY");
}

static void test_api_open__real_devices_have_verdicts(void **state) {
    (void)state;
    spd_cl_api api;
    spd_cl_device device;
    sparsed_device_info info;
    sparsed_message message;
    if (spd_cl_api_open(&api, &message) != SPARSED_OK) {
        print_message("skipped: %s\n", message.text);
        skip();
    }
    for (size_t i = 0; spd_cl_device_at(&api, i, &device); i++) {
        spd_cl_device_describe(&api, &device, &info);
        print_message("%s: %s; %s; %s\n", info.selector, info.name, info.driver,
                      info.usable ? "usable" : info.note);
        assert_true(info.name[0] != '\0' && info.driver[0] != '\0');
        assert_true(info.usable || info.note[0] != '\0');
        assert_in_range(info.kind, SPARSED_DEVICE_GPU, SPARSED_DEVICE_OTHER);
    }
    spd_cl_api_close(&api);
    spd_cl_api_close(&api);
}

#define TEST(function) cmocka_unit_test_setup(function, reset)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_device_at__counts_over_platforms),
        TEST(test_device_find__knows_the_listed_ones),
        TEST(test_device_missing__says_what_is_missing),
        TEST(test_device_describe__texts_and_numbers),
        TEST(test_device_describe__kinds),
        TEST(test_device_describe__odd_texts),
        TEST(test_device_describe__says_why_not),
        TEST(test_device_describe__tells_the_quirk),
        TEST(test_device_quirks__are_those_of_the_note),
        TEST(test_check__statuses_and_losses),
        TEST(test_check__the_first_loss_stays),
        TEST(test_error_string__names),
        TEST(test_api_open__says_what_is_wrong),
        TEST(test_api_open__real_devices_have_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
