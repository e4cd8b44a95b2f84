/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed pattern convert`: to and from safetensors, to JSON; fewer layers, steps or scores. */
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "pattern/collection.h"
#include "pattern/exchange.h"
#include "pattern/load.h"
#include "pattern/pattern_command.h"
#include "pattern/score_array.h"
#include "storage_convert.h"

typedef struct convert_options {
    const char *path, *output, *scores, *layers, *steps, *tag;
    mask_options mask;
} convert_options;

/* What --scores asks for. */
typedef enum score_wish { SCORES_AS_THEY_ARE, SCORES_NONE, SCORES_F16, SCORES_F32 } score_wish;

typedef struct conversion {
    const convert_options *options;
    score_wish wish;
    number_list layers, steps;
    sparsed_pattern_set *from, *to;
} conversion;

static void add_options(convert_options *o, cli_options *list) {
    *o = (convert_options){.path = NULL};
    cli_add_operand(list, "FILE", &o->path, "pattern file (.spdp), or masks (.safetensors)");
    cli_add(list,
            (cli_option){"output", CLI_STRING, &o->output, NULL, "FILE",
                         "what to write, by its ending: .spdp, .safetensors or .json; needed"});
    cli_add(list,
            (cli_option){"scores", CLI_STRING, &o->scores, NULL, "none|f16|f32",
                         "drop the block scores, narrow them to f16, or insist on f32 (as they "
                         "are)"});
    cli_add(list, (cli_option){"layers", CLI_STRING, &o->layers, NULL, "LIST",
                               "these layers only, such as 0,4,8-11 (all)"});
    cli_add(list, (cli_option){"steps", CLI_STRING, &o->steps, NULL, "LIST",
                               "the patterns of these steps only (all)"});
    cli_add(list, (cli_option){"tag", CLI_STRING, &o->tag, NULL, "TEXT",
                               "words of your own for the file (as they are)"});
    exchange_add_mask_options(&o->mask, list);
}

static void print_help(const cli_options *list) {
    printf(
        "usage: sparsed pattern convert FILE -o FILE [OPTIONS]\n\n"
        "  .spdp         the pattern file\n"
        "  .safetensors  per pattern \"step.S.layer.N.block_mask\", U8 [B,H,nq,nk], and, if\n"
        "                it has scores, \"step.S.layer.N.block_scores\", F32; in the metadata what\n"
        "                they were built for. Read back too, but for modes window and\n"
        "                streaming, heads with ratios of their own, and padded batches\n"
        "  .json         the kept blocks as CSR: \"row_starts\" and \"blocks\", rows in the order\n"
        "                [batch][heads][q_blocks]; no scores\n"
        "Masks of other programs: a tensor \"block_mask\" (layer 0, as `sparsed attend` writes\n"
        "it) or \"step.S.layer.N.block_mask\", U8 or BOOL, with --length, --gen-length and\n"
        "--block-size.\n\n");
    cli_print_options(list, stdout);
}

static bool find_wish(const char *text, score_wish *wish, tool_error *error) {
    static const char *const names[] = {
        [SCORES_NONE] = "none", [SCORES_F16] = "f16", [SCORES_F32] = "f32"};
    *wish = SCORES_AS_THEY_ARE;
    if (!text)
        return true;
    for (int i = SCORES_NONE; i <= SCORES_F32; i++)
        if (strcmp(text, names[i]) == 0) {
            *wish = (score_wish)i;
            return true;
        }
    return tool_fail_usage(error, "--scores is '%s', not none, f16 or f32", text);
}

static bool check_options(const convert_options *o, conversion *c, tool_error *error) {
    const char *given = exchange_mask_option(&o->mask);
    if (!o->output)
        return tool_fail_usage(error, "--output is missing");
    if (!file_ends_in(o->output, ".spdp") && !file_ends_in(o->output, ".safetensors") &&
        !file_ends_in(o->output, ".json"))
        return tool_fail_usage(error,
                               "--output is '%s', which ends in none of .spdp, .safetensors "
                               "and .json",
                               o->output);
    if (given && !file_ends_in(o->path, ".safetensors"))
        return tool_fail_usage(error, "--%s goes with a .safetensors FILE, not %s", given, o->path);
    return find_wish(o->scores, &c->wish, error) &&
           pattern_check_output(o->path, o->output, error) &&
           number_list_parse("layers", o->layers, "0,4,8-11", PATTERN_MAX_LAYERS, &c->layers,
                             error) &&
           number_list_parse("steps", o->steps, "0,4,8-11", PATTERN_MAX_STEPS, &c->steps, error);
}

static bool open_source(conversion *c, tool_error *error) {
    const convert_options *o = c->options;
    const sparsed_load_options options = {.struct_size = sizeof options,
                                          .flags = SPARSED_LOAD_MAP,
                                          .layer_count = (uint32_t)c->layers.count,
                                          .layers = c->layers.numbers};
    sparsed_message message = {""};
    if (!file_ends_in(o->path, ".safetensors"))
        return pattern_check(sparsed_pattern_set_load(o->path, &options, &c->from, &message),
                             &message, error);
    c->from = exchange_read_tensors(o->path, &o->mask, error);
    return c->from != NULL;
}

/* The pattern as --scores wants it, to be released; NULL on failure. Takes the reference over. */
static sparsed_pattern *convert_scores(const conversion *c, sparsed_pattern *pattern,
                                       const sparsed_pattern_entry *e, tool_error *error) {
    sparsed_pattern *result = NULL;
    const uint32_t wanted = c->wish == SCORES_F16   ? SPARSED_F16
                            : c->wish == SCORES_F32 ? SPARSED_F32
                                                    : 0;
    if (c->wish == SCORES_AS_THEY_ARE || wanted == e->score_dtype)
        return pattern;
    if (wanted && !e->score_dtype)
        tool_fail(error, "--scores is %s, but layer %u of step %u has no block scores",
                  c->options->scores, e->layer, e->step);
    else if (wanted == SPARSED_F32)
        tool_fail(error,
                  "--scores is f32, but layer %u of step %u has %s scores: widening them "
                  "would add nothing",
                  e->layer, e->step, storage_name((sparsed_dtype)e->score_dtype));
    else
        result = score_array_retype(pattern, wanted, error);
    sparsed_pattern_release(pattern);
    return result;
}

static bool gather(conversion *c, uint32_t patterns, pattern_collection *collection,
                   tool_error *error) {
    for (uint32_t i = 0; i < patterns; i++) {
        sparsed_pattern_entry e = {.struct_size = sizeof e};
        sparsed_pattern *pattern = NULL;
        sparsed_message message = {""};
        sparsed_pattern_set_entry(c->from, i, &e);
        if (!number_list_has(&c->layers, e.layer) || !number_list_has(&c->steps, e.step))
            continue;
        if (!pattern_check(sparsed_pattern_set_get(c->from, i, &pattern, &message), &message,
                           error) ||
            !pattern_collection_add(collection, convert_scores(c, pattern, &e, error), e.layer,
                                    error))
            return false;
    }
    return true;
}

/* Every number of a list must be that of a pattern. */
static bool check_list(const char *option, const number_list *list, bool layers,
                       const pattern_collection *collection, tool_error *error) {
    for (size_t i = 0; i < list->count; i++) {
        bool found = false;
        for (size_t j = 0; j < collection->count && !found; j++) {
            sparsed_pattern_info info = {.struct_size = sizeof info};
            sparsed_pattern_describe(collection->patterns[j], &info);
            found = list->numbers[i] == (layers ? collection->layers[j] : info.step);
        }
        if (!found)
            return tool_fail(error, "--%s: FILE holds no pattern of %s %u", option,
                             layers ? "layer" : "step", list->numbers[i]);
    }
    return true;
}

static bool convert(conversion *c, tool_error *error) {
    pattern_collection collection = {.count = 0};
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    bool done = pattern_check(sparsed_pattern_set_describe(c->from, &info, NULL),
                              &(sparsed_message){""}, error) &&
                gather(c, info.patterns, &collection, error) &&
                check_list("layers", &c->layers, true, &collection, error) &&
                check_list("steps", &c->steps, false, &collection, error);
    info.creator = NULL;
    info.tag = c->options->tag ? c->options->tag : info.tag;
    if (done)
        c->to = pattern_collection_make(&collection, &info, error);
    pattern_collection_free(&collection);
    return c->to != NULL;
}

static bool write_output(const conversion *c, tool_error *error) {
    const char *output = c->options->output;
    sparsed_message message = {""};
    if (file_ends_in(output, ".safetensors"))
        return exchange_write_tensors(c->to, output, error);
    if (file_ends_in(output, ".json"))
        return exchange_write_json(c->to, output, error);
    return pattern_check(sparsed_pattern_set_save(c->to, output, &message), &message, error);
}

bool pattern_convert(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    convert_options o;
    conversion c = {.options = &o};
    bool help;
    add_options(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        print_help(&list);
        return true;
    }
    bool done = check_options(&o, &c, error) && open_source(&c, error) && convert(&c, error) &&
                write_output(&c, error);
    sparsed_pattern_set_release(c.from);
    sparsed_pattern_set_release(c.to);
    number_list_free(&c.layers);
    number_list_free(&c.steps);
    return done;
}
