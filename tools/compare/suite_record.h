/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A record held to the table of the suite that it says it is of.
 */
#ifndef TOOLS_COMPARE_SUITE_RECORD_H
#define TOOLS_COMPARE_SUITE_RECORD_H

#include "compare/record_file.h"

/* Whether it is of this suite, or of a user's input: what another suite or version says is taken as it
 * is. */
bool suite_is_known(const record *r);

/* Cases that the record should have and has not, and how many it should have; 0 of a record that is not
 * of this suite, or whose cases --kernel chose. */
size_t suite_missing(const record *r, size_t *all);

/* A case of the record that does not belong to the self-check; NULL: there is none. */
const record_case *suite_not_quick(const record *r);

/* Holds each case of a record of this suite to the suite's: kind of data, problem, selection, digests
 * of the inputs, ranges, what is stored. The failure names the case and the field; path is of the
 * record. A record of another suite, or of another version, is taken as it is. */
bool suite_check(const record *r, const char *path, tool_error *error);

#endif
