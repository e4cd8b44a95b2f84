/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What a plan holds. */
#include "kernel.h"

#include "program.h"

#include "../src/alloc.h"
#include "../src/error.h"
#include "../src/size.h"

#include <stdio.h>
#include <string.h>

enum { SELECT_ITEMS = 64 };

/* Of the exponential sums of a build; on a GPU a part of its memory, within limits. */
static const uint64_t least_sums_bytes = UINT64_C(64) << 20, most_sums_bytes = UINT64_C(1) << 30;
enum { SUMS_PART = 64, MAPS_BYTES = 5 * 128, TILE_KEYS = SPD_CL_TILE_KEYS, STATS = 4 };

static uint32_t unit_rows(const spd_cl_family *family, const spd_problem *p) {
    uint32_t dim = p->desc.head_dim;
    uint32_t most = family->max_rows[dim <= 64 ? 0 : dim <= 128 ? 1 : 2];
    return p->has_select && !family->many_blocks ? (uint32_t)spd_min(most, p->select.block_q)
                                                 : most;
}

/* The attend kernel for launches with these flags; 0 = for all. */
static sparsed_status build_attend(spd_cl_kernel *k, cl_uint flags, cl_kernel *attend,
                                   sparsed_message *message) {
    const spd_problem *p = &k->problem;
    char options[192];
    int used = snprintf(options, sizeof options,
                        "-DSPD_DTYPE=%u -DSPD_OUT_DTYPE=%u -DSPD_D=%u -DSPD_ROWS=%u", p->desc.dtype,
                        p->desc.out_dtype, p->desc.head_dim, k->unit_rows);
    if (flags)
        snprintf(options + used, sizeof options - (size_t)used,
                 " -DSPD_FLAGS=%u -DSPD_BLOCK_Q=%u -DSPD_BLOCK_K=%u", flags, k->block_q,
                 k->block_k);
    return spd_cl_kernel_build(k->state, k->family->source, options, k->family->promoted, attend,
                               message);
}

/* Those that operations on the problem need: without scores there is no build. */
static sparsed_status build_attends(spd_cl_kernel *k, bool scored, sparsed_message *message) {
    const spd_problem *p = &k->problem;
    if (!k->family->specialised)
        return build_attend(k, 0, &k->attend, message);
    const float scale = spd_cl_scale(p->desc.scale);
    const float score_scale = scored ? spd_cl_scale(p->select.score_scale) : scale;
    const bool twice = scored && score_scale == 2.0f * scale;
    const cl_uint build = SPD_CL_BUILD | (twice ? SPD_CL_SECOND : 0u);
    sparsed_status status = build_attend(k, SPD_CL_ATTEND, &k->attend, message);
    if (status == SPARSED_OK && scored)
        status = build_attend(k, build, &k->build, message);
    if (status == SPARSED_OK && scored && (score_scale == scale || twice))
        status = build_attend(k, SPD_CL_ATTEND | build, &k->attend_build, message);
    return status;
}

static sparsed_status build_make_maps(spd_cl_kernel *k, sparsed_message *message) {
    char options[96];
    if (!k->family->mapped)
        return SPARSED_OK;
    snprintf(options, sizeof options, "-DSPD_DTYPE=%u -DSPD_D=%u -DSPD_BLOCK_K=%u",
             k->problem.desc.dtype, k->problem.desc.head_dim, k->block_k);
    return spd_cl_kernel_build(k->state, "nv_maps", options, true, &k->make_maps, message);
}

/* Whether a launch of the plan may have units that several work-groups share. */
static bool shares_units(const spd_cl_kernel *k) {
    return k->family->share_tiles > 0 &&
           k->problem.desc.kv_len > (uint64_t)k->family->share_tiles * TILE_KEYS;
}

static sparsed_status build_merge(spd_cl_kernel *k, sparsed_message *message) {
    char options[64];
    if (!shares_units(k))
        return SPARSED_OK;
    snprintf(options, sizeof options, "-DSPD_OUT_DTYPE=%u -DSPD_D=%u", k->problem.desc.out_dtype,
             k->problem.desc.head_dim);
    return spd_cl_kernel_build(k->state, "nv_merge", options, false, &k->merge, message);
}

static sparsed_status build_score(spd_cl_kernel *k, sparsed_message *message) {
    char options[64] = "";
    if (!k->family->score)
        return SPARSED_OK;
    if (k->family->specialised)
        snprintf(options, sizeof options, "-DSPD_BLOCK_Q=%u -DSPD_BLOCK_K=%u", k->block_q,
                 k->block_k);
    return spd_cl_kernel_build(k->state, k->family->score, options, false, &k->score, message);
}

static sparsed_status build_kernels(spd_cl_kernel *k, sparsed_message *message) {
    const spd_problem *p = &k->problem;
    char options[64];
    bool scored = p->has_select && spd_mode_is_scored(p->select.mode);
    sparsed_status status = build_attends(k, scored, message);
    if (status == SPARSED_OK)
        status = build_make_maps(k, message);
    if (status == SPARSED_OK)
        status = build_merge(k, message);
    snprintf(options, sizeof options, "-DSPD_OUT_DTYPE=%u", p->desc.out_dtype);
    if (status == SPARSED_OK)
        status = spd_cl_kernel_build(k->state, "clear_rows", options, false, &k->clear, message);
    if (status == SPARSED_OK && p->has_select && !scored)
        status = spd_cl_kernel_build(k->state, "fixed_blocks", "", false, &k->fixed, message);
    if (status == SPARSED_OK && scored)
        status = build_score(k, message);
    if (status == SPARSED_OK && scored) {
        snprintf(options, sizeof options, "-DSPD_SELECT_ITEMS=%u", k->select_items);
        status =
            spd_cl_kernel_build(k->state, "select_blocks", options, false, &k->select, message);
    }
    return status;
}

static sparsed_status buffer(spd_cl_kernel *k, uint64_t size_bytes, cl_mem *memory,
                             sparsed_message *message) {
    cl_int error = CL_SUCCESS;
    if (*memory) /* made by an earlier call that failed after it */
        return SPARSED_OK;
    if (size_bytes > k->state->max_buffer_bytes)
        return spd_fail(message, SPARSED_E_NOMEM,
                        "a buffer of %llu bytes is above %s's limit of %llu",
                        (unsigned long long)size_bytes, k->state->info.selector,
                        (unsigned long long)k->state->max_buffer_bytes);
    *memory = k->state->api.CreateBuffer(k->state->context, CL_MEM_READ_WRITE,
                                         (size_t)spd_max(size_bytes, 16), NULL, &error);
    if (error != CL_SUCCESS)
        *memory = NULL;
    k->scratch_bytes += size_bytes;
    return spd_cl_check(k->state, error, "clCreateBuffer", message);
}

/* A compute unit is a multiprocessor of 64 lanes or more where there are these queries, and may be one
 * of 8 lanes elsewhere. */
static bool has_wide_units(const spd_cl_state *s) {
    return strstr(s->info.capabilities, "cl_nv_device_attribute_query") ||
           strstr(s->info.capabilities, "cl_amd_device_attribute_query");
}

static uint64_t launch_operations(const spd_cl_state *s, const spd_cl_family *family) {
    uint32_t per_unit = s->info.kind == SPARSED_DEVICE_CPU_OPENCL ? family->cpu_operations
                        : has_wide_units(s)                       ? family->gpu_operations + 2
                                                                  : family->gpu_operations;
    return s->launch_operations ? s->launch_operations
                                : spd_max(s->info.compute_units, 1) << per_unit;
}

static uint64_t sums_bound_bytes(const spd_cl_state *s) {
    if (s->info.kind != SPARSED_DEVICE_GPU)
        return least_sums_bytes;
    return spd_max(spd_min(s->info.memory_bytes / SUMS_PART, most_sums_bytes), least_sums_bytes);
}

/* Maxima of a row: one for each key block or, of a specialised family, for each tile (nv.clh), of which
 * there is one more where the generation region begins within one. */
static uint64_t maxima_of_row(const spd_cl_kernel *k) {
    uint64_t blocks = k->problem.k_blocks;
    return k->family->specialised ? spd_ceil_div(blocks * k->block_k, TILE_KEYS) + 1 : blocks;
}

/* Rows of so many bytes that the bound of a build's scratch allows. */
static uint64_t rows_bound(const spd_cl_state *s, uint64_t row_bytes) {
    return s->build_rows ? s->build_rows : sums_bound_bytes(s) / row_bytes;
}

/* Whole query blocks of all heads, as many as the bound allows, at least one. */
static uint64_t rows_capacity(const spd_cl_kernel *k, uint64_t row_bytes) {
    const spd_problem *p = &k->problem;
    uint64_t bound = rows_bound(k->state, row_bytes);
    uint64_t step = spd_max(k->unit_rows, k->block_q);
    uint64_t all = p->desc.heads * spd_ceil_div(p->desc.q_len, step) * step;
    return spd_max(spd_min(bound, all) / step * step, step);
}

/* Exponential sums and maxima of rows. */
static sparsed_status create_row_sums(spd_cl_kernel *k, sparsed_message *message) {
    uint64_t blocks = k->problem.k_blocks, maxima = maxima_of_row(k);
    k->rows_capacity = rows_capacity(k, (blocks + maxima) * sizeof(float));
    sparsed_status status = buffer(k, k->rows_capacity * blocks * sizeof(float), &k->mass, message);
    if (status == SPARSED_OK)
        status = buffer(k, k->rows_capacity * maxima * sizeof(float), &k->mass_max, message);
    return status == SPARSED_OK
               ? buffer(k, k->rows_capacity * STATS * sizeof(float), &k->stats, message)
               : status;
}

/* Units whose sums so many work-groups keep: two each, and those that two or more of them share. */
static uint64_t units_kept(uint64_t groups) {
    return 2 * groups + groups / 2;
}

/* Exponential sums and maxima of units, a sum for each slot of a tile: for one work-group a compute unit, or as
 * many as the bound allows, at least one; rows are those whose scores it allows. */
static sparsed_status create_unit_sums(spd_cl_kernel *k, sparsed_message *message) {
    const spd_problem *p = &k->problem;
    uint64_t row_bytes = (maxima_of_row(k) * (TILE_KEYS / k->block_k + 1) + STATS) * sizeof(float);
    uint64_t most = rows_bound(k->state, row_bytes) / k->unit_rows; /* units_kept, at most */
    uint64_t units = p->desc.heads * spd_ceil_div(p->desc.q_len, k->unit_rows);
    k->build_groups = spd_min(spd_max(2 * most / 5, 1), spd_max(k->state->info.compute_units, 1));
    k->rows_capacity = rows_capacity(k, spd_ceil_div(2 * p->k_blocks * sizeof(float), k->block_q));
    uint64_t kept = units_kept(spd_min(k->build_groups, units));
    return buffer(k, kept * k->unit_rows * row_bytes, &k->mass, message);
}

static sparsed_status create_scratch(spd_cl_kernel *k, sparsed_message *message) {
    sparsed_status status =
        k->family->loops ? create_unit_sums(k, message) : create_row_sums(k, message);
    uint64_t scores_bytes = 2 * k->rows_capacity * k->problem.k_blocks * sizeof(float) / k->block_q;
    return status == SPARSED_OK ? buffer(k, scores_bytes, &k->scores, message) : status;
}

/* What work-groups find of the units that they share: each of at most one, nv.clh has the layout. Counters
 * are 0 between launches. */
static sparsed_status create_shares(spd_cl_kernel *k, sparsed_message *message) {
    const cl_uint zero = 0;
    const spd_cl_api *api = &k->state->api;
    uint64_t floats = (uint64_t)k->unit_rows * (k->problem.desc.head_dim + 2 + STATS);
    uint64_t most = spd_max(k->state->info.compute_units, 1);
    uint64_t counters_bytes = SPD_CL_COUNTERS * sizeof zero;
    if (!shares_units(k))
        return SPARSED_OK;
    sparsed_status status =
        buffer(k, counters_bytes + most * floats * sizeof(float), &k->shares, message);
    if (status != SPARSED_OK)
        return status;
    status = spd_cl_check(k->state,
                          api->EnqueueFillBuffer(k->state->queue, k->shares, &zero, sizeof zero, 0,
                                                 (size_t)counters_bytes, 0, NULL, NULL),
                          "clEnqueueFillBuffer", message);
    return status == SPARSED_OK
               ? spd_cl_check(k->state, api->Finish(k->state->queue), "clFinish", message)
               : status;
}

sparsed_status spd_cl_kernel_create(spd_cl_state *state, const spd_cl_family *family,
                                    const spd_problem *problem, spd_cl_kernel **kernel,
                                    sparsed_message *message) {
    spd_cl_kernel *k = spd_allocate(&state->allocator, 1, sizeof *k);
    *kernel = NULL;
    if (!k)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a plan");
    k->state = state;
    k->family = family;
    k->problem = *problem;
    k->unit_rows = unit_rows(family, problem);
    k->block_q = problem->has_select ? problem->select.block_q : k->unit_rows;
    k->block_k = problem->has_select ? problem->select.block_k : family->dense_keys;
    k->select_items = family->cpu_shaped ? 1 : SELECT_ITEMS;
    k->launch_operations = launch_operations(state, family);
    sparsed_status status = build_kernels(k, message);
    if (status == SPARSED_OK)
        status = buffer(k, 16, &k->empty, message);
    if (status == SPARSED_OK && family->mapped)
        status = buffer(k, MAPS_BYTES, &k->maps, message);
    if (status == SPARSED_OK)
        status = create_shares(k, message);
    if (status == SPARSED_OK && problem->has_select && spd_mode_is_scored(problem->select.mode))
        status = create_scratch(k, message);
    if (status != SPARSED_OK) {
        spd_cl_kernel_destroy(k);
        return status;
    }
    *kernel = k;
    return SPARSED_OK;
}

sparsed_status spd_cl_kernel_stage(spd_cl_kernel *k, sparsed_message *message) {
    const sparsed_desc *d = &k->problem.desc;
    uint32_t size = d->dtype == SPARSED_F32 ? 4 : 2, out_size = d->out_dtype == SPARSED_F32 ? 4 : 2;
    uint64_t lse_bytes = (uint64_t)d->batch * d->heads * d->q_len * sizeof(float);
    if (k->lse)
        return SPARSED_OK;
    sparsed_status status =
        buffer(k, spd_cl_stage_bytes(d, &d->q, d->heads, d->q_len, size), &k->q, message);
    if (status == SPARSED_OK)
        status =
            buffer(k, spd_cl_stage_bytes(d, &d->k, d->kv_heads, d->kv_len, size), &k->k, message);
    if (status == SPARSED_OK)
        status =
            buffer(k, spd_cl_stage_bytes(d, &d->v, d->kv_heads, d->kv_len, size), &k->v, message);
    if (status == SPARSED_OK)
        status = buffer(k, spd_cl_stage_bytes(d, &d->out, d->heads, d->q_len, out_size), &k->out,
                        message);
    return status == SPARSED_OK ? buffer(k, lse_bytes, &k->lse, message) : status;
}

void spd_cl_kernel_destroy(spd_cl_kernel *kernel) {
    if (!kernel)
        return;
    spd_cl_state *s = kernel->state;
    cl_kernel kernels[] = {kernel->attend, kernel->attend_build, kernel->build,
                           kernel->score,  kernel->select,       kernel->fixed,
                           kernel->clear,  kernel->make_maps,    kernel->merge};
    cl_mem buffers[] = {kernel->mass, kernel->mass_max, kernel->stats, kernel->scores,
                        kernel->q,    kernel->k,        kernel->v,     kernel->out,
                        kernel->lse,  kernel->empty,    kernel->maps,  kernel->shares};
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (kernels[i])
            s->api.ReleaseKernel(kernels[i]);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        if (buffers[i])
            s->api.ReleaseMemObject(buffers[i]);
    spd_cl_use_clear(&s->api, &kernel->use);
    spd_release(&s->allocator, kernel);
}
