/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The pipeline: a schedule over one kept per layer. */
#include "pipeline.h"

#include "unused_builds.h"

enum { MAX_STEPS = 1 << 20, MAX_LAYERS = 1 << 16 };

static sparsed_status check_entries(const sparsed_schedule *schedule, bool has_select,
                                    sparsed_message *message) {
    if (schedule->steps < 1 || schedule->steps > MAX_STEPS || !schedule->entries)
        return spd_fail(message, SPARSED_E_INVALID,
                        "schedule.steps is %u, not in 1 to %d, or its entries are NULL",
                        schedule->steps, MAX_STEPS);
    const uint32_t flags = SPARSED_SCHEDULE_SAVE | SPARSED_SCHEDULE_EVERY_BUILD;
    if ((schedule->flags & ~flags) != 0 || schedule->reserved != 0)
        return spd_fail(message, SPARSED_E_INVALID, "schedule.flags is 0x%x, schedule.reserved %u",
                        schedule->flags, schedule->reserved);
    for (uint32_t i = 0; i < schedule->steps; i++) {
        uint32_t op = schedule->entries[i].op;
        double ratio = schedule->entries[i].ratio;
        if (op > SPARSED_BUILD_SPARSE || op == SPARSED_BUILD)
            return spd_fail(message, SPARSED_E_INVALID,
                            "schedule.entries[%u].op is %u: not an op of a schedule", i, op);
        if (op != SPARSED_DENSE && !has_select)
            return spd_fail(message, SPARSED_E_INVALID,
                            "schedule.entries[%u].op is %u, which needs a selection", i, op);
        if (schedule->entries[i].reserved != 0)
            return spd_fail(message, SPARSED_E_INVALID, "schedule.entries[%u].reserved is %u", i,
                            schedule->entries[i].reserved);
        if (ratio != 0.0 && !(ratio > 0.0 && ratio <= 1.0))
            return spd_fail(message, SPARSED_E_INVALID,
                            "schedule.entries[%u].ratio is %g, not 0 or in (0, 1]", i, ratio);
    }
    return SPARSED_OK;
}

/* The schedule's entries as they run without auto. */
static sparsed_status allocate(sparsed_pipeline *p, const sparsed_schedule *schedule) {
    const sparsed_allocator *a = &p->context->allocator;
    p->entries = spd_allocate(a, p->steps, sizeof *p->entries);
    p->kept = spd_allocate(a, p->layers, sizeof *p->kept);
    p->next_step = spd_allocate(a, p->layers, sizeof *p->next_step);
    if (!p->entries || !p->kept || !p->next_step)
        return spd_fail(&p->context->message, SPARSED_E_NOMEM, "no memory for a pipeline");
    for (uint32_t i = 0; i < p->steps; i++)
        p->entries[i] = schedule->entries[i];
    spd_drop_unused_builds(p->entries, p->steps, p->flags);
    return SPARSED_OK;
}

static bool is_sparse(uint32_t op) {
    return op == SPARSED_SPARSE || op == SPARSED_BUILD_SPARSE;
}

/* The ratio of the densest pattern that the schedule builds; where it builds none, the selection's.
 * 0 if no step is sparse. */
static double densest_ratio(const sparsed_pipeline *p) {
    const double own = p->plan->problem.select.ratio;
    double densest = 0.0;
    bool sparse = false;
    for (uint32_t i = 0; i < p->steps; i++) {
        const sparsed_schedule_entry *e = &p->entries[i];
        const double ratio = e->ratio != 0.0 ? e->ratio : own;
        if ((e->op == SPARSED_DENSE_BUILD || e->op == SPARSED_BUILD_SPARSE) && ratio > densest)
            densest = ratio;
        sparse |= is_sparse(e->op);
    }
    if (!sparse)
        return 0.0;
    return densest > 0.0 ? densest : own;
}

/* All steps dense; they build what is to be read afterwards. */
static void stay_dense(sparsed_pipeline *p) {
    for (uint32_t i = 0; i < p->steps; i++) {
        if (p->entries[i].op == SPARSED_SPARSE)
            p->entries[i].op = SPARSED_DENSE;
        if (p->entries[i].op == SPARSED_BUILD_SPARSE)
            p->entries[i].op = SPARSED_DENSE_BUILD;
    }
    spd_drop_unused_builds(p->entries, p->steps, p->flags);
}

static bool builds(const sparsed_pipeline *p) {
    for (uint32_t i = 0; i < p->steps; i++)
        if (p->entries[i].op != SPARSED_DENSE)
            return true;
    return false;
}

/* Auto, once the plan says which kernel runs. What stays dense and builds nothing gets the plan of
 * dense attention, whose blocks are not the selection's. */
static sparsed_status choose(sparsed_pipeline *p, const sparsed_desc *desc,
                             const sparsed_crossover *table) {
    sparsed_message *message = &p->context->message;
    const double ratio = densest_ratio(p);
    sparsed_status status = SPARSED_OK;
    if (ratio > 0.0)
        status = spd_crossover_choose(p->plan, ratio, table, &p->choice, message);
    else
        p->choice =
            (sparsed_crossover_choice){.struct_size = sizeof p->choice,
                                       .dense = 1,
                                       .length = p->plan->problem.desc.kv_len,
                                       .density = 1.0,
                                       .reason = "dense: no step of the schedule is sparse"};
    if (status != SPARSED_OK)
        return status;
    p->chosen = true;
    spd_log(p->context, SPARSED_LOG_INFO, "auto: %s", p->choice.reason);
    if (!p->choice.dense)
        return SPARSED_OK;
    stay_dense(p);
    if (builds(p) || !p->plan->problem.has_select)
        return SPARSED_OK;
    sparsed_plan_destroy(p->plan);
    p->plan = NULL;
    return sparsed_plan_create(p->context, desc, NULL, &p->plan);
}

/* The plan, what auto makes of it, and room for patterns. */
static sparsed_status prepare(sparsed_pipeline *p, const sparsed_desc *desc,
                              const sparsed_select *select, const sparsed_crossover *table) {
    sparsed_status status = sparsed_plan_create(p->context, desc, select, &p->plan);
    if (status == SPARSED_OK && table)
        status = choose(p, desc, table);
    if (status != SPARSED_OK || !p->plan->problem.has_select)
        return status;
    for (uint32_t i = 0; i < p->layers && status == SPARSED_OK; i++)
        status = sparsed_kept_create(p->plan, &p->kept[i]);
    return status;
}

sparsed_status sparsed_pipeline_create(sparsed_context *context, const sparsed_desc *desc,
                                       const sparsed_select *select,
                                       const sparsed_schedule *schedule, uint32_t layers,
                                       sparsed_pipeline **pipeline) {
    if (pipeline)
        *pipeline = NULL;
    if (!context)
        return SPARSED_E_INVALID;
    sparsed_message *message = &context->message;
    sparsed_schedule known;
    spd_message_clear(message);
    if (!pipeline)
        return spd_fail(message, SPARSED_E_INVALID, "pipeline is NULL");
    sparsed_status status = spd_copy_struct(&known, sizeof known, schedule, "schedule", message);
    if (status == SPARSED_OK)
        status = check_entries(&known, select != NULL, message);
    if (status != SPARSED_OK)
        return status;
    if (layers < 1 || layers > MAX_LAYERS)
        return spd_fail(message, SPARSED_E_INVALID, "layers is %u, not in 1 to %d", layers,
                        MAX_LAYERS);
    sparsed_pipeline *p = spd_allocate(&context->allocator, 1, sizeof *p);
    if (!p)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a pipeline");
    p->context = context;
    p->layers = layers;
    p->steps = known.steps;
    p->flags = known.flags;
    status = allocate(p, &known);
    if (status == SPARSED_OK)
        status = prepare(p, desc, select, known.crossover);
    if (status != SPARSED_OK) {
        sparsed_pipeline_destroy(p);
        return status;
    }
    *pipeline = p;
    return SPARSED_OK;
}

void sparsed_pipeline_destroy(sparsed_pipeline *pipeline) {
    if (!pipeline)
        return;
    const sparsed_allocator *a = &pipeline->context->allocator;
    for (uint32_t i = 0; pipeline->kept && i < pipeline->layers; i++)
        sparsed_kept_destroy(pipeline->kept[i]);
    sparsed_plan_destroy(pipeline->plan);
    spd_release(a, pipeline->entries);
    spd_release(a, pipeline->kept);
    spd_release(a, pipeline->next_step);
    spd_release(a, pipeline);
}

sparsed_status spd_pipeline_enqueue(sparsed_pipeline *p, uint32_t step, uint32_t layer,
                                    const sparsed_io *io, const struct spd_async *async) {
    sparsed_message *message = &p->context->message;
    sparsed_io known;
    spd_message_clear(message);
    if (step >= p->steps || layer >= p->layers)
        return spd_fail(message, SPARSED_E_INVALID, "step %u of %u, layer %u of %u: out of range",
                        step, p->steps, layer, p->layers);
    if (step < p->next_step[layer])
        return spd_fail(message, SPARSED_E_STATE, "layer %u was at step %u; step %u goes back",
                        layer, p->next_step[layer], step);
    sparsed_status status = spd_copy_struct(&known, sizeof known, io, "io", message);
    if (status != SPARSED_OK)
        return status;
    const sparsed_schedule_entry *entry = &p->entries[step];
    if (entry->ratio != 0.0)
        known.ratio = entry->ratio;
    sparsed_op op = (sparsed_op)entry->op;
    sparsed_kept *kept = op == SPARSED_DENSE ? NULL : p->kept[layer];
    status = async ? spd_plan_enqueue(p->plan, op, &known, kept, async)
                   : sparsed_plan_run(p->plan, op, &known, kept);
    if (status != SPARSED_OK)
        return status;
    p->next_step[layer] = step;
    if (op == SPARSED_DENSE_BUILD || op == SPARSED_BUILD_SPARSE)
        p->kept[layer]->info.step = step;
    return SPARSED_OK;
}

sparsed_status sparsed_pipeline_attend(sparsed_pipeline *pipeline, uint32_t step, uint32_t layer,
                                       const sparsed_io *io) {
    return pipeline ? spd_pipeline_enqueue(pipeline, step, layer, io, NULL) : SPARSED_E_INVALID;
}

sparsed_status sparsed_pipeline_op(sparsed_pipeline *pipeline, uint32_t step, sparsed_op *op) {
    if (!pipeline)
        return SPARSED_E_INVALID;
    spd_message_clear(&pipeline->context->message);
    if (!op)
        return spd_fail(&pipeline->context->message, SPARSED_E_INVALID, "op is NULL");
    if (step >= pipeline->steps)
        return spd_fail(&pipeline->context->message, SPARSED_E_INVALID, "step is %u of %u", step,
                        pipeline->steps);
    *op = (sparsed_op)pipeline->entries[step].op;
    return SPARSED_OK;
}

sparsed_status sparsed_pipeline_choice(sparsed_pipeline *pipeline,
                                       sparsed_crossover_choice *choice) {
    if (!pipeline)
        return SPARSED_E_INVALID;
    sparsed_message *message = &pipeline->context->message;
    spd_message_clear(message);
    if (!pipeline->chosen)
        return spd_fail(message, SPARSED_E_STATE,
                        "auto chose nothing: the schedule came without a crossover table");
    return spd_copy_struct_out(choice, &pipeline->choice, sizeof pipeline->choice, "choice",
                               message);
}

sparsed_status spd_pipeline_no_patterns(const sparsed_pipeline *p) {
    return spd_fail(&p->context->message, SPARSED_E_STATE,
                    p->chosen ? "auto keeps this pipeline dense, so it has no patterns"
                              : "this pipeline has no selection, so no patterns");
}

static sparsed_status layer_kept(sparsed_pipeline *p, uint32_t layer, sparsed_kept **kept) {
    if (!p)
        return SPARSED_E_INVALID;
    sparsed_message *message = &p->context->message;
    if (layer >= p->layers)
        return spd_fail(message, SPARSED_E_INVALID, "layer is %u of %u", layer, p->layers);
    if (!p->kept[layer])
        return spd_pipeline_no_patterns(p);
    *kept = p->kept[layer];
    return SPARSED_OK;
}

sparsed_status sparsed_pipeline_get_pattern(sparsed_pipeline *pipeline, uint32_t layer,
                                            sparsed_pattern **pattern) {
    sparsed_kept *kept = NULL;
    if (pattern)
        *pattern = NULL;
    sparsed_status status = layer_kept(pipeline, layer, &kept);
    return status == SPARSED_OK ? sparsed_kept_get(kept, pattern) : status;
}

sparsed_status sparsed_pipeline_set_pattern(sparsed_pipeline *pipeline, uint32_t layer,
                                            const sparsed_pattern *pattern) {
    sparsed_kept *kept = NULL;
    sparsed_status status = layer_kept(pipeline, layer, &kept);
    return status == SPARSED_OK ? sparsed_kept_set(kept, pattern) : status;
}

sparsed_status sparsed_pipeline_describe(sparsed_pipeline *pipeline, sparsed_plan_info *info) {
    return pipeline ? sparsed_plan_describe(pipeline->plan, info) : SPARSED_E_INVALID;
}
