/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The forward pass against the golden logits and, inside the layers, the golden q, k, v. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/levels.h"
#include "dlm/widen.h"
#include "src/half.h"
#include "support/model_golden.h"
#include "support/plain_attention.h"

#define LLADA_DIR GOLDEN_DIR "/llada-tiny"
#define LLADA_GOLDEN "llada-tiny/golden.safetensors"
#define DREAM_DIR MODELS_DIR "/tiny-dream"

/* golden/README.md, "Tolerances"; what float32 reaches is some 1e-6. */
static const double tolerance = 2e-5;

/* The model's input before `step` of the run `name`: the prompt and the stored tokens. */
static void put_tokens(const model_golden *golden, const char *name, uint32_t step) {
    char tensor[64];
    size_t count;
    snprintf(tensor, sizeof tensor, "%s.gen_tokens_before_step", name);
    uint32_t *tokens = golden_ids(golden, tensor, &count);
    assert_int_equal(count, (size_t)golden->steps * golden->gen_length);
    memcpy(golden->ids + golden->prompt_length, tokens + (size_t)step * golden->gen_length,
           golden->gen_length * sizeof *tokens);
    free(tokens);
}

/* Which positions the file's n rows of logits belong to. */
static void put_rows(const model_golden *golden, size_t n, uint32_t *rows) {
    const uint32_t few[] = {0, 1, golden->gen_length / 2, golden->gen_length - 1};
    assert_true(n == 4 || n == golden->gen_length);
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = golden->prompt_length + (n == 4 ? few[i] : i);
    }
}

/* The logits of one step of the run "full" or "sparsed", from the stored tokens and mask. */
static void check_logits(dlm_model *model, const model_golden *golden, const char *name,
                         uint32_t step) {
    const dlm_config *config = dlm_model_config(model);
    plain_attention plain = plain_attention_for(config);
    const dlm_attention attention = {plain_attend, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    uint32_t rows[64];
    char tensor[64];
    size_t count;
    tool_error error;
    if (strcmp(name, "sparsed") == 0 && step > golden->end) {
        plain.mask = golden->mask;
        plain.block = golden->block;
    }
    snprintf(tensor, sizeof tensor, "%s.logits.step%u", name, step);
    float *expected = golden_floats(golden, tensor, &count);
    float *logits = calloc(count, sizeof *logits);
    assert_non_null(logits);
    put_tokens(golden, name, step);
    put_rows(golden, count / config->vocab, rows);
    if (!dlm_model_forward(model, golden->ids, golden->len, rows, (uint32_t)(count / config->vocab),
                           &attention, logits, &error)) {
        fail_msg("%s", error.text);
    }
    double relative = golden_relative_error(logits, expected, count);
    print_message("%s: relative error %.2g\n", tensor, relative);
    assert_true(relative <= tolerance);
    free(logits);
    free(expected);
}

static void check_all_logits(const char *model_dir, const char *golden_name) {
    model_golden golden = golden_open(golden_name);
    dlm_model *model = golden_load_model(model_dir);
    const uint32_t steps[] = {0, golden.end, golden.end + 1, golden_fact(&golden, "late"),
                              golden.steps - 1};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i += SMALL_TESTS ? 2 : 1) {
        check_logits(model, &golden, "full", steps[i]);
        check_logits(model, &golden, "sparsed", steps[i]);
    }
    dlm_model_free(model);
    golden_close(&golden);
}

static void test_dlm_model_forward__logits_of_llada_tiny(void **state) {
    (void)state;
    check_all_logits(LLADA_DIR, LLADA_GOLDEN);
}

static void test_dlm_model_forward__logits_of_e2e_maskgit(void **state) {
    (void)state;
    check_all_logits(DREAM_DIR, "e2e_maskgit.safetensors");
}

/* A few steps only: these sequences are long. */
static void test_dlm_model_forward__logits_of_golden_e2e(void **state) {
    (void)state;
    model_golden golden = golden_open("golden_e2e.safetensors");
    dlm_model *model = golden_load_model(DREAM_DIR);
    check_logits(model, &golden, "full", 0);
    check_logits(model, &golden, "full", golden_fact(&golden, "late"));
    check_logits(model, &golden, "sparsed", golden.end + 1);
    check_logits(model, &golden, "sparsed", golden.steps - 1);
    dlm_model_free(model);
    golden_close(&golden);
}

/* An attention callback that compares what it sees at the probe positions. */
typedef struct probing_attention {
    plain_attention plain;
    const model_golden *golden;
    const uint32_t *positions;
    uint32_t n_positions;
} probing_attention;

static void check_probe(const probing_attention *probing, uint32_t layer, const char *what,
                        const float *rows, uint32_t heads) {
    const uint32_t n = probing->n_positions, dim = probing->plain.head_dim;
    char tensor[64];
    size_t count;
    snprintf(tensor, sizeof tensor, "step0.layer%u.%s", layer, what);
    float *expected = golden_floats(probing->golden, tensor, &count);
    assert_int_equal(count, (size_t)heads * n * dim);
    float *actual = malloc(count * sizeof *actual);
    assert_non_null(actual);
    for (uint32_t head = 0; head < heads; head++) {
        for (uint32_t i = 0; i < n; i++) {
            memcpy(actual + ((size_t)head * n + i) * dim,
                   rows + ((size_t)probing->positions[i] * heads + head) * dim,
                   dim * sizeof *actual);
        }
    }
    double relative = golden_relative_error(actual, expected, count);
    print_message("%s: relative error %.2g\n", tensor, relative);
    assert_true(relative <= tolerance);
    free(actual);
    free(expected);
}

static bool attend_and_probe(void *user, uint32_t layer, const void *q, const void *k,
                             const void *v, void *out, uint32_t len, tool_error *error) {
    probing_attention *probing = user;
    if (!plain_attend(&probing->plain, layer, q, k, v, out, len, error)) {
        return false;
    }
    check_probe(probing, layer, "q", q, probing->plain.heads);
    check_probe(probing, layer, "k", k, probing->plain.kv_heads);
    check_probe(probing, layer, "v", v, probing->plain.kv_heads);
    check_probe(probing, layer, "attn", out, probing->plain.heads);
    return true;
}

static void check_probes(const char *model_dir, const char *golden_name) {
    model_golden golden = golden_open(golden_name);
    dlm_model *model = golden_load_model(model_dir);
    size_t count;
    uint32_t *positions = golden_ids(&golden, "probe_positions", &count);
    probing_attention probing = {plain_attention_for(dlm_model_config(model)), &golden, positions,
                                 (uint32_t)count};
    const dlm_attention attention = {attend_and_probe, &probing, SPARSED_F32, SPARSED_F32, true, 0};
    tool_error error;
    put_tokens(&golden, "full", 0);
    assert_true(
        dlm_model_forward(model, golden.ids, golden.len, NULL, 0, &attention, NULL, &error));
    free(positions);
    dlm_model_free(model);
    golden_close(&golden);
}

static void test_dlm_model_forward__layers_of_llada_tiny(void **state) {
    (void)state;
    check_probes(LLADA_DIR, LLADA_GOLDEN);
}

static void test_dlm_model_forward__layers_of_e2e_maskgit(void **state) {
    (void)state;
    check_probes(DREAM_DIR, "e2e_maskgit.safetensors");
}

static void test_dlm_model_forward__layers_of_golden_e2e(void **state) {
    (void)state;
    check_probes(DREAM_DIR, "golden_e2e.safetensors");
}

static bool attend_nothing(void *user, uint32_t layer, const void *q, const void *k, const void *v,
                           void *out, uint32_t len, tool_error *error) {
    const plain_attention *plain = user;
    (void)layer, (void)q, (void)k, (void)v, (void)error;
    memset(out, 0, (size_t)len * plain->heads * plain->head_dim * sizeof(float));
    return true;
}

static bool refuse_layer_two(void *user, uint32_t layer, const void *q, const void *k,
                             const void *v, void *out, uint32_t len, tool_error *error) {
    if (layer == 2) {
        return tool_fail(error, "layer two is refused");
    }
    return attend_nothing(user, layer, q, k, v, out, len, error);
}

static void test_dlm_model_forward__passes_on_a_failed_attention(void **state) {
    (void)state;
    dlm_model *model = golden_load_model(LLADA_DIR);
    plain_attention plain = plain_attention_for(dlm_model_config(model));
    const dlm_attention attention = {refuse_layer_two, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    const uint32_t tokens[] = {5, 6, 7};
    tool_error error = {0};
    assert_false(dlm_model_forward(model, tokens, 3, NULL, 0, &attention, NULL, &error));
    assert_string_equal(error.text, "layer two is refused");
    dlm_model_free(model);
}

static void test_dlm_model_forward__takes_max_position_and_no_more(void **state) {
    (void)state;
    dlm_model *model = golden_load_model(DREAM_DIR);
    const dlm_config *config = dlm_model_config(model);
    plain_attention plain = plain_attention_for(config);
    const dlm_attention attention = {attend_nothing, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    assert_int_equal(config->max_position, 4096);
    uint32_t *tokens = calloc(4097, sizeof *tokens);
    float *logits = malloc(config->vocab * sizeof *logits);
    const uint32_t last = 4095;
    tool_error error = {0};
    assert_true(tokens && logits);
    assert_true(dlm_model_forward(model, tokens, 4096, &last, 1, &attention, logits, &error));
    assert_true(isfinite(logits[0]));
    assert_false(dlm_model_forward(model, tokens, 4097, &last, 1, &attention, logits, &error));
    assert_non_null(strstr(error.text, "4097"));
    assert_non_null(strstr(error.text, "4096"));
    free(logits);
    free(tokens);
    dlm_model_free(model);
}

static void test_dlm_model_forward__names_what_is_out_of_range(void **state) {
    (void)state;
    dlm_model *model = golden_load_model(LLADA_DIR);
    plain_attention plain = plain_attention_for(dlm_model_config(model));
    const dlm_attention attention = {attend_nothing, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    const uint32_t tokens[] = {5, 511, 512}, row = 2;
    float logits[512];
    tool_error error = {0};
    assert_false(dlm_model_forward(model, tokens, 0, NULL, 0, &attention, NULL, &error));
    assert_non_null(strstr(error.text, "0 tokens"));
    assert_false(dlm_model_forward(model, tokens, 3, NULL, 0, &attention, NULL, &error));
    assert_non_null(strstr(error.text, "token 512 at position 2"));
    assert_false(dlm_model_forward(model, tokens, 2, &row, 1, &attention, logits, &error));
    assert_non_null(strstr(error.text, "position 2"));
    assert_true(dlm_model_forward(model, tokens, 2, NULL, 0, &attention, NULL, &error));
    dlm_model_free(model);
}

/* Rows may come in any order, more than once, and more of them than there are tokens. */
static void test_dlm_model_forward__rows_in_any_order(void **state) {
    (void)state;
    dlm_model *model = golden_load_model(DREAM_DIR);
    const size_t vocab = dlm_model_config(model)->vocab;
    plain_attention plain = plain_attention_for(dlm_model_config(model));
    const dlm_attention attention = {plain_attend, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    const uint32_t tokens[] = {2, 3, 300, 4, 1}, rows[] = {4, 0, 2, 3, 1, 4, 2};
    float *logits = calloc(7 * vocab, sizeof *logits), *one = calloc(vocab, sizeof *one);
    tool_error error;
    assert_true(logits && one);
    assert_true(dlm_model_forward(model, tokens, 5, rows, 7, &attention, logits, &error));
    assert_true(golden_relative_error(logits, logits + 5 * vocab, vocab) < 1e-5);
    /* Dream reads positions 0 and 1 at the same place. */
    assert_true(golden_relative_error(logits + vocab, logits + 4 * vocab, vocab) < 1e-5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(dlm_model_forward(model, tokens, 5, &rows[i], 1, &attention, one, &error));
        assert_true(golden_relative_error(one, logits + i * vocab, vocab) < 1e-5);
    }
    free(one);
    free(logits);
    dlm_model_free(model);
}

/* The last layer's q may begin where the predictions are read; no prediction may be read before. */
static void test_dlm_model_forward__leaves_out_rows_of_the_last_layer(void **state) {
    (void)state;
    dlm_model *model = golden_load_model(DREAM_DIR);
    const size_t vocab = dlm_model_config(model)->vocab;
    plain_attention plain = plain_attention_for(dlm_model_config(model));
    dlm_attention attention = {plain_attend, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    uint32_t tokens[140];
    const uint32_t rows[] = {134, 139}, before = 133;
    float *logits = calloc(4 * vocab, sizeof *logits);
    tool_error error = {0};
    assert_non_null(logits);
    for (uint32_t i = 0; i < 140; i++) {
        tokens[i] = 300 + i;
    }
    assert_true(dlm_model_forward(model, tokens, 140, rows, 2, &attention, logits, &error));
    attention.last_from = 133;
    assert_true(
        dlm_model_forward(model, tokens, 140, rows, 2, &attention, logits + 2 * vocab, &error));
    assert_memory_equal(logits, logits + 2 * vocab, 2 * vocab * sizeof *logits);
    assert_false(dlm_model_forward(model, tokens, 140, &before, 1, &attention, logits, &error));
    assert_non_null(strstr(error.text, "position 133"));
    attention.last_from = 140;
    assert_false(dlm_model_forward(model, tokens, 140, NULL, 0, &attention, logits, &error));
    assert_non_null(strstr(error.text, "row 140"));
    free(logits);
    dlm_model_free(model);
}

static float *widened(const uint16_t *from, size_t rows, size_t width) {
    const size_t stride = dlm_row_stride(width, SPARSED_BF16);
    float *to = malloc(rows * width * sizeof *to);
    assert_non_null(to);
    for (size_t r = 0; r < rows; r++) {
        dlm_widen(SAFETENSORS_BF16, from, r * stride, width, to + r * width);
    }
    return to;
}

/* Plain attention between bf16 rows, apart as products like them. */
static bool attend_in_bf16(void *user, uint32_t layer, const void *q, const void *k, const void *v,
                           void *out, uint32_t len, tool_error *error) {
    plain_attention *plain = user;
    const size_t q_width = (size_t)plain->heads * plain->head_dim;
    const size_t kv_width = (size_t)plain->kv_heads * plain->head_dim;
    const size_t stride = dlm_row_stride(q_width, SPARSED_BF16);
    float *q_floats = widened(q, len, q_width), *k_floats = widened(k, len, kv_width);
    float *v_floats = widened(v, len, kv_width), *result = malloc(len * q_width * sizeof *result);
    assert_non_null(result);
    bool done = plain_attend(plain, layer, q_floats, k_floats, v_floats, result, len, error);
    for (size_t i = 0; i < len * q_width; i++) {
        ((uint16_t *)out)[i / q_width * stride + i % q_width] = spd_bf16_from_float(result[i]);
    }
    free(q_floats);
    free(k_floats);
    free(v_floats);
    free(result);
    return done;
}

static void test_dlm_model_product_isa__is_the_level_in_use(void **state) {
    (void)state;
    dlm_model *model = golden_load_model(DREAM_DIR);
    for (int pairs = 0; pairs < 2; pairs++) {
        const spd_level *best = spd_level_best(pairs);
        if (!best) {
            continue;
        }
        size_t row = 0;
        while (spd_level_rows[row].level != best) {
            row++;
        }
        assert_string_equal(dlm_model_product_isa(model, pairs ? SPARSED_BF16 : SPARSED_F32),
                            spd_isa_name(spd_level_rows[row].isa));
    }
    dlm_model_free(model);
}

/* Against the same in float; 8 bits of mantissa give some 1e-2. */
static void test_dlm_model_forward__multiplies_bf16(void **state) {
    (void)state;
    dlm_model *model = golden_load_model(DREAM_DIR);
    const size_t vocab = dlm_model_config(model)->vocab;
    plain_attention plain = plain_attention_for(dlm_model_config(model));
    const dlm_attention floats = {plain_attend, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    const uint32_t product = dlm_model_product_dtype(model, SPARSED_BF16);
    const dlm_attention pairs = {attend_in_bf16, &plain, SPARSED_BF16, SPARSED_BF16, false, 0};
    assert_int_equal(dlm_model_product_dtype(model, SPARSED_F32), SPARSED_F32);
    assert_int_equal(dlm_model_product_dtype(model, SPARSED_F16), SPARSED_F32);
    if (product != SPARSED_BF16) {
        dlm_model_free(model);
        skip(); /* this processor does not multiply bf16 */
    }
    uint32_t tokens[200];
    const uint32_t rows[] = {1, 100, 199};
    float *logits = calloc(6 * vocab, sizeof *logits);
    tool_error error;
    assert_non_null(logits);
    for (uint32_t i = 0; i < 200; i++) {
        tokens[i] = 400 + i * 3;
    }
    assert_true(dlm_model_forward(model, tokens, 200, rows, 3, &floats, logits, &error));
    assert_true(dlm_model_forward(model, tokens, 200, rows, 3, &pairs, logits + 3 * vocab, &error));
    double relative = golden_relative_error(logits + 3 * vocab, logits, 3 * vocab);
    print_message("bf16 products: relative error %.2g\n", relative);
    assert_true(relative > 1e-4 && relative < 2e-2);
    free(logits);
    dlm_model_free(model);
}

static void test_dlm_model_forward__does_not_depend_on_threads(void **state) {
    (void)state;
    const size_t vocab = 512;
    const uint32_t rows[] = {0, 149, 299};
    uint32_t tokens[300];
    float *logits = calloc(4 * 3 * vocab, sizeof *logits);
    tool_error error;
    assert_non_null(logits);
    for (uint32_t i = 0; i < 300; i++) {
        tokens[i] = i * 7 % 512;
    }
    for (uint32_t threads = 1; threads <= 4; threads++) {
        dlm_model *model = dlm_model_load(LLADA_DIR, threads, &error);
        assert_non_null(model);
        plain_attention plain = plain_attention_for(dlm_model_config(model));
        const dlm_attention attention = {plain_attend, &plain, SPARSED_F32, SPARSED_F32, true, 0};
        float *to = logits + (threads - 1) * 3 * vocab;
        assert_true(dlm_model_forward(model, tokens, 300, rows, 3, &attention, to, &error));
        assert_memory_equal(to, logits, 3 * vocab * sizeof *logits);
        dlm_model_free(model);
    }
    free(logits);
}

static void test_dlm_model_linear_seconds__counts_up(void **state) {
    (void)state;
    dlm_model *model = golden_load_model(LLADA_DIR);
    plain_attention plain = plain_attention_for(dlm_model_config(model));
    const dlm_attention attention = {attend_nothing, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    const uint32_t tokens[] = {5, 6, 7};
    tool_error error;
    assert_true(dlm_model_linear_seconds(model) == 0.0);
    assert_true(dlm_model_forward(model, tokens, 3, NULL, 0, &attention, NULL, &error));
    assert_true(dlm_model_linear_seconds(model) > 0.0);
    assert_true(dlm_model_linear_seconds(model) > 0.0);
    dlm_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_model_forward__layers_of_llada_tiny),
        cmocka_unit_test(test_dlm_model_forward__logits_of_llada_tiny),
        cmocka_unit_test(test_dlm_model_forward__layers_of_e2e_maskgit),
        cmocka_unit_test(test_dlm_model_forward__logits_of_e2e_maskgit),
        cmocka_unit_test(test_dlm_model_forward__layers_of_golden_e2e),
        cmocka_unit_test(test_dlm_model_forward__logits_of_golden_e2e),
        cmocka_unit_test(test_dlm_model_forward__passes_on_a_failed_attention),
        cmocka_unit_test(test_dlm_model_forward__takes_max_position_and_no_more),
        cmocka_unit_test(test_dlm_model_forward__names_what_is_out_of_range),
        cmocka_unit_test(test_dlm_model_forward__rows_in_any_order),
        cmocka_unit_test(test_dlm_model_forward__leaves_out_rows_of_the_last_layer),
        cmocka_unit_test(test_dlm_model_product_isa__is_the_level_in_use),
        cmocka_unit_test(test_dlm_model_forward__multiplies_bf16),
        cmocka_unit_test(test_dlm_model_forward__does_not_depend_on_threads),
        cmocka_unit_test(test_dlm_model_linear_seconds__counts_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
