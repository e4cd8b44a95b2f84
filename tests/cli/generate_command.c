/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "cli/generate_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

command_words generate_words(const char *model, const char *const *more) {
    command_words words = {.count = 0};
    command_add(&words, "generate");
    command_add_option(&words, "--model", model);
    for (; *more; more++)
        command_add(&words, *more);
    return words;
}

cJSON *generate(const char *model, const char *const *more) {
    command_words words = generate_words(model, more);
    command_add(&words, "--json");
    return command_run_json(&words);
}

void assert_tokens_equal(const cJSON *actual, const cJSON *expected) {
    int n = cJSON_GetArraySize(expected);
    assert_true(n > 0);
    assert_int_equal(cJSON_GetArraySize(actual), n);
    for (int i = 0; i < n; i++) {
        double got = cJSON_GetArrayItem(actual, i)->valuedouble;
        double wanted = cJSON_GetArrayItem(expected, i)->valuedouble;
        if (got != wanted)
            fail_msg("token %d is %g, not %g", i, got, wanted);
    }
}
