/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Inside of a context: an open device, its memory and log, and the verdicts on its kernels.
 */
#ifndef SPD_CONTEXT_H
#define SPD_CONTEXT_H

#include "alloc.h"
#include "backend.h"
#include "error.h"

#include <sparsed/sparsed.h>

enum { SPD_MAX_ROWS = 32, SPD_MAX_VERDICTS = 256 };

/* What a self-test covers; equal variants share a verdict. */
typedef struct spd_variant {
    uint32_t dtype, out_dtype, head_dim, mode, score_reduce, block_q,
        block_k; /* mode 0: dense only */
} spd_variant;

typedef struct spd_verdict {
    size_t row;
    spd_variant variant;
    sparsed_status status;
    double error; /* the largest relative error against the oracle */
    sparsed_message message;
} spd_verdict;

struct sparsed_context {
    const spd_backend *backend;
    sparsed_device_info info; /* of the device */
    void *state;              /* the backend's; NULL until it is open */
    sparsed_allocator allocator;
    sparsed_logger logger;   /* write NULL = silent */
    char kernel[32];         /* the row asked for; "" = any */
    sparsed_message message; /* the last error */
    spd_verdict *verdicts;   /* [SPD_MAX_VERDICTS]; when full, the oldest is overwritten */
    size_t verdict_count;    /* ever made */
};

/* A context without a device: options (NULL = defaults) checked and copied to *known, memory and
 * log in place. *context is NULL on failure. */
sparsed_status spd_context_begin(const sparsed_options *options, sparsed_options *known,
                                 sparsed_context **context, sparsed_message *message);

/* Completes a context whose backend, info and state are set, if opening it gave SPARSED_OK; else,
 * or if the kernel asked for does not exist, destroys it. Either way returns what became of it. */
sparsed_status spd_context_finish(sparsed_context *begun, const sparsed_options *known,
                                  sparsed_status opened, sparsed_context **context,
                                  sparsed_message *message);

/* Writes a line to the context's log, if it has one. */
void spd_log(const sparsed_context *context, sparsed_log_level level, const char *format, ...);

#endif
