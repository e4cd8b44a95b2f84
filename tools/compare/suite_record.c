/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/suite_record.h"

#include <string.h>

#include "compare/suite.h"

static bool is_of_suite(const record *r) {
    return strcmp(r->suite, SUITE_NAME) == 0 && r->suite_version == SUITE_VERSION;
}

static const record_case *find_case(const record *r, const suite_case *c) {
    char name[SUITE_NAME_BYTES];
    suite_name(c, name);
    for (size_t i = 0; i < r->case_count; i++)
        if (strcmp(r->cases[i].name, name) == 0)
            return &r->cases[i];
    return NULL;
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
