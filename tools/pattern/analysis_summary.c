/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Means, lowest values, classes, the order of the heads. */
#include "pattern/analysis_summary.h"

#include <math.h>
#include <stdlib.h>

/* Values of a matrix over the pairs of an earlier step s and a later one t. */
typedef struct pair_values {
    double mean, lowest, next; /* next: mean over consecutive steps */
} pair_values;

/* All NaN with one step. */
static pair_values summarize_pairs(const double *matrix, size_t steps) {
    pair_values v = {0.0, INFINITY, 0.0};
    if (steps < 2)
        return (pair_values){NAN, NAN, NAN};
    for (size_t s = 0; s < steps; s++)
        for (size_t t = s + 1; t < steps; t++) {
            v.mean += matrix[s * steps + t];
            v.lowest = fmin(v.lowest, matrix[s * steps + t]);
            v.next += t == s + 1 ? matrix[s * steps + t] : 0.0;
        }
    v.mean /= (double)steps * (double)(steps - 1) / 2.0;
    v.next /= (double)(steps - 1);
    return v;
}

/* What is lost, on the mean over s < t, because t uses the pattern of s instead of its own. */
static double reuse_loss(const double *retained, size_t steps) {
    double loss = 0.0;
    for (size_t s = 0; s < steps; s++)
        for (size_t t = s + 1; t < steps; t++)
            loss += retained[t * steps + t] - retained[s * steps + t];
    return steps < 2 ? NAN : loss / ((double)steps * (double)(steps - 1) / 2.0);
}

static analysis_class classify(const double *value) {
    double winnable = value[ANALYSIS_BEST] - value[ANALYSIS_DENSITY];
    double lead = value[ANALYSIS_COLUMN_SHARE] - value[ANALYSIS_DIAGONAL_SHARE];
    if (winnable < ANALYSIS_CLASS_LEAST || fabs(lead) <= ANALYSIS_CLASS_MARGIN * winnable)
        return ANALYSIS_MIXED;
    return lead > 0.0 ? ANALYSIS_COLUMN : ANALYSIS_DIAGONAL;
}

void analysis_summarize_head(const analysis *a, analysis_head *head) {
    pair_values jaccard = summarize_pairs(head->jaccard, a->steps);
    head->value[ANALYSIS_JACCARD_NEXT] = jaccard.next;
    head->value[ANALYSIS_JACCARD_FIRST_LAST] = a->steps < 2 ? NAN : head->jaccard[a->steps - 1];
    head->value[ANALYSIS_JACCARD_LOWEST] = jaccard.lowest;
    head->value[ANALYSIS_JACCARD_MEAN] = jaccard.mean;
    if (!head->retained) {
        for (size_t m = ANALYSIS_RETAINED_MEAN; m < ANALYSIS_MEASURES; m++)
            head->value[m] = NAN;
        head->class = ANALYSIS_NO_CLASS;
        return;
    }
    pair_values retained = summarize_pairs(head->retained, a->steps);
    head->value[ANALYSIS_RETAINED_MEAN] = retained.mean;
    head->value[ANALYSIS_RETAINED_LOWEST] = retained.lowest;
    head->value[ANALYSIS_REUSE_LOSS] = reuse_loss(head->retained, a->steps);
    head->class = classify(head->value);
}

/* Mean over pairs of different heads. */
static double mean_of_heads(const double *matrix, size_t heads) {
    double sum = 0.0;
    for (size_t g = 0; g < heads; g++)
        for (size_t h = g + 1; h < heads; h++)
            sum += matrix[g * heads + h];
    return heads < 2 ? NAN : sum / ((double)heads * (double)(heads - 1) / 2.0);
}

static void summarize_layer(const analysis *a, const analysis_head *heads, analysis_layer *layer) {
    for (size_t m = 0; m < ANALYSIS_MEASURES; m++)
        for (size_t h = 0; h < a->heads; h++)
            layer->value[m] += heads[h].value[m] / (double)a->heads;
    for (size_t h = 0; h < a->heads; h++)
        layer->classes[heads[h].class]++;
    layer->head_mean = mean_of_heads(layer->head_jaccard, a->heads);
}

void analysis_summarize(analysis *a) {
    double count = (double)a->layers * (double)a->heads;
    for (size_t l = 0; l < a->layers; l++) {
        analysis_layer *layer = &a->of_layer[l];
        summarize_layer(a, a->of_head + l * a->heads, layer);
        for (size_t m = 0; m < ANALYSIS_MEASURES; m++)
            a->value[m] += layer->value[m] / (double)a->layers;
        for (size_t c = 0; c < ANALYSIS_CLASSES; c++)
            a->classes[c] += layer->classes[c];
        a->head_mean += layer->head_mean / (double)a->layers;
    }
    for (size_t h = 0; h < a->layers * a->heads; h++)
        for (size_t i = 0; i < a->steps * a->steps; i++) {
            a->jaccard[i] += a->of_head[h].jaccard[i] / count;
            if (a->retained)
                a->retained[i] += a->of_head[h].retained[i] / count;
        }
}

typedef struct ranked_head {
    double value;
    size_t index;
} ranked_head;

static int by_value(const void *a, const void *b) {
    const ranked_head *x = a, *y = b;
    if (isnan(x->value) != isnan(y->value))
        return isnan(x->value) ? 1 : -1;
    if (x->value != y->value && !isnan(x->value))
        return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

size_t *analysis_least_stable(const analysis *a, analysis_measure measure, size_t top,
                              size_t *count) {
    double sign = measure == ANALYSIS_REUSE_LOSS ? -1.0 : 1.0;
    size_t heads = a->layers * a->heads;
    *count = top < heads ? top : heads;
    ranked_head *ranked = malloc(heads * sizeof *ranked);
    size_t *list = malloc((*count ? *count : 1) * sizeof *list);
    if (ranked && list) {
        for (size_t h = 0; h < heads; h++)
            ranked[h] = (ranked_head){sign * a->of_head[h].value[measure], h};
        qsort(ranked, heads, sizeof *ranked, by_value);
        for (size_t i = 0; i < *count; i++)
            list[i] = ranked[i].index;
    } else {
        free(list);
        list = NULL;
    }
    free(ranked);
    return list;
}

const char *analysis_class_name(analysis_class class) {
    static const char *const names[ANALYSIS_CLASSES] = {"-", "column", "diagonal", "mixed"};
    return names[class];
}
