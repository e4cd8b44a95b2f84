/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What the outputs of a report share; see report_output.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/report_output.h"
#include "room.h"

void report_device(const record *r, char text[REPORT_DEVICE_BYTES]) {
    const sparsed_device_info *d = &r->environment.device;
    const bool cpu = d->kind == SPARSED_DEVICE_CPU;
    snprintf(text, REPORT_DEVICE_BYTES, "%s, %s", d->name, cpu ? d->isa : d->driver);
}

/* Whether a list "a, b" has a name. */
static bool lists(const char *list, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ' ') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

void report_kernels(const record *r, char text[REPORT_KERNELS_BYTES]) {
    text[0] = '\0';
    for (size_t i = 0; i < r->case_count; i++) {
        const char *kernel = r->cases[i].kernel;
        const size_t used = strlen(text);
        if (kernel[0] && !lists(text, kernel))
            snprintf(text + used, REPORT_KERNELS_BYTES - used, "%s%s", used ? ", " : "", kernel);
    }
}

report_error report_own_error(const record_case *c) {
    report_error error = {0.0, 0.0, false};
    if (c->failure[0])
        return (report_error){NAN, 0.0, false};
    for (int op = 0; op < RECORD_OPS; op++) {
        const record_errors *e = &c->runs[op].out_errors;
        const bool absolute = e->nonfinite == 0 && e->relative > c->bounds.out.warn &&
                              e->max_abs <= c->bounds.out_absolute;
        error.relative = fmax(error.relative, e->nonfinite > 0 ? INFINITY : e->relative);
        if (!absolute)
            error.share = fmax(error.share, error.relative / c->bounds.out.fail);
        error.absolute |= absolute;
    }
    return error;
}

void report_distance(const out_distance *d, char text[REPORT_DISTANCE_BYTES]) {
    if (d->equal || (d->share == 0.0 && d->absolute))
        snprintf(text, REPORT_DISTANCE_BYTES, "%s", d->equal ? "=" : "~");
    else
        snprintf(text, REPORT_DISTANCE_BYTES, "%.2g", d->share);
}

static bool has_name(const report_names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0)
            return true;
    return false;
}

bool report_names_make(report_names *names, const comparison *c, tool_error *error) {
    size_t most = 0;
    for (size_t i = 0; i < c->record_count; i++)
        most += c->records[i].case_count;
    *names = (report_names){0, room_for(most, sizeof *names->names)};
    if (!names->names)
        return tool_fail(error, "out of memory for the names of %zu cases", most);
    for (size_t i = 0; i < c->record_count; i++)
        for (size_t k = 0; k < c->records[i].case_count; k++)
            if (!has_name(names, c->records[i].cases[k].name))
                names->names[names->count++] = c->records[i].cases[k].name;
    return true;
}
