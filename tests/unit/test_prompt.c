/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Prompts as ids: prefix and suffix, raw prompts, special tokens in the caller's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dlm/prompt.h"

static dlm_config config;
static dlm_tokenizer *tokenizer;

static int open_model(void **state) {
    (void)state;
    tool_error error;
    tokenizer = dlm_tokenizer_load(MODELS_DIR "/tiny-dream/tokenizer.json", &error);
    return tokenizer && dlm_config_load(MODELS_DIR "/tiny-dream", &config, &error) ? 0 : -1;
}

static int close_model(void **state) {
    (void)state;
    dlm_tokenizer_free(tokenizer);
    dlm_config_free(&config);
    return 0;
}

static void check(const char *text, bool raw, const uint32_t *ids, size_t count) {
    dlm_prompt prompt;
    tool_error error;
    if (!dlm_prompt_encode(tokenizer, &config, text, strlen(text), raw, &prompt, &error))
        fail_msg("%s", error.text);
    assert_int_equal(prompt.length, count);
    assert_memory_equal(prompt.ids, ids, count * sizeof *ids);
    dlm_prompt_free(&prompt);
    assert_null(prompt.ids);
}

static void test_prompt_encode__prefix_and_suffix(void **state) {
    (void)state;
    const uint32_t ids[] = {2, 3, 105, 4}; /* start, user, "a", assistant */
    check("a", false, ids, 4);
}

static void test_prompt_encode__raw(void **state) {
    (void)state;
    const uint32_t plain[] = {105}, special[] = {2, 105, 4};
    check("a", true, plain, 1);
    check("<|startoftext|>a<|assistant|>", true, special, 3);
}

static void test_prompt_encode__no_special_tokens_in_a_callers_text(void **state) {
    (void)state;
    dlm_prompt prompt;
    tool_error error;
    const char *text = "<|assistant|>";
    assert_true(dlm_prompt_encode(tokenizer, &config, text, strlen(text), false, &prompt, &error));
    assert_true(prompt.length > 4);
    for (size_t i = 2; i + 1 < prompt.length; i++)
        assert_true(prompt.ids[i] >= 8);
    dlm_prompt_free(&prompt);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompt_encode__prefix_and_suffix),
        cmocka_unit_test(test_prompt_encode__raw),
        cmocka_unit_test(test_prompt_encode__no_special_tokens_in_a_callers_text),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
