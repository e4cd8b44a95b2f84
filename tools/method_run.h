/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One run of a model with one attention method: a pipeline on a context, driven by the denoising
 * loop, with its times and densities.
 */
#ifndef TOOLS_METHOD_RUN_H
#define TOOLS_METHOD_RUN_H

#include <sparsed/pattern.h>
#include <sparsed/sparsed.h>

#include "dlm/denoise.h"

typedef enum method_kind {
    METHOD_DENSE,
    METHOD_SPARSED,
    METHOD_WINDOW,
    METHOD_STREAMING
} method_kind;

enum { METHOD_KINDS = METHOD_STREAMING + 1 };

typedef enum method_saving {
    METHOD_SAVE_NONE,
    METHOD_SAVE_LAST, /* the patterns of the last build, which is made even if no step uses it */
    METHOD_SAVE_EVERY /* those of every build */
} method_saving;

typedef struct method_plan {
    method_kind kind;
    const char *schedule; /* a preset's name; METHOD_DENSE: not used */
    double skip;
    sparsed_select select;                 /* gen_len is filled in; METHOD_DENSE: not used */
    sparsed_dtype dtype;                   /* what attention stores */
    const sparsed_schedule_entry *entries; /* [steps] instead of the preset's; NULL: the preset's */
    const sparsed_pattern_set *patterns;   /* of one step, to begin with; NULL: none */
    const sparsed_crossover *crossover;    /* auto: dense where this says so; NULL: as asked */
    method_saving saving;
    uint32_t score_dtype; /* saved patterns hold block scores as SPARSED_F32 or _F16; 0: none */
    sparsed_pattern_set_info saved_info; /* what the saved set says of the run */
} method_plan;

typedef struct method_result {
    uint32_t *tokens;      /* [gen_length]; owned */
    double *layer_density; /* [layers] of the last pattern; 1 if there was none; owned */
    double density;        /* their mean, by query rows */
    double attention_work; /* query-key pairs attended in all steps, as a share of dense */
    double total_seconds, linear_seconds;
    double dense_seconds, build_seconds, sparse_seconds; /* attention; build: steps that build */
    uint32_t dense_steps, build_steps, sparse_steps;
    bool sparse;                     /* some step attended sparsely */
    sparsed_pattern_set *patterns;   /* saved ones; NULL: none; owned */
    uint64_t window;                 /* fixed patterns */
    uint32_t last_layer_rows;        /* query rows of the last layer: those that predictions need */
    uint32_t product_dtype;          /* in which linear layers multiply: SPARSED_F32 or _BF16 */
    sparsed_crossover_choice choice; /* of a plan with a crossover table */
    char kernel[32];
    uint64_t scratch_bytes, pattern_bytes;
} method_result;

bool method_parse(const char *name, method_kind *kind); /* false: unknown */
const char *method_name(method_kind kind);

/* The name of what was asked for: the method's, or "auto". */
const char *method_plan_name(const method_plan *plan);

/* Runs it. denoise->before_step, if set, is called as well. On failure nothing is left to free. */
bool method_run(sparsed_context *context, dlm_model *model, const uint32_t *prompt,
                size_t prompt_length, const dlm_denoise_options *denoise, const method_plan *plan,
                method_result *result, tool_error *error);
void method_result_free(method_result *result);

/* The schedule as data: fills entries [steps]. Errors name the command's options. */
bool method_schedule(const method_plan *plan, uint32_t steps, sparsed_schedule_entry *entries,
                     tool_error *error);

/* The attention problem of one layer over len tokens: [len][heads][head_dim] in memory, as the
 * linear layers leave it and, out, read it. */
sparsed_desc method_desc(const dlm_config *config, uint64_t len, sparsed_dtype dtype,
                         uint32_t out_dtype);

/* Seconds of all attention. */
double method_attention_seconds(const method_result *result);

#endif
