/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Few query rows against many keys: units of work are too few for many cores, so each visits its
 * keys in parts, which are merged by their log-sum-exps. How many parts there are follows from the
 * shape alone, not from the number of cores: results are the same for any. Such units have
 * SPD_UNIT_ROWS rows at most.
 */
#ifndef SPD_CPU_PARTS_H
#define SPD_CPU_PARTS_H

#include "kernel.h"

/* Parts of each of a launch's units, of SPD_UNIT_ROWS or a query block: 1 unless they are few and
 * the keys many. Builds have one. */
uint32_t spd_cpu_parts(const spd_launch *launch, uint64_t units);

/* Allocates room for the parts of any run of the plan; adds its size to *bytes. */
sparsed_status spd_cpu_parts_create(spd_cpu_kernel *kernel, const spd_problem *problem,
                                    uint64_t *bytes, sparsed_message *message);

/* Keeps what the unit's scratch holds as part `slot`. */
void spd_cpu_part_save(const spd_unit *unit, uint64_t slot);

/* Merges the unit's parts, which begin at `slot`, into its scratch. */
void spd_cpu_parts_merge(const spd_unit *unit, uint64_t slot);

#endif
