/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* One layer's kept blocks in device memory, and their way to and from host patterns. */
#include "plan.h"
#include "size.h"

#include <string.h>

uint64_t spd_kept_bytes(const spd_problem *problem) {
    return (uint64_t)problem->desc.batch * problem->desc.heads * problem->q_blocks *
           problem->row_words * sizeof(uint64_t);
}

sparsed_status sparsed_kept_create(sparsed_plan *plan, sparsed_kept **kept) {
    if (kept)
        *kept = NULL;
    if (!plan)
        return SPARSED_E_INVALID;
    sparsed_context *c = plan->context;
    spd_message_clear(&c->message);
    if (!kept)
        return spd_fail(&c->message, SPARSED_E_INVALID, "kept is NULL");
    if (!plan->problem.has_select)
        return spd_fail(&c->message, SPARSED_E_STATE,
                        "kept blocks need a plan with a selection; this one is dense only");
    sparsed_status status = c->backend->health(c->state, &c->message);
    if (status != SPARSED_OK)
        return status;
    sparsed_kept *k = spd_allocate(&c->allocator, 1, sizeof *k);
    if (!k)
        return spd_fail(&c->message, SPARSED_E_NOMEM, "no memory for kept blocks");
    k->context = c;
    k->problem = plan->problem;
    k->bits_bytes = spd_kept_bytes(&plan->problem);
    k->extents = spd_allocate(&c->allocator, plan->problem.desc.batch, sizeof *k->extents);
    k->ratios = spd_allocate(&c->allocator, plan->problem.desc.heads, sizeof *k->ratios);
    k->bits = c->backend->allocate(c->state, k->bits_bytes);
    if (!k->extents || !k->ratios || !k->bits) {
        uint64_t bytes = k->bits_bytes;
        sparsed_kept_destroy(k);
        status = c->backend->health(c->state, &c->message);
        if (status != SPARSED_OK)
            return status;
        return spd_fail(&c->message, SPARSED_E_NOMEM, "no memory for kept blocks of %llu bytes",
                        (unsigned long long)bytes);
    }
    *kept = k;
    return SPARSED_OK;
}

void sparsed_kept_destroy(sparsed_kept *kept) {
    if (!kept)
        return;
    sparsed_context *c = kept->context;
    if (kept->bits)
        c->backend->release(c->state, kept->bits);
    spd_release(&c->allocator, kept->extents);
    spd_release(&c->allocator, kept->ratios);
    spd_release(&c->allocator, kept);
}

/* What a selection says of its pattern. A fixed mode uses nothing else of it. */
static void describe_selection(const sparsed_select *s, sparsed_pattern_info *info) {
    info->mode = s->mode;
    info->block_q = s->block_q;
    info->block_k = s->block_k;
    info->gen_len = s->gen_len;
    if (spd_mode_is_fixed(s->mode)) {
        info->window = s->window;
        info->sinks = s->mode == SPARSED_MODE_STREAMING ? s->sinks : 0;
        return;
    }
    info->flags = s->flags;
    info->score_reduce = s->score_reduce;
    info->always_first = s->always_first;
    info->ratio = s->ratio;
    info->score_scale = s->score_scale;
}

void spd_kept_fill(sparsed_kept *kept, const spd_problem *run, const spd_extent *extents) {
    const sparsed_desc *d = &run->desc;
    kept->info = (sparsed_pattern_info){.struct_size = sizeof kept->info,
                                        .batch = d->batch,
                                        .heads = d->heads,
                                        .q_len = d->q_len,
                                        .kv_len = d->kv_len,
                                        .q_blocks = run->q_blocks,
                                        .k_blocks = run->k_blocks,
                                        .q_start = d->q_start,
                                        .pattern_flags = SPARSED_PATTERN_Q_START,
                                        .kv_heads = d->kv_heads,
                                        .head_dim = d->head_dim,
                                        .score_heads = d->score_heads,
                                        .dtype = d->dtype};
    describe_selection(&run->select, &kept->info);
    memcpy(kept->extents, extents, d->batch * sizeof *extents);
    kept->filled = true;
}

static sparsed_status mismatch(sparsed_message *message, const char *field, uint64_t pattern,
                               uint64_t problem) {
    return spd_fail(message, SPARSED_E_MISMATCH, "the pattern's %s is %llu, the problem's is %llu",
                    field, (unsigned long long)pattern, (unsigned long long)problem);
}

/* A fixed mode's blocks stand for an exact window, which must be the problem's own. */
static sparsed_status check_fixed(const sparsed_pattern_info *info, const sparsed_select *s,
                                  sparsed_message *message) {
    if (!spd_mode_is_fixed(info->mode) && !spd_mode_is_fixed(s->mode))
        return SPARSED_OK;
    if (info->mode != s->mode)
        return mismatch(message, "mode", info->mode, s->mode);
    if (info->window != s->window)
        return mismatch(message, "window", info->window, s->window);
    if (s->mode == SPARSED_MODE_STREAMING && info->sinks != s->sinks)
        return mismatch(message, "sinks", info->sinks, s->sinks);
    return SPARSED_OK;
}

/* Blocks are counted from the first valid row, so a shift of all rows does not matter. */
static sparsed_status check_rows(uint32_t batch, const spd_extent *pattern, const spd_extent *run,
                                 sparsed_message *message) {
    const struct {
        const char *name;
        uint64_t pattern, run;
    } fields[] = {{"keys", pattern->keys, run->keys},
                  {"queries", pattern->queries, run->queries},
                  {"query_position", pattern->query_position, run->query_position}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].pattern != fields[i].run)
            return spd_fail(message, SPARSED_E_MISMATCH,
                            "the pattern's %s of batch %u is %llu, the run's is %llu",
                            fields[i].name, batch, (unsigned long long)fields[i].pattern,
                            (unsigned long long)fields[i].run);
    return SPARSED_OK;
}

/* A caller's own mask knows of no padding: it was made for the whole rows, and serves any. */
static bool is_mask_of_any_rows(const sparsed_kept *kept) {
    const sparsed_pattern_info *info = &kept->info;
    if (info->mode != 0)
        return false;
    for (uint32_t b = 0; b < info->batch; b++) {
        const spd_extent *e = &kept->extents[b];
        if (e->key_start != 0 || e->keys != info->kv_len || e->query_start != 0 ||
            e->queries != info->q_len || e->query_position != info->q_start)
            return false;
    }
    return true;
}

sparsed_status spd_kept_check(const sparsed_kept *kept, const spd_problem *run,
                              const spd_extent *extents, sparsed_message *message) {
    if (!kept->filled)
        return spd_fail(message, SPARSED_E_STATE,
                        "a sparse run needs a pattern, and none was built or set");
    if (kept->info.q_len != run->desc.q_len)
        return mismatch(message, "q_len", kept->info.q_len, run->desc.q_len);
    if (kept->info.kv_len != run->desc.kv_len)
        return mismatch(message, "kv_len", kept->info.kv_len, run->desc.kv_len);
    sparsed_status status = check_fixed(&kept->info, &run->select, message);
    if (is_mask_of_any_rows(kept))
        return status;
    for (uint32_t b = 0; b < run->desc.batch && status == SPARSED_OK; b++)
        status = check_rows(b, &kept->extents[b], &extents[b], message);
    return status;
}

/* A pattern fits if its rows mean the same here; how its blocks were ranked does not matter. */
static sparsed_status check_fit(const sparsed_pattern_info *info, const spd_problem *p,
                                sparsed_message *message) {
    const sparsed_select *s = &p->select;
    if (info->batch != p->desc.batch)
        return mismatch(message, "batch", info->batch, p->desc.batch);
    if (info->heads != p->desc.heads)
        return mismatch(message, "heads", info->heads, p->desc.heads);
    if (info->block_q != s->block_q)
        return mismatch(message, "block_q", info->block_q, s->block_q);
    if (info->block_k != s->block_k)
        return mismatch(message, "block_k", info->block_k, s->block_k);
    if (info->q_len > p->desc.q_len)
        return mismatch(message, "q_len", info->q_len, p->desc.q_len);
    if (info->kv_len > p->desc.kv_len)
        return mismatch(message, "kv_len", info->kv_len, p->desc.kv_len);
    return check_fixed(info, s, message);
}

sparsed_status sparsed_kept_set(sparsed_kept *kept, const sparsed_pattern *pattern) {
    if (!kept)
        return SPARSED_E_INVALID;
    sparsed_context *c = kept->context;
    spd_message_clear(&c->message);
    if (!pattern)
        return spd_fail(&c->message, SPARSED_E_INVALID, "pattern is NULL");
    sparsed_status status = c->backend->health(c->state, &c->message);
    if (status == SPARSED_OK)
        status = check_fit(&pattern->info, &kept->problem, &c->message);
    if (status != SPARSED_OK)
        return status;
    kept->filled = false;
    status = c->backend->upload(c->state, kept->bits, pattern->bits,
                                spd_pattern_words(&pattern->info) * sizeof(uint64_t), &c->message);
    if (status != SPARSED_OK)
        return status;
    kept->info = pattern->info;
    kept->info.score_dtype = 0;
    memcpy(kept->extents, pattern->extents, pattern->info.batch * sizeof *kept->extents);
    if (pattern->ratios)
        memcpy(kept->ratios, pattern->ratios, pattern->info.heads * sizeof *kept->ratios);
    kept->filled = true;
    return SPARSED_OK;
}

sparsed_status sparsed_kept_get(sparsed_kept *kept, sparsed_pattern **pattern) {
    if (pattern)
        *pattern = NULL;
    if (!kept)
        return SPARSED_E_INVALID;
    sparsed_context *c = kept->context;
    spd_message_clear(&c->message);
    if (!pattern)
        return spd_fail(&c->message, SPARSED_E_INVALID, "pattern is NULL");
    if (!kept->filled)
        return spd_fail(&c->message, SPARSED_E_STATE, "no pattern was built or set");
    sparsed_status status = c->backend->health(c->state, &c->message);
    if (status != SPARSED_OK)
        return status;
    sparsed_pattern *p;
    status = spd_pattern_create(&kept->info, kept->extents, true, &c->allocator, &p, &c->message);
    if (status == SPARSED_OK && (kept->info.pattern_flags & SPARSED_PATTERN_HEAD_RATIOS))
        status = spd_pattern_set_ratios(p, kept->ratios, &c->message);
    if (status == SPARSED_OK)
        status = c->backend->wait(c->state, &c->message);
    if (status == SPARSED_OK)
        status = c->backend->download(c->state, spd_pattern_own_bits(p), kept->bits,
                                      spd_pattern_words(&p->info) * sizeof(uint64_t), &c->message);
    if (status != SPARSED_OK) {
        sparsed_pattern_release(p);
        return status;
    }
    spd_pattern_count(p);
    *pattern = p;
    return SPARSED_OK;
}
