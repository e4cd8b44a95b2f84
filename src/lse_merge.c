/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Merging attention over disjoint sets of keys, by their log-sum-exps. Host memory. */
#include "context.h"
#include "half.h"
#include "oracle.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where one part's tensors begin. */
static const void *at(const sparsed_buffer *buffer) {
    return (const char *)buffer->mem + buffer->offset_bytes;
}

static void store(void *data, uint32_t dtype, uint64_t index, double value) {
    if (dtype == SPARSED_F32) {
        float single = (float)value;
        memcpy((char *)data + index * sizeof single, &single, sizeof single);
        return;
    }
    uint16_t half =
        dtype == SPARSED_F16 ? spd_f16_from_float((float)value) : spd_bf16_from_float((float)value);
    memcpy((char *)data + index * sizeof half, &half, sizeof half);
}

/* Part `index`. An older caller's array has smaller elements: its own struct_size is the distance.
 */
static const sparsed_io *part_at(const sparsed_io *parts, uint32_t index) {
    const char *first = (const char *)parts;
    return (const sparsed_io *)(const void *)(first + (size_t)index * parts->struct_size);
}

static double part_lse(const sparsed_io *parts, uint32_t index, uint64_t row) {
    return spd_oracle_load(at(&part_at(parts, index)->lse), SPARSED_F32, row);
}

/* One query row: lse_row indexes lse, out_row is the first element of its row of out. */
static void merge_row(const sparsed_desc *d, const sparsed_io *parts, uint32_t n,
                      const sparsed_io *into, uint64_t lse_row, uint64_t out_row) {
    double top = -INFINITY, total = 0.0, row[256] = {0.0};
    for (uint32_t i = 0; i < n && !isnan(top); i++) {
        double lse = part_lse(parts, i, lse_row);
        top = lse > top || isnan(lse) ? lse : top;
    }
    bool empty = top == -INFINITY; /* no part attended to a key */
    for (uint32_t i = 0; i < n && !empty; i++)
        total += exp(part_lse(parts, i, lse_row) - top);
    double lse = empty ? -INFINITY : top + log(total);
    for (uint32_t i = 0; i < n && !empty; i++) {
        const void *out = at(&part_at(parts, i)->out);
        double weight = exp(part_lse(parts, i, lse_row) - lse);
        for (uint32_t c = 0; c < d->head_dim && weight != 0.0; c++)
            row[c] += weight * spd_oracle_load(out, d->out_dtype, out_row + c);
    }
    for (uint32_t c = 0; c < d->head_dim; c++)
        store((void *)at(&into->out), d->out_dtype, out_row + c, row[c]);
    store((void *)at(&into->lse), SPARSED_F32, lse_row, lse);
}

static sparsed_status check_part(const sparsed_io *part, const char *name, sparsed_io *known,
                                 sparsed_message *message) {
    sparsed_status status = spd_copy_struct(known, sizeof *known, part, name, message);
    if (status == SPARSED_OK && (!known->out.mem || !known->lse.mem))
        return spd_fail(message, SPARSED_E_INVALID, "%s.%s is NULL", name,
                        known->out.mem ? "lse" : "out");
    return status;
}

static sparsed_status check_parts(const sparsed_io *parts, uint32_t n, sparsed_message *message) {
    sparsed_io known;
    sparsed_status status = check_part(parts, "parts[0]", &known, message);
    if (status == SPARSED_OK && n > 1 && parts->struct_size % sizeof(uint64_t) != 0)
        return spd_fail(message, SPARSED_E_INVALID,
                        "parts[0].struct_size is %u: not the distance "
                        "of array elements",
                        parts->struct_size);
    for (uint32_t i = 1; i < n && status == SPARSED_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "parts[%u]", i);
        if (part_at(parts, i)->struct_size != parts->struct_size)
            return spd_fail(message, SPARSED_E_INVALID, "%s.struct_size is %u, parts[0]'s is %u",
                            name, part_at(parts, i)->struct_size, parts->struct_size);
        status = check_part(part_at(parts, i), name, &known, message);
    }
    return status;
}

sparsed_status sparsed_lse_merge(sparsed_context *context, const sparsed_desc *desc,
                                 const sparsed_io *parts, uint32_t n, const sparsed_io *into) {
    if (!context)
        return SPARSED_E_INVALID;
    sparsed_message *message = &context->message;
    spd_problem plan, run;
    sparsed_io target;
    spd_message_clear(message);
    if (!parts || n < 1 || !into)
        return spd_fail(message, SPARSED_E_INVALID, "parts or into is NULL, or n is %u", n);
    sparsed_status status = check_part(into, "into", &target, message);
    if (status == SPARSED_OK)
        status = check_parts(parts, n, message);
    if (status == SPARSED_OK)
        status = spd_problem_create(desc, NULL, &plan, message);
    if (status == SPARSED_OK)
        status = spd_problem_pack(&plan, target.q_len, &run, message);
    if (status != SPARSED_OK)
        return status;
    const sparsed_desc *d = &run.desc;
    uint64_t lse_row = 0;
    for (uint64_t b = 0; b < d->batch; b++)
        for (uint64_t h = 0; h < d->heads; h++)
            for (uint64_t r = 0; r < d->q_len; r++, lse_row++)
                merge_row(d, parts, n, &target, lse_row,
                          b * d->out.batch + h * d->out.head + r * d->out.row);
    return SPARSED_OK;
}
