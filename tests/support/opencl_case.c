/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See opencl_case.h. */
#include "support/opencl_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/plan.h"

enum { UNWRITTEN = 0xa5, MAX_PLATFORMS = 8 };

/* ---- the application's objects ---- */

static bool first_device(cl_device_id *device) {
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = 0;
    if (clGetPlatformIDs(MAX_PLATFORMS, platforms, &count) != CL_SUCCESS)
        return false;
    for (cl_uint i = 0; i < count && i < MAX_PLATFORMS; i++)
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, device, NULL) == CL_SUCCESS)
            return true;
    return false;
}

static cl_command_queue new_queue(const opencl_machine *m, cl_command_queue_properties properties) {
    cl_int error;
    cl_command_queue queue = clCreateCommandQueue(m->opencl, m->device, properties, &error);
    return error == CL_SUCCESS ? queue : NULL;
}

bool machine_open(opencl_machine *machine) {
    opencl_machine *m = machine;
    sparsed_message message;
    cl_int error;
    *m = (opencl_machine){.device = NULL};
    if (!first_device(&m->device))
        return false;
    m->opencl = clCreateContext(NULL, 1, &m->device, NULL, NULL, &error);
    if (error != CL_SUCCESS)
        return false;
    m->queue = new_queue(m, 0);
    m->second = new_queue(m, 0);
    m->out_of_order = new_queue(m, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    if (sparsed_opencl_context_create(m->opencl, m->device, NULL, &m->context, &message) !=
        SPARSED_OK)
        print_error("%s\n", message.text);
    return m->context != NULL;
}

void machine_close(opencl_machine *machine) {
    sparsed_context_destroy(machine->context);
    cl_command_queue queues[] = {machine->queue, machine->second, machine->out_of_order};
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++)
        if (queues[i])
            clReleaseCommandQueue(queues[i]);
    if (machine->opencl)
        clReleaseContext(machine->opencl);
}

int open_machine(void **state) {
    static opencl_machine machine;
    cl_device_id device;
    *state = &machine;
    return !machine_open(&machine) && first_device(&device);
}

int close_machine(void **state) {
    machine_close(*state);
    return 0;
}

opencl_machine *machine_of(void **state) {
    opencl_machine *machine = *state;
    if (!machine->context) {
        print_message("skipped: there is no OpenCL device\n");
        skip();
    }
    return machine;
}

cl_command_queue out_of_order_queue(opencl_machine *machine) {
    if (!machine->out_of_order) {
        print_message("skipped: the device has no out-of-order queue\n");
        skip();
    }
    return machine->out_of_order;
}

bool has_out_of_order_queue(const opencl_machine *machine) {
    if (!machine->out_of_order)
        print_message("in part: the device has no out-of-order queue\n");
    return machine->out_of_order != NULL;
}

/* ---- a case in its buffers ---- */

attention_case small_opencl_case(uint64_t seed) {
    attention_case c = {.desc = case_desc(1, 2, 1, 64, SMALL_OPENCL_CASE_ROWS),
                        .select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 16, 30, 0.3)};
    case_prepare(&c, seed);
    return c;
}

static cl_mem new_buffer(const opencl_machine *m, const case_buffer *from, sparsed_buffer *view) {
    cl_int error;
    if (!from->memory)
        return NULL;
    cl_mem buffer = clCreateBuffer(m->opencl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   from->size_bytes, from->memory, &error);
    assert_int_equal(error, CL_SUCCESS);
    view->mem = buffer;
    return buffer;
}

device_case device_case_new(opencl_machine *machine, attention_case *source) {
    attention_case *c = source;
    device_case d = {.machine = machine, .source = c, .io = c->io};
    d.q = new_buffer(machine, &c->stored_q, &d.io.q);
    d.k = new_buffer(machine, &c->stored_k, &d.io.k);
    d.v = new_buffer(machine, &c->stored_v, &d.io.v);
    d.out = new_buffer(machine, &c->out, &d.io.out);
    d.lse = new_buffer(machine, &c->lse, &d.io.lse);
    d.scores = new_buffer(machine, &c->scores, &d.io.scores);
    device_case_reset(&d);
    return d;
}

void device_case_free(device_case *d) {
    cl_mem buffers[] = {d->q, d->k, d->v, d->out, d->lse, d->scores};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
}

static void finish_all(const opencl_machine *m) {
    assert_int_equal(clFinish(m->queue), CL_SUCCESS);
    assert_int_equal(clFinish(m->second), CL_SUCCESS);
    if (m->out_of_order)
        assert_int_equal(clFinish(m->out_of_order), CL_SUCCESS);
}

void device_case_reset(device_case *d) {
    const case_buffer *hosts[] = {&d->source->out, &d->source->lse, &d->source->scores};
    cl_mem buffers[] = {d->out, d->lse, d->scores};
    const cl_uchar unwritten = UNWRITTEN;
    for (size_t i = 0; i < 3; i++)
        if (buffers[i])
            assert_int_equal(clEnqueueFillBuffer(d->machine->queue, buffers[i], &unwritten, 1, 0,
                                                 hosts[i]->size_bytes, 0, NULL, NULL),
                             CL_SUCCESS);
    finish_all(d->machine);
}

static raw_outputs new_outputs(const attention_case *c) {
    raw_outputs raw = {NULL, c->out.size_bytes + c->lse.size_bytes + c->scores.size_bytes};
    raw.bytes = malloc(raw.size_bytes);
    assert_non_null(raw.bytes);
    return raw;
}

raw_outputs device_outputs(const device_case *d) {
    const attention_case *c = d->source;
    const uint64_t sizes[] = {c->out.size_bytes, c->lse.size_bytes, c->scores.size_bytes};
    const cl_mem buffers[] = {d->out, d->lse, d->scores};
    raw_outputs raw = new_outputs(c);
    unsigned char *to = raw.bytes;
    finish_all(d->machine);
    for (size_t i = 0; i < 3; i++) {
        if (buffers[i])
            assert_int_equal(clEnqueueReadBuffer(d->machine->queue, buffers[i], CL_TRUE, 0,
                                                 sizes[i], to, 0, NULL, NULL),
                             CL_SUCCESS);
        to += sizes[i];
    }
    return raw;
}

raw_outputs host_outputs(const attention_case *c) {
    const case_buffer *buffers[] = {&c->out, &c->lse, &c->scores};
    raw_outputs raw = new_outputs(c);
    unsigned char *to = raw.bytes;
    for (size_t i = 0; i < 3; i++) {
        if (buffers[i]->memory)
            memcpy(to, buffers[i]->memory, buffers[i]->size_bytes);
        to += buffers[i]->size_bytes;
    }
    return raw;
}

void assert_outputs_equal(raw_outputs *actual, raw_outputs *expected) {
    assert_int_equal(actual->size_bytes, expected->size_bytes);
    assert_memory_equal(actual->bytes, expected->bytes, expected->size_bytes);
    free(actual->bytes);
    free(expected->bytes);
}

raw_outputs run_on_host(attention_case *c, sparsed_plan *plan, sparsed_op op, sparsed_kept *kept) {
    const case_buffer *outputs[] = {&c->out, &c->lse, &c->scores};
    for (size_t i = 0; i < 3; i++)
        if (outputs[i]->memory)
            memset(outputs[i]->memory, UNWRITTEN, outputs[i]->size_bytes);
    if (sparsed_plan_run(plan, op, &c->io, kept) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(plan->context));
    return host_outputs(c);
}

/* ---- enqueues and events ---- */

cl_event enqueue(const device_case *d, sparsed_plan *plan, sparsed_op op, sparsed_kept *kept,
                 cl_command_queue queue, cl_event wait) {
    cl_event event;
    if (sparsed_opencl_enqueue(plan, op, &d->io, kept, queue, wait ? 1 : 0, wait ? &wait : NULL,
                               &event) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(plan->context));
    assert_non_null(event);
    assert_string_equal(sparsed_context_error(plan->context), "");
    return event;
}

cl_event user_event(const opencl_machine *machine) {
    cl_int error;
    cl_event event = clCreateUserEvent(machine->opencl, &error);
    assert_int_equal(error, CL_SUCCESS);
    return event;
}

void set_user_event(cl_event event, cl_int status) {
    assert_int_equal(clSetUserEventStatus(event, status), CL_SUCCESS);
}

void release_user_event(cl_event event) {
    set_user_event(event, CL_COMPLETE);
    assert_int_equal(clReleaseEvent(event), CL_SUCCESS);
}

bool is_complete(cl_event event) {
    cl_int status;
    assert_int_equal(
        clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
        CL_SUCCESS);
    return status == CL_COMPLETE;
}

void wait_and_release(cl_event event) {
    assert_int_equal(clWaitForEvents(1, &event), CL_SUCCESS);
    assert_true(is_complete(event));
    assert_int_equal(clReleaseEvent(event), CL_SUCCESS);
}

static uint8_t *mask_of(sparsed_kept *kept, uint64_t *count) {
    sparsed_pattern *pattern;
    sparsed_pattern_info info = {.struct_size = sizeof info};
    if (sparsed_kept_get(kept, &pattern) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(kept->context));
    assert_int_equal(sparsed_pattern_describe(pattern, &info), SPARSED_OK);
    *count = info.batch * info.heads * info.q_blocks * info.k_blocks;
    uint8_t *mask = malloc(*count ? *count : 1);
    assert_non_null(mask);
    assert_int_equal(sparsed_pattern_to_mask(pattern, mask), SPARSED_OK);
    sparsed_pattern_release(pattern);
    return mask;
}

void assert_kept_equal(sparsed_kept *a, sparsed_kept *b) {
    uint64_t a_count, b_count;
    uint8_t *a_mask = mask_of(a, &a_count), *b_mask = mask_of(b, &b_count);
    assert_int_equal(a_count, b_count);
    assert_memory_equal(a_mask, b_mask, a_count);
    free(a_mask);
    free(b_mask);
}
