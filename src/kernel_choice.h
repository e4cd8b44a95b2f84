/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Which registry row runs a problem: predicate, then self-test, in the backend's order.
 */
#ifndef SPD_KERNEL_CHOICE_H
#define SPD_KERNEL_CHOICE_H

#include "context.h"

/* Finds the row, or the row that the context pins. Verdicts are kept in the context; the choice and
 * every refusal go to its log. */
sparsed_status spd_choose_kernel(sparsed_context *context, const spd_problem *problem, size_t *row);

#endif
