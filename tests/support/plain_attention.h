/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Attention for tests of the model runner: straight from the formula, all keys or those of a stored
 * block mask. It shares nothing with the library but the matrix product.
 */
#ifndef TESTS_SUPPORT_PLAIN_ATTENTION_H
#define TESTS_SUPPORT_PLAIN_ATTENTION_H

#include "dlm/model.h"

typedef struct plain_attention {
    uint32_t heads, kv_heads, head_dim;
    const uint8_t *mask; /* [layers][heads][blocks][blocks], 1 = kept; NULL: all */
    uint32_t block;      /* edge of the mask's blocks */
} plain_attention;

plain_attention plain_attention_for(const dlm_config *config);

/* The callback; user is a plain_attention. */
bool plain_attend(void *user, uint32_t layer, const void *q, const void *k, const void *v,
                  void *out, uint32_t len, tool_error *error);

#endif
