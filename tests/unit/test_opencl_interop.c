/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The caller's own OpenCL objects: results, patterns, a pipeline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/context.h"
#include "support/api_check.h"
#include "support/compare.h"
#include "support/counting_allocator.h"
#include "support/opencl_case.h"
#include "support/test_files.h"

enum { LEN = SMALL_OPENCL_CASE_ROWS };

/* ---- results ---- */

static void compare_ops(opencl_machine *m, attention_case *c) {
    static const sparsed_op ops[] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_SPARSE,
                                     SPARSED_BUILD, SPARSED_BUILD_SPARSE};
    device_case d = device_case_new(m, c);
    sparsed_plan *plan = case_plan(c, m->context);
    sparsed_kept *host = case_kept(plan), *device = case_kept(plan);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        bool dense = ops[i] == SPARSED_DENSE;
        raw_outputs expected = run_on_host(c, plan, ops[i], dense ? NULL : host);
        device_case_reset(&d);
        wait_and_release(enqueue(&d, plan, ops[i], dense ? NULL : device, m->queue, NULL));
        raw_outputs actual = device_outputs(&d);
        assert_outputs_equal(&actual, &expected);
        if (!dense)
            assert_kept_equal(device, host);
    }
    sparsed_kept_destroy(host);
    sparsed_kept_destroy(device);
    sparsed_plan_destroy(plan);
    device_case_free(&d);
    case_free(c);
}

/* out, lse, scores and patterns, to the last bit, gaps between rows included. */
static void test_enqueue__equals_the_host_call(void **state) {
    opencl_machine *m = machine_of(state);
    attention_case c = small_opencl_case(1);
    compare_ops(m, &c);
}

static void test_enqueue__strides_offsets_padding(void **state) {
    attention_case c = {.desc = case_desc(2, 4, 2, 40, LEN),
                        .select = case_select(SPARSED_MODE_PAPER, 16, 32, 20, 0.4),
                        .has_valid = true,
                        .valid_start = {3, 0},
                        .valid_end = {LEN, 71},
                        .offset_bytes = 24};
    c.desc.dtype = SPARSED_BF16;
    c.desc.out_dtype = SPARSED_F32;
    c.desc.q = c.desc.out = (sparsed_strides){LEN * 4 * 48, 48, 4 * 48};
    c.desc.k = (sparsed_strides){2 * LEN * 40 + 6, LEN * 40 + 2, 40};
    opencl_machine *m = machine_of(state);
    case_prepare(&c, 2);
    compare_ops(m, &c);
}

static void test_enqueue__shorter_run_fixed_mode(void **state) {
    attention_case c = {.desc = case_desc(1, 2, 2, 64, LEN),
                        .select = case_select(SPARSED_MODE_STREAMING, 32, 32, 0, 0.3),
                        .q_len = 33,
                        .kv_len = 77};
    c.desc.dtype = SPARSED_F16;
    c.select.window = 9;
    c.select.sinks = 4;
    opencl_machine *m = machine_of(state);
    case_prepare(&c, 3);
    compare_ops(m, &c);
}

/* All three inputs in one buffer, each seen through a sub-buffer and an offset into it. */
static void test_enqueue__sub_buffers(void **state) {
    opencl_machine *m = machine_of(state);
    attention_case c = small_opencl_case(4);
    const case_buffer *hosts[] = {&c.stored_q, &c.stored_k, &c.stored_v};
    device_case d = device_case_new(m, &c);
    sparsed_buffer *views[] = {&d.io.q, &d.io.k, &d.io.v};
    cl_mem parts[3];
    cl_int error;
    const size_t part_bytes = 1 << 16, offset_bytes = 400;
    cl_mem whole = clCreateBuffer(m->opencl, CL_MEM_READ_ONLY, 4 * part_bytes, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    for (size_t i = 0; i < 3; i++) {
        const cl_buffer_region region = {(i + 1) * part_bytes, part_bytes};
        parts[i] = clCreateSubBuffer(whole, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
        assert_int_equal(error, CL_SUCCESS);
        assert_true(offset_bytes + hosts[i]->size_bytes <= part_bytes);
        assert_int_equal(clEnqueueWriteBuffer(m->queue, parts[i], CL_TRUE, offset_bytes,
                                              hosts[i]->size_bytes, hosts[i]->memory, 0, NULL,
                                              NULL),
                         CL_SUCCESS);
        *views[i] = (sparsed_buffer){parts[i], offset_bytes};
    }
    sparsed_plan *plan = case_plan(&c, m->context);
    raw_outputs expected = run_on_host(&c, plan, SPARSED_DENSE, NULL);
    wait_and_release(enqueue(&d, plan, SPARSED_DENSE, NULL, m->queue, NULL));
    raw_outputs actual = device_outputs(&d);
    assert_outputs_equal(&actual, &expected);
    for (size_t i = 0; i < 3; i++)
        clReleaseMemObject(parts[i]);
    clReleaseMemObject(whole);
    sparsed_plan_destroy(plan);
    device_case_free(&d);
    case_free(&c);
}

/* No event, no wait list: the queue's own order is enough; and nothing is allocated on the way. */
static void test_enqueue__without_events_or_allocations(void **state) {
    opencl_machine *m = machine_of(state);
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    options.allocator = &allocator;
    assert_int_equal(sparsed_opencl_context_create(m->opencl, m->device, &options, &context, NULL),
                     SPARSED_OK);
    attention_case c = small_opencl_case(5);
    device_case d = device_case_new(m, &c);
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan);
    size_t calls = counter.calls;
    for (int i = 0; i < 3; i++)
        assert_int_equal(sparsed_opencl_enqueue(plan, SPARSED_BUILD_SPARSE, &d.io, kept, m->queue,
                                                0, NULL, NULL),
                         SPARSED_OK);
    assert_int_equal(counter.calls, calls);
    raw_outputs actual = device_outputs(&d);
    raw_outputs expected = run_on_host(&c, plan, SPARSED_BUILD_SPARSE, kept);
    assert_outputs_equal(&actual, &expected);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
    device_case_free(&d);
    case_free(&c);
}

/* ---- patterns here and elsewhere ---- */

static sparsed_context *cpu_context(void) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    options.device = "cpu";
    options.threads = 2;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    return context;
}

/* Both devices' sparse outputs with one pattern. */
static void compare_sparse(opencl_machine *m, attention_case *c, sparsed_plan *here,
                           sparsed_kept *here_kept, sparsed_plan *there, sparsed_kept *there_kept) {
    device_case d = device_case_new(m, c);
    attention_result expected = case_run(c, there, SPARSED_SPARSE, there_kept);
    wait_and_release(enqueue(&d, here, SPARSED_SPARSE, here_kept, m->queue, NULL));
    raw_outputs raw = device_outputs(&d);
    const float *out = (const float *)(void *)raw.bytes;
    double *actual = malloc(case_out_count(c) * sizeof *actual);
    assert_non_null(actual);
    for (uint64_t i = 0; i < case_out_count(c); i++)
        actual[i] = (double)out[i];
    assert_error_within("out", relative_error(actual, expected.out, case_out_count(c)), 1e-5);
    assert_kept_equal(here_kept, there_kept);
    free(actual);
    free(raw.bytes);
    result_free(&expected);
    device_case_free(&d);
}

/* Through a file and back. */
static sparsed_pattern *through_file(sparsed_pattern *pattern) {
    void *folder;
    const uint32_t layer = 0;
    const sparsed_pattern_set_info info = {.struct_size = sizeof info, .model_layers = 1};
    sparsed_pattern_set *set;
    sparsed_pattern *loaded;
    sparsed_message message = {""};
    assert_int_equal(test_folder_setup(&folder), 0);
    const char *path = test_folder_path(folder, "interop.spdp");
    sparsed_status status =
        sparsed_pattern_set_create(&info, &pattern, &layer, 1, NULL, &set, &message);
    if (status == SPARSED_OK)
        status = sparsed_pattern_set_save(set, path, &message);
    assert_string_equal(message.text, "");
    sparsed_pattern_set_release(set);
    assert_int_equal(sparsed_pattern_set_load(path, NULL, &set, &message), SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_get(set, 0, &loaded, &message), SPARSED_OK);
    sparsed_pattern_set_release(set);
    sparsed_pattern_release(pattern);
    assert_int_equal(test_folder_teardown(&folder), 0);
    return loaded;
}

static void test_patterns__to_the_cpu_and_back(void **state) {
    opencl_machine *m = machine_of(state);
    attention_case c = small_opencl_case(11);
    device_case d = device_case_new(m, &c);
    sparsed_context *cpu = cpu_context();
    sparsed_plan *here = case_plan(&c, m->context), *there = case_plan(&c, cpu);
    sparsed_kept *here_kept = case_kept(here), *there_kept = case_kept(there);
    sparsed_pattern *pattern;
    for (int by_file = 0; by_file < 2; by_file++) {
        wait_and_release(enqueue(&d, here, SPARSED_BUILD, here_kept, m->queue, NULL));
        assert_int_equal(sparsed_kept_get(here_kept, &pattern), SPARSED_OK);
        pattern = by_file ? through_file(pattern) : pattern;
        assert_int_equal(sparsed_kept_set(there_kept, pattern), SPARSED_OK);
        sparsed_pattern_release(pattern);
        compare_sparse(m, &c, here, here_kept, there, there_kept);

        free(run_on_host(&c, there, SPARSED_BUILD, there_kept).bytes);
        assert_int_equal(sparsed_kept_get(there_kept, &pattern), SPARSED_OK);
        pattern = by_file ? through_file(pattern) : pattern;
        assert_int_equal(sparsed_kept_set(here_kept, pattern), SPARSED_OK);
        sparsed_pattern_release(pattern);
        compare_sparse(m, &c, here, here_kept, there, there_kept);
    }
    sparsed_kept_destroy(here_kept);
    sparsed_kept_destroy(there_kept);
    sparsed_plan_destroy(here);
    sparsed_plan_destroy(there);
    sparsed_context_destroy(cpu);
    device_case_free(&d);
    case_free(&c);
}

/* ---- the pipeline ---- */

enum { STEPS = 6, LAYERS = 2 };

static sparsed_pipeline *new_pipeline(sparsed_context *context, const attention_case *c) {
    sparsed_schedule_entry entries[STEPS];
    sparsed_pipeline *pipeline;
    assert_int_equal(sparsed_schedule_preset("upstream", 0.2, entries, STEPS, NULL), SPARSED_OK);
    entries[4].op = SPARSED_BUILD_SPARSE;
    entries[4].ratio = 0.6;
    const sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = STEPS, .entries = entries};
    if (sparsed_pipeline_create(context, &c->desc, &c->select, &schedule, LAYERS, &pipeline) !=
        SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return pipeline;
}

/* A whole schedule is enqueued at once behind a gate; each layer attends what its own
 * tensors say. */
static void run_schedule(opencl_machine *m, cl_command_queue queue) {
    attention_case c[LAYERS] = {small_opencl_case(12), small_opencl_case(13)};
    device_case d[STEPS][LAYERS];
    sparsed_pipeline *enqueued = new_pipeline(m->context, &c[0]);
    sparsed_pipeline *called = new_pipeline(m->context, &c[0]);
    cl_event gate = user_event(m), last = gate;
    for (uint32_t i = 0; i < STEPS * LAYERS; i++) {
        uint32_t step = i / LAYERS, layer = i % LAYERS;
        d[step][layer] = device_case_new(m, &c[layer]);
    }
    for (uint32_t i = 0; i < STEPS * LAYERS; i++) {
        cl_event done;
        if (sparsed_opencl_pipeline_enqueue(enqueued, i / LAYERS, i % LAYERS,
                                            &d[i / LAYERS][i % LAYERS].io, queue, 1, &last,
                                            &done) != SPARSED_OK)
            fail_msg("%s", sparsed_context_error(m->context));
        assert_false(is_complete(done));
        if (last != gate)
            clReleaseEvent(last);
        last = done;
    }
    set_user_event(gate, CL_COMPLETE);
    clReleaseEvent(gate);
    wait_and_release(last);
    for (uint32_t i = 0; i < STEPS * LAYERS; i++) {
        uint32_t step = i / LAYERS, layer = i % LAYERS;
        case_buffer *outputs[] = {&c[layer].out, &c[layer].lse, &c[layer].scores};
        for (size_t o = 0; o < 3; o++)
            memset(outputs[o]->memory, 0xa5, outputs[o]->size_bytes);
        assert_int_equal(sparsed_pipeline_attend(called, step, layer, &c[layer].io), SPARSED_OK);
        raw_outputs expected = host_outputs(&c[layer]), actual = device_outputs(&d[step][layer]);
        assert_outputs_equal(&actual, &expected);
        device_case_free(&d[step][layer]);
    }
    sparsed_pattern *pattern;
    sparsed_pattern_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_pipeline_get_pattern(enqueued, 1, &pattern), SPARSED_OK);
    assert_int_equal(sparsed_pattern_describe(pattern, &info), SPARSED_OK);
    assert_int_equal(info.step, 4);
    assert_true(info.ratio == 0.6);
    sparsed_pattern_release(pattern);
    sparsed_pipeline_destroy(enqueued);
    sparsed_pipeline_destroy(called);
    case_free(&c[0]);
    case_free(&c[1]);
}

static void test_pipeline_enqueue__whole_schedule(void **state) {
    opencl_machine *m = machine_of(state);
    run_schedule(m, m->queue);
    if (has_out_of_order_queue(m))
        run_schedule(m, m->out_of_order);
}

static void test_pipeline_enqueue__refuses_steps(void **state) {
    opencl_machine *m = machine_of(state);
    attention_case c = small_opencl_case(14);
    device_case d = device_case_new(m, &c);
    sparsed_pipeline *pipeline = new_pipeline(m->context, &c);
    cl_event event = user_event(m), unchanged = event;
    assert_context_error(
        m->context,
        sparsed_opencl_pipeline_enqueue(pipeline, STEPS, 0, &d.io, m->queue, 0, NULL, &event),
        SPARSED_E_INVALID, "step 6 of 6");
    assert_null(event);
    assert_context_error(
        m->context, sparsed_opencl_pipeline_enqueue(pipeline, 3, 0, &d.io, m->queue, 0, NULL, NULL),
        SPARSED_E_STATE, "needs a pattern");
    assert_context_error(
        m->context, sparsed_opencl_pipeline_enqueue(pipeline, 0, 0, &d.io, NULL, 0, NULL, NULL),
        SPARSED_E_INVALID, "queue is NULL");
    assert_int_equal(sparsed_opencl_pipeline_enqueue(NULL, 0, 0, &d.io, m->queue, 0, NULL, NULL),
                     SPARSED_E_INVALID);
    release_user_event(unchanged);
    sparsed_pipeline_destroy(pipeline);
    device_case_free(&d);
    case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enqueue__equals_the_host_call),
        cmocka_unit_test(test_enqueue__strides_offsets_padding),
        cmocka_unit_test(test_enqueue__shorter_run_fixed_mode),
        cmocka_unit_test(test_enqueue__sub_buffers),
        cmocka_unit_test(test_enqueue__without_events_or_allocations),
        cmocka_unit_test(test_patterns__to_the_cpu_and_back),
        cmocka_unit_test(test_pipeline_enqueue__whole_schedule),
        cmocka_unit_test(test_pipeline_enqueue__refuses_steps),
    };
    return cmocka_run_group_tests(tests, open_machine, close_machine);
}
