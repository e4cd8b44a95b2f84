/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Launches and scratch of a family whose kernels are compiled for what a launch does: which programs run
 * in which order, how a head is cut, how much memory a build takes. Nothing runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cl/kernel.h"
#include "src/context.h"
#include "support/attention_case.h"
#include "support/use_failing_opencl.h"

enum { ROW = 1 /* cl-nv-mma */, MAX_COMMANDS = 4096, FLAGS_INDEX = 10 };

/* A kernel's launch. */
typedef struct command {
    cl_kernel kernel;
    uint32_t flags; /* of an attend kernel */
    uint64_t units, heads;
    uint64_t first_row, part_row, part_units;
    uint32_t whole_units, unit_shares;
} command;

/* The functions of the table have no argument of their own. */
static struct recorder {
    spd_cl_api original;
    const spd_cl_kernel *kernel;
    spd_cl_args args;
    uint32_t flags;
    command commands[MAX_COMMANDS];
    size_t count, fills;
    uint64_t created_bytes;
} recorder;

static bool is_attend(cl_kernel kernel) {
    const spd_cl_kernel *k = recorder.kernel;
    return kernel == k->attend || kernel == k->attend_build || kernel == k->build;
}

static cl_int CL_API_CALL note_arg(cl_kernel kernel, cl_uint index, size_t size,
                                   const void *value) {
    if (size == sizeof recorder.args)
        memcpy(&recorder.args, value, size);
    if (is_attend(kernel) && index == FLAGS_INDEX)
        memcpy(&recorder.flags, value, sizeof recorder.flags);
    return recorder.original.SetKernelArg(kernel, index, size, value);
}

static cl_int CL_API_CALL note_launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                      const size_t *offset, const size_t *global,
                                      const size_t *local, cl_uint wait_count, const cl_event *wait,
                                      cl_event *event) {
    (void)queue, (void)dimensions, (void)offset, (void)wait_count, (void)wait, (void)event;
    assert_true(recorder.count < MAX_COMMANDS);
    recorder.commands[recorder.count++] = (command){.kernel = kernel,
                                                    .flags = is_attend(kernel) ? recorder.flags : 0,
                                                    .units = global[0] / local[0],
                                                    .heads = global[1],
                                                    .first_row = recorder.args.first_row,
                                                    .part_row = recorder.args.part_row,
                                                    .part_units = recorder.args.part_units,
                                                    .whole_units = recorder.args.whole_units,
                                                    .unit_shares = recorder.args.unit_shares};
    return CL_SUCCESS;
}

static cl_int CL_API_CALL skip_fill(cl_command_queue queue, cl_mem memory, const void *pattern,
                                    size_t pattern_size, size_t offset, size_t size,
                                    cl_uint wait_count, const cl_event *wait, cl_event *event) {
    (void)queue, (void)memory, (void)pattern, (void)pattern_size, (void)offset, (void)size;
    (void)wait_count, (void)wait, (void)event;
    recorder.fills++;
    return CL_SUCCESS;
}

/* A small one, whatever is asked for. */
static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t size,
                                        void *host, cl_int *error) {
    recorder.created_bytes += size;
    return recorder.original.CreateBuffer(context, flags, 64, host, error);
}

/* ---- a device, and problems ---- */

static int setup(void **state) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context = NULL;
    options.device = "opencl";
    sparsed_context_create(&options, &context, NULL);
    *state = context;
    return 0;
}

static int teardown(void **state) {
    sparsed_context_destroy(*state);
    return 0;
}

/* The device whose calls are recorded; skips the test if there is none. */
static spd_cl_state *recorded(void **state) {
    sparsed_context *context = *state;
    if (!context)
        need_opencl_device();
    spd_cl_state *device = context->state;
    if (device->api.SetKernelArg == note_arg)
        return device;
    memset(&recorder, 0, sizeof recorder);
    recorder.original = device->api;
    device->api.SetKernelArg = note_arg;
    device->api.EnqueueNDRangeKernel = note_launch;
    device->api.EnqueueFillBuffer = skip_fill;
    device->api.CreateBuffer = create_buffer;
    return device;
}

static spd_problem problem_of(sparsed_desc desc, sparsed_select select, spd_extent *extents) {
    const sparsed_io io = {.struct_size = sizeof io};
    spd_problem plan, run = {.has_select = false};
    sparsed_message message = {""};
    desc.dtype = SPARSED_BF16;
    if (spd_problem_create(&desc, select.mode ? &select : NULL, &plan, &message) != SPARSED_OK ||
        spd_problem_of_run(&plan, &io, &run, extents, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    return run;
}

static spd_cl_kernel *create_of(spd_cl_state *device, const spd_cl_family *family,
                                const spd_problem *problem) {
    spd_cl_kernel *kernel;
    sparsed_message message = {""};
    if (spd_cl_kernel_create(device, family, problem, &kernel, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    recorder.kernel = kernel;
    return kernel;
}

static spd_cl_kernel *create(spd_cl_state *device, const spd_problem *problem) {
    return create_of(device, &spd_cl_families[ROW], problem);
}

static void run(spd_cl_kernel *k, sparsed_op op, const spd_extent *extents) {
    sparsed_message message = {""};
    const spd_launch launch = {
        .op = op, .problem = &k->problem, .extents = extents, .kept = k->empty};
    const bool attends = op != SPARSED_BUILD;
    const spd_cl_tensors tensors = {.q = k->empty,
                                    .k = k->empty,
                                    .v = attends ? k->empty : NULL,
                                    .out = attends ? k->empty : NULL,
                                    .lse = attends ? k->empty : NULL,
                                    .q_strides = k->problem.desc.q,
                                    .k_strides = k->problem.desc.k,
                                    .v_strides = k->problem.desc.v,
                                    .out_strides = k->problem.desc.out};
    recorder.count = 0;
    if (spd_cl_launch(k, k->state->queue, NULL, &launch, &tensors, NULL, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
}

/* ---- programs ---- */

static void test_kernel_create__programs_that_a_problem_needs(void **state) {
    static const struct {
        uint32_t mode;
        double score_scale;
        bool attend_build, build;
    } cases[] = {{0, 0.0, false, false},
                 {SPARSED_MODE_WINDOW, 0.0, false, false},
                 {SPARSED_MODE_STREAMING, 0.0, false, false},
                 {SPARSED_MODE_PAPER, 0.0, true, true},
                 {SPARSED_MODE_PAPER, 0.07, false, true},
                 {SPARSED_MODE_PAPER, 0.25, true, true}, /* twice that of attention */
                 {SPARSED_MODE_JOINT, 0.125, true, true},
                 {SPARSED_MODE_UPSTREAM_LLADA, 0.0, false, true}};
    spd_cl_state *device = recorded(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spd_extent extent;
        sparsed_select select = case_select(cases[i].mode, 32, 32, 0, 0.3);
        select.score_scale = cases[i].score_scale;
        const spd_problem problem = problem_of(case_desc(1, 2, 1, 64, 300), select, &extent);
        spd_cl_kernel *k = create(device, &problem);
        const bool scored = cases[i].build;
        assert_non_null(k->attend);
        assert_int_equal(k->attend_build != NULL, cases[i].attend_build);
        assert_int_equal(k->build != NULL, cases[i].build);
        assert_int_equal(k->score != NULL && k->select != NULL && k->mass != NULL, scored);
        assert_int_equal(k->fixed != NULL, cases[i].mode && !scored);
        spd_cl_kernel_destroy(k);
    }
}

/* ---- order ---- */

typedef struct step {
    cl_kernel kernel;
    uint32_t flags;
} step;

/* The launches are these, as often as there are chunks. */
static void expect_chunks(const step *steps, size_t count, size_t chunks) {
    assert_int_equal(recorder.count, chunks * count);
    for (size_t i = 0; i < recorder.count; i++) {
        assert_ptr_equal(recorder.commands[i].kernel, steps[i % count].kernel);
        assert_int_equal(recorder.commands[i].flags, steps[i % count].flags);
    }
}

enum { SCORE_FLAGS = 0, ATTENDS = SPD_CL_ATTEND | SPD_CL_LSE };

/* 3 heads of 300 rows are 3 chunks where the scratch holds 384 rows. */
static spd_cl_kernel *three_chunks(spd_cl_state *device, double score_scale, spd_extent *extent) {
    sparsed_select select = case_select(SPARSED_MODE_PAPER, 32, 32, 0, 0.3);
    select.score_scale = score_scale;
    const spd_problem problem = problem_of(case_desc(1, 3, 1, 64, 300), select, extent);
    device->build_rows = 400;
    spd_cl_kernel *k = create(device, &problem);
    device->build_rows = 0;
    assert_int_equal(k->rows_capacity, 384);
    return k;
}

static void test_launch__one_scale_is_one_pass(void **state) {
    spd_extent extent;
    spd_cl_kernel *k = three_chunks(recorded(state), 0.0, &extent);
    const step both[] = {{k->attend_build, ATTENDS | SPD_CL_BUILD},
                         {k->score, SCORE_FLAGS},
                         {k->select, SCORE_FLAGS}};
    run(k, SPARSED_DENSE_BUILD, &extent);
    expect_chunks(both, 3, 3);
    spd_cl_kernel_destroy(k);
}

/* In a kernel that takes squares of the exponentials for scores. */
static void test_launch__twice_the_scale_is_one_pass(void **state) {
    spd_extent extent;
    spd_cl_kernel *k = three_chunks(recorded(state), 0.25, &extent);
    const step both[] = {{k->attend_build, ATTENDS | SPD_CL_BUILD | SPD_CL_SECOND},
                         {k->score, SCORE_FLAGS},
                         {k->select, SCORE_FLAGS}};
    run(k, SPARSED_DENSE_BUILD, &extent);
    expect_chunks(both, 3, 3);
    spd_cl_kernel_destroy(k);
}

static void test_launch__scores_at_another_scale_are_a_launch_of_their_own(void **state) {
    spd_extent extent;
    spd_cl_kernel *k = three_chunks(recorded(state), 0.07, &extent);
    const step both[] = {{k->attend, ATTENDS},
                         {k->build, SPD_CL_BUILD},
                         {k->score, SCORE_FLAGS},
                         {k->select, SCORE_FLAGS}};
    run(k, SPARSED_DENSE_BUILD, &extent);
    expect_chunks(both, 4, 3);
    for (size_t i = 0; i < recorder.count; i += 4) {
        assert_int_equal(recorder.commands[i].units, recorder.commands[i + 1].units);
        assert_int_equal(recorder.commands[i].first_row, recorder.commands[i + 1].first_row);
    }
    spd_cl_kernel_destroy(k);
}

static void test_launch__a_build_alone_at_either_scale(void **state) {
    static const double scales[] = {0.0, 0.07, 0.25};
    spd_cl_state *device = recorded(state);
    for (size_t i = 0; i < 3; i++) {
        spd_extent extent;
        spd_cl_kernel *k = three_chunks(device, scales[i], &extent);
        const uint32_t squares =
            scales[i] == 0.25 ? SPD_CL_SECOND : 0; /* twice that of attention */
        const step build[] = {
            {k->build, SPD_CL_BUILD | squares}, {k->score, SCORE_FLAGS}, {k->select, SCORE_FLAGS}};
        run(k, SPARSED_BUILD, &extent);
        expect_chunks(build, 3, 3);
        spd_cl_kernel_destroy(k);
    }
}

static void test_launch__attention_alone(void **state) {
    spd_extent extent;
    spd_cl_kernel *k = three_chunks(recorded(state), 0.0, &extent);
    const step dense = {k->attend, ATTENDS}, sparse = {k->attend, ATTENDS | SPD_CL_SPARSE};
    run(k, SPARSED_DENSE, &extent);
    expect_chunks(&dense, 1, 1);
    run(k, SPARSED_SPARSE, &extent);
    expect_chunks(&sparse, 1, 1);
    spd_cl_kernel_destroy(k);
}

/* ---- how a head is cut ---- */

/* The units of 128 rows of the launches that a head of `len` rows takes, `limit` at most. */
static void expect_units(void **state, uint64_t len, uint32_t compute_units, uint64_t limit,
                         const uint64_t *units, size_t count) {
    spd_cl_state *device = recorded(state);
    spd_extent extent;
    const spd_problem problem = problem_of(
        case_desc(1, 1, 1, 64, len), case_select(SPARSED_MODE_JOINT, 16, 64, 0, 0.3), &extent);
    const sparsed_device_info own = device->info;
    device->info.compute_units = compute_units;
    device->launch_operations = limit * 128 * 4 * 64 * len;
    spd_cl_kernel *k = create(device, &problem);
    assert_int_equal(k->unit_rows, 128);
    run(k, SPARSED_DENSE, &extent);
    assert_int_equal(recorder.count, count);
    for (uint64_t i = 0, first = 0; i < count; first += units[i++]) {
        assert_int_equal(recorder.commands[i].units, units[i]);
        assert_int_equal(recorder.commands[i].first_row + recorder.commands[i].part_row,
                         128 * first);
    }
    device->info = own;
    device->launch_operations = 0;
    spd_cl_kernel_destroy(k);
}

static void test_launch__parts_of_a_head_are_whole_waves(void **state) {
    expect_units(state, 128 * 40, 8, 19, (uint64_t[]){16, 16, 8}, 3);
    expect_units(state, 128 * 40 - 100, 8, 19, (uint64_t[]){16, 16, 8}, 3);
    expect_units(state, 128 * 19, 8, 19, (uint64_t[]){19}, 1); /* all of it */
    expect_units(state, 128 * 20, 8, 19, (uint64_t[]){16, 4}, 2);
    expect_units(state, 128 * 10, 8, 7, (uint64_t[]){7, 3}, 2); /* less than a wave */
    expect_units(state, 128 * 3 - 127, 8, 1, (uint64_t[]){1, 1, 1}, 3);
    expect_units(state, 128 * 300, 132, 263, (uint64_t[]){132, 168}, 2);
}

/* 2 heads of 5 units: as many groups as there are compute units, or units. */
static void test_launch__groups_that_loop_are_one_a_compute_unit(void **state) {
    static const uint32_t compute_units[] = {1, 4, 10, 132};
    static const uint64_t groups[] = {1, 4, 10, 10};
    spd_cl_state *device = recorded(state);
    const sparsed_device_info own = device->info;
    spd_cl_family loops = spd_cl_families[ROW];
    spd_extent extent;
    const spd_problem problem =
        problem_of(case_desc(1, 2, 1, 64, 600), (sparsed_select){.mode = 0}, &extent);
    loops.loops = true;
    device->launch_operations = UINT64_C(1) << 40;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        spd_cl_kernel *k = create(device, &problem);
        k->family = &loops;
        device->info.compute_units = compute_units[i];
        run(k, SPARSED_DENSE, &extent);
        assert_int_equal(recorder.count, 1);
        assert_int_equal(recorder.commands[0].units, groups[i]);
        assert_int_equal(recorder.commands[0].heads, 1);
        assert_int_equal(recorder.commands[0].part_units, 5);
        assert_int_equal(recorder.args.heads, 2);
        spd_cl_kernel_destroy(k);
    }
    device->info = own;
    device->launch_operations = 0;
}

/* Heads of 5 units and 600 keys on so many compute units, shares of a tile at least. */
static void expect_shares(void **state, uint32_t heads, uint32_t compute_units, uint32_t whole,
                          uint32_t shares, uint64_t groups) {
    spd_cl_state *device = recorded(state);
    const sparsed_device_info own = device->info;
    spd_cl_family loops = spd_cl_families[ROW];
    spd_extent extent;
    const spd_problem problem =
        problem_of(case_desc(1, heads, 1, 64, 600), (sparsed_select){.mode = 0}, &extent);
    loops.loops = true;
    loops.share_tiles = 1;
    device->launch_operations = UINT64_C(1) << 40;
    device->info.compute_units = compute_units;
    spd_cl_kernel *k = create_of(device, &loops, &problem);
    run(k, SPARSED_DENSE, &extent);
    assert_int_equal(recorder.count, shares > 1 ? 2 : 1);
    assert_ptr_equal(recorder.commands[0].kernel, k->attend);
    assert_int_equal(recorder.commands[0].units, groups);
    assert_int_equal(recorder.commands[0].whole_units, whole);
    assert_int_equal(recorder.commands[0].unit_shares, shares);
    if (shares > 1) { /* 64 columns of 128 rows, two an item, in groups of 64 items */
        assert_ptr_equal(recorder.commands[1].kernel, k->merge);
        assert_int_equal(recorder.commands[1].units, 64);
        assert_int_equal(recorder.commands[1].heads, 5 * heads - whole);
    }
    device->info = own;
    device->launch_operations = 0;
    spd_cl_kernel_destroy(k);
}

/* Where the last round leaves compute units idle, several share a unit, but no more than it has tiles. */
static void test_launch__shares_of_the_last_units(void **state) {
    expect_shares(state, 1, 5, 5, 1, 5);
    expect_shares(state, 2, 5, 10, 1, 5);
    expect_shares(state, 1, 4, 4, 4, 4);
    expect_shares(state, 1, 6, 5, 1, 5); /* five of six are enough */
    expect_shares(state, 1, 9, 5, 1, 5);
    expect_shares(state, 1, 10, 0, 2, 10);
    expect_shares(state, 1, 132, 0, 4, 20);     /* 600 keys are 4 tiles, and more */
    expect_shares(state, 27, 132, 132, 4, 132); /* 3 units left */
    expect_shares(state, 5, 12, 24, 4, 12);
    expect_shares(state, 80, 132, 396, 4, 132);
}

/* A build shares units as well, and makes its scores itself; nothing is put together where none attends. */
static void test_launch__shares_of_builds(void **state) {
    spd_cl_state *device = recorded(state);
    const sparsed_device_info own = device->info;
    spd_cl_family loops = spd_cl_families[ROW];
    spd_extent extent;
    const spd_problem problem = problem_of(
        case_desc(1, 1, 1, 64, 600), case_select(SPARSED_MODE_PAPER, 32, 32, 0, 0.3), &extent);
    loops.loops = true;
    loops.share_tiles = 1;
    loops.score = NULL;
    device->info.compute_units = 132;
    spd_cl_kernel *k = create_of(device, &loops, &problem);
    /* sums of 5 units of 5 tiles and one more, 5 slots each; what 132 work-groups have of shared units, behind
     * the counters; scores, and a buffer of 16 bytes */
    assert_int_equal(k->scratch_bytes, 12 * 128 * (6 * 5 + 4) * sizeof(float) +
                                           (768 + 132 * 128 * (64 + 2 + 4)) * sizeof(float) +
                                           2 * k->rows_capacity / 32 * 19 * sizeof(float) + 16);
    static const uint32_t ops[] = {SPARSED_DENSE_BUILD, SPARSED_BUILD, SPARSED_SPARSE};
    cl_kernel const commands[][3] = {{k->attend_build, k->merge, k->select},
                                     {k->build, k->select, NULL},
                                     {k->attend, k->merge, NULL}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        run(k, ops[i], &extent);
        assert_int_equal(recorder.commands[0].unit_shares, 4);
        for (uint32_t j = 0; j < 3 && commands[i][j]; j++)
            assert_ptr_equal(recorder.commands[j].kernel, commands[i][j]);
        assert_int_equal(recorder.count, commands[i][2] ? 3 : 2);
    }
    device->info = own;
    spd_cl_kernel_destroy(k);
}

/* Every unit that is shared has counters of its own. */
static void test_launch__no_more_shared_units_than_counters(void **state) {
    const uint32_t most = SPD_CL_COUNTERS / SPD_CL_UNIT_COUNTERS;
    expect_shares(state, 1, 10, 0, 2, 10);
    assert_int_equal(most, 256);
    expect_shares(state, 51, 510, 0, 2, 510);
    expect_shares(state, 52, 520, 260, 1, 260);
}

/* ---- scratch ---- */

static uint64_t row_bytes(uint32_t block_k) {
    return (65536 / block_k + 65536 / 128 + 1) * sizeof(float);
}

/* Bytes of exponential sums and maxima of a long problem: a sum for each row and key block, a maximum for each
 * tile of 128 keys, of which there may be one more. */
static uint64_t sums_bytes(spd_cl_state *device, uint32_t block_k) {
    spd_extent extent;
    const spd_problem problem =
        problem_of(case_desc(1, 32, 8, 128, 65536),
                   case_select(SPARSED_MODE_PAPER, 32, block_k, 0, 0.3), &extent);
    recorder.created_bytes = 0;
    spd_cl_kernel *k = create(device, &problem);
    const uint64_t rows = k->rows_capacity;
    assert_int_equal(rows % 128, 0);
    /* and statistics, scores, and a buffer of 16 bytes */
    assert_int_equal(k->scratch_bytes,
                     rows * (row_bytes(block_k) + 16 + 2 * problem.k_blocks * sizeof(float) / 32) +
                         16);
    assert_int_equal(recorder.created_bytes, k->scratch_bytes);
    spd_cl_kernel_destroy(k);
    return rows * row_bytes(block_k);
}

static void test_kernel_create__scratch_is_a_part_of_the_memory(void **state) {
    static const struct {
        uint32_t kind;
        uint64_t memory_mib, bound_mib;
    } cases[] = {{SPARSED_DEVICE_GPU, 0, 64},
                 {SPARSED_DEVICE_GPU, 512, 64},
                 {SPARSED_DEVICE_GPU, 8192, 128},
                 {SPARSED_DEVICE_GPU, 49152, 768},
                 {SPARSED_DEVICE_GPU, 65536, 1024},
                 {SPARSED_DEVICE_GPU, 81559, 1024},
                 {SPARSED_DEVICE_CPU_OPENCL, 81559, 64},
                 {SPARSED_DEVICE_OTHER, 81559, 64}};
    spd_cl_state *device = recorded(state);
    const sparsed_device_info own = device->info;
    const cl_ulong own_limit = device->max_buffer_bytes;
    device->max_buffer_bytes = (cl_ulong)1 << 40;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t block_k = 16; block_k <= 128; block_k *= 2) {
            device->info.kind = cases[i].kind;
            device->info.memory_bytes = cases[i].memory_mib << 20;
            const uint64_t bytes = sums_bytes(device, block_k), bound = cases[i].bound_mib << 20;
            assert_in_range(bytes, bound - 128 * row_bytes(block_k) + 1, bound);
        }
    device->info = own;
    device->max_buffer_bytes = own_limit;
}

/* Of a family that loops: sums and maxima of tiles, and statistics, of two units and a half for each
 * work-group, of which there are as many as the bound allows, and launches of builds have no more. */
static void expect_groups(spd_cl_state *device, uint64_t memory_mib, uint32_t heads,
                          uint32_t block_k, uint64_t groups) {
    const uint64_t tiles = 65536 / 128 + 1, bound = UINT64_C(1) << (memory_mib < 65536 ? 26 : 30);
    const uint64_t unit_bytes = 128 * (tiles * (128 / block_k + 1) + 4) * sizeof(float);
    const uint64_t units = heads * UINT64_C(512), scratch_groups = groups < units ? groups : units;
    spd_cl_family loops = spd_cl_families[ROW];
    spd_extent extent;
    const spd_problem problem =
        problem_of(case_desc(1, heads, heads, 128, 65536),
                   case_select(SPARSED_MODE_PAPER, 128, block_k, 0, 0.3), &extent);
    loops.loops = true;
    loops.score = NULL;
    device->info.memory_bytes = memory_mib << 20;
    spd_cl_kernel *k = create_of(device, &loops, &problem);
    const uint64_t kept = 2 * scratch_groups + scratch_groups / 2;
    assert_int_equal(k->build_groups, groups);
    assert_in_range(5 * groups * unit_bytes / 2, bound - 3 * unit_bytes, bound);
    assert_int_equal(k->rows_capacity, heads * UINT64_C(65536));
    /* and scores, and a buffer of 16 bytes */
    assert_int_equal(k->scratch_bytes,
                     kept * unit_bytes + units * 2 * problem.k_blocks * sizeof(float) + 16);
    run(k, SPARSED_DENSE_BUILD, &extent);
    assert_int_equal(recorder.commands[0].units, scratch_groups);
    run(k, SPARSED_DENSE, &extent);
    assert_int_equal(recorder.commands[0].units, units < 1000 ? units : 1000);
    spd_cl_kernel_destroy(k);
}

static void test_kernel_create__scratch_of_work_groups(void **state) {
    spd_cl_state *device = recorded(state);
    const sparsed_device_info own = device->info;
    const cl_ulong own_limit = device->max_buffer_bytes;
    device->info.kind = SPARSED_DEVICE_GPU;
    device->info.compute_units = 1000;
    device->max_buffer_bytes = (cl_ulong)1 << 40;
    device->launch_operations = UINT64_C(1) << 60;
    expect_groups(device, 81559, 2, 128, 814);
    expect_groups(device, 81559, 1, 128, 814);
    expect_groups(device, 512, 2, 128, 50);
    expect_groups(device, 81559, 2, 32, 326);
    expect_groups(device, 81559, 2, 16, 181);
    device->info = own;
    device->max_buffer_bytes = own_limit;
    device->launch_operations = 0;
}

/* Bit rows are zeroed where some belong to no valid query block. */
static void test_launch__zeroed_bit_rows(void **state) {
    static const uint64_t valid[][2] = {{0, 600}, {0, 577}, {0, 576}, {300, 600}};
    spd_cl_state *device = recorded(state);
    const sparsed_desc desc = case_desc(1, 1, 1, 64, 600);
    const sparsed_select select = case_select(SPARSED_MODE_PAPER, 32, 32, 0, 0.3);
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
        spd_extent extent;
        const spd_problem problem = problem_of(desc, select, &extent);
        spd_cl_kernel *k = create(device, &problem);
        extent.query_start = valid[i][0];
        extent.queries = valid[i][1] - valid[i][0];
        extent.q_blocks = (extent.queries + 31) / 32;
        recorder.fills = 0;
        run(k, SPARSED_BUILD, &extent);
        assert_int_equal(recorder.fills, i >= 2);
        spd_cl_kernel_destroy(k);
    }
}

#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_DEVICE(test_kernel_create__programs_that_a_problem_needs),
        ON_DEVICE(test_launch__one_scale_is_one_pass),
        ON_DEVICE(test_launch__twice_the_scale_is_one_pass),
        ON_DEVICE(test_launch__scores_at_another_scale_are_a_launch_of_their_own),
        ON_DEVICE(test_launch__a_build_alone_at_either_scale),
        ON_DEVICE(test_launch__attention_alone),
        ON_DEVICE(test_launch__parts_of_a_head_are_whole_waves),
        ON_DEVICE(test_launch__groups_that_loop_are_one_a_compute_unit),
        ON_DEVICE(test_launch__shares_of_the_last_units),
        ON_DEVICE(test_launch__shares_of_builds),
        ON_DEVICE(test_launch__no_more_shared_units_than_counters),
        ON_DEVICE(test_kernel_create__scratch_is_a_part_of_the_memory),
        ON_DEVICE(test_kernel_create__scratch_of_work_groups),
        ON_DEVICE(test_launch__zeroed_bit_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
