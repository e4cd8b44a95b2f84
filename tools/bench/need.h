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

/* Whether q, k, v and out, as much as one of them besides (while it is filled; what a plan prepares), and
 * plan_bytes (scratch memory and kept blocks) fit into what was left before any of them was made. */
bool bench_check_need(const sparsed_desc *desc, uint64_t plan_bytes, uint64_t left_bytes,
                      tool_error *error);

/* A layer's plan_bytes: its scratch memory, its kept blocks, and these once more as a pattern. */
uint64_t bench_layer_bytes(const bench_layer *layer);

#endif
