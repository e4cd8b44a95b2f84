/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "pattern_in.h"
#include "../src/number_text.h"

#include <stdio.h>
#include <string.h>

sparsed_pattern_set *pattern_in_load(const char *path, tool_error *error) {
    sparsed_pattern_set *set = NULL;
    sparsed_message message;
    if (sparsed_pattern_set_load(path, NULL, &set, &message) != SPARSED_OK)
        tool_fail(error, "%s", message.text);
    return set;
}

static bool refuse_text(const char *path, const char *option, const char *given, const char *files,
                        tool_error *error) {
    return tool_fail_usage(error, "--%s is %s, but %s was built with %s", option, given, path,
                           files);
}

static bool same_uint(const char *path, const char *option, bool given, uint64_t value,
                      uint64_t files, tool_error *error) {
    char texts[2][24];
    if (!given || value == files)
        return true;
    snprintf(texts[0], sizeof texts[0], "%llu", (unsigned long long)value);
    snprintf(texts[1], sizeof texts[1], "%llu", (unsigned long long)files);
    return refuse_text(path, option, texts[0], texts[1], error);
}

static bool same_real(const char *path, const char *option, bool given, double value, double files,
                      tool_error *error) {
    if (!given || value == files)
        return true;
    return refuse_text(path, option, spd_number_text_of(value).text, spd_number_text_of(files).text,
                       error);
}

static bool same_blocks(const char *path, const selection_options *s,
                        const sparsed_pattern_info *file, tool_error *error) {
    return same_uint(path, "block-size-q", s->block_q_given, s->block_q, file->block_q, error) &&
           same_uint(path, "block-size-k", s->block_k_given, s->block_k, file->block_k, error) &&
           same_uint(path, "block-size", s->block_given && !s->block_q_given, s->block,
                     file->block_q, error) &&
           same_uint(path, "block-size", s->block_given && !s->block_k_given, s->block,
                     file->block_k, error);
}

/* An option that adds blocks, and that the file was built without. */
static bool has_flag(const char *path, const char *option, bool given, uint32_t flags,
                     uint32_t flag, tool_error *error) {
    if (!given || (flags & flag) != 0)
        return true;
    return tool_fail_usage(error, "--%s is given, but %s was built without it", option, path);
}

static bool same_flags(const char *path, const selection_options *s, uint32_t flags,
                       tool_error *error) {
    return has_flag(path, "dense-generation-rows", s->dense_generation_rows, flags,
                    SPARSED_SELECT_DENSE_GENERATION_ROWS, error) &&
           has_flag(path, "keep-diagonal", s->keep_diagonal, flags, SPARSED_SELECT_KEEP_DIAGONAL,
                    error) &&
           has_flag(path, "keep-generation", s->keep_generation, flags,
                    SPARSED_SELECT_KEEP_GENERATION, error);
}

/* Layers may have ratios of their own. */
static bool same_ratios(const sparsed_pattern_set *set, uint32_t patterns, const char *path,
                        double ratio, tool_error *error) {
    for (uint32_t i = 0; i < patterns; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        sparsed_pattern_set_entry(set, i, &entry);
        if (entry.ratio == ratio)
            continue;
        return tool_fail_usage(error, "--select is %s, but layer %u of %s was built with %s",
                               spd_number_text_of(ratio).text, entry.layer, path,
                               spd_number_text_of(entry.ratio).text);
    }
    return true;
}

static bool same_ranking(const sparsed_pattern_set *set, uint32_t patterns, const char *path,
                         const pattern_in_words *words, const sparsed_pattern_info *file,
                         tool_error *error) {
    const selection_options *s = words->selection;
    const char *reduce = file->score_reduce == SPARSED_REDUCE_MAX ? "max" : "sum";
    if (s->mode && strcmp(s->mode, selection_mode_name(file->mode)) != 0)
        return refuse_text(path, "mode", s->mode, selection_mode_name(file->mode), error);
    if (words->given->score_reduce_given && strcmp(s->score_reduce, reduce) != 0)
        return refuse_text(path, "score-reduce", s->score_reduce, reduce, error);
    return same_uint(path, "keep-first", words->given->keep_first_given, s->keep_first,
                     file->always_first, error) &&
           same_real(path, "score-scale", s->score_scale_given, s->score_scale, file->score_scale,
                     error) &&
           same_flags(path, s, file->flags, error) &&
           (!words->given->select_given || same_ratios(set, patterns, path, s->ratio, error));
}

static bool same_window(const char *path, const selection_options *s,
                        const sparsed_pattern_info *file, tool_error *error) {
    return same_uint(path, "window", s->window_given, s->window, file->window, error) &&
           (file->mode != SPARSED_MODE_STREAMING ||
            same_uint(path, "sinks", s->sinks_given, s->sinks, file->sinks, error));
}

static bool is_fixed(uint32_t mode) {
    return mode == SPARSED_MODE_WINDOW || mode == SPARSED_MODE_STREAMING;
}

static bool fits_method(const char *path, method_kind kind, uint32_t mode, tool_error *error) {
    method_kind wanted = mode == SPARSED_MODE_WINDOW      ? METHOD_WINDOW
                         : mode == SPARSED_MODE_STREAMING ? METHOD_STREAMING
                                                          : METHOD_SPARSED;
    return kind == wanted || tool_fail_usage(error,
                                             "--attention is %s, but the patterns of %s go with "
                                             "%s (mode %s)",
                                             method_name(kind), path, method_name(wanted),
                                             mode ? selection_mode_name(mode) : "not known");
}

/* A mask that a caller made (mode 0) says nothing of a ranking: the method's own words stay. */
static void take_selection(const sparsed_pattern_info *file, sparsed_select *select) {
    select->block_q = file->block_q;
    select->block_k = file->block_k;
    select->window = file->window;
    select->sinks = file->sinks;
    if (file->mode == 0 || is_fixed(file->mode))
        return;
    select->mode = file->mode;
    select->flags = file->flags;
    select->score_reduce = file->score_reduce;
    select->always_first = file->always_first;
    select->score_scale = file->score_scale;
    select->ratio = file->ratio;
}

bool pattern_in_use(const sparsed_pattern_set *set, const char *path, const pattern_in_words *words,
                    method_plan *plan, tool_error *error) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern_info file = {.struct_size = sizeof file};
    sparsed_pattern_set_describe(set, &info, &file);
    bool fixed = is_fixed(file.mode);
    if (!fits_method(path, plan->kind, file.mode, error) ||
        !same_blocks(path, words->selection, &file, error) ||
        (fixed && !same_window(path, words->selection, &file, error)) ||
        (!fixed && file.mode != 0 && !same_ranking(set, info.patterns, path, words, &file, error)))
        return false;
    take_selection(&file, &plan->select);
    plan->patterns = set;
    plan->schedule = "warm";
    return true;
}
