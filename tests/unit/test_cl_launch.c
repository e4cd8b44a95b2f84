/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* How an OpenCL device is given its work: cut into launches without a trace in the results, nothing
 * compiled for a new length, equal programs built once. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cl/kernel.h"
#include "cl/program.h"
#include "src/plan.h"
#include "support/attention_case.h"
#include "support/kernel_rows.h"

static const uint32_t modes[] = {SPARSED_MODE_PAPER, SPARSED_MODE_UPSTREAM_DREAM,
                                 SPARSED_MODE_UPSTREAM_LLADA, SPARSED_MODE_JOINT,
                                 SPARSED_MODE_STREAMING};

enum { MODES = 5, LEN = 150, HEADS = 3, MAX_KERNELS = 64 };

/* ---- what the library asks of OpenCL ---- */

typedef struct seen_kernel {
    cl_kernel kernel;
    size_t local[3];
} seen_kernel;

/* The functions of a state's table that count have no argument of their own. */
static struct recorder {
    spd_cl_api original;
    unsigned builds, launches, attend_launches, released;
    const spd_cl_kernel *plan; /* whose attend launches are measured; NULL = none */
    uint64_t largest_rows;     /* heads * rows of one of them */
    bool watches_groups;
    seen_kernel kernels[MAX_KERNELS];
    size_t kernel_count;
} recorder;

/* Of the row in a test's state. */
static const spd_cl_family *family_of(void **state) {
    const char *name = usable_row(state)->info.name;
    size_t row = 0;
    while (strcmp(spd_cl_rows[row].name, name) != 0)
        row++;
    return &spd_cl_families[row];
}

static bool is_attend(const spd_cl_kernel *plan, cl_kernel kernel) {
    return kernel == plan->attend || kernel == plan->attend_build || kernel == plan->build;
}

/* A kernel's groups must be given a size, always the same one. */
static void note_group(cl_kernel kernel, cl_uint dimensions, const size_t *local) {
    seen_kernel *seen = recorder.kernels;
    assert_non_null(local);
    while (seen < recorder.kernels + recorder.kernel_count && seen->kernel != kernel)
        seen++;
    if (seen == recorder.kernels + recorder.kernel_count) {
        assert_true(recorder.kernel_count++ < MAX_KERNELS);
        seen->kernel = kernel;
        memcpy(seen->local, local, dimensions * sizeof *local);
    }
    assert_memory_equal(seen->local, local, dimensions * sizeof *local);
}

static cl_int CL_API_CALL count_launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                       const size_t *offset, const size_t *global,
                                       const size_t *local, cl_uint wait_count,
                                       const cl_event *wait, cl_event *event) {
    const spd_cl_kernel *plan = recorder.plan;
    recorder.launches++;
    if (recorder.watches_groups)
        note_group(kernel, dimensions, local);
    if (plan && is_attend(plan, kernel)) {
        uint64_t rows = global[0] / plan->family->group_items * plan->unit_rows * global[1];
        recorder.attend_launches++;
        if (rows > recorder.largest_rows)
            recorder.largest_rows = rows;
    }
    return recorder.original.EnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local,
                                                  wait_count, wait, event);
}

static cl_int CL_API_CALL count_build(cl_program program, cl_uint device_count,
                                      const cl_device_id *devices, const char *options,
                                      void(CL_CALLBACK *notify)(cl_program, void *), void *user) {
    recorder.builds++;
    return recorder.original.BuildProgram(program, device_count, devices, options, notify, user);
}

static cl_int CL_API_CALL count_release(cl_program program) {
    recorder.released++;
    return recorder.original.ReleaseProgram(program);
}

/* Counts from 0 on a context of its own. */
static spd_cl_state *start_recording(sparsed_context *context) {
    spd_cl_state *state = context->state;
    memset(&recorder, 0, sizeof recorder);
    recorder.original = state->api;
    state->api.EnqueueNDRangeKernel = count_launch;
    state->api.BuildProgram = count_build;
    state->api.ReleaseProgram = count_release;
    return state;
}

static sparsed_context *open_recorded(void **state, spd_cl_state **device) {
    sparsed_context *context = open_row(usable_row(state), 0);
    assert_non_null(context);
    *device = start_recording(context);
    return context;
}

/* ---- cases ---- */

static attention_case new_case(uint32_t mode) {
    attention_case c = {.desc = case_desc(2, HEADS, 1, 16, LEN),
                        .select =
                            case_select(mode, 32, 16, mode == SPARSED_MODE_STREAMING ? 0 : 50, 0.3),
                        .has_valid = true,
                        .valid_start = {0, 7},
                        .valid_end = {LEN, LEN - 12}};
    c.select.window = 20;
    c.select.sinks = 3;
    case_prepare(&c, mode);
    return c;
}

enum { OPS = 4 };

typedef struct all_runs {
    attention_result of[OPS];
} all_runs;

static all_runs run_all(attention_case *c, sparsed_plan *plan) {
    static const sparsed_op ops[OPS] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_BUILD,
                                        SPARSED_SPARSE};
    all_runs runs;
    sparsed_kept *kept = case_kept(plan);
    for (int i = 0; i < OPS; i++)
        runs.of[i] = case_run(c, plan, ops[i], ops[i] == SPARSED_DENSE ? NULL : kept);
    sparsed_kept_destroy(kept);
    return runs;
}

static void free_all(all_runs *runs) {
    for (int i = 0; i < OPS; i++)
        result_free(&runs->of[i]);
}

static void assert_same_values(const double *a, const double *b, uint64_t count) {
    assert_true(!a == !b);
    if (a)
        assert_memory_equal(a, b, count * sizeof *a);
}

static void assert_same_bits(const attention_case *c, const attention_result *a,
                             const attention_result *b) {
    assert_same_values(a->out, b->out, case_out_count(c));
    assert_same_values(a->lse, b->lse, case_lse_count(c));
    assert_same_values(a->scores, b->scores, case_block_count(c));
    assert_same_values(a->scores_generation, b->scores_generation, case_block_count(c));
    if (a->mask)
        assert_memory_equal(a->mask, b->mask, case_block_count(c));
}

/* ---- cut into launches ---- */

typedef struct bounds {
    uint64_t launch_rows, build_rows; /* over the heads */
    unsigned least; /* attend launches of all runs, at least, where a unit is a query block */
} bounds;

/* The plan's own bounds for `whole`; then these. */
static void check_bounds_of_launches(sparsed_context *context, spd_cl_state *device,
                                     attention_case *c, const all_runs *whole,
                                     const bounds *bound) {
    const uint64_t row_operations = 4 * (uint64_t)c->desc.head_dim * LEN;
    device->launch_operations = bound->launch_rows * row_operations;
    device->build_rows = bound->build_rows;
    sparsed_plan *plan = case_plan(c, context);
    device->launch_operations = device->build_rows = 0;
    const spd_cl_kernel *kernel = plan->kernel;
    const uint32_t unit = kernel->unit_rows, block = c->select.block_q;
    recorder.plan = kernel;
    recorder.attend_launches = 0;
    recorder.largest_rows = 0;
    all_runs parts = run_all(c, plan);
    for (int i = 0; i < OPS; i++)
        assert_same_bits(c, &parts.of[i], &whole->of[i]);
    assert_true(recorder.attend_launches >= bound->least / (unit > block ? unit / block : 1));
    /* a shorter batch has more rows in as many operations */
    assert_true(recorder.largest_rows <=
                bound->launch_rows * LEN / (LEN - 19) + (unit > block ? unit : block));
    free_all(&parts);
    sparsed_plan_destroy(plan);
}

static void test_launch__in_parts_gives_the_same_bits(void **state) {
    static const bounds all_bounds[] = {
        {1, 1, 3 * 2 * HEADS * 5},   /* a query block at a time */
        {64, 64, 3 * 2 * HEADS * 3}, /* two query blocks */
        {320, 320, 3 * 2 * 2},       /* two heads, then one */
        {10000, 64, 2 * HEADS}       /* bounded by the scratch of a build alone */
    };
    spd_cl_state *device;
    sparsed_context *context = open_recorded(state, &device);
    for (int m = 0; m < MODES; m++) {
        attention_case c = new_case(modes[m]);
        sparsed_plan *plan = case_plan(&c, context);
        recorder.plan = plan->kernel;
        all_runs whole = run_all(&c, plan);
        for (size_t i = 0; i < sizeof all_bounds / sizeof *all_bounds; i++)
            check_bounds_of_launches(context, device, &c, &whole, &all_bounds[i]);
        recorder.plan = NULL;
        free_all(&whole);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
    sparsed_context_destroy(context);
}

/* One query block may be too much for one launch: units of fewer rows are not. */
static void test_launch__in_parts_of_a_query_block_gives_the_same_bits(void **state) {
    static const bounds one_unit = {1, 1, 3 * 2 * HEADS * 2};
    spd_cl_state *device;
    if (family_of(state)->many_blocks) {
        print_message("skipped: no query block is more than a unit of this row\n");
        skip();
    }
    sparsed_context *context = open_recorded(state, &device);
    for (int m = 0; m < MODES; m++) {
        attention_case c = {.desc = case_desc(2, HEADS, 1, 136, LEN),
                            .select = case_select(modes[m], 128, 32, 20, 0.4)};
        case_prepare(&c, 3);
        sparsed_plan *plan = case_plan(&c, context);
        const spd_cl_kernel *kernel = plan->kernel;
        assert_true(kernel->unit_rows < 128);
        recorder.plan = kernel;
        all_runs whole = run_all(&c, plan);
        check_bounds_of_launches(context, device, &c, &whole, &one_unit);
        assert_true(recorder.largest_rows <= kernel->unit_rows);
        recorder.plan = NULL;
        free_all(&whole);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
    sparsed_context_destroy(context);
}

/* Both visit the same blocks in the same order. */
static void test_launch__dense_and_dense_build_give_the_same_bits(void **state) {
    kernel_row *row = usable_row(state);
    for (int m = 0; m < MODES; m++) {
        attention_case c = new_case(modes[m]);
        sparsed_plan *plan = case_plan(&c, row->context);
        all_runs runs = run_all(&c, plan);
        assert_same_values(runs.of[0].out, runs.of[1].out, case_out_count(&c));
        assert_same_values(runs.of[0].lse, runs.of[1].lse, case_lse_count(&c));
        free_all(&runs);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
}

/* ---- what is compiled ---- */

static void run_length(sparsed_plan *plan, const attention_case *of_plan, uint64_t len) {
    attention_case c = {.desc = of_plan->desc,
                        .select = of_plan->select,
                        .q_len = len,
                        .kv_len = len,
                        .has_valid = true,
                        .valid_start = {0, len / 2},
                        .valid_end = {len, len}};
    case_prepare(&c, len);
    all_runs runs = run_all(&c, plan);
    free_all(&runs);
    case_free(&c);
}

/* Nor does a runtime that compiles for each group size. */
static void test_launch__new_lengths_compile_nothing(void **state) {
    static const uint64_t lens[] = {1, 15, 16, 17, 97, LEN - 1, LEN};
    spd_cl_state *device;
    sparsed_context *context = open_recorded(state, &device);
    for (int m = 0; m < MODES; m++) {
        attention_case c = new_case(modes[m]);
        c.select.gen_len = 0;
        sparsed_plan *plan = case_plan(&c, context);
        const unsigned builds = recorder.builds;
        recorder.kernel_count = 0;
        recorder.watches_groups = true;
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
            run_length(plan, &c, lens[i]);
        recorder.watches_groups = false;
        assert_int_equal(recorder.builds, builds);
        assert_true(recorder.kernel_count >= 3);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
    sparsed_context_destroy(context);
}

/* Calls of clBuildProgram that attend kernels take where scores have attention's scale, and their maps. */
static unsigned attend_builds(const sparsed_plan *plan) {
    const spd_cl_family *family = ((const spd_cl_kernel *)plan->kernel)->family;
    return (family->specialised ? 3u : 1u) * (family->promoted ? 2u : 1u) +
           (family->mapped ? 2u : 0u);
}

static void test_plan_create__equal_programs_are_built_once(void **state) {
    spd_cl_state *device;
    sparsed_context *context = open_recorded(state, &device);
    attention_case c = new_case(SPARSED_MODE_PAPER);
    sparsed_plan *first = case_plan(&c, context), *second = case_plan(&c, context);
    const unsigned builds = recorder.builds, attends = attend_builds(first);
    assert_int_equal(builds, attends + 3); /* and clear, score, select */
    c.select.mode = SPARSED_MODE_JOINT;
    sparsed_plan *other_mode = case_plan(&c, context);
    assert_int_equal(recorder.builds, builds);
    c.desc.dtype = SPARSED_F16;
    sparsed_plan *other_type = case_plan(&c, context);
    assert_int_equal(recorder.builds, builds + attends + 1); /* and clear */
    sparsed_plan_destroy(first);
    sparsed_plan_destroy(second);
    sparsed_plan_destroy(other_mode);
    sparsed_plan_destroy(other_type);
    case_free(&c);
    sparsed_context_destroy(context);
    assert_int_equal(recorder.released, builds + attends + 1);
}

static cl_kernel build_number(spd_cl_state *device, int number) {
    char options[32];
    cl_kernel kernel;
    sparsed_message message = {""};
    snprintf(options, sizeof options, "-DNUMBER=%d", number);
    assert_int_equal(spd_cl_kernel_build(device, "fixed_blocks", options, false, &kernel, &message),
                     SPARSED_OK);
    return kernel;
}

static void test_kernel_build__the_oldest_program_gives_way(void **state) {
    spd_cl_state *device;
    sparsed_context *context = open_recorded(state, &device);
    cl_kernel kernels[4];
    kernels[0] = build_number(device, 0);
    device->built_count = SPD_CL_MAX_BUILT; /* as if that many had followed */
    kernels[1] = build_number(device, 1);
    assert_int_equal(recorder.released, 1);
    assert_int_equal(recorder.builds, 2);
    kernels[2] = build_number(device, 1);
    assert_int_equal(recorder.builds, 2);
    kernels[3] = build_number(device, 0);
    assert_int_equal(recorder.builds, 3);
    for (int i = 0; i < 4; i++)
        assert_int_equal(device->api.ReleaseKernel(kernels[i]), CL_SUCCESS);
    sparsed_context_destroy(context);
    assert_int_equal(recorder.released, 3);
}

/* The largest head dimension of each class of a family's max_rows. */
static void test_kernel_create__local_memory_of_the_smallest_device(void **state) {
    enum { LOCAL_BYTES = 32768 };
    static const uint32_t dims[] = {64, 128, 256};
    kernel_row *row = usable_row(state);
    spd_cl_state *device = row->context->state;
    if (family_of(state)->least_capability > 0) {
        print_message("skipped: this row is for devices that have more\n");
        skip();
    }
    attention_case small = new_case(SPARSED_MODE_JOINT);
    sparsed_plan *plan = case_plan(&small, row->context);
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        sparsed_message message = {""};
        spd_problem problem = plan->problem;
        spd_cl_kernel *kernel;
        cl_ulong local_bytes;
        problem.desc.head_dim = dims[i];
        problem.has_select = false;
        assert_int_equal(
            spd_cl_kernel_create(device, &spd_cl_families[plan->row], &problem, &kernel, &message),
            SPARSED_OK);
        assert_int_equal(device->api.GetKernelWorkGroupInfo(kernel->attend, device->device.device,
                                                            CL_KERNEL_LOCAL_MEM_SIZE,
                                                            sizeof local_bytes, &local_bytes, NULL),
                         CL_SUCCESS);
        print_message("head_dim %u, %u rows: %llu bytes of local memory\n", dims[i],
                      kernel->unit_rows, (unsigned long long)local_bytes);
        assert_true(local_bytes <= LOCAL_BYTES);
        spd_cl_kernel_destroy(kernel);
    }
    sparsed_plan_destroy(plan);
    case_free(&small);
}

static uint64_t operations_of(spd_cl_state *device, const sparsed_plan *plan) {
    sparsed_message message = {""};
    spd_cl_kernel *kernel;
    assert_int_equal(spd_cl_kernel_create(device, &spd_cl_families[plan->row], &plan->problem,
                                          &kernel, &message),
                     SPARSED_OK);
    uint64_t operations = kernel->launch_operations;
    spd_cl_kernel_destroy(kernel);
    return operations;
}

/* Four work-groups a multiprocessor at 65536 keys; a unit of a few lanes would take seconds
 * for it. */
static void test_kernel_create__wide_units_take_longer_launches(void **state) {
    kernel_row *row = usable_row(state);
    spd_cl_state *device = row->context->state;
    attention_case c = new_case(SPARSED_MODE_JOINT);
    sparsed_plan *plan = case_plan(&c, row->context);
    const sparsed_device_info own = device->info;
    device->info.kind = SPARSED_DEVICE_GPU;
    snprintf(device->info.capabilities, sizeof device->info.capabilities, "OpenCL C 1.2");
    uint64_t narrow = operations_of(device, plan);
    assert_true(narrow >= (uint64_t)own.compute_units << 30);
    static const char *const wide[] = {"cl_nv_device_attribute_query",
                                       "cl_amd_device_attribute_query"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(device->info.capabilities, sizeof device->info.capabilities, "%s", wide[i]);
        assert_int_equal(operations_of(device, plan), 4 * narrow);
    }
    device->info = own;
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* ---- how long a launch takes ---- */

enum { LONG_LEN = 65536, LONG_DIM = 128 };

/* A slow device of its sort, and the operations a second of one of its compute units. */
typedef struct slow_device {
    const char *row, *capabilities;
    uint32_t kind;
    double rate;
} slow_device;

static const slow_device slow_devices[] = {
    {"cl-generic", "OpenCL C 1.2", SPARSED_DEVICE_GPU, 2e9},
    {"cl-generic", "cl_nv_device_attribute_query", SPARSED_DEVICE_GPU, 16e9},
    {"cl-generic", "OpenCL C 1.2", SPARSED_DEVICE_CPU_OPENCL, 1e9},
    {"cl-cpu-shaped", "OpenCL C 1.2", SPARSED_DEVICE_CPU_OPENCL, 16e9},
    {"cl-nv-wgmma", "cl_nv_device_attribute_query", SPARSED_DEVICE_GPU, 1e12},
    {"cl-nv-mma", "cl_nv_device_attribute_query", SPARSED_DEVICE_GPU, 300e9}};

/* Commands are measured, and not run. */
static struct timekeeper {
    const spd_cl_kernel *kernel;
    uint64_t rows, most_rows; /* of all attend launches; of the largest */
} timekeeper;

static cl_int CL_API_CALL measure_launch(cl_command_queue queue, cl_kernel kernel,
                                         cl_uint dimensions, const size_t *offset,
                                         const size_t *global, const size_t *local,
                                         cl_uint wait_count, const cl_event *wait,
                                         cl_event *event) {
    const spd_cl_kernel *k = timekeeper.kernel;
    (void)queue, (void)dimensions, (void)offset, (void)local;
    (void)wait_count, (void)wait, (void)event;
    if (!is_attend(k, kernel))
        return CL_SUCCESS;
    uint64_t rows = global[0] / k->family->group_items * k->unit_rows * global[1];
    timekeeper.rows += rows;
    if (rows > timekeeper.most_rows)
        timekeeper.most_rows = rows;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL skip_fill(cl_command_queue queue, cl_mem memory, const void *pattern,
                                    size_t pattern_size, size_t offset, size_t size,
                                    cl_uint wait_count, const cl_event *wait, cl_event *event) {
    (void)queue, (void)memory, (void)pattern, (void)pattern_size, (void)offset, (void)size;
    (void)wait_count, (void)wait, (void)event;
    return CL_SUCCESS;
}

static spd_problem long_problem(uint32_t dtypes, spd_extent *extent) {
    sparsed_desc desc = case_desc(1, 1, 1, LONG_DIM, LONG_LEN);
    const sparsed_select select = case_select(SPARSED_MODE_JOINT, 128, 128, 0, 0.3);
    const sparsed_io io = {.struct_size = sizeof io};
    spd_problem plan, run;
    if (!(dtypes >> SPARSED_F32 & 1))
        desc.dtype = SPARSED_BF16;
    assert_int_equal(spd_problem_create(&desc, &select, &plan, NULL), SPARSED_OK);
    assert_int_equal(spd_problem_of_run(&plan, &io, &run, extent, NULL), SPARSED_OK);
    return run;
}

static void check_long_launch(spd_cl_kernel *k, sparsed_op op, const spd_extent *extent,
                              const slow_device *slow) {
    sparsed_message message = {""};
    const spd_launch launch = {
        .op = op, .problem = &k->problem, .extents = extent, .kept = k->empty};
    const sparsed_strides strides = k->problem.desc.q;
    const spd_cl_tensors tensors = {.q = k->empty,
                                    .k = k->empty,
                                    .v = k->empty,
                                    .out = k->empty,
                                    .lse = k->empty,
                                    .q_strides = strides,
                                    .k_strides = strides,
                                    .v_strides = strides,
                                    .out_strides = strides};
    timekeeper = (struct timekeeper){.kernel = k};
    if (spd_cl_launch(k, k->state->queue, NULL, &launch, &tensors, NULL, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_int_equal(timekeeper.rows, LONG_LEN);
    const uint32_t units = k->state->info.compute_units;
    const double operations = 4.0 * LONG_DIM * LONG_LEN * (double)timekeeper.most_rows;
    const double seconds = operations / (units * slow->rate);
    if (seconds >= 0.6 && timekeeper.most_rows > k->unit_rows)
        fail_msg("%s, %u compute units: a launch of %llu rows takes %.2f s", slow->capabilities,
                 units, (unsigned long long)timekeeper.most_rows, seconds);
}

static void check_slow_device(spd_cl_state *device, size_t row, const slow_device *slow) {
    static const sparsed_op ops[] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_BUILD,
                                     SPARSED_SPARSE};
    static const uint32_t unit_counts[] = {1, 8, 132};
    spd_extent extent;
    const spd_problem problem = long_problem(spd_cl_rows[row].dtypes, &extent);
    device->info.kind = slow->kind;
    snprintf(device->info.capabilities, sizeof device->info.capabilities, "%s", slow->capabilities);
    for (size_t i = 0; i < sizeof unit_counts / sizeof *unit_counts; i++) {
        sparsed_message message = {""};
        spd_cl_kernel *kernel;
        device->info.compute_units = unit_counts[i];
        if (spd_cl_kernel_create(device, &spd_cl_families[row], &problem, &kernel, &message) !=
            SPARSED_OK)
            fail_msg("%s", message.text);
        for (size_t o = 0; o < sizeof ops / sizeof *ops; o++)
            check_long_launch(kernel, ops[o], &extent, slow);
        spd_cl_kernel_destroy(kernel);
    }
}

/* What a device says of itself bounds a launch: below half a second or so, or one unit of rows. */
static void test_launch__takes_no_longer_on_a_slow_device(void **state) {
    const kernel_row *row = usable_row(state);
    spd_cl_state *device = row->context->state;
    const sparsed_device_info own = device->info;
    const spd_cl_api api = device->api;
    device->api.EnqueueNDRangeKernel = measure_launch;
    device->api.EnqueueFillBuffer = skip_fill;
    unsigned checked = 0;
    for (size_t f = 0; f < SPD_CL_FAMILIES; f++)
        for (size_t i = 0; i < sizeof slow_devices / sizeof *slow_devices; i++) {
            if (strcmp(spd_cl_rows[f].name, row->info.name) != 0 ||
                strcmp(slow_devices[i].row, row->info.name) != 0)
                continue;
            check_slow_device(device, f, &slow_devices[i]);
            checked++;
        }
    device->info = own;
    device->api = api;
    assert_true(checked > 0);
}

/* ---- rows that are not valid ---- */

/* What a buffer of the plan holds before a run must not pass for a result. */
static void fill_results(spd_cl_state *device, const spd_cl_kernel *kernel,
                         const attention_case *c) {
    const cl_uchar unwritten = 0xa5;
    const size_t out_bytes = case_out_count(c) * (c->desc.dtype == SPARSED_F32 ? 4 : 2);
    const size_t lse_bytes = case_lse_count(c) * sizeof(float);
    assert_int_equal(device->api.EnqueueFillBuffer(device->queue, kernel->out, &unwritten, 1, 0,
                                                   out_bytes, 0, NULL, NULL),
                     CL_SUCCESS);
    assert_int_equal(device->api.EnqueueFillBuffer(device->queue, kernel->lse, &unwritten, 1, 0,
                                                   lse_bytes, 0, NULL, NULL),
                     CL_SUCCESS);
}

static void check_cleared(const attention_case *c, const attention_result *result) {
    const uint64_t len = c->desc.q_len, dim = c->desc.head_dim;
    for (uint64_t i = 0; i < c->desc.batch * len; i++) {
        const uint64_t b = i / len, row = i % len;
        const bool valid = row >= c->valid_start[b] && row < c->valid_end[b];
        if (valid != (result->lse[i] > -INFINITY))
            fail_msg("batch %llu, row %llu: log-sum-exp %g", (unsigned long long)b,
                     (unsigned long long)row, result->lse[i]);
        for (uint64_t d = 0; d < dim && !valid; d++)
            if (result->out[i * dim + d] != 0.0)
                fail_msg("batch %llu, row %llu: output %g", (unsigned long long)b,
                         (unsigned long long)row, result->out[i * dim + d]);
    }
}

/* More of them than one launch has rows; before and after the valid ones, on one side, and all. */
static void test_launch__clears_every_row_that_is_not_valid(void **state) {
    enum { PADDED_LEN = 20011 };
    static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16};
    kernel_row *row = usable_row(state);
    for (size_t i = 0; i < 2; i++) {
        attention_case c = {.desc = case_desc(4, 1, 1, 8, PADDED_LEN),
                            .has_valid = true,
                            .valid_start = {9000, 0, PADDED_LEN - 3, 70},
                            .valid_end = {9005, 2, PADDED_LEN, 70}};
        c.desc.dtype = dtypes[i];
        case_prepare(&c, i);
        sparsed_plan *plan = case_plan(&c, row->context);
        fill_results(row->context->state, plan->kernel, &c);
        attention_result result = case_run(&c, plan, SPARSED_DENSE, NULL);
        check_cleared(&c, &result);
        result_free(&result);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launch__in_parts_gives_the_same_bits),
        cmocka_unit_test(test_launch__in_parts_of_a_query_block_gives_the_same_bits),
        cmocka_unit_test(test_launch__dense_and_dense_build_give_the_same_bits),
        cmocka_unit_test(test_launch__new_lengths_compile_nothing),
        cmocka_unit_test(test_plan_create__equal_programs_are_built_once),
        cmocka_unit_test(test_kernel_build__the_oldest_program_gives_way),
        cmocka_unit_test(test_kernel_create__local_memory_of_the_smallest_device),
        cmocka_unit_test(test_kernel_create__wide_units_take_longer_launches),
        cmocka_unit_test(test_launch__takes_no_longer_on_a_slow_device),
        cmocka_unit_test(test_launch__clears_every_row_that_is_not_valid),
    };
    return run_tests_on_opencl_rows(tests, sizeof tests / sizeof *tests);
}
