/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/pattern_budget.h"

#include <stdlib.h>

#include "../src/select.h"
#include "../src/size.h"
#include "compare/pattern_rows.h"
#include "room.h"

/* A batch's budgets, and scratch for what is always kept. */
typedef struct budget {
    spd_problem problem;
    spd_extent extent; /* with no budget of its own: what it keeps is always kept */
    uint64_t end[RECORD_PARTS], least[RECORD_PARTS], most[RECORD_PARTS]; /* without that */
    float *scores;                                                       /* [nk] zeros */
    uint64_t *keys;                                                      /* [nk] */
    uint64_t *always;                                                    /* [row_words] */
} budget;

/* In the upstream modes what the first ranking puts into the generation region is not kept. */
static void set_batch(const record_case *c, uint32_t batch, budget *b) {
    const sparsed_pattern_range *range = &c->ranges[batch];
    const sparsed_select *s = &c->select;
    const uint64_t n = range->k_blocks, behind = n - range->split;
    uint64_t prompt, generation;
    spd_budgets(s->mode, s->ratio, n, range->split, &prompt, &generation);
    b->extent = (spd_extent){.keys = range->keys,
                             .queries = range->queries,
                             .query_position = range->query_position,
                             .q_blocks = range->q_blocks,
                             .k_blocks = n,
                             .split = range->split,
                             .generation_position = range->keys - spd_min(s->gen_len, range->keys)};
    b->end[0] = s->mode == SPARSED_MODE_JOINT ? n : range->split;
    b->end[1] = n;
    b->least[0] = b->most[0] = spd_min(prompt, b->end[0]);
    if (spd_mode_is_upstream(s->mode))
        b->least[0] = prompt > behind ? prompt - behind : 0;
    b->least[1] = b->most[1] = spd_min(generation, n - b->end[0]);
}

static uint64_t count_kept(const uint8_t *row, uint64_t first, uint64_t end) {
    uint64_t kept = 0;
    for (uint64_t j = first; j < end; j++)
        kept += pattern_bit(row, j);
    return kept;
}

/* Compares one part of a row with its budget; true: it is possible. */
static bool check_part(const budget *b, const uint8_t *row, int part, record_misfit *m) {
    const uint64_t first = part == 0 ? 0 : b->end[0], end = b->end[part];
    uint64_t always = 0;
    bool holds_always = true;
    for (uint64_t j = first; j < end; j++) {
        const bool is_always = b->always[j / 64] >> (j % 64) & 1;
        always += is_always;
        holds_always &= !is_always || pattern_bit(row, j);
    }
    m->kept[part] = count_kept(row, first, end);
    m->least[part] = spd_max(b->least[part], always);
    m->most[part] = spd_min(b->most[part] + always, end - first);
    return holds_always && m->kept[part] >= m->least[part] && m->kept[part] <= m->most[part];
}

static void check_row(const budget *b, record_case *c, uint64_t head, uint64_t q_block) {
    const uint8_t *row = pattern_row(c, head, q_block);
    const uint64_t all = count_kept(row, 0, c->k_blocks);
    record_misfit m = {
        .batch = head / c->desc.heads, .head = head % c->desc.heads, .q_block = q_block};
    bool fits = all == 0; /* of a query block of padding */
    c->kept_found += all;
    if (q_block < b->extent.q_blocks) {
        spd_select_row(&b->problem, &b->extent, q_block, b->scores, b->scores, b->keys, b->always);
        const bool first_fits = check_part(b, row, 0, &m), second_fits = check_part(b, row, 1, &m);
        fits = first_fits && second_fits && m.kept[0] + m.kept[1] == all;
    } else {
        m.kept[0] = all;
    }
    if (!fits && c->misfit_rows++ == 0)
        c->misfit = m;
}

bool pattern_budget_check(record_case *c) {
    const uint64_t heads = (uint64_t)c->desc.batch * c->desc.heads;
    const uint64_t words = spd_ceil_div(c->k_blocks, 64);
    budget b = {.problem = {.desc = c->desc, .select = c->select, .row_words = words},
                .scores = room_for(c->k_blocks, sizeof *b.scores),
                .keys = room_for(c->k_blocks, sizeof *b.keys),
                .always = room_for(words, sizeof *b.always)};
    const bool done = b.scores && b.keys && b.always;
    c->kept_found = c->misfit_rows = 0;
    for (uint64_t head = 0; done && head < heads; head++) {
        set_batch(c, (uint32_t)(head / c->desc.heads), &b);
        for (uint64_t i = 0; i < c->q_blocks; i++)
            check_row(&b, c, head, i);
    }
    free(b.scores);
    free(b.keys);
    free(b.always);
    return done;
}

uint64_t pattern_budget_most(const record_case *c) {
    uint64_t most = 0;
    for (uint32_t i = 0; i < c->desc.batch; i++)
        most += c->desc.heads * c->ranges[i].q_blocks * c->ranges[i].k_blocks;
    return most;
}
