/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Each OpenCL call that the library makes on a caller's objects made to fail once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/counting_allocator.h"
#include "support/opencl_case.h"
#include "support/test_files.h"
#include "support/use_failing_opencl.h"

static const failing_opencl_control *failing;

/* One life: its first status that is not success, and the text to it. */
typedef struct life {
    sparsed_status status;
    char text[512];
    int64_t events; /* that the library made and the caller got */
} life;

static sparsed_status enqueue_one(life *l, const device_case *d, sparsed_plan *plan, sparsed_op op,
                                  sparsed_kept *kept, cl_command_queue queue) {
    cl_int error;
    cl_event gate = clCreateUserEvent(d->machine->opencl, &error), event = gate;
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    sparsed_status status = sparsed_opencl_enqueue(plan, op, &d->io, kept, queue, 1, &gate, &event);
    clReleaseEvent(gate);
    assert_int_equal(event != NULL, status == SPARSED_OK);
    if (event) {
        l->events++;
        clReleaseEvent(event);
    }
    return status;
}

static sparsed_status run_ops(life *l, const device_case *d, sparsed_plan *plan,
                              sparsed_kept *kept) {
    const opencl_machine *m = d->machine;
    sparsed_pattern *pattern = NULL;
    sparsed_status status = enqueue_one(l, d, plan, SPARSED_DENSE_BUILD, kept, m->queue);
    if (status == SPARSED_OK)
        status = enqueue_one(l, d, plan, SPARSED_SPARSE, kept, m->out_of_order);
    if (status == SPARSED_OK)
        status = enqueue_one(l, d, plan, SPARSED_BUILD_SPARSE, kept, m->second);
    if (status == SPARSED_OK)
        status = enqueue_one(l, d, plan, SPARSED_BUILD_SPARSE, kept, m->out_of_order);
    if (status == SPARSED_OK)
        status = sparsed_kept_get(kept, &pattern);
    if (status == SPARSED_OK)
        status = sparsed_kept_set(kept, pattern);
    sparsed_pattern_release(pattern);
    if (status == SPARSED_OK)
        status = sparsed_plan_run(plan, SPARSED_SPARSE, &d->source->io, kept);
    return status;
}

static void live_once(life *l, const device_case *d, const sparsed_allocator *allocator) {
    const attention_case *c = d->source;
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_plan *plan = NULL;
    sparsed_kept *kept = NULL;
    sparsed_message message;
    *l = (life){.status = SPARSED_OK};
    options.allocator = allocator;
    l->status = sparsed_opencl_context_create(d->machine->opencl, d->machine->device, &options,
                                              &context, &message);
    if (l->status != SPARSED_OK) {
        assert_null(context);
        snprintf(l->text, sizeof l->text, "%s", message.text);
        return;
    }
    l->status = sparsed_plan_create(context, &c->desc, &c->select, &plan);
    if (l->status == SPARSED_OK)
        l->status = sparsed_kept_create(plan, &kept);
    if (l->status == SPARSED_OK)
        l->status = run_ops(l, d, plan, kept);
    if (l->status != SPARSED_OK)
        snprintf(l->text, sizeof l->text, "%s", sparsed_context_error(context));
    if (strstr(l->text, "counts as lost") || strstr(l->text, "was lost by"))
        assert_int_equal(sparsed_plan_create(context, &c->desc, &c->select, &(sparsed_plan *){0}),
                         SPARSED_E_DEVICE);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
}

/* Another kernel may have run, where a question about the device was the call that failed. */
static bool same_numbers(const raw_outputs *a, const raw_outputs *b) {
    const float *left = (const float *)(void *)a->bytes, *right = (const float *)(void *)b->bytes;
    for (size_t i = 0; i < b->size_bytes / sizeof *right; i++)
        if (!(left[i] - right[i] < 1e-4f && right[i] - left[i] < 1e-4f))
            return false;
    return true;
}

/* Call `nth` of all fails; false if there is no such call. */
static bool live_with_failure(device_case *d, uint64_t nth, int error, const raw_outputs *good) {
    life l;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const int64_t before = failing->live();
    failing->reset();
    failing->arm(NULL, nth, error);
    live_once(&l, d, &allocator);
    const char *failed = failing->failed();
    if (failing->live() != before + l.events)
        fail_msg("%s, call %llu: %lld objects are left", failed ? failed : "none",
                 (unsigned long long)nth, (long long)(failing->live() - before - l.events));
    assert_int_equal(counter.live, 0);
    if (l.status != SPARSED_OK && l.text[0] == '\0')
        fail_msg("%s failed, and there is no text", failed);
    raw_outputs actual = device_outputs(d); /* whatever was enqueued completes */
    if (l.status == SPARSED_OK && !same_numbers(&actual, good))
        fail_msg("%s failed unnoticed", failed ? failed : "none");
    if (l.status == SPARSED_OK && failed && strncmp(failed, "clEnqueue", 9) == 0)
        fail_msg("%s failed unnoticed", failed);
    free(actual.bytes);
    return failed != NULL;
}

/* Where tests are small, every other call: the even ones, or the odd ones. */
static void fail_each_call(void **state, int error, bool odd) {
    opencl_machine *m = machine_of(state);
    if (!m->out_of_order) {
        print_message("skipped: the device has no out-of-order queue\n");
        skip();
    }
    attention_case c = {.desc = case_desc(1, 2, 1, 16, 70),
                        .select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 32, 20, 0.4)};
    case_prepare(&c, 1);
    device_case d = device_case_new(m, &c);
    life l;
    failing->reset();
    live_once(&l, &d, NULL);
    if (l.status != SPARSED_OK)
        fail_msg("%s", l.text);
    raw_outputs good = device_outputs(&d);
    uint64_t nth = SMALL_TESTS ? odd : 0, failures = 0;
    for (; live_with_failure(&d, nth, error, &good); nth += SMALL_TESTS ? 2 : 1)
        failures++;
    failing->reset();
    print_message("%llu calls failed, each once\n", (unsigned long long)failures);
    assert_true(nth > 200);
    free(good.bytes);
    device_case_free(&d);
    case_free(&c);
}

static void test_life__each_call_loses_the_device(void **state) {
    fail_each_call(state, CL_OUT_OF_RESOURCES, false);
}

static void test_life__each_call_is_out_of_memory(void **state) {
    fail_each_call(state, CL_OUT_OF_HOST_MEMORY, true);
}

/* Programs come from a cache of this test's own: a life that compiles takes seconds. */
static void *cache_folder;

static int set_up(void **state) {
    if (test_folder_setup(&cache_folder) != 0)
        return 1;
    setenv("SPARSED_CACHE_DIR", test_folder_path(cache_folder, ""), 1);
    failing = use_failing_opencl(FAILING_OPENCL);
    return open_machine(state);
}

static int tear_down(void **state) {
    close_machine(state);
    return test_folder_teardown(&cache_folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life__each_call_loses_the_device),
        cmocka_unit_test(test_life__each_call_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
