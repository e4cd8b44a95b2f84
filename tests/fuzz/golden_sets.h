/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The golden pattern files, loaded at their first use. */
#ifndef TESTS_FUZZ_GOLDEN_SETS_H
#define TESTS_FUZZ_GOLDEN_SETS_H

#include <sparsed/pattern.h>

/* The set of file number `index` modulo their number. Never released. */
const sparsed_pattern_set *golden_set(unsigned index);

#endif
