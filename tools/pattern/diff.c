/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed pattern diff`: how much two files agree, and by which scores they differ. */
#include <stdio.h>
#include <stdlib.h>

#include "pattern/diff_report.h"
#include "pattern/pattern_command.h"
#include "room.h"

static void add_options(diff_options *o, cli_options *list) {
    *o = (diff_options){.tolerance = 1e-3};
    cli_add_operand(list, "A", &o->path_a, "pattern file (.spdp)");
    cli_add_operand(list, "B", &o->path_b, "another one of the same shape");
    pattern_add_choice(&o->choice, list);
    cli_add(list, (cli_option){"tolerance", CLI_REAL, &o->tolerance, NULL, "X",
                               "a differing block whose distance is at most X is a tie (0.001)"});
    cli_add(list, (cli_option){"summary", CLI_FLAG, &o->summary, NULL, NULL,
                               "a line a layer, without its heads"});
    cli_add(list,
            (cli_option){"json", CLI_FLAG, &o->json, NULL, NULL, "all of it as one JSON object"});
}

static void print_help(const cli_options *list) {
    printf(
        "usage: sparsed pattern diff A B [OPTIONS]\n\n"
        "Which fields of what two files were built for differ, and for each layer and head:\n"
        "  jaccard   blocks kept by both / blocks kept by either; 1 if neither keeps any\n"
        "  ties      differing blocks whose score is a tie with the row's threshold, the score of\n"
        "            the last block within the row's budget: |s - t| / max(s, t) <= --tolerance\n"
        "  real      the other ones; largest: the largest such distance\n"
        "Ties, real and largest need block scores, A's, or B's where A has none. Where heads\n"
        "have ratios of their own the threshold is the row's lowest kept score.\n"
        "Patterns belong together by step and layer, or by layer if each file has one step.\n"
        "The exit code is 0 whether or not the files differ.\n\n");
    cli_print_options(list, stdout);
}

static int order(const sparsed_pattern_entry *a, const sparsed_pattern_entry *b, bool by_step) {
    if (by_step && a->step != b->step)
        return a->step < b->step ? -1 : 1;
    return (a->layer > b->layer) - (a->layer < b->layer);
}

static bool make_pairs(diff *d, tool_error *error) {
    diff_pairs *p = &d->pairs;
    bool by_step = pattern_has_steps(&d->a) || pattern_has_steps(&d->b);
    p->a = calloc(d->a.count, sizeof *p->a);
    p->b = calloc(d->b.count, sizeof *p->b);
    p->rest_a = calloc(d->a.count, sizeof *p->rest_a);
    p->rest_b = calloc(d->b.count, sizeof *p->rest_b);
    if (!p->a || !p->b || !p->rest_a || !p->rest_b)
        return tool_fail(error, "out of memory for %zu and %zu patterns", d->a.count, d->b.count);
    for (size_t i = 0, j = 0; i < d->a.count || j < d->b.count;) {
        int way = i == d->a.count   ? 1
                  : j == d->b.count ? -1
                                    : order(&d->a.entries[i], &d->b.entries[j], by_step);
        if (way == 0) {
            p->a[p->count] = i++;
            p->b[p->count++] = j++;
        } else if (way < 0) {
            p->rest_a[p->only_a++] = i++;
        } else {
            p->rest_b[p->only_b++] = j++;
        }
    }
    return p->count > 0 ? true
                        : tool_fail(error, "%s and %s have no layer of one step in common",
                                    d->a.path, d->b.path);
}

/* Patterns of different shapes have no blocks in common. */
static bool check_shapes(const diff *d, const sparsed_pattern *a, const sparsed_pattern *b,
                         tool_error *error) {
    sparsed_message message = {""};
    double jaccard;
    sparsed_status status = sparsed_pattern_jaccard(a, b, 0, &jaccard, &message);
    if (status == SPARSED_OK)
        return true;
    return tool_fail(error, "%.200s and %.200s: %s", d->a.path, d->b.path, message.text);
}

static bool compare_pair(diff *d, size_t i, tool_error *error) {
    const diff_pairs *p = &d->pairs;
    bool done = false;
    sparsed_pattern *a = pattern_take(&d->a, p->a[i], error);
    sparsed_pattern *b = a ? pattern_take(&d->b, p->b[i], error) : NULL;
    if (b && check_shapes(d, a, b, error)) {
        pattern_pair pair = {a, b, NULL, d->options.tolerance};
        if (d->a.entries[p->a[i]].score_dtype) {
            pair.scored = a;
            d->scored[i] = 'A';
        } else if (d->b.entries[p->b[i]].score_dtype) {
            pair.scored = b;
            d->scored[i] = 'B';
        }
        d->any_scored |= pair.scored != NULL;
        done = pattern_difference_measure(&pair, &d->heads[i * d->a.shared.heads], &d->layers[i],
                                          error);
    }
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
    return done;
}

static bool compare(diff *d, tool_error *error) {
    size_t count = d->pairs.count, heads = d->a.shared.heads;
    d->heads = room_for((uint64_t)count * heads, sizeof *d->heads);
    d->layers = room_for(count, sizeof *d->layers);
    d->scored = room_for(count, sizeof *d->scored);
    if (!d->heads || !d->layers || !d->scored)
        return tool_fail(error, "out of memory for the differences of %zu patterns", count);
    for (size_t i = 0; i < count; i++) {
        if (!compare_pair(d, i, error))
            return false;
        pattern_difference_add(&d->all, &d->layers[i]);
    }
    return true;
}

static void release(diff *d) {
    free(d->pairs.a);
    free(d->pairs.b);
    free(d->pairs.rest_a);
    free(d->pairs.rest_b);
    free(d->heads);
    free(d->layers);
    free(d->scored);
    pattern_close(&d->a);
    pattern_close(&d->b);
}

bool pattern_diff(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    diff d = {.pairs.count = 0};
    diff_options *o = &d.options;
    bool help;
    add_options(o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        print_help(&list);
        return true;
    }
    if (o->tolerance < 0.0)
        return tool_fail_usage(error, "--tolerance is %g, below 0", o->tolerance);
    bool done = pattern_open(o->path_a, &o->choice, &d.a, error) &&
                pattern_open(o->path_b, &o->choice, &d.b, error) && make_pairs(&d, error) &&
                compare(&d, error) && (o->json ? diff_print_json : diff_print_words)(&d, error);
    release(&d);
    return done;
}
