/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/suite_record.h"

#include <string.h>

#include "compare/case_describe.h"
#include "compare/case_mismatch.h"
#include "compare/suite.h"

static bool is_of_suite(const record *r) {
    return strcmp(r->suite, SUITE_NAME) == 0 && r->suite_version == SUITE_VERSION;
}

bool suite_is_known(const record *r) {
    return is_of_suite(r) ||
           (strcmp(r->suite, SUITE_INPUT) == 0 && r->suite_version == SUITE_VERSION);
}

static const record_case *find_case(const record *r, const suite_case *c) {
    char name[SUITE_NAME_BYTES];
    suite_name(c, name);
    for (size_t i = 0; i < r->case_count; i++)
        if (strcmp(r->cases[i].name, name) == 0)
            return &r->cases[i];
    return NULL;
}

static const suite_case *find_in_suite(const char *name) {
    for (size_t i = 0; i < suite_count(); i++) {
        char other[SUITE_NAME_BYTES];
        suite_name(suite_at(i), other);
        if (strcmp(other, name) == 0)
            return suite_at(i);
    }
    return NULL;
}

/* The suite's case is made anew: its data, to take their digests, in milliseconds. */
static bool check_case(const record_case *c, const suite_case *of_suite, uint64_t seed,
                       const char *path, tool_error *error) {
    char differs[MISMATCH_BYTES];
    record memory = {.case_count = 0};
    record_case own = {.name = ""};
    case_input input;
    if (!case_input_generate(of_suite, seed, &input, error))
        return false;
    bool same = case_describe(&input, &memory, &own);
    if (!same)
        tool_fail(error, "out of memory for case %s", c->name);
    else if (case_mismatch(&own, c, differs))
        same = tool_fail(error, "%s: case %s is not the suite's of this name: %s (suite, file)",
                         path, c->name, differs);
    case_input_free(&input);
    record_free(&memory);
    return same;
}

bool suite_check(const record *r, const char *path, tool_error *error) {
    if (!is_of_suite(r))
        return true;
    for (size_t i = 0; i < r->case_count; i++) {
        const record_case *c = &r->cases[i];
        const suite_case *of_suite = find_in_suite(c->name);
        if (!of_suite)
            return tool_fail(error, "%s: case %s is none of suite %s, version %d", path, c->name,
                             SUITE_NAME, SUITE_VERSION);
        if (!check_case(c, of_suite, r->seed, path, error))
            return false;
    }
    return true;
}

size_t suite_missing(const record *r, size_t *all) {
    size_t missing = 0;
    *all = 0;
    if (!is_of_suite(r) || r->environment.kernel_option[0])
        return 0;
    for (size_t i = 0; i < suite_count(); i++) {
        const suite_case *c = suite_at(i);
        const bool wanted = !r->self_check || c->quick;
        *all += wanted;
        missing += wanted && !find_case(r, c);
    }
    return missing;
}

const record_case *suite_not_quick(const record *r) {
    for (size_t i = 0; i < suite_count() && is_of_suite(r); i++) {
        const record_case *found = suite_at(i)->quick ? NULL : find_case(r, suite_at(i));
        if (found)
            return found;
    }
    return NULL;
}
