/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Patterns of the caller's own choice: from masks, bits and CSR; and what an info may say. */
#include "alloc.h"
#include "error.h"
#include "pattern.h"
#include "select.h"
#include "size.h"

#include <math.h>
#include <string.h>

enum { MAX_STEPS = 1 << 20 };

/* ---- infos -------------------------------------------------------------------------------- */

/* The dimensions and options that a plan has too, by its own rules. */
static sparsed_status check_as_problem(const sparsed_pattern_info *info, spd_problem *problem,
                                       sparsed_message *message) {
    const bool has_start = (info->pattern_flags & SPARSED_PATTERN_Q_START) != 0;
    const bool has_ratio = spd_mode_is_scored(info->mode) || info->ratio != 0.0;
    const sparsed_desc desc = {.struct_size = sizeof desc,
                               .flags = has_start ? SPARSED_DESC_Q_START : 0,
                               .dtype = info->dtype ? info->dtype : SPARSED_F32,
                               .batch = info->batch,
                               .heads = info->heads,
                               .kv_heads = info->kv_heads ? info->kv_heads : info->heads,
                               .head_dim = info->head_dim ? info->head_dim : 8,
                               .q_len = info->q_len,
                               .kv_len = info->kv_len,
                               .q_start = has_start ? info->q_start : 0};
    const sparsed_select select = {.struct_size = sizeof select,
                                   .flags = info->flags,
                                   .mode = SPARSED_MODE_JOINT,
                                   .score_reduce = info->score_reduce,
                                   .block_q = info->block_q,
                                   .block_k = info->block_k,
                                   .gen_len = info->gen_len,
                                   .ratio = has_ratio ? info->ratio : 1.0};
    sparsed_message why = {""};
    sparsed_status status = spd_problem_create(&desc, &select, problem, &why);
    return status == SPARSED_OK ? status : spd_fail(message, status, "info: %.480s", why.text);
}

static sparsed_status check_origin(const sparsed_pattern_info *info, sparsed_message *message) {
    const uint32_t known = SPARSED_PATTERN_Q_START | SPARSED_PATTERN_HEAD_RATIOS;
    if (info->mode > SPARSED_MODE_STREAMING)
        return spd_fail(message, SPARSED_E_INVALID, "info.mode is %u, not a sparsed_mode or 0",
                        info->mode);
    if ((info->pattern_flags & ~known) != 0)
        return spd_fail(message, SPARSED_E_INVALID, "info.pattern_flags is 0x%x",
                        info->pattern_flags);
    if (info->step >= MAX_STEPS)
        return spd_fail(message, SPARSED_E_INVALID, "info.step is %u, not below %d", info->step,
                        MAX_STEPS);
    if (!isfinite(info->score_scale) || info->score_scale < 0.0)
        return spd_fail(message, SPARSED_E_INVALID,
                        "info.score_scale is %g, not finite and at least 0", info->score_scale);
    if (info->window != 0 && !spd_mode_is_fixed(info->mode))
        return spd_fail(message, SPARSED_E_INVALID,
                        "info.window is %llu in mode %u, which has none",
                        (unsigned long long)info->window, info->mode);
    if (info->sinks != 0 && info->mode != SPARSED_MODE_STREAMING)
        return spd_fail(message, SPARSED_E_INVALID, "info.sinks is %llu in mode %u, which has none",
                        (unsigned long long)info->sinks, info->mode);
    return SPARSED_OK;
}

sparsed_status spd_pattern_check_info(sparsed_pattern_info *info, sparsed_message *message) {
    spd_problem problem;
    sparsed_status status = check_origin(info, message);
    if (status == SPARSED_OK)
        status = check_as_problem(info, &problem, message);
    if (status != SPARSED_OK)
        return status;
    info->q_blocks = problem.q_blocks;
    info->k_blocks = problem.k_blocks;
    info->q_start = problem.desc.q_start;
    info->pattern_flags |= SPARSED_PATTERN_Q_START;
    return SPARSED_OK;
}

/* ---- patterns ----------------------------------------------------------------------------- */

/* What the three calls share: checks the arguments and makes a pattern without kept blocks. */
static sparsed_status begin(const sparsed_pattern_info *info, const void *blocks, const char *name,
                            const sparsed_allocator *allocator, sparsed_pattern **pattern,
                            sparsed_message *message) {
    const sparsed_allocator libc = spd_default_allocator();
    sparsed_pattern_info known;
    if (!blocks)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", name);
    if (allocator && (!allocator->allocate || !allocator->release))
        return spd_fail(message, SPARSED_E_INVALID, "allocator has a NULL function");
    sparsed_status status = spd_copy_struct(&known, sizeof known, info, "info", message);
    if (status != SPARSED_OK)
        return status;
    if (spd_mode_is_fixed(known.mode))
        return spd_fail(message, SPARSED_E_INVALID,
                        "info.mode is %u: not a mode whose pattern is a mask", known.mode);
    known.pattern_flags &= ~(uint32_t)SPARSED_PATTERN_HEAD_RATIOS;
    known.score_dtype = 0;
    status = spd_pattern_check_info(&known, message);
    if (status != SPARSED_OK)
        return status;
    return spd_pattern_create(&known, NULL, true, allocator ? allocator : &libc, pattern, message);
}

/* Checks and clears where the results go. */
static sparsed_status check_results(sparsed_pattern **pattern, sparsed_message *message) {
    spd_message_clear(message);
    if (!pattern)
        return spd_fail(message, SPARSED_E_INVALID, "pattern is NULL");
    *pattern = NULL;
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_from_mask(const sparsed_pattern_info *info, const uint8_t *mask,
                                         const sparsed_allocator *allocator,
                                         sparsed_pattern **pattern, sparsed_message *message) {
    sparsed_pattern *p = NULL;
    sparsed_status status = check_results(pattern, message);
    if (status == SPARSED_OK)
        status = begin(info, mask, "mask", allocator, &p, message);
    if (!p)
        return status;
    const uint64_t rows = spd_pattern_row_count(&p->info), blocks = p->info.k_blocks;
    uint64_t *bits = spd_pattern_own_bits(p);
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t j = 0; j < blocks; j++)
            if (mask[r * blocks + j])
                spd_bit_set(bits + r * p->row_words, j);
    spd_pattern_count(p);
    *pattern = p;
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_from_bits(const sparsed_pattern_info *info, const uint64_t *bits,
                                         const sparsed_allocator *allocator,
                                         sparsed_pattern **pattern, sparsed_message *message) {
    sparsed_pattern *p = NULL;
    sparsed_status status = check_results(pattern, message);
    if (status == SPARSED_OK)
        status = begin(info, bits, "bits", allocator, &p, message);
    if (!p)
        return status;
    const uint64_t rows = spd_pattern_row_count(&p->info), used = p->info.k_blocks % 64;
    for (uint64_t r = 0; r < rows && used != 0; r++)
        if (bits[r * p->row_words + p->row_words - 1] >> used != 0) {
            status = spd_fail(message, SPARSED_E_INVALID,
                              "bits of row %llu (of %llu) are set past its %llu key blocks",
                              (unsigned long long)r, (unsigned long long)rows,
                              (unsigned long long)p->info.k_blocks);
            sparsed_pattern_release(p);
            return status;
        }
    memcpy(spd_pattern_own_bits(p), bits, rows * p->row_words * sizeof *bits);
    spd_pattern_count(p);
    *pattern = p;
    return SPARSED_OK;
}

/* One row of CSR: its blocks must rise and lie below k_blocks. */
static sparsed_status set_csr_row(uint64_t row, const uint32_t *blocks, uint64_t count,
                                  uint64_t k_blocks, uint64_t *bits, sparsed_message *message) {
    for (uint64_t i = 0; i < count; i++) {
        if (blocks[i] >= k_blocks)
            return spd_fail(message, SPARSED_E_INVALID,
                            "blocks of row %llu: entry %llu is %u, and there are %llu key blocks",
                            (unsigned long long)row, (unsigned long long)i, blocks[i],
                            (unsigned long long)k_blocks);
        if (i > 0 && blocks[i] <= blocks[i - 1])
            return spd_fail(message, SPARSED_E_INVALID,
                            "blocks of row %llu: entry %llu is %u after %u, which does not rise",
                            (unsigned long long)row, (unsigned long long)i, blocks[i],
                            blocks[i - 1]);
        spd_bit_set(bits, blocks[i]);
    }
    return SPARSED_OK;
}

static sparsed_status set_csr(sparsed_pattern *p, const uint64_t *row_starts,
                              const uint32_t *blocks, sparsed_message *message) {
    const uint64_t rows = spd_pattern_row_count(&p->info), k_blocks = p->info.k_blocks;
    sparsed_status status = SPARSED_OK;
    if (row_starts[0] != 0)
        return spd_fail(message, SPARSED_E_INVALID, "row_starts[0] is %llu, not 0",
                        (unsigned long long)row_starts[0]);
    for (uint64_t r = 0; r < rows && status == SPARSED_OK; r++) {
        const uint64_t next = r + 1, first = row_starts[r], end = row_starts[next];
        if (end < first || end - first > k_blocks)
            return spd_fail(message, SPARSED_E_INVALID,
                            "row_starts[%llu] is %llu after %llu: not 0 to %llu key blocks",
                            (unsigned long long)next, (unsigned long long)end,
                            (unsigned long long)first, (unsigned long long)k_blocks);
        if (end > first && !blocks)
            return spd_fail(message, SPARSED_E_INVALID, "blocks is NULL");
        if (end > first)
            status = set_csr_row(r, blocks + first, end - first, k_blocks,
                                 spd_pattern_own_bits(p) + r * p->row_words, message);
    }
    return status;
}

sparsed_status sparsed_pattern_from_csr(const sparsed_pattern_info *info,
                                        const uint64_t *row_starts, const uint32_t *blocks,
                                        const sparsed_allocator *allocator,
                                        sparsed_pattern **pattern, sparsed_message *message) {
    sparsed_pattern *p = NULL;
    sparsed_status status = check_results(pattern, message);
    if (status == SPARSED_OK)
        status = begin(info, row_starts, "row_starts", allocator, &p, message);
    if (!p)
        return status;
    status = set_csr(p, row_starts, blocks, message);
    if (status != SPARSED_OK) {
        sparsed_pattern_release(p);
        return status;
    }
    spd_pattern_count(p);
    *pattern = p;
    return SPARSED_OK;
}
