/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Runs one case on a device, four operations, and leaves in a record's case what they gave and how
 * far that is from the oracle.
 */
#ifndef TOOLS_COMPARE_RUN_CASE_H
#define TOOLS_COMPARE_RUN_CASE_H

#include "compare/case_input.h"
#include "compare/record_file.h"

/* How often each operation is repeated after its first call: as long as the repeats took less than
 * so many seconds, and at least once. */
typedef struct case_repeats {
    uint32_t most;
    double seconds;
} case_repeats;

/* False, with an error, if out of memory; a device's failure is the case's `failure`. */
bool run_case(sparsed_context *context, const case_input *input, case_repeats repeats, record *r,
              record_case *to, tool_error *error);

#endif
