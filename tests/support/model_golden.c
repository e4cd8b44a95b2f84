/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See model_golden.h. */
#include "support/model_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/test_files.h"

static void *copy_tensor(const model_golden *golden, const char *name, safetensors_dtype dtype,
                         size_t *count) {
    const safetensors_tensor *tensor = safetensors_find(golden->file, name);
    if (!tensor || tensor->dtype != dtype || tensor->size_bytes == 0) {
        fail_msg("%s has no %s tensor %s", safetensors_path(golden->file),
                 safetensors_dtype_string(dtype), name);
        return NULL;
    }
    void *copy = malloc((size_t)tensor->size_bytes);
    assert_non_null(copy);
    memcpy(copy, tensor->data, (size_t)tensor->size_bytes);
    if (count) {
        *count = (size_t)tensor->size_bytes / safetensors_dtype_bytes(dtype);
    }
    return copy;
}

static const char *fact(const model_golden *golden, const char *key) {
    const char *text = safetensors_metadata(golden->file, key);
    if (!text) {
        fail_msg("%s has no fact %s", safetensors_path(golden->file), key);
    }
    return text;
}

model_golden golden_open(const char *name) {
    model_golden golden = {0};
    char path[1024];
    tool_error error;
    size_t count;
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, name);
    test_file_or_skip(path);
    golden.file = safetensors_open(path, &error);
    if (!golden.file) {
        fail_msg("%s", error.text);
        return golden;
    }
    golden.len = golden_fact(&golden, "S");
    golden.gen_length = golden_fact(&golden, "G");
    golden.prompt_length = golden.len - golden.gen_length;
    golden.steps = golden_fact(&golden, "steps");
    golden.end = golden_fact(&golden, "end");
    golden.block = golden_fact(&golden, "block");
    golden.ids = golden_ids(&golden, "ids", &count);
    assert_int_equal(count, golden.len);
    golden.mask = copy_tensor(&golden, "sparsed.block_mask", SAFETENSORS_U8, &count);
    return golden;
}

void golden_close(model_golden *golden) {
    free(golden->ids);
    free(golden->mask);
    safetensors_close(golden->file);
}

dlm_model *golden_load_model(const char *dir) {
    tool_error error;
    dlm_model *model = dlm_model_load(dir, 0, &error);
    if (!model) {
        fail_msg("%s", error.text);
    }
    return model;
}

uint32_t golden_fact(const model_golden *golden, const char *key) {
    return (uint32_t)strtoul(fact(golden, key), NULL, 10);
}

void golden_fact_list(const model_golden *golden, const char *key, uint32_t *values,
                      uint32_t count) {
    const char *at = fact(golden, key);
    for (uint32_t i = 0; i < count; i++) {
        char *end;
        values[i] = (uint32_t)strtoul(at, &end, 10);
        assert_true(end != at && *end == (i + 1 < count ? ',' : '\0'));
        at = end + 1;
    }
}

bool golden_has(const model_golden *golden, const char *name) {
    return safetensors_find(golden->file, name) != NULL;
}

float *golden_floats(const model_golden *golden, const char *name, size_t *count) {
    return copy_tensor(golden, name, SAFETENSORS_F32, count);
}

uint32_t *golden_ids(const model_golden *golden, const char *name, size_t *count) {
    return copy_tensor(golden, name, SAFETENSORS_I32, count);
}

double golden_relative_error(const float *actual, const float *expected, size_t count) {
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)actual[i] - (double)expected[i];
        difference += d * d;
        norm += (double)expected[i] * (double)expected[i];
    }
    return sqrt(difference / norm);
}
