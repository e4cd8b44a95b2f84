/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * How masked positions are filled, at temperature 0 (models/README.md, "Samplers"): which n of the
 * positions still masked get their best token in a step. No model in here; denoise.h drives it.
 */
#ifndef TOOLS_DLM_SAMPLER_H
#define TOOLS_DLM_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "../error.h"

typedef enum dlm_sampler {
    DLM_LOW_CONFIDENCE, /* LLaDA: steps split evenly, the remainder to the first ones */
    DLM_MASKGIT_PLUS,   /* Dream's linear schedule, confidence = probability */
    DLM_ENTROPY         /* Dream's linear schedule, confidence = negative entropy */
} dlm_sampler;

bool dlm_sampler_parse(const char *name, dlm_sampler *sampler); /* false: unknown name */
const char *dlm_sampler_name(dlm_sampler sampler);

/* Number of positions to fill at `step` of `steps`, with masked_left of the gen_length positions of
 * this generation block still masked. */
uint32_t dlm_sampler_fill_count(dlm_sampler sampler, uint32_t gen_length, uint32_t steps,
                                uint32_t step, uint32_t masked_left);

/* Best token and confidence of one row of logits, in float32. Ties: the lower token id. */
void dlm_sampler_score(dlm_sampler sampler, const float *logits, uint32_t vocab, uint32_t *token,
                       float *confidence);

/* Marks in chosen[] the `fill` positions with the largest confidence among those where masked[i];
 * ties: the lower position. NaN ranks last. */
void dlm_sampler_choose(const float *confidence, const bool *masked, uint32_t n, uint32_t fill,
                        bool *chosen);

#endif
