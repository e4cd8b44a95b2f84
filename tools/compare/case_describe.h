/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A case as a record tells it, before anything ran: by the recorder, and by a reader who holds a
 * record to the suite.
 */
#ifndef TOOLS_COMPARE_CASE_DESCRIBE_H
#define TOOLS_COMPARE_CASE_DESCRIBE_H

#include "compare/case_input.h"
#include "compare/record_file.h"

/* All of a case that does not depend on a device: problem, selection, digests of the inputs, ranges,
 * which rows and query blocks are stored. The memory is the record's. false: out of memory. */
bool case_describe(const case_input *input, record *r, record_case *c);

#endif
