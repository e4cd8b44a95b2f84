/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "kernel_choice.h"

#include "self_test.h"
#include "size.h"

#include <stdio.h>
#include <string.h>

static spd_variant variant_of(const spd_problem *p) {
    return (spd_variant){.dtype = p->desc.dtype,
                         .out_dtype = p->desc.out_dtype,
                         .head_dim = p->desc.head_dim,
                         .mode = p->select.mode,
                         .score_reduce = p->select.score_reduce,
                         .block_q = p->select.block_q,
                         .block_k = p->select.block_k};
}

/* A variant in words, for the log. */
static void describe_variant(const spd_variant *v, char *to, size_t size) {
    int used = snprintf(to, size, "%s", spd_dtype_string(v->dtype));
    if (v->out_dtype != v->dtype)
        used += snprintf(to + used, size - (size_t)used, " to %s", spd_dtype_string(v->out_dtype));
    used += snprintf(to + used, size - (size_t)used, ", head_dim %u, %s", v->head_dim,
                     spd_mode_string(v->mode));
    if (v->mode)
        used +=
            snprintf(to + used, size - (size_t)used, ", blocks %u x %u", v->block_q, v->block_k);
    if (v->score_reduce == SPARSED_REDUCE_MAX)
        snprintf(to + used, size - (size_t)used, ", score_reduce max");
}

static const spd_verdict *find_verdict(const sparsed_context *c, size_t row,
                                       const spd_variant *variant) {
    uint64_t known = spd_min(c->verdict_count, SPD_MAX_VERDICTS);
    for (uint64_t i = 0; i < known; i++)
        if (c->verdicts[i].row == row &&
            memcmp(&c->verdicts[i].variant, variant, sizeof *variant) == 0)
            return &c->verdicts[i];
    return NULL;
}

/* The verdict on a row for a variant: the one known, or a fresh self-test. */
static const spd_verdict *judge(sparsed_context *c, size_t row, spd_variant variant) {
    char words[128];
    const spd_verdict *known = find_verdict(c, row, &variant);
    if (known)
        return known;
    spd_verdict *v = &c->verdicts[c->verdict_count++ % SPD_MAX_VERDICTS];
    *v = (spd_verdict){.row = row, .variant = variant};
    v->status = spd_self_test(c, row, &variant, &v->error, &v->message);
    describe_variant(&variant, words, sizeof words);
    spd_log(c, SPARSED_LOG_DEBUG, "kernel %s, %s: %s", c->backend->rows[row].name, words,
            v->status == SPARSED_OK ? "self-test passed" : v->message.text);
    if (v->status == SPARSED_E_NOMEM)
        v->row = SIZE_MAX; /* no verdict on the row: not to be found again */
    return v;
}

static sparsed_status check_row(const spd_kernel_row *row, uint32_t dtype, uint32_t head_dim,
                                sparsed_message *why) {
    const uint32_t *dims = row->head_dims;
    if (!(row->dtypes >> dtype & 1))
        return spd_fail(why, SPARSED_E_UNSUPPORTED, "it does not take %s", spd_dtype_string(dtype));
    if (dims[0] != 0 && head_dim != dims[0] && head_dim != dims[1])
        return spd_fail(why, SPARSED_E_UNSUPPORTED, "it takes head_dim %u and %u, not %u", dims[0],
                        dims[1], head_dim);
    return SPARSED_OK;
}

static sparsed_status try_row(sparsed_context *c, size_t row, const spd_problem *problem,
                              sparsed_message *why) {
    sparsed_status status =
        check_row(&c->backend->rows[row], problem->desc.dtype, problem->desc.head_dim, why);
    if (status == SPARSED_OK)
        status = c->backend->accept(c->state, row, problem, why);
    if (status != SPARSED_OK)
        return status;
    const spd_verdict *verdict = judge(c, row, variant_of(problem));
    *why = verdict->message;
    return verdict->status;
}

static void log_choice(const sparsed_context *c, const char *name, const spd_problem *problem,
                       const char *refused) {
    char words[128];
    const spd_variant variant = variant_of(problem);
    describe_variant(&variant, words, sizeof words);
    spd_log(c, SPARSED_LOG_INFO, "kernel %s for %s; reason: %s%s%s", name, words,
            c->kernel[0] ? "asked for" : "the first that is usable and passed its self-test",
            refused[0] ? "; refused:" : "", refused);
}

sparsed_status spd_choose_kernel(sparsed_context *context, const spd_problem *problem,
                                 size_t *row) {
    sparsed_context *c = context;
    char refused[400] = "";
    sparsed_status status = SPARSED_E_UNSUPPORTED;
    for (size_t r = 0; r < c->backend->row_count; r++) {
        const char *name = c->backend->rows[r].name;
        if (c->kernel[0] && strcmp(c->kernel, name) != 0)
            continue;
        sparsed_message why = {""};
        status = try_row(c, r, problem, &why);
        if (status == SPARSED_OK) {
            log_choice(c, name, problem, refused);
            *row = r;
            return SPARSED_OK;
        }
        if (c->backend->health(c->state, NULL) != SPARSED_OK)
            return spd_fail(&c->message, SPARSED_E_DEVICE, "kernel %s: %.400s", name, why.text);
        if (c->kernel[0])
            return spd_fail(&c->message, status,
                            "kernel %s, which was asked for, does not run this problem: %.400s",
                            name, why.text);
        size_t used = strlen(refused);
        snprintf(refused + used, sizeof refused - used, " %s (%s)", name, why.text);
        if (status == SPARSED_E_NOMEM)
            break;
    }
    if (status != SPARSED_E_NOMEM)
        status = SPARSED_E_UNSUPPORTED;
    return spd_fail(&c->message, status, "no kernel of %s runs this problem:%s", c->backend->name,
                    refused);
}

static const char *tests_word(unsigned count) {
    return count == 1 ? "self-test" : "self-tests";
}

/* The first storage type that a row takes: the error of its self-tests is told in this one. */
static uint32_t first_dtype(const spd_kernel_row *row) {
    uint32_t dtype = SPARSED_F32;
    while (dtype < SPARSED_BF16 && !(row->dtypes >> dtype & 1))
        dtype++;
    return dtype;
}

/* What is known of a row: why not, or how many self-tests it passed. */
static void describe_row(sparsed_context *c, size_t row, sparsed_kernel_info *info) {
    sparsed_message why = {""};
    snprintf(info->name, sizeof info->name, "%s", c->backend->rows[row].name);
    snprintf(info->about, sizeof info->about, "%s", c->backend->rows[row].about);
    info->dtypes = c->backend->rows[row].dtypes;
    memcpy(info->head_dims, c->backend->rows[row].head_dims, sizeof info->head_dims);
    if (c->backend->accept(c->state, row, NULL, &why) != SPARSED_OK) {
        snprintf(info->verdict, sizeof info->verdict, "%.250s", why.text);
        return;
    }
    const uint32_t dtype = first_dtype(&c->backend->rows[row]);
    uint32_t unbuilt = 0;
    double error = 0.0;
    for (uint64_t i = 0; i < spd_min(c->verdict_count, SPD_MAX_VERDICTS); i++) {
        const spd_verdict *v = &c->verdicts[i];
        if (v->row != row)
            continue;
        if (v->status != SPARSED_OK) {
            why = v->message;
            info->failed++;
            unbuilt += v->status == SPARSED_E_COMPILE;
            continue;
        }
        info->passed++;
        error = v->variant.dtype == dtype && v->error > error ? v->error : error;
    }
    info->usable = info->failed == 0;
    if (info->failed > 0 && unbuilt == info->passed + info->failed) /* there was nothing to test */
        snprintf(info->verdict, sizeof info->verdict, "%.250s", why.text);
    else if (info->failed > 0)
        snprintf(info->verdict, sizeof info->verdict, "failed %u of %u %s: %.200s", info->failed,
                 info->passed + info->failed, tests_word(info->passed + info->failed), why.text);
    else if (info->passed > 0 && error > 0.0)
        snprintf(info->verdict, sizeof info->verdict,
                 "passed %u %s (%s: error at most %.1e of the double oracle)", info->passed,
                 tests_word(info->passed), spd_dtype_string(dtype), error);
    else if (info->passed > 0)
        snprintf(info->verdict, sizeof info->verdict, "passed %u %s", info->passed,
                 tests_word(info->passed));
    else
        snprintf(info->verdict, sizeof info->verdict, "not tested yet");
}

sparsed_status sparsed_kernel_list(sparsed_context *context, sparsed_kernel_info *infos,
                                   size_t *count) {
    if (!context)
        return SPARSED_E_INVALID;
    spd_message_clear(&context->message);
    if (!count)
        return spd_fail(&context->message, SPARSED_E_INVALID, "count is NULL");
    size_t room = infos ? *count : 0, rows = context->backend->row_count;
    size_t distance_bytes = room > 0 ? infos[0].struct_size : 0;
    for (size_t row = 0; row < rows && row < room; row++) {
        sparsed_kernel_info info = {.struct_size = sizeof info};
        describe_row(context, row, &info);
        sparsed_status status = spd_copy_struct_out((char *)infos + row * distance_bytes, &info,
                                                    sizeof info, "infos", &context->message);
        if (status != SPARSED_OK)
            return status;
    }
    *count = rows;
    return SPARSED_OK;
}

sparsed_status sparsed_kernel_self_test(sparsed_context *context) {
    static const spd_variant variants[] = {
        {.head_dim = 64, .mode = SPARSED_MODE_UPSTREAM_DREAM, .block_q = 32, .block_k = 16},
        {.head_dim = 128, .mode = SPARSED_MODE_UPSTREAM_DREAM, .block_q = 128, .block_k = 32},
        {.head_dim = 40, .mode = SPARSED_MODE_UPSTREAM_DREAM, .block_q = 16, .block_k = 64},
        {.head_dim = 64, .mode = SPARSED_MODE_STREAMING, .block_q = 32, .block_k = 16},
    };
    if (!context)
        return SPARSED_E_INVALID;
    spd_message_clear(&context->message);
    for (size_t row = 0; row < context->backend->row_count; row++) {
        sparsed_message why;
        if (context->backend->accept(context->state, row, NULL, &why) != SPARSED_OK)
            continue;
        spd_log(context, SPARSED_LOG_INFO, "kernel %s: self-tests",
                context->backend->rows[row].name);
        for (uint32_t dtype = SPARSED_F32; dtype <= SPARSED_BF16; dtype++)
            for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
                spd_variant variant = variants[i];
                variant.dtype = variant.out_dtype = dtype;
                if (check_row(&context->backend->rows[row], dtype, variant.head_dim, &why) !=
                        SPARSED_OK ||
                    !spd_self_test_fits(context, row, &variant))
                    continue;
                if (judge(context, row, variant)->status == SPARSED_E_NOMEM)
                    return spd_fail(&context->message, SPARSED_E_NOMEM,
                                    "no memory for a self-test");
            }
    }
    return SPARSED_OK;
}
