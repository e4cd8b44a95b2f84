/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Whether there is memory for a problem: a system that promises more than it has kills the process that
 * comes to use it.
 */
#ifndef TOOLS_BENCH_NEED_H
#define TOOLS_BENCH_NEED_H

#include "layer.h"

/* Memory that is left for a device's problems: of a GPU its own, else the machine's. UINT64_MAX: unknown. */
uint64_t bench_memory_left(const bench_device *device);

/* Whether q, k, v and out, as much as one of them besides (while it is filled; what a plan prepares),
 * scratch memory (0: not known yet, there is no plan) and kept blocks fit into what was left before any of them
 * was made. */
bool bench_check_need(const sparsed_desc *desc, uint64_t scratch_bytes, uint64_t kept_bytes,
                      uint64_t left_bytes, tool_error *error);

/* The kept blocks of one layer, which need no plan to be reckoned; UINT64_MAX: more than can be counted. */
uint64_t bench_kept_bytes(const sparsed_desc *desc, const sparsed_select *select);

/* All that a layer keeps while it is measured: these, once more as a pattern, and a random pattern's. */
uint64_t bench_layer_bytes(const sparsed_desc *desc, const sparsed_select *select,
                           bench_pattern pattern);

/* The sum, or UINT64_MAX. */
uint64_t bench_add_bytes(uint64_t a, uint64_t b);

#endif
