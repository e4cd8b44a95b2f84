/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "crossover.h"

#include "number_text.h"
#include "size.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What sums of shares may miss a row's density by. */
static const double DENSITY_TOLERANCE = 1e-6;

/* A row that says dense says so of patterns that are little sparser, too. */
static const double DENSE_REACH = 0.75;

static bool is_line(const char *text, size_t size) {
    if (!memchr(text, '\0', size))
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool is_block(uint32_t rows) {
    return rows == 16 || rows == 32 || rows == 64 || rows == 128;
}

sparsed_status spd_crossover_check_row(const sparsed_crossover_row *row, uint64_t index,
                                       sparsed_message *message) {
    const char *bad = NULL;
    if (!is_line(row->device, sizeof row->device))
        bad = "device";
    else if (!is_line(row->kernel, sizeof row->kernel) || !row->kernel[0] ||
             strchr(row->kernel, ' '))
        bad = "kernel";
    else if (row->dtype < SPARSED_F32 || row->dtype > SPARSED_BF16)
        bad = "dtype";
    else if (row->head_dim < 8 || row->head_dim > 256 || row->head_dim % 8 != 0)
        bad = "head_dim";
    else if (!is_block(row->block_q) || !is_block(row->block_k))
        bad = "block_q or block_k";
    else if (row->source != SPARSED_CROSSOVER_SHIPPED && row->source != SPARSED_CROSSOVER_MEASURED)
        bad = "source";
    else if (row->reserved != 0)
        bad = "reserved";
    else if (!(row->density > 0.0 && row->density <= 1.0))
        bad = "density";
    else if (row->shortest < 1 || row->longest < row->shortest || row->longest > INT32_MAX)
        bad = "shortest or longest";
    else if (row->length != 0 && (row->length < row->shortest || row->length > row->longest))
        bad = "length";
    return bad ? spd_fail(message, SPARSED_E_INVALID, "rows[%llu].%s is out of range",
                          (unsigned long long)index, bad)
               : SPARSED_OK;
}

/* Blocks that are kept whatever their scores are: at most, for they may be chosen too. */
static uint64_t always_kept(const spd_problem *p) {
    const sparsed_select *s = &p->select;
    uint64_t blocks = s->always_first;
    if ((s->flags & SPARSED_SELECT_KEEP_DIAGONAL) != 0)
        blocks += spd_ceil_div(s->block_q, s->block_k);
    if ((s->flags & SPARSED_SELECT_KEEP_GENERATION) != 0)
        blocks += p->k_blocks - spd_split_block(p->desc.kv_len, s->block_k, s->gen_len);
    return spd_min(blocks, p->k_blocks);
}

double spd_expected_density(const spd_problem *p, double ratio) {
    const sparsed_select *s = &p->select;
    if (!spd_mode_is_scored(s->mode))
        return sparsed_fixed_density(p->desc.kv_len, s->window,
                                     s->mode == SPARSED_MODE_STREAMING ? s->sinks : 0);
    double density = ratio + (double)always_kept(p) / (double)p->k_blocks;
    density = density < 1.0 ? density : 1.0;
    if ((s->flags & SPARSED_SELECT_DENSE_GENERATION_ROWS) != 0) {
        double rows = (double)spd_min(s->gen_len, p->desc.q_len) / (double)p->desc.q_len;
        density = density * (1.0 - rows) + rows;
    }
    return density;
}

/* Whether by this row so many keys stay dense. */
static bool says_dense(const sparsed_crossover_row *row, uint64_t length) {
    return row->length == 0 || length < row->length;
}

/* What pays at a density pays at lower ones, what does not pay does not at higher ones. */
static bool reaches(const sparsed_crossover_row *row, uint64_t length, double density) {
    return says_dense(row, length) ? density >= DENSE_REACH * row->density - DENSITY_TOLERANCE
                                   : density <= row->density + DENSITY_TOLERANCE;
}

static bool fits(const sparsed_crossover_row *row, const sparsed_plan *plan, const char *kernel,
                 double density) {
    const spd_problem *p = &plan->problem;
    return (!row->device[0] || strcmp(row->device, plan->context->info.name) == 0) &&
           strcmp(row->kernel, kernel) == 0 && row->dtype == p->desc.dtype &&
           row->head_dim == p->desc.head_dim && row->block_q == p->select.block_q &&
           row->block_k == p->select.block_k && reaches(row, p->desc.kv_len, density) &&
           p->desc.kv_len >= row->shortest && (row->length > 0 || p->desc.kv_len <= row->longest);
}

static bool is_better(const sparsed_crossover_row *row, const sparsed_crossover_row *best,
                      double density) {
    if (!best || row->source != best->source)
        return !best || row->source > best->source;
    return fabs(row->density - density) < fabs(best->density - density);
}

static void tell_length(const sparsed_crossover_row *row, char *text, size_t size) {
    if (row->length > 0)
        snprintf(text, size, "sparse pays from %llu on", (unsigned long long)row->length);
    else
        snprintf(text, size, "sparse does not pay up to %llu", (unsigned long long)row->longest);
}

static void explain(sparsed_crossover_choice *c, const spd_problem *p, const char *kernel) {
    const char *dtype = spd_dtype_string(p->desc.dtype);
    const unsigned long long length = c->length;
    char from[64];
    tell_length(&c->row, from, sizeof from);
    if (c->source == SPARSED_CROSSOVER_NONE)
        snprintf(c->reason, sizeof c->reason,
                 "sparse: nothing was measured for %llu keys on %s, %s, head dimension %u, blocks "
                 "%u x %u, density %.3g",
                 length, kernel, dtype, p->desc.head_dim, p->select.block_q, p->select.block_k,
                 c->density);
    else
        snprintf(c->reason, sizeof c->reason,
                 "%s: %llu keys, and %s (%s, %s, head dimension %u, blocks "
                 "%u x %u, density %s; %s)",
                 c->dense ? "dense" : "sparse", length, from, kernel, dtype, p->desc.head_dim,
                 p->select.block_q, p->select.block_k, spd_number_text_of(c->row.density).text,
                 c->source == SPARSED_CROSSOVER_MEASURED ? "measured here" : "shipped default");
}

sparsed_status spd_crossover_choose(const sparsed_plan *plan, double ratio,
                                    const sparsed_crossover *table,
                                    sparsed_crossover_choice *choice, sparsed_message *message) {
    const spd_problem *p = &plan->problem;
    const char *kernel = plan->context->backend->rows[plan->row].name;
    const sparsed_crossover_row *best = NULL;
    sparsed_crossover known;
    sparsed_status status = spd_copy_struct(&known, sizeof known, table, "table", message);
    if (status != SPARSED_OK)
        return status;
    if (known.reserved != 0 || (known.count > 0 && !known.rows))
        return spd_fail(message, SPARSED_E_INVALID, "table.reserved is %u, or its rows are NULL",
                        known.reserved);
    *choice = (sparsed_crossover_choice){.struct_size = sizeof *choice,
                                         .length = p->desc.kv_len,
                                         .density = spd_expected_density(p, ratio)};
    for (uint64_t i = 0; i < known.count; i++) {
        const sparsed_crossover_row *row = &known.rows[i];
        status = spd_crossover_check_row(row, i, message);
        if (status != SPARSED_OK)
            return status;
        if (fits(row, plan, kernel, choice->density) && is_better(row, best, choice->density))
            best = row;
    }
    if (best) {
        choice->row = *best;
        choice->source = best->source;
        choice->dense = says_dense(best, choice->length);
    }
    explain(choice, p, kernel);
    return SPARSED_OK;
}

sparsed_status sparsed_crossover_choose(sparsed_plan *plan, const sparsed_crossover *table,
                                        sparsed_crossover_choice *choice) {
    if (!plan)
        return SPARSED_E_INVALID;
    sparsed_message *message = &plan->context->message;
    sparsed_crossover_choice known;
    spd_message_clear(message);
    if (!plan->problem.has_select)
        return spd_fail(message, SPARSED_E_STATE,
                        "this plan has no selection: it can only run SPARSED_DENSE");
    sparsed_status status =
        spd_crossover_choose(plan, plan->problem.select.ratio, table, &known, message);
    return status == SPARSED_OK
               ? spd_copy_struct_out(choice, &known, sizeof known, "choice", message)
               : status;
}
