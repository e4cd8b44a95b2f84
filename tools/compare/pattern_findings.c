/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/pattern_findings.h"

#include <string.h>

#include "compare/pattern_rows.h"

typedef struct naming {
    const case_patterns *pair;
    uint64_t head; /* over all batches */
    const uint8_t *states;
    const bool *rounding;
    findings *found;
} naming;

/* A row's blocks: kept by both, by one, and of these real. */
typedef struct row_counts {
    uint64_t both, differing, real, first_real;
} row_counts;

static row_counts count_row(const naming *n, uint64_t q_block) {
    const uint8_t *states = n->states + q_block * n->pair->a->k_blocks;
    row_counts c = {0};
    for (uint64_t j = n->pair->a->k_blocks; j-- > 0;) {
        const unsigned what = states[j] % BLOCK_IN_A;
        c.both += what == BLOCK_BOTH;
        c.differing += what > BLOCK_BOTH;
        c.real += what == BLOCK_REAL;
        if (what == BLOCK_REAL)
            c.first_real = j;
    }
    return c;
}

static bool has_undecided(const naming *n, uint64_t q_block) {
    const uint8_t *states = n->states + q_block * n->pair->a->k_blocks;
    for (uint64_t j = 0; j < n->pair->a->k_blocks; j++)
        if (states[j] % BLOCK_IN_A == BLOCK_UNDECIDED)
            return true;
    return false;
}

/* Whether ties do not explain a row. */
static bool is_bad(const naming *n, uint64_t q_block) {
    row_counts c = count_row(n, q_block);
    return c.real > 0 || (c.differing > c.both && has_undecided(n, q_block));
}

static finding new_finding(const naming *n, finding_kind kind, uint64_t q_block) {
    const uint64_t heads = n->pair->a->desc.heads;
    return (finding){.kind = kind,
                     .part = FINDING_PATTERN,
                     .run = record_op_name(RECORD_BUILD),
                     .batch = n->head / heads,
                     .head = n->head % heads,
                     .q_block = q_block};
}

/* ---- one query block ---- */

enum { MOST_SHIFTED = 8, LEAST_KEPT = 3 };

/* Whether y keeps what x keeps, `shift` key blocks further on, and that is a few blocks at least. */
static bool is_shifted(const uint8_t *x, const uint8_t *y, uint64_t k_blocks, int64_t shift) {
    uint64_t kept = 0;
    for (uint64_t j = 0; j < k_blocks; j++) {
        const uint64_t from = j - (uint64_t)shift; /* past k_blocks if it is before 0 */
        if (from >= k_blocks)
            continue;
        if (pattern_bit(y, j) != pattern_bit(x, from))
            return false;
        kept += pattern_bit(y, j);
    }
    return kept >= LEAST_KEPT;
}

static bool find_shift(const naming *n, uint64_t q_block, finding *f) {
    const record_case *a = n->pair->a;
    const uint8_t *of_a = pattern_row(a, n->head, q_block);
    const uint8_t *of_b = pattern_row(n->pair->b, n->head, q_block);
    for (int64_t shift = 1; shift <= MOST_SHIFTED; shift++)
        for (int way = -1; way <= 1; way += 2)
            if (is_shifted(of_a, of_b, a->k_blocks, way * shift)) {
                *f = new_finding(n, FINDING_SHIFTED, q_block);
                f->from = way * shift;
                return true;
            }
    return false;
}

static bool keeps_at_least(const uint8_t *row, uint64_t k_blocks, uint64_t least) {
    uint64_t kept = 0;
    for (uint64_t j = 0; j < k_blocks; j++)
        kept += pattern_bit(row, j);
    return kept >= least;
}

/* Whether x, at this query block, keeps what y keeps at another one. */
static bool find_other_block(const naming *n, uint64_t q_block, bool in_a, finding *f) {
    const record_case *x = in_a ? n->pair->a : n->pair->b, *y = in_a ? n->pair->b : n->pair->a;
    const uint8_t *row = pattern_row(x, n->head, q_block);
    if (!keeps_at_least(row, x->k_blocks, LEAST_KEPT))
        return false;
    for (uint64_t i = 0; i < x->q_blocks; i++) {
        if (i == q_block || memcmp(row, pattern_row(y, n->head, i), pattern_row_bytes(x)) != 0)
            continue;
        *f = new_finding(n, FINDING_OTHER_BLOCK, q_block);
        f->from = (int64_t)i;
        f->in_a = in_a;
        return true;
    }
    return false;
}

static void name_block(const naming *n, uint64_t q_block) {
    row_counts c = count_row(n, q_block);
    /* else a form would be found by chance */
    const bool mostly = c.differing > c.both && !n->rounding[q_block];
    finding f;
    if (!mostly || (!find_shift(n, q_block, &f) && !find_other_block(n, q_block, false, &f) &&
                    !find_other_block(n, q_block, true, &f))) {
        if (c.real == 0)
            return;
        f = new_finding(n, FINDING_KEPT, q_block);
        f.element = c.first_real;
    }
    f.count = c.differing;
    if (f.kind == FINDING_KEPT)
        f.count = c.real;
    findings_add(n->found, &f);
}

/* ---- whole heads ---- */

/* Whether a head of x keeps what a head of y keeps, but for a few ties. */
static bool heads_agree(const record_case *x, uint64_t head_x, const record_case *y,
                        uint64_t head_y) {
    uint64_t both = 0, either = 0;
    for (uint64_t i = 0; i < x->q_blocks; i++)
        for (uint64_t j = 0; j < x->k_blocks; j++) {
            bool in_x = pattern_bit(pattern_row(x, head_x, i), j);
            bool in_y = pattern_bit(pattern_row(y, head_y, i), j);
            both += in_x && in_y;
            either += in_x || in_y;
        }
    return (double)both >= 0.95 * (double)either;
}

static bool name_other_head(const naming *n) {
    const record_case *a = n->pair->a, *b = n->pair->b;
    const uint64_t first = n->head - n->head % a->desc.heads;
    for (uint64_t other = first; other < first + a->desc.heads; other++) {
        bool b_holds = other != n->head && heads_agree(b, n->head, a, other);
        bool a_holds = other != n->head && heads_agree(a, n->head, b, other);
        if (!a_holds && !b_holds)
            continue;
        finding f = new_finding(n, a_holds && b_holds ? FINDING_SWAPPED : FINDING_OTHER_HEAD, 0);
        f.from = (int64_t)(other - first);
        f.in_a = a_holds;
        if (!(a_holds && b_holds && other < n->head)) /* told already, of the other one */
            findings_add(n->found, &f);
        return true;
    }
    return false;
}

void pattern_findings(const case_patterns *pair, uint64_t head, const uint8_t *states,
                      const bool *rounding, findings *found) {
    const naming n = {pair, head, states, rounding, found};
    uint64_t bad = 0, misplaced = 0, real = 0;
    for (uint64_t i = 0; i < pair->a->q_blocks; i++) {
        bad += is_bad(&n, i);
        misplaced += is_bad(&n, i) && !rounding[i];
        real += count_row(&n, i).real;
    }
    if (bad == 0 || (2 * misplaced > pair->a->q_blocks && name_other_head(&n)))
        return;
    if (bad > 2 && 2 * bad > pair->a->q_blocks && real > 0) {
        finding f = new_finding(&n, FINDING_HEAD, 0);
        f.count = real;
        findings_add(found, &f);
        return;
    }
    for (uint64_t i = 0; i < pair->a->q_blocks; i++)
        if (is_bad(&n, i))
            name_block(&n, i);
}
