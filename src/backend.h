/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a backend is: one table. src/ validates, chooses rows, tests them and keeps the objects; a
 * backend only runs. A row is a candidate kernel, best first; a new kernel family is new rows.
 * Memory of a backend is opaque here; for the CPU it is host memory.
 */
#ifndef SPD_BACKEND_H
#define SPD_BACKEND_H

#include "problem.h"

typedef struct spd_kernel_row {
    const char *name;      /* "cpu-avx512" */
    const char *about;     /* one line for `sparsed devices` */
    uint32_t dtypes;       /* those it takes: bits 1 << sparsed_dtype */
    uint32_t head_dims[2]; /* the only ones that it takes; 0, 0 = all */
} spd_kernel_row;

enum { SPD_ALL_DTYPES = 1 << SPARSED_F32 | 1 << SPARSED_F16 | 1 << SPARSED_BF16 };

/* One operation, checked and resolved. */
typedef struct spd_launch {
    sparsed_op op;              /* SPARSED_BUILD_SPARSE comes as two launches */
    const spd_problem *problem; /* of this run: lengths, strides and ratio in force */
    const spd_extent *extents;  /* [batch] */
    sparsed_buffer q, k, v, out, lse, scores;
    /* NULL: buffers are in host memory, and the caller waits for the launch before it does anything
     * else. Else they are the device's, and this says where and after what to run; only a backend
     * knows its inside. */
    const struct spd_async *async;
    bool more;  /* async: another launch of the same operation follows */
    void *kept; /* backend memory: bit rows [batch][heads][q_blocks][row_words] of this run; NULL
                   for SPARSED_DENSE */
} spd_launch;

typedef struct spd_backend {
    const char *name; /* "cpu" */

    /* Describes device `index`; false if there are no more. */
    bool (*device)(size_t index, sparsed_device_info *info);
    /* Opens it. threads 0 = the default. */
    sparsed_status (*open)(size_t index, uint32_t threads, const sparsed_allocator *allocator,
                           void **state, sparsed_message *message);
    void (*close)(void *state);
    uint32_t (*threads)(const void *state);

    const spd_kernel_row *rows; /* best first */
    size_t row_count;
    /* Whether this device and build can run the row at all (problem NULL), or this problem; the
     * message says why not. */
    sparsed_status (*accept)(void *state, size_t row, const spd_problem *problem,
                             sparsed_message *message);
    /* Compiles and allocates all that runs of this problem need. */
    sparsed_status (*prepare)(void *state, size_t row, const spd_problem *problem, void **kernel,
                              uint64_t *scratch_bytes, sparsed_message *message);
    void (*discard)(void *state, void *kernel);
    /* Starts a launch after all earlier ones; neither allocates nor compiles. */
    sparsed_status (*enqueue)(void *state, void *kernel, const spd_launch *launch,
                              sparsed_message *message);
    /* Returns when all launches are done. */
    sparsed_status (*wait)(void *state, sparsed_message *message);
    /* SPARSED_OK, or SPARSED_E_DEVICE for good once the device is lost. */
    sparsed_status (*health)(void *state, sparsed_message *message);

    void *(*allocate)(void *state, uint64_t size_bytes); /* zeroed; NULL if out of memory */
    void (*release)(void *state, void *memory);
    sparsed_status (*upload)(void *state, void *to, const void *from, uint64_t size_bytes,
                             sparsed_message *message);
    sparsed_status (*download)(void *state, void *to, const void *from, uint64_t size_bytes,
                               sparsed_message *message);
} spd_backend;

/* The backends of this build; devices of one kind are tried in this order. NULL-terminated. */
extern const spd_backend *const spd_backends[];

extern const spd_backend spd_cpu_backend; /* cpu/backend.c */
extern const spd_backend spd_cl_backend;  /* cl/backend.c */

#endif
