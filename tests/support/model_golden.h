/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The golden files of whole models (tests/golden): their tensors and facts, as the tests of the
 * model runner want them. A missing or malformed tensor fails the test that runs.
 */
#ifndef TESTS_SUPPORT_MODEL_GOLDEN_H
#define TESTS_SUPPORT_MODEL_GOLDEN_H

#include "dlm/model.h"

typedef struct model_golden {
    safetensors_file *file;
    uint32_t len, gen_length, prompt_length, steps, end; /* end: the pattern step */
    uint32_t block;                                      /* edge of the stored masks' blocks */
    uint32_t *ids;                                       /* [len] */
    uint8_t *mask;                                       /* sparsed.block_mask */
} model_golden;

/* Opens GOLDEN_DIR/name; skips the test, saying so, if it is absent. */
model_golden golden_open(const char *name);
void golden_close(model_golden *golden);

/* Loads a model folder; fails the test if it cannot. */
dlm_model *golden_load_model(const char *dir);

uint32_t golden_fact(const model_golden *golden, const char *key);
/* A fact that is a list, "3,3,2", of exactly count numbers. */
void golden_fact_list(const model_golden *golden, const char *key, uint32_t *values,
                      uint32_t count);

bool golden_has(const model_golden *golden, const char *name);
/* Copies, malloc'd. *count is set unless it is NULL. */
float *golden_floats(const model_golden *golden, const char *name, size_t *count);
uint32_t *golden_ids(const model_golden *golden, const char *name, size_t *count);

/* Frobenius norm of the difference over the norm of the expected. */
double golden_relative_error(const float *actual, const float *expected, size_t count);

#endif
