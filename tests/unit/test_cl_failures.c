/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Each OpenCL call of a context's life made to fail once: statuses, texts, and nothing left behind.
 * What follows a lost device, and how a run goes on without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cl/state.h"
#include "src/context.h"
#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/counting_allocator.h"
#include "support/test_files.h"
#include "support/use_failing_opencl.h"

enum { LEN = 70, HEADS = 2, DIM = 16, OUT = HEADS * LEN * DIM, SCORES = 2 * HEADS * 3 * 3 };

/* Problems that take different ways to and from the device. */
typedef enum variant {
    PACKED, /* scored; tensors copied as they lie */
    SPREAD  /* a fixed pattern; rows with gaps, copied one head at a time; padding to clear */
} variant;

enum { SPREAD_HEAD = 3 * LEN * DIM, SPREAD_ROW = 3 * DIM }; /* strides in elements */

static const failing_opencl_control *failing;

static float q[3 * OUT], k[3 * LEN * DIM], v[3 * LEN * DIM];

/* What one life gives: the first call that failed, and what it said. */
typedef struct life {
    sparsed_status status;
    char text[512];
    bool lost;
    float out[3 * OUT], lse[HEADS * LEN], scores[SCORES];
} life;

static sparsed_desc small_desc(variant kind) {
    sparsed_desc desc = case_desc(1, HEADS, 1, DIM, LEN);
    if (kind == SPREAD)
        desc.q = desc.k = desc.v = desc.out =
            (sparsed_strides){HEADS * SPREAD_HEAD, SPREAD_HEAD, SPREAD_ROW};
    return desc;
}

static sparsed_select small_select(variant kind) {
    sparsed_select select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 32, 20, 0.4);
    if (kind == SPREAD) {
        select.mode = SPARSED_MODE_STREAMING;
        select.window = 9;
        select.sinks = 3;
    }
    return select;
}

static void fill(float *to, size_t count, uint32_t seed) {
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        to[i] = (float)((int)(seed >> 25) - 64) / 32.0f;
    }
}

static sparsed_io io_of(variant kind, float *out, float *lse) {
    static const uint64_t start = 5, end = LEN - 4;
    return (sparsed_io){.struct_size = sizeof(sparsed_io),
                        .q.mem = q,
                        .k.mem = k,
                        .v.mem = v,
                        .out.mem = out,
                        .lse.mem = lse,
                        .valid_start = kind == SPREAD ? &start : NULL,
                        .valid_end = kind == SPREAD ? &end : NULL};
}

/* ---- one life ---- */

/* A lost device: every call returns the same status, says what it was lost by, and leaves the
 * device alone, which might not return. */
static void check_lost(sparsed_context *context, sparsed_plan *plan, sparsed_kept *kept,
                       const sparsed_pattern *pattern, const sparsed_io *io) {
    const sparsed_desc desc = small_desc(PACKED);
    const sparsed_select select = small_select(PACKED);
    sparsed_plan *other_plan;
    sparsed_kept *other_kept;
    sparsed_pattern *other_pattern;
    assert_context_error(context, sparsed_plan_create(context, &desc, &select, &other_plan),
                         SPARSED_E_DEVICE, "was lost by");
    assert_null(other_plan);
    if (!plan)
        return;
    /* The first waits for copies that had begun. */
    assert_int_equal(sparsed_plan_run(plan, SPARSED_DENSE, io, NULL), SPARSED_E_DEVICE);
    uint64_t calls = failing->calls(NULL);
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_DENSE, io, NULL), SPARSED_E_DEVICE,
                         "was lost by");
    assert_context_error(context, sparsed_kept_create(plan, &other_kept), SPARSED_E_DEVICE,
                         "was lost by");
    if (kept && pattern)
        assert_context_error(context, sparsed_kept_set(kept, pattern), SPARSED_E_DEVICE,
                             "was lost by");
    if (kept && sparsed_kept_get(kept, &other_pattern) != SPARSED_E_STATE) /* it may be empty */
        assert_context_error(context, sparsed_kept_get(kept, &other_pattern), SPARSED_E_DEVICE,
                             "was lost by");
    assert_int_equal(failing->calls(NULL), calls);
}

static sparsed_status run_ops(variant kind, sparsed_plan *plan, sparsed_kept *kept,
                              sparsed_pattern **pattern, life *l) {
    static const sparsed_op builds[] = {SPARSED_BUILD, SPARSED_BUILD_SPARSE, SPARSED_DENSE_BUILD};
    sparsed_io io = io_of(kind, l->out, l->lse);
    sparsed_status status = sparsed_plan_run(plan, SPARSED_DENSE, &io, NULL);
    io.scores.mem = kind == PACKED ? l->scores : NULL;
    for (size_t i = 0; i < 3 && status == SPARSED_OK; i++)
        status = sparsed_plan_run(plan, builds[i], &io, kept);
    if (status == SPARSED_OK)
        status = sparsed_kept_get(kept, pattern);
    if (status == SPARSED_OK)
        status = sparsed_kept_set(kept, *pattern);
    io.scores.mem = NULL;
    return status == SPARSED_OK ? sparsed_plan_run(plan, SPARSED_SPARSE, &io, kept) : status;
}

/* A context, a plan, every operation, a pattern out and in; up to the first call that fails. */
static void live_once(variant kind, life *l, const sparsed_allocator *allocator) {
    const sparsed_desc desc = small_desc(kind);
    const sparsed_select select = small_select(kind);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_plan *plan = NULL;
    sparsed_kept *kept = NULL;
    sparsed_pattern *pattern = NULL;
    sparsed_message message;
    memset(l, 0, sizeof *l);
    options.device = "opencl";
    options.allocator = allocator;
    l->status = sparsed_context_create(&options, &context, &message);
    if (l->status != SPARSED_OK) {
        assert_null(context);
        snprintf(l->text, sizeof l->text, "%s", message.text);
        return;
    }
    l->status = sparsed_plan_create(context, &desc, &select, &plan);
    if (l->status == SPARSED_OK)
        l->status = sparsed_kept_create(plan, &kept);
    if (l->status == SPARSED_OK)
        l->status = run_ops(kind, plan, kept, &pattern, l);
    if (l->status != SPARSED_OK)
        snprintf(l->text, sizeof l->text, "%s", sparsed_context_error(context));
    l->lost = strstr(l->text, "counts as lost") || strstr(l->text, "was lost by");
    if (l->lost) {
        const sparsed_io io = io_of(PACKED, l->out, l->lse);
        check_lost(context, plan, kept, pattern, &io);
    }
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    if (pattern)
        assert_true(sparsed_pattern_count(pattern, UINT32_MAX) > 0);
    sparsed_pattern_release(pattern);
}

/* ---- what must be true of a life with a failure ---- */

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* A command that did not run, or a wait for one. */
static bool is_command(const char *function) {
    return begins(function, "clEnqueue") || begins(function, "clFinish") ||
           begins(function, "clFlush");
}

/* The text names the call (a rectangle's without that word) and the device. */
static void check_text(const life *l, const char *function) {
    char name[64];
    snprintf(name, sizeof name, "%s", function);
    char *rect = strstr(name, "Rect");
    if (rect)
        *rect = '\0';
    if (l->status == SPARSED_E_NO_DEVICE) /* found none, or one that says nothing of itself */
        return;
    if (l->status == SPARSED_E_NOMEM && strstr(l->text, "no memory for"))
        return;
    if (!strstr(l->text, name) || !strstr(l->text, "opencl:"))
        fail_msg("%s failed, and the text is: %s", function, l->text);
}

static void check_results(const life *l, const life *good, const char *function) {
    for (size_t i = 0; i < 3 * OUT; i++)
        if (!(l->out[i] - good->out[i] < 1e-4f && good->out[i] - l->out[i] < 1e-4f))
            fail_msg("%s failed unnoticed: out[%zu] is %g, not %g", function, i, (double)l->out[i],
                     (double)good->out[i]);
}

static void check_life(const life *l, const life *good, const char *function, int error) {
    switch (l->status) {
    case SPARSED_OK:
        check_results(l, good, function);
        if (error == CL_OUT_OF_RESOURCES && is_command(function))
            fail_msg("%s failed unnoticed", function);
        return;
    case SPARSED_E_DEVICE:
    case SPARSED_E_NOMEM:
    case SPARSED_E_NO_DEVICE:
    case SPARSED_E_UNSUPPORTED: /* no kernel could be built */
        check_text(l, function);
        break;
    default:
        fail_msg("%s failed, and the status is %d: %s", function, (int)l->status, l->text);
    }
    if (error == CL_OUT_OF_RESOURCES && is_command(function) != l->lost)
        fail_msg("%s ran out of resources, and the text is: %s", function, l->text);
    if (l->lost)
        assert_int_equal(l->status, SPARSED_E_DEVICE);
}

/* Call `nth` of a function (NULL: of all) fails; false if there is no such call. */
static bool live_with_failure(variant kind, const char *function, uint64_t nth, int error,
                              const life *good) {
    static life l;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const int64_t before = failing->live();
    failing->reset();
    failing->arm(function, nth, error);
    live_once(kind, &l, &allocator);
    const char *failed = failing->failed();
    if (failed)
        check_life(&l, good, failed, error);
    if (failing->live() != before)
        fail_msg("%s, call %llu: %lld objects are left", failed ? failed : "none",
                 (unsigned long long)nth, (long long)(failing->live() - before));
    assert_int_equal(counter.live, 0);
    failing->reset();
    return failed != NULL;
}

/* A life in which nothing fails. */
static void good_life(variant kind, life *good) {
    failing->reset();
    live_once(kind, good, NULL); /* builds the programs */
    failing->reset();
    live_once(kind, good, NULL);
    if (good->status != SPARSED_OK)
        fail_msg("%s", good->text);
}

static void test_life__leaves_nothing(void **state) {
    (void)state;
    static life good;
    need_opencl_device();
    const int64_t before = failing->live();
    for (variant kind = PACKED; kind <= SPREAD; kind++) {
        good_life(kind, &good);
        assert_int_equal(failing->live(), before);
        print_message("%llu OpenCL calls in a life\n", (unsigned long long)failing->calls(NULL));
    }
}

/* Where tests are small, every other call of each kind: the even ones, then the odd ones. */
static void test_life__each_call_fails_once(void **state) {
    (void)state;
    static life good;
    need_opencl_device();
    for (variant kind = PACKED; kind <= SPREAD; kind++) {
        uint64_t nth = SMALL_TESTS ? kind : 0, failures = 0;
        good_life(kind, &good);
        for (; live_with_failure(kind, NULL, nth, CL_OUT_OF_RESOURCES, &good);
             nth += SMALL_TESTS ? 2 : 1)
            failures++;
        assert_true(nth > 100);
        print_message("%llu calls failed, each once\n", (unsigned long long)failures);
    }
}

/* The first calls of each function, with other errors. */
static void test_life__other_errors(void **state) {
    (void)state;
    static const struct {
        const char *function;
        int error;
    } cases[] = {{"clBuildProgram", CL_BUILD_PROGRAM_FAILURE},
                 {"clCreateBuffer", CL_MEM_OBJECT_ALLOCATION_FAILURE},
                 {"clCreateContext", CL_DEVICE_NOT_AVAILABLE},
                 {"clCreateCommandQueue", CL_OUT_OF_HOST_MEMORY},
                 {"clCreateKernel", CL_INVALID_KERNEL_NAME},
                 {"clCreateKernel", CL_OUT_OF_HOST_MEMORY},
                 {"clCreateProgramWithSource", CL_OUT_OF_HOST_MEMORY},
                 {"clCreateProgramWithBinary", CL_INVALID_BINARY},
                 {"clSetKernelArg", CL_INVALID_ARG_SIZE},
                 {"clEnqueueNDRangeKernel", CL_OUT_OF_HOST_MEMORY},
                 {"clEnqueueNDRangeKernel", CL_INVALID_WORK_GROUP_SIZE},
                 {"clEnqueueNDRangeKernel", -9999},
                 {"clEnqueueWriteBuffer", CL_MEM_OBJECT_ALLOCATION_FAILURE},
                 {"clGetKernelWorkGroupInfo", CL_INVALID_VALUE},
                 {"clEnqueueReadBuffer", CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST},
                 {"clFinish", CL_DEVICE_NOT_AVAILABLE},
                 {"clFinish", CL_INVALID_COMMAND_QUEUE}};
    static life good;
    need_opencl_device();
    good_life(PACKED, &good);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint64_t nth = 0; nth < 12; nth++)
            live_with_failure(PACKED, cases[i].function, nth, cases[i].error, &good);
}

/* Without stored binaries the programs are built from source. */
static void test_life__a_build_from_source_fails(void **state) {
    (void)state;
    static const char *const functions[] = {"clCreateProgramWithSource", "clBuildProgram",
                                            "clGetProgramInfo", "clGetProgramBuildInfo"};
    static life good;
    need_opencl_device();
    good_life(PACKED, &good);
    char *folder = strdup(getenv("SPARSED_CACHE_DIR"));
    setenv("SPARSED_CACHE_DIR", "off", 1);
    for (size_t i = 0; i < 4; i++)
        for (uint64_t nth = 0; nth < 2; nth++)
            live_with_failure(PACKED, functions[i], nth, CL_BUILD_PROGRAM_FAILURE, &good);
    setenv("SPARSED_CACHE_DIR", folder, 1);
    free(folder);
}

/* ---- a device that takes small work-groups only ---- */

static cl_int CL_API_CALL eight_items(cl_kernel kernel, cl_device_id device,
                                      cl_kernel_work_group_info what, size_t size, void *to,
                                      size_t *size_out) {
    static cl_api_clGetKernelWorkGroupInfo real;
    if (!real) {
        spd_cl_api api;
        assert_int_equal(spd_cl_api_open(&api, NULL), SPARSED_OK);
        real = api.GetKernelWorkGroupInfo;
    }
    cl_int error = real(kernel, device, what, size, to, size_out);
    if (what == CL_KERNEL_WORK_GROUP_SIZE)
        *(size_t *)to = 8;
    return error;
}

/* A kernel that needs more is refused before it is run: the device is not lost by it. */
static void test_kernel__of_larger_groups_is_refused(void **state) {
    (void)state;
    need_opencl_device();
    failing->reset();
    const sparsed_desc desc = small_desc(PACKED);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_plan *plan;
    options.device = "opencl";
    options.kernel = "cl-generic";
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    spd_cl_state *device = context->state;
    device->api.GetKernelWorkGroupInfo = eight_items;
    assert_context_error(context, sparsed_plan_create(context, &desc, NULL, &plan),
                         SPARSED_E_UNSUPPORTED, "generic_attend has work-groups of 128 items");
    assert_null(plan);
    assert_int_equal(failing->calls("clEnqueueNDRangeKernel"), 0);
    assert_int_equal(device->lost, 0);
    sparsed_context_destroy(context);
}

/* ---- after a loss ---- */

enum { STEPS = 6, LAYERS = 2, BUILD_STEP = 1, LOST_STEP = 3 };

static sparsed_pipeline *new_pipeline(sparsed_context *context) {
    const sparsed_desc desc = small_desc(PACKED);
    const sparsed_select select = small_select(PACKED);
    sparsed_schedule_entry entries[STEPS];
    sparsed_pipeline *pipeline;
    assert_int_equal(sparsed_schedule_preset("paper", 0.4, entries, STEPS, NULL), SPARSED_OK);
    assert_int_equal(entries[BUILD_STEP].op, SPARSED_DENSE_BUILD);
    const sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = STEPS, .entries = entries};
    if (sparsed_pipeline_create(context, &desc, &select, &schedule, LAYERS, &pipeline) !=
        SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return pipeline;
}

static sparsed_context *open_device(const char *name) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    options.device = name;
    if (sparsed_context_create(&options, &context, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    return context;
}

/* New q, k and v for each step and layer. */
static sparsed_status attend(sparsed_pipeline *pipeline, uint32_t step, uint32_t layer,
                             float *out) {
    const sparsed_io io = io_of(PACKED, out, NULL);
    fill(q, OUT, 3 * step + 17 * layer + 1);
    fill(k, LEN * DIM, 5 * step + 19 * layer + 2);
    fill(v, LEN * DIM, 7 * step + 23 * layer + 3);
    return sparsed_pipeline_attend(pipeline, step, layer, &io);
}

static void assert_close(const float *got, const float *want) {
    for (size_t i = 0; i < OUT; i++)
        assert_true(got[i] - want[i] < 1e-4f && want[i] - got[i] < 1e-4f);
}

/* The whole run on one device. */
static void run_whole(const char *device, float out[STEPS][LAYERS][OUT]) {
    sparsed_context *context = open_device(device);
    sparsed_pipeline *pipeline = new_pipeline(context);
    for (uint32_t step = 0; step < STEPS; step++)
        for (uint32_t layer = 0; layer < LAYERS; layer++)
            assert_int_equal(attend(pipeline, step, layer, out[step][layer]), SPARSED_OK);
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(context);
}

/* On OpenCL until the device is lost in a sparse step; the patterns' host copies are returned. */
static void run_until_lost(float out[STEPS][LAYERS][OUT], sparsed_pattern **patterns) {
    sparsed_context *context = open_device("opencl");
    sparsed_pipeline *pipeline = new_pipeline(context);
    for (uint32_t step = 0; step < LOST_STEP; step++)
        for (uint32_t layer = 0; layer < LAYERS; layer++) {
            assert_int_equal(attend(pipeline, step, layer, out[step][layer]), SPARSED_OK);
            if (step == BUILD_STEP)
                assert_int_equal(sparsed_pipeline_get_pattern(pipeline, layer, &patterns[layer]),
                                 SPARSED_OK);
        }
    failing->reset();
    failing->arm("clEnqueueNDRangeKernel", 0, CL_OUT_OF_RESOURCES);
    assert_int_equal(attend(pipeline, LOST_STEP, 0, out[LOST_STEP][0]), SPARSED_E_DEVICE);
    assert_non_null(strstr(sparsed_context_error(context), "clEnqueueNDRangeKernel on opencl:"));
    assert_non_null(strstr(sparsed_context_error(context), "lost"));
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        sparsed_pattern *late;
        assert_context_error(context, attend(pipeline, LOST_STEP, layer, out[LOST_STEP][layer]),
                             SPARSED_E_DEVICE,
                             "was lost by clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES");
        assert_context_error(context, sparsed_pipeline_get_pattern(pipeline, layer, &late),
                             SPARSED_E_DEVICE,
                             "was lost by clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES");
        assert_null(late);
    }
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(context);
}

/* The same steps on the CPU, from the lost one on. */
static void test_lost_device__the_run_continues_on_the_cpu(void **state) {
    (void)state;
    static float whole[STEPS][LAYERS][OUT], mended[STEPS][LAYERS][OUT];
    sparsed_pattern *patterns[LAYERS] = {NULL};
    need_opencl_device();
    failing->reset();
    const int64_t before = failing->live();
    run_whole("opencl", whole);
    run_until_lost(mended, patterns);
    assert_int_equal(failing->live(), before);
    sparsed_context *cpu = open_device("cpu");
    sparsed_pipeline *pipeline = new_pipeline(cpu);
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        assert_int_equal(sparsed_pipeline_set_pattern(pipeline, layer, patterns[layer]),
                         SPARSED_OK);
        sparsed_pattern_release(patterns[layer]);
    }
    for (uint32_t step = LOST_STEP; step < STEPS; step++)
        for (uint32_t layer = 0; layer < LAYERS; layer++)
            assert_int_equal(attend(pipeline, step, layer, mended[step][layer]), SPARSED_OK);
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(cpu);
    for (uint32_t step = 0; step < STEPS; step++)
        for (uint32_t layer = 0; layer < LAYERS; layer++)
            assert_close(mended[step][layer], whole[step][layer]);
}

/* A new context on the device works, once the device does. */
static void test_lost_device__a_new_context_is_a_new_start(void **state) {
    (void)state;
    static float out[STEPS][LAYERS][OUT], again[STEPS][LAYERS][OUT];
    sparsed_pattern *patterns[LAYERS] = {NULL};
    need_opencl_device();
    failing->reset();
    run_until_lost(out, patterns);
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        sparsed_pattern_release(patterns[layer]);
    run_whole("opencl", again);
    assert_memory_equal(again, out, LOST_STEP * sizeof *out);
}

/* ---- set-up ---- */

static int setup(void **state) {
    int rc = test_folder_setup(state);
    if (rc == 0)
        setenv("SPARSED_CACHE_DIR", test_folder_path(*state, ""), 1);
    fill(q, 3 * OUT, 1);
    fill(k, 3 * LEN * DIM, 2);
    fill(v, 3 * LEN * DIM, 3);
    failing = use_failing_opencl(FAILING_OPENCL);
    return rc;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life__leaves_nothing),
        cmocka_unit_test(test_life__each_call_fails_once),
        cmocka_unit_test(test_life__other_errors),
        cmocka_unit_test(test_life__a_build_from_source_fails),
        cmocka_unit_test(test_kernel__of_larger_groups_is_refused),
        cmocka_unit_test(test_lost_device__the_run_continues_on_the_cpu),
        cmocka_unit_test(test_lost_device__a_new_context_is_a_new_start),
    };
    return cmocka_run_group_tests(tests, setup, test_folder_teardown);
}
