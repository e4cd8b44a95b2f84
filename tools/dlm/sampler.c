/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See sampler.h. */
#include "sampler.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {
    [DLM_LOW_CONFIDENCE] = "low_confidence",
    [DLM_MASKGIT_PLUS] = "maskgit_plus",
    [DLM_ENTROPY] = "entropy",
};

bool dlm_sampler_parse(const char *name, dlm_sampler *sampler) {
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *sampler = (dlm_sampler)i;
            return true;
        }
    }
    return false;
}

const char *dlm_sampler_name(dlm_sampler sampler) {
    return names[sampler];
}

/* Point i of linspace(1, 1e-3, steps + 1) as PyTorch computes it: from the start in the first half,
 * from the end in the second, with one rounding (its builds contract the product and the sum). */
static float linspace_point(uint32_t steps, uint32_t i) {
    const float start = 1.0f, end = 1e-3f;
    const float step = (end - start) / (float)steps;
    if (i < (steps + 1) / 2) {
        return fmaf(step, (float)i, start);
    }
    return fmaf(-step, (float)(steps - i), end);
}

/* Dream's linear schedule, all in float32 as in the published code: int() of a double product gives
 * other counts. */
static uint32_t linear_schedule_count(uint32_t steps, uint32_t step, uint32_t masked_left) {
    if (step + 1 >= steps) {
        return masked_left;
    }
    float ratio = 1.0f - linspace_point(steps, step + 1) / linspace_point(steps, step);
    return (uint32_t)((float)masked_left * ratio);
}

uint32_t dlm_sampler_fill_count(dlm_sampler sampler, uint32_t gen_length, uint32_t steps,
                                uint32_t step, uint32_t masked_left) {
    uint32_t count;
    if (sampler == DLM_LOW_CONFIDENCE) {
        count = gen_length / steps + (step < gen_length % steps ? 1 : 0);
    } else {
        count = linear_schedule_count(steps, step, masked_left);
    }
    return count < masked_left ? count : masked_left;
}

static float sum_of_exponentials(const float *logits, uint32_t vocab, float maximum) {
    double sum = 0.0;
    for (uint32_t i = 0; i < vocab; i++) {
        sum += (double)expf(logits[i] - maximum);
    }
    return (float)sum;
}

/* Sum of p ln(p + 1e-10). */
static float negative_entropy(const float *logits, uint32_t vocab, float maximum, float total) {
    double sum = 0.0;
    for (uint32_t i = 0; i < vocab; i++) {
        float p = expf(logits[i] - maximum) / total;
        sum += (double)(p * logf(p + 1e-10f));
    }
    return (float)sum;
}

void dlm_sampler_score(dlm_sampler sampler, const float *logits, uint32_t vocab, uint32_t *token,
                       float *confidence) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < vocab; i++) {
        if (logits[i] > logits[best]) {
            best = i;
        }
    }
    float maximum = logits[best];
    float total = sum_of_exponentials(logits, vocab, maximum);
    *token = best;
    if (sampler == DLM_ENTROPY) {
        *confidence = negative_entropy(logits, vocab, maximum, total);
    } else {
        *confidence = 1.0f / total; /* the best token's exponential is 1 */
    }
}

static bool ranks_above(float a, float b) {
    return a > b || (isnan(b) && !isnan(a));
}

void dlm_sampler_choose(const float *confidence, const bool *masked, uint32_t n, uint32_t fill,
                        bool *chosen) {
    for (uint32_t i = 0; i < n; i++) {
        chosen[i] = false;
    }
    for (uint32_t filled = 0; filled < fill; filled++) {
        uint32_t best = n;
        for (uint32_t i = 0; i < n; i++) {
            if (masked[i] && !chosen[i] &&
                (best == n || ranks_above(confidence[i], confidence[best]))) {
                best = i;
            }
        }
        if (best == n) {
            return;
        }
        chosen[best] = true;
    }
}
