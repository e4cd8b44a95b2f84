/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * compare/suite.c, generator.c, case_input.c, sample.c: the suite's data are these bytes on every
 * machine, and try what their kind says.
 */
#include "compare/case_describe.h"
#include "compare/sample.h"
#include "compare/suite_record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/oracle.h"

static case_input make(const suite_case *c, uint64_t seed) {
    case_input input;
    tool_error error;
    if (!case_input_generate(c, seed, &input, &error))
        fail_msg("%s", error.text);
    return input;
}

/* The suite's first case of a kind and type. */
static const suite_case *find(generator_kind kind, uint32_t dtype) {
    for (size_t i = 0; i < suite_count(); i++)
        if (suite_at(i)->kind == kind && suite_at(i)->shape->dtype == dtype)
            return suite_at(i);
    fail_msg("the suite has no case of kind %s", generator_kind_name(kind));
    return NULL;
}

static bool same(sparsed_fingerprint a, sparsed_fingerprint b) {
    return a.low == b.low && a.high == b.high;
}

static double at(const case_input *in, const void *tensor, uint64_t index) {
    return spd_oracle_load(tensor, in->problem.desc.dtype, index);
}

/* ---- the bytes ---- */

static void test_case_input_generate__gives_the_bytes_that_the_suite_knows(void **state) {
    (void)state;
    for (size_t i = 0; i < suite_count(); i++) {
        case_input input = make(suite_at(i), SUITE_SEED);
        assert_true(same(input.digest, suite_at(i)->digest));
        case_input_free(&input);
    }
}

/* The digests above are of one machine's hash: the numbers themselves, by hand from the definition in
 * generator.h. */
static void test_generator_fill__is_what_it_was_when_the_suite_was_made(void **state) {
    (void)state;
    const generator g = {1, 1, GENERATOR_NORMAL, SPARSED_F32};
    float values[4], expected[4];
    uint64_t key = 2;
    for (int round = 0; round < 2; round++) {
        key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9u;
        key = (key ^ key >> 27) * 0x94d049bb133111ebu;
        key ^= key >> 31;
        key += round == 0 ? 16 : 0; /* stream 1, sequence 0 */
    }
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t z = key + i * 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        int sum = (int)(z & 0xffff) + (int)(z >> 16 & 0xffff) + (int)(z >> 32 & 0xffff) +
                  (int)(z >> 48) - 131070;
        expected[i] = (float)sum / 32768.0f;
    }
    generator_fill(&g, GENERATOR_Q, 1, 1, 4, values);
    assert_memory_equal(values, expected, sizeof values);
}

static void test_case_input_generate__follows_the_seed_alone(void **state) {
    (void)state;
    const suite_case *c = find(GENERATOR_CLUSTERS, SPARSED_F32);
    case_input a = make(c, 7), b = make(c, 7), other = make(c, 8);
    assert_true(same(a.digest, b.digest));
    assert_false(same(a.q_digest, other.q_digest));
    assert_false(same(a.k_digest, other.k_digest));
    assert_false(same(a.v_digest, other.v_digest));
    assert_false(same(a.fixed_digest, other.fixed_digest));
    case_input_free(&a);
    case_input_free(&b);
    case_input_free(&other);
}

static void test_case_input_generate__refuses_data_that_the_suite_does_not_know(void **state) {
    (void)state;
    suite_case changed = *find(GENERATOR_NORMAL, SPARSED_BF16);
    case_input input;
    tool_error error;
    changed.digest.low ^= 1;
    assert_false(case_input_generate(&changed, SUITE_SEED, &input, &error));
    assert_non_null(strstr(error.text, "digest"));
    assert_true(case_input_generate(&changed, SUITE_SEED + 1, &input, &error));
    case_input_free(&input);
}

static void test_suite_at__has_a_name_and_a_stream_for_each_case(void **state) {
    (void)state;
    for (size_t i = 0; i < suite_count(); i++)
        for (size_t j = 0; j < i; j++) {
            char a[SUITE_NAME_BYTES], b[SUITE_NAME_BYTES];
            suite_name(suite_at(i), a);
            suite_name(suite_at(j), b);
            assert_string_not_equal(a, b);
            assert_int_not_equal(suite_at(i)->stream, suite_at(j)->stream);
        }
}

/* What the issue of the suite is: types, head dimensions, kinds of data; and the quick part of it. */
static void test_suite_at__covers_types_and_kinds(void **state) {
    (void)state;
    bool dims[2][SPARSED_BF16 + 1] = {{false}}, quick[SPARSED_BF16 + 1] = {false};
    bool modes[SPARSED_MODE_JOINT + 1] = {false};
    for (size_t i = 0; i < suite_count(); i++) {
        const suite_case *c = suite_at(i);
        dims[c->shape->head_dim == 128][c->shape->dtype] = true;
        quick[c->shape->dtype] = quick[c->shape->dtype] || c->quick;
        modes[c->shape->mode] = true;
    }
    for (uint32_t dtype = SPARSED_F32; dtype <= SPARSED_BF16; dtype++) {
        assert_true(dims[0][dtype] && dims[1][dtype] && quick[dtype]);
        for (int kind = 0; kind < GENERATOR_KINDS; kind++)
            if (kind != GENERATOR_CLUSTERS)
                find((generator_kind)kind, dtype);
    }
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_JOINT; mode++)
        assert_true(modes[mode]);
}

/* ---- the kinds ---- */

static void test_generator_fill__is_near_normal(void **state) {
    (void)state;
    for (uint32_t dtype = SPARSED_F32; dtype <= SPARSED_BF16; dtype++) {
        case_input in = make(find(GENERATOR_NORMAL, dtype), SUITE_SEED);
        uint64_t n = case_input_out_count(&in);
        double sum = 0.0, squares = 0.0;
        for (uint64_t i = 0; i < n; i++) {
            double value = at(&in, in.q, i);
            assert_true(fabs(value) < 4.0);
            sum += value;
            squares += value * value;
        }
        assert_true(fabs(sum / (double)n) < 0.03);
        assert_true(fabs(squares / (double)n - 4.0 / 3.0) < 0.03);
        case_input_free(&in);
    }
}

/* A kernel that rounds f32 to the 11 bits of TF32 or f16 must not get away with it. */
static void test_generator_fill__gives_f32_more_bits_than_f16(void **state) {
    (void)state;
    case_input in = make(find(GENERATOR_NORMAL, SPARSED_F32), SUITE_SEED);
    const float *q = in.q;
    uint64_t n = case_input_out_count(&in), longer = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &q[i], sizeof bits);
        longer += (bits & 0x1fffu) != 0;
    }
    assert_true(longer > n / 2);
    case_input_free(&in);
}

static void test_generator_fill__of_ties_repeats_the_keys(void **state) {
    (void)state;
    case_input in = make(find(GENERATOR_TIES, SPARSED_F16), SUITE_SEED);
    const sparsed_desc *d = &in.problem.desc;
    const unsigned char *k = in.k, *v = in.v;
    size_t row = d->head_dim * sizeof(uint16_t);
    for (uint64_t r = 16; r < d->kv_len; r++) {
        assert_memory_equal(k + r * row, k + r % 16 * row, row);
        assert_memory_not_equal(v + r * row, v + r % 16 * row, row);
    }
    case_input_free(&in);
}

/* Each 16 keys are the first 16 in another order. */
static void test_generator_fill__of_near_ties_turns_the_keys(void **state) {
    (void)state;
    case_input in = make(find(GENERATOR_NEAR_TIES, SPARSED_F32), SUITE_SEED);
    const sparsed_desc *d = &in.problem.desc;
    const unsigned char *k = in.k;
    size_t row = d->head_dim * sizeof(float);
    assert_int_equal(d->kv_len % 16, 0);
    for (uint64_t r = 16; r < d->kv_len; r += 16) {
        uint32_t met = 0;
        assert_memory_not_equal(k + r * row, k + (r - 16) * row, row);
        for (uint64_t i = 0; i < 16; i++)
            for (uint64_t j = 0; j < 16; j++)
                met |= (uint32_t)(memcmp(k + (r + i) * row, k + j * row, row) == 0) << j;
        assert_int_equal(met, 0xffff);
    }
    case_input_free(&in);
}

/* The logits of one head, D 64: their deviation, and the largest one's lead over the next. */
static void measure_logits(const case_input *in, double *deviation, double *lead) {
    const sparsed_desc *d = &in->problem.desc;
    double squares = 0.0;
    *lead = INFINITY;
    for (uint64_t r = 0; r < d->q_len; r++) {
        double first = -INFINITY, second = -INFINITY;
        for (uint64_t c = 0; c < d->kv_len; c++) {
            double s = 0.0;
            for (uint64_t i = 0; i < d->head_dim; i++)
                s += at(in, in->q, r * d->head_dim + i) * at(in, in->k, c * d->head_dim + i);
            s *= d->scale;
            squares += s * s;
            second = fmax(second, fmin(s, first));
            first = fmax(first, s);
        }
        *lead = fmin(*lead, first - second);
    }
    *deviation = sqrt(squares / (double)(d->q_len * d->kv_len));
}

static void test_generator_fill__scales_the_logits(void **state) {
    (void)state;
    double deviation, lead;
    const struct {
        generator_kind kind;
        double low, high;
    } kinds[] = {{GENERATOR_LARGE, 310.0, 370.0},
                 {GENERATOR_TINY, 0.0012, 0.0014},
                 {GENERATOR_EQUAL, 8.0, 8.0}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        case_input in = make(find(kinds[i].kind, SPARSED_F16), SUITE_SEED);
        measure_logits(&in, &deviation, &lead);
        assert_true(deviation >= kinds[i].low && deviation <= kinds[i].high);
        case_input_free(&in);
    }
    case_input in = make(find(GENERATOR_DOMINANT, SPARSED_F32), SUITE_SEED);
    measure_logits(&in, &deviation, &lead);
    assert_true(lead > 40.0);
    case_input_free(&in);
}

static void test_generator_fill__of_denormals_stays_below_the_normal_numbers(void **state) {
    (void)state;
    static const double least_normal[] = {
        [SPARSED_F32] = 0x1p-126, [SPARSED_F16] = 0x1p-14, [SPARSED_BF16] = 0x1p-126};
    for (uint32_t dtype = SPARSED_F32; dtype <= SPARSED_BF16; dtype++) {
        case_input in = make(find(GENERATOR_DENORMALS, dtype), SUITE_SEED);
        const sparsed_desc *d = &in.problem.desc;
        uint64_t n = (uint64_t)d->kv_heads * d->kv_len * d->head_dim, zeros = 0;
        for (uint64_t i = 0; i < n; i++) {
            double v = at(&in, in.v, i), k = at(&in, in.k, i);
            assert_true(fabs(v) < least_normal[dtype]);
            assert_true(i % 2 == 0 || fabs(k) < least_normal[dtype]);
            zeros += v == 0.0;
        }
        assert_true(zeros < n / 20);
        case_input_free(&in);
    }
}

static void test_case_input_generate__poisons_padding(void **state) {
    (void)state;
    case_input in = make(find(GENERATOR_PADDED, SPARSED_F32), SUITE_SEED);
    const sparsed_desc *d = &in.problem.desc;
    uint64_t padded = 0;
    for (uint32_t b = 0; b < d->batch; b++)
        for (uint64_t r = 0; r < d->kv_len; r++) {
            bool valid = r >= in.start[b] && r < in.end[b];
            uint64_t row = ((uint64_t)b * d->heads + d->heads - 1) * d->kv_len + r;
            assert_int_equal(isnan(at(&in, in.q, row * d->head_dim)) == 0, valid);
            assert_int_equal(isnan(at(&in, in.v, row * d->head_dim + 1)) == 0, valid);
            padded += !valid;
        }
    /* Whole blocks of it, at the tail. */
    assert_true(d->kv_len - in.end[1] > in.problem.select.block_k);
    assert_true(padded > d->kv_len / 3);
    case_input_free(&in);
}

static void test_generator_pattern__keeps_valid_blocks_and_one_a_row(void **state) {
    (void)state;
    for (size_t i = 0; i < suite_count(); i++) {
        case_input in = make(suite_at(i), SUITE_SEED);
        const spd_problem *p = &in.problem;
        uint64_t kept = 0, valid = 0;
        for (uint64_t h = 0; h < case_input_heads(&in); h++)
            for (uint64_t q = 0; q < p->q_blocks; q++) {
                const spd_extent *e = &in.extents[h / p->desc.heads];
                const uint8_t *row = in.fixed + (h * p->q_blocks + q) * p->k_blocks;
                uint64_t of_row = 0;
                for (uint64_t k = 0; k < p->k_blocks; k++) {
                    assert_false(row[k] && (q >= e->q_blocks || k >= e->k_blocks));
                    of_row += row[k];
                }
                assert_int_equal(of_row > 0, q < e->q_blocks);
                kept += of_row;
                valid += q < e->q_blocks ? e->k_blocks : 0;
            }
        double share = (double)kept / (double)valid, asked = suite_at(i)->sixteenths / 16.0;
        assert_true(share > asked / 1.5 && share < asked + 0.25);
        case_input_free(&in);
    }
}

/* ---- the sample ---- */

static void check_rising(const uint64_t *chosen, uint64_t count, uint64_t all) {
    assert_int_equal(chosen[0], 0);
    assert_int_equal(chosen[count - 1], all - 1);
    for (uint64_t i = 1; i < count; i++)
        assert_true(chosen[i] > chosen[i - 1]);
}

/* An even step would meet the same row of each block. */
static void test_sample_rows__of_a_large_case_meet_many_rows_of_a_block(void **state) {
    (void)state;
    case_input in = make(find(GENERATOR_CLUSTERS, SPARSED_F32), SUITE_SEED);
    uint64_t rows[SAMPLE_ROWS];
    uint32_t met = 0, count = 0;
    assert_int_equal(sample_row_count(&in), SAMPLE_ROWS);
    sample_rows(&in, rows);
    for (int i = 0; i < SAMPLE_ROWS; i++)
        met |= 1u << rows[i] % 32;
    for (; met; met &= met - 1)
        count++;
    assert_true(count > 16);
    case_input_free(&in);
}

static void test_sample_rows__are_all_of_a_small_case_and_64_of_a_large_one(void **state) {
    (void)state;
    bool met[2] = {false, false};
    for (size_t i = 0; i < suite_count(); i++) {
        case_input in = make(suite_at(i), SUITE_SEED);
        uint64_t rows = sample_row_count(&in), blocks = sample_query_block_count(&in);
        bool large = case_input_out_count(&in) > SAMPLE_SMALL;
        uint64_t *chosen = calloc(rows + blocks, sizeof *chosen);
        assert_non_null(chosen);
        sample_rows(&in, chosen);
        check_rising(chosen, rows, in.problem.desc.q_len);
        sample_query_blocks(&in, chosen);
        check_rising(chosen, blocks, in.problem.q_blocks);
        assert_int_equal(rows, large ? 64 : in.problem.desc.q_len);
        assert_int_equal(blocks, large ? 4 : in.problem.q_blocks);
        met[large] = true;
        free(chosen);
        case_input_free(&in);
    }
    assert_true(met[0] && met[1]);
}

/* ---- a record held to the suite ---- */

enum { CASE = 8 }; /* of the suite's: padded, so that ranges differ from batch to batch */

/* A record of one case, as the suite has it. */
static record new_record(void) {
    record r = {.suite = SUITE_NAME, .suite_version = SUITE_VERSION, .seed = 77, .case_count = 1};
    case_input input = make(suite_at(CASE), r.seed);
    r.cases = record_room(&r, 1, sizeof *r.cases);
    assert_non_null(r.cases);
    assert_true(case_describe(&input, &r, &r.cases[0]));
    case_input_free(&input);
    return r;
}

/* Refuses the record, and frees it. */
static void refuse_record(record *r, const char *why) {
    tool_error error;
    if (suite_check(r, "r.safetensors", &error))
        fail_msg("was taken, though: %s", why);
    if (!strstr(error.text, why) || !strstr(error.text, "r.safetensors: case "))
        fail_msg("\"%s\" does not say: %s", error.text, why);
    record_free(r);
}

static void test_suite_check__takes_the_suites_own(void **state) {
    (void)state;
    tool_error error;
    record r = new_record();
    if (!suite_check(&r, "r", &error))
        fail_msg("%s", error.text);
    /* What did not run has no ranges and no sample. */
    snprintf(r.cases[0].failure, sizeof r.cases[0].failure, "the device was lost");
    r.cases[0].ranges = NULL;
    assert_true(suite_check(&r, "r", &error));
    /* Nothing is known of these. */
    snprintf(r.cases[0].name, sizeof r.cases[0].name, "a-case");
    r.suite_version = SUITE_VERSION + 1;
    assert_true(suite_check(&r, "r", &error));
    snprintf(r.suite, sizeof r.suite, "input");
    r.suite_version = SUITE_VERSION;
    assert_true(suite_check(&r, "r", &error));
    record_free(&r);
}

static void test_suite_check__names_what_is_not_the_suites(void **state) {
    (void)state;
    record r = new_record();
    snprintf(r.cases[0].name, sizeof r.cases[0].name, "f32-easy");
    refuse_record(&r, "case f32-easy is none of suite standard, version 1");
    r = new_record();
    snprintf(r.cases[0].data, sizeof r.cases[0].data, "normal");
    refuse_record(&r, "f32-d64-b32x32-padded-123 is not the suite's of this name: "
                      "data is padded and normal (suite, file)");
    r = new_record();
    r.cases[0].desc.kv_heads = 1;
    refuse_record(&r, "kv_heads is 2 and 1");
    r = new_record();
    r.cases[0].desc.dtype = SPARSED_F16;
    refuse_record(&r, "dtype is f32 and f16");
    r = new_record();
    r.cases[0].select.block_q = 64;
    refuse_record(&r, "block_q is 32 and 64");
    r = new_record();
    r.cases[0].select.mode = SPARSED_MODE_PAPER;
    refuse_record(&r, "mode is upstream-dream and paper");
    r = new_record();
    r.cases[0].v_digest.low ^= 1;
    refuse_record(&r, "the digest of v is ");
    r = new_record();
    r.seed++;
    refuse_record(&r, "the digest of q is ");
    r = new_record();
    ((sparsed_pattern_range *)r.cases[0].ranges)[1].key_start = 12;
    refuse_record(&r, "key_start is 13 and 12");
    r = new_record();
    r.cases[0].row_count--;
    refuse_record(&r, "rows has 123 and 122 of them");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_input_generate__gives_the_bytes_that_the_suite_knows),
        cmocka_unit_test(test_generator_fill__is_what_it_was_when_the_suite_was_made),
        cmocka_unit_test(test_case_input_generate__follows_the_seed_alone),
        cmocka_unit_test(test_case_input_generate__refuses_data_that_the_suite_does_not_know),
        cmocka_unit_test(test_suite_at__has_a_name_and_a_stream_for_each_case),
        cmocka_unit_test(test_suite_at__covers_types_and_kinds),
        cmocka_unit_test(test_generator_fill__is_near_normal),
        cmocka_unit_test(test_generator_fill__gives_f32_more_bits_than_f16),
        cmocka_unit_test(test_generator_fill__of_ties_repeats_the_keys),
        cmocka_unit_test(test_generator_fill__of_near_ties_turns_the_keys),
        cmocka_unit_test(test_generator_fill__scales_the_logits),
        cmocka_unit_test(test_generator_fill__of_denormals_stays_below_the_normal_numbers),
        cmocka_unit_test(test_case_input_generate__poisons_padding),
        cmocka_unit_test(test_generator_pattern__keeps_valid_blocks_and_one_a_row),
        cmocka_unit_test(test_sample_rows__of_a_large_case_meet_many_rows_of_a_block),
        cmocka_unit_test(test_sample_rows__are_all_of_a_small_case_and_64_of_a_large_one),
        cmocka_unit_test(test_suite_check__takes_the_suites_own),
        cmocka_unit_test(test_suite_check__names_what_is_not_the_suites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
