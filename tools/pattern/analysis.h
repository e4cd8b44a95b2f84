/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The structure of a model's patterns: how alike they are from step to step and from head to head,
 * and what shape they have. Over all batches and query blocks of a head:
 *   Jaccard        kept by both / kept by either; 1 if neither keeps any
 *   retained mass  (s, t): share of step t's scores that step s's pattern keeps; 1 if they are 0
 * and, with as many blocks in each row as the pattern keeps there, the share of the scores in
 *   own       the pattern itself
 *   best      the row's largest scores
 *   window    the first key blocks (4 tokens), then those nearest the diagonal
 *   column    the key blocks with the head's largest column sums, the same for all rows
 *   diagonal  the key blocks nearest the diagonal
 * each as the mean over the steps. Scores are those of the softmax over all keys; one that is not a
 * positive, finite number counts as 0.
 */
#ifndef TOOLS_PATTERN_ANALYSIS_H
#define TOOLS_PATTERN_ANALYSIS_H

#include <stddef.h>

#include "pattern/load.h"

enum { ANALYSIS_MAX_STEPS = 256, ANALYSIS_SINK_TOKENS = 4 };

/* A head is a column head if `column` is larger than `diagonal` by more than this share of what any
 * choice of as many blocks can win over chance (best - density); a diagonal head the other way
 * round; otherwise mixed. */
#define ANALYSIS_CLASS_MARGIN 0.1
/* A head is mixed, whatever else, if best - density is below this: its mass lies evenly. */
#define ANALYSIS_CLASS_LEAST 0.02

typedef enum analysis_class {
    ANALYSIS_NO_CLASS, /* no scores */
    ANALYSIS_COLUMN,
    ANALYSIS_DIAGONAL,
    ANALYSIS_MIXED,
    ANALYSIS_CLASSES /* how many there are */
} analysis_class;

/* The measures that have one value a head. NaN: cannot be told (one step only, no scores). */
typedef enum analysis_measure {
    ANALYSIS_DENSITY,            /* sparsed_pattern_density, mean over the steps */
    ANALYSIS_JACCARD_NEXT,       /* mean over consecutive steps */
    ANALYSIS_JACCARD_FIRST_LAST, /* of the first step and the last */
    ANALYSIS_JACCARD_LOWEST,     /* of any two steps */
    ANALYSIS_JACCARD_MEAN,       /* mean over all s < t */
    ANALYSIS_RETAINED_MEAN,      /* mean over all s < t */
    ANALYSIS_RETAINED_LOWEST,    /* of any s < t */
    ANALYSIS_REUSE_LOSS,         /* mean over all s < t of retained (t, t) - (s, t) */
    ANALYSIS_OWN,                /* from here on: as said above */
    ANALYSIS_BEST,
    ANALYSIS_WINDOW,
    ANALYSIS_COLUMN_SHARE,
    ANALYSIS_DIAGONAL_SHARE,
    ANALYSIS_MEASURES /* how many there are */
} analysis_measure;

typedef struct analysis_head {
    double value[ANALYSIS_MEASURES];
    double *jaccard; /* [steps][steps] */
    double
        *retained; /* [steps][steps]: row s, the pattern; column t, the scores; NULL: no scores */
    analysis_class class;
} analysis_head;

typedef struct analysis_layer {
    double value[ANALYSIS_MEASURES]; /* means over the heads */
    double head_mean;                /* mean Jaccard of two different heads; NaN: one head */
    double *head_jaccard;            /* [heads][heads], mean over the steps */
    size_t classes[ANALYSIS_CLASSES];
} analysis_layer;

typedef struct analysis {
    sparsed_pattern_info info; /* what the patterns share */
    uint32_t score_dtype;      /* 0 = at least one pattern has no scores: none are used */
    double ratio_lowest, ratio_highest;
    size_t steps, layers, heads;
    uint32_t first_head;             /* head 0 is this head of the model (a shard) */
    uint32_t *step;                  /* [steps], rising */
    uint32_t *layer;                 /* [layers], rising */
    analysis_layer *of_layer;        /* [layers] */
    analysis_head *of_head;          /* [layers][heads] */
    double value[ANALYSIS_MEASURES]; /* means over all heads */
    double head_mean;                /* mean over the layers */
    double *jaccard, *retained;      /* [steps][steps]: means over all heads; NULL as above */
    size_t classes[ANALYSIS_CLASSES];
    double *numbers; /* what all matrices lie in */
} analysis;

/* Analyses the patterns that an opened file gives; analysis_free it if this succeeds. Every step
 * must have the same layers, and there may be ANALYSIS_MAX_STEPS at most. */
bool analysis_make(const pattern_input *input, analysis *result, tool_error *error);
void analysis_free(analysis *a);

/* The least stable heads by a measure: the largest ANALYSIS_REUSE_LOSS first, the lowest of
 * anything else (a tie: lower layer, head; NaN last). At most `top` indices into of_head, malloc'd;
 * *count tells how many. NULL: out of memory. */
size_t *analysis_least_stable(const analysis *a, analysis_measure measure, size_t top,
                              size_t *count);

const char *analysis_class_name(analysis_class class);

#endif
