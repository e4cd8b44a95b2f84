/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "selection.h"

#include <string.h>

static const char *const mode_names[] = {[SPARSED_MODE_PAPER] = "paper",
                                         [SPARSED_MODE_UPSTREAM_DREAM] = "upstream-dream",
                                         [SPARSED_MODE_UPSTREAM_LLADA] = "upstream-llada",
                                         [SPARSED_MODE_JOINT] = "joint",
                                         [SPARSED_MODE_WINDOW] = "window",
                                         [SPARSED_MODE_STREAMING] = "streaming"};

const char *selection_mode_name(uint32_t mode) {
    return mode >= SPARSED_MODE_PAPER && mode <= SPARSED_MODE_STREAMING ? mode_names[mode]
                                                                        : "unknown";
}

void selection_add_options(selection_options *s, const char *default_mode, cli_options *options) {
    *s = (selection_options){.score_reduce = "sum", .ratio = 0.3, .block = 32, .sinks = 4};
    cli_add(options, (cli_option){"mode", CLI_STRING, &s->mode, NULL, "MODE", default_mode});
    cli_add(options, (cli_option){"select", CLI_REAL, &s->ratio, NULL, "RATIO",
                                  "share of the key blocks to keep, in (0, 1] (0.3)"});
    cli_add(options, (cli_option){"block-size", CLI_UINT, &s->block, &s->block_given, "N",
                                  "rows of query and key blocks: 16, 32, 64 or 128 (32)"});
    cli_add(options, (cli_option){"block-size-q", CLI_UINT, &s->block_q, &s->block_q_given, "N",
                                  "rows of query blocks, instead of --block-size"});
    cli_add(options, (cli_option){"block-size-k", CLI_UINT, &s->block_k, &s->block_k_given, "N",
                                  "rows of key blocks, instead of --block-size"});
    cli_add(options, (cli_option){"score-reduce", CLI_STRING, &s->score_reduce, NULL, "sum|max",
                                  "a block's score: the sum of its probabilities, or the largest "
                                  "row's (sum)"});
    cli_add(options, (cli_option){"dense-generation-rows", CLI_FLAG, &s->dense_generation_rows,
                                  NULL, NULL, "query blocks with a generation row keep all keys"});
    cli_add(options, (cli_option){"keep-first", CLI_UINT, &s->keep_first, NULL, "N",
                                  "every query block keeps the first N key blocks besides (0)"});
    cli_add(options, (cli_option){"keep-diagonal", CLI_FLAG, &s->keep_diagonal, NULL, NULL,
                                  "... and the key blocks of its own rows"});
    cli_add(options, (cli_option){"keep-generation", CLI_FLAG, &s->keep_generation, NULL, NULL,
                                  "... and the key blocks that begin in the generation region"});
    cli_add(options, (cli_option){"score-scale", CLI_REAL, &s->score_scale, &s->score_scale_given,
                                  "X", "scale of the logits that rank blocks (as the mode says)"});
    cli_add(options, (cli_option){"window", CLI_UINT, &s->window, &s->window_given, "N",
                                  "window and streaming attention: keys on either side (as many as "
                                  "give the density of --select)"});
    cli_add(options, (cli_option){"sinks", CLI_UINT, &s->sinks, &s->sinks_given, "N",
                                  "streaming attention: first keys always kept (4)"});
}

bool selection_check_used(const selection_options *s, bool with_sparsed, bool with_window,
                          bool with_streaming, const char *attention, tool_error *error) {
    if (s->mode && !with_sparsed)
        return tool_fail_usage(error, "--mode goes with --attention sparsed, not %s", attention);
    const char *unused = s->keep_first > 0           ? "keep-first"
                         : s->keep_diagonal          ? "keep-diagonal"
                         : s->keep_generation        ? "keep-generation"
                         : s->dense_generation_rows  ? "dense-generation-rows"
                         : s->score_scale_given      ? "score-scale"
                         : s->score_reduce[0] != 's' ? "score-reduce"
                                                     : NULL;
    if (unused && !with_sparsed)
        return tool_fail_usage(error, "--%s goes with --attention sparsed, not %s", unused,
                               attention);
    if (s->window_given && !with_window && !with_streaming)
        return tool_fail_usage(error, "--window goes with --attention window or streaming, not %s",
                               attention);
    if (s->sinks_given && !with_streaming)
        return tool_fail_usage(error, "--sinks goes with --attention streaming, not %s", attention);
    return true;
}

static bool find_mode(const char *name, uint32_t *mode, tool_error *error) {
    for (uint32_t i = SPARSED_MODE_PAPER; i <= SPARSED_MODE_JOINT; i++)
        if (strcmp(name, mode_names[i]) == 0) {
            *mode = i;
            return true;
        }
    return tool_fail_usage(error,
                           "--mode is '%s', not paper, upstream-dream, upstream-llada or "
                           "joint",
                           name);
}

static bool find_block(const char *name, uint64_t rows, uint32_t *block, tool_error *error) {
    if (rows != 16 && rows != 32 && rows != 64 && rows != 128)
        return tool_fail_usage(error, "--%s is %llu, not 16, 32, 64 or 128", name,
                               (unsigned long long)rows);
    *block = (uint32_t)rows;
    return true;
}

bool selection_make(const selection_options *s, uint32_t default_mode, sparsed_select *select,
                    tool_error *error) {
    *select = (sparsed_select)SPARSED_SELECT_INIT;
    select->mode = default_mode;
    if (s->mode && !find_mode(s->mode, &select->mode, error))
        return false;
    if (!(s->ratio > 0.0 && s->ratio <= 1.0))
        return tool_fail_usage(error, "--select is %g, not in (0, 1]", s->ratio);
    if (s->score_scale_given && s->score_scale <= 0.0)
        return tool_fail_usage(error, "--score-scale is %g, not above 0", s->score_scale);
    if (s->keep_first > UINT32_MAX)
        return tool_fail_usage(error, "--keep-first is %llu, above %u",
                               (unsigned long long)s->keep_first, UINT32_MAX);
    if (strcmp(s->score_reduce, "sum") != 0 && strcmp(s->score_reduce, "max") != 0)
        return tool_fail_usage(error, "--score-reduce is '%s', not sum or max", s->score_reduce);
    if (!find_block(s->block_q_given ? "block-size-q" : "block-size",
                    s->block_q_given ? s->block_q : s->block, &select->block_q, error) ||
        !find_block(s->block_k_given ? "block-size-k" : "block-size",
                    s->block_k_given ? s->block_k : s->block, &select->block_k, error))
        return false;
    select->ratio = s->ratio;
    select->score_scale = s->score_scale;
    select->always_first = (uint32_t)s->keep_first;
    select->score_reduce = s->score_reduce[0] == 'm' ? SPARSED_REDUCE_MAX : SPARSED_REDUCE_SUM;
    select->flags = (s->dense_generation_rows ? SPARSED_SELECT_DENSE_GENERATION_ROWS : 0u) |
                    (s->keep_diagonal ? SPARSED_SELECT_KEEP_DIAGONAL : 0u) |
                    (s->keep_generation ? SPARSED_SELECT_KEEP_GENERATION : 0u);
    return true;
}
