/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a case that was read tells of itself, held to its tensors and to the suite's rules: a report
 * believes no figure that it can check. Messages name the key.
 *   keys  of the case's object
 */
#ifndef TOOLS_COMPARE_RECORD_CHECK_H
#define TOOLS_COMPARE_RECORD_CHECK_H

#include "compare/record_file.h"
#include "json_keys.h"

/* The errors are of all elements, and of as many that are no numbers as there are. Sets what the reader finds of the pattern, and keeps the bounds from
 * being wider than the suite's rule makes them of the stored log-sum-exps. */
bool record_check_case(const json_keys *keys, record_case *c);

#endif
