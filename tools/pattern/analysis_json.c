/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The analysis as one JSON object. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_print.h"
#include "pattern/analysis_report.h"
#include "selection.h"
#include "utf8.h"

static const char *const keys[ANALYSIS_MEASURES] = {[ANALYSIS_DENSITY] = "density",
                                                    [ANALYSIS_JACCARD_NEXT] = "jaccard_consecutive",
                                                    [ANALYSIS_JACCARD_FIRST_LAST] =
                                                        "jaccard_first_last",
                                                    [ANALYSIS_JACCARD_LOWEST] = "jaccard_lowest",
                                                    [ANALYSIS_JACCARD_MEAN] = "jaccard_mean",
                                                    [ANALYSIS_RETAINED_MEAN] = "retained_mean",
                                                    [ANALYSIS_RETAINED_LOWEST] = "retained_lowest",
                                                    [ANALYSIS_REUSE_LOSS] = "reuse_loss",
                                                    [ANALYSIS_OWN] = "share_own",
                                                    [ANALYSIS_BEST] = "share_best",
                                                    [ANALYSIS_WINDOW] = "share_window",
                                                    [ANALYSIS_COLUMN_SHARE] = "share_column",
                                                    [ANALYSIS_DIAGONAL_SHARE] = "share_diagonal"};

/* NaN becomes null. */
static cJSON *number(double value) {
    return cJSON_CreateNumber(round(value * 1e6) / 1e6);
}

static void add_number(cJSON *to, const char *key, double value) {
    cJSON_AddItemToObject(to, key, number(value));
}

static void add_values(cJSON *to, const double *values) {
    for (size_t m = 0; m < ANALYSIS_MEASURES; m++)
        add_number(to, keys[m], values[m]);
}

/* matrix NULL: null. */
static void add_matrix(cJSON *to, const char *key, const double *matrix, size_t side) {
    if (!matrix) {
        cJSON_AddNullToObject(to, key);
        return;
    }
    cJSON *rows = cJSON_AddArrayToObject(to, key);
    for (size_t r = 0; r < side; r++) {
        cJSON *row = cJSON_CreateArray();
        for (size_t c = 0; c < side; c++)
            cJSON_AddItemToArray(row, number(matrix[r * side + c]));
        cJSON_AddItemToArray(rows, row);
    }
}

static void add_list(cJSON *to, const char *key, const uint32_t *list, size_t count) {
    cJSON *items = cJSON_AddArrayToObject(to, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(items, cJSON_CreateNumber(list[i]));
}

static void add_classes(const analysis *a, cJSON *to, const size_t *classes) {
    cJSON *counts = a->score_dtype ? cJSON_AddObjectToObject(to, "classes") : NULL;
    if (!counts) {
        cJSON_AddNullToObject(to, "classes");
        return;
    }
    for (int c = ANALYSIS_COLUMN; c < ANALYSIS_CLASSES; c++)
        cJSON_AddNumberToObject(counts, analysis_class_name((analysis_class)c), (double)classes[c]);
}

static void add_settings(const analysis *a, cJSON *to) {
    const sparsed_pattern_info *info = &a->info;
    cJSON_AddStringToObject(to, "mode",
                            info->mode == 0 ? "not known" : selection_mode_name(info->mode));
    add_number(to, "ratio_lowest", a->ratio_lowest);
    add_number(to, "ratio_highest", a->ratio_highest);
    cJSON_AddNumberToObject(to, "block_size_q", info->block_q);
    cJSON_AddNumberToObject(to, "block_size_k", info->block_k);
    cJSON_AddNumberToObject(to, "batch", info->batch);
    cJSON_AddNumberToObject(to, "q_len", (double)info->q_len);
    cJSON_AddNumberToObject(to, "kv_len", (double)info->kv_len);
    cJSON_AddNumberToObject(to, "gen_length", (double)info->gen_len);
    cJSON_AddStringToObject(to, "score_reduce",
                            info->score_reduce == SPARSED_REDUCE_MAX ? "max" : "sum");
    cJSON_AddStringToObject(to, "scores",
                            a->score_dtype == 0             ? "none"
                            : a->score_dtype == SPARSED_F16 ? "f16"
                                                            : "f32");
    add_list(to, "steps", a->step, a->steps);
    add_list(to, "layers", a->layer, a->layers);
    cJSON_AddNumberToObject(to, "heads", (double)a->heads);
    cJSON_AddNumberToObject(to, "first_head", a->first_head);
    cJSON *rule = cJSON_AddObjectToObject(to, "class_rule");
    add_number(rule, "margin", ANALYSIS_CLASS_MARGIN);
    add_number(rule, "least", ANALYSIS_CLASS_LEAST);
    cJSON_AddNumberToObject(rule, "sink_tokens", ANALYSIS_SINK_TOKENS);
    cJSON *notes = cJSON_AddArrayToObject(to, "notes");
    for (size_t i = 0; analysis_note(a, i); i++)
        cJSON_AddItemToArray(notes, cJSON_CreateString(analysis_note(a, i)));
}

static void add_file_means(const analysis *a, cJSON *root) {
    cJSON *all = cJSON_AddObjectToObject(root, "all");
    add_values(all, a->value);
    add_number(all, "jaccard_of_heads", a->head_mean);
    add_classes(a, all, a->classes);
    add_matrix(all, "jaccard", a->jaccard, a->steps);
    add_matrix(all, "retained", a->retained, a->steps);
}

static void add_layers(const analysis *a, cJSON *root) {
    cJSON *layers = cJSON_AddArrayToObject(root, "per_layer");
    for (size_t l = 0; l < a->layers; l++) {
        const analysis_layer *layer = &a->of_layer[l];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "layer", a->layer[l]);
        add_values(o, layer->value);
        add_number(o, "jaccard_of_heads", layer->head_mean);
        add_classes(a, o, layer->classes);
        add_matrix(o, "head_jaccard", layer->head_jaccard, a->heads);
        cJSON_AddItemToArray(layers, o);
    }
}

/* Layer and head of an index into of_head. */
static cJSON *head_object(const analysis *a, size_t index) {
    cJSON *o = cJSON_CreateObject();
    const size_t layer = index / a->heads;
    cJSON_AddNumberToObject(o, "layer", a->layer[layer]);
    cJSON_AddNumberToObject(o, "head", (double)(index % a->heads));
    return o;
}

static void add_heads(const analysis *a, cJSON *root) {
    cJSON *heads = cJSON_AddArrayToObject(root, "per_head");
    for (size_t i = 0; i < a->layers * a->heads; i++) {
        const analysis_head *head = &a->of_head[i];
        cJSON *o = head_object(a, i);
        if (head->class == ANALYSIS_NO_CLASS)
            cJSON_AddNullToObject(o, "class");
        else
            cJSON_AddStringToObject(o, "class", analysis_class_name(head->class));
        add_values(o, head->value);
        add_matrix(o, "jaccard", head->jaccard, a->steps);
        add_matrix(o, "retained", head->retained, a->steps);
        cJSON_AddItemToArray(heads, o);
    }
}

/* `known`: the measure can be told; the list is empty otherwise. */
static bool add_least_stable(const analysis *a, analysis_measure measure, bool known, size_t top,
                             cJSON *to, tool_error *error) {
    cJSON *items = cJSON_AddArrayToObject(to, keys[measure]);
    size_t count, *list = analysis_least_stable(a, measure, known ? top : 0, &count);
    if (!list)
        return tool_fail(error, "no memory to order %zu heads", a->layers * a->heads);
    for (size_t i = 0; i < count; i++) {
        cJSON *o = head_object(a, list[i]);
        add_number(o, keys[measure], a->of_head[list[i]].value[measure]);
        cJSON_AddItemToArray(items, o);
    }
    free(list);
    return true;
}

bool analysis_print_json(const analysis *a, const char *path, size_t top, tool_error *error) {
    char *name = utf8_repair(path, strlen(path));
    if (!name)
        return tool_fail(error, "out of memory for the JSON output");
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "file", name);
    free(name);
    add_settings(a, root);
    add_file_means(a, root);
    add_layers(a, root);
    add_heads(a, root);
    cJSON *least = cJSON_AddObjectToObject(root, "least_stable");
    bool steps = a->steps > 1, scores = a->score_dtype != 0;
    if (add_least_stable(a, ANALYSIS_RETAINED_MEAN, steps && scores, top, least, error) &&
        add_least_stable(a, ANALYSIS_REUSE_LOSS, steps && scores, top, least, error) &&
        add_least_stable(a, ANALYSIS_JACCARD_MEAN, steps, top, least, error))
        return json_print(root, error);
    cJSON_Delete(root);
    return false;
}
