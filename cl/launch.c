/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* One operation as a series of kernel launches: per batch, cut so that none takes long. */
#include "kernel.h"

#include "../src/error.h"
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
    FIXED_OPERATIONS = 256,
    MAP_BYTES = 16
};

/* What a tensor map may describe: row numbers are signed, strides have 40 bits in bytes. */
#define MAP_MOST_ROWS (UINT64_C(1) << 31)
#define MAP_MOST_STRIDE (UINT64_C(1) << 39)

/* What the launches of one operation on one batch share. */
typedef struct batch_run {
    spd_cl_kernel *kernel;
    cl_command_queue queue;
    cl_event *chain; /* see spd_cl_launch */
    const spd_launch *launch;
    const spd_cl_tensors *tensors;
    const spd_extent *extent;
    uint32_t batch;
    float *host_scores;
    cl_uint flags;
    spd_cl_args args;
    sparsed_message *message;
} batch_run;

static bool builds(const spd_launch *l) {
    return l->op == SPARSED_DENSE_BUILD || l->op == SPARSED_BUILD;
}

static sparsed_status check(batch_run *b, cl_int error, const char *call) {
    return spd_cl_check(b->kernel->state, error, call, b->message);
}

/* A command's wait list: the command before it, where the queue needs to be told. */
static cl_uint wait_count(const batch_run *b) {
    return b->chain && *b->chain;
}

static const cl_event *wait_list(const batch_run *b) {
    return wait_count(b) ? b->chain : NULL;
}

/* Notes a command just enqueued: the next one waits for `done`. */
static sparsed_status follow(batch_run *b, cl_int error, const char *call, cl_event done) {
    if (error == CL_SUCCESS && b->chain) {
        if (*b->chain)
            b->kernel->state->api.ReleaseEvent(*b->chain);
        *b->chain = done;
    }
    return check(b, error, call);
}

static sparsed_status enqueue(batch_run *b, cl_kernel kernel, cl_uint dimensions,
                              const size_t *global, const size_t *local) {
    cl_event done = NULL;
    cl_int error = b->kernel->state->api.EnqueueNDRangeKernel(
        b->queue, kernel, dimensions, NULL, global, local, wait_count(b), wait_list(b),
        b->chain ? &done : NULL);
    return follow(b, error, "clEnqueueNDRangeKernel", done);
}

/* Buffers, then the struct, then the flags unless they are NULL. */
static sparsed_status set_args(batch_run *b, cl_kernel kernel, const cl_mem *buffers, cl_uint count,
                               const cl_uint *flags) {
    const spd_cl_api *api = &b->kernel->state->api;
    cl_int error = CL_SUCCESS;
    for (cl_uint i = 0; i < count && error == CL_SUCCESS; i++)
        error = api->SetKernelArg(kernel, i, sizeof *buffers, &buffers[i]);
    if (error == CL_SUCCESS)
        error = api->SetKernelArg(kernel, count, sizeof b->args, &b->args);
    if (error == CL_SUCCESS && flags)
        error = api->SetKernelArg(kernel, count + 1, sizeof *flags, flags);
    return check(b, error, "clSetKernelArg");
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

static void set_tensors(spd_cl_args *a, const batch_run *b) {
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

static void set_batch_args(batch_run *b) {
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

/* Rows that one launch may take; at least a unit. */
static uint64_t launch_rows(const batch_run *b) {
    const spd_cl_kernel *k = b->kernel;
    uint64_t row_operations = 4 * (uint64_t)b->launch->problem->desc.head_dim * b->extent->keys;
    return spd_max(k->launch_operations / row_operations, k->unit_rows);
}

/* Rows that a launch takes of `rows` of one head: all of them or, where the limit forbids it, a multiple of
 * `step`, the same for every compute unit if there is one for each. */
static uint64_t part_of(const batch_run *b, uint64_t rows, uint64_t limit, uint64_t step) {
    uint64_t wave = spd_max(b->kernel->state->info.compute_units, 1) * step;
    uint64_t whole = spd_ceil_div(rows, step) * step;
    if (whole <= limit)
        return rows;
    return spd_min(limit >= wave ? limit / wave * wave : limit / step * step, rows);
}

/* How many heads and rows the next chunk takes: bounded by its operations and, for a build, by the
 * scratch. Rows are a multiple of the unit and, for a build, of the query block, or all that are left. */
static void size_chunk(const batch_run *b, uint32_t head, uint64_t row, uint32_t *heads,
                       uint64_t *rows) {
    const spd_cl_kernel *k = b->kernel;
    uint64_t heads_left = b->launch->problem->desc.heads - head, rows_left = b->extent->queries;
    uint64_t step = k->unit_rows, limit = launch_rows(b);
    if (b->flags & SPD_CL_BUILD) {
        step = spd_max(step, k->block_q);
        limit = spd_min(spd_max(limit, step), k->rows_capacity);
    }
    uint64_t padded = spd_ceil_div(rows_left, step) * step;
    *heads = (uint32_t)spd_min(heads_left, limit / padded);
    *rows = rows_left;
    if (*heads == 0 || row > 0) {
        *heads = 1;
        *rows = part_of(b, rows_left - row, limit, step);
    }
}

static sparsed_status copy_scores(batch_run *b, uint32_t ranking) {
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
        cl_int error = b->host_scores
                           ? api->EnqueueReadBufferRect(b->queue, b->kernel->scores, CL_FALSE,
                                                        from_origin, (size_t[3]){0, 0, 0}, region,
                                                        region[0], 0, nk * sizeof(float), 0,
                                                        b->host_scores + to, 0, NULL, NULL)
                           : api->EnqueueCopyBufferRect(
                                 b->queue, b->kernel->scores, b->tensors->scores, from_origin,
                                 to_origin, region, region[0], 0, nk * sizeof(float), 0,
                                 wait_count(b), wait_list(b), b->chain ? &done : NULL);
        status = follow(b, error,
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

/* Scores, then kept blocks, of the rows that attend has just done. */
static sparsed_status select_chunk(batch_run *b) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_args *a = &b->args;
    size_t q_blocks = spd_ceil_div(a->rows, a->block_q), score_items = k->family->score_items;
    size_t items = spd_ceil_div(a->k_blocks, k->family->score_width);
    const cl_mem score_buffers[] = {k->mass, k->mass_max, k->stats, k->scores};
    const cl_mem select_buffers[] = {k->scores, b->launch->kept};
    sparsed_status status = set_args(b, k->score, score_buffers, 4, NULL);
    if (status == SPARSED_OK)
        status = enqueue(b, k->score, 3,
                         (size_t[3]){whole_groups(items, score_items), q_blocks, a->heads},
                         (size_t[3]){score_items, 1, 1});
    if (status == SPARSED_OK)
        status = set_args(b, k->select, select_buffers, 2, NULL);
    if (status == SPARSED_OK)
        status = enqueue(b, k->select, 2, (size_t[2]){q_blocks * k->select_items, a->heads},
                         (size_t[2]){k->select_items, 1});
    if (!b->host_scores && !b->tensors->scores)
        return status;
    for (uint32_t ranking = 0; ranking <= a->upstream && status == SPARSED_OK; ranking++)
        status = copy_scores(b, ranking);
    return status;
}

/* Whether the copy engine of the kernels for NVIDIA takes a tensor of 16-bit elements: rows and heads
 * begin at multiples of 16 bytes. */
static bool is_mappable(const sparsed_strides *strides, uint64_t first, uint64_t rows) {
    const uint64_t elements = MAP_BYTES / sizeof(uint16_t);
    return (first | strides->row | strides->head) % elements == 0 && rows < MAP_MOST_ROWS &&
           spd_max(strides->row, strides->head) < MAP_MOST_STRIDE;
}

/* Makes tensor maps of the batch, if its tensors lend themselves to them: else kernels copy rows. */
static sparsed_status make_maps(batch_run *b) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_tensors *t = b->tensors;
    const cl_mem buffers[] = {t->q, t->k, t->v ? t->v : t->k, k->maps};
    spd_cl_args *a = &b->args;
    if (!k->make_maps || !is_mappable(&t->q_strides, a->q_offset, a->queries) ||
        !is_mappable(&t->k_strides, a->k_offset, a->keys) ||
        (t->v && !is_mappable(&t->v_strides, a->v_offset, a->keys)))
        return SPARSED_OK;
    b->flags |= SPD_CL_MAPPED;
    a->heads = b->launch->problem->desc.heads;
    sparsed_status status = set_args(b, k->make_maps, buffers, 4, NULL);
    return status == SPARSED_OK ? enqueue(b, k->make_maps, 1, (size_t[1]){1}, (size_t[1]){1})
                                : status;
}

/* The kernel of launches with these flags. */
static cl_kernel attend_kernel(const spd_cl_kernel *k, cl_uint flags) {
    if (!k->family->specialised || !(flags & SPD_CL_BUILD))
        return k->attend;
    return flags & SPD_CL_ATTEND ? k->attend_build : k->build;
}

/* Cuts the last round of a launch's units, where it leaves compute units idle, into shares. */
static void share_units(batch_run *b, cl_uint flags, uint64_t units) {
    const spd_cl_kernel *k = b->kernel;
    uint64_t groups = spd_max(k->state->info.compute_units, 1), last = units % groups;
    uint64_t tiles = b->extent->keys / SPD_CL_TILE_KEYS;
    uint64_t shares = 1;
    if (k->merge && last > 0 && !(flags & SPD_CL_BUILD))
        shares = spd_min(groups / last, tiles / k->family->share_tiles);
    b->args.unit_shares = (uint32_t)spd_max(shares, 1);
    b->args.whole_units = (uint32_t)(shares > 1 ? units - last : units);
}

/* Puts shared units together. */
static sparsed_status merge_shares(batch_run *b, cl_uint flags, uint64_t units) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_tensors *t = b->tensors;
    const cl_mem buffers[] = {k->shares, t->out, t->lse ? t->lse : k->empty};
    size_t pairs = (size_t)k->unit_rows * b->launch->problem->desc.head_dim / 2;
    if (units == b->args.whole_units)
        return SPARSED_OK;
    sparsed_status status = set_args(b, k->merge, buffers, 3, &flags);
    return status == SPARSED_OK ? enqueue(b, k->merge, 2,
                                          (size_t[2]){pairs, units - b->args.whole_units},
                                          (size_t[2]){GROUP_ITEMS, 1})
                                : status;
}

/* One launch: units of args.part_row and what follows, of args.heads heads. */
static sparsed_status run_part(batch_run *b, cl_kernel attend, const cl_mem *buffers,
                               cl_uint buffer_count, cl_uint flags) {
    const spd_cl_kernel *k = b->kernel;
    size_t items = k->family->group_items, groups = b->args.part_units, heads = b->args.heads;
    uint64_t units = b->args.part_units * heads;
    share_units(b, flags, units);
    if (k->family->loops) {
        uint64_t works = b->args.whole_units +
                         (units - b->args.whole_units) * (uint64_t)b->args.unit_shares;
        groups = (size_t)spd_min(works, spd_max(k->state->info.compute_units, 1));
        heads = 1;
    }
    sparsed_status status = set_args(b, attend, buffers, buffer_count, &flags);
    if (status == SPARSED_OK && k->family->mapped)
        status = check(
            b,
            k->state->api.SetKernelArg(attend, buffer_count + 2, sizeof k->maps, &k->maps),
            "clSetKernelArg");
    if (status == SPARSED_OK)
        status = enqueue(b, attend, 2, (size_t[2]){groups * items, heads}, (size_t[2]){items, 1});
    return status == SPARSED_OK ? merge_shares(b, flags, units) : status;
}

/* The chunk's rows, in several launches where one query block is too much for one. */
static sparsed_status run_units(batch_run *b, cl_uint flags) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_tensors *t = b->tensors;
    cl_mem none = k->empty, sums = flags & SPD_CL_BUILD ? k->mass : k->shares;
    const cl_mem buffers[] = {t->q,
                              t->k,
                              t->v ? t->v : none,
                              t->out ? t->out : none,
                              t->lse ? t->lse : none,
                              b->launch->kept ? b->launch->kept : none,
                              sums ? sums : none,
                              k->mass_max ? k->mass_max : none,
                              k->stats ? k->stats : none};
    cl_kernel attend = attend_kernel(k, flags);
    uint64_t rows = b->args.rows, part = part_of(b, rows, launch_rows(b), k->unit_rows);
    sparsed_status status = SPARSED_OK;
    for (uint64_t row = 0; row < rows && status == SPARSED_OK; row += part) {
        b->args.part_row = row;
        b->args.part_units = spd_ceil_div(spd_min(part, rows - row), k->unit_rows);
        status = run_part(b, attend, buffers, sizeof buffers / sizeof *buffers, flags);
    }
    return status;
}

/* A build whose scores have a scale of their own is a launch of its own, unless the kernel has both. */
static sparsed_status attend_chunk(batch_run *b) {
    const cl_uint of_build = SPD_CL_BUILD | SPD_CL_SECOND;
    const bool separate = b->kernel->family->specialised && !b->kernel->attend_build;
    if (!(b->flags & SPD_CL_SECOND) || !separate)
        return run_units(b, b->flags);
    sparsed_status status = SPARSED_OK;
    if (b->flags & SPD_CL_ATTEND)
        status = run_units(b, b->flags & ~of_build);
    return status == SPARSED_OK ? run_units(b, SPD_CL_BUILD | (b->flags & SPD_CL_MAPPED)) : status;
}

/* A kernel of which one head takes few operations: dimension 2 is heads. */
static sparsed_status enqueue_heads(batch_run *b, cl_kernel kernel, const cl_mem *buffers,
                                    cl_uint count, const cl_uint *flags, size_t global[3],
                                    const size_t *local, uint64_t head_operations) {
    uint32_t heads = b->launch->problem->desc.heads;
    uint64_t limit = spd_max(b->kernel->launch_operations / head_operations, 1);
    sparsed_status status = SPARSED_OK;
    for (uint64_t head = 0; head < heads && status == SPARSED_OK; head += limit) {
        b->args.first_head = (uint32_t)head;
        global[2] = spd_min(limit, heads - head);
        status = set_args(b, kernel, buffers, count, flags);
        if (status == SPARSED_OK)
            status = enqueue(b, kernel, 3, global, local);
    }
    return status;
}

static sparsed_status run_fixed(batch_run *b) {
    const spd_cl_kernel *k = b->kernel;
    const cl_mem buffers[] = {b->launch->kept};
    uint64_t q_blocks = spd_ceil_div(b->extent->queries, k->block_q);
    b->args.first_row = 0;
    return enqueue_heads(
        b, k->fixed, buffers, 1, NULL,
        (size_t[3]){whole_groups(b->args.row_words, GROUP_ITEMS), (size_t)q_blocks, 0},
        (size_t[3]){GROUP_ITEMS, 1, 1}, FIXED_OPERATIONS * q_blocks * b->args.row_words);
}

static sparsed_status clear_rows(batch_run *b) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_tensors *t = b->tensors;
    const cl_mem buffers[] = {t->out, t->lse ? t->lse : k->empty};
    uint64_t elements = b->args.clear_rows * b->launch->problem->desc.head_dim;
    size_t rows = whole_groups(spd_min(b->args.clear_rows, CLEAR_LAUNCH_ROWS), CLEAR_GROUP_ROWS);
    return enqueue_heads(b, k->clear, buffers, 2, &b->flags,
                         (size_t[3]){b->launch->problem->desc.head_dim / CLEAR_ELEMENTS, rows, 0},
                         (size_t[3]){1, CLEAR_GROUP_ROWS, 1}, CLEAR_OPERATIONS * elements);
}

static sparsed_status run_batch(batch_run *b) {
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
    status = make_maps(b);
    for (uint32_t head = 0; head < l->problem->desc.heads && status == SPARSED_OK;) {
        uint32_t heads = 1;
        uint64_t rows;
        for (uint64_t row = 0; row < b->extent->queries && status == SPARSED_OK; row += rows) {
            size_chunk(b, head, row, &heads, &rows);
            b->args.first_head = head;
            b->args.heads = heads;
            b->args.first_row = (uint32_t)row;
            b->args.rows = (uint32_t)rows;
            status = attend_chunk(b);
            if (status == SPARSED_OK && (b->flags & SPD_CL_BUILD))
                status = select_chunk(b);
        }
        head += heads;
    }
    return status;
}

/* What no launch writes of a build's results is 0. */
static sparsed_status zero_results(batch_run *b) {
    const spd_problem *p = b->launch->problem;
    const cl_uint zero = 0;
    const spd_cl_api *api = &b->kernel->state->api;
    uint64_t rows = (uint64_t)p->desc.batch * p->desc.heads * p->q_blocks;
    uint64_t rankings = spd_mode_is_upstream(p->select.mode) ? 2 : 1;
    uint64_t scores_bytes = rankings * rows * p->k_blocks * sizeof(float);
    if (b->host_scores)
        memset(b->host_scores, 0, scores_bytes);
    cl_event done = NULL;
    cl_int error = api->EnqueueFillBuffer(b->queue, b->launch->kept, &zero, sizeof zero, 0,
                                          rows * p->row_words * sizeof(uint64_t), wait_count(b),
                                          wait_list(b), b->chain ? &done : NULL);
    sparsed_status status = follow(b, error, "clEnqueueFillBuffer", done);
    if (status != SPARSED_OK || !b->tensors->scores || b->host_scores)
        return status;
    error = api->EnqueueFillBuffer(b->queue, b->tensors->scores, &zero, sizeof zero,
                                   b->tensors->scores_at * sizeof(float), scores_bytes,
                                   wait_count(b), wait_list(b), b->chain ? &done : NULL);
    return follow(b, error, "clEnqueueFillBuffer", done);
}

sparsed_status spd_cl_launch(spd_cl_kernel *kernel, cl_command_queue queue, cl_event *chain,
                             const spd_launch *launch, const spd_cl_tensors *tensors,
                             float *host_scores, sparsed_message *message) {
    batch_run b = {.kernel = kernel,
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
