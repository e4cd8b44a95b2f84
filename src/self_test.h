/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A small run of one kernel row against the oracle, made before the row is trusted with a problem.
 */
#ifndef SPD_SELF_TEST_H
#define SPD_SELF_TEST_H

#include "context.h"

/* Runs dense + build and sparse (dense only if variant->mode is 0) on generated data of the
 * variant, padded, with two query heads on one key head: a whole block and a partial one, and a few
 * queries on key blocks of more than one word of bits where these are small. Numbers are held to
 * the oracle, kept blocks to the host's choice, padding to 0 and -inf. *error: the largest relative
 * Frobenius error seen. SPARSED_OK, SPARSED_E_SELF_TEST (the message says what was how wrong),
 * SPARSED_E_NOMEM, or what the backend returned. */
sparsed_status spd_self_test(sparsed_context *context, size_t row, const spd_variant *variant,
                             double *error, sparsed_message *message);

#endif
