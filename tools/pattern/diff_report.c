/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What two files differ in, in words and as JSON; see diff_report.h. */
#include "pattern/diff_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "json_print.h"
#include "pattern/built_for.h"

bool diff_same_blocks(const diff *d) {
    return d->pairs.only_a + d->pairs.only_b == 0 && d->all.only_a + d->all.only_b == 0;
}

/* ---- words -------------------------------------------------------------------------------- */

static void print_fields(const built_for *a, const built_for *b) {
    bool same = true;
    for (size_t i = 0; i < built_for_count(); i++) {
        char of_a[BUILT_FOR_TEXT_BYTES], of_b[BUILT_FOR_TEXT_BYTES];
        if (built_for_equal(a, b, i))
            continue;
        if (same)
            printf("Built for different things:\n");
        same = false;
        built_for_line(a, i, of_a);
        built_for_line(b, i, of_b);
        printf("  %-32s %s in A, %s in B\n", built_for_label(i), of_a, of_b);
    }
    if (same)
        printf("Built for the same: no field differs.\n");
}

/* Files of one step each are compared whatever the steps are. */
static void print_steps(const diff *d) {
    uint32_t a = d->a.entries[0].step, b = d->b.entries[0].step;
    if (!pattern_has_steps(&d->a) && !pattern_has_steps(&d->b) && a != b)
        printf("Patterns of step %u in A, %u in B.\n", a, b);
}

static void print_rest(const char *name, const pattern_input *in, const size_t *rest, size_t n) {
    for (size_t i = 0; i < n; i++)
        printf("Only %s has layer %u of step %u.\n", name, in->entries[rest[i]].layer,
               in->entries[rest[i]].step);
}

static void print_counts(const pattern_difference *f, bool scored) {
    printf("%10.6f%14" PRIu64 "%14" PRIu64 "%10" PRIu64 "%10" PRIu64, pattern_difference_jaccard(f),
           f->both + f->only_a, f->both + f->only_b, f->only_a, f->only_b);
    if (scored)
        printf("%9" PRIu64 "%9" PRIu64 "%11.3g", f->ties, f->real, f->largest);
    putchar('\n');
}

static void print_line(const diff *d, size_t i, const char *head, const pattern_difference *f) {
    const sparsed_pattern_entry *e = &d->a.entries[d->pairs.a[i]];
    if (pattern_has_steps(&d->a))
        printf("%7u", e->step);
    printf("%7u%7s", e->layer, head);
    print_counts(f, d->scored[i] != 0);
}

static void print_table(const diff *d) {
    const bool steps = pattern_has_steps(&d->a);
    const size_t heads = d->a.shared.heads;
    printf("\n%s  layer   head   jaccard     kept in A     kept in B    only A    only B%s\n",
           steps ? "   step" : "", d->any_scored ? "     ties     real    largest" : "");
    for (size_t i = 0; i < d->pairs.count; i++) {
        for (size_t head = 0; head < heads && !d->options.summary; head++) {
            char name[24];
            snprintf(name, sizeof name, "%zu", head);
            print_line(d, i, name, &d->heads[i * heads + head]);
        }
        print_line(d, i, "all", &d->layers[i]);
    }
    printf("%s%7s%7s", steps ? "    all" : "", "all", "all");
    print_counts(&d->all, d->any_scored);
}

bool diff_print_words(const diff *d, tool_error *error) {
    const built_for a = {d->a.shared, d->a.info}, b = {d->b.shared, d->b.info};
    (void)error;
    printf("A: %s, %" PRIu64 " bytes\nB: %s, %" PRIu64 " bytes\n", d->a.path, d->a.size_bytes,
           d->b.path, d->b.size_bytes);
    print_fields(&a, &b);
    print_steps(d);
    print_rest("A", &d->a, d->pairs.rest_a, d->pairs.only_a);
    print_rest("B", &d->b, d->pairs.rest_b, d->pairs.only_b);
    print_table(d);
    printf("\nThe kept blocks %s.\n", diff_same_blocks(d) ? "are the same" : "differ");
    return true;
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void add_file(cJSON *root, const char *key, const pattern_input *in) {
    cJSON *object = cJSON_AddObjectToObject(root, key);
    json_add_text(object, "file", in->path);
    cJSON_AddNumberToObject(object, "bytes", (double)in->size_bytes);
}

static void add_fields(cJSON *root, const built_for *a, const built_for *b) {
    cJSON *fields = cJSON_AddObjectToObject(root, "built_for_differs");
    for (size_t i = 0; i < built_for_count(); i++) {
        if (built_for_equal(a, b, i))
            continue;
        cJSON *object = cJSON_AddObjectToObject(fields, built_for_key(i));
        built_for_add_json(a, i, object, "a");
        built_for_add_json(b, i, object, "b");
    }
}

static void add_rest(cJSON *root, const char *key, const pattern_input *in, const size_t *rest,
                     size_t n) {
    cJSON *list = cJSON_AddArrayToObject(root, key);
    for (size_t i = 0; i < n; i++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        cJSON_AddNumberToObject(object, "step", in->entries[rest[i]].step);
        cJSON_AddNumberToObject(object, "layer", in->entries[rest[i]].layer);
    }
}

static void add_counts(cJSON *object, const pattern_difference *f, bool scored) {
    cJSON_AddNumberToObject(object, "jaccard", pattern_difference_jaccard(f));
    cJSON_AddNumberToObject(object, "kept_a", (double)(f->both + f->only_a));
    cJSON_AddNumberToObject(object, "kept_b", (double)(f->both + f->only_b));
    cJSON_AddNumberToObject(object, "only_a", (double)f->only_a);
    cJSON_AddNumberToObject(object, "only_b", (double)f->only_b);
    if (!scored)
        return;
    cJSON_AddNumberToObject(object, "ties", (double)f->ties);
    cJSON_AddNumberToObject(object, "real", (double)f->real);
    cJSON_AddNumberToObject(object, "largest_distance", f->largest);
}

static void add_pair(const diff *d, size_t i, cJSON *patterns) {
    const sparsed_pattern_entry *a = &d->a.entries[d->pairs.a[i]];
    const sparsed_pattern_entry *b = &d->b.entries[d->pairs.b[i]];
    const char scored[2] = {d->scored[i], '\0'};
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(patterns, object);
    cJSON_AddNumberToObject(object, "layer", a->layer);
    cJSON_AddNumberToObject(object, "step_a", a->step);
    cJSON_AddNumberToObject(object, "step_b", b->step);
    if (scored[0])
        cJSON_AddStringToObject(object, "scores_of", scored);
    else
        cJSON_AddNullToObject(object, "scores_of");
    add_counts(object, &d->layers[i], scored[0] != '\0');
    if (d->options.summary)
        return;
    cJSON *heads = cJSON_AddArrayToObject(object, "heads");
    for (size_t head = 0; head < d->a.shared.heads; head++) {
        cJSON *of_head = cJSON_CreateObject();
        cJSON_AddItemToArray(heads, of_head);
        cJSON_AddNumberToObject(of_head, "head", (double)head);
        add_counts(of_head, &d->heads[i * d->a.shared.heads + head], scored[0] != '\0');
    }
}

bool diff_print_json(const diff *d, tool_error *error) {
    const built_for a = {d->a.shared, d->a.info}, b = {d->b.shared, d->b.info};
    cJSON *root = cJSON_CreateObject();
    add_file(root, "a", &d->a);
    add_file(root, "b", &d->b);
    cJSON_AddNumberToObject(root, "tolerance", d->options.tolerance);
    cJSON_AddBoolToObject(root, "same_blocks", diff_same_blocks(d));
    add_fields(root, &a, &b);
    add_rest(root, "only_in_a", &d->a, d->pairs.rest_a, d->pairs.only_a);
    add_rest(root, "only_in_b", &d->b, d->pairs.rest_b, d->pairs.only_b);
    cJSON *patterns = cJSON_AddArrayToObject(root, "patterns");
    for (size_t i = 0; i < d->pairs.count; i++)
        add_pair(d, i, patterns);
    add_counts(cJSON_AddObjectToObject(root, "all"), &d->all, d->any_scored);
    return json_print(root, error);
}
