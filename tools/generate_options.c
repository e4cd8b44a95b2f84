/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "generate_options.h"

#include <string.h>

static void add_prompt_options(generate_options *o, cli_options *list) {
    cli_add(list, (cli_option){"model", CLI_STRING, &o->model, NULL, "DIR",
                               "model folder (SPARSED_MODEL, else the built-in tiny-dream)"});
    cli_add(list, (cli_option){"prompt", CLI_STRING, &o->prompt, NULL, "TEXT", "the prompt"});
    cli_add(list, (cli_option){"prompt-file", CLI_STRING, &o->prompt_file, NULL, "FILE",
                               "the prompt, from a file; a newline at its end is left out"});
    cli_add(list,
            (cli_option){"example", CLI_STRING, &o->example, NULL, "NAME",
                         "a question with a known answer: TASK-LENGTH[:ROW], tasks niah_single, "
                         "niah_multikey, niah_multiquery, niah_multivalue, kv_recall, "
                         "var_track, quote; lengths 512, 1024, 2048, 4096; rows 0 to 15. "
                         "Without any prompt: var_track-2048"});
    cli_add(list, (cli_option){"raw-prompt", CLI_FLAG, &o->raw_prompt, NULL, NULL,
                               "put nothing round the prompt, and read special tokens in it"});
    cli_add(list, (cli_option){"gen-length", CLI_UINT, &o->gen_length, &o->gen_length_given, "N",
                               "tokens to generate (the example's, else the model's)"});
    cli_add(list,
            (cli_option){"steps", CLI_UINT, &o->steps, &o->steps_given, "T",
                         "denoising steps (the model's; with an example or --gen-length: one a "
                         "token)"});
    cli_add(list, (cli_option){"sampler", CLI_STRING, &o->sampler, NULL, "NAME",
                               "low_confidence, maskgit_plus or entropy (the model's)"});
    cli_add(list, (cli_option){"gen-block-length", CLI_UINT, &o->block_length, NULL, "N",
                               "generate blocks of N tokens from the left (all at once)"});
}

void generate_options_add(generate_options *o, cli_options *list) {
    *o = (generate_options){.attention = "sparsed", .compare = "", .dtype = "f32", .skip = 0.2};
    add_prompt_options(o, list);
    cli_add(list, (cli_option){"attention", CLI_STRING, &o->attention, NULL, "METHOD",
                               "dense, sparsed, window, streaming, or auto: sparsed, but dense "
                               "where that is as fast (sparsed)"});
    cli_add(list, (cli_option){
                      "compare", CLI_OPTIONAL_STRING, &o->compare, &o->compare_given, "METHODS",
                      "run other methods too, beside it: dense, and those named "
                      "(window,streaming: at SparseD's density if it runs too, else at --select)"});
    cli_add(list, (cli_option){"skip", CLI_REAL, &o->skip, &o->skip_given, "SHARE",
                               "share of the steps that stay dense, in [0, 1] (0.2)"});
    cli_add(list,
            (cli_option){"schedule", CLI_STRING, &o->schedule, NULL, "NAME",
                         "upstream, paper, no-dense, rebuild, dense, window:A:B or warm (upstream; "
                         "window and streaming: no-dense; with --pattern-in: warm)"});
    selection_add_options(&o->selection,
                          "paper, upstream-dream, upstream-llada or joint (the model's own "
                          "upstream mode)",
                          list);
    cli_add(list, (cli_option){"dtype", CLI_STRING, &o->dtype, NULL, "TYPE",
                               "what attention stores: f32, bf16 or f16 (f32); with bf16 linear "
                               "layers multiply bf16 too, if weights and processor allow"});
    pattern_options_add(&o->pattern, list);
    device_add_options(&o->device, list);
    cli_add(list, (cli_option){"json", CLI_FLAG, &o->json, NULL, NULL,
                               "one JSON object on stdout instead of answer and table"});
}

/* Whether auto makes patterns depends on the length; a file that is asked for does not. */
static bool check_auto(const generate_options *o, tool_error *error) {
    const pattern_options *p = &o->pattern;
    const char *file = p->in ? "in" : p->out ? "out" : p->cache ? "cache" : NULL;
    if (file && strcmp(o->attention, "auto") == 0)
        return tool_fail_usage(error, "--pattern-%s goes with --attention sparsed, not auto", file);
    return true;
}

bool generate_options_check(const generate_options *o, tool_error *error) {
    int prompts = (o->prompt != NULL) + (o->prompt_file != NULL) + (o->example != NULL);
    if (prompts > 1)
        return tool_fail_usage(
            error, "--prompt, --prompt-file and --example: give one of them, not %d", prompts);
    if (!(o->skip >= 0.0 && o->skip <= 1.0))
        return tool_fail_usage(error, "--skip is %g, not in [0, 1]", o->skip);
    if (o->gen_length_given && (o->gen_length < 1 || o->gen_length > 1 << 20))
        return tool_fail_usage(error, "--gen-length is %llu, not in 1 to 1048576",
                               (unsigned long long)o->gen_length);
    if (o->steps_given && (o->steps < 1 || o->steps > 1 << 20))
        return tool_fail_usage(error, "--steps is %llu, not in 1 to 1048576",
                               (unsigned long long)o->steps);
    if (o->block_length > 1 << 20)
        return tool_fail_usage(error, "--gen-block-length is %llu, above 1048576",
                               (unsigned long long)o->block_length);
    return check_auto(o, error) &&
           pattern_options_check(&o->pattern, o->schedule, o->skip_given, error);
}
