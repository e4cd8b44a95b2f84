/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What `sparsed generate` tells at the end: the table, or one JSON object.
 */
#ifndef TOOLS_GENERATE_REPORT_H
#define TOOLS_GENERATE_REPORT_H

#include "dlm/example.h"
#include "dlm/tokenizer.h"
#include "method_run.h"
#include "pattern_report.h"

typedef struct generate_method {
    method_plan plan;
    method_result result;
    char *answer; /* up to the first end-of-text token, as the model wrote it; owned */
    size_t answer_bytes;
    char *text; /* the same as valid UTF-8; owned */
} generate_method;

typedef struct generate_report {
    const char *model_dir, *example_name; /* example_name NULL: the caller's own prompt */
    const dlm_example *example;
    size_t prompt_length;
    const dlm_denoise_options *denoise;
    uint32_t layers;
    const char *product_isa;           /* the level with which linear layers multiply */
    const sparsed_device_info *device; /* attention's */
    const pattern_report *patterns;
    const generate_method
        *methods; /* [count]; the first is the one asked for, the others compare */
    size_t count;
} generate_report;

/* On stderr. */
void generate_print_table(const generate_report *report);

/* On stdout. */
bool generate_print_json(const generate_report *report, tool_error *error);

#endif
