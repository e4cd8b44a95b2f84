/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * An application with OpenCL objects of its own, as docs/embedding.md describes it: its kernel
 * writes q, k and v into one buffer, sparsed attends over them where they lie, and only events
 * connect the two. At the end the last layer is attended once more on the CPU, with the pattern
 * that the device built. Exit code 0: both agree; 77: there is no OpenCL device.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <sparsed/opencl.h>
#include <sparsed/pattern.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { NO_DEVICE = 77, MAX_PLATFORMS = 8 };

/* The model: qkv is [LEN][3][HEADS][DIM], as one projection of the hidden rows gives it. */
enum { LEN = 512, GENERATED = 64, HEADS = 4, DIM = 64, LAYERS = 2, STEPS = 8 };
enum { HIDDEN = HEADS * DIM, QKV = LEN * 3 * HIDDEN, OUT = LEN * HIDDEN };

/* In place of a real projection: numbers in [-2, 2) that differ from step to step. */
static const char projection[] =
    "kernel void project(global float *qkv, uint step, uint layer) {\n"
    "    uint h = (uint)get_global_id(0) * 2654435761u + step * 97u + layer * 131u;\n"
    "    h = (h ^ h >> 15) * 2246822519u;\n"
    "    qkv[get_global_id(0)] = (float)((h ^ h >> 13) >> 8) * 0x1p-22f - 2.0f;\n"
    "}\n";

typedef struct application {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel project;
    cl_mem qkv, out;
    sparsed_context *sparsed;
    sparsed_pipeline *pipeline;
} application;

static void require(bool holds, const char *what, const char *detail) {
    if (holds)
        return;
    fprintf(stderr, "embedding: %s%s%s\n", what, detail[0] ? ": " : "", detail);
    exit(EXIT_FAILURE);
}

/* ---- the application's own part ---- */

static void find_device(application *app) {
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = 0;
    clGetPlatformIDs(MAX_PLATFORMS, platforms, &count);
    for (cl_uint i = 0; i < count && i < MAX_PLATFORMS && !app->device; i++)
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &app->device, NULL) != CL_SUCCESS)
            app->device = NULL;
    if (!app->device) {
        printf("embedding: there is no OpenCL device\n");
        exit(NO_DEVICE);
    }
}

static void set_up_opencl(application *app) {
    const char *source = projection;
    cl_int error;
    app->context = clCreateContext(NULL, 1, &app->device, NULL, NULL, &error);
    require(error == CL_SUCCESS, "clCreateContext", "");
    app->queue = clCreateCommandQueue(app->context, app->device,
                                      CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    if (error != CL_SUCCESS)
        app->queue = clCreateCommandQueue(app->context, app->device, 0, &error);
    require(error == CL_SUCCESS, "clCreateCommandQueue", "");
    app->program = clCreateProgramWithSource(app->context, 1, &source, NULL, &error);
    require(error == CL_SUCCESS, "clCreateProgramWithSource", "");
    require(clBuildProgram(app->program, 1, &app->device, "", NULL, NULL) == CL_SUCCESS,
            "clBuildProgram", "");
    app->project = clCreateKernel(app->program, "project", &error);
    require(error == CL_SUCCESS, "clCreateKernel", "");
    app->qkv = clCreateBuffer(app->context, CL_MEM_READ_WRITE, QKV * sizeof(float), NULL, &error);
    require(error == CL_SUCCESS, "clCreateBuffer", "");
    app->out = clCreateBuffer(app->context, CL_MEM_READ_WRITE, OUT * sizeof(float), NULL, &error);
    require(error == CL_SUCCESS, "clCreateBuffer", "");
}

/* The projection of one layer, after `before`. */
static cl_event project(application *app, uint32_t step, uint32_t layer, cl_event before) {
    const size_t items = QKV;
    cl_event done = NULL;
    clSetKernelArg(app->project, 0, sizeof(app->qkv), &app->qkv);
    clSetKernelArg(app->project, 1, sizeof step, &step);
    clSetKernelArg(app->project, 2, sizeof layer, &layer);
    require(clEnqueueNDRangeKernel(app->queue, app->project, 1, NULL, &items, NULL, before ? 1 : 0,
                                   before ? &before : NULL, &done) == CL_SUCCESS,
            "clEnqueueNDRangeKernel", "");
    return done;
}

/* ---- sparsed in it ---- */

static sparsed_desc describe(void) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    desc.dtype = SPARSED_F32;
    desc.batch = 1;
    desc.heads = desc.kv_heads = HEADS;
    desc.head_dim = DIM;
    desc.q_len = desc.kv_len = LEN;
    desc.q = desc.k = desc.v = (sparsed_strides){.batch = QKV, .head = DIM, .row = 3 * HIDDEN};
    desc.out = (sparsed_strides){.batch = OUT, .head = DIM, .row = HIDDEN};
    return desc;
}

static sparsed_select selection(void) {
    sparsed_select select = SPARSED_SELECT_INIT;
    select.gen_len = GENERATED;
    return select;
}

static void set_up_sparsed(application *app) {
    sparsed_message message;
    require(sparsed_opencl_context_create(app->context, app->device, NULL, &app->sparsed,
                                          &message) == SPARSED_OK,
            "sparsed_opencl_context_create", message.text);

    const sparsed_desc desc = describe();
    const sparsed_select select = selection();
    sparsed_schedule_entry entries[STEPS];
    sparsed_schedule_preset("upstream", 0.2, entries, STEPS, NULL);
    const sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = STEPS, .entries = entries};
    require(sparsed_pipeline_create(app->sparsed, &desc, &select, &schedule, LAYERS,
                                    &app->pipeline) == SPARSED_OK,
            "sparsed_pipeline_create", sparsed_context_error(app->sparsed));
}

/* Attention of one layer, after `before`. Returns at once. */
static cl_event attend(application *app, uint32_t step, uint32_t layer, cl_event before) {
    const uint64_t third_bytes = HIDDEN * sizeof(float);
    const sparsed_io io = {.struct_size = sizeof io,
                           .q = {app->qkv, 0},
                           .k = {app->qkv, third_bytes},
                           .v = {app->qkv, 2 * third_bytes},
                           .out = {app->out, 0}};
    cl_event done;
    require(sparsed_opencl_pipeline_enqueue(app->pipeline, step, layer, &io, app->queue, 1, &before,
                                            &done) == SPARSED_OK,
            "sparsed_opencl_pipeline_enqueue", sparsed_context_error(app->sparsed));
    return done;
}

/* All steps are enqueued before the first wait. */
static void denoise(application *app) {
    cl_event last = NULL;
    for (uint32_t step = 0; step < STEPS; step++)
        for (uint32_t layer = 0; layer < LAYERS; layer++) {
            cl_event projected = project(app, step, layer, last);
            if (last)
                clReleaseEvent(last);
            last = attend(app, step, layer, projected);
            clReleaseEvent(projected);
        }
    require(clWaitForEvents(1, &last) == CL_SUCCESS, "clWaitForEvents", "");
    clReleaseEvent(last);
}

static void tear_down(application *app) {
    sparsed_pipeline_destroy(app->pipeline);
    sparsed_context_destroy(app->sparsed);
    clReleaseMemObject(app->qkv);
    clReleaseMemObject(app->out);
    clReleaseKernel(app->project);
    clReleaseProgram(app->program);
    clReleaseCommandQueue(app->queue);
    clReleaseContext(app->context);
}

/* ---- the check ---- */

/* The last layer's attention on the CPU, with the device's pattern. */
static void attend_on_cpu(float *qkv, sparsed_pattern *pattern, float *out) {
    const sparsed_desc desc = describe();
    const sparsed_select select = selection();
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *cpu;
    sparsed_plan *plan;
    sparsed_kept *kept;
    sparsed_message message;
    const sparsed_io io = {.struct_size = sizeof io,
                           .q.mem = qkv,
                           .k.mem = qkv + HIDDEN,
                           .v.mem = qkv + 2 * HIDDEN,
                           .out.mem = out};
    options.device = "cpu";
    require(sparsed_context_create(&options, &cpu, &message) == SPARSED_OK,
            "sparsed_context_create", message.text);
    require(sparsed_plan_create(cpu, &desc, &select, &plan) == SPARSED_OK, "sparsed_plan_create",
            sparsed_context_error(cpu));
    require(sparsed_kept_create(plan, &kept) == SPARSED_OK, "sparsed_kept_create",
            sparsed_context_error(cpu));
    require(sparsed_kept_set(kept, pattern) == SPARSED_OK, "sparsed_kept_set",
            sparsed_context_error(cpu));
    require(sparsed_plan_run(plan, SPARSED_SPARSE, &io, kept) == SPARSED_OK, "sparsed_plan_run",
            sparsed_context_error(cpu));
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(cpu);
}

static double largest_difference(application *app) {
    float *qkv = malloc(QKV * sizeof *qkv), *out = malloc(OUT * sizeof *out);
    float *expected = malloc(OUT * sizeof *expected);
    sparsed_pattern *pattern;
    double largest = 0.0;
    require(qkv && out && expected, "no memory", "");
    require(clEnqueueReadBuffer(app->queue, app->qkv, CL_TRUE, 0, QKV * sizeof *qkv, qkv, 0, NULL,
                                NULL) == CL_SUCCESS &&
                clEnqueueReadBuffer(app->queue, app->out, CL_TRUE, 0, OUT * sizeof *out, out, 0,
                                    NULL, NULL) == CL_SUCCESS,
            "clEnqueueReadBuffer", "");
    require(sparsed_pipeline_get_pattern(app->pipeline, LAYERS - 1, &pattern) == SPARSED_OK,
            "sparsed_pipeline_get_pattern", sparsed_context_error(app->sparsed));
    attend_on_cpu(qkv, pattern, expected);
    for (size_t i = 0; i < OUT; i++) {
        double difference = fabs((double)out[i] - (double)expected[i]);
        largest = difference > largest ? difference : largest;
    }
    sparsed_pattern_release(pattern);
    free(qkv);
    free(out);
    free(expected);
    return largest;
}

int main(void) {
    application app = {.device = NULL};
    sparsed_device_info info = {.struct_size = sizeof info};
    find_device(&app);
    set_up_opencl(&app);
    set_up_sparsed(&app);
    denoise(&app);
    sparsed_context_device(app.sparsed, &info);
    double difference = largest_difference(&app);
    printf("%s: %d steps of %d layers; the last output is within %.1e of the CPU's\n", info.name,
           STEPS, LAYERS, difference);
    tear_down(&app);
    return difference <= 1e-4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
