/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/case_input.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/pattern_bytes.h"
#include "compare/record_file.h"
#include "device_options.h"
#include "room.h"

uint64_t case_input_heads(const case_input *input) {
    return (uint64_t)input->problem.desc.batch * input->problem.desc.heads;
}

uint64_t case_input_out_count(const case_input *input) {
    const sparsed_desc *d = &input->problem.desc;
    return case_input_heads(input) * d->q_len * d->head_dim;
}

static size_t element_bytes(uint32_t dtype) {
    return dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t);
}

static uint64_t kv_count(const sparsed_desc *d) {
    return (uint64_t)d->batch * d->kv_heads * d->kv_len * d->head_dim;
}

/* Where the valid rows lie, and the problem of the run; start and end are set. */
static bool set_problem(const sparsed_desc *desc, const sparsed_select *select, case_input *input,
                        tool_error *error) {
    const sparsed_io io = {
        .struct_size = sizeof io, .valid_start = input->start, .valid_end = input->end};
    spd_problem plan;
    sparsed_message message;
    input->extents = room_for(desc->batch, sizeof *input->extents);
    if (!input->extents)
        return tool_fail(error, "out of memory for %s", input->name);
    if (spd_problem_create(desc, select, &plan, &message) == SPARSED_OK &&
        spd_problem_of_run(&plan, &io, &input->problem, input->extents, &message) == SPARSED_OK &&
        spd_check_generation(&input->problem, input->extents, &message) == SPARSED_OK)
        return true;
    device_fail(message.text, true, error);
    return false;
}

/* The fixed pattern has only blocks of valid rows. */
static bool make_fixed(uint32_t sixteenths, case_input *input, tool_error *error) {
    const spd_problem *p = &input->problem;
    uint64_t heads = case_input_heads(input), rows = heads * p->q_blocks;
    input->fixed = room_for(rows * p->k_blocks, 1);
    input->fixed_bytes = room_for(rows * pattern_bytes_of_row(p->k_blocks), 1);
    if (!input->fixed || !input->fixed_bytes)
        return tool_fail(error, "out of memory for the pattern of %s", input->name);
    for (uint64_t h = 0; h < heads; h++) {
        const spd_extent *e = &input->extents[h / p->desc.heads];
        generator_pattern(&input->generator, h, e->q_blocks, e->k_blocks, p->k_blocks, sixteenths,
                          input->fixed + h * p->q_blocks * p->k_blocks);
    }
    pattern_bytes_pack(input->fixed, rows, p->k_blocks, input->fixed_bytes);
    return true;
}

static void digest_one(const void *data, uint64_t size_bytes, sparsed_fingerprint *one,
                       sparsed_fingerprint *chain) {
    *one = sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, data, size_bytes);
    *chain = sparsed_fingerprint_add(*chain, data, size_bytes);
}

static void digest(case_input *input) {
    const spd_problem *p = &input->problem;
    uint64_t size = element_bytes(p->desc.dtype), kv_bytes = kv_count(&p->desc) * size;
    uint64_t rows = case_input_heads(input) * p->q_blocks;
    digest_one(input->q, case_input_out_count(input) * size, &input->q_digest, &input->digest);
    digest_one(input->k, kv_bytes, &input->k_digest, &input->digest);
    digest_one(input->v, kv_bytes, &input->v_digest, &input->digest);
    digest_one(input->fixed_bytes, rows * pattern_bytes_of_row(p->k_blocks), &input->fixed_digest,
               &input->digest);
}

static void poison(const case_input *input, uint64_t heads, uint64_t heads_of_batch, void *data) {
    const sparsed_desc *d = &input->problem.desc;
    for (uint64_t h = 0; h < heads; h++) {
        uint64_t batch = h / heads_of_batch;
        generator_poison(d->dtype, h, d->kv_len, d->head_dim, 0, input->start[batch], data);
        generator_poison(d->dtype, h, d->kv_len, d->head_dim, input->end[batch], d->kv_len, data);
    }
}

static bool fill(case_input *input, tool_error *error) {
    const sparsed_desc *d = &input->problem.desc;
    const generator *g = &input->generator;
    uint64_t heads = case_input_heads(input), kv_heads = (uint64_t)d->batch * d->kv_heads;
    size_t size = element_bytes(d->dtype);
    void *q = input->generated[0] = room_for(case_input_out_count(input), size);
    void *k = input->generated[1] = room_for(kv_count(d), size);
    void *v = input->generated[2] = room_for(kv_count(d), size);
    if (!q || !k || !v)
        return tool_fail(error, "out of memory for %s", input->name);
    generator_fill(g, GENERATOR_Q, heads, d->q_len, d->head_dim, q);
    generator_fill(g, GENERATOR_K, kv_heads, d->kv_len, d->head_dim, k);
    generator_fill(g, GENERATOR_V, kv_heads, d->kv_len, d->head_dim, v);
    if (g->kind == GENERATOR_PADDED) {
        poison(input, heads, d->heads, q);
        poison(input, kv_heads, d->kv_heads, k);
        poison(input, kv_heads, d->kv_heads, v);
    }
    input->q = q;
    input->k = k;
    input->v = v;
    return true;
}

static bool set_ranges(uint32_t batch, case_input *input, tool_error *error) {
    input->start = room_for(batch, sizeof *input->start);
    input->end = room_for(batch, sizeof *input->end);
    return input->start && input->end ? true
                                      : tool_fail(error, "out of memory for %s", input->name);
}

static bool check_digest(const suite_case *c, const case_input *input, tool_error *error) {
    sparsed_fingerprint is = input->digest, known = c->digest;
    if (record_same_digest(is, known))
        return true;
    return tool_fail(error,
                     "%s: the generated data have digest %016" PRIx64 "%016" PRIx64
                     ", not the suite's %016" PRIx64 "%016" PRIx64 ": this build is at fault",
                     input->name, is.high, is.low, known.high, known.low);
}

static bool generate(const suite_case *c, case_input *input, tool_error *error) {
    const sparsed_desc desc = suite_desc(c);
    const sparsed_select select = suite_select(c);
    if (!set_ranges(desc.batch, input, error))
        return false;
    for (uint32_t b = 0; b < desc.batch; b++)
        suite_range(c, b, &input->start[b], &input->end[b]);
    if (!set_problem(&desc, &select, input, error) || !fill(input, error) ||
        !make_fixed(c->sixteenths, input, error))
        return false;
    digest(input);
    return input->generator.seed != SUITE_SEED || check_digest(c, input, error);
}

bool case_input_generate(const suite_case *c, uint64_t seed, case_input *input, tool_error *error) {
    *input = (case_input){.data = generator_kind_name(c->kind),
                          .generator = {seed, c->stream, c->kind, c->shape->dtype}};
    suite_name(c, input->name);
    if (generate(c, input, error))
        return true;
    case_input_free(input);
    return false;
}

static bool read_file(const char *path, uint32_t dtype, const sparsed_select *selection,
                      case_input *input, tool_error *error) {
    attend_input *file = &input->file;
    if (!attend_input_open(path, dtype, file, error) || !set_ranges(file->desc.batch, input, error))
        return false;
    for (uint32_t b = 0; b < file->desc.batch; b++) {
        input->start[b] = file->valid_start ? file->valid_start[b] : 0;
        input->end[b] = file->valid_end ? file->valid_end[b] : file->desc.kv_len;
    }
    file->desc.out_dtype = file->desc.dtype;
    input->q = file->q;
    input->k = file->k;
    input->v = file->v;
    input->generator.dtype = file->desc.dtype;
    double sixteenths = selection->ratio * 16.0 + 0.5;
    if (!set_problem(&file->desc, selection, input, error) ||
        !make_fixed((uint32_t)sixteenths, input, error))
        return false;
    digest(input);
    return true;
}

bool case_input_read(const char *path, uint32_t dtype, const sparsed_select *selection,
                     uint64_t seed, case_input *input, tool_error *error) {
    *input = (case_input){.name = "input", .data = "file", .generator = {.seed = seed}};
    if (read_file(path, dtype, selection, input, error))
        return true;
    case_input_free(input);
    return false;
}

void case_input_free(case_input *input) {
    for (int i = 0; i < 3; i++)
        free(input->generated[i]);
    free(input->extents);
    free(input->start);
    free(input->end);
    free(input->fixed);
    free(input->fixed_bytes);
    attend_input_close(&input->file);
    *input = (case_input){.data = ""};
}
