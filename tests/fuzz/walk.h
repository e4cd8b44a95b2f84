/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Everything that can be asked of a set and its patterns, asked; answers that contradict each other
 * are findings.
 */
#ifndef TESTS_FUZZ_WALK_H
#define TESTS_FUZZ_WALK_H

#include <sparsed/pattern.h>

/* SPARSED_OK, or the first status that sparsed_pattern_set_get returned. */
sparsed_status walk_set(const sparsed_pattern_set *set, sparsed_message *message);

#endif
