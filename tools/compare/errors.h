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
 *   rows      [shape[2]] what row (query block) each one is, for the place of the worst element
 *   expected  as many elements
 *   by_head   the worst element is the one that is furthest off for the size of its head (the largest
 *             value that is expected in it), so that a large head does not hide a small one's; else
 *             the one of the largest error
 */
void errors_measure(const void *got, uint32_t dtype, const double *expected,
                    const uint64_t shape[4], const uint64_t *rows, bool by_head,
                    record_errors *errors);

#endif
