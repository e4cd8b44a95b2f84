/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Model folders made from llada-tiny: other storage types, tied embeddings, wrong shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dlm/weights.h"
#include "dlm/widen.h"
#include "support/model_golden.h"
#include "support/plain_attention.h"
#include "support/test_files.h"

#define LLADA_DIR GOLDEN_DIR "/llada-tiny"
#define LLADA_WEIGHTS LLADA_DIR "/model-00001-of-00001.safetensors"
#define EMBEDDING "model.transformer.wte.weight"
#define HEAD "model.transformer.ff_out.weight"

enum { MAX_TENSORS = 64, VOCAB = 512 };

/* A model folder in the making: llada-tiny's tensors, to be changed, then written. */
typedef struct new_model {
    test_folder *folder;
    safetensors_file *source;
    safetensors_tensor tensors[MAX_TENSORS];
    size_t count;
} new_model;

static new_model begin_model(void **state) {
    new_model m = {.folder = *state};
    tool_error error;
    test_file_or_skip(LLADA_WEIGHTS);
    m.source = safetensors_open(LLADA_WEIGHTS, &error);
    if (!m.source) {
        fail_msg("%s", error.text);
    }
    m.count = safetensors_count(m.source);
    assert_true(m.count <= MAX_TENSORS);
    for (size_t i = 0; i < m.count; i++) {
        m.tensors[i] = *safetensors_at(m.source, i);
    }
    return m;
}

static safetensors_tensor *find_tensor(new_model *m, const char *name) {
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->tensors[i].name, name) == 0) {
            return &m->tensors[i];
        }
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

/* Writes the folder, with llada-tiny's config.json in which `from` is replaced by `to`, and
 * closes the source. */
static void write_model(new_model *m, const char *from, const char *to) {
    char changed[4096];
    tool_error error;
    char *config = test_file_read(LLADA_DIR "/config.json", NULL);
    const char *at = strstr(config, from);
    assert_non_null(at);
    int size = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - config), config, to,
                        at + strlen(from));
    assert_in_range(size, 1, sizeof changed - 1);
    free(config);
    test_folder_write_text(m->folder, "config.json", changed);
    if (!safetensors_write(test_folder_path(m->folder, "model.safetensors"), m->tensors, m->count,
                           NULL, NULL, 0, &error)) {
        fail_msg("%s", error.text);
    }
    safetensors_close(m->source);
}

static void forward(const char *dir, float logits[VOCAB]) {
    dlm_model *model = golden_load_model(dir);
    plain_attention plain = plain_attention_for(dlm_model_config(model));
    const dlm_attention attention = {plain_attend, &plain, SPARSED_F32, SPARSED_F32, true, 0};
    const uint32_t tokens[] = {2, 3, 300, 301, 4, 1}, row = 5;
    tool_error error;
    assert_true(dlm_model_forward(model, tokens, 6, &row, 1, &attention, logits, &error));
    dlm_model_free(model);
}

static void assert_load_fails(const char *dir, const char *words) {
    tool_error error = {0};
    assert_null(dlm_model_load(dir, 0, &error));
    if (!strstr(error.text, words)) {
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    }
}

static uint16_t f16_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 23 & 255) - 112;
    if (exponent <= 0) {
        return 0;
    }
    return (uint16_t)((bits >> 16 & 0x8000) | (uint32_t)exponent << 10 | (bits >> 13 & 0x3ff));
}

/* Every tensor in `dtype`, f16 or f32; the new data are the caller's to free. */
static unsigned char *convert_tensors(new_model *m, safetensors_dtype dtype) {
    const size_t element = safetensors_dtype_bytes(dtype);
    size_t total = 0, at = 0;
    for (size_t i = 0; i < m->count; i++) {
        assert_int_equal(m->tensors[i].dtype, SAFETENSORS_BF16);
        total += (size_t)m->tensors[i].size_bytes / 2;
    }
    unsigned char *data = malloc(total * element);
    assert_non_null(data);
    for (size_t i = 0; i < m->count; i++) {
        safetensors_tensor *tensor = &m->tensors[i];
        const size_t n = (size_t)tensor->size_bytes / 2;
        for (size_t j = 0; j < n; j++) {
            float value;
            dlm_widen(SAFETENSORS_BF16, tensor->data, j, 1, &value);
            uint16_t half = f16_of(value);
            memcpy(data + at + j * element,
                   dtype == SAFETENSORS_F16 ? (void *)&half : (void *)&value, element);
        }
        tensor->dtype = dtype;
        tensor->data = data + at;
        tensor->size_bytes = n * element;
        at += n * element;
    }
    return data;
}

static void test_dlm_model_load__takes_f32_weights(void **state) {
    float expected[VOCAB], logits[VOCAB];
    new_model m = begin_model(state);
    unsigned char *data = convert_tensors(&m, SAFETENSORS_F32);
    write_model(&m, "", "");
    forward(LLADA_DIR, expected);
    forward(m.folder->path, logits);
    assert_memory_equal(logits, expected, sizeof expected);
    free(data);
}

/* Of bf16's values only those below f16's range are lost. */
static void test_dlm_model_load__takes_f16_weights(void **state) {
    float expected[VOCAB], logits[VOCAB];
    new_model m = begin_model(state);
    unsigned char *data = convert_tensors(&m, SAFETENSORS_F16);
    write_model(&m, "", "");
    forward(LLADA_DIR, expected);
    forward(m.folder->path, logits);
    assert_true(golden_relative_error(logits, expected, VOCAB) < 1e-3);
    free(data);
}

/* Tied embeddings equal a head that is a copy of them. */
static void test_dlm_model_load__takes_tied_embeddings(void **state) {
    float copied[VOCAB], tied[VOCAB], untied[VOCAB];
    new_model m = begin_model(state);
    find_tensor(&m, HEAD)->data = find_tensor(&m, EMBEDDING)->data;
    write_model(&m, "", "");
    forward(m.folder->path, copied);

    m = begin_model(state);
    *find_tensor(&m, HEAD) = m.tensors[m.count - 1];
    m.count--;
    write_model(&m, "\"weight_tying\": false", "\"weight_tying\": true");
    forward(m.folder->path, tied);

    assert_memory_equal(tied, copied, sizeof tied);
    forward(LLADA_DIR, untied);
    assert_memory_not_equal(tied, untied, sizeof tied);
}

static void test_dlm_model_load__names_a_missing_tensor(void **state) {
    static const char *const names[] = {
        EMBEDDING,
        HEAD,
        "model.transformer.ln_f.weight",
        "model.transformer.blocks.0.attn_norm.weight",
        "model.transformer.blocks.1.k_proj.weight",
        "model.transformer.blocks.2.ff_out.weight",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        new_model m = begin_model(state);
        *find_tensor(&m, names[i]) = m.tensors[m.count - 1];
        m.count--;
        write_model(&m, "", "");
        assert_load_fails(m.folder->path, names[i]);
    }
}

static void test_dlm_model_load__names_a_tensor_of_another_shape(void **state) {
    new_model m = begin_model(state);
    write_model(&m, "\"mlp_hidden_size\": 384", "\"mlp_hidden_size\": 392");
    assert_load_fails(m.folder->path, "model.transformer.blocks.0.ff_proj.weight");
}

static void test_dlm_model_load__refuses_a_missing_folder(void **state) {
    (void)state;
    assert_load_fails("/nonexistent/model", "/nonexistent/model");
}

static void test_dlm_model_load__refuses_too_many_threads(void **state) {
    (void)state;
    tool_error error = {0};
    assert_null(dlm_model_load(LLADA_DIR, UINT32_MAX, &error));
    assert_true(error.usage);
    assert_non_null(strstr(error.text, "4294967295 threads"));
}

/* Linear layers run on the CPU whatever device attention has. */
static void test_dlm_model_load__refuses_a_wrong_level(void **state) {
    (void)state;
    tool_error error = {0};
    test_file_or_skip(LLADA_WEIGHTS);
    const char *value = getenv("SPARSED_CPU_ISA");
    char *before = value ? strdup(value) : NULL;
    assert_int_equal(setenv("SPARSED_CPU_ISA", "avx1024", 1), 0);
    dlm_model *model = dlm_model_load(LLADA_DIR, 1, &error);
    assert_int_equal(before ? setenv("SPARSED_CPU_ISA", before, 1) : unsetenv("SPARSED_CPU_ISA"),
                     0);
    free(before);
    assert_null(model);
    assert_non_null(strstr(error.text, "linear layers run on the CPU: SPARSED_CPU_ISA is "
                                       "'avx1024'; known are: "));
}

static void test_dlm_model_free__ignores_null(void **state) {
    (void)state;
    dlm_model_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_dlm_model_load__takes_f32_weights),
        TEST_IN_FOLDER(test_dlm_model_load__takes_f16_weights),
        TEST_IN_FOLDER(test_dlm_model_load__takes_tied_embeddings),
        TEST_IN_FOLDER(test_dlm_model_load__names_a_missing_tensor),
        TEST_IN_FOLDER(test_dlm_model_load__names_a_tensor_of_another_shape),
        cmocka_unit_test(test_dlm_model_load__refuses_a_missing_folder),
        cmocka_unit_test(test_dlm_model_load__refuses_too_many_threads),
        cmocka_unit_test(test_dlm_model_load__refuses_a_wrong_level),
        cmocka_unit_test(test_dlm_model_free__ignores_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
