/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What must hold between runs of one kernel row, whatever the numbers are. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/compare.h"
#include "support/kernel_check.h"
#include "support/kernel_rows.h"
#include "support/random.h"

static const uint32_t scored_modes[] = {SPARSED_MODE_PAPER, SPARSED_MODE_UPSTREAM_DREAM,
                                        SPARSED_MODE_UPSTREAM_LLADA, SPARSED_MODE_JOINT};
static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16, SPARSED_BF16};

enum { MODES = 4, LEN = SMALL_TESTS ? 197 : 333 };

static void assert_same_bits(const attention_case *c, const attention_result *a,
                             const attention_result *b) {
    if (a->out) {
        assert_memory_equal(a->out, b->out, case_out_count(c) * sizeof *a->out);
        assert_memory_equal(a->lse, b->lse, case_lse_count(c) * sizeof *a->lse);
    }
    if (a->scores)
        assert_memory_equal(a->scores, b->scores, case_block_count(c) * sizeof *a->scores);
    if (a->scores_generation)
        assert_memory_equal(a->scores_generation, b->scores_generation,
                            case_block_count(c) * sizeof *a->scores_generation);
    if (a->mask)
        assert_memory_equal(a->mask, b->mask, case_block_count(c));
}

static attention_case new_case(const kernel_row *row, uint32_t mode, uint32_t dtype, double ratio) {
    attention_case c = {.desc = case_desc(2, 4, 2, row_head_dim(row, 64), LEN),
                        .select = case_select(mode, 128, 32, 100, ratio)};
    c.desc.dtype = dtype;
    case_prepare(&c, mode * 10 + dtype);
    return c;
}

/* ---- repeatability ---- */

/* Dense + build, then sparse: what a pipeline runs. */
typedef struct both_runs {
    attention_result built, sparse;
} both_runs;

static both_runs run_both(attention_case *c, const kernel_row *row, uint32_t threads) {
    sparsed_context *context = open_row(row, threads);
    assert_non_null(context);
    sparsed_plan *plan = case_plan(c, context);
    sparsed_kept *kept = case_kept(plan);
    both_runs runs = {.built = case_run(c, plan, SPARSED_DENSE_BUILD, kept)};
    runs.sparse = case_run(c, plan, SPARSED_SPARSE, kept);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    return runs;
}

static void free_both(both_runs *runs) {
    result_free(&runs->built);
    result_free(&runs->sparse);
}

static void assert_threads_change_nothing(attention_case *c, const kernel_row *row) {
    static const uint32_t threads[] = {2, 3, 7};
    const int counts = row->compiles ? 1 : 3; /* a number of threads is the CPU's alone */
    both_runs one = run_both(c, row, 1);
    for (int t = 0; t < counts; t++) {
        both_runs many = run_both(c, row, threads[t]);
        assert_same_bits(c, &many.built, &one.built);
        assert_same_bits(c, &many.sparse, &one.sparse);
        free_both(&many);
    }
    free_both(&one);
}

static void test_plan_run__threads_do_not_change_a_bit(void **state) {
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < 2 * MODES; i++) {
        attention_case c = new_case(row, scored_modes[i % MODES], dtypes[i % 3], 0.3);
        assert_threads_change_nothing(&c, row);
        case_free(&c);
    }
}

static attention_result run_dense(attention_case *c, const kernel_row *row, uint32_t threads) {
    sparsed_context *context = open_row(row, threads);
    assert_non_null(context);
    sparsed_plan *plan = case_plan(c, context);
    attention_result result = case_run(c, plan, SPARSED_DENSE, NULL);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    return result;
}

/* Query rows of a dense pass may be cut otherwise where threads are many. In the second case units
 * are many enough to need no parts if they are small, but not if they are large. */
static void test_plan_run__threads_do_not_change_a_bit_of_dense(void **state) {
    static const struct {
        uint32_t heads;
        uint64_t q_len, kv_len;
        uint32_t threads[4];
    } cases[] = {{4, 523, 523, {2, 3, 4, 16}}, {32, 129, 1024, {16}}};
    kernel_row *row = usable_row(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        attention_case c = {
            .desc = case_desc(1, cases[i].heads, 2, row_head_dim(row, 16), cases[i].kv_len)};
        c.desc.q_len = cases[i].q_len;
        case_prepare(&c, i);
        attention_result one = run_dense(&c, row, 1);
        for (int t = 0; t < (row->compiles ? 1 : 4) && cases[i].threads[t] > 0; t++) {
            attention_result many = run_dense(&c, row, cases[i].threads[t]);
            assert_same_bits(&c, &many, &one);
            result_free(&many);
        }
        result_free(&one);
        case_free(&c);
    }
}

/* Few query rows against many keys, where the keys of one row may be split. */
static void test_plan_run__threads_do_not_change_a_bit_of_few_rows(void **state) {
    static const uint64_t q_lens[] = {1, 16, 128, 250};
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < 4; i++) {
        attention_case c = {.desc = case_desc(1, 2, 1, row_head_dim(row, 64), 4096),
                            .select = case_select(scored_modes[i], 128, 32, 100, 0.3)};
        c.desc.q_len = q_lens[i];
        c.desc.dtype = dtypes[i % 3];
        case_prepare(&c, i);
        assert_threads_change_nothing(&c, row);
        attention_result one = run_dense(&c, row, 1), many = run_dense(&c, row, 7);
        assert_same_bits(&c, &many, &one);
        result_free(&one);
        result_free(&many);
        case_free(&c);
    }
}

static void test_plan_run__twice_gives_the_same_bits(void **state) {
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < MODES; i++) {
        attention_case c = new_case(row, scored_modes[i], dtypes[i % 3], 0.3);
        both_runs first = run_both(&c, row, 2);
        both_runs second = run_both(&c, row, 2);
        assert_same_bits(&c, &first.built, &second.built);
        assert_same_bits(&c, &first.sparse, &second.sparse);
        free_both(&first);
        free_both(&second);
        case_free(&c);
    }
}

/* One plan and its scratch, used by other runs in between. */
static void test_plan_run__earlier_runs_leave_no_trace(void **state) {
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < MODES; i++) {
        attention_case c = new_case(row, scored_modes[i], SPARSED_F32, 0.3);
        sparsed_plan *plan = case_plan(&c, row->context);
        sparsed_kept *kept = case_kept(plan);
        attention_result first = case_run(&c, plan, SPARSED_DENSE_BUILD, kept);
        for (uint64_t e = 0; e < case_out_count(&c); e++)
            c.q[e] *= 32.0f; /* exact in every type */
        case_store(&c);
        attention_result other = case_run(&c, plan, SPARSED_BUILD_SPARSE, kept);
        for (uint64_t e = 0; e < case_out_count(&c); e++)
            c.q[e] /= 32.0f;
        case_store(&c);
        attention_result again = case_run(&c, plan, SPARSED_DENSE_BUILD, kept);
        assert_same_bits(&c, &first, &again);
        result_free(&first);
        result_free(&other);
        result_free(&again);
        sparsed_kept_destroy(kept);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
}

/* Contexts share nothing: two threads may each use one at the same time. */
typedef struct worker {
    pthread_t thread;
    const kernel_row *row;
    attention_case c;
    both_runs runs;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    w->runs = run_both(&w->c, w->row, 2);
    return NULL;
}

static void test_plan_run__contexts_in_two_threads(void **state) {
    kernel_row *row = usable_row(state);
    worker workers[2];
    for (uint32_t i = 0; i < 2; i++) {
        workers[i] = (worker){.row = row, .c = new_case(row, scored_modes[i], dtypes[i], 0.3)};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < 2; i++)
        pthread_join(workers[i].thread, NULL);
    for (uint32_t i = 0; i < 2; i++) {
        both_runs alone = run_both(&workers[i].c, row, 2);
        assert_same_bits(&workers[i].c, &workers[i].runs.built, &alone.built);
        assert_same_bits(&workers[i].c, &workers[i].runs.sparse, &alone.sparse);
        free_both(&alone);
        free_both(&workers[i].runs);
        case_free(&workers[i].c);
    }
}

/* ---- dense and sparse ---- */

static void test_plan_run__all_blocks_kept_is_dense(void **state) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    for (uint32_t i = 0; i < 3 * MODES; i++) {
        attention_case c = new_case(row, scored_modes[i % MODES], dtypes[i % 3], 1.0);
        both_runs runs = run_both(&c, row, 2);
        for (uint64_t b = 0; b < case_block_count(&c); b++)
            assert_int_equal(runs.sparse.mask[b], 1);
        errors.cases++;
        check_result(&c, "all kept", &runs.sparse, &runs.built, check_bounds_of(c.desc.dtype),
                     &errors);
        free_both(&runs);
        case_free(&c);
    }
    print_errors("all kept against dense", &errors);
}

static void test_plan_run__dense_build_and_build_choose_the_same(void **state) {
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < 2 * MODES; i++) {
        attention_case c = new_case(row, scored_modes[i % MODES], dtypes[i % 3], 0.25);
        sparsed_plan *plan = case_plan(&c, row->context);
        sparsed_kept *kept = case_kept(plan);
        attention_result both = case_run(&c, plan, SPARSED_DENSE_BUILD, kept);
        attention_result alone = case_run(&c, plan, SPARSED_BUILD, kept);
        attention_result dense = case_run(&c, plan, SPARSED_DENSE, NULL);
        assert_memory_equal(both.mask, alone.mask, case_block_count(&c));
        assert_memory_equal(both.scores, alone.scores, case_block_count(&c) * sizeof(double));
        check_errors errors = {0};
        check_result(&c, "dense against dense + build", &dense, &both,
                     check_bounds_of(c.desc.dtype), &errors);
        result_free(&both);
        result_free(&alone);
        result_free(&dense);
        sparsed_kept_destroy(kept);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
}

/* ---- symmetry ---- */

/* Heads in another order (key heads too): the same results in that order. */
static void test_plan_run__permuted_heads(void **state) {
    enum { HEADS = 4 };
    static const uint32_t order[HEADS] = {2, 0, 3, 1};
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < MODES; i++) {
        const uint32_t dim = row_head_dim(row, 40);
        attention_case c = {.desc = case_desc(1, HEADS, HEADS, dim, LEN),
                            .select = case_select(scored_modes[i], 64, 16, 90, 0.3)};
        attention_case p = c;
        case_prepare(&c, 5);
        case_prepare(&p, 5);
        const uint64_t head_values = (uint64_t)LEN * dim;
        for (uint32_t h = 0; h < HEADS; h++) {
            memcpy(p.q + h * head_values, c.q + order[h] * head_values, head_values * sizeof *c.q);
            memcpy(p.k + h * head_values, c.k + order[h] * head_values, head_values * sizeof *c.k);
            memcpy(p.v + h * head_values, c.v + order[h] * head_values, head_values * sizeof *c.v);
        }
        case_store(&p);
        both_runs first = run_both(&c, row, 2), second = run_both(&p, row, 2);
        const uint64_t head_blocks = c.problem.q_blocks * c.problem.k_blocks;
        for (uint32_t h = 0; h < HEADS; h++) {
            assert_memory_equal(second.built.mask + h * head_blocks,
                                first.built.mask + order[h] * head_blocks, head_blocks);
            assert_memory_equal(second.built.out + h * head_values,
                                first.built.out + order[h] * head_values,
                                head_values * sizeof(double));
            assert_memory_equal(second.sparse.out + h * head_values,
                                first.sparse.out + order[h] * head_values,
                                head_values * sizeof(double));
        }
        free_both(&first);
        free_both(&second);
        case_free(&c);
        case_free(&p);
    }
}

/* One sequence padded on either side, beside others in a batch: what it gives alone. */
static void check_padded(kernel_row *row, uint32_t mode, uint64_t left, uint64_t right) {
    const uint32_t dim = row_head_dim(row, 40);
    attention_case alone = {.desc = case_desc(1, 2, 1, dim, LEN),
                            .select = case_select(mode, 64, 32, 100, 0.3)};
    attention_case padded = {.desc = case_desc(2, 2, 1, dim, left + LEN + right),
                             .select = alone.select,
                             .has_valid = true,
                             .valid_start = {0, left},
                             .valid_end = {LEN, left + LEN}};
    alone.select.flags = padded.select.flags = SPARSED_SELECT_KEEP_DIAGONAL;
    case_prepare(&alone, 6);
    case_prepare(&padded, 7);
    for (uint64_t r = 0; r < LEN; r++) {
        memcpy(case_kv_row(&padded, padded.k, 1, 0, left + r),
               case_kv_row(&alone, alone.k, 0, 0, r), dim * sizeof(float));
        memcpy(case_kv_row(&padded, padded.v, 1, 0, left + r),
               case_kv_row(&alone, alone.v, 0, 0, r), dim * sizeof(float));
        for (uint64_t h = 0; h < 2; h++)
            memcpy(case_q_row(&padded, 1, h, left + r), case_q_row(&alone, 0, h, r),
                   dim * sizeof(float));
    }
    case_store(&padded);
    both_runs single = run_both(&alone, row, 2);
    both_runs batch = run_both(&padded, row, 2);
    const uint64_t nk = padded.problem.k_blocks, nq = padded.problem.q_blocks;
    const uint64_t rows = left + LEN + right;
    for (uint64_t h = 0; h < 2; h++) {
        for (uint64_t i = 0; i < nq; i++)
            for (uint64_t j = 0; j < nk; j++) {
                bool inside = i < alone.problem.q_blocks && j < alone.problem.k_blocks;
                uint64_t at = (h * alone.problem.q_blocks + i) * alone.problem.k_blocks + j;
                assert_int_equal(batch.built.mask[((2 + h) * nq + i) * nk + j],
                                 inside ? single.built.mask[at] : 0);
            }
        const uint64_t first = ((2 + h) * rows + left) * dim;
        const double *here[] = {batch.built.out + first, batch.sparse.out + first};
        const double *there[] = {single.built.out + h * LEN * dim,
                                 single.sparse.out + h * LEN * dim};
        for (int run = 0; run < 2; run++)
            assert_error_within("padded",
                                relative_error(here[run], there[run], LEN * (uint64_t)dim), 1e-6);
    }
    free_both(&single);
    free_both(&batch);
    case_free(&alone);
    case_free(&padded);
}

static void test_plan_run__padded_sequence_as_alone(void **state) {
    kernel_row *row = usable_row(state);
    for (uint32_t i = 0; i < MODES; i++) {
        check_padded(row, scored_modes[i], 0, 51);
        check_padded(row, scored_modes[i], 13, 0);
        check_padded(row, scored_modes[i], 77, 20);
    }
}

/* ---- merging ---- */

/* Attention over the first keys, and over the rest, in two runs: merged they are the whole. */
static void test_lse_merge__two_halves_of_the_keys(void **state) {
    kernel_row *row = usable_row(state);
    static const uint64_t cuts[] = {40, 128, 150, LEN - 40};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const uint64_t dim = row_head_dim(row, 40);
        attention_case c = {.desc = case_desc(1, 2, 2, (uint32_t)dim, LEN)};
        c.desc.q_len = 40;
        c.desc.k = c.desc.v = (sparsed_strides){2 * LEN * dim, LEN * dim, dim};
        c.desc.out_dtype = SPARSED_F32;
        case_prepare(&c, i);
        const uint64_t key_bytes = dim * (c.desc.dtype == SPARSED_F32 ? 4 : 2);
        sparsed_plan *plan = case_plan(&c, row->context);
        attention_result whole = case_run(&c, plan, SPARSED_DENSE, NULL);
        const uint64_t out_bytes = case_out_count(&c) * sizeof(float);
        float *outs[2], lse[2][80];
        sparsed_io parts[2];
        for (int half = 0; half < 2; half++) {
            outs[half] = malloc(out_bytes);
            assert_non_null(outs[half]);
            parts[half] = c.io;
            parts[half].kv_len = half ? LEN - cuts[i] : cuts[i];
            parts[half].k.offset_bytes = half ? cuts[i] * key_bytes : 0;
            parts[half].v.offset_bytes = parts[half].k.offset_bytes;
            parts[half].out = (sparsed_buffer){outs[half], 0};
            parts[half].lse = (sparsed_buffer){lse[half], 0};
            assert_int_equal(sparsed_plan_run(plan, SPARSED_DENSE, &parts[half], NULL), SPARSED_OK);
        }
        assert_int_equal(sparsed_lse_merge(row->context, &c.desc, parts, 2, &parts[0]), SPARSED_OK);
        double *merged = malloc(case_out_count(&c) * sizeof *merged), merged_lse[80];
        assert_non_null(merged);
        for (uint64_t e = 0; e < case_out_count(&c); e++)
            merged[e] = (double)outs[0][e];
        for (uint64_t e = 0; e < case_lse_count(&c); e++)
            merged_lse[e] = (double)lse[0][e];
        assert_error_within("merged out", relative_error(merged, whole.out, case_out_count(&c)),
                            check_bounds_of(c.desc.dtype).out);
        assert_error_within("merged lse", lse_error(merged_lse, whole.lse, case_lse_count(&c)),
                            1e-5);
        free(merged);
        free(outs[0]);
        free(outs[1]);
        result_free(&whole);
        sparsed_plan_destroy(plan);
        case_free(&c);
    }
}

/* A random pattern, and the blocks that it leaves: sparse runs over both merge to the dense one. */
static void test_lse_merge__pattern_and_its_complement(void **state) {
    kernel_row *row = usable_row(state);
    attention_case c = {.desc = case_desc(2, 4, 2, row_head_dim(row, 64), LEN),
                        .select = case_select(SPARSED_MODE_JOINT, 128, 32, 100, 0.5)};
    c.desc.out_dtype = SPARSED_F32;
    case_prepare(&c, 1);
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = c.desc.batch,
                                       .heads = c.desc.heads,
                                       .block_q = c.select.block_q,
                                       .block_k = c.select.block_k,
                                       .q_len = LEN,
                                       .kv_len = LEN};
    const uint64_t blocks = case_block_count(&c);
    sparsed_plan *plan = case_plan(&c, row->context);
    sparsed_kept *kept = case_kept(plan);
    attention_result dense = case_run(&c, plan, SPARSED_DENSE, NULL);
    uint8_t *mask = malloc(blocks);
    uint64_t random = 4;
    for (uint64_t i = 0; i < blocks; i++)
        mask[i] = random_bits(&random) & 1;
    float *out[2], *lse[2];
    sparsed_io parts[2];
    for (int part = 0; part < 2; part++) {
        sparsed_pattern *pattern;
        out[part] = calloc(case_out_count(&c), sizeof(float));
        lse[part] = calloc(case_lse_count(&c), sizeof(float));
        assert_int_equal(sparsed_pattern_from_mask(&info, mask, NULL, &pattern, NULL), SPARSED_OK);
        assert_int_equal(sparsed_kept_set(kept, pattern), SPARSED_OK);
        sparsed_pattern_release(pattern);
        parts[part] = c.io;
        parts[part].out = (sparsed_buffer){out[part], 0};
        parts[part].lse = (sparsed_buffer){lse[part], 0};
        assert_int_equal(sparsed_plan_run(plan, SPARSED_SPARSE, &parts[part], kept), SPARSED_OK);
        for (uint64_t i = 0; i < blocks; i++)
            mask[i] = !mask[i];
    }
    assert_int_equal(sparsed_lse_merge(row->context, &c.desc, parts, 2, &parts[1]), SPARSED_OK);
    double difference = 0.0, norm = 0.0;
    for (uint64_t i = 0; i < case_out_count(&c); i++) {
        difference += pow((double)out[1][i] - dense.out[i], 2.0);
        norm += dense.out[i] * dense.out[i];
    }
    assert_error_within("merged out", sqrt(difference / norm), check_bounds_of(c.desc.dtype).out);
    for (int part = 0; part < 2; part++) {
        free(out[part]);
        free(lse[part]);
    }
    free(mask);
    result_free(&dense);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_run__threads_do_not_change_a_bit),
        cmocka_unit_test(test_plan_run__threads_do_not_change_a_bit_of_dense),
        cmocka_unit_test(test_plan_run__threads_do_not_change_a_bit_of_few_rows),
        cmocka_unit_test(test_plan_run__twice_gives_the_same_bits),
        cmocka_unit_test(test_plan_run__earlier_runs_leave_no_trace),
        cmocka_unit_test(test_plan_run__contexts_in_two_threads),
        cmocka_unit_test(test_plan_run__all_blocks_kept_is_dense),
        cmocka_unit_test(test_plan_run__dense_build_and_build_choose_the_same),
        cmocka_unit_test(test_plan_run__permuted_heads),
        cmocka_unit_test(test_plan_run__padded_sequence_as_alone),
        cmocka_unit_test(test_lse_merge__two_halves_of_the_keys),
        cmocka_unit_test(test_lse_merge__pattern_and_its_complement),
    };
    return run_tests_on_all_rows(tests, sizeof tests / sizeof *tests);
}
