/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * An application's own OpenCL objects, and an attention case's tensors in its buffers. Whatever
 * goes wrong in here fails the test that runs.
 */
#ifndef TESTS_SUPPORT_OPENCL_CASE_H
#define TESTS_SUPPORT_OPENCL_CASE_H

#define CL_TARGET_OPENCL_VERSION 120
#include <sparsed/opencl.h>

#include "support/attention_case.h"

#include <stdbool.h>

typedef struct opencl_machine {
    cl_device_id device;
    cl_context opencl;
    cl_command_queue queue;        /* in order */
    cl_command_queue second;       /* in order */
    cl_command_queue out_of_order; /* NULL if the device has none */
    sparsed_context *context;      /* on these */
} opencl_machine;

/* The first device there is; false without one. */
bool machine_open(opencl_machine *machine);
void machine_close(opencl_machine *machine);

/* cmocka's group setup and teardown: *state is an opencl_machine. */
int open_machine(void **state);
int close_machine(void **state);
/* The machine in a test's state; skips the test if there is no OpenCL device. */
opencl_machine *machine_of(void **state);

/* Its out-of-order queue; skips the test without one: to be asked for before anything
 * is enqueued. */
cl_command_queue out_of_order_queue(opencl_machine *machine);
/* For tests of which a part needs one: without it, says that the part is left out. */
bool has_out_of_order_queue(const opencl_machine *machine);

enum { SMALL_OPENCL_CASE_ROWS = 100 };
attention_case small_opencl_case(uint64_t seed);

/* A case's tensors in buffers of the device: io's offsets are the case's. Outputs are filled as
 * those of case_run are. */
typedef struct device_case {
    opencl_machine *machine;
    attention_case *source;
    cl_mem q, k, v, out, lse, scores;
    sparsed_io io;
} device_case;

device_case device_case_new(opencl_machine *machine, attention_case *source);
void device_case_free(device_case *d);
/* Fills the outputs anew. */
void device_case_reset(device_case *d);

/* The raw bytes of out, lse and scores, one after the other; malloc'd. */
typedef struct raw_outputs {
    unsigned char *bytes;
    size_t size_bytes;
} raw_outputs;
raw_outputs device_outputs(const device_case *d); /* waits for all three queues */
raw_outputs host_outputs(const attention_case *c);
void assert_outputs_equal(raw_outputs *actual, raw_outputs *expected); /* releases both */

/* Runs an operation by the host-memory call; its outputs. */
raw_outputs run_on_host(attention_case *c, sparsed_plan *plan, sparsed_op op, sparsed_kept *kept);

/* Enqueues with an event, which it returns, after the first `wait` if that is not NULL. */
cl_event enqueue(const device_case *d, sparsed_plan *plan, sparsed_op op, sparsed_kept *kept,
                 cl_command_queue queue, cl_event wait);

cl_event user_event(const opencl_machine *machine);
void set_user_event(cl_event event, cl_int status);
/* Sets it complete first: some drivers wait for it when the context is released. */
void release_user_event(cl_event event);
bool is_complete(cl_event event); /* now */
void wait_and_release(cl_event event);

/* Fails the test if the two kept blocks' patterns differ. */
void assert_kept_equal(sparsed_kept *a, sparsed_kept *b);

#endif
