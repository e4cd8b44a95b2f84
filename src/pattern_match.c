/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Whether a set serves a problem. */
#include "error.h"
#include "number_text.h"
#include "pattern_set.h"

/* A number on both sides. */
typedef struct match_field {
    const char *name;
    uint64_t of_set, of_problem;
    bool compared;
} match_field;

static sparsed_status match_numbers(const match_field *fields, size_t count,
                                    sparsed_message *message) {
    for (size_t i = 0; i < count; i++)
        if (fields[i].compared && fields[i].of_set != fields[i].of_problem)
            return spd_fail(message, SPARSED_E_MISMATCH, "%s is %llu in the set, %llu here",
                            fields[i].name, (unsigned long long)fields[i].of_set,
                            (unsigned long long)fields[i].of_problem);
    return SPARSED_OK;
}

static sparsed_status match_shape(const sparsed_pattern_set *set,
                                  const sparsed_pattern_match *match, const spd_problem *p,
                                  sparsed_message *message) {
    const sparsed_pattern_info *s = &set->shared;
    const sparsed_desc *d = &p->desc;
    const bool llada = s->mode == SPARSED_MODE_UPSTREAM_LLADA;
    const bool shorter = (match->flags & SPARSED_MATCH_SHORTER) != 0;
    const bool start_is_given = (d->flags & SPARSED_DESC_Q_START) != 0;
    /* Of a run of the set's lengths. */
    const uint64_t q_start = start_is_given ? d->q_start : s->kv_len - s->q_len;
    const match_field fields[] = {
        {"batch", s->batch, d->batch, true},
        {"heads", s->heads, d->heads, true},
        {"first_head", set->info.first_head, match->first_head, true},
        {"model_heads", set->info.model_heads, match->model_heads, true},
        {"kv_heads", s->kv_heads, d->kv_heads, s->kv_heads != 0},
        {"head_dim", s->head_dim, d->head_dim, s->head_dim != 0},
        {"score_heads", s->score_heads, d->score_heads, llada && s->score_heads != 0},
        {"block_q", s->block_q, p->select.block_q, true},
        {"block_k", s->block_k, p->select.block_k, true},
        {"q_len", s->q_len, d->q_len, !shorter || s->q_len > d->q_len},
        {"kv_len", s->kv_len, d->kv_len, !shorter || s->kv_len > d->kv_len},
        {"q_start", s->q_start, q_start, true},
        {"gen_len", s->gen_len, p->select.gen_len, true},
    };
    return match_numbers(fields, sizeof fields / sizeof *fields, message);
}

static sparsed_status match_layers(const sparsed_pattern_set *set,
                                   const sparsed_pattern_match *match, sparsed_message *message) {
    const match_field model_layers = {"model_layers", set->info.model_layers, match->layers,
                                      set->info.model_layers != 0};
    sparsed_status status = match_numbers(&model_layers, 1, message);
    for (uint32_t layer = 0; layer < match->layers && status == SPARSED_OK; layer++) {
        uint32_t index;
        status = sparsed_pattern_set_find(set, match->step, layer, &index, message);
    }
    return status;
}

/* An exact window is more than its blocks. */
static sparsed_status match_fixed(const sparsed_pattern_info *s, const sparsed_select *select,
                                  sparsed_message *message) {
    const bool fixed = spd_mode_is_fixed(s->mode) || spd_mode_is_fixed(select->mode);
    const match_field fields[] = {
        {"mode", s->mode, select->mode, fixed},
        {"window", s->window, select->window, fixed},
        {"sinks", s->sinks, select->sinks, s->mode == SPARSED_MODE_STREAMING},
    };
    return match_numbers(fields, sizeof fields / sizeof *fields, message);
}

static sparsed_status match_fingerprint(const char *name, sparsed_fingerprint of_set,
                                        sparsed_fingerprint wanted, sparsed_message *message) {
    if ((wanted.low == 0 && wanted.high == 0) ||
        (of_set.low == wanted.low && of_set.high == wanted.high))
        return SPARSED_OK;
    return spd_fail(message, SPARSED_E_MISMATCH,
                    "%s fingerprint is %016llx%016llx in the set, %016llx%016llx here", name,
                    (unsigned long long)of_set.high, (unsigned long long)of_set.low,
                    (unsigned long long)wanted.high, (unsigned long long)wanted.low);
}

static sparsed_status match_selection(const sparsed_pattern_info *s, const sparsed_select *select,
                                      sparsed_message *message) {
    const bool ranks = spd_mode_is_scored(select->mode);
    const match_field fields[] = {
        {"mode", s->mode, select->mode, true},
        {"score_reduce", s->score_reduce, select->score_reduce, ranks},
        {"flags", s->flags, select->flags, ranks},
        {"always_first", s->always_first, select->always_first, ranks},
    };
    sparsed_status status = match_numbers(fields, sizeof fields / sizeof *fields, message);
    if (status != SPARSED_OK || !ranks)
        return status;
    if (s->ratio != select->ratio)
        return spd_fail(message, SPARSED_E_MISMATCH, "ratio is %s in the set, %s here",
                        spd_number_text_of(s->ratio).text, spd_number_text_of(select->ratio).text);
    if (s->score_scale != select->score_scale)
        return spd_fail(message, SPARSED_E_MISMATCH, "score_scale is %s in the set, %s here",
                        spd_number_text_of(s->score_scale).text,
                        spd_number_text_of(select->score_scale).text);
    return SPARSED_OK;
}

/* Checks the request, and fills in the whole model's heads if it names none. */
static sparsed_status check_match(const sparsed_pattern_match *given, sparsed_pattern_match *match,
                                  spd_problem *problem, sparsed_message *message) {
    sparsed_status status = spd_copy_struct(match, sizeof *match, given, "match", message);
    if (status != SPARSED_OK)
        return status;
    if ((match->flags & ~(uint32_t)(SPARSED_MATCH_SELECTION | SPARSED_MATCH_SHORTER)) != 0)
        return spd_fail(message, SPARSED_E_INVALID, "match.flags is 0x%x", match->flags);
    if (match->layers < 1 || match->layers > SPD_MAX_LAYERS)
        return spd_fail(message, SPARSED_E_INVALID, "match.layers is %u, not in 1 to %d",
                        match->layers, SPD_MAX_LAYERS);
    if (!match->desc || !match->select)
        return spd_fail(message, SPARSED_E_INVALID, "match.%s is NULL",
                        match->desc ? "select" : "desc");
    status = spd_problem_create(match->desc, match->select, problem, message);
    if (status != SPARSED_OK)
        return status;
    const uint64_t heads = problem->desc.heads;
    if (match->model_heads == 0)
        match->model_heads = (uint32_t)heads;
    if (match->first_head + heads > match->model_heads)
        return spd_fail(message, SPARSED_E_INVALID,
                        "match.first_head is %u with %llu heads, match.model_heads %u",
                        match->first_head, (unsigned long long)heads, match->model_heads);
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_set_match(const sparsed_pattern_set *set,
                                         const sparsed_pattern_match *match,
                                         sparsed_message *message) {
    sparsed_pattern_match known;
    spd_problem problem = {.has_select = false};
    spd_message_clear(message);
    if (!set)
        return spd_fail(message, SPARSED_E_INVALID, "set is NULL");
    sparsed_status status = check_match(match, &known, &problem, message);
    if (status == SPARSED_OK)
        status = match_shape(set, &known, &problem, message);
    if (status == SPARSED_OK)
        status = match_layers(set, &known, message);
    if (status == SPARSED_OK)
        status = match_fixed(&set->shared, &problem.select, message);
    if (status == SPARSED_OK)
        status = match_fingerprint("model", set->info.model, known.model, message);
    if (status == SPARSED_OK)
        status = match_fingerprint("prompt", set->info.prompt, known.prompt, message);
    if (status == SPARSED_OK && (known.flags & SPARSED_MATCH_SELECTION) != 0)
        status = match_selection(&set->shared, &problem.select, message);
    return status;
}
