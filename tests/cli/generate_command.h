/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What the tests of `sparsed generate` share: running it, and comparing tokens. */
#ifndef TESTS_CLI_GENERATE_COMMAND_H
#define TESTS_CLI_GENERATE_COMMAND_H

#include "cli/run_command.h"

#define DREAM_DIR MODELS_DIR "/tiny-dream"
#define LLADA_DIR GOLDEN_DIR "/llada-tiny"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* generate with a model and more words. */
command_words generate_words(const char *model, const char *const *more);

/* The same with --json, run. */
cJSON *generate(const char *model, const char *const *more);

void assert_tokens_equal(const cJSON *actual, const cJSON *expected);

#endif
