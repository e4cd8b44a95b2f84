/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See denoise_twin.h. */
#include "support/denoise_twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/model_golden.h"
#include "support/plain_attention.h"

/* A free run beside its golden twin. */
typedef struct twin_run {
    const model_golden *golden;
    plain_attention plain;
    const uint8_t *mask; /* attended with after the pattern step, or NULL */
    uint32_t *expected;  /* [steps][gen_length], or NULL: only the end counts */
    uint32_t steps_seen;
} twin_run;

static bool compare_step(void *user, uint32_t step, const uint32_t *generated, tool_error *error) {
    twin_run *twin = user;
    const uint32_t n = twin->golden->gen_length;
    (void)error;
    assert_int_equal(step, twin->steps_seen);
    twin->steps_seen++;
    twin->plain.mask = step > twin->golden->end ? twin->mask : NULL;
    for (uint32_t i = 0; twin->expected && i < n; i++) {
        if (generated[i] != twin->expected[step * n + i]) {
            fail_msg("token %u before step %u is %u, not %u", i, step, generated[i],
                     twin->expected[step * n + i]);
        }
    }
    return true;
}

void denoise_check_twin(const denoise_twin *c) {
    model_golden golden = golden_open(c->golden);
    dlm_model *model = golden_load_model(c->model_dir);
    twin_run twin = {.golden = &golden, .plain = plain_attention_for(dlm_model_config(model))};
    const dlm_attention attention = {plain_attend, &twin.plain, SPARSED_F32, SPARSED_F32, true, 0};
    const dlm_denoise_options options = {.sampler = c->sampler,
                                         .gen_length = golden.gen_length,
                                         .steps = golden.steps,
                                         .block_length = c->block_length,
                                         .before_step = compare_step,
                                         .user = &twin};
    uint32_t generated[64];
    char tensor[64];
    size_t count;
    tool_error error;
    twin.plain.block = golden.block;
    twin.mask = c->sparse ? golden.mask : NULL;
    if (c->every_step) {
        snprintf(tensor, sizeof tensor, "%s.gen_tokens_before_step", c->name);
        twin.expected = golden_ids(&golden, tensor, &count);
        assert_int_equal(count, (size_t)golden.steps * golden.gen_length);
    }
    snprintf(tensor, sizeof tensor, "%s.gen_final", c->name);
    uint32_t *final = golden_ids(&golden, tensor, &count);
    assert_int_equal(count, golden.gen_length);
    if (!dlm_denoise(model, golden.ids, golden.prompt_length, &options, &attention, generated,
                     &error)) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(twin.steps_seen, golden.steps);
    assert_memory_equal(generated, final, count * sizeof *final);
    free(final);
    free(twin.expected);
    dlm_model_free(model);
    golden_close(&golden);
}
