/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The caller's own OpenCL objects: what is refused, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/api_check.h"
#include "support/opencl_case.h"
#include "support/test_files.h"

/* ---- contexts ---- */

static void refuse_context(cl_context opencl, cl_device_id device, const sparsed_options *options,
                           const char *named) {
    sparsed_context *context = (sparsed_context *)(void *)&context;
    sparsed_message message;
    sparsed_status status =
        sparsed_opencl_context_create(opencl, device, options, &context, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, named);
    assert_null(context);
    assert_int_equal(sparsed_opencl_context_create(opencl, device, options, &context, NULL),
                     SPARSED_E_INVALID);
}

static void test_context_create__refuses(void **state) {
    opencl_machine *m = machine_of(state);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_message message;
    refuse_context(NULL, m->device, NULL, "opencl_context is NULL");
    refuse_context(m->opencl, NULL, NULL, "device is NULL");
    options.device = "cpu";
    refuse_context(m->opencl, m->device, &options, "options.device is 'cpu'");
    options.device = NULL;
    options.flags = 3;
    refuse_context(m->opencl, m->device, &options, "options.flags is 0x3");
    options.flags = 0;
    options.kernel = "cpu-blas";
    refuse_context(m->opencl, m->device, &options, "options.kernel is 'cpu-blas'");
    sparsed_status status =
        sparsed_opencl_context_create(m->opencl, m->device, NULL, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "context is NULL");
}

static void count_line(void *user, sparsed_log_level level, const char *line) {
    if (level == SPARSED_LOG_INFO && strstr(line, "the caller's"))
        ++*(int *)user;
}

/* SPARSED_DEVICE is for contexts that choose a device. */
static void test_context_create__describes_the_device(void **state) {
    opencl_machine *m = machine_of(state);
    int lines = 0;
    const sparsed_logger logger = {count_line, &lines};
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_device_info info = {.struct_size = sizeof info};
    sparsed_context *context;
    char name[128], *before = getenv("SPARSED_DEVICE");
    char kept[256];
    snprintf(kept, sizeof kept, "%s", before ? before : "");
    options.logger = &logger;
    options.kernel = "cl-generic";
    setenv("SPARSED_DEVICE", "abacus", 1);
    assert_int_equal(sparsed_opencl_context_create(m->opencl, m->device, &options, &context, NULL),
                     SPARSED_OK);
    if (before)
        setenv("SPARSED_DEVICE", kept, 1);
    else
        unsetenv("SPARSED_DEVICE");
    assert_int_equal(lines, 1);
    assert_int_equal(sparsed_context_device(context, &info), SPARSED_OK);
    assert_int_equal(clGetDeviceInfo(m->device, CL_DEVICE_NAME, sizeof name, name, NULL),
                     CL_SUCCESS);
    assert_string_equal(info.name, name);
    assert_memory_equal(info.selector, "opencl:", 7);
    assert_int_equal(info.usable, 1);
    sparsed_context_destroy(context);
}

/* A device that no list has, in a context of its own. */
static void test_context_create__sub_device(void **state) {
    opencl_machine *m = machine_of(state), part = *m;
    const cl_device_partition_property properties[] = {CL_DEVICE_PARTITION_EQUALLY, 1, 0};
    sparsed_device_info info = {.struct_size = sizeof info};
    cl_int error;
    cl_device_id devices[64];
    cl_uint count = 0;
    if (clCreateSubDevices(m->device, properties, 64, devices, &count) != CL_SUCCESS) {
        print_message("skipped: the device has no sub-devices\n");
        skip();
    }
    part.device = devices[0];
    part.opencl = clCreateContext(NULL, 1, &part.device, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    sparsed_message message;
    if (sparsed_opencl_context_create(part.opencl, part.device, NULL, &part.context, &message) !=
        SPARSED_OK)
        fail_msg("%s", message.text);
    assert_int_equal(sparsed_context_device(part.context, &info), SPARSED_OK);
    assert_string_equal(info.selector, "opencl:caller");
    sparsed_context_destroy(part.context);
    clReleaseContext(part.opencl);
    for (cl_uint i = 0; i < count; i++)
        clReleaseDevice(devices[i]);
}

/* Two devices of the first device's platform; false if it has one. */
static bool two_devices(const opencl_machine *m, cl_device_id *devices) {
    cl_platform_id platform;
    cl_uint count = 0;
    assert_int_equal(
        clGetDeviceInfo(m->device, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL),
        CL_SUCCESS);
    assert_int_equal(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 2, devices, &count), CL_SUCCESS);
    return count >= 2;
}

/* A device that the cl_context does not have; a queue of a device that the sparsed_context does not
 * have. */
static void test_another_device__is_refused(void **state) {
    opencl_machine *m = machine_of(state);
    cl_device_id devices[2];
    char text[128];
    cl_int error;
    sparsed_context *context;
    if (!two_devices(m, devices)) {
        print_message("skipped: the platform has one device only\n");
        skip();
    }
    snprintf(text, sizeof text, "device is %p, which is none of the 1 devices", (void *)devices[1]);
    refuse_context(m->opencl, devices[1], NULL, text);
    cl_context both = clCreateContext(NULL, 2, devices, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_command_queue queue = clCreateCommandQueue(both, devices[1], 0, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(sparsed_opencl_context_create(both, devices[0], NULL, &context, NULL),
                     SPARSED_OK);
    attention_case c = {.desc = case_desc(1, 1, 1, 64, 40)};
    case_prepare(&c, 1);
    sparsed_plan *plan = case_plan(&c, context);
    snprintf(text, sizeof text, "queue is %p, of another device: %p", (void *)queue,
             (void *)devices[1]);
    assert_context_error(
        context, sparsed_opencl_enqueue(plan, SPARSED_DENSE, &c.io, NULL, queue, 0, NULL, NULL),
        SPARSED_E_INVALID, text);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    clReleaseCommandQueue(queue);
    clReleaseContext(both);
    case_free(&c);
}

/* Programs have a binary for each device of the cl_context. PoCL puts that of the second in the place of the
 * first, which is none of the second then. */
static void test_two_devices__programs_are_kept(void **state) {
    opencl_machine *m = machine_of(state);
    cl_device_id devices[2];
    cl_int error;
    void *made;
    if (!two_devices(m, devices)) {
        print_message("skipped: the platform has one device only\n");
        skip();
    }
    assert_int_equal(test_folder_setup(&made), 0);
    const test_folder *folder = made;
    setenv("SPARSED_CACHE_DIR", folder->path, 1);
    cl_context both = clCreateContext(NULL, 2, devices, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    attention_case c = {.desc = case_desc(1, 1, 1, 64, 40)};
    case_prepare(&c, 1);
    for (int i = 1; i >= 0; i--) {
        sparsed_context *context;
        assert_int_equal(sparsed_opencl_context_create(both, devices[i], NULL, &context, NULL),
                         SPARSED_OK);
        sparsed_plan_destroy(case_plan(&c, context));
        sparsed_context_destroy(context);
    }
    assert_true(test_folder_count(folder, "") > 0);
    clReleaseContext(both);
    case_free(&c);
    setenv("SPARSED_CACHE_DIR", "off", 1);
    assert_int_equal(test_folder_teardown(&made), 0);
}

/* ---- enqueues ---- */

typedef struct fixture {
    opencl_machine *m;
    opencl_machine other; /* a second cl_context on the same device */
    attention_case c;
    device_case d;
    sparsed_plan *plan;
    sparsed_kept *kept;
} fixture;

static void make_fixture(fixture *f, void **state) {
    *f = (fixture){.m = machine_of(state),
                   .c = {.desc = case_desc(1, 2, 1, 64, 40),
                         .select = case_select(SPARSED_MODE_PAPER, 16, 16, 10, 0.5)}};
    case_prepare(&f->c, 1);
    assert_true(machine_open(&f->other));
    f->plan = case_plan(&f->c, f->m->context);
    f->kept = case_kept(f->plan);
    f->d = device_case_new(f->m, &f->c);
}

static void free_fixture(fixture *f) {
    sparsed_kept_destroy(f->kept);
    sparsed_plan_destroy(f->plan);
    device_case_free(&f->d);
    machine_close(&f->other);
    case_free(&f->c);
}

static void refuse_io(fixture *f, sparsed_op op, const sparsed_io *io, const char *named) {
    cl_event event = user_event(f->m), given = event;
    sparsed_status status = sparsed_opencl_enqueue(
        f->plan, op, io, op == SPARSED_DENSE ? NULL : f->kept, f->m->queue, 0, NULL, &event);
    assert_context_error(f->m->context, status, SPARSED_E_INVALID, named);
    assert_null(event);
    release_user_event(given);
}

static void test_enqueue__refuses_buffers(void **state) {
    fixture f;
    make_fixture(&f, state);
    const sparsed_io good = f.d.io;
    sparsed_io io = good;
    char text[128];
    cl_int error;
    cl_mem foreign = clCreateBuffer(f.other.opencl, CL_MEM_READ_WRITE, 1 << 20, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_mem readable = clCreateBuffer(f.m->opencl, CL_MEM_READ_ONLY, 1 << 20, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_mem writable = clCreateBuffer(f.m->opencl, CL_MEM_WRITE_ONLY, 1 << 20, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);

    io.q.mem = NULL;
    refuse_io(&f, SPARSED_DENSE, &io, "io.q is NULL");
    io = good;
    io.k.mem = foreign;
    snprintf(text, sizeof text, "io.k.mem is %p, of another cl_context: %p", (void *)foreign,
             (void *)f.other.opencl);
    refuse_io(&f, SPARSED_DENSE, &io, text);
    io = good;
    io.lse.mem = foreign;
    refuse_io(&f, SPARSED_DENSE, &io, "io.lse.mem is");
    io = good;
    io.out.offset_bytes = 6;
    refuse_io(&f, SPARSED_DENSE, &io,
              "io.out.offset_bytes is 6, not a multiple of the element's 4");
    io = good;
    io.v.offset_bytes = 4;
    refuse_io(&f, SPARSED_DENSE, &io,
              "io.v has 10240 bytes, and 10240 from offset_bytes 4 on are needed");
    io.v.offset_bytes = UINT64_MAX - 3;
    refuse_io(&f, SPARSED_DENSE, &io, "from offset_bytes 18446744073709551612 on are needed");
    io = good;
    io.scores.offset_bytes = 4 * 2 * 3 * 3 + 4;
    refuse_io(&f, SPARSED_BUILD, &io, "io.scores has 144 bytes, and 72 from offset_bytes 76");
    io = good;
    io.out.mem = readable;
    refuse_io(&f, SPARSED_DENSE, &io, "io.out.mem is a read-only buffer");
    /* A build that a sparse run follows is refused as a whole. */
    refuse_io(&f, SPARSED_BUILD_SPARSE, &io, "io.out.mem is a read-only buffer");
    io = good;
    io.q.mem = writable;
    refuse_io(&f, SPARSED_DENSE, &io, "io.q.mem is a write-only buffer");
    refuse_io(&f, SPARSED_DENSE, NULL, "io is NULL");
    clReleaseMemObject(foreign);
    clReleaseMemObject(readable);
    clReleaseMemObject(writable);
    free_fixture(&f);
}

/* One of a case's tensors. */
typedef struct named_buffer {
    const char *name;
    size_t at; /* in sparsed_io */
    size_t size_bytes;
    cl_mem_flags forbidden;
    sparsed_op op; /* that uses it; a build and a sparse run use them all */
} named_buffer;

static cl_mem new_buffer(cl_context context, cl_mem_flags flags, size_t size_bytes) {
    cl_int error;
    cl_mem memory = clCreateBuffer(context, flags, size_bytes, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    return memory;
}

/* `view` in the place of a good one. */
static void refuse_view(fixture *f, const named_buffer *b, sparsed_buffer view, const char *what) {
    sparsed_io io = f->d.io;
    char named[160];
    snprintf(named, sizeof named, "io.%s%s", b->name, what);
    memcpy((char *)&io + b->at, &view, sizeof view);
    refuse_io(f, b->op, &io, named);
    refuse_io(f, SPARSED_BUILD_SPARSE, &io, named);
}

static void refuse_each_way(fixture *f, const named_buffer *b) {
    const size_t bytes = b->size_bytes;
    cl_mem whole = new_buffer(f->m->opencl, CL_MEM_READ_WRITE, bytes);
    cl_mem part = new_buffer(f->m->opencl, CL_MEM_READ_WRITE, bytes - 4);
    cl_mem foreign = new_buffer(f->other.opencl, CL_MEM_READ_WRITE, bytes);
    cl_mem closed = new_buffer(f->m->opencl, b->forbidden, bytes);
    char text[128];
    snprintf(text, sizeof text, " has %zu bytes, and %zu from offset_bytes 0 on are needed",
             bytes - 4, bytes);
    refuse_view(f, b, (sparsed_buffer){part, 0}, text);
    snprintf(text, sizeof text, " has %zu bytes, and %zu from offset_bytes 4 on are needed", bytes,
             bytes);
    refuse_view(f, b, (sparsed_buffer){whole, 4}, text);
    refuse_view(f, b, (sparsed_buffer){whole, 2}, ".offset_bytes is 2, not a multiple");
    snprintf(text, sizeof text, ".mem is %p, of another cl_context", (void *)foreign);
    refuse_view(f, b, (sparsed_buffer){foreign, 0}, text);
    refuse_view(f, b, (sparsed_buffer){closed, 0},
                b->forbidden == CL_MEM_READ_ONLY ? ".mem is a read-only buffer"
                                                 : ".mem is a write-only buffer");
    clReleaseMemObject(whole);
    clReleaseMemObject(part);
    clReleaseMemObject(foreign);
    clReleaseMemObject(closed);
}

static void test_enqueue__refuses_each_buffer(void **state) {
    fixture f;
    make_fixture(&f, state);
    const cl_mem_flags read = CL_MEM_WRITE_ONLY, written = CL_MEM_READ_ONLY;
    const size_t one_ranking = f.c.scores.size_bytes / 2;
    const named_buffer buffers[] = {
        {"q", offsetof(sparsed_io, q), f.c.stored_q.size_bytes, read, SPARSED_DENSE},
        {"k", offsetof(sparsed_io, k), f.c.stored_k.size_bytes, read, SPARSED_DENSE},
        {"v", offsetof(sparsed_io, v), f.c.stored_v.size_bytes, read, SPARSED_DENSE},
        {"out", offsetof(sparsed_io, out), f.c.out.size_bytes, written, SPARSED_DENSE},
        {"lse", offsetof(sparsed_io, lse), f.c.lse.size_bytes, written, SPARSED_DENSE},
        {"scores", offsetof(sparsed_io, scores), one_ranking, written, SPARSED_BUILD}};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        refuse_each_way(&f, &buffers[i]);
    /* Buffers of just these sizes are enough. */
    wait_and_release(enqueue(&f.d, f.plan, SPARSED_BUILD_SPARSE, f.kept, f.m->queue, NULL));
    free_fixture(&f);
}

static void refuse_queue(fixture *f, cl_command_queue queue, cl_uint n_wait, const cl_event *wait,
                         const char *named) {
    cl_event event = user_event(f->m), given = event;
    sparsed_status status =
        sparsed_opencl_enqueue(f->plan, SPARSED_DENSE, &f->d.io, NULL, queue, n_wait, wait, &event);
    assert_context_error(f->m->context, status, SPARSED_E_INVALID, named);
    assert_null(event);
    release_user_event(given);
}

static void test_enqueue__refuses_queues_and_events(void **state) {
    fixture f;
    make_fixture(&f, state);
    char text[128];
    cl_event foreign = user_event(&f.other), own = user_event(f.m);
    const cl_event lists[][2] = {{own, foreign}, {own, NULL}};
    refuse_queue(&f, NULL, 0, NULL, "queue is NULL");
    snprintf(text, sizeof text, "queue is %p, of another cl_context: %p", (void *)f.other.queue,
             (void *)f.other.opencl);
    refuse_queue(&f, f.other.queue, 0, NULL, text);
    refuse_queue(&f, f.m->queue, 3, NULL, "n_wait is 3, but wait is NULL");
    snprintf(text, sizeof text, "wait[1] is %p, of another cl_context", (void *)foreign);
    refuse_queue(&f, f.m->queue, 2, lists[0], text);
    refuse_queue(&f, f.m->queue, 2, lists[1], "wait[1] of 2 is NULL");
    set_user_event(own, CL_COMPLETE);
    set_user_event(foreign, CL_COMPLETE);
    clReleaseEvent(own);
    clReleaseEvent(foreign);
    assert_int_equal(
        sparsed_opencl_enqueue(NULL, SPARSED_DENSE, &f.d.io, NULL, f.m->queue, 0, NULL, NULL),
        SPARSED_E_INVALID);
    free_fixture(&f);
}

/* A refusal leaves the context as it was: what was refused then runs. */
static void test_enqueue__works_after_refusals(void **state) {
    fixture f;
    make_fixture(&f, state);
    refuse_queue(&f, NULL, 0, NULL, "queue is NULL");
    sparsed_io io = f.d.io;
    io.q.offset_bytes = 2;
    refuse_io(&f, SPARSED_DENSE_BUILD, &io, "io.q.offset_bytes is 2");
    raw_outputs expected = run_on_host(&f.c, f.plan, SPARSED_DENSE_BUILD, f.kept);
    wait_and_release(enqueue(&f.d, f.plan, SPARSED_DENSE_BUILD, f.kept, f.m->queue, NULL));
    raw_outputs actual = device_outputs(&f.d);
    assert_outputs_equal(&actual, &expected);
    free_fixture(&f);
}

static void test_enqueue__on_a_context_of_the_library(void **state) {
    fixture f;
    make_fixture(&f, state);
    static const char *const devices[] = {"cpu", "opencl"};
    for (size_t i = 0; i < 2; i++) {
        sparsed_options options = SPARSED_OPTIONS_INIT;
        sparsed_context *context;
        options.device = devices[i];
        assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
        sparsed_plan *plan = case_plan(&f.c, context);
        assert_context_error(
            context,
            sparsed_opencl_enqueue(plan, SPARSED_DENSE, &f.d.io, NULL, f.m->queue, 0, NULL, NULL),
            SPARSED_E_STATE, "not made by sparsed_opencl_context_create");
        sparsed_plan_destroy(plan);
        sparsed_context_destroy(context);
    }
    free_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_create__refuses),
        cmocka_unit_test(test_context_create__describes_the_device),
        cmocka_unit_test(test_context_create__sub_device),
        cmocka_unit_test(test_another_device__is_refused),
        cmocka_unit_test(test_two_devices__programs_are_kept),
        cmocka_unit_test(test_enqueue__refuses_buffers),
        cmocka_unit_test(test_enqueue__refuses_each_buffer),
        cmocka_unit_test(test_enqueue__refuses_queues_and_events),
        cmocka_unit_test(test_enqueue__works_after_refusals),
        cmocka_unit_test(test_enqueue__on_a_context_of_the_library),
    };
    setenv("POCL_DEVICES", "pthread pthread", 0); /* PoCL then has two */
    return cmocka_run_group_tests(tests, open_machine, close_machine);
}
