/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A pipeline's patterns as a set, and a set's patterns into a pipeline. */
#include "pattern_set.h"
#include "pipeline.h"

/* Fills patterns and layers, [layers] each; what it took is the caller's to release. */
static sparsed_status take_patterns(sparsed_pipeline *p, sparsed_pattern **patterns,
                                    uint32_t *layers) {
    for (uint32_t i = 0; i < p->layers; i++) {
        layers[i] = i;
        if (!p->kept[i]->filled)
            return spd_fail(&p->context->message, SPARSED_E_STATE,
                            "layer %u has no pattern: none was built or set", i);
        sparsed_status status = sparsed_kept_get(p->kept[i], &patterns[i]);
        if (status != SPARSED_OK)
            return status;
    }
    return SPARSED_OK;
}

sparsed_status sparsed_pipeline_get_patterns(sparsed_pipeline *pipeline,
                                             const sparsed_pattern_set_info *info,
                                             sparsed_pattern_set **set) {
    if (set)
        *set = NULL;
    if (!pipeline)
        return SPARSED_E_INVALID;
    sparsed_pipeline *p = pipeline;
    const sparsed_allocator *a = &p->context->allocator;
    sparsed_message *message = &p->context->message;
    sparsed_pattern_set_info known = {.struct_size = sizeof known};
    sparsed_pattern **patterns = NULL;
    uint32_t *layers = NULL;
    spd_message_clear(message);
    if (!set)
        return spd_fail(message, SPARSED_E_INVALID, "set is NULL");
    if (!p->kept[0])
        return spd_pipeline_no_patterns(p);
    sparsed_status status = SPARSED_OK;
    if (info)
        status = spd_copy_struct(&known, sizeof known, info, "info", message);
    if (status != SPARSED_OK)
        return status;
    known.struct_size = sizeof known;
    if (known.steps == 0)
        known.steps = p->steps;
    if (known.model_layers == 0)
        known.model_layers = p->layers;
    if (known.ratio == 0.0 && spd_mode_is_scored(p->plan->problem.select.mode))
        known.ratio = p->plan->problem.select.ratio;
    patterns = spd_allocate(a, p->layers, sizeof(*patterns));
    layers = spd_allocate(a, p->layers, sizeof *layers);
    if (patterns && layers)
        status = take_patterns(p, patterns, layers);
    else
        status = spd_fail(message, SPARSED_E_NOMEM, "no memory for a pattern set");
    if (status == SPARSED_OK)
        status = sparsed_pattern_set_create(&known, patterns, layers, p->layers, a, set, message);
    for (uint32_t i = 0; patterns && i < p->layers; i++)
        sparsed_pattern_release(patterns[i]);
    spd_release(a, patterns);
    spd_release(a, layers);
    return status;
}

static sparsed_status set_layer(sparsed_pipeline *p, uint32_t layer, const sparsed_pattern_set *set,
                                uint32_t step) {
    sparsed_message *message = &p->context->message;
    sparsed_pattern *pattern = NULL;
    uint32_t index = 0;
    sparsed_status status = sparsed_pattern_set_find(set, step, layer, &index, message);
    if (status == SPARSED_OK)
        status = sparsed_pattern_set_get(set, index, &pattern, message);
    if (status == SPARSED_OK)
        status = sparsed_kept_set(p->kept[layer], pattern);
    sparsed_pattern_release(pattern);
    return status;
}

/* A pipeline does not know which of a model's heads are its own. */
static sparsed_status check_heads(const sparsed_pattern_set *set, sparsed_message *message) {
    const uint32_t first = set->info.first_head, heads = set->shared.heads;
    if (set->info.model_heads == heads)
        return SPARSED_OK;
    return spd_fail(message, SPARSED_E_MISMATCH,
                    "the set is a shard, heads %u to %u of %u: give each layer's pattern "
                    "(sparsed_pattern_set_get) to sparsed_pipeline_set_pattern",
                    first, first + heads - 1, set->info.model_heads);
}

sparsed_status sparsed_pipeline_set_patterns(sparsed_pipeline *pipeline,
                                             const sparsed_pattern_set *set, uint32_t step) {
    if (!pipeline)
        return SPARSED_E_INVALID;
    sparsed_pipeline *p = pipeline;
    sparsed_message *message = &p->context->message;
    spd_message_clear(message);
    if (!set)
        return spd_fail(message, SPARSED_E_INVALID, "set is NULL");
    if (!p->kept[0])
        return spd_pipeline_no_patterns(p);
    sparsed_status status = check_heads(set, message);
    if (status != SPARSED_OK)
        return status;
    /* The plan filled in q_start; without its flag it depends on the lengths. */
    sparsed_desc desc = p->plan->problem.desc;
    if ((desc.flags & SPARSED_DESC_Q_START) == 0)
        desc.q_start = 0;
    const sparsed_pattern_match match = {.struct_size = sizeof match,
                                         .flags = SPARSED_MATCH_SHORTER,
                                         .layers = p->layers,
                                         .step = step,
                                         .desc = &desc,
                                         .select = &p->plan->problem.select};
    status = sparsed_pattern_set_match(set, &match, message);
    for (uint32_t i = 0; i < p->layers && status == SPARSED_OK; i++)
        status = set_layer(p, i, set, step);
    return status;
}
