/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed pattern rethreshold`: chooses the blocks anew from the stored scores. */
#include <stdio.h>

#include "file.h"
#include "pattern/collection.h"
#include "pattern/load.h"
#include "pattern/pattern_command.h"

typedef struct rethreshold_options {
    const char *path, *output;
    double ratio;
    bool ratio_given;
} rethreshold_options;

static void add_options(rethreshold_options *o, cli_options *list) {
    *o = (rethreshold_options){.path = NULL};
    cli_add_operand(list, "FILE", &o->path, "pattern file (.spdp) with block scores");
    cli_add(list, (cli_option){"output", CLI_STRING, &o->output, NULL, "FILE",
                               "pattern file (.spdp) to write; needed"});
    cli_add(list, (cli_option){"select", CLI_REAL, &o->ratio, &o->ratio_given, "RATIO",
                               "share of the key blocks to keep, in (0, 1]; needed"});
}

static bool check_options(const rethreshold_options *o, tool_error *error) {
    if (!o->output || !o->ratio_given)
        return tool_fail_usage(error, "--%s is missing", o->output ? "select" : "output");
    if (!file_check_ending("output", o->output, ".spdp", error))
        return false;
    if (!(o->ratio > 0.0 && o->ratio <= 1.0))
        return tool_fail_usage(error, "--select is %g, not in (0, 1]", o->ratio);
    return pattern_check_output(o->path, o->output, error);
}

static sparsed_pattern *choose_anew(const pattern_input *in, size_t i, double ratio,
                                    tool_error *error) {
    sparsed_pattern *result = NULL;
    sparsed_message message = {""};
    sparsed_pattern *pattern = pattern_take(in, i, error);
    if (pattern)
        pattern_check(sparsed_pattern_rethreshold(pattern, &ratio, 1, &result, &message), &message,
                      error);
    sparsed_pattern_release(pattern);
    return result;
}

static bool check_scores(const pattern_input *in, tool_error *error) {
    for (size_t i = 0; i < in->count; i++)
        if (!in->entries[i].score_dtype)
            return tool_fail(error,
                             "%s: layer %u of step %u has no block scores; `sparsed generate "
                             "--pattern-out FILE --pattern-scores f16` stores them",
                             in->path, in->entries[i].layer, in->entries[i].step);
    return true;
}

static bool rethreshold(const rethreshold_options *o, const pattern_input *in, tool_error *error) {
    pattern_collection collection = {.count = 0};
    sparsed_pattern_set_info info = in->info;
    sparsed_pattern_set *set = NULL;
    sparsed_message message = {""};
    bool done = false;
    for (size_t i = 0; i < in->count; i++)
        if (!pattern_collection_add(&collection, choose_anew(in, i, o->ratio, error),
                                    in->entries[i].layer, error))
            goto done;
    info.creator = NULL;
    info.ratio = o->ratio;
    set = pattern_collection_make(&collection, &info, error);
    done =
        set && pattern_check(sparsed_pattern_set_save(set, o->output, &message), &message, error);
done:
    sparsed_pattern_set_release(set);
    pattern_collection_free(&collection);
    return done;
}

bool pattern_rethreshold(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    rethreshold_options o;
    pattern_input in;
    bool help;
    add_options(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        printf(
            "usage: sparsed pattern rethreshold FILE -o FILE --select RATIO\n\n"
            "Chooses the blocks of all patterns anew: what a build with another ratio would have\n"
            "given, exactly from f32 scores, up to ties of rounding from f16.\n\n");
        cli_print_options(&list, stdout);
        return true;
    }
    if (!check_options(&o, error) || !pattern_open(o.path, NULL, &in, error))
        return false;
    bool done = check_scores(&in, error) && rethreshold(&o, &in, error);
    pattern_close(&in);
    return done;
}
