/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Any problem against the sets of the golden files: matching never crashes, and says what a plain
 * walk through the list of docs/pattern-format.md, "Matching", says. An input is the number of a
 * golden file, then edits to the problem that the file was made for, so that most inputs are close
 * to a match: field, kind of edit, value.
 */
#include "fuzz_target.h"
#include "golden_sets.h"

#include "src/pattern_set.h"
#include "src/problem.h"

#include <string.h>

typedef struct request {
    sparsed_desc desc;
    sparsed_select select;
    sparsed_pattern_match match;
} request;

/* ---- a request that matches -------------------------------------------------------------- */

static sparsed_pattern_info shared_of(const sparsed_pattern_set *set,
                                      sparsed_pattern_set_info *info) {
    sparsed_pattern_info shared = {.struct_size = sizeof shared};
    *info = (sparsed_pattern_set_info){.struct_size = sizeof *info};
    fuzz_require(sparsed_pattern_set_describe(set, info, &shared) == SPARSED_OK,
                 "a set has an info");
    /* A set tells its first pattern's ratio; matching is about the run's own. */
    shared.ratio = set->shared.ratio;
    return shared;
}

static uint32_t or_else(uint32_t value, uint32_t otherwise) {
    return value != 0 ? value : otherwise;
}

static sparsed_desc desc_of(const sparsed_pattern_info *shared) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    desc.dtype = or_else(shared->dtype, SPARSED_F32);
    desc.batch = shared->batch;
    desc.heads = shared->heads;
    desc.kv_heads = or_else(shared->kv_heads, shared->heads);
    desc.head_dim = or_else(shared->head_dim, 64);
    desc.score_heads = shared->score_heads;
    desc.q_len = shared->q_len;
    desc.kv_len = shared->kv_len;
    desc.q_start = shared->q_start;
    desc.flags = SPARSED_DESC_Q_START;
    return desc;
}

static sparsed_select select_of(const sparsed_pattern_info *shared) {
    sparsed_select select = SPARSED_SELECT_INIT;
    select.mode = or_else(shared->mode, SPARSED_MODE_PAPER);
    select.flags = shared->flags;
    select.score_reduce = shared->score_reduce;
    select.block_q = shared->block_q;
    select.block_k = shared->block_k;
    select.always_first = shared->always_first;
    select.gen_len = shared->gen_len;
    select.ratio = shared->ratio > 0.0 ? shared->ratio : 0.5;
    select.score_scale = shared->score_scale;
    select.window = shared->window;
    select.sinks = shared->sinks;
    return select;
}

/* ---- edits ------------------------------------------------------------------------------- */

enum { EDIT_BYTES = 10, FIELDS = 33 };

static void edit_u32(uint32_t *field, uint8_t kind, uint64_t value) {
    const uint32_t step = (uint32_t)(int32_t)(int8_t)value;
    *field = kind % 2 ? (uint32_t)value : *field + step;
}

static void edit_u64(uint64_t *field, uint8_t kind, uint64_t value) {
    const uint64_t step = (uint64_t)(int64_t)(int8_t)value;
    *field = kind % 2 ? value : *field + step;
}

static void edit_f64(double *field, uint8_t kind, uint64_t value) {
    if (kind % 2)
        memcpy(field, &value, sizeof *field);
    else
        *field *= 1.0 + (double)(int8_t)value / 64.0;
}

static void edit(request *r, const uint8_t *bytes) {
    sparsed_desc *d = &r->desc;
    sparsed_select *s = &r->select;
    sparsed_pattern_match *m = &r->match;
    uint32_t *const words[] = {&d->batch,       &d->heads,       &d->kv_heads,     &d->head_dim,
                               &d->score_heads, &d->dtype,       &d->out_dtype,    &d->flags,
                               &d->struct_size, &s->struct_size, &s->block_q,      &s->block_k,
                               &s->mode,        &s->flags,       &s->score_reduce, &s->always_first,
                               &m->layers,      &m->step,        &m->flags};
    uint64_t *const longs[] = {&d->q_len, &d->kv_len,    &d->q_start,     &s->gen_len, &s->window,
                               &s->sinks, &m->model.low, &m->prompt.high, &d->q.row};
    double *const numbers[] = {&d->scale, &s->ratio, &s->score_scale};
    /* The corpus refers to fields by number: new ones go to the end. */
    uint32_t *const more_words[] = {&m->first_head, &m->model_heads};
    enum {
        WORDS = sizeof words / sizeof words[0],
        LONGS = sizeof longs / sizeof longs[0],
        NUMBERS = sizeof numbers / sizeof numbers[0]
    };
    uint64_t value;
    memcpy(&value, bytes + 2, sizeof value);
    const unsigned field = bytes[0] % FIELDS;
    if (field < WORDS)
        edit_u32(words[field], bytes[1], value);
    else if (field < WORDS + LONGS)
        edit_u64(longs[field - WORDS], bytes[1], value);
    else if (field < WORDS + LONGS + NUMBERS)
        edit_f64(numbers[field - WORDS - LONGS], bytes[1], value);
    else
        edit_u32(more_words[field - WORDS - LONGS - NUMBERS], bytes[1], value);
}

static request request_of(const sparsed_pattern_set *set, const uint8_t *data, size_t size) {
    sparsed_pattern_set_info info;
    const sparsed_pattern_info shared = shared_of(set, &info);
    request r = {.desc = desc_of(&shared), .select = select_of(&shared)};
    r.match = (sparsed_pattern_match){.struct_size = sizeof r.match,
                                      .layers = or_else(info.model_layers, 1),
                                      .step = SPARSED_ANY_STEP,
                                      .model = info.model,
                                      .prompt = info.prompt,
                                      .first_head = info.first_head,
                                      .model_heads = info.model_heads};
    for (size_t at = 0; size - at >= EDIT_BYTES; at += EDIT_BYTES)
        edit(&r, data + at);
    return r;
}

/* ---- the second formulation ---------------------------------------------------------------- */

static bool known_and_other(uint32_t in_file, uint32_t wanted) {
    return in_file != 0 && in_file != wanted;
}

static bool other_length(uint64_t in_file, uint64_t wanted, bool may_be_less) {
    return may_be_less ? in_file > wanted : in_file != wanted;
}

/* Where the first query row is in a run of the file's lengths: given, or such that the last query
 * row is the last row. */
static uint64_t start_of_run(const sparsed_pattern_info *shared, const sparsed_desc *d,
                             bool may_be_less) {
    const uint64_t q_len = may_be_less ? shared->q_len : d->q_len;
    const uint64_t kv_len = may_be_less ? shared->kv_len : d->kv_len;
    return d->flags & SPARSED_DESC_Q_START ? d->q_start : kv_len - q_len;
}

/* The first field of the problem that differs; NULL if none does. */
static const char *other_problem(const sparsed_pattern_info *shared,
                                 const sparsed_pattern_set_info *info,
                                 const sparsed_pattern_match *match, const spd_problem *problem) {
    const uint32_t model_heads = or_else(match->model_heads, problem->desc.heads);
    const bool may_be_less = (match->flags & SPARSED_MATCH_SHORTER) != 0;
    const sparsed_desc *d = &problem->desc;
    const sparsed_select *s = &problem->select;
    const bool llada = shared->mode == SPARSED_MODE_UPSTREAM_LLADA;
    return shared->batch != d->batch                                       ? "batch"
           : shared->heads != d->heads                                     ? "heads"
           : info->first_head != match->first_head                         ? "first_head"
           : info->model_heads != model_heads                              ? "model_heads"
           : known_and_other(shared->kv_heads, d->kv_heads)                ? "kv_heads"
           : known_and_other(shared->head_dim, d->head_dim)                ? "head_dim"
           : llada && known_and_other(shared->score_heads, d->score_heads) ? "score_heads"
           : shared->block_q != s->block_q                                 ? "block_q"
           : shared->block_k != s->block_k                                 ? "block_k"
           : other_length(shared->q_len, d->q_len, may_be_less)            ? "q_len"
           : other_length(shared->kv_len, d->kv_len, may_be_less)          ? "kv_len"
           : shared->q_start != start_of_run(shared, d, may_be_less)       ? "q_start"
           : shared->gen_len != s->gen_len                                 ? "gen_len"
                                                                           : NULL;
}

/* Whether the set has layers 0 to layers - 1 of the step. */
static bool has_layers(const sparsed_pattern_set *set, uint32_t patterns, uint32_t layers,
                       uint32_t step) {
    uint32_t have = 0;
    for (uint32_t i = 0; i < patterns; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        fuzz_require(sparsed_pattern_set_entry(set, i, &entry) == SPARSED_OK,
                     "each pattern has an entry");
        have += entry.step == step && entry.layer == have;
    }
    return have >= layers;
}

static uint32_t step_of(const sparsed_pattern_set *set, uint32_t index) {
    sparsed_pattern_entry entry = {.struct_size = sizeof entry};
    fuzz_require(sparsed_pattern_set_entry(set, index, &entry) == SPARSED_OK,
                 "each pattern has an entry");
    return entry.step;
}

static const char *other_layers(const sparsed_pattern_set *set,
                                const sparsed_pattern_set_info *info,
                                const sparsed_pattern_match *match) {
    if (known_and_other(info->model_layers, match->layers))
        return "layers";
    const uint32_t first = step_of(set, 0), last = step_of(set, info->patterns - 1);
    if (match->step == SPARSED_ANY_STEP && first != last)
        return "step";
    const uint32_t step = match->step == SPARSED_ANY_STEP ? first : match->step;
    return has_layers(set, info->patterns, match->layers, step) ? NULL : "layer";
}

static bool is_fixed(uint32_t mode) {
    return mode == SPARSED_MODE_WINDOW || mode == SPARSED_MODE_STREAMING;
}

static const char *other_fixed(const sparsed_pattern_info *shared, const sparsed_select *s) {
    if (!is_fixed(shared->mode) && !is_fixed(s->mode))
        return NULL;
    return shared->mode != s->mode                                          ? "mode"
           : shared->window != s->window                                    ? "window"
           : s->mode == SPARSED_MODE_STREAMING && shared->sinks != s->sinks ? "sinks"
                                                                            : NULL;
}

static const char *other_fingerprint(const char *name, sparsed_fingerprint in_file,
                                     sparsed_fingerprint wanted) {
    const bool asked = wanted.low != 0 || wanted.high != 0;
    return asked && (in_file.low != wanted.low || in_file.high != wanted.high) ? name : NULL;
}

static const char *other_selection(const sparsed_pattern_info *shared, const sparsed_select *s) {
    if (is_fixed(shared->mode))
        return NULL;
    return shared->mode != s->mode                   ? "mode"
           : shared->score_reduce != s->score_reduce ? "score_reduce"
           : shared->flags != s->flags               ? "flags"
           : shared->always_first != s->always_first ? "always_first"
           : shared->ratio != s->ratio               ? "ratio"
           : shared->score_scale != s->score_scale   ? "score_scale"
                                                     : NULL;
}

static const char *first_difference(const sparsed_pattern_set *set, const request *r,
                                    const spd_problem *problem) {
    sparsed_pattern_set_info info;
    const sparsed_pattern_info shared = shared_of(set, &info);
    const char *other = other_problem(&shared, &info, &r->match, problem);
    other = other ? other : other_layers(set, &info, &r->match);
    other = other ? other : other_fixed(&shared, &problem->select);
    other = other ? other : other_fingerprint("model", info.model, r->match.model);
    other = other ? other : other_fingerprint("prompt", info.prompt, r->match.prompt);
    if (!other && (r->match.flags & SPARSED_MATCH_SELECTION))
        other = other_selection(&shared, &problem->select);
    return other;
}

/* What a request must be besides a problem. */
static bool is_request(const sparsed_pattern_match *match, const spd_problem *problem) {
    const uint64_t heads = problem->desc.heads;
    return match->flags <= (SPARSED_MATCH_SELECTION | SPARSED_MATCH_SHORTER) &&
           match->layers >= 1 && match->layers <= 65536 &&
           match->first_head + heads <= (match->model_heads ? match->model_heads : heads);
}

/* ---- the target ---------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const sparsed_pattern_set *set = golden_set(data[0]);
    request r = request_of(set, data + 1, size - 1);
    r.match.desc = &r.desc;
    r.match.select = &r.select;
    spd_problem problem;
    sparsed_message message;
    const bool valid = spd_problem_create(&r.desc, &r.select, &problem, NULL) == SPARSED_OK &&
                       is_request(&r.match, &problem);
    const sparsed_status status = sparsed_pattern_set_match(set, &r.match, &message);
    fuzz_require((status == SPARSED_E_INVALID) == !valid, "an invalid request is called so");
    if (valid) {
        const char *other = first_difference(set, &r, &problem);
        fuzz_require(status == (other ? SPARSED_E_MISMATCH : SPARSED_OK),
                     "both formulations agree");
        fuzz_require(!other || strstr(message.text, other), "the message names the field");
    }
    fuzz_require((status == SPARSED_OK) == (message.text[0] == '\0'),
                 "a message where there is an error");
    return 0;
}
