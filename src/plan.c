/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Plans: validation, kernel choice, runs. */
#include "plan.h"

#include "kernel_choice.h"

#include <stdio.h>
#include <string.h>

sparsed_status sparsed_plan_create(sparsed_context *context, const sparsed_desc *desc,
                                   const sparsed_select *select, sparsed_plan **plan) {
    if (plan)
        *plan = NULL;
    if (!context)
        return SPARSED_E_INVALID;
    spd_message_clear(&context->message);
    if (!plan)
        return spd_fail(&context->message, SPARSED_E_INVALID, "plan is NULL");
    sparsed_status status = context->backend->health(context->state, &context->message);
    if (status != SPARSED_OK)
        return status;
    sparsed_plan *p = spd_allocate(&context->allocator, 1, sizeof *p);
    if (!p)
        return spd_fail(&context->message, SPARSED_E_NOMEM, "no memory for a plan");
    p->context = context;
    status = spd_problem_create(desc, select, &p->problem, &context->message);
    if (status == SPARSED_OK) {
        p->extents = spd_allocate(&context->allocator, p->problem.desc.batch, sizeof *p->extents);
        if (!p->extents)
            status = spd_fail(&context->message, SPARSED_E_NOMEM, "no memory for a plan");
    }
    if (status == SPARSED_OK)
        status = spd_choose_kernel(context, &p->problem, &p->row);
    if (status == SPARSED_OK)
        status = context->backend->prepare(context->state, p->row, &p->problem, &p->kernel,
                                           &p->scratch_bytes, &context->message);
    if (status != SPARSED_OK) {
        sparsed_plan_destroy(p);
        return status;
    }
    *plan = p;
    return SPARSED_OK;
}

void sparsed_plan_destroy(sparsed_plan *plan) {
    if (!plan)
        return;
    sparsed_context *c = plan->context;
    if (plan->kernel)
        c->backend->discard(c->state, plan->kernel);
    spd_release(&c->allocator, plan->extents);
    spd_release(&c->allocator, plan);
}

sparsed_status sparsed_plan_describe(sparsed_plan *plan, sparsed_plan_info *info) {
    if (!plan)
        return SPARSED_E_INVALID;
    const spd_problem *p = &plan->problem;
    const sparsed_context *c = plan->context;
    sparsed_plan_info known = {.struct_size = sizeof known,
                               .threads = c->backend->threads(c->state),
                               .scratch_bytes = plan->scratch_bytes,
                               .q_blocks = p->q_blocks,
                               .k_blocks = p->k_blocks,
                               .scale = p->desc.scale};
    snprintf(known.kernel, sizeof known.kernel, "%s", c->backend->rows[plan->row].name);
    if (p->has_select) {
        known.kept_bytes = spd_kept_bytes(p);
        known.score_scale = p->select.score_scale;
        known.split = spd_split_block(p->desc.kv_len, p->select.block_k, p->select.gen_len);
        if (spd_mode_is_scored(p->select.mode))
            spd_budgets(p->select.mode, p->select.ratio, p->k_blocks, known.split,
                        &known.keep_prompt, &known.keep_generation);
    }
    return spd_copy_struct_out(info, &known, sizeof known, "info", &plan->context->message);
}

static bool op_builds(sparsed_op op) {
    return op == SPARSED_DENSE_BUILD || op == SPARSED_BUILD || op == SPARSED_BUILD_SPARSE;
}

static bool op_attends(sparsed_op op) {
    return op != SPARSED_BUILD;
}

static sparsed_status check_run(const sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                const sparsed_kept *kept, sparsed_message *message) {
    if ((unsigned)op > SPARSED_BUILD_SPARSE)
        return spd_fail(message, SPARSED_E_INVALID, "op is %d, not a sparsed_op", (int)op);
    if (!io->q.mem || !io->k.mem)
        return spd_fail(message, SPARSED_E_INVALID, "io.%s is NULL", io->q.mem ? "k" : "q");
    if (op_attends(op) && (!io->v.mem || !io->out.mem))
        return spd_fail(message, SPARSED_E_INVALID, "io.%s is NULL", io->v.mem ? "out" : "v");
    if (op == SPARSED_DENSE)
        return kept ? spd_fail(message, SPARSED_E_INVALID, "a dense run takes no kept blocks")
                    : SPARSED_OK;
    if (!plan->problem.has_select)
        return spd_fail(message, SPARSED_E_STATE,
                        "this plan has no selection: it can only run SPARSED_DENSE");
    if (!kept)
        return spd_fail(message, SPARSED_E_INVALID, "kept is NULL");
    const spd_problem *p = &plan->problem, *k = &kept->problem;
    if (kept->context != plan->context || k->desc.batch != p->desc.batch ||
        k->desc.heads != p->desc.heads || k->q_blocks != p->q_blocks ||
        k->k_blocks != p->k_blocks || k->select.block_q != p->select.block_q ||
        k->select.block_k != p->select.block_k)
        return spd_fail(message, SPARSED_E_MISMATCH,
                        "kept was created for another plan: batch %u, heads %u, blocks %llu x %llu "
                        "here, %u, %u, %llu x %llu there",
                        p->desc.batch, p->desc.heads, (unsigned long long)p->q_blocks,
                        (unsigned long long)p->k_blocks, k->desc.batch, k->desc.heads,
                        (unsigned long long)k->q_blocks, (unsigned long long)k->k_blocks);
    return SPARSED_OK;
}

static sparsed_status launch(sparsed_plan *plan, sparsed_op op, const spd_problem *run,
                             const sparsed_io *io, sparsed_kept *kept,
                             const struct spd_async *async, bool more) {
    sparsed_context *c = plan->context;
    const spd_launch l = {.op = op,
                          .problem = run,
                          .extents = plan->extents,
                          .q = io->q,
                          .k = io->k,
                          .v = io->v,
                          .out = io->out,
                          .lse = io->lse,
                          .scores = io->scores,
                          .async = async,
                          .more = more,
                          .kept = kept ? kept->bits : NULL};
    if (op == SPARSED_SPARSE) {
        sparsed_status status = spd_kept_check(kept, run, plan->extents, &c->message);
        if (status != SPARSED_OK)
            return status;
    }
    bool builds = kept && op_builds(op);
    if (builds)
        kept->filled = false;
    sparsed_status status = c->backend->enqueue(c->state, plan->kernel, &l, &c->message);
    if (status == SPARSED_OK && builds)
        spd_kept_fill(kept, run, plan->extents);
    return status;
}

static sparsed_status build_and_attend(sparsed_plan *plan, const spd_problem *run,
                                       const sparsed_io *io, sparsed_kept *kept,
                                       const struct spd_async *async) {
    sparsed_status status = launch(plan, SPARSED_BUILD, run, io, kept, async, true);
    if (status == SPARSED_OK)
        status = launch(plan, SPARSED_SPARSE, run, io, kept, async, false);
    if (status != SPARSED_OK)
        kept->filled = false;
    return status;
}

sparsed_status spd_plan_enqueue(sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                sparsed_kept *kept, const struct spd_async *async) {
    sparsed_context *c = plan->context;
    sparsed_io known;
    spd_problem run;
    spd_message_clear(&c->message);
    sparsed_status status = spd_copy_struct(&known, sizeof known, io, "io", &c->message);
    if (status == SPARSED_OK)
        status = c->backend->health(c->state, &c->message);
    if (status == SPARSED_OK)
        status = check_run(plan, op, &known, kept, &c->message);
    if (status == SPARSED_OK)
        status = spd_problem_of_run(&plan->problem, &known, &run, plan->extents, &c->message);
    if (status == SPARSED_OK && op_builds(op) && spd_mode_is_scored(run.select.mode))
        status = spd_check_generation(&run, plan->extents, &c->message);
    if (status != SPARSED_OK)
        return status;
    return op == SPARSED_BUILD_SPARSE ? build_and_attend(plan, &run, &known, kept, async)
                                      : launch(plan, op, &run, &known, kept, async, false);
}

sparsed_status sparsed_plan_run(sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                sparsed_kept *kept) {
    if (!plan)
        return SPARSED_E_INVALID;
    sparsed_context *c = plan->context;
    sparsed_status status = spd_plan_enqueue(plan, op, io, kept, NULL);
    if (status != SPARSED_OK) {
        /* What had begun still uses the caller's memory; the first error stands. */
        c->backend->wait(c->state, NULL);
        return status;
    }
    status = c->backend->wait(c->state, &c->message);
    if (status != SPARSED_OK && op_builds(op))
        kept->filled = false;
    return status;
}
