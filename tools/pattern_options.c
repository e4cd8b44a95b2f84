/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "pattern_options.h"

#include <sparsed/sparsed.h>

#include <string.h>

#include "file.h"
#include "utf8.h"

enum { MAX_TAG_BYTES = 4095 };

static void watch(cli_options *list, const char *name, bool *given) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->option[i].name, name) == 0)
            list->option[i].given = given;
}

void pattern_options_add(pattern_options *o, cli_options *list) {
    *o = (pattern_options){.in = NULL};
    watch(list, "select", &o->select_given);
    watch(list, "score-reduce", &o->score_reduce_given);
    watch(list, "keep-first", &o->keep_first_given);
    cli_add(list,
            (cli_option){"pattern-in", CLI_STRING, &o->in, NULL, "FILE",
                         "take the patterns of this file: schedule warm, and what the selection's "
                         "options say comes from the file. It must be for as many prompt and "
                         "generated tokens, and for this model: config.json and every byte of the "
                         "weights are compared, the tokenizer is not. Patterns of another prompt "
                         "are taken with a note; they may well give a wrong answer"});
    cli_add(list, (cli_option){"pattern-out", CLI_STRING, &o->out, NULL, "FILE",
                               "save the patterns of the last build, of the first method that "
                               "builds any; FILE ends in .spdp, and a symbolic link there is "
                               "replaced, not followed"});
    cli_add(list, (cli_option){"pattern-out-steps", CLI_STRING, &o->out_steps, NULL, "LIST",
                               "with --pattern-out: run dense, and save the patterns that each of "
                               "these steps, counted from 0, would choose: 0,8,16-24 or all"});
    cli_add(list,
            (cli_option){"pattern-scores", CLI_STRING, &o->scores, NULL, "TYPE",
                         "with --pattern-out: save block scores too, so that `sparsed pattern "
                         "rethreshold` can choose anew: none, f16 or f32 (none; f16 with "
                         "--pattern-out-steps)"});
    cli_add(list, (cli_option){"pattern-tag", CLI_STRING, &o->tag, NULL, "TEXT",
                               "with --pattern-out: a text to put into the file"});
    cli_add(list,
            (cli_option){"pattern-cache", CLI_STRING, &o->cache, NULL, "DIR",
                         "take the patterns from this folder if a run with the same model "
                         "(config.json, every byte of the weights), prompt and options left them "
                         "there, else build and save them; several processes may share a folder"});
}

/* A word that needs another one. */
static bool check_company(const pattern_options *o, tool_error *error) {
    const char *alone = o->out_steps ? "out-steps" : o->scores ? "scores" : o->tag ? "tag" : NULL;
    if (alone && !o->out)
        return tool_fail_usage(error, "--pattern-%s goes with --pattern-out FILE", alone);
    if (o->in && o->out)
        return tool_fail_usage(error, "--pattern-out: a run with --pattern-in builds no patterns, "
                                      "so it has none to save");
    if (o->cache && (o->in || o->out))
        return tool_fail_usage(error,
                               "--pattern-cache and --pattern-%s: give one of them; what the "
                               "folder holds are pattern files too",
                               o->in ? "in" : "out");
    return true;
}

static bool check_values(const pattern_options *o, tool_error *error) {
    const char *const paths[][2] = {
        {"in", o->in}, {"out", o->out}, {"out-steps", o->out_steps}, {"cache", o->cache}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i][1] && !paths[i][1][0])
            return tool_fail_usage(error, "--pattern-%s is empty", paths[i][0]);
    if (o->out && !file_check_ending("pattern-out", o->out, ".spdp", error))
        return false;
    if (o->scores && strcmp(o->scores, "none") != 0 && strcmp(o->scores, "f16") != 0 &&
        strcmp(o->scores, "f32") != 0)
        return tool_fail_usage(error, "--pattern-scores is '%s', not none, f16 or f32", o->scores);
    size_t size = o->tag ? strlen(o->tag) : 0;
    if (size > MAX_TAG_BYTES)
        return tool_fail_usage(error, "--pattern-tag has %zu bytes, more than %d", size,
                               MAX_TAG_BYTES);
    if (o->tag && utf8_valid_prefix(o->tag, size) != size)
        return tool_fail_usage(error, "--pattern-tag is not valid UTF-8 at byte %zu",
                               utf8_valid_prefix(o->tag, size));
    return true;
}

/* NULL for a schedule that takes one pattern a layer and keeps it to the end. */
static const char *why_not_cached(const char *schedule) {
    if (strcmp(schedule, "rebuild") == 0)
        return "it builds anew in every step";
    if (strncmp(schedule, "window:", 7) == 0)
        return "it is there to measure which steps matter, with patterns of its own";
    if (strcmp(schedule, "warm") == 0)
        return "on the first run there are no patterns to start with";
    if (strcmp(schedule, "dense") == 0)
        return "it uses no patterns";
    return NULL;
}

static bool check_schedule(const pattern_options *o, const char *schedule, bool skip_given,
                           tool_error *error) {
    bool warm = schedule && strcmp(schedule, "warm") == 0;
    if (o->out_steps && (schedule || skip_given))
        return tool_fail_usage(error,
                               "--%s does not go with --pattern-out-steps: that run is dense",
                               schedule ? "schedule" : "skip");
    if (o->in && schedule && !warm)
        return tool_fail_usage(error, "--schedule is %s: with --pattern-in it is warm", schedule);
    if (o->cache && schedule && why_not_cached(schedule))
        return tool_fail_usage(error, "--pattern-cache does not go with --schedule %s: %s",
                               schedule, why_not_cached(schedule));
    if (warm && !o->in)
        return tool_fail_usage(error, "--schedule warm needs --pattern-in FILE");
    return true;
}

bool pattern_options_check(const pattern_options *o, const char *schedule, bool skip_given,
                           tool_error *error) {
    return check_company(o, error) && check_values(o, error) &&
           check_schedule(o, schedule, skip_given, error);
}

uint32_t pattern_options_score_dtype(const pattern_options *o) {
    const char *scores = o->scores ? o->scores : o->out_steps ? "f16" : "none";
    return strcmp(scores, "f16") == 0 ? SPARSED_F16 : strcmp(scores, "f32") == 0 ? SPARSED_F32 : 0;
}
