/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The analysis of patterns made by hand: every expected number is worked out on paper.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pattern/analysis.h"

enum { MAX_BLOCKS = 8, MAX_PATTERNS = 8, BLOCK = 16 };

/* A row of a head as text: "xx.." keeps the first two of four blocks; the scores of all rows are
 * the digits "4321". Several heads: one text after the other. */
typedef struct sketch {
    uint32_t layer, step, batch, heads, q_blocks, k_blocks, block_q, mode;
    const char *const *kept;   /* [batch * heads] rows for all query blocks */
    const char *const *scores; /* the same; NULL: none */
} sketch;

/* A set as an opened file gives it. */
typedef struct opened {
    pattern_input input;
    sparsed_pattern_entry entries[MAX_PATTERNS];
    uint32_t indices[MAX_PATTERNS];
} opened;

static sparsed_pattern_info info_of(const sketch *s) {
    sparsed_pattern_info info = {.struct_size = sizeof info};
    info.batch = s->batch ? s->batch : 1;
    info.heads = s->heads ? s->heads : 1;
    info.block_q = s->block_q ? s->block_q : BLOCK;
    info.block_k = BLOCK;
    info.mode = s->mode ? s->mode : SPARSED_MODE_JOINT;
    info.step = s->step;
    info.ratio = 0.25;
    info.q_len = (uint64_t)s->q_blocks * info.block_q;
    info.kv_len = (uint64_t)s->k_blocks * BLOCK;
    return info;
}

/* mask and scores [batch * heads][q_blocks][k_blocks] of `info`; scores NULL: none. */
static sparsed_pattern *make_pattern(const sparsed_pattern_info *info, const uint8_t *mask,
                                     const float *scores) {
    sparsed_pattern *bare, *scored;
    sparsed_message message;
    assert_int_equal(sparsed_pattern_from_mask(info, mask, NULL, &bare, &message), SPARSED_OK);
    if (!scores)
        return bare;
    assert_int_equal(sparsed_pattern_with_scores(bare, scores, SPARSED_F32, &scored, &message),
                     SPARSED_OK);
    sparsed_pattern_release(bare);
    return scored;
}

static sparsed_pattern *draw(const sketch *s) {
    enum { ROOM = 4 * MAX_BLOCKS * MAX_BLOCKS };
    uint8_t mask[ROOM] = {0};
    float scores[ROOM] = {0};
    sparsed_pattern_info info = info_of(s);
    size_t at = 0;
    for (size_t h = 0; h < (size_t)info.batch * info.heads; h++)
        for (size_t i = 0; i < s->q_blocks; i++)
            for (size_t j = 0; j < s->k_blocks; j++, at++) {
                assert_true(at < ROOM);
                mask[at] = s->kept[h][j] == 'x';
                scores[at] = s->scores ? (float)(s->scores[h][j] - '0') : 0.0f;
            }
    return make_pattern(&info, mask, s->scores ? scores : NULL);
}

/* Puts patterns, which it releases, into a set. */
static void open_patterns(sparsed_pattern **patterns, const uint32_t *layers, uint32_t count,
                          opened *o) {
    sparsed_message message;
    *o = (opened){.input = {.path = "made.spdp", .count = count}};
    o->input.entries = o->entries;
    o->input.indices = o->indices;
    o->input.shared.struct_size = sizeof o->input.shared;
    assert_int_equal(
        sparsed_pattern_set_create(NULL, patterns, layers, count, NULL, &o->input.set, &message),
        SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_describe(o->input.set, NULL, &o->input.shared),
                     SPARSED_OK);
    for (uint32_t i = 0; i < count; i++) {
        o->entries[i].struct_size = sizeof o->entries[i];
        o->indices[i] = i;
        assert_int_equal(sparsed_pattern_set_entry(o->input.set, i, &o->entries[i]), SPARSED_OK);
        sparsed_pattern_release(patterns[i]);
    }
}

static bool analyse(const sketch *sketches, uint32_t count, analysis *a, tool_error *error) {
    sparsed_pattern *patterns[MAX_PATTERNS];
    uint32_t layers[MAX_PATTERNS];
    opened o;
    for (uint32_t i = 0; i < count; i++) {
        patterns[i] = draw(&sketches[i]);
        layers[i] = sketches[i].layer;
    }
    open_patterns(patterns, layers, count, &o);
    bool done = analysis_make(&o.input, a, error);
    sparsed_pattern_set_release(o.input.set);
    return done;
}

static analysis analysed(const sketch *sketches, uint32_t count) {
    analysis a;
    tool_error error = {false, ""};
    if (!analyse(sketches, count, &a, &error))
        fail_msg("%s", error.text);
    return a;
}

/* The analysis of one head of one step whose rows the caller fills in. */
static analysis analysed_head(const uint8_t *mask, const float *scores, size_t q_blocks,
                              size_t k_blocks, uint32_t block_q) {
    sketch s = {.q_blocks = (uint32_t)q_blocks, .k_blocks = (uint32_t)k_blocks, .block_q = block_q};
    sparsed_pattern_info info = info_of(&s);
    sparsed_pattern *pattern = make_pattern(&info, mask, scores);
    uint32_t layer = 0;
    tool_error error = {false, ""};
    opened o;
    analysis a;
    open_patterns(&pattern, &layer, 1, &o);
    if (!analysis_make(&o.input, &a, &error))
        fail_msg("%s", error.text);
    sparsed_pattern_set_release(o.input.set);
    return a;
}

static void assert_near(double actual, double expected) {
    if (!(fabs(actual - expected) < 1e-12))
        fail_msg("%.15g is not %.15g", actual, expected);
}

#define ROWS(...) ((const char *const[]){__VA_ARGS__})

static void test_analysis__identical_steps(void **state) {
    (void)state;
    const sketch steps[] = {
        {.step = 3, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx.."), .scores = ROWS("4321")},
        {.step = 9, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx.."), .scores = ROWS("4321")}};
    analysis a = analysed(steps, 2);
    const analysis_head *head = &a.of_head[0];
    assert_int_equal(a.steps, 2);
    assert_int_equal(a.step[0], 3);
    assert_int_equal(a.step[1], 9);
    for (size_t i = 0; i < 4; i++) {
        assert_near(head->jaccard[i], 1.0);
        assert_near(head->retained[i], 0.7);
    }
    assert_near(head->value[ANALYSIS_DENSITY], 0.5);
    assert_near(head->value[ANALYSIS_JACCARD_NEXT], 1.0);
    assert_near(head->value[ANALYSIS_JACCARD_FIRST_LAST], 1.0);
    assert_near(head->value[ANALYSIS_RETAINED_MEAN], 0.7);
    assert_near(head->value[ANALYSIS_REUSE_LOSS], 0.0);
    assert_near(head->value[ANALYSIS_OWN], 0.7);
    analysis_free(&a);
}

static void test_analysis__disjoint_steps(void **state) {
    (void)state;
    const sketch steps[] = {
        {.step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx.."), .scores = ROWS("1100")},
        {.step = 1, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("..xx"), .scores = ROWS("0011")}};
    analysis a = analysed(steps, 2);
    const analysis_head *head = &a.of_head[0];
    assert_near(head->jaccard[1], 0.0);
    assert_near(head->jaccard[2], 0.0);
    assert_near(head->retained[0], 1.0);
    assert_near(head->retained[1], 0.0);
    assert_near(head->value[ANALYSIS_REUSE_LOSS], 1.0);
    assert_near(head->value[ANALYSIS_RETAINED_LOWEST], 0.0);
    analysis_free(&a);
}

static void test_analysis__three_steps_by_hand(void **state) {
    (void)state;
    const sketch steps[] = {
        {.step = 0, .q_blocks = 2, .k_blocks = 4, .kept = ROWS("xx.."), .scores = ROWS("4321")},
        {.step = 1, .q_blocks = 2, .k_blocks = 4, .kept = ROWS(".xx."), .scores = ROWS("1234")},
        {.step = 2, .q_blocks = 2, .k_blocks = 4, .kept = ROWS("..xx"), .scores = ROWS("2222")}};
    analysis a = analysed(steps, 3);
    const analysis_head *head = &a.of_head[0];
    const double jaccard[9] = {1, 1.0 / 3, 0, 1.0 / 3, 1, 1.0 / 3, 0, 1.0 / 3, 1};
    const double retained[9] = {0.7, 0.3, 0.5, 0.5, 0.5, 0.5, 0.3, 0.7, 0.5};
    for (size_t i = 0; i < 9; i++) {
        assert_near(head->jaccard[i], jaccard[i]);
        assert_near(head->retained[i], retained[i]);
        assert_near(a.jaccard[i], jaccard[i]);
        assert_near(a.retained[i], retained[i]);
    }
    assert_near(head->value[ANALYSIS_JACCARD_NEXT], 1.0 / 3);
    assert_near(head->value[ANALYSIS_JACCARD_FIRST_LAST], 0.0);
    assert_near(head->value[ANALYSIS_JACCARD_LOWEST], 0.0);
    assert_near(head->value[ANALYSIS_JACCARD_MEAN], 2.0 / 9);
    /* (0, 1), (0, 2), (1, 2) */
    assert_near(head->value[ANALYSIS_RETAINED_MEAN], (0.3 + 0.5 + 0.5) / 3);
    assert_near(head->value[ANALYSIS_RETAINED_LOWEST], 0.3);
    assert_near(head->value[ANALYSIS_REUSE_LOSS], 0.2 / 3);
    assert_near(head->value[ANALYSIS_OWN], 1.7 / 3);
    assert_near(head->value[ANALYSIS_BEST], 1.9 / 3);
    analysis_free(&a);
}

static void test_analysis__batches_are_added_up(void **state) {
    (void)state;
    /* Equal in one batch, disjoint in the other: 2 of 2 + 4 blocks a row; mass 4 of 4, 0 of 12. */
    const sketch steps[] = {{.step = 0,
                             .batch = 2,
                             .q_blocks = 4,
                             .k_blocks = 4,
                             .kept = ROWS("xx..", "xx.."),
                             .scores = ROWS("2200", "6600")},
                            {.step = 1,
                             .batch = 2,
                             .q_blocks = 4,
                             .k_blocks = 4,
                             .kept = ROWS("xx..", "..xx"),
                             .scores = ROWS("2200", "0066")}};
    analysis a = analysed(steps, 2);
    assert_near(a.of_head[0].jaccard[1], 1.0 / 3);
    assert_near(a.of_head[0].retained[1], 0.25);
    analysis_free(&a);
}

static void test_analysis__column_head(void **state) {
    (void)state;
    uint8_t mask[64] = {0};
    float scores[64] = {0};
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 2; j < 8; j += 3) {
            mask[i * 8 + j] = 1;
            scores[i * 8 + j] = 0.5f;
        }
    analysis a = analysed_head(mask, scores, 8, 8, BLOCK);
    const double *value = a.of_head[0].value;
    assert_near(value[ANALYSIS_DENSITY], 0.25);
    assert_near(value[ANALYSIS_OWN], 1.0);
    assert_near(value[ANALYSIS_BEST], 1.0);
    assert_near(value[ANALYSIS_COLUMN_SHARE], 1.0);
    /* Rows keep i and i - 1: half of rows 2, 3, 5 and 6. With block 0 and i: of rows 2 and 5. */
    assert_near(value[ANALYSIS_DIAGONAL_SHARE], 0.25);
    assert_near(value[ANALYSIS_WINDOW], 0.125);
    assert_int_equal(a.of_head[0].class, ANALYSIS_COLUMN);
    assert_int_equal(a.classes[ANALYSIS_COLUMN], 1);
    analysis_free(&a);
}

static void test_analysis__diagonal_head(void **state) {
    (void)state;
    uint8_t mask[64] = {0};
    float scores[64] = {0};
    for (size_t i = 0; i < 8; i++)
        for (size_t j = i ? i - 1 : 0; j <= (i ? i : 1); j++) {
            mask[i * 8 + j] = 1;
            scores[i * 8 + j] = 0.5f;
        }
    analysis a = analysed_head(mask, scores, 8, 8, BLOCK);
    const double *value = a.of_head[0].value;
    assert_near(value[ANALYSIS_DIAGONAL_SHARE], 1.0);
    /* Column 1 has 1.5; of those with 1 the first, 0, is taken: 2.5 of 8. */
    assert_near(value[ANALYSIS_COLUMN_SHARE], 0.3125);
    /* Block 0 and the row's own: rows 0 and 1 whole, the others half. */
    assert_near(value[ANALYSIS_WINDOW], 0.625);
    assert_int_equal(a.of_head[0].class, ANALYSIS_DIAGONAL);
    analysis_free(&a);
}

static void test_analysis__equal_columns_are_taken_from_the_left(void **state) {
    (void)state;
    /* Both columns have 4; the row that keeps one block gets the first, with 3 of its 4. */
    const uint8_t mask[8] = {1, 0, 0, 0, 1, 1, 0, 0};
    const float scores[8] = {3, 1, 0, 0, 1, 3, 0, 0};
    analysis a = analysed_head(mask, scores, 2, 4, BLOCK);
    assert_near(a.of_head[0].value[ANALYSIS_COLUMN_SHARE], 7.0 / 8);
    analysis_free(&a);
}

static void test_analysis__even_mass_is_mixed(void **state) {
    (void)state;
    const sketch step = {
        .q_blocks = 8, .k_blocks = 8, .kept = ROWS("xx......"), .scores = ROWS("11111111")};
    analysis a = analysed(&step, 1);
    const double *value = a.of_head[0].value;
    for (size_t m = ANALYSIS_OWN; m < ANALYSIS_MEASURES; m++)
        assert_near(value[m], 0.25);
    assert_int_equal(a.of_head[0].class, ANALYSIS_MIXED);
    analysis_free(&a);
}

/* Four rows that have `own` of 100 on the diagonal and the rest in block 3 (the last row all of
 * it), under a pattern of one block a row. */
static analysis analysed_lead(float own) {
    uint8_t mask[16] = {0};
    float scores[16] = {0};
    for (size_t i = 0; i < 4; i++) {
        mask[i * 4] = 1;
        scores[i * 4 + i] += own;
        scores[i * 4 + 3] += 100.0f - own;
    }
    return analysed_head(mask, scores, 4, 4, BLOCK);
}

static void test_analysis__lead_within_the_margin_is_mixed(void **state) {
    (void)state;
    /* 0.64 against 0.61; a tenth of 0.64 - 0.25 is 0.039. */
    analysis a = analysed_lead(48.0f);
    assert_near(a.of_head[0].value[ANALYSIS_COLUMN_SHARE], 0.64);
    assert_near(a.of_head[0].value[ANALYSIS_DIAGONAL_SHARE], 0.61);
    assert_near(a.of_head[0].value[ANALYSIS_BEST], 0.64);
    assert_int_equal(a.of_head[0].class, ANALYSIS_MIXED);
    analysis_free(&a);
    /* 0.6625 against 0.5875 */
    a = analysed_lead(45.0f);
    assert_int_equal(a.of_head[0].class, ANALYSIS_COLUMN);
    analysis_free(&a);
    /* 0.5875 against 0.6625 */
    a = analysed_lead(55.0f);
    assert_int_equal(a.of_head[0].class, ANALYSIS_DIAGONAL);
    analysis_free(&a);
}

static void test_analysis__nearly_even_mass_is_mixed(void **state) {
    (void)state;
    /* The diagonal is all that stands out, by one part in four hundred. */
    uint8_t mask[16] = {0};
    float scores[16];
    for (size_t i = 0; i < 16; i++)
        scores[i] = i % 5 == 0 ? 101.0f : 100.0f;
    for (size_t i = 0; i < 4; i++)
        mask[i * 4] = 1;
    analysis a = analysed_head(mask, scores, 4, 4, BLOCK);
    assert_near(a.of_head[0].value[ANALYSIS_DIAGONAL_SHARE], 101.0 / 401);
    assert_near(a.of_head[0].value[ANALYSIS_COLUMN_SHARE], 0.25);
    assert_int_equal(a.of_head[0].class, ANALYSIS_MIXED);
    analysis_free(&a);
}

static void test_analysis__query_rows_are_the_last_ones(void **state) {
    (void)state;
    /* Two query blocks at the end of eight key blocks: their diagonal is 6 and 7. */
    uint8_t mask[16] = {0};
    float scores[16] = {0};
    mask[0] = mask[8] = 1;
    scores[6] = scores[8 + 7] = 1.0f;
    analysis a = analysed_head(mask, scores, 2, 8, BLOCK);
    assert_near(a.of_head[0].value[ANALYSIS_DIAGONAL_SHARE], 1.0);
    assert_near(a.of_head[0].value[ANALYSIS_OWN], 0.0);
    analysis_free(&a);
}

static void test_analysis__wide_query_blocks(void **state) {
    (void)state;
    /* 64 rows over key blocks of 16: the diagonal of a row is four blocks. */
    uint8_t mask[16] = {0};
    float scores[16] = {0};
    for (size_t j = 0; j < 4; j++) {
        mask[j] = mask[8 + j] = 1;
        scores[j] = scores[8 + 4 + j] = 1.0f;
    }
    analysis a = analysed_head(mask, scores, 2, 8, 64);
    assert_near(a.of_head[0].value[ANALYSIS_DIAGONAL_SHARE], 1.0);
    assert_near(a.of_head[0].value[ANALYSIS_OWN], 0.5);
    analysis_free(&a);
}

static void test_analysis__heads_against_each_other(void **state) {
    (void)state;
    const sketch steps[] = {
        {.step = 0, .heads = 2, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..", ".xx.")},
        {.step = 1, .heads = 2, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..", "xx..")}};
    analysis a = analysed(steps, 2);
    const analysis_layer *layer = &a.of_layer[0];
    assert_near(layer->head_jaccard[0], 1.0);
    assert_near(layer->head_jaccard[1], 2.0 / 3);
    assert_near(layer->head_jaccard[2], 2.0 / 3);
    assert_near(layer->head_mean, 2.0 / 3);
    assert_near(a.head_mean, 2.0 / 3);
    /* Steps: head 0 is the same in both, head 1 shares one of three blocks. */
    assert_near(a.of_head[1].jaccard[1], 1.0 / 3);
    assert_near(layer->value[ANALYSIS_JACCARD_MEAN], 2.0 / 3);
    analysis_free(&a);
}

static void test_analysis__one_step_says_nothing_of_steps(void **state) {
    (void)state;
    const sketch step = {
        .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx.."), .scores = ROWS("4321")};
    analysis a = analysed(&step, 1);
    const double *value = a.of_head[0].value;
    for (int m = ANALYSIS_JACCARD_NEXT; m <= ANALYSIS_REUSE_LOSS; m++)
        assert_true(isnan(value[m]));
    assert_near(value[ANALYSIS_OWN], 0.7);
    assert_true(isnan(a.head_mean));
    analysis_free(&a);
}

static void test_analysis__one_pattern_without_scores_says_nothing_of_mass(void **state) {
    (void)state;
    const sketch steps[] = {
        {.step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx.."), .scores = ROWS("4321")},
        {.step = 1, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("x..x")}};
    analysis a = analysed(steps, 2);
    assert_int_equal(a.score_dtype, 0);
    assert_null(a.retained);
    assert_null(a.of_head[0].retained);
    for (size_t m = ANALYSIS_RETAINED_MEAN; m < ANALYSIS_MEASURES; m++)
        assert_true(isnan(a.of_head[0].value[m]));
    assert_int_equal(a.of_head[0].class, ANALYSIS_NO_CLASS);
    assert_near(a.of_head[0].jaccard[1], 1.0 / 3);
    analysis_free(&a);
}

static void test_analysis__impossible_scores_count_nothing(void **state) {
    (void)state;
    const uint8_t mask[4] = {1, 1, 0, 0};
    const float scores[4] = {NAN, 3.0f, 1.0f, -8.0f};
    analysis a = analysed_head(mask, scores, 1, 4, BLOCK);
    assert_near(a.of_head[0].value[ANALYSIS_OWN], 0.75);
    assert_near(a.of_head[0].value[ANALYSIS_BEST], 1.0);
    analysis_free(&a);
}

static void test_analysis__scores_of_nothing_lose_nothing(void **state) {
    (void)state;
    const sketch steps[] = {
        {.step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx.."), .scores = ROWS("0000")},
        {.step = 1, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("...."), .scores = ROWS("1111")},
        {.step = 2, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("...."), .scores = ROWS("1111")}};
    analysis a = analysed(steps, 3);
    assert_near(a.of_head[0].retained[0], 1.0);
    assert_near(a.of_head[0].retained[1], 0.5);
    assert_near(a.of_head[0].retained[1 * 3 + 2], 0.0);
    assert_near(a.of_head[0].jaccard[1], 0.0);
    assert_near(a.of_head[0].jaccard[1 * 3 + 2], 1.0);
    analysis_free(&a);
}

static void test_analysis__layers_are_told_apart(void **state) {
    (void)state;
    const sketch patterns[] = {
        {.layer = 2, .step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")},
        {.layer = 7, .step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("..xx")},
        {.layer = 2, .step = 4, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")},
        {.layer = 7, .step = 4, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")}};
    analysis a = analysed(patterns, 4);
    assert_int_equal(a.layers, 2);
    assert_int_equal(a.layer[0], 2);
    assert_int_equal(a.layer[1], 7);
    assert_near(a.of_layer[0].value[ANALYSIS_JACCARD_MEAN], 1.0);
    assert_near(a.of_layer[1].value[ANALYSIS_JACCARD_MEAN], 0.0);
    assert_near(a.value[ANALYSIS_JACCARD_MEAN], 0.5);
    assert_near(a.jaccard[1], 0.5);
    analysis_free(&a);
}

static void test_analysis__steps_with_other_layers_are_refused(void **state) {
    (void)state;
    const sketch other[] = {
        {.layer = 0, .step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")},
        {.layer = 1, .step = 4, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")}};
    const sketch fewer[] = {
        {.layer = 0, .step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")},
        {.layer = 1, .step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")},
        {.layer = 0, .step = 4, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")}};
    const sketch more[] = {
        {.layer = 0, .step = 0, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")},
        {.layer = 0, .step = 4, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")},
        {.layer = 1, .step = 4, .q_blocks = 4, .k_blocks = 4, .kept = ROWS("xx..")}};
    analysis a;
    tool_error error = {false, ""};
    assert_false(analyse(other, 2, &a, &error));
    assert_non_null(strstr(error.text, "other layers of step 4 than of step 0"));
    assert_false(analyse(fewer, 3, &a, &error));
    assert_non_null(strstr(error.text, "other layers of step 4 than of step 0"));
    assert_false(analyse(more, 3, &a, &error));
    assert_non_null(strstr(error.text, "other layers of step 4 than of step 0"));
}

static void test_analysis_least_stable__ties_go_to_the_lower_head(void **state) {
    (void)state;
    analysis_head heads[5] = {{.value = {0}}};
    analysis a = {.layers = 1, .heads = 5, .of_head = heads};
    const double values[5] = {NAN, 0.5, 0.2, 0.5, 0.1};
    const size_t lowest[5] = {4, 2, 1, 3, 0}, largest[5] = {1, 3, 2, 4, 0};
    for (size_t h = 0; h < 5; h++)
        heads[h].value[ANALYSIS_JACCARD_MEAN] = heads[h].value[ANALYSIS_REUSE_LOSS] = values[h];
    size_t count, *list = analysis_least_stable(&a, ANALYSIS_JACCARD_MEAN, 9, &count);
    assert_int_equal(count, 5);
    assert_memory_equal(list, lowest, sizeof lowest);
    free(list);
    list = analysis_least_stable(&a, ANALYSIS_REUSE_LOSS, 2, &count);
    assert_int_equal(count, 2);
    assert_memory_equal(list, largest, 2 * sizeof *largest);
    free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis__identical_steps),
        cmocka_unit_test(test_analysis__disjoint_steps),
        cmocka_unit_test(test_analysis__three_steps_by_hand),
        cmocka_unit_test(test_analysis__batches_are_added_up),
        cmocka_unit_test(test_analysis__column_head),
        cmocka_unit_test(test_analysis__diagonal_head),
        cmocka_unit_test(test_analysis__equal_columns_are_taken_from_the_left),
        cmocka_unit_test(test_analysis__even_mass_is_mixed),
        cmocka_unit_test(test_analysis__lead_within_the_margin_is_mixed),
        cmocka_unit_test(test_analysis__nearly_even_mass_is_mixed),
        cmocka_unit_test(test_analysis__query_rows_are_the_last_ones),
        cmocka_unit_test(test_analysis__wide_query_blocks),
        cmocka_unit_test(test_analysis__heads_against_each_other),
        cmocka_unit_test(test_analysis__one_step_says_nothing_of_steps),
        cmocka_unit_test(test_analysis__one_pattern_without_scores_says_nothing_of_mass),
        cmocka_unit_test(test_analysis__impossible_scores_count_nothing),
        cmocka_unit_test(test_analysis__scores_of_nothing_lose_nothing),
        cmocka_unit_test(test_analysis__layers_are_told_apart),
        cmocka_unit_test(test_analysis__steps_with_other_layers_are_refused),
        cmocka_unit_test(test_analysis_least_stable__ties_go_to_the_lower_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
