/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The distance of a device's tensor from what the double oracle expects.
 */
#ifndef TOOLS_COMPARE_ERRORS_H
#define TOOLS_COMPARE_ERRORS_H

#include "compare/record_file.h"

/*
 * Measures a packed tensor of shape [batch][head][row][column].
 *   rows      [shape[2]] what row (query block) each one is, for the place of the largest error
 *   expected  as many elements
 */
void errors_measure(const void *got, uint32_t dtype, const double *expected,
                    const uint64_t shape[4], const uint64_t *rows, record_errors *errors);

#endif
