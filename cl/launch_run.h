/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The launches of one operation on one batch: what they share, and its commands in order. */
#ifndef SPD_CL_LAUNCH_RUN_H
#define SPD_CL_LAUNCH_RUN_H

#include "kernel.h"

typedef struct spd_cl_run {
    spd_cl_kernel *kernel;
    cl_command_queue queue;
    cl_event *chain; /* see spd_cl_launch */
    const spd_launch *launch;
    const spd_cl_tensors *tensors;
    const spd_extent *extent;
    uint32_t batch;
    float *host_scores;
    cl_uint flags;
    spd_cl_args args;
    sparsed_message *message;
} spd_cl_run;

/* SPARSED_OK, or an error of `call` told in the run's message. */
sparsed_status spd_cl_run_check(spd_cl_run *b, cl_int error, const char *call);

/* A command's wait list: the command before it, where the queue needs to be told. */
cl_uint spd_cl_run_wait_count(const spd_cl_run *b);
const cl_event *spd_cl_run_wait_list(const spd_cl_run *b);

/* Notes a command just enqueued: the next one waits for `done`. */
sparsed_status spd_cl_run_follow(spd_cl_run *b, cl_int error, const char *call, cl_event done);

sparsed_status spd_cl_run_enqueue(spd_cl_run *b, cl_kernel kernel, cl_uint dimensions,
                                  const size_t *global, const size_t *local);

/* Buffers, then the struct, then the flags unless they are NULL. */
sparsed_status spd_cl_run_set_args(spd_cl_run *b, cl_kernel kernel, const cl_mem *buffers,
                                   cl_uint count, const cl_uint *flags);

/* Rows that one launch may take; at least a unit. */
uint64_t spd_cl_launch_rows(const spd_cl_run *b);

/* Rows that a launch takes of `rows` of one head: all of them or, where the limit forbids it, a multiple of
 * `step`, the same for every compute unit if there is one for each. */
uint64_t spd_cl_part_of(const spd_cl_run *b, uint64_t rows, uint64_t limit, uint64_t step);

/* Makes tensor maps of the batch, if its tensors lend themselves to them: else kernels copy rows. */
sparsed_status spd_cl_make_maps(spd_cl_run *b);

/* Attention, a build, or both of args.heads heads and args.rows rows, from args.first_head and
 * args.first_row on. */
sparsed_status spd_cl_attend_chunk(spd_cl_run *b);

#endif
