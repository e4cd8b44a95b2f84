/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/value_findings.h"

#include <math.h>

#include "../src/size.h"

typedef struct search {
    const value_pair *pair;
    const value_places *places;
    findings *found;
    uint64_t head; /* of the arrays: the one at hand */
    double allowed;
} search;

/* Stored rows of one query block, and what is beyond the bound there. */
typedef struct span {
    uint64_t first, end;
    uint64_t beyond, odd, bad_rows;
    uint64_t row, element; /* the first one that is beyond; of those that are odd if there are */
} span;

static bool is_compared(const search *s, uint64_t head, uint64_t row) {
    return !s->pair->rows || s->pair->rows[head * s->pair->a.rows + row];
}

static uint64_t batch_of(const search *s, uint64_t head) {
    return head / s->places->heads % s->places->batches;
}

static uint64_t q_block_of(const search *s, uint64_t row) {
    return s->places->q_blocks[batch_of(s, s->head) * s->pair->a.rows + row];
}

/* Whether a row of one array agrees with a row of the other. */
static bool rows_agree(const search *s, const value_array *x, uint64_t head_x, uint64_t row_x,
                       const value_array *y, uint64_t head_y, uint64_t row_y) {
    for (uint64_t i = 0; i < x->width; i++)
        if (!value_agrees(value_at(x, head_x, row_x, i), value_at(y, head_y, row_y, i), s->allowed))
            return false;
    return true;
}

/* ---- one query block ---- */

static void look_at_row(const search *s, uint64_t row, span *at) {
    uint64_t beyond = 0;
    for (uint64_t i = 0; i < s->pair->a.width; i++) {
        double a = value_at(&s->pair->a, s->head, row, i);
        double b = value_at(&s->pair->b, s->head, row, i);
        bool odd = !value_same_kind(a, b);
        if (value_agrees(a, b, s->allowed))
            continue;
        if (at->beyond + beyond == 0 || (odd && at->odd == 0)) {
            at->row = row;
            at->element = i;
        }
        beyond++;
        at->odd += odd;
    }
    at->beyond += beyond;
    at->bad_rows += beyond > 0;
}

/* The query block whose rows begin at `first`. */
static span look_at_block(const search *s, uint64_t first) {
    span at = {.first = first, .end = first};
    const uint64_t q_block = q_block_of(s, first);
    while (at.end < s->pair->a.rows && q_block_of(s, at.end) == q_block) {
        if (is_compared(s, s->head, at.end))
            look_at_row(s, at.end, &at);
        at.end++;
    }
    return at;
}

static finding new_finding(const search *s, finding_kind kind, const span *at) {
    const value_places *p = s->places;
    finding f = {.kind = kind,
                 .part = p->part,
                 .run = p->run,
                 .ranking = s->head / p->heads / p->batches,
                 .batch = batch_of(s, s->head),
                 .head = s->head % p->heads};
    if (!at)
        return f;
    f.q_block = q_block_of(s, at->first);
    f.row = p->rows[at->row];
    f.element = at->element;
    f.count = kind == FINDING_NOT_FINITE ? at->odd : at->beyond;
    f.a = value_at(&s->pair->a, s->head, at->row, at->element);
    f.b = value_at(&s->pair->b, s->head, at->row, at->element);
    return f;
}

/* ---- a block that holds other rows ---- */

/* Where row `row` of the sequence is stored; false: it is not. */
static bool find_row(const search *s, uint64_t row, uint64_t *stored) {
    uint64_t low = 0, high = s->pair->a.rows;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (s->places->rows[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    *stored = low;
    return low < s->pair->a.rows && s->places->rows[low] == row;
}

/* Whether the block of `holder` is what lies `shift` rows further on in `owner`: of its rows at
 * least two, and half of them, can be looked up, and all of these agree. */
static bool is_shifted(const search *s, const span *at, const value_array *holder,
                       const value_array *owner, int64_t shift) {
    uint64_t agreeing = 0, compared = 0;
    for (uint64_t row = at->first; row < at->end; row++) {
        uint64_t stored;
        compared += is_compared(s, s->head, row);
        if (!is_compared(s, s->head, row) ||
            !find_row(s, s->places->rows[row] + (uint64_t)shift, &stored))
            continue;
        if (!rows_agree(s, holder, s->head, row, owner, s->head, stored))
            return false;
        agreeing++;
    }
    return agreeing >= 2 && 2 * agreeing >= compared;
}

/* Rows further on at which a block is looked for: as many as the suite's longest sequence has. What
 * is not told needs no search. */
enum { MOST_SHIFTED = 8192 };

static bool find_shift(const search *s, const span *at, finding *f) {
    const value_array *a = &s->pair->a, *b = &s->pair->b;
    const uint64_t last = spd_min(s->places->rows[a->rows - 1], MOST_SHIFTED);
    if (s->places->part == FINDING_SCORES || s->found->count == FINDINGS_ROOM)
        return false;
    for (uint64_t distance = 1; distance <= last; distance++)
        for (int way = 0; way < 4; way++) {
            int64_t shift = way & 1 ? -(int64_t)distance : (int64_t)distance;
            bool in_a = way >= 2;
            if (!is_shifted(s, at, in_a ? a : b, in_a ? b : a, shift))
                continue;
            *f = new_finding(s, FINDING_SHIFTED, at);
            f->from = shift;
            f->in_a = in_a;
            return true;
        }
    return false;
}

static void name_block(const search *s, const span *at) {
    finding f;
    if (at->odd > 0)
        f = new_finding(s, FINDING_NOT_FINITE, at);
    else if (at->beyond == 1)
        f = new_finding(s, FINDING_ELEMENT, at);
    else if (!find_shift(s, at, &f))
        f = new_finding(s, at->bad_rows == 1 ? FINDING_ROW : FINDING_BLOCK, at);
    findings_add(s->found, &f);
}

/* ---- whole heads ---- */

/* Whether head_x of x agrees with head_y of y in all rows. */
static bool heads_agree(const search *s, const value_array *x, uint64_t head_x,
                        const value_array *y, uint64_t head_y) {
    for (uint64_t row = 0; row < x->rows; row++)
        if (is_compared(s, head_x, row) && !rows_agree(s, x, head_x, row, y, head_y, row))
            return false;
    return true;
}

/* Another head of the batch that this one agrees with, in the other record. */
static bool name_other_head(const search *s) {
    const value_array *a = &s->pair->a, *b = &s->pair->b;
    const uint64_t first = s->head - s->head % s->places->heads;
    for (uint64_t other = first; other < first + s->places->heads; other++) {
        bool b_holds = other != s->head && heads_agree(s, b, s->head, a, other);
        bool a_holds = other != s->head && heads_agree(s, a, s->head, b, other);
        finding f = new_finding(s, b_holds && a_holds ? FINDING_SWAPPED : FINDING_OTHER_HEAD, NULL);
        if (!a_holds && !b_holds)
            continue;
        f.from = (int64_t)(other - first);
        f.in_a = a_holds;
        if (!(a_holds && b_holds && other < s->head)) /* told already, of the other one */
            findings_add(s->found, &f);
        return true;
    }
    return false;
}

static void name_head(search *s) {
    uint64_t blocks = 0, bad = 0, odd = 0, beyond = 0;
    for (uint64_t row = 0; row < s->pair->a.rows;) {
        span at = look_at_block(s, row);
        blocks++;
        bad += at.beyond > 0;
        odd += at.odd;
        beyond += at.beyond;
        row = at.end;
    }
    if (bad == 0 || (odd == 0 && 2 * bad > blocks && name_other_head(s)))
        return;
    if (odd == 0 && blocks > 2 && 2 * bad > blocks) {
        finding f = new_finding(s, FINDING_HEAD, NULL);
        f.count = beyond;
        findings_add(s->found, &f);
        return;
    }
    for (uint64_t row = 0; row < s->pair->a.rows;) {
        span at = look_at_block(s, row);
        if (at.beyond > 0)
            name_block(s, &at);
        row = at.end;
    }
}

void value_findings(const value_pair *pair, const value_places *places, findings *found) {
    search s = {.pair = pair, .places = places, .found = found};
    for (s.head = 0; s.head < pair->a.heads; s.head++) {
        s.allowed = value_allowed(pair, s.head, s.head);
        name_head(&s);
    }
}

void value_finding_overall(const value_pair *pair, const value_places *places,
                           const value_difference *difference, double error,
                           const record_bound *bound, findings *found) {
    const search s = {.pair = pair, .places = places, .found = found, .head = difference->head};
    const span at = {.first = difference->row,
                     .row = difference->row,
                     .element = difference->element,
                     .beyond = difference->unequal};
    finding f = new_finding(&s, FINDING_OVERALL, &at);
    f.error = error;
    f.bound = *bound;
    findings_add(found, &f);
}
