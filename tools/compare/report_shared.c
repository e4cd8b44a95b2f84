/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What the outputs of a report share; see report_output.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/report_output.h"
#include "compare/suite.h"
#include "room.h"
#include "selection.h"
#include "storage_convert.h"

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

void report_distance(const out_distance *d, int digits, char text[REPORT_DISTANCE_BYTES]) {
    if (d->equal || (d->share == 0.0 && d->absolute))
        snprintf(text, REPORT_DISTANCE_BYTES, "%s", d->equal ? "=" : "~");
    else
        snprintf(text, REPORT_DISTANCE_BYTES, "%.*g", digits, d->share);
}

/* ---- what is no pass ---- */

static verdict worst_of(const record_case *c, verdict of_run(const record_case *c, record_op op)) {
    verdict v = VERDICT_PASS;
    for (int op = 0; op < RECORD_OPS; op++)
        v = verdict_worse(v, of_run(c, (record_op)op));
    return v;
}

static bool all_repeatable(const record_case *c) {
    bool all = true;
    for (int op = 0; op < RECORD_OPS; op++)
        all &= c->runs[op].repeatable;
    return all;
}

void report_marks(const record_case *c, char text[REPORT_MARKS_BYTES]) {
    const verdict v = verdict_of_case(c);
    const bool ran = !c->failure[0];
    size_t used = 0;
    if (v != VERDICT_PASS)
        text[used++] = v == VERDICT_FAIL ? '!' : '?';
    if (ran && worst_of(c, verdict_of_out) != VERDICT_PASS)
        text[used++] = 'o';
    if (ran && worst_of(c, verdict_of_lse) != VERDICT_PASS)
        text[used++] = 'l';
    if (ran && (verdict_of_scores(c) != VERDICT_PASS || c->scores_differ > 0))
        text[used++] = 's';
    if (ran && c->choice_differs > 0)
        text[used++] = 'c';
    if (ran && !all_repeatable(c))
        text[used++] = 'r';
    if (!ran)
        text[used++] = 'x';
    text[used] = '\0';
}

/* ---- where and what of ---- */

void report_host(const record *r, char text[REPORT_HOST_BYTES]) {
    snprintf(text, REPORT_HOST_BYTES, "%s, %s", r->environment.system, r->environment.processor);
}

static void add_word(char text[REPORT_GIVEN_BYTES], const char *name, char between,
                     const char *value) {
    const size_t used = strlen(text);
    if (value[0])
        snprintf(text + used, REPORT_GIVEN_BYTES - used, "%s%s%c%s", used ? " " : "", name, between,
                 value);
}

void report_given(const record *r, char text[REPORT_GIVEN_BYTES]) {
    const record_environment *e = &r->environment;
    char threads[16] = "";
    if (e->threads_option > 0)
        snprintf(threads, sizeof threads, "%" PRIu32, e->threads_option);
    text[0] = '\0';
    add_word(text, "--device", ' ', e->device_option);
    add_word(text, "--kernel", ' ', e->kernel_option);
    add_word(text, "--threads", ' ', threads);
    for (uint32_t i = 0; i < e->variable_count; i++) {
        const char *value = e->variables[i].value;
        add_word(text, e->variables[i].name, '=', strchr(value, '/') ? "..." : value);
    }
    if (!text[0])
        snprintf(text, REPORT_GIVEN_BYTES, "none");
}

/* The share of the blocks of valid rows that a case's own pattern keeps. */
static double density_of(const record_case *c) {
    double blocks = 0.0;
    for (uint32_t i = 0; i < c->desc.batch; i++)
        blocks += (double)c->ranges[i].q_blocks * (double)c->ranges[i].k_blocks;
    return blocks > 0.0 ? (double)c->kept_blocks / (blocks * c->desc.heads) : 0.0;
}

static const char *plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

bool report_problem(const comparison *c, char text[REPORT_PROBLEM_BYTES]) {
    const record *first = &c->records[0];
    const record_case *at = &first->cases[0];
    const sparsed_desc *d = &at->desc;
    const sparsed_select *s = &at->select;
    if (strcmp(first->suite, SUITE_INPUT) != 0)
        return false;
    const int used = snprintf(
        text, REPORT_PROBLEM_BYTES,
        "%s, outputs %s, batch %" PRIu64 ", %" PRIu64 " head%s on %" PRIu64 " key head%s of "
        "dimension %" PRIu64 ", %" PRIu64 " query rows on %" PRIu64 " keys, the last %" PRIu64
        " generated; blocks %" PRIu64 " x %" PRIu64
        ", mode %s, score reduction %s, %g of the key blocks",
        storage_name((sparsed_dtype)d->dtype), storage_name((sparsed_dtype)d->out_dtype),
        (uint64_t)d->batch, (uint64_t)d->heads, plural(d->heads), (uint64_t)d->kv_heads,
        plural(d->kv_heads), (uint64_t)d->head_dim, (uint64_t)d->q_len, (uint64_t)d->kv_len,
        (uint64_t)s->gen_len, (uint64_t)s->block_q, (uint64_t)s->block_k,
        selection_mode_name(s->mode), s->score_reduce == SPARSED_REDUCE_MAX ? "max" : "sum",
        s->ratio);
    if (!at->failure[0])
        snprintf(text + used, REPORT_PROBLEM_BYTES - (size_t)used, " (density %.3f)",
                 density_of(at));
    return true;
}

/* ---- cases ---- */

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

/* ---- times ---- */

double report_seconds(const record_run *run) {
    return run->seconds.repeats > 0 ? run->seconds.median : run->seconds.first;
}

static bool ran_everywhere(const comparison *c, const char *name) {
    for (size_t i = 0; i < c->record_count; i++) {
        size_t index;
        const record_case *at = comparison_find(&c->records[i], name, &index);
        if (!at || at->failure[0])
            return false;
    }
    return true;
}

size_t report_common_cases(const comparison *c, const report_names *names) {
    size_t count = 0;
    for (size_t k = 0; k < names->count; k++)
        count += ran_everywhere(c, names->names[k]);
    return count;
}

double report_common_seconds(const comparison *c, const report_names *names, size_t which,
                             record_op op) {
    double sum = 0.0;
    for (size_t k = 0; k < names->count; k++) {
        size_t index;
        const record_case *at = comparison_find(&c->records[which], names->names[k], &index);
        if (at && ran_everywhere(c, names->names[k]))
            sum += report_seconds(&at->runs[op]);
    }
    return sum;
}
