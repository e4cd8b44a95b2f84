/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Attention of a chunk of rows: units of query rows, cut into launches. */
#include "launch_run.h"

#include "../src/size.h"

enum { MAP_BYTES = 16, MERGE_ITEMS = 64 };

/* What a tensor map may describe: row numbers are signed, strides have 40 bits in bytes. */
#define MAP_MOST_ROWS (UINT64_C(1) << 31)
#define MAP_MOST_STRIDE (UINT64_C(1) << 39)

uint64_t spd_cl_launch_rows(const spd_cl_run *b) {
    const spd_cl_kernel *k = b->kernel;
    uint64_t row_operations = 4 * (uint64_t)b->launch->problem->desc.head_dim * b->extent->keys;
    return spd_max(k->launch_operations / row_operations, k->unit_rows);
}

/* Work-groups of a wave: one a compute unit, or those of a build that there is scratch for. */
static uint64_t wave_groups(const spd_cl_kernel *k, cl_uint flags) {
    return k->family->loops && (flags & SPD_CL_BUILD) ? k->build_groups
                                                      : spd_max(k->state->info.compute_units, 1);
}

uint64_t spd_cl_part_of(const spd_cl_run *b, uint64_t rows, uint64_t limit, uint64_t step) {
    uint64_t wave = wave_groups(b->kernel, b->flags) * step;
    uint64_t whole = spd_ceil_div(rows, step) * step;
    if (whole <= limit)
        return rows;
    return spd_min(limit >= wave ? limit / wave * wave : limit / step * step, rows);
}

/* Whether the copy engine of the kernels for NVIDIA takes a tensor of 16-bit elements: rows and heads
 * begin at multiples of 16 bytes. */
static bool is_mappable(const sparsed_strides *strides, uint64_t first, uint64_t rows) {
    const uint64_t elements = MAP_BYTES / sizeof(uint16_t);
    return (first | strides->row | strides->head) % elements == 0 && rows < MAP_MOST_ROWS &&
           spd_max(strides->row, strides->head) < MAP_MOST_STRIDE;
}

sparsed_status spd_cl_make_maps(spd_cl_run *b) {
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
    sparsed_status status = spd_cl_run_set_args(b, k->make_maps, buffers, 4, NULL);
    return status == SPARSED_OK
               ? spd_cl_run_enqueue(b, k->make_maps, 1, (size_t[1]){1}, (size_t[1]){1})
               : status;
}

/* The kernel of launches with these flags. */
static cl_kernel attend_kernel(const spd_cl_kernel *k, cl_uint flags) {
    if (!k->family->specialised || !(flags & SPD_CL_BUILD))
        return k->attend;
    return flags & SPD_CL_ATTEND ? k->attend_build : k->build;
}

/* Cuts the last round of a launch's units, where it leaves compute units idle, into shares. */
static void share_units(spd_cl_run *b, cl_uint flags, uint64_t units) {
    const spd_cl_kernel *k = b->kernel;
    uint64_t groups = wave_groups(k, flags), last = units % groups;
    uint64_t tiles = b->extent->keys / SPD_CL_TILE_KEYS;
    uint64_t shares = 1;
    if (k->merge && last > 0 && last <= SPD_CL_COUNTERS / SPD_CL_UNIT_COUNTERS)
        shares = spd_min(groups / last, tiles / k->family->share_tiles);
    b->args.unit_shares = (uint32_t)spd_max(shares, 1);
    b->args.whole_units = (uint32_t)(shares > 1 ? units - last : units);
}

/* Puts shared units together. */
static sparsed_status merge_shares(spd_cl_run *b, cl_uint flags, uint64_t units) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_tensors *t = b->tensors;
    const cl_mem buffers[] = {k->shares, t->out, t->lse ? t->lse : k->empty};
    size_t pairs = (size_t)k->unit_rows * b->launch->problem->desc.head_dim / 2;
    if (units == b->args.whole_units || !(flags & SPD_CL_ATTEND))
        return SPARSED_OK;
    sparsed_status status = spd_cl_run_set_args(b, k->merge, buffers, 3, &flags);
    return status == SPARSED_OK
               ? spd_cl_run_enqueue(b, k->merge, 2, (size_t[2]){pairs, units - b->args.whole_units},
                                    (size_t[2]){MERGE_ITEMS, 1})
               : status;
}

/* One launch: units of args.part_row and what follows, of args.heads heads. */
static sparsed_status run_part(spd_cl_run *b, cl_kernel attend, const cl_mem *buffers,
                               cl_uint buffer_count, cl_uint flags) {
    const spd_cl_kernel *k = b->kernel;
    size_t items = k->family->group_items, groups = b->args.part_units, heads = b->args.heads;
    uint64_t units = b->args.part_units * heads;
    share_units(b, flags, units);
    if (k->family->loops) {
        uint64_t works =
            b->args.whole_units + (units - b->args.whole_units) * (uint64_t)b->args.unit_shares;
        groups = (size_t)spd_min(works, wave_groups(k, flags));
        heads = 1;
    }
    sparsed_status status = spd_cl_run_set_args(b, attend, buffers, buffer_count, &flags);
    if (status == SPARSED_OK && k->family->mapped)
        status = spd_cl_run_check(
            b, k->state->api.SetKernelArg(attend, buffer_count + 2, sizeof k->maps, &k->maps),
            "clSetKernelArg");
    if (status == SPARSED_OK)
        status = spd_cl_run_enqueue(b, attend, 2, (size_t[2]){groups * items, heads},
                                    (size_t[2]){items, 1});
    return status == SPARSED_OK ? merge_shares(b, flags, units) : status;
}

/* The chunk's rows, in several launches where one query block is too much for one. */
static sparsed_status run_units(spd_cl_run *b, cl_uint flags) {
    const spd_cl_kernel *k = b->kernel;
    const spd_cl_tensors *t = b->tensors;
    /* A family that loops has scores and shares in place of maxima and stats. */
    const bool loops = k->family->loops;
    cl_mem none = k->empty, maxima = loops ? k->scores : k->mass_max,
           stats = loops ? k->shares : k->stats;
    const cl_mem buffers[] = {t->q,
                              t->k,
                              t->v ? t->v : none,
                              t->out ? t->out : none,
                              t->lse ? t->lse : none,
                              b->launch->kept ? b->launch->kept : none,
                              k->mass ? k->mass : none,
                              maxima ? maxima : none,
                              stats ? stats : none};
    cl_kernel attend = attend_kernel(k, flags);
    uint64_t rows = b->args.rows,
             part = spd_cl_part_of(b, rows, spd_cl_launch_rows(b), k->unit_rows);
    sparsed_status status = SPARSED_OK;
    for (uint64_t row = 0; row < rows && status == SPARSED_OK; row += part) {
        b->args.part_row = row;
        b->args.part_units = spd_ceil_div(spd_min(part, rows - row), k->unit_rows);
        status = run_part(b, attend, buffers, sizeof buffers / sizeof *buffers, flags);
    }
    return status;
}

/* A build whose scores have a scale of their own is a launch of its own, unless the kernel has both. */
sparsed_status spd_cl_attend_chunk(spd_cl_run *b) {
    const cl_uint of_build = SPD_CL_BUILD | SPD_CL_SECOND;
    const bool separate = b->kernel->family->specialised && !b->kernel->attend_build;
    if (!(b->flags & SPD_CL_SECOND) || !separate)
        return run_units(b, b->flags);
    sparsed_status status = SPARSED_OK;
    if (b->flags & SPD_CL_ATTEND)
        status = run_units(b, b->flags & ~of_build);
    return status == SPARSED_OK ? run_units(b, SPD_CL_BUILD | (b->flags & SPD_CL_MAPPED)) : status;
}
