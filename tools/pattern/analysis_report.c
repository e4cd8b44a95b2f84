/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The analysis in words and tables, and what cannot be told. */
#include "pattern/analysis_report.h"

#include <math.h>
#include <stdlib.h>

#include "selection.h"

/* A column of the tables. */
typedef struct column {
    const char *title;
    analysis_measure measure;
} column;

static const column columns[] = {{"density", ANALYSIS_DENSITY},
                                 {"J.next", ANALYSIS_JACCARD_NEXT},
                                 {"J.ends", ANALYSIS_JACCARD_FIRST_LAST},
                                 {"J.low", ANALYSIS_JACCARD_LOWEST},
                                 {"own", ANALYSIS_OWN},
                                 {"reused", ANALYSIS_RETAINED_MEAN},
                                 {"R.low", ANALYSIS_RETAINED_LOWEST},
                                 {"loss", ANALYSIS_REUSE_LOSS},
                                 {"best", ANALYSIS_BEST},
                                 {"window", ANALYSIS_WINDOW},
                                 {"column", ANALYSIS_COLUMN_SHARE},
                                 {"diagonal", ANALYSIS_DIAGONAL_SHARE}};

enum { COLUMNS = sizeof columns / sizeof *columns, NOTE_COUNT = 5 };

void analysis_print_definitions(FILE *to) {
    fprintf(
        to,
        "density   share of the valid query-key pairs that are kept, mean over the steps\n"
        "J         Jaccard index of a head's kept blocks in two steps: kept in both / kept in\n"
        "          either. next: mean over consecutive steps; ends: first and last step; low: the\n"
        "          lowest of any two; heads: two heads of one step, mean over pairs and steps\n"
        "own       share of a step's mass (block scores of the softmax over all keys) that its own\n"
        "          pattern keeps, mean over the steps\n"
        "reused    share of step t's mass that the pattern of an earlier step s keeps, mean over\n"
        "          all s < t; R.low: the lowest; loss: mean of what t's own pattern keeps more;\n"
        "          J.mean, in the lists of the least stable heads: the Jaccard index, mean over the\n"
        "          same pairs\n"
        "best, window, column, diagonal\n"
        "          share of the mass in as many blocks of each row as the pattern keeps there: the\n"
        "          row's largest; the first %d tokens' and then those nearest the diagonal; those\n"
        "          with the largest sums over the head's rows; those nearest the diagonal\n"
        "class     column or diagonal, whichever of the two shares is larger by more than %g of\n"
        "          what can be won over chance (best - density); else mixed, also if best - density\n"
        "          is below %g\n",
        ANALYSIS_SINK_TOKENS, ANALYSIS_CLASS_MARGIN, ANALYSIS_CLASS_LEAST);
}

const char *analysis_note(const analysis *a, size_t index) {
    const struct {
        bool holds;
        const char *text;
    } notes[NOTE_COUNT] = {
        {a->steps < 2, "The file holds one step only: nothing is said of steps against each other. "
                       "`sparsed generate --pattern-out-steps` records several."},
        {!a->score_dtype, "Not every pattern has block scores: nothing is said of mass, and heads "
                          "are not classed. `--pattern-scores` records them."},
        {a->heads < 2, "There is one head only: nothing is said of heads against each other."},
        {a->score_dtype && a->info.score_reduce == SPARSED_REDUCE_MAX,
         "The scores are each block's largest row (score-reduce max): what is called mass is the "
         "sum of those."},
        {a->info.mode == SPARSED_MODE_WINDOW || a->info.mode == SPARSED_MODE_STREAMING,
         "The mode's pattern is fixed: it is the same in all steps and heads."}};
    for (size_t i = 0; i < NOTE_COUNT; i++)
        if (notes[i].holds && index-- == 0)
            return notes[i].text;
    return NULL;
}

void analysis_write_settings(const analysis *a, char *to, size_t size) {
    const sparsed_pattern_info *info = &a->info;
    char ratio[64];
    if (a->ratio_highest > a->ratio_lowest)
        snprintf(ratio, sizeof ratio, "ratio %g to %g", a->ratio_lowest, a->ratio_highest);
    else
        snprintf(ratio, sizeof ratio, "ratio %g", a->ratio_lowest);
    snprintf(to, size, "mode %s, %s, blocks %u x %u, %llu rows (generation %llu), scores %s",
             info->mode == 0 ? "not known" : selection_mode_name(info->mode), ratio, info->block_q,
             info->block_k, (unsigned long long)info->kv_len, (unsigned long long)info->gen_len,
             a->score_dtype == 0             ? "none"
             : a->score_dtype == SPARSED_F16 ? "f16"
                                             : "f32");
}

static void print_value(double value) {
    if (isnan(value))
        printf("%9s", "-");
    else
        printf("%9.3f", fabs(value) < 5e-4 ? 0.0 : value);
}

static void print_values(const double *values) {
    for (size_t c = 0; c < COLUMNS; c++)
        print_value(values[columns[c].measure]);
}

static void print_titles(void) {
    for (size_t c = 0; c < COLUMNS; c++)
        printf("%9s", columns[c].title);
}

static void print_header(const analysis *a, const char *path) {
    char settings[256];
    analysis_write_settings(a, settings, sizeof settings);
    printf("%s: %zu layer%s x %zu head%s\n%s\n", path, a->layers, a->layers == 1 ? "" : "s",
           a->heads, a->heads == 1 ? "" : "s", settings);
    if (a->first_head > 0)
        printf("head 0 is head %u of the model\n", a->first_head);
    printf("steps");
    for (size_t s = 0; s < a->steps; s++)
        printf(" %u", a->step[s]);
    putchar('\n');
    for (size_t i = 0; analysis_note(a, i); i++)
        printf("%s\n", analysis_note(a, i));
}

static void print_classes(const size_t *classes) {
    printf("  %zu / %zu / %zu\n", classes[ANALYSIS_COLUMN], classes[ANALYSIS_DIAGONAL],
           classes[ANALYSIS_MIXED]);
}

static void print_layers(const analysis *a) {
    printf("\nLayers: means over the heads; classes column / diagonal / mixed\n%-6s", "layer");
    print_titles();
    printf("%9s  %s\n", "J.heads", "classes");
    for (size_t l = 0; l < a->layers; l++) {
        printf("%-6u", a->layer[l]);
        print_values(a->of_layer[l].value);
        print_value(a->of_layer[l].head_mean);
        print_classes(a->of_layer[l].classes);
    }
    printf("%-6s", "all");
    print_values(a->value);
    print_value(a->head_mean);
    print_classes(a->classes);
}

static void print_heads(const analysis *a) {
    printf("\nHeads\n%-6s%-5s", "layer", "head");
    print_titles();
    printf("  class\n");
    for (size_t i = 0; i < a->layers * a->heads; i++) {
        printf("%-6u%-5zu", a->layer[i / a->heads], i % a->heads);
        print_values(a->of_head[i].value);
        printf("  %s\n", analysis_class_name(a->of_head[i].class));
    }
}

static bool print_least_stable(const analysis *a, size_t top, tool_error *error) {
    static const struct {
        analysis_measure measure;
        const char *title;
    } lists[] = {{ANALYSIS_RETAINED_MEAN, "the mass that an earlier step's pattern keeps"},
                 {ANALYSIS_REUSE_LOSS, "what an earlier step's pattern loses against their own"},
                 {ANALYSIS_JACCARD_MEAN, "the Jaccard index of two steps"}};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        if (lists[k].measure != ANALYSIS_JACCARD_MEAN && !a->score_dtype)
            continue;
        size_t count, *list = analysis_least_stable(a, lists[k].measure, top, &count);
        if (!list)
            return tool_fail(error, "no memory to order %zu heads", a->layers * a->heads);
        printf("\nLeast stable by %s\n%-6s%-5s%9s%9s%9s  class\n", lists[k].title, "layer", "head",
               "reused", "loss", "J.mean");
        for (size_t i = 0; i < count; i++) {
            const analysis_head *head = &a->of_head[list[i]];
            printf("%-6u%-5zu", a->layer[list[i] / a->heads], list[i] % a->heads);
            print_value(head->value[ANALYSIS_RETAINED_MEAN]);
            print_value(head->value[ANALYSIS_REUSE_LOSS]);
            print_value(head->value[ANALYSIS_JACCARD_MEAN]);
            printf("  %s\n", analysis_class_name(head->class));
        }
        free(list);
    }
    return true;
}

bool analysis_print_tables(const analysis *a, const char *path, size_t top, tool_error *error) {
    print_header(a, path);
    print_layers(a);
    print_heads(a);
    if (a->steps > 1 && top > 0 && !print_least_stable(a, top, error))
        return false;
    putchar('\n');
    analysis_print_definitions(stdout);
    return true;
}
