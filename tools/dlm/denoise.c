/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See denoise.h. */
#include "denoise.h"

#include <stdlib.h>
#include <string.h>

/* One run. The arrays of `block_length` speak of the generation block at work. */
typedef struct denoise_run {
    dlm_model *model;
    const dlm_denoise_options *options;
    const dlm_attention *attention;
    uint32_t prompt_length, block_length;
    uint32_t *tokens;      /* [prompt_length + gen_length] */
    uint32_t *rows;        /* [block_length]: positions still masked */
    uint32_t *best;        /* [block_length]: their best tokens */
    float *confidence;     /* [block_length] */
    bool *masked, *chosen; /* [block_length] */
    float *logits;         /* [block_length][vocab] */
} denoise_run;

static bool check_blocks(const dlm_denoise_options *options, tool_error *error) {
    const uint32_t length = options->block_length;
    if (length == 0) {
        return true;
    }
    if (options->sampler != DLM_LOW_CONFIDENCE) {
        return tool_fail_usage(error,
                               "--gen-block-length %u: only the sampler low_confidence works in "
                               "blocks, this one is %s",
                               length, dlm_sampler_name(options->sampler));
    }
    if (options->gen_length % length != 0) {
        return tool_fail_usage(error, "--gen-block-length %u does not divide --gen-length %u",
                               length, options->gen_length);
    }
    const uint32_t blocks = options->gen_length / length;
    if (options->steps % blocks != 0) {
        return tool_fail_usage(
            error, "--steps %u cannot be shared evenly by the %u blocks of --gen-block-length %u",
            options->steps, blocks, length);
    }
    return true;
}

bool dlm_denoise_check(const dlm_config *config, const dlm_denoise_options *options,
                       size_t prompt_length, tool_error *error) {
    if (options->gen_length < 1) {
        return tool_fail_usage(error, "--gen-length 0: at least 1 token is generated");
    }
    if (options->steps < 1) {
        return tool_fail_usage(error, "--steps 0: at least 1 is needed");
    }
    if (options->gen_length > config->max_position ||
        prompt_length > config->max_position - options->gen_length) {
        return tool_fail_usage(
            error, "a prompt of %zu tokens and --gen-length %u exceed the model's %u positions",
            prompt_length, options->gen_length, config->max_position);
    }
    return check_blocks(options, error);
}

static void free_run(denoise_run *run) {
    free(run->tokens);
    free(run->rows);
    free(run->best);
    free(run->confidence);
    free(run->masked);
    free(run->chosen);
    free(run->logits);
}

/* Allocates; tokens = prompt and masks. */
static bool init_run(denoise_run *run, const uint32_t *prompt, tool_error *error) {
    const dlm_config *config = dlm_model_config(run->model);
    const size_t block = run->block_length, gen_length = run->options->gen_length;
    const size_t len = run->prompt_length + gen_length;
    run->tokens = calloc(len, sizeof *run->tokens);
    run->rows = calloc(block, sizeof *run->rows);
    run->best = calloc(block, sizeof *run->best);
    run->confidence = calloc(block, sizeof *run->confidence);
    run->masked = calloc(block, sizeof *run->masked);
    run->chosen = calloc(block, sizeof *run->chosen);
    run->logits = calloc(block, config->vocab * sizeof(float));
    if (!run->tokens || !run->rows || !run->best || !run->confidence || !run->masked ||
        !run->chosen || !run->logits) {
        return tool_fail(error, "out of memory for %zu generated tokens", gen_length);
    }
    if (run->prompt_length > 0) {
        memcpy(run->tokens, prompt, run->prompt_length * sizeof *prompt);
    }
    for (size_t i = run->prompt_length; i < len; i++) {
        run->tokens[i] = config->mask_token;
    }
    return true;
}

/* Scores the positions still masked of the block that begins at `start`; returns how many. */
static bool score_block(denoise_run *run, uint32_t start, uint32_t *masked_left,
                        tool_error *error) {
    const dlm_config *config = dlm_model_config(run->model);
    uint32_t n = 0;
    for (uint32_t i = 0; i < run->block_length; i++) {
        run->masked[i] = run->tokens[start + i] == config->mask_token;
        if (run->masked[i]) {
            run->rows[n++] = start + i;
        }
    }
    if (!dlm_model_forward(run->model, run->tokens, run->prompt_length + run->options->gen_length,
                           run->rows, n, run->attention, run->logits, error)) {
        return false;
    }
#pragma omp parallel for num_threads(dlm_model_threads(run->model)) schedule(static)
    for (uint32_t r = 0; r < n; r++) {
        uint32_t i = run->rows[r] - start;
        dlm_sampler_score(run->options->sampler, run->logits + (size_t)r * config->vocab,
                          config->vocab, &run->best[i], &run->confidence[i]);
    }
    *masked_left = n;
    return true;
}

/* Step `step` of the block's `steps`. */
static bool denoise_step(denoise_run *run, uint32_t start, uint32_t steps, uint32_t step,
                         tool_error *error) {
    uint32_t masked_left;
    if (!score_block(run, start, &masked_left, error)) {
        return false;
    }
    uint32_t fill =
        dlm_sampler_fill_count(run->options->sampler, run->block_length, steps, step, masked_left);
    dlm_sampler_choose(run->confidence, run->masked, run->block_length, fill, run->chosen);
    for (uint32_t i = 0; i < run->block_length; i++) {
        if (run->chosen[i]) {
            run->tokens[start + i] = run->best[i];
        }
    }
    return true;
}

static bool run_steps(denoise_run *run, tool_error *error) {
    const dlm_denoise_options *options = run->options;
    const uint32_t steps_per_block = options->steps / (options->gen_length / run->block_length);
    for (uint32_t step = 0; step < options->steps; step++) {
        uint32_t block = step / steps_per_block;
        if (options->before_step &&
            !options->before_step(options->user, step, run->tokens + run->prompt_length, error)) {
            return false;
        }
        if (!denoise_step(run, run->prompt_length + block * run->block_length, steps_per_block,
                          step % steps_per_block, error)) {
            return false;
        }
    }
    return true;
}

bool dlm_denoise(dlm_model *model, const uint32_t *prompt, size_t prompt_length,
                 const dlm_denoise_options *options, const dlm_attention *attention,
                 uint32_t *generated, tool_error *error) {
    denoise_run run = {.model = model, .options = options, .attention = attention};
    if (!dlm_denoise_check(dlm_model_config(model), options, prompt_length, error)) {
        return false;
    }
    run.prompt_length = (uint32_t)prompt_length;
    run.block_length = options->block_length ? options->block_length : options->gen_length;
    bool ok = init_run(&run, prompt, error) && run_steps(&run, error);
    if (ok) {
        memcpy(generated, run.tokens + run.prompt_length, options->gen_length * sizeof *generated);
    }
    free_run(&run);
    return ok;
}
