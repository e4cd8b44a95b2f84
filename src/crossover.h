/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Where sparse attention pays: a table's rows, and the choice that they make for a plan.
 */
#ifndef SPD_CROSSOVER_H
#define SPD_CROSSOVER_H

#include "plan.h"

/* What the library ships (crossover_shipped.c). */
extern const sparsed_crossover_row spd_crossover_shipped[];
extern const size_t spd_crossover_shipped_count;

/* Whether a measurement can give this row; the message calls it rows[index]. */
sparsed_status spd_crossover_check_row(const sparsed_crossover_row *row, uint64_t index,
                                       sparsed_message *message);

/* The share of the key blocks that a problem with a selection asks for, with this ratio in place of
 * the selection's (fixed modes have none). */
double spd_expected_density(const spd_problem *problem, double ratio);

/* sparsed_crossover_choose for patterns of this ratio. choice is wholly written. */
sparsed_status spd_crossover_choose(const sparsed_plan *plan, double ratio,
                                    const sparsed_crossover *table,
                                    sparsed_crossover_choice *choice, sparsed_message *message);

#endif
