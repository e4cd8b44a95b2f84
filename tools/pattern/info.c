/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed pattern info`: what a file was built for, and measures of each layer and head. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_print.h"
#include "pattern/batches.h"
#include "pattern/built_for.h"
#include "pattern/pattern_command.h"
#include "pattern/structure.h"
#include "room.h"
#include "storage_convert.h"

typedef struct info_options {
    const char *path;
    pattern_choice choice;
    bool summary, json;
} info_options;

/* The measures of all patterns chosen. */
typedef struct measured {
    pattern_structure *layers; /* [count] */
    pattern_structure *heads;  /* [count][heads] */
    double *ratios;            /* [count][heads] */
} measured;

static void add_options(info_options *o, cli_options *list) {
    *o = (info_options){.path = NULL};
    cli_add_operand(list, "FILE", &o->path, "pattern file (.spdp)");
    pattern_add_choice(&o->choice, list);
    cli_add(list, (cli_option){"summary", CLI_FLAG, &o->summary, NULL, NULL,
                               "a line a layer, without its heads"});
    cli_add(list,
            (cli_option){"json", CLI_FLAG, &o->json, NULL, NULL, "all of it as one JSON object"});
}

static void print_help(const cli_options *list) {
    printf(
        "usage: sparsed pattern info FILE [OPTIONS]\n\n"
        "What a pattern file was built for, and measures of each layer and head:\n"
        "  density   share of the valid query-key pairs that are kept\n"
        "  diagonal  share of the kept blocks that are at most one key block away from the key\n"
        "            blocks that the query block's own rows meet\n"
        "  entropy   Shannon entropy of the kept blocks' distribution over the key blocks,\n"
        "            divided by the logarithm of their number: 1 = spread evenly, 0 = one key\n"
        "            block; of several batches the mean, each counted by its kept blocks\n"
        "  ratio     share of the key blocks that the head's were chosen by; 0 = not known\n"
        "  scores    type of the block scores that the file holds\n"
        "The line \"all\" has the means of a layer's heads, and the sum of their kept blocks.\n\n");
    cli_print_options(list, stdout);
}

static const char *score_name(uint32_t dtype) {
    return dtype ? storage_name((sparsed_dtype)dtype) : "none";
}

/* ---- words -------------------------------------------------------------------------------- */

/* Rising and without repetition: the layers, or the steps, of the entries; *count of them. NULL if
 * out of memory. */
static uint32_t *distinct(const pattern_input *in, bool layers, size_t *count) {
    size_t limit = layers ? PATTERN_MAX_LAYERS : PATTERN_MAX_STEPS;
    unsigned char *seen = calloc(limit, 1);
    uint32_t *numbers = calloc(in->count, sizeof *numbers);
    *count = 0;
    if (!seen || !numbers) {
        free(numbers);
        numbers = NULL;
        goto done;
    }
    for (size_t i = 0; i < in->count; i++)
        seen[layers ? in->entries[i].layer : in->entries[i].step] = 1;
    for (uint32_t number = 0; number < limit; number++)
        if (seen[number])
            numbers[(*count)++] = number;
done:
    free(seen);
    return numbers;
}

static bool print_distinct(const pattern_input *in, bool layers, const char *label,
                           tool_error *error) {
    char text[256];
    size_t count;
    uint32_t *numbers = distinct(in, layers, &count);
    if (!numbers)
        return tool_fail(error, "%s: out of memory", in->path);
    number_list_print(numbers, count, text, sizeof text);
    printf("  %-32s %s\n", label, text);
    free(numbers);
    return true;
}

static void print_field(const built_for *b, size_t i) {
    char text[BUILT_FOR_TEXT_BYTES];
    built_for_line(b, i, text);
    printf("  %-32s %s\n", built_for_label(i), text);
}

static bool print_header(const pattern_input *in, const built_for *b, tool_error *error) {
    sparsed_pattern *pattern = pattern_take(in, 0, error);
    if (!pattern)
        return false;
    printf("%s: %" PRIu64 " bytes, %u pattern%s of %" PRIu64 " x %" PRIu64 " blocks\n", in->path,
           in->size_bytes, in->info.patterns, in->info.patterns == 1 ? "" : "s",
           in->shared.q_blocks, in->shared.k_blocks);
    if (in->shared.mode == 0)
        printf("  %-32s %s\n", "selection mode", "not known: a caller's own mask");
    for (size_t i = 0; i < built_for_count(); i++)
        if (built_for_known(b, i))
            print_field(b, i);
    batches_print(pattern);
    sparsed_pattern_release(pattern);
    return print_distinct(in, true, "layers", error) &&
           print_distinct(in, false, "steps of the patterns", error);
}

static void print_line(const pattern_input *in, size_t i, const char *head,
                       const pattern_structure *s, double ratio) {
    const sparsed_pattern_entry *e = &in->entries[i];
    if (pattern_has_steps(in))
        printf("%7u", e->step);
    printf("%7u%7s%10.4f%10.4f%10.4f%14" PRIu64 "%9g%8s\n", e->layer, head, s->density,
           s->diagonal_share, s->entropy, s->kept_blocks, ratio, score_name(e->score_dtype));
}

static void print_pattern(const info_options *o, const pattern_input *in, size_t i,
                          const measured *m) {
    for (uint32_t head = 0; head < in->shared.heads && !o->summary; head++) {
        const size_t at = i * in->shared.heads + head;
        char name[16];
        snprintf(name, sizeof name, "%u", head);
        print_line(in, i, name, &m->heads[at], m->ratios[at]);
    }
    print_line(in, i, "all", &m->layers[i], in->entries[i].ratio);
}

static void print_columns(const pattern_input *in) {
    printf("\n%s  layer   head   density  diagonal   entropy   kept blocks    ratio  scores\n",
           pattern_has_steps(in) ? "   step" : "");
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void add_measures(cJSON *object, const pattern_structure *s) {
    cJSON_AddNumberToObject(object, "density", s->density);
    cJSON_AddNumberToObject(object, "diagonal_share", s->diagonal_share);
    cJSON_AddNumberToObject(object, "entropy", s->entropy);
    cJSON_AddNumberToObject(object, "kept_blocks", (double)s->kept_blocks);
}

static void add_pattern(const info_options *o, const pattern_input *in, size_t i, const measured *m,
                        cJSON *patterns) {
    const sparsed_pattern_entry *e = &in->entries[i];
    cJSON *object = cJSON_CreateObject(), *heads;
    cJSON_AddItemToArray(patterns, object);
    cJSON_AddNumberToObject(object, "step", e->step);
    cJSON_AddNumberToObject(object, "layer", e->layer);
    cJSON_AddNumberToObject(object, "ratio", e->ratio);
    cJSON_AddStringToObject(object, "scores", score_name(e->score_dtype));
    add_measures(object, &m->layers[i]);
    if (o->summary)
        return;
    heads = cJSON_AddArrayToObject(object, "heads");
    for (uint32_t head = 0; head < in->shared.heads; head++) {
        cJSON *of_head = cJSON_CreateObject();
        const size_t at = i * in->shared.heads + head;
        cJSON_AddItemToArray(heads, of_head);
        cJSON_AddNumberToObject(of_head, "head", head);
        cJSON_AddNumberToObject(of_head, "ratio", m->ratios[at]);
        add_measures(of_head, &m->heads[at]);
    }
}

static bool add_header(const pattern_input *in, const built_for *b, cJSON *root,
                       tool_error *error) {
    sparsed_pattern *pattern = pattern_take(in, 0, error);
    if (!pattern)
        return false;
    json_add_text(root, "file", in->path);
    cJSON_AddNumberToObject(root, "bytes", (double)in->size_bytes);
    cJSON *fields = cJSON_AddObjectToObject(root, "built_for");
    for (size_t i = 0; i < built_for_count(); i++)
        built_for_add_json(b, i, fields, built_for_key(i));
    cJSON_AddNumberToObject(root, "q_blocks", (double)in->shared.q_blocks);
    cJSON_AddNumberToObject(root, "k_blocks", (double)in->shared.k_blocks);
    batches_add_json(pattern, root);
    sparsed_pattern_release(pattern);
    return true;
}

/* ---- both --------------------------------------------------------------------------------- */

/* Before any word is printed, because a damaged layer shows only now. */
static bool measure(const pattern_input *in, measured *m, tool_error *error) {
    const size_t heads = in->shared.heads;
    const uint64_t all = (uint64_t)in->count * heads;
    m->layers = room_for(in->count, sizeof *m->layers);
    m->heads = room_for(all, sizeof *m->heads);
    m->ratios = room_for(all, sizeof *m->ratios);
    if (!m->layers || !m->heads || !m->ratios) {
        tool_fail(error, "%s: out of memory for the measures of %zu patterns", in->path, in->count);
        return false;
    }
    for (size_t i = 0; i < in->count; i++) {
        sparsed_pattern *pattern = pattern_take(in, i, error);
        bool done = pattern &&
                    pattern_structure_measure(pattern, &m->heads[i * heads], &m->layers[i], error);
        for (uint32_t head = 0; done && head < heads; head++)
            m->ratios[i * heads + head] = sparsed_pattern_ratio(pattern, head);
        sparsed_pattern_release(pattern);
        if (!done)
            return false;
    }
    return true;
}

static bool report_words(const info_options *o, const pattern_input *in, const measured *m,
                         tool_error *error) {
    const built_for b = {in->shared, in->info};
    if (!print_header(in, &b, error))
        return false;
    print_columns(in);
    for (size_t i = 0; i < in->count; i++)
        print_pattern(o, in, i, m);
    return true;
}

static bool report_json(const info_options *o, const pattern_input *in, const measured *m,
                        tool_error *error) {
    const built_for b = {in->shared, in->info};
    cJSON *root = cJSON_CreateObject();
    if (!add_header(in, &b, root, error)) {
        cJSON_Delete(root);
        return false;
    }
    cJSON *patterns = cJSON_AddArrayToObject(root, "patterns");
    for (size_t i = 0; i < in->count; i++)
        add_pattern(o, in, i, m, patterns);
    return json_print(root, error);
}

bool pattern_info(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    info_options o;
    pattern_input in;
    bool help;
    add_options(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        print_help(&list);
        return true;
    }
    if (!pattern_open(o.path, &o.choice, &in, error))
        return false;
    measured m = {NULL, NULL, NULL};
    bool done =
        measure(&in, &m, error) && (o.json ? report_json : report_words)(&o, &in, &m, error);
    free(m.layers);
    free(m.heads);
    free(m.ratios);
    pattern_close(&in);
    return done;
}
