/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/record_device.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compare/environment.h"
#include "compare/run_case.h"

enum { MAX_KERNELS = 32 };

static const case_repeats timed = {3, 0.5}, once = {1, 0.0};

/* What the kernel that was asked for takes; without one, everything. */
typedef struct taken {
    uint32_t dtypes, head_dims[2]; /* as sparsed_kernel_info has them */
} taken;

static bool find_taken(sparsed_context *context, const record_options *o, taken *t,
                       tool_error *error) {
    sparsed_kernel_info kernels[MAX_KERNELS];
    size_t count = MAX_KERNELS;
    *t = (taken){UINT32_MAX, {0, 0}};
    for (size_t i = 0; i < MAX_KERNELS; i++)
        kernels[i].struct_size = sizeof kernels[i];
    if (!device_check(context, sparsed_kernel_list(context, kernels, &count), error))
        return false;
    for (size_t i = 0; o->device.kernel && i < count && i < MAX_KERNELS; i++)
        if (strcmp(kernels[i].name, o->device.kernel) == 0)
            *t = (taken){kernels[i].dtypes, {kernels[i].head_dims[0], kernels[i].head_dims[1]}};
    return true;
}

/* Whether a case of the suite is to run. */
static bool is_wanted(const record_options *o, const taken *t, const suite_case *c) {
    uint32_t dim = c->shape->head_dim;
    bool any_dim = t->head_dims[0] == 0;
    return (!o->self_check || c->quick) && (t->dtypes >> c->shape->dtype & 1) != 0 &&
           (any_dim || dim == t->head_dims[0] || dim == t->head_dims[1]);
}

static void show_progress(const record *r, size_t done, const char *name) {
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[K");
    if (done < r->case_count)
        fprintf(stderr, "%s: case %zu of %zu: %s", r->environment.device.selector, done + 1,
                r->case_count, name);
    fflush(stderr);
}

static bool run_one(sparsed_context *context, const record_options *o, const suite_case *c,
                    record *r, record_case *to, tool_error *error) {
    case_input input;
    if (c ? !case_input_generate(c, o->seed, &input, error)
          : !case_input_read(o->input, o->input_dtype, &o->select, o->seed, &input, error))
        return false;
    show_progress(r, (size_t)(to - r->cases), input.name);
    bool done = run_case(context, &input, o->self_check ? once : timed, r, to, error);
    case_input_free(&input);
    return done;
}

static bool run_cases(sparsed_context *context, const record_options *o, const taken *t, record *r,
                      tool_error *error) {
    size_t next = 0;
    bool done = true;
    if (o->input)
        done = run_one(context, o, NULL, r, &r->cases[0], error);
    for (size_t i = 0; done && !o->input && i < suite_count(); i++)
        if (is_wanted(o, t, suite_at(i)))
            done = run_one(context, o, suite_at(i), r, &r->cases[next++], error);
    show_progress(r, r->case_count, "");
    return done;
}

static size_t count_cases(const record_options *o, const taken *t) {
    size_t count = 0;
    for (size_t i = 0; !o->input && i < suite_count(); i++)
        count += is_wanted(o, t, suite_at(i));
    return o->input ? 1 : count;
}

/* The device's own name, or the CPU backend's level, and the kernel if one was asked for. */
static void set_label(const record_options *o, record *r) {
    const sparsed_device_info *d = &r->environment.device;
    const char *kernel = o->device.kernel;
    if (o->label)
        snprintf(r->label, sizeof r->label, "%s", o->label);
    else
        snprintf(r->label, sizeof r->label, "%s%.40s%s%.16s", d->isa[0] ? "cpu " : "",
                 d->isa[0] ? d->isa : d->name, kernel ? ", " : "", kernel ? kernel : "");
}

static bool prepare(sparsed_context *context, const record_options *o, const device_options *device,
                    taken *t, record *r, tool_error *error) {
    if (!environment_describe(context, device, &r->environment, error) ||
        !find_taken(context, o, t, error))
        return false;
    set_label(o, r);
    snprintf(r->suite, sizeof r->suite, "%s", o->input ? SUITE_INPUT : SUITE_NAME);
    r->suite_version = SUITE_VERSION;
    r->seed = o->seed;
    r->self_check = o->self_check;
    size_t count = count_cases(o, t);
    r->cases = record_room(r, count, sizeof *r->cases);
    if (!r->cases)
        return tool_fail(error, "out of memory for %zu cases", count);
    r->case_count = count;
    return true;
}

bool record_device(const record_options *o, const device_options *device, record *r,
                   tool_error *error) {
    taken t;
    sparsed_context *context = device_open(device, error);
    bool done =
        context && prepare(context, o, device, &t, r, error) && run_cases(context, o, &t, r, error);
    sparsed_context_destroy(context);
    return done;
}
