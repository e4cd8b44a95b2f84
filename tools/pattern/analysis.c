/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The analysis of a set: which patterns it holds, memory, one layer after the other. */
#include "pattern/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pattern/analysis_head.h"
#include "pattern/analysis_summary.h"
#include "room.h"

static bool fail_memory(const analysis *a, tool_error *error) {
    return tool_fail(error, "no memory to analyse %zu layers of %zu heads in %zu steps", a->layers,
                     a->heads, a->steps);
}

/* Counts layers and steps: entries are sorted by step, then layer. */
static bool count_entries(const pattern_input *input, analysis *a, tool_error *error) {
    const sparsed_pattern_entry *entries = input->entries;
    for (size_t i = 0; i < input->count; i++) {
        a->steps += i == 0 || entries[i].step != entries[i - 1].step;
        a->layers += entries[i].step == entries[0].step;
    }
    if (a->steps > ANALYSIS_MAX_STEPS)
        return tool_fail(error,
                         "%s holds patterns of %zu steps: at most %d can be compared; `sparsed "
                         "pattern convert --steps` picks some",
                         input->path, a->steps, ANALYSIS_MAX_STEPS);
    return true;
}

static bool fail_uneven(const pattern_input *input, uint32_t step, tool_error *error) {
    return tool_fail(error,
                     "%s holds other layers of step %u than of step %u: they cannot be compared; "
                     "choose with --layers or --step",
                     input->path, step, input->entries[0].step);
}

/* Notes steps and layers, and that every step has the same layers. */
static bool read_entries(const pattern_input *input, analysis *a, tool_error *error) {
    const sparsed_pattern_entry *entries = input->entries;
    bool scored = true;
    a->ratio_lowest = a->ratio_highest = entries[0].ratio;
    for (size_t i = 0; i < input->count; i++) {
        size_t s = i / a->layers, l = i % a->layers;
        if (s == a->steps)
            return fail_uneven(input, entries[i].step, error);
        if (l == 0)
            a->step[s] = entries[i].step;
        if (s == 0)
            a->layer[l] = entries[i].layer;
        if (entries[i].step != a->step[s] || entries[i].layer != a->layer[l])
            return fail_uneven(input, a->step[s], error);
        scored = scored && entries[i].score_dtype != 0;
        a->ratio_lowest = fmin(a->ratio_lowest, entries[i].ratio);
        a->ratio_highest = fmax(a->ratio_highest, entries[i].ratio);
    }
    if (input->count < a->layers * a->steps)
        return fail_uneven(input, entries[input->count - 1].step, error);
    a->score_dtype = scored ? entries[0].score_dtype : 0;
    return true;
}

/* The matrices of heads, layers and file in one piece. */
static bool allocate_matrices(analysis *a) {
    uint64_t heads = (uint64_t)a->layers * a->heads, square = (uint64_t)a->steps * a->steps;
    uint64_t kinds = a->score_dtype ? 2 : 1;
    uint64_t pairs = (uint64_t)a->layers * a->heads * a->heads;
    a->of_layer = room_for(a->layers, sizeof *a->of_layer);
    a->of_head = room_for(heads, sizeof *a->of_head);
    a->numbers = room_for((heads + 1) * square * kinds + pairs, sizeof *a->numbers);
    if (!a->of_layer || !a->of_head || !a->numbers)
        return false;
    double *next = a->numbers;
    for (uint64_t h = 0; h <= heads; h++) {
        double *jaccard = next, *retained = a->score_dtype ? next + square : NULL;
        next += square * kinds;
        if (h == heads) {
            a->jaccard = jaccard;
            a->retained = retained;
        } else {
            a->of_head[h].jaccard = jaccard;
            a->of_head[h].retained = retained;
        }
    }
    for (size_t l = 0; l < a->layers; l++)
        a->of_layer[l].head_jaccard = next + l * a->heads * a->heads;
    return true;
}

/* Takes the patterns of one layer out of the set and measures them. */
static bool measure_layer(const pattern_input *input, size_t l, analysis_scratch *scratch,
                          sparsed_pattern **patterns, analysis *a, tool_error *error) {
    bool done = true;
    memset(patterns, 0, a->steps * sizeof *patterns);
    for (size_t s = 0; done && s < a->steps; s++) {
        patterns[s] = pattern_take(input, s * a->layers + l, error);
        done = patterns[s] != NULL;
    }
    for (size_t h = 0; done && h < a->heads; h++) {
        analysis_head *head = &a->of_head[l * a->heads + h];
        done = analysis_measure_head(a, patterns, (uint32_t)h, scratch, head, error);
        if (done)
            analysis_summarize_head(a, head);
    }
    if (done)
        done = analysis_measure_heads(a, patterns, scratch, &a->of_layer[l], error);
    for (size_t s = 0; s < a->steps; s++)
        sparsed_pattern_release(patterns[s]);
    return done;
}

bool analysis_make(const pattern_input *input, analysis *result, tool_error *error) {
    analysis a = {.info = input->shared, .heads = input->shared.heads};
    a.first_head = input->info.first_head;
    analysis_scratch *scratch = NULL;
    sparsed_pattern **patterns = NULL;
    bool done = false;
    if (!count_entries(input, &a, error))
        return false;
    a.step = room_for(a.steps, sizeof *a.step);
    a.layer = room_for(a.layers, sizeof *a.layer);
    patterns = room_for(a.steps, sizeof *patterns);
    if (!a.step || !a.layer || !patterns) {
        fail_memory(&a, error);
        goto cleanup;
    }
    if (!read_entries(input, &a, error))
        goto cleanup;
    scratch = analysis_scratch_create(&a);
    if (!scratch || !allocate_matrices(&a)) {
        fail_memory(&a, error);
        goto cleanup;
    }
    done = true;
    for (size_t l = 0; done && l < a.layers; l++)
        done = measure_layer(input, l, scratch, patterns, &a, error);
    if (done)
        analysis_summarize(&a);
cleanup:
    analysis_scratch_destroy(scratch);
    free(patterns);
    if (done)
        *result = a;
    else
        analysis_free(&a);
    return done;
}

void analysis_free(analysis *a) {
    free(a->step);
    free(a->layer);
    free(a->of_layer);
    free(a->of_head);
    free(a->numbers);
    *a = (analysis){.steps = 0};
}
