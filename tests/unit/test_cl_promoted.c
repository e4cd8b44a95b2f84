/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A family whose programs are promoted, on a simulated driver of NVIDIA's: it runs, its programs are kept
 * on disk, and where a driver does not allow it the next row runs. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cl/backend.h"
#include "cl/kernel.h"
#include "cl/program.h"
#include "cl/program_cache.h"
#include "src/context.h"
#include "src/plan.h"
#include "support/kernel_check.h"
#include "support/test_files.h"
#include "support/use_failing_opencl.h"

enum { LEN = 70, DIM = 64, HOPPER = 90 };

static const failing_opencl_control *failing;

static int setup(void **state) {
    if (test_folder_setup(state) != 0)
        return -1;
    setenv("SPARSED_CACHE_DIR", "off", 1);
    failing = use_failing_opencl(FAILING_OPENCL);
    failing->reset();
    failing->be_nvidia(0, false);
    return 0;
}

static int teardown(void **state) {
    failing->be_nvidia(0, false);
    unsetenv("SPARSED_OPENCL_LIBRARY");
    setenv("SPARSED_CACHE_DIR", "off", 1);
    return test_folder_teardown(state);
}

/* Skips the test if there is no device. */
static sparsed_context *open_context(const char *kernel) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    options.device = "opencl";
    options.kernel = kernel;
    need_opencl_device();
    if (sparsed_context_create(&options, &context, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    return context;
}

static sparsed_desc desc_of(uint32_t dtype, uint32_t dim) {
    sparsed_desc desc = case_desc(1, 2, 1, dim, LEN);
    desc.dtype = dtype;
    return desc;
}

/* The kernel row of a plan. */
static void expect_row(sparsed_context *context, const sparsed_desc *desc, const char *row) {
    const sparsed_select select = case_select(SPARSED_MODE_PAPER, 32, 32, 20, 0.4);
    sparsed_plan_info info = {.struct_size = sizeof info};
    sparsed_plan *plan;
    if (sparsed_plan_create(context, desc, &select, &plan) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
    assert_string_equal(info.kernel, row);
    sparsed_plan_destroy(plan);
}

/* `@` stands for the device's selector. */
static void expect_text(const sparsed_context *context, const char *text, const char *why) {
    char expected[256];
    const size_t before = strcspn(why, "@");
    snprintf(expected, sizeof expected, "%.*s%s%s", (int)before, why,
             why[before] ? context->info.selector : "", why[before] ? why + before + 1 : "");
    if (!strstr(text, expected))
        fail_msg("'%s' is not in '%s'", expected, text);
}

static void expect_refusal(const sparsed_desc *desc, sparsed_status status, const char *why) {
    sparsed_context *context = open_context("cl-nv-wgmma");
    sparsed_plan *plan;
    assert_int_equal(sparsed_plan_create(context, desc, NULL, &plan), status);
    expect_text(context, sparsed_context_error(context), why);
    sparsed_context_destroy(context);
}

/* ---- where it runs ---- */

/* Its kernel does nothing unless it is promoted: to pass a self-test it must be. */
static void test_promoted__runs(void **state) {
    const sparsed_desc desc = desc_of(SPARSED_BF16, DIM);
    (void)state;
    failing->be_nvidia(HOPPER, false);
    const int64_t before = failing->live();
    sparsed_context *context = open_context(NULL);
    expect_row(context, &desc, "cl-nv-wgmma");
    sparsed_context_destroy(context);
    assert_int_equal(failing->live(), before);
}

static void test_accept__capability(void **state) {
    static const struct {
        unsigned capability;
        const char *why;
    } cases[] = {{0, "it is for NVIDIA's devices"},
                 {86, "it needs compute capability 9.0, the device has 8.6"},
                 {75, "it needs compute capability 9.0, the device has 7.5"},
                 {100, "it needs compute capability 9.0, the device has 10.0"},
                 {121, "it needs compute capability 9.0, the device has 12.1"}};
    const sparsed_desc desc = desc_of(SPARSED_F16, DIM);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        failing->be_nvidia(cases[i].capability, false);
        expect_refusal(&desc, SPARSED_E_UNSUPPORTED, cases[i].why);
        sparsed_context *context = open_context(NULL);
        expect_row(context, &desc, "cl-nv-mma");
        sparsed_context_destroy(context);
    }
}

static void test_accept__head_dimension_and_storage_type(void **state) {
    const sparsed_desc narrow = desc_of(SPARSED_BF16, 40), single = desc_of(SPARSED_F32, DIM);
    (void)state;
    failing->be_nvidia(HOPPER, false);
    expect_refusal(&narrow, SPARSED_E_UNSUPPORTED, "it takes head_dim 64 and 128, not 40");
    expect_refusal(&single, SPARSED_E_UNSUPPORTED, "it does not take f32");
    sparsed_context *context = open_context(NULL);
    expect_row(context, &narrow, "cl-cpu-shaped");
    expect_row(context, &single, "cl-cpu-shaped");
    const sparsed_desc wide = desc_of(SPARSED_F16, 128);
    expect_row(context, &wide, "cl-nv-wgmma");
    sparsed_context_destroy(context);
}

/* ---- tensor maps ---- */

/* What a run launched; the functions of the table have no argument of their own. */
static struct recorder {
    spd_cl_api original;
    const spd_cl_kernel *kernel;
    unsigned maps, attends;
    cl_uint flags; /* of the last attend launch */
} recorder;

static cl_int CL_API_CALL note_arg(cl_kernel kernel, cl_uint index, size_t size,
                                   const void *value) {
    enum { FLAGS_INDEX = 10 };
    if (kernel == recorder.kernel->attend && index == FLAGS_INDEX)
        memcpy(&recorder.flags, value, sizeof recorder.flags);
    return recorder.original.SetKernelArg(kernel, index, size, value);
}

static cl_int CL_API_CALL note_launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                      const size_t *offset, const size_t *global,
                                      const size_t *local, cl_uint wait_count, const cl_event *wait,
                                      cl_event *event) {
    if (kernel == recorder.kernel->make_maps)
        assert_int_equal(recorder.maps++, recorder.attends); /* before it, once a batch */
    recorder.attends += kernel == recorder.kernel->attend;
    return recorder.original.EnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local,
                                                  wait_count, wait, event);
}

/* A dense run of two batches with rows so far apart. */
static void check_maps(sparsed_context *context, uint64_t row_stride, bool mapped) {
    attention_case c = {.desc = desc_of(SPARSED_BF16, DIM)};
    spd_cl_state *device = context->state;
    c.desc.batch = 2;
    c.desc.k = (sparsed_strides){2 * LEN * row_stride, LEN * row_stride, row_stride};
    case_prepare(&c, 1);
    sparsed_plan *plan = case_plan(&c, context);
    recorder = (struct recorder){.original = device->api, .kernel = plan->kernel};
    device->api.SetKernelArg = note_arg;
    device->api.EnqueueNDRangeKernel = note_launch;
    attention_result result = case_run(&c, plan, SPARSED_DENSE, NULL);
    attention_result oracle = case_oracle(&c, NULL);
    device->api = recorder.original;
    check_errors errors = {.cases = 1};
    check_result(&c, "dense", &result, &oracle, check_bounds_of(SPARSED_BF16), &errors);
    assert_int_equal(recorder.attends, 2);
    assert_int_equal(recorder.maps, mapped ? 2 : 0);
    assert_int_equal((recorder.flags & SPD_CL_MAPPED) != 0, mapped);
    result_free(&result);
    result_free(&oracle);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* The device's copy engine takes rows that begin at multiples of 16 bytes. */
static void test_launch__maps_of_aligned_tensors(void **state) {
    (void)state;
    failing->be_nvidia(HOPPER, false);
    sparsed_context *context = open_context("cl-nv-wgmma");
    check_maps(context, DIM, true);
    check_maps(context, DIM + 8, true);
    check_maps(context, DIM + 1, false);
    check_maps(context, DIM + 4, false);
    sparsed_context_destroy(context);
}

/* ---- where a driver does not allow it ---- */

typedef struct failure {
    bool drops_comments;
    const char *function; /* whose call `nth` fails; NULL = none */
    uint64_t nth;
    int error;
    sparsed_status status;
    const char *why;
} failure;

/* The first kernel of a plan is the promoted one. */
static const failure failures[] = {
    {true, NULL, 0, CL_SUCCESS, SPARSED_E_COMPILE,
     "nv_promoted_attend cannot be promoted on @: no marker '//@90a ' has survived"},
    {false, "clBuildProgram", 0, CL_BUILD_PROGRAM_FAILURE, SPARSED_E_COMPILE,
     "nv_promoted_attend does not build on @: ptxas error   : as the test has it"},
    {false, "clBuildProgram", 1, CL_BUILD_PROGRAM_FAILURE, SPARSED_E_COMPILE,
     "nv_promoted_attend, promoted, does not build on @: ptxas error   : as the test has "
     "it"},
    {false, "clBuildProgram", 1, CL_INVALID_BINARY, SPARSED_E_COMPILE,
     "nv_promoted_attend, promoted, does not build on @: ptxas error   : as the test has "
     "it"},
    {false, "clBuildProgram", 1, CL_INVALID_OPERATION, SPARSED_E_DEVICE,
     "clBuildProgram on @: CL_INVALID_OPERATION"},
    {false, "clCreateProgramWithBinary", 0, CL_INVALID_BINARY, SPARSED_E_COMPILE,
     "@ does not take the promoted PTX of nv_promoted_attend"},
    {false, "clCreateProgramWithBinary", 0, CL_INVALID_VALUE, SPARSED_E_DEVICE,
     "clCreateProgramWithBinary on @: CL_INVALID_VALUE"},
    {false, "clGetProgramInfo", 0, CL_INVALID_VALUE, SPARSED_E_DEVICE,
     "clGetProgramInfo on @: CL_INVALID_VALUE"},
    {false, "clGetProgramInfo", 1, CL_INVALID_VALUE, SPARSED_E_DEVICE,
     "clGetProgramInfo on @: CL_INVALID_VALUE"},
    {false, "clGetProgramInfo", 2, CL_INVALID_VALUE, SPARSED_E_DEVICE,
     "clGetProgramInfo on @: CL_INVALID_VALUE"},
};

static void make_driver(const failure *f) {
    failing->reset();
    failing->be_nvidia(HOPPER, f->drops_comments);
    if (f->function)
        failing->arm(f->function, f->nth, f->error);
}

static void test_promoted__refusals_of_the_driver(void **state) {
    const sparsed_desc desc = desc_of(SPARSED_BF16, DIM);
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const failure *f = &failures[i];
        const int64_t before = failing->live();
        make_driver(f);
        expect_refusal(&desc, f->status, f->why);
        assert_int_equal(failing->live(), before);
    }
}

/* Of what does not build, the reason alone: there was no self-test. */
static void expect_verdict(sparsed_context *context, const failure *f) {
    sparsed_kernel_info rows[SPD_CL_FAMILIES];
    size_t count = SPD_CL_FAMILIES;
    for (size_t i = 0; i < SPD_CL_FAMILIES; i++)
        rows[i].struct_size = sizeof rows[i];
    assert_int_equal(sparsed_kernel_list(context, rows, &count), SPARSED_OK);
    assert_string_equal(rows[0].name, "cl-nv-wgmma");
    assert_int_equal(rows[0].failed, 1);
    expect_text(context, rows[0].verdict, f->why);
    assert_int_equal(strncmp(rows[0].verdict, "failed", 6) == 0, f->status != SPARSED_E_COMPILE);
}

static void test_promoted__the_next_row_runs_instead(void **state) {
    const sparsed_desc desc = desc_of(SPARSED_BF16, DIM);
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const failure *f = &failures[i];
        const int64_t before = failing->live();
        make_driver(f);
        sparsed_context *context = open_context(NULL);
        expect_row(context, &desc, "cl-nv-mma");
        expect_row(context, &desc, "cl-nv-mma"); /* the verdict stays */
        expect_verdict(context, f);
        sparsed_context_destroy(context);
        assert_int_equal(failing->live(), before);
    }
}

/* Binaries of this driver are no PTX. */
static void test_promoted__no_ptx(void **state) {
    const sparsed_desc desc = desc_of(SPARSED_BF16, DIM);
    sparsed_message message = {""};
    cl_kernel kernel;
    (void)state;
    sparsed_context *context = open_context(NULL);
    assert_int_equal(spd_cl_kernel_build(context->state, "clear_rows", "", true, &kernel, &message),
                     SPARSED_E_COMPILE);
    assert_null(kernel);
    expect_text(context, message.text,
                "clear_rows cannot be promoted on @: the driver's binary has no line '.target "
                "sm_90': it is not such PTX");
    expect_row(context, &desc, "cl-nv-mma");
    sparsed_context_destroy(context);
}

/* A cl_context may have several devices: of each program the text of this one is promoted. */
static void test_promoted__on_the_second_of_two_devices(void **state) {
    sparsed_context *context = open_context(NULL);
    spd_cl_state *first = context->state, *second;
    const sparsed_allocator allocator = context->allocator;
    cl_device_id devices[2];
    cl_uint count = 0;
    cl_int error;
    void *adopted;
    sparsed_message message = {""};
    (void)state;
    first->api.GetDeviceIDs(first->device.platform, CL_DEVICE_TYPE_ALL, 2, devices, &count);
    if (count < 2) {
        sparsed_context_destroy(context);
        print_message("skipped: the platform has one device only\n");
        skip();
    }
    failing->be_nvidia(HOPPER, false);
    cl_context both = first->api.CreateContext(NULL, 2, devices, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(spd_cl_adopt(both, devices[1], &allocator, &adopted, &message), SPARSED_OK);
    second = adopted;
    cl_kernel kernel;
    if (spd_cl_kernel_build(second, "nv_maps", "-DSPD_DTYPE=3 -DSPD_D=64 -DSPD_BLOCK_K=32", true,
                            &kernel, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    second->api.ReleaseKernel(kernel);
    spd_cl_backend.close(second);
    first->api.ReleaseContext(both);
    sparsed_context_destroy(context);
}

/* ---- kept on disk ---- */

/* A plan on a context of its own; returns the calls of clCreateProgramWithSource. */
static uint64_t sources_of_a_plan(void) {
    const sparsed_desc desc = desc_of(SPARSED_BF16, DIM);
    failing->reset();
    sparsed_context *context = open_context(NULL);
    expect_row(context, &desc, "cl-nv-wgmma");
    sparsed_context_destroy(context);
    return failing->calls("clCreateProgramWithSource");
}

/* Calls `visit` on each of the folder's files; returns how many have the text in them. */
static size_t visit_files(test_folder *folder, const char *text,
                          void (*visit)(sparsed_fingerprint)) {
    DIR *dir = opendir(folder->path);
    const struct dirent *entry;
    size_t found = 0;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        unsigned long long high, low;
        size_t size_bytes;
        if (sscanf(entry->d_name, "%16llx%16llx.clbin", &high, &low) != 2)
            continue;
        char *bytes = test_file_read(test_folder_path(folder, entry->d_name), &size_bytes);
        const size_t header_bytes = 40;
        assert_true(size_bytes > header_bytes);
        found += strstr(bytes + header_bytes, text) != NULL;
        free(bytes);
        if (visit)
            visit((sparsed_fingerprint){low, high});
    }
    closedir(dir);
    return found;
}

/* What is stored is what was promoted: it needs no source. */
static void test_promoted__programs_are_kept(void **state) {
    enum { PROMOTED = 4, OTHERS = 3 }; /* attend, three times, and maps; clear, merge, select */
    test_folder *folder = *state;
    failing->be_nvidia(HOPPER, false);
    setenv("SPARSED_CACHE_DIR", folder->path, 1);
    assert_int_equal(sources_of_a_plan(), PROMOTED + OTHERS);
    assert_int_equal(failing->calls("clCreateProgramWithBinary"), PROMOTED);
    assert_int_equal(test_folder_count(folder, ""), PROMOTED + OTHERS);
    assert_int_equal(visit_files(folder, ".target sm_90a,", NULL), PROMOTED);
    assert_int_equal(visit_files(folder, ".target sm_90,", NULL), OTHERS);
    assert_int_equal(sources_of_a_plan(), 0);
    assert_int_equal(failing->calls("clCreateProgramWithBinary"), PROMOTED + OTHERS);
    assert_int_equal(failing->calls("clBuildProgram"), PROMOTED + OTHERS);
}

static void replace_by_garbage(sparsed_fingerprint key) {
    static const unsigned char garbage[] = ".target sm_90a, and no more";
    spd_cl_cache_store(key, garbage, sizeof garbage);
}

static void test_promoted__damaged_programs_are_built_again(void **state) {
    test_folder *folder = *state;
    failing->be_nvidia(HOPPER, false);
    setenv("SPARSED_CACHE_DIR", folder->path, 1);
    const uint64_t sources = sources_of_a_plan();
    visit_files(folder, "", replace_by_garbage);
    assert_int_equal(sources_of_a_plan(), sources);
    assert_int_equal(sources_of_a_plan(), 0);
}

/* A binary that is there but is refused when it is built. */
static void test_promoted__a_stored_program_that_does_not_build(void **state) {
    test_folder *folder = *state;
    failing->be_nvidia(HOPPER, false);
    setenv("SPARSED_CACHE_DIR", folder->path, 1);
    sources_of_a_plan();
    const sparsed_desc desc = desc_of(SPARSED_BF16, DIM);
    failing->reset();
    failing->arm("clBuildProgram", 0, CL_BUILD_PROGRAM_FAILURE);
    sparsed_context *context = open_context(NULL);
    expect_row(context, &desc, "cl-nv-wgmma");
    sparsed_context_destroy(context);
    assert_int_equal(failing->calls("clCreateProgramWithSource"), 1);
    assert_int_equal(sources_of_a_plan(), 0);
}

/* The same text, promoted and not, are two programs. */
static void test_promoted__another_key(void **state) {
    static const char options[] = "-DSPD_DTYPE=3 -DSPD_D=64 -DSPD_FLAGS=1 -DSPD_BLOCK_Q=32 "
                                  "-DSPD_BLOCK_K=32";
    test_folder *folder = *state;
    failing->be_nvidia(HOPPER, false);
    setenv("SPARSED_CACHE_DIR", folder->path, 1);
    for (int time = 0; time < 2; time++) {
        sparsed_context *context = open_context(NULL);
        spd_cl_state *device = context->state;
        cl_kernel kernels[2];
        sparsed_message message = {""};
        failing->reset();
        for (int promoted = 0; promoted < 2; promoted++)
            if (spd_cl_kernel_build(device, "nv_promoted_attend", options, promoted == 1,
                                    &kernels[promoted], &message) != SPARSED_OK)
                fail_msg("%s", message.text);
        assert_int_equal(failing->calls("clCreateProgramWithSource"), time == 0 ? 2 : 0);
        assert_int_equal(device->built_count, 2);
        for (int promoted = 0; promoted < 2; promoted++)
            device->api.ReleaseKernel(kernels[promoted]);
        sparsed_context_destroy(context);
        assert_int_equal(test_folder_count(folder, ""), 2);
    }
}

/* ---- texts from a folder ---- */

static sparsed_status build_plain(sparsed_context *context, sparsed_message *message) {
    cl_kernel kernel;
    sparsed_status status = spd_cl_kernel_build(context->state, "nv_plain_attend", "-DSPD_D=64",
                                                false, &kernel, message);
    if (status == SPARSED_OK)
        ((spd_cl_state *)context->state)->api.ReleaseKernel(kernel);
    return status;
}

/* Kernels nv_* have nv.clh before them, from the same folder. */
static void test_kernel_dir__nv_texts(void **state) {
    static const char common[] = "#define COMMON 1\n", nvidia[] = "#define NVIDIA (COMMON + 1)\n";
    static const char kernel[] = "#if NVIDIA != 2\n#error not in this order\n#endif\n"
                                 "__kernel void nv_plain_attend(__global float *x) { x[0] = 1.0f; "
                                 "}\n";
    test_folder *folder = *state;
    sparsed_message message = {""};
    sparsed_context *context = open_context(NULL);
    setenv("SPARSED_KERNEL_DIR", folder->path, 1);
    test_folder_write_text(folder, "common.clh", common);
    test_folder_write_text(folder, "nv_plain_attend.cl", kernel);
    const sparsed_status without = build_plain(context, &message);
    test_folder_write_text(folder, "nv.clh", nvidia);
    sparsed_message other = {""};
    const sparsed_status with = build_plain(context, &other);
    unsetenv("SPARSED_KERNEL_DIR");
    sparsed_context_destroy(context);
    assert_int_equal(without, SPARSED_E_IO);
    assert_non_null(strstr(message.text, "SPARSED_KERNEL_DIR: cannot open "));
    assert_non_null(strstr(message.text, "/nv.clh"));
    assert_string_equal(other.text, "");
    assert_int_equal(with, SPARSED_OK);
}

#define WITH_DRIVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_DRIVER(test_promoted__runs),
        WITH_DRIVER(test_accept__capability),
        WITH_DRIVER(test_accept__head_dimension_and_storage_type),
        WITH_DRIVER(test_launch__maps_of_aligned_tensors),
        WITH_DRIVER(test_promoted__refusals_of_the_driver),
        WITH_DRIVER(test_promoted__the_next_row_runs_instead),
        WITH_DRIVER(test_promoted__no_ptx),
        WITH_DRIVER(test_promoted__on_the_second_of_two_devices),
        WITH_DRIVER(test_promoted__programs_are_kept),
        WITH_DRIVER(test_promoted__damaged_programs_are_built_again),
        WITH_DRIVER(test_promoted__a_stored_program_that_does_not_build),
        WITH_DRIVER(test_promoted__another_key),
        WITH_DRIVER(test_kernel_dir__nv_texts),
    };
    setenv("POCL_DEVICES", "pthread pthread", 0); /* PoCL then has two */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
