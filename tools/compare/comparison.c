/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "compare/case_mismatch.h"
#include "compare/case_pair.h"
#include "compare/record_read.h"
#include "compare/suite_record.h"
#include "room.h"

char comparison_letter(size_t index) {
    return (char)('A' + (int)index);
}

const record_pair *comparison_pair(const comparison *c, size_t a, size_t b) {
    return &c->pairs[b * (b - 1) / 2 + a];
}

/* ---- whether records belong together ---- */

static bool same_suite(const record *first, const char *first_path, const record *r,
                       const char *path, tool_error *error) {
    if (strcmp(first->suite, r->suite) != 0 || first->suite_version != r->suite_version)
        return tool_fail_usage(error,
                               "%.200s is of suite %s, version %u, %.200s of suite %s, version %u: "
                               "their numbers cannot be compared",
                               first_path, first->suite, first->suite_version, path, r->suite,
                               r->suite_version);
    if (first->seed != r->seed)
        return tool_fail_usage(error,
                               "%.200s was made with seed %llu, %.200s with seed %llu: "
                               "their numbers cannot be compared",
                               first_path, (unsigned long long)first->seed, path,
                               (unsigned long long)r->seed);
    return true;
}

const record_case *comparison_find(const record *r, const char *name, size_t *index) {
    for (*index = 0; *index < r->case_count; ++*index)
        if (strcmp(r->cases[*index].name, name) == 0)
            return &r->cases[*index];
    return NULL;
}

const case_pair *comparison_pair_case(const comparison *c, const record_pair *pair,
                                      const char *name) {
    for (size_t k = 0; k < pair->count; k++)
        if (strcmp(c->records[pair->a].cases[pair->cases[k].a].name, name) == 0)
            return &pair->cases[k];
    return NULL;
}

/* Cases of one name must be one problem, whether or not they ran. */
static bool same_problems(const record *first, const char *first_path, const record *r,
                          const char *path, tool_error *error) {
    for (size_t i = 0; i < r->case_count; i++) {
        size_t index;
        const record_case *other = comparison_find(first, r->cases[i].name, &index);
        char differs[MISMATCH_BYTES];
        if (other && case_mismatch(other, &r->cases[i], differs))
            return tool_fail_usage(error,
                                   "%.200s and %.200s: case %s is not the same problem in both: "
                                   "%s",
                                   first_path, path, r->cases[i].name, differs);
    }
    return true;
}

static bool read_all(comparison *c, const char *const *paths, size_t count, tool_error *error) {
    c->records = room_for(count, sizeof *c->records);
    if (!c->records)
        return tool_fail(error, "out of memory for %zu records", count);
    for (; c->record_count < count; c->record_count++) {
        record *r = &c->records[c->record_count];
        if (!record_read(r, paths[c->record_count], error)) {
            record_free(r);
            return false;
        }
    }
    for (size_t b = 1; b < count; b++) {
        c->versions_differ |= strcmp(c->records[0].environment.library_version,
                                     c->records[b].environment.library_version) != 0;
        for (size_t a = 0; a < b; a++)
            if (!same_suite(&c->records[a], paths[a], &c->records[b], paths[b], error) ||
                !same_problems(&c->records[a], paths[a], &c->records[b], paths[b], error))
                return false;
    }
    return true;
}

/* ---- comparing ---- */

static bool judge_record(comparison *c, size_t i, tool_error *error) {
    const record *r = &c->records[i];
    c->own[i] = room_for(r->case_count, sizeof *c->own[i]);
    if (!c->own[i])
        return tool_fail(error, "out of memory for %zu cases", r->case_count);
    for (size_t k = 0; k < r->case_count; k++) {
        const record_case *at = &r->cases[k];
        own_case *own = &c->own[i][k];
        own->all = verdict_of_case(at);
        for (int op = 0; op < RECORD_OPS; op++)
            own->runs[op] = at->failure[0] ? VERDICT_FAIL : verdict_of_run(at, (record_op)op);
        c->record_verdicts[i] = verdict_worse(c->record_verdicts[i], own->all);
    }
    size_t cases;
    if (!suite_is_known(r) || suite_missing(r, &cases) > 0)
        c->record_verdicts[i] = verdict_worse(c->record_verdicts[i], VERDICT_WARN);
    c->all = verdict_worse(c->all, c->record_verdicts[i]);
    return true;
}

static void add_case(record_pair *pair, const case_pair *one, const record_case *a,
                     const record_case *b) {
    for (int op = 0; op < RECORD_OPS; op++) {
        pair->runs++;
        pair->bitwise_runs += one->runs[op].bitwise;
    }
    const out_distance outputs = case_pair_out_distance(one, a, b);
    out_distance_add(&pair->outputs, &outputs);
    pattern_agreement_add(&pair->pattern, &one->pattern);
    pair->all = verdict_worse(pair->all, one->all);
}

static bool compare_pair(comparison *c, record_pair *pair, tool_error *error) {
    const record *a = &c->records[pair->a], *b = &c->records[pair->b];
    pair->cases = room_for(a->case_count, sizeof *pair->cases);
    if (!pair->cases)
        return tool_fail(error, "out of memory for %zu cases", a->case_count);
    for (size_t i = 0; i < a->case_count; i++) {
        case_pair *one = &pair->cases[pair->count];
        const record_case *of_b = comparison_find(b, a->cases[i].name, &one->b);
        if (!of_b || a->cases[i].failure[0] || of_b->failure[0])
            continue;
        one->a = i;
        if (!case_pair_compare(one, &a->cases[i], of_b, c->tolerance, error))
            return false;
        add_case(pair, one, &a->cases[i], of_b);
        pair->count++;
    }
    c->all = verdict_worse(c->all, pair->all);
    return true;
}

static bool compare_all(comparison *c, tool_error *error) {
    const size_t n = c->record_count;
    c->own = room_for(n, sizeof *c->own);
    c->record_verdicts = room_for(n, sizeof *c->record_verdicts);
    c->pairs = room_for(n * (n - 1) / 2, sizeof *c->pairs);
    if (!c->own || !c->record_verdicts || !c->pairs)
        return tool_fail(error, "out of memory for %zu records", n);
    for (size_t i = 0; i < n; i++)
        if (!judge_record(c, i, error))
            return false;
    for (size_t b = 1; b < n; b++)
        for (size_t a = 0; a < b; a++) {
            record_pair *pair = &c->pairs[c->pair_count++];
            *pair = (record_pair){.a = a, .b = b, .outputs = {.equal = true}};
            if (!compare_pair(c, pair, error))
                return false;
        }
    if (c->versions_differ)
        c->all = verdict_worse(c->all, VERDICT_WARN);
    return true;
}

bool comparison_make(comparison *c, const char *const *paths, size_t count, double tolerance,
                     tool_error *error) {
    *c = (comparison){.tolerance = tolerance, .paths = paths};
    return read_all(c, paths, count, error) && compare_all(c, error);
}

void comparison_free(comparison *c) {
    for (size_t i = 0; i < c->pair_count; i++)
        free(c->pairs[i].cases);
    for (size_t i = 0; i < c->record_count; i++) {
        if (c->own)
            free(c->own[i]);
        record_free(&c->records[i]);
    }
    free(c->pairs);
    free(c->record_verdicts);
    free(c->own);
    free(c->records);
    *c = (comparison){0};
}
