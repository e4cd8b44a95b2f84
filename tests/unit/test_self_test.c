/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What a self-test finds: the CPU's kernels pass it in every variant, and with each bug that this
 * file plants behind them they fail it, and the message says of what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/self_test.h"
#include "support/kernel_rows.h"

/* ---- bugs ---- */

typedef struct bug {
    uint32_t mode;
    sparsed_op op; /* after which it spoils the results */
    void (*spoil)(const spd_launch *launch);
    const char *found;
} bug;

static const bug *planted; /* a backend's functions have no argument for it */

static float *out_row(const spd_launch *launch, uint32_t batch, uint64_t row) {
    const sparsed_desc *d = &launch->problem->desc;
    return (float *)launch->out.mem + (batch * d->heads * d->q_len + row) * d->head_dim;
}

static uint64_t *kept_row(const spd_launch *launch, uint32_t batch, uint64_t q_block) {
    const spd_problem *p = launch->problem;
    return (uint64_t *)launch->kept +
           (batch * p->desc.heads * p->q_blocks + q_block) * p->row_words;
}

static void spoil_out(const spd_launch *launch) {
    out_row(launch, 0, launch->extents[0].query_start)[3] += 1.0f;
}
static void leave_a_row_out(const spd_launch *launch) {
    memset(out_row(launch, 1, launch->extents[1].queries - 1), 0xff, sizeof(float));
}
static void spoil_lse(const spd_launch *launch) {
    ((float *)launch->lse.mem)[launch->extents[0].query_start] += 1.0f;
}
static void spoil_first_padding(const spd_launch *launch) {
    *out_row(launch, 0, 0) = 1.0f;
}
static void spoil_last_padding(const spd_launch *launch) {
    const sparsed_desc *d = &launch->problem->desc;
    out_row(launch, 1, d->q_len)[-1] = -1.0f;
}
static void spoil_padded_lse(const spd_launch *launch) {
    *(float *)launch->lse.mem = 0.0f;
}
static void spoil_scores(const spd_launch *launch) {
    ((float *)launch->scores.mem)[1] += 0.01f;
}
static void spoil_generation_scores(const spd_launch *launch) {
    const spd_problem *p = launch->problem;
    uint64_t rows = p->desc.batch * p->desc.heads * p->q_blocks;
    ((float *)launch->scores
         .mem)[(rows + p->desc.heads * p->q_blocks) * p->k_blocks + launch->extents[1].split] +=
        0.01f;
}
static void drop_a_block(const spd_launch *launch) {
    uint64_t *word = kept_row(launch, 1, 0);
    *word &= *word - 1;
}
static void keep_the_first_block_alone(const spd_launch *launch) {
    *kept_row(launch, 0, 1) = 1;
}
static void keep_a_padded_block(const spd_launch *launch) {
    *kept_row(launch, 1, launch->problem->q_blocks - 1) = 1;
}

static const bug bugs[] = {
    {0, SPARSED_DENSE, spoil_out, "dense output is off by"},
    {0, SPARSED_DENSE, leave_a_row_out, "dense output is off by"},
    {0, SPARSED_DENSE, spoil_lse, "log-sum-exp is off by"},
    {0, SPARSED_DENSE, spoil_first_padding,
     "output is 1, not 0, in padded row 0 of batch 0, head 0"},
    {0, SPARSED_DENSE, spoil_padded_lse, "log-sum-exp is 0, not -inf, in padded row 0"},
    {SPARSED_MODE_PAPER, SPARSED_SPARSE, spoil_out, "sparse output is off by"},
    {SPARSED_MODE_PAPER, SPARSED_SPARSE, spoil_last_padding, "output is -1, not 0, in padded row"},
    {SPARSED_MODE_JOINT, SPARSED_DENSE_BUILD, spoil_scores, "block scores is off by"},
    {SPARSED_MODE_UPSTREAM_DREAM, SPARSED_DENSE_BUILD, spoil_generation_scores,
     "generation scores is off by"},
    {SPARSED_MODE_JOINT, SPARSED_DENSE_BUILD, drop_a_block,
     "query block 0 of batch 1, head 0 keeps 0x"},
    {SPARSED_MODE_UPSTREAM_LLADA, SPARSED_DENSE_BUILD, keep_a_padded_block,
     "of batch 1, head 0 keeps 0x1 of key blocks 0 to 63, should keep 0x0"},
    {SPARSED_MODE_WINDOW, SPARSED_DENSE_BUILD, keep_the_first_block_alone,
     "query block 1 of batch 0, head 0 keeps 0x1 of key blocks 0 to 63, should keep 0x"},
};

/* ---- a backend that has them ---- */

static sparsed_status enqueue_spoiled(void *state, void *kernel, const spd_launch *launch,
                                      sparsed_message *message) {
    sparsed_status status = spd_cpu_backend.enqueue(state, kernel, launch, message);
    if (status == SPARSED_OK && launch->op == planted->op)
        planted->spoil(launch);
    return status;
}

/* Every word of a bit row is read as if it were the first. */
static sparsed_status enqueue_one_word(void *state, void *kernel, const spd_launch *launch,
                                       sparsed_message *message) {
    const spd_problem *p = launch->problem;
    uint64_t count = p->desc.batch * p->desc.heads * p->q_blocks * p->row_words, bits[256];
    uint64_t *kept = launch->kept;
    if (launch->op != SPARSED_SPARSE)
        return spd_cpu_backend.enqueue(state, kernel, launch, message);
    assert_true(p->row_words > 1 && count <= 256);
    memcpy(bits, kept, count * sizeof *bits);
    for (uint64_t i = 0; i < count; i++)
        kept[i] = kept[i / p->row_words * p->row_words];
    sparsed_status status = spd_cpu_backend.enqueue(state, kernel, launch, message);
    memcpy(kept, bits, count * sizeof *bits);
    return status;
}

static sparsed_status run_self_test(sparsed_context *context, uint32_t mode,
                                    sparsed_message *message) {
    const spd_variant variant = {.dtype = SPARSED_F32,
                                 .out_dtype = SPARSED_F32,
                                 .head_dim = 24,
                                 .mode = mode,
                                 .block_q = 32,
                                 .block_k = 16};
    double error;
    return spd_self_test(context, context->backend->row_count - 1, &variant, &error, message);
}

static void test_self_test__finds_bugs(void **state) {
    sparsed_context *context = *state;
    spd_backend backend = spd_cpu_backend;
    backend.enqueue = enqueue_spoiled;
    for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
        sparsed_message message = {""};
        planted = &bugs[i];
        context->backend = &backend;
        sparsed_status status = run_self_test(context, planted->mode, &message);
        context->backend = &spd_cpu_backend;
        if (status != SPARSED_E_SELF_TEST || !strstr(message.text, planted->found))
            fail_msg("bug %zu: status %d, \"%s\", not \"%s\"", i, status, message.text,
                     planted->found);
        assert_int_equal(run_self_test(context, planted->mode, &message), SPARSED_OK);
    }
}

static void test_self_test__words_past_the_first(void **state) {
    sparsed_context *context = *state;
    spd_backend backend = spd_cpu_backend;
    backend.enqueue = enqueue_one_word;
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_JOINT; mode++) {
        sparsed_message message = {""};
        context->backend = &backend;
        sparsed_status status = run_self_test(context, mode, &message);
        context->backend = &spd_cpu_backend;
        assert_int_equal(status, SPARSED_E_SELF_TEST);
        assert_non_null(strstr(message.text, "sparse output is off by"));
    }
}

/* ---- the real rows ---- */

/* Both reductions, and an output type of its own, in turns. */
static double check_variant(sparsed_context *context, size_t row, uint32_t mode, uint32_t dtype,
                            const uint32_t blocks[2]) {
    const spd_variant variant = {.dtype = dtype,
                                 .out_dtype = mode % 2 ? dtype : SPARSED_F32,
                                 .head_dim = 40,
                                 .mode = mode,
                                 .score_reduce = mode % 2,
                                 .block_q = blocks[0],
                                 .block_k = blocks[1]};
    sparsed_message message;
    double error;
    if (spd_self_test(context, row, &variant, &error, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    return error;
}

/* Every kind of variant: dense alone, all modes and storage types, few and many key blocks. */
static void test_self_test__every_variant(void **state) {
    static const uint32_t blocks[][2] = {{64, 16}, {16, 32}, {32, 64}, {128, 128}};
    sparsed_context *context = *state;
    sparsed_message message;
    double worst = 0.0;
    for (size_t row = 0; row < context->backend->row_count; row++) {
        if (context->backend->accept(context->state, row, NULL, &message) != SPARSED_OK)
            continue;
        for (uint32_t mode = 0; mode <= SPARSED_MODE_STREAMING; mode++)
            for (uint32_t dtype = SPARSED_F32; dtype <= SPARSED_BF16; dtype++)
                for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
                    if (!(context->backend->rows[row].dtypes >> dtype & 1))
                        continue;
                    double error = check_variant(context, row, mode, dtype, blocks[i]);
                    if (dtype == SPARSED_F32)
                        worst = error > worst ? error : worst;
                }
    }
    print_message("largest error of the f32 self-tests: %.1e\n", worst);
    assert_true(worst > 0.0 && worst < 1e-5);
}

static int open_cpu(void **state) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context = NULL;
    options.device = "cpu";
    sparsed_status status = sparsed_context_create(&options, &context, NULL);
    *state = context;
    return status != SPARSED_OK;
}

static int close_cpu(void **state) {
    sparsed_context_destroy(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_self_test__finds_bugs),
        cmocka_unit_test(test_self_test__words_past_the_first),
        cmocka_unit_test(test_self_test__every_variant),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
