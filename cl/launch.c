/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* One operation as a series of kernel launches: per batch, cut so that none takes long. */
#include "launch_run.h"

#include "../src/size.h"

#include <string.h>

/* Groups of the kernels whose items share nothing; rows of a launch, which does more in turns; what an
 * element written and a word of bits count as in operations. */
enum {
    GROUP_ITEMS = 64,
    CLEAR_ELEMENTS = 8,
    CLEAR_GROUP_ROWS = 8,
    CLEAR_LAUNCH_ROWS = 8192,
    CLEAR_OPERATIONS = 32,
    FIXED_OPERATIONS = 256
};

static bool builds(const spd_launch *l) {
    return l->op == SPARSED_DENSE_BUILD || l->op == SPARSED_BUILD;
}

static cl_uint flags_of(const spd_launch *l, const spd_cl_tensors *t) {
    const sparsed_select *s = &l->problem->select;
    cl_uint flags = 0;
    if (l->op != SPARSED_BUILD)
        flags |= SPD_CL_ATTEND | (t->lse ? SPD_CL_LSE : 0u);
    if (builds(l) && spd_mode_is_scored(s->mode))
        flags |= SPD_CL_BUILD;
    if (l->op == SPARSED_SPARSE)
        flags |= SPD_CL_SPARSE | (spd_mode_is_scored(s->mode) ? 0u : SPD_CL_FIXED);
    return flags;
}

static void set_tensors(spd_cl_args *a, const spd_cl_run *b) {
    const spd_cl_tensors *t = b->tensors;
    const spd_extent *e = b->extent;
    const sparsed_desc *d = &b->launch->problem->desc;
    a->q_offset = t->q_at + b->batch * t->q_strides.batch + e->query_start * t->q_strides.row;
    a->k_offset = t->k_at + b->batch * t->k_strides.batch + e->key_start * t->k_strides.row;
    a->v_offset = t->v_at + b->batch * t->v_strides.batch + e->key_start * t->v_strides.row;
    a->clear_offset = t->out_at + b->batch * t->out_strides.batch;
    a->out_offset = a->clear_offset + e->query_start * t->out_strides.row;
    a->clear_lse_offset = t->lse_at + (uint64_t)b->batch * d->heads * d->q_len;
    a->lse_offset = a->clear_lse_offset + e->query_start;
    a->q_head = t->q_strides.head;
    a->q_row = t->q_strides.row;
    a->k_head = t->k_strides.head;
    a->k_row = t->k_strides.row;
    a->v_head = t->v_strides.head;
    a->v_row = t->v_strides.row;
    a->out_head = t->out_strides.head;
    a->out_row = t->out_strides.row;
    a->lse_head = d->q_len;
    a->heads_per_kv = d->heads / d->kv_heads;
}

static void set_selection(spd_cl_args *a, const spd_problem *p, const spd_extent *e) {
    const sparsed_select *s = &p->select;
    a->generation_position = e->generation_position;
    a->window = s->window;
    a->sinks = s->mode == SPARSED_MODE_STREAMING ? s->sinks : 0;
    a->split = (uint32_t)e->split;
    a->keep_prompt = (uint32_t)e->keep_prompt;
    a->keep_generation = (uint32_t)e->keep_generation;
    a->upstream = spd_mode_is_upstream(s->mode);
    a->rank_generation = a->upstream || s->mode == SPARSED_MODE_PAPER;
    a->rank_end = s->mode == SPARSED_MODE_PAPER ? a->split : a->k_blocks;
    a->score_max = s->score_reduce == SPARSED_REDUCE_MAX;
    a->select_flags = s->flags;
    a->always_first = s->always_first;
    a->score_scale = spd_cl_scale(s->score_scale);
}

static void set_batch_args(spd_cl_run *b) {
    const spd_problem *p = b->launch->problem;
    const spd_extent *e = b->extent;
    spd_cl_args *a = &b->args;
    *a = (spd_cl_args){.queries = e->queries,
                       .keys = e->keys,
                       .query_position = e->query_position,
                       .clear_rows = p->desc.q_len - e->queries,
                       .clear_start = e->query_start,
                       .block_q = b->kernel->block_q,
                       .block_k = b->kernel->block_k};
    set_tensors(a, b);
    a->k_blocks = (uint32_t)spd_ceil_div(e->keys, a->block_k);
    a->row_words = (uint32_t)p->row_words;
    a->bits_head = p->q_blocks * p->row_words;
    a->bits_offset = b->batch * (uint64_t)p->desc.heads * a->bits_head;
    a->scale = spd_cl_scale(p->desc.scale);
    a->lse_scale = (float)p->desc.scale;
    a->lse_scale_low = (float)(p->desc.scale - (double)a->lse_scale);
    if (p->has_select)
        set_selection(a, p, e);
    b->flags = flags_of(b->launch, b->tensors);
    if ((b->flags & SPD_CL_BUILD) && a->score_scale != a->scale)
        b->flags |= SPD_CL_SECOND;
}

/* How many heads and rows the next chunk takes: bounded by its operations and, for a build, by the
 * scratch. Rows are a multiple of the unit and, for a build, of the query block, or all that are left. */
static void size_chunk(const spd_cl_run *b, uint32_t head, uint64_t row, uint32_t *heads,
                       uint64_t *rows) {
    const spd_cl_kernel *k = b->kernel;
    uint64_t heads_left = b->launch->problem->desc.heads - head, rows_left = b->extent->queries;
    uint64_t step = k->unit_rows, limit = spd_cl_launch_rows(b);
    if (b->flags & SPD_CL_BUILD) {
        step = spd_max(step, k->block_q);
        limit = spd_min(spd_max(limit, step), k->rows_capacity);
    }
    uint64_t padded = spd_ceil_div(rows_left, step) * step;
    *heads = (uint32_t)spd_min(heads_left, limit / padded);
    *rows = rows_left;
    if (*heads == 0 || row > 0) {
        *heads = 1;
        *rows = spd_cl_part_of(b, rows_left - row, limit, step);
    }
}

static sparsed_status copy_scores(spd_cl_run *b, uint32_t ranking) {
    const spd_cl_api *api = &b->kernel->state->api;
    const spd_problem *p = b->launch->problem;
    const spd_cl_args *a = &b->args;
    uint64_t q_blocks = spd_ceil_div(a->rows, a->block_q), nk = p->k_blocks;
    size_t region[3] = {a->k_blocks * sizeof(float), q_blocks, 1};
    sparsed_status status = SPARSED_OK;
    for (uint32_t h = 0; h < a->heads && status == SPARSED_OK; h++) {
        uint64_t from = ((uint64_t)ranking * a->heads + h) * q_blocks * a->k_blocks;
        uint64_t head =
            ((uint64_t)ranking * p->desc.batch + b->batch) * p->desc.heads + a->first_head + h;
        uint64_t to = (head * p->q_blocks + a->first_row / a->block_q) * nk;
        size_t from_origin[3] = {from * sizeof(float), 0, 0};
        size_t to_origin[3] = {(b->tensors->scores_at + to) * sizeof(float), 0, 0};
        cl_event done = NULL;
        cl_int error =
            b->host_scores
                ? api->EnqueueReadBufferRect(b->queue, b->kernel->scores, CL_FALSE, from_origin,
                                             (size_t[3]){0, 0, 0}, region, region[0], 0,
                                             nk * sizeof(float), 0, b->host_scores + to, 0, NULL,
                                             NULL)
                : api->EnqueueCopyBufferRect(b->queue, b->kernel->scores, b->tensors->scores,
                                             from_origin, to_origin, region, region[0], 0,
                                             nk * sizeof(float), 0, spd_cl_run_wait_count(b),
                                             spd_cl_run_wait_list(b), b->chain ? &done : NULL);
        status = spd_cl_run_follow(b, error,
                                   b->host_scores ? "clEnqueueReadBufferRect of block scores"
                                                  : "clEnqueueCopyBufferRect of block scores",
                                   done);
    }
    return status;
}

/* Some runtimes compile a kernel again for each group size: it is always the same. */
static size_t whole_groups(uint64_t items, uint64_t group_items) {
    return spd_ceil_div(items, group_items) * group_items;
}

/* Scores of the sums that attend has left, where it does not make them itself. */
static sparsed_status score_chunk(spd_cl_run *b, size_t q_blocks) {
    const spd_cl_kernel *k = b->kernel;
    size_t score_items = k->family->score_items;
    size_t items = spd_ceil_div(b->args.k_blocks, k->family->score_width);
    const cl_mem buffers[] = {k->mass, k->mass_max, k->stats, k->scores};
    sparsed_status status = spd_cl_run_set_args(b, k->score, buffers, 4, NULL);
    return status == SPARSED_OK ? spd_cl_run_enqueue(b, k->score, 3,
                                                     (size_t[3]){whole_groups(items, score_items),
                                                                 q_blocks, b->args.heads},
                                                     (size_t[3]){score_items, 1, 1})
                                : status;
}

/* Scores, then kept blocks, of the rows that attend has just done. */
static sparsed_status select_chunk(spd_cl_run *b) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_args *a = &b->args;
    size_t q_blocks = spd_ceil_div(a->rows, a->block_q);
    const cl_mem select_buffers[] = {k->scores, b->launch->kept};
    sparsed_status status = k->score ? score_chunk(b, q_blocks) : SPARSED_OK;
    if (status == SPARSED_OK)
        status = spd_cl_run_set_args(b, k->select, select_buffers, 2, NULL);
    if (status == SPARSED_OK)
        status =
            spd_cl_run_enqueue(b, k->select, 2, (size_t[2]){q_blocks * k->select_items, a->heads},
                               (size_t[2]){k->select_items, 1});
    if (!b->host_scores && !b->tensors->scores)
        return status;
    for (uint32_t ranking = 0; ranking <= a->upstream && status == SPARSED_OK; ranking++)
        status = copy_scores(b, ranking);
    return status;
}

/* A kernel of which one head takes few operations: dimension 2 is heads. */
static sparsed_status enqueue_heads(spd_cl_run *b, cl_kernel kernel, const cl_mem *buffers,
                                    cl_uint count, const cl_uint *flags, size_t global[3],
                                    const size_t *local, uint64_t head_operations) {
    uint32_t heads = b->launch->problem->desc.heads;
    uint64_t limit = spd_max(b->kernel->launch_operations / head_operations, 1);
    sparsed_status status = SPARSED_OK;
    for (uint64_t head = 0; head < heads && status == SPARSED_OK; head += limit) {
        b->args.first_head = (uint32_t)head;
        global[2] = spd_min(limit, heads - head);
        status = spd_cl_run_set_args(b, kernel, buffers, count, flags);
        if (status == SPARSED_OK)
            status = spd_cl_run_enqueue(b, kernel, 3, global, local);
    }
    return status;
}

static sparsed_status run_fixed(spd_cl_run *b) {
    const spd_cl_kernel *k = b->kernel;
    const cl_mem buffers[] = {b->launch->kept};
    uint64_t q_blocks = spd_ceil_div(b->extent->queries, k->block_q);
    b->args.first_row = 0;
    return enqueue_heads(
        b, k->fixed, buffers, 1, NULL,
        (size_t[3]){whole_groups(b->args.row_words, GROUP_ITEMS), (size_t)q_blocks, 0},
        (size_t[3]){GROUP_ITEMS, 1, 1}, FIXED_OPERATIONS * q_blocks * b->args.row_words);
}

static sparsed_status clear_rows(spd_cl_run *b) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_tensors *t = b->tensors;
    const cl_mem buffers[] = {t->out, t->lse ? t->lse : k->empty};
    uint64_t elements = b->args.clear_rows * b->launch->problem->desc.head_dim;
    size_t rows = whole_groups(spd_min(b->args.clear_rows, CLEAR_LAUNCH_ROWS), CLEAR_GROUP_ROWS);
    return enqueue_heads(b, k->clear, buffers, 2, &b->flags,
                         (size_t[3]){b->launch->problem->desc.head_dim / CLEAR_ELEMENTS, rows, 0},
                         (size_t[3]){1, CLEAR_GROUP_ROWS, 1}, CLEAR_OPERATIONS * elements);
}

static sparsed_status run_batch(spd_cl_run *b) {
    const spd_launch *l = b->launch;
    sparsed_status status = SPARSED_OK;
    set_batch_args(b);
    if (b->args.clear_rows > 0 && (b->flags & SPD_CL_ATTEND))
        status = clear_rows(b);
    if (b->extent->queries == 0 || status != SPARSED_OK)
        return status;
    if (builds(l) && !(b->flags & SPD_CL_BUILD))
        status = run_fixed(b);
    if (status != SPARSED_OK || !(b->flags & (SPD_CL_ATTEND | SPD_CL_BUILD)))
        return status;
    status = spd_cl_make_maps(b);
    for (uint32_t head = 0; head < l->problem->desc.heads && status == SPARSED_OK;) {
        uint32_t heads = 1;
        uint64_t rows;
        for (uint64_t row = 0; row < b->extent->queries && status == SPARSED_OK; row += rows) {
            size_chunk(b, head, row, &heads, &rows);
            b->args.first_head = head;
            b->args.heads = heads;
            b->args.first_row = (uint32_t)row;
            b->args.rows = (uint32_t)rows;
            status = spd_cl_attend_chunk(b);
            if (status == SPARSED_OK && (b->flags & SPD_CL_BUILD))
                status = select_chunk(b);
        }
        head += heads;
    }
    return status;
}

/* Whether launches write all bit rows of a build. */
static bool selects_all_rows(const spd_launch *l) {
    bool all = true;
    for (uint32_t i = 0; i < l->problem->desc.batch; i++)
        all &= l->extents[i].q_blocks == l->problem->q_blocks;
    return all;
}

static sparsed_status zero(spd_cl_run *b, cl_mem memory, uint64_t from_bytes, uint64_t size_bytes) {
    const cl_uint zeros = 0;
    cl_event done = NULL;
    cl_int error = b->kernel->state->api.EnqueueFillBuffer(
        b->queue, memory, &zeros, sizeof zeros, (size_t)from_bytes, (size_t)size_bytes,
        spd_cl_run_wait_count(b), spd_cl_run_wait_list(b), b->chain ? &done : NULL);
    return spd_cl_run_follow(b, error, "clEnqueueFillBuffer", done);
}

/* What no launch writes of a build's results is 0. */
static sparsed_status zero_results(spd_cl_run *b) {
    const spd_problem *p = b->launch->problem;
    const spd_cl_tensors *t = b->tensors;
    uint64_t rows = (uint64_t)p->desc.batch * p->desc.heads * p->q_blocks;
    uint64_t rankings = spd_mode_is_upstream(p->select.mode) ? 2 : 1;
    uint64_t scores_bytes = rankings * rows * p->k_blocks * sizeof(float);
    sparsed_status status = SPARSED_OK;
    if (b->host_scores)
        memset(b->host_scores, 0, scores_bytes);
    if (!selects_all_rows(b->launch))
        status = zero(b, b->launch->kept, 0, rows * p->row_words * sizeof(uint64_t));
    if (status == SPARSED_OK && t->scores && !b->host_scores)
        status = zero(b, t->scores, t->scores_at * sizeof(float), scores_bytes);
    return status;
}

sparsed_status spd_cl_launch(spd_cl_kernel *kernel, cl_command_queue queue, cl_event *chain,
                             const spd_launch *launch, const spd_cl_tensors *tensors,
                             float *host_scores, sparsed_message *message) {
    spd_cl_run b = {.kernel = kernel,
                    .queue = queue,
                    .chain = chain,
                    .launch = launch,
                    .tensors = tensors,
                    .host_scores = host_scores,
                    .message = message};
    sparsed_status status = builds(launch) ? zero_results(&b) : SPARSED_OK;
    for (uint32_t i = 0; i < launch->problem->desc.batch && status == SPARSED_OK; i++) {
        b.batch = i;
        b.extent = &launch->extents[i];
        status = run_batch(&b);
    }
    return status;
}
