/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Contexts: opening and closing a device. */
#include "context.h"

#include "device.h"

#include <stdio.h>
#include <string.h>

enum { MAX_THREADS = 1024 };

static sparsed_status check_options(const sparsed_options *options, sparsed_options *known,
                                    sparsed_message *message) {
    static const sparsed_options defaults = SPARSED_OPTIONS_INIT;
    sparsed_status status =
        spd_copy_struct(known, sizeof *known, options ? options : &defaults, "options", message);
    if (status != SPARSED_OK)
        return status;
    if (known->flags != 0 || known->reserved != 0)
        return spd_fail(message, SPARSED_E_INVALID, "options.flags is 0x%x, options.reserved %u",
                        known->flags, known->reserved);
    if (known->threads > MAX_THREADS)
        return spd_fail(message, SPARSED_E_INVALID, "options.threads is %u, above %d",
                        known->threads, MAX_THREADS);
    if (known->allocator && (!known->allocator->allocate || !known->allocator->release))
        return spd_fail(message, SPARSED_E_INVALID, "options.allocator has a NULL function");
    return SPARSED_OK;
}

/* The row that options.kernel names must exist on this device, whatever problems come later. */
static sparsed_status pin_kernel(sparsed_context *c, const char *name, sparsed_message *message) {
    char known[256] = "";
    for (size_t row = 0; row < c->backend->row_count; row++) {
        if (strcmp(c->backend->rows[row].name, name) == 0) {
            snprintf(c->kernel, sizeof c->kernel, "%s", name);
            return SPARSED_OK;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, " %s", c->backend->rows[row].name);
    }
    return spd_fail(message, SPARSED_E_INVALID, "options.kernel is '%s'; %s has:%s", name,
                    c->info.selector, known);
}

sparsed_status spd_context_begin(const sparsed_options *options, sparsed_options *known,
                                 sparsed_context **context, sparsed_message *message) {
    *context = NULL;
    sparsed_status status = check_options(options, known, message);
    if (status != SPARSED_OK)
        return status;
    sparsed_allocator allocator = known->allocator ? *known->allocator : spd_default_allocator();
    sparsed_context *c = spd_allocate(&allocator, 1, sizeof *c);
    if (!c)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a context");
    c->allocator = allocator;
    if (known->logger)
        c->logger = *known->logger;
    c->verdicts = spd_allocate(&allocator, SPD_MAX_VERDICTS, sizeof *c->verdicts);
    if (!c->verdicts) {
        sparsed_context_destroy(c);
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a context");
    }
    *context = c;
    return SPARSED_OK;
}

sparsed_status spd_context_finish(sparsed_context *begun, const sparsed_options *known,
                                  sparsed_status opened, sparsed_context **context,
                                  sparsed_message *message) {
    sparsed_status status = opened;
    if (status == SPARSED_OK && known->kernel)
        status = pin_kernel(begun, known->kernel, message);
    if (status == SPARSED_OK)
        *context = begun;
    else
        sparsed_context_destroy(begun);
    return status;
}

sparsed_status sparsed_context_create(const sparsed_options *options, sparsed_context **context,
                                      sparsed_message *message) {
    sparsed_options known;
    sparsed_context *c;
    spd_message_clear(message);
    if (!context)
        return spd_fail(message, SPARSED_E_INVALID, "context is NULL");
    *context = NULL;
    sparsed_status status = spd_context_begin(options, &known, &c, message);
    if (!c)
        return status;
    status = spd_device_open(c, spd_backends, known.device, known.threads, message);
    return spd_context_finish(c, &known, status, context, message);
}

void sparsed_context_destroy(sparsed_context *context) {
    if (!context)
        return;
    sparsed_allocator allocator = context->allocator;
    if (context->state)
        context->backend->close(context->state);
    spd_release(&allocator, context->verdicts);
    spd_release(&allocator, context);
}

const char *sparsed_context_error(const sparsed_context *context) {
    return context ? context->message.text : "";
}

sparsed_status sparsed_context_device(sparsed_context *context, sparsed_device_info *info) {
    if (!context)
        return SPARSED_E_INVALID;
    sparsed_device_info known = context->info;
    known.compute_units = context->backend->threads(context->state);
    return spd_copy_struct_out(info, &known, sizeof known, "info", &context->message);
}
