/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The calls of opencl.h. */
#include "backend.h"

#include "caller.h"

#include "../src/context.h"
#include "../src/pipeline.h"

#include <sparsed/opencl.h>

#include <stdio.h>

sparsed_status sparsed_opencl_context_create(cl_context opencl_context, cl_device_id device,
                                             const sparsed_options *options,
                                             sparsed_context **context, sparsed_message *message) {
    sparsed_options known;
    sparsed_context *c;
    spd_message_clear(message);
    if (!context)
        return spd_fail(message, SPARSED_E_INVALID, "context is NULL");
    *context = NULL;
    sparsed_status status = spd_context_begin(options, &known, &c, message);
    if (status != SPARSED_OK)
        return status;
    c->backend = &spd_cl_backend;
    if (known.device)
        status = spd_fail(message, SPARSED_E_INVALID,
                          "options.device is '%.100s'; it must be NULL where the device is given",
                          known.device);
    else
        status = spd_cl_adopt(opencl_context, device, &c->allocator, &c->state, message);
    if (status == SPARSED_OK) {
        c->info = ((const spd_cl_state *)c->state)->info;
        snprintf(c->info.reason, sizeof c->info.reason, "the caller's");
        spd_log(c, SPARSED_LOG_INFO, "device %s (%s; %s), %u compute units; reason: %s",
                c->info.selector, c->info.name, c->info.driver, c->info.compute_units,
                c->info.reason);
    }
    return spd_context_finish(c, &known, status, context, message);
}

static sparsed_status check_async(sparsed_context *c, const struct spd_async *async) {
    spd_message_clear(&c->message);
    spd_cl_state *s = c->backend == &spd_cl_backend ? c->state : NULL;
    if (!s || !s->adopted)
        return spd_fail(&c->message, SPARSED_E_STATE,
                        "the context of %s was not made by sparsed_opencl_context_create",
                        c->info.selector);
    sparsed_status status = spd_cl_check_queue(s, async->queue, &c->message);
    if (status == SPARSED_OK)
        status = spd_cl_check_wait_list(s, async->wait_count, async->wait, &c->message);
    return status;
}

sparsed_status sparsed_opencl_enqueue(sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                      sparsed_kept *kept, cl_command_queue queue, cl_uint n_wait,
                                      const cl_event *wait, cl_event *event) {
    if (event)
        *event = NULL;
    if (!plan)
        return SPARSED_E_INVALID;
    const struct spd_async async = {queue, n_wait, wait, event};
    sparsed_status status = check_async(plan->context, &async);
    return status == SPARSED_OK ? spd_plan_enqueue(plan, op, io, kept, &async) : status;
}

sparsed_status sparsed_opencl_pipeline_enqueue(sparsed_pipeline *pipeline, uint32_t step,
                                               uint32_t layer, const sparsed_io *io,
                                               cl_command_queue queue, cl_uint n_wait,
                                               const cl_event *wait, cl_event *event) {
    if (event)
        *event = NULL;
    if (!pipeline)
        return SPARSED_E_INVALID;
    const struct spd_async async = {queue, n_wait, wait, event};
    sparsed_status status = check_async(pipeline->context, &async);
    return status == SPARSED_OK ? spd_pipeline_enqueue(pipeline, step, layer, io, &async) : status;
}
