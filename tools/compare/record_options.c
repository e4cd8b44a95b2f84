/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/record_options.h"

#include <string.h>
#include <sys/stat.h>

#include "compare/record_file.h"
#include "compare/suite.h"
#include "file.h"
#include "storage_convert.h"
#include "utf8.h"

static void add_input_options(record_options *o, cli_options *list) {
    selection_options *s = &o->selection_words;
    *s = (selection_options){.ratio = 0.3, .block = 32};
    cli_add(list, (cli_option){"input", CLI_STRING, &o->input, NULL, "FILE",
                               "instead of the suite q, k, v and valid ranges of a safetensors "
                               "file, as `sparsed attend` reads them"});
    cli_add(list, (cli_option){"gen-length", CLI_UINT, &o->gen_length, &o->gen_length_given, "N",
                               "of --input: the last N rows are the generation region; needed"});
    cli_add(list, (cli_option){"dtype", CLI_STRING, &o->dtype, NULL, "TYPE",
                               "of --input: f32, f16 or bf16 (as the file)"});
    cli_add(list, (cli_option){"mode", CLI_STRING, &s->mode, NULL, "MODE",
                               "of --input: paper, upstream-dream, upstream-llada or joint "
                               "(upstream-dream)"});
    cli_add(list, (cli_option){"select", CLI_REAL, &s->ratio, &o->ratio_given, "RATIO",
                               "of --input: share of the key blocks to keep, in (0, 1] (0.3)"});
    cli_add(list, (cli_option){"block-size", CLI_UINT, &s->block, &s->block_given, "N",
                               "of --input: rows of query and key blocks: 16, 32, 64 or 128 (32)"});
    cli_add(list, (cli_option){"block-size-q", CLI_UINT, &s->block_q, &s->block_q_given, "N",
                               "of --input: rows of query blocks, instead of --block-size"});
    cli_add(list, (cli_option){"block-size-k", CLI_UINT, &s->block_k, &s->block_k_given, "N",
                               "of --input: rows of key blocks, instead of --block-size"});
    cli_add(list, (cli_option){"score-reduce", CLI_STRING, &s->score_reduce, NULL, "sum|max",
                               "of --input: a block's score is the sum of its probabilities, or "
                               "the largest row's (sum)"});
}

void record_options_add(record_options *o, cli_options *list) {
    *o = (record_options){.seed = SUITE_SEED};
    cli_add(list, (cli_option){"output", CLI_STRING, &o->output, NULL, "FILE",
                               "the record to write, NAME.safetensors; --device all writes "
                               "NAME.DEVICE.safetensors of each"});
    cli_add(list, (cli_option){"self-check", CLI_FLAG, &o->self_check, NULL, NULL,
                               "a quick subset of the suite; --output may be left out"});
    cli_add(list, (cli_option){"label", CLI_STRING, &o->label, NULL, "TEXT",
                               "what a report calls the record (the device's name)"});
    cli_add(list, (cli_option){"seed", CLI_UINT, &o->seed, &o->seed_given, "N",
                               "other data of the same suite, or of --input another fixed "
                               "pattern (1)"});
    add_input_options(o, list);
    device_add_options(&o->device, list);
    o->device.takes_all = true;
    cli_set_help(list, "device",
                 "all, auto, cpu or opencl[:PLATFORM[:DEVICE]], each a number or a part of its "
                 "name: opencl:NVIDIA (SPARSED_DEVICE, else auto)");
    cli_add(list, (cli_option){"json", CLI_FLAG, &o->json, NULL, NULL,
                               "print the records, without tensors, as one JSON object"});
}

/* An option that only --input uses; NULL: none was given. */
static const char *input_word(const record_options *o) {
    const selection_options *s = &o->selection_words;
    return o->gen_length_given ? "gen-length"
           : o->dtype          ? "dtype"
           : s->mode           ? "mode"
           : o->ratio_given    ? "select"
           : s->block_given    ? "block-size"
           : s->block_q_given  ? "block-size-q"
           : s->block_k_given  ? "block-size-k"
           : s->score_reduce   ? "score-reduce"
                               : NULL;
}

static bool check_input(record_options *o, tool_error *error) {
    if (o->self_check)
        return tool_fail_usage(error, "--self-check runs the suite, not --input");
    if (!o->gen_length_given)
        return tool_fail_usage(error, "--gen-length is missing: --input needs it");
    if (o->dtype && !storage_parse(o->dtype, &o->input_dtype, error))
        return false;
    if (!o->selection_words.score_reduce)
        o->selection_words.score_reduce = "sum";
    if (!selection_make(&o->selection_words, SPARSED_MODE_UPSTREAM_DREAM, &o->select, error))
        return false;
    o->select.gen_len = o->gen_length;
    return true;
}

bool record_options_check_path(const record_options *o, const char *path, tool_error *error) {
    struct stat input, output;
    if (o->input && stat(o->input, &input) == 0 && stat(path, &output) == 0 &&
        input.st_dev == output.st_dev && input.st_ino == output.st_ino)
        return tool_fail_usage(error, "--output: %s is the --input file", path);
    return file_check_writable(path, error);
}

static bool check_output(const record_options *o, tool_error *error) {
    if (!o->output)
        return o->self_check || tool_fail_usage(error, "--output is missing");
    return file_check_ending("output", o->output, RECORD_ENDING, error) &&
           (o->all || record_options_check_path(o, o->output, error));
}

bool record_options_check(record_options *o, tool_error *error) {
    o->all = o->device.device && strcmp(o->device.device, "all") == 0;
    if (o->all && o->device.kernel)
        return tool_fail_usage(error, "--kernel goes with one device, not --device all");
    if (o->label && (!o->label[0] || strlen(o->label) >= RECORD_NAME_BYTES))
        return tool_fail_usage(error, "--label is '%s', not of 1 to %d bytes", o->label,
                               RECORD_NAME_BYTES - 1);
    if (o->label && (utf8_valid_prefix(o->label, strlen(o->label)) < strlen(o->label) ||
                     utf8_has_controls(o->label)))
        return tool_fail_usage(error, "--label is not UTF-8, or has control characters");
    const char *unused = o->input ? NULL : input_word(o);
    if (unused)
        return tool_fail_usage(error, "--%s goes with --input", unused);
    if (o->input && !check_input(o, error))
        return false;
    return check_output(o, error);
}
