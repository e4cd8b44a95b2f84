/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Sets of the caller's patterns. */
#include "alloc.h"
#include "error.h"
#include "number_text.h"
#include "pattern_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sparsed_status copy_text(sparsed_pattern_set *set, const char *name, const char *text,
                                const char **to, sparsed_message *message) {
    size_t length = text ? strlen(text) : 0;
    if (!text)
        return SPARSED_OK;
    if (length > SPD_TEXT_LIMIT)
        return spd_fail(message, SPARSED_E_INVALID, "info.%s has %zu bytes, above %d", name, length,
                        SPD_TEXT_LIMIT);
    if (!spd_text_fits(text, length))
        return spd_fail(message, SPARSED_E_INVALID, "info.%s is not UTF-8", name);
    if (!spd_set_text(set, to, text, length))
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for info.%s", name);
    return SPARSED_OK;
}

static sparsed_status copy_texts(sparsed_pattern_set *set, const sparsed_pattern_set_info *info,
                                 sparsed_message *message) {
    char library[32];
    snprintf(library, sizeof library, "sparsed %d.%d.%d", SPARSED_VERSION_MAJOR,
             SPARSED_VERSION_MINOR, SPARSED_VERSION_PATCH);
    sparsed_status status =
        copy_text(set, "schedule", info->schedule, &set->info.schedule, message);
    if (status == SPARSED_OK)
        status = copy_text(set, "creator", info->creator ? info->creator : library,
                           &set->info.creator, message);
    if (status == SPARSED_OK)
        status = copy_text(set, "tag", info->tag, &set->info.tag, message);
    return status;
}

static sparsed_status take_info(sparsed_pattern_set *set, const sparsed_pattern_set_info *given,
                                sparsed_message *message) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_status status = SPARSED_OK;
    if (given)
        status = spd_copy_struct(&info, sizeof info, given, "info", message);
    if (status != SPARSED_OK)
        return status;
    const uint64_t heads = set->shared.heads;
    if (info.model_heads == 0)
        info.model_heads = (uint32_t)heads;
    if (info.model_layers > SPD_MAX_LAYERS || info.steps > SPD_MAX_STEPS)
        return spd_fail(message, SPARSED_E_INVALID,
                        "info.model_layers is %u and info.steps %u, at most %d and %d",
                        info.model_layers, info.steps, SPD_MAX_LAYERS, SPD_MAX_STEPS);
    if (info.model_heads > SPD_MAX_HEADS || info.first_head + heads > info.model_heads)
        return spd_fail(message, SPARSED_E_INVALID,
                        "info.first_head is %u with %llu heads, info.model_heads %u",
                        info.first_head, (unsigned long long)heads, info.model_heads);
    if (!(info.skip >= 0.0 && info.skip <= 1.0))
        return spd_fail(message, SPARSED_E_INVALID, "info.skip is %g, not in [0, 1]", info.skip);
    set->info.model_layers = info.model_layers;
    set->info.first_head = info.first_head;
    set->info.model_heads = info.model_heads;
    set->info.steps = info.steps;
    set->info.skip = info.skip;
    if (info.ratio != 0.0)
        set->shared.ratio = info.ratio;
    if (!spd_ratio_fits(set->shared.mode, set->shared.ratio))
        return spd_fail(message, SPARSED_E_INVALID, "info.ratio is %g, not in (0, 1]", info.ratio);
    set->info.model = info.model;
    set->info.prompt = info.prompt;
    return copy_texts(set, &info, message);
}

/* What the patterns of a set must have in common besides their shape. */
static sparsed_status same_selection(const sparsed_pattern_info *a, const sparsed_pattern_info *b,
                                     sparsed_message *message) {
    const struct {
        const char *name;
        uint64_t a, b;
    } fields[] = {{"gen_len", a->gen_len, b->gen_len},
                  {"mode", a->mode, b->mode},
                  {"flags", a->flags, b->flags},
                  {"score_reduce", a->score_reduce, b->score_reduce},
                  {"always_first", a->always_first, b->always_first},
                  {"window", a->window, b->window},
                  {"sinks", a->sinks, b->sinks},
                  {"kv_heads", a->kv_heads, b->kv_heads},
                  {"head_dim", a->head_dim, b->head_dim},
                  {"score_heads", a->score_heads, b->score_heads},
                  {"dtype", a->dtype, b->dtype}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].a != fields[i].b)
            return spd_fail(message, SPARSED_E_MISMATCH,
                            "one pattern's %s is %llu, the other's is %llu", fields[i].name,
                            (unsigned long long)fields[i].a, (unsigned long long)fields[i].b);
    if (a->score_scale != b->score_scale)
        return spd_fail(
            message, SPARSED_E_MISMATCH, "one pattern's score_scale is %s, the other's is %s",
            spd_number_text_of(a->score_scale).text, spd_number_text_of(b->score_scale).text);
    return SPARSED_OK;
}

static void take_shared(sparsed_pattern_set *set, const sparsed_pattern *first) {
    set->shared = first->info;
    set->shared.step = set->shared.score_dtype = 0;
    set->shared.kept_blocks = 0;
    set->shared.pattern_flags = SPARSED_PATTERN_Q_START;
    set->extents = spd_extents_retain(first->shared_extents);
}

static sparsed_status take_pattern(sparsed_pattern_set *set, uint32_t index,
                                   sparsed_pattern *const *patterns, uint32_t layer,
                                   sparsed_message *message) {
    const uint32_t layers = set->info.model_layers ? set->info.model_layers : SPD_MAX_LAYERS;
    sparsed_pattern *p = patterns[index];
    sparsed_message why = {""};
    if (!p)
        return spd_fail(message, SPARSED_E_INVALID, "patterns[%u] is NULL", index);
    if (layer >= layers)
        return spd_fail(message, SPARSED_E_INVALID, "layers[%u] is %u, not below %u", index, layer,
                        layers);
    sparsed_status status = spd_pattern_same_shape(patterns[0], p, &why);
    if (status == SPARSED_OK)
        status = same_selection(&patterns[0]->info, &p->info, &why);
    if (status != SPARSED_OK)
        return spd_fail(message, status, "patterns[0] and [%u]: %.440s", index, why.text);
    set->entries[index] = (spd_set_entry){.layer = layer,
                                          .step = p->info.step,
                                          .score_dtype = p->info.score_dtype,
                                          .kept_blocks = p->info.kept_blocks,
                                          .ratio = p->info.ratio,
                                          .pattern = sparsed_pattern_retain(p)};
    return SPARSED_OK;
}

static int compare_entries(const void *a, const void *b) {
    const spd_set_entry *x = a, *y = b;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    return (x->layer > y->layer) - (x->layer < y->layer);
}

static sparsed_status sort_entries(sparsed_pattern_set *set, sparsed_message *message) {
    const spd_set_entry *e = set->entries;
    qsort(set->entries, set->info.patterns, sizeof *set->entries, compare_entries);
    for (uint32_t i = 1; i < set->info.patterns; i++)
        if (compare_entries(&e[i - 1], &e[i]) == 0)
            return spd_fail(message, SPARSED_E_INVALID,
                            "layers: two patterns are of layer %u and step %u", e[i].layer,
                            e[i].step);
    return SPARSED_OK;
}

static sparsed_status fill_set(sparsed_pattern_set *set, const sparsed_pattern_set_info *info,
                               sparsed_pattern *const *patterns, const uint32_t *layers,
                               uint32_t count, sparsed_message *message) {
    take_shared(set, patterns[0]);
    sparsed_status status = take_info(set, info, message);
    if (status != SPARSED_OK)
        return status;
    if (!spd_set_allocate_entries(set, count))
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a set of %u patterns", count);
    for (uint32_t i = 0; i < count && status == SPARSED_OK; i++)
        status = take_pattern(set, i, patterns, layers[i], message);
    return status == SPARSED_OK ? sort_entries(set, message) : status;
}

sparsed_status sparsed_pattern_set_create(const sparsed_pattern_set_info *info,
                                          sparsed_pattern *const *patterns, const uint32_t *layers,
                                          uint32_t count, const sparsed_allocator *allocator,
                                          sparsed_pattern_set **set, sparsed_message *message) {
    spd_message_clear(message);
    if (!set)
        return spd_fail(message, SPARSED_E_INVALID, "set is NULL");
    *set = NULL;
    if (!patterns || !layers)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", patterns ? "layers" : "patterns");
    if (count < 1 || count > SPD_MAX_PATTERNS)
        return spd_fail(message, SPARSED_E_INVALID, "count is %u, not in 1 to %d", count,
                        SPD_MAX_PATTERNS);
    if (!patterns[0])
        return spd_fail(message, SPARSED_E_INVALID, "patterns[0] is NULL");
    if (allocator && (!allocator->allocate || !allocator->release))
        return spd_fail(message, SPARSED_E_INVALID, "allocator has a NULL function");
    sparsed_pattern_set *made = spd_set_new(allocator);
    if (!made)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a pattern set");
    sparsed_status status = fill_set(made, info, patterns, layers, count, message);
    if (status != SPARSED_OK) {
        sparsed_pattern_set_release(made);
        return status;
    }
    *set = made;
    return SPARSED_OK;
}
