/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The caller's own OpenCL objects: results, order, lifetime, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <pthread.h>

#include "cl/state.h"
#include "src/context.h"
#include "support/api_check.h"
#include "support/compare.h"
#include "support/counting_allocator.h"
#include "support/opencl_case.h"
#include "support/test_files.h"

enum { LEN = 100 };

static attention_case small_case(uint64_t seed) {
    attention_case c = {.desc = case_desc(1, 2, 1, 64, LEN),
                        .select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 16, 30, 0.3)};
    case_prepare(&c, seed);
    return c;
}

static void sleep_ms(long milliseconds) {
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Skips the test without one: to be asked for before anything is enqueued. */
static cl_command_queue out_of_order_queue(opencl_machine *m) {
    if (!m->out_of_order) {
        print_message("skipped: the device has no out-of-order queue\n");
        skip();
    }
    return m->out_of_order;
}

/* For tests of which a part needs one. */
static bool has_out_of_order_queue(const opencl_machine *m) {
    if (!m->out_of_order)
        print_message("in part: the device has no out-of-order queue\n");
    return m->out_of_order != NULL;
}

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
    attention_case c = small_case(1);
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
    attention_case c = small_case(4);
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
    attention_case c = small_case(5);
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

/* ---- order ---- */

/* The chain: a gate, a build, a sparse run after its event. */
static void check_gated_chain(opencl_machine *m, cl_command_queue first, cl_command_queue second,
                              bool wait_for_build) {
    attention_case c = small_case(6);
    device_case d = device_case_new(m, &c);
    sparsed_plan *plan = case_plan(&c, m->context);
    sparsed_kept *kept = case_kept(plan), *host = case_kept(plan);
    free(run_on_host(&c, plan, SPARSED_BUILD, host).bytes);
    cl_event gate = user_event(m);
    cl_event built = enqueue(&d, plan, SPARSED_BUILD, kept, first, gate);
    cl_event done = enqueue(&d, plan, SPARSED_SPARSE, kept, second, wait_for_build ? built : NULL);
    sleep_ms(50);
    assert_false(is_complete(built));
    assert_false(is_complete(done));
    set_user_event(gate, CL_COMPLETE);
    wait_and_release(done);
    assert_true(is_complete(built));
    clReleaseEvent(built);
    raw_outputs actual = device_outputs(&d);
    raw_outputs expected = run_on_host(&c, plan, SPARSED_SPARSE, host);
    memcpy(expected.bytes + c.out.size_bytes + c.lse.size_bytes,
           actual.bytes + c.out.size_bytes + c.lse.size_bytes, c.scores.size_bytes);
    assert_outputs_equal(&actual, &expected);
    assert_kept_equal(kept, host);
    clReleaseEvent(gate);
    sparsed_kept_destroy(kept);
    sparsed_kept_destroy(host);
    sparsed_plan_destroy(plan);
    device_case_free(&d);
    case_free(&c);
}

/* The queue of a flush after which nothing was enqueued. PoCL starts commands without one. */
static struct {
    cl_api_clFlush flush;
    cl_api_clEnqueueNDRangeKernel launch;
    cl_api_clEnqueueMarkerWithWaitList mark;
    cl_command_queue flushed;
} flushes;

static cl_int CL_API_CALL note_flush(cl_command_queue queue) {
    flushes.flushed = queue;
    return flushes.flush(queue);
}

static cl_int CL_API_CALL note_launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                      const size_t *offset, const size_t *global,
                                      const size_t *local, cl_uint wait_count, const cl_event *wait,
                                      cl_event *event) {
    flushes.flushed = NULL;
    return flushes.launch(queue, kernel, dimensions, offset, global, local, wait_count, wait,
                          event);
}

static cl_int CL_API_CALL note_marker(cl_command_queue queue, cl_uint wait_count,
                                      const cl_event *wait, cl_event *event) {
    flushes.flushed = NULL;
    return flushes.mark(queue, wait_count, wait, event);
}

static void check_flushes(opencl_machine *m, cl_command_queue queue) {
    attention_case c = small_case(20);
    device_case d = device_case_new(m, &c);
    sparsed_plan *plan = case_plan(&c, m->context);
    sparsed_kept *kept = case_kept(plan);
    static const sparsed_op ops[] = {SPARSED_DENSE_BUILD, SPARSED_SPARSE, SPARSED_BUILD_SPARSE};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        flushes.flushed = NULL;
        assert_int_equal(sparsed_opencl_enqueue(plan, ops[i], &d.io, kept, queue, 0, NULL, NULL),
                         SPARSED_OK);
        assert_ptr_equal(flushes.flushed, queue);
    }
    assert_int_equal(clFinish(queue), CL_SUCCESS);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    device_case_free(&d);
    case_free(&c);
}

/* A caller that only asks its event waits for ever where nothing is flushed. */
static void test_enqueue__flushes_its_queue(void **state) {
    opencl_machine own;
    machine_of(state);
    assert_true(machine_open(&own));
    spd_cl_api *api = &((spd_cl_state *)own.context->state)->api;
    flushes.flush = api->Flush;
    flushes.launch = api->EnqueueNDRangeKernel;
    flushes.mark = api->EnqueueMarkerWithWaitList;
    api->Flush = note_flush;
    api->EnqueueNDRangeKernel = note_launch;
    api->EnqueueMarkerWithWaitList = note_marker;
    check_flushes(&own, own.queue);
    if (has_out_of_order_queue(&own))
        check_flushes(&own, own.out_of_order);
    machine_close(&own);
}

static void test_enqueue__returns_before_its_wait_list(void **state) {
    opencl_machine *m = machine_of(state);
    check_gated_chain(m, m->queue, m->queue, true);
    check_gated_chain(m, m->queue, m->queue, false);
}

static void test_enqueue__out_of_order_queue(void **state) {
    opencl_machine *m = machine_of(state);
    cl_command_queue queue = out_of_order_queue(m);
    check_gated_chain(m, queue, queue, true);
    check_gated_chain(m, queue, queue, false);
}

/* One plan's scratch, one layer's kept blocks: a second queue waits for the first. */
static void test_enqueue__two_queues(void **state) {
    opencl_machine *m = machine_of(state);
    check_gated_chain(m, m->queue, m->second, true);
    check_gated_chain(m, m->queue, m->second, false);
    if (!has_out_of_order_queue(m))
        return;
    check_gated_chain(m, m->out_of_order, m->second, false);
    check_gated_chain(m, m->second, m->out_of_order, false);
}

/* Dense runs share nothing but their plan's scratch. */
static void check_one_plan(opencl_machine *m, cl_command_queue other) {
    attention_case c = small_case(19);
    device_case d = device_case_new(m, &c), e = device_case_new(m, &c);
    sparsed_plan *plan = case_plan(&c, m->context);
    cl_event gate = user_event(m);
    cl_event first = enqueue(&d, plan, SPARSED_DENSE, NULL, m->queue, gate);
    cl_event second = enqueue(&e, plan, SPARSED_DENSE, NULL, other, NULL);
    sleep_ms(50);
    assert_false(is_complete(second));
    set_user_event(gate, CL_COMPLETE);
    clReleaseEvent(gate);
    wait_and_release(first);
    wait_and_release(second);
    raw_outputs actual = device_outputs(&d), expected = device_outputs(&e);
    assert_outputs_equal(&actual, &expected);
    sparsed_plan_destroy(plan);
    device_case_free(&d);
    device_case_free(&e);
    case_free(&c);
}

static void test_enqueue__one_plan_on_two_queues(void **state) {
    opencl_machine *m = machine_of(state);
    check_one_plan(m, m->second);
    if (has_out_of_order_queue(m))
        check_one_plan(m, m->out_of_order);
}

/* Commands of the caller's own: a fill, and after it a kernel that adds 1. */
typedef struct plain_work {
    cl_program program;
    cl_kernel kernel;
    cl_mem buffer;
} plain_work;

enum { PLAIN_ITEMS = 64 };

static plain_work plain_work_new(opencl_machine *m) {
    const char *source = "kernel void add_one(global int *x) { x[get_global_id(0)] += 1; }\n";
    plain_work w;
    cl_int error[3];
    w.program = clCreateProgramWithSource(m->opencl, 1, &source, NULL, &error[0]);
    assert_int_equal(clBuildProgram(w.program, 1, &m->device, "", NULL, NULL), CL_SUCCESS);
    w.kernel = clCreateKernel(w.program, "add_one", &error[1]);
    w.buffer =
        clCreateBuffer(m->opencl, CL_MEM_READ_WRITE, PLAIN_ITEMS * sizeof(cl_int), NULL, &error[2]);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(error[i], CL_SUCCESS);
    assert_int_equal(clSetKernelArg(w.kernel, 0, sizeof(w.buffer), &w.buffer), CL_SUCCESS);
    return w;
}

static void plain_work_free(plain_work *w) {
    clReleaseMemObject(w->buffer);
    clReleaseKernel(w->kernel);
    clReleaseProgram(w->program);
}

/* After `wait`, if that is not NULL, by way of a marker, as the library's own operations. */
static cl_event enqueue_plain_work(const plain_work *w, cl_command_queue queue, cl_event wait) {
    const cl_int zero = 0;
    const size_t items = PLAIN_ITEMS;
    cl_event marker = NULL, filled, done;
    if (wait)
        assert_int_equal(clEnqueueMarkerWithWaitList(queue, 1, &wait, &marker), CL_SUCCESS);
    assert_int_equal(clEnqueueFillBuffer(queue, w->buffer, &zero, sizeof zero, 0,
                                         items * sizeof zero, wait ? 1 : 0, wait ? &marker : NULL,
                                         &filled),
                     CL_SUCCESS);
    assert_int_equal(
        clEnqueueNDRangeKernel(queue, w->kernel, 1, NULL, &items, NULL, 1, &filled, &done),
        CL_SUCCESS);
    if (wait)
        assert_int_equal(clReleaseEvent(marker), CL_SUCCESS);
    assert_int_equal(clReleaseEvent(filled), CL_SUCCESS);
    assert_int_equal(clFlush(queue), CL_SUCCESS);
    return done;
}

static bool completes_within(cl_event event, int milliseconds) {
    for (int i = 0; i < milliseconds / 10 && !is_complete(event); i++)
        sleep_ms(10);
    return is_complete(event);
}

enum { PATIENCE_MS = 30000, PROBE_MS = 10000 };

/* Whether commands that depend on nothing pass those that wait. OpenCL lets a driver do that on an
 * out-of-order queue; it need not. */
static bool driver_overtakes(opencl_machine *m, cl_command_queue queue) {
    plain_work first = plain_work_new(m), second = plain_work_new(m);
    cl_event gate = user_event(m);
    cl_event held = enqueue_plain_work(&first, queue, gate);
    cl_event later = enqueue_plain_work(&second, queue, NULL);
    bool overtakes = completes_within(later, PROBE_MS);
    set_user_event(gate, CL_COMPLETE);
    clReleaseEvent(gate);
    wait_and_release(held);
    wait_and_release(later);
    plain_work_free(&first);
    plain_work_free(&second);
    return overtakes;
}

static void check_built(attention_case *c, const device_case *d, sparsed_plan *plan,
                        sparsed_kept *kept) {
    sparsed_kept *host = case_kept(plan);
    raw_outputs actual = device_outputs(d);
    raw_outputs expected = run_on_host(c, plan, SPARSED_DENSE_BUILD, host);
    assert_outputs_equal(&actual, &expected);
    assert_kept_equal(kept, host);
    sparsed_kept_destroy(host);
}

/* The caller's commands, the library's, the caller's again. Whose are behind the gate? */
typedef enum owner { CALLER, LIBRARY } owner;

static void check_passing(opencl_machine *m, cl_command_queue queue, owner gated, bool overtakes) {
    attention_case c = small_case(7);
    device_case d = device_case_new(m, &c);
    sparsed_plan *plan = case_plan(&c, m->context);
    sparsed_kept *kept = case_kept(plan);
    plain_work before = plain_work_new(m), after = plain_work_new(m);
    cl_event gate = user_event(m);
    cl_event first = enqueue_plain_work(&before, queue, gated == CALLER ? gate : NULL);
    cl_event built =
        enqueue(&d, plan, SPARSED_DENSE_BUILD, kept, queue, gated == LIBRARY ? gate : NULL);
    cl_event last = enqueue_plain_work(&after, queue, NULL);
    bool passed = overtakes && completes_within(last, PATIENCE_MS) &&
                  completes_within(gated == CALLER ? built : first, PATIENCE_MS);
    assert_false(is_complete(gated == CALLER ? first : built));
    set_user_event(gate, CL_COMPLETE);
    clReleaseEvent(gate);
    wait_and_release(first);
    wait_and_release(built);
    wait_and_release(last);
    assert_int_equal(passed, overtakes);
    check_built(&c, &d, plan, kept);
    plain_work_free(&before);
    plain_work_free(&after);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    device_case_free(&d);
    case_free(&c);
}

/* What else is on an out-of-order queue is not waited for, and does not wait. */
static void test_enqueue__out_of_order_queue_stays_open(void **state) {
    opencl_machine *m = machine_of(state);
    cl_command_queue queue = out_of_order_queue(m);
    bool overtakes = driver_overtakes(m, queue);
    if (!overtakes)
        print_message("not checked that commands pass each other: on this out-of-order queue the "
                      "driver lets not even the caller's own do so\n");
    check_passing(m, queue, CALLER, overtakes);
    check_passing(m, queue, LIBRARY, overtakes);
}

/* Kept blocks order two plans on two queues; plans that share nothing are not ordered. */
static void test_enqueue__two_plans(void **state) {
    opencl_machine *m = machine_of(state);
    attention_case c = small_case(8);
    device_case d = device_case_new(m, &c), e = device_case_new(m, &c);
    sparsed_plan *builder = case_plan(&c, m->context), *reader = case_plan(&c, m->context);
    sparsed_kept *shared = case_kept(builder), *other = case_kept(reader);
    cl_event gate = user_event(m);
    cl_event built = enqueue(&d, builder, SPARSED_BUILD, shared, m->queue, gate);
    wait_and_release(enqueue(&e, reader, SPARSED_BUILD_SPARSE, other, m->second, NULL));
    cl_event done = enqueue(&d, reader, SPARSED_SPARSE, shared, m->second, NULL);
    sleep_ms(50);
    assert_false(is_complete(done));
    set_user_event(gate, CL_COMPLETE);
    wait_and_release(done);
    clReleaseEvent(built);
    clReleaseEvent(gate);
    assert_kept_equal(shared, other);
    sparsed_kept_destroy(shared);
    sparsed_kept_destroy(other);
    sparsed_plan_destroy(builder);
    sparsed_plan_destroy(reader);
    device_case_free(&d);
    device_case_free(&e);
    case_free(&c);
}

static void *open_gate(void *gate) {
    sleep_ms(100);
    return clSetUserEventStatus(gate, CL_COMPLETE) == CL_SUCCESS ? gate : NULL;
}

/* A build that waits for a gate, which opens soon. */
static pthread_t build_behind_gate(const device_case *d, sparsed_plan *plan, sparsed_kept *kept,
                                   cl_event gate) {
    pthread_t thread;
    clReleaseEvent(enqueue(d, plan, SPARSED_BUILD, kept, d->machine->queue, gate));
    assert_int_equal(pthread_create(&thread, NULL, open_gate, gate), 0);
    return thread;
}

static void join(pthread_t thread, cl_event gate) {
    void *opened;
    assert_int_equal(pthread_join(thread, &opened), 0);
    assert_ptr_equal(opened, gate);
    clReleaseEvent(gate);
}

static void test_host_calls__come_after_what_was_enqueued(void **state) {
    opencl_machine *m = machine_of(state);
    attention_case c = small_case(9);
    device_case d = device_case_new(m, &c);
    sparsed_plan *plan = case_plan(&c, m->context);
    sparsed_kept *kept = case_kept(plan), *host = case_kept(plan);
    free(run_on_host(&c, plan, SPARSED_BUILD, host).bytes);
    /* sparsed_kept_get waits for the build. */
    cl_event gate = user_event(m);
    pthread_t thread = build_behind_gate(&d, plan, kept, gate);
    assert_kept_equal(kept, host);
    join(thread, gate);
    /* sparsed_plan_run too: it reads what was built, not the pattern from before. */
    attention_case other = small_case(10);
    sparsed_kept *other_kept = case_kept(plan);
    sparsed_pattern *pattern;
    free(run_on_host(&other, plan, SPARSED_BUILD, other_kept).bytes);
    assert_int_equal(sparsed_kept_get(other_kept, &pattern), SPARSED_OK);
    assert_int_equal(sparsed_kept_set(kept, pattern), SPARSED_OK);
    gate = user_event(m);
    thread = build_behind_gate(&d, plan, kept, gate);
    raw_outputs actual = run_on_host(&c, plan, SPARSED_SPARSE, kept);
    raw_outputs expected = run_on_host(&c, plan, SPARSED_SPARSE, host);
    assert_outputs_equal(&actual, &expected);
    join(thread, gate);
    /* And sparsed_kept_set, whose pattern then stands. */
    gate = user_event(m);
    thread = build_behind_gate(&d, plan, kept, gate);
    assert_int_equal(sparsed_kept_set(kept, pattern), SPARSED_OK);
    join(thread, gate);
    clFinish(m->queue);
    assert_kept_equal(kept, other_kept);
    sparsed_kept_destroy(other_kept);
    sparsed_pattern_release(pattern);
    sparsed_kept_destroy(kept);
    sparsed_kept_destroy(host);
    sparsed_plan_destroy(plan);
    device_case_free(&d);
    case_free(&other);
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
    attention_case c = small_case(11);
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
    const sparsed_schedule schedule = {sizeof schedule, 0, STEPS, 0, entries};
    if (sparsed_pipeline_create(context, &c->desc, &c->select, &schedule, LAYERS, &pipeline) !=
        SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return pipeline;
}

/* A whole schedule is enqueued at once behind a gate; each layer attends what its own tensors say. */
static void run_schedule(opencl_machine *m, cl_command_queue queue) {
    attention_case c[LAYERS] = {small_case(12), small_case(13)};
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
    attention_case c = small_case(14);
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

/* ---- lifetime and failures ---- */

/* All of the library's objects go while the work waits; it completes all the same. */
static void test_destroy__with_work_in_flight(void **state) {
    opencl_machine *m = machine_of(state);
    attention_case c = small_case(15);
    device_case d = device_case_new(m, &c);
    sparsed_context *context;
    assert_int_equal(sparsed_opencl_context_create(m->opencl, m->device, NULL, &context, NULL),
                     SPARSED_OK);
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan);
    raw_outputs expected = run_on_host(&c, plan, SPARSED_BUILD_SPARSE, kept);
    cl_event gate = user_event(m);
    cl_event done = enqueue(&d, plan, SPARSED_BUILD_SPARSE, kept, m->queue, gate);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    assert_false(is_complete(done));
    set_user_event(gate, CL_COMPLETE);
    wait_and_release(done);
    clReleaseEvent(gate);
    raw_outputs actual = device_outputs(&d);
    assert_outputs_equal(&actual, &expected);
    device_case_free(&d);
    case_free(&c);
}

/* The driver's word on one event. PoCL itself aborts the process when a user event is made to fail. */
static struct {
    cl_api_clGetEventInfo ask;
    cl_event failed;
} driver;

static cl_int CL_API_CALL say_that_one_failed(cl_event event, cl_event_info what, size_t size,
                                              void *value, size_t *size_out) {
    cl_int error = driver.ask(event, what, size, value, size_out);
    if (event == driver.failed && what == CL_EVENT_COMMAND_EXECUTION_STATUS)
        *(cl_int *)value = CL_OUT_OF_RESOURCES;
    return error;
}

static void fail_event(sparsed_context *context, cl_event event) {
    spd_cl_state *s = context->state;
    driver.ask = s->api.GetEventInfo;
    driver.failed = event;
    s->api.GetEventInfo = say_that_one_failed;
}

static void assert_lost(sparsed_context *context, sparsed_status status) {
    assert_context_error(context, status, SPARSED_E_DEVICE,
                         "was lost by an enqueued command: CL_OUT_OF_RESOURCES");
}

/* Every call says so from then on; the pattern that was read before lives on elsewhere. */
static void test_enqueue__fails_later(void **state) {
    opencl_machine *m = machine_of(state), own;
    attention_case c = small_case(16);
    assert_true(machine_open(&own));
    device_case d = device_case_new(&own, &c);
    sparsed_plan *plan = case_plan(&c, own.context), *refused;
    sparsed_kept *kept = case_kept(plan), *no_kept;
    sparsed_pattern *pattern, *none;
    wait_and_release(enqueue(&d, plan, SPARSED_BUILD, kept, own.queue, NULL));
    assert_int_equal(sparsed_kept_get(kept, &pattern), SPARSED_OK);
    cl_event gate = user_event(&own);
    cl_event failed = enqueue(&d, plan, SPARSED_SPARSE, kept, own.queue, gate);
    cl_event later = enqueue(&d, plan, SPARSED_SPARSE, kept, own.second, NULL);
    fail_event(own.context, failed);
    assert_lost(own.context,
                sparsed_opencl_enqueue(plan, SPARSED_DENSE, &d.io, NULL, own.queue, 0, NULL, NULL));
    driver.failed = NULL;
    assert_lost(own.context, sparsed_plan_run(plan, SPARSED_DENSE, &c.io, NULL));
    assert_lost(own.context, sparsed_kept_get(kept, &none));
    assert_null(none);
    assert_lost(own.context, sparsed_kept_set(kept, pattern));
    assert_lost(own.context, sparsed_plan_create(own.context, &c.desc, &c.select, &refused));
    assert_lost(own.context, sparsed_kept_create(plan, &no_kept));
    sparsed_plan *elsewhere = case_plan(&c, m->context);
    sparsed_kept *elsewhere_kept = case_kept(elsewhere);
    assert_int_equal(sparsed_kept_set(elsewhere_kept, pattern), SPARSED_OK);
    free(run_on_host(&c, elsewhere, SPARSED_SPARSE, elsewhere_kept).bytes);
    sparsed_kept_destroy(elsewhere_kept);
    sparsed_plan_destroy(elsewhere);
    sparsed_pattern_release(pattern);
    set_user_event(gate, CL_COMPLETE);
    clReleaseEvent(gate);
    clReleaseEvent(failed);
    clReleaseEvent(later);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    device_case_free(&d);
    machine_close(&own);
    case_free(&c);
}

/* A call on host memory behind work that failed, or whose wait list did, says so instead of giving
 * numbers. */
static void test_host_calls__after_a_failure(void **state) {
    opencl_machine own;
    machine_of(state);
    attention_case c = small_case(17);
    for (int i = 0; i < 4; i++) {
        bool get = i % 2, wait_list = i < 2;
        assert_true(machine_open(&own));
        device_case d = device_case_new(&own, &c);
        sparsed_plan *plan = case_plan(&c, own.context);
        sparsed_kept *kept = case_kept(plan);
        sparsed_pattern *pattern;
        cl_event gate = user_event(&own);
        pthread_t thread = build_behind_gate(&d, plan, kept, gate);
        spd_cl_state *s = own.context->state;
        assert_int_equal(s->pending.count, 2);
        assert_ptr_equal(s->pending.events[0], gate);
        fail_event(own.context, s->pending.events[wait_list ? 0 : 1]);
        assert_lost(own.context, get ? sparsed_kept_get(kept, &pattern)
                                     : sparsed_plan_run(plan, SPARSED_DENSE, &c.io, NULL));
        join(thread, gate);
        sparsed_kept_destroy(kept);
        sparsed_plan_destroy(plan);
        device_case_free(&d);
        machine_close(&own);
    }
    case_free(&c);
}

/* More events than are remembered: the newest are. */
static void test_enqueue__many_in_flight(void **state) {
    opencl_machine *m = machine_of(state);
    attention_case c = small_case(18);
    device_case d = device_case_new(m, &c);
    sparsed_plan *plan = case_plan(&c, m->context);
    const spd_cl_state *s = m->context->state;
    cl_event gate = user_event(m), last = NULL;
    for (int i = 0; i < SPD_CL_MAX_PENDING + 9; i++) {
        if (last)
            clReleaseEvent(last);
        last = enqueue(&d, plan, SPARSED_DENSE, NULL, i % 2 ? m->queue : m->second,
                       i == 0 ? gate : NULL);
    }
    assert_int_equal(s->pending.count, SPD_CL_MAX_PENDING);
    assert_ptr_equal(s->pending.events[SPD_CL_MAX_PENDING - 1], last);
    assert_false(is_complete(last));
    set_user_event(gate, CL_COMPLETE);
    clReleaseEvent(gate);
    wait_and_release(last);
    raw_outputs actual = device_outputs(&d);
    raw_outputs expected = run_on_host(&c, plan, SPARSED_DENSE, NULL);
    assert_outputs_equal(&actual, &expected);
    assert_int_equal(s->pending.count, 0);
    sparsed_plan_destroy(plan);
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
        cmocka_unit_test(test_enqueue__flushes_its_queue),
        cmocka_unit_test(test_enqueue__returns_before_its_wait_list),
        cmocka_unit_test(test_enqueue__out_of_order_queue),
        cmocka_unit_test(test_enqueue__out_of_order_queue_stays_open),
        cmocka_unit_test(test_enqueue__two_queues),
        cmocka_unit_test(test_enqueue__one_plan_on_two_queues),
        cmocka_unit_test(test_enqueue__two_plans),
        cmocka_unit_test(test_host_calls__come_after_what_was_enqueued),
        cmocka_unit_test(test_patterns__to_the_cpu_and_back),
        cmocka_unit_test(test_pipeline_enqueue__whole_schedule),
        cmocka_unit_test(test_pipeline_enqueue__refuses_steps),
        cmocka_unit_test(test_destroy__with_work_in_flight),
        cmocka_unit_test(test_enqueue__fails_later),
        cmocka_unit_test(test_host_calls__after_a_failure),
        cmocka_unit_test(test_enqueue__many_in_flight),
    };
    return cmocka_run_group_tests(tests, open_machine, close_machine);
}
