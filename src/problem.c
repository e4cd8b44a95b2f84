/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Checks what the caller describes and fills in the defaults. */
#include "problem.h"

#include "error.h"
#include "size.h"

#include <math.h>
#include <string.h>

enum { MAX_LEN = 2147483647, MAX_HEADS = 65536, MAX_BATCH = 65536 };

const char *spd_mode_string(uint32_t mode) {
    static const char *const names[] = {"dense", "paper",  "upstream-dream", "upstream-llada",
                                        "joint", "window", "streaming"};
    return mode < sizeof names / sizeof *names ? names[mode] : "unknown";
}

const char *spd_dtype_string(uint32_t dtype) {
    switch (dtype) {
    case SPARSED_F32:
        return "f32";
    case SPARSED_F16:
        return "f16";
    case SPARSED_BF16:
        return "bf16";
    default:
        return "unknown";
    }
}

sparsed_status spd_copy_struct(void *to, size_t to_bytes, const void *from, const char *name,
                               sparsed_message *message) {
    uint32_t size;
    if (!from)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", name);
    memcpy(&size, from, sizeof size);
    if (size < sizeof size || size > 65536)
        return spd_fail(message, SPARSED_E_INVALID, "%s.struct_size is %u", name, size);
    for (size_t i = to_bytes; i < size; i++)
        if (((const unsigned char *)from)[i] != 0)
            return spd_fail(message, SPARSED_E_INVALID,
                            "%s has a field (byte %zu) that this library does not know", name, i);
    memset(to, 0, to_bytes);
    memcpy(to, from, spd_min(size, to_bytes));
    return SPARSED_OK;
}

sparsed_status spd_copy_struct_out(void *to, const void *from, size_t from_bytes, const char *name,
                                   sparsed_message *message) {
    uint32_t size;
    if (!to)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", name);
    memcpy(&size, to, sizeof size);
    if (size < sizeof size || size > 65536)
        return spd_fail(message, SPARSED_E_INVALID, "%s.struct_size is %u", name, size);
    memset(to, 0, size);
    memcpy(to, from, spd_min(size, from_bytes));
    memcpy(to, &size, sizeof size);
    return SPARSED_OK;
}

static bool is_dtype(uint32_t dtype) {
    return dtype >= SPARSED_F32 && dtype <= SPARSED_BF16;
}

/* Kernels work with the scale as a float, times log2(e), and give masked keys a weight of
 * exp(-FLT_MAX * scale), which must be 0. */
static bool is_scale(double scale) {
    return scale >= 1e-30 && scale <= 1e30;
}

static bool is_packed(sparsed_strides s) {
    return s.batch == 0 && s.head == 0 && s.row == 0;
}

/* The last element of a tensor must have an address: all in 2^60 elements. */
static bool fits(sparsed_strides s, uint64_t batch, uint64_t heads, uint64_t rows, uint64_t dim) {
    uint64_t b, h, r, end;
    return spd_mul(s.batch, batch - 1, &b) && spd_mul(s.head, heads - 1, &h) &&
           spd_mul(s.row, rows - 1, &r) && spd_add(b, h, &end) && spd_add(end, r, &end) &&
           spd_add(end, dim, &end) && end <= (uint64_t)1 << 60;
}

static sparsed_strides pack(sparsed_strides given, uint64_t heads, uint64_t rows, uint64_t dim) {
    if (!is_packed(given))
        return given;
    return (sparsed_strides){heads * rows * dim, rows * dim, dim};
}

static void pack_strides(sparsed_desc *d) {
    d->q = pack(d->q, d->heads, d->q_len, d->head_dim);
    d->k = pack(d->k, d->kv_heads, d->kv_len, d->head_dim);
    d->v = pack(d->v, d->kv_heads, d->kv_len, d->head_dim);
    d->out = pack(d->out, d->heads, d->q_len, d->head_dim);
}

/* Rows of out must not overlap. Asked for is a nested layout: in the order of its strides, each
 * dimension steps over all that the smaller ones span. */
static bool out_is_nested(const sparsed_desc *d) {
    uint64_t stride[3] = {d->out.batch, d->out.head, d->out.row};
    uint64_t count[3] = {d->batch, d->heads, d->q_len};
    uint64_t span = d->head_dim;
    for (int pass = 0; pass < 3; pass++) {
        int next = -1;
        for (int i = 0; i < 3; i++)
            if (count[i] > 1 && (next < 0 || stride[i] < stride[next]))
                next = i;
        if (next < 0)
            break;
        if (stride[next] < span)
            return false;
        span += stride[next] * (count[next] - 1);
        count[next] = 1;
    }
    return true;
}

static sparsed_status check_strides(const sparsed_desc *desc, sparsed_message *message) {
    sparsed_desc d = *desc;
    pack_strides(&d);
    if (!fits(d.q, d.batch, d.heads, d.q_len, d.head_dim) ||
        !fits(d.k, d.batch, d.kv_heads, d.kv_len, d.head_dim) ||
        !fits(d.v, d.batch, d.kv_heads, d.kv_len, d.head_dim) ||
        !fits(d.out, d.batch, d.heads, d.q_len, d.head_dim))
        return spd_fail(message, SPARSED_E_INVALID,
                        "a tensor of batch %u, heads %u, rows %llu with these strides spans more "
                        "than 2^60 elements",
                        d.batch, d.heads, (unsigned long long)d.kv_len);
    if (!out_is_nested(&d))
        return spd_fail(message, SPARSED_E_INVALID,
                        "desc.out strides {%llu, %llu, %llu} make rows of out overlap",
                        (unsigned long long)d.out.batch, (unsigned long long)d.out.head,
                        (unsigned long long)d.out.row);
    return SPARSED_OK;
}

static sparsed_status check_shape(const sparsed_desc *d, sparsed_message *message) {
    if (d->batch < 1 || d->batch > MAX_BATCH)
        return spd_fail(message, SPARSED_E_INVALID, "desc.batch is %u, not in 1 to %d", d->batch,
                        MAX_BATCH);
    if (d->heads < 1 || d->heads > MAX_HEADS)
        return spd_fail(message, SPARSED_E_INVALID, "desc.heads is %u, not in 1 to %d", d->heads,
                        MAX_HEADS);
    if (d->kv_heads < 1 || d->heads % d->kv_heads != 0)
        return spd_fail(message, SPARSED_E_INVALID,
                        "desc.kv_heads is %u, which does not divide desc.heads %u", d->kv_heads,
                        d->heads);
    if (d->head_dim < 8 || d->head_dim > 256 || d->head_dim % 8 != 0)
        return spd_fail(message, SPARSED_E_INVALID,
                        "desc.head_dim is %u, not a multiple of 8 in 8 to 256", d->head_dim);
    if (d->kv_len < 1 || d->kv_len > MAX_LEN)
        return spd_fail(message, SPARSED_E_INVALID, "desc.kv_len is %llu, not in 1 to %d",
                        (unsigned long long)d->kv_len, MAX_LEN);
    if (d->q_len < 1 || d->q_len > d->kv_len)
        return spd_fail(message, SPARSED_E_INVALID,
                        "desc.q_len is %llu, not in 1 to desc.kv_len %llu",
                        (unsigned long long)d->q_len, (unsigned long long)d->kv_len);
    return SPARSED_OK;
}

static sparsed_status check_q_start(const sparsed_desc *d, sparsed_message *message) {
    if (d->q_start > d->kv_len - d->q_len)
        return spd_fail(message, SPARSED_E_INVALID,
                        "desc.q_start is %llu: query rows %llu to %llu lie beyond kv_len %llu",
                        (unsigned long long)d->q_start, (unsigned long long)d->q_start,
                        (unsigned long long)(d->q_start + d->q_len - 1),
                        (unsigned long long)d->kv_len);
    return SPARSED_OK;
}

static sparsed_status check_desc(sparsed_desc *d, sparsed_message *message) {
    if ((d->flags & ~(uint32_t)SPARSED_DESC_Q_START) != 0 || d->reserved != 0)
        return spd_fail(message, SPARSED_E_INVALID, "desc.flags is 0x%x, desc.reserved %u",
                        d->flags, d->reserved);
    if (!is_dtype(d->dtype))
        return spd_fail(message, SPARSED_E_INVALID, "desc.dtype is %u, not a sparsed_dtype",
                        d->dtype);
    if (d->out_dtype == 0)
        d->out_dtype = d->dtype;
    if (d->out_dtype != d->dtype && d->out_dtype != SPARSED_F32)
        return spd_fail(message, SPARSED_E_INVALID, "desc.out_dtype is %u, neither %s nor f32",
                        d->out_dtype, spd_dtype_string(d->dtype));
    sparsed_status status = check_shape(d, message);
    if (status != SPARSED_OK)
        return status;
    if (d->score_heads == 0)
        d->score_heads = d->heads;
    if (d->scale == 0.0)
        d->scale = 1.0 / sqrt((double)d->head_dim);
    if (!is_scale(d->scale))
        return spd_fail(message, SPARSED_E_INVALID, "desc.scale is %g, not in 1e-30 to 1e30",
                        d->scale);
    if (!(d->flags & SPARSED_DESC_Q_START)) {
        if (d->q_start != 0)
            return spd_fail(message, SPARSED_E_INVALID,
                            "desc.q_start is %llu without the flag SPARSED_DESC_Q_START",
                            (unsigned long long)d->q_start);
        d->q_start = d->kv_len - d->q_len;
    }
    status = check_q_start(d, message);
    return status == SPARSED_OK ? check_strides(d, message) : status;
}

static bool is_block(uint32_t rows) {
    return rows == 16 || rows == 32 || rows == 64 || rows == 128;
}

static sparsed_status check_ratio(double ratio, const char *name, sparsed_message *message) {
    if (!(ratio > 0.0 && ratio <= 1.0))
        return spd_fail(message, SPARSED_E_INVALID, "%s is %g, not in (0, 1]", name, ratio);
    return SPARSED_OK;
}

static double mode_score_scale(const sparsed_desc *d, uint32_t mode) {
    uint32_t dims = mode == SPARSED_MODE_UPSTREAM_LLADA ? d->score_heads : d->head_dim;
    return 1.0 / sqrt((double)dims);
}

static sparsed_status check_select(const sparsed_desc *d, sparsed_select *s,
                                   sparsed_message *message) {
    const uint32_t known = SPARSED_SELECT_DENSE_GENERATION_ROWS | SPARSED_SELECT_KEEP_DIAGONAL |
                           SPARSED_SELECT_KEEP_GENERATION;
    if ((s->flags & ~known) != 0 || s->reserved != 0)
        return spd_fail(message, SPARSED_E_INVALID, "select.flags is 0x%x, select.reserved %u",
                        s->flags, s->reserved);
    if (s->mode < SPARSED_MODE_PAPER || s->mode > SPARSED_MODE_STREAMING)
        return spd_fail(message, SPARSED_E_INVALID, "select.mode is %u, not a sparsed_mode",
                        s->mode);
    if (s->score_reduce > SPARSED_REDUCE_MAX)
        return spd_fail(message, SPARSED_E_INVALID, "select.score_reduce is %u, not sum or max",
                        s->score_reduce);
    if (!is_block(s->block_q) || !is_block(s->block_k))
        return spd_fail(message, SPARSED_E_INVALID,
                        "select.block_q is %u and block_k %u, not 16, 32, 64 or 128", s->block_q,
                        s->block_k);
    if (s->gen_len > d->kv_len)
        return spd_fail(message, SPARSED_E_INVALID, "select.gen_len is %llu, above kv_len %llu",
                        (unsigned long long)s->gen_len, (unsigned long long)d->kv_len);
    if (!spd_mode_is_scored(s->mode))
        return SPARSED_OK;
    if (s->score_scale == 0.0)
        s->score_scale = mode_score_scale(d, s->mode);
    if (!is_scale(s->score_scale))
        return spd_fail(message, SPARSED_E_INVALID,
                        "select.score_scale is %g, not in 1e-30 to 1e30", s->score_scale);
    return check_ratio(s->ratio, "select.ratio", message);
}

/* The blocks of both lengths; all bit rows and block scores must have an address. */
static sparsed_status count_blocks(spd_problem *p, sparsed_message *message) {
    uint64_t rows, size;
    if (!p->has_select)
        return SPARSED_OK;
    p->q_blocks = spd_ceil_div(p->desc.q_len, p->select.block_q);
    p->k_blocks = spd_ceil_div(p->desc.kv_len, p->select.block_k);
    p->row_words = spd_ceil_div(p->k_blocks, 64);
    rows = (uint64_t)p->desc.batch * p->desc.heads * p->q_blocks; /* below 2^16 * 2^16 * 2^27 */
    if (!spd_mul(rows, p->k_blocks, &size) || size > (uint64_t)1 << 56)
        return spd_fail(message, SPARSED_E_INVALID,
                        "batch %u, heads %u and %llu x %llu blocks make a pattern of more than "
                        "2^56 blocks",
                        p->desc.batch, p->desc.heads, (unsigned long long)p->q_blocks,
                        (unsigned long long)p->k_blocks);
    return SPARSED_OK;
}

sparsed_status spd_problem_create(const sparsed_desc *desc, const sparsed_select *select,
                                  spd_problem *problem, sparsed_message *message) {
    spd_problem p = {.has_select = select != NULL};
    sparsed_status status = spd_copy_struct(&p.desc, sizeof p.desc, desc, "desc", message);
    if (status == SPARSED_OK)
        status = check_desc(&p.desc, message);
    if (status == SPARSED_OK && select) {
        status = spd_copy_struct(&p.select, sizeof p.select, select, "select", message);
        if (status == SPARSED_OK)
            status = check_select(&p.desc, &p.select, message);
    }
    if (status == SPARSED_OK)
        status = count_blocks(&p, message);
    if (status == SPARSED_OK)
        *problem = p;
    return status;
}

sparsed_status spd_problem_pack(const spd_problem *plan, uint64_t q_len, spd_problem *run,
                                sparsed_message *message) {
    *run = *plan;
    if (q_len > plan->desc.q_len)
        return spd_fail(message, SPARSED_E_INVALID, "io.q_len is %llu, desc.q_len %llu",
                        (unsigned long long)q_len, (unsigned long long)plan->desc.q_len);
    run->desc.q_len = q_len ? q_len : plan->desc.q_len;
    pack_strides(&run->desc);
    return SPARSED_OK;
}

static sparsed_status find_extent(const spd_problem *p, uint32_t batch, uint64_t start,
                                  uint64_t end, spd_extent *extent, sparsed_message *message) {
    const sparsed_desc *d = &p->desc;
    if (start > end || end > d->kv_len)
        return spd_fail(message, SPARSED_E_INVALID,
                        "io.valid_start[%u], valid_end are %llu, %llu: not a range of kv_len %llu",
                        batch, (unsigned long long)start, (unsigned long long)end,
                        (unsigned long long)d->kv_len);
    spd_extent e = {.key_start = start, .keys = end - start};
    uint64_t first = spd_max(d->q_start, start), last = spd_min(d->q_start + d->q_len, end);
    if (first < last) {
        e.query_start = first - d->q_start;
        e.queries = last - first;
        e.query_position = first - start;
    }
    if (p->has_select && e.keys > 0) {
        const sparsed_select *s = &p->select;
        e.q_blocks = spd_ceil_div(e.queries, s->block_q);
        e.k_blocks = spd_ceil_div(e.keys, s->block_k);
        e.split = spd_split_block(e.keys, s->block_k, s->gen_len);
        e.generation_position = e.keys - spd_min(s->gen_len, e.keys);
        if (spd_mode_is_scored(s->mode))
            spd_budgets(s->mode, s->ratio, e.k_blocks, e.split, &e.keep_prompt, &e.keep_generation);
    }
    *extent = e;
    return SPARSED_OK;
}

static sparsed_status apply_lengths(const sparsed_io *io, const sparsed_desc *plan, sparsed_desc *d,
                                    sparsed_message *message) {
    d->q_len = io->q_len ? io->q_len : plan->q_len;
    d->kv_len = io->kv_len ? io->kv_len : plan->kv_len;
    if (d->q_len > plan->q_len || d->kv_len > plan->kv_len || d->q_len > d->kv_len)
        return spd_fail(message, SPARSED_E_INVALID,
                        "io.q_len is %llu and io.kv_len %llu; the plan's are %llu and %llu",
                        (unsigned long long)d->q_len, (unsigned long long)d->kv_len,
                        (unsigned long long)plan->q_len, (unsigned long long)plan->kv_len);
    if (!(d->flags & SPARSED_DESC_Q_START))
        d->q_start = d->kv_len - d->q_len;
    pack_strides(d);
    return check_q_start(d, message);
}

sparsed_status spd_problem_of_run(const spd_problem *plan, const sparsed_io *io, spd_problem *run,
                                  spd_extent *extents, sparsed_message *message) {
    *run = *plan;
    if (io->flags != 0)
        return spd_fail(message, SPARSED_E_INVALID, "io.flags is 0x%x", io->flags);
    sparsed_status status = apply_lengths(io, &plan->desc, &run->desc, message);
    if (status != SPARSED_OK)
        return status;
    if (io->ratio != 0.0 && run->has_select && spd_mode_is_scored(run->select.mode)) {
        status = check_ratio(io->ratio, "io.ratio", message);
        if (status != SPARSED_OK)
            return status;
        run->select.ratio = io->ratio;
    }
    if (!io->valid_start != !io->valid_end)
        return spd_fail(message, SPARSED_E_INVALID,
                        "io.valid_start and io.valid_end: one is NULL, the other is not");
    status = count_blocks(run, message);
    for (uint32_t b = 0; b < run->desc.batch && status == SPARSED_OK; b++) {
        uint64_t start = io->valid_start ? io->valid_start[b] : 0;
        uint64_t end = io->valid_end ? io->valid_end[b] : run->desc.kv_len;
        status = find_extent(run, b, start, end, &extents[b], message);
    }
    return status;
}

sparsed_status spd_check_generation(const spd_problem *run, const spd_extent *extents,
                                    sparsed_message *message) {
    for (uint32_t b = 0; b < run->desc.batch; b++)
        if (extents[b].keys > 0 && run->select.gen_len > extents[b].keys)
            return spd_fail(message, SPARSED_E_INVALID,
                            "select.gen_len is %llu, but batch %u has %llu valid rows",
                            (unsigned long long)run->select.gen_len, b,
                            (unsigned long long)extents[b].keys);
    return SPARSED_OK;
}
